/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - the words of the notation, and what somebody may have meant. Pure, no allocation. */
#ifndef STRATEGY_WORDS_H
#define STRATEGY_WORDS_H

#include "strategy/program.h"

/* The statement that begins with this word; false: none does. */
bool statement_of_word(struct text word, enum statement_kind *out);
/* Whether a variable may not have this name. */
bool word_is_reserved(struct text word);
bool function_of_word(struct text word, enum function *out);
const char *function_word(enum function function);
uint32_t function_arity(enum function function);

/* The best of several words to have been meant by `wrong`; offer each, then look. */
struct guess {
    struct text wrong, best;
    uint32_t distance;
};

struct guess guess_for(struct text wrong);
void guess_offer(struct guess *guess, struct text word);
/* "; did you mean 'route'?" or "". Good until the next call of the same thread. */
const char *guess_words(const struct guess *guess);
void guess_offer_statements(struct guess *guess);
void guess_offer_functions(struct guess *guess);

#endif
