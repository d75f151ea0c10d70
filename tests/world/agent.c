/* SPDX-License-Identifier: Apache-2.0 */
/* An agent, at the HTTP API or at a desktop: previews, updates, rejects, processes and adds
 * records; what a request may have changed and what it was told goes to the checker. Half of the
 * requests over HTTP carry an idempotency key and are repeated until they are answered; the others
 * are asked once. A desktop always insists. */
#include "tests/world/desktop.h"

#include "format/json.h"
#include "tests/world/fields.h"

#include <stdio.h>
#include <string.h>

enum { HELD_MAX = 3, TEXT_BYTES = 64, PAUSE_MS = 200, AGAIN_MS = 100 };

struct held {
    uint64_t handle, chain;
    char guid[TEXT_BYTES];
};

struct asking {
    uint64_t request;
    enum event_ask ask;
    char url[2 * TEXT_BYTES], key[TEXT_BYTES];
    const char *req;
    struct buf body;
};

struct agent {
    struct world *world;
    char name[16];
    uint32_t number;
    struct desktop *desktop; /* NULL: she uses the HTTP API */
    struct timer *timer;
    struct held held[HELD_MAX];
    uint32_t held_count;
    uint64_t values;
    struct asking asking; /* the one request under way */
};

/* --- what an agent does -------------------------------------------------------------------------
 */

static void pause_a_little(struct agent *agent)
{
    timer_start(agent->timer, 1 + world_below(agent->world, PAUSE_MS));
}

static void let_go(struct agent *agent, uint32_t index)
{
    agent->held[index] = agent->held[--agent->held_count];
}

static void on_previewed(struct agent *agent, const struct answer *answer)
{
    struct held *held = &agent->held[agent->held_count++];
    held->handle = number_in(&answer->body, "GSW_RECORD_HANDLE");
    held->chain = number_in(&answer->body, "GSW_CHAIN_ID");
    (void)text_to_z(text_in(&answer->body, "GSW_CALL_ATTEMPT_GUID"), held->guid, sizeof held->guid);
}

static void acknowledged(struct agent *agent, const struct answer *answer)
{
    const struct asking *asking = &agent->asking;
    struct event event = { .kind = EVENT_ACKNOWLEDGED, .request = asking->request };
    if (asking->ask == ASK_ADD || asking->ask == ASK_PREVIEW) {
        event.list = TEXT("list_1");
        event.chain = number_in(&answer->body, "GSW_CHAIN_ID");
    }
    if (asking->ask == ASK_PREVIEW) {
        event.guid = text_in(&answer->body, "GSW_CALL_ATTEMPT_GUID");
        event.handle = number_in(&answer->body, "GSW_RECORD_HANDLE");
        event.phone = text_in(&answer->body, "GSW_PHONE");
        event.value = text_in(&answer->body, "Other1");
        on_previewed(agent, answer);
    }
    world_hear(agent->world, event);
}

/* What was refused is not remembered with its key: the network's second copy may come when it fits.
 */
static void failed(struct agent *agent, const struct answer *answer)
{
    bool is_over = answer && !agent->world->has_ghosts;
    world_hear(agent->world,
               (struct event){ .kind = is_over ? EVENT_REFUSED : EVENT_LOST,
                               .request = agent->asking.request,
                               .code = is_over ? number_in(&answer->body, "GSW_ERROR") : 0 });
}

static void send(struct agent *agent);

static void on_answer(void *self, const struct answer *answer)
{
    struct agent *agent = self;
    struct asking *asking = &agent->asking;
    if (answer == NULL && asking->key[0]) {
        timer_start(agent->timer, AGAIN_MS); /* with the same key: the same request */
        return;
    }
    agent->world->requests_open--;
    if (answer && answer->status == 200)
        acknowledged(agent, answer);
    else
        failed(agent, answer);
    asking->request = 0;
    pause_a_little(agent);
}

static void send(struct agent *agent)
{
    struct asking *asking = &agent->asking;
    if (agent->desktop)
        desktop_ask(agent->desktop, asking->req, buf_text(&asking->body), on_answer, agent);
    else
        world_post(agent->world, asking->url, buf_text(&asking->body), text_of(asking->key),
                   on_answer, agent);
}

/* Over HTTP the path says which record, group or list; at a desktop a field does. */
struct target {
    const char *resource, *field;
    struct text name;
    uint64_t number;
};

static void put(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

static void put_number(struct json_writer *json, const char *name, uint64_t value)
{
    json_put_name(json, text_of(name));
    json_put_u64(json, value);
}

static void put_target(struct agent *agent, struct json_writer *json, const struct target *target)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)target->number);
    struct text name = target->name.len ? target->name : text_of(number);
    (void)snprintf(agent->asking.url, sizeof agent->asking.url,
                   "http://127.0.0.1:%d/%s/%.*s?req=%s", HTTP_PORT, target->resource,
                   TEXT_ARG(name), agent->asking.req);
    if (agent->desktop == NULL) return;
    if (target->name.len)
        put(json, target->field, target->name);
    else
        put_number(json, target->field, target->number);
}

static struct json_writer begin(struct agent *agent, enum event_ask ask, const char *req,
                                const struct target *target)
{
    struct asking *asking = &agent->asking;
    asking->request = world_next_request(agent->world);
    asking->ask = ask;
    asking->req = req;
    asking->key[0] = 0;
    if (agent->desktop == NULL && (agent->world->has_ghosts || world_is(agent->world, 500)))
        (void)snprintf(asking->key, sizeof asking->key, "key-%llu",
                       (unsigned long long)asking->request);
    buf_clear(&asking->body);
    struct json_writer json = json_writer(&asking->body);
    json_begin_object(&json);
    put_target(agent, &json, target);
    return json;
}

static void ask(struct agent *agent, struct json_writer *json, struct event event)
{
    json_end_object(json);
    event.kind = EVENT_ASKED;
    event.request = agent->asking.request;
    event.ask = agent->asking.ask;
    agent->world->requests_open++;
    world_hear(agent->world, event);
    send(agent);
}

static struct text next_value(struct agent *agent, char out[TEXT_BYTES])
{
    (void)snprintf(out, TEXT_BYTES, "%s-%llu", agent->name, (unsigned long long)++agent->values);
    return text_of(out);
}

static void add(struct agent *agent)
{
    char value[TEXT_BYTES], phone[TEXT_BYTES];
    const struct target list = { "lists", "GSW_CALLING_LIST", TEXT("L1"), 0 };
    struct json_writer json = begin(agent, ASK_ADD, "AddRecord", &list);
    struct event event = { .list = TEXT("list_1"), .value = next_value(agent, value) };
    (void)snprintf(phone, sizeof phone, "1555%u%06llu", agent->number,
                   (unsigned long long)agent->values);
    event.phone = text_of(phone);
    put(&json, "GSW_PHONE", event.phone);
    put_number(&json, "GSW_PHONE_TYPE", 4);
    put(&json, "GSW_TZ_NAME", TEXT("UTC"));
    put_number(&json, "GSW_FROM", 0);
    put_number(&json, "GSW_UNTIL", 86400);
    put(&json, "Other1", event.value);
    ask(agent, &json, event);
}

static void preview(struct agent *agent)
{
    const struct target group = { "campaigngroups", "GSW_CAMPAIGN_GROUP_DBID", { 0 }, GROUP_DBID };
    struct json_writer json = begin(agent, ASK_PREVIEW, "PreviewRecordRequest", &group);
    /* Without: what was given by an answer that got lost stays with her, unseen. */
    if (!agent->world->has_ghosts) agent->asking.key[0] = 0;
    put(&json, "GSW_AGENT_ID", text_of(agent->name));
    ask(agent, &json, (struct event){ .agent = text_of(agent->name) });
}

/* A record of somebody else, by mistake: she must be refused. False: there is none. */
static bool mistake(struct agent *agent)
{
    struct agent *other = agent->world->agents[world_below(agent->world, AGENTS)];
    char value[TEXT_BYTES];
    if (other == agent || other->held_count == 0) return false;
    struct held held = other->held[world_below(agent->world, other->held_count)];
    const struct target record = { "records", "GSW_RECORD_HANDLE", { 0 }, held.handle };
    struct json_writer json = begin(agent, ASK_PROCESS, "RecordProcessed", &record);
    struct event event = { .agent = text_of(agent->name),
                           .guid = text_of(held.guid),
                           .value = next_value(agent, value) };
    put(&json, "GSW_AGENT_ID", event.agent);
    put(&json, "Other1", event.value);
    ask(agent, &json, event);
    return true;
}

static void on_record(struct agent *agent, enum event_ask what)
{
    static const char *const reqs[] = { [ASK_UPDATE] = "UpdateCallCompletionStats",
                                        [ASK_PROCESS] = "RecordProcessed",
                                        [ASK_REJECT] = "RecordReject",
                                        [ASK_CANCEL] = "RequestRecordCancel",
                                        [ASK_BLOCK] = "DoNotCall" };
    static const uint32_t results[] = { 33, 6, 7, 9, 53 };
    char value[TEXT_BYTES];
    uint32_t index = (uint32_t)world_below(agent->world, agent->held_count);
    struct held held = agent->held[index];
    const struct target record = { "records", "GSW_RECORD_HANDLE", { 0 }, held.handle };
    struct json_writer json = begin(agent, what, reqs[what], &record);
    struct event event = { .agent = text_of(agent->name), .guid = text_of(held.guid) };
    put(&json, "GSW_AGENT_ID", event.agent);
    if (what == ASK_CANCEL || what == ASK_BLOCK) {
        event.list = TEXT("list_1");
        event.chain = held.chain;
    } else if (what != ASK_REJECT) {
        event.value = next_value(agent, value);
        put(&json, "Other1", event.value);
    }
    if (what == ASK_PROCESS) {
        event.result = results[world_below(agent->world, sizeof results / sizeof *results)];
        put_number(&json, "GSW_CALL_RESULT", event.result);
    }
    if (what != ASK_UPDATE) let_go(agent, index);
    ask(agent, &json, event);
}

static void do_something(struct agent *agent)
{
    uint64_t deed = world_below(agent->world, 100);
    if (world_is(agent->world, 15) && mistake(agent)) return;
    if (deed < 25)
        add(agent);
    else if (agent->held_count == 0 || (deed < 50 && agent->held_count < HELD_MAX))
        preview(agent);
    else
        on_record(agent, deed < 75   ? ASK_UPDATE
                         : deed < 82 ? ASK_REJECT
                         : deed < 84 ? ASK_CANCEL
                         : deed < 86 ? ASK_BLOCK
                                     : ASK_PROCESS);
}

static void on_time_up(void *self)
{
    struct agent *agent = self;
    if (agent->asking.request)
        send(agent);
    else if (!agent->world->is_ending)
        do_something(agent);
}

void agent_begin(struct agent *agent)
{
    pause_a_little(agent);
}

static void forget(void *self)
{
    buf_free(&((struct agent *)self)->asking.body);
}

struct agent *agent_new(struct world *world, uint32_t number)
{
    struct agent *agent = scope_alloc(world->life, sizeof *agent);
    agent->world = world;
    agent->number = number;
    bool has_desktop = number > AGENTS - AGENTS_AT_DESKTOPS;
    (void)snprintf(agent->name, sizeof agent->name, "%c%u", has_desktop ? 'd' : 'a', number);
    if (has_desktop) agent->desktop = desktop_new(world->life, world, text_of(agent->name));
    agent->timer = timer_new(world->life, world->loop, on_time_up, agent);
    scope_on_close(world->life, forget, agent);
    return agent;
}
