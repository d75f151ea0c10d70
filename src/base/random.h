/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - a handed-in source of chance, and the GUIDs made from it.
 * Promise  the same seed gives the same numbers, so a simulated world can be replayed. Not for
 * keys: secrets come from OpenSSL. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/text.h"

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
void random_seed_from_system(
    struct random *random); /* getrandom(2); ends the process if it fails */
uint64_t random_u64(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit); /* 0 .. limit-1; limit > 0 */

enum { GUID_LEN = 32 };
struct guid {
    char text[GUID_LEN + 1]; /* 32 of [0-9A-Z], NUL (spec outbound, section 1) */
};

struct guid guid_new(struct random *random);
static inline struct text guid_text(const struct guid *guid)
{
    return text_of(guid->text);
}

#endif
