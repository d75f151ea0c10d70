/* SPDX-License-Identifier: Apache-2.0 */
/* The store's life on the loop's thread: opening, submitting, answering, closing. The writer is in
 * writer.c, the reader in reader.c, SQLite in sqlite.c. */
#include "store/store_private.h"

#include "store/sim_store.h"
#include "store/trouble.h"

#include "fault.h"
#include "gen/events.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUP_ROWS_USUAL = 200,
    QUEUE_USUAL = 20000,
    SPARE_MAX = 1000,
    STATEMENTS_MAX = 10000,
    PATIENCE_MS = 2000, /* design 5 */
};

/* A statement made at run time. */
struct made {
    struct statement statement;
    struct text sql;
};

/* --- changes --- */

struct change *change_new(struct store *store)
{
    struct change *change;
    struct list *node = list_first(&store->spare);
    if (node) {
        list_remove(node);
        store->spare_count--;
        change = LIST_OBJECT(node, struct change, node);
    } else {
        change = calloc(1, sizeof *change);
        ASSERT(change != NULL);
        change->store = store;
    }
    list_add_last(&store->changes, &change->all);
    return change;
}

static void change_recycle(struct change *change)
{
    struct store *store = change->store;
    list_remove(&change->all);
    if (store->is_closed || store->spare_count >= SPARE_MAX) {
        change_free(change);
        return;
    }
    change_reset(change);
    list_add_last(&store->spare, &change->node);
    store->spare_count++;
}

static void tell_hooks(struct change *change, enum err err)
{
    struct change_hook *next;
    for (struct change_hook *hook = change->hooks; hook; hook = next) {
        next = hook->next;
        hook->ended(hook, err);
    }
    change->hooks = NULL;
}

void change_drop(struct change *change)
{
    tell_hooks(change, ERR_CANCELLED);
    change_recycle(change);
}

/* Whether the change is turned away at the door, with words. */
static enum err check_door(const struct store *store, const struct change *change,
                           const char **words)
{
    *words = "the lease is not ours";
    if (change->is_vital) return ERR_OK;
    if (store->is_yielded) return ERR_UNAVAILABLE;
    *words = STORE_SLOW_WORDS;
    if (store->is_stalled) return ERR_UNAVAILABLE;
    *words = "too many changes wait";
    return store->waiting_count >= store->options.queue_max ? ERR_LIMIT : ERR_OK;
}

void change_submit(struct change *change,
                   void (*on_durable)(void *self, const struct change_result *result), void *self)
{
    struct store *store = change->store;
    const char *words;
    enum err err = check_door(store, change, &words);
    change->on_durable = on_durable;
    change->self = self;
    if (err) {
        change_fail(change, err, -1, words);
        list_add_last(&store->refused, &change->node);
        chore_soon(store->loop, &store->answer_refused);
        return;
    }
    store->waiting_count++;
    list_add_last(&store->submitted, &change->node);
    /* One handing over per turn: what a turn's requests cause becomes one group, and one lock. */
    chore_last(store->loop, &store->hand_over);
}

static void on_hand_over(void *self)
{
    struct store *store = self;
    writer_queue(store, &store->submitted);
    if (store->patience && !timer_is_running(store->patience) && !store->is_stalled)
        timer_start(store->patience, PATIENCE_MS);
}

/* --- a disk that takes too long --- */

static void on_patience_over(void *self)
{
    struct store *store = self;
    struct list taken;
    if (sim_seat_is_dead(&store->sim_seat)) return;
    list_init(&taken);
    store->is_stalled = true;
    writer_take_back(store, &taken);
    LIST_EACH (node, &taken) {
        change_fail(LIST_OBJECT(node, struct change, node), ERR_UNAVAILABLE, -1, STORE_SLOW_WORDS);
        store->waiting_count--;
    }
    ring_append(&store->refused, &taken);
    chore_soon(store->loop, &store->answer_refused);
    trouble_slow(store);
}

/* A group came back. */
static void gain_patience(struct store *store)
{
    if (store->patience == NULL) return;
    store->is_stalled = false;
    if (store->waiting_count > 0)
        timer_start(store->patience, PATIENCE_MS);
    else
        timer_stop(store->patience);
}

/* --- answers --- */

void change_call_back(struct change *change, const struct change_result *result)
{
    void (*on_durable)(void *self, const struct change_result *result) = change->on_durable;
    void (*on_flushed)(void *self) = change->on_flushed;
    void *self = change->self;
    change->on_durable = NULL;
    change->on_flushed = NULL;
    tell_hooks(change, result->err);
    if (on_durable)
        on_durable(self, result);
    else if (on_flushed)
        on_flushed(self);
}

static void answer_change(struct store *store, struct change *change)
{
    list_remove(&change->all); /* closing the store inside the callback must not free it */
    store->counters.changes++;
    store->counters.rows += change->statement_count;
    if (change->result.err && !change->is_probe) store->counters.failed++;
    trouble_note(store, change);
    change_call_back(change, &change->result);
    change_recycle(change);
}

static void answer_changes(struct store *store)
{
    struct list done;
    bool is_fence_broken, is_disk_unknown;
    list_init(&done);
#ifdef FAULT_ANSWER_EARLY
    faults_answer(store);
#endif
    pthread_mutex_lock(&store->write.lock);
    ring_append(&done, &store->write.done);
    is_fence_broken = store->is_fence_broken && !store->is_yielded;
    is_disk_unknown = store->is_disk_unknown && store->driver == &DRIVER_SQLITE;
    if (is_fence_broken) store->is_yielded = true;
    store->counters.groups = store->groups;
    store->counters.commit_ms_total = store->commit_us / 1000;
    pthread_mutex_unlock(&store->write.lock);

    struct list *node;
    if (is_disk_unknown) trouble_broken(store);
    bool is_any = !list_is_empty(&done);
    while (!store->is_closed && (node = list_first(&done)) != NULL) {
        list_remove(node);
        store->waiting_count--;
        answer_change(store, LIST_OBJECT(node, struct change, node));
    }
    if (is_any && !store->is_closed) gain_patience(store);
    if (is_fence_broken && !store->is_closed && store->on_fence_broken)
        store->on_fence_broken(store->fence_self);
}

static void answer_askings(struct store *store)
{
    struct list done, *node;
    list_init(&done);
    pthread_mutex_lock(&store->read.lock);
    ring_append(&done, &store->read.done);
    pthread_mutex_unlock(&store->read.lock);
    while (!store->is_closed && (node = list_first(&done)) != NULL) {
        struct asking *asking = LIST_OBJECT(node, struct asking, node);
        list_remove(node);
        list_remove(&asking->all);
        store->asking_count--;
        store->counters.queries++;
        if (asking->err) log_debug(&store->log, "a query failed: %s", asking->fault.words);
        store->query_words = asking->fault.words;
        if (asking->on_rows) asking->on_rows(asking->self, asking->err, &asking->rows);
        store->query_words = NULL;
        asking_free(asking);
    }
}

static void leave_answering(struct store *store)
{
    if (--store->answering == 0 && store->is_closed) free(store);
}

/* Of a database on a server: ids from 1 (framework 8.3). */
static void tell_connected(struct store *store)
{
    struct connection *connections[] = { store->writer, store->reader };
    if (store->driver->connected == NULL) return;
    for (unsigned i = 0; i < 2; i++) {
        unsigned count = store->driver->connected(connections[i]);
        if (count == store->told_connected[i]) continue;
        store->told_connected[i] = count;
        LOG_STORE_CONNECTED(&store->log, i + 1, store->trouble.path.at);
    }
}

void store_answer(struct store *store)
{
    if (sim_seat_is_dead(&store->sim_seat)) return;
    store->answering++;
    tell_connected(store);
    answer_changes(store);
    if (!store->is_closed) answer_askings(store);
    leave_answering(store);
}

static void on_wake(void *self)
{
    store_answer(self);
}

static void on_answer_refused(void *self)
{
    struct store *store = self;
    struct list refused, *node;
    if (sim_seat_is_dead(&store->sim_seat)) return;
    list_init(&refused);
    ring_append(&refused, &store->refused);
    store->answering++;
    while (!store->is_closed && (node = list_first(&refused)) != NULL) {
        list_remove(node);
        answer_change(store, LIST_OBJECT(node, struct change, node));
    }
#ifdef FAULT_ANSWER_EARLY
    if (!store->is_closed) faults_answer(store);
#endif
    if (!store->is_closed) answer_askings(store);
    leave_answering(store);
}

/* --- what lease.c needs --- */

void store_set_fence(struct store *store, const struct fence *fence, void (*on_broken)(void *self),
                     void *self)
{
    pthread_mutex_lock(&store->write.lock);
    store->fence = fence;
    store->is_fence_broken = false;
    pthread_mutex_unlock(&store->write.lock);
    store->is_yielded = false;
    store->on_fence_broken = on_broken;
    store->fence_self = self;
}

void store_yield(struct store *store)
{
    store->is_yielded = true;
    store->on_fence_broken = NULL;
}

/* --- flush, forget, small things --- */

/* An empty change: it has its turn after everything that was submitted before. */
void store_flush(struct store *store, void (*on_flushed)(void *self), void *self)
{
    struct change *change = change_new(store);
    change->is_vital = change->is_unfenced = true;
    change->on_flushed = on_flushed;
    change_submit(change, NULL, self);
}

void store_forget(struct store *store, const void *self)
{
    LIST_EACH (node, &store->changes) {
        struct change *change = LIST_OBJECT(node, struct change, all);
        if (change->self == self) {
            change->on_durable = NULL;
            change->on_flushed = NULL;
        }
        for (struct change_hook **hook = &change->hooks; *hook;)
            if ((*hook)->owner == self)
                *hook = (*hook)->next;
            else
                hook = &(*hook)->next;
    }
    LIST_EACH (node, &store->askings) {
        struct asking *asking = LIST_OBJECT(node, struct asking, all);
        if (asking->self == self) asking->on_rows = NULL;
    }
    if (store->fence_self == self) store->on_fence_broken = NULL;
}

const struct statement *store_statement(struct store *store, struct text sql)
{
    struct made *made = table_get(store->statements, sql);
    if (made) return &made->statement;
    if (table_count(store->statements) >= STATEMENTS_MAX) return NULL;
    made = scope_alloc(store->life, sizeof *made);
    made->sql = scope_keep(store->life, sql);
    made->statement.sql = made->sql.at;
    table_put(store->statements, made->sql, made);
    return &made->statement;
}

enum err store_execute_now(struct store *store, struct text sql, struct fault *fault)
{
    struct buf z = { 0 };
    buf_add(&z, sql);
    buf_add_byte(&z, '\0');
    enum err err = store->driver->execute(store->writer, z.at, fault);
    buf_free(&z);
    return err;
}

bool store_is_postgres(const struct store *store)
{
    return store->driver == &DRIVER_POSTGRES;
}

void store_count_anew(struct store *store, struct text table)
{
    struct buf sql = { 0 };
    if (!store_is_postgres(store)) return;
    buf_format(&sql, "ANALYZE %.*s", TEXT_ARG(table));
    struct query query = { .statement = store_statement(store, buf_text(&sql)) };
    if (query.statement) store_query(store, &query, NULL, NULL);
    buf_free(&sql);
}

const char *store_query_words(const struct store *store)
{
    return store->query_words ? store->query_words : "";
}

struct store_counters store_counters(const struct store *store)
{
    struct store_counters counters = store->counters;
    counters.waiting_now = store->waiting_count;
    return counters;
}

void sim_store_times(struct store *store, uint32_t commit_ms, uint32_t query_ms)
{
    ASSERT(loop_is_virtual(store->loop));
    store->sim_commit_ms = commit_ms;
    store->sim_query_ms = query_ms;
}

void sim_store_fill_disk(struct store *store, uint32_t groups)
{
    ASSERT(loop_is_virtual(store->loop));
    store->sim_full_groups = groups;
}

void sim_store_fail_sync(struct store *store)
{
    ASSERT(loop_is_virtual(store->loop));
    store->sim_sync_fails = true;
}

void sim_store_kill(struct store *store)
{
    sim_seat_kill(&store->sim_seat);
}

/* --- life --- */

static void free_changes(struct list *ring, size_t offset)
{
    struct list *node;
    while ((node = list_first(ring)) != NULL) {
        list_remove(node);
        change_free((struct change *)(void *)((char *)node - offset));
    }
}

static void store_close(void *self)
{
    struct store *store = self;
    if (store->driver->interrupt) {
        store->driver->interrupt(store->writer);
        store->driver->interrupt(store->reader);
    }
    worker_stop(&store->write);
    worker_stop(&store->read);
    chore_cancel(&store->hand_over);
    chore_cancel(&store->answer_refused);
#ifdef FAULT_ANSWER_EARLY
    faults_drop(store);
#endif
    free_changes(&store->changes, offsetof(struct change, all));
    free_changes(&store->spare, offsetof(struct change, node));
    for (struct list *node; (node = list_first(&store->askings)) != NULL;) {
        list_remove(node);
        asking_free(LIST_OBJECT(node, struct asking, all));
    }
    if (store->reader != store->writer) store->driver->close(store->reader);
    store->driver->close(store->writer);
    store->is_closed = true;
    if (store->answering == 0) free(store);
}

static struct store_options filled_in(const struct store_options *options)
{
    struct store_options filled = options ? *options : (struct store_options){ 0 };
    if (filled.group_rows_max == 0) filled.group_rows_max = GROUP_ROWS_USUAL;
    if (filled.queue_max == 0) filled.queue_max = QUEUE_USUAL;
    return filled;
}

static struct store *store_new(struct scope *owner, struct loop *loop, const struct log *log,
                               const struct store_options *options)
{
    struct store *store = calloc(1, sizeof *store);
    ASSERT(store != NULL);
    *store = (struct store){
        .loop = loop,
        .log = log ? *log : (struct log){ 0 },
        .life = scope_new(owner, "store", SCOPE_NO_LIMIT),
        .driver = &DRIVER_SQLITE,
        .options = filled_in(options),
        .hand_over = { .run = on_hand_over, .self = store },
        .answer_refused = { .run = on_answer_refused, .self = store },
        .sim_commit_ms = SIM_COMMIT_MS,
        .sim_query_ms = SIM_QUERY_MS,
    };
    store->statements = table_new(store->life);
    list_init(&store->submitted);
    list_init(&store->refused);
    list_init(&store->changes);
    list_init(&store->askings);
    list_init(&store->spare);
    worker_init(&store->write);
    worker_init(&store->read);
    list_init(&store->early);
    return store;
}

static void store_start(struct store *store)
{
    /* The note comes after the waker's and the timers', so that it runs before them: no thread
     * outlives the waker. */
    if (!loop_is_virtual(store->loop))
        store->waker = waker_new(store->life, store->loop, on_wake, store);
    writer_start(store);
    reader_start(store);
    scope_on_close(store->life, store_close, store);
}

static struct text place_of(const struct driver *driver, const struct connection *connection,
                            struct text path)
{
    return driver->place ? driver->place(connection) : path;
}

static enum err open_connections(const struct driver *driver, struct text path,
                                 const struct migration *migrations,
                                 const struct store_options *options, struct connection **writer,
                                 struct connection **reader, struct fault *fault)
{
    enum err err = driver->open(path, false, options, writer, fault);
    if (err) return err;
    err = migrate(driver, *writer, place_of(driver, *writer, path), migrations, options, fault);
    *reader = *writer;
    if (!err && !text_eq(path, TEXT(":memory:")))
        err = driver->open(path, true, options, reader, fault);
    if (err)
        driver->close(*writer);
    else if (driver->pair)
        driver->pair(*writer, *reader);
    return err;
}

static const struct driver *driver_of(struct text path)
{
    return text_starts(path, TEXT(POSTGRES_SCHEME)) ? &DRIVER_POSTGRES : &DRIVER_SQLITE;
}

enum err store_reach(struct text path, struct fault *fault)
{
    const struct driver *driver = driver_of(path);
    return driver->reach ? driver->reach(path, fault) : ERR_OK;
}

enum err store_open(struct scope *owner, struct loop *loop, const struct log *log, struct text path,
                    const struct migration *migrations, const struct store_options *options,
                    struct store **out, struct fault *fault)
{
    struct connection *writer, *reader;
    struct sim_seat seat = { 0 };
    char uri[SIM_URI_BYTES];
    struct text place = path;
    const struct driver *driver = driver_of(path);
    enum err err = ERR_OK;
    if (text_starts(path, TEXT(SIM_DISK_SCHEME)))
        err = sim_seat_take(loop, path, &seat, uri, &place, fault);
    if (!err) err = open_connections(driver, place, migrations, options, &writer, &reader, fault);
    if (err) return err;
    struct store *store = store_new(owner, loop, log, options);
    store->sim_seat = seat;
    store->driver = driver;
    path = scope_keep(store->life, place_of(driver, writer, path)); /* no password stays here */
    store->sim_seat.path = path;
    store->writer = writer;
    store->reader = reader;
    store->patience = timer_new(store->life, loop, on_patience_over, store);
    trouble_init(store, path);
    if (driver->connected) LOG_STORE_CHECKED(&store->log, 1u);
    tell_connected(store);
    store_start(store);
    *out = store;
    return ERR_OK;
}

enum err store_open_odbc(struct scope *owner, struct loop *loop, const struct log *log,
                         struct text connection_string, const struct store_options *options,
                         struct store **out, struct fault *fault)
{
    const struct driver *driver = &DRIVER_ODBC;
    struct connection *writer, *reader;
    enum err err = driver->open(connection_string, false, options, &writer, fault);
    if (err) return err;
    err = driver->open(connection_string, true, options, &reader, fault);
    if (err) {
        driver->close(writer);
        return err;
    }
    struct store *store = store_new(owner, loop, log, options);
    store->driver = driver;
    store->writer = writer;
    store->reader = reader;
    store_start(store);
    *out = store;
    return ERR_OK;
}
