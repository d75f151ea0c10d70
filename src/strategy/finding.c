/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/finding.h"

#include <stdarg.h>
#include <stdio.h>

static int compare(struct place a, struct place b)
{
    if (a.file != b.file) return a.file < b.file ? -1 : 1;
    if (a.line != b.line) return a.line < b.line ? -1 : 1;
    if (a.column != b.column) return a.column < b.column ? -1 : 1;
    return 0;
}

static void add(struct strategy_findings *findings, bool is_warning, struct place place,
                const char *format, va_list arguments)
{
    char words[400];
    int len = vsnprintf(words, sizeof words, format, arguments);
    struct text view = { words, len < (int)sizeof words ? (size_t)len : sizeof words - 1 };

    struct strategy_finding **at = &findings->first;
    while (*at != NULL && compare((*at)->place, place) <= 0) {
        if (compare((*at)->place, place) == 0 && text_eq((*at)->words, view)) return;
        at = &(*at)->next;
    }
    if (is_warning)
        findings->warning_count++;
    else
        findings->error_count++;
    if (findings->kept_count == STRATEGY_FINDINGS_MAX) return;
    findings->kept_count++;
    struct strategy_finding *finding = scope_alloc(findings->scope, sizeof *finding);
    *finding =
        (struct strategy_finding){ *at, is_warning, place, scope_keep(findings->scope, view) };
    *at = finding;
}

void strategy_error(struct strategy_findings *findings, struct place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(findings, false, place, format, arguments);
    va_end(arguments);
}

void strategy_warning(struct strategy_findings *findings, struct place place, const char *format,
                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(findings, true, place, format, arguments);
    va_end(arguments);
}

void strategy_findings_print(struct buf *out, const struct strategy_findings *findings,
                             const struct text *names)
{
    for (const struct strategy_finding *at = findings->first; at != NULL; at = at->next)
        buf_format(out, "%.*s:%u:%u: %s: %.*s\n", TEXT_ARG(names[at->place.file]), at->place.line,
                   at->place.column, at->is_warning ? "warning" : "error", TEXT_ARG(at->words));
    uint32_t all = findings->error_count + findings->warning_count;
    if (all > findings->kept_count)
        buf_format(out, "and %u findings more\n", all - findings->kept_count);
}
