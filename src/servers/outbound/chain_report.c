/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/chain_report.h"

#include "gen/objects.h"
#include "servers/outbound/notification.h"
#include "servers/outbound/notifier.h"
#include "servers/outbound/session.h"

#include <inttypes.h>
#include <stdio.h>

/* What both kinds of message tell alike. */
struct facts {
    struct session_names names;
    struct notification_session session;
    struct record primary;
    struct notification notification;
};

static void gather(struct facts *facts, const struct live_chain *live,
                   const struct chain_outcome *outcome, const struct value *primary,
                   struct text disposition_code)
{
    const struct session *session = live->session;
    bool opens = outcome->round == ROUND_OPENS;
    *facts = (struct facts){ .primary = live->chain.records[live->chain.primary] };
    if (!session_names(session->server, session->dbid, &facts->names, NULL))
        facts->names = (struct session_names){ 0 };
    facts->primary.cells = (struct value *)primary; /* read only: taken as const */
    bool is_predictive = session->dialing.mode != DIAL_MODE_PREVIEW;
    facts->session = (struct notification_session){
        .campaign_name = facts->names.campaign,
        .campaign_group_name = facts->names.campaign_group,
        .group_name = facts->names.group,
        .calling_list = live->list_name,
        .template_name = facts->names.template_name,
        .media_type = facts->names.media_type,
        .queue_name = facts->names.queue,
        .session_guid = session->guid,
        .dial_mode = session->dialing.mode,
        .optimize_by = is_predictive ? session->dialing.optimize_by : 0,
        .optimize_goal = session->dialing.optimize_goal,
    };
    facts->notification = (struct notification){
        .attempt_guid = outcome->attempt_guid,
        .now_utc_ms = outcome->now_utc_ms,
        .session = &facts->session,
        .layout = live->chain.layout,
        .primary = &facts->primary,
        .is_modified = outcome->is_modified,
        .reason = outcome->reason,
        .disposition_code = disposition_code,
        .agent_id = opens ? outcome->agent_id : live->chain.agent_id,
        .stamps = { [STAMP_START_PROCESSING] = opens ? outcome->now_utc_ms
                                                     : outcome->started_utc_ms,
                    [STAMP_COMPLETE_PROCESSING] = opens ? 0 : outcome->now_utc_ms,
                    [STAMP_SCHEDULED_TIME] = (uint64_t)outcome->scheduled_s * 1000 },
    };
}

static void post(const struct live_chain *live, struct change *change, enum message_kind kind,
                 struct text url, const struct notification *notification)
{
    struct session *session = live->session;
    struct buf body = { 0 };
    char subject[64];
    int len = snprintf(subject, sizeof subject, "%u/%" PRId64, live->list_dbid,
                       record_i64(notification->primary, COLUMN_CHAIN_ID));
    notification_body(notification, &body);
    struct posting posting = {
        .kind = kind,
        .session = session,
        .message_guid = notification->message_guid,
        .url = url,
        .body = buf_text(&body),
        .subject = { subject, (size_t)len },
        .now_utc_ms = notification->now_utc_ms,
    };
    notifier_post(session->server->notifier, change, &posting);
    buf_free(&body);
}

static void add_call_report(struct chain_step *step, struct change *change, struct facts *facts)
{
    struct session *session = step->live->session;
    struct app *app = session->server->app;
    struct call_report report = {
        .sequence = step->outcome.round != ROUND_OPENS,
        .campaign_dbid = facts->names.campaign_dbid,
        .calling_list_dbid = step->live->list_dbid,
    };
    const struct app_object *group = facts->names.group_object;
    const struct app_object *tenant = group ? app_object(app, &OBJECT_TENANT, group->tenant) : NULL;
    if (group) report.tenant_name = group->tenant;
    if (tenant)
        report.tenant_ccid = ((const struct object_tenant *)tenant->fields)->chargeable_number;
    struct list_zone zone;
    uint32_t zone_dbid = (uint32_t)record_i64(&facts->primary, COLUMN_TZ_DBID);
    if (list_zone_by_dbid(app, zone_dbid, step->outcome.now_utc_ms, &zone)) {
        report.tz_name = zone.name;
        report.tz_offset_s = zone.offset_s;
    }
    step->has_report = true;
    step->report_guid = guid_new(loop_random(app->loop));
    facts->notification.message_guid = step->report_guid;
    facts->notification.report = &report;
    post(step->live, change, MESSAGE_HISTORY, session->options->history_uri, &facts->notification);
    facts->notification.report = NULL;
}

static bool wants_notification(const struct chain_step *step)
{
    const struct outbound_options *options = step->live->session->options;
    return step->outcome.notifies && options->contact_processed_notification &&
           options->contact_processed_notification_uri.len;
}

static bool wants_call_report(const struct chain_step *step)
{
    const struct outbound_options *options = step->live->session->options;
    bool is_attempt = step->outcome.round == ROUND_OPENS || step->outcome.round == ROUND_CLOSES ||
                      step->outcome.notifies;
    return is_attempt && options->send_history && options->history_uri.len;
}

void chain_report_add(struct chain_step *step, struct change *change, const struct value *primary,
                      struct text disposition_code)
{
    bool notifies = wants_notification(step), reports = wants_call_report(step);
    if (!notifies && !reports) return;
    const struct session *session = step->live->session;
    struct facts facts;
    gather(&facts, step->live, &step->outcome, primary, disposition_code);
    if (reports) add_call_report(step, change, &facts);
    if (!notifies) return;
    step->has_message = true;
    step->message_guid = guid_new(loop_random(session->server->app->loop));
    facts.notification.message_guid = step->message_guid;
    post(step->live, change, MESSAGE_CONTACT_PROCESSED,
         session->options->contact_processed_notification_uri, &facts.notification);
}

void chain_report_committed(const struct chain_step *step)
{
    struct session *session = step->live->session;
    struct notifier *notifier = session->server->notifier;
    if (step->has_message) notifier_committed(notifier, &step->message_guid);
    if (!step->has_report) return;
    notifier_count_report(session);
    notifier_committed(notifier, &step->report_guid);
}
