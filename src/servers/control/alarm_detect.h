/* SPDX-License-Identifier: Apache-2.0 */
/* alarm_detect.h - what raises an alarm: whose log event counts, and the detection scripts, which
 * judge samples of hosts and applications (framework 9).
 * Script   options of schema/options/alarm_detection.toml. Its expression is a number; 0 is "no".
 *            expression := and { "or" and }         and  := not { "and" not }
 *            not        := [ "not" ] compared       compared := sum [ < <= > >= = <> sum ]
 *            sum        := product { +|- product }  product  := atom { *|/ atom }
 *            atom       := NUMBER [ UNIT ] | NAME | "-" atom | "(" expression ")"
 *          Units: % KB MB GB TB (of 1024), ms, s, min; clock offsets are in ms. Without case.
 * Bounds   EXPRESSION_STEPS_MAX steps, EXPRESSION_DEPTH_MAX parentheses. A division by zero, and
 *          a figure that the sample does not have, hold for nothing: the answer is unknown.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONTROL_ALARM_DETECT_H
#define SERVERS_CONTROL_ALARM_DETECT_H

#include "base/scope.h"
#include "gen/objects.h"

/* Whether the event of this application counts for the condition. `type`: application type. */
bool alarm_selects(const struct object_alarm_condition *condition, struct text application,
                   struct text type);

enum figure {
    FIGURE_CPU, /* share: of all processors of a host, of one by an application */
    FIGURE_LOAD,
    FIGURE_PROCESSORS,
    FIGURE_MEMORY,       /* bytes: of a host all, of an application resident */
    FIGURE_MEMORY_FREE,  /* bytes */
    FIGURE_DISK,         /* bytes */
    FIGURE_DISK_FREE,    /* bytes */
    FIGURE_CLOCK_OFFSET, /* ms */
    FIGURE_THREADS,
    FIGURES
};

struct sample {
    double figures[FIGURES];
    unsigned has; /* bit i: figure i is there */
};
void sample_set(struct sample *sample, enum figure figure, double value);

enum { EXPRESSION_STEPS_MAX = 128, EXPRESSION_DEPTH_MAX = 16, EXPRESSION_BYTES_MAX = 4096 };

enum detection_of { DETECTION_OF_HOST, DETECTION_OF_APPLICATION };

struct expression;
/* In `scope`. ERR_INVALID with the column; a name that things of this kind do not have is one. */
enum err expression_parse(struct text in, enum detection_of of, struct scope *scope,
                          const struct expression **out, struct fault *fault);

enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };
enum answer expression_answer(const struct expression *expression, const struct sample *sample);

/* So many in a row have to agree before the alarm goes on or off. */
struct detection_streak {
    enum answer last;
    uint32_t count;
};
/* The answer that stands when this one was added; unknown: none yet. */
enum answer detection_judge(struct detection_streak *streak, enum answer answer, uint32_t times);

#endif
