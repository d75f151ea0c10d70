/* SPDX-License-Identifier: Apache-2.0 */
/* A slice of rows: read, checked, placed in chains, and written as one change. The next one is
 * made ready while this one is on its way to the disk. */
#include "format/packed_rows.h"
#include "servers/outbound/desktop_edge.h"
#include "servers/outbound/dnc_table.h"
#include "servers/outbound/import_private.h"
#include "servers/outbound/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SLICES_WAITING_MAX = 16,
    REJECT_VALUE_BYTES = 256,
    KEY_RECORDS_BITS = 8,
    ROOM_AGAIN_MS = 100
};

struct slice {
    struct list node; /* in import->waiting */
    struct import *import;
    struct link_request *request;
    const struct outbound_import_rows *fields;
    struct outbound_import_rows_done done;
    struct import_figures after; /* once it is durable */
    struct list_table *table;
    struct timer *timer;
    struct change *change;
    struct buf keys; /* of chains that it began or went on with */
};

static const struct text rule_duplicate = { "the list or the file has this number already", 44 };
static const struct text rule_no_call = { "is on the Do-Not-Call list", 26 };

static void pump(struct import *import);

/* --- rejects --- */

static struct text cell_of(const struct import *import, struct text field)
{
    struct text rest = import->columns, column;
    for (uint32_t i = 0; i < import->map.cell_count && text_next_item(&rest, ',', &column); i++)
        if (text_eq_fold(column, field)) return text_slice(import->cells[i], 0, REJECT_VALUE_BYTES);
    return TEXT("");
}

/* Cut where a character begins. */
static struct text whole_characters(struct text value)
{
    while (value.len > 0 && !text_is_utf8(value)) value.len--;
    return value;
}

static void add_reject(struct slice *slice, uint64_t line, struct text field, struct text rule,
                       bool is_loaded)
{
    struct scope *scope = link_request_scope(slice->request);
    slice->done.rejects.at[slice->done.rejects.count++] = (struct outbound_import_reject){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
        .line = line,
        .field = scope_keep(scope, field),
        .rule = scope_keep(scope, rule),
        .value = whole_characters(cell_of(slice->import, field)),
        .is_loaded = is_loaded,
    };
    if (!is_loaded) slice->import->ahead.rejected++;
}

static int by_line(const void *a, const void *b)
{
    const struct outbound_import_reject *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

/* The tool's own between ours, in the order of the file; both are sorted. */
static void merge_rejects(struct slice *slice)
{
    uint32_t ours = slice->done.rejects.count, theirs = slice->fields->rejects.count;
    if (theirs == 0) return;
    struct outbound_import_reject *all =
        scope_alloc_array(link_request_scope(slice->request), ours + theirs, sizeof *all);
    uint32_t count = 0, i = 0, k = 0;
    while (i < ours || k < theirs) {
        bool is_ours = k == theirs || (i < ours && by_line(&slice->done.rejects.at[i],
                                                           &slice->fields->rejects.at[k]) <= 0);
        all[count++] = is_ours ? slice->done.rejects.at[i++] : slice->fields->rejects.at[k++];
    }
    for (k = 0; k < theirs; k++)
        if (!slice->fields->rejects.at[k].is_loaded) slice->import->ahead.rejected++;
    slice->done.rejects.at = all;
    slice->done.rejects.count = count;
}

static void store_rejects(struct slice *slice)
{
    static const struct statement insert = {
        "INSERT INTO import_reject (import_id, place, line, field, rule, value, is_loaded) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    };
    for (uint32_t i = 0; i < slice->done.rejects.count; i++) {
        const struct outbound_import_reject *reject = &slice->done.rejects.at[i];
        change_add(slice->change, &insert, 1);
        change_bind_i64(slice->change, (int64_t)slice->import->id);
        change_bind_i64(slice->change, (int64_t)(slice->fields->sequence << IMPORT_PLACE_BITS | i));
        change_bind_i64(slice->change, (int64_t)reject->line);
        change_bind_text(slice->change, reject->field);
        change_bind_text(slice->change, reject->rule);
        change_bind_text(slice->change, reject->value.at ? reject->value : TEXT(""));
        change_bind_i64(slice->change, reject->is_loaded);
    }
}

/* --- chains --- */

/* The present chain's key may come again, in this slice or a later one. */
static bool keep_place(struct slice *slice)
{
    struct import *import = slice->import;
    if (import->last_hash == 0) return true;
    uint64_t words[2] = { import->last_hash, import->last_place.ordinal << KEY_RECORDS_BITS |
                                                 import->last_place.records };
    buf_add(&slice->keys, (struct text){ (const char *)words, sizeof words });
    return import_chains_put(import->chains, import->last_hash, import->last_place);
}

static void begin_chain(struct import *import)
{
    import->last_place = (struct import_place){ import->ahead.chains++, 0 };
}

/* Rows of a key are one chain wherever they stand, and so are rows of one line. False: the chain is
 * full, or there are too many keys. */
static bool place_row(struct slice *slice, uint64_t line, struct text key)
{
    struct import *import = slice->import;
    bool is_same_line = line == import->last_line;
    import->last_line = line;
    if (key.len == 0 || import->chains == NULL) {
        if (!is_same_line || import->last_hash) {
            if (!keep_place(slice)) return false;
            import->last_hash = 0;
            begin_chain(import);
        }
    } else if (import->last_hash == 0 || !text_eq(key, buf_text(&import->last_key))) {
        if (!keep_place(slice)) return false;
        buf_clear(&import->last_key);
        buf_add(&import->last_key, key);
        import->last_hash = import_key_hash(import->seed, key);
        if (!import_chains_find(import->chains, import->last_hash, &import->last_place))
            begin_chain(import);
    }
    if (import->last_place.records >= CHAIN_RECORDS_MAX) return false;
    import->last_place.records++;
    return true;
}

/* --- rows --- */

/* True: the row may come in. */
static bool check_number(struct slice *slice, uint64_t line)
{
    struct import *import = slice->import;
    struct text number = import->values[SLOT_CONTACT_INFO].text;
    if (import->numbers == NULL) return true;
    enum import_seen seen =
        import_numbers_add(import->numbers, import_number_hash(import->seed, number));
    if (seen == IMPORT_TOO_MANY) {
        add_reject(slice, line, TEXT("contact_info"),
                   TEXT("there are too many numbers to look for duplicates: --duplicates keep"),
                   false);
        return false;
    }
    if (seen == IMPORT_NEW) return true;
    bool is_refused = import->duplicates == IMPORT_RULE_REJECT;
    import->ahead.duplicates++;
    add_reject(slice, line, TEXT("contact_info"), rule_duplicate, !is_refused);
    return !is_refused;
}

/* Empty: the file has none. */
static struct text customer_of(const struct import *import, char *room, size_t room_len)
{
    if (import->customer_slot == UINT32_MAX) return TEXT("");
    const struct value *value = &import->values[import->customer_slot];
    if (value->kind == VALUE_TEXT) return value->text;
    if (value->kind != VALUE_INTEGER) return TEXT("");
    int len = snprintf(room, room_len, "%" PRId64, value->integer);
    return (struct text){ room, (size_t)len };
}

/* Spec outbound 10: a match is a record of type No Call with result Do Not Call, and final. */
static bool check_no_call(struct slice *slice, uint64_t line)
{
    struct import *import = slice->import;
    if (import->do_not_call == IMPORT_RULE_OFF) return true;
    char room[32];
    if (dnc_check_contact(import->server, import->values[SLOT_CONTACT_INFO].text,
                          customer_of(import, room, sizeof room)) == DNC_FREE)
        return true;
    bool is_refused = import->do_not_call == IMPORT_RULE_REJECT;
    import->ahead.do_not_call++;
    add_reject(slice, line, TEXT("contact_info"), rule_no_call, !is_refused);
    import->values[SLOT_RECORD_TYPE] = value_of_i64(RECORD_TYPE_NO_CALL);
    import->values[SLOT_RECORD_STATUS] = value_of_i64(RECORD_STATUS_UPDATED);
    import->values[SLOT_CALL_RESULT] = value_of_i64(CALL_RESULT_DO_NOT_CALL);
    return !is_refused;
}

/* A table of another database is written row by row, all columns of it. */
static void insert_foreign(struct slice *slice)
{
    struct import *import = slice->import;
    memset(import->all_cells, 0, import->map.layout->count * sizeof *import->all_cells);
    for (uint32_t slot = 0; slot < import->map.slot_count; slot++)
        import->all_cells[import->map.columns[slot]] = import->values[slot];
    list_add_insert(import->table, slice->change, import->all_cells);
}

static void insert_row(struct slice *slice)
{
    struct import *import = slice->import;
    struct value *values = import->values;
    values[SLOT_RECORD_ID] = value_of_i64(import->table->next_record_id++);
    values[SLOT_CHAIN_ID] = value_of_i64(import->chain_base + (int64_t)import->last_place.ordinal);
    values[SLOT_CHAIN_N] = value_of_i64(import->last_place.records);
    if (import->is_whole && values[SLOT_RECORD_STATUS].integer == RECORD_STATUS_READY)
        values[SLOT_RECORD_STATUS] = value_of_i64(0);
    if (import->table->foreign) {
        insert_foreign(slice);
        return;
    }
    change_add(slice->change, import->insert, 1);
    for (uint32_t slot = 0; slot < import->map.slot_count; slot++)
        list_bind(&import->map.layout->columns[import->map.columns[slot]], slice->change,
                  &values[slot]);
}

static void take_row(struct slice *slice, uint64_t line)
{
    struct import *import = slice->import;
    struct fault fault;
    struct text key;
    if (import_row_read(&import->map, import->cells, import->values, &key, &fault)) {
        add_reject(slice, line, text_of(fault.field), text_of(fault.words), false);
        return;
    }
    if (!check_number(slice, line) || !check_no_call(slice, line)) return;
    if (!place_row(slice, line, key)) {
        add_reject(slice, line, TEXT("chain_key"),
                   TEXT("a chain has at most 100 records, a file at most 50 million keys"), false);
        return;
    }
    import->ahead.inserted++;
    /* All or nothing: it is nothing already, and the rest is only checked. */
    if (!import->is_whole || import->ahead.rejected == 0) insert_row(slice);
}

/* False: what came is no slice. */
static bool take_rows(struct slice *slice)
{
    struct import *import = slice->import;
    const struct outbound_import_rows *fields = slice->fields;
    struct packed_rows rows = packed_rows_reader(fields->rows);
    uint64_t line;
    uint32_t count = 0;
    while (count <= fields->count &&
           packed_rows_next(&rows, &line, import->cells, import->map.cell_count)) {
        if (++count > fields->count || import->ahead.chains >= import->chain_count) return false;
        take_row(slice, line);
    }
    return !rows.is_broken && count == fields->count;
}

static void add_import_update(struct slice *slice)
{
    static const struct statement update = {
        "UPDATE import SET slices = ?2, inserted = ?3, rejected = ?4, chains = ?5, "
        "duplicates = ?6, do_not_call = ?7, read_offset = ?8, read_line = ?9 "
        "WHERE import_id = ?1 AND slices = ?2 - 1 AND state = 1"
    };
    static const struct statement insert_keys = {
        "INSERT INTO import_chain (import_id, slice, keys) VALUES (?1, ?2, ?3)"
    };
    struct change *change = slice->change;
    const struct import_figures *after = &slice->after;
    change_add(change, &update, 1);
    change_bind_i64(change, (int64_t)slice->import->id);
    change_bind_i64(change, (int64_t)after->slices);
    change_bind_i64(change, (int64_t)after->inserted);
    change_bind_i64(change, (int64_t)after->rejected);
    change_bind_i64(change, (int64_t)after->chains);
    change_bind_i64(change, (int64_t)after->duplicates);
    change_bind_i64(change, (int64_t)after->do_not_call);
    change_bind_i64(change, (int64_t)slice->fields->offset);
    change_bind_i64(change, (int64_t)slice->fields->line);
    if (slice->keys.len == 0) return;
    change_add(change, &insert_keys, 1);
    change_bind_i64(change, (int64_t)slice->import->id);
    change_bind_i64(change, (int64_t)after->slices);
    change_bind_bytes(change, buf_text(&slice->keys));
}

/* --- when it is durable, or not --- */

static void refuse_slice(struct slice *slice, enum err err, const char *field, const char *words)
{
    struct fault fault;
    (void)fault_set(&fault, err, field, "%s", words);
    link_refuse_fault(slice->request, &fault);
}

/* Nothing after a slice that was lost may come in: the tool begins again. */
void import_break_off(struct import *import)
{
    import->is_broken = true;
    for (struct list *node; (node = list_first(&import->waiting)) != NULL;) {
        list_remove(node);
        refuse_slice(LIST_OBJECT(node, struct slice, node), ERR_UNAVAILABLE, "importId",
                     "the slice before it is not stored: begin again with the import's key");
    }
    if (import->ahead_count == 0) import_forget(import);
}

/* A tool that is faster than the database of its list is answered late, so that it does not fill
 * our journal. The import may be gone by then. */
static void answer_when_room(void *self)
{
    struct slice *slice = self;
    if (list_is_full(slice->table))
        timer_start(slice->timer, ROOM_AGAIN_MS);
    else
        link_reply(slice->request, &slice->done);
}

static void on_durable(void *self, const struct change_result *result)
{
    struct slice *slice = self;
    struct import *import = slice->import;
    struct outbound *server = import->server;
    import->ahead_count--;
    if (result->err) {
        bool is_second = import->is_broken; /* its own fault or the first one's, who knows */
        refuse_slice(slice, is_second ? ERR_UNAVAILABLE : result->err, "rows",
                     result->words ? result->words : "not stored");
        import_break_off(import);
        return;
    }
    server->counters.records_imported_total += slice->after.inserted - import->durable.inserted;
    import->durable = slice->after;
    import->read_offset = slice->fields->offset;
    import->read_line = slice->fields->line;
    slice->done.inserted = import->durable.inserted;
    import_count_anew(import, import->durable.inserted, false);
    if (!import->is_whole) sessions_wake(server, import->list_dbid);
    answer_when_room(slice);
    if (import->is_broken)
        import_break_off(import);
    else
        pump(import);
}

static void write_slice(struct slice *slice)
{
    struct import *import = slice->import;
    uint32_t most = slice->fields->count * 2 + 1; /* a row may have two remarks */
    slice->change = change_new(import->server->store);
    slice->table = import->table;
    slice->timer = timer_new(link_request_scope(slice->request), import->server->app->loop,
                             answer_when_room, slice);
    slice->done.head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ROWS_DONE);
    slice->done.rejects.at =
        scope_alloc_array(link_request_scope(slice->request), most, sizeof *slice->done.rejects.at);
    if (!take_rows(slice) || !keep_place(slice)) {
        change_drop(slice->change);
        buf_free(&slice->keys);
        refuse_slice(slice, ERR_INVALID, "rows", "must be as many packed rows as `count` says");
        import_break_off(import);
        return;
    }
    merge_rejects(slice);
    store_rejects(slice);
    import->ahead.slices = slice->fields->sequence;
    import->ahead_offset = slice->fields->offset;
    slice->after = import->ahead;
    add_import_update(slice);
    buf_free(&slice->keys);
    import->ahead_count++;
    change_submit(slice->change, on_durable, slice);
}

/* --- a slice that is durable already --- */

static void on_stored_rejects(void *self, enum err err, const struct rows *rows)
{
    struct slice *slice = self;
    struct scope *scope = link_request_scope(slice->request);
    if (err) {
        refuse_slice(slice, ERR_UNAVAILABLE, "rows", "the store does not answer");
        return;
    }
    uint32_t count = rows_count(rows);
    slice->done = (struct outbound_import_rows_done){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ROWS_DONE),
        .inserted = slice->after.inserted,
    };
    slice->done.rejects.at = scope_alloc_array(scope, count + 1, sizeof *slice->done.rejects.at);
    for (; slice->done.rejects.count < count; slice->done.rejects.count++) {
        uint32_t i = slice->done.rejects.count;
        slice->done.rejects.at[i] = (struct outbound_import_reject){
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
            .line = (uint64_t)rows_i64(rows, i, 0),
            .field = rows_text(rows, i, 1),
            .rule = rows_text(rows, i, 2),
            .value = rows_text(rows, i, 3),
            .is_loaded = rows_i64(rows, i, 4) != 0,
        };
    }
    link_reply(slice->request, &slice->done);
}

/* Its answer was lost: say again what it came to. */
static void answer_again(struct slice *slice)
{
    static const struct statement statement = {
        "SELECT line, field, rule, value, is_loaded FROM import_reject WHERE import_id = ?1 AND "
        "place >= ?2 AND place < ?3 ORDER BY place"
    };
    struct import *import = slice->import;
    int64_t place = (int64_t)(slice->fields->sequence << IMPORT_PLACE_BITS);
    struct value parameters[] = { value_of_i64((int64_t)import->id), value_of_i64(place),
                                  value_of_i64(place + (1 << IMPORT_PLACE_BITS)) };
    struct query query = { &statement, parameters, 3 };
    slice->after = import->durable;
    store_query(import->server->store, &query, on_stored_rejects, slice);
}

/* --- the order of slices --- */

/* True: it was taken out of the queue. */
static bool take_slice(struct slice *slice)
{
    struct import *import = slice->import;
    uint64_t sequence = slice->fields->sequence;
    bool is_repeat = sequence <= import->ahead.slices;
    if (is_repeat && sequence > import->durable.slices)
        return false; /* its first copy is written */
    if (!is_repeat && import->ahead_count >= IMPORT_AHEAD_MAX) return false;
    list_remove(&slice->node);
    if (is_repeat)
        answer_again(slice);
    else if (import->state != IMPORT_UNDER_WAY)
        refuse_slice(slice, ERR_CONFLICT, "importId", "the import has ended");
    else if (sequence != import->ahead.slices + 1 || slice->fields->from != import->ahead_offset)
        refuse_slice(slice, ERR_CONFLICT, "sequence", "another slice must come before it");
    else
        write_slice(slice);
    return true;
}

static void pump(struct import *import)
{
    struct outbound *server = import->server;
    uint64_t id = import->id;
    /* Taking one may forget the import. */
    while (import_find(server, id) == import) {
        struct list *node = list_first(&import->waiting);
        if (node == NULL || !take_slice(LIST_OBJECT(node, struct slice, node))) return;
    }
}

void import_on_rows(void *self, struct link_request *request, const void *fields)
{
    if (desktop_edge_disregards(self, request, fields)) return;
    struct outbound *server = self;
    const struct outbound_import_rows *asked = fields;
    struct slice *slice = scope_alloc(link_request_scope(request), sizeof *slice);
    *slice = (struct slice){ .import = import_find(server, asked->import_id),
                             .request = request,
                             .fields = asked };
    /* Without a statement it was loaded without its tool, to be ended. */
    if (slice->import == NULL || slice->import->is_broken || slice->import->insert == NULL) {
        refuse_slice(slice, ERR_NOT_FOUND, "importId", "begin again with the import's key");
        return;
    }
    uint32_t waiting = 0;
    slice->import->heard_mono_ms = loop_now_mono_ms(server->app->loop);
    LIST_EACH (node, &slice->import->waiting) waiting++;
    if (waiting >= SLICES_WAITING_MAX) {
        refuse_slice(slice, ERR_LIMIT, "sequence", "too many slices wait");
        return;
    }
    list_add_last(&slice->import->waiting, &slice->node);
    pump(slice->import);
}
