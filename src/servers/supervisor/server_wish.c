/* SPDX-License-Identifier: Apache-2.0 */
/* What an Application object of this host asks for: which program, by which rules, whether now. */
#include "servers/supervisor/server_private.h"

#include "gen/objects.h"
#include "model/option.h"

#include <stdio.h>

enum { HEARTBEAT_LEAST_MS = 40000 }; /* of config and control (framework 4.2) */

/* One application in one look at everything that is known. */
struct wish {
    const struct object_application *object;
    const struct object_app_prototype *template; /* NULL: unknown */
    const char *server; /* of ours; NULL: a program that its Start Info names */
    const struct common_options *options;
};

static struct text type_of(const struct wish *wish)
{
    struct text type = wish->object->type;
    return type.len == 0 && wish->template != NULL ? wish->template->type : type;
}

static const char *server_of(const struct supervisor *supervisor, const struct wish *wish)
{
    struct text type = type_of(wish);
    for (size_t i = 0; i < supervisor->setup->role_count; i++) {
        const struct supervisor_role *role = &supervisor->setup->roles[i];
        if (text_eq(type, text_of(role->application_type)) || text_eq(type, text_of(role->server)))
            return role->server;
    }
    return NULL;
}

/* The application goes before its template (framework 2.3). */
static const struct common_options *options_of(const struct wish *wish, struct scope *scratch)
{
    struct option_layer layers[] = {
        { LEVEL_APPLICATION, &wish->object->options },
        { LEVEL_APPLICATION, &wish->object->annex },
        { LEVEL_APPLICATION, wish->template ? &wish->template->options : NULL },
    };
    struct option_source source = { wish->object->name, layers, 3 };
    return option_resolve(&OPTIONS_COMMON, &source, NULL, scratch, NULL, NULL);
}

static void set_policy(struct supervised *supervised, const struct wish *wish)
{
    struct application_policy policy = supervised_policy(supervised->supervisor);
    const struct object_application *object = wish->object;
    if (SHAPE_HAS(object, OBJECT_APPLICATION_HAS_STARTUP_TIMEOUT))
        policy.startup_ms = object->startup_timeout * 1000ull;
    if (SHAPE_HAS(object, OBJECT_APPLICATION_HAS_SHUTDOWN_TIMEOUT))
        policy.shutdown_ms = object->shutdown_timeout * 1000ull;
    policy.auto_restart = !SHAPE_HAS(object, OBJECT_APPLICATION_HAS_AUTO_RESTART) ||
                          object->auto_restart;
    policy.suspending_wait_ms = wish->options->sml_suspending_wait_timeout * 1000ull;
    policy.heartbeat_ms = wish->server ? wish->options->sml_heartbeat_period * 1000ull : 0;
    policy.hangup_restart = wish->options->sml_hangup_restart;
    bool is_control = wish->server && text_eq(text_of(wish->server), TEXT("control"));
    bool is_config = wish->server && text_eq(text_of(wish->server), TEXT("config"));
    if ((is_control || is_config) && policy.heartbeat_ms > 0 &&
        policy.heartbeat_ms < HEARTBEAT_LEAST_MS)
        policy.heartbeat_ms = HEARTBEAT_LEAST_MS;
    if (is_control) policy.hangup_restart = true; /* whatever it says (framework 4.2) */
    supervised->application.policy = policy;
}

static void set_url(struct supervised *supervised, const struct object_application *object)
{
    for (uint32_t i = 0; i < object->ports.count; i++) {
        const struct object_application_port *port = &object->ports.at[i];
        if (!text_eq(port->connection_protocol, TEXT("http"))) continue;
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%u", port->number);
        if (!text_eq(supervised->url, text_of(url)))
            supervised->url = scope_keep(supervised->supervisor->life, text_of(url));
        return;
    }
}

/* startupType is automatic unless it says otherwise; sml.autostart goes before "manual". */
static bool starts_by_itself(const struct wish *wish)
{
    const struct object_application *object = wish->object;
    if (!SHAPE_HAS(object, OBJECT_APPLICATION_HAS_STARTUP_TYPE) ||
        text_eq(object->startup_type, TEXT("automatic")))
        return true;
    return text_eq(object->startup_type, TEXT("manual")) && wish->options->sml_autostart;
}

/* --- wanted or not -------------------------------------------------------------------------- */

void wish_end(struct supervised *supervised)
{
    supervised->is_wanted = supervised->has_started_now = false;
    supervised_feed(supervised, APPLICATION_STOP_GRACEFULLY);
}

static void take_program(struct supervised *supervised, const struct wish *wish)
{
    bool is_new = program_take(supervised, wish->object, wish->template, type_of(wish));
    if (is_new && supervised->is_refused) supervised->has_started_now = false; /* mended, perhaps */
}

static bool names_program(const struct object_application *object)
{
    return object->start != NULL && object->start->command.len > 0;
}

static void want(struct supervisor *supervisor, const struct wish *wish)
{
    struct supervised *supervised = supervised_get(supervisor, wish->object->name);
    if (supervised == NULL) return;
    supervised->is_wanted = supervised->is_in_page = true;
    if (wish->server)
        supervised_set_server(supervised, text_of(wish->server));
    else
        supervised->server = NULL;
    set_policy(supervised, wish);
    set_url(supervised, wish->object);
    if (wish->server == NULL) take_program(supervised, wish);
    if (supervised->has_started_now || supervisor->stopping || !starts_by_itself(wish)) return;
    supervised->has_started_now = true;
    supervised_feed(supervised, APPLICATION_START);
}

void wish_take(struct supervisor *supervisor, const struct object_application *object,
               const struct object_app_prototype *template, struct scope *scratch)
{
    struct wish wish = { .object = object, .template = template };
    wish.options = options_of(&wish, scratch);
    wish.server = server_of(supervisor, &wish);
    if (wish.server != NULL || names_program(object)) want(supervisor, &wish);
}
