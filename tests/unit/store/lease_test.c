/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

#include "store/sim_store.h"
#include "tests/unit/store/ground.h"

/* Two applications on one file, as a pair on one host. */
struct pair_ground {
    struct ground ground;
    struct scope *other_life;
    struct store *other_store;
};

struct holder {
    uint64_t epoch;
    int taken, lost;
};

static void on_taken(void *self, uint64_t epoch)
{
    struct holder *holder = self;
    holder->epoch = epoch;
    holder->taken++;
}

static void on_lost(void *self)
{
    struct holder *holder = self;
    holder->lost++;
}

static void pair_begin(struct pair_ground *pair)
{
    ground_begin(&pair->ground, true);
    pair->other_life = scope_new(pair->ground.life, "other", SCOPE_NO_LIMIT);
    CHECK_OK(store_open(pair->other_life, pair->ground.loop, NULL, text_of(pair->ground.path),
                        ground_migrations(), NULL, &pair->other_store, NULL));
}

static struct lease *take(struct scope *life, struct store *store, const char *holder_name,
                          struct holder *holder)
{
    return lease_take(life, store, TEXT("primary"), text_of(holder_name), 3000, on_taken, on_lost,
                      holder);
}

/* "one" has it. */
static struct lease *pair_begin_held(struct pair_ground *pair, struct holder *one)
{
    pair_begin(pair);
    struct lease *lease = take(pair->ground.store_life, pair->ground.store, "one", one);
    loop_run_for(pair->ground.loop, 10);
    CHECK_I64(one->taken, 1);
    return lease;
}

/* "two" of the other application wants it. */
static void join(struct pair_ground *pair, struct holder *two)
{
    (void)take(pair->other_life, pair->other_store, "two", two);
}

TEST(a_free_lease_is_taken_with_epoch_1_and_kept_by_renewal)
{
    struct ground ground = { 0 };
    struct holder one = { 0 };
    ground_begin_memory(&ground);
    struct lease *lease = take(ground.store_life, ground.store, "one", &one);
    CHECK_I64(lease_epoch(lease), 0);
    loop_run_for(ground.loop, 100);
    CHECK_I64(one.taken, 1);
    CHECK_I64(lease_epoch(lease), 1);
    loop_run_for(ground.loop, 60000);
    CHECK_I64(one.lost, 0);
    static const struct statement left = { "SELECT expires_utc_ms FROM lease" };
    CHECK(ask_i64(&ground, &left) > (int64_t)loop_now_utc_ms(ground.loop) + 1900);
    ground_end(&ground);
}

TEST(another_waits_until_the_lease_expires_and_takes_it_with_the_next_epoch)
{
    struct pair_ground pair = { 0 };
    struct holder one = { 0 }, two = { 0 };
    (void)pair_begin_held(&pair, &one);
    join(&pair, &two);
    loop_run_for(pair.ground.loop, 10000);
    CHECK_I64(two.taken, 0);
    ground_close(&pair.ground); /* one is dead, at any time of its renewal */
    loop_run_for(pair.ground.loop, 3100);
    CHECK_I64(two.taken, 1);
    CHECK_I64(two.epoch, 2);
    ground_end(&pair.ground);
}

TEST(a_clock_that_is_set_back_keeps_the_next_one_waiting_no_longer)
{
    struct pair_ground pair = { 0 };
    struct holder one = { 0 }, two = { 0 };
    (void)pair_begin_held(&pair, &one);
    join(&pair, &two);
    loop_step_utc(pair.ground.loop, -36000000);
    ground_close(&pair.ground); /* dead; its row expires in ten hours */
    loop_run_for(pair.ground.loop, 3000 + 2 * 1000 + 100);
    CHECK_I64(two.taken, 1);
    ground_end(&pair.ground);
}

TEST(a_holder_that_renews_is_left_alone_whatever_the_clock_does)
{
    struct pair_ground pair = { 0 };
    struct holder one = { 0 }, two = { 0 };
    (void)pair_begin_held(&pair, &one);
    join(&pair, &two);
    for (int i = 0; i < 20; i++) {
        loop_step_utc(pair.ground.loop, -1000);
        loop_run_for(pair.ground.loop, 1500);
    }
    CHECK_I64(two.taken, 0);
    CHECK_I64(one.lost, 0);
    ground_end(&pair.ground);
}

TEST(our_own_earlier_self_is_taken_over_at_once)
{
    struct ground ground = { 0 };
    struct holder before = { 0 }, after = { 0 };
    ground_begin(&ground, true);
    (void)take(ground.store_life, ground.store, "one", &before);
    loop_run_for(ground.loop, 50);
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL));
    (void)take(ground.store_life, ground.store, "one", &after);
    loop_run_for(ground.loop, 50);
    CHECK_I64(after.taken, 1);
    CHECK_I64(after.epoch, 2);
    ground_end(&ground);
}

TEST(a_released_lease_is_taken_long_before_it_would_expire)
{
    struct pair_ground pair = { 0 };
    struct holder one = { 0 }, two = { 0 };
    struct answers answers = { 0 };
    struct lease *lease = pair_begin_held(&pair, &one);
    join(&pair, &two);
    loop_run_for(pair.ground.loop, 10);
    lease_release(lease);
    submit_note(&pair.ground, 1, "too late", &answers);
    loop_run_for(pair.ground.loop, 1100);
    CHECK_I64(two.taken, 1);
    CHECK_I64(one.lost, 0); /* it was given, not lost */
    CHECK_U32(answers.count, 1);
    CHECK_U32(answers.err[0], ERR_UNAVAILABLE);
    ground_end(&pair.ground);
}

/* The primary slept through its lease; the backup took it; now the primary writes. */
TEST(who_lost_the_lease_cannot_write_any_more_and_hears_it_once)
{
    static const struct statement steal = {
        "UPDATE lease SET holder = 'two', epoch = epoch + 1, expires_utc_ms = expires_utc_ms + 9999"
    };
    struct pair_ground pair = { 0 };
    struct holder one = { 0 };
    struct answers answers = { 0 }, theft = { 0 };
    (void)pair_begin_held(&pair, &one);
    submit_note(&pair.ground, 1, "while it is ours", &answers);
    loop_run_for(pair.ground.loop, 10);
    struct change *change = change_new(pair.other_store);
    change_add(change, &steal, 1);
    change_submit(change, on_answer, &theft);
    loop_run_for(pair.ground.loop, 10);
    CHECK_OK(theft.err[0]);
    submit_note(&pair.ground, 2, "after", &answers);
    submit_note(&pair.ground, 3, "after", &answers);
    loop_run_for(pair.ground.loop, 10);
    CHECK_U32(answers.count, 3);
    CHECK_OK(answers.err[0]);
    CHECK_U32(answers.err[1], ERR_UNAVAILABLE);
    CHECK_U32(answers.err[2], ERR_UNAVAILABLE);
    submit_note(&pair.ground, 4, "later", &answers);
    loop_run_for(pair.ground.loop, 10000);
    CHECK_U32(answers.err[3], ERR_UNAVAILABLE);
    CHECK_I64(one.lost, 1);
    CHECK_I64(ask_i64(&pair.ground, &count_notes), 1);
    ground_end(&pair.ground);
}

TEST(a_renewal_alone_notices_the_loss)
{
    struct pair_ground pair = { 0 };
    struct holder one = { 0 };
    (void)pair_begin_held(&pair, &one);
    CHECK_OK(store_execute_now(pair.other_store, TEXT("UPDATE lease SET epoch = epoch + 1"), NULL));
    loop_run_for(pair.ground.loop, 1100);
    CHECK_I64(one.lost, 1);
    ground_end(&pair.ground);
}

TEST(a_disk_that_is_full_for_a_while_does_not_lose_the_lease)
{
    struct ground ground = { 0 };
    struct holder one = { 0 };
    ground_begin_memory(&ground);
    struct lease *lease = take(ground.store_life, ground.store, "one", &one);
    loop_run_for(ground.loop, 100);
    sim_store_fill_disk(ground.store, 10);
    loop_run_for(ground.loop, 10000);
    CHECK_I64(one.lost, 0);
    CHECK_I64(lease_epoch(lease), 1);
    ground_end(&ground);
}

TEST(of_two_that_wait_for_an_expired_lease_one_gets_it)
{
    struct pair_ground pair = { 0 };
    struct holder two = { 0 }, three = { 0 };
    pair_begin(&pair);
    CHECK_OK(store_execute_now(
        pair.other_store, TEXT("INSERT INTO lease VALUES ('primary', 'one', 7, 1002000)"), NULL));
    (void)take(pair.ground.store_life, pair.ground.store, "two", &two);
    (void)take(pair.other_life, pair.other_store, "three", &three);
    loop_run_for(pair.ground.loop, 1900);
    CHECK_I64(two.taken + three.taken, 0);
    loop_run_for(pair.ground.loop, 5000);
    CHECK_I64(two.taken + three.taken, 1);
    CHECK_I64(two.epoch + three.epoch, 8);
    ground_end(&pair.ground);
}

TEST(of_two_that_want_it_at_once_one_gets_it)
{
    struct pair_ground pair = { 0 };
    struct holder one = { 0 }, two = { 0 };
    pair_begin(&pair);
    (void)take(pair.ground.store_life, pair.ground.store, "one", &one);
    join(&pair, &two);
    loop_run_for(pair.ground.loop, 5000);
    CHECK_I64(one.taken + two.taken, 1);
    ground_end(&pair.ground);
}

/* The lease lives in a scope of its own that goes first. */
TEST(a_lease_may_die_before_its_answers_come)
{
    struct ground ground = { 0 };
    struct holder one = { 0 };
    ground_begin_memory(&ground);
    struct scope *life = scope_new(ground.life, "short", SCOPE_NO_LIMIT);
    (void)take(life, ground.store, "one", &one);
    loop_run_for(ground.loop, 1);
    scope_close(life);
    loop_run_for(ground.loop, 5000);
    CHECK_I64(one.taken, 0);
    ground_end(&ground);
}
