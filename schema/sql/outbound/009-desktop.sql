-- Agents who take previews, where agent_preview_mode_start asks for it (spec outbound 6).
CREATE TABLE preview_mode (
    agent_id        TEXT    NOT NULL,
    group_dbid      INTEGER NOT NULL,
    PRIMARY KEY (agent_id, group_dbid)
) WITHOUT ROWID;
