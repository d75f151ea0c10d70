/* SPDX-License-Identifier: Apache-2.0 */
/* config_items.h - what a change of the configuration moves, as lines for people. */
#ifndef CLI_CONFIG_ITEMS_H
#define CLI_CONFIG_ITEMS_H

#include "gen/messages.h"

/* "~ Application ixn", then a line for each property; on standard output. */
void config_print_item(const struct config_plan_item *item);

#endif
