/* SPDX-License-Identifier: Apache-2.0 */
/* record_request.h - requests that name a record by its handle (spec outbound 14.3, 15.3). */
#ifndef SERVERS_OUTBOUND_RECORD_REQUEST_H
#define SERVERS_OUTBOUND_RECORD_REQUEST_H

#include "servers/outbound/request.h"

void update_call_completion_stats(struct request *request);
void record_processed(struct request *request);
void record_reject(struct request *request);
void record_reschedule(struct request *request);
void scheduled_record_reschedule(struct request *request);
void chained_record(struct request *request);
void continue_processing(struct request *request);
void record_status(struct request *request);

#endif
