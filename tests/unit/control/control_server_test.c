/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of control on a virtual clock, with supervisors and a config made by hand (framework 5,
 * 6; F13, F17). */
#include "tests/unit/app/place.h"
#include "tests/unit/test.h"

#include "app/app.h"
#include "base/table.h"
#include "format/json.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "io/net/sim_net.h"
#include "servers/control/server.h"

#include <stdio.h>
#include <string.h>

extern const struct app_type APP_TYPE_CONTROL;

enum { ORDERS_MAX = 32, START_UTC_MS = 1000000 };

/* One host's supervisor: does what a test tells it, and remembers what it was ordered. */
struct host {
    struct world *world;
    struct scope *life;
    struct link *link;
    const char *name;
    char orders[ORDERS_MAX][64];
    uint64_t ordered_ms[ORDERS_MAX];
    uint32_t order_count;
    int64_t clock_offset_ms;
    bool refuses;
};

struct world {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct app *app;
    struct place place;
    struct link_server *config;
    const char *mask; /* what config says of every person */
    bool is_config_silent;
    struct link *person; /* web, or a tool */
    struct buf answer, heard;
    bool is_answered;
    int64_t code;
    char error[64];
    uint64_t rev;
};

static uint64_t now_ms(const struct world *world)
{
    return loop_now_mono_ms(world->loop);
}

/* --- config ----------------------------------------------------------------------------------- */

static void on_read_effective(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    const struct config_read_effective *asked = fields;
    if (world->is_config_silent) {
        link_ignore(request);
        return;
    }
    CHECK_TEXT(asked->account, "person:Environment/1001");
    link_reply(request, &(struct config_effective){ .head.has = CONFIG_EFFECTIVE_HAS_MASK,
                                                    .mask = text_of(world->mask) });
}

/* Persons may read application A and solution S, and no host. */
static void on_read(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    const struct config_read *asked = fields;
    struct config_config_object one = {
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY,
        .type = asked->type,
        .dbid = 1,
        .rev = 1,
        .key = text_eq(asked->type, TEXT("Solution")) ? TEXT("S") : TEXT("A")
    };
    CHECK_TEXT(link_request_header(request)->person, "1001");
    link_reply(request, &(struct config_objects){
                            .head.has = CONFIG_OBJECTS_HAS_REV | CONFIG_OBJECTS_HAS_OBJECTS,
                            .rev = world->rev,
                            .objects = { &one, text_eq(asked->type, TEXT("Host")) ? 0 : 1 } });
}

static const struct link_handler config_handlers[] = {
    { .msg = &MSG_CONFIG_READ_EFFECTIVE, .on_request = on_read_effective },
    { .msg = &MSG_CONFIG_READ, .on_request = on_read },
    { 0 },
};

static struct link_identity identity_of(const char *name)
{
    return (struct link_identity){ .application = text_of(name),
                                   .role = TEXT("primary"),
                                   .secret = APP_TEST_SECRET,
                                   .secret_is_master = true };
}

/* --- control ---------------------------------------------------------------------------------- */

static uint32_t dbids;

static void put(struct world *world, const struct object_type *type, const char *json)
{
    struct fault fault = { 0 };
    CHECK_OK(app_put_object(world->app, type, ++dbids, 1, TEXT(""), text_of(json), &fault));
}

static void put_application(struct world *world, const char *name, const char *host,
                            const char *more)
{
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"name\":\"%s\",\"type\":\"CMServer\",\"host\":\"%s\",\"startupTimeout\":90,"
                   "\"shutdownTimeout\":90,\"startupType\":\"manual\"%s}",
                   name, host, more);
    put(world, &OBJECT_APPLICATION, json);
}

static void moved(struct world *world)
{
    app_objects_changed(world->app, ++world->rev);
    loop_run_for(world->loop, 10);
}

static void put_objects(struct world *world)
{
    put(world, &OBJECT_APPLICATION,
        "{\"name\":\"control\",\"type\":\"SCS\",\"host\":\"one\",\"ports\":[{\"id\":\"default\","
        "\"number\":2021}],\"connections\":[{\"server\":\"config\"}]}");
    put(world, &OBJECT_APPLICATION,
        "{\"name\":\"config\",\"type\":\"ConfigurationServer\",\"host\":\"one\",\"ports\":[{"
        "\"id\":\"default\",\"number\":2020}]}");
    put(world, &OBJECT_APPLICATION,
        "{\"name\":\"web\",\"type\":\"WebAPIServer\",\"host\":\"one\",\"logOnAs\":\"System\"}");
    put(world, &OBJECT_APPLICATION,
        "{\"name\":\"crm\",\"type\":\"ThirdPartyServer\",\"logOnAs\":\"System\"}");
    put(world, &OBJECT_HOST, "{\"name\":\"one\",\"ipAddress\":\"127.0.0.1\"}");
    put_application(world, "A", "one", "");
    put_application(world, "B", "one", "");
    put_application(world, "C", "one", "");
    put(world, &OBJECT_SOLUTION,
        "{\"name\":\"S\",\"startupType\":\"manual\",\"components\":["
        "{\"app\":\"C\",\"startupPriority\":3},{\"app\":\"A\",\"startupPriority\":1},"
        "{\"app\":\"B\",\"startupPriority\":2,\"isOptional\":true}]}");
}

static struct world *world_new(void)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    struct fault fault = { 0 };
    static struct link_identity config_identity;
    config_identity = identity_of("config");
    dbids = 100;
    world->life = life;
    world->mask = "RX";
    world->loop = loop_new_virtual(life, START_UTC_MS, 5);
    world->net = net_new(life, world->loop);
    CHECK_OK(link_listen(life, world->net, NULL, TEXT("127.0.0.1:2020"), &config_identity, NULL,
                         config_handlers, NULL, world, &world->config, &fault));
    world->app = app_new_for_test(life, world->loop, &APP_TYPE_CONTROL, TEXT("control"));
    place_app(&world->place, world->app);
    put_objects(world);
    app_objects_changed(world->app, ++world->rev);
    CHECK_OK(app_begin(world->app, &fault));
    loop_run_for(world->loop, 50);
    return world;
}

static void world_free(struct world *world)
{
    buf_free(&world->answer);
    buf_free(&world->heard);
    scope_close(world->life);
}

/* --- supervisors ------------------------------------------------------------------------------ */

static void on_order(void *self, struct link_request *request, const void *fields)
{
    struct host *host = self;
    const struct control_order_host *order = fields;
    CHECK(host->order_count < ORDERS_MAX);
    host->ordered_ms[host->order_count] = now_ms(host->world);
    (void)snprintf(host->orders[host->order_count++], sizeof host->orders[0], "%.*s %.*s",
                   TEXT_ARG(order->order), TEXT_ARG(order->name));
    if (host->refuses) {
        struct fault fault;
        fault_set(&fault, ERR_NOT_FOUND, "name", "is not of this host");
        link_refuse_fault(request, &fault);
        return;
    }
    link_reply(request, &(struct control_host_ordered){ 0 });
}

static void on_sample(void *self, struct link_request *request, const void *fields)
{
    const struct host *host = self;
    (void)fields;
    uint64_t utc_ms = loop_now_utc_ms(host->world->loop) + (uint64_t)host->clock_offset_ms;
    link_reply(request, &(struct control_host_sample){ .head.has = CONTROL_HOST_SAMPLE_HAS_HOST |
                                                                   CONTROL_HOST_SAMPLE_HAS_TIME,
                                                       .host = text_of(host->name),
                                                       .time = utc_ms });
}

static const struct link_handler host_handlers[] = {
    { .msg = &MSG_CONTROL_ORDER_HOST, .on_request = on_order },
    { .msg = &MSG_CONTROL_SAMPLE_HOST, .on_request = on_sample },
    { 0 },
};

static struct control_application_report report_of(const char *name, const char *state,
                                                   bool is_ordered)
{
    return (struct control_application_report){
        .head.has = CONTROL_APPLICATION_REPORT_HAS_NAME | CONTROL_APPLICATION_REPORT_HAS_STATE |
                    CONTROL_APPLICATION_REPORT_HAS_ORDERED | CONTROL_APPLICATION_REPORT_HAS_SINCE,
        .name = text_of(name),
        .state = text_of(state),
        .since = START_UTC_MS,
        .ordered = is_ordered,
    };
}

static void on_reported(void *self, const struct link_error *error, const void *fields)
{
    (void)self, (void)fields;
    CHECK(error == NULL);
}

static void report(struct host *host, const char *a, const char *b, const char *c)
{
    struct control_application_report all[] = { report_of("A", a, false), report_of("B", b, false),
                                                report_of("C", c, false) };
    uint64_t utc_ms = loop_now_utc_ms(host->world->loop) + (uint64_t)host->clock_offset_ms;
    link_ask(host->link, &MSG_CONTROL_REPORT_HOST,
             &(struct control_report_host){ .head.has = CONTROL_REPORT_HOST_HAS_HOST |
                                                        CONTROL_REPORT_HOST_HAS_APPLICATIONS |
                                                        CONTROL_REPORT_HOST_HAS_TIME,
                                            .host = text_of(host->name),
                                            .time = utc_ms,
                                            .applications = { all, 3 } },
             NULL, 5000, on_reported, host);
    loop_run_for(host->world->loop, 20);
}

static struct host *host_new(struct world *world, const struct link_options *options)
{
    struct scope *life = scope_new(world->life, "host", SCOPE_NO_LIMIT);
    struct host *host = scope_alloc(life, sizeof *host);
    struct link_identity *identity = scope_alloc(life, sizeof *identity);
    static const struct link_options usual = { .reconnect_ms = 100 };
    *host = (struct host){ .world = world, .life = life, .name = "one" };
    *identity = identity_of("supervisor");
    host->link = link_connect(life, world->net, NULL, TEXT("127.0.0.1:2021"), TEXT("control"),
                              identity, options ? options : &usual, host_handlers, NULL, host);
    loop_run_for(world->loop, 50);
    CHECK(link_is_up(host->link));
    return host;
}

static void tell(struct host *host, const char *name, const char *state, bool is_ordered)
{
    struct control_application_report one = report_of(name, state, is_ordered);
    link_send(host->link, &MSG_CONTROL_APPLICATION_MOVED,
              &(struct control_application_moved){
                  .head.has = CONTROL_APPLICATION_MOVED_HAS_APPLICATION, .application = &one });
    loop_run_for(host->world->loop, 10);
}

/* --- asking ----------------------------------------------------------------------------------- */

static const struct msg *reply_msg;

static void on_answer(void *self, const struct link_error *error, const void *fields)
{
    struct world *world = self;
    buf_clear(&world->answer);
    world->is_answered = true;
    world->code = error ? error->code : 0;
    (void)snprintf(world->error, sizeof world->error, "%.*s", error ? (int)error->name.len : 0,
                   error ? error->name.at : "");
    if (error == NULL) shape_to_json(&world->answer, reply_msg->shape, fields);
}

static void on_status_moved(void *self, struct link *link, const void *fields)
{
    struct world *world = self;
    (void)link;
    shape_to_json(&world->heard, MSG_CONTROL_STATUS_MOVED.shape, fields);
}

static const struct link_handler person_handlers[] = {
    { .msg = &MSG_CONTROL_STATUS_MOVED, .on_event = on_status_moved },
    { 0 },
};

static void come_in(struct world *world, const char *name)
{
    struct link_identity *identity = scope_alloc(world->life, sizeof *identity);
    static const struct link_options options = { .reconnect_ms = 100 };
    *identity = identity_of(name);
    world->person = link_connect(world->life, world->net, NULL, TEXT("127.0.0.1:2021"),
                                 TEXT("control"), identity, &options, person_handlers, NULL, world);
    loop_run_for(world->loop, 50);
    CHECK(link_is_up(world->person));
}

/* Returns the answer as JSON, "" when it was refused. */
static const char *ask(struct world *world, const struct msg *msg, const void *fields,
                       bool is_person)
{
    struct link_header header = { .person = TEXT("1001"), .tenant = TEXT("Environment") };
    reply_msg = msg->reply;
    world->is_answered = false;
    link_ask(world->person, msg, fields, is_person ? &header : NULL, 20000, on_answer, world);
    for (int i = 0; i < 300 && !world->is_answered; i++) loop_run_for(world->loop, 100);
    CHECK(world->is_answered);
    buf_add_byte(&world->answer, 0);
    return world->answer.at;
}

static const char *status(struct world *world, bool is_person)
{
    return ask(world, &MSG_CONTROL_READ_STATUS, &(struct control_read_status){ 0 }, is_person);
}

static const char *order(struct world *world, const char *name, const char *what, bool is_person)
{
    return ask(world, &MSG_CONTROL_ORDER_APPLICATION,
               &(struct control_order_application){ .head.has = CONTROL_ORDER_APPLICATION_HAS_NAME |
                                                                CONTROL_ORDER_APPLICATION_HAS_ORDER,
                                                    .name = text_of(name),
                                                    .order = text_of(what) },
               is_person);
}

static const char *order_solution(struct world *world, const char *what)
{
    return ask(world, &MSG_CONTROL_ORDER_SOLUTION,
               &(struct control_order_solution){ .head.has = CONTROL_ORDER_SOLUTION_HAS_NAME |
                                                             CONTROL_ORDER_SOLUTION_HAS_ORDER,
                                                 .name = TEXT("S"),
                                                 .order = text_of(what) },
               false);
}

#define CHECK_SAYS(json, words) CHECK(strstr(json, words) != NULL)
#define CHECK_NOT(json, words)  CHECK(strstr(json, words) == NULL)

/* The application's part of a status: name to state. */
static bool has_state(const char *json, const char *name, const char *state)
{
    char begin[64], wanted[64];
    (void)snprintf(begin, sizeof begin, "{\"name\":\"%s\"", name);
    (void)snprintf(wanted, sizeof wanted, "\"state\":\"%s\"", state);
    const char *at = strstr(json, begin), *found = at ? strstr(at, "\"state\":") : NULL;
    return found && strncmp(found, wanted, strlen(wanted)) == 0;
}

/* --- states ----------------------------------------------------------------------------------- */

TEST(what_a_supervisor_reports_is_shown_and_what_moves_follows)
{
    struct world *world = world_new();
    come_in(world, "tool");
    CHECK(has_state(status(world, false), "one", "unknown"));
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "INITIALIZING");
    const char *seen = status(world, false);
    CHECK(has_state(seen, "one", "running"));
    CHECK(has_state(seen, "A", "RUNNING"));
    CHECK(has_state(seen, "B", "STOPPED"));
    CHECK_SAYS(seen, "\"code\":7");
    tell(host, "C", "RUNNING", false);
    seen = status(world, false);
    CHECK(has_state(seen, "C", "RUNNING"));
    CHECK(has_state(seen, "S", "running"));
    world_free(world);
}

/* A supervisor may hear of a new object before control does, and says it once. */
TEST(what_is_reported_before_its_object_is_known_is_kept_until_then)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "STOPPED");
    tell(host, "D", "STOPPED", false);
    tell(host, "D", "RUNNING", false);
    CHECK(strstr(status(world, false), "\"D\"") == NULL);
    put_application(world, "D", "one", "");
    moved(world);
    CHECK(has_state(status(world, false), "D", "RUNNING"));
    tell(host, "D", "STOPPED", true);
    CHECK(has_state(status(world, false), "D", "STOPPED"));
    moved(world); /* nothing old comes back */
    CHECK(has_state(status(world, false), "D", "STOPPED"));
    world_free(world);
}

TEST(only_a_supervisor_reports_and_only_for_a_host_that_is_configured)
{
    struct world *world = world_new();
    come_in(world, "web");
    struct control_report_host fields = { .head.has = CONTROL_REPORT_HOST_HAS_HOST,
                                          .host = TEXT("one") };
    ask(world, &MSG_CONTROL_REPORT_HOST, &fields, false);
    CHECK_TEXT(text_of(status(world, false)), status(world, false));
    CHECK(has_state(status(world, false), "one", "unknown"));
    world_free(world);
}

TEST(a_supervisor_that_is_back_within_the_grace_leaves_no_trace)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    scope_close(host->life);
    loop_run_for(world->loop, 9000);
    CHECK(has_state(status(world, false), "A", "RUNNING"));
    host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    loop_run_for(world->loop, 20000);
    CHECK(has_state(status(world, false), "A", "RUNNING"));
    world_free(world);
}

TEST(after_the_grace_everything_of_the_host_is_unknown_until_it_reports_again)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    scope_close(host->life);
    loop_run_for(world->loop, 10100);
    const char *seen = status(world, false);
    CHECK(has_state(seen, "one", "disconnected"));
    CHECK(has_state(seen, "A", "UNKNOWN"));
    CHECK(has_state(seen, "B", "UNKNOWN"));
    CHECK(has_state(seen, "S", "unknown"));
    host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    CHECK(has_state(status(world, false), "S", "running"));
    world_free(world);
}

TEST(F17_a_cut_cable_is_noticed_nine_to_eighteen_seconds_after_it)
{
    struct world *world = world_new();
    static const struct link_options addp = { .addp_remote_ms = 9000, .reconnect_ms = 60000 };
    struct control_server *server = app_server(world->app);
    struct host *host = host_new(world, &addp);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    struct host_entry *entry = host_find(server, TEXT("one"));
    uint64_t cut_ms = now_ms(world);
    sim_net_cut(world->net, TEXT("127.0.0.1:2021"), true);
    while (entry->link && now_ms(world) < cut_ms + 60000) loop_run_for(world->loop, 100);
    uint64_t took_ms = now_ms(world) - cut_ms;
    CHECK(took_ms >= 9000 && took_ms <= 18200);
    world_free(world);
}

/* --- notes ------------------------------------------------------------------------------------ */

static struct buf notes;

static void take_note(struct control_server *server, struct text application, struct text host,
                      const struct log_event *event, struct text line)
{
    (void)server, (void)host, (void)line;
    buf_format(&notes, "%.*s %s;", TEXT_ARG(application), event->id);
}

static const char *take_notes(void)
{
    static char taken[4096];
    (void)snprintf(taken, sizeof taken, "%.*s", TEXT_ARG(buf_text(&notes)));
    buf_free(&notes);
    return taken;
}

TEST(a_clock_that_differs_by_more_than_two_seconds_is_noted_once_and_once_when_it_agrees)
{
    struct world *world = world_new();
    struct control_server *server = app_server(world->app);
    server->on_note = take_note;
    struct host *host = host_new(world, NULL);
    host->clock_offset_ms = 2000;
    report(host, "RUNNING", "STOPPED", "RUNNING");
    CHECK_NOT(take_notes(), "08110");
    host->clock_offset_ms = -2500;
    loop_run_for(world->loop, 60100); /* clock-check */
    CHECK_SAYS(take_notes(), "00-08110");
    loop_run_for(world->loop, 120000);
    CHECK_NOT(take_notes(), "08110");
    host->clock_offset_ms = 0;
    loop_run_for(world->loop, 60100);
    CHECK_SAYS(take_notes(), "00-08111");
    world_free(world);
}

TEST(deaths_are_noted_as_the_dead_ones_records)
{
    struct world *world = world_new();
    struct control_server *server = app_server(world->app);
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    server->on_note = take_note;
    tell(host, "A", "STOPPED", false);
    const char *taken = take_notes();
    CHECK_SAYS(taken, "A 00-05064;");
    CHECK_SAYS(taken, " 00-05093;"); /* the solution's unplanned status change */
    tell(host, "C", "STOPPED", true);
    taken = take_notes();
    CHECK_SAYS(taken, "C 00-05062;");
    world_free(world);
}

static char hung_line[256];

static void take_hung_line(struct control_server *server, struct text application, struct text host,
                           const struct log_event *event, struct text line)
{
    (void)server, (void)host;
    if (text_eq(text_of(event->id), TEXT("00-05075")))
        (void)snprintf(hung_line, sizeof hung_line, "%.*s: %.*s", TEXT_ARG(application),
                       TEXT_ARG(line));
}

TEST(one_that_does_not_respond_is_noted_with_what_was_missed)
{
    struct world *world = world_new();
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    struct control_server *server = app_server(world->app);
    server->on_note = take_hung_line;
    struct control_application_report one = report_of("A", "UNKNOWN", false);
    one.head.has |= CONTROL_APPLICATION_REPORT_HAS_REASON | CONTROL_APPLICATION_REPORT_HAS_TROUBLE;
    one.reason = TEXT("no heartbeat for 10 s");
    one.trouble = TEXT("hung");
    link_send(host->link, &MSG_CONTROL_APPLICATION_MOVED,
              &(struct control_application_moved){
                  .head.has = CONTROL_APPLICATION_MOVED_HAS_APPLICATION, .application = &one });
    loop_run_for(world->loop, 10);
    CHECK_TEXT(text_of(hung_line), "A: A: does not respond: no heartbeat for 10 s");
    world_free(world);
}

/* --- orders ----------------------------------------------------------------------------------- */

TEST(orders_go_to_the_host_and_are_refused_with_the_public_codes)
{
    struct world *world = world_new();
    come_in(world, "tool");
    order(world, "A", "start", false);
    CHECK_I64(world->code, 6); /* AgentNotStarted */
    CHECK_TEXT(text_of(world->error), "AgentNotStarted");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "INITIALIZING");
    order(world, "nobody", "start", false);
    CHECK_I64(world->code, 5);
    order(world, "A", "start", false);
    CHECK_I64(world->code, 2);
    order(world, "B", "stop", false);
    CHECK_I64(world->code, 1);
    order(world, "C", "start", false);
    CHECK_I64(world->code, 7);
    order(world, "A", "switchover", false);
    CHECK_I64(world->code, 3);
    CHECK_U32(host->order_count, 0);
    order(world, "B", "start", false);
    CHECK_I64(world->code, 0);
    CHECK_TEXT(text_of(host->orders[0]), "start B");
    host->refuses = true;
    order(world, "A", "stop-gracefully", false);
    CHECK_I64(world->code, 14);
    world_free(world);
}

TEST(a_person_needs_execute_and_does_not_learn_of_what_he_may_not_read)
{
    struct world *world = world_new();
    come_in(world, "web");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    world->mask = "R";
    order(world, "B", "start", true);
    CHECK_I64(world->code, 403);
    CHECK_TEXT(text_of(world->error), "CFGNoPermission");
    world->mask = "";
    order(world, "B", "start", true);
    CHECK_I64(world->code, 5);
    CHECK_U32(host->order_count, 0);
    world->mask = "RX";
    order(world, "B", "start", true);
    CHECK_I64(world->code, 0);
    CHECK_U32(host->order_count, 1);
    world_free(world);
}

TEST(a_third_party_reads_but_orders_nothing_though_it_names_a_person)
{
    struct world *world = world_new();
    come_in(world, "crm");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    order(world, "B", "start", false);
    CHECK_I64(world->code, 403);
    order(world, "B", "start", true);
    CHECK_I64(world->code, 403);
    CHECK_U32(host->order_count, 0);
    CHECK(has_state(status(world, false), "A", "RUNNING"));
    world_free(world);
}

TEST(who_is_not_configured_learns_nothing)
{
    struct world *world = world_new();
    come_in(world, "stranger");
    order(world, "A", "stop", false);
    CHECK_I64(world->code, 5);
    status(world, true);
    CHECK_TEXT(text_of(world->error), "IncorrectClientCode");
    world_free(world);
}

TEST(while_config_is_silent_a_persons_order_is_refused_and_a_tools_is_not)
{
    struct world *world = world_new();
    come_in(world, "web");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    world->is_config_silent = true;
    order(world, "B", "start", true);
    CHECK_U32(host->order_count, 0);
    CHECK(world->answer.len == 1);
    order(world, "B", "start", false); /* web itself, logOnAs System */
    CHECK_U32(host->order_count, 1);
    world_free(world);
}

TEST(sml_autostart_starts_what_is_down_when_its_host_reports_unless_somebody_stopped_it)
{
    struct world *world = world_new();
    dbids = 200;
    put_application(world, "D", "one", ",\"annex\":{\"sml\":{\"autostart\":\"true\"}}");
    moved(world);
    struct host *host = host_new(world, NULL);
    struct control_application_report down = report_of("D", "STOPPED", false);
    struct control_report_host fields = { .head.has = CONTROL_REPORT_HOST_HAS_HOST |
                                                      CONTROL_REPORT_HOST_HAS_APPLICATIONS,
                                          .host = TEXT("one"),
                                          .applications = { &down, 1 } };
    link_ask(host->link, &MSG_CONTROL_REPORT_HOST, &fields, NULL, 5000, on_reported, host);
    loop_run_for(world->loop, 50);
    CHECK_U32(host->order_count, 1);
    CHECK_TEXT(text_of(host->orders[0]), "start D");
    down.ordered = true;
    link_ask(host->link, &MSG_CONTROL_REPORT_HOST, &fields, NULL, 5000, on_reported, host);
    loop_run_for(world->loop, 50);
    CHECK_U32(host->order_count, 1);
    world_free(world);
}

/* --- solutions -------------------------------------------------------------------------------- */

TEST(F13_a_then_c_run_and_b_does_not)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "STOPPED", "STOPPED", "STOPPED");
    order_solution(world, "start");
    CHECK_I64(world->code, 0);
    loop_run_for(world->loop, 20);
    CHECK_U32(host->order_count, 1);
    CHECK_TEXT(text_of(host->orders[0]), "start A");
    tell(host, "A", "START_PENDING", true);
    loop_run_for(world->loop, 60000);
    CHECK_U32(host->order_count, 1); /* it waits for RUNNING, up to startupTimeout */
    uint64_t running_ms = now_ms(world);
    tell(host, "A", "RUNNING", true);
    loop_run_for(world->loop, 20);
    CHECK_U32(host->order_count, 3);
    CHECK_TEXT(text_of(host->orders[1]), "start B");
    CHECK_TEXT(text_of(host->orders[2]), "start C");
    CHECK(host->ordered_ms[2] >= running_ms);
    tell(host, "B", "START_PENDING", true);
    tell(host, "B", "STOPPED", false);
    tell(host, "C", "RUNNING", true);
    const char *seen = status(world, false);
    CHECK(has_state(seen, "S", "running"));
    CHECK(has_state(seen, "B", "STOPPED"));
    world_free(world);
}

TEST(a_start_is_given_up_when_a_needed_one_is_not_running_in_its_time)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "STOPPED", "STOPPED", "STOPPED");
    order_solution(world, "start");
    tell(host, "A", "START_PENDING", true);
    loop_run_for(world->loop, 89000);
    CHECK(has_state(status(world, false), "S", "start-transition"));
    loop_run_for(world->loop, 2000);
    const char *seen = status(world, false);
    CHECK(has_state(seen, "S", "run-pending"));
    CHECK_SAYS(seen, "A is START_PENDING, its time is over");
    CHECK_U32(host->order_count, 1);
    world_free(world);
}

TEST(a_solution_stops_in_reverse_and_refuses_the_same_order_twice)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "RUNNING", "STOPPED", "RUNNING");
    order_solution(world, "stop-gracefully");
    loop_run_for(world->loop, 20);
    order_solution(world, "stop");
    CHECK_I64(world->code, 7);
    CHECK_U32(host->order_count, 1);
    CHECK_TEXT(text_of(host->orders[0]), "stop-gracefully C");
    tell(host, "C", "STOPPED", true);
    loop_run_for(world->loop, 20);
    CHECK_TEXT(text_of(host->orders[1]), "stop-gracefully A");
    tell(host, "A", "STOPPED", true);
    CHECK(has_state(status(world, false), "S", "stopped"));
    world_free(world);
}

TEST(a_component_that_the_host_does_not_know_ends_the_start)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "STOPPED", "STOPPED", "STOPPED");
    host->refuses = true;
    order_solution(world, "start");
    loop_run_for(world->loop, 50);
    CHECK_SAYS(status(world, false), "its order was refused");
    world_free(world);
}

/* --- watching --------------------------------------------------------------------------------- */

TEST(a_watcher_hears_every_move_once)
{
    struct world *world = world_new();
    come_in(world, "tool");
    struct host *host = host_new(world, NULL);
    report(host, "STOPPED", "STOPPED", "STOPPED");
    const char *first =
        ask(world, &MSG_CONTROL_WATCH_STATUS, &(struct control_watch_status){ 0 }, false);
    CHECK(has_state(first, "A", "STOPPED"));
    tell(host, "A", "START_PENDING", true);
    buf_add_byte(&world->heard, 0);
    CHECK(has_state(world->heard.at, "A", "START_PENDING"));
    *strstr(world->heard.at, "\"solutions\"") = 0; /* whose components B is among */
    CHECK_NOT(world->heard.at, "{\"name\":\"B\"");
    buf_clear(&world->heard);
    loop_run_for(world->loop, 5000);
    CHECK_U32(world->heard.len, 0);
    ask(world, &MSG_CONTROL_WATCH_STATUS,
        &(struct control_watch_status){ .head.has = CONTROL_WATCH_STATUS_HAS_ON, .on = false },
        false);
    tell(host, "A", "RUNNING", true);
    CHECK_U32(world->heard.len, 0);
    world_free(world);
}

TEST(a_person_sees_and_hears_only_what_he_may_read)
{
    struct world *world = world_new();
    come_in(world, "web");
    struct host *host = host_new(world, NULL);
    report(host, "STOPPED", "STOPPED", "STOPPED");
    const char *seen = status(world, true);
    CHECK_SAYS(seen, "{\"name\":\"A\"");
    CHECK_NOT(seen, "{\"name\":\"B\"");
    CHECK_SAYS(seen, "\"hosts\":[]");
    CHECK_SAYS(seen, "{\"name\":\"S\"");
    ask(world, &MSG_CONTROL_WATCH_STATUS, &(struct control_watch_status){ 0 }, true);
    tell(host, "B", "RUNNING", true);
    CHECK_U32(world->heard.len, 0);
    tell(host, "A", "RUNNING", true);
    buf_add_byte(&world->heard, 0);
    CHECK_SAYS(world->heard.at, "\"person\":\"1001\"");
    CHECK(has_state(world->heard.at, "A", "RUNNING"));
    CHECK_NOT(world->heard.at, "{\"name\":\"B\"");
    world_free(world);
}

TEST(what_leaves_the_configuration_is_told_as_gone_and_forgotten)
{
    struct world *world = world_new();
    struct control_server *server = app_server(world->app);
    come_in(world, "tool");
    host_new(world, NULL);
    ask(world, &MSG_CONTROL_WATCH_STATUS, &(struct control_watch_status){ 0 }, false);
    app_delete_object(world->app, &OBJECT_APPLICATION, 107); /* B */
    moved(world);
    loop_run_for(world->loop, 50);
    buf_add_byte(&world->heard, 0);
    CHECK_SAYS(world->heard.at, "applications/B");
    CHECK(table_get(server->apps, TEXT("B")) == NULL);
    world_free(world);
}
