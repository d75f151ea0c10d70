/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at carry(): a page of the journal is sent, its results marked, then those who
 * waited go on, then the next page. */
#include "store/foreign_private.h"

#include "format/msgpack.h"

#include <stdio.h>

enum { PAGE_ROWS = 200, AGAIN_MS = 1000, REFUSED_AGAIN_MS = 60000 };

static const struct statement read_page = {
    "SELECT sequence, table_name, kind, key_1, key_2, sql, parameters FROM foreign_write "
    "WHERE access_point = ?1 AND state = 1 ORDER BY sequence LIMIT ?2"
};
static const struct statement count_owed = {
    "SELECT count(*) FROM foreign_write WHERE access_point = ?1"
};
static const struct statement mark_done = {
    "DELETE FROM foreign_write WHERE sequence IN (SELECT CAST(value AS INTEGER) FROM "
    "json_each(?1))"
};
static const struct statement mark_refused = {
    "UPDATE foreign_write SET state = 2, reason = ?2 WHERE sequence = ?1"
};
static const struct statement retry_refused = {
    "UPDATE foreign_write SET state = 1 WHERE access_point = ?1 AND state = 2"
};

static void carry(void *self);

/* --- being away and coming back --- */

static void go_away(struct foreign *foreign, const char *words)
{
    bool was_away = foreign->is_away;
    (void)snprintf(foreign->away_words, sizeof foreign->away_words, "%s", words);
    foreign->state = CARRIER_AWAY;
    foreign->is_away = true;
    foreign_fail_waiting(foreign);
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
    foreign_fail_waiting(foreign);
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
    foreign_answer_later(foreign);
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
    foreign_run_submits(foreign);
    if (foreign->is_last_page) foreign_run_covered(foreign);
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
        foreign_run_submits(foreign);
        foreign_run_covered(foreign);
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

void foreign_carrier_new(struct foreign *foreign)
{
    foreign->kick = (struct chore){ .run = on_kick, .self = foreign };
    foreign->batch = scope_new(foreign->life, "batch", SCOPE_NO_LIMIT);
    foreign->again = timer_new(foreign->life, foreign->loop, carry, foreign);
    foreign->retry = timer_new(foreign->life, foreign->loop, on_retry, foreign);
    foreign->send_timer = timer_new(foreign->life, foreign->loop, on_send_time, foreign);
}

void foreign_carrier_start(struct foreign *foreign)
{
    on_retry(foreign); /* also what an earlier life was refused */
    carry(foreign);
}
