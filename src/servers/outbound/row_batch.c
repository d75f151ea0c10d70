/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/row_batch.h"

enum { BATCH_ROWS_MAX = 200, FLUSH_MS = 1000 };

struct row_batch {
    struct outbound *server;
    uint64_t *dropped;
    struct change *change; /* NULL: nothing waits */
    uint32_t waiting;      /* rows of the change and of those on their way */
    struct timer *timer;
};

struct batch_end {
    struct row_batch *batch;
    struct scope *life;
    uint32_t rows;
};

static void on_ended(void *self, const struct change_result *result)
{
    struct batch_end *end = self;
    if (result->err) *end->batch->dropped += end->rows;
    end->batch->waiting -= end->rows;
    scope_close(end->life);
}

static void flush(void *self)
{
    struct row_batch *batch = self;
    if (batch->change == NULL) return;
    struct scope *life = scope_new(batch->server->app->life, "row batch", SCOPE_NO_LIMIT);
    struct batch_end *end = scope_alloc(life, sizeof *end);
    *end = (struct batch_end){ batch, life, (uint32_t)change_rows(batch->change) };
    struct change *change = batch->change;
    batch->change = NULL;
    change_submit(change, on_ended, end);
}

void row_batch_flush(struct row_batch *batch)
{
    flush(batch);
}

static void drop(void *self)
{
    struct row_batch *batch = self;
    if (batch->change) change_drop(batch->change);
    batch->change = NULL;
}

struct row_batch *row_batch_new(struct outbound *server, uint64_t *dropped)
{
    struct app *app = server->app;
    struct row_batch *batch = scope_alloc(app->life, sizeof *batch);
    batch->server = server;
    batch->dropped = dropped;
    batch->timer = timer_new(app->life, app->loop, flush, batch);
    scope_on_close(app->life, drop, batch);
    return batch;
}

struct change *row_batch_begin(struct row_batch *batch)
{
    if (batch->waiting >= ROW_BATCH_WAITING_MAX) {
        (*batch->dropped)++;
        return NULL;
    }
    if (batch->change == NULL) {
        batch->change = change_new(batch->server->store);
        timer_start(batch->timer, FLUSH_MS);
    }
    return batch->change;
}

void row_batch_end(struct row_batch *batch)
{
    batch->waiting++;
    if (change_rows(batch->change) >= BATCH_ROWS_MAX) flush(batch);
}
