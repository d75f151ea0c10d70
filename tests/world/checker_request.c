/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask, how it ends, and who is given what. */
#include "tests/world/checker_private.h"

#include "servers/outbound/error.h"

/* --- agents, rounds, phones --- */

struct agent *agent_get(struct checker *checker, uint32_t name)
{
    struct agent *agent = table_get(checker->agents, TEXT_OF(&name));
    if (agent) return agent;
    agent = scope_alloc(checker->scope, sizeof *agent);
    agent->name = name;
    table_put(checker->agents, TEXT_OF(&agent->name), agent);
    return agent;
}

static void agent_add_round(struct checker *checker, struct agent *agent, struct round *round)
{
    if (agent->count == agent->room) {
        uint32_t room = agent->room ? agent->room * 2 : 8;
        struct round **more = scope_alloc_array(checker->scope, room, sizeof(struct round *));
        for (uint32_t i = 0; i < agent->count; i++) more[i] = agent->rounds[i];
        agent->rounds = more;
        agent->room = room;
    }
    agent->rounds[agent->count++] = round;
}

struct round *round_find(struct checker *checker, struct text guid)
{
    return table_get(checker->rounds_by_guid, guid);
}

struct round *round_new(struct checker *checker, struct text guid)
{
    struct round *round = scope_alloc(checker->scope, sizeof *round);
    round->guid = name_text(checker, name_of(checker, guid.at ? guid : TEXT("")));
    pointers_add(checker, &checker->rounds, round);
    round->id = checker->rounds.count;
    table_put(checker->rounds_by_guid, round->guid, round);
    checker->counts.rounds++;
    return round;
}

static struct phone *phone_get(struct checker *checker, uint32_t list, uint32_t name)
{
    struct phone wanted = { .key = { list, name } };
    struct phone *phone = table_get(checker->phones, TEXT_OF(&wanted.key));
    if (phone) return phone;
    phone = scope_alloc(checker->scope, sizeof *phone);
    phone->key = wanted.key;
    table_put(checker->phones, TEXT_OF(&phone->key), phone);
    return phone;
}

static void phone_add_value(struct phone *phone, uint32_t value)
{
    enum { ROOM = sizeof phone->values / sizeof phone->values[0] };
    if (phone->value_count == ROOM) { /* too many to tell apart: any value */
        phone->value_count = 1;
        value = phone->values[0] = 0;
        return;
    }
    phone->values[phone->value_count++] = value;
}

static void phone_drop_value(struct phone *phone, uint32_t value)
{
    for (uint32_t i = 0; i < phone->value_count; i++)
        if (phone->values[i] == value) {
            phone->values[i] = phone->values[--phone->value_count];
            return;
        }
}

/* --- chains and rounds that nobody told of --- */

static struct subject *chain_begin(struct checker *checker, struct phone *phone, uint64_t chain,
                                   const uint32_t *values, uint32_t count)
{
    struct subject *subject = chain_new(checker, phone->key.list, chain, phone->key.phone);
    phone->chains++;
    for (uint32_t i = 0; i < count; i++) {
        struct state state = { .phase = PHASE_FREE, .value = values[i] };
        if (i == 0)
            thing_begin(&checker->guessing, &subject->thing, &state);
        else
            thing_add(&checker->guessing, &subject->thing, &state);
    }
    return subject;
}

struct subject *chain_get(struct checker *checker, uint32_t list, const struct event *event)
{
    struct subject *subject = chain_find(checker, list, event->chain);
    if (subject) return subject;
    struct phone *phone = phone_get(checker, list, name_of(checker, event->phone));
    if (event->phone.at == NULL || phone->chains >= phone->adds || phone->value_count == 0) {
        breaks(checker, INVARIANT_LOST, NULL, "chain %llu of %.*s with phone %.*s is %s (\"%.*s\")",
               (unsigned long long)event->chain, TEXT_ARG(name_text(checker, list)),
               TEXT_ARG(event->phone.at ? event->phone : TEXT("?")),
               phone->chains && event->phone.at ? "there although that phone was added already"
                                                : "a record that nobody added",
               TEXT_ARG(event_kind_name(event->kind)));
        return NULL;
    }
    return chain_begin(checker, phone, event->chain, phone->values, phone->value_count);
}

/* The deed of a preview, done somewhere in the past. */
static void give_unheard(struct checker *checker, struct subject *subject,
                         const struct round *round)
{
    struct op give = {
        .deed = DEED_GIVE, .agent = round->agent, .round = round->id, .is_lost = true
    };
    if (is_silent(subject)) return;
    (void)thing_ask(&checker->guessing, &subject->thing, &give);
}

static bool is_same_round(struct checker *checker, struct subject *subject, struct round *round,
                          uint32_t agent)
{
    if (round->subject == subject && round->agent == agent) return true;
    breaks(checker, INVARIANT_ROUND, subject,
           "has round %.*s with %.*s, which is of chain %llu with %.*s", TEXT_ARG(round->guid),
           TEXT_ARG(name_text(checker, agent)), (unsigned long long)round->subject->key.chain,
           TEXT_ARG(name_text(checker, round->agent)));
    return false;
}

static void round_begin(struct checker *checker, struct subject *subject, struct round *round,
                        struct agent *agent, const struct event *event)
{
    round->subject = subject;
    round->agent = agent->name;
    round->handle = event->handle;
    agent_add_round(checker, agent, round);
    if (event->handle == 0) return;
    struct round *other = table_get(checker->handles, TEXT_OF(&event->handle));
    struct sight held = { .kind = SIGHT_HELD };
    if (other && !is_silent(other->subject)) {
        held.agent = other->agent;
        held.round = other->id;
        struct sight free = { .kind = SIGHT_NOT_HELD, .round = other->id };
        if (thing_may(&checker->guessing, &other->subject->thing, &held) &&
            !thing_may(&checker->guessing, &other->subject->thing, &free))
            breaks(checker, INVARIANT_ROUND, subject,
                   "got handle %llu, which is that of chain %llu with %.*s",
                   (unsigned long long)event->handle, (unsigned long long)other->subject->key.chain,
                   TEXT_ARG(name_text(checker, other->agent)));
    }
    table_put(checker->handles, TEXT_OF(&round->handle), round);
}

struct round *round_get(struct checker *checker, struct subject *subject, const struct event *event)
{
    uint32_t name = name_of(checker, event->agent);
    struct round *round = round_find(checker, event->guid);
    if (round && round->subject) return is_same_round(checker, subject, round, name) ? round : NULL;
    struct agent *agent = agent_get(checker, name);
    if (agent->open <= 0) {
        breaks_guess(checker, INVARIANT_OWNER, subject,
                     "is with %.*s in round %.*s, and no preview of hers gave it",
                     TEXT_ARG(event->agent), TEXT_ARG(event->guid));
        return NULL;
    }
    agent->open--;
    if (round == NULL) round = round_new(checker, event->guid);
    round_begin(checker, subject, round, agent, event);
    give_unheard(checker, subject, round);
    return round;
}

void settle_previews(struct checker *checker)
{
    struct agent *agent;
    for (size_t at = 0; (agent = table_next(checker->agents, &at)) != NULL;) agent->loose = 0;
}

void count_previews(struct checker *checker)
{
    struct agent *agent;
    for (size_t at = 0; (agent = table_next(checker->agents, &at)) != NULL;)
        if (agent->open > agent->pending + agent->loose)
            agent->open = agent->pending + agent->loose;
}

/* --- asked --- */

static struct request *request_new(struct checker *checker, const struct event *event)
{
    struct request *request = checker->free_requests;
    if (request)
        checker->free_requests = request->next_free;
    else
        request = scope_alloc(checker->scope, sizeof *request);
    *request = (struct request){ .id = event->request,
                                 .number = checker->counts.events,
                                 .asked_ms = event->at_ms,
                                 .ask = event->ask,
                                 .op = OP_NONE };
    request->value = name_of(checker, event->value);
    table_put(checker->requests, TEXT_OF(&request->id), request);
    checker->counts.requests++;
    return request;
}

static void request_end(struct checker *checker, struct request *request)
{
    (void)table_remove(checker->requests, TEXT_OF(&request->id));
    request->next_free = checker->free_requests;
    checker->free_requests = request;
}

static void ask_op(struct checker *checker, struct request *request, struct subject *subject,
                   const struct op *op, const struct event *event)
{
    request->subject = subject;
    keep_event(checker, subject, event);
    if (is_silent(subject)) return;
    let_lapse(checker, subject);
    request->op = thing_ask(&checker->guessing, &subject->thing, op);
}

/* What was acknowledged was carried out after it was asked for, nobody knows when; what was lost or
 * refused keeps no round from lapsing. */
static void touch(struct subject *subject, const struct request *request)
{
    if (subject->touched_ms < request->asked_ms) subject->touched_ms = request->asked_ms;
}

static void ask_about_round(struct checker *checker, struct request *request, enum deed deed,
                            const struct event *event)
{
    struct round *round = round_find(checker, event->guid);
    if (round == NULL || round->subject == NULL) {
        breaks(checker, INVARIANT_LOG, NULL, "request %llu is about round %.*s, given to nobody",
               (unsigned long long)event->request, TEXT_ARG(event->guid));
        return;
    }
    request->round = round;
    round->unanswered++;
    struct op op = { .deed = (uint8_t)deed,
                     .then = (uint8_t)event->then,
                     .agent = name_of(checker, event->agent),
                     .round = round->id,
                     .value = request->value,
                     .result = (uint32_t)event->result };
    ask_op(checker, request, round->subject, &op, event);
}

static void ask_about_chain(struct checker *checker, struct request *request, enum deed deed,
                            const struct event *event)
{
    struct subject *subject = chain_find(checker, name_of(checker, event->list), event->chain);
    struct op op = { .deed = (uint8_t)deed };
    struct round *round = event->guid.at ? round_find(checker, event->guid) : NULL;
    if (round) { /* by its holder */
        request->round = round;
        round->unanswered++;
    }
    if (subject) {
        subject->stopped_at = checker->counts.events;
        ask_op(checker, request, subject, &op, event);
    } else {
        breaks(checker, INVARIANT_LOG, NULL,
               "request %llu is about chain %llu, not heard of before",
               (unsigned long long)event->request, (unsigned long long)event->chain);
    }
}

/* It may take every round of the list, at once or later. */
static void ask_force(struct checker *checker, const struct event *event)
{
    uint32_t list = name_of(checker, event->list);
    struct op stale = { .deed = DEED_STALE, .is_lost = true };
    for (struct subject *subject = checker->subjects; subject; subject = subject->next) {
        if (subject->key.list != list || subject->key.chain == 0 || is_silent(subject)) continue;
        keep_event(checker, subject, event);
        (void)thing_ask(&checker->guessing, &subject->thing, &stale);
    }
}

void hear_asked(struct checker *checker, const struct event *event)
{
    if (table_get(checker->requests, TEXT_OF(&event->request))) {
        breaks(checker, INVARIANT_LOG, NULL, "request %llu is asked twice",
               (unsigned long long)event->request);
        return;
    }
    struct request *request = request_new(checker, event);
    switch (event->ask) {
    case ASK_ADD:
        request->phone =
            phone_get(checker, name_of(checker, event->list), name_of(checker, event->phone));
        request->phone->adds++;
        phone_add_value(request->phone, request->value);
        break;
    case ASK_PREVIEW:
        request->agent = agent_get(checker, name_of(checker, event->agent));
        request->agent->open++;
        request->agent->pending++;
        break;
    case ASK_UPDATE: ask_about_round(checker, request, DEED_UPDATE, event); break;
    case ASK_PROCESS: ask_about_round(checker, request, DEED_PROCESS, event); break;
    case ASK_REJECT: ask_about_round(checker, request, DEED_REJECT, event); break;
    case ASK_CANCEL: ask_about_chain(checker, request, DEED_CANCEL, event); break;
    case ASK_BLOCK: ask_about_chain(checker, request, DEED_BLOCK, event); break;
    case ASK_FORCE: ask_force(checker, event); break;
    case ASK_SET: {
        struct op op = { .deed = DEED_SET, .value = request->value };
        ask_op(checker, request, value_get(checker, event->name), &op, event);
        break;
    }
    case ASKS: break;
    }
}

/* --- acknowledged --- */

static void added(struct checker *checker, struct request *request, const struct event *event)
{
    struct phone *phone = request->phone;
    struct subject *subject = chain_find(checker, phone->key.list, event->chain);
    if (subject == NULL) {
        subject = chain_begin(checker, phone, event->chain, &request->value, 1);
        if (phone->chains > phone->adds)
            breaks(checker, INVARIANT_LOST, subject, "is phone %.*s, which was added already",
                   TEXT_ARG(name_text(checker, phone->key.phone)));
    } else if (subject->is_acknowledged) {
        breaks(checker, INVARIANT_LOST, subject, "is acknowledged as %.*s, and was as %.*s before",
               TEXT_ARG(name_text(checker, phone->key.phone)),
               TEXT_ARG(name_text(checker, subject->phone)));
    } else if (subject->phone != phone->key.phone) {
        breaks(checker, INVARIANT_LOST, subject, "is acknowledged as %.*s and was %.*s",
               TEXT_ARG(name_text(checker, phone->key.phone)),
               TEXT_ARG(name_text(checker, subject->phone)));
    }
    subject->is_acknowledged = true;
    keep_event(checker, subject, event);
}

/* Why nobody may get it. */
static void break_gift(struct checker *checker, struct subject *subject, const struct event *event)
{
    const struct guesses *set = thing_spread(&checker->guessing, &subject->thing);
    bool was_free = false;
    for (uint32_t i = 0; i < set->count; i++)
        was_free = was_free || set->at[i].state.phase == PHASE_FREE;
    if (was_free)
        breaks_guess(checker, INVARIANT_LOST, subject, "came to %.*s with value %.*s",
                     TEXT_ARG(event->agent), TEXT_ARG(event->value));
    else
        breaks_guess(checker, INVARIANT_OWNER, subject, "was given to %.*s in round %.*s",
                     TEXT_ARG(event->agent), TEXT_ARG(event->guid));
}

/* The answer came late: meanwhile it was given, and taken away by a cancel. */
static bool was_stopped(const struct request *request, struct subject *subject,
                        const struct round *round)
{
    struct thing *thing = &subject->thing;
    if (subject->stopped_at < request->number) return false;
    for (uint32_t i = 0; i < thing->guesses.count; i++) {
        struct state *state = &thing->guesses.at[i].state;
        if (state->phase != PHASE_CANCELLED && state->phase != PHASE_BLOCKED) return false;
        state->round_before = state->round;
        state->ended_before = state->ended;
        state->round = round->id;
        state->ended = END_TOLD;
    }
    return true;
}

static void given(struct checker *checker, struct request *request, const struct event *answer)
{
    struct agent *agent = request->agent;
    struct event event = *answer; /* the answer of a preview is to whoever asked */
    event.agent = name_text(checker, agent->name);
    struct subject *subject = chain_get(checker, name_of(checker, event.list), &event);
    if (subject == NULL) return;
    struct round *round = round_find(checker, event.guid);
    keep_event(checker, subject, &event);
    if (round && round->subject) { /* a look or a snapshot showed it before */
        round->is_answered = true;
        (void)is_same_round(checker, subject, round, agent->name);
        return;
    }
    agent->open--;
    if (round == NULL) round = round_new(checker, event.guid);
    round_begin(checker, subject, round, agent, &event);
    round->is_answered = true;
    if (is_silent(subject)) return;
    let_lapse(checker, subject);
    touch(subject, request);
    struct op give = { .deed = DEED_GIVE, .agent = agent->name, .round = round->id };
    uint32_t op = thing_ask(&checker->guessing, &subject->thing, &give);
    if (op == OP_NONE) return;
    bool is_right =
        thing_acknowledge(&checker->guessing, &subject->thing, op, name_of(checker, event.value)) ||
        was_stopped(request, subject, round);
    if (!is_right) {
        break_gift(checker, subject, &event);
        return;
    }
    note_ends(checker, subject);
    if (round->deliveries == 0) return;
    struct sight told = { .kind = SIGHT_ENDED, .ended = END_TOLD, .round = round->id };
    if (!see(checker, subject, &told))
        breaks_guess(checker, INVARIANT_DELIVERY, subject,
                     "is given in round %.*s, of whose end a notification came before",
                     TEXT_ARG(round->guid));
}

static void op_acknowledged(struct checker *checker, struct request *request,
                            const struct event *event)
{
    struct subject *subject = request->subject;
    if (subject == NULL) return;
    keep_event(checker, subject, event);
    if (request->op == OP_NONE || is_silent(subject)) return;
    let_lapse(checker, subject);
    touch(subject, request);
    if (thing_acknowledge(&checker->guessing, &subject->thing, request->op, 0)) {
        note_ends(checker, subject);
        return;
    }
    struct text ask = event_ask_name(request->ask);
    breaks_guess(checker, INVARIANT_OWNER, subject,
                 "acknowledged a request (\"%.*s\") that it could not carry out", TEXT_ARG(ask));
}

static void hear_acknowledged(struct checker *checker, struct request *request,
                              const struct event *event)
{
    checker->counts.acknowledged++;
    if (event->revision > checker->acknowledged_revision)
        checker->acknowledged_revision = event->revision;
    if (request->ask == ASK_ADD)
        added(checker, request, event);
    else if (request->ask == ASK_PREVIEW)
        given(checker, request, event);
    else
        op_acknowledged(checker, request, event);
}

/* --- refused, lost --- */

static void add_refused(struct checker *checker, struct request *request)
{
    struct phone *phone = request->phone;
    phone->adds--;
    phone_drop_value(phone, request->value);
    if (phone->chains > phone->adds)
        breaks(checker, INVARIANT_LOST, NULL, "phone %.*s was refused and is there",
               TEXT_ARG(name_text(checker, phone->key.phone)));
}

static void preview_refused(struct checker *checker, struct request *request)
{
    if (--request->agent->open < 0) {
        request->agent->open = 0;
        breaks(checker, INVARIANT_OWNER, NULL, "a preview of %.*s was refused and gave a record",
               TEXT_ARG(name_text(checker, request->agent->name)));
    }
}

/* Some refusals say how it stands: to its own agent, that the round is not open. */
static void op_refused(struct checker *checker, struct request *request, const struct event *event)
{
    struct subject *subject = request->subject;
    if (subject == NULL) return;
    keep_event(checker, subject, event);
    if (request->op == OP_NONE || is_silent(subject)) return;
    let_lapse(checker, subject);
    bool tells = event->code == OUTBOUND_INVALID_HANDLE || event->code == OUTBOUND_NOT_OWNER ||
                 event->code == OUTBOUND_ALREADY_FINALISED;
    const struct round *round = request->round;
    const struct op *op = &subject->thing.ops[request->op];
    tells = tells && round && (op->agent == 0 || op->agent == round->agent);
    struct sight ended = { .kind = SIGHT_NOT_HELD, .round = round ? round->id : 0 };
    if (thing_refuse(&checker->guessing, &subject->thing, request->op, tells ? &ended : NULL)) {
        note_ends(checker, subject);
        return;
    }
    struct text ask = event_ask_name(request->ask);
    breaks_guess(checker, INVARIANT_LOST, subject, "refused a request (\"%.*s\") with code %llu",
                 TEXT_ARG(ask), (unsigned long long)event->code);
}

static void hear_refused(struct checker *checker, struct request *request,
                         const struct event *event)
{
    checker->counts.refused++;
    if (request->ask == ASK_ADD)
        add_refused(checker, request);
    else if (request->ask == ASK_PREVIEW)
        preview_refused(checker, request);
    else
        op_refused(checker, request, event);
}

static void hear_lost(struct checker *checker, struct request *request, const struct event *event)
{
    checker->counts.lost++;
    if (request->agent) request->agent->loose++;
    struct subject *subject = request->subject;
    if (subject == NULL) return;
    keep_event(checker, subject, event);
    if (request->op != OP_NONE && !is_silent(subject))
        thing_lose(&checker->guessing, &subject->thing, request->op);
}

void hear_end(struct checker *checker, const struct event *event)
{
    struct request *request = table_get(checker->requests, TEXT_OF(&event->request));
    if (request == NULL) {
        breaks(checker, INVARIANT_LOG, NULL, "request %llu ends and was not asked",
               (unsigned long long)event->request);
        return;
    }
    if (request->agent) request->agent->pending--;
    if (request->round) request->round->unanswered--;
    if (event->kind == EVENT_ACKNOWLEDGED)
        hear_acknowledged(checker, request, event);
    else if (event->kind == EVENT_REFUSED)
        hear_refused(checker, request, event);
    else
        hear_lost(checker, request, event);
    request_end(checker, request);
}
