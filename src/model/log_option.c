/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_option.h"

#include "model/log_custom.h"
#include "model/log_filter.h"

#include <limits.h>
#include <stdio.h>

static bool split_unit(struct text in, uint32_t max, uint32_t *count, struct text *unit)
{
    size_t digits = 0;
    in = text_trim(in);
    while (digits < in.len && in.at[digits] >= '0' && in.at[digits] <= '9') digits++;
    *unit = text_trim(text_slice(in, digits, in.len));
    return text_to_u32(text_slice(in, 0, digits), 1, max, count) == ERR_OK;
}

enum err log_segment_parse(struct text in, struct log_segment *out)
{
    uint32_t count;
    struct text unit;
    *out = (struct log_segment){ 0 };
    if (text_eq_fold(text_trim(in), TEXT("false"))) return ERR_OK;
    if (!split_unit(in, 1000000, &count, &unit)) return ERR_INVALID;
    if (text_eq_fold(unit, TEXT("KB")) || unit.len == 0)
        out->bytes = (uint64_t)count * 1024;
    else if (text_eq_fold(unit, TEXT("MB")))
        out->bytes = (uint64_t)count * 1024 * 1024;
    else if (text_eq_fold(unit, TEXT("hr")))
        out->ms = (uint64_t)count * 3600 * 1000;
    else
        return ERR_INVALID;
    return ERR_OK;
}

enum err log_expire_parse(struct text in, struct log_expire *out)
{
    uint32_t count;
    struct text unit;
    *out = (struct log_expire){ 0 };
    if (text_eq_fold(text_trim(in), TEXT("false"))) return ERR_OK;
    if (!split_unit(in, 1000, &count, &unit)) return ERR_INVALID;
    if (unit.len == 0 || text_eq_fold(unit, TEXT("file")))
        out->files = count;
    else if (text_eq_fold(unit, TEXT("day")) && count <= 100)
        out->days = count;
    else
        return ERR_INVALID;
    return ERR_OK;
}

/* A path that open() can take; empty: none. */
static bool is_path(struct text in)
{
    if (in.len >= PATH_MAX) return false;
    for (size_t i = 0; i < in.len; i++)
        if ((unsigned char)in.at[i] < ' ' || in.at[i] == 0x7f) return false;
    return text_is_utf8(in);
}

/* stdout, stderr, network, memory, or a file: a stamp is added to its name. */
static bool are_outputs(struct text in)
{
    struct text name;
    while (text_next_item(&in, ',', &name))
        if (!is_path(name) || text_ends(name, TEXT("/")) || text_eq(name, TEXT(".")) ||
            text_eq(name, TEXT("..")))
            return false;
    return true;
}

static enum err say(char *words, size_t room, const char *rule)
{
    (void)snprintf(words, room, "%s", rule);
    return ERR_INVALID;
}

static enum err check_custom(struct text name, struct text value, char *words, size_t room)
{
    struct fault fault;
    enum err err = log_custom_check(name, value, &fault);
    if (err) (void)snprintf(words, room, "%s", fault.words);
    return err;
}

/* Framework 4.2: a process that has less time than that to be heard of is killed for nothing. */
static bool is_heartbeat(struct text in)
{
    enum { LEAST_S = 10 };
    uint32_t seconds;
    return text_to_u32(text_trim(in), 0, UINT32_MAX, &seconds) == ERR_OK &&
           (seconds == 0 || seconds >= LEAST_S);
}

enum err log_option_check(enum option_grammar grammar, struct text name, struct text value,
                          char *words, size_t room)
{
    struct log_segment segment;
    struct log_expire expire;
    switch (grammar) {
    case GRAMMAR_NONE: return ERR_OK;
    case GRAMMAR_LOG_OUTPUTS:
        return are_outputs(value) ? ERR_OK
                                  : say(words, room,
                                        "must be stdout, stderr, network, memory or names of "
                                        "files, separated by commas");
    case GRAMMAR_LOG_SEGMENT:
        return log_segment_parse(value, &segment)
                   ? say(words, room, "must be false, N KB, N MB or N hr")
                   : ERR_OK;
    case GRAMMAR_LOG_EXPIRE:
        return log_expire_parse(value, &expire)
                   ? say(words, room, "must be false, N or N file (1 to 1000), or N day (1 to 100)")
                   : ERR_OK;
    case GRAMMAR_LOG_FILTER:
        return log_filter_check(value)
                   ? say(words, room,
                         "must be copy, hide, hide-first,N, hide-last,N, unhide-first,N, "
                         "unhide-last,N, skip or tag(prefix,suffix)")
                   : ERR_OK;
    case GRAMMAR_LOG_LEVELS: return check_custom(name, value, words, room);
    case GRAMMAR_HEARTBEAT:
        return is_heartbeat(value) ? ERR_OK : say(words, room, "must be 0, or 10 to 604800");
    case GRAMMAR_PATH:
        return is_path(value) ? ERR_OK
                              : say(words, room, "must be a path, without control characters");
    }
    return ERR_INVALID;
}
