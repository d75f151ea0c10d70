/* SPDX-License-Identifier: Apache-2.0 */
/* Which applications this host has to run, and which control it reports to: a subscription to
 * config's Application and Host objects. What was heard last holds while config is away. */
#include "servers/supervisor/server_private.h"

#include "app/snapshot_file.h"
#include "format/json.h"
#include "gen/events.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "model/option.h"

#include <stdio.h>

enum {
    CONFIG_ANSWER_MS = 10000,
    CONFIG_RECONNECT_MS = 200,
    CONTROL_RECONNECT_MS = 1000,
    LOG_RECONNECT_MS = 5000,
    EPOCH_MAX = 64
};

struct config_watch {
    struct supervisor *supervisor;
    struct link *link;     /* NULL: config is not up yet */
    struct table *objects; /* struct known by its key: Applications, their templates, Hosts */
    struct snapshot_file *file;
    struct timer *wait_timer; /* for config, before what an earlier run kept is used */
    bool is_complete;         /* one whole snapshot was read */
    bool is_kept;             /* it is that of the file: config has not answered yet */
    bool is_paging;           /* pages come: what is in none of them is gone */
    uint64_t rev;
    char epoch[EPOCH_MAX + 1];
};

/* One object as config told it. Stays in the table when it is gone, with an empty body. */
struct known {
    struct text key; /* "Application 105" */
    enum { KNOWN_APPLICATION, KNOWN_TEMPLATE, KNOWN_HOST } kind;
    uint32_t dbid;
    bool is_in_page;
    struct buf body;
};

bool config_watch_is_complete(const struct supervisor *supervisor)
{
    return supervisor->watch != NULL && supervisor->watch->is_complete;
}

static const void *read_known(const struct known *known, const struct shape *shape,
                              struct scope *scratch)
{
    struct kv unknown;
    void *fields = NULL;
    /* What another release wrote and we cannot read acts as absent. */
    if (known->body.len == 0 ||
        json_to_shape(buf_text(&known->body), shape, scratch, &fields, &unknown, NULL))
        return NULL;
    return fields;
}

static const struct object_app_prototype *find_template(const struct config_watch *watch,
                                                        struct text name, struct scope *scratch)
{
    const struct known *known;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;) {
        if (known->kind != KNOWN_TEMPLATE) continue;
        const struct object_app_prototype *template =
            read_known(known, OBJECT_APP_PROTOTYPE.shape, scratch);
        if (template != NULL && text_eq(template->name, name)) return template;
    }
    return NULL;
}

static void look_at(struct config_watch *watch, const struct known *known)
{
    struct supervisor *supervisor = watch->supervisor;
    struct scope *scratch = scope_new(NULL, "application object", SCOPE_NO_LIMIT);
    const struct object_application *object = read_known(known, OBJECT_APPLICATION.shape, scratch);
    if (object != NULL && text_eq(object->host, supervisor->file->host) &&
        !text_eq(object->state, TEXT("disabled")))
        wish_take(supervisor, object, find_template(watch, object->template, scratch), scratch);
    scope_close(scratch);
}

static bool names_peer(const struct object_application *object, struct text application,
                       struct text peer)
{
    if (!text_eq(object->name, application)) return false;
    for (uint32_t i = 0; i < object->connections.count; i++)
        if (text_eq(object->connections.at[i].server, peer)) return true;
    return false;
}

bool config_watch_connects(const struct supervisor *supervisor, struct text application,
                           struct text peer)
{
    const struct known *known;
    bool is_named = false;
    if (supervisor->watch == NULL) return false;
    for (size_t at = 0;
         !is_named && (known = table_next(supervisor->watch->objects, &at)) != NULL;) {
        if (known->kind != KNOWN_APPLICATION) continue;
        struct scope *scratch = scope_new(NULL, "connections", SCOPE_NO_LIMIT);
        const struct object_application *object =
            read_known(known, OBJECT_APPLICATION.shape, scratch);
        is_named = object && names_peer(object, application, peer);
        scope_close(scratch);
    }
    return is_named;
}

/* --- who controls us -------------------------------------------------------------------------- */

static const struct object_host *find_host(const struct config_watch *watch, struct text name,
                                           struct scope *scratch)
{
    const struct known *known;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;) {
        if (known->kind != KNOWN_HOST) continue;
        const struct object_host *host = read_known(known, OBJECT_HOST.shape, scratch);
        if (host != NULL && text_eq(host->name, name)) return host;
    }
    return NULL;
}

static struct text type_of(const struct config_watch *watch,
                           const struct object_application *object, struct scope *scratch)
{
    const struct object_app_prototype *template =
        object->type.len ? NULL : find_template(watch, object->template, scratch);
    return template ? template->type : object->type;
}

static bool is_scs(const struct config_watch *watch, const struct object_application *object,
                   struct scope *scratch)
{
    return text_eq(type_of(watch, object, scratch), TEXT("SCS"));
}

/* The one that Host.scs names, else the first of type SCS by name. */
static const struct object_application *find_scs(const struct config_watch *watch,
                                                 struct text named, struct scope *scratch)
{
    const struct known *known;
    const struct object_application *first = NULL;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;) {
        if (known->kind != KNOWN_APPLICATION) continue;
        const struct object_application *object =
            read_known(known, OBJECT_APPLICATION.shape, scratch);
        if (object == NULL || text_eq(object->state, TEXT("disabled"))) continue;
        if (named.len ? !text_eq(object->name, named) : !is_scs(watch, object, scratch)) continue;
        if (first == NULL || text_compare(object->name, first->name) < 0) first = object;
    }
    return first;
}

static struct text address_of(const struct config_watch *watch,
                              const struct object_application *object, struct scope *scratch)
{
    const struct object_host *host = find_host(watch, object->host, scratch);
    struct text where = host && host->ip_address.len ? host->ip_address : TEXT("127.0.0.1");
    bool is_v6 = text_find(where, ':', 0) < where.len;
    for (uint32_t i = 0; i < object->ports.count; i++)
        if (text_eq(object->ports.at[i].id, TEXT("default")))
            return scope_format(scratch, is_v6 ? "[%.*s]:%u" : "%.*s:%u", TEXT_ARG(where),
                                object->ports.at[i].number);
    return (struct text){ 0 };
}

static const struct host_options *host_options(const struct object_host *host,
                                               struct scope *scratch)
{
    struct option_layer layer = { LEVEL_HOST, host ? &host->annex : NULL };
    struct option_source source = { TEXT("host"), &layer, 1 };
    return option_resolve(&OPTIONS_HOST, &source, NULL, scratch, NULL, NULL);
}

static bool is_message_server(const struct config_watch *watch,
                              const struct object_application *object, struct scope *scratch)
{
    return text_eq(type_of(watch, object, scratch), TEXT("MessageServer"));
}

static const struct object_application *find_application(const struct config_watch *watch,
                                                         struct text name, struct scope *scratch)
{
    const struct known *known;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;) {
        if (known->kind != KNOWN_APPLICATION) continue;
        const struct object_application *object =
            read_known(known, OBJECT_APPLICATION.shape, scratch);
        if (object != NULL && text_eq(object->name, name) &&
            !text_eq(object->state, TEXT("disabled")))
            return object;
    }
    return NULL;
}

static const struct object_application *find_message_server(const struct config_watch *watch,
                                                            const struct object_application *scs,
                                                            struct scope *scratch)
{
    for (uint32_t i = 0; i < scs->connections.count; i++) {
        const struct object_application *one =
            find_application(watch, scs->connections.at[i].server, scratch);
        if (one != NULL && is_message_server(watch, one, scratch)) return one;
    }
    return scs;
}

struct control_place config_watch_message_server(const struct supervisor *supervisor,
                                                 struct scope *scratch)
{
    const struct config_watch *watch = supervisor->watch;
    const struct object_host *own = find_host(watch, supervisor->file->host, scratch);
    const struct object_application *scs =
        find_scs(watch, own ? own->scs : (struct text){ 0 }, scratch);
    struct control_place place = { .addp = { .reconnect_ms = LOG_RECONNECT_MS,
                                             .addp_local_ms = 10000,
                                             .addp_remote_ms = 20000 } };
    if (own == NULL || scs == NULL) return place;
    const struct object_application *keeper = find_message_server(watch, scs, scratch);
    place.name = keeper->name;
    place.address = address_of(watch, keeper, scratch);
    return place;
}

struct control_place config_watch_control(const struct supervisor *supervisor,
                                          struct scope *scratch)
{
    const struct config_watch *watch = supervisor->watch;
    const struct object_host *own = find_host(watch, supervisor->file->host, scratch);
    const struct object_application *scs =
        find_scs(watch, own ? own->scs : (struct text){ 0 }, scratch);
    const struct host_options *options = host_options(own, scratch);
    struct text trace = options->addp_addp_trace;
    bool both = text_eq(trace, TEXT("both"));
    /* Control listens: what the options call local is the link's remote side. */
    struct control_place place = {
        .addp = { .reconnect_ms = CONTROL_RECONNECT_MS,
                  .addp_local_ms = options->addp_addp_remote_timeout * 1000ull,
                  .addp_remote_ms = options->addp_addp_timeout * 1000ull,
                  .addp_trace_local = both || text_eq(trace, TEXT("remote")),
                  .addp_trace_remote = both || text_eq(trace, TEXT("local")) },
    };
    if (own == NULL || scs == NULL) return place;
    place.name = scs->name;
    place.address = address_of(watch, scs, scratch);
    return place;
}

/* Everything that is known is looked at again: renamed, moved and disabled objects need no rules
 * of their own that way. */
static void settle(struct config_watch *watch)
{
    const struct known *known;
    struct supervisor *supervisor = watch->supervisor;
    LIST_EACH (node, &supervisor->all)
        LIST_OBJECT(node, struct supervised, node)->is_in_page = false;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;)
        if (known->kind == KNOWN_APPLICATION) look_at(watch, known);
    LIST_EACH (node, &supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervised->is_in_page || supervised == supervisor->config) continue;
        if (watch->is_kept) continue; /* it may be newer than the file: only config ends it */
        /* Also an adopted process whose object went while nobody watched. */
        if (supervised->is_wanted || application_has_process(&supervised->application))
            wish_end(supervised);
    }
    watch->is_complete = true;
    control_link_configure(supervisor);
    server_log_configure(supervisor);
    server_look_round(supervisor);
}

/* --- objects -------------------------------------------------------------------------------- */

/* By kind. */
static const char *const types[] = { "Application", "AppPrototype", "Host" };
enum { TYPE_COUNT = sizeof types / sizeof *types };

static int kind_of(struct text type)
{
    int kind = KNOWN_HOST;
    while (kind > KNOWN_APPLICATION && !text_eq(type, text_of(types[kind]))) kind--;
    return kind;
}

static void take_object(struct config_watch *watch, const struct config_config_object *object)
{
    struct scope *life = watch->supervisor->life;
    char key[96];
    snprintf(key, sizeof key, "%.*s %u", TEXT_ARG(object->type), object->dbid);
    struct known *known = table_get(watch->objects, text_of(key));
    if (known == NULL) {
        known = scope_alloc(life, sizeof *known);
        known->key = scope_keep(life, text_of(key));
        known->kind = kind_of(object->type);
        known->dbid = object->dbid;
        table_put(watch->objects, known->key, known);
    }
    buf_clear(&known->body);
    buf_add(&known->body, object->body);
    known->is_in_page = true;
}

static void begin_pages(struct config_watch *watch)
{
    struct known *known;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;)
        known->is_in_page = false;
    watch->is_paging = true;
}

static void end_pages(struct config_watch *watch)
{
    struct known *known;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;)
        if (!known->is_in_page) buf_clear(&known->body);
    watch->is_paging = false;
}

/* --- without config --------------------------------------------------------------------------- */

static void fill_file(void *self, struct scope *scope, struct config_snapshot *out)
{
    const struct config_watch *watch = self;
    const struct known *known;
    struct config_config_object *objects =
        scope_alloc_array(scope, table_count(watch->objects) + 1, sizeof *objects);
    *out = (struct config_snapshot){
        .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                    CONFIG_SNAPSHOT_HAS_CONTENT | CONFIG_SNAPSHOT_HAS_OBJECTS,
        .rev = watch->rev,
        .epoch = text_of(watch->epoch),
        .content = TEXT("objects"),
        .objects.at = objects,
    };
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;) {
        if (known->body.len == 0) continue;
        objects[out->objects.count++] = (struct config_config_object){
            .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                        CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY |
                        CONFIG_CONFIG_OBJECT_HAS_BODY,
            .type = text_of(types[known->kind]),
            .dbid = known->dbid,
            .rev = watch->rev,
            .key = known->key,
            .body = buf_text(&known->body),
        };
    }
}

static struct text file_path(const struct supervisor *supervisor, struct scope *scope)
{
    return scope_format(scope, "%.*s/supervisor.kept", TEXT_ARG(supervisor->installation.run_dir));
}

/* A restart, or the machine's, while config or its database is away (framework 3.4). */
static void start_from_file(void *self)
{
    struct config_watch *watch = self;
    struct supervisor *supervisor = watch->supervisor;
    const struct config_snapshot *kept;
    if (watch->is_complete || supervisor->stopping) return;
    if (watch->is_paging) { /* it is slow, but it answers */
        timer_start(watch->wait_timer, supervisor->options->config_wait * 1000ull);
        return;
    }
    struct scope *scratch = scope_new(NULL, "kept configuration", SCOPE_NO_LIMIT);
    if (!snapshot_file_read(file_path(supervisor, scratch), scratch, &kept)) {
        for (uint32_t i = 0; i < kept->objects.count; i++) take_object(watch, &kept->objects.at[i]);
        snprintf(watch->epoch, sizeof watch->epoch, "%.*s", TEXT_ARG(kept->epoch));
        watch->rev = kept->rev;
        watch->is_kept = true;
        LOG_STARTED_FROM_CACHE(&supervisor->log, (unsigned long long)kept->rev,
                               snapshot_file_time(kept, scratch).at);
        settle(watch);
    }
    scope_close(scratch);
}

/* Config has answered: what it says holds from here on, and is kept. */
static void follow(struct config_watch *watch)
{
    timer_stop(watch->wait_timer);
    if (watch->is_kept)
        LOG_SUPERVISED_CONFIG_IS_BACK(&watch->supervisor->log, (unsigned long long)watch->rev);
    watch->is_kept = false;
    settle(watch);
    snapshot_file_write(watch->file);
}

static void free_bodies(void *self)
{
    struct known *known;
    struct config_watch *watch = self;
    for (size_t at = 0; (known = table_next(watch->objects, &at)) != NULL;) buf_free(&known->body);
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
    for (uint32_t i = 0; i < page->objects.count; i++) take_object(watch, &page->objects.at[i]);
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
    follow(watch);
}

static void subscribe(struct config_watch *watch)
{
    struct text names[TYPE_COUNT];
    for (int i = 0; i < TYPE_COUNT; i++) names[i] = text_of(types[i]);
    struct config_subscribe asked = {
        .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
        .types = { names, TYPE_COUNT },
        .since_rev = watch->rev,
        .epoch = text_of(watch->epoch),
    };
    if (watch->is_complete && !watch->is_kept)
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
    for (uint32_t i = 0; i < changed->ops.count; i++) take_object(watch, changed->ops.at[i].object);
    watch->rev = changed->rev;
    if (changed->ops.count > 0 && !watch->is_paging) follow(watch);
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

void config_watch_open(struct supervisor *supervisor)
{
    struct config_watch *watch = scope_alloc(supervisor->life, sizeof *watch);
    struct scope *scratch = scope_new(NULL, "kept configuration", SCOPE_NO_LIMIT);
    *watch =
        (struct config_watch){ .supervisor = supervisor, .objects = table_new(supervisor->life) };
    watch->file =
        snapshot_file_new(supervisor->life, supervisor->loop,
                          &(struct snapshot_file_setup){ file_path(supervisor, scratch), fill_file,
                                                         watch, &supervisor->log });
    scope_close(scratch);
    watch->wait_timer = timer_new(supervisor->life, supervisor->loop, start_from_file, watch);
    timer_start(watch->wait_timer, supervisor->options->config_wait * 1000ull);
    scope_on_close(supervisor->life, free_bodies, watch);
    supervisor->watch = watch;
}

void config_watch_start(struct supervisor *supervisor)
{
    struct config_watch *watch = supervisor->watch;
    struct link_options options = { .reconnect_ms = CONFIG_RECONNECT_MS,
                                    .addp_local_ms = 10000,
                                    .addp_remote_ms = 20000 };
    if (watch->link != NULL) return;
    watch->link = link_connect(supervisor->life, supervisor->net, &supervisor->log,
                               supervisor->file->config->address,
                               supervisor->file->config->application, &supervisor->identity,
                               &options, handlers, &life, watch);
}
