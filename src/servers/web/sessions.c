/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: in memory to be found, on disk to outlive us. The disk goes first when one begins, and
 * follows at once when one ends; when it was last used is written every few minutes. */
#include "gen/events.h"
#include "servers/web/web.h"

#include <string.h>

enum { PAGE_ROWS = 1000, KEEP_USED_MS = 5 * 60 * 1000, COMPARE_MS = 10000 };

static const struct statement select_sessions = {
    "SELECT token_hash, person_dbid, stamp, address, must_change, is_cookie, begun_utc_ms, "
    "used_utc_ms FROM session WHERE token_hash > ?1 ORDER BY token_hash LIMIT ?2"
};
static const struct statement insert_session = {
    "INSERT INTO session (token_hash, person_dbid, stamp, address, must_change, is_cookie, "
    "begun_utc_ms, used_utc_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
};
static const struct statement delete_session = { "DELETE FROM session WHERE token_hash = ?1" };
static const struct statement use_session = {
    "UPDATE session SET used_utc_ms = ?2 WHERE token_hash = ?1"
};
static const struct statement renew_session = {
    "UPDATE session SET stamp = ?2, must_change = 0 WHERE token_hash = ?1"
};

static struct text hash_of(const struct session *session)
{
    return (struct text){ (const char *)session->hash, sizeof session->hash };
}

static uint64_t idle_ms(const struct web *web)
{
    return options_of(web)->session_idle * UINT64_C(60000);
}

uint64_t session_expires_utc_ms(const struct web *web, const struct session *session)
{
    return session->used_utc_ms + idle_ms(web);
}

static void on_written(void *self, const struct change_result *result)
{
    const struct web *web = self;
    if (result->err)
        LOG_WEB_STORE_FAILED(&web->app->log,
                             result->words ? result->words : err_words(result->err));
}

/* --- beginning ------------------------------------------------------------------------------ */

static struct session *make(struct web *web, struct person *person, const struct session *from)
{
    struct scope *life = scope_new(web->app->life, "session", SCOPE_NO_LIMIT);
    struct session *session = scope_alloc(life, sizeof *session);
    *session = *from;
    session->life = life;
    session->node = (struct list){ 0 };
    session->person = person;
    session->address = scope_keep(life, from->address);
    table_put(web->sessions, hash_of(session), session);
    list_add_last(&person->sessions, &session->node);
    person->session_count++;
    return session;
}

struct beginning {
    struct scope *life;
    struct web *web;
    uint8_t hash[TOKEN_HASH_BYTES];
    char token[TOKEN_CHARS + 1];
    void (*on_kept)(void *self, enum err err, struct session *session, struct text token);
    void *self;
    enum err err; /* why there is none */
};

static void on_kept(void *self, const struct change_result *result)
{
    struct beginning *beginning = self;
    struct web *web = beginning->web;
    struct text hash = { (const char *)beginning->hash, TOKEN_HASH_BYTES };
    struct session *session = table_get(web->sessions, hash); /* unless it ended meanwhile */
    on_written(web, result);
    enum err err = result->err ? result->err : session ? ERR_OK : ERR_CANCELLED;
    if (session && err) session_end(web, session, "it could not be written");
    if (session && !err) session->is_kept = true;
    beginning->on_kept(beginning->self, err, err ? NULL : session,
                       err ? TEXT("") : text_of(beginning->token));
    explicit_bzero(beginning->token, sizeof beginning->token);
    scope_close(beginning->life);
}

static void bind_session(struct change *change, const struct session *session)
{
    change_add(change, &insert_session, 1);
    change_bind_bytes(change, hash_of(session));
    change_bind_i64(change, session->person->dbid);
    change_bind_i64(change, (int64_t)session->stamp);
    change_bind_text(change, session->address);
    change_bind_i64(change, session->must_change);
    change_bind_i64(change, session->is_cookie);
    change_bind_i64(change, (int64_t)session->begun_utc_ms);
    change_bind_i64(change, (int64_t)session->used_utc_ms);
}

static void make_room(struct web *web, struct person *person)
{
    while (person->session_count > options_of(web)->sessions_per_person) {
        struct list *oldest = list_first(&person->sessions);
        session_end(web, LIST_OBJECT(oldest, struct session, node), "too many of one person");
    }
}

static void fail_soon(void *self)
{
    struct beginning *beginning = self;
    beginning->on_kept(beginning->self, beginning->err, NULL, TEXT(""));
    scope_close(beginning->life);
}

void session_begin(struct web *web, const struct session_wish *wish,
                   void (*on_kept_)(void *self, enum err err, struct session *session,
                                    struct text token),
                   void *self)
{
    struct scope *life = scope_new(web->app->life, "beginning", SCOPE_NO_LIMIT);
    struct beginning *beginning = scope_alloc(life, sizeof *beginning);
    *beginning = (struct beginning){ .life = life, .web = web, .on_kept = on_kept_, .self = self };
    bool is_full = table_count(web->sessions) >= options_of(web)->max_sessions;
    struct person *person = is_full ? NULL : person_get(web, wish->person_dbid);
    if (person == NULL) {
        beginning->err = is_full ? ERR_LIMIT : ERR_NOT_FOUND;
        loop_soon(life, web->app->loop, fail_soon, beginning);
        return;
    }
    uint64_t now_utc_ms = loop_now_utc_ms(web->app->loop);
    struct session session = { .stamp = wish->stamp,
                               .address = wish->address,
                               .must_change = wish->must_change,
                               .is_cookie = wish->is_cookie,
                               .begun_utc_ms = now_utc_ms,
                               .used_utc_ms = now_utc_ms,
                               .kept_used_utc_ms = now_utc_ms };
    token_new(beginning->token);
    (void)token_hash(text_of(beginning->token), session.hash);
    struct session *made = make(web, person, &session);
    memcpy(beginning->hash, made->hash, TOKEN_HASH_BYTES);
    make_room(web, person);
    LOG_WEB_SESSION_BEGUN(&web->app->log, person->user_name.at, made->address.at);
    struct change *change = change_new(web->store);
    bind_session(change, made);
    change_submit(change, on_kept, beginning);
}

/* --- reading -------------------------------------------------------------------------------- */

struct loading {
    struct web *web;
    uint32_t rows;
    uint8_t last[TOKEN_HASH_BYTES];
    enum err err;
};

static void take_row(struct web *web, const struct rows *rows, uint32_t row)
{
    struct text hash = rows_text(rows, row, 0);
    struct person *person = person_get(web, (uint32_t)rows_i64(rows, row, 1));
    uint64_t used_utc_ms = (uint64_t)rows_i64(rows, row, 7);
    uint64_t now_utc_ms = loop_now_utc_ms(web->app->loop);
    if (used_utc_ms > now_utc_ms) used_utc_ms = now_utc_ms; /* the clock was set back */
    struct session session = {
        .stamp = (uint64_t)rows_i64(rows, row, 2),
        .address = rows_text(rows, row, 3),
        .must_change = rows_i64(rows, row, 4) != 0,
        .is_cookie = rows_i64(rows, row, 5) != 0,
        .begun_utc_ms = (uint64_t)rows_i64(rows, row, 6),
        .used_utc_ms = used_utc_ms,
        .kept_used_utc_ms = used_utc_ms,
        .is_kept = true,
    };
    memcpy(session.hash, hash.at, sizeof session.hash);
    bool is_over = used_utc_ms + idle_ms(web) < now_utc_ms;
    if (person && !is_over) {
        make(web, person, &session);
        return;
    }
    if (person) person_check_gone(web, person);
    struct change *change = change_new(web->store);
    change_add(change, &delete_session, ROWS_ANY);
    change_bind_bytes(change, hash);
    change_submit(change, on_written, web);
}

static void take_rows(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    loading->err = err;
    loading->rows = err ? 0 : rows_count(rows);
    for (uint32_t i = 0; i < loading->rows; i++) {
        struct text hash = rows_text(rows, i, 0);
        if (hash.len != TOKEN_HASH_BYTES) continue;
        memcpy(loading->last, hash.at, hash.len);
        take_row(loading->web, rows, i);
    }
}

enum err sessions_load(struct web *web, struct fault *fault)
{
    struct loading loading = { .web = web };
    enum err err = ERR_OK;
    do {
        struct value parameters[] = {
            { .kind = VALUE_BYTES, .text = { (const char *)loading.last, TOKEN_HASH_BYTES } },
            { .kind = VALUE_INTEGER, .integer = PAGE_ROWS },
        };
        struct query query = { &select_sessions, parameters, 2 };
        err = store_query_now(web->store, &query, take_rows, &loading);
        if (!err) err = loading.err;
    } while (!err && loading.rows == PAGE_ROWS);
    return err ? fault_set(fault, err, "", "sessions cannot be read: %s", err_words(err)) : ERR_OK;
}

/* --- using ---------------------------------------------------------------------------------- */

struct session *session_find(struct web *web, struct text token, struct text address)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    if (!token_hash(token, hash)) return NULL;
    struct session *session =
        table_get(web->sessions, (struct text){ (const char *)hash, sizeof hash });
    if (session == NULL || !session->is_kept || !text_eq(session->address, address)) return NULL;
    if (session_expires_utc_ms(web, session) > loop_now_utc_ms(web->app->loop)) return session;
    session_end(web, session, "it was not used for too long");
    return NULL;
}

void session_use(struct web *web, struct session *session)
{
    session->used_utc_ms = loop_now_utc_ms(web->app->loop);
    list_remove(&session->node);
    list_add_last(&session->person->sessions, &session->node);
    bool is_set_back = session->used_utc_ms < session->kept_used_utc_ms;
    if (!is_set_back && session->used_utc_ms < session->kept_used_utc_ms + KEEP_USED_MS) return;
    session->kept_used_utc_ms = session->used_utc_ms;
    struct change *change = change_new(web->store);
    change_add(change, &use_session, ROWS_ANY);
    change_bind_bytes(change, hash_of(session));
    change_bind_i64(change, (int64_t)session->used_utc_ms);
    change_submit(change, on_written, web);
}

void session_renew(struct web *web, struct session *session, uint64_t stamp)
{
    session->stamp = stamp;
    session->must_change = false;
    struct change *change = change_new(web->store);
    change_add(change, &renew_session, ROWS_ANY);
    change_bind_bytes(change, hash_of(session));
    change_bind_i64(change, (int64_t)stamp);
    change_submit(change, on_written, web);
}

/* --- ending --------------------------------------------------------------------------------- */

static void end_desktops(struct session *session, const char *why)
{
    struct list *ring = &session->person->desktops, *next;
    for (struct list *node = ring->next; node != ring; node = next) {
        struct desktop *desktop = LIST_OBJECT(node, struct desktop, person_node);
        next = node->next;
        if (desktop->session == session) desktop_end(desktop, CLOSE_SESSION_ENDED, why);
    }
}

void session_end(struct web *web, struct session *session, const char *why)
{
    session_end_durably(web, session, why, on_written, web);
}

void session_end_durably(struct web *web, struct session *session, const char *why,
                         void (*on_gone)(void *self, const struct change_result *result),
                         void *self)
{
    struct person *person = session->person;
    LOG_WEB_SESSION_ENDED(&web->app->log, person->user_name.at, why);
    struct change *change = change_new(web->store);
    change_add(change, &delete_session, ROWS_ANY);
    change_bind_bytes(change, hash_of(session));
    change_submit(change, on_gone, self);
    table_remove(web->sessions, hash_of(session));
    list_remove(&session->node);
    /* The person stays while its session is being counted off: desktops end first. */
    end_desktops(session, why);
    streams_end_of(web, session);
    person->session_count--;
    scope_close(session->life);
    person_check_gone(web, person);
}

static void end_if(struct web *web, uint32_t person_dbid, uint64_t stamp, bool is_equal,
                   const char *why)
{
    struct person *person;
    bool has_ended = true;
    while (has_ended && (person = table_get(web->persons, TEXT_OF(&person_dbid))) != NULL) {
        has_ended = false;
        LIST_EACH (node, &person->sessions) {
            struct session *session = LIST_OBJECT(node, struct session, node);
            if ((session->stamp == stamp) != is_equal) continue;
            session_end(web, session, why);
            has_ended = true;
            break;
        }
    }
}

void sessions_end_of_former_password(struct web *web, uint32_t person_dbid, uint64_t stamp)
{
    end_if(web, person_dbid, stamp, false, "the password was changed");
}

static void on_compared(void *self, const struct link_error *error, const void *fields)
{
    struct web *web = self;
    const struct config_accounts_compared *reply = fields;
    if (error) return; /* it is asked again when the link is up again */
    for (uint32_t i = 0; i < reply->changed.count; i++)
        end_if(web, reply->changed.at[i].dbid, reply->changed.at[i].stamp, true,
               "the password was changed while we were away");
}

void sessions_compare(struct web *web)
{
    enum { ACCOUNTS_MAX = 50000 };
    struct scope *scratch = scope_new(NULL, "compare", SCOPE_NO_LIMIT);
    struct config_compare_accounts ask = { .head.has = CONFIG_COMPARE_ACCOUNTS_HAS_ACCOUNTS };
    ask.accounts.at =
        scope_alloc_array(scratch, table_count(web->sessions), sizeof *ask.accounts.at);
    struct session *session;
    for (size_t at = 0;
         ask.accounts.count < ACCOUNTS_MAX && (session = table_next(web->sessions, &at)) != NULL;)
        ask.accounts.at[ask.accounts.count++] =
            (struct config_account_stamp){ .head.has = SHAPE_ALL(SHAPE_CONFIG_ACCOUNT_STAMP),
                                           .dbid = session->person->dbid,
                                           .stamp = session->stamp };
    link_ask(peer_link(web->config), &MSG_CONFIG_COMPARE_ACCOUNTS, &ask, NULL, COMPARE_MS,
             on_compared, web);
    scope_close(scratch);
}

/* A desktop that is open and silent is not use: nobody may be in front of it. */
void sessions_sweep(struct web *web)
{
    enum { ENDED_MAX = 100 };
    struct session *over[ENDED_MAX], *session;
    size_t over_count = 0;
    uint64_t now_utc_ms = loop_now_utc_ms(web->app->loop);
    for (size_t at = 0;
         over_count < ENDED_MAX && (session = table_next(web->sessions, &at)) != NULL;) {
        /* A clock that is set back lets nobody stay for as long as it went back. */
        if (session->used_utc_ms > now_utc_ms) session->used_utc_ms = now_utc_ms;
        if (session_expires_utc_ms(web, session) <= now_utc_ms) over[over_count++] = session;
    }
    for (size_t i = 0; i < over_count; i++)
        session_end(web, over[i], "it was not used for too long");
}
