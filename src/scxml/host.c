/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and their turns. Begin at step(); what a step asks for is in host_effects.c. */
#include "scxml/host_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scxml_host_options DEFAULTS = { .sessions_max = 20000,
                                                    .depth_max = 16,
                                                    .idle_programs_max = 32 };

static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV"; /* of session ids */

/* --- the host -------------------------------------------------------------------------------- */

static void name_node(struct scxml_host *host)
{
    if (host->options.node.len == NODE_CHARS) {
        memcpy(host->node, host->options.node.at, NODE_CHARS);
        return;
    }
    for (int i = 0; i < NODE_CHARS; i++) host->node[i] = DIGITS[random_below(&host->random, 32)];
}

static void list_processors(struct scxml_host *host)
{
    host->processors[0] = (struct scxml_io_processor){ .name = TEXT("scxml"),
                                                       .uri = TEXT(SCXML_EVENT_PROCESSOR),
                                                       .location = TEXT("#_scxml_") };
    host->processors[1] =
        (struct scxml_io_processor){ .name = TEXT("basichttp"),
                                     .uri = TEXT(SCXML_HTTP_PROCESSOR),
                                     .location = host->options.http_location,
                                     .location_end = host->options.http_location_end };
    host->processor_count = host->options.http_location.len ? 2 : 1;
}

static void free_member(struct scxml_host *host, struct member *member)
{
    if (member->held) scope_close(member->held->scope);
    due_set(host, member, SCXML_NEVER);
    list_remove(&member->ready);
    scxml_session_free(member->session);
    free(member->invoke_id);
    free(member);
}

void members_drop(struct scxml_host *host)
{
    size_t at = 0;
    for (struct member *member; (member = table_next(host->members, &at)) != NULL;) {
        struct scxml_program *program = member->program;
        free_member(host, member);
        scxml_host_release(host, program);
    }
    table_clear(host->members);
}

static void close_host(void *self)
{
    struct scxml_host *host = self;
    members_drop(host);
    programs_close(host);
    scope_close(host->scratch);
    free(host->due);
}

struct scxml_host *scxml_host_new(struct scope *owner, const struct scxml_host_options *options,
                                  const struct scxml_host_hooks *hooks, void *self)
{
    struct scope *life = scope_new(owner, "scxml host", SCOPE_NO_LIMIT);
    struct scxml_host *host = scope_alloc(life, sizeof *host);
    host->life = life;
    host->options = *options;
    host->hooks = *hooks;
    host->self = self;
    if (!options->sessions_max) host->options.sessions_max = DEFAULTS.sessions_max;
    if (!options->depth_max) host->options.depth_max = DEFAULTS.depth_max;
    if (!options->idle_programs_max) host->options.idle_programs_max = DEFAULTS.idle_programs_max;
    random_seed(&host->random, options->seed);
    name_node(host);
    list_processors(host);
    host->members = table_new(life);
    host->programs = table_new(life);
    host->calls = slots_new(life, HTTP_CALLS_MAX);
    host->scratch = scope_new(NULL, "scxml effects", SCOPE_NO_LIMIT);
    list_init(&host->ready);
    list_init(&host->idle_programs);
    scope_on_close(life, close_host, host);
    return host;
}

void scxml_host_close(struct scxml_host *host)
{
    scope_close(host->life);
}

/* --- members --------------------------------------------------------------------------------- */

static struct text next_session_id(struct scxml_host *host, char *room)
{
    uint32_t number = host->births++;
    memcpy(room, host->node, NODE_CHARS);
    for (int i = SESSION_ID_CHARS - 1; i >= NODE_CHARS; i--, number /= 32)
        room[i] = DIGITS[number % 32];
    return (struct text){ room, SESSION_ID_CHARS };
}

static void adopt(struct member *parent, struct member *child, struct text invoke_id)
{
    child->invoke_id = malloc(invoke_id.len + 1);
    ASSERT(child->invoke_id != NULL);
    memcpy(child->invoke_id, invoke_id.at, invoke_id.len);
    child->invoke_id[invoke_id.len] = 0;
    child->parent = parent;
    child->depth = parent->depth + 1;
    child->next_sibling = parent->first_child;
    parent->first_child = child;
}

struct member *member_add(struct scxml_host *host, struct scxml_session *session,
                          struct scxml_program *program, uint32_t number, struct member *parent,
                          struct text invoke_id)
{
    struct member *member = calloc(1, sizeof *member);
    ASSERT(member != NULL);
    *member = (struct member){
        .session = session, .program = program, .due_at = NOT_DUE, .number = number
    };
    if (parent) adopt(parent, member, invoke_id);
    table_put(host->members, scxml_session_id(session), member);
    return member;
}

enum err member_new(struct scxml_host *host, const struct member_birth *birth, struct member **out,
                    struct fault *fault)
{
    if (table_count(host->members) >= host->options.sessions_max)
        return fault_set(fault, ERR_LIMIT, "session", "there are %" PRIu32 " sessions already",
                         host->options.sessions_max);
    if (host->births == BIRTHS_MAX)
        return fault_set(fault, ERR_LIMIT, "session", "this host has no session ids left");
    char id[SESSION_ID_CHARS];
    uint32_t number = host->births;
    const struct scxml_birth born = { .session_id = next_session_id(host, id),
                                      .invoke_id = birth->invoke_id,
                                      .seed = random_u64(&host->random),
                                      .data = birth->data,
                                      .parameters = birth->parameters,
                                      .processors = host->processors,
                                      .processor_count = host->processor_count };
    struct scxml_session *session;
    enum err err = scxml_session_new(birth->program->evaluator, birth->program->document,
                                     &host->options.limits, &born, &session, fault);
    if (err) return err;
    *out = member_add(host, session, birth->program, number, birth->parent, birth->invoke_id);
    member_schedule(host, *out);
    return ERR_OK;
}

struct member *member_find(const struct scxml_host *host, struct text session_id)
{
    return table_get(host->members, session_id);
}

static void leave_parent(struct member *child)
{
    struct member **at = &child->parent->first_child;
    while (*at != child) at = &(*at)->next_sibling;
    *at = child->next_sibling;
    child->next_sibling = NULL;
    child->parent = NULL;
}

void member_cut_off(struct scxml_host *host, struct member *child)
{
    leave_parent(child);
    scxml_cancel(child->session);
    member_schedule(host, child);
}

void member_end(struct scxml_host *host, struct member *member)
{
    while (member->first_child) member_cut_off(host, member->first_child);
    if (member->parent) leave_parent(member);
    struct scxml_program *program = member->program;
    table_remove(host->members, scxml_session_id(member->session));
    free_member(host, member);
    scxml_host_release(host, program);
}

void member_schedule(struct scxml_host *host, struct member *member)
{
    if (member->held) return;
    due_set(host, member, scxml_next_due(member->session));
    if (scxml_is_waiting(member->session) && !list_is_linked(&member->ready))
        list_add_last(&host->ready, &member->ready);
}

enum err member_post(struct scxml_host *host, struct member *member,
                     const struct scxml_event *event)
{
    enum err err = scxml_post(member->session, event);
    member_schedule(host, member);
    return err;
}

/* --- from outside ---------------------------------------------------------------------------- */

enum err scxml_host_start(struct scxml_host *host, struct scxml_program *program,
                          const struct scxml_pair *data, struct scxml_payload parameters,
                          struct text *session_id, struct fault *fault)
{
    const struct member_birth birth = { .program = program,
                                        .data = data,
                                        .parameters = parameters };
    struct member *member;
    enum err err = member_new(host, &birth, &member, fault);
    if (err) return err;
    program->users++;
    *session_id = scxml_session_id(member->session);
    return ERR_OK;
}

enum err scxml_host_post(struct scxml_host *host, struct text session_id,
                         const struct scxml_event *event)
{
    struct member *member = member_find(host, session_id);
    return member ? member_post(host, member, event) : ERR_NOT_FOUND;
}

struct scxml_session *scxml_host_find(const struct scxml_host *host, struct text session_id)
{
    struct member *member = member_find(host, session_id);
    return member ? member->session : NULL;
}

struct scxml_program *scxml_host_program_of(const struct scxml_host *host, struct text session_id)
{
    struct member *member = member_find(host, session_id);
    return member ? member->program : NULL;
}

uint32_t scxml_host_session_count(const struct scxml_host *host)
{
    return (uint32_t)table_count(host->members);
}

/* --- time ------------------------------------------------------------------------------------ */

static void step(struct scxml_host *host, struct member *member, uint64_t now_ms)
{
    struct scxml_effects effects = scxml_effects_in(host->scratch);
    struct sender sender = { host, member };
    effects.can_reach = effects_can_reach;
    effects.world = &sender;
    enum scxml_outcome outcome = scxml_step(member->session, now_ms, &effects);
    if ((outcome != SCXML_RESTING || effects.first) && host->hooks.on_step)
        host->hooks.on_step(host->self, member->session, outcome, &effects);
    if (effects_carry_out(host, member, host->scratch, effects.first))
        scope_reset(host->scratch);
    else
        host->scratch = scope_new(NULL, "scxml effects", SCOPE_NO_LIMIT);
}

static void wake_due(struct scxml_host *host, uint64_t now_ms)
{
    for (struct member *member; (member = due_first(host)) != NULL && member->due_ms <= now_ms;) {
        due_set(host, member, SCXML_NEVER);
        if (!list_is_linked(&member->ready)) list_add_last(&host->ready, &member->ready);
    }
}

uint32_t scxml_host_run(struct scxml_host *host, uint64_t now_ms, uint32_t steps_max)
{
    uint32_t steps = 0;
    wake_due(host, now_ms);
    for (struct list *first; steps < steps_max && (first = list_first(&host->ready)); steps++) {
        struct member *member = LIST_OBJECT(first, struct member, ready);
        list_remove(&member->ready);
        step(host, member, now_ms);
    }
    return steps;
}

bool scxml_host_has_work(const struct scxml_host *host)
{
    return !list_is_empty(&host->ready);
}

uint64_t scxml_host_next_due(const struct scxml_host *host)
{
    const struct member *first = due_first(host);
    return first ? first->due_ms : SCXML_NEVER;
}
