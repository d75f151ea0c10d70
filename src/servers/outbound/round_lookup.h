/* SPDX-License-Identifier: Apache-2.0 */
/* round_lookup.h - the round of a record handle that is not in memory: over, never heard of, or
 * waiting for its calling list's database (decision 0033). Requests on a record and their endings
 * ask here, so that all of them hear the same. */
#ifndef SERVERS_OUTBOUND_ROUND_LOOKUP_H
#define SERVERS_OUTBOUND_ROUND_LOOKUP_H

#include "servers/outbound/request.h"
#include "store/store.h"

enum round_column {
    ROUND_HANDLE_BASE,
    ROUND_RECORD_COUNT,
    ROUND_LIST_DBID,
    ROUND_CHAIN_ID,
    ROUND_AGENT_ID,
    ROUND_ATTEMPT_GUID,
    ROUND_TABLE_NAME,
    ROUND_STATE,
};

/* Of request->handle; `on_rows` as of store_query(). */
void round_lookup(struct request *request,
                  void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);
/* Within on_rows: is there a round with that handle, and is it with its agent still? */
bool round_covers(const struct rows *rows, uint32_t handle);
bool round_is_open(const struct rows *rows, uint32_t handle);
/* Within on_rows: answer a request that needs the record in memory. */
void round_refuse(struct request *request, enum err err, const struct rows *rows);

#endif
