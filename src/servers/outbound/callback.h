/* SPDX-License-Identifier: Apache-2.0 */
/* callback.h - what becomes of a call-back that is due (spec outbound 10, 2.4).
 * Rule     a personal one goes to its agent once she may be called; a campaign one is asked for by
 *          anybody of the group, and waits as long as somebody is there. Nobody there: after the
 *          call-back wait it fails, with result 47 (agent) or 48 (group); a day after it was due it
 *          is missed, whoever is there.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_CALLBACK_H
#define SERVERS_OUTBOUND_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

struct callback_facts {
    bool is_personal;
    bool is_there;         /* personal: she may be called now; campaign: somebody of the group */
    uint64_t due_utc_ms;   /* dial_sched_time */
    uint64_t since_utc_ms; /* not served before: the group was not started; campaign: somebody was
                              there until then */
    uint64_t patient_until_utc_ms; /* it does not fail before: desktops find their way back */
    uint64_t wait_ms;              /* option callback-wait */
    uint64_t now_utc_ms;
};

enum callback_verdict { CALLBACK_WAIT, CALLBACK_DELIVER, CALLBACK_EXPIRE, CALLBACK_MISS };

enum { CALLBACK_DAY_MS = 24 * 3600 * 1000 };

/* `again_utc_ms`: when to ask again, at the latest, where it waits. */
enum callback_verdict callback_decide(const struct callback_facts *facts, uint64_t *again_utc_ms);

#endif
