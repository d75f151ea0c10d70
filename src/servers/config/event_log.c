/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/event_log.h"

#include <stdlib.h>
#include <string.h>

struct event_log {
    struct scope *life;
    struct event_rev **at; /* oldest first */
    size_t count, room, bytes;
    uint32_t revs_max;
};

static void forget(void *self)
{
    free(((struct event_log *)self)->at);
}

struct event_log *event_log_new(struct scope *owner, uint32_t revs_max)
{
    struct scope *life = scope_new(owner, "event log", SCOPE_NO_LIMIT);
    struct event_log *log = scope_alloc(life, sizeof *log);
    *log = (struct event_log){ .life = life, .revs_max = revs_max };
    scope_on_close(life, forget, log);
    return log;
}

void event_log_set_max(struct event_log *log, uint32_t revs_max)
{
    log->revs_max = revs_max;
    event_log_trim(log);
}

static void drop_oldest(struct event_log *log, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        log->bytes -= scope_bytes(log->at[i]->life);
        scope_close(log->at[i]->life);
    }
    memmove(log->at, log->at + count, (log->count - count) * sizeof(struct event_rev *));
    log->count -= count;
}

void event_log_clear(struct event_log *log)
{
    if (log->count) drop_oldest(log, log->count);
}

struct event_rev *event_log_begin(struct event_log *log, uint64_t rev)
{
    if (log->count && log->at[log->count - 1]->rev + 1 != rev) drop_oldest(log, log->count);
    if (log->count == log->room) {
        log->room = log->room * 2 + 64;
        log->at = realloc(log->at, log->room * sizeof(struct event_rev *));
        ASSERT(log->at != NULL);
    }
    struct scope *life = scope_new(log->life, "revision", SCOPE_NO_LIMIT);
    struct event_rev *made = scope_alloc(life, sizeof *made);
    *made = (struct event_rev){ .life = life, .rev = rev };
    log->at[log->count++] = made;
    log->bytes += scope_bytes(life);
    return made;
}

void event_rev_add(struct event_rev *rev, const struct event *event)
{
    if (rev->count == rev->room) {
        rev->room = rev->room ? rev->room * 2 : 4;
        struct event *grown = scope_alloc_array(rev->life, rev->room, sizeof *grown);
        if (rev->count) memcpy(grown, rev->events, rev->count * sizeof *grown);
        rev->events = grown;
    }
    struct event *kept = &rev->events[rev->count++];
    *kept = *event;
    kept->tenant = scope_keep(rev->life, event->tenant);
    kept->key = scope_keep(rev->life, event->key);
    kept->json = scope_keep(rev->life, event->json);
    kept->patch = scope_keep(rev->life, event->patch);
}

/* Rows of these are few: the array doubles where its count is a power of two. */
static void *with_room(struct scope *life, void *at, uint32_t count, size_t size)
{
    if (count & (count - 1)) return at;
    void *grown = scope_alloc_array(life, count ? 2 * (size_t)count : 1, size);
    if (count) memcpy(grown, at, count * size);
    return grown;
}

void event_rev_add_access(struct event_rev *rev, const struct object_type *type, uint32_t dbid)
{
    rev->access = with_room(rev->life, rev->access, rev->access_count, sizeof *rev->access);
    rev->access[rev->access_count++] = (struct event_place){ type, dbid };
    rev->moves_access = true;
}

void event_rev_add_secret(struct event_rev *rev, struct text name)
{
    rev->secrets = with_room(rev->life, rev->secrets, rev->secret_count, sizeof *rev->secrets);
    rev->secrets[rev->secret_count++] = scope_keep(rev->life, name);
}

static size_t bytes_of(const struct event_log *log)
{
    size_t bytes = 0;
    for (size_t i = 0; i < log->count; i++) bytes += scope_bytes(log->at[i]->life);
    return bytes;
}

void event_log_trim(struct event_log *log)
{
    /* The newest stays in any case: it may be on its way to subscribers. */
    size_t kept = log->revs_max ? log->revs_max : 1;
    log->bytes = bytes_of(log);
    if (log->count > kept) drop_oldest(log, log->count - kept);
    /* A quarter more goes than must, so that not every revision moves all others. */
    while (log->count > 1 && log->bytes > EVENT_LOG_BYTES_MAX) drop_oldest(log, log->count / 4 + 1);
}

bool event_log_covers(const struct event_log *log, uint64_t since, uint64_t present)
{
    if (since == present) return true;
    if (since > present || log->count == 0) return false;
    return log->at[0]->rev <= since + 1 && log->at[log->count - 1]->rev == present;
}

const struct event_rev *event_log_find(const struct event_log *log, uint64_t rev)
{
    if (log->count == 0 || rev < log->at[0]->rev || rev - log->at[0]->rev >= log->count)
        return NULL;
    return log->at[rev - log->at[0]->rev];
}

uint64_t event_log_oldest(const struct event_log *log)
{
    return log->count ? log->at[0]->rev : 0;
}
