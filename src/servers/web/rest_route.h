/* SPDX-License-Identifier: Apache-2.0 */
/* rest_route.h - which row of the route table a request names: paths with parts in braces, and the
 * methods that a path knows. Of two rows that fit a path the one further up counts; its path is the
 * only one that is looked at for methods.
 * Promise  results are views into the path and the table.
 * Pure     no clock, no I/O, no allocation. */
#ifndef SERVERS_WEB_REST_ROUTE_H
#define SERVERS_WEB_REST_ROUTE_H

#include "base/buf.h"
#include "base/catalogue.h"

enum { REST_PARTS_MAX = 4 };

enum rest_verdict { REST_FOUND, REST_NO_PATH, REST_NO_METHOD };

struct rest_match {
    const struct route *route; /* of FOUND; of NO_METHOD the first with this path */
    struct text
        values[REST_PARTS_MAX]; /* of the parts in braces, still percent-encoded, not empty */
    uint32_t count;
};

/* HEAD is answered as GET is. */
enum rest_verdict rest_route_find(const struct route_table *table, struct text method,
                                  struct text path, struct rest_match *out);
/* What Allow says of the path of `route`: "GET, HEAD, POST". */
void rest_route_allowed(const struct route_table *table, const struct route *route,
                        struct buf *out);

#endif
