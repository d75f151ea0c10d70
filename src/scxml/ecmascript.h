/* SPDX-License-Identifier: Apache-2.0 */
/* ecmascript.h - what the ECMAScript data model offers beside datamodel.h. */
#ifndef SCXML_ECMASCRIPT_H
#define SCXML_ECMASCRIPT_H

#include "scxml/datamodel.h"
#include "scxml/load.h"

/* Compiles every expression and script of the document, runs none; syntax errors become findings at
 * line and column: errors with `is_strict`, else warnings (4.2 item 8). */
enum err scxml_ecmascript_check(const struct scxml_document *document, bool is_strict,
                                struct scope *scope, struct scxml_findings *findings);

#endif
