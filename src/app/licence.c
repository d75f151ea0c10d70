/* SPDX-License-Identifier: Apache-2.0 */
#include "app/licence.h"

#include "app/licence_file.h"
#include "app/private.h"
#include "gen/events.h"
#include "gen/messages.h"
#include "gen/objects.h"

enum { RENEW_MS = 20 * 1000, ANSWER_MS = 10 * 1000, WRITE_MS = 10 * 60 * 1000 };

/* A question, which may outlive its licence. */
struct licence_ask {
    struct licence *licence; /* NULL: it is gone */
};

struct licence {
    struct app *app;
    struct text feature;
    uint32_t wanted, seats, in_use;
    struct timer *timer;
    struct licence_ask *ask;
    struct licence_file *file; /* NULL: none */
    bool is_asking, is_in_trouble, is_silent, is_violated, is_returned;
    bool was_answered;         /* ever */
    uint64_t answered_mono_ms; /* or when it was opened */
    uint64_t silent_before_ms; /* of the process before, at its end and until our start */
    uint64_t written_mono_ms;
    void (*on_seats)(void *self, uint32_t seats);
    void *self;
};

static void set_seats(struct licence *licence, uint32_t seats)
{
    if (licence->seats == seats) return;
    licence->seats = seats;
    if (licence->on_seats) licence->on_seats(licence->self, seats);
}

/* --- trouble -------------------------------------------------------------------------------- */

/* Silence and violation are one trouble to who watches: it is over when both are. */
static void tell_trouble(struct licence *licence, const char *words)
{
    licence->is_in_trouble = true;
    LOG_LICENCE_TROUBLE(&licence->app->log, words);
}

static void tell_over(struct licence *licence)
{
    if (!licence->is_in_trouble || licence->is_silent || licence->is_violated) return;
    licence->is_in_trouble = false;
    LOG_LICENCE_TROUBLE_OVER(&licence->app->log);
}

void licence_violation(struct licence *licence, const char *words)
{
    bool was_violated = licence->is_violated;
    licence->is_violated = words != NULL;
    if (words && !was_violated) tell_trouble(licence, words);
    if (words == NULL && was_violated) tell_over(licence);
}

static void note_silence(struct licence *licence)
{
    uint64_t silent_ms = loop_now_mono_ms(licence->app->loop) - licence->answered_mono_ms +
                         licence->silent_before_ms;
    bool is_limited = licence->was_answered && licence->seats != LICENCE_MAX;
    if (silent_ms < LICENCE_KEPT_MS || licence->is_silent || !is_limited) return;
    licence->is_silent = true;
    tell_trouble(licence, "config was away for 24 hours: there are no seats");
    set_seats(licence, 0);
}

/* --- the last grant ------------------------------------------------------------------------- */

static void keep(struct licence *licence, bool has_moved)
{
    uint64_t now_mono_ms = loop_now_mono_ms(licence->app->loop);
    bool is_due = has_moved || now_mono_ms - licence->written_mono_ms >= WRITE_MS;
    if (licence->file == NULL || !is_due) return;
    struct licence_kept kept = { licence->seats, loop_now_utc_ms(licence->app->loop) };
    licence->written_mono_ms = now_mono_ms;
    licence_file_write(licence->file, &kept);
}

/* A clock that was set back makes no silence longer. */
static void read_kept(struct licence *licence)
{
    struct licence_kept kept;
    if (licence->file == NULL || licence_file_read(licence->file, &kept)) return;
    uint64_t now_utc_ms = loop_now_utc_ms(licence->app->loop);
    licence->was_answered = true;
    licence->seats = kept.seats;
    if (kept.answered_utc_ms < now_utc_ms)
        licence->silent_before_ms = now_utc_ms - kept.answered_utc_ms;
}

/* --- asking --------------------------------------------------------------------------------- */

/* Of the primary, where we are its backup; NULL: it is not configured. */
static const struct app_object *group_of(const struct app *app, bool *is_pair)
{
    const struct app_object *self = app_self(app), *one;
    for (size_t at = 0; (one = app_object_next(app, &OBJECT_APPLICATION, &at)) != NULL;) {
        const struct object_application *fields = (const void *)one->fields;
        *is_pair = text_eq(fields->backup_server, app->name);
        if (*is_pair) return one;
    }
    *is_pair = self &&
               ((const struct object_application *)(const void *)self->fields)->backup_server.len >
                   0;
    return self;
}

static void take_grant(struct licence *licence, const struct config_licence_granted *granted)
{
    uint32_t seats = granted->unlimited ? LICENCE_MAX : granted->granted;
    bool has_moved = !licence->was_answered || licence->seats != seats;
    licence->was_answered = true;
    licence->is_silent = false;
    licence->answered_mono_ms = loop_now_mono_ms(licence->app->loop);
    licence->silent_before_ms = 0;
    tell_over(licence);
    set_seats(licence, seats);
    keep(licence, has_moved);
}

static void on_answer(void *self, const struct link_error *error, const void *fields)
{
    struct licence *licence = ((struct licence_ask *)self)->licence;
    if (licence == NULL) return;
    licence->is_asking = false;
    if (error)
        note_silence(licence);
    else if (!licence->is_returned)
        take_grant(licence, fields);
}

/* NULL: config is away. */
static struct link *link_of(const struct licence *licence)
{
    const struct subscription *subscription = licence->app->private->subscription;
    struct link *link = subscription ? subscription_link(subscription) : NULL;
    return link && link_is_up(link) ? link : NULL;
}

static void ask(void *self)
{
    struct licence *licence = self;
    struct link *link = link_of(licence);
    bool is_pair;
    const struct app_object *group = group_of(licence->app, &is_pair);
    timer_start(licence->timer, RENEW_MS);
    note_silence(licence);
    if (link == NULL || licence->is_asking) return;
    struct scope *scratch = scope_new(licence->app->life, "licence", SCOPE_NO_LIMIT);
    struct config_checkout_licence checkout = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKOUT_LICENCE),
        .feature = licence->feature,
        .count = licence->wanted,
        .group = scope_format(scratch, "%u", group ? group->dbid : 0),
        .in_use = licence->in_use,
    };
    licence->is_asking = true;
    link_ask(link, &MSG_CONFIG_CHECKOUT_LICENCE, &checkout, NULL, ANSWER_MS, on_answer,
             licence->ask);
    scope_close(scratch);
}

void licence_return(struct licence *licence)
{
    struct link *link = link_of(licence);
    bool is_pair;
    const struct app_object *group = group_of(licence->app, &is_pair);
    timer_stop(licence->timer);
    if (link == NULL || group == NULL || is_pair || licence->is_returned) return;
    licence->is_returned = true;
    struct scope *scratch = scope_new(licence->app->life, "licence", SCOPE_NO_LIMIT);
    struct config_checkin_licence checkin = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKIN_LICENCE),
        .feature = licence->feature,
        .group = scope_format(scratch, "%u", group->dbid),
    };
    link_ask(link, &MSG_CONFIG_CHECKIN_LICENCE, &checkin, NULL, ANSWER_MS, on_answer, licence->ask);
    scope_close(scratch);
}

/* --- life ----------------------------------------------------------------------------------- */

static void forget(void *self)
{
    ((struct licence *)self)->ask->licence = NULL;
}

struct licence *licence_open(struct scope *owner, struct app *app, struct text feature,
                             uint32_t wanted, void (*on_seats)(void *self, uint32_t seats),
                             void *self)
{
    struct licence *licence = scope_alloc(owner, sizeof *licence);
    *licence = (struct licence){
        .app = app,
        .feature = scope_keep(owner, feature),
        .wanted = wanted,
        .seats = wanted,
        .timer = timer_new(owner, app->loop, ask, licence),
        .ask = scope_alloc(app->life, sizeof *licence->ask),
        .file = licence_file_open(owner, app, feature),
        .answered_mono_ms = loop_now_mono_ms(app->loop),
        .on_seats = on_seats,
        .self = self,
    };
    licence->ask->licence = licence;
    scope_on_close(owner, forget, licence);
    read_kept(licence);
    timer_start(licence->timer, 1);
    return licence;
}

void licence_want(struct licence *licence, uint32_t wanted)
{
    if (licence->wanted == wanted) return;
    licence->wanted = wanted;
    if (!licence->was_answered) set_seats(licence, wanted);
    timer_start(licence->timer, 1);
}

uint32_t licence_seats(const struct licence *licence)
{
    return licence->seats;
}

void licence_use(struct licence *licence, uint32_t in_use)
{
    licence->in_use = in_use;
}
