/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/load.h"
#include "scxml/include.h"
#include "scxml/load_private.h"

enum { FETCHES_MAX = 1000, EFFORT_MAX = 10000000 /* pairs of letters compared: some 20 ms */ };

static uint32_t add_file(struct loader *loader, struct text address)
{
    struct text name = scope_keep(loader->scope, address);
    buf_add(&loader->files, TEXT_OF(&name));
    return (uint32_t)(loader->files.len / sizeof name - 1);
}

static void add_to_hash(struct loader *loader, struct text bytes)
{
    uint64_t both[2] = { loader->hash, text_hash(bytes) };
    loader->hash = text_hash(TEXT_OF(&both));
}

enum err scxml_load_fetch(struct loader *loader, struct text address, uint32_t *file,
                          struct text *body, struct fault *fault)
{
    if (loader->is_inline) {
        *body = TEXT("");
        return ERR_OK;
    }
    if (loader->load->fetch == NULL)
        return fault_set(fault, ERR_DENIED, "src", "nothing can be fetched here");
    if (++loader->fetches > FETCHES_MAX)
        return fault_set(fault, ERR_LIMIT, "src", "a document may take in %d files", FETCHES_MAX);
    enum err err = loader->load->fetch(loader->load->self, address, loader->scratch, body, fault);
    if (err) return err;
    if (loader->bytes + body->len > SCXML_DOCUMENT_BYTES_MAX)
        return fault_set(fault, ERR_LIMIT, "src",
                         "a document and what it takes in may have %d bytes",
                         SCXML_DOCUMENT_BYTES_MAX);
    loader->bytes += body->len;
    if (file == NULL) return ERR_OK;
    add_to_hash(loader, *body);
    *file = add_file(loader, address);
    return ERR_OK;
}

/* --- what the root says ----------------------------------------------------------------------- */

static bool is_attribute(const struct xml_node *root, const char *name, const char *value)
{
    const struct xml_attribute *attribute = xml_attribute(root, text_of(name));
    return attribute && text_eq(text_trim(attribute->value), text_of(value));
}

/* Section 5: profile="ecmascript" without datamodel. */
static bool has_profile(const struct xml_node *root)
{
    return is_attribute(root, "profile", "ecmascript") && !scxml_has_attribute(root, "datamodel");
}

static bool is_legacy(const struct xml_node *root, enum scxml_dialect dialect)
{
    if (dialect != SCXML_DIALECT_AUTO) return dialect == SCXML_DIALECT_LEGACY;
    return has_profile(root) || is_attribute(root, "_dialect", "ors");
}

static bool read_datamodel(struct loader *loader, const struct xml_node *root)
{
    const struct xml_attribute *attribute = xml_attribute(root, TEXT("datamodel"));
    if (attribute == NULL) return loader->is_legacy || has_profile(root);
    struct text model = text_trim(attribute->value);
    bool is_ecmascript = text_eq(model, TEXT("ecmascript"));
    if (!is_ecmascript && !text_eq(model, TEXT("null")))
        scxml_attribute_error(loader, root, attribute,
                              "data model '%.*s' is not known: ecmascript and null are",
                              TEXT_ARG(model));
    return is_ecmascript;
}

static bool read_binding(struct loader *loader, const struct xml_node *root)
{
    const struct xml_attribute *binding = xml_attribute(root, TEXT("binding"));
    bool is_late = is_attribute(root, "binding", "late");
    if (binding && !is_late && !is_attribute(root, "binding", "early"))
        scxml_attribute_error(loader, root, binding, "binding is early or late, not '%.*s'",
                              TEXT_ARG(binding->value));
    return is_late;
}

static void read_root(struct loader *loader, const struct xml_node *root)
{
    struct scxml_document *document = loader->document;
    document->name = scxml_keep_attribute(loader, root, "name");
    document->is_legacy = loader->is_legacy;
    const struct xml_attribute *version = xml_attribute(root, TEXT("version"));
    if (version && !is_attribute(root, "version", "1.0"))
        scxml_attribute_error(loader, root, version, "version '%.*s' is not known: 1.0 is",
                              TEXT_ARG(version->value));
    document->is_ecmascript = read_datamodel(loader, root);
    document->is_late_binding = read_binding(loader, root);
}

/* --- the door --------------------------------------------------------------------------------- */

static bool is_root(struct loader *loader, const struct xml_node *root)
{
    if (scxml_is_element(root, "scxml")) return true;
    if (!text_eq(root->name, TEXT("scxml")))
        scxml_error(loader, root, "the document is a <%.*s>, not an <scxml>", TEXT_ARG(root->name));
    else if (root->uri.len == 0)
        scxml_error(loader, root, "<scxml> lacks its namespace: xmlns=\"%s\"", SCXML_NAMESPACE);
    else
        scxml_error(loader, root, "<scxml> is of namespace '%.*s', not '%s'", TEXT_ARG(root->uri),
                    SCXML_NAMESPACE);
    return false;
}

static struct xml_node *read_source(struct loader *loader, struct text source)
{
    static const struct xml_limits limits = { SCXML_DOCUMENT_BYTES_MAX, SCXML_DEPTH_MAX,
                                              SCXML_ELEMENTS_MAX };
    struct xml_node *root;
    struct scxml_place place = { 0 };
    struct fault fault;
    if (!xml_read(source, &limits, loader->scratch, &root, &place.line, &place.column, &fault))
        return is_root(loader, root) ? root : NULL;
    loader->is_refused = true;
    scxml_find(loader->findings, loader->findings_scope, false, loader->load->url, place, "%s",
               fault.words);
    return NULL;
}

static void check_tree(struct loader *loader, const struct xml_node *root)
{
    scxml_check_elements(loader, root);
    read_root(loader, root);
    scxml_load_states(loader, root);
}

static void compile(struct loader *loader, struct xml_node *root, struct text source)
{
    loader->is_legacy = is_legacy(root, loader->load->dialect);
    uint64_t dialect = loader->is_legacy;
    add_to_hash(loader, TEXT_OF(&dialect));
    scxml_include(loader, root, source);
    check_tree(loader, root);
}

void scxml_check_inline(struct loader *outer, const struct xml_node *root)
{
    struct loader inner = *outer;
    inner.scope = outer->scratch;
    inner.document = scope_alloc(inner.scope, sizeof *inner.document);
    inner.is_inline = true;
    inner.is_legacy = is_legacy(root, outer->load->dialect);
    inner.expressions = inner.scripts = inner.invokes = (struct buf){ 0 };
    inner.state_ids = table_new(inner.scope);
    inner.data_ids = table_new(inner.scope);
    check_tree(&inner, root);
    outer->is_refused |= inner.is_refused;
    outer->effort = inner.effort;
    buf_free(&inner.expressions);
    buf_free(&inner.scripts);
    buf_free(&inner.invokes);
}

static void keep_expressions(struct loader *loader)
{
    struct scxml_document *document = loader->document;
    document->files = scxml_keep_array(loader, &loader->files);
    document->file_count = (uint32_t)(loader->files.len / sizeof *document->files);
    document->expressions = scxml_keep_array(loader, &loader->expressions);
    document->expression_count =
        (uint32_t)(loader->expressions.len / sizeof *document->expressions);
}

static void finish(struct loader *loader)
{
    struct scxml_document *document = loader->document;
    document->hash = loader->hash;
    keep_expressions(loader);
    document->scripts = scxml_keep_array(loader, &loader->scripts);
    document->script_count = (uint32_t)(loader->scripts.len / sizeof *document->scripts);
    document->invokes =
        (const struct scxml_invoke **)(uintptr_t)scxml_keep_array(loader, &loader->invokes);
    document->invoke_count = (uint32_t)(loader->invokes.len / sizeof *document->invokes);
    scxml_layout(document, loader->scope);
}

enum err scxml_load(struct text source, const struct scxml_load *load, struct scope *scope,
                    struct scxml_document **out, struct scxml_findings *findings)
{
    struct loader loader = { .load = load,
                             .scope = scope,
                             .scratch = scope_new(NULL, "scxml_load", SCOPE_NO_LIMIT),
                             .findings = findings,
                             .findings_scope = scope,
                             .document = scope_alloc(scope, sizeof *loader.document),
                             .effort = EFFORT_MAX };
    loader.state_ids = table_new(loader.scratch);
    loader.data_ids = table_new(loader.scratch);
    (void)add_file(&loader, load->url);
    add_to_hash(&loader, source);
    loader.bytes = source.len;
    struct xml_node *root = read_source(&loader, source);
    if (root) compile(&loader, root, source);
    enum err err = loader.is_refused ? ERR_INVALID : ERR_OK;
    if (!err)
        finish(&loader);
    else if (load->wants_expressions)
        keep_expressions(&loader);
    if (!err || load->wants_expressions) *out = loader.document;
    buf_free(&loader.files);
    buf_free(&loader.expressions);
    buf_free(&loader.scripts);
    buf_free(&loader.invokes);
    scope_close(loader.scratch);
    return err;
}
