/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - what a shape cannot say of one object: sections of options, and the guides' rules of
 * single types (framework 2.3, 2.4; outbound 3.2, 9).
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_RULES_H
#define SERVERS_CONFIG_RULES_H

#include "servers/config/object.h"

/* False: something is wrong, and among the problems. */
bool rules_check(const struct object *object, struct text label, struct problems *problems);

/* Whether the application takes its options from the cluster (framework 2.3): it lists the cluster
 * in its connections; one of servers, which clients list as well, has to list it. */
bool rules_is_node(const struct object *application, const struct object *cluster);
bool rules_is_cluster(const struct object *object);

/* application_type_server() of an Application object that a supervisor starts: it has a host and is
 * no client. */
const char *rules_server_role(const struct object *application);

#define LOG_ON_AS_SYSTEM "System" /* Application.logOnAs: may everything */

/* The application types that a new store has templates of; NULL-ended. */
extern const char *const rules_application_types[];

#endif
