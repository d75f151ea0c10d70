/* SPDX-License-Identifier: Apache-2.0 */
/* What alarms lead to: webhooks, orders, programs; detection scripts over samples; who may see and
 * clear what. */
#include "tests/unit/control/keeping_world.h"

#include "base/buf.h"
#include "io/http/server.h"
#include "servers/control/server.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

/* --- a receiver ----------------------------------------------------------------------------- */

struct receiver {
    struct http_server *server;
    struct text ids[8];
    struct scope *life;
    struct buf bodies;
    uint32_t count, refusals; /* so many are answered 503 first */
    bool has_signature;
};

static void on_request(void *self, struct http_exchange *exchange)
{
    struct receiver *receiver = self;
    const struct http_request *request = http_exchange_request(exchange);
    struct text id = http_header_find(&request->headers, TEXT("webhook-id"));
    if (receiver->count < 8) receiver->ids[receiver->count] = scope_keep(receiver->life, id);
    buf_add(&receiver->bodies, request->body);
    buf_add_byte(&receiver->bodies, '\n');
    receiver->has_signature = http_header_find(&request->headers, TEXT("webhook-signature")).len >
                              0;
    receiver->count++;
    unsigned status = receiver->refusals ? 503 : 200;
    if (receiver->refusals) receiver->refusals--;
    http_reply(exchange, status, NULL, TEXT(""));
}

static struct receiver *receiver_new(struct world *world)
{
    struct receiver *receiver = scope_alloc(world->life, sizeof *receiver);
    struct fault fault;
    receiver->life = world->life;
    CHECK_OK(http_server_open(world->life, world->net, TEXT("127.0.0.1:8888"), NULL, on_request,
                              receiver, &receiver->server, &fault));
    return receiver;
}

static void put_script(struct world *world, const char *name, const char *options)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"name\":\"%s\",\"type\":\"AlarmReaction\",\"annex\":{\"reaction\":{%s}}}", name,
             options);
    put(world, &OBJECT_SCRIPT, json);
}

static bool bodies_have(const struct receiver *receiver, const char *words)
{
    return memmem(receiver->bodies.at, receiver->bodies.len, words, strlen(words)) != NULL;
}

TEST(a_webhook_comes_until_it_is_taken_with_one_id_and_only_for_the_first_detection)
{
    struct world *world = world_new();
    struct receiver *receiver = receiver_new(world);
    struct peer *x = peer_new(world, "x", "primary");
    receiver->refusals = 2;
    put_script(world, "post",
               "\"action\":\"webhook\",\"url\":\"http://127.0.0.1:8888/a\","
               "\"secret\":\"whsec_AAECAwQFBgcICQoLDA0ODw==\"");
    condition(world, ",\"reactionScripts\":[\"post/AlarmReaction\"],"
                     "\"clearanceScripts\":[\"post/AlarmReaction\"]");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    CHECK_OK(send_one(world, x, 2, "00-04504", "lost"));
    loop_run_for(world->loop, 10000);
    CHECK_U32(receiver->count, 3);
    CHECK(text_eq(receiver->ids[0], receiver->ids[1]) &&
          text_eq(receiver->ids[0], receiver->ids[2]));
    CHECK(receiver->has_signature);
    CHECK(bodies_have(receiver, "\"type\":\"alarm.created\""));
    CHECK(!bodies_have(receiver, "\"type\":\"alarm.cleared\""));
    CHECK_OK(send_one(world, x, 3, "00-04503", "connected"));
    loop_run_for(world->loop, 1000);
    CHECK_U32(receiver->count, 4);
    CHECK(!text_eq(receiver->ids[0], receiver->ids[3]));
    CHECK(bodies_have(receiver, "\"type\":\"alarm.cleared\""));
    buf_free(&receiver->bodies);
    peer_free(x);
    world_free(world);
}

TEST(a_script_that_cannot_be_read_does_nothing_and_the_alarm_is_raised_all_the_same)
{
    struct world *world = world_new();
    struct receiver *receiver = receiver_new(world);
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    put_script(world, "no url", "\"action\":\"webhook\"");
    put_script(world, "no folder", "\"action\":\"command\",\"command\":\"x\"");
    put_script(world, "no server", "\"action\":\"email\",\"to\":\"a@b\"");
    put_script(world, "bad secret",
               "\"action\":\"webhook\",\"url\":\"http://127.0.0.1:8888/a\",\"secret\":\"short\"");
    condition(world, ",\"reactionScripts\":[\"no url/AlarmReaction\",\"no folder/AlarmReaction\","
                     "\"no server/AlarmReaction\",\"gone/AlarmReaction\","
                     "\"bad secret/AlarmReaction\"]");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    loop_run_for(world->loop, 5000);
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK_U32(receiver->count, 0); /* nothing goes unsigned that should be signed */
    struct control_counters counters = { 0 };
    world->app->type->count(app_server(world->app), &counters);
    CHECK_I64(counters.control_reactions_refused_total, 4);
    CHECK_I64(counters.control_reactions_failed_total, 1);
    buf_free(&receiver->bodies);
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

/* --- a supervisor --------------------------------------------------------------------------- */

struct supervisor {
    struct scope *life;
    struct link *link;
    struct link_identity identity;
    struct buf orders;
    uint64_t disk_free;
    double cpu;
    struct loop *loop;
};

static void on_order(void *self, struct link_request *request, const void *fields)
{
    struct supervisor *supervisor = self;
    const struct control_order_host *order = fields;
    buf_format(&supervisor->orders, "%.*s %.*s (%.*s)\n", TEXT_ARG(order->order),
               TEXT_ARG(order->name), TEXT_ARG(order->reason));
    link_reply(request, &(struct control_host_ordered){ 0 });
}

static void on_sample(void *self, struct link_request *request, const void *fields)
{
    struct supervisor *supervisor = self;
    (void)fields;
    link_reply(request,
               &(struct control_host_sample){
                   .head.has = CONTROL_HOST_SAMPLE_HAS_HOST | CONTROL_HOST_SAMPLE_HAS_TIME |
                               CONTROL_HOST_SAMPLE_HAS_CPU | CONTROL_HOST_SAMPLE_HAS_DISK |
                               CONTROL_HOST_SAMPLE_HAS_DISK_FREE,
                   .host = TEXT("h1"),
                   .time = loop_now_utc_ms(supervisor->loop),
                   .cpu = supervisor->cpu,
                   .disk = 100ull << 30,
                   .disk_free = supervisor->disk_free });
}

static const struct link_handler supervisor_handlers[] = {
    { .msg = &MSG_CONTROL_ORDER_HOST, .on_request = on_order },
    { .msg = &MSG_CONTROL_SAMPLE_HOST, .on_request = on_sample },
    { 0 },
};

static void ignore_reply(void *self, const struct link_error *error, const void *fields)
{
    (void)self;
    (void)error;
    (void)fields;
}

static void report(void *self, struct link *link)
{
    struct control_application_report one = {
        .head.has = CONTROL_APPLICATION_REPORT_HAS_NAME | CONTROL_APPLICATION_REPORT_HAS_STATE,
        .name = TEXT("x"),
        .state = TEXT("RUNNING"),
    };
    struct control_report_host host = { .head.has = CONTROL_REPORT_HOST_HAS_HOST |
                                                    CONTROL_REPORT_HOST_HAS_APPLICATIONS,
                                        .host = TEXT("h1"),
                                        .applications = { &one, 1 } };
    link_ask(link, &MSG_CONTROL_REPORT_HOST, &host, NULL, 5000, ignore_reply, self);
}

static struct supervisor *supervisor_new(struct world *world)
{
    static const struct link_options options = { .reconnect_ms = 100 };
    static const struct link_life life = { .on_up = report };
    struct supervisor *supervisor = scope_alloc(world->life, sizeof *supervisor);
    *supervisor = (struct supervisor){ .life = scope_new(world->life, "host", SCOPE_NO_LIMIT),
                                       .loop = world->loop,
                                       .disk_free = 50ull << 30,
                                       .identity = { .application = TEXT("supervisor"),
                                                     .role = TEXT("supervisor"),
                                                     .secret = APP_TEST_SECRET,
                                                     .secret_is_master = true } };
    supervisor->link = link_connect(supervisor->life, world->net, NULL, TEXT("127.0.0.1:2021"),
                                    TEXT("control"), &supervisor->identity, &options,
                                    supervisor_handlers, &life, supervisor);
    loop_run_for(world->loop, 100);
    return supervisor;
}

static void supervisor_free(struct supervisor *supervisor)
{
    buf_free(&supervisor->orders);
    scope_close(supervisor->life);
}

static void put_host(struct world *world)
{
    put(world, &OBJECT_HOST, "{\"name\":\"h1\",\"ipAddress\":\"127.0.0.1\",\"scs\":\"control\"}");
    world->dbid = 100;
    put(world, &OBJECT_APPLICATION, "{\"name\":\"z\",\"type\":\"CMServer\",\"host\":\"h1\"}");
}

TEST(an_order_goes_the_way_of_all_orders)
{
    struct world *world = world_new();
    put_host(world);
    struct supervisor *supervisor = supervisor_new(world);
    struct peer *x = peer_new(world, "x", "primary");
    put_script(world, "again", "\"action\":\"restart\",\"application\":\"z\"");
    put_script(world, "nobody", "\"action\":\"restart\",\"application\":\"gone\"");
    condition(world, ",\"reactionScripts\":[\"again/AlarmReaction\",\"nobody/AlarmReaction\"]");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    loop_run_for(world->loop, 3000);
    CHECK_TEXT(buf_text(&supervisor->orders), "restart z (reaction order/again/AlarmReaction)\n");
    peer_free(x);
    supervisor_free(supervisor);
    world_free(world);
}

TEST(a_detection_script_raises_and_clears_by_samples_and_a_low_disk_is_told)
{
    struct world *world = world_new();
    put_host(world);
    struct supervisor *supervisor = supervisor_new(world);
    struct peer *tool = peer_new(world, "tool", "tool");
    put(world, &OBJECT_SCRIPT,
        "{\"name\":\"busy\",\"type\":\"AlarmDetection\",\"annex\":{\"detection\":{"
        "\"expression\":\"cpu > 90%\",\"times\":\"2\"}}}");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Busy\",\"detectScript\":\"busy/AlarmDetection\"}");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Disk\",\"detectEvent\":\"00-08120\",\"cancelEvent\":\"00-08121\"}");
    supervisor->cpu = 0.95;
    loop_run_for(world->loop, 35000);
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 0); /* once is not twice */
    supervisor->disk_free = 5ull << 30;
    loop_run_for(world->loop, 31000);
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 2);
    CHECK(answer_has(world, "\"condition\":\"Busy\",\"category\":\"major\",\"host\":\"h1\""));
    CHECK(answer_has(world, "\"condition\":\"Disk\""));
    supervisor->cpu = 0.1;
    supervisor->disk_free = 60ull << 30;
    loop_run_for(world->loop, 61000);
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 0);
    peer_free(tool);
    supervisor_free(supervisor);
    world_free(world);
}

/* --- who may -------------------------------------------------------------------------------- */

static void on_read(void *self, struct link_request *request, const void *fields)
{
    const struct config_read *asked = fields;
    (void)self;
    struct config_config_object one = {
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY,
        .type = asked->type,
        .dbid = 1,
        .rev = 1,
        .key = TEXT("x"),
    };
    link_reply(request,
               &(struct config_objects){
                   .head.has = CONFIG_OBJECTS_HAS_REV | CONFIG_OBJECTS_HAS_OBJECTS,
                   .rev = 1000,
                   .objects = { &one, text_eq(asked->type, TEXT("Application")) ? 1 : 0 } });
}

static void on_effective(void *self, struct link_request *request, const void *fields)
{
    const struct config_read_effective *asked = fields;
    (void)self;
    link_reply(request, &(struct config_effective){
                            .head.has = CONFIG_EFFECTIVE_HAS_MASK,
                            .mask = text_eq(asked->key, TEXT("x")) ? TEXT("R") : TEXT("") });
}

TEST(a_person_sees_records_and_alarms_of_what_he_may_read_alone)
{
    static const struct link_handler handlers[] = {
        { .msg = &MSG_CONFIG_READ, .on_request = on_read },
        { .msg = &MSG_CONFIG_READ_EFFECTIVE, .on_request = on_effective },
        { 0 },
    };
    static const struct link_header person = { .person = { "1001", 4 },
                                               .tenant = { "Environment", 11 } };
    static const struct link_identity identity = { .application = { "config", 6 },
                                                   .role = { "primary", 7 },
                                                   .secret = { "0123456789abcdef0123456789abcdef",
                                                               32 },
                                                   .secret_is_master = true };
    struct world *world = world_new();
    struct link_server *config;
    struct fault fault;
    CHECK_OK(link_listen(world->life, world->net, NULL, TEXT("127.0.0.1:2020"), &identity, NULL,
                         handlers, NULL, NULL, &config, &fault));
    loop_run_for(world->loop, 2000);
    struct peer *x = peer_new(world, "x", "primary"), *y = peer_new(world, "y", "primary"),
                *web = peer_new(world, "tool", "tool");
    condition(world, "");
    CHECK_OK(ask_as(world, web, &person, &MSG_CONTROL_WATCH_ALARMS,
                    &(struct control_watch_alarms){ 0 }));
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    CHECK_OK(send_one(world, y, 1, "00-04504", "lost"));
    CHECK_OK(ask_as(world, web, &person, &MSG_CONTROL_READ_LOG, &(struct control_read_log){ 0 }));
    CHECK_U32(answer_count(world, "rows"), 1);
    CHECK(answer_has(world, "\"application\":\"x\""));
    CHECK_OK(
        ask_as(world, web, &person, &MSG_CONTROL_READ_ALARMS, &(struct control_read_alarms){ 0 }));
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK_TEXT(buf_text(&web->moves), "created Connection Failure x 1\n");
    struct control_clear_alarm clear = { .head.has = CONTROL_CLEAR_ALARM_HAS_ID, .id = 1 };
    CHECK(ask_as(world, web, &person, &MSG_CONTROL_CLEAR_ALARM, &clear) == ERR_DENIED);
    clear.id = 2; /* that it exists is not told */
    CHECK(ask_as(world, web, &person, &MSG_CONTROL_CLEAR_ALARM, &clear) == ERR_NOT_FOUND);
    peer_free(x);
    peer_free(y);
    peer_free(web);
    world_free(world);
}
