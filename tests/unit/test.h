/* SPDX-License-Identifier: Apache-2.0 */
/* test.h - tests that speak in sentences: TEST(a_thing_does_what_it_promises) { ... }
 * One program per file; test_main.c runs every TEST of it under cmocka with TAP output. A failed
 * CHECK ends its test. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

void test_register(const char *name, void (*run)(void **state));
void test_check_text(struct text is, struct text wanted, const char *file, int line);

#define TEST(name) TEST_IF(name, true)
/* One that is there only in a run that it is for. */
#define TEST_IF(name, is_there)                                                                    \
    static void name(void **state);                                                                \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        if (is_there) test_register(#name, name);                                                  \
    }                                                                                              \
    static void name(void **state __attribute__((unused)))

#define CHECK(condition)      _assert_true((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_U32(is, wanted) CHECK_I64(is, wanted)
#define CHECK_I64(is, wanted)                                                                      \
    _assert_int_equal((unsigned long)(long long)(is), (unsigned long)(long long)(wanted),          \
                      __FILE__, __LINE__)
#define CHECK_OK(err)          CHECK_I64((err), ERR_OK)
#define CHECK_TEXT(is, wanted) test_check_text((is), text_of(wanted), __FILE__, __LINE__)

/* How many times as long everything takes in a sanitized build. */
#ifdef __SANITIZE_ADDRESS__
enum { TEST_SLOWER = 5 };
#else
enum { TEST_SLOWER = 1 };
#endif

#endif
