-- Who may do what (framework 12.2): one row for each account that an object has an entry of. mask: bits of RCHXDEP, R is 1.
-- propagates: of a container, it counts for what is inside.
CREATE TABLE acl (
    type           TEXT    NOT NULL,
    dbid           INTEGER NOT NULL,
    account_type   TEXT    NOT NULL,   -- Person, AccessGroup
    account_dbid   INTEGER NOT NULL,
    mask           INTEGER NOT NULL,
    propagates     INTEGER NOT NULL,
    rev            INTEGER NOT NULL,   -- that wrote it
    PRIMARY KEY (type, dbid, account_type, account_dbid)
);
