/* SPDX-License-Identifier: Apache-2.0 */
/* A head is collected line by line, each checked as raw bytes; the whole head goes to http-parser;
 * then the body is counted or unchunked in place. Start reading at http_input_read(). */
#include "io/http/input.h"

#include "base/buf.h"
#include "io/http/parser.h"

#include <string.h>

enum step {
    STEP_HEAD,
    STEP_BODY,
    STEP_CHUNK_LINE,
    STEP_CHUNK_DATA,
    STEP_CHUNK_END,
    STEP_TRAILER,
    STEP_READY,
    STEP_REFUSED
};

enum { KEPT_BYTES_MAX = 16 * 1024 }; /* a longer buffer is given back between requests */

struct part { /* of the message: the buffer may move until the message is complete */
    uint32_t from, len;
};

struct part_pair {
    struct part name, value;
};

struct head { /* of the request that is read or out */
    struct part method, target;
    struct part_pair *headers; /* in the caller's scope, as is: */
    struct http_header *list;  /* the same as views into a message at list_at */
    const char *list_at;
    uint32_t header_count;
    struct http_grammar_head grammar;
    struct http_meaning meaning;
};

struct head_reading { /* while http-parser reads a head */
    const char *base;
    struct part target;
    uint32_t count;
    bool has_ended, is_too_many;
    struct part_pair headers[HTTP_HEADERS_MAX];
};

struct http_input {
    struct http_limits limits;
    struct http_grammar *grammar;
    struct buf bytes, behind;
    size_t from; /* of the message, in `bytes`; the other places are counted from there */
    size_t at;   /* understood so far */
    size_t line_count;
    size_t body_at, body_len; /* chunks are moved together at body_at */
    size_t chunk_left, trailer_bytes;
    uint32_t body_bytes_max; /* of this message */
    bool has_empty_line;     /* in front of the message */
    enum step step;
    struct head head;
    struct head_reading *reading;
    struct http_refusal refusal;
};

/* --- small things --- */

static enum http_progress refuse(struct http_input *input, unsigned status, const char *words)
{
    input->step = STEP_REFUSED;
    input->refusal = (struct http_refusal){ status, words };
    return HTTP_PROGRESS_REFUSED;
}

/* HTTP_PROGRESS_REQUEST in here: this step is done, go on with the next. */
static enum http_progress unless_refused(struct http_input *input, struct http_refusal refusal)
{
    if (refusal.status) return refuse(input, refusal.status, refusal.words);
    return HTTP_PROGRESS_REQUEST;
}

static char *message_at(const struct http_input *input)
{
    return input->bytes.at + input->from;
}

static struct text part_text(const struct http_input *input, struct part part)
{
    return (struct text){ message_at(input) + part.from, part.len };
}

/* What is not yet understood. */
static struct text rest_of(const struct http_input *input)
{
    if (input->bytes.len == 0) return (struct text){ "", 0 };
    size_t from = input->from + input->at;
    return (struct text){ input->bytes.at + from, input->bytes.len - from };
}

/* Feed the understood bytes from `from` on to http-parser. */
static enum http_grammar_verdict feed(struct http_input *input, size_t from)
{
    struct text bytes = { message_at(input) + from, input->at - from };
    return http_grammar_feed(input->grammar, bytes);
}

enum line { LINE_MISSING, LINE_BARE_LF, LINE_WHOLE };

/* The next line without its CR LF; it counts as understood. Its length is to be judged before its
 * end: of a line in pieces the length is known first. */
static enum line take_line(struct http_input *input, struct text *line)
{
    struct text rest = rest_of(input);
    const char *end = memchr(rest.at, '\n', rest.len);
    if (end == NULL) return LINE_MISSING;
    size_t len = (size_t)(end - rest.at);
    input->at += len + 1;
    if (len == 0 || rest.at[len - 1] != '\r') return LINE_BARE_LF;
    *line = (struct text){ rest.at, len - 1 };
    return LINE_WHOLE;
}

/* --- the head --- */

static enum http_progress refuse_long_head(struct http_input *input)
{
    if (input->line_count == 0) return refuse(input, 414, "the target is too long");
    return refuse(input, 431, "the header is too long");
}

static enum http_progress check_line(struct http_input *input, struct text line)
{
    if (input->line_count == 0) return unless_refused(input, http_check_request_line(line));
    return unless_refused(input, http_check_header_line(line));
}

/* Every line that has come, up to the empty one. */
static enum http_progress check_lines(struct http_input *input)
{
    for (;;) {
        struct text line = { NULL, 0 };
        enum line taken = take_line(input, &line);
        size_t len = input->at + (taken == LINE_MISSING ? rest_of(input).len : 0);
        if (len > input->limits.header_bytes_max) return refuse_long_head(input);
        if (taken == LINE_BARE_LF) return refuse(input, 400, "a line does not end with CR LF");
        if (taken == LINE_MISSING) return HTTP_PROGRESS_MORE;
        if (line.len == 0 && input->line_count > 0) return HTTP_PROGRESS_REQUEST;
        if (check_line(input, line) == HTTP_PROGRESS_REFUSED) return HTTP_PROGRESS_REFUSED;
        input->line_count++;
    }
}

static struct part part_of(const struct head_reading *reading, struct text text)
{
    return (struct part){ (uint32_t)(text.at - reading->base), (uint32_t)text.len };
}

static void on_target(void *self, struct text target)
{
    struct http_input *input = self;
    input->reading->target = part_of(input->reading, target);
}

static void on_name(void *self, struct text name)
{
    struct http_input *input = self;
    struct head_reading *reading = input->reading;
    if (reading == NULL) return; /* a trailer: checked, then dropped */
    reading->is_too_many = reading->count == HTTP_HEADERS_MAX;
    if (reading->is_too_many) return;
    reading->headers[reading->count++] = (struct part_pair){ .name = part_of(reading, name) };
}

static void on_value(void *self, struct text value)
{
    struct http_input *input = self;
    struct head_reading *reading = input->reading;
    if (reading == NULL || reading->is_too_many || reading->count == 0) return;
    reading->headers[reading->count - 1].value = part_of(reading, text_trim(value));
}

static bool on_head(void *self, const struct http_grammar_head *head)
{
    struct http_input *input = self;
    input->head.grammar = *head;
    input->reading->has_ended = true;
    return false;
}

static void on_chunk(void *self, uint64_t bytes)
{
    struct http_input *input = self;
    input->chunk_left = bytes > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)bytes;
}

static void on_body(void *self, struct text bytes)
{
    struct http_input *input = self;
    memmove(message_at(input) + input->body_at + input->body_len, bytes.at, bytes.len);
    input->body_len += bytes.len;
}

static void on_end(void *self)
{
    (void)self; /* our own steps know */
}

/* The headers as views; made anew when the buffer has moved. */
static struct http_headers list_headers(struct http_input *input)
{
    struct head *head = &input->head;
    if (head->list_at != message_at(input)) {
        head->list_at = message_at(input);
        for (uint32_t i = 0; i < head->header_count; i++)
            head->list[i] = (struct http_header){ part_text(input, head->headers[i].name),
                                                  part_text(input, head->headers[i].value) };
    }
    return (struct http_headers){ head->list, head->header_count };
}

static enum http_progress keep_head(struct http_input *input, struct scope *scope,
                                    const struct head_reading *reading)
{
    struct head *head = &input->head;
    struct text method = { message_at(input), 0 };
    (void)text_cut((struct text){ method.at, input->at }, ' ', &method, &(struct text){ 0 });
    head->method = (struct part){ 0, (uint32_t)method.len };
    head->target = reading->target;
    head->header_count = reading->count;
    head->headers = scope_alloc_array(scope, reading->count, sizeof *head->headers);
    memcpy(head->headers, reading->headers, reading->count * sizeof *head->headers);
    head->list = scope_alloc_array(scope, reading->count, sizeof *head->list);
    head->list_at = NULL;
    struct http_headers headers = list_headers(input);
    struct text target = part_text(input, head->target);
    input->body_bytes_max = input->limits.body_bytes_max;
    if (input->limits.body_limit) {
        struct http_request request = { .method = method, .target = target, .headers = headers };
        request.path = http_target_path(target, &request.query);
        input->body_bytes_max = input->limits.body_limit(input->limits.self, &request);
    }
    return unless_refused(input, http_check_head(method, target, &headers, head->grammar.minor == 0,
                                                 input->body_bytes_max, &head->meaning));
}

/* The lines are checked; let http-parser take the head apart. */
static enum http_progress parse_head(struct http_input *input, struct scope *scope)
{
    struct head_reading reading;
    reading.base = message_at(input);
    reading.target = (struct part){ 0, 0 };
    reading.count = 0;
    reading.has_ended = reading.is_too_many = false;
    input->reading = &reading;
    http_grammar_restart(input->grammar);
    enum http_grammar_verdict verdict = feed(input, 0);
    input->reading = NULL;
    if (reading.is_too_many) return refuse(input, 431, "too many header lines");
    if (verdict == HTTP_GRAMMAR_METHOD_UNKNOWN) return refuse(input, 501, "the method is unknown");
    if (verdict == HTTP_GRAMMAR_WRONG || !reading.has_ended)
        return refuse(input, 400, "the header is not well-formed");
    return keep_head(input, scope, &reading);
}

static enum http_progress read_head(struct http_input *input, struct scope *scope)
{
    struct text rest = rest_of(input);
    /* RFC 9112 2.2: one empty line before a request is forgiven; old clients end bodies with it. */
    if (input->at == 0 && !input->has_empty_line && text_starts(rest, TEXT("\r\n"))) {
        input->has_empty_line = true;
        input->from += 2;
        rest = rest_of(input);
    }
    if (input->at == 0 && (rest.len == 0 || (!input->has_empty_line && text_eq(rest, TEXT("\r")))))
        return HTTP_PROGRESS_EMPTY;
    /* TLS and scanners send no line end to wait for. */
    if (input->at == 0 && !http_is_token(text_slice(rest, 0, 1)))
        return refuse(input, 400, "this does not begin like a request");
    enum http_progress progress = check_lines(input);
    if (progress == HTTP_PROGRESS_REQUEST) progress = parse_head(input, scope);
    if (progress != HTTP_PROGRESS_REQUEST) return progress;
    input->body_at = input->at;
    input->body_len = 0;
    if (input->head.meaning.is_chunked)
        input->step = STEP_CHUNK_LINE;
    else
        input->step = input->head.meaning.length ? STEP_BODY : STEP_READY;
    return HTTP_PROGRESS_REQUEST;
}

/* --- the body --- */

static enum http_progress read_body(struct http_input *input)
{
    size_t length = (size_t)input->head.meaning.length;
    if (rest_of(input).len < length) return HTTP_PROGRESS_MORE;
    input->body_len = length;
    input->at += length;
    input->step = STEP_READY;
    return HTTP_PROGRESS_REQUEST;
}

static enum http_progress read_chunk_line(struct http_input *input)
{
    struct text line;
    size_t from = input->at;
    enum line taken = take_line(input, &line);
    size_t len = taken == LINE_MISSING ? rest_of(input).len + 1 : input->at - from; /* with CR LF */
    if (len > HTTP_CHUNK_LINE_BYTES_MAX + 2) return refuse(input, 400, "a chunk line is too long");
    if (taken == LINE_BARE_LF) return refuse(input, 400, "a chunk line does not end with CR LF");
    if (taken == LINE_MISSING) return HTTP_PROGRESS_MORE;
    struct http_refusal refusal = http_check_chunk_line(line);
    if (refusal.status) return refuse(input, refusal.status, refusal.words);
    if (feed(input, from) != HTTP_GRAMMAR_FITS)
        return refuse(input, 400, "a chunk line is not well-formed");
    if (input->chunk_left > input->body_bytes_max - input->body_len)
        return refuse(input, 413, "the body is too long");
    input->step = input->chunk_left ? STEP_CHUNK_DATA : STEP_TRAILER;
    return HTTP_PROGRESS_REQUEST;
}

static enum http_progress read_chunk_data(struct http_input *input)
{
    size_t from = input->at, len = rest_of(input).len;
    if (len == 0) return HTTP_PROGRESS_MORE;
    if (len > input->chunk_left) len = input->chunk_left;
    input->at += len;
    input->chunk_left -= len;
    if (input->chunk_left == 0) input->step = STEP_CHUNK_END;
    if (feed(input, from) != HTTP_GRAMMAR_FITS)
        return refuse(input, 400, "a chunk is not well-formed");
    return HTTP_PROGRESS_REQUEST;
}

static enum http_progress read_chunk_end(struct http_input *input)
{
    struct text rest = rest_of(input);
    if (!text_starts(TEXT("\r\n"), text_slice(rest, 0, 2)))
        return refuse(input, 400, "a chunk does not end with CR LF");
    if (rest.len < 2) return HTTP_PROGRESS_MORE;
    input->at += 2;
    input->step = STEP_CHUNK_LINE;
    if (feed(input, input->at - 2) != HTTP_GRAMMAR_FITS)
        return refuse(input, 400, "a chunk is not well-formed");
    return HTTP_PROGRESS_REQUEST;
}

static enum http_progress read_trailer(struct http_input *input)
{
    struct text line;
    size_t from = input->at;
    enum line taken = take_line(input, &line);
    size_t len = taken == LINE_MISSING ? rest_of(input).len : input->at - from;
    if (input->trailer_bytes + len > input->limits.header_bytes_max)
        return refuse(input, 431, "the trailers are too long");
    if (taken == LINE_BARE_LF) return refuse(input, 400, "a trailer does not end with CR LF");
    if (taken == LINE_MISSING) return HTTP_PROGRESS_MORE;
    input->trailer_bytes += len;
    struct http_refusal refusal = { 0, NULL };
    if (line.len > 0) refusal = http_check_header_line(line);
    if (refusal.status) return refuse(input, refusal.status, refusal.words);
    if (feed(input, from) != HTTP_GRAMMAR_FITS)
        return refuse(input, 400, "a trailer is not well-formed");
    if (line.len == 0) input->step = STEP_READY;
    return HTTP_PROGRESS_REQUEST;
}

/* Chunk lines that were read leave a gap behind the body: close it, so that only data is kept. */
static void close_gap(struct http_input *input)
{
    size_t end = input->body_at + input->body_len;
    struct text rest = rest_of(input);
    size_t gap = input->at - end;
    memmove(message_at(input) + end, rest.at, rest.len);
    input->bytes.len -= gap;
    input->at = end;
}

/* --- the door --- */

static void fill_request(struct http_input *input, struct http_request *out)
{
    const struct head *head = &input->head;
    out->method = part_text(input, head->method);
    out->target = part_text(input, head->target);
    out->path = http_target_path(out->target, &out->query);
    out->headers = list_headers(input);
    out->has_length = head->meaning.has_length;
    out->body = (struct text){ message_at(input) + input->body_at, input->body_len };
}

static enum http_progress step_once(struct http_input *input, struct scope *scope)
{
    switch (input->step) {
    case STEP_HEAD: return read_head(input, scope);
    case STEP_BODY: return read_body(input);
    case STEP_CHUNK_LINE: return read_chunk_line(input);
    case STEP_CHUNK_DATA: return read_chunk_data(input);
    case STEP_CHUNK_END: return read_chunk_end(input);
    case STEP_TRAILER: return read_trailer(input);
    case STEP_READY: return HTTP_PROGRESS_REQUEST;
    case STEP_REFUSED: break;
    }
    return HTTP_PROGRESS_REFUSED;
}

enum http_progress http_input_read(struct http_input *input, struct scope *scope,
                                   struct http_request *out)
{
    enum http_progress progress = HTTP_PROGRESS_REQUEST;
    while (progress == HTTP_PROGRESS_REQUEST && input->step != STEP_READY)
        progress = step_once(input, scope);
    if (progress == HTTP_PROGRESS_REQUEST) {
        fill_request(input, out);
        return progress;
    }
    if (progress != HTTP_PROGRESS_MORE || input->step == STEP_HEAD) return progress;
    if (input->head.meaning.is_chunked) close_gap(input);
    if (!input->head.meaning.wants_continue) return progress;
    input->head.meaning.wants_continue = false;
    return HTTP_PROGRESS_CONTINUE;
}

void http_input_add(struct http_input *input, struct text bytes)
{
    if (input->step == STEP_REFUSED) return;
    if (input->step == STEP_READY) {
        buf_add(&input->behind, bytes);
        return;
    }
    buf_drop_front(&input->bytes, input->from);
    input->from = 0;
    buf_add(&input->bytes, bytes);
}

void http_input_next(struct http_input *input)
{
    ASSERT(input->step == STEP_READY);
    input->from += input->at;
    if (input->from == input->bytes.len) {
        input->from = 0;
        buf_clear(&input->bytes);
        if (input->bytes.room > KEPT_BYTES_MAX) buf_free(&input->bytes);
    }
    input->step = STEP_HEAD;
    input->has_empty_line = false;
    input->at = input->line_count = input->trailer_bytes = 0;
    if (input->behind.len == 0) return;
    http_input_add(input, buf_text(&input->behind));
    buf_free(&input->behind);
}

struct http_refusal http_input_refusal(const struct http_input *input)
{
    return input->refusal;
}

bool http_input_keeps_alive(const struct http_input *input)
{
    return input->head.grammar.keeps_alive;
}

bool http_input_is_1_0(const struct http_input *input)
{
    return input->head.grammar.minor == 0;
}

size_t http_input_behind_bytes(const struct http_input *input)
{
    size_t read_along = input->step == STEP_READY ? rest_of(input).len : 0;
    return input->behind.len + read_along;
}

size_t http_input_held_bytes(const struct http_input *input)
{
    return input->bytes.room + input->behind.room;
}

static void input_drop(void *self)
{
    struct http_input *input = self;
    buf_free(&input->bytes);
    buf_free(&input->behind);
}

static const struct http_grammar_handler grammar_handler = {
    .on_target = on_target,
    .on_name = on_name,
    .on_value = on_value,
    .on_head = on_head,
    .on_chunk = on_chunk,
    .on_body = on_body,
    .on_end = on_end,
};

struct http_input *http_input_new(struct scope *owner, const struct http_limits *limits)
{
    struct http_input *input = scope_alloc(owner, sizeof *input);
    input->limits = *limits;
    input->grammar = http_grammar_new(owner, false, &grammar_handler, input);
    scope_on_close(owner, input_drop, input);
    return input;
}
