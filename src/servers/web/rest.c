/* SPDX-License-Identifier: Apache-2.0 */
/* A request of the administration REST: who asks, how often, which message it becomes. Begin at
 * rest_on_request(). */
#include "servers/web/rest_stream.h"

#include "app/message_json.h"
#include "gen/events.h"

#include <string.h>

enum { RETRY_MS = 1000 };

bool rest_is_path(struct text path)
{
    return text_starts(path, TEXT("/api/cfg/")) || text_starts(path, TEXT("/api/ctl/")) ||
           text_starts(path, TEXT("/api/log/"));
}

bool rest_is_route(const struct route *route)
{
    static const char *const others[] = { "logIn", "logOut", "changePassword", "getDocument" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (route->id && strcmp(route->id, others[i]) == 0) return false;
    return route->id != NULL;
}

struct scope *rest_scope(const struct rest_call *call)
{
    return call->waiting->life;
}

/* --- asking --------------------------------------------------------------------------------- */

/* False: refused. Permissions are asked by the server behind; a call needs both (framework 12.2).
 */
static bool has_privilege(struct rest_call *call, const struct msg *msg)
{
    const struct person *person = table_get(call->web->persons, TEXT_OF(&call->person_dbid));
    const char *missing = privilege_missing(person ? person->privileges : 0, msg);
    if (missing == NULL) return true;
    LOG_WEB_PRIVILEGE_MISSING(&call->web->app->log, msg->name, call->person.at, call->address.at,
                              missing);
    rest_refuse(call, 403, "CFGNoPermission", TEXT(""),
                scope_format(rest_scope(call), "the privilege \"%s\" is missing", missing));
    return false;
}

void rest_ask(struct rest_call *call, const struct msg *msg, const void *fields,
              void (*on_reply)(void *self, const struct link_error *error, const void *fields))
{
    struct web *web = call->web;
    struct peer *peer = applications_peer(web, msg);
    struct link_header header = { .tenant = call->tenant,
                                  .person = call->person,
                                  .address = call->address };
    uint64_t wait_ms = call->deadline_ms ? call->deadline_ms
                                         : options_of(web)->request_timeout * UINT64_C(1000);
    if (!has_privilege(call, msg)) return;
    if (peer == NULL || !peer_is_up(peer)) {
        rest_refuse(call, 503, "Unavailable", TEXT(""),
                    scope_format(rest_scope(call), "%s is away", msg->protocol));
        return;
    }
    LOG_WEB_REST_REQUEST(&web->app->log, call->route->method, call->path.at, call->person.at,
                         call->address.at, msg->name);
    link_ask(peer_link(peer), msg, fields, &header, wait_ms, on_reply, call);
}

bool rest_fields(struct rest_call *call, const struct msg *msg, void **out)
{
    struct fault fault = { 0 };
    if (message_from_kv(msg, &call->question.fields, rest_scope(call), out, &fault) == ERR_OK)
        return true;
    rest_refuse(call, 400, "BadRequest", rest_parameter_of(call->route, text_of(fault.field)),
                text_of(fault.words));
    return false;
}

void rest_ask_plain(struct rest_call *call,
                    void (*on_reply)(void *self, const struct link_error *error,
                                     const void *fields))
{
    void *fields;
    if (rest_fields(call, call->route->msg, &fields))
        rest_ask(call, call->route->msg, fields, on_reply);
}

/* --- most routes ---------------------------------------------------------------------------- */

static uint64_t rev_of(const struct shape *shape, const void *fields)
{
    const struct shape_field *rev = shape_find(shape, TEXT("rev"));
    return rev && rev->kind == FIELD_U64
               ? *(const uint64_t *)(const void *)((const char *)fields + rev->offset)
               : 0;
}

static uint64_t bits_shown(const struct route *route, const struct shape *shape)
{
    uint64_t bits = 0;
    if (route->show == NULL) return UINT64_MAX;
    for (const char *const *one = route->show; *one; one++) {
        const struct shape_field *field = shape_find(shape, text_of(*one));
        if (field) bits |= UINT64_C(1) << (field - shape->fields);
    }
    return bits;
}

static void on_plain_reply(void *self, const struct link_error *error, const void *fields)
{
    struct rest_call *call = self;
    const struct shape *shape = call->route->msg->reply->shape;
    struct shape_head *head = (struct shape_head *)(uintptr_t)fields;
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (error) {
        rest_refuse_link(call, error);
        return;
    }
    head->has &= bits_shown(call->route, shape);
    json_begin_object(&json);
    message_put_members(&json, shape, fields);
    json_end_object(&json);
    rest_answer(call, call->route->status, buf_text(&out),
                call->route->has_etag ? rev_of(shape, fields) : 0);
    buf_free(&out);
}

static void ask_plain(struct rest_call *call)
{
    rest_ask_plain(call, on_plain_reply);
}

static void stream_changes(struct rest_call *call)
{
    if (has_privilege(call, call->route->msg)) rest_stream_open(call, &rest_stream_changes);
}

static void stream_of_control(struct rest_call *call, const struct rest_stream_kind *kind)
{
    if (!has_privilege(call, call->route->msg)) return;
    if (applications_peer(call->web, call->route->msg))
        rest_stream_open(call, kind);
    else
        rest_refuse(call, 503, "Unavailable", TEXT(""),
                    TEXT("control is not among the connections"));
}

static void stream_status(struct rest_call *call)
{
    stream_of_control(call, &rest_stream_status);
}

static void stream_alarms(struct rest_call *call)
{
    stream_of_control(call, &rest_stream_alarms);
}

static const struct {
    const char *id;
    void (*run)(struct rest_call *call);
} deeds[] = {
    { "listObjects", rest_list_objects },      { "getObject", rest_get_object },
    { "createObject", rest_create_object },    { "replaceObject", rest_replace_object },
    { "updateObject", rest_update_object },    { "deleteObject", rest_delete_object },
    { "changeObjects", rest_change },          { "readChanges", rest_read_changes },
    { "streamChanges", stream_changes },       { "exportConfiguration", rest_export },
    { "importConfiguration", rest_import },    { "listObjectTypes", rest_list_object_types },
    { "getObjectType", rest_get_object_type }, { "getOptions", rest_get_options },
    { "streamStatus", stream_status },         { "streamAlarms", stream_alarms },
};
enum { DEEDS = sizeof deeds / sizeof deeds[0] };

/* --- one request ---------------------------------------------------------------------------- */

static void refuse(const struct asked *asked, unsigned status, const char *code, struct text field,
                   struct text words, uint64_t retry_after_ms)
{
    struct api_error error = { .status = status,
                               .code = code,
                               .text = words,
                               .field = field,
                               .retry_after_ms = retry_after_ms };
    asked->web->counters.web_rest_refused_total++;
    door_refuse(asked->port, asked->exchange, &error);
}

static bool may_ask_now(const struct asked *asked)
{
    struct web *web = asked->web;
    if (asked->session->person->rest_in_flight >= options_of(web)->requests_in_flight) {
        refuse(asked, 429, "TooManyRequests", TEXT(""), TEXT("too many requests wait already"),
               RETRY_MS);
        return false;
    }
    uint32_t count = options_of(web)->requests_per_second;
    struct bucket_rate rate = { count, 2 * count, 1000 };
    uint64_t wait_ms =
        bucket_take(&asked->session->person->requests, &rate, loop_now_mono_ms(web->app->loop));
    if (wait_ms)
        refuse(asked, 429, "TooManyRequests", TEXT(""), TEXT("more requests than allowed"),
               wait_ms);
    return wait_ms == 0;
}

/* The server behind asks permissions; what is not for every person is for administrators. */
static bool has_right(const struct asked *asked, const struct route *route)
{
    struct asker asker = person_asker(asked->session->person);
    if (route->msg == NULL || right_to_send(&asker, route->msg) == RIGHT_GRANTED) return true;
    refuse(asked, 403, "CFGNoPermission", TEXT(""), TEXT("administrators only"), 0);
    return false;
}

static void call_over(void *self)
{
    const struct rest_call *call = self;
    struct person *person = table_get(call->web->persons, TEXT_OF(&call->person_dbid));
    if (person && person->rest_in_flight) person->rest_in_flight--;
}

static struct rest_call *call_new(const struct asked *asked, const struct route *route)
{
    struct person *person = asked->session->person;
    const struct http_request *request = http_exchange_request(asked->exchange);
    struct waiting *waiting = door_wait(asked);
    struct scope *life = waiting->life;
    struct rest_call *call = scope_alloc(life, sizeof *call);
    *call = (struct rest_call){ .waiting = waiting,
                                .web = asked->web,
                                .route = route,
                                .session = asked->session,
                                .person_dbid = person->dbid,
                                .tenant = scope_keep(life, person->tenant),
                                .person = scope_keep(life, person->employee_id),
                                .address = scope_keep(life, asked->address),
                                .path = scope_keep(life, request->path) };
    struct text known = http_header_find(&request->headers, TEXT("If-None-Match"));
    if (known.at && route->has_etag) call->if_none_match = scope_keep(life, known);
    person->rest_in_flight++;
    scope_on_close(life, call_over, call);
    return call;
}

static void run(struct rest_call *call)
{
    for (size_t i = 0; i < DEEDS; i++) {
        if (strcmp(deeds[i].id, call->route->id) != 0) continue;
        deeds[i].run(call);
        return;
    }
    ask_plain(call);
}

/* The session is known, its person may ask. */
void rest_on_request(struct asked *asked, const struct rest_match *match)
{
    struct fault fault = { 0 };
    const struct http_request *request = http_exchange_request(asked->exchange);
    asked->web->counters.web_rest_requests_total++;
    if (!may_ask_now(asked) || !has_right(asked, match->route)) return;
    struct rest_call *call = call_new(asked, match->route);
    if (rest_question_read(match, request, rest_scope(call), &call->question, &fault))
        run(call);
    else
        rest_refuse(call, 400, "BadRequest", text_of(fault.field), text_of(fault.words));
}
