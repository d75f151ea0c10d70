/* SPDX-License-Identifier: Apache-2.0 */
/* How a run goes: data written with effects, loops, calls, errors, budgets (interaction 11.2). */
#include "tests/unit/strategy/platform.h"
#include "tests/unit/test.h"

#define STOPPED "interaction.terminate reason=\"\"\n"

static void run(struct platform *p, const char *source, const char *data)
{
    platform_start(p, text_of(source), "A", data);
}

/* --- data --- */

TEST(set_and_delete_are_written_once_with_the_next_effect)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n set Seen = true set Count = data.Count + 1\n set Old = 1\n"
        " delete data.Old delete Gone set Gone = \"back\"\n log data.Count\n say \"hello\"\n"
        " say \"again\"\n set \"a b\" = 1\n stop\n}\n",
        "{\"Count\":\"4\",\"Old\":\"x\"}");
    CHECK_TEXT(platform_trail(&p),
               "log A: 5\n"
               "interaction.updatedata udata={\"Seen\":true,\"Count\":5,\"Gone\":\"back\"} "
               "deleted=[\"Old\"] properties={}\n"
               "session.fetch method=\"esp\" timeout=30 service:\"Chat\" method:\"Message\" "
               "parameters:{\"MessageText\":\"hello\"}\n");
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p),
               "session.fetch method=\"esp\" timeout=30 service:\"Chat\" method:\"Message\" "
               "parameters:{\"MessageText\":\"again\"}\n");
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p), "interaction.updatedata udata={\"a b\":1} deleted=[] "
                                   "properties={}\n" STOPPED);
    platform_stop(&p);
}

TEST(an_esp_gives_its_answer_to_a_name)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n esp \"CRM\" \"Customer\".\"Find\" (Phone = data.Phone, Max = 1) -> "
        "found timeout 5s\n if found.Level == \"gold\" { log found.Nothing + found.Level }\n "
        "stop\n}\n",
        "{\"Phone\":\"123\"}");
    CHECK_TEXT(platform_trail(&p),
               "session.fetch method=\"esp\" timeout=5 application:\"CRM\" service:\"Customer\" "
               "method:\"Find\" parameters:{\"Phone\":\"123\",\"Max\":1}\n");
    platform_answer(&p, "session.fetch.done", "\"content\":{\"Level\":\"gold\"}");
    CHECK_TEXT(platform_trail(&p), "log A: gold\n" STOPPED);
    platform_stop(&p);
}

/* --- loops --- */

TEST(a_repeat_runs_as_often_as_it_says_and_breaks)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n n = 0\n repeat 300 { n = n + 1 repeat 2 { n = n + 1 } }\n log n\n"
        " repeat 5 { if n > 901 { break } n = n + 1 }\n log n\n stop\n}\n",
        "{}");
    CHECK_TEXT(platform_trail(&p), "log A: 900\nlog A: 902\n" STOPPED);
    platform_stop(&p);
}

TEST(a_while_stops_by_its_condition_or_by_its_bound)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n n = 0\n while n < 3 max 10 { n = n + 1 }\n log n\n"
        " while true max 10 { n = n + 1 }\n log n\n stop\n}\n",
        "{}");
    CHECK_TEXT(platform_trail(&p), "log A: 3\nlog A: 13\n" STOPPED);
    platform_stop(&p);
}

TEST(a_while_asks_in_each_round)
{
    struct platform p;
    run(&p, "strategy \"A\" {\n while stat(\"S\", \"Q\") > 1 max 3 { wait 10s }\n stop\n}\n", "{}");
    CHECK_TEXT(platform_trail(&p), "statistic.query statistic=\"S\" object=\"Q\"\n");
    platform_answer(&p, "statistic.query.done", "\"value\":5");
    CHECK_TEXT(platform_trail(&p), "");
    platform_wait(&p, 10000);
    CHECK_TEXT(platform_trail(&p), "statistic.query statistic=\"S\" object=\"Q\"\n");
    platform_answer(&p, "statistic.query.done", "\"value\":1");
    CHECK_TEXT(platform_trail(&p), STOPPED);
    platform_stop(&p);
}

TEST(a_run_has_a_budget_of_statements)
{
    struct platform p;
    run(&p, "strategy \"A\" {\n repeat 10000 { log \"\" }\n stop\n}\n", "{}");
    struct text trail = platform_trail(&p), words = TEXT("log StrategyError: A, line 2: ");
    bool is_found = false;
    for (size_t i = 0; i < trail.len; i++) is_found |= text_starts(text_slice(trail, i, 40), words);
    CHECK(is_found);
    CHECK(trail.len / 7 < 6000);
    platform_stop(&p);
}

/* --- waits --- */

TEST(a_wait_waits)
{
    struct platform p;
    run(&p, "strategy \"A\" {\n wait 2h\n stop\n}\n", "{}");
    platform_wait(&p, 7199999);
    CHECK_TEXT(platform_trail(&p), "");
    platform_wait(&p, 1);
    CHECK_TEXT(platform_trail(&p), STOPPED);
    platform_stop(&p);
}

/* --- calls --- */

TEST(a_subroutine_takes_values_returns_values_and_shares_the_data)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n set Before = 1\n call \"Sum\" (2, data.Three) -> sum, words\n"
        " log sum + \" \" + words + \" \" + data.Inside\n stop\n}\n"
        "subroutine \"Sum\" (x, y) -> total, told {\n set Inside = \"yes\" delete Before\n"
        " call \"Told\" () -> told\n total = x + y\n return\n}\n"
        "subroutine \"Told\" () -> told { return \"so\" }\n",
        "{\"Three\":\"3\"}");
    CHECK_TEXT(platform_trail(&p), "log A: 5 so yes\n"
                                   "interaction.updatedata udata={\"Inside\":\"yes\"} "
                                   "deleted=[\"Before\"] properties={}\n" STOPPED);
    platform_answer(&p, "interaction.terminate.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);
}

TEST(a_subroutine_may_end_the_whole_run)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n call \"S\" ()\n say \"never\"\n stop\n}\n"
        "subroutine \"S\" () { stop }\n",
        "{}");
    CHECK_TEXT(platform_trail(&p), STOPPED);
    platform_answer(&p, "interaction.terminate.done", "");
    CHECK_TEXT(p.final, "ended");
    CHECK_TEXT(platform_trail(&p), "");
    platform_stop(&p);
}

TEST(the_caller_may_handle_what_fails_in_a_subroutine)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n call \"S\" () on error { log error }\n stop\n}\n"
        "subroutine \"S\" () {\n x = 1 / 0\n log x\n return\n}\n",
        "{}");
    struct text trail = platform_trail(&p);
    CHECK(text_starts(trail, TEXT("log A: S, line 6: ")));
    CHECK(text_ends(trail, TEXT(STOPPED)));
    platform_stop(&p);
}

TEST(a_subroutine_that_calls_itself_is_bounded)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n call \"S\" (1)\n stop\n}\n"
        "subroutine \"S\" (n) {\n log n\n call \"S\" (n + 1)\n return\n}\n",
        "{}");
    struct text trail = platform_trail(&p);
    CHECK(text_starts(trail, TEXT("log S: 1\nlog S: 2\n")));
    CHECK(text_ends(trail, TEXT("hints={\"ScheduledAt\":\"2026-03-01 09:31:00\"}\n")));
    platform_stop(&p);
}

/* --- errors --- */

TEST(scenario_X31_an_unhandled_error_goes_back_for_a_minute_and_is_held_the_third_time)
{
    static const char source[] = "strategy \"A\" {\n say \"x\"\n stop\n}\n";
    struct platform p;
    run(&p, source, "{}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.session.fetch", "\"error\":\"NO_SESSION\"");
    CHECK_TEXT(platform_trail(&p),
               "log StrategyError: A, line 2: NO_SESSION\n"
               "interaction.updatedata udata={\"StrategyError\":\"A, line 2: NO_SESSION\","
               "\"StrategyErrorCount\":1} deleted=[] properties={}\n"
               "interaction.redirect to=\"Q\" type=\"queue\" "
               "hints={\"ScheduledAt\":\"2026-03-01 09:31:00\"}\n");
    platform_answer(&p, "interaction.redirect.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);

    run(&p, source, "{\"StrategyErrorCount\":\"2\"}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.session.fetch", "\"error\":\"NO_SESSION\"");
    CHECK_TEXT(platform_trail(&p),
               "log StrategyError: A, line 2: NO_SESSION\n"
               "interaction.updatedata udata={\"StrategyError\":\"A, line 2: NO_SESSION\","
               "\"StrategyErrorCount\":3} deleted=[] properties={}\n"
               "interaction.redirect to=\"Q\" type=\"queue\" hints={\"Hold\":true}\n");
    platform_stop(&p);
}

TEST(a_run_that_ends_well_forgets_the_errors_before_it)
{
    struct platform p;
    run(&p, "strategy \"A\" { stop }\n", "{\"StrategyErrorCount\":2}");
    CHECK_TEXT(platform_trail(&p), "interaction.updatedata udata={} "
                                   "deleted=[\"StrategyErrorCount\"] properties={}\n" STOPPED);
    platform_stop(&p);
}

TEST(the_process_may_have_a_queue_for_errors)
{
    struct platform p;
    run(&p,
        "process \"P\" {\n queue \"In\" { view \"V\" { run \"A\" } }\n queue \"Errors\"\n}\n"
        "strategy \"A\" {\n log 1 % 0\n stop\n}\n",
        "{}");
    CHECK(
        text_ends(platform_trail(&p), TEXT("interaction.redirect to=\"Errors\" type=\"queue\"\n")));
    platform_stop(&p);
}

TEST(an_expression_that_fails_stops_its_statement_before_the_next_one_acts)
{
    struct platform p;
    run(&p, "strategy \"A\" {\n set X = data.Word - 1\n say \"never\"\n stop\n}\n",
        "{\"Word\":\"abc\"}");
    struct text trail = platform_trail(&p);
    CHECK(text_starts(trail, TEXT("log StrategyError: A, line 2: ")));
    CHECK(text_ends(trail, TEXT("hints={\"ScheduledAt\":\"2026-03-01 09:31:00\"}\n")));
    platform_stop(&p);
}

TEST(an_on_error_goes_on_behind_its_statement)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n say \"x\" on error { log error }\n stop on error { stop \"again\" "
        "}\n}\n",
        "{}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.session.fetch", "\"error\":\"timeout\",\"description\":\"30 s\"");
    CHECK_TEXT(platform_trail(&p), "log A: timeout: 30 s\n" STOPPED);
    platform_answer(&p, "error.interaction.terminate", "\"error\":\"remote\"");
    CHECK_TEXT(platform_trail(&p), "interaction.terminate reason=\"again\"\n");
    platform_stop(&p);
}

TEST(answers_to_what_was_given_up_are_passed_over)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n route group \"G\" timeout 5s then group \"H\" timeout 5s otherwise { "
        "stop }\n}\n",
        "{}");
    struct text first = p.request;
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    (void)platform_trail(&p);
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    platform_post(
        &p, "error.queue.submit",
        scope_format(scope, "\"requestid\":\"%.*s\",\"error\":\"timeout\"", TEXT_ARG(first)).at);
    CHECK_TEXT(platform_trail(&p), "");
    CHECK_TEXT(p.final, "");
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK_TEXT(platform_trail(&p), STOPPED);
    scope_close(scope);
    platform_stop(&p);
}

TEST(a_route_without_otherwise_that_finds_nobody_is_an_error)
{
    struct platform p;
    run(&p, "strategy \"A\" {\n route group \"G\" timeout 5s\n}\n", "{}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK(text_starts(platform_trail(&p), TEXT("log StrategyError: A, line 2: timeout\n")));
    platform_stop(&p);
}

TEST(when_even_the_way_back_fails_the_run_is_lost_and_ends)
{
    struct platform p;
    run(&p, "strategy \"A\" {\n say \"x\"\n stop\n}\n", "{}");
    platform_answer(&p, "error.session.fetch", "\"error\":\"NO_SESSION\"");
    platform_answer(&p, "error.interaction.redirect", "\"error\":\"remote\"");
    CHECK_TEXT(p.final, "lost");
    platform_stop(&p);
}

/* --- targets --- */

TEST(a_route_names_all_kinds_of_targets_and_its_statistic)
{
    struct platform p;
    run(&p,
        "strategy \"A\" {\n route agent \"a\", agent \"b\", place \"p\", place-group \"pg\", skill "
        "\"X>1\" by min StatAgentLoading timeout 5s otherwise { stop }\n}\n",
        "{}");
    CHECK_TEXT(platform_trail(&p),
               "queue.submit route=false priority=0 timeout=5 clearontimeout=true "
               "ordertype=\"min\" orderstat=\"StatAgentLoading\" [targets type=agent [target "
               "name=\"a\"] [target name=\"b\"]] [targets type=place [target name=\"p\"]] [targets "
               "type=placegroup [target name=\"pg\"]] [targets type=skill [target "
               "name=\"X>1\"]]\n");
    platform_stop(&p);
}
