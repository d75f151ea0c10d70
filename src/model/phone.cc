/* SPDX-License-Identifier: Apache-2.0 */
/* libphonenumber, and nothing else of C++. Its metadata is read once, as the library itself reads
 * it; the tables of phone_plan.c are made from it. */
#define _Noreturn [[noreturn]] /* the headers of C say it so */
extern "C" {
#include "model/phone.h"
#include "model/phone_plan.h"
}

#include <phonenumbers/phonemetadata.pb.h>
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

#include <cstring>
#include <list>
#include <string>

namespace i18n
{
namespace phonenumbers
{
/* Exported by the library; the header that declares them is not installed. */
int metadata_size();
const void *metadata_get();
} // namespace phonenumbers
} // namespace i18n

using i18n::phonenumbers::PhoneMetadata;
using i18n::phonenumbers::PhoneMetadataCollection;
using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberDesc;
using i18n::phonenumbers::PhoneNumberUtil;

struct phones {
    PhoneNumberUtil *library;
    PhoneMetadataCollection metadata;
    struct phone_country countries[PHONE_COUNTRIES];
    struct text *names; /* of regions, in the order of `plans` */
    struct phone_plan **plans;
    uint32_t count;
    uint64_t doubtful;
};

static struct text text_of_string(const std::string &in)
{
    return text{ in.data(), in.size() };
}

/* --- the metadata --- */

static void take_kind(const PhoneNumberDesc &desc, uint32_t kind, struct phone_plan_source *source)
{
    source->patterns[kind] = text_of_string(desc.national_number_pattern());
    for (int i = 0; i < desc.possible_length_size(); i++)
        if (desc.possible_length(i) > 0 && desc.possible_length(i) < 32)
            source->lengths[kind] |= 1u << desc.possible_length(i);
}

static struct phone_plan *make_plan(struct scope *owner, const PhoneNumberUtil *library,
                                    const PhoneMetadata &region)
{
    struct phone_plan_source source;
    memset(&source, 0, sizeof source);
    source.region = text_of_string(region.id());
    source.country_code = static_cast<uint32_t>(region.country_code());
    take_kind(region.general_desc(), PHONE_KIND_GENERAL, &source);
    take_kind(region.premium_rate(), PHONE_KIND_PREMIUM, &source);
    take_kind(region.toll_free(), PHONE_KIND_TOLL_FREE, &source);
    take_kind(region.shared_cost(), PHONE_KIND_SHARED_COST, &source);
    take_kind(region.voip(), PHONE_KIND_VOIP, &source);
    take_kind(region.personal_number(), PHONE_KIND_PERSONAL, &source);
    take_kind(region.pager(), PHONE_KIND_PAGER, &source);
    take_kind(region.uan(), PHONE_KIND_UAN, &source);
    take_kind(region.voicemail(), PHONE_KIND_VOICEMAIL, &source);
    take_kind(region.fixed_line(), PHONE_KIND_FIXED, &source);
    take_kind(region.mobile(), PHONE_KIND_MOBILE, &source);
    source.leading_digits = text_of_string(region.leading_digits());
    source.national_prefix = text_of_string(region.national_prefix_for_parsing());
    source.has_prefix_rule = region.has_national_prefix_transform_rule();
    source.international_prefix = text_of_string(region.international_prefix());
    source.same_mobile_and_fixed = region.same_mobile_and_fixed_line_pattern();
    source.mobile_is_geographic =
        library->IsNumberGeographical(PhoneNumberUtil::MOBILE, region.country_code());
    return phone_plan_new(owner, &source);
}

/* Of the regions that share a country code the main one comes first. */
static void sort_countries(struct scope *owner, struct phones *phones)
{
    struct phone_plan **room =
        static_cast<struct phone_plan **>(scope_alloc_array(owner, phones->count, sizeof *room));
    for (uint32_t code = 1; code < PHONE_COUNTRIES; code++) {
        std::list<std::string> regions;
        phones->library->GetRegionCodesForCountryCallingCode(static_cast<int>(code), &regions);
        uint32_t count = 0;
        for (const std::string &region : regions)
            for (uint32_t i = 0; i < phones->count; i++)
                if (phone_plan_country_code(phones->plans[i]) == code &&
                    text_eq(phones->names[i], text_of_string(region)))
                    room[count++] = phones->plans[i];
        phones->countries[code] = phone_country{ room, count };
        room += count;
    }
}

static void drop(void *self)
{
    delete static_cast<struct phones *>(self);
}

struct phones *phones_new(struct scope *owner)
{
    struct phones *phones = new struct phones();
    scope_on_close(owner, drop, phones);
    phones->library = PhoneNumberUtil::GetInstance();
    /* One that we cannot read costs the speed, not the answers. */
    if (!phones->metadata.ParseFromArray(i18n::phonenumbers::metadata_get(),
                                         i18n::phonenumbers::metadata_size()))
        phones->metadata.Clear();
    phones->count = static_cast<uint32_t>(phones->metadata.metadata_size());
    phones->names = static_cast<struct text *>(
        scope_alloc_array(owner, phones->count + 1, sizeof(struct text)));
    phones->plans = static_cast<struct phone_plan **>(
        scope_alloc_array(owner, phones->count + 1, sizeof(struct phone_plan *)));
    for (uint32_t i = 0; i < phones->count; i++) {
        const PhoneMetadata &region = phones->metadata.metadata(static_cast<int>(i));
        phones->names[i] = text_of_string(region.id());
        phones->plans[i] = make_plan(owner, phones->library, region);
    }
    sort_countries(owner, phones);
    return phones;
}

struct phone_plan *phones_region(struct phones *phones, struct text region)
{
    for (uint32_t i = 0; i < phones->count; i++)
        if (region.len == 2 && text_eq_fold(phones->names[i], region)) return phones->plans[i];
    return nullptr;
}

/* --- one number --- */

static enum phone_verdict verdict_of_error(PhoneNumberUtil::ErrorType error)
{
    switch (error) {
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR: return PHONE_NO_COUNTRY;
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
    case PhoneNumberUtil::TOO_SHORT_NSN: return PHONE_TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG_NSN: return PHONE_TOO_LONG;
    default: return PHONE_NO_NUMBER;
    }
}

static enum phone_verdict verdict_of_length(PhoneNumberUtil::ValidationResult result)
{
    switch (result) {
    case PhoneNumberUtil::INVALID_COUNTRY_CODE: return PHONE_NO_COUNTRY;
    case PhoneNumberUtil::TOO_SHORT: return PHONE_TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG: return PHONE_TOO_LONG;
    case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
    case PhoneNumberUtil::INVALID_LENGTH: return PHONE_WRONG_LENGTH;
    default: return PHONE_NO_RANGE;
    }
}

static std::string name_of(const struct phones *phones, const struct phone_plan *plan)
{
    for (uint32_t i = 0; i < phones->count; i++)
        if (phones->plans[i] == plan) return std::string(phones->names[i].at, phones->names[i].len);
    return "ZZ"; /* the library's name for "none" */
}

enum phone_verdict phones_read_by_library(struct phones *phones, struct text written,
                                          struct phone_plan *home, struct phone *out)
{
    PhoneNumber number;
    PhoneNumberUtil::ErrorType error = phones->library->Parse(std::string(written.at, written.len),
                                                              name_of(phones, home), &number);
    if (error != PhoneNumberUtil::NO_PARSING_ERROR) return verdict_of_error(error);
    if (!phones->library->IsValidNumber(number))
        return verdict_of_length(phones->library->IsPossibleNumberWithReason(number));
    std::string region, national;
    phones->library->GetRegionCodeForNumber(number, &region);
    phones->library->GetNationalSignificantNumber(number, &national);
    std::string code = std::to_string(number.country_code()), digits = code + national;
    memset(out, 0, sizeof *out);
    if (digits.size() >= sizeof out->digits || region.size() >= sizeof out->region)
        return PHONE_TOO_LONG;
    memcpy(out->digits, digits.data(), digits.size());
    memcpy(out->region, region.data(), region.size());
    out->len = static_cast<uint8_t>(digits.size());
    out->country_code_len = static_cast<uint8_t>(code.size());
    out->is_geographic = phones->library->IsNumberGeographical(number);
    out->has_extension = !number.extension().empty();
    return PHONE_VALID;
}

enum phone_verdict phones_read(struct phones *phones, struct text written, struct phone_plan *home,
                               struct phone *out)
{
    if (phone_plan_read(phones->countries, home, written, out)) return PHONE_VALID;
    phones->doubtful++;
    return phones_read_by_library(phones, written, home, out);
}

uint64_t phones_doubtful(const struct phones *phones)
{
    return phones->doubtful;
}

const char *phone_verdict_words(enum phone_verdict verdict)
{
    switch (verdict) {
    case PHONE_VALID: return "";
    case PHONE_NO_COUNTRY: return "has no country code that exists, and no region is given";
    case PHONE_TOO_SHORT: return "has too few digits for a number of its country";
    case PHONE_TOO_LONG: return "has too many digits for a number of its country";
    case PHONE_WRONG_LENGTH: return "numbers of its country do not have so many digits";
    case PHONE_NO_RANGE: return "there are no such numbers in its country";
    default: return "must be a telephone number";
    }
}
