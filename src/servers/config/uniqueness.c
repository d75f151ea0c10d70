/* SPDX-License-Identifier: Apache-2.0 */
/* What is there once beyond its natural key (framework 2.2, 2.3; addenda 1.2). Each rule looks at
 * all objects of its type, and only when one of them, or of what it leans on, moves. */
#include "gen/objects.h"
#include "servers/config/draft.h"

struct once {
    struct change_set *set;
    struct problems *problems;
    struct scope *scratch;
};

static struct text label_of(const struct once *once, const struct object *object)
{
    return draft_label(once->set, once->problems->scope, object);
}

static void refuse(const struct once *once, const struct object *object, const char *property,
                   struct text words)
{
    problem_add(once->problems, PROBLEM_UNIQUENESS, object->type, text_of(property),
                "%.*s.%s: %.*s", TEXT_ARG(label_of(once, object)), property, TEXT_ARG(words));
}

/* The object that took the place before, if one did. */
static const struct object *take(struct table *table, struct text place,
                                 const struct object *object)
{
    const struct object *other = table_get(table, place);
    if (other == NULL) table_put(table, place, (void *)(uintptr_t)object);
    return other;
}

/* --- accounts ------------------------------------------------------------------------------- */

/* Who would have the name; by the index where nothing is staged. */
static const struct object *owner_of(const struct once *once, struct text name)
{
    const struct object *person = object_set_find_user(once->set->objects, name);
    if (person == NULL || table_get(once->set->by_before, person->identity)) return NULL;
    return person;
}

static void check_user_names(const struct once *once)
{
    struct table *names = table_new(once->scratch);
    for (size_t i = 0; i < once->set->count; i++) {
        const struct object *person = once->set->at[i]->after;
        if (person == NULL || person->type != &OBJECT_PERSON) continue;
        struct text name = body_text(&person->body, "userName");
        const struct object *other = take(names, name, person);
        if (other == NULL) other = owner_of(once, name);
        if (other == NULL) continue;
        refuse(once, person, "userName",
               scope_format(once->scratch, "%.*s is the userName of %.*s already", TEXT_ARG(name),
                            TEXT_ARG(label_of(once, other))));
    }
}

/* --- ports ---------------------------------------------------------------------------------- */

/* A backup opens its primary's ports when it takes over. */
static bool is_pair(const struct object *one, const struct object *other)
{
    return text_eq(body_text(&other->body, "backupServer"), one->key) ||
           text_eq(body_text(&one->body, "backupServer"), other->key);
}

static void check_ports_of(const struct once *once, struct table *numbers,
                           const struct object *application)
{
    const struct value *ports = body_find(&application->body, TEXT("ports"));
    struct text host = body_text(&application->body, "host");
    for (uint32_t i = 0; ports && host.len && i < ports->items.count; i++) {
        const struct value *number = body_find(&ports->items.at[i].pairs, TEXT("number"));
        struct text place =
            scope_format(once->scratch, "%.*s %lld", TEXT_ARG(host), (long long)number->integer);
        const struct object *other = take(numbers, place, application);
        if (other == NULL || is_pair(application, other)) continue;
        refuse(once, application, "ports",
               scope_format(once->scratch, "%lld is a port of applications[%.*s] on %.*s",
                            (long long)number->integer, TEXT_ARG(other->key), TEXT_ARG(host)));
    }
}

static void check_ports(const struct once *once)
{
    struct table *numbers = table_new(once->scratch);
    const struct object *application;
    for (size_t at = 0; (application = draft_next(once->set, &OBJECT_APPLICATION, &at));)
        check_ports_of(once, numbers, application);
}

/* --- one of a kind -------------------------------------------------------------------------- */

static bool is_multimedia(const struct once *once, const struct object *object)
{
    const struct object *office =
        draft_find(once->set, object_identity(once->scratch, &OBJECT_PHYSICAL_SWITCH, TEXT(""),
                                              body_text(&object->body, "physicalSwitch")));
    return office && text_eq_fold(body_text(&office->body, "type"), TEXT("Multimedia Switch"));
}

/* More than one leads to unpredictable behaviour (interaction 1.4). */
static void check_switches(const struct once *once)
{
    struct table *tenants = table_new(once->scratch);
    const struct object *object;
    for (size_t at = 0; (object = draft_next(once->set, &OBJECT_SWITCH, &at));) {
        if (!is_multimedia(once, object)) continue;
        const struct object *other = take(tenants, object->tenant, object);
        if (other)
            refuse(once, object, "physicalSwitch",
                   scope_format(once->scratch,
                                "switches[%.*s] is the multimedia switch of the tenant already",
                                TEXT_ARG(other->key)));
    }
}

static void check_defaults(const struct once *once)
{
    struct table *defaults = table_new(once->scratch);
    const struct object *object;
    for (size_t at = 0; (object = draft_next(once->set, &OBJECT_ENUMERATOR_VALUE, &at));) {
        const struct value *is_default = body_find(&object->body, TEXT("isDefault"));
        if (is_default == NULL || !is_default->truth) continue;
        struct text place = object_identity(once->scratch, &OBJECT_ENUMERATOR, object->tenant,
                                            body_text(&object->body, "enumerator"));
        const struct object *other = take(defaults, place, object);
        if (other)
            refuse(once, object, "isDefault",
                   scope_format(once->scratch, "enumeratorValues[%.*s] is the default already",
                                TEXT_ARG(other->key)));
    }
}

static void check_codes(const struct once *once)
{
    struct table *codes = table_new(once->scratch);
    const struct object *object;
    for (size_t at = 0; (object = draft_next(once->set, &OBJECT_ACTION_CODE, &at));) {
        struct text type = body_text(&object->body, "type"),
                    code = body_text(&object->body, "code");
        struct text place = scope_format(once->scratch, "%.*s\x1f%.*s\x1f%.*s",
                                         TEXT_ARG(object->tenant), TEXT_ARG(type), TEXT_ARG(code));
        const struct object *other = take(codes, place, object);
        if (other)
            refuse(once, object, "code",
                   scope_format(once->scratch, "%.*s is the code of actionCodes[%.*s] already",
                                TEXT_ARG(code), TEXT_ARG(other->key)));
    }
}

/* --- all ------------------------------------------------------------------------------------ */

static bool has_staged(const struct change_set *set, const struct object_type *type)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->at[i]->after && set->at[i]->after->type == type) return true;
    return false;
}

void draft_check_uniqueness(struct change_set *set, struct problems *problems)
{
    struct once once = { set, problems, scope_new(set->life, "uniqueness", SCOPE_NO_LIMIT) };
    check_user_names(&once);
    if (has_staged(set, &OBJECT_APPLICATION)) check_ports(&once);
    if (has_staged(set, &OBJECT_SWITCH) || has_staged(set, &OBJECT_PHYSICAL_SWITCH))
        check_switches(&once);
    if (has_staged(set, &OBJECT_ENUMERATOR_VALUE)) check_defaults(&once);
    if (has_staged(set, &OBJECT_ACTION_CODE)) check_codes(&once);
    scope_close(once.scratch);
}
