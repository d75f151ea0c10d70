/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_record.h"

#include "app/log_spool.h"
#include "format/msgpack.h"
#include "gen/messages.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 16384, /* of the message's field */ IXN_BYTES_MAX = 128 };

static bool is_clean(struct text in)
{
    return text_is_utf8(in) && text_find(in, '\0', 0) == SIZE_MAX;
}

/* Well-formed text without NUL, at most `bytes_max` of it, whole characters. */
static struct text clean(struct scope *scope, struct text in, size_t bytes_max)
{
    if (in.len > bytes_max) {
        size_t len = bytes_max;
        while (len > 0 && ((unsigned char)in.at[len] & 0xC0) == 0x80) len--;
        in = text_slice(in, 0, len);
    }
    if (is_clean(in)) return in;
    char *out = scope_alloc(scope, in.len);
    for (size_t i = 0; i < in.len;) {
        size_t len = 1;
        while (len < 4 && len < in.len - i && !is_clean(text_slice(in, i, len))) len++;
        bool is_whole = is_clean(text_slice(in, i, len));
        if (is_whole) memcpy(out + i, in.at + i, len);
        if (!is_whole) out[i] = '?';
        i += is_whole ? len : 1;
    }
    return (struct text){ out, in.len };
}

static bool is_value_clean(const struct value *value, int depth);

static bool are_pairs_clean(const struct kv *pairs, int depth)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        if (!is_clean(pairs->at[i].name) || !is_value_clean(&pairs->at[i].value, depth))
            return false;
    return true;
}

static bool is_value_clean(const struct value *value, int depth)
{
    if (depth > 16) return false;
    if (value->kind == VALUE_TEXT) return is_clean(value->text);
    if (value->kind == VALUE_KV) return are_pairs_clean(&value->pairs, depth + 1);
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->items.count; i++)
        if (!is_value_clean(&value->items.at[i], depth + 1)) return false;
    return true;
}

static struct kv clean_pairs(struct scope *scope, const struct kv *pairs)
{
    struct kv out = { scope_alloc_array(scope, pairs->count, sizeof *out.at), 0 };
    for (uint32_t i = 0; i < pairs->count; i++)
        if (is_clean(pairs->at[i].name) && is_value_clean(&pairs->at[i].value, 0))
            out.at[out.count++] = pairs->at[i];
    return out;
}

void log_record_encode(const struct log_record *record, uint32_t pid, struct buf *out)
{
    struct scope *scratch = scope_new(NULL, "log record", SCOPE_NO_LIMIT);
    struct control_log_record fields = {
        .head.has = CONTROL_LOG_RECORD_HAS_ID | CONTROL_LOG_RECORD_HAS_TIME |
                    CONTROL_LOG_RECORD_HAS_PRIORITY | CONTROL_LOG_RECORD_HAS_CATEGORY |
                    CONTROL_LOG_RECORD_HAS_TEXT,
        .id = text_of(record->event->id),
        .time = record->utc_us,
        .priority = (uint32_t)record->event->level + 1, /* framework 8.1 */
        .category = (uint32_t)record->event->category,
        .text = clean(scratch, record->text, TEXT_BYTES_MAX),
        .ixn = clean(scratch, record->ixn, IXN_BYTES_MAX),
        .attributes = clean_pairs(scratch, &record->attributes),
    };
    if (pid != 0) {
        fields.head.has |= CONTROL_LOG_RECORD_HAS_PID;
        fields.pid = pid;
    }
    if (fields.ixn.len > 0) fields.head.has |= CONTROL_LOG_RECORD_HAS_IXN;
    if (fields.attributes.count > 0) fields.head.has |= CONTROL_LOG_RECORD_HAS_ATTRIBUTES;
    msgpack_encode(out, &SHAPE_CONTROL_LOG_RECORD, &fields);
    if (out->len > LOG_SPOOL_FRAME_BYTES_MAX) {
        buf_clear(out);
        fields.head.has &= ~CONTROL_LOG_RECORD_HAS_ATTRIBUTES;
        msgpack_encode(out, &SHAPE_CONTROL_LOG_RECORD, &fields);
    }
    scope_close(scratch);
}

enum err log_record_check(struct text bytes)
{
    void *fields;
    if (bytes.len == 0 || bytes.len > LOG_SPOOL_FRAME_BYTES_MAX) return ERR_LIMIT;
    struct scope *scratch = scope_new(NULL, "log record", SCOPE_NO_LIMIT);
    enum err err = msgpack_decode(bytes, &SHAPE_CONTROL_LOG_RECORD, scratch, &fields, NULL);
    scope_close(scratch);
    return err;
}
