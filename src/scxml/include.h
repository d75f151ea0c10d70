/* SPDX-License-Identifier: Apache-2.0 */
/* include.h - XInclude 1.0 as SCXML documents use it (orchestration 3.1, 5, 13). Private to the
 * loader.
 * Takes in  parse="xml" and "text", `href` relative to the document that it stands in (none: that
 *           document itself), fallback, and as xpointer: a bare id, element(/1/2), element(id/1),
 *           xpointer(id('x')) and paths of names such as xpointer(//state[@id='x']).
 * Origin    only what lies where the document lies: the same host over HTTP, else files.
 * Prefixes  resolveid="P" puts "P." in front of the ids of the states that come in; P of an include
 *           within an include is behind the outer one's and a dot. $$_MY_PREFIX_$$ stands for it in
 *           all attributes and texts, and the variable _my_prefix for it in expressions. Where
 *           nothing includes, the legacy dialect takes both as empty.
 * Bounds    files INCLUDE_NESTED_MAX deep, no circles; all elements and bytes together, and the
 *           depth, are bounded as those of one document. */
#ifndef SCXML_INCLUDE_H
#define SCXML_INCLUDE_H

#include "scxml/load_private.h"

enum { INCLUDE_NESTED_MAX = 16, INCLUDE_PREFIX_MAX = 128 };

/* Replaces all xi:include below the root; `source` is the document's text. */
void scxml_include(struct loader *loader, struct xml_node *root, struct text source);

/* What the xpointer selects, in document order and none within another: struct xml_node * into
 * `found`. ERR_UNSUPPORTED: it is of no form above; ERR_NOT_FOUND: it selects nothing.
 * (include_select.c) */
enum err scxml_select(struct xml_node *root, struct text xpointer, struct buf *found);

/* The prefix, in attributes and texts of an element. (include_prefix.c) */
void scxml_prefix_element(struct loader *loader, struct xml_node *node, struct text prefix);
void scxml_prefix_text(struct loader *loader, struct xml_node *node, struct text prefix);
bool scxml_has_placeholder(struct text in);

#endif
