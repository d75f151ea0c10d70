-- Effects to one receiver form a lane, so that a dead receiver holds up nobody else's (store/outbox.h). NULL: a row of the release
-- before; those share one lane. The index outbox_waiting is that release's, and goes with the next.
ALTER TABLE outbox ADD COLUMN lane TEXT;
-- What the effect is about, in the server's words, to be found again by it.
ALTER TABLE outbox ADD COLUMN subject TEXT;
CREATE INDEX outbox_lane ON outbox (lane, due_utc_ms, id) WHERE state = 1;
CREATE INDEX outbox_subject ON outbox (subject) WHERE subject IS NOT NULL;
CREATE INDEX outbox_failed ON outbox (sent_utc_ms) WHERE state = 3;
