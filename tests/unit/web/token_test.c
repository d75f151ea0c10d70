/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/token.h"

#include "tests/unit/test.h"

#include <string.h>

static const uint8_t key[DESKTOP_KEY_BYTES] = { 1, 2, 3 }, other_key[DESKTOP_KEY_BYTES] = { 9 };

TEST(a_token_has_one_hash_and_nothing_else_has_it)
{
    char one[TOKEN_CHARS + 1], other[TOKEN_CHARS + 1];
    uint8_t hash[TOKEN_HASH_BYTES], again[TOKEN_HASH_BYTES], others[TOKEN_HASH_BYTES];
    token_new(one);
    token_new(other);
    CHECK(token_hash(text_of(one), hash) && token_hash(text_of(one), again));
    CHECK(token_hash(text_of(other), others));
    CHECK(memcmp(hash, again, sizeof hash) == 0);
    CHECK(memcmp(hash, others, sizeof hash) != 0);
}

TEST(what_has_not_the_form_of_a_token_is_none)
{
    char token[TOKEN_CHARS + 2];
    uint8_t hash[TOKEN_HASH_BYTES];
    token_new(token);
    for (size_t len = 0; len < TOKEN_CHARS; len++)
        CHECK(!token_hash((struct text){ token, len }, hash));
    token[TOKEN_CHARS] = 'a';
    CHECK(!token_hash((struct text){ token, TOKEN_CHARS + 1 }, hash));
    token[10] = 'G';
    CHECK(!token_hash((struct text){ token, TOKEN_CHARS }, hash));
    token[10] = 0;
    CHECK(!token_hash((struct text){ token, TOKEN_CHARS }, hash));
}

TEST(a_desktop_id_proves_whose_it_is)
{
    char id[DESKTOP_ID_CHARS + 1];
    desktop_id_new(key, 17, id);
    CHECK(desktop_id_is_of(key, 17, text_of(id)));
    CHECK(!desktop_id_is_of(key, 18, text_of(id)));
    CHECK(!desktop_id_is_of(other_key, 17, text_of(id)));
    for (size_t i = 0; i < DESKTOP_ID_CHARS; i++) {
        char changed = id[i];
        id[i] = changed == '0' ? '1' : '0';
        CHECK(!desktop_id_is_of(key, 17, text_of(id)));
        id[i] = changed;
    }
    CHECK(!desktop_id_is_of(key, 17, TEXT("")));
    CHECK(!desktop_id_is_of(key, 17, text_slice(text_of(id), 0, DESKTOP_ID_CHARS - 2)));
}
