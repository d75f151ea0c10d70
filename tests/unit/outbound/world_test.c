/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of outbound on a virtual clock: minutes, days and the hour when clocks change take no
 * time here, and are exact. */
#include "tests/unit/test.h"

#include "gen/objects.h"
#include "servers/outbound/agent.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/request.h"
#include "servers/outbound/server.h"
#include "servers/outbound/session.h"
#include "store/sim_disk.h"
#include "store/sim_store.h"

#include <stdio.h>
#include <string.h>

#define NOON                                                                                       \
    UINT64_C(1772884800000) /* 2026-03-07 12:00 UTC; New York changes its clocks that night */

enum { GROUP = 500, MINUTE_MS = 60000, HOUR_MS = 3600000, BUSY = 6 };
enum { ROW_STATUS, ROW_TYPE, ROW_RESULT, ROW_DUE, ROW_CELLS };

static struct scope *life;
static struct loop *loop;
static struct app *app;
static struct outbound *outbound;
static uint32_t next_dbid, last_error;
static struct text last_phone;
static uint32_t last_handle;
static int64_t hours_from, hours_until; /* of new records */

static void put(const struct object_type *type, uint32_t dbid, const char *json)
{
    struct fault fault = { 0 };
    CHECK_OK(
        app_put_object(app, type, dbid ? dbid : next_dbid++, 1, TEXT(""), text_of(json), &fault));
}

static void put_fields(void)
{
    struct buf names = { 0 };
    for (uint32_t i = 0; i < COLUMNS_MANDATORY; i++) {
        const struct column_layout *column = &mandatory_columns()[i];
        char json[160];
        (void)snprintf(json, sizeof json,
                       "{\"name\":\"%.*s\",\"dataType\":\"%s\",\"fieldType\":\"Custom\"}",
                       TEXT_ARG(column->name), column->is_text ? "varchar" : "int");
        put(&OBJECT_FIELD, 0, json);
        buf_format(&names, "%s\"%.*s\"", i ? "," : "", TEXT_ARG(column->name));
    }
    struct text format =
        scope_format(life, "{\"name\":\"F\",\"tableType\":\"CallingList\",\"fields\":[%.*s]}",
                     TEXT_ARG(buf_text(&names)));
    put(&OBJECT_FORMAT, 0, format.at);
    buf_free(&names);
}

static void put_list(const char *treatments, const char *filter)
{
    struct text json = scope_format(
        life, "{\"name\":\"L\",\"tableAccess\":\"T\",\"treatments\":[%s]%s}", treatments, filter);
    put(&OBJECT_CALLING_LIST, 300, json.at);
}

/* On the simulated disk of the loop, where a next one finds what this one left; empty: in memory.
 */
static void begin_app(struct text data_dir)
{
    struct fault fault = { 0 };
    app = app_new_for_test(life, loop, &APP_TYPE_OUTBOUND, TEXT("outbound"));
    app->data_dir = data_dir;
    next_dbid = 1000;
    put(&OBJECT_APPLICATION, 900,
        "{\"name\":\"outbound\",\"type\":\"CMServer\",\"ports\":[{\"id\":\"default\",\"number\":"
        "6100}]}");
    put(&OBJECT_TIME_ZONE, 200, "{\"name\":\"NY\",\"ianaName\":\"America/New_York\"}");
    put_fields();
    put(&OBJECT_TABLE_ACCESS, 0,
        "{\"name\":\"T\",\"type\":\"CallingList\",\"format\":\"F\",\"dbTableName\":\"list_t\"}");
    put(&OBJECT_TREATMENT, 0,
        "{\"name\":\"redial\",\"callResult\":6,\"sequence\":1,\"recActionCode\":\"Redial\","
        "\"attempts\":3,"
        "\"interval\":30,\"increment\":5}");
    put_list("\"redial\"", "");
    put(&OBJECT_CAMPAIGN, 350, "{\"name\":\"C\",\"callingLists\":[{\"list\":\"L\"}]}");
    for (int i = 1; i <= 2; i++)
        put(&OBJECT_PERSON, 0,
            scope_format(life, "{\"employeeId\":\"a%d\",\"userName\":\"a%d\",\"isAgent\":true}", i,
                         i)
                .at);
    put(&OBJECT_AGENT_GROUP, 400, "{\"name\":\"AG\",\"agents\":[\"a1\",\"a2\"]}");
    put(&OBJECT_CAMPAIGN_GROUP, GROUP,
        "{\"name\":\"G\",\"campaign\":\"C\",\"group\":\"AG\",\"minRecBuffSize\":100}");
    app_objects_changed(app, 1);
    CHECK_OK(app_begin(app, &fault));
    outbound = app_server(app); /* the first member of the server */
    loop_run_for(loop, 1000);
}

static void open_world_at(struct text data_dir)
{
    life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    loop = loop_new_virtual(life, NOON, 11);
    hours_from = 0;
    hours_until = 86400;
    begin_app(data_dir);
}

static void open_world(void)
{
    open_world_at(TEXT(""));
}

static void close_world(void)
{
    scope_close(life);
}

/* --- asking --- */

static void hear(struct request *request, const struct msg *msg, const void *fields,
                 struct text etag)
{
    (void)request, (void)etag;
    last_error = OUTBOUND_OK;
    if (msg != &MSG_OUTBOUND_PREVIEW_RECORD) return;
    const struct outbound_preview_record *record = fields;
    last_phone = scope_keep(life, record->gsw_phone);
    last_handle = record->gsw_record_handle;
}

static void hear_refusal(struct request *request, const struct refusal *refusal)
{
    (void)request;
    last_error = refusal->error;
}

static const struct request_edge edge = { .reply = hear, .refuse = hear_refusal };

static void ask(const struct msg *msg, const void *fields)
{
    struct request *request = request_new(outbound, msg, &edge);
    void *copy = scope_alloc(request->life, msg->shape->size);
    memcpy(copy, fields, msg->shape->size);
    request->fields = copy;
    last_error = UINT32_MAX;
    request_run(request);
    loop_run_for(loop, 50);
    CHECK(last_error != UINT32_MAX); /* answered */
}

static uint32_t preview(const char *agent)
{
    struct outbound_preview_record_request asked = {
        .head.has = OUTBOUND_PREVIEW_RECORD_REQUEST_HAS_GSW_CAMPAIGN_GROUP_DBID,
        .gsw_campaign_group_dbid = GROUP,
        .gsw_agent_id = text_of(agent),
    };
    ask(&MSG_OUTBOUND_PREVIEW_RECORD_REQUEST, &asked);
    return last_error;
}

static void processed(uint32_t result, const char *treatment)
{
    struct outbound_record_processed asked = {
        .head.has = result ? OUTBOUND_RECORD_PROCESSED_HAS_GSW_CALL_RESULT : 0,
        .gsw_record_handle = last_handle,
        .gsw_call_result = result,
        .gsw_treatment = text_of(treatment),
    };
    ask(&MSG_OUTBOUND_RECORD_PROCESSED, &asked);
    CHECK_U32(last_error, OUTBOUND_OK);
}

static uint32_t reschedule(const char *when, const char *type)
{
    struct outbound_record_reschedule asked = { .gsw_record_handle = last_handle,
                                                .gsw_date_time = text_of(when),
                                                .gsw_callback_type = text_of(type) };
    ask(&MSG_OUTBOUND_RECORD_RESCHEDULE, &asked);
    return last_error;
}

static uint32_t go_on(const char *agent)
{
    struct outbound_continue_processing asked = { .gsw_record_handle = last_handle,
                                                  .gsw_agent_id = text_of(agent) };
    ask(&MSG_OUTBOUND_CONTINUE_PROCESSING, &asked);
    return last_error;
}

static void add_to(int64_t chain_id, const char *phone)
{
    struct outbound_add_record asked = { .head.has = chain_id ? OUTBOUND_ADD_RECORD_HAS_GSW_CHAIN_ID
                                                              : 0,
                                         .gsw_chain_id = chain_id,
                                         .gsw_calling_list = TEXT("L"),
                                         .gsw_phone = text_of(phone),
                                         .gsw_phone_type = 4,
                                         .gsw_tz_name = TEXT("NY"),
                                         .gsw_from = hours_from,
                                         .gsw_until = hours_until };
    ask(&MSG_OUTBOUND_ADD_RECORD, &asked);
    CHECK_U32(last_error, OUTBOUND_OK);
}

static void add(const char *phone)
{
    add_to(0, phone);
}

static void start(void)
{
    struct outbound_campaign_load load = { .gsw_campaign_group_dbid = GROUP };
    ask(&MSG_OUTBOUND_CAMPAIGN_LOAD, &load);
    CHECK_U32(last_error, OUTBOUND_OK);
    struct outbound_campaign_start wanted = { .gsw_campaign_group_dbid = GROUP,
                                              .gsw_dial_mode = 3 };
    ask(&MSG_OUTBOUND_CAMPAIGN_START, &wanted);
    CHECK_U32(last_error, OUTBOUND_OK);
}

static void desktops(const char *agent, bool is_there)
{
    struct text id = text_of(agent);
    struct outbound_desktop_presence told = { 0 };
    if (is_there)
        told.present.at = &id, told.present.count = 1;
    else
        told.gone.at = &id, told.gone.count = 1;
    desktops_presence(outbound, NULL, &told);
}

/* --- looking --- */

static int64_t row[ROW_CELLS];
static uint32_t counted;

static void on_row(void *self, enum err err, const struct rows *rows)
{
    (void)self;
    CHECK_OK(err);
    CHECK_U32(rows_count(rows), 1);
    for (uint32_t i = 0; i < ROW_CELLS; i++) row[i] = rows_i64(rows, 0, i);
}

static int64_t cell(int column)
{
    static const struct statement first = {
        "SELECT record_status, record_type, call_result, "
        "dial_sched_time FROM list_t ORDER BY chain_id LIMIT 1"
    };
    struct query query = { .statement = &first };
    CHECK_OK(store_query_now(outbound->store, &query, on_row, NULL));
    return row[column];
}

static void on_count(void *self, enum err err, const struct rows *rows)
{
    (void)self;
    CHECK_OK(err);
    counted = (uint32_t)rows_i64(rows, 0, 0);
}

static uint32_t rows_with_status(int64_t status)
{
    static const struct statement of_status = {
        "SELECT count(*) FROM list_t WHERE record_status = ?1"
    };
    struct value value = value_of_i64(status);
    struct query query = { &of_status, &value, 1 };
    CHECK_OK(store_query_now(outbound->store, &query, on_count, NULL));
    return counted;
}

static const struct session *session(void)
{
    return session_of(outbound, GROUP, NULL);
}

static void run_until(uint64_t utc_ms)
{
    CHECK(utc_ms > loop_now_utc_ms(loop));
    loop_run_for(loop, utc_ms - loop_now_utc_ms(loop));
}

/* --- treatments --- */

TEST(scenario_21_by_the_agents_word_the_record_comes_back_after_30_35_and_40_minutes)
{
    open_world();
    add("15550121");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    for (uint64_t minutes = 30; minutes <= 40; minutes += 5) {
        uint64_t asked_utc_ms = loop_now_utc_ms(loop);
        processed(BUSY, "RecordTreatCampaign");
        CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
        run_until(asked_utc_ms + minutes * MINUTE_MS - 1000);
        CHECK_U32(preview("a2"), OUTBOUND_NO_RECORDS);
        run_until(asked_utc_ms + minutes * MINUTE_MS + 1);
        CHECK_U32(preview("a2"), OUTBOUND_OK);
        CHECK_TEXT(last_phone, "15550121");
    }
    processed(BUSY, "RecordTreatCampaign");
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_UPDATED);
    CHECK_I64(cell(ROW_RESULT), BUSY);
    CHECK_U32(outbound->held_count, 0);
    close_world();
}

TEST(a_personal_treatment_falls_to_the_group_when_its_agent_does_not_come)
{
    open_world();
    add("15550123");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    uint64_t due = loop_now_utc_ms(loop) + 30 * MINUTE_MS;
    processed(BUSY, "RecordTreatPersonal");
    run_until(due + 299000);
    CHECK_U32(preview("a2"), OUTBOUND_NO_RECORDS);
    run_until(due + 301000);
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    CHECK_TEXT(last_phone, "15550123");
    close_world();
}

TEST(a_clock_that_is_set_forward_makes_what_is_due_due)
{
    open_world();
    add("15550122");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    processed(BUSY, "RecordTreatCampaign");
    loop_step_utc(loop, HOUR_MS);
    loop_run_for(loop, MINUTE_MS + 1000);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    close_world();
}

TEST(a_clock_that_is_set_back_makes_no_interval_longer)
{
    open_world_at(TEXT("/data"));
    add("15550122");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    processed(BUSY, "RecordTreatCampaign");
    loop_step_utc(loop, -2 * HOUR_MS);
    loop_run_for(loop, 10 * MINUTE_MS);
    sim_store_kill(outbound->store); /* nor is it forgotten that the clock was set */
    scope_close(app->life);
    begin_app(TEXT("/data"));
    loop_run_for(loop, 19 * MINUTE_MS);
    CHECK_U32(preview("a1"), OUTBOUND_NO_RECORDS);
    loop_run_for(loop, MINUTE_MS);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    close_world();
}

TEST(a_chain_that_comes_back_hundreds_of_times_does_not_grow)
{
    open_world();
    put(&OBJECT_TREATMENT, 0,
        "{\"name\":\"often\",\"callResult\":7,\"sequence\":1,\"recActionCode\":\"Redial\","
        "\"attempts\":400}");
    put_list("\"often\"", "");
    app_objects_changed(app, 2);
    add("15550124");
    start();
    for (int i = 0; i < 400; i++) {
        CHECK_U32(preview("a1"), OUTBOUND_OK);
        const struct live_chain *live =
            LIST_OBJECT(list_first(&session()->in_progress), struct live_chain, node);
        CHECK(scope_bytes(live->data) < 40000);
        CHECK(scope_bytes(live->life) < 40000);
        processed(7, "RecordTreatCampaign");
    }
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    close_world();
}

TEST(scenario_44_another_filter_sends_buffered_records_back_and_leaves_the_agents_alone)
{
    open_world();
    for (int i = 0; i < 60; i++) add(i % 2 ? "15550100" : "16660100");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_TEXT(last_phone, "16660100");
    processed(BUSY, "RecordTreatCampaign"); /* put off by a treatment: buffered, too */
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_U32(rows_with_status(RECORD_STATUS_RETRIEVED), 60);
    put(&OBJECT_FILTER, 0,
        "{\"name\":\"only\",\"format\":\"F\",\"annex\":{\"default\":{\"criteria\":\"contact_info "
        "like '1666%'\",\"order_by\":\"record_id DESC\"}}}");
    put_list("\"redial\"", ",\"filter\":\"only\"");
    app_objects_changed(app, 2);
    loop_run_for(loop, 10);
    CHECK_U32(rows_with_status(RECORD_STATUS_RETRIEVED), 1); /* a1's */
    CHECK_U32(rows_with_status(RECORD_STATUS_READY), 59);
    CHECK_U32(session()->in_progress_count, 1);
    loop_run_for(loop, 6000);
    for (int i = 0; i < 28; i++) {
        CHECK_U32(preview("a2"), OUTBOUND_OK);
        CHECK_TEXT(last_phone, "16660100");
    }
    close_world();
}

static void put_campaign(const char *lists, uint64_t rev)
{
    put(&OBJECT_CAMPAIGN, 350,
        scope_format(life, "{\"name\":\"C\",\"callingLists\":[%s]}", lists).at);
    app_objects_changed(app, rev);
    loop_run_for(loop, 10);
}

TEST(lists_come_and_go_while_the_group_runs)
{
    open_world();
    for (int i = 0; i < 20; i++) add("15550100");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    processed(BUSY, "RecordTreatCampaign"); /* put off */
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    put_campaign("{\"list\":\"L\",\"isActive\":false}", 2);
    CHECK_U32(rows_with_status(RECORD_STATUS_RETRIEVED), 1); /* a1's */
    CHECK_U32(outbound->held_count, 0);
    CHECK_U32(preview("a2"), OUTBOUND_NO_RECORDS);
    processed(33, "");
    put_campaign("{\"list\":\"L\"}", 3);
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    put_campaign("", 4);
    CHECK_U32(rows_with_status(RECORD_STATUS_RETRIEVED), 1); /* a2's */
    CHECK_U32(session()->in_progress_count, 1);
    close_world();
}

TEST(a_bound_of_attempts_that_comes_while_the_group_runs_ends_records)
{
    static const struct statement tried = { "UPDATE list_t SET attempt = 3 WHERE chain_id <= 4" };
    open_world();
    for (int i = 0; i < 10; i++) add("15550100");
    struct change *change = change_new(outbound->store);
    change_add(change, &tried, ROWS_ANY);
    change_submit(change, NULL, NULL);
    loop_run_for(loop, 10);
    start();
    CHECK_U32(rows_with_status(RECORD_STATUS_RETRIEVED), 10);
    put_list("\"redial\"", ",\"maxAttempts\":3");
    app_objects_changed(app, 2);
    loop_run_for(loop, 50);
    CHECK_U32(rows_with_status(RECORD_STATUS_UPDATED), 4);
    CHECK_U32(rows_with_status(RECORD_STATUS_READY), 6);
    close_world();
}

/* --- call-backs --- */

/* A record with a1, promised for `when`; its due time. */
static uint64_t promise(const char *when, const char *type)
{
    add("15550126");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_U32(reschedule(when, type), OUTBOUND_OK);
    processed(33, "");
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_READY);
    return (uint64_t)cell(ROW_DUE) * 1000;
}

TEST(a_call_back_is_promised_by_the_clocks_of_its_day)
{
    open_world();
    uint64_t due = promise("03/07/2026 09:00", "Personal"); /* winter time: UTC-5 */
    CHECK_I64(due, NOON + 2 * HOUR_MS);
    close_world();
    open_world();
    due = promise("03/08/2026 09:00", "Personal"); /* the next day: UTC-4 */
    CHECK_I64(due, NOON + 25 * HOUR_MS);
    close_world();
    open_world();
    due = promise("03/08/2026 02:30", "Campaign"); /* no clock ever shows it */
    CHECK_I64(due, NOON + 19 * HOUR_MS + 30 * MINUTE_MS);
    close_world();
    open_world();
    due = promise("11/01/2026 01:30", "Campaign"); /* clocks show it twice: the first */
    CHECK_I64(due, UINT64_C(1793511000000));
    close_world();
}

TEST(a_date_in_the_past_is_error_9)
{
    open_world();
    add("15550126");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_U32(reschedule("03/07/2026 06:59", "Personal"), OUTBOUND_BAD_DATE);
    CHECK_U32(reschedule("03/07/2026 07:00", "Personal"), OUTBOUND_BAD_DATE); /* now */
    CHECK_U32(reschedule("03/07/2026 07:01", "Personal"), OUTBOUND_OK);
    close_world();
}

/* A database's integer has 32 bits: it would refuse what was promised. */
TEST(what_no_column_can_hold_is_refused)
{
    open_world();
    add("15550126");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_U32(reschedule("01/18/2038 22:14", "Personal"), OUTBOUND_OK);
    CHECK_U32(reschedule("01/18/2038 22:15", "Personal"), OUTBOUND_BAD_DATE);
    struct outbound_record_processed asked = { .head.has =
                                                   OUTBOUND_RECORD_PROCESSED_HAS_GSW_CALL_RESULT,
                                               .gsw_record_handle = last_handle,
                                               .gsw_call_result = UINT32_C(2147483648) };
    ask(&MSG_OUTBOUND_RECORD_PROCESSED, &asked);
    CHECK_U32(last_error, OUTBOUND_BAD_KEY);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    close_world();
}

/* The entry is acknowledged while the removal of an older one is on its way to the disk. */
TEST(what_is_blocked_after_a_removal_stays_blocked)
{
    open_world();
    add("15550150");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    struct outbound_dnc_entry entry = { .head.has = OUTBOUND_DNC_ENTRY_HAS_PHONE,
                                        .phone = TEXT("+1 555 0150") };
    struct outbound_dnc_change change = { .add = { &entry, 1 } };
    ask(&MSG_OUTBOUND_DNC_CHANGE, &change);
    CHECK_U32(last_error, OUTBOUND_OK);
    change = (struct outbound_dnc_change){ .remove = { &entry, 1 } };
    struct request *request = request_new(outbound, &MSG_OUTBOUND_DNC_CHANGE, &edge);
    request->fields = &change;
    request_run(request); /* the loop does not run: it is not durable yet */
    struct outbound_do_not_call asked = { .head.has = OUTBOUND_DO_NOT_CALL_HAS_GSW_RECORD_HANDLE,
                                          .gsw_record_handle = last_handle };
    ask(&MSG_OUTBOUND_DO_NOT_CALL, &asked);
    CHECK_U32(last_error, OUTBOUND_OK);
    add("15550150");
    CHECK_U32(preview("a1"), OUTBOUND_NO_RECORDS);
    struct outbound_dnc_change reread = { .reread = true };
    ask(&MSG_OUTBOUND_DNC_CHANGE, &reread);
    add("15550150");
    CHECK_U32(preview("a1"), OUTBOUND_NO_RECORDS);
    close_world();
}

TEST(scenario_27_an_absent_agent_has_300_seconds_then_it_is_result_47)
{
    open_world();
    uint64_t due = promise("03/07/2026 08:00", "Personal");
    CHECK_I64(due, NOON + HOUR_MS);
    run_until(due - 1000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_READY);
    run_until(due + 300000 - 100);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    run_until(due + 300000 + 100);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_UPDATED);
    CHECK_I64(cell(ROW_RESULT), CALL_RESULT_AGENT_CALLBACK_ERROR);
    CHECK_U32(outbound->counters.chains_processed_total, 2);
    close_world();
}

TEST(a_call_back_that_is_due_outside_its_hours_waits_for_them)
{
    open_world();
    hours_from = 8 * 3600; /* 08:00 to 20:00 */
    hours_until = 20 * 3600;
    run_until(NOON + 2 * HOUR_MS);
    uint64_t due = promise("03/07/2026 22:00", "Personal");
    uint64_t opens = NOON + 24 * HOUR_MS; /* summer time has begun */
    CHECK(opens > due + 300000);
    run_until(opens + 290000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    run_until(opens + 310000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_UPDATED);
    CHECK_I64(cell(ROW_RESULT), CALL_RESULT_AGENT_CALLBACK_ERROR);
    close_world();
}

TEST(an_agent_with_a_desktop_gets_the_scheduled_call_when_it_is_due)
{
    open_world();
    desktops("a1", true);
    uint64_t due = promise("03/07/2026 08:00", "Personal");
    run_until(due - 1);
    CHECK_U32(session()->in_progress_count, 0);
    run_until(due + 7000);
    CHECK_U32(session()->in_progress_count, 1);
    const struct live_chain *live =
        LIST_OBJECT(list_first(&session()->in_progress), struct live_chain, node);
    CHECK_TEXT(live->chain.agent_id, "a1");
    run_until(due + 2 * HOUR_MS); /* hers, however long it takes */
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    CHECK_I64(cell(ROW_TYPE), RECORD_TYPE_PERSONAL_CALLBACK);
    close_world();
}

TEST(a_record_of_a_silent_agent_becomes_stale_after_preview_timeout)
{
    open_world();
    add("15550160");
    start();
    uint64_t began = loop_now_utc_ms(loop);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    run_until(began + 23 * HOUR_MS);
    CHECK_U32(go_on("a1"), OUTBOUND_OK); /* ContinueProcessing begins the time anew */
    run_until(began + 46 * HOUR_MS);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    run_until(began + 47 * HOUR_MS + 6000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_STALE);
    CHECK_I64(cell(ROW_RESULT), CALL_RESULT_STALE);
    CHECK_U32(session()->in_progress_count, 0);
    close_world();
}

TEST(a_record_of_a_silent_agent_becomes_stale_in_a_stopped_group_too)
{
    open_world();
    add("15550160");
    start();
    uint64_t began = loop_now_utc_ms(loop);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    struct outbound_campaign_stop stop = { .gsw_campaign_group_dbid = GROUP };
    ask(&MSG_OUTBOUND_CAMPAIGN_STOP, &stop);
    CHECK_U32(last_error, OUTBOUND_OK);
    run_until(began + 23 * HOUR_MS);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    run_until(began + 24 * HOUR_MS + 6000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_STALE);
    close_world();
}

TEST(a_disk_that_is_full_delays_a_call_back_and_loses_nothing)
{
    open_world();
    uint64_t due = promise("03/07/2026 08:00", "Personal");
    run_until(due + 299000);
    uint64_t before = store_counters(outbound->store).failed;
    sim_store_fill_disk(outbound->store, 8); /* the store tries, too */
    run_until(due + 303000);
    CHECK(store_counters(outbound->store).failed - before <= 5); /* asked once a second */
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    run_until(due + 310000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_UPDATED);
    CHECK_I64(cell(ROW_RESULT), CALL_RESULT_AGENT_CALLBACK_ERROR);
    close_world();
}

TEST(an_agent_whose_desktop_comes_while_it_waits_gets_it_then)
{
    open_world();
    uint64_t due = promise("03/07/2026 08:00", "Personal");
    run_until(due + 290000);
    CHECK_U32(session()->in_progress_count, 0);
    desktops("a1", true);
    run_until(due + 292000);
    CHECK_U32(session()->in_progress_count, 1);
    close_world();
}

TEST(an_agent_without_a_desktop_asks_for_her_call_back)
{
    open_world();
    uint64_t due = promise("03/07/2026 08:00", "Personal");
    run_until(due + 100000);
    CHECK_U32(preview("a2"), OUTBOUND_NO_RECORDS);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_TEXT(last_phone, "15550126");
    close_world();
}

TEST(a_call_back_of_an_agent_who_has_left_is_missed_after_a_day)
{
    open_world();
    uint64_t due = promise("03/07/2026 08:00", "Personal");
    put(&OBJECT_AGENT_GROUP, 400, "{\"name\":\"AG\",\"agents\":[\"a2\"]}");
    app_objects_changed(app, 2);
    run_until(due + 24 * HOUR_MS - 1000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_READY);
    run_until(due + 24 * HOUR_MS + 10000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_MISSED_CALLBACK);
    close_world();
}

TEST(nobody_of_the_group_there_for_300_seconds_is_result_48)
{
    open_world();
    uint64_t due = promise("03/07/2026 08:00", "Campaign");
    desktops("a2", true);
    run_until(due + 3 * HOUR_MS);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED); /* somebody is there, and may ask */
    desktops("a2", false);
    run_until(due + 3 * HOUR_MS + 298000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    run_until(due + 3 * HOUR_MS + 302000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_UPDATED);
    CHECK_I64(cell(ROW_RESULT), CALL_RESULT_GROUP_CALLBACK_ERROR);
    close_world();
}

TEST(a_call_back_that_nobody_asks_for_is_missed_after_a_day)
{
    open_world();
    desktops("a2", true);
    uint64_t due = promise("03/07/2026 08:00", "Campaign");
    run_until(due + 24 * HOUR_MS - 1000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    run_until(due + 24 * HOUR_MS + 1000);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_MISSED_CALLBACK);
    close_world();
}

/* --- a restart while the disk is full --- */

static uint32_t shown, shown_waiting;
static struct text shown_phone;

static void see(struct request *request, const struct msg *msg, const void *fields,
                struct text etag)
{
    (void)request, (void)etag;
    last_error = OUTBOUND_OK;
    CHECK(msg == &MSG_OUTBOUND_DESKTOP_SNAPSHOT_TAKEN);
    const struct outbound_desktop_snapshot_taken *taken = fields;
    shown = taken->records.count;
    shown_waiting = 0;
    for (uint32_t i = 0; i < shown; i++) {
        const struct outbound_preview_record *record = &taken->records.at[i];
        CHECK_U32(record->gsw_record_handle, last_handle);
        shown_waiting += record->gsw_is_waiting;
        shown_phone = scope_keep(life, record->gsw_phone);
    }
}

static void take_snapshot(const char *agent)
{
    static const struct request_edge eye = { .reply = see, .refuse = hear_refusal };
    struct request *request = request_new(outbound, &MSG_OUTBOUND_DESKTOP_SNAPSHOT, &eye);
    struct outbound_desktop_snapshot *asked = scope_alloc(request->life, sizeof *asked);
    asked->gsw_agent_id = text_of(agent);
    request->fields = asked;
    last_error = UINT32_MAX;
    request_run(request);
    loop_run_for(loop, 50);
    CHECK_U32(last_error, OUTBOUND_OK);
}

TEST(an_agent_sees_her_record_as_waiting_until_a_full_disk_lets_its_list_open)
{
    open_world_at(TEXT("/data"));
    start();
    add("15550150");
    add("15550151");
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    struct text phone = last_phone;
    /* Another is buffered: the list has something to write when it is opened again. */
    CHECK_U32(rows_with_status(RECORD_STATUS_RETRIEVED), 2);
    sim_store_kill(outbound->store);
    scope_close(app->life);
    sim_disk_limit(loop, 1);
    begin_app(TEXT("/data"));
    take_snapshot("a1");
    CHECK_U32(shown, 1);
    CHECK_U32(shown_waiting, 1);
    CHECK_U32(agent_chain_count(outbound, NULL, TEXT("a1")), 1);
    CHECK_U32(reschedule("03/07/2026 08:00", "Personal"), OUTBOUND_DATABASE_ERROR);
    loop_run_for(loop, MINUTE_MS);
    take_snapshot("a1");
    CHECK_U32(shown_waiting, 1);
    sim_disk_limit(loop, 0);
    loop_run_for(loop, 10000);
    take_snapshot("a1");
    CHECK_U32(shown, 1);
    CHECK_U32(shown_waiting, 0);
    CHECK(text_eq(shown_phone, phone));
    CHECK_U32(agent_chain_count(outbound, NULL, TEXT("a1")), 1);
    close_world();
}

/* --- a list that cannot be opened for a while --- */

static void execute(const char *sql)
{
    struct fault fault = { 0 };
    CHECK_OK(store_execute_now(outbound->store, text_of(sql), &fault));
}

static void lose_list(void)
{
    execute("ALTER TABLE list_t RENAME COLUMN attempt TO gone");
    sim_store_kill(outbound->store);
    scope_close(app->life);
    begin_app(TEXT("/data"));
    take_snapshot("a1");
    CHECK_U32(shown, 1);
    CHECK_U32(shown_waiting, 1);
}

static void find_list(void)
{
    execute("ALTER TABLE list_t RENAME COLUMN gone TO attempt");
    loop_run_for(loop, 10000);
}

static void do_not_call(const char *phone)
{
    struct outbound_do_not_call asked = { .gsw_phone = text_of(phone) };
    ask(&MSG_OUTBOUND_DO_NOT_CALL, &asked);
    CHECK_U32(last_error, OUTBOUND_OK);
}

TEST(a_number_that_is_blocked_while_its_record_waits_is_taken_from_the_agent_when_it_is_back)
{
    open_world_at(TEXT("/data"));
    start();
    add("15550150");
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    lose_list();
    do_not_call("+1 555 0150");
    find_list();
    take_snapshot("a1");
    CHECK_U32(shown, 0);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_UPDATED);
    CHECK_I64(cell(ROW_TYPE), RECORD_TYPE_NO_CALL);
    CHECK_I64(cell(ROW_RESULT), CALL_RESULT_DO_NOT_CALL);
    CHECK_U32(session()->in_progress_count, 0);
    close_world();
}

TEST(it_is_taken_from_her_when_the_disk_is_not_full_any_more)
{
    open_world_at(TEXT("/data"));
    start();
    add("15550150");
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    lose_list();
    do_not_call("15550150");
    execute("ALTER TABLE list_t RENAME COLUMN gone TO attempt");
    sim_store_times(outbound->store, 0, 20);
    while (!list_is_open(lists_find_by_dbid(outbound->lists, 300, NULL))) loop_run_for(loop, 1);
    CHECK_U32(session()->in_progress_count, 0);
    sim_store_fill_disk(outbound->store, 3);
    loop_run_for(loop, 2000);
    CHECK_U32(session()->in_progress_count, 1);
    loop_run_for(loop, 10000);
    CHECK_U32(session()->in_progress_count, 0);
    CHECK_I64(cell(ROW_TYPE), RECORD_TYPE_NO_CALL);
    close_world();
}

TEST(another_number_that_is_blocked_meanwhile_leaves_her_record_alone)
{
    open_world_at(TEXT("/data"));
    start();
    add("15550150");
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    lose_list();
    do_not_call("15550151");
    find_list();
    take_snapshot("a1");
    CHECK_U32(shown, 1);
    CHECK_U32(shown_waiting, 0);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED);
    close_world();
}

TEST(a_number_of_her_chain_that_is_blocked_meanwhile_is_not_called_next)
{
    open_world_at(TEXT("/data"));
    add("15550150");
    add_to(1, "15550151");
    add_to(1, "15550152");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    lose_list();
    do_not_call("15550151");
    do_not_call("15550152");
    find_list();
    take_snapshot("a1");
    CHECK_U32(shown, 1);
    CHECK_I64(cell(ROW_STATUS), RECORD_STATUS_RETRIEVED); /* of the first */
    CHECK_U32(rows_with_status(RECORD_STATUS_UPDATED), 2);
    close_world();
}

/* Each is read, but not both in one page of 64 MB. */
TEST(chains_too_large_to_be_read_together_are_back_after_a_restart)
{
    static const char enlarge[] =
        "UPDATE list_t SET contact_info = hex(zeroblob(17 * 1024 * 1024)) "
        "WHERE record_status = 2";
    struct fault fault = { 0 };
    open_world_at(TEXT("/data"));
    start();
    add("15550160");
    add("15550161");
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_OK(store_execute_now(outbound->store, TEXT(enlarge), &fault));
    sim_store_kill(outbound->store);
    scope_close(app->life);
    begin_app(TEXT("/data"));
    take_snapshot("a1");
    CHECK_U32(shown, 1);
    CHECK_U32(shown_waiting, 0);
    CHECK_U32(agent_chain_count(outbound, NULL, TEXT("a2")), 1);
    close_world();
}

TEST(chains_too_large_to_be_read_together_are_given_out_all_the_same)
{
    static const char enlarge[] =
        "UPDATE list_t SET contact_info = hex(zeroblob(17 * 1024 * 1024))";
    struct fault fault = { 0 };
    open_world_at(TEXT("/data"));
    add("15550160");
    add("15550161");
    CHECK_OK(store_execute_now(outbound->store, TEXT(enlarge), &fault));
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    close_world();
}

/* --- schedules --- */

static void put_schedule(const char *stop_at)
{
    put(&OBJECT_CAMPAIGN_GROUP, GROUP,
        "{\"name\":\"G\",\"campaign\":\"C\",\"group\":\"AG\",\"dialMode\":\"Preview\","
        "\"operationMode\":\"Scheduled\"}");
    struct text json =
        scope_format(life,
                     "{\"name\":\"day\",\"type\":\"OutboundSchedule\",\"annex\":{\"morning\":{"
                     "\"campaign-group\":\"C/G\",\"time-zone\":\"NY\",\"load-at\":\"07:30\","
                     "\"start-at\":\"08:00\",\"stop-at\":\"%s\",\"unload-at\":\"21:00\"}}}",
                     stop_at);
    put(&OBJECT_SCRIPT, 600, json.at);
    app_objects_changed(app, 2);
    loop_run_for(loop, 100);
}

TEST(a_schedule_loads_starts_stops_and_unloads_a_group_by_the_clock)
{
    open_world(); /* 07:00 in New York */
    put_schedule("20:00");
    run_until(NOON + 30 * MINUTE_MS - 100);
    CHECK_I64(session()->fsm.state, SESSION_NULL);
    run_until(NOON + 30 * MINUTE_MS + 100);
    CHECK_I64(session()->fsm.state, SESSION_LOADED);
    run_until(NOON + HOUR_MS + 100);
    CHECK_I64(session()->fsm.state, SESSION_STARTED);
    run_until(NOON + 13 * HOUR_MS + 100);
    CHECK_I64(session()->fsm.state, SESSION_LOADED);
    run_until(NOON + 14 * HOUR_MS + 100);
    CHECK_I64(session()->fsm.state, SESSION_NULL);
    run_until(NOON + 24 * HOUR_MS + 100); /* summer time has begun: 08:00 is an hour earlier */
    CHECK_I64(session()->fsm.state, SESSION_STARTED);
    close_world();
}

TEST(a_schedule_whose_stop_precedes_its_start_is_refused)
{
    open_world();
    put_schedule("07:59");
    run_until(NOON + 2 * HOUR_MS);
    CHECK_I64(session()->fsm.state, SESSION_NULL);
    close_world();
}

TEST(a_schedule_makes_up_for_what_passed_while_nothing_ran)
{
    open_world();
    put_schedule("20:00");
    loop_step_utc(loop, 2 * HOUR_MS); /* as if we had been away from 07:00 to 09:00 */
    loop_run_for(loop, MINUTE_MS + 100);
    CHECK_I64(session()->fsm.state, SESSION_STARTED);
    close_world();
}

TEST(a_schedule_goes_on_after_a_clock_that_was_wrong_by_a_year)
{
    enum { DAYS = 365, DAY_HOURS = 24 };
    open_world();
    put_schedule("20:00");
    for (int i = 0; i < DAYS; i++) loop_step_utc(loop, (int64_t)DAY_HOURS * HOUR_MS);
    loop_run_for(loop, 2 * MINUTE_MS);
    for (int i = 0; i < DAYS; i++) loop_step_utc(loop, -(int64_t)DAY_HOURS * HOUR_MS);
    run_until(NOON + HOUR_MS + MINUTE_MS);
    CHECK_I64(session()->fsm.state, SESSION_STARTED);
    close_world();
}

/* --- seats of a licence (framework 13) ----------------------------------------------------------
 */

static void license(const char *seats)
{
    static uint64_t rev = 1;
    struct fault fault;
    struct text json =
        scope_format(life,
                     "{\"name\":\"outbound\",\"type\":\"CMServer\",\"ports\":[{\"id\":"
                     "\"default\",\"number\":6100}],\"options\":{\"license\":{"
                     "\"num-of-licenses\":\"%s\"}}}",
                     seats);
    CHECK_OK(app_put_object(app, &OBJECT_APPLICATION, 900, ++rev, TEXT(""), json, &fault));
    app_objects_changed(app, rev);
}

static uint32_t log_out(const char *agent)
{
    struct outbound_logout asked = { .gsw_agent_id = text_of(agent) };
    ask(&MSG_OUTBOUND_LOGOUT, &asked);
    return last_error;
}

static struct outbound_counters counters(void)
{
    struct outbound_counters out;
    APP_TYPE_OUTBOUND.count(outbound, &out);
    return out;
}

TEST(agents_above_the_licences_get_no_new_records_until_a_seat_is_free)
{
    open_world();
    license("1");
    for (int i = 0; i < 4; i++) add("15550131");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    CHECK_U32(preview("a2"), OUTBOUND_LIMIT);
    CHECK_U32(preview("a1"), OUTBOUND_OK); /* she has hers */
    CHECK_U32((uint32_t)counters().seats_used, 1);
    CHECK_U32((uint32_t)counters().seats_granted, 1);
    CHECK_U32((uint32_t)counters().seats_refused_total, 1);
    processed(0, "");
    CHECK_U32(log_out("a1"), OUTBOUND_OK);
    loop_run_for(loop, 2000);
    CHECK_U32(preview("a2"), OUTBOUND_LIMIT); /* a1 has one record left */
    last_handle--;
    CHECK_U32(go_on("a1"), OUTBOUND_OK);
    processed(0, "");
    loop_run_for(loop, 61000);
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    CHECK_U32(preview("a1"), OUTBOUND_LIMIT);
    desktops("a2", true);
    desktops("a2", false); /* her record stays hers */
    loop_run_for(loop, 2000);
    CHECK_U32(preview("a1"), OUTBOUND_LIMIT);
    processed(0, "");
    loop_run_for(loop, 61000);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    close_world();
}

TEST(fewer_licences_leave_work_in_hand_alone_and_none_needs_none)
{
    open_world();
    for (int i = 0; i < 4; i++) add("15550132");
    start();
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    uint32_t of_a1 = last_handle;
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    CHECK_U32((uint32_t)counters().seats_used, 2);
    license("1");
    CHECK_U32(preview("a2"), OUTBOUND_LIMIT);
    processed(0, ""); /* what she has goes on */
    last_handle = of_a1;
    processed(0, "");
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    license("max");
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    CHECK_U32((uint32_t)counters().seats_used_most, 2);
    close_world();
}

TEST(an_unloaded_group_frees_the_seats_of_its_agents)
{
    open_world();
    license("1");
    add("15550133");
    start();
    desktops("a1", true);
    CHECK_U32(preview("a1"), OUTBOUND_OK);
    processed(0, "");
    struct outbound_campaign_stop stop = { .gsw_campaign_group_dbid = GROUP };
    ask(&MSG_OUTBOUND_CAMPAIGN_STOP, &stop);
    struct outbound_campaign_unload unload = { .gsw_campaign_group_dbid = GROUP };
    ask(&MSG_OUTBOUND_CAMPAIGN_UNLOAD, &unload);
    loop_run_for(loop, 3000);
    CHECK_U32((uint32_t)counters().seats_used, 0);
    add("15550134");
    start();
    CHECK_U32(preview("a2"), OUTBOUND_OK);
    close_world();
}
