/* SPDX-License-Identifier: Apache-2.0 */
/* Start reading at transfer_run(). */
#include "app/transfer.h"

#include "app/transfer_catalogue.h"

#include <openssl/evp.h>
#include <string.h>

enum { PAGE_ROWS = 200 };

struct moving {
    const struct transfer *transfer;
    struct scope *scope;
    struct loop *loop;
    struct store *from, *to;
    struct transfer_names tables;
    struct fault *fault;
};

/* --- statements --- */

static const struct statement *statement(struct store *store, struct buf *sql)
{
    const struct statement *kept = store_statement(store, buf_text(sql));
    buf_free(sql);
    return kept;
}

static void put_columns(const struct transfer_shape *shape, struct buf *out)
{
    for (uint32_t i = 0; i < shape->column_count; i++)
        buf_format(out, "%s%.*s", i ? ", " : "", TEXT_ARG(shape->columns[i].name));
}

/* In the order in which they came, where that is known. */
static const struct statement *number_statement(struct store *store,
                                                const struct transfer_shape *shape, bool is_first)
{
    struct buf sql = { 0 };
    buf_add_z(&sql, "SELECT ");
    put_columns(shape, &sql);
    buf_format(&sql, ", rowid FROM %.*s%s ORDER BY rowid LIMIT %d", TEXT_ARG(shape->name),
               is_first ? "" : " WHERE rowid > ?1", PAGE_ROWS);
    return statement(store, &sql);
}

/* Behind the row whose key is given, or the count of rows before it. */
static const struct statement *page_statement(struct store *store,
                                              const struct transfer_shape *shape, bool is_first)
{
    struct buf sql = { 0 };
    bool has_key = shape->key_count > 0;
    if (shape->is_numbered) return number_statement(store, shape, is_first);
    buf_add_z(&sql, "SELECT ");
    put_columns(shape, &sql);
    buf_format(&sql, " FROM %.*s", TEXT_ARG(shape->name));
    if (has_key && !is_first) {
        buf_add_z(&sql, " WHERE (");
        transfer_put_key(shape, &sql);
        for (uint32_t i = 1; i <= shape->key_count; i++)
            buf_format(&sql, "%s?%u", i == 1 ? ") > (" : ", ", i);
        buf_add_z(&sql, ")");
    }
    buf_add_z(&sql, " ORDER BY ");
    if (has_key)
        transfer_put_key(shape, &sql);
    else
        put_columns(shape, &sql);
    buf_format(&sql, " LIMIT %d", PAGE_ROWS);
    if (!has_key) buf_add_z(&sql, " OFFSET ?1");
    return statement(store, &sql);
}

static const struct statement *insert_statement(struct store *store,
                                                const struct transfer_shape *shape)
{
    struct buf sql = { 0 };
    buf_format(&sql, "INSERT INTO %.*s (", TEXT_ARG(shape->name));
    put_columns(shape, &sql);
    for (uint32_t i = 1; i <= shape->column_count; i++)
        buf_format(&sql, "%s?%u", i == 1 ? ") VALUES (" : ", ", i);
    buf_add_z(&sql, ")");
    return statement(store, &sql);
}

/* --- the sum over rows --- */

static void digest_value(EVP_MD_CTX *digest, const struct value *value)
{
    uint8_t head[9] = { (uint8_t)value->kind };
    bool has_bytes = value->kind == VALUE_TEXT || value->kind == VALUE_BYTES;
    uint64_t number = has_bytes ? value->text.len : (uint64_t)value->integer;
    if (value->kind == VALUE_FLOAT) memcpy(&number, &value->number, sizeof number);
    if (value->kind == VALUE_NULL) number = 0;
    memcpy(head + 1, &number, sizeof number);
    ASSERT(EVP_DigestUpdate(digest, head, sizeof head) == 1);
    if (has_bytes) ASSERT(EVP_DigestUpdate(digest, value->text.at, value->text.len) == 1);
}

/* Rows are added up, so that their order does not count: engines put NULL first or last. */
static void digest_row(const struct rows *rows, uint32_t row, uint32_t columns, uint8_t *sum)
{
    uint8_t one[TRANSFER_DIGEST_BYTES];
    uint32_t carry = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    ASSERT(digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1);
    for (uint32_t i = 0; i < columns; i++) digest_value(digest, rows_at(rows, row, i));
    ASSERT(EVP_DigestFinal_ex(digest, one, NULL) == 1);
    EVP_MD_CTX_free(digest);
    for (size_t i = 0; i < sizeof one; i++) {
        carry += (uint32_t)sum[i] + one[i];
        sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* --- reading one table --- */

struct reading {
    struct moving *moving;
    struct store *store;
    const struct transfer_shape *shape;
    struct transfer_step step;
    struct transfer_table table;
    struct change *change; /* NULL: only the sum is wanted */
    const struct statement *insert;
    struct scope *page;
    struct value *key; /* of the last row */
    uint32_t page_rows;
};

static bool is_mark(const struct reading *reading, const struct rows *rows, uint32_t row)
{
    return text_eq(reading->shape->name, TEXT("meta")) &&
           text_eq(rows_text(rows, row, 0), TEXT(STORE_HALF_MOVED));
}

static void add_row(struct reading *reading, const struct rows *rows, uint32_t row)
{
    if (text_eq(reading->shape->name, TEXT("meta")) &&
        text_eq(rows_text(rows, row, 0), TEXT("schema_version")))
        return; /* the migrations wrote it */
    change_add(reading->change, reading->insert, 1);
    for (uint32_t i = 0; i < reading->shape->column_count; i++) {
        const struct value *value = rows_at(rows, row, i);
        switch (value->kind) {
        case VALUE_INTEGER: change_bind_i64(reading->change, value->integer); break;
        case VALUE_FLOAT: change_bind_f64(reading->change, value->number); break;
        case VALUE_TEXT: change_bind_text(reading->change, value->text); break;
        case VALUE_BYTES: change_bind_bytes(reading->change, value->text); break;
        default: change_bind_null(reading->change);
        }
    }
}

static void keep_key(struct reading *reading, const struct rows *rows, uint32_t row)
{
    if (reading->shape->is_numbered) {
        reading->key[0] = *rows_at(rows, row, reading->shape->column_count);
        return;
    }
    for (uint32_t i = 0; i < reading->shape->column_count; i++) {
        uint32_t place = reading->shape->columns[i].key_place;
        if (place == 0) continue;
        struct value value = *rows_at(rows, row, i);
        if (value.kind == VALUE_TEXT || value.kind == VALUE_BYTES)
            value.text = scope_keep(reading->page, value.text);
        reading->key[place - 1] = value;
    }
}

static void on_page(void *self, const struct rows *rows)
{
    struct reading *reading = self;
    reading->page_rows = rows_count(rows);
    scope_reset(reading->page);
    for (uint32_t row = 0; row < reading->page_rows; row++) {
        if (is_mark(reading, rows, row)) continue;
        digest_row(rows, row, reading->shape->column_count, reading->table.digest);
        reading->table.rows++;
        if (reading->change) add_row(reading, rows, row);
    }
    if (reading->page_rows) keep_key(reading, rows, reading->page_rows - 1);
}

struct waiting {
    bool is_over;
    enum err err;
    struct fault *fault;
};

static void on_durable(void *self, const struct change_result *result)
{
    struct waiting *waiting = self;
    waiting->is_over = true;
    waiting->err = result->err;
    if (result->err) (void)fault_set(waiting->fault, result->err, "", "%s", result->words);
}

static enum err submit(struct moving *moving, struct change *change)
{
    struct waiting waiting = { .fault = moving->fault };
    if (change_rows(change) == 0) {
        change_drop(change);
        return ERR_OK;
    }
    change_submit(change, on_durable, &waiting);
    while (!waiting.is_over) loop_run_for(moving->loop, 1);
    return waiting.err;
}

static enum err read_page(struct reading *reading, const struct statement *statement, bool is_first)
{
    struct moving *moving = reading->moving;
    struct value offset = { .kind = VALUE_INTEGER, .integer = (int64_t)reading->step.rows };
    uint32_t key_count = reading->shape->is_numbered ? 1 : reading->shape->key_count;
    struct query query = { .statement = statement };
    if (statement == NULL) return fault_set(moving->fault, ERR_LIMIT, "", "too many tables");
    if (key_count == 0) query = (struct query){ statement, &offset, 1 };
    if (key_count && !is_first) query = (struct query){ statement, reading->key, key_count };
    if (reading->insert) reading->change = change_new(moving->to);
    enum err err = transfer_query(reading->store, &query, on_page, reading, moving->fault);
    if (err && reading->change) change_drop(reading->change);
    if (!err && reading->change) err = submit(moving, reading->change);
    reading->change = NULL;
    return err;
}

static void on_count(void *self, const struct rows *rows)
{
    *(uint64_t *)self = (uint64_t)rows_i64(rows, 0, 0);
}

static enum err count_rows(struct moving *moving, struct store *store, struct text table,
                           uint64_t *out)
{
    struct buf sql = { 0 };
    buf_format(&sql, "SELECT count(*) FROM %.*s", TEXT_ARG(table));
    struct query query = { .statement = statement(store, &sql) };
    if (query.statement == NULL) return fault_set(moving->fault, ERR_LIMIT, "", "too many tables");
    return transfer_query(store, &query, on_count, out, moving->fault);
}

static enum err read_table(struct reading *reading)
{
    const struct transfer *transfer = reading->moving->transfer;
    const struct statement *first = page_statement(reading->store, reading->shape, true);
    const struct statement *next = page_statement(reading->store, reading->shape, false);
    struct value key[TRANSFER_COLUMNS_MAX];
    reading->key = key;
    reading->page = scope_new(reading->moving->scope, "page", SCOPE_NO_LIMIT);
    enum err err = count_rows(reading->moving, reading->store, reading->shape->name,
                              &reading->step.rows_total);
    do {
        bool is_first = reading->step.rows == 0;
        if (!err) err = read_page(reading, is_first ? first : next, is_first);
        reading->step.rows += reading->page_rows;
        if (!err && transfer->on_step) transfer->on_step(transfer->self, &reading->step);
    } while (!err && reading->page_rows == PAGE_ROWS);
    scope_close(reading->page);
    if (err) {
        struct fault reason = *reading->moving->fault;
        return fault_set(reading->moving->fault, err, "", "table %.*s: %s",
                         TEXT_ARG(reading->shape->name), reason.words);
    }
    return ERR_OK;
}

/* --- the target --- */

static bool has_name(const struct transfer_names *names, struct text name)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (text_eq_fold(names->at[i], name)) return true;
    return false;
}

static enum err run_sql(struct moving *moving, struct buf *sql)
{
    enum err err = store_execute_now(moving->to, buf_text(sql), moving->fault);
    buf_free(sql);
    return err;
}

static void on_mark(void *self, const struct rows *rows)
{
    *(bool *)self = rows_count(rows) > 0;
}

static enum err find_mark(struct moving *moving, bool *is_there)
{
    static const struct statement find = { "SELECT 1 FROM meta WHERE name = '" STORE_HALF_MOVED
                                           "'" };
    struct query query = { .statement = &find };
    return transfer_query(moving->to, &query, on_mark, is_there, moving->fault);
}

/* The schema's version, and nothing else: else it is somebody's. */
static enum err check_empty(struct moving *moving, const struct transfer_names *present)
{
    bool is_marked;
    enum err err = find_mark(moving, &is_marked);
    for (uint32_t i = 0; !err && i < present->count; i++) {
        uint64_t rows = 0, allowed = text_eq(present->at[i], TEXT("meta")) ? 1 : 0;
        struct buf sql = { 0 };
        err = count_rows(moving, moving->to, present->at[i], &rows);
        if (err || rows <= allowed) continue;
        if (!is_marked)
            return fault_set(moving->fault, ERR_EXISTS, "to",
                             "the target holds data already: table %.*s has %llu rows",
                             TEXT_ARG(present->at[i]), (unsigned long long)rows);
        buf_format(&sql, "DELETE FROM %.*s%s", TEXT_ARG(present->at[i]),
                   allowed ? " WHERE name <> 'schema_version'" : "");
        err = run_sql(moving, &sql);
    }
    return err;
}

static enum err put_mark(struct moving *moving, bool is_there)
{
    struct buf sql = { 0 };
    buf_add_z(&sql, is_there ? "INSERT INTO meta (name, value) VALUES ('" STORE_HALF_MOVED
                               "', 'under way') ON CONFLICT (name) DO NOTHING"
                             : "DELETE FROM meta WHERE name = '" STORE_HALF_MOVED "'");
    return run_sql(moving, &sql);
}

static enum err make_table(struct moving *moving, const struct transfer_shape *shape)
{
    struct buf sql = { 0 };
    transfer_put_table(shape, shape->key_count == 0 && store_is_postgres(moving->to), &sql);
    return run_sql(moving, &sql);
}

static enum err make_indexes(struct moving *moving, struct text table)
{
    struct transfer_names indexes;
    enum err err = transfer_indexes(moving->from, moving->scope, table, &indexes, moving->fault);
    for (uint32_t i = 0; !err && i < indexes.count; i++) {
        struct buf sql = { 0 };
        buf_add(&sql, indexes.at[i]);
        err = run_sql(moving, &sql);
    }
    return err;
}

/* Numbers that PostgreSQL gives go on behind those that came. */
static enum err move_number(struct moving *moving, const struct transfer_shape *shape)
{
    bool is_numbered = shape->key_count == 1 && store_is_postgres(moving->to);
    for (uint32_t i = 0; is_numbered && i < shape->column_count; i++) {
        const struct transfer_column *column = &shape->columns[i];
        struct buf sql = { 0 };
        if (column->key_place == 0 || !text_eq_fold(column->type, TEXT("INTEGER"))) continue;
        buf_format(&sql,
                   "SELECT setval(pg_get_serial_sequence('%.*s', '%.*s'), max(%.*s)) FROM %.*s "
                   "WHERE pg_get_serial_sequence('%.*s', '%.*s') IS NOT NULL HAVING count(*) > 0",
                   TEXT_ARG(shape->name), TEXT_ARG(column->name), TEXT_ARG(column->name),
                   TEXT_ARG(shape->name), TEXT_ARG(shape->name), TEXT_ARG(column->name));
        return run_sql(moving, &sql);
    }
    return ERR_OK;
}

/* So that the first plans fit what is there (store_count_anew(), but waited for). */
static enum err count_anew(struct moving *moving, struct text table)
{
    struct buf sql = { 0 };
    if (!store_is_postgres(moving->to)) return ERR_OK;
    buf_format(&sql, "ANALYZE %.*s", TEXT_ARG(table));
    return run_sql(moving, &sql);
}

/* --- one table after the other --- */

static enum err copy_table(struct moving *moving, uint32_t number, bool is_there,
                           struct transfer_table *out)
{
    struct transfer_shape shape;
    struct text name = moving->tables.at[number];
    enum err err = transfer_columns(moving->from, moving->scope, name, &shape, moving->fault);
    if (!err && !is_there) err = make_table(moving, &shape);
    if (err) return err;
    struct reading reading = {
        .moving = moving,
        .store = moving->from,
        .shape = &shape,
        .table = { .name = name },
        .insert = insert_statement(moving->to, &shape),
        .step = { TRANSFER_COPIES, name, number + 1, moving->tables.count, 0, 0 },
    };
    if (reading.insert == NULL) return fault_set(moving->fault, ERR_LIMIT, "", "too many tables");
    err = read_table(&reading);
    if (!err && !is_there) err = make_indexes(moving, name);
    if (!err) err = move_number(moving, &shape);
    if (!err) err = count_anew(moving, name);
    *out = reading.table;
    return err;
}

/* The columns in the source's order: a table may have been altered there. */
static enum err compare_table(struct moving *moving, uint32_t number,
                              const struct transfer_table *wanted)
{
    struct transfer_shape shape, there;
    enum err err =
        transfer_columns(moving->from, moving->scope, wanted->name, &shape, moving->fault);
    if (!err)
        err = transfer_columns(moving->to, moving->scope, wanted->name, &there, moving->fault);
    if (err) return err;
    shape.is_numbered = there.is_numbered;
    struct reading reading = {
        .moving = moving,
        .store = moving->to,
        .shape = &shape,
        .table = { .name = wanted->name },
        .step = { TRANSFER_COMPARES, wanted->name, number + 1, moving->tables.count, 0, 0 },
    };
    err = read_table(&reading);
    if (err) return err;
    if (reading.table.rows != wanted->rows)
        return fault_set(moving->fault, ERR_CONFLICT, "", "table %.*s has %llu rows, not %llu",
                         TEXT_ARG(wanted->name), (unsigned long long)reading.table.rows,
                         (unsigned long long)wanted->rows);
    if (memcmp(reading.table.digest, wanted->digest, sizeof wanted->digest) != 0)
        return fault_set(moving->fault, ERR_CONFLICT, "", "table %.*s holds other values",
                         TEXT_ARG(wanted->name));
    return ERR_OK;
}

static enum err move_all(struct moving *moving, struct transfer_proof *proof)
{
    struct transfer_names all, present;
    enum err err = transfer_tables(moving->from, moving->scope, &all, moving->fault);
    if (!err) err = transfer_tables(moving->to, moving->scope, &present, moving->fault);
    if (!err) err = check_empty(moving, &present);
    if (!err) err = put_mark(moving, true);
    if (err) return err;
    moving->tables.at = scope_alloc_array(moving->scope, all.count, sizeof *all.at);
    for (uint32_t i = 0; i < all.count; i++)
        if (!text_eq(all.at[i], TEXT("lease")))
            moving->tables.at[moving->tables.count++] = all.at[i];
    proof->tables = scope_alloc_array(moving->scope, all.count, sizeof *proof->tables);
    for (uint32_t i = 0; !err && i < moving->tables.count; i++)
        err = copy_table(moving, i, has_name(&present, moving->tables.at[i]), &proof->tables[i]);
    for (uint32_t i = 0; !err && i < moving->tables.count; i++) {
        err = compare_table(moving, i, &proof->tables[i]);
        proof->rows += proof->tables[i].rows;
    }
    proof->count = moving->tables.count;
    return err ? err : put_mark(moving, false);
}

enum err transfer_run(struct scope *scope, struct loop *loop, const struct log *log,
                      const struct transfer *transfer, struct transfer_proof *proof,
                      struct fault *fault)
{
    struct moving moving = { .transfer = transfer, .scope = scope, .loop = loop, .fault = fault };
    struct scope *stores = scope_new(scope, "stores", SCOPE_NO_LIMIT);
    const struct store_options of_target = { .takes_half_moved = true };
    *proof = (struct transfer_proof){ 0 };
    enum err err = store_open(stores, loop, log, transfer->from, transfer->migrations, NULL,
                              &moving.from, fault);
    if (!err)
        err = store_open(stores, loop, log, transfer->to, transfer->migrations, &of_target,
                         &moving.to, fault);
    if (!err) err = move_all(&moving, proof);
    scope_close(stores);
    return err;
}
