/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and what he may: config knows, so it is asked; nothing is remembered longer than a
 * revision of the configuration. */
#include "gen/objects.h"
#include "model/application_type.h"
#include "servers/control/server.h"

enum { ASK_MS = 5000, READABLE_KEPT_MAX = 1000, PAGE_MAX = 1000 };

struct rights {
    struct table *readable; /* by account */
};

/* --- who -------------------------------------------------------------------------------------- */

static bool is_one_of_ours(struct text peer)
{
    return text_eq(peer, TEXT("tool")) || text_eq(peer, TEXT("supervisor"));
}

static struct text name_within(struct scope *scope, struct text tenant, struct text id)
{
    return scope_format(scope, "%.*s/%.*s", TEXT_ARG(tenant), TEXT_ARG(id));
}

static const struct object_application *application_of(const struct control_server *server,
                                                       struct text name)
{
    const struct app_object *object = app_object(server->app, &OBJECT_APPLICATION, name);
    return object ? (const void *)object->fields : NULL;
}

/* Which of our servers a supervisor starts for it; NULL: a third party (decision 0043). */
static const char *server_of(const struct object_application *fields)
{
    bool is_server = !SHAPE_HAS(fields, OBJECT_APPLICATION_HAS_IS_SERVER) || fields->is_server;
    return fields->host.len && is_server ? application_type_server(fields->type) : NULL;
}

/* Of all others, who claims to be a person is not believed. */
static bool speaks_for_persons(const struct control_server *server, struct text peer)
{
    const struct object_application *fields = application_of(server, peer);
    const char *role = fields ? server_of(fields) : NULL;
    return text_eq(peer, TEXT("tool")) || (role && text_eq(text_of(role), TEXT("web")));
}

/* "person:TENANT/ID", or of Environment "person:ID". Of a group nobody knows what it may read but
 * object by object. */
static void name_person(struct asker *asker)
{
    struct text tenant, id;
    if (!text_starts(asker->account, TEXT("person:"))) return;
    struct text rest = text_slice(asker->account, sizeof "person:" - 1, SIZE_MAX);
    bool has_tenant = text_cut(rest, '/', &tenant, &id);
    asker->tenant = has_tenant ? tenant : TEXT("Environment");
    asker->person = has_tenant ? id : rest;
}

/* A server or a third party acts by its Application's logOnAs: System, or that account. System lets
 * a server of ours do everything, and others read. */
static struct asker application_asks(const struct control_server *server, struct scope *scope,
                                     struct text peer)
{
    const struct object_application *fields = application_of(server, peer);
    struct asker asker = { .kind = ASKER_NOBODY,
                           .words = scope_format(scope, "application %.*s", TEXT_ARG(peer)) };
    if (fields == NULL) return asker;
    asker.kind = server_of(fields) ? ASKER_FULL : ASKER_READER;
    if (fields->log_on_as.len == 0 || text_eq_fold(fields->log_on_as, TEXT("System"))) return asker;
    asker.kind = ASKER_ACCOUNT;
    asker.account = scope_keep(scope, fields->log_on_as);
    name_person(&asker);
    return asker;
}

struct asker asker_of(const struct control_server *server, struct link_request *request)
{
    struct scope *scope = link_request_scope(request);
    const struct link_header *header = link_request_header(request);
    const struct link *link = link_request_link(request);
    struct text peer = link ? link_peer(link) : TEXT("");
    if (header->person.len == 0 || !speaks_for_persons(server, peer)) {
        struct text user = link ? link_peer_user(link) : TEXT("");
        if (is_one_of_ours(peer))
            return (struct asker){
                .kind = ASKER_FULL,
                .words = user.len
                             ? scope_format(scope, "%.*s (os:%.*s)", TEXT_ARG(peer), TEXT_ARG(user))
                             : scope_keep(scope, peer),
            };
        return application_asks(server, scope, peer);
    }
    struct text tenant = header->tenant.len ? header->tenant : TEXT("Environment");
    struct text within = name_within(scope, tenant, header->person);
    return (struct asker){
        .kind = ASKER_ACCOUNT,
        .account = scope_format(scope, "person:%.*s", TEXT_ARG(within)),
        .tenant = tenant,
        .person = header->person,
        .words = scope_format(scope, "person %.*s", TEXT_ARG(within)),
    };
}

/* --- may he? ---------------------------------------------------------------------------------- */

struct rights_question {
    struct scope *life;
    bool may, may_read;
    char needed;
    void (*done)(void *self, bool may, bool may_read, const struct link_error *error);
    void *self;
};

static const struct link_error config_is_away = {
    .err = ERR_UNAVAILABLE,
    .protocol = { "control", 7 },
    .code = ORDER_UNABLE_TO_EXECUTE,
    .name = { "UnableToExecute", 15 },
    .text = { "config is away, so nobody can say whether you may", 49 },
    .retryable = true,
};

static bool has_letter(struct text mask, char letter)
{
    return text_find(mask, letter, 0) < mask.len;
}

static void on_effective(void *self, const struct link_error *error, const void *fields)
{
    struct rights_question *question = self;
    const struct config_effective *effective = fields;
    if (error == NULL)
        question->done(question->self, has_letter(effective->mask, question->needed),
                       has_letter(effective->mask, 'R'), NULL);
    else if (error->err == ERR_NOT_FOUND || error->code == 404)
        question->done(question->self, false, false, NULL);
    else
        question->done(question->self, false, false,
                       error->err == ERR_CLOSED ? &config_is_away : error);
    scope_close(question->life);
}

static void answer_soon(void *self)
{
    struct rights_question *question = self;
    question->done(question->self, question->may, question->may_read, NULL);
    scope_close(question->life);
}

static void answer_away(void *self)
{
    struct rights_question *question = self;
    question->done(question->self, false, false, &config_is_away);
    scope_close(question->life);
}

void rights_ask(struct control_server *server, const struct asker *asker, const char *type,
                struct text key, char needed,
                void (*done)(void *self, bool may, bool may_read, const struct link_error *error),
                void *self)
{
    struct scope *life = scope_new(server->app->life, "rights", SCOPE_NO_LIMIT);
    struct rights_question *question = scope_alloc(life, sizeof *question);
    bool is_full = asker->kind == ASKER_FULL, may_read = is_full || asker->kind == ASKER_READER;
    *question = (struct rights_question){ .life = life,
                                          .may = is_full || (may_read && needed == 'R'),
                                          .may_read = may_read,
                                          .needed = needed,
                                          .done = done,
                                          .self = self };
    if (asker->kind != ASKER_ACCOUNT) {
        loop_soon(life, server->app->loop, answer_soon, question);
        return;
    }
    if (server->config == NULL || peer_link(server->config) == NULL) {
        loop_soon(life, server->app->loop, answer_away, question);
        return;
    }
    struct config_read_effective ask = {
        .head.has = CONFIG_READ_EFFECTIVE_HAS_TYPE | CONFIG_READ_EFFECTIVE_HAS_KEY |
                    CONFIG_READ_EFFECTIVE_HAS_ACCOUNT,
        .type = text_of(type),
        .key = key,
        .account = asker->account,
    };
    link_ask(peer_link(server->config), &MSG_CONFIG_READ_EFFECTIVE, &ask, NULL, ASK_MS,
             on_effective, question);
}

/* --- what may he read? ------------------------------------------------------------------------ */

struct readable {
    struct scope *life;
    struct control_server *server;
    struct text account, tenant, person;
    struct table *names;
    struct list waiting; /* struct reader */
    uint64_t rev;
    uint32_t type, after; /* what is being asked for */
    bool is_whole;
};

struct reader {
    struct list node;
    struct scope *life;
    const struct readable *readable;
    void (*done)(void *self, const struct readable *readable, const struct link_error *error);
    void *self;
};

static const char *const types[] = { "Application", "Host", "Solution" };
enum { TYPES = sizeof types / sizeof *types };

static struct text name_key(struct scope *scope, const char *type, struct text name)
{
    return scope_format(scope, "%s/%.*s", type, TEXT_ARG(name));
}

bool rights_may_read(const struct readable *readable, const char *type, struct text name)
{
    if (readable == NULL) return true;
    struct scope *scratch = scope_new(NULL, "name", SCOPE_NO_LIMIT);
    bool may = table_get(readable->names, name_key(scratch, type, name)) != NULL;
    scope_close(scratch);
    return may;
}

uint64_t rights_revision(const struct readable *readable)
{
    return readable ? readable->rev : 0;
}

static void answer_readers(struct readable *readable, const struct link_error *error)
{
    struct list *node;
    while ((node = list_first(&readable->waiting)) != NULL) {
        struct reader *reader = LIST_OBJECT(node, struct reader, node);
        list_remove(node);
        reader->done(reader->self, readable, error);
        scope_close(reader->life);
    }
}

static void ask_page(struct readable *readable);

static void forget_readable(struct readable *readable)
{
    table_remove(readable->server->rights->readable, readable->account);
    scope_close(readable->life);
}

static void on_page(void *self, const struct link_error *error, const void *fields)
{
    struct readable *readable = self;
    const struct config_objects *page = fields;
    if (error) {
        answer_readers(readable, error->err == ERR_CLOSED ? &config_is_away : error);
        forget_readable(readable);
        return;
    }
    if (readable->rev == 0 || page->rev < readable->rev) readable->rev = page->rev;
    for (uint32_t i = 0; i < page->objects.count; i++) {
        const struct config_config_object *object = &page->objects.at[i];
        table_put(readable->names, name_key(readable->life, types[readable->type], object->key),
                  readable);
        readable->after = object->dbid;
    }
    if (!page->more) {
        readable->type++;
        readable->after = 0;
    }
    readable->is_whole = readable->type == TYPES;
    if (readable->is_whole)
        answer_readers(readable, NULL);
    else
        ask_page(readable);
}

/* As the person: config answers with what he may read. */
static void ask_page(struct readable *readable)
{
    struct text name_alone[] = { TEXT("name") };
    struct link_header header = { .person = readable->person, .tenant = readable->tenant };
    struct config_read ask = {
        .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_AFTER | CONFIG_READ_HAS_LIMIT |
                    CONFIG_READ_HAS_FIELDS,
        .type = text_of(types[readable->type]),
        .after = readable->after,
        .limit = PAGE_MAX,
        .fields = { name_alone, 1 },
    };
    link_ask(peer_link(readable->server->config), &MSG_CONFIG_READ, &ask, &header, ASK_MS, on_page,
             readable);
}

static void answer_from_whole(void *self)
{
    struct reader *reader = self;
    const struct readable *readable = reader->readable;
    reader->done(reader->self, readable, NULL);
    scope_close(reader->life);
}

static void answer_reader_nobody(void *self)
{
    static const struct link_error denied = {
        .err = ERR_DENIED,
        .protocol = { "control", 7 },
        .code = ORDER_INCORRECT_CLIENT_CODE,
        .name = { "IncorrectClientCode", 19 },
        .text = { "only persons, and applications that are configured, may read states", 67 },
    };
    struct reader *reader = self;
    reader->done(reader->self, NULL, &denied);
    scope_close(reader->life);
}

static void answer_reader_away(void *self)
{
    struct reader *reader = self;
    reader->done(reader->self, NULL, &config_is_away);
    scope_close(reader->life);
}

/* Those of former revisions make room. */
static void drop_old(struct rights *rights, uint64_t rev)
{
    struct readable *readable;
    if (table_count(rights->readable) < READABLE_KEPT_MAX) return;
    for (size_t at = 0; (readable = table_next(rights->readable, &at)) != NULL;)
        if (readable->is_whole && readable->rev < rev) {
            forget_readable(readable);
            at = 0;
        }
}

static struct readable *readable_new(struct control_server *server, const struct asker *asker)
{
    struct scope *life = scope_new(server->app->life, "readable", SCOPE_NO_LIMIT);
    struct readable *readable = scope_alloc(life, sizeof *readable);
    *readable = (struct readable){ .life = life,
                                   .server = server,
                                   .account = scope_keep(life, asker->account),
                                   .tenant = scope_keep(life, asker->tenant),
                                   .person = scope_keep(life, asker->person),
                                   .names = table_new(life) };
    list_init(&readable->waiting);
    table_put(server->rights->readable, readable->account, readable);
    return readable;
}

void rights_read(struct control_server *server, const struct asker *asker,
                 void (*done)(void *self, const struct readable *readable,
                              const struct link_error *error),
                 void *self)
{
    struct scope *life = scope_new(server->app->life, "reader", SCOPE_NO_LIMIT);
    struct reader *reader = scope_alloc(life, sizeof *reader);
    *reader = (struct reader){ .life = life, .done = done, .self = self };
    uint64_t rev = app_config_rev(server->app);
    if (asker->kind == ASKER_FULL || asker->kind == ASKER_READER) {
        loop_soon(life, server->app->loop, answer_from_whole, reader);
        return;
    }
    if (asker->kind == ASKER_NOBODY || asker->person.len == 0) {
        loop_soon(life, server->app->loop, answer_reader_nobody, reader);
        return;
    }
    struct readable *readable = table_get(server->rights->readable, asker->account);
    if (readable && readable->is_whole && readable->rev < rev) {
        forget_readable(readable);
        readable = NULL;
    }
    if (readable && readable->is_whole) {
        reader->readable = readable;
        loop_soon(life, server->app->loop, answer_from_whole, reader);
        return;
    }
    if (server->config == NULL || peer_link(server->config) == NULL) {
        loop_soon(life, server->app->loop, answer_reader_away, reader);
        return;
    }
    bool is_new = readable == NULL;
    drop_old(server->rights, rev);
    if (is_new) readable = readable_new(server, asker);
    list_add_last(&readable->waiting, &reader->node);
    if (is_new) ask_page(readable);
}

void rights_open(struct control_server *server)
{
    server->rights = scope_alloc(server->app->life, sizeof *server->rights);
    server->rights->readable = table_new(server->app->life);
}
