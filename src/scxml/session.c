/* SPDX-License-Identifier: Apache-2.0 */
/* Birth, end and door of a session; step.c is what it does. */
#include "scxml/session_private.h"

#include <stdlib.h>
#include <string.h>

static bool is_active_id(void *self, struct text state_id)
{
    const struct scxml_session *session = self;
    uint32_t state = scxml_find_state(session->document, state_id);
    return state != SCXML_NONE && scxml_set_has(session->active, state);
}

/* Says what stands around the session's id in the address where it can be answered. */
static const struct scxml_io_processor *own_processor(const struct scxml_birth *birth)
{
    static const struct scxml_io_processor usual = { .location = { "#_scxml_", 8 } };
    for (uint32_t i = 0; i < birth->processor_count; i++)
        if (text_eq(birth->processors[i].name, TEXT("scxml"))) return &birth->processors[i];
    return &usual;
}

static void write_texts(struct scxml_session *session, const struct scxml_birth *birth, char *texts)
{
    const struct scxml_io_processor *processor = own_processor(birth);
    session->origin.at = texts;
    scxml_put_text(&texts, processor->location);
    session->frame.session_id = scxml_put_text(&texts, birth->session_id);
    scxml_put_text(&texts, processor->location_end);
    session->origin.len = (size_t)(texts - session->origin.at);
    session->invoke_id = scxml_put_text(&texts, birth->invoke_id);
    session->frame.parameters.kind = birth->parameters.kind;
    session->frame.parameters.text = scxml_put_text(&texts, birth->parameters.text);
}

static struct scxml_session *allocate(const struct scxml_document *document,
                                      const struct scxml_birth *birth)
{
    uint32_t words = document->plan->words;
    uint32_t sets = document->is_late_binding ? 2 : 1;
    const struct scxml_io_processor *processor = own_processor(birth);
    size_t texts = processor->location.len + birth->session_id.len + processor->location_end.len +
                   birth->invoke_id.len + birth->parameters.text.len;
    struct scxml_session *session =
        calloc(1, sizeof *session + (size_t)words * sets * sizeof(uint64_t) + texts);
    ASSERT(session != NULL);
    if (document->is_late_binding) session->entered = session->active + words;
    write_texts(session, birth, (char *)(session->active + (size_t)words * sets));
    return session;
}

enum err scxml_session_new(struct scxml_evaluator *evaluator, const struct scxml_document *document,
                           const struct scxml_limits *limits, const struct scxml_birth *birth,
                           struct scxml_session **out, struct fault *fault)
{
    struct scxml_session *session = allocate(document, birth);
    session->document = document;
    session->plan = document->plan;
    session->datamodel = scxml_datamodel_of(document);
    session->evaluator = evaluator;
    session->limits = scxml_limits_filled(limits);
    session->frame.name = document->name;
    session->frame.processors = birth->processors;
    session->frame.processor_count = birth->processor_count;
    session->frame.seed = birth->seed;
    session->frame.self = session;
    session->frame.is_active = is_active_id;
    session->frame.log = scxml_log_words;
    if (session->datamodel->open_session(evaluator, &session->frame, &session->variables) !=
        SCXML_DONE) {
        free(session);
        return fault_set(fault, ERR_LIMIT, "heap", "the script heap has no room for a session");
    }
    session->data = scxml_pairs_keep(birth->data);
    *out = session;
    return ERR_OK;
}

void scxml_session_close(struct scxml_session *session)
{
    scxml_queue_clear(session, &session->internal);
    scxml_queue_clear(session, &session->external);
    scxml_delay_clear(session);
    while (session->invokes) {
        struct scxml_active_invoke *invoke = session->invokes;
        session->invokes = invoke->next;
        free(invoke);
    }
    free((void *)session->data);
    free(session->histories);
    session->data = NULL;
    session->histories = NULL;
    session->held_bytes = 0;
    if (session->variables) session->datamodel->close_session(session->variables);
    session->variables = NULL;
}

void scxml_session_free(struct scxml_session *session)
{
    if (session == NULL) return;
    scxml_session_close(session);
    free(session);
}

void scxml_session_make_histories(struct scxml_session *session)
{
    session->histories = calloc(session->plan->history_words_all, sizeof(uint64_t));
    ASSERT(session->histories != NULL);
}

/* --- what comes in ---------------------------------------------------------------------------- */

enum err scxml_post(struct scxml_session *session, const struct scxml_event *event)
{
    if (session->has_ended) return ERR_CLOSED;
    return scxml_queue_add(session, &session->external, event);
}

enum err scxml_post_internal(struct scxml_session *session, const struct scxml_event *event)
{
    if (session->has_ended) return ERR_CLOSED;
    return scxml_queue_add(session, &session->internal, event);
}

void scxml_cancel(struct scxml_session *session)
{
    session->is_cancelled = true;
}

/* --- what can be seen ------------------------------------------------------------------------- */

uint64_t scxml_next_due(const struct scxml_session *session)
{
    if (session->delayed_count == 0) return SCXML_NEVER;
    return session->delayed[session->delayed_count - 1]->due_ms;
}

bool scxml_is_waiting(const struct scxml_session *session)
{
    if (session->has_ended) return false;
    return !session->is_started || session->is_cancelled || session->internal.count ||
           session->external.count;
}

bool scxml_has_ended(const struct scxml_session *session)
{
    return session->has_ended;
}

bool scxml_is_active(const struct scxml_session *session, uint32_t state)
{
    return state < session->document->state_count && scxml_set_has(session->active, state);
}

struct text scxml_session_id(const struct scxml_session *session)
{
    return session->frame.session_id;
}

uint32_t scxml_configuration(const struct scxml_session *session, uint32_t *states, uint32_t room)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < session->plan->words; word++) {
        uint64_t bits = session->active[word] & session->plan->atomic[word];
        for (; bits; bits &= bits - 1, count++)
            if (count < room) states[count] = word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return count;
}

size_t scxml_session_bytes(const struct scxml_session *session)
{
    size_t sets = (size_t)session->plan->words * (session->entered ? 2 : 1);
    size_t histories = session->histories ? session->plan->history_words_all : 0;
    return sizeof *session + (sets + histories) * sizeof(uint64_t) + session->frame.session_id.len +
           session->invoke_id.len + session->frame.parameters.text.len +
           session->delayed_room * sizeof(struct scxml_delayed *) + session->held_bytes;
}
