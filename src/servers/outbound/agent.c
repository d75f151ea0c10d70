/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/agent.h"

#include "gen/objects.h"
#include "servers/outbound/campaign_status.h"
#include "servers/outbound/desktop.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/recovery.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/seat_keeper.h"
#include "servers/outbound/session.h"

#include <string.h>

enum { SNAPSHOT_RECORDS_MAX = 1000, AGENT_ID_BYTES_MAX = 255, KEY_BYTES_MAX = 4 + 255 };

/* Group and agent as one key of the table. */
struct preview_mode {
    struct scope *life;
    struct text key;
};

struct busy_agent {
    struct scope *life;
    struct text id;
    uint64_t until_mono_ms;
};

struct agents {
    struct scope *life;
    struct table *preview_modes, *busy;
};

static struct text preview_key(uint32_t group_dbid, struct text agent_id, char bytes[KEY_BYTES_MAX])
{
    struct text agent = text_slice(agent_id, 0, AGENT_ID_BYTES_MAX);
    memcpy(bytes, &group_dbid, sizeof group_dbid);
    memcpy(bytes + sizeof group_dbid, agent.at, agent.len);
    return (struct text){ bytes, sizeof group_dbid + agent.len };
}

static void put_preview_mode(struct agents *agents, uint32_t group_dbid, struct text agent_id)
{
    char bytes[KEY_BYTES_MAX];
    struct text key = preview_key(group_dbid, agent_id, bytes);
    if (table_get(agents->preview_modes, key)) return;
    struct scope *life = scope_new(agents->life, "preview mode", SCOPE_NO_LIMIT);
    struct preview_mode *mode = scope_alloc(life, sizeof *mode);
    *mode = (struct preview_mode){ life, scope_keep(life, key) };
    table_put(agents->preview_modes, mode->key, mode);
}

static void remove_preview_mode(struct agents *agents, uint32_t group_dbid, struct text agent_id)
{
    char bytes[KEY_BYTES_MAX];
    struct preview_mode *mode =
        table_remove(agents->preview_modes, preview_key(group_dbid, agent_id, bytes));
    if (mode) scope_close(mode->life);
}

static void on_modes(void *self, enum err err, const struct rows *rows)
{
    if (err) return; /* the caller hears it too */
    for (uint32_t i = 0; i < rows_count(rows); i++)
        put_preview_mode(self, (uint32_t)rows_i64(rows, i, 0), rows_text(rows, i, 1));
}

enum err agents_new(struct outbound *server, struct agents **out, struct fault *fault)
{
    static const struct statement read = { "SELECT group_dbid, agent_id FROM preview_mode" };
    struct scope *life = server->app->life;
    struct agents *agents = scope_alloc(life, sizeof *agents);
    *agents = (struct agents){ life, table_new(life), table_new(life) };
    *out = agents;
    struct query query = { &read, NULL, 0 };
    enum err err = store_query_now(server->store, &query, on_modes, agents);
    return err ? fault_set(fault, err, "preview_mode", "cannot be read: %s", err_words(err))
               : ERR_OK;
}

bool agent_takes_previews(const struct outbound *server, struct text agent_id, uint32_t group_dbid)
{
    char bytes[KEY_BYTES_MAX];
    return table_get(server->agents->preview_modes, preview_key(group_dbid, agent_id, bytes)) !=
           NULL;
}

uint32_t agent_chain_count(const struct outbound *server, const struct session *only,
                           struct text agent_id)
{
    uint32_t count = recovery_waiting_count(server, only, agent_id);
    const struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        if (only && session != only) continue;
        LIST_EACH (node, &session->in_progress) {
            const struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
            count += text_eq(live->chain.agent_id, agent_id);
        }
    }
    return count;
}

bool agent_may_be_called(const struct outbound *server, struct text agent_id)
{
    const struct busy_agent *busy = table_get(server->agents->busy, agent_id);
    return desktop_is_present(server, agent_id) &&
           (busy == NULL || busy->until_mono_ms <= loop_now_mono_ms(server->app->loop)) &&
           agent_chain_count(server, NULL, agent_id) == 0;
}

/* --- requests about the agent ----------------------------------------------------------------- */

/* The messages below begin with the same fields: they are like PreviewDialingModeStart. */
struct asked {
    struct text agent_id, campaign;
    uint32_t group_dbid;
};

/* The groups meant; false: answered, since the agent works for none of them. */
static bool groups_of(struct request *request, const struct asked *asked,
                      struct outbound_campaign_status **groups, uint32_t *count)
{
    struct campaign_filter filter = { asked->agent_id, asked->campaign, asked->group_dbid, 0 };
    *groups = campaign_statuses(request->server, request->life, &filter, count);
    if (*count) return true;
    request_refuse(request, OUTBOUND_NOT_OWNER,
                   "GSW_AGENT_ID: %.*s is no enabled agent of such a campaign group",
                   TEXT_ARG(asked->agent_id));
    return false;
}

struct mode_change {
    struct request *request;
    struct asked asked;
    struct outbound_campaign_status *groups;
    uint32_t count;
    bool is_start;
};

static void on_mode_durable(void *self, const struct change_result *result)
{
    struct mode_change *mode = self;
    struct request *request = mode->request;
    struct agents *agents = request->server->agents;
    if (result->err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store refused the change");
        return;
    }
    for (uint32_t i = 0; i < mode->count; i++) {
        uint32_t group_dbid = mode->groups[i].gsw_campaign_group_dbid;
        if (mode->is_start)
            put_preview_mode(agents, group_dbid, mode->asked.agent_id);
        else
            remove_preview_mode(agents, group_dbid, mode->asked.agent_id);
    }
    request_reply(request, request->msg->reply, reply_agent(request), (struct text){ 0 });
}

static const struct statement mode_put = {
    "INSERT INTO preview_mode (agent_id, group_dbid) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
};
static const struct statement mode_remove = {
    "DELETE FROM preview_mode WHERE agent_id = ?1 AND group_dbid = ?2"
};

static void change_mode(struct request *request, const struct asked *asked, bool is_start)
{
    struct mode_change *mode = scope_alloc(request->life, sizeof *mode);
    *mode = (struct mode_change){ .request = request, .asked = *asked, .is_start = is_start };
    if (!groups_of(request, asked, &mode->groups, &mode->count)) return;
    struct change *change = change_new(request->server->store);
    for (uint32_t i = 0; i < mode->count; i++) {
        change_add(change, is_start ? &mode_put : &mode_remove, ROWS_ANY);
        change_bind_text(change, asked->agent_id);
        change_bind_i64(change, mode->groups[i].gsw_campaign_group_dbid);
    }
    change_submit(change, on_mode_durable, mode);
}

void preview_dialing_mode_start(struct request *request)
{
    const struct outbound_preview_dialing_mode_start *fields = request->fields;
    struct asked asked = { fields->gsw_agent_id, fields->gsw_campaign_name,
                           fields->gsw_campaign_group_dbid };
    change_mode(request, &asked, true);
}

void preview_dialing_mode_over(struct request *request)
{
    const struct outbound_preview_dialing_mode_over *fields = request->fields;
    struct asked asked = { fields->gsw_agent_id, fields->gsw_campaign_name,
                           fields->gsw_campaign_group_dbid };
    change_mode(request, &asked, false);
}

void ready_time(struct request *request)
{
    const struct outbound_ready_time *fields = request->fields;
    struct agents *agents = request->server->agents;
    struct outbound_campaign_status *groups;
    uint32_t count;
    struct asked asked = { fields->gsw_agent_id, fields->gsw_campaign_name,
                           fields->gsw_campaign_group_dbid };
    if (!groups_of(request, &asked, &groups, &count)) return;
    struct busy_agent *busy = table_remove(agents->busy, fields->gsw_agent_id);
    if (busy) scope_close(busy->life);
    if (fields->gsw_ready_time) {
        struct scope *life = scope_new(agents->life, "busy agent", SCOPE_NO_LIMIT);
        busy = scope_alloc(life, sizeof *busy);
        *busy = (struct busy_agent){ life, scope_keep(life, fields->gsw_agent_id),
                                     loop_now_mono_ms(request->server->app->loop) +
                                         (uint64_t)fields->gsw_ready_time * 1000 };
        table_put(agents->busy, busy->id, busy);
    }
    request_reply(request, request->msg->reply, reply_agent(request), (struct text){ 0 });
}

/* --- Logout ----------------------------------------------------------------------------------- */

struct leaving {
    struct request *request;
    uint32_t under_way, ended;
};

static void on_left(struct leaving *leaving)
{
    if (--leaving->under_way) return;
    struct request *request = leaving->request;
    seat_keeper_leave(request->server,
                      ((const struct outbound_logout *)request->fields)->gsw_agent_id);
    struct outbound_log_out_acknowledge *reply = reply_agent(request);
    reply->head.has |= OUTBOUND_LOG_OUT_ACKNOWLEDGE_HAS_GSW_RECORDS;
    reply->gsw_records = leaving->ended;
    request_reply(request, &MSG_OUTBOUND_LOG_OUT_ACKNOWLEDGE, reply, (struct text){ 0 });
}

static void on_chain_left(void *self, struct chain_step *step)
{
    struct leaving *leaving = self;
    leaving->ended += step->outcome.refusal.error == OUTBOUND_OK;
    on_left(leaving);
}

static void end_chain(struct leaving *leaving, struct live_chain *live, int64_t call_result)
{
    struct cell_write *write = scope_alloc(leaving->request->life, sizeof *write);
    *write =
        (struct cell_write){ live->chain.primary, COLUMN_CALL_RESULT, value_of_i64(call_result) };
    struct chain_request step = {
        .event = CHAIN_FINALISE, .record = live->chain.primary, .writes = write, .write_count = 1
    };
    leaving->under_way++;
    session_step_chain(live, &step, (struct text){ 0 }, on_chain_left, leaving);
}

void agent_logout(struct request *request)
{
    const struct outbound_logout *asked = request->fields;
    struct outbound *server = request->server;
    struct leaving *leaving = scope_alloc(request->life, sizeof *leaving);
    *leaving = (struct leaving){ request, 1, 0 };
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        int64_t call_result = session->options->agent_logout_preview_call_result;
        struct session_names names;
        bool is_meant = !asked->gsw_campaign_name.len ||
                        (session_names(server, session->dbid, &names, NULL) &&
                         text_eq(names.campaign, asked->gsw_campaign_name));
        if (call_result < 0 || !is_meant) continue;
        for (struct list *node = session->in_progress.next, *next; node != &session->in_progress;
             node = next) {
            next = node->next;
            struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
            /* What is being changed just now ends by the request that changes it. */
            if (!live->is_busy && text_eq(live->chain.agent_id, asked->gsw_agent_id))
                end_chain(leaving, live, call_result);
        }
    }
    on_left(leaving);
}

/* --- what the agent has ----------------------------------------------------------------------- */

void desktop_snapshot(struct request *request)
{
    const struct outbound_desktop_snapshot *asked = request->fields;
    struct outbound *server = request->server;
    struct outbound_desktop_snapshot_taken reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_DESKTOP_SNAPSHOT_TAKEN) &
                    ~OUTBOUND_DESKTOP_SNAPSHOT_TAKEN_HAS_GSW_REFERENCE_ID,
        .gsw_agent_id = asked->gsw_agent_id,
    };
    uint32_t count = agent_chain_count(server, NULL, asked->gsw_agent_id);
    if (count > SNAPSHOT_RECORDS_MAX) count = SNAPSHOT_RECORDS_MAX;
    reply.records.at = scope_alloc_array(request->life, count + 1, sizeof *reply.records.at);
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        LIST_EACH (node, &session->in_progress) {
            const struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
            if (reply.records.count < count && text_eq(live->chain.agent_id, asked->gsw_agent_id))
                preview_fill(server, request->life, live, &reply.records.at[reply.records.count++]);
        }
    }
    reply.records.count += recovery_fill_waiting(server, request->life, asked->gsw_agent_id,
                                                 &reply.records.at[reply.records.count],
                                                 count - reply.records.count);
    struct campaign_filter filter = { .agent_id = asked->gsw_agent_id };
    reply.campaigns.at = campaign_statuses(server, request->life, &filter, &reply.campaigns.count);
    reply_echo_reference(request, &MSG_OUTBOUND_DESKTOP_SNAPSHOT_TAKEN, &reply);
    request_reply(request, &MSG_OUTBOUND_DESKTOP_SNAPSHOT_TAKEN, &reply, (struct text){ 0 });
}
