/* SPDX-License-Identifier: Apache-2.0 */
/* server_seal.h - secrets at rest: AES-256-GCM under a key derived from the installation's secret,
 * which lies apart from the database and its backups (design 4). OpenSSL behind this file alone.
 * Bytes    nonce (12), ciphertext, tag (16). The secret's name is authenticated with it, so that
 *          two values cannot be exchanged in the file. */
#ifndef SERVERS_CONFIG_SERVER_SEAL_H
#define SERVERS_CONFIG_SERVER_SEAL_H

#include "base/scope.h"

enum { SEAL_KEY_BYTES = 32, SEAL_EXTRA_BYTES = 28 };

struct text seal_close(struct scope *scope, const uint8_t key[SEAL_KEY_BYTES], struct text name,
                       struct text value);
/* ERR_DENIED: sealed with another key, under another name, or changed since. */
enum err seal_open(struct scope *scope, const uint8_t key[SEAL_KEY_BYTES], struct text name,
                   struct text sealed, struct text *value);

#endif
