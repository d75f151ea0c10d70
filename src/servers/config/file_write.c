/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/file.h"

#include "format/json.h"

#include <stdlib.h>
#include <string.h>

struct writer {
    struct buf *out;
    uint32_t depth;
};

static void put_value(struct writer *writer, const struct value *value);

static void new_line(struct writer *writer)
{
    buf_add_byte(writer->out, '\n');
    for (uint32_t i = 0; i < writer->depth; i++) buf_add_z(writer->out, "  ");
}

static void put_text(struct writer *writer, struct text text)
{
    struct json_writer json = json_writer(writer->out);
    json_put_text(&json, text);
}

/* A plain ${ would be read back as a variable. */
static void put_escaped(struct writer *writer, struct text text)
{
    struct buf escaped = { 0 };
    if (text.len == 0 || memmem(text.at, text.len, "${", 2) == NULL) {
        put_text(writer, text);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text_starts(text_slice(text, i, 2), TEXT("${"))) buf_add_byte(&escaped, '$');
        buf_add_byte(&escaped, text.at[i]);
    }
    put_text(writer, buf_text(&escaped));
    buf_free(&escaped);
}

static void begin_pair(struct writer *writer, struct text name, bool *is_first)
{
    if (!*is_first) buf_add_byte(writer->out, ',');
    *is_first = false;
    new_line(writer);
    put_text(writer, name);
    buf_add_z(writer->out, ": ");
}

static void put_pairs(struct writer *writer, const struct kv *kv)
{
    bool is_first = true;
    buf_add_byte(writer->out, '{');
    writer->depth++;
    for (uint32_t i = 0; i < kv->count; i++) {
        begin_pair(writer, kv->at[i].name, &is_first);
        put_value(writer, &kv->at[i].value);
    }
    writer->depth--;
    if (kv->count) new_line(writer);
    buf_add_byte(writer->out, '}');
}

static void put_items(struct writer *writer, const struct value *list)
{
    buf_add_byte(writer->out, '[');
    writer->depth++;
    for (uint32_t i = 0; i < list->items.count; i++) {
        if (i) buf_add_byte(writer->out, ',');
        new_line(writer);
        put_value(writer, &list->items.at[i]);
    }
    writer->depth--;
    if (list->items.count) new_line(writer);
    buf_add_byte(writer->out, ']');
}

static void put_value(struct writer *writer, const struct value *value)
{
    if (value->kind == VALUE_TEXT)
        put_escaped(writer, value->text);
    else if (value->kind == VALUE_KV)
        put_pairs(writer, &value->pairs);
    else if (value->kind == VALUE_LIST)
        put_items(writer, value);
    else {
        struct json_writer json = json_writer(writer->out);
        json_put_value(&json, value);
    }
}

/* --- objects -------------------------------------------------------------------------------- */

static void put_object(struct writer *writer, const struct object *object)
{
    struct scope *scratch = scope_new(NULL, "export", SCOPE_NO_LIMIT);
    struct kv out = { scope_alloc_array(scratch, object->body.count + 2u, sizeof *out.at), 0 };
    bool has_tenant = !object->type->is_global && !text_eq(object->tenant, OBJECT_TENANT_DEFAULT);
    if (object->type->exports_dbid)
        out.at[out.count++] = (struct pair){ TEXT("dbid"), body_integer_value(object->dbid) };
    if (has_tenant)
        out.at[out.count++] = (struct pair){ TEXT("tenant"), body_text_value(object->tenant) };
    for (uint32_t i = 0; i < object->body.count; i++) out.at[out.count++] = object->body.at[i];
    put_pairs(writer, &out);
    scope_close(scratch);
}

static int compare_objects(const void *a, const void *b)
{
    const struct object *const *one = a, *const *other = b;
    int order = text_compare((*one)->tenant, (*other)->tenant);
    return order ? order : text_compare((*one)->key, (*other)->key);
}

static bool is_wanted(const struct file_export *export, const struct object_type *type)
{
    for (uint32_t i = 0; i < export->type_count; i++)
        if (object_type_find(export->types[i]) == type) return true;
    return export->type_count == 0;
}

static void put_type(struct writer *writer, const struct file_export *export,
                     const struct object_type *type, bool *is_first)
{
    size_t count, kept = 0;
    const struct object *const *all = object_set_of(export->objects, type, &count);
    struct scope *scratch = scope_new(NULL, "export", SCOPE_NO_LIMIT);
    const struct object **sorted = scope_alloc_array(scratch, count, sizeof(const struct object *));
    for (size_t i = 0; i < count; i++)
        if ((type->is_global || export->tenant.len == 0 ||
             text_eq(all[i]->tenant, export->tenant)) &&
            (export->may_read == NULL || export->may_read(export->self, all[i])))
            sorted[kept++] = all[i];
    if (kept) {
        qsort(sorted, kept, sizeof(const struct object *), compare_objects);
        begin_pair(writer, text_of(type->plural), is_first);
        buf_add_byte(writer->out, '[');
        writer->depth++;
        for (size_t i = 0; i < kept; i++) {
            if (i) buf_add_byte(writer->out, ',');
            new_line(writer);
            put_object(writer, sorted[i]);
        }
        writer->depth--;
        new_line(writer);
        buf_add_byte(writer->out, ']');
    }
    scope_close(scratch);
}

static void put_secrets(struct writer *writer, const struct file_export *export, bool *is_first)
{
    bool is_first_secret = true;
    begin_pair(writer, TEXT("secrets"), is_first);
    buf_add_byte(writer->out, '{');
    writer->depth++;
    for (uint32_t i = 0; i < export->secret_count; i++) {
        begin_pair(writer, export->secrets[i], &is_first_secret);
        buf_add_z(writer->out, "{ \"$secret\": ");
        put_text(writer, export->secrets[i]);
        buf_add_z(writer->out, " }");
    }
    writer->depth--;
    new_line(writer);
    buf_add_byte(writer->out, '}');
}

void file_write(const struct file_export *export, struct buf *out)
{
    struct writer writer = { out, 1 };
    bool is_first = false;
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    buf_add_z(out, "{\n  \"format\": \"cc-config\",\n  \"version\": 1");
    for (size_t i = 0; i < type_count; i++)
        if (is_wanted(export, types[i])) put_type(&writer, export, types[i], &is_first);
    if (export->secret_count) put_secrets(&writer, export, &is_first);
    buf_add_z(out, "\n}\n");
}
