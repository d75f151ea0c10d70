/* SPDX-License-Identifier: Apache-2.0 */
/* draw.h - a document as a state chart in SVG 1.1: states in their parents, arrows with event and
 * condition. Readable by itself: no scripts, no foreign fonts. The same document, the same bytes.
 */
#ifndef SCXML_DRAW_H
#define SCXML_DRAW_H

#include "base/buf.h"
#include "scxml/document.h"

void scxml_draw(const struct scxml_document *document, struct buf *out);

#endif
