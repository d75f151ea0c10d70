/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the properties of a configuration object as pairs: copy, compare, merge, difference.
 * Promise  results lie in the scope handed in; what is handed in is never changed, but by
 *          body_put() and body_remove*().
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_BODY_H
#define SERVERS_CONFIG_BODY_H

#include "base/scope.h"
#include "base/shape.h"

struct value body_text_value(struct text text);
struct value body_integer_value(int64_t integer);
struct value *body_find(const struct kv *kv, struct text name); /* NULL: not there */
struct text body_text(const struct kv *kv, const char *name);   /* empty: not there, or no text */

struct value body_copy_value(struct scope *scope, const struct value *value);
struct kv body_copy(struct scope *scope, const struct kv *kv);
/* Pairs in the same order: the order of options means something (framework 2.4). */
bool body_values_equal(const struct value *a, const struct value *b);
bool body_equal(const struct kv *a, const struct kv *b);

void body_put(struct scope *scope, struct kv *kv, struct text name, struct value value);
bool body_remove(struct kv *kv, struct text name); /* false: was not there */
void body_remove_pair(struct kv *kv, uint32_t index);
void body_remove_item(struct value *list, uint32_t index);

/* Merge-patch (RFC 7396): null removes, pairs merge, anything else replaces. */
struct kv body_merge(struct scope *scope, const struct kv *onto, const struct kv *patch);

/* One property that differs, framework 3.2: "ports[default].number". NULL: not there. */
struct body_difference {
    struct text path;
    const struct value *before, *after;
};
struct body_differences {
    struct body_difference *at;
    uint32_t count, room;
};
/* By the shape, whose lists of structs are compared item by item where the items have names. */
struct body_differences body_compare(struct scope *scope, const struct shape *shape,
                                     const struct kv *before, const struct kv *after);

/* The first required text of a list's struct names its items: id, server, list. NULL: they have no
 * names. */
const char *body_item_name(const struct shape_field *field);
/* Every item has a name, each another one: only then item by item says all of the list. */
bool body_goes_by_items(const struct value *list, const char *name_field);

/* {"$secret":"name"}: its name, or an empty text. */
struct text body_secret_name(const struct value *value);
/* Every secret that is named anywhere inside. */
void body_each_secret(const struct kv *kv, void (*each)(void *self, struct text name), void *self);

/* A value as compact JSON; an absent one is an empty text. */
struct text body_to_json(struct scope *scope, const struct value *value);

#endif
