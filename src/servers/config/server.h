/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the shell of config, shared by its files:
 *   server.c              life, questions that change nothing
 *   server_store.c        what is on disk: load, statements
 *   server_read.c         lists of objects, and single ones
 *   server_changes.c      what happened, for who asks again and again
 *   server_write.c        one change after the other: stage, commit, reply, tell
 *   server_requests.c     what a change is made of: change sets, files, the first start
 *   server_subscribers.c  who is told what; server_copy.c    what proxies are told beside
 *   server_history.c      what became of objects and accounts; server_undo.c takes revisions back
 *   server_trust.c        who acts; server_acl.c     permissions: read, changed, kept
 *   server_accounts.c     log-ins; server_passwords.c  new passwords;
 *                         server_account_jobs.c hashes on worker threads, server_account_store.c
 *                         is what is on disk of them, server_last_login.c what is told of them */
#ifndef SERVERS_CONFIG_SERVER_H
#define SERVERS_CONFIG_SERVER_H

#include "app/app.h"
#include "base/buf.h"
#include "base/list.h"
#include "gen/counters.h"
#include "gen/messages.h"
#include "gen/options.h"
#include "model/bucket.h"
#include "servers/config/acl_change.h"
#include "servers/config/event_log.h"
#include "servers/config/permit.h"
#include "servers/config/secrets.h"
#include "servers/config/server_seal.h"
#include "store/store.h"

enum {
    WRITERS_MAX = 10000,
    WRITES_WAITING_MAX = 1000,
    PAGE_OBJECTS_MAX = 500,
    PAGE_BYTES_MAX = 1024 * 1024
};

struct accounts;

struct config_server {
    struct app *app;
    struct store *store;
    struct object_set *objects;
    struct secrets *secrets;
    struct event_log *events;
    struct accounts *accounts;
    struct acl *acl;
    struct buckets *writers; /* how fast accounts write */
    struct link_server *links;
    struct timer *daily;
    struct list subscribers, writes, change_waits;
    struct write *in_flight;
    struct text epoch;
    uint64_t rev;
    uint32_t waiting, change_wait_count;
    uint8_t seal_key[SEAL_KEY_BYTES];
    bool is_new, is_stopping;
    struct buf read_only; /* why nothing can be changed; empty: it can */
    struct seats *seats;  /* licences; NULL: of a proxy */
    struct proxy *proxy;  /* of another one; NULL: we are the master */
    bool has_permissions; /* the entries that every store begins with were made */
    uint64_t changes_total, refused_total, resyncs_total;
};

/* --- server_copy.c -------------------------------------------------------------------------- */

/* The object's own entries, to a message about it. */
void copy_add_acl(struct scope *scope, const struct config_server *server,
                  const struct object_type *type, struct config_config_object *out);
struct config_secret_value *copy_secret_values(struct scope *scope,
                                               const struct config_server *server,
                                               const struct text *names, uint32_t count);
/* Whose entries a revision moved, and the secrets that it set; there is room for them. */
void copy_add_beside(struct scope *scope, const struct config_server *server,
                     const struct event_rev *rev, struct config_changed *changed);

/* --- server_mode.c -------------------------------------------------------------------------- */

/* `why` NULL or empty: it can be changed again. Told to subscribers where it moves. */
void server_set_read_only(struct config_server *server, const char *why);
bool server_is_read_only(const struct config_server *server);
/* A change cannot be taken: one problem that says so. */
void server_refuse_read_only(const struct config_server *server, struct problems *problems);
/* What a subscriber is told of it. */
struct config_mode_changed server_mode_message(const struct config_server *server);
void request_read_server(void *self, struct link_request *request, const void *fields);

/* --- server_changes.c ----------------------------------------------------------------------- */

void request_read_changes(void *self, struct link_request *request, const void *fields);
/* A revision was told to subscribers; `has_moved`: all who wait are answered, the mode moved. */
void changes_wake(struct config_server *server, bool has_moved);

/* --- server_trust.c ------------------------------------------------------------------------- */

/* Who asks, as the link proves it; what that means is looked up when it is needed. */
enum actor_kind {
    ACTOR_NOBODY,
    ACTOR_OURSELVES,
    ACTOR_TOOL,        /* holds the installation's secret */
    ACTOR_SUPERVISOR,  /* reads everything */
    ACTOR_APPLICATION, /* as its logOnAs says */
    ACTOR_PERSON,      /* that web, control or a proxy speaks for */
};
struct actor {
    enum actor_kind kind;
    struct text application, tenant, person; /* of a PERSON all three */
};
/* Through which application, and from where; views into the request, empty when it hung up. */
struct origin {
    struct text application, address;
};
struct origin origin_of(const struct config_server *server, struct link_request *request);
/* For the history and the audit: the person, or "os:NAME" who ran a tool. Lies in `scope`. */
struct text user_of(struct scope *scope, struct link_request *request, const struct actor *actor);
/* `request` NULL: ourselves. Texts are kept in `scope`. */
struct actor actor_of(const struct config_server *server, struct scope *scope,
                      struct link_request *request);
/* What it may now; lies in `scope`, good until objects or entries move. */
struct access_rights *actor_rights(const struct config_server *server, struct scope *scope,
                                   const struct actor *actor);
/* Both, in the request's scope. */
struct access_rights *request_rights(const struct config_server *server,
                                     struct link_request *request);
/* Whether a link may see the secrets that objects refer to: servers of ours, but web. */
bool trust_with_secrets(const struct config_server *server, const struct link *link);
/* And with those of one object: a server of ours logs in at the access point of its own store. */
bool trust_with_access_point(const struct config_server *server, const struct link *link,
                             const struct object *object);
/* Whether it may have a copy of everything: a proxy. */
bool trust_with_copy(const struct config_server *server, const struct link *link);
/* Whether it may hold licences: servers of ours. False: refused. */
bool trust_with_seats(const struct config_server *server, struct link_request *request);
/* Whether it may speak of accounts: tools, and web. False: refused. */
bool trust_with_accounts(const struct config_server *server, struct link_request *request);

/* --- server_write.c ------------------------------------------------------------------------- */

/* One request that changes something. `stage` runs when its turn has come, so it sees everything
 * that was accepted before. */
struct write {
    struct list node;
    struct scope *life;
    struct config_server *server;
    struct link_request *request; /* NULL: our own */
    const void *fields;
    void (*stage)(struct write *write);
    void (*reply)(struct write *write);   /* durable, or nothing to do */
    void (*refused)(struct write *write); /* instead of it, for our own; may be NULL */
    void *self;                           /* of `stage` and `reply` */
    struct text comment, person, application, address;
    struct actor actor;
    struct access_rights *rights;
    struct change_set *set;
    struct secret_changes *secrets;
    struct acl_changes acl;
    bool makes_permissions; /* those that every store begins with */
    struct problems problems;
    struct warnings warnings;
    uint32_t created, updated, deleted;
    uint64_t rev; /* that it became */
};

/* `request` NULL: our own. */
struct write *write_new(struct config_server *server, struct link_request *request,
                        const void *fields);
void write_submit(struct write *write);
/* For what only plans: as if its turn had come, with rights and guard; then what it may not do is a
 * problem. */
void write_open(struct write *write);
void write_permit(struct write *write);

/* One refusal for all that is wrong: the first makes the triple, each is a detail. */
void refuse_problems(struct config_server *server, struct link_request *request,
                     const struct problems *problems);

/* --- server_store.c ------------------------------------------------------------------------- */

enum err store_load(struct config_server *server, struct fault *fault);
/* The whole write as one change of the store; properties for the history go along. */
struct change *store_change_of(struct config_server *server, const struct write *write,
                               uint64_t rev, uint64_t now_utc_ms);
void store_trim_history(void *self);

/* --- server_requests.c ---------------------------------------------------------------------- */

void request_change_set(void *self, struct link_request *request, const void *fields);
void request_plan(void *self, struct link_request *request, const void *fields);
void request_apply(void *self, struct link_request *request, const void *fields);
void request_seal(void *self, struct link_request *request, const void *fields);
void make_builtin(struct config_server *server);

struct plan_item;
struct config_plan_item plan_item_message(struct scope *scope, const struct plan_item *item);

/* --- server_history.c, server_undo.c -------------------------------------------------------- */

void request_read_history(void *self, struct link_request *request, const void *fields);
void request_undo(void *self, struct link_request *request, const void *fields);

/* --- server_subscribers.c ------------------------------------------------------------------- */

void request_subscribe(void *self, struct link_request *request, const void *fields);
void request_snapshot_next(void *self, struct link_request *request, const void *fields);
void subscribers_tell(struct config_server *server, const struct event_rev *rev);
void subscribers_forget(struct config_server *server, struct link *link);
void subscribers_tell_mode(struct config_server *server);
void subscribers_resync(struct config_server *server, const char *reason); /* all of them */
uint32_t subscribers_count(const struct config_server *server);
/* What a link may see of an object. `clear`: secrets are in it. */
struct config_config_object object_message(struct scope *scope, const struct config_server *server,
                                           const struct object *object, bool clear);

/* Of a row of the history: of what is, or was. */
bool may_read_row(const struct config_server *server, struct access_rights *rights,
                  struct text type, uint32_t dbid, struct text tenant);

/* --- server_read.c -------------------------------------------------------------------------- */

void request_read(void *self, struct link_request *request, const void *fields);

/* --- server_acl.c --------------------------------------------------------------------------- */

/* The object that somebody names, who may see it and do `bit` with it. NULL: a problem says why. */
struct wanted {
    struct text type, tenant, key; /* key: or the DBID */
    enum permission bit;           /* that is needed besides Read */
};
const struct object *object_wanted(const struct config_server *server, struct access_rights *rights,
                                   const struct wanted *wanted, struct problems *problems);
void request_read_acl(void *self, struct link_request *request, const void *fields);
void request_change_acl(void *self, struct link_request *request, const void *fields);
void request_read_effective(void *self, struct link_request *request, const void *fields);
enum err acl_store_load(struct config_server *server, struct fault *fault);
/* The entries of one object anew. */
void acl_store_put(struct change *change, const struct acl_change *one);
/* Of one object for the history: [{"path":"acl[group:Users]","old":"R","new":"RX"}]. */
struct text acl_history_json(const struct object_view *view, struct scope *scope,
                             const struct acl_change *one);
/* A store of a former release has no entries yet: makes them; then server_serve(). */
void acl_begin(struct config_server *server);

/* --- server_licences.c ---------------------------------------------------------------------- */

enum err licences_open(struct config_server *server, struct fault *fault);
void licences_configure(struct config_server *server); /* options moved */
void licences_count(const struct config_server *server, struct config_counters *out);
void request_checkout_licence(void *self, struct link_request *request, const void *fields);
void request_checkin_licence(void *self, struct link_request *request, const void *fields);
void request_read_licences(void *self, struct link_request *request, const void *fields);

/* --- server_accounts.c ---------------------------------------------------------------------- */

enum err accounts_open(struct config_server *server, struct fault *fault);
/* The objects are there: on a new installation the account default gets a first password. `done`
 * comes once, now or later. */
void accounts_begin(struct config_server *server, void (*done)(struct config_server *server));
void request_authenticate(void *self, struct link_request *request, const void *fields);
/* When a person logged in last, as an object in `scope`; NULL: never. */
const struct object *last_login_of(const struct config_server *server, struct scope *scope,
                                   const struct object *person);
void request_set_password(void *self, struct link_request *request, const void *fields);
void request_reset_password(void *self, struct link_request *request, const void *fields);
void request_compare_accounts(void *self, struct link_request *request, const void *fields);
struct account_counters {
    uint64_t logins, refused, waiting;
};
struct account_counters accounts_counters(const struct config_server *server);
void accounts_trim(struct config_server *server, uint64_t before_utc_ms);

/* --- server.c ------------------------------------------------------------------------------- */

/* Our own options and those of our host come from our own store. */
void server_feed_own(struct config_server *server, const struct event_rev *rev);
void server_serve(struct config_server *server); /* everything is there: listen */

#endif
