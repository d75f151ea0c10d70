/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - campaign groups in memory: orders, buffers, chains with agents. Shell around
 * campaign.h and chain.h: what they decide is stored, then applied, then answered. */
#ifndef SERVERS_OUTBOUND_SESSION_H
#define SERVERS_OUTBOUND_SESSION_H

#include "servers/outbound/request.h"

/* The session of a group, made (state null) where there was none; NULL with `fault`: no such group.
 */
struct session *session_of(struct outbound *server, uint32_t group_dbid, struct fault *fault);
/* Back after a restart, with the state the store has. */
void session_resume(struct outbound *server, uint32_t group_dbid, enum session_state state,
                    const struct dialing *dialing, struct guid guid);
/* Lists and options of the group as configured now. */
void session_configure(struct session *session);

/* An order; `request` is answered with CampaignGroupAcknowledge, or waits for the order before it.
 */
void session_order(struct session *session, enum session_event event, const struct dialing *wanted,
                   struct request *request);

/* A chain fetched and durable as retrieved: into the buffer. */
void session_add_buffered(struct session *session, struct live_chain *live);
/* A chain as it comes back after a restart, with its agent. */
void session_add_in_progress(struct session *session, struct live_chain *live);
/* The first buffered chain that may be given out to the agent now, her own personal ones before
 * others, taken out of the buffer; `list_dbid` 0: any list. What is out of its window goes back to
 * the list. NULL: none. */
struct live_chain *session_take(struct session *session, uint32_t list_dbid, struct text agent_id);
/* Configuration moved: buffered chains that the present filters or lists would not have chosen go
 * back. */
void session_drop_unchosen(struct session *session);
/* Give all that is buffered back to the lists: the session unloads. */
void session_return_buffer(struct session *session);
/* The store refused a part of unloading: try again in a second. */
void session_unload_later(struct session *session);
/* Forced: chains with agents become Stale. */
void session_force(struct session *session);
/* Fetch more when the buffer is below half. `now`: an agent waits. */
void session_refill(struct session *session, bool now);
void session_fetch_ended(struct session *session);
/* Records may be there again: do not wait for the end of the pause after an empty fetch. */
void session_wake(struct session *session, uint32_t list_dbid);
void sessions_wake(struct outbound *server, uint32_t list_dbid);

/* Decide, store, apply: the one road that every change of a chain takes. `on_end` hears the outcome
 * when it is durable (error OUTBOUND_OK), or why not; then a chain in state null is gone. */
struct chain_step {
    struct live_chain *live;
    struct scope *life; /* closed after on_end */
    struct chain_outcome outcome;
    struct guid message_guid; /* of its notification, when there is one */
    bool has_message;
    void (*on_end)(void *self, struct chain_step *step);
    void *self;
};
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

struct live_chain *live_chain_new(struct session *session, struct list_table *table,
                                  struct text list_name, uint32_t list_dbid, uint32_t record_count);
void live_chain_close(struct live_chain *live);

#endif
