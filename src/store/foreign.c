/* SPDX-License-Identifier: Apache-2.0 */
/* Those who owe, ask and take; the journal's own way is in foreign_carrier.c. */
#include "store/foreign_private.h"

#include "format/msgpack.h"
#include "store/change.h"
#include "store/rows.h"

#include <stdio.h>

enum {
    AWAIT_MS = 2000,
    WAITING_MAX = 20000,
    QUERY_WAIT_USUAL_MS = 60000,
    LIMIT_MORE_MS = 4000, /* beyond the query's own: to connect */
};

static const struct statement owe_insert = {
    "INSERT INTO foreign_write (access_point, table_name, kind, key_1, key_2, sql, parameters) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING sequence"
};
/* What a newer write replaces. The newer one gets a place of its own: the carrier may have the
 * older one in hand, and takes out what it had. */
static const struct statement owe_instead = {
    "DELETE FROM foreign_write WHERE access_point = ?1 AND table_name = ?2 AND kind = ?3 "
    "AND key_1 = ?4 AND key_2 = ?5"
};
/* --- owing --- */

struct owing {
    struct change_hook hook;
    struct owing *next; /* spare */
    struct foreign *foreign;
};

static void on_change_end(struct change_hook *hook, enum err err)
{
    struct owing *owing = (struct owing *)(void *)((char *)hook - offsetof(struct owing, hook));
    struct foreign *foreign = owing->foreign;
    owing->next = foreign->spare;
    foreign->spare = owing;
    if (err) return;
    foreign->owed++;
    foreign->has_new = true;
    if (foreign->state == CARRIER_IDLE) chore_soon(foreign->loop, &foreign->kick);
}

static void add_key(struct foreign *foreign, struct change *change,
                    const struct statement *statement, const struct owed *owed)
{
    change_add(change, statement, ROWS_ANY);
    change_bind_i64(change, foreign->access_point);
    change_bind_text(change, owed->table);
    change_bind_i64(change, owed->kind);
    change_bind_i64(change, owed->key_1);
    change_bind_i64(change, owed->key_2);
}

void foreign_owe(struct foreign *foreign, struct change *change, const struct owed *owed)
{
    struct owing *owing = foreign->spare;
    struct buf parameters = { 0 };
    if (owing)
        foreign->spare = owing->next;
    else
        owing = scope_alloc(foreign->life, sizeof *owing);
    msgpack_put_array(&parameters, owed->parameter_count);
    for (uint32_t i = 0; i < owed->parameter_count; i++)
        msgpack_put_value(&parameters, &owed->parameters[i]);
    if (owed->kind != OWED_INSERT) add_key(foreign, change, &owe_instead, owed);
    add_key(foreign, change, &owe_insert, owed);
    change_bind_text(change, owed->sql);
    change_bind_bytes(change, buf_text(&parameters));
    buf_free(&parameters);
    *owing =
        (struct owing){ .hook = { .ended = on_change_end, .owner = foreign }, .foreign = foreign };
    change_on_end(change, &owing->hook);
}

bool foreign_is_away(const struct foreign *foreign)
{
    return foreign->is_away;
}

uint32_t foreign_owed(const struct foreign *foreign)
{
    return foreign->owed;
}

/* --- those who wait --- */

static void end_waiting(struct waiting *waiting)
{
    waiting->foreign->waiting_count--;
    list_remove(&waiting->node);
    scope_close(waiting->life);
}

static void on_read(void *self, enum err err, const struct rows *rows)
{
    struct waiting *waiting = self;
    if (!waiting->is_over) waiting->on_rows(waiting->self, err, rows);
    end_waiting(waiting);
}

static void run_read(struct waiting *waiting)
{
    list_remove(&waiting->node);
    waiting->is_asked = true;
    store_query(waiting->foreign->theirs, &waiting->query, on_read, waiting);
}

static void on_undo_owed(void *self, const struct change_result *result)
{
    struct foreign *foreign = self;
    (void)result; /* our own store fails: what is left is found again at the next start */
    foreign->undoing--;
    if (foreign->state == CARRIER_IDLE) chore_soon(foreign->loop, &foreign->kick);
}

static void owe_undo(struct waiting *waiting)
{
    struct foreign *foreign = waiting->foreign;
    struct change *change = change_new(foreign->own);
    for (uint32_t i = 0; i < waiting->undo_count; i++)
        foreign_owe(foreign, change, &waiting->undo[i]);
    foreign->undoing++;
    change_submit(change, on_undo_owed, foreign);
}

static void on_submitted(void *self, const struct change_result *result)
{
    struct waiting *waiting = self;
    bool is_in_vain = result->err == ERR_OK && waiting->is_over;
    if ((result->err == ERR_IO || is_in_vain) && waiting->undo_count) owe_undo(waiting);
    if (!waiting->is_over && waiting->on_durable) waiting->on_durable(waiting->self, result);
    end_waiting(waiting);
}

static bool may_submit(const struct foreign *foreign)
{
    return !foreign->has_unmarked && foreign->undoing == 0;
}

void foreign_run_submits(struct foreign *foreign)
{
    for (struct list *node; may_submit(foreign) && (node = list_first(&foreign->submits));) {
        list_remove(node);
        struct waiting *waiting = LIST_OBJECT(node, struct waiting, node);
        waiting->is_asked = true;
        change_submit(waiting->change, on_submitted, waiting);
    }
}

/* The page that covers them is marked, and was the last. */
void foreign_run_covered(struct foreign *foreign)
{
    struct list *next;
    for (struct list *node = foreign->reads.next; node != &foreign->reads; node = next) {
        next = node->next;
        struct waiting *waiting = LIST_OBJECT(node, struct waiting, node);
        if (waiting->is_covered) run_read(waiting);
    }
}

static void move_all(struct list *from, struct list *to)
{
    for (struct list *node; (node = list_first(from)) != NULL;) {
        list_remove(node);
        list_add_last(to, node);
    }
}

void foreign_answer_later(struct foreign *foreign)
{
    chore_soon(foreign->loop, &foreign->answer);
}

/* Nobody who needs the database waits while it is away. */
void foreign_fail_waiting(struct foreign *foreign)
{
    move_all(&foreign->reads, &foreign->failed);
    move_all(&foreign->submits, &foreign->failed);
    LIST_EACH (node, &foreign->awaits) {
        struct awaiting *awaiting = LIST_OBJECT(node, struct awaiting, node);
        awaiting->err = ERR_UNAVAILABLE;
    }
    move_all(&foreign->awaits, &foreign->answered);
    foreign_answer_later(foreign);
}

static void answer_with(struct waiting *waiting, enum err err, const char *words)
{
    static const struct rows empty;
    struct change_result result = { err, words, 0, -1 };
    if (waiting->on_rows)
        waiting->on_rows(waiting->self, err, &empty);
    else if (waiting->on_durable)
        waiting->on_durable(waiting->self, &result);
}

static void fail(struct waiting *waiting)
{
    if (waiting->change) change_drop(waiting->change);
    answer_with(waiting, ERR_UNAVAILABLE, waiting->foreign->away_words);
    end_waiting(waiting);
}

/* A database that takes what it is sent and says nothing. What it may have done meanwhile is undone
 * when its answer comes. */
static void on_waiting_time(void *self)
{
    static const char words[] = "the customer's database does not answer in time";
    struct waiting *waiting = self;
    if (!waiting->is_asked) {
        (void)snprintf(waiting->foreign->away_words, sizeof waiting->foreign->away_words, "%s",
                       words);
        fail(waiting);
        return;
    }
    waiting->is_over = true;
    answer_with(waiting, waiting->on_rows ? ERR_TIMEOUT : ERR_UNAVAILABLE, words);
}

static void on_answer(void *self)
{
    struct foreign *foreign = self;
    for (struct list *node; (node = list_first(&foreign->failed)) != NULL;) {
        list_remove(node);
        fail(LIST_OBJECT(node, struct waiting, node));
    }
    for (struct list *node; (node = list_first(&foreign->answered)) != NULL;) {
        list_remove(node);
        struct awaiting *awaiting = LIST_OBJECT(node, struct awaiting, node);
        awaiting->on_carried(awaiting->self, awaiting->err,
                             awaiting->words.len ? awaiting->words.at : err_words(awaiting->err));
        scope_close(awaiting->life);
    }
}

/* --- the room's doors --- */

static struct waiting *waiting_new(struct foreign *foreign, void *self)
{
    struct scope *life = scope_new(foreign->life, "waiting for a database", SCOPE_NO_LIMIT);
    struct waiting *waiting = scope_alloc(life, sizeof *waiting);
    waiting->life = life;
    waiting->foreign = foreign;
    waiting->self = self;
    waiting->timer = timer_new(life, foreign->loop, on_waiting_time, waiting);
    timer_start(waiting->timer, foreign->limit_ms);
    foreign->waiting_count++;
    return waiting;
}

static struct value *copy_values(struct scope *scope, const struct value *values, uint32_t count)
{
    struct value *copies = scope_alloc_array(scope, count + 1, sizeof *copies);
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = values[i];
        if (values[i].kind == VALUE_TEXT || values[i].kind == VALUE_BYTES)
            copies[i].text = scope_keep(scope, values[i].text);
    }
    return copies;
}

/* True: answered later, with what stands in the way. */
static bool must_fail(struct foreign *foreign, struct waiting *waiting)
{
    bool is_crowded = foreign->waiting_count > WAITING_MAX;
    if (!foreign->is_away && !is_crowded) return false;
    if (is_crowded)
        (void)snprintf(foreign->away_words, sizeof foreign->away_words, "too many requests wait");
    list_add_last(&foreign->failed, &waiting->node);
    foreign_answer_later(foreign);
    return true;
}

void foreign_query(struct foreign *foreign, const struct query *query,
                   void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    struct waiting *waiting = waiting_new(foreign, self);
    waiting->on_rows = on_rows;
    waiting->query = *query;
    waiting->query.parameters =
        copy_values(waiting->life, query->parameters, query->parameter_count);
    if (must_fail(foreign, waiting)) return;
    list_add_last(&foreign->reads, &waiting->node);
    if (foreign->state == CARRIER_IDLE && !foreign->has_new) run_read(waiting);
}

const char *foreign_query_words(const struct foreign *foreign)
{
    const char *words = store_query_words(foreign->theirs);
    return words[0] ? words : foreign->away_words;
}

struct store *foreign_store(const struct foreign *foreign)
{
    return foreign->theirs;
}

void foreign_submit(struct foreign *foreign, struct change *change, const struct owed *undo,
                    uint32_t undo_count,
                    void (*on_durable)(void *self, const struct change_result *result), void *self)
{
    struct waiting *waiting = waiting_new(foreign, self);
    waiting->change = change;
    waiting->on_durable = on_durable;
    waiting->undo_count = undo_count;
    waiting->undo = scope_alloc_array(waiting->life, undo_count + 1, sizeof *undo);
    for (uint32_t i = 0; i < undo_count; i++) {
        waiting->undo[i] = undo[i];
        waiting->undo[i].table = scope_keep(waiting->life, undo[i].table);
        waiting->undo[i].sql = scope_keep(waiting->life, undo[i].sql);
        waiting->undo[i].parameters =
            copy_values(waiting->life, undo[i].parameters, undo[i].parameter_count);
    }
    if (must_fail(foreign, waiting)) return;
    list_add_last(&foreign->submits, &waiting->node);
    foreign_run_submits(foreign);
}

static void on_await_time(void *self)
{
    struct awaiting *awaiting = self;
    list_remove(&awaiting->node);
    list_add_last(&awaiting->foreign->answered, &awaiting->node);
    foreign_answer_later(awaiting->foreign);
}

void foreign_await(struct foreign *foreign, int64_t rowid,
                   void (*on_carried)(void *self, enum err err, const char *words), void *self)
{
    struct scope *life = scope_new(foreign->life, "waiting for a row", SCOPE_NO_LIMIT);
    struct awaiting *awaiting = scope_alloc(life, sizeof *awaiting);
    *awaiting = (struct awaiting){ .life = life,
                                   .foreign = foreign,
                                   .sequence = rowid,
                                   .on_carried = on_carried,
                                   .self = self,
                                   .err = ERR_UNAVAILABLE };
    awaiting->timer = timer_new(life, foreign->loop, on_await_time, awaiting);
    timer_start(awaiting->timer, AWAIT_MS);
    list_add_last(foreign->is_away ? &foreign->answered : &foreign->awaits, &awaiting->node);
    if (foreign->is_away) foreign_answer_later(foreign);
}

static void foreign_close(void *self)
{
    struct foreign *foreign = self;
    chore_cancel(&foreign->kick);
    chore_cancel(&foreign->answer);
    store_forget(foreign->own, foreign);
}

enum err foreign_open(struct scope *owner, struct loop *loop, const struct log *log,
                      struct store *own, int64_t access_point, struct text connection_string,
                      const struct store_options *options, const struct foreign_listener *listener,
                      struct foreign **out, struct fault *fault)
{
    struct scope *life = scope_new(owner, "foreign database", SCOPE_NO_LIMIT);
    struct foreign *foreign = scope_alloc(life, sizeof *foreign);
    *foreign = (struct foreign){ .life = life,
                                 .loop = loop,
                                 .own = own,
                                 .access_point = access_point,
                                 .listener = *listener,
                                 .has_unmarked = true, /* by an earlier life of ours */
                                 .is_first_pass = true,
                                 .answer = { .run = on_answer, .self = foreign } };
    enum err err =
        store_open_odbc(life, loop, log, connection_string, options, &foreign->theirs, fault);
    if (err) {
        scope_close(life);
        return err;
    }
    struct list *lists[] = { &foreign->reads, &foreign->submits, &foreign->failed, &foreign->awaits,
                             &foreign->answered };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) list_init(lists[i]);
    foreign_carrier_new(foreign);
    foreign->limit_ms = LIMIT_MORE_MS;
    foreign->limit_ms += options && options->query_timeout_s ? options->query_timeout_s * 1000
                                                             : QUERY_WAIT_USUAL_MS;
    scope_on_close(life, foreign_close, foreign);
    foreign_carrier_start(foreign);
    *out = foreign;
    return ERR_OK;
}
