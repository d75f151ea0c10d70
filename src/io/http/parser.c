/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/parser.h"

#include <http_parser.h>

struct http_grammar {
    http_parser parser;
    const struct http_grammar_handler *handler;
    void *self;
};

static int on_begin(http_parser *parser)
{
    struct http_grammar *grammar = parser->data;
    if (grammar->handler->on_begin) grammar->handler->on_begin(grammar->self);
    return 0;
}

static int on_target(http_parser *parser, const char *at, size_t len)
{
    struct http_grammar *grammar = parser->data;
    grammar->handler->on_target(grammar->self, (struct text){ at, len });
    return 0;
}

static int on_name(http_parser *parser, const char *at, size_t len)
{
    struct http_grammar *grammar = parser->data;
    grammar->handler->on_name(grammar->self, (struct text){ at, len });
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct http_grammar *grammar = parser->data;
    grammar->handler->on_value(grammar->self, (struct text){ at, len });
    return 0;
}

static int on_head(http_parser *parser)
{
    struct http_grammar *grammar = parser->data;
    bool has_length = (parser->flags & F_CONTENTLENGTH) != 0;
    bool is_chunked = (parser->flags & F_CHUNKED) != 0;
    struct http_grammar_head head = {
        .minor = parser->http_minor,
        .status = parser->status_code,
        .keeps_alive = http_should_keep_alive(parser) != 0,
        .is_chunked = is_chunked,
        .ends_with_stream = parser->type == HTTP_RESPONSE && !has_length && !is_chunked &&
                            parser->status_code >= 200 && parser->status_code != 204 &&
                            parser->status_code != 304,
        .length = has_length && !is_chunked ? parser->content_length : 0,
    };
    parser->upgrade = 0; /* we stay with HTTP/1.1, as RFC 9110 7.8 allows */
    return grammar->handler->on_head(grammar->self, &head) ? 1 : 0;
}

static int on_chunk(http_parser *parser)
{
    struct http_grammar *grammar = parser->data;
    grammar->handler->on_chunk(grammar->self, parser->content_length);
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct http_grammar *grammar = parser->data;
    grammar->handler->on_body(grammar->self, (struct text){ at, len });
    return 0;
}

static int on_end(http_parser *parser)
{
    struct http_grammar *grammar = parser->data;
    grammar->handler->on_end(grammar->self);
    return 0;
}

static const http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_chunk_header = on_chunk,
    .on_body = on_body,
    .on_message_complete = on_end,
};

struct http_grammar *http_grammar_new(struct scope *owner, bool is_response,
                                      const struct http_grammar_handler *handler, void *self)
{
    struct http_grammar *grammar = scope_alloc(owner, sizeof *grammar);
    grammar->handler = handler;
    grammar->self = self;
    http_parser_init(&grammar->parser, is_response ? HTTP_RESPONSE : HTTP_REQUEST);
    grammar->parser.data = grammar;
    return grammar;
}

void http_grammar_restart(struct http_grammar *grammar)
{
    http_parser_init(&grammar->parser, (enum http_parser_type)grammar->parser.type);
}

enum http_grammar_verdict http_grammar_feed(struct http_grammar *grammar, struct text bytes)
{
    size_t done = http_parser_execute(&grammar->parser, &settings, bytes.at, bytes.len);
    enum http_errno error = HTTP_PARSER_ERRNO(&grammar->parser);
    if (error == HPE_INVALID_METHOD) return HTTP_GRAMMAR_METHOD_UNKNOWN;
    return error == HPE_OK && done == bytes.len ? HTTP_GRAMMAR_FITS : HTTP_GRAMMAR_WRONG;
}

bool http_grammar_end(struct http_grammar *grammar)
{
    return http_parser_execute(&grammar->parser, &settings, NULL, 0) == 0 &&
           HTTP_PARSER_ERRNO(&grammar->parser) == HPE_OK;
}

const char *http_status_words(unsigned status)
{
    const char *words = http_status_str((enum http_status)status);
    return words[0] == '<' ? "Unknown" : words;
}
