/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords of the simulated world: app/password.h without its price. argon2id takes 30 ms of a
 * real processor each time, and a virtual clock has no use for it; tests/unit/app/password_test.c
 * proves the real one. Stands in for app/password.c when the world is linked. */
#include "app/password.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum err password_hash(struct text password, char out[PASSWORD_HASH_BYTES_MAX])
{
    (void)snprintf(out, PASSWORD_HASH_BYTES_MAX, "$world$%016" PRIx64, text_hash(password));
    return ERR_OK;
}

bool password_fits(struct text hash, struct text password)
{
    char wanted[PASSWORD_HASH_BYTES_MAX];
    return password_hash(password, wanted) == ERR_OK && text_eq(hash, text_of(wanted));
}

void password_generate(char out[PASSWORD_GENERATED_BYTES + 1])
{
    (void)memcpy(out, "World-World-World-01", PASSWORD_GENERATED_BYTES + 1);
}
