/* SPDX-License-Identifier: Apache-2.0 */
/* The run on a clock that the input moves. */
#include "cli/scxml_run.h"

#include "cli/scxml_line.h"

#include <inttypes.h>

struct clock {
    struct scxml_run run;
    uint64_t now_ms;
    bool never_rests;
};

static void come_to_rest(struct clock *clock)
{
    uint32_t slices = 0;
    while (scxml_run_slice(&clock->run, clock->now_ms) && !clock->never_rests)
        clock->never_rests = ++slices > SCXML_RUN_STEPS_MAX / SCXML_RUN_SLICE_STEPS;
}

/* Delayed sends come at their times on the way. */
static void move_to(struct clock *clock, uint64_t until_ms)
{
    uint64_t due;
    while (!clock->never_rests && (due = scxml_host_next_due(clock->run.host)) <= until_ms) {
        if (due > clock->now_ms) clock->now_ms = due;
        come_to_rest(clock);
    }
    if (until_ms > clock->now_ms) clock->now_ms = until_ms;
}

static bool goes_on(const struct clock *clock)
{
    return !clock->run.has_ended && !clock->never_rests;
}

static void read_input(struct clock *clock)
{
    struct text line;
    enum scxml_input_state state = SCXML_INPUT_EMPTY;
    while (goes_on(clock) && state != SCXML_INPUT_ENDED) {
        state = scxml_input_take(clock->run.input, SCXML_LINE_BYTES_MAX, &line);
        if (state == SCXML_INPUT_LINE) {
            uint64_t after_ms = scxml_run_line(&clock->run, clock->now_ms, line);
            come_to_rest(clock);
            if (after_ms) move_to(clock, clock->now_ms + after_ms);
        } else if (state == SCXML_INPUT_EMPTY) {
            (void)fflush(stdout);
            scxml_input_wait(clock->run.input);
        }
    }
}

/* Nothing moves the clock but the delayed sends themselves. */
static void let_time_pass(struct clock *clock)
{
    uint32_t instants = 0;
    while (goes_on(clock) && scxml_host_next_due(clock->run.host) != SCXML_NEVER) {
        if (instants++ == SCXML_RUN_STEPS_MAX) {
            fprintf(stderr, "carillon scxml: delayed sends go on for ever; stopped after %d\n",
                    SCXML_RUN_STEPS_MAX);
            return;
        }
        move_to(clock, scxml_host_next_due(clock->run.host));
    }
}

int scxml_run_virtual(const struct scxml_run_options *options)
{
    struct scope *life = scope_new(NULL, "scxml run", SCOPE_NO_LIMIT);
    struct clock clock = { .now_ms = SCXML_RUN_VIRTUAL_START_MS };
    clock.run.input = scxml_input_open(life);
    int status = scxml_run_open(&clock.run, options, life, TEXT(""), TEXT(""), NULL);
    if (clock.run.saved_ms) clock.now_ms = clock.run.saved_ms;
    if (status == 0) {
        come_to_rest(&clock);
        read_input(&clock);
        if (scxml_run_waits(&clock.run)) let_time_pass(&clock);
        if (clock.never_rests)
            fprintf(stderr, "carillon scxml: no rest after %d macrosteps at one instant\n",
                    SCXML_RUN_STEPS_MAX);
        status = scxml_run_close(&clock.run, clock.now_ms);
        if (clock.never_rests) status = 1;
    }
    scope_close(life);
    return status;
}
