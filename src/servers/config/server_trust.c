/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts on our port, and what that means (docs/decisions/0043; before it, 0030). Tools and the
 * supervisor bear names that no Application object can have, and hold the installation's secret; a
 * server of ours is an object that a supervisor starts: everybody else is a third party. Begin at
 * actor_of() and actor_rights(): nobody else decides this. */
#include "gen/objects.h"
#include "servers/config/rules.h"
#include "servers/config/server.h"

static bool is_tool(struct text name)
{
    return text_eq(name, TEXT("tool"));
}

static const struct object *application_of(const struct config_server *server, struct text name)
{
    return object_set_find(server->objects, &OBJECT_APPLICATION, TEXT(""), name);
}

/* NULL: a third party. */
static const char *server_of(const struct config_server *server, struct text name)
{
    const struct object *object = application_of(server, name);
    return object ? rules_server_role(object) : NULL;
}

static bool is_role(const char *role, const char *wanted)
{
    return role && text_eq(text_of(role), text_of(wanted));
}

/* A proxy says whose request it passes on, web where its person sits; of nobody else that is
 * believed. */
struct origin origin_of(const struct config_server *server, struct link_request *request)
{
    const struct link *link = request ? link_request_link(request) : NULL;
    if (link == NULL) return (struct origin){ TEXT(""), TEXT("") };
    const struct link_header *header = link_request_header(request);
    if (header->application.len && is_role(server_of(server, link_peer(link)), "config"))
        return (struct origin){ header->application, header->address };
    if (header->address.len && is_role(server_of(server, link_peer(link)), "web"))
        return (struct origin){ link_peer(link), header->address };
    return (struct origin){ link_peer(link), link_peer_address(link) };
}

/* Those that persons and others reach, and that know whom they speak for. */
static bool speaks_for_persons(const char *role)
{
    static const char *const roles[] = { "web", "control", "config" };
    for (size_t i = 0; role && i < sizeof roles / sizeof roles[0]; i++)
        if (text_eq(text_of(role), text_of(roles[i]))) return true;
    return false;
}

struct actor actor_of(const struct config_server *server, struct scope *scope,
                      struct link_request *request)
{
    if (request == NULL) return (struct actor){ .kind = ACTOR_OURSELVES };
    const struct link *link = link_request_link(request);
    const struct link_header *header = link_request_header(request);
    if (link == NULL) return (struct actor){ .kind = ACTOR_NOBODY }; /* it hung up meanwhile */
    struct text name = origin_of(server, request).application;
    struct actor actor = { .application = scope_keep(scope, name) };
    bool speaks = is_tool(name) || speaks_for_persons(server_of(server, name));
    if (header->person.len && speaks) {
        actor.kind = ACTOR_PERSON;
        actor.person = scope_keep(scope, header->person);
        actor.tenant =
            scope_keep(scope, header->tenant.len ? header->tenant : OBJECT_TENANT_DEFAULT);
    } else if (is_tool(name)) {
        actor.kind = ACTOR_TOOL;
    } else if (text_eq(name, TEXT("supervisor"))) {
        actor.kind = ACTOR_SUPERVISOR;
    } else {
        actor.kind = ACTOR_APPLICATION;
    }
    return actor;
}

struct text user_of(struct scope *scope, struct link_request *request, const struct actor *actor)
{
    const struct link *link = request ? link_request_link(request) : NULL;
    if (actor->kind == ACTOR_PERSON) return actor->person;
    if (actor->kind != ACTOR_TOOL || link == NULL || link_peer_user(link).len == 0) return TEXT("");
    return scope_format(scope, "os:%.*s", TEXT_ARG(link_peer_user(link)));
}

/* --- what it may ---------------------------------------------------------------------------- */

static struct access_rights *plain(const struct config_server *server, struct scope *scope,
                                   enum access_kind kind)
{
    return access_new(scope, server->acl, server->objects, kind);
}

static struct access_rights *of_account(const struct config_server *server, struct scope *scope,
                                        const struct object *account)
{
    return access_of_account(scope, server->acl, server->objects, account);
}

/* System: a server of ours may everything, a third party reads as it always did. */
static struct access_rights *of_application(const struct config_server *server, struct scope *scope,
                                            struct text name)
{
    const struct object *application = application_of(server, name);
    if (application == NULL || !membership_is_enabled(application))
        return plain(server, scope, ACCESS_NOTHING);
    struct text account = body_text(&application->body, "logOnAs");
    if (account.len == 0 || text_eq(account, TEXT(LOG_ON_AS_SYSTEM)))
        return plain(server, scope,
                     rules_server_role(application) ? ACCESS_TO_EVERYTHING : ACCESS_TO_READ);
    struct object_view view = { .objects = server->objects };
    struct access_rights *rights =
        of_account(server, scope, membership_find(&view, account, OBJECT_TENANT_DEFAULT));
    rights->application = application;
    return rights;
}

struct access_rights *actor_rights(const struct config_server *server, struct scope *scope,
                                   const struct actor *actor)
{
    switch (actor->kind) {
    case ACTOR_OURSELVES:
    case ACTOR_TOOL: return plain(server, scope, ACCESS_TO_EVERYTHING);
    case ACTOR_SUPERVISOR: return plain(server, scope, ACCESS_TO_READ);
    case ACTOR_APPLICATION: return of_application(server, scope, actor->application);
    case ACTOR_PERSON:
        return of_account(
            server, scope,
            object_set_find(server->objects, &OBJECT_PERSON, actor->tenant, actor->person));
    case ACTOR_NOBODY: break;
    }
    return plain(server, scope, ACCESS_NOTHING);
}

struct access_rights *request_rights(const struct config_server *server,
                                     struct link_request *request)
{
    struct scope *scope = link_request_scope(request);
    struct actor actor = actor_of(server, scope, request);
    return actor_rights(server, scope, &actor);
}

/* --- beyond objects ------------------------------------------------------------------------- */

/* Web meets strangers, and needs none but that of its own store. */
bool trust_with_secrets(const struct config_server *server, const struct link *link)
{
    const char *role = link ? server_of(server, link_peer(link)) : NULL;
    return role && !is_role(role, "web");
}

bool trust_with_access_point(const struct config_server *server, const struct link *link,
                             const struct object *object)
{
    if (object->type != &OBJECT_APPLICATION || link == NULL) return false;
    const struct object *self = application_of(server, link_peer(link));
    if (self == NULL || !text_eq(body_text(&object->body, "type"), TEXT("Database"))) return false;
    const struct value *connections = body_find(&self->body, TEXT("connections"));
    for (uint32_t i = 0; connections && i < connections->items.count; i++)
        if (text_eq(body_text(&connections->items.at[i].pairs, "server"), object->key))
            return rules_server_role(self) != NULL;
    return false;
}

bool trust_with_copy(const struct config_server *server, const struct link *link)
{
    return is_role(server_of(server, link_peer(link)), "config");
}

bool trust_with_seats(const struct config_server *server, struct link_request *request)
{
    if (server_of(server, origin_of(server, request).application)) return true;
    struct fault fault;
    (void)fault_set(&fault, ERR_DENIED, "", "only servers hold licences");
    link_refuse_fault(request, &fault);
    return false;
}

bool trust_with_accounts(const struct config_server *server, struct link_request *request)
{
    struct text name = origin_of(server, request).application;
    if (is_tool(name) || is_role(server_of(server, name), "web")) return true;
    struct fault fault;
    (void)fault_set(&fault, ERR_DENIED, "", "only tools, and web for its persons, may do this");
    link_refuse_fault(request, &fault);
    return false;
}
