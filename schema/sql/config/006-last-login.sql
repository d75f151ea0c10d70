-- PersonLastLogin (framework 2.2): through which application an account was used last; empty: it was not used yet.
ALTER TABLE account ADD COLUMN used_through TEXT NOT NULL DEFAULT '';
