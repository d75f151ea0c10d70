/* SPDX-License-Identifier: Apache-2.0 */
/* retry.h - which failed message is sent again, and when (spec outbound 12.6). Pure. */
#ifndef SERVERS_OUTBOUND_RETRY_H
#define SERVERS_OUTBOUND_RETRY_H

#include "base/text.h"

enum message_kind {
    MESSAGE_CONTACT_PROCESSED = 1,
    MESSAGE_CAMPAIGNGROUP_STATES = 2,
    MESSAGE_HISTORY = 4,
    MESSAGE_VALIDATION = 8,
    MESSAGE_ALL = 15,
};

enum failure_kind {
    FAILURE_CONNECT = 1, /* connection, TLS or proxy */
    FAILURE_TIMEOUT = 2,
    FAILURE_5XX = 4,
    FAILURE_429 = 8, /* and 408 */
    FAILURE_ALL = 15,
};

/* The option http-retry-applies-to, read. */
struct retry_policy {
    unsigned messages, failures; /* 0: none */
};

/* Unknown tokens are left out and reported, one call each; `report` may be NULL. */
struct retry_policy retry_policy_parse(struct text option,
                                       void (*report)(void *self, struct text token), void *self);

/* How a send ended. */
enum send_end { SEND_ANSWERED, SEND_CONNECT_FAILED, SEND_TIMED_OUT };
enum send_verdict { VERDICT_SUCCESS, VERDICT_RETRY, VERDICT_FAILED };

/* 2xx success; 3xx and other 4xx final; 408, 429, 5xx, time-out and connection failures retryable
 * where the policy names message and failure, as long as `sends` (ended so far, this one included)
 * is not beyond 1 + max_attempts. A send whose fate is unknown because this process died is sent
 * once more even where retries are off: the outbox does that, not this rule. `delay_ms`: before
 * re-send j, 2^(j-1) s, at most 30 s. */
enum send_verdict retry_verdict(const struct retry_policy *policy, enum message_kind kind,
                                uint32_t max_attempts, enum send_end end, unsigned status,
                                uint32_t sends, uint64_t *delay_ms);

#endif
