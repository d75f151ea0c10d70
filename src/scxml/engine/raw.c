/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c - Duktape itself, as one translation unit with the few functions that need its inside. */
#include "scxml/engine/watch.h"

#include <malloc.h>

/* What patches.txt calls. */
struct duk_heap;
struct duk_heaphdr;
struct duk_hthread;
struct duk_hobject;
struct duk_hstring;
static bool engine_put_aside(struct duk_heaphdr *object);
static void engine_mark_aside(struct duk_heap *heap);
static void engine_note_syntax(struct duk_hthread *thr, long line, size_t offset);
static void engine_note_exhausted(struct duk_hthread *thr);
static void engine_time_up(struct duk_hthread *thr);
static void engine_shared_write(struct duk_hthread *thr, struct duk_hobject *object,
                                struct duk_hstring *key);
int engine_parse_date(struct duk_hthread *thr, const char *text); /* date.c */

#define ENGINE_TICK(thr, units)                                                                    \
    do {                                                                                           \
        struct watch *watch_ = (thr)->heap->heap_udata;                                            \
        if ((watch_->ticks -= (int64_t)(units)) < 0) engine_time_up(thr);                          \
    } while (0)
#define ENGINE_IS_SHARED(object) DUK_HEAPHDR_HAS_READONLY((duk_heaphdr *)(object))
#define ENGINE_SHARED_WRITE(thr, object, key)                                                      \
    do {                                                                                           \
        if (DUK_UNLIKELY(ENGINE_IS_SHARED(object) != 0)) engine_shared_write(thr, object, key);    \
    } while (0)
#define ENGINE_REFUSE_SHARED(thr, object)                                                          \
    do {                                                                                           \
        if (ENGINE_IS_SHARED(object)) DUK_ERROR_TYPE(thr, "a built-in object is shared");          \
    } while (0)
#define ENGINE_REFUSE_PROTECTED(thr, object)                                                       \
    do {                                                                                           \
        if ((object) && ENGINE_IS_SHARED(object) && !DUK_HOBJECT_HAS_EXTENSIBLE(object))           \
            DUK_ERROR_TYPE(thr, "read-only");                                                      \
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

/* --- marking -----------------------------------------------------------------------------------
 * Objects that are reachable, but too deep for recursion: what they lead to is marked later. */

enum { ASIDE_MAX = 4096 };

static _Thread_local struct {
    uint32_t count;
    duk_heaphdr *objects[ASIDE_MAX];
} aside;

/* False: there is no room left; Duktape finds it by itself. */
static bool engine_put_aside(duk_heaphdr *object)
{
    if (aside.count == ASIDE_MAX) return false;
    aside.objects[aside.count++] = object;
    return true;
}

static void engine_mark_aside(duk_heap *heap)
{
    while (aside.count) {
        duk_heaphdr *object = aside.objects[--aside.count];
        DUK_HEAPHDR_CLEAR_REACHABLE(object);
        duk__mark_heaphdr(heap, object);
    }
}

static size_t object_bytes(const duk_heap *heap, duk_heaphdr *at)
{
    size_t bytes = malloc_usable_size(at);
    if (DUK_HEAPHDR_IS_OBJECT(at))
        bytes += malloc_usable_size(DUK_HOBJECT_GET_PROPS(heap, (duk_hobject *)at));
    else if (DUK_HEAPHDR_IS_BUFFER(at) && DUK_HBUFFER_HAS_DYNAMIC((duk_hbuffer *)at))
        bytes +=
            malloc_usable_size(DUK_HBUFFER_DYNAMIC_GET_DATA_PTR(heap, (duk_hbuffer_dynamic *)at));
    return bytes;
}

static size_t take_mark(const duk_heap *heap, duk_heaphdr *at)
{
    if (!DUK_HEAPHDR_HAS_REACHABLE(at)) return 0;
    DUK_HEAPHDR_CLEAR_REACHABLE(at);
    return object_bytes(heap, at);
}

size_t raw_reachable_bytes(duk_context *ctx, void *object)
{
    duk_heap *heap = ctx->heap;
    size_t bytes = 0;
    duk__mark_heaphdr(heap, object);
    duk__mark_temproots_by_heap_scan(heap);
    for (duk_heaphdr *at = heap->heap_allocated; at; at = DUK_HEAPHDR_GET_NEXT(heap, at))
        bytes += take_mark(heap, at);
    for (duk_uint32_t i = 0; i < heap->st_size; i++)
        for (duk_hstring *at = heap->strtable[i]; at; at = at->hdr.h_next)
            bytes += take_mark(heap, (duk_heaphdr *)at);
    return bytes;
}

/* --- changes of built-in objects ---------------------------------------------------------------
 * A list of runs of five values with the global object of a session: an object, the key, and the
 * property that is not there at the moment: its flags (-1: none), its value or getter, its setter.
 */

enum { CHANGE_OBJECT, CHANGE_KEY, CHANGE_FLAGS, CHANGE_VALUE, CHANGE_SETTER, CHANGE_SLOTS };
enum { CHANGES_MAX = 1000 };

#define CHANGES_KEY DUK_INTERNAL_SYMBOL("changes")

/* [] -> [value setter]; its flags. */
static duk_int_t push_property(duk_hthread *thr, duk_hobject *object, duk_hstring *key)
{
    duk_int_t entry, hash;
    if (!duk_hobject_find_entry(thr->heap, object, key, &entry, &hash)) {
        duk_push_undefined(thr);
        duk_push_undefined(thr);
        return -1;
    }
    duk_int_t flags = DUK_HOBJECT_E_GET_FLAGS(thr->heap, object, entry);
    duk_propvalue *value = DUK_HOBJECT_E_GET_VALUE_PTR(thr->heap, object, entry);
    if (flags & DUK_PROPDESC_FLAG_ACCESSOR) {
        if (value->a.get)
            duk_push_hobject(thr, value->a.get);
        else
            duk_push_undefined(thr);
        if (value->a.set)
            duk_push_hobject(thr, value->a.set);
        else
            duk_push_undefined(thr);
    } else {
        duk_push_tval(thr, &value->v);
        duk_push_undefined(thr);
    }
    return flags;
}

/* [value setter] -> [] */
static void pop_property(duk_hthread *thr, duk_hobject *object, duk_hstring *key, duk_int_t flags)
{
    duk_int_t entry, hash;
    if (duk_hobject_find_entry(thr->heap, object, key, &entry, &hash))
        duk_hobject_delprop_raw(thr, object, key, DUK_DELPROP_FLAG_FORCE);
    if (flags >= 0) {
        entry = duk__hobject_alloc_entry_checked(thr, object, key);
        duk_propvalue *value = DUK_HOBJECT_E_GET_VALUE_PTR(thr->heap, object, entry);
        DUK_HOBJECT_E_SET_FLAGS(thr->heap, object, entry, (duk_uint8_t)flags);
        if (flags & DUK_PROPDESC_FLAG_ACCESSOR) {
            value->a.get = duk_get_hobject(thr, -2);
            value->a.set = duk_get_hobject(thr, -1);
            DUK_HOBJECT_INCREF_ALLOWNULL(thr, value->a.get);
            DUK_HOBJECT_INCREF_ALLOWNULL(thr, value->a.set);
        } else {
            DUK_TVAL_SET_TVAL(&value->v, DUK_GET_TVAL_NEGIDX(thr, -2));
            DUK_TVAL_INCREF(thr, &value->v);
        }
    }
    duk_pop_2(thr);
}

/* [list] -> [list] */
static void exchange(duk_hthread *thr, duk_uarridx_t at)
{
    duk_get_prop_index(thr, -1, at + CHANGE_OBJECT);
    duk_get_prop_index(thr, -2, at + CHANGE_KEY);
    duk_get_prop_index(thr, -3, at + CHANGE_FLAGS);
    duk_hobject *object = duk_require_hobject(thr, -3);
    duk_hstring *key = duk_require_hstring(thr, -2);
    duk_int_t flags = duk_get_int(thr, -1);
    duk_get_prop_index(thr, -4, at + CHANGE_VALUE);
    duk_get_prop_index(thr, -5, at + CHANGE_SETTER);
    duk_int_t flags_now = push_property(thr, object, key);
    /* list object key flags value setter value_now setter_now */
    duk_put_prop_index(thr, -8, at + CHANGE_SETTER);
    duk_put_prop_index(thr, -7, at + CHANGE_VALUE);
    duk_push_int(thr, flags_now);
    duk_put_prop_index(thr, -7, at + CHANGE_FLAGS);
    pop_property(thr, object, key, flags);
    duk_pop_3(thr);
}

static bool push_changes(duk_hthread *thr, duk_hobject *global)
{
    duk_push_hobject(thr, global);
    bool has_changes = duk_get_prop_string(thr, -1, CHANGES_KEY);
    duk_remove(thr, -2);
    if (!has_changes) duk_pop(thr);
    return has_changes;
}

/* Backwards and forwards, so that what was added first stands first again. */
static void exchange_all(duk_hthread *thr, duk_hobject *global, bool is_leaving)
{
    struct watch *watch = raw_watch(thr);
    size_t bytes_max = watch->bytes_max;
    int64_t ticks = watch->ticks;
    if (!watch->has_changes || !*watch->has_changes || !push_changes(thr, global)) return;
    watch->notes_changes = false;
    watch->bytes_max = SIZE_MAX; /* half a change would be worse than a late stop */
    watch->ticks = INT64_MAX;
    duk_uarridx_t slots = (duk_uarridx_t)duk_get_length(thr, -1);
    for (duk_uarridx_t at = 0; at < slots; at += CHANGE_SLOTS)
        exchange(thr, is_leaving ? slots - CHANGE_SLOTS - at : at);
    watch->bytes_max = bytes_max;
    watch->ticks = ticks;
    watch->notes_changes = true;
    duk_pop(thr);
}

/* [list] -> [list] */
static bool is_noted(duk_hthread *thr, duk_uarridx_t slots, duk_hobject *object, duk_hstring *key)
{
    for (duk_uarridx_t at = 0; at < slots; at += CHANGE_SLOTS) {
        duk_get_prop_index(thr, -1, at + CHANGE_OBJECT);
        duk_get_prop_index(thr, -2, at + CHANGE_KEY);
        bool is_it = duk_get_hobject(thr, -2) == object && duk_get_hstring(thr, -1) == key;
        duk_pop_2(thr);
        if (is_it) return true;
    }
    return false;
}

/* [list] -> [list] */
static void note_change(duk_hthread *thr, duk_uarridx_t at, duk_hobject *object, duk_hstring *key)
{
    duk_push_hobject(thr, object);
    duk_put_prop_index(thr, -2, at + CHANGE_OBJECT);
    duk_push_hstring(thr, key);
    duk_put_prop_index(thr, -2, at + CHANGE_KEY);
    duk_int_t flags = push_property(thr, object, key);
    duk_put_prop_index(thr, -3, at + CHANGE_SETTER);
    duk_put_prop_index(thr, -2, at + CHANGE_VALUE);
    duk_push_int(thr, flags);
    duk_put_prop_index(thr, -2, at + CHANGE_FLAGS);
}

static void engine_shared_write(duk_hthread *thr, duk_hobject *object, duk_hstring *key)
{
    if (!raw_watch(thr)->notes_changes) return;
    ENGINE_REFUSE_PROTECTED(thr, object);
    if (!raw_watch(thr)->has_changes) return;
    *raw_watch(thr)->has_changes = true;
    duk_require_stack(thr, 2 * CHANGE_SLOTS);
    duk_hobject *global = thr->builtins[DUK_BIDX_GLOBAL];
    if (!push_changes(thr, global)) {
        duk_push_hobject(thr, global);
        duk_push_bare_array(thr);
        duk_dup(thr, -1);
        duk_put_prop_string(thr, -3, CHANGES_KEY);
        duk_remove(thr, -2);
    }
    duk_uarridx_t slots = (duk_uarridx_t)duk_get_length(thr, -1);
    if (!is_noted(thr, slots, object, key)) {
        if (slots >= CHANGES_MAX * CHANGE_SLOTS)
            DUK_ERROR_RANGE(thr, "too many changes of built-in objects");
        note_change(thr, slots, object, key);
    }
    duk_pop(thr);
}

static void share(duk_hobject *object)
{
    DUK_HEAPHDR_SET_READONLY((duk_heaphdr *)object);
    /* Its elements would be written past us. */
    if (!DUK_HOBJECT_GET_ASIZE(object)) DUK_HOBJECT_CLEAR_ARRAY_PART(object);
}

void raw_share_all(duk_context *ctx)
{
    for (duk_heaphdr *at = ctx->heap->heap_allocated; at; at = DUK_HEAPHDR_GET_NEXT(ctx->heap, at))
        if (DUK_HEAPHDR_IS_OBJECT(at)) share((duk_hobject *)at);
    raw_watch(ctx)->notes_changes = true;
}

static void share_deep(duk_hthread *thr, duk_hobject *object)
{
    if (!object || ENGINE_IS_SHARED(object)) return;
    share(object);
    for (duk_uint_fast32_t i = 0; i < DUK_HOBJECT_GET_ENEXT(object); i++) {
        duk_propvalue *value = DUK_HOBJECT_E_GET_VALUE_PTR(thr->heap, object, i);
        if (!DUK_HOBJECT_E_GET_KEY(thr->heap, object, i)) continue;
        if (DUK_HOBJECT_E_SLOT_IS_ACCESSOR(thr->heap, object, i)) {
            share_deep(thr, value->a.get);
            share_deep(thr, value->a.set);
        } else if (DUK_TVAL_IS_OBJECT(&value->v)) {
            share_deep(thr, DUK_TVAL_GET_OBJECT(&value->v));
        }
    }
}

void raw_share(duk_context *ctx, duk_idx_t index)
{
    share_deep(ctx, duk_require_hobject(ctx, index));
}

void raw_protect(duk_context *ctx, duk_idx_t index)
{
    DUK_HEAPHDR_SET_READONLY((duk_heaphdr *)duk_require_hobject(ctx, index));
}

void raw_set_global(duk_context *ctx, void *object, bool *has_changes)
{
    duk_hobject *new_global = object;
    duk_hobject *old = ctx->builtins[DUK_BIDX_GLOBAL];
    duk_hobjenv *environment = (duk_hobjenv *)ctx->builtins[DUK_BIDX_GLOBAL_ENV];
    if (old == new_global) return;
    exchange_all(ctx, old, true);
    /* Two references each; the old one is held elsewhere, so that nothing is freed here. */
    new_global->hdr.h_refcount += 2;
    ctx->builtins[DUK_BIDX_GLOBAL] = new_global;
    environment->target = new_global;
    old->hdr.h_refcount -= 2;
    raw_watch(ctx)->has_changes = has_changes;
    exchange_all(ctx, new_global, false);
}

void raw_push_record(duk_context *ctx, void *keys)
{
    duk_hobject *like = keys;
    duk_uint32_t count = DUK_HOBJECT_GET_ENEXT(like);
    duk_hobject *made = duk_push_object_helper(
        ctx, DUK_HOBJECT_FLAG_FASTREFS | DUK_HOBJECT_CLASS_AS_FLAGS(DUK_HOBJECT_CLASS_OBJECT),
        DUK_BIDX_OBJECT_PROTOTYPE);
    duk_hobject_realloc_props(ctx, made, count, 0, 0, 0);
    for (duk_uint32_t i = 0; i < count; i++) {
        duk_hstring *key = DUK_HOBJECT_E_GET_KEY(ctx->heap, like, i);
        duk_propvalue *value = DUK_HOBJECT_E_GET_VALUE_PTR(ctx->heap, made, i);
        DUK_HOBJECT_E_SET_KEY(ctx->heap, made, i, key);
        DUK_HSTRING_INCREF(ctx, key);
        DUK_HOBJECT_E_SET_FLAGS(ctx->heap, made, i, DUK_PROPDESC_FLAG_ENUMERABLE);
        DUK_TVAL_SET_TVAL(&value->v, DUK_GET_TVAL_NEGIDX(ctx, -1 - (duk_idx_t)(count - i)));
        DUK_TVAL_INCREF(ctx, &value->v);
        DUK_HOBJECT_POSTINC_ENEXT(made);
    }
    DUK_HOBJECT_CLEAR_EXTENSIBLE(made);
    raw_protect(ctx, -1);
    duk_insert(ctx, -1 - (duk_idx_t)count);
    duk_pop_n(ctx, (duk_idx_t)count);
}

void raw_push_json(duk_context *ctx, const char *text, size_t len)
{
    duk_json_dec_ctx json = { 0 };
    json.thr = ctx;
    json.recursion_limit = DUK_USE_JSON_DEC_RECLIMIT;
    json.p_start = json.p = (const duk_uint8_t *)text;
    json.p_end = json.p_start + len;
    duk__json_dec_value(&json);
    if (json.p != json.p_end) duk__json_dec_syntax_error(&json);
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
