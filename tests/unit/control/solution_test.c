/* SPDX-License-Identifier: Apache-2.0 */
/* Framework 6.3: the order of starting and stopping, what fails a solution and what does not. */
#include "servers/control/solution.h"

#include "tests/unit/test.h"

enum { A, B, C, D, COMPONENTS_MAX };

static struct solution solution;
static struct solution_component components[COMPONENTS_MAX];
static struct actions out;
static uint64_t now_ms;

/* Ascending: a needed A, an optional B, a needed C. */
static void fresh(void)
{
    now_ms = 1000000;
    solution_init(&solution, now_ms);
    for (uint32_t i = 0; i < 3; i++)
        components[i] = (struct solution_component){ .status = STATUS_STOPPED,
                                                     .is_known = true,
                                                     .priority = i + 1,
                                                     .startup_ms = 90000,
                                                     .shutdown_ms = 100000 };
    components[B].is_optional = true;
    solution.components = components;
    solution.count = 3;
}

static unsigned step(enum solution_event event)
{
    solution_step(&solution, event, now_ms, &out);
    return out.notes;
}

static unsigned turns(int component, enum app_status status)
{
    components[component].status = status;
    return step(SOLUTION_LOOK);
}

static enum component_wish take_wish(int component)
{
    enum component_wish wish = components[component].wish;
    components[component].wish = WISH_NONE;
    return wish;
}

#define CHECK_IS(wanted)                                                                           \
    CHECK_TEXT(text_of(solution_status_name(solution_status(&solution))), wanted)

static void run_all(void)
{
    fresh();
    for (int i = 0; i < 3; i++) components[i].status = STATUS_RUNNING;
    step(SOLUTION_LOOK);
    CHECK_IS("running");
}

TEST(every_state_answers_every_event)
{
    struct buf words = { 0 };
    size_t unanswered = fsm_list_unanswered(&solution_machine, &words);
    buf_free(&words);
    CHECK_U32(unanswered, 0);
}

TEST(F13_an_optional_component_that_fails_does_not_fail_the_solution)
{
    fresh();
    step(SOLUTION_START);
    CHECK_IS("start-transition");
    CHECK_I64(take_wish(A), WISH_START);
    CHECK_I64(take_wish(B), WISH_NONE);
    CHECK_I64(take_wish(C), WISH_NONE);
    turns(A, STATUS_START_PENDING);
    turns(A, STATUS_INITIALIZING);
    CHECK_I64(take_wish(C), WISH_NONE);
    turns(A, STATUS_RUNNING);
    CHECK_I64(take_wish(B), WISH_START);
    CHECK_I64(take_wish(C), WISH_START); /* an optional one is not waited for */
    turns(B, STATUS_START_PENDING);
    turns(B, STATUS_STOPPED);
    CHECK_IS("start-transition");
    CHECK_U32(turns(C, STATUS_RUNNING),
              SOLUTION_START_DONE | SOLUTION_HAS_MOVED | SOLUTION_IS_RUNNING);
    CHECK_IS("running");
    CHECK_I64(components[B].status, STATUS_STOPPED);
}

TEST(components_of_one_priority_start_together)
{
    fresh();
    components[C].priority = 1;
    components[C] = components[A];
    components[B].priority = 1;
    step(SOLUTION_START);
    for (int i = 0; i < 3; i++) CHECK_I64(take_wish(i), WISH_START);
}

TEST(a_needed_component_that_is_not_running_in_its_time_ends_the_start)
{
    fresh();
    step(SOLUTION_START);
    turns(A, STATUS_START_PENDING);
    CHECK_U32(solution_due_ms(&solution), now_ms + 90000);
    now_ms += 89999;
    step(SOLUTION_LOOK);
    CHECK_IS("start-transition");
    now_ms += 1;
    CHECK(step(SOLUTION_LOOK) & SOLUTION_START_FAILED);
    CHECK_I64(solution.failed, A);
    CHECK_IS("run-pending");
    CHECK_I64(take_wish(C), WISH_NONE);
    CHECK_U32(solution_due_ms(&solution), UINT64_MAX);
}

TEST(a_crash_loop_of_this_start_ends_it_at_once_and_one_of_before_does_not)
{
    fresh();
    components[A].is_crash_loop = true;
    step(SOLUTION_START);
    step(SOLUTION_LOOK);
    CHECK_IS("start-transition");
    turns(A, STATUS_START_PENDING);
    CHECK(turns(A, STATUS_STOPPED) & SOLUTION_START_FAILED);
    CHECK_IS("stopped");
}

TEST(a_refused_start_ends_it_and_that_of_an_optional_one_does_not)
{
    fresh();
    step(SOLUTION_START);
    turns(A, STATUS_RUNNING);
    components[B].is_refused = true;
    step(SOLUTION_LOOK);
    CHECK_IS("start-transition");
    components[C].is_refused = true;
    CHECK(step(SOLUTION_LOOK) & SOLUTION_START_FAILED);
    CHECK_I64(solution.failed, C);
}

TEST(it_stops_in_reverse_order_and_optional_ones_are_waited_for_too)
{
    run_all();
    step(SOLUTION_STOP);
    CHECK_IS("stop-transition");
    CHECK_I64(take_wish(C), WISH_STOP);
    CHECK_I64(take_wish(B), WISH_NONE);
    turns(C, STATUS_STOP_PENDING);
    CHECK_I64(take_wish(B), WISH_NONE);
    CHECK_U32(turns(C, STATUS_STOPPED), 0);
    CHECK_I64(take_wish(B), WISH_STOP);
    CHECK_I64(take_wish(A), WISH_NONE);
    turns(B, STATUS_STOPPED);
    CHECK_I64(take_wish(A), WISH_STOP);
    CHECK_U32(turns(A, STATUS_STOPPED), SOLUTION_STOP_DONE | SOLUTION_HAS_MOVED);
    CHECK_IS("stopped");
}

TEST(one_that_does_not_stop_holds_the_others_for_its_time_only)
{
    run_all();
    solution.is_graceful = true;
    step(SOLUTION_STOP);
    CHECK_I64(take_wish(C), WISH_STOP_GRACEFULLY);
    CHECK_U32(solution_due_ms(&solution), now_ms + 100000);
    now_ms += 100000;
    step(SOLUTION_LOOK);
    CHECK_I64(take_wish(B), WISH_STOP_GRACEFULLY);
}

TEST(a_death_without_an_order_is_unplanned_and_the_return_is_not)
{
    run_all();
    CHECK_U32(turns(C, STATUS_STOPPED), SOLUTION_HAS_MOVED | SOLUTION_UNPLANNED);
    CHECK_IS("run-pending");
    CHECK_U32(turns(C, STATUS_RUNNING), SOLUTION_HAS_MOVED | SOLUTION_IS_RUNNING);
}

TEST(an_ordered_stop_of_one_application_is_planned_and_an_optional_one_is_nothing)
{
    run_all();
    CHECK_U32(turns(B, STATUS_STOPPED), 0);
    CHECK_IS("running");
    components[C].is_ordered = true;
    CHECK_U32(turns(C, STATUS_STOPPED), SOLUTION_HAS_MOVED);
}

TEST(a_host_that_goes_away_makes_it_unknown_without_an_order)
{
    run_all();
    components[A].is_known = false;
    components[A].is_away = true;
    CHECK_U32(turns(A, STATUS_UNKNOWN), SOLUTION_HAS_MOVED | SOLUTION_UNPLANNED);
    CHECK_IS("unknown");
    components[A].is_known = true;
    components[A].is_away = false;
    CHECK_U32(turns(A, STATUS_RUNNING), SOLUTION_HAS_MOVED | SOLUTION_IS_RUNNING);
}

TEST(a_start_waits_for_the_hosts_to_tell)
{
    fresh();
    components[C].status = STATUS_UNKNOWN;
    components[C].is_known = false;
    step(SOLUTION_START);
    CHECK_IS("start-pending");
    CHECK_I64(take_wish(A), WISH_NONE);
    CHECK_I64(solution_awaits(&solution), C);
    components[C].is_known = true;
    turns(C, STATUS_RUNNING);
    CHECK_IS("start-transition");
    CHECK_I64(take_wish(A), WISH_START);
}

TEST(a_host_that_stays_away_ends_the_start_when_its_turn_comes)
{
    fresh();
    components[C].status = STATUS_UNKNOWN;
    components[C].is_known = false;
    components[C].is_away = true;
    step(SOLUTION_START);
    CHECK_IS("start-transition");
    CHECK(turns(A, STATUS_RUNNING) & SOLUTION_START_FAILED ||
          step(SOLUTION_LOOK) & SOLUTION_START_FAILED);
    CHECK_I64(solution.failed, C);
    CHECK_IS("unknown");
}

TEST(what_starts_by_itself_leaves_alone_what_somebody_stopped)
{
    fresh();
    components[A].is_ordered = true;
    solution.is_automatic = true;
    step(SOLUTION_START);
    CHECK_I64(take_wish(A), WISH_NONE);
    CHECK_I64(take_wish(C), WISH_START);
    solution.is_automatic = false;
    fresh();
    components[A].is_ordered = true;
    step(SOLUTION_START);
    CHECK_I64(take_wish(A), WISH_START);
}

TEST(one_that_is_going_down_starts_again)
{
    fresh();
    components[A].status = STATUS_STOP_PENDING;
    step(SOLUTION_START);
    CHECK_I64(take_wish(A), WISH_START);
}

TEST(one_that_is_coming_is_not_started_twice)
{
    fresh();
    components[A].status = STATUS_INITIALIZING;
    step(SOLUTION_START);
    CHECK_I64(take_wish(A), WISH_NONE);
    turns(A, STATUS_RUNNING);
    CHECK_I64(take_wish(C), WISH_START);
}

TEST(a_stop_ends_a_start_and_a_start_ends_a_stop)
{
    fresh();
    step(SOLUTION_START);
    turns(A, STATUS_INITIALIZING);
    step(SOLUTION_STOP);
    CHECK_IS("stop-transition");
    CHECK_I64(take_wish(A), WISH_STOP);
    turns(A, STATUS_STOP_PENDING);
    step(SOLUTION_START);
    CHECK_I64(take_wish(A), WISH_START);
}

TEST(a_barred_component_is_neither_started_nor_stopped)
{
    run_all();
    components[A].is_barred = true;
    step(SOLUTION_STOP);
    turns(C, STATUS_STOPPED);
    turns(B, STATUS_STOPPED);
    CHECK_I64(take_wish(A), WISH_NONE);
    CHECK_IS("run-pending");
}

TEST(a_solution_of_optional_ones_alone_is_started_when_some_run)
{
    fresh();
    for (int i = 0; i < 3; i++) components[i].is_optional = true;
    step(SOLUTION_LOOK);
    CHECK_IS("stopped");
    step(SOLUTION_START);
    turns(B, STATUS_RUNNING);
    CHECK_IS("started");
}

TEST(an_empty_solution_is_stopped_whatever_is_ordered)
{
    fresh();
    solution.count = 0;
    CHECK(step(SOLUTION_START) & SOLUTION_START_DONE);
    CHECK_IS("stopped");
    CHECK(step(SOLUTION_STOP) & SOLUTION_STOP_DONE);
}

TEST(orders_are_refused_while_the_same_is_at_work)
{
    CHECK_I64(solution_order_check(SOLUTION_START, SOLUTION_START_TRANSITION), 7);
    CHECK_I64(solution_order_check(SOLUTION_STOP, SOLUTION_STOP_PENDING), 7);
    CHECK_I64(solution_order_check(SOLUTION_START, SOLUTION_RUNNING), 2);
    CHECK_I64(solution_order_check(SOLUTION_START, SOLUTION_STOP_TRANSITION), 0);
    CHECK_I64(solution_order_check(SOLUTION_STOP, SOLUTION_STOPPED), 0);
}
