/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_proxy/proxy_world.h"

#include "app/log_record.h"
#include "format/json.h"
#include "format/msgpack.h"
#include "gen/messages.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The proxy starts its own program again: that is this test. glibc hands main's words to
 * constructors. */
__attribute__((constructor)) static void be_the_child(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "http-proxy-child") == 0) exit(http_proxy_main());
}

bool text_holds(struct text text, const char *part)
{
    return text.at && memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static bool wants(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_STANDARD;
}

static void write_line(void *self, const struct log_event *event, struct text context,
                       struct text line)
{
    (void)context;
    struct world *world = self;
    buf_format(&world->lines, "%s %.*s\n", event->id, TEXT_ARG(line));
}

static void keep(struct buf *buf, struct text text)
{
    buf_clear(buf);
    buf_add(buf, text);
}

static void on_request(void *self, const struct http_proxy_request *request)
{
    struct world *world = self;
    world->requests++;
    world->transaction = request->transaction;
    world->msg = request->msg;
    keep(&world->req, request->req);
    keep(&world->resource, request->resource);
    keep(&world->identifier, request->identifier);
    keep(&world->idempotency_key, request->idempotency_key);
    struct scope *scratch = scope_new(world->life, "pairs", SCOPE_NO_LIMIT);
    struct kv pairs;
    CHECK_OK(msgpack_decode_kv(request->pairs, scratch, &pairs, NULL));
    buf_clear(&world->body);
    kv_to_json(&world->body, &pairs);
    scope_close(scratch);
    if (world->status)
        http_proxy_answer(world->proxy, request->transaction, world->status, text_of(world->answer),
                          text_of(world->etag));
}

static enum err on_record(void *self, struct text record)
{
    struct world *world = self;
    enum err err = log_record_check(record);
    if (err) return err;
    struct scope *scratch = scope_new(world->life, "record", SCOPE_NO_LIMIT);
    struct control_log_record *fields;
    CHECK_OK(msgpack_decode(record, &SHAPE_CONTROL_LOG_RECORD, scratch, (void **)&fields, NULL));
    buf_format(&world->records, "%.*s %u %.*s\n", TEXT_ARG(fields->id), fields->pid,
               TEXT_ARG(fields->text));
    scope_close(scratch);
    return ERR_OK;
}

uint16_t world_free_port(struct world *world)
{
    struct scope *life = scope_new(world->life, "port", SCOPE_NO_LIMIT);
    struct listener_options options = { 0 };
    struct listener *listener;
    struct fault fault;
    CHECK_OK(listener_open(life, world->net, TEXT("127.0.0.1:0"), &options, NULL, NULL, &listener,
                           &fault));
    uint16_t port = listener_port(listener);
    scope_close(life);
    return port;
}

struct proxy_ports world_ports(struct world *world, uint16_t port)
{
    struct proxy_port one = { .id = TEXT("http"),
                              .address = scope_format(world->life, "127.0.0.1:%u", (unsigned)port),
                              .number = port };
    return (struct proxy_ports){ .at = { one }, .count = 1 };
}

void world_begin(struct world *world)
{
    *world = (struct world){ .life = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
    world->loop = loop_new(world->life);
    world->net = net_new(world->life, world->loop);
    world->sink = (struct log_sink){ wants, write_line, world };
    (void)snprintf(world->logs_dir, sizeof world->logs_dir, "/tmp/http_proxy_test.XXXXXX");
    CHECK(mkdtemp(world->logs_dir) != NULL);
    world->status = 200;
    world->answer = "{\"GSW_USER_EVENT\":\"Yes\"}";
    world->common = (struct common_options){
        .log_verbose = TEXT("trace"),
        .log_all = TEXT("outbound"),
        .log_segment = TEXT("false"),
        .log_expire = TEXT("false"),
        .log_message_format = TEXT("short"),
        .log_time_format = TEXT("time"),
        .log_time_convert = TEXT("utc"),
        .log_filter_default_filter_type = TEXT("copy"),
    };
    world->port = world_free_port(world);
    world->config = (struct http_proxy_config){
        .ports = world_ports(world, world->port),
        .reconnect_s = 1,
        .response_timeout_s = 1,
        .common = &world->common,
    };
    struct http_proxy_setup setup = {
        .loop = world->loop,
        .net = world->net,
        .log = { .sink = &world->sink },
        .application = TEXT("outbound"),
        .host = TEXT("localhost"),
        .logs_dir = text_of(world->logs_dir),
        .on_request = on_request,
        .on_record = on_record,
        .self = world,
    };
    world->proxy = http_proxy_new(world->life, &setup);
}

static void stop_loop(void *self)
{
    loop_stop(((struct world *)self)->loop);
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char file[512];
    while (folder && (entry = readdir(folder)) != NULL) {
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        (void)unlink(file);
    }
    if (folder) (void)closedir(folder);
    (void)rmdir(path);
}

void world_end(struct world *world)
{
    http_proxy_stop(world->proxy, stop_loop, world);
    loop_run_for(world->loop, 4000);
    remove_folder(world->logs_dir);
    scope_close(world->life);
    struct buf *bufs[] = { &world->lines,    &world->records,    &world->req,
                           &world->resource, &world->identifier, &world->idempotency_key,
                           &world->body };
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) buf_free(bufs[i]);
}

void world_configure(struct world *world)
{
    http_proxy_configure(world->proxy, &world->config);
}

bool world_is_up(struct world *world)
{
    for (int i = 0; i < 500 && !http_proxy_is_up(world->proxy); i++) loop_run_for(world->loop, 10);
    return http_proxy_is_up(world->proxy);
}

bool world_logs(struct world *world, const char *line, uint64_t ms)
{
    for (uint64_t i = 0; i < ms / 10 && !text_holds(buf_text(&world->lines), line); i++)
        loop_run_for(world->loop, 10);
    return text_holds(buf_text(&world->lines), line);
}

int world_pid(const struct world *world)
{
    struct text rest = buf_text(&world->lines), line;
    int pid = 0;
    char z[256];
    while (text_cut(rest, '\n', &line, &rest))
        if (text_to_z(line, z, sizeof z) == ERR_OK)
            (void)sscanf(z, "27-81100 HTTP Proxy started: pid %d,", &pid);
    return pid;
}

/* --- a client --- */

struct client {
    struct loop *loop;
    struct buf got;
    bool is_over, is_open;
};

static bool is_whole(struct text got)
{
    if (got.at == NULL) return false;
    const char *end = memmem(got.at, got.len, "\r\n\r\n", 4);
    const char *length = memmem(got.at, got.len, "Content-Length: ", 16);
    if (end == NULL || length == NULL || length > end) return false;
    return got.len >= (size_t)(end - got.at) + 4 + (size_t)strtoul(length + 16, NULL, 10);
}

static void on_open(void *self)
{
    ((struct client *)self)->is_open = true;
}

static void on_bytes(void *self, struct text bytes)
{
    struct client *client = self;
    buf_add(&client->got, bytes);
    client->is_over = is_whole(buf_text(&client->got));
}

static void on_closed(void *self, enum err why)
{
    (void)why;
    ((struct client *)self)->is_over = true;
}

static const struct stream_handler handler = { .on_open = on_open,
                                               .on_bytes = on_bytes,
                                               .on_closed = on_closed };

static void run_client(struct world *world, struct client *client, struct text bytes, uint64_t ms)
{
    struct scope *life = scope_new(world->life, "client", SCOPE_NO_LIMIT);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", world->port);
    struct stream *stream = stream_connect(life, world->net, text_of(address), &handler, client);
    stream_write(stream, bytes);
    for (uint64_t i = 0; i < ms / 5 && !client->is_over; i++) {
        loop_run_for(world->loop, 5);
        if (bytes.len == 0 && client->is_open) break;
    }
    scope_close(life);
}

struct text world_send(struct world *world, struct text bytes, uint64_t ms)
{
    struct client client = { .loop = world->loop };
    run_client(world, &client, bytes, ms);
    struct text got = scope_keep(world->life, buf_text(&client.got));
    buf_free(&client.got);
    return got;
}

struct text world_ask(struct world *world, const char *method, const char *target, const char *json)
{
    struct buf request = { 0 };
    buf_format(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, target);
    if (json)
        buf_format(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(json), json);
    else
        buf_add_z(&request, "\r\n");
    struct text got = world_send(world, buf_text(&request), 3000);
    buf_free(&request);
    return got;
}

bool world_accepts(struct world *world)
{
    struct client client = { .loop = world->loop };
    run_client(world, &client, TEXT(""), 500);
    buf_free(&client.got);
    return client.is_open;
}
