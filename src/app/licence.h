/* SPDX-License-Identifier: Apache-2.0 */
/* licence.h - the seats that this application may use of a feature (framework 13): asked of config,
 * and asked again before the lease ends.
 * Promise  while config cannot be asked, the last grant counts for 24 hours, then there are no
 *          seats; until the first answer all that are wanted count, for as long. Both members of a
 *          pair are one group.
 * Memory   goes with `owner`; the seats are given back by the end of the lease.
 * Thread   the loop's. */
#ifndef APP_LICENCE_H
#define APP_LICENCE_H

#include "app/app.h"

enum { LICENCE_KEPT_MS = 24 * 3600 * 1000 };
#define LICENCE_MAX UINT32_MAX /* num-of-licenses = max; seats: no limit */

struct licence;

/* `on_seats` (NULL: nobody wants to know) comes whenever the number of seats has moved. */
struct licence *licence_open(struct scope *owner, struct app *app, struct text feature,
                             uint32_t wanted, void (*on_seats)(void *self, uint32_t seats),
                             void *self);
void licence_want(struct licence *licence, uint32_t wanted); /* asked for at once */
uint32_t licence_seats(const struct licence *licence);

#endif
