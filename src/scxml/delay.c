/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/document.h"

#include <string.h>

static const uint64_t YEARS_100_MS = UINT64_C(100) * 366 * 24 * 3600 * 1000;

static uint64_t unit_ms(struct text unit) /* 0: none */
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text_eq(unit, text_of(units[i].name))) return units[i].ms;
    return 0;
}

static size_t digits_len(struct text in, size_t from)
{
    size_t at = from;
    while (at < in.len && in.at[at] >= '0' && in.at[at] <= '9') at++;
    return at - from;
}

bool scxml_parse_delay(struct text in, uint64_t *ms)
{
    in = text_trim(in);
    size_t whole = digits_len(in, 0), fraction = 0, at = whole;
    if (at < in.len && in.at[at] == '.') {
        fraction = digits_len(in, at + 1);
        if (fraction == 0) return false;
        at += 1 + fraction;
    }
    uint64_t unit = unit_ms(text_slice(in, at, in.len)), count = 0;
    if (unit == 0 || whole + fraction == 0) return false;
    if (whole && text_to_u64(text_slice(in, 0, whole), 0, YEARS_100_MS / unit, &count))
        return false;
    /* What is finer than a millisecond is cut off: nine digits tell all. */
    uint64_t part = 0, parts = 1;
    for (size_t i = 0; i < fraction && i < 9; i++, parts *= 10)
        part = part * 10 + (uint64_t)(in.at[whole + 1 + i] - '0');
    *ms = count * unit + part * unit / parts;
    return true;
}
