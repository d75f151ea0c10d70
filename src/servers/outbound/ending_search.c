/* SPDX-License-Identifier: Apache-2.0 */
/* The road: the lists one after the other, the rows of each that are meant, then everything in one
 * change. Begin reading at ending_search(). */
#include "servers/outbound/ending_private.h"

#include "gen/objects.h"
#include "servers/outbound/lookup.h"
#include "servers/outbound/session.h"

enum { SEARCH_AGAIN_MS = 100 };

/* --- by number, by customer --- */

static struct live_chain *live_of_due(struct due *due)
{
    return (struct live_chain *)(void *)((char *)due - offsetof(struct live_chain, due));
}

static bool is_chain(const struct live_chain *live, const struct hit *hit)
{
    return live->table == hit->table &&
           record_i64(&live->chain.records[0], COLUMN_CHAIN_ID) == hit->chain_id;
}

/* NULL: another server's, or on its way between two places for the moment. */
static struct live_chain *find_live(struct outbound *server, const struct hit *hit)
{
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        LIST_EACH (node, &session->in_progress)
            if (is_chain(LIST_OBJECT(node, struct live_chain, node), hit))
                return LIST_OBJECT(node, struct live_chain, node);
        for (int i = 0; i < BUFFER_CLASSES; i++)
            LIST_EACH (node, &session->buffered[i])
                if (is_chain(LIST_OBJECT(node, struct live_chain, node), hit))
                    return LIST_OBJECT(node, struct live_chain, node);
        for (uint32_t i = 0; i < session->put_off.count; i++)
            if (is_chain(live_of_due(session->put_off.at[i]), hit))
                return live_of_due(session->put_off.at[i]);
    }
    return NULL;
}

static uint32_t record_of(const struct live_chain *live, int64_t chain_n)
{
    for (uint32_t i = 0; i < live->chain.count; i++)
        if (record_i64(&live->chain.records[i], COLUMN_CHAIN_N) == chain_n) return i;
    return UINT32_MAX;
}

static bool is_in_memory(const struct hit *hit)
{
    return hit->status == RECORD_STATUS_RETRIEVED || hit->status == RECORD_STATUS_CHAIN_READY;
}

/* The chains of hits in memory, each once with the record that is meant, the primary before others.
 * False: one of them is on its way; the search goes on in a moment, or when it is free. */
struct meant {
    struct live_chain *live;
    uint32_t record;
};

static bool find_meant(struct ending *ending, struct meant *meant, uint32_t *count)
{
    for (uint32_t i = 0; i < ending->hit_count; i++) {
        const struct hit *hit = &ending->hits[i];
        if (!is_in_memory(hit)) continue;
        struct live_chain *live = find_live(ending->server, hit);
        if (live == NULL || live->is_busy) {
            if (ending->searches < SEARCHES_MAX) return false;
            continue; /* the check before it is given out remains */
        }
        uint32_t record = record_of(live, hit->chain_n), at = 0;
        if (record == UINT32_MAX) continue;
        while (at < *count && meant[at].live != live) at++;
        if (at == *count) {
            meant[(*count)++] = (struct meant){ live, record };
            continue;
        }
        ending->searches_again = ending->is_record_only; /* one record of it at a time */
        if (record == live->chain.primary) meant[at].record = record;
    }
    return true;
}

static void carry_out(struct ending *ending)
{
    struct scope *life = ending->request->life;
    struct meant *meant = scope_alloc_array(life, ending->hit_count + 1, sizeof *meant);
    uint32_t count = 0;
    ending->searches_again = false;
    /* An entry of the Do-Not-Call list does what has to be done when the list is back. */
    if (ending->is_blind && ending->event == CHAIN_CANCEL) {
        request_refuse(ending->request, OUTBOUND_DATABASE_ERROR,
                       "the database of a calling list does not answer: nothing is cancelled");
        return;
    }
    if (!find_meant(ending, meant, &count)) {
        timer_start(ending->timer, SEARCH_AGAIN_MS);
        return;
    }
    ending->steps = scope_alloc_array(life, count + 1, sizeof(struct chain_step *));
    ending->taken = scope_alloc_array(life, count + 1, sizeof *ending->taken);
    ending->step_count = ending->taken_count = 0;
    struct change *change = change_new(ending->server->store);
    ending_add_entry(ending, change);
    for (uint32_t i = 0; i < count; i++)
        (void)ending_add_step(ending, change, meant[i].live, meant[i].record);
    ending_add_rows(ending, change);
    ending_submit(ending, change);
}

static void next_list(struct ending *ending);

static void on_hits(void *self, enum err err, const struct rows *rows)
{
    struct ending *ending = self;
    struct calling_list *list =
        lists_find_by_dbid(ending->server->lists, ending->lists[ending->next_list], NULL);
    ending->is_blind = ending->is_blind || err;
    for (uint32_t i = 0; !err && list && i < rows_count(rows) && ending->hit_count < HITS_MAX; i++)
        ending->hits[ending->hit_count++] =
            (struct hit){ list->table, list->dbid, rows_i64(rows, i, 0), rows_i64(rows, i, 1),
                          rows_i64(rows, i, 2) };
    ending->next_list++;
    next_list(ending);
}

static void on_list_open(void *self, const struct fault *fault)
{
    struct ending *ending = self;
    struct calling_list *list =
        lists_find_by_dbid(ending->server->lists, ending->lists[ending->next_list], NULL);
    uint32_t column = COLUMN_CONTACT_INFO, count = 1;
    char room[2][DNC_FORM_BYTES];
    struct text forms[DNC_FORMS_MAX] = { ending->customer_id };
    if (ending->customer_id.len)
        column = list ? dnc_customer_column(ending->server, list) : UINT32_MAX;
    else
        count = dnc_phone_forms(ending->phone, room, forms);
    if (fault && list && list_is_away(list->table)) ending->is_blind = true;
    if (fault || list == NULL || column == UINT32_MAX) { /* said where the list is used */
        ending->next_list++;
        next_list(ending);
        return;
    }
    lookup_find(ending->server, list->table, column, forms, count, on_hits, ending);
}

static void next_list(struct ending *ending)
{
    while (ending->next_list < ending->list_count) {
        struct calling_list *list =
            lists_find_by_dbid(ending->server->lists, ending->lists[ending->next_list], NULL);
        if (list) {
            list_open(list, on_list_open, ending);
            return;
        }
        ending->next_list++;
    }
    carry_out(ending);
}

void ending_search_again(struct ending *ending)
{
    ending->searches++;
    ending->hit_count = ending->next_list = 0;
    ending->is_blind = false;
    next_list(ending);
}

static void on_search_time(void *self)
{
    ending_search_again(self);
}

/* Lists of the campaign, or all; several may share one table. */
static bool is_of_campaign(const struct outbound *server, uint32_t campaign_dbid,
                           const struct app_object *list)
{
    if (campaign_dbid == 0) return true;
    const struct app_object *object =
        app_object_by_dbid(server->app, &OBJECT_CAMPAIGN, campaign_dbid);
    if (object == NULL) return false;
    const struct object_campaign *campaign = (const struct object_campaign *)object->fields;
    for (uint32_t i = 0; i < campaign->calling_lists.count; i++)
        if (text_eq(campaign->calling_lists.at[i].list, list->fields->name)) return true;
    return false;
}

void ending_search(struct ending *ending)
{
    struct outbound *server = ending->server;
    struct scope *life = ending->request->life;
    struct table *tables = table_new(life);
    const struct app_object *object;
    uint32_t room = 0;
    for (size_t at = 0; app_object_next(server->app, &OBJECT_CALLING_LIST, &at) != NULL;) room++;
    ending->lists = scope_alloc_array(life, room + 1, sizeof *ending->lists);
    ending->hits = scope_alloc_array(life, HITS_MAX, sizeof *ending->hits);
    ending->timer = timer_new(life, server->app->loop, on_search_time, ending);
    for (size_t at = 0;
         (object = app_object_next(server->app, &OBJECT_CALLING_LIST, &at)) != NULL;) {
        struct calling_list *list = lists_find_by_dbid(server->lists, object->dbid, NULL);
        if (list == NULL || !is_of_campaign(server, ending->campaign_dbid, object)) continue;
        if (table_get(tables, TEXT_OF(&list->table->layout.table.at))) continue;
        table_put(tables, TEXT_OF(&list->table->layout.table.at), list);
        ending->lists[ending->list_count++] = list->dbid;
    }
    next_list(ending);
}
