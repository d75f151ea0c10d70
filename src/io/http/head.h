/* SPDX-License-Identifier: Apache-2.0 */
/* head.h - the strict rules of a request's head: lines as raw bytes, then what the headers mean
 * together. Each check tells status 0 when there is nothing to say.
 * Pure     no state, no memory.
 * Source   RFC 9112 sections 2 to 6, RFC 9110 5.5, 5.6.2, 7.2, 10.1.1. */
#ifndef IO_HTTP_HEAD_H
#define IO_HTTP_HEAD_H

#include "io/http/server.h"

enum { HTTP_TARGET_BYTES_MAX = 8192 };

struct http_refusal {
    unsigned status; /* 0: none; 400, 413, 414, 417, 431, 501, 505 */
    const char *words;
};

bool http_is_token(struct text name);
bool http_is_field_value(struct text value); /* no control characters but the tab */

/* Lines without their CR LF. */
struct http_refusal http_check_request_line(struct text line);
struct http_refusal http_check_header_line(struct text line);
struct http_refusal http_check_chunk_line(struct text line);

struct http_meaning { /* how the body is framed */
    bool has_length, is_chunked, wants_continue;
    uint64_t length;
};
struct http_refusal http_check_head(struct text method, struct text target,
                                    const struct http_headers *headers, bool is_1_0,
                                    uint32_t body_bytes_max, struct http_meaning *out);
/* The path and the query of a target that passed http_check_head(). */
struct text http_target_path(struct text target, struct text *query);

#endif
