/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/rest_question.h"

#include "gen/routes.h"
#include "tests/unit/test.h"

static struct scope *life;
static struct rest_question question;
static struct fault fault;

struct asked {
    const char *method, *path, *query, *body;
    struct http_header header;
};

/* Its memory lives until the next. */
static bool read(struct asked asked)
{
    struct rest_match match;
    struct http_request request = { .method = text_of(asked.method),
                                    .path = text_of(asked.path),
                                    .query = text_of(asked.query),
                                    .body = text_of(asked.body),
                                    .headers = { &asked.header, asked.header.name.len ? 1 : 0 } };
    scope_close(life);
    life = scope_new(NULL, "question", SCOPE_NO_LIMIT);
    fault = (struct fault){ 0 };
    CHECK_I64(rest_route_find(&ROUTES_WEB, request.method, request.path, &match), REST_FOUND);
    return rest_question_read(&match, &request, life, &question, &fault);
}

static const struct value *field(const char *name)
{
    return kv_find(&question.fields, text_of(name));
}

TEST(parameters_become_the_kinds_that_their_fields_want)
{
    CHECK(
        read((struct asked){ "GET", "/api/cfg/v1/applications",
                             "name=a+b&fields=name,host&limit=10&filter=annex.GMS.x%20eq%20'y'" }));
    CHECK_TEXT(field("type")->text, "applications");
    CHECK_TEXT(field("name")->text, "a b");
    CHECK_I64(field("limit")->integer, 10);
    CHECK_U32(field("fields")->items.count, 2);
    CHECK_TEXT(field("filter")->text, "annex.GMS.x eq 'y'");
}

TEST(a_parameter_may_have_another_name_than_its_field)
{
    CHECK(read((struct asked){ "GET", "/api/cfg/v1/history", "user=1001&since=1700000000000" }));
    CHECK_TEXT(field("person")->text, "1001");
    CHECK(field("since")->integer == 1700000000000);
    CHECK_TEXT(rest_parameter_of(question.route, TEXT("person")), "user");
}

TEST(unknown_doubled_and_malformed_parameters_are_refused_by_name)
{
    const struct {
        const char *query, *field;
    } wrong[] = {
        { "colour=red", "colour" }, { "limit=ten", "limit" }, { "limit=1&limit=2", "limit" },
        { "limit=", "limit" },      { "name=%zz", "query" },  { "name=%00", "query" },
        { "name=%ff", "name" },     { "Limit=1", "Limit" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!read((struct asked){ "GET", "/api/cfg/v1/hosts", wrong[i].query }));
        CHECK_TEXT(text_of(fault.field), wrong[i].field);
    }
    CHECK(!read((struct asked){ "GET", "/api/cfg/v1/hosts/%2", "" }));
    CHECK_TEXT(text_of(fault.field), "key");
}

TEST(a_key_is_decoded_once)
{
    CHECK(read((struct asked){ "GET", "/api/cfg/v1/dns/sw%2F70%252F01", "" }));
    CHECK_TEXT(field("key")->text, "sw/70%2F01");
}

TEST(what_the_path_says_is_not_asked_for)
{
    CHECK(read((struct asked){ "POST", "/api/ctl/v1/applications/outbound/stop-gracefully", "" }));
    CHECK_TEXT(field("order")->text, "stop-gracefully");
    CHECK_TEXT(field("name")->text, "outbound");
    CHECK(!read((struct asked){ "POST", "/api/ctl/v1/applications/outbound/log-level", "",
                                "{\"order\":\"stop\"}" }));
    CHECK_TEXT(text_of(fault.field), "order");
    CHECK(read((struct asked){ "POST", "/api/ctl/v1/applications/outbound/log-level", "",
                               "{\"level\":\"debug\",\"seconds\":60}" }));
    CHECK_I64(field("seconds")->integer, 60);
}

TEST(if_match_is_one_revision_of_ours)
{
    struct http_header match = { TEXT("If-Match"), TEXT("\"41\"") };
    struct http_header weak = { TEXT("If-Match"), TEXT("W/\"41\"") };
    struct http_header any = { TEXT("If-Match"), TEXT("*") };
    struct asked put = { "PUT", "/api/cfg/v1/hosts/a/acl", "", "{\"entries\":[]}", match };
    CHECK(read(put));
    CHECK_I64(field("rev")->integer, 41);
    put.header = weak;
    CHECK(!read(put));
    CHECK_TEXT(text_of(fault.field), "If-Match");
    put.header = any;
    CHECK(read(put));
    CHECK(field("rev") == NULL);
}

TEST(times_are_milliseconds_or_dates_with_an_offset)
{
    const struct {
        const char *words;
        uint64_t utc_ms;
    } times[] = {
        { "0", 0 },
        { "1732230000123", 1732230000123 },
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-21T23:00:00Z", 1795302000000 },
        { "2026-11-22T00:00:00.25+01:00", 1795302000250 },
        { "2026-11-22T00:00:00 01:00", 1795302000000 }, /* a plus that came as a blank */
        { "2026-11-21t18:00:00-05:00", 1795302000000 },
    };
    uint64_t is;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        CHECK(rest_read_time(text_of(times[i].words), &is));
        CHECK(is == times[i].utc_ms);
    }
    const char *const wrong[] = { "",
                                  "yesterday",
                                  "2026-11-21",
                                  "2026-11-21T23:00:00",
                                  "2026-13-21T23:00:00Z",
                                  "2026-11-21T24:00:00Z",
                                  "-1",
                                  "1969-12-31T23:59:59Z",
                                  "2026-11-21T23:00:00Zx" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!rest_read_time(text_of(wrong[i]), &is));
}
