/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - from XML text to a document (orchestration 3.1, 5), each static error at its place.
 * Pure      what the text refers to (script, data, xi:include) is asked of the caller.
 * Bounds    SCXML_DOCUMENT_BYTES_MAX, _DEPTH_MAX, _ELEMENTS_MAX; a document type is refused. */
#ifndef SCXML_LOAD_H
#define SCXML_LOAD_H

#include "base/buf.h"
#include "scxml/document.h"

enum { SCXML_FINDINGS_MAX = 100 }; /* errors, and as many warnings; further ones are not kept */

struct scxml_finding {
    struct scxml_finding *next;
    bool is_warning; /* an error refuses the document */
    struct scxml_place place;
    struct text file;  /* as in document->files */
    struct text words; /* "state s1: transition target 'nowhere' is no state" */
};

struct scxml_findings { /* by file, line and column; zeroed is empty */
    struct scxml_finding *first;
    uint32_t error_count, warning_count;
};

void scxml_find(struct scxml_findings *findings, struct scope *scope, bool is_warning,
                struct text file, struct scxml_place place, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* "centre.scxml:12:5: error: ..." a line each. */
void scxml_findings_print(struct buf *out, const struct scxml_findings *findings);

enum scxml_dialect { SCXML_DIALECT_AUTO, SCXML_DIALECT_STANDARD, SCXML_DIALECT_LEGACY };

struct scxml_load {
    struct text url; /* of the document: what relative addresses are relative to; also its name in
                        findings */
    enum scxml_dialect dialect; /* AUTO: profile="..." or _dialect="ors" say so (section 5) */
    /* Of a refused document, too, `*out` is written, with its expressions and files and nothing
     * else: for those who tell all errors at once (ecmascript.h). */
    bool wants_expressions;
    void *self;
    /* The bytes behind an absolute or resolved address, in the scope. NULL: nothing can be fetched.
     */
    enum err (*fetch)(void *self, struct text url, struct scope *scope, struct text *body,
                      struct fault *fault);
};

/* Where `reference` lies that stands in the document at `base`: a path or file: address beside
 * another, an http address by RFC 3986; "file:x.scxml" is beside its document (W3C test 216). What
 * has another scheme stays as it is. (resolve.c) */
struct text scxml_resolve(struct text base, struct text reference, struct scope *scope);

/* `*out` in `scope`, written on ERR_OK only. ERR_INVALID: findings say why, all of them; warnings
 * may be there on ERR_OK. Syntax of expressions is the script engine's (ecmascript.h). */
enum err scxml_load(struct text source, const struct scxml_load *load, struct scope *scope,
                    struct scxml_document **out, struct scxml_findings *findings);

#endif
