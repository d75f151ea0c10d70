/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/answered_step.h"

#include "servers/outbound/idempotency.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/request_log.h"

#include <string.h>

/* The chain as the step will leave it; the one in memory changes when the step is durable. */
static struct chain chain_after(const struct chain *chain, const struct chain_outcome *outcome,
                                struct scope *scope)
{
    struct chain after = *chain;
    size_t columns = chain->layout->count;
    after.records = scope_alloc_array(scope, chain->count, sizeof *after.records);
    after.is_modified = scope_alloc_array(scope, columns, sizeof *after.is_modified);
    memcpy(after.is_modified, chain->is_modified, columns * sizeof *after.is_modified);
    for (uint32_t i = 0; i < chain->count; i++) {
        after.records[i] = chain->records[i];
        after.records[i].cells = scope_alloc_array(scope, columns, sizeof(struct value));
        memcpy(after.records[i].cells, chain->records[i].cells, columns * sizeof(struct value));
    }
    chain_apply(&after, outcome, scope);
    return after;
}

static void add_preview(struct request *request, const struct live_chain *live,
                        struct change *change, const struct chain_outcome *outcome)
{
    struct live_chain after = *live;
    struct outbound_preview_record reply;
    after.chain = chain_after(&live->chain, outcome, request->life);
    preview_fill(request->server, request->life, &after, &reply);
    reply_echo_reference(request, &MSG_OUTBOUND_PREVIEW_RECORD, &reply);
    idempotency_add(request, change, &MSG_OUTBOUND_PREVIEW_RECORD, &reply,
                    guid_text(&after.chain.attempt_guid));
}

void answered_step(struct request *request, struct live_chain *live,
                   const struct chain_request *wanted, struct text disposition_code,
                   const void *reply, void (*on_end)(void *self, struct chain_step *step))
{
    struct change *change = change_new(request->server->store);
    struct chain_step *step =
        session_prepare_step(live, wanted, disposition_code, change, on_end, request);
    if (step == NULL) {
        change_drop(change);
        return;
    }
    request_log_add(request, change, live, wanted->record);
    const struct msg *msg = request->msg->reply;
    if (request->keyed && msg == &MSG_OUTBOUND_PREVIEW_RECORD)
        add_preview(request, live, change, &step->outcome);
    else if (request->keyed)
        idempotency_add(request, change, msg, reply ? reply : reply_new(request, msg, live),
                        guid_text(&step->outcome.attempt_guid));
    session_submit_step(step, change);
}
