/* SPDX-License-Identifier: Apache-2.0 */
/* server_accounts.h - what the files of accounts share (server.h).
 * Life of a question  asked, queued, looked at on a worker thread (hashing takes 30 ms), judged on
 *          the loop, written, answered. Judging happens in one place and one order, so a thousand
 *          questions at once get no more tries than one after the other. */
#ifndef SERVERS_CONFIG_SERVER_ACCOUNTS_H
#define SERVERS_CONFIG_SERVER_ACCOUNTS_H

#include "app/password.h"
#include "base/table.h"
#include "servers/config/account.h"
#include "servers/config/server.h"

enum { HASHING_NOW_MAX = 2, JOBS_WAITING_MAX = 256 };

/* One account in memory; its texts lie in `life`. */
struct account_entry {
    struct scope *life;
    struct account account;
};

struct accounts {
    struct config_server *server;
    struct table *entries;      /* by person DBID */
    struct table *applications; /* names that log-ins came through, kept once */
    struct list jobs;           /* waiting */
    struct list working;        /* on a worker thread, then until they are answered */
    uint32_t waiting_count, working_count;
    uint64_t logins, refused;
    bool is_made; /* the account default has had its first password */
    void (*on_begun)(struct config_server *server);
};

/* Hashing on a worker thread. `present` and `former` are looked at with `password` and `wanted`. */
struct hash_job {
    struct list node;
    bool is_with_worker;
    struct scope *life;           /* a root: it may outlive the server */
    struct accounts *accounts;    /* NULL: the server is gone */
    struct link_request *request; /* NULL: our own */
    uint32_t person_dbid;         /* 0: unknown */
    bool is_new_password, needs_present, refuses_present;
    struct text user_name, application, address;
    struct text by; /* employee id of who sets a password for somebody; empty: unknown */
    struct text password, wanted; /* in clear, wiped at the end */
    struct text present;          /* hash; empty: none */
    uint64_t stamp;               /* of the present one when the job was made */
    struct text former[ACCOUNT_FORMER_MAX];
    uint32_t former_count;
    bool must_change;
    struct config_authenticated who; /* texts in `life` */
    uint64_t deadline_mono_ms;
    /* what the worker finds */
    bool fits, is_former;
    enum err err;
    char hash[PASSWORD_HASH_BYTES_MAX];
    void (*on_hashed)(struct hash_job *job);
};

/* --- server_accounts.c ---------------------------------------------------------------------- */

/* NULL: nobody has that user name. */
const struct object *account_person(const struct config_server *server, struct text user_name);
/* By the annexes of the person and of her tenants; `person` NULL: Environment's. In `scope`. */
const struct account_options *account_rules_of(const struct config_server *server,
                                               const struct object *person, struct scope *scope);
/* A question about an account; `person` NULL: of nobody, which takes as long. */
struct hash_job *account_job(struct config_server *server, struct link_request *request,
                             struct text user_name, const struct object *person);
void account_submit(struct hash_job *job); /* or its request is refused, where too many wait */
void account_refuse_password(struct link_request *request, const char *words);

/* --- server_account_jobs.c ------------------------------------------------------------------ */

struct hash_job *hash_job_new(struct accounts *accounts);
/* False: too many wait already; the job is gone. */
bool hash_job_submit(struct hash_job *job);
void hash_job_end(struct hash_job *job);
void hash_jobs_forget(void *accounts); /* the server goes */

/* --- server_account_store.c ----------------------------------------------------------------- */

enum err account_store_load(struct accounts *accounts, struct fault *fault);
/* The account as it is now, as one statement of the change. */
void account_store_put(struct change *change, const struct account *account);
void account_store_put_made(struct change *change);
struct account_event {
    const char *kind, *reason;
    uint64_t utc_ms;
    uint32_t person_dbid; /* 0: unknown */
    struct text user_name, application, address;
    struct text person; /* who did it, where that is not the account's own; may be empty */
};
void account_store_put_event(struct change *change, const struct account_event *event);
struct account *account_find(const struct accounts *accounts, uint32_t person_dbid);
/* The name as it is kept for good; empty past 4,096 of them. */
struct text account_application(struct accounts *accounts, struct text name);
/* Takes the place of the one with the same DBID; texts are copied. */
void account_replace(struct accounts *accounts, const struct account *account);

#endif
