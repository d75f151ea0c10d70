/* SPDX-License-Identifier: Apache-2.0 */
/* The Do-Not-Call list in memory: how long it takes to fill, what an entry weighs, how many
 * look-ups a second it answers, of numbers that are on it and of others.
 *
 *     dnc_bench ENTRIES LOOKUPS
 *
 * Times are CPU time. Numbers are spread like real ones: eleven digits, no two alike, in no order.
 * Prints one JSON object. */
#include "bench/measure.h"

#include "base/random.h"
#include "servers/outbound/dnc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_LEN = 11 };

/* CPU time: who shares the machine does not count. */
/* Number `i` of the list: a walk through all of 10^10 in a scattered order. Odd steps are listed.
 */
static struct text number(uint64_t i, char out[NUMBER_LEN])
{
    uint64_t value = i * 6364136223 % 10000000000;
    out[0] = '1';
    for (int at = NUMBER_LEN - 1; at > 0; at--, value /= 10) out[at] = (char)('0' + value % 10);
    return (struct text){ out, NUMBER_LEN };
}

static double look_up(const struct dnc *dnc, uint64_t entries, uint64_t count, bool listed,
                      uint64_t *found)
{
    struct random random;
    random_seed(&random, 11);
    const struct dnc_scope scope = { 1, 7 };
    char digits[NUMBER_LEN];
    double began_s = measure_cpu_s();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t which = random_below(&random, entries) + (listed ? 0 : entries);
        *found += dnc_check(dnc, scope, number(which, digits), TEXT("C123456")) != DNC_FREE;
    }
    return measure_cpu_s() - began_s;
}

int main(int argc, char **argv)
{
    uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    uint64_t lookups = argc > 2 ? strtoull(argv[2], NULL, 10) : 5000000;
    struct scope *life = scope_new(NULL, "bench", SCOPE_NO_LIMIT);
    struct dnc *dnc = dnc_new(life, 0x5eed);
    const struct dnc_scope tenant = { 1, 0 };
    char digits[NUMBER_LEN];
    uint64_t before = measure_resident_bytes(), hits = 0, others = 0;
    double began_s = measure_cpu_s();
    for (uint64_t i = 0; i < entries; i++) (void)dnc_add(dnc, DNC_PHONE, number(i, digits), tenant);
    double filled_s = measure_cpu_s() - began_s;
    uint64_t weight = measure_resident_bytes() - before;
    double listed_s = look_up(dnc, entries, lookups, true, &hits);
    double other_s = look_up(dnc, entries, lookups, false, &others);
    printf("{\"entries\":%" PRIu64 ",\"fill_s\":%.3f,\"bytes\":%zu,\"resident\":%" PRIu64
           ",\"lookups\":%" PRIu64 ",\"listed_ns\":%.0f,\"other_ns\":%.0f,\"found\":%" PRIu64
           ",\"wrongly_found\":%" PRIu64 "}\n",
           dnc_count(dnc), filled_s, dnc_bytes(dnc), weight, lookups,
           listed_s / (double)lookups * 1e9, other_s / (double)lookups * 1e9, hits, others);
    scope_close(life);
    return hits == lookups && others == 0 ? 0 : 1;
}
