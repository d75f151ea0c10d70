/* SPDX-License-Identifier: Apache-2.0 */
/* answered_step.h - a change of a chain that a request asks for and that is answered with the
 * request's own reply: where the request has an idempotency key, the reply becomes part of the
 * change (idempotency.h). */
#ifndef SERVERS_OUTBOUND_ANSWERED_STEP_H
#define SERVERS_OUTBOUND_ANSWERED_STEP_H

#include "servers/outbound/request.h"
#include "servers/outbound/step.h"

/* session_step_chain() with the request as `self`. The answer will be `reply`, filled already, or
 * where that is NULL reply_preview() or reply_new(); with the GUID of the attempt. */
void answered_step(struct request *request, struct live_chain *live,
                   const struct chain_request *wanted, struct text disposition_code,
                   const void *reply, void (*on_end)(void *self, struct chain_step *step));

#endif
