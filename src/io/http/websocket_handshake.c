/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/websocket_handshake.h"

#include <openssl/evp.h>
#include <string.h>

enum { KEY_BYTES = 24, SHA1_BYTES = 20 };

bool websocket_header_has_token(const struct http_headers *headers, struct text name,
                                struct text token)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct text rest = headers->at[i].value, item;
        if (!text_eq_fold(headers->at[i].name, name)) continue;
        while (text_next_item(&rest, ',', &item))
            if (text_eq_fold(item, token)) return true;
    }
    return false;
}

static size_t count_headers(const struct http_headers *headers, struct text name)
{
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++) count += text_eq_fold(headers->at[i].name, name);
    return count;
}

/* 16 bytes in base64. */
static bool is_key(struct text key)
{
    unsigned char in[KEY_BYTES], out[KEY_BYTES];
    if (key.len != KEY_BYTES || !text_ends(key, TEXT("==")) || key.at[KEY_BYTES - 3] == '=')
        return false;
    memcpy(in, key.at, KEY_BYTES);
    return EVP_DecodeBlock(out, in, KEY_BYTES) == 18; /* the padding counts */
}

unsigned websocket_check_request(const struct http_request *request, const char **words)
{
    const struct http_headers *headers = &request->headers;
    struct text version = http_header_find(headers, TEXT("Sec-WebSocket-Version"));
    struct text key = http_header_find(headers, TEXT("Sec-WebSocket-Key"));
    *words = NULL;
    if (!text_eq(request->method, TEXT("GET"))) {
        *words = "a WebSocket is opened with GET";
        return 405;
    }
    if (!websocket_header_has_token(headers, TEXT("Upgrade"), TEXT("websocket")) ||
        !websocket_header_has_token(headers, TEXT("Connection"), TEXT("upgrade"))) {
        *words = "this address is for WebSocket: Connection: Upgrade, Upgrade: websocket";
        return 426;
    }
    if (!text_eq(version, TEXT("13"))) {
        *words = "Sec-WebSocket-Version must be 13";
        return 426;
    }
    if (count_headers(headers, TEXT("Sec-WebSocket-Key")) != 1 || !is_key(key)) {
        *words = "Sec-WebSocket-Key must be 16 bytes in base64, given once";
        return 400;
    }
    return 0;
}

void websocket_prove(const struct http_request *request, char proof[WEBSOCKET_PROOF_BYTES + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
    struct text key = http_header_find(&request->headers, TEXT("Sec-WebSocket-Key"));
    unsigned char both[KEY_BYTES + sizeof guid - 1], digest[EVP_MAX_MD_SIZE];
    ASSERT(key.len == KEY_BYTES);
    memcpy(both, key.at, KEY_BYTES);
    memcpy(both + KEY_BYTES, guid, sizeof guid - 1);
    ASSERT(EVP_Digest(both, sizeof both, digest, NULL, EVP_sha1(), NULL) == 1);
    (void)EVP_EncodeBlock((unsigned char *)proof, digest, SHA1_BYTES);
}
