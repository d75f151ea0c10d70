/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand where (orchestration 3.1, the Recommendation's chapters 3 to 6), as a table.
 * Unknown attributes are warnings, for they are harmless; unknown or misplaced elements are errors,
 * for a session would run without them. */
#include "scxml/load_private.h"

#include <string.h>

enum kind {
    SCXML,
    STATE,
    PARALLEL,
    FINAL,
    INITIAL,
    HISTORY,
    TRANSITION,
    ONENTRY,
    ONEXIT,
    DATAMODEL,
    DATA,
    DONEDATA,
    CONTENT,
    PARAM,
    INVOKE,
    FINALIZE,
    RAISE,
    IF,
    ELSEIF,
    ELSE,
    FOREACH,
    LOG,
    ASSIGN,
    SCRIPT,
    SEND,
    CANCEL,
    KINDS
};

#define BIT(kind) (UINT32_C(1) << (kind))
#define STATES    (BIT(STATE) | BIT(PARALLEL))
#define HANDLERS  (BIT(ONENTRY) | BIT(ONEXIT))
#define CARGO     (BIT(CONTENT) | BIT(PARAM))
#define HARMLESS  (BIT(IF) | BIT(FOREACH) | BIT(LOG) | BIT(ASSIGN) | BIT(SCRIPT) | BIT(CANCEL))
#define ACTIONS   (HARMLESS | BIT(RAISE) | BIT(SEND))

struct rule {
    const char *name;
    const char *attributes; /* those in front of '|' are required, those behind a second '|' are of
                               section 5 */
    const char *one_of;     /* groups that exclude each other: "a b, c d" */
    uint32_t children, once;
    bool is_open; /* what stands in it is data: not looked at */
    bool has_text;
};

static const struct rule rules[KINDS] = {
    [SCXML] = { "scxml", "version|initial name datamodel binding|profile", "",
                STATES | BIT(FINAL) | BIT(DATAMODEL) | BIT(SCRIPT), BIT(DATAMODEL) },
    [STATE] = { "state", "|id initial|", "",
                STATES | HANDLERS | BIT(TRANSITION) | BIT(INITIAL) | BIT(FINAL) | BIT(HISTORY) |
                    BIT(DATAMODEL) | BIT(INVOKE),
                BIT(INITIAL) | BIT(DATAMODEL) },
    [PARALLEL] = { "parallel", "|id|", "",
                   STATES | HANDLERS | BIT(TRANSITION) | BIT(HISTORY) | BIT(DATAMODEL) |
                       BIT(INVOKE),
                   BIT(DATAMODEL) },
    [FINAL] = { "final", "|id|", "", HANDLERS | BIT(DONEDATA), BIT(DONEDATA) },
    [INITIAL] = { "initial", "||", "", BIT(TRANSITION), BIT(TRANSITION) },
    [HISTORY] = { "history", "|id type|", "", BIT(TRANSITION), BIT(TRANSITION) },
    [TRANSITION] = { "transition", "|event cond target type|", "", ACTIONS },
    [ONENTRY] = { "onentry", "||", "", ACTIONS },
    [ONEXIT] = { "onexit", "||", "", ACTIONS },
    [DATAMODEL] = { "datamodel", "||", "", BIT(DATA) },
    [DATA] = { "data", "id|src expr|", "src expr", .is_open = true },
    [DONEDATA] = { "donedata", "||", "", CARGO, BIT(CONTENT) },
    [CONTENT] = { "content", "|expr|", "", .is_open = true },
    [PARAM] = { "param", "name|expr location|", "expr location" },
    [INVOKE] = { "invoke", "|type typeexpr src srcexpr id idlocation namelist autoforward|",
                 "type typeexpr, src srcexpr, id idlocation", CARGO | BIT(FINALIZE),
                 BIT(CONTENT) | BIT(FINALIZE) },
    [FINALIZE] = { "finalize", "||", "", HARMLESS },
    [RAISE] = { "raise", "event||", "" },
    [IF] = { "if", "cond||", "", ACTIONS | BIT(ELSEIF) | BIT(ELSE), BIT(ELSE) },
    [ELSEIF] = { "elseif", "cond||", "" },
    [ELSE] = { "else", "||", "" },
    [FOREACH] = { "foreach", "array item|index|", "", ACTIONS },
    [LOG] = { "log", "|label expr|level", "" },
    [ASSIGN] = { "assign", "location|expr|", "", .is_open = true },
    [SCRIPT] = { "script", "|src|", "", .has_text = true },
    [SEND] = { "send",
               "|event eventexpr target targetexpr type typeexpr id idlocation delay delayexpr "
               "namelist|",
               "event eventexpr, target targetexpr, type typeexpr, id idlocation, delay delayexpr",
               CARGO, BIT(CONTENT) },
    [CANCEL] = { "cancel", "|sendid sendidexpr|", "sendid sendidexpr" },
};

static enum kind kind_of(const struct xml_node *node) /* KINDS: none of SCXML */
{
    if (!text_eq(node->uri, TEXT(SCXML_NAMESPACE))) return KINDS;
    enum kind kind = 0;
    while (kind < KINDS && !text_eq(node->name, text_of(rules[kind].name))) kind++;
    return kind;
}

/* --- attributes ------------------------------------------------------------------------------- */

enum { REQUIRED, OPTIONAL, LEGACY, GROUPS };

static void split_attributes(const struct rule *rule, struct text groups[GROUPS])
{
    struct text rest = text_of(rule->attributes);
    for (int i = 0; i < GROUPS; i++) (void)text_next_item(&rest, '|', &groups[i]);
}

static bool holds(struct text names, struct text name)
{
    for (struct text one; scxml_next_token(&names, &one);)
        if (text_eq(one, name)) return true;
    return false;
}

static bool is_known(const struct loader *loader, const struct text groups[GROUPS],
                     struct text name)
{
    if (holds(groups[REQUIRED], name) || holds(groups[OPTIONAL], name)) return true;
    /* The product's own attributes begin so: _dialect, _persist, _expr, _type, _desc. */
    return loader->is_legacy && (holds(groups[LEGACY], name) || text_starts(name, TEXT("_")));
}

static void warn_of_unknown(struct loader *loader, const struct xml_node *node,
                            const struct xml_attribute *attribute, const struct text groups[GROUPS])
{
    struct scxml_guess guess = scxml_guess(attribute->name);
    for (int i = 0; i < LEGACY; i++)
        for (struct text rest = groups[i], name; scxml_next_token(&rest, &name);)
            scxml_guess_offer(loader, &guess, name);
    struct xml_node place = *node; /* where the attribute stands */
    place.line = attribute->line;
    place.column = attribute->column;
    scxml_warning(loader, &place, "<%.*s> has no attribute '%.*s'%.*s", TEXT_ARG(node->name),
                  TEXT_ARG(attribute->name), TEXT_ARG(scxml_guess_words(loader, &guess)));
}

static void check_exclusions(struct loader *loader, const struct xml_node *node,
                             const struct rule *rule)
{
    struct text pairs = text_of(rule->one_of), pair, first, second;
    while (text_next_item(&pairs, ',', &pair)) {
        if (!scxml_next_token(&pair, &first) || !scxml_next_token(&pair, &second)) continue;
        const struct xml_attribute *other = xml_attribute(node, second);
        if (other && xml_attribute(node, first))
            scxml_attribute_error(loader, node, other,
                                  "<%s> has '%.*s' and '%.*s': one excludes "
                                  "the other",
                                  rule->name, TEXT_ARG(first), TEXT_ARG(second));
    }
}

static void check_attributes(struct loader *loader, const struct xml_node *node,
                             const struct rule *rule)
{
    struct text groups[GROUPS];
    split_attributes(rule, groups);
    for (const struct xml_attribute *at = node->attributes; at; at = at->next)
        if (at->uri.len == 0 && !is_known(loader, groups, at->name))
            warn_of_unknown(loader, node, at, groups);
    for (struct text rest = groups[REQUIRED], name; scxml_next_token(&rest, &name);)
        if (xml_attribute(node, name) == NULL)
            scxml_error(loader, node, "<%s> lacks its attribute '%.*s'", rule->name,
                        TEXT_ARG(name));
    check_exclusions(loader, node, rule);
}

static void check_element(struct loader *loader, const struct xml_node *node, enum kind kind);

/* --- children --------------------------------------------------------------------------------- */

static void refuse_unknown(struct loader *loader, const struct xml_node *node)
{
    struct scxml_guess guess = scxml_guess(node->name);
    for (enum kind kind = 0; kind < KINDS; kind++)
        scxml_guess_offer(loader, &guess, text_of(rules[kind].name));
    scxml_error(loader, node, "SCXML has no element <%.*s>%.*s", TEXT_ARG(node->name),
                TEXT_ARG(scxml_guess_words(loader, &guess)));
}

/* Of what stands in an action of a module, the cargo is SCXML's. */
static void check_action(struct loader *loader, const struct xml_node *node)
{
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (at->is_text) continue;
        enum kind kind = kind_of(at);
        if (kind == PARAM || kind == CONTENT)
            check_element(loader, at, kind);
        else
            check_action(loader, at);
    }
}

/* Of another namespace: an action of a module, or what other tools left there. */
static void check_foreign(struct loader *loader, const struct xml_node *node,
                          const struct xml_node *parent, const struct rule *rule)
{
    bool is_executable = (rule->children & BIT(LOG)) != 0;
    if (is_executable && scxml_module_of(node->uri))
        check_action(loader, node);
    else if (is_executable)
        scxml_error(loader, node, "<%.*s> is of namespace '%.*s', which is no module of actions",
                    TEXT_ARG(node->name), TEXT_ARG(node->uri));
    else
        scxml_warning(loader, node, "<%.*s> of namespace '%.*s' means nothing in <%.*s>",
                      TEXT_ARG(node->name), TEXT_ARG(node->uri), TEXT_ARG(parent->name));
}

static bool may_stand(const struct loader *loader, enum kind kind, enum kind parent)
{
    if (parent == SCXML && kind == TRANSITION) return true;
    if (loader->is_legacy && parent == SCXML && kind == INITIAL) return true;
    if (loader->is_legacy && parent == RAISE && (CARGO & BIT(kind))) return true;
    return (rules[parent].children & BIT(kind)) != 0;
}

static void check_child(struct loader *loader, const struct xml_node *node,
                        const struct xml_node *parent, enum kind parent_kind, uint32_t *seen)
{
    const struct rule *rule = &rules[parent_kind];
    enum kind kind = kind_of(node);
    if (kind == KINDS && !text_eq(node->uri, TEXT(SCXML_NAMESPACE))) {
        check_foreign(loader, node, parent, rule);
        return;
    }
    if (kind == KINDS) {
        refuse_unknown(loader, node);
        return;
    }
    if (!may_stand(loader, kind, parent_kind))
        scxml_error(loader, node, "<%s> may not stand in <%s>", rules[kind].name, rule->name);
    else if (*seen & rule->once & BIT(kind))
        scxml_error(loader, node, "a second <%s> in one <%s>", rules[kind].name, rule->name);
    if (kind == TRANSITION && parent_kind == SCXML)
        scxml_warning(loader, node,
                      "a <transition> in <scxml> is no standard; it holds in all "
                      "states");
    *seen |= BIT(kind);
    check_element(loader, node, kind);
}

static void check_element(struct loader *loader, const struct xml_node *node, enum kind kind)
{
    const struct rule *rule = &rules[kind];
    check_attributes(loader, node, rule);
    if (rule->is_open) return;
    uint32_t seen = 0;
    bool has_stray_text = false;
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (!at->is_text)
            check_child(loader, at, node, kind, &seen);
        else if (!rule->has_text && !has_stray_text && text_trim(at->text).len) {
            has_stray_text = true;
            scxml_warning(loader, at, "text in <%s> means nothing", rule->name);
        }
    }
}

void scxml_check_elements(struct loader *loader, const struct xml_node *root)
{
    check_element(loader, root, SCXML);
}
