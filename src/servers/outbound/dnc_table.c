/* SPDX-License-Identifier: Apache-2.0 */
/* A reading fills an image of its own, page by page, and what is added or removed meanwhile is
 * noted and played again on it before it takes the place of the old one: begin at read_again(). */
#include "servers/outbound/dnc_table.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "model/option.h"
#include "servers/outbound/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PAGE_ROWS = 20000, AGAIN_S = 10, NOBODY = UINT32_MAX, TENANT_ENVIRONMENT = 1 };

static const struct text table_access = { "gsw_donotcall_list", 18 };

/* What happened while a reading was under way. */
struct dnc_note {
    struct dnc_note *next;
    bool is_add;
    struct dnc_entry entry;
};

struct dnc_waiter {
    struct list node;
    struct dnc_table *table;
    void (*on_loaded)(void *self);
    void *self;
};

struct dnc_adding {
    struct list node; /* in `adding`, until its change has ended */
    struct scope *life;
    struct dnc_table *table;
    struct dnc_entry entry;
    bool has_row;
};

/* What came for the list after the removal of an entry, before it was durable. */
struct dnc_removing {
    struct list node; /* in `removing`, until its change has ended */
    struct scope *life;
    struct dnc_table *table;
    struct dnc_entry entry;
    struct dnc_note *added;
};

/* Which column of a list holds the customer id. */
struct customer_column {
    uint32_t list_dbid, column;
};

struct reading {
    struct scope *life; /* of the image */
    struct dnc *image;
    struct scope *notes_life;
    struct dnc_note *notes, **last_note;
    int64_t after_rowid;
    uint64_t rows, began_mono_ms;
};

struct dnc_table {
    struct outbound *server;
    struct scope *image_life; /* of `image`; NULL: nothing read yet */
    struct dnc *image;
    struct reading *reading; /* NULL: none is under way */
    bool is_loaded, is_wanted_again;
    struct text name;
    const struct statement *insert, *page, *list_page, *remove[DNC_KINDS], *find[DNC_KINDS];
    struct list waiters, adding, removing;
    struct timer *timer;
    uint64_t again_after_ms; /* of the Table Access; 0: never */
    struct scope *config_life;
    struct table *customer_columns; /* by list DBID */
};

static void read_again(void *self);

/* --- entries --- */

static struct dnc_entry keep(struct scope *scope, const struct dnc_entry *entry)
{
    struct dnc_entry kept = *entry;
    kept.what = scope_keep(scope, text_trim(entry->what));
    kept.message = (struct text){ "", 0 };
    return kept;
}

static void play(struct dnc *image, bool is_add, const struct dnc_entry *entry)
{
    if (is_add)
        (void)dnc_add(image, entry->kind, entry->what, entry->scope);
    else
        (void)dnc_remove(image, entry->kind, entry->what, entry->scope);
}

static void change_memory(struct dnc_table *table, bool is_add, const struct dnc_entry *entry)
{
    play(table->image, is_add, entry);
    struct reading *reading = table->reading;
    if (reading == NULL) return;
    struct dnc_note *note = scope_alloc(reading->notes_life, sizeof *note);
    *note = (struct dnc_note){ NULL, is_add, keep(reading->notes_life, entry) };
    *reading->last_note = note;
    reading->last_note = &note->next;
}

static bool is_same(const struct dnc_entry *a, const struct dnc_entry *b)
{
    return a->kind == b->kind && a->scope.tenant_dbid == b->scope.tenant_dbid &&
           a->scope.campaign_dbid == b->scope.campaign_dbid && text_eq(a->what, b->what);
}

/* One whose row is not durable yet does not count as there: it may fail. */
static bool is_being_added(const struct dnc_table *table, const struct dnc_entry *entry)
{
    LIST_EACH (node, &table->adding) {
        const struct dnc_adding *adding = LIST_OBJECT(node, struct dnc_adding, node);
        if (adding->has_row && is_same(&adding->entry, entry)) return true;
    }
    return false;
}

/* A removal on its way would take the entry, whichever way the number is written there: it gets a
 * row behind it. */
static bool note_for_removals(const struct dnc_table *table, const struct dnc_entry *entry)
{
    bool is_any = false;
    LIST_EACH (node, &table->removing) {
        struct dnc_removing *removing = LIST_OBJECT(node, struct dnc_removing, node);
        const struct dnc_entry *going = &removing->entry;
        if (going->kind != entry->kind || going->scope.tenant_dbid != entry->scope.tenant_dbid ||
            going->scope.campaign_dbid != entry->scope.campaign_dbid)
            continue;
        struct dnc_note *note = scope_alloc(removing->life, sizeof *note);
        *note = (struct dnc_note){ removing->added, true, keep(removing->life, entry) };
        removing->added = note;
        is_any = true;
    }
    return is_any;
}

static void bind_entry(struct change *change, const struct dnc_entry *entry)
{
    const struct text none = { 0 };
    change_bind_text(change, entry->kind == DNC_PHONE ? entry->what : none);
    change_bind_text(change, entry->kind == DNC_CUSTOMER ? entry->what : none);
}

static void add_row(struct dnc_table *table, struct change *change, const struct dnc_entry *entry)
{
    change_add(change, table->insert, 1);
    bind_entry(change, entry);
    change_bind_text(change, entry->message);
    change_bind_i64(change, entry->scope.tenant_dbid);
    change_bind_i64(change, entry->scope.campaign_dbid);
    change_bind_i64(change, entry->list_dbid);
    change_bind_i64(change, entry->is_internal);
    change_bind_i64(change, (int64_t)(loop_now_utc_ms(table->server->app->loop) / 1000));
}

struct dnc_adding *dnc_table_add(struct outbound *server, struct change *change,
                                 const struct dnc_entry *entry)
{
    struct dnc_table *table = server->dnc;
    struct scope *life = scope_new(server->app->life, "dnc entry", SCOPE_NO_LIMIT);
    struct dnc_adding *adding = scope_alloc(life, sizeof *adding);
    struct dnc_entry kept = keep(life, entry);
    bool is_there = !note_for_removals(table, &kept) &&
                    dnc_has(table->image, kept.kind, kept.what, kept.scope) &&
                    !is_being_added(table, &kept);
    *adding = (struct dnc_adding){
        .life = life, .table = table, .entry = kept, .has_row = kept.what.len && !is_there
    };
    list_add_last(&table->adding, &adding->node);
    if (!adding->has_row) return adding;
    kept.message = entry->message;
    add_row(table, change, &kept);
    change_memory(table, true, &kept);
    return adding;
}

bool dnc_adding_is_new(const struct dnc_adding *adding)
{
    return adding->has_row;
}

void dnc_table_added(struct dnc_adding *adding, enum err err)
{
    struct dnc_table *table = adding->table;
    list_remove(&adding->node);
    if (err && adding->has_row && !is_being_added(table, &adding->entry))
        change_memory(table, false, &adding->entry);
    scope_close(adding->life);
}

/* Numbers stand in the table as somebody wrote them. */
static uint32_t forms_of(const struct dnc_entry *entry, char room[2][DNC_FORM_BYTES],
                         struct text forms[DNC_FORMS_MAX])
{
    forms[0] = text_trim(entry->what);
    uint32_t count = entry->kind == DNC_PHONE ? dnc_phone_forms(entry->what, room, forms) : 1;
    for (uint32_t i = count; i < DNC_FORMS_MAX; i++) forms[i] = forms[0];
    return count;
}

struct dnc_removing *dnc_table_remove(struct outbound *server, struct change *change,
                                      const struct dnc_entry *entry)
{
    struct dnc_table *table = server->dnc;
    if (!dnc_has(table->image, entry->kind, entry->what, entry->scope)) return NULL;
    char room[2][DNC_FORM_BYTES];
    struct text forms[DNC_FORMS_MAX];
    (void)forms_of(entry, room, forms);
    change_add(change, table->remove[entry->kind], ROWS_ANY);
    for (uint32_t i = 0; i < DNC_FORMS_MAX; i++) change_bind_text(change, forms[i]);
    change_bind_i64(change, entry->scope.tenant_dbid);
    change_bind_i64(change, entry->scope.campaign_dbid);
    struct scope *life = scope_new(server->app->life, "dnc removal", SCOPE_NO_LIMIT);
    struct dnc_removing *removing = scope_alloc(life, sizeof *removing);
    *removing = (struct dnc_removing){ .life = life, .table = table, .entry = keep(life, entry) };
    list_add_last(&table->removing, &removing->node);
    return removing;
}

void dnc_table_removed(struct dnc_removing *removing, enum err err)
{
    list_remove(&removing->node);
    if (!err) change_memory(removing->table, false, &removing->entry);
    for (const struct dnc_note *note = err ? NULL : removing->added; note; note = note->next)
        change_memory(removing->table, true, &note->entry);
    scope_close(removing->life);
}

void dnc_table_find(struct outbound *server, enum dnc_kind kind, struct text what,
                    void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    char room[2][DNC_FORM_BYTES];
    struct text forms[DNC_FORMS_MAX];
    (void)forms_of(&(struct dnc_entry){ .kind = kind, .what = what }, room, forms);
    struct value parameters[DNC_FORMS_MAX];
    for (uint32_t i = 0; i < DNC_FORMS_MAX; i++) parameters[i] = value_of_text(forms[i]);
    struct query query = { server->dnc->find[kind], parameters, DNC_FORMS_MAX };
    store_query(server->store, &query, on_rows, self);
}

void dnc_table_page(struct outbound *server, int64_t after, uint32_t limit,
                    void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    struct value parameters[] = { value_of_i64(after), value_of_i64(limit) };
    struct query query = { server->dnc->list_page, parameters, 2 };
    store_query(server->store, &query, on_rows, self);
}

uint64_t dnc_table_entries(const struct outbound *server)
{
    return server->dnc ? dnc_count(server->dnc->image) : 0;
}

/* --- reading --- */

static void say_loaded(void *self)
{
    struct dnc_waiter *waiter = self;
    list_remove(&waiter->node);
    waiter->on_loaded(waiter->self);
}

static void leave(void *self)
{
    struct dnc_waiter *waiter = self;
    list_remove(&waiter->node);
}

static void wait_for_reading(struct dnc_table *table, struct scope *life,
                             void (*on_loaded)(void *self), void *self)
{
    struct dnc_waiter *waiter = scope_alloc(life, sizeof *waiter);
    *waiter = (struct dnc_waiter){ .table = table, .on_loaded = on_loaded, .self = self };
    list_add_last(&table->waiters, &waiter->node);
    scope_on_close(life, leave, waiter);
}

void dnc_when_loaded(struct outbound *server, struct scope *life, void (*on_loaded)(void *self),
                     void *self)
{
    if (server->dnc->is_loaded)
        loop_soon(life, server->app->loop, on_loaded, self);
    else
        wait_for_reading(server->dnc, life, on_loaded, self);
}

bool dnc_is_loaded(const struct outbound *server)
{
    return server->dnc->is_loaded;
}

static void end_reading(struct dnc_table *table)
{
    struct reading *reading = table->reading;
    table->reading = NULL;
    scope_close(reading->notes_life);
    if (table->is_wanted_again) {
        table->is_wanted_again = false;
        timer_start(table->timer, 0);
    } else if (table->again_after_ms) {
        timer_start(table->timer, table->again_after_ms);
    }
}

static void fail(struct dnc_table *table, const char *words)
{
    LOG_DNC_FAILED(&table->server->app->log, words, AGAIN_S);
    struct reading *reading = table->reading;
    struct scope *life = reading->life;
    end_reading(table);
    scope_close(life);
    timer_start(table->timer, AGAIN_S * 1000);
}

/* The new image takes the old one's place. */
static void finish(struct dnc_table *table)
{
    struct reading *reading = table->reading;
    struct outbound *server = table->server;
    for (const struct dnc_note *note = reading->notes; note; note = note->next)
        play(reading->image, note->is_add, &note->entry);
    struct scope *old = table->image_life;
    table->image_life = reading->life;
    table->image = reading->image;
    scope_close(old);
    LOG_DNC_LOADED(
        &server->app->log, (unsigned long long)reading->rows,
        (unsigned long long)dnc_count(table->image),
        (unsigned long long)(loop_now_mono_ms(server->app->loop) - reading->began_mono_ms));
    end_reading(table);
    table->is_loaded = true;
    for (struct list *node; (node = list_first(&table->waiters)) != NULL;)
        say_loaded(LIST_OBJECT(node, struct dnc_waiter, node));
}

static void read_page(struct dnc_table *table);

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct dnc_table *table = self;
    struct reading *reading = table->reading;
    if (err) {
        fail(table, err_words(err));
        return;
    }
    uint32_t count = rows_count(rows);
    for (uint32_t i = 0; i < count; i++) {
        struct dnc_scope scope = { (uint32_t)rows_i64(rows, i, 3), (uint32_t)rows_i64(rows, i, 4) };
        (void)dnc_add(reading->image, DNC_PHONE, rows_text(rows, i, 1), scope);
        (void)dnc_add(reading->image, DNC_CUSTOMER, rows_text(rows, i, 2), scope);
    }
    reading->rows += count;
    if (count < PAGE_ROWS) {
        finish(table);
        return;
    }
    reading->after_rowid = rows_i64(rows, count - 1, 0);
    read_page(table);
}

static void read_page(struct dnc_table *table)
{
    struct value parameters[] = { value_of_i64(table->reading->after_rowid),
                                  value_of_i64(PAGE_ROWS) };
    struct query query = { table->page, parameters, 2 };
    store_query(table->server->store, &query, on_page, table);
}

static void on_created(void *self, const struct change_result *result)
{
    struct dnc_table *table = self;
    if (result->err)
        fail(table, result->words ? result->words : err_words(result->err));
    else
        read_page(table);
}

/* As SQLite numbers its rows by itself. */
static const char row_number[] = ", rowid bigint GENERATED ALWAYS AS IDENTITY";

static const struct statement *statement(struct dnc_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const struct statement *statement(struct dnc_table *table, const char *format, ...)
{
    char sql[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    ASSERT(len > 0 && (size_t)len < sizeof sql);
    return store_statement(table->server->store, (struct text){ sql, (size_t)len });
}

static void make_statements(struct dnc_table *table)
{
    const struct text name = table->name;
    table->insert = statement(table,
                              "INSERT INTO %.*s (phone, customer_id, dnc_message, tenant_dbid, "
                              "campaign_dbid, list_dbid, is_internal, time_stamp, reserved_int) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
                              TEXT_ARG(name));
    table->page = statement(table,
                            "SELECT rowid, phone, customer_id, tenant_dbid, campaign_dbid "
                            "FROM %.*s WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
                            TEXT_ARG(name));
    table->list_page = statement(table,
                                 "SELECT rowid, phone, customer_id, dnc_message, campaign_dbid, "
                                 "time_stamp FROM %.*s WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
                                 TEXT_ARG(name));
    static const char *const columns[DNC_KINDS] = { "phone", "customer_id" };
    for (int i = 0; i < DNC_KINDS; i++) {
        table->remove[i] =
            statement(table,
                      "DELETE FROM %.*s WHERE %s IN (?1, ?2, ?3) AND "
                      "coalesce(tenant_dbid, 0) = ?4 AND coalesce(campaign_dbid, 0) = ?5",
                      TEXT_ARG(name), columns[i]);
        table->find[i] = statement(table,
                                   "SELECT phone, customer_id, dnc_message, campaign_dbid, "
                                   "time_stamp FROM %.*s WHERE %s IN (?1, ?2, ?3) LIMIT 1000",
                                   TEXT_ARG(name), columns[i]);
    }
}

/* Spec 2.6: the fixed structure. The indexes serve removal and look-up of entries. */
static void create(struct dnc_table *table)
{
    const struct text name = table->name;
    struct change *change = change_new(table->server->store);
    change_add(change,
               statement(table,
                         "CREATE TABLE IF NOT EXISTS %.*s (phone varchar(64), "
                         "customer_id varchar(64), dnc_message varchar(255), "
                         "tenant_dbid decimal(18,0), campaign_dbid decimal(18,0), "
                         "list_dbid decimal(18,0), is_internal int, time_stamp int, "
                         "reserved_int int%s)",
                         TEXT_ARG(name), store_is_postgres(table->server->store) ? row_number : ""),
               ROWS_ANY);
    change_add(change,
               statement(table,
                         "CREATE INDEX IF NOT EXISTS %.*s_phone ON %.*s (phone) "
                         "WHERE phone IS NOT NULL",
                         TEXT_ARG(name), TEXT_ARG(name)),
               ROWS_ANY);
    change_add(change,
               statement(table,
                         "CREATE INDEX IF NOT EXISTS %.*s_customer ON %.*s (customer_id) "
                         "WHERE customer_id IS NOT NULL",
                         TEXT_ARG(name), TEXT_ARG(name)),
               ROWS_ANY);
    change_submit(change, on_created, table);
}

/* Entries asked for after this are noted; those before it are in the store once the table has been
 * made, since changes apply in order. */
static void read_again(void *self)
{
    struct dnc_table *table = self;
    struct app *app = table->server->app;
    if (table->reading) {
        table->is_wanted_again = true;
        return;
    }
    struct scope *life = scope_new(app->life, "dnc image", SCOPE_NO_LIMIT);
    struct scope *notes_life = scope_new(app->life, "dnc notes", SCOPE_NO_LIMIT);
    struct reading *reading = scope_alloc(notes_life, sizeof *reading);
    *reading = (struct reading){
        .life = life,
        .image = dnc_new(life, random_u64(loop_random(app->loop))),
        .notes_life = notes_life,
        .began_mono_ms = loop_now_mono_ms(app->loop),
    };
    reading->last_note = &reading->notes;
    table->reading = reading;
    create(table);
}

void dnc_table_read_again(struct outbound *server, struct scope *life, void (*on_read)(void *self),
                          void *self)
{
    read_again(server->dnc);
    wait_for_reading(server->dnc, life, on_read, self);
}

/* --- configuration --- */

uint32_t dnc_tenant(const struct outbound *server)
{
    const struct app_object *object = app_self(server->app);
    if (object == NULL) return TENANT_ENVIRONMENT;
    const struct object_application *self = (const struct object_application *)object->fields;
    const struct app_object *tenant =
        self->tenants.count ? app_object(server->app, &OBJECT_TENANT, self->tenants.at[0]) : NULL;
    return tenant ? tenant->dbid : TENANT_ENVIRONMENT;
}

void dnc_table_configure(struct outbound *server)
{
    struct dnc_table *table = server->dnc;
    scope_reset(table->config_life);
    table->customer_columns = table_new(table->config_life);
    const struct app_object *object = app_object(server->app, &OBJECT_TABLE_ACCESS, table_access);
    const struct object_table_access *access =
        object ? (const struct object_table_access *)object->fields : NULL;
    if (access && access->db_access.len) {
        char words[128];
        if (!text_to_z(text_slice(access->db_access, 0, sizeof words - 1), words, sizeof words))
            LOG_DNC_FOREIGN(&server->app->log, words);
    }
    table->again_after_ms = access ? (uint64_t)access->update_timeout * 1000 : 0;
    struct text name = access && is_sql_identifier(access->db_table_name) ? access->db_table_name
                                                                          : table_access;
    if (text_eq(name, table->name)) {
        if (table->again_after_ms && table->reading == NULL)
            timer_start(table->timer, table->again_after_ms);
        return;
    }
    table->name = scope_keep(server->app->life, name);
    make_statements(table);
    read_again(table);
}

/* The field of the option customer_id, else the one that is sent as GSW_CUSTOMER_ID. */
static uint32_t customer_column(struct dnc_table *table, const struct calling_list *list)
{
    struct customer_column *known = table_get(table->customer_columns, TEXT_OF(&list->dbid));
    if (known) return known->column;
    struct outbound *server = table->server;
    const struct app_object *object =
        app_object_by_dbid(server->app, &OBJECT_CALLING_LIST, list->dbid);
    const struct app_object *self = app_self(server->app);
    struct option_layer layers[] = {
        { LEVEL_CALLING_LIST, object ? &object->fields->annex : NULL },
        { LEVEL_APPLICATION,
          self ? &((const struct object_application *)self->fields)->options : NULL },
    };
    struct option_source source = { server->app->name, layers, 2 };
    const struct outbound_options *options =
        option_resolve(&OPTIONS_OUTBOUND, &source, NULL, table->config_life, NULL, NULL);
    known = scope_alloc(table->config_life, sizeof *known);
    known->list_dbid = list->dbid;
    known->column = layout_find_column(&list->table->layout, options->customer_id);
    if (known->column == NOBODY)
        known->column = layout_find_attribute(&list->table->layout, TEXT("GSW_CUSTOMER_ID"));
    table_put(table->customer_columns, TEXT_OF(&known->list_dbid), known);
    return known->column;
}

uint32_t dnc_customer_column(struct outbound *server, const struct calling_list *list)
{
    return customer_column(server->dnc, list);
}

/* Empty where the list has no such field. */
static struct text customer_of(struct outbound *server, struct scope *scope,
                               const struct calling_list *list, const struct record *record)
{
    uint32_t column = customer_column(server->dnc, list);
    return column == NOBODY ? (struct text){ "", 0 } : value_as_text(scope, &record->cells[column]);
}

enum dnc_verdict dnc_check_record(const struct session *session, const struct calling_list *list,
                                  const struct record *record)
{
    struct outbound *server = session->server;
    const struct outbound_options *options = session->options;
    if (!options->check_dnc_list) return DNC_FREE;
    int64_t type = record_i64(record, COLUMN_RECORD_TYPE);
    bool is_callback = type == RECORD_TYPE_PERSONAL_CALLBACK ||
                       type == RECORD_TYPE_CAMPAIGN_CALLBACK;
    if (is_callback && !options->check_dnc_callback) return DNC_FREE;
    struct session_names names;
    uint32_t campaign_dbid =
        session_names(server, session->dbid, &names, NULL) ? names.campaign_dbid : 0;
    struct dnc_scope scope = { dnc_tenant(server), campaign_dbid };
    struct scope *scratch = scope_new(server->app->life, "dnc check", SCOPE_NO_LIMIT);
    enum dnc_verdict verdict = dnc_check(server->dnc->image, scope,
                                         record_text(record, COLUMN_CONTACT_INFO),
                                         customer_of(server, scratch, list, record));
    scope_close(scratch);
    return verdict;
}

enum dnc_verdict dnc_check_contact(const struct outbound *server, struct text phone,
                                   struct text customer_id)
{
    struct dnc_scope scope = { dnc_tenant(server), 0 };
    return dnc_check(server->dnc->image, scope, phone, customer_id);
}

struct dnc_table *dnc_table_new(struct outbound *server)
{
    struct app *app = server->app;
    struct dnc_table *table = scope_alloc(app->life, sizeof *table);
    table->server = server;
    table->image_life = scope_new(app->life, "dnc image", SCOPE_NO_LIMIT);
    table->image = dnc_new(table->image_life, random_u64(loop_random(app->loop)));
    table->config_life = scope_new(app->life, "dnc configuration", SCOPE_NO_LIMIT);
    table->timer = timer_new(app->life, app->loop, read_again, table);
    list_init(&table->waiters);
    list_init(&table->adding);
    list_init(&table->removing);
    return table;
}
