/* SPDX-License-Identifier: Apache-2.0 */
/* The shell around lifecycle.c: step() feeds it and does what it says. One child at most: the next
 * one is made when the last is reaped. */
#include "servers/outbound/http_proxy/proxy.h"

#include "format/json.h"
#include "gen/events.h"
#include "servers/outbound/http_proxy/channel.h"
#include "servers/outbound/http_proxy/child_process.h"
#include "servers/outbound/http_proxy/exchange.h"
#include "servers/outbound/http_proxy/lifecycle.h"
#include "servers/outbound/http_proxy/route.h"
#include "servers/outbound/http_proxy/settings.h"

#include <signal.h>

enum { CODE_CANNOT_BIND = 2 };

struct http_proxy {
    struct scope *life;
    struct http_proxy_setup setup;
    struct buf settings; /* wanted, as JSON */
    struct buf ports;    /* wanted, for people, NUL-ended */
    struct buf child_ports;
    struct lifecycle lifecycle;
    struct timer *timer, *kill_timer;
    struct scope *child; /* NULL: none that is not reaped */
    pid_t pid;
    int exit_code;
    struct stream *channel;
    struct channel_reader reader;
    uint32_t first_transaction, next_transaction; /* of the present child; one behind the highest */
    struct scope *scratch;
    struct buf frame;
    bool is_stopping;
    void (*on_stopped)(void *self);
    void *stopped_self;
};

static void step(struct http_proxy *proxy, enum lifecycle_event event);

static uint64_t now_ms(const struct http_proxy *proxy)
{
    return loop_now_mono_ms(proxy->setup.loop);
}

/* --- the child's frames --- */

static void send_frame(struct http_proxy *proxy, enum channel_type type, uint32_t transaction,
                       struct text payload)
{
    buf_clear(&proxy->frame);
    if (proxy->channel && channel_put(&proxy->frame, type, transaction, payload) == ERR_OK)
        stream_write(proxy->channel, buf_text(&proxy->frame));
}

static void on_log(struct http_proxy *proxy, struct text payload)
{
    struct kv kv;
    if (json_read_kv(payload, proxy->scratch, &kv, NULL)) return;
    LOG_HTTP_PROXY_SAYS(&proxy->setup.log, scope_keep_z(proxy->scratch, kv_text(&kv, "text")));
}

static enum err on_request(struct http_proxy *proxy, const struct channel_frame *frame)
{
    struct exchange_request asked;
    enum err err = exchange_read_request(frame->payload, &asked);
    if (err) return err;
    struct http_proxy_request request = {
        .transaction = frame->transaction,
        .req = route_action(asked.route),
        .msg = asked.route->msg,
        .resource = route_resource(asked.route),
        .identifier = asked.identifier,
        .idempotency_key = asked.idempotency_key,
        .pairs = asked.pairs,
    };
    proxy->next_transaction = frame->transaction + 1;
    proxy->setup.on_request(proxy->setup.self, &request);
    return ERR_OK;
}

static enum err on_frame(struct http_proxy *proxy, const struct channel_frame *frame)
{
    switch (frame->type) {
    case CHANNEL_LISTENING: step(proxy, PROXY_LISTENING); return ERR_OK;
    case CHANNEL_LOG: on_log(proxy, frame->payload); return ERR_OK;
    case CHANNEL_RECORD: return proxy->setup.on_record(proxy->setup.self, frame->payload);
    case CHANNEL_REQUEST:
        /* A child that is leaving answers 503 by itself. */
        return proxy->lifecycle.fsm.state == PROXY_UP ? on_request(proxy, frame) : ERR_OK;
    default: return ERR_INVALID;
    }
}

static void kill_child(void *self)
{
    struct http_proxy *proxy = self;
    if (proxy->child) child_process_kill(proxy->setup.loop, proxy->pid);
}

static void break_channel(struct http_proxy *proxy, enum err why)
{
    LOG_HTTP_PROXY_CHANNEL_BROKEN(&proxy->setup.log, err_words(why));
    stream_close(proxy->channel);
    proxy->channel = NULL;
    kill_child(proxy); /* its end is heard as any other */
}

static void on_bytes(void *self, struct text bytes)
{
    struct http_proxy *proxy = self;
    channel_reader_add(&proxy->reader, bytes);
    struct channel_frame frame;
    enum err err = ERR_OK;
    while (proxy->channel && (err = channel_reader_next(&proxy->reader, &frame)) == ERR_OK) {
        err = on_frame(proxy, &frame);
        scope_reset(proxy->scratch);
        if (err) break;
    }
    if (proxy->channel && err && err != ERR_UNAVAILABLE) break_channel(proxy, err);
}

static void on_closed(void *self, enum err why)
{
    (void)why;
    struct http_proxy *proxy = self;
    proxy->channel = NULL;
    if (!timer_is_running(proxy->kill_timer)) timer_start(proxy->kill_timer, PROXY_LEAVE_MS);
}

/* --- the child's life --- */

static void drop_child(struct http_proxy *proxy)
{
    timer_stop(proxy->kill_timer);
    scope_close(proxy->child); /* the channel with it */
    proxy->child = NULL;
    proxy->channel = NULL;
    proxy->lifecycle.has_child = false;
    channel_reader_free(&proxy->reader);
}

static void on_start_failed(void *self)
{
    step(self, PROXY_EXITED);
}

static void on_child(void *self, uint32_t pid);

/* Before its channel goes: it is told to leave, if it is still there to hear it. */
static void forget_child(void *self)
{
    struct http_proxy *proxy = self;
    send_frame(proxy, CHANNEL_STOP, 0, TEXT(""));
    if (proxy->channel) stream_finish(proxy->channel);
    proxy->channel = NULL;
}

static void start_child(struct http_proxy *proxy)
{
    static const struct stream_handler handler = { .on_bytes = on_bytes, .on_closed = on_closed };
    struct fault fault;
    buf_clear(&proxy->child_ports);
    buf_add(&proxy->child_ports, buf_text(&proxy->ports));
    proxy->child = scope_new(proxy->life, "http proxy child", SCOPE_NO_LIMIT);
    const struct child_process_setup setup = {
        .name = proxy->setup.application,
        .near = { proxy->child, proxy->setup.net, &handler, proxy },
        .on_child = on_child,
        .self = proxy,
    };
    if (child_process_start(proxy->setup.loop, &setup, &proxy->pid, &proxy->channel, &fault)) {
        scope_close(proxy->child);
        proxy->child = NULL;
        LOG_HTTP_PROXY_SAYS(&proxy->setup.log, fault.words);
        proxy->exit_code = -1;
        loop_soon(proxy->life, proxy->setup.loop, on_start_failed, proxy);
        return;
    }
    proxy->lifecycle.has_child = true;
    scope_on_close(proxy->child, forget_child, proxy);
    proxy->first_transaction = proxy->next_transaction;
    send_frame(proxy, CHANNEL_CONFIG, proxy->first_transaction, buf_text(&proxy->settings));
}

static void close_child(struct http_proxy *proxy)
{
    if (proxy->child == NULL) return;
    send_frame(proxy, CHANNEL_STOP, 0, TEXT(""));
    if (proxy->channel) stream_finish(proxy->channel);
    proxy->channel = NULL;
    timer_start(proxy->kill_timer, PROXY_LEAVE_MS);
}

static void tell_exit(const struct http_proxy *proxy)
{
    uint32_t reconnect_s = (uint32_t)(proxy->lifecycle.reconnect_ms / 1000);
    if (proxy->exit_code == CODE_CANNOT_BIND)
        LOG_PROXY_CANNOT_BIND(&proxy->setup.log, proxy->child_ports.at, reconnect_s);
    else
        LOG_PROXY_EXITED(&proxy->setup.log, proxy->exit_code, reconnect_s);
}

static void act(struct http_proxy *proxy, const struct actions *actions)
{
    if (actions->forgets) proxy->first_transaction = proxy->next_transaction;
    if (actions->tells_up)
        LOG_PROXY_STARTED(&proxy->setup.log, (int)proxy->pid, proxy->child_ports.at);
    if (actions->tells_exit) tell_exit(proxy);
    if (actions->tells_stopped) LOG_PROXY_STOPPED(&proxy->setup.log);
    if (actions->kills) kill_child(proxy);
    if (actions->closes) close_child(proxy);
    if (actions->updates) send_frame(proxy, CHANNEL_UPDATE, 0, buf_text(&proxy->settings));
    if (actions->starts) start_child(proxy);
}

static void step(struct http_proxy *proxy, enum lifecycle_event event)
{
    struct actions actions = { 0 };
    int before = proxy->lifecycle.fsm.state;
    lifecycle_feed(&proxy->lifecycle, event, now_ms(proxy), &actions);
    act(proxy, &actions);
    if (proxy->lifecycle.fsm.state == before) return;
    uint64_t due_ms = lifecycle_due_ms(&proxy->lifecycle);
    if (due_ms == UINT64_MAX)
        timer_stop(proxy->timer);
    else
        timer_start_at(proxy->timer, due_ms);
}

static void on_time_up(void *self)
{
    step(self, PROXY_TIME_UP);
}

static void say_stopped(void *self)
{
    struct http_proxy *proxy = self;
    void (*on_stopped)(void *self) = proxy->on_stopped;
    proxy->on_stopped = NULL;
    if (on_stopped) on_stopped(proxy->stopped_self);
}

static void on_child(void *self, uint32_t pid)
{
    (void)pid;
    struct http_proxy *proxy = self;
    if (proxy->child == NULL ||
        !child_process_is_over(proxy->setup.loop, proxy->pid, &proxy->exit_code))
        return;
    drop_child(proxy);
    step(proxy, PROXY_EXITED);
    if (proxy->is_stopping) say_stopped(proxy);
}

static void on_child_signal(void *self, int signal_number)
{
    (void)signal_number;
    on_child(self, 0);
}

/* --- the door --- */

static void forget_proxy(void *self)
{
    struct http_proxy *proxy = self;
    channel_reader_free(&proxy->reader);
    buf_free(&proxy->settings);
    buf_free(&proxy->ports);
    buf_free(&proxy->child_ports);
    buf_free(&proxy->frame);
}

struct http_proxy *http_proxy_new(struct scope *owner, const struct http_proxy_setup *setup)
{
    struct scope *life = scope_new(owner, "http proxy", SCOPE_NO_LIMIT);
    struct http_proxy *proxy = scope_alloc(life, sizeof *proxy);
    *proxy = (struct http_proxy){ .life = life, .setup = *setup, .next_transaction = 1 };
    proxy->setup.application = scope_keep(life, setup->application);
    proxy->setup.host = scope_keep(life, setup->host);
    proxy->setup.logs_dir = scope_keep(life, setup->logs_dir);
    proxy->timer = timer_new(life, setup->loop, on_time_up, proxy);
    proxy->kill_timer = timer_new(life, setup->loop, kill_child, proxy);
    proxy->scratch = scope_new(life, "http proxy frame", SCOPE_NO_LIMIT);
    lifecycle_start(&proxy->lifecycle, now_ms(proxy));
    if (!loop_is_virtual(setup->loop))
        loop_on_signal(life, setup->loop, SIGCHLD, on_child_signal, proxy);
    scope_on_close(life, forget_proxy, proxy);
    return proxy;
}

static void write_settings(const struct http_proxy *proxy, const struct http_proxy_config *config,
                           struct buf *out)
{
    struct proxy_settings settings = {
        .application = proxy->setup.application,
        .host = proxy->setup.host,
        .logs_dir = proxy->setup.logs_dir,
        .ports = config->ports,
        .encoding = config->encoding,
        .custom_headers = config->custom_headers,
        .host_custom_headers = config->host_custom_headers,
        .reconnect_s = config->reconnect_s,
        .response_timeout_s = config->response_timeout_s,
        .common = config->common,
    };
    proxy_settings_write(out, &settings);
}

void http_proxy_configure(struct http_proxy *proxy, const struct http_proxy_config *config)
{
    bool is_alone = loop_is_virtual(proxy->setup.loop) && sim_machine(proxy->setup.loop) == NULL;
    if (proxy->is_stopping || is_alone) return;
    struct buf settings = { 0 };
    write_settings(proxy, config, &settings);
    bool is_changed = !text_eq(buf_text(&settings), buf_text(&proxy->settings));
    buf_free(&proxy->settings);
    proxy->settings = settings;
    buf_clear(&proxy->ports);
    proxy_ports_print(&config->ports, &proxy->ports);
    buf_add_byte(&proxy->ports, '\0');
    proxy->lifecycle.reconnect_ms = (uint64_t)config->reconnect_s * 1000;
    if (is_changed) step(proxy, PROXY_CHANGED);
    bool was_wanted = proxy->lifecycle.is_wanted, is_wanted = config->ports.count > 0;
    if (is_wanted != was_wanted) step(proxy, is_wanted ? PROXY_WANTED : PROXY_UNWANTED);
}

void http_proxy_answer(struct http_proxy *proxy, uint32_t transaction, unsigned status,
                       struct text body, struct text etag)
{
    /* Numbers only grow (and wrap): one below the first was a former child's. */
    if (proxy->channel == NULL || (int32_t)(transaction - proxy->first_transaction) < 0) return;
    struct exchange_answer answer = { .status = status, .etag = etag, .body = body };
    buf_clear(&proxy->frame);
    size_t begun = channel_begin(&proxy->frame, CHANNEL_RESPONSE, transaction);
    exchange_put_answer(&proxy->frame, &answer);
    if (channel_end(&proxy->frame, begun)) /* too long: the child makes it 500 */
        (void)channel_put(&proxy->frame, CHANNEL_RESPONSE, transaction, TEXT(""));
    stream_write(proxy->channel, buf_text(&proxy->frame));
}

void http_proxy_stop(struct http_proxy *proxy, void (*on_stopped)(void *self), void *self)
{
    proxy->is_stopping = true;
    proxy->on_stopped = on_stopped;
    proxy->stopped_self = self;
    if (proxy->lifecycle.is_wanted) step(proxy, PROXY_UNWANTED);
    if (proxy->child == NULL) loop_soon(proxy->life, proxy->setup.loop, say_stopped, proxy);
}

bool http_proxy_is_up(const struct http_proxy *proxy)
{
    return proxy->lifecycle.fsm.state == PROXY_UP;
}
