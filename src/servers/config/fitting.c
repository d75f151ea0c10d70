/* SPDX-License-Identifier: Apache-2.0 */
/* What an object names is there (linking.c); here it is of the kind that is meant (framework 2.2,
 * 2.3). Of what moves alone. */
#include "gen/objects.h"
#include "model/application_type.h"
#include "servers/config/draft.h"
#include "servers/config/reference.h"

struct fitting {
    struct change_set *set;
    struct problems *problems;
    struct warnings *warnings;
    struct scope *scratch;
    uint32_t odd; /* members of a group that are no agents */
    struct text first_odd;
};

static const struct object *named(const struct fitting *fitting, const struct reference *reference)
{
    return draft_find(fitting->set, object_identity(fitting->scratch, reference->to,
                                                    reference->tenant, reference->key));
}

static void refuse(const struct fitting *fitting, const struct reference *reference,
                   const char *words)
{
    problem_add(fitting->problems, PROBLEM_INVALID_VALUE, reference->from->type, reference->path,
                "%.*s.%.*s: \"%.*s\" is not of type %s",
                TEXT_ARG(draft_label(fitting->set, fitting->problems->scope, reference->from)),
                TEXT_ARG(reference->path), TEXT_ARG(reference->key), words);
}

static void check_table(const struct fitting *fitting, const struct reference *reference,
                        const char *type)
{
    const struct object *table = named(fitting, reference);
    if (table && !text_eq(body_text(&table->body, "type"), text_of(type)))
        refuse(fitting, reference, type);
}

/* Control is both: its types are SCS and MessageServer. */
static void check_control(const struct fitting *fitting, const struct reference *reference)
{
    const struct object *application = named(fitting, reference);
    const char *server =
        application ? application_type_server(body_text(&application->body, "type")) : "control";
    if (server == NULL || !text_eq(text_of(server), TEXT("control")))
        refuse(fitting, reference, "SCS");
}

static void note_member(struct fitting *fitting, const struct reference *reference)
{
    const struct object *person = named(fitting, reference);
    const struct value *is_agent = person ? body_find(&person->body, TEXT("isAgent")) : NULL;
    if (person == NULL || (is_agent && is_agent->truth)) return;
    if (fitting->odd++ == 0) fitting->first_odd = reference->key;
}

static void check_reference(void *self, const struct reference *reference)
{
    struct fitting *fitting = self;
    const struct object_type *from = reference->from->type;
    if (text_eq(reference->path, TEXT("capacityTable")))
        check_table(fitting, reference, "CapacityTable");
    else if (text_eq(reference->path, TEXT("quotaTable")))
        check_table(fitting, reference, "QuotaTable");
    else if (text_eq(reference->path, TEXT("scs")))
        check_control(fitting, reference);
    else if (from == &OBJECT_AGENT_GROUP && text_eq(reference->path, TEXT("agents[]")))
        note_member(fitting, reference);
}

static void warn_of_members(const struct fitting *fitting, const struct object *group)
{
    if (fitting->odd == 0) return;
    warning_add(fitting->warnings,
                scope_format(fitting->scratch,
                             "%.*s.agents: %u are no agents (isAgent), %.*s the first of them",
                             TEXT_ARG(draft_label(fitting->set, fitting->scratch, group)),
                             fitting->odd, TEXT_ARG(fitting->first_odd)));
}

void draft_check_fitting(struct change_set *set, struct problems *problems,
                         struct warnings *warnings)
{
    struct fitting fitting = { .set = set,
                               .problems = problems,
                               .warnings = warnings,
                               .scratch = scope_new(set->life, "fitting", SCOPE_NO_LIMIT) };
    for (size_t i = 0; i < set->count; i++) {
        if (set->at[i]->after == NULL || set->at[i]->follows) continue;
        fitting.odd = 0;
        references_each(set->at[i]->after, check_reference, &fitting);
        warn_of_members(&fitting, set->at[i]->after);
    }
    scope_close(fitting.scratch);
}
