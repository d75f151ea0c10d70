/* SPDX-License-Identifier: Apache-2.0 */
/* phone_pattern_fuzz.c - regular expressions over digits; beside PCRE.
 * What a table of states matches PCRE matches, and what it does not, PCRE does not. What differs,
 * and why that is right:
 * - "1?+", "1*+", "1++", "1{2}+" are possessive in PCRE, repetitions repeated with us: no
 *   numbering plan has them. */
#include "tests/fuzz/fuzz.h"

#include "model/phone_pattern.h"

#include <glib.h>
#include <string.h>

enum { PATTERN_BYTES_MAX = 60, DIGITS_MAX = 24, LINES_MAX = 16 };

static bool is_possessive(struct text pattern)
{
    for (size_t i = 1; i < pattern.len; i++)
        if (pattern.at[i] == '+' && strchr("?*+}", pattern.at[i - 1])) return true;
    return false;
}

static GRegex *compile(struct text pattern)
{
    struct buf whole = { 0 };
    buf_format(&whole, "^(?:%.*s)$", TEXT_ARG(pattern));
    buf_add_byte(&whole, '\0');
    GRegex *regex = g_regex_new(whole.at, G_REGEX_RAW | G_REGEX_DOLLAR_ENDONLY, 0, NULL);
    buf_free(&whole);
    return regex;
}

/* PCRE gives up on what would take it too long; then it has nothing to say. */
static void compare(GRegex *theirs, struct text digits, bool ours)
{
    GError *error = NULL;
    bool is_match = g_regex_match_full(theirs, digits.at, (gssize)digits.len, 0, 0, NULL, &error);
    if (error)
        g_error_free(error);
    else
        FUZZ_CHECK(is_match == ours);
}

static bool is_digits(struct text in)
{
    for (size_t i = 0; i < in.len; i++)
        if (in.at[i] < '0' || in.at[i] > '9') return false;
    return in.len > 0 && in.len <= DIGITS_MAX;
}

static void check_digits(const struct phone_patterns *patterns, GRegex *theirs, struct text digits)
{
    uint32_t match = phone_patterns_match(patterns, digits), fronts = 0;
    bool is_second = digits.len == 4 && digits.at[0] >= '2';
    FUZZ_CHECK(match >> 2 == 0 && match >> 1 == is_second);
    compare(theirs, digits, match & 1);
    for (size_t len = 1; len <= digits.len; len++)
        fronts |= phone_patterns_match(patterns, text_slice(digits, 0, len));
    FUZZ_CHECK(phone_patterns_match_front(patterns, digits) == fronts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), pattern, line;
    if (!fuzz_line(&in, &pattern) || pattern.len == 0 || pattern.len > PATTERN_BYTES_MAX) return 0;
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct text two[] = { pattern, TEXT("[2-9]\\d{3}") };
    struct phone_patterns *patterns = phone_patterns_new(scope, two, 2);
    if (patterns && !is_possessive(pattern) && memchr(pattern.at, 0, pattern.len) == NULL) {
        GRegex *whole = compile(pattern);
        FUZZ_CHECK(whole != NULL);
        for (int i = 0; i < LINES_MAX && fuzz_line(&in, &line); i++)
            if (is_digits(line)) check_digits(patterns, whole, line);
        g_regex_unref(whole);
    }
    scope_close(scope);
    return 0;
}
