/* SPDX-License-Identifier: Apache-2.0 */
/* A group of changes as one PostgreSQL transaction. Start reading at postgres_run_group().
 *
 * The group goes out in one piece: BEGIN, the lease's row (locked until the end), our mark, every
 * statement of every change. When all rows are as they were expected a second journey is the
 * COMMIT. Where a change fails, the transaction is undone and the others run again without it; the
 * third time, and where a statement could not be prepared before (its table is made by the same
 * change), one by one with savepoints.
 *
 * A connection that is lost before the COMMIT was sent has left nothing. After it nobody knows, and
 * nobody is told, until the mark was read: each group writes its number into our row of the table
 * store_commit. It is read by writing to that row, which waits for the end of the lost transaction,
 * and on a server with a standby for the standby as well. The server ends what nobody goes on with
 * (idle_in_transaction_session_timeout, keepalives). */
#include "store/postgres_private.h"

#include "store/change.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUNS_MAX = 8,
    FAST_RUNS_MAX = 2,
    REPEATS_MAX = 3,
    GROUP_MAX_MS = 60000,
    ASK_MS = 10000,
    ASK_AGAIN_MS = 100,
};

const char POSTGRES_MAKE_MARKS[] =
    "CREATE TABLE IF NOT EXISTS store_commit (writer TEXT PRIMARY KEY, token BIGINT NOT NULL, "
    "made TIMESTAMPTZ NOT NULL DEFAULT now()); "
    "DELETE FROM store_commit WHERE made < now() - interval '30 days'";

static const struct statement
    begin = { "BEGIN" },
    commit = { "COMMIT" }, rollback = { "ROLLBACK" }, savepoint = { "SAVEPOINT change" },
    release = { "RELEASE SAVEPOINT change" }, rollback_to = { "ROLLBACK TO SAVEPOINT change" },
    check_fence = { "SELECT 1 FROM lease WHERE name = ?1 AND holder = ?2 AND epoch = ?3 "
                    "FOR SHARE" },
    mark = { "INSERT INTO store_commit (writer, token) VALUES (?1, ?2) "
             "ON CONFLICT (writer) DO UPDATE SET token = excluded.token, made = now()" },
    read_mark = { "INSERT INTO store_commit (writer, token) VALUES (?1, -1) ON CONFLICT (writer) "
                  "DO UPDATE SET made = now() RETURNING token" };

/* How a run ended. */
enum outcome {
    OUTCOME_READY,  /* all rows are there: commit it */
    OUTCOME_AGAIN,  /* undone; somebody is settled, or chance was to blame */
    OUTCOME_FAILED, /* undone; `fault` is for all */
};

struct running {
    struct connection *connection;
    struct group *group;
    uint64_t begun_ms;
    struct fault fault;
    bool may_repeat;       /* the last error was a matter of chance */
    unsigned repeat_count; /* and so often it was taken for one */
};

/* --- one statement there and back --- */

/* Rows touched, or returned where it returns rows; the first cell of the last row, for ids. */
struct answer {
    int64_t rows, first_cell;
    bool has_cell;
};

static void read_answer(PGresult *result, struct answer *out)
{
    *out = (struct answer){ 0 };
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        out->rows = strtoll(PQcmdTuples(result), NULL, 10);
        return;
    }
    out->rows = PQntuples(result);
    if (out->rows == 0 || PQnfields(result) == 0) return;
    struct buf scratch = { 0 };
    struct value cell = postgres_cell(result, PQntuples(result) - 1, 0, &scratch);
    out->has_cell = cell.kind == VALUE_INTEGER && strncmp(PQcmdStatus(result), "INSERT", 6) == 0;
    out->first_cell = out->has_cell ? cell.integer : 0;
    buf_free(&scratch);
}

static uint64_t deadline_of(const struct running *running)
{
    return running->begun_ms + GROUP_MAX_MS;
}

/* The result of the next statement of the pipeline, and the NULL behind it. */
static enum err take_answer(struct running *running, struct answer *out, struct fault *fault)
{
    struct connection *connection = running->connection;
    PGresult *result, *none = NULL;
    enum err err = postgres_next(connection, deadline_of(running), &result, fault);
    if (err) return err;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_ABORTED) {
        err = fault_set(fault, ERR_CONFLICT, "", "a statement before it failed");
    } else if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        read_answer(result, out);
    } else if (result == NULL) {
        err = postgres_lost(connection, fault);
    } else {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        running->may_repeat = state && postgres_may_repeat(state) &&
                              running->repeat_count++ < REPEATS_MAX;
        if (state && strncmp(state, "0A000", 5) == 0) postgres_forget_prepared(connection);
        err = postgres_error(connection, result, fault);
    }
    PQclear(result);
    if (connection->handle == NULL) return err;
    struct fault ours;
    if (postgres_next(connection, deadline_of(running), &none, &ours)) {
        *fault = ours;
        return ours.err;
    }
    PQclear(none);
    return err;
}

static enum err end_pipeline(struct connection *connection, struct fault *fault)
{
    return PQpipelineSync(connection->handle) ? ERR_OK : postgres_lost(connection, fault);
}

/* Of the driver's own words, alone in its pipeline. */
static enum err run_word(struct running *running, const struct statement *statement,
                         struct answer *answer, struct fault *fault)
{
    struct connection *connection = running->connection;
    struct prepared *prepared = postgres_find(connection, statement, fault);
    if (prepared == NULL) return fault->err;
    enum err err = postgres_send(connection, prepared, prepared->parameter_count, fault);
    if (!err) err = end_pipeline(connection, fault);
    if (err) return err;
    err = take_answer(running, answer, fault);
    struct fault ours;
    if (connection->handle && postgres_drain(connection, deadline_of(running), &ours) && !err) {
        *fault = ours;
        err = ours.err;
    }
    return err;
}

/* --- one change --- */

static enum err send_statement(struct connection *connection,
                               const struct change_statement *statement,
                               struct change_cursor *cursor, struct fault *fault)
{
    struct prepared *prepared = postgres_find(connection, statement->statement, fault);
    if (prepared == NULL) return fault->err;
    enum err err = check_parameter_count(statement->parameter_count, prepared->parameter_count,
                                         prepared->sql, fault);
    if (err) return err;
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        const struct change_parameter *parameter = change_next_parameter(cursor);
        struct text bytes = { parameter_bytes(parameter), parameter->len };
        switch (parameter->kind) {
        case VALUE_INTEGER:
            postgres_set_i64(connection, prepared, i, parameter_i64(parameter));
            break;
        case VALUE_FLOAT:
            postgres_set_f64(connection, prepared, i, parameter_f64(parameter));
            break;
        case VALUE_TEXT: postgres_set_text(connection, prepared, i, bytes, false); break;
        case VALUE_BYTES: postgres_set_text(connection, prepared, i, bytes, true); break;
        default: postgres_set_null(connection, i); break;
        }
    }
    return postgres_send(connection, prepared, statement->parameter_count, fault);
}

static void skip_parameters(const struct change_statement *statement, struct change_cursor *cursor)
{
    for (uint32_t i = 0; i < statement->parameter_count; i++) (void)change_next_parameter(cursor);
}

static enum err check_rows(const struct change_statement *statement, int64_t rows,
                           struct fault *fault)
{
    if (statement->expect == ROWS_ANY || rows == statement->expect) return ERR_OK;
    return fault_set(fault, ERR_CONFLICT, "", "%" PRId64 " rows instead of %d: %s", rows,
                     statement->expect, statement->statement->sql);
}

static void settle_failed(struct change *change, enum err err, int index, const char *words)
{
    change_fail(change, err, index, words);
    change->is_settled = true;
}

static void note_id(struct change *change, const struct answer *answer)
{
    if (answer->has_cell) change->result.rowid = answer->first_cell;
}

/* The answers to a change that was sent. On an error `index` is whose. */
static enum err take_change(struct running *running, struct change *change, int *index,
                            struct fault *fault)
{
    struct change_cursor cursor = change_begin(change);
    const struct change_statement *statement;
    change->result = (struct change_result){ .words = "", .failed_statement = -1 };
    for (*index = 0; (statement = change_next_statement(&cursor)) != NULL; ++*index) {
        struct answer answer;
        enum err err = take_answer(running, &answer, fault);
        if (!err) err = check_rows(statement, answer.rows, fault);
        if (err) return err;
        note_id(change, &answer);
        skip_parameters(statement, &cursor);
    }
    return ERR_OK;
}

/* --- the whole group in one piece --- */

static struct change *first_open(struct running *running)
{
    return group_next_open(running->group, NULL);
}

static bool needs_fence(const struct running *running)
{
    return running->group->fence && !running->group->is_fence_broken;
}

static void send_fence(struct connection *connection, const struct prepared *prepared,
                       const struct fence *fence)
{
    postgres_set_text(connection, prepared, 0, fence->name, false);
    postgres_set_text(connection, prepared, 1, fence->holder, false);
    postgres_set_i64(connection, prepared, 2, (int64_t)fence->epoch);
}

static enum err send_head(struct running *running, struct fault *fault)
{
    struct connection *connection = running->connection;
    struct prepared *one = postgres_find(connection, &begin, fault);
    enum err err = one ? postgres_send(connection, one, 0, fault) : fault->err;
    if (!err && needs_fence(running)) {
        one = postgres_find(connection, &check_fence, fault);
        if (one == NULL) return fault->err;
        send_fence(connection, one, running->group->fence);
        err = postgres_send(connection, one, 3, fault);
    }
    if (err) return err;
    one = postgres_find(connection, &mark, fault);
    if (one == NULL) return fault->err;
    postgres_set_text(connection, one, 0, text_of(connection->writer), false);
    postgres_set_i64(connection, one, 1, ++connection->token);
    return postgres_send(connection, one, 2, fault);
}

/* The lease's row is not as we know it: only who takes a lease goes on. */
static void break_fence(struct running *running)
{
    struct group *group = running->group;
    group->is_fence_broken = true;
    for (struct change *change = first_open(running); change;
         change = group_next_open(group, change))
        if (!change->is_unfenced)
            settle_failed(change, ERR_UNAVAILABLE, -1, "another process holds the lease");
}

/* `is_broken`: the lease is another's by now. */
static enum err take_head(struct running *running, bool *is_broken, struct fault *fault)
{
    struct answer answer;
    bool has_fence = needs_fence(running);
    *is_broken = false;
    enum err err = take_answer(running, &answer, fault); /* BEGIN */
    if (!err && has_fence) {
        err = take_answer(running, &answer, fault);
        *is_broken = !err && answer.rows != 1;
    }
    if (!err) err = take_answer(running, &answer, fault); /* the mark */
    return err;
}

/* All is prepared before the transaction begins, since a refusal would end it. False: not all can
 * be, `*err` set where the connection is gone. */
static bool prepare_all(struct running *running, enum err *err)
{
    static const struct statement *const words[] = {
        &begin, &check_fence, &mark, &commit, &rollback, &savepoint, &release, &rollback_to
    };
    struct connection *connection = running->connection;
    struct fault *fault = &running->fault;
    bool is_whole = true;
    *err = postgres_trim_prepared(connection, fault);
    for (size_t i = 0; !*err && i < sizeof words / sizeof words[0]; i++) {
        if (words[i] == &check_fence && !running->group->fence) continue;
        if (postgres_find(connection, words[i], fault) == NULL) *err = fault->err;
    }
    for (struct change *change = first_open(running); !*err && change;
         change = group_next_open(running->group, change)) {
        struct change_cursor cursor = change_begin(change);
        const struct change_statement *statement;
        while (!*err && (statement = change_next_statement(&cursor)) != NULL) {
            skip_parameters(statement, &cursor);
            struct prepared *prepared = postgres_find(connection, statement->statement, fault);
            if (prepared && prepared->parameter_count == statement->parameter_count) continue;
            is_whole = false;
            if (connection->handle == NULL) *err = ERR_UNAVAILABLE;
        }
    }
    return is_whole;
}

static enum err send_group(struct running *running)
{
    struct connection *connection = running->connection;
    struct fault *fault = &running->fault;
    enum err err = send_head(running, fault);
    for (struct change *change = first_open(running); !err && change;
         change = group_next_open(running->group, change)) {
        struct change_cursor cursor = change_begin(change);
        const struct change_statement *statement;
        while (!err && (statement = change_next_statement(&cursor)) != NULL)
            err = send_statement(connection, statement, &cursor, fault);
    }
    return err ? err : end_pipeline(connection, fault);
}

/* What is left of the pipeline and of the transaction; a connection that will not is given up,
 * which undoes it as well. */
static void undo(struct running *running)
{
    struct connection *connection = running->connection;
    struct answer answer;
    struct fault fault;
    if (connection->handle && PQtransactionStatus(connection->handle) != PQTRANS_IDLE &&
        run_word(running, &rollback, &answer, &fault))
        postgres_disconnect(connection);
}

static void drain_and_undo(struct running *running)
{
    struct connection *connection = running->connection;
    struct fault fault;
    if (connection->handle &&
        postgres_drain(connection, deadline_of(running), &fault) == ERR_TIMEOUT)
        postgres_disconnect(connection);
    undo(running);
}

/* The fault of one change, or of all. */
static enum outcome blame(struct running *running, struct change *change, int index, enum err err)
{
    drain_and_undo(running);
    if (running->may_repeat && running->connection->handle) return OUTCOME_AGAIN;
    if (change == NULL || !err_is_of_the_change(err) || running->connection->handle == NULL)
        return OUTCOME_FAILED;
    settle_failed(change, err, index, running->fault.words);
    return OUTCOME_AGAIN;
}

static enum outcome run_fast(struct running *running)
{
    struct group *group = running->group;
    bool is_broken = false;
    enum err err = send_group(running);
    if (err) { /* half a pipeline: nothing of it was executed that could stay */
        if (running->connection->handle) postgres_disconnect(running->connection);
        return OUTCOME_FAILED;
    }
    err = take_head(running, &is_broken, &running->fault);
    if (err) return blame(running, NULL, -1, err);
    if (is_broken) {
        break_fence(running);
        drain_and_undo(running);
        return OUTCOME_AGAIN;
    }
    for (struct change *change = first_open(running); change;
         change = group_next_open(group, change)) {
        int index = -1;
        err = take_change(running, change, &index, &running->fault);
        if (err) return blame(running, change, index, err);
    }
    err = postgres_drain(running->connection, deadline_of(running), &running->fault);
    return err ? blame(running, NULL, -1, err) : OUTCOME_READY;
}

/* --- one by one, within one transaction --- */

static enum err run_statements(struct running *running, struct change *change, int *index,
                               struct fault *fault)
{
    struct connection *connection = running->connection;
    struct change_cursor cursor = change_begin(change);
    const struct change_statement *statement;
    change->result = (struct change_result){ .words = "", .failed_statement = -1 };
    for (*index = 0; (statement = change_next_statement(&cursor)) != NULL; ++*index) {
        struct answer answer;
        struct fault ours;
        enum err err = send_statement(connection, statement, &cursor, fault);
        if (err) return err;
        err = end_pipeline(connection, fault);
        if (err) return err;
        err = take_answer(running, &answer, fault);
        if (connection->handle && postgres_drain(connection, deadline_of(running), &ours) && !err) {
            *fault = ours;
            err = ours.err;
        }
        if (!err) err = check_rows(statement, answer.rows, fault);
        if (err) return err;
        note_id(change, &answer);
    }
    return ERR_OK;
}

static enum err run_alone(struct running *running, struct change *change)
{
    struct connection *connection = running->connection;
    struct fault ours;
    struct answer answer;
    int index = -1;
    enum err err = run_word(running, &savepoint, &answer, &running->fault);
    if (err) return err;
    err = run_statements(running, change, &index, &running->fault);
    if (!err) return run_word(running, &release, &answer, &running->fault);
    if (!err_is_of_the_change(err) || connection->handle == NULL) return ERR_UNAVAILABLE;
    settle_failed(change, err, index, running->fault.words);
    err = run_word(running, &rollback_to, &answer, &ours);
    if (!err) err = run_word(running, &release, &answer, &ours);
    if (err) running->fault = ours;
    return err;
}

/* `one` NULL: all that are open. */
static enum outcome run_carefully(struct running *running, const struct change *one)
{
    struct connection *connection = running->connection;
    bool is_broken = false;
    enum err err = send_head(running, &running->fault);
    if (!err) err = end_pipeline(connection, &running->fault);
    if (!err) err = take_head(running, &is_broken, &running->fault);
    if (err) return blame(running, NULL, -1, err);
    err = postgres_drain(connection, deadline_of(running), &running->fault);
    if (!err && is_broken) break_fence(running);
    for (struct change *change = first_open(running); !err && change;
         change = group_next_open(running->group, change))
        if (one == NULL || change == one) err = run_alone(running, change);
    if (!err) return OUTCOME_READY;
    undo(running);
    return running->may_repeat && connection->handle ? OUTCOME_AGAIN : OUTCOME_FAILED;
}

/* --- the commit, and whether it happened --- */

/* The mark of the lost group: whether it is there. ERR_OK: known. */
static enum err ask_mark(struct running *running, bool *is_there)
{
    struct connection *connection = running->connection;
    struct answer answer;
    struct fault fault;
    running->begun_ms = group_clock_ms() + ASK_MS - GROUP_MAX_MS; /* one question's time */
    enum err err = postgres_connect(connection, group_clock_ms() + POSTGRES_PATIENCE_MS, &fault);
    if (err) return err;
    struct prepared *prepared = postgres_find(connection, &read_mark, &fault);
    if (prepared == NULL) return fault.err;
    postgres_set_text(connection, prepared, 0, text_of(connection->writer), false);
    connection->has_warning = false;
    err = run_word(running, &read_mark, &answer, &fault);
    if (!err && connection->has_warning) err = ERR_UNAVAILABLE;     /* no standby has it */
    if (err && connection->handle) postgres_disconnect(connection); /* it may hold the row */
    if (!err) *is_there = answer.rows == 1 && answer.first_cell == connection->token;
    return err;
}

/* Until it is known, or the store is closed: nobody is told before. */
static enum err find_out(struct running *running)
{
    struct connection *connection = running->connection;
    bool is_there = false;
    postgres_disconnect(connection);
    while (ask_mark(running, &is_there)) {
        if (atomic_load(&connection->is_closing))
            return fault_set(&running->fault, ERR_IO, "",
                             "the commit's answer was lost, and the store is closed");
        postgres_sleep(connection, ASK_AGAIN_MS);
    }
    if (is_there) return ERR_OK;
    return fault_set(&running->fault, ERR_UNAVAILABLE, "",
                     "the connection was lost, and nothing was kept");
}

/* What the simulated world does instead (sim_store.h). */
static enum err commit_simulated(struct running *running)
{
    struct answer answer;
    enum commit_fate fate = running->group->fate;
    if (fate == COMMIT_SYNC_FAILS_KEPT)
        (void)run_word(running, &commit, &answer, &running->fault);
    else
        undo(running);
    if (fate == COMMIT_DISK_FULL)
        return fault_set(&running->fault, ERR_FULL, "", "simulated: disk full");
    return find_out(running);
}

/* ERR_OK: durable. Any error: nothing was kept. A warning at a commit says that a standby was not
 * waited for. */
static enum err commit_group(struct running *running)
{
    struct connection *connection = running->connection;
    struct fault *fault = &running->fault;
    if (running->group->fate != COMMIT_WORKS) return commit_simulated(running);
    PGresult *result = NULL;
    uint64_t started_us = group_clock_us();
    struct prepared *prepared = postgres_find(connection, &commit, fault);
    ASSERT(prepared != NULL); /* prepared before the transaction began */
    connection->has_warning = false;
    enum err err = postgres_send(connection, prepared, 0, fault);
    if (!err) err = end_pipeline(connection, fault);
    /* No deadline: a server that lives is waited for, whatever it waits for itself. */
    if (!err) err = postgres_next(connection, 0, &result, fault);
    ExecStatusType status = PQresultStatus(result);
    bool is_refused = false;
    if (!err && result && status == PGRES_FATAL_ERROR) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        is_refused = state && (strncmp(state, "23", 2) == 0 || strncmp(state, "40", 2) == 0 ||
                               strncmp(state, "53", 2) == 0);
        err = postgres_error(connection, result, fault);
    } else if (!err && (result == NULL || strcmp(PQcmdStatus(result), "COMMIT") != 0)) {
        is_refused = result && strcmp(PQcmdStatus(result), "ROLLBACK") == 0;
        err = fault_set(fault, ERR_UNAVAILABLE, "", "the server undid it instead");
    }
    PQclear(result);
    struct fault ours;
    if (connection->handle && (!err || is_refused))
        if (postgres_drain(connection, deadline_of(running), &ours))
            postgres_disconnect(connection);
    bool is_unsure = (err && !is_refused) || connection->has_warning;
    if (is_unsure) err = find_out(running);
    running->group->commit_us += group_clock_us() - started_us;
    return err;
}

/* --- a group --- */

/* A deferred constraint shows only at the commit and does not say whose it is: each for itself. */
static void run_one_by_one(struct running *running)
{
    struct change *next;
    for (struct change *change = first_open(running); change; change = next) {
        next = group_next_open(running->group, change);
        running->may_repeat = false;
        running->begun_ms = group_clock_ms();
        enum err err = postgres_connect(running->connection,
                                        running->begun_ms + POSTGRES_PATIENCE_MS, &running->fault);
        if (!err && run_carefully(running, change) != OUTCOME_READY) err = ERR_UNAVAILABLE;
        if (!err) err = commit_group(running);
        if (err && !change->is_settled) settle_failed(change, err, -1, running->fault.words);
        change->is_settled = true;
    }
}

static void end_group(struct running *running)
{
    struct group *group = running->group;
    enum err err = commit_group(running);
    if (err_is_constraint(err) && group_count_rest(group) > 1) {
        run_one_by_one(running);
        return;
    }
    if (err) group_fail_rest(group, err, running->fault.words);
    group_settle_rest(group);
}

/* One run, from a connection to its end. */
static enum outcome run_once(struct running *running, bool is_careful)
{
    enum err err;
    running->may_repeat = false;
    if (postgres_connect(running->connection, running->begun_ms + POSTGRES_PATIENCE_MS,
                         &running->fault))
        return OUTCOME_FAILED;
    bool is_whole = prepare_all(running, &err);
    if (err) return OUTCOME_FAILED;
    return is_whole && !is_careful ? run_fast(running) : run_carefully(running, NULL);
}

static void run_transaction(struct running *running)
{
    struct connection *connection = running->connection;
    bool may_reconnect = connection->handle != NULL; /* it may have died while nobody looked */
    int runs = 0;
    while (group_count_rest(running->group) > 0 && runs < RUNS_MAX) {
        enum outcome outcome = run_once(running, runs >= FAST_RUNS_MAX);
        if (outcome == OUTCOME_READY) {
            end_group(running);
            return;
        }
        runs++;
        if (outcome != OUTCOME_FAILED) continue;
        bool is_early = group_clock_ms() < running->begun_ms + POSTGRES_PATIENCE_MS / 2;
        if (connection->handle == NULL && may_reconnect && is_early) {
            may_reconnect = false;
            continue;
        }
        enum err err = err_is_of_the_change(running->fault.err) ? ERR_UNAVAILABLE
                                                                : running->fault.err;
        group_fail_rest(running->group, err == ERR_TIMEOUT ? ERR_UNAVAILABLE : err,
                        running->fault.words);
    }
    group_fail_rest(running->group, ERR_UNAVAILABLE, running->fault.words);
}

static bool has_statements(const struct group *group)
{
    LIST_EACH (node, &group->changes)
        if (LIST_OBJECT(node, struct change, node)->statement_count) return true;
    return false;
}

/* Nobody need be asked. */
static void settle_flushes(struct group *group)
{
    LIST_EACH (node, &group->changes) {
        struct change *change = LIST_OBJECT(node, struct change, node);
        change->result = (struct change_result){ .words = "", .failed_statement = -1 };
        change->is_settled = true;
    }
}

void postgres_run_group(struct connection *connection, struct group *group)
{
    struct running running = { .connection = connection,
                               .group = group,
                               .begun_ms = group_clock_ms() };
    pthread_mutex_lock(&connection->lock);
    LIST_EACH (node, &group->changes) LIST_OBJECT(node, struct change, node)->is_settled = false;
    if (has_statements(group))
        run_transaction(&running);
    else
        settle_flushes(group);
    pthread_mutex_unlock(&connection->lock);
}
