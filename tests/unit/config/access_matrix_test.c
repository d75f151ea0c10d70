/* SPDX-License-Identifier: Apache-2.0 */
/* Framework 12.2 as a table: who x type of object x place x deed. Each cell follows from one line
 * of `roles` and is tried over a link: none open that should be closed, none closed that should be
 * open, what may not be seen answers as what is not there, and what was changed is in the history.
 */
#include "world.h"

#include "servers/config/permission.h"

#include <stdio.h>
#include <string.h>

/* --- the table ------------------------------------------------------------------------------ */

enum place { PLACE_ENVIRONMENT, PLACE_TENANT, PLACE_GLOBAL, PLACES };

static const struct role {
    const char *name, *link;
    const char *tenant, *person; /* NULL: the application itself */
    const char *may[PLACES];     /* in Environment, in tenant T, of no tenant */
} roles[] = {
    { "tool", "tool", NULL, NULL, { "RCHXDEP", "RCHXDEP", "RCHXDEP" } },
    { "SYSTEM", "web", "Environment", "sys", { "RCHXDEP", "RCHXDEP", "RCHXDEP" } },
    { "super administrator", "web", "Environment", "default", { "RCHXDEP", "RCHXDEP", "RCHXDEP" } },
    { "administrator of Environment",
      "web",
      "Environment",
      "adm",
      { "RCHXDE", "RCHXDE", "RCHXDE" } },
    { "administrator of a tenant", "web", "T", "tadm", { "", "RCHXDE", "" } },
    { "user of Environment", "web", "Environment", "usr", { "R", "", "R" } },
    { "user of a tenant", "web", "T", "tusr", { "", "R", "" } },
    { "agent", "web", "Environment", "agt", { "R", "", "R" } },
    { "server with System", "outbound", NULL, NULL, { "RCHXDEP", "RCHXDEP", "RCHXDEP" } },
    { "server with This Account", "bounded", NULL, NULL, { "", "RH", "" } },
    { "person that a server cannot speak for",
      "bounded",
      "Environment",
      "default",
      { "", "RH", "" } },
    { "supervisor", "supervisor", NULL, NULL, { "R", "R", "R" } },
    { "third party", "crm", NULL, NULL, { "R", "R", "R" } },
    { "third party with This Account", "crm2", NULL, NULL, { "", "RH", "" } },
    { "unknown person", "web", "Environment", "ghost", { "", "", "" } },
    { "disabled person", "web", "Environment", "off", { "", "", "" } },
    { "unknown application", "stranger", NULL, NULL, { "", "", "" } },
};
enum { ROLES = sizeof roles / sizeof roles[0] };

/* Types that need more than a name. %s is the name of the object. */
static const struct body {
    const char *type, *json, *key;
} bodies[] = {
    { "ActionCode", "{\"name\":\"%s\",\"type\":\"inbound\",\"code\":\"%s\"}", "%s/inbound" },
    { "AgentLogin", "{\"switch\":\"base-s\",\"loginCode\":\"%s\"}", "base-s/%s" },
    { "AppPrototype", "{\"name\":\"%s\",\"type\":\"x\"}", "%s" },
    { "Application", "{\"name\":\"%s\",\"type\":\"x\"}", "%s" },
    { "CallingList", "{\"name\":\"%s\",\"tableAccess\":\"base-t\"}", "%s" },
    { "CampaignGroup", "{\"campaign\":\"base-c\",\"name\":\"%s\",\"group\":\"base-g\"}",
      "base-c/%s" },
    { "DN", "{\"switch\":\"base-s\",\"number\":\"%s\",\"type\":\"Extension\"}",
      "base-s/%s/Extension" },
    { "EnumeratorValue", "{\"enumerator\":\"base-e\",\"name\":\"%s\"}", "base-e/%s" },
    { "Field", "{\"name\":\"%s\",\"dataType\":\"int\"}", "%s" },
    { "Folder", "{\"path\":\"%s\"}", "%s" },
    { "IVRPort", "{\"ivr\":\"base-i\",\"portNumber\":\"%s\"}", "base-i/%s" },
    { "Person", "{\"employeeId\":\"%s\",\"userName\":\"%s\"}", "%s" },
    { "PhysicalSwitch", "{\"name\":\"%s\",\"type\":\"SIP Switch\"}", "%s" },
    { "Script", "{\"name\":\"%s\",\"type\":\"SimpleRouting\"}", "%s/SimpleRouting" },
    { "StatDay", "{\"name\":\"%s\",\"weekday\":\"Monday\"}", "%s" },
    { "StatTable", "{\"name\":\"%s\",\"type\":\"CapacityTable\"}", "%s" },
    { "Switch", "{\"name\":\"%s\",\"physicalSwitch\":\"o\"}", "%s" },
    { "TableAccess", "{\"name\":\"%s\",\"dbTableName\":\"%s\"}", "%s" },
    { "Transaction", "{\"name\":\"%s\",\"type\":\"CallData\"}", "%s/CallData" },
    { "Treatment", "{\"name\":\"%s\",\"callResult\":1,\"recActionCode\":\"Redial\"}", "%s" },
};
static const struct body plain = { "", "{\"name\":\"%s\"}", "%s" };

/* Written by the store itself when somebody logs in: there is one for each person, no more. */
static bool is_left_out(const struct object_type *type)
{
    return type == &OBJECT_PERSON_LAST_LOGIN;
}

/* --- the centre ----------------------------------------------------------------------------- */

static const char centre[] = FILE_HEAD
    "\"tenants\":[{\"name\":\"T\"}],\"hosts\":[{\"name\":\"h\",\"ipAddress\":\"127.0.0.1\"}],"
    "\"physicalSwitches\":[{\"name\":\"o\",\"type\":\"SIP Switch\"}],"
    "\"applications\":[{\"name\":\"web\",\"template\":\"WebAPIServer\",\"host\":\"h\"},"
    "{\"name\":\"outbound\",\"template\":\"CMServer\",\"host\":\"h\"},"
    "{\"name\":\"bounded\",\"template\":\"CMServer\",\"host\":\"h\",\"logOnAs\":\"group:Bots\"},"
    "{\"name\":\"crm\",\"template\":\"ThirdPartyServer\"},"
    "{\"name\":\"crm2\",\"template\":\"ThirdPartyServer\",\"logOnAs\":\"group:Bots\"}],"
    "\"persons\":[{\"employeeId\":\"sys\",\"userName\":\"sys\"},"
    "{\"employeeId\":\"adm\",\"userName\":\"adm\"},{\"employeeId\":\"usr\",\"userName\":\"usr\"},"
    "{\"employeeId\":\"agt\",\"userName\":\"agt\",\"isAgent\":true},"
    "{\"employeeId\":\"off\",\"userName\":\"off\",\"state\":\"disabled\"},"
    "{\"tenant\":\"T\",\"employeeId\":\"tadm\",\"userName\":\"tadm\"},"
    "{\"tenant\":\"T\",\"employeeId\":\"tusr\",\"userName\":\"tusr\"}],"
    "\"accessGroups\":[{\"name\":\"SYSTEM\",\"persons\":[\"sys\"]},{\"name\":\"Bots\"},"
    "{\"name\":\"Administrators\",\"persons\":[\"adm\"]},"
    "{\"tenant\":\"T\",\"name\":\"Heads\",\"type\":\"Administrators\",\"persons\":[\"tadm\"]},"
    "{\"tenant\":\"T\",\"name\":\"Users\",\"type\":\"Users\"}],"
#define BASE(tenant) "{\"tenant\":\"" tenant "\",\"name\":\"base-"
    "\"switches\":[" BASE("Environment") "s\",\"physicalSwitch\":\"o\"}," BASE(
        "T") "s\",\"physicalSwitch\":\"o\"}],"
             "\"agentGroups\":[" BASE("Environment") "g\"}," BASE(
                 "T") "g\"}],"
                      "\"campaigns\":[" BASE("Environment") "c\"}," BASE(
                          "T") "c\"}],"
                               "\"tableAccesses\":[" BASE(
                                   "Environment") "t\",\"dbTableName\":\"base\"}"
                                                  "," BASE(
                                                      "T") "t\","
                                                           "\"dbTableName\""
                                                           ":\"base\"}],"
                                                           "\"enumerators\""
                                                           ":[" BASE(
                                                               "Envir"
                                                               "onmen"
                                                               "t") "e\"}," BASE("T") "e\"}],"
                                                                                      "\"ivrs"
                                                                                      "\":"
                                                                                      "[" BASE(
                                                                                          "En"
                                                                                          "vi"
                                                                                          "ro"
                                                                                          "nm"
                                                                                          "en"
                                                                                          "t") "i\""
                                                                                               "}"
                                                                                               "," BASE(
                                                                                                   "T") "i\"}]}";

static enum err change_acl(struct asker *asker, const char *type, const char *tenant,
                           const char *key, const char *const (*entries)[2], uint32_t count)
{
    struct config_acl_entry all[8];
    for (uint32_t i = 0; i < count; i++)
        all[i] = (struct config_acl_entry){ .head.has = CONFIG_ACL_ENTRY_HAS_ACCOUNT |
                                                        CONFIG_ACL_ENTRY_HAS_MASK,
                                            .account = text_of(entries[i][0]),
                                            .mask = text_of(entries[i][1]) };
    struct config_change_acl fields = {
        .head.has = CONFIG_CHANGE_ACL_HAS_TYPE | CONFIG_CHANGE_ACL_HAS_TENANT |
                    CONFIG_CHANGE_ACL_HAS_KEY | CONFIG_CHANGE_ACL_HAS_ENTRIES,
        .type = text_of(type),
        .tenant = text_of(tenant),
        .key = text_of(key),
        .entries = { all, count },
    };
    return ask(asker, &MSG_CONFIG_CHANGE_ACL, &fields);
}

static void make_centre(struct asker *tool)
{
    static const char *const of_tenant[][2] = { { "group:T/Heads", "RCHXDE" },
                                                { "group:T/Users", "R" },
                                                { "group:Users", "" },
                                                { "group:Bots", "RH" } };
    static const char *const of_switch[][2] = { { "group:T/Heads", "R" } };
    CHECK_OK(apply_file(tool, centre));
    CHECK_OK(change_acl(tool, "Tenant", "", "T", of_tenant, 4));
    /* Who makes a switch names its office. */
    CHECK_OK(change_acl(tool, "PhysicalSwitch", "", "o", of_switch, 1));
}

/* --- one cell ------------------------------------------------------------------------------- */

struct cell {
    struct world *world;
    struct asker *tool, *asker;
    const struct role *role;
    const struct object_type *type;
    enum place place;
    const struct body *body;
    uint8_t may;
    char name[32], key[64], json[160];
    uint32_t tried, wrong;
};

static void fill(struct cell *cell, const char *name)
{
    snprintf(cell->name, sizeof cell->name, "%s-%s", name, cell->place == PLACE_TENANT ? "t" : "e");
    /* No body has more than two places for the name. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(cell->json, sizeof cell->json, cell->body->json, cell->name, cell->name);
    snprintf(cell->key, sizeof cell->key, cell->body->key, cell->name);
#pragma GCC diagnostic pop
}

static const char *tenant_of(const struct cell *cell)
{
    return cell->place == PLACE_TENANT ? "T" : "Environment";
}

static bool may(const struct cell *cell, unsigned bits)
{
    return (cell->may & bits) == bits;
}

static void judge(struct cell *cell, const char *deed, bool is_right)
{
    cell->tried++;
    if (is_right) return;
    cell->wrong++;
    print_error("%s, %s %s of %s, %s: %s %s\n", cell->role->name, cell->type->name, cell->key,
                tenant_of(cell), deed, err_name(cell->world->err),
                cell->world->err ? scope_keep_z(cell->world->life, cell->world->words) : "");
}

static bool is_refused(const struct cell *cell, int code, const char *name)
{
    return cell->world->err && cell->world->code == code &&
           text_eq(cell->world->name, text_of(name));
}

/* Seen and not allowed: 403; not seen: 404, as if it were not there. */
static void judge_deed(struct cell *cell, const char *deed, unsigned bit)
{
    bool is_right = may(cell, MAY_READ | bit) ? cell->world->err == ERR_OK
                    : may(cell, MAY_READ)     ? is_refused(cell, 403, "CFGNoPermission")
                                              : is_refused(cell, 404, "CFGObjectNotFound");
    judge(cell, deed, is_right);
}

static enum err change_as(struct cell *cell, struct asker *asker, const char *op, const char *value)
{
    struct config_change_op one = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE |
                    CONFIG_CHANGE_OP_HAS_TENANT,
        .op = text_of(op),
        .type = text_of(cell->type->name),
        .tenant = text_of(tenant_of(cell)),
        .key = text_of(cell->key),
        .value = text_of(value),
    };
    if (value) one.head.has |= CONFIG_CHANGE_OP_HAS_VALUE;
    if (strcmp(op, "create") != 0) one.head.has |= CONFIG_CHANGE_OP_HAS_KEY;
    struct config_change_set set = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { &one, 1 } };
    return ask(asker, &MSG_CONFIG_CHANGE_SET, &set);
}

static bool answer_has_key(const struct cell *cell)
{
    char words[96];
    snprintf(words, sizeof words, "\"key\":\"%s\"", cell->key);
    return answer_has(cell->world, words);
}

static void try_reading(struct cell *cell)
{
    struct text type = text_of(cell->type->name);
    struct config_read read = {
        .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_TENANT | CONFIG_READ_HAS_KEY,
        .type = type,
        .tenant = text_of(tenant_of(cell)),
        .key = text_of(cell->key),
    };
    bool is_seen = may(cell, MAY_READ);
    (void)ask(cell->asker, &MSG_CONFIG_READ, &read);
    judge(cell, "read", answer_has_key(cell) == is_seen);
    read.head.has = CONFIG_READ_HAS_TYPE;
    (void)ask(cell->asker, &MSG_CONFIG_READ, &read);
    judge(cell, "list", answer_has_key(cell) == is_seen);
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { &type, 1 } };
    (void)ask(cell->asker, &MSG_CONFIG_SUBSCRIBE, &subscribe);
    judge(cell, "subscribe", answer_has_key(cell) == is_seen);
    struct config_export export = { .head.has = CONFIG_EXPORT_HAS_TYPES, .types = { &type, 1 } };
    (void)ask(cell->asker, &MSG_CONFIG_EXPORT, &export);
    judge(cell, "export", answer_has(cell->world, cell->name) == is_seen);
    struct config_read_history history = {
        .head.has = CONFIG_READ_HISTORY_HAS_TYPE | CONFIG_READ_HISTORY_HAS_KEY,
        .type = type,
        .key = text_of(cell->key),
    };
    (void)ask(cell->asker, &MSG_CONFIG_READ_HISTORY, &history);
    judge(cell, "history", answer_has_key(cell) == is_seen);
}

static void try_permissions(struct cell *cell)
{
    struct config_read_acl read = {
        .head.has = CONFIG_READ_ACL_HAS_TYPE | CONFIG_READ_ACL_HAS_TENANT | CONFIG_READ_ACL_HAS_KEY,
        .type = text_of(cell->type->name),
        .tenant = text_of(tenant_of(cell)),
        .key = text_of(cell->key),
    };
    (void)ask(cell->asker, &MSG_CONFIG_READ_ACL, &read);
    judge_deed(cell, "read permissions", MAY_READ_ACL);
    /* Of another revision than the present one: who may is told so, and nothing changes. */
    struct config_change_acl change = {
        .head.has = CONFIG_CHANGE_ACL_HAS_TYPE | CONFIG_CHANGE_ACL_HAS_TENANT |
                    CONFIG_CHANGE_ACL_HAS_KEY | CONFIG_CHANGE_ACL_HAS_REV,
        .type = read.type,
        .tenant = read.tenant,
        .key = read.key,
        .rev = 1,
    };
    (void)ask(cell->asker, &MSG_CONFIG_CHANGE_ACL, &change);
    if (may(cell, MAY_READ | MAY_CHANGE_ACL))
        judge(cell, "change permissions", is_refused(cell, 412, "CFGRevMismatch"));
    else
        judge_deed(cell, "change permissions", MAY_CHANGE_ACL);
    struct config_read_effective effective = {
        .head.has = CONFIG_READ_EFFECTIVE_HAS_TYPE | CONFIG_READ_EFFECTIVE_HAS_TENANT |
                    CONFIG_READ_EFFECTIVE_HAS_KEY,
        .type = read.type,
        .tenant = read.tenant,
        .key = read.key,
    };
    (void)ask(cell->asker, &MSG_CONFIG_READ_EFFECTIVE, &effective);
    judge_deed(cell, "effective", MAY_READ);
    char letters[PERMISSION_BYTES], words[32];
    (void)permission_format(cell->may, letters);
    snprintf(words, sizeof words, "\"mask\":\"%s\"", letters);
    if (may(cell, MAY_READ)) judge(cell, "effective mask", answer_has(cell->world, words));
}

/* Who changed it stands in the history. */
static void judge_audit(struct cell *cell)
{
    struct config_read_history read = { .head.has = CONFIG_READ_HISTORY_HAS_REV,
                                        .rev = answer_rev(cell->world) };
    char words[64];
    /* Whom nobody may speak for is not told of either. */
    bool is_spoken_for = cell->role->person && strcmp(cell->role->link, "web") == 0;
    snprintf(words, sizeof words, "\"person\":\"%s\",\"application\":\"%s\"",
             is_spoken_for ? cell->role->person : "", cell->role->link);
    CHECK_OK(ask(cell->tool, &MSG_CONFIG_READ_HISTORY, &read));
    judge(cell, "audit", answer_has(cell->world, words) && answer_has_key(cell));
}

static void try_changing(struct cell *cell)
{
    static uint32_t number;
    char value[64];
    snprintf(value, sizeof value, "{\"annex\":{\"cell\":{\"option\":\"%u\"}}}", ++number);
    if (change_as(cell, cell->asker, "update", value) == ERR_OK && may(cell, MAY_CHANGE))
        judge_audit(cell);
    else
        judge_deed(cell, "update", MAY_CHANGE);
    bool is_gone = change_as(cell, cell->asker, "delete", NULL) == ERR_OK;
    judge_deed(cell, "delete", MAY_DELETE);
    if (is_gone) CHECK_OK(change_as(cell, cell->tool, "create", cell->json));
    fill(cell, "new");
    bool is_made = change_as(cell, cell->asker, "create", cell->json) == ERR_OK;
    judge(cell, "create",
          may(cell, MAY_CREATE) ? is_made : is_refused(cell, 403, "CFGNoPermission"));
    if (is_made) CHECK_OK(change_as(cell, cell->tool, "delete", NULL));
    /* A name that is taken and one that is free answer alike to who may not create. */
    fill(cell, "cell");
    (void)change_as(cell, cell->asker, "create", cell->json);
    if (!may(cell, MAY_CREATE) || !may(cell, MAY_READ))
        judge(cell, "create again", is_refused(cell, 403, "CFGNoPermission"));
}

static uint8_t mask_of(const struct cell *cell)
{
    uint8_t mask;
    CHECK_OK(permission_parse(text_of(cell->role->may[cell->place]), &mask));
    /* What Environment's Users see ends at the next tenant. */
    bool is_user = cell->role->person && (strcmp(cell->role->person, "usr") == 0 ||
                                          strcmp(cell->role->person, "agt") == 0);
    return is_user && cell->type == &OBJECT_TENANT ? 0 : mask;
}

static void try_place(struct cell *cell, enum place place)
{
    cell->place = place;
    cell->may = mask_of(cell);
    fill(cell, "cell");
    try_reading(cell);
    try_permissions(cell);
    try_changing(cell);
}

static const struct body *body_of(const struct object_type *type)
{
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        if (strcmp(bodies[i].type, type->name) == 0) return &bodies[i];
    return &plain;
}

static void each_place(struct cell *cell, const struct object_type *type,
                       void (*each)(struct cell *cell, enum place place))
{
    cell->type = type;
    cell->body = body_of(type);
    if (type->is_global)
        each(cell, PLACE_GLOBAL);
    else
        for (enum place place = PLACE_ENVIRONMENT; place <= PLACE_TENANT; place++)
            each(cell, place);
}

static void make_object(struct cell *cell, enum place place)
{
    cell->place = place;
    fill(cell, "cell");
    if (change_as(cell, cell->tool, "create", cell->json))
        fail_msg("%s: %.*s", cell->json, TEXT_ARG(cell->world->words));
}

static void each_type(struct cell *cell, void (*each)(struct cell *cell, enum place place))
{
    size_t count;
    const struct object_type *const *types = object_types(&count);
    for (size_t i = 0; i < count; i++)
        if (!is_left_out(types[i])) each_place(cell, types[i], each);
}

TEST(every_cell_of_role_type_place_and_deed_is_as_the_table_says)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", "127.0.0.1:2020", "config");
    struct cell cell = { .world = world, .tool = tool };
    make_centre(tool);
    each_type(&cell, make_object);
    for (size_t i = 0; i < ROLES; i++) {
        cell.role = &roles[i];
        cell.asker = asker_new(world, roles[i].link, "127.0.0.1:2020", "config");
        if (roles[i].person) {
            cell.asker->header.person = text_of(roles[i].person);
            cell.asker->header.tenant = text_of(roles[i].tenant);
        }
        each_type(&cell, try_place);
        asker_free(cell.asker);
    }
    print_message("# %u cells\n", cell.tried);
    CHECK_U32(cell.wrong, 0);
    asker_free(tool);
    world_free(world);
}
