/* SPDX-License-Identifier: Apache-2.0 */
/* <send> and <cancel>: everything is evaluated now, delivered now or when it is due (orchestration
 * 3.3, 3.4). */
#include "scxml/step_private.h"

#include <stdlib.h>

struct sending {
    const struct scxml_send *send;
    struct scxml_place place;
    struct scxml_message message;
    enum scxml_route route;
    uint64_t delay_ms;
};

static bool refuse(struct scxml_run *run, const struct sending *sending, const char *words)
{
    scxml_raise_error(run, "error.execution", sending->message.event.send_id, sending->place,
                      words);
    return false;
}

/* --- what is asked for ------------------------------------------------------------------------ */

static bool find_id(struct scxml_run *run, struct sending *sending)
{
    const struct scxml_send *send = sending->send;
    sending->message.event.send_id = send->id;
    if (send->id_location == SCXML_NONE) return true;
    struct text id = scxml_fresh_id(run, run->session->frame.session_id);
    sending->message.event.send_id = id;
    return scxml_store_text(run, send->id_location, id, sending->place);
}

static bool find_delay(struct scxml_run *run, struct sending *sending)
{
    struct text words = { 0 };
    sending->delay_ms = sending->send->delay_ms;
    if (sending->send->delay_expr == SCXML_NONE) return true;
    if (!scxml_text_of(run, words, sending->send->delay_expr, sending->message.event.send_id,
                       sending->place, &words))
        return false;
    if (scxml_parse_delay(words, &sending->delay_ms)) return true;
    return refuse(run, sending, "the delay is no time");
}

static bool is_scxml(struct text type)
{
    return type.len == 0 || text_eq(type, TEXT("scxml")) ||
           text_eq(type, TEXT(SCXML_EVENT_PROCESSOR));
}

static bool find_type(struct scxml_run *run, struct sending *sending)
{
    const struct scxml_frame *frame = &run->session->frame;
    struct text *type = &sending->message.type;
    if (is_scxml(*type)) {
        *type = TEXT(SCXML_EVENT_PROCESSOR);
        return true;
    }
    for (uint32_t i = 0; i < frame->processor_count; i++) {
        if (!text_eq(frame->processors[i].name, *type) && !text_eq(frame->processors[i].uri, *type))
            continue;
        *type = frame->processors[i].uri;
        return true;
    }
    return refuse(run, sending, "there is no event processor of this type");
}

static bool is_self(const struct scxml_session *session, struct text target)
{
    static const struct text prefix = { "#_scxml_", 8 };
    if (target.len == 0 || text_eq(target, session->origin)) return true;
    return text_starts(target, prefix) &&
           text_eq(text_slice(target, prefix.len, target.len), session->frame.session_id);
}

static bool find_route(struct scxml_run *run, struct sending *sending)
{
    struct text target = sending->message.target;
    sending->route = SCXML_TO_OTHERS;
    if (!text_eq(sending->message.type, TEXT(SCXML_EVENT_PROCESSOR))) return true;
    if (sending->message.event.name.len == 0) return refuse(run, sending, "an event needs a name");
    if (text_eq(target, TEXT("#_internal")))
        sending->route = SCXML_TO_INTERNAL;
    else if (is_self(run->session, target))
        sending->route = SCXML_TO_SELF;
    else if (target.len < 3 || !text_starts(target, TEXT("#_")))
        return refuse(run, sending, "the target is no address of a session");
    return true;
}

static bool find_address(struct scxml_run *run, struct sending *sending)
{
    const struct scxml_send *send = sending->send;
    struct scxml_message *message = &sending->message;
    struct text id = message->event.send_id;
    return scxml_text_of(run, send->event, send->event_expr, id, sending->place,
                         &message->event.name) &&
           scxml_text_of(run, send->target, send->target_expr, id, sending->place,
                         &message->target) &&
           scxml_text_of(run, send->type, send->type_expr, id, sending->place, &message->type) &&
           find_delay(run, sending) && find_type(run, sending) && find_route(run, sending);
}

static bool find_cargo(struct scxml_run *run, struct sending *sending)
{
    struct scxml_loaded loaded;
    struct scxml_message *message = &sending->message;
    if (!scxml_evaluate_cargo(run, &sending->send->cargo, message->event.send_id, &loaded))
        return false;
    message->event.data = loaded.data;
    message->pairs = loaded.pairs;
    message->has_content = loaded.has_content;
    return true;
}

static void sign(struct scxml_run *run, struct sending *sending)
{
    struct scxml_event *event = &sending->message.event;
    event->type = sending->route == SCXML_TO_INTERNAL ? SCXML_INTERNAL : SCXML_EXTERNAL;
    if (event->type == SCXML_INTERNAL ||
        !text_eq(sending->message.type, TEXT(SCXML_EVENT_PROCESSOR)))
        return;
    event->origin = run->session->origin;
    event->origin_type = TEXT(SCXML_EVENT_PROCESSOR);
    if (text_eq(sending->message.target, TEXT("#_parent")))
        event->invoke_id = run->session->invoke_id;
}

/* --- delivery --------------------------------------------------------------------------------- */

static const struct scxml_pair *keep_pairs(struct scope *scope, const struct scxml_pair *pairs)
{
    const struct scxml_pair *first = NULL, **end = &first;
    for (; pairs; pairs = pairs->next) {
        struct scxml_pair *pair = scope_alloc(scope, sizeof *pair);
        pair->name = scope_keep(scope, pairs->name);
        pair->value =
            (struct scxml_payload){ pairs->value.kind, scope_keep(scope, pairs->value.text) };
        *end = pair;
        end = &pair->next;
    }
    return first;
}

static void send_out(struct scxml_run *run, const struct scxml_message *message)
{
    struct scope *scope = run->effects->scope;
    struct scxml_effect *effect = scxml_effect_add(run->effects, SCXML_DO_SEND);
    if (!text_eq(message->type, TEXT(SCXML_EVENT_PROCESSOR))) run->has_sent_far = true;
    effect->send = (struct scxml_message){ .event = scxml_event_keep(scope, &message->event),
                                           .target = scope_keep(scope, message->target),
                                           .type = scope_keep(scope, message->type),
                                           .pairs = keep_pairs(scope, message->pairs),
                                           .has_content = message->has_content };
}

static void deliver(struct scxml_run *run, const struct scxml_message *message,
                    enum scxml_route route, struct scxml_place place)
{
    const struct scxml_effects *effects = run->effects;
    if (route == SCXML_TO_SELF && run->has_sent_far) route = SCXML_TO_OTHERS;
    if (route == SCXML_TO_OTHERS && effects->can_reach &&
        !effects->can_reach(effects->world, message))
        scxml_raise_error(run, "error.communication", message->event.send_id, place,
                          "nobody can be reached there");
    else if (route == SCXML_TO_OTHERS)
        send_out(run, message);
    else if (route == SCXML_TO_INTERNAL)
        scxml_raise(run, &message->event);
    else if (scxml_queue_add(run->session, &run->session->external, &message->event))
        scxml_raise_error(run, "error.communication", message->event.send_id, place,
                          "the session's own queue is full");
}

static bool delay(struct scxml_run *run, const struct sending *sending)
{
    uint64_t due_ms = run->now_ms + sending->delay_ms;
    if (due_ms < run->now_ms) due_ms = SCXML_NEVER - 1;
    if (scxml_delay(run->session, &sending->message, sending->route, due_ms) == ERR_OK) return true;
    return refuse(run, sending, "the session has too many delayed events");
}

bool scxml_run_send(struct scxml_run *run, const struct scxml_action *action)
{
    struct sending sending = { .send = action->send, .place = action->place };
    if (!find_id(run, &sending) || !find_address(run, &sending) || !find_cargo(run, &sending))
        return false;
    sign(run, &sending);
    if (sending.delay_ms) return delay(run, &sending);
    deliver(run, &sending.message, sending.route, sending.place);
    return !scxml_is_over(run);
}

void scxml_release_due(struct scxml_run *run)
{
    struct scxml_delayed *delayed;
    while (!scxml_is_over(run) && (delayed = scxml_delay_take(run->session, run->now_ms)) != NULL) {
        deliver(run, &delayed->message, delayed->route, (struct scxml_place){ 0 });
        free(delayed);
    }
}

/* --- cancel ----------------------------------------------------------------------------------- */

/* The draft of May 2009 answers (orchestration 5). */
static void answer(struct scxml_run *run, bool was_cancelled, struct text id)
{
    const struct scxml_event event = { .name = was_cancelled ? TEXT("cancel.successful")
                                                             : TEXT("error.notallowed"),
                                       .type = SCXML_PLATFORM,
                                       .send_id = id };
    scxml_raise(run, &event);
}

bool scxml_run_cancel(struct scxml_run *run, const struct scxml_action *action)
{
    struct text id;
    if (!scxml_text_of(run, action->cancel.send_id, action->cancel.send_id_expr, (struct text){ 0 },
                       action->place, &id))
        return false;
    bool was_cancelled = id.len && scxml_delay_cancel(run->session, id);
    if (run->document->is_legacy) answer(run, was_cancelled, id);
    return !scxml_is_over(run);
}
