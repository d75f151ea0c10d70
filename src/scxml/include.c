/* SPDX-License-Identifier: Apache-2.0 */
/* One walk over the tree: what an xi:include stands for is put in its place and walked in turn. */
#include "scxml/include.h"
#include "format/encoding.h"

struct inclusion { /* the file that is being walked; the document itself is the last */
    const struct inclusion *outer;
    struct loader *loader;
    struct text address, xpointer, prefix;
    struct text source; /* its text */
    uint32_t file, nested;
};

static void walk_children(const struct inclusion *here, struct xml_node *parent, uint32_t depth);

static bool is_xinclude(const struct xml_node *node, const char *name)
{
    return !node->is_text && text_eq(node->uri, TEXT(XINCLUDE_NAMESPACE)) &&
           text_eq(node->name, text_of(name));
}

static struct text value_of(const struct xml_node *node, const char *name)
{
    const struct xml_attribute *attribute = xml_attribute(node, text_of(name));
    return attribute ? text_trim(attribute->value) : TEXT("");
}

/* --- what it refers to ------------------------------------------------------------------------ */

/* "http://host:80"; "" of a file. */
static struct text origin_of(struct text address)
{
    struct text scheme, rest;
    if (text_starts(address, TEXT("file:")) || !text_cut(address, ':', &scheme, &rest) ||
        !text_starts(rest, TEXT("//")))
        return TEXT("");
    size_t slash = text_find(rest, '/', 2);
    return text_slice(address, 0, slash == SIZE_MAX ? address.len : scheme.len + 1 + slash);
}

static bool is_circle(const struct inclusion *at, struct text address, struct text xpointer)
{
    for (; at; at = at->outer)
        if (text_eq(at->address, address) && text_eq(at->xpointer, xpointer)) return true;
    return false;
}

/* The bytes behind `address`, which may be the very file that the element stands in. */
static enum err fetch(const struct inclusion *here, const struct xml_node *node,
                      struct inclusion *there, struct fault *fault)
{
    struct loader *loader = here->loader;
    if (!text_eq_fold(origin_of(there->address), origin_of(loader->load->url)))
        return fault_set(fault, ERR_DENIED, "href",
                         "it does not lie where the document lies, in '%.*s'",
                         TEXT_ARG(origin_of(loader->load->url)));
    if (value_of(node, "href").len) {
        return scxml_load_fetch(loader, there->address, &there->file, &there->source, fault);
    }
    there->file = here->file;
    there->source = here->source;
    return ERR_OK;
}

/* --- what comes in ---------------------------------------------------------------------------- */

static uint32_t number(struct xml_node *node, uint32_t file)
{
    uint32_t elements = !node->is_text;
    node->input = file;
    for (struct xml_node *at = node->children; at; at = at->next) elements += number(at, file);
    return elements;
}

static bool is_declaration(const struct xml_attribute *attribute)
{
    return text_eq(attribute->uri, TEXT(XML_XMLNS_URI));
}

static bool declares(const struct xml_node *node, struct text name)
{
    for (const struct xml_attribute *at = node->attributes; at; at = at->next)
        if (is_declaration(at) && text_eq(at->name, name)) return true;
    return false;
}

static void declare(struct loader *loader, struct xml_node *node,
                    const struct xml_attribute *declaration)
{
    struct xml_attribute *copy = scope_alloc(loader->scratch, sizeof *copy);
    *copy = *declaration;
    copy->next = node->attributes;
    node->attributes = copy;
    loader->declarations++;
}

/* What its ancestors declared it now declares itself, and that it has no default namespace. */
static void keep_namespaces(struct loader *loader, struct xml_node *node)
{
    for (const struct xml_node *above = node->parent; above; above = above->parent)
        for (const struct xml_attribute *at = above->attributes; at; at = at->next)
            if (is_declaration(at) && !declares(node, at->name)) declare(loader, node, at);
    static const struct xml_attribute none = { .uri = { XML_XMLNS_URI, sizeof XML_XMLNS_URI - 1 },
                                               .name = { "xmlns", 5 },
                                               .value = { "", 0 } };
    if (!declares(node, none.name)) declare(loader, node, &none);
}

static enum err select_from(struct loader *loader, struct xml_node *root, struct text xpointer,
                            struct xml_node *holder, struct fault *fault)
{
    struct buf found = { 0 };
    enum err err = xpointer.len ? scxml_select(root, xpointer, &found) : ERR_OK;
    if (xpointer.len == 0) buf_add(&found, TEXT_OF(&root));
    if (err)
        (void)fault_set(fault, err, "xpointer", "xpointer '%.*s' %s", TEXT_ARG(xpointer),
                        err == ERR_NOT_FOUND ? "selects nothing" : "is of no form that is read");
    struct xml_node **nodes = (struct xml_node **)(void *)found.at;
    size_t count = found.len / sizeof(struct xml_node *);
    for (size_t i = 0; i < count && loader->declarations < LOAD_DECLARATIONS_MAX; i++)
        keep_namespaces(loader, nodes[i]);
    if (loader->declarations >= LOAD_DECLARATIONS_MAX)
        err = fault_set(fault, ERR_LIMIT, "xpointer", "with it there are more than %d namespaces",
                        LOAD_DECLARATIONS_MAX);
    for (size_t i = 0; i < count; i++) nodes[i]->next = i + 1 < count ? nodes[i + 1] : NULL;
    if (!err) holder->children = nodes[0];
    buf_free(&found);
    return err;
}

static enum err take_xml(const struct inclusion *there, struct xml_node *holder,
                         struct fault *fault)
{
    struct loader *loader = there->loader;
    struct xml_limits limits = { SCXML_DOCUMENT_BYTES_MAX, SCXML_DEPTH_MAX, SCXML_ELEMENTS_MAX };
    struct xml_node *root;
    struct scxml_place place = { .file = there->file };
    if (xml_read(there->source, &limits, loader->scratch, &root, &place.line, &place.column,
                 fault)) {
        loader->is_refused = true;
        scxml_find(loader->findings, loader->findings_scope, false, there->address, place, "%s",
                   fault->words);
        return fault_set(fault, ERR_INVALID, "href", "it is not well-formed");
    }
    enum err err = select_from(loader, root, there->xpointer, holder, fault);
    uint32_t elements = 0;
    for (struct xml_node *at = holder->children; at; at = at->next)
        elements += number(at, there->file);
    if (loader->elements + elements > SCXML_ELEMENTS_MAX) {
        holder->children = NULL;
        return fault_set(fault, ERR_LIMIT, "href", "with it there are more than %d elements",
                         SCXML_ELEMENTS_MAX);
    }
    loader->elements += elements;
    return err;
}

static enum err take_text(const struct inclusion *there, const struct xml_node *node,
                          struct xml_node *holder, struct fault *fault)
{
    struct loader *loader = there->loader;
    struct text name = value_of(node, "encoding"), text;
    struct encoding *encoding;
    enum err err =
        encoding_open(loader->scratch, name.len ? name : TEXT("UTF-8"), &encoding, fault);
    if (!err) {
        err = encoding_decode(encoding, there->source, loader->scratch, &text);
        if (err)
            (void)fault_set(fault, err, "href", "it holds bytes that are no %.*s",
                            name.len ? (int)name.len : 5, name.len ? name.at : "UTF-8");
    }
    if (err) return err;
    struct text mark = TEXT("\xEF\xBB\xBF");
    struct xml_node *run = scope_alloc(loader->scratch, sizeof *run);
    *run = (struct xml_node){ .is_text = true,
                              .input = there->file,
                              .text = text_slice(text, text_starts(text, mark) ? mark.len : 0,
                                                 text.len),
                              .line = 1,
                              .column = 1 };
    holder->children = run;
    return ERR_OK;
}

/* --- one xi:include --------------------------------------------------------------------------- */

static enum err find_prefix(const struct inclusion *here, const struct xml_node *node,
                            struct text *prefix, struct fault *fault)
{
    struct text own = value_of(node, "resolveid");
    *prefix = here->prefix;
    if (own.len == 0) return ERR_OK;
    for (size_t i = 0; i < own.len; i++)
        if (text_find(TEXT(" \t\r\n'\"\\<&"), own.at[i], 0) != SIZE_MAX)
            return fault_set(fault, ERR_INVALID, "resolveid", "resolveid '%.*s' is no name",
                             TEXT_ARG(own));
    bool is_whole = here->prefix.len == 0 || text_starts(own, here->prefix);
    *prefix = is_whole ? own
                       : scope_format(here->loader->scratch, "%.*s.%.*s", TEXT_ARG(here->prefix),
                                      TEXT_ARG(own));
    if (prefix->len > INCLUDE_PREFIX_MAX)
        return fault_set(fault, ERR_LIMIT, "resolveid", "a prefix may have %d bytes",
                         INCLUDE_PREFIX_MAX);
    return ERR_OK;
}

/* What the element stands for below `holder`. `*is_resource`: it could not be had, so that its
 * fallback counts; other errors are final. */
static enum err take_in(const struct inclusion *here, const struct xml_node *node,
                        struct inclusion *there, struct xml_node *holder, bool *is_resource,
                        struct fault *fault)
{
    *is_resource = false;
    struct loader *loader = here->loader;
    struct text href = value_of(node, "href"), parse = value_of(node, "parse");
    bool is_text = text_eq(parse, TEXT("text"));
    *there = (struct inclusion){ .outer = here,
                                 .loader = loader,
                                 .xpointer = value_of(node, "xpointer"),
                                 .nested = here->nested + 1 };
    there->address = href.len ? scxml_resolve(here->address, href, loader->scratch) : here->address;
    if (!is_text && parse.len && !text_eq(parse, TEXT("xml")))
        return fault_set(fault, ERR_INVALID, "parse", "parse is xml or text, not '%.*s'",
                         TEXT_ARG(parse));
    if (!is_text && is_circle(here, there->address, there->xpointer))
        return fault_set(fault, ERR_CONFLICT, "href", "it includes itself");
    if (there->nested > INCLUDE_NESTED_MAX)
        return fault_set(fault, ERR_LIMIT, "href", "more than %d files one in another",
                         INCLUDE_NESTED_MAX);
    enum err err = find_prefix(here, node, &there->prefix, fault);
    if (err) return err;
    err = fetch(here, node, there, fault);
    *is_resource = err && err != ERR_LIMIT && err != ERR_DENIED;
    if (!err)
        err = is_text ? take_text(there, node, holder, fault) : take_xml(there, holder, fault);
    return err;
}

static struct xml_node *fallback_of(const struct xml_node *node)
{
    struct xml_node *at = node->children;
    while (at && !is_xinclude(at, "fallback")) at = at->next;
    return at;
}

/* The nodes that take the place of an xi:include, walked already. */
static struct xml_node *stand_in(const struct inclusion *here, const struct xml_node *node,
                                 uint32_t depth)
{
    struct inclusion there;
    struct xml_node holder = { 0 }, *fallback = fallback_of(node);
    struct fault fault = { 0 };
    bool is_resource;
    enum err err = take_in(here, node, &there, &holder, &is_resource, &fault);
    if (!err) {
        /* Text comes in as it is: a script's file knows nothing of prefixes. */
        if (!text_eq(value_of(node, "parse"), TEXT("text"))) walk_children(&there, &holder, depth);
        return holder.children;
    }
    if (is_resource && fallback) {
        walk_children(here, fallback, depth);
        return fallback->children;
    }
    struct text name = value_of(node, value_of(node, "href").len ? "href" : "xpointer");
    scxml_error(here->loader, node, "cannot include '%.*s': %s", TEXT_ARG(name), fault.words);
    return NULL;
}

/* --- the walk --------------------------------------------------------------------------------- */

static void write_prefix(const struct inclusion *here, struct xml_node *node)
{
    if (here->prefix.len == 0 && !here->loader->is_legacy) return;
    if (node->is_text)
        scxml_prefix_text(here->loader, node, here->prefix);
    else
        scxml_prefix_element(here->loader, node, here->prefix);
}

static void walk_node(const struct inclusion *here, struct xml_node *node, uint32_t depth)
{
    write_prefix(here, node);
    if (node->is_text) return;
    if (depth > SCXML_DEPTH_MAX) {
        scxml_error(here->loader, node, "more than %d elements one in another", SCXML_DEPTH_MAX);
        node->children = NULL;
    }
    walk_children(here, node, depth + 1);
}

static void walk_children(const struct inclusion *here, struct xml_node *parent, uint32_t depth)
{
    struct xml_node **link = &parent->children;
    while (*link) {
        struct xml_node *node = *link, *rest = node->next;
        if (!is_xinclude(node, "include")) {
            walk_node(here, node, depth);
            link = &node->next;
            continue;
        }
        write_prefix(here, node);
        *link = stand_in(here, node, depth);
        for (; *link; link = &(*link)->next) (*link)->parent = parent;
        *link = rest;
    }
}

static uint32_t count_elements(const struct xml_node *node)
{
    uint32_t count = 1;
    for (const struct xml_node *at = node->children; at; at = at->next)
        if (!at->is_text) count += count_elements(at);
    return count;
}

void scxml_include(struct loader *loader, struct xml_node *root, struct text source)
{
    struct inclusion here = { .loader = loader,
                              .address = loader->load->url,
                              .xpointer = TEXT(""),
                              .prefix = TEXT(""),
                              .source = source };
    loader->elements = count_elements(root);
    walk_node(&here, root, 1);
}
