/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/import.h"

#include "gen/events.h"
#include "servers/outbound/import_row.h"
#include "servers/outbound/session.h"

enum { IMPORTS_MAX = 64, SLICES_WAITING_MAX = 64, LIST_NAME_LEN_MAX = 128 };

struct import {
    struct scope *life;
    struct outbound *server;
    uint64_t id;
    struct text key, columns;
    uint32_t list_dbid;
    struct text list_name;
    struct list_table *table;
    struct import_map map;
    uint64_t slices, inserted, rejected, chains;
    struct text last_chain_key; /* in `chain_life`, which is made anew with each slice */
    struct scope *chain_life;
    int64_t last_chain_id, last_chain_n;
    bool is_busy;
    struct list waiting; /* of struct slice */
};

/* One slice (or the end) on its way. */
struct slice {
    struct list node;
    struct import *import;
    struct link_request *request;
    const struct outbound_import_slice *fields; /* NULL: ImportEnd */
    struct outbound_import_slice_done done;
    struct text chain_key; /* as it will be after the slice */
    int64_t chain_id, chain_n;
    uint64_t chains;
};

/* Imports by id, for the life of the process; the store has them all. */
static struct import *import_find(struct outbound *server, uint64_t id)
{
    return table_get(server->imports, TEXT_OF(&id));
}

/* --- ImportBegin --- */

struct beginning {
    struct import *import;
    struct link_request *request;
    struct text file_name;
};

static void refuse_begin(struct beginning *beginning, const struct fault *fault)
{
    struct link_request *request = beginning->request;
    scope_close(beginning->import->life);
    link_refuse_fault(request, fault);
}

static void begun(struct beginning *beginning)
{
    struct import *import = beginning->import;
    table_put(import->server->imports, TEXT_OF(&import->id), import);
    struct outbound_import_begun reply = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_BEGUN),
                                           .import_id = import->id,
                                           .slices = import->slices };
    link_reply(beginning->request, &reply);
}

static void on_stored(void *self, const struct change_result *result)
{
    struct beginning *beginning = self;
    struct fault fault = { 0 };
    if (result->err) {
        (void)fault_set(&fault, result->err, "key", "%s",
                        result->words ? result->words : "not stored");
        refuse_begin(beginning, &fault);
        return;
    }
    beginning->import->id = (uint64_t)result->rowid;
    begun(beginning);
}

static const struct statement import_insert = {
    "INSERT INTO import (import_key, list_dbid, file_name, columns, slices, inserted, rejected, "
    "chains, "
    "started_utc_ms) VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, ?5)"
};
static const struct statement import_select = {
    "SELECT import_id, list_dbid, columns, slices, inserted, rejected, chains, last_chain_key, "
    "last_chain_id, last_chain_n FROM import WHERE import_key = ?1"
};

static void store_new(struct beginning *beginning)
{
    struct import *import = beginning->import;
    struct change *change = change_new(import->server->store);
    change_add(change, &import_insert, 1);
    change_bind_text(change, import->key);
    change_bind_i64(change, import->list_dbid);
    change_bind_text(change, beginning->file_name);
    change_bind_text(change, import->columns);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(import->server->app->loop));
    change_submit(change, on_stored, beginning);
}

/* A key that is known goes on where its last durable slice ended. */
static void on_known(void *self, enum err err, const struct rows *rows)
{
    struct beginning *beginning = self;
    struct import *import = beginning->import;
    struct fault fault = { 0 };
    if (err) {
        (void)fault_set(&fault, err, "key", "the store does not answer");
        refuse_begin(beginning, &fault);
        return;
    }
    if (rows_count(rows) == 0) {
        store_new(beginning);
        return;
    }
    if (rows_i64(rows, 0, 1) != import->list_dbid ||
        !text_eq(rows_text(rows, 0, 2), import->columns)) {
        (void)fault_set(&fault, ERR_CONFLICT, "key",
                        "an import of this name has another list or columns");
        refuse_begin(beginning, &fault);
        return;
    }
    uint64_t id = (uint64_t)rows_i64(rows, 0, 0);
    struct import *running = import_find(import->server, id);
    if (running) { /* the tool is back within one life of ours */
        struct link_request *request = beginning->request;
        scope_close(import->life);
        struct outbound_import_begun reply = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_BEGUN),
                                               .import_id = id,
                                               .slices = running->slices };
        link_reply(request, &reply);
        return;
    }
    import->id = id;
    import->slices = (uint64_t)rows_i64(rows, 0, 3);
    import->inserted = (uint64_t)rows_i64(rows, 0, 4);
    import->rejected = (uint64_t)rows_i64(rows, 0, 5);
    import->chains = (uint64_t)rows_i64(rows, 0, 6);
    import->last_chain_key = scope_keep(import->chain_life, rows_text(rows, 0, 7));
    import->last_chain_id = rows_i64(rows, 0, 8);
    import->last_chain_n = rows_i64(rows, 0, 9);
    begun(beginning);
}

static void on_table_open(void *self, const struct fault *fault)
{
    struct beginning *beginning = self;
    if (fault) {
        refuse_begin(beginning, fault);
        return;
    }
    struct value key = value_of_text(beginning->import->key);
    struct query query = { &import_select, &key, 1 };
    store_query(beginning->import->server->store, &query, on_known, beginning);
}

/* A tool that went away leaves its import behind; the store knows how to go on with it. */
static void forget_idle(struct outbound *server)
{
    struct import *import;
    for (size_t at = 0; (import = table_next(server->imports, &at)) != NULL;) {
        if (import->is_busy) continue;
        (void)table_remove(server->imports, TEXT_OF(&import->id));
        scope_close(import->life);
        return;
    }
}

static void begin(void *self, struct link_request *request, const void *fields)
{
    struct outbound *server = self;
    const struct outbound_import_begin *asked = fields;
    struct fault fault = { 0 };
    struct calling_list *list = lists_find(server->lists, asked->list, &fault);
    if (list && table_count(server->imports) >= IMPORTS_MAX) forget_idle(server);
    if (list && table_count(server->imports) >= IMPORTS_MAX)
        (void)fault_set(&fault, ERR_LIMIT, "key", "more than %d imports at a time", IMPORTS_MAX);
    if (list == NULL || fault.err) {
        link_refuse_fault(request, &fault);
        return;
    }
    struct scope *life = scope_new(server->app->life, "import", SCOPE_NO_LIMIT);
    struct import *import = scope_alloc(life, sizeof *import);
    *import = (struct import){ .life = life,
                               .server = server,
                               .key = scope_keep(life, asked->key),
                               .list_dbid = list->dbid,
                               .list_name = scope_keep(life, list->name),
                               .table = list->table,
                               .chain_life = scope_new(life, "import chain", SCOPE_NO_LIMIT) };
    list_init(&import->waiting);
    struct buf columns = { 0 };
    for (uint32_t i = 0; i < asked->columns.count; i++) {
        if (i) buf_add_byte(&columns, ',');
        buf_add(&columns, asked->columns.at[i]);
    }
    import->columns = scope_keep(life, buf_text(&columns));
    buf_free(&columns);
    if (import_map_make(&list->table->layout, asked->columns.at, asked->columns.count, life,
                        &import->map, &fault)) {
        scope_close(life);
        link_refuse_fault(request, &fault);
        return;
    }
    struct beginning *beginning = scope_alloc(life, sizeof *beginning);
    *beginning = (struct beginning){ import, request, scope_keep(life, asked->file_name) };
    list_open(list, on_table_open, beginning);
}

/* --- ImportSlice --- */

static bool find_zone(void *self, struct text name, uint32_t *dbid)
{
    struct outbound *server = self;
    struct list_zone zone;
    if (!list_zone_by_name(server->app, name, loop_now_utc_ms(server->app->loop), &zone))
        return false;
    *dbid = zone.dbid;
    return true;
}

static void run(struct slice *slice);

static void next(struct import *import)
{
    import->is_busy = false;
    struct list *node = list_first(&import->waiting);
    if (node == NULL) return;
    list_remove(node);
    run(LIST_OBJECT(node, struct slice, node));
}

static void on_slice_durable(void *self, const struct change_result *result)
{
    struct slice *slice = self;
    struct import *import = slice->import;
    if (result->err) {
        struct fault fault = { 0 };
        (void)fault_set(&fault, result->err, "rows", "%s",
                        result->words ? result->words : "not stored");
        link_refuse_fault(slice->request, &fault);
        next(import);
        return;
    }
    import->slices++;
    import->inserted += slice->done.inserted;
    import->rejected += slice->done.rejects.count;
    import->chains += slice->chains;
    import->last_chain_id = slice->chain_id;
    import->last_chain_n = slice->chain_n;
    struct scope *kept = scope_new(import->life, "import chain", SCOPE_NO_LIMIT);
    import->last_chain_key = scope_keep(kept, slice->chain_key);
    scope_close(import->chain_life);
    import->chain_life = kept;
    import->server->counters.records_imported_total += slice->done.inserted;
    sessions_wake(import->server, import->list_dbid);
    link_reply(slice->request, &slice->done);
    next(import);
}

/* Rows of one chain stand together in the file and share its key. */
static void place(struct slice *slice, struct import_line *line)
{
    struct list_table *table = slice->import->table;
    bool goes_on = line->chain_key.len && text_eq(line->chain_key, slice->chain_key) &&
                   slice->chain_n < CHAIN_RECORDS_MAX;
    if (!goes_on) {
        slice->chain_id = table->next_chain_id++;
        slice->chain_n = 0;
        slice->chains++;
    }
    slice->chain_key = line->chain_key;
    line->cells[COLUMN_CHAIN_ID] = value_of_i64(slice->chain_id);
    line->cells[COLUMN_CHAIN_N] = value_of_i64(++slice->chain_n);
    line->cells[COLUMN_RECORD_ID] = value_of_i64(table->next_record_id++);
}

static void add_reject(struct slice *slice, const struct outbound_import_row *row,
                       const struct fault *fault)
{
    struct scope *scope = link_request_scope(slice->request);
    const struct import *import = slice->import;
    struct text value = { 0 };
    struct text rest = import->columns, column;
    for (uint32_t i = 0; i < row->cells.count && text_next_item(&rest, ',', &column); i++)
        if (text_eq_fold(column, text_of(fault->field))) value = row->cells.at[i];
    slice->done.rejects.at[slice->done.rejects.count++] = (struct outbound_import_reject){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
        .line = row->line,
        .field = scope_keep(scope, text_of(fault->field)),
        .rule = scope_keep(scope, text_of(fault->words)),
        .value = value,
    };
}

static const struct statement import_update = {
    "UPDATE import SET slices = ?2, inserted = inserted + ?3, rejected = rejected + ?4, "
    "chains = chains + ?5, last_chain_key = ?6, last_chain_id = ?7, last_chain_n = ?8 "
    "WHERE import_id = ?1 AND slices = ?2 - 1"
};

static void insert_rows(struct slice *slice)
{
    struct import *import = slice->import;
    struct scope *scope = link_request_scope(slice->request);
    bool is_repeat = slice->fields->sequence <= import->slices;
    struct change *change = change_new(import->server->store);
    slice->done = (struct outbound_import_slice_done){ .head.has = SHAPE_ALL(
                                                           SHAPE_OUTBOUND_IMPORT_SLICE_DONE) };
    slice->done.rejects.at =
        scope_alloc_array(scope, slice->fields->rows.count + 1, sizeof *slice->done.rejects.at);
    slice->chain_key = import->last_chain_key;
    slice->chain_id = import->last_chain_id;
    slice->chain_n = import->last_chain_n;
    for (uint32_t i = 0; i < slice->fields->rows.count; i++) {
        const struct outbound_import_row *row = &slice->fields->rows.at[i];
        struct fault fault = { 0 };
        struct import_line line;
        if (import_line_read(&import->table->layout, &import->map, row->cells.at, row->cells.count,
                             find_zone, import->server, scope, &line, &fault)) {
            add_reject(slice, row, &fault);
            continue;
        }
        slice->done.inserted++;
        if (is_repeat) continue;
        place(slice, &line);
        list_add_insert(import->table, change, line.cells);
    }
    if (is_repeat) { /* durable since before the answer was lost: only say what it came to */
        change_drop(change);
        link_reply(slice->request, &slice->done);
        next(import);
        return;
    }
    change_add(change, &import_update, 1);
    change_bind_i64(change, (int64_t)import->id);
    change_bind_i64(change, (int64_t)slice->fields->sequence);
    change_bind_i64(change, (int64_t)slice->done.inserted);
    change_bind_i64(change, slice->done.rejects.count);
    change_bind_i64(change, (int64_t)slice->chains);
    change_bind_text(change, slice->chain_key.at ? slice->chain_key : TEXT(""));
    change_bind_i64(change, slice->chain_id);
    change_bind_i64(change, slice->chain_n);
    change_submit(change, on_slice_durable, slice);
}

/* --- ImportEnd --- */

static const struct statement import_end = {
    "UPDATE import SET ended_utc_ms = ?2 WHERE import_id = ?1"
};

/* What came behind the end. */
static void refuse_waiting(struct import *import)
{
    struct fault fault = { 0 };
    (void)fault_set(&fault, ERR_NOT_FOUND, "importId", "the import has ended");
    for (struct list *node; (node = list_first(&import->waiting)) != NULL;) {
        list_remove(node);
        link_refuse_fault(LIST_OBJECT(node, struct slice, node)->request, &fault);
    }
}

static void on_end_durable(void *self, const struct change_result *result)
{
    struct slice *slice = self;
    struct import *import = slice->import;
    struct link_request *request = slice->request;
    if (result->err) {
        struct fault fault = { 0 };
        (void)fault_set(&fault, result->err, "importId", "%s",
                        result->words ? result->words : "not stored");
        link_refuse_fault(request, &fault);
        next(import);
        return;
    }
    char list[LIST_NAME_LEN_MAX];
    if (text_to_z(text_slice(import->list_name, 0, sizeof list - 1), list, sizeof list))
        list[0] = '\0';
    LOG_IMPORT_ENDED(&import->server->app->log, list, (unsigned long long)import->inserted,
                     (unsigned long long)import->rejected);
    struct outbound_import_ended reply = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ENDED),
                                           .inserted = import->inserted,
                                           .rejected = import->rejected,
                                           .chains = import->chains };
    refuse_waiting(import);
    (void)table_remove(import->server->imports, TEXT_OF(&import->id));
    scope_close(import->life);
    link_reply(request, &reply);
}

static void end(struct slice *slice)
{
    struct change *change = change_new(slice->import->server->store);
    change_add(change, &import_end, 1);
    change_bind_i64(change, (int64_t)slice->import->id);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(slice->import->server->app->loop));
    change_submit(change, on_end_durable, slice);
}

static void run(struct slice *slice)
{
    struct import *import = slice->import;
    import->is_busy = true;
    if (slice->fields == NULL) {
        end(slice);
        return;
    }
    if (slice->fields->sequence > import->slices + 1) {
        struct fault fault = { 0 };
        (void)fault_set(&fault, ERR_CONFLICT, "sequence", "slice %llu is missing",
                        (unsigned long long)import->slices + 1);
        link_refuse_fault(slice->request, &fault);
        next(import);
        return;
    }
    insert_rows(slice);
}

static void enqueue(struct outbound *server, struct link_request *request, uint64_t import_id,
                    const struct outbound_import_slice *fields)
{
    struct import *import = import_find(server, import_id);
    struct fault fault = { 0 };
    if (import == NULL) {
        (void)fault_set(&fault, ERR_NOT_FOUND, "importId",
                        "no import is under way: begin again with its key");
        link_refuse_fault(request, &fault);
        return;
    }
    uint32_t waiting = 0;
    LIST_EACH (node, &import->waiting) waiting++;
    if (waiting >= SLICES_WAITING_MAX) {
        (void)fault_set(&fault, ERR_LIMIT, "sequence", "more than %d slices wait",
                        SLICES_WAITING_MAX);
        link_refuse_fault(request, &fault);
        return;
    }
    struct slice *slice = scope_alloc(link_request_scope(request), sizeof *slice);
    *slice = (struct slice){ .import = import, .request = request, .fields = fields };
    if (import->is_busy)
        list_add_last(&import->waiting, &slice->node);
    else
        run(slice);
}

static void on_slice(void *self, struct link_request *request, const void *fields)
{
    const struct outbound_import_slice *asked = fields;
    enqueue(self, request, asked->import_id, asked);
}

static void on_end(void *self, struct link_request *request, const void *fields)
{
    const struct outbound_import_end *asked = fields;
    enqueue(self, request, asked->import_id, NULL);
}

const struct link_handler *import_link_handlers(void)
{
    static const struct link_handler handlers[] = {
        { .msg = &MSG_OUTBOUND_IMPORT_BEGIN, .on_request = begin },
        { .msg = &MSG_OUTBOUND_IMPORT_SLICE, .on_request = on_slice },
        { .msg = &MSG_OUTBOUND_IMPORT_END, .on_request = on_end },
        { 0 },
    };
    return handlers;
}
