/* SPDX-License-Identifier: Apache-2.0 */
/* event_log.h - the last revisions, kept in memory for subscribers who were away (framework 3.3,
 * F6). Promise  revisions without a gap, in order; the oldest go first when there are too many.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_EVENT_LOG_H
#define SERVERS_CONFIG_EVENT_LOG_H

#include "servers/config/object.h"

enum { EVENT_LOG_BYTES_MAX = 16 * 1024 * 1024 };

struct event {
    const char *op; /* "added", "changed", "deleted" */
    const struct object_type *type;
    uint32_t dbid;
    struct text tenant, key;
    struct text json;  /* what the store keeps; empty when deleted */
    struct text patch; /* of changed ones: what moved, as a merge-patch */
};

struct event_rev {
    struct scope *life;
    uint64_t rev;
    struct event *events;
    uint32_t count, room;
    bool moves_access; /* entries of permissions moved with it */
    /* For proxies: whose entries moved, and the names of secrets that were set. */
    struct event_place {
        const struct object_type *type;
        uint32_t dbid;
    } * access;
    struct text *secrets;
    uint32_t access_count, secret_count;
};

struct event_log;

struct event_log *event_log_new(struct scope *owner, uint32_t revs_max);
void event_log_set_max(struct event_log *log, uint32_t revs_max);
/* The next revision: one more than the last; one that leaves a gap makes the log begin anew. Events
 * are added to it at once; the texts are copied. */
struct event_rev *event_log_begin(struct event_log *log, uint64_t rev);
/* Everything, as if it were new: of another store. */
void event_log_clear(struct event_log *log);
void event_rev_add(struct event_rev *rev, const struct event *event);
void event_rev_add_access(struct event_rev *rev, const struct object_type *type, uint32_t dbid);
void event_rev_add_secret(struct event_rev *rev, struct text name); /* copied */
/* Lets go what is too much, never the newest; after the last event of a revision. */
void event_log_trim(struct event_log *log);

/* All revisions after `since` up to `present` are there. */
bool event_log_covers(const struct event_log *log, uint64_t since, uint64_t present);
const struct event_rev *event_log_find(const struct event_log *log, uint64_t rev); /* or NULL */
uint64_t event_log_oldest(const struct event_log *log);                            /* 0: empty */

#endif
