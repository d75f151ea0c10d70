/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/signature.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum {
    SECRET_BYTES_MIN = 16, /* the convention asks for 24, and prints examples of 18 */
    SECRET_BYTES_MAX = 64,
    BASE64_LEN_MAX = (SECRET_BYTES_MAX + 2) / 3 * 4,
    MAC_BYTES = 32,
    MAC_BASE64_LEN = (MAC_BYTES + 2) / 3 * 4,
};

/* "whsec_c2VjcmV0" -> its bytes. EVP_DecodeBlock() takes spaces and counts the padding in: what it
 * made must give the same text again. */
static enum err read_secret(struct text word, uint8_t bytes[SECRET_BYTES_MAX + 2], size_t *len)
{
    const struct text prefix = TEXT("whsec_");
    if (text_starts(word, prefix)) word = text_slice(word, prefix.len, SIZE_MAX);
    if (word.len % 4 != 0 || word.len == 0 || word.len > BASE64_LEN_MAX) return ERR_INVALID;
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)word.at, (int)word.len);
    if (decoded < 0) return ERR_INVALID;
    size_t padding = 0;
    while (padding < 2 && word.at[word.len - 1 - padding] == '=') padding++;
    *len = (size_t)decoded - padding;
    unsigned char again[BASE64_LEN_MAX + 1];
    int again_len = EVP_EncodeBlock(again, bytes, (int)*len);
    bool is_same = text_eq(word, (struct text){ (char *)again, (size_t)again_len });
    OPENSSL_cleanse(again, sizeof again);
    bool is_of_size = *len >= SECRET_BYTES_MIN && *len <= SECRET_BYTES_MAX;
    return is_same && is_of_size ? ERR_OK : ERR_INVALID;
}

static void add_signature(const uint8_t *secret, size_t secret_len, struct text signed_text,
                          struct buf *out)
{
    uint8_t mac[MAC_BYTES];
    unsigned char base64[MAC_BASE64_LEN + 1];
    unsigned mac_len = 0;
    ASSERT(HMAC(EVP_sha256(), secret, (int)secret_len, (const unsigned char *)signed_text.at,
                signed_text.len, mac, &mac_len) != NULL);
    int len = EVP_EncodeBlock(base64, mac, MAC_BYTES);
    if (out->len) buf_add_byte(out, ' ');
    buf_add_z(out, "v1,");
    buf_add(out, (struct text){ (char *)base64, (size_t)len });
}

enum err signature_write(struct text secrets, struct text id, uint64_t timestamp_s,
                         struct text body, struct buf *out)
{
    char stamp[32];
    (void)snprintf(stamp, sizeof stamp, ".%" PRIu64 ".", timestamp_s);
    struct buf signed_bytes = { 0 }, written = { 0 };
    buf_add(&signed_bytes, id);
    buf_add_z(&signed_bytes, stamp);
    buf_add(&signed_bytes, body);
    enum err err = ERR_OK;
    uint32_t count = 0;
    struct text word;
    while (!err && text_next_item(&secrets, ' ', &word)) {
        uint8_t secret[SECRET_BYTES_MAX + 2];
        size_t secret_len = 0;
        if (word.len == 0) continue;
        err = ++count > SIGNATURE_SECRETS_MAX ? ERR_INVALID
                                              : read_secret(word, secret, &secret_len);
        if (!err) add_signature(secret, secret_len, buf_text(&signed_bytes), &written);
        OPENSSL_cleanse(secret, sizeof secret);
    }
    if (!err && count == 0) err = ERR_INVALID;
    if (!err) buf_add(out, buf_text(&written));
    buf_free(&signed_bytes);
    buf_free(&written);
    return err;
}
