/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/explain_rules.h"

#include "model/call_result.h"

#include <inttypes.h>
#include <time.h>

enum { TRIES_MAX = 20, MINUTE_S = 60 };

/* The numbers of spec 2.2 that the rules ask for. */
enum { TYPE_GENERAL = 2, TYPE_CAMPAIGN_RESCHEDULED, TYPE_PERSONAL_RESCHEDULED };
enum { TYPE_PERSONAL_CALLBACK = 5, TYPE_CAMPAIGN_CALLBACK };
enum { STATUS_READY = 1, STATUS_RETRIEVED = 2, STATUS_CHAIN_READY = 9 };

struct explainer {
    struct scope *scope;
    const struct explain_record *record;
    const struct explain_group *group;
    uint64_t now_utc_ms;
    struct explain_verdict *out;
    uint32_t count;
    const char *never; /* the first rule that time alone does not lift */
};

static void add(struct explainer *explainer, const char *rule, bool is_met, struct text inputs,
                struct text outcome)
{
    explainer->out[explainer->count++] = (struct explain_verdict){ rule, is_met, inputs, outcome };
}

/* Not met, and no clock will change that. */
static void add_lasting(struct explainer *explainer, const char *rule, bool is_met,
                        struct text inputs, struct text outcome)
{
    if (!is_met && explainer->never == NULL) explainer->never = rule;
    add(explainer, rule, is_met, inputs, outcome);
}

static struct text named(struct scope *scope, const struct named_numbers *table, int64_t number)
{
    const char *name = named_number_name(table, (uint32_t)number);
    return scope_format(scope, "%" PRId64 "%s%s%s", number, name ? " (" : "", name ? name : "",
                        name ? ")" : "");
}

static struct text time_words(struct scope *scope, uint64_t utc_ms)
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL) return TEXT("");
    return scope_format(scope, "%04d-%02d-%02d %02d:%02d:%02d UTC", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static struct text clock_words(struct scope *scope, int64_t of_day_s)
{
    return scope_format(scope, "%02" PRId64 ":%02" PRId64, of_day_s / 3600,
                        of_day_s / MINUTE_S % 60);
}

static bool is_personal(int64_t type)
{
    return type == TYPE_PERSONAL_RESCHEDULED || type == TYPE_PERSONAL_CALLBACK;
}

static bool is_timed(int64_t type)
{
    return is_personal(type) || type == TYPE_CAMPAIGN_RESCHEDULED || type == TYPE_CAMPAIGN_CALLBACK;
}

/* --- the row's own rules ---------------------------------------------------------------------- */

static void explain_status(struct explainer *explainer)
{
    const struct explain_record *record = explainer->record;
    struct text inputs =
        scope_format(explainer->scope, "record_status %.*s, call_result %.*s",
                     TEXT_ARG(named(explainer->scope, &RECORD_STATUSES, record->status)),
                     TEXT_ARG(named(explainer->scope, &CALL_RESULTS, record->call_result)));
    if (record->status == STATUS_READY)
        add(explainer, "status", true, inputs, TEXT("may be retrieved"));
    else if (record->status == STATUS_RETRIEVED)
        add(explainer, "status", true, inputs, TEXT("retrieved: the chain is in memory"));
    else if (record->status == STATUS_CHAIN_READY)
        add_lasting(explainer, "status", false, inputs,
                    TEXT("waits for another record of its chain that is worked on"));
    else
        add_lasting(explainer, "status", false, inputs, TEXT("final"));
}

static void explain_type(struct explainer *explainer)
{
    const struct explain_record *record = explainer->record;
    struct scope *scope = explainer->scope;
    struct text type = named(scope, &RECORD_TYPES, record->type);
    if (record->type == TYPE_GENERAL) {
        add(explainer, "type and due time", true,
            scope_format(scope, "record_type %.*s", TEXT_ARG(type)), TEXT("any time"));
        return;
    }
    if (!is_timed(record->type)) {
        add_lasting(explainer, "type and due time", false,
                    scope_format(scope, "record_type %.*s", TEXT_ARG(type)),
                    TEXT("is never called"));
        return;
    }
    uint64_t due_ms = record->due_s > 0 ? (uint64_t)record->due_s * 1000 : 0;
    bool is_due = due_ms <= explainer->now_utc_ms;
    struct text due = time_words(scope, due_ms);
    add(explainer, "type and due time", is_due,
        scope_format(scope, "record_type %.*s, dial_sched_time %.*s", TEXT_ARG(type),
                     TEXT_ARG(due)),
        is_due ? TEXT("due") : scope_format(scope, "not before %.*s", TEXT_ARG(due)));
}

static int64_t local_seconds(const struct explain_record *record, uint64_t utc_ms)
{
    return calling_window_local_seconds(utc_ms, zone_clock_offset_seconds(&record->clock, utc_ms));
}

static bool is_window_open(const struct explain_record *record, const struct calling_window *window,
                           uint64_t utc_ms)
{
    return calling_window_is_open(window->from, window->till, local_seconds(record, utc_ms));
}

/* UINT64_MAX: never. The clock may skip when the window opens: then it does when the clock moves.
 */
static uint64_t opens(const struct explain_record *record, const struct calling_window *window,
                      uint64_t utc_ms)
{
    enum { DAY_S = 86400, DAYS = 2 };
    if (record->clock.zone) return calling_window_opens_next(window, record->clock.zone, utc_ms);
    if (is_window_open(record, window, utc_ms)) return utc_ms;
    int64_t local_s = (int64_t)(utc_ms / 1000) + zone_clock_offset_seconds(&record->clock, utc_ms);
    uint64_t moves_ms = zone_clock_next_transition(&record->clock, utc_ms);
    uint64_t best = moves_ms != UINT64_MAX && is_window_open(record, window, moves_ms) ? moves_ms
                                                                                       : UINT64_MAX;
    for (int64_t day = 0; day <= DAYS; day++) {
        int64_t from_s = local_s - local_s % DAY_S + day * DAY_S + window->from;
        uint64_t at = zone_clock_utc_ms_of_local(&record->clock, from_s);
        if (at > utc_ms && at < best && is_window_open(record, window, at)) best = at;
    }
    return best;
}

static void explain_window(struct explainer *explainer, const char *rule,
                           const struct calling_window *window)
{
    const struct explain_record *record = explainer->record;
    struct scope *scope = explainer->scope;
    if (!record->has_zone) {
        add_lasting(explainer, rule, false, TEXT("tz_dbid names no TimeZone"),
                    TEXT("its local time is not known"));
        return;
    }
    int64_t local_s = local_seconds(record, explainer->now_utc_ms);
    struct text from = clock_words(scope, window->from), till = clock_words(scope, window->till);
    struct text clock = clock_words(scope, local_s);
    struct text inputs = scope_format(scope, "from %.*s till %.*s, now %.*s in %.*s",
                                      TEXT_ARG(from), TEXT_ARG(till), TEXT_ARG(clock),
                                      TEXT_ARG(record->zone_name));
    if (is_window_open(record, window, explainer->now_utc_ms)) {
        add(explainer, rule, true, inputs, TEXT("open"));
        return;
    }
    uint64_t opens_ms = opens(record, window, explainer->now_utc_ms);
    if (opens_ms == UINT64_MAX)
        add_lasting(explainer, rule, false, inputs, TEXT("never open"));
    else
        add(explainer, rule, false, inputs,
            scope_format(scope, "closed until %.*s", TEXT_ARG(time_words(scope, opens_ms))));
}

static void explain_filter(struct explainer *explainer)
{
    const struct explain_record *record = explainer->record;
    if (record->criteria.len == 0) {
        add(explainer, "filter", true, TEXT("no criteria"), TEXT("fits"));
        return;
    }
    add_lasting(explainer, "filter", record->fits_filter, record->criteria,
                record->fits_filter ? TEXT("fits") : TEXT("does not fit"));
}

static void explain_attempts(struct explainer *explainer)
{
    const struct explain_record *record = explainer->record;
    struct scope *scope = explainer->scope;
    if (record->max_attempts == 0) {
        add(explainer, "attempts", true,
            scope_format(scope, "%" PRId64 " so far, no bound", record->attempts),
            TEXT("more allowed"));
        return;
    }
    bool is_met = record->attempts < (int64_t)record->max_attempts;
    add_lasting(explainer, "attempts", is_met,
                scope_format(scope, "%" PRId64 " of %u", record->attempts, record->max_attempts),
                is_met ? TEXT("more allowed") : TEXT("all made"));
}

/* --- the group's rules ------------------------------------------------------------------------ */

static void explain_dnc(struct explainer *explainer)
{
    const struct explain_group *group = explainer->group;
    if (!group->checks_dnc) {
        add(explainer, "do not call list", true,
            TEXT("check_dnc_list or check_dnc_callback is off"), TEXT("not looked at"));
        return;
    }
    bool is_blocked = group->is_number_blocked || group->is_customer_blocked;
    add_lasting(explainer, "do not call list", !is_blocked,
                group->is_number_blocked     ? TEXT("the number is on the list")
                : group->is_customer_blocked ? TEXT("the customer is on the list")
                                             : TEXT("neither number nor customer is on it"),
                is_blocked ? TEXT("blocked") : TEXT("free"));
}

static void explain_agent(struct explainer *explainer)
{
    const struct explain_record *record = explainer->record;
    if (!is_personal(record->type)) {
        add(explainer, "agent", true, TEXT("for any agent of the group"), TEXT("no one alone"));
        return;
    }
    add_lasting(explainer, "agent", explainer->group->is_agent_of_group,
                scope_format(explainer->scope, "for agent %.*s alone", TEXT_ARG(record->agent_id)),
                explainer->group->is_agent_of_group ? TEXT("is of the group")
                                                    : TEXT("is not of the group, or disabled"));
}

static void explain_group(struct explainer *explainer)
{
    const struct explain_group *group = explainer->group;
    struct text inputs = scope_format(explainer->scope, "%.*s is %.*s%s%s", TEXT_ARG(group->name),
                                      TEXT_ARG(group->state),
                                      group->has_list ? "" : ", the list is off in its campaign",
                                      group->is_suspended ? ", outbound is suspended" : "");
    bool is_met = group->is_started && group->has_list && !group->is_suspended;
    add_lasting(explainer, "campaign group", is_met, inputs,
                is_met ? TEXT("gives out records") : TEXT("gives out nothing of this list"));
}

static void explain_place(struct explainer *explainer)
{
    const struct explain_group *group = explainer->group;
    struct scope *scope = explainer->scope;
    switch (group->place) {
    case PLACE_TABLE:
        add(explainer, "memory", true, scope_format(scope, "%u chains buffered", group->buffered),
            TEXT("waits in its table for the next refill"));
        return;
    case PLACE_BUFFER:
        add(explainer, "memory", true, scope_format(scope, "%u chains buffered", group->buffered),
            TEXT("waits in the buffer for an agent"));
        return;
    case PLACE_PUT_OFF:
        add(explainer, "memory", group->put_off_utc_ms <= explainer->now_utc_ms,
            TEXT("a treatment keeps it in memory"),
            scope_format(scope, "not before %.*s",
                         TEXT_ARG(time_words(scope, group->put_off_utc_ms))));
        return;
    case PLACE_AGENT:
        add_lasting(explainer, "memory", false,
                    scope_format(scope, "with agent %.*s", TEXT_ARG(group->place_agent)),
                    TEXT("given out already"));
        return;
    case PLACE_ELSEWHERE:
        add_lasting(explainer, "memory", false, TEXT("retrieved, but not by this group"),
                    TEXT("with another group or application"));
        return;
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

/* When due time and windows all allow it; UINT64_MAX: never. */
static uint64_t earliest(const struct explainer *explainer)
{
    const struct explain_record *record = explainer->record;
    uint64_t at_ms = explainer->now_utc_ms;
    if (is_timed(record->type) && record->due_s > 0 && (uint64_t)record->due_s * 1000 > at_ms)
        at_ms = (uint64_t)record->due_s * 1000;
    if (explainer->group && explainer->group->place == PLACE_PUT_OFF &&
        explainer->group->put_off_utc_ms > at_ms)
        at_ms = explainer->group->put_off_utc_ms;
    bool has_bounds = record->bounds.from != record->bounds.till;
    for (int i = 0; i < TRIES_MAX; i++) {
        uint64_t before_ms = at_ms;
        at_ms = opens(record, &record->window, at_ms);
        if (at_ms != UINT64_MAX && has_bounds) at_ms = opens(record, &record->bounds, at_ms);
        if (at_ms == before_ms || at_ms == UINT64_MAX) return at_ms;
    }
    return UINT64_MAX;
}

static void sum_up(struct explainer *explainer)
{
    struct scope *scope = explainer->scope;
    if (explainer->never) {
        add(explainer, "sum", false, scope_format(scope, "because of: %s", explainer->never),
            TEXT("is not given out until that changes"));
        return;
    }
    uint64_t at_ms = earliest(explainer);
    bool is_now = at_ms <= explainer->now_utc_ms;
    if (at_ms == UINT64_MAX)
        add(explainer, "sum", false, TEXT("the windows never open together"),
            TEXT("is never given out"));
    else
        add(explainer, "sum", is_now, TEXT("every rule that time does not lift is met"),
            is_now ? TEXT("would be given out now")
                   : scope_format(scope, "may be given out from %.*s",
                                  TEXT_ARG(time_words(scope, at_ms))));
}

uint32_t explain_record_now(struct scope *scope, const struct explain_record *record,
                            const struct explain_group *group, uint64_t now_utc_ms,
                            struct explain_verdict out[EXPLAIN_VERDICTS_MAX])
{
    struct explainer explainer = {
        .scope = scope, .record = record, .group = group, .now_utc_ms = now_utc_ms, .out = out
    };
    explain_status(&explainer);
    explain_type(&explainer);
    explain_window(&explainer, "calling window", &record->window);
    if (record->bounds.from != record->bounds.till)
        explain_window(&explainer, "hours of the list", &record->bounds);
    explain_filter(&explainer);
    explain_attempts(&explainer);
    if (group) {
        explain_dnc(&explainer);
        explain_group(&explainer);
        explain_agent(&explainer);
        explain_place(&explainer);
    } else {
        add_lasting(&explainer, "campaign group", false, TEXT("no campaign group has the list"),
                    TEXT("nobody gives it out"));
    }
    sum_up(&explainer);
    return explainer.count;
}
