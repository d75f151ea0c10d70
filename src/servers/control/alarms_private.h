/* SPDX-License-Identifier: Apache-2.0 */
/* alarms_private.h - what the two files of the alarms' book share: alarms.c (memory: conditions,
 * active alarms, the clock) and alarm_store.c (what is written and read of them). */
#ifndef SERVERS_CONTROL_ALARMS_PRIVATE_H
#define SERVERS_CONTROL_ALARMS_PRIVATE_H

#include "servers/control/alarms.h"

struct object_alarm_condition;
struct reactions;

struct condition {
    struct condition *next_detect, *next_cancel; /* of the same event */
    struct text name, category;
    const struct object_alarm_condition *fields; /* good until configuration moves */
};

struct alarms {
    struct control_server *server;
    struct reactions *reactions;
    struct alarm_samples *samples;
    struct scope *config_life;
    struct table *conditions;      /* by name */
    struct table *detect, *cancel; /* by event: the first */
    struct table *active, *by_id;
    struct list order; /* active, by id */
    struct list moved; /* since the last stage */
    struct timer *due_timer, *retry_timer;
    uint64_t looks_utc_ms, next_id, cleared_since_trim, raised_total, cleared_total, refused_total;
    uint32_t in_flight;
    bool is_wrong, is_reading, was_full;
};

/* alarms.c */
void alarms_put(struct alarms *alarms, struct alarm *alarm);
/* Not to the end of its scope: its move may still have to be written. */
void alarms_take_out(struct alarms *alarms, struct alarm *alarm);
void alarms_set_due_timer(struct alarms *alarms);

/* alarm_store.c */
/* Blocks: the active ones and the last number. */
enum err alarms_read(struct alarms *alarms);
void alarms_read_again(void *alarms);
/* What was judged, in a change of its own; `done`, which may be NULL, comes once, unless nothing
 * moved. */
void alarms_commit_with(struct alarms *alarms,
                        void (*done)(void *self, enum err err,
                                     const struct control_alarm_state *alarm),
                        void *self);

#endif
