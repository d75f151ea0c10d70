/* SPDX-License-Identifier: Apache-2.0 */
/* skill.h - the grammar of skill expressions (spec interaction, 10.1): English>=5 & Loans>=2. Pure.
 */
#ifndef STRATEGY_SKILL_H
#define STRATEGY_SKILL_H

#include "base/text.h"

/* ERR_INVALID: `*offset` is the byte that the fault speaks of. */
enum err skill_check(struct text in, size_t *offset, struct fault *fault);

#endif
