/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - regular expressions that take linear time: a pattern becomes a table of states, one
 * step for each character of the text, whatever the text is (spec interaction, 11.1: `matches`).
 * Subset    letters, . [a-z] [^a-z] \d \D \w \W \s \S \t \n, escaped signs, ( ), (?: ), |, * + ?
 *           {n} {n,} {n,m}; ^ and $ at the ends of the pattern, or of its alternatives; (?i) in
 *           front. What it matches is searched for anywhere, unless ^ or $ say otherwise.
 * Refused   back references, look-around, lazy and possessive forms, \b: with words.
 * Bounds    PATTERN_STATES_MAX: past it the pattern is refused.
 * Pure. */
#ifndef STRATEGY_PATTERN_H
#define STRATEGY_PATTERN_H

#include "base/scope.h"

enum { PATTERN_STATES_MAX = 250, PATTERN_NODES_MAX = 1000, PATTERN_DEAD = UINT16_MAX };

struct pattern {
    uint32_t run_count, kind_count, state_count;
    const uint32_t *from; /* run i holds the code points from[i] .. from[i+1]-1; from[0] is 0 */
    const uint16_t *kind; /* of each run: characters of a kind are treated alike */
    const uint16_t *next; /* next[state * kind_count + kind]: a state or PATTERN_DEAD; 0 begins */
    const bool *is_match; /* of each state, at the text's end */
    uint32_t found;       /* the state that no text leads out of, being a match; UINT32_MAX: none */
};

/* ERR_INVALID, ERR_LIMIT: `*offset` is the byte of the pattern that the fault speaks of. */
enum err pattern_compile(struct text source, struct scope *scope, struct pattern *out,
                         size_t *offset, struct fault *fault);
/* UTF-8. What the compiled documents do with the table in their own script. */
bool pattern_matches(const struct pattern *pattern, struct text text);

#endif
