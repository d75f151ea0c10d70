/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/object_set.h"

#include "base/table.h"
#include "gen/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETIRED_KEY_BYTES = 96 };

struct type_index {
    struct type_index *next;
    const struct object_type *type;
    const struct object **at; /* by dbid */
    size_t count, room;
    uint32_t last_dbid;
};

struct retired {
    const struct object_type *type;
    uint32_t dbid;
    struct text identity;
    char key[RETIRED_KEY_BYTES];
};

struct object_set {
    struct scope *life;
    struct type_index *types;
    struct table *by_identity, *by_user, *retired;
    size_t count;
};

static void forget(void *self)
{
    struct object_set *set = self;
    for (struct type_index *index = set->types; index; index = index->next) free(index->at);
}

struct object_set *object_set_new(struct scope *owner)
{
    struct scope *life = scope_new(owner, "configuration objects", SCOPE_NO_LIMIT);
    struct object_set *set = scope_alloc(life, sizeof *set);
    set->life = life;
    set->by_identity = table_new(life);
    set->by_user = table_new(life);
    set->retired = table_new(life);
    scope_on_close(life, forget, set);
    return set;
}

struct scope *object_set_scope(struct object_set *set)
{
    return set->life;
}

size_t object_set_count(const struct object_set *set)
{
    return set->count;
}

static struct type_index *find_index(const struct object_set *set, const struct object_type *type)
{
    struct type_index *index = set->types;
    while (index && index->type != type) index = index->next;
    return index;
}

static struct type_index *get_index(struct object_set *set, const struct object_type *type)
{
    struct type_index *index = find_index(set, type);
    if (index) return index;
    index = scope_alloc(set->life, sizeof *index);
    *index = (struct type_index){ .next = set->types, .type = type };
    set->types = index;
    return index;
}

/* The first place whose dbid is not below. */
static size_t place_of(const struct type_index *index, uint32_t dbid)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->at[middle]->dbid < dbid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- finding -------------------------------------------------------------------------------- */

const struct object *object_set_find(const struct object_set *set, const struct object_type *type,
                                     struct text tenant, struct text key)
{
    struct scope *scratch = scope_new(NULL, "look up", SCOPE_NO_LIMIT);
    const struct object *object =
        table_get(set->by_identity, object_identity(scratch, type, tenant, key));
    scope_close(scratch);
    return object;
}

const struct object *object_set_find_dbid(const struct object_set *set,
                                          const struct object_type *type, uint32_t dbid)
{
    const struct type_index *index = find_index(set, type);
    if (index == NULL) return NULL;
    size_t place = place_of(index, dbid);
    return place < index->count && index->at[place]->dbid == dbid ? index->at[place] : NULL;
}

const struct object *object_set_find_user(const struct object_set *set, struct text user_name)
{
    return table_get(set->by_user, user_name);
}

const struct object *const *object_set_of(const struct object_set *set,
                                          const struct object_type *type, size_t *count)
{
    const struct type_index *index = find_index(set, type);
    *count = index ? index->count : 0;
    return index ? index->at : NULL;
}

/* --- changing ------------------------------------------------------------------------------- */

/* Empty: no Person. */
static struct text user_of(const struct object *object)
{
    return object->type == &OBJECT_PERSON ? body_text(&object->body, "userName") : TEXT("");
}

void object_set_delete(struct object_set *set, const struct object_type *type, uint32_t dbid)
{
    struct type_index *index = find_index(set, type);
    const struct object *object = object_set_find_dbid(set, type, dbid);
    if (object == NULL) return;
    size_t place = place_of(index, dbid);
    /* After a swap of names another one may stand under our identity already. */
    if (table_get(set->by_identity, object->identity) == object)
        (void)table_remove(set->by_identity, object->identity);
    struct text user = user_of(object);
    if (user.len && table_get(set->by_user, user) == object) (void)table_remove(set->by_user, user);
    memmove(&index->at[place], &index->at[place + 1],
            (index->count - place - 1) * sizeof *index->at);
    index->count--;
    set->count--;
    scope_close(object->life);
}

void object_set_put(struct object_set *set, struct object *object)
{
    object_set_delete(set, object->type, object->dbid);
    struct type_index *index = get_index(set, object->type);
    if (index->count == index->room) {
        index->room = index->room * 2 + 16;
        index->at = realloc(index->at, index->room * sizeof *index->at);
        ASSERT(index->at != NULL);
    }
    size_t place = place_of(index, object->dbid);
    memmove(&index->at[place + 1], &index->at[place], (index->count - place) * sizeof *index->at);
    index->at[place] = object;
    index->count++;
    set->count++;
    if (object->dbid > index->last_dbid) index->last_dbid = object->dbid;
    table_put(set->by_identity, object->identity, object);
    struct text user = user_of(object);
    if (user.len) table_put(set->by_user, user, object);
}

/* --- DBIDs ---------------------------------------------------------------------------------- */

static struct text retired_key(char key[RETIRED_KEY_BYTES], const struct object_type *type,
                               uint32_t dbid)
{
    int len = snprintf(key, RETIRED_KEY_BYTES, "%s %u", type->name, dbid);
    return (struct text){ key, (size_t)len };
}

void object_set_retire(struct object_set *set, const struct object_type *type, uint32_t dbid,
                       struct text identity)
{
    struct type_index *index = get_index(set, type);
    if (dbid > index->last_dbid) index->last_dbid = dbid;
    char key[RETIRED_KEY_BYTES];
    struct retired *there = table_get(set->retired, retired_key(key, type, dbid));
    if (there && text_eq(there->identity, identity)) return;
    if (there == NULL) {
        there = scope_alloc(set->life, sizeof *there);
        *there = (struct retired){ .type = type, .dbid = dbid };
        table_put(set->retired, retired_key(there->key, type, dbid), there);
    }
    there->identity = scope_keep(set->life, identity);
}

struct text object_set_retired(const struct object_set *set, const struct object_type *type,
                               uint32_t dbid)
{
    char key[RETIRED_KEY_BYTES];
    const struct retired *there = table_get(set->retired, retired_key(key, type, dbid));
    return there ? there->identity : TEXT("");
}

uint32_t object_set_last_dbid(const struct object_set *set, const struct object_type *type)
{
    const struct type_index *index = find_index(set, type);
    return index ? index->last_dbid : 0;
}
