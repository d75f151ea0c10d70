/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a step fast and a session small (decision 0036). Figures are those of a sanitized
 * build on a busy machine: they catch a wrong order of growth, bench/scxml measures. */
#include <stdio.h>

#include "scxml/session_private.h"
#include "tests/unit/scxml/chart.h"
#include "tests/unit/test.h"

enum { SIDE = 64 };

/* uSCXML's "LCCA": regions of nested states, each with a way out of all. */
static void write_nested(struct buf *out)
{
    buf_add_z(out, "<parallel id='mark'>");
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) buf_format(out, "<state id='s%d.%d'>", i, j);
        buf_add_z(out, "<transition target='z'/>");
        for (int j = 0; j < SIDE; j++) buf_add_z(out, "</state>");
    }
    buf_add_z(out, "</parallel><state id='z'><transition target='mark'/></state>");
}

/* And "Transitions": each region could restart all, in as many ways. */
static void write_conflicts(struct buf *out)
{
    buf_add_z(out, "<parallel id='mark'>");
    for (int i = 0; i < SIDE; i++) {
        buf_format(out, "<state id='s%d'>", i);
        for (int j = 0; j < SIDE; j++) buf_add_z(out, "<transition target='mark'/>");
        buf_add_z(out, "</state>");
    }
    buf_add_z(out, "</parallel>");
}

struct cost {
    uint64_t us;
    size_t bytes; /* of the step's scope */
};

static struct cost cost_of(struct chart *chart, uint32_t transitions)
{
    struct chart *again = chart_of(chart->document);
    again->limits.macrostep_transitions = transitions;
    chart_begin(again);
    struct scxml_effects effects = scxml_effects_in(again->effects);
    uint64_t before = chart_cpu_us();
    CHECK_I64(scxml_step(again->session, 0, &effects), SCXML_ENDED);
    struct cost cost = { chart_cpu_us() - before, scope_bytes(again->effects) };
    chart_close(again);
    return cost;
}

static struct chart *load(void (*write)(struct buf *out))
{
    struct buf body = { 0 };
    write(&body);
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_load("datamodel='null'", body.at);
    buf_free(&body);
    return chart;
}

static void check_steps(void (*write)(struct buf *out))
{
    struct chart *chart = load(write);
    struct cost few = cost_of(chart, 10), many = cost_of(chart, 10010);
    CHECK(many.us - few.us < 500000);    /* 50 us a transition; 1 us is usual */
    CHECK(many.bytes <= few.bytes + 16); /* the reason's words: nothing is allocated by a step */
    chart_close(chart);
}

TEST(four_thousand_states_are_left_and_entered_by_words)
{
    check_steps(write_nested);
}

TEST(many_that_conflict_cost_little)
{
    check_steps(write_conflicts);
}

TEST(many_that_do_not_conflict_are_not_compared_with_each_other)
{
    enum { REGIONS = 3000 };
    struct buf body = { 0 };
    buf_add_z(&body, "<parallel id='p'>");
    for (int i = 0; i < REGIONS; i++)
        buf_format(&body,
                   "<state id='r%d'><state id='a%d'><transition event='e' target='b%d'/></state>"
                   "<state id='b%d'><transition event='e' target='a%d'/></state></state>",
                   i, i, i, i, i);
    buf_add_z(&body, "</parallel>");
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_load("datamodel='null'", body.at);
    chart->limits.macrostep_transitions = REGIONS;
    chart_begin(chart);
    chart_run(chart);
    uint64_t before = chart_cpu_us();
    for (int i = 0; i < 10; i++) chart_event(chart, "e");
    CHECK(chart_cpu_us() - before <
          200000); /* 7 us a transition; pair by pair it would be seconds */
    CHECK(!scxml_has_ended(chart->session));
    buf_free(&body);
    chart_close(chart);
}

TEST(an_event_that_nobody_wants_costs_no_walk_up_the_tree)
{
    struct chart *chart = load(write_nested);
    const struct scxml_plan_state *outer = &chart->document->plan->states[2], *inner = outer + 63;
    CHECK_TEXT(chart->document->states[2].id, "s0.0");
    CHECK_U32(outer->eventless_up, SCXML_NONE);
    CHECK_U32(inner->eventless_up, 65);
    CHECK_U32(inner->evented_up, SCXML_NONE);
    chart_close(chart);
}

TEST(a_session_at_rest_is_one_small_piece)
{
    struct buf body = { 0 };
    for (int i = 0; i < 20; i++)
        buf_format(&body,
                   "<state id='s%d'><onentry><send event='e'/><raise event='f'/></onentry>"
                   "<transition event='next' target='s%d'/></state>",
                   i, (i + 1) % 20);
    buf_add_byte(&body, '\0');
    struct chart *chart = chart_load("datamodel='null'", body.at);
    chart->birth.session_id = TEXT("65UA6ISSJH76R340BNDQ2DG0DG000036");
    chart_begin(chart);
    chart_run(chart);
    chart_event(chart, "next");
    CHECK(scxml_session_bytes(chart->session) < 1024);
    CHECK_U32(chart->session->held_bytes, 0);
    CHECK(chart->session->internal.first == NULL && chart->session->external.first == NULL);
    CHECK(chart->session->delayed == NULL && chart->session->histories == NULL);
    buf_free(&body);
    chart_close(chart);
}
