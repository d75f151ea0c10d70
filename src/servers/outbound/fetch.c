/* SPDX-License-Identifier: Apache-2.0 */
/* The road of one fetch: candidates by record type in the order of priority, the rows of their
 * chains, one change per chain that takes it, and each into the buffer when it is durable. */
#include "servers/outbound/fetch.h"

#include "format/json.h"
#include "gen/objects.h"
#include "servers/outbound/callback.h"
#include "servers/outbound/desktop.h"
#include "servers/outbound/ending.h"
#include "servers/outbound/live_chain.h"
#include "servers/outbound/session.h"

enum {
    FETCH_CHAINS_MAX = 1000,
    FETCH_PERSONAL_MAX = 100,
    FETCH_DUE_MAX = 100,
    RESERVED_MAX = 1000,
    PERSONAL_TYPES = 2,
    RECORD_TYPES = 3
};

struct fetch {
    struct scope *life;
    struct session *session;
    struct list_table *table; /* that the candidates are of */
    uint32_t list_dbid, wanted, taking, taken;
    uint64_t began_mono_ms;
    bool has_blocked; /* rows that the Do-Not-Call list kept back */
    int64_t record_types[PERSONAL_TYPES + RECORD_TYPES]; /* personal ones, then by priority */
    uint32_t next_type;
    uint32_t due_types;
    struct candidate *chosen; /* one row per chain */
    uint32_t chosen_count, personal_count;
    struct table *by_chain; /* chain id -> candidate */
};

struct taking {
    struct fetch *fetch;
    struct live_chain *live;
};

static void end(struct fetch *fetch)
{
    struct session *session = fetch->session;
    uint64_t took_ms = loop_now_mono_ms(session->server->app->loop) - fetch->began_mono_ms;
    if (fetch->taken || fetch->has_blocked)
        session_wake(session, fetch->list_dbid);
    else if (fetch->wanted)
        session_found_nothing(session, fetch->list_dbid, took_ms);
    scope_close(fetch->life);
    session_fetch_ended(session);
}

static void on_taken(void *self, const struct change_result *result)
{
    struct taking *taking = self;
    struct fetch *fetch = taking->fetch;
    struct session *session = fetch->session;
    session->is_store_failing = result->err != ERR_OK && result->err != ERR_CONFLICT;
    if (result->err) {
        live_chain_close(
            taking->live); /* another took it, or the store refused: the row is as it was */
    } else {
        fetch->taken++;
        session_add_buffered(session, taking->live);
        if (session->fsm.state == SESSION_UNLOADING) session_return_buffer(session);
    }
    if (--fetch->taking == 0) end(fetch);
}

/* Spec 4: a personal record waits for its agent alone; false: the agent is not of the group, or too
 * many wait already. One that nobody has served for a day is missed, whoever it was meant for. */
static bool reserve(struct live_chain *live, const struct session_names *names)
{
    struct session *session = live->session;
    const struct record *primary = &live->chain.records[live->chain.primary];
    int64_t type = record_i64(primary, COLUMN_RECORD_TYPE);
    if (type != RECORD_TYPE_PERSONAL_CALLBACK && type != RECORD_TYPE_PERSONAL_RESCHEDULED)
        return true;
    live->reserved_for = chain_reserved_for(&live->chain);
    uint64_t due_utc_ms = (uint64_t)record_i64(primary, COLUMN_DIAL_SCHED_TIME) * 1000;
    bool is_missed = due_utc_ms + CALLBACK_DAY_MS <= loop_now_utc_ms(session->server->app->loop);
    return session->reserved_count < RESERVED_MAX &&
           (is_missed || (live->reserved_for.len > 0 &&
                          agent_is_of_group(session->server, names, live->reserved_for)));
}

static void on_blocked(void *self, const struct change_result *result)
{
    struct fetch *fetch = self;
    fetch->has_blocked = fetch->has_blocked || !result->err;
    if (--fetch->taking == 0) end(fetch);
}

/* Spec 10: the row is final, its siblings may be chosen by the next fetch. */
static bool is_kept_back(struct fetch *fetch, const struct calling_list *list,
                         const struct record *record)
{
    enum dnc_verdict verdict = dnc_check_record(fetch->session, list, record);
    if (verdict == DNC_FREE) return false;
    struct change *change = change_new(fetch->session->server->store);
    ending_add_blocked(fetch->session, list, record, verdict, change);
    fetch->taking++;
    change_submit(change, on_blocked, fetch);
    return true;
}

/* Rows of one chain, `first` .. `first + count - 1`, become a live chain, and a change takes them.
 */
static void take_chain(struct fetch *fetch, struct calling_list *list, const struct rows *rows,
                       uint32_t first, uint32_t count)
{
    struct session *session = fetch->session;
    struct outbound *server = session->server;
    if (count > CHAIN_RECORDS_MAX) count = CHAIN_RECORDS_MAX;
    struct live_chain *live = live_chain_new(session, list->table, list->name, list->dbid, count);
    live->chain.primary = UINT32_MAX;
    int64_t chain_key = rows_i64(rows, first, COLUMN_CHAIN_ID);
    const struct candidate *chosen = table_get(fetch->by_chain, TEXT_OF(&chain_key));
    ASSERT(chosen != NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct record *record = &live->chain.records[i];
        record->cells = list_read_row(&list->table->layout, live->data, rows, first + i);
        if (chosen->chain_n == record_i64(record, COLUMN_CHAIN_N)) live->chain.primary = i;
    }
    if (live->chain.primary == UINT32_MAX) { /* changed between the two queries */
        live_chain_close(live);
        return;
    }
    live_chain_number(live);
    live->chain.chain_guid = guid_new(loop_random(server->app->loop));
    chain_begin(&live->chain, loop_now_utc_ms(server->app->loop));

    struct session_names names;
    if (!session_names(server, session->dbid, &names, NULL)) {
        live_chain_close(live);
        return;
    }
    live->select = list->select;
    if (is_kept_back(fetch, list, &live->chain.records[live->chain.primary]) ||
        !reserve(live, &names)) {
        live_chain_close(live);
        return;
    }
    struct change *change = list_new_take(list->table);
    for (uint32_t i = 0; i < count; i++) {
        struct value *cells = live->chain.records[i].cells;
        int64_t chain_id = cells[COLUMN_CHAIN_ID].integer, chain_n = cells[COLUMN_CHAIN_N].integer;
        if (i == live->chain.primary) {
            list_add_take(list->table, change, chain_id, chain_n, names.campaign_dbid,
                          names.group_dbid);
            cells[COLUMN_RECORD_STATUS] = value_of_i64(RECORD_STATUS_RETRIEVED);
            cells[COLUMN_CAMPAIGN_ID] = value_of_i64(names.campaign_dbid);
            cells[COLUMN_GROUP_ID] = value_of_i64(names.group_dbid);
            cells[COLUMN_APP_ID] = value_of_i64(server->dbid);
        } else if (cells[COLUMN_RECORD_STATUS].integer == RECORD_STATUS_READY) {
            list_add_take_sibling(list->table, change, chain_id, chain_n);
            cells[COLUMN_RECORD_STATUS] = value_of_i64(RECORD_STATUS_CHAIN_READY);
        }
    }
    struct taking *taking = scope_alloc(fetch->life, sizeof *taking);
    *taking = (struct taking){ fetch, live };
    fetch->taking++;
    list_submit_take(list->table, change, chain_key, on_taken, taking);
}

static void load(struct fetch *fetch, struct calling_list *list);

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct fetch *fetch = self;
    struct calling_list *list =
        lists_find_by_dbid(fetch->session->server->lists, fetch->list_dbid, NULL);
    if (err == ERR_LIMIT && list && fetch->chosen_count > 1) {
        fetch->chosen_count /=
            2; /* too much for a page of the store: the rest has its turn later */
        load(fetch, list);
        return;
    }
    if (err || list == NULL || list->table != fetch->table) {
        end(fetch);
        return;
    }
    struct span {
        uint32_t first, count;
    } *spans = scope_alloc_array(fetch->life, fetch->chosen_count, sizeof *spans);
    uint32_t count = rows_count(rows);
    for (uint32_t first = 0, next; first < count; first = next) {
        int64_t chain_id = rows_i64(rows, first, COLUMN_CHAIN_ID);
        for (next = first + 1; next < count && rows_i64(rows, next, COLUMN_CHAIN_ID) == chain_id;)
            next++;
        const struct candidate *chosen = table_get(fetch->by_chain, TEXT_OF(&chain_id));
        ASSERT(chosen != NULL);
        spans[chosen - fetch->chosen] = (struct span){ first, next - first };
    }
    /* Rows come by chain; the order of priority and filter is that of the candidates. */
    fetch->taking = 1;
    for (uint32_t i = 0; i < fetch->chosen_count; i++)
        if (spans[i].count) take_chain(fetch, list, rows, spans[i].first, spans[i].count);
    if (--fetch->taking == 0) end(fetch);
}

static void load(struct fetch *fetch, struct calling_list *list)
{
    int64_t *ids = scope_alloc_array(fetch->life, fetch->chosen_count, sizeof *ids);
    for (uint32_t i = 0; i < fetch->chosen_count; i++) ids[i] = fetch->chosen[i].chain_id;
    list_load_chains(list->table, ids, fetch->chosen_count, on_rows, fetch);
}

static void choose(struct fetch *fetch);

static void on_candidates(void *self, enum err err, const struct candidate *candidates,
                          uint32_t count)
{
    struct fetch *fetch = self;
    fetch->session->is_store_failing = err != ERR_OK;
    for (uint32_t i = 0; !err && i < count; i++) {
        if (table_get(fetch->by_chain, TEXT_OF(&candidates[i].chain_id))) continue;
        struct candidate *chosen = &fetch->chosen[fetch->chosen_count++];
        *chosen = candidates[i];
        table_put(fetch->by_chain, TEXT_OF(&chosen->chain_id), chosen);
    }
    choose(fetch);
}

/* Those who may have personal records of this group: the records of others would take the places
 * in the query, again and again. */
static void add_agents(const struct session *session, struct buf *out)
{
    struct outbound *server = session->server;
    struct session_names names;
    struct json_writer json = json_writer(out);
    json_begin_array(&json);
    const struct app_object *group =
        session_names(server, session->dbid, &names, NULL)
            ? app_object_by_dbid(server->app, &OBJECT_AGENT_GROUP, names.group_dbid)
            : NULL;
    if (group) {
        const struct object_agent_group *fields = (const struct object_agent_group *)group->fields;
        for (uint32_t i = 0; i < fields->agents.count; i++)
            if (app_object(server->app, &OBJECT_PERSON, fields->agents.at[i]))
                json_put_text(&json, fields->agents.at[i]);
    }
    json_end_array(&json);
}

/* What is due does not wait behind a buffer full of new records. */
static uint32_t room_for(const struct fetch *fetch)
{
    int64_t type = fetch->record_types[fetch->next_type];
    if (type != RECORD_TYPE_GENERAL && (fetch->due_types >> type & 1) == 0) return 0;
    if (fetch->next_type < PERSONAL_TYPES) return FETCH_PERSONAL_MAX;
    uint32_t used = fetch->chosen_count - fetch->personal_count;
    uint32_t room = fetch->wanted > used ? fetch->wanted - used : 0;
    if (type == RECORD_TYPE_GENERAL) return room;
    const struct list *ring =
        &fetch->session->buffered[type == RECORD_TYPE_CAMPAIGN_CALLBACK ? BUFFER_CALLBACK
                                                                        : BUFFER_RESCHEDULED];
    return list_is_empty(ring) && room < FETCH_DUE_MAX ? FETCH_DUE_MAX : room;
}

static void choose(struct fetch *fetch)
{
    struct outbound *server = fetch->session->server;
    struct calling_list *list = lists_find_by_dbid(server->lists, fetch->list_dbid, NULL);
    if (list == NULL || (fetch->table && list->table != fetch->table)) {
        end(fetch); /* configuration moved in between */
        return;
    }
    fetch->table = list->table;
    if (fetch->next_type <= PERSONAL_TYPES) fetch->personal_count = fetch->chosen_count;
    uint32_t room = 0;
    for (; fetch->next_type < PERSONAL_TYPES + RECORD_TYPES; fetch->next_type++)
        if ((room = room_for(fetch)) > 0) break;
    if (room > 0) {
        struct buf agents = { 0 };
        if (fetch->next_type < PERSONAL_TYPES) add_agents(fetch->session, &agents);
        int64_t type = fetch->record_types[fetch->next_type++];
        list_select(list, type, loop_now_utc_ms(server->app->loop), room, buf_text(&agents),
                    on_candidates, fetch);
        buf_free(&agents);
        return;
    }
    if (fetch->chosen_count == 0) {
        end(fetch);
        return;
    }
    load(fetch, list);
}

static void on_due(void *self, uint32_t types)
{
    struct fetch *fetch = self;
    fetch->due_types = types;
    choose(fetch);
}

static void find_due(struct fetch *fetch)
{
    struct outbound *server = fetch->session->server;
    struct calling_list *list = lists_find_by_dbid(server->lists, fetch->list_dbid, NULL);
    if (list)
        list_find_due(list, loop_now_utc_ms(server->app->loop), on_due, fetch);
    else
        end(fetch);
}

static void on_dnc_loaded(void *self)
{
    find_due(self);
}

/* Nothing is given out before the Do-Not-Call list is in memory. */
static void on_open(void *self, const struct fault *fault)
{
    struct fetch *fetch = self;
    if (fault) {
        fetch->session->is_store_failing = true;
        end(fetch);
    } else if (fetch->session->options->check_dnc_list)
        dnc_when_loaded(fetch->session->server, fetch->life, on_dnc_loaded, fetch);
    else
        find_due(fetch);
}

/* Spec 4: by type priority, higher first. */
static void order_types(struct fetch *fetch)
{
    static const int64_t types[BUFFER_CLASSES] = {
        [BUFFER_CALLBACK] = RECORD_TYPE_CAMPAIGN_CALLBACK,
        [BUFFER_RESCHEDULED] = RECORD_TYPE_CAMPAIGN_RESCHEDULED,
        [BUFFER_GENERAL] = RECORD_TYPE_GENERAL,
    };
    enum buffer_class classes[BUFFER_CLASSES];
    session_order_classes(fetch->session, classes);
    fetch->record_types[0] = RECORD_TYPE_PERSONAL_CALLBACK;
    fetch->record_types[1] = RECORD_TYPE_PERSONAL_RESCHEDULED;
    for (int i = 0; i < RECORD_TYPES; i++)
        fetch->record_types[PERSONAL_TYPES + i] = types[classes[1 + i]];
}

static void end_late(void *self)
{
    end(self);
}

void fetch_start(struct session *session, uint32_t list_dbid, uint32_t chains)
{
    struct scope *life = scope_new(session->life, "fetch", SCOPE_NO_LIMIT);
    struct fetch *fetch = scope_alloc(life, sizeof *fetch);
    *fetch = (struct fetch){ .life = life,
                             .session = session,
                             .list_dbid = list_dbid,
                             .began_mono_ms = loop_now_mono_ms(session->server->app->loop),
                             .wanted = chains < FETCH_CHAINS_MAX ? chains : FETCH_CHAINS_MAX };
    fetch->chosen = scope_alloc_array(
        life, fetch->wanted + PERSONAL_TYPES * FETCH_PERSONAL_MAX + RECORD_TYPES * FETCH_DUE_MAX,
        sizeof *fetch->chosen);
    fetch->by_chain = table_new(life);
    order_types(fetch);
    struct calling_list *list = lists_find_by_dbid(session->server->lists, list_dbid, NULL);
    if (list)
        list_open(list, on_open, fetch);
    else
        loop_soon(life, session->server->app->loop, end_late, fetch);
}
