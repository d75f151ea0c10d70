/* SPDX-License-Identifier: Apache-2.0 */
/* application_type.h - the guides' application types that are servers of ours (framework 2.3).
 * Pure. */
#ifndef MODEL_APPLICATION_TYPE_H
#define MODEL_APPLICATION_TYPE_H

#include "base/catalogue.h"

/* "outbound" of CMServer; NULL: not one of our servers. */
const char *application_type_server(struct text type);
/* The options table of an application type: the guides' name or ours; NULL: not one of our servers.
 */
const struct option_table *application_type_options(struct text type);

#endif
