/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "tests/unit/test.h"

TEST(a_buffer_grows_and_keeps_what_was_added)
{
    struct buf buf = { 0 };
    CHECK_I64(buf_text(&buf).len, 0);
    for (int i = 0; i < 1000; i++) buf_add(&buf, TEXT("0123456789"));
    CHECK_I64(buf.len, 10000);
    CHECK_TEXT(text_slice(buf_text(&buf), 9990, 10), "0123456789");
    buf_clear(&buf);
    CHECK_I64(buf.len, 0);
    buf_free(&buf);
    CHECK(buf.at == NULL && buf.room == 0);
}

TEST(numbers_and_formats_are_written_in_decimal)
{
    struct buf buf = { 0 };
    buf_add_u64(&buf, UINT64_MAX);
    buf_add_byte(&buf, ' ');
    buf_add_i64(&buf, INT64_MIN);
    buf_add_byte(&buf, ' ');
    buf_add_i64(&buf, 0);
    buf_format(&buf, " %s-%05d", "x", 42);
    buf_add_z(&buf, "!");
    CHECK_TEXT(buf_text(&buf), "18446744073709551615 -9223372036854775808 0 x-00042!");
    buf_free(&buf);
}

TEST(the_front_can_be_dropped)
{
    struct buf buf = { 0 };
    buf_add_z(&buf, "frame one frame two");
    buf_drop_front(&buf, 10);
    CHECK_TEXT(buf_text(&buf), "frame two");
    buf_drop_front(&buf, buf.len);
    CHECK_I64(buf.len, 0);
    buf_free(&buf);
}
