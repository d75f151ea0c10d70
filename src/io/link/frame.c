/* SPDX-License-Identifier: Apache-2.0 */
#include "io/link/frame.h"

#include "format/msgpack.h"
#include "gen/messages.h"

static const struct {
    uint64_t bit;
    size_t in_header, in_envelope;
} header_texts[] = {
    { LINK_ENVELOPE_HAS_TRACE_ID, offsetof(struct link_header, trace_id),
      offsetof(struct link_envelope, trace_id) },
    { LINK_ENVELOPE_HAS_IDEMPOTENCY_KEY, offsetof(struct link_header, idempotency_key),
      offsetof(struct link_envelope, idempotency_key) },
    { LINK_ENVELOPE_HAS_TENANT, offsetof(struct link_header, tenant),
      offsetof(struct link_envelope, tenant) },
    { LINK_ENVELOPE_HAS_PERSON, offsetof(struct link_header, person),
      offsetof(struct link_envelope, person) },
    { LINK_ENVELOPE_HAS_APPLICATION, offsetof(struct link_header, application),
      offsetof(struct link_envelope, application) },
    { LINK_ENVELOPE_HAS_ADDRESS, offsetof(struct link_header, address),
      offsetof(struct link_envelope, address) },
};
enum { HEADER_TEXTS = sizeof header_texts / sizeof header_texts[0] };

static struct text *text_at(void *object, size_t offset)
{
    return (struct text *)(void *)((char *)object + offset);
}

static void encode_header(struct buf *out, const struct link_header *header)
{
    struct link_header present = header ? *header : (struct link_header){ 0 };
    struct link_envelope envelope = { .deadline = present.deadline_ms };
    if (present.deadline_ms) envelope.head.has |= LINK_ENVELOPE_HAS_DEADLINE;
    for (size_t i = 0; i < HEADER_TEXTS; i++) {
        struct text value = *text_at(&present, header_texts[i].in_header);
        if (value.len == 0) continue;
        *text_at(&envelope, header_texts[i].in_envelope) = value;
        envelope.head.has |= header_texts[i].bit;
    }
    msgpack_encode(out, MSG_LINK_ENVELOPE.shape, &envelope);
}

void frame_encode(struct buf *out, const struct msg *msg, uint64_t ref,
                  const struct link_header *header, const void *fields)
{
    size_t start = out->len;
    buf_add(out, TEXT("\0\0\0\0"));
    msgpack_put_array(out, 4);
    msgpack_put_u64(out, msg->number);
    msgpack_put_u64(out, ref);
    encode_header(out, header);
    msgpack_encode(out, msg->shape, fields);
    size_t len = out->len - start - FRAME_PREFIX_BYTES;
    for (size_t i = 0; i < FRAME_PREFIX_BYTES; i++)
        out->at[start + i] = (char)(len >> (8 * (FRAME_PREFIX_BYTES - 1 - i)));
}

uint32_t frame_length(struct text prefix)
{
    uint32_t len = 0;
    for (size_t i = 0; i < FRAME_PREFIX_BYTES; i++) len = len << 8 | (unsigned char)prefix.at[i];
    return len;
}

enum err frame_parse(struct text body, struct frame *out)
{
    struct msgpack_reader reader = msgpack_reader(body);
    uint32_t count = msgpack_get_array(&reader);
    struct frame frame = { .number = msgpack_get_u64(&reader), .ref = msgpack_get_u64(&reader) };
    bool is_header = msgpack_peek(&reader) == MSGPACK_MAP;
    frame.header = msgpack_get_raw(&reader);
    bool is_fields = msgpack_peek(&reader) == MSGPACK_MAP;
    frame.fields = msgpack_get_raw(&reader);
    if (count != 4 || !is_header || !is_fields || !msgpack_is_done(&reader)) return ERR_INVALID;
    *out = frame;
    return ERR_OK;
}

enum err frame_decode_header(struct text header, struct scope *scope, struct link_header *out,
                             struct fault *fault)
{
    void *decoded;
    enum err err = msgpack_decode(header, MSG_LINK_ENVELOPE.shape, scope, &decoded, fault);
    if (err) return err;
    struct link_envelope *envelope = decoded;
    *out = (struct link_header){ .deadline_ms = envelope->deadline };
    for (size_t i = 0; i < HEADER_TEXTS; i++)
        *text_at(out, header_texts[i].in_header) = *text_at(envelope, header_texts[i].in_envelope);
    return ERR_OK;
}
