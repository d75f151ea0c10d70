/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/options_check.h"

#include "gen/objects.h"
#include "gen/options.h"
#include "model/option.h"
#include "servers/config/rules.h"

#include <string.h>

struct reporting {
    const struct options_check *check;
    const char *property;
    bool is_strict_reader; /* we know all that is read: an unknown option is worth a word */
};

static const struct value *sections_of(const struct object *object, const char *property)
{
    return body_find(&object->body, text_of(property));
}

/* The application that a section of the object is named as. */
static struct text reader_of(const struct options_check *check)
{
    const struct value *annex = sections_of(check->object, "annex");
    for (uint32_t i = 0; annex && i < annex->pairs.count; i++)
        for (size_t k = 0; k < check->reader_count; k++)
            if (text_eq_fold(annex->pairs.at[i].name, check->readers[k])) return check->readers[k];
    return TEXT("");
}

static void on_report(void *self, const struct option_report *report)
{
    const struct reporting *reporting = self;
    const struct options_check *check = reporting->check;
    switch (report->trouble) {
    case OPTION_VALUE_INVALID:
    case OPTION_TWICE:
        problem_add(check->problems, PROBLEM_INVALID_VALUE, check->object->type,
                    text_of(reporting->property), "%.*s.%s.%.*s.%.*s: %s", TEXT_ARG(check->label),
                    reporting->property, TEXT_ARG(report->section), TEXT_ARG(report->name),
                    report->words);
        break;
    case OPTION_UNKNOWN:
        if (!reporting->is_strict_reader) break;
        warning_add(check->warnings,
                    scope_format(check->scratch,
                                 "%.*s.%s.%.*s.%.*s: unknownOption, kept, never "
                                 "read",
                                 TEXT_ARG(check->label), reporting->property,
                                 TEXT_ARG(report->section), TEXT_ARG(report->name)));
        break;
    case OPTION_WRONG_LEVEL:
        warning_add(check->warnings,
                    scope_format(check->scratch, "%.*s.%s.%.*s.%.*s: is not read on this object",
                                 TEXT_ARG(check->label), reporting->property,
                                 TEXT_ARG(report->section), TEXT_ARG(report->name)));
        break;
    case OPTION_WAITS: break;
    }
}

/* Secrets cannot be judged: the value is not here. */
static struct kv without_secrets(struct scope *scope, const struct kv *sections)
{
    struct kv out = body_copy(scope, sections);
    for (uint32_t i = 0; i < out.count; i++) {
        struct kv *section = &out.at[i].value.pairs;
        for (uint32_t k = section->count; k-- > 0;)
            if (section->at[k].value.kind != VALUE_TEXT)
                (void)body_remove(section, section->at[k].name);
    }
    return out;
}

static void run(const struct options_check *check, const struct option_table *table,
                struct text application, enum option_level level, const char *property,
                bool is_strict_reader)
{
    const struct value *sections = sections_of(check->object, property);
    if (sections == NULL || table == NULL) return;
    struct reporting reporting = { check, property, is_strict_reader };
    struct kv kv = without_secrets(check->scratch, &sections->pairs);
    struct fault fault = { 0 };
    (void)option_check(table, application, level, &kv, on_report, &reporting, &fault);
}

static void run_application(const struct options_check *check)
{
    struct text type = body_text(&check->object->body, "type");
    const struct option_table *table = rules_option_table(type);
    const struct option_table *used = table ? table : &OPTIONS_COMMON;
    run(check, used, check->object->key, LEVEL_APPLICATION, "options", table != NULL);
    run(check, used, check->object->key, LEVEL_APPLICATION, "annex", false);
}

void options_check_run(const struct options_check *check)
{
    static const struct {
        const struct object_type *type;
        enum option_level level;
    } levels[] = {
        { &OBJECT_CAMPAIGN, LEVEL_CAMPAIGN },
        { &OBJECT_CAMPAIGN_GROUP, LEVEL_CAMPAIGN_GROUP },
        { &OBJECT_CALLING_LIST, LEVEL_CALLING_LIST },
        { &OBJECT_HOST, LEVEL_HOST },
    };
    if (check->object->type == &OBJECT_APPLICATION) run_application(check);
    if (check->object->type == &OBJECT_TENANT)
        run(check, &OPTIONS_ACCOUNT, TEXT(""), LEVEL_TENANT, "annex", false);
    if (check->object->type == &OBJECT_PERSON)
        run(check, &OPTIONS_ACCOUNT, TEXT(""), LEVEL_PERSON, "annex", false);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (levels[i].type == check->object->type)
            run(check, &OPTIONS_OUTBOUND, reader_of(check), levels[i].level, "annex",
                levels[i].level != LEVEL_HOST);
}
