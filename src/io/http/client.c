/* SPDX-License-Identifier: Apache-2.0 */
/* Calls, their order, and one pool of connections per endpoint. Start reading at
 * http_client_send(). */
#include "io/http/client_private.h"

#include "io/http/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IDLE_POOL_MS = 60 * 1000, /* spec outbound 12.5: idle pooled connections close */
    FAILING_PACE_MS = 10,     /* between two calls to an endpoint that refuses connections */
};

/* --- pools --- */

static void pool_close(struct http_pool *pool)
{
    (void)table_remove(pool->client->pools, pool->key);
    scope_close(pool->life);
}

static void pool_pump(struct http_pool *pool);

static void on_pool_pace(void *self)
{
    pool_pump(self);
}

static void on_pool_idle(void *self)
{
    pool_close(self);
}

static void call_free(struct http_client_call *call)
{
    list_remove(&call->node);
    chore_cancel(&call->chore);
    scope_close(call->life);
}

static void call_buf_drop(void *self)
{
    struct http_client_call *call = self;
    buf_free(&call->body);
}

static struct http_client_call *first_call(const struct list *ring)
{
    struct list *node = list_first(ring);
    return node ? LIST_OBJECT(node, struct http_client_call, node) : NULL;
}

static void pool_forget(void *self)
{
    struct http_pool *pool = self;
    const struct http_carrier *carrier = pool->carrier;
    struct http_client_call *call;
    while ((call = first_call(&pool->flying)) != NULL) {
        carrier->abandon(call);
        call_free(call);
    }
    while ((call = first_call(&pool->waiting)) != NULL) call_free(call);
    carrier->close(pool);
}

static struct http_pool *pool_new(struct http_client *client, struct text key, bool is_https,
                                  bool is_plain, struct text host_port)
{
    struct scope *life = scope_new(client->life, "http pool", SCOPE_NO_LIMIT);
    struct http_pool *pool = scope_alloc(life, sizeof *pool);
    *pool = (struct http_pool){
        .client = client,
        .life = life,
        .key = scope_keep(life, key),
        .is_https = is_https,
        .host_port = scope_keep(life, host_port),
        .carrier = is_plain ? &http_carrier_plain : &http_carrier_curl,
    };
    list_init(&pool->waiting);
    list_init(&pool->flying);
    pool->idle_timer = timer_new(life, client->loop, on_pool_idle, pool);
    pool->pace_timer = timer_new(life, client->loop, on_pool_pace, pool);
    pool->carrier->open(pool);
    scope_on_close(life, pool_forget, pool);
    table_put(client->pools, pool->key, pool);
    return pool;
}

/* "https://Host/path" -> true, "host:443". False when it is no such URL. */
static bool split_url(struct text url, struct buf *host_port, bool *is_https)
{
    *is_https = text_eq_fold(text_slice(url, 0, 8), TEXT("https://"));
    if (!*is_https && !text_eq_fold(text_slice(url, 0, 7), TEXT("http://"))) return false;
    struct text rest = text_slice(url, *is_https ? 8 : 7, SIZE_MAX);
    size_t len = 0, port_at = 0;
    if (!http_is_field_value(url) || text_find(url, ' ', 0) != SIZE_MAX) return false;
    while (len < rest.len && strchr("/?#", rest.at[len]) == NULL) {
        char byte = rest.at[len++];
        if (byte == ':') port_at = len;
        if (byte == ']' || byte == '@') port_at = 0; /* that colon was no port's */
        buf_add_byte(host_port, byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte);
    }
    if (port_at == len) port_at = 0;
    if (port_at == 0) buf_add_z(host_port, *is_https ? ":443" : ":80");
    return len > 0;
}

/* "http://host:port/path?query" that goes out as it stands. What libcurl would read or write in a
 * way of its own (user names, names beyond ASCII, "/../") is left to it. */
static bool is_simple(struct text url)
{
    static const char in_host[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    struct text rest = text_slice(url, 7, SIZE_MAX);
    size_t at = 0, digits;
    while (at < rest.len && memchr(in_host, rest.at[at], sizeof in_host - 1)) at++;
    if (at == 0) return false;
    if (at < rest.len && rest.at[at] == ':') {
        for (digits = 0; at + 1 < rest.len && rest.at[at + 1] >= '0' && rest.at[at + 1] <= '9';
             at++)
            digits++;
        at++;
        if (digits == 0) return false;
    }
    if (at < rest.len && strchr("/?#", rest.at[at]) == NULL) return false;
    for (; at < rest.len; at++) {
        if (rest.at[at] <= ' ' || rest.at[at] > '~') return false;
        if (rest.at[at] == '/' && at + 1 < rest.len && rest.at[at + 1] == '.') return false;
    }
    return true;
}

/* NULL: the URL is none of ours. */
static struct http_pool *pool_for(struct http_client *client, const struct http_call *call)
{
    struct buf *key = &client->key, *host_port = &client->host_port;
    bool is_https;
    buf_clear(key);
    buf_clear(host_port);
    if (!split_url(call->url, host_port, &is_https)) return NULL;
    bool is_plain = client->is_virtual || (!is_https && is_simple(call->url));
    buf_add(key, is_https ? TEXT("https://") : TEXT("http://"));
    buf_add(key, buf_text(host_port));
    buf_add_byte(key, ' ');
    if (is_https)
        buf_add(key, call->proxy);
    else if (!is_plain)
        buf_add_z(key, "by libcurl");
    struct http_pool *pool = table_get(client->pools, buf_text(key));
    if (pool) return pool;
    return pool_new(client, buf_text(key), is_https, is_plain, buf_text(host_port));
}

/* An endpoint that refuses would else have its whole queue refused at once, again and again, and
 * take the time of those that answer. */
static bool may_start(struct http_pool *pool)
{
    uint64_t now = loop_now_mono_ms(pool->client->loop);
    if (!pool->is_failing) return true;
    if (now < pool->next_mono_ms) {
        if (!timer_is_running(pool->pace_timer))
            timer_start(pool->pace_timer, pool->next_mono_ms - now);
        return false;
    }
    pool->next_mono_ms = now + FAILING_PACE_MS;
    return true;
}

static void pool_pump(struct http_pool *pool)
{
    struct http_client *client = pool->client;
    struct http_client_call *call;
    while (pool->flying_count < client->pool_size && (call = first_call(&pool->waiting)) != NULL &&
           may_start(pool)) {
        list_remove(&call->node);
        list_add_last(&pool->flying, &call->node);
        call->state = CALL_FLYING;
        call->began_mono_ms = loop_now_mono_ms(client->loop);
        pool->flying_count++;
        client->waiting_count--;
        pool->carrier->start(call);
    }
    if (pool->flying_count > 0)
        timer_stop(pool->idle_timer);
    else if (!timer_is_running(pool->idle_timer))
        timer_start(pool->idle_timer, IDLE_POOL_MS);
}

/* --- the end of a call --- */

static void call_tell(void *self)
{
    struct http_client_call *call = self;
    list_remove(&call->node);
    slot_remove(call->client->calls, call->id);
    call->result.body = call->body.len ? buf_text(&call->body) : TEXT("");
    call->on_done(call->self, &call->result);
    scope_close(call->life); /* only the call itself: on_done may have closed the client */
}

static void call_end(struct http_client_call *call, enum http_failure failure, unsigned status,
                     const char *words)
{
    struct http_client *client = call->client;
    uint64_t now = loop_now_mono_ms(client->loop);
    call->state = CALL_DONE;
    call->result.failure = failure;
    call->result.status = status;
    call->result.words = words;
    call->result.took_ms = now - call->began_mono_ms;
    list_remove(&call->node);
    list_add_last(&client->done, &call->node);
    chore_soon(client->loop, &call->chore);
}

void client_call_ended(struct http_client_call *call, enum http_failure failure, unsigned status,
                       const char *words)
{
    struct http_pool *pool = call->pool;
    call_end(call, failure, status, words);
    if (failure == HTTP_FAILURE_CONNECT) pool->is_failing = true;
    if (failure == HTTP_FAILURE_NONE) pool->is_failing = false;
    pool->flying_count--;
    pool_pump(pool);
}

void client_call_add_body(struct http_client_call *call, struct text bytes)
{
    buf_add(&call->body, text_slice(bytes, 0, HTTP_ANSWER_BODY_MAX - call->body.len));
}

/* --- headers --- */

struct text client_header_value(const struct http_client_call *call,
                                const struct http_header *header)
{
    static const struct text ours[] = { { "Host", 4 },
                                        { "Expect", 6 },
                                        { "Transfer-Encoding", 17 } };
    const struct text none = { NULL, 0 };
    if (!http_is_token(header->name) || !http_is_field_value(header->value)) return none;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (text_eq_fold(header->name, ours[i])) return none;
    if (!text_eq_fold(header->name, TEXT("Content-Length"))) return text_trim(header->value);
    return client_tells_length(call) ? text_of(call->length) : none;
}

bool client_tells_length(const struct http_client_call *call)
{
    static const struct text with_body[] = { { "POST", 4 }, { "PUT", 3 }, { "PATCH", 5 } };
    if (call->asked.body.len > 0) return true;
    for (size_t i = 0; i < sizeof with_body / sizeof with_body[0]; i++)
        if (text_eq(call->asked.method, with_body[i])) return true;
    return false;
}

/* --- the door --- */

static struct text put(char **at, struct text text)
{
    struct text copy = { *at, text.len };
    if (text.len) memcpy(*at, text.at, text.len);
    *at += text.len + 1; /* the NUL is there */
    return copy;
}

/* All in one piece. */
static struct http_call keep_call(struct scope *life, const struct http_call *asked)
{
    const struct http_headers *headers = &asked->headers;
    size_t bytes = headers->count * sizeof *headers->at + asked->method.len + asked->url.len +
                   asked->body.len + asked->proxy.len + 4;
    for (size_t i = 0; i < headers->count; i++)
        bytes += headers->at[i].name.len + headers->at[i].value.len + 2;
    struct http_header *list = scope_alloc(life, bytes);
    char *at = (char *)(list + headers->count);
    for (size_t i = 0; i < headers->count; i++) {
        list[i].name = put(&at, headers->at[i].name);
        list[i].value = put(&at, headers->at[i].value);
    }
    struct http_call kept = *asked;
    kept.headers.at = list;
    kept.method = put(&at, asked->method);
    kept.url = put(&at, asked->url);
    kept.body = put(&at, asked->body);
    kept.proxy = put(&at, asked->proxy);
    return kept;
}

static struct http_client_call *call_new(struct http_client *client, const struct http_call *asked)
{
    struct scope *life = scope_new(NULL, "http call", SCOPE_NO_LIMIT);
    struct http_client_call *call = scope_alloc(life, sizeof *call);
    call->client = client;
    call->life = life;
    call->asked = keep_call(life, asked);
    (void)snprintf(call->length, sizeof call->length, "%zu", asked->body.len);
    call->began_mono_ms = loop_now_mono_ms(client->loop);
    call->chore = (struct chore){ .run = call_tell, .self = call };
    scope_on_close(life, call_buf_drop, call);
    return call;
}

uint64_t http_client_send(struct http_client *client, const struct http_call *asked,
                          void (*on_done)(void *self, const struct http_result *result), void *self)
{
    struct http_client_call *call = call_new(client, asked);
    call->on_done = on_done;
    call->self = self;
    call->id = slot_add(client->calls, call);
    ASSERT(call->id != 0);
    call->pool = http_is_token(asked->method) ? pool_for(client, asked) : NULL;
    if (call->pool == NULL) {
        list_add_last(&client->done, &call->node);
        call_end(call, HTTP_FAILURE_OTHER, 0, "this is no URL for http or https");
        return call->id;
    }
    call->state = CALL_WAITING;
    list_add_last(&call->pool->waiting, &call->node);
    client->waiting_count++;
    uint64_t id = call->id;
    pool_pump(call->pool);
    return id;
}

void http_client_cancel(struct http_client *client, uint64_t id)
{
    struct http_client_call *call = slot_find(client->calls, id);
    if (call == NULL) return;
    slot_remove(client->calls, id);
    struct http_pool *pool = call->pool;
    enum call_state state = call->state;
    if (state == CALL_FLYING) pool->carrier->abandon(call);
    call_free(call);
    if (state == CALL_WAITING) client->waiting_count--;
    if (state != CALL_FLYING) return;
    pool->flying_count--;
    pool_pump(pool);
}

size_t http_client_waiting(const struct http_client *client)
{
    return client->waiting_count;
}

void http_client_set_pool_size(struct http_client *client, uint32_t pool_size)
{
    size_t at = 0;
    struct http_pool *pool;
    client->pool_size = pool_size ? pool_size : 1;
    while ((pool = table_next(client->pools, &at)) != NULL) {
        pool->carrier->resize(pool);
        pool_pump(pool);
    }
}

void http_client_trust(struct http_client *client, struct text pem_path)
{
    buf_clear(&client->trusted);
    if (pem_path.len == 0) return;
    buf_add(&client->trusted, pem_path);
    buf_add_byte(&client->trusted, 0);
}

static void client_forget(void *self)
{
    struct http_client *client = self;
    buf_free(&client->trusted);
    buf_free(&client->key);
    buf_free(&client->host_port);
    struct http_client_call *call;
    while ((call = first_call(&client->done)) != NULL) call_free(call);
    if (!client->is_virtual) client_curl_close_library();
}

struct http_client *http_client_new(struct scope *owner, struct net *net, uint32_t pool_size)
{
    struct scope *life = scope_new(owner, "http client", SCOPE_NO_LIMIT);
    struct http_client *client = scope_alloc(life, sizeof *client);
    *client = (struct http_client){
        .life = life,
        .net = net,
        .loop = net_loop(net),
        .is_virtual = loop_is_virtual(net_loop(net)),
        .pool_size = pool_size ? pool_size : 1,
        .pools = table_new(life),
        .calls = slots_new(life, UINT32_MAX - 1),
    };
    list_init(&client->done);
    http_client_trust(client, text_of(getenv("SSL_CERT_FILE")));
    if (!client->is_virtual) client_curl_open_library();
    scope_on_close(life, client_forget, client);
    return client;
}
