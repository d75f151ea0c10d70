/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - which action a request names (spec outbound 14.2, 14.3): /<resource>/<identifier>?req=
 * looked up in the generated table.
 * Promise  results are views into the path and the table.
 * Pure     no clock, no I/O, no allocation. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_ROUTE_H
#define SERVERS_OUTBOUND_HTTP_PROXY_ROUTE_H

#include "base/buf.h"
#include "base/catalogue.h"

enum route_verdict {
    ROUTE_FOUND,
    ROUTE_NO_RESOURCE, /* 404: no such resource type, or no identifier */
    ROUTE_NO_METHOD,   /* 405: see route_allowed() */
    ROUTE_NO_REQ,      /* 400: no such action for this resource, or none named */
};

struct route_match {
    const struct route *route; /* of ROUTE_FOUND */
    struct text resource;      /* by its first spelling: "lists" also for "callinglists" */
    struct text identifier;    /* still percent-encoded, not empty */
};

/* `req` empty: none was given. With ROUTE_NO_METHOD `out->resource` is set, and `out->route` when
 * only this action wants another method. */
enum route_verdict route_find(const struct route_table *table, struct text method, struct text path,
                              struct text req, struct route_match *out);
/* What Allow says: the methods of the resource, "GET, POST", or those of `req` alone where it is
 * not empty. */
void route_allowed(const struct route_table *table, struct text resource, struct text req,
                   struct buf *out);
/* The action's name: its req, or the message's for a plain GET. */
struct text route_action(const struct route *route);
/* The resource of its path, by its first spelling: "records". */
struct text route_resource(const struct route *route);
/* The desktop key that the path holds: GSW_RECORD_HANDLE for records. */
struct text route_resource_key(struct text resource);
/* Whether the action needs a body: its message has required fields beside the path's. */
bool route_needs_body(const struct route *route, struct text resource);

#endif
