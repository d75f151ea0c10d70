/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/server_seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };

struct text seal_close(struct scope *scope, const uint8_t key[SEAL_KEY_BYTES], struct text name,
                       struct text value)
{
    unsigned char *out = scope_alloc(scope, value.len + SEAL_EXTRA_BYTES);
    unsigned char *body = out + NONCE_BYTES;
    int len = 0, ignored = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    ASSERT(context != NULL && RAND_bytes(out, NONCE_BYTES) == 1);
    bool is_done =
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
        EVP_EncryptUpdate(context, NULL, &ignored, (const unsigned char *)name.at, (int)name.len) ==
            1 &&
        EVP_EncryptUpdate(context, body, &len, (const unsigned char *)value.at, (int)value.len) ==
            1 &&
        EVP_EncryptFinal_ex(context, body + len, &ignored) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, body + value.len) == 1;
    EVP_CIPHER_CTX_free(context);
    ASSERT(is_done);
    return (struct text){ (const char *)out, value.len + SEAL_EXTRA_BYTES };
}

enum err seal_open(struct scope *scope, const uint8_t key[SEAL_KEY_BYTES], struct text name,
                   struct text sealed, struct text *value)
{
    if (sealed.len < SEAL_EXTRA_BYTES) return ERR_DENIED;
    const unsigned char *in = (const unsigned char *)sealed.at;
    size_t body_len = sealed.len - SEAL_EXTRA_BYTES;
    unsigned char *out = scope_alloc(scope, body_len + 1), tag[TAG_BYTES];
    memcpy(tag, in + NONCE_BYTES + body_len, TAG_BYTES);
    int len = 0, ignored = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    ASSERT(context != NULL);
    bool is_ours = EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, in) == 1 &&
                   EVP_DecryptUpdate(context, NULL, &ignored, (const unsigned char *)name.at,
                                     (int)name.len) == 1 &&
                   EVP_DecryptUpdate(context, out, &len, in + NONCE_BYTES, (int)body_len) == 1 &&
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
                   EVP_DecryptFinal_ex(context, out + len, &ignored) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!is_ours) return ERR_DENIED;
    *value = (struct text){ (const char *)out, body_len };
    return ERR_OK;
}
