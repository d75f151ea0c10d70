/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between objects (framework 2.2, 2.3; outbound 3.2), secrets, and options against what their
 * readers declare (framework 4.1). */
#include "gen/objects.h"
#include "servers/config/draft.h"
#include "servers/config/membership.h"
#include "servers/config/options_check.h"
#include "servers/config/reference.h"
#include "servers/config/rules.h"

#include <stdio.h>

struct checker {
    struct change_set *set;
    const struct change_world *world;
    struct problems *problems;
    struct warnings *warnings;
    struct scope *scratch;
    const struct object *object; /* at hand */
    struct text label;
    struct text *readers; /* outbound applications */
    size_t reader_count;
};

static void refuse(const struct checker *checker, enum problem_kind kind, const char *property,
                   struct text words)
{
    problem_add(checker->problems, kind, checker->object->type, text_of(property), "%.*s.%s: %.*s",
                TEXT_ARG(checker->label), property, TEXT_ARG(words));
}

/* --- templates ------------------------------------------------------------------------------ */

static void take_from_template(struct change_set *set, struct object *object,
                               struct problems *problems)
{
    struct scope *scratch = scope_new(set->life, "template", SCOPE_NO_LIMIT);
    struct text name = body_text(&object->body, "template");
    const struct object *template =
        draft_find(set, object_identity(scratch, &OBJECT_APP_PROTOTYPE, TEXT(""), name));
    scope_close(scratch);
    static const char *const derived[] = { "type", "version" };
    for (size_t i = 0; template && i < sizeof derived / sizeof derived[0]; i++) {
        const struct value *value = body_find(&template->body, text_of(derived[i]));
        if (value && body_find(&object->body, text_of(derived[i])) == NULL)
            body_put(object->life, &object->body, text_of(derived[i]),
                     body_copy_value(object->life, value));
    }
    object->body = object_canonical(object->life, object->type->shape, &object->body);
    /* A missing template is told as a reference. */
    if (body_text(&object->body, "type").len || (name.len && template == NULL)) return;
    problem_add(problems, PROBLEM_INVALID_VALUE, object->type, TEXT("type"),
                "applications[%.*s].type: a type or a template must be there",
                TEXT_ARG(object->key));
}

void draft_complete(struct change_set *set, struct problems *problems)
{
    for (size_t i = 0; i < set->count; i++) {
        struct object *after = set->at[i]->after;
        if (after && after->type == &OBJECT_APPLICATION) take_from_template(set, after, problems);
    }
}

static void check_derived(const struct checker *checker, const struct object *before)
{
    static const char *const derived[] = { "type", "version" };
    for (size_t i = 0; before && i < sizeof derived / sizeof derived[0]; i++) {
        struct text old = body_text(&before->body, derived[i]);
        if (old.len && !text_eq(old, body_text(&checker->object->body, derived[i])))
            refuse(checker, PROBLEM_INVALID_VALUE, derived[i],
                   scope_format(checker->scratch, "is %.*s and does not change", TEXT_ARG(old)));
    }
}

/* Framework 2.3: a type comes from the template. What was kept before this was looked at stays. */
static void check_template(const struct checker *checker, const struct staged *staged)
{
    const struct object *before = staged->before, *after = checker->object;
    struct text name = body_text(&after->body, "template"), type = body_text(&after->body, "type");
    if (name.len == 0 || staged->follows ||
        (before && text_eq(name, body_text(&before->body, "template"))))
        return;
    const struct object *template = draft_find(
        checker->set, object_identity(checker->scratch, &OBJECT_APP_PROTOTYPE, TEXT(""), name));
    struct text its = template ? body_text(&template->body, "type") : type;
    if (!text_eq(its, type))
        refuse(checker, PROBLEM_INVALID_VALUE, "type",
               scope_format(checker->scratch, "is %.*s, and must be %.*s, as of the template",
                            TEXT_ARG(type), TEXT_ARG(its)));
}

/* --- accounts of applications --------------------------------------------------------------- */

/* Framework 12.1: System, or whose permissions bound it. One that vanishes later leaves it none. */
static void check_log_on_as(const struct checker *checker)
{
    struct object_view view = { checker->set->objects, checker->set };
    struct text account = body_text(&checker->object->body, "logOnAs");
    if (account.len == 0 || text_eq(account, TEXT(LOG_ON_AS_SYSTEM))) return;
    const struct object *found = membership_find(&view, account, OBJECT_TENANT_DEFAULT);
    if (found && draft_shows(checker->set, found)) return;
    refuse(checker, PROBLEM_INVALID_VALUE, "logOnAs",
           scope_format(checker->scratch, "there is no Person and no AccessGroup \"%.*s\"",
                        TEXT_ARG(account)));
}

/* --- formats in use ------------------------------------------------------------------------- */

struct binding {
    struct text format;
    const struct object *user;
};

static void note_binding(void *self, const struct reference *reference)
{
    struct binding *binding = self;
    if (reference->to == &OBJECT_FORMAT && text_eq(reference->key, binding->format))
        binding->user = reference->from;
}

static const struct object *user_of(const struct checker *checker, const struct object *format)
{
    static const struct object_type *const users[] = { &OBJECT_TABLE_ACCESS, &OBJECT_FILTER };
    struct binding binding = { .format = format->key };
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        size_t count;
        const struct object *const *objects =
            object_set_of(checker->set->objects, users[i], &count);
        for (size_t k = 0; k < count && binding.user == NULL; k++)
            if (text_eq(objects[k]->tenant, format->tenant))
                references_each(objects[k], note_binding, &binding);
    }
    return binding.user;
}

/* Outbound 3.2: once bound to a Table Access or Filter its fields are frozen. */
static void check_frozen(const struct checker *checker, const struct object *before)
{
    static const struct value none = { .kind = VALUE_LIST };
    const struct value *old = body_find(&before->body, TEXT("fields"));
    const struct value *new = body_find(&checker->object->body, TEXT("fields"));
    if (body_values_equal(old ? old : &none, new ? new : &none)) return;
    const struct object *user = user_of(checker, before);
    if (user)
        refuse(checker, PROBLEM_INVALID_VALUE, "fields",
               scope_format(checker->scratch, "do not change: they are bound to %.*s",
                            TEXT_ARG(draft_label(checker->set, checker->scratch, user))));
}

/* --- secrets -------------------------------------------------------------------------------- */

static void check_secret(void *self, struct text name)
{
    const struct checker *checker = self;
    if (checker->world->has_secret(checker->world->self, name)) return;
    const char *property = checker->object->type == &OBJECT_APPLICATION ? "options" : "annex";
    refuse(checker, PROBLEM_INVALID_VALUE, property,
           scope_format(checker->scratch, "there is no secret \"%.*s\"", TEXT_ARG(name)));
}

/* --- all ------------------------------------------------------------------------------------ */

/* The types of its nodes, each once. */
static void note_nodes(const struct checker *checker, struct options_check *options)
{
    struct table *seen = table_new(checker->scratch);
    const struct object *node;
    size_t count = 0;
    for (size_t at = 0; draft_next(checker->set, &OBJECT_APPLICATION, &at);) count++;
    struct text *types = scope_alloc_array(checker->scratch, count, sizeof *types);
    options->node_types = types;
    for (size_t at = 0; (node = draft_next(checker->set, &OBJECT_APPLICATION, &at));) {
        struct text type = body_text(&node->body, "type");
        if (!rules_is_node(node, checker->object) || table_get(seen, type)) continue;
        table_put(seen, type, seen);
        types[options->node_type_count++] = type;
    }
}

static void check_one(struct checker *checker, const struct staged *staged)
{
    checker->object = staged->after;
    checker->label = object_label(checker->problems->scope, staged->after->type,
                                  staged->after->tenant, staged->after->key);
    body_each_secret(&staged->after->body, check_secret, checker);
    if (staged->after->type == &OBJECT_APPLICATION) {
        check_derived(checker, staged->before);
        check_template(checker, staged);
        check_log_on_as(checker);
    }
    if (staged->after->type == &OBJECT_FORMAT && staged->before)
        check_frozen(checker, staged->before);
    struct options_check options = {
        .object = staged->after,
        .label = checker->label,
        .problems = checker->problems,
        .warnings = checker->warnings,
        .scratch = checker->scratch,
        .readers = checker->readers,
        .reader_count = checker->reader_count,
    };
    if (rules_is_cluster(staged->after)) note_nodes(checker, &options);
    options_check_run(&options);
}

/* Once for all: each look at the applications passes every staged object. */
static void note_readers(struct checker *checker)
{
    const struct object *application;
    size_t count = 0;
    for (size_t at = 0; draft_next(checker->set, &OBJECT_APPLICATION, &at);) count++;
    checker->readers = scope_alloc_array(checker->scratch, count, sizeof *checker->readers);
    for (size_t at = 0; (application = draft_next(checker->set, &OBJECT_APPLICATION, &at));)
        if (text_eq(body_text(&application->body, "type"), TEXT("CMServer")))
            checker->readers[checker->reader_count++] = application->key;
}

void draft_check(struct change_set *set, const struct change_world *world,
                 struct problems *problems, struct warnings *warnings)
{
    struct checker checker = { .set = set,
                               .world = world,
                               .problems = problems,
                               .warnings = warnings,
                               .scratch = scope_new(set->life, "checks", SCOPE_NO_LIMIT) };
    note_readers(&checker);
    for (size_t i = 0; i < set->count; i++)
        if (set->at[i]->after) check_one(&checker, set->at[i]);
    scope_close(checker.scratch);
    draft_check_uniqueness(set, problems);
    draft_check_rings(set, problems);
    draft_check_fitting(set, problems, warnings);
    draft_check_folders(set, problems);
    draft_lint(set, warnings);
}
