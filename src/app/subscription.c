/* SPDX-License-Identifier: Apache-2.0 */
/* The link to config (framework 3.4): subscribe, apply pages and changes in the order in which they
 * come, and after a reconnect go on from the revision we have. While config is away the application
 * works with what it knows, and tries config and its backup by turns, without limit. */
#include "app/private.h"

#include "app/snapshot_file.h"
#include "fault.h"
#include "gen/events.h"
#include "gen/messages.h"
#include "gen/objects.h"

#include <string.h>

enum { ASK_MS = 30 * 1000, RETRY_MS = 1000, RECONNECT_MS = 2000, TYPES_MAX = 64 };

struct tally {
    uint32_t added, changed, deleted;
};

struct subscription {
    struct app *app;
    struct link *link;
    struct cache *cache;
    struct timer *wait_timer;  /* at start: for config, before the cache is used */
    struct timer *retry_timer; /* subscribe again */
    struct timer *turn_timer;  /* away: the other address is to be tried */
    bool is_at_backup;
    struct buf epoch;
    uint64_t rev;       /* applied so far */
    bool has_all;       /* a whole configuration was applied once */
    bool is_in_pages;   /* a snapshot is coming */
    bool is_subscribed; /* changes are coming */
    bool is_asking;     /* an answer is awaited */
    bool is_waited;     /* config had its time to bring the first configuration */
    bool asks_again;    /* it is to be passed over: subscribe again after it */
    struct tally tally; /* of the snapshot that is coming */
    const char *reason; /* why everything is read anew; NULL: it is not */
    struct text types[TYPES_MAX];
    uint32_t type_count;
};

static void forget(void *self)
{
    struct subscription *subscription = self;
    buf_free(&subscription->epoch);
}

/* --- applying ------------------------------------------------------------------------------- */

static void add_tally(struct tally *tally, enum mirror_deed deed)
{
    tally->added += deed == MIRROR_ADDED;
    tally->changed += deed == MIRROR_CHANGED;
    tally->deleted += deed == MIRROR_DELETED;
}

static void put(struct subscription *subscription, const struct config_config_object *object,
                struct tally *tally)
{
    struct app *app = subscription->app;
    const struct object_type *type = object_type_find(object->type);
    if (type == NULL) return; /* of a newer release */
    struct mirror_entry entry = { type,           object->dbid, object->rev,
                                  object->tenant, object->key,  object->body };
    struct fault fault;
    enum mirror_deed deed;
    if (mirror_put(app->private->mirror, &entry, &deed, &fault)) {
        char key[256] = "";
        (void)text_to_z(text_slice(object->key, 0, sizeof key - 1), key, sizeof key);
        LOG_CONFIG_OBJECT_REFUSED(&app->log, type->name, key, fault.words);
    }
    add_tally(tally, deed);
}

static void apply(struct subscription *subscription, const struct config_changed *changed,
                  struct tally *tally)
{
    uint32_t count = changed->ops.count;
#ifdef FAULT_CHANGE_DROPPED
    count -= count > 1;
#endif
    for (uint32_t i = 0; i < count; i++) {
        const struct config_changed_object *op = &changed->ops.at[i];
        const struct object_type *type = object_type_find(op->object->type);
        if (!text_eq(op->op, TEXT("deleted")))
            put(subscription, op->object, tally);
        else if (type)
            add_tally(tally,
                      mirror_delete(subscription->app->private->mirror, type, op->object->dbid));
    }
}

static void tell_applied(struct subscription *subscription, const struct tally *tally)
{
    struct app *app = subscription->app;
    app->private->config_rev = subscription->rev;
    if (tally->added + tally->changed + tally->deleted == 0) return; /* it concerns others */
    LOG_CONFIG_APPLIED(&app->log, (unsigned long long)subscription->rev, tally->added,
                       tally->changed, tally->deleted);
    app_settle(app, subscription->rev);
    cache_write(subscription->cache, buf_text(&subscription->epoch));
}

static void snapshot_is_whole(struct subscription *subscription)
{
    struct app *app = subscription->app;
    subscription->tally.deleted += mirror_end_snapshot(app->private->mirror);
    subscription->is_in_pages = false;
    if (subscription->reason)
        LOG_CONFIG_REREAD(&app->log, (unsigned long long)subscription->rev, subscription->reason);
    subscription->reason = NULL;
    subscription->has_all = true;
    timer_stop(subscription->wait_timer);
    tell_applied(subscription, &subscription->tally);
    app_begin_or_end(app); /* nothing happens when it has begun */
}

/* --- talking to config ---------------------------------------------------------------------- */

static void subscribe(void *self);
static void start_from_cache(struct subscription *subscription);
static void on_page(void *self, const struct link_error *error, const void *fields);

/* Of each answer first: false when it belongs to a subscription that was given up. */
static bool is_answer_wanted(struct subscription *subscription)
{
    subscription->is_asking = false;
    if (!subscription->asks_again) return true;
    subscription->asks_again = false;
    subscribe(subscription);
    return false;
}

static void ask_next_page(struct subscription *subscription, struct text cursor)
{
    struct config_snapshot_next next = { .head.has = CONFIG_SNAPSHOT_NEXT_HAS_CURSOR,
                                         .cursor = cursor };
    subscription->is_asking = true;
    link_ask(subscription->link, &MSG_CONFIG_SNAPSHOT_NEXT, &next, NULL, ASK_MS, on_page,
             subscription);
}

/* Half a snapshot is worth nothing: what it has not brought would count as deleted. */
static void give_pages_up(struct subscription *subscription)
{
    if (subscription->is_in_pages && subscription->has_all)
        subscription->reason = "the snapshot broke off";
    subscription->is_in_pages = false;
    if (subscription->is_waited) start_from_cache(subscription);
}

static void on_error(struct subscription *subscription, const struct link_error *error)
{
    subscription->is_subscribed = false;
    log_debug(&subscription->app->log, "subscribing: %.*s", TEXT_ARG(error->text));
    if (link_is_up(subscription->link)) timer_start(subscription->retry_timer, RETRY_MS);
    give_pages_up(subscription);
}

static void take_page(struct subscription *subscription, const struct config_snapshot *page)
{
    for (uint32_t i = 0; i < page->objects.count; i++)
        put(subscription, &page->objects.at[i], &subscription->tally);
    if (page->head.has & CONFIG_SNAPSHOT_HAS_CURSOR)
        ask_next_page(subscription, page->cursor);
    else
        snapshot_is_whole(subscription);
}

static void on_page(void *self, const struct link_error *error, const void *fields)
{
    struct subscription *subscription = self;
    if (!is_answer_wanted(subscription)) return;
    if (error)
        on_error(subscription, error);
    else
        take_page(subscription, fields);
}

static void begin_pages(struct subscription *subscription, const struct config_snapshot *page,
                        bool is_other_store)
{
    if (is_other_store) mirror_forget_revs(subscription->app->private->mirror);
    if (subscription->has_all && !subscription->reason)
        subscription->reason = "the changes in between are not kept any more";
    subscription->is_in_pages = true;
    subscription->tally = (struct tally){ 0 };
    subscription->rev = page->rev;
    mirror_begin_snapshot(subscription->app->private->mirror);
    take_page(subscription, page);
}

static void on_subscribed(void *self, const struct link_error *error, const void *fields)
{
    struct subscription *subscription = self;
    const struct config_snapshot *page = fields;
    if (!is_answer_wanted(subscription)) return;
    if (error) {
        on_error(subscription, error);
        return;
    }
    subscription->is_subscribed = true;
    bool is_other_store = !text_eq(buf_text(&subscription->epoch), page->epoch);
    buf_clear(&subscription->epoch);
    buf_add(&subscription->epoch, page->epoch);
    /* Content "changes": Changed follows, for each revision that we miss. */
    if (text_eq(page->content, TEXT("objects"))) begin_pages(subscription, page, is_other_store);
#ifdef FAULT_RESYNC_SKIPS
    subscription->rev = page->rev;
#endif
}

static void subscribe(void *self)
{
    struct subscription *subscription = self;
    if (!link_is_up(subscription->link)) return;
    subscription->asks_again = subscription->is_asking;
    if (subscription->is_asking) return;
    struct config_subscribe fields = {
        .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
        .types = { subscription->types, subscription->type_count },
        .since_rev = subscription->rev,
        .epoch = buf_text(&subscription->epoch),
    };
    if (subscription->has_all && !subscription->reason)
        fields.head.has |= CONFIG_SUBSCRIBE_HAS_SINCE_REV | CONFIG_SUBSCRIBE_HAS_EPOCH;
    subscription->is_subscribed = subscription->is_in_pages = false;
    subscription->is_asking = true;
    link_ask(subscription->link, &MSG_CONFIG_SUBSCRIBE, &fields, NULL, ASK_MS, on_subscribed,
             subscription);
}

static void read_anew(struct subscription *subscription, const char *reason)
{
    subscription->reason = reason;
    subscribe(subscription);
}

static void on_changed(void *self, struct link *link, const void *fields)
{
    struct subscription *subscription = self;
    const struct config_changed *changed = fields;
    (void)link;
    if (!subscription->is_subscribed || changed->rev <= subscription->rev) return;
    if (changed->rev != subscription->rev + 1) {
        read_anew(subscription, "a revision is missing");
        return;
    }
    struct tally tally = { 0 };
    struct tally *sum = subscription->is_in_pages ? &subscription->tally : &tally;
    subscription->rev = changed->rev;
    apply(subscription, changed, sum);
    if (!subscription->is_in_pages) tell_applied(subscription, &tally);
}

static void on_resync(void *self, struct link *link, const void *fields)
{
    (void)link, (void)fields;
    read_anew(self, "config asked for it");
}

/* --- where config is ------------------------------------------------------------------------ */

/* The backup that config's own Application object names, once we know it; empty: none. */
static struct text backup_of(const struct app *app)
{
    const struct app_object *object =
        app_object(app, &OBJECT_APPLICATION, app->private->birth.config_application);
    const struct object_application *fields = object ? (const void *)object->fields : NULL;
    return fields ? fields->backup_server : TEXT("");
}

static uint64_t reconnect_ms(const struct app *app)
{
    const struct app_object *self = app_self(app);
    const struct object_application *fields = self ? (const void *)self->fields : NULL;
    uint32_t seconds = fields && fields->reconnect_timeout
                           ? fields->reconnect_timeout
                           : settings_common(app)->common_reconnect_timeout;
    return seconds * 1000ull;
}

static void connect_to(struct subscription *subscription, struct text address, struct text name);

/* Each Reconnect Timeout without config it is the other one's turn. */
static void take_turns(void *self)
{
    struct subscription *subscription = self;
    const struct app *app = subscription->app;
    const struct birth *birth = &app->private->birth;
    if (link_is_up(subscription->link)) return;
    struct text backup = backup_of(app);
    struct text address = backup.len ? app_port_address(app, backup, TEXT("default")) : TEXT("");
    bool goes_to_backup = !subscription->is_at_backup && address.len > 0;
    if (goes_to_backup || subscription->is_at_backup) {
        link_close(subscription->link);
        subscription->is_at_backup = goes_to_backup;
        connect_to(subscription, goes_to_backup ? address : birth->config,
                   goes_to_backup ? backup : birth->config_application);
    }
    timer_start(subscription->turn_timer, reconnect_ms(app));
}

static void on_up(void *self, struct link *link)
{
    struct subscription *subscription = self;
    (void)link;
    timer_stop(subscription->turn_timer);
    subscribe(subscription);
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct subscription *subscription = self;
    (void)link, (void)why;
    subscription->is_subscribed = subscription->asks_again = false;
    timer_stop(subscription->retry_timer);
    timer_start(subscription->turn_timer, reconnect_ms(subscription->app));
    give_pages_up(subscription);
}

/* --- without config ------------------------------------------------------------------------- */

static void start_from_cache(struct subscription *subscription)
{
    struct app *app = subscription->app;
    if (subscription->has_all || subscription->is_in_pages) return;
    struct scope *scratch = scope_new(app->life, "cache", SCOPE_NO_LIMIT);
    const struct config_snapshot *kept;
    enum err err = cache_read(app, scratch, &kept);
    if (!err) {
        app_settle(app, kept->rev);
        if (!settings_common(app)->common_allow_cached_start) err = ERR_DENIED;
    }
    if (!err) {
        subscription->rev = kept->rev;
        buf_clear(&subscription->epoch);
        buf_add(&subscription->epoch, kept->epoch);
        subscription->has_all = true;
        LOG_STARTED_FROM_CACHE(&app->log, (unsigned long long)kept->rev,
                               snapshot_file_time(kept, scratch).at);
    }
    scope_close(scratch);
    if (!err) app_begin_or_end(app);
}

/* A slow config that is bringing pages is waited for until they break off. */
static void on_waited(void *self)
{
    struct subscription *subscription = self;
    subscription->is_waited = true;
    start_from_cache(subscription);
}

/* --- life ----------------------------------------------------------------------------------- */

static void add_type(struct subscription *subscription, const char *name)
{
    for (uint32_t i = 0; i < subscription->type_count; i++)
        if (text_eq(subscription->types[i], text_of(name))) return;
    ASSERT(subscription->type_count < TYPES_MAX);
    subscription->types[subscription->type_count++] = text_of(name);
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_CONFIG_CHANGED, .on_event = on_changed },
    { .msg = &MSG_CONFIG_RESYNC, .on_event = on_resync },
    { 0 },
};
static const struct link_life hooks = { on_up, on_down };

/* Framework 10.1: both sides of a configuration link are watched. */
static void connect_to(struct subscription *subscription, struct text address, struct text name)
{
    struct app *app = subscription->app;
    uint64_t timeout_ms = reconnect_ms(app);
    const struct link_options options = { .addp_local_ms = 10000,
                                          .addp_remote_ms = 20000,
                                          .reconnect_ms = timeout_ms < RECONNECT_MS
                                                              ? timeout_ms
                                                              : RECONNECT_MS };
    subscription->link = link_connect(app->life, app->net, &app->log, address, name, &app->identity,
                                      &options, handlers, &hooks, subscription);
}

struct link *subscription_link(const struct subscription *subscription)
{
    return subscription->link;
}

struct subscription *subscription_open(struct app *app)
{
    const struct birth *birth = &app->private->birth;
    struct subscription *subscription = scope_alloc(app->life, sizeof *subscription);
    subscription->app = app;
    subscription->cache = cache_new(app);
    subscription->wait_timer = timer_new(app->life, app->loop, on_waited, subscription);
    subscription->retry_timer = timer_new(app->life, app->loop, subscribe, subscription);
    subscription->turn_timer = timer_new(app->life, app->loop, take_turns, subscription);
    scope_on_close(app->life, forget, subscription);
    add_type(subscription, OBJECT_APPLICATION.name);
    add_type(subscription, OBJECT_APP_PROTOTYPE.name);
    add_type(subscription, OBJECT_HOST.name);
    for (const char *const *name = app->type->objects; name && *name; name++)
        add_type(subscription, *name);
    connect_to(subscription, birth->config, birth->config_application);
    timer_start(subscription->turn_timer, reconnect_ms(app));
    timer_start(subscription->wait_timer, CONFIG_WAIT_MS);
    return subscription;
}
