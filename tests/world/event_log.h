/* SPDX-License-Identifier: Apache-2.0 */
/* event_log.h - what is seen of a run from outside, event by event; one event is one line of JSON.
 * The simulated world makes such events as it goes; the crash tests (tests/chaos/event_log.py)
 * write them into a file. checker.h judges both.
 * Fields   each kind uses some of them (the table below); texts that are absent have at == NULL,
 *          numbers that are absent are 0. Writing leaves out what is absent; reading refuses names
 *          it does not know.
 * Refused  promises that nothing was changed, nor will be. Of an answer that does not write `lost`:
 *          503 and 504 of the HTTP Proxy; any refusal, where the network may say the request again
 *          later, since only what was done is kept under an idempotency key.
 * Order    is what counts: an event stands behind all that had happened when it was seen. Write
 *          `asked` before the request leaves, its end after the answer came.
 * Pure     no clock, no I/O. */
#ifndef TESTS_WORLD_EVENT_LOG_H
#define TESTS_WORLD_EVENT_LOG_H

#include "base/buf.h"
#include "base/scope.h"

/* clang-format off */
#define EVENT_KIND_LIST(X)                                                                          \
    /* --- what clients ask, and how it ends --- */                                                 \
    X(ASKED,         "asked")         /* request, ask, and what that ask needs */                   \
    X(ACKNOWLEDGED,  "acknowledged")  /* request; an add: list, chain; a preview: list, chain, guid,
                                         handle, phone, value */                                    \
    X(REFUSED,       "refused")       /* request, code. Nothing was changed, nor will be */         \
    X(LOST,          "lost")          /* request: nobody knows; it may have been done, may yet be */\
    X(QUIET,         "quiet")         /* nothing is on its way any more: what was lost so far was
                                         done or never will be */                                   \
    /* --- what is done to the servers --- */                                                       \
    X(KILLED,        "killed")        /* who */                                                     \
    X(STARTED,       "started")       /* who: a new process */                                      \
    /* --- what agents and receivers are told unasked, or when they look --- */                     \
    X(SHOWN,         "shown")         /* agent, list, chain, guid: it is hers; handle, phone */     \
    X(SNAPSHOT,      "snapshot")      /* agent: hers is what was shown since her last snapshot */   \
    X(RECEIVED,      "received")      /* message, guid, digest of the body; list where there
                                         are several */                       \
    /* --- a look into outbound's store, between `look` and `looked` one instant, in this order --- */             \
    X(LOOK,          "look")          /* list: all its rows, then its rounds, then its entries
                                         of the outbox follow; is_settled, is_unloaded */                                 \
    X(ROW,           "row")           /* chain, phone, status, agent, value, result */              \
    X(ROUND,         "round")         /* chain, guid, status (1 open, 2 closed), agent, handle;
                                         closed: message, absent where none was due */              \
    X(OUTBOX,        "outbox")        /* message, status (1 waiting, 2 sent, 3 failed), since:
                                         created; guid that its body says */                    \
    X(LOOKED,        "looked")        /* the end of it */                                           \
    X(COUNTER,       "counter")       /* name, published, counted: in one quiet instant */          \
    X(STATE,         "state")         /* name, who: something waits in this state since `since`,
                                         until `until` at the latest (both at_ms's clock) */        \
    /* --- values that one server keeps and others hold --- */                                      \
    X(SEEN,          "seen")          /* name: what ASK_SET wrote, as it is now: value */           \
    X(CONFIGURATION, "configuration") /* who holds it ("config": the server), revision, digest, name: by whose eyes;
                                         is_settled: it had time to converge */

#define EVENT_ASK_LIST(X)                                                                           \
    X(ADD,     "add")     /* list, phone, value: a new chain of one record */                       \
    X(PREVIEW, "preview") /* agent */                                                               \
    X(UPDATE,  "update")  /* agent, guid: new value and (or) result */                              \
    X(PROCESS, "process") /* agent, guid, value, result, and what follows it: `then` */             \
    X(REJECT,  "reject")  /* agent, guid */                                                         \
    X(CANCEL,  "cancel")  /* list, chain */                                                         \
    X(BLOCK,   "block")   /* list, chain: do not call */                                            \
    X(FORCE,   "force")   /* list: a forced unload of its groups */                                 \
    X(SET,     "set")     /* name, value: of the configuration, of a group's state */

/* What becomes of a chain whose round was processed. */
#define EVENT_THEN_LIST(X)                                                                          \
    X(FINAL,  "final")  /* its row is Updated (the default) */                                      \
    X(AGAIN,  "again")  /* a treatment or a call-back follows: it may be given out again */         \
    X(EITHER, "either") /* whoever asked does not know */
/* clang-format on */

enum event_kind {
#define X(name, word) EVENT_##name,
    EVENT_KIND_LIST(X)
#undef X
        EVENT_KINDS
};

enum event_ask {
#define X(name, word) ASK_##name,
    EVENT_ASK_LIST(X)
#undef X
        ASKS
};

enum event_then {
#define X(name, word) THEN_##name,
    EVENT_THEN_LIST(X)
#undef X
        THENS
};

struct event {
    enum event_kind kind;
    enum event_ask ask;
    enum event_then then;
    bool is_settled;  /* LOOK: nothing waits in the outbox, no request is open */
    bool is_unloaded; /* LOOK: no group has the list */
    uint64_t at_ms;   /* any clock, the same for all events */
    uint64_t request; /* chosen by whoever asks; one per request. A repeat under the same
                         idempotency key, or the same `ref`, is no new request */
    uint64_t chain, handle, code, status, result, revision, published, counted, since, until;
    struct text agent, list, phone; /* `phone` is the record's own: one add each */
    struct text value;              /* Other1, or any other column, always the same one */
    struct text guid;               /* the attempt: the round */
    struct text message;            /* the notification's GUID */
    struct text digest, who, name;
};

struct text event_kind_name(enum event_kind kind);
struct text event_ask_name(enum event_ask ask);
/* One line with its end. */
void event_write(const struct event *event, struct buf *out);
/* `out` lies in `scope`; the fault says what is wrong with the line. */
enum err event_read(struct text line, struct scope *scope, struct event *out, struct fault *fault);

#endif
