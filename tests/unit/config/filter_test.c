/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/filter.h"

#include "format/json.h"
#include "gen/objects.h"
#include "tests/unit/test.h"

static const char body[] =
    "{\"name\":\"ES85_IxnSrv\",\"host\":\"ESHost\",\"tenants\":[\"Environment\",\"B\"],"
    "\"ports\":[{\"id\":\"default\",\"number\":6130},{\"id\":\"ESP\",\"number\":6182}],"
    "\"isServer\":true,"
    "\"options\":{\"server\":{\"external_url_base\":\"http://lb\",\"a.b\":\"it's\",\"size\":\"12\","
    "\"on\":\"yes\"}},"
    "\"annex\":{\"GMS\":{\"x\":\"y\"}}}";

/* 1 it fits, 0 not, -1 refused. */
static int tried(const char *words)
{
    struct scope *scope = scope_new(NULL, "filter", SCOPE_NO_LIMIT);
    struct fault fault = { 0 };
    struct filter *filter;
    struct kv pairs;
    int fits = -1;
    CHECK_OK(json_read_kv(text_of(body), scope, &pairs, &fault));
    if (filter_parse(scope, text_of(words), &filter, &fault) == ERR_OK)
        fits = filter_fits(filter, OBJECT_APPLICATION.shape, &pairs);
    else
        CHECK_TEXT(text_of(fault.field), "filter");
    scope_close(scope);
    return fits;
}

TEST(the_example_of_the_spec_fits) /* framework 3.3 */
{
    CHECK_I64(tried("annex.GMS.x eq 'y'"), 1);
    CHECK_I64(tried("annex.GMS.x eq 'z'"), 0);
    CHECK_I64(tried("annex.GMS.x ne 'z'"), 1);
}

TEST(an_empty_filter_fits_everything)
{
    CHECK_I64(tried(""), 1);
    CHECK_I64(tried("  "), 1);
}

TEST(conditions_are_joined_by_and)
{
    CHECK_I64(tried("name starts 'ES85' and host eq 'ESHost'"), 1);
    CHECK_I64(tried("name starts 'ES85' and host eq 'Other'"), 0);
    CHECK_I64(tried("name starts 'ES85' AND host ends 'Host' and name contains 'Ixn'"), 1);
}

TEST(a_list_fits_when_one_of_its_items_does)
{
    CHECK_I64(tried("tenants eq 'B'"), 1);
    CHECK_I64(tried("tenants eq 'C'"), 0);
    CHECK_I64(tried("tenants ne 'B'"), 0);
    CHECK_I64(tried("ports.number gt 6180"), 1);
    CHECK_I64(tried("ports.number gt 6182"), 0);
    CHECK_I64(tried("ports.id eq 'ESP'"), 1);
}

TEST(numbers_and_truth_fit_texts_that_mean_them)
{
    CHECK_I64(tried("options.server.size lt 100"), 1);
    CHECK_I64(tried("options.server.size eq 12"), 1);
    CHECK_I64(tried("options.server.on eq true"), 1);
    CHECK_I64(tried("options.server.on eq false"), 0);
    CHECK_I64(tried("isServer eq true"), 1);
    CHECK_I64(tried("name gt 5"), 0);
}

TEST(what_is_absent_counts_as_its_default)
{
    CHECK_I64(tried("state eq 'enabled'"), 1);
    CHECK_I64(tried("state ne 'enabled'"), 0);
    CHECK_I64(tried("folder eq ''"), 0);
    CHECK_I64(tried("folder ne 'x'"), 1);
    CHECK_I64(tried("annex.GMS.unknown ne 'x'"), 1);
}

TEST(odd_names_stand_in_quotes_and_case_is_folded)
{
    CHECK_I64(tried("options.server.\"external_url_base\" eq 'http://lb'"), 1);
    CHECK_I64(tried("options.server.\"a.b\" eq 'it''s'"), 1);
    CHECK_I64(tried("OPTIONS.Server.External_URL_Base eq 'http://lb'"), 1);
}

TEST(what_breaks_the_rule_is_refused)
{
    const char *const wrong[] = {
        "name",
        "name eq",
        "name eq ES85",
        "name is 'x'",
        "name eq 'x",
        "name eq 'x' or",
        "name eq 'x'and y",
        "a..b eq 'x'",
        ".a eq 'x'",
        "name eq 'x' and",
        "name lt true",
        "name contains 5",
        "a.b.c.d.e.f.g.h.i eq 1",
        "name  'x'",
        "name eq 'x' and and name eq 'y'",
        "\"a eq 1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) CHECK_I64(tried(wrong[i]), -1);
}

TEST(a_group_of_properties_fits_nothing_by_itself)
{
    CHECK_I64(tried("annex eq 'y'"), 0);
    CHECK_I64(tried("annex.GMS eq 'y'"), 0);
    CHECK_I64(tried("name.x eq 'y'"), 0);
}
