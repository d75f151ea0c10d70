/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/ground.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct statement version = {
    "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema_version'"
};

static const struct migration first[] = {
    { 1, "CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER)" }, { 0, NULL }
};
static const struct migration second[] = {
    { 1, "CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER)" },
    { 2, "CREATE TABLE c (x INTEGER); ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 5; -- last" },
    { 0, NULL }
};
static const struct migration broken[] = {
    { 1, "CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER)" },
    { 2, "INSERT INTO a VALUES (7); CREATE TABLE b (y INTEGER)" },
    { 0, NULL }
};

static enum err open_with(struct ground *ground, const struct migration *migrations,
                          struct fault *fault)
{
    if (ground->store_life) scope_close(ground->store_life);
    ground->store_life = scope_new(ground->life, "store of test", SCOPE_NO_LIMIT);
    return store_open(ground->store_life, ground->loop, NULL, text_of(ground->path), migrations,
                      NULL, &ground->store, fault);
}

static void begin_empty(struct ground *ground, const struct migration *migrations)
{
    struct fault fault;
    ground_begin(ground, true);
    ground_empty(ground);
    CHECK_OK(open_with(ground, migrations, &fault));
}

TEST(a_new_database_gets_all_steps_and_a_later_release_adds_its_own)
{
    struct ground ground = { 0 };
    begin_empty(&ground, first);
    CHECK_I64(ask_i64(&ground, &version), 1);
    CHECK_OK(store_execute_now(ground.store, TEXT("INSERT INTO a VALUES (1)"), NULL));
    struct fault fault = { 0 };
    CHECK_OK(open_with(&ground, second, &fault));
    CHECK_TEXT(text_of(fault.words), "");
    CHECK_I64(ask_i64(&ground, &version), 2);
    static const struct statement y = { "SELECT y FROM a" };
    CHECK_I64(ask_i64(&ground, &y), 5);
    CHECK_OK(open_with(&ground, second, NULL)); /* nothing to do */
    CHECK_I64(ask_i64(&ground, &version), 2);
    ground_end(&ground);
}

TEST(a_database_of_the_next_release_opens_one_further_ahead_is_refused)
{
    struct ground ground = { 0 };
    struct fault fault;
    begin_empty(&ground, second);
    CHECK_OK(open_with(&ground, first, NULL));
    CHECK_I64(ask_i64(&ground, &version), 2); /* and it is left as it is */
    CHECK_OK(store_execute_now(ground.store, TEXT("UPDATE meta SET value = '3'"), NULL));
    CHECK_U32(open_with(&ground, first, &fault), ERR_UNSUPPORTED);
    CHECK(strstr(fault.words, "version 3, this release knows 1") != NULL);
    CHECK_OK(open_with(&ground, second, &fault));
    ground_end(&ground);
}

TEST(a_database_that_data_were_half_moved_into_is_refused)
{
    struct ground ground = { 0 };
    begin_empty(&ground, first);
    CHECK_OK(
        store_execute_now(ground.store, TEXT("INSERT INTO meta VALUES ('transfer', 'x')"), NULL));
    struct fault fault = { 0 };
    CHECK_I64(open_with(&ground, first, &fault), ERR_CONFLICT);
    CHECK(strstr(fault.words, "carillon migrate") != NULL);
    const struct store_options of_the_move = { .takes_half_moved = true };
    scope_close(ground.store_life);
    ground.store_life = scope_new(ground.life, "store of test", SCOPE_NO_LIMIT);
    CHECK_OK(store_open(ground.store_life, ground.loop, NULL, text_of(ground.path), first,
                        &of_the_move, &ground.store, &fault));
    ground_end(&ground);
}

TEST(a_step_that_fails_leaves_the_step_before)
{
    struct ground ground = { 0 };
    struct fault fault;
    begin_empty(&ground, first);
    CHECK(open_with(&ground, broken, &fault) != ERR_OK);
    CHECK(strstr(fault.words, "already exists") != NULL);
    CHECK_OK(open_with(&ground, first, &fault));
    CHECK_I64(ask_i64(&ground, &version), 1);
    static const struct statement rows = { "SELECT count(*) FROM a" };
    CHECK_I64(ask_i64(&ground, &rows), 0);
    ground_end(&ground);
}

static void write_file(const char *path, const char *bytes)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(bytes, file) >= 0);
    CHECK(fclose(file) == 0);
}

TEST(what_is_not_our_database_is_refused_in_words)
{
    struct ground ground = { 0 };
    struct fault fault;
    begin_empty(&ground, first);
    CHECK_OK(store_execute_now(ground.store, TEXT("UPDATE meta SET value = 'soon'"), NULL));
    CHECK_U32(open_with(&ground, first, &fault), ERR_INVALID);
    CHECK(strstr(fault.words, "\"soon\" is no number") != NULL);
    CHECK_OK(open_with(&ground, first, &fault) == ERR_INVALID ? ERR_OK : ERR_INTERNAL);
    ground_end(&ground);
}

TEST_OF_FILES(a_file_that_is_no_database_is_refused_in_words)
{
    struct ground ground = { 0 };
    struct fault fault;
    begin_empty(&ground, first);
    ground_close(&ground);
    write_file(ground.path,
               "this is a text file, and longer than a header would be, by some bytes, "
               "which the first page of a database is not made of, not at all");
    CHECK_U32(open_with(&ground, first, &fault), ERR_IO);
    CHECK(strstr(fault.words, "not a database") != NULL);
    CHECK(strstr(fault.words, ground.path) != NULL);
    ground_end(&ground);
}

TEST(a_database_of_somebody_else_is_refused)
{
    struct ground ground = { 0 };
    struct fault fault;
    begin_empty(&ground, first);
    CHECK_OK(store_execute_now(ground.store, TEXT("DROP TABLE meta"), NULL));
    CHECK_U32(open_with(&ground, first, &fault), ERR_INVALID);
    CHECK(strstr(fault.words, "none of them is ours") != NULL);
    ground_end(&ground);
}

TEST(a_path_that_cannot_be_opened_is_named)
{
    struct ground ground = { 0 };
    struct fault fault;
    begin_empty(&ground, first);
    struct store *store;
    CHECK_U32(store_open(ground.life, ground.loop, NULL, TEXT("/nowhere/at/all.db"), first, NULL,
                         &store, &fault),
              ERR_IO);
    CHECK(strstr(fault.words, "/nowhere/at/all.db") != NULL);
    ground_end(&ground);
}
