/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - why a record was given out, or was not, or became what it is (design 1.7): one line
 * for each dial or giving-out and one for each change of a reason, kept 30 days in the table
 * `explain` of our own store.
 * Promise  a line added to a change is durable with the decision that it explains, or not at all.
 * Source   design 1.7, docs/decisions/0019-explain.md */
#ifndef SERVERS_OUTBOUND_EXPLAIN_H
#define SERVERS_OUTBOUND_EXPLAIN_H

#include "servers/outbound/outbound.h"

struct explain_line {
    uint64_t at_utc_ms;
    uint32_t list_dbid;
    int64_t chain_id, chain_n;          /* chain_n 0: the whole chain */
    uint32_t group_dbid, campaign_dbid; /* 0: none */
    const char *rule;   /* a few words of a fixed set: "given out", "do not call", "treatment" */
    struct text inputs; /* "type 2, due -, agent a1": what the rule saw; no line ends; cut at 500 */
    struct text outcome; /* "with agent a1": what it decided; cut at 200 */
};

/* Into the commit of the decision. The texts are copied. */
void explain_add(struct change *change, const struct explain_line *line);
/* The line of a chain's step, where it has one: given out, processed, treatment, rejected, given
 * back, forced, a call-back that expired. UPDATE decides nothing; what ends on request is explained
 * by ending.c. */
void explain_add_step(struct change *change, const struct live_chain *live,
                      const struct chain_request *request, const struct chain_outcome *outcome);
/* Lines go after 30 days, from now on; called once. */
void explain_forget_old(struct outbound *server);

struct request;
void explain_list(struct request *request); /* ExplainList */
/* Stored lines of a chain, the latest first, at most `limit`, in `scope`. */
void explain_of_chain(struct outbound *server, struct scope *scope, uint32_t list_dbid,
                      int64_t chain_id, uint32_t limit,
                      void (*on_lines)(void *self, struct outbound_explain_line *lines,
                                       uint32_t count),
                      void *self);

#endif
