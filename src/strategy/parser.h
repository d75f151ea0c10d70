/* SPDX-License-Identifier: Apache-2.0 */
/* parser.h - strategy files to a program (spec interaction, 11.1).
 * Promise  one mistake does not hide the next: after each the parser goes on with the next
 *          statement, clause or block. What it made of a file with errors is for findings only. */
#ifndef STRATEGY_PARSER_H
#define STRATEGY_PARSER_H

#include "strategy/program.h"

/* All files together are one program: they may name each other's queues and strategies. The texts
 * of the sources must outlive it. */
struct program *strategy_parse(const struct strategy_source *sources, uint32_t count,
                               struct scope *scope, struct strategy_findings *findings);

#endif
