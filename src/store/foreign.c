/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at carry(): a page of the journal is sent, its results marked, then those who
 * waited go on, then the next page. */
#include "store/foreign.h"

#include "format/msgpack.h"
#include "store/change.h"
#include "store/rows.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    PAGE_ROWS = 200,
    AGAIN_MS = 1000,
    REFUSED_AGAIN_MS = 60000,
    AWAIT_MS = 2000,
    WAITING_MAX = 20000,
    QUERY_WAIT_USUAL_MS = 60000,
    LIMIT_MORE_MS = 4000, /* beyond the query's own: to connect */
};

static const struct statement owe_insert = {
    "INSERT INTO foreign_write (access_point, table_name, kind, key_1, key_2, sql, parameters) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
};
static const struct statement owe_replace = {
    "INSERT OR REPLACE INTO foreign_write (access_point, table_name, kind, key_1, key_2, sql, "
    "parameters) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
};
static const struct statement read_page = {
    "SELECT sequence, table_name, kind, key_1, key_2, sql, parameters FROM foreign_write "
    "WHERE access_point = ?1 AND state = 1 ORDER BY sequence LIMIT ?2"
};
static const struct statement count_owed = {
    "SELECT count(*) FROM foreign_write WHERE access_point = ?1"
};
static const struct statement mark_done = {
    "DELETE FROM foreign_write WHERE sequence IN (SELECT value FROM json_each(?1))"
};
static const struct statement mark_refused = {
    "UPDATE foreign_write SET state = 2, reason = ?2 WHERE sequence = ?1"
};
static const struct statement retry_refused = {
    "UPDATE foreign_write SET state = 1 WHERE access_point = ?1 AND state = 2"
};

enum carrier_state {
    CARRIER_IDLE,    /* nothing owed was seen last */
    CARRIER_READING, /* a page of the journal */
    CARRIER_SENDING,
    CARRIER_MARKING,
    CARRIER_AWAY, /* until the timer */
};

/* One row of the journal under way. */
struct entry {
    struct foreign *foreign;
    int64_t sequence, key_1, key_2;
    enum owed_kind kind;
    struct text table;
    bool is_repeat, is_answered;
    enum err err;
    struct text words;
};

/* A read, or a change of the database itself, that waits for its moment. */
struct waiting {
    struct list node;
    struct scope *life;
    struct foreign *foreign;
    struct timer *timer;
    bool is_covered; /* the page under way was asked for after it came */
    bool is_asked;   /* their store has it */
    bool is_over;    /* answered already: it took too long */
    struct query query;
    void (*on_rows)(void *self, enum err err, const struct rows *rows);
    struct change *change;
    struct owed *undo;
    uint32_t undo_count;
    void (*on_durable)(void *self, const struct change_result *result);
    void *self;
};

struct awaiting {
    struct list node;
    struct scope *life;
    struct foreign *foreign;
    struct timer *timer;
    int64_t sequence;
    enum err err;
    struct text words;
    void (*on_carried)(void *self, enum err err, const char *words);
    void *self;
};

struct foreign {
    struct scope *life;
    struct loop *loop;
    struct store *own, *theirs;
    int64_t access_point;
    struct foreign_listener listener;
    enum carrier_state state;
    bool has_unmarked; /* something may have been sent that is not marked */
    bool has_new;      /* the journal grew since the page under way was asked for */
    bool is_away;
    char away_words[256];
    bool is_first_pass; /* what is in the journal may have been sent by an earlier life */
    int64_t sent_up_to;
    uint32_t owed, undoing;
    struct owing *spare;
    struct chore kick;
    struct timer *again, *retry, *send_timer;
    uint64_t limit_ms; /* of one answer of theirs */
    uint32_t waiting_count;
    struct scope *batch;
    struct entry *entries;
    uint32_t entry_count, unanswered;
    bool is_last_page;
    struct list reads, submits, failed, awaits, answered;
    struct chore answer;
};

static void carry(void *self);

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
    change_add(change, owed->kind == OWED_INSERT ? &owe_insert : &owe_replace, ROWS_ANY);
    change_bind_i64(change, foreign->access_point);
    change_bind_text(change, owed->table);
    change_bind_i64(change, owed->kind);
    change_bind_i64(change, owed->key_1);
    change_bind_i64(change, owed->key_2);
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

static void run_submits(struct foreign *foreign)
{
    for (struct list *node; may_submit(foreign) && (node = list_first(&foreign->submits));) {
        list_remove(node);
        struct waiting *waiting = LIST_OBJECT(node, struct waiting, node);
        waiting->is_asked = true;
        change_submit(waiting->change, on_submitted, waiting);
    }
}

/* The page that covers them is marked, and was the last. */
static void run_covered(struct foreign *foreign)
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

static void answer_later(struct foreign *foreign)
{
    chore_soon(foreign->loop, &foreign->answer);
}

/* Nobody who needs the database waits while it is away. */
static void fail_waiting(struct foreign *foreign)
{
    move_all(&foreign->reads, &foreign->failed);
    move_all(&foreign->submits, &foreign->failed);
    LIST_EACH (node, &foreign->awaits) {
        struct awaiting *awaiting = LIST_OBJECT(node, struct awaiting, node);
        awaiting->err = ERR_UNAVAILABLE;
    }
    move_all(&foreign->awaits, &foreign->answered);
    answer_later(foreign);
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

/* --- being away and coming back --- */

static void go_away(struct foreign *foreign, const char *words)
{
    bool was_away = foreign->is_away;
    (void)snprintf(foreign->away_words, sizeof foreign->away_words, "%s", words);
    foreign->state = CARRIER_AWAY;
    foreign->is_away = true;
    fail_waiting(foreign);
    timer_start(foreign->again, AGAIN_MS);
    if (!was_away) foreign->listener.on_away(foreign->listener.self, words);
}

/* The carrier waits for an answer: who else needs the database need not. */
static void on_send_time(void *self)
{
    static const char words[] = "the customer's database does not answer in time";
    struct foreign *foreign = self;
    bool was_away = foreign->is_away;
    (void)snprintf(foreign->away_words, sizeof foreign->away_words, "%s", words);
    foreign->is_away = true;
    fail_waiting(foreign);
    if (!was_away) foreign->listener.on_away(foreign->listener.self, words);
}

static void come_back(struct foreign *foreign)
{
    if (!foreign->is_away) return;
    foreign->is_away = false;
    foreign->listener.on_back(foreign->listener.self);
}

/* --- the carrier --- */

static bool is_of_the_database(enum err err)
{
    return err == ERR_UNAVAILABLE || err == ERR_IO || err == ERR_TIMEOUT || err == ERR_FULL ||
           err == ERR_LIMIT;
}

static struct awaiting *awaiting_of(struct foreign *foreign, int64_t sequence)
{
    LIST_EACH (node, &foreign->awaits) {
        struct awaiting *awaiting = LIST_OBJECT(node, struct awaiting, node);
        if (awaiting->sequence == sequence) return awaiting;
    }
    return NULL;
}

static void tell(struct foreign *foreign, struct awaiting *awaiting, const struct entry *entry)
{
    /* Who came too late to be told of a refusal acknowledges: it is in the journal. */
    awaiting->err = entry->is_answered || entry->err == ERR_OK ? entry->err : ERR_UNAVAILABLE;
    awaiting->words = scope_keep(awaiting->life, entry->words);
    list_remove(&awaiting->node);
    list_add_last(&foreign->answered, &awaiting->node);
    answer_later(foreign);
}

static void on_marked(void *self, const struct change_result *result)
{
    struct foreign *foreign = self;
    const struct entry *stuck = NULL;
    for (uint32_t i = 0; i < foreign->entry_count; i++) {
        const struct entry *entry = &foreign->entries[i];
        struct awaiting *awaiting = awaiting_of(foreign, entry->sequence);
        if (is_of_the_database(entry->err))
            stuck = entry;
        else if (awaiting && !result->err)
            tell(foreign, awaiting, entry);
    }
    if (result->err) {
        go_away(foreign, result->words);
        return;
    }
    if (stuck) {
        go_away(foreign, stuck->words.at);
        return;
    }
    come_back(foreign);
    foreign->has_unmarked = false;
    run_submits(foreign);
    if (foreign->is_last_page) run_covered(foreign);
    carry(foreign);
}

/* Whether it is as if the entry had been carried out. A write that finds no row to touch came
 * before, or somebody else took the row: it is theirs. */
static bool is_done(const struct entry *entry)
{
    return entry->err == ERR_OK || (entry->kind == OWED_WRITE && entry->err == ERR_CONFLICT);
}

static void say_refused(struct foreign *foreign, const struct entry *entry, const char *words)
{
    foreign->listener.on_refused(foreign->listener.self, entry->table, entry->key_1, entry->key_2,
                                 words);
}

static void mark(struct foreign *foreign)
{
    struct change *change = change_new(foreign->own);
    struct buf done = { 0 };
    timer_stop(foreign->send_timer);
    foreign->state = CARRIER_MARKING;
    buf_add_byte(&done, '[');
    for (uint32_t i = 0; i < foreign->entry_count; i++) {
        struct entry *entry = &foreign->entries[i];
        if (is_of_the_database(entry->err)) continue;
        entry->is_answered = awaiting_of(foreign, entry->sequence) != NULL;
        if (entry->err && is_done(entry) && !entry->is_repeat)
            say_refused(foreign, entry, "the row is not ours any more");
        if (is_done(entry) || entry->is_answered) { /* who is told of it acknowledges nothing */
            if (done.len > 1) buf_add_byte(&done, ',');
            buf_add_i64(&done, entry->sequence);
            if (foreign->owed) foreign->owed--;
            continue;
        }
        change_add(change, &mark_refused, ROWS_ANY);
        change_bind_i64(change, entry->sequence);
        change_bind_text(change, entry->words);
        say_refused(foreign, entry, entry->words.at);
    }
    buf_add_byte(&done, ']');
    change_add(change, &mark_done, ROWS_ANY);
    change_bind_text(change, buf_text(&done));
    buf_free(&done);
    change_submit(change, on_marked, foreign);
}

static void on_sent(void *self, const struct change_result *result)
{
    struct entry *entry = self;
    struct foreign *foreign = entry->foreign;
    entry->err = result->err;
    entry->words = scope_keep(foreign->batch, text_of(result->words ? result->words : ""));
    if (--foreign->unanswered == 0) mark(foreign);
}

static void bind(struct change *change, struct msgpack_reader *reader)
{
    switch (msgpack_peek(reader)) {
    case MSGPACK_INTEGER: change_bind_i64(change, msgpack_get_i64(reader)); return;
    case MSGPACK_FLOAT: change_bind_f64(change, msgpack_get_f64(reader)); return;
    case MSGPACK_TEXT: change_bind_text(change, msgpack_get_text(reader)); return;
    case MSGPACK_BYTES: change_bind_bytes(change, msgpack_get_bytes(reader)); return;
    default:
        (void)msgpack_get_nil(reader);
        change_bind_null(change);
        return;
    }
}

static void send_entry(struct foreign *foreign, struct entry *entry, struct text sql,
                       struct text parameters)
{
    struct change *change = change_new(foreign->theirs);
    const struct statement *statement = store_statement(foreign->theirs, sql);
    ASSERT(statement != NULL); /* few tables, few statements each */
    change_add(change, statement, entry->kind == OWED_WRITE ? 1 : ROWS_ANY);
    struct msgpack_reader reader = msgpack_reader(parameters);
    uint32_t count = msgpack_get_array(&reader);
    for (uint32_t i = 0; i < count; i++) bind(change, &reader);
    change_submit(change, on_sent, entry);
}

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct foreign *foreign = self;
    if (err) {
        go_away(foreign, "our own store does not answer");
        return;
    }
    uint32_t count = rows_count(rows);
    foreign->is_last_page = count < PAGE_ROWS;
    if (count == 0) {
        foreign->state = CARRIER_IDLE;
        foreign->has_unmarked = foreign->is_first_pass = false;
        come_back(foreign);
        run_submits(foreign);
        run_covered(foreign);
        if (foreign->has_new || !list_is_empty(&foreign->reads)) carry(foreign);
        return;
    }
    scope_reset(foreign->batch);
    foreign->state = CARRIER_SENDING;
    foreign->has_unmarked = true;
    timer_start(foreign->send_timer, foreign->limit_ms);
    foreign->entries = scope_alloc_array(foreign->batch, count, sizeof *foreign->entries);
    foreign->entry_count = foreign->unanswered = count;
    for (uint32_t i = 0; i < count; i++) {
        struct entry *entry = &foreign->entries[i];
        *entry = (struct entry){ .foreign = foreign,
                                 .sequence = rows_i64(rows, i, 0),
                                 .table = scope_keep(foreign->batch, rows_text(rows, i, 1)),
                                 .kind = (enum owed_kind)rows_i64(rows, i, 2),
                                 .key_1 = rows_i64(rows, i, 3),
                                 .key_2 = rows_i64(rows, i, 4) };
        entry->is_repeat = foreign->is_first_pass || entry->sequence <= foreign->sent_up_to;
        if (entry->sequence > foreign->sent_up_to) foreign->sent_up_to = entry->sequence;
        send_entry(foreign, entry, rows_text(rows, i, 5), rows_text(rows, i, 6));
    }
}

static void carry(void *self)
{
    struct foreign *foreign = self;
    timer_stop(foreign->again);
    foreign->state = CARRIER_READING;
    foreign->has_new = false;
    LIST_EACH (node, &foreign->reads) LIST_OBJECT(node, struct waiting, node)->is_covered = true;
    struct value parameters[] = { { .kind = VALUE_INTEGER, .integer = foreign->access_point },
                                  { .kind = VALUE_INTEGER, .integer = PAGE_ROWS } };
    struct query query = { &read_page, parameters, 2 };
    store_query(foreign->own, &query, on_page, foreign);
}

static void on_kick(void *self)
{
    struct foreign *foreign = self;
    if (foreign->state == CARRIER_IDLE) carry(foreign);
}

/* --- what the database refused --- */

static void on_counted(void *self, enum err err, const struct rows *rows)
{
    struct foreign *foreign = self;
    if (!err && rows_count(rows)) foreign->owed = (uint32_t)rows_i64(rows, 0, 0);
}

static void count(struct foreign *foreign)
{
    struct value parameter = { .kind = VALUE_INTEGER, .integer = foreign->access_point };
    struct query query = { &count_owed, &parameter, 1 };
    store_query(foreign->own, &query, on_counted, foreign);
}

static void on_retry_noted(void *self, const struct change_result *result)
{
    struct foreign *foreign = self;
    if (result->err == ERR_OK) foreign->has_new = true;
    count(foreign);
    on_kick(foreign);
}

static void on_retry(void *self)
{
    struct foreign *foreign = self;
    timer_start(foreign->retry, REFUSED_AGAIN_MS);
    struct change *change = change_new(foreign->own);
    change_add(change, &retry_refused, ROWS_ANY);
    change_bind_i64(change, foreign->access_point);
    change_submit(change, on_retry_noted, foreign);
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
    answer_later(foreign);
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
    run_submits(foreign);
}

static void on_await_time(void *self)
{
    struct awaiting *awaiting = self;
    list_remove(&awaiting->node);
    list_add_last(&awaiting->foreign->answered, &awaiting->node);
    answer_later(awaiting->foreign);
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
    if (foreign->is_away) answer_later(foreign);
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
                                 .kick = { .run = on_kick, .self = foreign },
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
    foreign->batch = scope_new(life, "batch", SCOPE_NO_LIMIT);
    foreign->again = timer_new(life, loop, carry, foreign);
    foreign->retry = timer_new(life, loop, on_retry, foreign);
    foreign->send_timer = timer_new(life, loop, on_send_time, foreign);
    foreign->limit_ms = LIMIT_MORE_MS;
    foreign->limit_ms += options && options->query_timeout_s ? options->query_timeout_s * 1000
                                                             : QUERY_WAIT_USUAL_MS;
    scope_on_close(life, foreign_close, foreign);
    on_retry(foreign); /* also what an earlier life was refused */
    carry(foreign);
    *out = foreign;
    return ERR_OK;
}
