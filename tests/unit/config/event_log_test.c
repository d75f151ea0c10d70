/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "gen/objects.h"
#include "servers/config/event_log.h"

static void add(struct event_log *log, uint64_t rev, const char *key)
{
    struct event event = {
        .op = "added", .type = &OBJECT_PLACE, .tenant = TEXT("Environment"), .key = text_of(key)
    };
    event_rev_add(event_log_begin(log, rev), &event);
    event_log_trim(log);
}

TEST(revisions_are_found_until_there_are_too_many)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct event_log *log = event_log_new(scope, 3);
    CHECK(event_log_covers(log, 7, 7) && !event_log_covers(log, 6, 7));
    for (uint64_t rev = 5; rev <= 9; rev++) add(log, rev, "p");
    CHECK_I64(event_log_oldest(log), 7);
    CHECK(event_log_find(log, 6) == NULL && event_log_find(log, 10) == NULL);
    CHECK_I64(event_log_find(log, 8)->rev, 8);
    CHECK(event_log_covers(log, 6, 9) && event_log_covers(log, 9, 9));
    CHECK(!event_log_covers(log, 5, 9));
    CHECK(!event_log_covers(log, 10, 9)); /* from the future: another store */
    scope_close(scope);
}

TEST(a_gap_makes_the_log_begin_anew)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct event_log *log = event_log_new(scope, 10);
    add(log, 1, "a");
    add(log, 2, "b");
    add(log, 4, "d");
    CHECK_I64(event_log_oldest(log), 4);
    CHECK(!event_log_covers(log, 2, 4));
    scope_close(scope);
}

TEST(the_newest_revision_stays_whatever_the_limit)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct event_log *log = event_log_new(scope, 10);
    add(log, 1, "a");
    add(log, 2, "b");
    event_log_set_max(log, 0);
    CHECK(event_log_find(log, 1) == NULL && event_log_find(log, 2) != NULL);
    scope_close(scope);
}
