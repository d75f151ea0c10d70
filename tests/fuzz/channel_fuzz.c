/* SPDX-License-Identifier: Apache-2.0 */
/* channel_fuzz.c - frames between outbound and its HTTP Proxy.
 * Alike however they are cut, and put together again the same bytes. Requests and answers in them
 * that can be read are written as what is read the same. */
#include "tests/fuzz/fuzz.h"

#include "format/msgpack.h"
#include "servers/outbound/http_proxy/channel.h"
#include "servers/outbound/http_proxy/exchange.h"

struct reading {
    struct channel_reader reader;
    struct buf told, again; /* frames as text; frames put together */
    enum err err;
};

static void check_request(struct text payload)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct exchange_request request, again;
    struct kv body, body_again;
    struct buf bytes = { 0 };
    if (exchange_read_request(payload, &request) == ERR_OK &&
        msgpack_decode_kv(request.pairs, scope, &body, NULL) == ERR_OK) {
        exchange_put_request(&bytes, &request, &body);
        FUZZ_CHECK(exchange_read_request(buf_text(&bytes), &again) == ERR_OK);
        FUZZ_CHECK(again.route == request.route && text_eq(again.identifier, request.identifier));
        FUZZ_CHECK(text_eq(again.idempotency_key, request.idempotency_key));
        FUZZ_CHECK(msgpack_decode_kv(again.pairs, scope, &body_again, NULL) == ERR_OK);
        FUZZ_CHECK(fuzz_same_kv(&body, &body_again));
    }
    buf_free(&bytes);
    scope_close(scope);
}

static void check_answer(struct text payload)
{
    struct exchange_answer answer, again;
    struct buf bytes = { 0 };
    if (exchange_read_answer(payload, &answer) == ERR_OK) {
        FUZZ_CHECK(answer.status >= 200 && answer.status <= 599);
        exchange_put_answer(&bytes, &answer);
        FUZZ_CHECK(exchange_read_answer(buf_text(&bytes), &again) == ERR_OK);
        FUZZ_CHECK(again.status == answer.status && text_eq(again.etag, answer.etag) &&
                   text_eq(again.body, answer.body));
    }
    buf_free(&bytes);
}

static void read_on(struct reading *reading)
{
    struct channel_frame frame;
    while ((reading->err = channel_reader_next(&reading->reader, &frame)) == ERR_OK) {
        FUZZ_CHECK(frame.type >= CHANNEL_CONFIG && frame.type <= CHANNEL_STOP);
        FUZZ_CHECK(frame.payload.len <= CHANNEL_FRAME_BYTES_MAX);
        buf_format(&reading->told, "%d %u %zu=", (int)frame.type, frame.transaction,
                   frame.payload.len);
        buf_add(&reading->told, frame.payload);
        FUZZ_CHECK(channel_put(&reading->again, frame.type, frame.transaction, frame.payload) ==
                   ERR_OK);
        if (frame.type == CHANNEL_REQUEST) check_request(frame.payload);
        if (frame.type == CHANNEL_RESPONSE) check_answer(frame.payload);
    }
    if (reading->err != ERR_UNAVAILABLE) {
        enum err err = channel_reader_next(&reading->reader, &frame);
        FUZZ_CHECK(err == reading->err && err != ERR_OK); /* for good */
    }
}

static void end(struct reading *reading)
{
    channel_reader_free(&reading->reader);
    buf_free(&reading->told);
    buf_free(&reading->again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), rest = in;
    struct random random = fuzz_random(in);
    struct reading whole = { 0 }, cut = { 0 };
    channel_reader_add(&whole.reader, in);
    read_on(&whole);
    while (rest.len > 0 && (cut.err == ERR_OK || cut.err == ERR_UNAVAILABLE)) {
        struct text piece = fuzz_piece(&random, &rest);
        channel_reader_add(&cut.reader, piece);
        fuzz_free(piece);
        read_on(&cut);
    }
    FUZZ_CHECK(text_eq(buf_text(&whole.told), buf_text(&cut.told)));
    FUZZ_CHECK(whole.err == cut.err || size == 0);
    FUZZ_CHECK(text_starts(in, buf_text(&whole.again)));
    end(&whole);
    end(&cut);
    return 0;
}
