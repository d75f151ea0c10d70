/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { TESTS_MAX = 256 };

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

void test_register(const char *name, void (*run)(void **state))
{
    ASSERT(test_count < TESTS_MAX);
    tests[test_count++] = (struct CMUnitTest){ .name = name, .test_func = run };
}

void test_check_text(struct text is, struct text wanted, const char *file, int line)
{
    if (text_eq(is, wanted)) return;
    print_error("is \"%.*s\", wanted \"%.*s\"\n", TEXT_ARG(is), TEXT_ARG(wanted));
    _fail(file, line);
}

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    if (getenv("CMOCKA_MESSAGE_OUTPUT") == NULL) cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests("unit", tests, test_count, NULL, NULL);
}
