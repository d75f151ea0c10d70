/* SPDX-License-Identifier: Apache-2.0 */
/* Answering before the commit: a planted fault that the crash test must find. Compiled in with
 * -Dfaults=true alone; then store_options.is_answering_early or CARILLON_FAULT=answer-early in the
 * environment turns it on. */
#include "store/store_private.h"

#ifdef CARILLON_FAULTS

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EARLY_HOLD_MS = 20 }; /* how long what was answered is not on disk */

/* An answer on its way to the loop while its change is still the writer's. */
struct early {
    struct list node;
    struct change *change;
    struct change_result result;
};

void faults_init(struct store *store)
{
    const char *fault = getenv("CARILLON_FAULT");
    if (fault && strcmp(fault, "answer-early") == 0) store->options.is_answering_early = true;
    list_init(&store->early);
}

/* On the writer's thread. */
static void answer_early(void *self, struct group *group)
{
    struct store *store = self;
    pthread_mutex_lock(&store->write.lock);
    LIST_EACH (node, &group->changes) {
        struct change *change = LIST_OBJECT(node, struct change, node);
        if (change->result.err) continue;
        struct early *early = calloc(1, sizeof *early);
        ASSERT(early != NULL);
        *early = (struct early){ .change = change, .result = change->result };
        list_add_last(&store->early, &early->node);
    }
    pthread_mutex_unlock(&store->write.lock);
    waker_wake(store->waker);
    (void)nanosleep(&(struct timespec){ .tv_nsec = EARLY_HOLD_MS * 1000000 }, NULL);
}

void faults_plant(struct store *store, struct group *group)
{
    if (!store->options.is_answering_early || loop_is_virtual(store->loop)) return;
    group->on_applied = answer_early;
    group->self = store;
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
