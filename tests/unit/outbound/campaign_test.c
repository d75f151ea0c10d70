/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/campaign.h"
#include "tests/unit/test.h"

static struct fsm session;
static struct dialing dialing;

static struct session_outcome order_mode(enum session_event event, uint32_t mode)
{
    struct dialing wanted = { .mode = mode };
    struct session_outcome outcome;
    if (session_decide(&session, &dialing, event, &wanted, 1000, &outcome) == OUTBOUND_OK) {
        session = outcome.fsm;
        dialing = outcome.dialing;
    }
    return outcome;
}

static struct session_outcome order(enum session_event event)
{
    return order_mode(event, DIAL_MODE_PREVIEW);
}

static void begin(void)
{
    dialing = (struct dialing){ 0 };
    fsm_start(&session, &session_machine, SESSION_NULL, 0);
}

TEST(a_session_is_loaded_started_stopped_unloaded)
{
    begin();
    struct session_outcome outcome = order(SESSION_LOAD);
    CHECK(outcome.opens);
    CHECK_I64(session.state, SESSION_LOADED);
    (void)order(SESSION_START);
    CHECK_I64(session.state, SESSION_STARTED);
    CHECK_U32(dialing.mode, DIAL_MODE_PREVIEW);
    (void)order(SESSION_STOP);
    CHECK_I64(session.state, SESSION_LOADED);
    outcome = order(SESSION_UNLOAD);
    CHECK(outcome.returns_buffer);
    CHECK(!outcome.forces);
    CHECK_I64(session.state, SESSION_UNLOADING);
    (void)order(SESSION_DRAINED);
    CHECK_I64(session.state, SESSION_NULL);
}

TEST(fulfilled_orders_are_acknowledged_without_change)
{
    begin();
    CHECK(!order(SESSION_UNLOAD).is_changed);
    (void)order(SESSION_LOAD);
    CHECK(!order(SESSION_LOAD).is_changed);
    CHECK(!order(SESSION_STOP).is_changed);
    (void)order(SESSION_START);
    CHECK(!order(SESSION_START).is_changed);
}

TEST(starting_an_unloaded_group_is_error_7)
{
    begin();
    CHECK_I64(order(SESSION_START).refusal.error, OUTBOUND_NOT_LOADED);
}

TEST(modes_that_need_a_dialer_are_refused_until_there_is_one)
{
    begin();
    (void)order(SESSION_LOAD);
    for (uint32_t mode = 1; mode <= 11; mode++) {
        if (mode == DIAL_MODE_PREVIEW) continue;
        CHECK_I64(order_mode(SESSION_START, mode).refusal.error, OUTBOUND_NOT_ALLOWED);
        CHECK_I64(session.state, SESSION_LOADED);
    }
    (void)order(SESSION_START);
    CHECK_I64(order_mode(SESSION_SET_MODE, 1).refusal.error, OUTBOUND_NOT_ALLOWED);
}

TEST(an_unloading_group_takes_no_new_orders_but_force)
{
    begin();
    (void)order(SESSION_LOAD);
    (void)order(SESSION_UNLOAD);
    CHECK_I64(order(SESSION_START).refusal.error, OUTBOUND_NOT_ALLOWED);
    CHECK_I64(order(SESSION_LOAD).refusal.error, OUTBOUND_NOT_ALLOWED);
    CHECK(order(SESSION_FORCE_UNLOAD).forces);
}

TEST(every_state_answers_every_order)
{
    struct buf list = { 0 };
    (void)fsm_list_unanswered(&session_machine, &list);
    CHECK_TEXT(buf_text(&list), "");
    buf_free(&list);
}
