/* SPDX-License-Identifier: Apache-2.0 */
/* The lease: look at the row, take it where it is free, ours or expired, renew it. Taking names the
 * epoch it saw, so of two that take at once one wins. Start reading at look(). */
#include "store/lease.h"

#include "store/store_private.h"

enum { AGAIN_MS = 50, RENEWALS_PER_LIFE = 3 };

enum lease_state { LEASE_LOOKING, LEASE_TAKING, LEASE_HELD, LEASE_OVER };

struct lease {
    struct scope *life;
    struct store *store;
    struct text name, holder;
    uint64_t ttl_ms, epoch;
    uint64_t seen_epoch, seen_expires_utc_ms, seen_since_mono_ms; /* another's row, as it is */
    enum lease_state state;
    struct timer *timer; /* looks again, or renews */
    void (*on_taken)(void *self, uint64_t epoch);
    void (*on_lost)(void *self);
    void *self;
};

static const struct statement find_lease = {
    "SELECT holder, epoch, expires_utc_ms FROM lease WHERE name = ?1"
};
static const struct statement insert_lease = {
    "INSERT INTO lease (name, holder, epoch, expires_utc_ms) VALUES (?1, ?2, ?3, ?4)"
};
static const struct statement take_over_lease = {
    "UPDATE lease SET holder = ?2, epoch = ?3, expires_utc_ms = ?4 WHERE name = ?1 AND epoch = ?5"
};
static const struct statement renew_lease = {
    "UPDATE lease SET expires_utc_ms = ?4 WHERE name = ?1 AND holder = ?2 AND epoch = ?3"
};

static uint64_t now_utc_ms(const struct lease *lease)
{
    return loop_now_utc_ms(lease->store->loop);
}

static uint64_t renewal_ms(const struct lease *lease)
{
    return lease->ttl_ms / RENEWALS_PER_LIFE;
}

/* The row as ours; the four parameters that all three statements share. */
static struct change *row_change(struct lease *lease, const struct statement *statement,
                                 uint64_t epoch, uint64_t expires_utc_ms)
{
    struct change *change = change_new(lease->store);
    change->is_vital = true;
    change_add(change, statement, 1);
    change_bind_text(change, lease->name);
    change_bind_text(change, lease->holder);
    change_bind_i64(change, (int64_t)epoch);
    change_bind_i64(change, (int64_t)expires_utc_ms);
    return change;
}

static void lose(void *self)
{
    struct lease *lease = self;
    if (lease->state != LEASE_HELD) return;
    lease->state = LEASE_OVER;
    timer_stop(lease->timer);
    store_yield(lease->store);
    lease->on_lost(lease->self);
}

/* --- held --- */

static void on_renewed(void *self, const struct change_result *result)
{
    struct lease *lease = self;
    if (lease->state != LEASE_HELD) return;
    if (result->err == ERR_CONFLICT) {
        lose(lease);
        return;
    }
    /* A disk that is full or busy is no loss yet: try again soon. A broken fence tells lose(). */
    timer_start(lease->timer, result->err ? AGAIN_MS : renewal_ms(lease));
}

static void renew(struct lease *lease)
{
    struct change *change =
        row_change(lease, &renew_lease, lease->epoch, now_utc_ms(lease) + lease->ttl_ms);
    change_submit(change, on_renewed, lease);
}

static void hold(struct lease *lease)
{
    struct fence *fence = scope_alloc(lease->store->life, sizeof *fence);
    *fence = (struct fence){
        .name = scope_keep(lease->store->life, lease->name),
        .holder = scope_keep(lease->store->life, lease->holder),
        .epoch = lease->epoch,
    };
    lease->state = LEASE_HELD;
    store_set_fence(lease->store, fence, lose, lease);
    timer_start(lease->timer, renewal_ms(lease));
    lease->on_taken(lease->self, lease->epoch);
}

/* --- wanted --- */

static void look_again(struct lease *lease, uint64_t after_ms)
{
    lease->state = LEASE_LOOKING;
    timer_start(lease->timer, after_ms);
}

static void on_take_ended(void *self, const struct change_result *result)
{
    struct lease *lease = self;
    if (lease->state != LEASE_TAKING) return;
    if (result->err)
        look_again(lease, AGAIN_MS); /* another was quicker, or the disk does not want */
    else
        hold(lease);
}

static void take(struct lease *lease, bool is_there, uint64_t epoch_seen)
{
    lease->state = LEASE_TAKING;
    lease->epoch = epoch_seen + 1;
    struct change *change = row_change(lease, is_there ? &take_over_lease : &insert_lease,
                                       lease->epoch, now_utc_ms(lease) + lease->ttl_ms);
    if (is_there) change_bind_i64(change, (int64_t)epoch_seen);
    change->is_unfenced = true;
    change_submit(change, on_take_ended, lease);
}

/* A wall clock that was set back makes an expiry lie hours ahead. Whoever holds the lease renews it
 * thrice in its life, so a row that nobody touched for so long has no holder. */
static bool has_stood_still(struct lease *lease, uint64_t epoch, uint64_t expires_utc_ms)
{
    uint64_t now = loop_now_mono_ms(lease->store->loop);
    if (lease->seen_epoch != epoch || lease->seen_expires_utc_ms != expires_utc_ms) {
        lease->seen_epoch = epoch;
        lease->seen_expires_utc_ms = expires_utc_ms;
        lease->seen_since_mono_ms = now;
    }
    return now - lease->seen_since_mono_ms >= lease->ttl_ms;
}

static void on_row(void *self, enum err err, const struct rows *rows)
{
    struct lease *lease = self;
    if (lease->state != LEASE_LOOKING) return;
    if (err) {
        look_again(lease, AGAIN_MS);
        return;
    }
    if (rows_count(rows) == 0) {
        take(lease, false, 0);
        return;
    }
    uint64_t now = now_utc_ms(lease), expires = (uint64_t)rows_i64(rows, 0, 2);
    uint64_t epoch = (uint64_t)rows_i64(rows, 0, 1);
    if (text_eq(rows_text(rows, 0, 0), lease->holder) || expires <= now ||
        has_stood_still(lease, epoch, expires)) {
        take(lease, true, epoch);
        return;
    }
    uint64_t wait_ms = expires - now; /* the holder may also release it before */
    look_again(lease, wait_ms < renewal_ms(lease) ? wait_ms : renewal_ms(lease));
}

static void look(struct lease *lease)
{
    struct value name = { .kind = VALUE_TEXT, .text = lease->name };
    struct query query = { .statement = &find_lease, .parameters = &name, .parameter_count = 1 };
    store_query(lease->store, &query, on_row, lease);
}

static void on_time(void *self)
{
    struct lease *lease = self;
    if (lease->state == LEASE_HELD)
        renew(lease);
    else
        look(lease);
}

/* --- doors --- */

static void forget(void *self)
{
    struct lease *lease = self;
    store_forget(lease->store, lease);
}

struct lease *lease_take(struct scope *owner, struct store *store, struct text name,
                         struct text holder, uint64_t ttl_ms,
                         void (*on_taken)(void *self, uint64_t epoch), void (*on_lost)(void *self),
                         void *self)
{
    ASSERT(ttl_ms >= RENEWALS_PER_LIFE);
    struct scope *life = scope_new(owner, "lease", SCOPE_NO_LIMIT); /* dies before the store's */
    struct lease *lease = scope_alloc(life, sizeof *lease);
    *lease = (struct lease){
        .life = life,
        .store = store,
        .name = scope_keep(life, name),
        .holder = scope_keep(life, holder),
        .ttl_ms = ttl_ms,
        .on_taken = on_taken,
        .on_lost = on_lost,
        .self = self,
    };
    lease->timer = timer_new(life, store->loop, on_time, lease);
    scope_on_close(life, forget, lease);
    look(lease);
    return lease;
}

uint64_t lease_epoch(const struct lease *lease)
{
    return lease->state == LEASE_HELD ? lease->epoch : 0;
}

void lease_release(struct lease *lease)
{
    bool is_held = lease->state == LEASE_HELD;
    lease->state = LEASE_OVER;
    timer_stop(lease->timer);
    if (!is_held) return;
    struct change *change = row_change(lease, &renew_lease, lease->epoch, 0);
    change_submit(change, NULL, NULL);
    store_yield(lease->store);
}
