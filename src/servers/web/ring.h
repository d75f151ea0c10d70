/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - the frames that a desktop may still need after a lost connection, and the rule of resume
 * (README.md, Resume).
 * Promise  a resume after N is complete when every frame of this desktop behind N is still here and
 *          N is one it can have seen.
 * Bound    count and bytes; past either the oldest goes, and then who has not seen it has missed
 *          something. An unused ring has no memory.
 * Pure     no clock, no I/O. `drop` lets a frame go. */
#ifndef SERVERS_WEB_RING_H
#define SERVERS_WEB_RING_H

#include "base/text.h"

struct frame;

struct ring_entry {
    uint64_t seq;
    struct frame *frame;
    uint32_t bytes;
    uint64_t ref; /* of the request that it answers for good; 0: none */
};

struct ring {
    struct ring_entry *at;
    uint32_t room, first, count, bytes;
    uint64_t gone_seq; /* everything up to it is not here any more */
    uint64_t last_seq; /* of the last one that was added; else where the desktop began */
};

struct ring_limits {
    uint32_t count, bytes;
};

/* The desktop begins: nothing up to `seq` was for it. */
void ring_begin(struct ring *ring, uint64_t seq);
/* Takes the frame; `seq` is higher than any before. */
void ring_add(struct ring *ring, const struct ring_limits *limits, const struct ring_entry *entry,
              void (*drop)(struct frame *frame));
/* The client has handled everything up to `seq`. */
void ring_acknowledge(struct ring *ring, uint64_t seq, void (*drop)(struct frame *frame));
bool ring_can_resume(const struct ring *ring, uint64_t seq);
/* The client has, or will get, an answer for good to its request `ref`: to carry out a repeat now
 * could do after a refusal what the client, who hears the refusal, believes not done. */
bool ring_answers(const struct ring *ring, uint64_t ref);
/* `for (uint32_t i = 0; (entry = ring_after(ring, seq, &i)) != NULL;)`: each behind `seq`. */
const struct ring_entry *ring_after(const struct ring *ring, uint64_t seq, uint32_t *at);
void ring_free(struct ring *ring, void (*drop)(struct frame *frame));

#endif
