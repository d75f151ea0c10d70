/* SPDX-License-Identifier: Apache-2.0 */
/* configuration.h - what config and its subscribers have of the objects that all of them want, as a
 * number that is the same when the content is. */
#ifndef TESTS_WORLD_CONFIGURATION_H
#define TESTS_WORLD_CONFIGURATION_H

#include "app/app.h"

struct held {
    uint64_t revision, digest;
    struct text first_name; /* of person a1; a view, good until the next turn. config alone */
};

/* False: it does not serve (`app` may be NULL), or a change is just being written. */
bool config_holds(struct app *app, struct held *out);
bool subscriber_holds(struct app *app, struct held *out);

#endif
