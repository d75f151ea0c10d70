/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of the sessions that have a delayed send; of two that are due at once the elder one
 * comes first, so that a run repeats itself. */
#include "scxml/host_private.h"

#include <stdlib.h>

static bool is_before(const struct member *a, const struct member *b)
{
    if (a->due_ms != b->due_ms) return a->due_ms < b->due_ms;
    return a->number < b->number;
}

static void put(struct scxml_host *host, uint32_t at, struct member *member)
{
    host->due[at] = member;
    member->due_at = at;
}

static void sift_up(struct scxml_host *host, struct member *member)
{
    uint32_t at = member->due_at;
    while (at > 0 && is_before(member, host->due[(at - 1) / 2])) {
        put(host, at, host->due[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(host, at, member);
}

static void sift_down(struct scxml_host *host, struct member *member)
{
    uint32_t at = member->due_at;
    for (uint32_t child; (child = 2 * at + 1) < host->due_count; at = child) {
        if (child + 1 < host->due_count && is_before(host->due[child + 1], host->due[child]))
            child++;
        if (!is_before(host->due[child], member)) break;
        put(host, at, host->due[child]);
    }
    put(host, at, member);
}

static void take_out(struct scxml_host *host, struct member *member)
{
    struct member *last = host->due[--host->due_count];
    uint32_t at = member->due_at;
    member->due_at = NOT_DUE;
    if (last == member) return;
    put(host, at, last);
    sift_up(host, last);
    sift_down(host, last);
}

static void add(struct scxml_host *host, struct member *member)
{
    if (host->due_count == host->due_room) {
        host->due_room = host->due_room ? host->due_room * 2 : 64;
        host->due = realloc(host->due, host->due_room * sizeof(struct member *));
        ASSERT(host->due != NULL);
    }
    put(host, host->due_count++, member);
    sift_up(host, member);
}

void due_set(struct scxml_host *host, struct member *member, uint64_t due_ms)
{
    if (member->due_at != NOT_DUE && member->due_ms == due_ms) return;
    if (member->due_at != NOT_DUE) take_out(host, member);
    member->due_ms = due_ms;
    if (due_ms != SCXML_NEVER) add(host, member);
}

struct member *due_first(const struct scxml_host *host)
{
    return host->due_count ? host->due[0] : NULL;
}
