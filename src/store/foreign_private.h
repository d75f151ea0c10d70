/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_private.h - the inside of a customer's database, for foreign*.c. foreign.c holds those
 * who wait for it and the room's doors; foreign_carrier.c carries the journal. */
#ifndef STORE_FOREIGN_PRIVATE_H
#define STORE_FOREIGN_PRIVATE_H

#include "store/foreign.h"

enum carrier_state {
    CARRIER_IDLE,    /* nothing owed was seen last */
    CARRIER_READING, /* a page of the journal */
    CARRIER_SENDING,
    CARRIER_MARKING,
    CARRIER_AWAY, /* until the timer */
};

/* One row of the journal under way. */
struct entry {
    struct foreign *foreign;
    int64_t sequence, key_1, key_2;
    enum owed_kind kind;
    struct text table;
    bool is_repeat, is_answered;
    enum err err;
    struct text words;
};

/* A read, or a change of the database itself, that waits for its moment. */
struct waiting {
    struct list node;
    struct scope *life;
    struct foreign *foreign;
    struct timer *timer;
    bool is_covered; /* the page under way was asked for after it came */
    bool is_asked;   /* their store has it */
    bool is_over;    /* answered already: it took too long */
    struct query query;
    void (*on_rows)(void *self, enum err err, const struct rows *rows);
    struct change *change;
    struct owed *undo;
    uint32_t undo_count;
    void (*on_durable)(void *self, const struct change_result *result);
    void *self;
};

struct awaiting {
    struct list node;
    struct scope *life;
    struct foreign *foreign;
    struct timer *timer;
    int64_t sequence;
    enum err err;
    struct text words;
    void (*on_carried)(void *self, enum err err, const char *words);
    void *self;
};

struct foreign {
    struct scope *life;
    struct loop *loop;
    struct store *own, *theirs;
    int64_t access_point;
    struct foreign_listener listener;
    enum carrier_state state;
    bool has_unmarked; /* something may have been sent that is not marked */
    bool has_new;      /* the journal grew since the page under way was asked for */
    bool is_away;
    char away_words[256];
    bool is_first_pass; /* what is in the journal may have been sent by an earlier life */
    int64_t sent_up_to;
    uint32_t owed, undoing;
    struct owing *spare;
    struct chore kick;
    struct timer *again, *retry, *send_timer;
    uint64_t limit_ms; /* of one answer of theirs */
    uint32_t waiting_count;
    struct scope *batch;
    struct entry *entries;
    uint32_t entry_count, unanswered;
    bool is_last_page;
    struct list reads, submits, failed, awaits, answered;
    struct chore answer;
};

/* foreign.c */
void foreign_run_submits(struct foreign *foreign); /* as far as they may */
void foreign_run_covered(struct foreign *foreign); /* the page that covers them is marked */
/* Nobody who needs the database waits while it is away. */
void foreign_fail_waiting(struct foreign *foreign);
void foreign_answer_later(struct foreign *foreign);

/* foreign_carrier.c */
void foreign_carrier_new(struct foreign *foreign);
void foreign_carrier_start(struct foreign *foreign);

#endif
