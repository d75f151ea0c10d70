/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/treatment_book.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/outbound/buffer.h"

/* A warning that was given. */
struct warned {
    uint32_t dbid;
    uint64_t rev;
};

struct page {
    uint32_t list_dbid;
    struct treatments treatments;
};

struct treatment_book {
    struct outbound *server;
    struct scope *config_life, *warned_life;
    struct table *pages;  /* by list DBID */
    struct table *warned; /* by DBID of the Treatment */
};

struct treatment_book *treatment_book_new(struct outbound *server)
{
    struct scope *life = server->app->life;
    struct treatment_book *book = scope_alloc(life, sizeof *book);
    *book = (struct treatment_book){
        .server = server,
        .config_life = scope_new(life, "treatments", SCOPE_NO_LIMIT),
        .warned = table_new(life),
        .warned_life = scope_new(life, "treatments warned of", SCOPE_NO_LIMIT),
    };
    book->pages = table_new(book->config_life);
    return book;
}

void treatment_book_forget(struct treatment_book *book)
{
    scope_reset(book->config_life);
    book->pages = table_new(book->config_life);
}

static void warn(struct treatment_book *book, const struct app_object *object, const char *flaw)
{
    struct warned *warned = table_get(book->warned, TEXT_OF(&object->dbid));
    if (warned && warned->rev == object->rev) return;
    if (warned == NULL) {
        warned = scope_alloc(book->warned_life, sizeof *warned);
        warned->dbid = object->dbid;
        table_put(book->warned, TEXT_OF(&warned->dbid), warned);
    }
    warned->rev = object->rev;
    char name[128] = "";
    (void)text_to_z(text_slice(object->fields->name, 0, sizeof name - 1), name, sizeof name);
    LOG_TREATMENT_IGNORED(&book->server->app->log, name, flaw);
}

/* False: not fit for use, and said so. */
static bool read_treatment(struct treatment_book *book, const struct app_object *object,
                           struct treatment *out)
{
    const struct object_treatment *fields = (const struct object_treatment *)object->fields;
    *out = (struct treatment){
        .call_result = fields->call_result,
        .sequence = fields->sequence,
        .cycles = fields->attempts,
        .interval_min = fields->interval,
        .increment_min = fields->increment,
        .date_s = fields->date_time,
    };
    const char *flaw = "recActionCode is unknown";
    if (treatment_action_find(fields->rec_action_code, &out->action))
        flaw = treatment_flaw(out, fields->call_action_code.len > 0, fields->dest_dn.len > 0);
    if (flaw) warn(book, object, flaw);
    return flaw == NULL;
}

static struct page *read_page(struct treatment_book *book, const struct app_object *list)
{
    const struct object_calling_list *fields = (const struct object_calling_list *)list->fields;
    struct page *page = scope_alloc(book->config_life, sizeof *page);
    struct treatment *at =
        scope_alloc_array(book->config_life, fields->treatments.count + 1, sizeof *at);
    uint32_t count = 0;
    for (uint32_t i = 0; i < fields->treatments.count; i++) {
        const struct app_object *object =
            app_object(book->server->app, &OBJECT_TREATMENT, fields->treatments.at[i]);
        if (object && read_treatment(book, object, &at[count])) count++;
    }
    *page = (struct page){ list->dbid, { at, count } };
    table_put(book->pages, TEXT_OF(&page->list_dbid), page);
    return page;
}

static bool takes_new_work(const struct session *session)
{
    return session->fsm.state == SESSION_LOADED || session->fsm.state == SESSION_STARTED;
}

void treatment_book_fill(struct treatment_book *book, const struct live_chain *live,
                         struct chain_request *request)
{
    const struct app_object *list =
        app_object_by_dbid(book->server->app, &OBJECT_CALLING_LIST, live->list_dbid);
    request->has_room = book->server->held_count < HELD_CHAINS_MAX && takes_new_work(live->session);
    if (list == NULL) return;
    struct page *page = table_get(book->pages, TEXT_OF(&live->list_dbid));
    if (page == NULL) page = read_page(book, list);
    request->treatments = page->treatments;
    request->max_attempts = ((const struct object_calling_list *)list->fields)->max_attempts;
}
