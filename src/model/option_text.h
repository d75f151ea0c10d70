/* SPDX-License-Identifier: Apache-2.0 */
/* option_text.h - option values whose text has a grammar of its own (framework 4.1).
 * Words    of OPTION_WORDS_MAX bytes, when it does not fit.
 * Pure     no clock, no I/O. */
#ifndef MODEL_OPTION_TEXT_H
#define MODEL_OPTION_TEXT_H

#include "model/option.h"

/* "90", "90 s", "15min", "2 h", "1 d", "500ms". A bare number is in the option's unit, or seconds;
 * its range is in that unit as well. */
enum err option_duration(const struct option *option, struct text value, int64_t *out_ms,
                         char words[OPTION_WORDS_MAX]);
/* "52000-53000", "8080,9000-9010"; empty: none. */
enum err option_port_range(struct text value, char words[OPTION_WORDS_MAX]);
/* A PCRE2 pattern; empty: none. */
enum err option_regex(struct text value, char words[OPTION_WORDS_MAX]);
/* An object or a list; empty: none. */
enum err option_json(struct text value, char words[OPTION_WORDS_MAX]);

#endif
