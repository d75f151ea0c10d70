/* SPDX-License-Identifier: Apache-2.0 */
/* <send>, <invoke>, and what they carry. */
#include "scxml/load_private.h"

/* --- content and pairs ------------------------------------------------------------------------ */

static const struct scxml_content *read_content(struct loader *loader, const struct xml_node *node)
{
    struct scxml_content *content = scope_alloc(loader->scope, sizeof *content);
    *content =
        (struct scxml_content){ .expr = scxml_expression_of(loader, node, "expr", SCXML_VALUE),
                                .body = scxml_body_of(loader, node),
                                .place = scxml_place_of(node) };
    if (loader->is_legacy && content->expr == SCXML_NONE)
        content->expr = scxml_expression_of(loader, node, "_expr", SCXML_VALUE);
    if (content->expr != SCXML_NONE && content->body.kind)
        scxml_error(loader, node, "<content> has 'expr' and a body of its own");
    if (content->expr == SCXML_NONE && !content->body.kind)
        content->body = (struct scxml_payload){ SCXML_DATA_BODY, TEXT("") };
    return content;
}

static struct scxml_param *read_param(struct loader *loader, const struct xml_node *node)
{
    struct scxml_param *param = scope_alloc(loader->scope, sizeof *param);
    scxml_expression_id expr = scxml_expression_of(loader, node, "expr", SCXML_VALUE);
    if (expr == SCXML_NONE) expr = scxml_expression_of(loader, node, "location", SCXML_LOCATION);
    *param = (struct scxml_param){ .name = scxml_keep_attribute(loader, node, "name"),
                                   .expr = expr,
                                   .place = scxml_place_of(node) };
    if (expr == SCXML_NONE)
        scxml_error(loader, node, "param %.*s needs 'expr' or 'location'", TEXT_ARG(param->name));
    return param;
}

static const struct scxml_param **read_namelist(struct loader *loader, const struct xml_node *node,
                                                const struct scxml_param **end)
{
    const struct xml_attribute *list = xml_attribute(node, TEXT("namelist"));
    if (list == NULL) return end;
    struct scxml_place place = { node->input, list->line, list->column };
    for (struct text rest = list->value, name; scxml_next_token(&rest, &name);) {
        scxml_expression_id location = scxml_add_expression(loader, SCXML_LOCATION, name, place);
        if (location == SCXML_NONE) break;
        struct scxml_param *param = scope_alloc(loader->scope, sizeof *param);
        *param = (struct scxml_param){ .name = scope_keep(loader->scope, name),
                                       .expr = location,
                                       .is_of_namelist = true,
                                       .place = place };
        *end = param;
        end = &param->next;
    }
    return end;
}

static struct scxml_cargo read_cargo(struct loader *loader, const struct xml_node *node)
{
    struct scxml_cargo cargo = { 0 };
    const struct scxml_param **end = read_namelist(loader, node, &cargo.params);
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (scxml_is_element(at, "content") && cargo.content == NULL)
            cargo.content = read_content(loader, at);
        if (!scxml_is_element(at, "param")) continue;
        struct scxml_param *param = read_param(loader, at);
        *end = param;
        end = &param->next;
    }
    return cargo;
}

/* <invoke> sends its pairs to the document that is its <content>; elsewhere one excludes the other.
 */
static void check_cargo(struct loader *loader, const struct xml_node *node,
                        const struct scxml_cargo *cargo)
{
    if (cargo->content && cargo->params)
        scxml_error(loader, node, "<%.*s> carries <content> and %s: one excludes the other",
                    TEXT_ARG(node->name),
                    cargo->params->is_of_namelist ? "a namelist" : "a <param>");
}

struct scxml_cargo scxml_load_cargo(struct loader *loader, const struct xml_node *node)
{
    struct scxml_cargo cargo = read_cargo(loader, node);
    check_cargo(loader, node, &cargo);
    return cargo;
}

/* --- <send> ----------------------------------------------------------------------------------- */

/* Section 5: in the legacy dialect the plain attribute is an expression as well. */
static void read_either(struct loader *loader, const struct xml_node *node, const char *plain,
                        const char *with_expr, struct text *literal, scxml_expression_id *expr)
{
    *literal = TEXT("");
    *expr = scxml_expression_of(loader, node, with_expr, SCXML_VALUE);
    if (!loader->is_legacy)
        *literal = scxml_keep_attribute(loader, node, plain);
    else if (*expr == SCXML_NONE)
        *expr = scxml_expression_of(loader, node, plain, SCXML_VALUE);
}

static void read_delay(struct loader *loader, const struct xml_node *node, struct scxml_send *send)
{
    struct text delay;
    read_either(loader, node, "delay", "delayexpr", &delay, &send->delay_expr);
    const struct xml_attribute *attribute = xml_attribute(node, TEXT("delay"));
    if (loader->is_legacy || attribute == NULL) return;
    if (!scxml_parse_delay(delay, &send->delay_ms))
        scxml_attribute_error(loader, node, attribute,
                              "delay '%.*s' is no time such as '500ms' or '1.5s'", TEXT_ARG(delay));
}

static void check_event(struct loader *loader, const struct xml_node *node,
                        const struct scxml_send *send)
{
    bool is_ours = send->type_expr == SCXML_NONE &&
                   (send->type.len == 0 || text_eq(send->type, TEXT("scxml")) ||
                    text_eq(send->type, TEXT(SCXML_EVENT_PROCESSOR)));
    if (is_ours && send->event.len == 0 && send->event_expr == SCXML_NONE &&
        send->cargo.content == NULL)
        scxml_error(loader, node, "<send> needs 'event', 'eventexpr' or <content>");
    bool is_delayed = scxml_has_attribute(node, "delay") || scxml_has_attribute(node, "delayexpr");
    if (is_delayed && text_eq(send->target, TEXT("#_internal")))
        scxml_error(loader, node, "a <send> to #_internal cannot be delayed");
}

const struct scxml_send *scxml_load_send(struct loader *loader, const struct xml_node *node)
{
    struct scxml_send *send = scope_alloc(loader->scope, sizeof *send);
    send->id = scxml_keep_attribute(loader, node, "id");
    send->id_location = scxml_expression_of(loader, node, "idlocation", SCXML_LOCATION);
    read_either(loader, node, "event", "eventexpr", &send->event, &send->event_expr);
    read_either(loader, node, "target", "targetexpr", &send->target, &send->target_expr);
    read_either(loader, node, "type", "typeexpr", &send->type, &send->type_expr);
    read_delay(loader, node, send);
    send->cargo = scxml_load_cargo(loader, node);
    check_event(loader, node, send);
    return send;
}

/* The draft of May 2009 let <raise> carry pairs: a <send> to the internal queue. NULL: it carries
 * none. */
const struct scxml_send *scxml_load_raise_with_cargo(struct loader *loader,
                                                     const struct xml_node *node, struct text event)
{
    struct scxml_cargo cargo = scxml_load_cargo(loader, node);
    if (cargo.content == NULL && cargo.params == NULL) return NULL;
    struct scxml_send *send = scope_alloc(loader->scope, sizeof *send);
    *send = (struct scxml_send){ .event = event,
                                 .target = TEXT("#_internal"),
                                 .event_expr = SCXML_NONE,
                                 .target_expr = SCXML_NONE,
                                 .type_expr = SCXML_NONE,
                                 .id_location = SCXML_NONE,
                                 .delay_expr = SCXML_NONE,
                                 .cargo = cargo };
    return send;
}

/* --- <invoke> --------------------------------------------------------------------------------- */

static bool read_autoforward(struct loader *loader, const struct xml_node *node)
{
    const struct xml_attribute *attribute = xml_attribute(node, TEXT("autoforward"));
    if (attribute == NULL) return false;
    struct text word = text_trim(attribute->value);
    bool is_true = text_eq(word, TEXT("true"));
    if (!is_true && !text_eq(word, TEXT("false")))
        scxml_attribute_error(loader, node, attribute, "autoforward is true or false, not '%.*s'",
                              TEXT_ARG(word));
    return is_true;
}

static const struct scxml_block *read_finalize(struct loader *loader, const struct xml_node *node)
{
    const struct xml_node *at = node->children;
    while (at && !scxml_is_element(at, "finalize")) at = at->next;
    return at ? scxml_load_block(loader, at) : NULL;
}

static void check_source(struct loader *loader, const struct xml_node *node,
                         const struct scxml_invoke *invoke)
{
    bool has_src = scxml_has_attribute(node, "src") || invoke->src_expr != SCXML_NONE;
    if (!has_src && invoke->cargo.content == NULL)
        scxml_warning(loader, node, "<invoke> has neither 'src' nor 'srcexpr' nor <content>");
    if (has_src && invoke->cargo.content)
        scxml_error(loader, node, "<invoke> has 'src' and <content>: one excludes the other");
    bool has_param = false;
    for (const struct scxml_param *at = invoke->cargo.params; at; at = at->next)
        has_param |= !at->is_of_namelist;
    if (has_param && invoke->cargo.params->is_of_namelist)
        scxml_error(loader, node, "<invoke> has 'namelist' and <param>: one excludes the other");
}

/* Who starts it knows the document's address only: what an included file refers to is made whole.
 */
static struct text read_src(struct loader *loader, const struct xml_node *node)
{
    struct text src = scxml_keep_attribute(loader, node, "src");
    if (node->input == 0 || src.len == 0) return src;
    return scxml_resolve(scxml_file_of(loader, node), src, loader->scope);
}

static void check_document(struct loader *loader, const struct xml_node *node)
{
    for (const struct xml_node *content = node->children; content; content = content->next)
        for (const struct xml_node *at = content->children; at; at = at->next)
            if (scxml_is_element(content, "content") && scxml_is_element(at, "scxml"))
                scxml_check_inline(loader, at);
}

struct scxml_invoke *scxml_load_invoke(struct loader *loader, const struct xml_node *node,
                                       uint32_t state)
{
    struct scxml_invoke *invoke = scope_alloc(loader->scope, sizeof *invoke);
    *invoke = (struct scxml_invoke){
        .index = (uint32_t)(loader->invokes.len / sizeof invoke),
        .state = state,
        .type = scxml_keep_attribute(loader, node, "type"),
        .src = read_src(loader, node),
        .id = scxml_keep_attribute(loader, node, "id"),
        .type_expr = scxml_expression_of(loader, node, "typeexpr", SCXML_VALUE),
        .src_expr = scxml_expression_of(loader, node, "srcexpr", SCXML_VALUE),
        .id_location = scxml_expression_of(loader, node, "idlocation", SCXML_LOCATION),
        .cargo = read_cargo(loader, node),
        .is_autoforward = read_autoforward(loader, node),
        .finalize = read_finalize(loader, node),
        .place = scxml_place_of(node)
    };
    check_source(loader, node, invoke);
    check_document(loader, node);
    buf_add(&loader->invokes, TEXT_OF(&invoke));
    return invoke;
}
