/* SPDX-License-Identifier: Apache-2.0 */
/* add_record.h - new rows, one by one: AddRecord (spec outbound 14.3). */
#ifndef SERVERS_OUTBOUND_ADD_RECORD_H
#define SERVERS_OUTBOUND_ADD_RECORD_H

#include "servers/outbound/request.h"

void add_record(struct request *request);

#endif
