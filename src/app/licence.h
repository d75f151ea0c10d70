/* SPDX-License-Identifier: Apache-2.0 */
/* licence.h - the seats that this application may use of a feature (framework 13): a block of them
 * is asked of config, and asked again before the lease ends. Counting is the caller's, and asks
 * nobody.
 * Promise  while config cannot be asked, the last grant counts for 24 hours, then there are no
 *          seats, and an alarm; over a restart, too. Where the last word was that there is no
 *          limit, that holds on. Until the first answer ever all that are wanted count. Both
 *          members of a pair are one group.
 * Memory   goes with `owner`; the seats are given back by licence_return(), or by the end of the
 *          lease.
 * Thread   the loop's. Opening reads a file. */
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
/* Seats that somebody sits on: told to config with the next question. */
void licence_use(struct licence *licence, uint32_t in_use);
/* More want a seat than there are: one event, Licensing Error; NULL: over. */
void licence_violation(struct licence *licence, const char *words);
/* We stop: gives them back at once, but those of a pair, whose other member may go on. */
void licence_return(struct licence *licence);

#endif
