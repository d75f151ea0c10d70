/* SPDX-License-Identifier: Apache-2.0 */
/* datamodel.h - what the interpreter asks of a data model; ECMAScript (ecmascript.h) and null
 * (null_datamodel.c) answer (orchestration 3.2, 4).
 * Evaluator one per (tenant, document): the compiled expressions and, for ECMAScript, the heap that
 *           all sessions of the document share. Bound to one thread.
 * Variables one per session: its data and its system variables.
 * Verdicts  FAILED is the author's error: the interpreter raises error.execution. OVERRUN (script
 *           time) does, too, and ends the session the third time. EXHAUSTED (heap) ends it with
 *           error.platform.memory. The fault says what, in words for the log.
 * Memory    results lie in the scope that is handed in. */
#ifndef SCXML_DATAMODEL_H
#define SCXML_DATAMODEL_H

#include "base/buf.h"
#include "scxml/document.h"

enum scxml_verdict { SCXML_DONE, SCXML_FAILED, SCXML_OVERRUN, SCXML_EXHAUSTED };

struct scxml_limits {               /* orchestration 3.5; zero takes the default */
    uint32_t macrostep_transitions; /* 1000 */
    uint32_t script_ms;             /* 500, of one script or expression; of a macrostep: 3 times */
    uint64_t heap_bytes;            /* 256 MiB a document */
    uint32_t session_bytes;         /* 16 MiB: data, what waits, a macrostep, saved: each */
    uint32_t queued_events;         /* 10,000 in each queue */
    uint32_t delayed_events;        /* 1,000 */
};

extern const struct scxml_limits scxml_default_limits;
/* The limits with each default in its place; NULL: the defaults. */
struct scxml_limits scxml_limits_filled(const struct scxml_limits *limits);

/* Where events may be sent to: _ioprocessors. The location of a session is `location`, its id,
 * `location_end`: so all sessions of a host share one list. */
struct scxml_io_processor {
    struct text name; /* "scxml", "basichttp"; listed under its uri as well */
    struct text uri;
    struct text location, location_end; /* "#_scxml_", "" */
};

/* What a session's scripts may see of it. The texts live as long as the session. */
struct scxml_frame {
    struct text session_id, name;
    const struct scxml_io_processor *processors;
    uint32_t processor_count;
    struct scxml_payload parameters; /* _x.params: an object of strings, NONE: an empty one */
    uint64_t seed;                   /* of Math.random */
    void *self;
    bool (*is_active)(void *self, struct text state_id); /* In() */
    /* A line of the session's log: __Log() of a script. False: enough was logged. NULL: nobody
     * listens. */
    bool (*log)(void *self, struct text words);
};

struct scxml_evaluator;
struct scxml_variables;

struct scxml_datamodel {
    /* The evaluator of a document, which must outlive it. Expressions with bad syntax are no error
     * here: they fail when they run (4.2 item 8). ERR_LIMIT: the heap is too small to begin. */
    enum err (*open)(const struct scxml_document *document, const struct scxml_limits *limits,
                     struct scxml_evaluator **out, struct fault *fault);
    void (*close)(struct scxml_evaluator *evaluator); /* after all variables of it are closed */
    size_t (*bytes)(const struct scxml_evaluator *evaluator); /* of its heap, now */

    /* SCXML_EXHAUSTED, or SCXML_DONE and `*out`. */
    enum scxml_verdict (*open_session)(struct scxml_evaluator *evaluator,
                                       const struct scxml_frame *frame,
                                       struct scxml_variables **out);
    void (*close_session)(struct scxml_variables *variables);

    /* Before each macrostep, whose scripts have their time from here on: what Date says, and how
     * Math.random goes on. */
    void (*set_time)(struct scxml_variables *variables, uint64_t now_ms);
    /* _event; before the first call it is unbound. The event need not live on. */
    enum scxml_verdict (*set_event)(struct scxml_variables *variables,
                                    const struct scxml_event *event, struct fault *fault);

    /* Makes the variable, undefined (early binding makes all before one is set). */
    enum scxml_verdict (*declare)(struct scxml_variables *variables, struct text id,
                                  struct fault *fault);
    /* Sets a declared variable; on FAILED it stays undefined. */
    enum scxml_verdict (*set)(struct scxml_variables *variables, struct text id,
                              const struct scxml_payload *value, struct fault *fault);
    enum scxml_verdict (*set_expr)(struct scxml_variables *variables, struct text id,
                                   scxml_expression_id expr, struct fault *fault);

    enum scxml_verdict (*condition)(struct scxml_variables *variables, scxml_expression_id expr,
                                    bool *out, struct fault *fault);
    /* Of a value or of what stands at a location, as what leaves the session: JSON, XML for a DOM
     * node, NONE for undefined. Functions and cycles have no JSON form: FAILED for cycles,
     * functions are dropped as JSON.stringify drops them. */
    enum scxml_verdict (*value)(struct scxml_variables *variables, scxml_expression_id expr,
                                struct scope *scope, struct scxml_payload *out,
                                struct fault *fault);
    /* As String(value): names, targets, delays, log lines. */
    enum scxml_verdict (*string)(struct scxml_variables *variables, scxml_expression_id expr,
                                 struct scope *scope, struct text *out, struct fault *fault);
    enum scxml_verdict (*run)(struct scxml_variables *variables, scxml_expression_id script,
                              struct fault *fault);
    enum scxml_verdict (*assign)(struct scxml_variables *variables, scxml_expression_id location,
                                 scxml_expression_id expr, struct fault *fault);
    enum scxml_verdict (*assign_payload)(struct scxml_variables *variables,
                                         scxml_expression_id location,
                                         const struct scxml_payload *value, struct fault *fault);

    /* <foreach>: a shallow copy of the array is kept as loop number `*loop`; FAILED where it is no
     * array, or item or index is no name of a variable. Then each, then the end. A loop counts as
     * one script, with all that runs inside it: set_item() answers OVERRUN once script_ms have
     * passed since the outermost loop that is open began. */
    enum scxml_verdict (*begin_loop)(struct scxml_variables *variables, scxml_expression_id array,
                                     struct text item, struct text index, uint32_t *loop,
                                     uint32_t *count, struct fault *fault);
    enum scxml_verdict (*set_item)(struct scxml_variables *variables, uint32_t loop,
                                   uint32_t position, struct text item, struct text index,
                                   struct fault *fault);
    void (*end_loop)(struct scxml_variables *variables, uint32_t loop);

    /* All data as one JSON object; functions are left out and what JSON cannot hold is counted in
     * `*lost`. An undefined variable and a DOM node keep what they are in a form of the model's own
     * that restore() reads. */
    enum scxml_verdict (*save)(struct scxml_variables *variables, struct buf *out, uint32_t *lost,
                               struct fault *fault);
    /* After open_session, declare and the top-level scripts: overwrites with what save() wrote. */
    enum scxml_verdict (*restore)(struct scxml_variables *variables, struct text saved,
                                  struct fault *fault);
};

extern const struct scxml_datamodel
    scxml_null_datamodel;                             /* null_datamodel.c: In() and nothing else */
extern const struct scxml_datamodel scxml_ecmascript; /* ecmascript.c */

static inline const struct scxml_datamodel *scxml_datamodel_of(
    const struct scxml_document *document)
{
    return document->is_ecmascript ? &scxml_ecmascript : &scxml_null_datamodel;
}

#endif
