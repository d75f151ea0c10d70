/* SPDX-License-Identifier: Apache-2.0 */
/* What control believes (framework 6.1), and which orders a state allows (6.5). */
#include "servers/control/status.h"

#include "tests/unit/test.h"

static struct app_watch watch;
static struct actions out;
static uint64_t now_ms;

static void fresh(void)
{
    now_ms = 1000;
    app_watch_init(&watch, now_ms);
}

static unsigned says(enum app_status state, bool is_ordered, uint32_t restarts)
{
    struct status_report report = { state, restarts, is_ordered, TROUBLE_NONE };
    now_ms += 10;
    (void)app_watch_report(&watch, &report, false, now_ms, &out);
    return out.notes;
}

static unsigned says_in_whole(enum app_status state, uint32_t restarts)
{
    struct status_report report = { state, restarts, false, TROUBLE_NONE };
    now_ms += 10;
    (void)app_watch_report(&watch, &report, true, now_ms, &out);
    return out.notes;
}

static void check_answers_all(const struct fsm_machine *machine)
{
    struct buf words = { 0 };
    size_t unanswered = fsm_list_unanswered(machine, &words);
    if (unanswered > 0) print_error("%.*s", TEXT_ARG(buf_text(&words)));
    buf_free(&words);
    CHECK_U32(unanswered, 0);
}

TEST(both_machines_answer_every_event_in_every_state)
{
    check_answers_all(&app_watch_machine);
    check_answers_all(&host_watch_machine);
}

TEST(the_states_bear_their_public_names_and_numbers)
{
    static const char *const names[] = { "UNKNOWN",      "STOPPED",          "STOP_TRANSITION",
                                         "STOP_PENDING", "START_TRANSITION", "START_PENDING",
                                         "RUNNING",      "INITIALIZING",     "SERVICE_UNAVAILABLE",
                                         "SUSPENDING",   "SUSPENDED" };
    for (int i = 0; i < STATUS_COUNT; i++) {
        enum app_status status;
        CHECK_OK(status_parse(text_of(names[i]), &status));
        CHECK_I64(status, i);
        CHECK_TEXT(text_of(status_name(status)), names[i]);
    }
    enum app_status status;
    CHECK_I64(status_parse(TEXT("DREAMING"), &status), ERR_INVALID);
}

TEST(whatever_is_reported_first_is_learnt_without_a_note)
{
    for (int i = 0; i < STATUS_COUNT; i++) {
        fresh();
        CHECK_U32(says_in_whole((enum app_status)i, 3), 0);
        CHECK_I64(app_watch_status(&watch), i);
    }
}

TEST(a_start_is_noted_once_when_it_runs)
{
    fresh();
    says_in_whole(STATUS_STOPPED, 0);
    CHECK_U32(says(STATUS_START_TRANSITION, true, 0), 0);
    CHECK_U32(says(STATUS_START_PENDING, true, 0), 0);
    CHECK_U32(says(STATUS_INITIALIZING, true, 0), 0);
    CHECK_U32(says(STATUS_RUNNING, true, 0), NOTE_RUNNING);
    CHECK_U32(says(STATUS_RUNNING, true, 0), 0);
}

TEST(an_end_without_an_order_is_a_failure_and_one_by_order_is_none)
{
    static const enum app_status live[] = { STATUS_RUNNING, STATUS_INITIALIZING,
                                            STATUS_SERVICE_UNAVAILABLE, STATUS_SUSPENDING,
                                            STATUS_STOP_PENDING };
    for (size_t i = 0; i < sizeof live / sizeof *live; i++) {
        fresh();
        says_in_whole(live[i], 0);
        CHECK_U32(says(STATUS_STOPPED, false, 0), NOTE_FAILED);
        fresh();
        says_in_whole(live[i], 0);
        CHECK_U32(says(STATUS_STOPPED, true, 0), NOTE_STOPPED);
    }
}

TEST(an_end_before_it_registered_is_a_failed_start)
{
    fresh();
    says_in_whole(STATUS_STOPPED, 0);
    says(STATUS_START_TRANSITION, false, 0);
    CHECK_U32(says(STATUS_STOPPED, false, 0), NOTE_START_FAILED);
    says(STATUS_START_PENDING, false, 0);
    CHECK_U32(says(STATUS_STOPPED, false, 0), NOTE_START_FAILED);
    says(STATUS_START_PENDING, false, 0);
    CHECK_U32(says(STATUS_STOPPED, true, 0), NOTE_STOPPED);
}

TEST(a_death_while_the_link_was_down_is_noted_by_its_count)
{
    fresh();
    says_in_whole(STATUS_RUNNING, 2);
    CHECK_U32(says_in_whole(STATUS_RUNNING, 3), NOTE_FAILED);
    CHECK_U32(says_in_whole(STATUS_RUNNING, 3), 0);
}

TEST(what_was_unknown_for_a_while_is_learnt_anew)
{
    fresh();
    says_in_whole(STATUS_RUNNING, 0);
    CHECK(app_watch_lose(&watch, now_ms));
    CHECK_I64(app_watch_status(&watch), STATUS_UNKNOWN);
    CHECK(!app_watch_lose(&watch, now_ms));
    CHECK_U32(says_in_whole(STATUS_RUNNING, 0), 0);
}

TEST(crash_loop_and_hanging_are_noted_once)
{
    struct status_report looped = { STATUS_STOPPED, 5, false, TROUBLE_CRASH_LOOP };
    struct status_report hung = { STATUS_UNKNOWN, 5, false, TROUBLE_HUNG };
    fresh();
    says_in_whole(STATUS_RUNNING, 5);
    CHECK(app_watch_report(&watch, &looped, false, now_ms, &out));
    CHECK_U32(out.notes, NOTE_FAILED | NOTE_CRASH_LOOP);
    CHECK(!app_watch_report(&watch, &looped, false, now_ms, &out));
    CHECK_U32(out.notes, 0);
    CHECK(app_watch_report(&watch, &hung, false, now_ms, &out));
    CHECK_U32(out.notes, NOTE_HUNG);
}

TEST(a_host_is_running_while_its_supervisor_may_be_back_within_the_grace)
{
    struct host_watch host = { .grace_ms = 10000 };
    fsm_start(&host.fsm, &host_watch_machine, HOST_UNKNOWN, 0);
    out = (struct actions){ 0 };
    fsm_feed(&host.fsm, HOST_REPORTS, &host, NULL, 100, &out);
    CHECK_U32(out.notes, NOTE_CONNECTED);
    CHECK_I64(host_watch_status(&host), HOST_RUNNING);
    out = (struct actions){ 0 };
    fsm_feed(&host.fsm, HOST_LINK_LOST, &host, NULL, 200, &out);
    CHECK_U32(out.notes, NOTE_LOST);
    CHECK_I64(host_watch_status(&host), HOST_RUNNING);
    CHECK_U32(fsm_due_ms(&host.fsm, &host), 10200);
    out = (struct actions){ 0 };
    fsm_feed(&host.fsm, HOST_TIME_UP, &host, NULL, 10200, &out);
    CHECK_U32(out.notes, NOTE_UNREACHABLE);
    CHECK_I64(host_watch_status(&host), HOST_DISCONNECTED);
}

TEST(a_host_that_never_reports_is_disconnected_after_the_grace)
{
    struct host_watch host = { .grace_ms = 10000 };
    fsm_start(&host.fsm, &host_watch_machine, HOST_UNKNOWN, 0);
    CHECK_U32(fsm_due_ms(&host.fsm, &host), 10000);
    out = (struct actions){ 0 };
    fsm_feed(&host.fsm, HOST_TIME_UP, &host, NULL, 10000, &out);
    CHECK_U32(out.notes, NOTE_UNREACHABLE);
}

TEST(orders_are_refused_with_the_public_codes)
{
    CHECK_I64(app_order_check(APP_ORDER_START, STATUS_STOPPED, false), 0);
    CHECK_I64(app_order_check(APP_ORDER_START, STATUS_RUNNING, false), 2);
    CHECK_I64(app_order_check(APP_ORDER_START, STATUS_START_PENDING, false), 7);
    CHECK_I64(app_order_check(APP_ORDER_START, STATUS_STOP_PENDING, false), 0);
    CHECK_I64(app_order_check(APP_ORDER_STOP, STATUS_STOPPED, false), 1);
    CHECK_I64(app_order_check(APP_ORDER_STOP, STATUS_SUSPENDING, false), 0);
    CHECK_I64(app_order_check(APP_ORDER_STOP_GRACEFULLY, STATUS_SUSPENDING, false), 7);
    CHECK_I64(app_order_check(APP_ORDER_STOP, STATUS_STOP_TRANSITION, false), 7);
    CHECK_I64(app_order_check(APP_ORDER_RESTART, STATUS_STOPPED, false), 0);
    CHECK_I64(app_order_check(APP_ORDER_LOG_LEVEL, STATUS_STOPPED, false), 1);
    CHECK_I64(app_order_check(APP_ORDER_SWITCHOVER, STATUS_RUNNING, false), 3);
    CHECK_I64(app_order_check(APP_ORDER_SWITCHOVER, STATUS_RUNNING, true), 12);
    CHECK_TEXT(text_of(order_error_name(ORDER_APPLICATION_NOT_STARTED)), "ApplicationNotStarted");
    CHECK_TEXT(text_of(order_error_name(ORDER_APPLICATION_HOST_CONFLICT)),
               "ApplicationHostConflict");
    CHECK_I64(ORDER_APPLICATION_HOST_CONFLICT, 14);
}
