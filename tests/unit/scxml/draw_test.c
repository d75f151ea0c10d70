/* SPDX-License-Identifier: Apache-2.0 */
/* Drawings are read back as XML: that they are well-formed, what they say, that boxes keep apart.
 */
#include "scxml/draw.h"

#include "format/xml.h"
#include "scxml/load.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define SCXML "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\""

struct drawn {
    struct scope *scope;
    struct xml_node *root;
    struct text svg;
};

static void draw_only(struct drawn *drawn, struct text source)
{
    struct scxml_findings findings = { 0 };
    struct scxml_load how = { .url = TEXT("test.scxml") };
    struct scxml_document *document;
    struct buf out = { 0 };
    drawn->scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    CHECK_OK(scxml_load(source, &how, drawn->scope, &document, &findings));
    scxml_draw(document, &out);
    drawn->svg = scope_keep(drawn->scope, buf_text(&out));
    buf_free(&out);
}

static void draw(struct drawn *drawn, struct text source)
{
    static const struct xml_limits limits = { 64 << 20, 16, 2000000 };
    struct fault fault = { 0 };
    draw_only(drawn, source);
    CHECK_OK(xml_read(drawn->svg, &limits, drawn->scope, &drawn->root, NULL, NULL, &fault));
    CHECK_TEXT(drawn->root->uri, "http://www.w3.org/2000/svg");
}

static struct text value(const struct xml_node *node, const char *name)
{
    const struct xml_attribute *attribute = xml_attribute(node, text_of(name));
    return attribute ? attribute->value : TEXT("");
}

static int64_t number(const struct xml_node *node, const char *name)
{
    int64_t out = 0;
    CHECK_OK(text_to_i64(value(node, name), INT64_MIN, INT64_MAX, &out));
    return out;
}

static uint32_t count(const struct drawn *drawn, const char *element, const char *class)
{
    uint32_t found = 0;
    for (const struct xml_node *at = drawn->root->children; at != NULL; at = at->next)
        found += !at->is_text && text_eq(at->name, text_of(element)) &&
                 text_eq(value(at, "class"), text_of(class));
    return found;
}

static bool says(const struct drawn *drawn, const char *words)
{
    struct text wanted = text_of(words);
    for (size_t i = 0; i + wanted.len <= drawn->svg.len; i++)
        if (text_starts(text_slice(drawn->svg, i, wanted.len), wanted)) return true;
    return false;
}

/* Leaves keep apart from each other; all lies inside the drawing. */
static void check_apart(const struct drawn *drawn)
{
    int64_t width = number(drawn->root, "width"), height = number(drawn->root, "height");
    for (const struct xml_node *a = drawn->root->children; a != NULL; a = a->next) {
        if (a->is_text || !text_eq(a->name, TEXT("rect")) || value(a, "class").len == 0) continue;
        CHECK(number(a, "x") >= 0 && number(a, "x") + number(a, "width") <= width);
        CHECK(number(a, "y") >= 0 && number(a, "y") + number(a, "height") <= height);
        if (!text_eq(value(a, "class"), TEXT("leaf"))) continue;
        for (const struct xml_node *b = a->next; b != NULL; b = b->next) {
            if (b->is_text || !text_eq(value(b, "class"), TEXT("leaf")) ||
                !text_eq(b->name, TEXT("rect")))
                continue;
            CHECK(number(a, "x") + number(a, "width") <= number(b, "x") ||
                  number(b, "x") + number(b, "width") <= number(a, "x") ||
                  number(a, "y") + number(a, "height") <= number(b, "y") ||
                  number(b, "y") + number(b, "height") <= number(a, "y"));
        }
    }
}

TEST(a_chart_has_boxes_lines_and_words)
{
    struct drawn d;
    draw(&d,
         TEXT(SCXML " name=\"Door\"><state id=\"open\"><transition event=\"push pull\" "
                    "target=\"closed\"/></state><state id=\"closed\"><transition event=\"push\" "
                    "target=\"open\"/><transition event=\"burn\" target=\"gone\"/></state><final "
                    "id=\"gone\"/></scxml>"));
    CHECK_U32(count(&d, "rect", "leaf"), 2);
    CHECK_U32(count(&d, "rect", "final"), 2); /* a ring in a ring */
    CHECK_U32(count(&d, "circle", "dot"), 1);
    CHECK_U32(count(&d, "path", "line"), 4);
    CHECK(says(&d, ">push pull</text>") && says(&d, "Door</text>"));
    check_apart(&d);
    scope_close(d.scope);
}

TEST(frames_hold_frames_regions_history_loops_and_notes)
{
    struct drawn d;
    draw(&d,
         TEXT(SCXML "><parallel id=\"p\"><state id=\"a\"><history id=\"h\" type=\"deep\">"
                    "<transition target=\"a1\"/></history><state id=\"a1\"><transition "
                    "event=\"again\" target=\"a1\"/><transition event=\"tick\"/></state></state>"
                    "<state id=\"b\"><state id=\"b1\"><transition event=\"back\" target=\"h\"/>"
                    "<transition event=\"up\" target=\"b\"/><transition event=\"out\" "
                    "target=\"end\"/></state></state></parallel><final id=\"end\"/></scxml>"));
    CHECK_U32(count(&d, "rect", "region"), 2);
    CHECK_U32(count(&d, "line", "dashed"), 1);
    CHECK(says(&d, ">H*</text>") && says(&d, ">again</text>") && says(&d, "tick / ...</text>"));
    check_apart(&d);
    scope_close(d.scope);
}

TEST(words_are_escaped_and_shortened_and_told_in_full_by_tooltips)
{
    struct drawn d;
    draw(&d,
         TEXT(SCXML " datamodel=\"ecmascript\" name=\"&lt;&amp;\"><state "
                    "id=\"a_name_that_is_a_good_deal_longer_than_a_box_should_be\"><transition "
                    "event=\"e\" cond=\"a &lt; b &amp;&amp; somethingThatTakesALotOfRoom(x) &gt; "
                    "5\" target=\"b\"/></state><state id=\"b\"/></scxml>"));
    CHECK(says(&d, "<title>a_name_that_is_a_good_deal_longer_than_a_box_should_be</title>"));
    CHECK(says(&d, "a_name_that_is_a_good_deal_...</text>") ||
          says(&d, "</title>a_name_that_is_a_good_deal_lon...</text>") || says(&d, "...</text>"));
    CHECK(says(&d, "somethingThatTakesALotOfRoom(x) &gt; 5]</title>"));
    CHECK(!says(&d, "somethingThatTakesALotOfRoom(x) &gt; 5]</text>"));
    scope_close(d.scope);
}

TEST(the_same_document_gives_the_same_bytes)
{
    struct drawn once, again;
    struct text source = TEXT(SCXML
                              "><state id=\"a\"><transition event=\"x\" target=\"c\"/>"
                              "<transition event=\"y\" target=\"b\"/></state><state id=\"b\"/>"
                              "<state id=\"c\"><transition event=\"z\" target=\"a\"/></state>"
                              "</scxml>");
    draw(&once, source);
    draw(&again, source);
    CHECK(text_eq(once.svg, again.svg));
    scope_close(once.scope);
    scope_close(again.scope);
}

static void check_large(uint32_t states, bool is_star)
{
    struct drawn d;
    struct buf source = { 0 };
    buf_add_z(&source, SCXML ">");
    for (uint32_t i = 0; i < states; i++)
        buf_format(&source, "<state id=\"s%u\"><transition event=\"e\" target=\"s%u\"/></state>", i,
                   is_star ? 0 : (i * 7919 + 1) % states);
    buf_add_z(&source, "</scxml>");
    draw(&d, buf_text(&source));
    CHECK_U32(count(&d, "rect", "leaf"), states);
    CHECK(d.svg.len < 16u << 20);
    scope_close(d.scope);
    buf_free(&source);
}

TEST(thousands_of_states_are_drawn_in_bounded_room)
{
    check_large(4000, false);
    check_large(4000, true);
}

TEST(edges_out_of_the_deep_are_bounded)
{
    enum { DEPTH = 240, EDGES = 9000 };
    struct drawn d;
    struct buf source = { 0 };
    buf_add_z(&source, SCXML ">");
    for (uint32_t i = 0; i < DEPTH; i++) buf_format(&source, "<state id=\"d%u\">", i);
    buf_add_z(&source, "<state id=\"a\">");
    for (uint32_t i = 0; i < EDGES; i++)
        buf_format(&source, "<transition event=\"e%u\" target=\"t%u\"/>", i, i % 900);
    buf_add_z(&source, "</state>");
    for (uint32_t i = 0; i < DEPTH; i++) buf_add_z(&source, "</state>");
    for (uint32_t i = 0; i < 900; i++) buf_format(&source, "<state id=\"t%u\"/>", i);
    buf_add_z(&source, "</scxml>");
    draw_only(&d, buf_text(&source));
    CHECK(says(&d, "transitions are not drawn"));
    scope_close(d.scope);
    buf_free(&source);
}
