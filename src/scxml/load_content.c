/* SPDX-License-Identifier: Apache-2.0 */
/* Executable content, and <data>. The tables of load_rules.c have spoken already: here an element
 * that stands in a wrong place is passed over. */
#include "scxml/load_private.h"

/* --- what can be fetched ---------------------------------------------------------------------- */

static enum err fetch_source(struct loader *loader, const struct xml_node *node, uint32_t *file,
                             struct text *body, struct fault *fault)
{
    const struct xml_attribute *src = xml_attribute(node, TEXT("src"));
    struct text address =
        scxml_resolve(scxml_file_of(loader, node), text_trim(src->value), loader->scratch);
    return scxml_load_fetch(loader, address, file, body, fault);
}

/* --- <script> --------------------------------------------------------------------------------- */

static const struct xml_node *first_text(const struct xml_node *node)
{
    const struct xml_node *at = node->children;
    while (at && !at->is_text) at = at->next;
    return at;
}

/* W3C test 301: a document whose script cannot be fetched is refused. */
static scxml_expression_id fetched_script(struct loader *loader, const struct xml_node *node)
{
    const struct xml_attribute *src = xml_attribute(node, TEXT("src"));
    struct scxml_place place = { .line = 1, .column = 1 };
    struct text body;
    struct fault fault = { 0 };
    if (fetch_source(loader, node, &place.file, &body, &fault)) {
        scxml_attribute_error(loader, node, src, "script '%.*s' cannot be fetched: %s",
                              TEXT_ARG(src->value), fault.words);
        return SCXML_NONE;
    }
    if (text_starts(body, TEXT("\xEF\xBB\xBF"))) body = text_slice(body, 3, body.len);
    if (!text_is_utf8(body))
        scxml_attribute_error(loader, node, src, "script '%.*s' is not in UTF-8",
                              TEXT_ARG(src->value));
    return scxml_add_expression(loader, SCXML_SCRIPT, body, place);
}

scxml_expression_id scxml_load_script(struct loader *loader, const struct xml_node *node)
{
    const struct xml_attribute *src = xml_attribute(node, TEXT("src"));
    struct text body = xml_text(node, loader->scratch);
    if (!loader->document->is_ecmascript)
        scxml_warning(loader, node, "the null data model has no scripts");
    if (src && text_trim(body).len)
        scxml_attribute_error(loader, node, src, "<script> has 'src' and a text of its own");
    if (src) return fetched_script(loader, node);
    const struct xml_node *text = first_text(node);
    return scxml_add_expression(loader, SCXML_SCRIPT, body, scxml_place_of(text ? text : node));
}

/* --- <data> ----------------------------------------------------------------------------------- */

static void fetch_data(struct loader *loader, const struct xml_node *node,
                       struct scxml_data_item *item)
{
    struct text body;
    struct fault fault = { 0 };
    enum err err = fetch_source(loader, node, NULL, &body, &fault);
    if (!err && !text_is_utf8(body)) err = fault_set(&fault, ERR_INVALID, "src", "it is no UTF-8");
    item->is_missing = err != ERR_OK;
    if (item->is_missing)
        scxml_warning(loader, node, "data %.*s: '%.*s' cannot be fetched: %s", TEXT_ARG(item->id),
                      TEXT_ARG(xml_attribute(node, TEXT("src"))->value), fault.words);
    else
        item->body = (struct scxml_payload){ SCXML_DATA_BODY, scope_keep(loader->scope, body) };
}

static void read_item(struct loader *loader, const struct xml_node *node,
                      struct scxml_data_item *item)
{
    *item = (struct scxml_data_item){
        .id = scxml_keep_attribute(loader, node, "id"),
        .expr = scxml_expression_of(loader, node, "expr", SCXML_VALUE),
        .body = scxml_body_of(loader, node),
        .is_parameter = loader->is_legacy &&
                        text_eq(scxml_keep_attribute(loader, node, "_type"), TEXT("parameter")),
        .description = loader->is_legacy ? scxml_keep_attribute(loader, node, "_desc") : TEXT(""),
        .place = scxml_place_of(node)
    };
    bool has_src = scxml_has_attribute(node, "src");
    if (scxml_has_attribute(node, "id") && item->id.len == 0)
        scxml_error(loader, node, "an id is empty");
    if (item->body.kind && (item->expr != SCXML_NONE || has_src))
        scxml_error(loader, node, "data %.*s has '%s' and a value between its tags",
                    TEXT_ARG(item->id), has_src ? "src" : "expr");
    if (has_src) fetch_data(loader, node, item);
    const struct scxml_data_item *other = table_get(loader->data_ids, item->id);
    if (other)
        scxml_warning(loader, node, "data '%.*s' is one variable with that of line %u",
                      TEXT_ARG(item->id), other->place.line);
    else
        table_put(loader->data_ids, item->id, item);
}

const struct scxml_data_item *scxml_load_data(struct loader *loader, const struct xml_node *node)
{
    const struct scxml_data_item *first = NULL, **end = &first;
    for (const struct xml_node *model = node->children; model; model = model->next) {
        if (!scxml_is_element(model, "datamodel")) continue;
        if (!loader->document->is_ecmascript && model->children)
            scxml_warning(loader, model, "the null data model has no data");
        for (const struct xml_node *at = model->children; at; at = at->next) {
            if (!scxml_is_element(at, "data")) continue;
            struct scxml_data_item *item = scope_alloc(loader->scope, sizeof *item);
            read_item(loader, at, item);
            *end = item;
            end = &item->next;
        }
    }
    return first;
}

/* --- <if> ------------------------------------------------------------------------------------- */

static bool begins_branch(const struct xml_node *node)
{
    return scxml_is_element(node, "elseif") || scxml_is_element(node, "else");
}

/* From `head` (<if>, <elseif> or <else>), whose content begins at `first`, to the next head. */
static struct scxml_branch *read_branch(struct loader *loader, const struct xml_node *head,
                                        const struct xml_node *first, const struct xml_node **next)
{
    const struct xml_node *end = first;
    while (end && !begins_branch(end)) end = end->next;
    struct scxml_branch *branch = scope_alloc(loader->scope, sizeof *branch);
    *branch =
        (struct scxml_branch){ .cond = scxml_expression_of(loader, head, "cond", SCXML_CONDITION),
                               .actions = scxml_load_actions(loader, first, end) };
    if (end && scxml_is_element(head, "else"))
        scxml_error(loader, end, "<%.*s> behind <else>", TEXT_ARG(end->name));
    *next = end;
    return branch;
}

static const struct scxml_branch *read_branches(struct loader *loader, const struct xml_node *node)
{
    const struct xml_node *head;
    struct scxml_branch *first = read_branch(loader, node, node->children, &head), *last = first;
    while (head) {
        struct scxml_branch *branch = read_branch(loader, head, head->next, &head);
        last->next = branch;
        last = branch;
    }
    return first;
}

/* --- the other actions ------------------------------------------------------------------------ */

static void read_raise(struct loader *loader, const struct xml_node *node,
                       struct scxml_action *action)
{
    struct text event = scxml_keep_attribute(loader, node, "event");
    if (scxml_has_attribute(node, "event") && event.len == 0)
        scxml_error(loader, node, "<raise> has an empty event");
    const struct scxml_send *send =
        loader->is_legacy ? scxml_load_raise_with_cargo(loader, node, event) : NULL;
    action->kind = send ? SCXML_SEND : SCXML_RAISE;
    if (send)
        action->send = send;
    else
        action->event = event;
}

static void read_if(struct loader *loader, const struct xml_node *node, struct scxml_action *action)
{
    action->kind = SCXML_IF;
    action->branches = read_branches(loader, node);
}

static void read_foreach(struct loader *loader, const struct xml_node *node,
                         struct scxml_action *action)
{
    action->kind = SCXML_FOREACH;
    action->foreach.array = scxml_expression_of(loader, node, "array", SCXML_VALUE);
    action->foreach.item = scxml_keep_attribute(loader, node, "item");
    action->foreach.index = scxml_keep_attribute(loader, node, "index");
    action->foreach.actions = scxml_load_actions(loader, node->children, NULL);
    if (!loader->document->is_ecmascript)
        scxml_warning(loader, node, "the null data model has no <foreach>");
}

static void read_log(struct loader *loader, const struct xml_node *node,
                     struct scxml_action *action)
{
    action->kind = SCXML_LOG;
    action->log.label = scxml_keep_attribute(loader, node, "label");
    action->log.expr = scxml_expression_of(loader, node, "expr", SCXML_VALUE);
    const struct xml_attribute *level = xml_attribute(node, TEXT("level"));
    if (level && loader->is_legacy &&
        text_to_u32(text_trim(level->value), 1, 3, &action->log.level))
        scxml_attribute_error(loader, node, level,
                              "level is 1 (trace), 2 (interaction) or 3 (standard), not '%.*s'",
                              TEXT_ARG(level->value));
}

static void read_assign(struct loader *loader, const struct xml_node *node,
                        struct scxml_action *action)
{
    action->kind = SCXML_ASSIGN;
    action->assign.location = scxml_expression_of(loader, node, "location", SCXML_LOCATION);
    action->assign.expr = scxml_expression_of(loader, node, "expr", SCXML_VALUE);
    action->assign.body = scxml_body_of(loader, node);
    bool has_expr = action->assign.expr != SCXML_NONE;
    if (has_expr && action->assign.body.kind)
        scxml_error(loader, node, "<assign> has 'expr' and a value between its tags");
    if (!has_expr && !action->assign.body.kind)
        scxml_error(loader, node, "<assign> needs 'expr' or a value between its tags");
    if (!loader->document->is_ecmascript)
        scxml_warning(loader, node, "the null data model has no <assign>");
}

static void read_script(struct loader *loader, const struct xml_node *node,
                        struct scxml_action *action)
{
    action->kind = SCXML_RUN;
    action->script = scxml_load_script(loader, node);
}

static void read_send(struct loader *loader, const struct xml_node *node,
                      struct scxml_action *action)
{
    action->kind = SCXML_SEND;
    action->send = scxml_load_send(loader, node);
}

static void read_cancel(struct loader *loader, const struct xml_node *node,
                        struct scxml_action *action)
{
    action->kind = SCXML_CANCEL;
    action->cancel.send_id = scxml_keep_attribute(loader, node, "sendid");
    action->cancel.send_id_expr = scxml_expression_of(loader, node, "sendidexpr", SCXML_VALUE);
    if (!scxml_has_attribute(node, "sendid") && !scxml_has_attribute(node, "sendidexpr"))
        scxml_error(loader, node, "<cancel> needs 'sendid' or 'sendidexpr'");
}

static const struct {
    const char *name;
    void (*read)(struct loader *loader, const struct xml_node *node, struct scxml_action *action);
} readers[] = {
    { "raise", read_raise }, { "if", read_if },         { "foreach", read_foreach },
    { "log", read_log },     { "assign", read_assign }, { "script", read_script },
    { "send", read_send },   { "cancel", read_cancel },
};

static bool read_action(struct loader *loader, const struct xml_node *node,
                        struct scxml_action *action)
{
    if (scxml_module_of(node->uri)) {
        action->kind = SCXML_MODULE;
        action->module = scxml_load_module(loader, node);
        return true;
    }
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (!scxml_is_element(node, readers[i].name)) continue;
        readers[i].read(loader, node, action);
        return true;
    }
    return false;
}

const struct scxml_action *scxml_load_actions(struct loader *loader, const struct xml_node *first,
                                              const struct xml_node *end)
{
    const struct scxml_action *head = NULL, **tail = &head;
    for (const struct xml_node *at = first; at != end; at = at->next) {
        if (at->is_text) continue;
        struct scxml_action *action = scope_alloc(loader->scope, sizeof *action);
        action->place = scxml_place_of(at);
        if (!read_action(loader, at, action)) continue;
        *tail = action;
        tail = &action->next;
    }
    return head;
}

struct scxml_block *scxml_load_block(struct loader *loader, const struct xml_node *node)
{
    struct scxml_block *block = scope_alloc(loader->scope, sizeof *block);
    *block = (struct scxml_block){ .actions = scxml_load_actions(loader, node->children, NULL),
                                   .place = scxml_place_of(node) };
    return block;
}
