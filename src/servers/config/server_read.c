/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of objects, page by page, and single ones. Reading needs no disk. */
#include "format/json.h"
#include "gen/objects.h"
#include "servers/config/filter.h"
#include "servers/config/server.h"

struct reading {
    const struct config_server *server;
    const struct config_read *asked;
    const struct object_type *type;
    struct scope *scope;
    struct filter *filter;
    struct config_objects out;
    struct access_rights *rights;
    uint32_t limit;
    bool is_clear;
    size_t bytes;
};

/* --- what is shown -------------------------------------------------------------------------- */

static bool is_asked_for(const struct config_read *asked, struct text name)
{
    if (text_eq(name, TEXT("dbid"))) return true;
    for (uint32_t i = 0; i < asked->fields.count; i++)
        if (text_eq(asked->fields.at[i], name)) return true;
    return false;
}

/* Only the properties that were asked for. */
static struct text shorten(const struct reading *reading, struct text body)
{
    struct buf out = { 0 };
    struct kv pairs;
    struct fault fault;
    struct scope *scratch = scope_new(NULL, "object", SCOPE_NO_LIMIT);
    struct json_writer json = json_writer(&out);
    enum err err = json_read_kv(body, scratch, &pairs, &fault);
    ASSERT(err == ERR_OK); /* we wrote it */
    json_begin_object(&json);
    for (uint32_t i = 0; i < pairs.count; i++) {
        if (!is_asked_for(reading->asked, pairs.at[i].name)) continue;
        json_put_name(&json, pairs.at[i].name);
        json_put_value(&json, &pairs.at[i].value);
    }
    json_end_object(&json);
    struct text kept = scope_keep(reading->scope, buf_text(&out));
    buf_free(&out);
    scope_close(scratch);
    return kept;
}

/* Of a type that is told from others' data: of whom. */
static const struct object_type *source_of(const struct object_type *type)
{
    return type == &OBJECT_PERSON_LAST_LOGIN ? &OBJECT_PERSON : type;
}

/* What is told of it; NULL: nothing. */
static const struct object *told_of(const struct reading *reading, const struct object *source)
{
    return reading->type == &OBJECT_PERSON_LAST_LOGIN
               ? last_login_of(reading->server, reading->scope, source)
               : source;
}

static void add_object(struct reading *reading, const struct object *source)
{
    if (source == NULL || !access_may(reading->rights, source, MAY_READ)) return;
    const struct object *object = told_of(reading, source);
    if (object == NULL) return;
    struct config_config_object *message = &reading->out.objects.at[reading->out.objects.count++];
    *message = object_message(reading->scope, reading->server, object, reading->is_clear);
    if (reading->asked->fields.count) message->body = shorten(reading, message->body);
    reading->bytes += message->body.len;
}

/* --- which ---------------------------------------------------------------------------------- */

static bool is_of(const struct object *object, const char *property, struct text wanted)
{
    return wanted.len == 0 || text_eq(body_text(&object->body, property), wanted);
}

static bool is_in_state(const struct object *object, struct text wanted)
{
    struct text state = body_text(&object->body, "state");
    return wanted.len == 0 || text_eq(state.len ? state : TEXT("enabled"), wanted);
}

static bool is_wanted(const struct reading *reading, const struct object *object)
{
    const struct config_read *asked = reading->asked;
    return (asked->tenant.len == 0 || reading->type->is_global ||
            text_eq(object->tenant, asked->tenant)) &&
           is_of(object, "name", asked->name) && is_of(object, "folder", asked->folder) &&
           is_in_state(object, asked->state) && access_may(reading->rights, object, MAY_READ);
}

static bool is_fit(const struct reading *reading, const struct object *source)
{
    const struct object *object = told_of(reading, source);
    return object && filter_fits(reading->filter, reading->type->shape, &object->body);
}

static void add_page(struct reading *reading)
{
    size_t count;
    const struct object *const *objects =
        object_set_of(reading->server->objects, source_of(reading->type), &count);
    for (size_t i = 0; i < count; i++) {
        if (objects[i]->dbid <= reading->asked->after || !is_wanted(reading, objects[i]) ||
            !is_fit(reading, objects[i]))
            continue;
        if (reading->out.objects.count == reading->limit || reading->bytes >= PAGE_BYTES_MAX) {
            reading->out.more = true;
            return;
        }
        add_object(reading, objects[i]);
    }
}

static const struct object *find_key(const struct reading *reading)
{
    const struct object_set *objects = reading->server->objects;
    struct text tenant = reading->asked->tenant.len ? reading->asked->tenant
                                                    : OBJECT_TENANT_DEFAULT;
    const struct object_type *type = source_of(reading->type);
    const struct object *object = object_set_find(objects, type, tenant, reading->asked->key);
    uint32_t dbid;
    if (object == NULL && text_to_u32(reading->asked->key, 1, UINT32_MAX, &dbid) == ERR_OK)
        object = object_set_find_dbid(objects, type, dbid);
    return object;
}

static void refuse(struct config_server *server, struct link_request *request,
                   enum problem_kind kind, const char *field, const char *words)
{
    struct problems problems = { .scope = link_request_scope(request) };
    problem_add(&problems, kind, NULL, text_of(field), "%s: %s", field, words);
    refuse_problems(server, request, &problems);
}

void request_read(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_read *asked = fields;
    struct fault fault = { 0 };
    struct reading reading = {
        .server = server,
        .asked = asked,
        .type = object_type_find(asked->type),
        .scope = link_request_scope(request),
        .rights = request_rights(server, request),
        .limit = asked->limit ? asked->limit : 1000,
        .out = { .head.has = CONFIG_OBJECTS_HAS_REV | CONFIG_OBJECTS_HAS_OBJECTS |
                             CONFIG_OBJECTS_HAS_MORE,
                 .rev = server->rev },
        /* An application needs its secrets; a person never sees one, whoever asks for her. */
        .is_clear = trust_with_secrets(server, link_request_link(request)) &&
                    link_request_header(request)->person.len == 0,
    };
    if (reading.type == NULL) {
        refuse(server, request, PROBLEM_NOT_FOUND, "type", "there is no such object type");
        return;
    }
    if (filter_parse(reading.scope, asked->filter, &reading.filter, &fault)) {
        refuse(server, request, PROBLEM_INVALID_VALUE, fault.field, fault.words);
        return;
    }
    reading.out.objects.at =
        scope_alloc_array(reading.scope, reading.limit, sizeof *reading.out.objects.at);
    if (SHAPE_HAS(asked, CONFIG_READ_HAS_DBID))
        add_object(&reading,
                   object_set_find_dbid(server->objects, source_of(reading.type), asked->dbid));
    else if (SHAPE_HAS(asked, CONFIG_READ_HAS_KEY))
        add_object(&reading, find_key(&reading));
    else
        add_page(&reading);
    link_reply(request, &reading.out);
}
