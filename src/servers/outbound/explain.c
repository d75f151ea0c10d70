/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/explain.h"

#include "servers/outbound/row_batch.h"

enum { INPUTS_BYTES_MAX = 500, OUTCOME_BYTES_MAX = 200, FORGET_MS = 60 * 1000, FORGET_ROWS = 5000 };
static const int64_t kept_ms = (int64_t)30 * 24 * 3600 * 1000;

struct explain {
    struct outbound *server;
    struct row_batch *batch; /* lines without a commit of their own */
    struct timer *forget_timer;
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

void explain_note(struct outbound *server, const struct explain_line *line)
{
    struct change *change = row_batch_begin(server->explain->batch);
    if (change == NULL) return;
    explain_add(change, line);
    row_batch_end(server->explain->batch);
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

struct explain *explain_new(struct outbound *server)
{
    struct app *app = server->app;
    struct explain *explain = scope_alloc(app->life, sizeof *explain);
    explain->server = server;
    explain->batch = row_batch_new(server, &server->counters.explain_lines_dropped_total);
    explain->forget_timer = timer_new(app->life, app->loop, forget, explain);
    timer_start(explain->forget_timer, FORGET_MS);
    return explain;
}

void explain_flush(struct outbound *server)
{
    row_batch_flush(server->explain->batch);
}
