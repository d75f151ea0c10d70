/* SPDX-License-Identifier: Apache-2.0 */
/* helpers.h - functions in ECMAScript that compiled documents carry in their <script>: the meaning
 * of the notation's operators, and the bookkeeping of a run. A document carries those it uses. */
#ifndef STRATEGY_HELPERS_H
#define STRATEGY_HELPERS_H

#include "base/buf.h"

enum helper {
    HELPER_AT,
    HELPER_GET,
    HELPER_TEXT,
    HELPER_NUMBER,
    HELPER_AMOUNT,
    HELPER_TRUTH,
    HELPER_SAME,
    HELPER_ORDER,
    HELPER_PLUS,
    HELPER_DIVIDE,
    HELPER_REST,
    HELPER_MATCHES,
    HELPER_NOW,
    HELPER_LOCAL,
    HELPER_HOUR,
    HELPER_WEEKDAY,
    HELPER_MOMENT,
    HELPER_LATER,
    HELPER_SET,
    HELPER_REMOVE,
    HELPER_WRITTEN,
    HELPER_RANK,
    HELPER_RAISE,
    HELPER_MINE,
    HELPER_OURS,
    HELPER_FAULT,
    HELPER_REASON,
    HELPER_ENDING,
    HELPER_FAILING,
    HELPER_GIVEN_BACK,
    HELPER_SCREENED,
    HELPER_CLASSIFIED,
    HELPER_BELOW,
    HELPER_ABOVE,
    HELPERS
};

/* Those of the set (bit i is helper i) and what they need, each in its lines, with `indent` blanks
 * in front. */
void helpers_print(struct buf *out, uint64_t used, uint32_t indent);

#endif
