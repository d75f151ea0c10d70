/* SPDX-License-Identifier: Apache-2.0 */
/* XML in scripts (orchestration 3.3, 3.6: tests 557 and 561). */
#include "tests/unit/scxml/script.h"
#include "tests/unit/test.h"

static struct scripts scripts;
static struct scxml_variables *one;

#define VALUE(source, wanted) CHECK_TEXT(text_of(scripts_value(&scripts, one, source)), wanted)

static void begin(const char *xml)
{
    scripts_begin(&scripts, NULL);
    one = scripts_open(&scripts);
    struct scxml_payload body = { SCXML_DATA_BODY, text_of(xml) };
    CHECK_I64(scxml_ecmascript.set(one, TEXT("d"), &body, &scripts.fault), SCXML_DONE);
}

static void end(void)
{
    scripts_close(one);
    scripts_end(&scripts);
}

TEST(elements_attributes_and_texts_are_found)
{
    begin(" <books xmlns='' n:x='1' xmlns:n='urn:n'>\n<book title='t1'>one</book>"
          "<n:book title='t2'>two<i>!</i></n:book></books> ");
    VALUE("d.getElementsByTagName('book')[0].getAttribute('title')", "\"t1\"");
    VALUE("d.getElementsByTagName('n:book').length", "1");
    VALUE("d.getElementsByTagNameNS('urn:n', 'book')[0].textContent", "\"two!\"");
    VALUE("d.getElementsByTagName('*').length", "4");
    VALUE("[d.nodeType, d.nodeName, d.documentElement.tagName, d.documentElement.parentNode === d]",
          "[9,\"#document\",\"books\",true]");
    VALUE("(function (r) { return [r.firstChild.nodeType, r.firstChild.nodeValue, "
          "r.childNodes.length,"
          "r.childNodes[1].nextSibling.localName, r.lastChild.prefix, "
          "r.lastChild.previousSibling.nodeName] })"
          "(d.documentElement)",
          "[3,\"\\n\",3,\"book\",\"n\",\"book\"]");
    VALUE("[d.documentElement.getAttribute('no'), d.documentElement.hasAttribute('n:x')]",
          "[null,true]");
    VALUE("d.documentElement.attributes.length", "3");
    end();
}

TEST(a_node_leaves_the_session_as_xml_and_not_inside_json)
{
    begin("<a b='&lt;&amp;&quot;'>x &lt; y<c/></a>");
    VALUE("d", "<a b=\"&lt;&amp;&quot;\">x &lt; y<c/></a>");
    VALUE("d.documentElement.lastChild", "<c/>");
    VALUE("{ node: d, n: 1 }", "{\"n\":1}");
    VALUE("String(d.documentElement)", "\"[object a]\"");
    end();
}

TEST(what_is_no_xml_is_a_string)
{
    begin("< no xml");
    VALUE("d", "\"< no xml\"");
    end();
    begin("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>");
    VALUE("typeof d", "\"string\"");
    end();
}

TEST(what_a_script_makes_of_a_node_breaks_nothing)
{
    begin("<a><b/></a>");
    CHECK_I64(scripts_run(&scripts, one, "d.documentElement.childNodes.push(d.documentElement)"),
              SCXML_DONE);
    VALUE("d", "! RangeError: XML is too deep");
    CHECK_I64(scripts_run(&scripts, one, "d.childNodes = [{ localName: 3 }]"), SCXML_DONE);
    CHECK(text_starts(text_of(scripts_value(&scripts, one, "d")), TEXT("! TypeError")));
    CHECK_I64(scripts_run(&scripts, one, "d.childNodes = []"), SCXML_DONE);
    CHECK(text_starts(text_of(scripts_value(&scripts, one, "d")), TEXT("! TypeError")));
    end();
}

TEST(a_node_that_stands_in_many_places_is_bounded)
{
    static const char *const bombs[] = {
        "var t = d.documentElement.firstChild, x = 'x'; while (x.length < 1e5) x += x; t.nodeValue "
        "= x;"
        "for (var i = 0; i < 2000; i++) d.documentElement.childNodes.push(t)",
        "var a = d.documentElement.attributes[0], x = '&'; while (x.length < 1e6) x += x; a.value "
        "= x;"
        "for (var i = 0; i < 500; i++) d.documentElement.attributes.push(a)",
        "var n = d.documentElement;"
        "for (var i = 0; i < 60; i++) {"
        "  var c = Object.create(Object.getPrototypeOf(n)); c.nodeType = 1; c.localName = 'c';"
        "  c.attributes = []; c.childNodes = []; n.childNodes = [c, c]; n = c }",
    };
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        begin("<a b='c'>text</a>");
        CHECK_I64(scripts_run(&scripts, one, bombs[i]), SCXML_DONE);
        CHECK(scripts_value(&scripts, one, "d")[0] == '!'); /* too large, or too slow */
        CHECK(scxml_ecmascript.bytes(scripts.evaluator) < 16 * 1024 * 1024);
        end();
    }
}
