/* SPDX-License-Identifier: Apache-2.0 */
/* json_grammar.h - the grammar of JSON, which is RapidJSON's; private to json_read.c, who hears
 * what stands in a text and says what becomes of it.
 * Promise  what is read is JSON (RFC 8259) from its first byte to its last. Nothing is allocated;
 *          the library recurses once for each level, so the hearer bounds them.
 * Left     to the hearer: UTF-8, NUL, names that are there twice, what numbers fit. */
#ifndef FORMAT_JSON_GRAMMAR_H
#define FORMAT_JSON_GRAMMAR_H

#include "base/shape.h"

struct json_reader;

struct json_error {
    const char *at;    /* in the text */
    const char *words; /* NULL: there is no error, or the hearer has it */
};

/* `text` has a NUL behind it and is written over: strings lose their escapes in it and have a NUL
 * behind them. False when it is no JSON or when the hearer said false. */
bool json_grammar_read(char *text, size_t len, struct json_reader *hearer,
                       struct json_error *error);

/* --- the hearer: false ends the reading --- */

bool json_hear_value(struct json_reader *hearer, struct value value); /* null, true, false */
bool json_hear_integer(struct json_reader *hearer, struct text digits);
bool json_hear_real(struct json_reader *hearer, struct text digits); /* then no part of a number */
bool json_hear_text(struct json_reader *hearer, struct text text);
bool json_hear_name(struct json_reader *hearer, struct text name); /* its value follows */
bool json_hear_opening(struct json_reader *hearer);
bool json_hear_list(struct json_reader *hearer, size_t count);   /* the last `count` values */
bool json_hear_object(struct json_reader *hearer, size_t count); /* with their names */

#endif
