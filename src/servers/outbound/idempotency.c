/* SPDX-License-Identifier: Apache-2.0 */
/* Start reading at idempotency_run(). The first request with a key looks into the store; others
 * with the key wait in its list, and take its place one by one. */
#include "servers/outbound/idempotency.h"

#include "fault.h"
#include "format/msgpack.h"

#include <string.h>

enum {
    WAITING_MAX = 16,
    HOUR_MS = 3600 * 1000,
    KEPT_MS = 24 * HOUR_MS,
    SWEEP_MS = 60 * 1000,
    SWEEP_AGAIN_MS = 20, /* between two batches: others want to write, too */
    SWEEP_CROWDED_MS = 1000,
    SWEEP_KEYS = 2000,
};

struct idempotency {
    struct outbound *server;
    struct table *under_way; /* client and key -> the first request with them */
    uint64_t keys, bytes;    /* in the store */
    struct timer *sweep;
    uint64_t horizon_utc_ms; /* of the batch that goes */
    uint64_t batch_keys, batch_bytes;
};

/* What a request with a key has beside it. */
struct keyed {
    struct list node; /* in the first one's `waiting` */
    struct request *request;
    struct text name; /* client, a NUL, key */
    struct text client, key;
    uint64_t asked; /* hash of what is asked for */
    struct list waiting;
    uint32_t waiting_count;
    bool is_first;
    bool is_kept;      /* its answer is, or comes, from the store */
    size_t kept_bytes; /* of the row that a change of its own has; 0: none */
};

/* An answer that waits for its row. */
struct held_answer {
    struct request *request;
    const struct msg *msg;
    struct text bytes, etag;
};

static const struct msg *const writes[] = {
    &MSG_OUTBOUND_PREVIEW_RECORD_REQUEST,
    &MSG_OUTBOUND_UPDATE_CALL_COMPLETION_STATS,
    &MSG_OUTBOUND_RECORD_PROCESSED,
    &MSG_OUTBOUND_RECORD_REJECT,
    &MSG_OUTBOUND_RECORD_RESCHEDULE,
    &MSG_OUTBOUND_SCHEDULED_RECORD_RESCHEDULE,
    &MSG_OUTBOUND_REQUEST_RECORD_CANCEL,
    &MSG_OUTBOUND_DO_NOT_CALL,
    &MSG_OUTBOUND_ADD_RECORD,
    &MSG_OUTBOUND_CAMPAIGN_LOAD,
    &MSG_OUTBOUND_CAMPAIGN_START,
    &MSG_OUTBOUND_CAMPAIGN_STOP,
    &MSG_OUTBOUND_CAMPAIGN_UNLOAD,
    &MSG_OUTBOUND_CAMPAIGN_FORCE_UNLOAD,
    &MSG_OUTBOUND_CAMPAIGN_SET_DIAL_MODE,
    &MSG_OUTBOUND_CAMPAIGN_SET_PRIORITIES,
    &MSG_OUTBOUND_LOGOUT,
    &MSG_OUTBOUND_DNC_CHANGE,
    &MSG_OUTBOUND_NOTIFICATION_REPLAY,
};

static bool is_write(const struct msg *msg)
{
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        if (writes[i] == msg) return true;
    return false;
}

/* --- the store --- */

static const struct statement find = {
    "SELECT request, message, etag, answer FROM idempotency WHERE client = ?1 AND key = ?2"
};
static const struct statement keep = { "INSERT INTO idempotency (client, key, request, "
                                       "message, etag, answer, kept_utc_ms, bytes) "
                                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT "
                                       "(client, key) DO UPDATE SET request = excluded.request, "
                                       "message = excluded.message, etag = excluded.etag, answer "
                                       "= excluded.answer, kept_utc_ms = excluded.kept_utc_ms, "
                                       "bytes = excluded.bytes" };
static const struct statement take_back = {
    "DELETE FROM idempotency WHERE client = ?1 AND key = ?2"
};
static const struct statement forget = {
    "DELETE FROM idempotency WHERE (client, key) IN (SELECT client, key FROM idempotency "
    "WHERE kept_utc_ms < ?1 ORDER BY kept_utc_ms LIMIT ?2)"
};
static const struct statement oldest = {
    "SELECT count(*), coalesce(sum(bytes), 0) FROM (SELECT bytes FROM idempotency "
    "WHERE kept_utc_ms < ?1 ORDER BY kept_utc_ms LIMIT ?2) AS old"
};
static const struct statement count = {
    "SELECT count(*), coalesce(sum(bytes), 0) FROM idempotency"
};

static void on_counted(void *self, enum err err, const struct rows *rows)
{
    struct idempotency *idempotency = self;
    if (err || rows_count(rows) == 0) return;
    idempotency->keys = (uint64_t)rows_i64(rows, 0, 0);
    idempotency->bytes = (uint64_t)rows_i64(rows, 0, 1);
}

static bool is_crowded(const struct idempotency *idempotency)
{
    return idempotency->keys >= IDEMPOTENCY_KEYS_MAX / 8 * 7 ||
           idempotency->bytes >= IDEMPOTENCY_BYTES_MAX / 8 * 7;
}

static void uncount(struct idempotency *idempotency, uint64_t keys, uint64_t bytes)
{
    idempotency->keys -= keys < idempotency->keys ? keys : idempotency->keys;
    idempotency->bytes -= bytes < idempotency->bytes ? bytes : idempotency->bytes;
}

static void on_forgotten(void *self, const struct change_result *result)
{
    struct idempotency *idempotency = self;
    if (!result->err) uncount(idempotency, idempotency->batch_keys, idempotency->batch_bytes);
    timer_start(idempotency->sweep, result->err ? SWEEP_MS : SWEEP_AGAIN_MS);
}

/* Crowded still: by what is there, or by changes that were counted and refused? */
static void end_sweep(struct idempotency *idempotency)
{
    bool is_doubtful = is_crowded(idempotency);
    struct query query = { .statement = &count };
    if (is_doubtful) store_query(idempotency->server->store, &query, on_counted, idempotency);
    timer_start(idempotency->sweep, is_doubtful ? SWEEP_CROWDED_MS : SWEEP_MS);
}

/* A batch of those that go. */
static void on_oldest(void *self, enum err err, const struct rows *rows)
{
    struct idempotency *idempotency = self;
    uint64_t keys = err || rows_count(rows) == 0 ? 0 : (uint64_t)rows_i64(rows, 0, 0);
    if (keys == 0) {
        end_sweep(idempotency);
        return;
    }
    idempotency->batch_keys = keys;
    idempotency->batch_bytes = (uint64_t)rows_i64(rows, 0, 1);
    struct change *change = change_new(idempotency->server->store);
    change_add(change, &forget, ROWS_ANY);
    change_bind_i64(change, (int64_t)idempotency->horizon_utc_ms);
    change_bind_i64(change, (int64_t)keys);
    change_submit(change, on_forgotten, idempotency);
}

static void sweep(void *self)
{
    struct idempotency *idempotency = self;
    struct outbound *server = idempotency->server;
    uint64_t kept_ms = is_crowded(idempotency) ? HOUR_MS : KEPT_MS;
    idempotency->horizon_utc_ms = loop_now_utc_ms(server->app->loop) - kept_ms;
    struct value parameters[] = { value_of_i64((int64_t)idempotency->horizon_utc_ms),
                                  value_of_i64(SWEEP_KEYS) };
    struct query query = { &oldest, parameters, 2 };
    store_query(server->store, &query, on_oldest, idempotency);
}

enum err idempotency_new(struct outbound *server, struct idempotency **out, struct fault *fault)
{
    struct app *app = server->app;
    struct idempotency *idempotency = scope_alloc(app->life, sizeof *idempotency);
    idempotency->server = server;
    idempotency->under_way = table_new(app->life);
    idempotency->sweep = timer_new(app->life, app->loop, sweep, idempotency);
    struct query query = { .statement = &count };
    enum err err = store_query_now(server->store, &query, on_counted, idempotency);
    if (err) return fault_set(fault, err, "store", "idempotency keys: %s", err_words(err));
    timer_start(idempotency->sweep, SWEEP_AGAIN_MS);
    *out = idempotency;
    return ERR_OK;
}

static void add_row(struct keyed *keyed, struct change *change, const struct msg *msg,
                    struct text answer, struct text etag)
{
    struct outbound *server = keyed->request->server;
    size_t bytes = keyed->name.len + answer.len;
    change_add(change, &keep, 1);
    change_bind_text(change, keyed->client);
    change_bind_text(change, keyed->key);
    change_bind_i64(change, (int64_t)keyed->asked);
    change_bind_i64(change, msg->number);
    change_bind_text(change, etag.len ? etag : TEXT(""));
    change_bind_bytes(change, answer);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(server->app->loop));
    change_bind_i64(change, (int64_t)bytes);
    struct idempotency *idempotency = server->idempotency;
    idempotency->keys++;
    idempotency->bytes += bytes;
    uncount(idempotency, keyed->kept_bytes > 0, keyed->kept_bytes); /* it replaces one */
    keyed->kept_bytes = bytes;
    keyed->is_kept = true;
}

void idempotency_add(struct request *request, struct change *change, const struct msg *msg,
                     const void *fields, struct text etag)
{
    if (request->keyed == NULL) return;
#ifdef FAULT_KEY_AFTER
    return; /* idempotency_holds() keeps it, in a change of its own before the answer */
#endif
    struct buf answer = { 0 };
    msgpack_encode(&answer, msg->shape, fields);
    add_row(request->keyed, change, msg, buf_text(&answer), etag);
    buf_free(&answer);
}

/* --- answers --- */

/* As it was given before. */
static void reply_stored(struct request *request, const struct msg *msg, struct text answer,
                         struct text etag)
{
    void *fields;
    if (msg == NULL || msgpack_decode(answer, msg->shape, request->life, &fields, NULL)) {
        request_refuse(request, OUTBOUND_INTERNAL,
                       "Idempotency-Key: the first answer cannot be read any more");
        return;
    }
    request_reply(request, msg, fields, etag);
}

static void on_kept(void *self, const struct change_result *result)
{
    (void)result; /* without its row it is an answer all the same: what it tells has happened */
    struct held_answer *held = self;
    reply_stored(held->request, held->msg, held->bytes, held->etag);
}

bool idempotency_holds(struct request *request, const struct msg *msg, const void *fields,
                       struct text etag)
{
    struct keyed *keyed = request->keyed;
    if (keyed == NULL || keyed->is_kept) return false;
    struct held_answer *held = scope_alloc(request->life, sizeof *held);
    struct change *change = change_new(request->server->store);
    struct buf answer = { 0 };
    msgpack_encode(&answer, msg->shape, fields);
    *held = (struct held_answer){ request, msg, scope_keep(request->life, buf_text(&answer)),
                                  scope_keep(request->life, etag) };
    buf_free(&answer);
    add_row(keyed, change, msg, held->bytes, held->etag);
    change_submit(change, on_kept, held);
    return true;
}

/* --- requests --- */

static bool is_full(const struct idempotency *idempotency)
{
    return idempotency->keys >= IDEMPOTENCY_KEYS_MAX || idempotency->bytes >= IDEMPOTENCY_BYTES_MAX;
}

static void on_found(void *self, enum err err, const struct rows *rows)
{
    struct keyed *keyed = self;
    struct request *request = keyed->request;
    if (err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
        return;
    }
    if (rows_count(rows) == 0) {
        if (is_full(request->server->idempotency))
            request_refuse(request, OUTBOUND_LIMIT,
                           "Idempotency-Key: too many keys of the last hour are kept already");
        else
            request_run(request);
        return;
    }
    keyed->is_kept = true;
    if ((uint64_t)rows_i64(rows, 0, 0) != keyed->asked) {
        request_refuse(request, OUTBOUND_NOT_ALLOWED,
                       "Idempotency-Key: the key was used for another request");
        return;
    }
    request->server->counters.requests_repeated_total++;
    reply_stored(request, msg_find((uint32_t)rows_i64(rows, 0, 1)), rows_text(rows, 0, 3),
                 scope_keep(request->life, rows_text(rows, 0, 2)));
}

static void look_up(struct keyed *keyed)
{
    struct outbound *server = keyed->request->server;
    struct value parameters[] = { value_of_text(keyed->client), value_of_text(keyed->key) };
    struct query query = { &find, parameters, 2 };
    keyed->is_first = true;
    table_put(server->idempotency->under_way, keyed->name, keyed);
    store_query(server->store, &query, on_found, keyed);
}

static uint64_t hash_of(const struct request *request)
{
    struct buf asked = { 0 };
    msgpack_put_u64(&asked, request->msg->number);
    msgpack_encode(&asked, request->msg->shape, request->fields);
    uint64_t hash = text_hash(buf_text(&asked));
    buf_free(&asked);
    return hash;
}

static void wait_for(struct keyed *first, struct keyed *keyed)
{
    if (first->asked != keyed->asked) {
        request_refuse(keyed->request, OUTBOUND_NOT_ALLOWED,
                       "Idempotency-Key: the key is in use for another request");
        return;
    }
    if (first->waiting_count == WAITING_MAX) {
        request_refuse(keyed->request, OUTBOUND_LIMIT,
                       "Idempotency-Key: the first request with the key is under way, ask again");
        return;
    }
    first->waiting_count++;
    list_add_last(&first->waiting, &keyed->node);
}

void idempotency_run(struct request *request, struct text client, struct text key)
{
    if (key.len == 0 || !is_write(request->msg)) {
        request_run(request);
        return;
    }
    if (key.len > IDEMPOTENCY_KEY_BYTES_MAX || client.len > IDEMPOTENCY_KEY_BYTES_MAX * 2) {
        request_refuse(request, OUTBOUND_BAD_KEY, "Idempotency-Key: must have 1 to %d bytes",
                       IDEMPOTENCY_KEY_BYTES_MAX);
        return;
    }
    struct keyed *keyed = scope_alloc(request->life, sizeof *keyed);
    char *name = scope_alloc(request->life, client.len + 1 + key.len);
    if (client.len) memcpy(name, client.at, client.len);
    memcpy(name + client.len + 1, key.at, key.len);
    *keyed = (struct keyed){
        .request = request,
        .name = { name, client.len + 1 + key.len },
        .client = { name, client.len },
        .key = { name + client.len + 1, key.len },
        .asked = hash_of(request),
    };
    list_init(&keyed->waiting);
    request->keyed = keyed;
    struct keyed *first = table_get(request->server->idempotency->under_way, keyed->name);
    if (first)
        wait_for(first, keyed);
    else
        look_up(keyed);
}

/* The next with the key becomes the first. */
static void pass_on(struct idempotency *idempotency, struct keyed *keyed)
{
    (void)table_remove(idempotency->under_way, keyed->name);
    struct list *node = list_first(&keyed->waiting);
    if (node == NULL) return;
    struct keyed *next = LIST_OBJECT(node, struct keyed, node);
    list_remove(node);
    for (struct list *other; (other = list_first(&keyed->waiting)) != NULL;) {
        list_remove(other);
        list_add_last(&next->waiting, other);
        next->waiting_count++;
    }
    look_up(next);
}

/* Its place is held until its row is gone: nobody must find it meanwhile. */
struct taking_back {
    struct scope *life;
    struct idempotency *idempotency;
    struct keyed keyed;
};

static void on_taken_back(void *self, const struct change_result *result)
{
    (void)result;
    struct taking_back *taking = self;
    pass_on(taking->idempotency, &taking->keyed);
    scope_close(taking->life);
}

static void hold_place(struct taking_back *taking, struct keyed *keyed)
{
    struct text name = scope_keep(taking->life, keyed->name);
    taking->keyed = (struct keyed){ .name = name, .asked = keyed->asked };
    list_init(&taking->keyed.waiting);
    for (struct list *node; (node = list_first(&keyed->waiting)) != NULL;) {
        list_remove(node);
        list_add_last(&taking->keyed.waiting, node);
        taking->keyed.waiting_count++;
    }
    table_put(taking->idempotency->under_way, name, &taking->keyed);
}

/* A change that failed took its row along; one that is owed to another database did not. */
static void take_row_back(struct keyed *keyed)
{
    struct outbound *server = keyed->request->server;
    struct scope *life = scope_new(server->app->life, "idempotency key", SCOPE_NO_LIMIT);
    struct taking_back *taking = scope_alloc(life, sizeof *taking);
    taking->life = life;
    taking->idempotency = server->idempotency;
    hold_place(taking, keyed);
    struct change *change = change_new(server->store);
    change_add(change, &take_back, ROWS_ANY);
    change_bind_text(change, keyed->client);
    change_bind_text(change, keyed->key);
    change_submit(change, on_taken_back, taking);
    uncount(server->idempotency, 1, keyed->kept_bytes);
}

void idempotency_end(struct request *request, bool is_refused)
{
    struct keyed *keyed = request->keyed;
    if (keyed == NULL || !keyed->is_first) return;
    if (is_refused && keyed->kept_bytes)
        take_row_back(keyed);
    else
        pass_on(request->server->idempotency, keyed);
}
