/* SPDX-License-Identifier: Apache-2.0 */
/* libxml2's SAX2 interface fills our tree. It is always given UTF-8 that we hold ourselves, so that
 * its position is an offset into our bytes, where we look up what SAX does not tell: the place of
 * each tag and attribute. What libxml2 does in more than linear time is bounded before or during
 * the parse: attributes of one element (xml_scan.c) and namespaces in scope. */
#include "format/xml.h"
#include "base/table.h"
#include "format/xml_scan.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <string.h>

struct name { /* names and namespaces are kept once; libxml2 gives one pointer for equal ones */
    const xmlChar *from;
    struct text kept;
};

struct reader {
    struct text in;
    const struct xml_limits *limits;
    struct scope *scope;
    struct table *names;
    xmlParserCtxtPtr parser;
    struct xml_node *root, *current, *last; /* last: the newest child of current */
    struct buf run;                         /* text since the last tag */
    size_t run_from;                        /* where the last tag ended */
    struct xml_place run_place;
    struct xml_cursor cursor;
    uint32_t elements, depth;
    uint32_t namespaces, open_attributes; /* of what is open */
    bool has_failed;
    struct fault fault;
    struct xml_place failed_at;
};

static size_t offset_now(struct reader *reader)
{
    long consumed = xmlByteConsumed(reader->parser);
    size_t offset = consumed < 0 ? 0 : (size_t)consumed;
    return offset < reader->in.len ? offset : reader->in.len;
}

/* --- ends ------------------------------------------------------------------------------------- */

static struct fault *fail(struct reader *reader, size_t offset)
{
    if (reader->has_failed) return NULL;
    reader->has_failed = true;
    reader->failed_at = xml_place_of(&reader->cursor, offset);
    return &reader->fault;
}

static void on_error(void *self, xmlErrorPtr error)
{
    struct reader *reader = self;
    if (error->level < XML_ERR_ERROR) return; /* "www.example.org is a relative namespace" */
    struct text words = text_trim(text_of(error->message));
    (void)fault_set(fail(reader, offset_now(reader)), ERR_INVALID, "xml", "%.*s",
                    TEXT_ARG(text_slice(words, 0, 200)));
    /* xmlStopParser() here would free what the parser is reading. */
    reader->parser->disableSAX = 1;
    reader->parser->instate = XML_PARSER_EOF;
}

static void stop_past(struct reader *reader, size_t offset, uint32_t limit, const char *what)
{
    (void)fault_set(fail(reader, offset), ERR_LIMIT, "xml", "more than %u %s", limit, what);
    xmlStopParser(reader->parser);
}

/* --- the tree --------------------------------------------------------------------------------- */

static struct text name_of(struct reader *reader, const xmlChar *from)
{
    if (from == NULL || *from == '\0') return TEXT("");
    struct name *name = table_get(reader->names, TEXT_OF(&from));
    if (name == NULL) {
        name = scope_alloc(reader->scope, sizeof *name);
        *name = (struct name){ .from = from,
                               .kept = scope_keep(reader->scope, text_of((const char *)from)) };
        table_put(reader->names, TEXT_OF(&name->from), name);
    }
    return name->kept;
}

static struct xml_node *add_node(struct reader *reader, struct xml_place place)
{
    struct xml_node *node = scope_alloc(reader->scope, sizeof *node);
    *node =
        (struct xml_node){ .parent = reader->current, .line = place.line, .column = place.column };
    if (reader->last)
        reader->last->next = node;
    else if (reader->current)
        reader->current->children = node;
    reader->last = node;
    return node;
}

static void end_run(struct reader *reader)
{
    if (reader->run.len == 0) return;
    struct xml_node *node = add_node(reader, reader->run_place);
    node->is_text = true;
    node->text = scope_keep(reader->scope, buf_text(&reader->run));
    buf_clear(&reader->run);
}

static void on_text(void *self, const xmlChar *at, int len)
{
    struct reader *reader = self;
    if (reader->has_failed || reader->current == NULL) return;
    if (reader->run.len == 0)
        reader->run_place =
            xml_place_of(&reader->cursor, xml_scan_text(reader->in, reader->run_from));
    buf_add(&reader->run, (struct text){ (const char *)at, (size_t)len });
}

static struct xml_attribute *add_attribute(struct reader *reader, struct xml_attribute ***end)
{
    struct xml_attribute *attribute = scope_alloc(reader->scope, sizeof *attribute);
    **end = attribute;
    *end = &attribute->next;
    return attribute;
}

static void find_attribute(struct reader *reader, struct xml_scan *scan,
                           struct xml_attribute *attribute)
{
    size_t at = xml_scan_attribute(scan, attribute->prefix, attribute->name);
    struct xml_place place = xml_place_of(&reader->cursor, at);
    attribute->line = place.line;
    attribute->column = place.column;
}

enum { NAME, PREFIX, URI, VALUE, VALUE_END, SAX_FIELDS }; /* of startElementNs' attributes */

static void add_attributes(struct reader *reader, struct xml_node *node, size_t tag,
                           const xmlChar **namespaces, int namespace_count,
                           const xmlChar **attributes, int attribute_count)
{
    struct xml_attribute **end = &node->attributes;
    struct xml_scan scan = { reader->in, tag };
    for (int i = 0; i < namespace_count; i++) {
        struct xml_attribute *attribute = add_attribute(reader, &end);
        struct text prefix = name_of(reader, namespaces[2 * i]);
        attribute->prefix = prefix.len ? TEXT("xmlns") : TEXT("");
        attribute->name = prefix.len ? prefix : TEXT("xmlns");
        attribute->uri = TEXT(XML_XMLNS_URI);
        attribute->value = name_of(reader, namespaces[2 * i + 1]);
        find_attribute(reader, &scan, attribute);
    }
    scan = (struct xml_scan){ reader->in, tag };
    for (int i = 0; i < attribute_count; i++, attributes += SAX_FIELDS) {
        struct xml_attribute *attribute = add_attribute(reader, &end);
        attribute->prefix = name_of(reader, attributes[PREFIX]);
        attribute->name = name_of(reader, attributes[NAME]);
        attribute->uri = name_of(reader, attributes[URI]);
        attribute->value = scope_keep(
            reader->scope, (struct text){ (const char *)attributes[VALUE],
                                          (size_t)(attributes[VALUE_END] - attributes[VALUE]) });
        find_attribute(reader, &scan, attribute);
    }
}

static void on_start(void *self, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespace_count, const xmlChar **namespaces, int attribute_count,
                     int defaulted_count, const xmlChar **attributes)
{
    struct reader *reader = self;
    (void)defaulted_count; /* a DTD's */
    if (reader->has_failed) return;
    end_run(reader);
    size_t end = offset_now(reader), tag = xml_scan_tag(reader->in, end);
    reader->namespaces += (uint32_t)namespace_count;
    reader->open_attributes += (uint32_t)(namespace_count + attribute_count);
    if (++reader->elements > reader->limits->elements_max)
        stop_past(reader, tag, reader->limits->elements_max, "elements");
    else if (++reader->depth > reader->limits->depth_max)
        stop_past(reader, tag, reader->limits->depth_max, "elements one in another");
    else if (reader->namespaces > XML_NAMESPACES_MAX)
        stop_past(reader, tag, XML_NAMESPACES_MAX, "namespaces declared at a time");
    else if (reader->open_attributes > XML_OPEN_ATTRIBUTES_MAX)
        stop_past(reader, tag, XML_OPEN_ATTRIBUTES_MAX, "attributes one in another");
    if (reader->has_failed) return;

    struct xml_node *node = add_node(reader, xml_place_of(&reader->cursor, tag));
    node->prefix = name_of(reader, prefix);
    node->uri = name_of(reader, uri);
    node->name = name_of(reader, name);
    add_attributes(reader, node, tag, namespaces, namespace_count, attributes, attribute_count);
    if (reader->root == NULL) reader->root = node;
    reader->current = node;
    reader->last = NULL;
    reader->run_from = end + 1; /* behind its ">"; one of "/>" holds no text */
}

static void on_end(void *self, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct reader *reader = self;
    (void)name;
    (void)prefix;
    (void)uri;
    if (reader->has_failed || reader->current == NULL) return;
    end_run(reader);
    for (const struct xml_attribute *at = reader->current->attributes; at; at = at->next) {
        reader->namespaces -= text_eq(at->uri, TEXT(XML_XMLNS_URI));
        reader->open_attributes--;
    }
    reader->last = reader->current;
    reader->current = reader->current->parent;
    reader->depth--;
    reader->run_from = offset_now(reader);
}

static void on_doctype(void *self, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    struct reader *reader = self;
    (void)name;
    (void)id;
    (void)system;
    (void)fault_set(fail(reader, xml_scan_tag(reader->in, offset_now(reader))), ERR_INVALID, "xml",
                    "a document type declaration is not allowed");
    xmlStopParser(reader->parser);
}

/* --- the door --------------------------------------------------------------------------------- */

static void set_up(xmlParserCtxtPtr parser, struct reader *reader)
{
    xmlSAXHandlerPtr sax = parser->sax;
    memset(sax, 0, sizeof *sax);
    sax->initialized = XML_SAX2_MAGIC;
    sax->internalSubset = on_doctype;
    sax->startElementNs = on_start;
    sax->endElementNs = on_end;
    sax->characters = on_text;
    sax->ignorableWhitespace = on_text;
    sax->cdataBlock = on_text;
    sax->serror = on_error;
    parser->userData = reader;
    parser->encoding = xmlStrdup((const xmlChar *)"UTF-8"); /* so that it does not guess */
    /* NOENT: &amp; becomes & in attributes as well; other entities there are none. */
    (void)xmlCtxtUseOptions(parser, XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
}

static void parse(struct reader *reader)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, xmlInitParser);
    reader->parser = xmlCreateMemoryParserCtxt(reader->in.at, (int)reader->in.len);
    ASSERT(reader->parser != NULL);
    set_up(reader->parser, reader);
    (void)xmlParseDocument(reader->parser);
    if (reader->root == NULL || reader->current)
        (void)fault_set(fail(reader, reader->in.len), ERR_INVALID, "xml", "no whole document");
    if (reader->parser->myDoc) xmlFreeDoc(reader->parser->myDoc);
    xmlFreeParserCtxt(reader->parser);
}

static enum err read_utf8(struct reader *reader)
{
    size_t crowded;
    if (text_trim(reader->in).len == 0)
        return fault_set(fail(reader, 0), ERR_INVALID, "xml", "it is empty");
    if (xml_scan_is_crowded(reader->in, XML_ATTRIBUTES_MAX, &crowded))
        return fault_set(fail(reader, crowded), ERR_LIMIT, "xml",
                         "an element with more than %d attributes", XML_ATTRIBUTES_MAX);
    parse(reader);
    return reader->has_failed ? reader->fault.err : ERR_OK;
}

enum err xml_read(struct text in, const struct xml_limits *limits, struct scope *scope,
                  struct xml_node **root, uint32_t *line, uint32_t *column, struct fault *fault)
{
    ASSERT(limits->depth_max <= XML_DEPTH_MAX && limits->bytes_max <= INT32_MAX / 4);
    struct scope *scratch = scope_new(NULL, "xml", SCOPE_NO_LIMIT);
    struct reader reader = { .limits = limits,
                             .scope = scope,
                             .names = table_new(scratch),
                             .cursor = xml_cursor((struct text){ 0 }) };
    enum err err = in.len > limits->bytes_max
                       ? fault_set(fail(&reader, 0), ERR_LIMIT, "xml", "more than %zu bytes",
                                   limits->bytes_max)
                       : xml_scan_decode(in, scratch, &reader.in, &reader.fault);
    reader.cursor = xml_cursor(reader.in);
    if (!err) err = read_utf8(&reader);
    if (!err)
        *root = reader.root;
    else if (fault)
        *fault = reader.fault;
    if (err && line) *line = reader.has_failed ? reader.failed_at.line : 1;
    if (err && column) *column = reader.has_failed ? reader.failed_at.column : 1;
    buf_free(&reader.run);
    scope_close(scratch);
    return err;
}
