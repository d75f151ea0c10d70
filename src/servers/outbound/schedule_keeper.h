/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_keeper.h - carries out the Outbound Schedule scripts (outbound_schedule.h): gives the
 * orders that are due to campaign groups whose operationMode is Scheduled, as a person would.
 * Promise  a point of time that passed while we were not running is made up for, if it was the last
 *          of its item; nothing from before an item was first seen is carried out. */
#ifndef SERVERS_OUTBOUND_SCHEDULE_KEEPER_H
#define SERVERS_OUTBOUND_SCHEDULE_KEEPER_H

#include "servers/outbound/outbound.h"

struct schedule_keeper;

/* Reads what was carried out; blocks, for start-up. */
enum err schedule_keeper_new(struct outbound *server, struct schedule_keeper **out,
                             struct fault *fault);
/* Configuration moved, or serving begins. */
void schedule_keeper_configure(struct schedule_keeper *keeper);

#endif
