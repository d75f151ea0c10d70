/* SPDX-License-Identifier: Apache-2.0 */
/* xpointers. A path is followed as an automaton: on the way down each element carries the set of
 * steps that it may be, so that the time is elements times steps. */
#include "scxml/include.h"

/* --- ids and sequences of children ------------------------------------------------------------ */

static struct xml_node *find_id(struct xml_node *node, struct text id)
{
    const struct xml_attribute *attribute = xml_attribute(node, TEXT("id"));
    if (attribute && text_eq(text_trim(attribute->value), id)) return node;
    struct xml_node *found = NULL;
    for (struct xml_node *at = node->children; at && !found; at = at->next)
        if (!at->is_text) found = find_id(at, id);
    return found;
}

static struct xml_node *child_number(struct xml_node *first, uint32_t number)
{
    for (struct xml_node *at = first; at; at = at->next)
        if (!at->is_text && --number == 0) return at;
    return NULL;
}

/* "/1/2" from the document on, "id/2" from an element on. */
static struct xml_node *follow_numbers(struct xml_node *root, struct text path)
{
    size_t slash = text_find(path, '/', 0);
    struct text id = text_slice(path, 0, slash);
    struct xml_node *node = id.len ? find_id(root, id) : NULL, *first = id.len ? NULL : root;
    if (id.len && node) first = node->children;
    struct text rest = slash == SIZE_MAX ? TEXT("") : text_slice(path, slash + 1, path.len), step;
    if (slash == SIZE_MAX || (id.len && !node)) return node;
    while (text_next_item(&rest, '/', &step)) {
        uint32_t number;
        node = text_to_u32(step, 1, SCXML_ELEMENTS_MAX, &number) ? NULL
                                                                 : child_number(first, number);
        if (node == NULL) return NULL;
        first = node->children;
    }
    return node;
}

/* --- paths ------------------------------------------------------------------------------------ */

enum { STEPS_MAX = 16 };

struct step {
    bool is_below;       /* "//": at any depth */
    struct text name;    /* without its prefix; "*" */
    struct text key, id; /* [@key='id']; "" */
};

struct path {
    struct step steps[STEPS_MAX];
    uint32_t count, below; /* below: the steps that stay open */
    struct buf *found;
};

/* [@key='value'] */
static bool parse_condition(struct text in, struct step *step)
{
    struct text key, value;
    if (!text_starts(in, TEXT("@")) || !text_cut(in, '=', &key, &value)) return false;
    step->key = text_trim(text_slice(key, 1, key.len));
    value = text_trim(value);
    if (value.len < 2 || (value.at[0] != '\'' && value.at[0] != '"')) return false;
    if (value.at[value.len - 1] != value.at[0]) return false;
    step->id = text_slice(value, 1, value.len - 2);
    return step->key.len > 0;
}

static bool parse_step(struct text in, struct step *step)
{
    struct text name = text_trim(in), condition, local;
    if (text_cut(name, '[', &name, &condition)) {
        if (!text_ends(condition, TEXT("]"))) return false;
        condition.len--;
        if (!parse_condition(text_trim(condition), step)) return false;
    }
    step->name = text_cut(name, ':', &name, &local) ? local : text_trim(name);
    return step->name.len > 0 && text_find(step->name, '(', 0) == SIZE_MAX;
}

/* Behind the step that begins at `from`: a slash within brackets is part of it. */
static size_t end_of_step(struct text in, size_t from)
{
    bool is_inside = false;
    for (; from < in.len && (is_inside || in.at[from] != '/'); from++)
        is_inside = in.at[from] == '[' || (is_inside && in.at[from] != ']');
    return from;
}

static bool parse_path(struct text in, struct path *path)
{
    for (size_t at = 0; at < in.len;) {
        if (path->count == STEPS_MAX || in.at[at] != '/') return false;
        struct step *step = &path->steps[path->count];
        step->is_below = ++at < in.len && in.at[at] == '/';
        at += step->is_below;
        size_t end = end_of_step(in, at);
        if (!parse_step(text_slice(in, at, end - at), step)) return false;
        if (step->is_below) path->below |= UINT32_C(1) << path->count;
        path->count++;
        at = end;
    }
    return path->count > 0;
}

static bool fits(const struct xml_node *node, const struct step *step)
{
    if (!text_eq(step->name, TEXT("*")) && !text_eq(step->name, node->name)) return false;
    if (step->key.len == 0) return true;
    const struct xml_attribute *attribute = xml_attribute(node, step->key);
    return attribute && text_eq(attribute->value, step->id);
}

/* `open`: the steps that the node may be. */
static void walk(struct path *path, struct xml_node *node, uint32_t open)
{
    uint32_t next = open & path->below;
    for (uint32_t i = 0; i < path->count; i++) {
        if (!(open >> i & 1) || !fits(node, &path->steps[i])) continue;
        if (i + 1 == path->count) {
            buf_add(path->found, TEXT_OF(&node));
            return;
        }
        next |= UINT32_C(1) << (i + 1);
    }
    for (struct xml_node *at = node->children; at && next; at = at->next)
        if (!at->is_text) walk(path, at, next);
}

/* --- the forms -------------------------------------------------------------------------------- */

/* "scheme(what)" -> what. */
static bool has_scheme(struct text in, struct text scheme, struct text *what)
{
    if (!text_starts(in, scheme) || !text_ends(in, TEXT(")"))) return false;
    struct text rest = text_slice(in, scheme.len, in.len - scheme.len - 1);
    if (!text_starts(rest, TEXT("("))) return false;
    *what = text_trim(text_slice(rest, 1, rest.len));
    return true;
}

static struct text unquoted(struct text in)
{
    bool is_quoted = in.len >= 2 && (in.at[0] == '\'' || in.at[0] == '"') &&
                     in.at[in.len - 1] == in.at[0];
    return is_quoted ? text_slice(in, 1, in.len - 2) : in;
}

static enum err found_one(struct xml_node *node, struct buf *found)
{
    if (node == NULL) return ERR_NOT_FOUND;
    buf_add(found, TEXT_OF(&node));
    return ERR_OK;
}

enum err scxml_select(struct xml_node *root, struct text xpointer, struct buf *found)
{
    struct text what;
    xpointer = text_trim(xpointer);
    if (has_scheme(xpointer, TEXT("element"), &what))
        return found_one(follow_numbers(root, what), found);
    if (text_find(xpointer, '(', 0) == SIZE_MAX) return found_one(find_id(root, xpointer), found);
    if (!has_scheme(xpointer, TEXT("xpointer"), &what)) return ERR_UNSUPPORTED;
    struct text id;
    if (has_scheme(what, TEXT("id"), &id)) return found_one(find_id(root, unquoted(id)), found);
    struct path path = { .found = found };
    if (!parse_path(what, &path)) return ERR_UNSUPPORTED;
    walk(&path, root, 1);
    return found->len ? ERR_OK : ERR_NOT_FOUND;
}
