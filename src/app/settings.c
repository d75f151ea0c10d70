/* SPDX-License-Identifier: Apache-2.0 */
/* Our options: those of our Application object, of section sml in its annex (framework 2.1, 6.4),
 * of its template, over the built-in ones. What takes effect at a restart is held back by
 * option_resolve(). */
#include "app/private.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "model/option.h"

static const struct option_table *table_of(const struct app *app)
{
    return app->type->options ? app->type->options : &OPTIONS_COMMON;
}

/* Every type's snapshot begins with the common ones; tools/generate sees to it. */
const struct common_options *settings_common(const struct app *app)
{
    return app->options;
}

struct reporting {
    const struct app *app;
    struct scope *scratch;
};

static const char *z(const struct reporting *reporting, struct text text)
{
    return scope_keep_z(reporting->scratch, text);
}

static void on_report(void *self, const struct option_report *report)
{
    const struct reporting *reporting = self;
    const struct log *log = &reporting->app->log;
    const char *section = z(reporting, report->section), *name = z(reporting, report->name);
    switch (report->trouble) {
    case OPTION_UNKNOWN: LOG_OPTION_UNKNOWN(log, section, name); break;
    case OPTION_WAITS: LOG_OPTION_WAITS(log, section, name, "restart"); break;
    case OPTION_VALUE_INVALID:
    case OPTION_TWICE:
    case OPTION_WRONG_LEVEL:
        LOG_OPTION_INVALID(log, section, name, z(reporting, report->value), report->words,
                           z(reporting, report->used));
        break;
    }
}

static void use_logger(struct app *app)
{
    struct fault fault;
    if (app->private->logger == NULL) return;
    if (logger_set_options(app->private->logger, settings_common(app), &fault))
        LOG_OPTION_INVALID(&app->log, "log", fault.field, "", fault.words, "the former value");
}

/* Nobody may believe in a protection that is not there. */
static void say_not_offered(const struct app *app)
{
    const struct common_options *common = settings_common(app);
    if (common->security_tls || common->security_tls_mutual)
        LOG_OPTION_NOT_OFFERED(&app->log, "security", "tls");
    if (common->common_enable_ipv6) LOG_OPTION_NOT_OFFERED(&app->log, "common", "enable-ipv6");
}

static void swap(struct app *app, struct scope *life, const void *options)
{
    struct app_private *private = app->private;
    scope_close(private->options_retired);
    private->options_retired = private->options_life;
    private->options_life = life;
    app->options = options;
    use_logger(app);
    say_not_offered(app);
    if (private->control) control_set_heartbeat(private->control);
}

static const struct app_object *template_of(const struct app *app, const struct app_object *own)
{
    const struct object_application *application = own ? (const void *)own->fields : NULL;
    return application ? app_object(app, &OBJECT_APP_PROTOTYPE, application->template) : NULL;
}

/* The rest of an annex belongs to others and would only be told as unknown. */
static struct kv section_sml(const struct kv *annex)
{
    for (uint32_t i = 0; i < annex->count; i++)
        if (text_eq_fold(annex->at[i].name, TEXT("sml"))) return (struct kv){ &annex->at[i], 1 };
    return (struct kv){ 0 };
}

static const void *resolve(const struct app *app, const struct app_object *own,
                           const struct app_object *template, const void *previous,
                           struct scope *life)
{
    const struct object_application *application = own ? (const void *)own->fields : NULL;
    const struct object_app_prototype *prototype = template ? (const void *)template->fields : NULL;
    struct kv sml = application ? section_sml(&application->annex) : (struct kv){ 0 };
    const struct option_layer layers[] = {
        { LEVEL_APPLICATION, application ? &application->options : NULL },
        { LEVEL_APPLICATION, &sml },
        { LEVEL_APPLICATION, prototype ? &prototype->options : NULL },
    };
    struct option_source source = { app->name, layers, sizeof layers / sizeof layers[0] };
    struct scope *scratch = scope_new(life, "option reports", SCOPE_NO_LIMIT);
    struct reporting reporting = { app, scratch };
    const void *options =
        option_resolve(table_of(app), &source, previous, life, on_report, &reporting);
    scope_close(scratch);
    return options;
}

void settings_resolve(struct app *app)
{
    struct app_private *private = app->private;
    const struct app_object *own = app_self(app), *template = template_of(app, own);
    uint64_t own_rev = own ? own->rev : 0, template_rev = template ? template->rev : 0;
    bool is_first = own && !private->is_first_settled;
    bool is_same = own_rev == private->own_rev && template_rev == private->template_rev;
    if (app->options && is_same && !is_first) return;
    private->own_rev = own_rev;
    private->template_rev = template_rev;
    private->is_first_settled |= is_first;
    struct scope *life = scope_new(app->life, "options", SCOPE_NO_LIMIT);
    /* The first configuration is the start: nothing of it waits for another one. */
    swap(app, life, resolve(app, own, template, is_first ? NULL : app->options, life));
}

void settings_settle(struct app *app)
{
    scope_close(app->private->options_retired);
    app->private->options_retired = NULL;
}
