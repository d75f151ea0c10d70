/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/rules.h"

#include "base/table.h"
#include "gen/objects.h"
#include "model/application_type.h"
#include "servers/config/limits.h"
#include "servers/config/reference.h"
#include "servers/config/rules_private.h"

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

void rules_check_path(const struct checking *checking, const char *name)
{
    struct text path = body_text(&checking->object->body, name);
    if (path.len && !is_path(path))
        REFUSE(checking, text_of(name), "%.*s.%s: must be names joined by /",
               TEXT_ARG(checking->label), name);
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

bool rules_check(const struct object *object, struct text label, struct problems *problems)
{
    struct checking checking = { object, label, problems, problems->count + problems->left_out };
    check_options(&checking);
    rules_check_path(&checking, "folder");
    references_each(object, check_script, &checking);
    rules_check_type(&checking);
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
