/* SPDX-License-Identifier: Apache-2.0 */
/* trouble.h - what is wrong with the disk below a store, told once when it begins and once when it
 * is over (design 5), for the files of this room; others watch with store_on_trouble().
 * Promise  over means: a change was written, and none was refused for CALM_MS. While there is
 *          trouble and a watcher, a small change of our own tries the disk every second, so that
 *          the end is noticed without anybody asking. */
#ifndef STORE_TROUBLE_H
#define STORE_TROUBLE_H

#include "store/store_private.h"

void trouble_init(struct store *store, struct text path);
/* A change was answered. */
void trouble_note(struct store *store, const struct change *change);
/* A sync failed: there is no way back but to open the store again. */
void trouble_broken(struct store *store);
/* Nothing was written for long, see patience in store.c. */
void trouble_slow(struct store *store);

#endif
