/* SPDX-License-Identifier: Apache-2.0 */
/* The peer's requests and events: decoded, handed to their row of the handler table, answered once.
 * A request belongs to the hub, not to the link, so that who works on it may outlive the link. */
#include "io/link/private.h"

#include "format/msgpack.h"

struct link_request {
    struct scope *life;
    struct link_hub *hub;
    struct link *link; /* NULL: lost meanwhile */
    struct list node;  /* of link->requests, or of hub->answered */
    uint64_t ref;
    const struct msg *msg;
    struct link_header header;
    bool is_answered;
};

static const struct link_handler *find_handler(const struct link *link, const struct msg *msg)
{
    for (const struct link_handler *row = link->hub->handlers; row && row->msg; row++)
        if (row->msg == msg) return row;
    return NULL;
}

/* --- refusals ------------------------------------------------------------------------------- */

void refusal_of_error(const struct link_error *error, struct link_refusal *out)
{
    *out = (struct link_refusal){
        .head.has = LINK_REFUSAL_HAS_ERROR | LINK_REFUSAL_HAS_CODE | LINK_REFUSAL_HAS_RETRYABLE,
        .error = text_of(err_name(error->err)),
        .protocol = error->protocol,
        .code = error->code,
        .name = error->name,
        .text = error->text,
        .field = error->field,
        .retryable = error->retryable,
        .retry_after = error->retry_after_ms,
        .object_type = error->object_type,
        .details = { (struct text *)(uintptr_t)error->details, error->detail_count },
    };
    if (error->protocol.len) out->head.has |= LINK_REFUSAL_HAS_PROTOCOL;
    if (error->name.len) out->head.has |= LINK_REFUSAL_HAS_NAME;
    if (error->text.len) out->head.has |= LINK_REFUSAL_HAS_TEXT;
    if (error->field.len) out->head.has |= LINK_REFUSAL_HAS_FIELD;
    if (error->retry_after_ms) out->head.has |= LINK_REFUSAL_HAS_RETRY_AFTER;
    if (error->object_type.len) out->head.has |= LINK_REFUSAL_HAS_OBJECT_TYPE;
    if (error->detail_count) out->head.has |= LINK_REFUSAL_HAS_DETAILS;
}

static enum err err_of_name(struct text name)
{
    for (enum err err = ERR_OK; err <= ERR_INTERNAL; err++)
        if (text_eq(name, text_of(err_name(err)))) return err == ERR_OK ? ERR_INTERNAL : err;
    return ERR_INTERNAL; /* a newer release's */
}

void error_of_refusal(const struct link_refusal *refusal, struct link_error *out)
{
    *out = (struct link_error){
        .err = err_of_name(refusal->error),
        .protocol = refusal->protocol,
        .code = refusal->code,
        .name = refusal->name,
        .text = refusal->text,
        .field = refusal->field,
        .retryable = refusal->retryable,
        .retry_after_ms = refusal->retry_after,
        .object_type = refusal->object_type,
        .details = refusal->details.at,
        .detail_count = refusal->details.count,
    };
}

static struct link_error error_of_err(enum err err, struct text field, struct text words)
{
    return (struct link_error){ .err = err,
                                .protocol = TEXT("link"),
                                .code = (int64_t)err,
                                .name = text_of(err_name(err)),
                                .text = words.len ? words : text_of(err_words(err)),
                                .field = field };
}

static void refuse_ref(struct link *link, uint64_t ref, const struct link_error *error)
{
    struct link_refusal refusal;
    refusal_of_error(error, &refusal);
    (void)link_write_frame(link, &MSG_LINK_REFUSAL, ref, NULL, &refusal);
}

/* --- the life of a request ------------------------------------------------------------------ */

/* The owner's scope closes: who asked must not wait for his deadline. */
static void answer_internal(void *self)
{
    struct link_request *request = self;
    list_remove(&request->node);
    if (request->is_answered || request->link == NULL) return;
    request->link->request_count--;
    if (!link_is_up(request->link)) return;
    struct link_error error =
        error_of_err(ERR_INTERNAL, TEXT(""), TEXT("the server gave the request up"));
    refuse_ref(request->link, request->ref, &error);
}

static struct link_request *request_new(struct link *link, uint64_t ref, const struct msg *msg)
{
    struct scope *life = scope_new(link->hub->life, "request", LINK_REQUEST_BYTES_MAX);
    struct link_request *request = scope_alloc(life, sizeof *request);
    *request = (struct link_request){
        .life = life, .hub = link->hub, .link = link, .ref = ref, .msg = msg
    };
    list_add_last(&link->requests, &request->node);
    link->request_count++;
    scope_on_close(life, answer_internal, request);
    return request;
}

/* Its scope closes at the end of the turn: who answered may still look at the fields. */
static void mark_answered(struct link_request *request)
{
    ASSERT(!request->is_answered);
    request->is_answered = true;
    list_remove(&request->node);
    if (request->link) request->link->request_count--;
    list_add_last(&request->hub->answered, &request->node);
    chore_soon(request->hub->loop, &request->hub->answered_chore);
}

void requests_close_answered(void *self)
{
    struct link_hub *hub = self;
    for (struct list *node; (node = list_first(&hub->answered)) != NULL;)
        scope_close(LIST_OBJECT(node, struct link_request, node)->life);
}

void requests_forget_link(struct link *link)
{
    for (struct list *node; (node = list_first(&link->requests)) != NULL;) {
        struct link_request *request = LIST_OBJECT(node, struct link_request, node);
        request->link = NULL;
        list_remove(node);
    }
    link->request_count = 0;
    LIST_EACH (node, &link->hub->answered) {
        struct link_request *request = LIST_OBJECT(node, struct link_request, node);
        if (request->link == link) request->link = NULL;
    }
}

void link_refuse(struct link_request *request, const struct link_error *error)
{
    if (request->link && link_is_up(request->link)) refuse_ref(request->link, request->ref, error);
    mark_answered(request);
}

void link_refuse_fault(struct link_request *request, const struct fault *fault)
{
    struct link_error error =
        error_of_err(fault->err, text_of(fault->field), text_of(fault->words));
    link_refuse(request, &error);
}

void link_reply(struct link_request *request, const void *fields)
{
    struct link *link = request->link;
    if (link && link_is_up(link) &&
        link_write_frame(link, request->msg->reply, request->ref, NULL, fields)) {
        struct link_error error =
            error_of_err(ERR_LIMIT, TEXT(""), TEXT("the answer is longer than a frame may be"));
        refuse_ref(link, request->ref, &error);
    }
    mark_answered(request);
}

void link_ignore(struct link_request *request)
{
    mark_answered(request);
}

struct scope *link_request_scope(struct link_request *request)
{
    return request->life;
}

const struct link_header *link_request_header(const struct link_request *request)
{
    return &request->header;
}

const struct msg *link_request_msg(const struct link_request *request)
{
    return request->msg;
}

struct link *link_request_link(struct link_request *request)
{
    return request->link && link_is_up(request->link) ? request->link : NULL;
}

/* --- what comes in -------------------------------------------------------------------------- */

static void refuse_unknown(struct link *link, const struct frame *frame)
{
    link->hub->counters.messages_unknown++;
    struct text words = scope_format(link->scratch, "message %llu is not known here",
                                     (unsigned long long)frame->number);
    struct link_error error = error_of_err(ERR_UNSUPPORTED, TEXT("message"), words);
    refuse_ref(link, frame->ref, &error);
}

void request_on_frame(struct link *link, const struct frame *frame)
{
    const struct msg *msg = frame->number <= UINT32_MAX ? msg_find((uint32_t)frame->number) : NULL;
    const struct link_handler *row = msg && msg->reply ? find_handler(link, msg) : NULL;
    if (row == NULL || row->on_request == NULL) {
        refuse_unknown(link, frame);
        return;
    }
    link->hub->counters.requests_in++;
    if (link->request_count >= link->hub->options.requests_max) {
        struct link_error error = error_of_err(ERR_LIMIT, TEXT(""), TEXT("too many requests wait"));
        error.retryable = true;
        refuse_ref(link, frame->ref, &error);
        return;
    }
    struct link_request *request = request_new(link, frame->ref, msg);
    struct fault fault = { 0 };
    void *fields = NULL;
    enum err err = frame_decode_header(frame->header, request->life, &request->header, &fault);
    if (!err) err = msgpack_decode(frame->fields, msg->shape, request->life, &fields, &fault);
    if (err) {
        link->hub->counters.fields_refused++;
        link_refuse_fault(request, &fault);
        return;
    }
    struct loop *loop = link->hub->loop; /* the handler may close the link */
    const struct log log = link->hub->log;
    struct text trace_before = log_trace(&log, request->header.trace_id);
    uint64_t started = loop_handler_begin(loop);
    row->on_request(link->self, request, fields);
    loop_handler_end(loop, started, msg->name, (uintptr_t)row->on_request);
    (void)log_trace(&log, trace_before);
}

const struct msg *link_event_msg(const struct link *link)
{
    return link->event;
}

void event_on_frame(struct link *link, const struct frame *frame)
{
    const struct msg *msg = frame->number <= UINT32_MAX ? msg_find((uint32_t)frame->number) : NULL;
    const struct link_handler *row = msg ? find_handler(link, msg) : NULL;
    if (row == NULL || row->on_event == NULL) {
        link->hub->counters.messages_unknown++;
        return;
    }
    struct fault fault = { 0 };
    void *fields;
    struct scope *scratch = scope_new(link->scratch, "event", SCOPE_NO_LIMIT);
    enum err err = msgpack_decode(frame->fields, msg->shape, scratch, &fields, &fault);
    if (err) {
        link->hub->counters.fields_refused++;
        log_debug(&link->hub->log, "event %s from %s dropped: %s", msg->name,
                  link_peer_name_z(link), fault.words);
        scope_close(scratch);
        return;
    }
    struct link_watch watch;
    link_watch_begin(link, &watch);
    struct loop *loop = link->hub->loop;
    uint64_t started = loop_handler_begin(loop);
    link->event = msg;
    row->on_event(link->self, link, fields);
    loop_handler_end(loop, started, msg->name, (uintptr_t)row->on_event);
    if (link_watch_end(link, &watch)) scope_close(scratch);
}
