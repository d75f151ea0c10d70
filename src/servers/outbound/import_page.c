/* SPDX-License-Identifier: Apache-2.0 */
/* Imports and their rejects, page by page, for the console and `carillon import --status`. */
#include "servers/outbound/import.h"
#include "servers/outbound/import_private.h"
#include "servers/outbound/request.h"

enum { PAGE_USUAL = 100, REJECTS_OF_A_LINE = 200, SILENCE_MS = 15000 };

static void refuse_store(struct request *request)
{
    request_refuse(request, OUTBOUND_DATABASE_ERROR, "imports cannot be read");
}

/* --- ImportList --- */

enum {
    PAGE_ID,
    PAGE_KEY,
    PAGE_LIST,
    PAGE_FILE,
    PAGE_STATE,
    PAGE_WHOLE,
    PAGE_RULES,
    PAGE_TOTAL,
    PAGE_READ,
    PAGE_INSERTED,
    PAGE_REJECTED,
    PAGE_CHAINS,
    PAGE_DUPLICATES,
    PAGE_NO_CALL,
    PAGE_STARTED,
    PAGE_ENDED,
};

static uint64_t figure(const struct rows *rows, uint32_t row, uint32_t column)
{
    return (uint64_t)rows_i64(rows, row, column);
}

/* One that is under way has its tool, or waits for it to be started again. A tool says something
 * all the time. */
static struct text state_of(struct outbound *server, const struct rows *rows, uint32_t row)
{
    const struct import *import = import_find(server, figure(rows, row, PAGE_ID));
    uint64_t now_ms = loop_now_mono_ms(server->app->loop);
    switch (rows_i64(rows, row, PAGE_STATE)) {
    case IMPORT_UNDER_WAY:
        return import && now_ms - import->heard_mono_ms < SILENCE_MS ? TEXT("running")
                                                                     : TEXT("interrupted");
    case IMPORT_ENDED: return TEXT("done");
    default: return text_of(import_state_name(rows_i64(rows, row, PAGE_STATE)));
    }
}

static struct outbound_import_row_summary summary_of(struct outbound *server,
                                                     const struct rows *rows, uint32_t row)
{
    uint32_t list_dbid = (uint32_t)figure(rows, row, PAGE_LIST);
    const struct calling_list *list = lists_find_by_dbid(server->lists, list_dbid, NULL);
    bool is_undone = figure(rows, row, PAGE_STATE) == IMPORT_UNDONE;
    struct outbound_import_row_summary summary = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ROW_SUMMARY),
        .import_id = figure(rows, row, PAGE_ID),
        .key = rows_text(rows, row, PAGE_KEY),
        .list_dbid = list_dbid,
        .list = list ? list->name : (struct text){ 0 },
        .file_name = rows_text(rows, row, PAGE_FILE),
        .state = state_of(server, rows, row),
        .is_whole = figure(rows, row, PAGE_WHOLE) != 0,
        .rules = rows_text(rows, row, PAGE_RULES),
        .total_bytes = figure(rows, row, PAGE_TOTAL),
        /* While it is read places count UTF-8 bytes, whatever the file's character set. */
        .done_bytes = figure(
            rows, row, figure(rows, row, PAGE_STATE) == IMPORT_UNDER_WAY ? PAGE_READ : PAGE_TOTAL),
        .inserted = is_undone ? 0 : figure(rows, row, PAGE_INSERTED),
        .rejected = figure(rows, row, PAGE_REJECTED),
        .chains = is_undone ? 0 : figure(rows, row, PAGE_CHAINS),
        .duplicates = figure(rows, row, PAGE_DUPLICATES),
        .blocked = figure(rows, row, PAGE_NO_CALL),
        .started_at = figure(rows, row, PAGE_STARTED),
        .ended_at = figure(rows, row, PAGE_ENDED),
    };
    if (list == NULL) summary.head.has &= ~OUTBOUND_IMPORT_ROW_SUMMARY_HAS_LIST;
    if (summary.ended_at == 0) summary.head.has &= ~OUTBOUND_IMPORT_ROW_SUMMARY_HAS_ENDED_AT;
    return summary;
}

/* One more row than asked for tells that there is another page. */
static uint32_t page_limit(bool has_limit, uint32_t limit)
{
    return has_limit ? limit : PAGE_USUAL;
}

static void on_imports(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    const struct outbound_import_list *asked = request->fields;
    if (err) {
        refuse_store(request);
        return;
    }
    uint32_t limit = page_limit(SHAPE_HAS(asked, OUTBOUND_IMPORT_LIST_HAS_LIMIT), asked->limit);
    uint32_t count = rows_count(rows) > limit ? limit : rows_count(rows);
    struct outbound_imports reply = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORTS),
                                      .more = rows_count(rows) > limit };
    reply.imports.at = scope_alloc_array(request->life, count + 1, sizeof *reply.imports.at);
    for (; reply.imports.count < count; reply.imports.count++)
        reply.imports.at[reply.imports.count] =
            summary_of(request->server, rows, reply.imports.count);
    request_reply(request, &MSG_OUTBOUND_IMPORTS, &reply, (struct text){ 0 });
}

void import_list(struct request *request)
{
    static const struct statement statement = {
        "SELECT import_id, import_key, list_dbid, file_name, state, is_whole, rules, total_bytes, "
        "read_offset, inserted, rejected, chains, duplicates, do_not_call, started_utc_ms, "
        "ended_utc_ms FROM import WHERE import_id < ?1 ORDER BY import_id DESC LIMIT ?2"
    };
    const struct outbound_import_list *asked = request->fields;
    uint32_t limit = page_limit(SHAPE_HAS(asked, OUTBOUND_IMPORT_LIST_HAS_LIMIT), asked->limit);
    bool has_after = SHAPE_HAS(asked, OUTBOUND_IMPORT_LIST_HAS_AFTER) && asked->after <= INT64_MAX;
    struct value parameters[] = { value_of_i64(has_after ? (int64_t)asked->after : INT64_MAX),
                                  value_of_i64(limit + 1) };
    struct query query = { &statement, parameters, 2 };
    store_query(request->server->store, &query, on_imports, request);
}

/* --- ImportRejects --- */

enum { REJECT_LINE, REJECT_FIELD, REJECT_RULE, REJECT_VALUE, REJECT_LOADED, REJECT_KEPT };

/* As many as asked for, and those of the last line that would be cut. */
static uint32_t whole_lines(const struct rows *rows, uint32_t limit)
{
    uint32_t count = rows_count(rows);
    if (count <= limit) return count;
    uint32_t taken = limit;
    while (taken < count &&
           figure(rows, taken, REJECT_LINE) == figure(rows, limit - 1, REJECT_LINE))
        taken++;
    return taken;
}

static void on_rejects(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    const struct outbound_import_rejects *asked = request->fields;
    if (err) {
        refuse_store(request);
        return;
    }
    uint32_t limit = page_limit(SHAPE_HAS(asked, OUTBOUND_IMPORT_REJECTS_HAS_LIMIT), asked->limit);
    uint32_t count = whole_lines(rows, limit);
    struct outbound_import_rejected reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECTED),
        .more = rows_count(rows) > count,
        .kept = rows_count(rows) ? figure(rows, 0, REJECT_KEPT) : 0,
    };
    reply.rejects.at = scope_alloc_array(request->life, count + 1, sizeof *reply.rejects.at);
    for (uint32_t i = 0; i < count; i++)
        reply.rejects.at[reply.rejects.count++] = (struct outbound_import_reject){
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
            .line = figure(rows, i, REJECT_LINE),
            .field = rows_text(rows, i, REJECT_FIELD),
            .rule = rows_text(rows, i, REJECT_RULE),
            .value = rows_text(rows, i, REJECT_VALUE),
            .is_loaded = figure(rows, i, REJECT_LOADED) != 0,
        };
    request_reply(request, &MSG_OUTBOUND_IMPORT_REJECTED, &reply, (struct text){ 0 });
}

void import_rejects(struct request *request)
{
    static const struct statement statement = {
        "SELECT line, field, rule, value, is_loaded, (SELECT count(*) FROM import_reject WHERE "
        "import_id = ?1) FROM import_reject WHERE import_id = ?1 AND line > ?2 "
        "ORDER BY line, place LIMIT ?3"
    };
    const struct outbound_import_rejects *asked = request->fields;
    uint32_t limit = page_limit(SHAPE_HAS(asked, OUTBOUND_IMPORT_REJECTS_HAS_LIMIT), asked->limit);
    struct value parameters[] = { value_of_i64((int64_t)asked->import_id),
                                  value_of_i64((int64_t)(asked->after & INT64_MAX)),
                                  value_of_i64(limit + REJECTS_OF_A_LINE) };
    struct query query = { &statement, parameters, 3 };
    store_query(request->server->store, &query, on_rejects, request);
}
