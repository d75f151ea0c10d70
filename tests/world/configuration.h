/* SPDX-License-Identifier: Apache-2.0 */
/* configuration.h - what config and its subscribers have of the objects that all of them want, as a
 * number that is the same when the content is. */
#ifndef TESTS_WORLD_CONFIGURATION_H
#define TESTS_WORLD_CONFIGURATION_H

#include "app/app.h"

/* What followers subscribe to, NULL-ended. */
extern const char *const configuration_followed[];

struct held {
    uint64_t revision, digest;
    struct text first_name; /* of person a1; a view, good until the next turn. config alone */
};

/* False: it does not serve (`app` may be NULL), or a change is just being written. */
bool config_holds(struct app *app, struct held *out);
bool subscriber_holds(struct app *app, struct held *out);

/* The same of all that followers hear of, every byte. What config would show to the application, by
 * its permissions; and what a follower has. */
bool config_shows(struct app *app, struct text application, struct held *out);
bool follower_holds(struct app *app, struct held *out);
/* How many objects have a property that begins with `tag`; `value` is "KEY enabled PROPERTY" of one
 * of them, in `scope`. */
size_t config_find(struct app *app, struct scope *scope, const struct object_type *type,
                   const char *property, struct text tag, struct text *value);
uint64_t config_revision(const struct app *app); /* UINT64_MAX: it does not serve */

#endif
