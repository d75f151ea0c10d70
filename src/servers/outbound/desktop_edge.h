/* SPDX-License-Identifier: Apache-2.0 */
/* desktop_edge.h - requests of desktops, tools and third parties, as they come over links (spec
 * outbound 15, 16). A web server asks for its desktops; the command line may ask for everything;
 * another application must be connected with ours, else it is disregarded silently, and so is a
 * request with another GSW_APPLICATION_ID. */
#ifndef SERVERS_OUTBOUND_DESKTOP_EDGE_H
#define SERVERS_OUTBOUND_DESKTOP_EDGE_H

#include "servers/outbound/outbound.h"

/* Rows for app_listen(), with the server's struct outbound as `self`; `more` are rows of others,
 * ended by one without a message, who ask desktop_edge_disregards() first. In `scope`. */
const struct link_handler *desktop_link_handlers(struct scope *scope,
                                                 const struct link_handler *more);
/* True: not from one whom we obey, or not meant for us; nothing more to do. */
bool desktop_edge_disregards(struct outbound *server, struct link_request *asked,
                             const void *fields);
extern const struct link_life desktop_link_life;

#endif
