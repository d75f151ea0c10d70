/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a copy: subscribe, pages into a copy of their own, then changes; after a reconnect on
 * from the revision that we have. Begin at subscribe(). */
#include "servers/config/server_proxy.h"

#include "app/peer.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/config/proxy_copy.h"

#include <stdio.h>
#include <string.h>

enum { ASK_MS = 30 * 1000, PASS_MS = 120 * 1000, RETRY_MS = 1000, TYPES_MAX = 64 };

struct proxy {
    struct config_server *server;
    struct text master;
    struct peer *peer;
    struct timer *retry_timer;
    struct proxy_copy *now;    /* served; NULL: nothing yet */
    struct proxy_copy *coming; /* a snapshot on its way; NULL: none */
    bool is_asking;            /* an answer is awaited */
    bool asks_again;           /* it is to be passed over: subscribe again after it */
    bool is_subscribed;        /* changes are coming */
    bool reads_anew;           /* what we have cannot be brought up to date */
    struct text types[TYPES_MAX];
    uint32_t type_count;
};

/* --- the copy that is served ---------------------------------------------------------------- */

static void use(struct proxy *proxy, struct proxy_copy *copy)
{
    struct config_server *server = proxy->server;
    struct proxy_copy *before = proxy->now;
    proxy->now = copy;
    server->objects = copy->objects;
    server->secrets = copy->secrets;
    server->acl = copy->acl;
    server->rev = copy->rev;
    server->epoch = copy->epoch;
    event_log_clear(server->events);
    LOG_PROXY_COPIED(&server->app->log, (unsigned long long)copy->rev, proxy->master.at,
                     object_set_count(copy->objects));
    if (before) subscribers_resync(server, "the proxy read everything anew");
    if (before) scope_close(before->life);
}

static void is_current(struct proxy *proxy)
{
    proxy->is_subscribed = true;
    proxy->reads_anew = false;
    server_set_read_only(proxy->server, NULL);
}

static void log_refused(const struct proxy *proxy, const struct config_config_object *object,
                        const struct fault *fault)
{
    char type[64] = "";
    (void)text_to_z(text_slice(object->type, 0, sizeof type - 1), type, sizeof type);
    LOG_OBJECT_UNREADABLE(&proxy->server->app->log, type, object->dbid, fault->words);
}

static void put(const struct proxy *proxy, struct proxy_copy *copy,
                const struct config_config_object *object)
{
    struct fault fault = { 0 };
    enum err err = proxy_copy_put(copy, object, &fault);
    if (err && err != ERR_UNSUPPORTED) log_refused(proxy, object, &fault);
}

/* --- revisions ------------------------------------------------------------------------------ */

static void note(struct event_rev *rev, const struct proxy_copy *copy,
                 const struct config_changed_object *op)
{
    const struct object_type *type = object_type_find(op->object->type);
    if (type == NULL) return;
    const struct object *object = object_set_find_dbid(copy->objects, type, op->object->dbid);
    bool is_gone = text_eq(op->op, TEXT("deleted"));
    bool is_access = (op->object->head.has & CONFIG_CONFIG_OBJECT_HAS_BODY) == 0 && !is_gone;
    if (is_access) {
        event_rev_add_access(rev, type, op->object->dbid);
        return;
    }
    struct scope *scratch = scope_new(rev->life, "event", SCOPE_NO_LIMIT);
    struct event event = {
        .op = is_gone                          ? "deleted"
              : text_eq(op->op, TEXT("added")) ? "added"
                                               : "changed",
        .type = type,
        .dbid = op->object->dbid,
        .tenant = op->object->tenant,
        .key = op->object->key,
    };
    if (object && !is_gone) event.json = object_stored_json(scratch, object);
    event_rev_add(rev, &event);
    scope_close(scratch);
}

static void apply(const struct proxy *proxy, struct proxy_copy *copy,
                  const struct config_changed *changed, struct event_rev *rev)
{
    proxy_copy_put_secrets(copy, changed->secrets.at, changed->secrets.count);
    for (uint32_t i = 0; i < changed->ops.count; i++) {
        const struct config_changed_object *op = &changed->ops.at[i];
        const struct object_type *type = object_type_find(op->object->type);
        if (text_eq(op->op, TEXT("deleted"))) {
            if (type) proxy_copy_delete(copy, type, op->object->dbid);
        } else if (op->object->head.has & CONFIG_CONFIG_OBJECT_HAS_BODY) {
            put(proxy, copy, op->object);
        } else {
            proxy_copy_put_acl(copy, op->object);
        }
        if (rev) note(rev, copy, op);
    }
    copy->rev = changed->rev;
}

/* What the revision did to secrets, for proxies of this one. */
static void note_secrets(struct event_rev *rev, const struct config_changed *changed)
{
    for (uint32_t i = 0; i < changed->secrets.count; i++)
        event_rev_add_secret(rev, changed->secrets.at[i].name);
}

static void tell(struct proxy *proxy, const struct config_changed *changed)
{
    struct config_server *server = proxy->server;
    struct event_rev *rev = event_log_begin(server->events, changed->rev);
    apply(proxy, proxy->now, changed, rev);
    note_secrets(rev, changed);
    server->rev = changed->rev;
    server->changes_total++;
    subscribers_tell(server, rev);
    changes_wake(server, false);
    event_log_trim(server->events);
}

/* --- talking to the master ------------------------------------------------------------------ */

static void subscribe(void *self);
static void on_page(void *self, const struct link_error *error, const void *fields);

static void drop_coming(struct proxy *proxy)
{
    if (proxy->coming) scope_close(proxy->coming->life);
    proxy->coming = NULL;
}

static bool is_answer_wanted(struct proxy *proxy)
{
    proxy->is_asking = false;
    if (!proxy->asks_again) return true;
    proxy->asks_again = false;
    subscribe(proxy);
    return false;
}

static void on_error(struct proxy *proxy, const struct link_error *error)
{
    proxy->is_subscribed = false;
    drop_coming(proxy);
    log_debug(&proxy->server->app->log, "subscribing: %.*s", TEXT_ARG(error->text));
    if (peer_is_up(proxy->peer)) timer_start(proxy->retry_timer, RETRY_MS);
}

static void take_page(struct proxy *proxy, const struct config_snapshot *page)
{
    struct proxy_copy *copy = proxy->coming;
    for (uint32_t i = 0; i < page->objects.count; i++) put(proxy, copy, &page->objects.at[i]);
    proxy_copy_put_secrets(copy, page->secrets.at, page->secrets.count);
    if (page->head.has & CONFIG_SNAPSHOT_HAS_CURSOR) {
        struct config_snapshot_next next = { .head.has = CONFIG_SNAPSHOT_NEXT_HAS_CURSOR,
                                             .cursor = page->cursor };
        proxy->is_asking = true;
        link_ask(peer_link(proxy->peer), &MSG_CONFIG_SNAPSHOT_NEXT, &next, NULL, ASK_MS, on_page,
                 proxy);
        return;
    }
    proxy->coming = NULL;
    use(proxy, copy);
    is_current(proxy);
    server_serve(proxy->server);
}

static void on_page(void *self, const struct link_error *error, const void *fields)
{
    struct proxy *proxy = self;
    if (!is_answer_wanted(proxy)) return;
    if (error)
        on_error(proxy, error);
    else if (proxy->coming)
        take_page(proxy, fields);
}

static void on_subscribed(void *self, const struct link_error *error, const void *fields)
{
    struct proxy *proxy = self;
    const struct config_snapshot *page = fields;
    if (!is_answer_wanted(proxy)) return;
    if (error) {
        on_error(proxy, error);
        return;
    }
    if (!text_eq(page->content, TEXT("objects"))) {
        is_current(proxy); /* Changed follows, for each revision that we miss */
        return;
    }
    proxy->coming = proxy_copy_new(proxy->server->app->life, page->rev, page->epoch);
    take_page(proxy, page);
}

static void subscribe(void *self)
{
    struct proxy *proxy = self;
    if (!peer_is_up(proxy->peer)) return;
    drop_coming(proxy);
    proxy->is_subscribed = false;
    proxy->asks_again = proxy->is_asking;
    if (proxy->is_asking) return;
    struct config_subscribe fields = {
        .head.has = CONFIG_SUBSCRIBE_HAS_TYPES | CONFIG_SUBSCRIBE_HAS_PROXY,
        .types = { proxy->types, proxy->type_count },
        .proxy = true,
    };
    if (proxy->now && !proxy->reads_anew) {
        fields.head.has |= CONFIG_SUBSCRIBE_HAS_SINCE_REV | CONFIG_SUBSCRIBE_HAS_EPOCH;
        fields.since_rev = proxy->now->rev;
        fields.epoch = proxy->now->epoch;
    }
    proxy->is_asking = true;
    link_ask(peer_link(proxy->peer), &MSG_CONFIG_SUBSCRIBE, &fields, NULL, ASK_MS, on_subscribed,
             proxy);
}

static void read_anew(struct proxy *proxy)
{
    proxy->reads_anew = true;
    subscribe(proxy);
}

/* Pages and revisions come on one link in the order in which they are true. */
static void on_changed(void *self, struct link *link, const void *fields)
{
    struct proxy *proxy = self;
    const struct config_changed *changed = fields;
    (void)link;
    struct proxy_copy *copy = proxy->coming ? proxy->coming : proxy->now;
    if (copy == NULL || (!proxy->coming && !proxy->is_subscribed)) return;
    if (changed->rev <= copy->rev) return;
    if (changed->rev != copy->rev + 1)
        read_anew(proxy);
    else if (proxy->coming)
        apply(proxy, copy, changed, NULL);
    else
        tell(proxy, changed);
}

static void on_resync(void *self, struct link *link, const void *fields)
{
    (void)link, (void)fields;
    read_anew(self);
}

static void on_mode(void *self, struct link *link, const void *fields)
{
    const struct proxy *proxy = self;
    const struct config_mode_changed *mode = fields;
    char why[512] = "";
    (void)link;
    bool is_full = text_eq(mode->mode, TEXT("full"));
    if (!is_full)
        (void)snprintf(why, sizeof why, "%.*s: %.*s", TEXT_ARG(proxy->master),
                       (int)(mode->reason.len > 256 ? 256 : mode->reason.len), mode->reason.at);
    server_set_read_only(proxy->server, is_full ? NULL : why);
}

static void on_up(void *self, struct link *link)
{
    (void)link;
    subscribe(self);
}

static void say_master_is_away(const struct proxy *proxy)
{
    char why[512];
    (void)snprintf(why, sizeof why, "the master %.*s is away", TEXT_ARG(proxy->master));
    server_set_read_only(proxy->server, why);
}

static void on_down(void *self, struct link *link, enum err reason)
{
    struct proxy *proxy = self;
    (void)link, (void)reason;
    proxy->is_subscribed = proxy->asks_again = false;
    timer_stop(proxy->retry_timer);
    drop_coming(proxy);
    say_master_is_away(proxy);
}

/* --- passing on ----------------------------------------------------------------------------- */

static bool is_answered_here(const struct msg *msg)
{
    return msg == &MSG_CONFIG_SUBSCRIBE || msg == &MSG_CONFIG_SNAPSHOT_NEXT ||
           msg == &MSG_CONFIG_READ || msg == &MSG_CONFIG_EXPORT || msg == &MSG_CONFIG_READ_SERVER ||
           msg == &MSG_CONFIG_READ_CHANGES || msg == &MSG_CONFIG_READ_ACL ||
           msg == &MSG_CONFIG_READ_EFFECTIVE;
}

static void on_passed(void *self, const struct link_error *error, const void *fields)
{
    struct link_request *request = self;
    struct fault fault;
    bool is_lost = error && error->protocol.len == 0 &&
                   (error->err == ERR_CLOSED || error->err == ERR_TIMEOUT);
    if (error == NULL) {
        link_reply(request, fields);
    } else if (is_lost) {
        (void)fault_set(&fault, ERR_TIMEOUT, "",
                        "the master did not answer in time: whether it did it is not known");
        link_refuse_fault(request, &fault);
    } else {
        link_refuse(request, error);
    }
}

/* In the name of who asked: of another proxy's asker, if that one passed it on already. */
static struct link_header header_of(struct link_request *request)
{
    struct link_header header = *link_request_header(request);
    const struct link *link = link_request_link(request);
    if (link == NULL || header.application.len) return header;
    header.application = link_peer(link);
    header.address = link_peer_address(link);
    return header;
}

static void pass_on(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct proxy *proxy = server->proxy;
    if (!peer_is_up(proxy->peer)) {
        struct problems problems = { .scope = link_request_scope(request) };
        server_refuse_read_only(server, &problems);
        refuse_problems(server, request, &problems);
        return;
    }
    struct link_header header = header_of(request);
    uint64_t deadline_ms = header.deadline_ms ? header.deadline_ms : PASS_MS;
    link_ask(peer_link(proxy->peer), link_request_msg(request), fields, &header, deadline_ms,
             on_passed, request);
}

/* Accounts are the master's alone. */
static void read_here(void *self, struct link_request *request, const void *fields)
{
    const struct config_read *asked = fields;
    if (object_type_find(asked->type) == &OBJECT_PERSON_LAST_LOGIN)
        pass_on(self, request, fields);
    else
        request_read(self, request, fields);
}

const struct link_handler *proxy_handlers(struct scope *scope, const struct link_handler *handlers)
{
    size_t count = 0;
    while (handlers[count].msg) count++;
    struct link_handler *out = scope_alloc_array(scope, count + 1, sizeof *out);
    memcpy(out, handlers, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        if (!is_answered_here(out[i].msg)) out[i].on_request = pass_on;
        if (out[i].msg == &MSG_CONFIG_READ) out[i].on_request = read_here;
    }
    return out;
}

/* --- life ----------------------------------------------------------------------------------- */

static const struct link_handler events[] = {
    { .msg = &MSG_CONFIG_CHANGED, .on_event = on_changed },
    { .msg = &MSG_CONFIG_RESYNC, .on_event = on_resync },
    { .msg = &MSG_CONFIG_MODE_CHANGED, .on_event = on_mode },
    { 0 },
};
static const struct link_life hooks = { on_up, on_down };

struct text proxy_master_of(const struct app *app)
{
    const struct app_object *own = app_self(app);
    const struct object_application *fields = own ? (const void *)own->fields : NULL;
    for (uint32_t i = 0; fields && i < fields->connections.count; i++) {
        const struct app_object *other =
            app_object(app, &OBJECT_APPLICATION, fields->connections.at[i].server);
        const struct object_application *application = other ? (const void *)other->fields : NULL;
        if (application && text_eq(application->type, TEXT("ConfigurationServer")) &&
            !text_eq(fields->connections.at[i].server, app->name))
            return fields->connections.at[i].server;
    }
    return TEXT("");
}

struct proxy *proxy_new(struct config_server *server, struct text master)
{
    struct app *app = server->app;
    struct proxy *proxy = scope_alloc(app->life, sizeof *proxy);
    *proxy = (struct proxy){
        .server = server,
        .master = scope_keep(app->life, master),
    };
    proxy->retry_timer = timer_new(app->life, app->loop, subscribe, proxy);
    size_t count;
    const struct object_type *const *types = object_types(&count);
    ASSERT(count <= TYPES_MAX);
    for (size_t i = 0; i < count; i++) proxy->types[proxy->type_count++] = text_of(types[i]->name);
    say_master_is_away(proxy);
    proxy->peer = peer_open(app->life, app, proxy->master, events, &hooks, proxy);
    return proxy;
}

void proxy_configure(struct proxy *proxy)
{
    peer_configure(proxy->peer);
}
