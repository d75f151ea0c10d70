/* SPDX-License-Identifier: Apache-2.0 */
/* ground.h - what the tests of the store stand on: a temporary folder or a schema of a PostgreSQL,
 * a small table, and results that are remembered. The programs run twice: where STORE_ON is
 * `postgresql` in the environment everything but the simulated disk is there. */
#ifndef TESTS_UNIT_STORE_GROUND_H
#define TESTS_UNIT_STORE_GROUND_H

#include "store/store.h"
#include "tests/unit/store/postgres_server.h"
#include "tests/unit/test.h"

enum { ANSWERS_MAX = 4096 };

/* A store on a loop; the world of one test. */
struct ground {
    struct scope *life, *store_life;
    struct loop *loop;
    struct store *store;
    char folder[64], path[160];
    struct store_options options;
    uint64_t seed; /* of a virtual loop's chance */
};

/* What callbacks brought, in their order. */
struct answers {
    struct loop *stop_loop; /* stopped when `wanted` came; NULL: not */
    uint32_t count, wanted;
    enum err err[ANSWERS_MAX];
    int64_t rowid[ANSWERS_MAX];
    int failed_statement;
    char words[200];
};

const struct migration *ground_migrations(void); /* the common ones, and note */
extern const struct statement insert_note, insert_note_by_id, count_notes, update_note;

void ground_begin(struct ground *ground, bool is_virtual);        /* a fresh file */
void ground_begin_memory(struct ground *ground);                  /* VIRTUAL */
void ground_begin_disk(struct ground *ground);                    /* VIRTUAL, sim_disk.h */
enum err ground_open(struct ground *ground, struct fault *fault); /* again, after ground_close */
void ground_close(struct ground *ground);                         /* the store alone: the crash */
void ground_empty(struct ground *ground);                         /* and nothing is left of it */
void ground_end(struct ground *ground);

/* note(id, words UNIQUE): one row. */
struct change *note_change(struct ground *ground, int64_t id, const char *words);
void submit_note(struct ground *ground, int64_t id, const char *words, struct answers *answers);
void on_answer(void *self, const struct change_result *result);
int64_t ask_i64(struct ground *ground, const struct statement *statement); /* now */

#endif
