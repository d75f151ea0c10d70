/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle.h - whether outbound's HTTP Proxy runs (spec outbound 14.1, the state table).
 *
 *   off --wanted--> starting --listening--> up
 *                      |  exited, or silent for 10 s    | exited
 *                      +--------------> wait <----------+
 *                                        | T elapsed: starting again, with the port as it is now
 *   starting, up, wait --unwanted--> off: the channel closes, the child leaves within 2 s or is
 *   killed
 *
 * A child that is leaving still holds its port: the next one starts when it is gone.
 * Pure     no clock, no I/O: `struct actions` tells the shell (proxy.c) what to do after a step. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_LIFECYCLE_H
#define SERVERS_OUTBOUND_HTTP_PROXY_LIFECYCLE_H

#include "base/fsm.h"

enum lifecycle_state { PROXY_OFF, PROXY_STARTING, PROXY_UP, PROXY_WAIT, PROXY_STATES };

enum lifecycle_event {
    PROXY_WANTED,    /* primary, and an http port is there */
    PROXY_UNWANTED,  /* the port was removed, or outbound stops or becomes backup */
    PROXY_LISTENING, /* the child has its port */
    PROXY_EXITED,    /* the child ended, or could not be made */
    PROXY_CHANGED,   /* encoding, custom headers, logging: not the port */
    PROXY_TIME_UP,
    PROXY_EVENTS
};

struct actions {
    bool starts;   /* make a child and send it its config */
    bool closes;   /* send stop and close the channel; kill it after 2 s */
    bool kills;    /* now */
    bool updates;  /* send an update frame */
    bool forgets;  /* requests under way: their answers go nowhere */
    bool tells_up; /* log */
    bool tells_exit, tells_stopped;
};

struct lifecycle {
    struct fsm fsm;
    bool is_wanted;        /* set by the machine */
    bool has_child;        /* set by the shell: a process of ours is not reaped yet */
    uint64_t reconnect_ms; /* T; set by the shell, read at the next wait */
};

enum { PROXY_START_MS = 10000, PROXY_LEAVE_MS = 2000 };

extern const struct fsm_machine lifecycle_machine;

void lifecycle_start(struct lifecycle *lifecycle, uint64_t now_mono_ms);
void lifecycle_feed(struct lifecycle *lifecycle, enum lifecycle_event event, uint64_t now_mono_ms,
                    struct actions *out);
uint64_t lifecycle_due_ms(const struct lifecycle *lifecycle); /* UINT64_MAX: never */

#endif
