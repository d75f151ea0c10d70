/* SPDX-License-Identifier: Apache-2.0 */
/* A session as MessagePack (decision 0037): one array, its version first. What save_all() puts,
 * read_all() takes, in the same order; then is_sound() looks whether the interpreter could have
 * come to it, since it trusts what it finds. */
#include "format/msgpack.h"
#include "scxml/step_private.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, PARTS = 13, EVENT_PARTS = 10 };

/* --- writing ---------------------------------------------------------------------------------- */

/* Texts are bytes: a script may have made what is no UTF-8. */
static void put_payload(struct buf *out, const struct scxml_payload *payload)
{
    msgpack_put_u64(out, payload->kind);
    msgpack_put_bytes(out, payload->text);
}

static void put_event(struct buf *out, const struct scxml_event *event)
{
    msgpack_put_array(out, EVENT_PARTS);
    msgpack_put_bytes(out, event->name);
    msgpack_put_u64(out, event->type);
    msgpack_put_bytes(out, event->send_id);
    msgpack_put_bytes(out, event->origin);
    msgpack_put_bytes(out, event->origin_type);
    msgpack_put_bytes(out, event->invoke_id);
    put_payload(out, &event->data);
    msgpack_put_bytes(out, event->raw);
    msgpack_put_nil(out); /* of a later version */
}

static void put_pairs(struct buf *out, const struct scxml_pair *pairs)
{
    uint32_t count = 0;
    for (const struct scxml_pair *pair = pairs; pair; pair = pair->next) count++;
    msgpack_put_array(out, count * 3);
    for (const struct scxml_pair *pair = pairs; pair; pair = pair->next) {
        msgpack_put_bytes(out, pair->name);
        put_payload(out, &pair->value);
    }
}

static void put_queue(struct buf *out, const struct scxml_queue *queue)
{
    msgpack_put_array(out, queue->count);
    for (const struct scxml_queued *queued = queue->first; queued; queued = queued->next)
        put_event(out, &queued->event);
}

/* The next one that is due first. */
static void put_delayed(struct buf *out, const struct scxml_session *session)
{
    msgpack_put_array(out, session->delayed_count * 7);
    for (uint32_t at = session->delayed_count; at-- > 0;) {
        const struct scxml_delayed *delayed = session->delayed[at];
        msgpack_put_u64(out, delayed->due_ms);
        msgpack_put_u64(out, delayed->route);
        put_event(out, &delayed->message.event);
        msgpack_put_bytes(out, delayed->message.target);
        msgpack_put_bytes(out, delayed->message.type);
        put_pairs(out, delayed->message.pairs);
        msgpack_put_bool(out, delayed->message.has_content);
    }
}

static void put_invokes(struct buf *out, const struct scxml_active_invoke *invokes)
{
    uint32_t count = 0;
    for (const struct scxml_active_invoke *one = invokes; one; one = one->next) count++;
    msgpack_put_array(out, count * 2);
    for (const struct scxml_active_invoke *one = invokes; one; one = one->next) {
        msgpack_put_u64(out, one->index);
        msgpack_put_bytes(out, one->id);
    }
}

static void put_words(struct buf *out, const uint64_t *words, uint32_t count)
{
    msgpack_put_array(out, words ? count : 0);
    for (uint32_t i = 0; words && i < count; i++) msgpack_put_u64(out, words[i]);
}

static void put_birth(struct buf *out, const struct scxml_session *session)
{
    msgpack_put_array(out, 6);
    msgpack_put_bytes(out, session->frame.session_id);
    msgpack_put_bytes(out, session->invoke_id);
    msgpack_put_u64(out, session->frame.seed);
    put_payload(out, &session->frame.parameters);
    put_pairs(out, session->data);
}

static void put_counters(struct buf *out, const struct scxml_session *session)
{
    msgpack_put_array(out, 5);
    msgpack_put_u64(out, session->now_ms);
    msgpack_put_bool(out, session->is_started);
    msgpack_put_bool(out, session->is_cancelled);
    msgpack_put_u64(out, session->overrun_count);
    msgpack_put_u64(out, session->last_id);
}

static enum err put_data(struct buf *out, struct scxml_session *session, struct fault *fault)
{
    struct buf data = { 0 };
    uint32_t lost = 0;
    enum scxml_verdict verdict = SCXML_DONE;
    if (session->is_started)
        verdict = session->datamodel->save(session->variables, &data, &lost, fault);
    if (verdict == SCXML_DONE) msgpack_put_bytes(out, buf_text(&data));
    buf_free(&data);
    if (verdict == SCXML_DONE) return ERR_OK;
    return verdict == SCXML_EXHAUSTED ? ERR_LIMIT : ERR_INVALID;
}

static enum err save_all(struct scxml_session *session, struct buf *out, struct fault *fault)
{
    uint32_t words = session->plan->words;
    msgpack_put_array(out, PARTS);
    msgpack_put_text(out, TEXT("scxml session"));
    msgpack_put_u64(out, VERSION);
    msgpack_put_u64(out, session->document->hash);
    put_birth(out, session);
    put_counters(out, session);
    put_words(out, session->active, words);
    put_words(out, session->entered, words);
    put_words(out, session->histories, session->plan->history_words_all);
    enum err err = put_data(out, session, fault);
    put_queue(out, &session->internal);
    put_queue(out, &session->external);
    put_delayed(out, session);
    put_invokes(out, session->invokes);
    return err;
}

enum err scxml_session_save(struct scxml_session *session, struct buf *out, struct fault *fault)
{
    size_t before = out->len;
    if (session->has_ended) return fault_set(fault, ERR_CLOSED, "session", "the session has ended");
    enum err err = save_all(session, out, fault);
    if (!err && out->len - before > session->limits.session_bytes)
        err = fault_set(fault, ERR_LIMIT, "session", "the session takes more than %u bytes",
                        session->limits.session_bytes);
    if (err) out->len = before;
    return err;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct msgpack_reader reader;
    struct scope *scope;
};

static void refuse(struct reading *reading, enum err err)
{
    if (!reading->reader.err) reading->reader.err = err;
}

static void expect_array(struct reading *reading, uint32_t count)
{
    if (msgpack_get_array(&reading->reader) != count) refuse(reading, ERR_INVALID);
}

/* How many entries of `parts` parts each. */
static uint32_t get_count(struct reading *reading, uint32_t parts)
{
    uint32_t count = msgpack_get_array(&reading->reader);
    if (count % parts) refuse(reading, ERR_INVALID);
    return reading->reader.err ? 0 : count / parts;
}

static uint32_t get_up_to(struct reading *reading, uint32_t max)
{
    uint64_t value = msgpack_get_u64(&reading->reader);
    if (value > max) refuse(reading, ERR_INVALID);
    return reading->reader.err ? 0 : (uint32_t)value;
}

static struct scxml_payload get_payload(struct reading *reading)
{
    struct scxml_payload payload = { .kind = get_up_to(reading, SCXML_DATA_BODY) };
    payload.text = msgpack_get_bytes(&reading->reader);
    return payload;
}

static struct scxml_event get_event(struct reading *reading)
{
    struct msgpack_reader *reader = &reading->reader;
    struct scxml_event event = { 0 };
    expect_array(reading, EVENT_PARTS);
    event.name = msgpack_get_bytes(reader);
    event.type = get_up_to(reading, SCXML_PLATFORM);
    event.send_id = msgpack_get_bytes(reader);
    event.origin = msgpack_get_bytes(reader);
    event.origin_type = msgpack_get_bytes(reader);
    event.invoke_id = msgpack_get_bytes(reader);
    event.data = get_payload(reading);
    event.raw = msgpack_get_bytes(reader);
    if (!msgpack_get_nil(reader)) refuse(reading, ERR_INVALID);
    return event;
}

static const struct scxml_pair *get_pairs(struct reading *reading)
{
    uint32_t count = get_count(reading, 3);
    const struct scxml_pair *first = NULL, **end = &first;
    for (; count > 0 && !reading->reader.err; count--) {
        struct scxml_pair *pair = scope_alloc(reading->scope, sizeof *pair);
        pair->name = msgpack_get_bytes(&reading->reader);
        pair->value = get_payload(reading);
        *end = pair;
        end = &pair->next;
    }
    return first;
}

static void get_queue(struct reading *reading, struct scxml_session *session,
                      struct scxml_queue *queue)
{
    for (uint32_t count = get_count(reading, 1); count > 0 && !reading->reader.err; count--) {
        struct scxml_event event = get_event(reading);
        if (!reading->reader.err) refuse(reading, scxml_queue_add(session, queue, &event));
    }
}

static void get_delayed(struct reading *reading, struct scxml_session *session)
{
    struct msgpack_reader *reader = &reading->reader;
    uint64_t last_ms = 0;
    for (uint32_t count = get_count(reading, 7); count > 0 && !reader->err; count--) {
        uint64_t due_ms = msgpack_get_u64(reader);
        enum scxml_route route = get_up_to(reading, SCXML_TO_OTHERS);
        struct scxml_message message = { .event = get_event(reading) };
        message.target = msgpack_get_bytes(reader);
        message.type = msgpack_get_bytes(reader);
        message.pairs = get_pairs(reading);
        message.has_content = msgpack_get_bool(reader);
        if (due_ms < last_ms || due_ms == SCXML_NEVER) refuse(reading, ERR_INVALID);
        last_ms = due_ms;
        if (!reader->err) refuse(reading, scxml_delay(session, &message, route, due_ms));
    }
}

static void get_invokes(struct reading *reading, struct scxml_session *session)
{
    uint32_t next = 0; /* each once, in order */
    for (uint32_t count = get_count(reading, 2); count > 0 && !reading->reader.err; count--) {
        uint64_t index = msgpack_get_u64(&reading->reader);
        struct text id = msgpack_get_bytes(&reading->reader);
        if (index < next || index >= session->document->invoke_count)
            refuse(reading, ERR_INVALID);
        else
            scxml_invoke_add(session, (uint32_t)index, id);
        next = (uint32_t)index + 1;
    }
}

/* All of them, or none: false. */
static bool get_words(struct reading *reading, uint64_t *words, uint32_t wanted)
{
    uint32_t count = get_count(reading, 1);
    if (count != 0 && (count != wanted || words == NULL)) refuse(reading, ERR_INVALID);
    for (uint32_t i = 0; i < count && !reading->reader.err; i++)
        words[i] = msgpack_get_u64(&reading->reader);
    return count != 0 && !reading->reader.err;
}

static void get_head(struct reading *reading, const struct scxml_document *document)
{
    struct msgpack_reader *reader = &reading->reader;
    expect_array(reading, PARTS);
    if (!text_eq(msgpack_get_text(reader), TEXT("scxml session"))) refuse(reading, ERR_INVALID);
    if (msgpack_get_u64(reader) != VERSION) refuse(reading, ERR_UNSUPPORTED);
    if (msgpack_get_u64(reader) != document->hash) refuse(reading, ERR_CONFLICT);
}

static void get_birth(struct reading *reading, struct scxml_birth *birth)
{
    struct msgpack_reader *reader = &reading->reader;
    expect_array(reading, 6);
    birth->session_id = msgpack_get_bytes(reader);
    birth->invoke_id = msgpack_get_bytes(reader);
    birth->seed = msgpack_get_u64(reader);
    birth->parameters = get_payload(reading);
    birth->data = get_pairs(reading);
}

static void get_counters(struct reading *reading, struct scxml_session *session)
{
    expect_array(reading, 5);
    session->now_ms = msgpack_get_u64(&reading->reader);
    session->is_started = msgpack_get_bool(&reading->reader);
    session->is_cancelled = msgpack_get_bool(&reading->reader);
    session->overrun_count = (uint8_t)get_up_to(reading, SCXML_OVERRUNS_MAX - 1);
    session->last_id = msgpack_get_u64(&reading->reader);
}

/* The states that are active go into `active`, not yet into the session: scripts run before. */
static void get_states(struct reading *reading, struct scxml_session *session, uint64_t *active)
{
    uint32_t words = session->plan->words, histories = session->plan->history_words_all;
    if (!get_words(reading, active, words)) refuse(reading, ERR_INVALID);
    if (get_words(reading, session->entered, words) != (session->entered != NULL))
        refuse(reading, ERR_INVALID);
    if (histories) scxml_session_make_histories(session);
    if (!get_words(reading, session->histories, histories)) {
        free(session->histories);
        session->histories = NULL;
    }
}

static void get_queues(struct reading *reading, struct scxml_session *session)
{
    get_queue(reading, session, &session->internal);
    get_queue(reading, session, &session->external);
    get_delayed(reading, session);
    get_invokes(reading, session);
    if (!msgpack_is_done(&reading->reader)) refuse(reading, ERR_INVALID);
}

/* --- whether it can be ------------------------------------------------------------------------ */

static uint32_t children_of(const struct scxml_document *document, uint32_t parent)
{
    uint32_t count = 0;
    for (uint32_t child = parent + 1; child < document->states[parent].end;
         child = document->states[child].end)
        count += !scxml_is_history(&document->states[child]);
    return count;
}

/* `set` holds, below `top`, what is active while `top` is: one child of a compound state, all of a
 * parallel one, and nothing below what is not active. */
static bool is_configuration(const struct scxml_document *document, const uint64_t *set,
                             uint32_t top, struct scope *scope)
{
    uint32_t end = document->states[top].end;
    uint32_t *children = scope_alloc_array(scope, end - top, sizeof *children);
    for (uint32_t i = top + 1; i < end; i++) {
        const struct scxml_state *state = &document->states[i];
        if (!scxml_set_has(set, i)) continue;
        if (scxml_is_history(state)) return false;
        if (state->parent != top && !scxml_set_has(set, state->parent)) return false;
        children[state->parent - top]++;
    }
    for (uint32_t i = top; i < end; i++) {
        const struct scxml_state *state = &document->states[i];
        if (i != top && !scxml_set_has(set, i)) continue;
        if (state->kind == SCXML_COMPOUND && children[i - top] != 1) return false;
        if (state->kind == SCXML_PARALLEL && children[i - top] != children_of(document, i))
            return false;
    }
    return true;
}

static bool has_none_outside(const uint64_t *set, uint32_t first_word, uint32_t word_count,
                             uint32_t from, uint32_t to)
{
    for (uint32_t bit = first_word * 64; bit < (first_word + word_count) * 64; bit++)
        if ((bit < from || bit >= to) && scxml_set_has(set, bit)) return false;
    return true;
}

/* The states of a history value with those between them and the parent. */
static void add_ancestors(const struct scxml_document *document, uint64_t *set, uint32_t parent)
{
    for (uint32_t i = document->states[parent].end; --i > parent;)
        if (scxml_set_has(set, i) && document->states[i].parent != parent)
            scxml_set_add(set, document->states[i].parent);
}

static bool is_history_value(const struct scxml_session *session, const struct scxml_state *history,
                             struct scope *scope)
{
    const struct scxml_document *document = session->document;
    uint32_t first = scxml_history_first_word(document, history->index);
    uint32_t count = scxml_history_word_count(document, history->index);
    const uint64_t *value = session->histories +
                            session->plan->history_words[history->history_index];
    uint32_t parent = history->parent, end = document->states[parent].end;
    uint64_t *set = scope_alloc_array(scope, session->plan->words, sizeof *set), any = 0;
    for (uint32_t i = 0; i < count; i++) any |= set[first + i] = value[i];
    if (any == 0) return true; /* nothing was recorded yet */
    if (!has_none_outside(set, first, count, parent + 1, end)) return false;
    bool is_deep = history->kind == SCXML_HISTORY_DEEP;
    uint32_t children = 0;
    for (uint32_t i = parent + 1; i < end; i++) {
        const struct scxml_state *state = &document->states[i];
        if (!scxml_set_has(set, i)) continue;
        if (scxml_is_history(state) ||
            (is_deep ? !scxml_is_atomic(state) : state->parent != parent))
            return false;
        children++;
    }
    if (is_deep) {
        add_ancestors(document, set, parent);
        return is_configuration(document, set, parent, scope);
    }
    return document->states[parent].kind == SCXML_PARALLEL
               ? children == children_of(document, parent)
               : children == 1;
}

static bool is_sound(const struct scxml_session *session, struct scope *scope)
{
    const struct scxml_document *document = session->document;
    uint32_t words = session->plan->words, count = document->state_count;
    if (!has_none_outside(session->active, 0, words, session->is_started ? 1 : 0,
                          session->is_started ? count : 0))
        return false;
    if (session->entered && !has_none_outside(session->entered, 0, words, 0, count)) return false;
    if (session->is_started && !is_configuration(document, session->active, 0, scope)) return false;
    for (const struct scxml_active_invoke *one = session->invokes; one; one = one->next)
        if (!scxml_set_has(session->active, document->invokes[one->index]->state)) return false;
    for (uint32_t i = 0; session->histories && i < count; i++)
        if (scxml_is_history(&document->states[i]) &&
            !is_history_value(session, &document->states[i], scope))
            return false;
    return true;
}

/* --- the data --------------------------------------------------------------------------------- */

/* Data and scripts run once more, for the functions that they make; what else they do is undone:
 * effects and events are dropped, values overwritten. */
static enum err make_again(struct scxml_session *session, struct text data, struct scope *scope,
                           struct fault *fault)
{
    struct scxml_effects effects = scxml_effects_in(scope);
    session->datamodel->set_time(session->variables, session->now_ms);
    struct scxml_run run = { .session = session,
                             .document = session->document,
                             .plan = session->plan,
                             .datamodel = session->datamodel,
                             .effects = &effects,
                             .bytes_before = scope_bytes(scope),
                             .final_state = SCXML_NONE };
    scxml_make_data(&run);
    for (uint32_t i = 1; session->entered && i < session->document->state_count; i++)
        if (scxml_set_has(session->entered, i))
            scxml_set_data(&run, session->document->states[i].data, NULL);
    scxml_queue_clear(session, &session->internal);
    if (scxml_is_over(&run))
        return fault_set(fault, ERR_LIMIT, "data", "%.*s", TEXT_ARG(run.reason));
    switch (session->datamodel->restore(session->variables, data, fault)) {
    case SCXML_DONE: return ERR_OK;
    case SCXML_EXHAUSTED: return ERR_LIMIT;
    default: return ERR_INVALID;
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

static enum err read_session(struct reading *reading, struct scxml_session *session,
                             struct fault *fault)
{
    uint32_t words = session->plan->words;
    uint64_t *active = scope_alloc_array(reading->scope, words, sizeof *active);
    get_counters(reading, session);
    get_states(reading, session, active);
    struct text data = msgpack_get_bytes(&reading->reader);
    if (reading->reader.err) return reading->reader.err;
    uint8_t overruns = session->overrun_count;
    enum err err = session->is_started ? make_again(session, data, reading->scope, fault) : ERR_OK;
    if (err) return err;
    session->overrun_count = overruns;
    memcpy(session->active, active, words * sizeof *active);
    get_queues(reading, session);
    if (!reading->reader.err && !is_sound(session, reading->scope)) refuse(reading, ERR_INVALID);
    return reading->reader.err;
}

static void explain(enum err err, struct fault *fault)
{
    const char *words = err == ERR_CONFLICT      ? "it is a session of another document"
                        : err == ERR_UNSUPPORTED ? "it was saved by another release"
                        : err == ERR_INVALID     ? "this is no saved session"
                                                 : err_words(err);
    (void)fault_set(fault, err, "session", "%s", words);
}

enum err scxml_session_restore(struct text saved, struct scxml_evaluator *evaluator,
                               const struct scxml_document *document,
                               const struct scxml_limits *limits,
                               const struct scxml_io_processor *processors,
                               uint32_t processor_count, struct scxml_session **out,
                               struct fault *fault)
{
    uint32_t bytes_max = limits && limits->session_bytes ? limits->session_bytes
                                                         : scxml_default_limits.session_bytes;
    if (saved.len > bytes_max)
        return fault_set(fault, ERR_LIMIT, "session", "more than %u bytes", bytes_max);
    struct scope *scope = scope_new(NULL, "scxml restore", SCOPE_NO_LIMIT);
    struct reading reading = { msgpack_reader(saved), scope };
    struct scxml_birth birth = { .processors = processors, .processor_count = processor_count };
    struct scxml_session *session = NULL;
    get_head(&reading, document);
    get_birth(&reading, &birth);
    enum err err = reading.reader.err;
    if (err)
        explain(err, fault);
    else
        err = scxml_session_new(evaluator, document, limits, &birth, &session, fault);
    if (session) {
        err = read_session(&reading, session, fault);
        if (err) explain(err, fault);
    }
    if (err)
        scxml_session_free(session);
    else
        *out = session;
    scope_close(scope);
    return err;
}
