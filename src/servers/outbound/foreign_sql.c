/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/foreign_sql.h"

enum { INDEX_NAME_PART = 50 }; /* PostgreSQL cuts names at 63 */

static void add_type(const struct column_layout *column, bool is_own, struct buf *out)
{
    if (column->is_text && column->len_max)
        buf_format(out, " varchar(%u)", column->len_max);
    else if (column->is_text)
        buf_add_z(out, " text");
    else if (column->is_float)
        buf_add_z(out, " float");
    else
        buf_add_z(out,
                  is_own ? " bigint" : " integer"); /* 2.1 says integer of the mandatory ones */
}

void foreign_sql_create(const struct list_layout *layout, struct buf *out)
{
    struct text table = layout->table, part = text_slice(table, 0, INDEX_NAME_PART);
    buf_format(out, "CREATE TABLE %.*s (", TEXT_ARG(table));
    for (uint32_t i = 0; i < layout->count; i++) {
        if (i) buf_add_z(out, ", ");
        buf_add(out, layout->columns[i].name);
        add_type(&layout->columns[i], i >= COLUMNS_MANDATORY, out);
        if (layout->columns[i].is_key) buf_add_z(out, " NOT NULL");
    }
    buf_format(out,
               ", PRIMARY KEY (chain_id, chain_n));"
               "CREATE INDEX %.*s_ready ON %.*s (record_type, chain_id, chain_n) "
               "WHERE record_status = 1;"
               "CREATE INDEX %.*s_retrieved ON %.*s (chain_id, chain_n) WHERE record_status = 2;"
               "CREATE INDEX %.*s_waiting ON %.*s (chain_id, chain_n) WHERE record_status = 9;"
               "CREATE INDEX %.*s_record ON %.*s (record_id)",
               TEXT_ARG(part), TEXT_ARG(table), TEXT_ARG(part), TEXT_ARG(table), TEXT_ARG(part),
               TEXT_ARG(table), TEXT_ARG(part), TEXT_ARG(table));
}

static void add_parameter(const struct column_layout *column, uint32_t number, struct buf *out)
{
    if (column->is_text)
        buf_format(out, "?%u", number);
    else
        buf_format(out, "CAST(?%u AS %s)", number,
                   column->is_float ? "double precision" : "bigint");
}

/* " EXISTS (...)": the chain is ours. */
static void add_held(const struct list_layout *layout, uint32_t chain_id, uint32_t app_id,
                     struct buf *out)
{
    buf_format(out,
               " EXISTS (SELECT 1 FROM %.*s AS held WHERE held.chain_id = ?%u "
               "AND held.record_status = 2 AND held.app_id = ?%u)",
               TEXT_ARG(layout->table), chain_id, app_id);
}

void foreign_sql_insert(const struct list_layout *layout, struct buf *out)
{
    buf_format(out, "INSERT INTO %.*s (", TEXT_ARG(layout->table));
    list_sql_columns(layout, out);
    buf_add_z(out, ") SELECT ");
    for (uint32_t i = 0; i < layout->count; i++) {
        if (i) buf_add_z(out, ", ");
        add_parameter(&layout->columns[i], i + 1, out);
    }
    buf_format(out,
               " WHERE NOT EXISTS (SELECT 1 FROM %.*s AS there WHERE there.chain_id = ?%u "
               "AND there.chain_n = ?%u AND there.record_id = ?%u)",
               TEXT_ARG(layout->table), COLUMN_CHAIN_ID + 1, COLUMN_CHAIN_N + 1,
               COLUMN_RECORD_ID + 1);
}

void foreign_sql_write(const struct list_layout *layout, struct buf *out)
{
    uint32_t number = 0;
    buf_format(out, "UPDATE %.*s SET ", TEXT_ARG(layout->table));
    for (uint32_t i = 0; i < layout->count; i++) {
        if (layout->columns[i].is_key || i == COLUMN_RECORD_ID) continue;
        buf_format(out, "%s%.*s = ", number ? ", " : "", TEXT_ARG(layout->columns[i].name));
        add_parameter(&layout->columns[i], ++number, out);
    }
    buf_format(out, " WHERE chain_id = ?%u AND chain_n = ?%u AND", number + 1, number + 2);
    add_held(layout, number + 1, number + 3, out);
}

void foreign_sql_take(const struct list_layout *layout, struct buf *out)
{
    buf_format(out,
               "UPDATE %.*s SET record_status = 2, app_id = ?3, campaign_id = ?4, group_id = ?5 "
               "WHERE chain_id = ?1 AND chain_n = ?2 AND record_status = 1 AND NOT EXISTS "
               "(SELECT 1 FROM %.*s AS taken WHERE taken.chain_id = ?1 "
               "AND taken.record_status = 2)",
               TEXT_ARG(layout->table), TEXT_ARG(layout->table));
}

void foreign_sql_take_sibling(const struct list_layout *layout, struct buf *out)
{
    buf_format(out,
               "UPDATE %.*s SET record_status = 9 WHERE chain_id = ?1 AND chain_n = ?2 "
               "AND record_status = 1",
               TEXT_ARG(layout->table));
}

void foreign_sql_release_siblings(const struct list_layout *layout, struct buf *out)
{
    buf_format(out,
               "UPDATE %.*s SET record_status = 1 WHERE chain_id = ?1 AND record_status = 9 AND",
               TEXT_ARG(layout->table));
    add_held(layout, 1, 2, out);
}

void foreign_sql_release(const struct list_layout *layout, struct buf *out)
{
    buf_format(out,
               "UPDATE %.*s SET record_status = 1 WHERE chain_id = ?1 AND record_status = 2 "
               "AND app_id = ?2",
               TEXT_ARG(layout->table));
}

/* ?first .. as a list in parentheses. */
static void add_numbers(uint32_t first, uint32_t count, struct buf *out)
{
    buf_add_byte(out, '(');
    for (uint32_t i = 0; i < count; i++) buf_format(out, "%s?%u", i ? ", " : "", first + i);
    buf_add_byte(out, ')');
}

static void add_zones(uint32_t first, uint32_t count, struct buf *out)
{
    buf_add_byte(out, '(');
    for (uint32_t i = 0; i < count; i++)
        buf_format(out, "%sSELECT CAST(?%u AS bigint)%s, CAST(?%u AS bigint)%s",
                   i ? " UNION ALL " : "", first + 2 * i, i ? "" : " AS zone_dbid",
                   first + 2 * i + 1, i ? "" : " AS zone_seconds");
    buf_add_z(out, ") AS zone");
}

/* A parameter alone has no type in PostgreSQL. */
#define TYPE "CAST(?2 AS bigint)"
#define NOW  "CAST(?3 AS bigint)"
#define FROM "CAST(?4 AS bigint)"
#define TILL "CAST(?5 AS bigint)"

void foreign_sql_select(const struct list_layout *layout, const struct foreign_selection *selection,
                        struct buf *out)
{
    enum { ZONES_FROM = 6 };
    struct text table = layout->table;
    buf_format(out, "SELECT %.*s.chain_id, %.*s.chain_n FROM %.*s INNER JOIN ", TEXT_ARG(table),
               TEXT_ARG(table), TEXT_ARG(table));
    add_zones(ZONES_FROM, selection->zones, out);
    buf_format(out,
               " ON zone.zone_dbid = %.*s.tz_dbid "
               "WHERE %.*s.record_status = 1 AND %.*s.record_type = " TYPE " "
               "AND (" TYPE " = 2 OR %.*s.dial_sched_time <= " NOW ") "
               "AND ((daily_from < daily_till AND daily_from <= zone_seconds "
               "AND zone_seconds < daily_till) OR (daily_from > daily_till "
               "AND (zone_seconds >= daily_from OR zone_seconds < daily_till))) "
               "AND (" FROM " = " TILL " OR (" FROM " < " TILL " AND " FROM " <= zone_seconds "
               "AND zone_seconds < " TILL ") "
               "OR (" FROM " > " TILL " AND (zone_seconds >= " FROM " OR zone_seconds < " TILL
               "))) "
               "AND NOT EXISTS (SELECT 1 FROM %.*s AS taken WHERE taken.chain_id = %.*s.chain_id "
               "AND taken.record_status = 2) "
               "AND (" TYPE " IN (4, 5) OR NOT EXISTS (SELECT 1 FROM %.*s AS promised "
               "WHERE promised.chain_id = %.*s.chain_id AND promised.record_status = 1 "
               "AND promised.record_type IN (3, 4, 5, 6) " /* for the index, see list.c */
               "AND (promised.record_type IN (4, 5) OR (promised.record_type IN (3, 6) "
               "AND promised.dial_sched_time > " NOW "))))",
               TEXT_ARG(table), TEXT_ARG(table), TEXT_ARG(table), TEXT_ARG(table), TEXT_ARG(table),
               TEXT_ARG(table), TEXT_ARG(table), TEXT_ARG(table));
    if (selection->agents) {
        buf_format(out, " AND (%.*s.dial_sched_time <= " NOW " - 86400 OR %.*s.agent_id IN ",
                   TEXT_ARG(table), TEXT_ARG(table));
        add_numbers(ZONES_FROM + 2 * selection->zones, selection->agents, out);
        buf_add_byte(out, ')');
    }
    if (selection->max_attempts)
        buf_format(out, " AND %.*s.attempt < %u", TEXT_ARG(table), selection->max_attempts);
    if (selection->criteria.len) buf_format(out, " AND (%.*s)", TEXT_ARG(selection->criteria));
    buf_add_z(out, " ORDER BY ");
    if (selection->order_by.len) buf_format(out, "%.*s, ", TEXT_ARG(selection->order_by));
    buf_format(out, "%.*s.chain_id, %.*s.chain_n LIMIT ?1", TEXT_ARG(table), TEXT_ARG(table));
}

void foreign_sql_load_chains(const struct list_layout *layout, uint32_t chains, struct buf *out)
{
    buf_add_z(out, "SELECT ");
    list_sql_columns(layout, out);
    buf_format(out, " FROM %.*s WHERE chain_id IN ", TEXT_ARG(layout->table));
    add_numbers(1, chains, out);
    buf_add_z(out, " ORDER BY chain_id, chain_n");
}

uint32_t foreign_sql_rounded(uint32_t wanted)
{
    uint32_t rounded = wanted ? 1 : 0;
    while (rounded < wanted) rounded *= 4;
    return rounded;
}

void foreign_sql_left(const struct list_layout *layout, struct buf *out)
{
    buf_format(out,
               "SELECT chain_id, chain_n FROM %.*s WHERE record_status = 2 AND app_id = ?1 "
               "AND chain_id > CAST(?2 AS bigint) ORDER BY chain_id, chain_n LIMIT ?3",
               TEXT_ARG(layout->table));
}

void foreign_sql_recover(const struct list_layout *layout, struct buf *out)
{
    buf_format(out,
               "UPDATE %.*s SET record_status = 1, call_result = %d WHERE chain_id = ?1 "
               "AND chain_n = ?2 AND record_status = 2 AND app_id = ?3",
               TEXT_ARG(layout->table), CALL_RESULT_STALE);
}

void foreign_sql_free_siblings(const struct list_layout *layout, struct buf *out)
{
    buf_format(out,
               "UPDATE %.*s SET record_status = 1 WHERE record_status = 9 AND NOT EXISTS "
               "(SELECT 1 FROM %.*s AS taken WHERE taken.chain_id = %.*s.chain_id "
               "AND taken.record_status = 2)",
               TEXT_ARG(layout->table), TEXT_ARG(layout->table), TEXT_ARG(layout->table));
}

void foreign_sql_counters(const struct list_layout *layout, struct buf *out)
{
    buf_format(out, "SELECT coalesce(max(record_id), 0), coalesce(max(chain_id), 0) FROM %.*s",
               TEXT_ARG(layout->table));
}

enum err foreign_check_column(const struct list_layout *layout, struct text name, struct text holds,
                              int64_t len, struct fault *fault)
{
    uint32_t at = layout_find_column(layout, name);
    if (at == UINT32_MAX)
        return fault_set(fault, ERR_CONFLICT, "table",
                         "%.*s has a column %.*s that its Format does not name",
                         TEXT_ARG(layout->table), TEXT_ARG(name));
    const struct column_layout *column = &layout->columns[at];
    struct text wanted = column->is_text    ? TEXT("text")
                         : column->is_float ? TEXT("float")
                                            : TEXT("integer");
    if (!text_eq(holds, wanted))
        return fault_set(
            fault, ERR_CONFLICT, "table", "column %.*s of %.*s holds %.*s, its Field says %.*s",
            TEXT_ARG(column->name), TEXT_ARG(layout->table), TEXT_ARG(holds), TEXT_ARG(wanted));
    if (column->is_text && len != (int64_t)column->len_max)
        return fault_set(fault, ERR_CONFLICT, "table",
                         "column %.*s of %.*s holds %lld characters, its Field says %u (0: no "
                         "bound)",
                         TEXT_ARG(column->name), TEXT_ARG(layout->table), (long long)len,
                         column->len_max);
    return ERR_OK;
}
