/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/seat_keeper.h"

#include "app/licence.h"
#include "gen/events.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/seat_book.h"

#include <stdio.h>

enum { LOOK_MS = 60 * 1000, LOOK_SOON_MS = 1000, WORDS_MAX = 160 };

struct seat_keeper {
    struct outbound *server;
    struct seat_book *book;
    struct licence *licence;
    struct timer *timer;
    struct buf file; /* license-file as it was told of last */
    bool is_violated, is_soon;
    char words[WORDS_MAX];
};

/* --- violation ------------------------------------------------------------------------------ */

static void violate(struct seat_keeper *keeper, struct text agent_id)
{
    if (keeper->is_violated) return;
    keeper->is_violated = true;
    struct scope *scratch = scope_new(keeper->server->app->life, "words", SCOPE_NO_LIMIT);
    struct text words = scope_format(
        scratch, "Licensing violation: agent %.*s finds no seat, the %u of %s are taken",
        TEXT_ARG(agent_id), seat_book_figures(keeper->book).limit, SEAT_FEATURE);
    licence_violation(keeper->licence, words.at);
    scope_close(scratch);
}

static void note_figures(struct seat_keeper *keeper)
{
    struct seat_figures figures = seat_book_figures(keeper->book);
    licence_use(keeper->licence, figures.used);
    if (!keeper->is_violated || figures.used >= figures.limit) return;
    keeper->is_violated = false;
    licence_violation(keeper->licence, NULL);
}

/* --- looking through ------------------------------------------------------------------------ */

static bool has_desktop(void *self, struct text agent_id)
{
    return desktop_is_present(self, agent_id);
}

static bool is_loaded(void *self, uint32_t group_dbid)
{
    const struct outbound *server = self;
    const struct session *session = table_get(server->sessions, TEXT_OF(&group_dbid));
    return session && session->fsm.state != SESSION_NULL;
}

static void note_work(struct seat_keeper *keeper, uint64_t now_mono_ms)
{
    struct session *session;
    for (size_t at = 0; (session = table_next(keeper->server->sessions, &at)) != NULL;)
        LIST_EACH (node, &session->in_progress)
            seat_book_note_work(keeper->book,
                                LIST_OBJECT(node, struct live_chain, node)->chain.agent_id,
                                session->dbid, now_mono_ms);
}

static void look(void *self)
{
    struct seat_keeper *keeper = self;
    struct outbound *server = keeper->server;
    uint64_t now_mono_ms = loop_now_mono_ms(server->app->loop);
    struct seat_presence presence = { has_desktop, is_loaded, server };
    keeper->is_soon = false;
    timer_start(keeper->timer, LOOK_MS);
    seat_book_begin_look(keeper->book);
    note_work(keeper, now_mono_ms);
    seat_book_end_look(keeper->book, &presence, now_mono_ms);
    note_figures(keeper);
}

void seat_keeper_serve(struct outbound *server)
{
    look(server->seats);
}

void seat_keeper_look_soon(struct outbound *server)
{
    struct seat_keeper *keeper = server->seats;
    if (keeper->is_soon) return;
    keeper->is_soon = true;
    timer_start(keeper->timer, LOOK_SOON_MS);
}

/* --- asking --------------------------------------------------------------------------------- */

bool seat_keeper_has_room(const struct outbound *server, struct text agent_id)
{
    return seat_book_has_room(server->seats->book, agent_id);
}

bool seat_keeper_take(struct outbound *server, struct text agent_id, uint32_t group_dbid)
{
    struct seat_keeper *keeper = server->seats;
    if (seat_book_take(keeper->book, agent_id, group_dbid, loop_now_mono_ms(server->app->loop))) {
        licence_use(keeper->licence, seat_book_figures(keeper->book).used);
        return true;
    }
    server->counters.seats_refused_total++;
    violate(keeper, agent_id);
    seat_keeper_look_soon(server); /* somebody may have left */
    return false;
}

const char *seat_keeper_words(const struct outbound *server)
{
    struct seat_keeper *keeper = server->seats;
    (void)snprintf(keeper->words, sizeof keeper->words,
                   "num-of-licenses: of %u seats of %s none is free for this agent",
                   seat_book_figures(keeper->book).limit, SEAT_FEATURE);
    return keeper->words;
}

void seat_keeper_leave(struct outbound *server, struct text agent_id)
{
    seat_book_leave(server->seats->book, agent_id);
    seat_keeper_look_soon(server);
}

/* --- the licence ---------------------------------------------------------------------------- */

static void on_seats(void *self, uint32_t seats)
{
    struct seat_keeper *keeper = self;
    seat_book_set_limit(keeper->book, seats);
    char count[16] = "no limit of";
    if (seats != LICENCE_MAX) (void)snprintf(count, sizeof count, "%u", seats);
    LOG_SEATS_GRANTED(&keeper->server->app->log, count, SEAT_FEATURE,
                      seat_book_figures(keeper->book).used);
    note_figures(keeper);
}

/* A licence server is not asked; it is named in what was configured for others. */
static void tell_file(struct seat_keeper *keeper, struct text file)
{
    if (text_eq(file, buf_text(&keeper->file))) return;
    buf_clear(&keeper->file);
    buf_add(&keeper->file, file);
    if (text_find(file, '@', 0) == SIZE_MAX) return;
    struct scope *scratch = scope_new(keeper->server->app->life, "words", SCOPE_NO_LIMIT);
    LOG_SEATS_LICENCE_SERVER(&keeper->server->app->log, scope_keep_z(scratch, file));
    scope_close(scratch);
}

void seat_keeper_configure(struct outbound *server)
{
    const struct outbound_options *options = server->app->options;
    tell_file(server->seats, options->license_license_file);
    licence_want(server->seats->licence, options->license_num_of_licenses);
}

void seat_keeper_stop(struct outbound *server)
{
    timer_stop(server->seats->timer);
    licence_return(server->seats->licence);
}

static void forget(void *self)
{
    buf_free(&((struct seat_keeper *)self)->file);
}

struct seat_keeper *seat_keeper_new(struct outbound *server)
{
    struct app *app = server->app;
    const struct outbound_options *options = app->options;
    struct seat_keeper *keeper = scope_alloc(app->life, sizeof *keeper);
    *keeper = (struct seat_keeper){ .server = server, .book = seat_book_new(app->life) };
    scope_on_close(app->life, forget, keeper);
    keeper->timer = timer_new(app->life, app->loop, look, keeper);
    keeper->licence = licence_open(app->life, app, TEXT(SEAT_FEATURE),
                                   options->license_num_of_licenses, on_seats, keeper);
    seat_book_set_limit(keeper->book, licence_seats(keeper->licence));
    tell_file(keeper, options->license_license_file);
    timer_start(keeper->timer, LOOK_MS);
    return keeper;
}

void seat_keeper_count(const struct outbound *server, struct outbound_counters *out)
{
    struct seat_figures figures = seat_book_figures(server->seats->book);
    out->seats_used = figures.used;
    out->seats_used_most = figures.most;
    out->seats_granted = figures.limit;
}
