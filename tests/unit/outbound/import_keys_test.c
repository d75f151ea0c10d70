/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/import_keys.h"

#include "tests/unit/test.h"

#include <stdio.h>

enum { MANY = 200000 };

static uint64_t hash_of(uint32_t i)
{
    char text[16];
    int len = snprintf(text, sizeof text, "1555%07u", i);
    return import_number_hash(42, (struct text){ text, (size_t)len });
}

TEST(numbers_are_seen_once_and_then_again)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct import_numbers *numbers = import_numbers_new(scope);
    for (uint32_t i = 0; i < MANY; i++)
        CHECK(import_numbers_add(numbers, hash_of(i)) == IMPORT_NEW);
    for (uint32_t i = 0; i < MANY; i++)
        CHECK(import_numbers_add(numbers, hash_of(i)) == IMPORT_SEEN);
    for (uint32_t i = MANY; i < 2 * MANY; i++)
        CHECK(import_numbers_add(numbers, hash_of(i)) == IMPORT_NEW);
    scope_close(scope);
}

TEST(numbers_compare_by_their_digits_addresses_without_case)
{
    CHECK(import_number_hash(7, TEXT("+1 (555) 0122")) == import_number_hash(7, TEXT("15550122")));
    CHECK(import_number_hash(7, TEXT("15550122")) != import_number_hash(7, TEXT("15550123")));
    CHECK(import_number_hash(7, TEXT("Ann@Example.com")) ==
          import_number_hash(7, TEXT("ann@example.com")));
    CHECK(import_number_hash(7, TEXT("a1")) != import_number_hash(7, TEXT("1")));
    CHECK(import_number_hash(7, TEXT("15550122")) != import_number_hash(8, TEXT("15550122")));
}

TEST(keys_that_differ_by_a_byte_differ)
{
    char a[40], b[40];
    for (size_t len = 1; len < sizeof a; len++)
        for (size_t i = 0; i < len; i++) {
            for (size_t k = 0; k < len; k++) a[k] = b[k] = 'k';
            b[i] = 'l';
            CHECK(import_key_hash(1, (struct text){ a, len }) !=
                  import_key_hash(1, (struct text){ b, len }));
        }
    CHECK(import_key_hash(1, (struct text){ a, 8 }) != import_key_hash(1, (struct text){ a, 9 }));
    CHECK(import_key_hash(0, TEXT("")) != 0);
}

TEST(chains_are_found_with_their_place)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct import_chains *chains = import_chains_new(scope);
    struct import_place place = { 0, 0 };
    CHECK(!import_chains_find(chains, hash_of(1), &place));
    for (uint32_t i = 0; i < MANY; i++)
        CHECK(import_chains_put(chains, hash_of(i), (struct import_place){ i, i % 100 + 1 }));
    CHECK(import_chains_put(chains, hash_of(7), (struct import_place){ 7, 100 }));
    for (uint32_t i = 0; i < MANY; i++) {
        CHECK(import_chains_find(chains, hash_of(i), &place));
        CHECK_U32(place.ordinal, i);
        CHECK_U32(place.records, i == 7 ? 100 : i % 100 + 1);
    }
    CHECK(!import_chains_find(chains, hash_of(MANY), &place));
    scope_close(scope);
}
