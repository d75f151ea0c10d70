/* SPDX-License-Identifier: Apache-2.0 */
/* strategy_pattern_fuzz.c - the patterns of `matches`, beside PCRE. The first line is the pattern,
 * the rest the text.
 * What differs, and why that is right:
 * - PCRE takes more; what we take it takes as well.
 * - Folding: ours folds a to z alone.
 * - \s: ours knows the blank that does not break.
 * - PCRE gives up where it would take too long. */
#include "tests/fuzz/fuzz.h"

#include "strategy/pattern.h"

#include <glib.h>
#include <string.h>

static bool is_ascii(struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] >= 0x80) return false;
    return true;
}

static void check_beside_pcre(const struct pattern *ours, struct text pattern, struct text text,
                              struct scope *scope)
{
    GError *error = NULL;
    if (!is_ascii(text) || !is_ascii(pattern)) {
        if (text_starts(pattern, TEXT("(?i)"))) return;
        if (memmem(text.at, text.len, "\xc2\xa0", 2) != NULL) return;
    }
    GRegex *theirs = g_regex_new(scope_keep_z(scope, pattern),
                                 G_REGEX_DOTALL | G_REGEX_DOLLAR_ENDONLY, 0, &error);
    FUZZ_CHECK(theirs != NULL);
    bool matches =
        g_regex_match_full(theirs, text.len ? text.at : "", (gssize)text.len, 0, 0, NULL, &error);
    if (error == NULL) FUZZ_CHECK(matches == pattern_matches(ours, text));
    g_clear_error(&error);
    g_regex_unref(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TEXT_BYTES_MAX = 300 };
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct text rest = fuzz_text(data, size), pattern = rest;
    struct pattern ours;
    struct fault fault = { 0 };
    size_t offset = 0;
    (void)text_cut(rest, '\n', &pattern, &rest);
    if (!text_is_utf8(pattern) || !text_is_utf8(rest) || rest.len > TEXT_BYTES_MAX ||
        memchr(data ? data : (const uint8_t *)"", 0, size) != NULL) {
        scope_close(scope);
        return 0;
    }
    enum err err = pattern_compile(pattern, scope, &ours, &offset, &fault);
    if (err) fuzz_check_fault(err, &fault);
    FUZZ_CHECK(offset <= pattern.len);
    if (!err) {
        FUZZ_CHECK(ours.state_count <= PATTERN_STATES_MAX);
        check_beside_pcre(&ours, pattern, rest, scope);
    }
    scope_close(scope);
    return 0;
}
