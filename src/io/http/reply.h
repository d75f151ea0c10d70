/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h - a response as bytes. Pure.
 * Promise  a header whose name or value could split the response, or that we write ourselves, is
 *          left out: what others typed never frames our bytes. */
#ifndef IO_HTTP_REPLY_H
#define IO_HTTP_REPLY_H

#include "base/buf.h"
#include "io/http/server.h"

struct http_answer {
    unsigned status;
    struct http_headers headers;
    struct text body;
    bool is_head; /* the request was HEAD: the length is told, the body is not sent */
    bool closes, is_1_0;
    bool upgrades;       /* status 101 */
    bool is_without_end; /* its body follows, until the connection closes */
};

/* The Date line, made once a second; zeroed when new. */
struct http_reply_date {
    uint64_t second;
    char line[40];
};

void http_reply_write(struct buf *out, const struct http_answer *reply,
                      struct http_reply_date *date, uint64_t utc_ms);

#endif
