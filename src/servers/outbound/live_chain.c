/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/live_chain.h"

struct live_chain *live_chain_new(struct session *session, struct list_table *table,
                                  struct text list_name, uint32_t list_dbid, uint32_t record_count)
{
    struct scope *life = scope_new(session->life, "chain", SCOPE_NO_LIMIT);
    struct live_chain *live = scope_alloc(life, sizeof *live);
    *live = (struct live_chain){
        .life = life,
        .data = scope_new(life, "records", SCOPE_NO_LIMIT),
        .session = session,
        .table = table,
        .list_name = scope_keep(life, list_name),
        .list_dbid = list_dbid,
        .taken_utc_ms = loop_now_utc_ms(session->server->app->loop),
    };
    live->chain = (struct chain){
        .layout = &table->layout,
        .count = record_count,
        .records = scope_alloc_array(life, record_count, sizeof(struct record)),
        .is_modified = scope_alloc_array(life, table->layout.count, sizeof(bool)),
    };
    list_init(&live->waiting);
    return live;
}

void live_chain_close(struct live_chain *live)
{
    list_remove(&live->node);
    due_remove(&live->session->put_off, &live->due);
    live_chain_unregister(live);
    scope_close(live->life);
}

void live_chain_number(struct live_chain *live)
{
    for (uint32_t i = 0; i < live->chain.count; i++)
        live->chain.records[i].handle =
            outbound_next_handle(live->session->server, live->chain.count, i);
}

void live_chain_register(struct live_chain *live)
{
    for (uint32_t i = 0; i < live->chain.count; i++)
        table_put(live->session->server->handles, TEXT_OF(&live->chain.records[i].handle), live);
}

void live_chain_unregister(struct live_chain *live)
{
    struct table *handles = live->session->server->handles;
    for (uint32_t i = 0; i < live->chain.count; i++)
        if (table_get(handles, TEXT_OF(&live->chain.records[i].handle)) == live)
            (void)table_remove(handles, TEXT_OF(&live->chain.records[i].handle));
}

void live_chain_compact(struct live_chain *live)
{
    if (live->data_bytes == 0) live->data_bytes = scope_bytes(live->data);
    if (live->is_busy || scope_bytes(live->data) < live->data_bytes * 2 + 16384) return;
    struct chain *chain = &live->chain;
    struct scope *fresh = scope_new(live->life, "records", SCOPE_NO_LIMIT);
    for (uint32_t i = 0; i < chain->count; i++) {
        struct value *cells = scope_alloc_array(fresh, chain->layout->count, sizeof *cells);
        for (uint32_t k = 0; k < chain->layout->count; k++)
            cells[k] = value_copy(fresh, &chain->records[i].cells[k]);
        chain->records[i].cells = cells;
    }
    chain->agent_id = scope_keep(fresh, chain->agent_id);
    chain->wish.phone = scope_keep(fresh, chain->wish.phone);
    if (live->reserved_for.len) live->reserved_for = chain_reserved_for(chain);
    scope_close(live->data);
    live->data = fresh;
    live->data_bytes = scope_bytes(fresh);
}
