/* SPDX-License-Identifier: Apache-2.0 */
/* The line that a step of a chain leaves: in its own commit, one each. */
#include "servers/outbound/explain.h"

#include "model/call_result.h"
#include "servers/outbound/step.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORDS_BYTES_MAX = 240 };

struct words {
    const char *rule;
    char inputs[WORDS_BYTES_MAX], outcome[WORDS_BYTES_MAX];
};

/* A cell as the outcome leaves it. */
static int64_t number_after(const struct chain *chain, const struct chain_outcome *outcome,
                            uint32_t record, uint32_t column)
{
    for (uint32_t i = outcome->write_count; i-- > 0;)
        if (outcome->writes[i].record == record && outcome->writes[i].column == column)
            return outcome->writes[i].value.integer;
    return record_i64(&chain->records[record], column);
}

static const char *name_of(const struct named_numbers *table, int64_t number)
{
    const char *name = named_number_name(table, (uint32_t)number);
    return name ? name : "?";
}

static void explain_pick(const struct live_chain *live, const struct chain_outcome *outcome,
                         struct words *out)
{
    const struct record *primary = &live->chain.records[live->chain.primary];
    uint64_t waited_ms =
        outcome->now_utc_ms > live->taken_utc_ms ? outcome->now_utc_ms - live->taken_utc_ms : 0;
    out->rule = "given out";
    (void)snprintf(out->inputs, sizeof out->inputs,
                   "type %" PRId64 ", attempt %" PRId64 ", due %" PRId64 ", window %" PRId64
                   "-%" PRId64 " in zone %" PRId64 ", %" PRIu64 " ms in memory",
                   record_i64(primary, COLUMN_RECORD_TYPE), record_i64(primary, COLUMN_ATTEMPT),
                   record_i64(primary, COLUMN_DIAL_SCHED_TIME),
                   record_i64(primary, COLUMN_DAILY_FROM), record_i64(primary, COLUMN_DAILY_TILL),
                   record_i64(primary, COLUMN_TZ_DBID), waited_ms);
    (void)snprintf(out->outcome, sizeof out->outcome, "with agent %.*s, attempt %s",
                   TEXT_ARG(outcome->agent_id), outcome->attempt_guid.text);
}

static void explain_treatment(const struct chain_outcome *outcome, struct words *out)
{
    const struct treatment *treatment = &outcome->plan.treatment;
    out->rule = "treatment";
    (void)snprintf(out->outcome, sizeof out->outcome,
                   "%s, number %u in sequence, repetition %u of %u, due %" PRIu64 "%s",
                   treatment_action_name(treatment->action), treatment->sequence,
                   outcome->plan.repetition, treatment->cycles ? treatment->cycles : 1,
                   outcome->plan.due_utc_ms / 1000,
                   outcome->is_held ? ", kept in memory" : ", written back");
}

/* A round ends: why, and what becomes of the record. */
static void explain_end(const struct chain *chain, const struct chain_request *request,
                        const struct chain_outcome *outcome, const char *rule, struct words *out)
{
    int64_t result = number_after(chain, outcome, request->record, COLUMN_CALL_RESULT);
    int64_t status = number_after(chain, outcome, request->record, COLUMN_RECORD_STATUS);
    out->rule = rule;
    (void)snprintf(out->inputs, sizeof out->inputs, "result %" PRId64 " (%s), reason %d%s%.*s%s",
                   result, name_of(&CALL_RESULTS, result), (int)outcome->reason,
                   chain->agent_id.len ? ", agent " : "", TEXT_ARG(chain->agent_id),
                   request->is_record_only ? ", this record only" : "");
    if (outcome->is_treated) {
        explain_treatment(outcome, out);
        return;
    }
    if (outcome->reason == REASON_RESCHEDULED) {
        int64_t type = number_after(chain, outcome, request->record, COLUMN_RECORD_TYPE);
        (void)snprintf(out->outcome, sizeof out->outcome, "%s, due %" PRId64,
                       name_of(&RECORD_TYPES, type), outcome->scheduled_s);
        return;
    }
    (void)snprintf(out->outcome, sizeof out->outcome, "%s", name_of(&RECORD_STATUSES, status));
}

/* Nobody asks why a whole buffer went back when its group was unloaded. */
static bool explain_withdrawal(const struct live_chain *live, const struct chain_outcome *outcome,
                               struct words *out)
{
    const struct session *session = live->session;
    if (session->fsm.state != SESSION_STARTED && session->fsm.state != SESSION_LOADED) return false;
    const struct calling_list *list =
        lists_find_by_dbid(session->server->lists, live->list_dbid, NULL);
    const struct record *primary = &live->chain.records[live->chain.primary];
    bool is_closed = list && !list_is_in_window(list, primary, outcome->now_utc_ms);
    out->rule = "given back";
    (void)snprintf(out->inputs, sizeof out->inputs, "%s",
                   is_closed ? "calling window closed" : "filter, list or group changed");
    (void)snprintf(out->outcome, sizeof out->outcome, "Ready");
    return true;
}

static bool explain_event(const struct live_chain *live, const struct chain_request *request,
                          const struct chain_outcome *outcome, struct words *out)
{
    const struct chain *chain = &live->chain;
    switch (request->event) {
    case CHAIN_PICK: explain_pick(live, outcome, out); return true;
    case CHAIN_FINALISE: explain_end(chain, request, outcome, "processed", out); return true;
    case CHAIN_MOVE: explain_end(chain, request, outcome, "call-back moved", out); return true;
    case CHAIN_FORCE:
        if (chain_state(chain) != CHAIN_PROCESSING) return false;
        explain_end(chain, request, outcome, "forced unload", out);
        return true;
    case CHAIN_LAPSE: explain_end(chain, request, outcome, "preview-timeout", out); return true;
    case CHAIN_EXPIRE: explain_end(chain, request, outcome, "call-back expired", out); return true;
    case CHAIN_MISS: explain_end(chain, request, outcome, "call-back missed", out); return true;
    case CHAIN_REJECT: explain_end(chain, request, outcome, "rejected", out); return true;
    case CHAIN_WITHDRAW: return explain_withdrawal(live, outcome, out);
    default: return false; /* no decision, or explained by who asked for it (ending.c) */
    }
}

void explain_add_step(struct change *change, const struct live_chain *live,
                      const struct chain_request *request, const struct chain_outcome *outcome)
{
    struct words words = { .inputs = "", .outcome = "" };
    if (!explain_event(live, request, outcome, &words)) return;
    struct session_names names;
    bool has_names = session_names(live->session->server, live->session->dbid, &names, NULL);
    const struct record *record = &live->chain.records[request->record];
    explain_add(change, &(struct explain_line){
                            .at_utc_ms = outcome->now_utc_ms,
                            .list_dbid = live->list_dbid,
                            .chain_id = record_i64(record, COLUMN_CHAIN_ID),
                            .chain_n = record_i64(record, COLUMN_CHAIN_N),
                            .group_dbid = live->session->dbid,
                            .campaign_dbid = has_names ? names.campaign_dbid : 0,
                            .rule = words.rule,
                            .inputs = text_of(words.inputs),
                            .outcome = text_of(words.outcome),
                        });
}
