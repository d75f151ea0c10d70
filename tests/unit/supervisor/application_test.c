/* SPDX-License-Identifier: Apache-2.0 */
/* The table of framework 6.1, the graceful stop of 6.4 and the hung process of 6.2, F11, F12. */
#include "servers/supervisor/application.h"

#include "tests/unit/test.h"

#include <string.h>

static struct application app;
static struct actions out;
static uint64_t now_ms;

static void fresh(void)
{
    struct application_policy policy = application_policy_default();
    now_ms = 1000000;
    application_init(&app, &policy, now_ms);
}

static unsigned feed(enum application_event event)
{
    application_step(&app, event, now_ms, &out);
    return out.deeds;
}

static unsigned wait_ms(uint64_t ms)
{
    now_ms += ms;
    return application_tick(&app, now_ms, &out) ? out.deeds : 0;
}

static void run(void)
{
    fresh();
    feed(APPLICATION_START);
    feed(APPLICATION_FORKED);
    feed(APPLICATION_REGISTERED);
    feed(APPLICATION_SAYS_RUNNING);
}

#define CHECK_STATE(wanted) CHECK_I64(application_state(&app), APPLICATION_##wanted)

TEST(every_state_answers_every_event)
{
    struct buf words = { 0 };
    size_t unanswered = fsm_list_unanswered(&application_machine, &words);
    if (unanswered > 0) print_error("%.*s", TEXT_ARG(buf_text(&words)));
    buf_free(&words);
    CHECK_U32(unanswered, 0);
}

/* The catch-all row answers everything; these three must do more than that, or be named here. */
TEST(stop_exit_and_loss_lead_somewhere_from_every_live_state)
{
    for (int from = 0; from < APPLICATION_STATES; from++) {
        if (from == APPLICATION_STOPPED || from == APPLICATION_START_TRANSITION) continue;
        run();
        app.fsm.state = from;
        feed(APPLICATION_EXITED);
        CHECK_STATE(STOPPED);
        run();
        app.fsm.state = from;
        feed(APPLICATION_STOP);
        CHECK(application_state(&app) == APPLICATION_STOP_TRANSITION ||
              application_state(&app) == APPLICATION_STOP_PENDING);
        run();
        app.fsm.state = from;
        feed(APPLICATION_PEER_LOST);
        enum application_state after = application_state(&app);
        CHECK(after == APPLICATION_UNKNOWN || after == APPLICATION_STOP_TRANSITION ||
              after == APPLICATION_STOP_PENDING);
        CHECK(application_due_ms(&app) < UINT64_MAX); /* nobody is waited for without end */
    }
}

TEST(a_start_runs_through_the_states_of_the_table)
{
    fresh();
    CHECK_STATE(STOPPED);
    CHECK(feed(APPLICATION_START) & APPLICATION_DO_FORK);
    CHECK_STATE(START_TRANSITION);
    feed(APPLICATION_FORKED);
    CHECK_STATE(START_PENDING);
    feed(APPLICATION_REGISTERED);
    CHECK_STATE(INITIALIZING);
    CHECK_I64(feed(APPLICATION_SAYS_RUNNING), APPLICATION_TELL_RUNNING);
    CHECK_STATE(RUNNING);
}

TEST(who_does_not_register_within_the_startup_timeout_is_killed_and_counted_as_a_failed_start)
{
    fresh();
    feed(APPLICATION_START);
    feed(APPLICATION_FORKED);
    CHECK_U32(wait_ms(89999), 0);
    CHECK_I64(wait_ms(1), APPLICATION_TELL_START_FAILED | APPLICATION_DO_KILL);
    CHECK_STATE(UNKNOWN);
    feed(APPLICATION_EXITED);
    CHECK_STATE(STOPPED);
    CHECK(wait_ms(0) & APPLICATION_DO_FORK);
}

TEST(a_killed_application_starts_again_at_once)
{
    run();
    unsigned deeds = feed(APPLICATION_EXITED);
    CHECK(deeds & APPLICATION_TELL_DIED);
    CHECK_STATE(STOPPED);
    CHECK_I64(application_due_ms(&app), now_ms);
    CHECK(wait_ms(0) & APPLICATION_DO_FORK);
    CHECK_STATE(START_TRANSITION);
}

TEST(six_quick_deaths_end_in_stopped_with_the_alarm)
{
    run();
    unsigned deeds = 0;
    int starts = 0;
    for (; starts < 100; starts++) {
        deeds = feed(APPLICATION_EXITED);
        if (deeds & APPLICATION_TELL_CRASH_LOOP) break;
        CHECK(wait_ms(app.restart_delay_ms) & APPLICATION_DO_FORK);
        feed(APPLICATION_FORKED);
    }
    CHECK_I64(starts, 5);
    CHECK_STATE(STOPPED);
    CHECK_I64(application_due_ms(&app) == UINT64_MAX, 1);
    CHECK(feed(APPLICATION_START) & APPLICATION_DO_FORK); /* a person may try again */
}

TEST(without_auto_restart_a_death_is_the_end)
{
    run();
    app.policy.auto_restart = false;
    feed(APPLICATION_EXITED);
    CHECK_I64(application_due_ms(&app) == UINT64_MAX, 1);
}

TEST(a_commanded_stop_never_restarts)
{
    run();
    CHECK_I64(feed(APPLICATION_STOP), APPLICATION_DO_SEND_STOP);
    feed(APPLICATION_STOP_HEARD);
    CHECK_STATE(STOP_PENDING);
    feed(APPLICATION_PEER_LOST);
    CHECK_I64(feed(APPLICATION_EXITED), APPLICATION_TELL_STOPPED);
    CHECK_STATE(STOPPED);
    CHECK_I64(application_due_ms(&app) == UINT64_MAX, 1);
}

TEST(a_stop_without_answer_becomes_sigterm_after_a_second_and_sigkill_after_the_shutdown_timeout)
{
    run();
    feed(APPLICATION_STOP);
    CHECK_U32(wait_ms(999), 0);
    CHECK_I64(wait_ms(1), APPLICATION_DO_TERMINATE);
    CHECK_U32(wait_ms(89999), 0);
    CHECK_I64(wait_ms(1), APPLICATION_DO_KILL);
    CHECK_STATE(STOP_PENDING);
    CHECK_U32(wait_ms(1), 0); /* and again only after another shutdown timeout */
    CHECK_I64(wait_ms(89999), APPLICATION_DO_KILL);
}

TEST(F11_a_graceful_stop_waits_for_idle_or_for_the_suspending_wait_timeout)
{
    run();
    app.policy.suspending_wait_ms = 7000;
    CHECK_I64(feed(APPLICATION_STOP_GRACEFULLY), APPLICATION_DO_SUSPEND);
    CHECK_STATE(SUSPENDING);
    CHECK_U32(wait_ms(6999), 0);
    CHECK_I64(wait_ms(1), APPLICATION_DO_SEND_STOP);
    CHECK_STATE(STOP_TRANSITION);

    run();
    app.policy.suspending_wait_ms = 7000;
    feed(APPLICATION_STOP_GRACEFULLY);
    CHECK_U32(wait_ms(2000), 0);
    CHECK_I64(feed(APPLICATION_SAYS_IDLE), APPLICATION_DO_SEND_STOP);
    CHECK_STATE(STOP_TRANSITION);
}

TEST(a_death_while_suspending_is_the_stop_that_was_asked_for)
{
    run();
    feed(APPLICATION_STOP_GRACEFULLY);
    CHECK_I64(feed(APPLICATION_EXITED), APPLICATION_TELL_STOPPED);
    CHECK_I64(application_due_ms(&app) == UINT64_MAX, 1);
}

TEST(a_restart_by_command_starts_when_the_stop_is_done)
{
    run();
    feed(APPLICATION_STOP_GRACEFULLY);
    feed(APPLICATION_START);
    feed(APPLICATION_SAYS_IDLE);
    feed(APPLICATION_STOP_HEARD);
    feed(APPLICATION_EXITED);
    CHECK(wait_ms(0) & APPLICATION_DO_FORK);
    CHECK_U32(app.restarts, 0); /* somebody ordered it */
}

TEST(F12_missing_heartbeats_restart_it_by_abort_then_kill) /* hangup-restart true */
{
    run();
    app.policy.heartbeat_ms = 10000;
    wait_ms(5000);
    feed(APPLICATION_HEARTBEAT);
    CHECK_U32(wait_ms(9999), 0);
    CHECK_I64(wait_ms(1), APPLICATION_TELL_HUNG | APPLICATION_DO_ABORT);
    CHECK_STATE(UNKNOWN);
    feed(APPLICATION_HEARTBEAT); /* too late */
    CHECK_STATE(UNKNOWN);
    CHECK_I64(wait_ms(5000), APPLICATION_DO_KILL);
    feed(APPLICATION_EXITED);
    CHECK(wait_ms(0) & APPLICATION_DO_FORK);
}

TEST(F12_without_hangup_restart_a_hung_process_lives_and_may_come_back)
{
    run();
    app.policy.heartbeat_ms = 10000;
    app.policy.hangup_restart = false;
    CHECK_I64(wait_ms(10000), APPLICATION_TELL_HUNG);
    CHECK_STATE(UNKNOWN);
    CHECK_I64(application_due_ms(&app) == UINT64_MAX, 1);
    feed(APPLICATION_HEARTBEAT);
    CHECK_STATE(RUNNING);
}

TEST(an_adopted_process_is_running_once_it_has_registered_again)
{
    fresh();
    feed(APPLICATION_ADOPT);
    CHECK_STATE(UNKNOWN);
    feed(APPLICATION_REGISTERED);
    feed(APPLICATION_SAYS_RUNNING);
    CHECK_STATE(RUNNING);
}

TEST(an_adopted_process_that_stays_silent_is_killed_before_another_one_starts)
{
    fresh();
    feed(APPLICATION_ADOPT);
    CHECK(!(feed(APPLICATION_START) & APPLICATION_DO_FORK));
    CHECK_I64(wait_ms(90000), APPLICATION_DO_KILL);
    feed(APPLICATION_EXITED);
    CHECK(wait_ms(0) & APPLICATION_DO_FORK);
}

TEST(a_lost_link_alone_starts_nothing_twice)
{
    run();
    CHECK_U32(feed(APPLICATION_PEER_LOST), 0);
    CHECK_STATE(UNKNOWN);
    feed(APPLICATION_REGISTERED);
    feed(APPLICATION_SAYS_RUNNING);
    CHECK_STATE(RUNNING);
    CHECK_U32(app.restarts, 0);
}
