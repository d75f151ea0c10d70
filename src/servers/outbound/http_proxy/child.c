/* SPDX-License-Identifier: Apache-2.0 */
/* The child process: `carillon http-proxy-child`, descriptor 3 is its end of the channel. It waits
 * for the config frame, opens its log and its port, says that it listens, and works (gateway.c)
 * until it is told to leave or the channel closes. It has no store and knows no configuration but
 * what the frames say. */
#include "servers/outbound/http_proxy/proxy.h"

#include "app/log_record.h"
#include "app/logger.h"
#include "app/net_watch.h"
#include "format/json.h"
#include "gen/events.h"
#include "servers/outbound/http_proxy/channel.h"
#include "servers/outbound/http_proxy/child_process.h"
#include "servers/outbound/http_proxy/gateway.h"
#include "servers/outbound/http_proxy/settings.h"

#include <signal.h>
#include <unistd.h>

enum {
    EXIT_DONE = 0,
    EXIT_BROKEN = 1,
    EXIT_CANNOT_BIND = 2, /* spec outbound 14.1: the parent tries again */
    LEAVE_MS = 500, /* for the last answers to reach their clients; outbound kills after 2 s */
    CONFIG_MS = 10000,
    RECORDS_UNSENT_MAX = 1024 * 1024, /* bytes that outbound has not taken */
};

struct child {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct stream *channel;
    struct channel_reader reader;
    struct logger *logger; /* NULL until the config frame */
    struct log log;
    struct gateway *gateway;
    struct timer *leave_timer, *config_timer;
    bool is_leaving, is_channel_gone;
    uint64_t records_lost; /* not yet told */
    int exit_code;
    const struct http_proxy_simulation *simulation; /* NULL: a process of its own */
};

static void end(void *self)
{
    struct child *child = self;
    if (child->simulation)
        child->simulation->on_end(child->simulation->self, child->exit_code);
    else
        loop_stop(child->loop);
}

static void leave(struct child *child, int exit_code, const char *why)
{
    if (child->is_leaving) return;
    child->is_leaving = true;
    child->exit_code = exit_code;
    LOG_HTTP_PROXY_LEAVING(&child->log, why);
    bool has_clients = child->gateway && gateway_has_clients(child->gateway);
    if (child->gateway) gateway_close(child->gateway);
    timer_start(child->leave_timer, has_clients ? LEAVE_MS : 0);
}

static void on_config_time_up(void *self)
{
    leave(self, EXIT_BROKEN, "outbound sent no config frame");
}

static void on_signal(void *self, int signal_number)
{
    (void)signal_number;
    leave(self, EXIT_DONE, "told by a signal");
}

/* --- configuration --- */

static void log_body(void *self, struct text title, const struct kv *body)
{
    struct child *child = self;
    if (child->logger) logger_pairs(child->logger, &child->log, title, body);
}

static void show_value(void *self, struct text key, struct text value, struct buf *out)
{
    const struct child *child = self;
    if (child->logger) (void)logger_value(child->logger, key, value, out);
}

static void use_log_options(struct child *child, const struct proxy_settings *settings)
{
    struct fault fault; /* outbound has told of the same value */
    if (settings->common && child->logger)
        (void)logger_set_options(child->logger, settings->common, &fault);
}

static void send_frame(struct child *child, enum channel_type type, struct text payload)
{
    struct buf frame = { 0 };
    if (channel_put(&frame, type, 0, payload) == ERR_OK)
        stream_write(child->channel, buf_text(&frame));
    buf_free(&frame);
}

static uint32_t own_pid(const struct child *child)
{
    return child->simulation ? child->simulation->pid : (uint32_t)getpid();
}

static void tell_lost(struct child *child)
{
    unsigned long long lost = child->records_lost;
    struct log log = logger_log_local(child->logger);
    child->records_lost = 0;
    LOG_LOG_LINES_LOST(&log, lost);
}

/* The output `network`: outbound sends them with its own, from its spool. */
static void send_record(void *self, const struct log_record *record)
{
    struct child *child = self;
    if (child->is_channel_gone || stream_unsent(child->channel) > RECORDS_UNSENT_MAX) {
        child->records_lost++;
        return;
    }
    struct buf bytes = { 0 };
    log_record_encode(record, own_pid(child), &bytes);
    send_frame(child, CHANNEL_RECORD, buf_text(&bytes));
    buf_free(&bytes);
    if (child->records_lost) tell_lost(child);
}

static void open_log(struct child *child, const struct proxy_settings *settings)
{
    struct logger_setup setup = {
        .origin = { .application = settings->application,
                    .type = TEXT("http_proxy"),
                    .version = TEXT(CARILLON_VERSION),
                    .host = settings->host },
        .logs_dir = settings->logs_dir,
        .suffix = TEXT("_HTTPPRX"),
    };
    if (child->simulation) {
        child->log = child->simulation->log;
        return;
    }
    child->logger = logger_new(child->life, child->loop, &setup);
    child->log = logger_log(child->logger);
    logger_on_network(child->logger, send_record, child);
    net_watch_new(child->life, child->net, &child->log);
    use_log_options(child, settings);
}

static void say_listening(struct child *child)
{
    struct buf payload = { 0 };
    buf_format(&payload, "{\"pid\":%u}", (unsigned)own_pid(child));
    send_frame(child, CHANNEL_LISTENING, buf_text(&payload));
    buf_free(&payload);
}

/* To outbound's log: our own may not be open yet. */
static void say(struct child *child, const char *words)
{
    struct buf payload = { 0 };
    struct json_writer json = json_writer(&payload);
    json_begin_object(&json);
    json_put_name(&json, TEXT("level"));
    json_put_text(&json, TEXT("standard"));
    json_put_name(&json, TEXT("text"));
    json_put_text(&json, text_of(words));
    json_end_object(&json);
    send_frame(child, CHANNEL_LOG, buf_text(&payload));
    buf_free(&payload);
}

static void on_config(struct child *child, const struct proxy_settings *settings,
                      uint32_t first_transaction)
{
    timer_stop(child->config_timer);
    open_log(child, settings);
    struct gateway_setup setup = {
        .loop = child->loop,
        .net = child->net,
        .log = &child->log,
        .channel = child->channel,
        .first_transaction = first_transaction,
        .log_body = log_body,
        .show_value = show_value,
        .self = child,
    };
    child->gateway = gateway_new(child->life, &setup);
    gateway_configure(child->gateway, settings);
    struct fault fault;
    struct buf ports = { 0 };
    proxy_ports_print(&settings->ports, &ports);
    buf_add_byte(&ports, '\0');
    if (gateway_listen(child->gateway, &settings->ports, &fault)) {
        LOG_HTTP_PROXY_CANNOT_LISTEN(&child->log, ports.at, fault.words);
        say(child, fault.words);
        leave(child, EXIT_CANNOT_BIND, "a port cannot be opened");
        buf_free(&ports);
        return;
    }
    LOG_HTTP_PROXY_LISTENING(&child->log, ports.at, settings->application.at);
    buf_free(&ports);
    if (child->logger) logger_flush(child->logger); /* who finds the port open finds this line */
    say_listening(child);
}

static void on_settings(struct child *child, const struct channel_frame *frame)
{
    struct scope *scratch = scope_new(child->life, "settings", SCOPE_NO_LIMIT);
    struct proxy_settings settings;
    struct fault fault;
    if (proxy_settings_read(frame->payload, scratch, &settings, &fault)) {
        say(child, fault.words);
        leave(child, EXIT_BROKEN, fault.words);
    } else if (child->gateway == NULL) {
        on_config(child, &settings, frame->transaction);
    } else {
        use_log_options(child, &settings);
        gateway_configure(child->gateway, &settings);
    }
    scope_close(scratch);
}

/* --- the channel --- */

static void on_frame(struct child *child, const struct channel_frame *frame)
{
    switch (frame->type) {
    case CHANNEL_CONFIG:
    case CHANNEL_UPDATE:
        if (!child->is_leaving) on_settings(child, frame);
        break;
    case CHANNEL_RESPONSE:
        if (child->gateway) gateway_answer(child->gateway, frame->transaction, frame->payload);
        break;
    case CHANNEL_STOP: leave(child, EXIT_DONE, "outbound said so"); break;
    case CHANNEL_LISTENING:
    case CHANNEL_REQUEST:
    case CHANNEL_RECORD:
    case CHANNEL_LOG: leave(child, EXIT_BROKEN, "outbound sent a frame of ours"); break;
    }
}

static void on_bytes(void *self, struct text bytes)
{
    struct child *child = self;
    channel_reader_add(&child->reader, bytes);
    struct channel_frame frame;
    enum err err;
    while ((err = channel_reader_next(&child->reader, &frame)) == ERR_OK) on_frame(child, &frame);
    if (err == ERR_UNAVAILABLE) return;
    child->is_channel_gone = true;
    LOG_HTTP_PROXY_CHANNEL_BROKEN(&child->log, err_words(err));
    stream_close(child->channel);
    leave(child, EXIT_BROKEN, "the channel is broken");
}

static void on_closed(void *self, enum err why)
{
    struct child *child = self;
    (void)why;
    child->is_channel_gone = true;
    leave(child, EXIT_DONE, "outbound is gone");
}

static void forget(void *self)
{
    struct child *child = self;
    channel_reader_free(&child->reader);
}

static struct child *child_new(struct scope *owner, struct loop *loop)
{
    struct scope *life = scope_new(owner, "child", SCOPE_NO_LIMIT);
    struct child *child = scope_alloc(life, sizeof *child);
    child->life = life;
    child->loop = loop;
    child->net = net_new(life, loop);
    child->leave_timer = timer_new(life, loop, end, child);
    child->config_timer = timer_new(life, loop, on_config_time_up, child);
    scope_on_close(life, forget, child);
    timer_start(child->config_timer, CONFIG_MS);
    return child;
}

static const struct stream_handler channel_handler = { .on_bytes = on_bytes,
                                                       .on_closed = on_closed };

void http_proxy_simulate(struct scope *owner, struct loop *loop,
                         const struct http_proxy_simulation *simulation,
                         const struct sim_net_end *parent, struct stream **parent_stream)
{
    struct child *child = child_new(owner, loop);
    child->simulation = simulation;
    const struct sim_net_end own = { child->life, child->net, &channel_handler, child };
    sim_net_pair(parent, &own, parent_stream, &child->channel);
}

int http_proxy_main(void)
{
    struct scope *process = scope_new(NULL, "http_proxy", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(process);
    struct child *child = child_new(process, loop);
    child->channel =
        stream_from_fd(child->life, child->net, CHANNEL_DESCRIPTOR, &channel_handler, child);
    loop_on_signal(child->life, loop, SIGTERM, on_signal, child);
    loop_on_signal(child->life, loop, SIGINT, on_signal, child);
    loop_run(loop);
    int exit_code = child->exit_code;
    scope_close(process);
    return exit_code;
}
