/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_file.h - what was last heard from config, in a file for a start without it (framework
 * 3.4): one Snapshot message, mode 0600.
 * Promise  written whole beside it, synced and renamed, on a worker thread; a reader sees the last
 *          whole one, and reads none that another user could have written.
 * Thread   the loop's; reading blocks it. */
#ifndef APP_SNAPSHOT_FILE_H
#define APP_SNAPSHOT_FILE_H

#include "base/log.h"
#include "gen/messages.h"
#include "io/loop/loop.h"

struct snapshot_file;

struct snapshot_file_setup {
    struct text path;
    /* What is to be written now; `out` is filled but for its time, in `scope` or in place. */
    void (*fill)(void *self, struct scope *scope, struct config_snapshot *out);
    void *self;
    const struct log *log; /* lives as long as the owner */
};
struct snapshot_file *snapshot_file_new(struct scope *owner, struct loop *loop,
                                        const struct snapshot_file_setup *setup);
/* Soon; what moves while it is being written is written after it. */
void snapshot_file_write(struct snapshot_file *file);

/* ERR_NOT_FOUND: there is none that can be read. Texts in `scope`. */
enum err snapshot_file_read(struct text path, struct scope *scope,
                            const struct config_snapshot **out);
/* When it was written: "2026-11-22T03:00:00Z". */
struct text snapshot_file_time(const struct config_snapshot *snapshot, struct scope *scope);

#endif
