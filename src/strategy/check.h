/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - the rules of a strategy file that show before it runs (spec interaction, 11.2): every
 * path ends, every name is known, loops and calls are bounded, values fit where they stand. */
#ifndef STRATEGY_CHECK_H
#define STRATEGY_CHECK_H

#include "strategy/program.h"

void strategy_check(const struct program *program, struct scope *scope,
                    struct strategy_findings *findings);

#endif
