/* SPDX-License-Identifier: Apache-2.0 */
/* Each cell of the table of permissions over a link: none open that should be closed, none closed
 * that should be open, what may not be seen answers as what is not there, and what was changed is
 * in the history. */
#include "access_table.h"

#include <stdio.h>
#include <string.h>

struct trial {
    struct world *world;
    struct asker *tool, *asker;
    const struct table_cell *cell;
    struct table_object object;
    uint32_t tried, wrong;
};

static void judge(struct trial *trial, const char *deed, bool is_right)
{
    trial->tried++;
    if (is_right) return;
    trial->wrong++;
    print_error("%s, %s %s of %s, %s: %s %s\n", trial->cell->role->name, trial->cell->type->name,
                trial->object.key, table_tenant(trial->cell), deed, err_name(trial->world->err),
                trial->world->err ? scope_keep_z(trial->world->life, trial->world->words) : "");
}

static bool is_refused(const struct trial *trial, int code, const char *name)
{
    return trial->world->err && trial->world->code == code &&
           text_eq(trial->world->name, text_of(name));
}

static bool is_as(const struct trial *trial, enum table_verdict verdict)
{
    switch (verdict) {
    case TABLE_DONE: return trial->world->err == ERR_OK;
    case TABLE_FORBIDDEN: return is_refused(trial, 403, "CFGNoPermission");
    case TABLE_NOT_THERE: break;
    }
    return is_refused(trial, 404, "CFGObjectNotFound");
}

/* Seen and not allowed: 403; not seen: 404, as if it were not there. */
static void judge_deed(struct trial *trial, const char *deed, unsigned bit)
{
    judge(trial, deed, is_as(trial, table_verdict(trial->cell, bit)));
}

static enum err change_as(struct trial *trial, struct asker *asker, const char *op,
                          const char *value)
{
    return table_change(trial->cell, &trial->object, asker, op, value);
}

static bool answer_has_key(const struct trial *trial)
{
    char words[96];
    snprintf(words, sizeof words, "\"key\":\"%s\"", trial->object.key);
    return answer_has(trial->world, words);
}

static void try_reading(struct trial *trial)
{
    struct text type = text_of(trial->cell->type->name);
    struct config_read read = {
        .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_TENANT | CONFIG_READ_HAS_KEY,
        .type = type,
        .tenant = text_of(table_tenant(trial->cell)),
        .key = text_of(trial->object.key),
    };
    bool is_seen = table_may(trial->cell, MAY_READ);
    (void)ask(trial->asker, &MSG_CONFIG_READ, &read);
    judge(trial, "read", answer_has_key(trial) == is_seen);
    read.head.has = CONFIG_READ_HAS_TYPE;
    (void)ask(trial->asker, &MSG_CONFIG_READ, &read);
    judge(trial, "list", answer_has_key(trial) == is_seen);
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { &type, 1 } };
    (void)ask(trial->asker, &MSG_CONFIG_SUBSCRIBE, &subscribe);
    judge(trial, "subscribe", answer_has_key(trial) == is_seen);
    struct config_export export = { .head.has = CONFIG_EXPORT_HAS_TYPES, .types = { &type, 1 } };
    (void)ask(trial->asker, &MSG_CONFIG_EXPORT, &export);
    judge(trial, "export", answer_has(trial->world, trial->object.name) == is_seen);
    struct config_read_history history = {
        .head.has = CONFIG_READ_HISTORY_HAS_TYPE | CONFIG_READ_HISTORY_HAS_KEY,
        .type = type,
        .key = text_of(trial->object.key),
    };
    (void)ask(trial->asker, &MSG_CONFIG_READ_HISTORY, &history);
    judge(trial, "history", answer_has_key(trial) == is_seen);
}

static void try_permissions(struct trial *trial)
{
    const struct table_cell *cell = trial->cell;
    struct config_read_acl read = {
        .head.has = CONFIG_READ_ACL_HAS_TYPE | CONFIG_READ_ACL_HAS_TENANT | CONFIG_READ_ACL_HAS_KEY,
        .type = text_of(cell->type->name),
        .tenant = text_of(table_tenant(cell)),
        .key = text_of(trial->object.key),
    };
    (void)ask(trial->asker, &MSG_CONFIG_READ_ACL, &read);
    judge_deed(trial, "read permissions", MAY_READ_ACL);
    /* Of another revision than the present one: who may is told so, and nothing changes. */
    struct config_change_acl change = {
        .head.has = CONFIG_CHANGE_ACL_HAS_TYPE | CONFIG_CHANGE_ACL_HAS_TENANT |
                    CONFIG_CHANGE_ACL_HAS_KEY | CONFIG_CHANGE_ACL_HAS_REV,
        .type = read.type,
        .tenant = read.tenant,
        .key = read.key,
        .rev = 1,
    };
    (void)ask(trial->asker, &MSG_CONFIG_CHANGE_ACL, &change);
    if (table_may(cell, MAY_READ | MAY_CHANGE_ACL))
        judge(trial, "change permissions", is_refused(trial, 412, "CFGRevMismatch"));
    else
        judge_deed(trial, "change permissions", MAY_CHANGE_ACL);
    struct config_read_effective effective = {
        .head.has = CONFIG_READ_EFFECTIVE_HAS_TYPE | CONFIG_READ_EFFECTIVE_HAS_TENANT |
                    CONFIG_READ_EFFECTIVE_HAS_KEY,
        .type = read.type,
        .tenant = read.tenant,
        .key = read.key,
    };
    (void)ask(trial->asker, &MSG_CONFIG_READ_EFFECTIVE, &effective);
    judge_deed(trial, "effective", MAY_READ);
    char letters[PERMISSION_BYTES], words[32];
    (void)permission_format(cell->may, letters);
    snprintf(words, sizeof words, "\"mask\":\"%s\"", letters);
    if (table_may(cell, MAY_READ)) judge(trial, "effective mask", answer_has(trial->world, words));
}

/* Who changed it stands in the history. */
static void judge_audit(struct trial *trial)
{
    const struct table_role *role = trial->cell->role;
    struct config_read_history read = { .head.has = CONFIG_READ_HISTORY_HAS_REV,
                                        .rev = answer_rev(trial->world) };
    char words[64];
    /* Whom nobody may speak for is not told of either. */
    bool is_spoken_for = role->person && strcmp(role->link, "web") == 0;
    snprintf(words, sizeof words, "\"person\":\"%s\",\"application\":\"%s\"",
             is_spoken_for ? role->person : "", role->link);
    CHECK_OK(ask(trial->tool, &MSG_CONFIG_READ_HISTORY, &read));
    judge(trial, "audit", answer_has(trial->world, words) && answer_has_key(trial));
}

static void try_changing(struct trial *trial)
{
    const struct table_cell *cell = trial->cell;
    static uint32_t number;
    char value[64];
    snprintf(value, sizeof value, "{\"annex\":{\"cell\":{\"option\":\"%u\"}}}", ++number);
    if (change_as(trial, trial->asker, "update", value) == ERR_OK && table_may(cell, MAY_CHANGE))
        judge_audit(trial);
    else
        judge_deed(trial, "update", MAY_CHANGE);
    bool is_gone = change_as(trial, trial->asker, "delete", NULL) == ERR_OK;
    judge_deed(trial, "delete", MAY_DELETE);
    if (is_gone) CHECK_OK(change_as(trial, trial->tool, "create", trial->object.json));
    table_object(cell, "new", &trial->object);
    bool is_made = change_as(trial, trial->asker, "create", trial->object.json) == ERR_OK;
    judge(trial, "create", is_as(trial, table_verdict_of_creation(cell)));
    if (is_made) CHECK_OK(change_as(trial, trial->tool, "delete", NULL));
    /* A name that is taken and one that is free answer alike to who may not create. */
    table_object(cell, "cell", &trial->object);
    (void)change_as(trial, trial->asker, "create", trial->object.json);
    if (!table_may(cell, MAY_CREATE) || !table_may(cell, MAY_READ))
        judge(trial, "create again", is_refused(trial, 403, "CFGNoPermission"));
}

static void try_cell(void *self, const struct table_cell *cell)
{
    struct trial *trial = self;
    trial->cell = cell;
    table_object(cell, "cell", &trial->object);
    try_reading(trial);
    try_permissions(trial);
    try_changing(trial);
}

TEST(every_cell_of_role_type_place_and_deed_over_a_link_is_as_the_table_says)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", "127.0.0.1:2020", "config");
    struct trial trial = { .world = world, .tool = tool };
    table_make(tool, ",{\"name\":\"web\",\"template\":\"WebAPIServer\",\"host\":\"h\"}");
    for (size_t i = 0; i < table_role_count; i++) {
        const struct table_role *role = &table_roles[i];
        trial.asker = asker_new(world, role->link, "127.0.0.1:2020", "config");
        if (role->person) {
            trial.asker->header.person = text_of(role->person);
            trial.asker->header.tenant = text_of(role->tenant);
        }
        table_each(role, try_cell, &trial);
        asker_free(trial.asker);
    }
    print_message("# %u cells\n", trial.tried);
    CHECK_U32(trial.wrong, 0);
    asker_free(tool);
    world_free(world);
}
