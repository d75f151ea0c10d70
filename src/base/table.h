/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - a hash table from text keys to pointers, and slots: ids that outlive their objects.
 * Owner    the table keeps views of the keys: the key's bytes must live as long as the entry
 *          (usually inside the value). Use TEXT_OF(&object->id) for numeric keys.
 * Order    table_next() walks in no promised order; do not change the table while walking. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/scope.h"

struct table;

struct table *table_new(struct scope *owner);
void *table_get(const struct table *table, struct text key);       /* NULL: not there */
void table_put(struct table *table, struct text key, void *value); /* replaces key and value */
void *table_remove(struct table *table, struct text key);          /* the value, or NULL */
size_t table_count(const struct table *table);
void table_clear(struct table *table);
/* `for (size_t at = 0; (value = table_next(table, &at)) != NULL;)` */
void *table_next(const struct table *table, size_t *at);

/* An id is a slot and its age: after slot_remove() the id finds nothing, for ever (style 5). 0 is
 * never an id. */
struct slots;

struct slots *slots_new(struct scope *owner, uint32_t count_max);
uint64_t slot_add(struct slots *slots, void *object); /* 0 when count_max are taken */
void *slot_find(const struct slots *slots, uint64_t id);
void slot_remove(struct slots *slots, uint64_t id);
uint32_t slots_count(const struct slots *slots);

#endif
