/* SPDX-License-Identifier: Apache-2.0 */
/* One change after the other: each is staged on what the one before it left, written down, and only
 * then made true in memory, answered, and told to subscribers. */
#include "gen/events.h"
#include "servers/config/acl_builtin.h"
#include "servers/config/body_patch.h"
#include "servers/config/server.h"

#include <stdio.h>

enum { DETAIL_BYTES_MAX = 512 * 1024, WRITES_PER_SECOND = 50 };

static void write_next(struct config_server *server);

/* --- refusing ------------------------------------------------------------------------------- */

/* For the audit: "boss of Environment through web from 127.0.0.1". */
static const char *words_of(struct scope *scope, const struct actor *actor,
                            const struct origin *origin)
{
    const char *from = scope_format(scope, "%.*s from %.*s", TEXT_ARG(origin->application),
                                    TEXT_ARG(origin->address))
                           .at;
    if (actor->kind != ACTOR_PERSON) return from;
    return scope_format(scope, "%.*s of %.*s through %s", TEXT_ARG(actor->person),
                        TEXT_ARG(actor->tenant), from)
        .at;
}

static const char *asker_of(struct config_server *server, struct scope *scope,
                            struct link_request *request)
{
    if (request == NULL) return scope_keep_z(scope, server->app->name);
    struct actor actor = actor_of(server, scope, request);
    struct origin origin = origin_of(server, request);
    return words_of(scope, &actor, &origin);
}

static const char *writer_of(struct scope *scope, const struct write *write)
{
    struct origin origin = { write->application, write->address };
    if (write->actor.kind == ACTOR_OURSELVES) return scope_keep_z(scope, write->application);
    return words_of(scope, &write->actor, &origin);
}

void refuse_problems(struct config_server *server, struct link_request *request,
                     const struct problems *problems)
{
    const struct problem *first = &problems->at[0];
    const struct problem_rule *rule = problem_rule(first->kind);
    struct scope *scope = problems->scope;
    struct text *details = scope_alloc_array(scope, problems->count + 1u, sizeof *details);
    uint32_t count = 0;
    for (size_t bytes = 0; count < problems->count && bytes < DETAIL_BYTES_MAX; count++) {
        details[count] = problems->at[count].words;
        bytes += details[count].len;
    }
    bool is_passing = first->kind == PROBLEM_READ_ONLY || first->kind == PROBLEM_TOO_FAST;
    uint32_t left_out = problems->left_out + problems->count - count;
    if (left_out) details[count++] = scope_format(scope, "... and %u more", left_out);
    struct link_error error = {
        .err = rule->err,
        .protocol = TEXT("config"),
        .code = rule->http_status,
        .name = text_of(rule->error_type),
        .text = first->words,
        .field = first->property,
        .retryable = is_passing,
        .retry_after_ms = is_passing ? 1000 : 0,
        .object_type = first->object_type,
        .details = details,
        .detail_count = count,
    };
    server->refused_total++;
    LOG_CHANGE_REFUSED(&server->app->log, asker_of(server, scope, request), rule->error_type,
                       scope_keep_z(scope, first->words));
    if (request) link_refuse(request, &error);
}

static void refuse_write(struct write *write)
{
    refuse_problems(write->server, write->request, &write->problems);
    if (write->refused) write->refused(write);
}

/* --- life of a write ------------------------------------------------------------------------ */

struct write *write_new(struct config_server *server, struct link_request *request,
                        const void *fields)
{
    struct scope *life = scope_new(server->app->life, "write", SCOPE_NO_LIMIT);
    struct write *write = scope_alloc(life, sizeof *write);
    struct origin origin = origin_of(server, request);
    *write = (struct write){
        .life = life,
        .server = server,
        .request = request,
        .fields = fields,
        .comment = TEXT(""),
        .application = scope_keep(life, request ? origin.application : server->app->name),
        .address = scope_keep(life, origin.address),
        .problems = { .scope = life },
        .warnings = { .scope = life },
    };
    write->actor = actor_of(server, life, request);
    write->person = user_of(life, request, &write->actor);
    return write;
}

static void write_close(struct write *write)
{
    scope_close(write->life);
}

/* Framework 12.3. Tools and servers that log on as System are nobody's account. */
static bool is_too_fast(struct write *write)
{
    static const struct bucket_rate rate = { WRITES_PER_SECOND, WRITES_PER_SECOND, 1000 };
    struct config_server *server = write->server;
    const struct actor *actor = &write->actor;
    struct text account = TEXT("");
    if (actor->kind == ACTOR_PERSON)
        account = scope_format(write->life, "%.*s/%.*s", TEXT_ARG(actor->tenant),
                               TEXT_ARG(actor->person));
    else if (actor->kind == ACTOR_APPLICATION &&
             actor_rights(server, write->life, actor)->kind != ACCESS_TO_EVERYTHING)
        account = actor->application;
    return account.len &&
           buckets_take(server->writers, account, &rate, loop_now_mono_ms(server->app->loop)) > 0;
}

void write_submit(struct write *write)
{
    struct config_server *server = write->server;
    if (is_too_fast(write)) {
        problem_add(&write->problems, PROBLEM_TOO_FAST, NULL, TEXT(""),
                    "an account changes the configuration %d times a second at most",
                    WRITES_PER_SECOND);
        refuse_write(write);
        write_close(write);
        return;
    }
    bool is_read_only = server_is_read_only(server);
    if (server->waiting >= WRITES_WAITING_MAX || server->is_stopping || is_read_only) {
        if (is_read_only)
            server_refuse_read_only(server, &write->problems);
        else
            problem_add(&write->problems, PROBLEM_READ_ONLY, NULL, TEXT(""),
                        server->is_stopping ? "the server is stopping"
                                            : "too many changes wait already");
        refuse_write(write);
        write_close(write);
        return;
    }
    list_add_last(&server->writes, &write->node);
    server->waiting++;
    write_next(server);
}

static void count_ops(struct write *write)
{
    write->updated = write->acl.count;
    for (size_t i = 0; i < change_set_count(write->set); i++) {
        const struct staged *staged = change_set_at(write->set, i);
        if (staged->before == NULL)
            write->created++;
        else if (staged->after == NULL)
            write->deleted++;
        else
            write->updated++;
    }
}

static struct text patch_of(struct scope *scope, const struct staged *staged)
{
    struct value patch = { .kind = VALUE_KV };
    patch.pairs = body_patch(scope, &staged->before->body, &staged->after->body);
    return body_to_json(scope, &patch);
}

static const struct event_rev *note_events(struct config_server *server, const struct write *write)
{
    struct event_rev *rev = event_log_begin(server->events, write->rev);
    struct scope *scratch = scope_new(write->life, "events", SCOPE_NO_LIMIT);
    for (size_t i = 0; i < change_set_count(write->set); i++) {
        const struct staged *staged = change_set_at(write->set, i);
        const struct object *any = staged->after ? staged->after : staged->before;
        ASSERT(any != NULL);
        struct event event = {
            .op = staged->before == NULL  ? "added"
                  : staged->after == NULL ? "deleted"
                                          : "changed",
            .type = any->type,
            .dbid = any->dbid,
            .tenant = any->tenant,
            .key = any->key,
        };
        if (staged->after) event.json = object_stored_json(scratch, staged->after);
        if (staged->before && staged->after) event.patch = patch_of(scratch, staged);
        event_rev_add(rev, &event);
    }
    for (uint32_t i = 0; i < write->acl.count; i++)
        event_rev_add_access(rev, write->acl.at[i].type, write->acl.at[i].dbid);
    for (size_t i = 0; i < secret_changes_count(write->secrets); i++)
        event_rev_add_secret(rev, secret_changes_at(write->secrets, i)->name);
    scope_close(scratch);
    return rev;
}

static void make_true(struct write *write)
{
    struct config_server *server = write->server;
    const struct event_rev *rev = note_events(server, write);
    secret_changes_apply(write->secrets, server->secrets);
    change_set_apply(write->set);
    acl_changes_apply(&write->acl, server->acl);
    server->rev = write->rev;
    server->is_new = false;
    server->has_permissions = server->has_permissions || write->makes_permissions;
    server->changes_total++;
    struct scope *scratch = scope_new(write->life, "words", SCOPE_NO_LIMIT);
    LOG_CHANGE_COMMITTED(&server->app->log, (unsigned long long)write->rev,
                         writer_of(scratch, write), write->created, write->updated, write->deleted);
    server_feed_own(server, rev);
    write->reply(write);
    subscribers_tell(server, rev);
    changes_wake(server, false);
    event_log_trim(server->events);
}

static void on_durable(void *self, const struct change_result *result)
{
    struct write *write = self;
    struct config_server *server = write->server;
    server->in_flight = NULL;
    server->waiting--;
    if (result->err) {
        LOG_STORE_FAILED(&server->app->log, result->words ? result->words : err_words(result->err));
        problem_add(&write->problems, PROBLEM_READ_ONLY, NULL, TEXT(""),
                    "the change could not be written: %s", err_words(result->err));
        refuse_write(write);
        change_set_drop(write->set);
    } else {
        make_true(write);
    }
    write_close(write);
    write_next(server);
}

static void commit(struct write *write)
{
    struct config_server *server = write->server;
    uint64_t now_utc_ms = loop_now_utc_ms(server->app->loop);
    write->rev = server->rev + 1;
    count_ops(write);
    change_set_stamp(write->set, write->rev, now_utc_ms);
    server->in_flight = write;
    change_submit(store_change_of(server, write, write->rev, now_utc_ms), on_durable, write);
}

void write_open(struct write *write)
{
    struct config_server *server = write->server;
    write->set = change_set_new(write->life, server->objects);
    write->secrets = secret_changes_new(write->life, server->secrets);
    write->rights = actor_rights(server, write->life, &write->actor);
    write->acl = (struct acl_changes){ .scope = write->life, .acl = server->acl };
    permit_guard(write->set, write->rights);
}

/* What she may not do is told before what is wrong with it. */
void write_permit(struct write *write)
{
    struct problems denied = { .scope = write->life };
    permit_changes(write->set, write->secrets, write->rights, &denied);
    if (denied.count) write->problems = denied;
}

/* False: it is answered, the next one may come. */
static bool begin(struct write *write)
{
    struct config_server *server = write->server;
    write_open(write);
    write->stage(write);
    write_permit(write);
    if (write->problems.count == 0)
        acl_builtin_follow(write->set, write->makes_permissions, &write->acl);
    acl_changes_finish(&write->acl, server->rev + 1);
    bool moves = change_set_count(write->set) || secret_changes_count(write->secrets) ||
                 write->acl.count || write->makes_permissions;
    if (write->problems.count == 0 && moves) {
        commit(write);
        return true;
    }
    server->waiting--;
    write->rev = server->rev;
    change_set_drop(write->set);
    if (write->problems.count)
        refuse_write(write);
    else
        write->reply(write);
    write_close(write);
    return false;
}

static void write_next(struct config_server *server)
{
    struct list *node;
    while (server->in_flight == NULL && (node = list_first(&server->writes)) != NULL) {
        list_remove(node);
        if (begin(LIST_OBJECT(node, struct write, node))) return;
    }
}
