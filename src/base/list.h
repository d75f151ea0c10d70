/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - a doubly linked ring whose nodes lie inside their objects. A zeroed node is in no list;
 * list_init() makes an empty ring. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_OBJECT(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
#define LIST_EACH(node, ring)                                                                      \
    for (struct list *node = (ring)->next; node != (ring); node = node->next)

static inline void list_init(struct list *ring)
{
    ring->next = ring->prev = ring;
}
static inline bool list_is_empty(const struct list *ring)
{
    return ring->next == ring;
}
static inline bool list_is_linked(const struct list *node)
{
    return node->next != NULL;
}
static inline void list_add_last(struct list *ring, struct list *node)
{
    node->prev = ring->prev;
    node->next = ring;
    ring->prev->next = node;
    ring->prev = node;
}
static inline void list_remove(struct list *node) /* in no list: nothing happens */
{
    if (node->next == NULL) return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}
static inline struct list *list_first(const struct list *ring) /* NULL when empty */
{
    return ring->next == ring ? NULL : ring->next;
}

#endif
