/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/round_lookup.h"

enum { ROUND_OPEN = 1 }; /* round.state: with its agent; 2: closed */

void round_lookup(struct request *request,
                  void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    static const struct statement round_of_handle = {
        "SELECT handle_base, record_count, list_dbid, chain_id, agent_id, attempt_guid, "
        "table_name, state "
        "FROM round WHERE handle_base <= ?1 ORDER BY handle_base DESC LIMIT 1"
    };
    struct value parameter = value_of_i64(request->handle);
    struct query query = { &round_of_handle, &parameter, 1 };
    store_query(request->server->store, &query, on_rows, self);
}

bool round_covers(const struct rows *rows, uint32_t handle)
{
    return rows_count(rows) &&
           handle < rows_i64(rows, 0, ROUND_HANDLE_BASE) + rows_i64(rows, 0, ROUND_RECORD_COUNT);
}

bool round_is_open(const struct rows *rows, uint32_t handle)
{
    return round_covers(rows, handle) && rows_i64(rows, 0, ROUND_STATE) == ROUND_OPEN;
}

void round_refuse(struct request *request, enum err err, const struct rows *rows)
{
    uint32_t handle = request->handle;
    if (err)
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
    else if (round_is_open(rows, handle))
        request_refuse(request, OUTBOUND_DATABASE_ERROR,
                       "GSW_RECORD_HANDLE: %u waits for its calling list's database", handle);
    else if (round_covers(rows, handle))
        request_refuse(request, OUTBOUND_ALREADY_FINALISED,
                       "GSW_RECORD_HANDLE: %u is finalised already", handle);
    else
        request_refuse(request, OUTBOUND_INVALID_HANDLE,
                       "GSW_RECORD_HANDLE: no record has the handle %u", handle);
}
