/* SPDX-License-Identifier: Apache-2.0 */
#include "model/call_result.h"

#define TABLE(name, ...)                                                                           \
    static const struct named_number name##_rows[] = { __VA_ARGS__ };                              \
    const struct named_numbers name = { name##_rows, sizeof name##_rows / sizeof name##_rows[0] }

/* clang-format off */
TABLE(CALL_RESULTS,
    { 0, "Ok" }, { 1, "Transferred" }, { 2, "Conferenced" }, { 3, "General Error" },
    { 4, "System Error" }, { 5, "Remote Release" }, { 6, "Busy" }, { 7, "No Answer" },
    { 8, "SIT Detected" }, { 9, "Answering Machine Detected" }, { 10, "All Trunks Busy" },
    { 11, "SIT Invalid Number" }, { 12, "SIT Vacant Code" }, { 13, "SIT Intercept" },
    { 14, "SIT Unknown Call State" }, { 15, "SIT No Circuit" }, { 16, "SIT Reorder" },
    { 17, "Fax Detected" }, { 18, "Queue Full" }, { 19, "Cleared" }, { 20, "Overflowed" },
    { 21, "Abandoned" }, { 22, "Redirected" }, { 23, "Forwarded" }, { 24, "Consult" },
    { 25, "Picked Up" }, { 26, "Dropped" }, { 27, "Dropped on No Answer" },
    { 28, "Unknown Call Result" }, { 29, "Covered" }, { 30, "Converse-On" }, { 31, "Bridged" },
    { 32, "Silence" }, { 33, "Answer" }, { 34, "NU Tone" }, { 35, "No Dial Tone" },
    { 36, "No Progress" }, { 37, "No Ring Back Tone" }, { 38, "No Established Detected" },
    { 39, "Pager Detected" }, { 40, "Wrong Party" }, { 41, "Dial Error" },
    { 42, "Call Drop Error" }, { 43, "Switch Error" }, { 44, "No Port Available" },
    { 45, "Transfer Error" }, { 46, "Stale" }, { 47, "Agent CallBack Error" },
    { 48, "Group CallBack Error" }, { 49, "Deafened" }, { 50, "Held" }, { 51, "Do Not Call" },
    { 52, "Cancel Record" }, { 53, "Wrong Number" });

TABLE(RECORD_TYPES,
    { 0, "No Record Type" }, { 1, "Unknown" }, { 2, "General" }, { 3, "Campaign Rescheduled" },
    { 4, "Personal Rescheduled" }, { 5, "Personal CallBack" }, { 6, "Campaign CallBack" },
    { 7, "No Call" });

TABLE(RECORD_STATUSES,
    { 0, "No Record Status" }, { 1, "Ready" }, { 2, "Retrieved" }, { 3, "Updated" },
    { 4, "Stale" }, { 5, "Cancelled" }, { 6, "Agent Error" }, { 7, "Chain Updated" },
    { 8, "Missed CallBack" }, { 9, "Chain Ready" });

TABLE(CONTACT_INFO_TYPES,
    { 0, "NoContactType" }, { 1, "HomePhone" }, { 2, "DirectBusinessPhone" },
    { 3, "BusinessWithExt" }, { 4, "Mobile" }, { 5, "VacationPhone" }, { 6, "Pager" },
    { 7, "Modem" }, { 8, "VoiceMail" }, { 9, "PinPager" }, { 10, "EmailAddress" },
    { 11, "InstantMessaging" });

TABLE(DIAL_MODES,
    { 0, "NoDial" }, { 1, "Predictive" }, { 2, "Progressive" }, { 3, "Preview" },
    { 4, "Progressive with seizing" }, { 5, "Predictive with seizing" }, { 6, "Power (GVP)" },
    { 7, "Power with seizing" }, { 8, "Push Preview" }, { 9, "Progressive GVP" },
    { 10, "Predictive GVP" }, { 11, "Power GVP" });

TABLE(OPTIMIZATION_METHODS,
    { 1, "agent busy factor" }, { 2, "overdial rate" }, { 3, "average waiting time" },
    { 4, "average distribution time" }, { 5, "maximum gain" });
/* clang-format on */

const char *named_number_name(const struct named_numbers *table, uint32_t number)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (table->at[i].number == number) return table->at[i].name;
    return NULL;
}

/* The next letter or digit in lower case, '\0' at the end. */
static char next_sign(struct text *rest)
{
    while (rest->len > 0) {
        char c = rest->at[0];
        rest->at++;
        rest->len--;
        if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
        if (c != ' ' && c != '-' && c != '_') return c;
    }
    return '\0';
}

static bool is_same_name(struct text a, struct text b)
{
    for (;;) {
        char x = next_sign(&a), y = next_sign(&b);
        if (x != y) return false;
        if (x == '\0') return true;
    }
}

enum err named_number_find(const struct named_numbers *table, struct text name, uint32_t *out)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (is_same_name(name, text_of(table->at[i].name))) {
            *out = table->at[i].number;
            return ERR_OK;
        }
    return text_to_u32(name, 0, UINT32_MAX, out) ? ERR_NOT_FOUND : ERR_OK;
}
