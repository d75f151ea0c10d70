/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - a row of a calling list in memory, and the layout of its list (spec outbound 2.1).
 * A record is an array of cells: the 23 mandatory columns in the order below, then the list's own
 * columns. A layout is read-only once made and lives as long as its list is open. */
#ifndef SERVERS_OUTBOUND_RECORD_H
#define SERVERS_OUTBOUND_RECORD_H

#include "base/buf.h"
#include "base/scope.h"
#include "base/shape.h"
#include "format/encoding.h"

enum column {
    COLUMN_RECORD_ID,
    COLUMN_CONTACT_INFO,
    COLUMN_CONTACT_INFO_TYPE,
    COLUMN_RECORD_TYPE,
    COLUMN_RECORD_STATUS,
    COLUMN_CALL_RESULT,
    COLUMN_ATTEMPT,
    COLUMN_DIAL_SCHED_TIME,
    COLUMN_CALL_TIME,
    COLUMN_DAILY_FROM,
    COLUMN_DAILY_TILL,
    COLUMN_TZ_DBID,
    COLUMN_CAMPAIGN_ID,
    COLUMN_AGENT_ID,
    COLUMN_CHAIN_ID,
    COLUMN_CHAIN_N,
    COLUMN_GROUP_ID,
    COLUMN_APP_ID,
    COLUMN_TREATMENTS,
    COLUMN_MEDIA_REF,
    COLUMN_EMAIL_SUBJECT,
    COLUMN_EMAIL_TEMPLATE_ID,
    COLUMN_SWITCH_ID,
    COLUMNS_MANDATORY,
};

enum { USER_COLUMNS_MAX = 250, USER_VALUE_BYTES_MAX = 4096, CHAIN_RECORDS_MAX = 100 };
enum { RECORD_INTEGER_MAX = INT32_MAX }; /* of a mandatory column (2.1): a database has 32 bits */

/* Spec outbound 2.2. */
enum record_type {
    RECORD_TYPE_GENERAL = 2,
    RECORD_TYPE_CAMPAIGN_RESCHEDULED = 3,
    RECORD_TYPE_PERSONAL_RESCHEDULED = 4,
    RECORD_TYPE_PERSONAL_CALLBACK = 5,
    RECORD_TYPE_CAMPAIGN_CALLBACK = 6,
    RECORD_TYPE_NO_CALL = 7,
};
enum record_status {
    RECORD_STATUS_READY = 1,
    RECORD_STATUS_RETRIEVED = 2,
    RECORD_STATUS_UPDATED = 3,
    RECORD_STATUS_STALE = 4,
    RECORD_STATUS_CANCELLED = 5,
    RECORD_STATUS_AGENT_ERROR = 6,
    RECORD_STATUS_CHAIN_UPDATED = 7,
    RECORD_STATUS_MISSED_CALLBACK = 8,
    RECORD_STATUS_CHAIN_READY = 9,
};
enum call_result { /* those that outbound itself sets or asks for (2.4) */
                   CALL_RESULT_UNKNOWN = 28,
                   CALL_RESULT_ANSWER = 33,
                   CALL_RESULT_STALE = 46,
                   CALL_RESULT_AGENT_CALLBACK_ERROR = 47,
                   CALL_RESULT_GROUP_CALLBACK_ERROR = 48,
                   CALL_RESULT_DO_NOT_CALL = 51,
                   CALL_RESULT_CANCEL_RECORD = 52,
};

/* How texts stand in a list's own table (option `encoding`); may change while the table is open. */
struct list_charset {
    struct encoding *encoding; /* NULL: UTF-8 */
    struct scope *scratch;     /* emptied with each text that is encoded */
};

struct column_layout {
    struct text name;
    bool is_text;
    bool is_float;
    uint32_t len_max;                   /* text: characters of varchar(n); 0: no bound of its own */
    struct text send_attribute;         /* empty: stays in the database */
    bool is_key;                        /* chain_id, chain_n */
    const struct list_charset *charset; /* of a text; NULL: UTF-8 */
};

struct list_layout {
    struct text table; /* a checked SQL identifier */
    const struct column_layout *columns;
    uint32_t count; /* COLUMNS_MANDATORY or more */
};

struct record {
    uint32_t handle;
    struct value *cells; /* layout->count of them */
};

const struct column_layout *mandatory_columns(void); /* COLUMNS_MANDATORY of them */
/* A name that may stand in SQL as it is: letter or _, then letters, digits, _; at most 63. */
bool is_sql_identifier(struct text name);
/* The user column that is sent under `attribute`, or UINT32_MAX. */
uint32_t layout_find_attribute(const struct list_layout *layout, struct text attribute);
uint32_t layout_find_column(const struct list_layout *layout, struct text name);

/* The cells of a new row with the defaults of spec 2.1: General, Ready, Unknown Call Result, no
 * attempt. */
struct value *record_new_cells(struct scope *owner, const struct list_layout *layout);
int64_t record_i64(const struct record *record, uint32_t column); /* NULL reads 0 */
struct text record_text(const struct record *record, uint32_t column);
struct value value_copy(struct scope *owner, const struct value *value); /* scalars and texts */
bool value_same(const struct value *a, const struct value *b);
static inline struct value value_of_i64(int64_t integer)
{
    return (struct value){ .kind = VALUE_INTEGER, .integer = integer };
}
static inline struct value value_of_text(struct text text)
{
    return (struct value){ .kind = VALUE_TEXT, .text = text };
}
/* A text as it goes into the table, good until the next one: ERR_INVALID where a character has no
 * place in the set. And back, with U+FFFD for what means nothing. */
enum err charset_encode(const struct list_charset *charset, struct text in, struct text *out);
struct text charset_decode(const struct list_charset *charset, struct scope *owner, struct text in);
/* A value from outside made fit for a column: numbers become text where the column is text and the
 * other way round; texts are bounded. Names the rule in `fault` where it does not fit. */
enum err value_for_column(struct scope *owner, const struct column_layout *column,
                          const struct value *in, struct value *out, struct fault *fault);
/* As the protocol writes user fields: numbers as decimal text; NULL as an empty text. */
struct text value_as_text(struct scope *owner, const struct value *value);

/* SQL of a list's own table. Pure text; identifiers are checked when the layout is made. */
void list_sql_create(const struct list_layout *layout, struct buf *out);
void list_sql_insert(const struct list_layout *layout, struct buf *out); /* ?1.. in layout order */
void list_sql_columns(const struct list_layout *layout,
                      struct buf *out); /* "record_id, contact_info, ..." */
/* "UPDATE t SET a = ?1, b = ?2 WHERE chain_id = ?3 AND chain_n = ?4" for the columns given. */
void list_sql_update(const struct list_layout *layout, const uint32_t *columns, uint32_t count,
                     struct buf *out);

#endif
