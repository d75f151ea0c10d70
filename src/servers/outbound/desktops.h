/* SPDX-License-Identifier: Apache-2.0 */
/* desktops.h - who has a desktop, and what is said to desktops and third parties unasked (spec
 * outbound 15.3, 16; design 4). The web servers tell over their links which agents are there; an
 * agent stays there while one link says so. Nothing of it is kept: after a restart the web servers
 * tell the whole again. What is said unasked leaves after the commit of its cause; a desktop that
 * was away asks for a snapshot. */
#ifndef SERVERS_OUTBOUND_DESKTOPS_H
#define SERVERS_OUTBOUND_DESKTOPS_H

#include "servers/outbound/outbound.h"

struct desktops *desktops_new(struct outbound *server);
/* The links that hear what is said unasked; set when the link port listens. */
void desktops_serve(struct desktops *desktops, struct link_server *links);

bool desktop_is_present(const struct outbound *server, struct text agent_id);
/* What a link tells of its agents; their personal records may be due. */
void desktops_presence(struct outbound *server, struct link *link,
                       const struct outbound_desktop_presence *told);
/* The link is gone, and its desktops with it. */
void desktops_forget(struct outbound *server, struct link *link);

/* An event to every web server and connected third party; web picks the desktops by GSW_AGENT_ID or
 * GSW_GROUP_DBID. */
void desktops_send(struct outbound *server, const struct msg *msg, const void *fields);
/* RecordCancelNotification: the record is not the agent's any more. */
struct withdrawn {
    struct text agent_id, campaign, list_name;
    uint32_t handle, call_result;
};
void desktops_send_withdrawn(struct outbound *server, const struct withdrawn *record);
/* CampaignLoaded, CampaignStarted... of the group: `report` is the name of the message (campaign.h,
 * session_outcome.report). */
void desktops_send_campaign(struct outbound *server, const struct session *session,
                            const char *report);

/* Whether the application may give orders: it or we name the other among the connections (spec
 * 16). */
bool third_party_is_connected(const struct outbound *server, struct text application);

#endif
