-- What waits is found by lane (002). The index of the release before that one has no reader left, and cost each effect two writes.
DROP INDEX outbox_waiting;
