/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_filter.h"

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
    RULE_TAG
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
    static const char *const endings[] = { "password", "passwd", "secret" };
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct text ending = text_of(endings[i]);
        if (name.len >= ending.len &&
            text_eq_fold(text_slice(name, name.len - ending.len, ending.len), ending))
            return true;
    }
    return false;
}

/* A filter that cannot be read hides: better too little in a log than too much. */
static struct rule rule_of(const struct log_filter *filter, struct text name)
{
    struct rule rule = { .kind = RULE_HIDE };
    if (is_password(name)) return rule;
    const struct value *own = filter->keys ? kv_find(filter->keys, name) : NULL;
    struct text type = own && own->kind == VALUE_TEXT ? own->text : filter->usual;
    if (type.len == 0) type = TEXT("copy");
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
    size_t all = count_characters(value);
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
    }
}

bool log_filter_value(struct buf *out, const struct log_filter *filter, struct text name,
                      struct text value)
{
    if (text_starts(name, TEXT("XXX"))) return false;
    if (text_starts(name, TEXT("MMM"))) {
        buf_add(out, TEXT("MMM"));
        return true;
    }
    struct rule rule = rule_of(filter, name);
    if (rule.kind == RULE_SKIP) return false;
    apply(out, &rule, value);
    return true;
}

static void add_pairs(struct buf *out, const struct log_filter *filter, const struct kv *pairs,
                      int depth);

/* A list's items bear the list's name. */
static void add_pair(struct buf *out, const struct log_filter *filter, struct text name,
                     const struct value *value, int depth)
{
    struct buf plain = { 0 }, shown = { 0 };
    bool is_text = value->kind == VALUE_TEXT;
    switch (value->kind) {
    case VALUE_NULL: buf_add(&plain, TEXT("null")); break;
    case VALUE_BOOL: buf_add_z(&plain, value->truth ? "true" : "false"); break;
    case VALUE_INTEGER: buf_add_i64(&plain, value->integer); break;
    case VALUE_FLOAT: buf_format(&plain, "%.17g", value->number); break;
    case VALUE_TEXT: buf_add(&plain, value->text); break;
    case VALUE_BYTES: buf_format(&plain, "(%zu bytes)", value->text.len); break;
    case VALUE_LIST:
        for (uint32_t i = 0; depth < DEPTH_MAX && i < value->items.count; i++)
            add_pair(out, filter, name, &value->items.at[i], depth);
        return;
    case VALUE_KV: buf_format(&plain, "(%" PRIu32 " pairs)", value->pairs.count); break;
    }
    bool is_plain_kv = value->kind == VALUE_KV;
    if (log_filter_value(&shown, filter, name, buf_text(&plain))) {
        buf_add_byte(out, '\n');
        for (int i = 0; i <= depth; i++) buf_add_byte(out, '\t');
        buf_add(out, name);
        buf_add_z(out, is_text ? " '" : " ");
        for (size_t i = 0; i < shown.len; i++)
            buf_add_byte(out, shown.at[i] == '\n' || shown.at[i] == '\r' ? ' ' : shown.at[i]);
        if (is_text) buf_add_byte(out, '\'');
        is_plain_kv = is_plain_kv && text_eq(buf_text(&shown), buf_text(&plain));
        if (is_plain_kv && depth < DEPTH_MAX) add_pairs(out, filter, &value->pairs, depth + 1);
    }
    buf_free(&plain);
    buf_free(&shown);
}

static void add_pairs(struct buf *out, const struct log_filter *filter, const struct kv *pairs,
                      int depth)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        add_pair(out, filter, pairs->at[i].name, &pairs->at[i].value, depth);
}

void log_filter_pairs(struct buf *out, const struct log_filter *filter, const struct kv *pairs)
{
    add_pairs(out, filter, pairs, 0);
}
