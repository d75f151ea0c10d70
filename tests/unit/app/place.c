/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/app/place.h"

#include "app/private.h"

void place_app(struct place *place, struct app *app)
{
    if (!postgres_is_chosen()) return;
    if (place->path[0] == '\0' && !postgres_server_path(place->path, sizeof place->path)) skip();
    app->private->birth.database = text_of(place->path);
}
