/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts on disk and in memory: read whole at the start, written one by one. */
#include "servers/config/server_accounts.h"

#include "base/buf.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE_ROWS = 1000 };

static const struct statement select_accounts = {
    "SELECT person_dbid, hash, stamp, must_change, former, failures, locked_until_utc_ms, "
    "used_utc_ms, used_through FROM account WHERE person_dbid > ?1 ORDER BY person_dbid LIMIT ?2"
};
static const struct statement put_account = {
    "INSERT INTO account (person_dbid, hash, stamp, must_change, former, failures, "
    "locked_until_utc_ms, used_utc_ms, used_through) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
    "ON CONFLICT (person_dbid) DO UPDATE SET hash = excluded.hash, stamp = excluded.stamp, "
    "must_change = excluded.must_change, former = excluded.former, failures = excluded.failures, "
    "locked_until_utc_ms = excluded.locked_until_utc_ms, used_utc_ms = excluded.used_utc_ms, "
    "used_through = excluded.used_through"
};
static const struct statement put_event = {
    "INSERT INTO account_event (utc_ms, kind, reason, person_dbid, user_name, application, "
    "address, person) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
};
static const struct statement select_made = {
    "SELECT value FROM meta WHERE name = 'accounts-made'"
};
static const struct statement put_made = {
    "INSERT INTO meta (name, value) VALUES ('accounts-made', '1') ON CONFLICT (name) DO NOTHING"
};
static const struct statement trim_events = { "DELETE FROM account_event WHERE utc_ms < ?1" };

/* --- in memory ------------------------------------------------------------------------------ */

struct account *account_find(const struct accounts *accounts, uint32_t person_dbid)
{
    struct account_entry *entry = table_get(accounts->entries, TEXT_OF(&person_dbid));
    return entry ? &entry->account : NULL;
}

void account_replace(struct accounts *accounts, const struct account *account)
{
    struct scope *life = scope_new(accounts->server->app->life, "account", SCOPE_NO_LIMIT);
    struct account_entry *entry = scope_alloc(life, sizeof *entry);
    entry->life = life;
    entry->account = *account;
    entry->account.hash = scope_keep(life, account->hash);
    for (uint32_t i = 0; i < account->former_count; i++)
        entry->account.former[i] = scope_keep(life, account->former[i]);
    struct account_entry *before = table_remove(accounts->entries, TEXT_OF(&account->person_dbid));
    if (before) scope_close(before->life);
    table_put(accounts->entries, TEXT_OF(&entry->account.person_dbid), entry);
}

/* --- reading -------------------------------------------------------------------------------- */

struct loading {
    struct accounts *accounts;
    uint32_t rows, last;
    enum err err;
};

static void read_failures(struct text in, struct account *out)
{
    struct text item;
    while (in.len && text_next_item(&in, ',', &item) && out->failure_count < ACCOUNT_FAILURES_MAX)
        if (text_to_u64(item, 0, INT64_MAX, &out->failures[out->failure_count]) == ERR_OK)
            out->failure_count++;
}

static void read_former(struct text in, struct account *out)
{
    struct text item;
    while (in.len && text_next_item(&in, '\n', &item) && out->former_count < ACCOUNT_FORMER_MAX)
        if (item.len) out->former[out->former_count++] = item;
}

static void take_rows(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    loading->err = err;
    loading->rows = err ? 0 : rows_count(rows);
    for (uint32_t i = 0; i < loading->rows; i++) {
        struct account account = {
            .person_dbid = (uint32_t)rows_i64(rows, i, 0),
            .hash = rows_text(rows, i, 1),
            .stamp = (uint64_t)rows_i64(rows, i, 2),
            .must_change = rows_i64(rows, i, 3) != 0,
            .locked_until_utc_ms = (uint64_t)rows_i64(rows, i, 6),
            .used_utc_ms = (uint64_t)rows_i64(rows, i, 7),
            .used_through = account_application(loading->accounts, rows_text(rows, i, 8)),
        };
        read_former(rows_text(rows, i, 4), &account);
        read_failures(rows_text(rows, i, 5), &account);
        account_replace(loading->accounts, &account);
        loading->last = account.person_dbid;
    }
}

static void take_made(void *self, enum err err, const struct rows *rows)
{
    struct accounts *accounts = self;
    accounts->is_made = !err && rows_count(rows) > 0;
}

enum err account_store_load(struct accounts *accounts, struct fault *fault)
{
    struct store *store = accounts->server->store;
    struct loading loading = { .accounts = accounts };
    struct query made = { &select_made, NULL, 0 };
    enum err err = store_query_now(store, &made, take_made, accounts);
    do {
        struct value parameters[] = { body_integer_value(loading.last),
                                      body_integer_value(PAGE_ROWS) };
        struct query query = { &select_accounts, parameters, 2 };
        if (!err) err = store_query_now(store, &query, take_rows, &loading);
        if (!err) err = loading.err;
    } while (!err && loading.rows == PAGE_ROWS);
    return err ? fault_set(fault, err, "", "accounts cannot be read: %s", err_words(err)) : ERR_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

void account_store_put(struct change *change, const struct account *account)
{
    struct buf former = { 0 }, failures = { 0 };
    for (uint32_t i = 0; i < account->former_count; i++)
        buf_format(&former, "%s%.*s", i ? "\n" : "", TEXT_ARG(account->former[i]));
    for (uint32_t i = 0; i < account->failure_count; i++)
        buf_format(&failures, "%s%" PRIu64, i ? "," : "", account->failures[i]);
    change_add(change, &put_account, 1);
    change_bind_i64(change, account->person_dbid);
    change_bind_text(change, account->hash);
    change_bind_i64(change, (int64_t)account->stamp);
    change_bind_i64(change, account->must_change);
    change_bind_text(change, former.len ? buf_text(&former) : TEXT(""));
    change_bind_text(change, failures.len ? buf_text(&failures) : TEXT(""));
    change_bind_i64(change, (int64_t)account->locked_until_utc_ms);
    change_bind_i64(change, (int64_t)account->used_utc_ms);
    change_bind_text(change, account->used_through.len ? account->used_through : TEXT(""));
    buf_free(&former);
    buf_free(&failures);
}

void account_store_put_made(struct change *change)
{
    change_add(change, &put_made, ROWS_ANY);
}

void account_store_put_event(struct change *change, const struct account_event *event)
{
    change_add(change, &put_event, 1);
    change_bind_i64(change, (int64_t)event->utc_ms);
    change_bind_text(change, text_of(event->kind));
    change_bind_text(change, text_of(event->reason));
    if (event->person_dbid)
        change_bind_i64(change, event->person_dbid);
    else
        change_bind_null(change);
    change_bind_text(change, event->user_name.at ? event->user_name : TEXT(""));
    change_bind_text(change, event->application.at ? event->application : TEXT(""));
    change_bind_text(change, event->address.at ? event->address : TEXT(""));
    change_bind_text(change, event->person.at ? event->person : TEXT(""));
}

void accounts_trim(struct config_server *server, uint64_t before_utc_ms)
{
    struct change *change = change_new(server->store);
    change_add(change, &trim_events, ROWS_ANY);
    change_bind_i64(change, (int64_t)before_utc_ms);
    change_submit(change, NULL, NULL);
}
