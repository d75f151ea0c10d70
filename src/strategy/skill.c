/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/skill.h"

enum { NESTING_MAX = 32 };

struct reader {
    struct text in;
    size_t at;
    uint32_t depth;
    struct fault *fault;
};

static enum err refuse(struct reader *reader, const char *words)
{
    return fault_set(reader->fault, ERR_INVALID, "", "%s", words);
}

static char peek(const struct reader *reader)
{
    return reader->at < reader->in.len ? reader->in.at[reader->at] : 0;
}

static void skip_blanks(struct reader *reader)
{
    while (peek(reader) == ' ' || peek(reader) == '\t') reader->at++;
}

static bool take(struct reader *reader, char c)
{
    skip_blanks(reader);
    if (peek(reader) != c || c == 0) return false;
    reader->at++;
    return true;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || ((unsigned char)c & 0x80);
}

static enum err read_name(struct reader *reader)
{
    skip_blanks(reader);
    size_t begin = reader->at;
    char quote = peek(reader);
    if (quote == '"' || quote == '\'') {
        reader->at++;
        while (peek(reader) != quote && peek(reader) != 0) reader->at++;
        bool is_empty = reader->at == begin + 1;
        if (!take(reader, quote)) return refuse(reader, "the skill's name has no closing quote");
        return is_empty ? refuse(reader, "the skill has no name") : ERR_OK;
    }
    while (is_name_byte(peek(reader))) reader->at++;
    return reader->at == begin ? refuse(reader, "wanted the name of a skill") : ERR_OK;
}

static enum err read_comparison(struct reader *reader)
{
    enum err err = read_name(reader);
    if (err) return err;
    bool is_open = take(reader, '>') || take(reader, '<') || take(reader, '!');
    bool is_strict = is_open && reader->in.at[reader->at - 1] != '!';
    bool has_equal = peek(reader) == '=' || !is_open ? take(reader, '=') : false;
    if (!has_equal && !is_strict) return refuse(reader, "wanted = != > >= < or <=");
    skip_blanks(reader);
    size_t begin = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9') reader->at++;
    if (reader->at == begin || reader->at - begin > 9)
        return refuse(reader, "wanted a level, a whole number");
    return ERR_OK;
}

static enum err read_any(struct reader *reader);

static enum err read_term(struct reader *reader)
{
    while (take(reader, '!')) continue;
    if (!take(reader, '(')) return read_comparison(reader);
    if (++reader->depth > NESTING_MAX) return refuse(reader, "too many brackets in each other");
    enum err err = read_any(reader);
    reader->depth--;
    if (err) return err;
    return take(reader, ')') ? ERR_OK : refuse(reader, "'(' has no ')'");
}

static enum err read_any(struct reader *reader)
{
    enum err err;
    do {
        err = read_term(reader);
    } while (!err && (take(reader, '&') || take(reader, '|')));
    return err;
}

enum err skill_check(struct text in, size_t *offset, struct fault *fault)
{
    struct reader reader = { .in = in, .fault = fault };
    enum err err = read_any(&reader);
    skip_blanks(&reader);
    if (!err && reader.at < in.len) err = refuse(&reader, "wanted & or |");
    *offset = reader.at;
    return err;
}
