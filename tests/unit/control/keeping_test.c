/* SPDX-License-Identifier: Apache-2.0 */
/* Kept logs and alarms of the whole of control on a virtual clock, asked over links as
 * applications and tools ask. */
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

struct world {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct app *app;
    uint32_t dbid;
    uint64_t rev;
    bool is_answered;
    enum err err;
    struct buf json, words;
};

struct peer {
    struct scope *life;
    struct link *link;
    struct buf moves; /* "created Connection Failure x 1\n" */
};

static void put(struct world *world, const struct object_type *type, const char *json)
{
    struct fault fault;
    CHECK_OK(app_put_object(world->app, type, ++world->dbid, ++world->rev, TEXT("Environment"),
                            text_of(json), &fault));
    app_objects_changed(world->app, world->rev);
}

static void condition(struct world *world, const char *more)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"name\":\"Connection Failure\",\"category\":\"major\",\"detectEvent\":\"00-04504\","
             "\"cancelEvent\":\"00-04503\",\"cancelTimeout\":172800%s}",
             more);
    put(world, &OBJECT_ALARM_CONDITION, json);
}

static struct world *world_new(void)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    struct fault fault = { 0 };
    world->life = life;
    world->loop = loop_new_virtual(life, 1700000000000, 5);
    world->net = net_new(life, world->loop);
    world->app = app_new_for_test(life, world->loop, &APP_TYPE_CONTROL, TEXT("control"));
    put(world, &OBJECT_APPLICATION,
        "{\"name\":\"control\",\"type\":\"SCS\",\"ports\":[{\"id\":\"default\",\"number\":2021}]}");
    put(world, &OBJECT_APPLICATION, "{\"name\":\"x\",\"type\":\"CMServer\"}");
    put(world, &OBJECT_APPLICATION, "{\"name\":\"y\",\"type\":\"CMServer\"}");
    CHECK_OK(app_begin(world->app, &fault));
    loop_run_for(world->loop, 50);
    return world;
}

static void world_free(struct world *world)
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

static struct peer *peer_new(struct world *world, const char *name, const char *role)
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

static void peer_free(struct peer *peer)
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

static enum err ask(struct world *world, struct peer *peer, const struct msg *msg,
                    const void *fields)
{
    struct asking asking = { world, msg->reply };
    world->is_answered = false;
    link_ask(peer->link, msg, fields, NULL, 5000, on_reply, &asking);
    loop_run_for(world->loop, 200);
    CHECK(world->is_answered);
    return world->err;
}

static bool answer_has(const struct world *world, const char *words)
{
    return memmem(world->json.at, world->json.len, words, strlen(words)) != NULL;
}

static int64_t answer_number(struct world *world, const char *name)
{
    struct kv kv;
    struct fault fault;
    CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
    const struct value *value = kv_find(&kv, text_of(name));
    return value ? value->integer : -1;
}

static uint32_t answer_count(struct world *world, const char *name)
{
    struct kv kv;
    struct fault fault;
    CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
    const struct value *value = kv_find(&kv, text_of(name));
    return value ? value->items.count : 0;
}

static struct control_log_record record_of(struct world *world, const char *id, const char *text)
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

static enum err send_records(struct world *world, struct peer *peer, uint64_t first,
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

static enum err send_one(struct world *world, struct peer *peer, uint64_t number, const char *id,
                         const char *text)
{
    struct control_log_record record = record_of(world, id, text);
    return send_records(world, peer, number, &record, 1);
}

static void read_alarms(struct world *world, struct peer *peer, const char *state)
{
    struct control_read_alarms asked = { .head.has = state ? CONTROL_READ_ALARMS_HAS_STATE : 0,
                                         .state = text_of(state) };
    CHECK_OK(ask(world, peer, &MSG_CONTROL_READ_ALARMS, &asked));
}

static void read_log(struct world *world, struct peer *peer, const struct control_read_log *asked)
{
    CHECK_OK(ask(world, peer, &MSG_CONTROL_READ_LOG, asked));
}

/* --- logs ----------------------------------------------------------------------------------- */

TEST(records_are_kept_once_and_found_again_with_their_attributes)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    struct pair pair = { TEXT("campaign"), { .kind = VALUE_TEXT, .text = TEXT("spring") } };
    struct control_log_record records[3] = { record_of(world, "00-05060", "one"),
                                             record_of(world, "00-05061", "TWO"),
                                             record_of(world, "00-05062", "three") };
    records[1].head.has |= CONTROL_LOG_RECORD_HAS_ATTRIBUTES | CONTROL_LOG_RECORD_HAS_IXN;
    records[1].attributes = (struct kv){ &pair, 1 };
    records[1].ixn = TEXT("ixn-7");
    CHECK_OK(send_records(world, x, 1, records, 2));
    CHECK_I64(answer_number(world, "upTo"), 2);
    CHECK_OK(send_records(world, x, 1, records, 3)); /* the answer was lost: sent again */
    CHECK_I64(answer_number(world, "upTo"), 3);
    CHECK_OK(send_records(world, x, 2, records, 1));
    CHECK_I64(answer_number(world, "upTo"), 3);
    read_log(world, tool, &(struct control_read_log){ 0 });
    CHECK_U32(answer_count(world, "rows"), 3);
    CHECK(answer_has(world, "\"more\":false"));
    CHECK(answer_has(world, "\"application\":\"x\",\"type\":\"CMServer\",\"host\":\"h1\""));
    read_log(
        world, tool,
        &(struct control_read_log){ .head.has = CONTROL_READ_LOG_HAS_IXN, .ixn = TEXT("ixn-7") });
    CHECK_U32(answer_count(world, "rows"), 1);
    CHECK(answer_has(world, "\"attributes\":{\"campaign\":\"spring\"}"));
    read_log(
        world, tool,
        &(struct control_read_log){ .head.has = CONTROL_READ_LOG_HAS_TEXT, .text = TEXT("two") });
    CHECK_U32(answer_count(world, "rows"), 1);
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(pages_go_from_the_latest_to_the_oldest_without_a_gap)
{
    enum { COUNT = 1000, PAGE = 64 };
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    static struct control_log_record records[COUNT];
    static char texts[COUNT][16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "r%04d", i);
        records[i] = record_of(world, "00-05060", texts[i]);
        records[i].time += (uint64_t)(i % 7); /* not in the order of their numbers */
    }
    CHECK_OK(send_records(world, x, 1, records, COUNT));
    uint32_t seen = 0;
    uint64_t before = 0;
    bool has[COUNT] = { false };
    for (bool more = true; more;) {
        struct control_read_log asked = { .head.has = CONTROL_READ_LOG_HAS_LIMIT, .limit = PAGE };
        if (before) asked.head.has |= CONTROL_READ_LOG_HAS_BEFORE;
        asked.before = before;
        read_log(world, tool, &asked);
        struct kv kv;
        struct fault fault;
        CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
        const struct value *rows = kv_find(&kv, TEXT("rows"));
        for (uint32_t i = 0; i < rows->items.count; i++) {
            const struct kv *record = &kv_find(&rows->items.at[i].pairs, TEXT("record"))->pairs;
            uint32_t number;
            CHECK_OK(text_to_u32(text_slice(kv_find(record, TEXT("text"))->text, 1, 4), 0, 9999,
                                 &number));
            CHECK(!has[number]);
            has[number] = true;
            seen++;
        }
        more = kv_find(&kv, TEXT("more"))->truth;
        if (more) before = (uint64_t)kv_find(&kv, TEXT("next"))->integer;
    }
    CHECK_U32(seen, COUNT);
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(what_cannot_be_kept_in_time_is_refused_and_the_sender_keeps_it)
{
    struct world *world = world_new();
    put(world, &OBJECT_APPLICATION, "{\"name\":\"z\"}");
    struct peer *x = peer_new(world, "x", "primary");
    struct control_log_record record = record_of(world, "00-05060", "one");
    CHECK(send_records(world, x, 0, &record, 1) == ERR_INVALID);
    CHECK(send_records(world, x, 1, &record, 0) == ERR_INVALID);
    CHECK(send_records(world, x, UINT64_MAX, &record, 1) == ERR_INVALID);
    /* A gap: those between were given up by the sender. */
    CHECK_OK(send_records(world, x, 100, &record, 1));
    CHECK_I64(answer_number(world, "upTo"), 100);
    peer_free(x);
    world_free(world);
}

TEST(old_records_go_after_retention_days)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    CHECK_OK(send_one(world, x, 1, "00-05060", "old"));
    loop_run_for(world->loop, 29ull * 24 * 3600 * 1000);
    peer_free(x);
    peer_free(tool);
    x = peer_new(world, "x", "primary");
    tool = peer_new(world, "tool", "tool");
    CHECK_OK(send_one(world, x, 2, "00-05060", "new"));
    read_log(world, tool, &(struct control_read_log){ 0 });
    CHECK_U32(answer_count(world, "rows"), 2);
    loop_run_for(world->loop, 2ull * 24 * 3600 * 1000);
    peer_free(tool);
    tool = peer_new(world, "tool", "tool");
    read_log(world, tool, &(struct control_read_log){ 0 });
    CHECK_U32(answer_count(world, "rows"), 1);
    CHECK(answer_has(world, "\"text\":\"new\""));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

/* --- alarms --------------------------------------------------------------------------------- */

TEST(F19_two_detections_are_one_alarm_that_only_the_same_application_cancels)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *y = peer_new(world, "y", "primary"),
                *tool = peer_new(world, "tool", "tool");
    condition(world, "");
    CHECK_OK(ask(world, tool, &MSG_CONTROL_WATCH_ALARMS, &(struct control_watch_alarms){ 0 }));
    CHECK_OK(send_one(world, x, 1, "00-04504", "Connection to b lost"));
    CHECK_OK(send_one(world, x, 2, "00-04504", "Connection to b lost"));
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK(answer_has(world, "\"condition\":\"Connection Failure\",\"category\":\"major\","
                            "\"application\":\"x\",\"host\":\"h1\",\"state\":\"active\","
                            "\"count\":2"));
    CHECK_OK(send_one(world, y, 1, "00-04503", "Connected to b"));
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK_OK(send_one(world, x, 3, "00-04503", "Connected to b"));
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 0);
    read_alarms(world, tool, "cleared");
    CHECK(answer_has(world, "\"clearedBy\":\"00-04503\""));
    CHECK_TEXT(buf_text(&tool->moves), "created Connection Failure x 1\n"
                                       "counted Connection Failure x 2\n"
                                       "deleted Connection Failure x 2\n");
    peer_free(x);
    peer_free(y);
    peer_free(tool);
    world_free(world);
}

TEST(a_repeated_sending_counts_no_second_detection)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    condition(world, "");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    read_alarms(world, tool, NULL);
    CHECK(answer_has(world, "\"count\":1"));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(the_cancel_timeout_clears_it_after_its_last_detection)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Short\",\"detectEvent\":\"00-04504\",\"cancelTimeout\":10}");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    loop_run_for(world->loop, 8000);
    CHECK_OK(send_one(world, x, 2, "00-04504", "lost"));
    loop_run_for(world->loop, 9000);
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    loop_run_for(world->loop, 1500);
    read_alarms(world, tool, "cleared");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK(answer_has(world, "\"clearedBy\":\"timeout\""));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(a_person_clears_it_with_a_comment_once)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    condition(world, "");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    struct control_clear_alarm clear = { .head.has = CONTROL_CLEAR_ALARM_HAS_ID |
                                                     CONTROL_CLEAR_ALARM_HAS_COMMENT,
                                         .id = 1,
                                         .comment = TEXT("known") };
    CHECK_OK(ask(world, tool, &MSG_CONTROL_CLEAR_ALARM, &clear));
    CHECK(answer_has(world, "\"state\":\"cleared\"") &&
          answer_has(world, "\"comment\":\"known\"") &&
          answer_has(world, "\"clearedBy\":\"tool\""));
    CHECK(ask(world, tool, &MSG_CONTROL_CLEAR_ALARM, &clear) == ERR_NOT_FOUND);
    CHECK_OK(send_one(world, x, 2, "00-04504", "lost"));
    read_alarms(world, tool, "active");
    CHECK(answer_has(world, "\"id\":2") && answer_has(world, "\"count\":1"));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(a_masked_condition_is_kept_and_shown_and_a_disabled_one_is_not)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Masked\",\"detectEvent\":\"00-04504\",\"isMasked\":true,"
        "\"reactionScripts\":[\"stop/AlarmReaction\"]}");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Off\",\"detectEvent\":\"00-04504\",\"state\":\"disabled\"}");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Of another type\",\"detectEvent\":\"00-04504\",\"selection\":\"type\","
        "\"appType\":\"WebAPIServer\"}");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    read_alarms(world, tool, NULL);
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK(answer_has(world, "\"condition\":\"Masked\""));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}
