/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/lifecycle.h"

#include "tests/unit/test.h"

static uint64_t now_ms;

static struct actions feed(struct lifecycle *lifecycle, enum lifecycle_event event)
{
    struct actions actions = { 0 };
    lifecycle_feed(lifecycle, event, now_ms, &actions);
    if (actions.starts) lifecycle->has_child = true;
    return actions;
}

static void exits(struct lifecycle *lifecycle)
{
    lifecycle->has_child = false;
}

static struct lifecycle off(void)
{
    struct lifecycle lifecycle = { .reconnect_ms = 4000 };
    now_ms = 1000;
    lifecycle_start(&lifecycle, now_ms);
    return lifecycle;
}

static struct lifecycle up(void)
{
    struct lifecycle lifecycle = off();
    (void)feed(&lifecycle, PROXY_WANTED);
    (void)feed(&lifecycle, PROXY_LISTENING);
    CHECK_U32(lifecycle.fsm.state, PROXY_UP);
    return lifecycle;
}

TEST(every_event_is_answered_in_every_state)
{
    struct buf out = { 0 };
    CHECK_U32(fsm_list_unanswered(&lifecycle_machine, &out), 0);
    buf_free(&out);
}

TEST(without_an_http_port_nothing_is_started) /* scenario 1 */
{
    struct lifecycle lifecycle = off();
    CHECK(!feed(&lifecycle, PROXY_CHANGED).starts);
    CHECK(!feed(&lifecycle, PROXY_TIME_UP).starts);
    CHECK(lifecycle_due_ms(&lifecycle) == UINT64_MAX);
}

TEST(a_port_starts_the_child_and_listening_makes_it_up)
{
    struct lifecycle lifecycle = off();
    CHECK(feed(&lifecycle, PROXY_WANTED).starts);
    CHECK_U32(lifecycle.fsm.state, PROXY_STARTING);
    CHECK(feed(&lifecycle, PROXY_LISTENING).tells_up);
    CHECK(lifecycle_due_ms(&lifecycle) == UINT64_MAX);
}

TEST(a_child_that_ends_is_started_again_after_the_reconnect_timeout) /* scenarios 2, 3 */
{
    struct lifecycle lifecycle = up();
    now_ms = 50000;
    exits(&lifecycle);
    struct actions actions = feed(&lifecycle, PROXY_EXITED);
    CHECK(actions.tells_exit && actions.forgets && !actions.starts);
    CHECK_I64(lifecycle_due_ms(&lifecycle), 54000);
    lifecycle.reconnect_ms = 9000; /* the option moved: read at the next wait */
    now_ms = 54000;
    CHECK(feed(&lifecycle, PROXY_TIME_UP).starts);
    exits(&lifecycle);
    CHECK(feed(&lifecycle, PROXY_EXITED).tells_exit); /* cannot bind: the same way */
    CHECK_I64(lifecycle_due_ms(&lifecycle), 63000);
}

TEST(a_removed_port_closes_the_child_and_starts_none) /* scenario 4 */
{
    struct lifecycle lifecycle = up();
    struct actions actions = feed(&lifecycle, PROXY_UNWANTED);
    CHECK(actions.closes && actions.forgets && actions.tells_stopped);
    exits(&lifecycle);
    CHECK(!feed(&lifecycle, PROXY_EXITED).starts);
    CHECK_U32(lifecycle.fsm.state, PROXY_OFF);
}

TEST(a_port_that_returns_waits_for_the_last_child_to_leave)
{
    struct lifecycle lifecycle = up();
    (void)feed(&lifecycle, PROXY_UNWANTED);
    CHECK(!feed(&lifecycle, PROXY_WANTED).starts);
    exits(&lifecycle);
    CHECK(feed(&lifecycle, PROXY_EXITED).starts);
    CHECK_U32(lifecycle.fsm.state, PROXY_STARTING);
}

TEST(a_port_that_comes_and_goes_while_the_last_child_leaves_starts_none)
{
    struct lifecycle lifecycle = up();
    (void)feed(&lifecycle, PROXY_UNWANTED);
    (void)feed(&lifecycle, PROXY_WANTED);
    (void)feed(&lifecycle, PROXY_UNWANTED);
    exits(&lifecycle);
    CHECK(!feed(&lifecycle, PROXY_EXITED).starts);
}

TEST(a_changed_option_is_sent_to_a_running_child_only)
{
    struct lifecycle lifecycle = up();
    CHECK(feed(&lifecycle, PROXY_CHANGED).updates);
    exits(&lifecycle);
    (void)feed(&lifecycle, PROXY_EXITED);
    CHECK(!feed(&lifecycle, PROXY_CHANGED).updates);
}

TEST(a_new_port_number_has_no_effect_on_a_running_child)
{
    struct lifecycle lifecycle = up();
    struct actions actions = feed(&lifecycle, PROXY_WANTED);
    CHECK(!actions.starts && !actions.closes && !actions.kills);
    CHECK_U32(lifecycle.fsm.state, PROXY_UP);
}

TEST(a_child_that_says_nothing_is_killed_after_ten_seconds)
{
    struct lifecycle lifecycle = off();
    (void)feed(&lifecycle, PROXY_WANTED);
    CHECK_I64(lifecycle_due_ms(&lifecycle), 11000);
    now_ms = 11000;
    CHECK(feed(&lifecycle, PROXY_TIME_UP).kills);
    exits(&lifecycle);
    CHECK(feed(&lifecycle, PROXY_EXITED).tells_exit);
    CHECK_U32(lifecycle.fsm.state, PROXY_WAIT);
}
