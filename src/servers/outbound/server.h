/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the application type `outbound`: all that the rest of the program sees of it. */
#ifndef SERVERS_OUTBOUND_SERVER_H
#define SERVERS_OUTBOUND_SERVER_H

#include "app/app.h"

extern const struct app_type APP_TYPE_OUTBOUND;

#endif
