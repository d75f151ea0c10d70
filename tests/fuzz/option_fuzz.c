/* SPDX-License-Identifier: Apache-2.0 */
/* option_fuzz.c - values of options, in every table.
 * A value that its check lets pass is what the snapshot holds, printed it passes again and is the
 * same; one that is refused leaves the default. A first line that is the type of an application,
 * then lines "section/name=value". */
#include "tests/fuzz/fuzz.h"

#include "gen/tables.h"
#include "model/option.h"

#include <string.h>

enum { LINES_MAX = 32 };

/* "section/name=value" */
struct line {
    struct text section, name, value;
};

struct reports {
    uint32_t count;
    bool has_invalid;
};

static void on_report(void *self, const struct option_report *report)
{
    struct reports *reports = self;
    reports->count++;
    reports->has_invalid |= report->trouble == OPTION_VALUE_INVALID;
    if (report->trouble == OPTION_VALUE_INVALID) FUZZ_CHECK(report->words && report->words[0]);
}

static const void *resolve(const struct option_table *table, const struct kv *sections,
                           const void *previous, struct scope *scope, struct reports *reports)
{
    struct option_layer layer = { LEVEL_APPLICATION, sections };
    struct option_source source = { TEXT("app"), &layer, 1 };
    return option_resolve(table, &source, previous, scope, on_report, reports);
}

/* One option in one section. */
static struct kv *single(struct scope *scope, const struct line *line, struct text value)
{
    struct pair *option = scope_alloc(scope, sizeof *option);
    struct pair *section = scope_alloc(scope, sizeof *section);
    struct kv *sections = scope_alloc(scope, sizeof *sections);
    *option = (struct pair){ line->name, { .kind = VALUE_TEXT, .text = value } };
    *section = (struct pair){ line->section, { .kind = VALUE_KV, .pairs = { option, 1 } } };
    *sections = (struct kv){ section, 1 };
    return sections;
}

static void check_one(const struct option_table *table, const struct line *line)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    char words[OPTION_WORDS_MAX] = "";
    const struct option *option = option_find(table, TEXT("app"), line->section, line->name);
    struct reports reports = { 0 }, again = { 0 };
    const struct kv *sections = single(scope, line, line->value);
    const void *usual = resolve(table, NULL, NULL, scope, &reports);
    const void *snapshot = resolve(table, sections, NULL, scope, &reports);
    /* With a '#' before it a section or an option is a comment. */
    bool is_comment = text_starts(line->section, TEXT("#")) || text_starts(line->name, TEXT("#"));
    bool is_read = option && !is_comment && (option->levels & LEVEL_APPLICATION);
    bool is_valid = is_read && option_value_check(option, line->value, words) == ERR_OK;
    struct fault fault = { 0 };
    enum err err =
        option_check(table, TEXT("app"), LEVEL_APPLICATION, sections, NULL, NULL, &fault);
    if (!is_valid) {
        FUZZ_CHECK(option_moved(table, usual, snapshot, NULL, NULL) == 0);
        FUZZ_CHECK(!is_read || (words[0] && err == ERR_INVALID));
        if (err) fuzz_check_fault(err, &fault);
    } else {
        /* A grammar is tried where it is written; what stands there is read all the same. */
        FUZZ_CHECK((err == ERR_OK || option->grammar != GRAMMAR_NONE) && !reports.has_invalid);
        bool is_plain = !option->is_family && option->type != OPTION_SECRET;
        if (is_plain) {
            struct text printed = option_format(option, snapshot, scope);
            FUZZ_CHECK(option_value_check(option, printed, words) == ERR_OK);
            const void *second = resolve(table, single(scope, line, printed), NULL, scope, &again);
            FUZZ_CHECK(option_moved(table, snapshot, second, NULL, NULL) == 0);
            FUZZ_CHECK(again.count == 0);
        }
    }
    scope_close(scope);
}

/* All lines together, after a former snapshot. */
static void check_all(const struct option_table *table, const struct line *lines, uint32_t count)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct pair sections[LINES_MAX];
    struct pair options[LINES_MAX];
    for (uint32_t i = 0; i < count; i++) {
        options[i] = (struct pair){ lines[i].name, { .kind = VALUE_TEXT, .text = lines[i].value } };
        sections[i] =
            (struct pair){ lines[i].section, { .kind = VALUE_KV, .pairs = { &options[i], 1 } } };
    }
    struct kv all = { sections, count };
    struct reports reports = { 0 };
    const void *first = resolve(table, &all, NULL, scope, &reports);
    const void *second = resolve(table, &all, first, scope, &reports);
    FUZZ_CHECK(option_moved(table, first, second, NULL, NULL) == 0);
    (void)option_check(table, TEXT("app"), LEVEL_CAMPAIGN, &all, on_report, &reports, NULL);
    scope_close(scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), type, rest, line;
    struct line lines[LINES_MAX];
    uint32_t count = 0;
    if (!fuzz_line(&in, &type)) return 0;
    const struct option_table *table = option_table_find(type);
    if (table == NULL) table = gen_options[type.len % gen_options_count];
    while (count < LINES_MAX && fuzz_line(&in, &line)) {
        struct line *one = &lines[count];
        if (!text_cut(line, '/', &one->section, &rest)) continue;
        if (!text_cut(rest, '=', &one->name, &one->value)) continue;
        check_one(table, one);
        count++;
    }
    check_all(table, lines, count);
    return 0;
}
