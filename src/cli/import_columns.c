/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_columns.h"

static const struct {
    const char *word, *column;
} synonyms[] = {
    { "phone", "contact_info" },
    { "phonenumber", "contact_info" },
    { "number", "contact_info" },
    { "telephone", "contact_info" },
    { "tel", "contact_info" },
    { "mobile", "contact_info" },
    { "contact", "contact_info" },
    { "phonetype", "contact_info_type" },
    { "contacttype", "contact_info_type" },
    { "type", "contact_info_type" },
    { "timezone", "tz_name" },
    { "zone", "tz_name" },
    { "tz", "tz_name" },
    { "from", "daily_from" },
    { "callfrom", "daily_from" },
    { "till", "daily_till" },
    { "until", "daily_till" },
    { "to", "daily_till" },
    { "calltill", "daily_till" },
    { "chain", "chain_key" },
    { "household", "chain_key" },
    { "customer", "GSW_CUSTOMER_ID" },
    { "customerid", "GSW_CUSTOMER_ID" },
};
/* Names that a header may have as they are, in any spelling of case and blanks. */
static const char *const columns[] = { "contact_info", "contact_info_type", "tz_name",  "tz_dbid",
                                       "daily_from",   "daily_till",        "chain_key" };

/* The next letter that counts, in lower case; '\0' at the end. */
static char next_sign(struct text *rest)
{
    while (rest->len > 0) {
        char c = rest->at[0];
        *rest = text_slice(*rest, 1, SIZE_MAX);
        if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
        if (c != ' ' && c != '_' && c != '-') return c;
    }
    return '\0';
}

static bool is_same_word(struct text a, struct text b)
{
    for (;;) {
        char x = next_sign(&a), y = next_sign(&b);
        if (x != y) return false;
        if (x == '\0') return true;
    }
}

static bool is_listed(struct text list, struct text header)
{
    struct text item;
    while (text_next_item(&list, ',', &item))
        if (item.len > 0 && is_same_word(item, header)) return true;
    return false;
}

uint32_t import_columns_find(const struct text *headers, uint32_t count, struct text name)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_same_word(text_trim(headers[i]), name)) return i;
    return UINT32_MAX;
}

/* The column that --map gives the header. */
static bool mapped(struct text map, struct text header, struct text *column)
{
    struct text item, name, wanted;
    while (text_next_item(&map, ',', &item))
        if (text_cut(item, '=', &name, &wanted) && is_same_word(text_trim(wanted), header)) {
            *column = text_trim(name);
            return true;
        }
    return false;
}

static enum err check_map(struct text map, const struct text *headers, uint32_t count,
                          struct fault *fault)
{
    struct text item, name, wanted;
    while (text_next_item(&map, ',', &item)) {
        if (item.len == 0) continue;
        if (!text_cut(item, '=', &name, &wanted) || text_trim(name).len == 0)
            return fault_set(fault, ERR_INVALID, "--map", "%.*s: must be column=header",
                             TEXT_ARG(text_slice(item, 0, 64)));
        bool is_there = false;
        for (uint32_t i = 0; i < count; i++)
            if (is_same_word(text_trim(wanted), headers[i])) is_there = true;
        if (!is_there)
            return fault_set(fault, ERR_INVALID, "--map", "the file has no header \"%.*s\"",
                             TEXT_ARG(text_slice(text_trim(wanted), 0, 64)));
    }
    return ERR_OK;
}

static bool is_taken(const struct import_columns *out, struct text column)
{
    for (uint32_t i = 0; i < out->count; i++)
        if (is_same_word(out->names[i], column)) return true;
    return false;
}

static struct text exact(struct text header)
{
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (is_same_word(header, text_of(columns[i]))) return text_of(columns[i]);
    return header;
}

/* Common words stand for a column that no header has taken by name. */
static void use_synonyms(struct import_columns *out, const bool *is_final)
{
    for (uint32_t i = 0; i < out->count; i++) {
        if (is_final[i]) continue;
        for (size_t s = 0; s < sizeof synonyms / sizeof synonyms[0]; s++) {
            struct text column = text_of(synonyms[s].column);
            if (!is_same_word(out->names[i], text_of(synonyms[s].word)) || is_taken(out, column))
                continue;
            out->names[i] = column;
            break;
        }
    }
}

enum err import_columns_make(const struct text *headers, uint32_t count, struct text map,
                             struct text ignore, struct scope *scope, struct import_columns *out,
                             struct fault *fault)
{
    bool is_final[IMPORT_COLUMNS_MAX] = { 0 };
    if (count > IMPORT_COLUMNS_MAX)
        return fault_set(fault, ERR_LIMIT, "header", "at most %d columns", IMPORT_COLUMNS_MAX);
    enum err err = check_map(map, headers, count, fault);
    if (err) return err;
    *out = (struct import_columns){
        .names = scope_alloc_array(scope, count + 1, sizeof *out->names),
        .cells = scope_alloc_array(scope, count + 1, sizeof *out->cells),
        .header_count = count,
    };
    for (uint32_t i = 0; i < count; i++) {
        struct text header = text_trim(headers[i]), column = header;
        if (is_listed(ignore, header)) continue;
        if (header.len == 0)
            return fault_set(fault, ERR_INVALID, "header", "column %u has no name", i + 1);
        is_final[out->count] = mapped(map, header, &column);
        if (!is_final[out->count]) column = exact(header);
        out->names[out->count] = scope_keep(scope, column);
        out->cells[out->count++] = i;
    }
    use_synonyms(out, is_final);
    return ERR_OK;
}
