/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_progress.h"

enum { REDRAW_MS = 100, BAR_CELLS = 30 };

void import_progress_start(struct import_progress *progress, bool is_terminal, uint64_t begun_bytes,
                           uint64_t total_bytes, uint64_t now_ms)
{
    *progress = (struct import_progress){ .is_terminal = is_terminal,
                                          .started_ms = now_ms,
                                          .begun_bytes = begun_bytes,
                                          .total_bytes = total_bytes };
}

static uint32_t share_of(uint64_t bytes, uint64_t total_bytes, uint32_t parts)
{
    if (total_bytes == 0 || bytes >= total_bytes) return parts;
    return (uint32_t)(bytes * parts / total_bytes);
}

static void put_figures(const struct import_progress *progress,
                        const struct import_figures *figures, uint64_t now_ms, struct buf *out)
{
    uint64_t took_ms = now_ms - progress->started_ms;
    buf_format(out, "%3u %%  %llu rows", share_of(figures->bytes, progress->total_bytes, 100),
               (unsigned long long)figures->rows);
    if (figures->rejected)
        buf_format(out, ", %llu rejected", (unsigned long long)figures->rejected);
    if (took_ms < 1000) return;
    buf_format(out, ", %llu/s", (unsigned long long)(figures->rows * 1000 / took_ms));
    if (figures->bytes <= progress->begun_bytes || figures->bytes >= progress->total_bytes) return;
    /* Of what this run has to read: one that goes on has not read the front. */
    uint64_t done = figures->bytes - progress->begun_bytes;
    uint64_t left_s = (progress->total_bytes - figures->bytes) * (took_ms / 1000) / done + 1;
    buf_format(out, ", %llu:%02llu left", (unsigned long long)(left_s / 60),
               (unsigned long long)(left_s % 60));
}

static void draw_bar(const struct import_progress *progress, const struct import_figures *figures,
                     struct buf *out)
{
    uint32_t full = share_of(figures->bytes, progress->total_bytes, BAR_CELLS);
    buf_add_z(out, "\r[");
    for (uint32_t i = 0; i < BAR_CELLS; i++) buf_add_byte(out, i < full ? '#' : '.');
    buf_add_z(out, "] ");
}

void import_progress_show(struct import_progress *progress, const struct import_figures *figures,
                          uint64_t now_ms, struct buf *out)
{
    if (progress->is_terminal) {
        if (progress->is_shown && now_ms - progress->shown_ms < REDRAW_MS) return;
        draw_bar(progress, figures, out);
        put_figures(progress, figures, now_ms, out);
        buf_add_z(out, "\033[K");
        progress->is_shown = true;
        progress->shown_ms = now_ms;
        return;
    }
    uint32_t tenths = share_of(figures->bytes, progress->total_bytes, 10);
    if (tenths <= progress->shown_tenths) return;
    progress->shown_tenths = tenths;
    put_figures(progress, figures, now_ms, out);
    buf_add_byte(out, '\n');
}

void import_progress_clear(struct import_progress *progress, struct buf *out)
{
    if (progress->is_shown) buf_add_z(out, "\r\033[K");
    progress->is_shown = false;
}
