/* SPDX-License-Identifier: Apache-2.0 */
/* Log-ins and passwords. Begin at request_authenticate() and on_looked_at(). */
#include "servers/config/server_accounts.h"

#include "format/json.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "model/account_access.h"
#include "model/option.h"
#include "servers/config/builtin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TENANT_DEPTH_MAX = 16, BUSY_RETRY_MS = 1000 };

/* --- who ------------------------------------------------------------------------------------ */

const struct object *account_person(const struct config_server *server, struct text user_name)
{
    size_t count;
    const struct object *const *all = object_set_of(server->objects, &OBJECT_PERSON, &count);
    for (size_t i = 0; i < count; i++)
        if (text_eq(body_text(&all[i]->body, "userName"), user_name)) return all[i];
    return NULL;
}

static bool is_enabled(const struct object *object)
{
    return !text_eq(body_text(&object->body, "state"), TEXT("disabled"));
}

static const struct kv *annex_of(const struct object *object)
{
    const struct value *annex = object ? body_find(&object->body, TEXT("annex")) : NULL;
    return annex && annex->kind == VALUE_KV ? &annex->pairs : NULL;
}

/* The person's own, the tenant's, then those of the tenants above it. */
const struct account_options *account_rules_of(const struct config_server *server,
                                               const struct object *person, struct scope *scope)
{
    struct option_layer layers[TENANT_DEPTH_MAX + 1];
    struct option_source source = { TEXT(""), layers, 0 };
    if (person)
        layers[source.layer_count++] = (struct option_layer){ LEVEL_PERSON, annex_of(person) };
    struct text name = person ? person->tenant : OBJECT_TENANT_DEFAULT;
    while (name.len && source.layer_count <= TENANT_DEPTH_MAX) {
        const struct object *tenant =
            object_set_find(server->objects, &OBJECT_TENANT, TEXT(""), name);
        if (tenant == NULL) break;
        layers[source.layer_count++] = (struct option_layer){ LEVEL_TENANT, annex_of(tenant) };
        name = body_text(&tenant->body, "parentTenant");
    }
    return option_resolve(&OPTIONS_ACCOUNT, &source, NULL, scope, NULL, NULL);
}

struct administrator_search {
    const struct object *person;
    bool is_found;
};

static void look_for_person(void *self, struct text tenant, struct text employee_id)
{
    struct administrator_search *search = self;
    search->is_found |= text_eq(search->person->tenant, tenant) &&
                        text_eq(search->person->key, employee_id);
}

static bool is_administrator(const struct config_server *server, const struct object *person)
{
    size_t count, kept = 0;
    struct scope *scratch = scope_new(NULL, "access groups", SCOPE_NO_LIMIT);
    const struct object *const *all = object_set_of(server->objects, &OBJECT_ACCESS_GROUP, &count);
    struct account_group *groups = scope_alloc_array(scratch, count, sizeof *groups);
    for (size_t i = 0; i < count; i++) {
        void *fields;
        struct kv unknown;
        if (!is_enabled(all[i]) ||
            json_to_shape(object_stored_json(scratch, all[i]), OBJECT_ACCESS_GROUP.shape, scratch,
                          &fields, &unknown, NULL))
            continue;
        groups[kept++] = (struct account_group){ all[i]->tenant, fields };
    }
    struct administrator_search search = { .person = person };
    account_each_administrator(groups, kept, look_for_person, &search);
    scope_close(scratch);
    return search.is_found;
}

static bool is_default(const struct object *person)
{
    return text_eq(person->key, TEXT(BUILTIN_ACCOUNT)) &&
           text_eq(person->tenant, OBJECT_TENANT_DEFAULT);
}

/* Framework 3.3: log-in needs Execute on the application that it names; `default` is for tools. */
static bool may_execute(const struct config_server *server, const struct object *person,
                        struct text application)
{
    if (application.len == 0 || text_eq(application, TEXT("default"))) return true;
    struct scope *scratch = scope_new(NULL, "log-in", SCOPE_NO_LIMIT);
    const struct object *object =
        object_set_find(server->objects, &OBJECT_APPLICATION, TEXT(""), application);
    struct access_rights *rights = access_of_account(scratch, server->acl, server->objects, person);
    bool may = object && is_enabled(object) && access_may(rights, object, MAY_EXECUTE);
    scope_close(scratch);
    return may;
}

/* --- refusing ------------------------------------------------------------------------------- */

static void refuse_credentials(struct link_request *request)
{
    struct link_error error = {
        .err = ERR_DENIED,
        .protocol = TEXT("config"),
        .code = 401,
        .name = TEXT("BadCredentials"),
        .text = TEXT("user name or password is wrong, or the account is locked or disabled"),
    };
    link_refuse(request, &error);
}

/* Who has shown the password may know it; an application that there is not answers the same. */
static void refuse_application(struct link_request *request)
{
    struct link_error error = {
        .err = ERR_DENIED,
        .protocol = TEXT("config"),
        .code = 403,
        .name = TEXT("CFGNoPermission"),
        .text = TEXT("you may not log in through that application"),
        .field = TEXT("CFGDBID"),
        .object_type = TEXT("CFGApplication"),
    };
    link_refuse(request, &error);
}

void account_refuse_password(struct link_request *request, const char *words)
{
    struct link_error error = {
        .err = ERR_INVALID,
        .protocol = TEXT("config"),
        .code = 400,
        .name = TEXT("BadPassword"),
        .text = text_of(words),
        .field = TEXT("newPassword"),
    };
    link_refuse(request, &error);
}

static void refuse_busy(struct link_request *request, const char *words)
{
    struct link_error error = {
        .err = ERR_UNAVAILABLE,
        .protocol = TEXT("config"),
        .code = 503,
        .name = TEXT("Unavailable"),
        .text = text_of(words),
        .retryable = true,
        .retry_after_ms = BUSY_RETRY_MS,
    };
    link_refuse(request, &error);
}

/* --- after the commit ----------------------------------------------------------------------- */

/* What is said once it is on disk. */
struct account_answer {
    struct hash_job *job;
    enum account_verdict verdict;
    uint64_t stamp;
    bool is_set;
};

static const char *word_z(struct scope *scope, struct text text, const char *nothing)
{
    return text.len ? scope_keep_z(scope, text) : nothing;
}

static void log_answer(const struct config_server *server, const struct account_answer *answer)
{
    const struct hash_job *job = answer->job;
    const struct log *log = &server->app->log;
    const char *user = scope_keep_z(job->life, job->user_name);
    const char *application = word_z(job->life, job->application, "default");
    const char *address = word_z(job->life, job->address, "here");
    if (answer->is_set)
        LOG_PASSWORD_CHANGED(log, user, application, address);
    else if (account_is_admitted(answer->verdict))
        LOG_LOGGED_IN(log, user, application, address);
    else
        LOG_LOGIN_REFUSED(log, user, application, address, account_verdict_word(answer->verdict));
    const struct account *account = account_find(server->accounts, job->person_dbid);
    if (answer->verdict != ACCOUNT_LOCKED_NOW || account == NULL) return;
    char until[32] = "it is freed";
    time_t seconds = (time_t)(account->locked_until_utc_ms / 1000);
    struct tm parts;
    if (account->locked_until_utc_ms < INT64_MAX / 2 && gmtime_r(&seconds, &parts))
        (void)strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", &parts);
    LOG_ACCOUNT_LOCKED(log, user, until, address);
}

static struct text first_password_path(const struct config_server *server, struct scope *scope)
{
    return scope_format(scope, "%.*s/secret/first-password", TEXT_ARG(server->app->data_dir));
}

static void tell_changed(const struct config_server *server, uint32_t dbid, uint64_t stamp)
{
    struct config_account_stamp account = { .head.has = SHAPE_ALL(SHAPE_CONFIG_ACCOUNT_STAMP),
                                            .dbid = dbid,
                                            .stamp = stamp };
    struct config_account_changed changed = { .head.has = CONFIG_ACCOUNT_CHANGED_HAS_ACCOUNT,
                                              .account = &account };
    for (struct link *link = NULL;
         server->links && (link = link_server_next(server->links, link)) != NULL;)
        if (!text_eq(link_peer_role(link), TEXT("tool")))
            link_send(link, &MSG_CONFIG_ACCOUNT_CHANGED, &changed);
}

static void reply_set(struct config_server *server, const struct account_answer *answer)
{
    struct hash_job *job = answer->job;
    const struct object *person =
        object_set_find_dbid(server->objects, &OBJECT_PERSON, job->person_dbid);
    if (person && is_default(person) && job->request && server->app->data_dir.len > 0)
        (void)unlink(first_password_path(server, job->life).at);
    struct config_password_set set = { .head.has = CONFIG_PASSWORD_SET_HAS_STAMP,
                                       .stamp = answer->stamp };
    if (job->request) link_reply(job->request, &set);
    /* Behind the answer: who asked knows the new stamp when it hears of it. */
    tell_changed(server, job->person_dbid, answer->stamp);
}

/* Only who is admitted is looked up among the groups: what that costs tells nobody whom there is.
 */
static void reply_admitted(const struct account_answer *answer)
{
    struct config_authenticated *who = &answer->job->who;
    const struct config_server *server = answer->job->accounts->server;
    const struct object *person =
        object_set_find_dbid(server->objects, &OBJECT_PERSON, answer->job->person_dbid);
    who->access = person && is_administrator(server, person) ? TEXT("administrator")
                                                             : TEXT("agent");
    who->head.has = SHAPE_ALL(SHAPE_CONFIG_AUTHENTICATED);
    who->must_change_password = answer->verdict == ACCOUNT_MUST_CHANGE;
    who->stamp = answer->stamp;
    link_reply(answer->job->request, who);
}

static void on_durable(void *self, const struct change_result *result)
{
    struct account_answer *answer = self;
    struct hash_job *job = answer->job;
    struct accounts *accounts = job->accounts;
    struct config_server *server = accounts->server;
    bool is_login = !job->is_new_password;
    if (result->err) {
        LOG_STORE_FAILED(&server->app->log, result->words ? result->words : err_words(result->err));
        if (job->request) refuse_busy(job->request, "the log-in could not be written to the disk");
    } else {
        log_answer(server, answer);
        accounts->logins += is_login && account_is_admitted(answer->verdict);
        accounts->refused += !account_is_admitted(answer->verdict);
        if (answer->verdict == ACCOUNT_NO_EXECUTE)
            refuse_application(job->request);
        else if (!account_is_admitted(answer->verdict))
            refuse_credentials(job->request);
        else if (answer->is_set)
            reply_set(server, answer);
        else
            reply_admitted(answer);
    }
    if (job->request == NULL) accounts->on_begun(server);
    hash_job_end(job);
}

static void commit(struct hash_job *job, enum account_verdict verdict,
                   const struct account *account, bool is_set)
{
    struct config_server *server = job->accounts->server;
    struct account_answer *answer = scope_alloc(job->life, sizeof *answer);
    *answer = (struct account_answer){ job, verdict, account ? account->stamp : 0, is_set };
    struct change *change = change_new(server->store);
    bool is_admitted = account_is_admitted(verdict);
    struct account_event event = {
        .kind = is_set                          ? "password"
                : is_admitted                   ? "login"
                : verdict == ACCOUNT_LOCKED_NOW ? "locked"
                                                : "refused",
        .reason = is_admitted ? "" : account_verdict_word(verdict),
        .utc_ms = loop_now_utc_ms(server->app->loop),
        .person_dbid = job->person_dbid,
        .user_name = job->user_name,
        .application = job->application,
        .address = job->address,
        .person = job->by,
    };
    if (account) account_store_put(change, account);
    if (job->request == NULL) account_store_put_made(change);
    account_store_put_event(change, &event);
    change_submit(change, on_durable, answer);
}

/* --- judging -------------------------------------------------------------------------------- */

static enum account_verdict judge(struct hash_job *job, const struct object *person,
                                  const struct account_options *rules)
{
    struct accounts *accounts = job->accounts;
    struct account *account = account_find(accounts, job->person_dbid);
    struct account_attempt attempt = {
        .fits = job->fits && account && account->stamp == job->stamp,
        .is_enabled = person && access_is_alive(accounts->server->objects, person),
        .is_exempt = person && is_default(person),
        .now_utc_ms = loop_now_utc_ms(accounts->server->app->loop),
    };
    enum account_verdict verdict = account_judge(account, rules, &attempt);
    if (account && account_is_admitted(verdict))
        account->used_through = account_application(accounts, job->application);
    return verdict;
}

/* The new password takes the place of the present one, which becomes a former one. */
static void set_password(struct hash_job *job)
{
    struct accounts *accounts = job->accounts;
    struct account *before = account_find(accounts, job->person_dbid);
    uint64_t now_utc_ms = loop_now_utc_ms(accounts->server->app->loop);
    struct account after = { .person_dbid = job->person_dbid,
                             .hash = text_of(job->hash),
                             .stamp = now_utc_ms,
                             .must_change = job->must_change,
                             .used_utc_ms = now_utc_ms };
    if (before) {
        if (before->stamp >= after.stamp) after.stamp = before->stamp + 1;
        after.used_through = before->used_through;
        after.former[after.former_count++] = before->hash;
        for (uint32_t i = 0; i < before->former_count && after.former_count < ACCOUNT_FORMER_MAX;
             i++)
            after.former[after.former_count++] = before->former[i];
    }
    account_replace(accounts, &after);
    commit(job, ACCOUNT_ADMITTED, account_find(accounts, job->person_dbid), true);
}

static void on_looked_at_new(struct hash_job *job, const struct object *person,
                             const struct account_options *rules)
{
    enum account_verdict verdict = job->needs_present ? judge(job, person, rules)
                                                      : ACCOUNT_ADMITTED;
    if (!account_is_admitted(verdict)) {
        commit(job, verdict, account_find(job->accounts, job->person_dbid), false);
    } else if (job->is_former || job->err) {
        if (job->request == NULL)
            LOG_FIRST_PASSWORD_FAILED(&job->accounts->server->app->log, err_words(job->err));
        else if (job->is_former)
            account_refuse_password(job->request, "must not be one that was used before");
        else
            refuse_busy(job->request, "there is no memory for hashing");
        if (job->request == NULL) job->accounts->on_begun(job->accounts->server);
        hash_job_end(job);
    } else {
        set_password(job);
    }
}

static void on_looked_at(struct hash_job *job)
{
    const struct config_server *server = job->accounts->server;
    const struct object *person =
        object_set_find_dbid(server->objects, &OBJECT_PERSON, job->person_dbid);
    const struct account_options *rules = account_rules_of(server, person, job->life);
    if (job->is_new_password) {
        on_looked_at_new(job, person, rules);
        return;
    }
    enum account_verdict verdict = judge(job, person, rules);
    if (account_is_admitted(verdict) && !may_execute(server, person, job->application))
        verdict = ACCOUNT_NO_EXECUTE;
    commit(job, verdict, account_find(job->accounts, job->person_dbid), false);
}

/* --- asking --------------------------------------------------------------------------------- */

static void fill_who(struct hash_job *job, const struct object *person)
{
    struct scope *life = job->life;
    job->who = (struct config_authenticated){
        .employee_id = scope_keep(life, person->key),
        .user_name = scope_keep(life, body_text(&person->body, "userName")),
        .tenant = scope_keep(life, person->tenant),
        .dbid = person->dbid,
    };
}

struct hash_job *account_job(struct config_server *server, struct link_request *request,
                             struct text user_name, const struct object *person)
{
    struct hash_job *job = hash_job_new(server->accounts);
    struct scope *life = job->life;
    const struct account *account = person ? account_find(server->accounts, person->dbid) : NULL;
    job->request = request;
    job->user_name = scope_keep(life, user_name);
    job->person_dbid = person ? person->dbid : 0;
    job->on_hashed = on_looked_at;
    if (request) {
        uint64_t deadline_ms = link_request_header(request)->deadline_ms;
        if (deadline_ms) job->deadline_mono_ms = loop_now_mono_ms(server->app->loop) + deadline_ms;
    }
    if (person) fill_who(job, person);
    if (account == NULL) return job;
    job->present = scope_keep(life, account->hash);
    job->stamp = account->stamp;
    return job;
}

void account_submit(struct hash_job *job)
{
    struct link_request *request = job->request;
    if (!hash_job_submit(job)) refuse_busy(request, "too many log-ins at once");
}

void request_authenticate(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_authenticate *asked = fields;
    if (!trust_with_accounts(server, request)) return;
    const struct object *person = account_person(server, asked->user_name);
    struct hash_job *job = account_job(server, request, asked->user_name, person);
    job->needs_present = true;
    job->password = scope_keep(job->life, asked->password);
    job->application = scope_keep(job->life, asked->application);
    job->address = scope_keep(job->life, asked->address);
    account_submit(job);
}

void request_compare_accounts(void *self, struct link_request *request, const void *fields)
{
    const struct config_server *server = self;
    const struct config_compare_accounts *asked = fields;
    if (!trust_with_accounts(server, request)) return;
    struct config_accounts_compared reply = { .head.has = CONFIG_ACCOUNTS_COMPARED_HAS_CHANGED };
    reply.changed.at = scope_alloc_array(link_request_scope(request), asked->accounts.count + 1u,
                                         sizeof *reply.changed.at);
    for (uint32_t i = 0; i < asked->accounts.count; i++) {
        const struct config_account_stamp *one = &asked->accounts.at[i];
        const struct account *account = account_find(server->accounts, one->dbid);
        if (account == NULL || account->stamp != one->stamp)
            reply.changed.at[reply.changed.count++] = *one;
    }
    link_reply(request, &reply);
}

/* --- the first password --------------------------------------------------------------------- */

static enum err write_secret_file(const char *path, struct text line)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return ERR_IO;
    bool is_written = write(file, line.at, line.len) == (ssize_t)line.len && fsync(file) == 0;
    close(file);
    return is_written ? ERR_OK : ERR_IO;
}

/* On disk before its hash is: who dies in between makes another one at the next start. */
static void make_first_password(struct config_server *server, const struct object *person)
{
    struct hash_job *job = account_job(server, NULL, TEXT(BUILTIN_ACCOUNT), person);
    char generated[PASSWORD_GENERATED_BYTES + 1];
    password_generate(generated);
    struct text path = first_password_path(server, job->life);
    struct text line = scope_format(job->life, "%s\n", generated);
    if (write_secret_file(path.at, line)) {
        LOG_FIRST_PASSWORD_FAILED(&server->app->log, strerror(errno));
        hash_job_end(job);
        server->accounts->on_begun(server);
        return;
    }
    job->is_new_password = job->must_change = true;
    job->present = (struct text){ 0 };
    job->wanted = scope_keep(job->life, text_of(generated));
    job->application = TEXT("the first start");
    explicit_bzero((char *)(uintptr_t)line.at, line.len);
    explicit_bzero(generated, sizeof generated);
    LOG_FIRST_PASSWORD_MADE(&server->app->log, path.at);
    (void)hash_job_submit(job);
}

static void stage_accounts(struct write *write)
{
    struct change_world world = { 0 };
    builtin_add_accounts(write->set, &write->problems);
    change_set_finish(write->set, &world, &write->problems, &write->warnings);
}

static void on_objects_made(struct write *write)
{
    struct config_server *server = write->server;
    const struct object *person = object_set_find(server->objects, &OBJECT_PERSON,
                                                  OBJECT_TENANT_DEFAULT, TEXT(BUILTIN_ACCOUNT));
    if (person)
        make_first_password(server, person);
    else
        server->accounts->on_begun(server);
}

/* Who was there before us, or a full disk: we serve all the same. */
static void on_objects_refused(struct write *write)
{
    LOG_FIRST_PASSWORD_FAILED(&write->server->app->log, "the person default cannot be made");
    write->server->accounts->on_begun(write->server);
}

void accounts_begin(struct config_server *server, void (*done)(struct config_server *server))
{
    server->accounts->on_begun = done;
    /* In a test there is no folder for a secret. */
    if (server->accounts->is_made || server->app->data_dir.len == 0) {
        done(server);
        return;
    }
    struct write *write = write_new(server, NULL, NULL);
    write->comment = TEXT("the account default");
    write->stage = stage_accounts;
    write->reply = on_objects_made;
    write->refused = on_objects_refused;
    write_submit(write);
}

enum err accounts_open(struct config_server *server, struct fault *fault)
{
    struct accounts *accounts = scope_alloc(server->app->life, sizeof *accounts);
    *accounts = (struct accounts){ .server = server,
                                   .entries = table_new(server->app->life),
                                   .applications = table_new(server->app->life) };
    list_init(&accounts->jobs);
    list_init(&accounts->working);
    server->accounts = accounts;
    scope_on_close(server->app->life, hash_jobs_forget, accounts);
    return account_store_load(accounts, fault);
}

struct account_counters accounts_counters(const struct config_server *server)
{
    const struct accounts *accounts = server->accounts;
    return (struct account_counters){
        .logins = accounts->logins,
        .refused = accounts->refused,
        .waiting = accounts->waiting_count + accounts->working_count,
    };
}
