/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/ring.h"

#include "tests/unit/test.h"

/* A frame here is a number in an array: how often it was let go. */
static unsigned dropped[2000];

static void drop(struct frame *frame)
{
    ++*(unsigned *)(void *)frame;
}

static const struct ring_limits wide = { 100, 100000 };

static void add(struct ring *ring, const struct ring_limits *limits, uint64_t seq, uint32_t bytes)
{
    struct ring_entry entry = { seq, (struct frame *)(void *)&dropped[seq % 2000], bytes, 0 };
    ring_add(ring, limits, &entry, drop);
}

static struct ring begun(uint64_t seq)
{
    struct ring ring = { 0 };
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++) dropped[i] = 0;
    ring_begin(&ring, seq);
    return ring;
}

static uint64_t sum_after(const struct ring *ring, uint64_t seq)
{
    uint64_t sum = 0;
    const struct ring_entry *entry;
    for (uint32_t at = 0; (entry = ring_after(ring, seq, &at)) != NULL;) sum += entry->seq;
    return sum;
}

TEST(a_desktop_that_has_missed_nothing_resumes)
{
    struct ring ring = begun(100);
    CHECK(ring_can_resume(&ring, 100));
    add(&ring, &wide, 105, 10); /* numbers are shared: 101 to 104 were for others */
    add(&ring, &wide, 109, 10);
    CHECK(ring_can_resume(&ring, 100));
    CHECK_I64(sum_after(&ring, 100), 105 + 109);
    CHECK(ring_can_resume(&ring, 105));
    CHECK_I64(sum_after(&ring, 105), 109);
    CHECK(ring_can_resume(&ring, 109));
    CHECK_I64(sum_after(&ring, 109), 0);
    ring_free(&ring, drop);
    CHECK_U32(dropped[105], 1);
    CHECK_U32(dropped[109], 1);
}

TEST(a_number_it_cannot_have_seen_is_a_gap)
{
    struct ring ring = begun(100);
    add(&ring, &wide, 105, 10);
    CHECK(!ring_can_resume(&ring, 99));  /* before it began: another process gave that number */
    CHECK(!ring_can_resume(&ring, 106)); /* behind the last */
    CHECK(!ring_can_resume(&ring, 0));
    ring_free(&ring, drop);
}

TEST(what_was_acknowledged_is_let_go_and_an_earlier_number_is_a_gap)
{
    struct ring ring = begun(0);
    for (uint64_t seq = 1; seq <= 5; seq++) add(&ring, &wide, seq, 10);
    ring_acknowledge(&ring, 3, drop);
    CHECK_U32(dropped[3], 1);
    CHECK_U32(dropped[4], 0);
    CHECK(!ring_can_resume(&ring, 2));
    CHECK(ring_can_resume(&ring, 3));
    CHECK_I64(sum_after(&ring, 3), 4 + 5);
    ring_acknowledge(&ring, 1000, drop); /* more than there is: all of it */
    CHECK_U32(ring.count, 0);
    CHECK(ring.at == NULL); /* and an idle one has no memory */
    CHECK(ring_can_resume(&ring, 5));
    ring_free(&ring, drop);
}

TEST(an_answer_stands_until_it_is_acknowledged)
{
    struct ring ring = begun(100);
    struct ring_entry answer = { 101, (struct frame *)(void *)&dropped[0], 10, 7 };
    CHECK(!ring_answers(&ring, 7));
    ring_add(&ring, &wide, &answer, drop);
    add(&ring, &wide, 102, 10);
    CHECK(ring_answers(&ring, 7));
    CHECK(!ring_answers(&ring, 8) && !ring_answers(&ring, 0));
    ring_acknowledge(&ring, 101, drop);
    CHECK(!ring_answers(&ring, 7));
    ring_free(&ring, drop);
}

TEST(past_its_count_the_oldest_goes_and_is_missed)
{
    const struct ring_limits three = { 3, 1000 };
    struct ring ring = begun(0);
    for (uint64_t seq = 1; seq <= 5; seq++) add(&ring, &three, seq, 10);
    CHECK_U32(ring.count, 3);
    CHECK(!ring_can_resume(&ring, 1));
    CHECK(ring_can_resume(&ring, 2));
    CHECK_I64(sum_after(&ring, 2), 3 + 4 + 5);
    ring_free(&ring, drop);
    for (uint64_t seq = 1; seq <= 5; seq++) CHECK_U32(dropped[seq], 1);
}

TEST(past_its_bytes_the_oldest_goes_and_what_is_too_large_is_not_kept_at_all)
{
    const struct ring_limits hundred = { 100, 100 };
    struct ring ring = begun(0);
    add(&ring, &hundred, 1, 60);
    add(&ring, &hundred, 2, 60);
    CHECK_U32(ring.count, 1);
    CHECK_U32(ring.bytes, 60);
    add(&ring, &hundred, 3, 101);
    CHECK_U32(ring.count, 0);
    CHECK_U32(ring.bytes, 0);
    CHECK(!ring_can_resume(&ring, 2));
    CHECK(ring_can_resume(&ring, 3));
    ring_free(&ring, drop);
}

TEST(a_ring_that_wraps_and_grows_keeps_its_order)
{
    struct ring ring = begun(0);
    for (uint64_t seq = 1; seq <= 1500; seq++) {
        add(&ring, &wide, seq, 1);
        if (seq % 7 == 0) ring_acknowledge(&ring, seq - 5, drop);
        uint64_t before = 0;
        const struct ring_entry *entry;
        for (uint32_t at = 0; (entry = ring_after(&ring, 0, &at)) != NULL; before = entry->seq)
            CHECK(entry->seq > before);
        CHECK_I64(before, seq);
    }
    ring_free(&ring, drop);
    for (uint64_t seq = 1; seq <= 1500; seq++) CHECK_U32(dropped[seq], 1);
}
