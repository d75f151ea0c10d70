/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *words;
} err_table[] = {
#define X(name, words) [ERR_##name] = { #name, words },
    ERR_LIST(X)
#undef X
};

static size_t err_index(enum err err)
{
    size_t index = (size_t)err;
    return index < sizeof err_table / sizeof err_table[0] ? index : (size_t)ERR_INTERNAL;
}

const char *err_name(enum err err)
{
    return err_table[err_index(err)].name;
}

const char *err_words(enum err err)
{
    return err_table[err_index(err)].words;
}

enum err fault_set(struct fault *fault, enum err err, const char *field, const char *format, ...)
{
    if (fault == NULL) return err;
    fault->err = err;
    (void)snprintf(fault->field, sizeof fault->field, "%s", field ? field : "");
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault->words, sizeof fault->words, format, arguments);
    va_end(arguments);
    return err;
}

void assert_failed(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
