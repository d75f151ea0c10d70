/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing and backward-shift removal: no tombstones to sweep. */
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct text key;
    uint64_t hash;
    void *value; /* NULL: free place */
};

struct table {
    struct entry *entries;
    size_t count, room; /* room is a power of two, or 0 */
};

static void table_drop(void *self)
{
    struct table *table = self;
    free(table->entries);
    table->entries = NULL;
}

struct table *table_new(struct scope *owner)
{
    struct table *table = scope_alloc(owner, sizeof *table);
    scope_on_close(owner, table_drop, table);
    return table;
}

/* The entry of `key`, or the free place where it belongs. */
static struct entry *place_of(const struct table *table, struct text key, uint64_t hash)
{
    size_t mask = table->room - 1;
    size_t at = (size_t)hash & mask;
    while (table->entries[at].value &&
           (table->entries[at].hash != hash || !text_eq(table->entries[at].key, key)))
        at = (at + 1) & mask;
    return &table->entries[at];
}

static void table_grow(struct table *table)
{
    struct entry *old = table->entries;
    size_t old_room = table->room;
    table->room = old_room ? old_room * 2 : 16;
    table->entries = calloc(table->room, sizeof *table->entries);
    ASSERT(table->entries != NULL);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].value) *place_of(table, old[i].key, old[i].hash) = old[i];
    free(old);
}

void *table_get(const struct table *table, struct text key)
{
    return table->room ? place_of(table, key, text_hash(key))->value : NULL;
}

void table_put(struct table *table, struct text key, void *value)
{
    ASSERT(value != NULL);
    if (table->count * 4 >= table->room * 3) table_grow(table);
    uint64_t hash = text_hash(key);
    struct entry *entry = place_of(table, key, hash);
    if (entry->value == NULL) table->count++;
    *entry = (struct entry){ key, hash, value };
}

void *table_remove(struct table *table, struct text key)
{
    if (table->room == 0) return NULL;
    struct entry *entry = place_of(table, key, text_hash(key));
    void *value = entry->value;
    if (value == NULL) return NULL;
    size_t mask = table->room - 1;
    size_t hole = (size_t)(entry - table->entries);
    for (size_t at = (hole + 1) & mask; table->entries[at].value; at = (at + 1) & mask) {
        size_t home = (size_t)table->entries[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        table->entries[hole] = table->entries[at];
        hole = at;
    }
    table->entries[hole].value = NULL;
    table->count--;
    return value;
}

size_t table_count(const struct table *table)
{
    return table->count;
}

void table_clear(struct table *table)
{
    if (table->room) memset(table->entries, 0, table->room * sizeof *table->entries);
    table->count = 0;
}

void *table_next(const struct table *table, size_t *at)
{
    while (*at < table->room) {
        void *value = table->entries[(*at)++].value;
        if (value) return value;
    }
    return NULL;
}

struct slot {
    void *object;
    uint32_t age, next_free; /* next_free: index + 1, 0 is none */
};

struct slots {
    struct slot *slots;
    uint32_t used, room, count, count_max, first_free;
};

static void slots_drop(void *self)
{
    struct slots *slots = self;
    free(slots->slots);
    slots->slots = NULL;
}

struct slots *slots_new(struct scope *owner, uint32_t count_max)
{
    struct slots *slots = scope_alloc(owner, sizeof *slots);
    slots->count_max = count_max;
    scope_on_close(owner, slots_drop, slots);
    return slots;
}

uint64_t slot_add(struct slots *slots, void *object)
{
    ASSERT(object != NULL);
    if (slots->count >= slots->count_max) return 0;
    uint32_t index;
    if (slots->first_free) {
        index = slots->first_free - 1;
        slots->first_free = slots->slots[index].next_free;
    } else {
        if (slots->used == slots->room) {
            slots->room = slots->room ? slots->room * 2 : 16;
            slots->slots = realloc(slots->slots, slots->room * sizeof *slots->slots);
            ASSERT(slots->slots != NULL);
        }
        index = slots->used++;
        slots->slots[index].age = 0;
    }
    struct slot *slot = &slots->slots[index];
    slot->age++;
    slot->object = object;
    slots->count++;
    return (uint64_t)slot->age << 32 | index;
}

static struct slot *slot_of(const struct slots *slots, uint64_t id)
{
    uint32_t index = (uint32_t)id;
    if (index >= slots->used) return NULL;
    struct slot *slot = &slots->slots[index];
    return slot->object && slot->age == (uint32_t)(id >> 32) ? slot : NULL;
}

void *slot_find(const struct slots *slots, uint64_t id)
{
    struct slot *slot = slot_of(slots, id);
    return slot ? slot->object : NULL;
}

void slot_remove(struct slots *slots, uint64_t id)
{
    struct slot *slot = slot_of(slots, id);
    if (slot == NULL) return;
    slot->object = NULL;
    slots->count--;
    slot->next_free = slots->first_free;
    slots->first_free = (uint32_t)id + 1;
}

uint32_t slots_count(const struct slots *slots)
{
    return slots->count;
}
