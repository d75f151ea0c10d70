/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/program.h"

#include "base/buf.h"

#include <string.h>

/* --- paths ------------------------------------------------------------------------------------ */

static bool climbs(struct text path)
{
    struct text part;
    while (text_next_item(&path, '/', &part))
        if (text_eq(part, TEXT(".."))) return true;
    return false;
}

static enum err check_dir(struct text dir, struct fault *fault)
{
    if (dir.len == 0 || dir.at[0] != '/' || climbs(dir))
        return fault_set(fault, ERR_INVALID, "start.dir",
                         "must be an absolute path without \"..\"");
    return ERR_OK;
}

static enum err find_path(struct scope *scope, struct text dir, struct text word, char **out,
                          struct fault *fault)
{
    if (word.len == 0 || climbs(word))
        return fault_set(fault, ERR_INVALID, "start.command",
                         "must be an absolute path, or one below start.dir, without \"..\"");
    struct text path = word.at[0] == '/'
                           ? scope_keep(scope, word)
                           : scope_format(scope, "%.*s/%.*s", TEXT_ARG(dir), TEXT_ARG(word));
    *out = (char *)(uintptr_t)path.at;
    return ERR_OK;
}

/* --- words ------------------------------------------------------------------------------------ */

struct words {
    struct scope *scope;
    char **at;
    uint32_t count;
};

static enum err add_word(struct words *words, struct text word, const char *field,
                         struct fault *fault)
{
    if (words->count == PROGRAM_WORDS_MAX)
        return fault_set(fault, ERR_LIMIT, field, "at most %d words", PROGRAM_WORDS_MAX);
    words->at[words->count++] = (char *)(uintptr_t)scope_keep(words->scope, word).at;
    return ERR_OK;
}

/* Takes one word off `rest`, which does not begin with a blank. */
static enum err cut_word(struct text *rest, struct buf *word, const char *field,
                         struct fault *fault)
{
    char quote = 0;
    size_t i = 0;
    for (; i < rest->len && (quote || (rest->at[i] != ' ' && rest->at[i] != '\t')); i++) {
        char byte = rest->at[i];
        if (byte == '\\' && quote != '\'' && i + 1 < rest->len)
            buf_add_byte(word, rest->at[++i]);
        else if (quote ? byte == quote : byte == '\'' || byte == '"')
            quote = quote ? 0 : byte;
        else
            buf_add_byte(word, byte);
    }
    if (quote) return fault_set(fault, ERR_INVALID, field, "a %c is not closed", quote);
    *rest = text_slice(*rest, i, rest->len);
    return ERR_OK;
}

static bool is_writing(struct text line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') return false;
    return true;
}

static enum err add_words(struct words *words, struct text line, const char *field,
                          struct fault *fault)
{
    struct buf word = { 0 };
    enum err err = ERR_OK;
    if (!is_writing(line))
        return fault_set(fault, ERR_INVALID, field, "has a control character in it");
    for (struct text rest = text_trim(line); !err && rest.len > 0; rest = text_trim(rest)) {
        buf_clear(&word);
        err = cut_word(&rest, &word, field, fault);
        if (!err) err = add_word(words, buf_text(&word), field, fault);
    }
    buf_free(&word);
    return err;
}

static enum err add_identity(struct words *words, const struct program_start *start,
                             struct fault *fault)
{
    const struct text more[] = { TEXT("-app"), start->application, TEXT("-host"),
                                 start->host,  TEXT("-port"),      start->port };
    enum err err = ERR_OK;
    if (start->application.len == 0) return ERR_OK;
    for (size_t i = 0; !err && i < sizeof more / sizeof *more; i++)
        err = add_word(words, more[i], "start.arguments", fault);
    return err;
}

enum err program_parse(struct scope *scope, const struct program_start *start, struct program **out,
                       struct fault *fault)
{
    struct words words = { scope, scope_alloc_array(scope, PROGRAM_WORDS_MAX + 1, sizeof(char *)),
                           0 };
    struct program *program = scope_alloc(scope, sizeof *program);
    enum err err = check_dir(start->dir, fault);
    if (!err && !is_writing(start->dir))
        err = fault_set(fault, ERR_INVALID, "start.dir", "has a control character in it");
    if (!err) err = add_words(&words, start->command, "start.command", fault);
    if (!err)
        err = find_path(scope, start->dir, words.count ? text_of(words.at[0]) : TEXT(""),
                        &program->path, fault);
    if (!err) err = add_words(&words, start->arguments, "start.arguments", fault);
    if (!err) err = add_identity(&words, start, fault);
    if (err) return err;
    words.at[0] = program->path;
    program->dir = (char *)(uintptr_t)scope_keep_z(scope, start->dir);
    program->argv = words.at;
    *out = program;
    return ERR_OK;
}
