/* SPDX-License-Identifier: Apache-2.0 */
/* Desktops and their sockets. A desktop outlives its socket by resume-time; what it is sent
 * meanwhile waits in its ring. Begin at desktop_open(). */
#include "format/url.h"
#include "gen/events.h"
#include "servers/web/web.h"

#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 1000, STORM_ENDS_MS = 10000 };

/* --- frames --------------------------------------------------------------------------------- */

struct frame *frame_new(struct web *web, struct buf *members)
{
    struct buf whole = { 0 };
    uint64_t seq = ++web->seq;
    buf_add(&whole, TEXT("{\"seq\":"));
    buf_add_u64(&whole, seq);
    buf_add_byte(&whole, ',');
    buf_add(&whole, buf_text(members));
    buf_add_byte(&whole, '}');
    struct frame *frame = malloc(sizeof *frame);
    ASSERT(frame != NULL);
    *frame = (struct frame){ .wire = websocket_frame_new(buf_text(&whole)),
                             .web = web,
                             .references = 1,
                             .bytes = (uint32_t)whole.len,
                             .seq = seq };
    web->counters.web_kept_bytes += frame->bytes;
    buf_free(&whole);
    return frame;
}

void frame_release(struct frame *frame)
{
    if (--frame->references) return;
    frame->web->counters.web_kept_bytes -= frame->bytes;
    websocket_frame_release(frame->wire);
    free(frame);
}

void desktop_send(struct desktop *desktop, struct frame *frame)
{
    const struct web_options *options = options_of(desktop->web);
    struct ring_limits limits = { options->resume_frames, options->resume_bytes * 1024 };
    if (desktop->web->counters.web_kept_bytes > options->resume_bytes_of_all * UINT64_C(1048576))
        limits = (struct ring_limits){ 0 }; /* what it has goes, too */
    struct ring_entry entry = { frame->seq, frame, frame->bytes, frame->ref };
    frame->references++;
    /* The socket first: a frame that the ring cannot keep is sent all the same. */
    if (desktop->websocket) (void)websocket_send_frame(desktop->websocket, frame->wire);
    ring_add(&desktop->ring, &limits, &entry, frame_release);
}

void desktop_send_answer(struct desktop *desktop, struct buf *members, uint64_t ref)
{
    struct frame *frame = frame_new(desktop->web, members);
    frame->ref = ref;
    desktop_send(desktop, frame);
    frame_release(frame);
}

void desktop_send_members(struct desktop *desktop, struct buf *members)
{
    desktop_send_answer(desktop, members, 0);
}

void desktop_send_control(struct desktop *desktop, struct text json)
{
    if (desktop->websocket) (void)websocket_send_text(desktop->websocket, json);
}

/* --- ending --------------------------------------------------------------------------------- */

static void set_away(struct desktop *desktop)
{
    struct web *web = desktop->web;
    if (desktop->websocket == NULL) return;
    desktop->websocket = NULL;
    desktop->away_since_mono_ms = loop_now_mono_ms(web->app->loop);
    list_add_last(&web->away, &desktop->away_node);
    web->connected_count--;
}

static void set_here(struct desktop *desktop, struct websocket *websocket)
{
    ASSERT(desktop->websocket == NULL);
    desktop->websocket = websocket;
    list_remove(&desktop->away_node);
    desktop->web->connected_count++;
}

void desktop_send_away(struct desktop *desktop, unsigned code, const char *why)
{
    struct websocket *websocket = desktop->websocket;
    if (websocket == NULL) return;
    set_away(desktop);
    websocket_close(websocket, code, text_of(why));
}

static void free_ring(void *self)
{
    struct desktop *desktop = self;
    ring_free(&desktop->ring, frame_release);
}

void desktop_end(struct desktop *desktop, unsigned code, const char *why)
{
    struct web *web = desktop->web;
    struct person *person = desktop->person;
    desktop_send_away(desktop, code, why);
    list_remove(&desktop->away_node);
    list_remove(&desktop->person_node);
    table_remove(web->desktops, text_of(desktop->id));
    slot_remove(web->desktop_ids, desktop->slot);
    desktop_forget_asked(desktop);
    person->desktop_count--;
    scope_close(desktop->life);
    presence_changed(web, person);
    person_check_gone(web, person);
}

static void on_socket_message(void *self, struct websocket *websocket, struct text message)
{
    (void)websocket;
    desktop_on_message(self, message);
}

static void on_socket_close(void *self, struct websocket *websocket, unsigned code,
                            struct text reason)
{
    struct desktop *desktop = self;
    (void)websocket, (void)reason;
    LOG_WEB_DESKTOP_AWAY(&desktop->web->app->log, desktop->person->employee_id.at, code);
    set_away(desktop);
}

const struct websocket_handler desktop_sockets = { on_socket_message, on_socket_close };

/* --- opening -------------------------------------------------------------------------------- */

static void put_welcome(struct desktop *desktop, bool is_resumed)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_name(&json, TEXT("message"));
    json_put_text(&json, TEXT("Welcome"));
    json_put_name(&json, TEXT("fields"));
    json_begin_object(&json);
    json_put_name(&json, TEXT("session"));
    json_put_text(&json, text_of(desktop->id));
    json_put_name(&json, TEXT("seq"));
    json_put_u64(&json, desktop->ring.last_seq);
    json_put_name(&json, TEXT("resumed"));
    json_put_bool(&json, is_resumed);
    json_put_name(&json, TEXT("person"));
    person_put(&json, desktop->person);
    json_put_name(&json, TEXT("applications"));
    applications_put(&json, desktop->web, desktop->person);
    json_end_object(&json);
    json_end_object(&json);
    desktop_send_control(desktop, buf_text(&out));
    buf_free(&out);
}

static void send_missed(struct desktop *desktop, uint64_t seq)
{
    const struct ring_entry *entry;
    for (uint32_t at = 0; (entry = ring_after(&desktop->ring, seq, &at)) != NULL;)
        if (websocket_send_frame(desktop->websocket, entry->frame->wire)) return;
}

static struct desktop *make(struct web *web, struct session *session, struct text id)
{
    struct scope *life = scope_new(web->app->life, "desktop", SCOPE_NO_LIMIT);
    struct desktop *desktop = scope_alloc(life, sizeof *desktop);
    struct person *person = session->person;
    *desktop = (struct desktop){ .life = life, .web = web, .person = person, .session = session };
    list_init(&desktop->asked);
    scope_on_close(life, free_ring, desktop);
    if (id.len == DESKTOP_ID_CHARS)
        memcpy(desktop->id, id.at, DESKTOP_ID_CHARS);
    else
        desktop_id_new(web->desktop_key, person->dbid, desktop->id);
    ring_begin(&desktop->ring, web->seq);
    desktop->slot = slot_add(web->desktop_ids, desktop);
    table_put(web->desktops, text_of(desktop->id), desktop);
    list_add_last(&person->desktops, &desktop->person_node);
    person->desktop_count++;
    presence_changed(web, person);
    return desktop;
}

/* What the client brings along: "session=ID&seq=N". */
struct resume {
    struct text id; /* empty: nothing to resume */
    uint64_t seq;
};

static bool read_resume(const struct web *web, const struct http_request *request,
                        struct scope *scope, const struct session *session, struct resume *out)
{
    struct text id, seq;
    *out = (struct resume){ 0 };
    if (url_parameter(request->query, TEXT("session"), scope, &id)) return true;
    if (!url_parameter(request->query, TEXT("seq"), scope, &seq) &&
        text_to_u64(seq, 0, INT64_MAX, &out->seq))
        return false;
    if (desktop_id_is_of(web->desktop_key, session->person->dbid, id)) out->id = id;
    return true;
}

/* --- limits --- */

static void refuse(struct port *port, struct http_exchange *exchange, unsigned status,
                   const char *code, const char *words, uint64_t retry_after_ms)
{
    struct api_error error = {
        .status = status, .code = code, .text = text_of(words), .retry_after_ms = retry_after_ms
    };
    if (retry_after_ms) port->web->counters.web_desktops_refused_total++;
    door_refuse(port, exchange, &error);
}

/* The longest away of the person ends. */
static bool make_room_of_person(struct web *web, const struct person *person)
{
    if (person->desktop_count < options_of(web)->desktops_per_person) return true;
    struct desktop *longest = NULL;
    LIST_EACH (node, &person->desktops) {
        struct desktop *desktop = LIST_OBJECT(node, struct desktop, person_node);
        if (desktop->websocket) continue;
        if (!longest || desktop->away_since_mono_ms < longest->away_since_mono_ms)
            longest = desktop;
    }
    if (longest == NULL) return false;
    desktop_end(longest, CLOSE_TAKEN_OVER, "another desktop of the person");
    return true;
}

static bool make_room_of_all(struct web *web)
{
    if (table_count(web->desktops) < options_of(web)->max_desktops) return true;
    struct list *longest = list_first(&web->away);
    if (longest == NULL) return false;
    desktop_end(LIST_OBJECT(longest, struct desktop, away_node), CLOSE_TAKEN_OVER, "no room");
    return true;
}

/* 0: one more may come in. Else after how long it should ask again: the more were sent away, the
 * longer, so that they come back one after the other. */
static uint64_t storm_ms(struct web *web)
{
    uint32_t count = options_of(web)->desktops_per_second;
    struct bucket_rate rate = { count, 2 * count, 1000 };
    uint64_t now_mono_ms = loop_now_mono_ms(web->app->loop);
    if (bucket_take(&web->connects, &rate, now_mono_ms) == 0) {
        if (web->sent_away) web->sent_away--;
        return 0;
    }
    if (now_mono_ms > web->sent_away_until_mono_ms) web->sent_away = 0;
    web->sent_away_until_mono_ms = now_mono_ms + STORM_ENDS_MS;
    web->sent_away++;
    return RETRY_MS + web->sent_away * UINT64_C(1000) / count / 2;
}

/* Before the door that all share: nobody holds it shut for the others. */
static uint64_t haste_ms(struct web *web, struct person *person)
{
    uint32_t own = options_of(web)->desktops_per_person;
    uint32_t tenth = options_of(web)->desktops_per_second / 10;
    uint32_t count = own > tenth ? own : tenth;
    struct bucket_rate rate = { count, 2 * count, 1000 };
    return bucket_take(&person->connects, &rate, loop_now_mono_ms(web->app->loop));
}

/* False: answered. */
static bool is_admitted(struct port *port, struct http_exchange *exchange, struct person *person)
{
    struct web *web = port->web;
    if (web->is_stopping || web->is_suspended || !web->is_running) {
        refuse(port, exchange, 503, "Unavailable", "web is starting or stopping", RETRY_MS);
        return false;
    }
    uint64_t wait_ms = haste_ms(web, person);
    if (wait_ms) {
        refuse(port, exchange, 429, "TooManyRequests", "this person connects too often", RETRY_MS);
        return false;
    }
    wait_ms = storm_ms(web);
    if (wait_ms == 0) return true;
    refuse(port, exchange, 503, "Unavailable", "too many desktops connect at once", wait_ms);
    return false;
}

/* --- the two ways in --- */

static void come_back(struct desktop *desktop, struct http_exchange *exchange,
                      struct session *session, uint64_t seq)
{
    struct web *web = desktop->web;
    struct websocket *websocket = websocket_accept(web->sockets, exchange, TEXT(""), NULL, desktop);
    if (websocket == NULL) return;
    desktop_send_away(desktop, CLOSE_TAKEN_OVER, "resumed by another connection");
    desktop->session = session;
    set_here(desktop, websocket);
    bool is_whole = ring_can_resume(&desktop->ring, seq);
    LOG_WEB_DESKTOP_OPEN(&web->app->log, desktop->person->employee_id.at, session->address.at,
                         is_whole ? "resumed" : "resumed, frames are missing");
    web->counters.web_desktops_opened_total++;
    put_welcome(desktop, is_whole);
    if (is_whole) {
        web->counters.web_desktops_resumed_total++;
        send_missed(desktop, seq);
        ring_acknowledge(&desktop->ring, seq, frame_release);
    } else {
        web->counters.web_desktops_missed_total++;
        ring_acknowledge(&desktop->ring, desktop->ring.last_seq, frame_release);
        snapshots_need(desktop);
    }
}

static void come_new(struct port *port, struct http_exchange *exchange, struct session *session,
                     struct text id)
{
    struct web *web = port->web;
    struct person *person = session->person;
    char kept_id[DESKTOP_ID_CHARS + 1] = "";
    if (!make_room_of_all(web)) {
        refuse(port, exchange, 503, "Unavailable", "all desktops are taken", RETRY_MS);
        return;
    }
    if (!make_room_of_person(web, person)) {
        refuse(port, exchange, 429, "TooManyRequests", "this person has too many desktops",
               RETRY_MS);
        return;
    }
    if (id.len) memcpy(kept_id, id.at, DESKTOP_ID_CHARS); /* the exchange's memory ends */
    struct websocket *websocket = websocket_accept(web->sockets, exchange, TEXT(""), NULL, NULL);
    if (websocket == NULL) return;
    struct desktop *desktop = make(web, session, text_of(kept_id));
    websocket_set_self(websocket, desktop);
    set_here(desktop, websocket);
    LOG_WEB_DESKTOP_OPEN(&web->app->log, person->employee_id.at, session->address.at,
                         id.len ? "resumed, frames are missing" : "new");
    web->counters.web_desktops_opened_total++;
    put_welcome(desktop, false);
    if (kept_id[0] == 0) return;
    web->counters.web_desktops_missed_total++;
    snapshots_need(desktop);
}

void desktop_open(struct port *port, struct http_exchange *exchange, struct session *session)
{
    struct web *web = port->web;
    struct resume resume;
    struct scope *scope = http_exchange_scope(exchange);
    if (!is_admitted(port, exchange, session->person)) return;
    if (!read_resume(web, http_exchange_request(exchange), scope, session, &resume)) {
        struct api_error error = { .status = 400,
                                   .code = "BadRequest",
                                   .text = TEXT("seq: must be a whole number"),
                                   .field = TEXT("seq") };
        door_refuse(port, exchange, &error);
        return;
    }
    struct desktop *desktop = resume.id.len ? table_get(web->desktops, resume.id) : NULL;
    if (desktop)
        come_back(desktop, exchange, session, resume.seq);
    else
        come_new(port, exchange, session, resume.id);
}

/* --- time and stop -------------------------------------------------------------------------- */

void desktops_sweep(struct web *web)
{
    uint64_t now_mono_ms = loop_now_mono_ms(web->app->loop);
    uint64_t kept_ms = options_of(web)->resume_time * UINT64_C(1000);
    struct list *node;
    while ((node = list_first(&web->away)) != NULL) {
        struct desktop *desktop = LIST_OBJECT(node, struct desktop, away_node);
        if (desktop->away_since_mono_ms + kept_ms > now_mono_ms) return;
        desktop_end(desktop, WEBSOCKET_GOING_AWAY, "it did not come back");
    }
}

void desktops_stop(struct web *web)
{
    struct desktop *desktop;
    for (size_t at = 0; (desktop = table_next(web->desktops, &at)) != NULL;) set_away(desktop);
    websocket_server_close(web->sockets);
}
