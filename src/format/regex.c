/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "format/regex.h"

#include <pcre2.h>

enum { WORDS_MAX = 120 };

enum err regex_check(struct text pattern, struct fault *fault)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    ASSERT(context != NULL);
    (void)pcre2_set_max_pattern_length(context, REGEX_BYTES_MAX);
    (void)pcre2_set_parens_nest_limit(context, REGEX_DEPTH_MAX);
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(pattern.at ? pattern.at : ""), pattern.len,
                                         PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &at, context);
    pcre2_compile_context_free(context);
    if (compiled) {
        pcre2_code_free(compiled);
        return ERR_OK;
    }
    PCRE2_UCHAR words[WORDS_MAX] = "";
    (void)pcre2_get_error_message(code, words, sizeof words);
    return fault_set(fault, ERR_INVALID, "", "at byte %zu: %s", (size_t)at, (const char *)words);
}
