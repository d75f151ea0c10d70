/* SPDX-License-Identifier: Apache-2.0 */
/* notification.h - the bodies of what is posted: contact-processed notifications (spec outbound
 * 12.4), call report records (13.2), campaign group states (13.1). Pure. Optional fields without a
 * value are left out, never null or empty; only statistics that nobody knows are null. */
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

/* What a call report record tells beyond the notification's fields. Countries, regions and area
 * codes are told where the list has a field that is sent under their key. */
struct call_report {
    uint32_t sequence; /* 0: the attempt begins; 1: it has ended, with its call result */
    struct text tenant_name, tenant_ccid;
    uint32_t campaign_dbid, calling_list_dbid;
    struct text tz_name; /* empty: not known */
    int64_t tz_offset_s;
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
    const struct call_report *report; /* NULL: it is a contact-processed notification */
};

void notification_body(const struct notification *notification, struct buf *out);

struct group_state {
    struct guid message_guid, session_guid;
    uint64_t now_utc_ms;
    struct text state; /* CampaignLoaded, ... */
    struct text tenant_name, tenant_ccid, campaign_group_name, group_name, campaign_name;
    struct text template_name; /* empty: the group has none */
    uint32_t dial_mode, optimize_by, optimize_goal;
};

void group_state_body(const struct group_state *state, struct buf *out);

#endif
