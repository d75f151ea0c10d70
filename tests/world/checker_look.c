/* SPDX-License-Identifier: Apache-2.0 */
/* The store, as one look finds it. */
#include "tests/world/checker_private.h"

enum { ROUND_IS_OPEN = 1, ROUND_IS_CLOSED = 2 }; /* as in the table's column */
enum { OUTBOX_IS_WAITING = 1, OUTBOX_IS_SENT, OUTBOX_IS_FAILED };

void hear_look(struct checker *checker, const struct event *event)
{
    checker->look = checker->counts.events;
    checker->counts.looks++;
    checker->look_list = name_of(checker, event->list);
    checker->is_looking = true;
    checker->is_settled = event->is_settled;
    checker->is_unloaded = event->is_unloaded;
    checker->look_rounds.count = checker->look_notifications.count = 0;
}

void hear_row(struct checker *checker, const struct event *event)
{
    struct subject *subject = chain_get(checker, checker->look_list, event);
    if (subject == NULL) return;
    keep_event(checker, subject, event);
    if (subject->row_look == checker->look) {
        breaks(checker, INVARIANT_LOST, subject, "is there twice");
        return;
    }
    subject->row_look = checker->look;
    if (event->phone.at && subject->phone != name_of(checker, event->phone)) {
        breaks(checker, INVARIANT_LOST, subject, "has phone %.*s instead of %.*s",
               TEXT_ARG(event->phone), TEXT_ARG(name_text(checker, subject->phone)));
        return;
    }
    struct sight row = { .kind = SIGHT_ROW,
                         .status = (uint32_t)event->status,
                         .agent = name_of(checker, event->agent),
                         .value = name_of(checker, event->value),
                         .result = (uint32_t)event->result,
                         .is_unloaded = checker->is_unloaded };
    if (!see(checker, subject, &row))
        breaks_guess(checker, INVARIANT_LOST, subject,
                     "has status %u, agent %.*s, value %.*s, result %u", row.status,
                     TEXT_ARG(event->agent), TEXT_ARG(event->value), row.result);
}

static void open_round(struct checker *checker, struct subject *subject, struct round *round,
                       const struct event *event)
{
    if (subject->open_look == checker->look) {
        breaks(checker, INVARIANT_OWNER, subject, "has two open rounds");
        return;
    }
    subject->open_look = round->open_look = checker->look;
    struct sight held = { .kind = SIGHT_HELD, .agent = round->agent, .round = round->id };
    if (!see(checker, subject, &held))
        breaks_guess(checker, INVARIANT_LOST, subject, "has the open round %.*s of %.*s",
                     TEXT_ARG(event->guid), TEXT_ARG(event->agent));
}

static void closed_round(struct checker *checker, struct subject *subject, struct round *round,
                         const struct event *event)
{
    round->closed_look = checker->look;
    pointers_add(checker, &checker->look_rounds, round);
    struct sight ended = { .kind = SIGHT_ENDED,
                           .ended = event->message.at            ? END_TOLD
                                    : checker->options.is_silent ? END_NOT
                                                                 : END_GIVEN_BACK,
                           .round = round->id,
                           .told = round->ends };
    if (!see(checker, subject, &ended)) {
        breaks_guess(checker, INVARIANT_LOST, subject, "has round %.*s closed with%s notification",
                     TEXT_ARG(event->guid), event->message.at ? " a" : "out");
        return;
    }
    if (event->message.at)
        link_notification(checker, round, notification_get(checker, event->message));
}

void hear_round(struct checker *checker, const struct event *event)
{
    struct subject *subject = chain_find(checker, checker->look_list, event->chain);
    if (subject == NULL) {
        breaks(checker, INVARIANT_LOST, NULL, "round %.*s is of chain %llu, which has no row",
               TEXT_ARG(event->guid), (unsigned long long)event->chain);
        return;
    }
    keep_event(checker, subject, event);
    struct round *round = round_get(checker, subject, event);
    if (round == NULL) return;
    if (event->status == ROUND_IS_OPEN)
        open_round(checker, subject, round, event);
    else
        closed_round(checker, subject, round, event);
}

void hear_outbox(struct checker *checker, const struct event *event)
{
    struct notification *notice = notification_get(checker, event->message);
    struct round *round = event->guid.at ? round_find(checker, event->guid) : notice->round;
    struct subject *subject = round ? round->subject : NULL;
    notice->look = checker->look;
    notice->since = event->since;
    pointers_add(checker, &checker->look_notifications, notice);
    if (subject) keep_event(checker, subject, event);
    if (round && event->guid.at) link_notification(checker, round, notice);
    const char *problem = NULL;
    if (event->status == OUTBOX_IS_SENT && notice->deliveries == 0)
        problem = "is marked as sent and never came";
    else if (event->status == OUTBOX_IS_FAILED && checker->is_settled)
        problem = "was given up";
    else if (event->status == OUTBOX_IS_WAITING && checker->is_settled)
        problem = "still waits, although all has settled";
    if (problem)
        breaks(checker, INVARIANT_DELIVERY, subject, "notification %.*s %s",
               TEXT_ARG(event->message), problem);
}

/* --- the end of a look --- */

static bool is_recent(const struct checker *checker, uint64_t since_ms)
{
    return checker->at_ms < since_ms + keep_ms(checker);
}

/* The round that ended last, where that is certain. */
static const struct round *last_told(const struct checker *checker, const struct subject *subject)
{
    const struct guesses *set = &subject->thing.guesses;
    if (subject->thing.used || set->count != 1) return NULL;
    const struct state *state = &set->at[0].state;
    if (state->round == 0 || state->ended != END_TOLD) return NULL;
    return checker->rounds.at[state->round - 1];
}

static void look_at_chain(struct checker *checker, struct subject *subject)
{
    if (subject->row_look != checker->look) {
        breaks_guess(checker, INVARIANT_LOST, subject, "has no row");
        return;
    }
    struct sight nobodys = { .kind = SIGHT_NOT_HELD };
    if (subject->open_look != checker->look && !see(checker, subject, &nobodys)) {
        breaks_guess(checker, INVARIANT_LOST, subject, "has no open round");
        return;
    }
    const struct round *last = last_told(checker, subject);
    if (last && last->closed_look != checker->look && is_recent(checker, last->ended_ms))
        breaks_guess(checker, INVARIANT_LOST, subject, "has not kept its closed round %.*s",
                     TEXT_ARG(last->guid));
}

/* What is owed to a receiver and the rounds it is about stand in one commit. */
static void look_at_outbox(struct checker *checker)
{
    for (uint32_t i = 0; i < checker->look_rounds.count; i++) {
        const struct round *round = checker->look_rounds.at[i];
        const struct notification *notice = round->notification;
        if (notice && notice->look != checker->look && notice->deliveries == 0)
            breaks(checker, INVARIANT_DELIVERY, round->subject,
                   "notification %.*s of round %.*s never came and is not in the outbox",
                   TEXT_ARG(notice->message), TEXT_ARG(round->guid));
    }
    for (uint32_t i = 0; i < checker->look_notifications.count; i++) {
        const struct notification *notice = checker->look_notifications.at[i];
        const struct round *round = notice->round;
        struct subject *subject = round ? round->subject : NULL;
        bool is_others = subject && subject->key.list != checker->look_list;
        if (is_others || !is_recent(checker, notice->since)) continue;
        if (round == NULL || round->closed_look != checker->look)
            breaks(checker, INVARIANT_DELIVERY, subject,
                   "notification %.*s is in the outbox and its round is not closed",
                   TEXT_ARG(notice->message));
    }
}

static bool is_surely_told(const struct round *round)
{
    const struct guesses *set = &round->subject->thing.guesses;
    if (round->notification) return true;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct state *state = &set->at[i].state;
        if (state->round == round->id && state->ended != END_TOLD) return false;
        if (state->round_before == round->id && state->ended_before != END_TOLD) return false;
        if (state->round != round->id && state->round_before != round->id &&
            round->ends != 1u << END_TOLD)
            return false;
    }
    return true;
}

static void look_at_rounds(struct checker *checker)
{
    for (uint32_t i = 0; i < checker->rounds.count; i++) {
        const struct round *round = checker->rounds.at[i];
        if (round->subject == NULL) {
            if ((round->list == 0 || round->list == checker->look_list) &&
                is_recent(checker, round->heard_ms))
                breaks(checker, INVARIANT_DELIVERY, NULL,
                       "a notification came about round %.*s, which the store does not have",
                       TEXT_ARG(round->guid));
            continue;
        }
        if (!checker->is_settled || checker->options.is_silent || round->deliveries ||
            round->subject->key.list != checker->look_list || is_silent(round->subject))
            continue;
        if (is_surely_told(round))
            breaks(checker, INVARIANT_DELIVERY, round->subject,
                   "ended round %.*s, and its notification never came", TEXT_ARG(round->guid));
    }
}

void hear_looked(struct checker *checker)
{
    checker->is_looking = false;
    for (struct subject *subject = checker->subjects; subject; subject = subject->next)
        if (subject->key.chain && subject->key.list == checker->look_list && !is_silent(subject))
            look_at_chain(checker, subject);
    look_at_outbox(checker);
    look_at_rounds(checker);
    if (checker->one_list == checker->look_list) count_previews(checker);
}
