/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/privileges.h"

#include <string.h>

enum bit {
    CONFIGURATION_VIEW = 1,
    CONFIGURATION_EDIT = 2,
    CONFIGURATION_DEPLOY = 4,
    CONTROL_VIEW = 8,
    CONTROL_EDIT = 16,
    ALARMS_VIEW = 32,
    ALARMS_EDIT = 64,
    LOGS_VIEW = 128,
    OUTBOUND_VIEW = 256,
    OUTBOUND_EDIT = 512,
};

static const char *const names[] = {
    "Configuration: view", "Configuration: edit", "Configuration: deploy", "Control: view",
    "Control: edit",       "Alarms: view",        "Alarms: edit",          "Logs: view",
    "Outbound: view",      "Outbound: edit",
};
enum { NAMES = sizeof names / sizeof names[0] };

/* --- what a request needs ------------------------------------------------------------------- */

/* All else of config, control, and of outbound what is for administrators, is `edit`. */
static const struct {
    const char *protocol, *message;
    uint32_t bit; /* 0: none */
} needs[] = {
    { "config", "Read", CONFIGURATION_VIEW },
    { "config", "ReadChanges", CONFIGURATION_VIEW },
    { "config", "ReadHistory", CONFIGURATION_VIEW },
    { "config", "ReadAcl", CONFIGURATION_VIEW },
    { "config", "ReadEffective", CONFIGURATION_VIEW },
    { "config", "ReadLicences", CONFIGURATION_VIEW },
    { "config", "Export", CONFIGURATION_VIEW },
    { "config", "Plan", CONFIGURATION_VIEW },
    { "config", "Apply", CONFIGURATION_DEPLOY },
    { "config", "ReadServer", 0 },
    { "control", "ReadStatus", CONTROL_VIEW },
    { "control", "WatchStatus", CONTROL_VIEW },
    { "control", "SampleHost", CONTROL_VIEW },
    { "control", "ReadAlarms", ALARMS_VIEW },
    { "control", "WatchAlarms", ALARMS_VIEW },
    { "control", "ClearAlarm", ALARMS_EDIT },
    { "control", "ReadLog", LOGS_VIEW },
    { "outbound", "CampaignGetStatus", OUTBOUND_VIEW },
    { "outbound", "CampaignStatus", OUTBOUND_VIEW },
    { "outbound", "CampaignGroupList", OUTBOUND_VIEW },
    { "outbound", "CallingListList", OUTBOUND_VIEW },
    { "outbound", "RecordList", OUTBOUND_VIEW },
    { "outbound", "ChainGet", OUTBOUND_VIEW },
    { "outbound", "NotificationList", OUTBOUND_VIEW },
    { "outbound", "NotificationGet", OUTBOUND_VIEW },
    { "outbound", "ExplainList", OUTBOUND_VIEW },
    { "outbound", "DncList", OUTBOUND_VIEW },
    { "outbound", "ImportList", OUTBOUND_VIEW },
    { "outbound", "ImportRejects", OUTBOUND_VIEW },
};
enum { NEEDS = sizeof needs / sizeof needs[0] };

static uint32_t needed(const struct msg *msg)
{
    bool is_outbound = strcmp(msg->protocol, "outbound") == 0;
    /* The work of agents is no function of administration. */
    if (is_outbound && msg->access != ACCESS_ADMINISTRATOR) return 0;
    for (size_t i = 0; i < NEEDS; i++)
        if (strcmp(needs[i].protocol, msg->protocol) == 0 &&
            strcmp(needs[i].message, msg->name) == 0)
            return needs[i].bit;
    if (is_outbound) return OUTBOUND_EDIT;
    return strcmp(msg->protocol, "control") == 0 ? CONTROL_EDIT : CONFIGURATION_EDIT;
}

const char *privilege_missing(uint32_t privileges, const struct msg *msg)
{
    uint32_t missing = needed(msg) & ~privileges;
    for (size_t i = 0; i < NAMES; i++)
        if (missing & (1u << i)) return names[i];
    return NULL;
}

bool privileges_show_events(uint32_t privileges)
{
    return privileges & OUTBOUND_VIEW;
}

void privileges_put(struct json_writer *json, uint32_t privileges)
{
    json_begin_array(json);
    for (size_t i = 0; i < NAMES; i++)
        if (privileges & (1u << i)) json_put_text(json, text_of(names[i]));
    json_end_array(json);
}

/* --- what Roles give ------------------------------------------------------------------------ */

/* Whose groups are looked for. */
struct belonging {
    const struct privileges_source *source;
    struct text tenant, employee_id;
    bool *is_in; /* of each group */
};

#define HAS(list, name) has_text((list).at, (list).count, name)

static bool has_text(const struct text *at, uint32_t count, struct text wanted)
{
    for (uint32_t i = 0; i < count; i++)
        if (text_eq(at[i], wanted)) return true;
    return false;
}

/* Groups that she is in by name, or by another group: as config has it (decision 0043). True: one
 * more. */
static bool add_groups(const struct belonging *her)
{
    bool has_more = false;
    for (size_t i = 0; i < her->source->group_count; i++) {
        const struct account_group *group = &her->source->groups[i];
        if (her->is_in[i] || !text_eq(group->tenant, her->tenant)) continue;
        bool is_in = HAS(group->fields->persons, her->employee_id);
        for (size_t k = 0; k < her->source->group_count && !is_in; k++)
            is_in = her->is_in[k] && text_eq(her->source->groups[k].tenant, her->tenant) &&
                    HAS(group->fields->groups, her->source->groups[k].fields->name);
        her->is_in[i] = is_in;
        has_more |= is_in;
    }
    return has_more;
}

static void add_groups_of_type(const struct belonging *her, struct text type)
{
    for (size_t i = 0; i < her->source->group_count; i++) {
        const struct account_group *group = &her->source->groups[i];
        if (text_eq(group->tenant, her->tenant) && text_eq(group->fields->type, type))
            her->is_in[i] = true;
    }
}

static void find_groups(const struct belonging *her)
{
    bool is_in_any = add_groups(her);
    if (!is_in_any) add_groups_of_type(her, TEXT("Users"));
    add_groups_of_type(her, TEXT("EVERYONE"));
    while (add_groups(her))
        ;
}

static bool is_super(const struct belonging *her)
{
    for (size_t i = 0; text_eq(her->tenant, TEXT("Environment")) && i < her->source->group_count;
         i++) {
        struct text type = her->source->groups[i].fields->type;
        bool is_of_super = text_eq(type, TEXT("SuperAdministrators")) ||
                           text_eq(type, TEXT("SYSTEM"));
        if (her->is_in[i] && is_of_super) return true;
    }
    return false;
}

static bool is_member(const struct belonging *her, const struct object_role *role)
{
    if (HAS(role->persons, her->employee_id)) return true;
    for (size_t i = 0; i < her->source->group_count; i++)
        if (her->is_in[i] && HAS(role->groups, her->source->groups[i].fields->name)) return true;
    return false;
}

static uint32_t bits_of(const struct value *list)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; list->kind == VALUE_LIST && i < list->items.count; i++)
        for (size_t k = 0; k < NAMES; k++)
            if (list->items.at[i].kind == VALUE_TEXT &&
                text_eq_fold(list->items.at[i].text, text_of(names[k])))
                bits |= 1u << k;
    return bits;
}

static uint32_t of_roles(const struct belonging *her)
{
    uint32_t bits = 0;
    bool is_in_use = false;
    for (size_t i = 0; i < her->source->role_count; i++) {
        const struct privileges_role *role = &her->source->roles[i];
        if (!text_eq(role->tenant, her->tenant)) continue;
        const struct value *list = kv_find(&role->fields->privileges, TEXT(PRIVILEGES_OF));
        if (list == NULL) continue;
        is_in_use = true;
        if (is_member(her, role->fields)) bits |= bits_of(list);
    }
    return is_in_use ? bits : PRIVILEGES_ALL;
}

uint32_t privileges_of(const struct privileges_source *source, struct text tenant,
                       struct text employee_id)
{
    struct scope *scratch = scope_new(NULL, "groups", SCOPE_NO_LIMIT);
    struct belonging her = { source, tenant, employee_id,
                             scope_alloc_array(scratch, source->group_count + 1,
                                               sizeof *her.is_in) };
    find_groups(&her);
    uint32_t bits = is_super(&her) ? PRIVILEGES_ALL : of_roles(&her);
    scope_close(scratch);
    return bits;
}
