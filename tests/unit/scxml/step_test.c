/* SPDX-License-Identifier: Apache-2.0 */
/* The interpretation algorithm (orchestration 3.2), with the null data model: which states are
 * left and entered, in which order, and why. */
#include <stdio.h>

#include "tests/unit/scxml/chart.h"
#include "tests/unit/test.h"

#define ON(name)                                                                                   \
    "<onentry><log label=\"+" name "\"/></onentry><onexit><log label=\"-" name "\"/></onexit>"

static void check_said(struct chart *chart, const char *wanted) /* labels of the log, in a row */
{
    struct buf labels = { 0 };
    struct text rest = chart_said(chart), line;
    while (text_next_item(&rest, '\n', &line)) {
        if (!text_starts(line, TEXT("log "))) continue;
        if (labels.len) buf_add_byte(&labels, ' ');
        buf_add(&labels, text_slice(line, 4, line.len));
    }
    buf_add_byte(&labels, '\0');
    assert_string_equal(labels.at, wanted);
    buf_free(&labels);
}

/* --- entry and exit --------------------------------------------------------------------------- */

TEST(the_first_child_is_entered_by_default)
{
    struct chart *chart = chart_open(
        "", "<state id='a'>" ON("a") "<state id='b'>" ON("b") "</state></state><state id='c'/>");
    CHECK_TEXT(chart_states(chart), "b");
    check_said(chart, "+a +b");
    chart_close(chart);
}

TEST(states_are_left_in_reverse_and_entered_in_document_order)
{
    struct chart *chart = chart_open(
        "",
        "<parallel id='p'>" ON("p") "<state id='r'>" ON("r") "<state id='a'>" ON(
            "a") "</state></state><state id='s'>" ON("s") "<state id='b'>" ON("b") "</state>"
                                                                                   "</"
                                                                                   "state><"
                                                                                   "transition "
                                                                                   "event='e' "
                                                                                   "target='x'><"
                                                                                   "log "
                                                                                   "label='t'/></"
                                                                                   "transition></"
                                                                                   "parallel>"
                                                                                   "<state "
                                                                                   "id='x'>" ON(
                                                                                       "x") "<trans"
                                                                                            "ition "
                                                                                            "event="
                                                                                            "'f' "
                                                                                            "target"
                                                                                            "='b'/"
                                                                                            "></"
                                                                                            "state"
                                                                                            ">");
    CHECK_TEXT(chart_states(chart), "a b");
    check_said(chart, "+p +r +a +s +b");
    chart_event(chart, "e");
    check_said(chart, "-b -s -a -r -p t +x");
    chart_event(chart, "f"); /* into one region: the others are completed */
    check_said(chart, "-x +p +r +a +s +b");
    chart_close(chart);
}

TEST(several_targets_complete_each_other)
{
    struct chart *chart = chart_open(
        "initial='b2 a2'", "<parallel id='p'><state id='r'><state id='a1'/><state id='a2'/></state>"
                           "<state id='s'><state id='b1'/><state id='b2'/></state>"
                           "<state id='t'/></parallel>");
    CHECK_TEXT(chart_states(chart), "a2 b2 t");
    chart_close(chart);
}

TEST(the_content_of_initial_runs_after_onentry_and_before_the_child)
{
    struct chart *chart =
        chart_open("", "<state id='a'>" ON(
                           "a") "<initial><transition target='c'><log label='i'/></transition>"
                                "</initial><state id='b'>" ON(
                                    "b") "<transition event='e' target='c'/></state>"
                                         "<state id='c'>" ON(
                                             "c") "<transition event='e' target='b'/></state>"
                                                  "<transition event='again' target='a'/></state>");
    check_said(chart, "+a i +c");
    chart_event(chart, "e");
    chart_event(chart, "again");
    check_said(chart, "-c +b -b -a +a i +c");
    chart_close(chart);
}

TEST(a_deep_initial_target_enters_what_is_between)
{
    struct chart *chart = chart_open("", "<state id='a' initial='d'><state id='b'/><state "
                                         "id='c'>" ON("c") "<parallel id='q'><state id='d'>" ON(
                                             "d") "</state><state id='e'>" ON("e") "</state></"
                                                                                   "parallel></"
                                                                                   "state></"
                                                                                   "state>");
    CHECK_TEXT(chart_states(chart), "d e");
    check_said(chart, "+c +d +e");
    chart_close(chart);
}

TEST(in_sees_the_configuration_as_it_changes)
{
    static const char *const look =
        "<if cond=\"In('%s')\"><log label='%s'/><else/><log label='no-%s'/></if>";
    char in_b[200], in_a[200], body[2000];
    (void)snprintf(in_b, sizeof in_b, look, "b", "b", "b");
    (void)snprintf(in_a, sizeof in_a, look, "a", "a", "a");
    (void)snprintf(body, sizeof body,
                   "<state id='a'><onentry>%s</onentry><onexit>%s</onexit>"
                   "<state id='b'><onentry>%s%s</onentry><onexit>%s%s</onexit></state>"
                   "<transition event='e' target='x'>%s%s</transition></state><state id='x'/>",
                   in_b, in_b, in_a, in_b, in_a, in_b, in_a, in_b);
    struct chart *chart = chart_open("", body);
    check_said(chart, "no-b a b");
    chart_event(chart, "e");
    check_said(chart, "a b no-b no-a no-b");
    chart_close(chart);
}

/* --- which transitions ------------------------------------------------------------------------ */

TEST(an_event_takes_the_inner_transition_first)
{
    struct chart *chart = chart_open("", "<state id='a'><transition event='e' target='x'/>"
                                         "<state id='b'><transition event='e' target='y'/>"
                                         "</state></state><state id='x'/><state id='y'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "y");
    chart_close(chart);
}

TEST(an_outer_transition_serves_when_no_inner_one_does)
{
    struct chart *chart = chart_open(
        "", "<state id='a'><transition event='e' target='x'/><state id='m'><state id='b'>"
            "<transition event='e' cond=\"In('x')\" target='y'/><transition event='f' target='y'/>"
            "</state></state></state><state id='x'/><state id='y'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "x");
    chart_close(chart);
}

TEST(of_one_state_the_first_that_fits_is_taken)
{
    struct chart *chart = chart_open(
        "", "<state id='a'><transition event='f' target='x'/><transition event='e' "
            "cond=\"In('x')\" target='x'/><transition event='e' target='y'/><transition event='e' "
            "target='z'/></state><state id='x'/><state id='y'/><state id='z'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "y");
    chart_close(chart);
}

TEST(regions_move_together)
{
    struct chart *chart = chart_open(
        "", "<parallel id='p'>"
            "<state id='r'><state id='a'><transition event='e' target='a2'><log label='1'/>"
            "</transition></state><state id='a2'/></state>"
            "<state id='s'><state id='b'><transition event='e' target='b2'><log label='2'/>"
            "</transition></state><state id='b2'/></state></parallel>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "a2 b2");
    check_said(chart, "1 2");
    chart_close(chart);
}

TEST(of_two_that_conflict_the_earlier_region_wins)
{
    struct chart *chart =
        chart_open("", "<parallel id='p'><state id='a'><transition event='e' target='x'/></state>"
                       "<state id='b'><transition event='e' target='y'/></state></parallel>"
                       "<state id='x'/><state id='y'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "x");
    chart_close(chart);
}

TEST(a_later_region_that_leaves_all_yields_to_an_earlier_one)
{
    struct chart *chart = chart_open(
        "", "<parallel id='p'><state id='r'><state id='a'><transition event='e' target='a2'/>"
            "</state><state id='a2'/></state>"
            "<state id='b'><transition event='e' target='y'/></state></parallel><state id='y'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "a2 b");
    chart_close(chart);
}

TEST(a_transition_of_a_descendant_displaces_that_of_its_ancestor)
{
    /* a chooses q's, b then its own: q is above b, so b's stays (Recommendation, 3.13). */
    struct chart *chart = chart_open(
        "", "<state id='o'><parallel id='q'><transition event='e' target='x'/>"
            "<state id='a'/><state id='s'><state id='b'><transition event='e' target='b2'/></state>"
            "<state id='b2'/></state><state id='c'/></parallel></state><state id='x'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "a b2 c");
    chart_close(chart);
}

TEST(an_ancestor_keeps_its_place_where_the_descendant_yields_to_another)
{
    /* a moves in its region, b chooses o's way out of all, c its own way out: c is below o, but it
     * conflicts with a as well, which stays. */
    struct chart *chart =
        chart_open("", "<state id='o'><transition event='e' target='x'/><parallel id='q'>"
                       "<state id='r'><state id='a'><transition event='e' target='a2'/></state>"
                       "<state id='a2'/></state><state id='b'/>"
                       "<state id='c'><transition event='e' target='y'/></state></parallel></state>"
                       "<state id='x'/><state id='y'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "a2 b c");
    chart_close(chart);
}

TEST(who_would_displace_one_but_yields_to_another_displaces_none)
{
    /* c lies below s, whose transition b chose; but c's way out conflicts with a's move as well. */
    struct chart *chart = chart_open(
        "", "<parallel id='q'><state id='r'><state id='a'><transition event='e' target='a2'/>"
            "</state><state id='a2'/></state><state id='s'>"
            "<transition event='e' type='internal' target='d'/><parallel id='w'><state id='b'/>"
            "<state id='c'><transition event='e' target='y'/></state></parallel><state id='d'/>"
            "</state></parallel><state id='y'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "a2 d");
    chart_close(chart);
}

TEST(who_was_displaced_displaces_nobody)
{
    /* a chooses o's transition, b that of s inside o, c its own inside s: each displaces the last.
     */
    struct chart *chart = chart_open(
        "", "<state id='o'><transition event='e' type='internal' target='od'/><parallel id='p'>"
            "<state id='a'/><state id='s'><transition event='e' type='internal' target='sd'/>"
            "<parallel id='w'><state id='b'/><state id='c'><transition event='e' target='y'/>"
            "</state></parallel><state id='sd'/></state></parallel><state id='od'/></state>"
            "<state id='y'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "y");
    chart_close(chart);
}

TEST(a_transition_without_target_leaves_nothing_and_runs_once)
{
    struct chart *chart =
        chart_open("", "<parallel id='p'><transition event='e'><log label='t'/></transition><state "
                       "id='a'>" ON("a") "</state><state id='r'><state id='b'>" ON(
                           "b") "<transition event='e' "
                                "target='b'/></state></state><state id='c'/></parallel>");
    check_said(chart, "+a +b");
    chart_event(chart, "e");
    check_said(chart, "-b t +b");
    chart_close(chart);
}

TEST(an_external_transition_leaves_its_source_an_internal_one_does_not)
{
    struct chart *chart = chart_open(
        "", "<state id='a'>" ON("a") "<state id='b'>" ON("b") "</state><state id='c'>" ON(
                "c") "</state><transition event='in' type='internal' target='c'/>"
                     "<transition event='ex' target='c'/>"
                     "<transition event='out' type='internal' target='x'/></state>"
                     "<state id='x'>" ON("x") "</state>");
    check_said(chart, "+a +b");
    chart_event(chart, "in");
    check_said(chart, "-b +c");
    chart_event(chart, "ex");
    check_said(chart, "-c -a +a +c");
    chart_event(chart, "out"); /* its target is outside: as an external one */
    check_said(chart, "-c -a +x");
    chart_close(chart);
}

TEST(an_internal_transition_of_a_parallel_is_an_external_one)
{
    struct chart *chart =
        chart_open("", "<parallel id='p'>" ON("p") "<state id='a'>" ON(
                           "a") "</state><state id='b'/>"
                                "<transition event='e' type='internal' target='a'/></parallel>");
    check_said(chart, "+p +a");
    chart_event(chart, "e");
    check_said(chart, "-a -p +p +a");
    chart_close(chart);
}

TEST(the_domain_is_the_least_compound_that_holds_source_and_targets)
{
    struct chart *chart =
        chart_open("", "<state id='o'>" ON("o") "<parallel id='p'>" ON("p") "<state id='a'>" ON(
                           "a") "<transition event='e' target='b'/></state><state "
                                "id='b'>" ON("b") "</state></parallel></state>");
    check_said(chart, "+o +p +a +b");
    chart_event(chart, "e"); /* their parent is a parallel: it is left, o is not */
    check_said(chart, "-b -a -p +p +a +b");
    chart_close(chart);
}

TEST(conditions_of_eventless_transitions_are_asked_again)
{
    struct chart *chart = chart_open(
        "", "<parallel id='p'><state id='r'><state id='a'><transition cond=\"In('b2')\" "
            "target='a2'/></state><state id='a2'/></state><state id='s'><state id='b'>"
            "<transition event='e' target='b2'/></state><state id='b2'/></state></parallel>");
    CHECK_TEXT(chart_states(chart), "a b");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "a2 b2");
    CHECK_U32(chart->steps, 2); /* the start, and all of e in one macrostep */
    chart_close(chart);
}

/* --- events ----------------------------------------------------------------------------------- */

static bool is_taken(const char *descriptors, const char *name)
{
    char body[300];
    (void)snprintf(body, sizeof body,
                   "<state id='a'><transition event='%s' target='b'/>"
                   "<transition event='x.y x-y zz.y.z z' target='c'/></state>"
                   "<state id='b'/><state id='c'/>",
                   descriptors);
    struct chart *chart = chart_open("", body);
    chart_event(chart, name);
    bool is_taken = text_eq(chart_states(chart), TEXT("b"));
    chart_close(chart);
    return is_taken;
}

TEST(descriptors_meet_names_by_whole_tokens) /* orchestration 3.3 */
{
    CHECK(is_taken("error", "error.queue.submit"));
    CHECK(is_taken("error", "error"));
    CHECK(!is_taken("error", "errors.x"));
    CHECK(!is_taken("error.queue", "error"));
    CHECK(is_taken("error.*", "error"));
    CHECK(is_taken("error.", "error.x"));
    CHECK(is_taken("*", "what.ever"));
    CHECK(is_taken("*", "x.y.z"));
    CHECK(is_taken("q x", "x.y.z"));
    CHECK(is_taken("x", "x"));
    CHECK(is_taken("x", "x.z"));
    CHECK(!is_taken("x", "x-y"));
    CHECK(!is_taken("x.y.z", "x.y"));
    CHECK(!is_taken("E", "e"));
}

TEST(eventless_comes_before_internal_and_internal_before_external)
{
    struct chart *chart = chart_open(
        "",
        "<state id='a'><onentry><raise event='i1'/><raise event='i2'/></onentry>"
        "<transition event='*' target='x'/><transition target='b'/></state>"
        "<state id='b'><transition event='i1' target='c'/><transition event='*' target='x'/>"
        "</state><state id='c'><transition event='i2' target='d'/>"
        "<transition event='*' target='x'/></state>"
        "<state id='d'><transition event='e' target='f'/></state><state id='f'/><state id='x'/>");
    CHECK_OK(chart_post(chart, "e"));
    CHECK_TEXT(chart_states(chart), "d");
    chart_run(chart);
    CHECK_TEXT(chart_states(chart), "f");
    chart_close(chart);
}

TEST(each_external_event_is_a_macrostep)
{
    struct chart *chart = chart_open(
        "", "<state id='a'><transition event='e' target='b'/></state>"
            "<state id='b'><onentry><raise event='i'/></onentry><transition event='i' "
            "target='c'/></state><state id='c'><transition event='e' target='a'/></state>");
    CHECK_OK(chart_post(chart, "e"));
    CHECK_OK(chart_post(chart, "e"));
    CHECK(scxml_is_waiting(chart->session));
    chart_run(chart);
    CHECK_TEXT(chart_states(chart), "a");
    CHECK_U32(chart->steps, 3);
    CHECK(!scxml_is_waiting(chart->session));
    chart_close(chart);
}

TEST(an_event_that_nobody_takes_is_gone)
{
    struct chart *chart = chart_open("",
                                     "<state id='a'><transition event='e' target='b'/></state>"
                                     "<state id='b'><transition event='f' target='a'/></state>");
    chart_event(chart, "f");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "b");
    chart_close(chart);
}

/* --- finals ----------------------------------------------------------------------------------- */

TEST(a_final_child_tells_its_parent)
{
    struct chart *chart =
        chart_open("", "<state id='a'><state id='b'><transition event='e' target='f'/></state>"
                       "<final id='f'><onentry><raise event='first'/></onentry></final>"
                       "<transition event='first'><log label='first'/></transition>"
                       "<transition event='done.state.a' target='x'/></state><state id='x'/>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "x");
    check_said(chart, "first");
    chart_close(chart);
}

TEST(a_parallel_is_done_when_all_its_regions_are)
{
    struct chart *chart =
        chart_open("", "<parallel id='p'>"
                       "<state id='r'><state id='a'><transition event='e' target='af'/></state>"
                       "<final id='af'/></state>"
                       "<state id='s'><state id='b'><transition event='f' target='bf'/></state>"
                       "<final id='bf'/></state>"
                       "<transition event='done.state.r'><log label='r'/></transition>"
                       "<transition event='done.state.s'><log label='s'/></transition>"
                       "<transition event='done.state.p'><log label='p'/></transition></parallel>");
    chart_event(chart, "f");
    check_said(chart, "s");
    chart_event(chart, "e");
    check_said(chart, "r p");
    chart_close(chart);
}

TEST(a_parallel_of_parallels_is_done_when_their_regions_are)
{
    struct chart *chart = chart_open(
        "", "<parallel id='p'><transition event='done.state.p'><log label='p'/></transition>"
            "<history id='h'><transition target='q'/></history>"
            "<parallel id='q'><state id='r'><final id='af'/></state>"
            "<state id='s'><final id='bf'/></state></parallel>"
            "<state id='t'><state id='c'><transition event='e' target='cf'/></state>"
            "<final id='cf'/></state></parallel>");
    check_said(chart, "");
    chart_event(chart, "e");
    check_said(chart, "p");
    chart_close(chart);
}

TEST(a_final_at_the_top_ends_the_session_after_its_handlers)
{
    struct chart *chart = chart_open(
        "", "<state id='a'>" ON("a") "<transition event='e' target='f'/></state><final id='f'>" ON(
                "f") "</final>");
    chart_event(chart, "e");
    CHECK_I64(chart->outcome, SCXML_ENDED);
    CHECK_TEXT(chart_said(chart), "log +a\nlog -a\nlog +f\nlog -f\nend f\n");
    CHECK(scxml_has_ended(chart->session));
    CHECK_I64(chart_post(chart, "e"), ERR_CLOSED);
    CHECK_I64(scxml_post_internal(chart->session, &(struct scxml_event){ .name = TEXT("e") }),
              ERR_CLOSED);
    CHECK(!scxml_is_waiting(chart->session));
    CHECK_TEXT(chart_states(chart), "");
    chart_run(chart);
    CHECK_I64(chart->outcome, SCXML_ENDED);
    CHECK_TEXT(chart_said(chart), "");
    chart_close(chart);
}

TEST(events_after_a_final_at_the_top_are_not_taken)
{
    struct chart *chart =
        chart_open("", "<parallel id='p'><state id='a'><onentry><raise event='i'/></onentry>"
                       "<transition target='f'/></state></parallel><final id='f'><onentry>"
                       "<raise event='j'/></onentry></final>");
    CHECK_TEXT(chart_said(chart), "end f\n");
    chart_close(chart);
}

TEST(a_cancelled_session_leaves_all_states_and_tells_no_final) /* scenario_O7 */
{
    struct chart *chart =
        chart_open("", "<parallel id='p'>" ON("p") "<state id='a'>" ON(
                           "a") "</state><state id='b'>" ON("b") "</state></parallel>");
    (void)chart_said(chart);
    CHECK_OK(chart_post(chart, "e"));
    scxml_cancel(chart->session);
    CHECK(scxml_is_waiting(chart->session));
    chart_run(chart);
    CHECK_I64(chart->outcome, SCXML_ENDED);
    CHECK_TEXT(chart_said(chart), "log -b\nlog -a\nlog -p\nend \n");
    chart_close(chart);
}

TEST(a_session_cancelled_before_its_start_runs_nothing)
{
    struct chart *chart = chart_load("", "<state id='a'>" ON("a") "</state>");
    chart_begin(chart);
    scxml_cancel(chart->session);
    chart_run(chart);
    CHECK_TEXT(chart_said(chart), "end \n");
    chart_close(chart);
}

/* --- history ---------------------------------------------------------------------------------- */

#define HISTORY(type)                                                                              \
    "<state id='a'>" ON(                                                                           \
        "a") "<history id='h' type='" type "'><transition target='c'>"                             \
             "<log label='default'/></transition></history>"                                       \
             "<state id='b'>" ON("b") "</state><state id='c'>" ON(                                 \
                 "c") "<state id='d'/><state id='e'/>"                                             \
                      "<transition event='inner' target='e'/></state><transition event='out' "     \
                      "target='x'/></state>"                                                       \
                      "<state id='x'><transition event='back' target='h'/></state>"

TEST(a_history_that_was_never_recorded_takes_its_default_with_content)
{
    struct chart *chart = chart_open("initial='x'", HISTORY("shallow"));
    chart_event(chart, "back");
    CHECK_TEXT(chart_states(chart), "d");
    check_said(chart, "+a default +c");
    chart_close(chart);
}

TEST(the_content_of_a_history_runs_with_its_default_only)
{
    struct chart *chart = chart_open(
        "", "<state id='x'><transition event='e' target='h'/></state><state id='a'>" ON(
                "a") "<history id='h'><transition target='c'><log label='default'/></transition>"
                     "</history><state id='b'>" ON(
                         "b") "</state><state id='c'>"
                              "<transition target='y'/></state></state>"
                              "<state id='y'><transition target='a'/></state>");
    chart_event(chart, "e");
    check_said(chart, "+a default -a +a +b");
    chart_close(chart);
}

TEST(a_shallow_history_remembers_the_child)
{
    struct chart *chart = chart_open("initial='x'", HISTORY("shallow"));
    chart_event(chart, "back");
    chart_event(chart, "inner");
    CHECK_TEXT(chart_states(chart), "e");
    chart_event(chart, "out");
    (void)chart_said(chart);
    chart_event(chart, "back"); /* its default child, not e; and no content */
    CHECK_TEXT(chart_states(chart), "d");
    check_said(chart, "+a +c");
    chart_close(chart);
}

TEST(a_deep_history_remembers_the_leaves)
{
    struct chart *chart = chart_open("initial='x'", HISTORY("deep"));
    chart_event(chart, "back");
    chart_event(chart, "inner");
    chart_event(chart, "out");
    chart_event(chart, "back");
    CHECK_TEXT(chart_states(chart), "e");
    chart_close(chart);
}

TEST(a_history_is_recorded_anew_each_time)
{
    struct chart *chart = chart_open("initial='b'", HISTORY("deep"));
    chart_event(chart, "out");
    chart_event(chart, "back");
    CHECK_TEXT(chart_states(chart), "b");
    chart_close(chart);
}

TEST(a_history_of_a_parallel_restores_all_regions)
{
    struct chart *chart = chart_open(
        "", "<parallel id='p'><history id='h' type='deep'><transition target='a'/></history>"
            "<state id='r'><state id='a'><transition event='e' target='a2'/></state>"
            "<state id='a2'/></state><state id='s'><state id='b'/><state id='b2'/></state>"
            "<transition event='out' target='x'/></parallel>"
            "<state id='x'><transition event='back' target='h'/></state>");
    chart_event(chart, "e");
    chart_event(chart, "out");
    chart_event(chart, "back");
    CHECK_TEXT(chart_states(chart), "a2 b");
    chart_close(chart);
}

TEST(an_initial_may_lead_to_a_history)
{
    struct chart *chart = chart_open(
        "", "<state id='a' initial='h'><history id='h'><transition target='c'/></history>"
            "<state id='b'/><state id='c'><transition event='e' target='b'/></state>"
            "<transition event='out' target='x'/></state>"
            "<state id='x'><transition event='back' target='a'/></state>");
    CHECK_TEXT(chart_states(chart), "c");
    chart_event(chart, "e");
    chart_event(chart, "out");
    chart_event(chart, "back");
    CHECK_TEXT(chart_states(chart), "b");
    chart_close(chart);
}

TEST(a_history_target_is_reached_from_inside_its_parent)
{
    /* The domain follows from what the history stands for: r stays, as c to d inside r needs. */
    struct chart *chart = chart_open(
        "", "<state id='o'><history id='h' type='deep'><transition target='d'/></history>"
            "<state id='r'>" ON("r") "<state id='c'><transition event='e' target='h'/></state>"
                                     "<state id='d'/></state></state>");
    check_said(chart, "+r");
    chart_event(chart, "e");
    CHECK_TEXT(chart_states(chart), "d");
    check_said(chart, "");
    chart_close(chart);
}

/* --- errors ----------------------------------------------------------------------------------- */

TEST(an_error_ends_its_block_and_no_other)
{
    struct chart *chart = chart_open(
        "", "<state id='a'><onentry><log label='1'/><log expr='1 + 1'/><log label='2'/></onentry>"
            "<onentry><log label='3'/></onentry><transition event='error.execution' target='b'/>"
            "</state><state id='b'/>");
    CHECK_TEXT(chart_states(chart), "b");
    check_said(chart, "1 3");
    CHECK(text_starts(buf_text(&chart->ours), TEXT("log error.execution")));
    chart_close(chart);
}

TEST(a_condition_that_fails_is_false_and_an_error)
{
    struct chart *chart = chart_open("datamodel='null'",
                                     "<state id='a'><transition cond=\"In('b)\" target='x'/>"
                                     "<transition event='error.execution' target='b'/></state>"
                                     "<state id='b'/><state id='x'/>");
    CHECK_TEXT(chart_states(chart), "b");
    chart_close(chart);
}

TEST(the_null_data_model_takes_in_without_quotes) /* the Recommendation's appendix B.1 */
{
    struct chart *chart = chart_open("datamodel='null'",
                                     "<state id='a'><transition cond='In(x)' target='x'/>"
                                     "<transition cond='In( a )' target='b'/></state><state id='b'>"
                                     "<transition cond='In(b))' target='x'/>"
                                     "<transition event='error.execution' target='c'/></state>"
                                     "<state id='c'/><state id='x'/>");
    CHECK_TEXT(chart_states(chart), "c");
    chart_close(chart);
}

TEST(the_null_data_model_knows_in_and_nothing_else) /* W3C test 436 */
{
    struct chart *chart = chart_open(
        "datamodel='null' initial='p'",
        "<parallel id='p'><state id='ps0'><transition cond=\"In('s1')\" target='fail'/>"
        "<transition cond=' In ( \"ps1\" ) ' target='pass'/><transition target='fail'/></state>"
        "<state id='ps1'/></parallel><state id='s1'/><final id='pass'/><final id='fail'/>");
    CHECK_TEXT(chart_said(chart), "end pass\n");
    chart_close(chart);
}

/* --- more states than fit into a word --------------------------------------------------------- */

TEST(regions_by_the_hundred_are_left_and_entered_in_order)
{
    struct buf body = { 0 };
    buf_add_z(&body, "<parallel id='p'>");
    for (int i = 0; i < 100; i++)
        buf_format(&body,
                   "<state id='r%d'><state id='a%d'><onentry><log label='+%d'/></onentry><onexit>"
                   "<log label='-%d'/></onexit><transition event='e' target='f%d'/></state>"
                   "<final id='f%d'/></state>",
                   i, i, i, i, i, i);
    buf_add_z(&body, "<transition event='done.state.p' target='x'/></parallel><state id='x'/>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_open("", body.at);
    struct buf wanted = { 0 };
    for (int i = 0; i < 100; i++) buf_format(&wanted, "log +%d\n", i);
    buf_add_byte(&wanted, '\0');
    CHECK_TEXT(chart_said(chart), wanted.at);
    buf_clear(&wanted);
    for (int i = 99; i >= 0; i--) buf_format(&wanted, "log -%d\n", i);
    buf_add_byte(&wanted, '\0');
    chart_event(chart, "e");
    CHECK_TEXT(chart_said(chart), wanted.at);
    CHECK_TEXT(chart_states(chart), "x");
    buf_free(&wanted);
    buf_free(&body);
    chart_close(chart);
}
