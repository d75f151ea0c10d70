/* SPDX-License-Identifier: Apache-2.0 */
/* Charts made by chance: the interpreter does what the Recommendation's algorithm does when it is
 * followed to the letter (reference.h), and does it again byte for byte. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "tests/unit/scxml/chart.h"
#include "tests/unit/scxml/reference.h"
#include "tests/unit/test.h"

enum { CHARTS = 400, EVENTS = 25, STATES_MAX = 40, TRANSITIONS_MAX = 30 };

static const char *const events[] = { "e", "e.x", "e.x.y", "f", "ff", "g.h" };
static const char *const descriptors[] = { "e", "e.x", "e.*", "f", "*", "g f", "e.x.y g.h", "ff." };

struct sketch { /* of one state */
    char kind;  /* a: atomic, c: compound, p: parallel, f: final, h: history */
    uint32_t parent, end;
};

struct maker {
    struct random random;
    struct buf out;
    struct sketch states[STATES_MAX + 40];
    uint32_t count;
};

static uint32_t below(struct maker *maker, uint32_t limit)
{
    return (uint32_t)random_below(&maker->random, limit);
}

static bool happens(struct maker *maker, uint32_t percent)
{
    return below(maker, 100) < percent;
}

/* --- the tree --------------------------------------------------------------------------------- */

static void sketch_state(struct maker *maker, uint32_t parent, char kind, uint32_t depth)
{
    uint32_t index = maker->count++;
    maker->states[index] = (struct sketch){ .kind = kind, .parent = parent };
    bool has_children = kind == 'c' || kind == 'p';
    uint32_t children = has_children ? 1 + below(maker, 3) : 0;
    for (uint32_t i = 0; i < children; i++) {
        bool can_nest = depth < 5 && maker->count < STATES_MAX;
        char child = can_nest && happens(maker, 55) ? (happens(maker, 35) ? 'p' : 'c') : 'a';
        if (child == 'a' && kind == 'c' && i && happens(maker, 35)) child = 'f';
        sketch_state(maker, index, child, depth + 1);
    }
    if (has_children && index && happens(maker, 35)) sketch_state(maker, index, 'h', depth + 1);
    maker->states[index].end = maker->count;
}

/* --- its text --------------------------------------------------------------------------------- */

/* One below `parent`; 0: none was found. */
static uint32_t pick_below(struct maker *maker, uint32_t parent, bool allows_history)
{
    const struct sketch *states = maker->states;
    for (int tries = 0; tries < 20 && states[parent].end > parent + 1; tries++) {
        uint32_t state = parent + 1 + below(maker, states[parent].end - parent - 1);
        if (states[state].kind != 'h' || allows_history) return state;
    }
    return 0;
}

static uint32_t pick_child(struct maker *maker, uint32_t parent)
{
    uint32_t state = pick_below(maker, parent, false);
    while (state && maker->states[state].parent != parent) state = maker->states[state].parent;
    return state;
}

static void write_content(struct maker *maker, const char *mark, uint32_t number)
{
    buf_format(&maker->out, "<log label='%s%u'/>", mark, number);
    if (happens(maker, 12)) buf_format(&maker->out, "<raise event='%s'/>", events[below(maker, 6)]);
}

/* A target beside its own ancestor is left out: taken to the letter the algorithm would enter two
 * children of one compound. */
static bool is_related(const struct maker *maker, uint32_t a, uint32_t b)
{
    if (maker->states[a].kind == 'h') a = maker->states[a].parent;
    return (a >= b && a < maker->states[b].end) || (b >= a && b < maker->states[a].end);
}

static void write_targets(struct maker *maker, uint32_t source)
{
    uint32_t first = pick_below(maker, 0, true);
    if (happens(maker, 40)) first = pick_below(maker, maker->states[source].parent, true);
    buf_format(&maker->out, " target='s%u", first);
    uint32_t second = pick_below(maker, 0, false);
    if (happens(maker, 15) && !is_related(maker, first, second))
        buf_format(&maker->out, " s%u", second);
    buf_add_z(&maker->out, "'");
    if (happens(maker, 30)) buf_add_z(&maker->out, " type='internal'");
}

static void write_transition(struct maker *maker, uint32_t source, uint32_t number)
{
    bool has_event = happens(maker, 80);
    buf_add_z(&maker->out, "<transition");
    if (has_event) buf_format(&maker->out, " event='%s'", descriptors[below(maker, 8)]);
    if (!has_event || happens(maker, 25))
        buf_format(&maker->out, " cond=\"In('s%u')\"", pick_below(maker, 0, true));
    if (happens(maker, 85)) write_targets(maker, source);
    buf_add_z(&maker->out, ">");
    write_content(maker, "t", source * 10 + number);
    buf_add_z(&maker->out, "</transition>");
}

static void write_history(struct maker *maker, uint32_t index)
{
    uint32_t parent = maker->states[index].parent;
    bool is_deep = happens(maker, 50);
    uint32_t target = is_deep ? pick_below(maker, parent, false) : pick_child(maker, parent);
    buf_format(&maker->out, "<history id='s%u' type='%s'><transition target='s%u'>", index,
               is_deep ? "deep" : "shallow", target);
    write_content(maker, "h", index);
    buf_add_z(&maker->out, "</transition></history>");
}

static void write_initial(struct maker *maker, uint32_t index)
{
    if (maker->states[index].kind != 'c' || happens(maker, 50)) return;
    buf_format(&maker->out, "<initial><transition target='s%u'>", pick_below(maker, index, true));
    write_content(maker, "i", index);
    buf_add_z(&maker->out, "</transition></initial>");
}

static void write_handlers(struct maker *maker, uint32_t index)
{
    if (happens(maker, 80)) {
        buf_add_z(&maker->out, "<onentry>");
        write_content(maker, "+", index);
        buf_add_z(&maker->out, "</onentry>");
    }
    if (happens(maker, 80)) {
        buf_add_z(&maker->out, "<onexit>");
        write_content(maker, "-", index);
        buf_add_z(&maker->out, "</onexit>");
    }
}

static void write_children(struct maker *maker, uint32_t index);

static void write_state(struct maker *maker, uint32_t index)
{
    static const char *const names[] = {
        ['a'] = "state", ['c'] = "state", ['p'] = "parallel", ['f'] = "final"
    };
    char kind = maker->states[index].kind;
    if (kind == 'h') {
        write_history(maker, index);
        return;
    }
    buf_format(&maker->out, "<%s id='s%u'>", names[(unsigned char)kind], index);
    write_initial(maker, index);
    write_handlers(maker, index);
    uint32_t transitions = kind == 'f' ? 0 : below(maker, 4);
    for (uint32_t i = 0; i < transitions; i++) write_transition(maker, index, i);
    write_children(maker, index);
    buf_format(&maker->out, "</%s>", names[(unsigned char)kind]);
}

static void write_children(struct maker *maker, uint32_t index)
{
    for (uint32_t child = index + 1; child < maker->states[index].end;
         child = maker->states[child].end)
        write_state(maker, child);
}

static struct text make_chart(struct maker *maker)
{
    buf_clear(&maker->out);
    maker->count = 0;
    sketch_state(maker, 0, 'c', 0);
    buf_add_z(&maker->out,
              "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' datamodel='null'>");
    write_children(maker, 0);
    buf_add_z(&maker->out, "</scxml>");
    return buf_text(&maker->out);
}

/* --- both sides ------------------------------------------------------------------------------- */

static void add_states(struct buf *out, const struct scxml_document *document, const bool *active)
{
    for (uint32_t i = 1; i < document->state_count; i++)
        if (active[i]) buf_format(out, "%.*s ", TEXT_ARG(document->states[i].id));
    buf_add_byte(out, '\n');
}

static void add_session_states(struct chart *chart)
{
    bool active[REFERENCE_STATES_MAX];
    for (uint32_t i = 0; i < REFERENCE_STATES_MAX; i++)
        active[i] = scxml_is_active(chart->session, i);
    add_states(&chart->said, chart->document, active);
}

static void run_session(struct chart *chart, struct random random)
{
    chart->limits.macrostep_transitions = TRANSITIONS_MAX;
    chart_begin(chart);
    chart_run(chart);
    add_session_states(chart);
    for (int i = 0; i < EVENTS && !scxml_has_ended(chart->session); i++) {
        chart_event(chart, events[random_below(&random, 6)]);
        add_session_states(chart);
    }
}

static void run_reference(struct reference *reference, struct random random)
{
    reference->transitions_max = TRANSITIONS_MAX;
    reference_start(reference);
    add_states(&reference->said, reference->document, reference->active);
    for (int i = 0; i < EVENTS && reference->is_running; i++) {
        reference_event(reference, text_of(events[random_below(&random, 6)]));
        add_states(&reference->said, reference->document, reference->active);
    }
}

/* The interpreter's own words for a loop, cut to what the reference says. */
static struct text without_reason(struct chart *chart)
{
    struct text said = chart_said(chart);
    for (size_t at = 0; (at = text_find(said, 'b', at)) != SIZE_MAX; at++)
        if (text_starts(text_slice(said, at, said.len), TEXT("because error.platform.loop")))
            return scope_format(chart->scope, "%.*sloop\n\n", (int)at - 1, said.at);
    return said;
}

static void compare(struct maker *maker, uint32_t number, uint32_t *compared)
{
    struct scxml_findings findings = { 0 };
    struct scxml_load load = { .url = TEXT("random.scxml") };
    struct scope *scope = scope_new(NULL, "random chart", SCOPE_NO_LIMIT);
    struct scxml_document *document;
    struct text text = make_chart(maker);
    struct random random = maker->random;
    if (scxml_load(text, &load, scope, &document, &findings) == ERR_OK) {
        struct reference reference = { .document = document };
        struct chart *chart = chart_of(document), *again = chart_of(document);
        run_session(chart, random);
        run_session(again, random);
        run_reference(&reference, random);
        struct text said = without_reason(chart), once_more = without_reason(again);
        if (!text_eq(said, buf_text(&reference.said)))
            (void)fprintf(stderr, "chart %u: %.*s\nis:\n%.*s\nwanted:\n%.*s\n", number,
                          TEXT_ARG(text), TEXT_ARG(said), TEXT_ARG(buf_text(&reference.said)));
        CHECK(text_eq(said, buf_text(&reference.said)));
        CHECK(text_eq(said, once_more));
        chart_close(chart);
        chart_close(again);
        reference_close(&reference);
        (*compared)++;
    }
    scope_close(scope);
}

TEST(charts_made_by_chance_do_what_the_recommendation_says)
{
    const char *seed = getenv("CHARTS_SEED"), *charts = getenv("CHARTS");
    struct maker maker = { 0 };
    uint32_t compared = 0, count = charts ? (uint32_t)atoi(charts) : CHARTS;
    random_seed(&maker.random, seed ? (uint64_t)atoll(seed) : 5);
    for (uint32_t i = 0; i < count; i++) compare(&maker, i, &compared);
    CHECK(compared > count / 2); /* the others had targets that exclude each other */
    buf_free(&maker.out);
}
