/* SPDX-License-Identifier: Apache-2.0 */
/* effect.h - what a session wants of the world: the second half of a step's answer. The interpreter
 * does nothing outside itself; whoever drives it (host.h) carries the effects out, in order.
 * Memory    everything lies in the scope of the list. */
#ifndef SCXML_EFFECT_H
#define SCXML_EFFECT_H

#include "scxml/document.h"

enum scxml_effect_kind {
    SCXML_DO_SEND,   /* to another session or processor, now: delays are the session's own matter */
    SCXML_DO_INVOKE, /* start what `invoke` says */
    SCXML_DO_UNINVOKE, /* the invoking state was left */
    SCXML_DO_FORWARD,  /* a copy of the event for an autoforward invocation */
    SCXML_DO_LOG,
    SCXML_DO_MODULE, /* an action of a module (section 6) */
    SCXML_DO_END     /* the session is over; last of its effects */
};

struct scxml_pair {
    const struct scxml_pair *next;
    struct text name;
    struct scxml_payload value;
};

struct scxml_message {              /* <send> with everything evaluated */
    struct scxml_event event;       /* name, send_id; data when there are no pairs */
    struct text target, type;       /* type: a full processor URI. No target with the SCXML type: to
                                       the session itself, but behind a message over HTTP of the same
                                       macrostep: the host keeps their order (W3C test 201) */
    const struct scxml_pair *pairs; /* params and namelist; their object is event.data as well */
    bool has_content;               /* event.data is the <content>, to be a body as it is */
};

struct scxml_invocation {
    struct text id, type, src;    /* type as written, or "" */
    struct scxml_payload content; /* instead of src */
    const struct scxml_pair *pairs;
    bool is_autoforward;
    struct scxml_place place;
};

struct scxml_module_call { /* mirrors scxml_module_element with its values */
    const struct scxml_module_call *next;
    const struct scxml_module_call *children;
    struct text module, name;
    const struct scxml_pair *attributes; /* literals are SCXML_DATA_TEXT */
    struct text request_id;              /* fresh; stored in the session already; "" for children */
    const struct scxml_pair *params;
    struct scxml_payload content;
};

struct scxml_effect {
    const struct scxml_effect *next;
    enum scxml_effect_kind kind;
    union {
        struct scxml_message send;
        struct scxml_invocation invoke;
        struct text uninvoke_id;
        struct {
            struct text invoke_id;
            struct scxml_event event;
        } forward;
        struct {
            struct text label, words;
            uint32_t
                level; /* the author's (section 5): 1 trace, 2 interaction, 3 standard; 0: none */
            bool is_ours; /* the engine's own words: an error.execution and why */
            struct scxml_place place;
        } log;
        const struct scxml_module_call *module;
        struct {
            struct text final;         /* id of the top-level final state; "" when it was stopped */
            struct scxml_payload data; /* its donedata */
            struct text reason;        /* why it was terminated; "" when it ended by itself or was
                                          cancelled */
        } end;
    };
};

struct scxml_effects {
    struct scope *scope;
    const struct scxml_effect *first;
    struct scxml_effect *last;
    uint32_t count;
    /* Asked while it steps: whether a message can be dispatched at all. If not its
     * error.communication is in the internal queue before what comes next in the block, and there
     * is no effect. NULL: every one can. */
    bool (*can_reach)(void *world, const struct scxml_message *message);
    void *world;
};

static inline struct scxml_effects scxml_effects_in(struct scope *scope)
{
    return (struct scxml_effects){ .scope = scope };
}

/* A zeroed effect of the kind at the list's end. */
struct scxml_effect *scxml_effect_add(struct scxml_effects *effects, enum scxml_effect_kind kind);

#endif
