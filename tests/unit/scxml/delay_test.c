/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/document.h"
#include "tests/unit/test.h"

TEST(a_delay_is_a_number_and_a_unit) /* orchestration 3.3 */
{
    static const struct {
        const char *words;
        uint64_t ms;
    } cases[] = { { "0s", 0 },
                  { "20ms", 20 },
                  { "1.5s", 1500 },
                  { ".5s", 500 },
                  { " 1s\n", 1000 },
                  { "2m", 120000 },
                  { "1.5h", 5400000 },
                  { "1d", 86400000 },
                  { "0.0005s", 0 },
                  { "1.0019ms", 1 },
                  { "36600d", 36600ull * 86400000 },
                  { ".9999999999s", 999 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 77;
        CHECK(scxml_parse_delay(text_of(cases[i].words), &ms));
        CHECK_I64(ms, cases[i].ms);
    }
}

TEST(anything_else_is_no_delay_and_writes_nothing)
{
    static const char *const bad[] = { "",
                                       "s",
                                       ".s",
                                       "1",
                                       "1.s",
                                       "-1s",
                                       "+1s",
                                       "1 s",
                                       "1e3s",
                                       "1min",
                                       "1S",
                                       "soon",
                                       "1ss",
                                       "..5s",
                                       "0x1s",
                                       "36601d",
                                       "99999999999999999999999s" };
    uint64_t ms = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!scxml_parse_delay(text_of(bad[i]), &ms));
    CHECK_I64(ms, 77);
}
