/* SPDX-License-Identifier: Apache-2.0 */
/* chain_step.h - the inside of the chain's machine: what chain.c (the machine, final outcomes) and
 * chain_again.c (treatments, call-backs) share. Nobody else includes it. */
#ifndef SERVERS_OUTBOUND_CHAIN_STEP_H
#define SERVERS_OUTBOUND_CHAIN_STEP_H

#include "servers/outbound/chain.h"

/* What a step notes down. */
struct actions {
    struct scope *scratch;
    struct chain_outcome *outcome;
};

/* What it may ask. */
struct step {
    const struct chain *chain;
    const struct chain_request *request;
    struct chain_outcome *outcome;
    int64_t final_status; /* of the record, where it settles */
};

/* Cells as the outcome so far leaves them. */
int64_t number_now(const struct step *step, uint32_t record, uint32_t column);
struct text text_now(const struct step *step, uint32_t record, uint32_t column);
/* Written where they differ from that. */
void set_number(struct actions *out, const struct step *step, uint32_t record, uint32_t column,
                int64_t value);
void set_text(struct actions *out, const struct step *step, uint32_t record, uint32_t column,
              struct text value);
/* Rows that this round took go back to the list as they were. */
void give_rows_back(struct actions *out, const struct step *step);
void close_round(struct actions *out, enum chain_reason reason);
int write_wanted(void *self, const void *detail, struct actions *out);

/* --- chain_again.c --- */

/* The treatment that the request asks for, into the outcome; false: none, the record settles. */
bool choose_treatment(struct step *step, struct actions *out);
bool may_be_held(const void *self);
int hold(void *self, const void *detail, struct actions *out);
int write_back(void *self, const void *detail, struct actions *out);
int withdraw(void *self, const void *detail, struct actions *out);
int keep_wish(void *self, const void *detail, struct actions *out);
int reschedule(void *self, const void *detail, struct actions *out);
bool is_no_callback(const void *self);
int move(void *self, const void *detail, struct actions *out);
int expire(void *self, const void *detail, struct actions *out);
int release(void *self, const void *detail, struct actions *out);
int miss(void *self, const void *detail, struct actions *out);

#endif
