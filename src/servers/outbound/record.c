/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define NUMBER(literal)                                                                            \
    {                                                                                              \
        .name = { literal, sizeof literal - 1 }                                                    \
    }
#define TEXT_COLUMN(literal, len)                                                                  \
    {                                                                                              \
        .name = { literal, sizeof literal - 1 }, .is_text = true, .len_max = (len)                 \
    }
#define KEY(literal)                                                                               \
    {                                                                                              \
        .name = { literal, sizeof literal - 1 }, .is_key = true                                    \
    }

static const struct column_layout columns[COLUMNS_MANDATORY] = {
    [COLUMN_RECORD_ID] = NUMBER("record_id"),
    [COLUMN_CONTACT_INFO] = TEXT_COLUMN("contact_info", 128),
    [COLUMN_CONTACT_INFO_TYPE] = NUMBER("contact_info_type"),
    [COLUMN_RECORD_TYPE] = NUMBER("record_type"),
    [COLUMN_RECORD_STATUS] = NUMBER("record_status"),
    [COLUMN_CALL_RESULT] = NUMBER("call_result"),
    [COLUMN_ATTEMPT] = NUMBER("attempt"),
    [COLUMN_DIAL_SCHED_TIME] = NUMBER("dial_sched_time"),
    [COLUMN_CALL_TIME] = NUMBER("call_time"),
    [COLUMN_DAILY_FROM] = NUMBER("daily_from"),
    [COLUMN_DAILY_TILL] = NUMBER("daily_till"),
    [COLUMN_TZ_DBID] = NUMBER("tz_dbid"),
    [COLUMN_CAMPAIGN_ID] = NUMBER("campaign_id"),
    [COLUMN_AGENT_ID] = TEXT_COLUMN("agent_id", 32),
    [COLUMN_CHAIN_ID] = KEY("chain_id"),
    [COLUMN_CHAIN_N] = KEY("chain_n"),
    [COLUMN_GROUP_ID] = NUMBER("group_id"),
    [COLUMN_APP_ID] = NUMBER("app_id"),
    [COLUMN_TREATMENTS] = TEXT_COLUMN("treatments", 255),
    [COLUMN_MEDIA_REF] = NUMBER("media_ref"),
    [COLUMN_EMAIL_SUBJECT] = TEXT_COLUMN("email_subject", 255),
    [COLUMN_EMAIL_TEMPLATE_ID] = NUMBER("email_template_id"),
    [COLUMN_SWITCH_ID] = NUMBER("switch_id"),
};

const struct column_layout *mandatory_columns(void)
{
    return columns;
}

bool is_sql_identifier(struct text name)
{
    if (name.len == 0 || name.len > 63 || (name.at[0] >= '0' && name.at[0] <= '9')) return false;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.at[i];
        bool fits = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= '0' && byte <= '9') || byte == '_';
        if (!fits) return false;
    }
    return true;
}

uint32_t layout_find_attribute(const struct list_layout *layout, struct text attribute)
{
    for (uint32_t i = COLUMNS_MANDATORY; i < layout->count; i++)
        if (layout->columns[i].send_attribute.len &&
            text_eq(layout->columns[i].send_attribute, attribute))
            return i;
    return UINT32_MAX;
}

uint32_t layout_find_column(const struct list_layout *layout, struct text name)
{
    for (uint32_t i = 0; i < layout->count; i++)
        if (text_eq_fold(layout->columns[i].name, name)) return i;
    return UINT32_MAX;
}

int64_t record_i64(const struct record *record, uint32_t column)
{
    const struct value *cell = &record->cells[column];
    return cell->kind == VALUE_INTEGER ? cell->integer : 0;
}

struct text record_text(const struct record *record, uint32_t column)
{
    const struct value *cell = &record->cells[column];
    return cell->kind == VALUE_TEXT ? cell->text : (struct text){ "", 0 };
}

struct value value_copy(struct scope *owner, const struct value *value)
{
    struct value copy = *value;
    if (copy.kind == VALUE_TEXT || copy.kind == VALUE_BYTES)
        copy.text = scope_keep(owner, copy.text);
    return copy;
}

struct value *record_new_cells(struct scope *owner, const struct list_layout *layout)
{
    struct value *cells = scope_alloc_array(owner, layout->count, sizeof *cells);
    cells[COLUMN_RECORD_TYPE] = value_of_i64(RECORD_TYPE_GENERAL);
    cells[COLUMN_RECORD_STATUS] = value_of_i64(RECORD_STATUS_READY);
    cells[COLUMN_CALL_RESULT] = value_of_i64(CALL_RESULT_UNKNOWN);
    cells[COLUMN_ATTEMPT] = value_of_i64(0);
    return cells;
}

bool value_same(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case VALUE_NULL: return true;
    case VALUE_INTEGER: return a->integer == b->integer;
    case VALUE_FLOAT: return !(a->number < b->number) && !(a->number > b->number);
    case VALUE_TEXT: return text_eq(a->text, b->text);
    default: return false;
    }
}

enum err charset_encode(const struct list_charset *charset, struct text in, struct text *out)
{
    *out = in;
    if (charset == NULL || charset->encoding == NULL || in.len == 0) return ERR_OK;
    scope_reset(charset->scratch);
    return encoding_encode(charset->encoding, in, charset->scratch, out);
}

struct text charset_decode(const struct list_charset *charset, struct scope *owner, struct text in)
{
    struct text out;
    if (charset == NULL || charset->encoding == NULL || in.len == 0) return scope_keep(owner, in);
    if (encoding_decode_loosely(charset->encoding, in, owner, &out)) return (struct text){ "", 0 };
    return out;
}

/* Characters, as varchar(n) counts them: bytes that do not continue a UTF-8 sequence. */
static size_t characters(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.at[i] & 0xC0) != 0x80;
    return count;
}

static enum err text_for_column(const struct column_layout *column, struct text text,
                                struct value *out, struct fault *fault)
{
    if (!text_is_utf8(text) || text_find(text, '\0', 0) != SIZE_MAX)
        return fault_set(fault, ERR_INVALID, "", "must be UTF-8 text without NUL");
    if (text.len > USER_VALUE_BYTES_MAX)
        return fault_set(fault, ERR_LIMIT, "", "longer than %d bytes", USER_VALUE_BYTES_MAX);
    if (column->len_max && characters(text) > column->len_max)
        return fault_set(fault, ERR_LIMIT, "", "longer than %u characters", column->len_max);
    struct text encoded;
    if (charset_encode(column->charset, text, &encoded))
        return fault_set(fault, ERR_INVALID, "",
                         "a character has no place in the table's character set (encoding)");
    *out = value_of_text(text);
    return ERR_OK;
}

static enum err number_for_column(const struct column_layout *column, const struct value *in,
                                  struct value *out, struct fault *fault)
{
    int64_t integer;
    double number;
    if (in->kind == VALUE_INTEGER) {
        *out = *in;
        return ERR_OK;
    }
    if (in->kind == VALUE_BOOL) {
        *out = value_of_i64(in->truth);
        return ERR_OK;
    }
    if (in->kind == VALUE_FLOAT && column->is_float) {
        *out = *in;
        return ERR_OK;
    }
    if (in->kind == VALUE_TEXT && in->text.len == 0) {
        *out = (struct value){ .kind = VALUE_NULL };
        return ERR_OK;
    }
    if (in->kind == VALUE_TEXT && !text_to_i64(in->text, INT64_MIN, INT64_MAX, &integer)) {
        *out = value_of_i64(integer);
        return ERR_OK;
    }
    if (in->kind == VALUE_TEXT && column->is_float && !text_to_f64(in->text, &number)) {
        *out = (struct value){ .kind = VALUE_FLOAT, .number = number };
        return ERR_OK;
    }
    return fault_set(fault, ERR_INVALID, "", "must be a%s number",
                     column->is_float ? "" : " whole");
}

enum err value_for_column(struct scope *owner, const struct column_layout *column,
                          const struct value *in, struct value *out, struct fault *fault)
{
    enum err err = ERR_OK;
    if (in->kind == VALUE_NULL)
        *out = *in;
    else if (in->kind == VALUE_LIST || in->kind == VALUE_KV || in->kind == VALUE_BYTES)
        err = fault_set(fault, ERR_INVALID, "", "must be text or a number");
    else if (column->is_text)
        err = text_for_column(column, value_as_text(owner, in), out, fault);
    else
        err = number_for_column(column, in, out, fault);
    if (err && fault)
        (void)snprintf(fault->field, sizeof fault->field, "%.*s", TEXT_ARG(column->name));
    return err;
}

struct text value_as_text(struct scope *owner, const struct value *value)
{
    switch (value->kind) {
    case VALUE_TEXT:
    case VALUE_BYTES: return value->text;
    case VALUE_INTEGER: return scope_format(owner, "%" PRId64, value->integer);
    case VALUE_FLOAT: return scope_format(owner, "%.15g", value->number);
    case VALUE_BOOL: return value->truth ? TEXT("true") : TEXT("false");
    default: return TEXT("");
    }
}

static void add_sql_type(const struct column_layout *column, struct buf *out)
{
    if (column->is_text && column->len_max)
        buf_format(out, " varchar(%u)", column->len_max);
    else if (column->is_text)
        buf_add_z(out, " text");
    else
        buf_add_z(out, column->is_float ? " float" : " integer");
}

void list_sql_create(const struct list_layout *layout, struct buf *out)
{
    buf_format(out, "CREATE TABLE IF NOT EXISTS %.*s (", TEXT_ARG(layout->table));
    for (uint32_t i = 0; i < layout->count; i++) {
        if (i) buf_add_z(out, ", ");
        buf_add(out, layout->columns[i].name);
        add_sql_type(&layout->columns[i], out);
        if (layout->columns[i].is_key) buf_add_z(out, " NOT NULL");
    }
    /* Retrieval walks the Ready rows of one type in chain order: this index is that order.
     * What has a time is found by it. */
    buf_format(out,
               ", PRIMARY KEY (chain_id, chain_n)) WITHOUT ROWID; "
               "CREATE INDEX IF NOT EXISTS %.*s_ready ON %.*s (record_type, chain_id, chain_n) "
               "WHERE record_status = 1; "
               "CREATE INDEX IF NOT EXISTS %.*s_due ON %.*s (record_type, dial_sched_time) "
               "WHERE record_status = 1 AND dial_sched_time >= 0; "
               "CREATE INDEX IF NOT EXISTS %.*s_retrieved ON %.*s (chain_id, chain_n) "
               "WHERE record_status = 2; "
               "CREATE INDEX IF NOT EXISTS %.*s_waiting ON %.*s (chain_id, chain_n) "
               "WHERE record_status = 9; "
               "CREATE INDEX IF NOT EXISTS %.*s_record ON %.*s (record_id)",
               TEXT_ARG(layout->table), TEXT_ARG(layout->table), TEXT_ARG(layout->table),
               TEXT_ARG(layout->table), TEXT_ARG(layout->table), TEXT_ARG(layout->table),
               TEXT_ARG(layout->table), TEXT_ARG(layout->table), TEXT_ARG(layout->table),
               TEXT_ARG(layout->table));
}

void list_sql_columns(const struct list_layout *layout, struct buf *out)
{
    for (uint32_t i = 0; i < layout->count; i++) {
        if (i) buf_add_z(out, ", ");
        buf_add(out, layout->columns[i].name);
    }
}

void list_sql_insert(const struct list_layout *layout, struct buf *out)
{
    buf_format(out, "INSERT INTO %.*s (", TEXT_ARG(layout->table));
    list_sql_columns(layout, out);
    buf_add_z(out, ") VALUES (");
    for (uint32_t i = 0; i < layout->count; i++) buf_format(out, "%s?%u", i ? ", " : "", i + 1);
    buf_add_z(out, ")");
}

void list_sql_update(const struct list_layout *layout, const uint32_t *changed, uint32_t count,
                     struct buf *out)
{
    buf_format(out, "UPDATE %.*s SET ", TEXT_ARG(layout->table));
    for (uint32_t i = 0; i < count; i++)
        buf_format(out, "%s%.*s = ?%u", i ? ", " : "", TEXT_ARG(layout->columns[changed[i]].name),
                   i + 1);
    buf_format(out, " WHERE chain_id = ?%u AND chain_n = ?%u", count + 1, count + 2);
}
