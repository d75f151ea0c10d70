/* SPDX-License-Identifier: Apache-2.0 */
/* Our requests, from asking to their one end. They wait in the order of their deadlines: those of a
 * link are mostly alike, so a new one nearly always goes last. */
#include "io/link/private.h"

#include "format/msgpack.h"
#include "gen/events.h"

struct ask {
    struct scope *life;
    struct list node;     /* of link->asks or ->asks_ended */
    uint64_t ref, due_ms; /* ref 0: never sent */
    const struct msg *msg;
    enum err ended_by; /* in asks_ended */
    void (*on_reply)(void *self, const struct link_error *error, const void *fields);
    void *self;
};

static void end_due(void *link);
static void tell_ended(void *link);

void asks_init(struct link *link)
{
    list_init(&link->asks);
    list_init(&link->asks_ended);
    link->asks_by_ref = table_new(link->life);
    link->ask_timer = timer_new(link->life, link->hub->loop, end_due, link);
    link->asks_ended_chore = (struct chore){ .run = tell_ended, .self = link };
}

static void insert_by_due(struct list *ring, struct ask *ask)
{
    struct list *before = ring->prev;
    while (before != ring && LIST_OBJECT(before, struct ask, node)->due_ms > ask->due_ms)
        before = before->prev;
    list_add_last(before->next, &ask->node); /* last in front of it */
}

static void arm(struct link *link)
{
    struct list *first = list_first(&link->asks);
    if (first)
        timer_start_at(link->ask_timer, LIST_OBJECT(first, struct ask, node)->due_ms);
    else
        timer_stop(link->ask_timer);
}

static void take_off(struct link *link, struct ask *ask)
{
    list_remove(&ask->node);
    if (table_remove(link->asks_by_ref, TEXT_OF(&ask->ref))) link->ask_count--;
}

/* The end of an ask; the link may be gone afterwards. */
static void tell(struct link *link, struct ask *ask, const struct link_error *error,
                 const void *fields)
{
    struct link_watch watch;
    take_off(link, ask);
    link_watch_begin(link, &watch);
    struct loop *loop = link->hub->loop;
    const char *name = ask->msg->name;
    uintptr_t handler = (uintptr_t)ask->on_reply;
    uint64_t started = loop_handler_begin(loop);
    ask->on_reply(ask->self, error, fields);
    loop_handler_end(loop, started, name, handler);
    if (link_watch_end(link, &watch)) scope_close(ask->life);
}

static void tell_err(struct link *link, struct ask *ask, enum err err, const char *words)
{
    struct link_error error = {
        .err = err,
        .protocol = TEXT("link"),
        .code = (int64_t)err,
        .name = text_of(err_name(err)),
        .text = text_of(words ? words : err_words(err)),
        .retryable = err != ERR_INVALID,
    };
    tell(link, ask, &error, NULL);
}

static void end_later(struct link *link, struct ask *ask, enum err err)
{
    take_off(link, ask);
    ask->ended_by = err;
    list_add_last(&link->asks_ended, &ask->node);
    chore_soon(link->hub->loop, &link->asks_ended_chore);
}

/* Only those that are in the ring now: who asks again in the callback is told the next time. */
static void tell_all(struct link *link, struct list *ring, enum err err)
{
    struct list now = { 0 };
    list_init(&now);
    for (struct list *node; (node = list_first(ring)) != NULL;) {
        list_remove(node);
        list_add_last(&now, node);
    }
    struct link_watch watch;
    link_watch_begin(link, &watch);
    for (struct list *node; !watch.is_gone && (node = list_first(&now)) != NULL;) {
        struct ask *ask = LIST_OBJECT(node, struct ask, node);
        tell_err(link, ask, err ? err : ask->ended_by, NULL);
    }
    (void)link_watch_end(link, &watch);
}

static void tell_ended(void *self)
{
    struct link *link = self;
    tell_all(link, &link->asks_ended, ERR_OK);
}

void asks_fail_now(struct link *link, enum err why)
{
    struct link_watch watch;
    link_watch_begin(link, &watch);
    timer_stop(link->ask_timer);
    tell_all(link, &link->asks_ended, ERR_OK);
    if (!watch.is_gone) tell_all(link, &link->asks, why);
    (void)link_watch_end(link, &watch);
}

static void end_due(void *self)
{
    struct link *link = self;
    uint64_t now_ms = loop_now_mono_ms(link->hub->loop);
    for (struct list *node; (node = list_first(&link->asks)) != NULL;) {
        struct ask *ask = LIST_OBJECT(node, struct ask, node);
        if (ask->due_ms > now_ms) break;
        link->hub->counters.timeouts++;
        LOG_LINK_ANSWER_LATE(&link->hub->log, ask->msg->name, link_peer_name_z(link));
        end_later(link, ask, ERR_TIMEOUT);
    }
    arm(link);
}

void link_ask(struct link *link, const struct msg *msg, const void *fields,
              const struct link_header *header, uint64_t deadline_ms,
              void (*on_reply)(void *self, const struct link_error *error, const void *fields),
              void *self)
{
    ASSERT(msg->reply != NULL);
    struct scope *life = scope_new(link->life, "ask", SCOPE_NO_LIMIT);
    struct ask *ask = scope_alloc(life, sizeof *ask);
    *ask = (struct ask){ .life = life,
                         .due_ms = loop_now_mono_ms(link->hub->loop) + deadline_ms,
                         .msg = msg,
                         .on_reply = on_reply,
                         .self = self };
    if (link->state != LINK_UP) {
        end_later(link, ask, ERR_CLOSED);
        return;
    }
    struct link_header full = header ? *header : (struct link_header){ 0 };
    full.deadline_ms = deadline_ms;
    enum err err = link->ask_count >= link->hub->options.requests_max ? ERR_LIMIT : ERR_OK;
    if (!err) err = link_write_frame(link, msg, link->next_ref, &full, fields);
    if (err) {
        end_later(link, ask, err);
        return;
    }
    ask->ref = link->next_ref;
    link->next_ref += 2;
    link->hub->counters.requests_out++;
    link->ask_count++;
    table_put(link->asks_by_ref, TEXT_OF(&ask->ref), ask);
    insert_by_due(&link->asks, ask);
    if (list_first(&link->asks) == &ask->node) arm(link);
}

static void on_refusal(struct link *link, struct ask *ask, struct text fields)
{
    void *decoded;
    struct fault fault = { 0 };
    if (msgpack_decode(fields, MSG_LINK_REFUSAL.shape, ask->life, &decoded, &fault)) {
        tell_err(link, ask, ERR_INVALID, fault.words);
        return;
    }
    struct link_error error;
    error_of_refusal(decoded, &error);
    tell(link, ask, &error, NULL);
}

static void on_answer(struct link *link, struct ask *ask, struct text fields)
{
    void *decoded;
    struct fault fault = { 0 };
    if (msgpack_decode(fields, ask->msg->reply->shape, ask->life, &decoded, &fault)) {
        link->hub->counters.fields_refused++;
        tell_err(link, ask, ERR_INVALID, fault.words);
    } else {
        tell(link, ask, NULL, decoded);
    }
}

void asks_on_reply(struct link *link, const struct frame *frame)
{
    struct ask *ask = table_get(link->asks_by_ref, TEXT_OF(&frame->ref));
    if (ask == NULL) return; /* its time was up before */
    if (frame->number == MSG_LINK_REFUSAL.number)
        on_refusal(link, ask, frame->fields);
    else if (frame->number == ask->msg->reply->number)
        on_answer(link, ask, frame->fields);
    else
        tell_err(link, ask, ERR_INVALID, "the peer answered with another message");
}
