/* SPDX-License-Identifier: Apache-2.0 */
/* A group of changes as one SQLite transaction. Start reading at sqlite_run_group().
 *
 * A group runs its changes one after the other, at first without savepoints, since changes hardly
 * ever fail and a savepoint for each cost the writer a quarter of its time. SQLite undoes a failed
 * statement itself; so where a change fails at its first one nothing is left of it. Where it fails
 * later, or touched an unexpected number of rows, or where SQLite gave up the whole transaction
 * (disk full in the middle), the group is rolled back and runs again without the culprit, this time
 * with savepoints: so it runs at most three times, whatever its changes do. */
#include "store/sqlite_private.h"

#include "store/change.h"

#include "fault.h"

static const struct statement
    begin = { "BEGIN IMMEDIATE" },
    commit = { "COMMIT" }, rollback = { "ROLLBACK" }, savepoint = { "SAVEPOINT change" },
    release = { "RELEASE change" }, rollback_to = { "ROLLBACK TO change" },
    check_fence = { "SELECT 1 FROM lease WHERE name = ?1 AND holder = ?2 AND epoch = ?3" };

/* Of the driver's own words: no parameters, no rows. */
static enum err run_word(struct connection *connection, const struct statement *statement,
                         struct fault *fault)
{
    struct prepared *prepared = sqlite_find(connection, statement, fault);
    if (prepared == NULL) return fault->err;
    enum err err = ERR_OK;
    if (sqlite3_step(prepared->handle) != SQLITE_DONE) err = sqlite_error(connection, fault);
    (void)sqlite3_reset(prepared->handle);
    return err;
}

/* --- one change --- */

static int bind_parameter(sqlite3_stmt *handle, int index, const struct change_parameter *parameter)
{
    /* The bytes outlive the step: they lie in the change. */
    const char *bytes = parameter_bytes(parameter);
    int len = (int)parameter->len;
    switch (parameter->kind) {
    case VALUE_INTEGER: return sqlite3_bind_int64(handle, index, parameter_i64(parameter));
    case VALUE_FLOAT: return sqlite3_bind_double(handle, index, parameter_f64(parameter));
    case VALUE_TEXT: return sqlite3_bind_text(handle, index, bytes, len, SQLITE_STATIC);
    case VALUE_BYTES: return sqlite3_bind_blob(handle, index, bytes, len, SQLITE_STATIC);
    default: return sqlite3_bind_null(handle, index);
    }
}

/* Rows touched, or rows returned where a statement returns rows. */
static enum err step_to_end(struct connection *connection, sqlite3_stmt *handle, int64_t *rows,
                            struct fault *fault)
{
    int code;
    int64_t returned = 0;
    while ((code = sqlite3_step(handle)) == SQLITE_ROW) returned++;
    enum err err = code == SQLITE_DONE ? ERR_OK : sqlite_error(connection, fault);
    *rows = sqlite3_column_count(handle) > 0 ? returned : sqlite3_changes64(connection->handle);
    (void)sqlite3_reset(handle);
    return err;
}

static enum err run_statement(struct connection *connection,
                              const struct change_statement *statement,
                              struct change_cursor *cursor, int64_t *rows, struct fault *fault)
{
    struct prepared *prepared = sqlite_find(connection, statement->statement, fault);
    if (prepared == NULL) return fault->err;
    enum err err = check_parameter_count(statement->parameter_count, prepared->parameter_count,
                                         prepared->sql, fault);
    if (err) return err;
    for (uint32_t i = 0; i < statement->parameter_count; i++)
        if (bind_parameter(prepared->handle, (int)i + 1, change_next_parameter(cursor)))
            return sqlite_error(connection, fault);
    return step_to_end(connection, prepared->handle, rows, fault);
}

/* How a change left the transaction. */
enum outcome {
    OUTCOME_DONE,
    OUTCOME_UNDONE, /* failed, nothing of it is left */
    OUTCOME_SPOILT, /* failed, and the transaction must go with it */
};

static enum outcome undo_change(struct connection *connection, bool has_savepoint, bool left_rows)
{
    if (sqlite3_get_autocommit(connection->handle)) return OUTCOME_SPOILT;
    if (!has_savepoint) return left_rows ? OUTCOME_SPOILT : OUTCOME_UNDONE;
    struct fault fault;
    if (run_word(connection, &rollback_to, &fault) || run_word(connection, &release, &fault))
        return OUTCOME_SPOILT;
    return OUTCOME_UNDONE;
}

static enum outcome run_change(struct connection *connection, struct change *change,
                               bool has_savepoint)
{
    bool left_rows = false;
    int index = -1;
    struct fault fault;
    enum err err = ERR_OK;
    sqlite3_set_last_insert_rowid(connection->handle, 0);
    if (has_savepoint) err = run_word(connection, &savepoint, &fault);
    if (!err)
        err = group_run_statements(connection, change, run_statement, &index, &left_rows, &fault);
    if (!err) {
        int64_t rowid = sqlite3_last_insert_rowid(connection->handle);
        change->result =
            (struct change_result){ .words = "", .rowid = rowid, .failed_statement = -1 };
        if (has_savepoint) err = run_word(connection, &release, &fault);
        if (!err) return OUTCOME_DONE;
    }
    change_fail(change, err, index, fault.words);
    change->is_settled = true;
    return undo_change(connection, has_savepoint, left_rows || index != 0);
}

/* --- a group --- */

static void end_transaction(struct connection *connection)
{
    struct fault fault;
    if (!sqlite3_get_autocommit(connection->handle)) (void)run_word(connection, &rollback, &fault);
}

static enum err query_fence(struct connection *connection, const struct fence *fence, bool *holds,
                            struct fault *fault)
{
    int64_t rows = 0;
    struct prepared *prepared = sqlite_find(connection, &check_fence, fault);
    if (prepared == NULL) return fault->err;
    sqlite3_stmt *handle = prepared->handle;
    (void)sqlite3_bind_text(handle, 1, fence->name.at, (int)fence->name.len, SQLITE_STATIC);
    (void)sqlite3_bind_text(handle, 2, fence->holder.at, (int)fence->holder.len, SQLITE_STATIC);
    (void)sqlite3_bind_int64(handle, 3, (int64_t)fence->epoch);
    enum err err = step_to_end(connection, handle, &rows, fault);
    *holds = rows == 1;
    return err;
}

static enum err check_lease(struct connection *connection, struct group *group, struct fault *fault)
{
    bool holds = true;
    if (group->fence == NULL) return ERR_OK;
#ifdef FAULT_LEASE_UNCHECKED
    return ERR_OK; /* whoever wrote once goes on writing */
#endif
    enum err err = query_fence(connection, group->fence, &holds, fault);
    if (err || holds) return err;
    group->is_fence_broken = true;
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change)) {
        if (change->is_unfenced) continue;
        change_fail(change, ERR_UNAVAILABLE, -1, "another process holds the lease");
        change->is_settled = true;
    }
    return ERR_OK;
}

/* What a simulated disk does instead of its duty. */
static enum err commit_simulated(struct connection *connection, enum commit_fate fate,
                                 struct fault *fault)
{
    if (fate == COMMIT_SYNC_FAILS_KEPT) (void)run_word(connection, &commit, fault);
    end_transaction(connection);
#ifdef FAULT_ANSWER_EARLY
    if (fate == COMMIT_REHEARSED) return ERR_OK;
#endif
    if (fate == COMMIT_DISK_FULL) return fault_set(fault, ERR_FULL, "", "simulated: disk full");
    return fault_set(fault, ERR_IO, "", "simulated: the disk did not take it");
}

static enum err commit_group(struct connection *connection, struct group *group,
                             struct fault *fault)
{
    if (group->fate != COMMIT_WORKS) return commit_simulated(connection, group->fate, fault);
    uint64_t started = group_clock_us();
    enum err err = run_word(connection, &commit, fault);
    group->commit_us += group_clock_us() - started;
    end_transaction(connection);
    return err;
}

/* Run what is not settled. `one` NULL: all of it. True: it must run again without those that are
 * settled by now. */
static bool run_changes(struct connection *connection, struct group *group,
                        const struct change *one, bool is_careful)
{
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change)) {
        if (one && change != one) continue;
        if (run_change(connection, change, is_careful) == OUTCOME_SPOILT) return true;
    }
    return false;
}

static void settle_one(struct change *change, enum err err, const struct fault *fault)
{
    if (err && !change->is_settled) change_fail(change, err, -1, fault->words);
    change->is_settled = true;
}

/* A deferred constraint shows only at the commit and does not say whose it is: each for itself. */
static void run_one_by_one(struct connection *connection, struct group *group)
{
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change)) {
        struct fault fault;
        enum err err = run_word(connection, &begin, &fault);
        if (!err) err = check_lease(connection, group, &fault);
        bool is_spoilt = !err && run_changes(connection, group, change, true);
        if (!err && !is_spoilt) err = commit_group(connection, group, &fault);
        end_transaction(connection);
        settle_one(change, err, &fault);
        if (err == ERR_IO) group->is_disk_unknown = true;
        if (group->is_disk_unknown) group_fail_rest(group, ERR_IO, fault.words);
    }
}

static void end_group(struct connection *connection, struct group *group)
{
    struct fault fault;
    enum err err = commit_group(connection, group, &fault);
    if (err_is_constraint(err) && group_count_rest(group) > 1) {
        run_one_by_one(connection, group);
        return;
    }
    if (err) group_fail_rest(group, err, fault.words);
    if (err == ERR_IO) group->is_disk_unknown = true;
    group_settle_rest(group);
}

static void run_transaction(struct connection *connection, struct group *group)
{
    enum { RUNS_MAX = 3 };
    struct fault fault;
    for (int run = 1; group_count_rest(group) > 0; run++) {
        enum err err = run_word(connection, &begin, &fault);
        if (!err) err = check_lease(connection, group, &fault);
        if (err) {
            end_transaction(connection);
            group_fail_rest(group, err, fault.words);
            return;
        }
        if (!run_changes(connection, group, NULL, run > 1)) {
            end_group(connection, group);
            return;
        }
        end_transaction(connection);
        if (run == RUNS_MAX) group_fail_rest(group, ERR_FULL, "the disk is full or fails");
    }
}

void sqlite_run_group(struct connection *connection, struct group *group)
{
    pthread_mutex_lock(&connection->lock);
    LIST_EACH (node, &group->changes) LIST_OBJECT(node, struct change, node)->is_settled = false;
    struct fault fault;
    enum err err = sqlite_settle(connection, &fault);
    if (err)
        group_fail_rest(group, err, fault.words);
    else
        run_transaction(connection, group);
    pthread_mutex_unlock(&connection->lock);
}
