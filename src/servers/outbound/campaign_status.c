/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/campaign_status.h"

#include "gen/objects.h"
#include "servers/outbound/desktop.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/session.h"

enum { STATUSES_MAX = 500 };

/* Started, and nobody is there to take a record. */
static bool waits_for_agents(const struct outbound *server, const struct session_names *names)
{
    const struct app_object *object =
        app_object_by_dbid(server->app, &OBJECT_AGENT_GROUP, names->group_dbid);
    if (object == NULL) return true;
    const struct object_agent_group *group = (const struct object_agent_group *)object->fields;
    for (uint32_t i = 0; i < group->agents.count; i++)
        if (desktop_is_present(server, group->agents.at[i])) return false;
    return true;
}

static bool has_list_away(const struct session *session)
{
    for (uint32_t i = 0; i < session->list_count; i++) {
        const struct calling_list *list =
            lists_find_by_dbid(session->server->lists, session->lists[i].dbid, NULL);
        if (list && list_is_away(list->table)) return true;
    }
    return false;
}

static void fill_session(const struct outbound *server, const struct session *session,
                         const struct session_names *names, struct outbound_campaign_status *out)
{
    bool is_started = session->fsm.state == SESSION_STARTED;
    out->head.has |= OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_CAMPAIGN_GROUP_GUID |
                     OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_DIAL_MODE |
                     (session->dialing.optimize_by
                          ? OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_OPTIMIZE_BY |
                                OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_OPTIMIZE_GOAL
                          : 0);
    out->gsw_state = text_of(fsm_state_name(&session->fsm));
    out->gsw_campaign_group_guid = guid_text(&session->guid);
    out->gsw_dial_mode = session->dialing.mode;
    out->gsw_optimize_by = session->dialing.optimize_by;
    out->gsw_optimize_goal = session->dialing.optimize_goal;
    out->gsw_waiting_records = is_started && session->buffered_count == 0;
    out->gsw_waiting_agents = is_started && waits_for_agents(server, names);
    out->gsw_records_buffered = session->buffered_count;
    out->gsw_records_scheduled = session->put_off.count;
    out->gsw_records_in_progress = session->in_progress_count;
    out->gsw_records_processed = session->processed_count;
    out->gsw_system_error = session->is_store_failing || has_list_away(session);
}

/* False: no such group, or it is broken; `fault` says why. A group that is not loaded has state
 * null. Views are the configuration's and the session's. */
static bool fill(struct outbound *server, uint32_t group_dbid, struct outbound_campaign_status *out,
                 struct fault *fault)
{
    struct session_names names;
    if (!session_names(server, group_dbid, &names, fault)) return false;
    const struct object_campaign *campaign =
        (const struct object_campaign *)names.campaign_object->fields;
    *out = (struct outbound_campaign_status){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_CAMPAIGN_STATUS) &
                    ~(OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_CAMPAIGN_GROUP_GUID |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_DIAL_MODE |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_OPTIMIZE_BY |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_OPTIMIZE_GOAL |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_AGENT_ID |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_REFERENCE_ID |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_STAT_BUSY_FACTOR |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_STAT_HIT_RATIO |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_STAT_OVERDIAL_RATE |
                      OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_STAT_TIME_TO_COMPLETE),
        .gsw_campaign_group_dbid = group_dbid,
        .gsw_campaign_group_name = names.campaign_group,
        .gsw_campaign_name = names.campaign,
        .gsw_campaign_description = campaign->description,
        .gsw_group_name = names.group,
        .gsw_group_dbid = names.group_dbid,
        .gsw_state = TEXT("null"),
    };
    const struct session *session = table_get(server->sessions, TEXT_OF(&group_dbid));
    if (session && session->fsm.state != SESSION_NULL) fill_session(server, session, &names, out);
    return true;
}

static bool matches(struct outbound *server, uint32_t group_dbid,
                    const struct campaign_filter *filter)
{
    struct session_names names;
    return group_dbid > filter->after &&
           (filter->group_dbid == 0 || filter->group_dbid == group_dbid) &&
           session_names(server, group_dbid, &names, NULL) &&
           (filter->campaign.len == 0 || text_eq(filter->campaign, names.campaign)) &&
           (filter->agent_id.len == 0 || agent_is_of_group(server, &names, filter->agent_id));
}

struct outbound_campaign_status *campaign_statuses(struct outbound *server, struct scope *scope,
                                                   const struct campaign_filter *filter,
                                                   uint32_t *count)
{
    struct outbound_campaign_status *out = NULL;
    const struct app_object *object;
    uint32_t found = 0;
    for (size_t at = 0; (object = app_object_next(server->app, &OBJECT_CAMPAIGN_GROUP, &at));)
        found += matches(server, object->dbid, filter);
    if (found > STATUSES_MAX) found = STATUSES_MAX;
    out = scope_alloc_array(scope, found + 1, sizeof *out);
    *count = 0;
    for (size_t at = 0;
         *count < found && (object = app_object_next(server->app, &OBJECT_CAMPAIGN_GROUP, &at));)
        if (matches(server, object->dbid, filter) && fill(server, object->dbid, &out[*count], NULL))
            (*count)++;
    return out;
}

void campaign_get_status(struct request *request)
{
    struct outbound_campaign_status reply;
    struct fault fault = { 0 };
    uint32_t group_dbid;
    const struct outbound_campaign_get_status *asked = request->fields;
    if (!campaign_group_named(request, asked->gsw_campaign_group_dbid, asked->gsw_campaign_name,
                              asked->gsw_group_name, &group_dbid))
        return;
    if (!fill(request->server, group_dbid, &reply, &fault)) {
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
        return;
    }
    reply_echo_reference(request, &MSG_OUTBOUND_CAMPAIGN_STATUS, &reply);
    request_reply(request, &MSG_OUTBOUND_CAMPAIGN_STATUS, &reply, (struct text){ 0 });
}

static void reply_list(struct request *request, const struct campaign_filter *filter)
{
    struct outbound_campaign_statuses reply = { .head.has =
                                                    OUTBOUND_CAMPAIGN_STATUSES_HAS_CAMPAIGNS };
    reply.campaigns.at =
        campaign_statuses(request->server, request->life, filter, &reply.campaigns.count);
    reply_echo_reference(request, &MSG_OUTBOUND_CAMPAIGN_STATUSES, &reply);
    request_reply(request, &MSG_OUTBOUND_CAMPAIGN_STATUSES, &reply, (struct text){ 0 });
}

void campaign_status(struct request *request)
{
    const struct outbound_campaign_status *asked = request->fields;
    struct campaign_filter filter = { asked->gsw_agent_id, asked->gsw_campaign_name,
                                      asked->gsw_campaign_group_dbid, 0 };
    reply_list(request, &filter);
}

void campaign_group_list(struct request *request)
{
    const struct outbound_campaign_group_list *asked = request->fields;
    struct campaign_filter filter = { .after = asked->after };
    reply_list(request, &filter);
}
