-- Imports keep what a repeat needs to go on, and what the console shows of them.
ALTER TABLE import ADD COLUMN table_name    TEXT    NOT NULL DEFAULT '';
ALTER TABLE import ADD COLUMN state         INTEGER NOT NULL DEFAULT 1;  -- 1 under way, 2 being released, 3 ended, 4 being undone, 5 undone
ALTER TABLE import ADD COLUMN is_whole      INTEGER NOT NULL DEFAULT 0;  -- all or nothing: its rows have no status until it is released
ALTER TABLE import ADD COLUMN rules         TEXT    NOT NULL DEFAULT ''; -- of duplicates and so on, in words
ALTER TABLE import ADD COLUMN key_seed      INTEGER NOT NULL DEFAULT 0;  -- of the hashes of chain keys
ALTER TABLE import ADD COLUMN chain_base    INTEGER NOT NULL DEFAULT 0;  -- chains of the import: base, base + 1 ...
ALTER TABLE import ADD COLUMN chain_count   INTEGER NOT NULL DEFAULT 0;  -- so many are set aside for it
ALTER TABLE import ADD COLUMN total_bytes   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN read_offset   INTEGER NOT NULL DEFAULT 0;  -- of the file: behind the last durable slice
ALTER TABLE import ADD COLUMN read_line     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN duplicates    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN do_not_call   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN done_chains   INTEGER NOT NULL DEFAULT 0;  -- released or undone so far
UPDATE import SET state = 3 WHERE ended_utc_ms IS NOT NULL;

-- What was left out, or is in with a remark. While the import is under way all of it, then the first ten thousand.
CREATE TABLE import_reject (
    import_id   INTEGER NOT NULL,
    place       INTEGER NOT NULL,   -- slice * 65536 + number within it: the order of the file
    line        INTEGER NOT NULL,
    field       TEXT    NOT NULL,
    rule        TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    is_loaded   INTEGER NOT NULL,
    PRIMARY KEY (import_id, line, place)
) WITHOUT ROWID;

-- Chains whose rows stand apart in the file: what became of their keys, slice by slice, until the end.
CREATE TABLE import_chain (
    import_id   INTEGER NOT NULL,
    slice       INTEGER NOT NULL,
    keys        BLOB    NOT NULL,   -- 16 bytes each: hash of the key, chain and records so far
    PRIMARY KEY (import_id, slice)
) WITHOUT ROWID;
