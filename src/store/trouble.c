/* SPDX-License-Identifier: Apache-2.0 */
#include "store/trouble.h"

#include "gen/events.h"

enum { PROBE_EVERY_MS = 1000, CALM_MS = 3000 };

/* One row, always the same; nobody's lease has this name. */
static const struct statement probe = {
    "INSERT INTO lease (name, holder, epoch, expires_utc_ms) VALUES ('store trouble', '', 0, 0) "
    "ON CONFLICT (name) DO UPDATE SET expires_utc_ms = 0"
};

static uint64_t now_ms(const struct store *store)
{
    return loop_now_mono_ms(store->loop);
}

static void tell(struct store *store, const char *words)
{
    struct store_watch *watch = &store->watch;
    if (watch->on_trouble) watch->on_trouble(watch->self, store->trouble.kind, words);
}

static void begin(struct store *store, enum store_trouble kind, const char *words)
{
    struct trouble *trouble = &store->trouble;
    trouble->refused_ms = now_ms(store);
    trouble->refused++;
    if (trouble->kind == kind || trouble->kind == STORE_TROUBLE_BROKEN) return;
    if (trouble->kind == STORE_TROUBLE_NONE) {
        trouble->began_ms = trouble->refused_ms;
        trouble->refused = 1;
    }
    trouble->kind = kind;
    trouble->is_written = false;
    if (kind == STORE_TROUBLE_BROKEN)
        LOG_STORE_BROKEN(&store->log, trouble->path.at, words);
    else
        LOG_STORE_TROUBLE(&store->log, trouble->path.at, words);
    if (store->watch.on_trouble && !timer_is_running(trouble->timer))
        timer_start(trouble->timer, PROBE_EVERY_MS);
    tell(store, words);
}

static void end_when_calm(struct store *store)
{
    struct trouble *trouble = &store->trouble;
    uint64_t now = now_ms(store);
    if (!trouble->is_written || now - trouble->refused_ms < CALM_MS) return;
    trouble->kind = STORE_TROUBLE_NONE;
    LOG_STORE_TROUBLE_OVER(&store->log, trouble->path.at,
                           (unsigned long long)(now - trouble->began_ms),
                           (unsigned long long)trouble->refused);
    tell(store, "");
}

static bool is_going_on(const struct store *store)
{
    enum store_trouble kind = store->trouble.kind;
    return kind != STORE_TROUBLE_NONE && kind != STORE_TROUBLE_BROKEN;
}

static void on_time(void *self)
{
    struct store *store = self;
    if (is_going_on(store)) end_when_calm(store);
    if (!is_going_on(store)) return;
    timer_start(store->trouble.timer, PROBE_EVERY_MS);
    if (store->trouble.is_probing) return; /* the disk has the last one still */
    store->trouble.is_probing = true;
    struct change *change = change_new(store);
    change->is_vital = change->is_unfenced = change->is_probe = true;
    change_add(change, &probe, ROWS_ANY);
    change_submit(change, NULL, store);
}

/* What the disk has to do with an error. */
static enum store_trouble trouble_of(const struct store *store, enum err err)
{
    switch (err) {
    case ERR_FULL: return STORE_TROUBLE_FULL;
    case ERR_IO: return STORE_TROUBLE_FAILING;
    case ERR_UNAVAILABLE:
        if (store->is_stalled) return STORE_TROUBLE_SLOW;
        return store->is_yielded ? STORE_TROUBLE_NONE : STORE_TROUBLE_REFUSING;
    default: return STORE_TROUBLE_NONE;
    }
}

void trouble_note(struct store *store, const struct change *change)
{
    struct trouble *trouble = &store->trouble;
    if (change->is_probe) trouble->is_probing = false;
    if (trouble->path.len == 0) return; /* somebody else's database, watched by others */
    enum store_trouble kind = trouble_of(store, change->result.err);
    if (kind != STORE_TROUBLE_NONE) {
        begin(store, kind, change->result.words);
        return;
    }
    if (change->result.err || change->statement_count == 0) return; /* a flush writes nothing */
    trouble->is_written = true;
    if (!store->watch.on_trouble && is_going_on(store)) end_when_calm(store);
}

void trouble_broken(struct store *store)
{
    begin(store, STORE_TROUBLE_BROKEN, STORE_BROKEN_WORDS);
}

void trouble_slow(struct store *store)
{
    begin(store, STORE_TROUBLE_SLOW, STORE_SLOW_WORDS);
}

void trouble_init(struct store *store, struct text path)
{
    store->trouble.path = scope_keep(store->life, path);
    store->trouble.timer = timer_new(store->life, store->loop, on_time, store);
}

void store_on_trouble(struct store *store,
                      void (*on_trouble)(void *self, enum store_trouble kind, const char *words),
                      void *self)
{
    store->watch = (struct store_watch){ on_trouble, self };
}
