/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

struct random fuzz_random(struct text in)
{
    struct random random;
    random_seed(&random, text_hash(in));
    return random;
}

/* Mostly short, now and then all that is left. */
static size_t piece_len(struct random *random, size_t left)
{
    uint64_t most[] = { 1, 4, 16, 256, left };
    uint64_t limit = most[random_below(random, sizeof most / sizeof most[0])];
    if (limit > left) limit = left;
    return (size_t)(1 + random_below(random, limit));
}

struct text fuzz_piece(struct random *random, struct text *rest)
{
    size_t len = piece_len(random, rest->len);
    char *copy = malloc(len);
    ASSERT(copy != NULL);
    memcpy(copy, rest->at, len);
    *rest = text_slice(*rest, len, rest->len);
    return (struct text){ copy, len };
}

void fuzz_free(struct text piece)
{
    free((void *)(uintptr_t)piece.at);
}

bool fuzz_line(struct text *rest, struct text *line)
{
    if (rest->len == 0) return false;
    if (text_cut(*rest, '\n', line, rest)) return true;
    *line = *rest;
    *rest = (struct text){ "", 0 };
    return true;
}

static bool same_items(const struct value *a, const struct value *b)
{
    if (a->items.count != b->items.count) return false;
    for (uint32_t i = 0; i < a->items.count; i++)
        if (!fuzz_same_value(&a->items.at[i], &b->items.at[i])) return false;
    return true;
}

bool fuzz_same_kv(const struct kv *a, const struct kv *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!text_eq(a->at[i].name, b->at[i].name) ||
            !fuzz_same_value(&a->at[i].value, &b->at[i].value))
            return false;
    return true;
}

bool fuzz_same_value(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case VALUE_NULL: return true;
    case VALUE_BOOL: return a->truth == b->truth;
    case VALUE_INTEGER: return a->integer == b->integer;
    case VALUE_FLOAT: return memcmp(&a->number, &b->number, sizeof a->number) == 0;
    case VALUE_TEXT:
    case VALUE_BYTES: return text_eq(a->text, b->text);
    case VALUE_LIST: return same_items(a, b);
    case VALUE_KV: return fuzz_same_kv(&a->pairs, &b->pairs);
    }
    return false;
}

void fuzz_check_value(const struct value *value, int depth_max)
{
    FUZZ_CHECK(depth_max >= 0);
    if (value->kind == VALUE_TEXT) FUZZ_CHECK(text_is_utf8(value->text));
    if (value->kind == VALUE_LIST)
        for (uint32_t i = 0; i < value->items.count; i++)
            fuzz_check_value(&value->items.at[i], depth_max - 1);
    if (value->kind != VALUE_KV) return;
    for (uint32_t i = 0; i < value->pairs.count; i++) {
        FUZZ_CHECK(text_is_utf8(value->pairs.at[i].name));
        fuzz_check_value(&value->pairs.at[i].value, depth_max - 1);
    }
}

void fuzz_check_fault(enum err err, const struct fault *fault)
{
    FUZZ_CHECK(err != ERR_OK && fault->err == err && fault->words[0] != '\0');
}
