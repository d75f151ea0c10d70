/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of careful, careless and hostile clients: the cases of Autobahn's test suite (its section
 * numbers stand in the names) as tables, each delivered whole, in single bytes and in pieces. */
#include "io/http/websocket_input.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 12, MESSAGE_BYTES_MAX = 100 * 1024 };

#define F(first, payload)                                                                          \
    {                                                                                              \
        first, payload, sizeof(payload) - 1                                                        \
    }
/* A continuation that is not the last has no bit set. */
enum { MORE = 0x100 };

struct test_case {
    const char *name;
    struct {
        unsigned first;
        const char *payload;
        size_t len;
    } frames[FRAMES_MAX];
    const char *heard;
};

static void add_frame(struct buf *out, unsigned first, struct text payload)
{
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    uint8_t head[WEBSOCKET_HEAD_BYTES_MAX];
    size_t len = websocket_frame_head(WEBSOCKET_TEXT, payload.len, head);
    head[0] = (uint8_t)first;
    head[1] |= 0x80;
    buf_add(out, (struct text){ (const char *)head, len });
    buf_add(out, (struct text){ (const char *)mask, 4 });
    for (size_t i = 0; i < payload.len; i++)
        buf_add_byte(out, (char)(payload.at[i] ^ (char)mask[i % 4]));
}

static void note(struct buf *heard, enum websocket_event event, const struct websocket_found *found,
                 const struct websocket_input *input)
{
    static const char *const names[] = { "", "text", "ping", "pong", "close", "refused" };
    if (heard->len) buf_add_byte(heard, ' ');
    buf_add_z(heard, names[event]);
    buf_add_byte(heard, ':');
    if (event == WEBSOCKET_EVENT_CLOSE) buf_format(heard, "%u:", found->code);
    if (event == WEBSOCKET_EVENT_REFUSED)
        buf_format(heard, "%u", input->refusal.code);
    else if (found->payload.len > 40)
        buf_format(heard, "%zu", found->payload.len);
    else
        buf_add(heard, found->payload);
}

static void feed(struct websocket_input *input, struct text bytes, struct buf *heard)
{
    enum websocket_event event;
    struct websocket_found found;
    do {
        found = (struct websocket_found){ 0 };
        event = websocket_input_read(input, &bytes, &found);
        if (event != WEBSOCKET_EVENT_NONE) note(heard, event, &found, input);
    } while (event != WEBSOCKET_EVENT_NONE && event != WEBSOCKET_EVENT_REFUSED);
}

/* Delivered in pieces of 1 to `piece_max` bytes. */
static void check_heard(const char *name, struct text bytes, size_t piece_max, const char *wanted)
{
    struct websocket_input input = { .message_bytes_max = MESSAGE_BYTES_MAX };
    struct buf heard = { 0 };
    unsigned seed = 1;
    while (bytes.len > 0 && input.refusal.code == 0) {
        size_t len = piece_max == SIZE_MAX
                         ? bytes.len
                         : (seed = seed * 1103515245U + 12345U, (seed >> 16) % piece_max + 1);
        /* A copy of its own: the sanitizer sees whoever reads past it. */
        struct text piece = text_slice(bytes, 0, len);
        char *copy = malloc(piece.len);
        memcpy(copy, piece.at, piece.len);
        feed(&input, (struct text){ copy, piece.len }, &heard);
        free(copy);
        bytes = text_slice(bytes, piece.len, bytes.len);
    }
    if (!text_eq(buf_text(&heard), text_of(wanted)))
        (void)fprintf(stderr, "# %s, pieces of %zu\n", name, piece_max);
    CHECK_TEXT(buf_text(&heard), wanted);
    websocket_input_drop(&input);
    buf_free(&heard);
}

static void check_all_ways(const char *name, struct text bytes, const char *wanted)
{
    check_heard(name, bytes, SIZE_MAX, wanted);
    check_heard(name, bytes, 1, wanted);
    check_heard(name, bytes, 7, wanted);
    if (bytes.len > 4096) check_heard(name, bytes, 5000, wanted);
}

static void check_cases(const struct test_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf bytes = { 0 };
        for (size_t j = 0; j < FRAMES_MAX && cases[i].frames[j].first; j++)
            add_frame(&bytes, cases[i].frames[j].first & 0xff,
                      (struct text){ cases[i].frames[j].payload, cases[i].frames[j].len });
        check_all_ways(cases[i].name, buf_text(&bytes), cases[i].heard);
        buf_free(&bytes);
    }
}
#define CHECK_CASES(cases) check_cases(cases, sizeof(cases) / sizeof(cases)[0])

enum {
    TEXT_ALL = 0x81,
    TEXT_MORE = 0x01,
    REST_MORE = MORE,
    REST_ALL = 0x80,
    BINARY_ALL = 0x82,
    CLOSING = 0x88,
    PINGING = 0x89,
    PONGING = 0x8a
};

#define BYTES_125                                                                                  \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "1234567890123456789012345678901234"

TEST(messages_pings_and_pongs_come_as_they_were_sent)
{
    static const struct test_case cases[] = {
        { "1.1.1", { F(TEXT_ALL, "") }, "text:" },
        { "1.1 hello", { F(TEXT_ALL, "Hello") }, "text:Hello" },
        { "1.1 two", { F(TEXT_ALL, "a"), F(TEXT_ALL, "b") }, "text:a text:b" },
        { "1.2.1 binary", { F(BINARY_ALL, "") }, "refused:1003" },
        { "1.2 binary after text",
          { F(TEXT_ALL, "a"), F(BINARY_ALL, "b") },
          "text:a refused:1003" },
        { "2.1", { F(PINGING, "") }, "ping:" },
        { "2.2", { F(PINGING, "Hello") }, "ping:Hello" },
        { "2.3 bytes", { F(PINGING, "\x01\xff\xfe\xfd") }, "ping:\x01\xff\xfe\xfd" },
        { "2.4", { F(PINGING, BYTES_125) }, "ping:125" },
        { "2.5", { F(PINGING, BYTES_125 "x"), F(TEXT_ALL, "a") }, "refused:1002" },
        { "2.7 unasked pong", { F(PONGING, ""), F(PINGING, "p") }, "pong: ping:p" },
        { "2.9", { F(PONGING, "unasked"), F(PINGING, "p") }, "pong:unasked ping:p" },
        { "2.10",
          { F(PINGING, "1"), F(PINGING, "2"), F(PINGING, "3"), F(PINGING, "4"), F(PINGING, "5") },
          "ping:1 ping:2 ping:3 ping:4 ping:5" },
    };
    CHECK_CASES(cases);
}

TEST(lengths_around_each_form_of_length_come_whole)
{
    static const size_t lengths[] = { 124, 125, 126, 127, 128, 65534, 65535, 65536, 100 * 1024 };
    char *payload = malloc(MESSAGE_BYTES_MAX);
    memset(payload, '*', MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf bytes = { 0 };
        char wanted[32];
        add_frame(&bytes, 0x81, (struct text){ payload, lengths[i] });
        add_frame(&bytes, 0x89, TEXT("p"));
        (void)snprintf(wanted, sizeof wanted, "text:%zu ping:p", lengths[i]);
        check_all_ways("1.1 lengths", buf_text(&bytes), wanted);
        buf_free(&bytes);
    }
    free(payload);
}

TEST(reserved_bits_and_opcodes_are_refused)
{
    for (unsigned rsv = 1; rsv < 8; rsv++) { /* 3.1 to 3.7 */
        struct buf bytes = { 0 };
        add_frame(&bytes, TEXT_ALL, TEXT("before"));
        add_frame(&bytes, 0x81 | rsv << 4, TEXT("Hello"));
        check_all_ways("3", buf_text(&bytes), "text:before refused:1002");
        buf_clear(&bytes);
        add_frame(&bytes, 0x89 | rsv << 4, TEXT("Hello"));
        check_all_ways("3 ping", buf_text(&bytes), "refused:1002");
        buf_clear(&bytes);
        add_frame(&bytes, 0x88 | rsv << 4, TEXT(""));
        check_all_ways("3 close", buf_text(&bytes), "refused:1002");
        buf_free(&bytes);
    }
    for (unsigned opcode = 3; opcode < 16; opcode++) { /* 4.1, 4.2 */
        if (opcode >= 8 && opcode <= 10) continue;
        struct buf bytes = { 0 };
        add_frame(&bytes, TEXT_ALL, TEXT("before"));
        add_frame(&bytes, 0x80 | opcode, TEXT(""));
        add_frame(&bytes, PINGING, TEXT(""));
        check_all_ways("4", buf_text(&bytes), "text:before refused:1002");
        buf_free(&bytes);
    }
}

TEST(fragments_make_one_message_with_control_frames_between_them)
{
    static const struct test_case cases[] = {
        { "5.1 ping in pieces", { F(0x09, "a"), F(REST_ALL, "b") }, "refused:1002" },
        { "5.2 pong in pieces", { F(0x0a, "a"), F(REST_ALL, "b") }, "refused:1002" },
        { "5 close in pieces", { F(0x08, ""), F(REST_ALL, "") }, "refused:1002" },
        { "5.3", { F(TEXT_MORE, "frag1"), F(REST_ALL, "frag2") }, "text:frag1frag2" },
        { "5.6",
          { F(TEXT_MORE, "frag1"), F(PINGING, "ping"), F(REST_ALL, "frag2") },
          "ping:ping text:frag1frag2" },
        { "5.9 stray rest", { F(REST_ALL, "rest"), F(TEXT_ALL, "a") }, "refused:1002" },
        { "5.12 stray piece", { F(REST_MORE, "rest"), F(TEXT_ALL, "a") }, "refused:1002" },
        { "5.15",
          { F(TEXT_MORE, "a"), F(REST_ALL, "b"), F(REST_MORE, "c"), F(TEXT_MORE, "d") },
          "text:ab refused:1002" },
        { "5.18", { F(TEXT_MORE, "a"), F(TEXT_ALL, "b") }, "refused:1002" },
        { "5.19",
          { F(TEXT_MORE, "f1"), F(REST_MORE, "f2"), F(PINGING, "p1"), F(REST_MORE, "f3"),
            F(REST_MORE, "f4"), F(PINGING, "p2"), F(REST_ALL, "f5") },
          "ping:p1 ping:p2 text:f1f2f3f4f5" },
        { "5 binary inside", { F(TEXT_MORE, "a"), F(BINARY_ALL, "b") }, "refused:1002" },
        { "5 binary pieces", { F(0x02, "a"), F(REST_ALL, "b") }, "refused:1003" },
        { "5 empty pieces", { F(TEXT_MORE, ""), F(REST_MORE, ""), F(REST_ALL, "") }, "text:" },
        { "5 empty around",
          { F(TEXT_MORE, ""), F(REST_MORE, "middle"), F(REST_ALL, "") },
          "text:middle" },
        { "5 close between", { F(TEXT_MORE, "a"), F(CLOSING, "\x03\xe8") }, "close:1000:" },
        { "5 twice", { F(TEXT_MORE, "a"), F(REST_ALL, "b"), F(TEXT_ALL, "c") }, "text:ab text:c" },
    };
    CHECK_CASES(cases);
}

#define GREEK     "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
#define SURROGATE "\xed\xa0\x80"

TEST(text_is_utf8_whatever_its_pieces)
{
    static const struct test_case cases[] = {
        { "6.1", { F(TEXT_MORE, ""), F(REST_MORE, ""), F(REST_ALL, "") }, "text:" },
        { "6.2.1", { F(TEXT_ALL, "Hello-" GREEK) }, "text:Hello-" GREEK },
        { "6.2.3 inside characters",
          { F(TEXT_MORE, "\xce"), F(REST_MORE, "\xba\xe1"), F(REST_MORE, "\xbd"),
            F(REST_ALL, "\xb9") },
          "text:\xce\xba\xe1\xbd\xb9" },
        { "6.2 ping inside a character",
          { F(TEXT_MORE, "\xce"), F(PINGING, "\xff"), F(REST_ALL, "\xba") },
          "ping:\xff text:\xce\xba" },
        { "6.3.1", { F(TEXT_ALL, GREEK SURROGATE "edited") }, "refused:1007" },
        { "6.4 at once", { F(TEXT_MORE, GREEK "\xf4\x90\x80"), F(PINGING, "") }, "refused:1007" },
        { "6.4.2",
          { F(TEXT_MORE, GREEK "\xf4"), F(REST_MORE, "\x90"), F(PINGING, "") },
          "refused:1007" },
        { "6.6 unfinished", { F(TEXT_ALL, "\xce\xba\xe1\xbd") }, "refused:1007" },
        { "6.6 unfinished in pieces", { F(TEXT_MORE, "\xce"), F(REST_ALL, "") }, "refused:1007" },
        { "6.6 starts anew",
          { F(TEXT_ALL, "\xce\xba"), F(TEXT_ALL, "\xba") },
          "text:\xce\xba refused:1007" },
        { "6.8 five bytes", { F(TEXT_ALL, "\xf8\x88\x80\x80\x80") }, "refused:1007" },
        { "6.9 last of each length",
          { F(TEXT_ALL, "\x7f"), F(TEXT_ALL, "\xdf\xbf"), F(TEXT_ALL, "\xef\xbf\xbf"),
            F(TEXT_ALL, "\xf4\x8f\xbf\xbf") },
          "text:\x7f text:\xdf\xbf text:\xef\xbf\xbf text:\xf4\x8f\xbf\xbf" },
        { "6.10", { F(TEXT_ALL, "\xf4\x90\x80\x80") }, "refused:1007" },
        { "6.11 around surrogates",
          { F(TEXT_ALL, "\xed\x9f\xbf"), F(TEXT_ALL, "\xee\x80\x80"), F(TEXT_ALL, "\xef\xbf\xbd") },
          "text:\xed\x9f\xbf text:\xee\x80\x80 text:\xef\xbf\xbd" },
        { "6.12 stray", { F(TEXT_ALL, "\x80") }, "refused:1007" },
        { "6.14 lonely start", { F(TEXT_ALL, "\xc3 ") }, "refused:1007" },
        { "6.15", { F(TEXT_ALL, "\xe0\x80") }, "refused:1007" },
        { "6.16 fe", { F(TEXT_ALL, "\xfe") }, "refused:1007" },
        { "6.17 slash in two", { F(TEXT_ALL, "\xc0\xaf") }, "refused:1007" },
        { "6.18 overlong in three", { F(TEXT_ALL, "\xe0\x9f\xbf") }, "refused:1007" },
        { "6.18 overlong in four", { F(TEXT_ALL, "\xf0\x8f\xbf\xbf") }, "refused:1007" },
        { "6.20 surrogates", { F(TEXT_ALL, "\xed\xaf\xbf") }, "refused:1007" },
        { "6.21 pair", { F(TEXT_ALL, "\xed\xa0\x80\xed\xb0\x80") }, "refused:1007" },
        { "6.22 no character", { F(TEXT_ALL, "\xef\xbf\xbe") }, "text:\xef\xbf\xbe" },
        { "6.23 NUL in text", { F(TEXT_ALL, "a\x01") }, "text:a\x01" },
    };
    CHECK_CASES(cases);
}

TEST(every_text_of_up_to_four_bytes_agrees_with_the_check_of_whole_texts)
{
    static const uint8_t edges[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                     0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                     0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff };
    const unsigned n = sizeof edges;
    for (unsigned i = 0; i < n * n * n * n; i++) {
        char bytes[4] = { (char)edges[i % n], (char)edges[i / n % n], (char)edges[i / n / n % n],
                          (char)edges[i / n / n / n] };
        for (size_t len = 1; len <= 4; len++) {
            struct websocket_utf8 utf8 = { 0 };
            bool is_fine = websocket_utf8_add(&utf8, (struct text){ bytes, len });
            is_fine = is_fine && websocket_utf8_is_whole(&utf8);
            if (is_fine != text_is_utf8((struct text){ bytes, len })) CHECK(!"they differ");
        }
    }
}

#define REASON_123                                                                                 \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "12345678901234567890123456789012"

TEST(closes_are_heard_and_their_rules_kept)
{
    static const struct test_case cases[] = {
        { "7.1.1", { F(TEXT_ALL, "a"), F(CLOSING, "\x03\xe8") }, "text:a close:1000:" },
        { "7.3.1 no code", { F(CLOSING, "") }, "close:1005:" },
        { "7.3.2 half a code", { F(CLOSING, "\x03") }, "refused:1002" },
        { "7.3.4", { F(CLOSING, "\x03\xe8Hello") }, "close:1000:Hello" },
        { "7.3.5", { F(CLOSING, "\x03\xe8" REASON_123) }, "close:1000:123" },
        { "7.3.6", { F(CLOSING, "\x03\xe8" REASON_123 "x") }, "refused:1002" },
        { "7.5.1", { F(CLOSING, "\x03\xe8" GREEK SURROGATE) }, "refused:1007" },
        { "7.5 unfinished", { F(CLOSING, "\x03\xe8\xce") }, "refused:1007" },
    };
    static const unsigned good[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                     1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999 };
    static const unsigned bad[] = { 0,    1,    999,  1004, 1005, 1006,  1015,
                                    1016, 1100, 2000, 2999, 5000, 32768, 65535 };
    CHECK_CASES(cases);
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool is_good = i < sizeof good / sizeof *good;
        unsigned code = is_good ? good[i] : bad[i - sizeof good / sizeof *good];
        char payload[3] = { (char)(code >> 8), (char)code, 'r' }, wanted[32];
        struct buf bytes = { 0 };
        add_frame(&bytes, CLOSING, (struct text){ payload, 3 });
        (void)snprintf(wanted, sizeof wanted, is_good ? "close:%u:r" : "refused:1002", code);
        check_all_ways("7.7, 7.9", buf_text(&bytes), wanted);
        buf_free(&bytes);
    }
}

TEST(a_frame_that_breaks_a_rule_is_refused_at_its_first_bytes)
{
    static const struct {
        const char *name;
        struct text bytes;
        const char *heard;
    } cases[] = {
        { "unmasked", { "\x81\x05", 2 }, "refused:1002" },
        { "unmasked and empty", { "\x81\x00", 2 }, "refused:1002" },
        { "unmasked ping", { "\x89\x00", 2 }, "refused:1002" },
        { "long ping", { "\x89\xfe", 2 }, "refused:1002" },
        { "very long close", { "\x88\xff", 2 }, "refused:1002" },
        { "16 bits for 125", { "\x81\xfe\x00\x7d\1\2\3\4", 8 }, "refused:1002" },
        { "64 bits for 65535", { "\x81\xff\0\0\0\0\0\0\xff\xff\1\2\3\4", 14 }, "refused:1002" },
        { "64 bits for 5", { "\x81\xff\0\0\0\0\0\0\0\5\1\2\3\4", 14 }, "refused:1002" },
        { "highest bit", { "\x81\xff\x80\0\0\0\0\0\0\0\1\2\3\4", 14 }, "refused:1002" },
        { "nearly all bits",
          { "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4", 14 },
          "refused:1009" },
        { "4 GiB", { "\x81\xff\0\0\0\1\0\0\0\0\1\2\3\4", 14 }, "refused:1009" },
        { "an unfinished head", { "\x81\xfe\x00", 3 }, "" },
        { "a head alone", { "\x81\xfe\x01\x00\1\2\3\4", 8 }, "" },
        { "an HTTP request", { "GET / HTTP/1.1\r\n\r\n", 18 }, "refused:1002" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_all_ways(cases[i].name, cases[i].bytes, cases[i].heard);
}

TEST(a_message_past_its_limit_is_refused_before_it_is_kept)
{
    struct buf bytes = { 0 };
    char *payload = malloc(MESSAGE_BYTES_MAX + 1);
    memset(payload, '*', MESSAGE_BYTES_MAX + 1);
    add_frame(&bytes, TEXT_ALL, (struct text){ payload, MESSAGE_BYTES_MAX + 1 });
    check_all_ways("9 one frame", text_slice(buf_text(&bytes), 0, 14), "refused:1009");
    buf_clear(&bytes);
    for (int i = 0; i < 100; i++) /* 9.3: pieces */
        add_frame(&bytes, i ? 0 : TEXT_MORE, (struct text){ payload, 1024 });
    add_frame(&bytes, PINGING, TEXT("p"));
    add_frame(&bytes, 0, (struct text){ payload, 1 });
    check_all_ways("9 pieces", buf_text(&bytes), "ping:p refused:1009");
    buf_free(&bytes);
    free(payload);
}

TEST(many_small_fragments_make_one_message)
{
    struct buf bytes = { 0 };
    for (int i = 0; i < 50000; i++) add_frame(&bytes, i ? 0 : TEXT_MORE, TEXT("*"));
    add_frame(&bytes, REST_ALL, TEXT("*"));
    check_all_ways("9.3, 10.1", buf_text(&bytes), "text:50001");
    buf_free(&bytes);
}

TEST(between_frames_and_messages_nothing_is_held)
{
    struct websocket_input input = { .message_bytes_max = MESSAGE_BYTES_MAX };
    struct buf bytes = { 0 }, heard = { 0 };
    add_frame(&bytes, TEXT_ALL, TEXT("Hello"));
    feed(&input, buf_text(&bytes), &heard);
    CHECK(input.receipt == NULL && input.message.at == NULL);
    feed(&input, text_slice(buf_text(&bytes), 0, 1), &heard);
    CHECK(input.receipt != NULL);
    feed(&input, text_slice(buf_text(&bytes), 1, 7), &heard);
    CHECK(input.receipt != NULL && input.message.at != NULL);
    feed(&input, text_slice(buf_text(&bytes), 8, 100), &heard);
    CHECK(input.receipt == NULL && input.message.at == NULL);
    CHECK_TEXT(buf_text(&heard), "text:Hello text:Hello");
    CHECK_U32(websocket_input_held_bytes(&input), 0);
    buf_free(&bytes);
    buf_free(&heard);
}

TEST(noise_never_does_more_than_being_refused)
{
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        struct websocket_input input = { .message_bytes_max = 200 };
        struct buf heard = { 0 };
        char noise[64];
        for (size_t j = 0; j < sizeof noise; j++) {
            seed = seed * 1103515245U + 12345U;
            noise[j] = (char)(seed >> 16);
        }
        noise[0] = (char)(0x81 + (i & 1 ? 8 : 0)); /* so that more of them get far */
        noise[1] = (char)(0x80 | (noise[1] & 0x1f));
        feed(&input, (struct text){ noise, sizeof noise }, &heard);
        websocket_input_drop(&input);
        buf_free(&heard);
    }
}
