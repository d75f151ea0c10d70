/* SPDX-License-Identifier: Apache-2.0 */
/* One change after the other: each is staged on what the one before it left, written down, and only
 * then made true in memory, answered, and told to subscribers. */
#include "gen/events.h"
#include "servers/config/server.h"

#include <stdio.h>

enum { DETAIL_BYTES_MAX = 512 * 1024 };

static void write_next(struct config_server *server);

/* --- refusing ------------------------------------------------------------------------------- */

static const char *asker_of(struct config_server *server, struct scope *scope,
                            struct link_request *request)
{
    struct link *link = request ? link_request_link(request) : NULL;
    return scope_keep_z(scope, link ? link_peer(link) : server->app->name);
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
    uint32_t left_out = problems->left_out + problems->count - count;
    if (left_out) details[count++] = scope_format(scope, "... and %u more", left_out);
    struct link_error error = {
        .err = rule->err,
        .protocol = TEXT("config"),
        .code = rule->http_status,
        .name = text_of(rule->error_type),
        .text = first->words,
        .field = first->property,
        .retryable = first->kind == PROBLEM_READ_ONLY,
        .retry_after_ms = first->kind == PROBLEM_READ_ONLY ? 1000 : 0,
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
    struct link *link = request ? link_request_link(request) : NULL;
    *write = (struct write){
        .life = life,
        .server = server,
        .request = request,
        .fields = fields,
        .comment = TEXT(""),
        .person = TEXT(""),
        .application = scope_keep(life, link ? link_peer(link) : server->app->name),
        .address = scope_keep(life, link ? link_peer_address(link) : TEXT("")),
        .problems = { .scope = life },
        .warnings = { .scope = life },
    };
    if (request) write->person = scope_keep(life, link_request_header(request)->person);
    return write;
}

static void write_close(struct write *write)
{
    scope_close(write->life);
}

void write_submit(struct write *write)
{
    struct config_server *server = write->server;
    if (server->waiting >= WRITES_WAITING_MAX || server->is_stopping) {
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
        event_rev_add(rev, &event);
    }
    scope_close(scratch);
    return rev;
}

static void make_true(struct write *write)
{
    struct config_server *server = write->server;
    const struct event_rev *rev = note_events(server, write);
    secret_changes_apply(write->secrets, server->secrets);
    change_set_apply(write->set);
    server->rev = write->rev;
    server->is_new = false;
    server->changes_total++;
    struct scope *scratch = scope_new(write->life, "words", SCOPE_NO_LIMIT);
    LOG_CHANGE_COMMITTED(&server->app->log, (unsigned long long)write->rev,
                         scope_keep_z(scratch, write->application), write->created, write->updated,
                         write->deleted);
    server_feed_own(server, rev);
    write->reply(write);
    subscribers_tell(server, rev);
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

/* False: it is answered, the next one may come. */
static bool begin(struct write *write)
{
    struct config_server *server = write->server;
    write->set = change_set_new(write->life, server->objects);
    write->secrets = secret_changes_new(write->life, server->secrets);
    write->stage(write);
    bool moves = change_set_count(write->set) || secret_changes_count(write->secrets);
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
