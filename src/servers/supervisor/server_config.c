/* SPDX-License-Identifier: Apache-2.0 */
/* Which applications this host has to run: a subscription to config's Application objects. What
 * was heard last holds while config is away. */
#include "servers/supervisor/server_private.h"

#include "format/json.h"
#include "gen/events.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "model/option.h"

#include <stdio.h>
#include <string.h>

enum { CONFIG_ANSWER_MS = 10000, CONFIG_RECONNECT_MS = 200, EPOCH_MAX = 64 };

struct config_watch {
    struct supervisor *supervisor;
    struct link *link;
    bool is_complete; /* one whole snapshot was read */
    bool is_paging;   /* pages come: what is in none of them is gone */
    uint64_t rev;
    char epoch[EPOCH_MAX + 1];
};

bool config_watch_is_complete(const struct supervisor *supervisor)
{
    return supervisor->watch != NULL && supervisor->watch->is_complete;
}

/* --- one application ------------------------------------------------------------------------ */

static void unwant(struct supervised *supervised)
{
    if (supervised == supervised->supervisor->config) return; /* host.jsonc wants it */
    if (!supervised->is_wanted) return;
    supervised->is_wanted = supervised->has_started_now = false;
    supervised_feed(supervised, APPLICATION_STOP_GRACEFULLY);
}

static const char *server_of(const struct supervisor *supervisor, struct text application_type)
{
    for (size_t i = 0; i < supervisor->setup->role_count; i++)
        if (text_eq(application_type, text_of(supervisor->setup->roles[i].application_type)))
            return supervisor->setup->roles[i].server;
    return NULL;
}

static struct common_options options_of(const struct object_application *object,
                                        struct scope *scratch)
{
    struct option_layer layers[] = { { LEVEL_APPLICATION, &object->options },
                                     { LEVEL_APPLICATION, &object->common.annex } };
    struct option_source source = { object->common.name, layers, 2 };
    const struct common_options *options =
        option_resolve(&OPTIONS_COMMON, &source, NULL, scratch, NULL, NULL);
    return *options;
}

static void set_policy(struct supervised *supervised, const struct object_application *object,
                       const struct common_options *options)
{
    struct application_policy policy = supervised_policy(supervised->supervisor);
    policy.startup_ms = object->startup_timeout * 1000ull;
    policy.shutdown_ms = object->shutdown_timeout * 1000ull;
    policy.auto_restart = object->auto_restart;
    policy.suspending_wait_ms = options->sml_suspending_wait_timeout * 1000ull;
    policy.heartbeat_ms = options->sml_heartbeat_period * 1000ull;
    policy.hangup_restart = options->sml_hangup_restart;
    supervised->application.policy = policy;
}

static void set_url(struct supervised *supervised, const struct object_application *object)
{
    for (uint32_t i = 0; i < object->ports.count; i++) {
        const struct object_application_port *port = &object->ports.at[i];
        if (!text_eq(port->connection_protocol, TEXT("http"))) continue;
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%u", port->number);
        if (!text_eq(supervised->url, text_of(url)))
            supervised->url = scope_keep(supervised->supervisor->life, text_of(url));
        return;
    }
}

static void want(struct supervisor *supervisor, const struct object_application *object,
                 uint32_t dbid, struct scope *scratch)
{
    struct common_options options = options_of(object, scratch);
    const char *server = server_of(supervisor, object->type);
    const char *name = scope_keep_z(scratch, object->common.name);
    if (server == NULL) {
        if (options.sml_autostart)
            LOG_SUPERVISED_UNKNOWN(&supervisor->log, name, scope_keep_z(scratch, object->type));
        return;
    }
    struct supervised *supervised = supervised_get(supervisor, object->common.name);
    if (supervised == NULL) return;
    supervised->is_wanted = supervised->is_in_page = true;
    supervised->dbid = dbid;
    supervised_set_server(supervised, text_of(server));
    set_policy(supervised, object, &options);
    set_url(supervised, object);
    if (!options.sml_autostart || supervised->has_started_now || supervisor->stopping) return;
    supervised->has_started_now = true;
    supervised_feed(supervised, APPLICATION_START);
}

/* --- objects -------------------------------------------------------------------------------- */

/* By DBID: it may have another name now, or be gone. */
static void forget_other_names(struct supervisor *supervisor, uint32_t dbid, struct text name)
{
    LIST_EACH (node, &supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervised->dbid == dbid && !text_eq(supervised->name, name)) unwant(supervised);
    }
}

static void take_object(struct supervisor *supervisor, const struct config_config_object *object)
{
    if (!text_eq(object->type, TEXT("Application"))) return;
    struct scope *scratch = scope_new(NULL, "application object", SCOPE_NO_LIMIT);
    struct fault fault;
    struct kv unknown;
    void *fields = NULL;
    enum err err = object->body.len == 0 ? ERR_NOT_FOUND
                                         : json_to_shape(object->body, OBJECT_APPLICATION.shape,
                                                         scratch, &fields, &unknown, &fault);
    const struct object_application *application = fields;
    bool is_ours = !err && text_eq(application->host, supervisor->file->host) &&
                   !text_eq(application->common.state, TEXT("disabled"));
    forget_other_names(supervisor, object->dbid, is_ours ? application->common.name : TEXT(""));
    if (is_ours) want(supervisor, application, object->dbid, scratch);
    scope_close(scratch);
}

static void begin_pages(struct config_watch *watch)
{
    LIST_EACH (node, &watch->supervisor->all)
        LIST_OBJECT(node, struct supervised, node)->is_in_page = false;
    watch->is_paging = true;
}

static void end_pages(struct config_watch *watch)
{
    LIST_EACH (node, &watch->supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervised->is_in_page || supervised == watch->supervisor->config) continue;
        /* An adopted process whose object went while nobody watched is to stop, too. */
        supervised->is_wanted = true;
        unwant(supervised);
    }
    watch->is_paging = false;
    watch->is_complete = true;
    server_look_round(watch->supervisor);
}

/* --- the subscription ----------------------------------------------------------------------- */

static void on_snapshot(void *self, const struct link_error *error, const void *fields)
{
    struct config_watch *watch = self;
    const struct config_snapshot *page = fields;
    if (error != NULL) { /* the link went, or will be tried again by its on_up */
        watch->is_paging = false;
        return;
    }
    if (text_eq(page->content, TEXT("objects")) && !watch->is_paging) begin_pages(watch);
    snprintf(watch->epoch, sizeof watch->epoch, "%.*s", TEXT_ARG(page->epoch));
    for (uint32_t i = 0; i < page->objects.count; i++)
        take_object(watch->supervisor, &page->objects.at[i]);
    if (SHAPE_HAS(page, CONFIG_SNAPSHOT_HAS_CURSOR)) {
        struct config_snapshot_next next = { .head.has = CONFIG_SNAPSHOT_NEXT_HAS_CURSOR,
                                             .cursor = page->cursor };
        link_ask(watch->link, &MSG_CONFIG_SNAPSHOT_NEXT, &next, NULL, CONFIG_ANSWER_MS, on_snapshot,
                 watch);
        return;
    }
    if (!watch->is_paging) return;
    watch->rev = page->rev;
    end_pages(watch);
}

static void subscribe(struct config_watch *watch)
{
    struct text types[] = { TEXT("Application") };
    struct config_subscribe asked = {
        .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
        .types = { types, 1 },
        .since_rev = watch->rev,
        .epoch = text_of(watch->epoch),
    };
    if (watch->is_complete)
        asked.head.has |= CONFIG_SUBSCRIBE_HAS_SINCE_REV | CONFIG_SUBSCRIBE_HAS_EPOCH;
    watch->is_paging = false;
    link_ask(watch->link, &MSG_CONFIG_SUBSCRIBE, &asked, NULL, CONFIG_ANSWER_MS, on_snapshot,
             watch);
}

static void on_changed(void *self, struct link *link, const void *fields)
{
    struct config_watch *watch = self;
    const struct config_changed *changed = fields;
    (void)link;
    for (uint32_t i = 0; i < changed->ops.count; i++)
        take_object(watch->supervisor, changed->ops.at[i].object);
    watch->rev = changed->rev;
}

static void on_resync(void *self, struct link *link, const void *fields)
{
    struct config_watch *watch = self;
    (void)link, (void)fields;
    watch->is_complete = false;
    subscribe(watch);
}

static void on_up(void *self, struct link *link)
{
    (void)link;
    subscribe(self);
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_CONFIG_CHANGED, .on_event = on_changed },
    { .msg = &MSG_CONFIG_RESYNC, .on_event = on_resync },
    { 0 },
};
static const struct link_life life = { .on_up = on_up };

void config_watch_start(struct supervisor *supervisor)
{
    if (supervisor->watch != NULL) return;
    struct config_watch *watch = scope_alloc(supervisor->life, sizeof *watch);
    struct link_options options = { .reconnect_ms = CONFIG_RECONNECT_MS,
                                    .addp_local_ms = 10000,
                                    .addp_remote_ms = 20000 };
    *watch = (struct config_watch){ .supervisor = supervisor };
    supervisor->watch = watch;
    watch->link = link_connect(supervisor->life, supervisor->net, &supervisor->log,
                               supervisor->file->config->address,
                               supervisor->file->config->application, &supervisor->identity,
                               &options, handlers, &life, watch);
}
