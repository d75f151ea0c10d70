/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/builtin.h"

#include "gen/objects.h"
#include "servers/config/rules.h"

/* Offsets are standard time; the IANA name knows daylight saving. */
static const struct zone {
    const char *name, *iana_name;
    int offset_minutes;
} zones[] = {
    { "GMT", "Etc/GMT", 0 },
    { "UTC", "Etc/UTC", 0 },
    { "GBR", "Europe/London", 0 },
    { "WET", "Europe/Lisbon", 0 },
    { "CET", "Europe/Paris", 60 },
    { "EET", "Europe/Athens", 120 },
    { "MSK", "Europe/Moscow", 180 },
    { "GST", "Asia/Dubai", 240 },
    { "PKT", "Asia/Karachi", 300 },
    { "IST", "Asia/Kolkata", 330 },
    { "BDT", "Asia/Dhaka", 360 },
    { "ICT", "Asia/Bangkok", 420 },
    { "CCT", "Asia/Shanghai", 480 },
    { "SGT", "Asia/Singapore", 480 },
    { "AWST", "Australia/Perth", 480 },
    { "JST", "Asia/Tokyo", 540 },
    { "KST", "Asia/Seoul", 540 },
    { "ACST", "Australia/Adelaide", 570 },
    { "AEST", "Australia/Sydney", 600 },
    { "NZST", "Pacific/Auckland", 720 },
    { "AZOT", "Atlantic/Azores", -60 },
    { "BRT", "America/Sao_Paulo", -180 },
    { "ART", "America/Argentina/Buenos_Aires", -180 },
    { "NST", "America/St_Johns", -210 },
    { "AST", "America/Halifax", -240 },
    { "EST", "America/New_York", -300 },
    { "CST", "America/Chicago", -360 },
    { "MST", "America/Denver", -420 },
    { "AZST", "America/Phoenix", -420 },
    { "PST", "America/Los_Angeles", -480 },
    { "AKST", "America/Anchorage", -540 },
    { "HST", "Pacific/Honolulu", -600 },
    { "SAST", "Africa/Johannesburg", 120 },
};

struct adding {
    struct change_set *set;
    struct problems *problems;
    struct scope *scope;
    struct kv value;
};

static void with(struct adding *adding, const char *name, struct value value)
{
    body_put(adding->scope, &adding->value, text_of(name), value);
}

static void add(struct adding *adding, const struct object_type *type)
{
    struct change_step step = { .op = CHANGE_CREATE, .type = type, .value = &adding->value };
    change_set_step(adding->set, &step, adding->problems);
    adding->value = (struct kv){ 0 };
}

void builtin_add(struct change_set *set, struct problems *problems)
{
    struct adding adding = { .set = set,
                             .problems = problems,
                             .scope = scope_new(problems->scope, "built-in", SCOPE_NO_LIMIT) };
    with(&adding, "name", body_text_value(OBJECT_TENANT_DEFAULT));
    add(&adding, &OBJECT_TENANT);
    for (const char *const *type = rules_application_types; *type; type++) {
        with(&adding, "name", body_text_value(text_of(*type)));
        with(&adding, "type", body_text_value(text_of(*type)));
        add(&adding, &OBJECT_APP_PROTOTYPE);
    }
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        with(&adding, "name", body_text_value(text_of(zones[i].name)));
        with(&adding, "ianaName", body_text_value(text_of(zones[i].iana_name)));
        with(&adding, "offset", body_integer_value(zones[i].offset_minutes));
        add(&adding, &OBJECT_TIME_ZONE);
    }
    scope_close(adding.scope);
    builtin_add_accounts(set, problems);
}

static bool is_there(const struct change_set *set, const struct object_type *type, const char *key)
{
    return change_set_find(set, type, OBJECT_TENANT_DEFAULT, text_of(key)) != NULL;
}

void builtin_add_accounts(struct change_set *set, struct problems *problems)
{
    struct adding adding = { .set = set,
                             .problems = problems,
                             .scope = scope_new(problems->scope, "accounts", SCOPE_NO_LIMIT) };
    if (!is_there(set, &OBJECT_PERSON, BUILTIN_ACCOUNT)) {
        with(&adding, "employeeId", body_text_value(TEXT(BUILTIN_ACCOUNT)));
        with(&adding, "userName", body_text_value(TEXT(BUILTIN_ACCOUNT)));
        add(&adding, &OBJECT_PERSON);
    }
    if (!is_there(set, &OBJECT_ACCESS_GROUP, BUILTIN_ADMINISTRATORS)) {
        with(&adding, "name", body_text_value(TEXT(BUILTIN_ADMINISTRATORS)));
        with(&adding, "type", body_text_value(TEXT("Administrators")));
        add(&adding, &OBJECT_ACCESS_GROUP);
    }
    if (!is_there(set, &OBJECT_ACCESS_GROUP, BUILTIN_SUPER_ADMINISTRATORS)) {
        struct value *member = scope_alloc(adding.scope, sizeof *member);
        *member = body_text_value(TEXT(BUILTIN_ACCOUNT));
        with(&adding, "name", body_text_value(TEXT(BUILTIN_SUPER_ADMINISTRATORS)));
        with(&adding, "type", body_text_value(TEXT("SuperAdministrators")));
        with(&adding, "persons", (struct value){ .kind = VALUE_LIST, .items = { member, 1 } });
        add(&adding, &OBJECT_ACCESS_GROUP);
    }
    scope_close(adding.scope);
}

bool builtin_is_kept(const struct object *object)
{
    static const struct {
        const struct object_type *type;
        struct text key;
    } kept[] = {
        { &OBJECT_TENANT, { "Environment", 11 } },
        { &OBJECT_PERSON, { BUILTIN_ACCOUNT, sizeof BUILTIN_ACCOUNT - 1 } },
        { &OBJECT_ACCESS_GROUP, { BUILTIN_ADMINISTRATORS, sizeof BUILTIN_ADMINISTRATORS - 1 } },
        { &OBJECT_ACCESS_GROUP,
          { BUILTIN_SUPER_ADMINISTRATORS, sizeof BUILTIN_SUPER_ADMINISTRATORS - 1 } },
    };
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (object->type == kept[i].type && text_eq(object->key, kept[i].key) &&
            (object->type->is_global || text_eq(object->tenant, OBJECT_TENANT_DEFAULT)))
            return true;
    return false;
}
