/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/event_stream.h"

#include "base/buf.h"
#include "io/http/upgrade.h"

struct event_stream {
    struct http_upgraded to;
    void (*on_close)(void *self);
    void *self;
    bool is_over;
};

static void on_bytes(void *self, struct text bytes)
{
    (void)self;
    (void)bytes; /* nothing can be asked while the answer goes on */
}

static void on_closed(void *self, enum err why)
{
    struct event_stream *stream = self;
    (void)why;
    if (stream->is_over) return;
    stream->is_over = true;
    http_upgraded_end(stream->to.connection);
    stream->on_close(stream->self);
}

static const struct stream_handler stream_handler = { .on_bytes = on_bytes,
                                                      .on_closed = on_closed };

struct event_stream *event_stream_begin(struct http_exchange *exchange,
                                        const struct http_headers *headers,
                                        void (*on_close)(void *self), void *self)
{
    struct scope *scope = http_exchange_scope(exchange);
    const struct http_headers none = { 0 };
    if (!http_exchange_may_upgrade(exchange)) {
        http_refuse(exchange, 400, "the request has a body, or bytes behind it", &none);
        return NULL;
    }
    struct http_header *all = scope_alloc_array(scope, headers->count + 1, sizeof *all);
    for (size_t i = 0; i < headers->count; i++) all[i] = headers->at[i];
    all[headers->count] =
        (struct http_header){ TEXT("Content-Type"), TEXT("text/event-stream; charset=utf-8") };
    struct http_headers sent = { all, headers->count + 1 };
    struct http_upgraded to = http_stream_on(exchange, &sent);
    struct event_stream *stream = scope_alloc(to.life, sizeof *stream);
    *stream = (struct event_stream){ .to = to, .on_close = on_close, .self = self };
    stream_set_handler(to.stream, &stream_handler, stream);
    return stream;
}

static void add_field(struct buf *out, const char *name, struct text value)
{
    buf_add_z(out, name);
    buf_add(out, TEXT(": "));
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.at[i];
        bool is_pair = byte == '\r' && i + 1 < value.len && value.at[i + 1] == '\n';
        if (is_pair) continue;
        if (byte != '\n' && byte != '\r') {
            buf_add_byte(out, byte);
            continue;
        }
        buf_format(out, "\n%s: ", name);
    }
    buf_add_byte(out, '\n');
}

enum err event_stream_send(struct event_stream *stream, struct text event, struct text id,
                           struct text data)
{
    struct buf out = { 0 };
    if (stream->is_over) return ERR_CLOSED;
    if (stream_unsent(stream->to.stream) > EVENT_STREAM_UNSENT_MAX) return ERR_LIMIT;
    if (id.len) add_field(&out, "id", id);
    add_field(&out, "event", event);
    add_field(&out, "data", data);
    buf_add_byte(&out, '\n');
    stream_write(stream->to.stream, buf_text(&out));
    buf_free(&out);
    return ERR_OK;
}

void event_stream_comment(struct event_stream *stream, struct text words)
{
    struct buf out = { 0 };
    if (stream->is_over || stream_unsent(stream->to.stream) > 0) return;
    add_field(&out, "", words);
    buf_add_byte(&out, '\n');
    stream_write(stream->to.stream, buf_text(&out));
    buf_free(&out);
}

void event_stream_close(struct event_stream *stream)
{
    if (stream->is_over) return;
    stream->is_over = true;
    stream_finish(stream->to.stream);
    http_upgraded_end(stream->to.connection);
}
