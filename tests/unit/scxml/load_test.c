/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/load.h"
#include "tests/unit/scxml/loading.h"
#include "tests/unit/test.h"

#include <string.h>

/* --- what becomes of a document --------------------------------------------------------------- */

TEST(states_lie_in_document_order_and_subtrees_are_ranges)
{
    struct loading loading = { 0 };
    const struct scxml_document *document = loading_body(
        &loading, "<state id='a'><state id='b'/><parallel id='c'><state id='d'/><history "
                  "id='h' type='deep'><transition target='d'/></history></parallel></state>"
                  "<final id='e'/>");
    static const struct {
        const char *id;
        enum scxml_state_kind kind;
        uint32_t parent, end, depth;
    } wanted[] = { { "", SCXML_COMPOUND, SCXML_NONE, 7, 0 },
                   { "a", SCXML_COMPOUND, 0, 6, 1 },
                   { "b", SCXML_ATOMIC, 1, 3, 2 },
                   { "c", SCXML_PARALLEL, 1, 6, 2 },
                   { "d", SCXML_ATOMIC, 3, 5, 3 },
                   { "h", SCXML_HISTORY_DEEP, 3, 6, 3 },
                   { "e", SCXML_FINAL, 0, 7, 1 } };
    CHECK(document);
    CHECK_U32(document->state_count, 7);
    CHECK_U32(document->history_count, 1);
    for (uint32_t i = 0; i < 7; i++) {
        const struct scxml_state *is = &document->states[i];
        CHECK_TEXT(is->id, wanted[i].id);
        CHECK_U32(is->index, i);
        CHECK(is->kind == wanted[i].kind);
        CHECK_U32(is->parent, wanted[i].parent);
        CHECK_U32(is->end, wanted[i].end);
        CHECK_U32(is->depth, wanted[i].depth);
    }
    CHECK_U32(document->states[5].history_index, 0);
    CHECK_U32(document->states[1].place.line, 2);
    CHECK_U32(document->states[1].place.column, 1);
    loading_end(&loading);
}

TEST(a_state_without_an_id_gets_one_that_nobody_has)
{
    struct loading loading = { 0 };
    const struct scxml_document *document =
        loading_body(&loading, "<state><state/></state><state id='_s1'/>");
    CHECK_TEXT(document->states[1].id, "_s1_");
    CHECK_TEXT(document->states[2].id, "_s2");
    CHECK_U32(scxml_find_state(document, TEXT("_s1_")), 1);
    CHECK_U32(scxml_find_state(document, TEXT("_s1")), 3);
    CHECK_U32(scxml_find_state(document, TEXT("nobody")), SCXML_NONE);
    loading_end(&loading);
}

static uint32_t default_of(const struct scxml_document *document, uint32_t state)
{
    CHECK_U32(document->states[state].initial->target_count, 1);
    CHECK_U32(document->states[state].initial->index, SCXML_NONE);
    CHECK_U32(document->states[state].initial->source, state);
    return document->states[state].initial->targets[0];
}

TEST(a_compound_state_is_entered_as_it_says_or_by_its_first_child) /* W3C tests 364, 412, 413 */
{
    struct loading loading = { 0 };
    const struct scxml_document *document = loading_body(
        &loading, "<state id='s1' initial='s3'><state id='s2'/><state id='s3'/></state>"
                  "<state id='s4'><history id='h'><transition target='s5'/></history>"
                  "<state id='s5'/><state id='s6'/></state>"
                  "<state id='s7'><initial><transition target='s9'><log label='in'/></transition>"
                  "</initial><state id='s8'><state id='s9'/></state></state>");
    CHECK_U32(default_of(document, 0), 1);
    CHECK_TEXT(document->states[default_of(document, 1)].id, "s3");
    CHECK_TEXT(document->states[default_of(document, 4)].id, "s5");
    const struct scxml_state *s7 = loading_state(document, "s7");
    CHECK_TEXT(document->states[default_of(document, s7->index)].id, "s9");
    CHECK(s7->initial->actions->kind == SCXML_LOG);
    const struct scxml_state *history = loading_state(document, "h");
    CHECK_TEXT(document->states[history->initial->targets[0]].id, "s5");
    CHECK(loading_state(document, "s5")->initial == NULL);
    loading_end(&loading);
}

TEST(transitions_of_a_state_are_a_run_with_cleaned_descriptors)
{
    struct loading loading = { 0 };
    const struct scxml_document *document = loading_body(
        &loading, "<state id='a'><transition event=' foo.* bar.  * '/><state id='b'>"
                  "<transition cond='x' target='a'/></state>\n"
                  "<transition event='e' type='internal' target='b'><raise event='f'/></transition>"
                  "</state>");
    const struct scxml_state *a = loading_state(document, "a");
    CHECK_U32(document->transition_count, 3);
    CHECK_U32(a->transition_count, 2);
    CHECK(a->transitions == document->transitions);
    const struct scxml_transition *first = &a->transitions[0], *second = &a->transitions[1];
    CHECK_U32(first->descriptor_count, 3);
    CHECK_TEXT(first->descriptors[0], "foo");
    CHECK_TEXT(first->descriptors[1], "bar");
    CHECK_TEXT(first->descriptors[2], "*");
    CHECK(first->cond == SCXML_NONE && first->target_count == 0 && !first->is_internal);
    CHECK(second->is_internal && second->index == 1 && second->source == a->index);
    CHECK_TEXT(second->actions->event, "f");
    CHECK_U32(second->place.line, 3);
    const struct scxml_transition *last = loading_state(document, "b")->transitions;
    CHECK_TEXT(loading_source(document, last->cond), "x");
    CHECK(document->expressions[last->cond].kind == SCXML_CONDITION);
    CHECK_U32(document->expressions[last->cond].place.column, 78);
    loading_end(&loading);
}

TEST(executable_content_keeps_its_order_and_nesting)
{
    struct loading loading = { 0 };
    const struct scxml_document *document = loading_body(
        &loading,
        "<state><onentry><if cond='a'><log label='1' expr='x'/><elseif cond='b'/><raise event='2'/>"
        "<assign location='l' expr='v'/><else/><cancel sendid='3'/></if>"
        "<foreach array='list' item='i' index='n'><script> s() </script></foreach></onentry>"
        "<onentry><cancel sendidexpr='id'/></onentry></state>");
    const struct scxml_block *block = document->states[1].onentry;
    const struct scxml_action *action = block->actions;
    CHECK(action->kind == SCXML_IF);
    const struct scxml_branch *branch = action->branches;
    CHECK_TEXT(loading_source(document, branch->cond), "a");
    CHECK(branch->actions->kind == SCXML_LOG && branch->actions->next == NULL);
    CHECK_TEXT(branch->actions->log.label, "1");
    branch = branch->next;
    CHECK_TEXT(loading_source(document, branch->cond), "b");
    CHECK_TEXT(branch->actions->event, "2");
    CHECK_TEXT(loading_source(document, branch->actions->next->assign.location), "l");
    branch = branch->next;
    CHECK(branch->cond == SCXML_NONE && branch->next == NULL);
    CHECK_TEXT(branch->actions->cancel.send_id, "3");
    action = action->next;
    CHECK(action->kind == SCXML_FOREACH && action->next == NULL);
    CHECK_TEXT(action->foreach.item, "i");
    CHECK_TEXT(action->foreach.index, "n");
    CHECK_TEXT(loading_source(document, action->foreach.array), "list");
    CHECK_TEXT(loading_source(document, action->foreach.actions->script), " s() ");
    CHECK(block->next->actions->kind == SCXML_CANCEL && block->next->next == NULL);
    loading_end(&loading);
}

TEST(a_send_carries_pairs_or_content)
{
    struct loading loading = { 0 };
    const struct scxml_document *document = loading_body(
        &loading,
        "<state><onexit><send event='e' target='#_parent' id='i' delay='1.5s' namelist='a b'>"
        "<param name='c' expr='1'/><param name='d' location='x.y'/></send>"
        "<send eventexpr='n' idlocation='l' delayexpr='t' typeexpr='y' targetexpr='z'>"
        "<content>{ \"a\": 1 }</content></send></onexit></state>");
    const struct scxml_action *action = document->states[1].onexit->actions;
    const struct scxml_send *send = action->send;
    CHECK_TEXT(send->event, "e");
    CHECK_TEXT(send->target, "#_parent");
    CHECK_TEXT(send->id, "i");
    CHECK_I64(send->delay_ms, 1500);
    CHECK(send->event_expr == SCXML_NONE && send->delay_expr == SCXML_NONE);
    static const char *const names[] = { "a", "b", "c", "d" }, *const sources[] = { "a", "b", "1",
                                                                                    "x.y" };
    const struct scxml_param *param = send->cargo.params;
    for (int i = 0; i < 4; i++, param = param->next) {
        CHECK_TEXT(param->name, names[i]);
        CHECK_TEXT(loading_source(document, param->expr), sources[i]);
        CHECK(param->is_of_namelist == (i < 2));
        CHECK((document->expressions[param->expr].kind == SCXML_LOCATION) == (i != 2));
    }
    send = action->next->send;
    CHECK_TEXT(loading_source(document, send->event_expr), "n");
    CHECK_TEXT(loading_source(document, send->delay_expr), "t");
    CHECK_TEXT(loading_source(document, send->type_expr), "y");
    CHECK_TEXT(loading_source(document, send->target_expr), "z");
    CHECK(send->cargo.content->body.kind == SCXML_DATA_BODY);
    CHECK_TEXT(send->cargo.content->body.text, "{ \"a\": 1 }");
    loading_end(&loading);
}

TEST(an_inline_document_of_an_invoke_stands_alone)
{
    struct loading loading = { 0 }, child = { 0 };
    const struct scxml_document *document = loading_body(
        &loading, "<state id='s'><invoke id='i' autoforward='true' namelist='a'><content>\n"
                  "  <scxml version='1.0'><final id='inside'/></scxml>\n</content>"
                  "<finalize/></invoke><invoke src='x.scxml' type='scxml'/></state>");
    const struct scxml_invoke *invoke = document->states[1].invokes;
    CHECK(invoke->is_autoforward && invoke->finalize && invoke->finalize->actions == NULL);
    CHECK_U32(invoke->state, 1);
    CHECK_U32(invoke->index, 0);
    CHECK_U32(document->invoke_count, 2);
    CHECK(document->invokes[1] == invoke->next);
    CHECK_TEXT(invoke->next->src, "x.scxml");
    CHECK(invoke->next->finalize == NULL);
    CHECK(invoke->cargo.content->body.kind == SCXML_DATA_XML);
    const struct scxml_document *inner = loading_whole(&child, invoke->cargo.content->body.text);
    CHECK_TEXT(inner->states[1].id, "inside");
    loading_end(&child);
    loading_end(&loading);
}

TEST(data_have_their_value_from_an_expression_a_body_or_a_file)
{
    static const struct loading_file files[] = { { "list.json", "[1, 2]" }, { 0 } };
    struct loading loading = { .files = files };
    const struct scxml_document *document = loading_body(
        &loading, "<datamodel><data id='a'/><data id='b' expr='1'/><data id='c'>[1]</data>"
                  "<data id='d'><x xmlns=''><y/></x></data><data id='e' src='file:list.json'/>"
                  "<data id='f' src='nowhere'/><data id='g'>t<b/></data></datamodel>"
                  "<state><datamodel><data id='h'/></datamodel></state>");
    const struct scxml_data_item *item = document->states[0].data;
    CHECK(item->body.kind == SCXML_DATA_NONE && item->expr == SCXML_NONE);
    item = item->next;
    CHECK_TEXT(loading_source(document, item->expr), "1");
    item = item->next;
    CHECK(item->body.kind == SCXML_DATA_BODY);
    CHECK_TEXT(item->body.text, "[1]");
    item = item->next;
    CHECK(item->body.kind == SCXML_DATA_XML);
    CHECK_TEXT(item->body.text, "<x xmlns=\"\"><y/></x>");
    item = item->next;
    CHECK_TEXT(item->body.text, "[1, 2]");
    CHECK(!item->is_missing);
    item = item->next;
    CHECK(item->is_missing && item->body.kind == SCXML_DATA_NONE);
    item = item->next;
    CHECK(item->body.kind == SCXML_DATA_BODY && item->next == NULL);
    CHECK_TEXT(document->states[1].data->id, "h");
    loading_check_findings(&loading,
                           "2:147: warning: data f: 'nowhere' cannot be fetched: there is no "
                           "'nowhere'");
    loading_end(&loading);
}

TEST(scripts_come_from_the_document_or_a_file)
{
    static const struct loading_file files[] = { { "lib/a.js", "var a = 1;" }, { 0 } };
    struct loading loading = { .files = files };
    const struct scxml_document *document =
        loading_body(&loading, "<script src='lib/a.js'/><script>\n  var b;</script><state/>");
    CHECK_U32(document->script_count, 2);
    const struct scxml_expression *first = &document->expressions[document->scripts[0]];
    CHECK_TEXT(first->source, "var a = 1;");
    CHECK(first->kind == SCXML_SCRIPT && first->place.file == 1 && first->place.line == 1);
    CHECK_TEXT(document->files[1], "lib/a.js");
    const struct scxml_expression *second = &document->expressions[document->scripts[1]];
    CHECK_TEXT(second->source, "\n  var b;");
    CHECK(second->place.file == 0 && second->place.line == 2 && second->place.column == 33);
    uint64_t hash = document->hash;

    static const struct loading_file others[] = { { "lib/a.js", "var a = 2;" }, { 0 } };
    loading.files = others;
    document =
        loading_body(&loading, "<script src='lib/a.js'/><script>\n  var b;</script><state/>");
    CHECK(document->hash != hash); /* a session saved with the one does not fit the other */
    loading_end(&loading);
}

TEST(a_document_whose_script_cannot_be_fetched_is_refused) /* W3C test 301 */
{
    struct loading loading = { 0 };
    loading_check(&loading, "<script src='D:\\foo'/><state/>",
                  "2:9: error: script 'D:\\foo' cannot be fetched: there is no 'D:\\foo'");
    loading_end(&loading);
}

TEST(the_root_says_name_data_model_and_binding)
{
    struct loading loading = { 0 };
    const struct scxml_document *document = loading_whole(
        &loading, TEXT("<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' name='n' "
                       "binding='late' datamodel='ecmascript'><state/></scxml>"));
    CHECK_TEXT(document->name, "n");
    CHECK(document->is_ecmascript && document->is_late_binding && !document->is_legacy);
    document = loading_whole(
        &loading, TEXT("<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'><state/>"
                       "</scxml>"));
    CHECK(!document->is_ecmascript && !document->is_late_binding);
    loading_end(&loading);
}

/* --- what is refused, and what is said of it -------------------------------------------------- */

TEST(all_errors_are_reported_in_one_run)
{
    struct loading loading = { 0 };
    loading_check(
        &loading,
        "<state id='waiting'>\n"
        "  <transition event='go' target='waitng'/>\n"
        "  <transition/>\n"
        "  <onentry><send event='a' eventexpr='b'/><raise/></onentry>\n"
        "</state>\n"
        "<state id='waiting'/>\n"
        "<stat/>",
        "3:26: error: state waiting: target 'waitng' is no state; did you mean 'waiting'?\n"
        "4:3: error: state waiting: a transition needs an event, a cond or a target\n"
        "5:28: error: <send> has 'event' and 'eventexpr': one excludes the other\n"
        "5:43: error: <raise> lacks its attribute 'event'\n"
        "7:8: error: id 'waiting' is taken by doc.scxml, line 2\n"
        "8:1: error: SCXML has no element <stat>; did you mean 'state'?");
    loading_end(&loading);
}

TEST(the_root_must_be_scxml_of_its_namespace)
{
    struct loading loading = { 0 };
    loading_check(&loading, "<scxml version='1.0'><state/></scxml>",
                  "1:1: error: <scxml> lacks its namespace: "
                  "xmlns=\"http://www.w3.org/2005/07/scxml\"");
    loading_check(&loading, "<?xml version='1.0'?><state xmlns='http://www.w3.org/2005/07/scxml'/>",
                  "1:22: error: the document is a <state>, not an <scxml>");
    loading_check(&loading,
                  "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.1' "
                  "datamodel='xpath' binding='soon'/>",
                  "1:1: error: <scxml> has no states\n"
                  "1:48: error: version '1.1' is not known: 1.0 is\n"
                  "1:62: error: data model 'xpath' is not known: ecmascript and null are\n"
                  "1:80: error: binding is early or late, not 'soon'");
    loading_check(&loading, "<scxml>\n  <state>\n</scxml>",
                  "3:9: error: Opening and ending tag mismatch: state line 2 and scxml");
    loading_end(&loading);
}

TEST(elements_stand_where_the_recommendation_lets_them)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<raise event='a'/>\n"
                  "<state>text<datamodel/><datamodel/><initial><transition target='x'/></initial>\n"
                  "<state id='x'/><final><state/><transition event='e'/></final></state>\n"
                  "<parallel initial='x'><final/></parallel>",
                  "2:1: error: <raise> may not stand in <scxml>\n"
                  "3:8: warning: text in <state> means nothing\n"
                  "3:24: error: a second <datamodel> in one <state>\n"
                  "4:23: error: <state> may not stand in <final>\n"
                  "4:31: error: <transition> may not stand in <final>\n"
                  "5:1: error: parallel: only a state with states in it has an initial one\n"
                  "5:11: warning: <parallel> has no attribute 'initial'\n"
                  "5:23: error: <final> may not stand in <parallel>");
    loading_check(&loading,
                  "<state><onentry><if cond='a'><else/><elseif cond='b'/><else/></if>\n"
                  "<log><raise event='x'/></log></onentry>\n"
                  "<invoke src='x'><finalize><send event='x'/></finalize></invoke></state>",
                  "2:37: error: <elseif> behind <else>\n"
                  "2:55: error: a second <else> in one <if>\n"
                  "3:6: error: <raise> may not stand in <log>\n"
                  "4:27: error: <send> may not stand in <finalize>");
    loading_end(&loading);
}

TEST(unknown_attributes_are_warnings_and_those_of_namespaces_are_not_looked_at)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<state id='s' initail='t' xmlns:q='urn:q' q:x='1'>"
                  "<state id='t'/></state>",
                  "2:15: warning: <state> has no attribute 'initail'; did you mean 'initial'?");
    loading_end(&loading);
}

TEST(elements_of_other_namespaces_are_errors_where_they_would_be_executed)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<state xmlns:q='urn:q'><q:info/>\n"
                  "<onentry><q:act/></onentry></state>",
                  "2:24: warning: <info> of namespace 'urn:q' means nothing in <state>\n"
                  "3:10: error: <act> is of namespace 'urn:q', which is no module of actions");
    loading_end(&loading);
}

TEST(targets_must_be_states_that_can_be_active_together)
{
    struct loading loading = { 0 };
    const char *chart = "<state id='s'><transition event='e' target='%s'/></state>\n"
                        "<parallel id='p'><state id='a'><state id='a1'/><state id='a2'/></state>\n"
                        "<state id='b'><state id='b1'/></state></parallel>";
    static const struct {
        const char *targets, *findings;
    } cases[] = {
        { "a1 b1", "" },
        { "b1 a2", "" },
        { "p a1", "" },
        { "a a1", "" },
        { "a1 a1", "" },
        { "a1 a2", "2:37: error: 'a1' and 'a2' cannot be active together: they meet in no "
                   "parallel" },
        { "a2 b a1", "2:37: error: 'a1' and 'a2' cannot be active together: they meet in no "
                     "parallel" },
        { "s a1", "2:37: error: 's' and 'a1' cannot be active together: they meet in no parallel" },
        { "", "2:37: error: target is empty: leave it out, or name a state" },
        { "_s1 a3", "2:37: error: state s: target '_s1' is no state\n"
                    "2:37: error: state s: target 'a3' is no state" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf body = { 0 };
        size_t at = (size_t)(strstr(chart, "%s") - chart);
        buf_add(&body, (struct text){ chart, at });
        buf_add_z(&body, cases[i].targets);
        buf_add_z(&body, chart + at + 2);
        buf_add_byte(&body, '\0');
        loading_check(&loading, body.at, cases[i].findings);
        buf_free(&body);
    }
    loading_end(&loading);
}

TEST(defaults_lie_below_and_have_no_condition)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<state id='a' initial='b'><state id='a1'/></state>\n"
                  "<state id='b'><initial><transition event='e' target='b1'/></initial>\n"
                  "<state id='b1'/></state>\n"
                  "<state id='c' initial=''><initial/><state id='c1'/>\n"
                  "<history id='h' type='wide'><transition target='a'/></history>\n"
                  "<history id='g'/></state>",
                  "2:15: error: state a: 'b' does not lie in state a\n"
                  "3:36: error: a default transition has no 'event'\n"
                  "5:15: error: state c has an attribute and an element 'initial'\n"
                  "5:26: error: state c: <initial> needs a transition with a target\n"
                  "6:17: error: a history is shallow or deep, not 'wide'\n"
                  "6:41: error: history h: 'a' does not lie in state c\n"
                  "7:1: error: history g: <history> needs a transition with a target");
    loading_end(&loading);
}

TEST(values_out_of_range_name_the_range)
{
    struct loading loading = { 0 };
    loading_check(
        &loading,
        "<state id='a b'/><state id=''/>\n"
        "<state><transition event='' type='inner'/><onentry>\n"
        "<send event='e' delay='soon'/><send/><send event='e' target='#_internal' delay='1s'/>\n"
        "<cancel/><assign location='x'/><assign location='x' expr='1'>2</assign>\n"
        "<send event='e' namelist='a'><content/></send></onentry>\n"
        "<invoke autoforward='yes' src='a'><content/></invoke>\n"
        "<invoke srcexpr='a' namelist='a'><param name='b'/></invoke></state>",
        "2:8: error: id 'a b' has a blank in it\n"
        "2:25: error: an id is empty\n"
        "3:20: error: event is empty: leave it out, or name one\n"
        "3:29: error: a transition is internal or external, not 'inner'\n"
        "4:17: error: delay 'soon' is no time such as '500ms' or '1.5s'\n"
        "4:31: error: <send> needs 'event', 'eventexpr' or <content>\n"
        "4:38: error: a <send> to #_internal cannot be delayed\n"
        "5:1: error: <cancel> needs 'sendid' or 'sendidexpr'\n"
        "5:10: error: <assign> needs 'expr' or a value between its tags\n"
        "5:32: error: <assign> has 'expr' and a value between its tags\n"
        "6:1: error: <send> carries <content> and a namelist: one excludes the other\n"
        "7:1: error: <invoke> has 'src' and <content>: one excludes the other\n"
        "7:9: error: autoforward is true or false, not 'yes'\n"
        "8:1: error: <invoke> has 'namelist' and <param>: one excludes the other\n"
        "8:34: error: param b needs 'expr' or 'location'");
    loading_end(&loading);
}

TEST(doubtful_things_are_warnings)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<datamodel><data id='a'/></datamodel>\n"
                  "<state><datamodel><data id='a'/></datamodel><invoke/><transition cond=''/>\n"
                  "<transition event='a* b.* *'/></state><parallel/><transition event='e'/>",
                  "3:19: warning: data 'a' is one variable with that of line 2\n"
                  "3:45: warning: <invoke> has neither 'src' nor 'srcexpr' nor <content>\n"
                  "3:54: warning: cond is empty: it always holds\n"
                  "4:1: warning: event 'a*': '*' is a letter like others but alone and in '.*' at "
                  "the end\n"
                  "4:39: warning: parallel has no states in it\n"
                  "4:50: warning: a <transition> in <scxml> is no standard; it holds in all "
                  "states");
    loading_end(&loading);
}

TEST(what_an_error_names_is_cut_between_characters)
{
    struct loading loading = { 0 };
    struct buf body = { 0 };
    buf_add_z(&body, "<state><transition target='");
    for (int i = 0; i < 1000; i++) buf_add_z(&body, "\xC3\xB6");
    buf_add_z(&body, "'/></state>");
    buf_add_byte(&body, '\0');
    CHECK(loading_body(&loading, body.at) == NULL);
    CHECK(text_is_utf8(loading.findings.first->words));
    CHECK(loading.findings.first->words.len > 300);
    buf_free(&body);
    loading_end(&loading);
}

TEST(the_null_data_model_warns_of_what_it_lacks)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'>\n"
                  "<datamodel><data id='a'/></datamodel><script/>\n"
                  "<state><onentry><assign location='a' expr='1'/></onentry></state></scxml>",
                  "2:1: warning: the null data model has no data\n"
                  "2:38: warning: the null data model has no scripts\n"
                  "3:17: warning: the null data model has no <assign>");
    loading_end(&loading);
}

TEST(a_document_within_an_invoke_is_checked_as_well)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<state id='s'><invoke><content>\n"
                  "<scxml version='1.0' datamodel='ecmascript'><script src='not/asked/for.js'/>\n"
                  "<state id='s'><transition event='e' target='t'/></state></scxml>"
                  "</content></invoke></state><state id='t'/>",
                  "4:37: error: state s: target 't' is no state");
    CHECK_U32(loading.fetched, 0);
    loading_end(&loading);
}

TEST(actions_of_modules_carry_what_scxml_says)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<state xmlns:ws='www.genesyslab.com/modules/ws'><onentry>\n"
                  "<ws:response><param nam='a' expr='1'/></ws:response></onentry></state>",
                  "3:14: error: <param> lacks its attribute 'name'\n"
                  "3:21: warning: <param> has no attribute 'nam'; did you mean 'name'?");
    loading_end(&loading);
}
