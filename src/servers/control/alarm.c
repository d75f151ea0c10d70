/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/control/alarm.h"

static void detect(struct alarm_life *alarm, uint64_t now_utc_ms, uint32_t cancel_timeout_s)
{
    alarm->detections++;
    /* Spools bring records late and out of order: the last time is the latest, not the newest. */
    if (now_utc_ms > alarm->last_utc_ms) alarm->last_utc_ms = now_utc_ms;
    alarm->due_utc_ms = cancel_timeout_s ? alarm->last_utc_ms + (uint64_t)cancel_timeout_s * 1000
                                         : 0;
}

static enum alarm_move clear(struct alarm_life *alarm, uint64_t now_utc_ms)
{
    alarm->state = ALARM_CLEARED;
    alarm->cleared_utc_ms = now_utc_ms;
    alarm->due_utc_ms = 0;
    return ALARM_DELETED;
}

enum alarm_move alarm_step(struct alarm_life *alarm, enum alarm_event event, uint64_t now_utc_ms,
                           uint32_t cancel_timeout_s)
{
    if (event == ALARM_DETECTED) {
        enum alarm_move move = alarm->state == ALARM_ACTIVE ? ALARM_COUNTED : ALARM_CREATED;
        if (move == ALARM_CREATED)
            *alarm = (struct alarm_life){ .state = ALARM_ACTIVE, .raised_utc_ms = now_utc_ms };
        detect(alarm, now_utc_ms, cancel_timeout_s);
        return move;
    }
    if (alarm->state != ALARM_ACTIVE) return ALARM_UNMOVED;
    if (event == ALARM_TIME_UP && (alarm->due_utc_ms == 0 || now_utc_ms < alarm->due_utc_ms))
        return ALARM_UNMOVED;
    return clear(alarm, now_utc_ms);
}
