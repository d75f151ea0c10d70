/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi_socket interface on our loop, one multi per pool so that closing the pool closes
 * its connections: the carrier of https, and who dials for client_plain.c. Start reading at
 * curl_start() for a call's way, watch_settle() for a socket's.
 * System calls  libcurl drops its interest in a socket between two requests on it and takes it up
 * again a moment later. What it wants is applied once, at the end of the turn, and a call that
 * follows another on the same connection costs one send and one receive. */
#include "io/http/client_private.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum {
    ANSWER_BYTES_MAX = 1024 * 1024, /* past this we hang up: the status is what counts */
    IDLE_CONNECTION_S = 60,
    SMALL_BODY_BYTES = 16 * 1024, /* goes out with the head, in one send */
};

enum step { STEP_CONNECT, STEP_SEND, STEP_HEAD, STEP_BODY };

struct seat {         /* one of libcurl's handles, kept from call to call */
    struct list node; /* in carrier->free or ->busy */
    struct curl_carrier *carrier;
    CURL *easy;
    struct timer *timer;
    struct http_client_call *call;
    struct curl_slist *headers; /* in the call's scope */
    enum step step;
    size_t head_bytes, body_bytes;
    uint64_t sent_bytes; /* when last looked */
    char words[CURL_ERROR_SIZE];
};

struct watch { /* one socket; freed when libuv has let go of it */
    uv_poll_t poll;
    struct curl_carrier *carrier;
    curl_socket_t fd;
    int wanted, active; /* UV_READABLE, UV_WRITABLE */
    bool is_ours;       /* opened by on_socket_open: its end will be told by on_socket_close */
    struct list node;   /* in carrier->watches */
    struct list unsettled_node;
};

struct curl_carrier {
    struct http_pool *pool;
    bool is_for_plain; /* dials and hands over what it connected */
    CURLM *multi;
    struct list free, busy, watches, unsettled;
    struct timer *timer;       /* libcurl's */
    struct chore kick, settle; /* libcurl has something to do now; apply what watches want */
};

/* --- sockets --- */

static void collect_ended(struct curl_carrier *carrier);

static void drive(struct curl_carrier *carrier, curl_socket_t fd, int what)
{
    int running;
    uint64_t started = loop_handler_begin(carrier->pool->client->loop);
    (void)curl_multi_socket_action(carrier->multi, fd, what, &running);
    collect_ended(carrier);
    loop_handler_end(carrier->pool->client->loop, started, "http client", 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE) what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) what |= CURL_CSELECT_OUT;
    drive(watch->carrier, watch->fd, what);
}

static void watch_settle(struct watch *watch)
{
    if (watch->active == watch->wanted) return;
    watch->active = watch->wanted;
    if (watch->wanted)
        (void)uv_poll_start(&watch->poll, watch->wanted, on_poll);
    else
        (void)uv_poll_stop(&watch->poll);
}

static void settle(void *self)
{
    struct curl_carrier *carrier = self;
    LIST_EACH (node, &carrier->watches) watch_settle(LIST_OBJECT(node, struct watch, node));
}

static struct watch *watch_new(struct curl_carrier *carrier, curl_socket_t fd, bool is_ours)
{
    struct watch *watch = calloc(1, sizeof *watch);
    ASSERT(watch != NULL);
    watch->carrier = carrier;
    watch->fd = fd;
    watch->is_ours = is_ours;
    if (uv_poll_init_socket(loop_uv(carrier->pool->client->loop), &watch->poll, fd) < 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    list_add_last(&carrier->watches, &watch->node);
    return watch;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void watch_close(struct watch *watch)
{
    list_remove(&watch->node);
    list_remove(&watch->unsettled_node);
    (void)uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static struct watch *watch_find(const struct curl_carrier *carrier, curl_socket_t fd)
{
    LIST_EACH (node, &carrier->watches) {
        struct watch *watch = LIST_OBJECT(node, struct watch, node);
        if (watch->fd == fd) return watch;
    }
    return NULL;
}

static int on_interest(CURL *easy, curl_socket_t fd, int what, void *self, void *known)
{
    (void)easy;
    struct curl_carrier *carrier = self;
    struct watch *watch = known ? known : watch_find(carrier, fd);
    if (watch == NULL) watch = watch_new(carrier, fd, false); /* the resolver's own */
    if (watch == NULL) return -1;
    watch->wanted = 0;
    if (what == CURL_POLL_REMOVE && !watch->is_ours) { /* may be closed and its number reused */
        watch_close(watch);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) watch->wanted |= UV_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) watch->wanted |= UV_WRITABLE;
    if (known == NULL && what != CURL_POLL_REMOVE)
        (void)curl_multi_assign(carrier->multi, fd, watch);
    list_remove(&watch->unsettled_node);
    list_add_last(&carrier->unsettled, &watch->unsettled_node);
    chore_last(carrier->pool->client->loop, &carrier->settle);
    return 0;
}

static curl_socket_t on_socket_open(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                              address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    if (watch_new(self, fd, true)) return fd;
    (void)close(fd);
    return CURL_SOCKET_BAD;
}

static int on_socket_close(void *self, curl_socket_t fd)
{
    struct watch *watch = watch_find(self, fd);
    if (watch) watch_close(watch);
    return close(fd);
}

/* --- libcurl's clock --- */

static void kick(void *self)
{
    drive(self, CURL_SOCKET_TIMEOUT, 0);
}

static int on_clock(CURLM *multi, long after_ms, void *self)
{
    (void)multi;
    struct curl_carrier *carrier = self;
    timer_stop(carrier->timer);
    if (after_ms == 0)
        chore_soon(carrier->pool->client->loop, &carrier->kick);
    else if (after_ms > 0)
        timer_start(carrier->timer, (uint64_t)after_ms);
    return 0;
}

/* --- a call's way --- */

static void seat_enter(struct seat *seat, enum step step)
{
    seat->step = step;
    timer_start(seat->timer, seat->call->asked.timeout_ms);
}

/* The connection stands, TLS and proxy included; the request goes out now. */
static int on_connected(void *self, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    struct seat *seat = self;
    seat->sent_bytes = 0;
    seat_enter(seat, seat->call->asked.body.len > SMALL_BODY_BYTES ? STEP_SEND : STEP_HEAD);
    return CURL_PREREQFUNC_OK;
}

/* Only of large bodies: the wait for the response begins with the last byte. */
static int on_sent(void *self, curl_off_t to_come, curl_off_t came, curl_off_t to_send,
                   curl_off_t sent)
{
    (void)to_come;
    (void)came;
    (void)to_send;
    struct seat *seat = self;
    if (seat->step == STEP_SEND && sent >= 0 && (size_t)sent >= seat->call->asked.body.len)
        seat_enter(seat, STEP_HEAD);
    return 0;
}

static size_t on_head_line(char *line, size_t size, size_t count, void *self)
{
    struct seat *seat = self;
    size_t len = size * count;
    seat->head_bytes += len;
    if (seat->head_bytes > HTTP_ANSWER_HEAD_MAX) return 0;
    if (len != 2 || memcmp(line, "\r\n", 2) != 0) return len;
    long status = 0;
    (void)curl_easy_getinfo(seat->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && seat->step != STEP_CONNECT) seat_enter(seat, STEP_BODY);
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *self)
{
    struct seat *seat = self;
    size_t len = size * count;
    seat->body_bytes += len;
    if (seat->body_bytes > ANSWER_BYTES_MAX) return 0;
    client_call_add_body(seat->call, (struct text){ bytes, len });
    return len;
}

static enum http_failure failure_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_PROXY: return HTTP_FAILURE_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return HTTP_FAILURE_TIMEOUT;
    default: return HTTP_FAILURE_OTHER;
    }
}

static struct http_client_call *seat_free(struct seat *seat)
{
    struct http_client_call *call = seat->call;
    timer_stop(seat->timer);
    (void)curl_multi_remove_handle(seat->carrier->multi, seat->easy);
    list_remove(&seat->node);
    list_add_last(&seat->carrier->free, &seat->node);
    seat->call = NULL;
    return call;
}

/* Take the seat from its call and tell how it went. */
static void seat_leave(struct seat *seat, enum http_failure failure, unsigned status,
                       const char *words)
{
    const char *kept = scope_keep_z(seat->call->life, text_of(words));
    client_call_ended(seat_free(seat), failure, status, kept);
}

/* A call of client_plain.c: it only wanted the connection. libcurl closes its own descriptor. */
static void seat_hand_over(struct seat *seat)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    (void)curl_easy_getinfo(seat->easy, CURLINFO_ACTIVESOCKET, &fd);
    int ours = fd == CURL_SOCKET_BAD ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (ours < 0)
        seat_leave(seat, HTTP_FAILURE_CONNECT, 0, "no descriptor is left for the connection");
    else
        client_plain_dialled(seat_free(seat), ours);
}

static void seat_ended(struct seat *seat, CURLcode code)
{
    long status = 0;
    if (code == CURLE_OK && seat->carrier->is_for_plain) {
        seat_hand_over(seat);
        return;
    }
    (void)curl_easy_getinfo(seat->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK || seat->step == STEP_BODY) { /* a body cut short has a status, too */
        seat_leave(seat, HTTP_FAILURE_NONE, (unsigned)status, "");
        return;
    }
    const char *words = seat->words[0] ? seat->words : curl_easy_strerror(code);
    enum http_failure failure = failure_of(code);
    /* What breaks before the request could go out is the connection's fault: a proxy's refusal. */
    if (failure == HTTP_FAILURE_OTHER && seat->step == STEP_CONNECT &&
        code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL)
        failure = HTTP_FAILURE_CONNECT;
    seat_leave(seat, failure, 0, words);
}

static void collect_ended(struct curl_carrier *carrier)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(carrier->multi, &left)) != NULL) {
        struct seat *seat;
        CURLcode code = message->data.result; /* gone with the next call into libcurl */
        if (message->msg != CURLMSG_DONE) continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&seat);
        seat_ended(seat, code);
    }
}

static bool is_still_sending(struct seat *seat)
{
    curl_off_t sent = 0;
    (void)curl_easy_getinfo(seat->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    bool has_moved = (uint64_t)sent > seat->sent_bytes;
    seat->sent_bytes = (uint64_t)sent;
    return has_moved;
}

static void on_time_up(void *self)
{
    struct seat *seat = self;
    switch (seat->step) {
    case STEP_SEND:
        if (is_still_sending(seat)) {
            seat_enter(seat, STEP_SEND);
            return;
        }
        seat_leave(seat, HTTP_FAILURE_TIMEOUT, 0, "the request was not taken in the time allowed");
        return;
    case STEP_CONNECT:
        seat_leave(seat, HTTP_FAILURE_TIMEOUT, 0, "no connection in the time allowed");
        return;
    case STEP_HEAD:
        seat_leave(seat, HTTP_FAILURE_TIMEOUT, 0, "no response in the time allowed");
        return;
    case STEP_BODY: seat_ended(seat, CURLE_OK); return;
    }
}

/* --- filling in a request --- */

struct lines { /* of a request's head, in the call's scope */
    struct curl_slist first, *last;
    struct scope *scope;
};

/* "name: value"; libcurl wants "name;" for an empty value, and "name:" to leave its own out. */
static void add_line(struct lines *lines, struct text name, struct text colon, struct text value)
{
    struct curl_slist *item = scope_alloc(lines->scope, sizeof *item + name.len + value.len + 3);
    char *at = (char *)(item + 1);
    memcpy(at, name.at, name.len);
    memcpy(at + name.len, colon.at, colon.len);
    if (value.len) memcpy(at + name.len + colon.len, value.at, value.len);
    item->data = at;
    lines->last->next = item;
    lines->last = item;
}

/* Exactly the caller's headers, and the length. */
static struct curl_slist *list_headers(const struct http_client_call *call)
{
    struct lines lines = { .last = &lines.first, .scope = call->life };
    const struct http_headers *headers = &call->asked.headers;
    const struct text none = { NULL, 0 };
    bool has_length = false, has_accept = false, has_type = false;
    for (size_t i = 0; i < headers->count; i++) {
        const struct http_header *header = &headers->at[i];
        struct text value = client_header_value(call, header);
        if (value.at == NULL) continue;
        has_length = has_length || text_eq_fold(header->name, TEXT("Content-Length"));
        has_accept = has_accept || text_eq_fold(header->name, TEXT("Accept"));
        has_type = has_type || text_eq_fold(header->name, TEXT("Content-Type"));
        add_line(&lines, header->name, value.len ? TEXT(": ") : TEXT(";"), value);
    }
    if (!has_length && client_tells_length(call))
        add_line(&lines, TEXT("Content-Length"), TEXT(": "), text_of(call->length));
    if (!has_accept) add_line(&lines, TEXT("Accept"), TEXT(":"), none);
    if (!has_type) add_line(&lines, TEXT("Content-Type"), TEXT(":"), none);
    add_line(&lines, TEXT("Expect"), TEXT(":"), none);
    return lines.first.next;
}

static void set_method(CURL *easy, const struct http_client_call *call)
{
    const struct http_call *asked = &call->asked;
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
    if (text_eq(asked->method, TEXT("HEAD"))) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (client_tells_length(call)) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, asked->body.at);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)asked->body.len);
        if (text_eq(asked->method, TEXT("POST"))) return;
    } else {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        if (text_eq(asked->method, TEXT("GET"))) return;
    }
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, asked->method.at);
}

static void set_call(struct seat *seat, struct http_client_call *call)
{
    CURL *easy = seat->easy;
    bool is_large = call->asked.body.len > SMALL_BODY_BYTES;
    seat->headers = list_headers(call);
    if (call->client->trusted.len)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, call->client->trusted.at);
    (void)curl_easy_setopt(easy, CURLOPT_URL, call->asked.url.at);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, seat->headers);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, is_large ? 0L : 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, call->pool->is_https ? call->asked.proxy.at : "");
    /* Ours rings first; this one makes libcurl share the time among a name's addresses. */
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->asked.timeout_ms);
    set_method(easy, call);
}

static void set_once(struct seat *seat)
{
    CURL *easy = seat->easy;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, seat);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, seat->words);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* the environment decides nothing */
    (void)curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, seat->carrier);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_socket_close);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, seat->carrier);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, seat);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_sent);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, seat);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head_line);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, seat);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, seat);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, seat->carrier->is_for_plain ? 1L : 0L);
}

static struct seat *seat_new(struct curl_carrier *carrier)
{
    struct seat *seat = scope_alloc(carrier->pool->life, sizeof *seat);
    seat->carrier = carrier;
    seat->easy = curl_easy_init();
    ASSERT(seat->easy != NULL);
    seat->timer = timer_new(carrier->pool->life, carrier->pool->client->loop, on_time_up, seat);
    set_once(seat);
    return seat;
}

static struct seat *seat_take(struct curl_carrier *carrier)
{
    struct list *node = list_first(&carrier->free);
    struct seat *seat = node ? LIST_OBJECT(node, struct seat, node) : seat_new(carrier);
    list_remove(&seat->node);
    list_add_last(&carrier->busy, &seat->node);
    return seat;
}

/* --- the carrier --- */

static void curl_start(struct http_client_call *call)
{
    struct seat *seat = seat_take(call->pool->curl);
    seat->call = call;
    call->seat = seat;
    seat->head_bytes = seat->body_bytes = 0;
    seat->words[0] = 0;
    set_call(seat, call);
    seat_enter(seat, STEP_CONNECT);
    ASSERT(curl_multi_add_handle(seat->carrier->multi, seat->easy) == CURLM_OK);
}

static void curl_abandon(struct http_client_call *call)
{
    (void)seat_free(call->seat);
}

static void curl_resize(struct http_pool *pool)
{
    (void)curl_multi_setopt(pool->curl->multi, CURLMOPT_MAXCONNECTS, (long)pool->client->pool_size);
}

static void curl_open(struct http_pool *pool)
{
    struct curl_carrier *carrier = scope_alloc(pool->life, sizeof *carrier);
    *carrier = (struct curl_carrier){ .pool = pool,
                                      .is_for_plain = pool->carrier != &http_carrier_curl,
                                      .multi = curl_multi_init() };
    ASSERT(carrier->multi != NULL);
    carrier->kick = (struct chore){ .run = kick, .self = carrier };
    carrier->settle = (struct chore){ .run = settle, .self = carrier };
    list_init(&carrier->free);
    list_init(&carrier->busy);
    list_init(&carrier->watches);
    list_init(&carrier->unsettled);
    carrier->timer = timer_new(pool->life, pool->client->loop, kick, carrier);
    pool->curl = carrier;
    (void)curl_multi_setopt(carrier->multi, CURLMOPT_SOCKETFUNCTION, on_interest);
    (void)curl_multi_setopt(carrier->multi, CURLMOPT_SOCKETDATA, carrier);
    (void)curl_multi_setopt(carrier->multi, CURLMOPT_TIMERFUNCTION, on_clock);
    (void)curl_multi_setopt(carrier->multi, CURLMOPT_TIMERDATA, carrier);
    (void)curl_multi_setopt(carrier->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_resize(pool);
}

static void curl_close(struct http_pool *pool)
{
    struct curl_carrier *carrier = pool->curl;
    struct list *node;
    while ((node = list_first(&carrier->free)) != NULL) {
        list_remove(node);
        curl_easy_cleanup(LIST_OBJECT(node, struct seat, node)->easy);
    }
    (void)curl_multi_cleanup(carrier->multi);
    while ((node = list_first(&carrier->watches)) != NULL)
        watch_close(LIST_OBJECT(node, struct watch, node));
    timer_stop(carrier->timer);
    chore_cancel(&carrier->kick);
    chore_cancel(&carrier->settle);
}

void client_curl_open_library(void)
{
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); /* counted: as often as closed */
}

void client_curl_close_library(void)
{
    curl_global_cleanup();
}

const struct http_carrier http_carrier_curl = {
    .open = curl_open,
    .close = curl_close,
    .start = curl_start,
    .abandon = curl_abandon,
    .resize = curl_resize,
};
