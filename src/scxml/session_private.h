/* SPDX-License-Identifier: Apache-2.0 */
/* session_private.h - what a session is made of, for the files that step it and the one that saves
 * it. At rest it is this struct, a word of bits for 64 states, its texts, and nothing else: queues
 * and histories are allocated when there is something in them. */
#ifndef SCXML_SESSION_PRIVATE_H
#define SCXML_SESSION_PRIVATE_H

#include "scxml/plan.h"
#include "scxml/session.h"

enum {
    SCXML_OVERRUNS_MAX = 3,  /* orchestration 3.5 */
    SCXML_INVOKES_MAX = 1000 /* active at once; one more is an error.execution */
};

struct scxml_queued { /* one allocation, its texts behind it */
    struct scxml_queued *next;
    struct scxml_event event;
    uint32_t bytes;
};

struct scxml_queue {
    struct scxml_queued *first, *last;
    uint32_t count;
};

enum scxml_route { SCXML_TO_SELF, SCXML_TO_INTERNAL, SCXML_TO_OTHERS };

struct scxml_delayed {      /* one allocation, pairs and texts behind it */
    uint64_t due_ms, order; /* of those due at once the first one sent goes first */
    enum scxml_route route;
    struct scxml_message message;
    uint32_t bytes;
};

struct scxml_active_invoke { /* one allocation */
    struct scxml_active_invoke *next;
    uint32_t index; /* in document->invokes; the list is in this order */
    struct text id;
};

struct scxml_session {
    const struct scxml_document *document;
    const struct scxml_plan *plan;
    const struct scxml_datamodel *datamodel;
    struct scxml_evaluator *evaluator;
    struct scxml_variables *variables; /* NULL once it has ended */
    struct scxml_limits limits;        /* none is zero */
    struct scxml_frame frame;
    struct text invoke_id;
    struct text origin;            /* where it can be answered: its own SCXML location */
    const struct scxml_pair *data; /* of the birth; one allocation, freed by the start */

    bool is_started, is_cancelled, has_ended;
    uint8_t overrun_count;
    uint64_t now_ms;     /* of the last step */
    uint64_t last_id;    /* generated for sends, invokes and requests */
    uint64_t last_order; /* of delayed sends */
    uint64_t held_bytes; /* in queues, delayed sends and invocations */

    struct scxml_run *run; /* while a step is under way */

    struct scxml_queue internal, external;
    struct scxml_delayed **delayed; /* the next one due is last; NULL: none */
    uint32_t delayed_count, delayed_room;
    struct scxml_active_invoke *invokes;
    uint32_t invoke_count;

    uint64_t *histories; /* plan->history_words_all; NULL: nothing was recorded yet */
    uint64_t *entered;   /* with late binding, states that were entered before; else NULL */
    uint64_t active[];   /* the configuration without <scxml>; then `entered`, then texts */
};

/* --- queue.c -----------------------------------------------------------------------------------
 */

/* A copy at `*at`, which moves behind it; there has to be room. */
struct text scxml_put_text(char **at, struct text text);

/* Copied to the queue's end. ERR_FULL past limits.queued_events or limits.session_bytes. */
enum err scxml_queue_add(struct scxml_session *session, struct scxml_queue *queue,
                         const struct scxml_event *event);
struct scxml_queued *scxml_queue_take(struct scxml_session *session, struct scxml_queue *queue);
void scxml_queue_clear(struct scxml_session *session, struct scxml_queue *queue);

/* ERR_LIMIT past limits.delayed_events, ERR_FULL past limits.session_bytes. */
enum err scxml_delay(struct scxml_session *session, const struct scxml_message *message,
                     enum scxml_route route, uint64_t due_ms);
/* The next one that is due, out of the list and the caller's to free(); NULL: none. */
struct scxml_delayed *scxml_delay_take(struct scxml_session *session, uint64_t now_ms);
/* Own delayed sends with this id: how many were taken back. */
uint32_t scxml_delay_cancel(struct scxml_session *session, struct text send_id);
void scxml_delay_clear(struct scxml_session *session);

/* Kept in the order of their indexes. */
void scxml_invoke_add(struct scxml_session *session, uint32_t index, struct text id);
/* Takes the first one of the state's out of the list, the caller's to free(); NULL: none. */
struct scxml_active_invoke *scxml_invoke_take(struct scxml_session *session, uint32_t state);

/* One allocation, for free(); NULL for none. */
const struct scxml_pair *scxml_pairs_keep(const struct scxml_pair *pairs);

/* --- step.c ------------------------------------------------------------------------------------
 */

/* scxml_frame.log: among the effects of the step that runs; by the scripts of a restored session
 * nothing is logged twice. */
bool scxml_log_words(void *self, struct text words);

/* --- session.c ---------------------------------------------------------------------------------
 */

/* Gives back all but the struct itself; the end of a session. */
void scxml_session_close(struct scxml_session *session);
/* Room for the history values, all empty. */
void scxml_session_make_histories(struct scxml_session *session);

#endif
