/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/reply.h"

#include "io/http/head.h"
#include "io/http/parser.h"

#include <string.h>
#include <time.h>

/* RFC 9110 5.6.7: in English whatever the locale, so not by strftime. */
static struct text date_line(struct http_reply_date *date, uint64_t utc_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t second = utc_ms / 1000;
    if (second != date->second || date->line[0] == 0) {
        struct tm tm;
        time_t time = (time_t)second;
        (void)gmtime_r(&time, &tm);
        struct buf line = { .at = date->line, .room = sizeof date->line };
        buf_format(&line, "Date: %.3s, %02u %.3s %04u %02u:%02u:%02u GMT\r\n",
                   days + tm.tm_wday * 3, (unsigned)tm.tm_mday % 100, months + tm.tm_mon * 3,
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
        date->second = second;
    }
    return (struct text){ date->line, 37 };
}

static void add_status_line(struct buf *out, unsigned status)
{
    if (status == 200) { /* nearly all */
        buf_add(out, TEXT("HTTP/1.1 200 OK\r\n"));
        return;
    }
    buf_add(out, TEXT("HTTP/1.1 "));
    buf_add_u64(out, status);
    buf_add_byte(out, ' ');
    buf_add_z(out, http_status_words(status));
    buf_add(out, TEXT("\r\n"));
}

static bool is_ours(struct text name)
{
    switch (name.len) {
    case 4: return text_eq_fold(name, TEXT("Date"));
    case 10: return text_eq_fold(name, TEXT("Connection"));
    case 14: return text_eq_fold(name, TEXT("Content-Length"));
    case 17: return text_eq_fold(name, TEXT("Transfer-Encoding"));
    default: return false;
    }
}

static void add_header(struct buf *out, const struct http_header *header)
{
    if (is_ours(header->name) || !http_is_token(header->name)) return;
    if (!http_is_field_value(header->value)) return;
    struct text name = header->name, value = header->value;
    char *line = buf_reserve(out, name.len + value.len + 4);
    memcpy(line, name.at, name.len);
    line += name.len;
    *line++ = ':';
    *line++ = ' ';
    if (value.len) memcpy(line, value.at, value.len);
    line += value.len;
    *line++ = '\r';
    *line++ = '\n';
    out->len += name.len + value.len + 4;
}

void http_reply_write(struct buf *out, const struct http_answer *reply,
                      struct http_reply_date *date, uint64_t utc_ms)
{
    bool has_body = reply->status >= 200 && reply->status != 204 && reply->status != 304;
    add_status_line(out, reply->status);
    buf_add(out, date_line(date, utc_ms));
    for (size_t i = 0; i < reply->headers.count; i++) add_header(out, &reply->headers.at[i]);
    if (has_body && !reply->is_without_end) {
        buf_add(out, TEXT("Content-Length: "));
        buf_add_u64(out, reply->body.len);
        buf_add(out, TEXT("\r\n"));
    }
    if (reply->closes)
        buf_add(out, TEXT("Connection: close\r\n"));
    else if (reply->upgrades)
        buf_add(out, TEXT("Connection: Upgrade\r\n"));
    else if (reply->is_1_0)
        buf_add(out, TEXT("Connection: keep-alive\r\n"));
    buf_add(out, TEXT("\r\n"));
    if (has_body && !reply->is_head) buf_add(out, reply->body);
}
