/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop/loop.h"

#include "tests/unit/test.h"

#include "base/buf.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* A world for one test, and a place where callbacks leave their letters. */
struct fixture {
    struct scope *life;
    struct loop *loop;
    struct timer *timer;
    struct waker *waker;
    struct chore chore;
    struct scope *inner;
    struct buf heard;
    uint32_t count;
    uint64_t at_mono_ms;
};

static void fixture_open(struct fixture *fixture, bool is_virtual)
{
    *fixture = (struct fixture){ .life = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
    fixture->loop = is_virtual ? loop_new_virtual(fixture->life, 1000000, 7)
                               : loop_new(fixture->life);
}

static void fixture_close(struct fixture *fixture)
{
    scope_close(fixture->life);
    buf_free(&fixture->heard);
}

#define LETTER(name, letter)                                                                       \
    static void name(void *self)                                                                   \
    {                                                                                              \
        buf_add_byte(&((struct fixture *)self)->heard, letter);                                    \
    }
LETTER(say_a, 'a')
LETTER(say_b, 'b')
LETTER(say_c, 'c')
LETTER(say_d, 'd')

static void fire_in_order(bool is_virtual)
{
    struct fixture fixture;
    fixture_open(&fixture, is_virtual);
    struct timer *stopped = timer_new(fixture.life, fixture.loop, say_d, &fixture);
    struct timer *late = timer_new(fixture.life, fixture.loop, say_c, &fixture);
    timer_start(late, 30);
    timer_start(timer_new(fixture.life, fixture.loop, say_a, &fixture), 10);
    timer_start(timer_new(fixture.life, fixture.loop, say_b, &fixture), 10);
    timer_start(stopped, 20);
    CHECK(timer_is_running(stopped));
    timer_stop(stopped);
    CHECK(!timer_is_running(stopped));
    CHECK_U32(fixture.heard.len, 0);
    loop_run(fixture.loop); /* ends by itself: nothing is left */
    CHECK_TEXT(buf_text(&fixture.heard), "abc");
    CHECK(!timer_is_running(late));
    fixture_close(&fixture);
}

TEST(timers_fire_in_the_order_of_their_time_then_of_their_start)
{
    fire_in_order(false);
    fire_in_order(true);
}

TEST(a_thousand_timers_fire_sorted_whatever_the_order_of_starts_and_stops)
{
    struct fixture fixture;
    fixture_open(&fixture, true);
    static struct timer *timers[1000];
    for (int i = 0; i < 1000; i++) {
        timers[i] = timer_new(fixture.life, fixture.loop, say_a, &fixture);
        timer_start(timers[i], 1 + random_below(loop_random(fixture.loop), 500));
    }
    for (int i = 0; i < 1000; i += 3) timer_stop(timers[i]);
    for (int i = 0; i < 1000; i += 2) timer_start(timers[i], (uint64_t)(1000 + i));
    loop_run_for(fixture.loop, 999);
    CHECK_U32(fixture.heard.len, 333); /* odd ones that are no multiple of three */
    for (int i = 0; i < 1000; i += 2) {
        CHECK(timer_is_running(timers[i]));
        loop_run_for(fixture.loop, i == 0 ? 1 : 2);
        CHECK(!timer_is_running(timers[i]));
    }
    CHECK_U32(fixture.heard.len, 833);
    fixture_close(&fixture);
}

static void note_time(void *self)
{
    struct fixture *fixture = self;
    fixture->at_mono_ms = loop_now_mono_ms(fixture->loop);
}

TEST(the_virtual_clock_jumps_exactly_and_takes_no_time)
{
    struct fixture fixture;
    fixture_open(&fixture, true);
    uint64_t mono = loop_now_mono_ms(fixture.loop);
    CHECK_I64(loop_now_utc_ms(fixture.loop), 1000000);
    timer_start(timer_new(fixture.life, fixture.loop, note_time, &fixture), 86400000);
    loop_run_for(fixture.loop, 86399999);
    CHECK_I64(fixture.at_mono_ms, 0);
    CHECK_I64(loop_now_mono_ms(fixture.loop) - mono, 86399999);
    loop_run_for(fixture.loop, 5);
    CHECK_I64(fixture.at_mono_ms - mono, 86400000);
    CHECK_I64(loop_now_mono_ms(fixture.loop) - mono, 86400004);
    loop_step_utc(fixture.loop, -3600000);
    CHECK_I64(loop_now_utc_ms(fixture.loop), 1000000 + 86400004 - 3600000);
    CHECK_I64(loop_now_mono_ms(fixture.loop) - mono, 86400004);
    fixture_close(&fixture);
}

static void fire_five_times(void *self)
{
    struct fixture *fixture = self;
    fixture->count++;
    if (fixture->count < 5) timer_start(fixture->timer, 0);
}

static void restart_with_zero(bool is_virtual)
{
    struct fixture fixture;
    fixture_open(&fixture, is_virtual);
    fixture.timer = timer_new(fixture.life, fixture.loop, fire_five_times, &fixture);
    timer_start(fixture.timer, 0);
    CHECK_U32(fixture.count, 0); /* never from inside the call that took it */
    loop_run(fixture.loop);
    CHECK_U32(fixture.count, 5);
    fixture_close(&fixture);
}

TEST(a_timer_may_restart_itself_with_zero_milliseconds)
{
    restart_with_zero(false);
    restart_with_zero(true);
}

static void fire_for_ever(void *self)
{
    timer_start(((struct fixture *)self)->timer, 0);
}

static void stop_the_loop(void *self)
{
    loop_stop(((struct fixture *)self)->loop);
}

TEST(a_timer_that_restarts_for_ever_does_not_starve_the_rest_of_the_turn)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct fixture fixture;
        fixture_open(&fixture, is_virtual);
        fixture.timer = timer_new(fixture.life, fixture.loop, fire_for_ever, &fixture);
        timer_start(fixture.timer, 0);
        loop_soon(fixture.life, fixture.loop, stop_the_loop, &fixture);
        loop_run(fixture.loop); /* returns */
        fixture_close(&fixture);
    }
}

TEST(a_real_timer_never_fires_early_even_after_a_slow_start_up)
{
    struct fixture fixture;
    fixture_open(&fixture, false);
    nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL); /* libuv's own clock stands still */
    uint64_t started = loop_now_mono_ms(fixture.loop);
    timer_start(timer_new(fixture.life, fixture.loop, note_time, &fixture), 25);
    loop_run(fixture.loop);
    CHECK(fixture.at_mono_ms - started >= 25);
    fixture_close(&fixture);
}

static void close_inner(void *self)
{
    struct fixture *fixture = self;
    buf_add_byte(&fixture->heard, 'x');
    scope_close(fixture->inner);
}

static void die_inside_callback(bool is_virtual)
{
    struct fixture fixture;
    fixture_open(&fixture, is_virtual);
    fixture.inner = scope_new(fixture.life, "inner", SCOPE_NO_LIMIT);
    timer_start(timer_new(fixture.inner, fixture.loop, close_inner, &fixture), 1);
    timer_start(timer_new(fixture.inner, fixture.loop, say_a, &fixture), 1);
    waker_wake(waker_new(fixture.inner, fixture.loop, say_b, &fixture));
    loop_run_for(fixture.loop, 10);
    CHECK(fixture.heard.len >= 1 && fixture.heard.at[fixture.heard.len - 1] == 'x');

    fixture.inner = scope_new(fixture.life, "inner", SCOPE_NO_LIMIT);
    buf_clear(&fixture.heard);
    loop_soon(fixture.inner, fixture.loop, close_inner, &fixture);
    loop_soon(fixture.inner, fixture.loop, say_a, &fixture);
    loop_run_for(fixture.loop, 10);
    CHECK_TEXT(buf_text(&fixture.heard), "x"); /* the second soon died with its owner */
    fixture_close(&fixture);
}

TEST(what_a_closed_scope_owned_never_calls_again)
{
    die_inside_callback(false);
    die_inside_callback(true);
}

static void ask_for_soon(void *self)
{
    struct fixture *fixture = self;
    chore_last(fixture->loop, &fixture->chore);
    loop_soon(fixture->life, fixture->loop, say_a, fixture);
    loop_soon(fixture->life, fixture->loop, say_b, fixture);
    buf_add_byte(&fixture->heard, 't');
}

static void soon_at_the_end_of_the_turn(bool is_virtual)
{
    struct fixture fixture;
    fixture_open(&fixture, is_virtual);
    fixture.chore = (struct chore){ .run = say_c, .self = &fixture };
    timer_start(timer_new(fixture.life, fixture.loop, ask_for_soon, &fixture), 1);
    timer_start(timer_new(fixture.life, fixture.loop, say_d, &fixture), 1);
    loop_run(fixture.loop);
    CHECK_TEXT(buf_text(&fixture.heard), "tdabc");
    fixture_close(&fixture);
}

TEST(soon_comes_after_the_turn_in_order_and_last_chores_after_all)
{
    soon_at_the_end_of_the_turn(false);
    soon_at_the_end_of_the_turn(true);
}

static void chore_once(bool is_virtual)
{
    struct fixture fixture;
    fixture_open(&fixture, is_virtual);
    struct chore other = { .run = say_b, .self = &fixture };
    fixture.chore = (struct chore){ .run = say_a, .self = &fixture };
    for (int i = 0; i < 3; i++) chore_soon(fixture.loop, &fixture.chore);
    chore_soon(fixture.loop, &other);
    chore_cancel(&other);
    chore_cancel(&other);
    loop_run(fixture.loop);
    CHECK_TEXT(buf_text(&fixture.heard), "a");
    chore_soon(fixture.loop, &fixture.chore); /* and again, since it is no longer pending */
    loop_run(fixture.loop);
    CHECK_TEXT(buf_text(&fixture.heard), "aa");
    fixture_close(&fixture);
}

TEST(a_chore_runs_once_however_often_it_was_asked_for_and_never_after_cancel)
{
    chore_once(false);
    chore_once(true);
}

static void chore_for_ever(void *self)
{
    struct fixture *fixture = self;
    fixture->count++;
    chore_soon(fixture->loop, &fixture->chore);
}

TEST(a_chore_that_asks_for_itself_for_ever_does_not_starve_timers)
{
    struct fixture fixture;
    fixture_open(&fixture, false);
    fixture.chore = (struct chore){ .run = chore_for_ever, .self = &fixture };
    chore_soon(fixture.loop, &fixture.chore);
    timer_start(timer_new(fixture.life, fixture.loop, stop_the_loop, &fixture), 5);
    loop_run(fixture.loop);
    CHECK(fixture.count > 16);
    fixture_close(&fixture); /* while it is still pending */
}

struct job {
    struct fixture *fixture;
    pthread_t thread;
    bool is_worked, is_done;
};

static void job_work(void *self)
{
    struct job *job = self;
    job->thread = pthread_self();
    job->is_worked = true;
}

static void job_done(void *self)
{
    struct job *job = self;
    job->is_done = job->is_worked;
    job->fixture->count++;
}

TEST(work_runs_on_another_thread_and_is_done_on_the_loop)
{
    struct fixture fixture;
    fixture_open(&fixture, false);
    struct job job = { .fixture = &fixture };
    loop_work(fixture.loop, job_work, job_done, &job);
    CHECK(!job.is_done);
    loop_run(fixture.loop);
    CHECK(job.is_done);
    CHECK(!pthread_equal(job.thread, pthread_self()));
    fixture_close(&fixture);
}

TEST(work_on_a_virtual_loop_runs_inline_in_a_later_turn)
{
    struct fixture fixture;
    fixture_open(&fixture, true);
    struct job job = { .fixture = &fixture };
    loop_work(fixture.loop, job_work, job_done, &job);
    CHECK(!job.is_worked);
    loop_run(fixture.loop);
    CHECK(job.is_done);
    CHECK(pthread_equal(job.thread, pthread_self()));
    fixture_close(&fixture);
}

TEST(work_under_way_is_done_exactly_once_even_while_the_loop_closes)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct fixture fixture;
        static struct job jobs[50];
        fixture_open(&fixture, is_virtual);
        for (int i = 0; i < 50; i++) {
            jobs[i] = (struct job){ .fixture = &fixture };
            loop_work(fixture.loop, job_work, job_done, &jobs[i]);
        }
        fixture_close(&fixture);
        CHECK_U32(fixture.count, 50);
    }
}

static void *wake_from_outside(void *self)
{
    struct fixture *fixture = self;
    for (int i = 0; i < 100; i++) waker_wake(fixture->waker);
    return NULL;
}

static void count_and_stop(void *self)
{
    struct fixture *fixture = self;
    fixture->count++;
    loop_stop(fixture->loop);
}

TEST(another_thread_wakes_the_loop_and_wakes_are_merged)
{
    struct fixture fixture;
    fixture_open(&fixture, false);
    fixture.waker = waker_new(fixture.life, fixture.loop, count_and_stop, &fixture);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wake_from_outside, &fixture) == 0);
    loop_run(fixture.loop);
    CHECK(fixture.count >= 1);
    CHECK(pthread_join(thread, NULL) == 0);
    uint32_t before = fixture.count;
    (void)wake_from_outside(&fixture);
    loop_run_for(fixture.loop, 1);
    CHECK_U32(fixture.count, before + 1);
    fixture_close(&fixture);
}

TEST(a_waker_works_on_a_virtual_loop_too)
{
    struct fixture fixture;
    fixture_open(&fixture, true);
    fixture.waker = waker_new(fixture.life, fixture.loop, say_a, &fixture);
    loop_run(fixture.loop);
    CHECK_TEXT(buf_text(&fixture.heard), "");
    (void)wake_from_outside(&fixture);
    CHECK_TEXT(buf_text(&fixture.heard), "");
    loop_run(fixture.loop);
    CHECK_TEXT(buf_text(&fixture.heard), "a");
    fixture_close(&fixture);
}

static void wake_again(void *self)
{
    struct fixture *fixture = self;
    if (fixture->count++ < 100) waker_wake(fixture->waker);
    loop_stop(fixture->loop);
}

TEST(a_waker_that_wakes_itself_comes_once_a_turn)
{
    struct fixture fixture;
    fixture_open(&fixture, true);
    fixture.waker = waker_new(fixture.life, fixture.loop, wake_again, &fixture);
    for (int i = 0; i < 3; i++) (void)waker_new(fixture.life, fixture.loop, say_a, &fixture);
    waker_wake(fixture.waker);
    loop_run(fixture.loop); /* one turn */
    CHECK_U32(fixture.count, 1);
    fixture_close(&fixture);
}

static void work_again(void *self)
{
    struct fixture *fixture = self;
    if (++fixture->count < 50) loop_work(fixture->loop, say_a, work_again, fixture);
    loop_stop(fixture->loop);
}

TEST(work_asked_for_by_finished_work_waits_for_a_later_turn)
{
    struct fixture fixture;
    fixture_open(&fixture, true);
    loop_work(fixture.loop, say_a, work_again, &fixture);
    for (uint32_t i = 1; i <= 50; i++) {
        loop_run(fixture.loop); /* stops with the turn that did one */
        CHECK_U32(fixture.count, i);
    }
    fixture_close(&fixture);
}

static void on_signal_heard(void *self, int signal_number)
{
    struct fixture *fixture = self;
    fixture->count = (uint32_t)signal_number;
    loop_stop(fixture->loop);
}

TEST(a_signal_is_heard_on_the_loop_and_does_not_hold_it)
{
    struct fixture fixture;
    fixture_open(&fixture, false);
    loop_on_signal(fixture.life, fixture.loop, SIGUSR1, on_signal_heard, &fixture);
    loop_run(fixture.loop); /* returns: a signal is nothing to wait for */
    CHECK_U32(fixture.count, 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    loop_run_for(fixture.loop, 1000);
    CHECK_U32(fixture.count, SIGUSR1);
    fixture_close(&fixture);
}

static void sleep_long(void *self)
{
    (void)self;
    nanosleep(&(struct timespec){ .tv_nsec = (SLOW_HANDLER_MS + 5) * 1000000L }, NULL);
}

static void on_slow(void *self, const struct loop_slow *slow)
{
    struct fixture *fixture = self;
    fixture->count += slow->took_ms;
}

TEST(a_slow_handler_is_counted_named_and_reported)
{
    struct fixture fixture;
    fixture_open(&fixture, false);
    loop_on_slow(fixture.loop, on_slow, &fixture);
    timer_start(timer_new(fixture.life, fixture.loop, say_a, &fixture), 0);
    loop_run(fixture.loop);
    CHECK_U32(loop_slow(fixture.loop)->count, 0);
    timer_start(timer_new(fixture.life, fixture.loop, sleep_long, &fixture), 0);
    loop_run(fixture.loop);
    CHECK_U32(loop_slow(fixture.loop)->count, 1);
    CHECK_TEXT(text_of(loop_slow(fixture.loop)->kind), "timer");
    CHECK(loop_slow(fixture.loop)->name[0] != 0);
    CHECK(fixture.count >= SLOW_HANDLER_MS);
    fixture_close(&fixture);
}

static void trace(struct buf *out, uint64_t seed)
{
    struct fixture fixture;
    fixture_open(&fixture, true);
    random_seed(loop_random(fixture.loop), seed);
    for (int i = 0; i < 8; i++) {
        loop_work(fixture.loop, say_a, say_b, &fixture);
        loop_work(fixture.loop, say_c, say_d, &fixture);
    }
    loop_run(fixture.loop);
    buf_add(out, buf_text(&fixture.heard));
    fixture_close(&fixture);
}

TEST(the_seed_alone_decides_the_order_of_a_virtual_world)
{
    struct buf first = { 0 }, again = { 0 }, other = { 0 };
    trace(&first, 42);
    trace(&again, 42);
    trace(&other, 43);
    CHECK(text_eq(buf_text(&first), buf_text(&again)));
    CHECK(!text_eq(buf_text(&first), buf_text(&other)));
    buf_free(&first);
    buf_free(&again);
    buf_free(&other);
}
