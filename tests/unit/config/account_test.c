/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/account.h"

#include "tests/unit/test.h"

static const uint64_t minute = 60 * 1000, day = 24ull * 3600 * 1000, noon = 1800000000000;

/* framework 12.1, our defaults: 5 attempts in 10 minutes lock for 15 minutes; 12 characters. */
static const struct account_options rules = { .account_lockout_attempts_period = 10,
                                              .account_lockout_threshold = 5,
                                              .account_lockout_duration = 15,
                                              .password_min_length = 12 };

static enum account_verdict attempt(struct account *account, bool fits, uint64_t utc_ms)
{
    struct account_attempt attempt = { .fits = fits, .is_enabled = true, .now_utc_ms = utc_ms };
    return account_judge(account, &rules, &attempt);
}

static struct account new_account(void)
{
    return (struct account){ .person_dbid = 7, .hash = TEXT("h"), .stamp = noon };
}

TEST(five_failures_in_ten_minutes_lock_for_fifteen)
{
    struct account account = new_account();
    for (uint64_t i = 0; i < 4; i++)
        CHECK_U32(attempt(&account, false, noon + i * minute), ACCOUNT_WRONG);
    CHECK_U32(attempt(&account, false, noon + 4 * minute), ACCOUNT_LOCKED_NOW);
    CHECK_U32(attempt(&account, true, noon + 4 * minute), ACCOUNT_LOCKED);
    CHECK_U32(attempt(&account, true, noon + 19 * minute - 1), ACCOUNT_LOCKED);
    CHECK_U32(attempt(&account, true, noon + 19 * minute), ACCOUNT_ADMITTED);
}

TEST(what_comes_while_it_is_locked_does_not_lengthen_the_lock)
{
    struct account account = new_account();
    for (int i = 0; i < 5; i++) (void)attempt(&account, false, noon);
    for (uint64_t i = 1; i < 15; i++)
        CHECK_U32(attempt(&account, false, noon + i * minute), ACCOUNT_LOCKED);
    CHECK_U32(attempt(&account, true, noon + 15 * minute), ACCOUNT_ADMITTED);
}

TEST(failures_count_in_any_ten_minutes_not_in_fixed_ones)
{
    struct account account = new_account();
    CHECK_U32(attempt(&account, false, noon), ACCOUNT_WRONG);
    for (int i = 0; i < 3; i++)
        CHECK_U32(attempt(&account, false, noon + 9 * minute), ACCOUNT_WRONG);
    /* The first is forgotten, the three are not. */
    CHECK_U32(attempt(&account, false, noon + 11 * minute), ACCOUNT_WRONG);
    CHECK_U32(attempt(&account, false, noon + 12 * minute), ACCOUNT_LOCKED_NOW);
}

TEST(slow_failures_never_lock_and_a_log_in_forgets_them)
{
    struct account account = new_account();
    for (uint64_t i = 0; i < 50; i++)
        CHECK_U32(attempt(&account, false, noon + i * 3 * minute), ACCOUNT_WRONG);
    account = new_account();
    for (int i = 0; i < 4; i++) (void)attempt(&account, false, noon);
    CHECK_U32(attempt(&account, true, noon), ACCOUNT_ADMITTED);
    for (int i = 0; i < 4; i++) CHECK_U32(attempt(&account, false, noon), ACCOUNT_WRONG);
}

TEST(a_threshold_of_zero_never_locks_and_a_duration_of_zero_locks_until_freed)
{
    struct account account = new_account();
    struct account_options other = rules;
    struct account_attempt wrong = { .is_enabled = true, .now_utc_ms = noon };
    other.account_lockout_threshold = 0;
    for (int i = 0; i < 100; i++) CHECK_U32(account_judge(&account, &other, &wrong), ACCOUNT_WRONG);
    account = new_account();
    other = rules;
    other.account_lockout_duration = 0;
    for (int i = 0; i < 5; i++) (void)account_judge(&account, &other, &wrong);
    CHECK_U32(attempt(&account, true, noon + 3650 * day), ACCOUNT_LOCKED);
}

TEST(a_period_of_zero_counts_all_failures_since_the_last_log_in)
{
    struct account account = new_account();
    struct account_options other = rules;
    other.account_lockout_attempts_period = 0;
    for (uint64_t i = 0; i < 4; i++) {
        struct account_attempt wrong = { .is_enabled = true, .now_utc_ms = noon + i * day };
        CHECK_U32(account_judge(&account, &other, &wrong), ACCOUNT_WRONG);
    }
    struct account_attempt wrong = { .is_enabled = true, .now_utc_ms = noon + 9 * day };
    CHECK_U32(account_judge(&account, &other, &wrong), ACCOUNT_LOCKED_NOW);
}

TEST(unknown_disabled_and_unused_accounts_are_refused)
{
    struct account account = new_account();
    struct account_options other = rules;
    other.account_expiration = 30;
    struct account_attempt right = { .fits = true, .is_enabled = true, .now_utc_ms = noon };
    CHECK_U32(account_judge(NULL, &rules, &right), ACCOUNT_UNKNOWN);
    right.is_enabled = false;
    CHECK_U32(account_judge(&account, &rules, &right), ACCOUNT_DISABLED);
    right.is_enabled = true;
    account.used_utc_ms = noon - 31 * day;
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_UNUSED);
    right.is_exempt = true; /* the account default */
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_ADMITTED);
    right.is_exempt = false; /* now it was used */
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_ADMITTED);
}

TEST(an_old_password_and_one_that_somebody_else_set_must_be_changed)
{
    struct account account = new_account();
    struct account_options other = rules;
    other.password_expiration = 90;
    struct account_attempt right = { .fits = true, .is_enabled = true, .now_utc_ms = noon };
    account.must_change = true;
    CHECK_U32(account_judge(&account, &rules, &right), ACCOUNT_MUST_CHANGE);
    account.must_change = false;
    right.now_utc_ms = noon + 90 * day;
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_ADMITTED);
    right.now_utc_ms = noon + 90 * day + 1;
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_MUST_CHANGE);
}

TEST(a_clock_that_is_set_back_locks_nobody_out_for_longer)
{
    struct account account = new_account();
    struct account_attempt wrong = { .is_enabled = true, .now_utc_ms = noon };
    struct account_options other = rules;
    other.account_lockout_threshold = 3;
    other.account_lockout_duration = 30;
    for (int i = 0; i < 2; i++) CHECK_U32(account_judge(&account, &other, &wrong), ACCOUNT_WRONG);
    CHECK_U32(account_judge(&account, &other, &wrong), ACCOUNT_LOCKED_NOW);
    struct account_attempt right = { .fits = true, .is_enabled = true };
    right.now_utc_ms = noon - day;
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_LOCKED);
    right.now_utc_ms += 30 * minute - 1;
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_LOCKED);
    right.now_utc_ms += 1;
    CHECK_U32(account_judge(&account, &other, &right), ACCOUNT_ADMITTED);
}

static const char *broken(const struct account_options *rules_, const char *password)
{
    static struct fault fault;
    fault = (struct fault){ 0 };
    enum err err = account_check_password(rules_, text_of(password), TEXT("alice"), &fault);
    CHECK(err == ERR_OK || err == ERR_INVALID);
    return err ? fault.words : "";
}

TEST(a_new_password_is_held_to_each_rule)
{
    struct account_options strict = rules;
    CHECK_TEXT(text_of(broken(&rules, "elevenchars")), "must have at least 12 characters");
    CHECK_TEXT(text_of(broken(&rules, "twelve chars")), "");
    CHECK_TEXT(text_of(broken(&rules, "zwölfzeiche")), "must have at least 12 characters");
    CHECK_TEXT(text_of(broken(&rules, "zwölfzeichen")), "");
    strict.password_req_alpha = strict.password_req_number = true;
    strict.password_req_punctuation = strict.password_req_mixed_case = true;
    CHECK_TEXT(text_of(broken(&strict, "123456789012")), "must have a letter");
    CHECK_TEXT(text_of(broken(&strict, "abcdefghijkl")), "must have a digit");
    CHECK_TEXT(text_of(broken(&strict, "abcdefghijk1")),
               "must have a character that is neither letter nor digit");
    CHECK_TEXT(text_of(broken(&strict, "abcdefghij-1")), "must have capital and small letters");
    CHECK_TEXT(text_of(broken(&strict, "Abcdefghij-1")), "");
    strict = rules;
    strict.password_min_length = 0;
    CHECK_TEXT(text_of(broken(&strict, "")), "must not be empty");
    CHECK_TEXT(text_of(broken(&strict, "ALICE")), "must not be the user's name");
}
