/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/control/keeping_world.h"

#include "tests/unit/test.h"

#include "app/app.h"
#include "format/json.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "io/net/sim_net.h"

#include <stdio.h>
#include <string.h>

extern const struct app_type APP_TYPE_CONTROL;

#define ADDRESS TEXT("127.0.0.1:2021")

void put(struct world *world, const struct object_type *type, const char *json)
{
    struct fault fault;
    CHECK_OK(app_put_object(world->app, type, ++world->dbid, ++world->rev, TEXT("Environment"),
                            text_of(json), &fault));
    app_objects_changed(world->app, world->rev);
}

void condition(struct world *world, const char *more)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"name\":\"Connection Failure\",\"category\":\"major\",\"detectEvent\":\"00-04504\","
             "\"cancelEvent\":\"00-04503\",\"cancelTimeout\":172800%s}",
             more);
    put(world, &OBJECT_ALARM_CONDITION, json);
}

struct world *world_new_with(const char *options)
{
    char control[1024];
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    struct fault fault = { 0 };
    world->life = life;
    world->loop = loop_new_virtual(life, 1700000000000, 5);
    world->net = net_new(life, world->loop);
    world->app = app_new_for_test(life, world->loop, &APP_TYPE_CONTROL, TEXT("control"));
    world->app->data_dir = TEXT("/data");
    place_app(&world->place, world->app);
    snprintf(
        control, sizeof control,
        "{\"name\":\"control\",\"type\":\"SCS\",\"ports\":[{\"id\":\"default\",\"number\":2021}],"
        "\"connections\":[{\"server\":\"config\"}],\"options\":%s}",
        options);
    put(world, &OBJECT_APPLICATION,
        "{\"name\":\"config\",\"type\":\"ConfigurationServer\",\"ports\":[{\"id\":\"default\","
        "\"number\":2020}]}");
    put(world, &OBJECT_APPLICATION, control);
    put(world, &OBJECT_APPLICATION, "{\"name\":\"x\",\"type\":\"CMServer\"}");
    put(world, &OBJECT_APPLICATION, "{\"name\":\"y\",\"type\":\"CMServer\"}");
    CHECK_OK(app_begin(world->app, &fault));
    loop_run_for(world->loop, 50);
    return world;
}

struct world *world_new(void)
{
    return world_new_with("{}");
}

void world_free(struct world *world)
{
    buf_free(&world->json);
    buf_free(&world->words);
    scope_close(world->life);
}

static void on_moved(void *self, struct link *link, const void *fields)
{
    struct peer *peer = self;
    const struct control_alarm_moved *moved = fields;
    (void)link;
    buf_format(&peer->moves, "%.*s %.*s %.*s %u\n", TEXT_ARG(moved->kind),
               TEXT_ARG(moved->alarm->condition), TEXT_ARG(moved->alarm->application),
               moved->alarm->count);
}

static const struct link_handler peer_handlers[] = {
    { .msg = &MSG_CONTROL_ALARM_MOVED, .on_event = on_moved },
    { 0 },
};

struct peer *peer_new(struct world *world, const char *name, const char *role)
{
    struct scope *life = scope_new(world->life, "peer", SCOPE_NO_LIMIT);
    struct peer *peer = scope_alloc(life, sizeof *peer);
    struct link_identity *identity = scope_alloc(life, sizeof *identity);
    static const struct link_options options = { .reconnect_ms = 100 };
    peer->life = life;
    *identity = (struct link_identity){ .application = text_of(name),
                                        .role = text_of(role),
                                        .secret = APP_TEST_SECRET,
                                        .secret_is_master = true };
    peer->link = link_connect(life, world->net, NULL, ADDRESS, TEXT("control"), identity, &options,
                              peer_handlers, NULL, peer);
    loop_run_for(world->loop, 50);
    CHECK(link_is_up(peer->link));
    return peer;
}

void peer_free(struct peer *peer)
{
    buf_free(&peer->moves);
    scope_close(peer->life);
}

struct asking {
    struct world *world;
    const struct msg *reply;
};

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct asking *asking = self;
    struct world *world = asking->world;
    world->is_answered = true;
    world->err = error ? error->err : ERR_OK;
    buf_clear(&world->json);
    buf_clear(&world->words);
    if (error)
        buf_add(&world->words, error->text);
    else
        shape_to_json(&world->json, asking->reply->shape, fields);
}

enum err ask_as(struct world *world, struct peer *peer, const struct link_header *header,
                const struct msg *msg, const void *fields)
{
    struct asking asking = { world, msg->reply };
    world->is_answered = false;
    link_ask(peer->link, msg, fields, header, 5000, on_reply, &asking);
    loop_run_for(world->loop, 200);
    CHECK(world->is_answered);
    return world->err;
}

enum err ask(struct world *world, struct peer *peer, const struct msg *msg, const void *fields)
{
    return ask_as(world, peer, NULL, msg, fields);
}

bool answer_has(const struct world *world, const char *words)
{
    return memmem(world->json.at, world->json.len, words, strlen(words)) != NULL;
}

int64_t answer_number(struct world *world, const char *name)
{
    struct kv kv;
    struct fault fault;
    CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
    const struct value *value = kv_find(&kv, text_of(name));
    return value ? value->integer : -1;
}

uint32_t answer_count(struct world *world, const char *name)
{
    struct kv kv;
    struct fault fault;
    CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
    const struct value *value = kv_find(&kv, text_of(name));
    return value ? value->items.count : 0;
}

struct control_log_record record_of(struct world *world, const char *id, const char *text)
{
    return (struct control_log_record){
        .head.has = CONTROL_LOG_RECORD_HAS_ID | CONTROL_LOG_RECORD_HAS_TIME |
                    CONTROL_LOG_RECORD_HAS_PRIORITY | CONTROL_LOG_RECORD_HAS_TEXT,
        .id = text_of(id),
        .time = loop_now_utc_ms(world->loop) * 1000,
        .priority = 4,
        .text = text_of(text),
    };
}

enum err send_records(struct world *world, struct peer *peer, uint64_t first,
                      struct control_log_record *records, uint32_t count)
{
    struct control_send_log log = { .head.has =
                                        CONTROL_SEND_LOG_HAS_STREAM | CONTROL_SEND_LOG_HAS_FIRST |
                                        CONTROL_SEND_LOG_HAS_RECORDS | CONTROL_SEND_LOG_HAS_HOST,
                                    .stream = TEXT("s1"),
                                    .first = first,
                                    .records = { records, count },
                                    .host = TEXT("h1") };
    return ask(world, peer, &MSG_CONTROL_SEND_LOG, &log);
}

enum err send_one(struct world *world, struct peer *peer, uint64_t number, const char *id,
                  const char *text)
{
    struct control_log_record record = record_of(world, id, text);
    return send_records(world, peer, number, &record, 1);
}

void read_alarms(struct world *world, struct peer *peer, const char *state)
{
    struct control_read_alarms asked = { .head.has = state ? CONTROL_READ_ALARMS_HAS_STATE : 0,
                                         .state = text_of(state) };
    CHECK_OK(ask(world, peer, &MSG_CONTROL_READ_ALARMS, &asked));
}

void read_log(struct world *world, struct peer *peer, const struct control_read_log *asked)
{
    CHECK_OK(ask(world, peer, &MSG_CONTROL_READ_LOG, asked));
}
