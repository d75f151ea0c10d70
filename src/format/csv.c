/* SPDX-License-Identifier: Apache-2.0 */
/* One byte at a time through five states. The unquoted bytes of a row lie one after another in
 * `bytes`, the ends of its fields in `ends`; the row as it stood lies in `raw`, for reject files.
 */
#include "format/csv.h"

#include "base/buf.h"

#include <string.h>

enum {
    FIELD_BYTES_USUAL = 64 * 1024,
    ROW_BYTES_USUAL = 1024 * 1024,
    FIELDS_USUAL = 1024,
    RAW_BYTES_MAX = 4096,
};

enum csv_state {
    CSV_ROW_START, /* nothing of the row seen */
    CSV_FIELD_START,
    CSV_PLAIN,
    CSV_QUOTED,
    CSV_QUOTE_SEEN, /* a quote inside quotes: the end, or one of a pair */
    CSV_SKIP,       /* the rest of a bad row's line */
};

struct csv {
    struct csv_rules rules;
    const struct csv_handler *handler;
    void *self;
    enum csv_state state;
    bool is_stopped, was_cr;
    uint8_t mark_seen; /* bytes of a byte order mark at the front; 4: no longer looked for */
    uint64_t line, row_line;
    uint32_t row_bytes;
    struct buf bytes, raw;
    size_t *ends;
    struct text *fields;
    uint32_t count;
    const char *words; /* of a bad row, while its line is skipped */
};

static void csv_drop(void *self)
{
    struct csv *csv = self;
    buf_free(&csv->bytes);
    buf_free(&csv->raw);
}

struct csv *csv_new(struct scope *owner, const struct csv_rules *rules,
                    const struct csv_handler *handler, void *self)
{
    struct csv *csv = scope_alloc(owner, sizeof *csv);
    *csv = (struct csv){ .rules = *rules, .handler = handler, .self = self, .line = 1 };
    if (csv->rules.delimiter == '\0') csv->rules.delimiter = ',';
    if (csv->rules.field_bytes_max == 0) csv->rules.field_bytes_max = FIELD_BYTES_USUAL;
    if (csv->rules.row_bytes_max == 0) csv->rules.row_bytes_max = ROW_BYTES_USUAL;
    if (csv->rules.fields_max == 0) csv->rules.fields_max = FIELDS_USUAL;
    csv->ends = scope_alloc_array(owner, csv->rules.fields_max, sizeof *csv->ends);
    csv->fields = scope_alloc_array(owner, csv->rules.fields_max, sizeof *csv->fields);
    scope_on_close(owner, csv_drop, csv);
    return csv;
}

static void begin_row(struct csv *csv)
{
    buf_clear(&csv->bytes);
    buf_clear(&csv->raw);
    csv->count = 0;
    csv->row_bytes = 0;
    csv->words = NULL;
    csv->state = CSV_ROW_START;
}

static void spoil(struct csv *csv, const char *words)
{
    csv->words = words;
    csv->state = CSV_SKIP;
}

static void tell_bad_row(struct csv *csv)
{
    if (!csv->handler->on_bad_row(csv->self, csv->row_line, buf_text(&csv->raw), csv->words))
        csv->is_stopped = true;
    begin_row(csv);
}

static void end_field(struct csv *csv)
{
    if (csv->count == csv->rules.fields_max) {
        spoil(csv, "too many fields");
        return;
    }
    csv->ends[csv->count++] = csv->bytes.len;
    csv->state = CSV_FIELD_START;
}

static void tell_row(struct csv *csv)
{
    size_t from = 0;
    for (uint32_t i = 0; i < csv->count; i++) {
        csv->fields[i] = text_slice(buf_text(&csv->bytes), from, csv->ends[i] - from);
        from = csv->ends[i];
    }
    if (!csv->handler->on_row(csv->self, csv->row_line, csv->fields, csv->count))
        csv->is_stopped = true;
    begin_row(csv);
}

static void end_row(struct csv *csv)
{
    if (csv->state != CSV_SKIP) end_field(csv);
    if (csv->state == CSV_SKIP)
        tell_bad_row(csv);
    else
        tell_row(csv);
}

static void add_byte(struct csv *csv, char byte)
{
    size_t from = csv->count ? csv->ends[csv->count - 1] : 0;
    if (csv->bytes.len - from >= csv->rules.field_bytes_max)
        spoil(csv, "a field is too long");
    else
        buf_add_byte(&csv->bytes, byte);
}

static void take_plain(struct csv *csv, char byte)
{
    if (byte == csv->rules.delimiter) {
        end_field(csv);
    } else {
        csv->state = CSV_PLAIN;
        add_byte(csv, byte);
    }
}

static void take_field_byte(struct csv *csv, char byte)
{
    switch (csv->state) {
    case CSV_ROW_START:
    case CSV_FIELD_START:
        if (byte == '"')
            csv->state = CSV_QUOTED;
        else
            take_plain(csv, byte);
        break;
    case CSV_PLAIN: take_plain(csv, byte); break;
    case CSV_QUOTED:
        if (byte == '"')
            csv->state = CSV_QUOTE_SEEN;
        else
            add_byte(csv, byte);
        break;
    case CSV_QUOTE_SEEN:
        if (byte == '"') {
            csv->state = CSV_QUOTED;
            add_byte(csv, byte);
        } else if (byte == csv->rules.delimiter) {
            end_field(csv);
        } else {
            spoil(csv, "text after the closing quote");
        }
        break;
    case CSV_SKIP: break;
    }
}

static void take_newline(struct csv *csv)
{
    if (csv->state != CSV_ROW_START) end_row(csv);
}

/* Everything but line counting and the byte order mark. */
static void take_byte(struct csv *csv, char byte)
{
    bool is_newline = (byte == '\n' || byte == '\r') && csv->state != CSV_QUOTED;
    if (is_newline) {
        take_newline(csv);
        return;
    }
    if (csv->state == CSV_ROW_START) csv->row_line = csv->line;
    if (csv->raw.len < RAW_BYTES_MAX) buf_add_byte(&csv->raw, byte);
    if (csv->state != CSV_SKIP && ++csv->row_bytes > csv->rules.row_bytes_max)
        spoil(csv, "the row is too long");
    take_field_byte(csv, byte);
}

/* CRLF, LF and CR end a line once; the LF of a CRLF outside quotes is not seen as a row's byte. */
static void take_counted(struct csv *csv, char byte)
{
    bool ends_crlf = byte == '\n' && csv->was_cr;
    csv->was_cr = byte == '\r';
    if (ends_crlf && csv->state == CSV_ROW_START) return;
    take_byte(csv, byte);
    if (byte == '\r' || (byte == '\n' && !ends_crlf)) csv->line++;
}

/* True while `byte` may belong to a byte order mark at the very front. */
static bool is_mark_byte(struct csv *csv, char byte)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (csv->mark_seen == 4) return false;
    if (byte == mark[csv->mark_seen]) {
        if (++csv->mark_seen == 3) csv->mark_seen = 4;
        return true;
    }
    uint8_t seen = csv->mark_seen; /* it was none: those bytes were the row's */
    csv->mark_seen = 4;
    for (uint8_t i = 0; i < seen && !csv->is_stopped; i++) take_counted(csv, mark[i]);
    return false;
}

bool csv_feed(struct csv *csv, struct text bytes)
{
    for (size_t i = 0; i < bytes.len && !csv->is_stopped; i++)
        if (!is_mark_byte(csv, bytes.at[i]) && !csv->is_stopped) take_counted(csv, bytes.at[i]);
    return !csv->is_stopped;
}

bool csv_end(struct csv *csv)
{
    if (csv->mark_seen < 3) (void)is_mark_byte(csv, '\n');
    if (csv->is_stopped || csv->state == CSV_ROW_START) return !csv->is_stopped;
    if (csv->state == CSV_QUOTED) spoil(csv, "a quote is open at the end");
    end_row(csv);
    return !csv->is_stopped;
}

uint64_t csv_line(const struct csv *csv)
{
    return csv->line;
}

char csv_delimiter(struct text head)
{
    static const char candidates[] = { ',', ';', '\t' };
    size_t counts[sizeof candidates] = { 0 };
    bool is_quoted = false;
    for (size_t i = 0; i < head.len; i++) {
        if (head.at[i] == '"') is_quoted = !is_quoted;
        if (is_quoted) continue;
        if (head.at[i] == '\n' || head.at[i] == '\r') break;
        const char *found = memchr(candidates, head.at[i], sizeof candidates);
        if (found) counts[found - candidates]++;
    }
    size_t best = 0;
    for (size_t i = 1; i < sizeof candidates; i++)
        if (counts[i] > counts[best]) best = i;
    return candidates[best];
}
