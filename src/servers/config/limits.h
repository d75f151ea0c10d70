/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - how large an installation may be (framework 16): each figure in one place.
 * Rule     one more is refused, in words that name what there would be and what there may be. A
 *          store that is above a limit already, from a former release, stays usable: what adds
 *          nothing is not refused.
 * Others   options of an object: rules.c; operations of a change set: schema/messages/config.toml;
 *          alarms: control.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_LIMITS_H
#define SERVERS_CONFIG_LIMITS_H

#include "servers/config/draft.h"

enum {
    LIMIT_OBJECTS = 500000,
    LIMIT_APPLICATIONS = 2000,
    LIMIT_HOSTS_OF_SCS = 250, /* those that name none are one SCS's, too */
    LIMIT_CLIENTS = 1000,     /* direct ones of a configuration server; more by proxies */
    LIMIT_OPTIONS = 10000,    /* of one object */
    LIMIT_OPTION_NAME_BYTES = 255,
    LIMIT_OPTION_VALUE_BYTES = 64 * 1024,
};

/* What the change set would make of the whole. */
void limits_check(const struct change_set *set, struct problems *problems);

#endif
