/* SPDX-License-Identifier: Apache-2.0 */
#include "model/phone.h"

#include "model/phone_plan.h"
#include "tests/unit/test.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

enum { SAMPLES = 20000 };

static struct scope *life;
static struct phones *phones;

static void open_phones(void)
{
    if (life) return;
    life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    phones = phones_new(life);
}

static struct phone read_valid(const char *written, const char *region)
{
    struct phone phone;
    open_phones();
    struct phone_plan *home = region ? phones_region(phones, text_of(region)) : NULL;
    CHECK_U32(phones_read(phones, text_of(written), home, &phone), PHONE_VALID);
    return phone;
}

static enum phone_verdict verdict(const char *written, const char *region)
{
    struct phone phone;
    open_phones();
    struct phone_plan *home = region ? phones_region(phones, text_of(region)) : NULL;
    return phones_read(phones, text_of(written), home, &phone);
}

static void check_digits(const char *written, const char *region, const char *digits)
{
    struct phone phone = read_valid(written, region);
    CHECK_TEXT(((struct text){ phone.digits, phone.len }), digits);
}

static void check_zones(const char *written, const char *zones)
{
    struct phone phone = read_valid(written, NULL);
    CHECK_TEXT(phone_zones(&phone), zones);
}

TEST(numbers_become_digits_with_their_country_code)
{
    check_digits("+49 30 23125000", NULL, "493023125000");
    check_digits("030 / 2312-5000", "DE", "493023125000");
    check_digits("0049 30 23125000", "DE", "493023125000");
    check_digits("+49 (0)30 23125000", NULL, "493023125000");
    check_digits("(415) 555-2671", "US", "14155552671");
    check_digits("1 415 555 2671", "us", "14155552671");
    check_digits("14155552671", "US", "14155552671");
    check_digits("020 7946 0958", "GB", "442079460958");
    check_digits("+44 20 7946 0958", "DE", "442079460958");
    check_digits("+39 06 698 12345", NULL, "390669812345");
    check_digits("1-800-FLOWERS", "US", "18003569377");
    check_digits("tel:+49-30-23125000", NULL, "493023125000");
    check_digits("+1 242 365 1234", "DE", "12423651234");
}

TEST(a_number_that_cannot_be_has_a_reason)
{
    CHECK_U32(verdict("", "DE"), PHONE_NO_NUMBER);
    CHECK_U32(verdict("none", "DE"), PHONE_NO_NUMBER);
    CHECK_U32(verdict("030 23125000", NULL), PHONE_NO_COUNTRY);
    CHECK_U32(verdict("+999 30 23125000", NULL), PHONE_NO_COUNTRY);
    CHECK_U32(verdict("+1 415", NULL), PHONE_TOO_SHORT);
    CHECK_U32(verdict("+1 415 555 2671 123", NULL), PHONE_TOO_LONG);
    CHECK_U32(verdict("+1 115 555 2671", NULL), PHONE_NO_RANGE);
    CHECK_U32(verdict("+49 30 231250001234567", NULL), PHONE_TOO_LONG);
    for (enum phone_verdict one = PHONE_NO_NUMBER; one <= PHONE_NO_RANGE; one++)
        CHECK(phone_verdict_words(one)[0] != '\0');
}

TEST(regions_have_two_letters)
{
    open_phones();
    CHECK(phones_region(phones, TEXT("DE")) != NULL);
    CHECK(phones_region(phones, TEXT("de")) == phones_region(phones, TEXT("DE")));
    CHECK(phones_region(phones, TEXT("XX")) == NULL);
    CHECK(phones_region(phones, TEXT("001")) == NULL);
    CHECK(phones_region(phones, TEXT("")) == NULL);
}

TEST(a_place_has_one_zone_a_mobile_number_those_of_its_country)
{
    check_zones("+49 30 23125000", "Europe/Berlin");
    check_zones("+49 171 3920012", "Europe/Berlin");
    check_zones("+1 212 555 2671", "America/New_York");
    check_zones("+1 415 555 2671", "America/Los_Angeles");
    check_zones("+1 808 555 2671", "Pacific/Honolulu");
    check_zones("+61 2 9261 2345", "Australia/Sydney");
    struct phone free_call = read_valid("+1 800 555 2671", NULL);
    CHECK(!free_call.is_geographic);
    CHECK(text_find(phone_zones(&free_call), '&', 0) != SIZE_MAX);
    struct phone mobile = read_valid("+61 412 345 678", NULL);
    CHECK(text_find(phone_zones(&mobile), '&', 0) != SIZE_MAX);
}

TEST(an_extension_is_told_apart)
{
    struct phone phone = read_valid("+1 415 555 2671 ext. 12", NULL);
    CHECK(phone.has_extension);
    CHECK_TEXT(((struct text){ phone.digits, phone.len }), "14155552671");
}

/* --- the tables never say anything but what the library says --- */

static const char *const regions[] = {
    "US", "DE", "GB", "FR", "IT", "ES", "AR", "BR", "MX", "RU", "KZ", "CN", "JP", "IN",
    "AU", "NZ", "ZA", "CA", "BS", "JM", "SE", "NO", "SJ", "FI", "AX", "PL", "NL", "BE",
    "CH", "AT", "TR", "UA", "HU", "GG", "JE", "VA", "SM", "MC", "RE", "YT", "GP", "KR",
    "SG", "HK", "ID", "PH", "TH", "VN", "EG", "NG", "KE", "IL", "SA", "AE", "IR", "CL",
    "CO", "PE", "VE", "CI", "GA", "UY", "LI", "LT", "BY", "MD", "AD", "CK",
};

static void add_digits(struct random *random, char *to, size_t count)
{
    size_t len = strlen(to);
    for (size_t i = 0; i < count; i++) to[len++] = (char)('0' + random_below(random, 10));
    to[len] = '\0';
}

/* Mostly numbers that could be, some that could not, in the ways in which people write. */
static void write_number(struct random *random, const char *region, char *out, size_t room)
{
    struct phone_plan *plan = phones_region(phones, text_of(region));
    char digits[40] = "";
    uint32_t form = (uint32_t)random_below(random, 5);
    if (random_below(random, 4) == 0) /* what a trunk prefix looks like */
        (void)snprintf(digits, sizeof digits, "%s", random_below(random, 2) ? "0" : "8");
    add_digits(random, digits, 6 + (size_t)random_below(random, 6));
    uint32_t code = phone_plan_country_code(plan);
    switch (form) {
    case 0: (void)snprintf(out, room, "+%u%s", code, digits); break;
    case 1: (void)snprintf(out, room, "%s", digits); break;
    case 2: (void)snprintf(out, room, "00%u %.3s-%s", code, digits, digits + 3); break;
    case 3: (void)snprintf(out, room, "%u%s", code, digits); break;
    default: (void)snprintf(out, room, "+%u (0)%.2s %s", code, digits, digits + 2); break;
    }
}

TEST(the_tables_and_the_library_agree_on_numbers_of_every_kind)
{
    struct random random;
    uint32_t valid = 0, clear = 0;
    random_seed(&random, 20260101);
    open_phones();
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const char *region = regions[i % (sizeof regions / sizeof regions[0])];
        const char *home_name = random_below(&random, 8) ? region : "DE";
        struct phone_plan *home = phones_region(phones, text_of(home_name));
        char written[80];
        write_number(&random, region, written, sizeof written);
        struct phone ours, theirs;
        enum phone_verdict says = phones_read_by_library(phones, text_of(written), home, &theirs);
        uint64_t doubtful = phones_doubtful(phones);
        enum phone_verdict we_say = phones_read(phones, text_of(written), home, &ours);
        if (says != we_say || (says == PHONE_VALID && memcmp(&ours, &theirs, sizeof ours) != 0))
            printf("# %s at home in %s: %u %.20s %.3s %d, library %u %.20s %.3s %d\n", written,
                   home_name, we_say, ours.digits, ours.region, ours.is_geographic, says,
                   theirs.digits, theirs.region, theirs.is_geographic);
        CHECK_U32(we_say, says);
        if (says != PHONE_VALID) continue;
        CHECK(memcmp(&ours, &theirs, sizeof ours) == 0);
        valid++;
        clear += phones_doubtful(phones) == doubtful;
    }
    printf("# %u valid numbers of %d, %u clear\n", valid, SAMPLES, clear);
    CHECK(valid > SAMPLES / 10);
    CHECK(clear > valid * 6 / 10); /* most need no library */
}
