/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what on our port, beyond having proven a name (docs/decisions/0030). Tools and the
 * supervisor bear names that no Application object can have, and hold the installation's secret; a
 * server of ours is an object that a supervisor starts: everybody else is a third party. */
#include "gen/objects.h"
#include "servers/config/rules.h"
#include "servers/config/server.h"

static bool is_tool(const struct link *link)
{
    return text_eq(link_peer(link), TEXT("tool"));
}

/* NULL: a third party. */
static const char *server_of(const struct config_server *server, const struct link *link)
{
    const struct object *object =
        object_set_find(server->objects, &OBJECT_APPLICATION, TEXT(""), link_peer(link));
    if (object == NULL || body_text(&object->body, "host").len == 0) return NULL;
    const struct value *is_server = body_find(&object->body, TEXT("isServer"));
    if (is_server && !is_server->truth) return NULL;
    return rules_server_of(body_text(&object->body, "type"));
}

/* Web meets strangers, and needs none. */
bool trust_with_secrets(const struct config_server *server, const struct link *link)
{
    const char *name = link ? server_of(server, link) : NULL;
    return name && !text_eq(text_of(name), TEXT("web"));
}

bool trust_to_administer(const struct config_server *server, struct link_request *request)
{
    const struct link *link = link_request_link(request);
    const char *name = link ? server_of(server, link) : NULL;
    if (link && (is_tool(link) || (name && text_eq(text_of(name), TEXT("web"))))) return true;
    struct fault fault;
    (void)fault_set(&fault, ERR_DENIED, "", "only tools, and web for its persons, may do this");
    link_refuse_fault(request, &fault);
    return false;
}
