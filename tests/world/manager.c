/* SPDX-License-Identifier: Apache-2.0 */
/* The manager: loads, starts, stops and unloads a campaign group of her own. What was acknowledged
 * is the group's state, through everything that befalls the world. */
#include "tests/world/fields.h"
#include "tests/world/world.h"

enum { PAUSE_MS = 1500 };

static const struct order {
    const char *req, *body, *state;
} orders[] = {
    { "Load", "{}", "loaded" }, { "Start", "{\"GSW_DIAL_MODE\":3}", "started" },
    { "Stop", "{}", "loaded" }, { "Start", "{\"GSW_DIAL_MODE\":3}", "started" },
    { "Unload", "{}", "null" },
};
enum { ORDERS = sizeof orders / sizeof *orders };

struct manager {
    struct world *world;
    struct timer *timer;
    uint32_t next;
    uint64_t request; /* under way; 0: none */
};

static void on_answer(void *self, const struct answer *answer)
{
    struct manager *manager = self;
    bool is_done = answer && answer->status == 200;
    enum event_kind end = is_done                                 ? EVENT_ACKNOWLEDGED
                          : answer && !manager->world->has_ghosts ? EVENT_REFUSED
                                                                  : EVENT_LOST;
    world_hear(manager->world, (struct event){ .kind = end, .request = manager->request });
    manager->request = 0;
    manager->world->requests_open--;
    if (is_done) manager->next = (manager->next + 1) % ORDERS;
    timer_start(manager->timer, 1 + world_below(manager->world, PAUSE_MS));
}

static void order_next(void *self)
{
    struct manager *manager = self;
    struct world *world = manager->world;
    const struct order *order = &orders[manager->next];
    char url[96], key[32];
    if (world->is_ending) return;
    manager->request = world_next_request(world);
    world->requests_open++;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/campaigngroups/%d?req=%s", HTTP_PORT,
                   MANAGED_DBID, order->req);
    (void)snprintf(key, sizeof key, "order-%llu", (unsigned long long)manager->request);
    world_hear(world, (struct event){ .kind = EVENT_ASKED,
                                      .request = manager->request,
                                      .ask = ASK_SET,
                                      .name = TEXT("state of G2"),
                                      .value = text_of(order->state) });
    world_post(world, url, text_of(order->body), text_of(key), on_answer, manager);
}

static void on_status(void *self, const struct answer *answer)
{
    struct manager *manager = self;
    struct text state = answer ? text_in(&answer->body, "GSW_STATE") : (struct text){ 0 };
    manager->request = 0;
    if (state.len == 0)
        world_fail(manager->world, "the state of G2 cannot be read");
    else if (!text_eq(state, TEXT("unloading")))
        world_hear(
            manager->world,
            (struct event){ .kind = EVENT_SEEN, .name = TEXT("state of G2"), .value = state });
}

void manager_look(struct manager *manager)
{
    char url[96];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/campaigngroups/%d", HTTP_PORT,
                   MANAGED_DBID);
    manager->request = UINT64_MAX;
    world_get(manager->world, url, on_status, manager);
    while (manager->request) loop_run_for(manager->world->loop, 50);
}

struct manager *manager_new(struct world *world)
{
    struct manager *manager = scope_alloc(world->life, sizeof *manager);
    manager->world = world;
    manager->timer = timer_new(world->life, world->loop, order_next, manager);
    timer_start(manager->timer, 1 + world_below(world, PAUSE_MS));
    return manager;
}
