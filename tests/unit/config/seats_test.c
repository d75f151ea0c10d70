/* SPDX-License-Identifier: Apache-2.0 */
/* Licences asked over links, with a pool file that changes and a config that dies (framework 13).
 */
#include "world.h"

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
