/* SPDX-License-Identifier: Apache-2.0 */
/* seat_book.h - which agents sit on the seats of a licence (framework 13: agents above
 * num-of-licenses are a licensing violation).
 * Rule     a seat is taken by the agent's first request for work, as long as one is left, and is
 *          hers until she is let go. When there are fewer seats than sitters, the last to come are
 *          above: they get no new work, finish what they have, and are let go then.
 * Let go   who has no work in hand and has left, is above, works for a group that is not loaded any
 *          more, or has no desktop and was not heard of for SEAT_IDLE_MS.
 * Cost     to ask and to take is one look-up; to look through is one pass.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_SEAT_BOOK_H
#define SERVERS_OUTBOUND_SEAT_BOOK_H

#include "base/scope.h"

enum { SEAT_IDLE_MS = 5 * 60 * 1000, SEATS_MAX = 200000 };
#define SEATS_NO_LIMIT UINT32_MAX

struct seat_book;

struct seat_book *seat_book_new(struct scope *owner);
void seat_book_set_limit(struct seat_book *book, uint32_t limit);

/* Whether a request of hers would find a seat. */
bool seat_book_has_room(const struct seat_book *book, struct text agent_id);
/* False: there is none for her. `group_dbid`: for which she works now. */
bool seat_book_take(struct seat_book *book, struct text agent_id, uint32_t group_dbid,
                    uint64_t now_mono_ms);
/* Logged out, or her desktop is gone. */
void seat_book_leave(struct seat_book *book, struct text agent_id);

/* A look through: begin, then each chain with an agent, then end. Work in hand has a seat, also
 * where none is left: an agent of before a restart. */
void seat_book_begin_look(struct seat_book *book);
void seat_book_note_work(struct seat_book *book, struct text agent_id, uint32_t group_dbid,
                         uint64_t now_mono_ms);
struct seat_presence {
    bool (*has_desktop)(void *self, struct text agent_id);
    bool (*is_loaded)(void *self, uint32_t group_dbid);
    void *self;
};
void seat_book_end_look(struct seat_book *book, const struct seat_presence *presence,
                        uint64_t now_mono_ms);

struct seat_figures {
    uint32_t limit, used, most; /* most: at once, ever */
};
struct seat_figures seat_book_figures(const struct seat_book *book);

#endif
