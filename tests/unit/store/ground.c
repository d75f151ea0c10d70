/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/ground.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMON_FILES = 3 };
static char common_sql[COMMON_FILES][8192]; /* schema/sql/common, as it is */

static struct migration migrations[] = {
    { 1, common_sql[0] }, { 2, common_sql[1] },
    { 3, common_sql[2] }, { 4, "CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT UNIQUE);" },
    { 0, NULL },
};

static void read_common(const char *path, char out[8192])
{
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    size_t len = fread(out, 1, sizeof common_sql[0] - 1, file);
    CHECK(len > 0 && len < sizeof common_sql[0] - 1);
    (void)fclose(file);
}

const struct migration *ground_migrations(void)
{
    if (common_sql[0][0] != '\0') return migrations;
    read_common(COMMON_SQL_DIR "/001-ground.sql", common_sql[0]);
    read_common(COMMON_SQL_DIR "/002-outbox-lanes.sql", common_sql[1]);
    read_common(COMMON_SQL_DIR "/003-outbox-one-index.sql", common_sql[2]);
    return migrations;
}

const struct statement insert_note = { "INSERT INTO note (words) VALUES (?1) RETURNING id" };
const struct statement insert_note_by_id = {
    "INSERT INTO note (id, words) VALUES (?1, ?2) RETURNING id"
};
const struct statement count_notes = { "SELECT count(*) FROM note" };
const struct statement update_note = { "UPDATE note SET words = ?2 WHERE id = ?1" };

enum { UTC_START_MS = 1000000 };

static void find_place(struct ground *ground)
{
    if (postgres_is_chosen()) {
        if (!postgres_server_path(ground->path, sizeof ground->path)) skip();
        return;
    }
    const char *base = getenv("TMPDIR");
    (void)snprintf(ground->folder, sizeof ground->folder, "%s/store-XXXXXX", base ? base : "/tmp");
    CHECK(mkdtemp(ground->folder) != NULL);
    (void)snprintf(ground->path, sizeof ground->path, "%s/test.db", ground->folder);
}

static void begin(struct ground *ground, bool is_virtual)
{
    struct fault fault;
    ground->life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    ground->loop = is_virtual ? loop_new_virtual(ground->life, UTC_START_MS, ground->seed)
                              : loop_new(ground->life);
    CHECK_OK(ground_open(ground, &fault));
}

void ground_begin(struct ground *ground, bool is_virtual)
{
    find_place(ground);
    begin(ground, is_virtual);
}

void ground_begin_memory(struct ground *ground)
{
    if (postgres_is_chosen())
        find_place(ground);
    else
        (void)snprintf(ground->path, sizeof ground->path, ":memory:");
    begin(ground, true);
}

void ground_begin_disk(struct ground *ground)
{
    CHECK(!postgres_is_chosen());
    (void)snprintf(ground->path, sizeof ground->path, "sim:/data/test/test.db");
    begin(ground, true);
}

enum err ground_open(struct ground *ground, struct fault *fault)
{
    ground->store_life = scope_new(ground->life, "store of test", SCOPE_NO_LIMIT);
    return store_open(ground->store_life, ground->loop, NULL, text_of(ground->path),
                      ground_migrations(), &ground->options, &ground->store, fault);
}

void ground_close(struct ground *ground)
{
    scope_close(ground->store_life);
    ground->store_life = NULL;
    ground->store = NULL;
}

void ground_empty(struct ground *ground)
{
    ground_close(ground);
    if (postgres_is_chosen())
        find_place(ground); /* a schema that nobody has used */
    else
        CHECK(unlink(ground->path) == 0);
}

void ground_end(struct ground *ground)
{
    scope_close(ground->life);
    if (ground->folder[0] == '\0') return;
    char path[200];
    const char *endings[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s%s", ground->path, endings[i]);
        (void)unlink(path);
    }
    CHECK(rmdir(ground->folder) == 0);
}

struct change *note_change(struct ground *ground, int64_t id, const char *words)
{
    struct change *change = change_new(ground->store);
    change_add(change, &insert_note_by_id, 1);
    change_bind_i64(change, id);
    change_bind_text(change, text_of(words));
    return change;
}

void submit_note(struct ground *ground, int64_t id, const char *words, struct answers *answers)
{
    change_submit(note_change(ground, id, words), on_answer, answers);
}

void on_answer(void *self, const struct change_result *result)
{
    struct answers *answers = self;
    CHECK(answers->count < ANSWERS_MAX);
    answers->err[answers->count] = result->err;
    answers->rowid[answers->count++] = result->rowid;
    if (result->err) {
        answers->failed_statement = result->failed_statement;
        (void)snprintf(answers->words, sizeof answers->words, "%s", result->words);
    }
    if (answers->stop_loop && answers->count == answers->wanted) loop_stop(answers->stop_loop);
}

static void keep_number(void *self, enum err err, const struct rows *rows)
{
    int64_t *number = self;
    CHECK_OK(err);
    CHECK_U32(rows_count(rows), 1);
    *number = rows_i64(rows, 0, 0);
}

int64_t ask_i64(struct ground *ground, const struct statement *statement)
{
    int64_t number = -1;
    struct query query = { .statement = statement };
    CHECK_OK(store_query_now(ground->store, &query, keep_number, &number));
    return number;
}
