/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack_fuzz.c - MessagePack values; beside libmsgpack.
 * Ours is written by hand, libmsgpack only writes. What differs, and why that is right:
 * - Values deeper than MSGPACK_DEPTH_MAX, or longer than the bytes that are there, are refused
 *   before libmsgpack would begin: what a peer declares is not believed.
 * - Texts that are no UTF-8, names that are no text, extensions and integers past int64 have no
 *   place in a kv; libmsgpack passes them on. */
#include "tests/fuzz/fuzz.h"

#include "format/msgpack.h"

#include <msgpack/unpack.h>
#include <string.h>

/* How many bytes the first value takes; 0: it is none. */
static size_t first_by_libmsgpack(struct text in, msgpack_unpacked *out)
{
    size_t used = 0;
    msgpack_unpack_return is = msgpack_unpack_next(out, in.at, in.len, &used);
    return is == MSGPACK_UNPACK_SUCCESS || is == MSGPACK_UNPACK_EXTRA_BYTES ? used : 0;
}

static bool same(const struct value *ours, const msgpack_object *theirs);

static bool same_text(struct text ours, const char *at, uint32_t len)
{
    return text_eq(ours, (struct text){ at, len });
}

static bool same_pairs(const struct kv *ours, const msgpack_object_map *theirs)
{
    if (ours->count != theirs->size) return false;
    for (uint32_t i = 0; i < ours->count; i++) {
        const msgpack_object *key = &theirs->ptr[i].key;
        if (key->type != MSGPACK_OBJECT_STR ||
            !same_text(ours->at[i].name, key->via.str.ptr, key->via.str.size) ||
            !same(&ours->at[i].value, &theirs->ptr[i].val))
            return false;
    }
    return true;
}

static bool same(const struct value *ours, const msgpack_object *theirs)
{
    switch (ours->kind) {
    case VALUE_NULL: return theirs->type == MSGPACK_OBJECT_NIL;
    case VALUE_BOOL:
        return theirs->type == MSGPACK_OBJECT_BOOLEAN && ours->truth == theirs->via.boolean;
    case VALUE_INTEGER:
        return (theirs->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
                theirs->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) &&
               ours->integer == theirs->via.i64;
    case VALUE_FLOAT:
        return (theirs->type == MSGPACK_OBJECT_FLOAT64 || theirs->type == MSGPACK_OBJECT_FLOAT32) &&
               (memcmp(&ours->number, &theirs->via.f64, sizeof ours->number) == 0 ||
                ours->number != ours->number);
    case VALUE_TEXT:
        return theirs->type == MSGPACK_OBJECT_STR &&
               same_text(ours->text, theirs->via.str.ptr, theirs->via.str.size);
    case VALUE_BYTES:
        return theirs->type == MSGPACK_OBJECT_BIN &&
               same_text(ours->text, theirs->via.bin.ptr, theirs->via.bin.size);
    case VALUE_LIST:
        if (theirs->type != MSGPACK_OBJECT_ARRAY || ours->items.count != theirs->via.array.size)
            return false;
        for (uint32_t i = 0; i < ours->items.count; i++)
            if (!same(&ours->items.at[i], &theirs->via.array.ptr[i])) return false;
        return true;
    case VALUE_KV:
        return theirs->type == MSGPACK_OBJECT_MAP && same_pairs(&ours->pairs, &theirs->via.map);
    }
    return false;
}

static void check_raw(struct text in)
{
    struct msgpack_reader reader = msgpack_reader(in);
    struct text raw = msgpack_get_raw(&reader);
    FUZZ_CHECK((raw.len == 0) == (reader.err != ERR_OK));
    FUZZ_CHECK(reader.err == ERR_OK || msgpack_peek(&reader) == MSGPACK_END);
    FUZZ_CHECK(raw.len == 0 || (raw.at == in.at && raw.len <= in.len));
    msgpack_unpacked theirs;
    msgpack_unpacked_init(&theirs);
    /* libmsgpack believes counts, so it is asked only where they are true. */
    if (reader.err == ERR_OK) FUZZ_CHECK(first_by_libmsgpack(in, &theirs) == raw.len);
    msgpack_unpacked_destroy(&theirs);
}

/* Every getter on every value: it takes the value, or the error sticks. */
static void check_getters(struct text in)
{
    for (int which = 0; which < 9; which++) {
        struct msgpack_reader reader = msgpack_reader(in);
        while (msgpack_peek(&reader) != MSGPACK_END) {
            const unsigned char *before = reader.at;
            switch (which) {
            case 0: (void)msgpack_get_bool(&reader); break;
            case 1: (void)msgpack_get_u64(&reader); break;
            case 2: (void)msgpack_get_u32(&reader); break;
            case 3: (void)msgpack_get_i64(&reader); break;
            case 4: (void)msgpack_get_f64(&reader); break;
            case 5: (void)msgpack_get_text(&reader); break;
            case 6: (void)msgpack_get_bytes(&reader); break;
            case 7: (void)msgpack_get_array(&reader); break;
            default: (void)msgpack_get_map(&reader); break;
            }
            FUZZ_CHECK(reader.err || reader.at > before);
            FUZZ_CHECK(reader.at <= reader.end);
        }
    }
}

static void check_kv(struct text in)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct kv kv, again;
    struct fault fault = { 0 };
    enum err err = msgpack_decode_kv(in, scope, &kv, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
    } else {
        struct buf once = { 0 }, twice = { 0 };
        fuzz_check_value(&(struct value){ .kind = VALUE_KV, .pairs = kv }, MSGPACK_DEPTH_MAX + 1);
        msgpack_encode_kv(&once, &kv);
        FUZZ_CHECK(once.len <= in.len * 2); /* a float of four bytes becomes one of eight */
        FUZZ_CHECK(msgpack_decode_kv(buf_text(&once), scope, &again, NULL) == ERR_OK);
        FUZZ_CHECK(fuzz_same_kv(&kv, &again));
        msgpack_encode_kv(&twice, &again);
        FUZZ_CHECK(text_eq(buf_text(&once), buf_text(&twice)));
        msgpack_unpacked theirs;
        msgpack_unpacked_init(&theirs);
        FUZZ_CHECK(first_by_libmsgpack(in, &theirs) == in.len);
        FUZZ_CHECK(theirs.data.type == MSGPACK_OBJECT_MAP);
        FUZZ_CHECK(same_pairs(&kv, &theirs.data.via.map));
        msgpack_unpacked_destroy(&theirs);
        buf_free(&once);
        buf_free(&twice);
    }
    scope_close(scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    check_raw(in);
    check_getters(in);
    check_kv(in);
    return 0;
}
