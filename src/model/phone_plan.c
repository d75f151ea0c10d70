/* SPDX-License-Identifier: Apache-2.0 */
/* Follows PhoneNumberUtil::ParseHelper() step by step; wherever a step could go two ways the number
 * is doubtful. */
#include "model/phone_plan.h"

#include "model/phone_pattern.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS_MIN = 7, NATIONAL_MIN = 2, FRONTS = 3 };
enum { FRONT_NATIONAL_PREFIX, FRONT_INTERNATIONAL_PREFIX, FRONT_LEADING };

struct phone_plan {
    struct scope *owner;
    struct phone_plan_source source;
    struct phone_patterns *kinds, *fronts[FRONTS]; /* made when first asked for */
    bool is_made;
    bool is_prefix_plain, is_idd_plain; /* just digits */
    char code[4];                       /* of the country, as digits */
    uint8_t code_len;
};

struct phone_plan *phone_plan_new(struct scope *owner, const struct phone_plan_source *source)
{
    struct phone_plan *plan = scope_alloc(owner, sizeof *plan);
    plan->owner = owner;
    plan->source = *source;
    plan->code_len = (uint8_t)snprintf(plan->code, sizeof plan->code, "%u", source->country_code);
    return plan;
}

uint32_t phone_plan_country_code(const struct phone_plan *plan)
{
    return plan->source.country_code;
}

static void make(struct phone_plan *plan)
{
    const struct phone_plan_source *source = &plan->source;
    struct text fronts[FRONTS] = { source->national_prefix, source->international_prefix,
                                   source->leading_digits };
    plan->is_made = true;
    plan->kinds = phone_patterns_new(plan->owner, source->patterns, PHONE_KINDS);
    for (uint32_t i = 0; i < FRONTS; i++)
        plan->fronts[i] = phone_patterns_new(plan->owner, &fronts[i], 1);
    plan->is_prefix_plain = text_is_digits(source->national_prefix) && !source->has_prefix_rule;
    plan->is_idd_plain = text_is_digits(source->international_prefix);
}

/* False: its expressions are beyond us. */
static bool is_usable(struct phone_plan *plan)
{
    if (!plan->is_made) make(plan);
    return plan->kinds && plan->fronts[FRONT_LEADING];
}

/* Also where the expression is beyond us: one more doubt. */
static bool may_have_front(const struct phone_plan *plan, struct text digits, uint32_t front)
{
    const struct phone_patterns *patterns = plan->fronts[front];
    return patterns == NULL || phone_patterns_match_front(patterns, digits) != 0;
}

static bool is_general(const struct phone_plan *plan, struct text national)
{
    return phone_patterns_match(plan->kinds, national) & (1u << PHONE_KIND_GENERAL);
}

static bool is_length_possible(const struct phone_plan *plan, uint32_t kind, size_t len)
{
    uint32_t lengths = plan->source.lengths[kind];
    return lengths == 0 || (lengths & (1u << len));
}

/* MaybeStripNationalPrefixAndCarrierCode() and the check of the length behind it. False: doubtful.
 */
static bool strip_national_prefix(const struct phone_plan *plan, struct text *national)
{
    if (!plan->is_prefix_plain) return !may_have_front(plan, *national, FRONT_NATIONAL_PREFIX);
    struct text prefix = plan->source.national_prefix;
    if (!text_starts(*national, prefix)) return true;
    struct text rest = text_slice(*national, prefix.len, SIZE_MAX);
    bool fits = is_general(plan, rest);
    if (!fits && is_general(plan, *national)) return true;
    if (!fits || !is_length_possible(plan, PHONE_KIND_GENERAL, rest.len)) return false;
    *national = rest;
    return true;
}

/* --- the number's region and kind --- */

/* The kinds that the number is of, a bit for each; 0: it is none of the region's. */
static uint32_t kinds_of(const struct phone_plan *plan, struct text national)
{
    uint32_t matched = phone_patterns_match(plan->kinds, national), kinds = 0;
    for (uint32_t kind = 0; kind < PHONE_KINDS; kind++)
        if ((matched & (1u << kind)) && is_length_possible(plan, kind, national.len))
            kinds |= 1u << kind;
    return kinds & (1u << PHONE_KIND_GENERAL) && kinds != 1u << PHONE_KIND_GENERAL ? kinds : 0;
}

static bool is_geographic(const struct phone_plan *plan, uint32_t kinds)
{
    uint32_t special = (1u << PHONE_KIND_FIXED) - (1u << PHONE_KIND_PREMIUM);
    if (kinds & special) return false;
    return (kinds & (1u << PHONE_KIND_FIXED)) || plan->source.same_mobile_and_fixed ||
           plan->source.mobile_is_geographic;
}

/* GetRegionCodeForNumberFromRegionList(); NULL: none is clear. */
static const struct phone_plan *plan_of(const struct phone_country *country, struct text national,
                                        uint32_t *kinds)
{
    for (uint32_t i = 0; i < country->count; i++) {
        struct phone_plan *plan = country->plans[i];
        if (!is_usable(plan)) return NULL;
        *kinds = kinds_of(plan, national);
        bool is_its = country->count == 1 || (plan->source.leading_digits.len
                                                  ? may_have_front(plan, national, FRONT_LEADING)
                                                  : *kinds != 0);
        if (is_its) return *kinds ? plan : NULL;
    }
    return NULL;
}

static bool finish(const struct phone_country *country, struct text national, struct phone *out)
{
    uint32_t kinds;
    if (national.len < NATIONAL_MIN || text_starts(national, TEXT("00"))) return false;
    const struct phone_plan *plan = plan_of(country, national, &kinds);
    if (plan == NULL || plan->code_len + national.len > PHONE_DIGITS_MAX) return false;
    *out = (struct phone){
        .len = (uint8_t)(plan->code_len + national.len),
        .country_code_len = plan->code_len,
        .is_geographic = is_geographic(plan, kinds),
    };
    memcpy(out->digits, plan->code, plan->code_len);
    memcpy(out->digits + plan->code_len, national.at, national.len);
    memcpy(out->region, plan->source.region.at, plan->source.region.len);
    return true;
}

/* --- from the digits --- */

static bool read_international(const struct phone_country *countries, struct text digits,
                               struct phone *out)
{
    uint32_t code = 0;
    for (size_t len = 1; len <= 3 && len < digits.len; len++) {
        code = code * 10 + (uint32_t)(digits.at[len - 1] - '0');
        if (code == 0) return false;
        const struct phone_country *country = &countries[code];
        if (country->count == 0) continue;
        struct text national = text_slice(digits, len, SIZE_MAX);
        return is_usable(country->plans[0]) &&
               strip_national_prefix(country->plans[0], &national) &&
               finish(country, national, out);
    }
    return false;
}

static bool read_national(const struct phone_country *countries, const struct phone_plan *home,
                          struct text digits, struct phone *out)
{
    const struct phone_country *country = &countries[home->source.country_code];
    const struct phone_plan *plan = home; /* whose prefix may stand in front */
    struct text national = digits, code = { home->code, home->code_len };
    if (text_starts(digits, code)) { /* the country code without its plus? */
        national = text_slice(digits, code.len, SIZE_MAX);
        if (is_general(home, digits) || !strip_national_prefix(home, &national) ||
            !is_general(home, national) || !is_usable(country->plans[0]))
            return false;
        plan = country->plans[0];
    }
    return strip_national_prefix(plan, &national) && finish(country, national, out);
}

/* The digits of what is written with usual signs only; false: something else is there. */
static bool take_digits(struct text written, char digits[PHONE_DIGITS_MAX + 3], size_t *len,
                        bool *has_plus)
{
    *len = 0;
    *has_plus = false;
    for (size_t i = 0; i < written.len; i++) {
        char c = written.at[i];
        if (c >= '0' && c <= '9') {
            if (*len == PHONE_DIGITS_MAX + 2) return false;
            digits[(*len)++] = c;
        } else if (c == '+') {
            if (i != 0) return false;
            *has_plus = true;
        } else if (c != ' ' && c != '-' && c != '.' && c != '(' && c != ')') {
            return false;
        }
    }
    return *len >= DIGITS_MIN;
}

bool phone_plan_read(const struct phone_country *countries, struct phone_plan *home,
                     struct text written, struct phone *out)
{
    char room[PHONE_DIGITS_MAX + 3];
    size_t len;
    bool has_plus;
    if (!take_digits(written, room, &len, &has_plus)) return false;
    struct text digits = { room, len };
    if (has_plus) return read_international(countries, digits, out);
    if (home == NULL || !is_usable(home)) return false;
    struct text idd = home->source.international_prefix;
    if (home->is_idd_plain && text_starts(digits, idd)) {
        struct text rest = text_slice(digits, idd.len, SIZE_MAX);
        return !text_starts(rest, TEXT("0")) && read_international(countries, rest, out);
    }
    if (may_have_front(home, digits, FRONT_INTERNATIONAL_PREFIX)) return false;
    return read_national(countries, home, digits, out);
}
