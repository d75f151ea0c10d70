/* SPDX-License-Identifier: Apache-2.0 */
/* The reader: queries on their own connection, so that a page is never behind a commit. WAL gives
 * each query the newest commit: what was acknowledged before it was asked is there. */
#include "store/store_private.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

/* --- reading --- */

static void carry_out(struct store *store, struct asking *asking)
{
    asking->err =
        store->driver->query(store->reader, &asking->query, &asking->rows, &asking->fault);
}

static void *read_queries(void *self)
{
    struct store *store = self;
    struct worker *read = &store->read;
    pthread_mutex_lock(&read->lock);
    while (!read->is_stopping) {
        struct list *node = list_first(&read->queue);
        if (node == NULL) {
            (void)pthread_cond_wait(&read->work_came, &read->lock);
            continue;
        }
        list_remove(node);
        pthread_mutex_unlock(&read->lock);
        carry_out(store, LIST_OBJECT(node, struct asking, node));
        pthread_mutex_lock(&read->lock);
        list_add_last(&read->done, node);
        waker_wake(store->waker);
    }
    pthread_mutex_unlock(&read->lock);
    return NULL;
}

static void on_read_time(void *self) /* VIRTUAL */
{
    struct store *store = self;
    struct list *node;
    while ((node = list_first(&store->read.queue)) != NULL) {
        struct asking *asking = LIST_OBJECT(node, struct asking, node);
        list_remove(node);
        if (!asking->is_read) carry_out(store, asking);
        list_add_last(&store->read.done, node);
    }
    store_answer(store);
}

/* A thread may read at any moment between question and answer: by chance, one end or the other. */
static void start_virtual(struct store *store, struct asking *asking)
{
    asking->is_read = random_below(loop_random(store->loop), 2) == 0;
    if (asking->is_read) carry_out(store, asking);
    if (!timer_is_running(store->read_timer))
        timer_start(store->read_timer, store->sim_query_ms + sim_seat_extra_ms(&store->sim_seat));
}

/* --- asking --- */

static size_t text_bytes(const struct query *query)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < query->parameter_count; i++) {
        enum value_kind kind = query->parameters[i].kind;
        if (kind == VALUE_TEXT || kind == VALUE_BYTES) bytes += query->parameters[i].text.len;
    }
    return bytes;
}

static void copy_parameters(struct asking *asking, const struct query *query)
{
    size_t head = query->parameter_count * sizeof(struct value);
    size_t bytes = head + text_bytes(query);
    if (bytes == 0) return;
    asking->parameters = malloc(bytes);
    ASSERT(asking->parameters != NULL);
    memcpy(asking->parameters, query->parameters, head);
    char *at = (char *)asking->parameters + head;
    for (uint32_t i = 0; i < query->parameter_count; i++) {
        struct value *value = &asking->parameters[i];
        if (value->kind != VALUE_TEXT && value->kind != VALUE_BYTES) continue;
        if (value->text.len) memcpy(at, value->text.at, value->text.len);
        value->text.at = at;
        at += value->text.len;
    }
    asking->query.parameters = asking->parameters;
}

void asking_free(struct asking *asking)
{
    rows_free(&asking->rows);
    free(asking->parameters);
    free(asking);
}

void store_query(struct store *store, const struct query *query,
                 void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    struct asking *asking = calloc(1, sizeof *asking);
    ASSERT(asking != NULL);
    *asking = (struct asking){ .query = *query, .on_rows = on_rows, .self = self };
    list_add_last(&store->askings, &asking->all);
    bool is_refused = store->asking_count++ >= store->options.queue_max;
    struct worker *read = &store->read;
    if (is_refused) {
        asking->err = ERR_LIMIT;
        chore_soon(store->loop, &store->answer_refused);
    } else {
        copy_parameters(asking, query);
    }
    pthread_mutex_lock(&read->lock);
    list_add_last(is_refused ? &read->done : &read->queue, &asking->node);
    (void)pthread_cond_signal(&read->work_came);
    pthread_mutex_unlock(&read->lock);
    if (store->read_timer && !is_refused) start_virtual(store, asking);
}

enum err store_query_now(struct store *store, const struct query *query,
                         void (*on_rows)(void *self, enum err err, const struct rows *rows),
                         void *self)
{
    struct rows rows = { 0 };
    enum err err = store->driver->query(store->reader, query, &rows, NULL);
    on_rows(self, err, &rows);
    rows_free(&rows);
    return err;
}

void reader_start(struct store *store)
{
    if (loop_is_virtual(store->loop))
        store->read_timer = timer_new(store->life, store->loop, on_read_time, store);
    else
        worker_start(&store->read, read_queries, store);
}
