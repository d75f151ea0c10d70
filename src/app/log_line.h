/* SPDX-License-Identifier: Apache-2.0 */
/* log_line.h - one record as a line: short, full or json (framework 8.2).
 * short  00:34:20.757 Std 05060 text
 * full   2015-05-07T18:11:38.196 Standard localhost outbound GCTI-00-05060 text
 * json   {"ts","lvl","id","app","host","pid","thr","ixn","cat","msg","attr":{}}, ts in UTC
 * Promise  one record is one line: line ends inside the text become blanks in short and full lines,
 *          but for the indented lines of a message dump, which begin with a tab.
 * Pure     but for the zone of the process (localtime_r). */
#ifndef APP_LOG_LINE_H
#define APP_LOG_LINE_H

#include "base/buf.h"
#include "base/log.h"
#include "base/shape.h"

enum log_format { LOG_FORMAT_SHORT, LOG_FORMAT_FULL, LOG_FORMAT_JSON };
enum log_time { LOG_TIME_TIME, LOG_TIME_LOCALE, LOG_TIME_ISO8601 };

/* The second that was written last, as text: the next lines are of the same one. */
struct log_clock {
    uint64_t second; /* 0: none */
    const char *format;
    bool is_utc;
    char text[64];
    size_t len;
};

struct log_style {
    struct log_clock *clock; /* NULL: each time is reckoned anew */
    enum log_format format;
    enum log_time time;
    bool is_utc, prints_attributes;
};

struct log_origin { /* who speaks */
    struct text application, type, version, host;
    uint32_t pid;
};

struct log_record {
    const struct log_event *event;
    uint64_t utc_us;
    struct text text, ixn; /* ixn: the interaction's or trace id; empty: none */
    struct kv attributes;  /* as the log filters allow */
    bool is_dump;          /* the attributes are a message: below the text, one a line */
};

void log_line_format(struct buf *out, const struct log_style *style,
                     const struct log_origin *origin, const struct log_record *record);
/* What a file begins with. `config_rev` 0: not known yet. */
void log_header_format(struct buf *out, const struct log_style *style,
                       const struct log_origin *origin, uint64_t started_utc_ms, uint64_t utc_ms,
                       uint64_t config_rev);
/* "20261121_110633_123", of the zone of the style: sorts as time does. */
void log_stamp_format(struct buf *out, bool is_utc, uint64_t utc_ms);

#endif
