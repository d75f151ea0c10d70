/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/rules.h"

#include "gen/objects.h"

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

static void check_option(const struct checking *checking, struct text field,
                         const struct pair *section, uint32_t index)
{
    const struct pair *option = &section->value.pairs.at[index];
    if (option->name.len == 0)
        REFUSE(checking, field, "%.*s.%.*s.%.*s: an option has no name", TEXT_ARG(checking->label),
               TEXT_ARG(field), TEXT_ARG(section->name));
    bool is_fit = option->value.kind == VALUE_TEXT || body_secret_name(&option->value).len > 0;
    if (!is_fit)
        REFUSE(checking, field,
               "%.*s.%.*s.%.*s.%.*s: must be text, a number, true, false or {\"$secret\":\"name\"}",
               TEXT_ARG(checking->label), TEXT_ARG(field), TEXT_ARG(section->name),
               TEXT_ARG(option->name));
    for (uint32_t i = 0; i < index; i++)
        if (text_eq_fold(section->value.pairs.at[i].name, option->name))
            REFUSE(checking, field, "%.*s.%.*s.%.*s.%.*s: is there twice",
                   TEXT_ARG(checking->label), TEXT_ARG(field), TEXT_ARG(section->name),
                   TEXT_ARG(option->name));
}

static void check_sections(const struct checking *checking, const char *name)
{
    const struct value *sections = body_find(&checking->object->body, text_of(name));
    struct text field = text_of(name);
    for (uint32_t i = 0; sections && i < sections->pairs.count; i++) {
        const struct pair *section = &sections->pairs.at[i];
        if (section->value.kind != VALUE_KV) {
            REFUSE(checking, field, "%.*s.%s.%.*s: must be a section: {\"option\": \"value\"}",
                   TEXT_ARG(checking->label), name, TEXT_ARG(section->name));
            continue;
        }
        for (uint32_t k = 0; k < i; k++)
            if (text_eq_fold(sections->pairs.at[k].name, section->name))
                REFUSE(checking, field, "%.*s.%s.%.*s: is there twice", TEXT_ARG(checking->label),
                       name, TEXT_ARG(section->name));
        for (uint32_t k = 0; k < section->value.pairs.count; k++)
            check_option(checking, field, section, k);
    }
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

static const struct {
    const struct object_type *type;
    void (*check)(const struct checking *checking);
} checks[] = {
    { &OBJECT_APPLICATION, check_application },
    { &OBJECT_FIELD, check_field },
    { &OBJECT_TREATMENT, check_treatment },
    { &OBJECT_CAMPAIGN_GROUP, check_campaign_group },
};

bool rules_check(const struct object *object, struct text label, struct problems *problems)
{
    struct checking checking = { object, label, problems, problems->count + problems->left_out };
    check_sections(&checking, "annex");
    check_sections(&checking, "options");
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (checks[i].type == object->type) checks[i].check(&checking);
    return problems->count + problems->left_out == checking.before;
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

static const struct {
    const char *application_type, *server;
} servers[] = {
    { "CMServer", "outbound" },
    { "ConfigurationServer", "config" },
    { "MessageServer", "control" },
    { "SCS", "control" },
    { "WebAPIServer", "web" },
};

const char *rules_server_of(struct text application_type)
{
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        if (text_eq(application_type, text_of(servers[i].application_type)))
            return servers[i].server;
    return NULL;
}

const struct option_table *rules_option_table(struct text application_type)
{
    const char *server = rules_server_of(application_type);
    return option_table_find(server ? text_of(server) : application_type);
}
