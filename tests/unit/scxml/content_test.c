/* SPDX-License-Identifier: Apache-2.0 */
/* Executable content, data, sends and invocations (orchestration 3.1 to 3.4, 5, 6). */
#include <stdio.h>
#include <string.h>

#include "tests/unit/scxml/chart.h"
#include "tests/unit/test.h"

#define ECMASCRIPT     "datamodel='ecmascript'"
#define DATA(id, expr) "<data id='" id "' expr=\"" expr "\"/>"
#define LOG(expr)      "<log expr=\"" expr "\"/>"
/* A state that says which events it gets, with what is left of a block behind an error. */
#define LISTEN                                                                                     \
    "<transition event='*'><log label='got' expr=\"_event.name + ' ' + _event.type +"              \
    " (_event.sendid === undefined ? '' : ' id ' + _event.sendid)"                                 \
    " + (_event.data === undefined ? '' : ' ' + JSON.stringify(_event.data))\"/></transition>"

/* What a session says whose only state runs `content` when it is entered. */
static struct text said_by(struct chart **chart, const char *data, const char *content)
{
    char *body = test_malloc(strlen(data) + strlen(content) + sizeof LISTEN + 200);
    (void)sprintf(
        body,
        "<datamodel>%s</datamodel><state id='s'><onentry>%s<log label='end'/></onentry>" LISTEN
        "</state>",
        data, content);
    *chart = chart_open(ECMASCRIPT, body);
    test_free(body);
    return chart_said(*chart);
}

#define CHECK_SAID(data, content, wanted)                                                          \
    do {                                                                                           \
        struct chart *chart_;                                                                      \
        CHECK_TEXT(said_by(&chart_, data, content), wanted);                                       \
        chart_close(chart_);                                                                       \
    } while (0)

#define FAILED "log got error.execution platform\n"

/* --- if, foreach, assign, script -------------------------------------------------------------- */

TEST(the_first_branch_that_holds_is_run)
{
    const char *branches = "<if cond='n == 1'>" LOG("'one'") "<elseif cond='n == 2'/>" LOG(
        "'two'") "<elseif cond='n == 2'/>" LOG("'again'") "<else/>" LOG("'else'") "</if>";
    CHECK_SAID(DATA("n", "1"), branches, "log  one\nlog end\n");
    CHECK_SAID(DATA("n", "2"), branches, "log  two\nlog end\n");
    CHECK_SAID(DATA("n", "3"), branches, "log  else\nlog end\n");
}

TEST(a_condition_of_if_that_fails_counts_as_false_and_the_block_goes_on)
{
    CHECK_SAID("", "<if cond='nobody.x'>" LOG("'a'") "<else/>" LOG("'b'") "</if>",
               "log  b\nlog end\n" FAILED);
}

TEST(foreach_goes_over_a_copy_and_makes_its_variables)
{
    CHECK_SAID(DATA("list", "['a','b']"),
               "<foreach array='list' item='it' index='at'><script>list.push('more')</script>" LOG(
                   "at + it") "</foreach>" LOG("it + list.length"),
               "log  0a\nlog  1b\nlog  b4\nlog end\n");
}

TEST(an_error_in_foreach_ends_it_and_the_block)
{
    CHECK_SAID(
        DATA("list", "[1,2,3]") DATA("sum", "0"),
        "<foreach array='list' item='it'><assign location='sum' expr='sum + it'/>"
        "<if cond='it == 2'><assign location='none.x' expr='1'/></if>" LOG("sum") "</foreach>",
        "log  1\n" FAILED);
}

TEST(foreach_wants_an_array_and_names)
{
    CHECK_SAID(DATA("n", "7"), "<foreach array='n' item='it'>" LOG("it") "</foreach>", FAILED);
    CHECK_SAID(DATA("n", "[7]"), "<foreach array='n' item='continue'>" LOG("1") "</foreach>",
               FAILED);
}

TEST(loops_lie_in_each_other)
{
    CHECK_SAID(DATA("list", "[1,2]"),
               "<foreach array='list' item='a'><foreach array='list' item='b'>" LOG(
                   "a * 10 + b") "</foreach></foreach>",
               "log  11\nlog  12\nlog  21\nlog  22\nlog end\n");
}

TEST(an_assignment_that_fails_ends_the_block) /* scenario_O17 */
{
    CHECK_SAID("", "<assign location='_sessionid' expr='1'/><raise event='e1'/>", FAILED);
    CHECK_SAID("", "<assign location='undeclared' expr='1'/>", FAILED);
    CHECK_SAID(DATA("n", "1"), "<assign location='n' expr='2'/>" LOG("n"), "log  2\nlog end\n");
    CHECK_SAID(DATA("n", "1"), "<assign location='n'>{\"a\": 5}</assign>" LOG("n.a"),
               "log  5\nlog end\n");
}

TEST(a_script_logs_among_the_other_effects) /* 4.2 item 9 */
{
    CHECK_SAID(DATA("n", "1"),
               LOG("'before'") "<script>__Log('n is ' + n); __Log(2)</script>" LOG("'behind'"),
               "log  before\nlog  n is 1\nlog  2\nlog  behind\nlog end\n");
}

TEST(a_script_that_logs_without_end_is_stopped)
{
    struct chart *chart = chart_load(ECMASCRIPT, "<script>var s = new Array(10000).join('x');"
                                                 "while (true) __Log(s)</script><state id='a'/>");
    chart->limits.session_bytes = 1 << 20;
    chart_begin(chart);
    chart_run(chart);
    CHECK(chart->outcome == SCXML_ENDED);
    CHECK(strstr(chart_said(chart).at, "error.platform.memory") != NULL);
    CHECK(chart_cpu_us() < 5000000);
    chart_close(chart);
}

TEST(a_script_that_throws_ends_the_block)
{
    CHECK_SAID("", "<script>throw 'x'</script>", FAILED);
    CHECK_SAID("", "<raise event='e1'/><script>throw 'x'</script>", "log got e1 internal\n" FAILED);
}

TEST(a_raised_event_is_internal_and_blank)
{
    CHECK_SAID("", "<raise event='e1'/>", "log end\nlog got e1 internal\n");
}

/* --- data ------------------------------------------------------------------------------------- */

TEST(early_data_are_all_made_before_the_scripts)
{
    struct chart *chart = chart_open(
        ECMASCRIPT, "<datamodel>" DATA(
                        "a", "1") "<data id='u'/></datamodel>"
                                  "<script>var c = a + b;</script><state id='s'><onentry>" LOG(
                                      "c + ' ' + typeof u") "</onentry></state>"
                                                            "<state id='t'><datamodel>" DATA(
                                                                "b", "2") "</datamodel></state>");
    CHECK_TEXT(chart_said(chart), "log  3 undefined\n");
    chart_close(chart);
}

TEST(late_data_are_set_when_their_state_is_first_entered)
{
    struct chart *chart = chart_open(
        ECMASCRIPT " binding='late'",
        "<datamodel>" DATA(
            "n",
            "0") "</datamodel>"
                 "<state id='s'><onentry>" LOG(
                     "typeof b") "</onentry><transition event='e' target='t'/>"
                                 "</state><state id='t'><datamodel>" DATA(
                                     "b",
                                     "++n") "</datamodel><onentry>" LOG("b") "</"
                                                                             "onentry><transition "
                                                                             "event='e' "
                                                                             "target='s'/></"
                                                                             "state>");
    chart_event(chart, "e");
    chart_event(chart, "e");
    chart_event(chart, "e");
    CHECK_TEXT(chart_said(chart), "log  undefined\nlog  1\nlog  number\nlog  1\n");
    chart_close(chart);
}

TEST(data_that_fail_are_there_and_undefined)
{
    struct chart *chart = chart_open(
        ECMASCRIPT,
        "<datamodel>" DATA("a", "nobody.x")
            DATA("b", "2") "</datamodel><state id='s'>"
                           "<onentry>" LOG("typeof a + b") "</onentry>" LISTEN "</state>");
    CHECK_TEXT(chart_said(chart), "log  undefined2\n" FAILED);
    chart_close(chart);
}

TEST(who_starts_a_session_may_give_its_data)
{
    struct scxml_pair extra = { .name = TEXT("c"), .value = { SCXML_DATA_JSON, TEXT("9") } };
    struct scxml_pair a = { &extra, TEXT("a"), { SCXML_DATA_JSON, TEXT("[5]") } };
    struct chart *chart = chart_load(
        ECMASCRIPT,
        "<datamodel>" DATA("a", "nobody.x") DATA(
            "b", "2") "</datamodel><state id='s'>"
                      "<onentry>" LOG("a[0] + b + typeof c") "</onentry>" LISTEN "</state>"
                                                             "<state id='t'><datamodel>" DATA(
                                                                 "c", "1") "</datamodel></state>");
    chart->birth.data = &a;
    chart_begin(chart);
    chart_run(chart);
    CHECK_TEXT(chart_said(chart), "log  7number\n"); /* c is no top-level one: it keeps its 1 */
    chart_close(chart);
}

/* --- send ------------------------------------------------------------------------------------- */

TEST(an_event_without_target_comes_back_as_an_external_one)
{
    CHECK_SAID("", "<send event='e1' id='i7'/><raise event='e2'/>",
               "log end\nlog got e2 internal\nlog got e1 external id i7\n");
    CHECK_SAID("", "<send event='e1' target='#_scxml_S'/>", "log end\nlog got e1 external\n");
}

TEST(an_event_to_internal_is_an_internal_one)
{
    CHECK_SAID("", "<send event='x'/><send event='e1' target='#_internal'/>",
               "log end\nlog got e1 internal\nlog got x external\n");
}

TEST(the_origin_is_an_address_for_answers)
{
    CHECK_SAID("", "<send event='e1'/><send event='e2' targetexpr=\"'#_scxml_' + _sessionid\"/>",
               "log end\nlog got e1 external\nlog got e2 external\n");
    struct chart *chart = chart_open(
        ECMASCRIPT, "<state id='s'><onentry><send event='e1'/></onentry><transition event='e1'>"
                    "<log expr='_event.origin'/><log expr='_event.origintype'/>"
                    "<send event='e2' targetexpr='_event.origin' typeexpr='_event.origintype'/>"
                    "</transition><transition event='e2'><log label='back'/></transition></state>");
    CHECK_TEXT(chart_said(chart), "log  #_scxml_S\nlog  " SCXML_EVENT_PROCESSOR "\nlog back\n");
    chart_close(chart);
}

TEST(others_are_reached_by_effects)
{
    CHECK_SAID("",
               "<send event='e1' target='#_parent'/><send event='e2' target='#_child'/>"
               "<send event='e3' target='#_scxml_other' id='i'><content>Some  text</content>"
               "</send>",
               "send e1 to #_parent\nsend e2 to #_child\n"
               "send e3 to #_scxml_other id i body:Some  text content\nlog end\n");
}

TEST(an_event_to_the_parent_says_whose_it_is)
{
    struct chart *chart = chart_load(ECMASCRIPT,
                                     "<state id='s'><onentry><send event='e1' target='#_parent'/>"
                                     "<send event='e2' target='#_x'/></onentry></state>");
    chart->birth.invoke_id = TEXT("inv");
    chart_begin(chart);
    struct scxml_effects effects = scxml_effects_in(chart->effects);
    CHECK_I64(scxml_step(chart->session, 0, &effects), SCXML_STEPPED);
    const struct scxml_event *to_parent = &effects.first->send.event;
    CHECK_TEXT(to_parent->invoke_id, "inv");
    CHECK_TEXT(to_parent->origin, "#_scxml_S");
    CHECK_TEXT(to_parent->origin_type, SCXML_EVENT_PROCESSOR);
    CHECK_TEXT(effects.first->next->send.event.invoke_id, "");
    chart_close(chart);
}

TEST(params_and_the_namelist_become_an_object)
{
    CHECK_SAID(DATA("a", "1") DATA("b", "'x'"), "<send event='e1' namelist='a b'/>",
               "log end\nlog got e1 external {\"a\":1,\"b\":\"x\"}\n");
    CHECK_SAID(DATA("a", "1"),
               "<send event='e1'><param name='n' expr='a + 1'/><param name='l' location='a'/>"
               "<param name='n' expr=\"'again'\"/><param name='u' expr='undefined'/></send>",
               "log end\nlog got e1 external {\"n\":[2,\"again\"],\"l\":1}\n");
    CHECK_SAID(DATA("a", "{ k: [1] }"), "<send event='e1'><content expr='a.k'/></send>",
               "log end\nlog got e1 external [1]\n");
}

TEST(arguments_are_evaluated_when_it_is_sent)
{
    struct chart *chart = chart_open(
        ECMASCRIPT,
        "<datamodel>" DATA("n", "1") "</datamodel><state id='s'><onentry>"
                                     "<send event='e1' delay='1s'><param name='n' expr='n'/></send>"
                                     "<assign location='n' expr='2'/></onentry>" LISTEN "</state>");
    CHECK_TEXT(chart_said(chart), "");
    CHECK_I64(scxml_next_due(chart->session), 2000);
    chart_wait(chart, 999);
    CHECK_TEXT(chart_said(chart), "");
    chart_wait(chart, 1);
    CHECK_TEXT(chart_said(chart), "log got e1 external {\"n\":1}\n");
    CHECK(scxml_next_due(chart->session) == SCXML_NEVER);
    chart_wait(chart, 10000);
    CHECK_TEXT(chart_said(chart), "");
    chart_close(chart);
}

TEST(delayed_events_come_in_the_order_of_their_times)
{
    struct chart *chart = chart_open(
        ECMASCRIPT, "<state id='s'><onentry><send event='c' delay='30ms'/>"
                    "<send event='a1' delay='.01s'/><send event='b' delayexpr=\"'20' + 'ms'\"/>"
                    "<send event='a2' delay='10ms'/><send event='o' target='#_other' delay='15ms'/>"
                    "<send event='now' delayexpr=\"'0s'\"/>"
                    "</onentry>" LISTEN "</state>");
    CHECK_TEXT(chart_said(chart), "log got now external\n");
    chart_wait(chart, 15);
    CHECK_TEXT(chart_said(chart), "send o to #_other\nlog got a1 external\nlog got a2 external\n");
    chart_wait(chart, 1000);
    CHECK_TEXT(chart_said(chart), "log got b external\nlog got c external\n");
    chart_close(chart);
}

TEST(time_set_back_makes_nothing_happen_twice)
{
    struct chart *chart = chart_open(
        ECMASCRIPT,
        "<state id='s'><onentry><send event='a' delay='1s'/></onentry>" LISTEN "</state>");
    chart_wait(chart, 1000);
    CHECK_TEXT(chart_said(chart), "log got a external\n");
    chart->now_ms = 0;
    chart_run(chart);
    chart_wait(chart, 5000);
    CHECK_TEXT(chart_said(chart), "");
    chart_close(chart);
}

#define FAILED_I "log got error.execution platform id i\n"

TEST(a_send_that_cannot_be_is_an_error_with_its_id)
{
    CHECK_SAID("", "<send event='e1' type='27' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' target='baz' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' target='#_' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send eventexpr='nobody.x' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' targetexpr='nobody.x' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' typeexpr='nobody.x' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' delayexpr='nobody.x' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' delayexpr=\"'soon'\" id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' namelist='nobody' id='i'/>", FAILED_I);
    CHECK_SAID("", "<send eventexpr=\"''\" id='i'/>", FAILED_I);
    CHECK_SAID("", "<send event='e1' target='baz'/>", FAILED);
}

TEST(a_param_or_content_that_fails_is_left_out)
{
    CHECK_SAID(
        "", "<send event='e1'><param name='a' expr='nobody.x'/><param name='b' expr='1'/></send>",
        "log end\n" FAILED "log got e1 external {\"b\":1}\n");
    CHECK_SAID("", "<send event='e1'><content expr='nobody.x'/></send>",
               "log end\n" FAILED "log got e1 external\n");
}

TEST(known_processors_are_found_by_name_and_address)
{
    const struct scxml_io_processor processors[] = {
        { .name = TEXT("basichttp"), .uri = TEXT(SCXML_HTTP_PROCESSOR), .location = TEXT("http:x") }
    };
    struct chart *chart = chart_load(
        ECMASCRIPT, "<state id='s'><onentry><send event='e1' type='basichttp' target='http://t'/>"
                    "<send event='e2' type='" SCXML_HTTP_PROCESSOR "' target='http://u'/>"
                    "</onentry></state>");
    chart->birth.processors = processors;
    chart->birth.processor_count = 1;
    chart_begin(chart);
    chart_run(chart);
    CHECK_TEXT(chart_said(chart), "send e1 to http://t\nsend e2 to http://u\n");
    chart_close(chart);
}

TEST(an_id_for_a_location_is_made_and_stored)
{
    CHECK_SAID(DATA("l", "null"),
               "<send event='e1' idlocation='l'/>" LOG("l") "<send event='e2' idlocation='l'/>",
               "log  S.1\nlog end\nlog got e1 external id S.1\nlog got e2 external id S.2\n");
}

/* --- cancel ----------------------------------------------------------------------------------- */

TEST(a_delayed_event_can_be_taken_back)
{
    struct chart *chart = chart_open(
        ECMASCRIPT,
        "<state id='s'><onentry><send event='a' delay='1s' id='i'/>"
        "<send event='b' delay='1s' id='k'/><send event='c' delay='2s'/>"
        "<cancel sendidexpr=\"'i'\"/><cancel sendid='nobody'/><cancel sendidexpr=\"''\"/>"
        "</onentry>" LISTEN "</state>");
    chart_wait(chart, 5000);
    CHECK_TEXT(chart_said(chart), "log got b external id k\nlog got c external\n");
    chart_close(chart);
}

TEST(the_old_draft_answers_to_cancel) /* orchestration 5 */
{
    struct chart *chart =
        chart_open("profile='ecmascript'",
                   "<state id='s'><onentry><send event=\"'a'\" delay=\"'1s'\" id='i'/>"
                   "<cancel sendid='i'/><cancel sendid='i'/></onentry>" LISTEN "</state>");
    CHECK_TEXT(chart_said(chart), "log got cancel.successful platform id i\n"
                                  "log got error.notallowed platform id i\n");
    chart_close(chart);
}

/* --- donedata --------------------------------------------------------------------------------- */

TEST(donedata_is_the_data_of_the_done_event)
{
    struct chart *chart = chart_open(
        ECMASCRIPT, "<state id='a'><final id='f'><donedata><param name='x' expr='1 + 1'/>"
                    "<param name='y' expr='nobody.x'/></donedata></final>" LISTEN "</state>");
    CHECK_TEXT(chart_said(chart), FAILED "log got done.state.a platform {\"x\":2}\n");
    chart_close(chart);
    chart = chart_open(ECMASCRIPT, "<final id='f'><onexit><script>r = 2</script></onexit><donedata>"
                                   "<content expr='r'/></donedata></final><script>var r = 1;"
                                   "</script>");
    CHECK_TEXT(chart_said(chart), "end f json:2\n");
    chart_close(chart);
}

/* --- invoke ----------------------------------------------------------------------------------- */

TEST(an_invocation_begins_when_the_macrostep_has_ended)
{
    struct chart *chart = chart_open(
        ECMASCRIPT, "<state id='a'><invoke type='scxml' src='gone'/><onentry><raise event='i'/>"
                    "</onentry><transition event='i' target='b'/></state>"
                    "<state id='b'><invoke id='v' type='scxml' srcexpr=\"'child' + 1\">"
                    "<param name='p' expr='7'/></invoke><onentry><log label='b'/></onentry>"
                    "<onexit><log label='-b'/></onexit><transition event='e' target='c'/></state>"
                    "<state id='c'/>");
    CHECK_TEXT(chart_said(chart), "log b\ninvoke v type scxml src child1 p=7\n");
    chart_event(chart, "e");
    CHECK_TEXT(chart_said(chart), "log -b\nuninvoke v\n");
    chart_close(chart);
}

TEST(an_invocation_begins_once_however_long_the_macrostep_is)
{
    struct chart *chart = chart_open(
        ECMASCRIPT, "<parallel id='p'><state id='a'><invoke id='v'/></state><state id='r'>"
                    "<state id='b'><invoke srcexpr='nobody.x'/>"
                    "<transition event='error.execution' target='c'/></state>"
                    "<state id='c'><invoke id='w'/></state></state></parallel>");
    CHECK_TEXT(chart_said(chart), "invoke v type  src \ninvoke w type  src \n");
    chart_close(chart);
}

TEST(the_id_of_an_invocation_names_its_state)
{
    struct chart *chart = chart_open(
        ECMASCRIPT, "<datamodel><data id='l'/></datamodel><state id='a'><invoke idlocation='l'/>"
                    "<invoke/><transition event='e'><log expr='l'/></transition></state>");
    chart_event(chart, "e");
    CHECK_TEXT(chart_said(chart), "invoke a.1 type  src \ninvoke a.2 type  src \nlog  a.1\n");
    chart_close(chart);
}

TEST(an_invocation_whose_arguments_fail_is_not_begun)
{
    struct chart *chart = chart_open(
        ECMASCRIPT,
        "<state id='a'><invoke id='v' srcexpr='nobody.x'/><invoke id='w' namelist='nobody'/>"
        "<invoke id='k'><param name='p' expr='nobody.x'/></invoke>" LISTEN "</state>");
    CHECK_TEXT(chart_said(chart), "invoke k type  src \n" FAILED FAILED FAILED);
    chart_close(chart);
}

static void post_from(struct chart *chart, const char *name, const char *invoke_id)
{
    const struct scxml_event event = { .name = text_of(name),
                                       .type = SCXML_EXTERNAL,
                                       .invoke_id = text_of(invoke_id),
                                       .data = { SCXML_DATA_JSON, TEXT("5") } };
    CHECK_OK(scxml_post(chart->session, &event));
}

#define INVOKER                                                                                    \
    "<datamodel>" DATA(                                                                            \
        "n", "0") "</datamodel>"                                                                   \
                  "<state id='a'><invoke id='v'><finalize><assign location='n' "                   \
                  "expr='_event.data'/></finalize>"                                                \
                  "</invoke><invoke id='w' autoforward='true'><finalize><assign location='n' "     \
                  "expr='-1'/>"                                                                    \
                  "</finalize></invoke>"                                                           \
                  "<transition event='go' target='b'/><transition event='*' cond='n == 5'>"        \
                  "<log label='five'/></transition></state><state id='b'>" LISTEN "</state>"

TEST(finalize_runs_before_the_event_is_looked_at)
{
    struct chart *chart = chart_open(ECMASCRIPT, INVOKER);
    (void)chart_said(chart);
    post_from(chart, "e", "v");
    chart_run(chart);
    CHECK_TEXT(chart_said(chart), "forward e to w\nlog five\n");
    post_from(chart, "f", "w");
    chart_run(chart);
    CHECK_TEXT(chart_said(chart), "forward f to w\n");
    chart_event(chart, "g"); /* of nobody: forwarded, no finalize */
    CHECK_TEXT(chart_said(chart), "forward g to w\n");
    chart_close(chart);
}

TEST(what_an_invocation_sent_before_its_end_still_counts) /* W3C test 236 */
{
    struct chart *chart = chart_open(ECMASCRIPT, INVOKER);
    (void)chart_said(chart);
    CHECK_OK(chart_post(chart, "go"));
    post_from(chart, "early", "v"); /* waits in the queue while its invocation ends */
    chart_run(chart);
    CHECK_TEXT(chart_said(chart),
               "forward go to w\nuninvoke v\nuninvoke w\nlog got early external 5\n");
    chart_close(chart);
}

TEST(errors_of_an_effect_come_before_external_events)
{
    struct chart *chart = chart_open(ECMASCRIPT, "<state id='s'>" LISTEN "</state>");
    CHECK_OK(chart_post(chart, "e"));
    const struct scxml_event error = { .name = TEXT("error.communication"),
                                       .type = SCXML_PLATFORM,
                                       .send_id = TEXT("i") };
    CHECK_OK(scxml_post_internal(chart->session, &error));
    CHECK(scxml_is_waiting(chart->session));
    chart_run(chart);
    CHECK_TEXT(chart_said(chart),
               "log got error.communication platform id i\nlog got e external\n");
    chart_close(chart);
}

static bool reaches_nobody(void *world, const struct scxml_message *message)
{
    (*(uint32_t *)world)++;
    return text_eq(message->target, TEXT("#_parent"));
}

TEST(a_send_that_reaches_nobody_is_an_error_at_once) /* W3C test 496 */
{
    struct chart *chart = chart_load(
        ECMASCRIPT,
        "<state id='s'><onentry><send event='e' target='#_scxml_x' id='i'/>"
        "<send event='f' target='#_parent'/><raise event='after'/></onentry>" LISTEN "</state>");
    uint32_t asked = 0;
    chart_begin(chart);
    struct scxml_effects effects = scxml_effects_in(chart->effects);
    effects.can_reach = reaches_nobody;
    effects.world = &asked;
    CHECK_I64(scxml_step(chart->session, 0, &effects), SCXML_STEPPED);
    CHECK_U32(asked, 2);
    const struct scxml_effect *ours = effects.first, *sent = ours->next, *got = sent->next;
    CHECK(ours->kind == SCXML_DO_LOG && ours->log.is_ours);
    CHECK_I64(sent->kind, SCXML_DO_SEND);
    CHECK_TEXT(got->log.words, "error.communication platform id i");
    CHECK_TEXT(got->next->log.words, "after internal");
    chart_close(chart);
}

/* --- modules ---------------------------------------------------------------------------------- */

TEST(a_module_is_asked_with_everything_evaluated) /* orchestration 6 */
{
    CHECK_SAID(DATA("r", "null") DATA("g", "'Sales'"),
               "<queue:submit requestid='r' timeout='2 * 5' route='false'>"
               "<queue:targets type='agentgroup'><queue:target name='g'/></queue:targets>"
               "</queue:submit>" LOG("r"),
               "module queue:submit timeout=10 route=false id=S.1 ( queue:targets type=agentgroup"
               " ( queue:target name=\"Sales\" ) )\nlog  S.1\nlog end\n");
    CHECK_SAID("", "<queue:submit timeout='nobody.x'/>", FAILED);
}

/* --- log -------------------------------------------------------------------------------------- */

TEST(our_own_words_say_where_an_error_is)
{
    struct chart *chart =
        chart_open(ECMASCRIPT, "<state id='s'><onentry>\n<log expr='nobody.x'/></onentry></state>");
    struct text ours = buf_text(&chart->ours);
    CHECK(text_starts(ours, TEXT("log error.execution ")));
    CHECK(text_ends(ours, TEXT(" at line 3\n")));
    chart_close(chart);
}
