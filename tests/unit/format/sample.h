/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h - a struct with a field of every kind, as the generator would print it. */
#ifndef TESTS_UNIT_FORMAT_SAMPLE_H
#define TESTS_UNIT_FORMAT_SAMPLE_H

#include "base/scope.h"
#include "base/shape.h"

#include <stddef.h>

struct part {
    struct shape_head head;
    struct text name;
    char more[64]; /* as if it had many fields */
};

struct sample {
    struct shape_head head;
    bool truth;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    double f64;
    struct text text, bytes;
    struct kv pairs;
    struct {
        uint32_t *at;
        uint32_t count;
    } numbers;
    struct {
        struct part *at;
        uint32_t count;
    } parts;
    struct part *inner;
};

enum {
    SAMPLE_HAS_TRUTH = 1,
    SAMPLE_HAS_U32 = 2,
    SAMPLE_HAS_U64 = 4,
    SAMPLE_HAS_I64 = 8,
    SAMPLE_HAS_F64 = 16,
    SAMPLE_HAS_TEXT = 32,
    SAMPLE_HAS_BYTES = 64,
    SAMPLE_HAS_PAIRS = 128,
    SAMPLE_HAS_NUMBERS = 256,
    SAMPLE_HAS_PARTS = 512,
    SAMPLE_HAS_INNER = 1024,
};

static const struct shape_field part_fields[] = {
    { .tag = 1, .name = "name", .kind = FIELD_TEXT, .offset = offsetof(struct part, name) },
};
static const struct shape PART = { "Part", sizeof(struct part), part_fields, 1 };

#define SAMPLE_FIELD(number, member, of_kind)                                                      \
    .tag = (number), .name = #member, .kind = (of_kind), .offset = offsetof(struct sample, member)
static const struct shape_field sample_fields[] = {
    { SAMPLE_FIELD(1, truth, FIELD_BOOL) },
    { SAMPLE_FIELD(2, u32, FIELD_U32) },
    { SAMPLE_FIELD(3, u64, FIELD_U64) },
    { SAMPLE_FIELD(4, i64, FIELD_I64) },
    { SAMPLE_FIELD(5, f64, FIELD_F64) },
    { SAMPLE_FIELD(6, text, FIELD_TEXT), .is_required = true, .len_max = 100 },
    { SAMPLE_FIELD(7, bytes, FIELD_BYTES) },
    { SAMPLE_FIELD(8, pairs, FIELD_KV) },
    { SAMPLE_FIELD(9, numbers, FIELD_U32), .is_list = true },
    { SAMPLE_FIELD(10, parts, FIELD_NESTED), .is_list = true, .nested = &PART },
    { SAMPLE_FIELD(11, inner, FIELD_NESTED), .nested = &PART },
};
static const struct shape SAMPLE = { "Sample", sizeof(struct sample), sample_fields, 11 };

static inline struct part part_named(struct text name)
{
    return (struct part){ .head.has = 1, .name = name };
}

/* One of every kind of value, lists and pairs among them. */
static inline struct kv sample_pairs(struct scope *scope)
{
    struct value *items = scope_alloc_array(scope, 2, sizeof *items);
    items[0] = (struct value){ .kind = VALUE_TEXT, .text = TEXT("one") };
    items[1] = (struct value){ .kind = VALUE_INTEGER, .integer = -2 };
    struct pair *inner = scope_alloc(scope, sizeof *inner);
    *inner = (struct pair){ TEXT("deep"), { .kind = VALUE_TEXT, .text = TEXT("end") } };
    struct pair *pairs = scope_alloc_array(scope, 7, sizeof *pairs);
    pairs[0] = (struct pair){ TEXT("null"), { .kind = VALUE_NULL } };
    pairs[1] = (struct pair){ TEXT("bool"), { .kind = VALUE_BOOL, .truth = true } };
    pairs[2] = (struct pair){ TEXT("integer"), { .kind = VALUE_INTEGER, .integer = INT64_MAX } };
    pairs[3] = (struct pair){ TEXT("float"), { .kind = VALUE_FLOAT, .number = 0.1 } };
    pairs[4] = (struct pair){ TEXT("text"), { .kind = VALUE_TEXT, .text = TEXT("a\"b\\\n\x01") } };
    pairs[5] = (struct pair){ TEXT("list"), { .kind = VALUE_LIST, .items = { items, 2 } } };
    pairs[6] = (struct pair){ TEXT("kv"), { .kind = VALUE_KV, .pairs = { inner, 1 } } };
    return (struct kv){ pairs, 7 };
}

static inline struct sample *sample_full(struct scope *scope)
{
    struct sample *sample = scope_alloc(scope, sizeof *sample);
    static uint32_t numbers[] = { 1, 200, 70000 };
    struct part *parts = scope_alloc_array(scope, 3, sizeof *parts);
    parts[0] = part_named(TEXT("first"));
    parts[1] = part_named(TEXT("second"));
    parts[2] = part_named(TEXT("inner"));
    *sample = (struct sample){ .head.has = 2047,
                               .truth = true,
                               .u32 = UINT32_MAX,
                               .u64 = UINT64_MAX,
                               .i64 = INT64_MIN,
                               .f64 = 2.5,
                               .text = TEXT("d\xC3\xA9j\xC3\xA0"),
                               .bytes = TEXT("\xff\x00\xfe"),
                               .pairs = sample_pairs(scope),
                               .numbers = { numbers, 3 },
                               .parts = { parts, 2 },
                               .inner = &parts[2] };
    return sample;
}

#endif
