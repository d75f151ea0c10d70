/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - what a client shows to be known again. OpenSSL behind this file alone.
 * Token       256 random bits as 64 hexadecimal digits; only its SHA-256 is kept anywhere.
 * Desktop id  128 random bits and a mac over them and the person: after a restart of web, which
 *             keeps no desktops, an id still proves whose it is, and so does the idempotency key
 *             that is made of it (docs/decisions/0021).
 * Pure        but for random bytes. */
#ifndef SERVERS_WEB_TOKEN_H
#define SERVERS_WEB_TOKEN_H

#include "base/text.h"

enum { TOKEN_CHARS = 64, TOKEN_HASH_BYTES = 32, DESKTOP_ID_CHARS = 48, DESKTOP_KEY_BYTES = 32 };

void token_new(char out[TOKEN_CHARS + 1]);
/* False: it has not the form of a token. */
bool token_hash(struct text token, uint8_t out[TOKEN_HASH_BYTES]);

void desktop_id_new(const uint8_t key[DESKTOP_KEY_BYTES], uint32_t person_dbid,
                    char out[DESKTOP_ID_CHARS + 1]);
bool desktop_id_is_of(const uint8_t key[DESKTOP_KEY_BYTES], uint32_t person_dbid, struct text id);

#endif
