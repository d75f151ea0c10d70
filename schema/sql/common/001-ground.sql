-- What every store has: facts about itself, who may write, and effects that must happen.
CREATE TABLE meta (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
);

-- One row per right to write (store/lease.h); epoch is the fencing number.
CREATE TABLE lease (
    name            TEXT    PRIMARY KEY,
    holder          TEXT    NOT NULL,
    epoch           INTEGER NOT NULL,
    expires_utc_ms  INTEGER NOT NULL
);

-- Effects to carry out once their cause is durable (store/outbox.h). state: 1 waiting, 2 sent, 3 failed.
CREATE TABLE outbox (
    id              TEXT    PRIMARY KEY,
    kind            TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    headers         TEXT    NOT NULL,
    body            BLOB    NOT NULL,
    state           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    created_utc_ms  INTEGER NOT NULL,
    due_utc_ms      INTEGER NOT NULL,
    ended_utc_ms    INTEGER,
    words           TEXT
);
CREATE INDEX outbox_due ON outbox (state, due_utc_ms);
