/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/lease_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void break_promise(struct lease_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void break_promise(struct lease_check *check, const char *format, ...)
{
    va_list arguments;
    if (check->words[0]) return;
    va_start(arguments, format);
    (void)vsnprintf(check->words, sizeof check->words, format, arguments);
    va_end(arguments);
}

void lease_check_taken(struct lease_check *check, uint64_t epoch, uint32_t holder)
{
    ASSERT(holder > 0);
    if (epoch >= LEASE_EPOCHS_MAX) {
        break_promise(check, "epoch %" PRIu64 " is more than this check knows", epoch);
        return;
    }
    uint32_t before = check->holders[epoch];
    if (before && before != holder)
        break_promise(check, "holder: epoch %" PRIu64 " is of %u and of %u", epoch, before, holder);
    check->holders[epoch] = holder;
}

void lease_check_rows(struct lease_check *check)
{
    check->newest = 0;
}

void lease_check_row(struct lease_check *check, uint64_t epoch, uint32_t holder)
{
    if (epoch < check->newest)
        break_promise(check, "epochs: %u wrote with epoch %" PRIu64 " after %" PRIu64, holder,
                      epoch, check->newest);
    check->newest = epoch;
    lease_check_taken(check, epoch, holder);
}

void lease_check_moment(struct lease_check *check, uint64_t now_ms, bool is_held, bool is_well)
{
    if (is_held || !is_well || !check->is_idle) check->idle_since_ms = now_ms;
    check->is_idle = !is_held && is_well;
    uint64_t idle_ms = now_ms - check->idle_since_ms;
    if (idle_ms > check->bound_ms)
        break_promise(check, "held: by nobody for %" PRIu64 " ms, all was well", idle_ms);
}
