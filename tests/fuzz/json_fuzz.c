/* SPDX-License-Identifier: Apache-2.0 */
/* json_fuzz.c - JSON texts, comments in them; beside jansson and a reader of RFC 8259.
 * All three take and refuse the same, and find the same values. What json.h asks beyond the RFC
 * all of them do: no name twice in an object, no NUL in strings, integers fit int64, reals fit
 * double. What differs, and why that is right:
 * - jansson goes deeper than JSON_DEPTH_MAX.
 * - jansson takes a NUL behind a number, "[1<NUL>]", for the end of its buffer and reads on: a
 *   fault of its own, so it is not asked about texts with a NUL.
 * - RapidJSON, behind json.h, calls a number too big by its digits, not by what they come to, as
 *   "0e309" and 309 digits before "e-300". The RFC lets a reader set such limits (section 6), and
 *   no writer of doubles prints them.
 * Agreed on: "-0" is the integer 0, 1e-400 is 0, half a surrogate pair is refused. */
#include "tests/fuzz/fuzz.h"

#include "format/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the second reader --- */

enum { ITEMS_MAX = 4096 };

struct second {
    struct text in;
    size_t at;
    struct scope *scope;
    bool is_bad;
};

static int peek(const struct second *json)
{
    return json->at < json->in.len ? (unsigned char)json->in.at[json->at] : -1;
}

static bool take(struct second *json, char byte)
{
    if (peek(json) != (unsigned char)byte) return false;
    json->at++;
    return true;
}

static void skip_blanks(struct second *json)
{
    while (peek(json) == ' ' || peek(json) == '\t' || peek(json) == '\n' || peek(json) == '\r')
        json->at++;
}

static bool bad(struct second *json)
{
    json->is_bad = true;
    return false;
}

static bool take_digits(struct second *json)
{
    size_t from = json->at;
    while (peek(json) >= '0' && peek(json) <= '9') json->at++;
    return json->at > from;
}

static bool read_number(struct second *json, struct value *out)
{
    size_t from = json->at;
    bool is_real = false;
    (void)take(json, '-');
    if (!take(json, '0') && !take_digits(json)) return bad(json);
    if (take(json, '.')) {
        is_real = true;
        if (!take_digits(json)) return bad(json);
    }
    if (take(json, 'e') || take(json, 'E')) {
        is_real = true;
        if (!take(json, '+')) (void)take(json, '-');
        if (!take_digits(json)) return bad(json);
    }
    const char *z = scope_keep_z(json->scope, text_slice(json->in, from, json->at - from));
    errno = 0;
    if (is_real)
        *out = (struct value){ .kind = VALUE_FLOAT, .number = strtod(z, NULL) };
    else
        *out = (struct value){ .kind = VALUE_INTEGER, .integer = strtoll(z, NULL, 10) };
    bool is_past = is_real ? isinf(out->number) : errno == ERANGE;
    return is_past ? bad(json) : true;
}

static bool read_hex(struct second *json, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int byte = peek(json);
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = byte > 0 ? strchr(digits, byte) : NULL;
        if (digit == NULL) return bad(json);
        *out = *out << 4 | (unsigned)((digit - digits) & 15);
        json->at++;
    }
    return true;
}

static void add_utf8(struct buf *out, unsigned point)
{
    unsigned more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 };
    buf_add_byte(out, (char)(first[more] | point >> (6 * more)));
    while (more-- > 0) buf_add_byte(out, (char)(0x80 | (point >> (6 * more) & 0x3f)));
}

static bool read_escape(struct second *json, struct buf *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    int byte = peek(json);
    const char *found = byte > 0 ? strchr(names, byte) : NULL;
    if (found) {
        json->at++;
        buf_add_byte(out, bytes[found - names]);
        return true;
    }
    unsigned point, low;
    if (!take(json, 'u') || !read_hex(json, &point)) return bad(json);
    if (point >= 0xd800 && point <= 0xdbff) {
        if (!take(json, '\\') || !take(json, 'u') || !read_hex(json, &low)) return bad(json);
        if (low < 0xdc00 || low > 0xdfff) return bad(json);
        point = 0x10000 + ((point - 0xd800) << 10 | (low - 0xdc00));
    } else if (point >= 0xdc00 && point <= 0xdfff) {
        return bad(json);
    }
    if (point == 0) return bad(json);
    add_utf8(out, point);
    return true;
}

static bool read_string(struct second *json, struct text *out)
{
    struct buf bytes = { 0 };
    if (!take(json, '"')) return bad(json);
    while (!json->is_bad && !take(json, '"')) {
        int byte = peek(json);
        if (byte < 0x20)
            (void)bad(json);
        else if (take(json, '\\'))
            (void)read_escape(json, &bytes);
        else
            buf_add_byte(&bytes, json->in.at[json->at++]);
    }
    *out = scope_keep(json->scope, buf_text(&bytes));
    buf_free(&bytes);
    return json->is_bad || !text_is_utf8(*out) ? bad(json) : true;
}

static bool read_value(struct second *json, int depth, struct value *out);

static bool read_items(struct second *json, int depth, struct value *out)
{
    *out = (struct value){ .kind = VALUE_LIST };
    out->items.at = scope_alloc_array(json->scope, ITEMS_MAX, sizeof *out);
    skip_blanks(json);
    if (take(json, ']')) return true;
    do {
        if (out->items.count == ITEMS_MAX) return bad(json);
        if (!read_value(json, depth, &out->items.at[out->items.count++])) return false;
    } while (take(json, ','));
    return take(json, ']') ? true : bad(json);
}

static bool read_pairs(struct second *json, int depth, struct value *out)
{
    *out = (struct value){ .kind = VALUE_KV };
    out->pairs.at = scope_alloc_array(json->scope, ITEMS_MAX, sizeof *out->pairs.at);
    skip_blanks(json);
    if (take(json, '}')) return true;
    do {
        struct pair pair;
        if (out->pairs.count == ITEMS_MAX) return bad(json);
        skip_blanks(json);
        if (!read_string(json, &pair.name) || kv_find(&out->pairs, pair.name)) return bad(json);
        skip_blanks(json);
        if (!take(json, ':') || !read_value(json, depth, &pair.value)) return bad(json);
        out->pairs.at[out->pairs.count++] = pair;
    } while (take(json, ','));
    return take(json, '}') ? true : bad(json);
}

static bool read_word(struct second *json, struct value *out)
{
    static const struct {
        struct text word;
        struct value value;
    } words[] = {
        { { "null", 4 }, { .kind = VALUE_NULL } },
        { { "true", 4 }, { .kind = VALUE_BOOL, .truth = true } },
        { { "false", 5 }, { .kind = VALUE_BOOL } },
    };
    struct text rest = text_slice(json->in, json->at, SIZE_MAX);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!text_starts(rest, words[i].word)) continue;
        json->at += words[i].word.len;
        *out = words[i].value;
        return true;
    }
    return bad(json);
}

static bool read_value(struct second *json, int depth, struct value *out)
{
    bool is_read;
    skip_blanks(json);
    int byte = peek(json);
    if ((byte == '[' || byte == '{') && depth == 0) return bad(json);
    if (take(json, '[')) {
        is_read = read_items(json, depth - 1, out);
    } else if (take(json, '{')) {
        is_read = read_pairs(json, depth - 1, out);
    } else if (byte == '"') {
        *out = (struct value){ .kind = VALUE_TEXT };
        is_read = read_string(json, &out->text);
    } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
        is_read = read_number(json, out);
    } else {
        is_read = read_word(json, out);
    }
    skip_blanks(json);
    return is_read;
}

static bool second_read(struct text in, struct scope *scope, struct value *out)
{
    struct second json = { .in = in, .scope = scope };
    bool is_read = read_value(&json, JSON_DEPTH_MAX, out) && json.at == in.len && !json.is_bad;
    return is_read && text_is_utf8(in);
}

/* --- jansson --- */

static bool same(const struct value *ours, const json_t *theirs);

static bool same_pairs(const struct kv *ours, const json_t *theirs)
{
    if (ours->count != json_object_size(theirs)) return false;
    for (uint32_t i = 0; i < ours->count; i++) {
        const struct pair *pair = &ours->at[i];
        const json_t *value = json_object_getn(theirs, pair->name.at, pair->name.len);
        if (value == NULL || !same(&pair->value, value)) return false;
    }
    return true;
}

static bool same(const struct value *ours, const json_t *theirs)
{
    switch (ours->kind) {
    case VALUE_NULL: return json_is_null(theirs);
    case VALUE_BOOL: return json_is_boolean(theirs) && json_is_true(theirs) == ours->truth;
    case VALUE_INTEGER:
        return json_is_integer(theirs) && json_integer_value(theirs) == ours->integer;
    case VALUE_FLOAT: {
        double number = json_real_value(theirs);
        return json_is_real(theirs) && memcmp(&number, &ours->number, sizeof number) == 0;
    }
    case VALUE_TEXT:
        return json_is_string(theirs) &&
               text_eq(ours->text,
                       (struct text){ json_string_value(theirs), json_string_length(theirs) });
    case VALUE_LIST:
        if (!json_is_array(theirs) || ours->items.count != json_array_size(theirs)) return false;
        for (uint32_t i = 0; i < ours->items.count; i++)
            if (!same(&ours->items.at[i], json_array_get(theirs, i))) return false;
        return true;
    case VALUE_KV: return json_is_object(theirs) && same_pairs(&ours->pairs, theirs);
    case VALUE_BYTES: break;
    }
    return false;
}

/* --- ours --- */

static void write_and_read(const struct value *value, struct scope *scope)
{
    struct buf once = { 0 }, twice = { 0 };
    struct json_writer json = json_writer(&once), json_again = json_writer(&twice);
    struct value again;
    json_put_value(&json, value);
    FUZZ_CHECK(json_read(buf_text(&once), scope, &again, NULL) == ERR_OK);
    FUZZ_CHECK(fuzz_same_value(value, &again));
    json_put_value(&json_again, &again);
    FUZZ_CHECK(text_eq(buf_text(&once), buf_text(&twice)));
    buf_free(&once);
    buf_free(&twice);
}

/* Blanked text has its lines and columns, and where it is JSON now, blanking
 * it again changes nothing; plain JSON keeps its meaning. */
static void blank(struct text in, const struct value *plain, struct scope *scope)
{
    struct buf once = { 0 }, twice = { 0 };
    struct fault fault = { 0 };
    struct value value;
    enum err err = json_blank_comments(in, &once, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        FUZZ_CHECK(plain == NULL);
    } else {
        FUZZ_CHECK(once.len == in.len);
        for (size_t i = 0; i < in.len; i++)
            FUZZ_CHECK(once.at[i] == in.at[i] || (once.at[i] == ' ' && in.at[i] != '\n'));
        bool is_json = json_read(buf_text(&once), scope, &value, NULL) == ERR_OK;
        FUZZ_CHECK(json_blank_comments(buf_text(&once), &twice, NULL) == ERR_OK || !is_json);
        FUZZ_CHECK(text_eq(buf_text(&once), buf_text(&twice)) || !is_json);
        if (plain) FUZZ_CHECK(is_json && fuzz_same_value(plain, &value));
    }
    buf_free(&once);
    buf_free(&twice);
}

/* The one kind of text that others read and json.h does not. */
static bool is_called_too_big(enum err err, const struct fault *fault)
{
    return err == ERR_INVALID && text_ends(text_of(fault->words), TEXT("too big for a double"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    if (size > 4096) return 0;
    struct scope *scope = scope_new(NULL, "fuzz", SCOPE_NO_LIMIT);
    struct value ours, theirs = { 0 };
    struct fault fault = { 0 };
    enum err err = json_read(in, scope, &ours, &fault);
    bool is_too_big = is_called_too_big(err, &fault);
    FUZZ_CHECK((err == ERR_OK) == second_read(in, scope, &theirs) || is_too_big);
    json_t *by_jansson = json_loadb(in.at, in.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    bool has_nul = text_find(in, '\0', 0) != SIZE_MAX;
    if (err == ERR_INVALID && !has_nul && !is_too_big) FUZZ_CHECK(by_jansson == NULL);
    if (err) {
        fuzz_check_fault(err, &fault);
    } else {
        FUZZ_CHECK(fuzz_same_value(&ours, &theirs));
        FUZZ_CHECK(by_jansson && same(&ours, by_jansson));
        fuzz_check_value(&ours, JSON_DEPTH_MAX);
        write_and_read(&ours, scope);
    }
    json_decref(by_jansson);
    blank(in, err ? NULL : &ours, scope);
    scope_close(scope);
    return 0;
}
