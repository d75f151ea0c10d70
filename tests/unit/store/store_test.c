/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/ground.h"

#include "store/sim_store.h"

#include <stdio.h>
#include <string.h>

TEST(a_change_is_answered_in_a_later_turn_with_its_rowid)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin(&ground, false);
    submit_note(&ground, 7, "seven", &answers);
    CHECK_U32(answers.count, 0);
    answers.stop_loop = ground.loop;
    answers.wanted = 1;
    loop_run_for(ground.loop, 5000);
    CHECK_U32(answers.count, 1);
    CHECK_OK(answers.err[0]);
    CHECK_I64(answers.rowid[0], 7);
    CHECK_I64(ask_i64(&ground, &count_notes), 1);
    ground_end(&ground);
}

static void expect_order(struct ground *ground)
{
    struct answers answers = { 0 };
    char words[32];
    for (int64_t i = 1; i <= 1000; i++) {
        (void)snprintf(words, sizeof words, "note %d", (int)i);
        submit_note(ground, i, words, &answers);
    }
    answers.stop_loop = ground->loop;
    answers.wanted = 1000;
    loop_run_for(ground->loop, 20000);
    CHECK_U32(answers.count, 1000);
    for (int64_t i = 0; i < 1000; i++) {
        CHECK_OK(answers.err[i]);
        CHECK_I64(answers.rowid[i], i + 1);
    }
    struct store_counters counters = store_counters(ground->store);
    CHECK_I64(counters.changes, 1000);
    CHECK_I64(counters.groups, 5); /* 200 rows each */
    CHECK_I64(counters.waiting_now, 0);
}

TEST(a_thousand_changes_are_answered_in_order_in_groups_of_200)
{
    struct ground ground = { 0 };
    ground_begin(&ground, false);
    expect_order(&ground);
    ground_end(&ground);
}

TEST(the_same_holds_on_the_virtual_clock)
{
    struct ground ground = { 0 };
    ground_begin_memory(&ground);
    expect_order(&ground);
    ground_end(&ground);
}
