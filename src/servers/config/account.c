/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/account.h"

#include <string.h>

static const uint64_t minute_ms = 60 * 1000, day_ms = 24ull * 3600 * 1000;
static const uint64_t for_ever = UINT64_MAX >> 1;

const char *account_verdict_word(enum account_verdict verdict)
{
    static const char *const words[] = {
        [ACCOUNT_ADMITTED] = "admitted",      [ACCOUNT_MUST_CHANGE] = "must change its password",
        [ACCOUNT_UNKNOWN] = "unknown",        [ACCOUNT_WRONG] = "wrong",
        [ACCOUNT_LOCKED_NOW] = "wrong",       [ACCOUNT_LOCKED] = "locked",
        [ACCOUNT_DISABLED] = "disabled",      [ACCOUNT_UNUSED] = "unused",
        [ACCOUNT_NO_EXECUTE] = "application",
    };
    return words[verdict];
}

/* --- log-ins -------------------------------------------------------------------------------- */

static void forget_failures_before(struct account *account, uint64_t utc_ms)
{
    uint32_t old = 0;
    while (old < account->failure_count && account->failures[old] < utc_ms) old++;
    account->failure_count -= old;
    memmove(account->failures, account->failures + old,
            account->failure_count * sizeof account->failures[0]);
}

/* A clock that was set back keeps nobody out for longer than was meant: what lies ahead of it by
 * more than it can is taken as of now. */
static void bear_set_back(struct account *account, const struct account_options *rules,
                          uint64_t now_utc_ms)
{
    uint64_t lockout_ms = rules->account_lockout_duration * minute_ms;
    bool is_for_ever = account->locked_until_utc_ms == for_ever;
    if (!is_for_ever && lockout_ms && account->locked_until_utc_ms > now_utc_ms + lockout_ms)
        account->locked_until_utc_ms = now_utc_ms + lockout_ms;
    for (uint32_t i = 0; i < account->failure_count; i++)
        if (account->failures[i] > now_utc_ms) account->failures[i] = now_utc_ms;
}

static bool note_failure(struct account *account, const struct account_options *rules,
                         uint64_t now_utc_ms)
{
    uint64_t period_ms = rules->account_lockout_attempts_period * minute_ms;
    if (period_ms && now_utc_ms > period_ms)
        forget_failures_before(account, now_utc_ms - period_ms);
    if (account->failure_count == ACCOUNT_FAILURES_MAX)
        forget_failures_before(account, account->failures[0] + 1);
    if (account->failure_count < ACCOUNT_FAILURES_MAX)
        account->failures[account->failure_count++] = now_utc_ms;
    uint32_t threshold = rules->account_lockout_threshold;
    if (threshold == 0 || account->failure_count < threshold) return false;
    uint64_t lockout_ms = rules->account_lockout_duration * minute_ms;
    account->locked_until_utc_ms = lockout_ms ? now_utc_ms + lockout_ms : for_ever;
    account->failure_count = 0;
    return true;
}

static bool is_past(uint64_t since_utc_ms, uint32_t days, uint64_t now_utc_ms)
{
    return days && now_utc_ms > since_utc_ms && now_utc_ms - since_utc_ms > days * day_ms;
}

enum account_verdict account_judge(struct account *account, const struct account_options *rules,
                                   const struct account_attempt *attempt)
{
    uint64_t now_utc_ms = attempt->now_utc_ms;
    if (account == NULL) return ACCOUNT_UNKNOWN;
    if (!attempt->is_enabled) return ACCOUNT_DISABLED;
    bear_set_back(account, rules, now_utc_ms);
    if (now_utc_ms < account->locked_until_utc_ms) return ACCOUNT_LOCKED;
    account->locked_until_utc_ms = 0;
    if (!attempt->fits)
        return note_failure(account, rules, now_utc_ms) ? ACCOUNT_LOCKED_NOW : ACCOUNT_WRONG;
    if (!attempt->is_exempt && is_past(account->used_utc_ms, rules->account_expiration, now_utc_ms))
        return ACCOUNT_UNUSED;
    account->failure_count = 0;
    account->used_utc_ms = now_utc_ms;
    bool is_old = is_past(account->stamp, rules->password_expiration, now_utc_ms);
    return account->must_change || is_old ? ACCOUNT_MUST_CHANGE : ACCOUNT_ADMITTED;
}

/* --- new passwords -------------------------------------------------------------------------- */

struct makings {
    uint32_t characters;
    bool has_upper, has_lower, has_letter, has_digit, has_other;
};

static struct makings makings_of(struct text password)
{
    struct makings makings = { 0 };
    for (size_t i = 0; i < password.len; i++) {
        unsigned char byte = (unsigned char)password.at[i];
        bool is_upper = byte >= 'A' && byte <= 'Z', is_lower = byte >= 'a' && byte <= 'z';
        bool is_digit = byte >= '0' && byte <= '9', goes_on = (byte & 0xc0) == 0x80;
        if (goes_on) continue;
        makings.characters++;
        makings.has_upper |= is_upper;
        makings.has_lower |= is_lower;
        makings.has_letter |= is_upper || is_lower || byte >= 0x80;
        makings.has_digit |= is_digit;
        makings.has_other |= byte < 0x80 && !is_upper && !is_lower && !is_digit;
    }
    return makings;
}

enum err account_check_password(const struct account_options *rules, struct text password,
                                struct text user_name, struct fault *fault)
{
    struct makings has = makings_of(password);
    const char *field = "newPassword";
    if (has.characters < rules->password_min_length)
        return fault_set(fault, ERR_INVALID, field, "must have at least %u characters",
                         rules->password_min_length);
    if (password.len == 0) return fault_set(fault, ERR_INVALID, field, "must not be empty");
    if (password.len > 256)
        return fault_set(fault, ERR_INVALID, field, "must have at most 256 bytes");
    if (rules->password_req_alpha && !has.has_letter)
        return fault_set(fault, ERR_INVALID, field, "must have a letter");
    if (rules->password_req_number && !has.has_digit)
        return fault_set(fault, ERR_INVALID, field, "must have a digit");
    if (rules->password_req_punctuation && !has.has_other)
        return fault_set(fault, ERR_INVALID, field,
                         "must have a character that is neither letter nor digit");
    if (rules->password_req_mixed_case && !(has.has_upper && has.has_lower))
        return fault_set(fault, ERR_INVALID, field, "must have capital and small letters");
    if (text_eq_fold(password, user_name))
        return fault_set(fault, ERR_INVALID, field, "must not be the user's name");
    return ERR_OK;
}

uint32_t account_former_compared(const struct account *account, const struct account_options *rules)
{
    uint32_t wanted = rules->password_no_repeats;
    return wanted < account->former_count ? wanted : account->former_count;
}
