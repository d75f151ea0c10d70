-- What was last ordered of each solution: a stop outlasts a restart of control, a start goes on after it.
CREATE TABLE solution_order (
    solution        TEXT    PRIMARY KEY,   -- Solution object
    ordered         TEXT    NOT NULL,      -- start, stop, stop-gracefully
    person          TEXT    NOT NULL,      -- who; empty: control itself, startupType
    ordered_utc_ms  INTEGER NOT NULL
);
