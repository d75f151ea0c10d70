/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated disk loses of a file: unsynced writes with the power, and what a sync that
 * failed should have kept. After such a sync Linux takes the pages for written: they read as they
 * were written until the power is cut, a later sync does not know of them, only a new write makes
 * them whole. Such pages are doubtful here. */
#include "store/sim_disk_private.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

void sim_file_synced(struct sim_file *file)
{
    file->write_count = 0;
    buf_clear(&file->old_bytes);
}

/* --- what is lost --- */

static void undo_write(struct sim_disk *disk, struct sim_file *file, const struct sim_write *write)
{
    sim_file_set_size(disk, file, write->old_size);
    if (write->old_len > 0)
        memcpy(file->bytes + write->offset, file->old_bytes.at + write->old_at, write->old_len);
}

/* The bytes from `at` to `end` as they were before the write; past the old end there was nothing.
 */
static void lose_piece(struct sim_file *file, const struct sim_write *write, uint64_t at,
                       uint64_t end)
{
    uint64_t old_end = write->offset + write->old_len;
    for (; at < end; at++)
        file->bytes[at] = at < old_end ? file->old_bytes.at[write->old_at + (at - write->offset)]
                                       : '\0';
}

/* Any of its sectors. */
static void tear_write(struct sim_disk *disk, struct sim_file *file, const struct sim_write *write)
{
    struct random *random = loop_random(disk->loop);
    uint64_t end = write->offset + write->len, kept_end = write->old_size;
    for (uint64_t at = write->offset, next; at < end; at = next) {
        next = (at / SIM_SECTOR_BYTES + 1) * SIM_SECTOR_BYTES;
        if (next > end) next = end;
        if (random_below(random, 2) == 0)
            lose_piece(file, write, at, next);
        else if (next > kept_end)
            kept_end = next;
    }
    if (random_below(random, 2) == 0) sim_file_set_size(disk, file, kept_end);
}

/* Any suffix. What is left counts as kept. */
static void lose_suffix(struct sim_disk *disk, struct sim_file *file, bool may_tear)
{
    if (file->write_count == 0) return;
    struct random *random = loop_random(disk->loop);
    uint32_t kept = (uint32_t)random_below(random, file->write_count + 1);
    for (uint32_t i = file->write_count; i > kept; i--)
        undo_write(disk, file, &file->writes[i - 1]);
    if (may_tear && kept > 0 && random_below(random, 2) == 0)
        tear_write(disk, file, &file->writes[kept - 1]);
    sim_file_synced(file);
}

/* --- doubtful pages --- */

static bool is_doubtful(const struct sim_file *file, uint64_t page)
{
    for (uint32_t i = 0; i < file->doubt_count; i++)
        if (file->doubts[i].page == page) return true;
    return false;
}

/* `file` is as it was before its unsynced writes. */
static void doubt_page(struct sim_file *file, uint64_t page)
{
    if (is_doubtful(file, page)) return;
    size_t bytes = (file->doubt_count + 1) * sizeof *file->doubts;
    file->doubts = realloc(file->doubts, bytes);
    ASSERT(file->doubts != NULL);
    struct sim_doubt *doubt = &file->doubts[file->doubt_count++];
    *doubt = (struct sim_doubt){ .page = page };
    uint64_t at = page * SIM_PAGE_BYTES, len = at < file->size ? file->size - at : 0;
    if (len > SIM_PAGE_BYTES) len = SIM_PAGE_BYTES;
    if (len > 0) memcpy(doubt->bytes, file->bytes + at, len);
}

static void doubt_writes(struct sim_disk *disk, struct sim_file *file)
{
    uint64_t size = file->size;
    char *now = malloc(size + 1);
    ASSERT(now != NULL);
    if (size > 0) memcpy(now, file->bytes, size);
    for (uint32_t i = file->write_count; i > 0; i--) undo_write(disk, file, &file->writes[i - 1]);
    for (uint32_t i = 0; i < file->write_count; i++) {
        const struct sim_write *write = &file->writes[i];
        uint64_t end = (write->offset + write->len + SIM_PAGE_BYTES - 1) / SIM_PAGE_BYTES;
        for (uint64_t page = write->offset / SIM_PAGE_BYTES; write->len && page < end; page++)
            doubt_page(file, page);
    }
    sim_file_set_size(disk, file, size);
    if (size > 0) memcpy(file->bytes, now, size);
    free(now);
    sim_file_synced(file);
}

void sim_file_trust(struct sim_file *file, uint64_t offset, uint64_t end)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < file->doubt_count; i++) {
        uint64_t at = file->doubts[i].page * SIM_PAGE_BYTES;
        bool is_touched = at < end && at + SIM_PAGE_BYTES > offset;
        if (!is_touched) file->doubts[kept++] = file->doubts[i];
    }
    file->doubt_count = kept;
}

static void lose_doubtful(struct sim_file *file)
{
    for (uint32_t i = 0; i < file->doubt_count; i++) {
        uint64_t at = file->doubts[i].page * SIM_PAGE_BYTES;
        uint64_t len = at < file->size ? file->size - at : 0;
        if (len > SIM_PAGE_BYTES) len = SIM_PAGE_BYTES;
        if (len > 0) memcpy(file->bytes + at, file->doubts[i].bytes, len);
    }
}

/* --- the doors --- */

void sim_file_sync_failed(struct sim_disk *disk, struct sim_file *file)
{
    if (random_below(loop_random(disk->loop), 2) == 0)
        lose_suffix(disk, file, false);
    else
        doubt_writes(disk, file);
}

void sim_file_power_cut(struct sim_disk *disk, struct sim_file *file)
{
    lose_suffix(disk, file, true);
    if (file->doubt_count > 0 && random_below(loop_random(disk->loop), 4) > 0) lose_doubtful(file);
    file->doubt_count = 0;
}
