/* SPDX-License-Identifier: Apache-2.0 */
#include "io/link/identity.h"

#include "io/link/link.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

void link_derive_key(struct text secret, struct text application, uint8_t out[32])
{
    static const char label[] = "carillon link ";
    char info[sizeof label - 1 + 255];
    ASSERT(application.len <= 255);
    memcpy(info, label, sizeof label - 1);
    if (application.len > 0) memcpy(info + sizeof label - 1, application.at, application.len);

    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    ASSERT(context != NULL);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.at,
                                          secret.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
                                          sizeof label - 1 + application.len),
        OSSL_PARAM_construct_end(),
    };
    ASSERT(EVP_KDF_derive(context, out, IDENTITY_KEY_BYTES, parameters) == 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

void link_derive_pair_key(struct text secret, struct text client, struct text server,
                          uint8_t out[32])
{
    uint8_t key[IDENTITY_KEY_BYTES];
    link_derive_key(secret, server, key);
    link_derive_key((struct text){ (const char *)key, sizeof key }, client, out);
    OPENSSL_cleanse(key, sizeof key);
}

void identity_nonce(uint8_t out[IDENTITY_NONCE_BYTES])
{
    ASSERT(RAND_bytes(out, IDENTITY_NONCE_BYTES) == 1);
}

static void mac_add(EVP_MAC_CTX *context, struct text part)
{
    uint8_t len[4] = { (uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16),
                       (uint8_t)(part.len >> 8), (uint8_t)part.len };
    ASSERT(EVP_MAC_update(context, len, sizeof len) == 1);
    ASSERT(EVP_MAC_update(context, (const uint8_t *)part.at, part.len) == 1);
}

void identity_prove(const uint8_t key[IDENTITY_KEY_BYTES], enum identity_direction direction,
                    const struct identity_transcript *transcript, uint8_t out[IDENTITY_MAC_BYTES])
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    ASSERT(context != NULL);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
        OSSL_PARAM_construct_end(),
    };
    ASSERT(EVP_MAC_init(context, key, IDENTITY_KEY_BYTES, parameters) == 1);
    mac_add(context, direction == IDENTITY_OF_CLIENT ? TEXT("carillon link 1 client")
                                                     : TEXT("carillon link 1 server"));
    mac_add(context, transcript->client_hello);
    mac_add(context, transcript->server_hello);
    size_t len = 0;
    ASSERT(EVP_MAC_final(context, out, &len, IDENTITY_MAC_BYTES) == 1 && len == IDENTITY_MAC_BYTES);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
}

bool identity_is_proven(const uint8_t key[IDENTITY_KEY_BYTES], enum identity_direction direction,
                        const struct identity_transcript *transcript, struct text mac)
{
    uint8_t wanted[IDENTITY_MAC_BYTES];
    identity_prove(key, direction, transcript, wanted);
    return mac.len == sizeof wanted && CRYPTO_memcmp(mac.at, wanted, sizeof wanted) == 0;
}

enum err identity_key(const struct identity_end *client, const struct identity_end *server,
                      enum identity_direction ours, struct text our_secret,
                      uint8_t out[IDENTITY_KEY_BYTES])
{
    const struct identity_end *us = ours == IDENTITY_OF_CLIENT ? client : server;
    const struct identity_end *peer = ours == IDENTITY_OF_CLIENT ? server : client;
    if (us->has_secret) {
        link_derive_key(our_secret, peer->has_secret ? client->application : peer->application,
                        out);
        return ERR_OK;
    }
    if (our_secret.len != IDENTITY_KEY_BYTES) return ERR_DENIED;
    if (peer->has_secret || ours == IDENTITY_OF_CLIENT)
        memcpy(out, our_secret.at, IDENTITY_KEY_BYTES);
    else
        link_derive_key(our_secret, client->application, out);
    return ERR_OK;
}
