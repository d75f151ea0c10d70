/* SPDX-License-Identifier: Apache-2.0 */
/* rest_stream.h - server-sent events of the REST: what all streams share. A stream ends with its
 * session, when its client goes or does not read, and when web stops; its client comes back by
 * itself. Each question is asked for the stream's person, so nobody hears of what she may not read.
 */
#ifndef SERVERS_WEB_REST_STREAM_H
#define SERVERS_WEB_REST_STREAM_H

#include "io/http/event_stream.h"
#include "servers/web/rest.h"

struct rest_stream {
    struct list node; /* in web->streams */
    struct scope *life;
    struct web *web;
    const struct rest_stream_kind *kind;
    struct event_stream *out;
    struct session *session;
    struct text tenant, person;
    uint64_t slot, beat_mono_ms;
    struct timer *timer;
    bool is_asking;
    void *self; /* of its kind, in `life` */
};

struct rest_stream_kind {
    void (*begin)(struct rest_stream *stream, const struct rest_question *question);
    void (*on_timer)(struct rest_stream *stream);
};

/* Answers the call with a stream, or refuses it. */
void rest_stream_open(struct rest_call *call, const struct rest_stream_kind *kind);
/* False: the stream is gone. `data` is one JSON value; `id` may be empty. */
bool rest_stream_send(struct rest_stream *stream, const char *event, struct text id,
                      struct text data);
/* `on_reply` comes once, unless the stream has gone meanwhile. One question at a time. */
void rest_stream_ask(struct rest_stream *stream, const struct msg *msg, const void *fields,
                     uint64_t deadline_ms,
                     void (*on_reply)(struct rest_stream *stream, const struct link_error *error,
                                      const void *fields));

extern const struct rest_stream_kind rest_stream_changes, rest_stream_status, rest_stream_alarms;

#endif
