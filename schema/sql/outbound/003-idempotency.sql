-- Answers to requests that came with an idempotency key, kept for a day: the row is written in the change that the
-- answer speaks of. `request` is a hash of what was asked; `answer` the fields of message `message`, as MessagePack.
CREATE TABLE idempotency (
    client          TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    request         INTEGER NOT NULL,
    message         INTEGER NOT NULL,
    etag            TEXT    NOT NULL,
    answer          BLOB    NOT NULL,
    kept_utc_ms     INTEGER NOT NULL,
    bytes           INTEGER NOT NULL,          -- of key and answer, for the bound on all
    PRIMARY KEY (client, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_kept ON idempotency (kept_utc_ms, bytes);
