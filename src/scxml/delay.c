/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/document.h"

static bool is_digit(struct text text, size_t at)
{
    return at < text.len && text.at[at] >= '0' && text.at[at] <= '9';
}

enum err scxml_parse_delay(struct text text, uint64_t *ms)
{
    text = text_trim(text);
    uint64_t micros = 0;
    size_t at = 0, digits = 0;
    for (; is_digit(text, at); at++, digits++) {
        micros = micros * 10 + (uint64_t)(text.at[at] - '0') * 1000000;
        if (micros / 1000 > SCXML_DELAY_MAX_MS * 1000) return ERR_LIMIT;
    }
    if (at < text.len && text.at[at] == '.') {
        uint64_t place = 100000;
        for (at++; is_digit(text, at); at++, digits++, place /= 10)
            micros += (uint64_t)(text.at[at] - '0') * place;
        if (text.at[at - 1] == '.') return ERR_INVALID;
    }
    if (digits == 0) return ERR_INVALID;
    struct text unit = text_slice(text, at, text.len);
    if (text_eq(unit, TEXT("ms")))
        micros /= 1000;
    else if (!text_eq(unit, TEXT("s")) && !(unit.len == 0 && micros == 0))
        return ERR_INVALID;
    if (micros / 1000 > SCXML_DELAY_MAX_MS) return ERR_LIMIT;
    *ms = micros / 1000;
    return ERR_OK;
}
