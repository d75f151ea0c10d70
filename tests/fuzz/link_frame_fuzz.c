/* SPDX-License-Identifier: Apache-2.0 */
/* link_frame_fuzz.c - frames of links, every message of the catalogue.
 * What a frame holds is encoded to what decodes to the same, unknown fields along with it. */
#include "tests/fuzz/fuzz.h"

#include "base/catalogue.h"
#include "format/msgpack.h"
#include "io/link/frame.h"

static bool decode_frame(struct text body, struct scope *scope, struct frame *frame,
                         struct link_header *header, const struct msg **msg, void **fields)
{
    struct fault fault = { 0 };
    enum err err = frame_parse(body, frame);
    if (err) return false;
    FUZZ_CHECK(frame->header.len + frame->fields.len < body.len);
    err = frame_decode_header(frame->header, scope, header, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        return false;
    }
    *msg = frame->number <= UINT32_MAX ? msg_find((uint32_t)frame->number) : NULL;
    if (*msg == NULL) return false;
    FUZZ_CHECK((*msg)->number == frame->number);
    err = msgpack_decode(frame->fields, (*msg)->shape, scope, fields, &fault);
    if (err) fuzz_check_fault(err, &fault);
    return err == ERR_OK;
}

static void check_frame(struct text body)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct frame frame, second;
    struct link_header header, header_second;
    const struct msg *msg, *msg_second;
    void *fields, *fields_second;
    if (decode_frame(body, scope, &frame, &header, &msg, &fields)) {
        struct buf once = { 0 }, twice = { 0 };
        FUZZ_CHECK(shape_check(msg->shape, fields, NULL) == ERR_OK);
        frame_encode(&once, msg, frame.ref, &header, fields);
        FUZZ_CHECK(frame_length(buf_text(&once)) == once.len - FRAME_PREFIX_BYTES);
        FUZZ_CHECK(decode_frame(text_slice(buf_text(&once), FRAME_PREFIX_BYTES, SIZE_MAX), scope,
                                &second, &header_second, &msg_second, &fields_second));
        FUZZ_CHECK(msg_second == msg && second.ref == frame.ref);
        FUZZ_CHECK(text_eq(header_second.trace_id, header.trace_id) &&
                   text_eq(header_second.idempotency_key, header.idempotency_key) &&
                   text_eq(header_second.tenant, header.tenant) &&
                   text_eq(header_second.person, header.person) &&
                   header_second.deadline_ms == header.deadline_ms);
        frame_encode(&twice, msg, second.ref, &header_second, fields_second);
        FUZZ_CHECK(text_eq(buf_text(&once), buf_text(&twice)));
        buf_free(&once);
        buf_free(&twice);
    }
    scope_close(scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    while (in.len >= FRAME_PREFIX_BYTES) {
        uint32_t len = frame_length(in);
        in = text_slice(in, FRAME_PREFIX_BYTES, SIZE_MAX);
        check_frame(text_slice(in, 0, len));
        in = text_slice(in, len, SIZE_MAX);
    }
    return 0;
}
