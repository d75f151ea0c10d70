/* SPDX-License-Identifier: Apache-2.0 */
/* queue_bench - the store's outbox as a queue: effects put, each durable before it is acknowledged,
 * then taken, each handed out once and marked as sent, durably.
 *     queue_bench FILE BYTES FLYING SECONDS
 * FLYING puts wait for their commit at a time, and FLYING effects are out at a time. For SECONDS it
 * puts, then for at most as long it takes. Prints one JSON object; syncs are counted where they
 * happen, in sync_count.c. */
#include "bench/measure.h"
#include "bench/sync_count.h"

#include "gen/migrations.h"
#include "store/outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES_MAX = 65536, ID_BYTES = 33, ROWS_MAX = 10000000 };

struct bench {
    struct loop *loop;
    struct store *store;
    struct outbox *outbox;
    struct timer *look;
    struct text body;
    uint64_t put, durable, later_ms;
    bool is_over;
};

static void must(bool is_good, const char *what)
{
    if (is_good) return;
    (void)fprintf(stderr, "queue_bench: %s\n", what);
    exit(1);
}

/* --- taking --- */

static void send(void *self, struct outbox *outbox, const struct effect *effect)
{
    (void)self;
    outbox_done(outbox, effect->id, EFFECT_SENT, 0, TEXT(""));
}

/* --- putting: what was put is due when all is put, so that nothing is taken meanwhile --- */

static void put(struct bench *bench);

static void on_durable(void *self, const struct change_result *result)
{
    struct bench *bench = self;
    must(result->err == ERR_OK, result->words ? result->words : "a put was refused");
    bench->durable++;
    if (!bench->is_over) put(bench);
}

static void put(struct bench *bench)
{
    char id[ID_BYTES];
    int len = snprintf(id, sizeof id, "%032" PRIX64, ++bench->put);
    struct effect effect = { .id = { id, (size_t)len },
                             .kind = TEXT("bench"),
                             .target = TEXT("queue"),
                             .body = bench->body,
                             .lane = TEXT("queue"),
                             .created_utc_ms = loop_now_utc_ms(bench->loop),
                             .due_utc_ms = loop_now_utc_ms(bench->loop) + bench->later_ms };
    struct change *change = change_new(bench->store);
    outbox_add(bench->outbox, change, &effect);
    change_submit(change, on_durable, bench);
}

/* --- the run --- */

struct watch {
    double wall_s, cpu_s;
    unsigned long syncs;
    struct store_counters counters;
};

static struct watch watch_begin(const struct bench *bench)
{
    return (struct watch){ measure_wall_s(), measure_cpu_s(), sync_count(),
                           store_counters(bench->store) };
}

static void print(const char *name, const struct watch *began, const struct bench *bench,
                  uint64_t operations)
{
    struct watch ended = watch_begin(bench);
    (void)printf("\"%s\":{\"operations\":%" PRIu64 ",\"wall_s\":%.3f,\"cpu_s\":%.3f,\"syncs\":%lu,"
                 "\"groups\":%" PRIu64 "}",
                 name, operations, ended.wall_s - began->wall_s, ended.cpu_s - began->cpu_s,
                 ended.syncs - began->syncs, ended.counters.groups - began->counters.groups);
}

static void on_time_up(void *self)
{
    struct bench *bench = self;
    bench->is_over = true;
    loop_stop(bench->loop);
}

/* Over when nothing waits any more. */
static void on_look(void *self)
{
    struct bench *bench = self;
    if (outbox_counters(bench->outbox).sent == bench->durable) loop_stop(bench->loop);
    timer_start(bench->look, 2);
}

static struct outbox *open_outbox(struct scope *life, struct bench *bench, uint32_t flying)
{
    static const struct outbox_handler handler = { .send = send };
    struct outbox_options options = { .in_flight_max = flying, .rows_max = ROWS_MAX };
    return outbox_open(life, bench->store, NULL, &options, &handler, bench);
}

static void put_for(struct scope *owner, struct bench *bench, uint32_t run_s, uint32_t flying)
{
    struct scope *life = scope_new(owner, "putting", SCOPE_NO_LIMIT);
    bench->outbox = open_outbox(life, bench, flying);
    struct timer *timer = timer_new(life, bench->loop, on_time_up, bench);
    bench->later_ms = (uint64_t)run_s * 1000 + 500;
    for (uint32_t i = 0; i < flying; i++) put(bench);
    struct watch watch = watch_begin(bench);
    timer_start(timer, (uint64_t)run_s * 1000);
    loop_run(bench->loop);
    print("put", &watch, bench, bench->durable);
    timer_start(timer, bench->later_ms); /* the last ones are on their way; all become due */
    loop_run(bench->loop);
    must(bench->durable == bench->put, "a put was not acknowledged");
    scope_close(life);
}

static void take_for(struct scope *owner, struct bench *bench, uint32_t run_s, uint32_t flying)
{
    struct scope *life = scope_new(owner, "taking", SCOPE_NO_LIMIT);
    struct watch watch = watch_begin(bench);
    bench->outbox = open_outbox(life, bench, flying);
    struct timer *timer = timer_new(life, bench->loop, on_time_up, bench);
    bench->look = timer_new(life, bench->loop, on_look, bench);
    timer_start(timer, (uint64_t)run_s * 1000);
    timer_start(bench->look, 2);
    loop_run(bench->loop);
    print("take", &watch, bench, outbox_counters(bench->outbox).sent);
    scope_close(life);
}

int main(int count, char **arguments)
{
    uint32_t bytes, flying, run_s;
    if (count != 5 || text_to_u32(text_of(arguments[2]), 1, BYTES_MAX, &bytes) ||
        text_to_u32(text_of(arguments[3]), 1, 10000, &flying) ||
        text_to_u32(text_of(arguments[4]), 1, 3600, &run_s)) {
        (void)fprintf(stderr, "usage: queue_bench FILE BYTES FLYING SECONDS\n");
        return 2;
    }
    struct fault fault = { 0 };
    struct scope *life = scope_new(NULL, "queue_bench", SCOPE_NO_LIMIT);
    struct bench bench = { .loop = loop_new(life) };
    char *body = scope_alloc(life, bytes);
    memset(body, 'x', bytes);
    bench.body = (struct text){ body, bytes };
    must(store_open(life, bench.loop, NULL, text_of(arguments[1]), MIGRATIONS_OUTBOUND, NULL,
                    &bench.store, &fault) == ERR_OK,
         fault.words);
    (void)printf("{");
    put_for(life, &bench, run_s, flying);
    (void)printf(",");
    take_for(life, &bench, run_s, flying);
    (void)printf("}\n");
    scope_close(life);
    return 0;
}
