/* SPDX-License-Identifier: Apache-2.0 */
/* alarm_detect.h - what raises an alarm: whose log event counts, and how long what a detection
 * script says of samples (model/detection.h) has to hold (framework 9).
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONTROL_ALARM_DETECT_H
#define SERVERS_CONTROL_ALARM_DETECT_H

#include "gen/objects.h"
#include "model/detection.h"

/* Whether the event of this application counts for the condition. `type`: application type. */
bool alarm_selects(const struct object_alarm_condition *condition, struct text application,
                   struct text type);

/* So many in a row have to agree before the alarm goes on or off. */
struct detection_streak {
    enum answer last;
    uint32_t count;
};
/* The answer that stands when this one was added; unknown: none yet. */
enum answer detection_judge(struct detection_streak *streak, enum answer answer, uint32_t times);

#endif
