/* SPDX-License-Identifier: Apache-2.0 */
/* password.h - passwords at rest: argon2id (framework 12.1), its parameters in the hash string, so
 * that they may grow without a migration.
 * Blocks   some 30 ms of CPU and 19 MiB of memory each: for worker threads (loop_work), never on
 * the loop. Both may run on several threads at once. */
#ifndef APP_PASSWORD_H
#define APP_PASSWORD_H

#include "base/text.h"

enum {
    PASSWORD_HASH_BYTES_MAX = 160,
    PASSWORD_BYTES_MAX = 256,
    PASSWORD_GENERATED_BYTES =
        20, /* letters and digits that are not mixed up, and hyphens; 98 bits */
};

/* "$argon2id$v=19$m=19456,t=2,p=1$salt$hash", NUL-ended. ERR_UNAVAILABLE when there is no memory.
 */
enum err password_hash(struct text password, char out[PASSWORD_HASH_BYTES_MAX]);
/* False also for a hash that is none. An empty `hash` takes the same time as one of ours and never
 * fits: for users that are unknown. */
bool password_fits(struct text hash, struct text password);

/* A password nobody has thought of; it has letters of both cases, a digit and a hyphen. Quick. */
void password_generate(char out[PASSWORD_GENERATED_BYTES + 1]);

#endif
