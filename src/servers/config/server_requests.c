/* SPDX-License-Identifier: Apache-2.0 */
/* What a change is made of: the operations of a ChangeSet, the objects of a file, or what every new
 * store begins with. */
#include "format/json.h"
#include "gen/events.h"
#include "servers/config/builtin.h"
#include "servers/config/history.h"
#include "servers/config/plan.h"
#include "servers/config/server.h"

#include <string.h>

enum { PLAN_BYTES_MAX = 8 * 1024 * 1024, ITEM_BYTES = 32 };

static void adopt(struct write *write, struct text comment)
{
    write->comment = scope_keep(write->life, comment);
}

static bool has_secret(void *self, struct text name)
{
    return secret_changes_has(self, name);
}

static void finish(struct write *write)
{
    struct change_world world = { has_secret, write->secrets };
    change_set_finish(write->set, &world, &write->problems, &write->warnings);
}

/* --- change sets ---------------------------------------------------------------------------- */

/* Which object an operation was about: found again after the commit. */
struct op_target {
    const struct object_type *type;
    uint32_t dbid; /* 0: it was new */
    struct text tenant, key;
};

struct op_targets {
    struct op_target *at;
    uint32_t count;
};

static enum change_op op_of(struct text op)
{
    if (text_eq(op, TEXT("create"))) return CHANGE_CREATE;
    return text_eq(op, TEXT("delete")) ? CHANGE_DELETE : CHANGE_UPDATE;
}

static enum change_cascade cascade_of(struct text cascade)
{
    if (text_eq(cascade, TEXT("unlink"))) return CASCADE_UNLINK;
    return text_eq(cascade, TEXT("delete")) ? CASCADE_DELETE : CASCADE_NONE;
}

static bool read_op(struct write *write, const struct config_change_op *op, uint32_t index,
                    struct kv *value, struct change_step *out)
{
    struct fault fault = { 0 };
    const struct object_type *type = object_type_find(op->type);
    *out = (struct change_step){
        .op = op_of(op->op),
        .type = type,
        .tenant = op->tenant,
        .key = op->key,
        .value = value,
        .is_whole = text_eq(op->op, TEXT("replace")),
        .has_rev = SHAPE_HAS(op, CONFIG_CHANGE_OP_HAS_REV),
        .rev = op->rev,
        .cascade = cascade_of(op->cascade),
    };
    enum err err = ERR_OK;
    if (type == NULL)
        err = fault_set(&fault, ERR_INVALID, "type", "there is no object type \"%.*s\"",
                        TEXT_ARG(op->type));
    else if (out->op != CHANGE_DELETE)
        err = json_read_kv(op->value, write->life, value, &fault);
    if (err)
        problem_add(&write->problems, PROBLEM_INVALID_VALUE, type, text_of(fault.field),
                    "ops[%u]: %s", index, fault.words);
    return !err;
}

static struct op_target target_of(struct write *write, const struct change_step *step)
{
    struct op_target target = { .type = step->type,
                                .tenant = step->tenant.len ? step->tenant : OBJECT_TENANT_DEFAULT,
                                .key = step->key };
    const struct object *there = NULL;
    if (step->op == CHANGE_CREATE) {
        struct text tenant = body_text(step->value, "tenant");
        target.key = object_key(write->life, step->type, step->value);
        if (step->tenant.len == 0 && tenant.len) target.tenant = tenant;
    } else {
        there = change_set_find(write->set, step->type, target.tenant, step->key);
    }
    if (there) {
        target.dbid = there->dbid;
        target.tenant = scope_keep(write->life, there->tenant);
        target.key = scope_keep(write->life, there->key);
    }
    return target;
}

static void stage_change_set(struct write *write)
{
    const struct config_change_set *asked = write->fields;
    struct op_targets *targets = write->self;
    for (uint32_t i = 0; i < asked->ops.count; i++) {
        struct kv value = { 0 };
        struct change_step step;
        if (!read_op(write, &asked->ops.at[i], i, &value, &step)) continue;
        struct op_target target = target_of(write, &step);
        step.tenant = target.tenant;
        targets->at[targets->count++] = target;
        change_set_step(write->set, &step, &write->problems);
    }
    if (write->problems.count == 0) finish(write);
}

static struct config_config_object target_message(struct write *write,
                                                  const struct op_target *target)
{
    const struct object_set *objects = write->server->objects;
    const struct object *object =
        target->dbid ? object_set_find_dbid(objects, target->type, target->dbid)
                     : object_set_find(objects, target->type, target->tenant, target->key);
    struct config_config_object out = {
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY,
        .type = text_of(target->type->name),
        .dbid = object ? object->dbid : target->dbid,
        .rev = object ? object->rev : write->rev,
        .tenant = target->tenant,
        .key = object ? object->key : target->key,
    };
    if (!target->type->is_global) out.head.has |= CONFIG_CONFIG_OBJECT_HAS_TENANT;
    return out;
}

static void reply_change_set(struct write *write)
{
    const struct op_targets *targets = write->self;
    struct config_change_set_done done = {
        .head.has = CONFIG_CHANGE_SET_DONE_HAS_REV | CONFIG_CHANGE_SET_DONE_HAS_OBJECTS |
                    CONFIG_CHANGE_SET_DONE_HAS_WARNINGS,
        .rev = write->rev,
        .warnings = { write->warnings.at, write->warnings.count },
    };
    done.objects.at = scope_alloc_array(write->life, targets->count, sizeof *done.objects.at);
    for (uint32_t i = 0; i < targets->count; i++)
        done.objects.at[done.objects.count++] = target_message(write, &targets->at[i]);
    link_reply(write->request, &done);
}

void request_change_set(void *self, struct link_request *request, const void *fields)
{
    const struct config_change_set *asked = fields;
    struct write *write = write_new(self, request, fields);
    struct op_targets *targets = scope_alloc(write->life, sizeof *targets);
    targets->at = scope_alloc_array(write->life, asked->ops.count, sizeof *targets->at);
    adopt(write, asked->comment);
    write->self = targets;
    write->stage = stage_change_set;
    write->reply = reply_change_set;
    write_submit(write);
}

/* --- sealed secrets in files --- */

/* Base64 of what Seal gave. */
static bool open_sealed(void *self, struct text name, struct text sealed, struct scope *scope,
                        struct text *value)
{
    const struct config_server *server = self;
    struct pair pair = { TEXT("sealed"), body_text_value(sealed) };
    struct kv pairs = { &pair, 1 };
    struct fault fault;
    void *fields;
    if (kv_to_shape(&pairs, MSG_CONFIG_SEALED.shape, false, scope, &fields, NULL, &fault))
        return false;
    const struct config_sealed *read = fields;
    return seal_open(scope, server->seal_key, name, read->sealed, value) == ERR_OK;
}

static void use_opener(struct config_server *server, struct write *write)
{
    struct secret_opener opener = { open_sealed, server };
    secret_changes_set_opener(write->secrets, &opener);
}

void request_seal(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_seal *asked = fields;
    if (!access_may_use_secrets(request_rights(server, request))) {
        struct problems problems = { .scope = link_request_scope(request) };
        problem_add(&problems, PROBLEM_NO_PERMISSION, NULL, TEXT("secrets"),
                    "secrets: only who may change Environment seals them");
        refuse_problems(server, request, &problems);
        return;
    }
    struct config_sealed sealed = {
        .head.has = CONFIG_SEALED_HAS_SEALED,
        .sealed =
            seal_close(link_request_scope(request), server->seal_key, asked->name, asked->value),
    };
    link_reply(request, &sealed);
}

/* --- files ---------------------------------------------------------------------------------- */

struct file_write {
    struct file file;
    struct plan_wish wish;
    struct text text;
    const struct kv *variables;
    struct plan plan;
};

static enum plan_mode mode_of(struct text mode)
{
    if (text_eq(mode, TEXT("sync"))) return PLAN_SYNC;
    return text_eq(mode, TEXT("create-only")) ? PLAN_CREATE_ONLY : PLAN_MERGE;
}

static void stage_file(struct write *write)
{
    struct file_write *from = write->self;
    use_opener(write->server, write);
    file_parse(write->life, from->text, from->variables, &from->file, &write->problems);
    if (write->problems.count) return;
    plan_file(write->set, write->secrets, &from->file, &from->wish, &write->problems,
              &write->warnings);
    if (write->problems.count == 0)
        plan_list(write->life, write->set, write->secrets, &from->file, &from->plan);
}

static struct text property_text(struct scope *scope, struct text path, const struct value *value)
{
    return value ? history_shown(scope, path, value) : (struct text){ 0 };
}

struct config_plan_item plan_item_message(struct scope *scope, const struct plan_item *item)
{
    static const char *const ops[] = { "create", "update", "delete", "unchanged" };
    struct config_plan_item out = {
        .head.has = CONFIG_PLAN_ITEM_HAS_OP | CONFIG_PLAN_ITEM_HAS_TYPE | CONFIG_PLAN_ITEM_HAS_KEY |
                    CONFIG_PLAN_ITEM_HAS_PROPERTIES | CONFIG_PLAN_ITEM_HAS_OVERWRITES,
        .op = text_of(ops[item->op]),
        .type = item->type ? text_of(item->type->name) : TEXT("Secret"),
        .tenant = item->tenant,
        .key = item->key,
        .overwrites = item->op == PLAN_UPDATE && item->type,
    };
    if (item->tenant.len) out.head.has |= CONFIG_PLAN_ITEM_HAS_TENANT;
    out.properties.at =
        scope_alloc_array(scope, item->differences.count, sizeof *out.properties.at);
    out.properties.count = item->differences.count;
    for (uint32_t i = 0; i < item->differences.count; i++) {
        const struct body_difference *one = &item->differences.at[i];
        struct config_plan_property *property = &out.properties.at[i];
        *property = (struct config_plan_property){
            .head.has = CONFIG_PLAN_PROPERTY_HAS_PATH,
            .path = one->path,
            .old = property_text(scope, one->path, one->before),
            .new = property_text(scope, one->path, one->after),
        };
        if (one->before) property->head.has |= CONFIG_PLAN_PROPERTY_HAS_OLD;
        if (one->after) property->head.has |= CONFIG_PLAN_PROPERTY_HAS_NEW;
    }
    return out;
}

/* Of a message: what it shows of the properties, and some. */
static size_t item_bytes(const struct config_plan_item *item)
{
    size_t bytes = item->key.len + ITEM_BYTES;
    for (uint32_t i = 0; i < item->properties.count; i++)
        bytes += item->properties.at[i].path.len + item->properties.at[i].old.len +
                 item->properties.at[i].new.len + ITEM_BYTES;
    return bytes;
}

static void reply_plan(struct config_server *server, struct link_request *request,
                       struct write *write)
{
    const struct file_write *from = write->self;
    struct config_plan_done done = {
        .head.has = CONFIG_PLAN_DONE_HAS_REV | CONFIG_PLAN_DONE_HAS_ITEMS |
                    CONFIG_PLAN_DONE_HAS_WARNINGS,
        .rev = server->rev,
        .warnings = { write->warnings.at, write->warnings.count },
    };
    done.items.at = scope_alloc_array(write->life, from->plan.count, sizeof *done.items.at);
    done.items.count = from->plan.count;
    size_t bytes = 0;
    for (uint32_t i = 0; i < from->plan.count; i++) {
        done.items.at[i] = plan_item_message(write->life, &from->plan.items[i]);
        bytes += item_bytes(&done.items.at[i]);
        if (bytes > PLAN_BYTES_MAX) done.items.at[i].properties.count = 0;
    }
    if (bytes > PLAN_BYTES_MAX) {
        warning_add(&write->warnings,
                    TEXT("the plan is long: of its last objects no properties are shown"));
        done.warnings.at = write->warnings.at;
        done.warnings.count = write->warnings.count;
    }
    link_reply(request, &done);
}

/* A plan waits for nobody: it says what would happen now. */
void request_plan(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_plan *asked = fields;
    struct write *write = write_new(server, request, fields);
    struct file_write from = {
        .wish = { mode_of(asked->mode), asked->overwrite, true },
        .text = asked->text,
        .variables = &asked->variables,
    };
    write->self = &from;
    write_open(write);
    stage_file(write);
    write_permit(write);
    if (write->problems.count)
        refuse_problems(server, request, &write->problems);
    else
        reply_plan(server, request, write);
    change_set_drop(write->set);
    scope_close(write->life);
}

static void stage_apply(struct write *write)
{
    const struct config_apply *asked = write->fields;
    if (SHAPE_HAS(asked, CONFIG_APPLY_HAS_REV) && asked->rev != write->server->rev) {
        problem_add(&write->problems, PROBLEM_REV_MISMATCH, NULL, TEXT(""),
                    "the plan was made on revision %llu, the present one is %llu",
                    (unsigned long long)asked->rev, (unsigned long long)write->server->rev);
        return;
    }
    stage_file(write);
}

static void reply_apply(struct write *write)
{
    const struct file_write *from = write->self;
    struct config_apply_done done = {
        .head.has = CONFIG_APPLY_DONE_HAS_REV | CONFIG_APPLY_DONE_HAS_CREATED |
                    CONFIG_APPLY_DONE_HAS_UPDATED | CONFIG_APPLY_DONE_HAS_DELETED |
                    CONFIG_APPLY_DONE_HAS_UNCHANGED | CONFIG_APPLY_DONE_HAS_WARNINGS,
        .rev = write->rev,
        .created = from->plan.counts[PLAN_CREATE],
        .updated = from->plan.counts[PLAN_UPDATE],
        .deleted = from->plan.counts[PLAN_DELETE],
        .unchanged = from->plan.counts[PLAN_UNCHANGED],
        .warnings = { write->warnings.at, write->warnings.count },
    };
    link_reply(write->request, &done);
}

void request_apply(void *self, struct link_request *request, const void *fields)
{
    const struct config_apply *asked = fields;
    struct write *write = write_new(self, request, fields);
    struct file_write *from = scope_alloc(write->life, sizeof *from);
    *from = (struct file_write){
        .wish = { mode_of(asked->mode), asked->overwrite, false },
        .text = asked->text,
        .variables = &asked->variables,
    };
    adopt(write, asked->comment);
    write->self = from;
    write->stage = stage_apply;
    write->reply = reply_apply;
    write_submit(write);
}

/* --- the first start ------------------------------------------------------------------------ */

static void stage_builtin(struct write *write)
{
    builtin_add(write->set, &write->problems);
    finish(write);
    ASSERT(write->problems.count == 0);
}

static void reply_builtin(struct write *write)
{
    LOG_STORE_MADE(&write->server->app->log);
    accounts_begin(write->server, acl_begin);
}

void make_builtin(struct config_server *server)
{
    struct write *write = write_new(server, NULL, NULL);
    adopt(write, TEXT("built-in objects"));
    write->makes_permissions = true;
    write->stage = stage_builtin;
    write->reply = reply_builtin;
    write_submit(write);
}
