/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/explain.h"

enum {
    INPUTS_BYTES_MAX = 500,
    OUTCOME_BYTES_MAX = 200,
    BATCH_ROWS_MAX = 200,
    WAITING_ROWS_MAX = 10000,
    FLUSH_MS = 1000,
    FORGET_MS = 60 * 1000,
    FORGET_ROWS = 5000
};
static const int64_t kept_ms = (int64_t)30 * 24 * 3600 * 1000;

struct explain {
    struct outbound *server;
    struct change *batch; /* NULL: nothing waits */
    uint32_t waiting;     /* rows of the batch and of batches on their way */
    struct timer *flush_timer, *forget_timer;
};

struct batch_end {
    struct explain *explain;
    struct scope *life;
    uint32_t rows;
};

void explain_add(struct change *change, const struct explain_line *line)
{
    static const struct statement insert = {
        "INSERT INTO explain (at_utc_ms, list_dbid, chain_id, chain_n, group_dbid, campaign_dbid, "
        "rule, inputs, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    };
    struct text inputs = text_slice(line->inputs, 0, INPUTS_BYTES_MAX);
    struct text outcome = text_slice(line->outcome, 0, OUTCOME_BYTES_MAX);
    change_add(change, &insert, 1);
    change_bind_i64(change, (int64_t)line->at_utc_ms);
    change_bind_i64(change, line->list_dbid);
    change_bind_i64(change, line->chain_id);
    change_bind_i64(change, line->chain_n);
    change_bind_i64(change, line->group_dbid);
    change_bind_i64(change, line->campaign_dbid);
    change_bind_text(change, text_of(line->rule));
    change_bind_text(change, inputs.at ? inputs : TEXT(""));
    change_bind_text(change, outcome.at ? outcome : TEXT(""));
}

/* --- lines without a commit of their own --- */

static void on_batch_ended(void *self, const struct change_result *result)
{
    struct batch_end *end = self;
    if (result->err) end->explain->server->counters.explain_lines_dropped_total += end->rows;
    end->explain->waiting -= end->rows;
    scope_close(end->life);
}

static void flush(void *self)
{
    struct explain *explain = self;
    if (explain->batch == NULL) return;
    struct scope *life = scope_new(explain->server->app->life, "explain lines", SCOPE_NO_LIMIT);
    struct batch_end *end = scope_alloc(life, sizeof *end);
    *end = (struct batch_end){ explain, life, (uint32_t)change_rows(explain->batch) };
    struct change *batch = explain->batch;
    explain->batch = NULL;
    change_submit(batch, on_batch_ended, end);
}

void explain_note(struct outbound *server, const struct explain_line *line)
{
    struct explain *explain = server->explain;
    if (explain->waiting >= WAITING_ROWS_MAX) {
        server->counters.explain_lines_dropped_total++;
        return;
    }
    if (explain->batch == NULL) {
        explain->batch = change_new(server->store);
        timer_start(explain->flush_timer, FLUSH_MS);
    }
    explain_add(explain->batch, line);
    explain->waiting++;
    if (change_rows(explain->batch) >= BATCH_ROWS_MAX) flush(explain);
}

/* --- thirty days --- */

/* A slice a minute: never a long commit. Lines stand in the order of their time. */
static void forget(void *self)
{
    static const struct statement remove = {
        "DELETE FROM explain WHERE explain_id IN (SELECT explain_id FROM (SELECT explain_id, "
        "at_utc_ms FROM explain ORDER BY explain_id LIMIT ?2) WHERE at_utc_ms < ?1)"
    };
    struct explain *explain = self;
    struct outbound *server = explain->server;
    struct change *change = change_new(server->store);
    change_add(change, &remove, ROWS_ANY);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(server->app->loop) - kept_ms);
    change_bind_i64(change, FORGET_ROWS);
    change_submit(change, NULL, NULL);
    timer_start(explain->forget_timer, FORGET_MS);
}

static void drop_batch(void *self)
{
    struct explain *explain = self;
    if (explain->batch) change_drop(explain->batch);
    explain->batch = NULL;
}

struct explain *explain_new(struct outbound *server)
{
    struct app *app = server->app;
    struct explain *explain = scope_alloc(app->life, sizeof *explain);
    explain->server = server;
    explain->flush_timer = timer_new(app->life, app->loop, flush, explain);
    explain->forget_timer = timer_new(app->life, app->loop, forget, explain);
    timer_start(explain->forget_timer, FORGET_MS);
    scope_on_close(app->life, drop_batch, explain);
    return explain;
}

void explain_flush(struct outbound *server)
{
    flush(server->explain);
}
