/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions mean, seen by running them (interaction 11.1). */
#include "tests/unit/strategy/platform.h"
#include "tests/unit/test.h"

/* The clock stands at 2026-03-01 09:30:00 UTC, a Sunday; the zone is an hour east. */
#define DATA                                                                                       \
    "{\"One\":1,\"Two\":\"2\",\"Ten\":\"10\",\"Name\":\"Ann\",\"Empty\":\"\",\"Yes\":\"true\","    \
    "\"No\":\"False\",\"Zero\":\"0\",\"a b\":\"blank\",\"When\":\"2026-03-01 09:00:00\"}"

static void check(const char *expression, const char *wanted)
{
    struct platform p;
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    platform_start(&p,
                   scope_format(scope,
                                "strategy \"A\" {\n v = 7 w = \"w\"\n log %s\n log v + w\n "
                                "stop\n}\n",
                                expression),
                   "A", DATA);
    struct text trail = platform_trail(&p), first, rest;
    CHECK(text_cut(trail, '\n', &first, &rest));
    CHECK(text_starts(first, TEXT("log A: ")));
    CHECK_TEXT(text_slice(first, 7, first.len), wanted);
    platform_stop(&p);
    scope_close(scope);
}

TEST(a_missing_key_is_an_empty_text)
{
    check("data.Nothing", "");
    check("data.Nothing == \"\"", "true");
    check("data.toString == \"\"", "true"); /* nothing that ECMAScript put there */
    check("ixn.Nothing == \"\"", "true");
    check("data.\"a b\"", "blank");
    check("ixn.Queue", "Q");
}

TEST(texts_and_numbers_compare_as_the_other_side_is)
{
    check("data.One == 1", "true");
    check("data.One == \"1\"", "true");
    check("data.Two == 2", "true");
    check("data.Two < data.Ten", "true"); /* both numbers */
    check("data.Two < \"10\"", "false");  /* texts */
    check("data.Name < \"Bob\"", "true");
    check("data.Name > 5", "false");
    check("data.Name < 5", "false");
    check("data.Nothing < 5", "false");
    check("data.Empty == 0", "false");
    check("data.Name != \"Bob\"", "true");
    check("data.One == data.Nothing", "false");
    check("data.One != data.Two", "true");
    check("v == 7", "true");
}

TEST(conditions_know_what_is_false)
{
    check("not data.Nothing", "true");
    check("not data.No and not data.Zero and data.Yes and data.Name", "true");
    check("data.Yes == true", "true");
    check("true and not false or false", "true");
    check("not (true and false)", "true");
}

TEST(arithmetic_adds_numbers_and_joins_texts)
{
    check("1 + 2 * 3", "7");
    check("(1 + 2) * 3", "9");
    check("10 - 3 - 2", "5");
    check("10 - (3 - 2)", "9");
    check("7 / 2", "3.5");
    check("7 % 4", "3");
    check("-data.Two + 5", "3");
    check("- -3", "3");
    check("data.Two + data.Ten", "12");
    check("data.Two + 1", "3");
    check("data.Nothing + 1", "1");
    check("data.Name + data.Two", "Ann2");
    check("\"\" + data.Two + data.Ten", "210");
    check("data.Nothing + data.Nothing + \"x\"", "x");
    check("007 + 1.50", "8.5");
    check("data.Nothing - 1", "-1");
}

TEST(texts_are_searched_matched_measured_and_folded)
{
    check("data.Name contains \"nn\"", "true");
    check("data.Name contains \"N\"", "false");
    check("lower(\"ANN\") == lower(data.Name)", "true");
    check("length(data.Name) + length(\"\")", "3");
    check("data.Name matches \"^[A-Z][a-z]+$\"", "true");
    check("data.Ten matches \"^\\d{3}$\"", "false");
    check("\"x\xf0\x9f\x98\x80y\" matches \"^x.y$\"", "true");
    check("not data.Name matches \"x\"", "true");
    check("\"it's \\\"so\\\" \\\\ \\n\" contains \"'s \\\"so\\\" \\\\\"", "true");
}

TEST(time_is_seconds_and_the_hour_is_local)
{
    check("now()", "1772357400");
    check("now() - data.When", "1800");
    check("now() - ixn.ReceivedAt > 30m", "true");
    check("hour()", "10");
    check("weekday()", "7");
    check("2h", "7200");
}

TEST(words_of_other_languages_may_be_variables)
{
    struct platform p;
    platform_start(&p,
                   TEXT("strategy \"A\" {\n var = 1 class = var + 1 max = class + 1\n log max\n "
                        "stop\n}\n"),
                   "A", "{}");
    CHECK(text_starts(platform_trail(&p), TEXT("log A: 3\n")));
    platform_stop(&p);
}

/* --- questions --- */

TEST(statistics_and_calendars_are_asked_for_before_their_statement)
{
    struct platform p;
    platform_start(&p,
                   TEXT("strategy \"A\" {\n"
                        " if stat(\"StatCallsInQueue\", data.G) > 5 and open(\"Support\") {\n"
                        "  stop \"many\"\n }\n stop \"few\"\n}\n"),
                   "A", "{\"G\":\"Billing\"}");
    CHECK_TEXT(platform_trail(&p),
               "statistic.query statistic=\"StatCallsInQueue\" object=\"Billing\"\n");
    platform_answer(&p, "statistic.query.done", "\"value\":6");
    CHECK_TEXT(platform_trail(&p), "resource.isopen calendar=\"Support\"\n");
    platform_answer(&p, "resource.isopen.done", "\"open\":true");
    CHECK_TEXT(platform_trail(&p), "interaction.terminate reason=\"many\"\n");
    platform_stop(&p);
}

TEST(a_question_without_answer_is_an_error_of_the_strategy)
{
    struct platform p;
    platform_start(&p, TEXT("strategy \"A\" {\n if open(\"Support\") { stop }\n stop\n}\n"), "A",
                   "{}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.resource.isopen", "\"error\":\"unknown\"");
    CHECK(text_starts(platform_trail(&p), TEXT("log StrategyError: A, line 2: unknown\n")));
    platform_stop(&p);
}

TEST(a_when_becomes_a_threshold_with_the_values_of_the_moment)
{
    struct platform p;
    platform_start(&p,
                   TEXT("strategy \"A\" {\n"
                        " route group \"B\" when stat(\"StatX\", \"B\") * 2 < data.Most and "
                        "data.Two == 2 or not (stat(\"StatY\", \"it's\") >= 1.5) timeout 5s\n"
                        " otherwise { stop }\n}\n"),
                   "A", "{\"Most\":\"9\",\"Two\":2}");
    CHECK_TEXT(platform_trail(&p),
               "queue.submit route=false priority=0 timeout=5 clearontimeout=true [targets "
               "type=agentgroup [target name=\"B\" threshold=\"(((sdata(B,StatX)*2)<9) & 1=1) | "
               "(!(sdata(it's,StatY)>=1.5))\"]]\n");
    platform_stop(&p);
}
