/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/lexer.h"

#include <string.h>

struct lexer {
    struct text in;
    size_t at;
    size_t line_start;
    uint32_t file, line;
    bool is_first;
    struct scope *scope;
    struct strategy_findings *findings;
    struct buf tokens; /* of struct token */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char byte_at(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->in.len ? lexer->in.at[lexer->at + ahead] : 0;
}

static struct place here(const struct lexer *lexer)
{
    return (struct place){ lexer->file, lexer->line,
                           (uint32_t)(lexer->at - lexer->line_start) + 1 };
}

static void add(struct lexer *lexer, enum token_kind kind, size_t len, struct text text,
                uint64_t seconds)
{
    struct token token = {
        kind, here(lexer), lexer->is_first, text, text_slice(lexer->in, lexer->at, len), seconds
    };
    buf_add(&lexer->tokens, TEXT_OF(&token));
    lexer->is_first = false;
    lexer->at += len;
}

static void new_line(struct lexer *lexer)
{
    lexer->line++;
    lexer->line_start = lexer->at;
    lexer->is_first = true;
}

static void skip_blanks(struct lexer *lexer)
{
    while (lexer->at < lexer->in.len) {
        char c = byte_at(lexer, 0);
        if (c == '\n') {
            lexer->at++;
            new_line(lexer);
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->at++;
        } else if (c == '-' && byte_at(lexer, 1) == '-') {
            while (lexer->at < lexer->in.len && byte_at(lexer, 0) != '\n') lexer->at++;
        } else {
            return;
        }
    }
}

static void take_word(struct lexer *lexer)
{
    size_t len = 0;
    while (is_letter(byte_at(lexer, len)) || is_digit(byte_at(lexer, len))) len++;
    struct text word = text_slice(lexer->in, lexer->at, len);
    struct text group = text_slice(lexer->in, lexer->at + len, 6);
    char behind = byte_at(lexer, len + 6);
    if ((text_eq(word, TEXT("agent")) || text_eq(word, TEXT("place"))) &&
        text_eq(group, TEXT("-group")) && !is_letter(behind) && !is_digit(behind))
        len += 6;
    add(lexer, TOKEN_WORD, len, text_slice(lexer->in, lexer->at, len), 0);
}

static uint64_t unit_seconds(char unit)
{
    return unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
}

static void take_number(struct lexer *lexer)
{
    size_t len = 0;
    while (is_digit(byte_at(lexer, len))) len++;
    struct text digits = text_slice(lexer->in, lexer->at, len);
    char next = byte_at(lexer, len);
    if (next == '.' && is_digit(byte_at(lexer, len + 1))) {
        len++;
        while (is_digit(byte_at(lexer, len))) len++;
        next = byte_at(lexer, len);
        digits = text_slice(lexer->in, lexer->at, len);
    } else if (unit_seconds(next) != 0 && !is_letter(byte_at(lexer, len + 1)) &&
               !is_digit(byte_at(lexer, len + 1))) {
        uint64_t count;
        enum { YEAR_S = 366 * 86400 };
        if (text_to_u64(digits, 1, YEAR_S / unit_seconds(next), &count)) {
            strategy_error(lexer->findings, here(lexer), "a time is between 1s and 366d");
            count = 1;
        }
        add(lexer, TOKEN_TIME, len + 1, digits, count * unit_seconds(next));
        return;
    }
    if (is_letter(next)) {
        while (is_letter(byte_at(lexer, len)) || is_digit(byte_at(lexer, len))) len++;
        strategy_error(lexer->findings, here(lexer),
                       "'%.*s' is neither a number nor a time (30s, 5m, 2h, 1d)",
                       TEXT_ARG(text_slice(lexer->in, lexer->at, len)));
    } else if (digits.len > 15) {
        strategy_error(lexer->findings, here(lexer), "a number has at most 15 digits");
    }
    add(lexer, TOKEN_NUMBER, len, digits, 0);
}

/* What the text between the quotes means; `len` counts the quotes. */
static struct text unescape(struct lexer *lexer, size_t len)
{
    char *out = scope_alloc(lexer->scope, len);
    size_t count = 0;
    for (size_t i = 1; i + 1 < len; i++) {
        char c = byte_at(lexer, i);
        if (c == '\\' && i + 2 < len) {
            char escaped = byte_at(lexer, ++i);
            if (escaped == 'n')
                c = '\n';
            else if (escaped == 't')
                c = '\t';
            else if (escaped == '"' || escaped == '\\')
                c = escaped;
            else
                i--; /* a pattern's own backslash stays */
        }
        out[count++] = c;
    }
    return (struct text){ out, count };
}

static void take_text(struct lexer *lexer)
{
    size_t len = 1;
    while (lexer->at + len < lexer->in.len && byte_at(lexer, len) != '"' &&
           byte_at(lexer, len) != '\n')
        len += byte_at(lexer, len) == '\\' && byte_at(lexer, len + 1) != '\n' ? 2 : 1;
    if (lexer->at + len > lexer->in.len) len = lexer->in.len - lexer->at;
    if (byte_at(lexer, len) != '"') {
        strategy_error(lexer->findings, here(lexer), "the text has no closing quote on its line");
        add(lexer, TOKEN_TEXT, len, text_slice(lexer->in, lexer->at + 1, len - 1), 0);
        return;
    }
    add(lexer, TOKEN_TEXT, len + 1, unescape(lexer, len + 1), 0);
}

static void take_sign(struct lexer *lexer)
{
    static const char *const signs[] = { "->", "==", "!=", "<=", ">=", "{", "}", "(", ")", ",",
                                         ".",  "=",  "<",  ">",  "+",  "-", "*", "/", "%" };
    struct text rest = text_slice(lexer->in, lexer->at, 2);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (text_starts(rest, text_of(signs[i]))) {
            add(lexer, TOKEN_SIGN, strlen(signs[i]), text_of(signs[i]), 0);
            return;
        }
    size_t len = 1; /* all of a letter that is none of ours */
    while ((byte_at(lexer, len) & 0xc0) == 0x80) len++;
    strategy_error(lexer->findings, here(lexer), "'%.*s' means nothing here",
                   TEXT_ARG(text_slice(lexer->in, lexer->at, len)));
    lexer->at += len;
}

/* No control characters, and none that XML cannot hold; else the lexer stands at the first. */
static bool is_plain(struct lexer *lexer)
{
    for (; lexer->at < lexer->in.len; lexer->at++) {
        char c = byte_at(lexer, 0);
        struct text three = text_slice(lexer->in, lexer->at, 3);
        if ((unsigned char)c < ' ' && c != '\n' && c != '\r' && c != '\t') return false;
        if (text_eq(three, TEXT("\xef\xbf\xbe")) || text_eq(three, TEXT("\xef\xbf\xbf")))
            return false;
        if (c != '\n') continue;
        lexer->line++;
        lexer->line_start = lexer->at + 1;
    }
    lexer->at = lexer->line_start = 0;
    lexer->line = 1;
    return true;
}

struct token *strategy_tokens(const struct strategy_source *source, uint32_t file,
                              struct scope *scope, struct strategy_findings *findings)
{
    struct lexer lexer = { .in = source->text,
                           .file = file,
                           .line = 1,
                           .is_first = true,
                           .scope = scope,
                           .findings = findings };
    if (source->text.len > STRATEGY_BYTES_MAX) {
        strategy_error(findings, here(&lexer), "a file has at most %d bytes", STRATEGY_BYTES_MAX);
        lexer.in.len = 0;
    } else if (!text_is_utf8(source->text)) {
        strategy_error(findings, here(&lexer), "the file is no UTF-8 text");
        lexer.in.len = 0;
    } else if (!is_plain(&lexer)) {
        strategy_error(findings, here(&lexer), "here stands a character that is none of a text");
        lexer.in.len = 0;
    }
    if (text_starts(lexer.in, TEXT("\xef\xbb\xbf"))) lexer.at = lexer.line_start = 3;
    for (skip_blanks(&lexer); lexer.at < lexer.in.len; skip_blanks(&lexer)) {
        char c = byte_at(&lexer, 0);
        if (is_letter(c))
            take_word(&lexer);
        else if (is_digit(c))
            take_number(&lexer);
        else if (c == '"')
            take_text(&lexer);
        else
            take_sign(&lexer);
    }
    add(&lexer, TOKEN_END, 0, TEXT(""), 0);
    struct token *tokens = scope_alloc(scope, lexer.tokens.len);
    memcpy(tokens, lexer.tokens.at, lexer.tokens.len);
    buf_free(&lexer.tokens);
    return tokens;
}
