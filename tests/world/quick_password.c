/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords of the simulated world: app/password.h without its price. argon2id takes 30 ms of a
 * real processor each time, and a virtual clock has no use for it; tests/unit/app/password_test.c
 * proves the real one. Stands in for app/password.c when the world is linked. */
#include "app/password.h"

#include <stdio.h>
#include <string.h>

enum err password_hash(struct text password, char out[PASSWORD_HASH_BYTES_MAX])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < password.len; i++)
        hash = (hash ^ (unsigned char)password.at[i]) * UINT64_C(1099511628211);
    (void)snprintf(out, PASSWORD_HASH_BYTES_MAX, "$world$%016llx", (unsigned long long)hash);
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
