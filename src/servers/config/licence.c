/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/licence.h"

#include "base/buf.h"
#include "format/json.h"

#include <string.h>

struct licences {
    struct scope *life;
    struct licence_feature **at; /* by name */
    uint32_t count, room;
};

struct licences *licences_new(struct scope *owner)
{
    struct licences *licences = scope_alloc(owner, sizeof *licences);
    licences->life = scope_new(owner, "licences", SCOPE_NO_LIMIT);
    return licences;
}

/* --- features ------------------------------------------------------------------------------- */

/* Where it is, or belongs. */
static uint32_t place_of(const struct licences *licences, struct text name)
{
    uint32_t place = 0;
    while (place < licences->count && text_compare(licences->at[place]->feature, name) < 0) place++;
    return place;
}

static struct licence_feature *find(const struct licences *licences, struct text name)
{
    uint32_t place = place_of(licences, name);
    bool is_there = place < licences->count && text_eq(licences->at[place]->feature, name);
    return is_there ? licences->at[place] : NULL;
}

/* NULL: there are too many. */
static struct licence_feature *get(struct licences *licences, struct text name)
{
    struct licence_feature *feature = find(licences, name);
    if (feature || licences->count == LICENCE_FEATURES_MAX) return feature;
    if (licences->count == licences->room) {
        licences->room = licences->room * 2 + 8;
        struct licence_feature **grown =
            scope_alloc_array(licences->life, licences->room, sizeof *grown);
        if (licences->count) memcpy(grown, licences->at, licences->count * sizeof *grown);
        licences->at = grown;
    }
    uint32_t place = place_of(licences, name);
    feature = scope_alloc(licences->life, sizeof *feature);
    feature->feature = scope_keep(licences->life, name);
    memmove(&licences->at[place + 1], &licences->at[place],
            (licences->count - place) * sizeof(struct licence_feature *));
    licences->at[place] = feature;
    licences->count++;
    return feature;
}

/* --- the pool ------------------------------------------------------------------------------- */

static enum err check_pool(const struct kv *pool, struct fault *fault)
{
    if (pool->count > LICENCE_FEATURES_MAX)
        return fault_set(fault, ERR_LIMIT, "", "more than %d features", LICENCE_FEATURES_MAX);
    for (uint32_t i = 0; i < pool->count; i++) {
        const struct value *count = &pool->at[i].value;
        bool is_count = count->kind == VALUE_INTEGER && count->integer >= 0 &&
                        count->integer <= UINT32_MAX;
        if (pool->at[i].name.len == 0 || pool->at[i].name.len > 255 || !is_count)
            return fault_set(fault, ERR_INVALID, "", "%.*s: must be a number of seats",
                             TEXT_ARG(text_slice(pool->at[i].name, 0, 255)));
    }
    return ERR_OK;
}

static void take_pool(struct licences *licences, const struct kv *pool)
{
    for (uint32_t i = 0; i < licences->count; i++) licences->at[i]->is_limited = false;
    for (uint32_t i = 0; i < pool->count; i++) {
        struct licence_feature *feature = get(licences, pool->at[i].name);
        if (feature == NULL) continue;
        feature->is_limited = true;
        feature->count = (uint32_t)pool->at[i].value.integer;
    }
}

enum err licences_read_pool(struct licences *licences, struct text json, struct fault *fault)
{
    struct scope *scratch = scope_new(NULL, "licence pool", SCOPE_NO_LIMIT);
    struct kv pool = { 0 };
    struct buf plain = { 0 };
    enum err err = json.len ? json_blank_comments(json, &plain, fault) : ERR_OK;
    if (!err && json.len) err = json_read_kv(buf_text(&plain), scratch, &pool, fault);
    if (!err) err = check_pool(&pool, fault);
    if (!err) take_pool(licences, &pool);
    buf_free(&plain);
    scope_close(scratch);
    return err;
}

/* --- groups --------------------------------------------------------------------------------- */

static struct licence_group *find_group(const struct licence_feature *feature, struct text group)
{
    for (uint32_t i = 0; i < feature->group_count; i++)
        if (text_eq(feature->groups[i].group, group)) return &feature->groups[i];
    return NULL;
}

static struct licence_group *add_group(struct licences *licences, struct licence_feature *feature,
                                       struct text group)
{
    if (feature->group_count == LICENCE_GROUPS_MAX) return NULL;
    if (feature->group_count == feature->group_room) {
        feature->group_room = feature->group_room * 2 + 4;
        struct licence_group *grown =
            scope_alloc_array(licences->life, feature->group_room, sizeof *grown);
        if (feature->group_count)
            memcpy(grown, feature->groups, feature->group_count * sizeof *grown);
        feature->groups = grown;
    }
    struct licence_group *added = &feature->groups[feature->group_count++];
    *added = (struct licence_group){ .group = scope_keep(licences->life, group) };
    return added;
}

static void drop_group(struct licence_feature *feature, struct licence_group *group)
{
    size_t rest = (size_t)(&feature->groups[feature->group_count] - group) - 1;
    memmove(group, group + 1, rest * sizeof *group);
    feature->group_count--;
}

static void drop_ended(struct licence_feature *feature, uint64_t now_utc_ms)
{
    for (uint32_t i = feature->group_count; i-- > 0;)
        if (feature->groups[i].until_utc_ms <= now_utc_ms) drop_group(feature, &feature->groups[i]);
}

bool licence_is_short(const struct licence_feature *feature, const struct licence_group *group)
{
    if (!feature->is_limited) return false;
    return group->asked == LICENCE_ALL_FREE ? group->granted == 0 : group->granted < group->asked;
}

static uint64_t held_by_others(const struct licence_feature *feature,
                               const struct licence_group *group)
{
    uint64_t held = 0;
    for (uint32_t i = 0; i < feature->group_count; i++)
        if (&feature->groups[i] != group) held += feature->groups[i].granted;
    return held;
}

uint32_t licence_granted(const struct licence_feature *feature)
{
    uint64_t granted = held_by_others(feature, NULL);
    return granted < UINT32_MAX ? (uint32_t)granted : UINT32_MAX;
}

static void note_most(struct licence_feature *feature)
{
    uint32_t granted = licence_granted(feature);
    if (feature->is_limited && granted > feature->most) feature->most = granted;
}

enum err licences_checkout(struct licences *licences, struct text name, struct text group_name,
                           uint32_t wanted, uint64_t now_utc_ms, struct licence_grant *out)
{
    struct licence_feature *feature = get(licences, name);
    if (feature == NULL) return ERR_LIMIT;
    drop_ended(feature, now_utc_ms);
    struct licence_group *group = find_group(feature, group_name);
    bool is_new = group == NULL;
    if (is_new) group = add_group(licences, feature, group_name);
    if (group == NULL) return ERR_LIMIT;
    uint64_t held = held_by_others(feature, group);
    uint64_t free_seats = feature->count > held ? feature->count - held : 0;
    uint32_t granted = !feature->is_limited || wanted < free_seats ? wanted : (uint32_t)free_seats;
    bool has_moved = is_new || group->granted != granted || group->asked != wanted;
    group->asked = wanted;
    group->granted = granted;
    group->until_utc_ms = now_utc_ms + LICENCE_LEASE_S * 1000ull;
    note_most(feature);
    *out = (struct licence_grant){ .granted = granted,
                                   .is_unlimited = !feature->is_limited,
                                   .is_short = licence_is_short(feature, group),
                                   .has_moved = has_moved };
    return ERR_OK;
}

void licences_restore(struct licences *licences, struct text name, struct text group_name,
                      uint32_t asked, uint32_t granted, uint64_t now_utc_ms)
{
    struct licence_feature *feature = get(licences, name);
    struct licence_group *group = feature ? add_group(licences, feature, group_name) : NULL;
    if (group == NULL) return;
    group->asked = asked;
    group->granted = granted;
    group->until_utc_ms = now_utc_ms + LICENCE_LEASE_S * 1000ull;
    note_most(feature);
}

void licences_note_use(struct licences *licences, struct text name, struct text group_name,
                       uint32_t in_use)
{
    struct licence_feature *feature = find(licences, name);
    struct licence_group *group = feature ? find_group(feature, group_name) : NULL;
    if (group == NULL) return;
    group->says_use = true;
    group->in_use = in_use;
    if (in_use > group->most_in_use) group->most_in_use = in_use;
}

bool licences_checkin(struct licences *licences, struct text name, struct text group_name)
{
    struct licence_feature *feature = find(licences, name);
    struct licence_group *group = feature ? find_group(feature, group_name) : NULL;
    if (group == NULL) return false;
    drop_group(feature, group);
    return true;
}

struct licence_feature *const *licences_all(struct licences *licences, uint64_t now_utc_ms,
                                            uint32_t *count)
{
    for (uint32_t i = 0; i < licences->count; i++) drop_ended(licences->at[i], now_utc_ms);
    *count = licences->count;
    return licences->at;
}
