/* SPDX-License-Identifier: Apache-2.0 */
#include "format/xml.h"

#include <string.h>

const struct xml_attribute *xml_attribute(const struct xml_node *element, struct text name)
{
    for (const struct xml_attribute *at = element->attributes; at; at = at->next)
        if (at->uri.len == 0 && text_eq(at->name, name)) return at;
    return NULL;
}

/* The next node in document order within `top`; with `is_down` false it skips what is below. */
static const struct xml_node *next_node(const struct xml_node *node, const struct xml_node *top,
                                        bool is_down)
{
    if (is_down && node->children) return node->children;
    for (; node != top; node = node->parent)
        if (node->next) return node->next;
    return NULL;
}

struct text xml_text(const struct xml_node *element, struct scope *scope)
{
    const struct xml_node *only = element->children;
    if (only && only->is_text && only->next == NULL) return only->text;
    struct buf all = { 0 };
    for (const struct xml_node *at = element; at; at = next_node(at, element, true))
        if (at->is_text) buf_add(&all, at->text);
    struct text text = scope_keep(scope, buf_text(&all));
    buf_free(&all);
    return text;
}

/* --- writing ---------------------------------------------------------------------------------- */

static const char *escape_of(char byte, bool is_value)
{
    switch (byte) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\r': return "&#13;";
    case '\n': return is_value ? "&#10;" : NULL;
    case '\t': return is_value ? "&#9;" : NULL;
    default: return (unsigned char)byte < ' ' ? "\xEF\xBF\xBD" : NULL;
    }
}

static void escape(struct buf *out, struct text in, bool is_value)
{
    size_t from = 0;
    for (size_t i = 0; i < in.len; i++) {
        const char *instead = escape_of(in.at[i], is_value);
        if (instead == NULL) continue;
        buf_add(out, text_slice(in, from, i - from));
        buf_add_z(out, instead);
        from = i + 1;
    }
    buf_add(out, text_slice(in, from, in.len - from));
}

void xml_escape(struct buf *out, struct text in)
{
    escape(out, in, false);
}

void xml_escape_value(struct buf *out, struct text in)
{
    escape(out, in, true);
}

static void write_name(struct buf *out, struct text prefix, struct text name)
{
    buf_add(out, prefix);
    if (prefix.len) buf_add_byte(out, ':');
    buf_add(out, name);
}

static void write_attribute(struct buf *out, const struct xml_attribute *attribute)
{
    buf_add_byte(out, ' ');
    write_name(out, attribute->prefix, attribute->name);
    buf_add_z(out, "=\"");
    escape(out, attribute->value, true);
    buf_add_byte(out, '"');
}

static bool is_declaration(const struct xml_attribute *attribute)
{
    return text_eq(attribute->uri, TEXT(XML_XMLNS_URI));
}

static bool is_among(struct text name, const struct buf *names)
{
    const struct text *at = (const struct text *)(const void *)names->at;
    char last = name.at[name.len - 1]; /* names that only count differ there: p1, p2 */
    for (size_t i = 0; i < names->len / sizeof *at; i++)
        if (at[i].len == name.len && at[i].at[name.len - 1] == last && text_eq(at[i], name))
            return true;
    return false;
}

/* What its ancestors declared and neither it nor a nearer one declared again. */
static void write_inherited(struct buf *out, const struct xml_node *node)
{
    struct buf declared = { 0 }; /* of struct text: names */
    for (const struct xml_node *above = node; above; above = above->parent) {
        for (const struct xml_attribute *at = above->attributes; at; at = at->next) {
            if (!is_declaration(at) || is_among(at->name, &declared)) continue;
            buf_add(&declared, TEXT_OF(&at->name));
            if (above != node) write_attribute(out, at);
        }
    }
    buf_free(&declared);
}

static void write_start(struct buf *out, const struct xml_node *node, bool is_top)
{
    buf_add_byte(out, '<');
    write_name(out, node->prefix, node->name);
    for (const struct xml_attribute *at = node->attributes; at; at = at->next)
        write_attribute(out, at);
    if (is_top) write_inherited(out, node);
    buf_add_z(out, node->children ? ">" : "/>");
}

static void write_end(struct buf *out, const struct xml_node *node)
{
    buf_add_z(out, "</");
    write_name(out, node->prefix, node->name);
    buf_add_byte(out, '>');
}

/* Each element that ends between `node` and the one that follows it. */
static void write_ends(struct buf *out, const struct xml_node *node, const struct xml_node *top)
{
    while (node != top && node->next == NULL) {
        node = node->parent;
        write_end(out, node);
    }
}

void xml_write(struct buf *out, const struct xml_node *node)
{
    for (const struct xml_node *at = node; at; at = next_node(at, node, true)) {
        if (at->is_text)
            escape(out, at->text, false);
        else
            write_start(out, at, at == node);
        if (at->is_text || at->children == NULL) write_ends(out, at, node);
    }
}
