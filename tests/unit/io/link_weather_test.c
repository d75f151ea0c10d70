/* SPDX-License-Identifier: Apache-2.0 */
/* Links in every weather: each request ends exactly once and in time, no reply goes to another
 * request, silence is noticed, and when it is calm again all are up. */
#include "tests/unit/test.h"

#include "gen/messages.h"
#include "io/link/link.h"
#include "io/net/sim_net.h"

#include <stdio.h>

static const struct text address = { "127.0.0.1:7001", 14 };

enum {
    SEEDS = 200,
    CLIENTS = 3,
    ASKS_MAX = 400,
    STORM_MS = 40 * 1000,
    STEP_MS = 500,
    DEADLINE_MS = 4000,
    ADDP_MS = 3000,
    RECONNECT_MS = 1000,
    /* Silence noticed, a try that hangs, a rest, the next opening. */
    RECOVERY_MS = 2 * ADDP_MS + 5000 + 2 * RECONNECT_MS + 5000,
};

struct asked {
    struct storm *storm;
    uint32_t number, ends;
    bool is_answered;
    uint64_t due_ms, ended_ms;
};

struct party { /* one end */
    struct storm *storm;
    struct link *link; /* NULL: down */
    uint32_t ups, downs;
};

struct storm {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct log log;
    struct link_server *server;
    struct party parties[CLIENTS];
    struct party served; /* hears for all links of the server */
    struct asked asked[ASKS_MAX];
    uint32_t asked_count, requests, events;
    bool may_repeat; /* ghosts about: replays must be refused */
    struct link_request *held[ASKS_MAX];
    uint32_t held_count;
};

/* --- both ends --- */

static void on_up(void *self, struct link *link)
{
    struct party *party = self;
    party->ups++;
    party->link = link;
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct party *party = self;
    (void)why;
    party->downs++;
    if (party->link == link) party->link = NULL;
}

static void answer(struct link_request *request, uint32_t number)
{
    struct supervisor_registered reply = { .head.has = SUPERVISOR_REGISTERED_HAS_PID,
                                           .pid = number + 1 };
    link_reply(request, &reply);
}

/* Some are answered at once, some later, some never. */
static void on_register(void *self, struct link_request *request, const void *fields)
{
    struct storm *storm = ((struct party *)self)->storm;
    const struct supervisor_register *asked = fields;
    storm->requests++;
    if (asked->pid % 5 == 0)
        link_ignore(request);
    else if (asked->pid % 5 < 3)
        answer(request, asked->pid);
    else
        storm->held[storm->held_count++] = request;
}

static void answer_held(struct storm *storm)
{
    for (uint32_t i = 0; i < storm->held_count; i++) {
        struct supervisor_registered reply = { .head.has = SUPERVISOR_REGISTERED_HAS_PID };
        /* What was asked is in the request's scope; its number was kept in the header. */
        uint32_t number = 0;
        CHECK_OK(
            text_to_u32(link_request_header(storm->held[i])->trace_id, 1, UINT32_MAX, &number));
        reply.pid = number + 1;
        link_reply(storm->held[i], &reply);
    }
    storm->held_count = 0;
}

static void on_status(void *self, struct link *link, const void *fields)
{
    (void)link, (void)fields;
    ((struct party *)self)->storm->events++;
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_SUPERVISOR_REGISTER, .on_request = on_register },
    { .msg = &MSG_SUPERVISOR_STATUS, .on_event = on_status },
    { 0 },
};
static const struct link_life hooks = { on_up, on_down };

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct asked *asked = self;
    asked->ends++;
    asked->ended_ms = loop_now_mono_ms(asked->storm->loop);
    CHECK(error == NULL || error->err == ERR_TIMEOUT || error->err == ERR_CLOSED);
    if (error) return;
    asked->is_answered = true;
    CHECK_U32(((const struct supervisor_registered *)fields)->pid, asked->number + 1);
}

static void ask(struct storm *storm, struct link *link)
{
    CHECK(storm->asked_count < ASKS_MAX);
    struct asked *asked = &storm->asked[storm->asked_count++];
    char number[16];
    (void)snprintf(number, sizeof number, "%u", storm->asked_count);
    *asked = (struct asked){ .storm = storm,
                             .number = storm->asked_count,
                             .due_ms = loop_now_mono_ms(storm->loop) + DEADLINE_MS };
    struct supervisor_register fields = {
        .head.has = SUPERVISOR_REGISTER_HAS_APPLICATION | SUPERVISOR_REGISTER_HAS_PID |
                    SUPERVISOR_REGISTER_HAS_TYPE,
        .application = TEXT("outbound"),
        .pid = asked->number,
        .type = TEXT("outbound"),
    };
    struct link_header header = { .trace_id = text_of(number) };
    link_ask(link, &MSG_SUPERVISOR_REGISTER, &fields, &header, DEADLINE_MS, on_reply, asked);
}

/* --- a world --- */

static struct link_identity identity(const char *name)
{
    return (struct link_identity){ .application = text_of(name),
                                   .role = TEXT("primary"),
                                   .build = TEXT("test"),
                                   .secret = TEXT("0123456789abcdef0123456789abcdef"),
                                   .secret_is_master = true };
}

static struct storm *storm_new(uint64_t seed, const struct link_options *options)
{
    static struct storm storm;
    storm = (struct storm){ .life = scope_new(NULL, "storm", SCOPE_NO_LIMIT) };
    storm.loop = loop_new_virtual(storm.life, 1000000, seed);
    storm.net = net_new(storm.life, storm.loop);
    storm.served.storm = &storm;
    struct link_identity config = identity("config");
    CHECK_OK(link_listen(storm.life, storm.net, &storm.log, address, &config, NULL, handlers,
                         &hooks, &storm.served, &storm.server, NULL));
    for (int i = 0; i < CLIENTS; i++) {
        struct link_identity mine = identity("outbound");
        storm.parties[i].storm = &storm;
        (void)link_connect(storm.life, storm.net, &storm.log, address, TEXT("config"), &mine,
                           options, handlers, &hooks, &storm.parties[i]);
    }
    return &storm;
}

static void storm_free(struct storm *storm)
{
    scope_close(storm->life);
}

/* Both ends ask and tell. */
static void talk(struct storm *storm)
{
    struct supervisor_status status = { .head.has = SUPERVISOR_STATUS_HAS_STATE,
                                        .state = TEXT("running") };
    for (int i = 0; i < CLIENTS; i++) {
        if (storm->parties[i].link == NULL) continue;
        ask(storm, storm->parties[i].link);
        link_send(storm->parties[i].link, &MSG_SUPERVISOR_STATUS, &status);
    }
    struct link *link = link_server_next(storm->server, NULL);
    if (link) ask(storm, link);
}

static void run_storm(struct storm *storm)
{
    for (uint64_t ms = 0; ms < STORM_MS; ms += STEP_MS) {
        talk(storm);
        loop_run_for(storm->loop, STEP_MS);
        if (ms % (4 * STEP_MS) == 0) answer_held(storm);
    }
}

static void check_ends(const struct storm *storm)
{
    for (uint32_t i = 0; i < storm->asked_count; i++) {
        const struct asked *asked = &storm->asked[i];
        CHECK_U32(asked->ends, 1);
        CHECK(asked->ended_ms <= asked->due_ms);
        CHECK(!asked->is_answered || asked->number % 5 != 0);
    }
}

static void check_recovery(struct storm *storm)
{
    sim_net_set_weather(storm->net, NULL);
    loop_run_for(storm->loop, RECOVERY_MS);
    uint32_t before = storm->asked_count;
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(storm->parties[i].link != NULL && link_is_up(storm->parties[i].link));
        CHECK_U32(storm->parties[i].ups, storm->parties[i].downs + 1);
        ask(storm, storm->parties[i].link);
    }
    loop_run_for(storm->loop, DEADLINE_MS / 2);
    answer_held(storm);
    loop_run_for(storm->loop, DEADLINE_MS);
    for (uint32_t i = before; i < storm->asked_count; i++)
        CHECK(storm->asked[i].is_answered || storm->asked[i].number % 5 == 0);
}

static const struct link_options watched = { .addp_local_ms = ADDP_MS,
                                             .addp_remote_ms = ADDP_MS,
                                             .reconnect_ms = RECONNECT_MS };

TEST(in_every_weather_each_request_ends_once_and_in_time_and_links_come_back)
{
    uint64_t answered = 0, asked = 0, inflicted = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct storm *storm = storm_new(seed, &watched);
        struct sim_net_weather weather = sim_net_weather_any(loop_random(storm->loop));
        sim_net_set_weather(storm->net, &weather);
        run_storm(storm);
        check_recovery(storm);
        check_ends(storm);
        answer_held(storm);
        for (uint32_t i = 0; i < storm->asked_count; i++) answered += storm->asked[i].is_answered;
        asked += storm->asked_count;
        CHECK(storm->requests <= storm->asked_count); /* none is carried out twice */
        inflicted += sim_net_counters(storm->net)->resets + sim_net_counters(storm->net)->deaf;
        /* The server's ends of those that went are gone too: none is half-open for ever. */
        uint32_t links = 0;
        for (struct link *link = NULL; (link = link_server_next(storm->server, link)) != NULL;)
            links++;
        CHECK_U32(links, CLIENTS);
        storm_free(storm);
    }
    CHECK(answered > asked / 4);
    CHECK(inflicted > SEEDS);
}

TEST(a_replayed_connection_proves_nothing_and_carries_nothing_out)
{
    uint64_t ghosts = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct storm *storm = storm_new(seed, &watched);
        struct sim_net_weather weather = {
            .delay_max_ms = 30, .split = 200000, .ghost = 1000000, .ghost_max_ms = 20 * 1000
        };
        sim_net_set_weather(storm->net, &weather);
        loop_run_for(storm->loop, 2000);
        run_storm(storm);
        check_recovery(storm);
        check_ends(storm);
        answer_held(storm);
        loop_run_for(storm->loop, 30 * 1000);
        CHECK_U32(storm->requests, storm->asked_count);
        ghosts += sim_net_counters(storm->net)->ghosts;
        CHECK_U32(link_server_counters(storm->server)->openings_refused,
                  sim_net_counters(storm->net)->ghosts);
        CHECK_U32(storm->served.ups, CLIENTS);
        storm_free(storm);
    }
    CHECK_U32(ghosts, 20 * CLIENTS);
}

/* The same for both ends: whichever direction is silent, and however much the other one carries. */
TEST(a_link_that_nobody_watches_does_not_stay_half_open_for_ever)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct storm *storm = storm_new(seed, NULL);
        loop_run_for(storm->loop, 100);
        CHECK_U32(storm->served.ups, CLIENTS);
        struct sim_net_weather deafness = { .silence = 1000000, .silence_for_ever = 1000000 };
        sim_net_set_weather(storm->net, &deafness);
        talk(storm); /* every client's words are lost from here on */
        loop_run_for(storm->loop, 1);
        sim_net_set_weather(storm->net, NULL);
        for (int minute = 0; minute < 10; minute++) {
            talk(storm);
            loop_run_for(storm->loop, 60 * 1000);
        }
        CHECK_U32(storm->served.downs, CLIENTS);
        for (int i = 0; i < CLIENTS; i++) CHECK_U32(storm->parties[i].downs, 1);
        CHECK_U32(storm->served.ups, 2 * CLIENTS);
        storm_free(storm);
    }
}
