/* SPDX-License-Identifier: Apache-2.0 */
/* web.h - the inside of the server: what its shell files share. Nobody else includes it.
 *   server.c        wiring and life
 *   ports.c         where it listens
 *   door.c          each HTTP request: who asks, which route, how answers look
 *   rest*.c         the administration REST, see rest.h
 *   api.c           log-in, log-out, session, password, health
 *   files.c         the console's files
 *   people.c        persons who have a session, as configuration has them
 *   sessions.c      what a log-in leaves: tokens, in memory and on disk
 *   desktop.c       desktops and their sockets: open, resume, frames out, end
 *   desktop_ask.c   frames in: requests to servers, and their answers
 *   applications.c  links to outbound: events, who is there, snapshots
 * The rules are pure: ring.h, rights.h, privileges.h, token.h, rest_route.h, rest_question.h. */
#ifndef SERVERS_WEB_WEB_H
#define SERVERS_WEB_WEB_H

#include "app/peer.h"
#include "base/table.h"
#include "format/json.h"
#include "gen/counters.h"
#include "gen/messages.h"
#include "gen/options.h"
#include "io/http/server.h"
#include "io/http/websocket.h"
#include "model/bucket.h"
#include "servers/web/privileges.h"
#include "servers/web/rights.h"
#include "servers/web/ring.h"
#include "servers/web/token.h"
#include "store/store.h"

enum {
    APPLICATIONS_MAX = 32, /* outbound applications of one web */
    FRAME_BYTES_MAX = 3 * 1024 * 1024,
    SEND_QUEUE_BYTES_MAX = 4 * 1024 * 1024,
};

/* The application's own close codes (README.md). */
enum { CLOSE_SESSION_ENDED = 4001, CLOSE_TAKEN_OVER = 4002 };

struct application;
struct port;

struct web {
    struct app *app;
    struct store *store;
    struct port *ports;
    struct websocket_server *sockets;
    struct peer *config;         /* NULL, and so the next two: not among our connections */
    struct peer *control, *logs; /* of type SCS; of type MessageServer */
    struct application *applications[APPLICATIONS_MAX];
    uint32_t application_count;
    struct slots *desktop_ids; /* struct desktop */
    struct table *persons;     /* by DBID */
    struct table *employees;   /* the same, by tenant and employee id */
    struct table *administrators;
    struct scope *administrators_life;
    struct privileges_source privileges; /* in administrators_life, views of the mirror */
    struct table *sessions;              /* by token hash */
    struct table *desktops;              /* by their ids */
    struct list away;                    /* desktops without a socket, the longest first */
    uint32_t connected_count;
    struct list streams; /* struct rest_stream */
    struct slots *stream_ids;
    struct list presence; /* persons of whom outbound has to be told */
    struct timer *sweep_timer, *presence_timer;
    struct buckets *login_addresses, *login_accounts;
    struct bucket connects;
    uint64_t sent_away, sent_away_until_mono_ms; /* desktops that a storm kept out */
    uint64_t seq;                                /* of the last frame */
    uint8_t desktop_key[DESKTOP_KEY_BYTES];
    struct text document; /* of the REST; empty until somebody wants it */
    bool is_running, is_suspended, is_stopping;
    struct web_counters counters;
};

static inline const struct web_options *options_of(const struct web *web)
{
    return web->app->options;
}

/* --- people.c ------------------------------------------------------------------------------- */

/* Somebody with a session or a desktop. Gone with the last of them, once outbound knows. */
struct person {
    struct scope *life;
    uint32_t dbid;
    struct text employee_id, user_name, first_name, last_name, tenant, key;
    bool is_agent, is_administrator;
    uint32_t privileges; /* privileges.h */
    struct list sessions, desktops;
    uint32_t session_count, desktop_count, rest_in_flight;
    struct bucket requests, received, connects; /* `received`: KiB of frames */
    struct list presence_node;                  /* in web->presence */
    bool is_told_present;
};

/* NULL: the configuration has no such enabled person of our tenants, or another of a tenant that
 * the same outbound serves has the employee id, and is here. */
struct person *person_get(struct web *web, uint32_t dbid);
void person_check_gone(struct web *web, struct person *person); /* nothing of it is left? */
/* NULL: not here. */
struct person *person_of_employee(struct web *web, struct text tenant, struct text employee_id);
/* The tenants that an Application object names, one after the other, empty behind the last; without
 * any, or without the object, Environment. */
struct text application_tenant(const struct app_object *application, uint32_t index);
bool serves_tenant(const struct app_object *application, struct text tenant);
struct asker person_asker(const struct person *person);
/* {"employeeId":...} */
void person_put(struct json_writer *json, const struct person *person);
/* The configuration moved: names and rights; who is gone loses everything at once. */
void people_configure(struct web *web);

/* --- sessions.c ----------------------------------------------------------------------------- */

struct session {
    struct scope *life;
    struct list node; /* of its person, used longest ago first */
    struct person *person;
    struct text address;
    uint8_t hash[TOKEN_HASH_BYTES];
    uint64_t stamp, begun_utc_ms, used_utc_ms, kept_used_utc_ms;
    bool must_change, is_cookie, is_kept;
};

struct session_wish {
    uint32_t person_dbid;
    uint64_t stamp;
    bool must_change, is_cookie;
    struct text address;
};

enum err sessions_load(struct web *web, struct fault *fault);
/* `on_kept` comes once: with the token when it is durable, or with an error and no session. */
void session_begin(struct web *web, const struct session_wish *wish,
                   void (*on_kept)(void *self, enum err err, struct session *session,
                                   struct text token),
                   void *self);
/* NULL: unknown, too old, or from another address. */
struct session *session_find(struct web *web, struct text token, struct text address);
void session_use(struct web *web, struct session *session);
uint64_t session_expires_utc_ms(const struct web *web, const struct session *session);
/* With its desktops. */
void session_end(struct web *web, struct session *session, const char *why);
/* The same; `on_gone` comes when it cannot come back after a crash, or with an error. */
void session_end_durably(struct web *web, struct session *session, const char *why,
                         void (*on_gone)(void *self, const struct change_result *result),
                         void *self);
/* All of the person whose password is another one now; `stamp` is the new one. */
void sessions_end_of_former_password(struct web *web, uint32_t person_dbid, uint64_t stamp);
/* The password was changed by `session` itself. */
void session_renew(struct web *web, struct session *session, uint64_t stamp);
void sessions_compare(struct web *web); /* with config, which is there again */
void sessions_sweep(struct web *web);

/* --- desktop.c ------------------------------------------------------------------------------ */

/* What is sent: made once, kept by every ring that needs it. */
struct frame {
    struct websocket_frame *wire;
    struct web *web;
    uint32_t references, bytes;
    uint64_t seq;
    uint64_t ref; /* of the request that it answers for good; 0: none */
};

struct desktop {
    struct scope *life;
    struct web *web;
    struct person *person;
    struct session *session;
    struct list person_node, away_node;
    struct list asked; /* requests in flight */
    struct websocket *websocket;
    struct ring ring;
    uint64_t slot, away_since_mono_ms;
    uint32_t asked_count, bad_frames;
    uint32_t needs_snapshot; /* a bit for each application */
    char id[DESKTOP_ID_CHARS + 1];
};

void desktop_open(struct port *port, struct http_exchange *exchange, struct session *session);
extern const struct websocket_handler desktop_sockets;
/* A frame with the next number around the members that `json` gives; the caller releases it. */
struct frame *frame_new(struct web *web, struct buf *members);
void frame_release(struct frame *frame);
void desktop_send(struct desktop *desktop, struct frame *frame);
/* Members without braces, numbered, to this one alone. */
void desktop_send_members(struct desktop *desktop, struct buf *members);
/* The same, as the answer for good to its request `ref`. */
void desktop_send_answer(struct desktop *desktop, struct buf *members, uint64_t ref);
/* A frame without a number. */
void desktop_send_control(struct desktop *desktop, struct text json);
/* Its socket alone ends: it may resume. */
void desktop_send_away(struct desktop *desktop, unsigned code, const char *why);
void desktop_end(struct desktop *desktop, unsigned code, const char *why);
void desktops_sweep(struct web *web);
void desktops_stop(struct web *web);

/* --- desktop_ask.c -------------------------------------------------------------------------- */

void desktop_on_message(struct desktop *desktop, struct text message);
void desktop_forget_asked(struct desktop *desktop);

/* --- applications.c ------------------------------------------------------------------------- */

struct application {
    struct web *web;
    struct text name;
    uint32_t index, dbid;
    bool is_named; /* among our connections now */
    struct peer *peer;
    bool has_been_up;
    struct list wants; /* snapshots to ask for */
    uint32_t wants_in_flight;
    struct timer *retry_timer;
};

void applications_configure(struct web *web);
/* Config or control, whichever a message belongs to: log records and alarms are kept by the Message
 * Server where there is one. NULL: it is not among our connections, or an outbound's. */
struct peer *applications_peer(const struct web *web, const struct msg *msg);
/* Of those that serve the person's tenant the one that GSW_APPLICATION_ID names, or the only one;
 * NULL: there is none such. The servers know agents by employee id, which another tenant may have,
 * too. Administrators of Environment reach all. */
struct application *application_choose(struct web *web, const struct person *person,
                                       const struct kv *fields);
void applications_put(struct json_writer *json, const struct web *web, const struct person *person);
/* A desktop of this person came or went. */
void presence_changed(struct web *web, struct person *person);
void snapshots_need(struct desktop *desktop); /* of every application */

/* --- door.c --------------------------------------------------------------------------------- */

/* One HTTP request, known by its exchange across waits. */
struct asked {
    struct web *web;
    struct port *port;
    struct http_exchange *exchange;
    struct session *session; /* NULL: none, or none needed */
    struct text address;     /* of the client, without port */
    bool is_by_cookie;
};
struct waiting { /* an answer that comes later */
    struct scope *life;
    struct web *web;
    struct port *port;
    uint64_t exchange_id;
};

/* More than a log-in needs is taken from persons who are logged in, for REST. */
uint32_t door_body_limit(void *port, const struct http_request *head);
void door_on_request(void *port, struct http_exchange *exchange);
void door_dress(void *port, unsigned status, const char *words, struct scope *scope,
                struct http_headers *headers, struct text *body);
struct waiting *door_wait(const struct asked *asked);
struct http_exchange *door_back(struct waiting *waiting); /* NULL: the client has gone */
void door_end(struct waiting *waiting);
/* The strict headers are added. */
void door_reply_with(struct port *port, struct http_exchange *exchange, unsigned status,
                     const struct http_headers *more, struct text body);
void door_reply(struct port *port, struct http_exchange *exchange, unsigned status,
                struct text json, const struct http_header *header);
struct api_error {
    unsigned status;
    const char *code;
    struct text text, field, allow; /* allow: of a 405 */
    uint64_t retry_after_ms;
};
void door_refuse(struct port *port, struct http_exchange *exchange, const struct api_error *error);
/* Also for what must not be asked for again at once: 1 to 2 times `ms`. */
uint64_t jittered(struct web *web, uint64_t ms);

struct event_stream;
/* NULL: answered with what is wrong. */
struct event_stream *door_stream(struct port *port, struct http_exchange *exchange,
                                 void (*on_close)(void *self), void *self);

/* --- rest_stream.c -------------------------------------------------------------------------- */

/* `session` NULL: all of them. */
void streams_end_of(struct web *web, const struct session *session);
void streams_sweep(struct web *web);

/* --- api.c ---------------------------------------------------------------------------------- */

void api_health(const struct asked *asked);
void api_login(const struct asked *asked);
void api_logout(const struct asked *asked);
void api_session(const struct asked *asked);
void api_password(const struct asked *asked);

/* --- files.c -------------------------------------------------------------------------------- */

/* False: there is no console in this build, or the method does not fit. */
bool files_reply(const struct asked *asked);

/* --- ports.c -------------------------------------------------------------------------------- */

struct port {
    struct port *next;
    struct web *web;
    struct scope *life;
    struct text id, address;
    struct http_server *http;
    struct tls_config *tls;
    bool is_secure; /* TLS, always */
    bool is_wanted, is_closing;
};
void ports_configure(struct web *web);
bool ports_are_open(const struct web *web);
void ports_close(struct web *web);

#endif
