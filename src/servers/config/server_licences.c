/* SPDX-License-Identifier: Apache-2.0 */
/* Licences (framework 13): the pool file is read by a worker, again and again; a grant that moves
 * is written down before it is answered, so that a restart gives nobody what others hold. */
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/config/licence.h"
#include "servers/config/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 10 * 1000, POOL_BYTES_MAX = 256 * 1024, LOAD_ROWS = 10000 };

static const struct statement select_uses = {
    "SELECT feature, holder, asked, granted FROM licence_use ORDER BY feature, holder LIMIT ?1"
};
static const struct statement put_use = {
    "INSERT INTO licence_use (feature, holder, asked, granted) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (feature, holder) DO UPDATE SET asked = excluded.asked, "
    "granted = excluded.granted"
};
static const struct statement delete_use = {
    "DELETE FROM licence_use WHERE feature = ?1 AND holder = ?2"
};

struct seats {
    struct config_server *server;
    struct licences *licences;
    struct timer *timer;
    struct look *look;                /* under way; NULL: none */
    struct buf file;                  /* license-file as it was looked at last */
    struct buf pool;                  /* what was read last */
    bool is_in_trouble, is_exhausted; /* as it was told */
};

/* --- who goes short -------------------------------------------------------------------------- */

struct licence_figures {
    uint32_t groups, groups_short;
};

static struct licence_figures figures_of(const struct seats *seats)
{
    struct licence_figures figures = { 0 };
    uint32_t count;
    struct licence_feature *const *all =
        licences_all(seats->licences, loop_now_utc_ms(seats->server->app->loop), &count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < all[i]->group_count; k++)
            figures.groups_short += licence_is_short(all[i], &all[i]->groups[k]);
        figures.groups += all[i]->is_limited ? all[i]->group_count : 0;
    }
    return figures;
}

/* One alarm for all that go short: it is over when nobody does. */
static void look_whether_enough(struct seats *seats)
{
    if (!seats->is_exhausted || figures_of(seats).groups_short) return;
    seats->is_exhausted = false;
    LOG_LICENCE_ENOUGH(&seats->server->app->log);
}

void licences_count(const struct config_server *server, struct config_counters *out)
{
    if (server->seats == NULL) return;
    struct licence_figures figures = figures_of(server->seats);
    out->config_licence_groups = figures.groups;
    out->config_licence_groups_short = figures.groups_short;
}

/* --- the pool file -------------------------------------------------------------------------- */

struct look { /* a root of its own: the worker may outlast the server */
    struct scope *life;
    struct seats *seats; /* NULL: gone */
    const char *path;
    struct buf bytes;
    int error;
};

static void read_pool(void *self)
{
    struct look *look = self;
    int fd = open(look->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && look->bytes.len <= POOL_BYTES_MAX) {
        got = read(fd, buf_reserve(&look->bytes, 65536), 65536);
        if (got > 0) look->bytes.len += (size_t)got;
    }
    if (got < 0) look->error = errno;
    if (got > 0) look->error = EFBIG;
    if (fd >= 0) (void)close(fd);
}

static void say_trouble(struct seats *seats, const char *path, const char *words)
{
    struct scope *scratch = scope_new(seats->server->app->life, "words", SCOPE_NO_LIMIT);
    if (!seats->is_in_trouble)
        LOG_LICENCE_TROUBLE(&seats->server->app->log,
                            scope_format(scratch, "%s: %s", path, words).at);
    seats->is_in_trouble = true;
    scope_close(scratch);
}

static void take_pool(struct seats *seats, const struct look *look)
{
    struct fault fault = { 0 };
    struct text text = buf_text(&look->bytes);
    bool is_same = text_eq(text, buf_text(&seats->pool)) && !seats->is_in_trouble;
    if (look->error) {
        say_trouble(seats, look->path, strerror(look->error));
        return;
    }
    if (is_same) return;
    if (licences_read_pool(seats->licences, text, &fault)) {
        say_trouble(seats, look->path, fault.words);
        return;
    }
    buf_clear(&seats->pool);
    buf_add(&seats->pool, text);
    if (seats->is_in_trouble) LOG_LICENCE_TROUBLE_OVER(&seats->server->app->log);
    seats->is_in_trouble = false;
    uint32_t count;
    (void)licences_all(seats->licences, loop_now_utc_ms(seats->server->app->loop), &count);
    LOG_LICENCES_READ(&seats->server->app->log, count, look->path);
}

static void on_pool_read(void *self)
{
    struct look *look = self;
    struct seats *seats = look->seats;
    if (seats) {
        seats->look = NULL;
        take_pool(seats, look);
    }
    buf_free(&look->bytes);
    scope_close(look->life);
}

static void forget_pool(struct seats *seats)
{
    struct fault fault;
    buf_clear(&seats->pool);
    (void)licences_read_pool(seats->licences, TEXT(""), &fault);
    seats->is_in_trouble = false;
}

static bool is_server(struct text file)
{
    return text_find(file, '@', 0) < file.len && text_find(file, '/', 0) == file.len;
}

static void start_looking(struct seats *seats, struct text file)
{
    const struct app *app = seats->server->app;
    struct scope *life = scope_new(NULL, "licence pool", SCOPE_NO_LIMIT);
    struct look *look = scope_alloc(life, sizeof *look);
    bool is_whole = file.at[0] == '/' || app->data_dir.len == 0;
    *look = (struct look){ .life = life, .seats = seats };
    look->path = is_whole
                     ? scope_keep_z(life, file)
                     : scope_format(life, "%.*s/%.*s", TEXT_ARG(app->data_dir), TEXT_ARG(file)).at;
    seats->look = look;
    loop_work(app->loop, read_pool, on_pool_read, look);
}

static void look_again(void *self)
{
    struct seats *seats = self;
    const struct config_options *options = seats->server->app->options;
    struct text file = options->license_license_file;
    bool is_other = !text_eq(file, buf_text(&seats->file));
    timer_start(seats->timer, LOOK_MS);
    look_whether_enough(seats);
    if (is_other) {
        buf_clear(&seats->file);
        buf_add(&seats->file, file);
        forget_pool(seats);
    }
    if (is_other && is_server(file)) {
        struct scope *scratch = scope_new(seats->server->app->life, "words", SCOPE_NO_LIMIT);
        LOG_LICENCE_SERVER_IGNORED(&seats->server->app->log, scope_keep_z(scratch, file));
        scope_close(scratch);
    }
    if (file.len && !is_server(file) && seats->look == NULL) start_looking(seats, file);
}

void licences_configure(struct config_server *server)
{
    const struct config_options *options = server->app->options;
    if (!text_eq(options->license_license_file, buf_text(&server->seats->file)))
        look_again(server->seats);
}

/* --- asking --------------------------------------------------------------------------------- */

/* NULL: a group of nothing that is configured. */
static const struct object *application_of_group(const struct config_server *server,
                                                 struct text group)
{
    uint32_t dbid;
    if (text_to_u32(group, 1, UINT32_MAX, &dbid)) return NULL;
    return object_set_find_dbid(server->objects, &OBJECT_APPLICATION, dbid);
}

/* A grant on its way to the disk; in the request's scope. */
struct granting {
    struct config_server *server;
    struct link_request *request;
    struct licence_grant grant;
};

static void reply_grant(struct link_request *request, const struct licence_grant *grant)
{
    struct config_licence_granted out = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_LICENCE_GRANTED),
        .granted = grant->granted,
        .lease = LICENCE_LEASE_S,
        .unlimited = grant->is_unlimited,
    };
    link_reply(request, &out);
}

static void on_durable(void *self, const struct change_result *result)
{
    struct granting *granting = self;
    struct fault fault;
    if (result->err == ERR_OK) {
        reply_grant(granting->request, &granting->grant);
        return;
    }
    (void)fault_set(&fault, ERR_UNAVAILABLE, "", "the licence could not be written to the disk");
    link_refuse_fault(granting->request, &fault);
}

static void submit(struct granting *granting, struct change *change)
{
    change_submit(change, on_durable, granting);
}

static struct granting *granting_new(struct config_server *server, struct link_request *request)
{
    struct granting *granting = scope_alloc(link_request_scope(request), sizeof *granting);
    *granting = (struct granting){ .server = server, .request = request };
    return granting;
}

static void log_short(struct seats *seats, struct scope *scope,
                      const struct config_checkout_licence *asked, uint32_t granted)
{
    struct text wanted = asked->count == LICENCE_ALL_FREE ? TEXT("all free")
                                                          : scope_format(scope, "%u", asked->count);
    seats->is_exhausted = true;
    LOG_LICENCE_EXHAUSTED(&seats->server->app->log, scope_keep_z(scope, asked->feature),
                          scope_keep_z(scope, asked->group), wanted.at, granted);
}

/* A person acts for an application that she may execute; what she may not read is not there. */
static bool may_act_for(struct config_server *server, struct link_request *request,
                        struct text group)
{
    struct scope *scope = link_request_scope(request);
    struct actor actor = actor_of(server, scope, request);
    if (actor.kind != ACTOR_PERSON) return trust_with_seats(server, request);
    struct access_rights *rights = actor_rights(server, scope, &actor);
    struct problems problems = { .scope = scope };
    const struct object *application = application_of_group(server, group);
    if (application == NULL || !access_may(rights, application, MAY_READ))
        problem_add(&problems, PROBLEM_NOT_FOUND, &OBJECT_APPLICATION, TEXT("group"),
                    "group: there is no application with DBID %.*s",
                    TEXT_ARG(text_slice(group, 0, 64)));
    else if (!access_may(rights, application, MAY_EXECUTE))
        problem_add(&problems, PROBLEM_NO_PERMISSION, &OBJECT_APPLICATION, TEXT("dbid"),
                    "group: you may not execute applications[%.*s]", TEXT_ARG(application->key));
    if (problems.count == 0) return true;
    refuse_problems(server, request, &problems);
    return false;
}

void request_checkout_licence(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_checkout_licence *asked = fields;
    struct seats *seats = server->seats;
    if (!may_act_for(server, request, asked->group)) return;
    struct granting *granting = granting_new(server, request);
    enum err err = licences_checkout(seats->licences, asked->feature, asked->group, asked->count,
                                     loop_now_utc_ms(server->app->loop), &granting->grant);
    if (err) {
        struct fault fault;
        (void)fault_set(&fault, err, "feature", "there are too many features or groups");
        link_refuse_fault(request, &fault);
        return;
    }
    if (SHAPE_HAS(asked, CONFIG_CHECKOUT_LICENCE_HAS_IN_USE))
        licences_note_use(seats->licences, asked->feature, asked->group, asked->in_use);
    if (!granting->grant.has_moved) {
        reply_grant(request, &granting->grant);
        return;
    }
    if (granting->grant.is_short)
        log_short(seats, link_request_scope(request), asked, granting->grant.granted);
    else
        look_whether_enough(seats);
    struct change *change = change_new(server->store);
    change_add(change, &put_use, 1);
    change_bind_text(change, asked->feature);
    change_bind_text(change, asked->group);
    change_bind_i64(change, asked->count);
    change_bind_i64(change, granting->grant.granted);
    submit(granting, change);
}

void request_checkin_licence(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_checkin_licence *asked = fields;
    if (!may_act_for(server, request, asked->group)) return;
    (void)licences_checkin(server->seats->licences, asked->feature, asked->group);
    look_whether_enough(server->seats);
    struct change *change = change_new(server->store);
    change_add(change, &delete_use, ROWS_ANY);
    change_bind_text(change, asked->feature);
    change_bind_text(change, asked->group);
    submit(granting_new(server, request), change);
}

static struct config_licence_group group_message(const struct licence_group *group)
{
    struct config_licence_group out = {
        .head.has = CONFIG_LICENCE_GROUP_HAS_GROUP | CONFIG_LICENCE_GROUP_HAS_ASKED |
                    CONFIG_LICENCE_GROUP_HAS_GRANTED | CONFIG_LICENCE_GROUP_HAS_UNTIL,
        .group = group->group,
        .asked = group->asked,
        .granted = group->granted,
        .until = group->until_utc_ms,
        .in_use = group->in_use,
        .most_in_use = group->most_in_use,
    };
    if (group->says_use)
        out.head.has |= CONFIG_LICENCE_GROUP_HAS_IN_USE | CONFIG_LICENCE_GROUP_HAS_MOST_IN_USE;
    return out;
}

/* What a person, with `rights`, may not read is left out. */
static void fill_use(const struct config_server *server, struct scope *scope,
                     struct access_rights *rights, const struct licence_feature *feature,
                     struct config_licence_use *out)
{
    *out = (struct config_licence_use){
        .head.has = CONFIG_LICENCE_USE_HAS_FEATURE | CONFIG_LICENCE_USE_HAS_USED |
                    CONFIG_LICENCE_USE_HAS_GROUPS,
        .feature = feature->feature,
        .count = feature->count,
        .used = licence_granted(feature),
        .most = feature->most,
    };
    if (feature->is_limited)
        out->head.has |= CONFIG_LICENCE_USE_HAS_COUNT | CONFIG_LICENCE_USE_HAS_MOST;
    out->groups.at = scope_alloc_array(scope, feature->group_count + 1u, sizeof *out->groups.at);
    for (uint32_t i = 0; i < feature->group_count; i++) {
        const struct object *holder = application_of_group(server, feature->groups[i].group);
        if (rights && (holder == NULL || !access_may(rights, holder, MAY_READ))) continue;
        out->groups.at[out->groups.count++] = group_message(&feature->groups[i]);
    }
}

void request_read_licences(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_read_licences *asked = fields;
    struct scope *scope = link_request_scope(request);
    uint32_t count;
    struct licence_feature *const *all =
        licences_all(server->seats->licences, loop_now_utc_ms(server->app->loop), &count);
    struct config_licences out = { .head.has = CONFIG_LICENCES_HAS_LICENCES };
    struct actor actor = actor_of(server, scope, request);
    struct access_rights *rights = actor.kind == ACTOR_PERSON ? actor_rights(server, scope, &actor)
                                                              : NULL;
    out.licences.at = scope_alloc_array(scope, count + 1u, sizeof *out.licences.at);
    for (uint32_t i = 0; i < count; i++)
        if (asked->feature.len == 0 || text_eq(asked->feature, all[i]->feature))
            fill_use(server, scope, rights, all[i], &out.licences.at[out.licences.count++]);
    link_reply(request, &out);
}

/* --- life ----------------------------------------------------------------------------------- */

static void load_uses(void *self, enum err err, const struct rows *rows)
{
    struct seats *seats = self;
    uint64_t now_utc_ms = loop_now_utc_ms(seats->server->app->loop);
    for (uint32_t i = 0; !err && i < rows_count(rows); i++)
        licences_restore(seats->licences, rows_text(rows, i, 0), rows_text(rows, i, 1),
                         (uint32_t)rows_i64(rows, i, 2), (uint32_t)rows_i64(rows, i, 3),
                         now_utc_ms);
}

static void forget(void *self)
{
    struct seats *seats = self;
    if (seats->look) seats->look->seats = NULL;
    buf_free(&seats->file);
    buf_free(&seats->pool);
}

enum err licences_open(struct config_server *server, struct fault *fault)
{
    struct seats *seats = scope_alloc(server->app->life, sizeof *seats);
    *seats = (struct seats){ .server = server, .licences = licences_new(server->app->life) };
    seats->timer = timer_new(server->app->life, server->app->loop, look_again, seats);
    scope_on_close(server->app->life, forget, seats);
    server->seats = seats;
    struct value limit = body_integer_value(LOAD_ROWS);
    struct query query = { &select_uses, &limit, 1 };
    enum err err = store_query_now(server->store, &query, load_uses, seats);
    if (err) return fault_set(fault, err, "", "licences in use cannot be read: %s", err_words(err));
    look_again(seats);
    return ERR_OK;
}
