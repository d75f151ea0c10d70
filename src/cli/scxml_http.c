/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scxml_http.h"

#include "io/http/client.h"
#include "scxml/host_http.h"

#define PATH "/scxml/session/"

enum { POOL_SIZE = 4 };

struct scxml_http {
    struct scope *life;
    struct scxml_http_user user;
    struct http_server *server;
    struct http_client *client;
    struct text location;
};

/* --- receiving ------------------------------------------------------------------------------- */

/* The message as it came, for _event.raw. */
static struct text raw_of(const struct http_request *request, struct scope *scope)
{
    struct buf raw = { 0 };
    buf_format(&raw, "%.*s %.*s HTTP/1.1\r\n", TEXT_ARG(request->method),
               TEXT_ARG(request->target));
    for (size_t i = 0; i < request->headers.count; i++)
        buf_format(&raw, "%.*s: %.*s\r\n", TEXT_ARG(request->headers.at[i].name),
                   TEXT_ARG(request->headers.at[i].value));
    buf_add(&raw, TEXT("\r\n"));
    buf_add(&raw, request->body);
    struct text text = scope_keep(scope, buf_text(&raw));
    buf_free(&raw);
    return text;
}

static unsigned status_of(enum err err)
{
    switch (err) {
    case ERR_OK: return 204;
    case ERR_UNSUPPORTED: return 405;
    case ERR_NOT_FOUND:
    case ERR_CLOSED: return 404;
    case ERR_FULL: return 429;
    default: return 400;
    }
}

static enum err receive(struct scxml_http *http, const struct http_request *request,
                        struct scope *scope, struct fault *fault)
{
    struct text id = request->path, end = TEXT(SCXML_HTTP_LOCATION_END);
    if (!text_starts(id, TEXT(PATH)) || !text_ends(id, end) || id.len < sizeof PATH + end.len)
        return fault_set(fault, ERR_NOT_FOUND, "path", "there is no session at this address");
    id = text_slice(id, sizeof PATH - 1, id.len - (sizeof PATH - 1) - end.len);
    const struct scxml_http_request received = { .method = request->method,
                                                 .query = request->query,
                                                 .content_type = http_header_find(
                                                     &request->headers, TEXT("Content-Type")),
                                                 .body = request->body,
                                                 .raw = raw_of(request, scope) };
    struct scxml_event event;
    enum err err = scxml_http_event(&received, scope, &event, fault);
    if (err) return err;
    err = http->user.post(http->user.self, id, &event);
    return err ? fault_set(fault, err, "session", "%s", err_words(err)) : ERR_OK;
}

static void on_request(void *self, struct http_exchange *exchange)
{
    const struct http_header allow = { TEXT("Allow"), TEXT("POST") };
    const struct http_headers only_post = { &allow, 1 };
    struct fault fault = { 0 };
    enum err err =
        receive(self, http_exchange_request(exchange), http_exchange_scope(exchange), &fault);
    http_reply(exchange, status_of(err), err == ERR_UNSUPPORTED ? &only_post : NULL,
               text_of(err ? fault.words : ""));
}

/* --- sending --------------------------------------------------------------------------------- */

struct sent {
    struct scope *scope;
    struct scxml_http *http;
    uint64_t call;
};

static void on_done(void *self, const struct http_result *result)
{
    struct sent sent = *(struct sent *)self;
    bool is_delivered = result->failure == HTTP_FAILURE_NONE && result->status / 100 == 2;
    scope_close(sent.scope);
    sent.http->user.on_done(sent.http->user.self, sent.call, is_delivered);
}

void scxml_http_send(struct scxml_http *http, const struct scxml_message *message, uint64_t call)
{
    struct scope *scope = scope_new(http->life, "scxml http call", SCOPE_NO_LIMIT);
    struct sent *sent = scope_alloc(scope, sizeof *sent);
    *sent = (struct sent){ .scope = scope, .http = http, .call = call };
    struct buf body = { 0 };
    struct http_header type = { .name = TEXT("Content-Type") };
    scxml_http_body(message, &body, &type.value);
    const struct http_call post = { .method = TEXT("POST"),
                                    .url = message->target,
                                    .headers = { &type, 1 },
                                    .body = buf_text(&body),
                                    .timeout_ms = SCXML_HTTP_TIMEOUT_MS };
    (void)http_client_send(http->client, &post, on_done, sent);
    buf_free(&body);
}

/* --- both ------------------------------------------------------------------------------------ */

enum err scxml_http_open(struct scope *owner, struct net *net, uint16_t port,
                         const struct scxml_http_user *user, struct scxml_http **out,
                         struct fault *fault)
{
    struct scope *life = scope_new(owner, "scxml http", SCOPE_NO_LIMIT);
    struct scxml_http *http = scope_alloc(life, sizeof *http);
    static const struct http_server_options options = { 0 };
    http->life = life;
    http->user = *user;
    enum err err = http_server_open(life, net, scope_format(life, "127.0.0.1:%u", port), &options,
                                    on_request, http, &http->server, fault);
    if (err) {
        scope_close(life);
        return err;
    }
    http->client = http_client_new(life, net, POOL_SIZE);
    http->location = scope_format(life, "http://127.0.0.1:%u" PATH, http_server_port(http->server));
    *out = http;
    return ERR_OK;
}

struct text scxml_http_location(const struct scxml_http *http)
{
    return http->location;
}
