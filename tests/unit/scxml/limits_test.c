/* SPDX-License-Identifier: Apache-2.0 */
/* What a document may take, and what happens past it (orchestration 3.5). */
#include <stdio.h>

#include "tests/unit/scxml/chart.h"
#include "tests/unit/test.h"

/* What the sanitizers make of a limit of time: they slow the engine down, not its clock. */
enum { LIMIT_US = 100000, SLACK_US = 100000 };

static struct chart *load(const char *attributes, const char *body)
{
    struct chart *chart = chart_load(attributes, body);
    chart->limits.script_ms = LIMIT_US / 1000;
    return chart;
}

static uint64_t run_for(struct chart *chart)
{
    uint64_t before = chart_cpu_us();
    chart_begin(chart);
    chart_run(chart);
    return chart_cpu_us() - before;
}

static void check_end(struct chart *chart, const char *beginning)
{
    char wanted[200];
    (void)snprintf(wanted, sizeof wanted, "end  because %s", beginning);
    struct text said = chart_said(chart);
    CHECK_I64(chart->outcome, SCXML_ENDED);
    CHECK_TEXT(text_slice(said, 0, text_of(wanted).len), wanted);
}

TEST(a_loop_without_end_is_ended_after_its_thousandth_transition) /* scenario_O19 */
{
    struct chart *chart = chart_load("", "<state id='a'><transition target='b'/></state>"
                                         "<state id='b'><transition target='a'/></state>");
    CHECK(run_for(chart) < SLACK_US);
    CHECK_TEXT(chart_said(chart),
               "end  because error.platform.loop: more than 1000 transitions in a macrostep, now "
               "in a\n");
    chart_close(chart);
}

TEST(the_thousandth_transition_itself_is_taken)
{
    char body[100000];
    int len = 0;
    for (int i = 0; i < 1000; i++)
        len += snprintf(body + len, sizeof body - (size_t)len,
                        "<state id='s%d'><transition target='s%d'/></state>", i, i + 1);
    (void)snprintf(body + len, sizeof body - (size_t)len,
                   "<state id='s1000'>"
                   "<transition event='e'/></state>");
    struct chart *chart = chart_load("", body);
    CHECK(run_for(chart) < SLACK_US);
    CHECK_TEXT(chart_states(chart), "s1000");
    chart_event(chart, "e"); /* each macrostep counts anew */
    CHECK_TEXT(chart_said(chart), "");
    chart_close(chart);
}

TEST(a_loop_of_internal_events_is_one_as_well)
{
    struct chart *chart =
        chart_load("", "<state id='a'><onentry><raise event='e'/></onentry>"
                       "<transition event='e'><raise event='e'/></transition></state>");
    CHECK(run_for(chart) < SLACK_US);
    check_end(chart, "error.platform.loop: ");
    chart_close(chart);
}

TEST(a_condition_that_fails_at_the_error_that_it_raised_is_one_as_well)
{
    struct chart *chart = chart_load("datamodel='ecmascript'",
                                     "<state id='a'><onentry><raise event='error'/></onentry>"
                                     "<transition event='error' cond='nobody.x'/></state>");
    chart->limits.queued_events = 1000;
    CHECK(run_for(chart) < SLACK_US);
    check_end(chart,
              "error.platform.loop: more than 1000 internal events in a macrostep, now error");
    chart_close(chart);
}

TEST(an_invocation_that_fails_again_and_again_is_one_as_well)
{
    struct chart *chart = chart_load("datamodel='ecmascript'",
                                     "<state id='a'><invoke srcexpr='nobody.x'/>"
                                     "<transition event='error.execution' target='a'/></state>");
    (void)run_for(chart);
    check_end(chart, "error.platform.loop: ");
    chart_close(chart);
}

TEST(who_is_terminated_runs_no_handler_and_frees_its_invocations)
{
    struct chart *chart =
        chart_load("", "<state id='a'><invoke id='v'/><onexit><log label='no'/></onexit>"
                       "<state id='b'><transition event='e' target='c'/></state>"
                       "<state id='c'><transition target='c'/></state></state>");
    (void)run_for(chart);
    (void)chart_said(chart);
    chart_event(chart, "e");
    CHECK_TEXT(chart_said(chart), "uninvoke v\nend  because error.platform.loop: more than 1000 "
                                  "transitions in a macrostep, now in c\n");
    chart_close(chart);
}

TEST(the_external_queue_is_bounded)
{
    struct chart *chart = chart_load("", "<state id='a'/>");
    chart->limits.queued_events = 3;
    chart_begin(chart);
    for (int i = 0; i < 3; i++) CHECK_OK(chart_post(chart, "e"));
    CHECK_I64(chart_post(chart, "e"), ERR_FULL);
    chart_run(chart);
    CHECK_OK(chart_post(chart, "e"));
    chart_close(chart);
}

TEST(ten_thousand_events_wait_by_default)
{
    struct chart *chart = chart_load("", "<state id='a'/>");
    chart_begin(chart);
    for (int i = 0; i < 10000; i++) CHECK_OK(chart_post(chart, "e"));
    CHECK_I64(chart_post(chart, "e"), ERR_FULL);
    chart_close(chart);
}

TEST(waiting_events_may_not_outgrow_the_session)
{
    static char data[40000];
    struct chart *chart = chart_load("", "<state id='a'/>");
    chart->limits.session_bytes = 100000;
    chart_begin(chart);
    const struct scxml_event event = { .name = TEXT("e"),
                                       .data = { SCXML_DATA_TEXT, { data, sizeof data } } };
    CHECK_OK(scxml_post(chart->session, &event));
    CHECK_OK(scxml_post(chart->session, &event));
    CHECK_I64(scxml_post(chart->session, &event), ERR_FULL);
    chart_run(chart);
    CHECK_OK(scxml_post(chart->session, &event));
    chart_close(chart);
}

TEST(a_send_to_a_full_queue_of_its_own_is_an_error_of_communication)
{
    struct chart *chart = chart_load(
        "", "<state id='a'><onentry><send event='1'/><send event='2'/><send event='3' id='i'/>"
            "<log label='on'/></onentry><transition event='error.communication'>"
            "<log label='full'/></transition></state>");
    chart->limits.queued_events = 2;
    (void)run_for(chart);
    CHECK_TEXT(chart_said(chart), "log on\nlog full\n");
    chart_close(chart);
}

TEST(the_internal_queue_is_bounded)
{
    struct chart *chart = chart_load(
        "datamodel='ecmascript'",
        "<datamodel><data id='many' expr='new Array(20000)'/></datamodel><state id='a'><onentry>"
        "<foreach array='many' item='i'><raise event='e'/></foreach></onentry></state>");
    chart->limits.queued_events = 100;
    (void)run_for(chart);
    check_end(chart, "error.platform.queue: no room in the internal queue for e");
    chart_close(chart);
}

TEST(delayed_events_are_bounded)
{
    struct chart *chart = chart_load(
        "datamodel='ecmascript'",
        "<datamodel><data id='many' expr='new Array(1001)'/><data id='n' expr='0'/></datamodel>"
        "<state id='a'><onentry><foreach array='many' item='i'><send event='e' delay='1s'/>"
        "<assign location='n' expr='n + 1'/></foreach></onentry>"
        "<transition event='error.execution'><log expr='n'/></transition></state>");
    chart->limits.script_ms = 60000; /* not what is tested here */
    (void)run_for(chart);
    CHECK_TEXT(chart_said(chart), "log  1000\n");
    chart_close(chart);
}

TEST(what_a_macrostep_makes_is_bounded)
{
    struct chart *chart = chart_load(
        "datamodel='ecmascript'",
        "<datamodel><data id='many' expr='new Array(5000)'/>"
        "<data id='long' expr=\"new Array(1001).join('x')\"/></datamodel><state id='a'><onentry>"
        "<foreach array='many' item='i'><log expr='long'/></foreach></onentry></state>");
    chart->limits.session_bytes = 1000000;
    (void)run_for(chart);
    struct text said = chart_said(chart);
    CHECK(said.len < 1100000);
    CHECK(text_ends(said, TEXT("because error.platform.memory: a macrostep made more than 1000000 "
                               "bytes\n")));
    chart_close(chart);
}

TEST(many_copies_of_one_long_value_are_bounded)
{
    struct buf body = { 0 };
    buf_add_z(&body, "<script>var long = 'x'; for (var i = 0; i &lt; 20; i++) long += long;"
                     "</script><state id='a'><onentry><send event='e'>");
    for (int i = 0; i < 500; i++) buf_format(&body, "<param name='p%d' location='long'/>", i);
    buf_add_z(&body, "</send></onentry></state>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_load("datamodel='ecmascript'", body.at);
    (void)run_for(chart);
    check_end(chart, "error.platform.memory: a macrostep made more than 16777216 bytes");
    CHECK(scope_bytes(chart->effects) < 20000000);
    buf_free(&body);
    chart_close(chart);
}

TEST(a_thousand_invocations_are_active_and_no_more)
{
    struct buf body = { 0 };
    buf_add_z(&body, "<parallel id='p'>");
    for (int i = 0; i < 1001; i++)
        buf_format(&body, "<state id='s%d'><invoke id='v%d'/></state>", i, i);
    buf_add_z(&body, "<transition event='error.execution'><log label='one too many'/></transition>"
                     "<transition event='e' target='x'/></parallel><state id='x'/>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_load("", body.at);
    CHECK(run_for(chart) < SLACK_US);
    struct text said = chart_said(chart);
    CHECK(text_ends(said, TEXT("invoke v999 type  src \nlog one too many\n")));
    chart_event(chart, "e");
    said = chart_said(chart);
    CHECK(text_starts(said, TEXT("uninvoke v999\nuninvoke v998\n")));
    CHECK(text_ends(said, TEXT("uninvoke v0\n")));
    buf_free(&body);
    chart_close(chart);
}

TEST(one_event_for_many_invocations_is_copied_once)
{
    static char data[1000000];
    struct buf body = { 0 };
    buf_add_z(&body, "<state id='a'>");
    for (int i = 0; i < 500; i++) buf_format(&body, "<invoke id='v%d' autoforward='true'/>", i);
    buf_add_z(&body, "</state>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_open("", body.at);
    const struct scxml_event event = { .name = TEXT("e"),
                                       .data = { SCXML_DATA_TEXT, { data, sizeof data } } };
    CHECK_OK(scxml_post(chart->session, &event));
    struct scxml_effects effects = scxml_effects_in(chart->effects);
    scope_reset(chart->effects);
    CHECK_I64(scxml_step(chart->session, 0, &effects), SCXML_STEPPED);
    CHECK_U32(effects.count, 500);
    CHECK(scope_bytes(chart->effects) < 1500000);
    buf_free(&body);
    chart_close(chart);
}

TEST(a_script_without_end_is_stopped_and_the_third_one_ends_the_session) /* scenario_O18 */
{
    struct chart *chart =
        load("datamodel='ecmascript'",
             "<state id='a'><onentry><script>while (true) {}</script></onentry>"
             "<transition event='error.execution' target='b'><log label='stopped'/></transition>"
             "</state><state id='b'><transition event='e' target='a'/></state>");
    uint64_t took = run_for(chart);
    CHECK(took >= LIMIT_US && took < LIMIT_US + SLACK_US);
    CHECK_TEXT(chart_said(chart), "log stopped\n");
    chart_event(chart, "e");
    CHECK_TEXT(chart_said(chart), "log stopped\n");
    chart_event(chart, "e");
    CHECK_TEXT(chart_said(chart),
               "end  because error.platform.time: 3 scripts took longer than 100 ms\n");
    chart_close(chart);
}

/* None of them takes too long by itself. */
TEST(scripts_that_are_many_in_a_macrostep_have_a_bound_together)
{
    struct chart *chart = load("datamodel='ecmascript'",
                               "<script>function work() { for (var i = 0; i &lt; 200000; i++); }"
                               "</script><state id='a'><transition target='a'>"
                               "<script>work()</script></transition></state>");
    CHECK(run_for(chart) < 3 * LIMIT_US + SLACK_US);
    check_end(chart, "error.platform.time: ");
    chart_close(chart);
}

TEST(a_foreach_over_ten_million_items_is_stopped_in_time)
{
    struct chart *chart = load(
        "datamodel='ecmascript'",
        "<script>var huge = []; huge.length = 10000000;</script><state id='a'><onentry>"
        "<foreach array='huge' item='i' index='k'><assign location='n' expr='k'/></foreach>"
        "<log label='never'/></onentry><transition event='error.execution'><log label='stopped'/>"
        "</transition></state><datamodel><data id='n'/></datamodel>");
    uint64_t took = run_for(chart);
    CHECK(took < LIMIT_US + SLACK_US);
    CHECK_TEXT(chart_said(chart), "log stopped\n");
    chart_close(chart);
}

TEST(loops_in_loops_count_as_one_script)
{
    struct chart *chart =
        load("datamodel='ecmascript'",
             "<script>var many = new Array(2000);</script><state id='a'><onentry>"
             "<foreach array='many' item='i'><foreach array='many' item='k'><foreach array='many' "
             "item='l'/></foreach></foreach></onentry><transition event='error.execution'>"
             "<log label='stopped'/></transition></state>");
    uint64_t took = run_for(chart);
    CHECK(took < LIMIT_US + SLACK_US);
    CHECK_TEXT(chart_said(chart), "log stopped\n");
    chart_close(chart);
}

TEST(a_heap_that_is_full_ends_the_session)
{
    struct chart *chart = chart_load("datamodel='ecmascript'",
                                     "<state id='a'><onentry><script>var s = 'x'; while (true) "
                                     "s += s;</script></onentry></state>");
    CHECK(run_for(chart) < 500000 + SLACK_US);
    check_end(chart, "error.platform.memory: ");
    chart_close(chart);
}

TEST(ifs_as_deep_as_a_document_allows_are_run)
{
    struct buf body = { 0 };
    buf_add_z(&body, "<state id='a'><onentry>");
    for (int i = 0; i < 240; i++) buf_add_z(&body, "<if cond=\"In('a')\">");
    buf_add_z(&body, "<log label='bottom'/>");
    for (int i = 0; i < 240; i++) buf_add_z(&body, "</if>");
    buf_add_z(&body, "</onentry></state>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_open("", body.at);
    CHECK_TEXT(chart_said(chart), "log bottom\n");
    buf_free(&body);
    chart_close(chart);
}

TEST(states_as_deep_as_a_document_allows_are_entered)
{
    struct buf body = { 0 };
    for (int i = 0; i < 250; i++) buf_format(&body, "<state id='s%d'>", i);
    for (int i = 0; i < 250; i++) buf_add_z(&body, "</state>");
    buf_add_z(&body, "<state id='x'/>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_open("", body.at);
    CHECK_TEXT(chart_states(chart), "s249");
    buf_free(&body);
    chart_close(chart);
}

TEST(a_wide_document_is_planned_and_stepped_in_time)
{
    /* Each of 4,000 regions can be entered from outside, and then all others are, too. */
    struct buf body = { 0 };
    buf_add_z(&body, "<state id='x'>");
    for (int i = 0; i < 4000; i++)
        buf_format(&body, "<transition event='e%d' target='a%d'/>", i, i);
    buf_add_z(&body, "</state><parallel id='p'>");
    for (int i = 0; i < 4000; i++)
        buf_format(&body, "<state id='r%d'><state id='a%d'/></state>", i, i);
    buf_add_z(&body, "<transition event='out' target='x'/></parallel>");
    buf_add_byte(&body, '\0');
    uint64_t before = chart_cpu_us();
    struct chart *chart = chart_open("", body.at);
    CHECK(chart_cpu_us() - before < 5000000);
    CHECK(scope_bytes(chart->scope) < 64 * 1024 * 1024);
    before = chart_cpu_us();
    chart_event(chart, "e3999");
    CHECK_U32(scxml_configuration(chart->session, NULL, 0), 4000);
    chart_event(chart, "out");
    chart_event(chart, "e0");
    CHECK_U32(scxml_configuration(chart->session, NULL, 0), 4000);
    CHECK(chart_cpu_us() - before < SLACK_US);
    buf_free(&body);
    chart_close(chart);
}

TEST(conditions_asked_over_and_over_are_bounded)
{
    /* 3,000 regions each ask twice; a chain of internal events has them asked again and again. */
    struct buf body = { 0 };
    buf_add_z(&body, "<parallel id='p'><onentry><raise event='e'/></onentry>"
                     "<transition event='e'><raise event='e'/></transition>");
    for (int i = 0; i < 3000; i++)
        buf_format(&body,
                   "<state id='r%d'><transition cond=\"In('x')\" target='x'/>"
                   "<transition cond=\"In('x')\" target='x'/></state>",
                   i);
    buf_add_z(&body, "</parallel><state id='x'/>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_load("", body.at);
    CHECK(run_for(chart) < 1500000);
    CHECK_TEXT(chart_said(chart), "end  because error.platform.loop: more than 1000000 actions and "
                                  "conditions in a macrostep\n");
    buf_free(&body);
    chart_close(chart);
}

TEST(histories_may_not_outgrow_the_session)
{
    struct buf body = { 0 };
    buf_add_z(&body, "<state id='a'>");
    for (int i = 0; i < 2000; i++)
        buf_format(&body, "<history id='h%d'><transition target='b'/></history>", i);
    buf_add_z(&body, "<state id='b'/><transition event='e' target='x'/></state>"
                     "<state id='x'/>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_load("", body.at);
    chart->limits.session_bytes = 100000;
    CHECK(run_for(chart) < SLACK_US);
    chart_event(chart, "e");
    check_end(chart, "error.platform.memory: the histories take 512000 bytes");
    buf_free(&body);
    chart_close(chart);
}

TEST(histories_that_lead_to_each_other_come_to_an_end)
{
    struct buf body = { 0 };
    buf_add_z(&body, "<state id='p' initial='h0'>");
    for (int i = 0; i < 60; i++)
        buf_format(&body, "<history id='h%d'><transition target='h%d h%d'/></history>", i,
                   (i + 1) % 60, (i + 1) % 60);
    buf_add_z(&body, "<state id='a'/></state>");
    buf_add_byte(&body, '\0');
    uint64_t before = chart_cpu_us();
    struct chart *chart = chart_open("", body.at);
    CHECK(chart_cpu_us() - before < SLACK_US);
    buf_free(&body);
    chart_close(chart);
}
