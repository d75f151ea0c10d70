/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told what. A subscriber has one place in the order of revisions; pages of a snapshot and
 * revisions that come meanwhile leave on the same link in the order in which they are true. */
#include "gen/events.h"
#include "servers/config/server.h"

#include <inttypes.h>
#include <stdio.h>

enum { TYPES_MAX = 64, OPS_MAX = 100000 };

struct subscriber {
    struct list node;
    struct scope *life;
    struct link *link;
    bool is_clear; /* may see secrets */
    bool wants[TYPES_MAX];
};

/* --- what a link may see -------------------------------------------------------------------- */

static struct text secret_of(void *self, struct text name)
{
    const struct config_server *server = self;
    struct text value;
    (void)secrets_find(server->secrets, name, &value);
    return value.at ? value : TEXT("");
}

struct config_config_object object_message(struct scope *scope, const struct config_server *server,
                                           const struct object *object, bool clear)
{
    struct config_config_object out = {
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY |
                    CONFIG_CONFIG_OBJECT_HAS_BODY,
        .type = text_of(object->type->name),
        .dbid = object->dbid,
        .rev = object->rev,
        .tenant = object->tenant,
        .key = object->key,
        .body =
            object_full_json(scope, object, clear ? secret_of : NULL, (void *)(uintptr_t)server),
    };
    if (!object->type->is_global) out.head.has |= CONFIG_CONFIG_OBJECT_HAS_TENANT;
    return out;
}

/* --- subscribers ---------------------------------------------------------------------------- */

static struct subscriber *find(const struct config_server *server, const struct link *link)
{
    LIST_EACH (node, &server->subscribers) {
        struct subscriber *subscriber = LIST_OBJECT(node, struct subscriber, node);
        if (subscriber->link == link) return subscriber;
    }
    return NULL;
}

void subscribers_forget(struct config_server *server, struct link *link)
{
    struct subscriber *subscriber = find(server, link);
    if (subscriber == NULL) return;
    list_remove(&subscriber->node);
    scope_close(subscriber->life);
}

uint32_t subscribers_count(const struct config_server *server)
{
    uint32_t count = 0;
    LIST_EACH (node, &server->subscribers) {
        ASSERT(node != NULL);
        count++;
    }
    return count;
}

static struct subscriber *add(struct config_server *server, struct link *link)
{
    struct scope *life = scope_new(server->app->life, "subscriber", SCOPE_NO_LIMIT);
    struct subscriber *subscriber = scope_alloc(life, sizeof *subscriber);
    subscriber->life = life;
    subscriber->link = link;
    subscriber->is_clear = trust_with_secrets(server, link);
    list_add_last(&server->subscribers, &subscriber->node);
    return subscriber;
}

static size_t index_of(const struct object_type *type)
{
    size_t count, index = 0;
    const struct object_type *const *types = object_types(&count);
    ASSERT(count <= TYPES_MAX);
    while (types[index] != type) index++;
    return index;
}

/* False: refused. A type of a newer release than ours is passed over. */
static void read_types(struct subscriber *subscriber, const struct config_subscribe *asked)
{
    for (uint32_t i = 0; i < asked->types.count; i++) {
        const struct object_type *type = object_type_find(asked->types.at[i]);
        if (type) subscriber->wants[index_of(type)] = true;
    }
}

/* --- pages ---------------------------------------------------------------------------------- */

struct page {
    struct config_server *server;
    struct subscriber *subscriber;
    struct scope *scope;
    struct config_snapshot out;
    size_t bytes;
};

static bool is_full(const struct page *page)
{
    return page->out.objects.count >= PAGE_OBJECTS_MAX || page->bytes >= PAGE_BYTES_MAX;
}

/* Objects of one type after `dbid`. False: the page is full, the cursor says where to go on. */
static bool add_type(struct page *page, size_t type_index, const struct object_type *type,
                     uint32_t dbid)
{
    size_t count;
    const struct object *const *objects = object_set_of(page->server->objects, type, &count);
    for (size_t i = 0; i < count; i++) {
        if (objects[i]->dbid <= dbid) continue;
        if (is_full(page)) {
            page->out.head.has |= CONFIG_SNAPSHOT_HAS_CURSOR;
            page->out.cursor = scope_format(page->scope, "%zu:%u", type_index, dbid);
            return false;
        }
        struct config_config_object *message = &page->out.objects.at[page->out.objects.count++];
        *message =
            object_message(page->scope, page->server, objects[i], page->subscriber->is_clear);
        page->bytes += message->body.len;
        dbid = objects[i]->dbid;
    }
    return true;
}

static void send_page(struct config_server *server, struct subscriber *subscriber,
                      struct link_request *request, size_t type_index, uint32_t dbid)
{
    struct page page = {
        .server = server,
        .subscriber = subscriber,
        .scope = link_request_scope(request),
        .out = { .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                             CONFIG_SNAPSHOT_HAS_CONTENT | CONFIG_SNAPSHOT_HAS_OBJECTS,
                 .rev = server->rev,
                 .epoch = server->epoch,
                 .content = TEXT("objects") },
    };
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    page.out.objects.at =
        scope_alloc_array(page.scope, PAGE_OBJECTS_MAX, sizeof *page.out.objects.at);
    for (; type_index < type_count; type_index++, dbid = 0) {
        if (!subscriber->wants[type_index]) continue;
        if (!add_type(&page, type_index, types[type_index], dbid)) break;
    }
    link_reply(request, &page.out);
}

void request_snapshot_next(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_snapshot_next *asked = fields;
    struct link *link = link_request_link(request);
    struct subscriber *subscriber = link ? find(server, link) : NULL;
    struct text type_text, dbid_text;
    uint32_t type_index = 0, dbid = 0;
    bool is_cursor = text_cut(asked->cursor, ':', &type_text, &dbid_text) &&
                     text_to_u32(type_text, 0, TYPES_MAX, &type_index) == ERR_OK &&
                     text_to_u32(dbid_text, 0, UINT32_MAX, &dbid) == ERR_OK;
    if (subscriber && is_cursor) {
        send_page(server, subscriber, request, type_index, dbid);
        return;
    }
    struct fault fault;
    (void)fault_set(&fault, subscriber ? ERR_INVALID : ERR_CONFLICT, "cursor",
                    subscriber ? "is none of ours" : "subscribe first");
    link_refuse_fault(request, &fault);
}

/* --- revisions ------------------------------------------------------------------------------ */

/* The object as it was made by that revision. */
static struct config_config_object *event_object(struct scope *scope,
                                                 const struct config_server *server,
                                                 const struct event *event, uint64_t rev,
                                                 bool is_clear)
{
    struct config_config_object *out = scope_alloc(scope, sizeof *out);
    struct object *object;
    struct fault fault;
    bool has_body = event->json.len && object_load(scope, event->type, event->tenant, event->key,
                                                   event->json, &object, &fault) == ERR_OK;
    if (has_body) {
        object->dbid = event->dbid;
        object->rev = rev;
        *out = object_message(scope, server, object, is_clear);
        return out;
    }
    *out = (struct config_config_object){
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY,
        .type = text_of(event->type->name),
        .dbid = event->dbid,
        .rev = rev,
        .tenant = event->tenant,
        .key = event->key,
    };
    if (!event->type->is_global) out->head.has |= CONFIG_CONFIG_OBJECT_HAS_TENANT;
    return out;
}

static void send_resync(struct config_server *server, const struct subscriber *subscriber,
                        const char *reason)
{
    struct config_resync resync = { .head.has = CONFIG_RESYNC_HAS_REASON,
                                    .reason = text_of(reason) };
    server->resyncs_total++;
    link_send(subscriber->link, &MSG_CONFIG_RESYNC, &resync);
}

static void send_rev(struct config_server *server, const struct subscriber *subscriber,
                     const struct event_rev *rev)
{
    if (rev->count > OPS_MAX) {
        send_resync(server, subscriber, "one revision changed more than fits a message");
        return;
    }
    struct scope *scratch = scope_new(server->app->life, "changed", SCOPE_NO_LIMIT);
    struct config_changed changed = { .head.has = CONFIG_CHANGED_HAS_REV | CONFIG_CHANGED_HAS_OPS,
                                      .rev = rev->rev };
    changed.ops.at = scope_alloc_array(scratch, rev->count, sizeof *changed.ops.at);
    for (uint32_t i = 0; i < rev->count; i++) {
        const struct event *event = &rev->events[i];
        if (!subscriber->wants[index_of(event->type)]) continue;
        changed.ops.at[changed.ops.count++] = (struct config_changed_object){
            .head.has = CONFIG_CHANGED_OBJECT_HAS_OP | CONFIG_CHANGED_OBJECT_HAS_OBJECT,
            .op = text_of(event->op),
            .object = event_object(scratch, server, event, rev->rev, subscriber->is_clear),
        };
    }
    link_send(subscriber->link, &MSG_CONFIG_CHANGED, &changed);
    scope_close(scratch);
}

void subscribers_tell(struct config_server *server, const struct event_rev *rev)
{
    LIST_EACH (node, &server->subscribers)
        send_rev(server, LIST_OBJECT(node, struct subscriber, node), rev);
}

/* --- subscribing ---------------------------------------------------------------------------- */

static void reply_changes(struct config_server *server, struct subscriber *subscriber,
                          struct link_request *request, uint64_t since)
{
    struct config_snapshot out = { .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                                               CONFIG_SNAPSHOT_HAS_CONTENT,
                                   .rev = server->rev,
                                   .epoch = server->epoch,
                                   .content = TEXT("changes") };
    link_reply(request, &out);
    for (uint64_t rev = since + 1; rev <= server->rev; rev++)
        send_rev(server, subscriber, event_log_find(server->events, rev));
}

void request_subscribe(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_subscribe *asked = fields;
    struct link *link = link_request_link(request);
    if (link == NULL) return; /* it hung up meanwhile */
    subscribers_forget(server, link);
    struct subscriber *subscriber = add(server, link);
    read_types(subscriber, asked);
    bool has_place = SHAPE_HAS(asked, CONFIG_SUBSCRIBE_HAS_SINCE_REV);
    bool is_ours = text_eq(asked->epoch, server->epoch);
    if (has_place && is_ours && event_log_covers(server->events, asked->since_rev, server->rev)) {
        reply_changes(server, subscriber, request, asked->since_rev);
        return;
    }
    if (has_place) {
        server->resyncs_total++;
        LOG_SUBSCRIBER_RESYNCED(&server->app->log, scope_keep_z(subscriber->life, link_peer(link)),
                                (unsigned long long)asked->since_rev,
                                (unsigned long long)event_log_oldest(server->events));
    }
    send_page(server, subscriber, request, 0, 0);
}
