/* SPDX-License-Identifier: Apache-2.0 */
/* due.h - what has to happen at a time, soonest first: a heap of things that carry a `struct due`
 * inside.
 * Cost     adding and removing log(n), the soonest at once; 8 bytes each beside the thing itself.
 * Owner    whoever declared the heap calls due_free(); a zeroed heap is empty.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_DUE_H
#define SERVERS_OUTBOUND_DUE_H

#include <stddef.h>
#include <stdint.h>

struct due {
    uint64_t utc_ms;
    uint32_t place; /* 1 the soonest; 0: in no heap */
};

struct due_heap {
    struct due **at;
    uint32_t count, room;
};

void due_add(struct due_heap *heap, struct due *due);
void due_remove(struct due_heap *heap, struct due *due);         /* in no heap: nothing happens */
static inline struct due *due_first(const struct due_heap *heap) /* NULL: nothing is there */
{
    return heap->count ? heap->at[0] : NULL;
}
void due_free(struct due_heap *heap);

#endif
