-- Sessions of persons who logged in. The token itself is kept nowhere: token_hash is its SHA-256.
CREATE TABLE session (
    token_hash     BLOB    PRIMARY KEY,
    person_dbid    INTEGER NOT NULL,
    stamp          INTEGER NOT NULL,   -- UTC ms of the password that was used
    address        TEXT    NOT NULL,   -- of the client, without port
    must_change    INTEGER NOT NULL,
    is_cookie      INTEGER NOT NULL,
    begun_utc_ms   INTEGER NOT NULL,
    used_utc_ms    INTEGER NOT NULL    -- a few minutes behind
);
