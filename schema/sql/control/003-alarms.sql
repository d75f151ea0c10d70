-- Alarms (framework 9): the active ones, and the last ones that were cleared.
CREATE TABLE alarm (
    id              INTEGER PRIMARY KEY,       -- given by control, growing
    condition       TEXT    NOT NULL,          -- AlarmCondition object
    category        TEXT    NOT NULL,
    application     TEXT    NOT NULL,
    about           TEXT    NOT NULL,          -- host:NAME or solution:NAME, where the event is about one; else empty
    host            TEXT    NOT NULL,
    state           INTEGER NOT NULL,          -- 1 active, 2 cleared
    detections      INTEGER NOT NULL,
    raised_utc_ms   INTEGER NOT NULL,
    last_utc_ms     INTEGER NOT NULL,
    due_utc_ms      INTEGER NOT NULL,          -- of the cancel time-out; 0: none
    cleared_utc_ms  INTEGER NOT NULL,
    cleared_by      TEXT    NOT NULL,
    comment         TEXT    NOT NULL,
    event           TEXT    NOT NULL,
    text            TEXT    NOT NULL
);
CREATE INDEX alarm_active ON alarm (id) WHERE state = 1;
CREATE INDEX alarm_application ON alarm (application, id);
