/* SPDX-License-Identifier: Apache-2.0 */
/* The doors, the tables, and what a breach says. */
#include "tests/world/checker_private.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 1024, POSSIBLE_MAX = 4, KEEP_MS = 20 * 3600 * 1000 };

/* --- names --- */

void pointers_add(struct checker *checker, struct pointers *pointers, void *pointer)
{
    if (pointers->count == pointers->room) {
        uint32_t room = pointers->room ? pointers->room * 2 : 64;
        void **more = scope_alloc_array(checker->scope, room, sizeof *more);
        if (pointers->count) memcpy(more, pointers->at, pointers->count * sizeof *more);
        pointers->at = more;
        pointers->room = room;
    }
    pointers->at[pointers->count++] = pointer;
}

uint32_t name_of(struct checker *checker, struct text text)
{
    if (text.at == NULL) return 0;
    struct name *name = table_get(checker->names, text);
    if (name) return name->id;
    name = scope_alloc(checker->scope, sizeof *name);
    pointers_add(checker, &checker->name_list, name);
    *name = (struct name){ scope_keep(checker->scope, text), checker->name_list.count };
    table_put(checker->names, name->text, name);
    return name->id;
}

struct text name_text(const struct checker *checker, uint32_t name)
{
    if (name == 0) return TEXT("?");
    return ((struct name *)checker->name_list.at[name - 1])->text;
}

/* --- what is remembered of a subject --- */

static void keep_text(struct checker *checker, struct text *text)
{
    if (text->at) *text = name_text(checker, name_of(checker, *text));
}

void keep_event(struct checker *checker, struct subject *subject, const struct event *event)
{
    if (subject->history == NULL) {
        subject->history =
            scope_alloc_array(checker->scope, CHECKER_HISTORY, sizeof *subject->history);
        subject->history_numbers =
            scope_alloc_array(checker->scope, CHECKER_HISTORY, sizeof *subject->history_numbers);
    }
    struct event *kept = &subject->history[subject->heard % CHECKER_HISTORY];
    subject->history_numbers[subject->heard++ % CHECKER_HISTORY] = checker->counts.events;
    *kept = *event;
    struct text *const texts[] = { &kept->agent,  &kept->list, &kept->phone,
                                   &kept->value,  &kept->guid, &kept->message,
                                   &kept->digest, &kept->who,  &kept->name };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) keep_text(checker, texts[i]);
}

static void write_numbered(struct buf *out, uint64_t number, const struct event *event)
{
    buf_format(out, "#%llu ", (unsigned long long)number);
    event_write(event, out);
}

static void write_history(const struct checker *checker, const struct subject *subject,
                          struct buf *out)
{
    uint64_t killed_at = checker->killed_at; /* 0: not, or written already */
    uint64_t first =
        subject == NULL || subject->heard < CHECKER_HISTORY ? 0 : subject->heard - CHECKER_HISTORY;
    for (uint64_t i = first; subject && i < subject->heard; i++) {
        uint64_t number = subject->history_numbers[i % CHECKER_HISTORY];
        if (killed_at && killed_at < number) {
            write_numbered(out, killed_at, &checker->killed);
            killed_at = 0;
        }
        write_numbered(out, number, &subject->history[i % CHECKER_HISTORY]);
    }
    if (killed_at) write_numbered(out, killed_at, &checker->killed);
}

/* --- breaches --- */

static const char *const invariant_words[] = {
#define X(name, word) word,
    INVARIANT_LIST(X)
#undef X
};

static void write_state(const struct checker *checker, const struct state *state, struct buf *out)
{
    static const char *const phases[] = { "free",  "with", "Updated by", "Cancelled", "No Call",
                                          "Stale", "" };
    buf_add_z(out, phases[state->phase]);
    if (state->phase == PHASE_HELD || state->phase == PHASE_FINAL)
        buf_format(out, " %.*s", TEXT_ARG(name_text(checker, state->agent)));
    if (state->round)
        buf_format(out, " (%sround %.*s%s)", state->phase == PHASE_HELD ? "" : "last ",
                   TEXT_ARG(((struct round *)checker->rounds.at[state->round - 1])->guid),
                   state->ended == END_GIVEN_BACK ? ", given back" : "");
    if (state->value) buf_format(out, " value %.*s", TEXT_ARG(name_text(checker, state->value)));
    if (state->result) buf_format(out, " result %u", state->result);
}

static void write_possible(struct checker *checker, struct subject *subject, struct buf *out)
{
    const struct guesses *set = thing_spread(&checker->guessing, &subject->thing);
    buf_add_z(out, "; possible:");
    for (uint32_t i = 0; i < set->count && i < POSSIBLE_MAX; i++) {
        buf_add_z(out, i ? "; or " : " ");
        write_state(checker, &set->at[i].state, out);
    }
    if (set->count > POSSIBLE_MAX) buf_format(out, "; and %u more", set->count - POSSIBLE_MAX);
}

static void breaks_with(struct checker *checker, enum invariant invariant, struct subject *subject,
                        bool has_guess, const char *format, va_list words)
{
    checker->broke = true;
    if (subject && subject->is_broken) return;
    if (subject) subject->is_broken = true;
    checker->counts.breaches++;
    if (checker->breach_count == CHECKER_BREACHES_MAX) return;
    char said[WORDS_MAX];
    (void)vsnprintf(said, sizeof said, format, words);
    struct buf out = { 0 };
    buf_format(&out, "%s: ", invariant_words[invariant]);
    if (subject && subject->key.chain)
        buf_format(&out, "chain %llu of %.*s ", (unsigned long long)subject->key.chain,
                   TEXT_ARG(name_text(checker, (uint32_t)subject->key.list)));
    else if (subject)
        buf_format(&out, "%.*s ", TEXT_ARG(name_text(checker, (uint32_t)subject->key.list)));
    buf_add_z(&out, said);
    if (subject && has_guess) write_possible(checker, subject, &out);
    struct breach *breach = &checker->breaches[checker->breach_count++];
    *breach = (struct breach){ .invariant = invariant, .number = checker->counts.events };
    breach->words = scope_keep(checker->scope, buf_text(&out));
    buf_clear(&out);
    write_history(checker, subject, &out);
    breach->history = scope_keep(checker->scope, buf_text(&out));
    buf_free(&out);
}

void breaks(struct checker *checker, enum invariant invariant, struct subject *subject,
            const char *format, ...)
{
    va_list words;
    va_start(words, format);
    breaks_with(checker, invariant, subject, false, format, words);
    va_end(words);
}

void breaks_guess(struct checker *checker, enum invariant invariant, struct subject *subject,
                  const char *format, ...)
{
    va_list words;
    va_start(words, format);
    breaks_with(checker, invariant, subject, true, format, words);
    va_end(words);
}

/* --- subjects --- */

bool is_silent(const struct subject *subject)
{
    return subject->is_broken || subject->thing.is_given_up;
}

static struct subject *subject_new(struct checker *checker, uint64_t list, uint64_t chain)
{
    struct subject *subject = scope_alloc(checker->scope, sizeof *subject);
    subject->key.list = list;
    subject->key.chain = chain;
    subject->touched_ms = checker->at_ms;
    subject->next = checker->subjects;
    checker->subjects = subject;
    return subject;
}

struct subject *chain_find(struct checker *checker, uint32_t list, uint64_t chain)
{
    struct subject wanted = { .key = { list, chain } };
    return table_get(checker->chains, TEXT_OF(&wanted.key));
}

struct subject *chain_new(struct checker *checker, uint32_t list, uint64_t chain, uint32_t phone)
{
    struct subject *subject = subject_new(checker, list, chain);
    subject->phone = phone;
    checker->one_list = checker->one_list == 0 || checker->one_list == list ? list : UINT64_MAX;
    table_put(checker->chains, TEXT_OF(&subject->key), subject);
    checker->counts.chains++;
    return subject;
}

struct subject *value_get(struct checker *checker, struct text name)
{
    struct subject *subject = table_get(checker->values, name);
    if (subject) return subject;
    uint32_t id = name_of(checker, name.at ? name : TEXT(""));
    subject = subject_new(checker, id, 0);
    thing_begin(&checker->guessing, &subject->thing, &(struct state){ .phase = PHASE_VALUE });
    table_put(checker->values, name_text(checker, id), subject);
    return subject;
}

void let_lapse(struct checker *checker, struct subject *subject)
{
    struct thing *thing = &subject->thing;
    uint64_t lapse_ms = checker->options.lapse_ms;
    if (lapse_ms == 0 || checker->at_ms < subject->touched_ms + lapse_ms || is_silent(subject))
        return;
    for (uint32_t i = 0; i < thing->guesses.count; i++) {
        const struct state *state = &thing->guesses.at[i].state;
        bool is_known = state->phase != PHASE_HELD;
        for (uint32_t op = 0; op < thing->ops_room && !is_known; op++)
            is_known = (thing->used >> op & 1) != 0 && thing->ops[op].deed == DEED_STALE &&
                       thing->ops[op].round == state->round;
        if (is_known) continue;
        struct op lapse = { .deed = DEED_STALE, .is_lost = true, .round = state->round };
        (void)thing_ask(&checker->guessing, thing, &lapse);
    }
}

void note_ends(struct checker *checker, struct subject *subject)
{
    for (uint32_t i = 0; i < subject->thing.guesses.count; i++) {
        const struct state *state = &subject->thing.guesses.at[i].state;
        if (state->round_before) {
            struct round *before = checker->rounds.at[state->round_before - 1];
            before->ends |= 1u << state->ended_before;
        }
        if (state->round == 0 || state->ended == END_NOT) continue;
        struct round *last = checker->rounds.at[state->round - 1];
        if (last->ended_ms == 0) last->ended_ms = checker->at_ms;
    }
}

bool see(struct checker *checker, struct subject *subject, const struct sight *sight)
{
    if (is_silent(subject)) return true;
    let_lapse(checker, subject);
    if (!thing_see(&checker->guessing, &subject->thing, sight)) return false;
    note_ends(checker, subject);
    return true;
}

uint64_t keep_ms(const struct checker *checker)
{
    return checker->options.keep_ms ? checker->options.keep_ms : KEEP_MS;
}

/* --- the doors --- */

struct checker *checker_new(struct scope *owner, const struct checker_options *options)
{
    struct scope *scope = scope_new(owner, "checker", SCOPE_NO_LIMIT);
    struct checker *checker = scope_alloc(scope, sizeof *checker);
    checker->scope = scope;
    if (options) checker->options = *options;
    checker->guessing = (struct guessing){ .scope = scope, .max = CHECKER_GUESSES_MAX };
    struct table **const tables[] = {
        &checker->names,         &checker->chains,  &checker->values,   &checker->rounds_by_guid,
        &checker->notifications, &checker->agents,  &checker->phones,   &checker->requests,
        &checker->holders,       &checker->handles, &checker->revisions
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) *tables[i] = table_new(scope);
    return checker;
}

static void hear_seen(struct checker *checker, const struct event *event)
{
    struct subject *subject = value_get(checker, event->name);
    struct sight sight = { .kind = SIGHT_VALUE, .value = name_of(checker, event->value) };
    keep_event(checker, subject, event);
    if (!see(checker, subject, &sight))
        breaks_guess(checker, INVARIANT_LOST, subject, "is %.*s", TEXT_ARG(event->value));
}

static void hear_quiet(struct checker *checker)
{
    settle_previews(checker);
    for (struct subject *subject = checker->subjects; subject; subject = subject->next) {
        if (subject->thing.used == 0 || is_silent(subject)) continue;
        thing_settle(&checker->guessing, &subject->thing);
        note_ends(checker, subject);
    }
}

static void hear_killed(struct checker *checker, const struct event *event)
{
    checker->killed = *event;
    checker->killed.who = name_text(checker, name_of(checker, event->who));
    checker->killed_at = checker->counts.events;
}

static void hear_started(struct checker *checker, const struct event *event)
{
    struct holder *holder = table_get(checker->holders, event->who);
    if (holder && !text_eq(event->who, TEXT("config"))) holder->revision = 0;
}

bool checker_hear(struct checker *checker, const struct event *event)
{
    checker->counts.events++;
    checker->at_ms = event->at_ms;
    checker->broke = false;
    bool is_of_look = event->kind >= EVENT_ROW && event->kind <= EVENT_LOOKED;
    if (is_of_look != checker->is_looking) {
        breaks(checker, INVARIANT_LOG, NULL, "\"%.*s\" stands %s a look",
               TEXT_ARG(event_kind_name(event->kind)), is_of_look ? "outside" : "inside");
        checker->is_looking = false;
        if (is_of_look) return false;
    }
    switch (event->kind) {
    case EVENT_ASKED: hear_asked(checker, event); break;
    case EVENT_ACKNOWLEDGED:
    case EVENT_REFUSED:
    case EVENT_LOST: hear_end(checker, event); break;
    case EVENT_QUIET: hear_quiet(checker); break;
    case EVENT_KILLED: hear_killed(checker, event); break;
    case EVENT_STARTED: hear_started(checker, event); break;
    case EVENT_SHOWN: hear_shown(checker, event); break;
    case EVENT_SNAPSHOT: hear_snapshot(checker, event); break;
    case EVENT_RECEIVED: hear_received(checker, event); break;
    case EVENT_LOOK: hear_look(checker, event); break;
    case EVENT_ROW: hear_row(checker, event); break;
    case EVENT_ROUND: hear_round(checker, event); break;
    case EVENT_OUTBOX: hear_outbox(checker, event); break;
    case EVENT_LOOKED: hear_looked(checker); break;
    case EVENT_COUNTER: hear_counter(checker, event); break;
    case EVENT_STATE: hear_state(checker, event); break;
    case EVENT_SEEN: hear_seen(checker, event); break;
    case EVENT_CONFIGURATION: hear_configuration(checker, event); break;
    case EVENT_KINDS: break;
    }
    return !checker->broke;
}

const struct breach *checker_breaches(const struct checker *checker, uint32_t *count)
{
    *count = checker->breach_count;
    return checker->breaches;
}

struct checker_counts checker_counts(const struct checker *checker)
{
    struct checker_counts counts = checker->counts;
    for (const struct subject *subject = checker->subjects; subject; subject = subject->next)
        if (subject->thing.is_given_up) counts.given_up++;
    return counts;
}
