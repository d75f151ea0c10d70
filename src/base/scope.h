/* SPDX-License-Identifier: Apache-2.0 */
/* scope.h - everything that must die together (style 5).
 * Promise  closing a scope first closes its children, then runs its on_close notes, both newest
 *          first, then frees its memory. scope_alloc gives zeroed memory, never NULL.
 * Limit    a scope may not hand out more than `bytes_max`; to pass it in scope_alloc is a bug of
 *          ours (ASSERT), so work is refused before by limits on what comes in. Where the size
 *          comes from outside, use scope_try_alloc.
 * Thread   a scope belongs to one thread. */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include "base/text.h"

struct scope;

enum { SCOPE_NO_LIMIT = 0 };

/* `owner` NULL makes a root. `name` must be a literal. */
struct scope *scope_new(struct scope *owner, const char *name, size_t bytes_max);
void scope_close(struct scope *scope); /* NULL is allowed */
/* Forget all memory and notes and children, as if just made: for scratch scopes. */
void scope_reset(struct scope *scope);

void *scope_alloc(struct scope *scope, size_t bytes);
void *scope_try_alloc(struct scope *scope, size_t bytes); /* NULL past the limit */
void *scope_alloc_array(struct scope *scope, size_t count, size_t bytes_each);
struct text scope_keep(struct scope *scope, struct text text); /* a copy, NUL added behind it */
const char *scope_keep_z(struct scope *scope, struct text text);
struct text scope_format(struct scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void scope_on_close(struct scope *scope, void (*undo)(void *self), void *self);
size_t scope_bytes(const struct scope *scope); /* handed out so far, children not counted */

#endif
