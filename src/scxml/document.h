/* SPDX-License-Identifier: Apache-2.0 */
/* document.h - an SCXML document, checked and compiled: what all its sessions share
 * (orchestration 3).
 * Made by   load.h, in one scope; immutable from then on, so it may be read by many threads.
 * Order     states lie in document order, the <scxml> element is states[0]. The descendants of
 *           state s are therefore the run s+1 .. states[s].end-1, its children are s+1, then each
 *           time the former child's `end`: a subtree is a range, and so is an exit set.
 * Absent    texts are empty, indexes SCXML_NONE, pointers NULL. */
#ifndef SCXML_DOCUMENT_H
#define SCXML_DOCUMENT_H

#include "base/scope.h"
#include "scxml/event.h"

#define SCXML_NONE UINT32_MAX

enum { /* a document past these is refused (orchestration 3.1) */
       SCXML_DOCUMENT_BYTES_MAX = 2 * 1024 * 1024,
       SCXML_DEPTH_MAX = 256, /* of elements; decision 0034 */
       SCXML_ELEMENTS_MAX = 20000
};

struct scxml_place {
    uint32_t file; /* index in document->files: [0] is the document, the others were included */
    uint32_t line, column; /* from 1; 0: unknown */
};

/* --- expressions: indexes into document->expressions ----------------------------------------- */

enum scxml_expression_kind {
    SCXML_VALUE,     /* expr, array, ...expr */
    SCXML_CONDITION, /* cond */
    SCXML_LOCATION,  /* location, namelist, idlocation, item, index: a left-hand side */
    SCXML_SCRIPT     /* body or src of <script> */
};

struct scxml_expression {
    enum scxml_expression_kind kind;
    struct text source;
    struct scxml_place place;
};

typedef uint32_t scxml_expression_id; /* SCXML_NONE: the attribute is absent */

/* --- executable content (3.1) ---------------------------------------------------------------- */

struct scxml_param {
    const struct scxml_param *next;
    struct text name;
    scxml_expression_id expr; /* of `expr` or `location`, whichever was written */
    bool is_of_namelist; /* an error in it stops the element; a <param>'s only drops the pair */
    struct scxml_place place;
};

/* <content>: an expression, or a body that is the same each time. */
struct scxml_content {
    scxml_expression_id expr;
    struct scxml_payload body; /* SCXML_DATA_BODY, or SCXML_DATA_XML where elements were written */
    struct scxml_place place;
};

/* What <send>, <invoke> and <donedata> carry: content, or pairs of which the namelist's come first.
 */
struct scxml_cargo {
    const struct scxml_content *content;
    const struct scxml_param *params; /* a name of the namelist is a param with its location */
};

struct scxml_branch { /* of <if>, in order */
    const struct scxml_branch *next;
    scxml_expression_id cond; /* SCXML_NONE: else */
    const struct scxml_action *actions;
};

struct scxml_send {
    struct text event, target, type, id;
    scxml_expression_id event_expr, target_expr, type_expr, id_location;
    uint64_t delay_ms;
    scxml_expression_id delay_expr;
    struct scxml_cargo cargo;
};

/* An element of a module's namespace (section 6), with what stands in it. */
struct scxml_module_attribute {
    const struct scxml_module_attribute *next;
    struct text name;
    struct text literal;      /* where `expr` is absent */
    scxml_expression_id expr; /* most attributes are value expressions */
};

struct scxml_module_element {
    const struct scxml_module_element *next; /* sibling */
    const struct scxml_module_element *children;
    struct text module, name; /* "queue", "submit" */
    const struct scxml_module_attribute *attributes;
    scxml_expression_id request_id; /* location of `requestid` */
    struct scxml_cargo cargo;       /* <param>s or <content> inside */
    struct scxml_place place;
};

enum scxml_action_kind {
    SCXML_RAISE,
    SCXML_IF,
    SCXML_FOREACH,
    SCXML_LOG,
    SCXML_ASSIGN,
    SCXML_RUN, /* <script> */
    SCXML_SEND,
    SCXML_CANCEL,
    SCXML_MODULE
};

struct scxml_action {
    const struct scxml_action *next; /* in its block or branch */
    enum scxml_action_kind kind;
    struct scxml_place place;
    union {
        struct text event; /* RAISE */
        const struct scxml_branch *branches;
        struct {
            scxml_expression_id array;
            struct text item, index; /* names of variables, legal ones or not */
            const struct scxml_action *actions;
        } foreach;
        struct {
            struct text label;
            scxml_expression_id expr;
            uint32_t level; /* 0: not given */
        } log;
        struct {
            scxml_expression_id location, expr;
            struct scxml_payload body; /* where `expr` is absent */
        } assign;
        scxml_expression_id script;
        const struct scxml_send *send;
        struct {
            struct text send_id;
            scxml_expression_id send_id_expr;
        } cancel;
        const struct scxml_module_element *module;
    };
};

/* One <onentry>, <onexit>, the content of a <transition> or a <finalize>: an error ends the block.
 */
struct scxml_block {
    const struct scxml_block *next; /* a state may have several <onentry> */
    const struct scxml_action *actions;
    struct scxml_place place;
};

/* --- states and transitions ------------------------------------------------------------------ */

struct scxml_data_item {
    const struct scxml_data_item *next;
    struct text id;
    scxml_expression_id expr;
    struct scxml_payload body; /* text between the tags, or what `src` gave; NONE: undefined */
    bool is_missing;           /* `src` could not be fetched: error.execution when it is made */
    bool is_parameter;         /* section 5: _type="parameter" */
    struct text description;
    struct scxml_place place;
};

struct scxml_invoke {
    const struct scxml_invoke *next;
    uint32_t index; /* in document->invokes */
    uint32_t state;
    struct text type, src, id;
    scxml_expression_id type_expr, src_expr, id_location;
    struct scxml_cargo cargo; /* content may be a whole document */
    bool is_autoforward;
    const struct scxml_block *finalize; /* NULL: none; an empty one has no actions */
    struct scxml_place place;
};

struct scxml_transition {
    uint32_t index; /* in document->transitions; SCXML_NONE: a default, of <initial> or <history> */
    uint32_t source; /* the state, or the one that it is the initial or history default of */
    uint32_t descriptor_count;
    const struct text *descriptors; /* event tokens without trailing ".*" and "."; "*": any */
    scxml_expression_id cond;
    uint32_t target_count;
    const uint32_t *targets;
    bool is_internal;
    const struct scxml_action *actions;
    struct scxml_place place;
};

enum scxml_state_kind {
    SCXML_ATOMIC,
    SCXML_COMPOUND, /* <scxml> as well */
    SCXML_PARALLEL,
    SCXML_FINAL,
    SCXML_HISTORY_SHALLOW, /* history states are never in a configuration */
    SCXML_HISTORY_DEEP
};

struct scxml_state {
    enum scxml_state_kind kind;
    struct text id; /* made up ("_s17", unique) where the author gave none, but for <scxml>: "" */
    uint32_t index, parent, end, depth;
    const struct scxml_block *onentry, *onexit;
    const struct scxml_transition *transitions; /* in document order */
    uint32_t transition_count;
    const struct scxml_transition
        *initial; /* compound, <scxml>: how its children are entered by
                     default, made up where absent; history: the default */
    const struct scxml_invoke *invokes;
    const struct scxml_data_item *data;
    const struct scxml_cargo *donedata; /* final */
    uint32_t history_index;             /* history states count from 0 */
    struct scxml_place place;
};

struct scxml_document {
    struct text name;
    bool is_ecmascript;   /* else the null data model */
    bool is_late_binding; /* data of a state is set when it is first entered */
    bool is_legacy;       /* section 5 */
    uint64_t hash;        /* of the source and all that it included: sessions are bound to it */
    const struct text *files;
    uint32_t file_count;

    struct scxml_state *states;
    uint32_t state_count, history_count;
    struct scxml_transition *transitions; /* but defaults; in document order of their states, those
                                             of a state are a run */
    uint32_t transition_count;
    const struct scxml_invoke **invokes;
    uint32_t invoke_count;
    const struct scxml_expression *expressions;
    uint32_t expression_count;
    const scxml_expression_id *scripts; /* top level, in document order */
    uint32_t script_count;

    const struct scxml_plan
        *plan; /* what the interpreter works out once (plan.h); scxml_layout() */
};

static inline bool scxml_is_history(const struct scxml_state *state)
{
    return state->kind == SCXML_HISTORY_SHALLOW || state->kind == SCXML_HISTORY_DEEP;
}

static inline bool scxml_is_atomic(
    const struct scxml_state *state) /* a leaf of the configuration */
{
    return state->kind == SCXML_ATOMIC || state->kind == SCXML_FINAL;
}

static inline bool scxml_is_descendant(const struct scxml_document *document, uint32_t state,
                                       uint32_t ancestor) /* a proper one */
{
    return state > ancestor && state < document->states[ancestor].end;
}

/* "1.5s", ".5s", "20ms", also m, h and d, in milliseconds; false for anything else and past a
 * hundred years. (delay.c) */
bool scxml_parse_delay(struct text in, uint64_t *ms);

/* The document's plan, in `scope`; the loader's last step, when all else is in place. (plan.c) */
void scxml_layout(struct scxml_document *document, struct scope *scope);

/* The state with this id, SCXML_NONE where there is none; after scxml_layout(). (plan.c) */
uint32_t scxml_find_state(const struct scxml_document *document, struct text id);

#endif
