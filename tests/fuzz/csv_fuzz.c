/* SPDX-License-Identifier: Apache-2.0 */
/* csv_fuzz.c - files of rows; beside Python.
 * Rows are told alike however the file is cut, and from any row on. Python's csv reads the same
 * corpus in csv_python.py, where what differs is explained. */
#include "tests/fuzz/fuzz.h"

#include "format/csv.h"

enum { ROWS_NOTED = 8, RAW_BYTES_MAX = 4096 };

struct noted { /* where a row ended: reading may begin there */
    uint64_t offset, line;
    size_t told; /* bytes of the transcript before the next row */
};

struct reading {
    struct csv *csv;
    const struct csv_rules *rules;
    struct buf told; /* every row and bad row, as text */
    struct noted noted[ROWS_NOTED];
    uint32_t rows, left; /* left: handler says stop after so many */
    uint64_t last_line, last_offset;
};

static bool note(struct reading *reading, uint64_t line)
{
    FUZZ_CHECK(line >= reading->last_line);
    uint64_t offset = csv_offset(reading->csv);
    FUZZ_CHECK(offset >= reading->last_offset);
    reading->last_line = line;
    reading->last_offset = offset;
    if (reading->rows < ROWS_NOTED)
        reading->noted[reading->rows] =
            (struct noted){ offset, csv_line(reading->csv), reading->told.len };
    reading->rows++;
    return --reading->left > 0;
}

static bool on_row(void *self, uint64_t line, const struct text *fields, uint32_t count)
{
    struct reading *reading = self;
    FUZZ_CHECK(count > 0 && count <= reading->rules->fields_max);
    buf_format(&reading->told, "%llu:", (unsigned long long)line);
    for (uint32_t i = 0; i < count; i++) {
        FUZZ_CHECK(fields[i].len <= reading->rules->field_bytes_max);
        buf_format(&reading->told, " %zu=", fields[i].len);
        buf_add(&reading->told, fields[i]);
    }
    buf_add_byte(&reading->told, '\n');
    return note(reading, line);
}

static bool on_bad_row(void *self, uint64_t line, struct text raw, const char *words)
{
    struct reading *reading = self;
    FUZZ_CHECK(raw.len <= RAW_BYTES_MAX);
    buf_format(&reading->told, "%llu! %s %zu=", (unsigned long long)line, words, raw.len);
    buf_add(&reading->told, raw);
    buf_add_byte(&reading->told, '\n');
    return note(reading, line);
}

static const struct csv_handler handler = { on_row, on_bad_row };

/* `random` NULL: all at once. */
static void read_all(struct text in, const struct csv_rules *rules, struct random *random,
                     uint32_t rows_max, struct reading *out)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    *out = (struct reading){ .rules = rules, .left = rows_max };
    out->csv = csv_new(scope, rules, &handler, out);
    bool goes_on = true;
    size_t fed = in.len;
    if (random == NULL) {
        goes_on = csv_feed(out->csv, in);
    } else {
        while (goes_on && in.len > 0) {
            struct text piece = fuzz_piece(random, &in);
            goes_on = csv_feed(out->csv, piece);
            fuzz_free(piece);
        }
    }
    if (goes_on) goes_on = csv_end(out->csv);
    FUZZ_CHECK(goes_on == (out->left > 0));
    FUZZ_CHECK(csv_offset(out->csv) <= fed);
    scope_close(scope);
}

/* From the end of a row that was told, the rest is told as before. */
static void read_from(struct text in, const struct csv_rules *rules, const struct reading *whole)
{
    for (uint32_t i = 0; i < whole->rows && i < ROWS_NOTED; i++) {
        struct csv_rules rest = *rules;
        struct reading again;
        rest.first_line = whole->noted[i].line;
        read_all(text_slice(in, (size_t)whole->noted[i].offset, SIZE_MAX), &rest, NULL, UINT32_MAX,
                 &again);
        FUZZ_CHECK(text_eq(buf_text(&again.told),
                           text_slice(buf_text(&whole->told), whole->noted[i].told, SIZE_MAX)));
        buf_free(&again.told);
    }
}

static void check(struct text in, struct csv_rules rules)
{
    struct random random = fuzz_random(in);
    struct reading whole, cut, some;
    read_all(in, &rules, NULL, UINT32_MAX, &whole);
    read_all(in, &rules, &random, UINT32_MAX, &cut);
    FUZZ_CHECK(text_eq(buf_text(&whole.told), buf_text(&cut.told)));
    FUZZ_CHECK(whole.last_offset == cut.last_offset);
    read_from(in, &rules, &whole);
    /* Stopped by its handler it tells no more, and the same until then. */
    uint32_t rows_max = 1 + (uint32_t)random_below(&random, 3);
    read_all(in, &rules, &random, rows_max, &some);
    FUZZ_CHECK(some.rows <= rows_max);
    FUZZ_CHECK(text_starts(buf_text(&whole.told), buf_text(&some.told)));
    buf_free(&whole.told);
    buf_free(&cut.told);
    buf_free(&some.told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    char delimiter = csv_delimiter(in);
    check(in, (struct csv_rules){ .delimiter = delimiter,
                                  .field_bytes_max = 65536,
                                  .row_bytes_max = 1048576,
                                  .fields_max = 1024 });
    check(in, (struct csv_rules){
                  .delimiter = ';', .field_bytes_max = 5, .row_bytes_max = 12, .fields_max = 3 });
    return 0;
}
