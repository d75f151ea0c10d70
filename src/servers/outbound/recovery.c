/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/recovery.h"

#include "gen/events.h"
#include "servers/outbound/session.h"

#include <string.h>

struct recovery {
    struct scope *life;
    struct outbound *server;
    void (*on_done)(struct outbound *server);
    uint32_t pending, brought_back;
    enum err err;
};

/* A round that was open when the process ended. */
struct open_round {
    struct recovery *recovery;
    uint32_t handle_base, record_count, group_dbid, list_dbid;
    int64_t chain_id, primary_n;
    struct guid chain_guid, attempt_guid;
    struct text agent_id, modified;
    uint64_t started_utc_ms;
};

static void finish(struct recovery *recovery)
{
    if (--recovery->pending) return;
    struct outbound *server = recovery->server;
    void (*on_done)(struct outbound * server) = recovery->on_done;
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        struct session_names names;
        char group[128] = "";
        if (session_names(server, session->dbid, &names, NULL))
            (void)text_to_z(text_slice(names.campaign_group, 0, sizeof group - 1), group,
                            sizeof group);
        LOG_RECORDS_RECOVERED(&server->app->log, group, session->in_progress_count);
    }
    scope_close(recovery->life);
    on_done(server);
}

static struct guid guid_of(struct text text)
{
    struct guid guid = { { 0 } };
    (void)text_to_z(text, guid.text, sizeof guid.text);
    return guid;
}

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct open_round *round = self;
    struct recovery *recovery = round->recovery;
    struct outbound *server = recovery->server;
    struct calling_list *list = lists_find_by_dbid(server->lists, round->list_dbid, NULL);
    struct fault fault;
    struct session *session = session_of(server, round->group_dbid, &fault);
    if (err || list == NULL || session == NULL || rows_count(rows) < round->record_count) {
        LOG_STORE_REFUSED(&server->app->log, "a chain with its agent",
                          "its rows, list or group are gone");
        finish(recovery);
        return;
    }
    struct live_chain *live =
        live_chain_new(session, list->table, list->name, list->dbid, round->record_count);
    struct chain *chain = &live->chain;
    for (uint32_t i = 0; i < round->record_count; i++) {
        chain->records[i].handle = round->handle_base + i;
        chain->records[i].cells = list_read_row(chain->layout, live->data, rows, i);
        if (record_i64(&chain->records[i], COLUMN_CHAIN_N) == round->primary_n) chain->primary = i;
    }
    chain->chain_guid = round->chain_guid;
    chain->attempt_guid = round->attempt_guid;
    chain->agent_id = scope_keep(live->data, round->agent_id);
    chain->started_utc_ms = round->started_utc_ms;
    struct text rest = round->modified, name;
    while (text_next_item(&rest, ',', &name)) {
        uint32_t column = layout_find_column(chain->layout, name);
        if (name.len && column != UINT32_MAX) chain->is_modified[column] = true;
    }
    chain_resume(chain, loop_now_utc_ms(server->app->loop));
    session_add_in_progress(session, live);
    recovery->brought_back++;
    finish(recovery);
}

static void on_open(void *self, const struct fault *fault)
{
    struct open_round *round = self;
    struct calling_list *list =
        lists_find_by_dbid(round->recovery->server->lists, round->list_dbid, NULL);
    if (fault || list == NULL)
        on_rows(round, ERR_NOT_FOUND, NULL);
    else
        list_load_chains(list->table, &round->chain_id, 1, on_rows, round);
}

static void on_open_rounds(void *self, enum err err, const struct rows *rows)
{
    struct recovery *recovery = self;
    recovery->err = err;
    for (uint32_t i = 0; !err && i < rows_count(rows); i++) {
        struct open_round *round = scope_alloc(recovery->life, sizeof *round);
        *round = (struct open_round){
            .recovery = recovery,
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
        };
        recovery->pending++;
        struct calling_list *list =
            lists_find_by_dbid(recovery->server->lists, round->list_dbid, NULL);
        if (list)
            list_open(list, on_open, round);
        else
            on_rows(round, ERR_NOT_FOUND, NULL);
    }
}

static void on_sessions(void *self, enum err err, const struct rows *rows)
{
    struct recovery *recovery = self;
    recovery->err = err;
    for (uint32_t i = 0; !err && i < rows_count(rows); i++) {
        struct dialing dialing = { (uint32_t)rows_i64(rows, i, 3), (uint32_t)rows_i64(rows, i, 4),
                                   (uint32_t)rows_i64(rows, i, 5) };
        session_resume(recovery->server, (uint32_t)rows_i64(rows, i, 0),
                       (enum session_state)rows_i64(rows, i, 1), &dialing,
                       guid_of(rows_text(rows, i, 2)));
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

/* Tables of the sessions' lists are opened too: their rows left Retrieved must be free before a
 * fetch. */
static void on_list_open(void *self, const struct fault *fault)
{
    (void)fault;
    finish(self);
}

static void open_lists(struct recovery *recovery)
{
    struct session *session;
    for (size_t at = 0; (session = table_next(recovery->server->sessions, &at)) != NULL;)
        for (uint32_t i = 0; i < session->list_count; i++) {
            struct calling_list *list =
                lists_find_by_dbid(recovery->server->lists, session->lists[i].dbid, NULL);
            if (list == NULL) continue;
            recovery->pending++;
            list_open(list, on_list_open, recovery);
        }
}

static void end_late(void *self)
{
    finish(self);
}

enum err recovery_start(struct outbound *server, void (*on_done)(struct outbound *server),
                        struct fault *fault)
{
    static const struct statement last_handle = {
        "SELECT max(handle_base + record_count) FROM round"
    };
    static const struct statement sessions = {
        "SELECT group_dbid, state, guid, dial_mode, optimize_by, optimize_goal FROM session"
    };
    static const struct statement open_rounds = {
        "SELECT handle_base, record_count, group_dbid, list_dbid, chain_id, primary_n, chain_guid, "
        "attempt_guid, agent_id, started_utc_ms, modified FROM round WHERE state = 1"
    };
    static const struct {
        const struct statement *statement;
        void (*on_rows)(void *self, enum err err, const struct rows *rows);
    } steps[] = { { &last_handle, on_last_handle },
                  { &sessions, on_sessions },
                  { &open_rounds, on_open_rounds } };
    struct scope *life = scope_new(server->app->life, "recovery", SCOPE_NO_LIMIT);
    struct recovery *recovery = scope_alloc(life, sizeof *recovery);
    *recovery =
        (struct recovery){ .life = life, .server = server, .on_done = on_done, .pending = 1 };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct query query = { .statement = steps[i].statement };
        enum err err = store_query_now(server->store, &query, steps[i].on_rows, recovery);
        if (err || recovery->err)
            return fault_set(fault, err ? err : recovery->err, "store",
                             "cannot read what was in progress");
    }
    open_lists(recovery);
    loop_soon(life, server->app->loop, end_late, recovery);
    return ERR_OK;
}
