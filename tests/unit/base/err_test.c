/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "tests/unit/test.h"

#include <string.h>

TEST(every_error_has_a_name_and_a_sentence)
{
    CHECK_I64(ERR_OK, 0);
    for (int i = ERR_OK; i <= ERR_INTERNAL; i++) {
        CHECK(err_name((enum err)i) != NULL && err_words((enum err)i)[0] != '\0');
    }
    CHECK_TEXT(text_of(err_name(ERR_TIMEOUT)), "TIMEOUT");
    CHECK_TEXT(text_of(err_name((enum err)999)), "INTERNAL");
}

TEST(a_fault_keeps_code_field_and_words_and_cuts_long_ones)
{
    struct fault fault;
    CHECK_I64(fault_set(&fault, ERR_INVALID, "GSW_FROM", "must be 0 to %d", 86399), ERR_INVALID);
    CHECK_I64(fault.err, ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "GSW_FROM");
    CHECK_TEXT(text_of(fault.words), "must be 0 to 86399");
    char words[1000];
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    (void)fault_set(&fault, ERR_LIMIT, NULL, "%s", words);
    CHECK_I64(strlen(fault.words), sizeof fault.words - 1);
    CHECK_TEXT(text_of(fault.field), "");
    CHECK_I64(fault_set(NULL, ERR_IO, NULL, "nobody reads it"), ERR_IO);
}
