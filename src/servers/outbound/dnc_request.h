/* SPDX-License-Identifier: Apache-2.0 */
/* dnc_request.h - looks into the Do-Not-Call list, and changes to it that many entries share. */
#ifndef SERVERS_OUTBOUND_DNC_REQUEST_H
#define SERVERS_OUTBOUND_DNC_REQUEST_H

#include "servers/outbound/request.h"

void dnc_list(struct request *request);
void dnc_change(struct request *request);

#endif
