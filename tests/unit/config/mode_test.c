/* SPDX-License-Identifier: Apache-2.0 */
/* Without its disk config can be read, and says so (framework 3.5, 15). */
#include "world.h"

#include "store/sim_disk.h"

#define ADDRESS "127.0.0.1:2020"
#define DATA    "/data"

static struct text mode_of(struct asker *asker)
{
    struct config_read_server asked = { 0 };
    CHECK_OK(ask(asker, &MSG_CONFIG_READ_SERVER, &asked));
    return ((const struct config_server_info *)asker->world->fields)->mode;
}

TEST(a_full_disk_makes_it_read_only_and_room_makes_it_whole_again)
{
    struct world *world = world_new_on_disk(DATA);
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    struct text types[] = { TEXT("Place") };
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { types, 1 } };
    CHECK_OK(ask(tool, &MSG_CONFIG_SUBSCRIBE, &subscribe));
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}"));
    CHECK_TEXT(mode_of(tool), "full");
    uint64_t rev = ((const struct config_server_info *)world->fields)->rev;

    sim_disk_limit(world->loop, sim_disk_bytes(world->loop));
    CHECK(change(tool, "create", "Place", NULL, "{\"name\":\"q\"}") == ERR_UNAVAILABLE);
    CHECK(change(tool, "create", "Place", NULL, "{\"name\":\"q\"}") == ERR_UNAVAILABLE);
    CHECK_TEXT(world->name, "CFGReadOnly");
    CHECK_I64(world->code, 503);
    CHECK(world->is_retryable && answer_has(world, "can only be read for now"));
    CHECK_TEXT(buf_text(&tool->events), "mode read-only\n");
    CHECK_TEXT(mode_of(tool), "read-only");
    CHECK(export_all(tool).len > 0);
    loop_run_for(world->loop, 10000);
    CHECK_TEXT(mode_of(tool), "read-only");

    sim_disk_limit(world->loop, 0);
    loop_run_for(world->loop, 6000);
    CHECK_TEXT(buf_text(&tool->events), "mode read-only\nmode full\n");
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"q\"}"));
    CHECK_I64(answer_rev(world), rev + 1);
    asker_free(tool);
    world_free(world);
}
