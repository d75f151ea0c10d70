/* SPDX-License-Identifier: Apache-2.0 */
#include "format/xml.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct xml_limits limits = { 2 * 1024 * 1024, 256, 20000 };

static struct scope *scope; /* of the running test */
static uint32_t line, column;
static struct fault fault;

static enum err read_text(struct text in, struct xml_node **root)
{
    if (scope == NULL) scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    line = column = 0;
    fault = (struct fault){ 0 };
    return xml_read(in, &limits, scope, root, &line, &column, &fault);
}

static struct xml_node *read_z(const char *in)
{
    struct xml_node *root = NULL;
    CHECK_OK(read_text(text_of(in), &root));
    return root;
}

static void done(void)
{
    scope_close(scope);
    scope = NULL;
}

static void check_place(uint32_t is_line, uint32_t is_column, uint32_t wanted_line,
                        uint32_t wanted_column)
{
    CHECK_U32(is_line, wanted_line);
    CHECK_U32(is_column, wanted_column);
}

static void check_refused(const char *in, enum err err, uint32_t wanted_line,
                          uint32_t wanted_column, const char *words)
{
    struct xml_node *root;
    CHECK_I64(read_text(text_of(in), &root), err);
    check_place(line, column, wanted_line, wanted_column);
    if (strstr(fault.words, words) == NULL) print_error("%s\n", fault.words);
    CHECK(strstr(fault.words, words));
}

TEST(elements_attributes_and_texts_come_with_their_places)
{
    struct xml_node *root = read_z("<?xml version='1.0'?>\n"
                                   "<a x='1'\n   y = \"&lt;2&amp;\">\n"
                                   "  <b/>t\xC3\xB6"
                                   "e<c>u</c></a>");
    CHECK_TEXT(root->name, "a");
    check_place(root->line, root->column, 2, 1);
    const struct xml_attribute *y = xml_attribute(root, TEXT("y"));
    CHECK_TEXT(y->value, "<2&");
    check_place(y->line, y->column, 3, 4);
    check_place(root->attributes->line, root->attributes->column, 2, 4);
    CHECK(xml_attribute(root, TEXT("z")) == NULL);

    struct xml_node *blank = root->children, *b = blank->next, *text = b->next, *c = text->next;
    CHECK(blank->is_text && text->is_text && c->next == NULL);
    CHECK_TEXT(blank->text, "\n  ");
    check_place(blank->line, blank->column, 3, 21);
    check_place(b->line, b->column, 4, 3);
    CHECK_TEXT(text->text, "t\xC3\xB6"
                           "e");
    check_place(text->line, text->column, 4, 7);
    check_place(c->line, c->column, 4, 10); /* characters, not bytes */
    CHECK(c->parent == root && c->children->is_text);
    CHECK_TEXT(xml_text(root, scope), "\n  t\xC3\xB6"
                                      "eu");
    done();
}

TEST(namespaces_are_resolved_and_their_declarations_kept)
{
    struct xml_node *root = read_z("<s xmlns='urn:s' xmlns:q='www.example.org/q' q:a='1' a='2'>"
                                   "<q:t xmlns=''><u/></q:t></s>");
    CHECK_TEXT(root->uri, "urn:s");
    CHECK_TEXT(root->prefix, "");
    const struct xml_attribute *a = xml_attribute(root, TEXT("a"));
    CHECK_TEXT(a->value, "2");
    struct xml_node *t = root->children;
    CHECK_TEXT(t->prefix, "q");
    CHECK_TEXT(t->uri, "www.example.org/q");
    CHECK_TEXT(t->children->uri, "");
    const struct xml_attribute *first = root->attributes;
    CHECK_TEXT(first->uri, XML_XMLNS_URI);
    CHECK_TEXT(first->name, "xmlns");
    CHECK_TEXT(first->value, "urn:s");
    check_place(first->line, first->column, 1, 4);
    CHECK_TEXT(first->next->prefix, "xmlns");
    CHECK_TEXT(first->next->name, "q");
    check_place(first->next->line, first->next->column, 1, 18);
    check_place(a->line, a->column, 1, 54);
    done();
}

TEST(comments_and_instructions_are_dropped_and_cdata_is_text)
{
    struct xml_node *root = read_z("<a><!-- <b> --><?php x?>1<!-- -->2<![CDATA[<3>]]></a>");
    CHECK(root->children->is_text && root->children->next == NULL);
    CHECK_TEXT(root->children->text, "12<3>");
    check_place(root->children->line, root->children->column, 1, 25);
    root = read_z("<a>\n<![CDATA[x]]></a>");
    check_place(root->children->line, root->children->column, 1, 4);
    root = read_z("<a><![CDATA[x]]></a>");
    check_place(root->children->line, root->children->column, 1, 13);
    done();
}

TEST(line_ends_of_all_kinds_count_once)
{
    struct xml_node *root = read_z("<a>\r\n\r\n<b/>\r<c/></a>");
    struct xml_node *b = root->children->next, *c = b->next->next;
    check_place(b->line, b->column, 3, 1);
    check_place(c->line, c->column, 4, 1);
    CHECK_TEXT(root->children->text, "\n\n");
    done();
}

TEST(four_character_sets_are_read)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } cases[] = {
#define CASE(bytes, text) { bytes, sizeof(bytes) - 1, text }
        CASE("\xEF\xBB\xBF<a>\xC3\xB6</a>", "\xC3\xB6"),
        CASE("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xF6</a>", "\xC3\xB6"),
        CASE("<?xml version='1.0' encoding=\"Windows-1252\"?><a>\x80</a>", "\xE2\x82\xAC"),
        CASE("\xFF\xFE<\0a\0>\0\xF6\0<\0/\0a\0>\0", "\xC3\xB6"),
        CASE("\xFE\xFF\0<\0a\0>\0\xF6\0<\0/\0a\0>", "\xC3\xB6"),
        CASE("<\0a\0>\0\xF6\0<\0/\0a\0>\0", "\xC3\xB6"),
        CASE("<?xml version='1.0' encoding='UTF-8'?><a>\xC3\xB6</a>", "\xC3\xB6"),
        CASE("<?xml-stylesheet encoding='ISO-8859-1'?><a>\xC3\xB6</a>", "\xC3\xB6"),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xml_node *root;
        CHECK_OK(read_text((struct text){ cases[i].bytes, cases[i].len }, &root));
        CHECK_TEXT(xml_text(root, scope), cases[i].text);
    }
    check_refused("<?xml version='1.0' encoding='EBCDIC-US'?><a/>", ERR_UNSUPPORTED, 1, 1,
                  "EBCDIC-US");
    check_refused("<a>\xF6</a>", ERR_INVALID, 1, 1, "UTF-8");
    done();
}

TEST(what_is_not_well_formed_is_refused_at_its_place)
{
    check_refused("", ERR_INVALID, 1, 1, "empty");
    check_refused("plain", ERR_INVALID, 1, 1, "");
    check_refused("<a>\n  <b>\n</a>", ERR_INVALID, 3, 5, "b");
    check_refused("<a>&nbsp;</a>", ERR_INVALID, 1, 10, "nbsp");
    check_refused("<a x='1' x='2'/>", ERR_INVALID, 1, 15, "x");
    check_refused("<a><q:b/></a>", ERR_INVALID, 1, 8, "q");
    check_refused("<a/><b/>", ERR_INVALID, 1, 5, "");
    check_refused("<a", ERR_INVALID, 1, 3, "");
    check_refused("<a>", ERR_INVALID, 1, 4, "");
    done();
}

TEST(every_prefix_of_a_document_is_refused)
{
    const char *whole = "<?xml version='1.0'?><a xmlns:q='u'><!-- c --><q:b x='1&amp;'/>t"
                        "<![CDATA[<]]></a>";
    for (size_t len = 0; len < strlen(whole); len++) {
        struct xml_node *root;
        CHECK(read_text((struct text){ whole, len }, &root) != ERR_OK);
        CHECK(line == 1 && column >= 1 && column <= len + 1 && fault.words[0]);
    }
    (void)read_z(whole);
    done();
}

/* --- hostile input: each within 100 ms of CPU ------------------------------------------------- */

static double cpu_ms(void) /* without what the sanitizers add */
{
    return (double)clock() * 1000.0 / CLOCKS_PER_SEC / TEST_SLOWER;
}

static void repeat(struct buf *out, const char *what, size_t times)
{
    for (size_t i = 0; i < times; i++) buf_add_z(out, what);
}

static void check_bomb(struct buf *bomb, enum err err, const char *words)
{
    struct xml_node *root;
    double before = cpu_ms();
    CHECK_I64(read_text(buf_text(bomb), &root), err);
    CHECK(cpu_ms() - before < 100);
    CHECK(strstr(fault.words, words));
    buf_free(bomb);
}

TEST(a_billion_laughs_end_at_the_document_type)
{
    struct buf bomb = { 0 };
    buf_add_z(&bomb, "<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY a0 'ha'>");
    for (int i = 1; i < 30; i++)
        buf_format(&bomb, "<!ENTITY a%d '&a%d;&a%d;&a%d;&a%d;'>", i, i - 1, i - 1, i - 1, i - 1);
    buf_add_z(&bomb, "]><lolz>&a29;</lolz>");
    check_bomb(&bomb, ERR_INVALID, "document type");
    check_place(line, column, 2, 1);
    check_refused("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", ERR_INVALID, 1, 1,
                  "document type");
    done();
}

TEST(deep_and_wide_trees_end_at_their_limits)
{
    struct buf bomb = { 0 };
    repeat(&bomb, "<a>", 300000);
    check_bomb(&bomb, ERR_LIMIT, "256 elements one in another");
    buf_add_z(&bomb, "<a>");
    repeat(&bomb, "<b/>", 400000);
    check_bomb(&bomb, ERR_LIMIT, "20000 elements");
    buf_add_z(&bomb, "<a>");
    repeat(&bomb, "x", 2 * 1024 * 1024);
    check_bomb(&bomb, ERR_LIMIT, "2097152 bytes");
    done();
}

TEST(crowds_of_attributes_and_namespaces_end_at_their_limits)
{
    struct buf bomb = { 0 };
    buf_add_z(&bomb, "<a ");
    for (int i = 0; i < 200000; i++) buf_format(&bomb, "x%d='' ", i);
    buf_add_z(&bomb, "/>");
    check_bomb(&bomb, ERR_LIMIT, "256 attributes");
    for (int i = 0; i < 250; i++) {
        buf_add_z(&bomb, "<a ");
        for (int j = 0; j < 250; j++) buf_format(&bomb, "xmlns:x%d-%d='u' ", i, j);
        buf_add_byte(&bomb, '>');
    }
    check_bomb(&bomb, ERR_LIMIT, "128 namespaces");
    buf_add_z(&bomb, "<a x='"); /* no end: what follows is no crowd of attributes */
    repeat(&bomb, "y=z ", 400000);
    check_bomb(&bomb, ERR_INVALID, "");
    done();
}

TEST(many_attributes_on_many_levels_end_at_their_limit)
{
    struct buf bomb = { 0 };
    for (int i = 0; i < 250; i++) {
        buf_add_z(&bomb, "<a ");
        for (int j = 0; j < 250; j++) buf_format(&bomb, "x%d='u' ", j);
        buf_add_byte(&bomb, '>');
    }
    check_bomb(&bomb, ERR_LIMIT, "4096 attributes");
    done();
}

TEST(long_names_and_many_errors_cost_no_more_than_their_bytes)
{
    struct buf bomb = { 0 };
    repeat(&bomb, "&x", 1000000);
    check_bomb(&bomb, ERR_INVALID, "");
    buf_add_byte(&bomb, '<');
    repeat(&bomb, "n", 1000000);
    for (int i = 0; i < 200; i++) buf_format(&bomb, " p%d:a=''", i);
    buf_add_z(&bomb, "></c>");
    check_bomb(&bomb, ERR_INVALID, "");
    for (int i = 0; i < 40; i++) {
        buf_add_byte(&bomb, '<');
        repeat(&bomb, "n", 40000);
        for (int j = 0; j < 250; j++) buf_format(&bomb, " p%d:a=''", j);
        buf_add_z(&bomb, "/>");
    }
    check_bomb(&bomb, ERR_INVALID, "");
    done();
}

TEST(the_largest_document_is_read_in_time)
{
    struct buf big = { 0 };
    buf_add_z(&big, "<a xmlns:q='urn:q'>");
    while (big.len < 1990000)
        buf_add_z(&big, "<q:b id='some_id' q:x='&lt;value&gt;'>text, as in documents; and then "
                        "some more of it, as authors write</q:b>\n");
    buf_add_z(&big, "</a>");
    struct xml_node *root;
    double before = cpu_ms();
    CHECK_OK(read_text(buf_text(&big), &root));
    CHECK(cpu_ms() - before < 250);
    buf_free(&big);
    done();
}

/* --- writing ---------------------------------------------------------------------------------- */

static void check_round_trip(const char *in, const char *wanted)
{
    struct buf once = { 0 }, twice = { 0 };
    xml_write(&once, read_z(in));
    CHECK_TEXT(buf_text(&once), wanted);
    struct xml_node *again;
    CHECK_OK(read_text(buf_text(&once), &again));
    xml_write(&twice, again);
    CHECK(text_eq(buf_text(&once), buf_text(&twice)));
    buf_free(&once);
    buf_free(&twice);
}

TEST(what_is_written_reads_back_as_the_same_tree)
{
    check_round_trip("<a/>", "<a/>");
    check_round_trip("<a><b>1<c x='&quot;&#10;'/></b>2</a>",
                     "<a><b>1<c x=\"&quot;&#10;\"/></b>2</a>");
    check_round_trip("<a>&lt;&amp;&#13;]]&gt;\n</a>", "<a>&lt;&amp;&#13;]]&gt;\n</a>");
    check_round_trip("<p:a xmlns:p='u' p:b='1'><p:c/></p:a>",
                     "<p:a xmlns:p=\"u\" p:b=\"1\"><p:c/></p:a>");
    done();
}

TEST(a_node_declares_what_its_ancestors_declared)
{
    struct xml_node *root = read_z("<a xmlns='u' xmlns:p='v' xmlns:q='w'><b xmlns:p='x'>"
                                   "<p:c q:d='1' xmlns=''/></b></a>");
    struct buf out = { 0 };
    xml_write(&out, root->children->children);
    CHECK_TEXT(buf_text(&out), "<p:c xmlns=\"\" q:d=\"1\" xmlns:p=\"x\" xmlns:q=\"w\"/>");
    buf_free(&out);
    done();
}

TEST(characters_that_xml_does_not_know_are_replaced)
{
    struct buf out = { 0 };
    xml_escape(&out, (struct text){ "a\0\x01\t\n<", 6 });
    CHECK_TEXT(buf_text(&out), "a\xEF\xBF\xBD\xEF\xBF\xBD\t\n&lt;");
    buf_clear(&out);
    xml_escape_value(&out, TEXT("\t\n\""));
    CHECK_TEXT(buf_text(&out), "&#9;&#10;&quot;");
    buf_free(&out);
}
