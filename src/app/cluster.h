/* SPDX-License-Identifier: Apache-2.0 */
/* cluster.h - the clusters whose options an application takes over (framework 2.3).
 * Node     an application that lists the cluster in its connections; of a cluster of servers, which
 *          clients list as well, those that the cluster lists, and their backups. */
#ifndef APP_CLUSTER_H
#define APP_CLUSTER_H

#include "app/app.h"

enum { CLUSTERS_MAX = 4 };

/* By DBID, the first of them go before the others; how many. */
size_t clusters_of(const struct app *app, const struct app_object *own,
                   const struct app_object *out[CLUSTERS_MAX]);

#endif
