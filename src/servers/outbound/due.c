/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/due.h"

#include "base/err.h"

#include <stdlib.h>

static void put(struct due_heap *heap, uint32_t place, struct due *due)
{
    heap->at[place - 1] = due;
    due->place = place;
}

static void rise(struct due_heap *heap, struct due *due)
{
    uint32_t place = due->place;
    while (place > 1 && heap->at[place / 2 - 1]->utc_ms > due->utc_ms) {
        put(heap, place, heap->at[place / 2 - 1]);
        place /= 2;
    }
    put(heap, place, due);
}

static void sink(struct due_heap *heap, struct due *due)
{
    uint32_t place = due->place;
    for (uint32_t child; (child = place * 2) <= heap->count; place = child) {
        if (child < heap->count && heap->at[child]->utc_ms < heap->at[child - 1]->utc_ms) child++;
        if (heap->at[child - 1]->utc_ms >= due->utc_ms) break;
        put(heap, place, heap->at[child - 1]);
    }
    put(heap, place, due);
}

void due_add(struct due_heap *heap, struct due *due)
{
    ASSERT(due->place == 0);
    if (heap->count == heap->room) {
        heap->room = heap->room ? heap->room * 2 : 16;
        heap->at = realloc(heap->at, heap->room * sizeof(struct due *));
        ASSERT(heap->at != NULL);
    }
    heap->count++;
    put(heap, heap->count, due);
    rise(heap, due);
}

void due_remove(struct due_heap *heap, struct due *due)
{
    if (due->place == 0) return;
    struct due *last = heap->at[--heap->count];
    uint32_t place = due->place;
    due->place = 0;
    if (last == due) return;
    put(heap, place, last);
    sink(heap, last);
    rise(heap, last);
}

void due_free(struct due_heap *heap)
{
    free(heap->at);
    *heap = (struct due_heap){ 0 };
}
