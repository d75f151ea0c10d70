/* SPDX-License-Identifier: Apache-2.0 */
/* An import begins here, or goes on: the list and its table, the file's columns, what the store
 * knows of the key. */
#include "servers/outbound/import.h"

#include "servers/outbound/desktop_edge.h"
#include "servers/outbound/dnc_table.h"
#include "servers/outbound/import_private.h"

#include <inttypes.h>

enum { IMPORTS_MAX = 64, ROWS_USUAL = 10 * 1000 * 1000 };

/* Imports by id, for the life of the process; the store has them all. */
struct import *import_find(struct outbound *server, uint64_t id)
{
    return table_get(server->imports, TEXT_OF(&id));
}

static void drop(void *self)
{
    buf_free(&((struct import *)self)->last_key);
}

void import_forget(struct import *import)
{
    if (import_find(import->server, import->id) == import)
        (void)table_remove(import->server->imports, TEXT_OF(&import->id));
    scope_close(import->life);
}

void import_count_anew(struct import *import, uint64_t written, bool is_last)
{
    bool is_much = written >= IMPORT_COUNT_FIRST && written >= 2 * import->counted;
    if (import->table->foreign || !(is_much || is_last)) return;
    import->counted = written;
    store_count_anew(import->server->store, import->table->layout.table);
}

const char *import_state_name(int64_t state)
{
    static const char *const names[] = { "",      "under way",    "being released",
                                         "ended", "being undone", "undone" };
    return state > 0 && state <= IMPORT_UNDONE ? names[state] : "";
}

/* --- ImportBegin --- */

struct beginning {
    struct import *import;
    struct link_request *request;
    bool is_new_run;
};

static void refuse_begin(struct beginning *beginning, const struct fault *fault)
{
    struct link_request *request = beginning->request;
    import_forget(beginning->import);
    link_refuse_fault(request, fault);
}

static void refuse_store(struct beginning *beginning, enum err err, const char *words)
{
    struct fault fault = { 0 };
    (void)fault_set(&fault, err, "key", "%s", words);
    refuse_begin(beginning, &fault);
}

static void reply_begun(struct import *import, struct link_request *request)
{
    struct outbound_import_begun reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_BEGUN),
        .import_id = import->id,
        .slices = import->durable.slices,
        .offset = import->read_offset,
        .line = import->read_line,
        .state = text_of(import_state_name(import->state)),
        .inserted = import->durable.inserted,
    };
    link_reply(request, &reply);
}

static void on_loaded(struct import *import, const struct fault *fault, void *self)
{
    struct beginning *beginning = self;
    if (fault) {
        refuse_begin(beginning, fault);
        return;
    }
    import->ahead = import->durable;
    import->heard_mono_ms = loop_now_mono_ms(import->server->app->loop);
    import->ahead_offset = import->read_offset;
    table_put(import->server->imports, TEXT_OF(&import->id), import);
    reply_begun(import, beginning->request);
}

static void on_dnc_loaded(void *self)
{
    struct beginning *beginning = self;
    import_load(beginning->import, on_loaded, beginning);
}

static void go_on(struct beginning *beginning)
{
    struct import *import = beginning->import;
    if (import->do_not_call == IMPORT_RULE_OFF)
        on_dnc_loaded(beginning);
    else
        dnc_when_loaded(import->server, import->life, on_dnc_loaded, beginning);
}

static void on_stored(void *self, const struct change_result *result)
{
    struct beginning *beginning = self;
    if (result->err) {
        refuse_store(beginning, result->err, result->words ? result->words : "not stored");
        return;
    }
    beginning->import->id = (uint64_t)result->rowid;
    go_on(beginning);
}

static const struct statement import_insert = {
    "INSERT INTO import (import_key, list_dbid, file_name, columns, rules, table_name, state, "
    "is_whole, key_seed, chain_base, chain_count, total_bytes, started_utc_ms, slices, inserted, "
    "rejected, chains) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0, 0, 0) "
    "RETURNING import_id"
};
static const struct statement import_rename = {
    "UPDATE import SET import_key = import_key || ' undone ' || import_id WHERE import_id = ?1 "
    "AND state = 5"
};
static const struct statement import_select = { "SELECT " IMPORT_COLUMNS
                                                " FROM import WHERE import_key = ?1" };

/* `undone`: the id of one of the same key that gives it up; 0: none. */
static void store_new(struct beginning *beginning, int64_t undone)
{
    struct import *import = beginning->import;
    struct outbound *server = import->server;
    import->state = IMPORT_UNDER_WAY;
    import->seed = random_u64(loop_random(server->app->loop));
    import->chain_base = import->table->next_chain_id;
    import->table->next_chain_id += (int64_t)import->chain_count;
    struct change *change = change_new(server->store);
    if (undone) {
        change_add(change, &import_rename, 1);
        change_bind_i64(change, undone);
    }
    change_add(change, &import_insert, 1);
    change_bind_text(change, import->key);
    change_bind_i64(change, import->list_dbid);
    change_bind_text(change, import->file_name);
    change_bind_text(change, import->columns);
    change_bind_text(change, import->rules);
    change_bind_text(change, import->table->key);
    change_bind_i64(change, import->is_whole);
    change_bind_i64(change, (int64_t)import->seed);
    change_bind_i64(change, import->chain_base);
    change_bind_i64(change, (int64_t)import->chain_count);
    change_bind_i64(change, (int64_t)import->total_bytes);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(server->app->loop));
    change_submit(change, on_stored, beginning);
}

static uint64_t column_u64(const struct rows *rows, enum import_column column)
{
    return (uint64_t)rows_i64(rows, 0, column);
}

static void take_row(struct import *import, const struct rows *rows)
{
    import->id = column_u64(rows, IMPORT_COLUMN_ID);
    import->state = (enum import_state)rows_i64(rows, 0, IMPORT_COLUMN_STATE);
    import->durable = (struct import_figures){
        .slices = column_u64(rows, IMPORT_COLUMN_SLICES),
        .inserted = column_u64(rows, IMPORT_COLUMN_INSERTED),
        .rejected = column_u64(rows, IMPORT_COLUMN_REJECTED),
        .chains = column_u64(rows, IMPORT_COLUMN_CHAINS),
        .duplicates = column_u64(rows, IMPORT_COLUMN_DUPLICATES),
        .do_not_call = column_u64(rows, IMPORT_COLUMN_DO_NOT_CALL),
    };
    import->seed = column_u64(rows, IMPORT_COLUMN_SEED);
    import->chain_base = rows_i64(rows, 0, IMPORT_COLUMN_CHAIN_BASE);
    import->chain_count = column_u64(rows, IMPORT_COLUMN_CHAIN_COUNT);
    import->read_offset = column_u64(rows, IMPORT_COLUMN_OFFSET);
    import->read_line = column_u64(rows, IMPORT_COLUMN_LINE);
    import->done_chains = column_u64(rows, IMPORT_COLUMN_DONE_CHAINS);
    int64_t behind = import->chain_base + (int64_t)import->chain_count;
    if (import->state == IMPORT_UNDER_WAY && import->table->next_chain_id < behind)
        import->table->next_chain_id = behind;
}

/* The tool is back within one life of ours: what runs ahead goes on, or is thrown away first. */
static void meet_running(struct beginning *beginning, struct import *running)
{
    struct link_request *request = beginning->request;
    if (running->is_broken || running->ahead_count > 0 || !list_is_empty(&running->waiting)) {
        refuse_store(beginning, ERR_UNAVAILABLE, "slices of this import are still being written");
        return;
    }
    scope_close(beginning->import->life);
    reply_begun(running, request);
}

/* A key that is known goes on where its last durable slice ended. */
static void on_known(void *self, enum err err, const struct rows *rows)
{
    struct beginning *beginning = self;
    struct import *import = beginning->import;
    struct fault fault = { 0 };
    if (err) {
        refuse_store(beginning, err, "the store does not answer");
        return;
    }
    if (rows_count(rows) == 0) {
        store_new(beginning, 0);
        return;
    }
    if (beginning->is_new_run && rows_i64(rows, 0, IMPORT_COLUMN_STATE) == IMPORT_UNDONE) {
        store_new(beginning, rows_i64(rows, 0, IMPORT_COLUMN_ID));
        return;
    }
    if (rows_i64(rows, 0, IMPORT_COLUMN_LIST) != import->list_dbid ||
        !text_eq(rows_text(rows, 0, IMPORT_COLUMN_COLUMNS), import->columns) ||
        !text_eq(rows_text(rows, 0, IMPORT_COLUMN_RULES), import->rules)) {
        (void)fault_set(&fault, ERR_CONFLICT, "key",
                        "an import of this name has another list, columns or rules");
        refuse_begin(beginning, &fault);
        return;
    }
    struct import *running = import_find(import->server, column_u64(rows, IMPORT_COLUMN_ID));
    if (running) {
        meet_running(beginning, running);
        return;
    }
    take_row(import, rows);
    if (import->state == IMPORT_UNDER_WAY)
        go_on(beginning);
    else
        on_loaded(import, NULL, beginning);
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

/* --- what is asked --- */

static enum import_rule rule_of(struct text word, enum import_rule usual)
{
    if (text_eq(word, TEXT("keep")) || text_eq(word, TEXT("ignore"))) return IMPORT_RULE_OFF;
    if (text_eq(word, TEXT("report")) || text_eq(word, TEXT("no-call"))) return IMPORT_RULE_REPORT;
    return text_eq(word, TEXT("reject")) ? IMPORT_RULE_REJECT : usual;
}

/* What must be the same when it goes on, as text. */
static void describe(struct import *import, const struct outbound_import_begin *asked)
{
    static const char *const words[] = { "keep", "report", "reject" };
    struct buf text = { 0 };
    for (uint32_t i = 0; i < asked->columns.count; i++) {
        if (i) buf_add_byte(&text, ',');
        buf_add(&text, asked->columns.at[i]);
    }
    import->columns = scope_keep(import->life, buf_text(&text));
    buf_clear(&text);
    buf_format(&text, "duplicates %s, do-not-call %s%s", words[import->duplicates],
               words[import->do_not_call], import->is_whole ? ", all or nothing" : "");
    if (asked->unclear_zone.len)
        buf_format(&text, ", unclear zones %.*s", TEXT_ARG(asked->unclear_zone));
    for (uint32_t i = 0; i < asked->constants.count; i++)
        buf_format(&text, ", %.*s=%.*s", TEXT_ARG(asked->constants.at[i].column),
                   TEXT_ARG(asked->constants.at[i].value));
    import->rules = scope_keep(import->life, buf_text(&text));
    buf_free(&text);
}

static enum err make_map(struct import *import, const struct outbound_import_begin *asked,
                         struct fault *fault)
{
    enum err err = import_zone_book_new(import->life, import->server->app, asked->unclear_zone,
                                        &import->zones, fault);
    if (err) return err;
    uint32_t count = asked->constants.count;
    struct import_constant *constants =
        scope_alloc_array(import->life, count + 1, sizeof *constants);
    for (uint32_t i = 0; i < count; i++)
        constants[i] =
            (struct import_constant){ asked->constants.at[i].column, asked->constants.at[i].value };
    struct import_zones zones = { import_zone_find, import->zones };
    err = import_map_make(&import->table->layout, asked->columns.at, asked->columns.count,
                          constants, count, zones, import->life, &import->map, fault);
    if (err) return err;
    if (import->table->foreign && import->is_whole)
        return fault_set(fault, ERR_UNSUPPORTED, "isWhole",
                         "all or nothing is for lists in our own store");
    struct buf sql = { 0 };
    import_map_insert_sql(&import->map, &sql);
    import->insert = store_statement(import->server->store, buf_text(&sql));
    buf_free(&sql);
    if (import->insert == NULL)
        return fault_set(fault, ERR_LIMIT, "columns", "too many kinds of imports since the start");
    import->all_cells =
        scope_alloc_array(import->life, import->table->layout.count, sizeof *import->all_cells);
    import->values =
        scope_alloc_array(import->life, import->map.slot_count, sizeof *import->values);
    import->cells =
        scope_alloc_array(import->life, import->map.cell_count + 1, sizeof *import->cells);
    return ERR_OK;
}

static bool has_chain_keys(const struct import *import)
{
    for (uint32_t i = 0; i < import->map.cell_count; i++)
        if (import->map.slots[i] == SLOT_CHAIN_KEY) return true;
    return false;
}

static struct import *import_new(struct outbound *server, const struct calling_list *list,
                                 const struct outbound_import_begin *asked)
{
    struct scope *life = scope_new(server->app->life, "import", SCOPE_NO_LIMIT);
    struct import *import = scope_alloc(life, sizeof *import);
    *import = (struct import){
        .life = life,
        .server = server,
        .key = scope_keep(life, asked->key),
        .list_dbid = list->dbid,
        .list_name = scope_keep(life, list->name),
        .file_name = scope_keep(life, asked->file_name),
        .total_bytes = asked->total_bytes,
        .table = list->table,
        .duplicates = rule_of(asked->duplicates, IMPORT_RULE_OFF),
        .do_not_call = rule_of(asked->do_not_call, IMPORT_RULE_REPORT),
        .is_whole = asked->is_whole,
        .chain_count = asked->rows_max ? asked->rows_max : ROWS_USUAL,
        .last_line = UINT64_MAX,
    };
    list_init(&import->waiting);
    scope_on_close(life, drop, import);
    describe(import, asked);
    return import;
}

/* A tool that went away leaves its import behind; the store knows how to go on with it. */
static void forget_idle(struct outbound *server)
{
    struct import *import;
    for (size_t at = 0; (import = table_next(server->imports, &at)) != NULL;) {
        bool is_finishing = import->state == IMPORT_RELEASING || import->state == IMPORT_UNDOING;
        if (import->ahead_count > 0 || is_finishing || !list_is_empty(&import->waiting)) continue;
        import_forget(import);
        return;
    }
}

static void begin(void *self, struct link_request *request, const void *fields)
{
    struct outbound *server = self;
    if (desktop_edge_disregards(server, request, fields)) return;
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
    struct import *import = import_new(server, list, asked);
    if (make_map(import, asked, &fault)) {
        scope_close(import->life);
        link_refuse_fault(request, &fault);
        return;
    }
    uint32_t customer = dnc_customer_column(server, list);
    import->customer_slot = UINT32_MAX;
    for (uint32_t slot = SLOTS_FIXED; slot < import->map.slot_count; slot++)
        if (import->map.columns[slot] == customer) import->customer_slot = slot;
    import->seen = scope_new(import->life, "numbers and chains of an import", SCOPE_NO_LIMIT);
    if (has_chain_keys(import)) import->chains = import_chains_new(import->seen);
    if (import->duplicates != IMPORT_RULE_OFF) import->numbers = import_numbers_new(import->seen);
    struct beginning *beginning = scope_alloc(import->life, sizeof *beginning);
    *beginning = (struct beginning){ import, request, asked->is_new_run };
    list_open(list, on_table_open, beginning);
}

const struct link_handler *import_link_handlers(void)
{
    static const struct link_handler handlers[] = {
        { .msg = &MSG_OUTBOUND_IMPORT_BEGIN, .on_request = begin },
        { .msg = &MSG_OUTBOUND_IMPORT_ROWS, .on_request = import_on_rows },
        { .msg = &MSG_OUTBOUND_IMPORT_END, .on_request = import_on_end },
        { .msg = &MSG_OUTBOUND_IMPORT_UNDO, .on_request = import_on_undo },
        { 0 },
    };
    return handlers;
}
