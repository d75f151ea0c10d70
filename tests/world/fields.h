/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - one field of what came, by its name; of another kind or not there, it is nothing.
 * What comes back is a view of what came. */
#ifndef TESTS_WORLD_FIELDS_H
#define TESTS_WORLD_FIELDS_H

#include "base/shape.h"

struct text text_in(const struct kv *fields, const char *name);        /* or empty */
uint64_t number_in(const struct kv *fields, const char *name);         /* or 0, below 0 too */
const struct kv *object_in(const struct kv *fields, const char *name); /* or NULL */

#endif
