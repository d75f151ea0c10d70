/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/load.h"
#include "tests/unit/scxml/loading.h"
#include "tests/unit/test.h"

#define XI  "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' "
#define DOC "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' "

static const struct loading_file files[] = {
    { "part.scxml", DOC "name='part'>\n<state id='one'><state id='inner'/></state>\n"
                        "<final id='two'/></scxml>" },
    { "dir/code.scxml", DOC "><script id='c' src='more.js'/><state id='i'><invoke "
                            "src='../child.scxml'/></state></scxml>" },
    { "dir/more.js", "more()" },
    { "lib.js", "var a = 1 < 2;\n" },
    { "latin.txt", "\xF6" },
    { "dir/a.scxml", DOC ">" XI "href='b.scxml' xpointer='b'/><state id='a'>" XI
                         "href='../dir/b.scxml' xpointer='b'/></state></scxml>" },
    { "dir/b.scxml", DOC "><state id='b'/></scxml>" },
    { "self.scxml", DOC "><state id='s'>" XI "href='self.scxml' xpointer='s'/></state></scxml>" },
    { "broken.scxml", "<scxml>\n<state></scxml>" },
    { "other.xml", "<q:x xmlns:q='urn:q'><state xmlns='http://www.w3.org/2005/07/scxml' "
                   "id='n'><onentry><raise event='e'/></onentry></state></q:x>" },
    { "machine.scxml",
      DOC "profile='ecmascript' initial='none'><final id='none'/>\n"
          "<state id='entry' initial='$$_MY_PREFIX_$$.go'>\n"
          "<state id='go'><onentry><send event=\"'go.done'\"><param name='resolveid'"
          " expr='_my_prefix'/></send></onentry>\n<transition event='done.state."
          "$$_MY_PREFIX_$$.go' cond='_event.data.resolveid == _my_prefix' "
          "target='$$_MY_PREFIX_$$.end'><script>call(_my_prefix, "
          "my._my_prefix, _my_prefixes)</script></transition></state>\n"
          "<final id='end'/></state></scxml>" },
    { "nest.scxml", DOC "><state id='outer'>" XI
                        "href='machine.scxml' resolveid='sub' xpointer='entry'/></state></scxml>" },
    { 0 }
};

static void check_ids(struct loading *loading, const char *body, const char *ids)
{
    const struct scxml_document *document = loading_body(loading, body);
    struct buf all = { 0 };
    loading_check_findings(loading, "");
    for (uint32_t i = 1; i < document->state_count; i++)
        buf_format(&all, "%s%.*s", i > 1 ? " " : "", TEXT_ARG(document->states[i].id));
    CHECK_TEXT(buf_text(&all), ids);
    buf_free(&all);
}

TEST(an_element_of_another_file_is_taken_in)
{
    struct loading loading = { .files = files };
    check_ids(&loading, "<state id='zero'/>" XI "href='part.scxml' xpointer='one'/><state id='x'/>",
              "zero one inner x");
    const struct scxml_document *document = loading.document;
    CHECK_U32(document->file_count, 2);
    CHECK_TEXT(document->files[1], "part.scxml");
    CHECK_U32(loading_state(document, "inner")->place.file, 1);
    CHECK_U32(loading_state(document, "inner")->place.line, 2);
    CHECK_U32(loading_state(document, "inner")->place.column, 17);
    CHECK_U32(loading_state(document, "x")->place.file, 0);
    check_ids(&loading, XI "href='other.xml' xpointer='n'/>", "n");
    loading_end(&loading);
}

TEST(xpointers_select_by_id_by_number_and_by_path)
{
    struct loading loading = { .files = files };
    static const struct {
        const char *xpointer, *ids;
    } cases[] = {
        { "one", "one inner" },
        { "element(/1/2)", "two" },
        { "element(/1/1/1)", "inner" },
        { "element(one/1)", "inner" },
        { "element(one)", "one inner" },
        { "xpointer(id(&quot;inner&quot;))", "inner" },
        { "xpointer(//*[@id=&quot;inner&quot;])", "inner" },
        { "xpointer(/scxml/state)", "one inner" },
        { "xpointer(/s:scxml/*)", "one inner two" },
        { "xpointer(//state//state)", "inner" },
        { "xpointer(/*/*[@id=&quot;two&quot;])", "two" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf body = { 0 };
        buf_format(&body, XI "href='part.scxml' xpointer='%s'/><state id='x'/>", cases[i].xpointer);
        buf_add_byte(&body, '\0');
        struct buf ids = { 0 };
        buf_format(&ids, "%s x", cases[i].ids);
        buf_add_byte(&ids, '\0');
        check_ids(&loading, body.at, ids.at);
        buf_free(&body);
        buf_free(&ids);
    }
    loading_end(&loading);
}

TEST(what_no_xpointer_finds_is_an_error_at_the_element)
{
    struct loading loading = { .files = files };
    loading_check(&loading,
                  "<state id='x'/>" XI "href='part.scxml' xpointer='three'/>\n" XI
                  "href='part.scxml' xpointer='xpointer(position())'/>\n" XI
                  "href='part.scxml' xpointer='element(/1/9)'/>",
                  "2:16: error: cannot include 'part.scxml': xpointer 'three' selects nothing\n"
                  "3:1: error: cannot include 'part.scxml': xpointer 'xpointer(position())' is of "
                  "no form that is read\n"
                  "4:1: error: cannot include 'part.scxml': xpointer 'element(/1/9)' selects "
                  "nothing");
    loading_end(&loading);
}

TEST(text_is_taken_in_as_it_is)
{
    struct loading loading = { .files = files };
    const struct scxml_document *document = loading_body(
        &loading, "<datamodel><data id='l'>" XI
                  "href='latin.txt' parse='text' encoding='ISO-8859-1'/></data></datamodel>\n"
                  "<script>" XI "href='lib.js' parse='text'/></script><state/>");
    loading_check_findings(&loading, "");
    CHECK_TEXT(document->states[0].data->body.text, "\xC3\xB6");
    const struct scxml_expression *script = &document->expressions[document->scripts[0]];
    CHECK_TEXT(script->source, "var a = 1 < 2;\n");
    CHECK_TEXT(document->files[script->place.file], "lib.js");
    CHECK_U32(script->place.line, 1);
    loading_end(&loading);
}

TEST(addresses_are_relative_to_the_file_they_stand_in)
{
    struct loading loading = { .files = files };
    loading_check(&loading, XI "href='dir/a.scxml' xpointer='xpointer(/*/*)'/>",
                  "dir/b.scxml:1:70: error: id 'b' is taken by dir/b.scxml, line 1");
    check_ids(&loading, XI "href='dir/a.scxml' xpointer='a'/>", "a b");
    loading_end(&loading);
}

TEST(what_a_file_refers_to_is_relative_to_that_file)
{
    struct loading loading = { .files = files };
    const struct scxml_document *document =
        loading_body(&loading, XI "href='dir/code.scxml' xpointer='xpointer(/scxml/*)'/>");
    CHECK_TEXT(loading_source(document, document->scripts[0]), "more()");
    CHECK_TEXT(document->invokes[0]->src, "child.scxml");
    loading_end(&loading);
}

TEST(a_fallback_counts_where_a_file_is_missing)
{
    struct loading loading = { .files = files };
    check_ids(&loading,
              XI "href='none.scxml'><xi:fallback><state id='spare'/>" XI
                 "href='part.scxml' xpointer='two'/></xi:fallback></xi:include>",
              "spare two");
    loading_check(&loading, XI "href='none.scxml'/><state/>",
                  "2:1: error: cannot include 'none.scxml': there is no 'none.scxml'");
    loading_end(&loading);
}

TEST(what_is_wrong_in_a_file_is_told_of_that_file)
{
    struct loading loading = { .files = files };
    loading_check(
        &loading, "<state/>" XI "href='broken.scxml'/>",
        "2:9: error: cannot include 'broken.scxml': it is not well-formed\n"
        "broken.scxml:2:16: error: Opening and ending tag mismatch: state line 2 and scxml");
    loading_check(&loading, "<state/>" XI "href='part.scxml'/>",
                  "part.scxml:1:1: error: <scxml> may not stand in <scxml>");
    loading_check(&loading, "<state/>" XI "href='lib.js' parse='json'/>",
                  "2:9: error: cannot include 'lib.js': parse is xml or text, not 'json'");
    loading_end(&loading);
}

TEST(circles_end)
{
    struct loading loading = { .files = files };
    loading_check(&loading, XI "href='self.scxml' xpointer='s'/>",
                  "self.scxml:1:77: error: cannot include 'self.scxml': it includes itself");
    loading_check(&loading, "<state id='x'>" XI "xpointer='x'/></state>",
                  "2:8: error: id 'x' is taken by doc.scxml, line 2\n"
                  "2:15: error: cannot include 'x': it includes itself");
    loading_end(&loading);
}

TEST(a_part_of_the_document_itself_is_taken_in_under_another_prefix)
{
    struct loading loading = { .files = files };
    check_ids(&loading, "<state id='x'><state id='y'/></state>" XI "xpointer='x' resolveid='p'/>",
              "x y p.x p.y");
    loading_end(&loading);
}

TEST(a_machine_taken_in_twice_has_its_own_ids_each_time) /* orchestration 5 */
{
    struct loading loading = { .files = files, .dialect = SCXML_DIALECT_LEGACY };
    check_ids(&loading,
              "<state id='M1' initial='M1.entry'>" XI
              "href='machine.scxml' resolveid='M1' xpointer='entry'/></state>"
              "<state id='M2'>" XI "href='machine.scxml' resolveid='M2' xpointer='entry'/></state>",
              "M1 M1.entry M1.go M1.end M2 M2.entry M2.go M2.end");
    const struct scxml_document *document = loading.document;
    const struct scxml_state *go = loading_state(document, "M2.go");
    const struct scxml_transition *transition = go->transitions;
    CHECK_TEXT(transition->descriptors[0], "done.state.M2.go");
    CHECK_TEXT(loading_source(document, transition->cond), "_event.data.resolveid == 'M2'");
    CHECK_TEXT(document->states[transition->targets[0]].id, "M2.end");
    CHECK_TEXT(loading_source(document, transition->actions->script),
               "call('M2', my._my_prefix, _my_prefixes)");
    const struct scxml_send *send = go->onentry->actions->send;
    CHECK_TEXT(loading_source(document, send->cargo.params->expr), "'M2'");
    CHECK_TEXT(document->states[loading_state(document, "M2.entry")->initial->targets[0]].id,
               "M2.go");
    loading_end(&loading);
}

TEST(prefixes_of_includes_within_includes_add_up_and_are_empty_outside)
{
    struct loading loading = { .files = files, .dialect = SCXML_DIALECT_LEGACY };
    check_ids(&loading, XI "href='nest.scxml' resolveid='top' xpointer='outer'/>",
              "top.outer top.sub.entry top.sub.go top.sub.end");
    check_ids(&loading,
              "<state id='a'><transition target='$$_MY_PREFIX_$$.b' "
              "cond='_my_prefix'/></state><state id='b'/>",
              "a b");
    CHECK_TEXT(loading_source(loading.document, loading.document->transitions[0].cond), "''");
    loading_check(&loading, "<state/>" XI "href='nest.scxml' resolveid='a b'/>",
                  "2:9: error: cannot include 'nest.scxml': resolveid 'a b' is no name");
    loading_end(&loading);
}

TEST(only_the_origin_of_the_document_is_asked)
{
    struct loading loading = { .files = files, .url = "http://host:80/x/doc.scxml" };
    loading_check(&loading,
                  "<state/>" XI "href='http://169.254.169.254/a'/>" XI
                  "href='file:///etc/passwd' parse='text'/>",
                  "http://host:80/x/doc.scxml:2:9: error: cannot include "
                  "'http://169.254.169.254/a': it does not lie where the document lies, in "
                  "'http://host:80'\n"
                  "http://host:80/x/doc.scxml:2:97: error: cannot include 'file:///etc/passwd': it "
                  "does not lie where the document lies, in 'http://host:80'");
    CHECK_U32(loading.fetched, 0);
    loading.url = NULL;
    loading_check(&loading, "<state/>" XI "href='http://host/a'/>",
                  "2:9: error: cannot include 'http://host/a': it does not lie where the document "
                  "lies, in ''");
    loading_end(&loading);
}

TEST(a_bomb_of_includes_ends_within_100_ms)
{
    /* Each file takes in the next one ten times. */
    struct loading_file bomb[12] = { 0 };
    struct buf bodies[11] = { 0 }, names[11] = { 0 };
    for (int i = 0; i < 11; i++) {
        buf_format(&names[i], "%d.scxml", i);
        buf_add_byte(&names[i], '\0');
        buf_add_z(&bodies[i], DOC "><state id='s'>");
        for (int j = 0; j < 10; j++)
            buf_format(&bodies[i], XI "href='%d.scxml' xpointer='s'/>", i + 1);
        buf_add_z(&bodies[i], "</state></scxml>");
        buf_add_byte(&bodies[i], '\0');
        bomb[i] = (struct loading_file){ names[i].at, bodies[i].at };
    }
    struct loading loading = { .files = bomb };
    double clock_ms = 0;
    (void)loading_ms_since(&clock_ms);
    CHECK(loading_body(&loading, XI "href='0.scxml' xpointer='s'/>") == NULL);
    CHECK(loading_ms_since(&clock_ms) < 100);
    CHECK(loading.fetched <= 1000);
    for (int i = 0; i < 11; i++) {
        buf_free(&bodies[i]);
        buf_free(&names[i]);
    }
    loading_end(&loading);
}
