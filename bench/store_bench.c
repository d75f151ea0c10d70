/* SPDX-License-Identifier: Apache-2.0 */
/* The store's durable grouped rate against SQLite's plain C interface, for the same rows in groups
 * of the same size with the same pragmas: what of the database's own speed is left behind our door.
 *
 *     store_bench [--dir FOLDER] [--rows N] [--group N] [--bytes N] [--rows-per-change N]
 *                 [--flying N] [--runs N]
 *
 * Prints one line per kind of row and side: min, median and max of the runs, with the figures that
 * explain them: syncs are counted where they happen, in sync_count.c. */
#include "bench/measure.h"
#include "bench/sync_count.h"

#include "base/random.h"
#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS_MAX = 20, RECORDS = 20000, PATH_BYTES = 512 };

struct setting {
    const char *dir;
    uint32_t rows, group, bytes, rows_per_change, flying, runs;
};

struct figures {
    double rows_per_s, syncs_per_row, cpu_us_per_row;
};

/* --- what is measured --- */

struct kind {
    const char *name;
    struct statement statement; /* ?1 id, ?2 text, ?3 number */
    bool is_fresh;              /* ids go up; else one of RECORDS by chance */
};

static const struct kind kinds[] = {
    { "insert",
      { "INSERT INTO record (id, payload, state) VALUES (?1, ?2, ?3)" },
      .is_fresh = true },
    { "update", { "UPDATE record SET payload = ?2, state = ?3 WHERE id = ?1" }, .is_fresh = false },
};

static const struct migration migrations[] = {
    { 1,
      "CREATE TABLE record (id INTEGER PRIMARY KEY, payload TEXT NOT NULL, state INTEGER NOT NULL);"
      "CREATE INDEX record_state ON record (state, id);"
      "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
      " INSERT INTO record SELECT i, hex(zeroblob(50)), i % 7 FROM n;" },
    { 0, NULL },
};

struct rows_source {
    const struct kind *kind;
    const struct setting *setting;
    struct random random;
    int64_t next_id;
    char *payload;
};

static void source_begin(struct rows_source *source, const struct setting *setting,
                         const struct kind *kind)
{
    *source = (struct rows_source){ .kind = kind, .setting = setting, .next_id = RECORDS + 1 };
    random_seed(&source->random, 42);
    source->payload = malloc(setting->bytes + 1);
    ASSERT(source->payload != NULL);
    memset(source->payload, 'p', setting->bytes);
}

static int64_t source_id(struct rows_source *source)
{
    if (source->kind->is_fresh) return source->next_id++;
    return 1 + (int64_t)random_below(&source->random, RECORDS);
}

static void must(bool is_good, const char *what)
{
    if (is_good) return;
    (void)fprintf(stderr, "store_bench: %s failed\n", what);
    exit(1);
}

static void remove_database(const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm" };
    char name[PATH_BYTES + 8];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

/* --- the clock around a run --- */

struct watch {
    double wall_s, cpu_s;
    unsigned long syncs;
};

static struct watch watch_begin(void)
{
    return (struct watch){ measure_wall_s(), measure_cpu_s(), sync_count() };
}

static struct figures watch_end(const struct watch *watch, uint32_t rows)
{
    return (struct figures){
        .rows_per_s = rows / (measure_wall_s() - watch->wall_s),
        .cpu_us_per_row = (measure_cpu_s() - watch->cpu_s) * 1e6 / rows,
        .syncs_per_row = (double)(sync_count() - watch->syncs) / rows,
    };
}

/* --- plain SQLite --- */

static void plain_row(sqlite3_stmt *statement, struct rows_source *source)
{
    (void)sqlite3_bind_int64(statement, 1, source_id(source));
    (void)sqlite3_bind_text(statement, 2, source->payload, (int)source->setting->bytes,
                            SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 3, 3);
    must(sqlite3_step(statement) == SQLITE_DONE, "plain row");
    (void)sqlite3_reset(statement);
}

static void plain_word(sqlite3_stmt *statement)
{
    must(sqlite3_step(statement) == SQLITE_DONE, "plain transaction");
    (void)sqlite3_reset(statement);
}

static sqlite3_stmt *plain_prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    must(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, sql);
    return statement;
}

static struct figures run_plain(const struct setting *setting, const struct kind *kind,
                                const char *path)
{
    sqlite3 *database;
    struct rows_source source;
    source_begin(&source, setting, kind);
    must(sqlite3_open(path, &database) == SQLITE_OK, "plain open");
    must(sqlite3_exec(database,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000",
                      NULL, NULL, NULL) == SQLITE_OK,
         "plain pragmas");
    must(sqlite3_exec(database, migrations[0].sql, NULL, NULL, NULL) == SQLITE_OK, "plain tables");
    sqlite3_stmt *begin = plain_prepare(database, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = plain_prepare(database, "COMMIT");
    sqlite3_stmt *row = plain_prepare(database, kind->statement.sql);
    struct watch watch = watch_begin();
    for (uint32_t done = 0; done < setting->rows;) {
        plain_word(begin);
        for (uint32_t i = 0; i < setting->group && done < setting->rows; i++, done++)
            plain_row(row, &source);
        plain_word(commit);
    }
    struct figures figures = watch_end(&watch, setting->rows);
    (void)sqlite3_finalize(begin);
    (void)sqlite3_finalize(commit);
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(database);
    free(source.payload);
    return figures;
}

/* --- the store --- */

struct store_run {
    struct loop *loop;
    struct store *store;
    struct rows_source source;
    uint32_t submitted, durable;
};

static void submit(struct store_run *run);

static void on_durable(void *self, const struct change_result *result)
{
    struct store_run *run = self;
    const struct setting *setting = run->source.setting;
    must(result->err == ERR_OK, result->words);
    run->durable += setting->rows_per_change;
    if (run->durable >= setting->rows)
        loop_stop(run->loop);
    else if (run->submitted < setting->rows)
        submit(run);
}

static void submit(struct store_run *run)
{
    struct rows_source *source = &run->source;
    struct change *change = change_new(run->store);
    for (uint32_t i = 0; i < source->setting->rows_per_change; i++) {
        change_add(change, &source->kind->statement, 1);
        change_bind_i64(change, source_id(source));
        change_bind_text(change, (struct text){ source->payload, source->setting->bytes });
        change_bind_i64(change, 3);
    }
    run->submitted += source->setting->rows_per_change;
    change_submit(change, on_durable, run);
}

static struct figures run_store(const struct setting *setting, const struct kind *kind,
                                const char *path)
{
    struct store_run run = { 0 };
    struct store_options options = { .group_rows_max = setting->group };
    struct fault fault = { 0 };
    struct scope *life = scope_new(NULL, "bench", SCOPE_NO_LIMIT);
    source_begin(&run.source, setting, kind);
    run.loop = loop_new(life);
    must(store_open(life, run.loop, NULL, text_of(path), migrations, &options, &run.store,
                    &fault) == ERR_OK,
         fault.words);
    struct watch watch = watch_begin();
    uint32_t flying = setting->flying / setting->rows_per_change;
    for (uint32_t i = 0; i < flying && run.submitted < setting->rows; i++) submit(&run);
    loop_run(run.loop);
    struct figures figures = watch_end(&watch, run.durable);
    scope_close(life);
    free(run.source.payload);
    return figures;
}

/* --- printing --- */

static int compare(const void *a, const void *b)
{
    double left = ((const struct figures *)a)->rows_per_s;
    double right = ((const struct figures *)b)->rows_per_s;
    return (left > right) - (left < right);
}

static struct figures print(const char *side, const struct kind *kind,
                            const struct setting *setting, struct figures *runs)
{
    qsort(runs, setting->runs, sizeof *runs, compare);
    struct figures median = runs[setting->runs / 2];
    (void)printf("store %-6s %-5s payload=%uB rows/change=%u group=%u rows/s min=%.0f median=%.0f "
                 "max=%.0f fsyncs/row=%.4f cpu_us/row=%.1f\n",
                 kind->name, side, setting->bytes, setting->rows_per_change, setting->group,
                 runs[0].rows_per_s, median.rows_per_s, runs[setting->runs - 1].rows_per_s,
                 median.syncs_per_row, median.cpu_us_per_row);
    return median;
}

static void measure(const struct setting *setting, const struct kind *kind, const char *path)
{
    struct figures plain[RUNS_MAX], ours[RUNS_MAX];
    for (uint32_t run = 0; run < setting->runs; run++) { /* by turns: the machine's load drifts */
        remove_database(path);
        plain[run] = run_plain(setting, kind, path);
        remove_database(path);
        ours[run] = run_store(setting, kind, path);
    }
    remove_database(path);
    struct figures peer = print("plain", kind, setting, plain);
    struct figures own = print("store", kind, setting, ours);
    (void)printf("store %-6s ratio=%.2f cpu_ratio=%.2f cores=%ld\n", kind->name,
                 own.rows_per_s / peer.rows_per_s, own.cpu_us_per_row / peer.cpu_us_per_row,
                 sysconf(_SC_NPROCESSORS_ONLN));
}

static bool read_option(struct setting *setting, const char *name, const char *value)
{
    struct {
        const char *name;
        uint32_t *at, max;
    } options[] = {
        { "--rows", &setting->rows, 10000000 },
        { "--group", &setting->group, 10000 },
        { "--bytes", &setting->bytes, 1000000 },
        { "--rows-per-change", &setting->rows_per_change, 1000 },
        { "--flying", &setting->flying, 10000 },
        { "--runs", &setting->runs, RUNS_MAX },
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(name, options[i].name) == 0)
            return text_to_u32(text_of(value), 1, options[i].max, options[i].at) == ERR_OK;
    if (strcmp(name, "--dir") != 0) return false;
    setting->dir = value;
    return true;
}

int main(int argc, char **argv)
{
    struct setting setting = { .dir = "/tmp",
                               .rows = 40000,
                               .group = 100,
                               .bytes = 200,
                               .rows_per_change = 1,
                               .flying = 400,
                               .runs = 3 };
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && read_option(&setting, argv[i], argv[i + 1])) continue;
        (void)fprintf(stderr,
                      "usage: store_bench [--dir FOLDER] [--rows N] [--group N] [--bytes N] "
                      "[--rows-per-change N] [--flying N] [--runs N]\n");
        return 2;
    }
    if (setting.flying < setting.rows_per_change) setting.flying = setting.rows_per_change;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/store_bench-%d.db", setting.dir, (int)getpid());
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) measure(&setting, &kinds[i], path);
    return 0;
}
