/* SPDX-License-Identifier: Apache-2.0 */
/* alarm.h - the life of one alarm: NONE -> ACTIVE -> CLEARED (framework 9).
 * Promise  a second detection while it is active counts, moves its last time and starts the cancel
 *          time-out again, and asks for no second reaction. What clears it clears it once.
 * Key      (condition, application, what the event is about): the caller finds the alarm by it, so
 *          a cancel event of another application never comes here.
 * Pure     no clock, no I/O, no allocation.
 * Source   framework 9, scenario F19 */
#ifndef SERVERS_CONTROL_ALARM_H
#define SERVERS_CONTROL_ALARM_H

#include <stdint.h>

enum alarm_state { ALARM_NONE = 0, ALARM_ACTIVE = 1, ALARM_CLEARED = 2 }; /* as in the table */

enum alarm_event {
    ALARM_DETECTED,  /* the detect event, or the detection script */
    ALARM_CANCELLED, /* the cancel event of the same application */
    ALARM_TIME_UP,   /* somebody looked at the clock */
    ALARM_CLEARED_BY_HAND,
};

/* What the step asks of the caller. */
enum alarm_move {
    ALARM_UNMOVED,
    ALARM_CREATED, /* tell watchers, carry out reactions */
    ALARM_COUNTED, /* tell watchers */
    ALARM_DELETED, /* tell watchers, carry out clearance scripts */
};

struct alarm_life {
    enum alarm_state state;
    uint64_t detections;
    uint64_t raised_utc_ms, last_utc_ms, cleared_utc_ms;
    uint64_t due_utc_ms; /* when the cancel time-out ends; 0: never */
};

/* `cancel_timeout_s` of the condition as it is now; 0: never. `now_utc_ms` is when the event was
 * generated, of TIME_UP the clock's. */
enum alarm_move alarm_step(struct alarm_life *alarm, enum alarm_event event, uint64_t now_utc_ms,
                           uint32_t cancel_timeout_s);

#endif
