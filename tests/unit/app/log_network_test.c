/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way to a Message Server of ours: away, slow, dying, forgetful; the application
 * dying, too. The clock is virtual, the spool lies on a real disk. */
#include "tests/unit/test.h"

#include "app/log_network.h"
#include "app/log_record.h"
#include "app/private.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "io/net/sim_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS TEXT("127.0.0.1:2021")
enum { RECORDS_MAX = 60000 };

static const struct log_event trace = { "00-04542", LOG_TRACE, "%s" };
static const struct log_event standard = { "00-05060", LOG_STANDARD, "%s", LOG_CATEGORY_AUDIT };

static const struct app_type type = { .name = "outbound" };

/* The Message Server: keeps each number of a stream once, as ALARMS' contract says. */
struct fake {
    struct scope *life;     /* NULL: away */
    char stream[64];        /* the last one */
    uint64_t up_to;         /* of it; survives its death */
    int texts[RECORDS_MAX]; /* "line 17" -> 17, in the order they were kept */
    int kept, requests, repeats;
    struct control_log_record last;
    char last_text[200], last_host[32];
    bool is_silent, refuses;
};

static int syncs;

/* Instead of libc's: nobody can cut the power here. */
int fdatasync(int file)
{
    (void)file;
    syncs++;
    return 0;
}

struct world {
    struct scope *life, *app_life;
    struct loop *loop;
    struct net *net;
    struct app *app;
    struct log_network *network;
    struct fake *fake;
    char folder[64], spool[80];
    int said;
};

/* --- the Message Server ---------------------------------------------------------------------- */

static void keep(struct fake *fake, const struct control_log_record *record)
{
    uint32_t number = 0;
    fake->last = *record;
    (void)text_to_z(text_slice(record->text, 0, 199), fake->last_text, sizeof fake->last_text);
    if (text_starts(record->text, TEXT("line ")))
        (void)text_to_u32(text_slice(record->text, 5, 9), 0, UINT32_MAX, &number);
    CHECK(fake->kept < RECORDS_MAX);
    fake->texts[fake->kept++] = (int)number;
}

static void on_send_log(void *self, struct link_request *request, const void *fields)
{
    struct fake *fake = self;
    const struct control_send_log *sent = fields;
    fake->requests++;
    if (fake->refuses) {
        struct fault fault;
        fault_set(&fault, ERR_UNAVAILABLE, "", "no database");
        link_refuse_fault(request, &fault);
        return;
    }
    if (!text_eq(sent->stream, text_of(fake->stream))) {
        CHECK_OK(text_to_z(sent->stream, fake->stream, sizeof fake->stream));
        fake->up_to = sent->first - 1;
    }
    CHECK_OK(text_to_z(sent->host, fake->last_host, sizeof fake->last_host));
    for (uint32_t i = 0; i < sent->records.count; i++) {
        if (sent->first + i <= fake->up_to) {
            fake->repeats++;
            continue;
        }
        keep(fake, &sent->records.at[i]);
        fake->up_to = sent->first + i;
    }
    struct control_log_kept kept = { .head.has = CONTROL_LOG_KEPT_HAS_UP_TO, .up_to = fake->up_to };
    if (fake->is_silent)
        link_ignore(request);
    else
        link_reply(request, &kept);
}

static const struct link_handler fake_handlers[] = {
    { .msg = &MSG_CONTROL_SEND_LOG, .on_request = on_send_log },
    { 0 },
};

static void fake_start(struct world *world)
{
    static const struct link_identity identity = { .application = { "msgsrv", 6 },
                                                   .role = { "primary", 7 },
                                                   .secret = { "0123456789abcdef0123456789abcdef",
                                                               32 },
                                                   .secret_is_master = true };
    static const struct log silent;
    struct link_server *server;
    world->fake->life = scope_new(world->life, "fake", SCOPE_NO_LIMIT);
    CHECK_OK(link_listen(world->fake->life, world->net, &silent, ADDRESS, &identity, NULL,
                         fake_handlers, NULL, world->fake, &server, NULL));
}

static void fake_kill(struct world *world)
{
    scope_close(world->fake->life);
    world->fake->life = NULL;
}

/* --- the application ------------------------------------------------------------------------- */

static void put(struct world *world, uint32_t dbid, const char *json)
{
    struct fault fault = { 0 };
    CHECK_OK(
        app_put_object(world->app, &OBJECT_APPLICATION, dbid, 1, TEXT(""), text_of(json), &fault));
}

static void app_start(struct world *world, const char *connection)
{
    static const struct log silent;
    char json[200];
    world->app_life = scope_new(world->life, "process", SCOPE_NO_LIMIT);
    world->app = app_new_for_test(world->app_life, world->loop, &type, TEXT("outbound"));
    (void)snprintf(json, sizeof json,
                   "{\"name\":\"outbound\",\"type\":\"CMServer\",\"connections\":[{\"server\":"
                   "\"%s\"}]}",
                   connection);
    put(world, 1, json);
    put(world, 2,
        "{\"name\":\"msgsrv\",\"type\":\"MessageServer\",\"ports\":[{\"id\":\"default\","
        "\"number\":2021}]}");
    put(world, 3, "{\"name\":\"other\",\"type\":\"StatServer\"}");
    world->network = log_network_new(world->app_life, world->app, &silent, text_of(world->spool));
    app_objects_changed(world->app, 1);
    log_network_configure(world->network, true);
}

/* Its process ends. */
static void app_end_life(struct world *world)
{
    scope_close(world->app_life);
}

static struct world *world_new(const char *connection)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    world->life = life;
    strcpy(world->folder, "/tmp/carillon-lognet-XXXXXX"); /* the room is there */
    CHECK(mkdtemp(world->folder) != NULL);
    (void)snprintf(world->spool, sizeof world->spool, "%s/spool", world->folder);
    world->loop = loop_new_virtual(life, 1795259193123ull, 7);
    world->net = net_new(life, world->loop);
    world->fake = calloc(1, sizeof *world->fake);
    app_start(world, connection);
    return world;
}

static void world_free(struct world *world)
{
    char command[100];
    (void)snprintf(command, sizeof command, "rm -r %s", world->folder);
    free(world->fake);
    scope_close(world->life);
    CHECK(system(command) == 0);
}

static void say(struct world *world, int count)
{
    for (int i = 0; i < count; i++) {
        char text[40];
        (void)snprintf(text, sizeof text, "line %d", world->said++);
        struct log_record record = { .event = &trace,
                                     .utc_us = loop_now_utc_ms(world->loop) * 1000 + 7,
                                     .text = text_of(text) };
        log_network_add(world->network, &record);
    }
}

static void check_all_kept_once_in_order(const struct world *world)
{
    CHECK_I64(world->fake->kept, world->said);
    for (int i = 0; i < world->said; i++) CHECK_I64(world->fake->texts[i], i);
}

/* --- tests ----------------------------------------------------------------------------------- */

TEST(records_reach_the_message_server_among_the_connections)
{
    struct world *world = world_new("msgsrv");
    fake_start(world);
    say(world, 3);
    struct pair pairs[] = { { TEXT("campaign"), { .kind = VALUE_TEXT, .text = TEXT("spring") } } };
    struct log_record record = { .event = &standard,
                                 .utc_us = 1795259193123456ull,
                                 .text = TEXT("a \xff\xc3\xa9 line"),
                                 .ixn = TEXT("81"),
                                 .attributes = { pairs, 1 } };
    log_network_add(world->network, &record);
    loop_run_for(world->loop, 1000);
    CHECK_I64(world->fake->kept, 4);
    CHECK_TEXT(text_of(world->fake->last_text), "a ?\xc3\xa9 line"); /* always well-formed */
    CHECK_TEXT(text_of(world->fake->last_host), "localhost");
    CHECK_I64(world->fake->last.time, 1795259193123456ull);
    CHECK_U32(world->fake->last.priority, 4);
    CHECK_U32(world->fake->last.category, 2);
    CHECK_U32(world->fake->last.attributes.count, 1);
    CHECK(!log_network_is_sending(world->network));
    world_free(world);
}

TEST(while_it_is_away_they_wait_on_the_disk_and_come_in_order)
{
    struct world *world = world_new("msgsrv");
    for (int i = 0; i < 50; i++) {
        say(world, 100);
        loop_run_for(world->loop, 20);
    }
    fake_start(world);
    loop_run_for(world->loop, 60000);
    check_all_kept_once_in_order(world);
    CHECK_I64(world->fake->requests, 5);
    world_free(world);
}

TEST(its_death_under_load_loses_nothing_and_doubles_nothing)
{
    struct world *world = world_new("msgsrv");
    for (int round = 0; round < 12; round++) {
        fake_start(world);
        for (int i = 0; i < 20; i++) {
            say(world, 100);
            world->fake->is_silent = i == 12; /* its answer is lost */
            loop_run_for(world->loop, 7);
        }
        fake_kill(world);
        say(world, 50);
        loop_run_for(world->loop, 1000);
    }
    world->fake->is_silent = false;
    fake_start(world);
    loop_run_for(world->loop, 120000);
    check_all_kept_once_in_order(world);
    CHECK(world->fake->repeats > 0);
    world_free(world);
}

TEST(the_next_life_of_the_application_sends_what_was_spooled)
{
    struct world *world = world_new("msgsrv");
    for (int round = 0; round < 5; round++) {
        say(world, 300);
        loop_run_for(world->loop, 100);
        if (round == 2) {
            fake_start(world);
            loop_run_for(world->loop, 30); /* some of it */
            fake_kill(world);
        }
        app_end_life(world);
        app_start(world, "msgsrv");
    }
    fake_start(world);
    loop_run_for(world->loop, 120000);
    check_all_kept_once_in_order(world);
    world_free(world);
}

TEST(a_refusal_is_asked_again_and_nothing_is_lost)
{
    struct world *world = world_new("msgsrv");
    fake_start(world);
    world->fake->refuses = true;
    say(world, 10);
    loop_run_for(world->loop, 20000);
    CHECK(world->fake->requests >= 3 && world->fake->requests <= 6);
    world->fake->refuses = false;
    loop_run_for(world->loop, 20000);
    check_all_kept_once_in_order(world);
    world_free(world);
}

TEST(what_nobody_has_kept_for_two_seconds_is_on_the_disk_itself) /* decision 0046 */
{
    struct world *world = world_new("msgsrv");
    syncs = 0;
    say(world, 10);
    loop_run_for(world->loop, 2500);
    CHECK_I64(syncs, 1);
    loop_run_for(world->loop, 60000);
    CHECK_I64(syncs, 1);
    fake_start(world);
    loop_run_for(world->loop, 20000);
    syncs = 0;
    for (int i = 0; i < 100; i++) {
        say(world, 10);
        loop_run_for(world->loop, 100);
    }
    CHECK_I64(syncs, 0); /* each was kept at once */
    check_all_kept_once_in_order(world);
    world_free(world);
}

TEST(a_record_of_a_helper_process_is_sent_with_its_pid)
{
    struct world *world = world_new("msgsrv");
    struct buf bytes = { 0 };
    struct log_record record = { .event = &standard, .utc_us = 1, .text = TEXT("a port is open") };
    log_record_encode(&record, 81, &bytes);
    CHECK_OK(log_network_add_encoded(world->network, buf_text(&bytes)));
    CHECK(log_network_add_encoded(world->network, text_slice(buf_text(&bytes), 0, 9)) != ERR_OK);
    CHECK(log_network_add_encoded(world->network, TEXT("")) == ERR_LIMIT);
    buf_free(&bytes);
    fake_start(world);
    loop_run_for(world->loop, 20000);
    CHECK_I64(world->fake->kept, 1);
    CHECK_TEXT(text_of(world->fake->last_text), "a port is open");
    CHECK_U32(world->fake->last.pid, 81);
    world_free(world);
}

TEST(without_such_a_connection_nothing_is_kept)
{
    struct world *world = world_new("other");
    fake_start(world);
    say(world, 10);
    loop_run_for(world->loop, 5000);
    CHECK_I64(world->fake->kept, 0);
    put(world, 1,
        "{\"name\":\"outbound\",\"type\":\"CMServer\",\"connections\":[{\"server\":\"msgsrv\"}]}");
    app_objects_changed(world->app, 2);
    log_network_configure(world->network, true); /* the connection is there now */
    world->said = 0;
    say(world, 10);
    loop_run_for(world->loop, 5000);
    check_all_kept_once_in_order(world);
    world_free(world);
}

TEST(a_disk_that_fails_keeps_some_and_counts_the_rest)
{
    struct world *world = world_new("msgsrv");
    FILE *file = fopen(world->spool, "we"); /* a file where the folder should be */
    CHECK(file != NULL);
    (void)fclose(file);
    fake_start(world);
    say(world, 1000);
    loop_run_for(world->loop, 20000);
    CHECK_I64(world->fake->kept, 0);
    CHECK(remove(world->spool) == 0);
    loop_run_for(world->loop, 20000);
    check_all_kept_once_in_order(world);
    world_free(world);
}
