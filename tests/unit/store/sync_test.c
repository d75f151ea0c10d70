/* SPDX-License-Identifier: Apache-2.0 */
/* What reaches the disk, and when: the program's own fdatasync() and fsync() stand before libc's,
 * so that SQLite's syncs are counted and can fail. */
#include "tests/unit/store/ground.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_uint syncs;
static atomic_bool is_disk_bad;

int fdatasync(int file);
int fsync(int file);

static int sync_file(long number, int file)
{
    if (atomic_load(&is_disk_bad)) {
        errno = EIO;
        return -1;
    }
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(number, file);
}

int fdatasync(int file)
{
    return sync_file(SYS_fdatasync, file);
}

int fsync(int file)
{
    return sync_file(SYS_fsync, file);
}

static void settle(struct ground *ground, struct answers *answers)
{
    submit_note(ground, 1, NULL, answers); /* the first commit of a new log syncs its head too */
    loop_run_for(ground->loop, 100);
    CHECK_OK(answers->err[0]);
}

TEST(a_group_of_many_changes_costs_one_sync_before_its_first_answer)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin(&ground, true);
    settle(&ground, &answers);
    unsigned before = atomic_load(&syncs);
    for (int64_t i = 2; i <= 201; i++) submit_note(&ground, i, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.count, 201);
    CHECK_U32(atomic_load(&syncs) - before, 1);
    ground_end(&ground);
}

static unsigned syncs_at_answer;

static void note_syncs(void *self, const struct change_result *result)
{
    CHECK_OK(result->err);
    syncs_at_answer = atomic_load(&syncs);
    loop_stop(self);
}

TEST(the_sync_is_over_when_the_answer_comes)
{
    struct ground ground = { 0 };
    ground_begin(&ground, false);
    for (int64_t i = 1; i <= 20; i++) {
        unsigned before = atomic_load(&syncs);
        change_submit(note_change(&ground, i, NULL), note_syncs, ground.loop);
        loop_run_for(ground.loop, 5000);
        CHECK(syncs_at_answer > before);
    }
    ground_end(&ground);
}

TEST(after_a_sync_that_failed_nothing_is_acknowledged_until_the_store_is_opened_again)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin(&ground, true);
    settle(&ground, &answers);
    atomic_store(&is_disk_bad, true);
    submit_note(&ground, 2, NULL, &answers);
    submit_note(&ground, 3, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[1], ERR_IO);
    CHECK_U32(answers.err[2], ERR_IO);
    atomic_store(&is_disk_bad, false); /* well again, but who knows what it kept */
    submit_note(&ground, 4, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[3], ERR_UNAVAILABLE);
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL));
    submit_note(&ground, 5, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_OK(answers.err[4]);
    static const struct statement acknowledged = { "SELECT count(*) FROM note WHERE id IN (1, 5)" };
    CHECK_I64(ask_i64(&ground, &acknowledged), 2);
    ground_end(&ground);
}
