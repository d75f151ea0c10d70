/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in: each is a request that goes to a server over its link, or an acknowledgement. Begin at
 * desktop_on_message(). */
#include "app/message_json.h"
#include "gen/events.h"
#include "servers/web/web.h"

#include <stdio.h>

enum {
    BAD_FRAMES_MAX = 20,
    REF_MAX_BITS = 53,
    RETRY_MS = 1000,
    DETAILS_MAX = 100,
    MESSAGE_MEMORY_MAX = 64 * 1024 * 1024,
    RECEIVED_KIB_PER_SECOND = 1024, /* of one person: to read a frame costs us, whatever it says */
    RECEIVED_KIB_AT_ONCE = 4096,
};

/* One request in flight; outlives its desktop, which is then no longer found. */
struct asked_link {
    struct scope *life;
    struct list node; /* of its desktop */
    struct web *web;
    uint64_t desktop_slot, ref;
    const struct msg *msg;
};

/* --- answers -------------------------------------------------------------------------------- */

static void put_pair(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

static void put_error(struct json_writer *json, const struct link_error *error)
{
    json_put_name(json, TEXT("error"));
    json_begin_object(json);
    put_pair(json, "protocol", error->protocol);
    json_put_name(json, TEXT("code"));
    json_put_i64(json, error->code);
    put_pair(json, "name", error->name);
    put_pair(json, "text", error->text);
    if (error->field.len) put_pair(json, "field", error->field);
    json_put_name(json, TEXT("retryable"));
    json_put_bool(json, error->retryable);
    if (error->retry_after_ms) {
        json_put_name(json, TEXT("retry_after_ms"));
        json_put_u64(json, error->retry_after_ms);
    }
    if (error->detail_count) {
        json_put_name(json, TEXT("details"));
        json_begin_array(json);
        for (uint32_t i = 0; i < error->detail_count && i < DETAILS_MAX; i++)
            json_put_text(json, error->details[i]);
        json_end_array(json);
    }
    json_end_object(json);
}

static void answer_error(struct desktop *desktop, uint64_t ref, const struct link_error *error)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (ref) {
        json_put_name(&json, TEXT("ref"));
        json_put_u64(&json, ref);
        put_error(&json, error);
        /* What web itself refuses has gone nowhere, and would be refused again. */
        bool is_for_good = !error->retryable && !text_eq(error->protocol, TEXT("web"));
        desktop_send_answer(desktop, &out, is_for_good ? ref : 0);
    } else {
        json_begin_object(&json);
        put_error(&json, error);
        json_end_object(&json);
        desktop_send_control(desktop, buf_text(&out));
    }
    buf_free(&out);
}

struct web_error {
    int64_t code;
    const char *name;
    struct text text, field;
    uint64_t retry_after_ms; /* not 0: retryable */
};

static void refuse(struct desktop *desktop, uint64_t ref, const struct web_error *error)
{
    struct link_error whole = { .protocol = TEXT("web"),
                                .code = error->code,
                                .name = text_of(error->name),
                                .text = error->text,
                                .field = error->field,
                                .retryable = error->retry_after_ms != 0,
                                .retry_after_ms = error->retry_after_ms };
    desktop->web->counters.web_requests_refused_total++;
    answer_error(desktop, ref, &whole);
}

static void refuse_words(struct desktop *desktop, uint64_t ref, int64_t code, const char *name,
                         const char *words, uint64_t retry_after_ms)
{
    struct web_error error = { code, name, text_of(words), { 0 }, retry_after_ms };
    refuse(desktop, ref, &error);
}

/* What the link says of itself is ours to say; a server's own words pass. */
static void answer_link_error(struct desktop *desktop, uint64_t ref, const struct link_error *error)
{
    bool is_of_link = error->protocol.len == 0 || text_eq(error->protocol, TEXT("link"));
    if (!is_of_link) {
        answer_error(desktop, ref, error);
        return;
    }
    struct web *web = desktop->web;
    switch (error->err) {
    case ERR_TIMEOUT:
        refuse_words(desktop, ref, 504, "Timeout", "no answer in time; it may have been done",
                     jittered(web, RETRY_MS));
        break;
    case ERR_LIMIT:
        refuse_words(desktop, ref, 429, "TooManyRequests", "too many requests wait already",
                     jittered(web, RETRY_MS));
        break;
    case ERR_UNSUPPORTED:
        refuse_words(desktop, ref, 404, "UnknownMessage", "the server does not offer it", 0);
        break;
    case ERR_INVALID: {
        struct web_error bad = { 400, "BadField", error->text, error->field, 0 };
        refuse(desktop, ref, &bad);
        break;
    }
    default:
        refuse_words(desktop, ref, 503, "Unavailable",
                     "the application is away; whether it was done is not known",
                     jittered(web, RETRY_MS));
    }
}

static void answer_reply(struct desktop *desktop, const struct asked_link *asked,
                         const void *fields)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    const struct msg *reply = asked->msg->reply;
    json_put_name(&json, TEXT("ref"));
    json_put_u64(&json, asked->ref);
    put_pair(&json, "message", text_of(reply->name));
    json_put_name(&json, TEXT("fields"));
    json_begin_object(&json);
    message_put_members(&json, reply->shape, fields);
    json_end_object(&json);
    if (out.len <= FRAME_BYTES_MAX)
        desktop_send_answer(desktop, &out, asked->ref);
    else
        refuse_words(desktop, asked->ref, 413, "TooLarge",
                     "the answer does not fit a frame: ask for a smaller page", 0);
    buf_free(&out);
}

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct asked_link *asked = self;
    struct desktop *desktop = slot_find(asked->web->desktop_ids, asked->desktop_slot);
    if (desktop) {
        list_remove(&asked->node);
        desktop->asked_count--;
        if (error)
            answer_link_error(desktop, asked->ref, error);
        else
            answer_reply(desktop, asked, fields);
    }
    scope_close(asked->life);
}

void desktop_forget_asked(struct desktop *desktop)
{
    struct list *node;
    while ((node = list_first(&desktop->asked)) != NULL) list_remove(node);
}

/* --- a request ------------------------------------------------------------------------------ */

/* The members of a frame. */
struct question {
    struct scope *scratch;
    uint64_t ref;
    struct text to, message;
    struct kv fields; /* with room for one more */
};

static bool is_in_flight(const struct desktop *desktop, uint64_t ref)
{
    LIST_EACH (node, &desktop->asked)
        if (LIST_OBJECT(node, struct asked_link, node)->ref == ref) return true;
    return false;
}

static uint64_t rate_ms(struct desktop *desktop)
{
    uint32_t count = options_of(desktop->web)->requests_per_second;
    struct bucket_rate rate = { count, 2 * count, 1000 };
    return bucket_take(&desktop->person->requests, &rate,
                       loop_now_mono_ms(desktop->web->app->loop));
}

static bool may_ask_now(struct desktop *desktop, uint64_t ref)
{
    uint64_t wait_ms = 0;
    if (desktop->asked_count >= options_of(desktop->web)->requests_in_flight)
        wait_ms = RETRY_MS;
    else
        wait_ms = rate_ms(desktop);
    if (wait_ms == 0) return true;
    refuse_words(desktop, ref, 429, "TooManyRequests", "more requests than allowed",
                 jittered(desktop->web, wait_ms));
    return false;
}

/* Permissions are asked by the server behind; a call needs both (framework 12.2). */
static bool has_privilege(struct desktop *desktop, uint64_t ref, const struct msg *msg)
{
    const char *missing = privilege_missing(desktop->person->privileges, msg);
    char words[64];
    if (missing == NULL) return true;
    (void)snprintf(words, sizeof words, "the privilege \"%s\" is missing", missing);
    LOG_WEB_PRIVILEGE_MISSING(&desktop->web->app->log, msg->name, desktop->person->employee_id.at,
                              desktop->session->address.at, missing);
    refuse_words(desktop, ref, 403, "Forbidden", words, 0);
    return false;
}

static bool has_right(struct desktop *desktop, struct question *question, const struct msg *msg)
{
    struct asker asker = person_asker(desktop->person);
    enum right right = right_to_send(&asker, msg);
    if (right == RIGHT_GRANTED) right = right_agent(&asker, msg, &question->fields);
    switch (right) {
    case RIGHT_GRANTED: return has_privilege(desktop, question->ref, msg);
    case RIGHT_UNKNOWN:
        refuse_words(desktop, question->ref, 404, "UnknownMessage", "there is no such request", 0);
        return false;
    case RIGHT_FORBIDDEN:
        refuse_words(desktop, question->ref, 403, "Forbidden", "administrators only", 0);
        return false;
    case RIGHT_OTHER_AGENT: break;
    }
    struct web_error error = { 403, "Forbidden", TEXT("must be your own employee id"),
                               TEXT("GSW_AGENT_ID"), 0 };
    refuse(desktop, question->ref, &error);
    return false;
}

static struct peer *peer_of(struct desktop *desktop, const struct question *question,
                            const struct msg *msg)
{
    struct web *web = desktop->web;
    struct peer *peer = applications_peer(web, msg);
    if (peer) return peer;
    if (!text_eq(text_of(msg->protocol), TEXT("outbound"))) {
        refuse_words(desktop, question->ref, 503, "Unavailable", "it is not among the connections",
                     jittered(web, RETRY_MS));
        return NULL;
    }
    struct application *application = application_choose(web, desktop->person, &question->fields);
    if (application) return application->peer;
    refuse_words(desktop, question->ref, 404, "UnknownApplication",
                 "GSW_APPLICATION_ID: there is no such application, or there are several", 0);
    return NULL;
}

static void ask(struct desktop *desktop, const struct question *question, const struct msg *msg,
                struct peer *peer, const void *fields)
{
    struct web *web = desktop->web;
    char key[DESKTOP_ID_CHARS + 24];
    (void)snprintf(key, sizeof key, "%s:%llu", desktop->id, (unsigned long long)question->ref);
    struct link_header header = { .idempotency_key = text_of(key),
                                  .tenant = desktop->person->tenant,
                                  .person = desktop->person->employee_id,
                                  .address = desktop->session->address };
    struct scope *life = scope_new(web->app->life, "asked", SCOPE_NO_LIMIT);
    struct asked_link *asked = scope_alloc(life, sizeof *asked);
    *asked = (struct asked_link){
        .life = life, .web = web, .desktop_slot = desktop->slot, .ref = question->ref, .msg = msg
    };
    list_add_last(&desktop->asked, &asked->node);
    desktop->asked_count++;
    web->counters.web_requests_total++;
    LOG_WEB_REQUEST(&web->app->log, msg->name, desktop->person->employee_id.at, peer_name(peer).at,
                    (unsigned long long)question->ref);
    link_ask(peer_link(peer), msg, fields, &header,
             options_of(web)->request_timeout * UINT64_C(1000), on_reply, asked);
}

static void on_question(struct desktop *desktop, struct question *question)
{
    const struct msg *msg = msg_find_name(question->to, question->message);
    struct fault fault = { 0 };
    void *fields;
    if (is_in_flight(desktop, question->ref)) return;        /* its answer comes */
    if (ring_answers(&desktop->ring, question->ref)) return; /* or is under way */
    if (!may_ask_now(desktop, question->ref)) return;
    if (!has_right(desktop, question, msg)) return;
    struct peer *peer = peer_of(desktop, question, msg);
    if (peer == NULL) return;
    if (message_from_kv(msg, &question->fields, question->scratch, &fields, &fault)) {
        struct web_error error = { 400, "BadField", text_of(fault.words), text_of(fault.field), 0 };
        refuse(desktop, question->ref, &error);
        return;
    }
    if (!peer_is_up(peer)) {
        refuse_words(desktop, question->ref, 503, "Unavailable", "the application is away",
                     jittered(desktop->web, RETRY_MS));
        return;
    }
    ask(desktop, question, msg, peer, fields);
}

/* --- a frame -------------------------------------------------------------------------------- */

/* False: the desktop may be gone. */
static bool refuse_frame(struct desktop *desktop, uint64_t ref, const char *words)
{
    struct web *web = desktop->web;
    web->counters.web_frames_bad_total++;
    LOG_WEB_BAD_FRAME(&web->app->log, desktop->person->employee_id.at, words);
    if (++desktop->bad_frames > BAD_FRAMES_MAX) {
        desktop_end(desktop, WEBSOCKET_POLICY, "too many bad frames");
        return false;
    }
    refuse_words(desktop, ref, 400, "BadFrame", words, 0);
    return true;
}

static bool is_number(const struct value *value, uint64_t max, uint64_t *out)
{
    if (value == NULL || value->kind != VALUE_INTEGER || value->integer < 0 ||
        (uint64_t)value->integer > max)
        return false;
    *out = (uint64_t)value->integer;
    return true;
}

static bool is_text(const struct kv *frame, struct text name, struct text *out)
{
    const struct value *value = kv_find(frame, name);
    if (value == NULL || value->kind != VALUE_TEXT || value->text.len == 0) return false;
    *out = value->text;
    return true;
}

static const char *read_question(const struct kv *frame, struct question *out)
{
    static const struct kv nothing = { 0 };
    if (!is_number(kv_find(frame, TEXT("ref")), (UINT64_C(1) << REF_MAX_BITS) - 1, &out->ref) ||
        out->ref == 0) {
        out->ref = 0;
        return "ref: must be a whole number from 1 on";
    }
    if (!is_text(frame, TEXT("to"), &out->to)) return "to: must be outbound, config or control";
    if (!is_text(frame, TEXT("message"), &out->message)) return "message: must be its name";
    const struct value *given = kv_find(frame, TEXT("fields"));
    if (given && given->kind != VALUE_KV) return "fields: must be an object";
    const struct kv *fields = given ? &given->pairs : &nothing;
    if (fields->count > MESSAGE_KEYS_MAX) return "fields: has too many members";
    out->fields = (struct kv){ .at = scope_alloc_array(out->scratch, fields->count + 1u,
                                                       sizeof *out->fields.at),
                               .count = fields->count };
    for (uint32_t i = 0; i < fields->count; i++) out->fields.at[i] = fields->at[i];
    return NULL;
}

static bool may_say_so_much(struct desktop *desktop, size_t bytes)
{
    const struct bucket_rate rate = { RECEIVED_KIB_PER_SECOND, RECEIVED_KIB_AT_ONCE, 1000 };
    return bucket_take_many(&desktop->person->received, &rate, (uint32_t)(bytes / 1024 + 1),
                            loop_now_mono_ms(desktop->web->app->loop)) == 0;
}

void desktop_on_message(struct desktop *desktop, struct text message)
{
    if (!may_say_so_much(desktop, message.len)) {
        desktop->web->counters.web_requests_refused_total++;
        desktop_send_away(desktop, WEBSOCKET_TRY_AGAIN, "more bytes than allowed");
        return;
    }
    struct scope *scratch = scope_new(NULL, "frame", MESSAGE_MEMORY_MAX);
    struct kv frame;
    struct fault fault = { 0 };
    uint64_t seq;
    session_use(desktop->web, desktop->session);
    if (json_read_kv(message, scratch, &frame, &fault)) {
        (void)refuse_frame(desktop, 0, fault.words);
    } else if (kv_find(&frame, TEXT("ack"))) {
        if (is_number(kv_find(&frame, TEXT("ack")), INT64_MAX, &seq))
            ring_acknowledge(&desktop->ring, seq, frame_release);
        else
            (void)refuse_frame(desktop, 0, "ack: must be a whole number");
    } else {
        struct question question = { .scratch = scratch };
        const char *words = read_question(&frame, &question);
        if (words)
            (void)refuse_frame(desktop, question.ref, words);
        else
            on_question(desktop, &question);
    }
    scope_close(scratch);
}
