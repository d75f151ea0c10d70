/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <sys/random.h>

static uint64_t rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

void random_seed(struct random *random, uint64_t seed)
{
    /* splitmix64 spreads one word over the state (Steele, Lea, Flood 2014). */
    for (int i = 0; i < 4; i++) {
        uint64_t word = seed += 0x9E3779B97F4A7C15u;
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
        word = (word ^ word >> 27) * 0x94D049BB133111EBu;
        random->state[i] = word ^ word >> 31;
    }
}

void random_seed_from_system(struct random *random)
{
    ssize_t got = getrandom(random->state, sizeof random->state, 0);
    ASSERT(got == (ssize_t)sizeof random->state);
}

uint64_t random_u64(struct random *random)
{
    /* xoshiro256** (Blackman, Vigna 2018) */
    uint64_t *state = random->state;
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    ASSERT(limit > 0);
    uint64_t unfair = UINT64_MAX - UINT64_MAX % limit;
    uint64_t value;
    do value = random_u64(random);
    while (value >= unfair);
    return value % limit;
}

struct guid guid_new(struct random *random)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct guid guid;
    for (int i = 0; i < GUID_LEN; i++) guid.text[i] = digits[random_below(random, 36)];
    guid.text[GUID_LEN] = '\0';
    return guid;
}
