/* SPDX-License-Identifier: Apache-2.0 */
/* campaign.h - the session of a campaign group (spec outbound 5.1) and the orders it takes (14.3,
 * 16).
 *
 *   null --load--> loaded --start--> started --stop--> loaded
 *                     loaded, started --unload--> unloading --last chain done--> null
 *
 * Promise  session_decide() changes nothing: the shell stores the outcome, then applies it. An
 * order that is already fulfilled is acknowledged without change (16, sequencing). Pure     no
 * clock, no I/O. */
#ifndef SERVERS_OUTBOUND_CAMPAIGN_H
#define SERVERS_OUTBOUND_CAMPAIGN_H

#include "base/fsm.h"
#include "servers/outbound/error.h"

enum session_state {
    SESSION_NULL,
    SESSION_LOADED,
    SESSION_STARTED,
    SESSION_UNLOADING,
    SESSION_STATES
};

enum session_event {
    SESSION_LOAD,
    SESSION_START,
    SESSION_STOP,
    SESSION_UNLOAD,
    SESSION_FORCE_UNLOAD,
    SESSION_SET_MODE,
    SESSION_SET_PRIORITIES,
    SESSION_DRAINED, /* no chain is left in memory */
    SESSION_EVENTS
};

enum { DIAL_MODE_NONE = 0, DIAL_MODE_PREVIEW = 3 };

struct dialing { /* spec outbound 2.5 */
    uint32_t mode, optimize_by, optimize_goal;
};

struct session_outcome {
    struct refusal refusal;
    struct fsm fsm;
    struct dialing dialing;
    bool is_changed;     /* something has to be stored */
    bool opens;          /* new session GUID, lists opened */
    bool returns_buffer; /* chains not worked on go back */
    bool forces;         /* chains in progress become Stale */
    const char *report;  /* GSW_CAMPAIGN_GROUP_STATE for the answer */
};

/* `present` is the session's dialing, `wanted` that of a Start or SetDialMode. */
enum outbound_error session_decide(const struct fsm *session, const struct dialing *present,
                                   enum session_event event, const struct dialing *wanted,
                                   uint64_t now_utc_ms, struct session_outcome *out);
extern const struct fsm_machine session_machine;

#endif
