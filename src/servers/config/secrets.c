/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/secrets.h"

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

struct secret {
    struct scope *life;
    struct text name, value;
};

struct secrets {
    struct scope *life;
    struct table *by_name;
};

struct secret_changes {
    struct scope *scope;
    const struct secrets *secrets;
    struct secret_change *at;
    size_t count, room;
    struct secret_opener opener;
};

struct secrets *secrets_new(struct scope *owner)
{
    struct scope *life = scope_new(owner, "secrets", SCOPE_NO_LIMIT);
    struct secrets *secrets = scope_alloc(life, sizeof *secrets);
    *secrets = (struct secrets){ life, table_new(life) };
    return secrets;
}

void secrets_put(struct secrets *secrets, struct text name, struct text value)
{
    struct secret *there = table_remove(secrets->by_name, name);
    struct scope *life = scope_new(secrets->life, "secret", SCOPE_NO_LIMIT);
    struct secret *secret = scope_alloc(life, sizeof *secret);
    *secret = (struct secret){ life, scope_keep(life, name), { 0 } };
    if (value.at) secret->value = scope_keep(life, value);
    table_put(secrets->by_name, secret->name, secret);
    if (there == NULL) return;
    if (there->value.len) explicit_bzero((char *)(uintptr_t)there->value.at, there->value.len);
    scope_close(there->life);
}

bool secrets_find(const struct secrets *secrets, struct text name, struct text *value)
{
    const struct secret *secret = table_get(secrets->by_name, name);
    *value = secret ? secret->value : (struct text){ 0 };
    return secret != NULL;
}

static int compare_names(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

struct text *secrets_names(const struct secrets *secrets, struct scope *scope, uint32_t *count)
{
    struct text *names = scope_alloc_array(scope, table_count(secrets->by_name), sizeof *names);
    const struct secret *secret;
    uint32_t found = 0;
    for (size_t at = 0; (secret = table_next(secrets->by_name, &at)) != NULL;)
        names[found++] = secret->name;
    if (found) qsort(names, found, sizeof *names, compare_names);
    *count = found;
    return names;
}

/* --- changes -------------------------------------------------------------------------------- */

struct secret_changes *secret_changes_new(struct scope *scope, const struct secrets *secrets)
{
    struct secret_changes *changes = scope_alloc(scope, sizeof *changes);
    *changes = (struct secret_changes){ .scope = scope, .secrets = secrets };
    return changes;
}

void secret_changes_set_opener(struct secret_changes *changes, const struct secret_opener *opener)
{
    changes->opener = *opener;
}

static const struct secret_change *find(const struct secret_changes *changes, struct text name)
{
    for (size_t i = 0; i < changes->count; i++)
        if (text_eq(changes->at[i].name, name)) return &changes->at[i];
    return NULL;
}

static void add(struct secret_changes *changes, struct text name, struct text value, bool is_new)
{
    if (changes->count == changes->room) {
        changes->room = changes->room * 2 + 8;
        struct secret_change *grown =
            scope_alloc_array(changes->scope, changes->room, sizeof *grown);
        if (changes->count) memcpy(grown, changes->at, changes->count * sizeof *grown);
        changes->at = grown;
    }
    changes->at[changes->count++] = (struct secret_change){ name, value, is_new };
}

void secret_changes_name(struct secret_changes *changes, struct text name)
{
    if (!secret_changes_has(changes, name)) add(changes, name, (struct text){ 0 }, true);
}

void secret_changes_put(struct secret_changes *changes, struct text name, struct text value)
{
    struct text present;
    bool is_there = secrets_find(changes->secrets, name, &present);
    if (is_there && present.at && text_eq(present, value)) return;
    add(changes, name, value.at ? value : TEXT(""), !is_there);
}

bool secret_changes_put_sealed(struct secret_changes *changes, struct text name, struct text sealed)
{
    struct text value;
    const struct secret_opener *opener = &changes->opener;
    if (opener->open_sealed == NULL ||
        !opener->open_sealed(opener->self, name, sealed, changes->scope, &value))
        return false;
    secret_changes_put(changes, name, value);
    return true;
}

bool secret_changes_has(const struct secret_changes *changes, struct text name)
{
    struct text value;
    return find(changes, name) || secrets_find(changes->secrets, name, &value);
}

bool secret_changes_has_value(const struct secret_changes *changes, struct text name)
{
    struct text value;
    const struct secret_change *change = find(changes, name);
    if (change) return change->value.at != NULL;
    return secrets_find(changes->secrets, name, &value) && value.at != NULL;
}

size_t secret_changes_count(const struct secret_changes *changes)
{
    return changes->count;
}

const struct secret_change *secret_changes_at(const struct secret_changes *changes, size_t index)
{
    return &changes->at[index];
}

void secret_changes_apply(const struct secret_changes *changes, struct secrets *secrets)
{
    for (size_t i = 0; i < changes->count; i++)
        secrets_put(secrets, changes->at[i].name, changes->at[i].value);
}
