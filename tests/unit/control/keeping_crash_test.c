/* SPDX-License-Identifier: Apache-2.0 */
/* Control dies at each of its deeds on the disk, by kill -9 or by the power, while an application
 * sends records: nothing that was acknowledged is lost or there twice, and no alarm of it either.
 */
#include "tests/unit/test.h"

#include "app/app.h"
#include "gen/messages.h"
#include "gen/migrations.h"
#include "gen/objects.h"
#include "store/sim_disk.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

extern const struct app_type APP_TYPE_CONTROL;

enum { RECORDS = 12, BATCH = 3 };

struct world {
    struct scope *life, *control;
    struct loop *loop;
    struct net *net;
    struct app *app;
    struct link *link;
    bool is_dead;
    uint64_t acknowledged; /* records */
    uint64_t sent;         /* the first of the request that waits; 0: none does */
    uint32_t lives;
};

static void on_stopped(void *self)
{
    ((struct world *)self)->is_dead = true;
}

static void begin(struct world *world)
{
    static const char *const jsons[] = {
        "{\"name\":\"control\",\"type\":\"SCS\",\"ports\":[{\"id\":\"default\",\"number\":2021}]}",
        "{\"name\":\"x\",\"type\":\"CMServer\"}",
    };
    struct fault fault = { 0 };
    world->control = scope_new(world->life, "control", SCOPE_NO_LIMIT);
    world->app = app_new_for_test(world->control, world->loop, &APP_TYPE_CONTROL, TEXT("control"));
    world->app->data_dir = TEXT("/data");
    for (uint32_t i = 0; i < 2; i++)
        CHECK_OK(app_put_object(world->app, &OBJECT_APPLICATION, i + 1, 1, TEXT("Environment"),
                                text_of(jsons[i]), &fault));
    CHECK_OK(app_put_object(world->app, &OBJECT_ALARM_CONDITION, 1, 1, TEXT("Environment"),
                            TEXT("{\"name\":\"Lost\",\"detectEvent\":\"00-04504\","
                                 "\"cancelEvent\":\"00-04503\"}"),
                            &fault));
    app_objects_changed(world->app, 1);
    if (app_begin(world->app, &fault)) world->is_dead = true; /* it died while it opened */
    world->lives++;
}

static void die(struct world *world, enum sim_crash crash)
{
    sim_disk_crash(world->loop, TEXT(""), crash);
    scope_close(world->control);
    world->is_dead = false;
}

static void on_kept(void *self, const struct link_error *error, const void *fields)
{
    struct world *world = self;
    world->sent = 0;
    if (error == NULL) world->acknowledged = ((const struct control_log_kept *)fields)->up_to;
}

/* Every fourth record is lost, every fourth after it connected. */
static void send_next(struct world *world)
{
    struct control_log_record records[BATCH];
    char texts[BATCH][16];
    for (uint32_t i = 0; i < BATCH; i++) {
        uint64_t number = world->acknowledged + 1 + i;
        snprintf(texts[i], sizeof texts[i], "r%03llu", (unsigned long long)number);
        records[i] = (struct control_log_record){
            .head.has = CONTROL_LOG_RECORD_HAS_ID | CONTROL_LOG_RECORD_HAS_TIME |
                        CONTROL_LOG_RECORD_HAS_PRIORITY | CONTROL_LOG_RECORD_HAS_TEXT,
            .id = number % 4 == 1 ? TEXT("00-04504") : TEXT("00-05060"),
            .time = 1700000000000000 + number,
            .priority = 4,
            .text = text_of(texts[i]),
        };
    }
    struct control_send_log log = { .head.has = CONTROL_SEND_LOG_HAS_STREAM |
                                                CONTROL_SEND_LOG_HAS_FIRST |
                                                CONTROL_SEND_LOG_HAS_RECORDS,
                                    .stream = TEXT("s"),
                                    .first = world->acknowledged + 1,
                                    .records = { records, BATCH } };
    world->sent = log.first;
    link_ask(world->link, &MSG_CONTROL_SEND_LOG, &log, NULL, 1000, on_kept, world);
}

static struct world *world_new(uint64_t seed)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    static const struct link_handler none[] = { { 0 } };
    static const struct link_options options = { .reconnect_ms = 100 };
    static const struct link_identity identity = { .application = { "x", 1 },
                                                   .role = { "primary", 7 },
                                                   .secret = { "0123456789abcdef0123456789abcdef",
                                                               32 },
                                                   .secret_is_master = true };
    world->life = life;
    world->loop = loop_new_virtual(life, 1700000000000, seed);
    world->net = net_new(life, world->loop);
    begin(world);
    world->link = link_connect(life, world->net, NULL, TEXT("127.0.0.1:2021"), TEXT("control"),
                               &identity, &options, none, NULL, world);
    return world;
}

static void run(struct world *world, enum sim_crash crash, uint64_t deed)
{
    if (deed) sim_disk_stop_after(world->loop, TEXT(""), deed, on_stopped, world);
    for (int i = 0; i < 4000 && world->acknowledged < RECORDS; i++) {
        loop_run_for(world->loop, 5);
        if (world->is_dead) {
            die(world, crash);
            begin(world);
        }
        if (world->sent == 0 && link_is_up(world->link)) send_next(world);
    }
    CHECK_I64(world->acknowledged, RECORDS);
}

/* What the store says: how many rows, how many different ones, the alarm's detections. */
struct truth {
    int64_t rows, different, alarms, detections;
};

static void on_truth(void *self, enum err err, const struct rows *rows)
{
    struct truth *truth = self;
    CHECK_OK(err);
    *truth = (struct truth){ rows_i64(rows, 0, 0), rows_i64(rows, 0, 1), rows_i64(rows, 0, 2),
                             rows_i64(rows, 0, 3) };
}

static struct truth truth_of(struct world *world)
{
    static const struct statement statement = {
        "SELECT (SELECT count(*) FROM G_LOG_MESSAGES WHERE app_name = 'x'),"
        " (SELECT count(DISTINCT text) FROM G_LOG_MESSAGES WHERE app_name = 'x'),"
        " (SELECT count(*) FROM alarm WHERE state = 1), (SELECT sum(detections) FROM alarm)"
    };
    struct truth truth;
    struct store *store;
    struct fault fault = { 0 };
    struct query query = { .statement = &statement };
    CHECK_OK(store_open(world->life, world->loop, NULL, TEXT("sim:/data/control/control.db"),
                        MIGRATIONS_CONTROL, NULL, &store, &fault));
    CHECK_OK(store_query_now(store, &query, on_truth, &truth));
    return truth;
}

static void check(struct world *world, enum sim_crash crash)
{
    sim_disk_stop_after(world->loop, TEXT(""), 0, NULL, NULL);
    die(world, crash);
    struct truth truth = truth_of(world);
    CHECK_I64(truth.rows, RECORDS);
    CHECK_I64(truth.different, RECORDS);
    CHECK_I64(truth.alarms, 1);
    CHECK_I64(truth.detections, (RECORDS + 3) / 4);
}

static void die_at_each_deed(enum sim_crash crash)
{
    uint32_t deaths = 0;
    for (uint64_t deed = 1; deed < 400; deed++) {
        struct world *world = world_new(deed);
        run(world, crash, deed);
        uint32_t lives = world->lives;
        check(world, crash);
        scope_close(world->life);
        deaths += lives - 1;
        if (lives == 1) break; /* it had ended before that deed */
    }
    CHECK(deaths > 10);
}

TEST(a_kill_at_any_deed_loses_no_acknowledged_record_and_no_alarm)
{
    die_at_each_deed(SIM_CRASH_PROCESS);
}

TEST(nor_does_the_power)
{
    die_at_each_deed(SIM_CRASH_POWER);
}
