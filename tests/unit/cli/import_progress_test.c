/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_progress.h"

#include "tests/unit/test.h"

static struct buf out;

static struct text show(struct import_progress *progress, uint64_t bytes, uint64_t rows,
                        uint64_t rejected, uint64_t now_ms)
{
    struct import_figures figures = { bytes, rows, rejected };
    buf_clear(&out);
    import_progress_show(progress, &figures, now_ms, &out);
    return buf_text(&out);
}

TEST(without_a_terminal_there_is_a_line_at_every_tenth)
{
    struct import_progress progress;
    import_progress_start(&progress, false, 0, 1000, 0);
    CHECK_TEXT(show(&progress, 99, 9, 0, 10), "");
    CHECK_TEXT(show(&progress, 100, 10, 0, 20), " 10 %  10 rows\n");
    CHECK_TEXT(show(&progress, 150, 15, 0, 30), "");
    CHECK_TEXT(show(&progress, 500, 50, 3, 2000), " 50 %  50 rows, 3 rejected, 25/s, 0:03 left\n");
    CHECK_TEXT(show(&progress, 1000, 100, 3, 4000), "100 %  100 rows, 3 rejected, 25/s\n");
    CHECK_TEXT(show(&progress, 1000, 100, 3, 5000), "");
    import_progress_clear(&progress, &out);
    CHECK_U32(out.len, 0);
    buf_free(&out);
}

TEST(on_a_terminal_a_bar_is_drawn_over_at_most_ten_times_a_second)
{
    struct import_progress progress;
    import_progress_start(&progress, true, 0, 60, 0);
    CHECK_TEXT(show(&progress, 30, 5, 0, 0),
               "\r[###############...............]  50 %  5 rows\033[K");
    CHECK_TEXT(show(&progress, 40, 6, 0, 99), "");
    CHECK(show(&progress, 60, 7, 0, 100).len > 0);
    buf_clear(&out);
    import_progress_clear(&progress, &out);
    CHECK_TEXT(buf_text(&out), "\r\033[K");
    buf_free(&out);
}

TEST(an_empty_file_is_whole_at_once)
{
    struct import_progress progress;
    import_progress_start(&progress, false, 0, 0, 0);
    CHECK_TEXT(show(&progress, 0, 0, 0, 0), "100 %  0 rows\n");
    buf_free(&out);
}
