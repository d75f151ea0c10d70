/* SPDX-License-Identifier: Apache-2.0 */
/* idempotency.h - the same key from the same client asks for the same effect once (design 6).
 * Promise  a repeat of a write that was acknowledged hears the first answer again, for a day, also
 *          after a crash: where the change is ours the answer is a row of the same commit. A repeat
 *          that asks for something else is refused; one that comes while the first is under way
 *          waits for it. What was refused had no effect: its repeat is judged anew.
 * Cost     none for requests without a key, nor for those that only read.
 * Bound    IDEMPOTENCY_KEYS_MAX keys and IDEMPOTENCY_BYTES_MAX of answers. Near it the oldest go
 *          before their day is over, but none within its first hour; past it new keys are refused.
 * Why      docs/decisions/0011-idempotency.md */
#ifndef SERVERS_OUTBOUND_IDEMPOTENCY_H
#define SERVERS_OUTBOUND_IDEMPOTENCY_H

#include "servers/outbound/request.h"

enum { IDEMPOTENCY_KEYS_MAX = 2000000, IDEMPOTENCY_KEY_BYTES_MAX = 255 };
#define IDEMPOTENCY_BYTES_MAX ((uint64_t)2 * 1024 * 1024 * 1024)

/* Blocks: for the start. Forgets old keys by itself. */
enum err idempotency_new(struct outbound *server, struct idempotency **out, struct fault *fault);
/* In place of request_run(). `client` tells clients apart whose keys may be alike; an empty key is
 * none. Both are copied. */
void idempotency_run(struct request *request, struct text client, struct text key);
/* The acknowledgement becomes part of the change that it speaks of. Without a key nothing happens.
 */
void idempotency_add(struct request *request, struct change *change, const struct msg *msg,
                     const void *fields, struct text etag);
/* For request.c. True: the answer is being stored first, and given then. */
bool idempotency_holds(struct request *request, const struct msg *msg, const void *fields,
                       struct text etag);
/* For request.c: it is answered; who waits with the same key goes on. `is_refused`: what was to be
 * kept goes. */
void idempotency_end(struct request *request, bool is_refused);

#endif
