-- What every store has: who may write, and effects that must happen. The table meta(name, value) with the
-- schema's version is made by the store itself, before the first migration (src/store/migrate.c).

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
    words           TEXT,                      -- how the last attempt ended
    sent_utc_ms     INTEGER
);
-- Pages of what waits, and of what the ledger of sent ones may forget.
CREATE INDEX outbox_waiting ON outbox (due_utc_ms, id) WHERE state = 1;
CREATE INDEX outbox_sent ON outbox (sent_utc_ms) WHERE state = 2;
