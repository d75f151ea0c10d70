/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/schedule.h"
#include "tests/unit/test.h"

TEST(scenario_17_weights_10_20_70_split_a_refill_of_50_into_5_10_35)
{
    struct share shares[] = { { .weight = 10 }, { .weight = 20 }, { .weight = 70 } };
    share_split(shares, 3, 50);
    CHECK_U32(shares[0].records, 5);
    CHECK_U32(shares[1].records, 10);
    CHECK_U32(shares[2].records, 35);
}

TEST(the_remainder_goes_to_lists_in_configured_order)
{
    struct share shares[] = { { .weight = 1 }, { .weight = 1 }, { .weight = 1 } };
    share_split(shares, 3, 5);
    CHECK_U32(shares[0].records, 2);
    CHECK_U32(shares[1].records, 2);
    CHECK_U32(shares[2].records, 1);
}

TEST(an_exhausted_list_gives_its_part_to_the_others)
{
    struct share shares[] = { { .weight = 10, .is_exhausted = true },
                              { .weight = 20 },
                              { .weight = 20 } };
    share_split(shares, 3, 50);
    CHECK_U32(shares[0].records, 0);
    CHECK_U32(shares[1].records, 25);
    CHECK_U32(shares[2].records, 25);
}

TEST(nothing_to_share_among_is_no_endless_loop)
{
    struct share shares[] = { { .weight = 0 }, { .weight = 10, .is_exhausted = true } };
    share_split(shares, 2, 7);
    CHECK_U32(shares[0].records + shares[1].records, 0);
}

TEST(every_record_is_handed_out_whatever_the_weights)
{
    for (uint32_t a = 0; a < 12; a++)
        for (uint32_t b = 1; b < 12; b++)
            for (uint32_t records = 0; records < 40; records++) {
                struct share shares[] = { { .weight = a }, { .weight = b } };
                share_split(shares, 2, records);
                CHECK_U32(shares[0].records + shares[1].records, records);
            }
}

TEST(the_buffer_is_refilled_below_half_of_its_target)
{
    struct buffer_state buffer = { .buffered = 50, .buffer_min = 100, .factor_percent = 150 };
    CHECK_U32(buffer_refill(&buffer), 0);
    buffer.buffered = 49;
    CHECK_U32(buffer_refill(&buffer), 51);
    buffer.wanted_per_min = 200;
    CHECK_U32(buffer_refill(&buffer), 251);
    buffer.wanted_per_min = 4000000;
    CHECK_U32(buffer_refill(&buffer), BUFFER_CHAINS_MAX - 49);
}
