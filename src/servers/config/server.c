/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring: the store, all objects in memory, the link port, and questions that change nothing.
 * Reading goes on without the disk; a change waits for it. */
#include "servers/config/server.h"

#include "gen/events.h"
#include "gen/migrations.h"
#include "gen/objects.h"
#include "servers/config/file.h"
#include "servers/config/limits.h"
#include "servers/config/server_proxy.h"

enum { EXPORT_BYTES_MAX = 15 * 1024 * 1024 };

/* --- our own configuration ------------------------------------------------------------------ */

static void feed(struct config_server *server, const struct object *object)
{
    struct scope *scratch = scope_new(server->app->life, "own object", SCOPE_NO_LIMIT);
    struct fault fault;
    (void)app_put_object(server->app, object->type, object->dbid, object->rev, object->tenant,
                         object_full_json(scratch, object, NULL, NULL), &fault);
    scope_close(scratch);
}

static void feed_all(struct config_server *server, const struct object_type *type)
{
    size_t count;
    const struct object *const *objects = object_set_of(server->objects, type, &count);
    for (size_t i = 0; i < count; i++) feed(server, objects[i]);
}

/* What any application reads of itself: its object, its template, hosts. */
static const struct object_type *const own_types[] = { &OBJECT_APPLICATION, &OBJECT_APP_PROTOTYPE,
                                                       &OBJECT_HOST };
enum { OWN_TYPES = sizeof own_types / sizeof own_types[0] };

static bool is_own_type(const struct object_type *type)
{
    for (size_t i = 0; i < OWN_TYPES; i++)
        if (own_types[i] == type) return true;
    return false;
}

/* `rev` NULL: everything. */
void server_feed_own(struct config_server *server, const struct event_rev *rev)
{
    bool has_moved = rev == NULL;
    for (size_t i = 0; rev == NULL && i < OWN_TYPES; i++) feed_all(server, own_types[i]);
    for (uint32_t i = 0; rev && i < rev->count; i++) {
        const struct event *event = &rev->events[i];
        if (!is_own_type(event->type)) continue;
        const struct object *object =
            object_set_find_dbid(server->objects, event->type, event->dbid);
        has_moved = true;
        if (object)
            feed(server, object);
        else
            app_delete_object(server->app, event->type, event->dbid);
    }
    if (has_moved) app_objects_changed(server->app, server->rev);
}

/* --- questions ------------------------------------------------------------------------------ */

static bool may_read(void *self, const struct object *object)
{
    return access_may(self, object, MAY_READ);
}

/* What fits a message, of the text from where it is asked for; never half a character. */
static enum err take_piece(const struct config_server *server, const struct config_export *asked,
                           struct config_export_done *done, struct fault *fault)
{
    bool is_in_pieces = SHAPE_HAS(asked, CONFIG_EXPORT_HAS_FROM);
    if (SHAPE_HAS(asked, CONFIG_EXPORT_HAS_REV) && asked->rev != server->rev)
        return fault_set(fault, ERR_CONFLICT, "rev",
                         "the configuration was changed meanwhile: begin again");
    if (!is_in_pieces && done->text.len > EXPORT_BYTES_MAX)
        return fault_set(
            fault, ERR_LIMIT, "types",
            "the whole is %zu bytes and does not fit a message: export types one by one",
            done->text.len);
    if (!is_in_pieces) return ERR_OK;
    done->text = text_slice(done->text, asked->from, EXPORT_BYTES_MAX);
    bool is_end = asked->from + done->text.len >= done->size;
    while (!is_end && done->text.len &&
           ((unsigned char)done->text.at[done->text.len] & 0xc0) == 0x80)
        done->text.len--;
    return ERR_OK;
}

static void request_export(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_export *asked = fields;
    struct scope *scope = link_request_scope(request);
    struct access_rights *rights = request_rights(server, request);
    struct buf text = { 0 };
    struct file_export export = { .objects = server->objects,
                                  .tenant = asked->tenant,
                                  .types = asked->types.at,
                                  .type_count = asked->types.count,
                                  .may_read = may_read,
                                  .self = rights };
    if (asked->types.count == 0 && access_may_use_secrets(rights))
        export.secrets = secrets_names(server->secrets, scope, &export.secret_count);
    file_write(&export, &text);
    struct config_export_done done = {
        .head.has = CONFIG_EXPORT_DONE_HAS_REV | CONFIG_EXPORT_DONE_HAS_TEXT |
                    CONFIG_EXPORT_DONE_HAS_SIZE,
        .rev = server->rev,
        .text = buf_text(&text),
        .size = text.len,
    };
    struct fault fault = { 0 };
    enum err err = take_piece(server, asked, &done, &fault);
    if (err)
        link_refuse_fault(request, &fault);
    else
        link_reply(request, &done);
    buf_free(&text);
}

/* --- the port ------------------------------------------------------------------------------- */

static const struct link_handler handlers[] = {
    { .msg = &MSG_CONFIG_SUBSCRIBE, .on_request = request_subscribe },
    { .msg = &MSG_CONFIG_SNAPSHOT_NEXT, .on_request = request_snapshot_next },
    { .msg = &MSG_CONFIG_READ, .on_request = request_read },
    { .msg = &MSG_CONFIG_READ_CHANGES, .on_request = request_read_changes },
    { .msg = &MSG_CONFIG_CHANGE_SET, .on_request = request_change_set },
    { .msg = &MSG_CONFIG_PLAN, .on_request = request_plan },
    { .msg = &MSG_CONFIG_APPLY, .on_request = request_apply },
    { .msg = &MSG_CONFIG_SEAL, .on_request = request_seal },
    { .msg = &MSG_CONFIG_EXPORT, .on_request = request_export },
    { .msg = &MSG_CONFIG_READ_HISTORY, .on_request = request_read_history },
    { .msg = &MSG_CONFIG_UNDO, .on_request = request_undo },
    { .msg = &MSG_CONFIG_READ_SERVER, .on_request = request_read_server },
    { .msg = &MSG_CONFIG_CHECKOUT_LICENCE, .on_request = request_checkout_licence },
    { .msg = &MSG_CONFIG_CHECKIN_LICENCE, .on_request = request_checkin_licence },
    { .msg = &MSG_CONFIG_READ_LICENCES, .on_request = request_read_licences },
    { .msg = &MSG_CONFIG_AUTHENTICATE, .on_request = request_authenticate },
    { .msg = &MSG_CONFIG_SET_PASSWORD, .on_request = request_set_password },
    { .msg = &MSG_CONFIG_RESET_PASSWORD, .on_request = request_reset_password },
    { .msg = &MSG_CONFIG_COMPARE_ACCOUNTS, .on_request = request_compare_accounts },
    { .msg = &MSG_CONFIG_READ_ACL, .on_request = request_read_acl },
    { .msg = &MSG_CONFIG_CHANGE_ACL, .on_request = request_change_acl },
    { .msg = &MSG_CONFIG_READ_EFFECTIVE, .on_request = request_read_effective },
    { 0 },
};

static void on_down(void *self, struct link *link, enum err why)
{
    (void)why;
    subscribers_forget(self, link);
}

static const struct link_life life_of_links = { .on_down = on_down };

void server_serve(struct config_server *server)
{
    struct fault fault = { 0 };
    if (server->links || server->is_stopping) return;
    const struct link_handler *ours = server->proxy ? proxy_handlers(server->app->life, handlers)
                                                    : handlers;
    if (app_listen(server->app, ours, &life_of_links, server, &server->links, &fault)) {
        app_unavailable(server->app, text_of(fault.words));
        return;
    }
    LOG_STORE_LOADED(&server->app->log, (unsigned long long)server->rev,
                     object_set_count(server->objects));
    if (server->store) store_trim_history(server);
    app_running(server->app);
}

/* --- life ----------------------------------------------------------------------------------- */

static void on_store_trouble(void *self, const char *words)
{
    server_set_read_only(self, words);
}

static void forget(void *self)
{
    buf_free(&((struct config_server *)self)->read_only);
}

static enum err start(struct app *app, void **self, struct fault *fault)
{
    struct config_server *server = scope_alloc(app->life, sizeof *server);
    const struct config_options *options = app->options;
    *self = server;
    *server = (struct config_server){ .app = app };
    scope_on_close(app->life, forget, server);
    list_init(&server->subscribers);
    list_init(&server->writes);
    list_init(&server->change_waits);
    server->objects = object_set_new(app->life);
    server->secrets = secrets_new(app->life);
    server->acl = acl_new(app->life);
    server->writers = buckets_new(app->life, WRITERS_MAX);
    server->events = event_log_new(app->life, options->subscriber_history);
    server->daily = timer_new(app->life, app->loop, store_trim_history, server);
    /* No application can bear this name: the key is nobody's link key. */
    link_derive_key(app->identity.secret, TEXT("config\x1fsecrets"), server->seal_key);
    struct text master = proxy_master_of(app);
    if (master.len) {
        server->proxy = proxy_new(server, master);
        return ERR_OK;
    }
    if (app_has_source(app))
        return fault_set(fault, ERR_INVALID, "connections",
                         "connections: config is another application; this one can be its proxy, "
                         "with a connection to it");
    app_on_store_trouble(app, on_store_trouble, server);
    enum err err = app_open_store(app, MIGRATIONS_CONFIG, &server->store, fault);
    if (!err) err = store_load(server, fault);
    if (!err) err = accounts_open(server, fault);
    if (!err) err = licences_open(server, fault);
    if (err) return err;
    if (server->is_new)
        make_builtin(server);
    else
        accounts_begin(server, acl_begin);
    return ERR_OK;
}

static void changed(void *self)
{
    struct config_server *server = self;
    const struct config_options *options = server->app->options;
    event_log_set_max(server->events, options->subscriber_history);
    if (server->proxy) proxy_configure(server->proxy);
    if (server->seats) licences_configure(server);
}

static void on_flushed(void *self)
{
    struct config_server *server = self;
    app_stopped(server->app);
}

static void stop(void *self)
{
    struct config_server *server = self;
    server->is_stopping = true;
    if (server->links) link_server_stop_listening(server->links);
    if (server->store)
        store_flush(server->store, on_flushed, server);
    else
        app_stopped(server->app);
}

static void count(void *self, void *out)
{
    const struct config_server *server = self;
    struct account_counters accounts = { 0 };
    if (server->accounts) accounts = accounts_counters(server);
    *(struct config_counters *)out = (struct config_counters){
        .config_objects = object_set_count(server->objects),
        .config_revision = server->rev,
        .config_subscribers = subscribers_count(server),
        .config_changes_total = server->changes_total,
        .config_changes_refused_total = server->refused_total,
        .config_changes_waiting = server->waiting,
        .config_resyncs_total = server->resyncs_total,
        .config_logins_total = accounts.logins,
        .config_logins_refused_total = accounts.refused,
        .config_logins_waiting = accounts.waiting,
    };
    licences_count(server, out);
}

const struct app_type APP_TYPE_CONFIG;
const struct app_type APP_TYPE_CONFIG = {
    .name = "config",
    .options = &OPTIONS_CONFIG,
    .counters = &COUNTERS_CONFIG,
    .start = start,
    .changed = changed,
    .stop = stop,
    .count = count,
    .links_max = LIMIT_CLIENTS,
};
