-- Seats that were granted (framework 13), so that a restart of config gives nobody what others hold. holder: DBID of the
-- primary application.
CREATE TABLE licence_use (
    feature  TEXT    NOT NULL,
    holder   TEXT    NOT NULL,
    asked    INTEGER NOT NULL,
    granted  INTEGER NOT NULL,
    PRIMARY KEY (feature, holder)
);
