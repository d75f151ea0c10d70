/* SPDX-License-Identifier: Apache-2.0 */
/* A row is looked at where it lies: from one sign that means something to the next, in what was fed
 * or, where a row lies across two slices, in `kept`. Fields are places in the row until it is
 * whole; those with doubled quotes are copied then, one of the pair left out. */
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
    CSV_MARK,      /* at the very front: perhaps a byte order mark */
    CSV_ROW_START, /* nothing of the row seen */
    CSV_FIELD_START,
    CSV_PLAIN,
    CSV_QUOTED,
    CSV_QUOTE_SEEN, /* a quote inside quotes: the end, or one of a pair */
    CSV_SKIP,       /* the rest of a bad row's line */
};

struct place {
    uint32_t from, len; /* in the row */
    uint32_t pairs;     /* doubled quotes */
};

struct csv {
    struct csv_rules rules;
    const struct csv_handler *handler;
    void *self;
    enum csv_state state;
    bool is_stopped, is_end;
    uint64_t line, row_line, offset;
    struct buf kept;     /* the front of a row whose end is not here yet */
    struct buf bad;      /* the front of a bad row, while its line is skipped */
    struct buf unpaired; /* fields without their doubled quotes */
    uint32_t at;         /* in the row: what is not looked at yet */
    struct place *places, present;
    struct text *fields;
    uint32_t count;
    const char *words;    /* of a bad row */
    bool ends_plain[256]; /* signs that end an unquoted field */
};

/* What is there to look at. */
struct input {
    const char *at, *end; /* the row begins at `at` */
};

static void csv_drop(void *self)
{
    struct csv *csv = self;
    buf_free(&csv->kept);
    buf_free(&csv->bad);
    buf_free(&csv->unpaired);
}

struct csv *csv_new(struct scope *owner, const struct csv_rules *rules,
                    const struct csv_handler *handler, void *self)
{
    struct csv *csv = scope_alloc(owner, sizeof *csv);
    *csv = (struct csv){ .rules = *rules, .handler = handler, .self = self };
    if (csv->rules.delimiter == '\0') csv->rules.delimiter = ',';
    if (csv->rules.field_bytes_max == 0) csv->rules.field_bytes_max = FIELD_BYTES_USUAL;
    if (csv->rules.row_bytes_max == 0) csv->rules.row_bytes_max = ROW_BYTES_USUAL;
    if (csv->rules.fields_max == 0) csv->rules.fields_max = FIELDS_USUAL;
    csv->line = csv->rules.first_line ? csv->rules.first_line : 1;
    csv->state = csv->rules.first_line ? CSV_ROW_START : CSV_MARK;
    csv->places = scope_alloc_array(owner, csv->rules.fields_max, sizeof *csv->places);
    csv->fields = scope_alloc_array(owner, csv->rules.fields_max, sizeof *csv->fields);
    csv->ends_plain[(unsigned char)csv->rules.delimiter] = true;
    csv->ends_plain['\n'] = csv->ends_plain['\r'] = true;
    scope_on_close(owner, csv_drop, csv);
    return csv;
}

static size_t left(const struct input *in)
{
    return (size_t)(in->end - in->at);
}

/* Whether the sign at the row's `at` ends the line, and how many bytes that takes: 2 for CRLF. 0:
 * a CR is the last byte here, what follows decides. */
static uint32_t line_end(const struct csv *csv, const struct input *in)
{
    const char *sign = in->at + csv->at;
    if (*sign == '\n') return 1;
    if (sign + 1 < in->end) return sign[1] == '\n' ? 2 : 1;
    return csv->is_end ? 1 : 0;
}

/* --- bad rows --- */

static void keep_bad(struct csv *csv, const char *from, size_t len)
{
    size_t room = RAW_BYTES_MAX - csv->bad.len;
    buf_add(&csv->bad, (struct text){ from, len < room ? len : room });
}

/* The row is bad from its `at` on: what is before it is kept as it stood. */
static void spoil(struct csv *csv, struct input *in, const char *words)
{
    csv->words = words;
    csv->state = CSV_SKIP;
    buf_clear(&csv->bad);
    keep_bad(csv, in->at, csv->at);
    in->at += csv->at;
    csv->offset += csv->at;
    csv->at = 0;
}

static void begin_row(struct csv *csv)
{
    csv->count = 0;
    csv->at = 0;
    csv->state = CSV_ROW_START;
}

static void tell_bad_row(struct csv *csv)
{
    if (!csv->handler->on_bad_row(csv->self, csv->row_line, buf_text(&csv->bad), csv->words))
        csv->is_stopped = true;
    begin_row(csv);
}

/* False: more is needed. */
static bool skip_line(struct csv *csv, struct input *in)
{
    while (in->at < in->end && *in->at != '\n' && *in->at != '\r') {
        keep_bad(csv, in->at++, 1);
        csv->offset++;
    }
    uint32_t len = in->at < in->end ? line_end(csv, in) : 0;
    if (len == 0) return false;
    in->at += len;
    csv->offset += len;
    csv->line++;
    tell_bad_row(csv);
    return true;
}

/* --- whole rows --- */

static struct text without_pairs(struct csv *csv, const char *row, const struct place *place)
{
    char *to = csv->unpaired.at + csv->unpaired.len;
    size_t len = 0;
    for (uint32_t i = 0; i < place->len; i++) {
        to[len++] = row[place->from + i];
        if (row[place->from + i] == '"') i++;
    }
    csv->unpaired.len += len;
    return (struct text){ to, len };
}

static void tell_row(struct csv *csv, struct input *in, uint32_t end_len)
{
    const char *row = in->at;
    uint32_t len = csv->at;
    bool has_room = false;
    for (uint32_t i = 0; i < csv->count; i++) {
        const struct place *place = &csv->places[i];
        if (place->pairs == 0) {
            csv->fields[i] = (struct text){ row + place->from, place->len };
            continue;
        }
        if (!has_room) {
            buf_clear(&csv->unpaired);
            (void)buf_reserve(&csv->unpaired, len); /* so that it does not move */
            has_room = true;
        }
        csv->fields[i] = without_pairs(csv, row, place);
    }
    in->at += len + end_len;
    csv->offset += len + end_len;
    csv->line += end_len > 0;
    if (!csv->handler->on_row(csv->self, csv->row_line, csv->fields, csv->count))
        csv->is_stopped = true;
    begin_row(csv);
}

/* The present field ends before `behind`. False: it is one too many. */
static bool end_field(struct csv *csv, struct input *in, uint32_t behind)
{
    csv->present.len = behind - csv->present.from;
    if (csv->count == csv->rules.fields_max) {
        spoil(csv, in, "too many fields");
        return false;
    }
    csv->places[csv->count++] = csv->present;
    return true;
}

static uint64_t lines_in(const char *at, size_t len, bool was_cr)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++) {
        if (at[i] == '\r' || (at[i] == '\n' && !was_cr)) lines++;
        was_cr = at[i] == '\r';
    }
    return lines;
}

/* --- from sign to sign; each returns false when more is needed --- */

/* How far a field may be looked through: to the end, or to the first byte past a bound. */
static uint32_t reach(const struct csv *csv, const struct input *in)
{
    uint64_t most = (uint64_t)csv->present.from + csv->present.pairs + csv->rules.field_bytes_max;
    if (most > csv->rules.row_bytes_max) most = csv->rules.row_bytes_max;
    return left(in) > most ? (uint32_t)most + 1 : (uint32_t)left(in);
}

static bool is_past_bound(struct csv *csv, struct input *in)
{
    uint32_t from = csv->present.from + csv->present.pairs;
    if (csv->at > csv->rules.row_bytes_max) {
        csv->at = csv->rules.row_bytes_max;
        spoil(csv, in, "the row is too long");
    } else if (csv->at > from && csv->at - from > csv->rules.field_bytes_max) {
        csv->at--;
        spoil(csv, in, "a field is too long");
    } else {
        return false;
    }
    return true;
}

static bool take_delimiter_or_end(struct csv *csv, struct input *in, uint32_t field_end)
{
    if (in->at[csv->at] == csv->rules.delimiter) {
        if (!end_field(csv, in, field_end)) return true;
        csv->at++;
        csv->state = CSV_FIELD_START;
        return true;
    }
    uint32_t len = line_end(csv, in);
    if (len == 0) return false;
    if (end_field(csv, in, field_end)) tell_row(csv, in, len);
    return true;
}

static bool take_plain(struct csv *csv, struct input *in)
{
    uint32_t end = reach(csv, in), at = csv->at;
    const unsigned char *row = (const unsigned char *)in->at;
    while (at < end && !csv->ends_plain[row[at]]) at++;
    csv->at = at;
    if (is_past_bound(csv, in)) return true;
    if (at == end) return false;
    return take_delimiter_or_end(csv, in, at);
}

static bool take_quoted(struct csv *csv, struct input *in)
{
    uint32_t from = csv->at, end = reach(csv, in);
    if (end < from) end = from; /* signs between fields have passed the row's bound */
    const char *quote = from < end ? memchr(in->at + from, '"', end - from) : NULL;
    csv->at = quote ? (uint32_t)(quote - in->at) : end;
    csv->line += lines_in(in->at + from, csv->at - from, from > 0 && in->at[from - 1] == '\r');
    if (is_past_bound(csv, in)) return true;
    if (quote == NULL) return false;
    csv->at++;
    csv->state = CSV_QUOTE_SEEN;
    return true;
}

static bool take_after_quote(struct csv *csv, struct input *in)
{
    char sign = in->at[csv->at];
    if (sign == '"') {
        csv->at++;
        csv->present.pairs++;
        csv->state = CSV_QUOTED;
        return true;
    }
    if (csv->ends_plain[(unsigned char)sign]) return take_delimiter_or_end(csv, in, csv->at - 1);
    spoil(csv, in, "text after the closing quote");
    return true;
}

static bool take_row_start(struct csv *csv, struct input *in)
{
    if (*in->at == '\n' || *in->at == '\r') { /* a blank line */
        uint32_t len = line_end(csv, in);
        in->at += len;
        csv->offset += len;
        csv->line += len > 0;
        return len > 0;
    }
    csv->row_line = csv->line;
    csv->state = CSV_FIELD_START;
    return true;
}

static bool take_mark(struct csv *csv, struct input *in)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t len = left(in) < 3 ? left(in) : 3;
    bool fits = memcmp(in->at, mark, len) == 0;
    if (fits && len < 3 && !csv->is_end) return false;
    if (fits && len == 3) {
        in->at += 3;
        csv->offset += 3;
    }
    csv->state = CSV_ROW_START;
    return true;
}

static bool take_field_start(struct csv *csv, struct input *in)
{
    bool is_quoted = in->at[csv->at] == '"';
    csv->present = (struct place){ .from = csv->at + is_quoted };
    csv->at += is_quoted;
    csv->state = is_quoted ? CSV_QUOTED : CSV_PLAIN;
    return true;
}

static bool take_some(struct csv *csv, struct input *in)
{
    if (csv->at == left(in)) return false;
    switch (csv->state) {
    case CSV_MARK: return take_mark(csv, in);
    case CSV_ROW_START: return take_row_start(csv, in);
    case CSV_FIELD_START: return take_field_start(csv, in);
    case CSV_PLAIN: return take_plain(csv, in);
    case CSV_QUOTED: return take_quoted(csv, in);
    case CSV_QUOTE_SEEN: return take_after_quote(csv, in);
    case CSV_SKIP: return skip_line(csv, in);
    }
    return false;
}

bool csv_feed(struct csv *csv, struct text bytes)
{
    bool is_joined = csv->kept.len > 0;
    if (csv->is_stopped) return false;
    if (is_joined) {
        buf_add(&csv->kept, bytes);
        bytes = buf_text(&csv->kept);
    }
    struct input in = { bytes.at, bytes.at + bytes.len };
    while (!csv->is_stopped && take_some(csv, &in)) {}
    if (is_joined)
        buf_drop_front(&csv->kept, (size_t)(in.at - bytes.at));
    else
        buf_add(&csv->kept, (struct text){ in.at, left(&in) });
    return !csv->is_stopped;
}

bool csv_end(struct csv *csv)
{
    csv->is_end = true;
    if (!csv_feed(csv, TEXT(""))) return false;
    struct input in = { csv->kept.at, csv->kept.at + csv->kept.len };
    switch (csv->state) {
    case CSV_FIELD_START: csv->present = (struct place){ .from = csv->at }; /* fall through */
    case CSV_PLAIN:
        if (end_field(csv, &in, csv->at)) tell_row(csv, &in, 0);
        break;
    case CSV_QUOTE_SEEN:
        if (end_field(csv, &in, csv->at - 1)) tell_row(csv, &in, 0);
        break;
    case CSV_QUOTED: spoil(csv, &in, "a quote is open at the end"); break;
    default: break;
    }
    if (csv->state == CSV_SKIP) tell_bad_row(csv);
    return !csv->is_stopped;
}

uint64_t csv_line(const struct csv *csv)
{
    return csv->line;
}

uint64_t csv_offset(const struct csv *csv)
{
    return csv->offset;
}

char csv_delimiter(struct text head)
{
    static const char candidates[] = { ',', ';', '\t', '|' };
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
