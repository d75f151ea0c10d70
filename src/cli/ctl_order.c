/* SPDX-License-Identifier: Apache-2.0 */
/* carillon ctl's orders: given, then followed by what moves until they came out one way or the
 * other, a line for each step. */
#include "cli/command.h"
#include "cli/ctl.h"

#include <stdio.h>
#include <string.h>

/* Longer than anything an order may take: startupTimeout, shutdownTimeout and the graceful wait of
 * many components, one after the other. */
enum { WAIT_MS = 3600 * 1000, LOG_LEVEL_S = 600 };

struct outcome {
    struct text name;
    bool is_solution, is_stop, is_restart;
    bool is_over, is_good;
    bool was_left;       /* a restart: it was not RUNNING in between */
    uint32_t former_pid; /* or it is another process */
    char shown[64];      /* the state that was printed last */
    uint64_t began_mono_ms;
    struct ctl *ctl;
};

static void end(struct outcome *outcome, bool is_good)
{
    outcome->is_over = true;
    outcome->is_good = is_good;
    loop_stop(outcome->ctl->tool.loop);
}

static void show(struct outcome *outcome, struct text state, struct text reason)
{
    char now[sizeof outcome->shown];
    (void)snprintf(now, sizeof now, "%.*s", TEXT_ARG(state));
    if (strcmp(now, outcome->shown) == 0) return;
    memcpy(outcome->shown, now, sizeof now);
    uint64_t ms = loop_now_mono_ms(outcome->ctl->tool.loop) - outcome->began_mono_ms;
    printf("%6llu.%llu s  %.*s: %s", (unsigned long long)(ms / 1000),
           (unsigned long long)(ms % 1000 / 100), TEXT_ARG(outcome->name), now);
    if (reason.len) printf("  (%.*s)", TEXT_ARG(reason));
    printf("\n");
    fflush(stdout);
}

/* A start is over when it runs, or stands still again; a stop when it stands still. */
static void judge_application(struct outcome *outcome, const struct control_application_status *app)
{
    bool runs = text_eq(app->state, TEXT("RUNNING"));
    bool is_down = text_eq(app->state, TEXT("STOPPED"));
    show(outcome, app->state, app->reason);
    if (!runs || app->pid != outcome->former_pid) outcome->was_left = true;
    if (outcome->is_stop) {
        if (is_down) end(outcome, true);
    } else if (runs && (!outcome->is_restart || outcome->was_left)) {
        end(outcome, true);
    } else if (text_eq(app->state, TEXT("SERVICE_UNAVAILABLE")) ||
               (is_down && outcome->was_left && !outcome->is_restart && app->reason.len)) {
        end(outcome, false);
    }
}

static void judge_solution(struct outcome *outcome, const struct control_solution_status *solution)
{
    struct text state = solution->state;
    bool is_at_work = text_ends(state, TEXT("-transition")) ||
                      text_eq(state, TEXT("start-pending")) || text_eq(state, TEXT("stop-pending"));
    show(outcome, state, solution->reason);
    if (is_at_work) return;
    end(outcome, outcome->is_stop
                     ? text_eq(state, TEXT("stopped"))
                     : text_eq(state, TEXT("running")) || text_eq(state, TEXT("started")));
}

static void on_moved(struct ctl *ctl, const struct msg *msg, const void *fields)
{
    struct outcome *outcome = ctl->self;
    const struct control_status_moved *moved = fields;
    if (msg != &MSG_CONTROL_STATUS_MOVED || outcome->is_over) return;
    for (uint32_t i = 0; !outcome->is_solution && i < moved->applications.count; i++)
        if (text_eq(moved->applications.at[i].name, outcome->name))
            judge_application(outcome, &moved->applications.at[i]);
    for (uint32_t i = 0; outcome->is_solution && i < moved->solutions.count; i++)
        if (text_eq(moved->solutions.at[i].name, outcome->name))
            judge_solution(outcome, &moved->solutions.at[i]);
}

static void note_before(void *self, const void *fields)
{
    struct outcome *outcome = self;
    const struct control_status_read *read = fields;
    for (uint32_t i = 0; i < read->applications.count; i++)
        if (text_eq(read->applications.at[i].name, outcome->name))
            outcome->former_pid = read->applications.at[i].pid;
}

static void on_status(void *self, const struct link_error *error, const void *fields)
{
    struct outcome *outcome = self;
    const struct control_status_read *read = fields;
    if (error || outcome->is_over) return;
    for (uint32_t i = 0; !outcome->is_solution && i < read->applications.count; i++)
        if (text_eq(read->applications.at[i].name, outcome->name))
            judge_application(outcome, &read->applications.at[i]);
    for (uint32_t i = 0; outcome->is_solution && i < read->solutions.count; i++)
        if (text_eq(read->solutions.at[i].name, outcome->name))
            judge_solution(outcome, &read->solutions.at[i]);
}

/* Control itself may be what was restarted. */
static void watch_again(struct ctl *ctl)
{
    link_ask(ctl->link, &MSG_CONTROL_WATCH_STATUS, &(struct control_watch_status){ 0 }, NULL,
             CTL_ANSWER_MS, on_status, ctl->self);
}

static void on_time_up(void *self)
{
    loop_stop(((struct ctl *)self)->tool.loop);
}

static int wait_for(struct ctl *ctl, struct outcome *outcome)
{
    struct timer *timer = timer_new(ctl->tool.life, ctl->tool.loop, on_time_up, ctl);
    timer_start(timer, WAIT_MS);
    ctl->on_up = watch_again;
    if (!outcome->is_over) loop_run(ctl->tool.loop);
    timer_stop(timer);
    if (outcome->is_over) return outcome->is_good ? CTL_DONE : CTL_FAILED;
    (void)fprintf(stderr, "carillon ctl: %.*s is still %s\n", TEXT_ARG(outcome->name),
                  outcome->shown);
    return CTL_TIME_UP;
}

static enum err begin_watching(struct ctl *ctl, struct outcome *outcome)
{
    outcome->ctl = ctl;
    outcome->began_mono_ms = loop_now_mono_ms(ctl->tool.loop);
    ctl->self = outcome;
    ctl->on_event = on_moved;
    return ctl_ask(ctl, &MSG_CONTROL_WATCH_STATUS, &(struct control_watch_status){ 0 }, note_before,
                   outcome);
}

static void on_application_taken(void *self, const void *fields)
{
    const struct control_application_order_taken *taken = fields;
    struct outcome *outcome = self;
    if (!outcome->is_over) judge_application(outcome, taken->application);
}

static void on_solution_taken(void *self, const void *fields)
{
    const struct control_solution_order_taken *taken = fields;
    struct outcome *outcome = self;
    if (!outcome->is_over) judge_solution(outcome, taken->solution);
}

static enum err seconds_of(struct ctl *ctl, uint32_t *out)
{
    *out = LOG_LEVEL_S;
    if (ctl->seconds == NULL) return ERR_OK;
    enum err err = text_to_u32(text_of(ctl->seconds), 0, 86400, out);
    return err ? fault_set(&ctl->fault, err, "", "--for is a number of seconds, 0 to 86400") : err;
}

static int set_level(struct ctl *ctl, struct control_order_application *ask, const char *level)
{
    if (seconds_of(ctl, &ask->seconds)) return ctl_complain(ctl);
    ask->level = text_of(level);
    ask->head.has |= CONTROL_ORDER_APPLICATION_HAS_LEVEL | CONTROL_ORDER_APPLICATION_HAS_SECONDS;
    if (ctl_ask(ctl, &MSG_CONTROL_ORDER_APPLICATION, ask, NULL, NULL)) return ctl_complain(ctl);
    printf("%.*s logs at level %s, for %u s\n", TEXT_ARG(ask->name), level, ask->seconds);
    return CTL_DONE;
}

int ctl_order_application(struct ctl *ctl, const char *order, const char *name, const char *level)
{
    struct control_order_application ask = {
        .head.has = CONTROL_ORDER_APPLICATION_HAS_NAME | CONTROL_ORDER_APPLICATION_HAS_ORDER,
        .name = text_of(name),
        .order = text_of(order),
    };
    struct outcome outcome = { .name = ask.name,
                               .is_stop = text_starts(ask.order, TEXT("stop")),
                               .is_restart = text_eq(ask.order, TEXT("restart")) };
    if (level) return set_level(ctl, &ask, level);
    if (!ctl->no_wait && begin_watching(ctl, &outcome)) return ctl_complain(ctl);
    if (ctl_ask(ctl, &MSG_CONTROL_ORDER_APPLICATION, &ask,
                ctl->no_wait ? NULL : on_application_taken, &outcome))
        return ctl_complain(ctl);
    return ctl->no_wait ? CTL_DONE : wait_for(ctl, &outcome);
}

int ctl_order_solution(struct ctl *ctl, const char *order, const char *name)
{
    struct control_order_solution ask = {
        .head.has = CONTROL_ORDER_SOLUTION_HAS_NAME | CONTROL_ORDER_SOLUTION_HAS_ORDER,
        .name = text_of(name),
        .order = text_of(order),
    };
    struct outcome outcome = { .name = ask.name,
                               .is_solution = true,
                               .is_stop = text_starts(ask.order, TEXT("stop")) };
    if (!ctl->no_wait && begin_watching(ctl, &outcome)) return ctl_complain(ctl);
    if (ctl_ask(ctl, &MSG_CONTROL_ORDER_SOLUTION, &ask, ctl->no_wait ? NULL : on_solution_taken,
                &outcome))
        return ctl_complain(ctl);
    return ctl->no_wait ? CTL_DONE : wait_for(ctl, &outcome);
}
