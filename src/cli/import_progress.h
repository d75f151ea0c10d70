/* SPDX-License-Identifier: Apache-2.0 */
/* import_progress.h - how far an import is: a bar that is drawn over on a terminal, a plain line at
 * every tenth elsewhere. */
#ifndef CLI_IMPORT_PROGRESS_H
#define CLI_IMPORT_PROGRESS_H

#include "base/buf.h"

struct import_progress {
    bool is_terminal, is_shown;
    uint64_t started_ms, shown_ms, begun_bytes, total_bytes;
    uint32_t shown_tenths;
};

struct import_figures {
    uint64_t bytes, rows, rejected;
};

/* Clocks are monotonic. `is_terminal`: whether standard output is one. `begun_bytes`: where this
 * run goes on. */
void import_progress_start(struct import_progress *progress, bool is_terminal, uint64_t begun_bytes,
                           uint64_t total_bytes, uint64_t now_ms);
/* What to write to standard output now; nothing most of the time. */
void import_progress_show(struct import_progress *progress, const struct import_figures *figures,
                          uint64_t now_ms, struct buf *out);
/* Makes room for another line: takes the bar away. */
void import_progress_clear(struct import_progress *progress, struct buf *out);

#endif
