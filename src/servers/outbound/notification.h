/* SPDX-License-Identifier: Apache-2.0 */
/* notification.h - the contact-processed notification's body (spec outbound 12.3, 12.4). Pure.
 * Optional fields without a value are left out, never null or empty. */
#ifndef SERVERS_OUTBOUND_NOTIFICATION_H
#define SERVERS_OUTBOUND_NOTIFICATION_H

#include "base/buf.h"
#include "base/random.h"
#include "servers/outbound/chain.h"

/* What a notification tells of the session its chain belongs to. */
struct notification_session {
    struct text campaign_name, campaign_group_name, group_name, calling_list;
    struct text template_name; /* empty: the group has none */
    struct text media_type;    /* voice, sms, email */
    struct text queue_name;    /* empty is sent as an empty string */
    struct guid session_guid;
    uint32_t dial_mode, optimize_by, optimize_goal;
};

/* Stamps of the call, UTC ms; 0: did not happen. In the order of the call's life. */
enum notification_stamp {
    STAMP_START_PROCESSING,
    STAMP_CALL_TIME,
    STAMP_DIALING,
    STAMP_RINGING,
    STAMP_ANSWERED,
    STAMP_CPD_COMPLETED,
    STAMP_QUEUED,
    STAMP_AGENT_RINGING,
    STAMP_AGENT_ANSWERED,
    STAMP_DIVERTED,
    STAMP_ABANDONED,
    STAMP_RELEASED,
    STAMP_AGENT_RELEASED,
    STAMP_ACW_COMPLETED,
    STAMP_COMPLETE_PROCESSING,
    STAMP_SCHEDULED_TIME,
    STAMPS
};

struct notification {
    struct guid message_guid, attempt_guid;
    uint64_t now_utc_ms;
    const struct notification_session *session;
    const struct list_layout *layout;
    const struct record *primary; /* after the outcome */
    const bool *is_modified;      /* per column */
    enum chain_reason reason;
    struct text disposition_code; /* empty: none */
    struct text agent_id;         /* empty: none */
    struct text chain_lifo_guid;  /* empty: no LIFO group */
    uint64_t stamps[STAMPS];
};

void notification_body(const struct notification *notification, struct buf *out);

#endif
