/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/rest_route.h"

#include <string.h>

static bool fits(struct text pattern, struct text path, struct rest_match *out)
{
    struct text wanted, is, pattern_rest, path_rest;
    out->count = 0;
    for (;;) {
        bool has_wanted = text_cut(pattern, '/', &wanted, &pattern_rest);
        bool has_is = text_cut(path, '/', &is, &path_rest);
        if (has_wanted != has_is) return false;
        if (!has_wanted) {
            wanted = pattern;
            is = path;
        }
        if (text_starts(wanted, TEXT("{"))) {
            if (is.len == 0 || out->count == REST_PARTS_MAX) return false;
            out->values[out->count++] = is;
        } else if (!text_eq(wanted, is)) {
            return false;
        }
        if (!has_wanted) return true;
        pattern = pattern_rest;
        path = path_rest;
    }
}

enum rest_verdict rest_route_find(const struct route_table *table, struct text method,
                                  struct text path, struct rest_match *out)
{
    struct text wanted = text_eq(method, TEXT("HEAD")) ? TEXT("GET") : method;
    *out = (struct rest_match){ 0 };
    for (size_t i = 0; i < table->count; i++) {
        const struct route *route = &table->routes[i];
        if (out->route == NULL && fits(text_of(route->path), path, out)) out->route = route;
        if (out->route == NULL || strcmp(out->route->path, route->path) != 0) continue;
        if (!text_eq(wanted, text_of(route->method))) continue;
        out->route = route;
        return REST_FOUND;
    }
    return out->route ? REST_NO_METHOD : REST_NO_PATH;
}

void rest_route_allowed(const struct route_table *table, const struct route *route, struct buf *out)
{
    size_t before = out->len;
    for (size_t i = 0; i < table->count; i++) {
        const struct route *one = &table->routes[i];
        if (strcmp(one->path, route->path) != 0) continue;
        if (out->len != before) buf_add_z(out, ", ");
        buf_add_z(out, one->method);
        if (strcmp(one->method, "GET") == 0) buf_add_z(out, ", HEAD");
    }
}
