/* SPDX-License-Identifier: Apache-2.0 */
/* import_private.h - the inside of imports, for import*.c. Begin reading at begin() in import.c,
 * then take_slice() in import_slice.c.
 *
 * An import is loaded from the store when its tool says ImportBegin, and forgotten when it ends,
 * when a slice could not be stored, or when others need its place: what is in memory (figures,
 * numbers seen, chains) runs ahead of what is durable by the slices that are being written, so
 * after an error it is thrown away and loaded again. */
#ifndef SERVERS_OUTBOUND_IMPORT_PRIVATE_H
#define SERVERS_OUTBOUND_IMPORT_PRIVATE_H

#include "servers/outbound/import_keys.h"
#include "servers/outbound/import_row.h"
#include "servers/outbound/import_zone.h"
#include "servers/outbound/outbound.h"

enum {
    IMPORT_REJECTS_KEPT = 10000, /* once it has ended */
    IMPORT_PLACE_BITS = 16,      /* of a reject: its number within its slice */
    IMPORT_AHEAD_MAX = 2,        /* slices that are being written */
    IMPORT_CHUNK = 2000,         /* chains released or undone in one change */
    IMPORT_COUNT_FIRST = 4000,   /* rows; see import_count_anew() */
};

enum import_state {
    IMPORT_UNDER_WAY = 1,
    IMPORT_RELEASING,
    IMPORT_ENDED,
    IMPORT_UNDOING,
    IMPORT_UNDONE,
};

/* What is done with a number that is there already, or that must not be called. */
enum import_rule { IMPORT_RULE_OFF, IMPORT_RULE_REPORT, IMPORT_RULE_REJECT };

struct import_figures {
    uint64_t slices, inserted, rejected, chains, duplicates, do_not_call;
};

struct import {
    struct scope *life;
    struct outbound *server;
    uint64_t id;
    enum import_state state;
    struct text key, columns, rules; /* the latter two must be the same when it goes on */
    uint32_t list_dbid;
    uint32_t customer_slot; /* of the customer id; UINT32_MAX: the file has none */
    struct text list_name, file_name;
    uint64_t total_bytes;
    struct list_table *table;
    struct import_map map;
    struct import_zone_book *zones;
    const struct statement *insert;
    enum import_rule duplicates, do_not_call;
    bool is_whole;
    struct value *values;    /* of one row, by slot */
    struct value *all_cells; /* of one row, by column; foreign tables alone */
    struct text *cells;

    uint64_t seed; /* of hashes */
    int64_t chain_base;
    uint64_t chain_count;           /* set aside */
    uint64_t done_chains;           /* released, undone */
    uint64_t counted;               /* rows, or chains, when the store counted anew */
    struct scope *seen;             /* of the next two */
    struct import_numbers *numbers; /* NULL: duplicates are kept */
    struct import_chains *chains;   /* NULL: the file has no chain_key */

    struct import_figures durable, ahead;
    uint64_t read_offset, read_line; /* durable */
    uint64_t ahead_offset;
    uint32_t ahead_count;
    bool is_broken;         /* a slice could not be stored: refuses all until it is loaded again */
    struct list waiting;    /* of struct slice */
    uint64_t heard_mono_ms; /* its tool, for the last time */

    /* The chain that the next row may go on with. */
    uint64_t last_line; /* of the file; UINT64_MAX: none yet. A line is never cut by a slice */
    uint64_t last_hash; /* 0: it has no key */
    struct import_place last_place;
    struct buf last_key;
};

/* import.c */
struct import *import_find(struct outbound *server, uint64_t id);
void import_forget(struct import *import);
const char *import_state_name(int64_t state);
/* So many rows were written, or chains released or undone: the store counts when they have doubled,
 * and at the end. */
void import_count_anew(struct import *import, uint64_t written, bool is_last);
/* The store's row has these columns, in this order. */
#define IMPORT_COLUMNS                                                                             \
    "import_id, list_dbid, columns, rules, state, slices, inserted, rejected, chains, "            \
    "duplicates, do_not_call, key_seed, chain_base, chain_count, read_offset, read_line, "         \
    "done_chains, is_whole, file_name, table_name"
enum import_column {
    IMPORT_COLUMN_ID,
    IMPORT_COLUMN_LIST,
    IMPORT_COLUMN_COLUMNS,
    IMPORT_COLUMN_RULES,
    IMPORT_COLUMN_STATE,
    IMPORT_COLUMN_SLICES,
    IMPORT_COLUMN_INSERTED,
    IMPORT_COLUMN_REJECTED,
    IMPORT_COLUMN_CHAINS,
    IMPORT_COLUMN_DUPLICATES,
    IMPORT_COLUMN_DO_NOT_CALL,
    IMPORT_COLUMN_SEED,
    IMPORT_COLUMN_CHAIN_BASE,
    IMPORT_COLUMN_CHAIN_COUNT,
    IMPORT_COLUMN_OFFSET,
    IMPORT_COLUMN_LINE,
    IMPORT_COLUMN_DONE_CHAINS,
    IMPORT_COLUMN_IS_WHOLE,
    IMPORT_COLUMN_FILE_NAME,
    IMPORT_COLUMN_TABLE,
};

/* import_load.c: what was seen before, from the table and from earlier slices. */
void import_load(struct import *import,
                 void (*on_loaded)(struct import *import, const struct fault *fault, void *self),
                 void *self);

/* import_slice.c */
/* Refuse what waits, and forget the import once nothing of it is being written any more. */
void import_break_off(struct import *import);
void import_on_rows(void *self, struct link_request *request, const void *fields);

/* import_finish.c */
void import_on_end(void *self, struct link_request *request, const void *fields);
void import_on_undo(void *self, struct link_request *request, const void *fields);

#endif
