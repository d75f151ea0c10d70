/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of framework 16 as clients of config meet them; the rules alone: limits_test.c. */
#include "world.h"

#include <stdio.h>

#define ADDRESS "127.0.0.1:2020"

enum { CLIENTS = 1000, OPERATIONS = 1000 };

/* A link that is not waited for. */
static struct link *client(struct world *world, struct scope *life, const char *name)
{
    struct link_identity identity = { .application = text_of(name),
                                      .role = TEXT("primary"),
                                      .secret = APP_TEST_SECRET,
                                      .secret_is_master = true };
    static const struct link_options options = { .reconnect_ms = 3600 * 1000 };
    static const struct link_handler none[] = { { 0 } };
    return link_connect(life, world->net, NULL, TEXT(ADDRESS), TEXT("config"), &identity, &options,
                        none, NULL, NULL);
}

TEST(config_has_1000_direct_clients_and_lets_a_tool_in_all_the_same)
{
    static struct link *links[CLIENTS + 1];
    struct world *world = world_new();
    struct scope *life = scope_new(world->life, "clients", SCOPE_NO_LIMIT);
    char name[32];
    uint32_t up = 0;
    for (int i = 0; i <= CLIENTS; i++) {
        snprintf(name, sizeof name, "client-%d", i);
        links[i] = client(world, life, name);
        if (i % 100 == 99) loop_run_for(world->loop, 50); /* 256 at once are strangers */
    }
    loop_run_for(world->loop, 50);
    for (int i = 0; i <= CLIENTS; i++) up += link_is_up(links[i]);
    CHECK_U32(up, CLIENTS);
    CHECK(!link_is_up(links[CLIENTS]));
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}"));
    asker_free(tool);
    scope_close(life);
    world_free(world);
}

static enum err change_many(struct asker *asker, uint32_t count)
{
    struct config_change_op *ops = scope_alloc_array(asker->life, count, sizeof *ops);
    for (uint32_t i = 0; i < count; i++) {
        ops[i] = (struct config_change_op){ .head.has = CONFIG_CHANGE_OP_HAS_OP |
                                                        CONFIG_CHANGE_OP_HAS_TYPE |
                                                        CONFIG_CHANGE_OP_HAS_VALUE,
                                            .op = TEXT("create"),
                                            .type = TEXT("Place") };
        struct text json = scope_format(asker->life, "{\"name\":\"place-%u\"}", i);
        ops[i].value = json;
    }
    struct config_change_set fields = { .head.has = CONFIG_CHANGE_SET_HAS_OPS,
                                        .ops = { ops, count } };
    return ask(asker, &MSG_CONFIG_CHANGE_SET, &fields);
}

TEST(a_change_set_has_1000_operations)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK(change_many(tool, OPERATIONS + 1) != ERR_OK);
    CHECK_TEXT(world->field, "ops");
    CHECK_OK(change_many(tool, OPERATIONS));
    asker_free(tool);
    world_free(world);
}
