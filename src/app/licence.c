/* SPDX-License-Identifier: Apache-2.0 */
#include "app/licence.h"

#include "app/private.h"
#include "gen/events.h"
#include "gen/messages.h"
#include "gen/objects.h"

enum { RENEW_MS = 20 * 1000, ANSWER_MS = 10 * 1000 };

/* A question, which may outlive its licence. */
struct licence_ask {
    struct licence *licence; /* NULL: it is gone */
};

struct licence {
    struct app *app;
    struct text feature;
    uint32_t wanted, seats;
    struct timer *timer;
    struct licence_ask *ask;
    bool is_asking, is_in_trouble;
    uint64_t answered_mono_ms; /* or when it was opened */
    void (*on_seats)(void *self, uint32_t seats);
    void *self;
};

static void set_seats(struct licence *licence, uint32_t seats)
{
    if (licence->seats == seats) return;
    licence->seats = seats;
    if (licence->on_seats) licence->on_seats(licence->self, seats);
}

/* Of the primary, where we are its backup. */
static uint32_t group_of(const struct app *app)
{
    const struct app_object *self = app_self(app), *one;
    for (size_t at = 0; (one = app_object_next(app, &OBJECT_APPLICATION, &at)) != NULL;) {
        const struct object_application *fields = (const void *)one->fields;
        if (text_eq(fields->backup_server, app->name)) return one->dbid;
    }
    return self ? self->dbid : 0;
}

static void note_silence(struct licence *licence)
{
    uint64_t silent_ms = loop_now_mono_ms(licence->app->loop) - licence->answered_mono_ms;
    if (silent_ms < LICENCE_KEPT_MS || licence->is_in_trouble) return;
    licence->is_in_trouble = true;
    LOG_LICENCE_TROUBLE(&licence->app->log, "config was away for 24 hours: there are no seats");
    set_seats(licence, 0);
}

static void take_grant(struct licence *licence, const struct config_licence_granted *granted)
{
    licence->answered_mono_ms = loop_now_mono_ms(licence->app->loop);
    if (licence->is_in_trouble) LOG_LICENCE_TROUBLE_OVER(&licence->app->log);
    licence->is_in_trouble = false;
    set_seats(licence, granted->unlimited ? LICENCE_MAX : granted->granted);
}

static void on_answer(void *self, const struct link_error *error, const void *fields)
{
    struct licence *licence = ((struct licence_ask *)self)->licence;
    if (licence == NULL) return;
    licence->is_asking = false;
    if (error)
        note_silence(licence);
    else
        take_grant(licence, fields);
}

static void ask(void *self)
{
    struct licence *licence = self;
    const struct app *app = licence->app;
    struct link *link = app->private->subscription ? subscription_link(app->private->subscription)
                                                   : NULL;
    timer_start(licence->timer, RENEW_MS);
    note_silence(licence);
    if (link == NULL || !link_is_up(link) || licence->is_asking) return;
    struct scope *scratch = scope_new(app->life, "licence", SCOPE_NO_LIMIT);
    struct config_checkout_licence checkout = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_CHECKOUT_LICENCE),
        .feature = licence->feature,
        .count = licence->wanted,
        .group = scope_format(scratch, "%u", group_of(app)),
    };
    licence->is_asking = true;
    link_ask(link, &MSG_CONFIG_CHECKOUT_LICENCE, &checkout, NULL, ANSWER_MS, on_answer,
             licence->ask);
    scope_close(scratch);
}

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
        .answered_mono_ms = loop_now_mono_ms(app->loop),
        .on_seats = on_seats,
        .self = self,
    };
    licence->ask->licence = licence;
    scope_on_close(owner, forget, licence);
    timer_start(licence->timer, 1);
    return licence;
}

void licence_want(struct licence *licence, uint32_t wanted)
{
    if (licence->wanted == wanted) return;
    licence->wanted = wanted;
    timer_start(licence->timer, 1);
}

uint32_t licence_seats(const struct licence *licence)
{
    return licence->seats;
}
