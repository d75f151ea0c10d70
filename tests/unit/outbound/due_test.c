/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "servers/outbound/due.h"
#include "tests/unit/test.h"

enum { COUNT = 2000 };
static struct due all[COUNT];
static struct random chance;

TEST(the_soonest_comes_first_whoever_leaves_in_between)
{
    struct due_heap heap = { 0 };
    random_seed(&chance, 3);
    for (int i = 0; i < COUNT; i++) {
        all[i] = (struct due){ .utc_ms = random_below(&chance, 500) };
        due_add(&heap, &all[i]);
    }
    for (int i = 0; i < COUNT; i += 3) due_remove(&heap, &all[i]);
    for (int i = 0; i < COUNT; i += 3) due_remove(&heap, &all[i]); /* twice is no harm */
    CHECK_U32(heap.count, COUNT - (COUNT + 2) / 3);
    uint64_t last = 0;
    for (struct due *due; (due = due_first(&heap)) != NULL; last = due->utc_ms) {
        CHECK(due->utc_ms >= last);
        due_remove(&heap, due);
        CHECK_U32(due->place, 0);
    }
    due_free(&heap);
}
