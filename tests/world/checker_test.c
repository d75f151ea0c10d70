/* SPDX-License-Identifier: Apache-2.0 */
/* Small logs written by hand: for each invariant one that keeps it, and some that break it. */
#include "tests/world/checker.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static struct checker_options options;
static struct buf said; /* the words of the first breach, or "kept" */

/* Lines of a log, ' for ", in a list L unless it says otherwise. */
static const char *judge(const char *log)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct checker *checker = checker_new(scope, &options);
    struct buf json = { 0 };
    struct text rest = text_of(log);
    struct text line, after;
    uint32_t number = 0;
    buf_clear(&said);
    while (rest.len) {
        if (!text_cut(rest, '\n', &line, &after)) {
            line = rest;
            after = (struct text){ "", 0 };
        }
        rest = after;
        line = text_trim(line);
        if (line.len == 0) continue;
        buf_clear(&json);
        buf_format(&json, "{'event':%.*s}", TEXT_ARG(line));
        for (size_t i = 0; i < json.len; i++)
            if (json.at[i] == '\'') json.at[i] = '"';
        struct event event;
        struct fault fault = { 0 };
        number++;
        if (event_read(buf_text(&json), scope, &event, &fault)) {
            buf_format(&said, "line %u: %s %s", number, fault.field, fault.words);
            break;
        }
        bool is_kept = checker_hear(checker, &event);
        uint32_t count;
        const struct breach *breaches = checker_breaches(checker, &count);
        CHECK(is_kept == (count == 0));
        if (is_kept) continue;
        CHECK_I64(breaches[0].number, number);
        buf_add(&said, breaches[0].words);
        break;
    }
    if (said.len == 0) {
        buf_add_z(&said, "kept");
        CHECK_I64(checker_counts(checker).given_up, 0);
    }
    buf_add_byte(&said, '\0');
    buf_free(&json);
    scope_close(scope);
    return said.at;
}

#define KEPT(log)         CHECK_TEXT(text_of(judge(log)), "kept")
#define BROKE(log, words) check_broke(judge(log), words)

static void check_broke(const char *is, const char *wanted)
{
    if (strstr(is, wanted) == NULL) CHECK_TEXT(text_of(is), wanted);
}

/* The beginnings of most logs: chain 7, added with value v0; given to a1 in round G1. */
#define ADDED                                                                                      \
    "'asked','ask':'add','request':1,'list':'L','phone':'p7','value':'v0'\n"                       \
    "'acknowledged','request':1,'chain':7\n"
#define ASK_A1 "'asked','ask':'preview','request':2,'agent':'a1'\n"
#define GIVEN_A1                                                                                   \
    "'acknowledged','request':2,'list':'L','chain':7,'guid':'G1','handle':100,'value':'v0'\n"
#define WITH_A1 ADDED ASK_A1 GIVEN_A1
#define UPDATE(request, value)                                                                     \
    "'asked','ask':'update','request':" request ",'agent':'a1','guid':'G1','value':'" value "'\n"
#define PROCESS(request)                                                                           \
    "'asked','ask':'process','request':" request                                                   \
    ",'agent':'a1','guid':'G1','value':'v9','result':33\n"
#define REJECT(request)   "'asked','ask':'reject','request':" request ",'agent':'a1','guid':'G1'\n"
#define YES(request)      "'acknowledged','request':" request "\n"
#define NO(request, code) "'refused','request':" request ",'code':" code "\n"
#define LOST(request)     "'lost','request':" request "\n"
#define ASK_A2            "'asked','ask':'preview','request':3,'agent':'a2'\n"
#define GIVEN_A2(value)                                                                            \
    "'acknowledged','request':3,'list':'L','chain':7,'guid':'G2','handle':101,'value':'" value "'" \
    "\n"
#define LOOK              "'look','list':'L'\n"
#define SETTLED           "'look','list':'L','is_settled':true\n"
#define LOOKED            "'looked'\n"
#define ROW(status, more) "'row','chain':7,'phone':'p7','status':" status more "\n"
#define OPEN              "'round','chain':7,'guid':'G1','status':1,'agent':'a1','handle':100\n"
#define CLOSED            "'round','chain':7,'guid':'G1','status':2,'agent':'a1','handle':100,'message':'M1'\n"
#define OUTBOX(status)    "'outbox','message':'M1','guid':'G1','status':" status "\n"
#define RECEIVED          "'received','message':'M1','guid':'G1','digest':'d1'\n"
#define DONE              WITH_A1 PROCESS("4") YES("4")
#define DONE_ROW          ROW("3", ",'agent':'a1','value':'v9','result':33")

TEST(an_acknowledged_record_has_to_be_there)
{
    KEPT(ADDED LOOK ROW("1", ",'value':'v0'") LOOKED);
    BROKE(ADDED LOOK LOOKED, "lost: chain 7 of L has no row");
    BROKE(ADDED LOOK ROW("1", ",'value':'v1'") LOOKED, "lost: chain 7 of L has status 1");
    BROKE(ADDED LOOK ROW("1", "") ROW("1", "") LOOKED, "is there twice");
    BROKE(LOOK ROW("1", "") LOOKED, "a record that nobody added");
    BROKE(ADDED LOOK ROW("1", "") "'row','chain':8,'phone':'p7','status':1\n" LOOKED,
          "although that phone was added already");
}

TEST(a_record_of_unknown_fate_may_be_there_or_not)
{
    const char *add = "'asked','ask':'add','request':1,'list':'L','phone':'p7','value':'v0'\n";
    static char log[4096];
    snprintf(log, sizeof log, "%s%s", add,
             LOST("1") LOOK LOOKED LOOK ROW("1", ",'value':'v0'") LOOKED);
    KEPT(log);
    snprintf(log, sizeof log, "%s%s", add, LOST("1") LOOK ROW("1", "") LOOKED LOOK LOOKED);
    BROKE(log, "has no row");
    snprintf(log, sizeof log, "%s%s", add, LOOK ROW("1", "") LOOKED NO("1", "12"));
    BROKE(log, "was refused and is there");
    snprintf(log, sizeof log, "%s%s", add, NO("1", "12") LOOK ROW("1", "") LOOKED);
    BROKE(log, "a record that nobody added");
}

TEST(a_repeated_acknowledgement_names_the_same_chain)
{
    const char *again = "'asked','ask':'add','request':9,'list':'L','phone':'p8','value':'v0'\n"
                        "'acknowledged','request':9,'chain':7\n";
    static char log[4096];
    snprintf(log, sizeof log, "%s%s", ADDED, again);
    BROKE(log, "is acknowledged as p8, and was as p7 before");
}

TEST(an_acknowledged_value_stays)
{
    KEPT(WITH_A1 UPDATE("4", "v1") YES("4") LOOK ROW("2", ",'value':'v1'") OPEN LOOKED);
    BROKE(WITH_A1 UPDATE("4", "v1") YES("4") LOOK ROW("2", ",'value':'v0'") OPEN LOOKED,
          "lost: chain 7 of L has status 2");
    BROKE(WITH_A1 UPDATE("4", "v1") YES("4") REJECT("5") YES("5") ASK_A2 GIVEN_A2("v0"),
          "lost: chain 7 of L came to a2 with value v0; possible: free (last round G1, given back) "
          "value v1");
    KEPT(WITH_A1 UPDATE("4", "v1") NO("4", "10") LOOK ROW("2", ",'value':'v0'") OPEN LOOKED);
    BROKE(WITH_A1 UPDATE("4", "v1") NO("4", "10") LOOK ROW("2", ",'value':'v1'") OPEN LOOKED,
          "has status 2");
}

TEST(a_value_of_unknown_fate_may_come_late_but_not_go_again)
{
    const char *both = WITH_A1 UPDATE("4", "v1") LOST("4") LOOK ROW("2", ",'value':'v0'")
        OPEN LOOKED LOOK ROW("2", ",'value':'v1'") OPEN LOOKED;
    KEPT(both);
    BROKE(WITH_A1 UPDATE("4", "v1") LOST("4") LOOK ROW("2", ",'value':'v1'")
              OPEN LOOKED LOOK ROW("2", ",'value':'v0'") OPEN LOOKED,
          "has status 2");
    /* A ghost overtakes what was acknowledged after it. */
    KEPT(WITH_A1 UPDATE("4", "v1") LOST("4") UPDATE("5", "v2") YES("5")
             LOOK ROW("2", ",'value':'v1'") OPEN LOOKED);
    /* But only once. */
    BROKE(WITH_A1 UPDATE("4", "v1") LOST("4") UPDATE("5", "v2") YES("5")
              LOOK ROW("2", ",'value':'v1'") OPEN LOOKED UPDATE("6", "v3") YES("6")
                  LOOK ROW("2", ",'value':'v1'") OPEN LOOKED,
          "has status 2");
    /* And not once the line is quiet. */
    BROKE(WITH_A1 UPDATE("4", "v1") LOST("4") "'quiet'\n" UPDATE("5", "v2") YES("5")
              LOOK ROW("2", ",'value':'v1'") OPEN LOOKED,
          "has status 2");
    /* Nor in another round. */
    BROKE(
        WITH_A1 UPDATE("4", "v1") LOST("4") REJECT("5") YES("5") ASK_A2 GIVEN_A2("v0") LOOK ROW(
            "2", ",'value':'v1'") "'round','chain':7,'guid':'G2','status':1,'agent':'a2'\n" LOOKED,
        "has status 2");
}

TEST(what_is_on_its_way_may_be_done_already)
{
    KEPT(WITH_A1 UPDATE("4", "v1") LOOK ROW("2", ",'value':'v1'") OPEN LOOKED YES("4"));
    KEPT(WITH_A1 UPDATE("4", "v1") LOOK ROW("2", ",'value':'v0'") OPEN LOOKED YES("4"));
    BROKE(WITH_A1 UPDATE("4", "v1") LOOK ROW("2", ",'value':'v1'") OPEN LOOKED NO("4", "10"),
          "refused a request (\"update\") with code 10");
    KEPT(WITH_A1 PROCESS("4") RECEIVED LOOK DONE_ROW CLOSED OUTBOX("1") LOOKED YES("4"));
}

TEST(no_chain_is_given_to_two_agents)
{
    KEPT(WITH_A1 REJECT("4") YES("4") ASK_A2 GIVEN_A2("v0"));
    KEPT(WITH_A1 REJECT("4") LOST("4") ASK_A2 GIVEN_A2("v0"));
    KEPT(WITH_A1 REJECT("4") ASK_A2 GIVEN_A2("v0") YES("4"));
    BROKE(WITH_A1 ASK_A2 GIVEN_A2("v0"),
          "owner: chain 7 of L was given to a2 in round G2; possible: with a1 (round G1) value v0");
    BROKE(WITH_A1 REJECT("4") NO("4", "10") ASK_A2 GIVEN_A2("v0"), "owner: chain 7");
    BROKE(DONE ASK_A2 GIVEN_A2("v9"), "owner: chain 7");
    /* Its reject was lost, carried out, and the record given on: its next request is not hers. */
    BROKE(WITH_A1 REJECT("4") LOST("4") ASK_A2 GIVEN_A2("v0") UPDATE("5", "v1") YES("5"),
          "owner: chain 7 of L acknowledged a request (\"update\")");
    KEPT(WITH_A1 REJECT("4") LOST("4") ASK_A2 GIVEN_A2("v0") UPDATE("5", "v1") NO("5", "6"));
    BROKE(WITH_A1 UPDATE("5", "v1") NO("5", "6"), "lost: chain 7 of L refused a request");
}

TEST(a_processed_record_stays_as_it_was_processed)
{
    KEPT(DONE LOOK DONE_ROW CLOSED OUTBOX("1") LOOKED);
    BROKE(DONE LOOK ROW("1", ",'value':'v0'") LOOKED, "lost: chain 7 of L has status 1");
    BROKE(DONE LOOK ROW("3", ",'agent':'a2','value':'v9','result':33") LOOKED,
          "has status 3, agent a2");
    BROKE(DONE LOOK ROW("3", ",'agent':'a1','value':'v9','result':6") LOOKED, "result 6");
    BROKE(DONE LOOK DONE_ROW LOOKED, "has not kept its closed round G1");
    BROKE(DONE LOOK DONE_ROW OPEN LOOKED, "has the open round G1 of a1");
    KEPT(WITH_A1 PROCESS("4") LOST("4") PROCESS("5") NO("5", "6") LOOK DONE_ROW CLOSED OUTBOX("1")
             LOOKED);
    BROKE(WITH_A1 PROCESS("5") NO("5", "6"), "refused a request (\"process\") with code 6");
}

TEST(a_record_that_goes_on_after_its_treatment_may_be_given_again)
{
    const char *again = WITH_A1 "'asked','ask':'process','then':'again','request':4,'agent':'a1','"
                                "guid':'G1','result':6\n" YES("4") ASK_A2 GIVEN_A2("v0")
                                    RECEIVED LOOK ROW("2", "") CLOSED
        "'round','chain':7,'guid':'G2','status':1,'agent':'a2'\n" OUTBOX("2") LOOKED;
    KEPT(again);
    KEPT(WITH_A1 "'asked','ask':'process','then':'either','request':4,'agent':'a1','guid':'G1','"
                 "result':6\n" YES("4") LOOK ROW("3", ",'agent':'a1','result':6") CLOSED OUTBOX("1")
                     LOOKED);
    BROKE(WITH_A1 "'asked','ask':'process','then':'either','request':4,'agent':'a1','guid':'G1','"
                  "result':6\n" YES("4") LOOK ROW("3", ",'agent':'a1','result':6")
                      CLOSED OUTBOX("1") LOOKED ASK_A2 GIVEN_A2("v0"),
          "owner: chain 7");
}

TEST(who_holds_a_record_has_an_open_round)
{
    KEPT(WITH_A1 LOOK ROW("2", "") OPEN LOOKED);
    BROKE(WITH_A1 LOOK ROW("2", "") LOOKED, "lost: chain 7 of L has no open round");
    BROKE(WITH_A1 LOOK ROW("1", "") OPEN LOOKED, "has status 1");
    BROKE(
        WITH_A1 LOOK ROW("2", "") "'round','chain':7,'guid':'G2','status':1,'agent':'a2'\n" LOOKED,
        "owner: chain 7 of L is with a2 in round G2, and no preview of hers gave it");
    BROKE(ADDED "'look','list':'L','is_unloaded':true\n" ROW("2", "") LOOKED, "has status 2");
}

TEST(a_lost_preview_may_have_given_one_record)
{
    KEPT(ADDED ASK_A1 LOST("2") LOOK ROW("2", "") OPEN LOOKED UPDATE("4", "v1") YES("4"));
    KEPT(ADDED ASK_A1 LOST("2") LOOK ROW("1", "") LOOKED ASK_A2 GIVEN_A2("v0"));
    BROKE(ADDED ASK_A1 LOST("2") LOOK ROW("2", "") OPEN LOOKED ASK_A2 GIVEN_A2("v0"),
          "owner: chain 7");
    BROKE(ADDED ASK_A1 NO("2", "3") LOOK ROW("2", "") OPEN LOOKED, "no preview of hers gave it");
    BROKE(ADDED ASK_A1 LOOK ROW("2", "") OPEN LOOKED NO("2", "3"), "was refused and gave a record");
    KEPT(ADDED ASK_A1 LOOK ROW("2", "") OPEN LOOKED GIVEN_A1);
}

TEST(a_lost_preview_gives_nothing_after_the_quiet)
{
    KEPT(ADDED ASK_A1 LOST("2") "'quiet'\n" LOOK ROW("2", "") OPEN LOOKED);
    KEPT(ADDED ASK_A1 LOST("2") LOOK ROW("1", "") LOOKED LOOK ROW("2", "") OPEN LOOKED);
    BROKE(ADDED ASK_A1 LOST("2") "'quiet'\n" LOOK ROW("1", "") LOOKED LOOK ROW("2", "") OPEN LOOKED,
          "no preview of hers gave it");
}

TEST(one_guid_per_round)
{
    const char *other = ADDED
        "'asked','ask':'add','request':8,'list':'L','phone':'p8','value':'v0'\n"
        "'acknowledged','request':8,'chain':8\n" ASK_A1 GIVEN_A1 ASK_A2
        "'acknowledged','request':3,'list':'L','chain':8,'guid':'G1','handle':101,'value':'v0'\n";
    BROKE(other, "round: chain 8 of L has round G1 with a2, which is of chain 7 with a1");
    const char *handle = ADDED
        "'asked','ask':'add','request':8,'list':'L','phone':'p8','value':'v0'\n"
        "'acknowledged','request':8,'chain':8\n" ASK_A1 GIVEN_A1 ASK_A2
        "'acknowledged','request':3,'list':'L','chain':8,'guid':'G2','handle':100,'value':'v0'\n";
    BROKE(handle, "round: chain 8 of L got handle 100, which is that of chain 7 with a1");
    BROKE(DONE RECEIVED "'received','message':'M2','guid':'G1','digest':'d1'\n",
          "round: chain 7 of L has two messages for round G1: M1, M2");
}

TEST(each_notification_is_delivered)
{
    KEPT(DONE RECEIVED SETTLED DONE_ROW CLOSED OUTBOX("2") LOOKED);
    KEPT(DONE RECEIVED RECEIVED SETTLED DONE_ROW CLOSED LOOKED);
    BROKE(DONE SETTLED DONE_ROW CLOSED OUTBOX("1") LOOKED, "still waits");
    BROKE(DONE SETTLED DONE_ROW CLOSED OUTBOX("3") LOOKED, "was given up");
    BROKE(DONE LOOK DONE_ROW CLOSED OUTBOX("2") LOOKED, "is marked as sent and never came");
    BROKE(DONE LOOK DONE_ROW CLOSED LOOKED, "never came and is not in the outbox");
    BROKE(WITH_A1 LOOK ROW("2", "") OPEN OUTBOX("1") LOOKED, "its round is not closed");
    BROKE(DONE RECEIVED "'received','message':'M1','guid':'G1','digest':'d2'\n",
          "came with two bodies");
}

TEST(no_notification_comes_of_a_round_that_did_not_end)
{
    BROKE(WITH_A1 RECEIVED, "delivery: chain 7 of L had a notification about round G1");
    BROKE(WITH_A1 REJECT("4") YES("4") RECEIVED, "delivery: chain 7");
    KEPT(WITH_A1 PROCESS("4") LOST("4") RECEIVED LOOK DONE_ROW CLOSED LOOKED);
    BROKE(WITH_A1 PROCESS("4") LOST("4") RECEIVED LOOK ROW("2", "") OPEN LOOKED, "has status 2");
    BROKE(ADDED RECEIVED LOOK ROW("1", "") LOOKED, "which the store does not have");
    BROKE(WITH_A1 REJECT("4") YES("4") LOOK ROW("1", "") CLOSED LOOKED,
          "closed with a notification");
}

TEST(a_silent_campaign_owes_nothing)
{
    options.is_silent = true;
    KEPT(DONE SETTLED DONE_ROW "'round','chain':7,'guid':'G1','status':2,'agent':'a1'\n" LOOKED);
    options.is_silent = false;
    BROKE(DONE LOOK DONE_ROW "'round','chain':7,'guid':'G1','status':2,'agent':'a1'\n" LOOKED,
          "closed without notification");
}

TEST(a_snapshot_shows_what_its_agent_has)
{
    const char *shown = "'shown','agent':'a1','list':'L','chain':7,'guid':'G1','handle':100\n";
    static char log[4096];
    snprintf(log, sizeof log, "%s%s%s", WITH_A1, shown, "'snapshot','agent':'a1'\n");
    KEPT(log);
    BROKE(WITH_A1 "'snapshot','agent':'a1'\n",
          "owner: chain 7 of L is missing in the snapshot of a1");
    KEPT(WITH_A1 REJECT("4") "'snapshot','agent':'a1'\n" YES("4"));
    KEPT(WITH_A1 REJECT("4") LOST("4") "'snapshot','agent':'a1'\n");
    snprintf(log, sizeof log, "%s%s%s", WITH_A1, REJECT("4") YES("4"), shown);
    BROKE(log, "owner: chain 7 of L is shown to a1 in round G1");
    snprintf(log, sizeof log, "%s%s%s", WITH_A1, PROCESS("4") RECEIVED, shown);
    KEPT(log); /* taken before, and it took its time */
    snprintf(log, sizeof log, "%s%s%s", WITH_A1, PROCESS("4") RECEIVED YES("4"), shown);
    BROKE(log, "owner: chain 7 of L is shown to a1 in round G1");
    snprintf(log, sizeof log, "%s%s%s", WITH_A1, REJECT("4") LOST("4") "'snapshot','agent':'a1'\n",
             shown);
    BROKE(log, "is shown to a1");
}

TEST(cancelled_records_stay_cancelled)
{
    const char *cancel = "'asked','ask':'cancel','request':6,'list':'L','chain':7\n";
    static char log[4096];
    snprintf(log, sizeof log, "%s%s%s", ADDED, cancel, YES("6") LOOK ROW("5", "") LOOKED);
    KEPT(log);
    snprintf(log, sizeof log, "%s%s%s", ADDED, cancel, YES("6") LOOK ROW("1", "") LOOKED);
    BROKE(log, "has status 1");
    snprintf(log, sizeof log, "%s%s%s", WITH_A1, cancel,
             YES("6") RECEIVED LOOK ROW("5", "") CLOSED LOOKED);
    KEPT(log);
    snprintf(log, sizeof log, "%s%s%s", ADDED ASK_A1, cancel, YES("6") GIVEN_A1);
    KEPT(log); /* the answer of the preview came late */
    snprintf(log, sizeof log, "%s%s%s", ADDED, cancel, YES("6") ASK_A1 GIVEN_A1);
    BROKE(log, "owner: chain 7");
}

TEST(a_silent_agents_record_may_become_stale)
{
    const char *log = WITH_A1 "'look','at':5000,'list':'L'\n" ROW(
        "4", "") "'round','chain':7,'at':5000,'guid':'G1','status':2,'agent':'a1','message':'M1'"
                 "\n" OUTBOX("1") LOOKED;
    BROKE(log, "has status 4");
    options.lapse_ms = 10000;
    BROKE(log, "has status 4");
    options.lapse_ms = 0;
    KEPT(WITH_A1 "'asked','ask':'force','request':9,'list':'L'\n" YES("9") LOOK ROW("4", "")
             CLOSED OUTBOX("1") LOOKED);
    options.lapse_ms = 1000;
    const char *late = WITH_A1
        "'look','at':5000,'list':'L'\n"
        "'row','at':5000,'chain':7,'phone':'p7','status':4\n"
        "'round','at':5000,'chain':7,'guid':'G1','status':2,'agent':'a1','message':'M1'\n"
        "'outbox','at':5000,'message':'M1','guid':'G1','status':1\n"
        "'looked','at':5000\n";
    KEPT(late);
    const char *lost = WITH_A1 "'asked','at':4500,'ask':'process','request':4,'agent':'a1',"
                               "'guid':'G1','value':'v4','result':33\n"
                               "'lost','at':4600,'request':4\n"
                               "'received','at':5000,'message':'M1','guid':'G1','digest':'d1'\n"
                               "'look','at':5000,'list':'L'\n"
                               "'row','at':5000,'chain':7,'phone':'p7','status':4\n"
                               "'round','at':5000,'chain':7,'guid':'G1','status':2,'agent':'a1',"
                               "'message':'M1'\n"
                               "'outbox','at':5000,'message':'M1','guid':'G1','status':2\n"
                               "'looked','at':5000\n";
    KEPT(lost); /* it may never have come */
    options.lapse_ms = 0;
}

TEST(values_of_a_name_follow_the_same_rule)
{
    const char *set = "'asked','ask':'set','request':1,'name':'campaign','value':'x'\n";
    static char log[4096];
    snprintf(log, sizeof log, "%s%s", set, YES("1") "'seen','name':'campaign','value':'x'\n");
    KEPT(log);
    snprintf(log, sizeof log, "%s%s", set, YES("1") "'seen','name':'campaign','value':'y'\n");
    BROKE(log, "lost: campaign is y; possible:  value x");
    snprintf(
        log, sizeof log, "%s%s%s", "'seen','name':'campaign','value':'y'\n", set,
        LOST("1") "'seen','name':'campaign','value':'y'\n'seen','name':'campaign','value':'x'\n");
    KEPT(log);
}

TEST(many_lost_writes_stay_exact_and_cheap)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct checker *checker = checker_new(scope, NULL);
    char value[16];
    struct event seen = { .kind = EVENT_SEEN, .name = TEXT("x"), .value = TEXT("v0") };
    CHECK(checker_hear(checker, &seen));
    for (uint32_t i = 1; i <= 50; i++) {
        struct event ask = { .kind = EVENT_ASKED, .ask = ASK_SET, .request = i, .name = TEXT("x") };
        snprintf(value, sizeof value, "v%u", i);
        ask.value = text_of(value);
        CHECK(checker_hear(checker, &ask));
        CHECK(checker_hear(checker, &(struct event){ .kind = EVENT_LOST, .request = i }));
    }
    seen.value = TEXT("v17");
    CHECK(checker_hear(checker, &seen));
    seen.value = TEXT("v3");
    CHECK(checker_hear(checker, &seen));
    seen.value = TEXT("v17"); /* once it was overwritten it does not come back */
    CHECK(!checker_hear(checker, &seen));
    CHECK_I64(checker_counts(checker).given_up, 0);
    scope_close(scope);
}

TEST(a_crash_gives_rows_back_as_stale)
{
    KEPT(WITH_A1 REJECT("4") YES("4") LOOK ROW("1", ",'result':28")
             LOOKED LOOK ROW("1", ",'result':46") LOOKED);
    BROKE(WITH_A1 REJECT("4") YES("4") LOOK ROW("1", ",'result':28")
              LOOKED LOOK ROW("1", ",'result':6") LOOKED,
          "result 6");
    BROKE(WITH_A1 REJECT("4") YES("4") LOOK ROW("1", ",'result':46")
              LOOKED LOOK ROW("1", ",'result':28") LOOKED,
          "result 28");
}

TEST(the_same_request_may_be_lost_any_number_of_times)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct checker *checker = checker_new(scope, NULL);
    struct event seen = { .kind = EVENT_SEEN, .name = TEXT("x"), .value = TEXT("off") };
    CHECK(checker_hear(checker, &seen));
    for (uint32_t i = 1; i <= 500; i++) {
        struct event ask = { .kind = EVENT_ASKED, .ask = ASK_SET, .request = i, .name = TEXT("x") };
        ask.value = TEXT("on");
        CHECK(checker_hear(checker, &ask));
        CHECK(checker_hear(checker, &(struct event){ .kind = EVENT_LOST, .request = i }));
    }
    CHECK(checker_hear(checker, &seen));
    seen.value = TEXT("on");
    CHECK(checker_hear(checker, &seen));
    seen.value = TEXT("off");
    CHECK(!checker_hear(checker, &seen));
    CHECK_I64(checker_counts(checker).given_up, 0);
    scope_close(scope);
}

TEST(counters_agree_with_the_store)
{
    KEPT("'counter','name':'chains_in_progress','published':3,'counted':3\n");
    BROKE("'counter','name':'chains_in_progress','published':3,'counted':4\n",
          "counter: chains_in_progress is published as 3, and the store counts 4");
}

TEST(no_state_is_without_a_deadline)
{
    KEPT("'state','at':50,'name':'held chain','who':'L/7','since':10,'until':60\n");
    BROKE("'state','at':50,'name':'held chain','who':'L/7','since':10\n",
          "deadline: held chain of L/7 since 10 has no deadline");
    BROKE("'state','at':70,'name':'held chain','who':'L/7','since':10,'until':60\n",
          "was due at 60");
}

TEST(subscribers_converge)
{
    const char *server = "'configuration','who':'config','revision':5,'digest':'e'\n";
    static char log[2048];
    snprintf(log, sizeof log, "%s%s", server,
             "'configuration','who':'outbound','revision':4,'digest':'d'\n"
             "'configuration','who':'outbound','revision':5,'digest':'e','is_settled':true\n");
    KEPT(log);
    snprintf(log, sizeof log, "%s%s", server,
             "'configuration','who':'outbound','revision':4,'digest':'d','is_settled':true\n");
    BROKE(log, "convergence: outbound has revision 4, and config 5");
    snprintf(log, sizeof log, "%s%s", server,
             "'configuration','who':'outbound','revision':5,'digest':'d'\n");
    BROKE(log, "convergence: revision 5 differs at outbound and config");
    snprintf(log, sizeof log, "%s%s", server,
             "'configuration','who':'config','revision':4,'digest':'d'\n");
    BROKE(log, "convergence: config went back from revision 5 to 4");
    /* Of who sees less: the same revision has another content, and one alone. */
    snprintf(log, sizeof log, "%s%s", server,
             "'configuration','who':'config','name':'few','revision':5,'digest':'f'\n"
             "'configuration','who':'watcher','name':'few','revision':5,'digest':'f'\n");
    KEPT(log);
    snprintf(log, sizeof log, "%s%s", server,
             "'configuration','who':'config','name':'few','revision':5,'digest':'f'\n"
             "'configuration','who':'watcher','name':'few','revision':5,'digest':'e'\n");
    BROKE(log, "convergence: revision 5 differs at watcher and config");
    BROKE("'asked','ask':'set','request':1,'name':'c','value':'x'\n"
          "'acknowledged','request':1,'revision':6\n"
          "'configuration','who':'config','revision':5,'digest':'e'\n",
          "lost: revision 6 was acknowledged, and config has 5");
}

TEST(a_log_that_contradicts_itself_is_said_to)
{
    BROKE("'acknowledged','request':1\n", "log: request 1 ends and was not asked");
    BROKE(ASK_A1 ASK_A1, "request 2 is asked twice");
    BROKE("'row','chain':7,'status':1\n", "log: \"row\" stands outside a look");
    BROKE(LOOK "'quiet'\n", "log: \"quiet\" stands inside a look");
    BROKE("'asked','ask':'update','request':1,'agent':'a1','guid':'G'\n", "given to nobody");
    BROKE("'asked','request':1\n", "line 1: ask belongs to \"asked\"");
    BROKE("'nonsense'\n", "line 1: event is none of its words");
    BROKE("'quiet','colour':'red'\n", "line 1: colour is not known");
    BROKE("'quiet','chain':-1\n", "line 1: chain is no number from 0 on");
}

TEST(an_event_is_written_as_it_is_read)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    const char *line =
        "{\"event\":\"asked\",\"at\":12,\"ask\":\"process\",\"then\":\"again\",\"request\":3,"
        "\"agent\":\"a1\",\"guid\":\"G\",\"value\":\"\\\"\",\"result\":33}\n";
    struct event event;
    CHECK_OK(event_read(text_trim(text_of(line)), scope, &event, NULL));
    struct buf out = { 0 };
    event_write(&event, &out);
    CHECK_TEXT(buf_text(&out), line);
    buf_free(&out);
    scope_close(scope);
}

TEST(a_breach_tells_what_led_to_it)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct checker *checker = checker_new(scope, NULL);
    struct event events[] = {
        { .kind = EVENT_ASKED,
          .ask = ASK_SET,
          .request = 1,
          .name = TEXT("x"),
          .value = TEXT("1") },
        { .kind = EVENT_ACKNOWLEDGED, .request = 1 },
        { .kind = EVENT_KILLED, .who = TEXT("config") },
        { .kind = EVENT_SEEN, .name = TEXT("x"), .value = TEXT("0") },
    };
    for (uint32_t i = 0; i < 4; i++) CHECK(checker_hear(checker, &events[i]) == (i < 3));
    uint32_t count;
    const struct breach *breach = checker_breaches(checker, &count);
    CHECK_U32(count, 1);
    CHECK_TEXT(breach->history,
               "#1 "
               "{\"event\":\"asked\",\"at\":0,\"ask\":\"set\",\"request\":1,\"name\":\"x\","
               "\"value\":\"1\"}\n"
               "#2 {\"event\":\"acknowledged\",\"at\":0,\"request\":1}\n"
               "#3 {\"event\":\"killed\",\"at\":0,\"who\":\"config\"}\n"
               "#4 {\"event\":\"seen\",\"at\":0,\"name\":\"x\",\"value\":\"0\"}\n");
    CHECK(checker_hear(checker, &events[3])); /* told once */
    (void)checker_breaches(checker, &count);
    CHECK_U32(count, 1);
    scope_close(scope);
}
