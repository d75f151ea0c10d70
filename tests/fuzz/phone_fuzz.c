/* SPDX-License-Identifier: Apache-2.0 */
/* phone_fuzz.c - telephone numbers as people write them; beside libphonenumber.
 * Our tables say what libphonenumber says. The library reads its own E.164 form not always as the
 * same number (Mexico's 1); so do we then. A first line that is a region, "DE", or none; then a
 * number a line. */
#include "tests/fuzz/fuzz.h"

#include "model/phone.h"

#include <string.h>

enum { LINE_BYTES_MAX = 300 };

static void check_phone(const struct phone *phone)
{
    FUZZ_CHECK(phone->len == strlen(phone->digits) && phone->len <= PHONE_DIGITS_MAX + 2);
    FUZZ_CHECK(phone->country_code_len >= 1 && phone->country_code_len <= 3 &&
               phone->country_code_len < phone->len);
    for (size_t i = 0; i < phone->len; i++)
        FUZZ_CHECK(phone->digits[i] >= '0' && phone->digits[i] <= '9');
    FUZZ_CHECK(phone->digits[0] != '0');
    struct text zones = phone_zones(phone), zone, last = { 0 };
    while (zones.len > 0 && text_next_item(&zones, '&', &zone)) {
        FUZZ_CHECK(zone.len > 0 && text_compare(last, zone) < 0); /* in order, none twice */
        last = zone;
    }
}

static void check_number(struct phones *phones, struct phone_plan *home, struct text written,
                         struct phone *ours)
{
    struct phone theirs = { 0 };
    enum phone_verdict verdict = phones_read(phones, written, home, ours);
    FUZZ_CHECK(verdict == phones_read_by_library(phones, written, home, &theirs));
    if (verdict != PHONE_VALID) {
        FUZZ_CHECK(phone_verdict_words(verdict)[0]);
        return;
    }
    check_phone(ours);
    FUZZ_CHECK(strcmp(ours->digits, theirs.digits) == 0 &&
               strcmp(ours->region, theirs.region) == 0);
    FUZZ_CHECK(ours->country_code_len == theirs.country_code_len);
    FUZZ_CHECK(ours->is_geographic == theirs.is_geographic &&
               ours->has_extension == theirs.has_extension);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct phones *phones; /* its tables take a while */
    if (phones == NULL) phones = phones_new(scope_new(NULL, "fuzz", SCOPE_NO_LIMIT));
    struct text in = fuzz_text(data, size), region, line;
    if (!fuzz_line(&in, &region)) return 0;
    struct phone_plan *home = phones_region(phones, region);
    while (fuzz_line(&in, &line)) {
        struct phone phone = { 0 };
        if (line.len > LINE_BYTES_MAX) continue;
        check_number(phones, home, line, &phone);
        if (phone.len == 0) continue;
        struct buf international = { 0 };
        buf_format(&international, "+%s", phone.digits);
        check_number(phones, NULL, buf_text(&international), &phone);
        buf_free(&international);
    }
    return 0;
}
