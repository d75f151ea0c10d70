/* SPDX-License-Identifier: Apache-2.0 */
/* ground.h - a small store of configuration, without disk or network, for the tests of its rules.
 */
#ifndef TESTS_UNIT_CONFIG_GROUND_H
#define TESTS_UNIT_CONFIG_GROUND_H

#include "servers/config/plan.h"
#include "tests/unit/test.h"

struct ground {
    struct scope *life;
    struct object_set *objects;
    struct secrets *secrets;
    uint64_t rev;
    struct problems problems; /* of the last try */
    struct warnings warnings;
    struct plan plan;
    size_t moved; /* objects of the last change set */
};

struct ground *ground_new(void); /* with the built-in objects, revision 1 */
void ground_free(struct ground *ground);

/* One operation, as JSON. True: it became a revision. */
bool ground_create(struct ground *ground, const struct object_type *type, const char *json);
bool ground_update(struct ground *ground, const struct object_type *type, const char *key,
                   const char *json);
bool ground_delete(struct ground *ground, const struct object_type *type, const char *key,
                   enum change_cascade cascade);
/* Several at once. */
struct change_set *ground_begin(struct ground *ground);
bool ground_commit(struct ground *ground, struct change_set *set);
struct kv ground_pairs(struct ground *ground, const char *json);

/* A file. `variables` as JSON pairs, or NULL. */
bool ground_plan(struct ground *ground, const char *file, struct plan_wish wish,
                 const char *variables);
bool ground_apply(struct ground *ground, const char *file, struct plan_wish wish,
                  const char *variables);
struct text ground_export(struct ground *ground);

const struct object *ground_find(struct ground *ground, const struct object_type *type,
                                 const char *key);
/* Compact JSON of what the store keeps. */
struct text ground_json(struct ground *ground, const struct object_type *type, const char *key);
bool ground_complains(const struct ground *ground, const char *words); /* in any problem */
bool ground_warns(const struct ground *ground, const char *words);

extern const char ground_sample[], ground_sample_whole[]; /* framework 3.2; F1 */

#endif
