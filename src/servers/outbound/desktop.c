/* SPDX-License-Identifier: Apache-2.0 */
/* Previews and orders to a campaign group; the table at the end names all requests and where they
 * are carried out. */
#include "servers/outbound/desktop.h"

#include "gen/objects.h"
#include "servers/outbound/add_record.h"
#include "servers/outbound/agent.h"
#include "servers/outbound/answered_step.h"
#include "servers/outbound/campaign_status.h"
#include "servers/outbound/console.h"
#include "servers/outbound/dnc_request.h"
#include "servers/outbound/ending.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/import.h"
#include "servers/outbound/ledger.h"
#include "servers/outbound/notifier.h"
#include "servers/outbound/record_request.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/seat_keeper.h"
#include "servers/outbound/session.h"

/* --- what the agent may --- */

bool agent_is_of_group(struct outbound *server, const struct session_names *names,
                       struct text agent_id)
{
    const struct app_object *group =
        app_object_by_dbid(server->app, &OBJECT_AGENT_GROUP, names->group_dbid);
    if (group == NULL || app_object(server->app, &OBJECT_PERSON, agent_id) == NULL) return false;
    const struct object_agent_group *fields = (const struct object_agent_group *)group->fields;
    for (uint32_t i = 0; i < fields->agents.count; i++)
        if (text_eq(fields->agents.at[i], agent_id)) return true;
    return false;
}

/* --- PreviewRecordRequest --- */

static void on_previewed(void *self, struct chain_step *step)
{
    struct request *request = self;
    if (step->outcome.refusal.error) {
        request_refuse_with(request, &step->outcome.refusal);
        return;
    }
    request->server->counters.records_previewed_total++;
    reply_preview(request, step->live);
}

/* The session of the request, by group, or by campaign where only that is named. */
static struct session *session_for(struct request *request,
                                   const struct outbound_preview_record_request *asked)
{
    struct outbound *server = request->server;
    struct fault fault = { 0 };
    if (SHAPE_HAS(asked, OUTBOUND_PREVIEW_RECORD_REQUEST_HAS_GSW_CAMPAIGN_GROUP_DBID)) {
        struct session *session = session_of(server, asked->gsw_campaign_group_dbid, &fault);
        if (session == NULL)
            request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
        return session;
    }
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        struct session_names names;
        if (session->fsm.state == SESSION_STARTED &&
            session_names(server, session->dbid, &names, NULL) &&
            text_eq(names.campaign, asked->gsw_campaign_name) &&
            agent_is_of_group(server, &names, asked->gsw_agent_id))
            return session;
    }
    request_refuse(request, OUTBOUND_NOT_LOADED,
                   "GSW_CAMPAIGN_NAME: no started campaign %.*s for this agent",
                   TEXT_ARG(asked->gsw_campaign_name));
    return NULL;
}

static bool may_preview(struct request *request, struct session *session, struct text agent_id)
{
    struct session_names names;
    struct fault fault = { 0 };
    if (!session_names(request->server, session->dbid, &names, &fault)) {
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
        return false;
    }
    if (request->server->is_suspended) {
        request_refuse(request, OUTBOUND_NOT_ALLOWED,
                       "outbound is suspended and gives out no new records");
        return false;
    }
    if (session->fsm.state == SESSION_NULL || session->fsm.state == SESSION_UNLOADING) {
        request_refuse(request, OUTBOUND_NOT_LOADED, "the campaign group is not loaded");
        return false;
    }
    if (session->fsm.state != SESSION_STARTED || session->dialing.mode != DIAL_MODE_PREVIEW) {
        request_refuse(request, OUTBOUND_NOT_ALLOWED,
                       "the campaign group is not started in preview mode");
        return false;
    }
    if (!agent_is_of_group(request->server, &names, agent_id)) {
        request_refuse(request, OUTBOUND_NOT_OWNER,
                       "GSW_AGENT_ID: no enabled agent %.*s in group %.*s", TEXT_ARG(agent_id),
                       TEXT_ARG(names.group));
        return false;
    }
    if (session->options->agent_preview_mode_start &&
        !agent_takes_previews(request->server, agent_id, session->dbid)) {
        request_refuse(request, OUTBOUND_NOT_ALLOWED,
                       "agent_preview_mode_start: PreviewDialingModeStart has to come first");
        return false;
    }
    uint32_t limit = session->options->desktop_chains_limit;
    if (limit && agent_chain_count(request->server, session, agent_id) >= limit) {
        request_refuse(request, OUTBOUND_LIMIT,
                       "desktop-chains-limit: the agent has %u records already", limit);
        return false;
    }
    const char *reason = notifier_holds_back(session);
    if (reason == NULL && !seat_keeper_take(request->server, agent_id, session->dbid))
        reason = seat_keeper_words(request->server);
    if (reason) {
        request_refuse(request, OUTBOUND_LIMIT, "%s", reason);
        return false;
    }
    return true;
}

static void preview_record(struct request *request)
{
    const struct outbound_preview_record_request *asked = request->fields;
    struct outbound *server = request->server;
    struct session *session = session_for(request, asked);
    if (session == NULL || !may_preview(request, session, asked->gsw_agent_id)) return;
    uint32_t list_dbid = 0;
    if (SHAPE_HAS(asked, OUTBOUND_PREVIEW_RECORD_REQUEST_HAS_GSW_CALLING_LIST)) {
        struct fault fault = { 0 };
        struct calling_list *list = lists_find(server->lists, asked->gsw_calling_list, &fault);
        if (list == NULL) {
            request_refuse(request, OUTBOUND_LIST_UNKNOWN, "%s: %s", fault.field, fault.words);
            return;
        }
        list_dbid = list->dbid;
    }
    struct live_chain *live = session_take(session, list_dbid, asked->gsw_agent_id);
    session_refill(session, live == NULL);
    if (live) {
        struct chain_request step = { .event = CHAIN_PICK,
                                      .record = live->chain.primary,
                                      .agent_id = asked->gsw_agent_id,
                                      .attempt_guid = guid_new(loop_random(server->app->loop)) };
        answered_step(request, live, &step, (struct text){ 0 }, NULL, on_previewed);
    } else if (session->fetches && !request->is_last_try) {
        list_add_last(&session->hungry, &request->node);
    } else {
        request_refuse(request, OUTBOUND_NO_RECORDS, "no records");
    }
}

/* --- orders to a group --- */

bool campaign_group_named(struct request *request, uint32_t group_dbid, struct text campaign,
                          struct text group, uint32_t *out)
{
    struct outbound *server = request->server;
    struct session_names names;
    const struct app_object *object;
    uint32_t found = 0;
    *out = group_dbid;
    if (group_dbid) return true;
    for (size_t at = 0; (object = app_object_next(server->app, &OBJECT_CAMPAIGN_GROUP, &at));) {
        if (!session_names(server, object->dbid, &names, NULL) ||
            !text_eq(names.campaign, campaign) || (group.len && !text_eq(names.group, group)))
            continue;
        *out = object->dbid;
        found++;
    }
    if (found == 1) return true;
    if (campaign.len == 0)
        request_refuse(request, OUTBOUND_BAD_KEY,
                       "GSW_CAMPAIGN_GROUP_DBID or GSW_CAMPAIGN_NAME is needed");
    else if (found)
        request_refuse(request, OUTBOUND_BAD_KEY,
                       "GSW_GROUP_NAME: %u groups work campaign %.*s, name one", found,
                       TEXT_ARG(campaign));
    else
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN,
                       "GSW_CAMPAIGN_NAME: no campaign group %.*s of %.*s", TEXT_ARG(group),
                       TEXT_ARG(campaign));
    return false;
}

/* The fields that all orders have, by their own struct. */
#define ORDER(request, asked, event, wanted)                                                       \
    order(request, (asked)->gsw_campaign_group_dbid, (asked)->gsw_campaign_name,                   \
          (asked)->gsw_group_name, event, wanted)

static void order(struct request *request, uint32_t dbid, struct text campaign, struct text group,
                  enum session_event event, const struct dialing *wanted)
{
    struct fault fault = { 0 };
    uint32_t group_dbid;
    if (!campaign_group_named(request, dbid, campaign, group, &group_dbid)) return;
    struct session *session = session_of(request->server, group_dbid, &fault);
    if (session == NULL)
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
    else
        session_order(session, event, wanted, request);
}

static void load(struct request *request)
{
    const struct outbound_campaign_load *asked = request->fields;
    ORDER(request, asked, SESSION_LOAD, NULL);
}

static void start(struct request *request)
{
    const struct outbound_campaign_start *asked = request->fields;
    struct dialing wanted = { asked->gsw_dial_mode, asked->gsw_optimize_by,
                              asked->gsw_optimize_goal };
    ORDER(request, asked, SESSION_START, &wanted);
}

static void set_dial_mode(struct request *request)
{
    const struct outbound_campaign_set_dial_mode *asked = request->fields;
    struct dialing wanted = { asked->gsw_dial_mode, asked->gsw_optimize_by,
                              asked->gsw_optimize_goal };
    ORDER(request, asked, SESSION_SET_MODE, &wanted);
}

static void set_priorities(struct request *request)
{
    const struct outbound_campaign_set_priorities *asked = request->fields;
    struct fault fault = { 0 };
    uint32_t group_dbid;
    if (!campaign_group_named(request, asked->gsw_campaign_group_dbid, asked->gsw_campaign_name,
                              asked->gsw_group_name, &group_dbid))
        return;
    struct session *session = session_of(request->server, group_dbid, &fault);
    uint32_t priorities[BUFFER_CLASSES] = {
        [BUFFER_CALLBACK] = asked->gsw_priority_callback,
        [BUFFER_RESCHEDULED] = asked->gsw_priority_rescheduled,
        [BUFFER_GENERAL] = asked->gsw_priority_general,
    };
    if (session == NULL)
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
    else
        session_set_priorities(session, priorities, request);
}

static void stop(struct request *request)
{
    const struct outbound_campaign_stop *asked = request->fields;
    ORDER(request, asked, SESSION_STOP, NULL);
}

static void unload(struct request *request)
{
    const struct outbound_campaign_unload *asked = request->fields;
    ORDER(request, asked, SESSION_UNLOAD, NULL);
}

static void force_unload(struct request *request)
{
    const struct outbound_campaign_force_unload *asked = request->fields;
    ORDER(request, asked, SESSION_FORCE_UNLOAD, NULL);
}

static const struct {
    const struct msg *msg;
    void (*run)(struct request *request);
} requests[] = {
    { &MSG_OUTBOUND_PREVIEW_RECORD_REQUEST, preview_record },
    { &MSG_OUTBOUND_UPDATE_CALL_COMPLETION_STATS, update_call_completion_stats },
    { &MSG_OUTBOUND_RECORD_PROCESSED, record_processed },
    { &MSG_OUTBOUND_RECORD_REJECT, record_reject },
    { &MSG_OUTBOUND_RECORD_RESCHEDULE, record_reschedule },
    { &MSG_OUTBOUND_SCHEDULED_RECORD_RESCHEDULE, scheduled_record_reschedule },
    { &MSG_OUTBOUND_CHAINED_RECORD_REQUEST, chained_record },
    { &MSG_OUTBOUND_RECORD_STATUS_REQUEST, record_status },
    { &MSG_OUTBOUND_ADD_RECORD, add_record },
    { &MSG_OUTBOUND_DO_NOT_CALL, do_not_call },
    { &MSG_OUTBOUND_EXPLAIN_LIST, explain_list },
    { &MSG_OUTBOUND_DNC_LIST, dnc_list },
    { &MSG_OUTBOUND_DNC_CHANGE, dnc_change },
    { &MSG_OUTBOUND_REQUEST_RECORD_CANCEL, request_record_cancel },
    { &MSG_OUTBOUND_CAMPAIGN_LOAD, load },
    { &MSG_OUTBOUND_CAMPAIGN_START, start },
    { &MSG_OUTBOUND_CAMPAIGN_STOP, stop },
    { &MSG_OUTBOUND_CAMPAIGN_UNLOAD, unload },
    { &MSG_OUTBOUND_CAMPAIGN_FORCE_UNLOAD, force_unload },
    { &MSG_OUTBOUND_CAMPAIGN_SET_DIAL_MODE, set_dial_mode },
    { &MSG_OUTBOUND_CAMPAIGN_SET_PRIORITIES, set_priorities },
    { &MSG_OUTBOUND_CAMPAIGN_GET_STATUS, campaign_get_status },
    { &MSG_OUTBOUND_CAMPAIGN_STATUS, campaign_status },
    { &MSG_OUTBOUND_CAMPAIGN_GROUP_LIST, campaign_group_list },
    { &MSG_OUTBOUND_CONTINUE_PROCESSING, continue_processing },
    { &MSG_OUTBOUND_PREVIEW_DIALING_MODE_START, preview_dialing_mode_start },
    { &MSG_OUTBOUND_PREVIEW_DIALING_MODE_OVER, preview_dialing_mode_over },
    { &MSG_OUTBOUND_READY_TIME, ready_time },
    { &MSG_OUTBOUND_LOGOUT, agent_logout },
    { &MSG_OUTBOUND_NOTIFICATION_LIST, ledger_list },
    { &MSG_OUTBOUND_NOTIFICATION_GET, ledger_get },
    { &MSG_OUTBOUND_NOTIFICATION_REPLAY, ledger_replay },
    { &MSG_OUTBOUND_DESKTOP_SNAPSHOT, desktop_snapshot },
    { &MSG_OUTBOUND_CALLING_LIST_LIST, console_calling_lists },
    { &MSG_OUTBOUND_RECORD_LIST, console_records },
    { &MSG_OUTBOUND_CHAIN_GET, console_chain },
    { &MSG_OUTBOUND_IMPORT_LIST, import_list },
    { &MSG_OUTBOUND_IMPORT_REJECTS, import_rejects },
};

void (*desktop_find(const struct msg *msg))(struct request *request)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (requests[i].msg == msg) return requests[i].run;
    return NULL;
}

const struct msg *desktop_message(size_t index)
{
    return index < sizeof requests / sizeof requests[0] ? requests[index].msg : NULL;
}
