/* SPDX-License-Identifier: Apache-2.0 */
/* parser.h - the one door to http-parser: the grammar of heads and chunks, nothing else. Debian's
 * library is its lenient build, so raw bytes are checked by head.c before they come here; llhttp
 * can take its place behind these calls. Pure     no clock, no I/O, no memory but its own. */
#ifndef IO_HTTP_PARSER_H
#define IO_HTTP_PARSER_H

#include "base/scope.h"

struct http_grammar;

struct http_grammar_head {  /* what on_head tells */
    unsigned minor, status; /* status: of a response */
    bool keeps_alive, is_chunked;
    bool ends_with_stream; /* a response without a length: its body lasts until the close */
    uint64_t length;       /* of the body; 0 when there is none or it is chunked */
};

/* The views point into what was fed. A head that is fed in one piece has one call per part. */
struct http_grammar_handler {
    void (*on_begin)(void *self);                      /* its first byte; may be NULL */
    void (*on_target)(void *self, struct text target); /* requests */
    void (*on_name)(void *self, struct text name);     /* headers, then trailers */
    void (*on_value)(void *self, struct text value);
    bool (*on_head)(void *self, const struct http_grammar_head *head); /* true: no body follows */
    void (*on_chunk)(void *self, uint64_t bytes); /* a chunk begins; 0: the last */
    void (*on_body)(void *self, struct text bytes);
    void (*on_end)(void *self);
};

struct http_grammar *http_grammar_new(struct scope *owner, bool is_response,
                                      const struct http_grammar_handler *handler, void *self);
void http_grammar_restart(struct http_grammar *grammar); /* a new message begins */

enum http_grammar_verdict { HTTP_GRAMMAR_FITS, HTTP_GRAMMAR_METHOD_UNKNOWN, HTTP_GRAMMAR_WRONG };
enum http_grammar_verdict http_grammar_feed(struct http_grammar *grammar, struct text bytes);
bool http_grammar_end(struct http_grammar *grammar); /* the stream ended; false: too early */

const char *http_status_words(unsigned status); /* "Not Found"; "Unknown" for odd ones */

#endif
