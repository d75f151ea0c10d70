/* SPDX-License-Identifier: Apache-2.0 */
/* Answering before the commit: a fault that is planted with -Dfault=answer-early and that tests
 * must find (tests/faults/README.md). A group is rehearsed: run and undone. So its changes are
 * answered as they will end, then for a while nothing of them is on disk. */
#include "store/store_private.h"

#include "fault.h"

#ifdef FAULT_ANSWER_EARLY

#include <stdlib.h>
#include <time.h>

enum { EARLY_HOLD_MS = 20 }; /* how long what was answered is not on disk */

/* An answer on its way to the loop while its change is still the writer's. */
struct early {
    struct list node;
    struct change *change;
    struct change_result result;
};

static void note_answers(struct store *store, struct group *group)
{
    LIST_EACH (node, &group->changes) {
        struct change *change = LIST_OBJECT(node, struct change, node);
        if (change->result.err) continue;
        struct early *early = calloc(1, sizeof *early);
        ASSERT(early != NULL);
        *early = (struct early){ .change = change, .result = change->result };
        list_add_last(&store->early, &early->node);
    }
}

void faults_answer_early(struct store *store, struct group *group)
{
    if (store->driver != &DRIVER_SQLITE || group->is_disk_unknown) return;
    enum commit_fate fate = group->fate;
    group->fate = COMMIT_REHEARSED;
    store->driver->run_group(store->writer, group);
    group->fate = fate;
    pthread_mutex_lock(&store->write.lock);
    note_answers(store, group);
    pthread_mutex_unlock(&store->write.lock);
    if (loop_is_virtual(store->loop)) {
        chore_soon(store->loop, &store->answer_refused);
        return;
    }
    waker_wake(store->waker);
    (void)nanosleep(&(struct timespec){ .tv_nsec = EARLY_HOLD_MS * 1000000 }, NULL);
}

void faults_answer(struct store *store)
{
    struct list early_ones, *node;
    list_init(&early_ones);
    pthread_mutex_lock(&store->write.lock);
    ring_append(&early_ones, &store->early);
    pthread_mutex_unlock(&store->write.lock);
    while ((node = list_first(&early_ones)) != NULL) {
        struct early *early = LIST_OBJECT(node, struct early, node);
        list_remove(node);
        if (!store->is_closed) change_call_back(early->change, &early->result);
        free(early);
    }
}

void faults_drop(struct store *store)
{
    struct list *node;
    while ((node = list_first(&store->early)) != NULL) {
        list_remove(node);
        free(LIST_OBJECT(node, struct early, node));
    }
}

#endif
