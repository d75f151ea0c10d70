/* SPDX-License-Identifier: Apache-2.0 */
/* import_keys.h - what an import has seen: numbers, to find duplicates, and the keys that group
 * rows into chains. Both are kept as keyed 64-bit hashes, so that memory is bounded by the number
 * of entries and never by their text (docs/decisions/0014-import.md says why not on disk).
 * Chance   of n entries a stranger is taken for one of them with n / 2^64: among five million all
 *          pairs together 7e-7.
 * Size     a number takes 8 bytes, a chain key 16, at a load of 3/8 to 3/4; past IMPORT_KEYS_MAX
 *          nothing more is taken in.
 * Pure     the memory is malloc's, closed with the scope. */
#ifndef SERVERS_OUTBOUND_IMPORT_KEYS_H
#define SERVERS_OUTBOUND_IMPORT_KEYS_H

#include "base/scope.h"

enum { IMPORT_KEYS_MAX = 50 * 1000 * 1000 };

/* Never 0. */
uint64_t import_key_hash(uint64_t seed, struct text key);
/* Numbers compare by their digits, addresses without case, as on the Do-Not-Call list (dnc.h). */
uint64_t import_number_hash(uint64_t seed, struct text number);

struct import_numbers;
struct import_numbers *import_numbers_new(struct scope *owner);
enum import_seen { IMPORT_NEW, IMPORT_SEEN, IMPORT_TOO_MANY };
enum import_seen import_numbers_add(struct import_numbers *numbers, uint64_t hash);

/* A chain of the import: its ordinal among them, and how many records it has. */
struct import_place {
    uint64_t ordinal;
    uint32_t records;
};
struct import_chains;
struct import_chains *import_chains_new(struct scope *owner);
bool import_chains_find(const struct import_chains *chains, uint64_t hash,
                        struct import_place *out);
/* False: there are too many. */
bool import_chains_put(struct import_chains *chains, uint64_t hash, struct import_place place);

#endif
