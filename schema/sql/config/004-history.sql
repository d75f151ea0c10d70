-- former: the object before the change, so that it can be taken back when what made it is no longer kept. NULL: created, or
-- written by an earlier release. person of an account's event: who did it, where that is another one than the account's.
ALTER TABLE history ADD COLUMN former TEXT;
CREATE INDEX history_object ON history (type, dbid, rev);
ALTER TABLE account_event ADD COLUMN person TEXT NOT NULL DEFAULT '';
