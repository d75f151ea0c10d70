/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_private.h - the inside of the outbox. The truth is the table; in memory is a window of
 * effects that are being sent. Start reading at outbox_add() in outbox.c; outbox_page.c reads what
 * the window had no room for, lane by lane.
 *
 * A lane's `seen` is a place in its order (due, id): every due row up to it is in the window or has
 * ended. New rows, retries and replays that come to lie before it pull it back; a full look once a
 * minute makes up for a wall clock that was stepped. */
#ifndef STORE_OUTBOX_PRIVATE_H
#define STORE_OUTBOX_PRIVATE_H

#include "base/table.h"
#include "store/change.h"
#include "store/outbox.h"

enum {
    OUTBOX_POLL_MS = 60 * 1000,
    OUTBOX_AGAIN_MS = 1000,
    OUTBOX_CLOCK_STEP_MS = 2000, /* a wall clock that lags behind itself by so much was set back */
    OUTBOX_LANE_MIN = 64,
    OUTBOX_MARK_MS = 10,    /* how long an end waits for company on its way to the table */
    OUTBOX_MARKS_MAX = 150, /* of a change: a group has room for others beside it */
};

enum sending_state {
    SENDING_ADDED,     /* its change is not committed */
    SENDING_COMMITTED, /* until the owner says so: outbox_committed() */
    SENDING_READY,     /* at the end of the turn */
    SENDING_SENT_OUT,  /* the handler has it */
    SENDING_ENDED,     /* how it ended is on its way to the table */
};

struct sending {
    struct list all;  /* outbox.sendings */
    struct list node; /* outbox.ready, .unmarked, marking.sendings or its lane's ended */
    struct outbox *outbox;
    struct outbox_lane *lane;
    struct change_hook hook;
    enum sending_state state;
    struct effect effect; /* views into `bytes`; only the id once it was sent out */
    bool has_body;        /* the effect is whole: it can be sent without a look into the table */
    bool is_taken;        /* it has a place in the window, or wants one */
    enum effect_verdict verdict;
    uint64_t retry_mono_ms; /* a clock may be set before its mark is written */
    char *words;
    char bytes[];
};

/* Ends on their way to the table, in one change. */
struct outbox_marking {
    struct list node; /* outbox.markings */
    struct outbox *outbox;
    struct change_hook hook;
    struct list sendings;
};

struct outbox_place {
    uint64_t due_utc_ms;
    struct buf id;
};

struct outbox_lane {
    struct outbox *outbox;
    struct text name;  /* empty: NULL in the table */
    uint32_t taken;    /* places of the window, those of additions not yet committed among them */
    struct list ended; /* wait for the page that is being read: it may show them as they were */
    struct outbox_place seen;
    bool is_behind;         /* due rows lie past `seen` */
    bool is_looking;        /* a page is being read */
    uint64_t missed_utc_ms; /* the earliest row that came meanwhile; UINT64_MAX: none */
    uint32_t page_rows;     /* smaller for a while where bodies are large */
    uint32_t asked_rows;    /* of the page on its way */
    uint64_t page_utc_ms;   /* when it was asked */
    uint64_t look_mono_ms;  /* when look_timer fires */
    struct timer *look_timer;
};

struct outbox {
    struct scope *life;
    struct store *store;
    struct loop *loop;
    struct log log;
    struct outbox_options options;
    const struct outbox_handler *handler;
    void *self;

    struct table *window; /* id -> sending, from its commit until it ended */
    struct table *lanes;  /* as many as there were receivers since it was opened */
    struct list sendings; /* all, also those not yet in the window */
    struct list ready, unmarked;
    uint32_t unmarked_count;
    bool is_mark_failing; /* the last ones did not get there: the timer decides, not the number */
    struct list markings, replays;
    struct chore send_ready;
    struct timer *mark_timer;
    uint32_t added_count; /* not yet committed */
    uint32_t taken;       /* of all lanes */
    struct outbox_counters counters;
    struct timer *poll_timer, *trim_timer;
    uint64_t clock_utc_ms; /* the last look at the wall clock */
    bool is_clock_trusted; /* nothing waits for a moment that it cannot mean */
};

/* outbox.c */
/* Those whose owner never said outbox_committed(). */
void outbox_send_forgotten(struct outbox *outbox);
/* What ended while a page was read leaves the window now. */
void outbox_end_ended(struct outbox_lane *lane);
/* A row of a page goes out. */
void outbox_send_row(struct outbox_lane *lane, const struct effect *effect);

/* outbox_page.c */
void outbox_begin_paging(struct outbox *outbox);
void outbox_end_paging(struct outbox *outbox);
struct outbox_lane *outbox_lane(struct outbox *outbox, struct text name); /* made where missing */
uint32_t outbox_room(const struct outbox_lane *lane);                     /* of the window */
void outbox_look(struct outbox_lane *lane); /* read on if there is something and room for it */
/* A waiting row that is not in the window. */
void outbox_notice(struct outbox_lane *lane, uint64_t due_utc_ms);
/* The same of a row whose lane is not known. */
void outbox_notice_any(struct outbox *outbox, uint64_t due_utc_ms);

/* A wall clock that was set back: what waits for a moment far ahead of it is due now. */
void outbox_watch_clock(struct outbox *outbox);

/* outbox_trim.c */
void outbox_begin_trimming(struct outbox *outbox);

#endif
