-- Kept log records (framework 8.5): columns as the guides name them, and ixn, which finds an interaction's records.
CREATE TABLE G_LOG_MESSAGES (
    id              INTEGER PRIMARY KEY,       -- given by control, growing
    message_id      TEXT    NOT NULL,          -- event: 00-04504
    time_generated  INTEGER NOT NULL,          -- UTC us
    time_written    INTEGER NOT NULL,          -- UTC ms
    priority        INTEGER NOT NULL,          -- 2 trace, 3 interaction, 4 standard, 5 alarm
    category        INTEGER NOT NULL,          -- 0 application, 2 audit
    app_type        TEXT,
    app_name        TEXT    NOT NULL,
    host            TEXT,
    pid             INTEGER,
    text            TEXT    NOT NULL,
    ixn             TEXT
);
-- Each way of asking reads one of these from its newest end.
CREATE INDEX g_log_messages_time ON G_LOG_MESSAGES (time_generated, id);
CREATE INDEX g_log_messages_application ON G_LOG_MESSAGES (app_name, time_generated, id);
CREATE INDEX g_log_messages_event ON G_LOG_MESSAGES (message_id, time_generated, id);
CREATE INDEX g_log_messages_ixn ON G_LOG_MESSAGES (ixn, time_generated, id) WHERE ixn IS NOT NULL;
CREATE INDEX g_log_messages_audit ON G_LOG_MESSAGES (time_generated, id) WHERE category = 2;
CREATE INDEX g_log_messages_alarm ON G_LOG_MESSAGES (time_generated, id) WHERE priority = 5;

CREATE TABLE G_LOG_ATTRS (
    lrid            INTEGER NOT NULL,          -- of the row in G_LOG_MESSAGES
    name            TEXT    NOT NULL,
    value           TEXT    NOT NULL
);
CREATE INDEX g_log_attrs_lrid ON G_LOG_ATTRS (lrid);

-- How far each stream of an application's spool is kept: a record that is sent again is known by its number.
CREATE TABLE log_stream (
    app_name        TEXT    NOT NULL,
    stream          TEXT    NOT NULL,
    up_to           INTEGER NOT NULL,
    heard_utc_ms    INTEGER NOT NULL,
    PRIMARY KEY (app_name, stream)
);
