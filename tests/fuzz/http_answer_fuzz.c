/* SPDX-License-Identifier: Apache-2.0 */
/* http_answer_fuzz.c - what receivers of notifications answer.
 * The same status and body however the bytes are cut, and a body without its end is none. The
 * first byte: 1 answers a HEAD. */
#include "tests/fuzz/fuzz.h"

#include "io/http/output.h"

enum { HEADER_BYTES_MAX = 65536, BYTES_MAX = 16384 };

struct answer {
    struct scope *scope;
    struct http_output *output;
    struct buf body;
    enum http_output_state state;
};

static void on_body(void *self, struct text bytes)
{
    struct answer *answer = self;
    buf_add(&answer->body, bytes);
}

static void begin(struct answer *answer, bool is_head)
{
    *answer = (struct answer){ .scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX) };
    answer->output = http_output_new(answer->scope, HEADER_BYTES_MAX, on_body, answer);
    http_output_begin(answer->output, is_head);
}

static void add(struct answer *answer, struct text bytes)
{
    enum http_output_state before = answer->state;
    answer->state = http_output_add(answer->output, bytes);
    FUZZ_CHECK(answer->state >= before);
    FUZZ_CHECK(before != HTTP_OUTPUT_WRONG || answer->state == HTTP_OUTPUT_WRONG);
    unsigned status = http_output_status(answer->output);
    FUZZ_CHECK(status == 0 || (status >= 200 && status < 1000));
    if (answer->state == HTTP_OUTPUT_BODY || answer->state == HTTP_OUTPUT_DONE)
        FUZZ_CHECK(status != 0);
    if (answer->state == HTTP_OUTPUT_HEAD) FUZZ_CHECK(status == 0 && answer->body.len == 0);
}

static void end(struct answer *answer)
{
    buf_free(&answer->body);
    scope_close(answer->scope);
}

static bool is_blank(struct text in)
{
    for (size_t i = 0; i < in.len; i++)
        if (in.at[i] != '\r' && in.at[i] != '\n') return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > BYTES_MAX) return 0;
    struct text in = fuzz_text(data + 1, size - 1), rest = in;
    struct random random = fuzz_random(in);
    bool is_head = data[0] == 1;
    struct answer whole, cut;
    begin(&whole, is_head);
    begin(&cut, is_head);
    add(&whole, in);
    while (rest.len > 0 && cut.state < HTTP_OUTPUT_DONE) {
        struct text piece = fuzz_piece(&random, &rest);
        add(&cut, piece);
        fuzz_free(piece);
    }
    FUZZ_CHECK(text_eq(buf_text(&whole.body), buf_text(&cut.body)));
    FUZZ_CHECK(http_output_status(whole.output) == http_output_status(cut.output));
    FUZZ_CHECK(whole.body.len <= in.len && (!is_head || whole.body.len == 0));
    /* Behind its end the whole one was read on: blank lines are passed over, all else is wrong. */
    bool is_same = whole.state == cut.state;
    FUZZ_CHECK(is_same || (cut.state == HTTP_OUTPUT_DONE && rest.len > 0));
    if (!is_same) FUZZ_CHECK(whole.state == HTTP_OUTPUT_WRONG && !is_blank(rest));
    if (whole.state < HTTP_OUTPUT_DONE) {
        enum http_output_state last = http_output_end(whole.output);
        FUZZ_CHECK(last == http_output_end(cut.output));
        FUZZ_CHECK(last == HTTP_OUTPUT_DONE || last == HTTP_OUTPUT_WRONG);
    }
    end(&whole);
    end(&cut);
    return 0;
}
