/* SPDX-License-Identifier: Apache-2.0 */
/* What may not lead back to itself: parents of tenants and of enumerator values, groups in groups.
 * Whoever walks such a ring ends at a bound of its own, and never at the root. Each rule looks at
 * what is staged alone: an old ring can be opened at any of its members. */
#include "gen/objects.h"
#include "servers/config/draft.h"

struct rings {
    struct change_set *set;
    struct problems *problems;
    struct scope *scratch;
};

static void refuse(const struct rings *rings, const struct object *object, const char *property,
                   struct text other)
{
    problem_add(rings->problems, PROBLEM_INVALID_VALUE, object->type, text_of(property),
                "%.*s.%s: leads back to itself by \"%.*s\"",
                TEXT_ARG(draft_label(rings->set, rings->problems->scope, object)), property,
                TEXT_ARG(other));
}

/* --- parents -------------------------------------------------------------------------------- */

static const struct object *parent_of(const struct rings *rings, const struct object *object,
                                      const char *property)
{
    struct text parent = body_text(&object->body, property);
    if (parent.len == 0) return NULL;
    return draft_find(rings->set,
                      object_identity(rings->scratch, object->type, object->tenant, parent));
}

static void check_parents(const struct rings *rings, const struct object *object,
                          const char *property)
{
    struct table *seen = table_new(rings->scratch);
    const struct object *at = parent_of(rings, object, property);
    while (at && at != object && table_get(seen, at->identity) == NULL) {
        table_put(seen, at->identity, seen);
        at = parent_of(rings, at, property);
    }
    if (at == object) refuse(rings, object, property, body_text(&object->body, property));
}

/* --- groups --------------------------------------------------------------------------------- */

/* Groups still to be looked into; each goes in once. */
struct waiting {
    const struct object *group;
    struct waiting *next;
};

struct walk {
    const struct rings *rings;
    struct waiting *first;
    struct table *seen;
};

static void wait_for(struct walk *walk, const struct object *group)
{
    if (group == NULL || table_get(walk->seen, group->identity)) return;
    table_put(walk->seen, group->identity, walk);
    struct waiting *waiting = scope_alloc(walk->rings->scratch, sizeof *waiting);
    *waiting = (struct waiting){ group, walk->first };
    walk->first = waiting;
}

static const struct object *member_of(const struct rings *rings, const struct object *group,
                                      struct text name)
{
    return draft_find(rings->set,
                      object_identity(rings->scratch, &OBJECT_ACCESS_GROUP, group->tenant, name));
}

static bool leads_to(const struct rings *rings, const struct object *from,
                     const struct object *group)
{
    struct walk walk = { .rings = rings, .seen = table_new(rings->scratch) };
    wait_for(&walk, from);
    while (walk.first) {
        const struct object *at = walk.first->group;
        const struct value *members = body_find(&at->body, TEXT("groups"));
        if (at == group) return true;
        walk.first = walk.first->next;
        for (uint32_t i = 0; members && i < members->items.count; i++)
            wait_for(&walk, member_of(rings, at, members->items.at[i].text));
    }
    return false;
}

static void check_groups(const struct rings *rings, const struct object *group)
{
    const struct value *members = body_find(&group->body, TEXT("groups"));
    for (uint32_t i = 0; members && i < members->items.count; i++) {
        struct text name = members->items.at[i].text;
        if (!leads_to(rings, member_of(rings, group, name), group)) continue;
        refuse(rings, group, "groups", name);
        return;
    }
}

/* --- all ------------------------------------------------------------------------------------ */

void draft_check_rings(struct change_set *set, struct problems *problems)
{
    struct rings rings = { set, problems, scope_new(set->life, "rings", SCOPE_NO_LIMIT) };
    for (size_t i = 0; i < set->count; i++) {
        const struct object *object = set->at[i]->after;
        if (object == NULL) continue;
        if (object->type == &OBJECT_TENANT) check_parents(&rings, object, "parentTenant");
        if (object->type == &OBJECT_ENUMERATOR_VALUE) check_parents(&rings, object, "parent");
        if (object->type == &OBJECT_ACCESS_GROUP) check_groups(&rings, object);
    }
    scope_close(rings.scratch);
}
