/* SPDX-License-Identifier: Apache-2.0 */
/* step_private.h - one call of scxml_step() and what its files share (decision 0036).
 * Road     step.c (what is next) -> choose.c (which transitions) -> microstep.c (exit, content,
 *          entry) -> content.c, send.c, cargo.c, invoke.c (executable content).
 * Scratch  lies in the scope of the effects, made once per call at most. */
#ifndef SCXML_STEP_PRIVATE_H
#define SCXML_STEP_PRIVATE_H

#include "scxml/session_private.h"

struct scxml_chosen {              /* a transition to take */
    const struct scxml_move *move; /* NULL: one chosen later took its place */
    uint32_t domain, end;
    uint32_t below; /* the chosen one with a domain before it, SCXML_NONE: none */
};

struct scxml_run {
    struct scxml_session *session;
    const struct scxml_document *document;
    const struct scxml_plan *plan;
    const struct scxml_datamodel *datamodel;
    struct scxml_effects *effects;
    uint64_t now_ms;
    size_t bytes_before; /* of the effects' scope */
    uint32_t taken;      /* transitions of this macrostep */
    uint32_t events;     /* internal ones of this macrostep */
    uint32_t deeds;      /* actions, conditions and histories recorded in it */
    bool has_sent_far;   /* over HTTP, perhaps to itself: its own sends behind that wait, too */

    struct text reason;   /* not empty: terminated for this cause, nothing more is done */
    uint32_t final_state; /* top-level final that was entered, SCXML_NONE: none */
    struct scxml_payload final_data;

    struct scxml_chosen *chosen;             /* in document order of the states that chose them */
    uint32_t chosen_count, chosen_room, top; /* top: the last one with a domain */
    uint64_t *seen;                          /* moves without target of compound states */
    uint64_t *to_invoke;                     /* states that were entered and not left since */
    bool has_to_invoke;
    struct scxml_entry_set entries; /* of transitions whose entries are found at run time */
};

static inline bool scxml_is_over(const struct scxml_run *run)
{
    return run->reason.len != 0;
}

/* --- step.c ---------------------------------------------------------------------------------- */

/* Terminates the session for a cause, "error.platform.loop: ..."; the first one counts. */
void scxml_stop(struct scxml_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Before each action and condition: what a macrostep does and makes is bounded; false: stopped. */
bool scxml_may_go_on(struct scxml_run *run);
void scxml_raise(struct scxml_run *run, const struct scxml_event *event);
/* error.execution and the like into the internal queue; the words go to the log. */
void scxml_raise_error(struct scxml_run *run, const char *name, struct text send_id,
                       struct scxml_place place, const char *words);
/* Whether the data model did it. If not the error is raised, or the session stopped. */
bool scxml_succeeded(struct scxml_run *run, enum scxml_verdict verdict, const struct fault *fault,
                     struct text send_id, struct scxml_place place);

/* Data and top-level scripts, of a start or when a session is restored. */
void scxml_make_data(struct scxml_run *run);

/* --- choose.c -------------------------------------------------------------------------------- */

/* Fills run->chosen with the enabled transitions, conflicts resolved; the count of them. */
uint32_t scxml_choose_eventless(struct scxml_run *run);
uint32_t scxml_choose(struct scxml_run *run, uint32_t event_class);
void scxml_choose_only(struct scxml_run *run, const struct scxml_move *move);

/* --- microstep.c ----------------------------------------------------------------------------- */

void scxml_microstep(struct scxml_run *run);
/* All states are left, in exit order; the end. Their handlers run unless the session is over. */
void scxml_exit_all(struct scxml_run *run);

/* --- content.c ------------------------------------------------------------------------------- */

/* False: an error ended the block, and was raised. */
bool scxml_run_actions(struct scxml_run *run, const struct scxml_action *actions);
void scxml_run_blocks(struct scxml_run *run, const struct scxml_block *blocks);
bool scxml_condition(struct scxml_run *run, scxml_expression_id cond, struct scxml_place place);
/* The data of a state, or of <scxml>; `with` replace values of the same name. */
void scxml_set_data(struct scxml_run *run, const struct scxml_data_item *data,
                    const struct scxml_pair *with);

/* --- cargo.c --------------------------------------------------------------------------------- */

/* `literal` or, where there is one, the expression's string. */
bool scxml_text_of(struct scxml_run *run, struct text literal, scxml_expression_id expr,
                   struct text send_id, struct scxml_place place, struct text *out);
struct scxml_loaded { /* evaluated */
    const struct scxml_pair *pairs;
    struct scxml_payload data; /* the content, or the pairs as one object */
    bool has_content;
};
/* False: a name of the namelist failed. A <param> or <content> that fails is left out. */
bool scxml_evaluate_cargo(struct scxml_run *run, const struct scxml_cargo *cargo,
                          struct text send_id, struct scxml_loaded *out);
/* "PREFIX.7", never given before in this session. */
struct text scxml_fresh_id(struct scxml_run *run, struct text prefix);
bool scxml_store_text(struct scxml_run *run, scxml_expression_id location, struct text text,
                      struct scxml_place place);

/* --- send.c ---------------------------------------------------------------------------------- */

bool scxml_run_send(struct scxml_run *run, const struct scxml_action *action);
bool scxml_run_cancel(struct scxml_run *run, const struct scxml_action *action);
void scxml_release_due(struct scxml_run *run);

/* --- module_call.c --------------------------------------------------------------------------- */

bool scxml_run_module(struct scxml_run *run, const struct scxml_action *action);

/* --- invoke.c -------------------------------------------------------------------------------- */

void scxml_mark_invokes(struct scxml_run *run, uint32_t state);
void scxml_unmark_invokes(struct scxml_run *run, uint32_t from, uint32_t to);
void scxml_start_invokes(struct scxml_run *run);
void scxml_cancel_invokes(struct scxml_run *run, uint32_t state);
/* <finalize> and autoforward, before an external event is taken. */
void scxml_give_to_invokes(struct scxml_run *run, const struct scxml_event *event);

#endif
