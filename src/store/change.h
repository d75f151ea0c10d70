/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - the inside of a change: its statements and parameters one after the other in a single
 * buffer, so that building one costs no allocation once the store is warm. For the files of this
 * room only. A walk through it:
 *
 *     struct change_cursor at = change_begin(change);
 *     const struct change_statement *statement;
 *     while ((statement = change_next_statement(&at)) != NULL)
 *         for (uint32_t i = 0; i < statement->parameter_count; i++)
 *             bind(i, change_next_parameter(&at)); */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include "base/buf.h"
#include "store/store.h"

/* Someone of this room who must hear how a change ended, before its owner does. Lies inside the
 * listener's own struct. */
struct change_hook {
    struct change_hook *next;
    void (*ended)(struct change_hook *hook, enum err err);
    const void *owner; /* store_forget(owner) takes it off */
};

struct change {
    struct list node; /* in a queue; the thread that holds the queue's lock */
    struct list all;  /* from change_new() on, until it is answered or dropped; loop thread */
    struct store *store;
    struct buf bytes;
    uint32_t statement_count;
    size_t statement_at; /* offset of the last one */
    bool is_unfenced;    /* takes a lease: runs though none is held */
    bool is_vital;       /* never refused at the door */
    bool is_probe;       /* of trouble.c */
    bool is_settled;     /* the driver has its result: left out when the group runs again */
    struct change_hook *hooks;
    void (*on_durable)(void *self, const struct change_result *result);
    void (*on_flushed)(void *self); /* of store_flush() instead */
    void *self;
    struct change_result result;
    char *words; /* behind result.words; malloc */
};

struct change_statement {
    const struct statement *statement;
    int32_t expect;
    uint32_t parameter_count;
};

struct change_parameter {
    uint32_t kind; /* VALUE_NULL, VALUE_INTEGER, VALUE_FLOAT, VALUE_TEXT or VALUE_BYTES */
    uint32_t len;  /* of text and bytes, which follow; a number follows in 8 bytes */
};

struct change_cursor {
    const char *at, *end;
};

struct change_cursor change_begin(const struct change *change);
const struct change_statement *change_next_statement(struct change_cursor *cursor); /* or NULL */
const struct change_parameter *change_next_parameter(struct change_cursor *cursor);
int64_t parameter_i64(const struct change_parameter *parameter);
double parameter_f64(const struct change_parameter *parameter);
const char *parameter_bytes(const struct change_parameter *parameter);

void change_on_end(struct change *change, struct change_hook *hook);
void change_fail(struct change *change, enum err err, int failed_statement, const char *words);
void change_reset(struct change *change); /* empty again, memory kept when it is not much */
void change_free(struct change *change);

#endif
