/* SPDX-License-Identifier: Apache-2.0 */
/* The table says when an order begins and ends; go_on_starting() and go_on_stopping() walk the
 * groups of one priority. Begin with the table. */
#include "servers/control/solution.h"

enum {
    UNKNOWN = SOLUTION_UNKNOWN,
    STOPPED = SOLUTION_STOPPED,
    STOP_PENDING = SOLUTION_STOP_PENDING,
    START_PENDING = SOLUTION_START_PENDING,
    STOP_TRANSITION = SOLUTION_STOP_TRANSITION,
    START_TRANSITION = SOLUTION_START_TRANSITION,
    RUN_PENDING = SOLUTION_RUN_PENDING,
    RUNNING = SOLUTION_RUNNING,
    STARTED = SOLUTION_STARTED,

    START = SOLUTION_START,
    STOP = SOLUTION_STOP,
    LOOK = SOLUTION_LOOK,
};

/* --- one component -------------------------------------------------------------------------- */

static bool is_running(const struct solution_component *component)
{
    return component->status == STATUS_RUNNING;
}

static bool is_on_its_way_down(const struct solution_component *component)
{
    return component->status == STATUS_STOP_TRANSITION ||
           component->status == STATUS_STOP_PENDING || component->status == STATUS_SUSPENDING ||
           component->status == STATUS_SUSPENDED;
}

/* A start that nobody ordered does not undo a stop that somebody did. */
static bool is_left_alone(const struct solution *solution,
                          const struct solution_component *component)
{
    return component->is_barred ||
           (solution->is_automatic && component->status == STATUS_STOPPED && component->is_ordered);
}

static bool start_has_failed(const struct solution *solution,
                             const struct solution_component *component)
{
    if (component->is_optional || !component->is_asked || is_running(component)) return false;
    bool is_given_up = component->is_crash_loop && component->has_lived &&
                       component->status == STATUS_STOPPED;
    return component->is_refused || component->is_away || is_given_up ||
           solution->now_ms >= component->asked_ms + component->startup_ms;
}

static bool is_awaited(const struct solution *solution, const struct solution_component *component)
{
    return !component->is_optional && !is_running(component) && !is_left_alone(solution, component);
}

static bool is_going_down(const struct solution *solution,
                          const struct solution_component *component)
{
    if (component->is_barred || component->is_away || component->is_refused) return false;
    if (component->status == STATUS_STOPPED) return false;
    return !component->is_asked || solution->now_ms < component->asked_ms + component->shutdown_ms;
}

static void ask(struct solution *solution, struct solution_component *component,
                enum component_wish wish)
{
    component->is_asked = true;
    component->has_lived = false;
    component->asked_ms = solution->now_ms;
    component->wish = wish;
}

/* --- walking -------------------------------------------------------------------------------- */

static uint32_t group_end(const struct solution *solution, uint32_t from)
{
    uint32_t end = from;
    while (end < solution->count &&
           solution->components[end].priority == solution->components[from].priority)
        end++;
    return end;
}

static uint32_t group_begin(const struct solution *solution, uint32_t end)
{
    uint32_t begin = end;
    while (begin > 0 &&
           solution->components[begin - 1].priority == solution->components[end - 1].priority)
        begin--;
    return begin;
}

static void ask_to_start(struct solution *solution, struct solution_component *component)
{
    if (component->is_asked || is_running(component) || is_left_alone(solution, component)) return;
    bool is_coming = status_is_live(component->status) && !is_on_its_way_down(component);
    ask(solution, component, is_coming ? WISH_NONE : WISH_START);
}

/* True: every group has been asked, and nothing is awaited. */
static bool walk_up(struct solution *solution)
{
    for (uint32_t from = 0, end; from < solution->count; from = end) {
        bool is_done = true;
        end = group_end(solution, from);
        for (uint32_t i = from; i < end; i++) {
            ask_to_start(solution, &solution->components[i]);
            if (is_awaited(solution, &solution->components[i])) is_done = false;
        }
        if (!is_done) return false;
    }
    return true;
}

static bool walk_down(struct solution *solution)
{
    for (uint32_t end = solution->count, begin; end > 0; end = begin) {
        bool is_done = true;
        begin = group_begin(solution, end);
        for (uint32_t i = begin; i < end; i++) {
            struct solution_component *component = &solution->components[i];
            if (!is_going_down(solution, component)) continue;
            if (!component->is_asked)
                ask(solution, component, solution->is_graceful ? WISH_STOP_GRACEFULLY : WISH_STOP);
            is_done = false;
        }
        if (!is_done) return false;
    }
    return true;
}

/* --- guards --------------------------------------------------------------------------------- */

static bool all_are_known(const void *self)
{
    const struct solution *solution = self;
    for (uint32_t i = 0; i < solution->count; i++)
        if (!solution->components[i].is_known && !solution->components[i].is_away) return false;
    return true;
}

static bool one_has_failed(const void *self)
{
    const struct solution *solution = self;
    for (uint32_t i = 0; i < solution->count; i++)
        if (start_has_failed(solution, &solution->components[i])) return true;
    return false;
}

struct census {
    uint32_t needed, needed_running, needed_live, needed_unknown, live;
};

static struct census census_of(const struct solution *solution)
{
    struct census census = { 0 };
    for (uint32_t i = 0; i < solution->count; i++) {
        const struct solution_component *component = &solution->components[i];
        bool is_live = status_is_live(component->status);
        census.live += is_live;
        if (component->is_optional) continue;
        census.needed++;
        census.needed_running += is_running(component);
        census.needed_live += is_live;
        census.needed_unknown += component->status == STATUS_UNKNOWN;
    }
    return census;
}

static bool is_unknown(const void *self)
{
    return census_of(self).needed_unknown > 0;
}

static bool all_needed_run(const void *self)
{
    struct census census = census_of(self);
    return census.needed > 0 && census.needed_running == census.needed;
}

static bool some_unneeded_run(const void *self)
{
    struct census census = census_of(self);
    return census.needed == 0 && census.live > 0;
}

static bool nothing_runs(const void *self)
{
    struct census census = census_of(self);
    return census.needed > 0 ? census.needed_live == 0 : census.live == 0;
}

/* --- actions -------------------------------------------------------------------------------- */

static void forget_asked(struct solution *solution)
{
    for (uint32_t i = 0; i < solution->count; i++) {
        solution->components[i].is_asked = solution->components[i].is_refused = false;
        solution->components[i].wish = WISH_NONE;
    }
    solution->failed = -1;
}

static int begin(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    forget_asked(self);
    return LOOK;
}

static int look_again(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail, (void)out;
    return LOOK;
}

static int give_up(void *self, const void *detail, struct actions *out)
{
    struct solution *solution = self;
    (void)detail;
    for (uint32_t i = 0; i < solution->count && solution->failed < 0; i++)
        if (start_has_failed(solution, &solution->components[i])) solution->failed = (int32_t)i;
    out->notes |= SOLUTION_START_FAILED;
    return LOOK;
}

static int end_start(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= SOLUTION_START_DONE;
    return LOOK;
}

static int end_stop(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= SOLUTION_STOP_DONE;
    return LOOK;
}

/* It left RUNNING: because somebody ordered one of its applications, or not. */
static int leave_running(void *self, const void *detail, struct actions *out)
{
    const struct solution *solution = self;
    (void)detail;
    for (uint32_t i = 0; i < solution->count; i++) {
        const struct solution_component *component = &solution->components[i];
        if (!component->is_optional && !is_running(component) && !component->is_ordered)
            out->notes |= SOLUTION_UNPLANNED;
    }
    return FSM_NONE;
}

/* --- the table ------------------------------------------------------------------------------ */

static bool is_started_up(const void *self)
{
    const struct solution *solution = self;
    for (uint32_t i = 0; i < solution->count; i++) {
        const struct solution_component *component = &solution->components[i];
        if (is_awaited(solution, component)) return false;
        if (!component->is_asked && !is_running(component) && !is_left_alone(solution, component))
            return false;
    }
    return true;
}

static bool is_down(const void *self)
{
    const struct solution *solution = self;
    for (uint32_t i = 0; i < solution->count; i++)
        if (is_going_down(solution, &solution->components[i])) return false;
    return true;
}

static int go_on_starting(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    return walk_up(self) ? LOOK : FSM_NONE;
}

static int go_on_stopping(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    return walk_down(self) ? LOOK : FSM_NONE;
}

static const struct fsm_rule rules[] = {
    /* in             on     when               run             go */
    { FSM_ANY, START, NULL, begin, START_PENDING, "order, or startupType automatic" },
    { FSM_ANY, STOP, NULL, begin, STOP_PENDING, "order" },

    { START_PENDING, LOOK, all_are_known, look_again, START_TRANSITION, "the hosts have told" },
    { START_PENDING, LOOK, NULL, NULL, FSM_STAY, NULL },
    { START_TRANSITION, LOOK, one_has_failed, give_up, RUN_PENDING, "a needed one did not come" },
    { START_TRANSITION, LOOK, is_started_up, end_start, RUN_PENDING, "all have come" },
    { START_TRANSITION, LOOK, NULL, go_on_starting, FSM_STAY, NULL },

    { STOP_PENDING, LOOK, all_are_known, look_again, STOP_TRANSITION, "the hosts have told" },
    { STOP_PENDING, LOOK, NULL, NULL, FSM_STAY, NULL },
    { STOP_TRANSITION, LOOK, is_down, end_stop, RUN_PENDING, "all are down, or had their time" },
    { STOP_TRANSITION, LOOK, NULL, go_on_stopping, FSM_STAY, NULL },

    { RUNNING, LOOK, is_unknown, leave_running, UNKNOWN, "a host is away" },
    { RUNNING, LOOK, all_needed_run, NULL, FSM_STAY, NULL },
    { RUNNING, LOOK, nothing_runs, leave_running, STOPPED, NULL },
    { RUNNING, LOOK, NULL, leave_running, RUN_PENDING, NULL },
    { FSM_ANY, LOOK, is_unknown, NULL, UNKNOWN, NULL },
    { FSM_ANY, LOOK, all_needed_run, NULL, RUNNING, NULL },
    { FSM_ANY, LOOK, some_unneeded_run, NULL, STARTED, NULL },
    { FSM_ANY, LOOK, nothing_runs, NULL, STOPPED, NULL },
    { FSM_ANY, LOOK, NULL, NULL, RUN_PENDING, NULL },
};

static const struct fsm_state states[SOLUTION_STATUS_COUNT] = {
    [UNKNOWN] = { "unknown" },
    [STOPPED] = { "stopped" },
    [STOP_PENDING] = { "stop-pending" },
    [START_PENDING] = { "start-pending" },
    [STOP_TRANSITION] = { "stop-transition" },
    [START_TRANSITION] = { "start-transition" },
    [RUN_PENDING] = { "run-pending" },
    [RUNNING] = { "running" },
    [STARTED] = { "started" },
};

static const char *const events[SOLUTION_EVENT_COUNT] = {
    [START] = "start",
    [STOP] = "stop",
    [LOOK] = "look",
};

const struct fsm_machine solution_machine = {
    .name = "solution",
    .rules = rules,
    .rule_count = sizeof rules / sizeof *rules,
    .states = states,
    .state_count = SOLUTION_STATUS_COUNT,
    .events = events,
    .event_count = SOLUTION_EVENT_COUNT,
    .time_up = FSM_NONE,
};

/* --- from outside --------------------------------------------------------------------------- */

static void note_life(struct solution *solution)
{
    for (uint32_t i = 0; i < solution->count; i++)
        if (status_is_live(solution->components[i].status))
            solution->components[i].has_lived = true;
}

void solution_init(struct solution *solution, uint64_t now_ms)
{
    *solution = (struct solution){ .failed = -1 };
    fsm_start(&solution->fsm, &solution_machine, UNKNOWN, now_ms);
}

void solution_step(struct solution *solution, enum solution_event event, uint64_t now_ms,
                   struct actions *out)
{
    int before = solution->fsm.state;
    *out = (struct actions){ 0 };
    solution->now_ms = now_ms;
    note_life(solution);
    bool is_answered = fsm_feed(&solution->fsm, (int)event, solution, NULL, now_ms, out);
    ASSERT(is_answered);
    if (solution->fsm.state == before) return;
    out->notes |= SOLUTION_HAS_MOVED;
    if (solution->fsm.state == RUNNING) out->notes |= SOLUTION_IS_RUNNING;
}

uint64_t solution_due_ms(const struct solution *solution)
{
    bool is_starting = solution->fsm.state == START_TRANSITION;
    uint64_t due_ms = UINT64_MAX;
    if (!is_starting && solution->fsm.state != STOP_TRANSITION) return due_ms;
    for (uint32_t i = 0; i < solution->count; i++) {
        const struct solution_component *component = &solution->components[i];
        bool waits = is_starting ? is_awaited(solution, component)
                                 : is_going_down(solution, component);
        uint64_t limit_ms = is_starting ? component->startup_ms : component->shutdown_ms;
        if (waits && component->is_asked && component->asked_ms + limit_ms < due_ms)
            due_ms = component->asked_ms + limit_ms;
    }
    return due_ms;
}

enum solution_status solution_status(const struct solution *solution)
{
    return (enum solution_status)solution->fsm.state;
}

const char *solution_status_name(enum solution_status status)
{
    return states[status].name;
}

static bool is_waited_for(const struct solution *solution,
                          const struct solution_component *component)
{
    switch (solution->fsm.state) {
    case START_PENDING:
    case STOP_PENDING: return !component->is_known && !component->is_away;
    case START_TRANSITION: return component->is_asked && is_awaited(solution, component);
    case STOP_TRANSITION: return component->is_asked && is_going_down(solution, component);
    case RUN_PENDING:
    case UNKNOWN: return !component->is_optional && !is_running(component);
    default: return false;
    }
}

int32_t solution_awaits(const struct solution *solution)
{
    for (uint32_t i = 0; i < solution->count; i++)
        if (is_waited_for(solution, &solution->components[i])) return (int32_t)i;
    return -1;
}

enum order_error solution_order_check(enum solution_event order, enum solution_status status)
{
    bool is_start = order == SOLUTION_START;
    switch (status) {
    case SOLUTION_START_PENDING:
    case SOLUTION_START_TRANSITION: return is_start ? ORDER_ALREADY_IN_PROGRESS : ORDER_OK;
    case SOLUTION_STOP_PENDING:
    case SOLUTION_STOP_TRANSITION: return is_start ? ORDER_OK : ORDER_ALREADY_IN_PROGRESS;
    case SOLUTION_RUNNING: return is_start ? ORDER_NOT_STOPPED : ORDER_OK;
    default: return ORDER_OK; /* a stop of what is stopped puts an end to automatic starts, too */
    }
}
