/* SPDX-License-Identifier: Apache-2.0 */
/* loading.h - documents from text, with files that exist only here; for the loader's tests. */
#ifndef TESTS_UNIT_SCXML_LOADING_H
#define TESTS_UNIT_SCXML_LOADING_H

#include "scxml/load.h"

struct loading_file {
    const char *url, *body;
};

struct loading {                      /* one test's; a zeroed one is ready */
    const struct loading_file *files; /* ends with a NULL url */
    const char *url;                  /* of the document; NULL: "doc.scxml" */
    enum scxml_dialect dialect;
    uint32_t fetched; /* out: how many files were asked for */
    struct scope *scope;
    struct scxml_findings findings;
    struct scxml_document *document; /* NULL: it was refused */
    enum err err;
};

/* What is between <scxml ... datamodel="ecmascript"> and its end, from line 2 on. */
const struct scxml_document *loading_body(struct loading *loading, const char *body);
/* A whole document. */
const struct scxml_document *loading_whole(struct loading *loading, struct text source);
/* A whole one, or a body; and what scxml_findings_print() has to say of it, "doc.scxml:" left out
 * at the begin of lines. */
void loading_check(struct loading *loading, const char *source, const char *findings);
/* The same of the last one loaded. */
void loading_check_findings(struct loading *loading, const char *findings);
void loading_end(struct loading *loading);

struct text loading_source(const struct scxml_document *document, scxml_expression_id id);
const struct scxml_state *loading_state(const struct scxml_document *document, const char *id);

/* CPU milliseconds since `*before`, which is set to now; under the sanitizers a fifth of them. */
double loading_ms_since(double *before);

#endif
