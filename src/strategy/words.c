/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/words.h"

#include <stdio.h>

static const char *const statements[] = {
#define X(name, word) word,
    STATEMENT_LIST(X)
#undef X
};
enum { STATEMENTS = sizeof statements / sizeof *statements };

static const struct {
    const char *word;
    uint32_t arity;
} functions[] = {
    [CALL_LENGTH] = { "length", 1 }, [CALL_LOWER] = { "lower", 1 },     [CALL_NOW] = { "now", 0 },
    [CALL_HOUR] = { "hour", 0 },     [CALL_WEEKDAY] = { "weekday", 0 }, [CALL_OPEN] = { "open", 1 },
    [CALL_STAT] = { "stat", 2 },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

const char *statement_word(enum statement_kind kind)
{
    return statements[kind];
}

bool statement_of_word(struct text word, enum statement_kind *out)
{
    for (size_t i = STATEMENT_SET; i < STATEMENTS; i++)
        if (text_eq(word, text_of(statements[i]))) {
            *out = (enum statement_kind)i;
            return true;
        }
    return false;
}

bool word_is_reserved(struct text word)
{
    static const char *const others[] = { "else", "and",   "or",   "not", "contains", "matches",
                                          "true", "false", "data", "ixn", "error",    "on" };
    enum statement_kind kind;
    if (statement_of_word(word, &kind) || text_starts(word, TEXT("__"))) return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_eq(word, text_of(others[i]))) return true;
    return false;
}

bool function_of_word(struct text word, enum function *out)
{
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (text_eq(word, text_of(functions[i].word))) {
            *out = (enum function)i;
            return true;
        }
    return false;
}

const char *function_word(enum function function)
{
    return functions[function].word;
}

uint32_t function_arity(enum function function)
{
    return functions[function].arity;
}

/* --- guesses --- */

enum { GUESS_LEN_MAX = 63 };

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, drop, change or swap with their neighbour. */
static uint32_t distance(struct text a, struct text b)
{
    uint32_t rows[3][GUESS_LEN_MAX + 1];
    for (uint32_t j = 0; j <= b.len; j++) rows[0][j] = j;
    for (uint32_t i = 1; i <= a.len; i++) {
        uint32_t *row = rows[i % 3];
        const uint32_t *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (uint32_t j = 1; j <= b.len; j++) {
            bool is_same = folded(a.at[i - 1]) == folded(b.at[j - 1]);
            row[j] = least(above[j - 1] + !is_same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && folded(a.at[i - 1]) == folded(b.at[j - 2]) &&
                folded(a.at[i - 2]) == folded(b.at[j - 1]))
                row[j] = least(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

struct guess guess_for(struct text wrong)
{
    return (struct guess){ .wrong = wrong, .distance = wrong.len < 4 ? 2 : wrong.len < 8 ? 3 : 4 };
}

void guess_offer(struct guess *guess, struct text word)
{
    if (guess->wrong.len == 0 || guess->wrong.len > GUESS_LEN_MAX || word.len > GUESS_LEN_MAX)
        return;
    uint32_t far = distance(guess->wrong, word);
    if (far >= guess->distance || far >= word.len) return;
    guess->best = word;
    guess->distance = far;
}

const char *guess_words(const struct guess *guess)
{
    static __thread char words[GUESS_LEN_MAX + 32];
    if (guess->best.len == 0) return "";
    snprintf(words, sizeof words, "; did you mean '%.*s'?", TEXT_ARG(guess->best));
    return words;
}

void guess_offer_statements(struct guess *guess)
{
    for (size_t i = STATEMENT_SET; i < STATEMENTS; i++) guess_offer(guess, text_of(statements[i]));
}

void guess_offer_functions(struct guess *guess)
{
    for (size_t i = 0; i < FUNCTIONS; i++) guess_offer(guess, text_of(functions[i].word));
}
