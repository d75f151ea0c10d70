/* SPDX-License-Identifier: Apache-2.0 */
#include "format/msgpack.h"
#include "tests/unit/format/sample.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static struct text encode(struct buf *out, const struct sample *sample)
{
    buf_clear(out);
    msgpack_encode(out, &SAMPLE, sample);
    return buf_text(out);
}

static struct sample *decode(struct text bytes, struct scope *scope)
{
    void *out = NULL;
    struct fault fault = { 0 };
    enum err err = msgpack_decode(bytes, &SAMPLE, scope, &out, &fault);
    if (err) print_error("%s: %s\n", fault.field, fault.words);
    CHECK_OK(err);
    return out;
}

/* What a decoder says to `count` bytes. */
static enum err refuse(const char *bytes, size_t len, struct fault *fault)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    void *out = NULL;
    *fault = (struct fault){ 0 };
    enum err err = msgpack_decode((struct text){ bytes, len }, &SAMPLE, scope, &out, fault);
    CHECK(out == NULL || !err);
    scope_close(scope);
    return err;
}

TEST(every_kind_of_field_comes_back_and_gives_the_same_bytes)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct sample *sample = sample_full(scope), *back;
    struct buf first = { 0 }, second = { 0 };
    back = decode(encode(&first, sample), scope);
    CHECK(back->head.has == sample->head.has);
    CHECK(back->truth && back->u32 == UINT32_MAX && back->u64 == UINT64_MAX);
    CHECK(back->i64 == INT64_MIN && back->f64 > 2.4999 && back->f64 < 2.5001);
    CHECK_TEXT(back->text, "d\xC3\xA9j\xC3\xA0");
    CHECK(text_eq(back->bytes, TEXT("\xff\x00\xfe")));
    CHECK_I64(back->numbers.count, 3);
    CHECK_U32(back->numbers.at[2], 70000);
    CHECK_I64(back->parts.count, 2);
    CHECK_TEXT(back->parts.at[1].name, "second");
    CHECK_TEXT(back->inner->name, "inner");
    CHECK_I64(back->pairs.count, 7);
    CHECK_I64(kv_find(&back->pairs, TEXT("list"))->items.at[1].integer, -2);
    CHECK_TEXT(kv_find(&kv_find(&back->pairs, TEXT("kv"))->pairs, TEXT("deep"))->text, "end");
    encode(&second, back);
    CHECK(text_eq(buf_text(&first), buf_text(&second)));
    buf_free(&first);
    buf_free(&second);
    scope_close(scope);
}

TEST(absent_is_not_zero)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct sample sample = { .head.has = SAMPLE_HAS_TEXT | SAMPLE_HAS_U32, .text = TEXT("x") };
    struct buf out = { 0 };
    struct sample *back = decode(encode(&out, &sample), scope);
    CHECK(SHAPE_HAS(back, SAMPLE_HAS_U32) && back->u32 == 0);
    CHECK(!SHAPE_HAS(back, SAMPLE_HAS_I64));
    buf_free(&out);
    scope_close(scope);
}

TEST(what_a_newer_release_added_travels_on_in_its_order)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct buf in = { 0 }, out = { 0 };
    msgpack_put_map(&in, 4);
    msgpack_put_u64(&in, 6);
    msgpack_put_text(&in, TEXT("x"));
    msgpack_put_u64(&in, 900);
    msgpack_put_array(&in, 2);
    msgpack_put_nil(&in);
    msgpack_put_f64(&in, 1.5);
    msgpack_put_u64(&in, 70000);
    msgpack_put_bool(&in, true);
    msgpack_put_u64(&in, 901);
    buf_add(&in, TEXT("\xd6\x01"
                      "abcd")); /* an extension of four bytes */
    struct sample *back = decode(buf_text(&in), scope);
    CHECK_I64(back->head.unknown->tag, 900);
    msgpack_encode(&out, &SAMPLE, back);
    CHECK(text_eq(buf_text(&in), buf_text(&out)));
    buf_free(&in);
    buf_free(&out);
    scope_close(scope);
}

TEST(every_prefix_of_a_valid_message_is_refused)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct buf out = { 0 };
    struct fault fault;
    struct text whole = encode(&out, sample_full(scope));
    for (size_t len = 0; len < whole.len; len++) {
        char *copy = malloc(len ? len : 1); /* its own block: ASan sees each byte past it */
        memcpy(copy, whole.at, len);
        CHECK_I64(refuse(copy, len, &fault), ERR_INVALID);
        free(copy);
    }
    buf_add_byte(&out, '\xc0');
    CHECK_I64(refuse(out.at, out.len, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "goes on after its end");
    buf_free(&out);
    scope_close(scope);
}

TEST(no_flipped_byte_crashes_the_decoder)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct buf out = { 0 };
    struct fault fault;
    encode(&out, sample_full(scope));
    for (size_t i = 0; i < out.len; i++)
        for (int to = 0; to < 256; to += 3) {
            char kept = out.at[i];
            out.at[i] = (char)to;
            (void)refuse(out.at, out.len, &fault);
            out.at[i] = kept;
        }
    buf_free(&out);
    scope_close(scope);
}

TEST(a_fault_names_the_field_and_its_rule)
{
    struct fault fault;
    CHECK_I64(refuse("\x80", 1, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "text");
    CHECK_TEXT(text_of(fault.words), "is required");
    CHECK_I64(refuse("\x81\x06\x01", 3, &fault), ERR_INVALID); /* a number where text belongs */
    CHECK_TEXT(text_of(fault.field), "text");
    CHECK_I64(refuse("\x81\x06\xa1\xff", 4, &fault), ERR_INVALID); /* no UTF-8 */
    CHECK_TEXT(text_of(fault.field), "text");
    CHECK_I64(refuse("\x82\x06\xa1x\x06\xa1y", 7, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "is there twice");
    CHECK_I64(refuse("\x82\x06\xa1x\x02\xff", 6, &fault), ERR_INVALID); /* -1 for a u32 */
    CHECK_TEXT(text_of(fault.field), "u32");
    CHECK_I64(refuse("\xc1", 1, &fault), ERR_INVALID);
    CHECK_I64(refuse("", 0, &fault), ERR_INVALID);
}

TEST(declared_counts_past_the_bytes_are_refused_before_memory_is_taken)
{
    struct fault fault;
    /* tag 9, a list of u32 with 2^32 - 1 items, then three bytes */
    CHECK_I64(refuse("\x81\x09\xdd\xff\xff\xff\xff\x01\x01\x01", 10, &fault), ERR_INVALID);
    /* tag 8, a kv of 2^32 - 1 pairs */
    CHECK_I64(refuse("\x81\x08\xdf\xff\xff\xff\xff\xa1x\x01", 10, &fault), ERR_INVALID);
    /* text of 4 GiB */
    CHECK_I64(refuse("\x81\x06\xdb\xff\xff\xff\xffx", 8, &fault), ERR_INVALID);
}

TEST(a_list_of_empty_structs_may_not_blow_up_the_memory)
{
    struct buf in = { 0 };
    struct fault fault;
    enum { COUNT = 1000000 };
    msgpack_put_map(&in, 1);
    msgpack_put_u64(&in, 10);
    msgpack_put_array(&in, COUNT);
    memset(buf_reserve(&in, COUNT), 0x80, COUNT); /* a struct takes one byte here, 96 in memory */
    in.len += COUNT;
    CHECK_I64(refuse(in.at, in.len, &fault), ERR_LIMIT);
    buf_free(&in);
}

TEST(a_scope_with_a_limit_bounds_the_decoder)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct scope *tight = scope_new(scope, "tight", 600);
    struct buf out = { 0 };
    void *object = NULL;
    struct text bytes = encode(&out, sample_full(scope));
    CHECK_I64(msgpack_decode(bytes, &SAMPLE, tight, &object, NULL), ERR_LIMIT);
    CHECK(object == NULL);
    buf_free(&out);
    scope_close(scope);
}

/* `depth` lists in a kv in a struct, which are two levels themselves. */
static enum err decode_deep(uint32_t depth)
{
    struct buf in = { 0 };
    struct fault fault;
    msgpack_put_map(&in, 2);
    msgpack_put_u64(&in, 6);
    msgpack_put_text(&in, TEXT("x"));
    msgpack_put_u64(&in, 8);
    msgpack_put_map(&in, 1);
    msgpack_put_text(&in, TEXT("deep"));
    for (uint32_t i = 0; i < depth; i++) msgpack_put_array(&in, 1);
    msgpack_put_nil(&in);
    enum err err = refuse(in.at, in.len, &fault);
    buf_free(&in);
    return err;
}

TEST(depth_is_bounded_at_32)
{
    CHECK_OK(decode_deep(30));
    CHECK_I64(decode_deep(31), ERR_LIMIT);
    CHECK_I64(decode_deep(100000), ERR_LIMIT);
    /* and in what is only passed on */
    struct buf in = { 0 };
    for (int i = 0; i < 33; i++) msgpack_put_array(&in, 1);
    msgpack_put_nil(&in);
    struct msgpack_reader reader = msgpack_reader(buf_text(&in));
    CHECK_I64(msgpack_get_raw(&reader).len, 0);
    CHECK_I64(reader.err, ERR_LIMIT);
    reader = msgpack_reader(text_slice(buf_text(&in), 1, in.len));
    CHECK_I64(msgpack_get_raw(&reader).len, 33);
    CHECK(msgpack_is_done(&reader));
    buf_free(&in);
}

TEST(integers_of_every_width_are_read_and_checked)
{
    const int64_t values[] = { 0,          1,           127,         128,       255,
                               256,        65535,       65536,       -1,        -32,
                               -33,        -128,        -129,        -32768,    40000,
                               4294967295, -2147483648, -2147483649, INT64_MAX, INT64_MIN };
    struct buf in = { 0 };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) msgpack_put_i64(&in, values[i]);
    struct msgpack_reader reader = msgpack_reader(buf_text(&in));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        CHECK(msgpack_get_i64(&reader) == values[i]);
    CHECK(msgpack_is_done(&reader));
    buf_clear(&in);
    msgpack_put_u64(&in, UINT64_MAX);
    reader = msgpack_reader(buf_text(&in));
    CHECK(msgpack_get_u64(&reader) == UINT64_MAX);
    reader = msgpack_reader(buf_text(&in));
    CHECK_I64(msgpack_get_i64(&reader), 0);
    CHECK_I64(reader.err, ERR_INVALID);
    CHECK_I64(msgpack_get_array(&reader), 0); /* the first error sticks */
    buf_free(&in);
}

TEST(a_frame_is_written_and_read_value_by_value) /* design 4 */
{
    struct buf in = { 0 };
    msgpack_put_array(&in, 4);
    msgpack_put_u64(&in, 1001);
    msgpack_put_u64(&in, 7);
    msgpack_put_map(&in, 1);
    msgpack_put_text(&in, TEXT("trace"));
    msgpack_put_bytes(&in, TEXT("\x01\xff"));
    size_t fields_at = in.len;
    msgpack_put_map(&in, 0);
    struct msgpack_reader reader = msgpack_reader(buf_text(&in));
    CHECK_U32(msgpack_get_array(&reader), 4);
    CHECK_U32(msgpack_get_u32(&reader), 1001);
    CHECK_U32(msgpack_get_u32(&reader), 7);
    CHECK_U32(msgpack_get_map(&reader), 1);
    CHECK_TEXT(msgpack_get_text(&reader), "trace");
    CHECK_I64(msgpack_get_bytes(&reader).len, 2);
    CHECK_I64(msgpack_peek(&reader), MSGPACK_MAP);
    CHECK(!msgpack_get_nil(&reader));
    struct text fields = msgpack_get_raw(&reader);
    CHECK(fields.at == in.at + fields_at && fields.len == 1);
    CHECK(msgpack_is_done(&reader));
    buf_free(&in);
}

TEST(pairs_travel_alone_too)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct sample *sample = sample_full(scope);
    struct buf out = { 0 };
    struct kv back = { 0 };
    msgpack_encode_kv(&out, &sample->pairs);
    CHECK_OK(msgpack_decode_kv(buf_text(&out), scope, &back, NULL));
    CHECK_I64(back.count, sample->pairs.count);
    CHECK_TEXT(back.at[0].name, "null");
    CHECK_I64(msgpack_decode_kv(TEXT("\x01"), scope, &back, NULL), ERR_INVALID);
    buf_free(&out);
    scope_close(scope);
}
