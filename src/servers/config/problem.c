/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/problem.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

enum { WARNINGS_MAX = 10000, WORDS_MAX = 1024 };

static const struct problem_rule rules[] = {
    [PROBLEM_INVALID_VALUE] = { ERR_INVALID, "CFGInvalidValue", 422 },
    [PROBLEM_NOT_FOUND] = { ERR_NOT_FOUND, "CFGObjectNotFound", 404 },
    [PROBLEM_UNIQUENESS] = { ERR_EXISTS, "CFGUniquenessViolation", 409 },
    [PROBLEM_IN_USE] = { ERR_CONFLICT, "CFGInUse", 409 },
    [PROBLEM_REV_MISMATCH] = { ERR_CONFLICT, "CFGRevMismatch", 412 },
    [PROBLEM_READ_ONLY] = { ERR_UNAVAILABLE, "CFGReadOnly", 503 },
    [PROBLEM_NO_PERMISSION] = { ERR_DENIED, "CFGNoPermission", 403 },
    [PROBLEM_TOO_FAST] = { ERR_LIMIT, "CFGRateLimit", 429 },
};

const struct problem_rule *problem_rule(enum problem_kind kind)
{
    return &rules[kind];
}

/* "ports[default].number" is CFGPorts; dbid and annex have names of their own in the guides. */
static struct text property_name(struct scope *scope, struct text path)
{
    size_t len = 0;
    while (len < path.len && path.at[len] != '.' && path.at[len] != '[') len++;
    struct text first = text_slice(path, 0, len);
    if (len == 0 || text_eq(first, TEXT("dbid"))) return TEXT("CFGDBID");
    if (text_eq(first, TEXT("annex"))) return TEXT("CFGUserProperties");
    char capital = first.at[0];
    if (capital >= 'a' && capital <= 'z') capital = (char)(capital - 'a' + 'A');
    return scope_format(scope, "CFG%c%.*s", capital, (int)(len - 1), first.at + 1);
}

void problem_add(struct problems *problems, enum problem_kind kind, const struct object_type *type,
                 struct text property, const char *format, ...)
{
    if (problems->count == PROBLEMS_MAX) {
        problems->left_out++;
        return;
    }
    if (problems->count == problems->room) {
        problems->room = problems->room ? problems->room * 2 : 8;
        struct problem *grown = scope_alloc_array(problems->scope, problems->room, sizeof *grown);
        if (problems->count) memcpy(grown, problems->at, problems->count * sizeof *grown);
        problems->at = grown;
    }
    char words[WORDS_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    problems->at[problems->count++] = (struct problem){
        .kind = kind,
        .object_type = type ? scope_format(problems->scope, "CFG%s", type->name) : TEXT(""),
        .property = property_name(problems->scope, property),
        .words = scope_keep(problems->scope, text_of(words)),
    };
}

void warning_add(struct warnings *warnings, struct text words)
{
    if (warnings->count == WARNINGS_MAX) return;
    if (warnings->count == warnings->room) {
        warnings->room = warnings->room ? warnings->room * 2 : 8;
        struct text *grown = scope_alloc_array(warnings->scope, warnings->room, sizeof *grown);
        if (warnings->count) memcpy(grown, warnings->at, warnings->count * sizeof *grown);
        warnings->at = grown;
    }
    warnings->at[warnings->count++] = scope_keep(warnings->scope, words);
}
