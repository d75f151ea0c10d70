/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told what. A subscriber has one place in the order of revisions; pages of a snapshot and
 * revisions that come meanwhile leave on the same link in the order in which they are true. */
#include "fault.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/config/server.h"
#include "servers/config/sights.h"

#include <inttypes.h>
#include <stdio.h>

/* What a change of permissions may show or hide at once; past it, or where a revision does not fit
 * a frame, everything is read anew. */
enum {
    TYPES_MAX = 64,
    OPS_MAX = 100000,
    SIGHTS_MOVED_MAX = 500,
    CHANGED_BYTES_MAX = 12 * 1024 * 1024,
    OP_BYTES = 100 /* beside the body: names, numbers */
};

struct subscriber {
    struct list node;
    struct scope *life;
    struct link *link;
    bool is_clear; /* may see secrets */
    bool is_proxy; /* keeps a copy of all: secrets and permissions beside the objects */
    bool wants[TYPES_MAX];
    struct actor actor;
    struct sights *sights; /* NULL: it sees everything, and nobody needs to remember what */
    bool is_paging;        /* has not seen all pages yet */
};

/* --- what a link may see -------------------------------------------------------------------- */

static struct text secret_of(void *self, struct text name)
{
    const struct config_server *server = self;
    struct text value;
    (void)secrets_find(server->secrets, name, &value);
    return value.at ? value : TEXT("");
}

static bool is_clear_for(const struct config_server *server, const struct subscriber *subscriber,
                         const struct object *object)
{
    return subscriber->is_clear || trust_with_access_point(server, subscriber->link, object);
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

static struct access_rights *rights_of(const struct config_server *server,
                                       const struct subscriber *subscriber, struct scope *scope)
{
    return actor_rights(server, scope, &subscriber->actor);
}

static bool sees_all(const struct access_rights *rights)
{
    return rights->kind == ACCESS_TO_EVERYTHING || rights->kind == ACCESS_TO_READ;
}

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

static struct subscriber *add(struct config_server *server, struct link_request *request)
{
    struct link *link = link_request_link(request);
    struct scope *life = scope_new(server->app->life, "subscriber", SCOPE_NO_LIMIT);
    struct subscriber *subscriber = scope_alloc(life, sizeof *subscriber);
    subscriber->life = life;
    subscriber->link = link;
    subscriber->is_clear = trust_with_secrets(server, link);
    subscriber->actor = actor_of(server, life, request);
    if (!sees_all(rights_of(server, subscriber, life))) subscriber->sights = sights_new(life);
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
    struct access_rights *rights;
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
        if (objects[i]->dbid <= dbid || !access_may(page->rights, objects[i], MAY_READ)) continue;
        if (is_full(page)) {
            page->out.head.has |= CONFIG_SNAPSHOT_HAS_CURSOR;
            page->out.cursor = scope_format(page->scope, "%zu:%u", type_index, dbid);
            return false;
        }
        struct config_config_object *message = &page->out.objects.at[page->out.objects.count++];
        *message = object_message(page->scope, page->server, objects[i],
                                  is_clear_for(page->server, page->subscriber, objects[i]));
        if (page->subscriber->is_proxy) copy_add_acl(page->scope, page->server, type, message);
        page->bytes += message->body.len;
        dbid = objects[i]->dbid;
        if (page->subscriber->sights) sights_set(page->subscriber->sights, type, dbid, true);
    }
    return true;
}

static void add_secrets(struct page *page)
{
    uint32_t count;
    const struct text *names = secrets_names(page->server->secrets, page->scope, &count);
    page->out.head.has |= CONFIG_SNAPSHOT_HAS_SECRETS;
    page->out.secrets.at = copy_secret_values(page->scope, page->server, names, count);
    page->out.secrets.count = count;
}

static void send_page(struct config_server *server, struct subscriber *subscriber,
                      struct link_request *request, size_t type_index, uint32_t dbid)
{
    struct page page = {
        .server = server,
        .subscriber = subscriber,
        .rights = rights_of(server, subscriber, link_request_scope(request)),
        .scope = link_request_scope(request),
        .out = { .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                             CONFIG_SNAPSHOT_HAS_CONTENT | CONFIG_SNAPSHOT_HAS_OBJECTS,
                 .rev = server->rev,
                 .epoch = server->epoch,
                 .content = TEXT("objects") },
    };
    bool is_first = type_index == 0 && dbid == 0;
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    page.out.objects.at =
        scope_alloc_array(page.scope, PAGE_OBJECTS_MAX, sizeof *page.out.objects.at);
    for (; type_index < type_count; type_index++, dbid = 0) {
        if (!subscriber->wants[type_index]) continue;
        if (!add_type(&page, type_index, types[type_index], dbid)) break;
    }
    if (is_first && subscriber->is_proxy) add_secrets(&page);
    subscriber->is_paging = SHAPE_HAS(&page.out, CONFIG_SNAPSHOT_HAS_CURSOR);
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

/* One revision on its way to all: what it says of an object is made once for all who hear it. */
struct round {
    const struct config_server *server;
    const struct event_rev *rev;
    struct scope *life;
    struct config_config_object **made[2]; /* by event; with secrets as names, in clear */
};

static struct round round_begin(const struct config_server *server, const struct event_rev *rev)
{
    struct scope *life = scope_new(server->app->life, "round", SCOPE_NO_LIMIT);
    struct round round = { .server = server, .rev = rev, .life = life };
    for (size_t i = 0; i < 2; i++)
        round.made[i] = scope_alloc_array(life, rev->count, sizeof(struct config_config_object *));
    return round;
}

static struct config_config_object *round_object(const struct round *round, uint32_t index,
                                                 bool is_clear)
{
    struct config_config_object **made = &round->made[is_clear][index];
    if (*made == NULL)
        *made = event_object(round->life, round->server, &round->rev->events[index],
                             round->rev->rev, is_clear);
    return *made;
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
                     const struct round *round)
{
    const struct event_rev *rev = round->rev;
    size_t bytes = 0;
    if (rev->count > OPS_MAX) {
        send_resync(server, subscriber, "one revision changed more than fits a message");
        return;
    }
    struct scope *scratch = scope_new(server->app->life, "changed", SCOPE_NO_LIMIT);
    struct config_changed changed = { .head.has = CONFIG_CHANGED_HAS_REV | CONFIG_CHANGED_HAS_OPS,
                                      .rev = rev->rev };
    changed.ops.at =
        scope_alloc_array(scratch, rev->count + rev->access_count + 1u, sizeof *changed.ops.at);
    for (uint32_t i = 0; i < rev->count; i++) {
        const struct event *event = &rev->events[i];
        if (!subscriber->wants[index_of(event->type)]) continue;
        changed.ops.at[changed.ops.count++] = (struct config_changed_object){
            .head.has = CONFIG_CHANGED_OBJECT_HAS_OP | CONFIG_CHANGED_OBJECT_HAS_OBJECT,
            .op = text_of(event->op),
            .object = round_object(round, i, subscriber->is_clear),
        };
        bytes += changed.ops.at[changed.ops.count - 1].object->body.len + OP_BYTES;
    }
    if (subscriber->is_proxy) copy_add_beside(scratch, server, rev, &changed);
    if (bytes > CHANGED_BYTES_MAX)
        send_resync(server, subscriber, "one revision changed more than fits a message");
    else
        link_send(subscriber->link, &MSG_CONFIG_CHANGED, &changed);
    scope_close(scratch);
}

/* --- bounded by permissions ----------------------------------------------------------------- */

struct telling {
    struct config_server *server;
    struct subscriber *subscriber;
    struct access_rights *rights;
    struct scope *scratch;
    struct config_changed changed;
    uint32_t room;
    const struct event *event; /* at hand; NULL: only permissions moved */
};

/* Without a body: it is not to be seen any more; nor is the name that it may have got. */
static struct config_config_object *hidden_object(struct scope *scope,
                                                  const struct object_type *type, uint32_t dbid,
                                                  uint64_t rev)
{
    struct config_config_object *out = scope_alloc(scope, sizeof *out);
    *out = (struct config_config_object){
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY,
        .type = text_of(type->name),
        .dbid = dbid,
        .rev = rev,
        .key = scope_format(scope, "%u", dbid),
    };
    return out;
}

/* By what it knew and what it may see now; `object` NULL: there is none any more. */
static void tell_sight(struct telling *telling, const struct object_type *type, uint32_t dbid,
                       const struct object *object)
{
    struct subscriber *subscriber = telling->subscriber;
    bool is_seen = object && access_may(telling->rights, object, MAY_READ);
    bool was_seen = sights_has(subscriber->sights, type, dbid);
    if (telling->changed.ops.count == telling->room) return;
    if (is_seen == was_seen && !(is_seen && telling->event)) return;
    sights_set(subscriber->sights, type, dbid, is_seen);
    struct config_config_object *message = NULL;
    if (is_seen) {
        message = scope_alloc(telling->scratch, sizeof *message);
        *message = object_message(telling->scratch, telling->server, object,
                                  is_clear_for(telling->server, subscriber, object));
    } else if (object) {
        message = hidden_object(telling->scratch, type, dbid, telling->changed.rev);
    } else {
        message = event_object(telling->scratch, telling->server, telling->event,
                               telling->changed.rev, false);
    }
    telling->changed.ops.at[telling->changed.ops.count++] = (struct config_changed_object){
        .head.has = CONFIG_CHANGED_OBJECT_HAS_OP | CONFIG_CHANGED_OBJECT_HAS_OBJECT,
        .op = !is_seen   ? TEXT("deleted")
              : was_seen ? TEXT("changed")
                         : TEXT("added"),
        .object = message,
    };
}

static void tell_all_sights(struct telling *telling)
{
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    for (size_t i = 0; i < type_count; i++) {
        size_t count;
        const struct object *const *objects =
            object_set_of(telling->server->objects, types[i], &count);
        if (!telling->subscriber->wants[i]) continue;
        for (size_t k = 0; k < count; k++)
            tell_sight(telling, types[i], objects[k]->dbid, objects[k]);
    }
}

/* What may be seen of others may have moved with it. */
static bool moves_access(const struct event_rev *rev)
{
    static const struct object_type *const deciding[] = { &OBJECT_ACCESS_GROUP, &OBJECT_APPLICATION,
                                                          &OBJECT_FOLDER, &OBJECT_PERSON,
                                                          &OBJECT_TENANT };
#ifndef FAULT_SIGHT_KEPT
    if (rev->moves_access) return true;
#endif
    for (uint32_t i = 0; i < rev->count; i++)
        for (size_t k = 0; k < sizeof deciding / sizeof deciding[0]; k++)
            if (rev->events[i].type == deciding[k]) return true;
    return false;
}

/* It begins anew, and hears nothing until then. */
static void begin_anew(struct config_server *server, struct subscriber *subscriber)
{
    send_resync(server, subscriber, "what it may see has changed");
    subscribers_forget(server, subscriber->link);
}

static void send_sights(struct telling *telling, const struct event_rev *rev, bool moves)
{
    telling->room = rev->count + SIGHTS_MOVED_MAX;
    telling->changed.ops.at =
        scope_alloc_array(telling->scratch, telling->room, sizeof *telling->changed.ops.at);
    for (uint32_t i = 0; i < rev->count; i++) {
        const struct event *event = &rev->events[i];
        const struct object *object =
            object_set_find_dbid(telling->server->objects, event->type, event->dbid);
        telling->event = event;
        if (telling->subscriber->wants[index_of(event->type)])
            tell_sight(telling, event->type, event->dbid, object);
    }
    telling->event = NULL;
    if (moves) tell_all_sights(telling);
    if (telling->changed.ops.count == telling->room || rev->count > OPS_MAX)
        begin_anew(telling->server, telling->subscriber);
    else
        link_send(telling->subscriber->link, &MSG_CONFIG_CHANGED, &telling->changed);
}

static void tell(struct config_server *server, struct subscriber *subscriber,
                 const struct round *round, bool moves)
{
    const struct event_rev *rev = round->rev;
    if (subscriber->sights == NULL && !moves) {
        send_rev(server, subscriber, round);
        return;
    }
    struct scope *scratch = scope_new(server->app->life, "changed", SCOPE_NO_LIMIT);
    struct telling telling = {
        .server = server,
        .subscriber = subscriber,
        .rights = rights_of(server, subscriber, scratch),
        .scratch = scratch,
        .changed = { .head.has = CONFIG_CHANGED_HAS_REV | CONFIG_CHANGED_HAS_OPS, .rev = rev->rev },
    };
    bool is_all = sees_all(telling.rights), was_all = subscriber->sights == NULL;
    if (is_all != was_all || (!is_all && moves && subscriber->is_paging))
        begin_anew(server, subscriber);
    else if (is_all)
        send_rev(server, subscriber, round);
    else
        send_sights(&telling, rev, moves);
    scope_close(scratch);
}

void subscribers_tell(struct config_server *server, const struct event_rev *rev)
{
    bool moves = moves_access(rev);
    struct round round = round_begin(server, rev);
    struct list *node = server->subscribers.next;
    while (node != &server->subscribers) {
        struct list *next = node->next; /* it may leave */
        tell(server, LIST_OBJECT(node, struct subscriber, node), &round, moves);
        node = next;
    }
    scope_close(round.life);
}

void subscribers_resync(struct config_server *server, const char *reason)
{
    LIST_EACH (node, &server->subscribers)
        send_resync(server, LIST_OBJECT(node, struct subscriber, node), reason);
}

void subscribers_tell_mode(struct config_server *server)
{
    struct config_mode_changed mode = server_mode_message(server);
    LIST_EACH (node, &server->subscribers)
        link_send(LIST_OBJECT(node, struct subscriber, node)->link, &MSG_CONFIG_MODE_CHANGED,
                  &mode);
}

/* Who subscribes takes it for full where nobody says otherwise. */
static void tell_its_mode(const struct config_server *server, const struct subscriber *subscriber)
{
    struct config_mode_changed mode = server_mode_message(server);
    if (server_is_read_only(server)) link_send(subscriber->link, &MSG_CONFIG_MODE_CHANGED, &mode);
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
    tell_its_mode(server, subscriber);
    for (uint64_t rev = since + 1; rev <= server->rev; rev++) {
        struct round round = round_begin(server, event_log_find(server->events, rev));
        send_rev(server, subscriber, &round);
        scope_close(round.life);
    }
}

void request_subscribe(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_subscribe *asked = fields;
    struct link *link = link_request_link(request);
    if (link == NULL) return; /* it hung up meanwhile */
    subscribers_forget(server, link);
    struct subscriber *subscriber = add(server, request);
    read_types(subscriber, asked);
    subscriber->is_proxy = asked->proxy && trust_with_copy(server, link);
    if (subscriber->is_proxy) subscriber->is_clear = false;
    /* What was to be seen in between is not known any more: who is bounded reads everything. */
    bool is_bounded = subscriber->sights != NULL;
    bool has_place = SHAPE_HAS(asked, CONFIG_SUBSCRIBE_HAS_SINCE_REV);
    bool is_ours = text_eq(asked->epoch, server->epoch) && !is_bounded;
    if (has_place && is_ours && event_log_covers(server->events, asked->since_rev, server->rev)) {
        reply_changes(server, subscriber, request, asked->since_rev);
        return;
    }
    if (has_place && !is_bounded) {
        server->resyncs_total++;
        LOG_SUBSCRIBER_RESYNCED(&server->app->log, scope_keep_z(subscriber->life, link_peer(link)),
                                (unsigned long long)asked->since_rev,
                                (unsigned long long)event_log_oldest(server->events));
    }
    send_page(server, subscriber, request, 0, 0);
    tell_its_mode(server, subscriber);
}
