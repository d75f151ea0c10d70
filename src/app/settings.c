/* SPDX-License-Identifier: Apache-2.0 */
/* Our options: those of our Application object, of section sml in its annex (framework 2.1, 6.4),
 * of the clusters it is a node of (framework 2.3), of its template, over the built-in ones. What
 * takes effect at a restart is held back by option_resolve(). */
#include "app/cluster.h"
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

/* An object's options, and what of its annex counts. */
struct own_layers {
    struct option_layer at[2 * (CLUSTERS_MAX + 1) + 1];
    struct kv sml[CLUSTERS_MAX + 1];
    size_t count, objects;
};

static void add_layers(struct own_layers *layers, const struct app_object *object)
{
    const struct object_application *application = (const void *)object->fields;
    struct kv *sml = &layers->sml[layers->objects++];
    *sml = section_sml(&application->annex);
    layers->at[layers->count++] = (struct option_layer){ LEVEL_APPLICATION, &application->options };
    layers->at[layers->count++] = (struct option_layer){ LEVEL_APPLICATION, sml };
}

/* What the options are made of. */
struct origin {
    const struct app_object *own, *template; /* NULL: not there */
    const struct app_object *clusters[CLUSTERS_MAX];
    size_t cluster_count;
};

static const void *resolve(const struct app *app, const struct origin *origin, const void *previous,
                           struct scope *life)
{
    struct own_layers layers = { .count = 0 };
    if (origin->own) add_layers(&layers, origin->own);
    for (size_t i = 0; i < origin->cluster_count; i++) add_layers(&layers, origin->clusters[i]);
    if (origin->template) {
        const struct object_app_prototype *prototype = (const void *)origin->template->fields;
        layers.at[layers.count++] = (struct option_layer){ LEVEL_APPLICATION, &prototype->options };
    }
    struct option_source source = { app->name, layers.at, layers.count };
    struct scope *scratch = scope_new(life, "option reports", SCOPE_NO_LIMIT);
    struct reporting reporting = { app, scratch };
    const void *options =
        option_resolve(table_of(app), &source, previous, life, on_report, &reporting);
    scope_close(scratch);
    return options;
}

static uint64_t mix(uint64_t state, const struct app_object *object)
{
    enum { FNV_PRIME = 0x01000193 };
    state = (state ^ (object ? object->dbid : 0)) * FNV_PRIME;
    return (state ^ (object ? object->rev : 0)) * FNV_PRIME;
}

/* Another one when any of the objects is another, or moved. */
static uint64_t state_of(const struct origin *origin)
{
    uint64_t state = mix(mix(origin->cluster_count + 1, origin->own), origin->template);
    for (size_t i = 0; i < origin->cluster_count; i++) state = mix(state, origin->clusters[i]);
    return state;
}

void settings_resolve(struct app *app)
{
    struct app_private *private = app->private;
    struct origin origin = { .own = app_self(app) };
    origin.template = template_of(app, origin.own);
    origin.cluster_count = clusters_of(app, origin.own, origin.clusters);
    uint64_t state = state_of(&origin);
    bool is_first = origin.own && !private->is_first_settled;
    if (app->options && state == private->options_state && !is_first) return;
    private->options_state = state;
    private->is_first_settled |= is_first;
    struct scope *life = scope_new(app->life, "options", SCOPE_NO_LIMIT);
    /* The first configuration is the start: nothing of it waits for another one. */
    swap(app, life, resolve(app, &origin, is_first ? NULL : app->options, life));
}

void settings_settle(struct app *app)
{
    scope_close(app->private->options_retired);
    app->private->options_retired = NULL;
}
