/* SPDX-License-Identifier: Apache-2.0 */
/* xml_fuzz.c - XML read and written; beside libxml2's own tree, which our reader does not use.
 * What differs, and why that is right:
 * - libxml2's tree reads what our bounds, a document type or a character set refuse.
 * - it keeps comments, instructions and CDATA as nodes: ours joins the texts around them.
 * Checked beside: what was written reads back as the same tree, written the same; places grow in
 * document order and lie in the text. */
#include "tests/fuzz/fuzz.h"

#include "format/xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

static const struct xml_limits limits = { 1024 * 1024, 200, 5000 };

/* --- beside libxml2 --------------------------------------------------------------------------- */

static void add_name(struct buf *out, struct text uri, struct text name)
{
    buf_format(out, "{%.*s}%.*s ", TEXT_ARG(uri), TEXT_ARG(name));
}

static struct text text_of_x(const xmlChar *z)
{
    return text_of((const char *)z);
}

/* Elements, attributes and texts as lines; declarations are left out. */
static void tell_ours(struct buf *out, const struct xml_node *node)
{
    if (node->is_text) {
        buf_add(out, node->text);
        return;
    }
    buf_add_z(out, "\n<");
    add_name(out, node->uri, node->name);
    for (const struct xml_attribute *at = node->attributes; at; at = at->next) {
        if (text_eq(at->uri, TEXT(XML_XMLNS_URI))) continue;
        add_name(out, at->uri, at->name);
        buf_add(out, at->value);
        buf_add_byte(out, '\1');
    }
    for (const struct xml_node *at = node->children; at; at = at->next) tell_ours(out, at);
    buf_add_z(out, "\n>");
}

static void tell_theirs(struct buf *out, xmlNodePtr node)
{
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
        buf_add(out, text_of_x(node->content));
    if (node->type != XML_ELEMENT_NODE) return;
    buf_add_z(out, "\n<");
    add_name(out, text_of_x(node->ns ? node->ns->href : NULL), text_of_x(node->name));
    for (xmlAttrPtr at = node->properties; at; at = at->next) {
        add_name(out, text_of_x(at->ns ? at->ns->href : NULL), text_of_x(at->name));
        xmlChar *value = xmlNodeListGetString(node->doc, at->children, 1);
        buf_add(out, text_of_x(value));
        xmlFree(value);
        buf_add_byte(out, '\1');
    }
    for (xmlNodePtr at = node->children; at; at = at->next) tell_theirs(out, at);
    buf_add_z(out, "\n>");
}

static void be_silent(void *self, xmlErrorPtr error)
{
    (void)self;
    (void)error;
}

static void check_beside(struct text in, const struct xml_node *root)
{
    xmlSetStructuredErrorFunc(NULL, be_silent);
    xmlDocPtr theirs = xmlReadMemory(in.at, (int)in.len, NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_HUGE);
    FUZZ_CHECK(theirs);
    struct buf our_words = { 0 }, their_words = { 0 };
    tell_ours(&our_words, root);
    tell_theirs(&their_words, xmlDocGetRootElement(theirs));
    FUZZ_CHECK(text_eq(buf_text(&our_words), buf_text(&their_words)));
    buf_free(&our_words);
    buf_free(&their_words);
    xmlFreeDoc(theirs);
}

/* --- by itself -------------------------------------------------------------------------------- */

struct place {
    uint32_t line, column;
};

static void check_place(struct place *last, uint32_t line, uint32_t column)
{
    FUZZ_CHECK(line >= 1 && column >= 1);
    FUZZ_CHECK(line > last->line || (line == last->line && column >= last->column));
    *last = (struct place){ line, column };
}

static void check_places(const struct xml_node *node, struct place *last)
{
    check_place(last, node->line, node->column);
    if (node->is_text) {
        FUZZ_CHECK(node->text.len > 0 && text_is_utf8(node->text));
        return;
    }
    FUZZ_CHECK(node->name.len > 0);
    for (const struct xml_attribute *at = node->attributes; at; at = at->next)
        FUZZ_CHECK(at->line > node->line || at->column > node->column);
    for (const struct xml_node *at = node->children; at; at = at->next) {
        FUZZ_CHECK(at->parent == node);
        FUZZ_CHECK(!at->is_text || !at->next || !at->next->is_text);
        check_places(at, last);
    }
}

static void check_round(const struct xml_node *root)
{
    struct scope *scope = scope_new(NULL, "again", FUZZ_MEMORY_MAX);
    struct xml_limits wide = { INT32_MAX / 4, XML_DEPTH_MAX, limits.elements_max };
    struct buf once = { 0 }, twice = { 0 }, before = { 0 }, after = { 0 };
    struct xml_node *again;
    struct fault fault;
    xml_write(&once, root);
    FUZZ_CHECK(xml_read(buf_text(&once), &wide, scope, &again, NULL, NULL, &fault) == ERR_OK);
    xml_write(&twice, again);
    FUZZ_CHECK(text_eq(buf_text(&once), buf_text(&twice)));
    tell_ours(&before, root);
    tell_ours(&after, again);
    FUZZ_CHECK(text_eq(buf_text(&before), buf_text(&after)));
    buf_free(&once);
    buf_free(&twice);
    buf_free(&before);
    buf_free(&after);
    scope_close(scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scope *scope = scope_new(NULL, "xml", FUZZ_MEMORY_MAX);
    struct xml_node *root = NULL;
    struct fault fault = { 0 };
    uint32_t line = 0, column = 0;
    enum err err = xml_read(fuzz_text(data, size), &limits, scope, &root, &line, &column, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        FUZZ_CHECK(line >= 1 && column >= 1 && column <= size + 1);
    } else {
        struct place first = { 0 };
        check_places(root, &first);
        check_round(root);
        check_beside(fuzz_text(data, size), root);
    }
    scope_close(scope);
    return 0;
}
