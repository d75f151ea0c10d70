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

/* Interaction 9: what is given at once, by medium; the first is the tenant's default. */
#define CAPACITY_DEFAULT "Default_One_interaction_of_any_type_only"
static const struct capacity {
    const char *name, *media[3][2];
} capacities[] = {
    { CAPACITY_DEFAULT,
      { { "voice", "max 1 unless email >= 1 or chat >= 1" },
        { "email", "max 1 unless voice >= 1 or chat >= 1" },
        { "chat", "max 1 unless voice >= 1 or email >= 1" } } },
    { "Default_Multimedia_3chat_5email_1voice",
      { { "voice", "max 1" }, { "email", "max 5" }, { "chat", "max 3" } } },
    { "Default_Blended_voice_excludes",
      { { "voice", "max 1" },
        { "email", "max 5 unless voice >= 1" },
        { "chat", "max 3 unless voice >= 1" } } },
};

/* Framework 9. A condition without a cancel event ends by its timeout, or by hand. */
enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };
static const struct alarm {
    const char *name, *category, *detect, *cancel;
    uint32_t timeout_s;
    const char *description;
} alarms[] = {
    { "Connection Failure", "major", "00-04504", "00-04503", 48 * HOUR_S,
      "A connection between two applications is lost." },
    { "Application Failure", "major", "00-05064", "00-05061", 0,
      "An application ended without being told to." },
    { "Licensing Error", "critical", "00-07100", "00-07101", 0,
      "A licence pool cannot be reached or read." },
    { "CTI Link Failure", "major", "01-20002", "01-20001", 0,
      "The link between a T-Server and its switch is lost." },
    { "Host Inaccessible", "major", "00-08103", "00-08100", 0,
      "The supervisor of a host is not the one that is known." },
    { "Service Unavailable", "major", "00-05074", "00-05061", 0,
      "An application runs and cannot serve." },
    { "Host Unavailable", "major", "00-08101", "00-08100", 0,
      "The link to the supervisor of a host is lost." },
    { "Host Unreachable", "major", "00-08102", "00-08100", 0,
      "A host does not answer; what runs there is unknown." },
    { "Unplanned Solution Status Change", "major", "00-05093", "00-05092", 0,
      "A solution changed its state without an order." },
    { "Message Server Loss of Database Connection", "major", "00-08200", "00-08201", 0,
      "Log records cannot be stored." },
    { "GMS Resource Configuration Problem", "major", "2000", NULL, DAY_S,
      "One number is in several groups of a resource list, or twice in one." },
    { "GMS No More Resources", "critical", "2001", NULL, HOUR_S,
      "All numbers of a resource group are booked." },
    { "GMS Web Port Mismatch", "minor", "2002", NULL, DAY_S,
      "Option web_port is another port than the one that is served." },
    { "Crash Loop", "critical", "00-05073", "00-05061", 0,
      "An application died again and again and is not started any more." },
    { "Application Not Responding", "major", "00-05075", "00-05061", 0,
      "An application lives and does not respond." },
    { "Clock Offset", "minor", "00-08110", "00-08111", 0,
      "The clock of a host differs from the others'." },
    { "Certificate Expires Soon", "major", "00-04570", "00-04571", 0,
      "A certificate expires in 30, 7 or 1 days." },
    { "Licence Exhausted", "major", "00-07110", "00-07111", 0,
      "More was asked of a licence pool than is left." },
};

#define DISK_LOW "Disk Low" /* no event: a threshold on samples */

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

static struct value pairs_of(struct adding *adding, const char *const options[][2], size_t count)
{
    struct value out = { .kind = VALUE_KV };
    out.pairs.at = scope_alloc_array(adding->scope, count, sizeof *out.pairs.at);
    for (size_t i = 0; i < count; i++)
        out.pairs.at[out.pairs.count++] =
            (struct pair){ text_of(options[i][0]), body_text_value(text_of(options[i][1])) };
    return out;
}

static void with_section(struct adding *adding, const char *section, const char *const options[][2],
                         size_t count)
{
    struct pair *pair = scope_alloc(adding->scope, sizeof *pair);
    *pair = (struct pair){ text_of(section), pairs_of(adding, options, count) };
    with(adding, "annex", (struct value){ .kind = VALUE_KV, .pairs = { pair, 1 } });
}

static void with_text(struct adding *adding, const char *name, const char *text)
{
    if (text) with(adding, name, body_text_value(text_of(text)));
}

static void add_script(struct adding *adding, const char *name, const char *type)
{
    with_text(adding, "name", name);
    with_text(adding, "type", type);
    add(adding, &OBJECT_SCRIPT);
}

static void add_capacity_rules(struct adding *adding)
{
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        with_section(adding, "capacity-rule", capacities[i].media, 3);
        add_script(adding, capacities[i].name, "CapacityRule");
    }
}

static void add_alarms(struct adding *adding)
{
    static const char *const disk_low[][2] = { { "of", "host" },
                                               { "expression", "diskFree < 2 GB" } };
    for (size_t i = 0; i < sizeof alarms / sizeof alarms[0]; i++) {
        const struct alarm *alarm = &alarms[i];
        with_text(adding, "name", alarm->name);
        with_text(adding, "description", alarm->description);
        with_text(adding, "category", alarm->category);
        with_text(adding, "detectEvent", alarm->detect);
        with_text(adding, "cancelEvent", alarm->cancel);
        with(adding, "cancelTimeout", body_integer_value(alarm->timeout_s));
        add(adding, &OBJECT_ALARM_CONDITION);
    }
    with_section(adding, "detection", disk_low, 2);
    add_script(adding, DISK_LOW, "AlarmDetection");
    with_text(adding, "name", DISK_LOW);
    with_text(adding, "description", "A disk of a host is nearly full.");
    with_text(adding, "detectScript", DISK_LOW "/AlarmDetection");
    add(adding, &OBJECT_ALARM_CONDITION);
}

void builtin_add(struct change_set *set, struct problems *problems)
{
    struct adding adding = { .set = set,
                             .problems = problems,
                             .scope = scope_new(problems->scope, "built-in", SCOPE_NO_LIMIT) };
    with(&adding, "name", body_text_value(OBJECT_TENANT_DEFAULT));
    with_text(&adding, "defaultCapacityRule", CAPACITY_DEFAULT "/CapacityRule");
    add(&adding, &OBJECT_TENANT);
    add_capacity_rules(&adding);
    add_alarms(&adding);
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

/* Framework 12.2; that of the account default is made with it. */
static const struct group {
    const char *name, *type;
} groups[] = {
    { BUILTIN_ADMINISTRATORS, "Administrators" },
    { BUILTIN_USERS, "Users" },
    { BUILTIN_SYSTEM, "SYSTEM" },
    { BUILTIN_EVERYONE, "EVERYONE" },
};

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
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (is_there(set, &OBJECT_ACCESS_GROUP, groups[i].name)) continue;
        with_text(&adding, "name", groups[i].name);
        with_text(&adding, "type", groups[i].type);
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

static bool is_group_kept(struct text name)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (text_eq(name, text_of(groups[i].name))) return true;
    return text_eq(name, TEXT(BUILTIN_SUPER_ADMINISTRATORS));
}

bool builtin_is_kept(const struct object *object)
{
    if (!object->type->is_global && !text_eq(object->tenant, OBJECT_TENANT_DEFAULT)) return false;
    if (object->type == &OBJECT_TENANT) return text_eq(object->key, OBJECT_TENANT_DEFAULT);
    if (object->type == &OBJECT_PERSON) return text_eq(object->key, TEXT(BUILTIN_ACCOUNT));
    if (object->type == &OBJECT_SCRIPT)
        return text_eq(object->key, TEXT(CAPACITY_DEFAULT "/CapacityRule")) ||
               text_eq(object->key, TEXT(DISK_LOW "/AlarmDetection"));
    return object->type == &OBJECT_ACCESS_GROUP && is_group_kept(object->key);
}
