/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/rules.h"

#include "base/table.h"
#include "gen/objects.h"
#include "model/application_type.h"
#include "servers/config/limits.h"
#include "servers/config/reference.h"

struct checking {
    const struct object *object;
    struct text label;
    struct problems *problems;
    uint32_t before;
};

#define REFUSE(checking, property, ...)                                                            \
    problem_add((checking)->problems, PROBLEM_INVALID_VALUE, (checking)->object->type, property,   \
                __VA_ARGS__)

/* --- sections of options -------------------------------------------------------------------- */

static struct text folded(struct scope *scope, struct text name)
{
    char *bytes = scope_alloc(scope, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        bytes[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] + 32 : name.at[i]);
    return (struct text){ bytes, name.len };
}

/* Names that differ in case alone are one name (framework 4.1); one that begins with # is ignored,
 * and may be there again. */
static bool is_again(struct table *seen, struct scope *scratch, struct text name)
{
    struct text key = folded(scratch, name);
    if (text_starts(name, TEXT("#")) || table_get(seen, key) == NULL) {
        table_put(seen, key, seen);
        return false;
    }
    return true;
}

static void check_option(const struct checking *checking, struct text field, struct text section,
                         const struct pair *option)
{
    struct text label = checking->label, secret = body_secret_name(&option->value);
    if (option->name.len == 0 || option->name.len > LIMIT_OPTION_NAME_BYTES)
        REFUSE(checking, field, "%.*s.%.*s.%.*s: the name of an option has 1 to %d bytes",
               TEXT_ARG(label), TEXT_ARG(field), TEXT_ARG(section), LIMIT_OPTION_NAME_BYTES);
    if (option->value.kind != VALUE_TEXT && secret.len == 0)
        REFUSE(checking, field,
               "%.*s.%.*s.%.*s.%.*s: must be text, a number, true, false or {\"$secret\":\"name\"}",
               TEXT_ARG(label), TEXT_ARG(field), TEXT_ARG(section), TEXT_ARG(option->name));
    if (option->value.kind == VALUE_TEXT && option->value.text.len > LIMIT_OPTION_VALUE_BYTES)
        REFUSE(checking, field, "%.*s.%.*s.%.*s.%.*s: has more than %d bytes", TEXT_ARG(label),
               TEXT_ARG(field), TEXT_ARG(section), TEXT_ARG(option->name),
               LIMIT_OPTION_VALUE_BYTES);
}

static void check_section(const struct checking *checking, struct text field,
                          const struct pair *section, struct scope *scratch)
{
    struct table *seen = table_new(scratch);
    for (uint32_t i = 0; i < section->value.pairs.count; i++) {
        const struct pair *option = &section->value.pairs.at[i];
        check_option(checking, field, section->name, option);
        if (is_again(seen, scratch, option->name))
            REFUSE(checking, field, "%.*s.%.*s.%.*s.%.*s: is there twice",
                   TEXT_ARG(checking->label), TEXT_ARG(field), TEXT_ARG(section->name),
                   TEXT_ARG(option->name));
    }
}

/* Returns how many options there are. */
static size_t check_sections(const struct checking *checking, const char *name)
{
    const struct value *sections = body_find(&checking->object->body, text_of(name));
    struct text field = text_of(name);
    size_t count = 0;
    if (sections == NULL) return 0;
    struct scope *scratch = scope_new(NULL, "sections", SCOPE_NO_LIMIT);
    struct table *seen = table_new(scratch);
    for (uint32_t i = 0; i < sections->pairs.count; i++) {
        const struct pair *section = &sections->pairs.at[i];
        if (section->name.len > LIMIT_OPTION_NAME_BYTES)
            REFUSE(checking, field, "%.*s.%s: the name of a section has at most %d bytes",
                   TEXT_ARG(checking->label), name, LIMIT_OPTION_NAME_BYTES);
        if (section->value.kind != VALUE_KV) {
            REFUSE(checking, field, "%.*s.%s.%.*s: must be a section: {\"option\": \"value\"}",
                   TEXT_ARG(checking->label), name, TEXT_ARG(section->name));
            continue;
        }
        if (is_again(seen, scratch, section->name))
            REFUSE(checking, field, "%.*s.%s.%.*s: is there twice", TEXT_ARG(checking->label), name,
                   TEXT_ARG(section->name));
        check_section(checking, field, section, scratch);
        count += section->value.pairs.count;
    }
    scope_close(scratch);
    return count;
}

static void check_options(const struct checking *checking)
{
    size_t count = check_sections(checking, "annex") + check_sections(checking, "options");
    if (count > LIMIT_OPTIONS)
        REFUSE(checking, TEXT("options"), "%.*s.options: are %zu, and may be %d with the annex",
               TEXT_ARG(checking->label), count, LIMIT_OPTIONS);
}

/* --- folders -------------------------------------------------------------------------------- */

static bool is_path(struct text path)
{
    bool is_part = false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] != '/')
            is_part = true;
        else if (is_part)
            is_part = false;
        else
            return false;
    }
    return is_part;
}

static void check_path(const struct checking *checking, const char *name)
{
    struct text path = body_text(&checking->object->body, name);
    if (path.len && !is_path(path))
        REFUSE(checking, text_of(name), "%.*s.%s: must be names joined by /",
               TEXT_ARG(checking->label), name);
}

static void check_folder(const struct checking *checking)
{
    struct text holds = body_text(&checking->object->body, "objectType");
    check_path(checking, "path");
    if (body_text(&checking->object->body, "folder").len)
        REFUSE(checking, TEXT("folder"), "%.*s.folder: a folder's path says where it is",
               TEXT_ARG(checking->label));
    const struct object_type *type = object_type_find(holds);
    if (holds.len && (type == NULL || !text_eq(holds, text_of(type->name))))
        REFUSE(checking, TEXT("objectType"), "%.*s.objectType: there is no object type \"%.*s\"",
               TEXT_ARG(checking->label), TEXT_ARG(holds));
}

/* --- single types --------------------------------------------------------------------------- */

/* A link key is derived from the name alone: nobody may get that of who holds the secret. */
static void check_application_name(const struct checking *checking)
{
    struct text name = body_text(&checking->object->body, "name");
    if (text_eq(name, TEXT("tool")) || text_eq(name, TEXT("supervisor")))
        REFUSE(checking, TEXT("name"), "%.*s.name: \"%.*s\" is a name of our own",
               TEXT_ARG(checking->label), TEXT_ARG(name));
}

static void check_application(const struct checking *checking)
{
    check_application_name(checking);
    const struct value *ports = body_find(&checking->object->body, TEXT("ports"));
    for (uint32_t i = 0; ports && i < ports->items.count; i++)
        for (uint32_t k = 0; k < i; k++) {
            struct text id = body_text(&ports->items.at[i].pairs, "id");
            if (text_eq(id, body_text(&ports->items.at[k].pairs, "id")))
                REFUSE(checking, TEXT("ports"), "%.*s.ports[%.*s].id: is there twice",
                       TEXT_ARG(checking->label), TEXT_ARG(id));
        }
}

/* Outbound 2.1: the primary key is the pair, nothing else. */
static void check_field(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    struct text type = body_text(body, "dataType"), name = body_text(body, "name");
    const struct value *is_primary = body_find(body, TEXT("isPrimaryKey"));
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

/* 2026-02-28. */
static bool is_date(struct text in)
{
    static const uint32_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    uint32_t year, month, day;
    if (in.len != 10 || in.at[4] != '-' || in.at[7] != '-' ||
        !text_is_digits(text_slice(in, 0, 4)) ||
        text_to_u32(text_slice(in, 0, 4), 1, 9999, &year) ||
        text_to_u32(text_slice(in, 5, 2), 1, 12, &month) ||
        text_to_u32(text_slice(in, 8, 2), 1, days[month - 1], &day))
        return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month != 2 || day < 29 || is_leap;
}

static void check_date(const struct checking *checking, const char *name)
{
    struct text date = body_text(&checking->object->body, name);
    if (date.len && !is_date(date))
        REFUSE(checking, text_of(name), "%.*s.%s: must be a date, YYYY-MM-DD",
               TEXT_ARG(checking->label), name);
}

static void check_stat_day(const struct checking *checking)
{
    const struct kv *body = &checking->object->body;
    check_date(checking, "date");
    if ((body_text(body, "date").len > 0) == (body_text(body, "weekday").len > 0))
        REFUSE(checking, TEXT("date"), "%.*s.date: one of date and weekday must be there",
               TEXT_ARG(checking->label));
}

static void check_ivr_profile(const struct checking *checking)
{
    check_date(checking, "startServiceDate");
    check_date(checking, "endServiceDate");
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

/* --- references to scripts ------------------------------------------------------------------ */

/* A script's key ends in its type: what a place is for says which one fits. */
static void check_script(void *self, const struct reference *reference)
{
    static const struct {
        const char *path, *ending;
    } fitting[] = {
        { "capacityRule", "/CapacityRule" },           { "defaultCapacityRule", "/CapacityRule" },
        { "agentInfo.capacityRule", "/CapacityRule" }, { "detectScript", "/AlarmDetection" },
        { "reactionScripts[]", "/AlarmReaction" },     { "clearanceScripts[]", "/AlarmReaction" },
        { "interactionQueue", "/InteractionQueue" },   { "scheduleScript", "/OutboundSchedule" },
    };
    const struct checking *checking = self;
    for (size_t i = 0; i < sizeof fitting / sizeof fitting[0]; i++)
        if (text_eq(reference->path, text_of(fitting[i].path)) &&
            !text_ends(reference->key, text_of(fitting[i].ending)))
            REFUSE(checking, reference->path, "%.*s.%s: must name a script as NAME%s",
                   TEXT_ARG(checking->label), fitting[i].path, fitting[i].ending);
}

/* --- all ------------------------------------------------------------------------------------ */

static const struct {
    const struct object_type *type;
    void (*check)(const struct checking *checking);
} checks[] = {
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

bool rules_check(const struct object *object, struct text label, struct problems *problems)
{
    struct checking checking = { object, label, problems, problems->count + problems->left_out };
    check_options(&checking);
    check_path(&checking, "folder");
    references_each(object, check_script, &checking);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (checks[i].type == object->type) checks[i].check(&checking);
    return problems->count + problems->left_out == checking.before;
}

/* --- clusters ------------------------------------------------------------------------------- */

bool rules_is_cluster(const struct object *object)
{
    return object->type == &OBJECT_APPLICATION &&
           text_eq(body_text(&object->body, "type"), TEXT("ApplicationCluster"));
}

static bool lists(const struct object *one, struct text name)
{
    const struct value *connections = body_find(&one->body, TEXT("connections"));
    for (uint32_t i = 0; connections && i < connections->items.count; i++)
        if (text_eq(body_text(&connections->items.at[i].pairs, "server"), name)) return true;
    return false;
}

static bool is_of_servers(const struct object *cluster)
{
    const struct value *options = body_find(&cluster->body, TEXT("options"));
    const struct value *settings = options ? body_find(&options->pairs, TEXT("cluster-settings"))
                                           : NULL;
    return settings && settings->kind == VALUE_KV &&
           body_text(&settings->pairs, "cluster-type").len > 0;
}

bool rules_is_node(const struct object *application, const struct object *cluster)
{
    return rules_is_cluster(cluster) && (is_of_servers(cluster) ? lists(cluster, application->key)
                                                                : lists(application, cluster->key));
}

/* --- application types ---------------------------------------------------------------------- */

/* Framework 2.3; CMServer is outbound. */
const char *const rules_application_types[] = {
    "AgentDesktop",
    "ApplicationCluster",
    "CMServer",
    "CapturePoint",
    "ChatServer",
    "ClassificationServer",
    "ConfigurationServer",
    "ContactServer",
    "DBServer",
    "Database",
    "EmailServer",
    "GenericClient",
    "GenericServer",
    "InteractionServer",
    "KnowledgeManager",
    "MessageServer",
    "OrchestrationServer",
    "ResourceAccessPoint",
    "RouterServer",
    "SCI",
    "SCS",
    "SocialMS",
    "StatServer",
    "TServer",
    "ThirdPartyServer",
    "TrainingServer",
    "WebAPIServer",
    NULL,
};

const char *rules_server_role(const struct object *application)
{
    const struct value *is_server = body_find(&application->body, TEXT("isServer"));
    if (body_text(&application->body, "host").len == 0) return NULL;
    if (is_server && !is_server->truth) return NULL;
    return application_type_server(body_text(&application->body, "type"));
}
