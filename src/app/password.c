/* SPDX-License-Identifier: Apache-2.0 */
#include "app/password.h"

#include <argon2.h>
#include <openssl/rand.h>
#include <string.h>

/* OWASP's first choice for argon2id. */
enum { MEMORY_KIB = 19456, PASSES = 2, LANES = 1, SALT_BYTES = 16, TAG_BYTES = 32 };

/* A hash of nobody's password with our parameters: the time of who is unknown. */
static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

enum err password_hash(struct text password, char out[PASSWORD_HASH_BYTES_MAX])
{
    uint8_t salt[SALT_BYTES];
    if (password.len > PASSWORD_BYTES_MAX) return ERR_LIMIT;
    ASSERT(RAND_bytes(salt, sizeof salt) == 1);
    int result = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.at, password.len, salt,
                                       sizeof salt, TAG_BYTES, out, PASSWORD_HASH_BYTES_MAX);
    return result == ARGON2_OK ? ERR_OK : ERR_UNAVAILABLE;
}

bool password_fits(struct text hash, struct text password)
{
    char hash_z[PASSWORD_HASH_BYTES_MAX];
    bool is_nobody = hash.len == 0 || text_to_z(hash, hash_z, sizeof hash_z) != ERR_OK;
    if (password.len > PASSWORD_BYTES_MAX) password.len = PASSWORD_BYTES_MAX;
    int result = argon2id_verify(is_nobody ? nobody : hash_z, password.at, password.len);
    return !is_nobody && result == ARGON2_OK;
}

static char random_letter(void)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    enum { LETTERS = sizeof letters - 1, FAIR = 256 / LETTERS * LETTERS };
    uint8_t byte;
    do {
        ASSERT(RAND_bytes(&byte, 1) == 1);
    } while (byte >= FAIR);
    return letters[byte % LETTERS];
}

void password_generate(char out[PASSWORD_GENERATED_BYTES + 1])
{
    bool has_upper, has_lower, has_digit;
    do {
        has_upper = has_lower = has_digit = false;
        for (int i = 0; i < PASSWORD_GENERATED_BYTES; i++) {
            bool is_hyphen = i % 5 == 0 && i > 0;
            char letter = is_hyphen ? '-' : random_letter();
            has_upper |= letter >= 'A' && letter <= 'Z';
            has_lower |= letter >= 'a' && letter <= 'z';
            has_digit |= letter >= '2' && letter <= '9';
            out[i] = letter;
        }
    } while (!has_upper || !has_lower || !has_digit);
    out[PASSWORD_GENERATED_BYTES] = 0;
}
