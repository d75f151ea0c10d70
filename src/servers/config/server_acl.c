/* SPDX-License-Identifier: Apache-2.0 */
/* Permissions (framework 12.2): asked for, changed, kept. The rules are in acl.h and permit.h; a
 * change of entries is a write like any other, so it has its place in the order of revisions. */
#include "servers/config/server.h"

#include "base/buf.h"
#include "format/json.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/config/acl_builtin.h"

enum { LOAD_ROWS = 1000 };

static const struct statement select_acl = {
    "SELECT type, dbid, account_type, account_dbid, mask, propagates, rev FROM acl "
    "WHERE (type, dbid, account_type, account_dbid) > (?1, ?2, ?3, ?4) "
    "ORDER BY type, dbid, account_type, account_dbid LIMIT ?5"
};
static const struct statement delete_acl = { "DELETE FROM acl WHERE type = ?1 AND dbid = ?2" };
static const struct statement put_acl = {
    "INSERT INTO acl (type, dbid, account_type, account_dbid, mask, propagates, rev) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
};

/* --- at rest -------------------------------------------------------------------------------- */

struct acl_loading {
    struct config_server *server;
    struct scope *scratch;
    struct acl_changes changes;
    enum err err;
    uint32_t rows;
    struct text type, account_type; /* the last row's */
    int64_t dbid, account_dbid;
};

static const struct object_type *account_type(bool is_group)
{
    return is_group ? &OBJECT_ACCESS_GROUP : &OBJECT_PERSON;
}

static void load_entry(struct acl_loading *loading, const struct rows *rows, uint32_t row)
{
    struct object object = { .type = object_type_find(rows_text(rows, row, 0)),
                             .dbid = (uint32_t)rows_i64(rows, row, 1) };
    struct acl_entry entry = {
        .account = { text_eq(rows_text(rows, row, 2), text_of(OBJECT_ACCESS_GROUP.name)),
                     (uint32_t)rows_i64(rows, row, 3) },
        .mask = (uint8_t)rows_i64(rows, row, 4),
        .propagates = rows_i64(rows, row, 5) != 0,
        .rev = (uint64_t)rows_i64(rows, row, 6),
    };
    if (object.type) acl_changes_put(&loading->changes, &object, &entry);
}

static void load_page(void *self, enum err err, const struct rows *rows)
{
    struct acl_loading *loading = self;
    loading->err = err;
    loading->rows = err ? 0 : rows_count(rows);
    for (uint32_t i = 0; i < loading->rows; i++) load_entry(loading, rows, i);
    if (loading->rows == 0) return;
    loading->type = scope_keep(loading->scratch, rows_text(rows, loading->rows - 1, 0));
    loading->dbid = rows_i64(rows, loading->rows - 1, 1);
    loading->account_type = scope_keep(loading->scratch, rows_text(rows, loading->rows - 1, 2));
    loading->account_dbid = rows_i64(rows, loading->rows - 1, 3);
}

enum err acl_store_load(struct config_server *server, struct fault *fault)
{
    struct acl_loading loading = { .server = server,
                                   .scratch = scope_new(NULL, "permissions", SCOPE_NO_LIMIT),
                                   .type = TEXT(""),
                                   .account_type = TEXT("") };
    loading.changes = (struct acl_changes){ .scope = loading.scratch, .acl = server->acl };
    enum err err = ERR_OK;
    do {
        struct value parameters[] = { body_text_value(loading.type),
                                      body_integer_value(loading.dbid),
                                      body_text_value(loading.account_type),
                                      body_integer_value(loading.account_dbid),
                                      body_integer_value(LOAD_ROWS) };
        struct query query = { &select_acl, parameters, 5 };
        err = store_query_now(server->store, &query, load_page, &loading);
        if (!err) err = loading.err;
    } while (!err && loading.rows == LOAD_ROWS);
    if (!err) acl_changes_apply(&loading.changes, server->acl);
    scope_close(loading.scratch);
    return err ? fault_set(fault, err, "", "permissions cannot be read: %s", err_words(err))
               : ERR_OK;
}

void acl_store_put(struct change *change, const struct acl_change *one)
{
    change_add(change, &delete_acl, ROWS_ANY);
    change_bind_text(change, text_of(one->type->name));
    change_bind_i64(change, one->dbid);
    for (uint32_t i = 0; i < one->after.count; i++) {
        const struct acl_entry *entry = &one->after.at[i];
        change_add(change, &put_acl, 1);
        change_bind_text(change, text_of(one->type->name));
        change_bind_i64(change, one->dbid);
        change_bind_text(change, text_of(account_type(entry->account.is_group)->name));
        change_bind_i64(change, entry->account.dbid);
        change_bind_i64(change, entry->mask);
        change_bind_i64(change, entry->propagates);
        change_bind_i64(change, (int64_t)entry->rev);
    }
}

/* --- words ---------------------------------------------------------------------------------- */

static struct text tenant_of(const struct object_type *type, struct text tenant)
{
    return type->is_global ? OBJECT_TENANT_DEFAULT : tenant;
}

/* As it is or, of a write that makes the account itself, as it would be. Empty: it is gone. */
static struct text account_name(struct scope *scope, const struct object_view *view,
                                struct acl_account account, struct text tenant)
{
    const struct object_type *type = account_type(account.is_group);
    const struct object *object = object_set_find_dbid(view->objects, type, account.dbid);
    for (size_t i = 0; object == NULL && view->draft && i < change_set_count(view->draft); i++) {
        const struct object *after = change_set_at(view->draft, i)->after;
        if (after && after->type == type && after->dbid == account.dbid) object = after;
    }
    return object ? membership_name(scope, object, tenant) : TEXT("");
}

static void put_mask(struct json_writer *json, const char *name, const struct acl_entry *entry)
{
    char letters[PERMISSION_BYTES + 1];
    if (entry == NULL) return;
    struct text mask = permission_format(entry->mask, letters);
    if (!entry->propagates) letters[mask.len++] = 'N';
    json_put_name(json, text_of(name));
    json_put_text(json, mask);
}

struct text acl_history_json(const struct object_view *view, struct scope *scope,
                             const struct acl_change *one)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    uint32_t count;
    struct acl_difference *differences = acl_change_differences(scope, one, &count);
    json_begin_array(&json);
    for (uint32_t i = 0; i < count; i++) {
        struct text name =
            account_name(scope, view, differences[i].account, tenant_of(one->type, one->tenant));
        json_begin_object(&json);
        json_put_name(&json, TEXT("path"));
        json_put_text(&json, scope_format(scope, "acl[%.*s]", TEXT_ARG(name)));
        put_mask(&json, "old", differences[i].before);
        put_mask(&json, "new", differences[i].after);
        json_end_object(&json);
    }
    json_end_array(&json);
    struct text text = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return text;
}

/* --- which object --------------------------------------------------------------------------- */

static const struct object *find_by_key(const struct config_server *server,
                                        const struct object_type *type, struct text tenant,
                                        struct text key)
{
    const struct object *object = object_set_find(server->objects, type, tenant, key);
    uint32_t dbid;
    if (object == NULL && text_to_u32(key, 1, UINT32_MAX, &dbid) == ERR_OK)
        object = object_set_find_dbid(server->objects, type, dbid);
    return object;
}

const struct object *object_wanted(const struct config_server *server, struct access_rights *rights,
                                   const struct wanted *wanted, struct problems *problems)
{
    const struct object_type *type = object_type_find(wanted->type);
    if (type == NULL) {
        problem_add(problems, PROBLEM_NOT_FOUND, NULL, TEXT("type"),
                    "there is no object type \"%.*s\"", TEXT_ARG(wanted->type));
        return NULL;
    }
    struct text tenant = wanted->tenant.len ? wanted->tenant : OBJECT_TENANT_DEFAULT;
    const struct object *object = find_by_key(server, type, tenant, wanted->key);
    struct text label = object_label(problems->scope, type, tenant, wanted->key);
    if (object == NULL || !access_may(rights, object, MAY_READ)) {
        problem_add(problems, PROBLEM_NOT_FOUND, type, TEXT(""), "%.*s: does not exist",
                    TEXT_ARG(label));
        return NULL;
    }
    if (access_may(rights, object, wanted->bit)) return object;
    problem_add(problems, PROBLEM_NO_PERMISSION, type, TEXT(""), "%.*s: you may not %s",
                TEXT_ARG(label), permission_deed(wanted->bit));
    return NULL;
}

static uint64_t rev_of(const struct config_server *server, const struct object *object)
{
    struct acl_list list = acl_of(server->acl, object->type, object->dbid);
    uint64_t rev = object->rev;
    for (uint32_t i = 0; i < list.count; i++)
        if (list.at[i].rev > rev) rev = list.at[i].rev;
    return rev;
}

/* --- reading -------------------------------------------------------------------------------- */

struct acl_reading {
    const struct config_server *server;
    struct scope *scope;
    const struct acl_chain *chain;
    struct config_acl out;
};

static bool is_listed(const struct acl_reading *reading, uint32_t below, struct acl_account account)
{
    for (uint32_t i = 0; i < below; i++) {
        const struct object *object = reading->chain->at[i];
        struct acl_list list = acl_of(reading->server->acl, object->type, object->dbid);
        for (uint32_t k = 0; k < list.count; k++)
            if (acl_account_eq(list.at[k].account, account) && (i == 0 || list.at[k].propagates))
                return true;
    }
    return false;
}

static void list_entry(struct acl_reading *reading, uint32_t place, const struct acl_entry *entry)
{
    struct object_view view = { .objects = reading->server->objects };
    const struct object *object = reading->chain->at[0], *where = reading->chain->at[place];
    struct text name = account_name(reading->scope, &view, entry->account,
                                    tenant_of(object->type, object->tenant));
    char *letters = scope_alloc(reading->scope, PERMISSION_BYTES);
    bool is_hidden = place > 0 && (!entry->propagates || is_listed(reading, place, entry->account));
    if (name.len == 0 || is_hidden || reading->out.entries.count == ACL_ENTRIES_MAX) return;
    struct config_acl_entry *out = &reading->out.entries.at[reading->out.entries.count++];
    *out = (struct config_acl_entry){
        .head.has = SHAPE_ALL(SHAPE_CONFIG_ACL_ENTRY),
        .account = name,
        .mask = permission_format(entry->mask, letters),
        .propagate = entry->propagates,
        .inherited = place > 0,
        .from = scope_format(reading->scope, "%s/%.*s", where->type->name, TEXT_ARG(where->key)),
    };
    if (place == 0) out->head.has &= ~(uint64_t)CONFIG_ACL_ENTRY_HAS_FROM;
}

void request_read_acl(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_read_acl *asked = fields;
    struct scope *scope = link_request_scope(request);
    struct problems problems = { .scope = scope };
    struct wanted wanted = { asked->type, asked->tenant, asked->key, MAY_READ_ACL };
    struct object_view view = { .objects = server->objects };
    const struct object *object =
        object_wanted(server, request_rights(server, request), &wanted, &problems);
    if (object == NULL) {
        refuse_problems(server, request, &problems);
        return;
    }
    struct acl_chain chain;
    uint32_t room = 0;
    acl_chain_of(&view, object, &chain);
    for (uint32_t i = 0; i < chain.count; i++)
        room += acl_of(server->acl, chain.at[i]->type, chain.at[i]->dbid).count;
    struct acl_reading reading = {
        .server = server,
        .scope = scope,
        .chain = &chain,
        .out = { .head.has = CONFIG_ACL_HAS_REV | CONFIG_ACL_HAS_ENTRIES,
                 .rev = rev_of(server, object) },
    };
    reading.out.entries.at = scope_alloc_array(scope, room, sizeof *reading.out.entries.at);
    for (uint32_t i = 0; i < chain.count; i++) {
        struct acl_list list = acl_of(server->acl, chain.at[i]->type, chain.at[i]->dbid);
        for (uint32_t k = 0; k < list.count; k++) list_entry(&reading, i, &list.at[k]);
    }
    link_reply(request, &reading.out);
}

/* --- what somebody may ---------------------------------------------------------------------- */

struct because {
    struct scope *scope;
    struct text *lines;
    uint32_t count;
};

static void add_because(struct because *because, const struct access_rights *rights,
                        const struct object *object)
{
    struct acl_chain chain;
    char letters[PERMISSION_BYTES];
    acl_chain_of(&rights->view, object, &chain);
    for (uint32_t i = 0; i < rights->membership.count; i++) {
        struct acl_account account = rights->membership.accounts[i];
        const struct object *where = NULL;
        const struct acl_entry *entry = acl_find(rights->acl, &chain, 0, account, &where);
        if (entry == NULL) continue;
        struct text name = account_name(because->scope, &rights->view, account, TEXT(""));
        struct text mask = permission_format(entry->mask, letters);
        because->lines[because->count++] =
            scope_format(because->scope, "%.*s: %s on %s/%.*s", TEXT_ARG(name),
                         mask.len ? mask.at : "nothing", where->type->name, TEXT_ARG(where->key));
    }
}

static const char *kind_words(const struct access_rights *rights)
{
    switch (rights->kind) {
    case ACCESS_TO_EVERYTHING:
        return rights->membership.is_super
                   ? "member of a group of Environment whose members may everything: RCHXDEP"
                   : "it may everything, as SYSTEM: RCHXDEP";
    case ACCESS_TO_READ: return "it reads everything: R";
    case ACCESS_BY_ACCOUNTS: return NULL;
    case ACCESS_NOTHING: break;
    }
    return "it is unknown or disabled";
}

static void reply_effective(struct link_request *request, struct access_rights *rights,
                            const struct object *object)
{
    struct scope *scope = link_request_scope(request);
    char *letters = scope_alloc(scope, PERMISSION_BYTES);
    struct because because = { .scope = scope };
    const char *words = kind_words(rights);
    because.lines = scope_alloc_array(scope, rights->membership.count + 1u, sizeof *because.lines);
    if (words) because.lines[because.count++] = text_of(words);
    add_because(&because, rights, object);
    struct config_effective out = {
        .head.has = CONFIG_EFFECTIVE_HAS_MASK | CONFIG_EFFECTIVE_HAS_BECAUSE,
        .mask = permission_format(access_mask(rights, object), letters),
        .because = { because.lines, because.count },
    };
    link_reply(request, &out);
}

/* Of another account than the asker's own: E is needed. */
static bool is_own(const struct access_rights *rights, const struct object *account)
{
    struct acl_account wanted = { account->type == &OBJECT_ACCESS_GROUP, account->dbid };
    return rights->membership.count && acl_account_eq(rights->membership.accounts[0], wanted);
}

void request_read_effective(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_read_effective *asked = fields;
    struct scope *scope = link_request_scope(request);
    struct problems problems = { .scope = scope };
    struct object_view view = { .objects = server->objects };
    struct access_rights *own = request_rights(server, request), *rights = own;
    const struct object *account = NULL;
    if (asked->account.len) {
        account = membership_find(&view, asked->account,
                                  asked->tenant.len ? asked->tenant : OBJECT_TENANT_DEFAULT);
        if (account && !is_own(own, account) && !access_may(own, account, MAY_READ)) account = NULL;
    }
    bool needs_e = asked->account.len && (account == NULL || !is_own(own, account));
    struct wanted wanted = { asked->type, asked->tenant, asked->key,
                             needs_e ? MAY_READ_ACL : MAY_READ };
    const struct object *object = object_wanted(server, own, &wanted, &problems);
    if (object && asked->account.len && account == NULL)
        problem_add(&problems, PROBLEM_NOT_FOUND, NULL, TEXT("account"),
                    "account: there is no account \"%.*s\"", TEXT_ARG(asked->account));
    if (problems.count) {
        refuse_problems(server, request, &problems);
        return;
    }
    if (account && !is_own(own, account))
        rights = access_of_account(scope, server->acl, server->objects, account);
    reply_effective(request, rights, object);
}

/* --- changing ------------------------------------------------------------------------------- */

static bool read_entry(struct write *write, const struct config_acl_entry *asked,
                       const struct object *object, struct acl_entry *out)
{
    struct object_view view = { .objects = write->server->objects };
    const struct object *account =
        membership_find(&view, asked->account, tenant_of(object->type, object->tenant));
    if (account == NULL || !access_may(write->rights, account, MAY_READ)) {
        problem_add(&write->problems, PROBLEM_INVALID_VALUE, object->type, TEXT("acl"),
                    "entries[%.*s].account: there is no such account", TEXT_ARG(asked->account));
        return false;
    }
    *out = (struct acl_entry){
        .account = { account->type == &OBJECT_ACCESS_GROUP, account->dbid },
        .propagates = !SHAPE_HAS(asked, CONFIG_ACL_ENTRY_HAS_PROPAGATE) || asked->propagate,
    };
    if (permission_parse(asked->mask, &out->mask) == ERR_OK) return true;
    problem_add(&write->problems, PROBLEM_INVALID_VALUE, object->type, TEXT("acl"),
                "entries[%.*s].mask: must be letters of RCHXDEP, each once, or the name of a set",
                TEXT_ARG(asked->account));
    return false;
}

/* Entries of the same account on what is inside give way, where the asker may change them. */
static void clear_inside(struct write *write, const struct object *container,
                         struct acl_account account)
{
    const struct config_server *server = write->server;
    struct object_view view = { .objects = server->objects };
    struct acl_holder holder;
    for (size_t at = 0; acl_next(server->acl, &at, &holder);) {
        const struct object *inside =
            object_set_find_dbid(server->objects, holder.type, holder.dbid);
        if (inside && inside != container && acl_is_inside(&view, inside, container) &&
            access_may(write->rights, inside, MAY_CHANGE_ACL))
            (void)acl_changes_remove(&write->acl, inside, account);
    }
}

static void stage_acl(struct write *write)
{
    const struct config_change_acl *asked = write->fields;
    struct wanted wanted = { asked->type, asked->tenant, asked->key, MAY_CHANGE_ACL };
    const struct object *object =
        object_wanted(write->server, write->rights, &wanted, &write->problems);
    if (object == NULL) return;
    if (SHAPE_HAS(asked, CONFIG_CHANGE_ACL_HAS_REV) &&
        asked->rev != rev_of(write->server, object)) {
        problem_add(&write->problems, PROBLEM_REV_MISMATCH, object->type, TEXT(""),
                    "its permissions have revision %llu by now",
                    (unsigned long long)rev_of(write->server, object));
        return;
    }
    struct acl_entry *entries =
        scope_alloc_array(write->life, asked->entries.count, sizeof *entries);
    for (uint32_t i = 0; i < asked->entries.count; i++)
        if (!read_entry(write, &asked->entries.at[i], object, &entries[i])) return;
    acl_changes_set(&write->acl, object, (struct acl_list){ entries, asked->entries.count });
    bool is_recursive = !SHAPE_HAS(asked, CONFIG_CHANGE_ACL_HAS_RECURSIVE) || asked->recursive;
    for (uint32_t i = 0; is_recursive && i < asked->entries.count; i++)
        if (entries[i].propagates) clear_inside(write, object, entries[i].account);
}

static void reply_acl(struct write *write)
{
    struct config_change_set_done done = { .head.has = CONFIG_CHANGE_SET_DONE_HAS_REV,
                                           .rev = write->rev };
    link_reply(write->request, &done);
}

void request_change_acl(void *self, struct link_request *request, const void *fields)
{
    const struct config_change_acl *asked = fields;
    struct write *write = write_new(self, request, fields);
    write->comment = scope_keep(write->life, asked->comment);
    write->stage = stage_acl;
    write->reply = reply_acl;
    write_submit(write);
}

/* --- the first ones ------------------------------------------------------------------------- */

static void stage_first(struct write *write)
{
    struct change_world world = { 0 };
    acl_builtin_groups(write->set, &write->problems);
    change_set_finish(write->set, &world, &write->problems, &write->warnings);
}

static void on_first(struct write *write)
{
    server_serve(write->server);
}

/* A store of a former release (docs/decisions/0043): nobody may less than before. */
void acl_begin(struct config_server *server)
{
    if (server->has_permissions) {
        server_serve(server);
        return;
    }
    struct write *write = write_new(server, NULL, NULL);
    write->comment = TEXT("permissions that every store begins with");
    write->makes_permissions = true;
    write->stage = stage_first;
    write->reply = on_first;
    write->refused = on_first; /* Super Administrators and servers need no entries */
    write_submit(write);
}
