/* SPDX-License-Identifier: Apache-2.0 */
/* DncList and DncChange: the Do-Not-Call list as the console and `carillon dnc` see it. Rows of
 * calling lists are not touched: what an entry blocks is found when it is to be given out. */
#include "servers/outbound/dnc_request.h"

#include "servers/outbound/dnc_table.h"

#include <inttypes.h>

enum { LIMIT_DEFAULT = 100 };

/* --- DncList ---------------------------------------------------------------------------------- */

static void read_entry(struct scope *scope, const struct rows *rows, uint32_t row, uint32_t from,
                       struct outbound_dnc_entry *out)
{
    *out = (struct outbound_dnc_entry){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_DNC_ENTRY),
        .phone = scope_keep(scope, rows_text(rows, row, from)),
        .customer_id = scope_keep(scope, rows_text(rows, row, from + 1)),
        .message = scope_keep(scope, rows_text(rows, row, from + 2)),
        .campaign_dbid = (uint32_t)rows_i64(rows, row, from + 3),
        .at = rows_i64(rows, row, from + 4),
    };
    if (out->phone.len == 0) out->head.has &= ~OUTBOUND_DNC_ENTRY_HAS_PHONE;
    if (out->customer_id.len == 0) out->head.has &= ~OUTBOUND_DNC_ENTRY_HAS_CUSTOMER_ID;
    if (out->message.len == 0) out->head.has &= ~OUTBOUND_DNC_ENTRY_HAS_MESSAGE;
}

static struct outbound_dnc_entries new_reply(struct request *request, const struct rows *rows,
                                             uint32_t count, uint32_t from)
{
    struct outbound_dnc_entries reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_DNC_ENTRIES) & ~OUTBOUND_DNC_ENTRIES_HAS_NEXT,
        .total = dnc_table_entries(request->server),
        .is_loaded = dnc_is_loaded(request->server),
    };
    reply.entries.at = scope_alloc_array(request->life, count + 1, sizeof *reply.entries.at);
    reply.entries.count = count;
    for (uint32_t i = 0; i < count; i++)
        read_entry(request->life, rows, i, from, &reply.entries.at[i]);
    return reply;
}

static void on_found(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    if (err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
        return;
    }
    struct outbound_dnc_entries reply = new_reply(request, rows, rows_count(rows), 0);
    request_reply(request, &MSG_OUTBOUND_DNC_ENTRIES, &reply, (struct text){ 0 });
}

static uint32_t limit_of(const struct request *request)
{
    const struct outbound_dnc_list *asked = request->fields;
    return asked->limit ? asked->limit : LIMIT_DEFAULT;
}

/* The first column is the cursor. */
static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    if (err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
        return;
    }
    uint32_t count = rows_count(rows), limit = limit_of(request);
    bool has_more = count > limit;
    if (has_more) count = limit;
    struct outbound_dnc_entries reply = new_reply(request, rows, count, 1);
    if (has_more) {
        reply.head.has |= OUTBOUND_DNC_ENTRIES_HAS_NEXT;
        reply.next = scope_format(request->life, "%" PRId64, rows_i64(rows, count - 1, 0));
    }
    request_reply(request, &MSG_OUTBOUND_DNC_ENTRIES, &reply, (struct text){ 0 });
}

void dnc_list(struct request *request)
{
    const struct outbound_dnc_list *asked = request->fields;
    struct text phone = text_trim(asked->phone), customer_id = text_trim(asked->customer_id);
    int64_t after = INT64_MIN;
    if (asked->after.len && text_to_i64(asked->after, INT64_MIN, INT64_MAX, &after))
        request_refuse(request, OUTBOUND_BAD_KEY, "after: is no cursor of a page before");
    else if (phone.len)
        dnc_table_find(request->server, DNC_PHONE, phone, on_found, request);
    else if (customer_id.len)
        dnc_table_find(request->server, DNC_CUSTOMER, customer_id, on_found, request);
    else
        dnc_table_page(request->server, after, limit_of(request) + 1, on_page, request);
}

/* --- DncChange -------------------------------------------------------------------------------- */

struct changing {
    struct request *request;
    struct dnc_adding **adding; /* two per entry at most: its number and its customer */
    uint32_t adding_count;
    struct dnc_removing **removing;
    uint32_t removing_count;
    uint64_t added;
};

static uint32_t entries_of(const struct outbound_dnc_entry *from, uint32_t tenant_dbid,
                           struct dnc_entry out[DNC_KINDS])
{
    const struct text whats[DNC_KINDS] = {
        [DNC_PHONE] = text_trim(from->phone), [DNC_CUSTOMER] = text_trim(from->customer_id)
    };
    uint32_t count = 0;
    for (int i = 0; i < DNC_KINDS; i++)
        if (whats[i].len)
            out[count++] = (struct dnc_entry){ .kind = (enum dnc_kind)i,
                                               .what = whats[i],
                                               .scope = { tenant_dbid, from->campaign_dbid },
                                               .message = from->message };
    return count;
}

static void reply(void *self)
{
    struct changing *changing = self;
    struct request *request = changing->request;
    struct outbound_dnc_changed out = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_DNC_CHANGED),
                                        .added = changing->added,
                                        .removed = changing->removing_count,
                                        .total = dnc_table_entries(request->server) };
    request_reply(request, &MSG_OUTBOUND_DNC_CHANGED, &out, (struct text){ 0 });
}

static void on_durable(void *self, const struct change_result *result)
{
    struct changing *changing = self;
    struct request *request = changing->request;
    for (uint32_t i = 0; i < changing->adding_count; i++) {
        changing->added += dnc_adding_is_new(changing->adding[i]);
        dnc_table_added(changing->adding[i], result->err);
    }
    for (uint32_t i = 0; i < changing->removing_count; i++)
        dnc_table_removed(changing->removing[i], result->err);
    if (result->err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store refused the change: %s",
                       result->words ? result->words : err_words(result->err));
        return;
    }
    if (((const struct outbound_dnc_change *)request->fields)->reread)
        dnc_table_read_again(request->server, request->life, reply, changing);
    else
        reply(changing);
}

static bool check(struct request *request, const struct outbound_dnc_entry *entries, uint32_t count,
                  const char *field)
{
    for (uint32_t i = 0; i < count; i++) {
        struct text phone = text_trim(entries[i].phone);
        struct text customer_id = text_trim(entries[i].customer_id);
        if (phone.len + customer_id.len && phone.len <= 64 && customer_id.len <= 64) continue;
        request_refuse(request, OUTBOUND_BAD_KEY,
                       "%s[%u]: has to have a phone or a customerId, at most 64 characters each",
                       field, i);
        return false;
    }
    return true;
}

static void run_again(void *self)
{
    request_run(self);
}

void dnc_change(struct request *request)
{
    const struct outbound_dnc_change *asked = request->fields;
    struct outbound *server = request->server;
    if (!check(request, asked->add.at, asked->add.count, "add") ||
        !check(request, asked->remove.at, asked->remove.count, "remove"))
        return;
    if (!dnc_is_loaded(server)) { /* what is there already is not known yet */
        dnc_when_loaded(server, request->life, run_again, request);
        return;
    }
    struct changing *changing = scope_alloc(request->life, sizeof *changing);
    changing->request = request;
    changing->adding = scope_alloc_array(request->life, asked->add.count * DNC_KINDS + 1,
                                         sizeof(struct dnc_adding *));
    changing->removing = scope_alloc_array(request->life, asked->remove.count * DNC_KINDS + 1,
                                           sizeof(struct dnc_removing *));
    struct change *change = change_new(server->store);
    uint32_t tenant_dbid = dnc_tenant(server);
    struct dnc_entry entries[DNC_KINDS];
    for (uint32_t i = 0; i < asked->add.count; i++) {
        uint32_t count = entries_of(&asked->add.at[i], tenant_dbid, entries);
        for (uint32_t k = 0; k < count; k++)
            changing->adding[changing->adding_count++] = dnc_table_add(server, change, &entries[k]);
    }
    for (uint32_t i = 0; i < asked->remove.count; i++) {
        uint32_t count = entries_of(&asked->remove.at[i], tenant_dbid, entries);
        for (uint32_t k = 0; k < count; k++) {
            struct dnc_removing *removing = dnc_table_remove(server, change, &entries[k]);
            if (removing) changing->removing[changing->removing_count++] = removing;
        }
    }
    if (change_rows(change)) {
        change_submit(change, on_durable, changing);
        return;
    }
    change_drop(change);
    on_durable(changing, &(struct change_result){ .err = ERR_OK });
}
