/* SPDX-License-Identifier: Apache-2.0 */
/* evaluator.c - the heap of a document, and the births and deaths of its sessions. */
#include <stdlib.h>
#include <string.h>

#include "scxml/engine/model.h"
#include "scxml/engine/private.h"

/* Duktape's own, which scripts of a document have no business with: threads, hidden keys, raw
 * memory, the machine's clock. */
static void remove_globals(duk_context *ctx)
{
    static const char *const names[] = { "Duktape", "Buffer", "CBOR", "performance" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        duk_push_heapptr(ctx, evaluator_of(ctx)->global);
        duk_del_prop_string(ctx, -1, names[i]);
        duk_pop(ctx);
    }
    duk_push_heapptr(ctx, evaluator_of(ctx)->global);
    duk_get_prop_literal(ctx, -1, "String");
    duk_del_prop_literal(ctx, -1, "fromBufferRaw");
    duk_pop_2(ctx);
}

static void *make_stash(duk_context *ctx, duk_uarridx_t which)
{
    duk_push_heapptr(ctx, evaluator_of(ctx)->stash);
    duk_push_bare_array(ctx);
    void *made = duk_get_heapptr(ctx, -1);
    duk_put_prop_index(ctx, -2, which);
    duk_pop(ctx);
    return made;
}

static void set_up(duk_context *ctx, struct deed *deed)
{
    (void)deed;
    struct scxml_evaluator *evaluator = evaluator_of(ctx);
    raw_begin(ctx);
    evaluator->global = raw_global(ctx);
    remove_globals(ctx);
    engine_push_new_system(ctx, evaluator);
    evaluator->system = duk_get_heapptr(ctx, -1);
    raw_share_all(ctx);
    /* What is made from here on is not shared. */
    duk_push_heap_stash(ctx);
    duk_push_bare_array(ctx);
    evaluator->stash = duk_get_heapptr(ctx, -1);
    duk_put_prop_literal(ctx, -2, "engine");
    /* The global object proper stays reachable while a session's data stand in for it. */
    duk_push_heapptr(ctx, evaluator->global);
    duk_put_prop_literal(ctx, -2, "global");
    duk_push_heapptr(ctx, evaluator->stash);
    duk_push_heapptr(ctx, evaluator->system);
    duk_put_prop_index(ctx, -2, STASH_SYSTEM);
    evaluator->event_keys = engine_push_event_keys(ctx);
    duk_put_prop_index(ctx, -2, STASH_EVENT);
    evaluator->code = make_stash(ctx, STASH_CODE);
    evaluator->sessions = make_stash(ctx, STASH_SESSIONS);
    evaluator->loops = make_stash(ctx, STASH_LOOPS);
}

void engine_close(struct scxml_evaluator *evaluator)
{
    if (evaluator->ctx && !evaluator->is_dead) duk_destroy_heap(evaluator->ctx);
    while (evaluator->free_list) {
        struct scxml_variables *next = evaluator->free_list->next_free;
        free(evaluator->free_list);
        evaluator->free_list = next;
    }
    buf_free(&evaluator->xml);
    scope_close(evaluator->life);
}

enum err engine_open(const struct scxml_document *document, const struct scxml_limits *limits,
                     struct scxml_evaluator **out, struct fault *fault)
{
    struct scope *life = scope_new(NULL, "evaluator", SCOPE_NO_LIMIT);
    struct scxml_evaluator *evaluator = scope_alloc(life, sizeof *evaluator);
    struct scxml_limits all = scxml_limits_filled(limits);
    evaluator->life = life;
    evaluator->scratch = scope_new(life, "scratch", SCOPE_NO_LIMIT);
    evaluator->document = document;
    evaluator->heap_max = all.heap_bytes;
    evaluator->session_max = all.session_bytes;
    evaluator->watch.limit_ns = (uint64_t)all.script_ms * 1000000;
    evaluator->compiled = scope_alloc_array(life, (size_t)document->expression_count * CODE_FORMS,
                                            sizeof *evaluator->compiled);
    struct deed deed = { .run = set_up };
    watch_begin(&evaluator->watch, evaluator->heap_max);
    evaluator->ctx =
        duk_create_heap(watch_alloc, watch_realloc, watch_free, &evaluator->watch, watch_fatal);
    if (!evaluator->ctx || engine_enter(evaluator, &deed, fault) != SCXML_DONE) {
        engine_close(evaluator);
        return fault_set(fault, ERR_LIMIT, "", "the script heap is too small to begin");
    }
    evaluator->shared_bytes = raw_reachable_bytes(evaluator->ctx, evaluator->system);
    *out = evaluator;
    return ERR_OK;
}

size_t engine_bytes(const struct scxml_evaluator *evaluator)
{
    return evaluator->watch.bytes;
}

static struct scxml_variables *take_slot(struct scxml_evaluator *evaluator)
{
    struct scxml_variables *variables = evaluator->free_list;
    if (variables) {
        evaluator->free_list = variables->next_free;
        *variables = (struct scxml_variables){ .slot = variables->slot };
        return variables;
    }
    variables = calloc(1, sizeof *variables);
    ASSERT(variables);
    variables->slot = evaluator->slot_count++;
    return variables;
}

static void give_slot_back(struct scxml_evaluator *evaluator, struct scxml_variables *variables)
{
    variables->next_free = evaluator->free_list;
    evaluator->free_list = variables;
}

struct birth_deed {
    struct deed deed;
    struct scxml_variables *newborn;
};

static void make_data(duk_context *ctx, struct deed *deed)
{
    struct scxml_variables *newborn = ((struct birth_deed *)deed)->newborn;
    struct scxml_evaluator *evaluator = newborn->evaluator;
    duk_push_heapptr(ctx, evaluator->sessions);
    duk_push_bare_object(ctx);
    newborn->data = duk_get_heapptr(ctx, -1);
    duk_push_heapptr(ctx, evaluator->system);
    duk_set_prototype(ctx, -2);
    for (duk_uarridx_t i = 0; i < ROOT_COUNT; i++) {
        if (i == ROOT_DATA)
            duk_dup(ctx, -1);
        else
            duk_push_undefined(ctx);
        duk_put_prop_index(ctx, -3, newborn->slot * ROOT_COUNT + i);
    }
}

enum scxml_verdict engine_open_session(struct scxml_evaluator *evaluator,
                                       const struct scxml_frame *frame,
                                       struct scxml_variables **out)
{
    struct scxml_variables *variables = take_slot(evaluator);
    variables->evaluator = evaluator;
    variables->frame = *frame;
    variables->chance = frame->seed;
    struct birth_deed deed = { .deed.run = make_data, .newborn = variables };
    enum scxml_verdict verdict = engine_enter(evaluator, &deed.deed, NULL);
    if (verdict != SCXML_DONE) {
        give_slot_back(evaluator, variables);
        return SCXML_EXHAUSTED;
    }
    *out = variables;
    return SCXML_DONE;
}

static void drop_roots(duk_context *ctx, struct deed *deed)
{
    struct scxml_variables *gone = ((struct birth_deed *)deed)->newborn;
    duk_push_heapptr(ctx, gone->evaluator->sessions);
    for (duk_uarridx_t i = 0; i < ROOT_COUNT; i++) {
        duk_push_undefined(ctx);
        duk_put_prop_index(ctx, -2, gone->slot * ROOT_COUNT + i);
    }
}

void engine_close_session(struct scxml_variables *variables)
{
    if (!variables) return;
    struct scxml_evaluator *evaluator = variables->evaluator;
    struct birth_deed deed = { .deed.run = drop_roots, .newborn = variables };
    engine_enter(evaluator, &deed.deed, NULL);
    engine_forget_event(variables);
    give_slot_back(evaluator, variables);
}
