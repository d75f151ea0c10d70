/* SPDX-License-Identifier: Apache-2.0 */
/* A look into outbound's store, told as events between `look` and `looked`; one instant. */
#include "tests/world/world.h"

#include "servers/control/server.h"
#include "servers/outbound/outbound.h"
#include "store/store.h"

static const struct statement all_rows = {
    "SELECT chain_id, contact_info, record_status, agent_id, Other1, call_result FROM list_1"
};
static const struct statement all_rounds = {
    "SELECT chain_id, attempt_guid, state, agent_id, handle_base, message_guid FROM round"
};
static const struct statement whole_outbox = {
    "SELECT id, state, created_utc_ms, json_extract(body, '$.GSW_CALL_ATTEMPT_GUID') FROM outbox"
};

struct outbound *look_outbound(struct world *world)
{
    struct app *app = machine_app(world->machine, TEXT("outbound"));
    struct outbound *outbound = app ? app_server(app) : NULL; /* the first member of the server */
    return outbound && outbound->store && outbound->serving_since_utc_ms ? outbound : NULL;
}

bool look_control(struct world *world)
{
    static const char *const names[] = { "config", "control", "copy", "outbound", "web" };
    struct app *app = machine_app(world->machine, TEXT("control"));
    const struct control_server *control = app ? app_server(app) : NULL;
    for (size_t i = 0; control && i < sizeof names / sizeof *names; i++) {
        const struct app_entry *one = app_find(control, text_of(names[i]));
        if (one == NULL || app_watch_status(&one->watch) != STATUS_RUNNING) return false;
    }
    return control != NULL;
}

static struct text or_absent(struct text text)
{
    return text.len ? text : (struct text){ 0 };
}

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct world *world = self;
    if (err) world_fail(world, "the list cannot be read: %s", err_words(err));
    for (uint32_t i = 0; !err && i < rows_count(rows); i++)
        world_hear(world, (struct event){ .kind = EVENT_ROW,
                                          .chain = (uint64_t)rows_i64(rows, i, 0),
                                          .phone = rows_text(rows, i, 1),
                                          .status = (uint64_t)rows_i64(rows, i, 2),
                                          .agent = or_absent(rows_text(rows, i, 3)),
                                          .value = or_absent(rows_text(rows, i, 4)),
                                          .result = (uint64_t)rows_i64(rows, i, 5) });
}

static void on_rounds(void *self, enum err err, const struct rows *rows)
{
    struct world *world = self;
    if (err) world_fail(world, "the rounds cannot be read: %s", err_words(err));
    for (uint32_t i = 0; !err && i < rows_count(rows); i++)
        world_hear(world, (struct event){ .kind = EVENT_ROUND,
                                          .chain = (uint64_t)rows_i64(rows, i, 0),
                                          .guid = rows_text(rows, i, 1),
                                          .status = (uint64_t)rows_i64(rows, i, 2),
                                          .agent = or_absent(rows_text(rows, i, 3)),
                                          .handle = (uint64_t)rows_i64(rows, i, 4),
                                          .message = or_absent(rows_text(rows, i, 5)) });
}

static void on_outbox(void *self, enum err err, const struct rows *rows)
{
    struct world *world = self;
    if (err) world_fail(world, "the outbox cannot be read: %s", err_words(err));
    for (uint32_t i = 0; !err && i < rows_count(rows); i++)
        world_hear(world, (struct event){ .kind = EVENT_OUTBOX,
                                          .message = rows_text(rows, i, 0),
                                          .status = (uint64_t)rows_i64(rows, i, 1),
                                          .since = (uint64_t)rows_i64(rows, i, 2),
                                          .guid = or_absent(rows_text(rows, i, 3)) });
}

static void read_now(struct world *world, struct outbound *outbound,
                     const struct statement *statement,
                     void (*on_read)(void *self, enum err err, const struct rows *rows))
{
    struct query query = { .statement = statement };
    (void)store_query_now(outbound->store, &query, on_read, world);
}

void look_around(struct world *world, bool is_settled)
{
    struct outbound *outbound = look_outbound(world);
    if (outbound == NULL) return;
    world_hear(world, (struct event){
                          .kind = EVENT_LOOK, .list = TEXT("list_1"), .is_settled = is_settled });
    read_now(world, outbound, &all_rows, on_rows);
    read_now(world, outbound, &all_rounds, on_rounds);
    read_now(world, outbound, &whole_outbox, on_outbox);
    world_hear(world, (struct event){ .kind = EVENT_LOOKED });
}

struct counting {
    uint64_t number;
};

static void on_count(void *self, enum err err, const struct rows *rows)
{
    struct counting *counting = self;
    counting->number = err ? UINT64_MAX : (uint64_t)rows_i64(rows, 0, 0);
}

uint64_t look_count(struct world *world, const char *sql)
{
    struct outbound *outbound = look_outbound(world);
    struct counting counting = { UINT64_MAX };
    if (outbound == NULL) return UINT64_MAX;
    const struct statement *statement = store_statement(outbound->store, text_of(sql));
    struct query query = { .statement = statement };
    (void)store_query_now(outbound->store, &query, on_count, &counting);
    return counting.number;
}
