/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/limits.h"

#include "gen/objects.h"

/* --- objects -------------------------------------------------------------------------------- */

static bool is_new(const struct staged *staged)
{
    return staged->before == NULL && staged->after;
}

/* `type` NULL: of all types. */
static size_t count_of(const struct change_set *set, const struct object_type *type)
{
    size_t count = object_set_count(set->objects);
    if (type) (void)object_set_of(set->objects, type, &count);
    for (size_t i = 0; i < set->count; i++) {
        const struct staged *staged = set->at[i];
        const struct object *object = staged->after ? staged->after : staged->before;
        if (object == NULL || (type && object->type != type)) continue;
        count += is_new(staged);
        count -= staged->before && staged->after == NULL;
    }
    return count;
}

/* The last one that is added; NULL: none is. */
static const struct object *added(const struct change_set *set, const struct object_type *type)
{
    const struct object *last = NULL;
    for (size_t i = 0; i < set->count; i++)
        if (is_new(set->at[i]) && (type == NULL || set->at[i]->after->type == type))
            last = set->at[i]->after;
    return last;
}

static void check_objects(const struct change_set *set, struct problems *problems)
{
    const struct object *last = added(set, NULL);
    size_t count = last ? count_of(set, NULL) : 0;
    if (count > LIMIT_OBJECTS)
        problem_add(problems, PROBLEM_INVALID_VALUE, last->type, TEXT(""),
                    "there would be %zu objects, and may be %d", count, LIMIT_OBJECTS);
}

static void check_applications(const struct change_set *set, struct problems *problems)
{
    const struct object *last = added(set, &OBJECT_APPLICATION);
    size_t count = last ? count_of(set, &OBJECT_APPLICATION) : 0;
    if (count > LIMIT_APPLICATIONS)
        problem_add(problems, PROBLEM_INVALID_VALUE, last->type, TEXT(""),
                    "applications: there would be %zu, and may be %d", count, LIMIT_APPLICATIONS);
}

/* --- hosts ---------------------------------------------------------------------------------- */

static struct text scs_of(const struct object *host)
{
    return body_text(&host->body, "scs");
}

static bool comes_to_scs(const struct staged *staged)
{
    return staged->after && staged->after->type == &OBJECT_HOST &&
           (staged->before == NULL || !text_eq(scs_of(staged->before), scs_of(staged->after)));
}

/* Those that name it, and those that name none: every SCS controls these. */
static size_t hosts_of(const struct change_set *set, struct text scs)
{
    const struct object *host;
    size_t count = 0;
    for (size_t at = 0; (host = draft_next(set, &OBJECT_HOST, &at));)
        count += scs_of(host).len == 0 || text_eq(scs_of(host), scs);
    return count;
}

static void check_scs(const struct change_set *set, const struct object *host, struct text scs,
                      struct problems *problems)
{
    size_t count = hosts_of(set, scs);
    if (count <= LIMIT_HOSTS_OF_SCS) return;
    struct text label = draft_label(set, problems->scope, host);
    if (scs.len)
        problem_add(problems, PROBLEM_INVALID_VALUE, host->type, TEXT("scs"),
                    "%.*s.scs: applications[%.*s] would have %zu hosts, those that name no SCS "
                    "among them, and may have %d",
                    TEXT_ARG(label), TEXT_ARG(scs), count, LIMIT_HOSTS_OF_SCS);
    else
        problem_add(problems, PROBLEM_INVALID_VALUE, host->type, TEXT("scs"),
                    "%.*s.scs: there would be %zu hosts that name no SCS, and may be %d",
                    TEXT_ARG(label), count, LIMIT_HOSTS_OF_SCS);
}

/* Each SCS once. */
struct looking {
    struct table *seen;
    const struct change_set *set;
    struct problems *problems;
};

static void look_once(const struct looking *looking, const struct object *host, struct text scs)
{
    if (table_get(looking->seen, scs)) return;
    table_put(looking->seen, scs, looking->seen);
    check_scs(looking->set, host, scs, looking->problems);
}

static void check_hosts(const struct change_set *set, struct problems *problems)
{
    struct scope *scratch = scope_new(set->life, "limits", SCOPE_NO_LIMIT);
    struct looking looking = { table_new(scratch), set, problems };
    const struct object *of_all = NULL, *other;
    for (size_t i = 0; i < set->count; i++) {
        if (!comes_to_scs(set->at[i])) continue;
        look_once(&looking, set->at[i]->after, scs_of(set->at[i]->after));
        if (scs_of(set->at[i]->after).len == 0) of_all = set->at[i]->after;
    }
    for (size_t at = 0; of_all && (other = draft_next(set, &OBJECT_HOST, &at));)
        look_once(&looking, of_all, scs_of(other));
    scope_close(scratch);
}

void limits_check(const struct change_set *set, struct problems *problems)
{
    check_objects(set, problems);
    check_applications(set, problems);
    check_hosts(set, problems);
}
