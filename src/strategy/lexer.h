/* SPDX-License-Identifier: Apache-2.0 */
/* lexer.h - a strategy file as tokens. All at once: the parser may look ahead as it likes.
 * Errors   become findings; the token is left out, or ends where the line does. */
#ifndef STRATEGY_LEXER_H
#define STRATEGY_LEXER_H

#include "strategy/program.h"

enum token_kind {
    TOKEN_END,    /* of the file; the last token */
    TOKEN_WORD,   /* letters, digits, "_"; "agent-group" and "place-group" are one word */
    TOKEN_TEXT,   /* "..." ; `text` is what it means */
    TOKEN_NUMBER, /* 12, 1.5 */
    TOKEN_TIME,   /* 30s 5m 2h 1d; `seconds` */
    TOKEN_SIGN    /* one of { } ( ) , . = == != < <= > >= + - * / % -> */
};

struct token {
    enum token_kind kind;
    struct place place;
    bool is_first; /* of its line */
    struct text text;
    struct text source; /* as it is written */
    uint64_t seconds;
};

/* The tokens of source number `file`, TOKEN_END last. */
struct token *strategy_tokens(const struct strategy_source *source, uint32_t file,
                              struct scope *scope, struct strategy_findings *findings);

#endif
