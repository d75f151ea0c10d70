/* SPDX-License-Identifier: Apache-2.0 */
/* desktop.h - a stubborn desktop at web in the simulated world: logs in, opens the WebSocket,
 * resumes when it breaks, asks again with the same `ref` until it is answered.
 * Promise  `ended` comes exactly once per request, with NULL only when its session ended meanwhile:
 *          then nobody knows. One request at a time. */
#ifndef TESTS_WORLD_DESKTOP_H
#define TESTS_WORLD_DESKTOP_H

#include "tests/world/world.h"

struct desktop;

struct desktop *desktop_new(struct scope *owner, struct world *world, struct text person);
/* `fields` is a JSON object. A refusal is answered with status 409 and its code as GSW_ERROR. */
void desktop_ask(struct desktop *desktop, const char *message, struct text fields,
                 void (*ended)(void *self, const struct answer *answer), void *self);

#endif
