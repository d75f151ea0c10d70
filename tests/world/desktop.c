/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/desktop.h"

#include "format/json.h"
#include "tests/world/fields.h"
#include "tests/world/websocket_client.h"

#include <stdio.h>

enum {
    PATIENCE_MS = 5000, /* without an answer: the connection is given up */
    BACK_MS = 300,
    WELCOME_MS = 8000,
    SESSION_BYTES = 128,
};

struct desktop {
    struct scope *life;
    struct world *world;
    struct text person;
    char token[SESSION_BYTES], session[SESSION_BYTES];
    uint64_t seq, ref;
    struct scope *connection; /* NULL: none */
    struct websocket_client *socket;
    bool is_welcome, is_logging_in;
    struct timer *timer; /* connect again, or give the connection up, or ask again */
    struct buf request;  /* the frame that is not answered yet; empty: none */
    void (*ended)(void *self, const struct answer *answer);
    void *self;
};

/* --- the connection --- */

static void connect_now(struct desktop *desktop);

static void come_back(struct desktop *desktop)
{
    desktop->is_welcome = false;
    if (desktop->socket) websocket_client_cut(desktop->socket);
    desktop->socket = NULL;
    timer_start(desktop->timer, 1 + world_below(desktop->world, BACK_MS));
}

static void send_request(struct desktop *desktop)
{
    if (desktop->request.len == 0 || !desktop->is_welcome) return;
    websocket_client_send(desktop->socket, buf_text(&desktop->request));
    timer_start(desktop->timer, PATIENCE_MS);
}

static void finish(struct desktop *desktop, const struct answer *answer)
{
    buf_clear(&desktop->request);
    timer_stop(desktop->timer);
    desktop->ended(desktop->self, answer);
}

static void on_time_up(void *self)
{
    struct desktop *desktop = self;
    if (desktop->is_logging_in) return;
    if (desktop->socket == NULL)
        connect_now(desktop);
    else if (desktop->is_welcome && desktop->request.len && world_is(desktop->world, 500))
        send_request(desktop); /* the same `ref` once more, over the same connection */
    else
        come_back(desktop);
}

/* --- what comes --- */

static void on_welcome(struct desktop *desktop, const struct kv *fields)
{
    const struct value *resumed = kv_find(fields, TEXT("resumed"));
    bool is_resumed = resumed && resumed->kind == VALUE_BOOL && resumed->truth;
    struct text session = text_in(fields, "session");
    if (desktop->session[0] && !text_eq(session, text_of(desktop->session)))
        world_fail(desktop->world, "session %s of %.*s became %.*s", desktop->session,
                   TEXT_ARG(desktop->person), TEXT_ARG(session));
    if (!is_resumed && number_in(fields, "seq") < desktop->seq)
        world_fail(desktop->world, "the numbers of %.*s went back", TEXT_ARG(desktop->person));
    if (!is_resumed) desktop->seq = number_in(fields, "seq");
    (void)text_to_z(session, desktop->session, sizeof desktop->session);
    desktop->is_welcome = true;
    timer_stop(desktop->timer);
    send_request(desktop);
}

static void on_snapshot(struct desktop *desktop, const struct kv *fields)
{
    const struct value *records = kv_find(fields, TEXT("Records"));
    if (records == NULL || records->kind != VALUE_LIST) return;
    for (uint32_t i = 0; i < records->items.count; i++) {
        const struct kv *record = &records->items.at[i].pairs;
        world_hear(desktop->world,
                   (struct event){ .kind = EVENT_SHOWN,
                                   .agent = desktop->person,
                                   .list = TEXT("list_1"),
                                   .chain = number_in(record, "GSW_CHAIN_ID"),
                                   .handle = number_in(record, "GSW_RECORD_HANDLE"),
                                   .phone = text_in(record, "GSW_PHONE"),
                                   .guid = text_in(record, "GSW_CALL_ATTEMPT_GUID") });
    }
    world_hear(desktop->world, (struct event){ .kind = EVENT_SNAPSHOT, .agent = desktop->person });
}

static void on_reply(struct desktop *desktop, const struct kv *message)
{
    const struct kv *error = object_in(message, "error"), *fields = object_in(message, "fields");
    if (number_in(message, "ref") != desktop->ref || desktop->request.len == 0) return;
    if (error == NULL) {
        struct answer answer = { 200, fields ? *fields : (struct kv){ 0 } };
        finish(desktop, &answer);
        return;
    }
    const struct value *retryable = kv_find(error, TEXT("retryable"));
    if (retryable && retryable->kind == VALUE_BOOL && retryable->truth) {
        uint64_t after_ms = number_in(error, "retry_after_ms");
        timer_start(desktop->timer, after_ms && after_ms < BACK_MS ? after_ms : BACK_MS);
        return;
    }
    struct pair code = { TEXT("GSW_ERROR"),
                         { .kind = VALUE_INTEGER, .integer = (int64_t)number_in(error, "code") } };
    struct answer answer = { 409, { &code, 1 } };
    finish(desktop, &answer);
}

static void on_message(void *self, struct text text)
{
    struct desktop *desktop = self;
    struct scope *scratch = scope_new(NULL, "frame", SCOPE_NO_LIMIT);
    struct kv message;
    if (json_read_kv(text, scratch, &message, NULL)) {
        world_fail(desktop->world, "web sent no JSON");
        scope_close(scratch);
        return;
    }
    uint64_t seq = number_in(&message, "seq");
    const struct kv *fields = object_in(&message, "fields");
    bool is_welcome = text_eq(text_in(&message, "message"), TEXT("Welcome")) && fields;
    if (seq && seq <= desktop->seq)
        world_fail(desktop->world, "%.*s had frame %llu after %llu", TEXT_ARG(desktop->person),
                   (unsigned long long)seq, (unsigned long long)desktop->seq);
    if (seq) desktop->seq = seq;
    if (is_welcome)
        on_welcome(desktop, fields);
    else if (number_in(&message, "ref"))
        on_reply(desktop, &message);
    else if (text_eq(text_in(&message, "message"), TEXT("Snapshot")) && fields)
        on_snapshot(desktop, fields);
    scope_close(scratch);
}

static void on_open(void *self)
{
    (void)self; /* the Welcome follows */
}

static void forget_session(struct desktop *desktop)
{
    desktop->session[0] = desktop->token[0] = '\0';
    desktop->seq = 0;
    if (desktop->request.len) finish(desktop, NULL);
}

static void on_end(void *self, unsigned status, const char *words)
{
    struct desktop *desktop = self;
    desktop->socket = NULL;
    if (words[0] && status == 0)
        world_fail(desktop->world, "the desktop of %.*s: %s", TEXT_ARG(desktop->person), words);
    if (status == 401) forget_session(desktop);
    come_back(desktop);
}

/* --- the beginning --- */

static void on_logged_in(void *self, const struct answer *answer)
{
    struct desktop *desktop = self;
    desktop->is_logging_in = false;
    if (answer && answer->status == 200)
        (void)text_to_z(text_in(&answer->body, "token"), desktop->token, sizeof desktop->token);
    timer_start(desktop->timer, 1 + world_below(desktop->world, BACK_MS));
}

static void log_in(struct desktop *desktop)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"user\":\"%.*s\",\"password\":\"%s\"}",
                   TEXT_ARG(desktop->person), WORLD_PASSWORD);
    desktop->is_logging_in = true;
    world_post(desktop->world, "http://127.0.0.1:8090/api/login", text_of(body), TEXT(""),
               on_logged_in, desktop);
}

static void connect_now(struct desktop *desktop)
{
    static const struct websocket_client_handler handler = { on_open, on_message, on_end };
    if (desktop->token[0] == '\0') {
        log_in(desktop);
        return;
    }
    if (desktop->connection) scope_close(desktop->connection);
    desktop->connection = scope_new(desktop->life, "desktop connection", SCOPE_NO_LIMIT);
    struct text path = TEXT("/desktop");
    if (desktop->session[0])
        path = scope_format(desktop->connection, "/desktop?session=%s&seq=%llu", desktop->session,
                            (unsigned long long)desktop->seq);
    desktop->socket = websocket_client_open(desktop->connection, desktop->world->net,
                                            TEXT("127.0.0.1:8090"), path, text_of(desktop->token),
                                            &handler, desktop);
    timer_start(desktop->timer, WELCOME_MS);
}

void desktop_ask(struct desktop *desktop, const char *message, struct text fields,
                 void (*ended)(void *self, const struct answer *answer), void *self)
{
    ASSERT(desktop->request.len == 0);
    desktop->ended = ended;
    desktop->self = self;
    buf_format(&desktop->request,
               "{\"to\":\"outbound\",\"message\":\"%s\",\"ref\":%llu,\"fields\":%.*s}", message,
               (unsigned long long)++desktop->ref, TEXT_ARG(fields));
    if (desktop->is_welcome) send_request(desktop);
}

static void forget(void *self)
{
    buf_free(&((struct desktop *)self)->request);
}

struct desktop *desktop_new(struct scope *owner, struct world *world, struct text person)
{
    struct scope *life = scope_new(owner, "desktop", SCOPE_NO_LIMIT);
    struct desktop *desktop = scope_alloc(life, sizeof *desktop);
    desktop->life = life;
    desktop->world = world;
    desktop->person = scope_keep(life, person);
    desktop->timer = timer_new(life, world->loop, on_time_up, desktop);
    scope_on_close(life, forget, desktop);
    timer_start(desktop->timer, 1 + world_below(world, BACK_MS));
    return desktop;
}
