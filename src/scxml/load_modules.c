/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of modules (orchestration 6): elements of the modules' namespaces, in both spellings.
 * All attributes are value expressions but `requestid` (a location where the action begins
 * something, a value where it names what was begun) and the literal ones of the table. */
#include "scxml/load_private.h"

struct action_rule {
    const char *module, *name;
    const char *parents;  /* elements of modules that it may stand in; "": it is an action */
    const char *literals; /* attributes that are no expressions */
    bool takes_request;   /* requestid is a value */
};

static const struct action_rule actions[] = {
    { "queue", "submit", "", "route" },
    { "queue", "query", "", "", true },
    { "queue", "cancel", "", "", true },
    { "queue", "update", "", "", true },
    { "queue", "targets", "submit", "type" },
    { "queue", "target", "targets", "type" },
    { "queue", "targetid", "targets", "" },
    { "interaction", "accept", "", "" },
    { "interaction", "createcall", "", "" },
    { "interaction", "createmessage", "", "" },
    { "interaction", "sendmessage", "", "" },
    { "interaction", "redirect", "", "" },
    { "interaction", "terminate", "", "" },
    { "interaction", "userevent", "", "" },
    { "interaction", "attach", "", "" },
    { "interaction", "detach", "", "" },
    { "interaction", "associate", "", "" },
    { "interaction", "privateservice", "", "" },
    { "interaction", "consultcall", "", "" },
    { "interaction", "completetransfer", "", "" },
    { "interaction", "updatedata", "", "" }, /* ours: decision 0038 */
    { "dialog", "runtreatments", "submit", "" },
    { "dialog", "play", " runtreatments", "" },
    { "dialog", "playsound", " runtreatments", "" },
    { "dialog", "playandcollect", " runtreatments", "" },
    { "dialog", "collect", " runtreatments", "" },
    { "dialog", "createann", " runtreatments", "" },
    { "dialog", "deleteann", " runtreatments", "" },
    { "dialog", "start", " runtreatments", "" },
    { "dialog", "stop", " runtreatments", "" },
    { "dialog", "remote", " runtreatments", "" },
    { "session", "start", "", "" },
    { "session", "terminate", "", "" },
    { "session", "updatestart", "", "" },
    { "session", "fetch", "", "" },
    { "ws", "response", "", "", true },
};

enum { ACTIONS = sizeof actions / sizeof actions[0] };

/* Their actions belong to a provider: every name is taken (6.4). */
static const char *const open_modules[] = { "classification", "statistic", "resource", "agent",
                                            "elasticconnector" };

static bool is_open(const char *module)
{
    for (size_t i = 0; i < sizeof open_modules / sizeof open_modules[0]; i++)
        if (text_eq(text_of(module), text_of(open_modules[i]))) return true;
    return false;
}

const char *scxml_module_of(struct text uri)
{
    static const char *const ours[] = { "session", "ws", "queue", "interaction", "dialog" };
    struct text stem = TEXT("www.genesyslab.com/modules/");
    if (text_starts(uri, TEXT("http://"))) uri = text_slice(uri, 7, uri.len);
    if (!text_starts(uri, stem)) return NULL;
    uri = text_slice(uri, stem.len, uri.len);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (text_eq(uri, text_of(ours[i]))) return ours[i];
    for (size_t i = 0; i < sizeof open_modules / sizeof open_modules[0]; i++)
        if (text_eq(uri, text_of(open_modules[i]))) return open_modules[i];
    return NULL;
}

static const struct action_rule *rule_of(const char *module, struct text name)
{
    static const struct action_rule provided = { "", "", "", "" };
    if (is_open(module)) return &provided;
    for (size_t i = 0; i < ACTIONS; i++)
        if (text_eq(text_of(actions[i].module), text_of(module)) &&
            text_eq(text_of(actions[i].name), name))
            return &actions[i];
    return NULL;
}

static bool holds(const char *names, struct text name)
{
    struct text rest = text_of(names), one;
    while (scxml_next_token(&rest, &one))
        if (text_eq(one, name)) return true;
    return false;
}

static void refuse_name(struct loader *loader, const struct xml_node *node, const char *module)
{
    struct scxml_guess guess = scxml_guess(node->name);
    for (size_t i = 0; i < ACTIONS; i++)
        if (text_eq(text_of(actions[i].module), text_of(module)))
            scxml_guess_offer(loader, &guess, text_of(actions[i].name));
    scxml_error(loader, node, "module %s has no action <%.*s>%.*s", module, TEXT_ARG(node->name),
                TEXT_ARG(scxml_guess_words(loader, &guess)));
}

/* `parent` NULL: in executable content. */
static void check_place(struct loader *loader, const struct xml_node *node,
                        const struct xml_node *parent, const struct action_rule *rule)
{
    struct text parents = text_of(rule->parents);
    bool is_action = parents.len == 0 || parents.at[0] == ' ';
    if (parent ? holds(rule->parents, parent->name) : is_action) return;
    if (parent)
        scxml_error(loader, node, "<%.*s> may not stand in <%.*s>: actions are not nested",
                    TEXT_ARG(node->name), TEXT_ARG(parent->name));
    else
        scxml_error(loader, node, "<%s> stands in <%.*s> only", rule->name,
                    TEXT_ARG(text_trim(parents)));
}

static const struct scxml_module_attribute *read_attributes(struct loader *loader,
                                                            const struct xml_node *node,
                                                            const struct action_rule *rule)
{
    const struct scxml_module_attribute *first = NULL, **end = &first;
    for (const struct xml_attribute *at = node->attributes; at; at = at->next) {
        bool is_request = text_eq(at->name, TEXT("requestid"));
        if (at->uri.len || (is_request && !rule->takes_request)) continue;
        struct scxml_module_attribute *attribute = scope_alloc(loader->scope, sizeof *attribute);
        bool is_literal = holds(rule->literals, at->name);
        *attribute = (struct scxml_module_attribute){
            .name = scope_keep(loader->scope, at->name),
            .literal = is_literal ? scope_keep(loader->scope, text_trim(at->value)) : TEXT(""),
            .expr = is_literal ? SCXML_NONE
                               : scxml_add_expression(
                                     loader, SCXML_VALUE, at->value,
                                     (struct scxml_place){ node->input, at->line, at->column })
        };
        *end = attribute;
        end = &attribute->next;
    }
    return first;
}

static struct scxml_module_element *read_element(struct loader *loader, const struct xml_node *node,
                                                 const struct xml_node *parent);

static const struct scxml_module_element *read_children(struct loader *loader,
                                                        const struct xml_node *node)
{
    const struct scxml_module_element *first = NULL, **end = &first;
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (at->is_text || scxml_is_element(at, "param") || scxml_is_element(at, "content"))
            continue;
        if (scxml_module_of(at->uri) == NULL) {
            scxml_error(loader, at, "<%.*s> may not stand in <%.*s>", TEXT_ARG(at->name),
                        TEXT_ARG(node->name));
            continue;
        }
        struct scxml_module_element *child = read_element(loader, at, node);
        *end = child;
        end = &child->next;
    }
    return first;
}

static struct scxml_module_element *read_element(struct loader *loader, const struct xml_node *node,
                                                 const struct xml_node *parent)
{
    const char *module = scxml_module_of(node->uri);
    const struct action_rule *rule = rule_of(module, node->name), none = { "", "", "", "" };
    if (rule == NULL)
        refuse_name(loader, node, module);
    else
        check_place(loader, node, parent, rule);
    if (rule == NULL) rule = &none;
    struct scxml_module_element *element = scope_alloc(loader->scope, sizeof *element);
    *element = (struct scxml_module_element){
        .module = text_of(module),
        .name = scope_keep(loader->scope, node->name),
        .attributes = read_attributes(loader, node, rule),
        .request_id = rule->takes_request
                          ? SCXML_NONE
                          : scxml_expression_of(loader, node, "requestid", SCXML_LOCATION),
        .cargo = scxml_load_cargo(loader, node),
        .children = read_children(loader, node),
        .place = scxml_place_of(node)
    };
    return element;
}

const struct scxml_module_element *scxml_load_module(struct loader *loader,
                                                     const struct xml_node *node)
{
    return read_element(loader, node, NULL);
}
