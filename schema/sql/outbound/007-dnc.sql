-- Rows of a list by number or customer (spec outbound 10): a table of our own beside the list's, kept
-- true by triggers and filled slice by slice when it is first needed. One row here per list table and
-- column; rows of the list up to the chain key are in.
CREATE TABLE lookup (
    table_name      TEXT    NOT NULL,
    column_name     TEXT    NOT NULL,
    chain_id        INTEGER NOT NULL,
    chain_n         INTEGER NOT NULL,
    is_complete     INTEGER NOT NULL,
    PRIMARY KEY (table_name, column_name)
) WITHOUT ROWID;
