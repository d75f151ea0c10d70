/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a file that breaks a rule, and where (interaction 11.1, 11.2). */
#include "strategy/compile.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static void check(const char *source, const char *wanted)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct strategy_source file = { TEXT("f"), text_of(source) };
    struct strategy_findings findings = strategy_findings_in(scope);
    struct buf out = { 0 };
    enum err err = strategy_build(&file, 1, scope, NULL, &findings);
    strategy_findings_print(&out, &findings, &file.name);
    struct text words = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    CHECK_TEXT(words, wanted);
    CHECK_I64(err, findings.error_count ? ERR_INVALID : ERR_OK);
    scope_close(scope);
}

TEST(an_empty_file_is_a_program_of_nothing)
{
    check("", "");
    check("-- only words\n", "");
}

/* --- paths --- */

TEST(scenario_X30_a_path_without_an_end_is_named_by_its_line)
{
    check("strategy \"A\" {\n"
          "  log \"x\"\n"
          "}\n",
          "f:2:3: error: the path that goes on behind this has no end: route, queue, workbin or "
          "stop\n");
}

TEST(an_if_without_else_leaves_a_path_open)
{
    check("strategy \"A\" {\n"
          "  if data.X == \"1\" { stop }\n"
          "}\n",
          "f:2:3: error: when no condition holds here, the path has no end: route, queue, workbin "
          "or stop\n");
}

TEST(each_open_branch_is_told)
{
    check("strategy \"A\" {\n"
          "  if data.X == \"1\" { log \"a\" }\n"
          "  else if data.X == \"2\" { stop }\n"
          "  else { }\n"
          "}\n",
          "f:2:22: error: the path that goes on behind this has no end: route, queue, workbin or "
          "stop\n"
          "f:4:10: error: this path has no end: route, queue, workbin or stop\n");
}

TEST(the_blocks_of_ends_have_to_end_as_well)
{
    check("strategy \"A\" {\n"
          "  route group \"G\" timeout 5s otherwise { log \"a\" }\n"
          "}\n"
          "strategy \"B\" {\n"
          "  stop on error { log \"b\" }\n"
          "}\n",
          "f:2:42: error: the path that goes on behind this has no end: route, queue, workbin or "
          "stop\n"
          "f:5:19: error: the path that goes on behind this has no end: route, queue, workbin or "
          "stop\n");
}

TEST(an_on_error_of_another_statement_may_go_on)
{
    check("strategy \"A\" {\n"
          "  say \"x\" on error { log error }\n"
          "  stop\n"
          "}\n",
          "");
}

TEST(what_stands_behind_an_end_is_told)
{
    check("strategy \"A\" {\n  stop\n  log \"x\"\n}\n",
          "f:3:3: warning: nothing ever comes here\n");
}

TEST(a_subroutine_ends_with_return_as_well_and_a_strategy_does_not)
{
    check("strategy \"A\" { call \"S\" () return }\n"
          "subroutine \"S\" () { return }\n",
          "f:1:28: error: a strategy does not return: route, queue, workbin or stop\n");
}

/* --- names --- */

TEST(names_that_are_nowhere_are_told_with_those_that_may_be_meant)
{
    check("process \"P\" {\n"
          "  queue \"Inbound\" { view \"V\" { expired \"Outbond\" run \"Proces\" } }\n"
          "  queue \"Outbound\"\n"
          "  workbin \"Supervisor\" owner agent\n"
          "}\n"
          "strategy \"Process\" media emial {\n"
          "  call \"Sendmail\" ()\n"
          "  if data.A == \"1\" { queue \"Inbuond\" }\n"
          "  if data.A == \"2\" { workbin \"Superviser\" owner \"x\" }\n"
          "  route group \"G\" timeout 5s reply queue \"X\" otherwise { stop }\n"
          "}\n"
          "subroutine \"Send mail\" () { return }\n",
          "f:2:40: error: there is no queue 'Outbond'; did you mean 'Outbound'?\n"
          "f:2:54: error: there is no strategy 'Proces'; did you mean 'Process'?\n"
          "f:6:10: warning: no view runs the strategy 'Process'\n"
          "f:6:26: warning: 'emial' is no media type of the product's; did you mean 'email'?\n"
          "f:7:8: error: there is no subroutine 'Sendmail'; did you mean 'Send mail'?\n"
          "f:8:28: error: there is no queue 'Inbuond'; did you mean 'Inbound'?\n"
          "f:9:30: error: there is no workbin 'Superviser'; did you mean 'Supervisor'?\n"
          "f:10:42: error: there is no queue 'X'\n"
          "f:12:12: warning: nobody calls 'Send mail'\n");
}

TEST(a_name_is_given_once)
{
    check("process \"P\" { queue \"Q\" { view \"V\" view \"V\" } queue \"Q\" }\n"
          "process \"P\" { }\n"
          "strategy \"A\" { stop }\n"
          "strategy \"A\" { stop }\n",
          "f:1:41: error: a second view of this queue 'V': the first is in line 1\n"
          "f:1:53: error: a second queue 'Q': the first is in line 1\n"
          "f:2:9: error: a second process 'P': the first is in line 1\n"
          "f:3:10: warning: no view runs the strategy 'A'\n"
          "f:4:10: error: a second strategy or subroutine 'A': the first is in line 3\n"
          "f:4:10: warning: no view runs the strategy 'A'\n");
}

TEST(two_names_that_would_be_one_file_are_refused)
{
    check("strategy \"A b\" { stop }\nstrategy \"A_b\" { stop }\n",
          "f:2:10: error: 'A_b' and 'A b' would both be written to A_b.scxml\n");
}

TEST(who_calls_has_to_give_and_take_what_the_subroutine_says)
{
    check("strategy \"A\" {\n"
          "  call \"S\" (1) -> a, b\n"
          "  call \"A\" ()\n"
          "  stop\n"
          "}\n"
          "subroutine \"S\" (x, y) -> z { return 1, 2 }\n",
          "f:2:8: error: 'S' takes 2 arguments, not 1\n"
          "f:2:19: error: 'S' returns 1 values, not 2\n"
          "f:3:8: error: 'A' is a strategy; only subroutines can be called\n"
          "f:6:30: error: 'S' returns 1 values, not 2\n");
}

TEST(a_view_runs_strategies_only)
{
    check("process \"P\" { queue \"Q\" { view \"V\" { run \"S\" } } }\n"
          "subroutine \"S\" () { return }\n",
          "f:1:42: error: 'S' is a subroutine; a view runs a strategy\n"
          "f:2:12: warning: nobody calls 'S'\n");
}

TEST(variables_are_set_before_somebody_reads_them_and_read_after_that)
{
    check("strategy \"A\" {\n"
          "  count = 1\n"
          "  log conut\n"
          "  stop\n"
          "}\n",
          "f:2:3: warning: nothing reads the variable 'count'\n"
          "f:3:7: error: nothing sets the variable 'conut'; did you mean 'count'?\n");
}

/* --- bounds --- */

TEST(loops_and_calls_are_bounded)
{
    check("strategy \"A\" {\n"
          "  while data.X == \"1\" { stop }\n"
          "  repeat 0 { stop }\n"
          "  repeat 10001 { stop }\n"
          "  break\n"
          "  stop\n"
          "}\n",
          "f:2:3: error: a while needs its bound: while ... max 100 { ... }\n"
          "f:3:10: error: a number of rounds is from 1 to 10000\n"
          "f:4:10: error: a number of rounds is from 1 to 10000\n"
          "f:5:3: error: this 'break' is in no loop\n");
}

static void check_chain(int calls, bool is_fine)
{
    struct buf source = { 0 };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    buf_add_z(&source, "strategy \"A\" { call \"S1\" () stop }\n");
    for (int i = 1; i < calls; i++)
        buf_format(&source, "subroutine \"S%d\" () { call \"S%d\" () return }\n", i, i + 1);
    buf_format(&source, "subroutine \"S%d\" () { return }\n", calls);
    struct strategy_source file = { TEXT("f"), buf_text(&source) };
    struct strategy_findings findings = strategy_findings_in(scope);
    CHECK_I64(strategy_build(&file, 1, scope, NULL, &findings), is_fine ? ERR_OK : ERR_INVALID);
    scope_close(scope);
    buf_free(&source);
}

TEST(calls_go_sixteen_deep)
{
    check_chain(16, true);
    check_chain(17, false);
    check_chain(10000, false);
}

TEST(a_route_has_fifteen_steps)
{
    struct buf source = { 0 };
    buf_add_z(&source, "strategy \"A\" {\nroute group \"G\" timeout 5s");
    for (int i = 0; i < 15; i++) buf_add_z(&source, "\nthen group \"G\" timeout 5s");
    buf_add_z(&source, "\notherwise { stop } }");
    buf_add_byte(&source, 0);
    check(source.at, "f:17:6: error: a route has at most 15 steps\n");
    buf_free(&source);
}

TEST(blocks_and_brackets_are_bounded)
{
    struct buf source = { 0 };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    buf_add_z(&source, "strategy \"A\" { x = ");
    for (int i = 0; i < 100000; i++) buf_add_byte(&source, '(');
    struct strategy_source file = { TEXT("f"), buf_text(&source) };
    struct strategy_findings findings = strategy_findings_in(scope);
    CHECK_I64(strategy_build(&file, 1, scope, NULL, &findings), ERR_INVALID);
    buf_clear(&source);
    buf_add_z(&source, "strategy \"A\" { ");
    for (int i = 0; i < 10000; i++) buf_add_z(&source, "repeat 2 { ");
    file.text = buf_text(&source);
    CHECK_I64(strategy_build(&file, 1, scope, NULL, &findings), ERR_INVALID);
    scope_close(scope);
    buf_free(&source);
}

/* --- values --- */

TEST(values_have_to_fit_where_they_stand)
{
    check("strategy \"A\" {\n"
          "  if \"x\" { stop }\n"
          "  if data.X + 1 > \"a\" { stop }\n"
          "  if length(data.X) == \"3\" { stop }\n"
          "  if 1 < true { stop }\n"
          "  priority \"high\"\n"
          "  log \"a\" - 1\n"
          "  queue \"Q\" after data.A == data.B\n"
          "}\n"
          "process \"P\" { queue \"Q\" { view \"V\" { run \"A\" } } }\n",
          "f:2:6: error: wanted a condition, this is a text: compare it with something\n"
          "f:4:21: error: a number is never equal to a text\n"
          "f:5:10: error: wanted a text, this is true or false\n"
          "f:6:12: error: a priority wants a number, this is a text\n"
          "f:7:7: error: arithmetic wants a number, this is a text\n"
          "f:8:26: error: wanted a moment or a time, this is true or false\n");
}

TEST(patterns_skills_and_orders_are_read)
{
    check(
        "process \"P\" { queue \"Q\" { view \"V\" { where \"a = 'x\" order \"Priority dsec\" run "
        "\"A\" } } }\n"
        "strategy \"A\" {\n"
        "  if data.X matches \"(a)\\1\" { stop }\n"
        "  if data.X matches data.Y { stop }\n"
        "  route skill \"English>5 && Loans\" timeout 5s otherwise { stop }\n"
        "}\n",
        "f:1:44: error: a quote of the condition does not end\n"
        "f:1:59: error: an order is asc or desc, not 'dsec'; did you mean 'desc'?\n"
        "f:3:25: error: what a group matched cannot be matched again (back reference): it may "
        "take more than linear time\n"
        "f:4:21: error: 'matches' wants its pattern in quotes: it is made ready when the strategy "
        "is compiled\n"
        "f:5:27: error: skill expression: wanted the name of a skill\n");
}

TEST(a_when_holds_only_what_the_router_knows)
{
    check(
        "strategy \"A\" {\n"
        "  route group \"G\" when open(\"C\") timeout 5s otherwise { stop }\n"
        "}\n"
        "strategy \"B\" {\n"
        "  route group \"G\" when lower(data.X) == \"a\" and stat(\"S\", \"G\") + 1 < 5 timeout 5s "
        "otherwise { stop }\n"
        "}\n",
        "f:2:24: error: open() cannot be asked while somebody waits; in a 'when' only stat() "
        "can\n");
}

/* --- mistakes in writing --- */

TEST(one_mistake_does_not_hide_the_next)
{
    check("strategy \"A\" {\n"
          "  roue group \"G\" timeout 5s\n"
          "  if data.X = \"1\" { stop }\n"
          "  queue\n"
          "  x = 3 +\n"
          "  log \"no end\n"
          "  set ixn.Queue = \"x\"\n"
          "  wait 5\n"
          "  stop \"a\"\n"
          "}\n"
          "strtegy \"B\" { stop }\n"
          "strategy \"C\" {\n"
          "  log lenght(\"x\")\n"
          "  stop\n"
          "}\n",
          "f:2:3: error: 'roue' is no statement; did you mean 'route'?\n"
          "f:3:13: error: '=' compares nothing; did you mean '=='?\n"
          "f:5:3: error: wanted the name of a queue in quotes, found 'x'\n"
          "f:6:3: error: wanted a value, found 'log'\n"
          "f:6:7: error: the text has no closing quote on its line\n"
          "f:7:7: error: properties of the interaction cannot be set, only its data; priority has "
          "its own statement\n"
          "f:8:8: error: wanted a time (30s, 5m, 2h, 1d), found '5'\n"
          "f:11:1: error: a file holds processes, strategies and subroutines, not 'strtegy'; did "
          "you mean 'strategy'?\n"
          "f:13:7: error: there is no function 'lenght'; did you mean 'length'?\n");
}

TEST(a_block_that_is_not_closed_costs_only_its_strategy)
{
    check("strategy \"A\" {\n"
          "  if data.X == \"1\" {\n"
          "    stop\n"
          "strategy \"B\" { stop }\n"
          "strategy \"C\" { stp }\n",
          "f:4:1: error: wanted '}', found 'strategy'\n"
          "f:5:16: error: 'stp' is no statement; did you mean 'stop'?\n");
}

TEST(a_process_tells_its_mistakes)
{
    check("process \"P\" {\n"
          "  queue \"Q\" { view \"V\" { were \"a\" max 3 max 4 every 2h } }\n"
          "  workbin \"W\" owner agnt\n"
          "}\n",
          "f:2:26: error: 'were' is no clause of a view; did you mean 'where'?\n"
          "f:2:41: error: the view has 'max' twice\n"
          "f:2:47: error: a view is checked every 1s to every 1h (interaction 5.1)\n"
          "f:3:21: error: a workbin's owner is agent, agent-group, place or place-group; did you "
          "mean 'agent'?\n");
}

TEST(only_what_can_fail_has_an_on_error)
{
    check("strategy \"A\" {\n  wait 5s on error { }\n  stop\n}\n",
          "f:2:11: error: 'wait' has no 'on error': it cannot fail\n");
}

TEST(bytes_that_are_no_text_are_refused)
{
    check("strategy \"\xff\" { stop }", "f:1:1: error: the file is no UTF-8 text\n");
    check("strategy \"A\" {\n log \"a\x01\" }", "f:2:8: error: here stands a character that is "
                                                "none of a text\n");
    check("strategy \"A\" { stop } \xc3\xa9", "f:1:23: error: '\xc3\xa9' means nothing here\n");
}

static struct strategy_findings build_large(struct scope *scope, const char *begin,
                                            const char *part, int count, const char *end)
{
    struct buf source = { 0 };
    buf_add_z(&source, begin);
    for (int i = 0; i < count; i++) buf_add_z(&source, part);
    buf_add_z(&source, end);
    struct strategy_source file = { TEXT("f"), scope_keep(scope, buf_text(&source)) };
    struct strategy_findings findings = strategy_findings_in(scope);
    (void)strategy_build(&file, 1, scope, NULL, &findings);
    buf_free(&source);
    return findings;
}

TEST(what_is_too_large_for_the_engine_is_refused)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct strategy_findings findings =
        build_large(scope, "strategy \"A\" { ", "log 1\n", 2000, "stop }");
    CHECK_I64(findings.error_count, 0);
    findings = build_large(scope, "strategy \"A\" { ", "log 1\n", 4000, "stop }");
    CHECK_TEXT(findings.first->words,
               "'A' is too large for one document: move parts of it into subroutines");
    findings = build_large(scope, "strategy \"A\" { if data.X { stop }\n",
                           "else if data.X { stop }\n", 40000, "else { stop } }");
    CHECK_I64(findings.error_count, 1);
    findings = build_large(scope, "strategy \"A\" { ", "if data.X matches \"a+\" { stop }\n", 1000,
                           "stop }");
    CHECK_TEXT(findings.first->words, "more than 200 patterns");
    scope_close(scope);
}
