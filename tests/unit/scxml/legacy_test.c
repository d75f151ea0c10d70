/* SPDX-License-Identifier: Apache-2.0 */
/* The dialect of product documents (orchestration 5), and the actions of modules (6). */
#include "scxml/load.h"
#include "tests/unit/scxml/loading.h"
#include "tests/unit/test.h"

#define OLD "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' profile='ecmascript'>"
#define END "</scxml>"

static const struct scxml_document *load(struct loading *loading, const char *source)
{
    const struct scxml_document *document = loading_whole(loading, text_of(source));
    loading_check_findings(loading, "");
    return document;
}

TEST(a_profile_without_a_data_model_turns_the_dialect_on)
{
    struct loading loading = { 0 };
    const struct scxml_document *document = load(&loading, OLD "<state/>" END);
    CHECK(document->is_legacy && document->is_ecmascript);
    uint64_t hash = document->hash;
    document = load(&loading, "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' "
                              "_dialect='ors' datamodel='ecmascript'><state/></scxml>");
    CHECK(document->is_legacy);
    loading.dialect = SCXML_DIALECT_STANDARD;
    document = loading_whole(&loading, TEXT(OLD "<state/>" END));
    CHECK(!document->is_legacy && document->is_ecmascript && document->hash != hash);
    loading.dialect = SCXML_DIALECT_LEGACY;
    document = load(&loading, "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'>"
                              "<state/></scxml>");
    CHECK(document->is_legacy && document->is_ecmascript);
    loading.dialect = SCXML_DIALECT_AUTO;
    document =
        loading_whole(&loading, TEXT("<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' "
                                     "profile='ecmascript' datamodel='null'><state/></scxml>"));
    CHECK(!document->is_legacy && !document->is_ecmascript);
    loading_end(&loading);
}

static const char *const send_body = "<state><onentry><send event=\"'t'\" delay=\"'1s'\" "
                                     "target='a.b' type=\"'scxml'\"/></onentry></state>";

TEST(scenario_O15_the_attributes_of_a_send_are_expressions)
{
    struct loading loading = { .dialect = SCXML_DIALECT_LEGACY };
    const struct scxml_document *document = loading_body(&loading, send_body);
    const struct scxml_send *send = document->states[1].onentry->actions->send;
    CHECK_TEXT(loading_source(document, send->event_expr), "'t'");
    CHECK_TEXT(loading_source(document, send->delay_expr), "'1s'");
    CHECK_TEXT(loading_source(document, send->target_expr), "a.b");
    CHECK_TEXT(loading_source(document, send->type_expr), "'scxml'");
    CHECK(send->event.len == 0 && send->target.len == 0 && send->delay_ms == 0);
    loading_end(&loading);
}

TEST(scenario_O15_without_the_dialect_the_event_is_the_text_with_quotes)
{
    struct loading loading = { 0 };
    loading_check(&loading, send_body,
                  "2:35: error: delay ''1s'' is no time such as '500ms' or '1.5s'");
    const struct scxml_document *document =
        loading_body(&loading, "<state><onentry><send event=\"'t'\"/></onentry></state>");
    CHECK_TEXT(document->states[1].onentry->actions->send->event, "'t'");
    loading_end(&loading);
}

TEST(the_dialect_has_attributes_of_its_own)
{
    struct loading loading = { 0 };
    const struct scxml_document *document = load(
        &loading,
        "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' profile='ecmascript' "
        "_persist='false'><datamodel><data id='a' _type='parameter' _desc='the caller' expr='1'/>"
        "<data id='b'/></datamodel><initial><transition target='s'/></initial><state id='r'/>"
        "<state id='s'><onentry><log expr='x' level='2'/><log expr='x'/><send event='e'>"
        "<content _expr='body'/></send></onentry></state></scxml>");
    const struct scxml_data_item *item = document->states[0].data;
    CHECK(item->is_parameter && !item->next->is_parameter);
    CHECK_TEXT(item->description, "the caller");
    CHECK_TEXT(document->states[document->states[0].initial->targets[0]].id, "s");
    const struct scxml_action *action = loading_state(document, "s")->onentry->actions;
    CHECK_U32(action->log.level, 2);
    CHECK_U32(action->next->log.level, 0);
    const struct scxml_content *content = action->next->next->send->cargo.content;
    CHECK_TEXT(loading_source(document, content->expr), "body");
    CHECK(content->body.kind == SCXML_DATA_NONE);
    loading_check(&loading, OLD "<state><onentry><log level='4'/></onentry></state>" END,
                  "1:104: error: level is 1 (trace), 2 (interaction) or 3 (standard), not '4'");
    loading_end(&loading);
}

TEST(outside_the_dialect_they_are_unknown)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  "<datamodel><data id='a' _type='parameter'/></datamodel>\n"
                  "<initial><transition target='s'/></initial><state id='s'><onentry>\n"
                  "<log level='2'/><raise event='e'><param name='p' expr='1'/></raise>"
                  "</onentry></state>",
                  "2:25: warning: <data> has no attribute '_type'\n"
                  "3:1: error: <initial> may not stand in <scxml>\n"
                  "4:6: warning: <log> has no attribute 'level'\n"
                  "4:34: error: <param> may not stand in <raise>");
    loading_end(&loading);
}

TEST(a_raise_with_pairs_goes_to_the_internal_queue)
{
    struct loading loading = { 0 };
    const struct scxml_document *document =
        load(&loading, OLD "<state><onentry><raise event='e'><param name='p' expr='1'/></raise>"
                           "<raise event='f'/></onentry></state>" END);
    const struct scxml_action *action = document->states[1].onentry->actions;
    CHECK(action->kind == SCXML_SEND);
    CHECK_TEXT(action->send->event, "e");
    CHECK_TEXT(action->send->target, "#_internal");
    CHECK(action->send->event_expr == SCXML_NONE && action->send->delay_expr == SCXML_NONE);
    CHECK_TEXT(action->send->cargo.params->name, "p");
    CHECK(action->next->kind == SCXML_RAISE);
    loading_end(&loading);
}

TEST(an_anchor_is_not_supported)
{
    struct loading loading = { 0 };
    loading_check(&loading, OLD "<state><anchor/></state>" END,
                  "1:90: error: SCXML has no element <anchor>");
    loading_end(&loading);
}

/* --- modules ---------------------------------------------------------------------------------- */

#define MODULES                                                                                    \
    "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' datamodel='ecmascript' "         \
    "xmlns:queue='www.genesyslab.com/modules/queue' "                                              \
    "xmlns:ixn='http://www.genesyslab.com/modules/interaction' "                                   \
    "xmlns:dialog='http://www.genesyslab.com/modules/dialog' "                                     \
    "xmlns:session='http://www.genesyslab.com/modules/session' "                                   \
    "xmlns:ws='http://www.genesyslab.com/modules/ws' "                                             \
    "xmlns:statistic='http://www.genesyslab.com/modules/statistic'><state><onentry>\n"

static const struct scxml_module_attribute *attribute(const struct scxml_module_element *element,
                                                      const char *name)
{
    const struct scxml_module_attribute *at = element->attributes;
    while (at && !text_eq(at->name, text_of(name))) at = at->next;
    CHECK(at);
    return at;
}

TEST(the_queue_submit_of_the_specification_is_an_action) /* orchestration 6.1 */
{
    struct loading loading = { 0 };
    const struct scxml_document *document =
        load(&loading,
             MODULES "<queue:submit route=\"false\" requestid=\"App['id']\" "
                     "timeout=\"_data.queueSubmitTimeout\"><queue:targets type=\"agentgroup\">"
                     "<queue:target name=\"_data.defaultAgentGroup\"/><queue:targetid expr='t'/>"
                     "</queue:targets><dialog:runtreatments><dialog:playsound type=\"'music'\"/>"
                     "</dialog:runtreatments></queue:submit></onentry></state></scxml>");
    const struct scxml_action *action = document->states[1].onentry->actions;
    CHECK(action->kind == SCXML_MODULE && action->next == NULL);
    const struct scxml_module_element *submit = action->module;
    CHECK_TEXT(submit->module, "queue");
    CHECK_TEXT(submit->name, "submit");
    CHECK_TEXT(attribute(submit, "route")->literal, "false");
    CHECK(attribute(submit, "route")->expr == SCXML_NONE);
    CHECK_TEXT(loading_source(document, attribute(submit, "timeout")->expr),
               "_data.queueSubmitTimeout");
    CHECK_TEXT(loading_source(document, submit->request_id), "App['id']");
    CHECK(document->expressions[submit->request_id].kind == SCXML_LOCATION);
    const struct scxml_module_element *targets = submit->children, *sounds = targets->next;
    CHECK_TEXT(targets->name, "targets");
    CHECK_TEXT(attribute(targets, "type")->literal, "agentgroup");
    CHECK_TEXT(targets->children->name, "target");
    CHECK_TEXT(targets->children->next->name, "targetid");
    CHECK_TEXT(sounds->module, "dialog");
    CHECK_TEXT(sounds->children->name, "playsound");
    loading_end(&loading);
}

TEST(actions_carry_pairs_or_content_and_may_name_a_request)
{
    struct loading loading = { 0 };
    const struct scxml_document *document =
        load(&loading, MODULES
             "<session:fetch srcexpr=\"'u'\" requestid='r'><param name='a' expr='1'/>"
             "</session:fetch><ws:response requestid='_event.data.requestid' resultcode='201'>"
             "<content>{}</content></ws:response><ixn:terminate interactionid='i'/>"
             "<statistic:anything x='1'/></onentry></state></scxml>");
    const struct scxml_action *action = document->states[1].onentry->actions;
    CHECK_TEXT(action->module->cargo.params->name, "a");
    CHECK(action->module->request_id != SCXML_NONE);
    action = action->next;
    CHECK_TEXT(action->module->cargo.content->body.text, "{}");
    CHECK(action->module->request_id == SCXML_NONE);
    CHECK(document->expressions[attribute(action->module, "requestid")->expr].kind == SCXML_VALUE);
    action = action->next;
    CHECK_TEXT(action->module->module, "interaction");
    CHECK(action->module->request_id == SCXML_NONE);
    CHECK_TEXT(action->next->module->module, "statistic");
    loading_end(&loading);
}

TEST(what_a_module_does_not_know_is_an_error)
{
    struct loading loading = { 0 };
    loading_check(&loading,
                  MODULES "<queue:submitt/>\n<queue:targets/>\n<queue:submit><queue:query/>"
                          "<log/><queue:targets><queue:target/></queue:targets></queue:submit>\n"
                          "<ixn:terminate/><x xmlns='www.genesyslab.com/modules/nothing'/>"
                          "</onentry></state></scxml>",
                  "2:1: error: module queue has no action <submitt>; did you mean 'submit'?\n"
                  "3:1: error: <targets> stands in <submit> only\n"
                  "4:15: error: <query> may not stand in <submit>: actions are not nested\n"
                  "4:29: error: <log> may not stand in <submit>\n"
                  "5:17: error: <x> is of namespace 'www.genesyslab.com/modules/nothing', which is "
                  "no module of actions");
    loading_end(&loading);
}
