/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/schedule.h"

void share_split(struct share *shares, uint32_t count, uint32_t records)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        shares[i].records = 0;
        if (!shares[i].is_exhausted) sum += shares[i].weight;
    }
    if (sum == 0) return;
    uint32_t left = records;
    for (uint32_t i = 0; i < count; i++) {
        if (shares[i].is_exhausted) continue;
        shares[i].records = (uint32_t)((uint64_t)records * shares[i].weight / sum);
        left -= shares[i].records;
    }
    while (left > 0)
        for (uint32_t i = 0; i < count && left > 0; i++) {
            if (shares[i].is_exhausted || shares[i].weight == 0) continue;
            shares[i].records++;
            left--;
        }
}

uint32_t buffer_refill(const struct buffer_state *buffer)
{
    uint64_t expected = ((uint64_t)buffer->wanted_per_min * buffer->factor_percent + 99) / 100;
    uint64_t target = expected > buffer->buffer_min ? expected : buffer->buffer_min;
    if (target > BUFFER_CHAINS_MAX) target = BUFFER_CHAINS_MAX;
    if ((uint64_t)buffer->buffered * 2 >= target && buffer->buffered > 0) return 0;
    return target > buffer->buffered ? (uint32_t)(target - buffer->buffered) : 0;
}
