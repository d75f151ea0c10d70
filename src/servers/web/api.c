/* SPDX-License-Identifier: Apache-2.0 */
/* Log-in, log-out, who am I, another password, health (README.md, HTTP). */
#include "gen/events.h"
#include "servers/web/client_address.h"
#include "servers/web/web.h"

#include <stdio.h>
#include <string.h>

enum { AUTHENTICATE_MS = 20000, RETRY_MS = 1000, PASSWORD_BYTES_MAX = 256 };

/* --- bodies --------------------------------------------------------------------------------- */

static void refuse_field(const struct asked *asked, const char *field, const char *words)
{
    struct api_error error = {
        .status = 400, .code = "BadRequest", .text = text_of(words), .field = text_of(field)
    };
    door_refuse(asked->port, asked->exchange, &error);
}

/* False: answered. */
static bool read_body(const struct asked *asked, struct kv *out)
{
    struct fault fault = { 0 };
    const struct http_request *request = http_exchange_request(asked->exchange);
    if (json_read_kv(request->body, http_exchange_scope(asked->exchange), out, &fault) == ERR_OK)
        return true;
    refuse_field(asked, "", fault.words);
    return false;
}

/* False: answered. `fallback` .at NULL: must be there. */
static bool read_text(const struct asked *asked, const struct kv *body, const char *name,
                      size_t len_max, struct text fallback, struct text *out)
{
    const struct value *value = kv_find(body, text_of(name));
    *out = fallback;
    if (value == NULL && fallback.at) return true;
    if (value && value->kind == VALUE_TEXT && value->text.len && value->text.len <= len_max) {
        *out = value->text;
        return true;
    }
    refuse_field(asked, name, "must be text, not empty and not too long");
    return false;
}

/* --- answers from config -------------------------------------------------------------------- */

static void refuse_away(struct port *port, struct http_exchange *exchange, struct text words)
{
    struct api_error error = { .status = 503,
                               .code = "Unavailable",
                               .text = words.len ? words : TEXT("config does not answer"),
                               .retry_after_ms = RETRY_MS };
    door_refuse(port, exchange, &error);
}

static void refuse_as_config(struct port *port, struct http_exchange *exchange,
                             const struct link_error *error)
{
    struct api_error words = {
        .status = 401, .code = "BadCredentials", .text = error->text, .field = error->field
    };
    if (text_eq(error->name, TEXT("BadPassword"))) {
        words.status = 400;
        words.code = "BadPassword";
    } else if (error->code == 403) { /* no right to log in through the application */
        words.status = 403;
        words.code = "CFGNoPermission";
    } else if (!text_eq(error->name, TEXT("BadCredentials"))) {
        refuse_away(port, exchange, error->code == 503 ? error->text : TEXT(""));
        return;
    }
    door_refuse(port, exchange, &words);
}

static struct text session_json(const struct web *web, const struct session *session,
                                struct text token, bool tells_applications, struct buf *out)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    if (token.len) {
        json_put_name(&json, TEXT("token"));
        json_put_text(&json, token);
    }
    json_put_name(&json, TEXT("expires"));
    json_put_u64(&json, session_expires_utc_ms(web, session));
    json_put_name(&json, TEXT("mustChangePassword"));
    json_put_bool(&json, session->must_change);
    json_put_name(&json, TEXT("person"));
    person_put(&json, session->person);
    if (tells_applications) {
        json_put_name(&json, TEXT("applications"));
        applications_put(&json, web, session->person);
    }
    json_end_object(&json);
    return buf_text(out);
}

/* --- log-in --------------------------------------------------------------------------------- */

struct login {
    struct waiting *waiting;
    bool is_cookie;
    struct text address; /* in the waiting's life */
};

static struct text why_not_kept(enum err err)
{
    if (err == ERR_LIMIT) return TEXT("there are as many sessions as max-sessions allows");
    if (err == ERR_NOT_FOUND)
        return TEXT("this server does not know the person: it is of a tenant that is served by "
                    "others, or was made just now");
    return TEXT("the session could not be written to the disk");
}

static void on_session_kept(void *self, enum err err, struct session *session, struct text token)
{
    struct login *login = self;
    struct waiting *waiting = login->waiting;
    struct port *port = waiting->port;
    struct http_exchange *exchange = door_back(waiting);
    struct buf body = { 0 };
    char cookie[TOKEN_CHARS + 96];
    if (exchange == NULL) {
        if (session) session_end(waiting->web, session, "nobody heard of it");
    } else if (err) {
        refuse_away(port, exchange, why_not_kept(err));
    } else {
        bool is_cookie = login->is_cookie;
        (void)snprintf(cookie, sizeof cookie, "carillon=%.*s; Path=/; HttpOnly; SameSite=Strict%s",
                       TEXT_ARG(token), port->is_secure ? "; Secure" : "");
        struct http_header header = { TEXT("Set-Cookie"), text_of(cookie) };
        session_json(waiting->web, session, is_cookie ? TEXT("") : token, false, &body);
        waiting->web->counters.web_logins_total++;
        door_reply(port, exchange, 200, buf_text(&body), is_cookie ? &header : NULL);
    }
    explicit_bzero(cookie, sizeof cookie);
    if (body.at) explicit_bzero(body.at, body.len);
    buf_free(&body);
    door_end(waiting);
}

static void on_authenticated(void *self, const struct link_error *error, const void *fields)
{
    struct login *login = self;
    struct waiting *waiting = login->waiting;
    const struct config_authenticated *who = fields;
    if (error == NULL) {
        struct session_wish wish = { .person_dbid = who->dbid,
                                     .stamp = who->stamp,
                                     .must_change = who->must_change_password,
                                     .is_cookie = login->is_cookie,
                                     .address = login->address };
        session_begin(waiting->web, &wish, on_session_kept, login);
        return;
    }
    struct http_exchange *exchange = door_back(waiting);
    waiting->web->counters.web_logins_refused_total++;
    if (exchange) refuse_as_config(waiting->port, exchange, error);
    door_end(waiting);
}

/* By address and by name, before anything is hashed. False: answered. */
static bool may_try(const struct asked *asked, struct text user)
{
    enum { MINUTE_MS = 60 * 1000 };
    struct web *web = asked->web;
    const struct web_options *options = options_of(web);
    uint64_t now_mono_ms = loop_now_mono_ms(web->app->loop);
    struct bucket_rate of_address = { options->logins_per_address, options->logins_per_address,
                                      MINUTE_MS };
    struct bucket_rate of_account = { options->logins_per_account, options->logins_per_account,
                                      MINUTE_MS };
    char room[CLIENT_ADDRESS_BYTES];
    struct text network = client_network(asked->address, room);
    uint64_t wait_ms = buckets_take(web->login_addresses, network, &of_address, now_mono_ms);
    if (wait_ms == 0) wait_ms = buckets_take(web->login_accounts, user, &of_account, now_mono_ms);
    if (wait_ms == 0) return true;
    struct api_error error = { .status = 429,
                               .code = "TooManyRequests",
                               .text = TEXT("too many log-ins; wait"),
                               .retry_after_ms = wait_ms };
    web->counters.web_logins_refused_total++;
    door_refuse(asked->port, asked->exchange, &error);
    return false;
}

static bool is_config_there(const struct asked *asked)
{
    struct web *web = asked->web;
    if (web->is_running && !web->is_stopping && web->config && peer_is_up(web->config)) return true;
    refuse_away(asked->port, asked->exchange, TEXT(""));
    return false;
}

void api_login(const struct asked *asked)
{
    struct kv body;
    struct text user, password, application;
    if (!read_body(asked, &body)) return;
    if (!read_text(asked, &body, "user", 255, (struct text){ 0 }, &user) ||
        !read_text(asked, &body, "password", PASSWORD_BYTES_MAX, (struct text){ 0 }, &password) ||
        !read_text(asked, &body, "application", 255, TEXT("default"), &application))
        return;
    const struct value *cookie = kv_find(&body, TEXT("cookie"));
    if (cookie && cookie->kind != VALUE_BOOL) {
        refuse_field(asked, "cookie", "must be true or false");
        return;
    }
    if (!may_try(asked, user) || !is_config_there(asked)) return;
    struct waiting *waiting = door_wait(asked);
    struct login *login = scope_alloc(waiting->life, sizeof *login);
    *login = (struct login){ .waiting = waiting,
                             .is_cookie = cookie && cookie->truth,
                             .address = scope_keep(waiting->life, asked->address) };
    struct config_authenticate ask = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_AUTHENTICATE),
        .user_name = user,
        .password = password,
        .application = application,
        .address = asked->address,
    };
    link_ask(peer_link(asked->web->config), &MSG_CONFIG_AUTHENTICATE, &ask, NULL, AUTHENTICATE_MS,
             on_authenticated, login);
}

/* --- with a session ------------------------------------------------------------------------- */

struct leaving {
    struct waiting *waiting;
    bool is_by_cookie;
};

/* Not before: who is told that her session is over must not find it there after a crash. */
static void on_left(void *self, const struct change_result *result)
{
    struct leaving *leaving = self;
    struct waiting *waiting = leaving->waiting;
    struct http_header header = { TEXT("Set-Cookie"),
                                  TEXT("carillon=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict") };
    struct http_exchange *exchange = door_back(waiting);
    if (result->err)
        LOG_WEB_STORE_FAILED(&waiting->web->app->log,
                             result->words ? result->words : err_words(result->err));
    if (exchange && result->err)
        door_refuse(waiting->port, exchange,
                    &(struct api_error){ .status = 503,
                                         .code = "Unavailable",
                                         .text = TEXT("the log-out could not be written down") });
    else if (exchange)
        door_reply(waiting->port, exchange, 204, TEXT(""), leaving->is_by_cookie ? &header : NULL);
    door_end(waiting);
}

void api_logout(const struct asked *asked)
{
    struct waiting *waiting = door_wait(asked);
    struct leaving *leaving = scope_alloc(waiting->life, sizeof *leaving);
    *leaving = (struct leaving){ waiting, asked->is_by_cookie };
    session_end_durably(asked->web, asked->session, "log-out", on_left, leaving);
}

void api_session(const struct asked *asked)
{
    struct buf body = { 0 };
    session_json(asked->web, asked->session, TEXT(""), true, &body);
    door_reply(asked->port, asked->exchange, 200, buf_text(&body), NULL);
    buf_free(&body);
}

struct changing {
    struct waiting *waiting;
    uint8_t hash[TOKEN_HASH_BYTES]; /* of the session, which may end meanwhile */
    uint32_t person_dbid;
};

static void on_password_set(void *self, const struct link_error *error, const void *fields)
{
    struct changing *changing = self;
    struct waiting *waiting = changing->waiting;
    struct web *web = waiting->web;
    const struct config_password_set *set = fields;
    if (error == NULL) {
        struct session *session = table_get(
            web->sessions, (struct text){ (const char *)changing->hash, sizeof changing->hash });
        if (session) session_renew(web, session, set->stamp);
        sessions_end_of_former_password(web, changing->person_dbid, set->stamp);
    }
    struct http_exchange *exchange = door_back(waiting);
    if (exchange && error)
        refuse_as_config(waiting->port, exchange, error);
    else if (exchange)
        door_reply(waiting->port, exchange, 204, TEXT(""), NULL);
    door_end(waiting);
}

void api_password(const struct asked *asked)
{
    struct kv body;
    struct text present, wanted;
    struct session *session = asked->session;
    if (!read_body(asked, &body)) return;
    if (!read_text(asked, &body, "password", PASSWORD_BYTES_MAX, (struct text){ 0 }, &present) ||
        !read_text(asked, &body, "newPassword", PASSWORD_BYTES_MAX, (struct text){ 0 }, &wanted))
        return;
    if (!may_try(asked, session->person->user_name) || !is_config_there(asked)) return;
    struct waiting *waiting = door_wait(asked);
    struct changing *changing = scope_alloc(waiting->life, sizeof *changing);
    *changing = (struct changing){ .waiting = waiting, .person_dbid = session->person->dbid };
    memcpy(changing->hash, session->hash, sizeof changing->hash);
    struct config_set_password ask = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_SET_PASSWORD) & ~CONFIG_SET_PASSWORD_HAS_MUST_CHANGE,
        .user_name = session->person->user_name,
        .password = present,
        .new_password = wanted,
        .application = asked->web->app->name,
        .address = asked->address,
    };
    link_ask(peer_link(asked->web->config), &MSG_CONFIG_SET_PASSWORD, &ask, NULL, AUTHENTICATE_MS,
             on_password_set, changing);
}

/* --- health --------------------------------------------------------------------------------- */

void api_health(const struct asked *asked)
{
    const struct web *web = asked->web;
    bool is_well = web->is_running && !web->is_stopping && !web->is_suspended;
    door_reply(asked->port, asked->exchange, is_well ? 200 : 503,
               is_well             ? TEXT("{\"status\":\"running\"}")
               : web->is_stopping  ? TEXT("{\"status\":\"stopping\"}")
               : web->is_suspended ? TEXT("{\"status\":\"suspended\"}")
                                   : TEXT("{\"status\":\"starting\"}"),
               NULL);
}
