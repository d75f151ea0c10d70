/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/lifecycle.h"

enum { OFF = PROXY_OFF, STARTING = PROXY_STARTING, UP = PROXY_UP, WAIT = PROXY_WAIT };

static bool child_is_gone(const void *self)
{
    return !((const struct lifecycle *)self)->has_child;
}

static bool is_wanted_again(const void *self)
{
    return ((const struct lifecycle *)self)->is_wanted;
}

static int want(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    ((struct lifecycle *)self)->is_wanted = true;
    return FSM_NONE;
}

static int start_child(void *self, const void *detail, struct actions *out)
{
    out->starts = true;
    return want(self, detail, out);
}

static int close_child(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    ((struct lifecycle *)self)->is_wanted = false;
    out->closes = out->forgets = out->tells_stopped = true;
    return FSM_NONE;
}

static int unwant(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    ((struct lifecycle *)self)->is_wanted = false;
    return FSM_NONE;
}

static int tell_up(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->tells_up = true;
    return FSM_NONE;
}

static int tell_exit(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->tells_exit = out->forgets = true;
    return FSM_NONE;
}

static int kill_child(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->kills = true;
    return FSM_NONE;
}

static int update_child(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->updates = true;
    return FSM_NONE;
}

/* clang-format off */
static const struct fsm_rule rules[] = {
    /* in       on               when             run           go        */
    { OFF,      PROXY_WANTED,    child_is_gone,   start_child,  STARTING, "primary, http port present" },
    { OFF,      PROXY_WANTED,    NULL,            want,         FSM_STAY, "the last child still leaves" },
    { OFF,      PROXY_EXITED,    is_wanted_again, start_child,  STARTING, "the last child has left" },
    { OFF,      PROXY_UNWANTED,  NULL,            unwant,       FSM_STAY, NULL },
    { OFF,      FSM_ANY,         NULL,            NULL,         FSM_STAY, NULL },

    { FSM_ANY,  PROXY_UNWANTED,  NULL,            close_child,  OFF,      "port removed, or we stop" },
    { FSM_ANY,  PROXY_WANTED,    NULL,            NULL,         FSM_STAY, "a new port waits for the next start" },

    { STARTING, PROXY_LISTENING, NULL,            tell_up,      UP,       NULL },
    { STARTING, PROXY_EXITED,    NULL,            tell_exit,    WAIT,     "cannot bind, or died" },
    { STARTING, PROXY_TIME_UP,   NULL,            kill_child,   FSM_STAY, "silent: its end is heard as exited" },
    { STARTING, PROXY_CHANGED,   NULL,            update_child, FSM_STAY, NULL },

    { UP,       PROXY_EXITED,    NULL,            tell_exit,    WAIT,     "any code" },
    { UP,       PROXY_CHANGED,   NULL,            update_child, FSM_STAY, NULL },
    { UP,       FSM_ANY,         NULL,            NULL,         FSM_STAY, NULL },

    { WAIT,     PROXY_TIME_UP,   NULL,            start_child,  STARTING, "T elapsed: the port as it is now" },
    { WAIT,     FSM_ANY,         NULL,            NULL,         FSM_STAY, NULL },
};
/* clang-format on */

static uint64_t start_limit_ms(const void *self)
{
    (void)self;
    return PROXY_START_MS;
}

static uint64_t reconnect_ms(const void *self)
{
    return ((const struct lifecycle *)self)->reconnect_ms;
}

static const struct fsm_state states[] = {
    [OFF] = { "off" },
    [STARTING] = { "starting", .limit_ms = start_limit_ms },
    [UP] = { "up" },
    [WAIT] = { "wait", .limit_ms = reconnect_ms },
};
static const char *const events[] = { "wanted", "unwanted", "listening",
                                      "exited", "changed",  "time up" };

const struct fsm_machine lifecycle_machine = {
    .name = "http_proxy",
    .rules = rules,
    .rule_count = sizeof rules / sizeof rules[0],
    .states = states,
    .state_count = PROXY_STATES,
    .events = events,
    .event_count = PROXY_EVENTS,
    .time_up = PROXY_TIME_UP,
};

void lifecycle_start(struct lifecycle *lifecycle, uint64_t now_mono_ms)
{
    fsm_start(&lifecycle->fsm, &lifecycle_machine, OFF, now_mono_ms);
}

void lifecycle_feed(struct lifecycle *lifecycle, enum lifecycle_event event, uint64_t now_mono_ms,
                    struct actions *out)
{
    bool is_answered = fsm_feed(&lifecycle->fsm, event, lifecycle, NULL, now_mono_ms, out);
    ASSERT(is_answered);
}

uint64_t lifecycle_due_ms(const struct lifecycle *lifecycle)
{
    return fsm_due_ms(&lifecycle->fsm, lifecycle);
}
