/* SPDX-License-Identifier: Apache-2.0 */
/* phone_plan.h - numbering plans as tables: decides the numbers that are clearly right, in some
 * fifty nanoseconds instead of libphonenumber's fourteen microseconds.
 * Promise  what it calls clear is what libphonenumber says of the same number, by the same
 *          metadata; all else is doubtful, and the library's to decide (phone.cc).
 * Pure     no I/O; the library hands the metadata over as texts. */
#ifndef MODEL_PHONE_PLAN_H
#define MODEL_PHONE_PLAN_H

#include "model/phone.h"

/* Kinds of numbers, in the order in which the library looks for them. */
enum phone_kind {
    PHONE_KIND_GENERAL, /* any number of the region */
    PHONE_KIND_PREMIUM,
    PHONE_KIND_TOLL_FREE,
    PHONE_KIND_SHARED_COST,
    PHONE_KIND_VOIP,
    PHONE_KIND_PERSONAL,
    PHONE_KIND_PAGER,
    PHONE_KIND_UAN,
    PHONE_KIND_VOICEMAIL,
    PHONE_KIND_FIXED,
    PHONE_KIND_MOBILE,
    PHONE_KINDS,
};

/* What the metadata says of a region; views that outlive the plan. */
struct phone_plan_source {
    struct text region;
    uint32_t country_code;
    struct text patterns[PHONE_KINDS];
    uint32_t lengths[PHONE_KINDS]; /* bit n: n digits are possible; 0: any */
    struct text leading_digits, national_prefix, international_prefix; /* expressions */
    bool has_prefix_rule; /* the national prefix is replaced by something, not dropped */
    bool same_mobile_and_fixed, mobile_is_geographic;
};

struct phone_plan;

/* Nothing is made of it before it is needed. */
struct phone_plan *phone_plan_new(struct scope *owner, const struct phone_plan_source *source);
uint32_t phone_plan_country_code(const struct phone_plan *plan);

/* Plans by country code, the main region first. */
struct phone_country {
    struct phone_plan *const *plans;
    uint32_t count;
};
enum { PHONE_COUNTRIES = 1000 };

/* Reads what a person wrote. `home`: the plan for numbers without country code, or NULL. False:
 * doubtful, `out` is not written. */
bool phone_plan_read(const struct phone_country *countries, struct phone_plan *home,
                     struct text written, struct phone *out);

#endif
