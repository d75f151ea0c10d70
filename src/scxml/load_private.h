/* SPDX-License-Identifier: Apache-2.0 */
/* load_private.h - the loader's own: what its files share while one document is made.
 * Road     xml_read -> include.c (XInclude, prefixes) -> load_rules.c (elements and attributes by
 *          table) -> load_states.c (the tree, then its transitions) -> load_content.c and
 *          load_cargo.c (executable content) -> load_modules.c (section 6) -> scxml_layout().
 * Errors   each file reports what it sees and goes on with something harmless, so that one run
 *          reports all; a document with an error is never handed out.
 * Memory   the XML tree lies in `scratch`; what the document keeps is copied into `scope`. */
#ifndef SCXML_LOAD_PRIVATE_H
#define SCXML_LOAD_PRIVATE_H

#include "base/table.h"
#include "format/xml.h"
#include "scxml/load.h"

#define SCXML_NAMESPACE    "http://www.w3.org/2005/07/scxml"
#define XINCLUDE_NAMESPACE "http://www.w3.org/2001/XInclude"

enum { /* what small text could swell to */
       LOAD_BODY_BYTES_MAX = 4 * 1024 * 1024,
       LOAD_DECLARATIONS_MAX = 20000,
       LOAD_EXPRESSIONS_MAX = 100000
};

struct loader {
    const struct scxml_load *load;
    struct scope *scope, *scratch;
    struct scxml_findings *findings;
    struct scope *findings_scope;
    struct scxml_document *document;
    bool is_legacy;
    bool is_inline;   /* a document within an <invoke> of another is only looked at: nothing is
                         fetched   and no body written */
    struct buf files; /* of struct text */
    uint64_t bytes;   /* of all files */
    uint32_t fetches;
    uint32_t elements;      /* of all files */
    uint64_t hash;          /* of their bytes, and of the dialect */
    uint64_t body_bytes;    /* of values between tags, as XML of their own */
    uint32_t declarations;  /* of namespaces, written to what was taken in */
    struct buf expressions; /* of struct scxml_expression */
    struct buf scripts;     /* of scxml_expression_id */
    struct buf invokes;     /* of const struct scxml_invoke * */
    struct table *state_ids, *data_ids;
    const struct xml_node **state_nodes; /* for each state */
    uint32_t effort;                     /* that may still be spent on near misses */
    bool is_refused;                     /* there was an error */
};

/* --- load_elements.c: small things that all use ----------------------------------------------- */

struct scxml_place scxml_place_of(const struct xml_node *node);
/* The address of the file that it came from. */
struct text scxml_file_of(const struct loader *loader, const struct xml_node *node);
void scxml_error(struct loader *loader, const struct xml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void scxml_warning(struct loader *loader, const struct xml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* At the attribute; `node` says in which file. */
void scxml_attribute_error(struct loader *loader, const struct xml_node *node,
                           const struct xml_attribute *attribute, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "did you mean 'x'?" with a blank before it, for the nearest of the offered names; or "". */
struct scxml_guess {
    struct text wanted, best;
    uint32_t distance; /* of best */
};
struct scxml_guess scxml_guess(struct text wanted);
void scxml_guess_offer(struct loader *loader, struct scxml_guess *guess, struct text name);
struct text scxml_guess_words(struct loader *loader, const struct scxml_guess *guess);

bool scxml_is_element(const struct xml_node *node, const char *name); /* of SCXML's namespace */
struct text scxml_keep_attribute(struct loader *loader, const struct xml_node *node,
                                 const char *name); /* trimmed, or "" */
bool scxml_has_attribute(const struct xml_node *node, const char *name);
/* The attribute as an expression; SCXML_NONE where it is absent. */
scxml_expression_id scxml_expression_of(struct loader *loader, const struct xml_node *node,
                                        const char *name, enum scxml_expression_kind kind);
/* SCXML_NONE past LOAD_EXPRESSIONS_MAX, with an error. */
scxml_expression_id scxml_add_expression(struct loader *loader, enum scxml_expression_kind kind,
                                         struct text source, struct scxml_place place);
/* What stands between the tags: BODY, XML for one element, NONE for blanks. */
struct scxml_payload scxml_body_of(struct loader *loader, const struct xml_node *node);
/* The next of a list of names; false at its end. */
bool scxml_next_token(struct text *rest, struct text *token);
/* A view of the array that a buf gathered, in the document's scope; NULL when it is empty. */
const void *scxml_keep_array(struct loader *loader, const struct buf *array);

/* --- load.c ----------------------------------------------------------------------------------- */

/* The bytes behind an address of the document; they count against its size. With `file` they are
 * part of it: they go into its hash and get a number among its files. */
enum err scxml_load_fetch(struct loader *loader, struct text address, uint32_t *file,
                          struct text *body, struct fault *fault);
/* What is wrong with the document that stands in an <invoke>. */
void scxml_check_inline(struct loader *outer, const struct xml_node *root);

/* --- load_rules.c ----------------------------------------------------------------------------- */

/* Every element below and its attributes against the tables. */
void scxml_check_elements(struct loader *loader, const struct xml_node *root);

/* --- load_states.c ---------------------------------------------------------------------------- */

void scxml_load_states(struct loader *loader, const struct xml_node *root);

/* --- load_content.c, load_cargo.c ------------------------------------------------------------- */

/* From `first` on up to `end`, which is not among them (NULL: all siblings). */
const struct scxml_action *scxml_load_actions(struct loader *loader, const struct xml_node *first,
                                              const struct xml_node *end);
struct scxml_block *scxml_load_block(struct loader *loader, const struct xml_node *node);
scxml_expression_id scxml_load_script(struct loader *loader, const struct xml_node *node);
struct scxml_cargo scxml_load_cargo(struct loader *loader, const struct xml_node *node);
const struct scxml_send *scxml_load_send(struct loader *loader, const struct xml_node *node);
/* NULL: the <raise> of section 5 carries nothing. */
const struct scxml_send *scxml_load_raise_with_cargo(struct loader *loader,
                                                     const struct xml_node *node,
                                                     struct text event);
struct scxml_invoke *scxml_load_invoke(struct loader *loader, const struct xml_node *node,
                                       uint32_t state);
/* The items of the <datamodel> in a state. */
const struct scxml_data_item *scxml_load_data(struct loader *loader, const struct xml_node *node);

/* --- load_modules.c --------------------------------------------------------------------------- */

/* The module of a namespace ("queue"), NULL: of none. */
const char *scxml_module_of(struct text uri);
const struct scxml_module_element *scxml_load_module(struct loader *loader,
                                                     const struct xml_node *node);

#endif
