/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/explain_rules.h"

#include "tests/unit/test.h"

#include <string.h>
#include <time.h>

struct ground {
    struct scope *life;
    struct explain_record record;
    struct explain_group group;
    uint64_t now_utc_ms;
    struct explain_verdict out[EXPLAIN_VERDICTS_MAX];
    uint32_t count;
};

/* Noon of a winter day in Berlin, 11:00 UTC; a record that may be given out. */
static struct ground ground_new(void)
{
    struct tm tm = { .tm_year = 126, .tm_mon = 0, .tm_mday = 15, .tm_hour = 11 };
    struct ground at = {
        .life = scope_new(NULL, "test", SCOPE_NO_LIMIT),
        .record = { .type = 2,
                    .status = 1,
                    .call_result = 28,
                    .window = { 28800, 75600 },
                    .has_zone = true,
                    .zone_name = TEXT("Europe/Berlin"),
                    .clock = { .zone = zone_find(TEXT("Europe/Berlin")) },
                    .fits_filter = true },
        .group = { .name = TEXT("Spring"),
                   .state = TEXT("started"),
                   .is_started = true,
                   .has_list = true,
                   .checks_dnc = true },
        .now_utc_ms = (uint64_t)timegm(&tm) * 1000,
    };
    return at;
}

static const struct explain_verdict *ask(struct ground *at, const char *rule)
{
    at->count = explain_record_now(at->life, &at->record, &at->group, at->now_utc_ms, at->out);
    CHECK(at->count <= EXPLAIN_VERDICTS_MAX);
    for (uint32_t i = 0; i < at->count; i++)
        if (strcmp(at->out[i].rule, rule) == 0) return &at->out[i];
    CHECK(false);
    return NULL;
}

TEST(a_record_that_every_rule_allows_would_be_given_out_now)
{
    struct ground at = ground_new();
    CHECK_TEXT(ask(&at, "sum")->outcome, "would be given out now");
    for (uint32_t i = 0; i < at.count; i++) CHECK(at.out[i].is_met);
    scope_close(at.life);
}

TEST(a_closed_window_says_when_it_opens_in_the_records_own_zone)
{
    struct ground at = ground_new();
    at.now_utc_ms += (uint64_t)10 * 3600 * 1000; /* 22:00 in Berlin */
    const struct explain_verdict *window = ask(&at, "calling window");
    CHECK(!window->is_met);
    CHECK_TEXT(window->inputs, "from 08:00 till 21:00, now 22:00 in Europe/Berlin");
    CHECK_TEXT(window->outcome, "closed until 2026-01-16 07:00:00 UTC");
    CHECK_TEXT(ask(&at, "sum")->outcome, "may be given out from 2026-01-16 07:00:00 UTC");
    scope_close(at.life);
}

TEST(a_due_time_and_two_windows_are_reckoned_together)
{
    struct ground at = ground_new();
    at.record.type = 3;
    at.record.due_s = (int64_t)(at.now_utc_ms / 1000) + 11 * 3600; /* 23:00 in Berlin */
    at.record.bounds = (struct calling_window){ 9 * 3600, 10 * 3600 };
    CHECK_TEXT(ask(&at, "type and due time")->outcome, "not before 2026-01-15 22:00:00 UTC");
    CHECK_TEXT(ask(&at, "hours of the list")->outcome, "closed until 2026-01-16 08:00:00 UTC");
    CHECK_TEXT(ask(&at, "sum")->outcome, "may be given out from 2026-01-16 08:00:00 UTC");
    at.record.bounds = (struct calling_window){ 22 * 3600, 23 * 3600 };
    CHECK_TEXT(ask(&at, "sum")->outcome, "is never given out");
    scope_close(at.life);
}

TEST(what_time_does_not_lift_is_named_in_the_sum)
{
    struct row {
        const char *rule, *sum;
    } rows[] = {
        { "status", "because of: status" },
        { "type and due time", "because of: type and due time" },
        { "attempts", "because of: attempts" },
        { "filter", "because of: filter" },
        { "do not call list", "because of: do not call list" },
        { "campaign group", "because of: campaign group" },
        { "agent", "because of: agent" },
        { "memory", "because of: memory" },
        { "calling window", "because of: calling window" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ground at = ground_new();
        switch (i) {
        case 0: at.record.status = 3; break;
        case 1: at.record.type = 7; break;
        case 2: at.record.attempts = at.record.max_attempts = 3; break;
        case 3:
            at.record.criteria = TEXT("Other1 = 'x'");
            at.record.fits_filter = false;
            break;
        case 4: at.group.is_customer_blocked = true; break;
        case 5: at.group.has_list = false; break;
        case 6:
            at.record.type = 5;
            at.record.agent_id = TEXT("a9");
            break;
        case 7:
            at.group.place = PLACE_AGENT;
            at.group.place_agent = TEXT("a1");
            break;
        default: at.record.window = (struct calling_window){ 3600, 3600 }; break;
        }
        CHECK(!ask(&at, rows[i].rule)->is_met);
        CHECK_TEXT(ask(&at, "sum")->inputs, rows[i].sum);
        scope_close(at.life);
    }
}

TEST(a_zone_without_rules_is_a_fixed_distance)
{
    struct ground at = ground_new();
    at.record.clock = (struct zone_clock){ .offset_s = -5 * 3600 };
    at.record.zone_name = TEXT("Somewhere"); /* 06:00 there */
    CHECK_TEXT(ask(&at, "calling window")->outcome, "closed until 2026-01-15 13:00:00 UTC");
    at.record.has_zone = false;
    CHECK_TEXT(ask(&at, "sum")->inputs, "because of: calling window");
    scope_close(at.life);
}

TEST(a_zone_with_rules_of_its_own_opens_by_them)
{
    struct object_time_zone zone = { .name = TEXT("Home"),
                                     .offset = -300,
                                     .is_dst_observed = true,
                                     .dst_start = TEXT("second Sunday of March"),
                                     .dst_stop = TEXT("first Sunday of November") };
    struct tm eve = { .tm_year = 126, .tm_mon = 2, .tm_mday = 8, .tm_hour = 3 };
    struct ground at = ground_new();
    at.record.clock = zone_clock_of(&zone);
    at.record.zone_name = zone.name;
    at.now_utc_ms = (uint64_t)timegm(&eve) * 1000; /* 22:00 there, of the night of the change */
    CHECK_TEXT(ask(&at, "calling window")->outcome, "closed until 2026-03-08 12:00:00 UTC");
    scope_close(at.life);
}

TEST(a_list_that_no_group_has_is_said_so)
{
    struct ground at = ground_new();
    at.count = explain_record_now(at.life, &at.record, NULL, at.now_utc_ms, at.out);
    CHECK_TEXT(at.out[at.count - 1].inputs, "because of: campaign group");
    scope_close(at.life);
}

TEST(a_chain_that_a_treatment_keeps_is_put_off)
{
    struct ground at = ground_new();
    at.record.status = 2;
    at.group.place = PLACE_PUT_OFF;
    at.group.put_off_utc_ms = at.now_utc_ms + 1800 * 1000;
    CHECK_TEXT(ask(&at, "sum")->outcome, "may be given out from 2026-01-15 11:30:00 UTC");
    scope_close(at.life);
}
