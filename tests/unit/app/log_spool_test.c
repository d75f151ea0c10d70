/* SPDX-License-Identifier: Apache-2.0 */
/* Records on the disk: what was added comes back in order until it is kept, over lives and torn
 * ends, never more than the bound. */
#include "app/log_spool.h"

#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int syncs; /* of files, and of folders */
static bool disk_fails;

/* Instead of libc's: nobody can cut the power here. */
int fdatasync(int file)
{
    (void)file;
    syncs++;
    errno = EIO;
    return disk_fails ? -1 : 0;
}

struct place {
    struct scope *life;
    struct log_spool *spool;
    char folder[64], spool_folder[80];
    uint64_t bytes_max, segment_bytes;
};

static struct place place_make(void)
{
    struct place place = { .folder = "/tmp/carillon-spool-XXXXXX",
                           .bytes_max = 1 << 20,
                           .segment_bytes = 4096 };
    CHECK(mkdtemp(place.folder) != NULL);
    (void)snprintf(place.spool_folder, sizeof place.spool_folder, "%s/spool", place.folder);
    return place;
}

static void open_life(struct place *place, const char *stream)
{
    place->life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct log_spool_setup setup = { .folder = text_of(place->spool_folder),
                                     .name = TEXT("outbound"),
                                     .stream = text_of(stream),
                                     .bytes_max = place->bytes_max,
                                     .segment_bytes = place->segment_bytes };
    CHECK_OK(log_spool_open(place->life, &setup, &place->spool, NULL));
}

static void close_life(struct place *place)
{
    scope_close(place->life);
}

static size_t count_files(const struct place *place)
{
    size_t count = 0;
    DIR *folder = opendir(place->spool_folder);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    if (folder) (void)closedir(folder);
    return count;
}

static void place_remove(struct place *place)
{
    char command[100];
    (void)snprintf(command, sizeof command, "rm -r %s", place->folder);
    CHECK(system(command) == 0);
}

/* "record 000017", padded to 100 bytes. */
static void add(struct place *place, int from, int count)
{
    struct buf frames = { 0 };
    for (int i = from; i < from + count; i++) {
        char record[101];
        (void)snprintf(record, sizeof record, "record %06d %-86s", i, "");
        log_spool_frame(&frames, (struct text){ record, 100 });
    }
    CHECK_OK(log_spool_add(place->spool, buf_text(&frames), NULL));
    buf_free(&frames);
}

static int number_of(struct text record)
{
    uint32_t number;
    CHECK_OK(text_to_u32(text_slice(record, 7, 6), 0, 999999, &number));
    return (int)number;
}

/* Reads and keeps all; the records must be from.. in order. Returns how many. */
static int drain(struct place *place, int from)
{
    int count = 0;
    for (;;) {
        struct log_spool_batch batch;
        struct text record;
        log_spool_read(place->spool, 7, 100000, &batch);
        if (batch.count == 0) return count;
        CHECK(batch.count <= 7);
        struct text frames = batch.frames;
        char stream[64];
        CHECK_OK(text_to_z(batch.stream, stream, sizeof stream));
        for (uint32_t i = 0; i < batch.count; i++) {
            CHECK(log_spool_next(&frames, &record));
            CHECK_I64(number_of(record), from + count++);
        }
        log_spool_kept(place->spool, text_of(stream), batch.first + batch.count - 1);
    }
}

TEST(what_was_added_comes_back_in_order_until_it_is_kept)
{
    struct place place = place_make();
    open_life(&place, "s1");
    add(&place, 0, 500); /* thirteen segments */
    add(&place, 500, 1);
    struct log_spool_batch batch;
    log_spool_read(place.spool, 3, 100000, &batch);
    CHECK_U32(batch.count, 3);
    CHECK_I64(batch.first, 1);
    CHECK_TEXT(batch.stream, "s1");
    log_spool_read(place.spool, 3, 100000, &batch); /* nobody kept them */
    CHECK_I64(batch.first, 1);
    log_spool_kept(place.spool, TEXT("s1"), 2);
    log_spool_kept(place.spool, TEXT("s0"), 400); /* another life's */
    log_spool_read(place.spool, 3, 150, &batch);
    CHECK_I64(batch.first, 3);
    CHECK_U32(batch.count, 1);                  /* of 104 bytes */
    log_spool_kept(place.spool, TEXT("s1"), 2); /* told again */
    CHECK_I64(drain(&place, 2), 499);
    add(&place, 501, 2);
    CHECK_I64(drain(&place, 501), 2);
    CHECK_I64(log_spool_take_lost(place.spool), 0);
    close_life(&place);
    CHECK_I64(count_files(&place), 0); /* all was kept */
    place_remove(&place);
}

/* Of framework 15: no effect on service, so nothing waits for the disk; decision 0046. */
TEST(what_waits_since_the_last_call_is_synced_once_and_what_is_kept_meanwhile_is_not)
{
    struct place place = place_make();
    open_life(&place, "s1");
    syncs = 0;
    CHECK(!log_spool_is_unsynced(place.spool));
    add(&place, 0, 10);
    CHECK(log_spool_is_unsynced(place.spool));
    CHECK_OK(log_spool_sync(place.spool, NULL));
    CHECK_I64(syncs, 0); /* it may be kept any moment */
    CHECK_OK(log_spool_sync(place.spool, NULL));
    CHECK_I64(syncs, 1);
    CHECK(!log_spool_is_unsynced(place.spool));
    for (int i = 1; i < 20; i++) {
        log_spool_kept(place.spool, TEXT("s1"), (uint64_t)(10 * i));
        add(&place, 10 * i, 10);
        CHECK_OK(log_spool_sync(place.spool, NULL));
    }
    log_spool_kept(place.spool, TEXT("s1"), 200);
    CHECK_OK(log_spool_sync(place.spool, NULL));
    CHECK_I64(syncs, 1);
    CHECK(!log_spool_is_unsynced(place.spool));
    close_life(&place);
    place_remove(&place);
}

TEST(a_sync_that_fails_is_told_and_not_asked_again)
{
    struct place place = place_make();
    struct fault fault = { 0 };
    open_life(&place, "s1");
    add(&place, 0, 10);
    CHECK_OK(log_spool_sync(place.spool, &fault));
    disk_fails = true;
    CHECK(log_spool_sync(place.spool, &fault) == ERR_IO);
    CHECK(strstr(fault.words, "Input/output"));
    disk_fails = false;
    CHECK(!log_spool_is_unsynced(place.spool));
    CHECK_I64(drain(&place, 0), 10); /* they are there to be sent */
    close_life(&place);
    place_remove(&place);
}

TEST(the_next_life_sends_first_what_the_former_left)
{
    struct place place = place_make();
    open_life(&place, "2026-a");
    add(&place, 0, 50);
    log_spool_kept(place.spool, TEXT("2026-a"), 10);
    close_life(&place);
    open_life(&place, "2026-b");
    add(&place, 50, 50);
    struct log_spool_batch batch;
    log_spool_read(place.spool, 1000, 100000, &batch);
    CHECK_TEXT(batch.stream, "2026-a");
    CHECK_I64(batch.first, 1); /* from the file's first: who kept them knows the numbers */
    log_spool_kept(place.spool, TEXT("2026-a"), 10);
    CHECK_I64(drain(&place, 10), 90);
    close_life(&place);
    place_remove(&place);
}

TEST(a_torn_end_is_cut_off_at_every_byte)
{
    for (int cut = 1; cut < 104; cut += 3) {
        struct place place = place_make();
        open_life(&place, "a");
        add(&place, 0, 10);
        close_life(&place);
        char path[200];
        (void)snprintf(path, sizeof path, "%s/outbound.a.000000000001.spool", place.spool_folder);
        CHECK(truncate(path, 1040 - cut) == 0);
        open_life(&place, "b");
        add(&place, 9, 1);
        CHECK_I64(drain(&place, 0), 10);
        close_life(&place);
        place_remove(&place);
    }
}

TEST(any_bytes_in_the_folder_do_no_harm)
{
    static const char *const names[] = {
        "outbound.a.000000000001.spool", "outbound.spool",
        "outbound..000000000001.spool",  "other.a.000000000001.spool",
        "outbound.a.x00000000001.spool", "outbound.a.spool"
    };
    struct place place = place_make();
    open_life(&place, "a");
    close_life(&place);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", place.spool_folder, names[i]);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK(write(fd, "\xff\xff\xff\xff garbage", 12) == 12);
        (void)close(fd);
    }
    open_life(&place, "b");
    add(&place, 0, 3);
    CHECK_I64(drain(&place, 0), 3);
    close_life(&place);
    place_remove(&place);
}

TEST(past_the_bound_the_oldest_go_and_are_counted)
{
    struct place place = place_make();
    place.bytes_max = 20800; /* 200 records */
    open_life(&place, "a");
    for (int i = 0; i < 1000; i += 10) add(&place, i, 10);
    uint64_t lost = log_spool_take_lost(place.spool);
    CHECK(lost >= 800 && lost <= 850);
    CHECK(log_spool_bytes(place.spool) <= place.bytes_max);
    struct log_spool_batch batch;
    log_spool_read(place.spool, 1, 1000, &batch);
    CHECK_I64(batch.first, lost + 1); /* the number tells the gap */
    CHECK_I64(drain(&place, (int)lost), 1000 - (int)lost);
    close_life(&place);
    place_remove(&place);
}

TEST(a_folder_that_cannot_be_made_is_told)
{
    struct log_spool *spool;
    struct fault fault = { 0 };
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct log_spool_setup setup = { .folder = TEXT("/dev/null/spool"),
                                     .name = TEXT("a"),
                                     .stream = TEXT("a"),
                                     .bytes_max = 1000,
                                     .segment_bytes = 100 };
    CHECK_I64(log_spool_open(life, &setup, &spool, &fault), ERR_IO);
    CHECK(fault.words[0] != '\0');
    scope_close(life);
}
