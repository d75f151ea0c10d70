/* SPDX-License-Identifier: Apache-2.0 */
/* phone.h - telephone numbers: what people write becomes E.164, or the reason why it is no number;
 * and the time zones in which it may ring. libphonenumber stands behind this one file (phone.cc).
 * Speed    the library takes about 14 us a number; tables made at start from its own metadata
 *          decide the clear cases (phone_plan.h), so that an import can check each row.
 * Zones    libphonenumber's table of zones by prefix; a number that is not bound to a place (most
 *          mobile ones, toll-free ones) has all zones of its country.
 * Thread   one at a time. */
#ifndef MODEL_PHONE_H
#define MODEL_PHONE_H

#include "base/scope.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PHONE_DIGITS_MAX = 17, PHONE_REGION_BYTES = 4 };

struct phones;
struct phone_plan; /* of a region */

struct phones *phones_new(struct scope *owner);
/* "DE", "us"; NULL: there is no such region. */
struct phone_plan *phones_region(struct phones *phones, struct text region);

struct phone {
    char digits[PHONE_DIGITS_MAX + 3]; /* country code first, without the plus; NUL behind */
    uint8_t len;
    uint8_t country_code_len;
    char region[PHONE_REGION_BYTES]; /* "DE"; "001" for international services */
    bool is_geographic;              /* its digits say where it is */
    bool has_extension;              /* not among the digits */
};

enum phone_verdict {
    PHONE_VALID,
    PHONE_NO_NUMBER,
    PHONE_NO_COUNTRY, /* neither a country code nor a region to assume */
    PHONE_TOO_SHORT,
    PHONE_TOO_LONG,
    PHONE_WRONG_LENGTH,
    PHONE_NO_RANGE, /* of a possible length, but such numbers are not given out */
};

/* Reads "+49 (0)30 2312-5000", "030 23125000" of region DE, "1-800-FLOWERS"... `home` NULL: only
 * numbers with a country code. `out` is written when the verdict is PHONE_VALID. */
enum phone_verdict phones_read(struct phones *phones, struct text written, struct phone_plan *home,
                               struct phone *out);
/* The same by the library alone: what tests compare with. */
enum phone_verdict phones_read_by_library(struct phones *phones, struct text written,
                                          struct phone_plan *home, struct phone *out);
/* How many of phones_read() were the library's to decide, so far. */
uint64_t phones_doubtful(const struct phones *phones);
/* The rule that was broken, for people: "must be ...". */
const char *phone_verdict_words(enum phone_verdict verdict);

/* IANA names joined by '&', in the order of the alphabet: "Europe/Berlin". Empty: not known. */
struct text phone_zones(const struct phone *phone);

#ifdef __cplusplus
}
#endif
#endif
