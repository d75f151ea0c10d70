/* SPDX-License-Identifier: Apache-2.0 */
/* detection.h - what a script of type AlarmDetection says of samples of hosts and applications
 * (framework 9). config reads it when it is written, control judges by it.
 * Script   options of schema/options/alarm_detection.toml. Its expression is a number; 0 is "no".
 *            expression := and { "or" and }         and  := not { "and" not }
 *            not        := [ "not" ] compared       compared := sum [ < <= > >= = <> sum ]
 *            sum        := product { +|- product }  product  := atom { *|/ atom }
 *            atom       := NUMBER [ UNIT ] | NAME | "-" atom | "(" expression ")"
 *          Units: % KB MB GB TB (of 1024), ms, s, min; clock offsets are in ms. Without case.
 * Bounds   EXPRESSION_STEPS_MAX steps, EXPRESSION_DEPTH_MAX parentheses. A division by zero, and
 *          a figure that the sample does not have, hold for nothing: the answer is unknown.
 * Pure     no clock, no I/O. */
#ifndef MODEL_DETECTION_H
#define MODEL_DETECTION_H

#include "base/scope.h"

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

#endif
