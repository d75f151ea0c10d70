/* SPDX-License-Identifier: Apache-2.0 */
/* phone_pattern.h - regular expressions over digits as one table of states: several patterns are
 * tried at once, with one look per digit. Numbering plans are written so
 * ("(?:2(?:0[1-9]|1\d))[2-9]\d{6}").
 * Reads    digits, \d, [classes], groups, |, ?, *, +, {n}, {n,m}. Groups that capture are groups.
 * Bound    PHONE_PATTERNS_MAX patterns, STATES_MAX states; past it, and for any other sign, there
 * is no table: the caller asks its library instead. Pure     read-only once made, any thread may
 * match. */
#ifndef MODEL_PHONE_PATTERN_H
#define MODEL_PHONE_PATTERN_H

#include "base/scope.h"

enum { PHONE_PATTERNS_MAX = 16 };

struct phone_patterns;

/* An empty pattern matches nothing. NULL: no table (see above). */
struct phone_patterns *phone_patterns_new(struct scope *owner, const struct text *patterns,
                                          uint32_t count);
/* Bit i: pattern i matches all of `digits`, which holds '0' to '9' only. */
uint32_t phone_patterns_match(const struct phone_patterns *patterns, struct text digits);
/* Bit i: pattern i matches some front of `digits` of one digit or more. */
uint32_t phone_patterns_match_front(const struct phone_patterns *patterns, struct text digits);

#endif
