/* SPDX-License-Identifier: Apache-2.0 */
/* What is told unasked: notifications, snapshots; counters, deadlines, configuration. */
#include "tests/world/checker_private.h"

/* --- notifications --- */

struct notification *notification_get(struct checker *checker, struct text message)
{
    struct notification *notice = table_get(checker->notifications, message);
    if (notice) return notice;
    notice = scope_alloc(checker->scope, sizeof *notice);
    notice->message = name_text(checker, name_of(checker, message.at ? message : TEXT("")));
    table_put(checker->notifications, notice->message, notice);
    checker->counts.notifications++;
    return notice;
}

void link_notification(struct checker *checker, struct round *round, struct notification *notice)
{
    if (notice->round && notice->round != round) {
        breaks(checker, INVARIANT_ROUND, round->subject,
               "has message %.*s for round %.*s, which is that of round %.*s",
               TEXT_ARG(notice->message), TEXT_ARG(round->guid), TEXT_ARG(notice->round->guid));
    } else if (round->notification && round->notification != notice) {
        breaks(checker, INVARIANT_ROUND, round->subject,
               "has two messages for round %.*s: %.*s, %.*s", TEXT_ARG(round->guid),
               TEXT_ARG(round->notification->message), TEXT_ARG(notice->message));
    } else {
        notice->round = round;
        round->notification = notice;
    }
}

void hear_received(struct checker *checker, const struct event *event)
{
    struct notification *notice = notification_get(checker, event->message);
    uint32_t digest = name_of(checker, event->digest);
    struct round *round = round_find(checker, event->guid);
    if (round == NULL) {
        round = round_new(checker, event->guid);
        round->list = name_of(checker, event->list);
    }
    if (round->subject) keep_event(checker, round->subject, event);
    checker->counts.deliveries++;
    if (round->deliveries++ == 0) round->heard_ms = checker->at_ms;
    if (notice->deliveries++ == 0)
        notice->digest = digest;
    else if (notice->digest != digest)
        breaks(checker, INVARIANT_DELIVERY, round->subject,
               "notification %.*s came with two bodies", TEXT_ARG(event->message));
    link_notification(checker, round, notice);
    if (round->subject == NULL) return;
    struct sight told = {
        .kind = SIGHT_ENDED, .ended = END_TOLD, .round = round->id, .told = round->ends
    };
    if (!see(checker, round->subject, &told))
        breaks_guess(checker, INVARIANT_DELIVERY, round->subject,
                     "had a notification about round %.*s, which did not end so",
                     TEXT_ARG(round->guid));
}

/* --- desktops --- */

void hear_shown(struct checker *checker, const struct event *event)
{
    struct agent *agent = agent_get(checker, name_of(checker, event->agent));
    struct subject *subject = chain_get(checker, name_of(checker, event->list), event);
    if (subject == NULL) return;
    keep_event(checker, subject, event);
    struct round *round = round_get(checker, subject, event);
    if (round == NULL) return;
    round->snapshot = agent->snapshots + 1;
    struct sight held = { .kind = SIGHT_HELD, .agent = agent->name, .round = round->id };
    /* A snapshot on its way is older than what came by a shorter way: it may have been taken before
     * her own request ended the round, whose answer follows it. */
    if (round->unanswered && !thing_may(&checker->guessing, &subject->thing, &held)) return;
    if (!see(checker, subject, &held))
        breaks_guess(checker, INVARIANT_OWNER, subject, "is shown to %.*s in round %.*s",
                     TEXT_ARG(event->agent), TEXT_ARG(event->guid));
}

void hear_snapshot(struct checker *checker, const struct event *event)
{
    struct agent *agent = agent_get(checker, name_of(checker, event->agent));
    uint32_t kept = 0;
    agent->snapshots++;
    for (uint32_t i = 0; i < agent->count; i++) {
        struct round *round = agent->rounds[i];
        struct subject *subject = round->subject;
        if (round->snapshot == agent->snapshots) {
            agent->rounds[kept++] = round;
            continue;
        }
        /* A look into the store may be younger than a snapshot that comes slowly, before the answer
         * of the preview that gave the round. */
        if (!round->is_answered && agent->pending > 0) {
            agent->rounds[kept++] = round;
            continue;
        }
        struct sight gone = { .kind = SIGHT_NOT_HELD, .round = round->id };
        if (see(checker, subject, &gone)) continue;
        keep_event(checker, subject, event);
        breaks_guess(checker, INVARIANT_OWNER, subject, "is missing in the snapshot of %.*s",
                     TEXT_ARG(event->agent));
    }
    agent->count = kept;
}

/* --- counters, deadlines --- */

void hear_counter(struct checker *checker, const struct event *event)
{
    if (event->published != event->counted)
        breaks(checker, INVARIANT_COUNTER, NULL,
               "%.*s is published as %llu, and the store counts %llu", TEXT_ARG(event->name),
               (unsigned long long)event->published, (unsigned long long)event->counted);
}

void hear_state(struct checker *checker, const struct event *event)
{
    if (event->until == 0)
        breaks(checker, INVARIANT_DEADLINE, NULL, "%.*s of %.*s since %llu has no deadline",
               TEXT_ARG(event->name), TEXT_ARG(event->who), (unsigned long long)event->since);
    else if (event->until < event->at_ms)
        breaks(checker, INVARIANT_DEADLINE, NULL, "%.*s of %.*s since %llu was due at %llu",
               TEXT_ARG(event->name), TEXT_ARG(event->who), (unsigned long long)event->since,
               (unsigned long long)event->until);
}

/* --- configuration --- */

static struct holder *holder_get(struct checker *checker, struct text who)
{
    struct holder *holder = table_get(checker->holders, who);
    if (holder) return holder;
    holder = scope_alloc(checker->scope, sizeof *holder);
    holder->name = name_of(checker, who.at ? who : TEXT(""));
    table_put(checker->holders, name_text(checker, holder->name), holder);
    return holder;
}

/* One revision is one content for those who may see the same, whoever has it. */
static void compare_digests(struct checker *checker, const struct event *event)
{
    struct revision {
        struct {
            uint64_t number, view;
        } key;
        uint32_t digest, who;
    };
    struct revision made = { .key = { event->revision, name_of(checker, event->name) } };
    struct revision *known = table_get(checker->revisions, TEXT_OF(&made.key));
    uint32_t digest = name_of(checker, event->digest);
    if (known == NULL) {
        known = scope_alloc(checker->scope, sizeof *known);
        made.digest = digest;
        made.who = name_of(checker, event->who);
        *known = made;
        table_put(checker->revisions, TEXT_OF(&known->key), known);
    } else if (known->digest != digest) {
        breaks(checker, INVARIANT_CONVERGENCE, NULL, "revision %llu differs at %.*s and %.*s",
               (unsigned long long)event->revision, TEXT_ARG(event->who),
               TEXT_ARG(name_text(checker, known->who)));
    }
}

void hear_configuration(struct checker *checker, const struct event *event)
{
    struct holder *holder = holder_get(checker, event->who);
    const struct holder *server = holder_get(checker, TEXT("config"));
    compare_digests(checker, event);
    if (event->revision < holder->revision)
        breaks(checker, INVARIANT_CONVERGENCE, NULL, "%.*s went back from revision %llu to %llu",
               TEXT_ARG(event->who), (unsigned long long)holder->revision,
               (unsigned long long)event->revision);
    holder->revision = event->revision;
    if (holder == server && event->revision < checker->acknowledged_revision)
        breaks(checker, INVARIANT_LOST, NULL, "revision %llu was acknowledged, and config has %llu",
               (unsigned long long)checker->acknowledged_revision,
               (unsigned long long)event->revision);
    else if (event->is_settled && event->revision != server->revision)
        breaks(checker, INVARIANT_CONVERGENCE, NULL, "%.*s has revision %llu, and config %llu",
               TEXT_ARG(event->who), (unsigned long long)event->revision,
               (unsigned long long)server->revision);
}
