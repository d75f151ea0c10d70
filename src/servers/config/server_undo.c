/* SPDX-License-Identifier: Apache-2.0 */
/* Undo: what a revision did is read from the history, then taken back as any other change. */
#include "format/json.h"
#include "gen/objects.h"
#include "servers/config/plan.h"
#include "servers/config/server.h"
#include "servers/config/undo.h"

#include <inttypes.h>
#include <string.h>

enum { UNDO_ROWS_MAX = 100000 };

/* `former` was not written by the first release: then it is what the change before left. */
static const struct statement select_revision = {
    "SELECT h.op, h.type, h.dbid, h.tenant, h.key, h.body, COALESCE(h.former, (SELECT p.body FROM "
    "history p WHERE p.type = h.type AND p.dbid = h.dbid AND p.rev < h.rev AND p.body IS NOT NULL "
    "ORDER BY p.rev DESC, p.seq DESC LIMIT 1)), h.properties FROM history h WHERE h.rev = ?1 ORDER "
    "BY h.seq "
    "LIMIT ?2"
};

/* One entry of permissions that the revision moved, as the history tells it. */
struct acl_row {
    const struct object_type *type;
    uint32_t dbid;
    struct text account, before,
        after;     /* letters, behind them N: does not propagate; .at NULL: none */
    bool is_moved; /* it is taken back */
};

/* In the request's scope, until it is answered. */
struct undo {
    struct config_server *server;
    struct link_request *request;
    const struct config_undo *asked;
    struct undo_row *rows;
    struct acl_row *acl;
    uint32_t count, acl_count, acl_room;
    struct problems problems; /* of what was read */
    struct plan plan;
    struct config_undo_done done;
};

/* --- what the revision did ------------------------------------------------------------------ */

static const struct kv *read_body(struct scope *scope, struct text json)
{
    struct kv *body = scope_alloc(scope, sizeof *body);
    struct fault fault;
    if (json.len == 0 || json_read_kv(json, scope, body, &fault)) return NULL;
    return body;
}

static void refuse_row(struct undo *undo, struct text type, struct text key, const char *words)
{
    problem_add(&undo->problems, PROBLEM_REV_MISMATCH, object_type_find(type), TEXT(""),
                "%.*s %.*s: %s", TEXT_ARG(type), TEXT_ARG(key), words);
}

/* Objects stand before the entries of permissions that came with them. */
static bool is_created(const struct undo *undo, const struct undo_row *row)
{
    for (uint32_t i = 0; i < undo->count; i++)
        if (undo->rows[i].type == row->type && undo->rows[i].dbid == row->dbid)
            return undo->rows[i].before == NULL;
    return false;
}

static struct text letters_of(struct scope *scope, const struct kv *property, const char *name)
{
    const struct value *value = body_find(property, text_of(name));
    bool is_there = value && value->kind == VALUE_TEXT;
    return is_there ? scope_keep(scope, value->text) : (struct text){ 0 };
}

static void take_entry(struct undo *undo, const struct undo_row *row, const struct kv *property)
{
    struct scope *scope = link_request_scope(undo->request);
    struct text path = body_text(property, "path");
    if (!text_starts(path, TEXT("acl[")) || !text_ends(path, TEXT("]"))) return;
    if (undo->acl_count == undo->acl_room) {
        undo->acl_room = undo->acl_room * 2 + 8;
        struct acl_row *grown = scope_alloc_array(scope, undo->acl_room, sizeof *grown);
        if (undo->acl_count) memcpy(grown, undo->acl, undo->acl_count * sizeof *grown);
        undo->acl = grown;
    }
    undo->acl[undo->acl_count++] = (struct acl_row){
        .type = row->type,
        .dbid = row->dbid,
        .account = scope_keep(scope, text_slice(path, 4, path.len - 5)),
        .before = letters_of(scope, property, "old"),
        .after = letters_of(scope, property, "new"),
    };
}

static void take_entries(struct undo *undo, const struct undo_row *row, struct text json)
{
    struct scope *scratch = scope_new(NULL, "entries", SCOPE_NO_LIMIT);
    struct value list;
    struct fault fault;
    bool is_list = json_read(json, scratch, &list, &fault) == ERR_OK && list.kind == VALUE_LIST;
    for (uint32_t i = 0; is_list && i < list.items.count; i++)
        if (list.items.at[i].kind == VALUE_KV) take_entry(undo, row, &list.items.at[i].pairs);
    scope_close(scratch);
}

static void take_row(struct undo *undo, const struct rows *rows, uint32_t i)
{
    struct scope *scope = link_request_scope(undo->request);
    struct text op = rows_text(rows, i, 0), type = rows_text(rows, i, 1);
    struct text key = rows_text(rows, i, 4);
    bool is_new = text_eq(op, TEXT("added")), is_gone = text_eq(op, TEXT("deleted"));
    struct undo_row row = {
        .type = object_type_find(type),
        .dbid = (uint32_t)rows_i64(rows, i, 2),
        .tenant = scope_keep(scope, rows_text(rows, i, 3)),
        .before = is_new ? NULL : read_body(scope, rows_text(rows, i, 6)),
        .after = is_gone ? NULL : read_body(scope, rows_text(rows, i, 5)),
    };
    if (text_eq(type, TEXT("Secret"))) {
        /* A name that nothing uses any more does no harm. */
        if (!is_new) refuse_row(undo, type, key, "former values of secrets are not kept");
    } else if (text_eq(op, TEXT("acl"))) {
        if (row.type && !is_created(undo, &row)) take_entries(undo, &row, rows_text(rows, i, 7));
    } else if (row.type == NULL || (!is_new && row.before == NULL) ||
               (!is_gone && row.after == NULL)) {
        refuse_row(undo, type, key, "what it was before is not kept any more");
    } else {
        undo->rows[undo->count++] = row;
    }
}

/* A revision that touched what the asker may not see is none of hers. */
static bool may_see(const struct undo *undo, const struct rows *rows)
{
    struct access_rights *rights = request_rights(undo->server, undo->request);
    for (uint32_t i = 0; i < rows_count(rows); i++)
        if (!may_read_row(undo->server, rights, rows_text(rows, i, 1),
                          (uint32_t)rows_i64(rows, i, 2), rows_text(rows, i, 3)))
            return false;
    return true;
}

static void take_rows(struct undo *undo, const struct rows *rows)
{
    uint32_t count = may_see(undo, rows) ? rows_count(rows) : 0;
    undo->rows =
        scope_alloc_array(link_request_scope(undo->request), count + 1u, sizeof *undo->rows);
    for (uint32_t i = 0; i < count; i++) take_row(undo, rows, i);
    if (count == 0)
        problem_add(&undo->problems, PROBLEM_NOT_FOUND, NULL, TEXT("rev"),
                    "revision %" PRIu64 " is not in the history", undo->asked->rev);
}

/* --- taking it back ------------------------------------------------------------------------- */

static bool has_secret(void *self, struct text name)
{
    return secret_changes_has(self, name);
}

static bool read_letters(struct text letters, struct acl_entry *out)
{
    out->propagates = !text_ends(letters, TEXT("N"));
    if (!out->propagates) letters.len--;
    return permission_parse(letters, &out->mask) == ERR_OK;
}

static bool is_as(const struct acl_entry *entry, bool is_there, struct text letters, bool was_there)
{
    struct acl_entry read;
    if (!is_there || !was_there) return is_there == was_there;
    return read_letters(letters, &read) && read.mask == entry->mask &&
           read.propagates == entry->propagates;
}

static void refuse_entry(struct write *write, enum problem_kind kind, const struct object *object,
                         const struct acl_row *row, const char *words)
{
    struct text label = object_label(write->life, object->type, object->tenant, object->key);
    problem_add(&write->problems, kind, object->type, TEXT("acl"), "%.*s.acl[%.*s]: %s",
                TEXT_ARG(label), TEXT_ARG(row->account), words);
}

/* An empty mask is an entry as well: the history tells "" for it, and nothing where there is none.
 */
static void take_entry_back(struct write *write, struct acl_row *row)
{
    const struct config_server *server = write->server;
    struct object_view view = { .objects = server->objects };
    const struct object *object = object_set_find_dbid(server->objects, row->type, row->dbid);
    if (object == NULL) return; /* its entries are kept, and come back with it */
    struct text tenant = object->type->is_global ? OBJECT_TENANT_DEFAULT : object->tenant;
    const struct object *account = membership_find(&view, row->account, tenant);
    if (account == NULL) {
        refuse_entry(write, PROBLEM_REV_MISMATCH, object, row, "there is no such account any more");
        return;
    }
    struct acl_account who = { account->type == &OBJECT_ACCESS_GROUP, account->dbid };
    const struct acl_entry *now = acl_entry_of(acl_changes_of(&write->acl, object), who);
    bool is_there = now != NULL, was_there = row->before.at != NULL;
    if (is_as(now, is_there, row->before, was_there)) return; /* it is back already */
    if (!is_as(now, is_there, row->after, row->after.at != NULL)) {
        refuse_entry(write, PROBLEM_REV_MISMATCH, object, row, "was changed again since");
    } else if (!access_may(write->rights, object, MAY_CHANGE_ACL)) {
        refuse_entry(write, PROBLEM_NO_PERMISSION, object, row, "you may not change permissions");
    } else if (was_there) {
        struct acl_entry entry = { .account = who };
        row->is_moved = read_letters(row->before, &entry);
        if (row->is_moved) acl_changes_put(&write->acl, object, &entry);
    } else {
        row->is_moved = acl_changes_remove(&write->acl, object, who);
    }
}

static struct config_plan_item entry_item(const struct undo *undo, const struct acl_row *row)
{
    struct scope *scope = link_request_scope(undo->request);
    const struct object *object = object_set_find_dbid(undo->server->objects, row->type, row->dbid);
    struct config_plan_property *property = scope_alloc(scope, sizeof *property);
    *property = (struct config_plan_property){
        .head.has = CONFIG_PLAN_PROPERTY_HAS_PATH,
        .path = scope_format(scope, "acl[%.*s]", TEXT_ARG(row->account)),
        .old = scope_format(scope, "\"%.*s\"", TEXT_ARG(row->after)),
        .new = scope_format(scope, "\"%.*s\"", TEXT_ARG(row->before)),
    };
    if (row->after.at) property->head.has |= CONFIG_PLAN_PROPERTY_HAS_OLD;
    if (row->before.at) property->head.has |= CONFIG_PLAN_PROPERTY_HAS_NEW;
    return (struct config_plan_item){
        .head.has = CONFIG_PLAN_ITEM_HAS_OP | CONFIG_PLAN_ITEM_HAS_TYPE | CONFIG_PLAN_ITEM_HAS_KEY |
                    CONFIG_PLAN_ITEM_HAS_PROPERTIES |
                    (object->type->is_global ? 0 : CONFIG_PLAN_ITEM_HAS_TENANT),
        .op = TEXT("update"),
        .type = text_of(row->type->name),
        .tenant = scope_keep(scope, object->tenant),
        .key = scope_keep(scope, object->key),
        .properties = { property, 1 },
    };
}

static void list_items(struct undo *undo, const struct write *write)
{
    static const struct file no_file = { 0 };
    struct scope *scope = link_request_scope(undo->request);
    plan_list(scope, write->set, write->secrets, &no_file, &undo->plan);
    undo->done.head.has = CONFIG_UNDO_DONE_HAS_REV | CONFIG_UNDO_DONE_HAS_ITEMS;
    undo->done.items.at = scope_alloc_array(scope, undo->plan.count + undo->acl_count + 1u,
                                            sizeof *undo->done.items.at);
    undo->done.items.count = undo->plan.count;
    for (uint32_t i = 0; i < undo->plan.count; i++) {
        struct config_plan_item *item = &undo->done.items.at[i];
        *item = plan_item_message(scope, &undo->plan.items[i]);
        item->overwrites = false; /* that is what it is for */
        item->head.has &= ~(uint64_t)CONFIG_PLAN_ITEM_HAS_OVERWRITES;
        item->tenant = scope_keep(scope, item->tenant); /* the objects go before the reply */
        item->key = scope_keep(scope, item->key);
        for (uint32_t k = 0; k < item->properties.count; k++)
            item->properties.at[k].path = scope_keep(scope, item->properties.at[k].path);
    }
    for (uint32_t i = 0; i < undo->acl_count; i++)
        if (undo->acl[i].is_moved)
            undo->done.items.at[undo->done.items.count++] = entry_item(undo, &undo->acl[i]);
}

static void stage_undo(struct write *write)
{
    struct undo *undo = write->self;
    struct change_world world = { has_secret, write->secrets };
    undo_stage(write->set, undo->rows, undo->count, &write->problems);
    for (uint32_t i = 0; i < undo->acl_count; i++) take_entry_back(write, &undo->acl[i]);
    if (write->problems.count == 0)
        change_set_finish(write->set, &world, &write->problems, &write->warnings);
    if (write->problems.count == 0) list_items(undo, write);
}

static void reply_undo(struct write *write)
{
    struct undo *undo = write->self;
    undo->done.rev = write->rev;
    link_reply(write->request, &undo->done);
}

/* It waits for nobody: what would happen now. */
static void plan_undo(struct undo *undo, struct write *write)
{
    struct config_server *server = undo->server;
    write_open(write);
    stage_undo(write);
    write_permit(write);
    write->rev = server->rev;
    if (write->problems.count)
        refuse_problems(server, undo->request, &write->problems);
    else
        reply_undo(write);
    change_set_drop(write->set);
    scope_close(write->life);
}

static struct text comment_of(const struct undo *undo, struct scope *scope)
{
    if (undo->asked->comment.len) return scope_keep(scope, undo->asked->comment);
    return scope_format(scope, "undo of revision %" PRIu64, undo->asked->rev);
}

static void on_revision(void *self, enum err err, const struct rows *rows)
{
    struct undo *undo = self;
    struct config_server *server = undo->server;
    if (err) {
        struct fault fault;
        (void)fault_set(&fault, err, "", "the history cannot be read: %s",
                        store_query_words(server->store));
        link_refuse_fault(undo->request, &fault);
        return;
    }
    take_rows(undo, rows);
    if (undo->problems.count) {
        refuse_problems(server, undo->request, &undo->problems);
        return;
    }
    struct write *write = write_new(server, undo->request, undo->asked);
    write->comment = comment_of(undo, write->life);
    write->self = undo;
    write->stage = stage_undo;
    write->reply = reply_undo;
    if (undo->asked->plan)
        plan_undo(undo, write);
    else
        write_submit(write);
}

void request_undo(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_undo *asked = fields;
    struct scope *scope = link_request_scope(request);
    struct undo *undo = scope_alloc(scope, sizeof *undo);
    *undo = (struct undo){
        .server = server, .request = request, .asked = asked, .problems = { .scope = scope }
    };
    struct value parameters[] = { body_integer_value(asked->rev > INT64_MAX ? -1
                                                                            : (int64_t)asked->rev),
                                  body_integer_value(UNDO_ROWS_MAX) };
    struct query query = { &select_revision, parameters, 2 };
    store_query(server->store, &query, on_revision, undo);
}
