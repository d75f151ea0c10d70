/* SPDX-License-Identifier: Apache-2.0 */
/* DATA/run/NAME.cfgcache, mode 0600 (framework 3.4): the mirror as one Snapshot message. Written
 * whole beside it and renamed, on a worker thread; a reader sees the last whole one. */
#include "app/private.h"

#include "format/msgpack.h"
#include "gen/events.h"
#include "gen/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CACHE_BYTES_MAX = 512 * 1024 * 1024 };

static const char *cache_path(const struct app *app, struct scope *scope, const char *ending)
{
    return scope_format(scope, "%.*s/%.*s.cfgcache%s", TEXT_ARG(app->run_dir), TEXT_ARG(app->name),
                        ending)
        .at;
}

/* --- writing -------------------------------------------------------------------------------- */

struct job { /* a root of its own: the worker may outlast the application */
    struct scope *life;
    struct cache *cache; /* NULL: gone */
    const char *path, *beside;
    struct buf bytes;
    int error;
};

struct cache {
    struct app *app;
    struct job *job; /* under way */
    bool is_stale;   /* objects moved meanwhile */
    struct buf epoch;
};

static void forget(void *self)
{
    struct cache *cache = self;
    if (cache->job) cache->job->cache = NULL;
    buf_free(&cache->epoch);
}

struct cache *cache_new(struct app *app)
{
    struct cache *cache = scope_alloc(app->life, sizeof *cache);
    cache->app = app;
    scope_on_close(app->life, forget, cache);
    return cache;
}

static int write_file(const struct job *job)
{
    int fd = open(job->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    struct text rest = buf_text(&job->bytes);
    int error = 0;
    while (rest.len > 0 && !error) {
        ssize_t written = write(fd, rest.at, rest.len);
        if (written >= 0)
            rest = text_slice(rest, (size_t)written, rest.len);
        else if (errno != EINTR)
            error = errno;
    }
    if (!error && fsync(fd) != 0) error = errno;
    if (close(fd) != 0 && !error) error = errno;
    return error;
}

static void work(void *self)
{
    struct job *job = self;
    job->error = write_file(job);
    if (!job->error && rename(job->beside, job->path) != 0) job->error = errno;
}

static void start_job(struct cache *cache);

static void done(void *self)
{
    struct job *job = self;
    struct cache *cache = job->cache;
    if (cache) {
        cache->job = NULL;
        if (job->error) LOG_CONFIG_CACHE_FAILED(&cache->app->log, job->path, strerror(job->error));
        if (cache->is_stale) start_job(cache);
    }
    buf_free(&job->bytes);
    scope_close(job->life);
}

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

static void encode(const struct cache *cache, struct job *job)
{
    const struct app_private *private = cache->app->private;
    size_t count = mirror_count(private->mirror);
    struct collecting objects = {
        .at = scope_alloc_array(job->life, count + 1, sizeof *objects.at),
    };
    mirror_each(private->mirror, collect, &objects);
    struct config_snapshot snapshot = {
        .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                    CONFIG_SNAPSHOT_HAS_CONTENT | CONFIG_SNAPSHOT_HAS_OBJECTS,
        .rev = private->config_rev,
        .epoch = buf_text(&cache->epoch),
        .content = TEXT("objects"),
        .objects = { objects.at, objects.count },
    };
    msgpack_encode(&job->bytes, MSG_CONFIG_SNAPSHOT.shape, &snapshot);
}

static void start_job(struct cache *cache)
{
    struct scope *life = scope_new(NULL, "configuration cache", SCOPE_NO_LIMIT);
    struct job *job = scope_alloc(life, sizeof *job);
    job->life = life;
    job->cache = cache;
    job->path = cache_path(cache->app, life, "");
    job->beside = cache_path(cache->app, life, ".new");
    encode(cache, job);
    cache->job = job;
    cache->is_stale = false;
    loop_work(cache->app->loop, work, done, job);
}

void cache_write(struct cache *cache, struct text epoch)
{
    if (cache->app->run_dir.len == 0) return; /* in a test */
    buf_clear(&cache->epoch);
    buf_add(&cache->epoch, epoch);
    if (cache->job)
        cache->is_stale = true;
    else
        start_job(cache);
}

/* --- reading -------------------------------------------------------------------------------- */

static enum err read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0) return ERR_NOT_FOUND;
    /* Ours, and nobody else's to write: it decides what we do. */
    bool is_ours = fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
                   (status.st_mode & 0077) == 0 && status.st_size <= CACHE_BYTES_MAX;
    ssize_t got = is_ours ? 1 : 0;
    while (got > 0 || (got < 0 && errno == EINTR)) {
        got = read(fd, buf_reserve(out, 65536), 65536);
        if (got > 0) out->len += (size_t)got;
    }
    (void)close(fd);
    return is_ours && got == 0 ? ERR_OK : ERR_NOT_FOUND;
}

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

enum err cache_read(struct app *app, struct scope *scope, uint64_t *rev, struct text *epoch)
{
    struct buf bytes = { 0 };
    void *decoded;
    enum err err = read_file(cache_path(app, scope, ""), &bytes);
    if (!err)
        err = msgpack_decode(buf_text(&bytes), MSG_CONFIG_SNAPSHOT.shape, scope, &decoded, NULL);
    buf_free(&bytes);
    if (err) return ERR_NOT_FOUND;
    const struct config_snapshot *snapshot = decoded;
    fill_mirror(app, snapshot);
    *rev = snapshot->rev;
    *epoch = snapshot->epoch;
    return ERR_OK;
}
