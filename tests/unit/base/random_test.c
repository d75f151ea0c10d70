/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "tests/unit/test.h"

TEST(the_same_seed_gives_the_same_numbers_and_another_seed_others)
{
    struct random a, b, c;
    random_seed(&a, 42);
    random_seed(&b, 42);
    random_seed(&c, 43);
    bool differs = false;
    for (int i = 0; i < 100; i++) {
        uint64_t value = random_u64(&a);
        CHECK(value == random_u64(&b));
        differs |= value != random_u64(&c);
    }
    CHECK(differs);
}

TEST(a_number_below_a_limit_reaches_every_value)
{
    struct random random;
    unsigned counts[6] = { 0 };
    random_seed(&random, 1);
    for (int i = 0; i < 6000; i++) {
        uint64_t value = random_below(&random, 6);
        CHECK(value < 6);
        counts[value]++;
    }
    for (int i = 0; i < 6; i++) CHECK(counts[i] > 800 && counts[i] < 1200);
    CHECK_I64(random_below(&random, 1), 0);
}

TEST(a_guid_is_32_digits_and_capitals) /* spec outbound 1 */
{
    struct random random;
    random_seed_from_system(&random);
    struct guid one = guid_new(&random), other = guid_new(&random);
    CHECK_I64(guid_text(&one).len, 32);
    for (size_t i = 0; i < 32; i++)
        CHECK((one.text[i] >= '0' && one.text[i] <= '9') ||
              (one.text[i] >= 'A' && one.text[i] <= 'Z'));
    CHECK(!text_eq(guid_text(&one), guid_text(&other)));
}
