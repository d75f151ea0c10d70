/* SPDX-License-Identifier: Apache-2.0 */
/* An application between a supervisor and a config of ours, all in one process on a virtual clock.
 */
#include "tests/unit/test.h"

#include "app/licence.h"
#include "app/private.h"
#include "gen/counters.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "io/net/sim_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct text supervisor_address = { "unix:/run/supervisor.sock", 25 };
static const struct text config_address = { "127.0.0.1:2020", 14 };

/* --- the server under the application ----------------------------------------------------------
 */

struct server {
    struct app *app;
    uint32_t starts, changes, suspends, stops;
    uint64_t requests;
    bool fails, holds_stop;
    char option[32];
};
static struct server server; /* start() can be told nothing else */

static void note_option(void)
{
    const struct outbound_options *options = server.app->options;
    snprintf(server.option, sizeof server.option, "%u/%u", options->http_retry_max_attempts,
             options->outbox_rows_max);
}

static enum err start(struct app *app, void **self, struct fault *fault)
{
    server.app = app;
    server.starts++;
    *self = &server;
    if (server.fails) return fault_set(fault, ERR_IO, "", "the disk is gone");
    note_option();
    app_running(app);
    return ERR_OK;
}

static void changed(void *self)
{
    ((struct server *)self)->changes++;
    note_option();
}

static void suspend(void *self)
{
    ((struct server *)self)->suspends++;
}

static void stop(void *self)
{
    struct server *it = self;
    it->stops++;
    if (!it->holds_stop) app_stopped(it->app);
}

static void count(void *self, void *counters)
{
    ((struct outbound_counters *)counters)->http_requests_total = ((struct server *)self)->requests;
}

static const char *const wanted[] = { "Campaign", NULL };
static const struct app_type outbound_type = { .name = "outbound",
                                               .options = &OPTIONS_OUTBOUND,
                                               .counters = &COUNTERS_OUTBOUND,
                                               .count = count,
                                               .objects = wanted,
                                               .start = start,
                                               .changed = changed,
                                               .suspend = suspend,
                                               .stop = stop };

/* --- its surroundings --------------------------------------------------------------------------
 */

struct world {
    struct scope *life, *supervisor_life, *config_life;
    struct loop *loop;
    struct net *net;
    struct app *app;
    struct link *to_app, *to_subscriber;
    char run[64];
    /* what the supervisor saw */
    uint32_t registers, heartbeats, idles, acknowledged, figures;
    int64_t requests; /* the figure */
    bool is_supported;
    char state[32], application[32];
    struct buf metrics;
    /* what config was asked, and what it answers */
    uint32_t subscribes, pages;
    uint64_t since_rev, rev;
    bool has_since;
    char epoch[16];
    const char *content, *first, *second; /* bodies of applications: one a page */
    const char *first_campaign;
    struct link_request *held;
    const char *its_epoch; /* NULL: e1 */
    /* of licences */
    uint32_t checkouts, checkins, asked_seats, granted_seats;
    char group[16];
    bool is_unlimited;
};

static struct link_identity secret_holder(const char *name)
{
    return (struct link_identity){ .application = text_of(name),
                                   .role = TEXT("primary"),
                                   .secret = APP_TEST_SECRET,
                                   .secret_is_master = true };
}

static void on_register(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    const struct supervisor_register *asked = fields;
    world->registers++;
    world->to_app = link_request_link(request);
    (void)text_to_z(asked->state, world->state, sizeof world->state);
    (void)text_to_z(asked->application, world->application, sizeof world->application);
    struct supervisor_registered reply = { 0 };
    link_reply(request, &reply);
}

static void on_status(void *self, struct link *link, const void *fields)
{
    struct world *world = self;
    (void)link;
    (void)text_to_z(((const struct supervisor_status *)fields)->state, world->state,
                    sizeof world->state);
}

static void on_heartbeat(void *self, struct link *link, const void *fields)
{
    (void)link, (void)fields;
    ((struct world *)self)->heartbeats++;
}

static void on_idle(void *self, struct link *link, const void *fields)
{
    (void)link, (void)fields;
    ((struct world *)self)->idles++;
}

static void on_custom(void *self, struct link *link, const void *fields)
{
    struct world *world = self;
    const struct supervisor_custom *custom = fields;
    const struct value *requests = kv_find(&custom->values, TEXT("http_requests_total"));
    (void)link;
    world->figures++;
    CHECK_U32(custom->values.count, COUNTERS_OUTBOUND.count);
    world->requests = requests ? requests->integer : -1;
}

static const struct link_handler supervisor_handlers[] = {
    { .msg = &MSG_SUPERVISOR_REGISTER, .on_request = on_register },
    { .msg = &MSG_SUPERVISOR_STATUS, .on_event = on_status },
    { .msg = &MSG_SUPERVISOR_HEARTBEAT, .on_event = on_heartbeat },
    { .msg = &MSG_SUPERVISOR_IDLE, .on_event = on_idle },
    { .msg = &MSG_SUPERVISOR_CUSTOM, .on_event = on_custom },
    { 0 },
};

static struct config_config_object object(const char *type, uint32_t dbid, uint64_t rev,
                                          const char *key, const char *body)
{
    struct config_config_object it = {
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY,
        .type = text_of(type),
        .dbid = dbid,
        .rev = rev,
        .key = text_of(key),
        .body = text_of(body),
    };
    if (body) it.head.has |= CONFIG_CONFIG_OBJECT_HAS_BODY;
    return it;
}

static void answer_page(struct world *world, struct link_request *request, const char *body,
                        bool is_last)
{
    struct config_config_object objects[2] = { object("Application", 11, world->rev, "outbound",
                                                      body) };
    uint32_t count = body != NULL;
    if (world->first_campaign)
        objects[count++] = object("Campaign", 21, world->rev, "spring", world->first_campaign);
    struct config_snapshot page = {
        .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                    CONFIG_SNAPSHOT_HAS_CONTENT | CONFIG_SNAPSHOT_HAS_OBJECTS,
        .rev = world->rev,
        .epoch = text_of(world->its_epoch ? world->its_epoch : "e1"),
        .content = text_of(world->content),
        .objects = { objects, count },
        .cursor = TEXT("next"),
    };
    if (!is_last) page.head.has |= CONFIG_SNAPSHOT_HAS_CURSOR;
    link_reply(request, &page);
}

static void on_subscribe(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    const struct config_subscribe *asked = fields;
    world->subscribes++;
    world->to_subscriber = link_request_link(request);
    world->has_since = (asked->head.has & CONFIG_SUBSCRIBE_HAS_SINCE_REV) != 0;
    world->since_rev = asked->since_rev;
    (void)text_to_z(asked->epoch, world->epoch, sizeof world->epoch);
    CHECK_U32(asked->types.count, 4); /* Application, AppPrototype, Host, Campaign */
    answer_page(world, request, world->first, world->second == NULL);
}

static void on_next(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    CHECK_TEXT(((const struct config_snapshot_next *)fields)->cursor, "next");
    world->pages++;
    world->held = request;
}

static void on_checkout(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    const struct config_checkout_licence *asked = fields;
    world->checkouts++;
    world->asked_seats = asked->count;
    (void)text_to_z(asked->group, world->group, sizeof world->group);
    struct config_licence_granted granted = {
        .head.has = CONFIG_LICENCE_GRANTED_HAS_GRANTED | CONFIG_LICENCE_GRANTED_HAS_LEASE |
                    CONFIG_LICENCE_GRANTED_HAS_UNLIMITED,
        .granted = world->granted_seats,
        .lease = 60,
        .unlimited = world->is_unlimited,
    };
    link_reply(request, &granted);
}

static void on_checkin(void *self, struct link_request *request, const void *fields)
{
    struct config_licence_granted none = { .head.has = CONFIG_LICENCE_GRANTED_HAS_GRANTED |
                                                       CONFIG_LICENCE_GRANTED_HAS_LEASE };
    (void)fields;
    ((struct world *)self)->checkins++;
    link_reply(request, &none);
}

static const struct link_handler config_handlers[] = {
    { .msg = &MSG_CONFIG_CHECKIN_LICENCE, .on_request = on_checkin },
    { .msg = &MSG_CONFIG_CHECKOUT_LICENCE, .on_request = on_checkout },
    { .msg = &MSG_CONFIG_SUBSCRIBE, .on_request = on_subscribe },
    { .msg = &MSG_CONFIG_SNAPSHOT_NEXT, .on_request = on_next },
    { 0 },
};

#define APPLICATION(options)                                                                       \
    "{\"name\":\"outbound\",\"template\":\"outbound\",\"options\":{" options "}}"
#define PLAIN  APPLICATION("")
#define SPRING "{\"name\":\"spring\"}"

static void run_supervisor(struct world *world)
{
    struct link_server *listener;
    struct link_identity identity = secret_holder("supervisor");
    world->supervisor_life = scope_new(world->life, "supervisor", SCOPE_NO_LIMIT);
    CHECK_OK(link_listen(world->supervisor_life, world->net, NULL, supervisor_address, &identity,
                         NULL, supervisor_handlers, NULL, world, &listener, NULL));
}

static void run_config(struct world *world)
{
    struct link_server *listener;
    struct link_identity identity = secret_holder("config");
    world->config_life = scope_new(world->life, "config", SCOPE_NO_LIMIT);
    CHECK_OK(link_listen(world->config_life, world->net, NULL, config_address, &identity, NULL,
                         config_handlers, NULL, world, &listener, NULL));
}

static struct world *world_new(void)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    world->life = life;
    world->loop = loop_new_virtual(life, 1000000, 3);
    world->net = net_new(life, world->loop);
    world->rev = 5;
    world->content = "objects";
    world->first = PLAIN;
    world->first_campaign = SPRING;
    snprintf(world->run, sizeof world->run, "/tmp/carillon-app-XXXXXX");
    CHECK(mkdtemp(world->run) != NULL);
    server = (struct server){ 0 };
    return world;
}

static void world_free(struct world *world)
{
    char path[100], run[64];
    snprintf(run, sizeof run, "%s", world->run);
    buf_free(&world->metrics);
    scope_close(world->life);
    snprintf(path, sizeof path, "%s/outbound.cfgcache", run);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/outbound.seat.seats", run);
    (void)unlink(path);
    CHECK(rmdir(run) == 0);
}

static void bear(struct world *world, const struct app_type *type)
{
    struct birth birth = { .application = TEXT("outbound"),
                           .run = text_of(world->run),
                           .data = text_of(world->run),
                           .host = TEXT("localhost"),
                           .config = config_address,
                           .config_application = TEXT("config"),
                           .supervisor = supervisor_address };
    link_derive_key(APP_TEST_SECRET, birth.application, birth.key);
    world->app = app_new(scope_new(world->life, "app", SCOPE_NO_LIMIT), world->loop, type, &birth);
    app_connect(world->app);
}

static struct world *everything_up(void)
{
    struct world *world = world_new();
    run_supervisor(world);
    run_config(world);
    bear(world, &outbound_type);
    loop_run_for(world->loop, 100);
    return world;
}

static void send_changed(struct world *world, uint64_t rev, const char *op,
                         struct config_config_object changed_object)
{
    struct config_changed_object change = {
        .head.has = CONFIG_CHANGED_OBJECT_HAS_OP | CONFIG_CHANGED_OBJECT_HAS_OBJECT,
        .op = text_of(op),
        .object = &changed_object,
    };
    struct config_changed event = { .head.has = CONFIG_CHANGED_HAS_REV | CONFIG_CHANGED_HAS_OPS,
                                    .rev = rev,
                                    .ops = { &change, op != NULL } };
    link_send(world->to_subscriber, &MSG_CONFIG_CHANGED, &event);
    loop_run_for(world->loop, 10);
}

static bool has_campaign(const struct world *world, const char *name)
{
    return app_object(world->app, &OBJECT_CAMPAIGN, text_of(name)) != NULL;
}

/* --- birth -------------------------------------------------------------------------------------
 */

TEST(it_registers_reads_its_configuration_starts_and_says_running)
{
    struct world *world = everything_up();
    CHECK_U32(world->registers, 1);
    CHECK_TEXT(text_of(world->application), "outbound");
    CHECK_U32(server.starts, 1);
    CHECK_TEXT(text_of(world->state), "running");
    CHECK(has_campaign(world, "spring"));
    CHECK(app_self(world->app) != NULL);
    CHECK_I64(app_config_rev(world->app), 5);
    world_free(world);
}

TEST(a_server_that_cannot_start_ends_the_process_with_an_exit_code)
{
    struct world *world = world_new();
    run_supervisor(world);
    run_config(world);
    server.fails = true;
    bear(world, &outbound_type);
    loop_run(world->loop);
    CHECK_U32(server.starts, 1);
    CHECK_I64(world->app->private->exit_code, 1);
    CHECK_U32(server.stops, 0);
    world_free(world);
}

TEST(a_server_that_cannot_start_is_not_started_twice)
{
    struct world *world = world_new();
    run_supervisor(world);
    run_config(world);
    server.fails = true;
    bear(world, &outbound_type);
    loop_run_for(world->loop, 100);
    CHECK_TEXT(text_of(world->state), "service-unavailable");
    server.fails = false;
    struct config_resync resync = { 0 };
    link_send(world->to_subscriber, &MSG_CONFIG_RESYNC, &resync);
    loop_run_for(world->loop, 100);
    CHECK_U32(world->subscribes, 2);
    CHECK_U32(server.starts, 1); /* what the first one left is still there */
    CHECK_I64(world->app->private->exit_code, 1);
    world_free(world);
}

TEST(the_server_starts_only_when_the_last_page_is_there)
{
    struct world *world = world_new();
    run_supervisor(world);
    run_config(world);
    world->second = APPLICATION("\"x\":{}");
    bear(world, &outbound_type);
    loop_run_for(world->loop, 100);
    CHECK_U32(world->pages, 1);
    CHECK_U32(server.starts, 0);
    /* A change comes between the pages: it is applied in the order of its arrival. */
    send_changed(world, 6, "added", object("Campaign", 22, 6, "summer", "{\"name\":\"summer\"}"));
    CHECK_U32(server.starts, 0);
    answer_page(world, world->held, world->second, true);
    loop_run_for(world->loop, 10);
    CHECK_U32(server.starts, 1);
    CHECK(has_campaign(world, "summer"));
    CHECK_I64(app_config_rev(world->app), 6);
    world_free(world);
}

/* --- changes -----------------------------------------------------------------------------------
 */

TEST(a_change_is_applied_and_the_server_told_once)
{
    struct world *world = everything_up();
    send_changed(world, 6, "added", object("Campaign", 22, 6, "summer", "{\"name\":\"summer\"}"));
    CHECK_U32(server.changes, 1);
    CHECK(has_campaign(world, "summer"));
    send_changed(world, 7, "deleted", object("Campaign", 21, 7, "spring", NULL));
    CHECK_U32(server.changes, 2);
    CHECK(!has_campaign(world, "spring"));
    send_changed(world, 8, NULL, object("Campaign", 21, 7, "spring", NULL)); /* of other types */
    CHECK_U32(server.changes, 2);
    CHECK_I64(app_config_rev(world->app), 8);
    send_changed(world, 8, "deleted", object("Campaign", 22, 8, "summer", NULL)); /* twice */
    CHECK(has_campaign(world, "summer"));
    world_free(world);
}

TEST(an_immediate_option_acts_now_and_one_of_restart_waits)
{
    struct world *world = everything_up();
    CHECK_TEXT(text_of(server.option), "3/1000000");
    send_changed(world, 6, "changed",
                 object("Application", 11, 6, "outbound",
                        APPLICATION("\"outbound\":{\"http-retry-max-attempts\":\"5\","
                                    "\"outbox-rows-max\":\"2000\"}")));
    CHECK_TEXT(text_of(server.option), "5/1000000");
    send_changed(world, 7, "changed",
                 object("Application", 11, 7, "outbound",
                        APPLICATION("\"outbound\":{\"http-retry-max-attempts\":\"5000\"}")));
    CHECK_TEXT(text_of(server.option), "5/1000000"); /* invalid: the former holds */
    world_free(world);
}

TEST(the_template_gives_what_the_application_does_not_say)
{
    struct world *world = everything_up();
    send_changed(
        world, 6, "added",
        object("AppPrototype", 31, 6, "outbound",
               "{\"name\":\"outbound\",\"type\":\"CMServer\",\"version\":\"1\",\"options\":"
               "{\"outbound\":{\"http-retry-max-attempts\":\"7\"}}}"));
    CHECK_TEXT(text_of(server.option), "7/1000000");
    send_changed(world, 7, "changed",
                 object("Application", 11, 7, "outbound",
                        APPLICATION("\"outbound\":{\"http-retry-max-attempts\":\"5\"}")));
    CHECK_TEXT(text_of(server.option), "5/1000000");
    world_free(world);
}

#define CLUSTER(settings)                                                                          \
    "{\"name\":\"cluster\",\"type\":\"ApplicationCluster\",\"options\":{" settings                 \
    "\"default\":{\"http-retry-max-attempts\":\"7\"}}}"
#define NODE(options)                                                                              \
    "{\"name\":\"outbound\",\"connections\":[{\"server\":\"cluster\"}],\"options\":{" options "}}"

TEST(F9_a_node_sees_what_its_cluster_says_until_it_says_something_itself)
{
    struct world *world = everything_up();
    send_changed(world, 6, "added", object("Application", 12, 6, "cluster", CLUSTER("")));
    CHECK_TEXT(text_of(server.option), "3/1000000"); /* not listed: not its cluster */
    send_changed(world, 7, "changed", object("Application", 11, 7, "outbound", NODE("")));
    CHECK_TEXT(text_of(server.option), "7/1000000");
    send_changed(world, 8, "changed",
                 object("Application", 11, 8, "outbound",
                        NODE("\"outbound\":{\"http-retry-max-attempts\":\"5\"}")));
    CHECK_TEXT(text_of(server.option), "5/1000000");
    world_free(world);
}

TEST(a_client_of_a_cluster_of_servers_takes_no_options_from_it)
{
    struct world *world = everything_up();
    send_changed(world, 6, "changed", object("Application", 11, 6, "outbound", NODE("")));
    send_changed(
        world, 7, "added",
        object("Application", 12, 7, "cluster",
               CLUSTER("\"cluster-settings\":{\"cluster-type\":\"Interaction Server\"},")));
    CHECK_TEXT(text_of(server.option), "3/1000000");
    world_free(world);
}

TEST(F10_a_wait_of_five_seconds_holds_at_once)
{
    struct world *world = everything_up();
    send_changed(
        world, 6, "changed",
        object("Application", 11, 6, "outbound",
               "{\"name\":\"outbound\",\"annex\":{\"sml\":{\"suspending-wait-timeout\":\"5\"}}}"));
    CHECK_U32(((const struct common_options *)world->app->options)->sml_suspending_wait_timeout, 5);
    world_free(world);
}

TEST(what_the_first_configuration_says_needs_no_restart)
{
    struct world *world = world_new();
    run_supervisor(world);
    run_config(world);
    world->first = APPLICATION("\"outbound\":{\"outbox-rows-max\":\"2000\"}");
    bear(world, &outbound_type);
    loop_run_for(world->loop, 100);
    CHECK_TEXT(text_of(server.option), "3/2000");
    world_free(world);
}

TEST(F6_after_a_reconnect_it_goes_on_from_its_revision)
{
    struct world *world = everything_up();
    scope_close(world->config_life);
    loop_run_for(world->loop, 20000);
    CHECK(has_campaign(world, "spring")); /* it works with what it knows */
    world->content = "changes";
    world->first = world->first_campaign = NULL;
    world->rev = 10;
    run_config(world);
    loop_run_for(world->loop, 5000);
    CHECK_U32(world->subscribes, 2);
    CHECK(world->has_since);
    CHECK_I64(world->since_rev, 5);
    CHECK_TEXT(text_of(world->epoch), "e1");
    for (uint64_t rev = 6; rev <= 10; rev++) {
        char key[16], body[40];
        snprintf(key, sizeof key, "c%u", (unsigned)rev);
        snprintf(body, sizeof body, "{\"name\":\"%s\"}", key);
        send_changed(world, rev, "added", object("Campaign", 100 + (uint32_t)rev, rev, key, body));
        CHECK(has_campaign(world, key));
    }
    CHECK_U32(server.changes, 5);
    CHECK_U32(server.starts, 1);
    world_free(world);
}

TEST(a_missing_revision_makes_it_read_everything_anew)
{
    struct world *world = everything_up();
    world->rev = 9;
    send_changed(world, 8, "added", object("Campaign", 22, 8, "summer", "{\"name\":\"summer\"}"));
    loop_run_for(world->loop, 100);
    CHECK_U32(world->subscribes, 2);
    CHECK(!world->has_since);
    CHECK(!has_campaign(world, "summer")); /* the snapshot did not bring it */
    CHECK(has_campaign(world, "spring"));
    CHECK_I64(app_config_rev(world->app), 9);
    world_free(world);
}

TEST(resync_deletes_what_is_no_longer_there)
{
    struct world *world = everything_up();
    world->first_campaign = NULL;
    world->rev = 9;
    struct config_resync resync = { 0 };
    link_send(world->to_subscriber, &MSG_CONFIG_RESYNC, &resync);
    loop_run_for(world->loop, 100);
    CHECK(!has_campaign(world, "spring"));
    CHECK_U32(server.changes, 1);
    world_free(world);
}

/* A backup was restored: it counts from below. */
TEST(another_store_with_lower_revisions_takes_the_place_of_what_was_known)
{
    struct world *world = everything_up();
    scope_close(world->config_life);
    loop_run_for(world->loop, 100);
    world->its_epoch = "e2";
    world->rev = 2;
    world->first_campaign = "{\"name\":\"spring\",\"description\":\"of before\"}";
    run_config(world);
    loop_run_for(world->loop, 5000);
    CHECK(has_campaign(world, "spring"));
    const struct app_object *spring = app_object(world->app, &OBJECT_CAMPAIGN, TEXT("spring"));
    CHECK_I64(spring->rev, 2);
    CHECK_I64(app_config_rev(world->app), 2);
    world_free(world);
}

TEST(config_and_its_backup_are_tried_by_turns_without_limit)
{
    struct world *world = everything_up();
    send_changed(
        world, 6, "added",
        object("Application", 12, 6, "config",
               "{\"name\":\"config\",\"backupServer\":\"copy\",\"ports\":[{\"id\":\"default\","
               "\"number\":2020}]}"));
    send_changed(world, 7, "added",
                 object("Application", 13, 7, "copy",
                        "{\"name\":\"copy\",\"ports\":[{\"id\":\"default\",\"number\":2019}]}"));
    scope_close(world->config_life);
    struct link_server *listener;
    struct link_identity identity = secret_holder("copy");
    struct scope *copy_life = scope_new(world->life, "copy", SCOPE_NO_LIMIT);
    loop_run_for(world->loop, 100 * 1000); /* nobody is there */
    world->content = "changes";
    world->first = world->first_campaign = NULL;
    CHECK_OK(link_listen(copy_life, world->net, NULL, TEXT("127.0.0.1:2019"), &identity, NULL,
                         config_handlers, NULL, world, &listener, NULL));
    uint32_t before = world->subscribes;
    loop_run_for(world->loop, 21 * 1000);
    CHECK_U32(world->subscribes, before + 1);
    CHECK_I64(world->since_rev, 7);
    scope_close(copy_life);
    run_config(world);
    loop_run_for(world->loop, 21 * 1000);
    CHECK_U32(world->subscribes, before + 2);
    CHECK(has_campaign(world, "spring"));
    world_free(world);
}

TEST(a_snapshot_that_breaks_off_deletes_nothing)
{
    struct world *world = everything_up();
    world->first_campaign = NULL;
    world->second = PLAIN;
    world->rev = 9;
    struct config_resync resync = { 0 };
    link_send(world->to_subscriber, &MSG_CONFIG_RESYNC, &resync);
    loop_run_for(world->loop, 50);
    scope_close(world->config_life);
    loop_run_for(world->loop, 50);
    CHECK(has_campaign(world, "spring"));
    world->second = NULL;
    run_config(world);
    loop_run_for(world->loop, 3000);
    CHECK(!has_campaign(world, "spring"));
    world_free(world);
}

/* --- the cache ---------------------------------------------------------------------------------
 */

TEST(without_config_it_starts_from_the_cache_of_its_last_run)
{
    struct world *world = everything_up();
    send_changed(world, 6, "added", object("Campaign", 22, 6, "summer", "{\"name\":\"summer\"}"));
    loop_run_for(world->loop, 10);
    struct stat status;
    char path[100];
    snprintf(path, sizeof path, "%s/outbound.cfgcache", world->run);
    CHECK(stat(path, &status) == 0);
    CHECK_U32(status.st_mode & 0777, 0600);
    scope_close(world->app->life);
    scope_close(world->config_life);
    server = (struct server){ 0 };
    bear(world, &outbound_type);
    loop_run_for(world->loop, 2900);
    CHECK_U32(server.starts, 0);
    loop_run_for(world->loop, 200);
    CHECK_U32(server.starts, 1);
    CHECK(has_campaign(world, "summer"));
    CHECK(has_campaign(world, "spring"));
    CHECK_TEXT(text_of(world->state), "running");
    world->content = "changes";
    world->first = world->first_campaign = NULL;
    run_config(world);
    loop_run_for(world->loop, 5000);
    CHECK(world->has_since);
    CHECK_I64(world->since_rev, 6);
    world_free(world);
}

/* Of its last run the application has a cache; now config sends one page of two. */
static struct world *half_a_snapshot(void)
{
    struct world *world = everything_up();
    scope_close(world->app->life);
    server = (struct server){ 0 };
    world->second = PLAIN;
    bear(world, &outbound_type);
    loop_run_for(world->loop, 2000);
    CHECK_U32(world->pages, 1);
    loop_run_for(world->loop, 2000);
    CHECK_U32(server.starts, 0); /* a slow config is waited for */
    return world;
}

TEST(config_that_dies_amid_its_pages_does_not_keep_it_from_its_cache)
{
    struct world *world = half_a_snapshot();
    scope_close(world->config_life);
    loop_run_for(world->loop, 10);
    CHECK_U32(server.starts, 1);
    CHECK(has_campaign(world, "spring"));
    world->second = NULL;
    world->content = "changes";
    world->first = world->first_campaign = NULL;
    run_config(world);
    loop_run_for(world->loop, 5000);
    CHECK(world->has_since);
    CHECK_TEXT(text_of(world->epoch), "e1");
    CHECK_I64(world->since_rev, 5);
    world_free(world);
}

TEST(config_that_is_silent_amid_its_pages_does_not_keep_it_from_its_cache)
{
    struct world *world = half_a_snapshot();
    sim_net_cut(world->net, config_address, true);
    loop_run_for(world->loop, 25 * 1000); /* twice ADDP's time */
    CHECK_U32(server.starts, 1);
    world_free(world);
    /* Alive, but the page never comes. */
    world = half_a_snapshot();
    loop_run_for(world->loop, 31 * 1000);
    CHECK_U32(server.starts, 1);
    world_free(world);
}

TEST(where_a_cached_start_is_not_allowed_it_waits)
{
    struct world *world = world_new();
    run_supervisor(world);
    run_config(world);
    world->first = APPLICATION("\"common\":{\"allow-cached-start\":\"false\"}");
    bear(world, &outbound_type);
    loop_run_for(world->loop, 100);
    CHECK_U32(server.starts, 1);
    scope_close(world->app->life);
    scope_close(world->config_life);
    bear(world, &outbound_type);
    loop_run_for(world->loop, 10000);
    CHECK_U32(server.starts, 1);
    run_config(world);
    loop_run_for(world->loop, 5000);
    CHECK_U32(server.starts, 2);
    world_free(world);
}

TEST(a_cache_that_others_may_read_or_that_is_broken_is_not_used)
{
    struct world *world = everything_up();
    char path[100];
    snprintf(path, sizeof path, "%s/outbound.cfgcache", world->run);
    scope_close(world->app->life);
    scope_close(world->config_life);
    CHECK(chmod(path, 0644) == 0);
    bear(world, &outbound_type);
    loop_run_for(world->loop, 5000);
    CHECK_U32(server.starts, 1);
    scope_close(world->app->life);
    CHECK(chmod(path, 0600) == 0);
    CHECK(truncate(path, 40) == 0);
    bear(world, &outbound_type);
    loop_run_for(world->loop, 5000);
    CHECK_U32(server.starts, 1);
    world_free(world);
}

/* --- the supervisor ----------------------------------------------------------------------------
 */

TEST(a_lost_supervisor_is_waited_for_then_it_stops_cleanly)
{
    struct world *world = everything_up();
    scope_close(world->supervisor_life);
    loop_run_for(world->loop, 14900);
    CHECK_U32(server.stops, 0);
    loop_run_for(world->loop, 200);
    CHECK_U32(server.stops, 1);
    CHECK_I64(world->app->private->exit_code, 0);
    world_free(world);
}

TEST(figures_are_told_when_it_runs_and_when_they_moved) /* framework 5, custom */
{
    struct world *world = everything_up();
    loop_run_for(world->loop, 1000);
    CHECK_U32(world->figures, 1);
    CHECK_I64(world->requests, 0);
    loop_run_for(world->loop, 60000);
    CHECK_U32(world->figures, 1); /* nothing moved */
    server.requests = 81;
    loop_run_for(world->loop, 10000);
    CHECK_U32(world->figures, 2);
    CHECK_I64(world->requests, 81);
    scope_close(world->supervisor_life);
    run_supervisor(world);
    loop_run_for(world->loop, 5000);
    CHECK_U32(world->figures, 3); /* a new one knows none */
    world_free(world);
}

TEST(a_new_supervisor_adopts_it)
{
    struct world *world = everything_up();
    scope_close(world->supervisor_life);
    loop_run_for(world->loop, 10000);
    run_supervisor(world);
    loop_run_for(world->loop, 1500);
    CHECK_U32(world->registers, 2);
    CHECK_TEXT(text_of(world->state), "running"); /* it came with the registration */
    loop_run_for(world->loop, 60000);
    CHECK_U32(server.stops, 0);
    world_free(world);
}

static void on_acknowledge(void *self, const struct link_error *error, const void *fields)
{
    struct world *world = self;
    CHECK(error == NULL);
    world->acknowledged++;
    world->is_supported = ((const struct supervisor_suspend_acknowledge *)fields)->supported;
}

static void order_suspend(struct world *world)
{
    struct supervisor_suspend order = { 0 };
    link_ask(world->to_app, &MSG_SUPERVISOR_SUSPEND, &order, NULL, 1000, on_acknowledge, world);
    loop_run_for(world->loop, 10);
}

TEST(suspend_is_passed_on_and_idle_reported)
{
    struct world *world = everything_up();
    order_suspend(world);
    CHECK(world->is_supported);
    CHECK_U32(server.suspends, 1);
    CHECK_TEXT(text_of(world->state), "suspending");
    CHECK_U32(world->idles, 0);
    app_idle(world->app);
    app_idle(world->app);
    loop_run_for(world->loop, 10);
    CHECK_U32(world->idles, 1);
    CHECK_TEXT(text_of(world->state), "suspended");
    world_free(world);
}

TEST(a_server_that_cannot_suspend_says_so)
{
    struct app_type simple = outbound_type;
    simple.suspend = NULL;
    struct world *world = world_new();
    run_supervisor(world);
    run_config(world);
    bear(world, &simple);
    loop_run_for(world->loop, 100);
    order_suspend(world);
    CHECK_U32(world->acknowledged, 1);
    CHECK(!world->is_supported);
    CHECK_TEXT(text_of(world->state), "running");
    world_free(world);
}

static void on_stopped(void *self, const struct link_error *error, const void *fields)
{
    (void)fields;
    ((struct world *)self)->acknowledged += error == NULL;
}

TEST(stop_is_acknowledged_before_the_process_ends)
{
    struct world *world = everything_up();
    server.holds_stop = true;
    struct supervisor_stop order = { 0 };
    link_ask(world->to_app, &MSG_SUPERVISOR_STOP, &order, NULL, 1000, on_stopped, world);
    loop_run_for(world->loop, 500);
    CHECK_U32(world->acknowledged, 1);
    CHECK_U32(server.stops, 1);
    CHECK_TEXT(text_of(world->state), "stopping");
    send_changed(world, 6, "deleted", object("Campaign", 21, 6, "spring", NULL));
    CHECK_U32(server.changes, 0); /* no news for one who stops */
    app_stopped(world->app);
    loop_run(world->loop); /* returns: the loop was stopped */
    CHECK_U32(server.stops, 1);
    world_free(world);
}

TEST(heartbeats_come_three_times_a_period)
{
    struct world *world = everything_up();
    loop_run_for(world->loop, 60000);
    CHECK_U32(world->heartbeats, 0);
    send_changed(world, 6, "changed",
                 object("Application", 11, 6, "outbound",
                        "{\"name\":\"outbound\",\"template\":\"outbound\",\"annex\":"
                        "{\"sml\":{\"heartbeat-period\":\"30\"},\"other\":{\"x\":\"1\"}}}"));
    loop_run_for(world->loop, 60000);
    CHECK_U32(world->heartbeats, 6);
    world_free(world);
}

/* --- small answers -----------------------------------------------------------------------------
 */

TEST(a_port_is_found_with_the_address_of_its_host)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new_virtual(life, 1, 1);
    struct app *app = app_new_for_test(life, loop, &outbound_type, TEXT("outbound"));
    struct fault fault;
    CHECK_OK(app_put_object(app, &OBJECT_HOST, 1, 1, TEXT(""),
                            TEXT("{\"name\":\"h\",\"ipAddress\":\"127.0.0.9\"}"), &fault));
    CHECK_OK(app_put_object(app, &OBJECT_HOST, 2, 1, TEXT(""),
                            TEXT("{\"name\":\"six\",\"ipAddress\":\"::1\"}"), &fault));
    CHECK_OK(app_put_object(app, &OBJECT_APPLICATION, 3, 1, TEXT(""),
                            TEXT("{\"name\":\"outbound\",\"template\":\"t\",\"host\":\"h\","
                                 "\"ports\":[{\"id\":\"default\","
                                 "\"number\":6100},{\"id\":\"http\",\"number\":6101}]}"),
                            &fault));
    CHECK_OK(
        app_put_object(app, &OBJECT_APPLICATION, 4, 1, TEXT(""),
                       TEXT("{\"name\":\"chat\",\"template\":\"t\",\"host\":\"six\",\"ports\":[{"
                            "\"id\":\"default\",\"number\":6180}]}"),
                       &fault));
    app_objects_changed(app, 1);
    CHECK_TEXT(app_port_address(app, TEXT("outbound"), TEXT("default")), "127.0.0.9:6100");
    CHECK_TEXT(app_port_address(app, TEXT("outbound"), TEXT("http")), "127.0.0.9:6101");
    CHECK_TEXT(app_port_address(app, TEXT("chat"), TEXT("default")), "[::1]:6180");
    CHECK_TEXT(app_port_address(app, TEXT("sms"), TEXT("default")), "");
    CHECK_OK(app_begin(app, &fault));
    CHECK(app_server(app) == &server);
    scope_close(life);
}

/* --- licences ----------------------------------------------------------------------------------
 */

TEST(seats_are_asked_for_again_within_their_lease_and_kept_a_day_without_config)
{
    struct world *world = everything_up();
    world->granted_seats = 10;
    struct licence *licence =
        licence_open(world->app->life, world->app, TEXT("seat"), 30, NULL, NULL);
    CHECK_U32(licence_seats(licence), 30); /* nobody has said otherwise */
    loop_run_for(world->loop, 100);
    CHECK_U32(licence_seats(licence), 10);
    CHECK_U32(world->asked_seats, 30);
    CHECK_TEXT(text_of(world->group), "11"); /* our DBID */
    world->granted_seats = 30;
    loop_run_for(world->loop, 59000);
    CHECK(world->checkouts >= 2);
    CHECK_U32(licence_seats(licence), 30);
    scope_close(world->config_life);
    loop_run_for(world->loop, (uint64_t)LICENCE_KEPT_MS - 60000);
    CHECK_U32(licence_seats(licence), 30);
    loop_run_for(world->loop, 120000);
    CHECK_U32(licence_seats(licence), 0);
    world->is_unlimited = true;
    run_config(world);
    loop_run_for(world->loop, 60000);
    CHECK_U32(licence_seats(licence), LICENCE_MAX);
    world_free(world);
}

TEST(both_members_of_a_pair_ask_for_one_group)
{
    struct world *world = everything_up();
    send_changed(world, 6, "added",
                 object("Application", 12, 6, "first",
                        "{\"name\":\"first\",\"backupServer\":\"outbound\"}"));
    struct licence *licence =
        licence_open(world->app->life, world->app, TEXT("seat"), LICENCE_MAX, NULL, NULL);
    loop_run_for(world->loop, 100);
    CHECK_TEXT(text_of(world->group), "12");
    CHECK_U32(world->asked_seats, LICENCE_MAX);
    licence_want(licence, 5);
    loop_run_for(world->loop, 100);
    CHECK_U32(world->asked_seats, 5);
    world_free(world);
}

/* A life of its own, as after a restart, which finds what the one before left. */
static struct licence *open_again(struct world *world, struct scope **life)
{
    *life = scope_new(world->app->life, "again", SCOPE_NO_LIMIT);
    return licence_open(*life, world->app, TEXT("seat"), LICENCE_MAX, NULL, NULL);
}

TEST(a_start_without_config_goes_on_with_the_last_grant_for_what_is_left_of_the_day)
{
    struct world *world = everything_up();
    struct scope *life;
    world->granted_seats = 10;
    struct licence *licence = open_again(world, &life);
    loop_run_for(world->loop, 1000);
    CHECK_U32(licence_seats(licence), 10);
    scope_close(world->config_life);
    loop_run_for(world->loop, LICENCE_KEPT_MS / 2);
    scope_close(life);
    licence = open_again(world, &life);
    CHECK_U32(licence_seats(licence), 10);
    loop_run_for(world->loop, LICENCE_KEPT_MS / 2 - 60000);
    CHECK_U32(licence_seats(licence), 10);
    loop_run_for(world->loop, 120000);
    CHECK_U32(licence_seats(licence), 0);
    run_config(world);
    loop_run_for(world->loop, 60000);
    CHECK_U32(licence_seats(licence), 10);
    world_free(world);
}

TEST(where_there_is_no_pool_there_is_no_limit_however_long_config_is_away)
{
    struct world *world = everything_up();
    struct scope *life;
    world->is_unlimited = true;
    struct licence *licence = open_again(world, &life);
    loop_run_for(world->loop, 1000);
    scope_close(world->config_life);
    loop_run_for(world->loop, 2 * (uint64_t)LICENCE_KEPT_MS);
    CHECK_U32(licence_seats(licence), LICENCE_MAX);
    scope_close(life);
    licence = open_again(world, &life);
    loop_run_for(world->loop, 2 * (uint64_t)LICENCE_KEPT_MS);
    CHECK_U32(licence_seats(licence), LICENCE_MAX);
    world_free(world);
}

static uint32_t troubles, ends_of_trouble;

static bool hears_all(void *self, enum log_level level)
{
    (void)self, (void)level;
    return true;
}

static void hear_trouble(void *self, const struct log_event *event, struct text context,
                         struct text line)
{
    (void)self, (void)context, (void)line;
    troubles += strcmp(event->id, "00-07100") == 0;
    ends_of_trouble += strcmp(event->id, "00-07101") == 0;
}

TEST(a_violation_and_a_silence_are_each_told_once_and_over_together)
{
    static const struct log_sink sink = { .wants = hears_all, .write = hear_trouble };
    struct world *world = everything_up();
    world->granted_seats = 1;
    struct licence *licence =
        licence_open(world->app->life, world->app, TEXT("seat"), 5, NULL, NULL);
    loop_run_for(world->loop, 1000);
    world->app->log = (struct log){ .sink = &sink };
    troubles = ends_of_trouble = 0;
    licence_violation(licence, "a1 finds no seat");
    licence_violation(licence, "a2 finds no seat");
    CHECK_U32(troubles, 1);
    scope_close(world->config_life);
    loop_run_for(world->loop, (uint64_t)LICENCE_KEPT_MS + 60000);
    CHECK_U32(troubles, 2);
    licence_violation(licence, NULL);
    CHECK_U32(ends_of_trouble, 0);
    run_config(world);
    loop_run_for(world->loop, 60000);
    CHECK_U32(ends_of_trouble, 1);
    world->app->log = (struct log){ 0 };
    world_free(world);
}

TEST(who_stops_gives_its_seats_back_but_not_those_of_a_pair)
{
    struct world *world = everything_up();
    world->granted_seats = 5;
    struct licence *licence =
        licence_open(world->app->life, world->app, TEXT("seat"), 5, NULL, NULL);
    loop_run_for(world->loop, 1000);
    licence_return(licence);
    loop_run_for(world->loop, 60000);
    CHECK_U32(world->checkins, 1);
    CHECK_U32(world->checkouts, 1); /* and asks for no more */
    send_changed(world, 6, "added",
                 object("Application", 12, 6, "first",
                        "{\"name\":\"first\",\"backupServer\":\"outbound\"}"));
    licence = licence_open(world->app->life, world->app, TEXT("seat"), 5, NULL, NULL);
    loop_run_for(world->loop, 1000);
    licence_return(licence);
    loop_run_for(world->loop, 60000);
    CHECK_U32(world->checkins, 1);
    world_free(world);
}
