/* SPDX-License-Identifier: Apache-2.0 */
/* The link to the supervisor of this host (framework 5, 6.4; design 5, The supervisor may die). */
#include "app/private.h"

#include "gen/events.h"
#include "gen/messages.h"

enum {
    ASK_MS = 10 * 1000,
    RETRY_MS = 1000,
    HEARTBEATS_PER_PERIOD = 3,
    FIGURES_MS = 10 * 1000, /* how often figures are looked at; told when they moved */
    FIGURES_SOON_MS = 100,  /* after its state did */
};

struct control {
    struct app *app;
    struct link *link;
    struct timer *grace_timer, *heartbeat_timer, *retry_timer, *figures_timer;
    struct scope *figures_life, *figures_spare;
    struct kv figures; /* as they were told last */
    bool is_registered;
};

/* --- what we tell --------------------------------------------------------------------------- */

static bool are_same(const struct kv *a, const struct kv *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->at[i].value.integer != b->at[i].value.integer) return false;
    return true;
}

/* Framework 5: what the supervisor shows beside the state; one table, in its order. */
static void tell_figures(void *self)
{
    struct control *control = self;
    struct scope *life = control->figures_spare;
    scope_reset(life);
    struct kv figures = metrics_figures(control->app, life);
    timer_start(control->figures_timer, FIGURES_MS);
    if (!control->is_registered || are_same(&figures, &control->figures)) return;
    control->figures_spare = control->figures_life;
    control->figures_life = life;
    control->figures = figures;
    struct supervisor_custom custom = { .head.has = SUPERVISOR_CUSTOM_HAS_VALUES,
                                        .values = figures };
    link_send(control->link, &MSG_SUPERVISOR_CUSTOM, &custom);
}

static void on_registered(void *self, const struct link_error *error, const void *fields)
{
    struct control *control = self;
    (void)fields;
    control->is_registered = error == NULL;
    if (error == NULL) {
        timer_stop(control->grace_timer);
        control->figures = (struct kv){ 0 }; /* a new supervisor knows none */
        control_tell_state(control);         /* it may have moved since we asked */
    } else if (link_is_up(control->link)) {
        log_debug(&control->app->log, "registering: %.*s", TEXT_ARG(error->text));
        timer_start(control->retry_timer, RETRY_MS);
    }
}

static void register_here(void *self)
{
    struct control *control = self;
    const struct app_private *private = control->app->private;
    if (!link_is_up(control->link)) return;
    struct supervisor_register fields = {
        .head.has = SUPERVISOR_REGISTER_HAS_APPLICATION | SUPERVISOR_REGISTER_HAS_PID |
                    SUPERVISOR_REGISTER_HAS_TYPE | SUPERVISOR_REGISTER_HAS_BUILD |
                    SUPERVISOR_REGISTER_HAS_STATE | SUPERVISOR_REGISTER_HAS_REASON |
                    SUPERVISOR_REGISTER_HAS_STARTED,
        .application = control->app->name,
        .pid = private->pid,
        .type = text_of(control->app->type->name),
        .build = control->app->identity.build,
        .state = text_of(app_state_name(private->state)),
        .reason = buf_text(&private->reason),
        .started = private->started_utc_ms,
    };
    link_ask(control->link, &MSG_SUPERVISOR_REGISTER, &fields, NULL, ASK_MS, on_registered,
             control);
}

void control_tell_state(struct control *control)
{
    const struct app_private *private = control->app->private;
    struct supervisor_status status = {
        .head.has = SUPERVISOR_STATUS_HAS_STATE | SUPERVISOR_STATUS_HAS_REASON,
        .state = text_of(app_state_name(private->state)),
        .reason = buf_text(&private->reason),
    };
    if (!control->is_registered) return;
    link_send(control->link, &MSG_SUPERVISOR_STATUS, &status);
    timer_start(control->figures_timer, FIGURES_SOON_MS);
}

void control_tell_idle(struct control *control)
{
    struct supervisor_idle idle = { 0 };
    if (control->is_registered) link_send(control->link, &MSG_SUPERVISOR_IDLE, &idle);
}

static void beat(void *self)
{
    struct control *control = self;
    struct supervisor_heartbeat heartbeat = { .head.has = SUPERVISOR_HEARTBEAT_HAS_CLASS };
    if (control->is_registered) link_send(control->link, &MSG_SUPERVISOR_HEARTBEAT, &heartbeat);
    control_set_heartbeat(control);
}

void control_set_heartbeat(struct control *control)
{
    uint64_t period_ms = settings_common(control->app)->sml_heartbeat_period * 1000ull;
    if (period_ms == 0)
        timer_stop(control->heartbeat_timer);
    else
        timer_start(control->heartbeat_timer, period_ms / HEARTBEATS_PER_PERIOD);
}

/* --- what we are told ----------------------------------------------------------------------- */

static void on_suspend(void *self, struct link_request *request, const void *fields)
{
    struct control *control = self;
    (void)fields;
    struct supervisor_suspend_acknowledge reply = {
        .head.has = SUPERVISOR_SUSPEND_ACKNOWLEDGE_HAS_SUPPORTED,
        .supported = app_suspend(control->app),
    };
    link_reply(request, &reply);
}

static void on_stop(void *self, struct link_request *request, const void *fields)
{
    struct control *control = self;
    const struct supervisor_stop *stop = fields;
    struct supervisor_stop_acknowledge reply = { .head.has = SUPERVISOR_STOP_ACKNOWLEDGE_HAS_STATE,
                                                 .state = TEXT("stopping") };
    link_reply(request, &reply);
    app_stop(control->app, stop->reason.len
                               ? scope_keep_z(link_request_scope(request), stop->reason)
                               : "ordered by the supervisor");
}

static void on_log_level(void *self, struct link *link, const void *fields)
{
    struct control *control = self;
    const struct supervisor_log_level *order = fields;
    struct app *app = control->app;
    (void)link;
    if (app->private->logger == NULL) return;
    logger_override(app->private->logger, order->level, order->seconds);
    char level[32] = "";
    (void)text_to_z(order->level, level, sizeof level);
    LOG_LOG_LEVEL_CHANGED(&app->log, level, order->seconds);
}

static void on_metrics(void *self, struct link_request *request, const void *fields)
{
    struct control *control = self;
    (void)fields;
    struct buf page = { 0 };
    metrics_format(control->app, &page);
    struct supervisor_metrics_text reply = { .head.has = SUPERVISOR_METRICS_TEXT_HAS_TEXT,
                                             .text = buf_text(&page) };
    link_reply(request, &reply);
    buf_free(&page);
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_SUPERVISOR_SUSPEND, .on_request = on_suspend },
    { .msg = &MSG_SUPERVISOR_STOP, .on_request = on_stop },
    { .msg = &MSG_SUPERVISOR_LOG_LEVEL, .on_event = on_log_level },
    { .msg = &MSG_SUPERVISOR_METRICS, .on_request = on_metrics },
    { 0 },
};

/* --- up and down ---------------------------------------------------------------------------- */

static uint32_t grace_s(const struct control *control)
{
    return settings_common(control->app)->common_supervisor_grace;
}

static void on_grace_over(void *self)
{
    struct control *control = self;
    LOG_SUPERVISOR_GRACE_OVER(&control->app->log, grace_s(control));
    timer_start(control->app->private->orphan_timer, ORPHAN_STOP_MS);
    app_stop(control->app, "the supervisor is gone");
}

static void start_grace(struct control *control)
{
    if (!timer_is_running(control->grace_timer))
        timer_start(control->grace_timer, grace_s(control) * 1000ull);
}

static void on_up(void *self, struct link *link)
{
    (void)link;
    register_here(self);
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct control *control = self;
    (void)link, (void)why;
    if (control->is_registered && control->app->private->state != APP_STOPPING)
        LOG_SUPERVISOR_LOST(&control->app->log, grace_s(control));
    control->is_registered = false;
    timer_stop(control->retry_timer);
    timer_stop(control->figures_timer);
    start_grace(control);
}

static const struct link_life hooks = { on_up, on_down };

struct link *control_link(const struct control *control)
{
    return control->link;
}

struct control *control_open(struct app *app, struct text address)
{
    struct control *control = scope_alloc(app->life, sizeof *control);
    control->app = app;
    control->grace_timer = timer_new(app->life, app->loop, on_grace_over, control);
    control->heartbeat_timer = timer_new(app->life, app->loop, beat, control);
    control->retry_timer = timer_new(app->life, app->loop, register_here, control);
    control->figures_timer = timer_new(app->life, app->loop, tell_figures, control);
    control->figures_life = scope_new(app->life, "figures", SCOPE_NO_LIMIT);
    control->figures_spare = scope_new(app->life, "figures", SCOPE_NO_LIMIT);
    const struct link_options options = { .reconnect_ms = 1000 };
    control->link = link_connect(app->life, app->net, &app->log, address, TEXT(""), &app->identity,
                                 &options, handlers, &hooks, control);
    start_grace(control); /* until it has registered */
    return control;
}
