-- A campaign group's session and the processing rounds of its chains (spec outbound 5).
CREATE TABLE session (
    group_dbid      INTEGER PRIMARY KEY,
    state           INTEGER NOT NULL,          -- 1 loaded, 2 started, 3 unloading
    guid            TEXT    NOT NULL,
    dial_mode       INTEGER NOT NULL,
    optimize_by     INTEGER NOT NULL,
    optimize_goal   INTEGER NOT NULL,
    changed_utc_ms  INTEGER NOT NULL
);

-- One row per round: a chain with an agent (state 1), and for a day what became of it (state 2). The
-- records of the chain have the handles base, base+1 ... in chain order.
CREATE TABLE round (
    handle_base     INTEGER PRIMARY KEY,
    record_count    INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    group_dbid      INTEGER NOT NULL,
    list_dbid       INTEGER NOT NULL,
    table_name      TEXT    NOT NULL,
    chain_id        INTEGER NOT NULL,
    primary_n       INTEGER NOT NULL,
    chain_guid      TEXT    NOT NULL,
    attempt_guid    TEXT    NOT NULL,
    agent_id        TEXT    NOT NULL,
    started_utc_ms  INTEGER NOT NULL,
    finished_utc_ms INTEGER,
    modified        TEXT    NOT NULL,          -- names of the primary's user fields changed in this round, comma separated
    message_guid    TEXT                       -- of its notification
);
-- No chain is with two agents, whatever the code above thinks.
CREATE UNIQUE INDEX round_owner ON round (table_name, chain_id) WHERE state = 1;
CREATE INDEX round_finished ON round (finished_utc_ms) WHERE state = 2;

-- Imports by their key: a slice that is sent again after a crash is not inserted again.
CREATE TABLE import (
    import_id       INTEGER PRIMARY KEY,
    import_key      TEXT    NOT NULL UNIQUE,
    list_dbid       INTEGER NOT NULL,
    file_name       TEXT    NOT NULL,
    columns         TEXT    NOT NULL,          -- comma separated, in the order of the cells
    slices          INTEGER NOT NULL,          -- sequence of the last slice that is durable
    inserted        INTEGER NOT NULL,
    rejected        INTEGER NOT NULL,
    chains          INTEGER NOT NULL,
    last_chain_key  TEXT,                      -- rows of a chain stand together: where it goes on
    last_chain_id   INTEGER,
    last_chain_n    INTEGER,
    started_utc_ms  INTEGER NOT NULL,
    ended_utc_ms    INTEGER
);
