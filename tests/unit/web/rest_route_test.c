/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/rest_route.h"

#include "gen/routes.h"
#include "tests/unit/test.h"

static const char *found(const char *method, const char *path)
{
    static struct rest_match match;
    enum rest_verdict verdict =
        rest_route_find(&ROUTES_WEB, text_of(method), text_of(path), &match);
    if (verdict == REST_NO_PATH) return "no path";
    if (verdict == REST_NO_METHOD) return "no method";
    return match.route->id ? match.route->id : match.route->path;
}

static struct text of(const char *z)
{
    return text_of(found("GET", z));
}

TEST(a_path_of_words_is_itself)
{
    CHECK_TEXT(of("/health"), "/health");
    CHECK_TEXT(of("/api/cfg/v1/server"), "readServer");
    CHECK_TEXT(of("/api/cfg/v1/history"), "readHistory");
}

TEST(parts_in_braces_take_one_part_each_and_never_nothing)
{
    CHECK_TEXT(of("/api/cfg/v1/hosts"), "listObjects");
    CHECK_TEXT(of("/api/cfg/v1/hosts/ESHost"), "getObject");
    CHECK_TEXT(of("/api/cfg/v1/dns/sw%2F7001%2FExtension"), "getObject");
    CHECK_TEXT(of("/api/cfg/v1/hosts/"), "no path");
    CHECK_TEXT(of("/api/cfg/v1/"), "no path");
    CHECK_TEXT(of("/api/cfg/v1//a"), "no path");
    CHECK_TEXT(of("/api/cfg/v1/hosts/a/b/c"), "no path");
    CHECK_TEXT(of("/api/cfg/v1/hosts/a/acl"), "readAcl");
}

TEST(what_stands_further_up_counts)
{
    CHECK_TEXT(of("/api/cfg/v1/schema/objects"), "listObjectTypes");
    CHECK_TEXT(of("/api/cfg/v1/schema/CMServer"), "getOptions");
    CHECK_TEXT(of("/api/ctl/v1/alarms/events"), "streamAlarms");
}

TEST(a_path_knows_its_own_methods_only)
{
    struct rest_match match;
    struct buf allow = { 0 };
    CHECK_TEXT(text_of(found("PATCH", "/api/cfg/v1/hosts/a")), "updateObject");
    CHECK_TEXT(text_of(found("POST", "/api/cfg/v1/history")),
               "no method"); /* though {type} has it */
    CHECK_TEXT(text_of(found("HEAD", "/api/cfg/v1/hosts/a")), "getObject");
    CHECK_I64(rest_route_find(&ROUTES_WEB, TEXT("POST"), TEXT("/api/cfg/v1/hosts/a"), &match),
              REST_NO_METHOD);
    rest_route_allowed(&ROUTES_WEB, match.route, &allow);
    CHECK_TEXT(buf_text(&allow), "GET, HEAD, PUT, PATCH, DELETE");
    buf_free(&allow);
}

TEST(parts_are_told_as_they_came)
{
    struct rest_match match;
    CHECK_I64(rest_route_find(&ROUTES_WEB, TEXT("GET"), TEXT("/api/cfg/v1/dns/a%2Fb"), &match),
              REST_FOUND);
    CHECK_U32(match.count, 2);
    CHECK_TEXT(match.values[0], "dns");
    CHECK_TEXT(match.values[1], "a%2Fb");
}
