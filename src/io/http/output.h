/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - what a server put out, read as one response after the other; for client_plain.c.
 * Pure     no clock, no I/O; memory only in the scope handed in. */
#ifndef IO_HTTP_OUTPUT_H
#define IO_HTTP_OUTPUT_H

#include "base/scope.h"

struct http_output;

enum http_output_state { HTTP_OUTPUT_HEAD, HTTP_OUTPUT_BODY, HTTP_OUTPUT_DONE, HTTP_OUTPUT_WRONG };

/* `on_body` hears the body piece by piece. */
struct http_output *http_output_new(struct scope *owner, uint32_t header_bytes_max,
                                    void (*on_body)(void *self, struct text bytes), void *self);
/* A response is expected; `is_head`: one without a body. */
void http_output_begin(struct http_output *output, bool is_head);
enum http_output_state http_output_add(struct http_output *output, struct text bytes);
enum http_output_state http_output_end(struct http_output *output); /* the server closed */
unsigned http_output_status(const struct http_output *output);      /* 0: not yet known */
bool http_output_keeps_alive(const struct http_output *output);

#endif
