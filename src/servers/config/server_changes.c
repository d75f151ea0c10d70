/* SPDX-License-Identifier: Apache-2.0 */
/* Changes for who asks for them again and again: the answer waits until something happens that the
 * asker may know. A waiting question has one place in the order of revisions, as a subscriber has.
 */
#include "gen/objects.h"
#include "servers/config/server.h"

enum { WAITS_MAX = 4000, EVENTS_MAX = 1000 };

struct change_wait {
    struct list node; /* in server->change_waits */
    struct scope *life;
    struct config_server *server;
    struct link_request *request;
    const struct config_read_changes *asked; /* in the request's scope */
    struct timer *timer;
    uint64_t since; /* all up to here was looked at */
};

/* --- what happened -------------------------------------------------------------------------- */

static bool names(const struct text *at, uint32_t count, struct text name)
{
    for (uint32_t i = 0; i < count; i++)
        if (text_eq(at[i], name)) return true;
    return count == 0;
}

static bool is_asked_for(const struct config_read_changes *asked, const struct event *event)
{
    const struct object_type *type = event->type;
    bool fits_type = names(asked->types.at, asked->types.count, text_of(type->name)) ||
                     names(asked->types.at, asked->types.count, text_of(type->plural));
    return fits_type &&
           (type->is_global || names(asked->tenants.at, asked->tenants.count, event->tenant));
}

static bool may_read(const struct config_server *server, struct access_rights *rights,
                     const struct event *event)
{
    const struct object *object = object_set_find_dbid(server->objects, event->type, event->dbid);
    struct access_gone gone = { .type = event->type, .dbid = event->dbid, .tenant = event->tenant };
    return object ? access_may(rights, object, MAY_READ) : access_may_read_gone(rights, &gone);
}

/* As it was made, with defaults and without secrets. */
static struct text value_of(struct scope *scope, const struct event *event)
{
    struct object *object;
    struct fault fault;
    if (object_load(scope, event->type, event->tenant, event->key, event->json, &object, &fault))
        return (struct text){ 0 };
    object->dbid = event->dbid;
    return object_full_json(scope, object, NULL, NULL);
}

static const char *name_of(const struct event *event)
{
    switch (event->op[0]) {
    case 'a': return event->op[1] == 'c' ? "access-changed" : "object-added";
    case 'd': return "object-deleted";
    default: return "object-changed";
    }
}

static struct config_change_event message_of(struct scope *scope, const struct event *event,
                                             uint64_t rev)
{
    struct config_change_event out = {
        .head.has = CONFIG_CHANGE_EVENT_HAS_EVENT | CONFIG_CHANGE_EVENT_HAS_REV |
                    CONFIG_CHANGE_EVENT_HAS_TYPE | CONFIG_CHANGE_EVENT_HAS_DBID |
                    CONFIG_CHANGE_EVENT_HAS_KEY,
        .event = text_of(name_of(event)),
        .rev = rev,
        .type = text_of(event->type->name),
        .dbid = event->dbid,
        .tenant = event->tenant,
        .key = event->key,
    };
    if (!event->type->is_global) out.head.has |= CONFIG_CHANGE_EVENT_HAS_TENANT;
    if (text_eq(out.event, TEXT("object-added"))) out.value = value_of(scope, event);
    if (text_eq(out.event, TEXT("object-changed"))) out.delta = event->patch;
    if (out.value.len) out.head.has |= CONFIG_CHANGE_EVENT_HAS_VALUE;
    if (out.delta.len) out.head.has |= CONFIG_CHANGE_EVENT_HAS_DELTA;
    return out;
}

struct collecting {
    struct config_change_event *at;
    uint32_t count, room;
    uint64_t rev;   /* up to which it is whole */
    bool is_resync; /* what the asker may see has moved: it is to read everything again */
};

static void add(struct scope *scope, struct collecting *found,
                const struct config_change_event *event)
{
    if (found->count == found->room) {
        found->room = found->room ? found->room * 2 : 16;
        struct config_change_event *grown = scope_alloc_array(scope, found->room, sizeof *grown);
        for (uint32_t i = 0; i < found->count; i++) grown[i] = found->at[i];
        found->at = grown;
    }
    found->at[found->count++] = *event;
}

struct asking { /* for whom is collected */
    const struct config_server *server;
    const struct config_read_changes *asked;
    struct access_rights *rights;
    struct scope *scope;
};

static void add_event(const struct asking *asking, const struct event *event, uint64_t rev,
                      struct collecting *found)
{
    if (!is_asked_for(asking->asked, event) || !may_read(asking->server, asking->rights, event))
        return;
    struct config_change_event message = message_of(asking->scope, event, rev);
    add(asking->scope, found, &message);
}

/* Entries of what is no more say nothing to anybody. */
static void add_access(const struct asking *asking, const struct event_rev *rev,
                       struct collecting *found)
{
    for (uint32_t i = 0; i < rev->access_count; i++) {
        const struct event_place *place = &rev->access[i];
        bool is_told = i && place[-1].type == place->type && place[-1].dbid == place->dbid;
        const struct object *object =
            object_set_find_dbid(asking->server->objects, place->type, place->dbid);
        if (object == NULL || is_told) continue;
        struct event event = { .op = "access",
                               .type = place->type,
                               .dbid = place->dbid,
                               .tenant = object->tenant,
                               .key = object->key };
        add_event(asking, &event, rev->rev, found);
    }
}

/* Who is bounded by permissions may see other objects than before. */
static bool moves_sight(const struct asking *asking, const struct event_rev *rev)
{
    enum access_kind kind = asking->rights->kind;
    if (kind == ACCESS_TO_EVERYTHING || kind == ACCESS_TO_READ) return false;
    bool moves = rev->access_count > 0;
    for (uint32_t i = 0; i < rev->count && !moves; i++)
        moves = rev->events[i].type == &OBJECT_ACCESS_GROUP;
    return moves;
}

static void collect(const struct config_server *server, struct scope *scope,
                    struct link_request *request, const struct config_read_changes *asked,
                    uint64_t since, struct collecting *found)
{
    struct actor actor = actor_of(server, scope, request);
    struct asking asking = { server, asked, actor_rights(server, scope, &actor), scope };
    found->rev = since;
    while (found->rev < server->rev && found->count < EVENTS_MAX) {
        const struct event_rev *rev = event_log_find(server->events, ++found->rev);
        for (uint32_t i = 0; rev && i < rev->count; i++)
            add_event(&asking, &rev->events[i], rev->rev, found);
        if (rev) add_access(&asking, rev, found);
        if (rev && moves_sight(&asking, rev)) found->is_resync = true;
    }
}

/* --- answers -------------------------------------------------------------------------------- */

static void reply(const struct config_server *server, struct link_request *request,
                  const struct collecting *found, bool is_resync)
{
    struct config_mode_changed mode = server_mode_message(server);
    struct config_changes_read out = {
        .head.has = CONFIG_CHANGES_READ_HAS_REV | CONFIG_CHANGES_READ_HAS_EPOCH |
                    CONFIG_CHANGES_READ_HAS_MODE | CONFIG_CHANGES_READ_HAS_EVENTS |
                    CONFIG_CHANGES_READ_HAS_RESYNC,
        .rev = found ? found->rev : server->rev,
        .epoch = server->epoch,
        .mode = mode.mode,
        .reason = mode.reason,
        .resync = is_resync,
    };
    if (out.reason.len) out.head.has |= CONFIG_CHANGES_READ_HAS_REASON;
    if (found) {
        out.events.at = found->at;
        out.events.count = found->count;
    }
    link_reply(request, &out);
}

static void end(struct change_wait *wait)
{
    list_remove(&wait->node);
    wait->server->change_wait_count--;
    scope_close(wait->life);
}

static void on_time_up(void *self)
{
    struct change_wait *wait = self;
    struct collecting nothing = { .rev = wait->since };
    reply(wait->server, wait->request, &nothing, false);
    end(wait);
}

/* Answered and gone when there is something to say. */
static void look(struct change_wait *wait, bool has_moved)
{
    struct collecting found = { 0 };
    struct scope *scratch = scope_new(NULL, "changes", SCOPE_NO_LIMIT);
    collect(wait->server, scratch, wait->request, wait->asked, wait->since, &found);
    wait->since = found.rev;
    bool is_told = found.count || found.is_resync || has_moved;
    if (is_told || link_request_link(wait->request) == NULL) {
        reply(wait->server, wait->request, &found, found.is_resync);
        end(wait);
    }
    scope_close(scratch);
}

void changes_wake(struct config_server *server, bool has_moved)
{
    struct list *ring = &server->change_waits, *next;
    for (struct list *node = ring->next; node != ring; node = next) {
        next = node->next;
        look(LIST_OBJECT(node, struct change_wait, node), has_moved);
    }
}

static bool is_known(const struct config_server *server, const struct config_read_changes *asked)
{
    bool is_ours = asked->epoch.len == 0 || text_eq(asked->epoch, server->epoch);
    return is_ours && event_log_covers(server->events, asked->since, server->rev);
}

static void begin_wait(struct config_server *server, struct link_request *request,
                       const struct config_read_changes *asked, uint64_t since)
{
    struct scope *life = scope_new(server->app->life, "change wait", SCOPE_NO_LIMIT);
    struct change_wait *wait = scope_alloc(life, sizeof *wait);
    *wait = (struct change_wait){
        .life = life, .server = server, .request = request, .asked = asked, .since = since
    };
    wait->timer = timer_new(life, server->app->loop, on_time_up, wait);
    timer_start(wait->timer, asked->wait * UINT64_C(1000));
    list_add_last(&server->change_waits, &wait->node);
    server->change_wait_count++;
}

void request_read_changes(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_read_changes *asked = fields;
    struct collecting found = { .rev = server->rev };
    bool has_place = SHAPE_HAS(asked, CONFIG_READ_CHANGES_HAS_SINCE);
    if (has_place && !is_known(server, asked)) {
        reply(server, request, NULL, true);
        return;
    }
    if (has_place)
        collect(server, link_request_scope(request), request, asked, asked->since, &found);
    bool waits = has_place && found.count == 0 && !found.is_resync && asked->wait &&
                 server->change_wait_count < WAITS_MAX;
    if (waits)
        begin_wait(server, request, asked, found.rev);
    else
        reply(server, request, &found, found.is_resync);
}
