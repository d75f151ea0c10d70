/* SPDX-License-Identifier: Apache-2.0 */
/* account.h - what a log-in and a new password are judged by (framework 12.1).
 * Locked   `threshold` failures inside `attempts_ms` lock the account for `lockout_ms`; what comes
 *          meanwhile counts for nothing, whatever the password. A log-in forgets all failures.
 * Clock    set back, a lock lasts `lockout_ms` from the next attempt on at the longest.
 * Pure     no clock, no I/O, no hashing: the caller knows whether the password fits. */
#ifndef SERVERS_CONFIG_ACCOUNT_H
#define SERVERS_CONFIG_ACCOUNT_H

#include "base/text.h"
#include "gen/options.h"

enum { ACCOUNT_FAILURES_MAX = 32, ACCOUNT_FORMER_MAX = 30 };

struct account {
    uint32_t person_dbid;
    struct text hash;
    uint64_t stamp; /* UTC ms when the password was set */
    bool must_change;
    struct text former[ACCOUNT_FORMER_MAX]; /* hashes, the latest first */
    uint32_t former_count;
    uint64_t failures[ACCOUNT_FAILURES_MAX]; /* UTC ms, the oldest first */
    uint32_t failure_count;
    uint64_t locked_until_utc_ms; /* 0: not locked; UINT64_MAX >> 1: until somebody frees it */
    uint64_t used_utc_ms;
    struct text used_through; /* application of the last log-in; empty: there was none */
};

enum account_verdict {
    ACCOUNT_ADMITTED,
    ACCOUNT_MUST_CHANGE, /* admitted, to change the password */
    ACCOUNT_UNKNOWN,     /* no such user, or one without a password */
    ACCOUNT_WRONG,
    ACCOUNT_LOCKED_NOW, /* wrong, and this was one too many */
    ACCOUNT_LOCKED,
    ACCOUNT_DISABLED,
    ACCOUNT_UNUSED,     /* for longer than the rules allow */
    ACCOUNT_NO_EXECUTE, /* may not log in through that application */
};
static inline bool account_is_admitted(enum account_verdict verdict)
{
    return verdict <= ACCOUNT_MUST_CHANGE;
}
const char *account_verdict_word(enum account_verdict verdict); /* "locked": for the audit */

struct account_attempt {
    bool fits;
    bool is_enabled; /* the person */
    bool is_exempt;  /* account default: never unused for too long */
    uint64_t now_utc_ms;
};
/* `account` NULL: there is none. Changes it: failures, lock, last use. */
enum account_verdict account_judge(struct account *account, const struct account_options *rules,
                                   const struct account_attempt *attempt);

/* ERR_INVALID with words that say which rule a new password breaks; former ones are the caller's to
 * compare, the first `account_former_compared()` of them. */
enum err account_check_password(const struct account_options *rules, struct text password,
                                struct text user_name, struct fault *fault);
/* How many former hashes the rules want compared, at most `account->former_count`. */
uint32_t account_former_compared(const struct account *account,
                                 const struct account_options *rules);

#endif
