/* SPDX-License-Identifier: Apache-2.0 */
/* log_filter.h - what of user data, extensions and reasons a log may show (framework 8.4).
 *            copy | hide | hide-first,N | hide-last,N | unhide-first,N | unhide-last,N | skip |
 *            tag(prefix,suffix)
 * Always on  names beginning with XXX are left out, of names beginning with MMM the value is shown
 *            as MMM, and passwords are hidden.
 * Pure       no clock, no I/O. */
#ifndef MODEL_LOG_FILTER_H
#define MODEL_LOG_FILTER_H

#include "base/buf.h"
#include "base/scope.h"
#include "base/shape.h"

struct log_filter {
    struct text usual;     /* of keys without a filter of their own; empty: copy */
    const struct kv *keys; /* key, without case -> filter as text; may be NULL */
};

/* One pair's value as it may be seen; false: the pair is left out. */
bool log_filter_value(struct buf *out, const struct log_filter *filter, struct text name,
                      struct text value);
/* The pairs as they may be seen, before anything is written of them: for every output the same. A
 * value that is not shown as it is becomes a text; a list's items bear the list's name; bytes
 * become their number; nested deeper than 8 levels there is nothing; a NUL becomes a question mark.
 * Texts stay views of `pairs` where they are as they were. */
struct kv log_filter_apply(struct scope *scope, const struct log_filter *filter,
                           const struct kv *pairs);
/* Each pair as "\n\tKEY 'text'" or "\n\tKEY 81"; nested ones one tab deeper. */
void log_filter_dump(struct buf *out, const struct kv *pairs);
enum err log_filter_check(struct text type); /* is it one of the words above? */

#endif
