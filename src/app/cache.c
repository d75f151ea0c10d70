/* SPDX-License-Identifier: Apache-2.0 */
/* DATA/run/NAME.cfgcache (framework 3.4): the mirror, as snapshot_file.h keeps it. */
#include "app/private.h"

#include "app/snapshot_file.h"

struct cache {
    struct app *app;
    struct snapshot_file *file; /* NULL: in a test */
    struct buf epoch;
};

static struct text cache_path(const struct app *app, struct scope *scope)
{
    return scope_format(scope, "%.*s/%.*s.cfgcache", TEXT_ARG(app->run_dir), TEXT_ARG(app->name));
}

/* --- writing -------------------------------------------------------------------------------- */

struct collecting {
    struct config_config_object *at;
    uint32_t count;
};

static void collect(void *self, const struct mirror_entry *entry)
{
    struct collecting *collecting = self;
    struct config_config_object *object = &collecting->at[collecting->count++];
    *object = (struct config_config_object){
        .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                    CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_TENANT |
                    CONFIG_CONFIG_OBJECT_HAS_KEY | CONFIG_CONFIG_OBJECT_HAS_BODY,
        .type = text_of(entry->type->name),
        .dbid = entry->dbid,
        .rev = entry->rev,
        .tenant = entry->tenant,
        .key = entry->key,
        .body = entry->body,
    };
}

static void fill(void *self, struct scope *scope, struct config_snapshot *out)
{
    const struct cache *cache = self;
    const struct app_private *private = cache->app->private;
    size_t count = mirror_count(private->mirror);
    struct collecting objects = { .at = scope_alloc_array(scope, count + 1, sizeof *objects.at) };
    mirror_each(private->mirror, collect, &objects);
    *out = (struct config_snapshot){
        .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                    CONFIG_SNAPSHOT_HAS_CONTENT | CONFIG_SNAPSHOT_HAS_OBJECTS,
        .rev = private->config_rev,
        .epoch = buf_text(&cache->epoch),
        .content = TEXT("objects"),
        .objects = { objects.at, objects.count },
    };
}

static void forget(void *self)
{
    struct cache *cache = self;
    buf_free(&cache->epoch);
}

struct cache *cache_new(struct app *app)
{
    struct cache *cache = scope_alloc(app->life, sizeof *cache);
    struct scope *scratch = scope_new(NULL, "cache path", SCOPE_NO_LIMIT);
    cache->app = app;
    scope_on_close(app->life, forget, cache);
    if (app->run_dir.len)
        cache->file = snapshot_file_new(
            app->life, app->loop,
            &(struct snapshot_file_setup){ cache_path(app, scratch), fill, cache, &app->log });
    scope_close(scratch);
    return cache;
}

void cache_write(struct cache *cache, struct text epoch)
{
    buf_clear(&cache->epoch);
    buf_add(&cache->epoch, epoch);
    if (cache->file) snapshot_file_write(cache->file);
}

/* --- reading -------------------------------------------------------------------------------- */

static void fill_mirror(struct app *app, const struct config_snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->objects.count; i++) {
        const struct config_config_object *object = &snapshot->objects.at[i];
        const struct object_type *type = object_type_find(object->type);
        struct mirror_entry entry = { type,           object->dbid, object->rev,
                                      object->tenant, object->key,  object->body };
        enum mirror_deed deed;
        if (type) (void)mirror_put(app->private->mirror, &entry, &deed, NULL);
    }
}

enum err cache_read(struct app *app, struct scope *scope, const struct config_snapshot **out)
{
    enum err err = snapshot_file_read(cache_path(app, scope), scope, out);
    if (!err) fill_mirror(app, *out);
    return err;
}
