/* SPDX-License-Identifier: Apache-2.0 */
/* Licences asked over links, with a pool file that changes and a config that dies (framework 13).
 */
#include "world.h"

#include "servers/config/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ADDRESS "127.0.0.1:2020"
#define SEAT    TEXT("ics_multi_media_agent_seat")

static void write_pool(const char *path, const char *json)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(json, file) >= 0);
    CHECK(fclose(file) == 0);
}

static uint32_t checkout(struct asker *asker, const char *group, uint32_t count)
{
    struct config_checkout_licence asked = { .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKOUT_LICENCE),
                                             .feature = SEAT,
                                             .count = count,
                                             .group = text_of(group) };
    CHECK_OK(ask(asker, &MSG_CONFIG_CHECKOUT_LICENCE, &asked));
    const struct config_licence_granted *granted = asker->world->fields;
    CHECK_U32(granted->lease, 60);
    return granted->unlimited ? UINT32_MAX : granted->granted;
}

static void limit_seats(struct world *world, const char *path)
{
    char file[1024];
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    snprintf(file, sizeof file,
             FILE_HEAD "\"hosts\":[{\"name\":\"h\"}],\"applications\":["
                       "{\"name\":\"config\",\"template\":\"ConfigurationServer\",\"host\":\"h\","
                       "\"ports\":[{\"id\":\"default\",\"number\":2020}],\"options\":{\"license\":{"
                       "\"license-file\":\"%s\"}}},"
                       "{\"name\":\"ixn\",\"template\":\"CMServer\",\"host\":\"h\"}]}",
             path);
    CHECK_OK(apply_file(tool, file));
    asker_free(tool);
    loop_run_for(world->loop, 1000);
}

TEST(F27_seats_are_counted_over_links_read_live_and_outlive_config)
{
    char path[] = "/tmp/carillon-pool-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
    write_pool(path, "{\"ics_multi_media_agent_seat\": 100}");
    struct world *world = world_new_on_disk("/data");
    limit_seats(world, path);
    struct asker *server = asker_new(world, "ixn", ADDRESS, "config");
    static const char *const groups[] = { "1", "2", "3", "4" };
    static const uint32_t granted[] = { 30, 30, 30, 10 };
    for (int i = 0; i < 4; i++) CHECK_U32(checkout(server, groups[i], 30), granted[i]);

    asker_free(server);
    world_kill(world);
    world_start(world);
    server = asker_new(world, "ixn", ADDRESS, "config");
    CHECK_U32(checkout(server, "5", 30), 0); /* others hold them */
    for (int i = 0; i < 4; i++) CHECK_U32(checkout(server, groups[i], 30), granted[i]);

    struct config_checkin_licence back = { .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKIN_LICENCE),
                                           .feature = SEAT,
                                           .group = TEXT("1") };
    CHECK_OK(ask(server, &MSG_CONFIG_CHECKIN_LICENCE, &back));
    CHECK_U32(checkout(server, "4", 30), 30);

    write_pool(path, "{\"ics_multi_media_agent_seat\": 70, \"other\": 1}");
    loop_run_for(world->loop, 11000);
    CHECK_U32(checkout(server, "4", 30), 10);
    CHECK_OK(ask(server, &MSG_CONFIG_READ_LICENCES, &(struct config_read_licences){ 0 }));
    CHECK(answer_has(world, "\"feature\":\"ics_multi_media_agent_seat\",\"count\":70,\"used\":70"));

    write_pool(path, "no pool");
    loop_run_for(world->loop, 11000);
    CHECK_U32(checkout(server, "4", 30), 10); /* as it was */
    struct asker *stranger = asker_new(world, "stranger", ADDRESS, "config");
    CHECK(ask(stranger, &MSG_CONFIG_CHECKIN_LICENCE, &back) == ERR_DENIED);
    limit_seats(world, "7260@ESHost");
    CHECK_U32(checkout(server, "4", 500), UINT32_MAX);
    asker_free(stranger);
    asker_free(server);
    world_free(world);
    (void)unlink(path);
}

/* --- who goes short --------------------------------------------------------------------------- */

static struct buf told; /* "00-07110 " and so on, events about seats */

static bool sink_wants(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_STANDARD;
}

static void sink_write(void *self, const struct log_event *event, struct text context,
                       struct text line)
{
    (void)self, (void)context;
    if (text_starts(text_of(event->id), TEXT("00-071")))
        buf_format(&told, "%s: %.*s\n", event->id, TEXT_ARG(line));
}

static void check_told(const char *words)
{
    CHECK_TEXT(buf_text(&told), words);
    buf_clear(&told);
}

static uint32_t short_groups(struct world *world)
{
    struct config_counters counters = { 0 };
    licences_count(app_server(world->app), &counters);
    return (uint32_t)counters.config_licence_groups_short;
}

TEST(who_goes_short_is_told_once_and_it_is_over_when_nobody_does)
{
    char path[] = "/tmp/carillon-pool-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
    write_pool(path, "{\"ics_multi_media_agent_seat\": 50}");
    struct world *world = world_new();
    struct log_sink sink = { sink_wants, sink_write, NULL, NULL, NULL };
    limit_seats(world, path);
    world->app->log = (struct log){ .sink = &sink };
    struct asker *server = asker_new(world, "ixn", ADDRESS, "config");
    CHECK_U32(checkout(server, "1", 30), 30);
    CHECK_U32(checkout(server, "2", 30), 20);
    check_told("00-07110: Licences: ics_multi_media_agent_seat: application 2 asks for 30 seats "
               "and gets 20\n");
    CHECK_U32(checkout(server, "2", 30), 20); /* the same again */
    CHECK_U32(checkout(server, "1", 29), 29); /* she has enough, the other not */
    check_told("");
    CHECK_U32(short_groups(world), 1);
    CHECK_U32(checkout(server, "3", UINT32_MAX), 1); /* all that are free: not short */
    CHECK_U32(checkout(server, "4", UINT32_MAX), 0);
    check_told("00-07110: Licences: ics_multi_media_agent_seat: application 4 asks for all free "
               "seats and gets 0\n");
    loop_run_for(world->loop, 75000); /* nobody asks again */
    check_told("00-07111: Licences: every application has the seats that it asks for\n");
    CHECK_U32(short_groups(world), 0);
    world->app->log = (struct log){ 0 };
    asker_free(server);
    world_free(world);
    buf_free(&told);
    (void)unlink(path);
}

/* --- usage ------------------------------------------------------------------------------------ */

TEST(what_is_used_and_the_most_that_was_can_be_read)
{
    char path[] = "/tmp/carillon-pool-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
    write_pool(path, "{\"ics_multi_media_agent_seat\": 50}");
    struct world *world = world_new();
    limit_seats(world, path);
    struct asker *server = asker_new(world, "ixn", ADDRESS, "config");
    struct config_checkout_licence asked = { .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKOUT_LICENCE),
                                             .feature = SEAT,
                                             .count = 40,
                                             .group = TEXT("7"),
                                             .in_use = 12 };
    CHECK_OK(ask(server, &MSG_CONFIG_CHECKOUT_LICENCE, &asked));
    asked.count = 20;
    asked.in_use = 3;
    CHECK_OK(ask(server, &MSG_CONFIG_CHECKOUT_LICENCE, &asked));
    CHECK_OK(ask(server, &MSG_CONFIG_READ_LICENCES, &(struct config_read_licences){ 0 }));
    CHECK(answer_has(world, "\"count\":50,\"used\":20"));
    CHECK(answer_has(world, "\"inUse\":3,\"mostInUse\":12"));
    CHECK(answer_has(world, "\"most\":40"));
    asker_free(server);
    world_free(world);
    (void)unlink(path);
}

/* --- persons ---------------------------------------------------------------------------------- */

static const char centre[] = FILE_HEAD
    "\"hosts\":[{\"name\":\"h\",\"ipAddress\":\"127.0.0.1\"}],\"applications\":["
    "{\"name\":\"web\",\"template\":\"WebAPIServer\",\"host\":\"h\"},"
    "{\"name\":\"ixn\",\"template\":\"CMServer\",\"host\":\"h\"}],"
    "\"persons\":[{\"employeeId\":\"ann\",\"userName\":\"ann\"}]}";

/* Her mask at ixn; nobody else has one there. */
static void grant(struct asker *tool, const char *mask)
{
    const char *accounts[] = { "group:Users", "group:EVERYONE", "person:ann" };
    struct config_acl_entry entries[3];
    for (int i = 0; i < 3; i++)
        entries[i] = (struct config_acl_entry){ .head.has = SHAPE_ALL(SHAPE_CONFIG_ACL_ENTRY),
                                                .account = text_of(accounts[i]),
                                                .mask = text_of(i == 2 ? mask : ""),
                                                .propagate = true };
    struct config_change_acl fields = { .head.has = CONFIG_CHANGE_ACL_HAS_TYPE |
                                                    CONFIG_CHANGE_ACL_HAS_KEY |
                                                    CONFIG_CHANGE_ACL_HAS_ENTRIES,
                                        .type = TEXT("Application"),
                                        .key = TEXT("ixn"),
                                        .entries = { entries, 3 } };
    CHECK_OK(ask(tool, &MSG_CONFIG_CHANGE_ACL, &fields));
}

TEST(a_person_takes_seats_for_what_she_may_execute_and_sees_those_of_what_she_may_read)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(apply_file(tool, centre));
    char group[16];
    snprintf(group, sizeof group, "%u",
             app_object(world->app, &OBJECT_APPLICATION, TEXT("ixn"))->dbid);
    struct asker *ann = asker_new(world, "web", ADDRESS, "config");
    ann->header.person = TEXT("ann");
    ann->header.tenant = TEXT("Environment");
    struct config_checkout_licence asked = { .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKOUT_LICENCE),
                                             .feature = SEAT,
                                             .count = 5,
                                             .group = text_of(group) };
    struct config_checkin_licence back = { .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKIN_LICENCE),
                                           .feature = SEAT,
                                           .group = text_of(group) };
    struct config_read_licences read = { 0 };
    grant(tool, "");
    CHECK(ask(ann, &MSG_CONFIG_CHECKOUT_LICENCE, &asked) == ERR_NOT_FOUND);
    CHECK_TEXT(world->name, "CFGObjectNotFound"); /* as if it were not there */
    grant(tool, "R");
    CHECK(ask(ann, &MSG_CONFIG_CHECKOUT_LICENCE, &asked) == ERR_DENIED);
    CHECK_TEXT(world->name, "CFGNoPermission");
    CHECK_TEXT(world->object_type, "CFGApplication");
    grant(tool, "RX");
    CHECK_OK(ask(ann, &MSG_CONFIG_CHECKOUT_LICENCE, &asked));
    CHECK_OK(ask(ann, &MSG_CONFIG_READ_LICENCES, &read));
    CHECK(answer_has(world, "\"asked\":5"));
    grant(tool, "");
    CHECK_OK(ask(ann, &MSG_CONFIG_READ_LICENCES, &read));
    CHECK(!answer_has(world, "\"asked\":5"));
    CHECK(ask(ann, &MSG_CONFIG_CHECKIN_LICENCE, &back) == ERR_NOT_FOUND);
    grant(tool, "RX");
    CHECK_OK(ask(ann, &MSG_CONFIG_CHECKIN_LICENCE, &back));
    CHECK_OK(ask(ann, &MSG_CONFIG_READ_LICENCES, &read));
    CHECK(!answer_has(world, "\"asked\":5"));
    asker_free(ann);
    asker_free(tool);
    world_free(world);
}
