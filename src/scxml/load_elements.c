/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/load_private.h"

#include <stdio.h>
#include <string.h>

/* --- findings --------------------------------------------------------------------------------- */

struct scxml_place scxml_place_of(const struct xml_node *node)
{
    return (struct scxml_place){ node->input, node->line, node->column };
}

struct text scxml_file_of(const struct loader *loader, const struct xml_node *node)
{
    const struct text *names = (const struct text *)(const void *)loader->files.at;
    return names[node->input];
}

__attribute__((format(printf, 5, 0))) static void find(struct loader *loader,
                                                       const struct xml_node *node, bool is_warning,
                                                       struct scxml_place place, const char *format,
                                                       va_list arguments)
{
    char words[400];
    (void)vsnprintf(words, sizeof words, format, arguments);
    loader->is_refused |= !is_warning;
    scxml_find(loader->findings, loader->findings_scope, is_warning, scxml_file_of(loader, node),
               place, "%s", words);
}

void scxml_error(struct loader *loader, const struct xml_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    find(loader, node, false, scxml_place_of(node), format, arguments);
    va_end(arguments);
}

void scxml_warning(struct loader *loader, const struct xml_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    find(loader, node, true, scxml_place_of(node), format, arguments);
    va_end(arguments);
}

static struct scxml_place place_of_attribute(const struct xml_node *node,
                                             const struct xml_attribute *attribute)
{
    return (struct scxml_place){ node->input, attribute->line, attribute->column };
}

void scxml_attribute_error(struct loader *loader, const struct xml_node *node,
                           const struct xml_attribute *attribute, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    find(loader, node, false, place_of_attribute(node, attribute), format, arguments);
    va_end(arguments);
}

/* --- near misses ------------------------------------------------------------------------------ */

enum { GUESS_LEN_MAX = 48, GUESS_DISTANCE_MAX = 2 };

struct scxml_guess scxml_guess(struct text wanted)
{
    /* A short name is near to everything. */
    uint32_t worst = wanted.len < 3 ? 1 : wanted.len < 6 ? 2 : GUESS_DISTANCE_MAX + 1;
    return (struct scxml_guess){ .wanted = wanted, .distance = worst };
}

/* Insertions, deletions and changes of a byte from one to the other. */
static uint32_t distance(struct text a, struct text b)
{
    uint32_t row[GUESS_LEN_MAX + 1];
    for (uint32_t j = 0; j <= b.len; j++) row[j] = j;
    for (uint32_t i = 1; i <= a.len; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= b.len; j++) {
            uint32_t change = diagonal + (a.at[i - 1] != b.at[j - 1]);
            uint32_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < step ? change : step;
        }
    }
    return row[b.len];
}

void scxml_guess_offer(struct loader *loader, struct scxml_guess *guess, struct text name)
{
    struct text wanted = guess->wanted;
    size_t apart = wanted.len > name.len ? wanted.len - name.len : name.len - wanted.len;
    if (loader->effort > 0) loader->effort--;
    if (apart >= guess->distance || wanted.len > GUESS_LEN_MAX || name.len > GUESS_LEN_MAX) return;
    if (loader->effort < wanted.len * name.len) return;
    loader->effort -= (uint32_t)(wanted.len * name.len);
    uint32_t is = text_eq_fold(wanted, name) ? 0 : distance(wanted, name);
    if (is >= guess->distance) return;
    guess->distance = is;
    guess->best = name;
}

struct text scxml_guess_words(struct loader *loader, const struct scxml_guess *guess)
{
    return guess->best.len
               ? scope_format(loader->scratch, "; did you mean '%.*s'?", TEXT_ARG(guess->best))
               : TEXT("");
}

/* --- elements and attributes ------------------------------------------------------------------ */

bool scxml_is_element(const struct xml_node *node, const char *name)
{
    return !node->is_text && text_eq(node->name, text_of(name)) &&
           text_eq(node->uri, TEXT(SCXML_NAMESPACE));
}

bool scxml_has_attribute(const struct xml_node *node, const char *name)
{
    return xml_attribute(node, text_of(name)) != NULL;
}

struct text scxml_keep_attribute(struct loader *loader, const struct xml_node *node,
                                 const char *name)
{
    const struct xml_attribute *attribute = xml_attribute(node, text_of(name));
    return attribute ? scope_keep(loader->scope, text_trim(attribute->value)) : TEXT("");
}

scxml_expression_id scxml_add_expression(struct loader *loader, enum scxml_expression_kind kind,
                                         struct text source, struct scxml_place place)
{
    struct scxml_expression expression = { .kind = kind,
                                           .source = scope_keep(loader->scope, source),
                                           .place = place };
    if (loader->expressions.len / sizeof expression >= LOAD_EXPRESSIONS_MAX) {
        struct xml_node node = { .input = place.file, .line = place.line, .column = place.column };
        scxml_error(loader, &node, "more than %d expressions", LOAD_EXPRESSIONS_MAX);
        return SCXML_NONE;
    }
    buf_add(&loader->expressions, TEXT_OF(&expression));
    return (scxml_expression_id)(loader->expressions.len / sizeof expression - 1);
}

scxml_expression_id scxml_expression_of(struct loader *loader, const struct xml_node *node,
                                        const char *name, enum scxml_expression_kind kind)
{
    const struct xml_attribute *attribute = xml_attribute(node, text_of(name));
    if (attribute == NULL) return SCXML_NONE;
    return scxml_add_expression(loader, kind, attribute->value,
                                place_of_attribute(node, attribute));
}

bool scxml_next_token(struct text *rest, struct text *token)
{
    *rest = text_trim(*rest);
    if (rest->len == 0) return false;
    size_t len = 0;
    while (len < rest->len && text_find(TEXT(" \t\r\n"), rest->at[len], 0) == SIZE_MAX) len++;
    *token = text_slice(*rest, 0, len);
    *rest = text_slice(*rest, len, rest->len);
    return true;
}

const void *scxml_keep_array(struct loader *loader, const struct buf *array)
{
    if (array->len == 0) return NULL;
    void *kept = scope_alloc(loader->scope, array->len);
    memcpy(kept, array->at, array->len);
    return kept;
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* From `first` on, to the last sibling or to itself alone. A namespace that is declared once is
 * declared in each value that could use it: so short text could become long. */
static struct text write_nodes(struct loader *loader, const struct xml_node *first, bool is_alone)
{
    struct buf xml = { 0 };
    if (loader->is_inline) return TEXT("");
    for (const struct xml_node *at = first; at; at = is_alone ? NULL : at->next) {
        if (loader->body_bytes + xml.len > LOAD_BODY_BYTES_MAX) break;
        xml_write(&xml, at);
    }
    loader->body_bytes += xml.len;
    struct text text = TEXT("");
    if (loader->body_bytes > LOAD_BODY_BYTES_MAX)
        scxml_error(loader, first, "values between tags come to more than %d bytes of XML",
                    LOAD_BODY_BYTES_MAX);
    else
        text = scope_keep(loader->scope, buf_text(&xml));
    buf_free(&xml);
    return text;
}

struct scxml_payload scxml_body_of(struct loader *loader, const struct xml_node *node)
{
    const struct xml_node *only = NULL;
    uint32_t elements = 0;
    bool has_text = false;
    for (const struct xml_node *at = node->children; at; at = at->next) {
        has_text |= at->is_text && text_trim(at->text).len > 0;
        if (!at->is_text) only = at, elements++;
    }
    if (elements == 1 && !has_text)
        return (struct scxml_payload){ SCXML_DATA_XML, write_nodes(loader, only, true) };
    if (elements > 0)
        return (struct scxml_payload){ SCXML_DATA_BODY,
                                       write_nodes(loader, node->children, false) };
    if (!has_text) return (struct scxml_payload){ 0 };
    return (struct scxml_payload){ SCXML_DATA_BODY,
                                   scope_keep(loader->scope, xml_text(node, loader->scratch)) };
}
