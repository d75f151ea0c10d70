/* SPDX-License-Identifier: Apache-2.0 */
/* Values first (one rule per type), then the search through layers, then the check of one object
 * as it is written, then what two snapshots differ in. */
#include "model/option.h"

#include "base/table.h"
#include "format/url.h"
#include "model/log_option.h"
#include "model/option_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct text STARS = { "***", 3 };

/* A parsed value: the member of `struct option.type` is set. */
union parsed {
    bool truth;
    uint32_t u32;
    int64_t i64;
    double number;
    struct text text;
};

static bool has_range(const struct option *option)
{
    return option->min != 0 || option->max != 0;
}

/* --- values --------------------------------------------------------------------------------------
 */

static enum err say(char words[OPTION_WORDS_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static enum err say(char words[OPTION_WORDS_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, OPTION_WORDS_MAX, format, arguments);
    va_end(arguments);
    return ERR_INVALID;
}

static enum err parse_integer(const struct option *option, struct text value, union parsed *out,
                              char words[OPTION_WORDS_MAX])
{
    bool is_u32 = option->type == OPTION_U32;
    int64_t min = is_u32 ? 0 : INT64_MIN, max = is_u32 ? UINT32_MAX : INT64_MAX, number;
    if (has_range(option)) {
        min = option->min;
        max = option->max;
    }
    if (option->max_word && text_eq_fold(value, text_of(option->max_word)))
        number = max;
    else if (text_to_i64(value, min, max, &number))
        return say(words, "must be a whole number from %" PRId64 " to %" PRId64 "%s%s", min, max,
                   option->max_word ? ", or " : "", option->max_word ? option->max_word : "");
    if (is_u32)
        out->u32 = (uint32_t)number;
    else
        out->i64 = number;
    return ERR_OK;
}

static enum err parse_float(const struct option *option, struct text value, union parsed *out,
                            char words[OPTION_WORDS_MAX])
{
    if (text_to_f64(value, &out->number)) return say(words, "must be a number");
    if (has_range(option) &&
        (out->number < (double)option->min || out->number > (double)option->max))
        return say(words, "must be %" PRId64 " to %" PRId64, option->min, option->max);
    return ERR_OK;
}

/* The choice in its own spelling, or NULL. */
static const char *choice_of(const struct option *option, struct text word)
{
    for (const char *const *choice = option->choices; *choice; choice++)
        if (text_eq_fold(word, text_of(*choice))) return *choice;
    return NULL;
}

static enum err say_choices(const struct option *option, char words[OPTION_WORDS_MAX])
{
    int len = snprintf(words, OPTION_WORDS_MAX, "must be one of");
    for (const char *const *choice = option->choices; *choice && len < OPTION_WORDS_MAX; choice++)
        len += snprintf(words + len, (size_t)(OPTION_WORDS_MAX - len), "%s %s",
                        choice == option->choices ? "" : ",", *choice);
    return ERR_INVALID;
}

static enum err parse_text(const struct option *option, struct text value, union parsed *out,
                           char words[OPTION_WORDS_MAX])
{
    out->text = value;
    if (!text_is_utf8(value)) return say(words, "must be UTF-8");
    if (option->choices == NULL) return ERR_OK;
    if (option->type == OPTION_LIST) {
        struct text rest = value, item;
        while (value.len && text_next_item(&rest, ',', &item))
            if (item.len && choice_of(option, item) == NULL) return say_choices(option, words);
        return ERR_OK;
    }
    const char *choice = choice_of(option, value);
    if (choice == NULL) return say_choices(option, words);
    out->text = text_of(choice);
    return ERR_OK;
}

static enum err parse_url(struct text value, union parsed *out, char words[OPTION_WORDS_MAX])
{
    struct url url;
    struct fault fault;
    out->text = value;
    if (value.len == 0) return ERR_OK; /* none */
    if (url_parse(value, &url, &fault)) return say(words, "%.150s", fault.words);
    return ERR_OK;
}

static enum err parse_grammar(const struct option *option, struct text value, union parsed *out,
                              char words[OPTION_WORDS_MAX])
{
    out->text = value;
    if (!text_is_utf8(value)) return say(words, "must be UTF-8");
    if (option->type == OPTION_REGEX) return option_regex(value, words);
    return option->type == OPTION_JSON ? option_json(value, words)
                                       : option_port_range(value, words);
}

static enum err parse(const struct option *option, struct text value, union parsed *out,
                      char words[OPTION_WORDS_MAX])
{
    switch (option->type) {
    case OPTION_BOOL:
        return text_to_bool(value, &out->truth) ? say(words, "must be true or false") : ERR_OK;
    case OPTION_U32:
    case OPTION_I64: return parse_integer(option, value, out, words);
    case OPTION_FLOAT: return parse_float(option, value, out, words);
    case OPTION_URL: return parse_url(value, out, words);
    case OPTION_DURATION: return option_duration(option, value, &out->i64, words);
    case OPTION_REGEX:
    case OPTION_JSON:
    case OPTION_PORTRANGE: return parse_grammar(option, value, out, words);
    case OPTION_TEXT:
    case OPTION_ENUM:
    case OPTION_LIST:
    case OPTION_SECRET: return parse_text(option, value, out, words);
    }
    return ERR_INVALID;
}

enum err option_value_check(const struct option *option, struct text value,
                            char words[OPTION_WORDS_MAX])
{
    union parsed parsed;
    return parse(option, value, &parsed, words);
}

static void *member_of(const struct option *option, void *snapshot)
{
    return (char *)snapshot + option->offset;
}

static const void *member_in(const struct option *option, const void *snapshot)
{
    return (const char *)snapshot + option->offset;
}

static void set_member(const struct option *option, void *snapshot, const union parsed *parsed,
                       struct scope *scope)
{
    void *member = member_of(option, snapshot);
    switch (option->type) {
    case OPTION_BOOL: *(bool *)member = parsed->truth; break;
    case OPTION_U32: *(uint32_t *)member = parsed->u32; break;
    case OPTION_DURATION:
    case OPTION_I64: *(int64_t *)member = parsed->i64; break;
    case OPTION_FLOAT: *(double *)member = parsed->number; break;
    default: *(struct text *)member = scope_keep(scope, parsed->text); break;
    }
}

static void get_member(const struct option *option, const void *snapshot, union parsed *out)
{
    const void *member = member_in(option, snapshot);
    switch (option->type) {
    case OPTION_BOOL: out->truth = *(const bool *)member; break;
    case OPTION_U32: out->u32 = *(const uint32_t *)member; break;
    case OPTION_DURATION:
    case OPTION_I64: out->i64 = *(const int64_t *)member; break;
    case OPTION_FLOAT: out->number = *(const double *)member; break;
    default: out->text = *(const struct text *)member; break;
    }
}

static struct text format_u32(const struct option *option, uint32_t number, struct scope *scope)
{
    int64_t max = has_range(option) ? option->max : UINT32_MAX;
    if (option->max_word && number == max) return text_of(option->max_word);
    return scope_format(scope, "%" PRIu32, number);
}

struct text option_format(const struct option *option, const void *snapshot, struct scope *scope)
{
    union parsed value;
    if (option->is_family) return (struct text){ 0 };
    get_member(option, snapshot, &value);
    switch (option->type) {
    case OPTION_BOOL: return value.truth ? TEXT("true") : TEXT("false");
    case OPTION_U32: return format_u32(option, value.u32, scope);
    case OPTION_I64: return scope_format(scope, "%" PRId64, value.i64);
    case OPTION_DURATION: return scope_format(scope, "%" PRId64 " ms", value.i64);
    case OPTION_FLOAT: return scope_format(scope, "%g", value.number);
    case OPTION_SECRET: return value.text.len ? STARS : value.text;
    default: return value.text;
    }
}

/* --- the search ----------------------------------------------------------------------------------
 */

/* "pop-client*": all sections that begin so. */
static bool is_pattern(const struct option *option)
{
    return text_ends(text_of(option->section), TEXT("*"));
}

static bool fits_pattern(const struct option *option, struct text section)
{
    struct text begin = text_of(option->section);
    begin.len--;
    return section.len >= begin.len && text_eq_fold(text_slice(section, 0, begin.len), begin);
}

/* The sections that an option declared with section "" is looked up in, in this order. */
static size_t sections_of(const struct option *option, struct text application, struct text out[3])
{
    if (option->section[0]) {
        out[0] = text_of(option->section);
        return 1;
    }
    out[0] = application;
    out[1] = TEXT("default");
    out[2] = TEXT("OCServer");
    return 3;
}

static bool is_ignored(struct text name)
{
    return name.len && name.at[0] == '#';
}

static const struct kv *find_section(const struct kv *sections, struct text name)
{
    const struct value *section = sections ? kv_find_fold(sections, name) : NULL;
    return section && section->kind == VALUE_KV ? &section->pairs : NULL;
}

static const struct value *find_in_layer(const struct option *option, struct text application,
                                         const struct kv *sections, struct text *section)
{
    struct text names[3];
    size_t count = sections_of(option, application, names);
    for (size_t i = 0; i < count; i++) {
        const struct kv *kv = find_section(sections, names[i]);
        const struct value *value = kv ? kv_find_fold(kv, text_of(option->name)) : NULL;
        if (value == NULL) continue;
        *section = names[i];
        return value;
    }
    return NULL;
}

static const struct value *find_in_layers(const struct option *option,
                                          const struct option_source *source, struct text *section)
{
    for (size_t i = 0; i < source->layer_count; i++) {
        const struct option_layer *layer = &source->layers[i];
        if (!(option->levels & (unsigned)layer->level)) continue;
        const struct value *value =
            find_in_layer(option, source->application, layer->sections, section);
        if (value) return value;
    }
    return NULL;
}

/* Options are text; a JSON file may say 3 or true all the same. */
static bool value_as_text(const struct value *value, struct scope *scope, struct text *out)
{
    switch (value->kind) {
    case VALUE_TEXT: *out = value->text; return true;
    case VALUE_BOOL: *out = value->truth ? TEXT("true") : TEXT("false"); return true;
    case VALUE_INTEGER: *out = scope_format(scope, "%" PRId64, value->integer); return true;
    case VALUE_FLOAT: *out = scope_format(scope, "%.17g", value->number); return true;
    default: *out = TEXT("(no text)"); return false;
    }
}

/* --- one snapshot --------------------------------------------------------------------------------
 */

struct resolver {
    const struct option_source *source;
    const void *previous;
    void *snapshot;
    struct scope *scope;
    void (*on_report)(void *self, const struct option_report *report);
    void *self;
};

static void report(const struct resolver *resolver, const struct option *option,
                   enum option_trouble trouble, struct text section, struct text value,
                   const char *words)
{
    if (resolver->on_report == NULL) return;
    struct option_report report = {
        .trouble = trouble,
        .section = section,
        .name = text_of(option->name),
        .value = option->type == OPTION_SECRET ? STARS : value,
        .words = words,
        .used = option_format(option, resolver->snapshot, resolver->scope),
    };
    resolver->on_report(resolver->self, &report);
}

/* What holds when nobody says anything valid: the previous value, or the default. */
static void set_usual(const struct resolver *resolver, const struct option *option)
{
    union parsed parsed = { 0 };
    char words[OPTION_WORDS_MAX];
    if (resolver->previous) {
        get_member(option, resolver->previous, &parsed);
    } else {
        enum err err = parse(option, text_of(option->fallback), &parsed, words);
        ASSERT(err == ERR_OK); /* the generator checked it */
    }
    set_member(option, resolver->snapshot, &parsed, resolver->scope);
}

static bool waits(const struct resolver *resolver, const struct option *option)
{
    return resolver->previous &&
           (option->effect == EFFECT_RESTART || option->effect == EFFECT_STARTUP);
}

static bool is_same(const struct option *option, const void *a, const void *b)
{
    union parsed left, right;
    get_member(option, a, &left);
    get_member(option, b, &right);
    switch (option->type) {
    case OPTION_BOOL: return left.truth == right.truth;
    case OPTION_U32: return left.u32 == right.u32;
    case OPTION_DURATION:
    case OPTION_I64: return left.i64 == right.i64;
    case OPTION_FLOAT: return !(left.number < right.number) && !(left.number > right.number);
    default: return text_eq(left.text, right.text);
    }
}

static void resolve_one(const struct resolver *resolver, const struct option *option)
{
    struct text section = { 0 }, text = text_of(option->fallback);
    char words[OPTION_WORDS_MAX] = "must be text";
    union parsed parsed = { 0 };
    const struct value *value = find_in_layers(option, resolver->source, &section);
    bool is_valid = value == NULL || value_as_text(value, resolver->scope, &text);
    if (is_valid) is_valid = parse(option, text, &parsed, words) == ERR_OK;
    if (!is_valid) {
        set_usual(resolver, option);
        report(resolver, option, OPTION_VALUE_INVALID, section, text, words);
        return;
    }
    set_member(option, resolver->snapshot, &parsed, resolver->scope);
    if (!waits(resolver, option) || is_same(option, resolver->snapshot, resolver->previous)) return;
    set_usual(resolver, option);
    report(resolver, option, OPTION_WAITS, section, text, "takes effect at the next restart");
}

/* One value of a family, under the name that tells it from the others; the nearest layer wins. */
static void add_to_family(const struct resolver *resolver, const struct option *option,
                          struct kv *family, struct text section, const struct pair *pair)
{
    char words[OPTION_WORDS_MAX] = "must be text";
    struct text text, name = is_pattern(option) ? section : pair->name;
    if (is_ignored(pair->name) || kv_find_fold(family, name)) return;
    if (!value_as_text(&pair->value, resolver->scope, &text) ||
        option_value_check(option, text, words)) {
        report(resolver, option, OPTION_VALUE_INVALID, section, text, words);
        return;
    }
    family->at[family->count++] = (struct pair){
        .name = scope_keep(resolver->scope, name),
        .value = { .kind = VALUE_TEXT, .text = scope_keep(resolver->scope, text) },
    };
}

/* NULL: this section is none of the family's. */
static const struct kv *family_section(const struct option *option, const struct pair *section)
{
    bool is_ours = is_pattern(option) ? fits_pattern(option, section->name)
                                      : text_eq_fold(section->name, text_of(option->section));
    return is_ours && section->value.kind == VALUE_KV ? &section->value.pairs : NULL;
}

static void resolve_layer(const struct resolver *resolver, const struct option *option,
                          struct kv *family, const struct kv *sections)
{
    for (uint32_t i = 0; i < sections->count; i++) {
        const struct kv *section = family_section(option, &sections->at[i]);
        for (uint32_t j = 0; section && j < section->count; j++)
            if (!is_pattern(option) || text_eq_fold(section->at[j].name, text_of(option->name)))
                add_to_family(resolver, option, family, sections->at[i].name, &section->at[j]);
    }
}

static size_t family_room(const struct option *option, const struct kv *sections)
{
    size_t room = 0;
    for (uint32_t i = 0; i < sections->count; i++) {
        const struct kv *section = family_section(option, &sections->at[i]);
        room += section ? section->count : 0;
    }
    return room;
}

/* All names of a family, nearest layer first; invalid ones are left out. */
static void resolve_family(const struct resolver *resolver, const struct option *option)
{
    static const struct kv none = { 0 };
    struct kv *family = member_of(option, resolver->snapshot);
    const struct option_source *source = resolver->source;
    size_t room = 0;
    for (size_t i = 0; i < source->layer_count; i++)
        room +=
            family_room(option, source->layers[i].sections ? source->layers[i].sections : &none);
    family->at = scope_alloc_array(resolver->scope, room, sizeof *family->at);
    for (size_t i = 0; i < source->layer_count; i++) {
        const struct option_layer *layer = &source->layers[i];
        if (layer->sections && (option->levels & (unsigned)layer->level))
            resolve_layer(resolver, option, family, layer->sections);
    }
}

void *option_resolve(const struct option_table *table, const struct option_source *source,
                     const void *previous, struct scope *scope,
                     void (*on_report)(void *self, const struct option_report *report), void *self)
{
    struct resolver resolver = { source, previous,  scope_alloc(scope, table->size),
                                 scope,  on_report, self };
    for (size_t i = 0; i < table->count; i++) {
        if (table->options[i].is_family)
            resolve_family(&resolver, &table->options[i]);
        else
            resolve_one(&resolver, &table->options[i]);
    }
    return resolver.snapshot;
}

/* --- one object, as it is written ----------------------------------------------------------------
 */

static bool is_any_name(const struct option *option)
{
    return option->is_family && text_eq(text_of(option->name), TEXT("*"));
}

static bool is_read_in(const struct option *option, struct text application, struct text section)
{
    struct text names[3];
    if (is_pattern(option)) return fits_pattern(option, section);
    size_t count = sections_of(option, application, names);
    for (size_t i = 0; i < count; i++)
        if (text_eq_fold(names[i], section)) return true;
    return false;
}

const struct option *option_find(const struct option_table *table, struct text application,
                                 struct text section, struct text name)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option *option = &table->options[i];
        if (!is_any_name(option) && !text_eq_fold(text_of(option->name), name)) continue;
        if (is_read_in(option, application, section)) return option;
    }
    return NULL;
}

struct checker {
    const struct option_table *table;
    struct text application;
    enum option_level level;
    struct scope *scratch;
    void (*on_report)(void *self, const struct option_report *report);
    void *self;
    struct fault *fault;
    enum err err;
};

static void tell(struct checker *checker, const struct option_report *report)
{
    bool is_refused = report->trouble == OPTION_VALUE_INVALID || report->trouble == OPTION_TWICE;
    if (is_refused && !checker->err) {
        struct text field = scope_format(checker->scratch, "[%.*s] %.*s", TEXT_ARG(report->section),
                                         TEXT_ARG(report->name));
        checker->err = fault_set(checker->fault, ERR_INVALID, field.at, "%s", report->words);
    }
    if (checker->on_report) checker->on_report(checker->self, report);
}

/* True the first time that a name, folded, is seen. */
static bool is_first(struct checker *checker, struct table *seen, struct text name)
{
    char *folded = scope_alloc(checker->scratch, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        folded[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] + 32 : name.at[i]);
    struct text key = { folded, name.len };
    if (table_get(seen, key)) return false;
    table_put(seen, key, folded);
    return true;
}

static void tell_unknown(struct checker *checker, struct option_report *report)
{
    report->trouble = OPTION_UNKNOWN;
    report->words = "is unknown and not read";
    tell(checker, report);
}

static void check_pair(struct checker *checker, struct text section, const struct pair *pair)
{
    char words[OPTION_WORDS_MAX] = "must be text";
    struct option_report report = { .section = section, .name = pair->name, .words = words };
    bool is_text_like = value_as_text(&pair->value, checker->scratch, &report.value);
    const struct option *option =
        option_find(checker->table, checker->application, section, pair->name);
    if (option == NULL) {
        tell_unknown(checker, &report);
        return;
    }
    bool is_valid = is_text_like && option_value_check(option, report.value, words) == ERR_OK;
    enum err err =
        is_valid ? log_option_check(option->grammar, pair->name, report.value, words, sizeof words)
                 : ERR_OK;
    if (err == ERR_NOT_FOUND) {
        tell_unknown(checker, &report);
        return;
    }
    if (err) is_valid = false;
    bool is_placed = (option->levels & (unsigned)checker->level) != 0;
    if (option->type == OPTION_SECRET) report.value = STARS;
    if (is_valid && is_placed) return;
    report.trouble = is_valid ? OPTION_WRONG_LEVEL : OPTION_VALUE_INVALID;
    if (is_valid) report.words = "is not read on this object";
    tell(checker, &report);
}

static void check_section(struct checker *checker, struct text section, const struct kv *pairs)
{
    struct table *seen = table_new(checker->scratch);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->at[i];
        if (is_ignored(pair->name)) continue;
        if (is_first(checker, seen, pair->name))
            check_pair(checker, section, pair);
        else
            tell(checker, &(struct option_report){ .trouble = OPTION_TWICE,
                                                   .section = section,
                                                   .name = pair->name,
                                                   .words = "is there twice" });
    }
}

enum err option_check(const struct option_table *table, struct text application,
                      enum option_level level, const struct kv *sections,
                      void (*on_report)(void *self, const struct option_report *report), void *self,
                      struct fault *fault)
{
    struct checker checker = { table,     application, level, scope_new(NULL, "option check", 0),
                               on_report, self,        fault, ERR_OK };
    struct table *seen = table_new(checker.scratch);
    for (uint32_t i = 0; i < sections->count; i++) {
        const struct pair *pair = &sections->at[i];
        struct option_report report = { .section = pair->name };
        if (is_ignored(pair->name)) continue;
        if (!is_first(&checker, seen, pair->name)) {
            report.trouble = OPTION_TWICE;
            report.words = "the section is there twice";
            tell(&checker, &report);
        } else if (pair->value.kind != VALUE_KV) {
            report.trouble = OPTION_VALUE_INVALID;
            report.words = "a section must hold options";
            tell(&checker, &report);
        } else {
            check_section(&checker, pair->name, &pair->value.pairs);
        }
    }
    scope_close(checker.scratch);
    return checker.err;
}

/* --- two snapshots -------------------------------------------------------------------------------
 */

static bool is_same_family(const struct kv *before, const struct kv *after)
{
    if (before->count != after->count) return false;
    for (uint32_t i = 0; i < before->count; i++) {
        const struct value *other = kv_find(after, before->at[i].name);
        if (other == NULL || !text_eq(other->text, before->at[i].value.text)) return false;
    }
    return true;
}

size_t option_moved(const struct option_table *table, const void *before, const void *after,
                    void (*on_moved)(void *self, const struct option *option), void *self)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct option *option = &table->options[i];
        bool is_still = option->is_family
                            ? is_same_family(member_in(option, before), member_in(option, after))
                            : is_same(option, before, after);
        if (is_still) continue;
        count++;
        if (on_moved) on_moved(self, option);
    }
    return count;
}
