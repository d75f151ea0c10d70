/* SPDX-License-Identifier: Apache-2.0 */
/* notifier.h - posts to the customer's web servers (spec outbound 12, 13) through the outbox: the
 * row is written in the change that is its cause, the POST leaves after its commit, and again after
 * a crash, with the same bytes. What is posted of a chain: chain_report.h; of a campaign group:
 * group_state.h; what the ledger holds: ledger.h.
 * Endpoint scheme, host, port, proxy: each has its own connections, its own FIFO, and its own lane
 *          of the outbox, so one that is dead or slow holds up nobody else. */
#ifndef SERVERS_OUTBOUND_NOTIFIER_H
#define SERVERS_OUTBOUND_NOTIFIER_H

#include "io/http/client.h"
#include "servers/outbound/outbound.h"
#include "servers/outbound/retry.h"
#include "store/outbox.h"

struct notifier *notifier_new(struct outbound *server);
/* Options moved: pool size, custom headers. */
void notifier_configure(struct notifier *notifier, struct text host_headers);
/* Warn about words within the group's own options that cannot be read. */
void notifier_check_options(struct session *session);

/* Views until return. */
struct posting {
    enum message_kind kind;
    struct session *session; /* whose options rule it */
    struct guid message_guid;
    struct text url, body;
    struct text subject; /* what the ledger finds it again by; may be empty */
    uint64_t now_utc_ms;
};

/* Durable with the change, sent once notifier_committed() is called. */
void notifier_post(struct notifier *notifier, struct change *change, const struct posting *posting);
void notifier_committed(struct notifier *notifier, const struct guid *message_guid);
/* A call report record of the group is durable; it counts until it was confirmed or given up. */
void notifier_count_report(struct session *session);
/* Sent now and once, kept nowhere. False: it was not, as its secret cannot be read. */
bool notifier_send(struct notifier *notifier, const struct posting *posting,
                   void (*on_done)(void *self, const struct http_result *result), void *self);

/* No new work of this campaign group may begin: the ledger is at its limit (design 5, overload), or
 * too many call report records are without confirmation (13.2). Whoever hears it first raises the
 * alarm. NULL: work may begin; else the reason, for people. */
const char *notifier_holds_back(struct session *session);

struct outbox_counters notifier_counters(const struct notifier *notifier);
struct outbox *notifier_outbox(const struct notifier *notifier);
/* The headers of a message as it would leave now, a line each; the values that a log would hide are
 * stars. */
void notifier_headers(struct notifier *notifier, const struct effect *effect, struct buf *out);
/* "contact-processed/204" -> its first part. */
struct text notifier_kind_name(struct text kind);

#endif
