/* SPDX-License-Identifier: Apache-2.0 */
/* What the servers have in memory, told as events: how long a chain may stay with its agent, which
 * revision of the configuration each of them holds, and whether published counters agree with the
 * store. */
#include "tests/world/world.h"

#include "base/table.h"
#include "gen/counters.h"
#include "servers/outbound/session.h"
#include "tests/world/configuration.h"

enum { LATENESS_MS = 12000 }; /* a look each 5 s, a slow disk */

/* --- states and their deadlines --- */

static void tell_chain(struct world *world, const struct session *session,
                       const struct live_chain *live)
{
    uint64_t timeout_ms = (uint64_t)session->options->preview_timeout * 1000;
    char who[64];
    (void)snprintf(who, sizeof who, "round %s", live->chain.attempt_guid.text);
    world_hear(world,
               (struct event){
                   .kind = EVENT_STATE,
                   .name = TEXT("with its agent"),
                   .who = text_of(who),
                   .since = live->touched_mono_ms,
                   .until = timeout_ms ? live->touched_mono_ms + timeout_ms + LATENESS_MS : 0 });
}

static void tell_states(struct world *world, const struct outbound *outbound)
{
    struct session *session;
    for (size_t at = 0; (session = table_next(outbound->sessions, &at)) != NULL;)
        LIST_EACH (node, &session->in_progress)
            tell_chain(world, session, LIST_OBJECT(node, struct live_chain, node));
}

/* --- configuration --- */

/* `view`: what the one who may not see all of it may see; empty: all. */
static void tell_holder(struct world *world, const char *who, struct text view,
                        const struct held *held, bool is_settled)
{
    char words[24];
    (void)snprintf(words, sizeof words, "%016llx", (unsigned long long)held->digest);
    world_hear(world, (struct event){ .kind = EVENT_CONFIGURATION,
                                      .who = text_of(who),
                                      .name = view,
                                      .revision = held->revision,
                                      .digest = text_of(words),
                                      .is_settled = is_settled });
}

static void tell_follower(struct world *world, uint32_t index, bool is_settled)
{
    struct text name;
    struct held held;
    bool has = follower_held(world, index, &name, &held);
    if (has) tell_holder(world, name.at, name, &held, is_settled);
    if (config_shows(machine_app(world->machine, TEXT("config")), name, &held))
        tell_holder(world, "config", name, &held, is_settled);
    if (config_shows(machine_app(world->machine, TEXT("copy")), name, &held))
        tell_holder(world, "copy", name, &held, is_settled);
}

static void tell_configuration(struct world *world, bool is_settled)
{
    static const char *const subscribers[] = { "outbound", "web" };
    struct held held;
    if (!config_holds(machine_app(world->machine, TEXT("config")), &held)) return;
    tell_holder(world, "config", TEXT(""), &held, is_settled);
    for (size_t i = 0; i < sizeof subscribers / sizeof *subscribers; i++)
        if (subscriber_holds(machine_app(world->machine, text_of(subscribers[i])), &held))
            tell_holder(world, subscribers[i], TEXT(""), &held, is_settled);
    for (uint32_t i = 0; i < FOLLOWERS; i++) tell_follower(world, i, is_settled);
}

void census_persons(struct world *world)
{
    struct held held;
    if (config_holds(machine_app(world->machine, TEXT("config")), &held))
        world_hear(world, (struct event){ .kind = EVENT_SEEN,
                                          .name = TEXT("first name of a1"),
                                          .value = held.first_name });
}

/* --- counters --- */

static void tell_counter(struct world *world, const char *name, uint64_t published, const char *sql)
{
    world_hear(world, (struct event){ .kind = EVENT_COUNTER,
                                      .name = text_of(name),
                                      .published = published,
                                      .counted = look_count(world, sql) });
}

static void tell_counters(struct world *world, struct outbound *outbound)
{
    struct outbound_counters counters = { 0 };
    outbound->app->type->count(app_server(outbound->app), &counters);
    if (counters.store_waiting) return; /* not a quiet instant */
    tell_counter(world, "chains_in_progress", counters.chains_in_progress,
                 "SELECT count(*) FROM round WHERE state = 1");
    tell_counter(world, "sessions_started", counters.sessions_started,
                 "SELECT count(*) FROM session WHERE state = 2");
    tell_counter(world, "notifications_waiting", counters.notifications_waiting,
                 "SELECT count(*) FROM outbox WHERE state = 1");
    tell_counter(world, "chains_buffered", counters.chains_buffered,
                 "SELECT count(*) FROM list_1 WHERE record_status = 2 AND chain_id NOT IN "
                 "(SELECT chain_id FROM round WHERE state = 1)");
}

void census(struct world *world, bool is_settled)
{
    struct outbound *outbound = look_outbound(world);
    tell_configuration(world, is_settled);
    if (outbound) tell_states(world, outbound);
    if (outbound && is_settled) tell_counters(world, outbound);
}
