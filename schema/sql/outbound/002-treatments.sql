-- Chains that a treatment keeps in memory until they are due (spec outbound 5.2, 9): their rows stay Retrieved, and
-- this row, written with the close of their round, says whose they are after a crash.
CREATE TABLE held_chain (
    table_name      TEXT    NOT NULL,
    chain_id        INTEGER NOT NULL,
    group_dbid      INTEGER NOT NULL,
    list_dbid       INTEGER NOT NULL,
    primary_n       INTEGER NOT NULL,          -- chain_n of the record that is due
    chain_guid      TEXT    NOT NULL,
    due_utc_ms      INTEGER NOT NULL,
    PRIMARY KEY (table_name, chain_id)
) WITHOUT ROWID;

-- A call-back that the agent promised in this round (spec outbound 10): RecordProcessed writes it.
ALTER TABLE round ADD COLUMN wish_type  INTEGER NOT NULL DEFAULT 0;  -- record_type 5, 6; 0: none
ALTER TABLE round ADD COLUMN wish_due_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE round ADD COLUMN wish_n     INTEGER NOT NULL DEFAULT 0;  -- chain_n of its record
ALTER TABLE round ADD COLUMN wish_phone TEXT    NOT NULL DEFAULT '';

-- Priorities by order (spec outbound 16), 0: by the options; and since when the group is started.
ALTER TABLE session ADD COLUMN priority_general     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN priority_rescheduled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN priority_callback    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN started_utc_ms       INTEGER NOT NULL DEFAULT 0;

-- How far Outbound Schedule scripts were carried out (spec outbound 3.2).
CREATE TABLE schedule_progress (
    item_key        TEXT    PRIMARY KEY,       -- DBID of the script / name of the item
    handled_utc_ms  INTEGER NOT NULL
) WITHOUT ROWID;
