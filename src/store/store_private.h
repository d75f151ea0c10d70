/* SPDX-License-Identifier: Apache-2.0 */
/* store_private.h - the inside of a store, for the files of this room. Start reading at
 * change_submit() in store.c.
 *
 * A change's way:  submitted (loop) -> handed over at the end of the turn -> queue (lock) -> group
 * (writer) -> done (lock) -> answered (loop). On a VIRTUAL loop a timer plays the writer. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "base/table.h"
#include "store/change.h"
#include "store/driver.h"
#include "store/rows.h"
#include "store/sim_disk_private.h"

#include <pthread.h>

#define STORE_BROKEN_WORDS                                                                         \
    "a sync of the disk failed, what is on it is not known: the store must be opened again"
#define STORE_SLOW_WORDS "the disk or the database is slow, nothing was written for 2 s"

/* One asked query, and its answer. */
struct asking {
    struct list node; /* in a queue */
    struct list all;  /* asked and not yet answered; loop thread */
    struct query query;
    struct value *parameters; /* copies; their texts lie behind them */
    struct rows rows;
    enum err err;
    bool is_read; /* VIRTUAL: was read when it was asked */
    struct fault fault;
    void (*on_rows)(void *self, enum err err, const struct rows *rows);
    void *self;
};

/* A thread, what waits for it, and what it has done. */
struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work_came;
    struct list queue, done; /* under the lock */
    bool is_stopping, is_started;
};

/* Who is told of trouble. */
struct store_watch {
    void (*on_trouble)(void *self, enum store_trouble kind, const char *words);
    void *self;
};

/* trouble.c */
struct trouble {
    struct text path; /* empty: not looked at, a database of somebody else's */
    enum store_trouble kind;
    uint64_t began_ms, refused_ms, refused; /* since when, the last one, how many */
    bool is_written, is_probing;            /* something was written since; our own try is on */
    struct timer *timer;
};

struct store {
    struct loop *loop;
    struct log log;
    struct scope *life;
    const struct driver *driver;
    struct connection *writer, *reader; /* one and the same for ":memory:" */
    struct store_options options;
    struct table *statements; /* made at run time */

    struct list submitted; /* of this turn */
    struct list refused;   /* answered without having been tried */
    struct list changes;   /* all that live, by change.all */
    struct list askings;   /* the same */
    struct list spare;     /* emptied changes, to use again */
    uint32_t spare_count, waiting_count, asking_count;
    struct chore hand_over, answer_refused;

    struct worker write, read;
    struct waker *waker;                    /* NULL on a VIRTUAL loop */
    struct timer *write_timer, *read_timer; /* VIRTUAL only */
    struct timer *patience;                 /* runs while changes wait; NULL: we wait for ever */
    bool is_stalled;                        /* it ran out: new changes are turned away */
    struct trouble trouble;
    struct store_watch watch;
    unsigned told_connected[2]; /* of writer and reader: connections that were logged */

    /* Under the writer's lock. */
    const struct fence *fence;
    bool is_fence_broken, is_disk_unknown;
    uint64_t groups, commit_us;
    struct list early; /* faults.c */

    bool is_yielded; /* the lease was held and is not any more */
    void (*on_fence_broken)(void *self);
    void *fence_self;

    const char *query_words; /* of the query that is being answered */

    /* VIRTUAL */
    uint32_t sim_commit_ms, sim_query_ms, sim_full_groups;
    bool sim_sync_fails;
    struct sim_seat sim_seat;
    struct group sim_group; /* taken, not answered yet */
    bool sim_is_taken;
    uint32_t sim_took_ms, sim_rest_ms; /* of the group: all of it, from writing to answering */

    int answering; /* how deep: closed by one of its own callbacks, it is freed after it */
    bool is_closed;
    struct store_counters counters;
};

/* writer.c */
void worker_init(struct worker *worker);
void worker_start(struct worker *worker, void *(*run)(void *self), void *self);
void worker_stop(struct worker *worker); /* waits for what it is doing, not for its queue */
void writer_start(struct store *store);
void writer_queue(struct store *store, struct list *changes); /* empties the list */
/* What no group has taken, without the vital ones. */
void writer_take_back(struct store *store, struct list *out);

/* reader.c */
void reader_start(struct store *store);
void asking_free(struct asking *asking);

/* store.c */
void store_answer(struct store *store); /* call back for all that is done */
/* For lease.c: from now on every group checks the fence, which lives as long as the store; when it
 * turns out broken, on_broken comes once and all but vital changes are refused. */
void store_set_fence(struct store *store, const struct fence *fence, void (*on_broken)(void *self),
                     void *self);
void store_yield(struct store *store); /* refuse all but vital changes from now on */

/* For faults.c: the change's callback, once, before it is done. */
void change_call_back(struct change *change, const struct change_result *result);

/* faults.c, in builds with -Dfault=answer-early only. */
void faults_answer_early(struct store *store, struct group *group); /* then it commits */
void faults_answer(struct store *store);
void faults_drop(struct store *store);

/* The whole of `from` behind `to`. */
static inline void ring_append(struct list *to, struct list *from)
{
    if (list_is_empty(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
