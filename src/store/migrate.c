/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations: the version of a database is a row of its table meta, which the store makes itself.
 * Each step and its version are one transaction: a crash in between leaves the step before. One
 * release may read what the next one wrote (design 5, Upgrade): a database one version ahead is
 * taken as it is, one that is further ahead is refused. */
#include "store/driver.h"
#include "store/rows.h"

#include "base/buf.h"

static const struct statement find_version = {
    "SELECT value FROM meta WHERE name = 'schema_version'"
};
static const struct statement find_half_moved = {
    "SELECT count(*) FROM meta WHERE name = '" STORE_HALF_MOVED "'"
};
static const char make_meta[] =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)";

static enum err query_tables(const struct driver *driver, struct connection *connection,
                             int64_t *tables, bool *has_meta, struct fault *fault)
{
    struct rows rows = { 0 };
    struct query query = { .statement = driver->find_tables };
    enum err err = driver->query(connection, &query, &rows, fault);
    if (!err) {
        *tables = rows_i64(&rows, 0, 0);
        *has_meta = rows_i64(&rows, 0, 1) > 0;
    }
    rows_free(&rows);
    return err;
}

static enum err query_version(const struct driver *driver, struct connection *connection,
                              uint32_t *version, struct fault *fault)
{
    struct rows rows = { 0 };
    struct query query = { .statement = &find_version };
    enum err err = driver->query(connection, &query, &rows, fault);
    if (!err && rows_count(&rows) == 0)
        err = fault_set(fault, ERR_INVALID, "", "its table meta names no schema version");
    if (!err && text_to_u32(rows_text(&rows, 0, 0), 0, UINT32_MAX, version))
        err = fault_set(fault, ERR_INVALID, "", "its schema version \"%.*s\" is no number",
                        TEXT_ARG(rows_text(&rows, 0, 0)));
    rows_free(&rows);
    return err;
}

static enum err check_whole(const struct driver *driver, struct connection *connection,
                            struct fault *fault)
{
    struct rows rows = { 0 };
    struct query query = { .statement = &find_half_moved };
    enum err err = driver->query(connection, &query, &rows, fault);
    if (!err && rows_i64(&rows, 0, 0) > 0)
        err = fault_set(fault, ERR_CONFLICT, "",
                        "the move of data into it was begun and not ended: run carillon migrate "
                        "again");
    rows_free(&rows);
    return err;
}

static enum err find_present(const struct driver *driver, struct connection *connection,
                             const struct store_options *options, uint32_t *version,
                             struct fault *fault)
{
    int64_t tables;
    bool has_meta;
    *version = 0;
    enum err err = query_tables(driver, connection, &tables, &has_meta, fault);
    if (err) return err;
    if (has_meta && !(options && options->takes_half_moved))
        err = check_whole(driver, connection, fault);
    if (err) return err;
    if (has_meta) return query_version(driver, connection, version, fault);
    if (tables == 0) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "", "it holds tables, but none of them is ours");
}

static enum err run_step(const struct driver *driver, struct connection *connection,
                         const struct migration *migration, struct fault *fault)
{
    struct buf sql = { 0 };
    buf_format(&sql,
               "%s;\n%s;\n%s\n;"
               "INSERT INTO meta VALUES ('schema_version', '%u')"
               " ON CONFLICT (name) DO UPDATE SET value = excluded.value;\nCOMMIT;",
               driver->begin, make_meta, migration->sql, migration->version);
    buf_add_byte(&sql, '\0');
    enum err err = driver->execute(connection, sql.at, fault);
    if (err) (void)driver->execute(connection, "ROLLBACK", NULL);
    buf_free(&sql);
    return err;
}

static uint32_t newest_version(const struct migration *migrations)
{
    uint32_t newest = 0;
    for (; migrations->version; migrations++) newest = migrations->version;
    return newest;
}

static enum err check_ahead(uint32_t present, uint32_t newest, struct fault *fault)
{
    if (present <= newest + 1) return ERR_OK;
    return fault_set(fault, ERR_UNSUPPORTED, "",
                     "it has schema version %u, this release knows %u: only a database of the next "
                     "release can be opened; start the newer release",
                     present, newest);
}

enum err migrate(const struct driver *driver, struct connection *connection, struct text path,
                 const struct migration *migrations, const struct store_options *options,
                 struct fault *fault)
{
    uint32_t present = 0;
    struct fault reason;
    enum err err = driver->make_ready ? driver->make_ready(connection, &reason) : ERR_OK;
    if (!err) err = find_present(driver, connection, options, &present, &reason);
    if (!err) err = check_ahead(present, newest_version(migrations), &reason);
    for (const struct migration *step = migrations; !err && step->version; step++)
        if (step->version > present) err = run_step(driver, connection, step, &reason);
    if (err) return fault_set(fault, err, "", "%.*s: %s", TEXT_ARG(path), reason.words);
    return ERR_OK;
}
