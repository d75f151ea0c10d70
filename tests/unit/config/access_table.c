/* SPDX-License-Identifier: Apache-2.0 */
#include "access_table.h"

#include <stdio.h>
#include <string.h>

/* --- who may what --------------------------------------------------------------------------- */

#define EVERYWHERE(mask)                                                                           \
    {                                                                                              \
        mask, mask, mask                                                                           \
    }
#define OF_GROUP(words, person, mask)                                                              \
    {                                                                                              \
        words, "web", "Environment", person, EVERYWHERE(mask)                                      \
    }

const struct table_role table_roles[] = {
    { "tool", "tool", NULL, NULL, EVERYWHERE("RCHXDEP") },
    { "SYSTEM", "web", "Environment", "sys", EVERYWHERE("RCHXDEP") },
    { "super administrator", "web", "Environment", "default", EVERYWHERE("RCHXDEP") },
    { "administrator of Environment", "web", "Environment", "adm", EVERYWHERE("RCHXDE") },
    { "administrator of a tenant", "web", "T", "tadm", { "", "RCHXDE", "" } },
    { "user of Environment", "web", "Environment", "usr", { "R", "", "R" } },
    { "user of a tenant", "web", "T", "tusr", { "", "R", "" } },
    { "agent", "web", "Environment", "agt", { "R", "", "R" } },
    OF_GROUP("who may create", "may-c", "RC"),
    OF_GROUP("who may change", "may-h", "RH"),
    OF_GROUP("who may execute", "may-x", "RX"),
    OF_GROUP("who may delete", "may-d", "RD"),
    OF_GROUP("who may read permissions", "may-e", "RE"),
    OF_GROUP("who may change permissions", "may-p", "RP"),
    OF_GROUP("who may all but see and create", "blind", "HXDEP"),
    OF_GROUP("who is in a group without entries", "may-not", ""),
    { "server with System", "outbound", NULL, NULL, EVERYWHERE("RCHXDEP") },
    { "server with This Account", "bounded", NULL, NULL, { "", "RH", "" } },
    { "person that a server cannot speak for",
      "bounded",
      "Environment",
      "default",
      { "", "RH", "" } },
    { "supervisor", "supervisor", NULL, NULL, EVERYWHERE("R") },
    { "third party", "crm", NULL, NULL, EVERYWHERE("R") },
    { "third party with This Account", "crm2", NULL, NULL, { "", "RH", "" } },
    { "unknown person", "web", "Environment", "ghost", EVERYWHERE("") },
    { "disabled person", "web", "Environment", "off", EVERYWHERE("") },
    { "unknown application", "stranger", NULL, NULL, EVERYWHERE("") },
};
const size_t table_role_count = sizeof table_roles / sizeof table_roles[0];

static bool is_person(const struct table_role *role, const char *person)
{
    return role->person && strcmp(role->person, person) == 0;
}

bool table_role_logs_in(const struct table_role *role)
{
    return role->person && strcmp(role->link, "web") == 0 && !is_person(role, "ghost") &&
           !is_person(role, "off");
}

static uint8_t mask_of(const struct table_role *role, const struct table_cell *cell)
{
    uint8_t mask;
    CHECK_OK(permission_parse(text_of(role->may[cell->place]), &mask));
    /* What Environment's Users see ends at the next tenant. */
    bool is_user = is_person(role, "usr") || is_person(role, "agt");
    return is_user && cell->type == &OBJECT_TENANT ? 0 : mask;
}

bool table_may(const struct table_cell *cell, unsigned bits)
{
    return (cell->may & bits) == bits;
}

enum table_verdict table_verdict(const struct table_cell *cell, unsigned bit)
{
    if (!table_may(cell, MAY_READ)) return TABLE_NOT_THERE;
    return table_may(cell, bit) ? TABLE_DONE : TABLE_FORBIDDEN;
}

enum table_verdict table_verdict_of_creation(const struct table_cell *cell)
{
    return table_may(cell, MAY_CREATE) ? TABLE_DONE : TABLE_FORBIDDEN;
}

/* --- objects -------------------------------------------------------------------------------- */

/* Types that need more than a name. %s is the name of the object. */
static const struct body {
    const char *type, *json, *key;
} bodies[] = {
    { "ActionCode", "{\"name\":\"%s\",\"type\":\"inbound\",\"code\":\"%s\"}", "%s/inbound" },
    { "AgentLogin", "{\"switch\":\"base-s\",\"loginCode\":\"%s\"}", "base-s/%s" },
    { "AlarmCondition", "{\"name\":\"%s\",\"detectEvent\":\"2000\"}", "%s" },
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
    { "TableAccess", "{\"name\":\"%s\",\"dbTableName\":\"cell\"}", "%s" },
    { "Transaction", "{\"name\":\"%s\",\"type\":\"CallData\"}", "%s/CallData" },
    { "Treatment", "{\"name\":\"%s\",\"callResult\":1,\"recActionCode\":\"Redial\"}", "%s" },
};
static const struct body plain = { "", "{\"name\":\"%s\"}", "%s" };

static const struct body *body_of(const struct object_type *type)
{
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        if (strcmp(bodies[i].type, type->name) == 0) return &bodies[i];
    return &plain;
}

/* Written by the store itself when somebody logs in: there is one for each person, no more. */
static bool is_left_out(const struct object_type *type)
{
    return type == &OBJECT_PERSON_LAST_LOGIN;
}

void table_object(const struct table_cell *cell, const char *name, struct table_object *out)
{
    const struct body *body = body_of(cell->type);
    snprintf(out->name, sizeof out->name, "%s-%s", name, cell->place == PLACE_TENANT ? "t" : "e");
    /* No body has more than two places for the name. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out->json, sizeof out->json, body->json, out->name, out->name);
    snprintf(out->key, sizeof out->key, body->key, out->name);
#pragma GCC diagnostic pop
}

const char *table_tenant(const struct table_cell *cell)
{
    return cell->place == PLACE_TENANT ? "T" : "Environment";
}

void table_each(const struct table_role *role,
                void (*each)(void *self, const struct table_cell *cell), void *self)
{
    size_t count;
    const struct object_type *const *types = object_types(&count);
    for (size_t i = 0; i < count; i++) {
        enum table_place first = types[i]->is_global ? PLACE_GLOBAL : PLACE_ENVIRONMENT;
        enum table_place last = types[i]->is_global ? PLACE_GLOBAL : PLACE_TENANT;
        for (enum table_place place = first; place <= last && !is_left_out(types[i]); place++) {
            struct table_cell cell = { .role = role, .type = types[i], .place = place };
            if (role) cell.may = mask_of(role, &cell);
            each(self, &cell);
        }
    }
}

enum err table_change(const struct table_cell *cell, const struct table_object *object,
                      struct asker *asker, const char *op, const char *value)
{
    struct config_change_op one = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE |
                    CONFIG_CHANGE_OP_HAS_TENANT,
        .op = text_of(op),
        .type = text_of(cell->type->name),
        .tenant = text_of(table_tenant(cell)),
        .key = text_of(object->key),
        .value = text_of(value),
    };
    if (value) one.head.has |= CONFIG_CHANGE_OP_HAS_VALUE;
    if (strcmp(op, "create") != 0) one.head.has |= CONFIG_CHANGE_OP_HAS_KEY;
    struct config_change_set set = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { &one, 1 } };
    return ask(asker, &MSG_CONFIG_CHANGE_SET, &set);
}

/* --- the centre ----------------------------------------------------------------------------- */

static const char applications[] =
    "\"hosts\":[{\"name\":\"h\",\"ipAddress\":\"127.0.0.1\"}],"
    "\"physicalSwitches\":[{\"name\":\"o\",\"type\":\"SIP Switch\"}],"
    "\"applications\":[{\"name\":\"outbound\",\"template\":\"CMServer\",\"host\":\"h\"},"
    "{\"name\":\"bounded\",\"template\":\"CMServer\",\"host\":\"h\",\"logOnAs\":\"group:Bots\"},"
    "{\"name\":\"crm\",\"template\":\"ThirdPartyServer\"},"
    "{\"name\":\"crm2\",\"template\":\"ThirdPartyServer\",\"logOnAs\":\"group:Bots\"}";

static const char persons[] =
    "\"persons\":[{\"employeeId\":\"sys\",\"userName\":\"sys\"},"
    "{\"employeeId\":\"adm\",\"userName\":\"adm\"},{\"employeeId\":\"usr\",\"userName\":\"usr\"},"
    "{\"employeeId\":\"agt\",\"userName\":\"agt\",\"isAgent\":true},"
    "{\"employeeId\":\"off\",\"userName\":\"off\",\"state\":\"disabled\"},"
    "{\"tenant\":\"T\",\"employeeId\":\"tadm\",\"userName\":\"tadm\"},"
    "{\"tenant\":\"T\",\"employeeId\":\"tusr\",\"userName\":\"tusr\"}";

static const char groups[] =
    "\"accessGroups\":[{\"name\":\"SYSTEM\",\"persons\":[\"sys\"]},{\"name\":\"Bots\"},"
    "{\"name\":\"Administrators\",\"persons\":[\"adm\"]},"
    "{\"tenant\":\"T\",\"name\":\"Heads\",\"type\":\"Administrators\",\"persons\":[\"tadm\"]},"
    "{\"tenant\":\"T\",\"name\":\"Users\",\"type\":\"Users\"}";

/* What other objects of the table refer to, in each tenant. */
static const struct {
    const char *plural, *name, *more;
} bases[] = {
    { "switches", "base-s", ",\"physicalSwitch\":\"o\"" },
    { "agentGroups", "base-g", "" },
    { "campaigns", "base-c", "" },
    { "tableAccesses", "base-t", ",\"dbTableName\":\"base\"" },
    { "enumerators", "base-e", "" },
    { "ivrs", "base-i", "" },
};

/* Persons who have a group of their own name, with what it may. */
static const struct table_role *of_own_group(size_t *at)
{
    while (*at < table_role_count) {
        const struct table_role *role = &table_roles[(*at)++];
        if (role->person && (strncmp(role->person, "may-", 4) == 0 || is_person(role, "blind")))
            return role;
    }
    return NULL;
}

static void write_centre(struct buf *out, const char *more)
{
    const struct table_role *role;
    buf_format(out, FILE_HEAD "\"tenants\":[{\"name\":\"T\"}],%s%s],%s", applications, more,
               persons);
    for (size_t at = 0; (role = of_own_group(&at)) != NULL;)
        buf_format(out, ",{\"employeeId\":\"%s\",\"userName\":\"%s\"}", role->person, role->person);
    buf_format(out, "],%s", groups);
    for (size_t at = 0; (role = of_own_group(&at)) != NULL;)
        buf_format(out, ",{\"name\":\"%s\",\"persons\":[\"%s\"]}", role->person, role->person);
    buf_add_z(out, "]");
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        buf_format(out,
                   ",\"%s\":[{\"tenant\":\"Environment\",\"name\":\"%s\"%s},"
                   "{\"tenant\":\"T\",\"name\":\"%s\"%s}]",
                   bases[i].plural, bases[i].name, bases[i].more, bases[i].name, bases[i].more);
    buf_add_z(out, "}");
}

enum err table_set_entries(struct asker *asker, const char *type, const char *tenant,
                           const char *key, const char *const (*entries)[2], uint32_t count)
{
    struct config_acl_entry all[24];
    CHECK(count <= sizeof all / sizeof all[0]);
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

static void give_entries(struct asker *tool)
{
    /* As every store begins (decision 0043), then those of the groups of one. */
    const char *of_environment[24][2] = { { "group:SYSTEM", "RCHXDEP" },
                                          { "group:Super Administrators", "RCHXDEP" },
                                          { "group:Administrators", "RCHXDE" },
                                          { "group:Users", "R" } };
    static const char *const of_tenant[][2] = { { "group:T/Heads", "RCHXDE" },
                                                { "group:T/Users", "R" },
                                                { "group:Users", "" },
                                                { "group:Bots", "RH" } };
    /* Who makes a switch names its office. */
    static const char *const of_office[][2] = { { "group:T/Heads", "R" } };
    uint32_t count = 4;
    const struct table_role *role;
    for (size_t at = 0; (role = of_own_group(&at)) != NULL;) {
        if (role->may[PLACE_ENVIRONMENT][0] == 0) continue;
        of_environment[count][0] = scope_format(tool->life, "group:%s", role->person).at;
        of_environment[count++][1] = role->may[PLACE_ENVIRONMENT];
    }
    CHECK_OK(table_set_entries(tool, "Tenant", "", "Environment",
                               (const char *const(*)[2])of_environment, count));
    CHECK_OK(table_set_entries(tool, "Tenant", "", "T", of_tenant, 4));
    CHECK_OK(table_set_entries(tool, "PhysicalSwitch", "", "o", of_office, 1));
}

static void make_object(void *self, const struct table_cell *cell)
{
    struct asker *tool = self;
    struct table_object object;
    table_object(cell, "cell", &object);
    if (table_change(cell, &object, tool, "create", object.json))
        fail_msg("%s: %.*s", object.json, TEXT_ARG(tool->world->words));
}

void table_make(struct asker *tool, const char *more)
{
    struct buf file = { 0 };
    write_centre(&file, more);
    buf_add_byte(&file, 0);
    if (apply_file(tool, file.at)) fail_msg("%s: %.*s", file.at, TEXT_ARG(tool->world->words));
    buf_free(&file);
    give_entries(tool);
    table_each(NULL, make_object, tool);
}
