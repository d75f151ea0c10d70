-- Passwords of persons (framework 12.1). Not among the objects: never exported, never sent to subscribers.
-- stamp: UTC ms of the present password. failures: UTC ms of the last ones, by commas. former: hashes, the latest first, one a line.
CREATE TABLE account (
    person_dbid          INTEGER PRIMARY KEY,
    hash                 TEXT    NOT NULL,
    stamp                INTEGER NOT NULL,
    must_change          INTEGER NOT NULL,
    former               TEXT    NOT NULL,
    failures             TEXT    NOT NULL,
    locked_until_utc_ms  INTEGER NOT NULL,   -- 0: it is not locked
    used_utc_ms          INTEGER NOT NULL    -- last log-in, else when the account was made
);

-- Log-ins, refused ones too, and new passwords.
CREATE TABLE account_event (
    id           INTEGER PRIMARY KEY,
    utc_ms       INTEGER NOT NULL,
    kind         TEXT    NOT NULL,           -- login, refused, locked, password
    reason       TEXT    NOT NULL,           -- of refused: unknown, wrong, disabled, locked, unused, none
    person_dbid  INTEGER,
    user_name    TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    address      TEXT    NOT NULL
);
CREATE INDEX account_event_time ON account_event (utc_ms);
