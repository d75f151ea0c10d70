/* SPDX-License-Identifier: Apache-2.0 */
#include "app/transfer_catalogue.h"

/* --- asking --- */

struct asked {
    struct store *store;
    void (*on_rows)(void *self, const struct rows *rows);
    void *self;
    enum err err;
    struct fault *fault;
};

static void on_answer(void *self, enum err err, const struct rows *rows)
{
    struct asked *asked = self;
    asked->err = err;
    if (err)
        (void)fault_set(asked->fault, err, "", "%s", store_query_words(asked->store));
    else
        asked->on_rows(asked->self, rows);
}

enum err transfer_query(struct store *store, const struct query *query,
                        void (*on_rows)(void *self, const struct rows *rows), void *self,
                        struct fault *fault)
{
    struct asked asked = { store, on_rows, self, ERR_OK, fault };
    enum err err = store_query_now(store, query, on_answer, &asked);
    return err ? err : asked.err;
}

/* --- names --- */

static const struct statement find_tables = {
    "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' "
    "ORDER BY name",
    .postgres = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema "
                "= current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'store_commit' "
                "ORDER BY 1",
};

static const struct statement find_indexes = {
    "SELECT sql FROM sqlite_master WHERE type = 'index' AND lower(tbl_name) = lower(?1) AND sql IS "
    "NOT NULL ORDER BY name",
    .postgres = "SELECT regexp_replace(replace(indexdef, ' USING btree', ''), ' ON [^ ]+\\.', "
                "' ON ') FROM pg_indexes WHERE schemaname = current_schema() AND tablename = "
                "lower(?1) AND indexname NOT IN (SELECT constraint_name FROM "
                "information_schema.table_constraints WHERE table_schema = current_schema()) "
                "ORDER BY indexname",
};

struct naming {
    struct scope *scope;
    struct transfer_names *out;
};

static void on_names(void *self, const struct rows *rows)
{
    struct naming *naming = self;
    uint32_t count = rows_count(rows);
    if (count > TRANSFER_TABLES_MAX) count = TRANSFER_TABLES_MAX;
    naming->out->at = scope_alloc_array(naming->scope, count, sizeof *naming->out->at);
    naming->out->count = count;
    for (uint32_t i = 0; i < count; i++)
        naming->out->at[i] = scope_keep(naming->scope, rows_text(rows, i, 0));
}

enum err transfer_tables(struct store *store, struct scope *scope, struct transfer_names *out,
                         struct fault *fault)
{
    struct naming naming = { scope, out };
    struct query query = { .statement = &find_tables };
    return transfer_query(store, &query, on_names, &naming, fault);
}

enum err transfer_indexes(struct store *store, struct scope *scope, struct text table,
                          struct transfer_names *out, struct fault *fault)
{
    struct naming naming = { scope, out };
    struct value name = { .kind = VALUE_TEXT, .text = table };
    struct query query = { &find_indexes, &name, 1 };
    return transfer_query(store, &query, on_names, &naming, fault);
}

/* --- columns --- */

static const struct statement find_columns = {
    "SELECT name, type, \"notnull\", pk, coalesce(dflt_value, '') FROM pragma_table_info(?1) "
    "ORDER BY cid",
    .postgres =
        "SELECT CAST(c.column_name AS TEXT), CASE c.data_type WHEN 'bigint' THEN 'INTEGER' WHEN "
        "'integer' THEN 'int' WHEN 'smallint' THEN 'int' WHEN 'double precision' THEN 'REAL' WHEN "
        "'bytea' THEN 'BLOB' WHEN 'character varying' THEN 'varchar(' || "
        "coalesce(c.character_maximum_length, 1000) || ')' ELSE 'TEXT' END, CASE c.is_nullable "
        "WHEN "
        "'NO' THEN 1 ELSE 0 END, coalesce(k.ordinal_position, 0), "
        "coalesce(regexp_replace(c.column_default, '::[a-z ]+', '', 'g'), '') FROM "
        "information_schema.columns c LEFT JOIN (SELECT u.table_name, u.column_name, "
        "u.ordinal_position FROM information_schema.table_constraints t JOIN "
        "information_schema.key_column_usage u ON u.constraint_name = t.constraint_name AND "
        "u.table_schema = t.table_schema AND u.table_name = t.table_name WHERE t.constraint_type = "
        "'PRIMARY KEY' AND t.table_schema = current_schema()) k ON k.table_name = c.table_name AND "
        "k.column_name = c.column_name WHERE c.table_schema = current_schema() AND c.table_name = "
        "lower(?1) AND c.column_name <> 'rowid' ORDER BY c.ordinal_position",
};

struct shaping {
    struct scope *scope;
    struct transfer_shape *out;
};

static void on_columns(void *self, const struct rows *rows)
{
    struct shaping *shaping = self;
    struct transfer_shape *shape = shaping->out;
    uint32_t count = rows_count(rows);
    if (count > TRANSFER_COLUMNS_MAX) count = TRANSFER_COLUMNS_MAX;
    shape->columns = scope_alloc_array(shaping->scope, count, sizeof *shape->columns);
    shape->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        shape->columns[i] = (struct transfer_column){
            .name = scope_keep(shaping->scope, rows_text(rows, i, 0)),
            .type = scope_keep(shaping->scope, rows_text(rows, i, 1)),
            .is_not_null = rows_i64(rows, i, 2) != 0,
            .key_place = (uint32_t)rows_i64(rows, i, 3),
            .fallback = scope_keep(shaping->scope, rows_text(rows, i, 4)),
        };
        if (shape->columns[i].key_place > shape->key_count)
            shape->key_count = shape->columns[i].key_place;
    }
}

static const struct statement find_number = {
    "SELECT 1 FROM pragma_table_list WHERE lower(name) = lower(?1) AND wr = 0 AND schema = 'main'",
    .postgres = "SELECT 1 FROM information_schema.columns WHERE table_schema = current_schema() "
                "AND table_name = lower(?1) AND column_name = 'rowid'",
};

static void on_number(void *self, const struct rows *rows)
{
    *(bool *)self = rows_count(rows) > 0;
}

enum err transfer_columns(struct store *store, struct scope *scope, struct text table,
                          struct transfer_shape *out, struct fault *fault)
{
    *out = (struct transfer_shape){ .name = table };
    struct shaping shaping = { scope, out };
    struct value name = { .kind = VALUE_TEXT, .text = table };
    struct query query = { &find_columns, &name, 1 }, number = { &find_number, &name, 1 };
    enum err err = transfer_query(store, &query, on_columns, &shaping, fault);
    return err ? err : transfer_query(store, &number, on_number, &out->is_numbered, fault);
}

/* --- making one --- */

static bool is_row_number(const struct transfer_shape *shape, const struct transfer_column *column)
{
    return shape->key_count == 1 && column->key_place == 1 &&
           text_eq_fold(column->type, TEXT("INTEGER"));
}

static void put_column(const struct transfer_shape *shape, const struct transfer_column *column,
                       struct buf *out)
{
    buf_format(out, "%.*s %.*s", TEXT_ARG(column->name), TEXT_ARG(column->type));
    if (is_row_number(shape, column)) {
        buf_add_z(out, " PRIMARY KEY");
        return;
    }
    if (column->is_not_null) buf_add_z(out, " NOT NULL");
    if (column->fallback.len) buf_format(out, " DEFAULT %.*s", TEXT_ARG(column->fallback));
}

static const struct transfer_column *key_column(const struct transfer_shape *shape, uint32_t place)
{
    for (uint32_t i = 0; i < shape->column_count; i++)
        if (shape->columns[i].key_place == place) return &shape->columns[i];
    ASSERT(false);
}

void transfer_put_key(const struct transfer_shape *shape, struct buf *out)
{
    for (uint32_t place = 1; place <= shape->key_count; place++)
        buf_format(out, "%s%.*s", place > 1 ? ", " : "", TEXT_ARG(key_column(shape, place)->name));
}

void transfer_put_table(const struct transfer_shape *shape, bool has_number, struct buf *out)
{
    bool has_key = shape->key_count > 0;
    buf_format(out, "CREATE TABLE %.*s (", TEXT_ARG(shape->name));
    for (uint32_t i = 0; i < shape->column_count; i++) {
        if (i) buf_add_z(out, ", ");
        put_column(shape, &shape->columns[i], out);
        if (is_row_number(shape, &shape->columns[i])) has_key = false;
    }
    if (has_key) {
        buf_add_z(out, ", PRIMARY KEY (");
        transfer_put_key(shape, out);
        buf_add_z(out, ")");
    }
    if (has_number) buf_add_z(out, ", rowid bigint GENERATED ALWAYS AS IDENTITY");
    buf_add_z(out, ")");
}
