/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/filter.h"

#include <string.h>

enum op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_CONTAINS, OP_STARTS, OP_ENDS, OP_COUNT };
static const char *const op_names[OP_COUNT] = { "eq", "ne",       "lt",     "le",  "gt",
                                                "ge", "contains", "starts", "ends" };

struct term {
    struct text names[FILTER_NAMES_MAX];
    uint32_t name_count;
    enum op op;
    enum value_kind kind; /* VALUE_TEXT, VALUE_FLOAT, VALUE_BOOL */
    struct text text;
    double number;
    bool truth;
};

struct filter {
    struct term *terms;
    uint32_t count;
};

/* --- reading -------------------------------------------------------------------------------- */

struct reader {
    struct scope *scope;
    struct text in;
    size_t at;
    struct fault *fault;
};

static enum err refuse(const struct reader *reader, const char *awaited)
{
    return fault_set(reader->fault, ERR_INVALID, "filter", "at character %zu: %s", reader->at + 1,
                     awaited);
}

static char peek(const struct reader *reader)
{
    return reader->at < reader->in.len ? reader->in.at[reader->at] : 0;
}

static void skip_blanks(struct reader *reader)
{
    while (peek(reader) == ' ') reader->at++;
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("_-#:*", byte));
}

static struct text read_bare(struct reader *reader)
{
    size_t from = reader->at;
    while (is_name_byte(peek(reader))) reader->at++;
    return text_slice(reader->in, from, reader->at - from);
}

/* Between two `quote`s, a doubled one stands for itself. */
static enum err read_quoted(struct reader *reader, char quote, struct text *out)
{
    char *kept = scope_alloc(reader->scope, reader->in.len + 1);
    size_t len = 0;
    for (reader->at++; reader->at < reader->in.len; reader->at++) {
        char byte = reader->in.at[reader->at];
        if (byte == quote) {
            reader->at++;
            if (peek(reader) != quote) {
                *out = (struct text){ kept, len };
                return ERR_OK;
            }
        }
        kept[len++] = byte;
    }
    return refuse(reader, "the closing quote is missing");
}

static enum err read_path(struct reader *reader, struct term *term)
{
    do {
        struct text name;
        enum err err = ERR_OK;
        if (term->name_count) reader->at++; /* the dot */
        if (term->name_count == FILTER_NAMES_MAX) return refuse(reader, "too many names");
        if (peek(reader) == '"')
            err = read_quoted(reader, '"', &name);
        else
            name = read_bare(reader);
        if (err) return err;
        if (name.len == 0) return refuse(reader, "a property's name is missing");
        term->names[term->name_count++] = name;
    } while (peek(reader) == '.');
    return ERR_OK;
}

static enum err read_op(struct reader *reader, struct term *term)
{
    size_t at = reader->at;
    struct text word = read_bare(reader);
    for (int op = 0; op < OP_COUNT; op++) {
        if (!text_eq_fold(word, text_of(op_names[op]))) continue;
        term->op = (enum op)op;
        return ERR_OK;
    }
    reader->at = at;
    return refuse(reader, "must be eq, ne, lt, le, gt, ge, contains, starts or ends");
}

static enum err read_value(struct reader *reader, struct term *term)
{
    if (peek(reader) == '\'') {
        term->kind = VALUE_TEXT;
        return read_quoted(reader, '\'', &term->text);
    }
    size_t from = reader->at;
    while (reader->at < reader->in.len && peek(reader) != ' ') reader->at++;
    term->text = text_slice(reader->in, from, reader->at - from);
    if (text_eq(term->text, TEXT("true")) || text_eq(term->text, TEXT("false"))) {
        term->kind = VALUE_BOOL;
        term->truth = term->text.at[0] == 't';
        return ERR_OK;
    }
    term->kind = VALUE_FLOAT;
    if (text_to_f64(term->text, &term->number) == ERR_OK) return ERR_OK;
    reader->at = from;
    return refuse(reader, "must be 'text' in single quotes, a number, true or false");
}

static enum err check_pair(const struct reader *reader, const struct term *term)
{
    bool is_of_text = term->op >= OP_CONTAINS, is_order = term->op >= OP_LT && !is_of_text;
    if (is_of_text && term->kind != VALUE_TEXT)
        return refuse(reader, "contains, starts and ends want 'text'");
    if (is_order && term->kind == VALUE_BOOL)
        return refuse(reader, "true and false have no order: eq or ne");
    return ERR_OK;
}

static enum err read_term(struct reader *reader, struct term *term)
{
    skip_blanks(reader);
    enum err err = read_path(reader, term);
    if (err) return err;
    if (peek(reader) != ' ') return refuse(reader, "a blank must follow the property");
    skip_blanks(reader);
    err = read_op(reader, term);
    if (err) return err;
    if (peek(reader) != ' ') return refuse(reader, "a blank must follow the operator");
    skip_blanks(reader);
    err = read_value(reader, term);
    return err ? err : check_pair(reader, term);
}

/* ERR_NOT_FOUND: nothing follows. */
static enum err read_and(struct reader *reader)
{
    bool has_blank = peek(reader) == ' ';
    skip_blanks(reader);
    if (reader->at == reader->in.len) return ERR_NOT_FOUND;
    size_t at = reader->at;
    if (has_blank && text_eq_fold(read_bare(reader), TEXT("and")) && peek(reader) == ' ')
        return ERR_OK;
    reader->at = at;
    return refuse(reader, "must be \"and\", or the end");
}

enum err filter_parse(struct scope *scope, struct text in, struct filter **out, struct fault *fault)
{
    struct reader reader = { scope, in, 0, fault };
    struct filter *filter = scope_alloc(scope, sizeof *filter);
    if (in.len > FILTER_BYTES_MAX) return refuse(&reader, "the filter is too long");
    skip_blanks(&reader);
    if (reader.at == in.len) {
        *out = filter;
        return ERR_OK;
    }
    filter->terms = scope_alloc_array(scope, FILTER_TERMS_MAX, sizeof *filter->terms);
    enum err err;
    do {
        if (filter->count == FILTER_TERMS_MAX) return refuse(&reader, "too many conditions");
        err = read_term(&reader, &filter->terms[filter->count++]);
        if (!err) err = read_and(&reader);
    } while (!err);
    if (err != ERR_NOT_FOUND) return err;
    *out = filter;
    return ERR_OK;
}

/* --- trying --------------------------------------------------------------------------------- */

static bool order_fits(enum op op, int order)
{
    switch (op) {
    case OP_EQ: return order == 0;
    case OP_LT: return order < 0;
    case OP_LE: return order <= 0;
    case OP_GT: return order > 0;
    case OP_GE: return order >= 0;
    default: return false;
    }
}

static bool contains(struct text in, struct text part)
{
    for (size_t i = 0; i + part.len <= in.len; i++)
        if (part.len == 0 || memcmp(in.at + i, part.at, part.len) == 0) return true;
    return false;
}

static bool text_fits(const struct term *term, struct text is)
{
    switch (term->op) {
    case OP_CONTAINS: return contains(is, term->text);
    case OP_STARTS: return text_starts(is, term->text);
    case OP_ENDS: return text_ends(is, term->text);
    default: return order_fits(term->op, text_compare(is, term->text));
    }
}

static bool number_fits(const struct term *term, double is)
{
    return order_fits(term->op, is < term->number ? -1 : is > term->number);
}

static bool is_number(const struct value *value, double *out)
{
    if (value->kind == VALUE_INTEGER) *out = (double)value->integer;
    if (value->kind == VALUE_FLOAT) *out = value->number;
    if (value->kind == VALUE_TEXT) return text_to_f64(value->text, out) == ERR_OK;
    return value->kind == VALUE_INTEGER || value->kind == VALUE_FLOAT;
}

static bool is_truth(const struct value *value, bool *out)
{
    if (value->kind == VALUE_BOOL) *out = value->truth;
    if (value->kind == VALUE_TEXT) return text_to_bool(value->text, out) == ERR_OK;
    return value->kind == VALUE_BOOL;
}

/* One value that is no list and no group of properties, by any operator but `ne`. */
static bool value_fits(const struct term *term, const struct value *value)
{
    double number;
    bool truth;
    switch (term->kind) {
    case VALUE_TEXT: return value->kind == VALUE_TEXT && text_fits(term, value->text);
    case VALUE_BOOL: return is_truth(value, &truth) && truth == term->truth;
    default: return is_number(value, &number) && number_fits(term, number);
    }
}

static const struct value *find_member(const struct kv *pairs, struct text name)
{
    const struct value *exact = kv_find(pairs, name);
    for (uint32_t i = 0; exact == NULL && i < pairs->count; i++)
        if (text_eq_fold(pairs->at[i].name, name)) exact = &pairs->at[i].value;
    return exact;
}

static const struct shape_field *find_field(const struct shape *shape, struct text name)
{
    for (uint16_t i = 0; shape && i < shape->count; i++)
        if (text_eq_fold(text_of(shape->fields[i].name), name)) return &shape->fields[i];
    return NULL;
}

static bool pairs_fit(const struct term *term, uint32_t depth, const struct shape *shape,
                      const struct kv *pairs);

/* `nested`: the shape of what is below; NULL: it has none. */
static bool below_fits(const struct term *term, uint32_t depth, const struct shape *nested,
                       const struct value *value)
{
    if (value->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < value->items.count; i++)
            if (below_fits(term, depth, nested, &value->items.at[i])) return true;
        return false;
    }
    if (value->kind == VALUE_KV)
        return depth < term->name_count && pairs_fit(term, depth, nested, &value->pairs);
    return depth == term->name_count && value_fits(term, value);
}

static bool pairs_fit(const struct term *term, uint32_t depth, const struct shape *shape,
                      const struct kv *pairs)
{
    struct text name = term->names[depth];
    const struct value *value = find_member(pairs, name);
    const struct shape_field *field = find_field(shape, name);
    if (value) return below_fits(term, depth + 1, field ? field->nested : NULL, value);
    struct value fallback = { .kind = VALUE_TEXT };
    if (field == NULL || field->fallback == NULL) return false;
    fallback.text = text_of(field->fallback);
    return below_fits(term, depth + 1, NULL, &fallback);
}

bool filter_fits(const struct filter *filter, const struct shape *shape, const struct kv *body)
{
    for (uint32_t i = 0; i < filter->count; i++) {
        struct term term = filter->terms[i];
        bool is_not = term.op == OP_NE;
        if (is_not) term.op = OP_EQ;
        if (pairs_fit(&term, 0, shape, body) == is_not) return false;
    }
    return true;
}
