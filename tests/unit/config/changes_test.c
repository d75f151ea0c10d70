/* SPDX-License-Identifier: Apache-2.0 */
/* Changes for who asks for them again and again (framework 3.3, F6), on a virtual clock. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS "127.0.0.1:2020"

/* One question that may wait while others ask. */
struct waiting {
    struct world *world;
    bool is_answered, is_resync;
    enum err err;
    uint64_t rev;
    char epoch[65];
    struct buf heard; /* "12 object-added Place p" and the like, one a line */
};

static void on_read(void *self, const struct link_error *error, const void *fields)
{
    struct waiting *waiting = self;
    const struct config_changes_read *read = fields;
    waiting->is_answered = true;
    waiting->err = error ? error->err : ERR_OK;
    if (error) return;
    waiting->rev = read->rev;
    waiting->is_resync = read->resync;
    CHECK_OK(text_to_z(read->epoch, waiting->epoch, sizeof waiting->epoch));
    for (uint32_t i = 0; i < read->events.count; i++) {
        const struct config_change_event *event = &read->events.at[i];
        buf_format(&waiting->heard, "+%llu %.*s %.*s %.*s%.*s\n",
                   (unsigned long long)(event->rev - waiting->rev + read->events.count),
                   TEXT_ARG(event->event), TEXT_ARG(event->type), TEXT_ARG(event->key),
                   TEXT_ARG(event->delta));
    }
}

struct wish {
    uint64_t since;
    const char *epoch, *type;
    uint32_t wait_s;
};

static void ask_changes(struct asker *asker, struct waiting *waiting, struct wish wish)
{
    struct text type = text_of(wish.type);
    struct config_read_changes asked = {
        .head.has = CONFIG_READ_CHANGES_HAS_WAIT | CONFIG_READ_CHANGES_HAS_TYPES,
        .types = { &type, type.len ? 1 : 0 },
        .wait = wish.wait_s,
        .since = wish.since,
        .epoch = text_of(wish.epoch),
    };
    if (wish.since) asked.head.has |= CONFIG_READ_CHANGES_HAS_SINCE;
    if (wish.epoch) asked.head.has |= CONFIG_READ_CHANGES_HAS_EPOCH;
    buf_clear(&waiting->heard);
    *waiting = (struct waiting){ .world = asker->world, .heard = waiting->heard };
    link_ask(asker->link, &MSG_CONFIG_READ_CHANGES, &asked, &asker->header, 70000, on_read,
             waiting);
    loop_run_for(asker->world->loop, 10);
}

static uint64_t present(struct asker *asker, struct waiting *waiting)
{
    ask_changes(asker, waiting, (struct wish){ 0 });
    CHECK(waiting->is_answered && waiting->rev > 0 && waiting->heard.len == 0);
    return waiting->rev;
}

TEST(F6_five_changes_of_twenty_seconds_come_in_order_and_once)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    struct waiting waiting = { 0 };
    uint64_t rev = present(tool, &waiting);
    for (int i = 0; i < 5; i++) {
        char value[32];
        (void)snprintf(value, sizeof value, "{\"name\":\"p%d\"}", i);
        CHECK_OK(change(tool, "create", "Place", NULL, value));
        loop_run_for(world->loop, 4000);
    }
    char epoch[sizeof waiting.epoch];
    memcpy(epoch, waiting.epoch, sizeof epoch);
    ask_changes(tool, &waiting, (struct wish){ .since = rev, .epoch = epoch });
    CHECK(waiting.is_answered && waiting.rev == rev + 5);
    CHECK_TEXT(buf_text(&waiting.heard), "+1 object-added Place p0\n+2 object-added Place p1\n"
                                         "+3 object-added Place p2\n+4 object-added Place p3\n"
                                         "+5 object-added Place p4\n");
    ask_changes(tool, &waiting, (struct wish){ .since = rev + 5 });
    CHECK(waiting.is_answered && waiting.heard.len == 0);
    buf_free(&waiting.heard);
    asker_free(tool);
    world_free(world);
}

TEST(an_answer_waits_for_what_was_asked_for_and_no_longer_than_it_may)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    struct waiting waiting = { 0 };
    uint64_t rev = present(tool, &waiting);
    ask_changes(tool, &waiting, (struct wish){ .since = rev, .type = "places", .wait_s = 30 });
    CHECK(!waiting.is_answered);
    CHECK_OK(change(tool, "create", "Skill", NULL, "{\"name\":\"s\"}"));
    CHECK(!waiting.is_answered);
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}"));
    CHECK(waiting.is_answered && waiting.rev == rev + 2);
    CHECK_TEXT(buf_text(&waiting.heard), "+1 object-added Place p\n");

    ask_changes(tool, &waiting, (struct wish){ .since = rev + 2, .wait_s = 30 });
    loop_run_for(world->loop, 29000);
    CHECK(!waiting.is_answered);
    loop_run_for(world->loop, 1100);
    CHECK(waiting.is_answered && waiting.rev == rev + 2 && waiting.heard.len == 0);
    buf_free(&waiting.heard);
    asker_free(tool);
    world_free(world);
}

TEST(a_change_tells_what_moved)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    struct waiting waiting = { 0 };
    CHECK_OK(
        change(tool, "create", "Place", NULL, "{\"name\":\"p\",\"annex\":{\"a\":{\"x\":\"1\"}}}"));
    uint64_t rev = present(tool, &waiting);
    CHECK_OK(change(tool, "update", "Place", "p", "{\"annex\":{\"a\":{\"x\":\"2\"}}}"));
    CHECK_OK(change(tool, "delete", "Place", "p", NULL));
    ask_changes(tool, &waiting, (struct wish){ .since = rev });
    CHECK_TEXT(buf_text(&waiting.heard),
               "+1 object-changed Place p{\"annex\":{\"a\":{\"x\":\"2\"}}}\n"
               "+2 object-deleted Place p\n");
    buf_free(&waiting.heard);
    asker_free(tool);
    world_free(world);
}

TEST(what_is_not_known_any_more_is_to_be_read_again)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    struct waiting waiting = { 0 };
    uint64_t rev = present(tool, &waiting);
    ask_changes(tool, &waiting, (struct wish){ .since = rev, .epoch = "another", .wait_s = 30 });
    CHECK(waiting.is_answered && waiting.is_resync && waiting.rev == rev);
    ask_changes(tool, &waiting, (struct wish){ .since = rev + 7, .wait_s = 30 });
    CHECK(waiting.is_answered && waiting.is_resync && waiting.rev == rev);
    buf_free(&waiting.heard);
    asker_free(tool);
    world_free(world);
}

TEST(who_hangs_up_waits_no_more)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    struct asker *other = asker_new(world, "tool", ADDRESS, "config");
    struct waiting waiting = { 0 };
    uint64_t rev = present(other, &waiting);
    ask_changes(other, &waiting, (struct wish){ .since = rev, .type = "Skill", .wait_s = 30 });
    asker_free(other);
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}"));
    loop_run_for(world->loop, 40000);
    CHECK(!waiting.is_answered);
    buf_free(&waiting.heard);
    asker_free(tool);
    world_free(world);
}
