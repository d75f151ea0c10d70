/* SPDX-License-Identifier: Apache-2.0 */
/* place.h - where the own store of an application under test is: as its data folder says, or in a
 * schema of a PostgreSQL where the program runs on one (postgres_server.h). */
#ifndef TESTS_UNIT_APP_PLACE_H
#define TESTS_UNIT_APP_PLACE_H

#include "app/app.h"
#include "tests/unit/store/postgres_server.h"

struct place {
    char path[200]; /* empty: not asked for yet, or no PostgreSQL */
};

/* Before app_begin(). The same `place` is the same store; an empty one becomes one that nobody used
 * before. Skips the test where PostgreSQL is not installed. */
void place_app(struct place *place, struct app *app);

#endif
