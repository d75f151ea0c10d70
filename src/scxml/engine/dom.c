/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/engine/dom.h"

#include "format/xml.h"

enum { ELEMENTS_MAX = 20000, DEPTH_MAX = XML_DEPTH_MAX, NODE_SLOTS = 8 };
enum { ELEMENT = 1, ATTRIBUTE = 2, TEXT_NODE = 3, DOCUMENT = 9 }; /* nodeType */

/* Uses no name of the global object: sessions may change those. */
static const char prototype_source[] =
    "(function () {\n"
    "    'use strict';\n"
    "    function collect(node, fits, found) {\n"
    "        var children = node.childNodes || [];\n"
    "        for (var i = 0; i < children.length; i++) {\n"
    "            if (children[i].nodeType !== 1) continue;\n"
    "            if (fits(children[i])) found[found.length] = children[i];\n"
    "            collect(children[i], fits, found);\n"
    "        }\n"
    "        return found;\n"
    "    }\n"
    "    function attribute(node, name) {\n"
    "        var all = node.attributes || [];\n"
    "        for (var i = 0; i < all.length; i++) if (all[i].name === name) return all[i];\n"
    "        return null;\n"
    "    }\n"
    "    function text(node) {\n"
    "        if (node.nodeType === 3) return node.nodeValue;\n"
    "        var all = '';\n"
    "        for (var i = 0; i < node.childNodes.length; i++) all += text(node.childNodes[i]);\n"
    "        return all;\n"
    "    }\n"
    "    function neighbour(node, step) {\n"
    "        var all = node.parentNode ? node.parentNode.childNodes : [];\n"
    "        for (var i = 0; i < all.length; i++) if (all[i] === node) return all[i + step] || "
    "null;\n"
    "        return null;\n"
    "    }\n"
    "    return {\n"
    "        getElementsByTagName: function (name) {\n"
    "            name = '' + name;\n"
    "            return collect(this, function (node) {\n"
    "                return name === '*' || node.nodeName === name; }, []);\n"
    "        },\n"
    "        getElementsByTagNameNS: function (uri, name) {\n"
    "            return collect(this, function (node) {\n"
    "                return (uri === '*' || node.namespaceURI === (uri || null)) &&\n"
    "                    (name === '*' || node.localName === name); }, []);\n"
    "        },\n"
    "        getElementById: function (id) {\n"
    "            return collect(this, function (node) {\n"
    "                return node.getAttribute('id') === id; }, [])[0] || null;\n"
    "        },\n"
    "        getAttribute: function (name) {\n"
    "            var found = attribute(this, '' + name);\n"
    "            return found && found.value;\n"
    "        },\n"
    "        hasAttribute: function (name) { return attribute(this, '' + name) !== null; },\n"
    "        hasChildNodes: function () { return this.childNodes.length > 0; },\n"
    "        get firstChild() { return this.childNodes[0] || null; },\n"
    "        get lastChild() { return this.childNodes[this.childNodes.length - 1] || null; },\n"
    "        get nextSibling() { return neighbour(this, 1); },\n"
    "        get previousSibling() { return neighbour(this, -1); },\n"
    "        get documentElement() {\n"
    "            return this.nodeType === 9 ? this.childNodes[0] : null; },\n"
    "        get textContent() { return this.nodeType === 9 ? null : text(this); },\n"
    "        get data() { return this.nodeType === 3 ? this.nodeValue : undefined; },\n"
    "        toJSON: function () {},\n"
    "        toString: function () { return '[object ' + this.nodeName + ']'; }\n"
    "    };\n"
    "})()";

/* [] -> [prototype of all nodes]; made when the heap sees its first XML. */
static void push_prototype(duk_context *ctx)
{
    struct scxml_evaluator *evaluator = evaluator_of(ctx);
    if (evaluator->dom) {
        duk_push_heapptr(ctx, evaluator->dom);
        return;
    }
    duk_push_heapptr(ctx, evaluator->stash);
    duk_push_string(ctx, prototype_source);
    duk_eval(ctx);
    raw_share(ctx, -1);
    duk_dup(ctx, -1);
    duk_put_prop_index(ctx, -3, STASH_DOM);
    duk_remove(ctx, -2);
    evaluator->dom = duk_get_heapptr(ctx, -1);
}

/* [object] -> [object] */
static void add(duk_context *ctx, const char *name, struct text value)
{
    if (value.len)
        engine_push_text(ctx, value);
    else
        duk_push_null(ctx);
    duk_put_prop_string(ctx, -2, name);
}

static void push_full_name(duk_context *ctx, struct text prefix, struct text name)
{
    engine_push_text(ctx, prefix);
    duk_push_string(ctx, prefix.len ? ":" : "");
    engine_push_text(ctx, name);
    duk_concat(ctx, 3);
}

/* [object] -> [object], with what elements and attributes have in common. */
static void add_names(duk_context *ctx, struct text prefix, struct text uri, struct text name)
{
    push_full_name(ctx, prefix, name);
    duk_put_prop_literal(ctx, -2, "nodeName");
    add(ctx, "localName", name);
    add(ctx, "prefix", prefix);
    add(ctx, "namespaceURI", uri);
}

/* [element] -> [element] */
static void add_attributes(duk_context *ctx, const struct xml_node *element)
{
    duk_uarridx_t count = 0;
    duk_push_array(ctx);
    for (const struct xml_attribute *at = element->attributes; at; at = at->next) {
        duk_push_object(ctx);
        duk_push_int(ctx, ATTRIBUTE);
        duk_put_prop_literal(ctx, -2, "nodeType");
        add_names(ctx, at->prefix, at->uri, at->name);
        duk_get_prop_literal(ctx, -1, "nodeName");
        duk_put_prop_literal(ctx, -2, "name");
        engine_push_text(ctx, at->value);
        duk_dup(ctx, -1);
        duk_put_prop_literal(ctx, -3, "nodeValue");
        duk_put_prop_literal(ctx, -2, "value");
        duk_put_prop_index(ctx, -2, count++);
    }
    duk_put_prop_literal(ctx, -2, "attributes");
}

/* [] -> [node] without children and parent. */
static void push_bare_node(duk_context *ctx, int type)
{
    duk_push_object(ctx);
    push_prototype(ctx);
    duk_set_prototype(ctx, -2);
    duk_push_int(ctx, type);
    duk_put_prop_literal(ctx, -2, "nodeType");
}

/* [parent children node] -> [parent children] */
static void append(duk_context *ctx)
{
    duk_push_literal(ctx, "parentNode");
    duk_dup(ctx, -4);
    duk_def_prop(ctx, -3,
                 DUK_DEFPROP_HAVE_VALUE | DUK_DEFPROP_SET_WC | DUK_DEFPROP_CLEAR_ENUMERABLE);
    duk_put_prop_index(ctx, -2, (duk_uarridx_t)duk_get_length(ctx, -2));
}

static void push_node(duk_context *ctx, const struct xml_node *node);

/* [parent] -> [parent] */
static void add_children(duk_context *ctx, const struct xml_node *first)
{
    duk_push_array(ctx);
    for (const struct xml_node *child = first; child; child = child->next) {
        push_node(ctx, child);
        append(ctx);
    }
    duk_put_prop_literal(ctx, -2, "childNodes");
}

static void push_node(duk_context *ctx, const struct xml_node *node)
{
    duk_require_stack(ctx, NODE_SLOTS);
    raw_tick(ctx, 1);
    push_bare_node(ctx, node->is_text ? TEXT_NODE : ELEMENT);
    if (node->is_text) {
        add(ctx, "nodeName", TEXT("#text"));
        engine_push_text(ctx, node->text);
        duk_put_prop_literal(ctx, -2, "nodeValue");
        add_children(ctx, NULL);
        return;
    }
    add_names(ctx, node->prefix, node->uri, node->name);
    duk_get_prop_literal(ctx, -1, "nodeName");
    duk_put_prop_literal(ctx, -2, "tagName");
    add(ctx, "nodeValue", TEXT(""));
    add_attributes(ctx, node);
    add_children(ctx, node->children);
}

static struct xml_node *read_xml(duk_context *ctx, struct text xml)
{
    static const struct xml_limits limits = { SCXML_DOCUMENT_BYTES_MAX, DEPTH_MAX, ELEMENTS_MAX };
    struct scope *scratch = evaluator_of(ctx)->scratch;
    struct xml_node *root;
    scope_reset(scratch);
    return xml_read(xml, &limits, scratch, &root, NULL, NULL, NULL) ? NULL : root;
}

bool engine_is_xml(duk_context *ctx, struct text text)
{
    return read_xml(ctx, text) != NULL;
}

bool engine_push_dom(duk_context *ctx, struct text xml)
{
    const struct xml_node *root = read_xml(ctx, xml);
    if (!root) return false;
    push_bare_node(ctx, DOCUMENT);
    add(ctx, "nodeName", TEXT("#document"));
    add(ctx, "nodeValue", TEXT(""));
    add_children(ctx, root);
    return true;
}

bool engine_is_dom(duk_context *ctx, duk_idx_t index)
{
    void *dom = evaluator_of(ctx)->dom;
    if (!dom || !duk_is_object(ctx, index) || duk_is_function(ctx, index)) return false;
    duk_get_prototype(ctx, index);
    bool is_dom = duk_get_heapptr(ctx, -1) == dom;
    duk_pop(ctx);
    return is_dom;
}

/* --- back to text ----------------------------------------------------------------------------- */

/* A node may stand in many places, and is written in each of them. */
static void require_room(duk_context *ctx, size_t bytes)
{
    const struct scxml_evaluator *evaluator = evaluator_of(ctx);
    raw_tick(ctx, 1 + (int64_t)(bytes / 16));
    if (scope_bytes(evaluator->scratch) + bytes > evaluator->session_max)
        (void)duk_error(ctx, DUK_ERR_RANGE_ERROR, "XML is too large");
}

/* A property that is a string; "" for null. Not of ours any more: throws. */
static struct text read_string(duk_context *ctx, const char *name)
{
    struct text text = TEXT("");
    duk_get_prop_string(ctx, -1, name);
    if (!duk_is_null_or_undefined(ctx, -1)) {
        (void)duk_require_string(ctx, -1);
        require_room(ctx, duk_get_length(ctx, -1));
        text = engine_read_text(ctx, -1, evaluator_of(ctx)->scratch);
    }
    duk_pop(ctx);
    return text;
}

/* [element] -> [element] */
static struct xml_attribute *read_attributes(duk_context *ctx)
{
    struct xml_attribute *first = NULL, **end = &first;
    duk_get_prop_literal(ctx, -1, "attributes");
    duk_size_t count = duk_get_length(ctx, -1);
    for (duk_size_t i = 0; i < count; i++) {
        require_room(ctx, sizeof **end);
        duk_get_prop_index(ctx, -1, (duk_uarridx_t)i);
        *end = scope_alloc(evaluator_of(ctx)->scratch, sizeof **end);
        **end = (struct xml_attribute){ .prefix = read_string(ctx, "prefix"),
                                        .uri = read_string(ctx, "namespaceURI"),
                                        .name = read_string(ctx, "localName"),
                                        .value = read_string(ctx, "value") };
        end = &(*end)->next;
        duk_pop(ctx);
    }
    duk_pop(ctx);
    return first;
}

/* [node] -> [node] */
static struct xml_node *read_node(duk_context *ctx, struct xml_node *parent, int depth)
{
    if (depth > DEPTH_MAX) (void)duk_error(ctx, DUK_ERR_RANGE_ERROR, "XML is too deep");
    duk_require_stack(ctx, NODE_SLOTS);
    require_room(ctx, sizeof(struct xml_node));
    struct xml_node *node = scope_alloc(evaluator_of(ctx)->scratch, sizeof *node);
    duk_get_prop_literal(ctx, -1, "nodeType");
    node->is_text = duk_get_int(ctx, -1) == TEXT_NODE;
    duk_pop(ctx);
    node->parent = parent;
    if (node->is_text) {
        node->text = read_string(ctx, "nodeValue");
        return node;
    }
    node->prefix = read_string(ctx, "prefix");
    node->uri = read_string(ctx, "namespaceURI");
    node->name = read_string(ctx, "localName");
    node->attributes = read_attributes(ctx);
    struct xml_node **end = &node->children;
    duk_get_prop_literal(ctx, -1, "childNodes");
    duk_size_t count = duk_get_length(ctx, -1);
    for (duk_size_t i = 0; i < count; i++) {
        duk_get_prop_index(ctx, -1, (duk_uarridx_t)i);
        *end = read_node(ctx, node, depth + 1);
        end = &(*end)->next;
        duk_pop(ctx);
    }
    duk_pop(ctx);
    return node;
}

void engine_add_dom(duk_context *ctx, duk_idx_t index, struct buf *out)
{
    duk_idx_t top = duk_get_top(ctx);
    scope_reset(evaluator_of(ctx)->scratch);
    duk_dup(ctx, index);
    duk_get_prop_literal(ctx, -1, "nodeType");
    if (duk_get_int(ctx, -1) == DOCUMENT) {
        duk_get_prop_literal(ctx, -2, "childNodes");
        duk_get_prop_index(ctx, -1, 0);
    } else {
        duk_dup(ctx, -2);
    }
    xml_write(out, read_node(ctx, NULL, 0));
    duk_set_top(ctx, top);
}
