/* SPDX-License-Identifier: Apache-2.0 */
/* parser_private.h - what the parser's files share. A parse_...() that returns false has told the
 * finding; who called it decides where to go on. */
#ifndef STRATEGY_PARSER_PRIVATE_H
#define STRATEGY_PARSER_PRIVATE_H

#include "strategy/lexer.h"

struct parser {
    const struct token *at;
    struct scope *scope;
    struct strategy_findings *findings;
    struct program *program;
    uint32_t depth; /* of blocks and expressions */
};

/* --- tokens (parser.c) --- */

bool parser_is_sign(const struct parser *parser, const char *sign);
bool parser_is_word(const struct parser *parser, const char *word);
bool parser_take_sign(struct parser *parser,
                      const char *sign); /* false: another token stands here */
bool parser_take_word(struct parser *parser, const char *word);
/* "wanted ..., found '...'"; returns false. */
bool parser_refuse(struct parser *parser, const char *wanted);
bool parser_expect_sign(struct parser *parser, const char *sign);
bool parser_expect_word(struct parser *parser, const char *word);
bool parser_expect_text(struct parser *parser, const char *wanted,
                        struct name *out); /* not empty */
bool parser_expect_integer(struct parser *parser, const char *wanted, int64_t min, int64_t max,
                           int64_t *out);
bool parser_expect_time(struct parser *parser, uint64_t *out_s);
bool parser_expect_names(struct parser *parser, struct named **out); /* a, b, c: new variables */
/* Nothing more may follow in this depth: false, and a finding, past the limit. */
bool parser_enter(struct parser *parser);
void parser_leave(struct parser *parser);

/* --- expressions (parse_expression.c) --- */

bool parse_expression(struct parser *parser, struct expression **out);
/* "(" [ a, b ] ")" */
bool parse_arguments(struct parser *parser, struct expression **out);
/* key = value {, key = value}, up to the sign that closes them, which is taken. */
bool parse_pairs(struct parser *parser, const char *closing, struct keyed_value **out);
bool parse_key(struct parser *parser, struct name *out);

/* --- statements (parse_statement.c) --- */

/* "{" ... "}"; false: no block begins here. Mistakes inside it are told and passed over. */
bool parse_block(struct parser *parser, struct block *out);
bool parse_route(struct parser *parser, struct statement *out); /* parse_route.c */

#endif
