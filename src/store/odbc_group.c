/* SPDX-License-Identifier: Apache-2.0 */
/* A group of changes as one transaction of a database behind ODBC. Start reading at
 * odbc_run_group().
 *
 * Savepoints are spoken in dialects, so there are none: when a change of a group fails, the
 * transaction is undone and the others run again, each in its own. A connection that was lost
 * before the commit left nothing; it is made anew and the group tried once more. When the answer of
 * a commit does not come nobody knows whether it happened: ERR_IO, and unlike on a disk of our own
 * the store goes on. */
#include "store/odbc_private.h"

#include "store/change.h"

static enum err bind_parameter(struct connection *connection, struct prepared *prepared,
                               uint32_t index, const struct change_parameter *parameter,
                               struct fault *fault)
{
    /* The bytes outlive the execution: they lie in the change. */
    const char *bytes = parameter_bytes(parameter);
    switch (parameter->kind) {
    case VALUE_INTEGER:
        return odbc_bind_i64(connection, prepared, index, (const int64_t *)(const void *)bytes,
                             fault);
    case VALUE_FLOAT:
        return odbc_bind_f64(connection, prepared, index, (const double *)(const void *)bytes,
                             fault);
    case VALUE_TEXT:
    case VALUE_BYTES:
        return odbc_bind_text(connection, prepared, index, bytes, parameter->len,
                              parameter->kind == VALUE_BYTES, fault);
    default: return odbc_bind_null(connection, prepared, index, fault);
    }
}

/* Rows touched, or rows returned where a statement returns rows. */
static int64_t count_rows(SQLHSTMT handle)
{
    SQLSMALLINT columns = 0;
    SQLLEN touched = 0;
    (void)SQLNumResultCols(handle, &columns);
    if (columns == 0) {
        (void)SQLRowCount(handle, &touched);
        return touched;
    }
    while (SQL_SUCCEEDED(SQLFetch(handle))) touched++;
    return touched;
}

static enum err run_statement(struct connection *connection,
                              const struct change_statement *statement,
                              struct change_cursor *cursor, int64_t *rows, struct fault *fault)
{
    struct prepared *prepared = odbc_find(connection, statement->statement, fault);
    if (prepared == NULL) return fault->err;
    enum err err = check_parameter_count(statement->parameter_count, prepared->parameter_count,
                                         prepared->statement->sql, fault);
    for (uint32_t i = 0; !err && i < statement->parameter_count; i++)
        err = bind_parameter(connection, prepared, i, change_next_parameter(cursor), fault);
    if (err) return err;
    SQLRETURN code = SQLExecute(prepared->handle);
    if (!SQL_SUCCEEDED(code) && code != SQL_NO_DATA)
        err = odbc_error(connection, SQL_HANDLE_STMT, prepared->handle, fault);
    else
        *rows = count_rows(prepared->handle);
    if (connection->handle) (void)SQLFreeStmt(prepared->handle, SQL_CLOSE);
    return err;
}

/* --- a group --- */

static void undo(struct connection *connection)
{
    struct fault fault;
    if (connection->handle &&
        !SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, connection->handle, SQL_ROLLBACK))) {
        (void)odbc_error(connection, SQL_HANDLE_DBC, connection->handle, &fault);
        odbc_disconnect(connection); /* in what state it is nobody knows */
    }
}

/* What the simulated world does instead (sim_store.h). */
static enum err commit_simulated(struct connection *connection, enum commit_fate fate,
                                 struct fault *fault)
{
    (void)SQLEndTran(SQL_HANDLE_DBC, connection->handle,
                     fate == COMMIT_SYNC_FAILS_KEPT ? SQL_COMMIT : SQL_ROLLBACK);
    if (fate == COMMIT_DISK_FULL) return fault_set(fault, ERR_FULL, "", "simulated: disk full");
    return fault_set(fault, ERR_IO, "", "simulated: the answer of the commit was lost");
}

/* ERR_OK: durable. An error that the database itself reports undid everything; else ERR_IO. */
static enum err commit(struct connection *connection, struct group *group, struct fault *fault)
{
    if (group->fate != COMMIT_WORKS) return commit_simulated(connection, group->fate, fault);
    uint64_t started = group_clock_us();
    SQLRETURN code = SQLEndTran(SQL_HANDLE_DBC, connection->handle, SQL_COMMIT);
    group->commit_us += group_clock_us() - started;
    if (SQL_SUCCEEDED(code)) return ERR_OK;
    enum err err = odbc_error(connection, SQL_HANDLE_DBC, connection->handle, fault);
    if (err == ERR_CONFLICT || err == ERR_EXISTS || err == ERR_INVALID || err == ERR_FULL) {
        undo(connection);
        return err;
    }
    odbc_disconnect(connection);
    fault->err = ERR_IO;
    return ERR_IO;
}

/* Run what is not settled, or `one` alone, without the commit. On an error the transaction is
 * undone; where the change is to blame it is settled. */
static enum err run_changes(struct connection *connection, struct group *group,
                            const struct change *one, struct fault *fault)
{
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change)) {
        if (one && change != one) continue;
        int index = -1;
        bool left_rows; /* no matter: the transaction is undone */
        enum err err =
            group_run_statements(connection, change, run_statement, &index, &left_rows, fault);
        if (err == ERR_OK) continue;
        undo(connection);
        if (!err_is_of_the_change(err) || connection->handle == NULL) return ERR_UNAVAILABLE;
        change_fail(change, err, index, fault->words);
        change->is_settled = true;
        return err;
    }
    return ERR_OK;
}

static void settle(struct change *change)
{
    change->result = (struct change_result){ .words = "", .failed_statement = -1 };
    change->is_settled = true;
}

static void run_one_by_one(struct connection *connection, struct group *group)
{
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change)) {
        struct fault fault;
        bool is_fresh;
        enum err err = odbc_connect(connection, &is_fresh, &fault);
        if (!err) err = run_changes(connection, group, change, &fault);
        if (change->is_settled) continue;
        if (!err) err = commit(connection, group, &fault);
        if (err)
            change_fail(change, err, -1, fault.words);
        else
            settle(change);
        change->is_settled = true;
    }
}

static void run_together(struct connection *connection, struct group *group)
{
    struct fault fault;
    bool is_fresh;
    enum err err = odbc_connect(connection, &is_fresh, &fault);
    if (!err) err = run_changes(connection, group, NULL, &fault);
    if (err && !is_fresh && connection->handle == NULL) { /* it was lost while nobody looked */
        err = odbc_connect(connection, &is_fresh, &fault);
        if (!err) err = run_changes(connection, group, NULL, &fault);
    }
    if (err == ERR_UNAVAILABLE) {
        group_fail_rest(group, err, fault.words);
        return;
    }
    if (!err) err = commit(connection, group, &fault);
    if (err == ERR_IO || err == ERR_FULL) {
        group_fail_rest(group, err, fault.words);
        return;
    }
    if (err) {
        run_one_by_one(connection, group);
        return;
    }
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change))
        settle(change);
}

void odbc_run_group(struct connection *connection, struct group *group)
{
    pthread_mutex_lock(&connection->lock);
    LIST_EACH (node, &group->changes) LIST_OBJECT(node, struct change, node)->is_settled = false;
    if (group->fence)
        group_fail_rest(group, ERR_UNSUPPORTED, "a database that is not ours keeps no lease");
    else if (group_next_open(group, NULL))
        run_together(connection, group);
    pthread_mutex_unlock(&connection->lock);
}
