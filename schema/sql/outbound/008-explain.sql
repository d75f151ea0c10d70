-- Why a record was given out, or was not (design 1.7): one line per giving-out and per change of a
-- reason, kept 30 days. explain_id grows with time, so the oldest lines stand first.
CREATE TABLE explain (
    explain_id      INTEGER PRIMARY KEY,
    at_utc_ms       INTEGER NOT NULL,
    list_dbid       INTEGER NOT NULL,
    chain_id        INTEGER NOT NULL,
    chain_n         INTEGER NOT NULL,          -- 0: the whole chain
    group_dbid      INTEGER NOT NULL,          -- 0: none
    campaign_dbid   INTEGER NOT NULL,
    rule            TEXT    NOT NULL,
    inputs          TEXT    NOT NULL,
    outcome         TEXT    NOT NULL
);
CREATE INDEX explain_chain ON explain (chain_id, list_dbid);
