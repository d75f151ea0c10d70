/* SPDX-License-Identifier: Apache-2.0 */
/* xml.h - XML in and out, with the line and column of every element and attribute; libxml2 reads.
 * Reading  namespaces are resolved; comments and processing instructions are dropped, CDATA is
 *          text. No network, no entities but the five of XML: a DTD is refused. UTF-8, UTF-16,
 *          ISO-8859-1 and Windows-1252 by mark or declaration; texts come as UTF-8.
 * Bounds   bytes, depth and elements by xml_limits, and those below. Time and memory are linear in
 *          the input.
 * Memory   the tree lies in the scope; nothing refers to the input.
 * Places   lines and columns count characters from 1.
 * Pure     no clock, no I/O. Thread: any, one tree at a time each. */
#ifndef FORMAT_XML_H
#define FORMAT_XML_H

#include "base/buf.h"
#include "base/scope.h"

enum {
    XML_DEPTH_MAX = 256,
    XML_ATTRIBUTES_MAX = 256,       /* of an element */
    XML_OPEN_ATTRIBUTES_MAX = 4096, /* of an element and all that it stands in */
    XML_NAMESPACES_MAX = 128        /* declared at a time */
};

struct xml_limits {
    size_t bytes_max;
    uint32_t depth_max /* XML_DEPTH_MAX at most */, elements_max;
};

struct xml_attribute { /* namespace declarations are attributes as well: uri XML_XMLNS_URI */
    struct xml_attribute *next;
    struct text prefix, uri, name, value; /* "" where it has none */
    uint32_t line, column;
};

#define XML_XMLNS_URI "http://www.w3.org/2000/xmlns/"

struct xml_node { /* an element, or a run of text between two */
    struct xml_node *next, *parent, *children;
    bool is_text;
    uint32_t input;   /* the caller's to use: which of several inputs it came from; 0 */
    struct text text; /* of a text node */
    struct text prefix, uri, name; /* of an element */
    struct xml_attribute *attributes;
    uint32_t line, column; /* of its "<"; of a text's first byte */
};

/* One well-formed document. ERR_INVALID and ERR_LIMIT with words; `*line` and `*column` (may be
 * NULL) say where. */
enum err xml_read(struct text in, const struct xml_limits *limits, struct scope *scope,
                  struct xml_node **root, uint32_t *line, uint32_t *column, struct fault *fault);

/* The attribute without namespace; NULL: absent. */
const struct xml_attribute *xml_attribute(const struct xml_node *element, struct text name);
/* All text below, in order. */
struct text xml_text(const struct xml_node *element, struct scope *scope);

/* As XML text that reads back as the same tree: what its ancestors declared, the node declares. */
void xml_write(struct buf *out, const struct xml_node *node);
/* A text, escaped; in values of attributes blanks other than ' ' need escapes as well. Characters
 * that XML does not know become U+FFFD. */
void xml_escape(struct buf *out, struct text in);
void xml_escape_value(struct buf *out, struct text in);

#endif
