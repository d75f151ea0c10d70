/* SPDX-License-Identifier: Apache-2.0 */
/* checker_private.h - what the files of the checker share: checker.c (doors, breaches),
 * checker_request.c (what clients ask and hear), checker_look.c (the store), checker_notice.c
 * (notifications, snapshots, counters, deadlines, configuration). Nobody else includes it. */
#ifndef TESTS_WORLD_CHECKER_PRIVATE_H
#define TESTS_WORLD_CHECKER_PRIVATE_H

#include "base/table.h"
#include "tests/world/checker.h"
#include "tests/world/guess.h"

/* A text that was heard; its id stands for it in guesses. */
struct name {
    struct text text;
    uint32_t id;
};

/* What has guesses: a chain of a list, or the value behind a name. */
struct subject {
    struct thing thing;
    struct {
        uint64_t list, chain; /* ids of names; chain 0: a value, `list` its name */
    } key;
    uint32_t phone;
    bool is_acknowledged; /* its AddRecord */
    bool is_broken;
    uint64_t touched_ms;          /* what was last acknowledged of it was asked for then */
    uint64_t stopped_at;          /* number of the event that cancelled or blocked it last */
    uint64_t row_look, open_look; /* looks that showed its row, an open round */
    struct subject *next;
    struct event *history; /* a ring of CHECKER_HISTORY */
    uint64_t *history_numbers;
    uint64_t heard;
};

/* An attempt: its number in states is its place in the checker's array, from 1 on. */
struct round {
    uint32_t id;
    struct text guid;
    struct subject *subject; /* NULL: a notification spoke of it, nobody else so far */
    uint32_t list;           /* where the subject is not known; 0: nobody said */
    uint32_t agent;
    uint64_t handle;
    uint32_t ends; /* bits of enum end: how it may have ended, kept when another round follows */
    uint64_t ended_ms;
    struct notification *notification;
    uint32_t deliveries;
    uint64_t heard_ms; /* of the first delivery */
    uint64_t open_look, closed_look;
    uint64_t snapshot;   /* of its agent, that showed it */
    uint32_t unanswered; /* requests on it */
    bool is_answered;    /* the preview that gave it */
};

struct notification {
    struct text message;
    struct round *round;
    uint32_t digest;
    uint32_t deliveries;
    uint64_t look; /* that found it in the outbox */
    uint64_t since;
};

struct agent {
    uint32_t name;
    int64_t open;    /* previews that may have given a round nobody told us of */
    int64_t pending; /* not ended yet */
    int64_t loose;   /* lost since it was quiet: they may give one yet */
    uint64_t snapshots;
    struct round **rounds; /* that she may have */
    uint32_t count, room;
};

/* AddRecord of one phone. */
struct phone {
    struct {
        uint32_t list, phone;
    } key;
    uint32_t adds;   /* asked for and not refused */
    uint32_t chains; /* found or acknowledged */
    uint32_t values[8];
    uint32_t value_count;
};

struct request {
    uint64_t id;
    uint64_t number; /* of the event that asked */
    enum event_ask ask;
    struct subject *subject;
    struct round *round;
    struct agent *agent;
    struct phone *phone;
    uint32_t op, value;
    uint64_t asked_ms;
    struct request *next_free;
};

/* Who holds the configuration. */
struct holder {
    uint32_t name;
    uint64_t revision;
};

struct pointers {
    void **at;
    uint32_t count, room;
};

struct checker {
    struct scope *scope;
    struct checker_options options;
    struct checker_counts counts;
    uint64_t at_ms; /* of the present event */
    struct guessing guessing;
    struct table *names, *chains, *values, *rounds_by_guid, *notifications, *agents, *phones,
        *requests, *holders, *revisions, *handles;
    struct pointers name_list, rounds;
    struct subject *subjects;
    uint64_t one_list; /* of all chains; UINT64_MAX: there are several */
    struct request *free_requests;
    struct event killed; /* the last kill */
    uint64_t killed_at;
    uint64_t acknowledged_revision;
    /* the look at hand */
    uint64_t look; /* 0: none yet */
    bool is_looking, is_settled, is_unloaded;
    uint32_t look_list;
    struct pointers look_rounds, look_notifications; /* closed ones; in the outbox */
    uint32_t breach_count;
    struct breach breaches[CHECKER_BREACHES_MAX];
    bool broke; /* by the present event */
};

/* --- checker.c --- */

uint32_t name_of(struct checker *checker, struct text text); /* 0 for an absent one */
struct text name_text(const struct checker *checker, uint32_t name);
void pointers_add(struct checker *checker, struct pointers *pointers, void *pointer);
/* `subject` may be NULL; it breaks once. */
void breaks(struct checker *checker, enum invariant invariant, struct subject *subject,
            const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same, with what was possible behind the words. */
void breaks_guess(struct checker *checker, enum invariant invariant, struct subject *subject,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
bool is_silent(const struct subject *subject); /* nothing more is checked of it */
struct subject *chain_find(struct checker *checker, uint32_t list, uint64_t chain);
struct subject *chain_new(struct checker *checker, uint32_t list, uint64_t chain, uint32_t phone);
struct subject *value_get(struct checker *checker, struct text name);
void keep_event(struct checker *checker, struct subject *subject, const struct event *event);
/* Before it is looked at: a round of a silent agent may have lapsed. */
void let_lapse(struct checker *checker, struct subject *subject);
/* After its guesses changed: how its former rounds may have ended. */
void note_ends(struct checker *checker, struct subject *subject);
bool see(struct checker *checker, struct subject *subject, const struct sight *sight);
uint64_t keep_ms(const struct checker *checker);

/* --- checker_request.c --- */

struct agent *agent_get(struct checker *checker, uint32_t name);
struct round *round_find(struct checker *checker, struct text guid);
struct round *round_new(struct checker *checker, struct text guid);
/* The chain that an event speaks of: also one whose AddRecord was not answered. NULL after a
 * breach: nobody added it. */
struct subject *chain_get(struct checker *checker, uint32_t list, const struct event *event);
/* The round that an event shows; also one whose preview was not answered. NULL after a breach. */
struct round *round_get(struct checker *checker, struct subject *subject,
                        const struct event *event);
void settle_previews(struct checker *checker); /* it is quiet: what was lost gives nothing more */
/* After a look at the one list there is: what was given is known. */
void count_previews(struct checker *checker);
void hear_asked(struct checker *checker, const struct event *event);
void hear_end(struct checker *checker, const struct event *event);

/* --- checker_look.c --- */

void hear_look(struct checker *checker, const struct event *event);
void hear_row(struct checker *checker, const struct event *event);
void hear_round(struct checker *checker, const struct event *event);
void hear_outbox(struct checker *checker, const struct event *event);
void hear_looked(struct checker *checker);

/* --- checker_notice.c --- */

struct notification *notification_get(struct checker *checker, struct text message);
/* A notification is of one round, a round has one notification. */
void link_notification(struct checker *checker, struct round *round, struct notification *notice);
void hear_received(struct checker *checker, const struct event *event);
void hear_shown(struct checker *checker, const struct event *event);
void hear_snapshot(struct checker *checker, const struct event *event);
void hear_counter(struct checker *checker, const struct event *event);
void hear_state(struct checker *checker, const struct event *event);
void hear_configuration(struct checker *checker, const struct event *event);

#endif
