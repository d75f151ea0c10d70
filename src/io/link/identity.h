/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h - the arithmetic of a link's proof (docs/decisions/0004): derived keys, HMAC over both
 * Hello frames, comparison in constant time. OpenSSL behind this file alone.
 * Pure     but for identity_nonce(), which asks the system for random bytes. */
#ifndef IO_LINK_IDENTITY_H
#define IO_LINK_IDENTITY_H

#include "base/text.h"

enum { IDENTITY_KEY_BYTES = 32, IDENTITY_MAC_BYTES = 32, IDENTITY_NONCE_BYTES = 32 };

enum identity_direction { IDENTITY_OF_CLIENT, IDENTITY_OF_SERVER };

/* What both ends must agree on: the Hello frames as they were on the wire. */
struct identity_transcript {
    struct text client_hello, server_hello;
};

void identity_nonce(uint8_t out[IDENTITY_NONCE_BYTES]);
/* The direction goes into the MAC, so that a proof cannot be sent back to its maker. */
void identity_prove(const uint8_t key[IDENTITY_KEY_BYTES], enum identity_direction direction,
                    const struct identity_transcript *transcript, uint8_t out[IDENTITY_MAC_BYTES]);
bool identity_is_proven(const uint8_t key[IDENTITY_KEY_BYTES], enum identity_direction direction,
                        const struct identity_transcript *transcript, struct text mac);

/* Which key a link uses. An end that holds the installation's secret derives the other's; when
 * both hold it, the connecting application's. When neither does, the listening end derives the
 * pair's key from its own and the connecting application's name; the connecting end was given that
 * key as its secret, by who holds the installation's. */
struct identity_end {
    struct text application;
    bool has_secret;
};
enum err identity_key(const struct identity_end *client, const struct identity_end *server,
                      enum identity_direction ours, struct text our_secret,
                      uint8_t out[IDENTITY_KEY_BYTES]);

#endif
