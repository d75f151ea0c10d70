/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at walk_on(): span by span from the latest row on, until a page is full. */
#include "servers/outbound/ledger.h"

#include "format/json.h"
#include "servers/outbound/notifier.h"

#include <inttypes.h>
#include <string.h>

enum {
    SPAN_ROWS = 10000,
    SPANS_MAX = 500, /* of one request; then the page ends with a cursor, full or not */
    PAGE_DEFAULT = 100,
    CHAIN_ROWS_MAX = 100,
    CONFLICTS_MAX = 100,
    FEW_ROWS = 10000,
};

/* Columns of every row that is shown; the order of enum ledger_column. */
#define COLUMNS                                                                                    \
    "rowid, id, kind, target, state, attempts, created_utc_ms, due_utc_ms, sent_utc_ms, words, "   \
    "body"
enum ledger_column { ROW, ID, KIND, TARGET, STATE, ATTEMPTS, CREATED, DUE, SENT, WORDS, BODY };

static const struct statement find_ends = {
    "SELECT (SELECT min(rowid) FROM outbox), (SELECT max(rowid) FROM outbox),"
    " (SELECT count(*) FROM outbox WHERE state = 3)"
};
#define MATCHES(BODY_PLACE)                                                                        \
    " AND (?3 = 0 OR state = ?3) AND (?4 = '' OR substr(kind, 1, length(?4) + 1) = ?4 || '/')"     \
    " AND created_utc_ms >= ?5 AND created_utc_ms < ?6"                                            \
    " AND (?7 = '' OR " BODY_PLACE " > 0) AND (?8 = 0 OR state <> 1)"                              \
    " ORDER BY rowid DESC LIMIT ?9"
#define BODY_PLACE_SQLITE   "instr(CAST(body AS TEXT), ?7)"
#define BODY_PLACE_POSTGRES "position(convert_to(?7, 'UTF8') IN body)"
static const struct statement find_span = {
    "SELECT " COLUMNS " FROM outbox WHERE rowid >= ?1 AND rowid < ?2" MATCHES(BODY_PLACE_SQLITE),
    .postgres = "SELECT " COLUMNS
                " FROM outbox WHERE rowid >= ?1 AND rowid < ?2" MATCHES(BODY_PLACE_POSTGRES),
};
/* The same by the index of failed ones, where they are few. */
static const struct statement find_failed = {
    "SELECT " COLUMNS " FROM outbox INDEXED BY outbox_failed"
    " WHERE state = 3 AND rowid >= ?1 AND rowid < ?2" MATCHES(BODY_PLACE_SQLITE),
    .postgres =
        "SELECT " COLUMNS
        " FROM outbox WHERE state = 3 AND rowid >= ?1 AND rowid < ?2" MATCHES(BODY_PLACE_POSTGRES),
};
static const struct statement find_one = { "SELECT " COLUMNS " FROM outbox WHERE id = ?1" };
static const struct statement find_of_chain = { "SELECT " COLUMNS " FROM outbox WHERE subject = ?1"
                                                " ORDER BY created_utc_ms DESC, id LIMIT ?2" };

static const char *const state_names[] = {
    [EFFECT_IS_WAITING] = "waiting", [EFFECT_IS_SENT] = "sent", [EFFECT_IS_FAILED] = "failed"
};

static int64_t state_of(struct text name)
{
    for (int64_t state = EFFECT_IS_WAITING; state <= EFFECT_IS_FAILED; state++)
        if (text_eq(name, text_of(state_names[state]))) return state;
    return 0;
}

/* --- one row, as others see it --- */

static void add_part(struct buf *out, const struct kv *body, const char *key, const char *label)
{
    const struct value *value = kv_find(body, text_of(key));
    if (value == NULL || (value->kind != VALUE_TEXT && value->kind != VALUE_INTEGER)) return;
    if (out->len) buf_add_z(out, ", ");
    buf_add_z(out, label);
    if (value->kind == VALUE_TEXT)
        buf_add(out, value->text);
    else
        buf_add_i64(out, value->integer);
}

/* "G1, 15550100, result 33, SALE": what a person looks for. */
static struct text summary_of(struct scope *scope, struct text body)
{
    struct scope *scratch = scope_new(NULL, "summary", SCOPE_NO_LIMIT);
    struct kv pairs;
    struct buf out = { 0 };
    if (json_read_kv(body, scratch, &pairs, NULL) == ERR_OK) {
        add_part(&out, &pairs, "GSW_CAMPAIGN_GROUP_NAME", "");
        add_part(&out, &pairs, "GSW_PHONE", "");
        add_part(&out, &pairs, "GSW_CALL_RESULT", "result ");
        add_part(&out, &pairs, "GSW_DISPOSITION_CODE", "");
        add_part(&out, &pairs, "GSW_CAMPAIGN_GROUP_STATE", "");
    }
    struct text summary = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    scope_close(scratch);
    return summary;
}

static void fill_row(struct scope *scope, const struct rows *rows, uint32_t row,
                     struct outbound_notification_row *out)
{
    int64_t state = rows_i64(rows, row, STATE);
    bool is_known = state >= EFFECT_IS_WAITING && state <= EFFECT_IS_FAILED;
    *out = (struct outbound_notification_row){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_NOTIFICATION_ROW),
        .guid = scope_keep(scope, rows_text(rows, row, ID)),
        .kind = scope_keep(scope, notifier_kind_name(rows_text(rows, row, KIND))),
        .url = scope_keep(scope, rows_text(rows, row, TARGET)),
        .state = text_of(is_known ? state_names[state] : ""),
        .attempts = (uint32_t)rows_i64(rows, row, ATTEMPTS),
        .created_at = (uint64_t)rows_i64(rows, row, CREATED),
        .due_at = (uint64_t)rows_i64(rows, row, DUE),
        .sent_at = (uint64_t)rows_i64(rows, row, SENT),
        .words = scope_keep(scope, rows_text(rows, row, WORDS)),
        .summary = summary_of(scope, rows_text(rows, row, BODY)),
    };
    if (state != EFFECT_IS_WAITING) out->head.has &= ~OUTBOUND_NOTIFICATION_ROW_HAS_DUE_AT;
    if (state != EFFECT_IS_SENT) out->head.has &= ~OUTBOUND_NOTIFICATION_ROW_HAS_SENT_AT;
    if (out->words.len == 0) out->head.has &= ~OUTBOUND_NOTIFICATION_ROW_HAS_WORDS;
}

static void refuse_store(struct request *request)
{
    request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
}

/* --- walking --- */

struct walk {
    struct request *request;
    int64_t state; /* 0: any */
    bool is_ended; /* only what does not wait */
    struct text kind, contains;
    uint64_t since, until;
    uint32_t limit;             /* rows of one span at most */
    int64_t low, next;          /* rows below `next` are to be looked at, down to `low` */
    int64_t span_low, span_end; /* of the span under way */
    uint32_t spans;             /* looked through so far */
    uint64_t failed_count;      /* in the whole ledger */
    bool (*take)(struct walk *walk, const struct rows *rows); /* false: it goes on by itself */
    void (*end)(struct walk *walk);
    void *self;
};

static void walk_on(struct walk *walk);

static void on_span(void *self, enum err err, const struct rows *rows)
{
    struct walk *walk = self;
    if (err) {
        refuse_store(walk->request);
        return;
    }
    uint32_t count = rows_count(rows);
    walk->spans += count < walk->limit;
    walk->next = count == walk->limit ? rows_i64(rows, count - 1, ROW) : walk->span_low;
    if (walk->take(walk, rows)) walk_on(walk);
}

static void walk_on(struct walk *walk)
{
    if (walk->next <= walk->low || walk->limit == 0 || walk->spans == SPANS_MAX) {
        walk->end(walk);
        return;
    }
    bool are_few = walk->state == EFFECT_IS_FAILED && walk->failed_count <= FEW_ROWS;
    walk->span_low = walk->next - SPAN_ROWS > walk->low && !are_few ? walk->next - SPAN_ROWS
                                                                    : walk->low;
    walk->span_end = walk->next;
    struct value parameters[] = {
        { .kind = VALUE_INTEGER, .integer = walk->span_low },
        { .kind = VALUE_INTEGER, .integer = walk->next },
        { .kind = VALUE_INTEGER, .integer = walk->state },
        { .kind = VALUE_TEXT, .text = walk->kind.len ? walk->kind : TEXT("") },
        { .kind = VALUE_INTEGER, .integer = (int64_t)walk->since },
        { .kind = VALUE_INTEGER, .integer = (int64_t)walk->until },
        { .kind = VALUE_TEXT, .text = walk->contains.len ? walk->contains : TEXT("") },
        { .kind = VALUE_INTEGER, .integer = walk->is_ended },
        { .kind = VALUE_INTEGER, .integer = walk->limit },
    };
    struct query query = { are_few ? &find_failed : &find_span, parameters,
                           sizeof parameters / sizeof parameters[0] };
    store_query(walk->request->server->store, &query, on_span, walk);
}

static void on_ends(void *self, enum err err, const struct rows *rows)
{
    struct walk *walk = self;
    if (err) {
        refuse_store(walk->request);
        return;
    }
    walk->low = rows_i64(rows, 0, 0);
    int64_t end = rows_i64(rows, 0, 1) + 1;
    if (walk->next > end) walk->next = end;
    walk->failed_count = (uint64_t)rows_i64(rows, 0, 2);
    walk_on(walk);
}

static void begin_walk(struct walk *walk)
{
    if (walk->until == 0 || walk->until > INT64_MAX) walk->until = INT64_MAX;
    if (walk->since > INT64_MAX) walk->since = INT64_MAX;
    struct query query = { .statement = &find_ends };
    store_query(walk->request->server->store, &query, on_ends, walk);
}

/* --- NotificationList --- */

static bool add_page(struct walk *walk, const struct rows *rows)
{
    struct outbound_notifications *reply = walk->self;
    for (uint32_t row = 0; row < rows_count(rows); row++)
        fill_row(walk->request->life, rows, row,
                 &reply->notifications.at[reply->notifications.count++]);
    walk->limit -= rows_count(rows);
    return true;
}

static void reply_page(struct walk *walk)
{
    struct request *request = walk->request;
    struct outbound_notifications *reply = walk->self;
    reply->head.has = SHAPE_ALL(SHAPE_OUTBOUND_NOTIFICATIONS);
    reply->waiting = notifier_counters(request->server->notifier).waiting_now;
    reply->failed = walk->failed_count;
    if (walk->next > walk->low)
        reply->next = scope_format(request->life, "%" PRId64, walk->next);
    else
        reply->head.has &= ~OUTBOUND_NOTIFICATIONS_HAS_NEXT;
    request_reply(request, &MSG_OUTBOUND_NOTIFICATIONS, reply, (struct text){ 0 });
}

void ledger_list(struct request *request)
{
    const struct outbound_notification_list *asked = request->fields;
    int64_t next = INT64_MAX;
    if (asked->after.len && text_to_i64(asked->after, 0, INT64_MAX, &next)) {
        request_refuse(request, OUTBOUND_BAD_KEY, "after: is no cursor of a page");
        return;
    }
    struct outbound_notifications *reply = scope_alloc(request->life, sizeof *reply);
    struct walk *walk = scope_alloc(request->life, sizeof *walk);
    *walk = (struct walk){
        .request = request,
        .state = state_of(asked->state),
        .kind = asked->kind,
        .contains = asked->contains,
        .since = asked->since,
        .until = asked->until,
        .limit = asked->limit ? asked->limit : PAGE_DEFAULT,
        .next = next,
        .take = add_page,
        .end = reply_page,
        .self = reply,
    };
    reply->notifications.at =
        scope_alloc_array(request->life, walk->limit, sizeof *reply->notifications.at);
    begin_walk(walk);
}

/* --- NotificationGet --- */

static void on_one(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    const struct outbound_notification_get *asked = request->fields;
    if (err) {
        refuse_store(request);
        return;
    }
    if (rows_count(rows) == 0) {
        request_refuse(request, OUTBOUND_INVALID_HANDLE, "guid: the ledger has no message %.*s",
                       TEXT_ARG(asked->guid));
        return;
    }
    struct effect effect = {
        .id = rows_text(rows, 0, ID),
        .kind = rows_text(rows, 0, KIND),
        .target = rows_text(rows, 0, TARGET),
        .body = rows_text(rows, 0, BODY),
    };
    struct buf headers = { 0 };
    struct outbound_notification_row row;
    fill_row(request->life, rows, 0, &row);
    notifier_headers(request->server->notifier, &effect, &headers);
    struct outbound_notification reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_NOTIFICATION),
        .row = &row,
        .headers = buf_text(&headers),
        .body = effect.body,
    };
    request_reply(request, &MSG_OUTBOUND_NOTIFICATION, &reply, (struct text){ 0 });
    buf_free(&headers);
}

static void ask_one(struct request *request, struct text guid,
                    void (*on_rows)(void *self, enum err err, const struct rows *rows))
{
    struct value parameter = { .kind = VALUE_TEXT, .text = guid };
    struct query query = { &find_one, &parameter, 1 };
    store_query(request->server->store, &query, on_rows, request);
}

void ledger_get(struct request *request)
{
    const struct outbound_notification_get *asked = request->fields;
    ask_one(request, asked->guid, on_one);
}

/* --- NotificationReplay --- */

static void reply_replayed(struct request *request, uint64_t count)
{
    struct outbound_notification_replayed reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_NOTIFICATION_REPLAYED),
        .replayed = count,
    };
    request_reply(request, &MSG_OUTBOUND_NOTIFICATION_REPLAYED, &reply, (struct text){ 0 });
}

static void on_one_replayed(void *self, enum err err)
{
    struct request *request = self;
    const struct outbound_notification_replay *asked = request->fields;
    if (err == ERR_CONFLICT)
        request_refuse(request, OUTBOUND_NOT_ALLOWED,
                       "guid: %.*s is not in the ledger, or waits to be sent already",
                       TEXT_ARG(asked->guid));
    else if (err)
        refuse_store(request);
    else
        reply_replayed(request, 1);
}

/* A slice of what matches is on its way; then the walk goes on. */
struct replay {
    uint64_t count;
    uint32_t slice, conflicts;
};

static void on_slice_replayed(void *self, enum err err)
{
    struct walk *walk = self;
    struct replay *replay = walk->self;
    /* A row of it left the ledger meanwhile, and none was sent again: they are looked at again. */
    if (err == ERR_CONFLICT && replay->conflicts++ < CONFLICTS_MAX) {
        walk->next = walk->span_end;
    } else if (err) {
        refuse_store(walk->request);
        return;
    } else {
        replay->count += replay->slice;
    }
    walk_on(walk);
}

static bool replay_slice(struct walk *walk, const struct rows *rows)
{
    struct outbox *outbox = notifier_outbox(walk->request->server->notifier);
    struct replay *replay = walk->self;
    struct text ids[OUTBOX_REPLAY_MAX];
    replay->slice = rows_count(rows);
    if (outbox_is_full(outbox)) walk->limit = 0; /* what is left stays as it is */
    if (replay->slice == 0 || walk->limit == 0) return true;
    for (uint32_t row = 0; row < replay->slice; row++) ids[row] = rows_text(rows, row, ID);
    outbox_replay(outbox, ids, replay->slice, on_slice_replayed, walk);
    return false;
}

static void reply_all_replayed(struct walk *walk)
{
    struct replay *replay = walk->self;
    reply_replayed(walk->request, replay->count);
}

void ledger_replay(struct request *request)
{
    const struct outbound_notification_replay *asked = request->fields;
    struct outbox *outbox = notifier_outbox(request->server->notifier);
    if (outbox_is_full(outbox)) {
        request_refuse(request, OUTBOUND_LIMIT, "the notification ledger is full");
        return;
    }
    if (asked->guid.len) {
        outbox_replay(outbox, &asked->guid, 1, on_one_replayed, request);
        return;
    }
    uint64_t filters = OUTBOUND_NOTIFICATION_REPLAY_HAS_STATE |
                       OUTBOUND_NOTIFICATION_REPLAY_HAS_KIND |
                       OUTBOUND_NOTIFICATION_REPLAY_HAS_SINCE |
                       OUTBOUND_NOTIFICATION_REPLAY_HAS_UNTIL;
    if ((asked->head.has & filters) == 0) {
        request_refuse(request, OUTBOUND_BAD_KEY,
                       "guid: name a message, or state, kind, since or until");
        return;
    }
    struct walk *walk = scope_alloc(request->life, sizeof *walk);
    struct replay *replay = scope_alloc(request->life, sizeof *replay);
    *walk = (struct walk){
        .request = request,
        .state = asked->state.len ? state_of(asked->state) : EFFECT_IS_FAILED,
        .is_ended = true,
        .kind = asked->kind,
        .since = asked->since,
        .until = asked->until,
        .limit = OUTBOX_REPLAY_MAX,
        .next = INT64_MAX,
        .take = replay_slice,
        .end = reply_all_replayed,
        .self = replay,
    };
    begin_walk(walk);
}

/* --- of one chain --- */

struct chain_look {
    struct request *request;
    void (*on_rows)(void *self, struct outbound_notification_row *rows, uint32_t count);
    void *self;
};

static void on_chain_rows(void *self, enum err err, const struct rows *rows)
{
    struct chain_look *look = self;
    uint32_t count = err ? 0 : rows_count(rows);
    struct scope *life = look->request->life;
    struct outbound_notification_row *out = scope_alloc_array(life, count + 1, sizeof *out);
    for (uint32_t row = 0; row < count; row++) fill_row(life, rows, row, &out[row]);
    look->on_rows(look->self, out, count);
}

void ledger_of_chain(struct request *request, uint32_t list_dbid, int64_t chain_id,
                     void (*on_rows)(void *self, struct outbound_notification_row *rows,
                                     uint32_t count),
                     void *self)
{
    struct chain_look *look = scope_alloc(request->life, sizeof *look);
    *look = (struct chain_look){ request, on_rows, self };
    struct value parameters[] = {
        { .kind = VALUE_TEXT,
          .text = scope_format(request->life, "%u/%" PRId64, list_dbid, chain_id) },
        { .kind = VALUE_INTEGER, .integer = CHAIN_ROWS_MAX },
    };
    struct query query = { &find_of_chain, parameters, 2 };
    store_query(request->server->store, &query, on_chain_rows, look);
}
