/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/explain.h"

enum { INPUTS_BYTES_MAX = 500, OUTCOME_BYTES_MAX = 200, FORGET_MS = 60 * 1000, FORGET_ROWS = 5000 };
static const int64_t kept_ms = (int64_t)30 * 24 * 3600 * 1000;

struct forgetting {
    struct outbound *server;
    struct timer *timer;
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

/* --- thirty days --- */

/* A slice a minute: never a long commit. Lines stand in the order of their time. */
static void forget(void *self)
{
    static const struct statement remove = {
        "DELETE FROM explain WHERE explain_id IN (SELECT explain_id FROM (SELECT explain_id, "
        "at_utc_ms FROM explain ORDER BY explain_id LIMIT ?2) AS oldest WHERE at_utc_ms < ?1)"
    };
    struct forgetting *forgetting = self;
    struct outbound *server = forgetting->server;
    struct change *change = change_new(server->store);
    change_add(change, &remove, ROWS_ANY);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(server->app->loop) - kept_ms);
    change_bind_i64(change, FORGET_ROWS);
    change_submit(change, NULL, NULL);
    timer_start(forgetting->timer, FORGET_MS);
}

void explain_forget_old(struct outbound *server)
{
    struct app *app = server->app;
    struct forgetting *forgetting = scope_alloc(app->life, sizeof *forgetting);
    forgetting->server = server;
    forgetting->timer = timer_new(app->life, app->loop, forget, forgetting);
    timer_start(forgetting->timer, FORGET_MS);
}
