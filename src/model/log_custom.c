/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_custom.h"

#include "base/catalogue.h"
#include "base/table.h"

#include <string.h>

#define REASSIGN TEXT("level-reassign-")

struct entry {
    const struct log_event *key;
    struct log_event event; /* its words may be ours; level LOG_LEVELS: not recorded */
};

struct log_custom {
    struct scope *owner;
    struct table *entries; /* by the address of the declared event */
    enum log_level highest[LOG_LEVELS];
};

enum err log_level_parse(struct text word, int *out)
{
    static const char *const words[LOG_LEVELS + 1] = {
        [LOG_DEBUG] = "debug",       [LOG_TRACE] = "trace", [LOG_INTERACTION] = "interaction",
        [LOG_STANDARD] = "standard", [LOG_ALARM] = "alarm", [LOG_LEVELS] = "none",
    };
    for (int level = 0; level <= LOG_LEVELS; level++)
        if (text_eq_fold(word, text_of(words[level]))) {
            *out = level;
            return ERR_OK;
        }
    return ERR_INVALID;
}

/* --- events by number ------------------------------------------------------------------------ */

static bool has_number(const struct log_event *event, struct text number)
{
    struct text id = text_of(event->id);
    return text_eq(id, number) || (number.len == 5 && text_eq(text_slice(id, 3, 5), number));
}

/* `for (size_t at = 0; (event = next_event(number, &at)) != NULL;)` */
static const struct log_event *next_event(struct text number, size_t *at)
{
    size_t count;
    const struct log_event *const *events = log_events(&count);
    while (*at <= count) {
        const struct log_event *event = *at < count ? events[*at] : &LOG_FREE_TEXT;
        ++*at;
        if (has_number(event, number)) return event;
    }
    return NULL;
}

static struct entry *entry_get(struct log_custom *custom, const struct log_event *event)
{
    struct entry *entry = table_get(custom->entries, TEXT_OF(&event));
    if (entry) return entry;
    entry = scope_alloc(custom->owner, sizeof *entry);
    *entry = (struct entry){ event, *event };
    table_put(custom->entries, TEXT_OF(&entry->key), entry);
    return entry;
}

/* --- the section ----------------------------------------------------------------------------- */

static bool is_reassign(struct text name, struct text *number)
{
    struct text prefix = REASSIGN;
    if (!text_eq_fold(text_slice(name, 0, prefix.len), prefix)) return false;
    *number = text_slice(name, prefix.len, name.len);
    return true;
}

enum err log_custom_check(struct text name, struct text value, struct fault *fault)
{
    struct text number;
    bool truth;
    int level;
    size_t at = 0;
    if (text_eq_fold(name, TEXT("level-reassign-disable")))
        return text_to_bool(value, &truth)
                   ? fault_set(fault, ERR_INVALID, "log-extended", "%.*s: must be true or false",
                               TEXT_ARG(name))
                   : ERR_OK;
    if (!is_reassign(name, &number) || next_event(number, &at) == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "log-extended", "%.*s: no event has that number",
                         TEXT_ARG(name));
    if (log_level_parse(value, &level))
        return fault_set(fault, ERR_INVALID, "log-extended",
                         "%.*s: must be alarm, standard, interaction, trace, debug or none",
                         TEXT_ARG(name));
    return ERR_OK;
}

static void set_level(struct log_custom *custom, struct text number, int level)
{
    const struct log_event *event;
    for (size_t at = 0; (event = next_event(number, &at)) != NULL;)
        entry_get(custom, event)->event.level = (enum log_level)level;
}

static bool is_disabled(const struct kv *extended)
{
    bool truth;
    for (uint32_t i = 0; i < extended->count; i++)
        if (text_eq_fold(extended->at[i].name, TEXT("level-reassign-disable")) &&
            extended->at[i].value.kind == VALUE_TEXT &&
            text_to_bool(extended->at[i].value.text, &truth) == ERR_OK)
            return truth;
    return false;
}

static void read_section(struct log_custom *custom, const struct kv *extended)
{
    if (is_disabled(extended)) return;
    for (uint32_t i = 0; i < extended->count; i++) {
        struct text number;
        int level;
        const struct value *value = &extended->at[i].value;
        if (value->kind == VALUE_TEXT && is_reassign(extended->at[i].name, &number) &&
            log_level_parse(value->text, &level) == ERR_OK)
            set_level(custom, number, level);
    }
}

/* --- the message file ------------------------------------------------------------------------ */

/* Takes the next conversion off the front: "%-5.*s"; false: there is none. `*out` of no bytes: a
 * percent sign that begins nothing known. */
static bool next_conversion(struct text *rest, struct text *out)
{
    for (;;) {
        size_t at = text_find(*rest, '%', 0);
        if (at == SIZE_MAX) return false;
        *rest = text_slice(*rest, at, rest->len);
        if (!text_starts(*rest, TEXT("%%"))) break;
        *rest = text_slice(*rest, 2, rest->len);
    }
    size_t len = 1;
    while (len < rest->len && strchr("0123456789.*+-# hlzjt", rest->at[len])) len++;
    bool ends = len < rest->len && strchr("diouxXeEfgGcsp", rest->at[len]) && rest->at[len];
    *out = text_slice(*rest, 0, ends ? len + 1 : 0);
    *rest = text_slice(*rest, ends ? len + 1 : 1, rest->len);
    return true;
}

static bool takes_the_same(struct text words, const struct log_event *event)
{
    struct text declared = text_of(event->text), own, theirs;
    while (next_conversion(&words, &own))
        if (!next_conversion(&declared, &theirs) || own.len == 0 || !text_eq(own, theirs))
            return false;
    return true;
}

static const char *read_line(struct log_custom *custom, struct text line)
{
    struct text number, level_word, words, rest;
    int level = 0;
    if (!text_cut(line, '|', &number, &rest) || !text_cut(rest, '|', &level_word, &words))
        return "must be NUMBER|LEVEL|TEXT";
    number = text_trim(number), level_word = text_trim(level_word), words = text_trim(words);
    if (level_word.len && log_level_parse(level_word, &level)) return "there is no such level";
    if (!text_is_utf8(words) || text_find(words, '\0', 0) != SIZE_MAX) return "must be UTF-8";
    const struct log_event *event;
    bool is_known = false, fits = false;
    for (size_t at = 0; (event = next_event(number, &at)) != NULL;) {
        is_known = true;
        if (words.len && !takes_the_same(words, event)) continue;
        fits = true;
        struct entry *entry = entry_get(custom, event);
        if (words.len) entry->event.text = scope_keep_z(custom->owner, words);
        if (level_word.len) entry->event.level = (enum log_level)level;
    }
    if (!is_known) return "no event has that number";
    return fits ? NULL : "the text does not take the event's arguments";
}

static void read_file(struct log_custom *custom, struct text file,
                      void (*on_bad)(void *self, uint32_t line, const char *words), void *self)
{
    struct text line;
    for (uint32_t number = 1; text_next_item(&file, '\n', &line); number++) {
        if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';') continue;
        const char *words = read_line(custom, line);
        if (words && on_bad) on_bad(self, number, words);
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static void find_highest(struct log_custom *custom)
{
    for (int level = 0; level < LOG_LEVELS; level++) custom->highest[level] = (enum log_level)level;
    const struct entry *entry;
    for (size_t at = 0; (entry = table_next(custom->entries, &at)) != NULL;) {
        enum log_level *highest = &custom->highest[entry->key->level];
        if (entry->event.level < LOG_LEVELS && entry->event.level > *highest)
            *highest = entry->event.level;
    }
}

struct log_custom *log_custom_new(struct scope *owner, const struct kv *extended,
                                  struct text message_file,
                                  void (*on_bad)(void *self, uint32_t line, const char *words),
                                  void *self)
{
    struct log_custom *custom = scope_alloc(owner, sizeof *custom);
    *custom = (struct log_custom){ .owner = owner, .entries = table_new(owner) };
    read_file(custom, message_file, on_bad, self);
    read_section(custom, extended);
    find_highest(custom);
    return table_count(custom->entries) ? custom : NULL;
}

const struct log_event *log_custom_event(const struct log_custom *custom,
                                         const struct log_event *event)
{
    const struct entry *entry = table_get(custom->entries, TEXT_OF(&event));
    if (entry == NULL) return event;
    return entry->event.level < LOG_LEVELS ? &entry->event : NULL;
}

enum log_level log_custom_highest(const struct log_custom *custom, enum log_level level)
{
    return custom->highest[level];
}
