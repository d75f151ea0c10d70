/* SPDX-License-Identifier: Apache-2.0 */
/* What a session keeps between its steps. */
#include <stdlib.h>

#include "scxml/session_private.h"
#include "tests/unit/scxml/chart.h"
#include "tests/unit/test.h"

static struct chart *open_chart(void)
{
    return chart_open("", "<state id='a'><invoke id='u'/><invoke id='v'/></state>"
                          "<state id='b'><invoke id='w'/></state>");
}

static struct text put(char *room, const char *words) /* bytes that change under the text */
{
    struct text text = text_of(words);
    for (size_t i = 0; i < text.len; i++) room[i] = text.at[i];
    return (struct text){ room, text.len };
}

TEST(events_are_copied_and_come_in_order)
{
    struct chart *chart = open_chart();
    struct scxml_session *session = chart->session;
    uint64_t held = session->held_bytes;
    char room[7][16];
    struct scxml_event event = { .name = put(room[0], "name"),
                                 .type = SCXML_EXTERNAL,
                                 .send_id = put(room[1], "send"),
                                 .origin = put(room[2], "origin"),
                                 .origin_type = put(room[3], "type"),
                                 .invoke_id = put(room[4], "invoke"),
                                 .data = { SCXML_DATA_JSON, put(room[5], "[1]") },
                                 .raw = put(room[6], "raw") };
    CHECK_OK(scxml_queue_add(session, &session->external, &event));
    for (int i = 0; i < 7; i++) room[i][0] = '?';
    CHECK_OK(scxml_queue_add(session, &session->external,
                             &(struct scxml_event){ .name = TEXT("second") }));
    CHECK_U32(session->external.count, 2);
    struct scxml_queued *queued = scxml_queue_take(session, &session->external);
    CHECK_TEXT(queued->event.name, "name");
    CHECK_TEXT(queued->event.send_id, "send");
    CHECK_TEXT(queued->event.origin, "origin");
    CHECK_TEXT(queued->event.origin_type, "type");
    CHECK_TEXT(queued->event.invoke_id, "invoke");
    CHECK_TEXT(queued->event.data.text, "[1]");
    CHECK_TEXT(queued->event.raw, "raw");
    free(queued);
    queued = scxml_queue_take(session, &session->external);
    CHECK_TEXT(queued->event.name, "second");
    free(queued);
    CHECK(scxml_queue_take(session, &session->external) == NULL);
    CHECK_I64(session->held_bytes, held);
    CHECK_OK(chart_post(chart, "third")); /* an emptied queue takes again */
    CHECK_U32(session->external.count, 1);
    chart_close(chart);
}

static enum err delay(struct chart *chart, const char *name, const char *id, uint64_t due_ms)
{
    struct scxml_pair pair = { .name = TEXT("p"), .value = { SCXML_DATA_JSON, TEXT("7") } };
    const struct scxml_message message = { .event = { .name = text_of(name),
                                                      .send_id = text_of(id) },
                                           .target = TEXT("#_x"),
                                           .type = TEXT("t"),
                                           .pairs = &pair };
    return scxml_delay(chart->session, &message, SCXML_TO_OTHERS, due_ms);
}

static void check_next(struct chart *chart, uint64_t now_ms, const char *wanted)
{
    struct scxml_delayed *delayed = scxml_delay_take(chart->session, now_ms);
    CHECK(delayed != NULL);
    CHECK_TEXT(delayed->message.event.name, wanted);
    CHECK_TEXT(delayed->message.target, "#_x");
    CHECK_TEXT(delayed->message.pairs->value.text, "7");
    free(delayed);
}

TEST(delayed_sends_wait_by_time_and_then_by_order)
{
    struct chart *chart = open_chart();
    uint64_t held = chart->session->held_bytes;
    CHECK_OK(delay(chart, "c", "", 30));
    CHECK_OK(delay(chart, "a1", "", 10));
    CHECK_OK(delay(chart, "b", "", 20));
    CHECK_OK(delay(chart, "a2", "", 10));
    CHECK_OK(delay(chart, "a3", "", 10));
    CHECK_I64(scxml_next_due(chart->session), 10);
    CHECK(scxml_delay_take(chart->session, 9) == NULL);
    check_next(chart, 10, "a1");
    check_next(chart, 10, "a2");
    check_next(chart, 10, "a3");
    CHECK(scxml_delay_take(chart->session, 19) == NULL);
    check_next(chart, 99, "b");
    check_next(chart, 99, "c");
    CHECK(scxml_delay_take(chart->session, 99) == NULL);
    CHECK_I64(chart->session->held_bytes, held);
    CHECK(chart->session->delayed == NULL);
    chart_close(chart);
}

TEST(all_delayed_sends_of_an_id_are_taken_back)
{
    struct chart *chart = open_chart();
    CHECK_OK(delay(chart, "a", "i", 10));
    CHECK_OK(delay(chart, "b", "k", 20));
    CHECK_OK(delay(chart, "c", "i", 30));
    CHECK_U32(scxml_delay_cancel(chart->session, TEXT("i")), 2);
    CHECK_U32(scxml_delay_cancel(chart->session, TEXT("i")), 0);
    check_next(chart, 99, "b");
    chart_close(chart);
}

TEST(delayed_sends_are_counted)
{
    struct chart *chart = open_chart();
    for (int i = 0; i < 1000; i++) CHECK_OK(delay(chart, "e", "", 10));
    CHECK_I64(delay(chart, "e", "", 10), ERR_LIMIT);
    chart->session->limits.session_bytes = 100;
    chart->session->limits.delayed_events = 2000;
    CHECK_I64(delay(chart, "e", "", 10), ERR_FULL);
    chart_close(chart);
}

TEST(invocations_are_kept_in_document_order)
{
    struct chart *chart = open_chart();
    struct scxml_session *session = chart->session;
    free(scxml_invoke_take(session, 1));
    scxml_invoke_add(session, 2, TEXT("w"));
    scxml_invoke_add(session, 0, TEXT("u"));
    CHECK_TEXT(session->invokes->id, "u");
    CHECK_TEXT(session->invokes->next->id, "v");
    CHECK_TEXT(session->invokes->next->next->id, "w");
    struct scxml_active_invoke *taken = scxml_invoke_take(session, 2);
    CHECK_TEXT(taken->id, "w");
    free(taken);
    CHECK(scxml_invoke_take(session, 2) == NULL);
    chart_close(chart);
}

TEST(pairs_are_kept_in_one_piece)
{
    char room[2][16];
    const struct scxml_pair second = { .name = TEXT("b"), .value = { SCXML_DATA_TEXT, TEXT("y") } };
    const struct scxml_pair first = { &second,
                                      put(room[0], "a"),
                                      { SCXML_DATA_TEXT, put(room[1], "x") } };
    const struct scxml_pair *kept = scxml_pairs_keep(&first);
    room[0][0] = room[1][0] = '?';
    CHECK_TEXT(kept->name, "a");
    CHECK_TEXT(kept->value.text, "x");
    CHECK_TEXT(kept->next->name, "b");
    CHECK(kept->next->next == NULL);
    free((void *)kept);
    CHECK(scxml_pairs_keep(NULL) == NULL);
}
