/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_bench - rows of 200 bytes into PostgreSQL, in groups of 200 a commit: by our store, and
 * by a bare libpq pipeline that prepares, sends the same rows and the same commits, and waits.
 *     postgres_bench store|bare CONNINFO SECONDS
 * Prints one JSON object; what is durable when the time is over counts. */

#include "bench/measure.h"
#include "store/store.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 200, FLYING = 3 * GROUP, BYTES = 200 };

static char body[BYTES + 1];

static void must(bool is_good, const char *what)
{
    if (is_good) return;
    (void)fprintf(stderr, "postgres_bench: %s\n", what);
    exit(1);
}

static void print(uint64_t rows, uint64_t commits, double seconds)
{
    printf("{\"rows\": %" PRIu64 ", \"commits\": %" PRIu64
           ", \"seconds\": %.3f, \"cpu_s\": %.3f}\n",
           rows, commits, seconds, measure_cpu_s());
}

/* --- ours --- */

static const struct migration migrations[] = {
    { 1,
      "CREATE TABLE bench_row (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL)" },
    { 0, NULL }
};
static const struct statement insert = {
    "INSERT INTO bench_row (id, at, body) VALUES (?1, ?2, ?3)"
};

struct bench {
    struct loop *loop;
    struct store *store;
    int64_t next;
    uint64_t durable;
    bool is_over;
};

static void put(struct bench *bench);

static void on_durable(void *self, const struct change_result *result)
{
    struct bench *bench = self;
    must(result->err == ERR_OK, result->words ? result->words : "a row was refused");
    bench->durable++;
    if (!bench->is_over) put(bench);
}

static void put(struct bench *bench)
{
    struct change *change = change_new(bench->store);
    change_add(change, &insert, 1);
    change_bind_i64(change, bench->next);
    change_bind_i64(change, 1700000000000 + bench->next++);
    change_bind_text(change, (struct text){ body, BYTES });
    change_submit(change, on_durable, bench);
}

static void run_store(const char *conninfo, double seconds)
{
    struct scope *life = scope_new(NULL, "bench", SCOPE_NO_LIMIT);
    struct bench bench = { .loop = loop_new(life), .next = 1 };
    struct text path = scope_format(life, POSTGRES_SCHEME "bench_store:%s", conninfo);
    struct fault fault = { 0 };
    enum err err = store_open(life, bench.loop, NULL, path, migrations, NULL, &bench.store, &fault);
    must(err == ERR_OK, fault.words);
    double began = measure_wall_s();
    for (int i = 0; i < FLYING; i++) put(&bench);
    loop_run_for(bench.loop, (uint64_t)(seconds * 1000));
    double took = measure_wall_s() - began;
    print(bench.durable, store_counters(bench.store).groups, took);
    scope_close(life);
}

/* --- bare --- */

static void must_do(PGconn *handle, const char *sql)
{
    PGresult *result = PQexec(handle, sql);
    must(PQresultStatus(result) == PGRES_COMMAND_OK, PQerrorMessage(handle));
    PQclear(result);
}

static uint64_t swapped(int64_t number)
{
    return __builtin_bswap64((uint64_t)number);
}

static void send_group(PGconn *handle, int64_t *next)
{
    must(PQsendQueryPrepared(handle, "b", 0, NULL, NULL, NULL, 0), "BEGIN");
    for (int i = 0; i < GROUP; i++, ++*next) {
        uint64_t id = swapped(*next), at = swapped(1700000000000 + *next);
        const char *values[] = { (const char *)&id, (const char *)&at, body };
        const int lengths[] = { sizeof id, sizeof at, BYTES }, formats[] = { 1, 1, 1 };
        must(PQsendQueryPrepared(handle, "i", 3, values, lengths, formats, 0), "INSERT");
    }
    must(PQsendQueryPrepared(handle, "c", 0, NULL, NULL, NULL, 0), "COMMIT");
    must(PQpipelineSync(handle), "the end of the pipeline");
}

static void read_group(PGconn *handle)
{
    for (;;) {
        PGresult *result = PQgetResult(handle);
        ExecStatusType status = PQresultStatus(result);
        must(result == NULL || status == PGRES_COMMAND_OK || status == PGRES_PIPELINE_SYNC,
             PQerrorMessage(handle));
        PQclear(result);
        if (result && status == PGRES_PIPELINE_SYNC) return;
    }
}

static void run_bare(const char *conninfo, double seconds)
{
    PGconn *handle = PQconnectdb(conninfo);
    must(PQstatus(handle) == CONNECTION_OK, PQerrorMessage(handle));
    must_do(handle, "CREATE SCHEMA bench_bare");
    must_do(handle, "SET search_path TO bench_bare");
    must_do(handle, "CREATE TABLE bench_row (id BIGINT PRIMARY KEY, at BIGINT NOT NULL, body TEXT "
                    "COLLATE \"C\" NOT NULL)");
    PQclear(PQprepare(handle, "b", "BEGIN", 0, NULL));
    PQclear(PQprepare(handle, "c", "COMMIT", 0, NULL));
    PQclear(PQprepare(handle, "i", "INSERT INTO bench_row VALUES ($1, $2, $3)", 0, NULL));
    must(PQenterPipelineMode(handle), "pipeline mode");
    int64_t next = 1;
    uint64_t commits = 0;
    double began = measure_wall_s();
    while (measure_wall_s() - began < seconds) {
        send_group(handle, &next);
        read_group(handle);
        commits++;
    }
    print(commits * GROUP, commits, measure_wall_s() - began);
    PQfinish(handle);
}

int main(int argc, char **argv)
{
    must(argc == 4, "postgres_bench store|bare CONNINFO SECONDS");
    memset(body, 'x', BYTES);
    double seconds = strtod(argv[3], NULL);
    if (strcmp(argv[1], "store") == 0)
        run_store(argv[2], seconds);
    else
        run_bare(argv[2], seconds);
    return 0;
}
