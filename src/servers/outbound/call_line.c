/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/call_line.h"

#include <string.h>
#include <time.h>

static void separate(struct call_line *line)
{
    if (line->has_fields) buf_add(line->out, line->delimiter);
    line->has_fields = true;
}

static bool needs_quotes(const struct call_line *line, struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '"' || value.at[i] == '\n' || value.at[i] == '\r' ||
            text_starts(text_slice(value, i, value.len), line->delimiter))
            return true;
    return false;
}

static void add_quoted(struct call_line *line, struct text value)
{
    buf_add_byte(line->out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"') buf_add_byte(line->out, '"');
        /* one line per attempt, whatever a customer's field holds */
        bool is_end = value.at[i] == '\n' || value.at[i] == '\r';
        buf_add_byte(line->out, is_end ? ' ' : value.at[i]);
    }
    buf_add_byte(line->out, '"');
}

static void add_blanked(struct call_line *line, struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        bool is_delimiter = line->delimiter.len &&
                            text_starts(text_slice(value, i, value.len), line->delimiter);
        bool is_end = value.at[i] == '\n' || value.at[i] == '\r' || value.at[i] == '\0';
        buf_add_byte(line->out, is_delimiter || is_end ? ' ' : value.at[i]);
        if (is_delimiter) i += line->delimiter.len - 1;
    }
}

void call_line_text(struct call_line *line, struct text value)
{
    separate(line);
    if (!line->quotes)
        add_blanked(line, value);
    else if (needs_quotes(line, value))
        add_quoted(line, value);
    else
        buf_add(line->out, value);
}

void call_line_i64(struct call_line *line, int64_t value)
{
    separate(line);
    buf_add_i64(line->out, value);
}

void call_line_time(struct call_line *line, uint64_t utc_ms)
{
    separate(line);
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm parts;
    if (utc_ms == 0 || gmtime_r(&seconds, &parts) == NULL) return;
    buf_format(line->out, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", parts.tm_year + 1900,
               parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
               (unsigned)(utc_ms % 1000));
}

void call_line_end(struct call_line *line)
{
    buf_add_byte(line->out, '\n');
    line->has_fields = false;
}
