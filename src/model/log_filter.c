/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_filter.h"

#include <inttypes.h>

enum { DEPTH_MAX = 8 };

enum rule_kind {
    RULE_COPY,
    RULE_HIDE,
    RULE_HIDE_FIRST,
    RULE_HIDE_LAST,
    RULE_UNHIDE_FIRST,
    RULE_UNHIDE_LAST,
    RULE_SKIP,
    RULE_TAG,
    RULE_NAME_ONLY, /* the value is MMM */
};
struct rule {
    enum rule_kind kind;
    uint32_t count;
    struct text prefix, suffix;
};

static const struct {
    const char *word;
    enum rule_kind kind;
    bool has_count;
} words[] = {
    { "copy", RULE_COPY, false },
    { "hide", RULE_HIDE, false },
    { "skip", RULE_SKIP, false },
    { "hide-first", RULE_HIDE_FIRST, true },
    { "hide-last", RULE_HIDE_LAST, true },
    { "unhide-first", RULE_UNHIDE_FIRST, true },
    { "unhide-last", RULE_UNHIDE_LAST, true },
};

static enum err parse_tag(struct text type, struct rule *out)
{
    *out = (struct rule){ .kind = RULE_TAG, .prefix = TEXT("<#"), .suffix = TEXT("#>") };
    struct text inside = text_slice(type, sizeof "tag" - 1, type.len);
    if (inside.len == 0 || text_eq(inside, TEXT("()"))) return ERR_OK;
    if (!text_starts(inside, TEXT("(")) || !text_ends(inside, TEXT(")"))) return ERR_INVALID;
    inside = text_slice(inside, 1, inside.len - 2);
    return text_cut(inside, ',', &out->prefix, &out->suffix) ? ERR_OK : ERR_INVALID;
}

static enum err parse_rule(struct text type, struct rule *out)
{
    if (text_starts(type, TEXT("tag"))) return parse_tag(type, out);
    struct text word = type, count = { 0 };
    bool has_count = text_cut(type, ',', &word, &count);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!text_eq(text_trim(word), text_of(words[i].word)) || words[i].has_count != has_count)
            continue;
        *out = (struct rule){ .kind = words[i].kind };
        return has_count ? text_to_u32(text_trim(count), 0, UINT32_MAX, &out->count) : ERR_OK;
    }
    return ERR_INVALID;
}

enum err log_filter_check(struct text type)
{
    struct rule rule;
    return parse_rule(type, &rule);
}

static bool is_password(struct text name)
{
    static const char *const endings[] = { "password", "passwd", "passphrase", "pwd", "secret" };
    int last = name.len ? name.at[name.len - 1] | 0x20 : 0;
    if (last != 'd' && last != 'e' && last != 't') return false; /* most names, at once */
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct text ending = text_of(endings[i]);
        if (name.len >= ending.len &&
            text_eq_fold(text_slice(name, name.len - ending.len, ending.len), ending))
            return true;
    }
    return false;
}

static const struct value *find_folded(const struct kv *keys, struct text name)
{
    for (uint32_t i = 0; keys && i < keys->count; i++)
        if (text_eq_fold(keys->at[i].name, name)) return &keys->at[i].value;
    return NULL;
}

/* A filter that cannot be read hides: better too little in a log than too much. */
static struct rule rule_of(const struct log_filter *filter, struct text name)
{
    struct rule rule = { .kind = RULE_HIDE };
    if (is_password(name)) return rule;
    const struct value *own = find_folded(filter->keys, name);
    struct text type = own && own->kind == VALUE_TEXT ? own->text : filter->usual;
    if (type.len == 0 || text_eq(type, TEXT("copy"))) return (struct rule){ .kind = RULE_COPY };
    if (parse_rule(type, &rule)) rule = (struct rule){ .kind = RULE_HIDE };
    return rule;
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80; /* no continuation byte of UTF-8 */
}

static size_t count_characters(struct text value)
{
    size_t count = 0;
    for (size_t i = 0; i < value.len; i++) count += begins_character(value.at[i]);
    return count;
}

/* Characters from..until are shown, the others are stars, one each. */
static void show_part(struct buf *out, struct text value, size_t from, size_t until)
{
    size_t index = 0;
    for (size_t i = 0; i < value.len; i++) {
        bool begins = begins_character(value.at[i]);
        if (begins && i > 0) index++;
        if (index >= from && index < until)
            buf_add_byte(out, value.at[i]);
        else if (begins)
            buf_add_byte(out, '*');
    }
}

static void apply(struct buf *out, const struct rule *rule, struct text value)
{
    size_t all = rule->kind == RULE_COPY ? 0 : count_characters(value);
    size_t some = rule->count < all ? rule->count : all;
    switch (rule->kind) {
    case RULE_COPY:
    case RULE_SKIP: buf_add(out, value); break;
    case RULE_HIDE: show_part(out, value, 0, 0); break;
    case RULE_HIDE_FIRST: show_part(out, value, some, all); break;
    case RULE_HIDE_LAST: show_part(out, value, 0, all - some); break;
    case RULE_UNHIDE_FIRST: show_part(out, value, 0, some); break;
    case RULE_UNHIDE_LAST: show_part(out, value, all - some, all); break;
    case RULE_TAG:
        buf_add(out, rule->prefix);
        buf_add(out, value);
        buf_add(out, rule->suffix);
        break;
    case RULE_NAME_ONLY: buf_add(out, TEXT("MMM")); break;
    }
}

/* What is to be done with the value of that name; false: the pair is left out. */
static bool find_rule(const struct log_filter *filter, struct text name, struct rule *out)
{
    if (text_starts(name, TEXT("XXX"))) return false;
    if (text_starts(name, TEXT("MMM")))
        *out = (struct rule){ .kind = RULE_NAME_ONLY };
    else
        *out = rule_of(filter, name);
    return out->kind != RULE_SKIP;
}

bool log_filter_value(struct buf *out, const struct log_filter *filter, struct text name,
                      struct text value)
{
    struct rule rule;
    if (!find_rule(filter, name, &rule)) return false;
    apply(out, &rule, value);
    return true;
}

/* --- pairs of a message ---------------------------------------------------------------------- */

static struct text plain_text(struct scope *scope, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL: return TEXT("null");
    case VALUE_BOOL: return value->truth ? TEXT("true") : TEXT("false");
    case VALUE_INTEGER: return scope_format(scope, "%" PRId64, value->integer);
    case VALUE_FLOAT: return scope_format(scope, "%.17g", value->number);
    case VALUE_TEXT: return value->text;
    case VALUE_BYTES: return scope_format(scope, "(%zu bytes)", value->text.len);
    case VALUE_LIST: return scope_format(scope, "(%" PRIu32 " items)", value->items.count);
    case VALUE_KV: return scope_format(scope, "(%" PRIu32 " pairs)", value->pairs.count);
    }
    return TEXT("");
}

struct applying {
    struct scope *scope;
    const struct log_filter *filter;
};

static struct kv apply_pairs(const struct applying *applying, const struct kv *pairs, int depth);
static bool apply_value(const struct applying *applying, struct text name,
                        const struct value *value, int depth, struct value *out);

static struct value apply_list(const struct applying *applying, struct text name,
                               const struct value *value, int depth)
{
    struct value shown = { .kind = VALUE_LIST };
    uint32_t count = depth < DEPTH_MAX ? value->items.count : 0;
    shown.items.at = scope_alloc_array(applying->scope, count, sizeof *shown.items.at);
    for (uint32_t i = 0; i < count; i++)
        shown.items.count += apply_value(applying, name, &value->items.at[i], depth + 1,
                                         &shown.items.at[shown.items.count]);
    return shown;
}

/* Many who read JSON, and PostgreSQL, take no NUL inside a text. */
static struct text without_nul(struct scope *scope, struct text in)
{
    if (text_find(in, '\0', 0) == SIZE_MAX) return in;
    char *out = scope_alloc(scope, in.len);
    for (size_t i = 0; i < in.len; i++) out[i] = in.at[i] ? in.at[i] : '?';
    return (struct text){ out, in.len };
}

/* As it is, but for what lies in it. */
static struct value copy_value(const struct applying *applying, struct text name,
                               const struct value *value, int depth)
{
    struct value copy = *value;
    switch (value->kind) {
    case VALUE_TEXT: copy.text = without_nul(applying->scope, value->text); break;
    case VALUE_LIST: return apply_list(applying, name, value, depth);
    case VALUE_KV: copy.pairs = apply_pairs(applying, &value->pairs, depth + 1); break;
    case VALUE_BYTES:
        copy = (struct value){ .kind = VALUE_TEXT, .text = plain_text(applying->scope, value) };
        break;
    default: break;
    }
    return copy;
}

/* false: it is left out. */
static bool apply_value(const struct applying *applying, struct text name,
                        const struct value *value, int depth, struct value *out)
{
    struct rule rule;
    if (!find_rule(applying->filter, name, &rule)) return false;
    if (rule.kind == RULE_COPY || value->kind == VALUE_LIST) { /* a list's items one by one */
        *out = copy_value(applying, name, value, depth);
        return true;
    }
    struct buf shown = { 0 };
    apply(&shown, &rule, plain_text(applying->scope, value));
    *out = (struct value){ .kind = VALUE_TEXT,
                           .text = without_nul(applying->scope,
                                               scope_keep(applying->scope, buf_text(&shown))) };
    buf_free(&shown);
    return true;
}

static struct kv apply_pairs(const struct applying *applying, const struct kv *pairs, int depth)
{
    struct kv shown = { 0 };
    if (depth >= DEPTH_MAX) return shown;
    shown.at = scope_alloc_array(applying->scope, pairs->count, sizeof *shown.at);
    for (uint32_t i = 0; i < pairs->count; i++) {
        struct pair *pair = &shown.at[shown.count];
        pair->name = without_nul(applying->scope, pairs->at[i].name);
        shown.count +=
            apply_value(applying, pairs->at[i].name, &pairs->at[i].value, depth, &pair->value);
    }
    return shown;
}

struct kv log_filter_apply(struct scope *scope, const struct log_filter *filter,
                           const struct kv *pairs)
{
    const struct applying applying = { scope, filter };
    return apply_pairs(&applying, pairs, 0);
}

/* --- as lines -------------------------------------------------------------------------------- */

static void dump_pairs(struct buf *out, const struct kv *pairs, int depth);

static void add_flat(struct buf *out, struct text text)
{
    size_t from = out->len;
    buf_add(out, text);
    for (size_t i = from; i < out->len; i++)
        if (out->at[i] == '\n' || out->at[i] == '\r') out->at[i] = ' ';
}

static void begin_line(struct buf *out, struct text name, int depth)
{
    static const char indent[] = "\n\t\t\t\t\t\t\t\t\t\t";
    buf_add(out, text_slice(text_of(indent), 0, 2 + (size_t)depth));
    add_flat(out, name);
    buf_add_byte(out, ' ');
}

static void dump_value(struct buf *out, struct text name, const struct value *value, int depth)
{
    if (value->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < value->items.count; i++)
            dump_value(out, name, &value->items.at[i], depth);
        return;
    }
    begin_line(out, name, depth);
    switch (value->kind) {
    case VALUE_NULL: buf_add_z(out, "null"); break;
    case VALUE_BOOL: buf_add_z(out, value->truth ? "true" : "false"); break;
    case VALUE_INTEGER: buf_add_i64(out, value->integer); break;
    case VALUE_FLOAT: buf_format(out, "%.17g", value->number); break;
    case VALUE_TEXT:
    case VALUE_BYTES:
        buf_add_byte(out, '\'');
        add_flat(out, value->text);
        buf_add_byte(out, '\'');
        break;
    case VALUE_LIST: break;
    case VALUE_KV:
        buf_format(out, "(%" PRIu32 " pairs)", value->pairs.count);
        dump_pairs(out, &value->pairs, depth + 1);
        break;
    }
}

static void dump_pairs(struct buf *out, const struct kv *pairs, int depth)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        dump_value(out, pairs->at[i].name, &pairs->at[i].value, depth);
}

void log_filter_dump(struct buf *out, const struct kv *pairs)
{
    dump_pairs(out, pairs, 0);
}
