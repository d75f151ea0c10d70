/* SPDX-License-Identifier: Apache-2.0 */
/* Real child processes; each test makes its own. The scenarios are those of spec outbound 21, seen
 * from outbound's shell; tests/e2e sees them from outside. */
#include "tests/unit/http_proxy/proxy_world.h"

#include "gen/messages.h"
#include "servers/outbound/http_proxy/child_process.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct world world;

static void begin(void)
{
    world_begin(&world);
    world_configure(&world);
    CHECK(world_is_up(&world));
}

static bool has_log_file(void)
{
    DIR *folder = opendir(world.logs_dir);
    struct dirent *entry;
    bool is_there = false;
    while (folder && (entry = readdir(folder)) != NULL)
        is_there |= strstr(entry->d_name, "outbound_HTTPPRX") != NULL;
    if (folder) (void)closedir(folder);
    return is_there;
}

static void check_holds(struct text got, const char *part, const char *file, int line)
{
    if (text_holds(got, part)) return;
    printf("# no \"%s\" in: %.*s\n", part, TEXT_ARG(got));
    _fail(file, line);
}
#define CHECK_HOLDS(got, part) check_holds((got), (part), __FILE__, __LINE__)

TEST(scenario_1_with_a_port_a_child_listens_and_keeps_its_own_log_without_none_does)
{
    world_begin(&world);
    world.config.ports.count = 0;
    world_configure(&world);
    loop_run_for(world.loop, 200);
    CHECK(!world_accepts(&world));
    CHECK_U32(world.lines.len, 0);
    world.config.ports.count = 1;
    world_configure(&world);
    CHECK(world_is_up(&world));
    CHECK(world_accepts(&world));
    CHECK(world_logs(&world, "27-81100 HTTP Proxy started: pid ", 1000));
    CHECK(has_log_file());
    world_end(&world);
}

static struct listener *take_port(struct scope *life)
{
    struct listener_options options = { 0 };
    struct listener *listener;
    struct fault fault;
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", world.port);
    CHECK_OK(
        listener_open(life, world.net, text_of(address), &options, NULL, NULL, &listener, &fault));
    return listener;
}

TEST(records_of_the_output_network_come_to_outbound_with_the_childs_pid) /* framework 8.1, 8.5 */
{
    world_begin(&world);
    world.common.log_standard = TEXT("network");
    world_configure(&world);
    CHECK(world_is_up(&world));
    CHECK(world_logs(&world, "27-81100", 1000));
    char begin[40];
    (void)snprintf(begin, sizeof begin, "27-81104 %d ", world_pid(&world));
    for (int i = 0; i < 100 && !text_holds(buf_text(&world.records), begin); i++)
        loop_run_for(world.loop, 10);
    CHECK(text_holds(buf_text(&world.records), begin));
    world.common.log_standard = TEXT("");
    world_configure(&world);
    buf_clear(&world.records);
    (void)world_ask(&world, "POST", "/records/7?req=RecordProcessed", "{}");
    CHECK_I64(world.records.len, 0);
    world_end(&world);
}

TEST(scenario_2_a_taken_port_is_tried_again_until_it_is_free)
{
    world_begin(&world);
    struct scope *other = scope_new(world.life, "other program", SCOPE_NO_LIMIT);
    (void)take_port(other);
    world_configure(&world);
    CHECK(world_logs(&world, "27-81101 HTTP Proxy cannot open port", 3000));
    CHECK(!http_proxy_is_up(world.proxy));
    loop_run_for(world.loop, 1200);
    scope_close(other);
    CHECK(world_is_up(&world));
    CHECK(world_accepts(&world));
    world_end(&world);
}

TEST(scenario_3_a_killed_child_is_replaced_after_the_reconnect_timeout)
{
    begin();
    int pid = world_pid(&world);
    CHECK(pid > 0);
    CHECK_I64(kill(pid, SIGKILL), 0);
    CHECK(world_logs(&world, "27-81102 HTTP Proxy exited (code 137), restart in 1 s", 1000));
    CHECK(!world_accepts(&world));
    uint64_t before_ms = loop_now_mono_ms(world.loop);
    CHECK(world_is_up(&world));
    uint64_t took_ms = loop_now_mono_ms(world.loop) - before_ms;
    CHECK(took_ms > 300 && took_ms < 2500);
    CHECK(world_pid(&world) != pid);
    CHECK_HOLDS(world_ask(&world, "GET", "/records/7", NULL), "HTTP/1.1 200 ");
    world_end(&world);
}

TEST(scenario_4_a_removed_port_ends_the_child_for_good)
{
    begin();
    int pid = world_pid(&world);
    world.config.ports.count = 0;
    world_configure(&world);
    CHECK(world_logs(&world, "27-81103 HTTP Proxy stopped", 100));
    loop_run_for(world.loop, 1500);
    CHECK_I64(kill(pid, 0), -1);
    CHECK(!world_accepts(&world));
    CHECK(!text_holds(buf_text(&world.lines), "81102"));
    world_end(&world);
}

static void pass_over(void *self, struct text bytes)
{
    (void)self, (void)bytes;
}

static void pass_over_end(void *self, enum err why)
{
    (void)self, (void)why;
}

TEST(scenario_4_a_child_whose_channel_closes_leaves_within_two_seconds)
{
    static const struct stream_handler handler = { .on_bytes = pass_over,
                                                   .on_closed = pass_over_end };
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(life);
    struct net *net = net_new(life, loop);
    struct child_process_setup setup = { .name = TEXT("outbound"),
                                         .near = { life, net, &handler, NULL } };
    struct stream *channel;
    struct fault fault;
    pid_t pid;
    int code = -2;
    CHECK_OK(child_process_start(loop, &setup, &pid, &channel, &fault));
    CHECK(!child_process_is_over(loop, pid, &code));
    stream_close(channel);
    for (int i = 0; i < 200 && !child_process_is_over(loop, pid, &code); i++)
        loop_run_for(loop, 10);
    CHECK_I64(code, 0);
    scope_close(life);
}

TEST(a_port_that_comes_back_at_once_is_served_by_a_new_child)
{
    begin();
    int pid = world_pid(&world);
    world.config.ports.count = 0;
    world_configure(&world);
    world.config.ports.count = 1;
    world_configure(&world);
    CHECK(world_is_up(&world));
    CHECK(world_pid(&world) != pid);
    CHECK(world_accepts(&world));
    world_end(&world);
}

TEST(a_new_port_number_waits_for_the_next_child)
{
    begin();
    uint16_t other = world_free_port(&world);
    world.config.ports = world_ports(&world, other);
    world_configure(&world);
    loop_run_for(world.loop, 200);
    CHECK(world_accepts(&world));
    CHECK_I64(kill(world_pid(&world), SIGKILL), 0);
    CHECK(world_logs(&world, "81102", 1000));
    CHECK(world_is_up(&world));
    world.port = other;
    CHECK(world_accepts(&world));
    world_end(&world);
}

static void ignore_bytes(void *self, struct text bytes)
{
    (void)self, (void)bytes;
}

static void ignore_end(void *self, enum err why)
{
    (void)self, (void)why;
}

TEST(scenario_6_half_open_connections_and_garbage_leave_the_port_serving)
{
    begin();
    struct scope *scans = scope_new(world.life, "scans", SCOPE_NO_LIMIT);
    static const struct stream_handler deaf = { .on_bytes = ignore_bytes, .on_closed = ignore_end };
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", world.port);
    for (int i = 0; i < 200; i++) {
        struct stream *stream = stream_connect(scans, world.net, text_of(address), &deaf, NULL);
        if (i % 2) stream_write(stream, TEXT("\x16\x03\x01\x02garbage\xff\0\r\n\r\n"));
        if (i % 10 == 0) loop_run_for(world.loop, 1);
    }
    CHECK_HOLDS(world_ask(&world, "GET", "/campaigngroups/5", NULL), "HTTP/1.1 200 ");
    scope_close(scans);
    world_end(&world);
}

TEST(scenario_7_every_response_has_the_five_security_headers)
{
    world_begin(&world);
    world.config.custom_headers =
        TEXT("X-Frame-Options: SAMEORIGIN|X-XSS-Protection: 1; mode=block|X-Content-Type-Options: "
             "nosniff|Content-Security-Policy: script-src 'self'; object-src 'self'|"
             "Strict-Transport-Security: max-age=31536000; includeSubDomains|Authorization: x");
    world_configure(&world);
    CHECK(world_is_up(&world));
    const char *targets[] = { "/records/7", "/nowhere/7" };
    for (int i = 0; i < 2; i++) {
        struct text got = world_ask(&world, "GET", targets[i], NULL);
        CHECK_HOLDS(got, "\r\nX-Frame-Options: SAMEORIGIN\r\n");
        CHECK_HOLDS(got, "\r\nX-XSS-Protection: 1; mode=block\r\n");
        CHECK_HOLDS(got, "\r\nX-Content-Type-Options: nosniff\r\n");
        CHECK_HOLDS(got, "\r\nContent-Security-Policy: script-src 'self'; object-src 'self'\r\n");
        CHECK_HOLDS(got, "\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n");
        CHECK(!text_holds(got, "Authorization"));
    }
    world_end(&world);
}

TEST(a_request_arrives_with_action_resource_identifier_and_body)
{
    begin();
    world.answer = "{\"GSW_USER_EVENT\":\"RecordProcessedAcknowledge\"}";
    world.etag = "01Q8ZK";
    struct text got = world_ask(&world, "POST", "/records/712?req=RecordProcessed",
                                "{\"GSW_CALL_RESULT\":33,\"Other1\":\"wants \xd0\x96\","
                                "\"GSW_RECORD_HANDLE\":712,\"GSW_APPLICATION_ID\":1}");
    CHECK_HOLDS(got, "HTTP/1.1 200 OK\r\n");
    CHECK_HOLDS(got, "\r\nContent-Type: application/json; charset=utf-8\r\n");
    CHECK_HOLDS(got, "\r\nETag: 01Q8ZK\r\n");
    CHECK_HOLDS(got, "\r\n\r\n{\"GSW_USER_EVENT\":\"RecordProcessedAcknowledge\"}");
    CHECK_TEXT(buf_text(&world.req), "RecordProcessed");
    CHECK(world.msg == &MSG_OUTBOUND_RECORD_PROCESSED);
    CHECK_TEXT(buf_text(&world.resource), "records");
    CHECK_TEXT(buf_text(&world.identifier), "712");
    CHECK_TEXT(buf_text(&world.body), "{\"GSW_CALL_RESULT\":33,\"Other1\":\"wants \xd0\x96\"}");
    world_end(&world);
}

TEST(an_identifier_is_decoded_and_an_action_has_its_own_name)
{
    begin();
    CHECK_HOLDS(world_ask(&world, "POST", "/phones/%2B49%2030?req=RecordCancel", "{}"), " 200 ");
    CHECK_TEXT(buf_text(&world.identifier), "+49 30");
    CHECK_TEXT(buf_text(&world.req), "RequestRecordCancel");
    CHECK(world.msg == &MSG_OUTBOUND_REQUEST_RECORD_CANCEL);
    CHECK_HOLDS(world_ask(&world, "GET", "/campaigngroups/5?req=GetStatus", NULL), " 200 ");
    CHECK(world.msg == &MSG_OUTBOUND_CAMPAIGN_GET_STATUS);
    world_end(&world);
}

static void check_refused(const char *method, const char *target, const char *json,
                          const char *status, const char *words)
{
    struct text got = world_ask(&world, method, target, json);
    CHECK_HOLDS(got, status);
    CHECK_HOLDS(got, "{\"GSW_USER_EVENT\":\"Error\",\"GSW_ERROR\":");
    CHECK_HOLDS(got, words);
}

TEST(scenario_12_nonsense_is_refused_by_the_child_alone)
{
    begin();
    check_refused("POST", "/lists/L?req=AddRecord", "{bad", " 400 ", "body: ");
    check_refused("POST", "/lists/L?req=AddRecord", "[1]", " 400 ", "\"GSW_ERROR\":2");
    check_refused("POST", "/lists/L?req=AddRecord", "{\"a\":[1]}", " 400 ",
                  "a: the body is one flat object");
    check_refused("POST", "/lists/L?req=AddRecord", "{\"a\":1,\"a\":2}", " 400 ", "GSW_ERROR\":2");
    check_refused("POST", "/lists/L?req=AddRecord", "{\"\xff\":1}", " 400 ", "GSW_ERROR\":2");
    check_refused("POST", "/lists/L?req=AddRecord", "{\"GSW_CALLING_LIST\":\"M\"}", " 400 ",
                  "GSW_CALLING_LIST: differs from the path");
    check_refused("POST", "/lists/L?req=AddRecord", NULL, " 411 ", "Content-Length");
    check_refused("POST", "/lists/L?req=Nonsense", "{}", " 400 ", "\"GSW_ERROR\":1");
    check_refused("POST", "/lists/L", "{}", " 400 ", "\"GSW_ERROR\":1");
    check_refused("GET", "/nowhere/7", NULL, " 404 ", "\"GSW_ERROR\":1");
    check_refused("GET", "/records/%ff", NULL, " 400 ", "path: ");
    check_refused("PUT", "/records/712", "{}", " 405 ", "method");
    CHECK_HOLDS(world_ask(&world, "PUT", "/records/712", "{}"), "\r\nAllow: GET, POST\r\n");
    CHECK_HOLDS(world_send(&world,
                           TEXT("POST /lists/L?req=AddRecord HTTP/1.1\r\nHost: a\r\n"
                                "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
                           2000),
                " 415 ");
    CHECK_U32(world.requests, 0);
    world_end(&world);
}

TEST(a_deeply_nested_body_is_refused_and_an_oversized_one_too)
{
    begin();
    struct buf json = { 0 };
    buf_add_z(&json, "{\"a\":");
    for (int i = 0; i < 100000; i++) buf_add_byte(&json, '[');
    buf_add_byte(&json, '\0');
    check_refused("POST", "/lists/L?req=AddRecord", json.at, " 400 ", "GSW_ERROR\":2");
    buf_free(&json);
    CHECK_HOLDS(world_send(&world,
                           TEXT("POST /lists/L?req=AddRecord HTTP/1.1\r\nHost: a\r\n"
                                "Content-Type: application/json\r\n"
                                "Content-Length: 1048577\r\n\r\n{"),
                           2000),
                " 413 ");
    CHECK_U32(world.requests, 0);
    world_end(&world);
}

TEST(an_unanswered_request_becomes_504_and_a_late_answer_goes_nowhere)
{
    begin();
    world.status = 0;
    CHECK_HOLDS(world_ask(&world, "GET", "/records/7", NULL), " 504 ");
    http_proxy_answer(world.proxy, world.transaction, 200, TEXT("{}"), TEXT(""));
    world.status = 404;
    world.answer = "{\"GSW_ERROR\":4}";
    CHECK_HOLDS(world_ask(&world, "GET", "/records/8", NULL), " 404 ");
    world_end(&world);
}

TEST(an_answer_for_a_former_child_is_not_given_to_the_next_ones_client)
{
    begin();
    world.status = 0;
    world.config.response_timeout_s = 5;
    world_configure(&world);
    CHECK_U32(world_send(&world, TEXT("GET /records/7 HTTP/1.1\r\nHost: a\r\n\r\n"), 300).len, 0);
    uint32_t of_the_former = world.transaction;
    CHECK_I64(kill(world_pid(&world), SIGKILL), 0);
    CHECK(world_logs(&world, "81102", 1000));
    CHECK(world_is_up(&world));
    CHECK_U32(world_send(&world, TEXT("GET /records/8 HTTP/1.1\r\nHost: a\r\n\r\n"), 300).len, 0);
    CHECK(world.transaction != of_the_former);
    http_proxy_answer(world.proxy, of_the_former, 200, TEXT("{\"of\":7}"), TEXT(""));
    world.status = 200;
    world.answer = "{\"of\":9}";
    CHECK_HOLDS(world_ask(&world, "GET", "/records/9", NULL), "{\"of\":9}");
    world_end(&world);
}

TEST(an_unavailable_answer_tells_when_to_come_again)
{
    begin();
    world.status = 503;
    world.answer = "{\"GSW_ERROR\":10}";
    CHECK_HOLDS(world_ask(&world, "GET", "/records/7", NULL), "\r\nRetry-After: 1\r\n");
    world_end(&world);
}

static void stop_proxy(void *self)
{
    http_proxy_stop(((struct world *)self)->proxy, NULL, NULL);
}

TEST(clients_that_wait_while_the_proxy_leaves_hear_503)
{
    begin();
    world.status = 0;
    world.config.response_timeout_s = 5;
    world_configure(&world);
    timer_start(timer_new(world.life, world.loop, stop_proxy, &world), 200);
    CHECK_HOLDS(world_ask(&world, "GET", "/records/7", NULL), " 503 ");
    CHECK_U32(world.requests, 1);
    world_end(&world);
}

TEST(a_changed_encoding_holds_for_the_next_message)
{
    begin();
    CHECK_HOLDS(world_ask(&world, "POST", "/records/7?req=RecordProcessed", "{\"a\":\"\xd0\x96\"}"),
                " 200 ");
    world.config.encoding = TEXT("ISO-8859-1");
    world_configure(&world);
    loop_run_for(world.loop, 100);
    check_refused("POST", "/records/7?req=RecordProcessed", "{\"a\":\"\xd0\x96\"}", " 400 ",
                  "a: a character has no place");
    CHECK_HOLDS(world_ask(&world, "POST", "/records/7?req=RecordProcessed", "{\"a\":\"\xc3\xa9\"}"),
                " 200 ");
    CHECK_TEXT(buf_text(&world.body), "{\"a\":\"\xc3\xa9\"}");
    world_end(&world);
}

static struct text ask_with_key(const char *key)
{
    struct buf request = { 0 };
    buf_format(&request,
               "POST /records/7?req=RecordReject HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
               "Idempotency-Key: %s\r\n\r\n",
               key);
    struct text got = world_send(&world, buf_text(&request), 3000);
    buf_free(&request);
    return got;
}

TEST(an_idempotency_key_of_1_to_255_visible_characters_is_handed_on)
{
    begin();
    CHECK_HOLDS(world_ask(&world, "POST", "/records/7?req=RecordReject", NULL), " 200 ");
    CHECK_U32(world.idempotency_key.len, 0);
    CHECK_HOLDS(ask_with_key("8e03978e-40d5-43dd-bc93-6894a57f9324"), " 200 ");
    CHECK_TEXT(buf_text(&world.idempotency_key), "8e03978e-40d5-43dd-bc93-6894a57f9324");
    CHECK_HOLDS(ask_with_key("\"quoted\\\""), " 200 ");
    CHECK_TEXT(buf_text(&world.idempotency_key), "\"quoted\\\"");
    char longest[258];
    memset(longest, 'k', sizeof longest);
    longest[255] = '\0';
    CHECK_HOLDS(ask_with_key(longest), " 200 ");
    CHECK_U32(world.idempotency_key.len, 255);
    longest[255] = 'k';
    longest[256] = '\0';
    uint32_t before = world.requests;
    const char *const wrong[] = { longest, "", "two words", "caf\xc3\xa9" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct text got = ask_with_key(wrong[i]);
        CHECK_HOLDS(got, " 400 ");
        CHECK_HOLDS(got, "Idempotency-Key: must be 1 to 255");
    }
    CHECK_U32(world.requests, before);
    world_end(&world);
}

TEST(a_value_has_at_most_4096_bytes)
{
    begin();
    struct buf json = { 0 };
    for (uint32_t len = 4096; len <= 4097; len++) {
        buf_clear(&json);
        buf_add_z(&json, "{\"a\":\"");
        for (uint32_t i = 0; i < len; i++) buf_add_byte(&json, 'x');
        buf_add_z(&json, "\"}");
        buf_add_byte(&json, '\0');
        CHECK_HOLDS(world_ask(&world, "POST", "/records/7?req=RecordProcessed", json.at),
                    len == 4096 ? " 200 " : "a: a value has at most 4096 bytes");
    }
    buf_free(&json);
    world_end(&world);
}

TEST(of_two_ports_one_that_is_removed_closes_and_the_child_stays)
{
    world_begin(&world);
    uint16_t first = world.port, second = world_free_port(&world);
    struct proxy_ports other = world_ports(&world, second);
    other.at[0].id = TEXT("second");
    world.config.ports.at[world.config.ports.count++] = other.at[0];
    world_configure(&world);
    CHECK(world_is_up(&world));
    int pid = world_pid(&world);
    CHECK(world_accepts(&world));
    world.port = second;
    CHECK(world_accepts(&world));
    world.config.ports.count = 1;
    world_configure(&world);
    for (int i = 0; i < 100 && world_accepts(&world); i++) loop_run_for(world.loop, 10);
    CHECK(!world_accepts(&world));
    world.port = first;
    CHECK_HOLDS(world_ask(&world, "GET", "/records/7", NULL), " 200 ");
    CHECK_I64(world_pid(&world), pid);
    world_end(&world);
}
