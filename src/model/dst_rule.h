/* SPDX-License-Identifier: Apache-2.0 */
/* dst_rule.h - when clocks of a time zone without an IANA name are put forward and back, as its
 * object says (framework 2.2). A rule is one of
 *
 *     2026-03-29 02:00              fixed date: in that year alone
 *     March 29 02:00                current year: on that day of every year
 *     last Sunday of March 02:00    relative: first, second, third, fourth or last; every year
 *
 * Words    months and weekdays whole or by three letters, without regard to case. Without a time
 *          02:00 is meant. February 29 is in leap years alone.
 * Time     as the clocks show it just before they are moved: of the begin standard time, of the end
 *          daylight saving time, which is one hour more.
 * Pair     both are fixed dates, the end behind the begin, or neither is: what begins every year
 *          ends every year. South of the equator the year's end comes first.
 * Pure     no clock, no I/O. */
#ifndef MODEL_DST_RULE_H
#define MODEL_DST_RULE_H

#include "base/err.h"
#include "base/text.h"

enum { DST_SAVING_S = 3600 };

enum dst_form { DST_FIXED, DST_YEARLY, DST_RELATIVE };

struct dst_rule {
    enum dst_form form;
    int32_t year;           /* fixed */
    uint32_t month, day;    /* from 1; the day not of a relative one */
    uint32_t week, weekday; /* relative: 1 to 4, 5: the last; 0: Sunday */
    uint32_t time_s;        /* after midnight */
};
struct dst_rules {
    struct dst_rule start, stop;
};

/* ERR_INVALID: the field "dstStart" or "dstStop", and what is meant. */
enum err dst_rules_parse(struct text start, struct text stop, struct dst_rules *out,
                         struct fault *fault);

/* Of a zone so many seconds east of UTC in standard time: whether it is daylight saving time. */
bool dst_is_on(const struct dst_rules *rules, int64_t offset_s, int64_t utc_s);
/* The next time clocks are moved after `utc_s`; INT64_MAX: they are moved no more. */
int64_t dst_next_change(const struct dst_rules *rules, int64_t offset_s, int64_t utc_s);

#endif
