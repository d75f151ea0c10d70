/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - shared by the files of this room: the evaluator, its sessions, and how work enters
 * the script heap.
 * Heap     one of Duktape for each document. A session is a data object D (its variables); D's
 *          prototype P has the system variables as accessors that read the running session, and
 *          P's is the global object proper. While a session runs, D is the global object (raw.h).
 * Roots    what the heap must keep lies in arrays of its stash: compiled functions, and for each
 *          session ROOT_COUNT values from `slot * ROOT_COUNT` on. */
#ifndef SCXML_ENGINE_PRIVATE_H
#define SCXML_ENGINE_PRIVATE_H

#include "scxml/datamodel.h"
#include "scxml/engine/raw.h"

enum { /* of a session */
       ROOT_DATA,
       ROOT_EVENT,
       ROOT_PROCESSORS, /* _ioprocessors and _x, once a script has asked for them */
       ROOT_PLATFORM,
       ROOT_COUNT
};
enum {
    STASH_CODE,
    STASH_SESSIONS,
    STASH_LOOPS,
    STASH_SYSTEM,
    STASH_VALUE,
    STASH_EVENT,
    STASH_DOM
}; /* of a heap */

enum code_form { CODE_AS_IS, CODE_ASSIGNMENT, CODE_FORMS };

struct compiled {
    void *function;      /* NULL: not compiled yet, or not to be compiled */
    const char *failure; /* why it can not be */
    size_t offset;       /* and where, in bytes */
};

struct scxml_evaluator {
    struct watch watch; /* first: it is the heap's udata */
    duk_context *ctx;
    struct scope *life;
    struct scope *scratch; /* of one conversion; reset by whoever begins one */
    struct buf xml;        /* likewise */
    const struct scxml_document *document;
    size_t heap_max, session_max;
    size_t collect_at;         /* bytes at which circles of garbage are looked for */
    size_t shared_bytes;       /* what sessions find in the heap: built-ins */
    struct compiled *compiled; /* CODE_FORMS of each expression */
    void *code, *sessions, *loops, *system, *stash; /* arrays of the stash; P; the stash itself */
    void *event_keys;                               /* an object like _event */
    void *dom;    /* the prototype of XML nodes; NULL: none was made yet */
    void *global; /* the global object proper */
    uint32_t loop_count, slot_count;
    struct scxml_variables *free_list; /* closed sessions, whose slots are used again */
    struct scxml_variables *running;   /* whose data object is the global one; NULL: none */
    bool is_assigning;                 /* the value lies in the stash */
    bool is_dead;                      /* the heap is in no state to go on */
};

struct scxml_variables {
    struct scxml_evaluator *evaluator;
    struct scxml_frame frame;
    void *data;  /* D */
    char *event; /* the last event, packed, as long as no script has looked at it (event.c) */
    bool has_event;
    bool has_changes;   /* of built-in objects (raw.h) */
    void *event_object; /* of the last event, once a script has looked at it */
    uint32_t slot;
    size_t bytes;    /* of the heap, by what its calls left behind, garbage in circles included */
    size_t counted;  /* `bytes` when they were counted last */
    uint64_t chance; /* of Math.random */
    double now_ms;
    struct scxml_variables *next_free;
};

static inline struct scxml_evaluator *evaluator_of(duk_context *ctx)
{
    return (struct scxml_evaluator *)raw_watch(ctx);
}

/* --- entering the heap: enter.c ------------------------------------------------------------------
 * A deed runs with the session's data as global object, within its bounds; what it throws becomes
 * a verdict and words. It takes and leaves values in the struct that it begins. */

struct deed {
    void (*run)(duk_context *ctx, struct deed *deed);
    struct scxml_variables *variables; /* NULL: none runs, while the heap is set up */
    uint32_t times; /* 0: it belongs to a step; else by itself, with so many times the bounds */
};

enum scxml_verdict engine_enter(struct scxml_evaluator *evaluator, struct deed *deed,
                                struct fault *fault);

/* --- words in and out: words.c -------------------------------------------------------------------
 * Outside is UTF-8, inside CESU-8, as ECMAScript's strings are UTF-16. */

void engine_push_text(duk_context *ctx, struct text text); /* bad bytes become U+FFFD */
/* [] -> [room of the text]; as it is inside, a NUL behind. In `room` where it fits there. */
struct text engine_push_words(duk_context *ctx, struct text text, char *room, size_t room_size);
/* Of a string at `index`. */
struct text engine_read_text(duk_context *ctx, duk_idx_t index, struct scope *scope);
void engine_add_text(duk_context *ctx, duk_idx_t index, struct buf *out);

/* --- code: code.c ----------------------------------------------------------------------------- */

/* The function of an expression, compiled the first time; throws a SyntaxError. */
void engine_push_code(duk_context *ctx, scxml_expression_id id, enum code_form form);
/* Its value; throws what it throws. */
void engine_push_value(duk_context *ctx, scxml_expression_id id);
/* [value] -> []; assigns it to the location. */
void engine_assign(duk_context *ctx, scxml_expression_id location);
/* What an assignment's code reads its value from: an accessor of P; no author will hit upon it. */
#define ENGINE_VALUE_NAME "__carillon_assigned_value"
/* A name that a script can give a variable: an identifier, no reserved word. */
bool engine_is_name(struct text name);

/* --- payloads: payload.c --------------------------------------------------------------------- */

void engine_push_payload(duk_context *ctx, const struct scxml_payload *payload);
/* As it leaves the session; throws for cycles. */
void engine_read_payload(duk_context *ctx, duk_idx_t index, struct scope *scope,
                         struct scxml_payload *out);

/* --- what scripts find: system.c, event.c ---------------------------------------------------- */

/* [] -> [P] */
void engine_push_new_system(duk_context *ctx, const struct scxml_evaluator *evaluator);
bool engine_is_system_name(const struct scxml_evaluator *evaluator, struct text name);
void *engine_push_event_keys(duk_context *ctx);
void engine_keep_event(struct scxml_variables *variables, const struct scxml_event *event);
void engine_forget_event(struct scxml_variables *variables);
void engine_push_event(duk_context *ctx, struct scxml_variables *variables);
void engine_restore_event(duk_context *ctx, struct scxml_variables *variables); /* [event] -> [] */

#endif
