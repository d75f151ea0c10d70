/* SPDX-License-Identifier: Apache-2.0 */
/* Searches kept records: pages of the store are looked through until enough fit that the asker may
 * see, or so many were looked at that he shall ask again. Begin at request_read_log(). */
#include "gen/objects.h"
#include "servers/control/log_keeper.h"
#include "servers/control/log_query.h"

#include <string.h>

enum {
    PAGE_ROWS = 500,
    PAGES_MAX = 40, /* looked at for one answer */
    ATTRIBUTE_IDS = 100,
    ATTRIBUTE_ROWS_MAX = 20000,
    ANSWER_BYTES_MAX = 8 * 1024 * 1024, /* a frame has 16 */
};

struct reading {
    struct control_server *server;
    struct link_request *request;
    struct scope *life, *page_life;
    struct asker asker;
    struct log_query query;
    struct log_place below; /* where the next page begins */
    bool has_place, is_at_end;
    uint32_t pages;
    size_t bytes;
    struct control_log_row *page; /* the last one, not yet looked at */
    uint32_t page_count;
    struct control_log_row *found; /* query.limit + 1 have room */
    uint32_t found_count, dressed; /* with attributes */
};

static void read_page(struct reading *reading);

static void end(struct reading *reading)
{
    scope_close(reading->life);
}

static void refuse(struct reading *reading, enum err err)
{
    struct fault fault;
    (void)fault_set(&fault, err, "", "the log cannot be read: %s", err_words(err));
    link_refuse_fault(reading->request, &fault);
    end(reading);
}

/* --- the answer --- */

static void answer(struct reading *reading)
{
    bool has_more = !reading->is_at_end || reading->found_count > reading->query.limit;
    uint32_t count = reading->found_count;
    if (count > reading->query.limit) count = reading->query.limit;
    struct control_log_rows rows = {
        .head.has = CONTROL_LOG_ROWS_HAS_ROWS | CONTROL_LOG_ROWS_HAS_MORE,
        .rows = { reading->found, count },
        .more = has_more,
    };
    if (has_more) {
        bool is_full = reading->found_count > reading->query.limit;
        rows.head.has |= CONTROL_LOG_ROWS_HAS_NEXT;
        rows.next = is_full ? reading->found[count - 1].lrid : reading->below.id;
    }
    link_reply(reading->request, &rows);
    end(reading);
}

/* --- attributes --- */

static void dress(struct reading *reading);

static struct control_log_row *find_row(struct reading *reading, uint64_t id)
{
    for (uint32_t i = 0; i < reading->found_count; i++)
        if (reading->found[i].lrid == id) return &reading->found[i];
    return NULL;
}

static void add_attribute(struct reading *reading, const struct rows *rows, uint32_t row)
{
    struct control_log_row *found = find_row(reading, (uint64_t)rows_i64(rows, row, 0));
    struct text name = rows_text(rows, row, 1), value = rows_text(rows, row, 2);
    if (found == NULL || reading->bytes + name.len + value.len > ANSWER_BYTES_MAX) return;
    struct kv *attributes = &found->record->attributes;
    struct pair *pairs = scope_alloc_array(reading->life, attributes->count + 1, sizeof *pairs);
    if (attributes->count) memcpy(pairs, attributes->at, attributes->count * sizeof *pairs);
    pairs[attributes->count] =
        (struct pair){ .name = scope_keep(reading->life, name),
                       .value = { .kind = VALUE_TEXT, .text = scope_keep(reading->life, value) } };
    *attributes = (struct kv){ pairs, attributes->count + 1 };
    found->record->head.has |= CONTROL_LOG_RECORD_HAS_ATTRIBUTES;
    reading->bytes += sizeof *pairs + name.len + value.len;
}

static void on_attributes(void *self, enum err err, const struct rows *rows)
{
    struct reading *reading = self;
    if (err) {
        refuse(reading, err);
        return;
    }
    for (uint32_t row = 0; row < rows_count(rows); row++) add_attribute(reading, rows, row);
    dress(reading);
}

/* Always as many parameters: the last id fills the rest. */
static void dress(struct reading *reading)
{
    uint32_t count = reading->found_count;
    if (count > reading->query.limit) count = reading->query.limit;
    if (reading->dressed >= count) {
        answer(reading);
        return;
    }
    struct buf sql = { 0 };
    struct value ids[ATTRIBUTE_IDS];
    buf_add_z(&sql, "SELECT lrid, name, value FROM G_LOG_ATTRS WHERE lrid IN (?1");
    for (uint32_t i = 0; i < ATTRIBUTE_IDS; i++) {
        if (i) buf_format(&sql, ", ?%u", i + 1);
        uint32_t at = reading->dressed < count ? reading->dressed++ : count - 1;
        ids[i] =
            (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)reading->found[at].lrid };
    }
    buf_format(&sql, ") ORDER BY lrid, name LIMIT %d", ATTRIBUTE_ROWS_MAX);
    struct query query = { store_statement(reading->server->store, buf_text(&sql)), ids,
                           ATTRIBUTE_IDS };
    buf_free(&sql);
    store_query(reading->server->store, &query, on_attributes, reading);
}

/* --- what fits --- */

/* A record of somebody who is no Application object (a supervisor, one that was deleted) is its
 * host's. */
static bool may_see(const struct reading *reading, const struct readable *readable,
                    const struct control_log_row *row)
{
    if (app_object(reading->server->app, &OBJECT_APPLICATION, row->application) != NULL)
        return rights_may_read(readable, "Application", row->application);
    return row->host.len && rights_may_read(readable, "Host", row->host);
}

static struct control_log_row keep_row(struct scope *scope, const struct control_log_row *row)
{
    struct control_log_row out = *row;
    struct control_log_record *record = scope_alloc(scope, sizeof *record);
    *record = *row->record;
    record->id = scope_keep(scope, record->id);
    record->text = scope_keep(scope, record->text);
    record->ixn = scope_keep(scope, record->ixn);
    out.application = scope_keep(scope, out.application);
    out.type = scope_keep(scope, out.type);
    out.host = scope_keep(scope, out.host);
    out.record = record;
    return out;
}

static void look_through(struct reading *reading, const struct readable *readable)
{
    for (uint32_t i = 0; i < reading->page_count; i++) {
        struct control_log_row *row = &reading->page[i];
        size_t bytes = sizeof *row + sizeof *row->record + row->record->text.len;
        bool is_full = reading->found_count > reading->query.limit ||
                       reading->bytes + bytes > ANSWER_BYTES_MAX;
        if (is_full) return;
        reading->below = (struct log_place){ row->record->time, row->lrid };
        if (!log_query_fits(&reading->query, row->record->text) || !may_see(reading, readable, row))
            continue;
        reading->found[reading->found_count++] = keep_row(reading->life, row);
        reading->bytes += bytes;
    }
    reading->is_at_end = reading->page_count < PAGE_ROWS;
}

static void on_readable(void *self, const struct readable *readable, const struct link_error *error)
{
    struct reading *reading = self;
    if (reading->asker.kind == ASKER_NOBODY || error) {
        static const struct link_error nobody = { .err = ERR_DENIED,
                                                  .protocol = { "config", 6 },
                                                  .code = 403,
                                                  .name = { "CFGNoPermission", 15 },
                                                  .text = { "nobody knows who asks", 21 } };
        link_refuse(reading->request, error ? error : &nobody);
        end(reading);
        return;
    }
    look_through(reading, readable);
    bool is_enough = reading->is_at_end || reading->found_count > reading->query.limit ||
                     reading->pages >= PAGES_MAX || reading->bytes > ANSWER_BYTES_MAX / 2;
    if (is_enough)
        dress(reading);
    else
        read_page(reading);
}

/* --- pages --- */

static struct control_log_row row_message(struct scope *scope, const struct rows *rows, uint32_t at)
{
    struct control_log_record *record = scope_alloc(scope, sizeof *record);
    *record = (struct control_log_record){
        .head.has = CONTROL_LOG_RECORD_HAS_ID | CONTROL_LOG_RECORD_HAS_TIME |
                    CONTROL_LOG_RECORD_HAS_PRIORITY | CONTROL_LOG_RECORD_HAS_CATEGORY |
                    CONTROL_LOG_RECORD_HAS_TEXT,
        .id = scope_keep(scope, rows_text(rows, at, LOG_COLUMN_EVENT)),
        .time = (uint64_t)rows_i64(rows, at, LOG_COLUMN_GENERATED_US),
        .priority = (uint32_t)rows_i64(rows, at, LOG_COLUMN_PRIORITY),
        .category = (uint32_t)rows_i64(rows, at, LOG_COLUMN_CATEGORY),
        .text = scope_keep(scope, rows_text(rows, at, LOG_COLUMN_TEXT)),
        .ixn = scope_keep(scope, rows_text(rows, at, LOG_COLUMN_IXN)),
    };
    if (record->ixn.len) record->head.has |= CONTROL_LOG_RECORD_HAS_IXN;
    struct control_log_row row = {
        .head.has = CONTROL_LOG_ROW_HAS_LRID | CONTROL_LOG_ROW_HAS_APPLICATION |
                    CONTROL_LOG_ROW_HAS_WRITTEN | CONTROL_LOG_ROW_HAS_RECORD,
        .lrid = (uint64_t)rows_i64(rows, at, LOG_COLUMN_ID),
        .application = scope_keep(scope, rows_text(rows, at, LOG_COLUMN_APPLICATION)),
        .type = scope_keep(scope, rows_text(rows, at, LOG_COLUMN_TYPE)),
        .host = scope_keep(scope, rows_text(rows, at, LOG_COLUMN_HOST)),
        .pid = (uint32_t)rows_i64(rows, at, LOG_COLUMN_PID),
        .written = (uint64_t)rows_i64(rows, at, LOG_COLUMN_WRITTEN_MS),
        .record = record,
    };
    if (row.type.len) row.head.has |= CONTROL_LOG_ROW_HAS_TYPE;
    if (row.host.len) row.head.has |= CONTROL_LOG_ROW_HAS_HOST;
    if (row.pid) row.head.has |= CONTROL_LOG_ROW_HAS_PID;
    return row;
}

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct reading *reading = self;
    if (err) {
        refuse(reading, err);
        return;
    }
    scope_reset(reading->page_life);
    reading->page_count = rows_count(rows);
    reading->page =
        scope_alloc_array(reading->page_life, reading->page_count + 1, sizeof *reading->page);
    for (uint32_t i = 0; i < reading->page_count; i++)
        reading->page[i] = row_message(reading->page_life, rows, i);
    rights_read(reading->server, &reading->asker, on_readable, reading);
}

static void read_page(struct reading *reading)
{
    struct buf sql = { 0 };
    struct value parameters[LOG_QUERY_PARAMETERS_MAX];
    bool is_first = reading->pages++ == 0 && !reading->has_place;
    uint32_t count = log_query_sql(&reading->query, is_first ? NULL : &reading->below, PAGE_ROWS,
                                   &sql, parameters);
    struct query query = { store_statement(reading->server->store, buf_text(&sql)), parameters,
                           count };
    buf_free(&sql);
    store_query(reading->server->store, &query, on_page, reading);
}

/* The place of the row that the last page ended with. One that was deleted was the oldest. */
static void on_place(void *self, enum err err, const struct rows *rows)
{
    struct reading *reading = self;
    if (err) {
        refuse(reading, err);
        return;
    }
    if (rows_count(rows) == 0) {
        reading->is_at_end = true;
        answer(reading);
        return;
    }
    reading->below = (struct log_place){ (uint64_t)rows_i64(rows, 0, 0), reading->query.before };
    reading->has_place = true;
    read_page(reading);
}

void request_read_log(void *self, struct link_request *request, const void *fields)
{
    static const struct statement place = {
        "SELECT time_generated FROM G_LOG_MESSAGES WHERE id = ?1"
    };
    struct control_server *server = self;
    struct log_query asked;
    struct fault fault;
    if (log_query_read(fields, &asked, &fault)) {
        link_refuse_fault(request, &fault);
        return;
    }
    struct scope *life = scope_new(server->app->life, "log search", SCOPE_NO_LIMIT);
    struct reading *reading = scope_alloc(life, sizeof *reading);
    *reading = (struct reading){ .server = server,
                                 .request = request,
                                 .life = life,
                                 .page_life = scope_new(life, "log page", SCOPE_NO_LIMIT),
                                 .asker = asker_of(server, request),
                                 .query = asked };
    reading->found = scope_alloc_array(life, reading->query.limit + 1u, sizeof *reading->found);
    if (reading->query.before == 0) {
        read_page(reading);
        return;
    }
    struct value id = { .kind = VALUE_INTEGER, .integer = (int64_t)reading->query.before };
    struct query query = { &place, &id, 1 };
    store_query(server->store, &query, on_place, reading);
}
