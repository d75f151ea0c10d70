-- What is owed to a customer's own database: noted in the change that it belongs to, carried out there in this order, then
-- taken out. A newer write of a row replaces the older one.
CREATE TABLE foreign_write (
    sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    access_point    INTEGER NOT NULL,           -- DBID of its Application
    table_name      TEXT    NOT NULL,
    kind            INTEGER NOT NULL,           -- 1 a new row, 2 a row as it has to be, 3 a statement
    key_1           INTEGER NOT NULL,           -- chain_id, chain_n
    key_2           INTEGER NOT NULL,
    sql             TEXT    NOT NULL,
    parameters      BLOB    NOT NULL,           -- MessagePack: an array
    state           INTEGER NOT NULL DEFAULT 1, -- 1 owed, 2 the database refused it: tried again every minute
    reason          TEXT                        -- of state 2
);
CREATE UNIQUE INDEX foreign_write_row ON foreign_write (access_point, table_name, kind, key_1, key_2);
CREATE INDEX foreign_write_order ON foreign_write (access_point, state, sequence);
