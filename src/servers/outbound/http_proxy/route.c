/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/route.h"

#include <string.h>

static const struct resource {
    const char *name, *other_spelling, *key;
} resources[] = {
    { "records", NULL, "GSW_RECORD_HANDLE" },
    { "phones", NULL, "GSW_PHONE" },
    { "customer_ids", "customerids", "GSW_CUSTOMER_ID" },
    { "lists", "callinglists", "GSW_CALLING_LIST" },
    { "campaigngroups", NULL, "GSW_CAMPAIGN_GROUP_DBID" },
};
enum { RESOURCES = sizeof resources / sizeof resources[0] };

/* "/records/712" -> "records" "712". */
static bool split_path(struct text path, struct text *resource, struct text *identifier)
{
    if (!text_starts(path, TEXT("/"))) return false;
    struct text rest = text_slice(path, 1, SIZE_MAX);
    return text_cut(rest, '/', resource, identifier) && identifier->len > 0 &&
           text_find(*identifier, '/', 0) == SIZE_MAX;
}

static bool first_spelling(struct text *resource)
{
    for (int i = 0; i < RESOURCES; i++) {
        if (!text_eq(*resource, text_of(resources[i].name)) &&
            !(resources[i].other_spelling &&
              text_eq(*resource, text_of(resources[i].other_spelling))))
            continue;
        *resource = text_of(resources[i].name);
        return true;
    }
    return false;
}

static bool is_of_resource(const struct route *route, struct text resource)
{
    struct text path = text_slice(text_of(route->path), 1, SIZE_MAX);
    return text_starts(path, resource) && path.at[resource.len] == '/';
}

static bool answers_to(const struct route *route, struct text req)
{
    if (route->req == NULL) return req.len == 0;
    if (text_eq(req, text_of(route->req))) return true;
    for (const char *const *alias = route->aliases; alias && *alias; alias++)
        if (text_eq(req, text_of(*alias))) return true;
    return false;
}

static bool resource_has_method(const struct route_table *table, struct text resource,
                                struct text method)
{
    for (size_t i = 0; i < table->count; i++)
        if (is_of_resource(&table->routes[i], resource) &&
            text_eq(method, text_of(table->routes[i].method)))
            return true;
    return false;
}

enum route_verdict route_find(const struct route_table *table, struct text method, struct text path,
                              struct text req, struct route_match *out)
{
    *out = (struct route_match){ 0 };
    if (!split_path(path, &out->resource, &out->identifier) || !first_spelling(&out->resource))
        return ROUTE_NO_RESOURCE;
    const struct route *other = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const struct route *route = &table->routes[i];
        if (!is_of_resource(route, out->resource) || !answers_to(route, req)) continue;
        if (text_eq(method, text_of(route->method))) {
            out->route = route;
            return ROUTE_FOUND;
        }
        other = route;
    }
    if (!resource_has_method(table, out->resource, method)) return ROUTE_NO_METHOD;
    /* A plain POST lacks its action; a GET of an action that changes something is a method too
     * few. */
    if (other == NULL || req.len == 0) return ROUTE_NO_REQ;
    out->route = other;
    return ROUTE_NO_METHOD;
}

void route_allowed(const struct route_table *table, struct text resource, struct text req,
                   struct buf *out)
{
    static const char *const methods[] = { "GET", "POST" };
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        for (size_t i = 0; i < table->count; i++) {
            const struct route *route = &table->routes[i];
            if (!is_of_resource(route, resource) || strcmp(route->method, methods[m]) != 0)
                continue;
            if (req.len > 0 && !answers_to(route, req)) continue;
            buf_format(out, "%s%s", out->len ? ", " : "", methods[m]);
            break;
        }
    }
}

struct text route_action(const struct route *route)
{
    return text_of(route->req ? route->req : route->msg->name);
}

struct text route_resource(const struct route *route)
{
    struct text path = text_slice(text_of(route->path), 1, SIZE_MAX), resource = path, rest;
    (void)text_cut(path, '/', &resource, &rest);
    return resource;
}

struct text route_resource_key(struct text resource)
{
    for (int i = 0; i < RESOURCES; i++)
        if (text_eq(resource, text_of(resources[i].name))) return text_of(resources[i].key);
    return TEXT("");
}

bool route_needs_body(const struct route *route, struct text resource)
{
    if (route->msg == NULL) return false;
    for (uint16_t i = 0; i < route->msg->shape->count; i++) {
        const struct shape_field *field = &route->msg->shape->fields[i];
        if (field->is_required && !text_eq(text_of(field->name), route_resource_key(resource)))
            return true;
    }
    return false;
}
