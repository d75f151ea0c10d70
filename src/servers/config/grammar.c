/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/grammar.h"

#include <arpa/inet.h>

enum { HOST_NAME_BYTES_MAX = 253, LABEL_BYTES_MAX = 63, TABLE_NAME_BYTES_MAX = 63 };

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

bool is_date(struct text in)
{
    static const uint32_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    uint32_t year, month, day;
    if (in.len != 10 || in.at[4] != '-' || in.at[7] != '-' ||
        !text_is_digits(text_slice(in, 0, 4)) ||
        text_to_u32(text_slice(in, 0, 4), 1, 9999, &year) ||
        text_to_u32(text_slice(in, 5, 2), 1, 12, &month) ||
        text_to_u32(text_slice(in, 8, 2), 1, days[month - 1], &day))
        return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month != 2 || day < 29 || is_leap;
}

/* --- hosts ---------------------------------------------------------------------------------- */

/* One part of a host's name; Windows has _ in some. */
static bool is_label(struct text in)
{
    if (in.len == 0 || in.len > LABEL_BYTES_MAX || in.at[0] == '-' || in.at[in.len - 1] == '-')
        return false;
    for (size_t i = 0; i < in.len; i++)
        if (!is_letter(in.at[i]) && !is_digit(in.at[i]) && in.at[i] != '-' && in.at[i] != '_')
            return false;
    return true;
}

static bool is_host_name(struct text in)
{
    struct text rest = in, label;
    if (in.len == 0 || in.len > HOST_NAME_BYTES_MAX || in.at[in.len - 1] == '.' ||
        text_find(in, ' ', 0) != SIZE_MAX)
        return false;
    while (text_next_item(&rest, '.', &label))
        if (!is_label(label)) return false;
    return true;
}

/* Digits and dots alone are meant as a number of IPv4. */
static bool is_meant_as_number(struct text in)
{
    bool has_dot = false;
    for (size_t i = 0; i < in.len; i++) {
        if (!is_digit(in.at[i]) && in.at[i] != '.') return false;
        has_dot |= in.at[i] == '.';
    }
    return has_dot;
}

bool is_host_address(struct text in)
{
    char z[INET6_ADDRSTRLEN];
    struct in6_addr out;
    bool is_six = text_find(in, ':', 0) != SIZE_MAX;
    if (!is_six && !is_meant_as_number(in)) return is_host_name(in);
    return text_to_z(in, z, sizeof z) == ERR_OK &&
           inet_pton(is_six ? AF_INET6 : AF_INET, z, &out) == 1;
}

/* --- numbers and names ---------------------------------------------------------------------- */

bool is_log_event(struct text in)
{
    struct text family, number;
    if (!text_cut(in, '-', &family, &number)) return text_is_digits(in);
    return text_is_digits(family) && text_is_digits(number);
}

static bool is_identifier(struct text in)
{
    if (in.len == 0 || is_digit(in.at[0])) return false;
    for (size_t i = 0; i < in.len; i++)
        if (!is_letter(in.at[i]) && !is_digit(in.at[i]) && in.at[i] != '_') return false;
    return true;
}

bool is_table_name(struct text in)
{
    struct text schema, table;
    if (in.len > TABLE_NAME_BYTES_MAX) return false;
    if (!text_cut(in, '.', &schema, &table)) return is_identifier(in);
    return is_identifier(schema) && is_identifier(table);
}

bool is_number_ranges(struct text in)
{
    struct text rest = in, item, low, high;
    while (text_next_item(&rest, ',', &item)) {
        uint64_t from, to;
        item = text_trim(item);
        if (!text_cut(item, '-', &low, &high)) low = high = item;
        low = text_trim(low);
        high = text_trim(high);
        if (!text_is_digits(low) || !text_is_digits(high) ||
            text_to_u64(low, 0, UINT64_MAX, &from) || text_to_u64(high, from, UINT64_MAX, &to))
            return false;
    }
    return in.len > 0;
}

/* --- schedules ------------------------------------------------------------------------------ */

struct schedule_field {
    const char *name;
    uint32_t low, high;
};

static bool fits_item(struct text item, const struct schedule_field *field)
{
    struct text range = item, step, low, high;
    uint32_t from, to;
    if (text_cut(item, '/', &range, &step) &&
        (!text_is_digits(step) || text_to_u32(step, 1, field->high, &from)))
        return false;
    if (text_eq(range, TEXT("*"))) return true;
    if (!text_cut(range, '-', &low, &high)) low = high = range;
    return text_is_digits(low) && text_is_digits(high) &&
           text_to_u32(low, field->low, field->high, &from) == ERR_OK &&
           text_to_u32(high, from, field->high, &to) == ERR_OK;
}

static bool fits_field(struct text in, const struct schedule_field *field)
{
    struct text rest = in, item;
    while (text_next_item(&rest, ',', &item))
        if (!fits_item(item, field)) return false;
    return in.len > 0;
}

static struct text next_word(struct text *rest)
{
    *rest = text_trim(*rest);
    size_t end = 0;
    while (end < rest->len && rest->at[end] != ' ' && rest->at[end] != '\t') end++;
    struct text word = text_slice(*rest, 0, end);
    *rest = text_slice(*rest, end, SIZE_MAX);
    return word;
}

const char *schedule_field_refused(struct text in)
{
    static const struct schedule_field fields[] = {
        { "minute", 0, 59 }, { "hour", 0, 23 },   { "day", 1, 31 },
        { "month", 1, 12 },  { "weekday", 0, 7 },
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!fits_field(next_word(&in), &fields[i])) return fields[i].name;
    return text_trim(in).len ? "sixth" : NULL;
}
