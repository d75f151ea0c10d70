/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c - Duktape itself, as one translation unit with the few functions that need its inside. */
#include "scxml/engine/watch.h"

/* What patches.txt calls. */
struct duk_hthread;
static void engine_note_syntax(struct duk_hthread *thr, long line, size_t offset);
static void engine_note_exhausted(struct duk_hthread *thr);
int engine_parse_date(struct duk_hthread *thr, const char *text); /* date.c */

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
    thr->interrupt_counter = 0;
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

void raw_tick(duk_context *ctx, int64_t ticks)
{
    struct watch *watch = raw_watch(ctx);
    watch->ticks -= ticks;
    if (watch->ticks >= 0 || !watch_is_over(watch)) return;
    ctx->interrupt_init = ctx->interrupt_counter = 0;
    DUK_ERROR_RANGE(ctx, "execution timeout");
}
