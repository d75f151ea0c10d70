/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/session.h"

#include "gen/objects.h"
#include "servers/outbound/notification.h"
#include "servers/outbound/notifier.h"

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

void notifier_add(struct notifier *notifier, struct change *change, const struct live_chain *live,
                  const struct chain_outcome *outcome, const struct value *primary,
                  struct text disposition_code, const struct guid *message_guid)
{
    (void)notifier;
    struct facts facts;
    gather(&facts, live, outcome, primary, disposition_code);
    facts.notification.message_guid = *message_guid;
    post(live, change, MESSAGE_CONTACT_PROCESSED,
         live->session->options->contact_processed_notification_uri, &facts.notification);
}
