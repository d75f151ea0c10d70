/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/channel.h"

#include "tests/unit/test.h"

#include <string.h>

static void put(struct buf *out, enum channel_type type, uint32_t transaction, const char *payload)
{
    CHECK_OK(channel_put(out, type, transaction, text_of(payload)));
}

TEST(a_frame_is_length_type_transaction_and_payload) /* spec outbound 14.1 */
{
    struct buf out = { 0 };
    put(&out, CHANNEL_REQUEST, 0x01020304, "{}");
    CHECK_U32(out.len, 11);
    CHECK(memcmp(out.at, "\0\0\0\7\3\1\2\3\4{}", 11) == 0);
    buf_free(&out);
}

TEST(frames_come_back_as_they_were_put_in_any_slices)
{
    struct buf out = { 0 };
    put(&out, CHANNEL_CONFIG, 7, "{\"address\":\"127.0.0.1:1\"}");
    put(&out, CHANNEL_RECORD, 0, "");
    put(&out, CHANNEL_LOG, UINT32_MAX, "{\"text\":\"x\"}");
    for (size_t slice = 1; slice <= out.len; slice++) {
        struct channel_reader reader = { 0 };
        struct channel_frame frame;
        uint32_t found = 0;
        const enum channel_type types[] = { CHANNEL_CONFIG, CHANNEL_RECORD, CHANNEL_LOG };
        for (size_t at = 0; at < out.len; at += slice) {
            channel_reader_add(&reader, text_slice(buf_text(&out), at, slice));
            while (channel_reader_next(&reader, &frame) == ERR_OK)
                CHECK_U32(frame.type, types[found++]);
        }
        CHECK_U32(found, 3);
        CHECK_U32(frame.transaction, UINT32_MAX);
        CHECK_TEXT(frame.payload, "{\"text\":\"x\"}");
        channel_reader_free(&reader);
    }
    buf_free(&out);
}

TEST(a_payload_may_be_written_straight_into_the_frame)
{
    struct buf out = { 0 }, whole = { 0 };
    put(&whole, CHANNEL_STOP, 0, "");
    put(&whole, CHANNEL_REQUEST, 9, "ab");
    put(&out, CHANNEL_STOP, 0, "");
    size_t begun = channel_begin(&out, CHANNEL_REQUEST, 9);
    buf_add_z(&out, "a");
    buf_add_z(&out, "b");
    CHECK_OK(channel_end(&out, begun));
    CHECK(text_eq(buf_text(&out), buf_text(&whole)));
    begun = channel_begin(&out, CHANNEL_RESPONSE, 9);
    (void)memset(buf_reserve(&out, CHANNEL_FRAME_BYTES_MAX), ' ', CHANNEL_FRAME_BYTES_MAX);
    out.len += CHANNEL_FRAME_BYTES_MAX;
    CHECK_U32(channel_end(&out, begun), ERR_LIMIT);
    CHECK(text_eq(buf_text(&out), buf_text(&whole))); /* nothing of it is left */
    buf_free(&out);
    buf_free(&whole);
}

static enum err read_all(struct text bytes)
{
    struct channel_reader reader = { 0 };
    struct channel_frame frame;
    channel_reader_add(&reader, bytes);
    enum err err;
    do err = channel_reader_next(&reader, &frame);
    while (err == ERR_OK);
    channel_reader_free(&reader);
    return err;
}

TEST(what_is_no_frame_breaks_the_channel)
{
    CHECK_U32(read_all(TEXT("\0\0\0\4\3\0\0\0\1")), ERR_INVALID);  /* too short for a head */
    CHECK_U32(read_all(TEXT("\0\0\0\5\0\0\0\0\1")), ERR_INVALID);  /* type 0 */
    CHECK_U32(read_all(TEXT("\0\0\0\5\11\0\0\0\1")), ERR_INVALID); /* type 9 */
    CHECK_U32(read_all(TEXT("\1\0\0\1\3\0\0\0\1")), ERR_LIMIT);    /* 16 MiB and a byte */
    CHECK_U32(read_all(TEXT("GET / HTTP/1.1\r\n\r\n")), ERR_LIMIT);
}

TEST(every_prefix_of_a_frame_waits_for_more)
{
    struct buf out = { 0 };
    put(&out, CHANNEL_UPDATE, 9, "{\"encoding\":\"\"}");
    for (size_t len = 0; len < out.len; len++)
        CHECK_U32(read_all(text_slice(buf_text(&out), 0, len)), ERR_UNAVAILABLE);
    buf_free(&out);
}

TEST(a_payload_past_the_bound_is_refused_by_the_writer)
{
    struct buf out = { 0 }, big = { 0 };
    (void)memset(buf_reserve(&big, CHANNEL_FRAME_BYTES_MAX), ' ', CHANNEL_FRAME_BYTES_MAX);
    big.len = CHANNEL_FRAME_BYTES_MAX;
    CHECK_U32(channel_put(&out, CHANNEL_RESPONSE, 1, buf_text(&big)), ERR_LIMIT);
    CHECK_U32(out.len, 0);
    big.len -= CHANNEL_HEAD_BYTES - 4;
    CHECK_OK(channel_put(&out, CHANNEL_RESPONSE, 1, buf_text(&big)));
    buf_free(&out);
    buf_free(&big);
}
