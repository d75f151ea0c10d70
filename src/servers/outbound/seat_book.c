/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/seat_book.h"

#include "base/list.h"
#include "base/table.h"

struct seat {
    struct list node;
    struct scope *life;
    struct text agent_id;
    uint64_t number; /* in the order of coming */
    uint32_t group_dbid;
    uint64_t heard_mono_ms;
    bool has_left, has_work;
};

struct seat_book {
    struct scope *life;
    struct table *by_agent;
    struct list seats; /* in the order of coming */
    uint32_t limit, used, most;
    uint64_t last_number;
    const struct seat *first_above; /* it and those after it are above; NULL: nobody is */
};

struct seat_book *seat_book_new(struct scope *owner)
{
    struct scope *life = scope_new(owner, "seats", SCOPE_NO_LIMIT);
    struct seat_book *book = scope_alloc(life, sizeof *book);
    *book =
        (struct seat_book){ .life = life, .by_agent = table_new(life), .limit = SEATS_NO_LIMIT };
    list_init(&book->seats);
    return book;
}

/* --- who is above --------------------------------------------------------------------------- */

static const struct seat *after(const struct seat_book *book, const struct seat *seat)
{
    const struct list *next = seat->node.next;
    return next == &book->seats ? NULL : LIST_OBJECT(next, struct seat, node);
}

static bool is_above(const struct seat_book *book, const struct seat *seat)
{
    return book->first_above && seat->number >= book->first_above->number;
}

void seat_book_set_limit(struct seat_book *book, uint32_t limit)
{
    uint32_t place = 0;
    book->limit = limit;
    book->first_above = NULL;
    if (book->used <= limit) return;
    LIST_EACH (node, &book->seats) {
        if (place++ < limit) continue;
        book->first_above = LIST_OBJECT(node, struct seat, node);
        return;
    }
}

/* --- coming and going ----------------------------------------------------------------------- */

static struct seat *add(struct seat_book *book, struct text agent_id)
{
    struct scope *life = scope_new(book->life, "seat", SCOPE_NO_LIMIT);
    struct seat *seat = scope_alloc(life, sizeof *seat);
    seat->life = life;
    seat->agent_id = scope_keep(life, agent_id);
    seat->number = ++book->last_number;
    list_add_last(&book->seats, &seat->node);
    table_put(book->by_agent, seat->agent_id, seat);
    book->used++;
    if (book->used > book->most) book->most = book->used;
    if (book->used > book->limit && book->first_above == NULL) book->first_above = seat;
    return seat;
}

/* The first who is above gets the seat of who was not. */
static void let_go(struct seat_book *book, struct seat *seat)
{
    if (book->first_above && (!is_above(book, seat) || seat == book->first_above))
        book->first_above = after(book, book->first_above);
    (void)table_remove(book->by_agent, seat->agent_id);
    list_remove(&seat->node);
    book->used--;
    scope_close(seat->life);
}

bool seat_book_has_room(const struct seat_book *book, struct text agent_id)
{
    const struct seat *seat = table_get(book->by_agent, agent_id);
    return seat ? !is_above(book, seat) : book->used < book->limit && book->used < SEATS_MAX;
}

static void hear(struct seat *seat, uint32_t group_dbid, uint64_t now_mono_ms)
{
    seat->group_dbid = group_dbid;
    seat->heard_mono_ms = now_mono_ms;
}

bool seat_book_take(struct seat_book *book, struct text agent_id, uint32_t group_dbid,
                    uint64_t now_mono_ms)
{
    struct seat *seat = table_get(book->by_agent, agent_id);
    if (!seat_book_has_room(book, agent_id)) return false;
    if (seat == NULL) seat = add(book, agent_id);
    seat->has_left = false;
    hear(seat, group_dbid, now_mono_ms);
    return true;
}

void seat_book_leave(struct seat_book *book, struct text agent_id)
{
    struct seat *seat = table_get(book->by_agent, agent_id);
    if (seat) seat->has_left = true;
}

/* --- looking through ------------------------------------------------------------------------ */

void seat_book_begin_look(struct seat_book *book)
{
    LIST_EACH (node, &book->seats) LIST_OBJECT(node, struct seat, node)->has_work = false;
}

void seat_book_note_work(struct seat_book *book, struct text agent_id, uint32_t group_dbid,
                         uint64_t now_mono_ms)
{
    struct seat *seat = table_get(book->by_agent, agent_id);
    if (seat == NULL && (agent_id.len == 0 || book->used >= SEATS_MAX)) return;
    if (seat == NULL) {
        seat = add(book, agent_id);
        hear(seat, group_dbid, now_mono_ms);
    }
    seat->has_work = true;
}

static bool may_go(const struct seat_book *book, const struct seat *seat,
                   const struct seat_presence *presence, uint64_t now_mono_ms)
{
    if (seat->has_work) return false;
    if (seat->has_left || is_above(book, seat)) return true;
    if (!presence->is_loaded(presence->self, seat->group_dbid)) return true;
    return now_mono_ms - seat->heard_mono_ms >= SEAT_IDLE_MS &&
           !presence->has_desktop(presence->self, seat->agent_id);
}

/* In the order of coming: what the first leave goes to those above, before these would go. */
void seat_book_end_look(struct seat_book *book, const struct seat_presence *presence,
                        uint64_t now_mono_ms)
{
    for (struct list *node = book->seats.next, *next; node != &book->seats; node = next) {
        struct seat *seat = LIST_OBJECT(node, struct seat, node);
        next = node->next;
        if (may_go(book, seat, presence, now_mono_ms)) let_go(book, seat);
    }
}

struct seat_figures seat_book_figures(const struct seat_book *book)
{
    return (struct seat_figures){ book->limit, book->used, book->most };
}
