/* SPDX-License-Identifier: Apache-2.0 */
#include "format/packed_rows.h"

#include "base/random.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

TEST(rows_come_out_as_they_went_in)
{
    struct buf out = { 0 };
    char longer[300];
    memset(longer, 'x', sizeof longer);
    packed_rows_begin(&out, 1);
    packed_rows_add(&out, TEXT("a"));
    packed_rows_add(&out, TEXT(""));
    packed_rows_begin(&out, UINT64_MAX);
    packed_rows_add(&out, (struct text){ longer, sizeof longer });
    packed_rows_add(&out, TEXT("b"));
    struct packed_rows rows = packed_rows_reader(buf_text(&out));
    struct text cells[2];
    uint64_t line;
    CHECK(packed_rows_next(&rows, &line, cells, 2));
    CHECK_U32(line, 1);
    CHECK_TEXT(cells[0], "a");
    CHECK_TEXT(cells[1], "");
    CHECK(packed_rows_next(&rows, &line, cells, 2));
    CHECK(line == UINT64_MAX);
    CHECK_U32(cells[0].len, 300);
    CHECK_TEXT(cells[1], "b");
    CHECK(!packed_rows_next(&rows, &line, cells, 2));
    CHECK(!rows.is_broken);
    buf_free(&out);
}

TEST(nonsense_is_found_and_never_passed)
{
    static const char *const broken[] = { "\x01\x05"
                                          "abc",
                                          "\x01", "\x81",
                                          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                          "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f" };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct packed_rows rows = packed_rows_reader(text_of(broken[i]));
        struct text cells[2];
        uint64_t line;
        CHECK(!packed_rows_next(&rows, &line, cells, 2));
        CHECK(rows.is_broken);
        CHECK(!packed_rows_next(&rows, &line, cells, 2));
    }
}

TEST(any_bytes_end)
{
    struct random random;
    random_seed(&random, 1);
    for (int i = 0; i < 20000; i++) {
        size_t len = (size_t)random_below(&random, 24);
        char *bytes = malloc(len + 1); /* its own, for the sanitizer */
        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)(random_below(&random, 3) ? random_below(&random, 4)
                                                       : random_below(&random, 256));
        struct packed_rows rows = packed_rows_reader((struct text){ bytes, len });
        struct text cells[3];
        uint64_t line;
        size_t seen = 0;
        while (packed_rows_next(&rows, &line, cells, 3))
            for (int k = 0; k < 3; k++) seen += cells[k].len;
        CHECK(seen <= len);
        free(bytes);
    }
}
