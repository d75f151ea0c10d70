/* SPDX-License-Identifier: Apache-2.0 */
#include "app/password.h"

#include "tests/unit/test.h"

#include <string.h>

TEST(a_password_fits_its_own_hash_alone_and_no_two_hashes_are_the_same)
{
    char hash[PASSWORD_HASH_BYTES_MAX], again[PASSWORD_HASH_BYTES_MAX];
    CHECK_OK(password_hash(TEXT("correct horse"), hash));
    CHECK_OK(password_hash(TEXT("correct horse"), again));
    CHECK(strcmp(hash, again) != 0);
    CHECK(text_starts(text_of(hash), TEXT("$argon2id$v=19$m=19456,t=2,p=1$")));
    CHECK(password_fits(text_of(hash), TEXT("correct horse")));
    CHECK(!password_fits(text_of(hash), TEXT("correct horsf")));
    CHECK(!password_fits(text_of(hash), TEXT("")));
}

TEST(what_is_no_hash_fits_nothing)
{
    CHECK(!password_fits(TEXT(""), TEXT("x")));
    CHECK(!password_fits(TEXT("correct horse"), TEXT("correct horse")));
    CHECK(!password_fits(TEXT("$argon2id$v=19$m=19456,t=2,p=1$"), TEXT("x")));
    CHECK(!password_fits(TEXT("$2b$12$abc"), TEXT("x")));
}

TEST(generated_passwords_have_letters_of_both_cases_and_digits_and_differ)
{
    char one[PASSWORD_GENERATED_BYTES + 1], other[PASSWORD_GENERATED_BYTES + 1];
    for (int i = 0; i < 20; i++) {
        password_generate(one);
        password_generate(other);
        CHECK_U32(strlen(one), PASSWORD_GENERATED_BYTES);
        CHECK(strcmp(one, other) != 0);
        CHECK(strpbrk(one, "0123456789") != NULL);
        CHECK(strpbrk(one, "ABCDEFGHJKLMNPQRSTUVWXYZ") != NULL);
        CHECK(strpbrk(one, "abcdefghijkmnopqrstuvwxyz") != NULL);
    }
}
