/* SPDX-License-Identifier: Apache-2.0 */
/* A list row carries the cells of the file's own columns, then the number and its type where there
 * are several numbers in a row, then the zones where they come from the number. */
#include "cli/import_rows.h"

#include <stdio.h>
#include <string.h>

enum { CONSTANTS_MAX = 100, VALUE_SHOWN = 256 };

struct phone_column {
    uint32_t cell;
    struct text header, type;
};

struct import_rows {
    struct import_rows_options options;
    struct import_columns columns;
    struct text *headers; /* by column */
    struct phone_column phones[IMPORT_PHONES_MAX];
    uint32_t phone_count;
    uint32_t number_column; /* contact_info among the columns; UINT32_MAX: see phones */
    uint32_t zone_column;   /* tz_name; UINT32_MAX: none */
    uint32_t key_column;    /* chain_key; UINT32_MAX: none */
    struct buf last_key;
    bool needs_zone;    /* the file says it by no column, or not in every row */
    struct text *names; /* of all that goes over */
    uint32_t name_count;
    struct outbound_import_constant constants[CONSTANTS_MAX];
    uint32_t constant_count;
    struct scope *owner;
    struct phones *phones_book; /* NULL: no number was looked at yet */
    struct phone_plan *home;    /* NULL: numbers have country codes */
    struct text *cells;         /* by column, of the present row */
};

/* --- from the options --- */

static enum err take_phones(struct import_rows *rows, struct scope *owner,
                            const struct text *headers, uint32_t count, struct fault *fault)
{
    struct text rest = rows->options.phones, item, header, type;
    while (text_next_item(&rest, ',', &item)) {
        if (item.len == 0) continue;
        if (rows->phone_count == IMPORT_PHONES_MAX)
            return fault_set(fault, ERR_LIMIT, "--phones", "at most %d", IMPORT_PHONES_MAX);
        if (!text_cut(item, '=', &header, &type)) {
            header = item;
            type = TEXT("");
        }
        uint32_t cell = import_columns_find(headers, count, text_trim(header));
        if (cell == UINT32_MAX)
            return fault_set(fault, ERR_INVALID, "--phones", "the file has no header \"%.*s\"",
                             TEXT_ARG(text_slice(header, 0, 64)));
        rows->phones[rows->phone_count++] =
            (struct phone_column){ cell, scope_keep(owner, text_trim(headers[cell])),
                                   text_trim(type) };
    }
    return ERR_OK;
}

static enum err take_constants(struct import_rows *rows, struct fault *fault)
{
    struct text rest = rows->options.constants, item, column, value;
    while (text_next_item(&rest, ',', &item)) {
        if (item.len == 0) continue;
        if (!text_cut(item, '=', &column, &value))
            return fault_set(fault, ERR_INVALID, "--set", "%.*s: must be column=value",
                             TEXT_ARG(text_slice(item, 0, 64)));
        if (rows->constant_count == CONSTANTS_MAX)
            return fault_set(fault, ERR_LIMIT, "--set", "at most %d", CONSTANTS_MAX);
        rows->constants[rows->constant_count++] = (struct outbound_import_constant){
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_CONSTANT),
            .column = text_trim(column),
            .value = text_trim(value),
        };
    }
    return ERR_OK;
}

/* Made when the first number is looked at: it takes a moment. */
static struct phones *phones_of(struct import_rows *rows)
{
    if (rows->phones_book == NULL) rows->phones_book = phones_new(rows->owner);
    return rows->phones_book;
}

static enum err take_region(struct import_rows *rows, struct fault *fault)
{
    if (rows->options.region.len == 0) return ERR_OK;
    rows->home = phones_region(phones_of(rows), rows->options.region);
    if (rows->home) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "--region", "%.*s is no region: DE, US, GB...",
                     TEXT_ARG(text_slice(rows->options.region, 0, 16)));
}

static uint32_t column_named(const struct import_rows *rows, struct text name)
{
    for (uint32_t i = 0; i < rows->columns.count; i++)
        if (text_eq_fold(rows->columns.names[i], name)) return i;
    return UINT32_MAX;
}

static bool is_constant(const struct import_rows *rows, struct text column)
{
    for (uint32_t i = 0; i < rows->constant_count; i++)
        if (text_eq_fold(rows->constants[i].column, column)) return true;
    return false;
}

static void add_name(struct import_rows *rows, struct text name)
{
    rows->names[rows->name_count++] = name;
}

static void name_all(struct import_rows *rows, struct scope *owner)
{
    rows->names = scope_alloc_array(owner, rows->columns.count + 3, sizeof *rows->names);
    for (uint32_t i = 0; i < rows->columns.count; i++) add_name(rows, rows->columns.names[i]);
    if (rows->phone_count > 0) {
        add_name(rows, TEXT("contact_info"));
        add_name(rows, TEXT("contact_info_type"));
    }
    if (rows->needs_zone && rows->zone_column == UINT32_MAX) add_name(rows, TEXT("tz_name"));
}

/* The headers of --phones are no columns of their own. */
static struct text ignored(const struct import_rows *rows, struct scope *owner)
{
    struct buf all = { 0 };
    buf_add(&all, rows->options.ignore);
    for (uint32_t i = 0; i < rows->phone_count; i++) {
        buf_add_byte(&all, ',');
        buf_add(&all, rows->phones[i].header);
    }
    struct text kept = scope_keep(owner, buf_text(&all));
    buf_free(&all);
    return kept;
}

static void drop(void *self)
{
    buf_free(&((struct import_rows *)self)->last_key);
}

enum err import_rows_new(struct scope *owner, const struct text *headers, uint32_t count,
                         const struct import_rows_options *options, struct import_rows **out,
                         struct fault *fault)
{
    struct import_rows *rows = scope_alloc(owner, sizeof *rows);
    rows->options = *options;
    rows->owner = owner;
    enum err err = take_phones(rows, owner, headers, count, fault);
    if (!err) err = take_constants(rows, fault);
    if (!err)
        err = import_columns_make(headers, count, options->map, ignored(rows, owner), owner,
                                  &rows->columns, fault);
    if (err) return err;
    if (rows->columns.count == 0 && rows->phone_count == 0)
        return fault_set(fault, ERR_INVALID, "header", "no column is left");
    rows->headers = scope_alloc_array(owner, count + 1, sizeof *rows->headers);
    for (uint32_t i = 0; i < rows->columns.count; i++)
        rows->headers[i] = scope_keep(owner, headers[rows->columns.cells[i]]);
    rows->cells = scope_alloc_array(owner, count + 1, sizeof *rows->cells);
    rows->number_column = column_named(rows, TEXT("contact_info"));
    rows->zone_column = column_named(rows, TEXT("tz_name"));
    rows->key_column = column_named(rows, TEXT("chain_key"));
    if (rows->key_column == UINT32_MAX) rows->key_column = column_named(rows, TEXT("chain_id"));
    scope_on_close(owner, drop, rows);
    rows->needs_zone = column_named(rows, TEXT("tz_dbid")) == UINT32_MAX &&
                       !is_constant(rows, TEXT("tz_dbid")) && !is_constant(rows, TEXT("tz_name"));
    name_all(rows, owner);
    *out = rows;
    return take_region(rows, fault);
}

void import_rows_describe(const struct import_rows *rows, struct outbound_import_begin *begin)
{
    begin->columns.at = rows->names;
    begin->columns.count = rows->name_count;
    begin->constants.at = (struct outbound_import_constant *)(uintptr_t)rows->constants;
    begin->constants.count = rows->constant_count;
}

void import_rows_explain(const struct import_rows *rows, struct buf *out)
{
    for (uint32_t i = 0; i < rows->columns.count; i++)
        buf_format(out, "  header \"%.*s\" is column %.*s\n", TEXT_ARG(rows->headers[i]),
                   TEXT_ARG(rows->columns.names[i]));
    for (uint32_t i = 0; i < rows->phone_count; i++)
        buf_format(out, "  header \"%.*s\" is a number\n", TEXT_ARG(rows->phones[i].header));
}

/* --- a row --- */

struct row {
    struct import_rows *rows;
    struct import_send *send;
    uint64_t line;
};

static void refuse_row(const struct row *row, struct text field, const char *rule,
                       struct text value)
{
    value = text_slice(value, 0, VALUE_SHOWN);
    while (value.len > 0 && !text_is_utf8(value)) value.len--;
    import_send_reject(row->send, row->line, field, text_of(rule), value);
}

/* NULL: it may go. */
static const char *rule_of_text(struct text cell)
{
    if (!text_is_utf8(cell)) return "has bytes that are no text in this encoding (--encoding)";
    return memchr(cell.at, '\0', cell.len) ? "must not hold a NUL" : NULL;
}

static bool take_cells(const struct row *row, const struct text *cells)
{
    struct import_rows *rows = row->rows;
    for (uint32_t i = 0; i < rows->columns.count; i++) {
        rows->cells[i] = cells[rows->columns.cells[i]];
        const char *rule = rows->cells[i].len ? rule_of_text(rows->cells[i]) : NULL;
        if (rule == NULL) continue;
        refuse_row(row, rows->columns.names[i], rule, TEXT(""));
        return false;
    }
    return true;
}

struct number {
    char plus; /* right before the digits: "+49..." */
    struct phone phone;
};

/* The number as it goes over, and its zones. False: it is refused. */
static bool check_number(const struct row *row, struct text field, struct text *number,
                         struct text *zones, struct number *room)
{
    struct import_rows *rows = row->rows;
    *zones = TEXT("");
    bool wants_zone = rows->needs_zone && (rows->zone_column == UINT32_MAX ||
                                           text_trim(rows->cells[rows->zone_column]).len == 0);
    bool is_address = number->len > 0 && memchr(number->at, '@', number->len) != NULL;
    if (is_address || number->len == 0 ||
        (rows->options.numbers == IMPORT_NUMBERS_KEEP && !wants_zone))
        return true;
    enum phone_verdict verdict = phones_read(phones_of(rows), *number, rows->home, &room->phone);
    if (verdict == PHONE_VALID && wants_zone) *zones = phone_zones(&room->phone);
    if (rows->options.numbers == IMPORT_NUMBERS_KEEP) return true;
    if (verdict != PHONE_VALID) {
        refuse_row(row, field, phone_verdict_words(verdict), *number);
        return false;
    }
    if (rows->options.numbers != IMPORT_NUMBERS_NORMALISE) return true;
    if (room->phone.has_extension) {
        refuse_row(row, field, "has an extension, which a dialled number cannot keep", *number);
        return false;
    }
    room->plus = '+';
    *number = (struct text){ &room->plus, room->phone.len + (size_t)1 };
    return true;
}

_Static_assert(offsetof(struct number, phone.digits) == 1, "the plus stands before the digits");

static void send_cells(const struct row *row, struct text number, struct text zones)
{
    const struct import_rows *rows = row->rows;
    import_send_row(row->send, row->line);
    for (uint32_t i = 0; i < rows->columns.count; i++) {
        struct text cell = rows->cells[i];
        if (i == rows->number_column) cell = number;
        if (i == rows->zone_column && text_trim(cell).len == 0) cell = zones;
        import_send_cell(row->send, cell);
    }
}

static void send_single(const struct row *row)
{
    const struct import_rows *rows = row->rows;
    struct number room;
    struct text zones, number = TEXT("");
    if (rows->number_column != UINT32_MAX) number = text_trim(rows->cells[rows->number_column]);
    if (!check_number(row, TEXT("contact_info"), &number, &zones, &room)) return;
    send_cells(row, number, zones);
    if (rows->needs_zone && rows->zone_column == UINT32_MAX) import_send_cell(row->send, zones);
}

static void send_phones(const struct row *row, const struct text *cells)
{
    const struct import_rows *rows = row->rows;
    uint32_t found = 0;
    for (uint32_t i = 0; i < rows->phone_count; i++) {
        const struct phone_column *phone = &rows->phones[i];
        struct number room;
        struct text zones, number = text_trim(cells[phone->cell]);
        if (number.len == 0) continue;
        found++;
        const char *rule = rule_of_text(number);
        if (rule) {
            refuse_row(row, phone->header, rule, TEXT(""));
            continue;
        }
        if (!check_number(row, phone->header, &number, &zones, &room)) continue;
        send_cells(row, number, zones);
        import_send_cell(row->send, number);
        import_send_cell(row->send, phone->type);
        if (rows->needs_zone && rows->zone_column == UINT32_MAX) import_send_cell(row->send, zones);
    }
    if (found == 0) refuse_row(row, rows->phones[0].header, "the row has no number", TEXT(""));
}

/* Whether a slice may end before this row. */
static bool begins_chain(struct import_rows *rows, const struct text *cells, uint32_t count)
{
    if (rows->key_column == UINT32_MAX || count != rows->columns.header_count) return true;
    struct text key = text_trim(cells[rows->columns.cells[rows->key_column]]);
    if (key.len > 0 && text_eq(key, buf_text(&rows->last_key))) return false;
    buf_clear(&rows->last_key);
    buf_add(&rows->last_key, key);
    return true;
}

enum err import_rows_take(struct import_rows *rows, struct import_send *send, uint64_t line,
                          const struct text *cells, uint32_t count, struct fault *fault)
{
    struct row row = { rows, send, line };
    if (begins_chain(rows, cells, count)) {
        enum err err = import_send_cut(send, fault);
        if (err) return err;
    }
    if (count != rows->columns.header_count) {
        char rule[64];
        (void)snprintf(rule, sizeof rule, "has %u cells, the header has %u", count,
                       rows->columns.header_count);
        refuse_row(&row, TEXT("line"), rule, TEXT(""));
        return ERR_OK;
    }
    if (!take_cells(&row, cells)) return ERR_OK;
    if (rows->phone_count > 0)
        send_phones(&row, cells);
    else
        send_single(&row);
    return ERR_OK;
}
