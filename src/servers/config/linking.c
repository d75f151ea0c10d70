/* SPDX-License-Identifier: Apache-2.0 */
/* References of a draft. An identity that vanished was renamed or deleted: what names it follows
 * the name, is unlinked, goes as well, or stands in the way. */
#include "gen/objects.h"
#include "servers/config/draft.h"
#include "servers/config/reference.h"

enum { VANISHED_TYPES_MAX = 64 };

struct linking {
    struct change_set *set;
    struct problems *problems;
    struct scope *scratch;       /* of one object */
    struct object *object;       /* that is walked */
    const struct staged *staged; /* of it; NULL: only looked at */
    bool is_looking;             /* only whether there is something to do */
    bool has_to_do;
    bool may_go;            /* by a cascade of deletion */
    struct text in_the_way; /* words, if it may not */
    bool has_moved;         /* in this round */
    /* Of what vanished: a reference to another type is as it was. */
    const struct object_type *vanished_types[VANISHED_TYPES_MAX];
    size_t vanished_type_count;
};

static const struct staged *vanished(const struct linking *linking,
                                     const struct reference *reference)
{
    struct text identity =
        object_identity(linking->scratch, reference->to, reference->tenant, reference->key);
    if (draft_find(linking->set, identity)) return NULL;
    return table_get(linking->set->by_before, identity);
}

struct former_reference {
    const struct reference *wanted;
    bool is_found;
};

static void compare_reference(void *self, const struct reference *reference)
{
    struct former_reference *former = self;
    former->is_found |= reference->to == former->wanted->to &&
                        text_eq(reference->key, former->wanted->key);
}

/* What the asker may not see she cannot name anew; what was named before stays. */
static bool may_name(const struct linking *linking, const struct reference *reference,
                     const struct object *object)
{
    if (linking->staged == NULL || draft_shows(linking->set, object)) return true;
    struct former_reference former = { .wanted = reference };
    if (linking->staged->before)
        references_each(linking->staged->before, compare_reference, &former);
    return former.is_found;
}

static bool may_have_vanished(const struct linking *linking, const struct object_type *type)
{
    for (size_t i = 0; i < linking->vanished_type_count; i++)
        if (linking->vanished_types[i] == type) return true;
    return false;
}

/* Whether objects of the type can name something that vanished. */
static bool may_be_concerned(const struct linking *linking, const struct object_type *type)
{
    if (!type->is_global && may_have_vanished(linking, &OBJECT_TENANT)) return true;
    for (size_t i = 0; i < type->reference_count; i++)
        if (may_have_vanished(linking, type->references[i].type)) return true;
    return false;
}

static void note_vanished(struct linking *linking)
{
    linking->vanished_type_count = 0;
    for (size_t i = 0; i < linking->set->count; i++) {
        const struct object *before = linking->set->at[i]->before;
        if (before == NULL || may_have_vanished(linking, before->type)) continue;
        if (draft_find(linking->set, before->identity)) continue;
        ASSERT(linking->vanished_type_count < VANISHED_TYPES_MAX);
        linking->vanished_types[linking->vanished_type_count++] = before->type;
    }
}

static bool is_there(const struct linking *linking, const struct reference *reference)
{
    const struct object *object = draft_find(
        linking->set,
        object_identity(linking->scratch, reference->to, reference->tenant, reference->key));
    return object && may_name(linking, reference, object);
}

static struct text label_of(const struct linking *linking, const struct object *object)
{
    return draft_label(linking->set, linking->problems->scope, object);
}

static void refuse_missing(const struct linking *linking, const struct reference *reference)
{
    struct text label = label_of(linking, reference->from);
    problem_add(linking->problems, PROBLEM_INVALID_VALUE, reference->from->type, reference->path,
                "%.*s.%.*s: there is no %s \"%.*s\"", TEXT_ARG(label), TEXT_ARG(reference->path),
                reference->to->name, TEXT_ARG(reference->key));
}

static void refuse_in_use(const struct linking *linking, const struct staged *gone,
                          const struct reference *reference, const char *why)
{
    struct text label = label_of(linking, gone->before);
    struct text user = label_of(linking, reference->from);
    problem_add(linking->problems, PROBLEM_IN_USE, gone->before->type, TEXT(""),
                "%.*s: is used by %.*s.%.*s%s", TEXT_ARG(label), TEXT_ARG(user),
                TEXT_ARG(reference->path), why);
}

static enum reference_verdict judge(void *self, const struct reference *reference, struct text *key)
{
    struct linking *linking = self;
    if (linking->is_looking && !may_have_vanished(linking, reference->to)) return REFERENCE_KEEP;
    if (is_there(linking, reference)) return REFERENCE_KEEP;
    const struct staged *gone = vanished(linking, reference);
    bool is_tenant = text_eq(reference->path, TEXT("tenant"));
    if (linking->is_looking) {
        linking->has_to_do = linking->has_to_do || gone != NULL;
        return REFERENCE_KEEP;
    }
    if (gone == NULL) {
        refuse_missing(linking, reference);
        return REFERENCE_KEEP;
    }
    if (gone->after && !is_tenant) {
        *key = scope_keep(linking->object->life, gone->after->key);
        return REFERENCE_REWRITE;
    }
    if (gone->after || gone->cascade == CASCADE_NONE) {
        refuse_in_use(linking, gone, reference, "");
        return REFERENCE_KEEP;
    }
    linking->may_go = linking->may_go || gone->cascade == CASCADE_DELETE;
    linking->in_the_way =
        scope_format(linking->scratch, "%.*s", TEXT_ARG(label_of(linking, gone->before)));
    return REFERENCE_DROP;
}

static void delete_too(struct linking *linking, struct staged *staged)
{
    staged->cascade = CASCADE_DELETE;
    (void)draft_replace(linking->set, staged, NULL);
    linking->has_moved = true;
}

static void refuse_essential(const struct linking *linking)
{
    struct text label = label_of(linking, linking->object);
    problem_add(linking->problems, PROBLEM_IN_USE, linking->object->type, TEXT(""),
                "%.*s: is used by %.*s, which cannot be without it", TEXT_ARG(linking->in_the_way),
                TEXT_ARG(label));
}

/* Its own key may hold a reference: the change of it is a rename, to be followed in the next round.
 */
static void rekey(struct linking *linking, struct staged *staged)
{
    struct object *after = staged->after,
                  *renamed = object_copy(object_set_scope(linking->set->objects), after);
    linking->has_moved = linking->has_moved || !text_eq(renamed->identity, after->identity);
    if (draft_replace(linking->set, staged, renamed)) return;
    struct text label = label_of(linking, renamed);
    problem_add(linking->problems, PROBLEM_UNIQUENESS, renamed->type,
                text_of(renamed->type->key[0]), "%.*s: exists already", TEXT_ARG(label));
    scope_close(renamed->life);
}

static void link_staged(struct linking *linking, struct staged *staged)
{
    if (staged->after == NULL) return;
    linking->object = staged->after;
    linking->staged = staged;
    linking->is_looking = linking->may_go = false;
    enum reference_outcome outcome = references_walk(staged->after, judge, linking);
    staged->is_unlinked = staged->is_unlinked || linking->in_the_way.len > 0;
    if (outcome == REFERENCES_ESSENTIAL && linking->may_go)
        delete_too(linking, staged);
    else if (outcome == REFERENCES_ESSENTIAL && linking->in_the_way.len)
        refuse_essential(linking);
    else if (outcome == REFERENCES_CHANGED)
        rekey(linking, staged);
    linking->in_the_way = TEXT("");
}

/* Objects that nobody touched have whole references, unless something vanished. */
static void link_untouched(struct linking *linking, const struct object_type *type)
{
    size_t count;
    const struct object *const *objects = object_set_of(linking->set->objects, type, &count);
    for (size_t i = 0; i < count; i++) {
        if (table_get(linking->set->by_before, objects[i]->identity)) continue;
        linking->is_looking = true;
        linking->has_to_do = false;
        linking->staged = NULL;
        /* Only looked at: kept as it is. */
        (void)references_walk((struct object *)(uintptr_t)objects[i], judge, linking);
        if (linking->has_to_do) {
            struct staged *staged = draft_stage(linking->set, objects[i]);
            staged->follows = true;
            link_staged(linking, staged);
        }
        scope_reset(linking->scratch);
    }
}

void draft_link(struct change_set *set, struct problems *problems)
{
    struct linking linking = { .set = set,
                               .problems = problems,
                               .scratch = scope_new(set->life, "linking", SCOPE_NO_LIMIT) };
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    uint32_t problems_before = problems->count;
    do {
        linking.has_moved = false;
        for (size_t i = 0; i < set->count; i++) {
            link_staged(&linking, set->at[i]);
            scope_reset(linking.scratch);
        }
        note_vanished(&linking);
        for (size_t i = 0; set->vanished && i < type_count; i++)
            if (may_be_concerned(&linking, types[i])) link_untouched(&linking, types[i]);
    } while (linking.has_moved && problems->count == problems_before);
    scope_close(linking.scratch);
}
