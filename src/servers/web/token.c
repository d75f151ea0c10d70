/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

enum { RANDOM_BYTES = 16, MAC_BYTES = DESKTOP_ID_CHARS / 2 - RANDOM_BYTES };

static void put_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = 0;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool get_hex(struct text in, uint8_t *out, size_t len)
{
    if (in.len != 2 * len) return false;
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(in.at[2 * i]), low = digit_value(in.at[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void token_new(char out[TOKEN_CHARS + 1])
{
    uint8_t bytes[TOKEN_CHARS / 2];
    ASSERT(RAND_bytes(bytes, sizeof bytes) == 1);
    put_hex(bytes, sizeof bytes, out);
    OPENSSL_cleanse(bytes, sizeof bytes);
}

bool token_hash(struct text token, uint8_t out[TOKEN_HASH_BYTES])
{
    uint8_t bytes[TOKEN_CHARS / 2];
    if (!get_hex(token, bytes, sizeof bytes)) return false;
    ASSERT(EVP_Digest(bytes, sizeof bytes, out, NULL, EVP_sha256(), NULL) == 1);
    return true;
}

static void mac(const uint8_t key[DESKTOP_KEY_BYTES], uint32_t person_dbid,
                const uint8_t random[RANDOM_BYTES], uint8_t out[MAC_BYTES])
{
    uint8_t said[RANDOM_BYTES + 4], whole[EVP_MAX_MD_SIZE];
    memcpy(said, random, RANDOM_BYTES);
    for (int i = 0; i < 4; i++) said[RANDOM_BYTES + i] = (uint8_t)(person_dbid >> (24 - 8 * i));
    ASSERT(HMAC(EVP_sha256(), key, DESKTOP_KEY_BYTES, said, sizeof said, whole, NULL) != NULL);
    memcpy(out, whole, MAC_BYTES);
}

void desktop_id_new(const uint8_t key[DESKTOP_KEY_BYTES], uint32_t person_dbid,
                    char out[DESKTOP_ID_CHARS + 1])
{
    uint8_t bytes[RANDOM_BYTES + MAC_BYTES];
    ASSERT(RAND_bytes(bytes, RANDOM_BYTES) == 1);
    mac(key, person_dbid, bytes, bytes + RANDOM_BYTES);
    put_hex(bytes, sizeof bytes, out);
}

bool desktop_id_is_of(const uint8_t key[DESKTOP_KEY_BYTES], uint32_t person_dbid, struct text id)
{
    uint8_t bytes[RANDOM_BYTES + MAC_BYTES], wanted[MAC_BYTES];
    if (!get_hex(id, bytes, sizeof bytes)) return false;
    mac(key, person_dbid, bytes, wanted);
    return CRYPTO_memcmp(bytes + RANDOM_BYTES, wanted, MAC_BYTES) == 0;
}
