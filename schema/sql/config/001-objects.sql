-- The truth of config (framework 3.1). meta (of every store) holds rev and epoch.
-- A deleted object keeps its row, without body: its DBID is never given to another.
CREATE TABLE object (
    type            TEXT    NOT NULL,
    dbid            INTEGER NOT NULL,
    tenant          TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    state           TEXT    NOT NULL,   -- enabled, disabled, deleted
    body            TEXT,               -- canonical JSON; NULL when deleted
    rev             INTEGER NOT NULL,
    created_utc_ms  INTEGER NOT NULL,
    changed_utc_ms  INTEGER NOT NULL,
    PRIMARY KEY (type, dbid)
);

-- One row per object of a revision, in the order of the change set (framework 3.6): who changed what.
-- body is the object after it, for subscribers who were away.
CREATE TABLE history (
    rev          INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    utc_ms       INTEGER NOT NULL,
    person       TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    comment      TEXT    NOT NULL,
    op           TEXT    NOT NULL,      -- added, changed, deleted
    type         TEXT    NOT NULL,
    dbid         INTEGER NOT NULL,
    tenant       TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    properties   TEXT    NOT NULL,      -- JSON: [{"path":..,"old":..,"new":..}]
    body         TEXT,
    PRIMARY KEY (rev, seq)
);
CREATE INDEX history_time ON history (utc_ms);

-- Values that never leave in clear; sealed with a key of the installation's secret. NULL: the name alone is known.
CREATE TABLE secret (
    name    TEXT    PRIMARY KEY,
    sealed  BLOB,
    rev     INTEGER NOT NULL
);
