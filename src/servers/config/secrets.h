/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.h - named values that leave the store only towards the servers that use them (framework
 * 3.2): kept in memory in clear, in the store sealed.
 * Pure     no clock, no I/O; sealing is handed in. */
#ifndef SERVERS_CONFIG_SECRETS_H
#define SERVERS_CONFIG_SECRETS_H

#include "base/scope.h"

enum { SECRET_BYTES_MAX = 64 * 1024 };

struct secrets;
struct secrets *secrets_new(struct scope *owner);
/* `value` .at NULL: the name alone is known. */
void secrets_put(struct secrets *secrets, struct text name, struct text value);
bool secrets_find(const struct secrets *secrets, struct text name, struct text *value);
/* Sorted names, in `scope`. */
struct text *secrets_names(const struct secrets *secrets, struct scope *scope, uint32_t *count);

/* What a change would make of them. */
struct secret_change {
    struct text name, value; /* value.at NULL: none yet */
    bool is_new;
};
struct secret_changes;
struct secret_changes *secret_changes_new(struct scope *scope, const struct secrets *secrets);
/* Who opens the text of an {"$enc":...}; false: it cannot be opened. Not set: nobody can. */
struct secret_opener {
    bool (*open_sealed)(void *self, struct text name, struct text sealed, struct scope *scope,
                        struct text *value);
    void *self;
};
void secret_changes_set_opener(struct secret_changes *changes, const struct secret_opener *opener);
void secret_changes_name(struct secret_changes *changes, struct text name);
void secret_changes_put(struct secret_changes *changes, struct text name, struct text value);
bool secret_changes_put_sealed(struct secret_changes *changes, struct text name,
                               struct text sealed);
bool secret_changes_has(const struct secret_changes *changes, struct text name);
bool secret_changes_has_value(const struct secret_changes *changes, struct text name);
size_t secret_changes_count(const struct secret_changes *changes);
const struct secret_change *secret_changes_at(const struct secret_changes *changes, size_t index);
void secret_changes_apply(const struct secret_changes *changes, struct secrets *secrets);

#endif
