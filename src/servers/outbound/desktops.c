/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/desktops.h"

#include "servers/outbound/seat_keeper.h"
#include "servers/outbound/traffic_log.h"

#include "gen/objects.h"

enum { AGENTS_PER_LINK_MAX = 100000 };

struct agent_there {
    struct scope *life;
    struct text id;
};

/* One web server, and the agents whose desktops it has. */
struct web_link {
    struct list node;
    struct scope *life;
    struct link *link;
    struct table *agents;
};

struct desktops {
    struct link_server *links; /* NULL: the port does not listen yet */
    struct list webs;
};

struct desktops *desktops_new(struct outbound *server)
{
    struct desktops *desktops = scope_alloc(server->app->life, sizeof *desktops);
    list_init(&desktops->webs);
    return desktops;
}

void desktops_serve(struct desktops *desktops, struct link_server *links)
{
    desktops->links = links;
}

/* --- who is there --------------------------------------------------------------------------- */

bool desktop_is_present(const struct outbound *server, struct text agent_id)
{
    LIST_EACH (node, &server->desktops->webs)
        if (table_get(LIST_OBJECT(node, struct web_link, node)->agents, agent_id)) return true;
    return false;
}

static struct web_link *web_of(struct outbound *server, struct link *link)
{
    struct desktops *desktops = server->desktops;
    LIST_EACH (node, &desktops->webs) {
        struct web_link *web = LIST_OBJECT(node, struct web_link, node);
        if (web->link == link) return web;
    }
    struct scope *life = scope_new(server->app->life, "web link", SCOPE_NO_LIMIT);
    struct web_link *web = scope_alloc(life, sizeof *web);
    *web = (struct web_link){ .life = life, .link = link, .agents = table_new(life) };
    list_add_last(&desktops->webs, &web->node);
    return web;
}

static void forget_all(struct web_link *web)
{
    struct agent_there *agent;
    for (size_t at = 0; (agent = table_next(web->agents, &at)) != NULL;) scope_close(agent->life);
    table_clear(web->agents);
}

static void add(struct web_link *web, struct text id)
{
    if (table_get(web->agents, id) || table_count(web->agents) >= AGENTS_PER_LINK_MAX) return;
    struct scope *life = scope_new(web->life, "agent", SCOPE_NO_LIMIT);
    struct agent_there *agent = scope_alloc(life, sizeof *agent);
    *agent = (struct agent_there){ life, scope_keep(life, id) };
    table_put(web->agents, agent->id, agent);
}

static void take_away(struct web_link *web, struct text id)
{
    struct agent_there *agent = table_remove(web->agents, id);
    if (agent) scope_close(agent->life);
}

void desktops_presence(struct outbound *server, struct link *link,
                       const struct outbound_desktop_presence *told)
{
    struct web_link *web = web_of(server, link);
    if (told->is_whole) forget_all(web);
    for (uint32_t i = 0; i < told->gone.count; i++) take_away(web, told->gone.at[i]);
    for (uint32_t i = 0; i < told->present.count; i++) add(web, told->present.at[i]);
    for (uint32_t i = 0; i < told->gone.count; i++)
        if (!desktop_is_present(server, told->gone.at[i]))
            seat_keeper_leave(server, told->gone.at[i]);
}

void desktops_forget(struct outbound *server, struct link *link)
{
    LIST_EACH (node, &server->desktops->webs) {
        struct web_link *web = LIST_OBJECT(node, struct web_link, node);
        if (web->link != link) continue;
        list_remove(&web->node);
        scope_close(web->life);
        return;
    }
}

/* --- what is said unasked ------------------------------------------------------------------- */

static bool connects(const struct app_object *client, struct text server_name)
{
    const struct object_application *fields = (const struct object_application *)client->fields;
    for (uint32_t i = 0; i < fields->connections.count; i++)
        if (text_eq(fields->connections.at[i].server, server_name)) return true;
    return false;
}

bool third_party_is_connected(const struct outbound *server, struct text application)
{
    const struct app *app = server->app;
    const struct app_object *other = app_object(app, &OBJECT_APPLICATION, application);
    const struct app_object *self = app_self(app);
    return other && self && (connects(other, app->name) || connects(self, application));
}

void desktops_send(struct outbound *server, const struct msg *msg, const void *fields)
{
    struct link_server *links = server->desktops->links;
    traffic_log_fields(server, "event", msg, fields);
    if (links == NULL) return;
    for (struct link *link = NULL; (link = link_server_next(links, link)) != NULL;) {
        if (!third_party_is_connected(server, link_peer(link))) continue;
        link_send(link, msg, fields);
        traffic_log_sent(server, link, msg);
    }
}

void desktops_send_withdrawn(struct outbound *server, const struct withdrawn *record)
{
    struct outbound_record_cancel_notification event = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_RECORD_CANCEL_NOTIFICATION),
        .gsw_agent_id = record->agent_id,
        .gsw_record_handle = record->handle,
        .gsw_campaign_name = record->campaign,
        .gsw_calling_list = record->list_name,
        .gsw_call_result = record->call_result,
    };
    desktops_send(server, &MSG_OUTBOUND_RECORD_CANCEL_NOTIFICATION, &event);
}

void desktops_send_campaign(struct outbound *server, const struct session *session,
                            const char *report)
{
    const struct msg *msg = msg_find_name(TEXT("outbound"), text_of(report));
    struct session_names names;
    if (msg == NULL || !session_names(server, session->dbid, &names, NULL)) return;
    const struct object_campaign *campaign =
        (const struct object_campaign *)names.campaign_object->fields;
    struct outbound_campaign_loaded event = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_CAMPAIGN_LOADED) &
                    ~(OUTBOUND_CAMPAIGN_LOADED_HAS_GSW_OPTIMIZE_BY |
                      OUTBOUND_CAMPAIGN_LOADED_HAS_GSW_OPTIMIZE_GOAL),
        .gsw_campaign_name = names.campaign,
        .gsw_campaign_description = campaign->description,
        .gsw_dial_mode = session->dialing.mode,
        .gsw_campaign_group_dbid = session->dbid,
        .gsw_campaign_group_name = names.campaign_group,
        .gsw_group_dbid = names.group_dbid,
        .gsw_group_name = names.group,
        .gsw_campaign_group_guid = guid_text(&session->guid),
        .gsw_optimize_by = session->dialing.optimize_by,
        .gsw_optimize_goal = session->dialing.optimize_goal,
    };
    if (session->dialing.optimize_by)
        event.head.has |= OUTBOUND_CAMPAIGN_LOADED_HAS_GSW_OPTIMIZE_BY |
                          OUTBOUND_CAMPAIGN_LOADED_HAS_GSW_OPTIMIZE_GOAL;
    desktops_send(server, msg, &event);
}
