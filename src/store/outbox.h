/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.h - effects that must happen once their cause is durable (design 1.4): the row is written
 * in the same change as the cause; after the commit it is sent, and sent again after a crash, with
 * the same id and bytes: at least once. Given up effects stay as *failed*, replayable.
 * States   waiting (due_utc_ms), sent, failed
 * Lanes    effects to one receiver are a lane, read and sent apart from the others: one that does
 *          not answer fills its own places alone.
 * Memory   a window of at most in_flight_max effects, of a lane at most lane_max, but each lane has
 *          64 places whatever the others take; the rest waits in the table, paged by index.
 * Clock    due times are wall clock. Set forward, it makes due what lies behind it; set back, it
 *          delays by the step what was due later, but not beyond `wait_max_ms`.
 * The outbox knows nothing of HTTP: `send` is the server's. Open it when the store may be written:
 * it sends at once what it finds waiting. */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "store/store.h"

struct outbox;

struct effect { /* views */
    struct text id, kind, target, headers, body;
    struct text lane; /* the receiver, as the server tells them apart; empty: a lane of its own */
    struct text subject; /* to find it again by; empty: none. Not there when it is sent */
    uint32_t attempts;   /* sends that ended, so far */
    uint64_t created_utc_ms, due_utc_ms;
};

/* What the server decides when a send has ended. */
enum effect_verdict { EFFECT_SENT, EFFECT_RETRY, EFFECT_FAILED };

/* As in the table's column `state`. */
enum effect_state { EFFECT_IS_WAITING = 1, EFFECT_IS_SENT = 2, EFFECT_IS_FAILED = 3 };

struct outbox_handler {
    /* Send it; end with outbox_done(), also from inside. Called at most once per effect and
     * attempt; `effect` is a view until it returns. Must not close the outbox. */
    void (*send)(void *self, struct outbox *outbox, const struct effect *effect);
};

struct outbox_options {
    uint32_t in_flight_max;  /* 0: 1,000 */
    uint32_t lane_max;       /* 0: in_flight_max */
    uint32_t rows_max;       /* waiting rows; past it outbox_is_full(); 0: 1,000,000 */
    uint64_t keep_sent_ms;   /* ledger of sent ones; 0: 24 h */
    uint64_t keep_failed_ms; /* and of failed ones; 0: 30 days */
    /* No `retry_in_ms` is longer: what is due later was written before the wall clock was set back,
     * and is sent when that is noticed: at the next end of a sending, within a minute at the
     * latest. 0: nobody knows, and it waits for its time. */
    uint64_t wait_max_ms;
};

struct outbox *outbox_open(struct scope *owner, struct store *store, const struct log *log,
                           const struct outbox_options *options,
                           const struct outbox_handler *handler, void *self);
/* Add the effect to a change: durable with it, sent after it. */
void outbox_add(struct outbox *outbox, struct change *change, const struct effect *effect);
/* Call when the change that holds it was acknowledged: it is sent at the end of the turn.
 * Forgotten, it is sent within a minute. Of a change that failed nothing is kept, and nothing need
 * be called. */
void outbox_committed(struct outbox *outbox, struct text id);
/* `words` stay in the row, up to 500 bytes. Until the end is on disk the effect keeps its place in
 * the window, so a full disk stops the sending and repeats nothing. */
void outbox_done(struct outbox *outbox, struct text id, enum effect_verdict verdict,
                 uint64_t retry_in_ms, struct text words);
/* Ends wait for company for some milliseconds before they are written: hand them to the store now,
 * before a store_flush() in an orderly stop. */
void outbox_flush(struct outbox *outbox);
bool outbox_is_full(const struct outbox *outbox);
/* Sent and failed ones wait again, attempts 0, same id and bytes: all of them or none.
 * ERR_CONFLICT: one is not there, or waits already. At most OUTBOX_REPLAY_MAX ids; `on_replayed`
 * may be NULL, comes exactly once and never from inside. */
enum { OUTBOX_REPLAY_MAX = 200 };
void outbox_replay(struct outbox *outbox, const struct text *ids, uint32_t count,
                   void (*on_replayed)(void *self, enum err err), void *self);

/* waiting_now: rows in the table, those in flight among them. The others count since it was opened.
 */
struct outbox_counters {
    uint64_t waiting_now, in_flight_now, sent, retried, failed;
};
struct outbox_counters outbox_counters(const struct outbox *outbox);

#endif
