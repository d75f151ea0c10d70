/* SPDX-License-Identifier: Apache-2.0 */
/* From text to values, without a tree between. The text is copied into the scope once, a NUL behind
 * it; the library reads it in place (json_grammar.h), and strings are views into that copy. What a
 * list or an object holds lies on a stack until its end is known. Start reading at json_read(). */
#include "format/json.h"
#include "format/json_grammar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_USUAL = 40, NAMES_COMPARED_MAX = 16 };

struct json_reader {
    struct scope *scope;
    int depth;
    bool is_too_deep;
    bool is_named;     /* the last one held is a name that waits for its value */
    struct pair *held; /* the lists and objects that are open, each below what it holds so far;
                          items have no name */
    size_t held_count, held_room;
    struct pair usual[HELD_USUAL]; /* `held` of nearly all */
    enum err err;
    struct json_error error;
};

static bool fail(struct json_reader *reader, const char *place, const char *words)
{
    reader->err = ERR_INVALID;
    reader->error = (struct json_error){ place, words };
    return false;
}

static void grow(struct json_reader *reader)
{
    reader->held_room *= 2;
    struct pair *more = realloc(reader->held == reader->usual ? NULL : reader->held,
                                reader->held_room * sizeof *more);
    ASSERT(more != NULL);
    if (reader->held == reader->usual) memcpy(more, reader->usual, sizeof reader->usual);
    reader->held = more;
}

static struct pair *hold(struct json_reader *reader)
{
    if (reader->held_count == reader->held_room) grow(reader);
    return &reader->held[reader->held_count++];
}

/* --- values --- */

bool json_hear_value(struct json_reader *reader, struct value value)
{
    if (reader->is_named)
        reader->held[reader->held_count - 1].value = value;
    else
        *hold(reader) = (struct pair){ .value = value };
    reader->is_named = false;
    return true;
}

bool json_hear_integer(struct json_reader *reader, struct text digits)
{
    struct value value = { .kind = VALUE_INTEGER };
    return text_to_i64(digits, INT64_MIN, INT64_MAX, &value.integer) == ERR_OK
               ? json_hear_value(reader, value)
               : fail(reader, digits.at, "the number is too big for 64 bits");
}

bool json_hear_real(struct json_reader *reader, struct text digits)
{
    struct value value = { .kind = VALUE_FLOAT, .number = strtod(digits.at, NULL) };
    return isfinite(value.number) ? json_hear_value(reader, value)
                                  : fail(reader, digits.at, "the number is too big for a double");
}

/* A low surrogate by itself the library makes bytes of that are no UTF-8. */
static bool is_clean(struct json_reader *reader, struct text text)
{
    if (!text_is_utf8(text))
        return fail(reader, text.at, "the string is no UTF-8, or has half a surrogate pair");
    return memchr(text.at, '\0', text.len) == NULL ||
           fail(reader, text.at, "a string may not hold U+0000");
}

bool json_hear_text(struct json_reader *reader, struct text text)
{
    return is_clean(reader, text) &&
           json_hear_value(reader, (struct value){ .kind = VALUE_TEXT, .text = text });
}

bool json_hear_name(struct json_reader *reader, struct text name)
{
    if (!is_clean(reader, name)) return false;
    hold(reader)->name = name;
    reader->is_named = true;
    return true;
}

/* --- lists and objects --- */

bool json_hear_opening(struct json_reader *reader)
{
    if (reader->depth == JSON_DEPTH_MAX) {
        reader->err = ERR_LIMIT;
        reader->is_too_deep = true;
        return false;
    }
    reader->depth++;
    return json_hear_value(reader, (struct value){ 0 }); /* its place, until its end */
}

/* What the list or object holds has room in the scope, and is held no longer; NULL: too much. */
static void *take_room(struct json_reader *reader, size_t count, size_t bytes_each)
{
    void *room = scope_try_alloc(reader->scope, count * bytes_each);
    reader->held_count -= count;
    reader->depth--;
    if (room == NULL) reader->err = ERR_LIMIT;
    return room;
}

static int compare_names(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Of an object with many names: sorted, so that no choice of names makes it
 * slow. */
static const char *find_twin_sorted(const struct pair *pairs, size_t count)
{
    const char *twin = NULL;
    struct text *names = malloc(count * sizeof *names);
    ASSERT(names != NULL);
    for (size_t i = 0; i < count; i++) names[i] = pairs[i].name;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count && twin == NULL; i++)
        if (text_eq(names[i - 1], names[i]))
            twin = names[i].at > names[i - 1].at ? names[i].at : names[i - 1].at;
    free(names);
    return twin;
}

/* Where a name is that was there before; NULL: all differ. */
static const char *find_twin(const struct pair *pairs, size_t count)
{
    if (count > NAMES_COMPARED_MAX) return find_twin_sorted(pairs, count);
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (text_eq(pairs[i].name, pairs[k].name)) return pairs[i].name.at;
    return NULL;
}

bool json_hear_object(struct json_reader *reader, size_t count)
{
    const struct pair *held = reader->held + reader->held_count - count;
    const char *twin = find_twin(held, count);
    if (twin) return fail(reader, twin, "the name is there twice");
    struct pair *pairs = take_room(reader, count, sizeof *pairs);
    if (pairs == NULL) return false;
    memcpy(pairs, held, count * sizeof *pairs);
    reader->held[reader->held_count - 1].value =
        (struct value){ .kind = VALUE_KV, .pairs = { pairs, (uint32_t)count } };
    return true;
}

bool json_hear_list(struct json_reader *reader, size_t count)
{
    const struct pair *held = reader->held + reader->held_count - count;
    struct value *items = take_room(reader, count, sizeof *items);
    if (items == NULL) return false;
    for (size_t i = 0; i < count; i++) items[i] = held[i].value;
    reader->held[reader->held_count - 1].value =
        (struct value){ .kind = VALUE_LIST, .items = { items, (uint32_t)count } };
    return true;
}

/* --- the door --- */

/* Lines and columns as an editor counts them, from 1. */
static void tell_place(const struct json_reader *reader, struct text in, size_t place,
                       struct fault *fault)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < place && i < in.len; i++) {
        bool is_new_line = in.at[i] == '\n';
        line += is_new_line;
        column = is_new_line ? 1 : column + ((in.at[i] & 0xc0) != 0x80);
    }
    (void)fault_set(fault, reader->err, "", "line %d, column %d: %s", line, column,
                    reader->error.words);
}

static void explain(const struct json_reader *reader, struct text in, const char *copy,
                    struct fault *fault)
{
    if (reader->is_too_deep)
        (void)fault_set(fault, reader->err, "", "JSON must be at most %d levels deep",
                        JSON_DEPTH_MAX);
    else if (reader->err == ERR_LIMIT)
        (void)fault_set(fault, reader->err, "", "JSON needs more memory than allowed");
    else
        tell_place(reader, in, (size_t)(reader->error.at - copy), fault);
}

enum err json_read(struct text in, struct scope *scope, struct value *out, struct fault *fault)
{
    if (in.len > JSON_BYTES_MAX)
        return fault_set(fault, ERR_LIMIT, "", "JSON must be at most %d bytes long",
                         JSON_BYTES_MAX);
    char *copy = scope_try_alloc(scope, in.len + 1);
    if (copy == NULL) return fault_set(fault, ERR_LIMIT, "", "JSON needs more memory than allowed");
    if (in.len) memcpy(copy, in.at, in.len);
    struct json_reader reader;
    reader.scope = scope;
    reader.depth = 0;
    reader.is_too_deep = reader.is_named = false;
    reader.held = reader.usual;
    reader.held_count = 0;
    reader.held_room = HELD_USUAL;
    reader.err = ERR_OK;
    struct json_error error;
    bool is_read = json_grammar_read(copy, in.len, &reader, &error);
    if (is_read) *out = reader.held[0].value;
    if (error.words) (void)fail(&reader, error.at, error.words);
    if (reader.held != reader.usual) free(reader.held);
    if (!is_read) explain(&reader, in, copy, fault);
    return reader.err;
}

enum err json_read_kv(struct text in, struct scope *scope, struct kv *out, struct fault *fault)
{
    struct value value = { 0 };
    enum err err = json_read(in, scope, &value, fault);
    if (!err && value.kind != VALUE_KV)
        err = fault_set(fault, ERR_INVALID, "", "must be a JSON object");
    if (!err) *out = value.pairs;
    return err;
}

enum err json_to_shape(struct text in, const struct shape *shape, struct scope *scope, void **out,
                       struct kv *unknown, struct fault *fault)
{
    struct kv pairs;
    enum err err = json_read_kv(in, scope, &pairs, fault);
    return err ? err : kv_to_shape(&pairs, shape, false, scope, out, unknown, fault);
}
