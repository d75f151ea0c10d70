/* SPDX-License-Identifier: Apache-2.0 */
/* A link's life: bytes become frames, frames reach who takes them, and an end, whoever caused it,
 * is carried out once, at the end of the turn. */
#include "io/link/private.h"

#include "gen/events.h"

#include <string.h>

static void end_link(void *self);
static void on_timer(void *self);
static void on_keep_alive_timer(void *self);

/* --- birth ---------------------------------------------------------------------------------- */

static void use_defaults(struct link_options *options)
{
    if (options->requests_max == 0) options->requests_max = LINK_REQUESTS;
    if (options->send_queue_bytes_max == 0) options->send_queue_bytes_max = LINK_SEND_QUEUE_BYTES;
    if (options->links_max == 0) options->links_max = LINK_LINKS;
    if (options->reconnect_ms == 0) options->reconnect_ms = LINK_BACK_OFF_LAST_MS;
}

void hub_set_options(struct link_hub *hub, const struct link_options *options)
{
    hub->options = options ? *options : (struct link_options){ 0 };
    use_defaults(&hub->options);
}

static void forget_hub(void *self)
{
    struct link_hub *hub = self;
    chore_cancel(&hub->answered_chore);
}

void hub_init(struct link_hub *hub, struct scope *life, struct net *net, const struct log *log,
              const struct link_identity *identity, const struct link_options *options,
              const struct link_handler *handlers, const struct link_life *hooks)
{
    *hub = (struct link_hub){
        .life = life,
        .net = net,
        .loop = net_loop(net),
        .log = log ? *log : (struct log){ 0 },
        .handlers = handlers,
        .hooks = hooks ? *hooks : (struct link_life){ 0 },
        .identity = { .application = scope_keep(life, identity->application),
                      .role = scope_keep(life, identity->role),
                      .build = scope_keep(life, identity->build),
                      .user = scope_keep(life, identity->user),
                      .secret = scope_keep(life, identity->secret),
                      .own_key = scope_keep(life, identity->own_key),
                      .secret_is_master = identity->secret_is_master },
    };
    hub_set_options(hub, options);
    list_init(&hub->answered);
    hub->answered_chore = (struct chore){ .run = requests_close_answered, .self = hub };
    scope_on_close(life, forget_hub, hub);
}

/* The scope closes, by us or by the owner: nobody is called. */
static void forget_link(void *self)
{
    struct link *link = self;
    for (struct link_watch *watch = link->watch; watch; watch = watch->outer) watch->is_gone = true;
    chore_cancel(&link->end_chore);
    chore_cancel(&link->asks_ended_chore);
    requests_forget_link(link);
    list_remove(&link->in_server);
    if (link->was_up) link->hub->counters.links_up--;
    buf_free(&link->in);
    buf_free(&link->out);
    buf_free(&link->address);
    explicit_bzero(link->key, sizeof link->key);
}

struct link *link_new(struct link_hub *hub, struct link_server *server, void *self)
{
    struct scope *life = scope_new(hub->life, "link", SCOPE_NO_LIMIT);
    struct link *link = scope_alloc(life, sizeof *link);
    link->life = life;
    link->hub = hub;
    link->server = server;
    link->self = self;
    link->next_ref = server ? 2 : 1;
    link->end_chore = (struct chore){ .run = end_link, .self = link };
    link->timer = timer_new(life, hub->loop, on_timer, link);
    link->keep_alive_timer = timer_new(life, hub->loop, on_keep_alive_timer, link);
    link->scratch = scope_new(life, "link scratch", SCOPE_NO_LIMIT);
    list_init(&link->requests);
    asks_init(link);
    scope_on_close(life, forget_link, link);
    return link;
}

void link_begin(struct link *link)
{
    link->opening_bytes = 0;
    link->our_hello = link->peer_hello = (struct text){ 0 };
    link->peer = link->peer_role = link->peer_user = (struct text){ 0 };
    link->state = LINK_GREETING;
    timer_start(link->timer, LINK_OPENING_MS);
    if (link->server == NULL) opening_send_hello(link);
}

void link_watch_begin(struct link *link, struct link_watch *watch)
{
    *watch = (struct link_watch){ .outer = link->watch };
    link->watch = watch;
}

bool link_watch_end(struct link *link, const struct link_watch *watch)
{
    if (watch->is_gone) return false;
    link->watch = watch->outer;
    return true;
}

/* --- words for the log ---------------------------------------------------------------------- */

const char *link_peer_name_z(const struct link *link)
{
    if (link->peer.len > 0) return scope_keep_z(link->scratch, link->peer);
    if (link->expected_peer.len > 0) return scope_keep_z(link->scratch, link->expected_peer);
    return "an unknown peer";
}

const char *link_address_z(const struct link *link)
{
    return scope_keep_z(link->scratch, link_peer_address(link));
}

/* "127.0.0.1:2020" in two; a Unix socket has its path for a port. */
static void split_address(const struct link *link, const char **host, const char **port)
{
    struct text address = link_peer_address(link);
    size_t colon = address.len;
    while (colon > 0 && address.at[colon - 1] != ':') colon--;
    bool is_unix = text_starts(address, TEXT("unix"));
    if (is_unix) colon = sizeof "unix:" - 1;
    *host = is_unix ? "localhost"
                    : scope_keep_z(link->scratch, text_slice(address, 0, colon ? colon - 1 : 0));
    *port = scope_keep_z(link->scratch, text_slice(address, colon, address.len));
}

/* The connecting end reports; a listener only what it found out by itself, since most of its peers
 * come and go as they please. */
static void log_up(const struct link *link)
{
    const char *host, *port;
    split_address(link, &host, &port);
    if (link->server == NULL)
        LOG_CONNECTED(&link->hub->log, "application", link_peer_name_z(link), host, port);
    else
        log_debug(&link->hub->log, "link with %s at %s:%s is up", link_peer_name_z(link), host,
                  port);
}

static void log_down(const struct link *link, bool was_up)
{
    const char *host, *port;
    split_address(link, &host, &port);
    const char *why = err_words(link->why);
    if (was_up && (link->server == NULL || link->why == ERR_TIMEOUT))
        LOG_CONNECTION_LOST(&link->hub->log, "application", link_peer_name_z(link), host, port,
                            why);
    else
        log_debug(&link->hub->log, "link with %s at %s:%s ended: %s", link_peer_name_z(link), host,
                  port, why);
}

/* --- the end -------------------------------------------------------------------------------- */

void link_fail(struct link *link, enum err why)
{
    if (link->state == LINK_ENDING || link->state == LINK_CLOSED || link->state == LINK_RESTING)
        return;
    link->state = LINK_ENDING;
    link->why = why;
    timer_stop(link->timer);
    timer_stop(link->keep_alive_timer);
    if (link->stream) stream_close(link->stream);
    chore_soon(link->hub->loop, &link->end_chore);
}

static void close_connection(struct link *link)
{
    scope_close(link->connection);
    link->connection = NULL;
    link->stream = NULL;
    link->peer = link->peer_role = link->peer_user = (struct text){ 0 };
    buf_free(&link->in);
    buf_free(&link->out);
}

static void end_link(void *self)
{
    struct link *link = self;
    bool was_up = link->was_up, is_told = was_up && link->state != LINK_CLOSED;
    struct link_watch watch;
    link_watch_begin(link, &watch);
    log_down(link, was_up);
    if (was_up) link->hub->counters.links_up--;
    link->was_up = false;
    requests_forget_link(link);
    asks_fail_now(link, ERR_CLOSED);
    if (!watch.is_gone && is_told && link->hub->hooks.on_down)
        link->hub->hooks.on_down(link->self, link, link->why);
    if (!watch.is_gone) asks_fail_now(link, ERR_CLOSED); /* what was asked meanwhile */
    if (!link_watch_end(link, &watch)) return;
    close_connection(link);
    scope_reset(link->scratch);
    if (link->server)
        scope_close(link->life);
    else if (link->state == LINK_CLOSED) /* perhaps by on_down */
        scope_close(link->hub->life);
    else
        connect_rest(link);
}

void link_close(struct link *link)
{
    if (link->state == LINK_CLOSED) return;
    link->state = LINK_CLOSED;
    link->why = ERR_CANCELLED;
    timer_stop(link->timer);
    timer_stop(link->keep_alive_timer);
    if (link->stream) stream_close(link->stream);
    chore_soon(link->hub->loop, &link->end_chore);
}

static void on_timer(void *self)
{
    struct link *link = self;
    if (link->state == LINK_RESTING)
        connect_now(link);
    else if (link->state == LINK_REFUSING)
        link_fail(link, link->why);
    else if (link->state != LINK_UP)
        link_fail(link, ERR_TIMEOUT);
}

void link_on_drained(void *self)
{
    struct link *link = self;
    if (link->state == LINK_REFUSING) link_fail(link, link->why);
}

void link_on_stream_closed(void *self, enum err why)
{
    struct link *link = self;
    link_fail(link, link->state == LINK_REFUSING ? link->why : why);
}

/* --- keep-alive ----------------------------------------------------------------------------- */

static void trace_keep_alive(const struct link *link, const char *what)
{
    if (!link->is_traced) return;
    uint64_t silence = loop_now_mono_ms(link->hub->loop) - link->keep_alive.heard_ms;
    LOG_KEEP_ALIVE_TRACE(&link->hub->log, what, link_peer_name_z(link),
                         (unsigned long long)silence);
}

static void arm_keep_alive(struct link *link)
{
    uint64_t due_ms = keep_alive_due_ms(&link->keep_alive);
    if (due_ms != UINT64_MAX) timer_start_at(link->keep_alive_timer, due_ms);
}

static void send_poll(struct link *link)
{
    struct link_poll poll = { .head.has = LINK_POLL_HAS_NUMBER, .number = ++link->polls };
    trace_keep_alive(link, "poll sent");
    (void)link_write_frame(link, &MSG_LINK_POLL, 0, NULL, &poll);
}

static void on_keep_alive_timer(void *self)
{
    struct link *link = self;
    if (link->state != LINK_UP) return;
    switch (keep_alive_look(&link->keep_alive, loop_now_mono_ms(link->hub->loop))) {
    case KEEP_ALIVE_QUIET: break;
    case KEEP_ALIVE_POLL: send_poll(link); break;
    case KEEP_ALIVE_LOST:
        trace_keep_alive(link, "no answer, connection lost");
        link->hub->counters.keep_alive_losses++;
        link_fail(link, ERR_TIMEOUT);
        return;
    }
    arm_keep_alive(link);
}

static void on_poll(struct link *link)
{
    trace_keep_alive(link, "poll received");
    struct link_poll_answer answer = { .head.has = LINK_POLL_ANSWER_HAS_NUMBER };
    (void)link_write_frame(link, &MSG_LINK_POLL_ANSWER, 0, NULL, &answer);
}

/* --- proven --------------------------------------------------------------------------------- */

void link_now_up(struct link *link)
{
    link->state = LINK_UP;
    link->was_up = true;
    link->back_off_ms = 0;
    link->hub->counters.links_up++;
    timer_stop(link->timer);
    keep_alive_start(&link->keep_alive, link->keep_alive.timeout_ms,
                     loop_now_mono_ms(link->hub->loop));
    arm_keep_alive(link);
    log_up(link);
    if (link->hub->hooks.on_up) link->hub->hooks.on_up(link->self, link);
}

/* --- frames --------------------------------------------------------------------------------- */

enum err link_write_frame(struct link *link, const struct msg *msg, uint64_t ref,
                          const struct link_header *header, const void *fields)
{
    struct link_hub *hub = link->hub;
    buf_clear(&link->out);
    frame_encode(&link->out, msg, ref, header, fields);
    bool is_short = link->out.len <= FRAME_PREFIX_BYTES + FRAME_BYTES_MAX;
    if (is_short) {
        hub->counters.frames_out++;
        hub->counters.bytes_out += link->out.len;
        stream_write(link->stream, buf_text(&link->out));
    }
    if (link->out.room > LINK_BYTES_KEPT) buf_free(&link->out);
    if (!is_short) return ERR_LIMIT;
    if (stream_unsent(link->stream) > hub->options.send_queue_bytes_max) {
        hub->counters.overflows++;
        LOG_LINK_BROKEN(&hub->log, link_peer_name_z(link), link_address_z(link),
                        "it does not read what is sent");
        link_fail(link, ERR_FULL);
    }
    return ERR_OK;
}

static void break_off(struct link *link, const char *words)
{
    link->hub->counters.malformed_frames++;
    LOG_LINK_BROKEN(&link->hub->log, link_peer_name_z(link), link_address_z(link), words);
    link_fail(link, ERR_INVALID);
}

static void on_frame(struct link *link, struct text body)
{
    struct frame frame;
    if (frame_parse(body, &frame)) {
        break_off(link, "a frame is malformed");
        return;
    }
    link->hub->counters.frames_in++;
    if (link->state != LINK_UP)
        opening_on_frame(link, &frame, body);
    else if (frame.number == MSG_LINK_POLL.number)
        on_poll(link);
    else if (frame.number == MSG_LINK_POLL_ANSWER.number)
        trace_keep_alive(link, "answer received");
    else if (frame.ref == 0)
        event_on_frame(link, &frame);
    else if (frame.ref % 2 == link->next_ref % 2)
        asks_on_reply(link, &frame);
    else
        request_on_frame(link, &frame);
}

static bool is_reading(const struct link *link)
{
    return link->state == LINK_GREETING || link->state == LINK_PROVING || link->state == LINK_UP;
}

/* A peer that proved nothing may send LINK_OPENING_BYTES_MAX in all. */
static uint32_t frame_limit(const struct link *link)
{
    if (link->state == LINK_UP) return FRAME_BYTES_MAX;
    return (uint32_t)(LINK_OPENING_BYTES_MAX - link->opening_bytes);
}

/* Takes whole frames off the front; returns how much was used, or leaves the link gone. */
static size_t take_frames(struct link *link, struct text bytes, const struct link_watch *watch)
{
    size_t used = 0;
    while (bytes.len - used >= FRAME_PREFIX_BYTES && is_reading(link)) {
        struct text rest = text_slice(bytes, used, bytes.len);
        uint32_t len = frame_length(rest);
        if (len > frame_limit(link)) {
            break_off(link, "a frame is too long");
            break;
        }
        if (rest.len - FRAME_PREFIX_BYTES < len) break;
        if (link->state != LINK_UP) link->opening_bytes += len;
        used += FRAME_PREFIX_BYTES + len;
        on_frame(link, text_slice(rest, FRAME_PREFIX_BYTES, len));
        if (watch->is_gone) break;
    }
    return used;
}

void link_on_bytes(void *self, struct text bytes)
{
    struct link *link = self;
    struct link_watch watch;
    link_watch_begin(link, &watch);
    link->hub->counters.bytes_in += bytes.len;
    if (link->state == LINK_UP)
        keep_alive_heard(&link->keep_alive, loop_now_mono_ms(link->hub->loop));
    bool is_direct = link->in.len == 0; /* whole frames need no copy */
    if (!is_direct) buf_add(&link->in, bytes);
    struct text input = is_direct ? bytes : buf_text(&link->in);
    size_t used = take_frames(link, input, &watch);
    if (!link_watch_end(link, &watch)) return;
    if (!is_reading(link)) used = input.len;
    if (is_direct)
        buf_add(&link->in, text_slice(bytes, used, bytes.len));
    else
        buf_drop_front(&link->in, used);
    if (link->in.len == 0 && link->in.room > LINK_BYTES_KEPT) buf_free(&link->in);
    scope_reset(link->scratch);
}

/* --- small questions ------------------------------------------------------------------------ */

void link_send(struct link *link, const struct msg *msg, const void *fields)
{
    ASSERT(msg->reply == NULL);
    if (link->state != LINK_UP || !link_write_frame(link, msg, 0, NULL, fields)) return;
    /* An event may not be missed in silence: the peer has to ask anew. */
    LOG_LINK_BROKEN(&link->hub->log, link_peer_name_z(link), link_address_z(link),
                    "an event is longer than a frame");
    link_fail(link, ERR_LIMIT);
}

bool link_is_up(const struct link *link)
{
    return link->state == LINK_UP;
}

struct text link_peer(const struct link *link)
{
    return link->peer;
}

struct text link_peer_user(const struct link *link)
{
    return link->peer_user;
}

struct text link_peer_role(const struct link *link)
{
    return link->peer_role;
}

struct text link_peer_address(const struct link *link)
{
    return buf_text(&link->address);
}

const struct link_counters *link_counters(const struct link *link)
{
    return &link->hub->counters;
}
