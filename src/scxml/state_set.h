/* SPDX-License-Identifier: Apache-2.0 */
/* state_set.h - sets of states, a bit each in document order. A subtree is a range of bits, so what
 * a transition exits and enters is a few words. Ranges are from .. to-1. */
#ifndef SCXML_STATE_SET_H
#define SCXML_STATE_SET_H

#include "scxml/document.h"

static inline uint32_t scxml_set_words(uint32_t state_count)
{
    return (state_count + 63) / 64;
}
static inline bool scxml_set_has(const uint64_t *set, uint32_t state)
{
    return set[state / 64] >> (state % 64) & 1;
}
static inline void scxml_set_add(uint64_t *set, uint32_t state)
{
    set[state / 64] |= 1ULL << (state % 64);
}
static inline void scxml_set_remove(uint64_t *set, uint32_t state)
{
    set[state / 64] &= ~(1ULL << (state % 64));
}
/* The bits of word `word` that lie in the range. */
static inline uint64_t scxml_set_mask(uint32_t word, uint32_t from, uint32_t to)
{
    uint64_t mask = UINT64_MAX;
    if (word == from / 64) mask &= UINT64_MAX << (from % 64);
    if (word == to / 64) mask &= ~(UINT64_MAX << (to % 64));
    return mask;
}
static inline void scxml_set_clear(uint64_t *set, uint32_t from, uint32_t to)
{
    if (from >= to) return;
    uint32_t first = from / 64, last = (to - 1) / 64;
    set[first] &= ~scxml_set_mask(first, from, to);
    for (uint32_t word = first + 1; word < last; word++) set[word] = 0;
    if (last != first) set[last] &= ~scxml_set_mask(last, from, to);
}
/* The first and the last member of both sets in the range, SCXML_NONE where there is none. */
static inline uint32_t scxml_set_first(const uint64_t *set, const uint64_t *other, uint32_t from,
                                       uint32_t to)
{
    for (uint32_t word = from / 64; from < to && word <= (to - 1) / 64; word++) {
        uint64_t bits = set[word] & other[word] & scxml_set_mask(word, from, to);
        if (bits) return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return SCXML_NONE;
}
static inline uint32_t scxml_set_last(const uint64_t *set, const uint64_t *other, uint32_t from,
                                      uint32_t to)
{
    if (from >= to) return SCXML_NONE;
    for (uint32_t word = (to - 1) / 64 + 1; word-- > from / 64;) {
        uint64_t bits = set[word] & other[word] & scxml_set_mask(word, from, to);
        if (bits) return word * 64 + 63 - (uint32_t)__builtin_clzll(bits);
    }
    return SCXML_NONE;
}

#endif
