/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/seat_book.h"

#include "tests/unit/test.h"

enum { GROUP = 500, OTHER = 501, NOW_MS = 10000000 };

static struct scope *life;
static struct seat_book *book;
static struct text at_desktop; /* the one who has one */
static uint32_t unloaded;      /* the group that is not */

static bool has_desktop(void *self, struct text agent_id)
{
    (void)self;
    return text_eq(agent_id, at_desktop);
}

static bool is_loaded(void *self, uint32_t group_dbid)
{
    (void)self;
    return group_dbid != unloaded;
}

static void begin(uint32_t limit)
{
    life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    book = seat_book_new(life);
    at_desktop = TEXT("");
    unloaded = 0;
    seat_book_set_limit(book, limit);
}

static bool take(const char *agent, uint32_t group)
{
    bool has_room = seat_book_has_room(book, text_of(agent));
    bool has_seat = seat_book_take(book, text_of(agent), group, NOW_MS);
    CHECK(has_room == has_seat);
    return has_seat;
}

/* `worker`: who has a record; NULL: nobody. */
static void look(const char *worker, uint64_t now_ms)
{
    static const struct seat_presence presence = { has_desktop, is_loaded, NULL };
    seat_book_begin_look(book);
    if (worker) seat_book_note_work(book, text_of(worker), GROUP, now_ms);
    seat_book_end_look(book, &presence, now_ms);
}

static void check_used(uint32_t used, uint32_t most)
{
    struct seat_figures figures = seat_book_figures(book);
    CHECK_U32(figures.used, used);
    CHECK_U32(figures.most, most);
}

TEST(as_many_agents_sit_as_there_are_seats_and_keep_them)
{
    begin(2);
    CHECK(take("a", GROUP));
    CHECK(take("b", GROUP));
    CHECK(!take("c", GROUP));
    CHECK(take("a", GROUP)); /* hers */
    check_used(2, 2);
    scope_close(life);
}

TEST(without_a_limit_all_sit_and_are_counted)
{
    begin(SEATS_NO_LIMIT);
    for (uint32_t i = 0; i < 1000; i++) CHECK(take(scope_format(life, "a%u", i).at, GROUP));
    check_used(1000, 1000);
    scope_close(life);
}

TEST(who_left_makes_room_once_her_work_is_done)
{
    begin(1);
    CHECK(take("a", GROUP));
    seat_book_leave(book, TEXT("a"));
    look("a", NOW_MS);
    CHECK(!take("b", GROUP));
    look(NULL, NOW_MS);
    CHECK(take("b", GROUP));
    check_used(1, 1);
    seat_book_leave(book, TEXT("b"));
    CHECK(take("b", GROUP)); /* back already */
    look(NULL, NOW_MS);
    check_used(1, 1);
    scope_close(life);
}

TEST(who_has_no_desktop_and_is_not_heard_of_is_let_go_after_five_minutes)
{
    begin(2);
    at_desktop = TEXT("b");
    CHECK(take("a", GROUP));
    CHECK(take("b", GROUP));
    look(NULL, NOW_MS + SEAT_IDLE_MS - 1);
    check_used(2, 2);
    look("a", NOW_MS + SEAT_IDLE_MS);
    check_used(2, 2);
    look(NULL, NOW_MS + SEAT_IDLE_MS);
    check_used(1, 2);
    CHECK(!seat_book_take(book, TEXT("c"), GROUP, NOW_MS) || !take("d", GROUP));
    scope_close(life);
}

TEST(a_group_that_is_unloaded_frees_the_seats_of_its_agents)
{
    begin(2);
    at_desktop = TEXT("a");
    CHECK(take("a", GROUP));
    CHECK(take("b", OTHER));
    unloaded = GROUP;
    look(NULL, NOW_MS);
    check_used(1, 2);
    CHECK(take("b", OTHER));
    CHECK(take("c", OTHER));
    scope_close(life);
}

TEST(when_seats_are_taken_away_the_last_to_come_finish_what_they_have)
{
    begin(3);
    CHECK(take("a", GROUP));
    CHECK(take("b", GROUP));
    CHECK(take("c", GROUP));
    seat_book_set_limit(book, 1);
    CHECK(take("a", GROUP));
    CHECK(!take("b", GROUP));
    CHECK(!take("c", GROUP));
    look("c", NOW_MS); /* b had nothing to finish */
    check_used(2, 3);
    CHECK(!take("c", GROUP));
    seat_book_leave(book, TEXT("a"));
    look("c", NOW_MS); /* a's seat is c's now */
    CHECK(take("c", GROUP));
    CHECK(!take("b", GROUP));
    check_used(1, 3);
    seat_book_set_limit(book, 0);
    CHECK(!take("c", GROUP));
    seat_book_set_limit(book, 2);
    CHECK(take("c", GROUP));
    CHECK(take("b", GROUP));
    scope_close(life);
}

TEST(work_of_before_a_restart_has_a_seat_also_above_the_limit)
{
    begin(1);
    CHECK(take("a", GROUP));
    look("z", NOW_MS);
    check_used(2, 2);
    CHECK(!take("z", GROUP)); /* but gets nothing new */
    CHECK(take("a", GROUP));
    look(NULL, NOW_MS);
    check_used(1, 2);
    scope_close(life);
}
