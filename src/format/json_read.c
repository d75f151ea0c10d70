/* SPDX-License-Identifier: Apache-2.0 */
/* From text to values, without a tree between. The text is copied into the scope once, a NUL behind
 * it: strings lose their escapes in that copy and are views into it, and no look-ahead needs a
 * bound. What a list or an object holds lies on a stack until its end is known. Start reading at
 * json_read(). */
#include "format/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_USUAL = 40, NAMES_COMPARED_MAX = 16 };

struct json_reader {
    char *from, *at; /* in the copy */
    struct scope *scope;
    int depth;
    bool is_too_deep;
    struct pair *held; /* of the lists and objects that are open; items have no name */
    size_t held_count, held_room;
    struct pair usual[HELD_USUAL]; /* `held` of nearly all */
    enum err err;
    const char *words, *place; /* of the error */
};

static bool fail(struct json_reader *reader, const char *place, const char *words)
{
    reader->err = ERR_INVALID;
    reader->place = place;
    reader->words = words;
    return false;
}

static void skip_blanks(struct json_reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' || *reader->at == '\r')
        reader->at++;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* --- strings --- */

static bool take_hex(struct json_reader *reader, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char byte = *reader->at, folded = (char)(byte | 0x20);
        bool is_letter = folded >= 'a' && folded <= 'f';
        if (!is_digit(byte) && !is_letter)
            return fail(reader, reader->at, "\\u has four hexadecimal digits");
        *out = *out << 4 | (uint32_t)(is_letter ? folded - 'a' + 10 : byte - '0');
        reader->at++;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    }
    return to;
}

/* Behind "\u": one character, which takes two of these where it is beyond U+FFFF. */
static bool take_point(struct json_reader *reader, uint32_t *out)
{
    const char *place = reader->at;
    uint32_t low;
    if (!take_hex(reader, out)) return false;
    if (*out == 0) return fail(reader, place, "a string may not hold U+0000");
    if (*out < 0xd800 || *out > 0xdfff) return true;
    if (*out > 0xdbff || reader->at[0] != '\\' || reader->at[1] != 'u')
        return fail(reader, place, "half a surrogate pair is no character");
    reader->at += 2;
    if (!take_hex(reader, &low)) return false;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(reader, place, "half a surrogate pair is no character");
    *out = 0x10000 + ((*out - 0xd800) << 10 | (low - 0xdc00));
    return true;
}

/* Behind the backslash; what is written is never longer than what was read. */
static bool take_escape(struct json_reader *reader, char **to)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *found = *reader->at ? strchr(names, *reader->at) : NULL;
    if (found) {
        reader->at++;
        *(*to)++ = bytes[found - names];
        return true;
    }
    if (*reader->at != 'u') return fail(reader, reader->at, "no such escape");
    reader->at++;
    uint32_t point;
    if (!take_point(reader, &point)) return false;
    *to = put_utf8(*to, point);
    return true;
}

static void skip_plain(struct json_reader *reader)
{
    while ((unsigned char)*reader->at >= 0x20 && *reader->at != '"' && *reader->at != '\\')
        reader->at++;
}

static bool read_string(struct json_reader *reader, struct text *out)
{
    char *from = ++reader->at, *to;
    skip_plain(reader);
    to = reader->at;
    while (*reader->at == '\\') {
        reader->at++;
        if (!take_escape(reader, &to)) return false;
        const char *run = reader->at;
        skip_plain(reader);
        memmove(to, run, (size_t)(reader->at - run));
        to += reader->at - run;
    }
    if (*reader->at != '"')
        return fail(reader, reader->at,
                    "a string ends with a quotation mark and holds no control characters");
    *out = (struct text){ from, (size_t)(to - from) };
    if (!text_is_utf8(*out)) return fail(reader, from, "the string is no UTF-8");
    reader->at++;
    *to = '\0';
    return true;
}

/* --- numbers and words --- */

static bool skip_digits(struct json_reader *reader)
{
    if (!is_digit(*reader->at)) return fail(reader, reader->at, "expected a digit");
    while (is_digit(*reader->at)) reader->at++;
    return true;
}

static bool skip_exponent(struct json_reader *reader)
{
    reader->at++;
    if (*reader->at == '+' || *reader->at == '-') reader->at++;
    return skip_digits(reader);
}

static bool read_number(struct json_reader *reader, struct value *out)
{
    const char *from = reader->at;
    bool is_real = false;
    if (*reader->at == '-') reader->at++;
    if (*reader->at == '0')
        reader->at++;
    else if (!skip_digits(reader))
        return false;
    if (*reader->at == '.') {
        is_real = true;
        reader->at++;
        if (!skip_digits(reader)) return false;
    }
    if (*reader->at == 'e' || *reader->at == 'E') {
        is_real = true;
        if (!skip_exponent(reader)) return false;
    }
    if (is_real) {
        /* Ends where we ended: nothing that follows could belong to a decimal number. */
        *out = (struct value){ .kind = VALUE_FLOAT, .number = strtod(from, NULL) };
        return isfinite(out->number) || fail(reader, from, "the number is too big for a double");
    }
    out->kind = VALUE_INTEGER;
    struct text digits = { from, (size_t)(reader->at - from) };
    return text_to_i64(digits, INT64_MIN, INT64_MAX, &out->integer) == ERR_OK ||
           fail(reader, from, "the number is too big for 64 bits");
}

static bool read_word(struct json_reader *reader, struct value *out)
{
    static const struct {
        const char *word;
        size_t len;
        struct value value;
    } words[] = {
        { "null", 4, { .kind = VALUE_NULL } },
        { "true", 4, { .kind = VALUE_BOOL, .truth = true } },
        { "false", 5, { .kind = VALUE_BOOL } },
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strncmp(reader->at, words[i].word, words[i].len) != 0) continue;
        reader->at += words[i].len;
        *out = words[i].value;
        return true;
    }
    return fail(reader, reader->at, "expected a value");
}

/* --- lists and objects --- */

static void hold(struct json_reader *reader, const struct pair *pair)
{
    if (reader->held_count == reader->held_room) {
        reader->held_room *= 2;
        struct pair *more = realloc(reader->held == reader->usual ? NULL : reader->held,
                                    reader->held_room * sizeof *more);
        ASSERT(more != NULL);
        if (reader->held == reader->usual) memcpy(more, reader->usual, sizeof reader->usual);
        reader->held = more;
    }
    reader->held[reader->held_count++] = *pair;
}

/* Room for all that is held from `first` on, which is held no longer. NULL: too much. */
static void *take_room(struct json_reader *reader, size_t first, size_t bytes_each)
{
    void *room = scope_try_alloc(reader->scope, (reader->held_count - first) * bytes_each);
    reader->held_count = first;
    if (room == NULL) reader->err = ERR_LIMIT;
    return room;
}

static int compare_names(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Of an object with many names: sorted, so that no choice of names makes it slow. */
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

static bool keep_pairs(struct json_reader *reader, size_t first, struct kv *out)
{
    const struct pair *held = reader->held + first;
    size_t count = reader->held_count - first;
    const char *twin = find_twin(held, count);
    if (twin) return fail(reader, twin, "the name is there twice");
    struct pair *pairs = take_room(reader, first, sizeof *pairs);
    if (pairs == NULL) return false;
    memcpy(pairs, held, count * sizeof *pairs);
    *out = (struct kv){ pairs, (uint32_t)count };
    return true;
}

static bool keep_items(struct json_reader *reader, size_t first, struct value *out)
{
    const struct pair *held = reader->held + first;
    size_t count = reader->held_count - first;
    struct value *items = take_room(reader, first, sizeof *items);
    if (items == NULL) return false;
    for (size_t i = 0; i < count; i++) items[i] = held[i].value;
    out->items.at = items;
    out->items.count = (uint32_t)count;
    return true;
}

static bool read_value(struct json_reader *reader, struct value *out);

static bool read_name(struct json_reader *reader, struct text *out)
{
    if (*reader->at != '"') return fail(reader, reader->at, "expected a name in quotation marks");
    if (!read_string(reader, out)) return false;
    skip_blanks(reader);
    if (*reader->at != ':') return fail(reader, reader->at, "expected a colon");
    reader->at++;
    return true;
}

/* What stands between the brackets, held; `reader->at` is at the opening one. */
static bool read_held(struct json_reader *reader, char closing)
{
    reader->at++;
    skip_blanks(reader);
    bool goes_on = *reader->at != closing;
    while (goes_on) {
        struct pair pair = { 0 };
        skip_blanks(reader);
        if (closing == '}' && !read_name(reader, &pair.name)) return false;
        if (!read_value(reader, &pair.value)) return false;
        hold(reader, &pair);
        skip_blanks(reader);
        goes_on = *reader->at == ',';
        reader->at += goes_on;
    }
    if (*reader->at != closing)
        return fail(reader, reader->at,
                    closing == '}' ? "expected a comma or }" : "expected a comma or ]");
    reader->at++;
    return true;
}

static bool read_container(struct json_reader *reader, struct value *out)
{
    bool is_object = *reader->at == '{';
    size_t first = reader->held_count;
    out->kind = is_object ? VALUE_KV : VALUE_LIST;
    if (reader->depth == JSON_DEPTH_MAX) {
        reader->err = ERR_LIMIT;
        reader->is_too_deep = true;
        return false;
    }
    reader->depth++;
    bool is_read =
        read_held(reader, is_object ? '}' : ']') &&
        (is_object ? keep_pairs(reader, first, &out->pairs) : keep_items(reader, first, out));
    reader->depth--;
    return is_read;
}

static bool read_value(struct json_reader *reader, struct value *out)
{
    skip_blanks(reader);
    switch (*reader->at) {
    case '{':
    case '[': return read_container(reader, out);
    case '"': out->kind = VALUE_TEXT; return read_string(reader, &out->text);
    case '-': return read_number(reader, out);
    default: return is_digit(*reader->at) ? read_number(reader, out) : read_word(reader, out);
    }
}

/* --- the door --- */

static bool read_document(struct json_reader *reader, size_t len, struct value *out)
{
    if (!read_value(reader, out)) return false;
    skip_blanks(reader);
    return reader->at == reader->from + len ||
           fail(reader, reader->at, "nothing may follow the value");
}

/* Lines and columns as an editor counts them, from 1. */
static void tell_place(const struct json_reader *reader, struct text in, struct fault *fault)
{
    size_t place = (size_t)(reader->place - reader->from);
    int line = 1, column = 1;
    for (size_t i = 0; i < place && i < in.len; i++) {
        bool is_new_line = in.at[i] == '\n';
        line += is_new_line;
        column = is_new_line ? 1 : column + ((in.at[i] & 0xc0) != 0x80);
    }
    (void)fault_set(fault, reader->err, "", "line %d, column %d: %s", line, column, reader->words);
}

static void explain(const struct json_reader *reader, struct text in, struct fault *fault)
{
    if (reader->is_too_deep)
        (void)fault_set(fault, reader->err, "", "JSON must be at most %d levels deep",
                        JSON_DEPTH_MAX);
    else if (reader->err == ERR_LIMIT)
        (void)fault_set(fault, reader->err, "", "JSON needs more memory than allowed");
    else
        tell_place(reader, in, fault);
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
    reader.from = reader.at = copy;
    reader.scope = scope;
    reader.depth = 0;
    reader.is_too_deep = false;
    reader.held = reader.usual;
    reader.held_count = 0;
    reader.held_room = HELD_USUAL;
    reader.err = ERR_OK;
    reader.words = reader.place = NULL;
    struct value value = { 0 };
    bool is_read = read_document(&reader, in.len, &value);
    if (reader.held != reader.usual) free(reader.held);
    if (!is_read) {
        explain(&reader, in, fault);
        return reader.err;
    }
    *out = value;
    return ERR_OK;
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
