/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/scxml/family.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static struct family *family;

static void begin(void)
{
    family = family_open();
    family_begin(family);
}

static bool said(const char *words)
{
    buf_add_byte(&family->said, 0);
    family->said.len--;
    return strstr(family->said.at, words) != NULL;
}

static bool explained(const char *words)
{
    buf_add_byte(&family->ours, 0);
    family->ours.len--;
    return strstr(family->ours.at, words) != NULL;
}

#define CHILD(content)                                                                             \
    "<content><scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' "                       \
    "datamodel='ecmascript'>" content "</scxml></content>"

/* --- sends -------------------------------------------------------------------------------------
 */

TEST(a_reply_goes_to_the_origin_of_an_event)
{
    begin();
    struct text server = family_chart(
        family, "<state id='s'><transition event='ask'>"
                "<send event='answer' targetexpr='_event.origin' typeexpr='_event.origintype'>"
                "<param name='n' expr='_event.data.n + 1'/></send></transition></state>");
    char body[1024];
    (void)snprintf(body, sizeof body,
                   "<state id='a'><onentry><send event='ask' target='#_scxml_%.*s'>"
                   "<param name='n' expr='41'/></send></onentry>"
                   "<transition event='answer' cond='_event.data.n === 42' target='b'/></state>"
                   "<final id='b'/>",
                   TEXT_ARG(server));
    (void)family_chart(family, body);
    family_rest(family);
    CHECK(said(" end b"));
    family_close(family);
}

TEST(a_send_to_an_unknown_session_is_an_error_with_its_id)
{
    begin();
    (void)family_chart(
        family, "<state id='a'><onentry>"
                "<send event='e' id='mine' target='#_scxml_00000000000000000000000000000000'/>"
                "</onentry><transition event='error.communication' "
                "cond=\"_event.sendid === 'mine' &amp;&amp; _event.type === 'platform'\" "
                "target='b'/></state><final id='b'/>");
    family_rest(family);
    CHECK(said(" end b"));
    family_close(family);
}

TEST(nobody_has_a_parent_who_was_not_invoked)
{
    begin();
    (void)family_chart(family,
                       "<state id='a'><onentry><send event='e' target='#_parent'/></onentry>"
                       "<transition event='error.communication' target='b'/></state>"
                       "<final id='b'/>");
    family_rest(family);
    CHECK(said(" end b"));
    family_close(family);
}

/* --- invocations -------------------------------------------------------------------------------
 */

TEST(a_child_takes_params_that_it_has_and_gives_its_donedata)
{
    begin();
    (void)family_chart(
        family, "<state id='a'><invoke id='kid'><param name='n' expr='[1,2]'/><param name='other' "
                "expr='3'/>" CHILD(
                    "<datamodel><data id='n' expr='0'/></datamodel>"
                    "<state id='s'><transition cond=\"n.length === 2 &amp;&amp; typeof other === "
                    "'undefined'\" target='f'/></state>"
                    "<final id='f'><donedata><param name='sum' expr='n[0] + "
                    "n[1]'/></donedata></final>") "</invoke><transition event='done.invoke.kid' "
                                                  "cond='_event.data.sum === 3 &amp;&amp; "
                                                  "_event.invokeid === \"kid\"' "
                                                  "target='b'/></state><final id='b'/>");
    family_rest(family);
    CHECK(said(" end b"));
    CHECK_I64(scxml_host_session_count(family->host), 0);
    family_close(family);
}

TEST(a_child_comes_from_a_file_beside_its_parent)
{
    family = family_open();
    family->file_name = "/charts/kid.scxml";
    family->file_text = "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'>"
                        "<final id='f'/></scxml>";
    family_begin(family);
    (void)family_chart(family, "<state id='a'><invoke src='kid.scxml'/>"
                               "<transition event='done.invoke' target='b'/></state>"
                               "<final id='b'/>");
    family_rest(family);
    CHECK(said(" end b"));
    family_close(family);
}

TEST(a_document_that_cannot_be_had_is_an_error)
{
    begin();
    (void)family_chart(family,
                       "<state id='a'><invoke id='x' src='nowhere.scxml'/>"
                       "<transition event='error.communication' cond=\"_event.invokeid === 'x'\" "
                       "target='b'/></state>"
                       "<state id='b'><invoke type='foreign' src='nowhere.scxml'/>"
                       "<transition event='error.execution' target='c'/></state>"
                       "<state id='c'><invoke><content expr=\"'no document'\"/></invoke>"
                       "<transition event='error.execution' "
                       "target='d'/></state><final id='d'/>");
    family_rest(family);
    CHECK(said(" end d"));
    CHECK(explained("no file /charts/nowhere.scxml"));
    CHECK(explained("this type of invocation is unknown"));
    family_close(family);
}

/* Orchestration 14, O24. */
TEST(scenario_O24_a_child_that_is_left_exits_and_is_heard_no_more)
{
    begin();
    struct text id = family_chart(
        family,
        "<state id='a'><invoke>" CHILD(
            "<state id='s'><onexit><log expr=\"'left'\"/>"
            "<send event='late' target='#_parent'/></onexit></state>") "</invoke><transition "
                                                                       "event='go' "
                                                                       "target='b'/></state>"
                                                                       "<state id='b'><transition "
                                                                       "event='late' "
                                                                       "target='bad'/></"
                                                                       "state><final id='bad'/>");
    family_rest(family);
    CHECK_I64(scxml_host_session_count(family->host), 2);
    family_event(family, id, "go");
    CHECK(said("1 log  left\n"));
    CHECK(!said(" end bad"));
    CHECK_I64(scxml_host_session_count(family->host), 1);
    family_close(family);
}

TEST(children_of_a_session_that_ends_exit_too)
{
    begin();
    struct text id = family_chart(
        family,
        "<state id='a'><invoke>" CHILD("<state id='s'><onexit><log expr=\"'left'\"/></onexit>"
                                       "</state>") "</invoke>"
                                                   "<transition event='go' target='f'/>"
                                                   "</state><final id='f'/>");
    family_rest(family);
    family_event(family, id, "go");
    CHECK(said("1 log  left\n"));
    CHECK_I64(scxml_host_session_count(family->host), 0);
    family_close(family);
}

TEST(an_autoforward_child_hears_what_its_parent_hears)
{
    begin();
    struct text id =
        family_chart(family, "<state id='a'><invoke autoforward='true' id='kid'>" CHILD(
                                 "<state id='s'><transition event='go' target='f'/></state><final "
                                 "id='f'/>") "</invoke><transition event='done.invoke.kid' "
                                             "target='b'/></state><final id='b'/>");
    family_rest(family);
    family_event(family, id, "go");
    CHECK(said(" end b"));
    family_close(family);
}

/* --- bounds ------------------------------------------------------------------------------------
 */

TEST(a_chart_that_invokes_itself_stops_at_the_depth_allowed)
{
    family = family_open();
    family->options.depth_max = 5;
    family->file_name = "/charts/main.scxml";
    family->file_text = "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'>"
                        "<state id='a'><invoke src='main.scxml'/></state></scxml>";
    family_begin(family);
    (void)family_start(family, text_of(family->file_text));
    family_rest(family);
    CHECK_I64(scxml_host_session_count(family->host), 6);
    CHECK(explained("nested too deep"));
    family_close(family);
}

TEST(no_more_sessions_begin_than_are_allowed)
{
    family = family_open();
    family->options.sessions_max = 3;
    family_begin(family);
    (void)family_chart(
        family, "<parallel><state><invoke>" CHILD(
                    "<state/>") "</invoke></state>"
                                "<state><invoke>" CHILD(
                                    "<state/>") "</invoke></state>"
                                                "<state><invoke>" CHILD(
                                                    "<state/>") "</invoke></state></parallel>");
    family_rest(family);
    CHECK_I64(scxml_host_session_count(family->host), 3);
    CHECK(explained("there are 3 sessions already"));
    family_close(family);
}

TEST(one_call_takes_no_more_steps_than_it_may)
{
    begin();
    (void)family_chart(family, "<state id='a'><onentry><send event='e'/></onentry>"
                               "<transition event='e' target='a'/></state>");
    CHECK_I64(scxml_host_run(family->host, 1, 100), 100);
    CHECK(scxml_host_has_work(family->host));
    family_close(family);
}

TEST(sessions_take_turns)
{
    begin();
    const char *ping = "<state id='a'><onentry><send event='e'/></onentry>"
                       "<transition event='e' target='a'/></state>";
    (void)family_chart(family, ping);
    (void)family_chart(family, ping);
    CHECK_I64(scxml_host_run(family->host, 1, 4), 4);
    CHECK_TEXT(family_said(family), "0: 1\n1: 1\n0: 1\n1: 1\n");
    family_close(family);
}

/* --- time --------------------------------------------------------------------------------------
 */

TEST(the_next_due_is_the_earliest_of_all_sessions)
{
    begin();
    static const char *const charts[] = {
        "<state><onentry><send event='e' delay='300ms'/></onentry></state>",
        "<state id='w'><onentry><send event='e' delay='100ms'/><send event='e' delay='500ms'/>"
        "</onentry><transition event='e'><log expr=\"'now'\"/></transition></state>",
        "<state><onentry><send event='e' delay='200ms'/></onentry></state>",
    };
    for (size_t i = 0; i < 3; i++) (void)family_chart(family, charts[i]);
    family_rest(family);
    for (uint64_t due = 100; due <= 300; due += 100) {
        CHECK_I64(scxml_host_next_due(family->host), family->now_ms + 100);
        family_wait(family, 100);
    }
    CHECK_I64(scxml_host_next_due(family->host), family->now_ms + 200);
    family_wait(family, 200);
    CHECK_I64(scxml_host_next_due(family->host), SCXML_NEVER);
    family_close(family);
}

/* --- modules and HTTP --------------------------------------------------------------------------
 */

TEST(a_module_that_nobody_provides_answers_unknown)
{
    begin();
    (void)family_chart(family,
                       "<datamodel><data id='r'/></datamodel><state id='a'><onentry>"
                       "<queue:submit xmlns:queue='http://www.genesyslab.com/modules/queue' "
                       "requestid='r'/></onentry>"
                       "<transition event='error.queue.submit' cond=\"_event.data.error === "
                       "'unknown' &amp;&amp; _event.data.requestid === r\" target='b'/></state>"
                       "<final id='b'/>");
    family_rest(family);
    CHECK(said(" end b"));
    family_close(family);
}

#define HTTP "http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor"

TEST(a_message_over_http_that_fails_is_an_error_with_its_id)
{
    family = family_open();
    family->options.http_location = TEXT("http://here/");
    family_begin(family);
    (void)family_chart(family,
                       "<state id='a'><onentry><send event='e' id='x' type='" HTTP "' "
                       "target='http://127.0.0.1:1/'/></onentry>"
                       "<transition event='error.communication' "
                       "cond=\"_event.sendid === 'x'\" target='b'/></state><final id='b'/>");
    family_rest(family);
    CHECK_I64(family->calls, 1);
    CHECK_I64(scxml_host_calls_open(family->host), 1);
    scxml_host_http_done(family->host, family->last_call, false);
    scxml_host_http_done(family->host, family->last_call, false); /* twice is once */
    family_rest(family);
    CHECK(said(" end b"));
    CHECK_I64(scxml_host_calls_open(family->host), 0);
    family_close(family);
}

TEST(what_follows_a_message_over_http_to_ourselves_waits_for_it)
{
    family = family_open();
    family->options.http_location = TEXT("http://here/");
    family_begin(family);
    struct text id = family_chart(
        family,
        "<state id='a'><onentry><send event='first' type='" HTTP "' "
        "targetexpr=\"_ioprocessors['basichttp'].location\"/><send event='second'/></onentry>"
        "<transition event='first' target='b'/><transition event='second' target='bad'/>"
        "</state><final id='b'/><final id='bad'/>");
    family_rest(family);
    CHECK_I64(family->calls, 1);
    CHECK(!said(" end"));
    const struct scxml_event arrived = { .name = TEXT("first") };
    CHECK_OK(scxml_host_post(family->host, id, &arrived));
    family_rest(family);
    CHECK(!said(" end")); /* it holds until the answer */
    scxml_host_http_done(family->host, family->last_call, true);
    family_rest(family);
    CHECK(said(" end b"));
    family_close(family);
}

TEST(a_host_that_ends_while_messages_are_under_way_leaves_nothing)
{
    family = family_open();
    family->options.http_location = TEXT("http://here/");
    family_begin(family);
    (void)family_chart(family, "<state id='a'><onentry><send event='first' type='" HTTP "' "
                               "targetexpr=\"_ioprocessors['basichttp'].location\"/>"
                               "<send event='second'/></onentry></state>");
    family_rest(family);
    CHECK_I64(family->calls, 1);
    family_close(family); /* the leak checker is the judge */
}

/* --- documents ---------------------------------------------------------------------------------
 */

TEST(a_document_is_compiled_once_for_all_its_sessions)
{
    begin();
    const char *body = "<state id='a'/>";
    (void)family_chart(family, body);
    size_t bytes = scope_bytes(family->scope);
    for (int i = 0; i < 50; i++) (void)family_chart(family, body);
    family_rest(family);
    CHECK_I64(scxml_host_program_count(family->host), 1);
    CHECK(scope_bytes(family->scope) - bytes < 50000);
    family_close(family);
}

TEST(documents_that_nobody_uses_are_let_go)
{
    family = family_open();
    family->options.idle_programs_max = 2;
    family_begin(family);
    for (int i = 0; i < 10; i++) {
        char body[64];
        (void)snprintf(body, sizeof body, "<final id='f%d'/>", i);
        (void)family_chart(family, body);
        family_rest(family);
    }
    CHECK_I64(scxml_host_program_count(family->host), 2);
    CHECK_I64(scxml_host_session_count(family->host), 0);
    family_close(family);
}

TEST(the_same_seed_gives_the_same_run)
{
    struct text runs[2];
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (int i = 0; i < 2; i++) {
        family = family_open();
        family->options.seed = 7;
        family_begin(family);
        (void)family_chart(family, "<state id='a'><onentry><log expr='Math.random()'/>"
                                   "<log expr='_sessionid'/><log expr='new Date().getTime()'/>"
                                   "</onentry></state>");
        family_rest(family);
        runs[i] = scope_keep(scope, family_said(family));
        family_close(family);
    }
    CHECK(text_eq(runs[0], runs[1]));
    scope_close(scope);
}
