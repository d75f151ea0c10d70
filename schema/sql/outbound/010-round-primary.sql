-- Which of the chain's handles an agent knows it by: shown while its calling list is away.
ALTER TABLE round ADD COLUMN primary_index INTEGER NOT NULL DEFAULT 0;
