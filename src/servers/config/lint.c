/* SPDX-License-Identifier: Apache-2.0 */
/* Words of warning between objects: what is allowed, and hardly meant (framework 2.3, 2.4, 7.1). Of
 * each object that moves, and of those it makes a pair or a cluster with. */
#include "gen/objects.h"
#include "model/application_type.h"
#include "model/zone.h"
#include "servers/config/draft.h"
#include "servers/config/grammar.h"
#include "servers/config/rules.h"

enum { DIFFERENCES_MAX = 10 }; /* told of two objects */

struct lint {
    const struct change_set *set;
    struct warnings *warnings;
    struct scope *scratch;
    struct table *primaries; /* key of a backup to its primary */
};

#define WARN(lint, object, ...) warn(lint, object, scope_format((lint)->scratch, __VA_ARGS__))

static void warn(const struct lint *lint, const struct object *object, struct text words)
{
    struct text label = object_label(lint->scratch, object->type, object->tenant, object->key);
    warning_add(lint->warnings,
                scope_format(lint->scratch, "%.*s.%.*s", TEXT_ARG(label), TEXT_ARG(words)));
}

static const struct object *application(const struct lint *lint, struct text name)
{
    if (name.len == 0) return NULL;
    return draft_find(lint->set,
                      object_identity(lint->scratch, &OBJECT_APPLICATION, TEXT(""), name));
}

/* --- options of two ------------------------------------------------------------------------- */

static const struct kv *options_of(const struct object *object)
{
    static const struct kv none = { 0 };
    const struct value *options = body_find(&object->body, TEXT("options"));
    return options ? &options->pairs : &none;
}

/* Which media a member handles is its own affair. */
static bool is_own(struct text section)
{
    return text_eq_fold(section, TEXT("cluster-settings"));
}

static const struct value *option_of(const struct object *object, struct text section,
                                     struct text name)
{
    const struct value *there = kv_find_fold(options_of(object), section);
    return there && there->kind == VALUE_KV ? kv_find_fold(&there->pairs, name) : NULL;
}

/* What `one` has and `other` has not, or has otherwise; `is_back`: what differs was told. */
static void compare_options(const struct lint *lint, const struct object *one,
                            const struct object *other, bool is_back, uint32_t *told)
{
    const struct kv *options = options_of(one);
    for (uint32_t i = 0; i < options->count; i++) {
        const struct pair *section = &options->at[i];
        if (is_own(section->name) || section->value.kind != VALUE_KV) continue;
        for (uint32_t k = 0; k < section->value.pairs.count && *told < DIFFERENCES_MAX; k++) {
            const struct pair *option = &section->value.pairs.at[k];
            const struct value *its = option_of(other, section->name, option->name);
            if (text_starts(option->name, TEXT("#")) || (its && is_back) ||
                (its && body_values_equal(its, &option->value)))
                continue;
            (*told)++;
            WARN(lint, one, "options.%.*s.%.*s: %s applications[%.*s]", TEXT_ARG(section->name),
                 TEXT_ARG(option->name), its ? "is another on" : "is missing on",
                 TEXT_ARG(other->key));
        }
    }
}

static void lint_same_options(const struct lint *lint, const struct object *one,
                              const struct object *other)
{
    uint32_t told = 0;
    compare_options(lint, one, other, false, &told);
    compare_options(lint, other, one, true, &told);
}

/* --- pairs ---------------------------------------------------------------------------------- */

static bool is_same(const struct object *one, const struct object *other, const char *name)
{
    const struct value *a = body_find(&one->body, text_of(name)),
                       *b = body_find(&other->body, text_of(name));
    return a == b || (a && b && body_values_equal(a, b));
}

static void lint_pair(const struct lint *lint, const struct object *primary,
                      const struct object *backup)
{
    static const char *const same[] = { "type", "tenants" };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (!is_same(primary, backup, same[i]))
            WARN(lint, primary, "%s: is another than that of its backup applications[%.*s]",
                 same[i], TEXT_ARG(backup->key));
    struct text host = body_text(&primary->body, "host");
    if (host.len && text_eq(host, body_text(&backup->body, "host")))
        WARN(lint, primary, "backupServer: applications[%.*s] is on the same host",
             TEXT_ARG(backup->key));
    const struct value *is_primary = body_find(&backup->body, TEXT("isPrimary"));
    if (is_primary == NULL || is_primary->truth)
        WARN(lint, backup, "isPrimary: is true, and it is the backup of applications[%.*s]",
             TEXT_ARG(primary->key));
    lint_same_options(lint, primary, backup);
}

/* --- connections ---------------------------------------------------------------------------- */

static bool has_port(const struct object *server, struct text id)
{
    const struct value *ports = body_find(&server->body, TEXT("ports"));
    for (uint32_t i = 0; ports && i < ports->items.count; i++)
        if (text_eq(body_text(&ports->items.at[i].pairs, "id"), id)) return true;
    return ports == NULL; /* it is told elsewhere where it listens */
}

/* The node that comes first is what the others are measured by. */
static void lint_nodes(const struct lint *lint, const struct object *node,
                       const struct object *cluster)
{
    const struct object *other;
    for (size_t at = 0; (other = draft_next(lint->set, &OBJECT_APPLICATION, &at));) {
        if (other == node || !rules_is_node(other, cluster) || !is_same(node, other, "type"))
            continue;
        lint_same_options(lint, node, other);
        return;
    }
}

/* What the guides' servers expect of their access point (framework 11). */
static void lint_database(const struct lint *lint, const struct object *client,
                          const struct object *database)
{
    struct text type = body_text(&client->body, "type");
    if (text_eq(type, TEXT("InteractionServer")) &&
        text_eq_fold(kv_option(options_of(database), "settings", "case-conversion"), TEXT("lower")))
        WARN(lint, client,
             "connections[%.*s]: its case-conversion is lower, and must be any or upper",
             TEXT_ARG(database->key));
    if (text_eq(type, TEXT("ContactServer")) &&
        kv_option(options_of(database), "settings", "dbms-name").len &&
        text_eq_fold(kv_option(options_of(database), "settings", "connection-type"), TEXT("JDBC")))
        WARN(lint, client, "connections[%.*s]: its dbms-name must be empty with JDBC",
             TEXT_ARG(database->key));
}

static void lint_connection(const struct lint *lint, const struct object *client,
                            const struct kv *connection)
{
    struct text name = body_text(connection, "server"), id = body_text(connection, "portId");
    const struct object *server = application(lint, name),
                        *primary = table_get(lint->primaries, name);
    if (server == NULL) return;
    if (text_eq(body_text(&server->body, "type"), TEXT("Database")))
        lint_database(lint, client, server);
    if (id.len == 0) id = TEXT("default");
    if (!has_port(server, id))
        WARN(lint, client, "connections[%.*s].portId: it has no port \"%.*s\"", TEXT_ARG(name),
             TEXT_ARG(id));
    /* A backup finds its primary by a connection of its own. */
    if (primary && primary != client)
        WARN(lint, client, "connections[%.*s]: is the backup of %.*s, which alone is to be named",
             TEXT_ARG(name), TEXT_ARG(primary->key));
}

/* --- types, protocols, ports ---------------------------------------------------------------- */

static bool is_one_of(struct text word, const char *const *known)
{
    while (*known && !text_eq_fold(word, text_of(*known))) known++;
    return *known != NULL;
}

/* Of servers of ours alone: what others speak is theirs. */
static void lint_protocols(const struct lint *lint, const struct object *object)
{
    static const char *const of_ports[] = { "", "addp", "http", "https", "tcps", NULL };
    static const char *const of_connections[] = { "",      "simple", "addp", "http",
                                                  "https", "tcps",   NULL };
    const struct value *ports = body_find(&object->body, TEXT("ports"));
    const struct value *connections = body_find(&object->body, TEXT("connections"));
    for (uint32_t i = 0; ports && i < ports->items.count; i++) {
        const struct kv *port = &ports->items.at[i].pairs;
        struct text protocol = body_text(port, "connectionProtocol");
        if (!is_one_of(protocol, of_ports))
            WARN(lint, object, "ports[%.*s].connectionProtocol: \"%.*s\" is none that it speaks",
                 TEXT_ARG(body_text(port, "id")), TEXT_ARG(protocol));
    }
    for (uint32_t i = 0; connections && i < connections->items.count; i++) {
        const struct kv *connection = &connections->items.at[i].pairs;
        struct text protocol = body_text(connection, "protocol");
        if (!is_one_of(protocol, of_connections))
            WARN(lint, object, "connections[%.*s].protocol: \"%.*s\" is none that it speaks",
                 TEXT_ARG(body_text(connection, "server")), TEXT_ARG(protocol));
    }
}

/* Framework 4.2: those that others wait for are given more time. */
static void lint_heartbeat(const struct lint *lint, const struct object *object)
{
    enum { LEAST_S = 40 };
    const char *server = application_type_server(body_text(&object->body, "type"));
    struct text value = kv_option(options_of(object), "sml", "heartbeat-period");
    uint32_t seconds;
    bool is_slow = text_eq(text_of(server), TEXT("config")) ||
                   text_eq(text_of(server), TEXT("control"));
    if (is_slow && text_to_u32(text_trim(value), 1, LEAST_S - 1, &seconds) == ERR_OK)
        WARN(lint, object, "options.sml.heartbeat-period: is taken as %d, the least of %s", LEAST_S,
             server);
}

static void lint_type(const struct lint *lint, const struct object *object)
{
    struct text type = body_text(&object->body, "type");
    if (!is_one_of(type, rules_application_types))
        WARN(lint, object, "type: \"%.*s\" is none of the application types that are known",
             TEXT_ARG(type));
    if (application_type_server(type) == NULL) return;
    lint_protocols(lint, object);
    lint_heartbeat(lint, object);
    if (rules_server_role(object) && body_find(&object->body, TEXT("ports")) &&
        !has_port(object, TEXT("default")))
        WARN(lint, object, "ports: there is no port \"default\", by which it is reached");
}

static void lint_clusters(const struct lint *lint, const struct object *object)
{
    const struct object *cluster;
    for (size_t at = 0; (cluster = draft_next(lint->set, &OBJECT_APPLICATION, &at));)
        if (rules_is_node(object, cluster)) lint_nodes(lint, object, cluster);
}

static void lint_application(const struct lint *lint, const struct object *object)
{
    lint_type(lint, object);
    lint_clusters(lint, object);
    const struct value *connections = body_find(&object->body, TEXT("connections"));
    for (uint32_t i = 0; connections && i < connections->items.count; i++)
        lint_connection(lint, object, &connections->items.at[i].pairs);
    const struct object *backup = application(lint, body_text(&object->body, "backupServer"));
    const struct object *primary = table_get(lint->primaries, object->key);
    if (backup) lint_pair(lint, object, backup);
    if (primary && primary != object) lint_pair(lint, primary, object);
}

/* --- others --------------------------------------------------------------------------------- */

static void lint_treatment(const struct lint *lint, const struct object *object)
{
    if (body_text(&object->body, "callActionCode").len && !body_text(&object->body, "destDN").len)
        WARN(lint, object, "destDN: is missing, so the whole treatment is ignored");
}

static bool is_directive(struct text name)
{
    static const char *const known[] = { "_allocation_strategy", "_booking_expiration_timeout",
                                         "_backup_resource" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (text_eq_fold(name, text_of(known[i]))) return true;
    return false;
}

/* Of a list, what begins with _ is no row (framework 2.4). */
static void lint_list(const struct lint *lint, const struct object *object)
{
    const struct value *annex = body_find(&object->body, TEXT("annex"));
    bool is_list = text_eq(body_text(&object->body, "type"), TEXT("List"));
    for (uint32_t i = 0; is_list && annex && i < annex->pairs.count; i++) {
        const struct pair *group = &annex->pairs.at[i];
        for (uint32_t k = 0; k < group->value.pairs.count; k++) {
            struct text name = group->value.pairs.at[k].name;
            if (text_starts(name, TEXT("_")) && !is_directive(name))
                WARN(lint, object, "annex.%.*s.%.*s: is no directive that is known, and no row",
                     TEXT_ARG(group->name), TEXT_ARG(name));
        }
    }
}

/* --- alarms, numbers, zones ----------------------------------------------------------------- */

static void lint_alarm_condition(const struct lint *lint, const struct object *object)
{
    if (body_text(&object->body, "detectEvent").len && body_text(&object->body, "detectScript").len)
        WARN(lint, object, "detectEvent: is passed over, for there is a detectScript");
}

static void lint_script(const struct lint *lint, const struct object *object)
{
    const struct value *annex = body_find(&object->body, TEXT("annex"));
    const struct value *section = annex ? kv_find_fold(&annex->pairs, TEXT("detection")) : NULL;
    if (!text_eq(body_text(&object->body, "type"), TEXT("AlarmDetection"))) return;
    if (section == NULL || section->kind != VALUE_KV ||
        kv_find_fold(&section->pairs, TEXT("expression")) == NULL)
        WARN(lint, object, "annex.detection.expression: is missing, so it detects nothing");
}

static void lint_switch(const struct lint *lint, const struct object *object)
{
    struct text range = body_text(&object->body, "dnRange");
    if (range.len && !is_number_ranges(range))
        WARN(lint, object, "dnRange: is no list of ranges as 1000-1999,2001");
}

/* Another machine may know it. */
static void lint_time_zone(const struct lint *lint, const struct object *object)
{
    struct text name = body_text(&object->body, "ianaName");
    if (name.len && !zone_is_known(name))
        WARN(lint, object, "ianaName: this machine has no time zone %.*s", TEXT_ARG(name));
}

/* --- all ------------------------------------------------------------------------------------ */

static void note_primaries(struct lint *lint)
{
    const struct object *object;
    for (size_t at = 0; (object = draft_next(lint->set, &OBJECT_APPLICATION, &at));) {
        struct text backup = body_text(&object->body, "backupServer");
        if (backup.len) table_put(lint->primaries, backup, (void *)(uintptr_t)object);
    }
}

static void lint_one(const struct lint *lint, const struct object *object)
{
    static const struct {
        const struct object_type *type;
        void (*look)(const struct lint *lint, const struct object *object);
    } looks[] = {
        { &OBJECT_ALARM_CONDITION, lint_alarm_condition },
        { &OBJECT_SCRIPT, lint_script },
        { &OBJECT_SWITCH, lint_switch },
        { &OBJECT_TIME_ZONE, lint_time_zone },
        { &OBJECT_TRANSACTION, lint_list },
        { &OBJECT_TREATMENT, lint_treatment },
    };
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (looks[i].type == object->type) looks[i].look(lint, object);
}

void draft_lint(const struct change_set *set, struct warnings *warnings)
{
    struct lint lint = { .set = set,
                         .warnings = warnings,
                         .scratch = scope_new(set->life, "lint", SCOPE_NO_LIMIT) };
    lint.primaries = table_new(lint.scratch);
    bool is_noted = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct object *object = set->at[i]->after;
        if (object == NULL) continue;
        lint_one(&lint, object);
        if (object->type != &OBJECT_APPLICATION) continue;
        if (!is_noted) note_primaries(&lint);
        is_noted = true;
        lint_application(&lint, object);
    }
    scope_close(lint.scratch);
}
