-- Rows of a list by number or customer (spec outbound 10): a table of our own beside the list's, kept
-- true by triggers and filled when it is first needed. One row here per list table and column; one
-- that is not complete is filled again from the front.
CREATE TABLE lookup (
    table_name      TEXT    NOT NULL,
    column_name     TEXT    NOT NULL,
    is_complete     INTEGER NOT NULL,
    PRIMARY KEY (table_name, column_name)
) WITHOUT ROWID;
