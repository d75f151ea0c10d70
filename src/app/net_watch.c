/* SPDX-License-Identifier: Apache-2.0 */
#include "app/net_watch.h"

#include "gen/events.h"

enum { CALM_MS = 5000 };

struct net_watch {
    const struct log *log;
    struct loop *loop;
    struct timer *calm; /* runs while there is trouble; each further rest moves it */
    uint64_t began_ms;
};

static void on_pause(void *self, const char *address)
{
    struct net_watch *watch = self;
    if (!timer_is_running(watch->calm)) {
        watch->began_ms = loop_now_mono_ms(watch->loop);
        LOG_DESCRIPTORS_SHORT(watch->log, address);
    }
    timer_start(watch->calm, CALM_MS);
}

static void on_calm(void *self)
{
    struct net_watch *watch = self;
    LOG_DESCRIPTORS_BACK(watch->log, (unsigned long long)(loop_now_mono_ms(watch->loop) -
                                                          watch->began_ms - CALM_MS));
}

void net_watch_new(struct scope *owner, struct net *net, const struct log *log)
{
    struct net_watch *watch = scope_alloc(owner, sizeof *watch);
    *watch = (struct net_watch){ .log = log, .loop = net_loop(net) };
    watch->calm = timer_new(owner, watch->loop, on_calm, watch);
    net_on_pause(net, on_pause, watch);
}
