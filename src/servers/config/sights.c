/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/sights.h"

#include "base/table.h"

enum { PIECE_BITS = 4096, WORD_BITS = 64 };

struct piece_key {
    uint32_t code, number;
};

struct piece {
    struct piece_key key;
    uint64_t words[PIECE_BITS / WORD_BITS];
};

struct sights {
    struct scope *owner;
    struct table *pieces;
};

struct sights *sights_new(struct scope *owner)
{
    struct sights *sights = scope_alloc(owner, sizeof *sights);
    *sights = (struct sights){ owner, table_new(owner) };
    return sights;
}

static struct piece *find(const struct sights *sights, const struct object_type *type,
                          uint32_t dbid)
{
    struct piece_key key = { type->code, dbid / PIECE_BITS };
    return table_get(sights->pieces, TEXT_OF(&key));
}

static uint64_t bit_of(uint32_t dbid)
{
    return UINT64_C(1) << (dbid % WORD_BITS);
}

bool sights_has(const struct sights *sights, const struct object_type *type, uint32_t dbid)
{
    const struct piece *piece = find(sights, type, dbid);
    return piece && (piece->words[dbid % PIECE_BITS / WORD_BITS] & bit_of(dbid));
}

void sights_set(struct sights *sights, const struct object_type *type, uint32_t dbid, bool is_seen)
{
    struct piece *piece = find(sights, type, dbid);
    if (piece == NULL && !is_seen) return;
    if (piece == NULL) {
        piece = scope_alloc(sights->owner, sizeof *piece);
        piece->key = (struct piece_key){ type->code, dbid / PIECE_BITS };
        table_put(sights->pieces, TEXT_OF(&piece->key), piece);
    }
    uint64_t *word = &piece->words[dbid % PIECE_BITS / WORD_BITS];
    *word = is_seen ? *word | bit_of(dbid) : *word & ~bit_of(dbid);
}
