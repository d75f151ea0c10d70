/* SPDX-License-Identifier: Apache-2.0 */
/* Our options: those of our Application object over the built-in ones. What takes effect at a
 * restart is held back by option_resolve(). */
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

static void swap(struct app *app, struct scope *life, const void *options)
{
    struct app_private *private = app->private;
    scope_close(private->options_retired);
    private->options_retired = private->options_life;
    private->options_life = life;
    app->options = options;
    use_logger(app);
    if (private->control) control_set_heartbeat(private->control);
}

void settings_resolve(struct app *app)
{
    struct app_private *private = app->private;
    const struct app_object *own = app_self(app);
    uint64_t own_rev = own ? own->rev : 0;
    bool is_first = own && !private->is_first_settled;
    if (app->options && own_rev == private->own_rev && !is_first) return;
    private->own_rev = own_rev;
    const struct object_application *application = own ? (const void *)own->fields : NULL;
    struct option_layer layer = { LEVEL_APPLICATION, application ? &application->options : NULL };
    struct option_source source = { app->name, &layer, 1 };
    struct scope *life = scope_new(app->life, "options", SCOPE_NO_LIMIT);
    struct scope *scratch = scope_new(life, "option reports", SCOPE_NO_LIMIT);
    struct reporting reporting = { app, scratch };
    /* The first configuration is the start: nothing of it waits for another one. */
    const void *previous = is_first ? NULL : app->options;
    const void *options =
        option_resolve(table_of(app), &source, previous, life, on_report, &reporting);
    scope_close(scratch);
    private->is_first_settled |= is_first;
    swap(app, life, options);
}

void settings_settle(struct app *app)
{
    scope_close(app->private->options_retired);
    app->private->options_retired = NULL;
}
