/* SPDX-License-Identifier: Apache-2.0 */
#include "app/own_database.h"
#include "app/private.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "store/sim_disk.h"
#include "store/store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { LOOK_AGAIN_MS = 1000 };

static enum err store_path(const struct app *app, struct text *out, struct fault *fault)
{
    bool is_simulated = loop_is_virtual(app->loop); /* there folders need not be made */
    *out = TEXT(":memory:");
    if (is_simulated && app->data_dir.len == 0) return ERR_OK;
    struct text folder =
        scope_format(app->life, "%.*s/%.*s", TEXT_ARG(app->data_dir), TEXT_ARG(app->name));
    if (!is_simulated && mkdir(folder.at, 0750) != 0 && errno != EEXIST)
        return fault_set(fault, ERR_IO, "data", "%s cannot be made: %s", folder.at,
                         strerror(errno));
    *out = scope_format(app->life, "%s%.*s/%.*s.db", is_simulated ? SIM_DISK_SCHEME : "",
                        TEXT_ARG(folder), TEXT_ARG(app->name));
    return ERR_OK;
}

static void on_trouble(void *self, enum store_trouble kind, const char *words)
{
    struct app *app = self;
    struct app_private *own = app->private;
    bool is_serving = own->state == APP_RUNNING || own->is_disk_in_trouble;
    if (kind == STORE_TROUBLE_NONE) {
        if (own->is_disk_in_trouble) app_running(app);
        own->is_disk_in_trouble = false;
    } else if (is_serving) {
        own->is_disk_in_trouble = true;
        app_unavailable(app, text_of(words));
    }
    if (own->on_store_trouble)
        own->on_store_trouble(own->store_trouble_self, kind == STORE_TROUBLE_NONE ? NULL : words);
    if (kind == STORE_TROUBLE_BROKEN) app_end(app, words, true);
}

void app_on_store_trouble(struct app *app, void (*hear)(void *self, const char *words), void *self)
{
    app->private->on_store_trouble = hear;
    app->private->store_trouble_self = self;
}

/* --- the access point --- */

static bool is_access_point(const struct app *app, const struct object_application *application)
{
    struct text type = application->type;
    const struct app_object *template =
        app_object(app, &OBJECT_APP_PROTOTYPE, application->template);
    if (type.len == 0 && template)
        type = ((const struct object_app_prototype *)(const void *)template->fields)->type;
    return text_eq(type, TEXT("Database"));
}

/* The one among our connections that is for a store; NULL: none. ERR_CONFLICT: there are two. */
static enum err find_access_point(const struct app *app, const struct app_object **out,
                                  const struct object_application_connection **connection,
                                  struct fault *fault)
{
    const struct app_object *self = app_self(app);
    *out = NULL;
    if (self == NULL) return ERR_OK;
    const struct object_application *own = (const struct object_application *)self->fields;
    for (uint32_t i = 0; i < own->connections.count; i++) {
        const struct object_application_connection *one = &own->connections.at[i];
        const struct app_object *found = app_object(app, &OBJECT_APPLICATION, one->server);
        if (found == NULL) continue;
        const struct object_application *fields = (const struct object_application *)found->fields;
        if (!is_access_point(app, fields) || !own_database_is_main(&fields->options)) continue;
        if (*out)
            return fault_set(fault, ERR_CONFLICT, "connections",
                             "two access points of role Main: %.*s and %.*s", TEXT_ARG((*out)->key),
                             TEXT_ARG(found->key));
        *out = found;
        *connection = one;
    }
    return ERR_OK;
}

static enum err access_point_path(const struct app *app, struct buf *out,
                                  struct store_options *options, struct fault *fault)
{
    const struct app_object *found;
    const struct object_application_connection *connection;
    enum err err = find_access_point(app, &found, &connection, fault);
    if (err || found == NULL) return err;
    const struct object_application *fields = (const struct object_application *)found->fields;
    const struct app_object *host = app_object(app, &OBJECT_HOST, fields->host);
    struct own_database database = {
        .options = &fields->options,
        .host_address = host ? ((const struct object_host *)host->fields)->ip_address
                             : (struct text){ "", 0 },
        .port = fields->ports.count ? fields->ports.at[0].number : 0,
        .application = app->name,
        .trusted_ca = connection->trusted_ca,
        .certificate = connection->certificate,
        .certificate_key = connection->certificate_key,
    };
    struct fault reason;
    err = own_database_path(&database, out, &options->query_timeout_s, &reason);
    if (err)
        return fault_set(fault, err, reason.field, "access point %.*s: %s: %s",
                         TEXT_ARG(found->key), reason.field, reason.words);
    return ERR_OK;
}

/* Where our own store is. */
static enum err find_path(const struct app *app, struct buf *out, struct store_options *options,
                          struct fault *fault)
{
    struct text path;
    buf_add(out, app->private->birth.database);
    if (out->len) return ERR_OK;
    enum err err = access_point_path(app, out, options, fault);
    if (err || out->len) return err;
    err = store_path(app, &path, fault);
    if (!err) buf_add(out, path);
    return err;
}

/* --- waiting for its server --- */

static void look_again(void *self)
{
    app_begin_or_end(self);
}

static void wait_for_database(struct app *app, const char *words)
{
    struct app_private *private = app->private;
    if (private->store_away_ms == 0) {
        private->store_away_ms = loop_now_mono_ms(app->loop);
        private->store_again = timer_new(app->life, app->loop, look_again, app);
        LOG_DATABASE_AWAY(&app->log, words);
        app_unavailable(app, text_of(words));
    }
    timer_start(private->store_again, LOOK_AGAIN_MS);
}

bool own_store_is_there(struct app *app)
{
    struct app_private *private = app->private;
    struct buf path = { 0 };
    struct store_options options;
    struct fault reason;
    /* What else is wrong with it app_open_store() will say. */
    bool is_away = find_path(app, &path, &options, &reason) == ERR_OK &&
                   store_reach(buf_text(&path), &reason) == ERR_UNAVAILABLE;
    if (path.at) explicit_bzero(path.at, path.len);
    buf_free(&path);
    if (is_away) {
        wait_for_database(app, reason.words);
    } else if (private->store_away_ms) {
        uint64_t waited_ms = loop_now_mono_ms(app->loop) - private->store_away_ms;
        LOG_DATABASE_THERE(&app->log, (unsigned long long)waited_ms);
        private->store_away_ms = 0;
        timer_stop(private->store_again);
    }
    return !is_away;
}

/* --- opening it --- */

enum err app_open_store(struct app *app, const struct migration *migrations, struct store **out,
                        struct fault *fault)
{
    struct buf path = { 0 };
    struct store_options options = { 0 };
    struct fault reason;
    enum err err = find_path(app, &path, &options, &reason);
    if (!err)
        err = store_open(app->life, app->loop, &app->log, buf_text(&path), migrations, &options,
                         out, &reason);
    if (path.at) explicit_bzero(path.at, path.len);
    buf_free(&path);
    if (err == ERR_UNSUPPORTED || err == ERR_CONFLICT)
        LOG_DATABASE_REFUSED(&app->log, reason.words);
    if (err) return fault_set(fault, err, reason.field, "%s", reason.words);
    store_on_trouble(*out, on_trouble, app);
    return ERR_OK;
}
