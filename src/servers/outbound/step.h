/* SPDX-License-Identifier: Apache-2.0 */
/* step.h - decide, store, apply: the one road that every change of a chain takes (decision 0006).
 */
#ifndef SERVERS_OUTBOUND_STEP_H
#define SERVERS_OUTBOUND_STEP_H

#include "servers/outbound/outbound.h"

struct chain_step {
    struct live_chain *live;
    struct scope *life; /* closed after on_end */
    struct chain_outcome outcome;
    uint32_t record;              /* the one that the request named */
    struct text disposition_code; /* in `life` */
    struct guid message_guid;     /* of its notification, when there is one */
    struct guid report_guid;      /* of its call report record, when there is one */
    bool has_message, has_report;
    void (*on_end)(void *self, struct chain_step *step);
    void *self;
};

/* `on_end` hears the outcome when it is durable (error OUTBOUND_OK), or why not; then a chain in
 * state null is gone. */
void session_step_chain(struct live_chain *live, const struct chain_request *request,
                        struct text disposition_code,
                        void (*on_end)(void *self, struct chain_step *step), void *self);

/* The same in two halves, for a change that several chains and other rows share: the step's part is
 * added to `change`, and session_end_step(step) is called with the change's result once it is
 * there. NULL: refused; on_end comes in a later turn, and nothing was added. */
struct chain_step *session_prepare_step(struct live_chain *live,
                                        const struct chain_request *request,
                                        struct text disposition_code, struct change *change,
                                        void (*on_end)(void *self, struct chain_step *step),
                                        void *self);
void session_end_step(void *step, const struct change_result *result);
/* For a change of one chain alone. */
void session_submit_step(struct chain_step *step, struct change *change);
/* For changes that nobody waits for. */
void step_forget(void *self, struct chain_step *step);

#endif
