/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/options_check.h"

#include "gen/objects.h"
#include "gen/options.h"
#include "model/application_type.h"
#include "model/option.h"
#include "servers/config/rules.h"

#include <string.h>

struct reporting {
    const struct options_check *check;
    const char *property;
    bool is_strict_reader; /* we know all that is read: an unknown option is worth a word */
    bool is_refused;       /* ... or is an error (x-config.strict-options) */
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

static void on_unknown(const struct reporting *reporting, const struct option_report *report)
{
    const struct options_check *check = reporting->check;
    if (reporting->is_refused)
        problem_add(check->problems, PROBLEM_INVALID_VALUE, check->object->type,
                    text_of(reporting->property),
                    "%.*s.%s.%.*s.%.*s: unknownOption, and strict-options is on",
                    TEXT_ARG(check->label), reporting->property, TEXT_ARG(report->section),
                    TEXT_ARG(report->name));
    else if (reporting->is_strict_reader)
        warning_add(check->warnings,
                    scope_format(check->scratch,
                                 "%.*s.%s.%.*s.%.*s: unknownOption, kept, never read",
                                 TEXT_ARG(check->label), reporting->property,
                                 TEXT_ARG(report->section), TEXT_ARG(report->name)));
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
    case OPTION_UNKNOWN: on_unknown(reporting, report); break;
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

/* How an object is read. */
struct reading {
    const struct option_table *table; /* NULL: by nobody */
    struct text application;
    enum option_level level;
    const char *property;
    bool is_strict_reader, is_refused;
};

static void run(const struct options_check *check, const struct reading *reading)
{
    const struct value *sections = sections_of(check->object, reading->property);
    if (sections == NULL || reading->table == NULL) return;
    struct reporting reporting = { check, reading->property, reading->is_strict_reader,
                                   reading->is_refused };
    struct kv kv = without_secrets(check->scratch, &sections->pairs);
    struct fault fault = { 0 };
    (void)option_check(reading->table, reading->application, reading->level, &kv, on_report,
                       &reporting, &fault);
}

/* --- applications --------------------------------------------------------------------------- */

static bool is_strict(const struct object *object)
{
    const struct value *options = sections_of(object, "options");
    const struct value *section = options ? kv_find_fold(&options->pairs, TEXT("x-config")) : NULL;
    const struct value *value = section && section->kind == VALUE_KV
                                    ? kv_find_fold(&section->pairs, TEXT("strict-options"))
                                    : NULL;
    bool truth = false;
    return value && value->kind == VALUE_TEXT && text_to_bool(value->text, &truth) == ERR_OK &&
           truth;
}

/* The options of a cluster are its nodes': what one kind of node does not know another may. */
static void run_cluster(const struct options_check *check)
{
    struct reading reading = { .table = &OPTIONS_COMMON,
                               .application = check->object->key,
                               .level = LEVEL_APPLICATION,
                               .property = "options" };
    for (size_t i = 0; i < check->node_type_count; i++) {
        const struct option_table *table = application_type_options(check->node_types[i]);
        reading.table = table ? table : &OPTIONS_COMMON;
        reading.is_strict_reader = table && check->node_type_count == 1;
        reading.is_refused = reading.is_strict_reader && is_strict(check->object);
        run(check, &reading);
    }
    if (check->node_type_count == 0) run(check, &reading);
    reading.property = "annex";
    reading.is_strict_reader = reading.is_refused = false;
    run(check, &reading);
}

static void run_application(const struct options_check *check)
{
    struct text type = body_text(&check->object->body, "type");
    const struct option_table *table = application_type_options(type);
    /* The supervisor reads a few of a third party's, and the third party whatever it likes. */
    if (table == NULL) table = &OPTIONS_THIRD_PARTY_SERVER;
    bool is_ours = table != &OPTIONS_THIRD_PARTY_SERVER;
    struct reading reading = { .table = table,
                               .application = check->object->key,
                               .level = LEVEL_APPLICATION,
                               .property = "options",
                               .is_strict_reader = is_ours,
                               .is_refused = is_ours && is_strict(check->object) };
    run(check, &reading);
    reading.property = "annex";
    reading.is_strict_reader = reading.is_refused = false;
    if (check->object->type == &OBJECT_APPLICATION) run(check, &reading);
}

/* --- others --------------------------------------------------------------------------------- */

static void run_annex(const struct options_check *check, const struct option_table *table,
                      enum option_level level)
{
    struct reading reading = { .table = table, .level = level, .property = "annex" };
    run(check, &reading);
}

static void run_script(const struct options_check *check)
{
    struct text type = body_text(&check->object->body, "type");
    if (text_eq(type, TEXT("AlarmDetection")))
        run_annex(check, &OPTIONS_ALARM_DETECTION, LEVEL_SCRIPT);
    if (text_eq(type, TEXT("AlarmReaction")))
        run_annex(check, &OPTIONS_ALARM_REACTION, LEVEL_SCRIPT);
}

/* What outbound reads of its objects, under its own name or a usual one (outbound 3.1). */
static void run_outbound(const struct options_check *check)
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
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct reading reading = { .table = &OPTIONS_OUTBOUND,
                                   .level = levels[i].level,
                                   .property = "annex",
                                   .is_strict_reader = levels[i].level != LEVEL_HOST };
        if (levels[i].type != check->object->type) continue;
        reading.application = reader_of(check);
        run(check, &reading);
    }
}

void options_check_run(const struct options_check *check)
{
    const struct object_type *type = check->object->type;
    if (rules_is_cluster(check->object))
        run_cluster(check);
    else if (type == &OBJECT_APPLICATION || type == &OBJECT_APP_PROTOTYPE)
        run_application(check);
    else if (type == &OBJECT_TENANT)
        run_annex(check, &OPTIONS_ACCOUNT, LEVEL_TENANT);
    else if (type == &OBJECT_PERSON)
        run_annex(check, &OPTIONS_ACCOUNT, LEVEL_PERSON);
    else if (type == &OBJECT_SCRIPT)
        run_script(check);
    else
        run_outbound(check);
}
