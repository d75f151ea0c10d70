/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding by shape. The bytes are copied once, then everything is a view or a small struct beside
 * them. Two bounds keep a hostile frame small: no count passes what the bytes can hold, and all
 * allocations together stay in proportion to the frame. */
#include "format/msgpack.h"

#include <string.h>

enum {
    SPEND_BYTES_FREE = 4 * 1024 * 1024, /* many small structs in a list are honest */
    SPEND_PER_BYTE = 32,                /* a pair of a kv takes 40 bytes for at least 2 */
};

struct decoder {
    struct msgpack_reader in;
    struct scope *scope;
    size_t budget;
    int depth;
    struct fault *fault;
    enum err err; /* of ours; in.err is the reader's */
};

static void refuse(struct decoder *decoder, enum err err, const char *field, const char *words)
{
    if (decoder->err) return;
    decoder->err = fault_set(decoder->fault, err, field, "%s", words);
}

/* NULL when the budget or the scope's limit says no: then the error is noted. */
static void *take_memory(struct decoder *decoder, size_t count, size_t bytes_each)
{
    size_t bytes = count * bytes_each; /* count is below 2^32, structs below 2^16 */
    void *memory = NULL;
    if (bytes <= decoder->budget) memory = scope_try_alloc(decoder->scope, bytes ? bytes : 1);
    if (memory == NULL)
        refuse(decoder, ERR_LIMIT, "", "needs more memory than allowed");
    else
        decoder->budget -= bytes;
    return memory;
}

static bool enter(struct decoder *decoder)
{
    if (decoder->depth == MSGPACK_DEPTH_MAX) refuse(decoder, ERR_LIMIT, "", "nested too deep");
    if (decoder->err) return false;
    decoder->depth++;
    return true;
}

static void leave(struct decoder *decoder)
{
    decoder->depth--;
}

static bool is_failed(struct decoder *decoder)
{
    if (!decoder->err && decoder->in.err)
        refuse(decoder, decoder->in.err, "", "is no well-formed MessagePack");
    return decoder->err != ERR_OK;
}

static void read_kv(struct decoder *decoder, struct kv *out);

static void read_value(struct decoder *decoder, struct value *out);

static void read_items(struct decoder *decoder, struct value *out)
{
    if (!enter(decoder)) return;
    uint32_t count = msgpack_get_array(&decoder->in);
    out->kind = VALUE_LIST;
    out->items.at = take_memory(decoder, count, sizeof *out);
    out->items.count = count;
    for (uint32_t i = 0; i < count && !is_failed(decoder); i++)
        read_value(decoder, &out->items.at[i]);
    leave(decoder);
}

static void read_value(struct decoder *decoder, struct value *out)
{
    switch (msgpack_peek(&decoder->in)) {
    case MSGPACK_NIL:
        (void)msgpack_get_nil(&decoder->in);
        out->kind = VALUE_NULL;
        break;
    case MSGPACK_BOOL:
        *out = (struct value){ .kind = VALUE_BOOL, .truth = msgpack_get_bool(&decoder->in) };
        break;
    case MSGPACK_INTEGER:
        *out = (struct value){ .kind = VALUE_INTEGER, .integer = msgpack_get_i64(&decoder->in) };
        break;
    case MSGPACK_FLOAT:
        *out = (struct value){ .kind = VALUE_FLOAT, .number = msgpack_get_f64(&decoder->in) };
        break;
    case MSGPACK_TEXT:
        *out = (struct value){ .kind = VALUE_TEXT, .text = msgpack_get_text(&decoder->in) };
        break;
    case MSGPACK_BYTES:
        *out = (struct value){ .kind = VALUE_BYTES, .text = msgpack_get_bytes(&decoder->in) };
        break;
    case MSGPACK_ARRAY: read_items(decoder, out); break;
    case MSGPACK_MAP:
        out->kind = VALUE_KV;
        read_kv(decoder, &out->pairs);
        break;
    case MSGPACK_EXTENSION:
    case MSGPACK_END: refuse(decoder, ERR_INVALID, "", "is no well-formed MessagePack"); break;
    }
}

static void read_kv(struct decoder *decoder, struct kv *out)
{
    if (!enter(decoder)) return;
    uint32_t count = msgpack_get_map(&decoder->in);
    out->at = take_memory(decoder, count, sizeof *out->at);
    out->count = count;
    for (uint32_t i = 0; i < count && !is_failed(decoder); i++) {
        out->at[i].name = msgpack_get_text(&decoder->in);
        if (!is_failed(decoder)) read_value(decoder, &out->at[i].value);
    }
    leave(decoder);
}

static void read_object(struct decoder *decoder, const struct shape *shape, void *object);

static void read_one(struct decoder *decoder, const struct shape_field *field, void *at)
{
    struct msgpack_reader *in = &decoder->in;
    switch (field->kind) {
    case FIELD_BOOL: *(bool *)at = msgpack_get_bool(in); break;
    case FIELD_U32: *(uint32_t *)at = msgpack_get_u32(in); break;
    case FIELD_U64: *(uint64_t *)at = msgpack_get_u64(in); break;
    case FIELD_I64: *(int64_t *)at = msgpack_get_i64(in); break;
    case FIELD_F64: *(double *)at = msgpack_get_f64(in); break;
    case FIELD_TEXT: *(struct text *)at = msgpack_get_text(in); break;
    case FIELD_BYTES: *(struct text *)at = msgpack_get_bytes(in); break;
    case FIELD_KV: read_kv(decoder, at); break;
    case FIELD_NESTED: read_object(decoder, field->nested, at); break;
    }
}

static void read_list(struct decoder *decoder, const struct shape_field *field,
                      struct shape_list *out)
{
    if (!enter(decoder)) return;
    size_t step = shape_item_size(field);
    uint32_t count = msgpack_get_array(&decoder->in);
    if (field->len_max && count > field->len_max)
        refuse(decoder, ERR_INVALID, field->name, "has too many items");
    if (!decoder->err) out->at = take_memory(decoder, count, step);
    out->count = count;
    for (uint32_t i = 0; i < count && !is_failed(decoder); i++)
        read_one(decoder, field, (char *)out->at + i * step);
    leave(decoder);
}

static void read_field(struct decoder *decoder, const struct shape_field *field, void *member)
{
    if (field->is_list) {
        read_list(decoder, field, member);
    } else if (field->kind == FIELD_NESTED) {
        void *nested = take_memory(decoder, 1, field->nested->size);
        if (nested) read_object(decoder, field->nested, nested);
        *(void **)member = nested;
    } else {
        read_one(decoder, field, member);
    }
    if (!decoder->err && decoder->in.err)
        refuse(decoder, decoder->in.err, field->name, "has the wrong type or bad bytes");
}

/* At the end of the chain, so that they leave in the order they came. */
static void keep_unknown(struct decoder *decoder, uint64_t tag, const struct shape_unknown ***end)
{
    struct text bytes = msgpack_get_raw(&decoder->in);
    struct shape_unknown *unknown = is_failed(decoder) ? NULL
                                                       : take_memory(decoder, 1, sizeof *unknown);
    if (unknown == NULL) return;
    *unknown = (struct shape_unknown){ .tag = tag, .bytes = bytes };
    **end = unknown;
    *end = &unknown->next;
}

/* Index of the field with `tag`, or count. `guess`: senders write fields in our own order. */
static uint16_t field_of(const struct shape *shape, uint64_t tag, uint16_t guess)
{
    for (uint16_t i = guess; i < shape->count; i++)
        if (shape->fields[i].tag == tag) return i;
    for (uint16_t i = 0; i < guess && i < shape->count; i++)
        if (shape->fields[i].tag == tag) return i;
    return shape->count;
}

static void read_object(struct decoder *decoder, const struct shape *shape, void *object)
{
    if (!enter(decoder)) return;
    struct shape_head *head = object;
    uint32_t count = msgpack_get_map(&decoder->in);
    const struct shape_unknown **end_of_unknown = &head->unknown;
    uint16_t next = 0;
    for (uint32_t i = 0; i < count && !is_failed(decoder); i++) {
        uint64_t tag = msgpack_get_u64(&decoder->in);
        if (is_failed(decoder)) break;
        uint16_t index = field_of(shape, tag, next);
        if (index == shape->count) {
            keep_unknown(decoder, tag, &end_of_unknown);
            continue;
        }
        const struct shape_field *field = &shape->fields[index];
        if (head->has & (1ull << index))
            refuse(decoder, ERR_INVALID, field->name, "is there twice");
        else
            read_field(decoder, field, (char *)object + field->offset);
        head->has |= 1ull << index;
        next = (uint16_t)(index + 1);
    }
    leave(decoder);
}

/* The copy that all views point into; NULL when it may not be kept. */
static bool open_decoder(struct decoder *decoder, struct text bytes, struct scope *scope,
                         struct fault *fault)
{
    *decoder = (struct decoder){ .scope = scope, .fault = fault };
    if (bytes.len > (SIZE_MAX - SPEND_BYTES_FREE) / (SPEND_PER_BYTE + 1)) {
        refuse(decoder, ERR_LIMIT, "", "is too long");
        return false;
    }
    decoder->budget = SPEND_BYTES_FREE + bytes.len * (SPEND_PER_BYTE + 1);
    char *copy = take_memory(decoder, 1, bytes.len);
    if (copy == NULL) return false;
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    decoder->in = msgpack_reader((struct text){ copy, bytes.len });
    return true;
}

static enum err close_decoder(struct decoder *decoder)
{
    if (!is_failed(decoder) && !msgpack_is_done(&decoder->in))
        refuse(decoder, ERR_INVALID, "", "goes on after its end");
    return decoder->err;
}

enum err msgpack_decode(struct text bytes, const struct shape *shape, struct scope *scope,
                        void **out, struct fault *fault)
{
    struct decoder decoder;
    void *object = NULL;
    if (open_decoder(&decoder, bytes, scope, fault)) object = take_memory(&decoder, 1, shape->size);
    if (object) read_object(&decoder, shape, object);
    enum err err = close_decoder(&decoder);
    if (!err) err = shape_check(shape, object, fault);
    if (!err) *out = object;
    return err;
}

enum err msgpack_decode_kv(struct text bytes, struct scope *scope, struct kv *out,
                           struct fault *fault)
{
    struct decoder decoder;
    struct kv kv = { 0 };
    if (open_decoder(&decoder, bytes, scope, fault)) read_kv(&decoder, &kv);
    enum err err = close_decoder(&decoder);
    if (!err) *out = kv;
    return err;
}
