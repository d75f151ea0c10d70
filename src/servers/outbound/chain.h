/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - the life of a chain in memory (spec outbound 5.2, 5.3; 4 for what retrieval wrote).
 *
 *   null --retrieved--> scheduled --picked--> processing --finalised--> processed --> null
 *                           ^ withdrawn: rows back       rejected: rows back, no notification
 *
 * Promise  chain_decide() changes nothing: it answers with an outcome, which the shell makes
 * durable and then applies. A change that the store refuses leaves no trace in memory. Pure     no
 * clock, no I/O; what it needs is handed in, what it notes lies in `scratch`. Rounds   each passage
 * through *processed* has its own attempt GUID and exactly one notification. */
#ifndef SERVERS_OUTBOUND_CHAIN_H
#define SERVERS_OUTBOUND_CHAIN_H

#include "base/fsm.h"
#include "base/random.h"
#include "servers/outbound/error.h"
#include "servers/outbound/record.h"

enum chain_state { CHAIN_NULL, CHAIN_SCHEDULED, CHAIN_PROCESSING, CHAIN_PROCESSED, CHAIN_STATES };

enum chain_event {
    CHAIN_PICK,     /* an agent asked for a record */
    CHAIN_UPDATE,   /* UpdateCallCompletionStats */
    CHAIN_FINALISE, /* RecordProcessed */
    CHAIN_REJECT,   /* RecordReject */
    CHAIN_WITHDRAW, /* session unloads, window closed */
    CHAIN_FORCE,    /* forced unload */
    CHAIN_SETTLE,   /* internal: processed, and no treatment follows */
    CHAIN_EVENTS
};

/* GSW_REASON (spec outbound 12.8). */
enum chain_reason { REASON_PROCESSING_DONE = 1, REASON_FORCED_UNLOAD = 8 };

struct chain {
    struct fsm fsm;
    const struct list_layout *layout;
    struct record *records; /* in chain_n order */
    uint32_t count;
    uint32_t primary; /* index of the record the round started with */
    struct guid chain_guid, attempt_guid;
    struct text agent_id;    /* owner while processing; else empty */
    uint64_t started_utc_ms; /* of this round */
    bool *is_modified;       /* per column: user fields of the primary changed in this round */
};

/* One new cell. */
struct cell_write {
    uint32_t record, column;
    struct value value;
};

struct chain_request {
    enum chain_event event;
    uint32_t record;                 /* the record named by the handle */
    struct text agent_id;            /* PICK: who; else checked against the owner unless empty */
    struct guid attempt_guid;        /* PICK */
    const struct cell_write *writes; /* UPDATE, FINALISE: wanted new cells of `record` */
    uint32_t write_count;
    bool is_record_only; /* FINALISE: GSW_CHAIN_ATTR = RecordOnly */
};

enum round_change { ROUND_STAYS, ROUND_OPENS, ROUND_CHANGES, ROUND_CLOSES };

struct chain_outcome {
    struct refusal refusal; /* error OUTBOUND_OK: go on */
    struct fsm fsm;         /* the machine afterwards */
    struct cell_write *writes;
    uint32_t write_count, write_room;
    enum round_change round;
    bool *is_modified; /* afterwards */
    bool notifies;
    enum chain_reason reason;
    struct text agent_id;
    struct guid attempt_guid;
    uint64_t now_utc_ms;
};

/* A chain just retrieved: state scheduled. `chain` is filled but for its fsm. */
void chain_begin(struct chain *chain, uint64_t now_utc_ms);
/* As it comes back after a crash: in processing, with its agent (design 5, durable intents). */
void chain_resume(struct chain *chain, uint64_t now_utc_ms);
enum outbound_error chain_decide(const struct chain *chain, const struct chain_request *request,
                                 uint64_t now_utc_ms, struct scope *scratch,
                                 struct chain_outcome *out);
/* Carry the outcome into memory; texts are kept in `owner`. */
void chain_apply(struct chain *chain, const struct chain_outcome *outcome, struct scope *owner);
static inline enum chain_state chain_state(const struct chain *chain)
{
    return (enum chain_state)chain->fsm.state;
}
/* The record of a handle, or UINT32_MAX. */
uint32_t chain_find_handle(const struct chain *chain, uint32_t handle);
extern const struct fsm_machine chain_machine;

#endif
