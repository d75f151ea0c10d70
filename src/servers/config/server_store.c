/* SPDX-License-Identifier: Apache-2.0 */
/* What is on disk, and how it comes back. Reading happens at the start alone. */
#include "format/json.h"
#include "gen/events.h"
#include "gen/migrations.h"
#include "servers/config/history.h"
#include "servers/config/server.h"

#include <inttypes.h>
#include <stdio.h>

enum { LOAD_ROWS = 1000, DAY_MS = 24 * 3600 * 1000 };

static const struct statement select_meta = { "SELECT value FROM meta WHERE name = ?1" };
static const struct statement select_objects = {
    "SELECT type, dbid, tenant, key, state, body, rev, created_utc_ms, changed_utc_ms FROM object "
    "WHERE (type, dbid) > (?1, ?2) ORDER BY type, dbid LIMIT ?3"
};
static const struct statement select_secrets = { "SELECT name, sealed FROM secret ORDER BY name" };
static const struct statement select_history = {
    "SELECT rev, seq, op, type, dbid, tenant, key, body FROM history WHERE (rev, seq) > (?1, ?2) "
    "ORDER BY rev, seq LIMIT ?3"
};
static const struct statement put_meta = {
    "INSERT INTO meta (name, value) VALUES (?1, ?2) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
};
/* The guard against a second writer: the revision must be the one we know. */
static const struct statement move_rev = {
    "UPDATE meta SET value = ?1 WHERE name = 'rev' AND value = ?2"
};
static const struct statement put_object = {
    "INSERT INTO object (type, dbid, tenant, key, state, body, rev, created_utc_ms, "
    "changed_utc_ms) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (type, dbid) DO UPDATE SET "
    "tenant = excluded.tenant, key = excluded.key, state = excluded.state, body = excluded.body, "
    "rev = excluded.rev, created_utc_ms = excluded.created_utc_ms, "
    "changed_utc_ms = excluded.changed_utc_ms"
};
static const struct statement delete_object = {
    "UPDATE object SET state = 'deleted', body = NULL, rev = ?3, changed_utc_ms = ?4 "
    "WHERE type = ?1 AND dbid = ?2"
};
static const struct statement put_history = {
    "INSERT INTO history (rev, seq, utc_ms, person, application, address, comment, op, type, dbid, "
    "tenant, key, properties, body, former) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
};
static const struct statement put_secret = {
    "INSERT INTO secret (name, sealed, rev) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, rev = excluded.rev"
};
static const struct statement trim_history = { "DELETE FROM history WHERE utc_ms < ?1" };

/* --- loading -------------------------------------------------------------------------------- */

struct loading {
    struct config_server *server;
    struct scope *scratch;
    struct fault *fault;
    enum err err;
    uint32_t rows;
    struct text type; /* the last row's */
    int64_t first, second;
    struct text word;
    struct event_rev *rev;
};

static void load_word(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    loading->err = err;
    loading->word = TEXT("");
    if (!err && rows_count(rows))
        loading->word = scope_keep(loading->scratch, rows_text(rows, 0, 0));
}

static enum err read_meta(struct loading *loading, const char *name)
{
    struct value parameter = body_text_value(text_of(name));
    struct query query = { &select_meta, &parameter, 1 };
    enum err err = store_query_now(loading->server->store, &query, load_word, loading);
    return err ? err : loading->err;
}

static void load_object(struct loading *loading, const struct rows *rows, uint32_t row)
{
    struct config_server *server = loading->server;
    struct text type_name = rows_text(rows, row, 0), key = rows_text(rows, row, 3);
    const struct object_type *type = object_type_find(type_name);
    uint32_t dbid = (uint32_t)rows_i64(rows, row, 1);
    struct scope *owner = object_set_scope(server->objects);
    struct object *object;
    struct fault fault = { 0 };
    if (type && text_eq(rows_text(rows, row, 4), TEXT("deleted"))) {
        object_set_retire(server->objects, type, dbid,
                          object_identity(loading->scratch, type, rows_text(rows, row, 2), key));
        return;
    }
    enum err err = type ? object_load(owner, type, rows_text(rows, row, 2), key,
                                      rows_text(rows, row, 5), &object, &fault)
                        : fault_set(&fault, ERR_UNSUPPORTED, "", "of a type of a newer release");
    if (err) {
        LOG_OBJECT_UNREADABLE(&server->app->log, scope_keep_z(loading->scratch, type_name), dbid,
                              fault.words);
        /* Serving without it would unlink it for ever. */
        loading->err = fault_set(loading->fault, err, "", "%.*s %u in the store cannot be read: %s",
                                 TEXT_ARG(type_name), dbid, fault.words);
        return;
    }
    object->dbid = dbid;
    object->rev = (uint64_t)rows_i64(rows, row, 6);
    object->created_utc_ms = (uint64_t)rows_i64(rows, row, 7);
    object->changed_utc_ms = (uint64_t)rows_i64(rows, row, 8);
    object_set_put(server->objects, object);
}

static void load_objects_page(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    loading->err = err;
    loading->rows = err ? 0 : rows_count(rows);
    for (uint32_t i = 0; i < loading->rows && !loading->err; i++) load_object(loading, rows, i);
    if (loading->rows == 0) return;
    loading->type = scope_keep(loading->scratch, rows_text(rows, loading->rows - 1, 0));
    loading->first = rows_i64(rows, loading->rows - 1, 1);
}

static enum err load_objects(struct loading *loading)
{
    loading->type = TEXT("");
    loading->first = 0;
    do {
        struct value parameters[] = { body_text_value(loading->type),
                                      body_integer_value(loading->first),
                                      body_integer_value(LOAD_ROWS) };
        struct query query = { &select_objects, parameters, 3 };
        enum err err = store_query_now(loading->server->store, &query, load_objects_page, loading);
        if (err || loading->err) return err ? err : loading->err;
    } while (loading->rows == LOAD_ROWS);
    return ERR_OK;
}

static void load_secrets_rows(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    struct config_server *server = loading->server;
    loading->err = err;
    for (uint32_t i = 0; !loading->err && i < rows_count(rows); i++) {
        const struct value *sealed = rows_at(rows, i, 1);
        struct text name = rows_text(rows, i, 0), value = { 0 };
        if (sealed->kind != VALUE_NULL)
            loading->err =
                seal_open(loading->scratch, server->seal_key, name, sealed->text, &value);
        if (loading->err)
            (void)fault_set(loading->fault, loading->err, "",
                            "secret %.*s was sealed by another installation: the secret folder is "
                            "not the one of this data",
                            TEXT_ARG(name));
        else
            secrets_put(server->secrets, name, value);
    }
}

static enum err load_secrets(struct loading *loading)
{
    struct query query = { &select_secrets, NULL, 0 };
    enum err err = store_query_now(loading->server->store, &query, load_secrets_rows, loading);
    return err ? err : loading->err;
}

static const char *op_word(struct text op)
{
    if (text_eq(op, TEXT("added"))) return "added";
    return text_eq(op, TEXT("deleted")) ? "deleted" : "changed";
}

static void load_event(struct loading *loading, const struct rows *rows, uint32_t row)
{
    uint64_t rev = (uint64_t)rows_i64(rows, row, 0);
    if (loading->rev == NULL || loading->rev->rev != rev)
        loading->rev = event_log_begin(loading->server->events, rev);
    struct event event = {
        .op = op_word(rows_text(rows, row, 2)),
        .type = object_type_find(rows_text(rows, row, 3)),
        .dbid = (uint32_t)rows_i64(rows, row, 4),
        .tenant = rows_text(rows, row, 5),
        .key = rows_text(rows, row, 6),
        .json = rows_text(rows, row, 7),
    };
    bool is_acl = text_eq(rows_text(rows, row, 2), TEXT("acl"));
    if (event.type == NULL)
        event_rev_add_secret(loading->rev, event.key);
    else if (is_acl)
        event_rev_add_access(loading->rev, event.type, event.dbid);
    else
        event_rev_add(loading->rev, &event);
}

static void load_events_page(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    loading->err = err;
    loading->rows = err ? 0 : rows_count(rows);
    for (uint32_t i = 0; i < loading->rows; i++) load_event(loading, rows, i);
    if (loading->rows == 0) return;
    loading->first = rows_i64(rows, loading->rows - 1, 0);
    loading->second = rows_i64(rows, loading->rows - 1, 1);
}

static enum err load_events(struct loading *loading)
{
    const struct config_options *options = loading->server->app->options;
    uint64_t kept = options->subscriber_history, rev = loading->server->rev;
    loading->first = rev > kept ? (int64_t)(rev - kept) : 0;
    loading->second = INT32_MAX;
    loading->rev = NULL;
    do {
        struct value parameters[] = { body_integer_value(loading->first),
                                      body_integer_value(loading->second),
                                      body_integer_value(LOAD_ROWS) };
        struct query query = { &select_history, parameters, 3 };
        enum err err = store_query_now(loading->server->store, &query, load_events_page, loading);
        if (err || loading->err) return err ? err : loading->err;
        event_log_trim(loading->server->events);
    } while (loading->rows == LOAD_ROWS);
    return ERR_OK;
}

static enum err load_meta(struct loading *loading)
{
    struct config_server *server = loading->server;
    enum err err = read_meta(loading, "rev");
    if (err) return err;
    server->is_new = loading->word.len == 0;
    if (server->is_new) {
        struct guid guid = guid_new(loop_random(server->app->loop));
        server->epoch = scope_keep(server->app->life, guid_text(&guid));
        return ERR_OK;
    }
    err = text_to_u64(loading->word, 1, INT64_MAX, &server->rev);
    if (!err) err = read_meta(loading, "epoch");
    server->epoch = scope_keep(server->app->life, loading->word);
    if (!err) err = read_meta(loading, "permissions-made");
    server->has_permissions = loading->word.len > 0;
    return err;
}

enum err store_load(struct config_server *server, struct fault *fault)
{
    struct loading loading = { .server = server,
                               .fault = fault,
                               .scratch = scope_new(server->app->life, "load", SCOPE_NO_LIMIT) };
    fault->words[0] = '\0';
    enum err err = load_meta(&loading);
    if (!err) err = load_objects(&loading);
    if (!err) err = load_secrets(&loading);
    if (!err) err = acl_store_load(server, fault);
    if (!err) server_feed_own(server, NULL); /* the options say how much history */
    if (!err) err = load_events(&loading);
    if (err && fault->words[0] == '\0')
        (void)fault_set(fault, err, "", "the configuration cannot be read: %s", err_words(err));
    scope_close(loading.scratch);
    return err;
}

/* --- writing -------------------------------------------------------------------------------- */

struct writing {
    struct change *change;
    struct scope *scratch;
    const struct write *write;
    uint64_t rev, now_utc_ms;
    uint32_t seq;
};

static void put_one_meta(const struct writing *writing, const char *name, struct text value)
{
    change_add(writing->change, &put_meta, 1);
    change_bind_text(writing->change, text_of(name));
    change_bind_text(writing->change, value);
}

static void put_revision(const struct writing *writing)
{
    const struct config_server *server = writing->write->server;
    struct text rev = scope_format(writing->scratch, "%" PRIu64, writing->rev);
    if (server->is_new) {
        put_one_meta(writing, "rev", rev);
        put_one_meta(writing, "epoch", server->epoch);
        return;
    }
    change_add(writing->change, &move_rev, 1);
    change_bind_text(writing->change, rev);
    change_bind_text(writing->change, scope_format(writing->scratch, "%" PRIu64, server->rev));
}

static void put_row(const struct writing *writing, const struct object *object, struct text json)
{
    struct text state = body_text(&object->body, "state");
    struct change *change = writing->change;
    change_add(change, &put_object, 1);
    change_bind_text(change, text_of(object->type->name));
    change_bind_i64(change, object->dbid);
    change_bind_text(change, object->tenant);
    change_bind_text(change, object->key);
    change_bind_text(change, state.len ? state : TEXT("enabled"));
    change_bind_text(change, json);
    change_bind_i64(change, (int64_t)object->rev);
    change_bind_i64(change, (int64_t)object->created_utc_ms);
    change_bind_i64(change, (int64_t)object->changed_utc_ms);
}

static void put_deletion(const struct writing *writing, const struct object *object)
{
    change_add(writing->change, &delete_object, 1);
    change_bind_text(writing->change, text_of(object->type->name));
    change_bind_i64(writing->change, object->dbid);
    change_bind_i64(writing->change, (int64_t)writing->rev);
    change_bind_i64(writing->change, (int64_t)writing->now_utc_ms);
}

/* Framework 3.6: each property with its old and new value. */
static struct body_differences differences_of(struct scope *scope, const struct staged *staged)
{
    static const struct kv nothing = { 0 };
    const struct object *any = staged->after ? staged->after : staged->before;
    return body_compare(scope, any->type->shape, staged->before ? &staged->before->body : &nothing,
                        staged->after ? &staged->after->body : &nothing);
}

static struct text properties_json(struct scope *scope, const struct body_differences *differences)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_array(&json);
    for (uint32_t i = 0; i < differences->count; i++) {
        const struct body_difference *one = &differences->at[i];
        json_begin_object(&json);
        json_put_name(&json, TEXT("path"));
        json_put_text(&json, one->path);
        if (one->before) json_put_name(&json, TEXT("old"));
        if (one->before) json_put_value(&json, one->before);
        if (one->after) json_put_name(&json, TEXT("new"));
        if (one->after) json_put_value(&json, one->after);
        json_end_object(&json);
    }
    json_end_array(&json);
    struct text text = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return text;
}

struct history_row {
    const char *op, *type;
    uint32_t dbid;
    struct text tenant, key, properties, body, former; /* .at NULL: none */
};

static void put_history_row(struct writing *writing, const struct history_row *row)
{
    struct change *change = writing->change;
    const struct write *write = writing->write;
    change_add(change, &put_history, 1);
    change_bind_i64(change, (int64_t)writing->rev);
    change_bind_i64(change, writing->seq++);
    change_bind_i64(change, (int64_t)writing->now_utc_ms);
    change_bind_text(change, write->person);
    change_bind_text(change, write->application);
    change_bind_text(change, write->address);
    change_bind_text(change, write->comment);
    change_bind_text(change, text_of(row->op));
    change_bind_text(change, text_of(row->type));
    change_bind_i64(change, row->dbid);
    change_bind_text(change, row->tenant);
    change_bind_text(change, row->key);
    change_bind_text(change, row->properties);
    change_bind_text(change, row->body);
    change_bind_text(change, row->former);
}

static void put_staged(struct writing *writing, const struct staged *staged)
{
    const struct object *any = staged->after ? staged->after : staged->before;
    struct text json = { 0 };
    if (staged->after) {
        json = object_stored_json(writing->scratch, staged->after);
        put_row(writing, staged->after, json);
    } else {
        put_deletion(writing, staged->before);
    }
    struct body_differences differences = differences_of(writing->scratch, staged);
    bool is_move = staged->before && staged->after && history_is_move(&differences);
    struct history_row row = {
        .op = staged->before == NULL  ? "added"
              : staged->after == NULL ? "deleted"
              : is_move               ? "move"
                                      : "changed",
        .type = any->type->name,
        .dbid = any->dbid,
        .tenant = any->tenant,
        .key = any->key,
        .properties = properties_json(writing->scratch, &differences),
        .body = json,
    };
    if (staged->before) row.former = object_stored_json(writing->scratch, staged->before);
    put_history_row(writing, &row);
}

static void put_one_acl(struct writing *writing, const struct acl_change *change)
{
    const struct write *write = writing->write;
    struct object_view view = { write->server->objects, write->set };
    acl_store_put(writing->change, change);
    struct history_row row = {
        .op = "acl",
        .type = change->type->name,
        .dbid = change->dbid,
        .tenant = change->tenant,
        .key = change->key,
        .properties = acl_history_json(&view, writing->scratch, change),
    };
    put_history_row(writing, &row);
}

static void put_one_secret(struct writing *writing, const struct secret_change *change)
{
    change_add(writing->change, &put_secret, 1);
    change_bind_text(writing->change, change->name);
    if (change->value.at)
        change_bind_bytes(writing->change,
                          seal_close(writing->scratch, writing->write->server->seal_key,
                                     change->name, change->value));
    else
        change_bind_null(writing->change);
    change_bind_i64(writing->change, (int64_t)writing->rev);
    struct history_row row = {
        .op = change->is_new ? "added" : "changed",
        .type = "Secret",
        .tenant = TEXT(""),
        .key = change->name,
        .properties = TEXT("[{\"path\":\"value\",\"new\":\"***\"}]"),
    };
    put_history_row(writing, &row);
}

struct change *store_change_of(struct config_server *server, const struct write *write,
                               uint64_t rev, uint64_t now_utc_ms)
{
    struct writing writing = { .change = change_new(server->store),
                               .scratch = scope_new(write->life, "rows", SCOPE_NO_LIMIT),
                               .write = write,
                               .rev = rev,
                               .now_utc_ms = now_utc_ms };
    put_revision(&writing);
    for (size_t i = 0; i < change_set_count(write->set); i++)
        put_staged(&writing, change_set_at(write->set, i));
    for (size_t i = 0; i < secret_changes_count(write->secrets); i++)
        put_one_secret(&writing, secret_changes_at(write->secrets, i));
    for (uint32_t i = 0; i < write->acl.count; i++) put_one_acl(&writing, &write->acl.at[i]);
    if (write->makes_permissions) put_one_meta(&writing, "permissions-made", TEXT("1"));
    scope_close(writing.scratch);
    return writing.change;
}

static void on_trimmed(void *self, const struct change_result *result)
{
    const struct config_server *server = self;
    if (result->err) LOG_STORE_FAILED(&server->app->log, result->words);
}

/* Once a day. */
void store_trim_history(void *self)
{
    struct config_server *server = self;
    const struct config_options *options = server->app->options;
    uint64_t kept_ms = (uint64_t)options->history_days * DAY_MS;
    uint64_t now_utc_ms = loop_now_utc_ms(server->app->loop);
    struct change *change = change_new(server->store);
    change_add(change, &trim_history, ROWS_ANY);
    change_bind_i64(change, now_utc_ms > kept_ms ? (int64_t)(now_utc_ms - kept_ms) : 0);
    change_submit(change, on_trimmed, server);
    accounts_trim(server, now_utc_ms > kept_ms ? now_utc_ms - kept_ms : 0);
    timer_start(server->daily, DAY_MS);
}
