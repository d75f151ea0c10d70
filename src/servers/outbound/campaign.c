/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/campaign.h"

struct actions {
    struct session_outcome *outcome;
};

struct order {
    const struct dialing *present, *wanted;
};

static int load(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->is_changed = out->outcome->opens = true;
    out->outcome->report = "CampaignLoaded";
    return FSM_NONE;
}

static bool is_preview(const void *self)
{
    const struct order *order = self;
    return order->wanted->mode == DIAL_MODE_PREVIEW;
}

static bool is_present_mode(const void *self)
{
    const struct order *order = self;
    return order->wanted->mode == order->present->mode;
}

static int start(void *self, const void *detail, struct actions *out)
{
    const struct order *order = self;
    (void)detail;
    out->outcome->is_changed = true;
    out->outcome->dialing = *order->wanted;
    out->outcome->report = "CampaignStarted";
    return FSM_NONE;
}

static int stop(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->is_changed = true;
    out->outcome->report = "CampaignStopped";
    return FSM_NONE;
}

static int unload(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->is_changed = out->outcome->returns_buffer = true;
    out->outcome->report = "CampaignUnloaded";
    return FSM_NONE;
}

static int force_unload(void *self, const void *detail, struct actions *out)
{
    (void)unload(self, detail, out);
    out->outcome->forces = true;
    return FSM_NONE;
}

static int end(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->is_changed = true;
    out->outcome->report = "CampaignUnloaded";
    return FSM_NONE;
}

static int prioritise_loaded(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->is_changed = true;
    out->outcome->report = "CampaignLoaded";
    return FSM_NONE;
}

static int prioritise_started(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->is_changed = true;
    out->outcome->report = "CampaignStarted";
    return FSM_NONE;
}

/* Fulfilled already: acknowledged, nothing changes. */
static int say_loaded(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->report = "CampaignLoaded";
    return FSM_NONE;
}

static int say_started(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->report = "CampaignStarted";
    return FSM_NONE;
}

static int say_stopped(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->report = "CampaignStopped";
    return FSM_NONE;
}

static int say_unloaded(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->outcome->report = "CampaignUnloaded";
    return FSM_NONE;
}

static int refuse_unloaded(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_LOADED, "the campaign group is not loaded");
    return FSM_NONE;
}

static int refuse_unloading(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_ALLOWED,
                 "the campaign group is unloading: its last chains are still with agents");
    return FSM_NONE;
}

static int refuse_dialer(void *self, const void *detail, struct actions *out)
{
    const struct order *order = self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_ALLOWED,
                 "GSW_DIAL_MODE: mode %u needs a dialer, which this installation does not have; "
                 "3 (Preview) is available",
                 order->wanted->mode);
    return FSM_NONE;
}

/* Spec 3.2: any change to or from preview needs stop and start. */
static int refuse_mode_change(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_ALLOWED,
                 "GSW_DIAL_MODE: a change to or from preview needs Stop and Start");
    return FSM_NONE;
}

static int refuse_not_started(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_ALLOWED, "the campaign group is not started");
    return FSM_NONE;
}

enum {
    NIL = SESSION_NULL,
    LOADED = SESSION_LOADED,
    STARTED = SESSION_STARTED,
    UNLOADING = SESSION_UNLOADING
};
enum {
    LOAD = SESSION_LOAD,
    START = SESSION_START,
    STOP = SESSION_STOP,
    UNLOAD = SESSION_UNLOAD,
    FORCE = SESSION_FORCE_UNLOAD,
    MODE = SESSION_SET_MODE,
    PRIO = SESSION_SET_PRIORITIES,
    DRAINED = SESSION_DRAINED
};

/* clang-format off */
static const struct fsm_rule session_rules[] = {
    /* in        on       when             run                 go        */
    { NIL,       LOAD,    NULL,            load,               LOADED,    "lists open, buffer fills" },
    { NIL,       UNLOAD,  NULL,            say_unloaded,       FSM_STAY,  NULL },
    { NIL,       FORCE,   NULL,            say_unloaded,       FSM_STAY,  NULL },
    { NIL,       FSM_ANY, NULL,            refuse_unloaded,    FSM_STAY,  NULL },
    { LOADED,    LOAD,    NULL,            say_loaded,         FSM_STAY,  NULL },
    { LOADED,    START,   is_preview,      start,              STARTED,   "agents get records" },
    { LOADED,    START,   NULL,            refuse_dialer,      FSM_STAY,  NULL },
    { LOADED,    STOP,    NULL,            say_stopped,        FSM_STAY,  NULL },
    { LOADED,    MODE,    NULL,            refuse_not_started, FSM_STAY,  NULL },
    { LOADED,    PRIO,    NULL,            prioritise_loaded,  FSM_STAY,  "another order" },
    { LOADED,    UNLOAD,  NULL,            unload,             UNLOADING, "rows back to Ready" },
    { LOADED,    FORCE,   NULL,            force_unload,       UNLOADING, "active rows Stale" },
    { STARTED,   LOAD,    NULL,            say_started,        FSM_STAY,  NULL },
    { STARTED,   START,   is_present_mode, say_started,        FSM_STAY,  NULL },
    { STARTED,   START,   NULL,            refuse_mode_change, FSM_STAY,  NULL },
    { STARTED,   MODE,    is_present_mode, say_started,        FSM_STAY,  NULL },
    { STARTED,   MODE,    NULL,            refuse_mode_change, FSM_STAY,  NULL },
    { STARTED,   PRIO,    NULL,            prioritise_started, FSM_STAY,  "another order" },
    { STARTED,   STOP,    NULL,            stop,               LOADED,    "no new records" },
    { STARTED,   UNLOAD,  NULL,            unload,             UNLOADING, "rows back to Ready" },
    { STARTED,   FORCE,   NULL,            force_unload,       UNLOADING, "active rows Stale" },
    { UNLOADING, DRAINED, NULL,            end,                NIL,       "last chain done" },
    { UNLOADING, UNLOAD,  NULL,            say_unloaded,       FSM_STAY,  NULL },
    { UNLOADING, FORCE,   NULL,            force_unload,       FSM_STAY,  "active rows Stale" },
    { UNLOADING, FSM_ANY, NULL,            refuse_unloading,   FSM_STAY,  NULL },
    { FSM_ANY,   DRAINED, NULL,            NULL,               FSM_STAY,  NULL },
};

static const struct fsm_state session_states[SESSION_STATES] = {
    [NIL]       = { "null" },
    [LOADED]    = { "loaded" },
    [STARTED]   = { "started" },
    [UNLOADING] = { "unloading" },
};
/* clang-format on */

static const char *const session_event_names[SESSION_EVENTS] = {
    [LOAD] = "load",          [START] = "start",   [STOP] = "stop",           [UNLOAD] = "unload",
    [FORCE] = "force unload", [MODE] = "set mode", [PRIO] = "set priorities", [DRAINED] = "drained",
};

const struct fsm_machine session_machine = {
    .name = "campaign group session",
    .rules = session_rules,
    .rule_count = sizeof session_rules / sizeof session_rules[0],
    .states = session_states,
    .state_count = SESSION_STATES,
    .events = session_event_names,
    .event_count = SESSION_EVENTS,
    .time_up = FSM_NONE,
};

enum outbound_error session_decide(const struct fsm *session, const struct dialing *present,
                                   enum session_event event, const struct dialing *wanted,
                                   uint64_t now_utc_ms, struct session_outcome *out)
{
    *out = (struct session_outcome){ .fsm = *session, .dialing = *present };
    struct order order = { present, wanted };
    struct actions actions = { out };
    bool answered = fsm_feed(&out->fsm, event, &order, NULL, now_utc_ms, &actions);
    ASSERT(answered);
    return out->refusal.error;
}
