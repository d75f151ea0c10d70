/* SPDX-License-Identifier: Apache-2.0 */
/* The guides' rules of single types: what can never be meant (framework 2.2, 2.3, 9; outbound 2.1,
 * 9). What an installation kept before a rule was made still loads: only what is written is looked
 * at. */
#include "base/table.h"
#include "gen/objects.h"
#include "model/detection.h"
#include "model/dst_rule.h"
#include "servers/config/grammar.h"
#include "servers/config/rules_private.h"

/* A link key is derived from the name alone: nobody may get that of who holds the secret. */
static void check_application_name(const struct checking *checking)
{
    struct text name = body_text(&checking->object->body, "name");
    if (text_eq(name, TEXT("tool")) || text_eq(name, TEXT("supervisor")))
        REFUSE(checking, TEXT("name"), "%.*s.name: \"%.*s\" is a name of our own",
               TEXT_ARG(checking->label), TEXT_ARG(name));
}

/* Framework 2.3: what is to be started is named whole. */
static void check_start(const struct checking *checking)
{
    static const char *const needed[] = { "dir", "command" };
    const struct value *start = body_find(&checking->object->body, TEXT("start"));
    for (size_t i = 0; start && start->pairs.count && i < sizeof needed / sizeof needed[0]; i++)
        if (text_trim(body_text(&start->pairs, needed[i])).len == 0)
            REFUSE(checking, TEXT("start"),
                   "%.*s.start.%s: must not be empty where there is a start",
                   TEXT_ARG(checking->label), needed[i]);
}

static void check_not_itself(const struct checking *checking)
{
    const struct object *object = checking->object;
    const struct value *connections = body_find(&object->body, TEXT("connections"));
    if (text_eq(body_text(&object->body, "backupServer"), object->key))
        REFUSE(checking, TEXT("backupServer"), "%.*s.backupServer: must be another application",
               TEXT_ARG(checking->label));
    for (uint32_t i = 0; connections && i < connections->items.count; i++)
        if (text_eq(body_text(&connections->items.at[i].pairs, "server"), object->key))
            REFUSE(checking, TEXT("connections"),
                   "%.*s.connections[%.*s].server: must be another application",
                   TEXT_ARG(checking->label), TEXT_ARG(object->key));
}

static void check_application(const struct checking *checking)
{
    check_application_name(checking);
    check_start(checking);
    check_not_itself(checking);
    const struct value *ports = body_find(&checking->object->body, TEXT("ports"));
    for (uint32_t i = 0; ports && i < ports->items.count; i++)
        for (uint32_t k = 0; k < i; k++) {
            struct text id = body_text(&ports->items.at[i].pairs, "id");
            if (text_eq(id, body_text(&ports->items.at[k].pairs, "id")))
                REFUSE(checking, TEXT("ports"), "%.*s.ports[%.*s].id: is there twice",
                       TEXT_ARG(checking->label), TEXT_ARG(id));
        }
}

/* What a new row of the column would have. */
static void check_default(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    struct text type = body_text(body, "dataType"), value = body_text(body, "defaultValue");
    const struct value *length = body_find(body, TEXT("length"));
    int64_t integer;
    double number;
    if (value.len == 0) return;
    if (text_ends(type, TEXT("char")) && length && (int64_t)value.len > length->integer)
        REFUSE(checking, TEXT("defaultValue"), "%.*s.defaultValue: is longer than %lld bytes",
               TEXT_ARG(checking->label), (long long)length->integer);
    if (text_eq(type, TEXT("int")) && text_to_i64(value, INT64_MIN, INT64_MAX, &integer))
        REFUSE(checking, TEXT("defaultValue"), "%.*s.defaultValue: must be a whole number",
               TEXT_ARG(checking->label));
    if (text_eq(type, TEXT("float")) && text_to_f64(value, &number))
        REFUSE(checking, TEXT("defaultValue"), "%.*s.defaultValue: must be a number",
               TEXT_ARG(checking->label));
}

/* Outbound 2.1: the primary key is the pair, nothing else. */
static void check_field(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    struct text type = body_text(body, "dataType"), name = body_text(body, "name");
    const struct value *is_primary = body_find(body, TEXT("isPrimaryKey"));
    check_default(checking);
    if (text_ends(type, TEXT("char")) && body_find(body, TEXT("length")) == NULL)
        REFUSE(checking, TEXT("length"), "%.*s.length: must be there for %.*s",
               TEXT_ARG(checking->label), TEXT_ARG(type));
    if (is_primary && is_primary->truth && !text_eq_fold(name, TEXT("chain_id")) &&
        !text_eq_fold(name, TEXT("chain_n")))
        REFUSE(checking, TEXT("isPrimaryKey"),
               "%.*s.isPrimaryKey: only chain_id and chain_n are key columns",
               TEXT_ARG(checking->label));
}

static void check_treatment(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    const struct value *result = body_find(body, TEXT("callResult"));
    if (result && result->integer == 28)
        REFUSE(checking, TEXT("callResult"),
               "%.*s.callResult: must be another than 28, Unknown Call Result",
               TEXT_ARG(checking->label));
}

static void check_campaign_group(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    if ((body_text(body, "group").len > 0) == (body_text(body, "placeGroup").len > 0))
        REFUSE(checking, TEXT("group"), "%.*s.group: one of group and placeGroup must be there",
               TEXT_ARG(checking->label));
}

static void check_date(const struct checking *checking, const char *name)
{
    struct text date = body_text(&checking->object->body, name);
    if (date.len && !is_date(date))
        REFUSE(checking, text_of(name), "%.*s.%s: must be a date, YYYY-MM-DD",
               TEXT_ARG(checking->label), name);
}

static int64_t integer_of(const struct kv *body, const char *name)
{
    const struct value *value = body_find(body, text_of(name));
    return value ? value->integer : 0;
}

/* 0 is none. */
static bool is_upside_down(const struct kv *body, const char *low, const char *high)
{
    int64_t highest = integer_of(body, high);
    return highest && integer_of(body, low) > highest;
}

static void check_interval(const struct checking *checking, const struct value *intervals,
                           uint32_t index)
{
    enum { DAY_MIN = 1440 };
    const struct kv *interval = &intervals->items.at[index].pairs;
    int64_t number = integer_of(interval, "number");
    int64_t length = integer_of(&checking->object->body, "intervalLength");
    const char *words = NULL;
    for (uint32_t k = 0; k < index; k++)
        if (integer_of(&intervals->items.at[k].pairs, "number") == number) words = "is there twice";
    if (length && number * length >= DAY_MIN) words = "is past the end of the day";
    if (is_upside_down(interval, "minValue", "maxValue")) words = "minValue is above maxValue";
    if (words)
        REFUSE(checking, TEXT("intervals"), "%.*s.intervals[%lld]: %s", TEXT_ARG(checking->label),
               (long long)number, words);
}

static void check_stat_day(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    const struct value *intervals = body_find(body, TEXT("intervals"));
    check_date(checking, "date");
    if ((body_text(body, "date").len > 0) == (body_text(body, "weekday").len > 0))
        REFUSE(checking, TEXT("date"), "%.*s.date: one of date and weekday must be there",
               TEXT_ARG(checking->label));
    if (is_upside_down(body, "minValue", "maxValue"))
        REFUSE(checking, TEXT("minValue"), "%.*s.minValue: is above maxValue",
               TEXT_ARG(checking->label));
    if (is_upside_down(body, "startTime", "endTime"))
        REFUSE(checking, TEXT("endTime"), "%.*s.endTime: is before startTime",
               TEXT_ARG(checking->label));
    for (uint32_t i = 0; intervals && i < intervals->items.count; i++)
        check_interval(checking, intervals, i);
}

static void check_ivr_profile(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    struct text start = body_text(body, "startServiceDate"),
                end = body_text(body, "endServiceDate");
    check_date(checking, "startServiceDate");
    check_date(checking, "endServiceDate");
    if (end.len && text_compare(end, start) < 0)
        REFUSE(checking, TEXT("endServiceDate"), "%.*s.endServiceDate: is before startServiceDate",
               TEXT_ARG(checking->label));
}

static void check_gvp_reseller(const struct checking *checking)
{
    check_date(checking, "startDate");
}

/* A tree of values is one of its own enumerator's. */
static void check_enumerator_value(const struct checking *checking)
{
    const struct object *value = checking->object;
    struct text own, name, its, other, parent = body_text(&value->body, "parent");
    if (parent.len == 0) return;
    bool is_own = text_cut(value->key, '/', &own, &name) && text_cut(parent, '/', &its, &other) &&
                  text_eq(own, its);
    if (!is_own || text_eq(parent, value->key))
        REFUSE(checking, TEXT("parent"), "%.*s.parent: must be another value of %.*s",
               TEXT_ARG(checking->label), TEXT_ARG(body_text(&value->body, "enumerator")));
}

static void check_person(const struct checking *checking)
{
    enum { LEVEL_MAX = 1000000 };
    const struct value *info = body_find(&checking->object->body, TEXT("agentInfo"));
    const struct value *levels = info ? body_find(&info->pairs, TEXT("skillLevels")) : NULL;
    for (uint32_t i = 0; levels && i < levels->pairs.count; i++) {
        const struct pair *level = &levels->pairs.at[i];
        if (level->value.kind != VALUE_INTEGER || level->value.integer < 0 ||
            level->value.integer > LEVEL_MAX)
            REFUSE(checking, TEXT("agentInfo"),
                   "%.*s.agentInfo.skillLevels.%.*s: must be a whole number from 0 to %d",
                   TEXT_ARG(checking->label), TEXT_ARG(level->name), LEVEL_MAX);
    }
}

static void check_action_code(const struct checking *checking)
{
    const struct value *subcodes = body_find(&checking->object->body, TEXT("subcodes"));
    for (uint32_t i = 0; subcodes && i < subcodes->pairs.count; i++)
        if (subcodes->pairs.at[i].value.kind != VALUE_TEXT)
            REFUSE(checking, TEXT("subcodes"), "%.*s.subcodes.%.*s: must be text",
                   TEXT_ARG(checking->label), TEXT_ARG(subcodes->pairs.at[i].name));
}

static bool is_list_of_texts(const struct value *value)
{
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->items.count; i++)
        if (value->items.at[i].kind != VALUE_TEXT) return false;
    return value->kind == VALUE_LIST;
}

static void check_role(const struct checking *checking)
{
    const struct value *privileges = body_find(&checking->object->body, TEXT("privileges"));
    for (uint32_t i = 0; privileges && i < privileges->pairs.count; i++)
        if (!is_list_of_texts(&privileges->pairs.at[i].value))
            REFUSE(checking, TEXT("privileges"), "%.*s.privileges.%.*s: must be a list of names",
                   TEXT_ARG(checking->label), TEXT_ARG(privileges->pairs.at[i].name));
}

static void check_last_login(const struct checking *checking)
{
    REFUSE(checking, TEXT(""), "%.*s: is kept by the store and not written",
           TEXT_ARG(checking->label));
}

static void check_folder(const struct checking *checking)
{
    struct text holds = body_text(&checking->object->body, "objectType");
    rules_check_path(checking, "path");
    if (body_text(&checking->object->body, "folder").len)
        REFUSE(checking, TEXT("folder"), "%.*s.folder: a folder's path says where it is",
               TEXT_ARG(checking->label));
    const struct object_type *type = object_type_find(holds);
    if (holds.len && (type == NULL || !text_eq(holds, text_of(type->name))))
        REFUSE(checking, TEXT("objectType"), "%.*s.objectType: there is no object type \"%.*s\"",
               TEXT_ARG(checking->label), TEXT_ARG(holds));
}

/* --- hosts, solutions, tables, tasks --------------------------------------------------------- */

/* Who would enable it again is in it. */
static void check_tenant(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    if (text_eq(body_text(body, "name"), OBJECT_TENANT_DEFAULT) &&
        text_eq(body_text(body, "state"), TEXT("disabled")))
        REFUSE(checking, TEXT("state"), "%.*s.state: the installation itself stays enabled",
               TEXT_ARG(checking->label));
}

static void check_host(const struct checking *checking)
{
    struct text address = body_text(&checking->object->body, "ipAddress");
    if (address.len && !is_host_address(address))
        REFUSE(checking, TEXT("ipAddress"),
               "%.*s.ipAddress: must be an IPv4 or IPv6 address, or the name of a host",
               TEXT_ARG(checking->label));
}

static void check_solution(const struct checking *checking)
{
    const struct value *components = body_find(&checking->object->body, TEXT("components"));
    struct scope *scratch = scope_new(NULL, "components", SCOPE_NO_LIMIT);
    struct table *seen = table_new(scratch);
    for (uint32_t i = 0; components && i < components->items.count; i++) {
        struct text name = body_text(&components->items.at[i].pairs, "app");
        if (table_get(seen, name))
            REFUSE(checking, TEXT("components"), "%.*s.components[%.*s].app: is there twice",
                   TEXT_ARG(checking->label), TEXT_ARG(name));
        table_put(seen, name, seen);
    }
    scope_close(scratch);
}

static void check_table_access(const struct checking *checking)
{
    if (!is_table_name(body_text(&checking->object->body, "dbTableName")))
        REFUSE(checking, TEXT("dbTableName"),
               "%.*s.dbTableName: must be letters, digits and _, which a schema and . may precede",
               TEXT_ARG(checking->label));
}

/* Where daylight saving is the object's own matter, its rules are read. */
static void check_time_zone(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    const struct value *is_observed = body_find(body, TEXT("isDSTObserved"));
    struct dst_rules rules;
    struct fault fault = { 0 };
    if (is_observed == NULL || !is_observed->truth || body_text(body, "ianaName").len) return;
    if (dst_rules_parse(body_text(body, "dstStart"), body_text(body, "dstStop"), &rules, &fault))
        REFUSE(checking, text_of(fault.field), "%.*s.%s: %s", TEXT_ARG(checking->label),
               fault.field, fault.words);
}

static void check_scheduled_task(const struct checking *checking)
{
    struct text schedule = body_text(&checking->object->body, "schedule");
    const char *refused = schedule.len ? schedule_field_refused(schedule) : NULL;
    if (refused)
        REFUSE(checking, TEXT("schedule"),
               "%.*s.schedule: its %s field is wrong; five are meant: minute hour day month "
               "weekday",
               TEXT_ARG(checking->label), refused);
}

/* --- alarms ---------------------------------------------------------------------------------- */

static void check_event(const struct checking *checking, const char *name)
{
    struct text event = body_text(&checking->object->body, name);
    if (event.len && !is_log_event(event))
        REFUSE(checking, text_of(name), "%.*s.%s: must be the number of a log event: 00-04504",
               TEXT_ARG(checking->label), name);
}

/* Framework 9: an event or a script, of somebody. What has neither raises nothing, ever. */
static void check_alarm_condition(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    struct text selection = body_text(body, "selection");
    check_event(checking, "detectEvent");
    check_event(checking, "cancelEvent");
    if (body_text(body, "detectEvent").len == 0 && body_text(body, "detectScript").len == 0)
        REFUSE(checking, TEXT("detectEvent"),
               "%.*s.detectEvent: one of detectEvent and detectScript must be there",
               TEXT_ARG(checking->label));
    if (text_eq(selection, TEXT("type")) && body_text(body, "appType").len == 0)
        REFUSE(checking, TEXT("appType"), "%.*s.appType: must be there where selection is type",
               TEXT_ARG(checking->label));
    if (text_eq(selection, TEXT("application")) && body_text(body, "application").len == 0)
        REFUSE(checking, TEXT("application"),
               "%.*s.application: must be there where selection is application",
               TEXT_ARG(checking->label));
}

/* As control would read it. */
static void check_detection(const struct checking *checking)
{
    const struct value *annex = body_find(&checking->object->body, TEXT("annex"));
    const struct value *section = annex ? kv_find_fold(&annex->pairs, TEXT("detection")) : NULL;
    bool is_section = section && section->kind == VALUE_KV;
    const struct value *of = is_section ? kv_find_fold(&section->pairs, TEXT("of")) : NULL;
    const struct value *words = is_section ? kv_find_fold(&section->pairs, TEXT("expression"))
                                           : NULL;
    if (words == NULL || words->kind != VALUE_TEXT || text_trim(words->text).len == 0) return;
    bool is_of_application = of && of->kind == VALUE_TEXT &&
                             text_eq_fold(text_trim(of->text), TEXT("application"));
    struct scope *scratch = scope_new(NULL, "detection", SCOPE_NO_LIMIT);
    const struct expression *expression;
    struct fault fault = { 0 };
    if (expression_parse(words->text,
                         is_of_application ? DETECTION_OF_APPLICATION : DETECTION_OF_HOST, scratch,
                         &expression, &fault))
        REFUSE(checking, TEXT("annex"), "%.*s.annex.detection.expression: %s",
               TEXT_ARG(checking->label), fault.words);
    scope_close(scratch);
}

static void check_script_text(const struct checking *checking)
{
    if (text_eq(body_text(&checking->object->body, "type"), TEXT("AlarmDetection")))
        check_detection(checking);
}

/* --- all ------------------------------------------------------------------------------------ */

static const struct {
    const struct object_type *type;
    void (*check)(const struct checking *checking);
} checks[] = {
    { &OBJECT_ALARM_CONDITION, check_alarm_condition },
    { &OBJECT_HOST, check_host },
    { &OBJECT_SCHEDULED_TASK, check_scheduled_task },
    { &OBJECT_SCRIPT, check_script_text },
    { &OBJECT_SOLUTION, check_solution },
    { &OBJECT_TABLE_ACCESS, check_table_access },
    { &OBJECT_TENANT, check_tenant },
    { &OBJECT_TIME_ZONE, check_time_zone },
    { &OBJECT_ACTION_CODE, check_action_code },
    { &OBJECT_ENUMERATOR_VALUE, check_enumerator_value },
    { &OBJECT_FOLDER, check_folder },
    { &OBJECT_GVP_RESELLER, check_gvp_reseller },
    { &OBJECT_IVR_PROFILE, check_ivr_profile },
    { &OBJECT_PERSON, check_person },
    { &OBJECT_PERSON_LAST_LOGIN, check_last_login },
    { &OBJECT_ROLE, check_role },
    { &OBJECT_STAT_DAY, check_stat_day },
    { &OBJECT_APPLICATION, check_application },
    { &OBJECT_FIELD, check_field },
    { &OBJECT_TREATMENT, check_treatment },
    { &OBJECT_CAMPAIGN_GROUP, check_campaign_group },
};

void rules_check_type(const struct checking *checking)
{
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (checks[i].type == checking->object->type) checks[i].check(checking);
}
