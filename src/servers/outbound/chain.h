/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - the life of a chain in memory (spec outbound 5.2, 5.3; 4 for what retrieval wrote, 9
 * for treatments, 10 for call-backs).
 *
 *   null --retrieved--> scheduled --picked--> processing --finalised--> processed --> null
 *                        ^  | withdrawn: rows back    rejected: rows back     |
 *                        |  v                                                 |
 *                        | null                                               |
 *                        +--- Redial, Next in chain: kept until it is due ----+
 *
 * Promise  chain_decide() changes nothing: it answers with an outcome, which the shell makes
 *          durable and then applies. A change that the store refuses leaves no trace in memory.
 * Pure     no clock, no I/O; what it needs is handed in, what it notes lies in `scratch`.
 * Rounds   each passage through *processed* has its own attempt GUID and exactly one notification.
 * Held     a chain that a treatment keeps in memory is *held*: a row of our own store says so until
 *          it is picked or given back, so it outlives this process. */
#ifndef SERVERS_OUTBOUND_CHAIN_H
#define SERVERS_OUTBOUND_CHAIN_H

#include "base/fsm.h"
#include "base/random.h"
#include "servers/outbound/error.h"
#include "servers/outbound/record.h"
#include "servers/outbound/treatment.h"

enum chain_state { CHAIN_NULL, CHAIN_SCHEDULED, CHAIN_PROCESSING, CHAIN_PROCESSED, CHAIN_STATES };

enum chain_event {
    CHAIN_PICK,       /* an agent asked for a record, or her call-back is due */
    CHAIN_UPDATE,     /* UpdateCallCompletionStats */
    CHAIN_WISH,       /* RecordReschedule */
    CHAIN_FINALISE,   /* RecordProcessed */
    CHAIN_MOVE,       /* ScheduledRecordReschedule */
    CHAIN_REJECT,     /* RecordReject */
    CHAIN_WITHDRAW,   /* session unloads, window closed, filter changed */
    CHAIN_FORCE,      /* forced unload */
    CHAIN_CANCEL,     /* RequestRecordCancel */
    CHAIN_BLOCK,      /* DoNotCall */
    CHAIN_EXPIRE,     /* a call-back that nobody took in time: result 47 or 48 */
    CHAIN_MISS,       /* a call-back that was not served for a day */
    CHAIN_RELEASE,    /* a treatment's record that its agent does not take: anybody may */
    CHAIN_LAPSE,      /* the agent was not heard of for too long */
    CHAIN_SETTLE,     /* internal: processed, and no treatment follows */
    CHAIN_TREAT,      /* internal: processed, and a treatment follows */
    CHAIN_RESCHEDULE, /* internal: processed, and a call-back is promised */
    CHAIN_EVENTS
};

/* GSW_REASON (spec outbound 12.8). */
enum chain_reason {
    REASON_PROCESSING_DONE = 1,
    REASON_TREATMENT_PENDING = 2,
    REASON_VALIDATION_NEGATIVE = 3,
    REASON_VALIDATION_TIMEOUT = 4,
    REASON_CANCELLED = 5,
    REASON_DO_NOT_CALL = 6,
    REASON_RESCHEDULED = 7,
    REASON_FORCED_UNLOAD = 8,
    REASON_STALE = 9,
};

/* A promised call-back: RecordProcessed writes it (spec 10). */
struct chain_wish {
    int64_t type; /* RECORD_TYPE_PERSONAL_CALLBACK or _CAMPAIGN_CALLBACK; 0: none */
    int64_t due_s;
    uint32_t record;
    struct text phone; /* another contact_info; empty: as it is */
};

struct chain {
    struct fsm fsm;
    const struct list_layout *layout;
    struct record *records; /* in chain_n order */
    uint32_t count;
    uint32_t primary; /* index of the record the round started with, or will start with */
    struct guid chain_guid, attempt_guid;
    struct text agent_id;    /* owner while processing; else empty */
    uint64_t started_utc_ms; /* of this round */
    bool *is_modified;       /* per column: user fields of the primary changed in this round */
    struct chain_wish wish;  /* of this round */
    bool is_held;
    uint64_t due_utc_ms; /* of a held chain */
};

/* One new cell. */
struct cell_write {
    uint32_t record, column;
    struct value value;
};

/* Who works the record next where a treatment is asked for (GSW_TREATMENT). */
enum chain_treat {
    TREAT_NOT,
    TREAT_CAMPAIGN, /* anybody of the group */
    TREAT_PERSONAL, /* the agent who asks */
    TREAT_AS_IS     /* whose it is now: our own treatments */
};

struct chain_request {
    enum chain_event event;
    uint32_t record;          /* the record named by the handle */
    struct text agent_id;     /* PICK: who; else checked against the owner unless empty */
    struct guid attempt_guid; /* PICK, EXPIRE, MISS */
    const struct cell_write
        *writes; /* UPDATE, FINALISE, WISH, MOVE: wanted new cells of `record` */
    uint32_t write_count;
    bool is_record_only;    /* FINALISE, CANCEL, BLOCK: GSW_CHAIN_ATTR = RecordOnly */
    enum chain_treat treat; /* FINALISE, EXPIRE */
    struct treatments treatments;
    uint32_t max_attempts;  /* of the list; 0: no bound */
    bool has_room;          /* another chain may be held in memory */
    struct chain_wish wish; /* WISH, MOVE; its record is `record` */
    uint32_t call_result;   /* EXPIRE */
    uint32_t later_s;       /* REJECT: of a personal record, before it is shown to her again */
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
    int64_t scheduled_s; /* GSW_SCHEDULED_TIME: when the chain is due again; 0: never */
    struct text agent_id;
    struct guid attempt_guid;
    uint64_t started_utc_ms; /* of the round that this ends */
    uint64_t now_utc_ms;
    uint32_t primary;       /* afterwards */
    struct chain_wish wish; /* afterwards */
    bool is_held, was_held; /* afterwards, before */
    uint64_t due_utc_ms;    /* afterwards, of a held chain */
    bool is_treated;        /* by `plan` */
    struct treatment_plan plan;
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
/* Whose record it is alone, by the row of the primary (types 4, 5); empty: anybody's. */
struct text chain_reserved_for(const struct chain *chain);
/* The record of a handle, or UINT32_MAX. */
uint32_t chain_find_handle(const struct chain *chain, uint32_t handle);
extern const struct fsm_machine chain_machine;

#endif
