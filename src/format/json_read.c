/* SPDX-License-Identifier: Apache-2.0 */
/* From text to values (jansson, then copied into the scope), and from pairs into shapes. */
#include "format/json.h"

#include <jansson.h>
#include <string.h>

/* jansson recurses, so depth is looked at before it sees the text. Brackets in strings do not
 * count. */
static bool is_too_deep(struct text in)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < in.len; i++) {
        char byte = in.at[i];
        if (in_string) {
            if (byte == '\\') i++;
            if (byte == '"') in_string = false;
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            if (++depth > JSON_DEPTH_MAX) return true;
        } else if (byte == '}' || byte == ']') {
            depth--;
        }
    }
    return false;
}

/* False when the scope may not grow further: the size comes from outside. */
static bool copy_value(const json_t *from, struct scope *scope, struct value *out);

static bool copy_text(struct scope *scope, const char *at, size_t len, struct text *out)
{
    char *copy = scope_try_alloc(scope, len + 1);
    if (copy == NULL) return false;
    memcpy(copy, at, len);
    *out = (struct text){ copy, len };
    return true;
}

static bool copy_pairs(const json_t *from, struct scope *scope, struct kv *out)
{
    json_t *object = (json_t *)(uintptr_t)from; /* its iterators are not declared const */
    size_t count = json_object_size(from), at = 0;
    out->at = scope_try_alloc(scope, count * sizeof *out->at);
    if (out->at == NULL) return false;
    out->count = (uint32_t)count;
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        const char *name = json_object_iter_key(i);
        struct pair *pair = &out->at[at++];
        if (!copy_text(scope, name, strlen(name), &pair->name)) return false;
        if (!copy_value(json_object_iter_value(i), scope, &pair->value)) return false;
    }
    return true;
}

static bool copy_items(const json_t *from, struct scope *scope, struct value *out)
{
    size_t count = json_array_size(from);
    out->items.at = scope_try_alloc(scope, count * sizeof *out);
    if (out->items.at == NULL) return false;
    out->items.count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        if (!copy_value(json_array_get(from, i), scope, &out->items.at[i])) return false;
    return true;
}

static bool copy_value(const json_t *from, struct scope *scope, struct value *out)
{
    switch (json_typeof(from)) {
    case JSON_NULL: out->kind = VALUE_NULL; break;
    case JSON_TRUE:
    case JSON_FALSE:
        *out = (struct value){ .kind = VALUE_BOOL, .truth = json_is_true(from) };
        break;
    case JSON_INTEGER:
        *out = (struct value){ .kind = VALUE_INTEGER, .integer = json_integer_value(from) };
        break;
    case JSON_REAL:
        *out = (struct value){ .kind = VALUE_FLOAT, .number = json_real_value(from) };
        break;
    case JSON_STRING:
        out->kind = VALUE_TEXT;
        return copy_text(scope, json_string_value(from), json_string_length(from), &out->text);
    case JSON_ARRAY: out->kind = VALUE_LIST; return copy_items(from, scope, out);
    case JSON_OBJECT: out->kind = VALUE_KV; return copy_pairs(from, scope, &out->pairs);
    }
    return true;
}

enum err json_read(struct text in, struct scope *scope, struct value *out, struct fault *fault)
{
    if (in.len > JSON_BYTES_MAX)
        return fault_set(fault, ERR_LIMIT, "", "JSON must be at most %d bytes long",
                         JSON_BYTES_MAX);
    if (is_too_deep(in))
        return fault_set(fault, ERR_LIMIT, "", "JSON must be at most %d levels deep",
                         JSON_DEPTH_MAX);
    json_error_t error;
    json_t *root =
        json_loadb(in.at ? in.at : "", in.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root == NULL)
        return fault_set(fault, ERR_INVALID, "", "line %d, column %d: %s", error.line, error.column,
                         error.text);
    struct value value = { 0 };
    bool is_copied = copy_value(root, scope, &value);
    json_decref(root);
    if (!is_copied) return fault_set(fault, ERR_LIMIT, "", "JSON needs more memory than allowed");
    *out = value;
    return ERR_OK;
}

enum err json_read_kv(struct text in, struct scope *scope, struct kv *out, struct fault *fault)
{
    struct value value;
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

/* --- comments ------------------------------------------------------------------------------------
 */

struct blanker {
    struct text in;
    char *out;
    size_t at, comma; /* comma: index of one that may turn out to be trailing, or SIZE_MAX */
};

static void pass_string(struct blanker *blanker)
{
    size_t i = blanker->at + 1;
    while (i < blanker->in.len && blanker->in.at[i] != '"' && blanker->in.at[i] != '\n')
        i += blanker->in.at[i] == '\\' ? 2 : 1;
    blanker->at = i + 1;
}

static void blank(struct blanker *blanker, size_t until)
{
    for (; blanker->at < until; blanker->at++)
        if (blanker->out[blanker->at] != '\n' && blanker->out[blanker->at] != '\r')
            blanker->out[blanker->at] = ' ';
}

static bool blank_comment(struct blanker *blanker)
{
    struct text rest = text_slice(blanker->in, blanker->at, SIZE_MAX);
    size_t end;
    if (text_starts(rest, TEXT("//"))) {
        end = text_find(blanker->in, '\n', blanker->at);
        if (end == SIZE_MAX) end = blanker->in.len;
    } else {
        const char *found = rest.len > 2 ? memmem(rest.at + 2, rest.len - 2, "*/", 2) : NULL;
        if (found == NULL) return false;
        end = (size_t)(found - blanker->in.at) + 2;
    }
    blank(blanker, end);
    return true;
}

static void note_byte(struct blanker *blanker)
{
    char byte = blanker->in.at[blanker->at];
    bool is_blank = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
    if ((byte == '}' || byte == ']') && blanker->comma != SIZE_MAX)
        blanker->out[blanker->comma] = ' ';
    if (!is_blank) blanker->comma = byte == ',' ? blanker->at : SIZE_MAX;
    blanker->at++;
}

enum err json_blank_comments(struct text in, struct buf *out, struct fault *fault)
{
    size_t before = out->len;
    if (in.len == 0) return ERR_OK;
    buf_add(out, in);
    ASSERT(out->at != NULL);
    struct blanker blanker = { .in = in, .out = out->at + before, .comma = SIZE_MAX };
    while (blanker.at < in.len) {
        struct text rest = text_slice(in, blanker.at, 2);
        if (rest.at[0] == '"') {
            blanker.comma = SIZE_MAX;
            pass_string(&blanker);
        } else if (text_eq(rest, TEXT("//")) || text_eq(rest, TEXT("/*"))) {
            if (!blank_comment(&blanker))
                return fault_set(fault, ERR_INVALID, "", "a comment does not end");
        } else {
            note_byte(&blanker);
        }
    }
    return ERR_OK;
}
