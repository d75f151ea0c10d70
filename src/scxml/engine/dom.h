/* SPDX-License-Identifier: Apache-2.0 */
/* dom.h - XML as scripts see it: a document with elements and texts, to be read with the usual
 * names (orchestration 3.3, 3.6). A node is an object with nodeType, nodeName, nodeValue, tagName,
 * localName, prefix, namespaceURI, attributes, childNodes and parentNode; what is found by walking
 * is its prototype's. */
#ifndef SCXML_ENGINE_DOM_H
#define SCXML_ENGINE_DOM_H

#include "scxml/engine/private.h"

/* [] -> [document], or [] and false where the text is no well-formed XML. */
bool engine_push_dom(duk_context *ctx, struct text xml);
bool engine_is_xml(duk_context *ctx, struct text text); /* whether it could be pushed */
bool engine_is_dom(duk_context *ctx, duk_idx_t index);
/* A node as XML text. Throws where a script has made something else of it. */
void engine_add_dom(duk_context *ctx, duk_idx_t index, struct buf *out);

#endif
