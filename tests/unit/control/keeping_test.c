/* SPDX-License-Identifier: Apache-2.0 */
/* Kept logs and alarms, asked over links as applications and tools ask. */
#include "tests/unit/control/keeping_world.h"

#include "format/json.h"
#include "store/sim_disk.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

/* --- logs ----------------------------------------------------------------------------------- */

TEST(records_are_kept_once_and_found_again_with_their_attributes)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    struct pair pair = { TEXT("campaign"), { .kind = VALUE_TEXT, .text = TEXT("spring") } };
    struct control_log_record records[3] = { record_of(world, "00-05060", "one"),
                                             record_of(world, "00-05061", "TWO"),
                                             record_of(world, "00-05062", "three") };
    records[1].head.has |= CONTROL_LOG_RECORD_HAS_ATTRIBUTES | CONTROL_LOG_RECORD_HAS_IXN;
    records[1].attributes = (struct kv){ &pair, 1 };
    records[1].ixn = TEXT("ixn-7");
    CHECK_OK(send_records(world, x, 1, records, 2));
    CHECK_I64(answer_number(world, "upTo"), 2);
    CHECK_OK(send_records(world, x, 1, records, 3)); /* the answer was lost: sent again */
    CHECK_I64(answer_number(world, "upTo"), 3);
    CHECK_OK(send_records(world, x, 2, records, 1));
    CHECK_I64(answer_number(world, "upTo"), 3);
    read_log(world, tool, &(struct control_read_log){ 0 });
    CHECK_U32(answer_count(world, "rows"), 3);
    CHECK(answer_has(world, "\"more\":false"));
    CHECK(answer_has(world, "\"application\":\"x\",\"type\":\"CMServer\",\"host\":\"h1\""));
    read_log(
        world, tool,
        &(struct control_read_log){ .head.has = CONTROL_READ_LOG_HAS_IXN, .ixn = TEXT("ixn-7") });
    CHECK_U32(answer_count(world, "rows"), 1);
    CHECK(answer_has(world, "\"attributes\":{\"campaign\":\"spring\"}"));
    read_log(
        world, tool,
        &(struct control_read_log){ .head.has = CONTROL_READ_LOG_HAS_TEXT, .text = TEXT("two") });
    CHECK_U32(answer_count(world, "rows"), 1);
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(pages_go_from_the_latest_to_the_oldest_without_a_gap)
{
    enum { COUNT = 1000, PAGE = 64 };
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    static struct control_log_record records[COUNT];
    static char texts[COUNT][16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "r%04d", i);
        records[i] = record_of(world, "00-05060", texts[i]);
        records[i].time += (uint64_t)(i % 7); /* not in the order of their numbers */
    }
    CHECK_OK(send_records(world, x, 1, records, COUNT));
    uint32_t seen = 0;
    uint64_t before = 0;
    bool has[COUNT] = { false };
    for (bool more = true; more;) {
        struct control_read_log asked = { .head.has = CONTROL_READ_LOG_HAS_LIMIT, .limit = PAGE };
        if (before) asked.head.has |= CONTROL_READ_LOG_HAS_BEFORE;
        asked.before = before;
        read_log(world, tool, &asked);
        struct kv kv;
        struct fault fault;
        CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
        const struct value *rows = kv_find(&kv, TEXT("rows"));
        for (uint32_t i = 0; i < rows->items.count; i++) {
            const struct kv *record = &kv_find(&rows->items.at[i].pairs, TEXT("record"))->pairs;
            uint32_t number;
            CHECK_OK(text_to_u32(text_slice(kv_find(record, TEXT("text"))->text, 1, 4), 0, 9999,
                                 &number));
            CHECK(!has[number]);
            has[number] = true;
            seen++;
        }
        more = kv_find(&kv, TEXT("more"))->truth;
        if (more) before = (uint64_t)kv_find(&kv, TEXT("next"))->integer;
    }
    CHECK_U32(seen, COUNT);
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(what_cannot_be_kept_in_time_is_refused_and_the_sender_keeps_it)
{
    struct world *world = world_new();
    put(world, &OBJECT_APPLICATION, "{\"name\":\"z\"}");
    struct peer *x = peer_new(world, "x", "primary");
    struct control_log_record record = record_of(world, "00-05060", "one");
    CHECK(send_records(world, x, 0, &record, 1) == ERR_INVALID);
    CHECK(send_records(world, x, 1, &record, 0) == ERR_INVALID);
    CHECK(send_records(world, x, UINT64_MAX, &record, 1) == ERR_INVALID);
    /* A gap: those between were given up by the sender. */
    CHECK_OK(send_records(world, x, 100, &record, 1));
    CHECK_I64(answer_number(world, "upTo"), 100);
    peer_free(x);
    world_free(world);
}

TEST_OF_FILES(old_records_go_after_retention_days)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    CHECK_OK(send_one(world, x, 1, "00-05060", "old"));
    loop_run_for(world->loop, 29ull * 24 * 3600 * 1000);
    peer_free(x);
    peer_free(tool);
    x = peer_new(world, "x", "primary");
    tool = peer_new(world, "tool", "tool");
    CHECK_OK(send_one(world, x, 2, "00-05060", "new"));
    read_log(world, tool, &(struct control_read_log){ 0 });
    CHECK_U32(answer_count(world, "rows"), 2);
    loop_run_for(world->loop, 2ull * 24 * 3600 * 1000);
    peer_free(tool);
    tool = peer_new(world, "tool", "tool");
    read_log(world, tool, &(struct control_read_log){ 0 });
    CHECK_U32(answer_count(world, "rows"), 1);
    CHECK(answer_has(world, "\"text\":\"new\""));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

/* --- alarms --------------------------------------------------------------------------------- */

TEST(F19_two_detections_are_one_alarm_that_only_the_same_application_cancels)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *y = peer_new(world, "y", "primary"),
                *tool = peer_new(world, "tool", "tool");
    condition(world, "");
    CHECK_OK(ask(world, tool, &MSG_CONTROL_WATCH_ALARMS, &(struct control_watch_alarms){ 0 }));
    CHECK_OK(send_one(world, x, 1, "00-04504", "Connection to b lost"));
    CHECK_OK(send_one(world, x, 2, "00-04504", "Connection to b lost"));
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK(answer_has(world, "\"condition\":\"Connection Failure\",\"category\":\"major\","
                            "\"application\":\"x\",\"host\":\"h1\",\"state\":\"active\","
                            "\"count\":2"));
    CHECK_OK(send_one(world, y, 1, "00-04503", "Connected to b"));
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK_OK(send_one(world, x, 3, "00-04503", "Connected to b"));
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 0);
    read_alarms(world, tool, "cleared");
    CHECK(answer_has(world, "\"clearedBy\":\"00-04503\""));
    CHECK_TEXT(buf_text(&tool->moves), "created Connection Failure x 1\n"
                                       "counted Connection Failure x 2\n"
                                       "deleted Connection Failure x 2\n");
    peer_free(x);
    peer_free(y);
    peer_free(tool);
    world_free(world);
}

TEST(a_repeated_sending_counts_no_second_detection)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    condition(world, "");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    read_alarms(world, tool, NULL);
    CHECK(answer_has(world, "\"count\":1"));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST_OF_FILES(the_cancel_timeout_clears_it_after_its_last_detection)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Short\",\"detectEvent\":\"00-04504\",\"cancelTimeout\":10}");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    loop_run_for(world->loop, 8000);
    CHECK_OK(send_one(world, x, 2, "00-04504", "lost"));
    loop_run_for(world->loop, 9000);
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    loop_run_for(world->loop, 1500);
    read_alarms(world, tool, "cleared");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK(answer_has(world, "\"clearedBy\":\"timeout\""));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(a_person_clears_it_with_a_comment_once)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    condition(world, "");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    struct control_clear_alarm clear = { .head.has = CONTROL_CLEAR_ALARM_HAS_ID |
                                                     CONTROL_CLEAR_ALARM_HAS_COMMENT,
                                         .id = 1,
                                         .comment = TEXT("known") };
    CHECK_OK(ask(world, tool, &MSG_CONTROL_CLEAR_ALARM, &clear));
    CHECK(answer_has(world, "\"state\":\"cleared\"") &&
          answer_has(world, "\"comment\":\"known\"") &&
          answer_has(world, "\"clearedBy\":\"tool\""));
    CHECK(ask(world, tool, &MSG_CONTROL_CLEAR_ALARM, &clear) == ERR_NOT_FOUND);
    CHECK_OK(send_one(world, x, 2, "00-04504", "lost"));
    read_alarms(world, tool, "active");
    CHECK(answer_has(world, "\"id\":2") && answer_has(world, "\"count\":1"));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

TEST(a_masked_condition_is_kept_and_shown_and_a_disabled_one_is_not)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Masked\",\"detectEvent\":\"00-04504\",\"isMasked\":true,"
        "\"reactionScripts\":[\"stop/AlarmReaction\"]}");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Off\",\"detectEvent\":\"00-04504\",\"state\":\"disabled\"}");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Of another type\",\"detectEvent\":\"00-04504\",\"selection\":\"type\","
        "\"appType\":\"WebAPIServer\"}");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    read_alarms(world, tool, NULL);
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK(answer_has(world, "\"condition\":\"Masked\""));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

/* --- when the disk does not do its part ----------------------------------------------------- */

static void count_answer(void *self, const struct link_error *error, const void *fields)
{
    uint32_t *counts = self; /* kept, refused for now, anything else */
    (void)fields;
    counts[error == NULL ? 0 : error->err == ERR_UNAVAILABLE && error->retryable ? 1 : 2]++;
}

TEST_OF_FILES(a_flood_past_the_queue_is_refused_for_now_and_what_was_taken_is_kept)
{
    enum { REQUESTS = 20, BATCH = 500 };
    struct world *world = world_new_with("{\"messages\":{\"queue-size\":\"2000\"}}");
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    static struct control_log_record records[BATCH];
    uint32_t counts[3] = { 0 };
    for (int i = 0; i < BATCH; i++) records[i] = record_of(world, "00-05060", "flood");
    sim_disk_slow(world->loop, TEXT(""), 400);
    for (int i = 0; i < REQUESTS; i++) {
        struct control_send_log log = { .head.has = CONTROL_SEND_LOG_HAS_STREAM |
                                                    CONTROL_SEND_LOG_HAS_FIRST |
                                                    CONTROL_SEND_LOG_HAS_RECORDS,
                                        .stream = TEXT("flood"),
                                        .first = (uint64_t)i * BATCH + 1,
                                        .records = { records, BATCH } };
        link_ask(x->link, &MSG_CONTROL_SEND_LOG, &log, NULL, 60000, count_answer, counts);
    }
    loop_run_for(world->loop, 20000);
    CHECK_U32(counts[0] + counts[1], REQUESTS);
    CHECK_U32(counts[0], 4);
    sim_disk_slow(world->loop, TEXT(""), 0);
    CHECK_OK(send_one(world, x, 1, "00-05060", "after"));
    read_log(world, tool, &(struct control_read_log){ 0 });
    peer_free(x);
    peer_free(tool);
    world_free(world);
}

static bool has_moved(const struct peer *peer, const char *move)
{
    return memmem(peer->moves.at, peer->moves.len, move, strlen(move)) != NULL;
}

TEST_OF_FILES(what_was_not_kept_is_refused_and_counts_nothing_in_an_alarm)
{
    struct world *world = world_new();
    struct peer *x = peer_new(world, "x", "primary"), *tool = peer_new(world, "tool", "tool");
    condition(world, "");
    put(world, &OBJECT_ALARM_CONDITION,
        "{\"name\":\"Loss\",\"detectEvent\":\"00-08200\",\"cancelEvent\":\"00-08201\"}");
    CHECK_OK(send_one(world, x, 1, "00-04504", "lost"));
    CHECK_OK(ask(world, tool, &MSG_CONTROL_WATCH_ALARMS, &(struct control_watch_alarms){ 0 }));
    sim_disk_limit(world->loop, 1);
    CHECK(send_one(world, x, 2, "00-04504", "lost") == ERR_UNAVAILABLE);
    CHECK(send_one(world, x, 2, "00-04504", "lost") == ERR_UNAVAILABLE);
    sim_disk_limit(world->loop, 0);
    loop_run_for(world->loop, 3000);
    CHECK_OK(send_one(world, x, 2, "00-04504", "lost"));
    read_alarms(world, tool, "active");
    CHECK_U32(answer_count(world, "alarms"), 1);
    CHECK(answer_has(world, "\"count\":2"));
    loop_run_for(world->loop, 3000);
    CHECK(has_moved(tool, "created Loss control 1\n") &&
          has_moved(tool, "deleted Loss control 1\n"));
    peer_free(x);
    peer_free(tool);
    world_free(world);
}
