/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/ring.h"

#include <stdlib.h>

enum { ROOM_FIRST = 8 };

void ring_begin(struct ring *ring, uint64_t seq)
{
    ring->gone_seq = ring->last_seq = seq;
}

static struct ring_entry *entry_at(const struct ring *ring, uint32_t index)
{
    return &ring->at[(ring->first + index) % ring->room];
}

static void grow(struct ring *ring)
{
    uint32_t room = ring->room ? ring->room * 2 : ROOM_FIRST;
    struct ring_entry *at = calloc(room, sizeof *at);
    ASSERT(at != NULL);
    for (uint32_t i = 0; i < ring->count; i++) at[i] = *entry_at(ring, i);
    free(ring->at);
    ring->at = at;
    ring->room = room;
    ring->first = 0;
}

static void drop_first(struct ring *ring, void (*drop)(struct frame *frame))
{
    struct ring_entry gone = *entry_at(ring, 0);
    ring->first = (ring->first + 1) % ring->room;
    ring->count--;
    ring->bytes -= gone.bytes;
    ring->gone_seq = gone.seq;
    drop(gone.frame);
}

void ring_add(struct ring *ring, const struct ring_limits *limits, const struct ring_entry *entry,
              void (*drop)(struct frame *frame))
{
    ASSERT(entry->seq > ring->last_seq);
    while (ring->count && ring->count >= limits->count) drop_first(ring, drop);
    if (ring->count == ring->room) grow(ring);
    *entry_at(ring, ring->count) = *entry;
    ring->count++;
    ring->bytes += entry->bytes;
    ring->last_seq = entry->seq;
    while (ring->bytes > limits->bytes) drop_first(ring, drop);
}

void ring_acknowledge(struct ring *ring, uint64_t seq, void (*drop)(struct frame *frame))
{
    while (ring->count && entry_at(ring, 0)->seq <= seq) drop_first(ring, drop);
    if (ring->count == 0 && ring->at) { /* back to what an idle desktop costs */
        free(ring->at);
        ring->at = NULL;
        ring->room = ring->first = 0;
    }
}

bool ring_can_resume(const struct ring *ring, uint64_t seq)
{
    return seq >= ring->gone_seq && seq <= ring->last_seq;
}

bool ring_answers(const struct ring *ring, uint64_t ref)
{
    for (uint32_t i = 0; ref && i < ring->count; i++)
        if (entry_at(ring, i)->ref == ref) return true;
    return false;
}

const struct ring_entry *ring_after(const struct ring *ring, uint64_t seq, uint32_t *at)
{
    while (*at < ring->count) {
        const struct ring_entry *entry = entry_at(ring, (*at)++);
        if (entry->seq > seq) return entry;
    }
    return NULL;
}

void ring_free(struct ring *ring, void (*drop)(struct frame *frame))
{
    while (ring->count) drop_first(ring, drop);
    free(ring->at);
    ring->at = NULL;
    ring->room = ring->first = 0;
}
