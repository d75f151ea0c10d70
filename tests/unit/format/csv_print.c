/* SPDX-License-Identifier: Apache-2.0 */
/* Reads CSV from stdin in slices of argv[2] bytes, delimiter argv[1], and prints each field as
 * "length:bytes": the other half of csv_python_test.py. */
#include "format/csv.h"

#include <stdio.h>
#include <stdlib.h>

static bool on_row(void *self, uint64_t line, const struct text *fields, uint32_t count)
{
    (void)self;
    (void)line;
    for (uint32_t i = 0; i < count; i++) {
        (void)printf("%zu:", fields[i].len);
        (void)fwrite(fields[i].at, 1, fields[i].len, stdout); /* a NUL is a byte as any other */
    }
    (void)printf("\n");
    return true;
}

static bool on_bad_row(void *self, uint64_t line, struct text raw, const char *words)
{
    (void)self;
    (void)raw;
    (void)printf("line %llu: %s\n", (unsigned long long)line, words);
    return true;
}

int main(int argc, char **argv)
{
    static const struct csv_handler handler = { on_row, on_bad_row };
    char bytes[64];
    uint32_t slice;
    if (argc != 3 || text_to_u32(text_of(argv[2]), 1, sizeof bytes, &slice)) return 2;
    struct scope *scope = scope_new(NULL, "csv", SCOPE_NO_LIMIT);
    struct csv *csv =
        csv_new(scope, &(struct csv_rules){ .delimiter = argv[1][0] }, &handler, NULL);
    size_t len;
    while ((len = fread(bytes, 1, slice, stdin)) > 0)
        if (!csv_feed(csv, (struct text){ bytes, len })) return 1;
    (void)csv_end(csv);
    scope_close(scope);
    return 0;
}
