/* SPDX-License-Identifier: Apache-2.0 */
/* chain_report.h - what the customer's web servers are told of a chain: the contact-processed
 * notification when it was processed (spec outbound 12), and two call report records per attempt
 * (13.2): one when the round opens, one when it closes, whatever closed it. */
#ifndef SERVERS_OUTBOUND_CHAIN_REPORT_H
#define SERVERS_OUTBOUND_CHAIN_REPORT_H

#include "servers/outbound/step.h"

/* Add what the options ask for to the change of the step. `primary` are the cells of the primary
 * record as the change leaves them. */
void chain_report_add(struct chain_step *step, struct change *change, const struct value *primary,
                      struct text disposition_code);
/* The change is durable: what was added may leave. */
void chain_report_committed(const struct chain_step *step);

#endif
