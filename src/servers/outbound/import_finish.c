/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an import. An all-or-nothing one has all its rows in the list by then, without status:
 * that it is released is stored first, then its rows become Ready, some thousand chains in a
 * change; after a crash that goes on at the next start. So nobody is called before the whole file
 * is in, and nobody waits for a change of five million rows. Taking it out again goes the same way.
 */
#include "gen/events.h"
#include "servers/outbound/desktop_edge.h"
#include "servers/outbound/import.h"
#include "servers/outbound/import_private.h"
#include "servers/outbound/session.h"

#include <stdio.h>

enum { LIST_NAME_LEN_MAX = 128 };

static void reply_ended(struct import *import, struct link_request *request)
{
    const struct import_figures *figures = &import->durable;
    struct outbound_import_ended reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ENDED),
        .inserted = import->state == IMPORT_UNDONE ? 0 : figures->inserted,
        .rejected = figures->rejected,
        .chains = import->state == IMPORT_UNDONE ? 0 : figures->chains,
        .duplicates = figures->duplicates,
        .do_not_call = figures->do_not_call,
        .state = text_of(import_state_name(import->state)),
        .done_chains = import->done_chains,
    };
    link_reply(request, &reply);
}

/* --- the last word --- */

static void log_end(const struct import *import)
{
    char list[LIST_NAME_LEN_MAX];
    if (text_to_z(text_slice(import->list_name, 0, sizeof list - 1), list, sizeof list))
        list[0] = '\0';
    LOG_IMPORT_ENDED(&import->server->app->log, list,
                     import->state == IMPORT_UNDONE ? 0ull
                                                    : (unsigned long long)import->durable.inserted,
                     (unsigned long long)import->durable.rejected);
}

/* What only a repeat needs goes; of the rejects the first are kept for people. */
static void add_end(const struct import *import, struct change *change, enum import_state state)
{
    static const struct statement end = {
        "UPDATE import SET state = ?2, ended_utc_ms = ?3, done_chains = chains WHERE import_id = ?1"
    };
    static const struct statement forget_chains = {
        "DELETE FROM import_chain WHERE import_id = ?1"
    };
    static const struct statement forget_rejects = {
        "DELETE FROM import_reject WHERE import_id = ?1 AND (line, place) > (SELECT line, place "
        "FROM import_reject WHERE import_id = ?1 ORDER BY line, place LIMIT 1 OFFSET ?2)"
    };
    change_add(change, &end, 1);
    change_bind_i64(change, (int64_t)import->id);
    change_bind_i64(change, state);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(import->server->app->loop));
    change_add(change, &forget_chains, ROWS_ANY);
    change_bind_i64(change, (int64_t)import->id);
    change_add(change, &forget_rejects, ROWS_ANY);
    change_bind_i64(change, (int64_t)import->id);
    change_bind_i64(change, IMPORT_REJECTS_KEPT - 1);
}

/* --- chunk by chunk --- */

struct finish {
    struct import *import;
    uint64_t after; /* chains done once the change is durable */
    bool is_last;
};

static void next_chunk(struct import *import);

static void on_chunk(void *self, const struct change_result *result)
{
    struct finish *finish = self;
    struct import *import = finish->import;
    if (result->err) { /* the tool begins again, the next start goes on */
        import_break_off(import);
        return;
    }
    import->done_chains = finish->after;
    import_count_anew(import, import->done_chains, finish->is_last);
    if (import->state == IMPORT_RELEASING) sessions_wake(import->server, import->list_dbid);
    if (!finish->is_last) {
        next_chunk(import);
        return;
    }
    import->state = import->state == IMPORT_RELEASING ? IMPORT_ENDED : IMPORT_UNDONE;
    import->done_chains = import->durable.chains;
    log_end(import);
}

static const struct statement *chunk_statement(const struct import *import)
{
    struct buf sql = { 0 };
    const struct text table = import->table->layout.table;
    if (import->state == IMPORT_RELEASING)
        buf_format(&sql,
                   "UPDATE %.*s SET record_status = 1 WHERE chain_id >= ?1 AND chain_id < ?2 "
                   "AND record_status = 0",
                   TEXT_ARG(table));
    else
        buf_format(&sql, "DELETE FROM %.*s WHERE chain_id >= ?1 AND chain_id < ?2",
                   TEXT_ARG(table));
    const struct statement *kept = store_statement(import->server->store, buf_text(&sql));
    buf_free(&sql);
    return kept;
}

static void next_chunk(struct import *import)
{
    static const struct statement note = {
        "UPDATE import SET done_chains = ?2 WHERE import_id = ?1"
    };
    const struct statement *statement = chunk_statement(import);
    uint64_t end = import->done_chains + IMPORT_CHUNK;
    if (end > import->durable.chains) end = import->durable.chains;
    struct finish *finish = scope_alloc(import->life, sizeof *finish);
    *finish = (struct finish){ import, end, end == import->durable.chains };
    if (statement == NULL) {
        import_break_off(import);
        return;
    }
    struct change *change = change_new(import->server->store);
    change_add(change, statement, ROWS_ANY);
    change_bind_i64(change, import->chain_base + (int64_t)import->done_chains);
    change_bind_i64(change, import->chain_base + (int64_t)end);
    if (finish->is_last) {
        add_end(import, change, import->state == IMPORT_RELEASING ? IMPORT_ENDED : IMPORT_UNDONE);
    } else {
        change_add(change, &note, 1);
        change_bind_i64(change, (int64_t)import->id);
        change_bind_i64(change, (int64_t)end);
    }
    change_submit(change, on_chunk, finish);
}

/* --- ImportEnd, ImportUndo --- */

struct ending {
    struct import *import;
    struct link_request *request;
    enum import_state state;
};

static void on_ending(void *self, const struct change_result *result)
{
    struct ending *ending = self;
    struct import *import = ending->import;
    struct link_request *request = ending->request;
    import->ahead_count--;
    if (result->err) {
        struct fault fault;
        (void)fault_set(&fault, result->err, "importId", "%s",
                        result->words ? result->words : "not stored");
        import_break_off(import);
        link_refuse_fault(request, &fault);
        return;
    }
    import->state = ending->state;
    reply_ended(import, request);
    if (import->state == IMPORT_ENDED) {
        import_count_anew(import, import->durable.inserted, true);
        log_end(import);
        import_break_off(import);
        return;
    }
    import->counted = 0;       /* of chains from here on */
    scope_close(import->seen); /* nothing comes in any more */
    import->seen = NULL;
    import->numbers = NULL;
    import->chains = NULL;
    next_chunk(import);
}

static void set_state(struct import *import, struct link_request *request, enum import_state state)
{
    static const struct statement update = {
        "UPDATE import SET state = ?2, done_chains = 0 WHERE import_id = ?1 AND state = 1"
    };
    struct ending *ending = scope_alloc(link_request_scope(request), sizeof *ending);
    *ending = (struct ending){ import, request, state };
    struct change *change = change_new(import->server->store);
    if (state == IMPORT_ENDED) {
        add_end(import, change, state);
    } else {
        change_add(change, &update, 1);
        change_bind_i64(change, (int64_t)import->id);
        change_bind_i64(change, state);
    }
    import->ahead_count++; /* nothing else may be written meanwhile */
    change_submit(change, on_ending, ending);
}

static void refuse_end(struct link_request *request, enum err err, const char *words)
{
    struct fault fault;
    (void)fault_set(&fault, err, "importId", "%s", words);
    link_refuse_fault(request, &fault);
}

static void finish(struct outbound *server, struct link_request *request, uint64_t id, bool is_undo)
{
    struct import *import = import_find(server, id);
    if (import == NULL || import->is_broken) {
        refuse_end(request, ERR_NOT_FOUND, "begin again with the import's key");
        return;
    }
    if (import->ahead_count > 0 || !list_is_empty(&import->waiting)) {
        refuse_end(request, ERR_UNAVAILABLE, "slices are still being written");
        return;
    }
    if (is_undo && (import->state == IMPORT_ENDED || import->state == IMPORT_RELEASING)) {
        if (import->state == IMPORT_ENDED) import_break_off(import);
        refuse_end(request, ERR_CONFLICT, "it has ended: its rows may have been called");
        return;
    }
    if (import->state != IMPORT_UNDER_WAY) {
        reply_ended(import, request);
        bool is_over = import->state == IMPORT_ENDED || import->state == IMPORT_UNDONE;
        if (is_over) import_break_off(import);
        return;
    }
    if (is_undo && !import->is_whole) {
        if (import->insert == NULL) import_break_off(import); /* it came in for this alone */
        refuse_end(request, ERR_CONFLICT,
                   "its rows may have been called: it was not all or nothing");
        return;
    }
    bool has_failed = is_undo || (import->is_whole && import->durable.rejected > 0);
    set_state(import, request,
              has_failed         ? IMPORT_UNDOING
              : import->is_whole ? IMPORT_RELEASING
                                 : IMPORT_ENDED);
}

void import_on_end(void *self, struct link_request *request, const void *fields)
{
    if (desktop_edge_disregards(self, request, fields)) return;
    const struct outbound_import_end *asked = fields;
    finish(self, request, asked->import_id, false);
}

/* --- without its tool: after a restart, or because somebody wants it undone --- */

/* Just what the rest of its life needs. NULL: its list is gone, or leads to another table by now;
 * then nobody knows what these rows are. */
static struct import *import_from(struct outbound *server, const struct rows *rows, uint32_t row)
{
    struct calling_list *list =
        lists_find_by_dbid(server->lists, (uint32_t)rows_i64(rows, row, IMPORT_COLUMN_LIST), NULL);
    if (list == NULL || !text_eq(list->table->key, rows_text(rows, row, IMPORT_COLUMN_TABLE)))
        return NULL;
    struct scope *life = scope_new(server->app->life, "import", SCOPE_NO_LIMIT);
    struct import *import = scope_alloc(life, sizeof *import);
    *import = (struct import){
        .life = life,
        .server = server,
        .id = (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_ID),
        .state = (enum import_state)rows_i64(rows, row, IMPORT_COLUMN_STATE),
        .is_whole = rows_i64(rows, row, IMPORT_COLUMN_IS_WHOLE) != 0,
        .list_dbid = list->dbid,
        .list_name = scope_keep(life, list->name),
        .table = list->table,
        .chain_base = rows_i64(rows, row, IMPORT_COLUMN_CHAIN_BASE),
        .done_chains = (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_DONE_CHAINS),
        .durable = { .chains = (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_CHAINS),
                     .inserted = (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_INSERTED),
                     .rejected = (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_REJECTED),
                     .duplicates = (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_DUPLICATES),
                     .do_not_call = (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_DO_NOT_CALL) },
    };
    list_init(&import->waiting);
    table_put(server->imports, TEXT_OF(&import->id), import);
    return import;
}

static void on_table_open(void *self, const struct fault *fault)
{
    struct import *import = self;
    if (fault)
        import_break_off(import);
    else
        next_chunk(import);
}

/* Chains that are set aside stay so; a table of our own store counts them in when it is opened. */
static void set_chains_aside(struct outbound *server, const struct rows *rows, uint32_t row)
{
    struct calling_list *list =
        lists_find_by_dbid(server->lists, (uint32_t)rows_i64(rows, row, IMPORT_COLUMN_LIST), NULL);
    int64_t behind = rows_i64(rows, row, IMPORT_COLUMN_CHAIN_BASE) +
                     rows_i64(rows, row, IMPORT_COLUMN_CHAIN_COUNT);
    if (list && text_eq(list->table->key, rows_text(rows, row, IMPORT_COLUMN_TABLE)) &&
        list->table->next_chain_id < behind)
        list->table->next_chain_id = behind;
}

static void finish_now(struct outbound *server, const struct rows *rows, uint32_t row)
{
    if (import_find(server, (uint64_t)rows_i64(rows, row, IMPORT_COLUMN_ID))) return;
    struct import *import = import_from(server, rows, row);
    struct calling_list *list = import ? lists_find_by_dbid(server->lists, import->list_dbid, NULL)
                                       : NULL;
    if (list) list_open(list, on_table_open, import);
}

static void on_unfinished(void *self, enum err err, const struct rows *rows)
{
    struct outbound *server = self;
    for (uint32_t i = 0; !err && i < rows_count(rows); i++) {
        if (rows_i64(rows, i, IMPORT_COLUMN_STATE) == IMPORT_UNDER_WAY)
            set_chains_aside(server, rows, i);
        else
            finish_now(server, rows, i);
    }
}

void imports_continue(struct outbound *server)
{
    static const struct statement statement = {
        "SELECT " IMPORT_COLUMNS
        " FROM import WHERE state IN (1, 2, 4) ORDER BY import_id DESC LIMIT 1000"
    };
    struct query query = { &statement, NULL, 0 };
    store_query(server->store, &query, on_unfinished, server);
}

struct undoing {
    struct outbound *server;
    struct link_request *request;
    uint64_t id;
};

static void on_undo_table_open(void *self, const struct fault *fault)
{
    struct undoing *undoing = self;
    struct import *import = import_find(undoing->server, undoing->id);
    if (fault && import) import_break_off(import);
    if (fault)
        link_refuse_fault(undoing->request, fault);
    else
        finish(undoing->server, undoing->request, undoing->id, true);
}

static void on_undo_known(void *self, enum err err, const struct rows *rows)
{
    struct undoing *undoing = self;
    struct outbound *server = undoing->server;
    struct import *import = NULL;
    if (!err && rows_count(rows) && import_find(server, undoing->id) == NULL)
        import = import_from(server, rows, 0);
    struct calling_list *list = import ? lists_find_by_dbid(server->lists, import->list_dbid, NULL)
                                       : NULL;
    if (list)
        list_open(list, on_undo_table_open, undoing);
    else
        refuse_end(undoing->request, err ? ERR_UNAVAILABLE : ERR_NOT_FOUND,
                   "there is no such import, or its list is gone");
}

void import_on_undo(void *self, struct link_request *request, const void *fields)
{
    if (desktop_edge_disregards(self, request, fields)) return;
    static const struct statement statement = { "SELECT " IMPORT_COLUMNS
                                                " FROM import WHERE import_id = ?1" };
    const struct outbound_import_undo *asked = fields;
    struct undoing *undoing = scope_alloc(link_request_scope(request), sizeof *undoing);
    *undoing = (struct undoing){ self, request, asked->import_id };
    if (import_find(undoing->server, undoing->id)) {
        finish(undoing->server, request, undoing->id, true);
        return;
    }
    struct value id = value_of_i64((int64_t)asked->import_id);
    struct query query = { &statement, &id, 1 };
    store_query(undoing->server->store, &query, on_undo_known, undoing);
}
