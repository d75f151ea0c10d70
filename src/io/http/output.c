/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/output.h"

#include "io/http/parser.h"

struct http_output {
    struct http_grammar *grammar;
    uint32_t header_bytes_max;
    size_t bytes; /* before the body */
    bool is_head;
    enum http_output_state state;
    struct http_grammar_head head;
    void (*on_body)(void *self, struct text bytes);
    void *self;
};

static void ignore_text(void *self, struct text text)
{
    (void)self;
    (void)text;
}

static void ignore_chunk(void *self, uint64_t bytes)
{
    (void)self;
    (void)bytes;
}

/* Of a second response, unasked, the first byte is enough: the rest may come when the connection
 * has been kept for another request. */
static void on_begin(void *self)
{
    struct http_output *output = self;
    if (output->state != HTTP_OUTPUT_HEAD) output->state = HTTP_OUTPUT_WRONG;
}

static bool on_head(void *self, const struct http_grammar_head *head)
{
    struct http_output *output = self;
    if (output->state == HTTP_OUTPUT_HEAD && head->status >= 200) { /* not: 100 Continue */
        output->head = *head;
        output->state = HTTP_OUTPUT_BODY;
    }
    return output->is_head;
}

static void on_body(void *self, struct text bytes)
{
    struct http_output *output = self;
    if (output->state == HTTP_OUTPUT_BODY) output->on_body(output->self, bytes);
}

static void on_end(void *self)
{
    struct http_output *output = self;
    if (output->state == HTTP_OUTPUT_BODY) output->state = HTTP_OUTPUT_DONE;
}

static const struct http_grammar_handler handler = {
    .on_begin = on_begin,
    .on_target = ignore_text,
    .on_name = ignore_text,
    .on_value = ignore_text,
    .on_head = on_head,
    .on_chunk = ignore_chunk,
    .on_body = on_body,
    .on_end = on_end,
};

struct http_output *http_output_new(struct scope *owner, uint32_t header_bytes_max,
                                    void (*body)(void *self, struct text bytes), void *self)
{
    struct http_output *output = scope_alloc(owner, sizeof *output);
    output->header_bytes_max = header_bytes_max;
    output->on_body = body;
    output->self = self;
    output->grammar = http_grammar_new(owner, true, &handler, output);
    return output;
}

void http_output_begin(struct http_output *output, bool is_head)
{
    output->is_head = is_head;
    output->state = HTTP_OUTPUT_HEAD;
    output->bytes = 0;
    output->head = (struct http_grammar_head){ 0 };
    http_grammar_restart(output->grammar);
}

enum http_output_state http_output_add(struct http_output *output, struct text bytes)
{
    if (output->state >= HTTP_OUTPUT_DONE) return output->state = HTTP_OUTPUT_WRONG;
    if (output->state == HTTP_OUTPUT_HEAD) output->bytes += bytes.len;
    if (http_grammar_feed(output->grammar, bytes) != HTTP_GRAMMAR_FITS)
        output->state = HTTP_OUTPUT_WRONG;
    if (output->state == HTTP_OUTPUT_HEAD && output->bytes > output->header_bytes_max)
        output->state = HTTP_OUTPUT_WRONG;
    return output->state;
}

enum http_output_state http_output_end(struct http_output *output)
{
    if (!http_grammar_end(output->grammar) || output->state != HTTP_OUTPUT_DONE)
        output->state = HTTP_OUTPUT_WRONG;
    return output->state;
}

unsigned http_output_status(const struct http_output *output)
{
    return output->head.status;
}

bool http_output_keeps_alive(const struct http_output *output)
{
    return output->head.keeps_alive;
}
