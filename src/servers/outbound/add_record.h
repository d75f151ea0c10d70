/* SPDX-License-Identifier: Apache-2.0 */
/* add_record.h - new rows, one by one: AddRecord (spec outbound 14.3). */
#ifndef SERVERS_OUTBOUND_ADD_RECORD_H
#define SERVERS_OUTBOUND_ADD_RECORD_H

#include "servers/outbound/request.h"

void add_record(struct request *request);

/* "MM/DD/YYYY hh:mm" in a zone `offset_s` from UTC to epoch seconds; ERR_INVALID when it is none.
 */
enum err date_time_parse(struct text in, int64_t offset_s, int64_t *epoch_s);

#endif
