/* SPDX-License-Identifier: Apache-2.0 */
/* finding.h - what is wrong with a strategy file, with its place.
 * Promise  findings are kept in the order of the source, however they were found; the same place
 *          and words are kept once. Past STRATEGY_FINDINGS_MAX they are counted only.
 * Memory   in the scope of the list. */
#ifndef STRATEGY_FINDING_H
#define STRATEGY_FINDING_H

#include "base/buf.h"
#include "base/scope.h"

enum { STRATEGY_FINDINGS_MAX = 100 };

struct place {
    uint32_t file;         /* index in program->sources */
    uint32_t line, column; /* from 1; columns count bytes */
};

struct strategy_finding {
    struct strategy_finding *next;
    bool is_warning; /* an error refuses the program */
    struct place place;
    struct text words;
};

struct strategy_findings {
    struct scope *scope;
    struct strategy_finding *first;
    uint32_t kept_count, error_count, warning_count;
};

static inline struct strategy_findings strategy_findings_in(struct scope *scope)
{
    return (struct strategy_findings){ .scope = scope };
}

void strategy_error(struct strategy_findings *findings, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void strategy_warning(struct strategy_findings *findings, struct place place, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));
/* "mail.strategy:12:5: error: ..." a line each; `names` by place.file. */
void strategy_findings_print(struct buf *out, const struct strategy_findings *findings,
                             const struct text *names);

#endif
