/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - the bytes of one connection in, its requests out, one after the other.
 * Promise  strict where http-parser is not (dependencies.md): every line is checked as raw bytes
 *          before http-parser sees it. What is refused stays refused: the connection ends.
 * Pure     no clock, no I/O; memory only in its buffers and in the scope handed in.
 * Bounds   one request is kept in header_bytes_max + body_bytes_max (or body_limit), whatever the
 * peer sends; the owner bounds what comes behind it (http_input_behind_bytes). */
#ifndef IO_HTTP_INPUT_H
#define IO_HTTP_INPUT_H

#include "io/http/head.h"

enum { HTTP_HEADERS_MAX = 100, HTTP_CHUNK_LINE_BYTES_MAX = 256 };

struct http_limits {
    uint32_t header_bytes_max, body_bytes_max;
    /* Of a request whose head is read: instead of body_bytes_max. NULL: there is none. */
    uint32_t (*body_limit)(void *self, const struct http_request *head);
    void *self;
};

enum http_progress {
    HTTP_PROGRESS_EMPTY,    /* nothing begun */
    HTTP_PROGRESS_MORE,     /* a request has begun */
    HTTP_PROGRESS_CONTINUE, /* the same, and the client waits for "100 Continue"; told once */
    HTTP_PROGRESS_REQUEST,  /* one is complete */
    HTTP_PROGRESS_REFUSED,  /* see http_input_refusal() */
};

struct http_input;

struct http_input *http_input_new(struct scope *owner, const struct http_limits *limits);
/* While a request is out (from HTTP_PROGRESS_REQUEST to http_input_next) bytes queue behind it. */
void http_input_add(struct http_input *input, struct text bytes);
/* Fills all of `out` but its peer when a request is complete; its views live until
 * http_input_next(). The header list lies in `scope`, to be emptied only between requests. */
enum http_progress http_input_read(struct http_input *input, struct scope *scope,
                                   struct http_request *out);
void http_input_next(struct http_input *input);
struct http_refusal http_input_refusal(const struct http_input *input);
bool http_input_keeps_alive(const struct http_input *input); /* of the request read last */
bool http_input_is_1_0(const struct http_input *input);      /* the same */
size_t http_input_behind_bytes(const struct http_input *input);
size_t http_input_held_bytes(const struct http_input *input); /* memory taken by its buffers */

#endif
