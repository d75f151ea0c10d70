/* SPDX-License-Identifier: Apache-2.0 */
/* One index per type: an array by dbid, and a table by natural key. Each object has a scope of its
 * own, since it comes and goes alone. */
#include "app/mirror.h"

#include "base/list.h"
#include "base/table.h"
#include "format/json.h"

#include <stdlib.h>
#include <string.h>

enum { OBJECT_BYTES_MAX = 64 * 1024 * 1024 };

struct object {
    struct app_object seen; /* first: what servers get */
    struct scope *life;
    struct list retired;
    struct text body;
    uint32_t round; /* of the snapshot that put it last */
};

struct type_index {
    struct type_index *next;
    const struct object_type *type;
    struct object **at; /* by dbid */
    size_t count, room;
    struct table *by_key;
};

struct mirror {
    struct scope *life;
    struct type_index *types;
    struct list retired;
    uint32_t round;
};

static void forget(void *self)
{
    struct mirror *mirror = self;
    for (struct type_index *index = mirror->types; index; index = index->next) free(index->at);
}

struct mirror *mirror_new(struct scope *owner)
{
    struct scope *life = scope_new(owner, "mirror", SCOPE_NO_LIMIT);
    struct mirror *mirror = scope_alloc(life, sizeof *mirror);
    mirror->life = life;
    list_init(&mirror->retired);
    scope_on_close(life, forget, mirror);
    return mirror;
}

static struct type_index *find_index(const struct mirror *mirror, const struct object_type *type)
{
    struct type_index *index = mirror->types;
    while (index && index->type != type) index = index->next;
    return index;
}

static struct type_index *get_index(struct mirror *mirror, const struct object_type *type)
{
    struct type_index *index = find_index(mirror, type);
    if (index) return index;
    index = scope_alloc(mirror->life, sizeof *index);
    *index = (struct type_index){ .type = type, .by_key = table_new(mirror->life) };
    struct type_index **place = &mirror->types; /* in canonical order */
    while (*place && (*place)->type->order < type->order) place = &(*place)->next;
    index->next = *place;
    *place = index;
    return index;
}

/* The first place whose dbid is not below. */
static size_t place_of(const struct type_index *index, uint32_t dbid)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->at[middle]->seen.dbid < dbid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct object *find_object(const struct mirror *mirror, const struct object_type *type,
                                  uint32_t dbid)
{
    const struct type_index *index = find_index(mirror, type);
    if (index == NULL) return NULL;
    size_t place = place_of(index, dbid);
    if (place == index->count || index->at[place]->seen.dbid != dbid) return NULL;
    return index->at[place];
}

/* Tenants may use the same key: the lowest dbid answers to it. */
static void index_key(struct type_index *index, struct object *object)
{
    struct object *there = table_get(index->by_key, object->seen.key);
    if (there == NULL || there->seen.dbid >= object->seen.dbid)
        table_put(index->by_key, object->seen.key, object);
}

static void unindex_key(struct type_index *index, struct object *object)
{
    if (table_get(index->by_key, object->seen.key) != object) return;
    (void)table_remove(index->by_key, object->seen.key);
    for (size_t i = 0; i < index->count; i++)
        if (index->at[i] != object && text_eq(index->at[i]->seen.key, object->seen.key)) {
            table_put(index->by_key, index->at[i]->seen.key, index->at[i]);
            return;
        }
}

static void take_out(struct mirror *mirror, struct type_index *index, size_t place)
{
    struct object *object = index->at[place];
    unindex_key(index, object);
    memmove(&index->at[place], &index->at[place + 1],
            (index->count - place - 1) * sizeof index->at[0]);
    index->count--;
    list_add_last(&mirror->retired, &object->retired);
}

static void put_in(struct type_index *index, struct object *object)
{
    if (index->count == index->room) {
        index->room = index->room * 2 + 16;
        index->at = realloc(index->at, index->room * sizeof index->at[0]);
        ASSERT(index->at != NULL);
    }
    size_t place = place_of(index, object->seen.dbid);
    memmove(&index->at[place + 1], &index->at[place], (index->count - place) * sizeof index->at[0]);
    index->at[place] = object;
    index->count++;
    index_key(index, object);
}

enum mirror_deed mirror_delete(struct mirror *mirror, const struct object_type *type, uint32_t dbid)
{
    struct type_index *index = find_index(mirror, type);
    if (index == NULL || find_object(mirror, type, dbid) == NULL) return MIRROR_SAME;
    take_out(mirror, index, place_of(index, dbid));
    return MIRROR_DELETED;
}

/* The parts of the natural key from the object itself. */
static struct text make_key(const struct object_type *type, const struct object_common *fields,
                            struct scope *scope)
{
    struct buf key = { 0 };
    for (const char *const *part = type->key; *part; part++) {
        const struct shape_field *field = shape_find(type->shape, text_of(*part));
        const char *member = (const char *)fields + field->offset;
        if (part != type->key) buf_add_byte(&key, '/');
        if (field->kind == FIELD_TEXT)
            buf_add(&key, *(const struct text *)(const void *)member);
        else
            buf_add_u64(&key, *(const uint32_t *)(const void *)member);
    }
    struct text made = scope_keep(scope, buf_text(&key));
    buf_free(&key);
    return made;
}

static enum err decode(const struct mirror_entry *entry, struct scope *life, struct object *object,
                       struct fault *fault)
{
    void *fields;
    struct kv unknown; /* a newer release's: kept by config, not needed here */
    object->body = scope_keep(life, entry->body);
    enum err err = json_to_shape(object->body, entry->type->shape, life, &fields, &unknown, fault);
    if (err) return err;
    object->seen = (struct app_object){
        .type = entry->type,
        .dbid = entry->dbid,
        .rev = entry->rev,
        .tenant = scope_keep(life, entry->tenant),
        .key = entry->key.len ? scope_keep(life, entry->key) : make_key(entry->type, fields, life),
        .fields = fields,
    };
    return ERR_OK;
}

enum err mirror_put(struct mirror *mirror, const struct mirror_entry *entry, enum mirror_deed *deed,
                    struct fault *fault)
{
    struct object *before = find_object(mirror, entry->type, entry->dbid);
    *deed = MIRROR_SAME;
    if (before && before->seen.rev > entry->rev) return ERR_OK;
    if (before && before->seen.rev == entry->rev && text_eq(before->body, entry->body)) {
        before->round = mirror->round;
        return ERR_OK;
    }
    struct scope *life = scope_new(mirror->life, "object", OBJECT_BYTES_MAX);
    struct object *object = scope_alloc(life, sizeof *object);
    object->life = life;
    object->round = mirror->round;
    enum err err = decode(entry, life, object, fault);
    if (before) *deed = mirror_delete(mirror, entry->type, entry->dbid);
    if (err || text_eq(object->seen.fields->state, TEXT("disabled"))) {
        scope_close(life);
        return err;
    }
    put_in(get_index(mirror, entry->type), object);
    *deed = before ? MIRROR_CHANGED : MIRROR_ADDED;
    return ERR_OK;
}

void mirror_settle(struct mirror *mirror)
{
    for (struct list *node; (node = list_first(&mirror->retired)) != NULL;) {
        list_remove(node);
        scope_close(LIST_OBJECT(node, struct object, retired)->life);
    }
}

void mirror_forget_revs(struct mirror *mirror)
{
    for (struct type_index *index = mirror->types; index; index = index->next)
        for (size_t i = 0; i < index->count; i++) index->at[i]->seen.rev = 0;
}

void mirror_begin_snapshot(struct mirror *mirror)
{
    mirror->round++;
}

uint32_t mirror_end_snapshot(struct mirror *mirror)
{
    uint32_t deleted = 0;
    for (struct type_index *index = mirror->types; index; index = index->next)
        for (size_t i = index->count; i-- > 0;)
            if (index->at[i]->round != mirror->round) {
                take_out(mirror, index, i);
                deleted++;
            }
    return deleted;
}

const struct app_object *mirror_find(const struct mirror *mirror, const struct object_type *type,
                                     struct text key)
{
    const struct type_index *index = find_index(mirror, type);
    return index ? table_get(index->by_key, key) : NULL;
}

const struct app_object *mirror_find_dbid(const struct mirror *mirror,
                                          const struct object_type *type, uint32_t dbid)
{
    const struct object *object = find_object(mirror, type, dbid);
    return object ? &object->seen : NULL;
}

const struct app_object *mirror_next(const struct mirror *mirror, const struct object_type *type,
                                     size_t *at)
{
    const struct type_index *index = find_index(mirror, type);
    if (index == NULL || *at >= index->count) return NULL;
    return &index->at[(*at)++]->seen;
}

void mirror_each(const struct mirror *mirror,
                 void (*each)(void *self, const struct mirror_entry *entry), void *self)
{
    for (const struct type_index *index = mirror->types; index; index = index->next)
        for (size_t i = 0; i < index->count; i++) {
            const struct app_object *seen = &index->at[i]->seen;
            struct mirror_entry entry = { .type = seen->type,
                                          .dbid = seen->dbid,
                                          .rev = seen->rev,
                                          .tenant = seen->tenant,
                                          .key = seen->key,
                                          .body = index->at[i]->body };
            each(self, &entry);
        }
}

size_t mirror_count(const struct mirror *mirror)
{
    size_t count = 0;
    for (const struct type_index *index = mirror->types; index; index = index->next)
        count += index->count;
    return count;
}
