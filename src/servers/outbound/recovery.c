/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/recovery.h"

#include "fault.h"
#include "gen/events.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/ending.h"
#include "servers/outbound/live_chain.h"
#include "servers/outbound/session.h"

#include <string.h>

enum { BATCH_CHAINS_MAX = 500, AGAIN_MS = 2000, PATIENCE_MS = 5000 };

/* A round that was open when the process ended, or a chain that a treatment had put off. */
struct open_round {
    uint32_t handle_base, record_count, primary_index, group_dbid, list_dbid;
    int64_t chain_id, primary_n;
    struct guid chain_guid, attempt_guid;
    struct text agent_id, modified, table_name;
    uint64_t started_utc_ms;
    struct chain_wish wish;
    int64_t wish_n;
    uint64_t due_utc_ms; /* 0: it is a round */
};

struct recovery {
    struct scope *life;
    struct outbound *server;
    void (*on_done)(struct outbound *server);
    struct open_round *rounds;  /* by list, then chain */
    uint32_t round_count, next; /* the batch under way begins at `next` */
    uint32_t batch, batch_max;  /* smaller where rows are too large for a page of the store */
    uint32_t lists_opening;
    bool is_opening; /* the next batch waits for the lists */
    bool is_over;    /* but a list that opens still knows of us */
    uint32_t held, given_back, brought_back;
    struct open_round *late; /* their list is not open: tried again until it is */
    uint32_t late_count;
    struct table *returned; /* agents with rounds that were late and are no more */
    struct timer *again, *patience;
    enum err err;
};

static void forget(struct recovery *recovery)
{
    recovery->server->recovery = NULL;
    scope_close(recovery->life);
}

/* Others than those of the first look. */
static bool was_late(const struct recovery *recovery)
{
    return recovery->on_done == NULL;
}

/* The server serves in the meantime; requests on their records hear that the database is away. */
static void try_again_later(struct recovery *recovery)
{
    struct open_round *spare = recovery->rounds; /* not fewer than what is late again */
    recovery->rounds = recovery->late;
    recovery->round_count = recovery->late_count;
    recovery->late = spare;
    recovery->late_count = recovery->next = recovery->batch = 0;
    recovery->held = recovery->given_back = recovery->brought_back = 0;
    timer_start(recovery->again, AGAIN_MS);
}

static void log_recovered(const struct recovery *recovery)
{
    struct outbound *server = recovery->server;
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        struct session_names names;
        char group[128] = "";
        if (session_names(server, session->dbid, &names, NULL))
            (void)text_to_z(text_slice(names.campaign_group, 0, sizeof group - 1), group,
                            sizeof group);
        LOG_RECORDS_RECOVERED(&server->app->log, group, session->in_progress_count);
    }
    if (recovery->held + recovery->given_back)
        LOG_CHAINS_HELD_RECOVERED(&server->app->log, recovery->held, recovery->given_back);
}

/* What their desktops were shown as waiting is not so any more. */
static void tell_returned(struct recovery *recovery)
{
    const struct text *agent_id;
    for (size_t at = 0; (agent_id = table_next(recovery->returned, &at)) != NULL;) {
        struct outbound_records_returned event = {
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_RECORDS_RETURNED), .gsw_agent_id = *agent_id
        };
        desktops_send(recovery->server, &MSG_OUTBOUND_RECORDS_RETURNED, &event);
    }
    table_clear(recovery->returned);
}

static void finish(struct recovery *recovery)
{
    struct outbound *server = recovery->server;
    void (*on_done)(struct outbound * server) = recovery->on_done;
    if (on_done || recovery->brought_back + recovery->held + recovery->given_back)
        log_recovered(recovery);
    recovery->on_done = NULL;
    recovery->is_over = recovery->late_count == 0;
    tell_returned(recovery);
    if (recovery->late_count)
        try_again_later(recovery);
    else if (recovery->lists_opening == 0)
        forget(recovery);
    if (on_done) on_done(server);
}

static struct guid guid_of(struct text text)
{
    struct guid guid = { { 0 } };
    (void)text_to_z(text, guid.text, sizeof guid.text);
    return guid;
}

/* A row that joined the chain since, behind or before those of the round (AddRecord). */
static bool is_newcomer(const struct rows *rows, uint32_t row)
{
    return rows_i64(rows, row, COLUMN_RECORD_STATUS) == RECORD_STATUS_READY;
}

/* The rows of the round's chain, from `first` to `end`, in chain order; false: not all are there.
 */
static bool read_records(const struct open_round *round, struct live_chain *live,
                         const struct rows *rows, uint32_t first, uint32_t end)
{
    struct chain *chain = &live->chain;
    uint32_t count = 0;
    bool has_primary = false;
    for (uint32_t row = first; row < end && count < round->record_count; row++) {
        if (is_newcomer(rows, row)) continue;
        struct record *record = &chain->records[count];
        record->handle = round->handle_base + count;
        record->cells = list_read_row(chain->layout, live->data, rows, row);
        if (record_i64(record, COLUMN_CHAIN_N) == round->primary_n) {
            chain->primary = count;
            has_primary = true;
        }
        count++;
    }
    return has_primary && count == round->record_count;
}

/* Those of the round but newcomers; a chain put off has all its rows. */
static uint32_t count_records(const struct rows *rows, uint32_t first, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t row = first; row < end; row++) count += !is_newcomer(rows, row);
    return count < CHAIN_RECORDS_MAX ? count : CHAIN_RECORDS_MAX;
}

static struct live_chain *new_live(struct recovery *recovery, const struct open_round *round,
                                   struct calling_list *list, const struct rows *rows,
                                   uint32_t first, uint32_t end)
{
    struct fault fault;
    struct session *session = session_of(recovery->server, round->group_dbid, &fault);
    if (session == NULL || list == NULL || round->record_count == 0) return NULL;
    struct live_chain *live =
        live_chain_new(session, list->table, list->name, list->dbid, round->record_count);
    if (read_records(round, live, rows, first, end)) return live;
    live_chain_close(live);
    return NULL;
}

static void resume_wish(const struct open_round *round, struct live_chain *live)
{
    struct chain *chain = &live->chain;
    for (uint32_t i = 0; round->wish.type && i < chain->count; i++)
        if (record_i64(&chain->records[i], COLUMN_CHAIN_N) == round->wish_n) {
            chain->wish = round->wish;
            chain->wish.record = i;
            chain->wish.phone = scope_keep(live->data, round->wish.phone);
        }
}

/* Rows `first` .. `end - 1` are the chain of the round. */
static void bring_back(struct recovery *recovery, const struct open_round *round,
                       struct calling_list *list, const struct rows *rows, uint32_t first,
                       uint32_t end)
{
    struct outbound *server = recovery->server;
    struct live_chain *live = new_live(recovery, round, list, rows, first, end);
    if (live == NULL) {
        LOG_STORE_REFUSED(&server->app->log, "a chain with its agent",
                          "its rows or group are gone");
        return;
    }
    struct chain *chain = &live->chain;
    chain->chain_guid = round->chain_guid;
    chain->attempt_guid = round->attempt_guid;
    chain->agent_id = scope_keep(live->data, round->agent_id);
    chain->started_utc_ms = round->started_utc_ms;
    resume_wish(round, live);
    struct text rest = round->modified, name;
    while (text_next_item(&rest, ',', &name)) {
        uint32_t column = layout_find_column(chain->layout, name);
        if (name.len && column != UINT32_MAX) chain->is_modified[column] = true;
    }
    chain_resume(chain, loop_now_utc_ms(server->app->loop));
    recovery->brought_back++;
    session_add_in_progress(live->session, live);
    if (was_late(recovery)) ending_block_returned(live);
}

/* Its group or its row is not what it was: nobody waits for it any more. */
static void give_back(struct recovery *recovery, const struct open_round *round,
                      struct calling_list *list)
{
    static const struct statement forget = {
        "DELETE FROM held_chain WHERE table_name = ?1 AND chain_id = ?2"
    };
    recovery->given_back++;
    struct change *change = change_new(recovery->server->store);
    change_add(change, &forget, ROWS_ANY);
    change_bind_text(change, round->table_name);
    change_bind_i64(change, round->chain_id);
    if (list) list_add_release(list->table, change, round->chain_id);
    change_submit(change, NULL, NULL);
}

/* A chain that a treatment had put off; its handles are new, nobody has heard of them. */
static void put_off_again(struct recovery *recovery, struct open_round *round,
                          struct calling_list *list, const struct rows *rows, uint32_t first,
                          uint32_t end)
{
    round->record_count = count_records(rows, first, end);
    struct live_chain *live = new_live(recovery, round, list, rows, first, end);
    bool is_good = live && live->session->fsm.state != SESSION_NULL &&
                   record_i64(&live->chain.records[live->chain.primary], COLUMN_RECORD_STATUS) ==
                       RECORD_STATUS_RETRIEVED;
    if (!is_good) {
        if (live) live_chain_close(live);
        give_back(recovery, round, first < end ? list : NULL);
        return;
    }
    live_chain_number(live);
    live->select = list->select;
    live->chain.chain_guid = round->chain_guid;
    live->chain.is_held = true;
    live->chain.due_utc_ms = round->due_utc_ms;
    chain_begin(&live->chain, loop_now_utc_ms(recovery->server->app->loop));
    recovery->server->held_count++;
    recovery->held++;
    buffer_add(live);
}

static void next_batch(struct recovery *recovery);

/* Whatever becomes of the batch: it is not late any more. */
static void end_batch(struct recovery *recovery)
{
    for (; recovery->batch; recovery->batch--, recovery->next++) {
        struct open_round *round = &recovery->rounds[recovery->next];
        if (was_late(recovery) && round->agent_id.len)
            table_put(recovery->returned, round->agent_id, &round->agent_id);
    }
    next_batch(recovery);
}

/* The batch is of a table that cannot be read now. */
static void keep_for_later(struct recovery *recovery)
{
    for (uint32_t i = 0; i < recovery->batch; i++)
        recovery->late[recovery->late_count++] = recovery->rounds[recovery->next + i];
    recovery->next += recovery->batch;
    next_batch(recovery);
}

/* Rounds and rows are both in chain order: walk them side by side. */
static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct recovery *recovery = self;
    struct open_round *rounds = recovery->rounds + recovery->next;
    struct calling_list *list =
        lists_find_by_dbid(recovery->server->lists, rounds[0].list_dbid, NULL);
    if (err == ERR_LIMIT && recovery->batch > 1) {
        recovery->batch_max = recovery->batch / 2;
        next_batch(recovery);
        return;
    }
    if (err && list) {
        keep_for_later(recovery);
        return;
    }
    uint32_t row_count = err || list == NULL ? 0 : rows_count(rows), row = 0;
    for (uint32_t i = 0; i < recovery->batch; i++) {
        while (row < row_count && rows_i64(rows, row, COLUMN_CHAIN_ID) < rounds[i].chain_id) row++;
        /* Chains of the table that the list had then: another table has the same numbers. */
        uint32_t end = row;
        if (list && text_eq(list->table->key, rounds[i].table_name))
            while (end < row_count && rows_i64(rows, end, COLUMN_CHAIN_ID) == rounds[i].chain_id)
                end++;
        if (rounds[i].due_utc_ms)
            put_off_again(recovery, &rounds[i], list, rows, row, end);
        else
            bring_back(recovery, &rounds[i], list, rows, row, end);
        row = end;
    }
    end_batch(recovery);
}

static void next_batch(struct recovery *recovery)
{
    if (recovery->next == recovery->round_count) {
        finish(recovery);
        return;
    }
    const struct open_round *rounds = recovery->rounds + recovery->next;
    uint32_t left = recovery->round_count - recovery->next;
    int64_t chain_ids[BATCH_CHAINS_MAX];
    for (recovery->batch = 0; recovery->batch < left && recovery->batch < recovery->batch_max;
         recovery->batch++) {
        if (rounds[recovery->batch].list_dbid != rounds[0].list_dbid) break;
        chain_ids[recovery->batch] = rounds[recovery->batch].chain_id;
    }
    struct calling_list *list =
        lists_find_by_dbid(recovery->server->lists, rounds[0].list_dbid, NULL);
    bool is_ready = list && list_is_open(list) &&
                    (!was_late(recovery) || dnc_is_loaded(recovery->server));
    if (is_ready) {
        list_load_chains(list->table, chain_ids, recovery->batch, on_rows, recovery);
        return;
    }
    if (recovery->on_done)
        LOG_STORE_REFUSED(&recovery->server->app->log, "chains with their agents",
                          "their calling list cannot be opened");
    if (list)
        keep_for_later(recovery);
    else
        end_batch(recovery);
}

static void on_open_rounds(void *self, enum err err, const struct rows *rows)
{
    struct recovery *recovery = self;
    recovery->err = err;
    if (err) return;
    recovery->round_count = rows_count(rows);
    recovery->rounds =
        scope_alloc_array(recovery->life, recovery->round_count + 1, sizeof *recovery->rounds);
    recovery->late =
        scope_alloc_array(recovery->life, recovery->round_count + 1, sizeof *recovery->late);
    recovery->returned = table_new(recovery->life);
    for (uint32_t i = 0; i < recovery->round_count; i++)
        recovery->rounds[i] = (struct open_round){
            .handle_base = (uint32_t)rows_i64(rows, i, 0),
            .record_count = (uint32_t)rows_i64(rows, i, 1),
            .group_dbid = (uint32_t)rows_i64(rows, i, 2),
            .list_dbid = (uint32_t)rows_i64(rows, i, 3),
            .chain_id = rows_i64(rows, i, 4),
            .primary_n = rows_i64(rows, i, 5),
            .chain_guid = guid_of(rows_text(rows, i, 6)),
            .attempt_guid = guid_of(rows_text(rows, i, 7)),
            .agent_id = scope_keep(recovery->life, rows_text(rows, i, 8)),
            .started_utc_ms = (uint64_t)rows_i64(rows, i, 9),
            .modified = scope_keep(recovery->life, rows_text(rows, i, 10)),
            .table_name = scope_keep(recovery->life, rows_text(rows, i, 11)),
            .wish = { .type = rows_i64(rows, i, 12),
                      .due_s = rows_i64(rows, i, 13),
                      .phone = scope_keep(recovery->life, rows_text(rows, i, 15)) },
            .wish_n = rows_i64(rows, i, 14),
            .due_utc_ms = (uint64_t)rows_i64(rows, i, 16),
            .primary_index = (uint32_t)rows_i64(rows, i, 17),
        };
}

static void on_sessions(void *self, enum err err, const struct rows *rows)
{
    struct recovery *recovery = self;
    recovery->err = err;
    for (uint32_t i = 0; !err && i < rows_count(rows); i++) {
        struct dialing dialing = { (uint32_t)rows_i64(rows, i, 3), (uint32_t)rows_i64(rows, i, 4),
                                   (uint32_t)rows_i64(rows, i, 5) };
        struct session *session = session_resume(recovery->server, (uint32_t)rows_i64(rows, i, 0),
                                                 (enum session_state)rows_i64(rows, i, 1), &dialing,
                                                 guid_of(rows_text(rows, i, 2)));
        session->started_utc_ms = (uint64_t)rows_i64(rows, i, 6);
        session->priorities[BUFFER_CALLBACK] = (uint32_t)rows_i64(rows, i, 7);
        session->priorities[BUFFER_RESCHEDULED] = (uint32_t)rows_i64(rows, i, 8);
        session->priorities[BUFFER_GENERAL] = (uint32_t)rows_i64(rows, i, 9);
    }
}

static void on_last_handle(void *self, enum err err, const struct rows *rows)
{
    struct recovery *recovery = self;
    recovery->err = err;
    if (err) return;
    int64_t last = rows_i64(rows, 0, 0);
    recovery->server->next_handle = last > 0 && last < INT32_MAX ? (uint32_t)last : 1;
}

/* With the lists that are open: a customer's database that does not answer keeps nobody else from
 * work. What belongs to it comes back later. */
static void go_on(void *self)
{
    struct recovery *recovery = self;
    recovery->is_opening = false;
    next_batch(recovery);
}

static void on_list_open(void *self, const struct fault *fault)
{
    struct recovery *recovery = self;
    (void)fault; /* said where the list is used */
    if (--recovery->lists_opening) return;
    timer_stop(recovery->patience);
    if (recovery->is_over)
        forget(recovery);
    else if (recovery->is_opening)
        go_on(recovery);
}

static void open_list(struct recovery *recovery, uint32_t list_dbid)
{
    struct calling_list *list = lists_find_by_dbid(recovery->server->lists, list_dbid, NULL);
    if (list == NULL) return;
    recovery->lists_opening++;
    list_open(list, on_list_open, recovery);
}

/* Those of the rounds, and those of the sessions: their rows left Retrieved must be free before a
 * fetch. */
static void open_lists(void *self)
{
    struct recovery *recovery = self;
    recovery->lists_opening++;
    recovery->is_opening = true;
    if (recovery->on_done) timer_start(recovery->patience, PATIENCE_MS);
    for (uint32_t i = 0; i < recovery->round_count; i++)
        if (i == 0 || recovery->rounds[i].list_dbid != recovery->rounds[i - 1].list_dbid)
            open_list(recovery, recovery->rounds[i].list_dbid);
    struct session *session;
    for (size_t at = 0; (session = table_next(recovery->server->sessions, &at)) != NULL;)
        for (uint32_t i = 0; i < session->list_count; i++)
            open_list(recovery, session->lists[i].dbid);
    on_list_open(recovery, NULL);
}

enum err recovery_start(struct outbound *server, void (*on_done)(struct outbound *server),
                        struct fault *fault)
{
    static const struct statement last_handle = {
        "SELECT max(handle_base + record_count) FROM round"
    };
    static const struct statement sessions = {
        "SELECT group_dbid, state, guid, dial_mode, optimize_by, optimize_goal, started_utc_ms, "
        "priority_callback, priority_rescheduled, priority_general FROM session"
    };
    static const struct statement open_rounds = {
        "SELECT handle_base, record_count, group_dbid, list_dbid, chain_id, primary_n, chain_guid, "
        "attempt_guid, agent_id, started_utc_ms, modified, table_name, wish_type, wish_due_s, "
        "wish_n, wish_phone, 0, primary_index FROM round WHERE state = 1 UNION ALL "
        "SELECT 0, 0, group_dbid, list_dbid, chain_id, primary_n, chain_guid, '', '', 0, '', "
        "table_name, 0, 0, 0, '', due_utc_ms, 0 FROM held_chain"
#ifdef FAULT_HELD_FORGOTTEN
        " WHERE due_utc_ms < 0"
#endif
        " ORDER BY 4, 5"
    };
    static const struct {
        const struct statement *statement;
        void (*on_rows)(void *self, enum err err, const struct rows *rows);
    } steps[] = { { &last_handle, on_last_handle },
                  { &sessions, on_sessions },
                  { &open_rounds, on_open_rounds } };
    struct scope *life = scope_new(server->app->life, "recovery", SCOPE_NO_LIMIT);
    struct recovery *recovery = scope_alloc(life, sizeof *recovery);
    *recovery = (struct recovery){
        .life = life, .server = server, .on_done = on_done, .batch_max = BATCH_CHAINS_MAX
    };
    server->recovery = recovery;
    recovery->again = timer_new(life, server->app->loop, open_lists, recovery);
    recovery->patience = timer_new(life, server->app->loop, go_on, recovery);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct query query = { .statement = steps[i].statement };
        enum err err = store_query_now(server->store, &query, steps[i].on_rows, recovery);
        if (err || recovery->err)
            return fault_set(fault, err ? err : recovery->err, "store",
                             "cannot read what was in progress");
    }
    loop_soon(life, server->app->loop, open_lists, recovery);
    return ERR_OK;
}

/* --- what waits ------------------------------------------------------------------------------- */

/* Those of the next batches, and those found late in this pass. */
static const struct open_round *next_waiting(const struct recovery *recovery, uint32_t *at)
{
    uint32_t ahead = recovery->round_count - recovery->next, index = (*at)++;
    if (index < ahead) return &recovery->rounds[recovery->next + index];
    return index - ahead < recovery->late_count ? &recovery->late[index - ahead] : NULL;
}

static bool is_of(const struct open_round *round, const struct session *only, struct text agent_id)
{
    return (only == NULL || round->group_dbid == only->dbid) && round->due_utc_ms == 0 &&
           text_eq(round->agent_id, agent_id);
}

uint32_t recovery_waiting_count(const struct outbound *server, const struct session *only,
                                struct text agent_id)
{
    const struct open_round *round;
    uint32_t count = 0;
    for (uint32_t at = 0; server->recovery && (round = next_waiting(server->recovery, &at));)
        count += is_of(round, only, agent_id);
    return count;
}

static void fill_waiting(struct outbound *server, struct scope *scope,
                         const struct open_round *round, struct outbound_preview_record *out)
{
    struct session_names names;
    if (!session_names(server, round->group_dbid, &names, NULL))
        names = (struct session_names){ 0 };
    const struct calling_list *list = lists_find_by_dbid(server->lists, round->list_dbid, NULL);
    *out = (struct outbound_preview_record){
        .head.has = OUTBOUND_PREVIEW_RECORD_HAS_GSW_APPLICATION_ID |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_RECORD_HANDLE |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CHAIN_ID |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CHAIN_N |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CAMPAIGN_NAME |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CAMPAIGN_DBID |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CAMPAIGN_GROUP_NAME |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CAMPAIGN_GROUP_DBID |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_GROUP_DBID |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CALLING_LIST |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CALLING_LIST_DBID |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_AGENT_ID |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_CALL_ATTEMPT_GUID |
                    OUTBOUND_PREVIEW_RECORD_HAS_INTERACTION_TYPE |
                    OUTBOUND_PREVIEW_RECORD_HAS_INTERACTION_SUBTYPE |
                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_IS_WAITING,
        .gsw_application_id = server->dbid,
        .gsw_record_handle = round->handle_base + round->primary_index,
        .gsw_chain_id = round->chain_id,
        .gsw_chain_n = round->primary_n,
        .gsw_campaign_name = names.campaign,
        .gsw_campaign_dbid = names.campaign_dbid,
        .gsw_campaign_group_name = names.campaign_group,
        .gsw_campaign_group_dbid = round->group_dbid,
        .gsw_group_dbid = names.group_dbid,
        .gsw_calling_list = list ? list->name : TEXT(""),
        .gsw_calling_list_dbid = round->list_dbid,
        .gsw_agent_id = scope_keep(scope, round->agent_id),
        .gsw_call_attempt_guid = scope_keep(scope, guid_text(&round->attempt_guid)),
        .interaction_type = TEXT("Outbound"),
        .interaction_subtype = TEXT("OutboundNew"),
        .gsw_is_waiting = true,
    };
}

uint32_t recovery_fill_waiting(struct outbound *server, struct scope *scope, struct text agent_id,
                               struct outbound_preview_record *out, uint32_t limit)
{
    const struct open_round *round;
    uint32_t count = 0, at = 0;
    while (server->recovery && count < limit && (round = next_waiting(server->recovery, &at)))
        if (is_of(round, NULL, agent_id)) fill_waiting(server, scope, round, &out[count++]);
    return count;
}
