/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_rejects.h"

#include <errno.h>
#include <string.h>

enum { SHOWN = 10 };

static void put_csv(FILE *out, struct text value, char end)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"') (void)fputc('"', out);
        (void)fputc(value.at[i], out);
    }
    (void)fputc('"', out);
    (void)fputc(end, out);
}

static void open_file(struct import_rejects *rejects)
{
    if (rejects->file || rejects->name == NULL) return;
    rejects->file = fopen(rejects->name, "we");
    if (rejects->file == NULL) {
        fprintf(stderr, "carillon import: %s: %s\n", rejects->name, strerror(errno));
        rejects->name = NULL;
        return;
    }
    (void)fputs("line,field,rule,value\n", rejects->file);
}

static void write_line(struct import_rejects *rejects, const struct outbound_import_reject *reject)
{
    open_file(rejects);
    if (rejects->file == NULL) return;
    fprintf(rejects->file, "%llu,", (unsigned long long)reject->line);
    put_csv(rejects->file, reject->field, ',');
    if (reject->is_loaded) {
        char rule[600];
        (void)snprintf(rule, sizeof rule, "%.*s (loaded)", TEXT_ARG(reject->rule));
        put_csv(rejects->file, text_of(rule), ',');
    } else {
        put_csv(rejects->file, reject->rule, ',');
    }
    put_csv(rejects->file, reject->value, '\n');
}

void import_rejects_add(struct import_rejects *rejects, const struct outbound_import_reject *reject,
                        void (*before_line)(void *self), void *self)
{
    if (reject->is_loaded)
        rejects->remarked++;
    else
        rejects->rejected++;
    write_line(rejects, reject);
    if (rejects->rejected + rejects->remarked > SHOWN) return;
    before_line(self);
    fprintf(stderr, "line %llu, %.*s: %.*s%s (\"%.*s\")\n", (unsigned long long)reject->line,
            TEXT_ARG(reject->field), TEXT_ARG(reject->rule), reject->is_loaded ? ", loaded" : "",
            TEXT_ARG(reject->value));
    if (rejects->rejected + rejects->remarked == SHOWN)
        fprintf(stderr, "further ones are written to the rejects file alone\n");
}

bool import_rejects_close(struct import_rejects *rejects)
{
    if (rejects->file == NULL) return rejects->name != NULL || rejects->rejected == 0;
    bool is_whole = !ferror(rejects->file);
    if (fclose(rejects->file)) is_whole = false;
    rejects->file = NULL;
    if (!is_whole) fprintf(stderr, "carillon import: %s: %s\n", rejects->name, strerror(errno));
    return is_whole;
}
