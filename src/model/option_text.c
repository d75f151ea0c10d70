/* SPDX-License-Identifier: Apache-2.0 */
#include "model/option_text.h"

#include "format/json.h"
#include "format/regex.h"

#include <inttypes.h>
#include <stdio.h>

static enum err say(char words[OPTION_WORDS_MAX], const char *text)
{
    (void)snprintf(words, OPTION_WORDS_MAX, "%s", text);
    return ERR_INVALID;
}

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {
    { "ms", 1 },
    { "s", 1000 },
    { "min", 60 * 1000 },
    { "h", 3600 * 1000 },
    { "d", 24 * 3600 * 1000 },
};

/* 0: it is none. */
static int64_t unit_ms(struct text name)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text_eq_fold(name, text_of(units[i].name))) return units[i].ms;
    return 0;
}

enum err option_duration(const struct option *option, struct text value, int64_t *out_ms,
                         char words[OPTION_WORDS_MAX])
{
    static const int64_t most_ms = INT64_C(1) << 53;
    int64_t own_ms = option->unit ? unit_ms(text_of(option->unit)) : 1000, number;
    bool has_range = option->min != 0 || option->max != 0;
    struct text digits = text_trim(value);
    size_t len = 0;
    while (len < digits.len && digits.at[len] >= '0' && digits.at[len] <= '9') len++;
    struct text unit = text_trim(text_slice(digits, len, digits.len));
    int64_t factor = unit.len ? unit_ms(unit) : own_ms;
    if (factor == 0 || text_to_i64(text_slice(digits, 0, len), 0, most_ms / factor, &number))
        return say(words, "must be a time: a number with ms, s, min, h or d behind it");
    *out_ms = number * factor;
    if (!has_range || (*out_ms >= option->min * own_ms && *out_ms <= option->max * own_ms))
        return ERR_OK;
    (void)snprintf(words, OPTION_WORDS_MAX, "must be a time from %" PRId64 " to %" PRId64 " %s",
                   option->min, option->max, option->unit ? option->unit : "s");
    return ERR_INVALID;
}

static bool is_port_item(struct text item)
{
    struct text first = item, last = item;
    uint32_t low, high;
    (void)text_cut(item, '-', &first, &last);
    return text_to_u32(text_trim(first), 1, 65535, &low) == ERR_OK &&
           text_to_u32(text_trim(last), 1, 65535, &high) == ERR_OK && low <= high;
}

enum err option_port_range(struct text value, char words[OPTION_WORDS_MAX])
{
    struct text rest = value, item;
    while (value.len && text_next_item(&rest, ',', &item))
        if (!is_port_item(item))
            return say(words, "must be ports from 1 to 65535: 8080,52000-53000");
    return ERR_OK;
}

enum err option_regex(struct text value, char words[OPTION_WORDS_MAX])
{
    struct fault fault;
    if (value.len == 0 || regex_check(value, &fault) == ERR_OK) return ERR_OK;
    (void)snprintf(words, OPTION_WORDS_MAX, "must be a regular expression: %.120s", fault.words);
    return ERR_INVALID;
}

enum err option_json(struct text value, char words[OPTION_WORDS_MAX])
{
    struct fault fault = { 0 };
    struct value out;
    if (value.len == 0) return ERR_OK;
    struct scope *scratch = scope_new(NULL, "option json", SCOPE_NO_LIMIT);
    enum err err = json_read(value, scratch, &out, &fault);
    bool is_fit = !err && (out.kind == VALUE_KV || out.kind == VALUE_LIST);
    scope_close(scratch);
    if (is_fit) return ERR_OK;
    (void)snprintf(words, OPTION_WORDS_MAX, "must be JSON, an object or a list%s%.100s",
                   err ? ": " : "", err ? fault.words : "");
    return ERR_INVALID;
}
