/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/file.h"

#include "base/table.h"
#include "format/json.h"

#include <string.h>

struct reader {
    struct scope *scope;
    const struct kv *variables;
    struct file *out;
    struct problems *problems;
    const struct object_type *type; /* at hand; NULL: outside objects */
    struct table *seen;             /* identities */
};

static void refuse(const struct reader *reader, struct text path, const char *words)
{
    problem_add(reader->problems, PROBLEM_INVALID_VALUE, reader->type, TEXT(""), "%.*s: %s",
                TEXT_ARG(path), words);
}

/* --- variables ------------------------------------------------------------------------------ */

static bool is_name_byte(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.';
}

/* `at` stands behind "${". The place behind the closing brace; 0: it was wrong. */
static size_t add_variable(const struct reader *reader, struct text in, size_t at, struct text path,
                           struct buf *out)
{
    size_t end = text_find(in, '}', at), name_end = at;
    while (name_end < in.len && is_name_byte(in.at[name_end])) name_end++;
    struct text name = text_slice(in, at, name_end - at);
    /* "NAME:-default": the name may hold '-', never ':'. */
    struct text rest = text_slice(in, name_end, end == SIZE_MAX ? 0 : end - name_end);
    bool has_default = text_starts(rest, TEXT(":-"));
    if (end == SIZE_MAX || name.len == 0 || (rest.len && !has_default)) {
        refuse(reader, path, "a variable is ${NAME} or ${NAME:-default}; for a plain ${ write $${");
        return 0;
    }
    struct text value = kv_find(reader->variables, name)
                            ? body_text(reader->variables, scope_keep_z(reader->scope, name))
                            : text_slice(rest, 2, rest.len);
    if (!has_default && kv_find(reader->variables, name) == NULL) {
        refuse(reader, path,
               scope_format(reader->scope, "the variable %.*s is not set", TEXT_ARG(name)).at);
        return 0;
    }
    buf_add(out, value);
    return end + 1;
}

static struct text resolve_text(const struct reader *reader, struct text in, struct text path)
{
    struct buf out = { 0 };
    for (size_t i = 0; i < in.len;) {
        struct text rest = text_slice(in, i, in.len);
        if (text_starts(rest, TEXT("$${"))) {
            buf_add_z(&out, "${");
            i += 3;
        } else if (text_starts(rest, TEXT("${"))) {
            i = add_variable(reader, in, i + 2, path, &out);
            if (i == 0) break;
        } else {
            buf_add_byte(&out, in.at[i++]);
        }
    }
    struct text text = scope_keep(reader->scope, buf_text(&out));
    buf_free(&out);
    return text;
}

/* A number may come from a variable, which is text. */
static struct value as_field(const struct shape_field *field, struct text text)
{
    int64_t number;
    bool truth;
    if (field &&
        (field->kind == FIELD_U32 || field->kind == FIELD_U64 || field->kind == FIELD_I64) &&
        text_to_i64(text, INT64_MIN, INT64_MAX, &number) == ERR_OK)
        return body_integer_value(number);
    if (field && field->kind == FIELD_BOOL && text_to_bool(text, &truth) == ERR_OK)
        return (struct value){ .kind = VALUE_BOOL, .truth = truth };
    return body_text_value(text);
}

static void resolve_pairs(const struct reader *reader, const struct shape *shape, struct kv *kv,
                          struct text path);

static void resolve(const struct reader *reader, const struct shape_field *field,
                    struct value *value, struct text path)
{
    const struct shape *nested = field && field->kind == FIELD_NESTED ? field->nested : NULL;
    if (value->kind == VALUE_KV) resolve_pairs(reader, nested, &value->pairs, path);
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->items.count; i++)
        resolve(reader, field, &value->items.at[i],
                scope_format(reader->scope, "%.*s[%u]", TEXT_ARG(path), i));
    if (value->kind != VALUE_TEXT || memmem(value->text.at, value->text.len, "${", 2) == NULL)
        return;
    *value = as_field(field, resolve_text(reader, value->text, path));
}

static void resolve_pairs(const struct reader *reader, const struct shape *shape, struct kv *kv,
                          struct text path)
{
    for (uint32_t i = 0; i < kv->count; i++)
        resolve(reader, shape ? shape_find(shape, kv->at[i].name) : NULL, &kv->at[i].value,
                scope_format(reader->scope, "%.*s.%.*s", TEXT_ARG(path), TEXT_ARG(kv->at[i].name)));
}

/* --- objects -------------------------------------------------------------------------------- */

static struct text entry_path(const struct reader *reader, const struct kv *value, uint32_t index)
{
    const char *const *parts = reader->type->key;
    size_t last = 0;
    while (parts[last + 1]) last++;
    struct text name = body_text(value, parts[last]);
    if (name.len == 0) return scope_format(reader->scope, "%s[%u]", reader->type->plural, index);
    return scope_format(reader->scope, "%s[%.*s]", reader->type->plural, TEXT_ARG(name));
}

static void read_entry(struct reader *reader, struct value *value, uint32_t index)
{
    const struct object_type *type = reader->type;
    if (value->kind != VALUE_KV) {
        refuse(reader, scope_format(reader->scope, "%s[%u]", type->plural, index),
               "must be an object");
        return;
    }
    struct text path = entry_path(reader, &value->pairs, index);
    resolve_pairs(reader, type->shape, &value->pairs, path);
    struct text tenant = body_text(&value->pairs, "tenant");
    if (type->is_global)
        tenant = TEXT("");
    else if (tenant.len == 0)
        tenant = OBJECT_TENANT_DEFAULT;
    struct text key = object_key(reader->scope, type, &value->pairs);
    struct text identity = object_identity(reader->scope, type, tenant, key);
    struct text label = key.len ? object_label(reader->scope, type, tenant, key) : path;
    if (key.len && table_get(reader->seen, identity)) {
        problem_add(reader->problems, PROBLEM_UNIQUENESS, type, text_of(type->key[0]),
                    "%.*s: is in the file twice", TEXT_ARG(label));
        return;
    }
    table_put(reader->seen, identity, reader);
    reader->out->entries[reader->out->entry_count++] =
        (struct file_entry){ type, tenant, key, label, value->pairs };
}

static void read_type(struct reader *reader, struct value *list)
{
    reader->out->types[reader->out->type_count++] = reader->type;
    if (list->kind != VALUE_LIST) {
        refuse(reader, text_of(reader->type->plural), "must be a list of objects");
        return;
    }
    for (uint32_t i = 0; i < list->items.count; i++) read_entry(reader, &list->items.at[i], i);
}

/* --- secrets -------------------------------------------------------------------------------- */

static void read_source(const struct reader *reader, const struct pair *source, struct text path,
                        struct file_secret *out)
{
    static const char *const from_tool[] = { "$env", "$file" };
    struct text text = source->value.kind == VALUE_TEXT ? source->value.text : TEXT("");
    for (size_t i = 0; i < sizeof from_tool / sizeof from_tool[0]; i++) {
        if (!text_eq(source->name, text_of(from_tool[i])) || text.len == 0) continue;
        struct text name = scope_format(reader->scope, "%s:%.*s", from_tool[i], TEXT_ARG(text));
        const struct value *value = kv_find(reader->variables, name);
        out->source = value ? FILE_SECRET_GIVEN : FILE_SECRET_MISSING;
        out->value = value ? value->text : name;
        return;
    }
    if (text_eq(source->name, TEXT("$enc")) && text.len) {
        out->source = FILE_SECRET_SEALED;
        out->value = text;
        return;
    }
    if (text_eq(source->name, TEXT("$secret")) && text_eq(text, out->name)) return;
    refuse(reader, path,
           "must be {\"$env\":...}, {\"$file\":...}, {\"$enc\":...} or "
           "{\"$secret\":its own name}");
}

static void read_secrets(struct reader *reader, const struct value *secrets)
{
    struct file *out = reader->out;
    if (secrets->kind != VALUE_KV) {
        refuse(reader, TEXT("secrets"), "must be an object");
        return;
    }
    out->secrets = scope_alloc_array(reader->scope, secrets->pairs.count, sizeof *out->secrets);
    for (uint32_t i = 0; i < secrets->pairs.count; i++) {
        const struct pair *pair = &secrets->pairs.at[i];
        struct text path = scope_format(reader->scope, "secrets.%.*s", TEXT_ARG(pair->name));
        struct file_secret *secret = &out->secrets[out->secret_count++];
        *secret = (struct file_secret){ .name = pair->name, .source = FILE_SECRET_KEPT };
        bool is_source = pair->value.kind == VALUE_KV && pair->value.pairs.count == 1;
        if (is_source && pair->name.len)
            read_source(reader, &pair->value.pairs.at[0], path, secret);
        else
            refuse(reader, path,
                   "must be {\"$env\":...}, {\"$file\":...}, {\"$enc\":...} or "
                   "{\"$secret\":its own name}");
    }
}

/* --- the whole ------------------------------------------------------------------------------ */

static void check_head(const struct reader *reader, const struct kv *whole)
{
    const struct value *version = body_find(whole, TEXT("version"));
    if (!text_eq(body_text(whole, "format"), TEXT("cc-config")))
        refuse(reader, TEXT("format"), "must be \"cc-config\"");
    if (version == NULL || version->kind != VALUE_INTEGER || version->integer != 1)
        refuse(reader, TEXT("version"), "must be 1");
}

static bool is_head(struct text name)
{
    return text_eq(name, TEXT("format")) || text_eq(name, TEXT("version")) ||
           text_eq(name, TEXT("rev"));
}

static void read_lists(struct reader *reader, const struct kv *whole)
{
    size_t type_count, objects = 0;
    const struct object_type *const *types = object_types(&type_count);
    for (uint32_t i = 0; i < whole->count; i++)
        if (whole->at[i].value.kind == VALUE_LIST) objects += whole->at[i].value.items.count;
    if (objects > FILE_OBJECTS_MAX) {
        refuse(reader, TEXT("file"), "has too many objects");
        return;
    }
    reader->out->entries = scope_alloc_array(reader->scope, objects, sizeof *reader->out->entries);
    reader->out->types = scope_alloc_array(reader->scope, type_count, sizeof(void *));
    for (size_t i = 0; i < type_count; i++) {
        struct value *list = body_find(whole, text_of(types[i]->plural));
        reader->type = types[i];
        if (list) read_type(reader, list);
    }
    reader->type = NULL;
    for (uint32_t i = 0; i < whole->count; i++) {
        struct text name = whole->at[i].name;
        const struct object_type *type = object_type_find(name);
        bool is_list = type && text_eq(name, text_of(type->plural));
        if (text_eq(name, TEXT("secrets")))
            read_secrets(reader, &whole->at[i].value);
        else if (!is_list && !is_head(name))
            refuse(reader, name, "is no list of objects that this release knows");
    }
}

void file_parse(struct scope *scope, struct text in, const struct kv *variables, struct file *out,
                struct problems *problems)
{
    struct reader reader = { .scope = scope,
                             .variables = variables,
                             .out = out,
                             .problems = problems,
                             .seen = table_new(scope) };
    struct fault fault = { 0 };
    struct buf plain = { 0 };
    struct kv whole = { 0 };
    *out = (struct file){ 0 };
    enum err err = json_blank_comments(in, &plain, &fault);
    if (!err) err = json_read_kv(buf_text(&plain), scope, &whole, &fault);
    buf_free(&plain);
    if (err) {
        refuse(&reader, TEXT("file"), fault.words);
        return;
    }
    check_head(&reader, &whole);
    read_lists(&reader, &whole);
}
