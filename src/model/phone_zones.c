/* SPDX-License-Identifier: Apache-2.0 */
/* The longest known front of the number decides, as in libphonenumber's
 * PhoneNumberToTimeZonesMapper.
 */
#include "model/phone.h"

#include "phone_zones.inc"

struct text phone_zones(const struct phone *phone)
{
    /* What is bound to no place has its country's zones. */
    uint32_t len = phone->is_geographic ? phone->len : phone->country_code_len;
    uint32_t node = 0;
    int16_t found = 0;
    for (uint32_t i = 0; i < len; i++) {
        node = zone_nodes[node].next[phone->digits[i] - '0'];
        if (node == 0) break;
        if (zone_nodes[node].list >= 0) found = zone_nodes[node].list;
    }
    return text_of(zone_lists[found]);
}
