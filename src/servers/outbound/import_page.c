/* SPDX-License-Identifier: Apache-2.0 */
/* Imports and their rejects, page by page, for the console and `carillon import --status`. */
#include "servers/outbound/import.h"
#include "servers/outbound/import_private.h"
#include "servers/outbound/request.h"

enum { PAGE_USUAL = 100 };

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

static struct outbound_import_summary summary_of(struct outbound *server, const struct rows *rows,
                                                 uint32_t row)
{
    uint32_t list_dbid = (uint32_t)figure(rows, row, PAGE_LIST);
    const struct calling_list *list = lists_find_by_dbid(server->lists, list_dbid, NULL);
    bool is_undone = figure(rows, row, PAGE_STATE) == IMPORT_UNDONE;
    struct outbound_import_summary summary = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_SUMMARY),
        .import_id = figure(rows, row, PAGE_ID),
        .key = rows_text(rows, row, PAGE_KEY),
        .list_dbid = list_dbid,
        .list = list ? list->name : (struct text){ 0 },
        .file_name = rows_text(rows, row, PAGE_FILE),
        .state = text_of(import_state_name(rows_i64(rows, row, PAGE_STATE))),
        .is_whole = figure(rows, row, PAGE_WHOLE) != 0,
        .rules = rows_text(rows, row, PAGE_RULES),
        .total_bytes = figure(rows, row, PAGE_TOTAL),
        .read_bytes = figure(rows, row, PAGE_READ),
        .inserted = is_undone ? 0 : figure(rows, row, PAGE_INSERTED),
        .rejected = figure(rows, row, PAGE_REJECTED),
        .chains = is_undone ? 0 : figure(rows, row, PAGE_CHAINS),
        .duplicates = figure(rows, row, PAGE_DUPLICATES),
        .do_not_call = figure(rows, row, PAGE_NO_CALL),
        .started_utc_ms = figure(rows, row, PAGE_STARTED),
        .ended_utc_ms = figure(rows, row, PAGE_ENDED),
    };
    if (list == NULL) summary.head.has &= ~OUTBOUND_IMPORT_SUMMARY_HAS_LIST;
    if (summary.ended_utc_ms == 0) summary.head.has &= ~OUTBOUND_IMPORT_SUMMARY_HAS_ENDED_UTC_MS;
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
    struct outbound_imports reply = { .head.has = OUTBOUND_IMPORTS_HAS_IMPORTS };
    reply.imports.at = scope_alloc_array(request->life, count + 1, sizeof *reply.imports.at);
    for (; reply.imports.count < count; reply.imports.count++)
        reply.imports.at[reply.imports.count] =
            summary_of(request->server, rows, reply.imports.count);
    if (rows_count(rows) > limit) {
        reply.head.has |= OUTBOUND_IMPORTS_HAS_BEFORE;
        reply.before = reply.imports.at[count - 1].import_id;
    }
    request_reply(request, &MSG_OUTBOUND_IMPORTS, &reply, (struct text){ 0 });
}

void import_list(struct request *request)
{
    static const struct statement statement = {
        "SELECT import_id, import_key, list_dbid, file_name, state, is_whole, rules, total_bytes, "
        "read_offset, inserted, rejected, chains, duplicates, do_not_call, started_utc_ms, "
        "ended_utc_ms FROM import WHERE import_id < ?1 AND (?2 = 0 OR list_dbid = ?2) "
        "ORDER BY import_id DESC LIMIT ?3"
    };
    const struct outbound_import_list *asked = request->fields;
    uint32_t limit = page_limit(SHAPE_HAS(asked, OUTBOUND_IMPORT_LIST_HAS_LIMIT), asked->limit);
    bool has_before = SHAPE_HAS(asked, OUTBOUND_IMPORT_LIST_HAS_BEFORE) &&
                      asked->before <= INT64_MAX;
    struct value parameters[] = { value_of_i64(has_before ? (int64_t)asked->before : INT64_MAX),
                                  value_of_i64(asked->list_dbid), value_of_i64(limit + 1) };
    struct query query = { &statement, parameters, 3 };
    store_query(request->server->store, &query, on_imports, request);
}

/* --- ImportRejects --- */

static void on_rejects(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    const struct outbound_import_rejects *asked = request->fields;
    if (err) {
        refuse_store(request);
        return;
    }
    uint32_t limit = page_limit(SHAPE_HAS(asked, OUTBOUND_IMPORT_REJECTS_HAS_LIMIT), asked->limit);
    uint32_t count = rows_count(rows) > limit ? limit : rows_count(rows);
    struct outbound_import_reject_page reply = { .head.has =
                                                     OUTBOUND_IMPORT_REJECT_PAGE_HAS_REJECTS };
    reply.rejects.at = scope_alloc_array(request->life, count + 1, sizeof *reply.rejects.at);
    for (uint32_t i = 0; i < count; i++)
        reply.rejects.at[reply.rejects.count++] = (struct outbound_import_reject){
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
            .line = figure(rows, i, 1),
            .field = rows_text(rows, i, 2),
            .rule = rows_text(rows, i, 3),
            .value = rows_text(rows, i, 4),
            .is_loaded = figure(rows, i, 5) != 0,
        };
    if (rows_count(rows) > limit) {
        reply.head.has |= OUTBOUND_IMPORT_REJECT_PAGE_HAS_AFTER;
        reply.after = figure(rows, count - 1, 0);
    }
    request_reply(request, &MSG_OUTBOUND_IMPORT_REJECT_PAGE, &reply, (struct text){ 0 });
}

void import_rejects(struct request *request)
{
    static const struct statement statement = {
        "SELECT place, line, field, rule, value, is_loaded FROM import_reject WHERE "
        "import_id = ?1 AND place > ?2 ORDER BY place LIMIT ?3"
    };
    const struct outbound_import_rejects *asked = request->fields;
    uint32_t limit = page_limit(SHAPE_HAS(asked, OUTBOUND_IMPORT_REJECTS_HAS_LIMIT), asked->limit);
    struct value parameters[] = { value_of_i64((int64_t)asked->import_id),
                                  value_of_i64((int64_t)(asked->after & INT64_MAX)),
                                  value_of_i64(limit + 1) };
    struct query query = { &statement, parameters, 3 };
    store_query(request->server->store, &query, on_rejects, request);
}
