/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing in PARTS parts that grow each for itself: what is copied at a time stays small.
 */
#include "servers/outbound/import_keys.h"

#include <stdlib.h>
#include <string.h>

enum {
    PARTS = 256,
    PART_SHIFT = 56, /* the hash's upper bits choose the part, the lower ones the place */
    ROOM_FIRST = 64,
    NUMBER_BYTES_MAX = 160,
    RECORDS_BITS = 8,
};

/* --- hashes --- */

/* Of two 64-bit words all 128 bits of the product. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide; /* gcc and clang have it on all our machines */
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t import_key_hash(uint64_t seed, struct text key)
{
    uint64_t hash = seed ^ mix(key.len + 1, UINT64_C(0xA0761D6478BD642F));
    size_t at = 0;
    while (at < key.len) {
        uint64_t low = 0, high = 0;
        size_t left = key.len - at;
        memcpy(&low, key.at + at, left < 8 ? left : 8);
        if (left > 8) memcpy(&high, key.at + at + 8, left < 16 ? left - 8 : 8);
        hash = mix(low ^ UINT64_C(0xE7037ED1A0B428DB) ^ hash, high ^ UINT64_C(0x8EBC6AF09C88C6E3));
        at += 16;
    }
    hash = mix(hash ^ seed, UINT64_C(0x589965CC75374CC3));
    return hash ? hash : 1;
}

static bool is_sign_of_numbers(char c)
{
    return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/' || c == '+';
}

uint64_t import_number_hash(uint64_t seed, struct text number)
{
    char bytes[NUMBER_BYTES_MAX];
    size_t len = 0;
    if (number.len > sizeof bytes) return import_key_hash(seed, number);
    for (size_t i = 0; i < number.len; i++) {
        char c = number.at[i];
        if (c >= '0' && c <= '9') {
            bytes[len++] = c;
        } else if (!is_sign_of_numbers(c)) {
            len = 0;
            for (i = 0; i < number.len; i++) {
                c = number.at[i];
                bytes[len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
            }
        }
    }
    return import_key_hash(seed, (struct text){ bytes, len });
}

/* --- numbers --- */

struct number_part {
    uint64_t *slots; /* 0: free */
    uint32_t room, count;
};

struct import_numbers {
    struct number_part parts[PARTS];
    size_t count;
};

static void numbers_drop(void *self)
{
    struct import_numbers *numbers = self;
    for (uint32_t i = 0; i < PARTS; i++) free(numbers->parts[i].slots);
}

struct import_numbers *import_numbers_new(struct scope *owner)
{
    struct import_numbers *numbers = scope_alloc(owner, sizeof *numbers);
    scope_on_close(owner, numbers_drop, numbers);
    return numbers;
}

/* The slot that holds the hash, or the free one where it belongs. */
static uint64_t *number_slot(const struct number_part *part, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (part->room - 1);
    while (part->slots[at] && part->slots[at] != hash) at = (at + 1) & (part->room - 1);
    return &part->slots[at];
}

static void number_part_grow(struct number_part *part)
{
    struct number_part grown = { .room = part->room ? part->room * 2 : ROOM_FIRST,
                                 .count = part->count };
    grown.slots = calloc(grown.room, sizeof *grown.slots);
    ASSERT(grown.slots != NULL);
    for (uint32_t i = 0; i < part->room; i++)
        if (part->slots[i]) *number_slot(&grown, part->slots[i]) = part->slots[i];
    free(part->slots);
    *part = grown;
}

static bool is_crowded(uint32_t count, uint32_t room)
{
    return count + 1 > room / 4 * 3;
}

enum import_seen import_numbers_add(struct import_numbers *numbers, uint64_t hash)
{
    struct number_part *part = &numbers->parts[hash >> PART_SHIFT];
    if (part->room && *number_slot(part, hash)) return IMPORT_SEEN;
    if (numbers->count >= IMPORT_KEYS_MAX) return IMPORT_TOO_MANY;
    if (is_crowded(part->count, part->room)) number_part_grow(part);
    *number_slot(part, hash) = hash;
    part->count++;
    numbers->count++;
    return IMPORT_NEW;
}

/* --- chains --- */

struct chain_slot {
    uint64_t hash;  /* 0: free */
    uint64_t place; /* ordinal, then the records in RECORDS_BITS */
};

struct chain_part {
    struct chain_slot *slots;
    uint32_t room, count;
};

struct import_chains {
    struct chain_part parts[PARTS];
    size_t count;
};

static void chains_drop(void *self)
{
    struct import_chains *chains = self;
    for (uint32_t i = 0; i < PARTS; i++) free(chains->parts[i].slots);
}

struct import_chains *import_chains_new(struct scope *owner)
{
    struct import_chains *chains = scope_alloc(owner, sizeof *chains);
    scope_on_close(owner, chains_drop, chains);
    return chains;
}

static struct chain_slot *chain_slot(const struct chain_part *part, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (part->room - 1);
    while (part->slots[at].hash && part->slots[at].hash != hash) at = (at + 1) & (part->room - 1);
    return &part->slots[at];
}

static void chain_part_grow(struct chain_part *part)
{
    struct chain_part grown = { .room = part->room ? part->room * 2 : ROOM_FIRST,
                                .count = part->count };
    grown.slots = calloc(grown.room, sizeof *grown.slots);
    ASSERT(grown.slots != NULL);
    for (uint32_t i = 0; i < part->room; i++)
        if (part->slots[i].hash) *chain_slot(&grown, part->slots[i].hash) = part->slots[i];
    free(part->slots);
    *part = grown;
}

bool import_chains_find(const struct import_chains *chains, uint64_t hash, struct import_place *out)
{
    const struct chain_part *part = &chains->parts[hash >> PART_SHIFT];
    if (part->room == 0) return false;
    const struct chain_slot *slot = chain_slot(part, hash);
    if (slot->hash == 0) return false;
    out->ordinal = slot->place >> RECORDS_BITS;
    out->records = (uint32_t)slot->place & ((1u << RECORDS_BITS) - 1);
    return true;
}

bool import_chains_put(struct import_chains *chains, uint64_t hash, struct import_place place)
{
    struct chain_part *part = &chains->parts[hash >> PART_SHIFT];
    struct chain_slot *slot = part->room ? chain_slot(part, hash) : NULL;
    if (slot == NULL || slot->hash == 0) {
        if (chains->count >= IMPORT_KEYS_MAX) return false;
        if (is_crowded(part->count, part->room)) chain_part_grow(part);
        slot = chain_slot(part, hash);
        part->count++;
        chains->count++;
    }
    *slot = (struct chain_slot){ hash, place.ordinal << RECORDS_BITS | place.records };
    return true;
}
