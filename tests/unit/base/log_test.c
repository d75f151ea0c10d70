/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/log.h"
#include "tests/unit/test.h"

#include <string.h>

static const struct log_event lost = { "00-04504", LOG_STANDARD, "Connection to %s lost" };

struct memory {
    enum log_level least;
    const struct log_event *event;
    struct buf context, line;
    int lines;
};

static bool wants(void *self, enum log_level level)
{
    return level >= ((struct memory *)self)->least;
}

static void keep(void *self, const struct log_event *event, struct text context, struct text line)
{
    struct memory *memory = self;
    memory->event = event;
    buf_clear(&memory->context);
    buf_clear(&memory->line);
    buf_add(&memory->context, context);
    buf_add(&memory->line, line);
    memory->lines++;
}

TEST(a_line_reaches_the_sink_with_its_event_and_context)
{
    struct memory memory = { .least = LOG_STANDARD };
    struct log_sink sink = { wants, keep, &memory };
    struct log log = { .sink = &sink };
    struct log chain = log_with(&log, TEXT("chain=81"));
    log_write(&chain, &lost, "Connection to %s lost", "stat");
    CHECK(memory.event == &lost);
    CHECK_TEXT(buf_text(&memory.context), "chain=81");
    CHECK_TEXT(buf_text(&memory.line), "Connection to stat lost");
    log_debug(&chain, "for us: %d", 1);
    CHECK_I64(memory.lines, 1); /* below the sink's level */
    memory.least = LOG_DEBUG;
    log_debug(&chain, "for us: %d", 1);
    CHECK_TEXT(buf_text(&memory.line), "for us: 1");
    CHECK_I64(memory.event->level, LOG_DEBUG);
    buf_free(&memory.context);
    buf_free(&memory.line);
}

TEST(a_long_line_arrives_whole)
{
    struct memory memory = { .least = LOG_STANDARD };
    struct log_sink sink = { wants, keep, &memory };
    struct log log = { .sink = &sink };
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    log_write(&log, &lost, "Connection to %s lost", name);
    CHECK_I64(memory.line.len, sizeof name - 1 + strlen("Connection to  lost"));
    CHECK(text_ends(buf_text(&memory.line), TEXT("x lost")));
    buf_free(&memory.context);
    buf_free(&memory.line);
}

TEST(without_a_sink_nothing_happens)
{
    struct log log = { 0 };
    CHECK(!log_wants(&log, LOG_ALARM));
    log_write(&log, &lost, "Connection to %s lost", "stat");
}
