/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers do alike with a group. */
#include "store/driver.h"

#include "store/change.h"

#include <inttypes.h>
#include <time.h>

struct change *group_next_open(struct group *group, const struct change *before)
{
    struct list *node = before ? before->node.next : group->changes.next;
    for (; node != &group->changes; node = node->next) {
        struct change *change = LIST_OBJECT(node, struct change, node);
        if (!change->is_settled) return change;
    }
    return NULL;
}

void group_fail_rest(struct group *group, enum err err, const char *words)
{
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change)) {
        change_fail(change, err, -1, words);
        change->is_settled = true;
    }
}

void group_settle_rest(struct group *group)
{
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change))
        change->is_settled = true;
}

size_t group_count_rest(struct group *group)
{
    size_t count = 0;
    for (struct change *change = group_next_open(group, NULL); change;
         change = group_next_open(group, change))
        count++;
    return count;
}

bool err_is_constraint(enum err err)
{
    return err == ERR_CONFLICT || err == ERR_EXISTS || err == ERR_INVALID;
}

bool err_is_of_the_change(enum err err)
{
    return err != ERR_UNAVAILABLE && err != ERR_TIMEOUT && err != ERR_FULL;
}

enum err check_parameter_count(uint32_t given, uint32_t wanted, const char *sql,
                               struct fault *fault)
{
    if (given == wanted) return ERR_OK;
    return fault_set(fault, ERR_INTERNAL, "", "%u parameters for the %u of: %s", given, wanted,
                     sql);
}

uint64_t group_clock_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t group_clock_ms(void)
{
    return group_clock_us() / 1000;
}

enum err group_run_statements(struct connection *connection, struct change *change,
                              enum err (*run)(struct connection *connection,
                                              const struct change_statement *statement,
                                              struct change_cursor *cursor, int64_t *rows,
                                              struct fault *fault),
                              int *index, bool *left_rows, struct fault *fault)
{
    struct change_cursor cursor = change_begin(change);
    const struct change_statement *statement;
    *left_rows = false;
    for (*index = 0; (statement = change_next_statement(&cursor)) != NULL; ++*index) {
        int64_t rows = 0;
        enum err err = run(connection, statement, &cursor, &rows, fault);
        if (err) return err;
        if (statement->expect == ROWS_ANY || rows == statement->expect) continue;
        *left_rows = rows > 0;
        return fault_set(fault, ERR_CONFLICT, "", "%" PRId64 " rows instead of %d: %s", rows,
                         statement->expect, statement->statement->sql);
    }
    *index = -1;
    return ERR_OK;
}
