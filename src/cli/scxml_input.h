/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_input.h - standard input, line by line: waited for, or brought to a loop by a thread of its
 * own (it may be a file, a pipe or a terminal, and no loop can watch all three). */
#ifndef CLI_SCXML_INPUT_H
#define CLI_SCXML_INPUT_H

#include "io/loop/loop.h"

struct scxml_input;

/* There is one for the process. */
struct scxml_input *scxml_input_open(struct scope *owner);

enum scxml_input_state { SCXML_INPUT_LINE, SCXML_INPUT_EMPTY, SCXML_INPUT_ENDED };

/* The next line that is here already, without its end; good until the next call. A last line
 * without an end counts. Of one longer than `bytes_max` the beginning, which is over that. */
enum scxml_input_state scxml_input_take(struct scxml_input *input, size_t bytes_max,
                                        struct text *line);
uint64_t scxml_input_line_number(const struct scxml_input *input); /* of the line taken, from 1 */

/* Waits for more. */
void scxml_input_wait(struct scxml_input *input);
/* Or: `on_more` comes on the loop when there is more. The thread is left behind when the process
 * ends. */
void scxml_input_watch(struct scxml_input *input, struct scope *owner, struct loop *loop,
                       void (*on_more)(void *self), void *self);
/* All that is here has been taken: the thread may read on. */
void scxml_input_go_on(struct scxml_input *input);

#endif
