/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/table.h"
#include "tests/unit/test.h"

TEST(a_table_agrees_with_an_array_after_many_changes)
{
    enum { KEYS = 300 };
    static uint32_t keys[KEYS];
    static uint32_t *wanted[KEYS];
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct table *table = table_new(scope);
    struct random random;
    random_seed(&random, 7);
    for (uint32_t i = 0; i < KEYS; i++) keys[i] = i;
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        uint32_t i = (uint32_t)random_below(&random, KEYS);
        if (random_below(&random, 2)) {
            if (wanted[i] == NULL) count++;
            wanted[i] = &keys[i];
            table_put(table, TEXT_OF(&keys[i]), &keys[i]);
        } else {
            if (wanted[i]) count--;
            CHECK(table_remove(table, TEXT_OF(&keys[i])) == wanted[i]);
            wanted[i] = NULL;
        }
        CHECK_I64(table_count(table), count);
    }
    for (uint32_t i = 0; i < KEYS; i++) CHECK(table_get(table, TEXT_OF(&keys[i])) == wanted[i]);
    size_t walked = 0;
    uint32_t *value;
    for (size_t at = 0; (value = table_next(table, &at)) != NULL;) {
        CHECK(wanted[*value] == value);
        walked++;
    }
    CHECK_I64(walked, count);
    table_clear(table);
    CHECK_I64(table_count(table), 0);
    CHECK(table_get(table, TEXT_OF(&keys[0])) == NULL);
    scope_close(scope);
}

TEST(an_empty_table_finds_nothing)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct table *table = table_new(scope);
    size_t at = 0;
    CHECK(table_get(table, TEXT("x")) == NULL);
    CHECK(table_remove(table, TEXT("x")) == NULL);
    CHECK(table_next(table, &at) == NULL);
    scope_close(scope);
}

TEST(an_id_outlives_its_object_and_finds_nothing) /* style 5 */
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct slots *slots = slots_new(scope, 2);
    int one = 1, two = 2, three = 3;
    uint64_t first = slot_add(slots, &one), second = slot_add(slots, &two);
    CHECK(first != 0 && second != 0 && first != second);
    CHECK_I64(slot_add(slots, &three), 0); /* two at most */
    slot_remove(slots, first);
    slot_remove(slots, first);
    CHECK(slot_find(slots, first) == NULL);
    CHECK_I64(slots_count(slots), 1);
    uint64_t third = slot_add(slots, &three); /* takes the freed place */
    CHECK(third != first && slot_find(slots, third) == &three);
    CHECK(slot_find(slots, first) == NULL && slot_find(slots, second) == &two);
    CHECK(slot_find(slots, 0) == NULL);
    CHECK(slot_find(slots, UINT64_MAX) == NULL);
    scope_close(scope);
}
