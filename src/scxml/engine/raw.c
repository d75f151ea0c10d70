/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c - Duktape itself, as one translation unit with the few functions that need its inside. */
#include "scxml/engine/watch.h"

/* What patches.txt calls. */
struct duk_hthread;
static void engine_note_syntax(struct duk_hthread *thr, long line, size_t offset);
static void engine_note_exhausted(struct duk_hthread *thr);
static void engine_time_up(struct duk_hthread *thr);
int engine_parse_date(struct duk_hthread *thr, const char *text); /* date.c */

#define ENGINE_TICK(thr, units)                                                                    \
    do {                                                                                           \
        struct watch *watch_ = (thr)->heap->heap_udata;                                            \
        if ((watch_->ticks -= (int64_t)(units)) < 0) engine_time_up(thr);                          \
    } while (0)
#define ENGINE_COUNT(heap, units) watch_count((heap)->heap_udata, (int64_t)(units))

#include "duktape.c"

#include "scxml/engine/raw.h"

struct watch *raw_watch(duk_context *ctx)
{
    return ctx->heap->heap_udata;
}

static void engine_note_syntax(duk_hthread *thr, long line, size_t offset)
{
    struct watch *watch = raw_watch(thr);
    watch->syntax_line = (uint32_t)line;
    watch->syntax_offset = offset;
}

static void engine_note_exhausted(duk_hthread *thr)
{
    watch_exhausted(raw_watch(thr));
}

void raw_set_global(duk_context *ctx, void *object)
{
    duk_hobject *new_global = object;
    duk_hobject *old = ctx->builtins[DUK_BIDX_GLOBAL];
    duk_hobjenv *environment = (duk_hobjenv *)ctx->builtins[DUK_BIDX_GLOBAL_ENV];
    if (old == new_global) return;
    /* Two references each; the old one is held elsewhere, so that nothing is freed here. */
    new_global->hdr.h_refcount += 2;
    ctx->builtins[DUK_BIDX_GLOBAL] = new_global;
    environment->target = new_global;
    old->hdr.h_refcount -= 2;
}

void *raw_global(duk_context *ctx)
{
    return ctx->builtins[DUK_BIDX_GLOBAL];
}

static bool has_class(duk_context *ctx, duk_idx_t index, duk_small_uint_t class_number)
{
    duk_hobject *object = duk_get_hobject(ctx, index);
    return object && DUK_HOBJECT_GET_CLASS_NUMBER(object) == class_number;
}

bool raw_is_date(duk_context *ctx, duk_idx_t index)
{
    return has_class(ctx, index, DUK_HOBJECT_CLASS_DATE);
}

void raw_push_date(duk_context *ctx, duk_idx_t index)
{
    duk_get_prop_stridx(ctx, index, DUK_STRIDX_INT_VALUE);
}

bool raw_is_regexp(duk_context *ctx, duk_idx_t index)
{
    return has_class(ctx, index, DUK_HOBJECT_CLASS_REGEXP);
}

bool raw_is_extensible(duk_context *ctx, duk_idx_t index)
{
    duk_hobject *object = duk_get_hobject(ctx, index);
    return object && DUK_HOBJECT_HAS_EXTENSIBLE(object);
}

static void engine_time_up(duk_hthread *thr)
{
    if (!watch_is_over(raw_watch(thr))) return;
    thr->interrupt_init = thr->interrupt_counter = 0;
    DUK_ERROR_RANGE(thr, "execution timeout");
}

void raw_tick(duk_context *ctx, int64_t units)
{
    ENGINE_TICK(ctx, units);
}

void raw_look(duk_context *ctx)
{
    engine_time_up(ctx);
}

void raw_begin(duk_context *ctx)
{
    raw_watch(ctx)->next_look = &ctx->interrupt_counter;
}
