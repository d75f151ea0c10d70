/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fsm.h"
#include "tests/unit/test.h"

#include <string.h>

/* The dialling attempt of style 10, cut down. */
enum { QUEUED, DIALLING, ENDED, STATES };
enum { START, ANSWERED, TIME_UP, CANCEL, EVENTS };

struct actions {
    int placed, dropped, told;
};
struct dial {
    struct fsm fsm;
    bool port_is_free;
};

static bool port_is_free(const void *self)
{
    return ((const struct dial *)self)->port_is_free;
}
static int place_call(void *self, const void *detail, struct actions *out)
{
    (void)self;
    out->placed++;
    return detail ? CANCEL : FSM_NONE; /* a detail stands for a call that fails at once */
}
static int drop_call(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    out->dropped++;
    return FSM_NONE;
}
static void tell(void *self, struct actions *out)
{
    (void)self;
    out->told++;
}
static uint64_t ring_limit(const void *self)
{
    (void)self;
    return 30000;
}

static const struct fsm_rule rules[] = {
    { QUEUED, START, port_is_free, place_call, DIALLING, "a port is free" },
    { QUEUED, START, NULL, NULL, FSM_STAY },
    { DIALLING, TIME_UP, NULL, drop_call, ENDED },
    { ENDED, FSM_ANY, NULL, NULL, FSM_STAY },
    { FSM_ANY, CANCEL, NULL, drop_call, ENDED },
};
static const struct fsm_state states[STATES] = {
    [QUEUED] = { "queued" },
    [DIALLING] = { "dialling", .limit_ms = ring_limit },
    [ENDED] = { "ended", .enter = tell, .is_final = true },
};
static const char *const events[EVENTS] = { "start", "answered", "time-up", "cancel" };
static const struct fsm_machine machine = {
    "dial", rules, sizeof rules / sizeof rules[0], states, STATES, events, EVENTS, TIME_UP,
};

TEST(the_first_rule_that_fits_wins)
{
    struct dial dial = { 0 };
    struct actions out = { 0 };
    fsm_start(&dial.fsm, &machine, QUEUED, 1000);
    CHECK(fsm_feed(&dial.fsm, START, &dial, NULL, 1000, &out));
    CHECK_I64(dial.fsm.state, QUEUED);
    CHECK_I64(out.placed, 0);
    CHECK(fsm_due_ms(&dial.fsm, &dial) == UINT64_MAX);
    dial.port_is_free = true;
    CHECK(fsm_feed(&dial.fsm, START, &dial, NULL, 2000, &out));
    CHECK_I64(dial.fsm.state, DIALLING);
    CHECK_I64(out.placed, 1);
    CHECK_I64(fsm_due_ms(&dial.fsm, &dial), 32000);
    CHECK_TEXT(text_of(fsm_state_name(&dial.fsm)), "dialling");
}

TEST(an_event_without_a_rule_is_told_and_changes_nothing)
{
    struct dial dial = { .port_is_free = true };
    struct actions out = { 0 };
    fsm_start(&dial.fsm, &machine, QUEUED, 0);
    CHECK(!fsm_feed(&dial.fsm, ANSWERED, &dial, NULL, 0, &out));
    CHECK_I64(dial.fsm.state, QUEUED);
    CHECK_I64(dial.fsm.steps, 0);
}

TEST(an_action_may_answer_with_the_next_event_and_the_owner_hears_the_end_once)
{
    struct dial dial = { .port_is_free = true };
    struct actions out = { 0 };
    int fails_at_once = 1;
    fsm_start(&dial.fsm, &machine, QUEUED, 0);
    CHECK(fsm_feed(&dial.fsm, START, &dial, &fails_at_once, 5, &out));
    CHECK_I64(dial.fsm.state, ENDED);
    CHECK(out.placed == 1 && out.dropped == 1 && out.told == 1);
    CHECK(fsm_feed(&dial.fsm, CANCEL, &dial, NULL, 6, &out)); /* ended: nothing more */
    CHECK(out.dropped == 1 && out.told == 1);
    struct buf trail = { 0 };
    fsm_print_trail(&dial.fsm, &trail);
    CHECK_TEXT(buf_text(&trail), "5 queued: start -> dialling\n"
                                 "5 dialling: cancel -> ended\n"
                                 "6 ended: cancel -> ended\n");
    buf_free(&trail);
}

TEST(the_trail_keeps_the_last_sixteen_steps)
{
    struct dial dial = { 0 };
    struct actions out = { 0 };
    fsm_start(&dial.fsm, &machine, QUEUED, 0);
    for (uint64_t now = 1; now <= 40; now++)
        CHECK(fsm_feed(&dial.fsm, START, &dial, NULL, now, &out));
    struct buf trail = { 0 };
    fsm_print_trail(&dial.fsm, &trail);
    CHECK(text_starts(buf_text(&trail), TEXT("25 queued")));
    CHECK(text_ends(buf_text(&trail), TEXT("40 queued: start -> queued\n")));
    buf_free(&trail);
}

TEST(unanswered_pairs_are_listed_and_the_diagram_names_every_state)
{
    struct buf out = { 0 };
    CHECK_I64(fsm_list_unanswered(&machine, &out), 4);
    CHECK_TEXT(buf_text(&out), "queued answered\nqueued time-up\n"
                               "dialling start\ndialling answered\n");
    buf_clear(&out);
    fsm_draw(&machine, &out);
    CHECK(text_starts(buf_text(&out), TEXT("digraph \"dial\" {\n")));
    buf_add_byte(&out, '\0');
    CHECK(strstr(out.at, "\"queued\" -> \"dialling\" [label=\"start [if]\\na port is free\"]"));
    CHECK(strstr(out.at, "\"ended\" [peripheries=2]"));
    CHECK(!strstr(out.at, "\"ended\" -> \"ended\" [label=\"cancel"));
    buf_free(&out);
}
