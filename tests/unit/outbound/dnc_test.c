/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/dnc.h"

#include "base/random.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static const struct dnc_scope everywhere = { 0, 0 };

struct ground {
    struct scope *life;
    struct dnc *dnc;
};

static struct ground ground_new(void)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    return (struct ground){ life, dnc_new(life, 42) };
}

static bool block(struct ground *at, const char *phone)
{
    return dnc_add(at->dnc, DNC_PHONE, text_of(phone), everywhere);
}

static enum dnc_verdict verdict(struct ground *at, const char *phone, const char *customer)
{
    return dnc_check(at->dnc, (struct dnc_scope){ 1, 7 }, text_of(phone), text_of(customer));
}

TEST(scenario_15_a_number_is_looked_at_before_the_customer)
{
    struct ground at = ground_new();
    (void)block(&at, "15550001");
    (void)dnc_add(at.dnc, DNC_CUSTOMER, TEXT("C1"), everywhere);
    CHECK_I64(verdict(&at, "15550001", "C9"), DNC_BLOCKED_BY_PHONE);
    CHECK_I64(verdict(&at, "15550002", "C1"), DNC_BLOCKED_BY_CUSTOMER);
    CHECK_I64(verdict(&at, "15550001", "C1"), DNC_BLOCKED_BY_PHONE);
    CHECK_I64(verdict(&at, "15550002", "C9"), DNC_FREE);
    scope_close(at.life);
}

TEST(a_number_is_its_digits_however_it_is_written)
{
    struct ground at = ground_new();
    CHECK(block(&at, "+1 (555) 01-22"));
    const char *const same[] = { "15550122", "+15550122", " 1-555-0122 ", "1.555.0122",
                                 "1/5550122" };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        CHECK_I64(verdict(&at, same[i], ""), DNC_BLOCKED_BY_PHONE);
        CHECK(!block(&at, same[i]));
    }
    const char *const others[] = { "015550122", "1555012", "155501220", "1555+0122",
                                   "1555x0122", "",        "+" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK_I64(verdict(&at, others[i], ""), DNC_FREE);
    CHECK_I64(dnc_count(at.dnc), 1);
    scope_close(at.life);
}

TEST(addresses_compare_without_case_and_customer_ids_with_it)
{
    struct ground at = ground_new();
    CHECK(block(&at, "Ann@Example.COM"));
    CHECK_I64(verdict(&at, "ann@example.com", ""), DNC_BLOCKED_BY_PHONE);
    CHECK(dnc_add(at.dnc, DNC_CUSTOMER, TEXT("Ann-1"), everywhere));
    CHECK_I64(verdict(&at, "", "ann-1"), DNC_FREE);
    CHECK_I64(verdict(&at, "", " Ann-1 "), DNC_BLOCKED_BY_CUSTOMER);
    CHECK(dnc_add(at.dnc, DNC_CUSTOMER, TEXT("007"), everywhere));
    CHECK_I64(verdict(&at, "", "7"), DNC_FREE);
    CHECK_I64(verdict(&at, "", "0-07"), DNC_FREE);
    CHECK_I64(verdict(&at, "", "007"), DNC_BLOCKED_BY_CUSTOMER);
    scope_close(at.life);
}

TEST(eighteen_digits_are_exact_and_longer_ones_are_found_too)
{
    struct ground at = ground_new();
    CHECK(block(&at, "999999999999999999"));
    CHECK(block(&at, "000000000000000000"));
    CHECK_I64(verdict(&at, "999999999999999998", ""), DNC_FREE);
    CHECK_I64(verdict(&at, "00000000000000000", ""), DNC_FREE);
    CHECK_I64(verdict(&at, "+999-999999999999999", ""), DNC_BLOCKED_BY_PHONE);
    CHECK(block(&at, "1234567890123456789"));
    CHECK_I64(verdict(&at, "+1 234567890123456789", ""), DNC_BLOCKED_BY_PHONE);
    CHECK_I64(verdict(&at, "1234567890123456788", ""), DNC_FREE);
    scope_close(at.life);
}

TEST(an_entry_holds_in_its_own_scope_alone) /* spec outbound 10: campaign_dbid 0 blocks all */
{
    struct ground at = ground_new();
    const struct dnc_scope of_campaign = { 1, 7 }, of_tenant = { 1, 0 };
    (void)dnc_add(at.dnc, DNC_PHONE, TEXT("1"), of_campaign);
    (void)dnc_add(at.dnc, DNC_PHONE, TEXT("2"), of_tenant);
    (void)dnc_add(at.dnc, DNC_PHONE, TEXT("3"), everywhere);
    const struct {
        struct dnc_scope asked;
        const char *phone;
        enum dnc_verdict wanted;
    } rows[] = {
        { { 1, 7 }, "1", DNC_BLOCKED_BY_PHONE },
        { { 1, 8 }, "1", DNC_FREE },
        { { 2, 7 }, "1", DNC_FREE },
        { { 1, 8 }, "2", DNC_BLOCKED_BY_PHONE },
        { { 2, 8 }, "2", DNC_FREE },
        { { 2, 8 }, "3", DNC_BLOCKED_BY_PHONE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_I64(dnc_check(at.dnc, rows[i].asked, text_of(rows[i].phone), (struct text){ 0 }),
                  rows[i].wanted);
    CHECK(dnc_has(at.dnc, DNC_PHONE, TEXT("1"), of_campaign));
    CHECK(!dnc_has(at.dnc, DNC_PHONE, TEXT("1"), everywhere));
    scope_close(at.life);
}

TEST(what_was_added_is_found_and_what_was_removed_is_not)
{
    enum { COUNT = 20000 };
    struct ground at = ground_new();
    char phone[32];
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(phone, sizeof phone, "1555%07d", i);
        CHECK(block(&at, phone));
    }
    for (int i = 0; i < COUNT; i += 3) {
        (void)snprintf(phone, sizeof phone, "1555%07d", i);
        CHECK(dnc_remove(at.dnc, DNC_PHONE, text_of(phone), everywhere));
        CHECK(!dnc_remove(at.dnc, DNC_PHONE, text_of(phone), everywhere));
    }
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(phone, sizeof phone, "1555%07d", i);
        CHECK_I64(verdict(&at, phone, ""), i % 3 ? DNC_BLOCKED_BY_PHONE : DNC_FREE);
    }
    CHECK_I64(dnc_count(at.dnc), COUNT - (COUNT + 2) / 3);
    CHECK(dnc_bytes(at.dnc) <= COUNT * 22);
    scope_close(at.life);
}

TEST(an_entry_of_one_scope_too_many_holds_for_all_campaigns)
{
    struct ground at = ground_new();
    for (uint32_t i = 1; i <= DNC_SCOPES_MAX + 1; i++)
        (void)dnc_add(at.dnc, DNC_PHONE, TEXT("123"), (struct dnc_scope){ 0, i });
    CHECK_I64(verdict(&at, "123", ""), DNC_BLOCKED_BY_PHONE); /* campaign 7 */
    CHECK_I64(dnc_check(at.dnc, (struct dnc_scope){ 0, 99999 }, TEXT("123"), (struct text){ 0 }),
              DNC_BLOCKED_BY_PHONE);
    scope_close(at.life);
}

TEST(bytes_of_any_kind_are_taken)
{
    struct ground at = ground_new();
    struct random random;
    random_seed(&random, 7);
    char bytes[300];
    for (int i = 0; i < 2000; i++) {
        size_t len = (size_t)random_below(&random, sizeof bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] = i % 2 ? (char)random_u64(&random)
                             : "0123456789+ -"[random_below(&random, 13)];
        struct text what = { bytes, len };
        bool is_blank = text_trim(what).len == 0;
        (void)dnc_add(at.dnc, DNC_PHONE, what, everywhere);
        CHECK_I64(dnc_has(at.dnc, DNC_PHONE, what, everywhere), !is_blank);
        char room[2][DNC_FORM_BYTES];
        struct text forms[DNC_FORMS_MAX];
        uint32_t count = dnc_phone_forms(what, room, forms);
        for (uint32_t k = 0; k < count; k++)
            CHECK_I64(dnc_has(at.dnc, DNC_PHONE, forms[k], everywhere), !is_blank);
    }
    scope_close(at.life);
}

TEST(the_forms_of_a_number_are_those_that_tables_hold)
{
    char room[2][DNC_FORM_BYTES];
    struct text forms[DNC_FORMS_MAX];
    CHECK_I64(dnc_phone_forms(TEXT("+15550122"), room, forms), 2);
    CHECK_TEXT(forms[0], "+15550122");
    CHECK_TEXT(forms[1], "15550122");
    CHECK_I64(dnc_phone_forms(TEXT("1-555-0122"), room, forms), 3);
    CHECK_TEXT(forms[2], "+15550122");
    CHECK_I64(dnc_phone_forms(TEXT("ann@example.com"), room, forms), 1);
}
