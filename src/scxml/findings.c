/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/load.h"

#include <stdio.h>

static bool is_before(struct scxml_place a, struct scxml_place b)
{
    if (a.file != b.file) return a.file < b.file;
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

void scxml_find(struct scxml_findings *findings, struct scope *scope, bool is_warning,
                struct text file, struct scxml_place place, const char *format, ...)
{
    uint32_t *count = is_warning ? &findings->warning_count : &findings->error_count;
    if (*count >= SCXML_FINDINGS_MAX) return;
    *count += 1;
    char words[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    struct text kept = text_of(words);
    while (!text_is_utf8(kept)) kept.len--; /* a name was cut within a character */

    struct scxml_finding *finding = scope_alloc(scope, sizeof *finding);
    *finding = (struct scxml_finding){ .is_warning = is_warning,
                                       .place = place,
                                       .file = scope_keep(scope, file),
                                       .words = scope_keep(scope, kept) };
    struct scxml_finding **at = &findings->first;
    while (*at && !is_before(place, (*at)->place)) at = &(*at)->next;
    finding->next = *at;
    *at = finding;
}

void scxml_findings_print(struct buf *out, const struct scxml_findings *findings)
{
    for (const struct scxml_finding *at = findings->first; at; at = at->next) {
        buf_add(out, at->file);
        buf_format(out, ":%u:%u: %s: ", at->place.line, at->place.column,
                   at->is_warning ? "warning" : "error");
        buf_add(out, at->words);
        buf_add_byte(out, '\n');
    }
}
