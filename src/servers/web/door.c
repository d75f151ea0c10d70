/* SPDX-License-Identifier: Apache-2.0 */
/* Every HTTP request: which route, who asks, and how answers look. Begin at door_on_request(). */
#include "gen/routes.h"
#include "io/http/event_stream.h"
#include "servers/web/client_address.h"
#include "servers/web/rest.h"

#include <stdio.h>
#include <string.h>

enum { HEADERS_MAX = 16 };

/* --- answers -------------------------------------------------------------------------------- */

/* Strict for everything: no script but our own files, nobody frames us, no address is told on. */
#define LITERAL(z)                                                                                 \
    {                                                                                              \
        z, sizeof z - 1                                                                            \
    }
static const struct http_header strict_headers[] = {
    { LITERAL("Content-Security-Policy"),
      LITERAL("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
              "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
              "form-action 'none'; frame-ancestors 'none'") },
    { LITERAL("X-Content-Type-Options"), LITERAL("nosniff") },
    { LITERAL("X-Frame-Options"), LITERAL("DENY") },
    { LITERAL("Referrer-Policy"), LITERAL("no-referrer") },
    { LITERAL("Cross-Origin-Opener-Policy"), LITERAL("same-origin") },
    { LITERAL("Cross-Origin-Resource-Policy"), LITERAL("same-origin") },
    { LITERAL("Permissions-Policy"), LITERAL("camera=(), microphone=(), geolocation=()") },
};
enum { STRICT_COUNT = sizeof strict_headers / sizeof strict_headers[0] };

static size_t put_strict(const struct port *port, struct http_header *out)
{
    size_t count = STRICT_COUNT;
    memcpy(out, strict_headers, sizeof strict_headers);
    if (port->is_secure)
        out[count++] =
            (struct http_header){ TEXT("Strict-Transport-Security"), TEXT("max-age=31536000") };
    return count;
}

void door_reply_with(struct port *port, struct http_exchange *exchange, unsigned status,
                     const struct http_headers *more, struct text body)
{
    struct http_header headers[HEADERS_MAX];
    size_t count = put_strict(port, headers);
    ASSERT(count + more->count <= HEADERS_MAX);
    for (size_t i = 0; i < more->count; i++) headers[count++] = more->at[i];
    struct http_headers all = { headers, count };
    http_reply(exchange, status, &all, body);
}

struct event_stream *door_stream(struct port *port, struct http_exchange *exchange,
                                 void (*on_close)(void *self), void *self)
{
    struct http_header headers[HEADERS_MAX];
    size_t count = put_strict(port, headers);
    headers[count++] = (struct http_header){ TEXT("Cache-Control"), TEXT("no-store") };
    struct http_headers all = { headers, count };
    return event_stream_begin(exchange, &all, on_close, self);
}

void door_reply(struct port *port, struct http_exchange *exchange, unsigned status,
                struct text json, const struct http_header *header)
{
    struct http_header headers[3];
    struct http_headers more = { headers, 0 };
    headers[more.count++] = (struct http_header){ TEXT("Cache-Control"), TEXT("no-store") };
    if (json.len)
        headers[more.count++] =
            (struct http_header){ TEXT("Content-Type"), TEXT("application/json") };
    if (header) headers[more.count++] = *header;
    door_reply_with(port, exchange, status, &more, json);
}

static void put_error_member(struct json_writer *json, const char *code, struct text words,
                             struct text field)
{
    json_put_name(json, TEXT("error"));
    json_begin_object(json);
    json_put_name(json, TEXT("code"));
    json_put_text(json, text_of(code));
    json_put_name(json, TEXT("text"));
    json_put_text(json, words);
    json_put_name(json, TEXT("field"));
    json_put_text(json, field.at ? field : TEXT(""));
    json_end_object(json);
}

static void put_error(struct buf *out, const char *code, struct text words, struct text field)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_error_member(&json, code, words, field);
    json_end_object(&json);
}

/* Of a request whose path is not known: in both forms. */
static void put_error_twice(struct buf *out, const char *code, struct text words)
{
    const struct text triple[] = { text_of(code), TEXT(""), TEXT("") };
    rest_put_error(out, triple, words, NULL, 0);
    out->len--; /* its brace */
    struct json_writer json = { .out = out, .needs_comma = true };
    put_error_member(&json, code, words, TEXT(""));
    buf_add_byte(out, '}');
}

uint64_t jittered(struct web *web, uint64_t ms)
{
    return ms + random_below(loop_random(web->app->loop), ms + 1);
}

void door_refuse(struct port *port, struct http_exchange *exchange, const struct api_error *error)
{
    struct buf body = { 0 };
    char seconds[24];
    const struct text triple[] = { text_of(error->code), TEXT(""), error->field };
    if (rest_is_path(http_exchange_request(exchange)->path))
        rest_put_error(&body, triple, error->text, NULL, 0);
    else
        put_error(&body, error->code, error->text, error->field);
    uint64_t wait_ms = error->retry_after_ms ? jittered(port->web, error->retry_after_ms) : 0;
    (void)snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)((wait_ms + 999) / 1000));
    struct http_header header = { TEXT("Retry-After"), text_of(seconds) };
    if (error->allow.len) header = (struct http_header){ TEXT("Allow"), error->allow };
    door_reply(port, exchange, error->status, buf_text(&body),
               wait_ms || error->allow.len ? &header : NULL);
    buf_free(&body);
}

static const char *code_of(unsigned status)
{
    switch (status) {
    case 404: return "NotFound";
    case 405: return "MethodNotAllowed";
    case 411: return "LengthRequired";
    case 413: return "TooLarge";
    case 415: return "NotJson";
    case 429: return "TooManyRequests";
    case 503: return "Unavailable";
    default: return "BadRequest";
    }
}

void door_dress(void *self, unsigned status, const char *words, struct scope *scope,
                struct http_headers *headers, struct text *body)
{
    struct buf out = { 0 };
    struct http_header *all = scope_alloc_array(scope, HEADERS_MAX, sizeof *all);
    size_t count = put_strict(self, all);
    all[count++] = (struct http_header){ TEXT("Content-Type"), TEXT("application/json") };
    all[count++] = (struct http_header){ TEXT("Cache-Control"), TEXT("no-store") };
    put_error_twice(&out, code_of(status), text_of(words));
    *headers = (struct http_headers){ all, count };
    *body = scope_keep(scope, buf_text(&out));
    buf_free(&out);
}

static void refuse(const struct asked *asked, unsigned status, const char *code, const char *words)
{
    struct api_error error = { .status = status,
                               .code = code ? code : code_of(status),
                               .text = text_of(words) };
    door_refuse(asked->port, asked->exchange, &error);
}

/* --- answers that come later ---------------------------------------------------------------- */

struct waiting *door_wait(const struct asked *asked)
{
    struct scope *life = scope_new(asked->web->app->life, "waiting", SCOPE_NO_LIMIT);
    struct waiting *waiting = scope_alloc(life, sizeof *waiting);
    *waiting = (struct waiting){ .life = life,
                                 .web = asked->web,
                                 .port = asked->port,
                                 .exchange_id = http_exchange_id(asked->exchange) };
    return waiting;
}

struct http_exchange *door_back(struct waiting *waiting)
{
    return http_find(waiting->port->http, waiting->exchange_id);
}

void door_end(struct waiting *waiting)
{
    scope_close(waiting->life);
}

/* --- who asks ------------------------------------------------------------------------------- */

static struct text without_port(struct text peer)
{
    size_t colon = SIZE_MAX;
    for (size_t at = text_find(peer, ':', 0); at != SIZE_MAX; at = text_find(peer, ':', at + 1))
        colon = at;
    return colon == SIZE_MAX ? peer : text_slice(peer, 0, colon);
}

/* The last of them: the proxy next to us wrote it, or added to it. */
static struct text forwarded_for(const struct http_request *request)
{
    struct text found = { 0 };
    for (size_t i = 0; i < request->headers.count; i++)
        if (text_eq_fold(request->headers.at[i].name, TEXT("X-Forwarded-For")))
            found = request->headers.at[i].value;
    return found;
}

static struct text cookie_of(const struct http_request *request)
{
    struct text rest = http_header_find(&request->headers, TEXT("Cookie")), one, name, value;
    while (rest.len && text_next_item(&rest, ';', &one))
        if (text_cut(one, '=', &name, &value) && text_eq(name, TEXT("carillon"))) return value;
    return (struct text){ 0 };
}

static bool is_our_origin(const struct asked *asked, struct text origin)
{
    const struct http_request *request = http_exchange_request(asked->exchange);
    struct text host = http_header_find(&request->headers, TEXT("Host"));
    struct text scheme = asked->port->is_secure ? TEXT("https://") : TEXT("http://");
    struct text rest = options_of(asked->web)->allowed_origins, one;
    if (host.len && origin.len == scheme.len + host.len && text_starts(origin, scheme) &&
        text_ends(origin, host))
        return true;
    while (rest.len && text_next_item(&rest, ',', &one))
        if (one.len && text_eq(one, origin)) return true;
    return false;
}

/* A browser sends its cookie whoever asks: who wrote the page has to be told. */
static bool is_origin_fit(const struct asked *asked)
{
    const struct http_request *request = http_exchange_request(asked->exchange);
    struct text origin = http_header_find(&request->headers, TEXT("Origin"));
    bool changes_something = !text_eq(request->method, TEXT("GET")) &&
                             !text_eq(request->method, TEXT("HEAD"));
    if (origin.at) return is_our_origin(asked, origin);
    return !changes_something && !websocket_is_asked(request);
}

static struct session *session_of(struct web *web, const struct http_request *request,
                                  struct text address, bool *is_by_cookie)
{
    struct text given = http_header_find(&request->headers, TEXT("Authorization")), scheme, token;
    *is_by_cookie = false;
    if (given.at && text_cut(given, ' ', &scheme, &token) && text_eq_fold(scheme, TEXT("Bearer")))
        return session_find(web, text_trim(token), address);
    struct session *session = session_find(web, cookie_of(request), address);
    *is_by_cookie = session != NULL;
    return session;
}

static struct text address_of(const struct port *port, const struct http_request *request,
                              char room[CLIENT_ADDRESS_BYTES])
{
    return client_address(without_port(request->peer), forwarded_for(request),
                          options_of(port->web)->trusted_proxies, room);
}

uint32_t door_body_limit(void *self, const struct http_request *head)
{
    enum { STRANGERS_BYTES = 16 * 1024, FIELDS_BYTES = 1024 * 1024, OWN_BYTES = 8 * 1024 * 1024 };
    struct port *port = self;
    struct rest_match match;
    char room[CLIENT_ADDRESS_BYTES];
    bool is_by_cookie;
    if (!rest_is_path(head->path)) return STRANGERS_BYTES;
    if (rest_route_find(&ROUTES_WEB, head->method, head->path, &match) != REST_FOUND ||
        match.route->access == ROUTE_ANYBODY)
        return STRANGERS_BYTES;
    if (session_of(port->web, head, address_of(port, head, room), &is_by_cookie) == NULL)
        return STRANGERS_BYTES;
    return match.route->body == ROUTE_BODY_OWN ? OWN_BYTES : FIELDS_BYTES;
}

/* False: answered. */
static bool is_allowed(struct asked *asked, enum route_access access)
{
    if (access == ROUTE_ANYBODY) return true;
    struct session *session = session_of(asked->web, http_exchange_request(asked->exchange),
                                         asked->address, &asked->is_by_cookie);
    asked->session = session;
    if (session == NULL) {
        refuse(asked, 401, "NoSession", "log in first");
        return false;
    }
    if (asked->is_by_cookie && !is_origin_fit(asked)) {
        refuse(asked, 403, "BadOrigin", "Origin: must be ours");
        return false;
    }
    session_use(asked->web, session);
    if (access == ROUTE_SESSION) return true;
    if (session->must_change) {
        refuse(asked, 403, "MustChangePassword", "change the password first");
        return false;
    }
    if (access != ROUTE_ADMINISTRATOR || session->person->is_administrator) return true;
    refuse(asked, 403, "Forbidden", "administrators only");
    return false;
}

/* --- routes --------------------------------------------------------------------------------- */

static void open_desktop(const struct asked *asked)
{
    if (websocket_is_asked(http_exchange_request(asked->exchange)))
        desktop_open(asked->port, asked->exchange, asked->session);
    else
        refuse(asked, 426, "BadRequest", "Upgrade: must be websocket");
}

static const struct {
    const char *path;
    void (*run)(const struct asked *asked);
    bool has_body;
} deeds[] = {
    { "/health", api_health, false },
    { "/api/login", api_login, true },
    { "/api/logout", api_logout, false },
    { "/api/session", api_session, false },
    { "/desktop", open_desktop, false },
    { "/api/password", api_password, true },
    { "/api/cfg/v1/login", api_login, true },
    { "/api/cfg/v1/logout", api_logout, false },
    { "/api/cfg/v1/password", api_password, true },
    { "/api/openapi.json", rest_document, false },
};
enum { DEEDS = sizeof deeds / sizeof deeds[0] };

/* False: answered. A page of another site can send a body, but not call it JSON. */
static bool is_json(const struct http_request *request)
{
    struct text type = http_header_find(&request->headers, TEXT("Content-Type")), name, rest;
    if (!text_cut(type, ';', &name, &rest)) name = type;
    name = text_trim(name);
    return text_eq_fold(name, TEXT("application/json")) ||
           (text_eq(request->method, TEXT("PATCH")) &&
            text_eq_fold(name, TEXT("application/merge-patch+json")));
}

static bool is_body_fit(const struct asked *asked, bool has_body)
{
    const struct http_request *request = http_exchange_request(asked->exchange);
    if (!has_body) return true;
    if (!request->has_length)
        refuse(asked, 411, NULL, "the body has no length");
    else if (!is_json(request))
        refuse(asked, 415, NULL, "Content-Type: must be application/json");
    else
        return true;
    return false;
}

/* Fields of a message may all be absent, and the body with them. */
static void run_rest(struct asked *asked, const struct rest_match *match)
{
    const struct http_request *request = http_exchange_request(asked->exchange);
    bool has_body = match->route->body == ROUTE_BODY_OWN ||
                    (match->route->body == ROUTE_BODY_FIELDS && request->body.len);
    if (is_body_fit(asked, has_body) && is_allowed(asked, match->route->access))
        rest_on_request(asked, match);
}

static void run_route(struct asked *asked, const struct route *route)
{
    for (size_t i = 0; i < DEEDS; i++) {
        if (strcmp(deeds[i].path, route->path) != 0) continue;
        if (is_body_fit(asked, deeds[i].has_body) && is_allowed(asked, route->access))
            deeds[i].run(asked);
        return;
    }
}

static void refuse_method(const struct asked *asked, const struct route *route)
{
    struct buf allow = { 0 };
    rest_route_allowed(&ROUTES_WEB, route, &allow);
    struct api_error error = { .status = 405,
                               .code = code_of(405),
                               .text = TEXT("the resource does not know this method"),
                               .allow = buf_text(&allow) };
    door_refuse(asked->port, asked->exchange, &error);
    buf_free(&allow);
}

void door_on_request(void *self, struct http_exchange *exchange)
{
    struct port *port = self;
    const struct http_request *request = http_exchange_request(exchange);
    char room[CLIENT_ADDRESS_BYTES];
    struct asked asked = { .web = port->web, .port = port, .exchange = exchange };
    asked.address = address_of(port, request, room);
    struct rest_match match;
    port->web->counters.web_http_requests_total++;
    enum rest_verdict verdict =
        rest_route_find(&ROUTES_WEB, request->method, request->path, &match);
    if (verdict == REST_FOUND && rest_is_route(match.route))
        run_rest(&asked, &match);
    else if (verdict == REST_FOUND)
        run_route(&asked, match.route);
    else if (verdict == REST_NO_METHOD)
        refuse_method(&asked, match.route);
    else if (text_starts(request->path, TEXT("/api/")) || !files_reply(&asked))
        refuse(&asked, 404, NULL, "there is nothing here");
}
