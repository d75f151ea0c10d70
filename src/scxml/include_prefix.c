/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/include.h"

#define PLACEHOLDER TEXT("$$_MY_PREFIX_$$")
#define VARIABLE    TEXT("_my_prefix")

static size_t find(struct text in, size_t from, struct text what)
{
    for (size_t at = from; (at = text_find(in, what.at[0], at)) != SIZE_MAX; at++)
        if (text_eq(text_slice(in, at, what.len), what)) return at;
    return SIZE_MAX;
}

bool scxml_has_placeholder(struct text in)
{
    return find(in, 0, PLACEHOLDER) != SIZE_MAX;
}

static bool is_word_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '$' || (byte & 0x80);
}

/* A variable's name, not a part of one and no property of an object. */
static bool is_word(struct text in, size_t at, size_t len)
{
    bool is_part = at > 0 && (is_word_byte(in.at[at - 1]) || in.at[at - 1] == '.');
    return !is_part && (at + len == in.len || !is_word_byte(in.at[at + len]));
}

/* The next of the two from `from` on; `*len` of it. */
static size_t find_either(struct text in, size_t from, size_t *len, bool *is_variable)
{
    size_t placeholder = find(in, from, PLACEHOLDER), variable = find(in, from, VARIABLE);
    while (variable != SIZE_MAX && !is_word(in, variable, VARIABLE.len))
        variable = find(in, variable + 1, VARIABLE);
    *is_variable = variable < placeholder;
    *len = *is_variable ? VARIABLE.len : PLACEHOLDER.len;
    return *is_variable ? variable : placeholder;
}

static struct text replace(struct loader *loader, struct text in, struct text prefix)
{
    struct buf out = { 0 };
    size_t from = 0, len;
    bool is_variable;
    for (size_t at; (at = find_either(in, from, &len, &is_variable)) != SIZE_MAX;) {
        buf_add(&out, text_slice(in, from, at - from));
        from = at + len;
        if (is_variable) buf_add_byte(&out, '\'');
        buf_add(&out, prefix);
        if (is_variable) buf_add_byte(&out, '\'');
        /* Without a prefix its dot goes as well. */
        bool has_dot = from < in.len && in.at[from] == '.';
        if (!is_variable && prefix.len == 0 && has_dot) from++;
    }
    if (from == 0) return in;
    buf_add(&out, text_slice(in, from, in.len - from));
    struct text text = scope_keep(loader->scratch, buf_text(&out));
    buf_free(&out);
    return text;
}

static bool has_own_id(const struct xml_node *node)
{
    return scxml_is_element(node, "state") || scxml_is_element(node, "parallel") ||
           scxml_is_element(node, "final") || scxml_is_element(node, "history");
}

void scxml_prefix_element(struct loader *loader, struct xml_node *node, struct text prefix)
{
    for (struct xml_attribute *at = node->attributes; at; at = at->next) {
        bool is_id = prefix.len && at->uri.len == 0 && text_eq(at->name, TEXT("id")) &&
                     has_own_id(node) && !scxml_has_placeholder(at->value);
        at->value = is_id ? scope_format(loader->scratch, "%.*s.%.*s", TEXT_ARG(prefix),
                                         TEXT_ARG(text_trim(at->value)))
                          : replace(loader, at->value, prefix);
    }
}

void scxml_prefix_text(struct loader *loader, struct xml_node *node, struct text prefix)
{
    node->text = replace(loader, node->text, prefix);
}
