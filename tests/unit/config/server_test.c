/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of config on a virtual clock, asked over links as servers and tools ask. */
#include "tests/unit/app/place.h"
#include "tests/unit/test.h"

#include "app/app.h"
#include "format/json.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "gen/options.h"
#include "io/net/sim_net.h"

#include <stdio.h>
#include <string.h>

extern const struct app_type APP_TYPE_CONFIG;

#define ADDRESS TEXT("127.0.0.1:2020")

enum { REVS_MAX = 64 };

/* One peer: what it heard, as lines "added Place p 4". */
struct peer {
    struct scope *life;
    struct link *link;
    struct buf heard;
    uint64_t revs[REVS_MAX];
    uint32_t rev_count, resyncs;
};

struct world {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct app *app;
    struct place place;
    /* the last answer */
    struct scope *answer_life;
    bool is_answered;
    enum err err;
    int64_t code;
    struct text name, field, object_type, words;
    const void *fields; /* copied by shape through JSON */
    uint64_t rev;
    struct buf json;
};

static void listen_at(struct world *world)
{
    /* Our own Application object: the port that app_listen() opens. */
    struct fault fault;
    CHECK_OK(app_put_object(world->app, &OBJECT_APPLICATION, 900, 1, TEXT(""),
                            TEXT("{\"name\":\"config\",\"type\":\"ConfigurationServer\",\"ports\":"
                                 "[{\"id\":\"default\",\"number\":2020}]}"),
                            &fault));
    app_objects_changed(world->app, 1);
}

static struct world *world_new(void)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    struct fault fault = { 0 };
    world->life = life;
    world->loop = loop_new_virtual(life, 1000000, 5);
    world->net = net_new(life, world->loop);
    world->app = app_new_for_test(life, world->loop, &APP_TYPE_CONFIG, TEXT("config"));
    place_app(&world->place, world->app);
    listen_at(world);
    CHECK_OK(app_begin(world->app, &fault));
    loop_run_for(world->loop, 50);
    return world;
}

static void world_free(struct world *world)
{
    buf_free(&world->json);
    scope_close(world->life);
}

/* --- peers ---------------------------------------------------------------------------------- */

static void hear_object(struct peer *peer, struct text op,
                        const struct config_config_object *object)
{
    buf_format(&peer->heard, "%.*s %.*s %.*s %llu\n", TEXT_ARG(op), TEXT_ARG(object->type),
               TEXT_ARG(object->key), (unsigned long long)object->rev);
}

static void on_changed(void *self, struct link *link, const void *fields)
{
    struct peer *peer = self;
    const struct config_changed *changed = fields;
    (void)link;
    CHECK(peer->rev_count < REVS_MAX);
    peer->revs[peer->rev_count++] = changed->rev;
    for (uint32_t i = 0; i < changed->ops.count; i++)
        hear_object(peer, changed->ops.at[i].op, changed->ops.at[i].object);
}

static void on_resync(void *self, struct link *link, const void *fields)
{
    (void)link, (void)fields;
    ((struct peer *)self)->resyncs++;
}

static const struct link_handler peer_handlers[] = {
    { .msg = &MSG_CONFIG_CHANGED, .on_event = on_changed },
    { .msg = &MSG_CONFIG_RESYNC, .on_event = on_resync },
    { 0 },
};

static struct peer *peer_new(struct world *world, const char *name, const char *role)
{
    struct scope *life = scope_new(world->life, "peer", SCOPE_NO_LIMIT);
    struct peer *peer = scope_alloc(life, sizeof *peer);
    struct link_identity *identity = scope_alloc(life, sizeof *identity);
    static const struct link_options options = { .reconnect_ms = 100 };
    peer->life = life;
    *identity = (struct link_identity){ .application = text_of(name),
                                        .role = text_of(role),
                                        .secret = APP_TEST_SECRET,
                                        .secret_is_master = true };
    peer->link = link_connect(life, world->net, NULL, ADDRESS, TEXT("config"), identity, &options,
                              peer_handlers, NULL, peer);
    loop_run_for(world->loop, 50);
    CHECK(link_is_up(peer->link));
    return peer;
}

static void peer_free(struct peer *peer)
{
    buf_free(&peer->heard);
    scope_close(peer->life);
}

/* --- asking --------------------------------------------------------------------------------- */

struct asking {
    struct world *world;
    const struct msg *reply;
};

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct asking *asking = self;
    struct world *world = asking->world;
    world->is_answered = true;
    world->err = error ? error->err : ERR_OK;
    buf_clear(&world->json);
    if (error) {
        world->code = error->code;
        world->name = scope_keep(world->life, error->name);
        world->field = scope_keep(world->life, error->field);
        world->object_type = scope_keep(world->life, error->object_type);
        world->words = scope_keep(world->life, error->text);
        for (uint32_t i = 0; i < error->detail_count; i++) {
            buf_add(&world->json, error->details[i]);
            buf_add_byte(&world->json, '\n');
        }
        return;
    }
    shape_to_json(&world->json, asking->reply->shape, fields);
}

static enum err ask(struct world *world, struct peer *peer, const struct msg *msg,
                    const void *fields)
{
    struct asking asking = { world, msg->reply };
    world->is_answered = false;
    link_ask(peer->link, msg, fields, NULL, 5000, on_reply, &asking);
    loop_run_for(world->loop, 100);
    CHECK(world->is_answered);
    return world->err;
}

static bool answer_has(const struct world *world, const char *words)
{
    return memmem(world->json.at, world->json.len, words, strlen(words)) != NULL;
}

static int64_t answer_number(struct world *world, const char *name)
{
    struct kv kv;
    struct fault fault;
    CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
    const struct value *value = kv_find(&kv, text_of(name));
    return value ? value->integer : -1;
}

static enum err change(struct world *world, struct peer *peer, const char *op, const char *type,
                       const char *key, const char *value, const char *cascade)
{
    struct config_change_op one = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE,
        .op = text_of(op),
        .type = text_of(type),
        .key = text_of(key),
        .value = text_of(value),
        .cascade = text_of(cascade),
    };
    if (key) one.head.has |= CONFIG_CHANGE_OP_HAS_KEY;
    if (value) one.head.has |= CONFIG_CHANGE_OP_HAS_VALUE;
    if (cascade) one.head.has |= CONFIG_CHANGE_OP_HAS_CASCADE;
    struct config_change_set set = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { &one, 1 } };
    return ask(world, peer, &MSG_CONFIG_CHANGE_SET, &set);
}

static enum err create(struct world *world, struct peer *peer, const char *type, const char *value)
{
    return change(world, peer, "create", type, NULL, value, NULL);
}

static enum err subscribe(struct world *world, struct peer *peer, const char *type,
                          const char *epoch, uint64_t since)
{
    struct text types[] = { text_of(type) };
    struct config_subscribe fields = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                       .types = { types, 1 },
                                       .since_rev = since,
                                       .epoch = text_of(epoch) };
    if (epoch) fields.head.has |= CONFIG_SUBSCRIBE_HAS_SINCE_REV | CONFIG_SUBSCRIBE_HAS_EPOCH;
    return ask(world, peer, &MSG_CONFIG_SUBSCRIBE, &fields);
}

static struct text epoch_of(struct world *world)
{
    struct kv kv;
    struct fault fault;
    CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
    return scope_keep(world->life, kv_find(&kv, TEXT("epoch"))->text);
}

static enum err apply(struct world *world, struct peer *peer, const char *file,
                      const struct kv *variables)
{
    struct config_apply fields = { .head.has = CONFIG_APPLY_HAS_TEXT | CONFIG_APPLY_HAS_VARIABLES,
                                   .text = text_of(file),
                                   .variables = *variables };
    return ask(world, peer, &MSG_CONFIG_APPLY, &fields);
}

#define FILE_HEAD "{\"format\":\"cc-config\",\"version\":1,"

/* --- tests ---------------------------------------------------------------------------------- */

TEST(a_change_is_answered_and_told_to_subscribers_of_its_type)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool"),
                *places = peer_new(world, "supervisor", "primary"),
                *hosts = peer_new(world, "supervisor", "primary");
    CHECK_OK(subscribe(world, places, "Place", NULL, 0));
    CHECK_I64(answer_number(world, "rev"), 1);
    CHECK_OK(subscribe(world, hosts, "Host", NULL, 0));
    CHECK_OK(create(world, tool, "Place", "{\"name\":\"p\"}"));
    CHECK_I64(answer_number(world, "rev"), 2);
    CHECK(answer_has(world, "\"dbid\":1,\"rev\":2,\"tenant\":\"Environment\",\"key\":\"p\""));
    CHECK_TEXT(buf_text(&places->heard), "added Place p 2\n");
    CHECK_TEXT(buf_text(&hosts->heard), "");
    CHECK_U32(hosts->rev_count, 1); /* each revision, also without objects of its types */
    CHECK_OK(change(world, tool, "update", "places", "p", "{\"site\":\"c\"}", NULL));
    CHECK_OK(change(world, tool, "delete", "Place", "1", NULL, NULL));
    CHECK_TEXT(buf_text(&places->heard), "added Place p 2\nchanged Place p 3\ndeleted Place p 4\n");
    peer_free(tool);
    peer_free(places);
    peer_free(hosts);
    world_free(world);
}

TEST(F6_who_was_away_hears_exactly_the_five_revisions_it_missed_in_order)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool"),
                *away = peer_new(world, "supervisor", "primary");
    CHECK_OK(subscribe(world, away, "Place", NULL, 0));
    struct text epoch = epoch_of(world);
    CHECK_OK(create(world, tool, "Place", "{\"name\":\"p\"}"));
    uint64_t rev = away->revs[0];
    peer_free(away);
    for (int i = 0; i < 5; i++) {
        char value[64];
        snprintf(value, sizeof value, "{\"site\":\"c%d\"}", i);
        CHECK_OK(change(world, tool, "update", "Place", "p", value, NULL));
        loop_run_for(world->loop, 4000);
    }
    struct peer *back = peer_new(world, "supervisor", "primary");
    CHECK_OK(subscribe(world, back, "Place", epoch.at, rev));
    CHECK(answer_has(world, "\"content\":\"changes\""));
    CHECK_U32(back->rev_count, 5);
    for (uint32_t i = 0; i < 5; i++) CHECK_I64(back->revs[i], rev + 1 + i);
    CHECK_OK(create(world, tool, "Place", "{\"name\":\"q\"}"));
    CHECK_U32(back->rev_count, 6);
    peer_free(tool);
    peer_free(back);
    world_free(world);
}

TEST(who_knows_another_store_or_too_old_a_revision_reads_everything_anew)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool");
    CHECK_OK(subscribe(world, tool, "Place", "another", 1));
    CHECK(answer_has(world, "\"content\":\"objects\""));
    struct text epoch = epoch_of(world);
    CHECK_OK(apply(world, tool,
                   FILE_HEAD "\"applications\":[{\"name\":\"config\",\"template\":"
                             "\"ConfigurationServer\",\"options\":{\"config\":"
                             "{\"subscriber-history\":2}}}]}",
                   &(struct kv){ 0 }));
    for (int i = 0; i < 4; i++) {
        char value[64];
        snprintf(value, sizeof value, "{\"name\":\"p%d\"}", i);
        CHECK_OK(create(world, tool, "Place", value));
    }
    CHECK_OK(subscribe(world, tool, "Place", epoch.at, 2));
    CHECK(answer_has(world, "\"content\":\"objects\""));
    CHECK_OK(subscribe(world, tool, "Place", epoch.at, 4));
    CHECK(answer_has(world, "\"content\":\"changes\""));
    peer_free(tool);
    world_free(world);
}

TEST(a_refusal_carries_the_triple_of_the_guides_and_every_problem)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool");
    CHECK(create(world, tool, "Application",
                 "{\"name\":\"a\",\"type\":\"x\",\"host\":\"h1\",\"backupServer\":\"b1\"}") ==
          ERR_INVALID);
    CHECK_TEXT(world->name, "CFGInvalidValue");
    CHECK_TEXT(world->object_type, "CFGApplication");
    CHECK_TEXT(world->field, "CFGHost");
    CHECK_I64(world->code, 422);
    CHECK(answer_has(world, "no Host \"h1\"") && answer_has(world, "no Application \"b1\""));
    CHECK(change(world, tool, "delete", "Application", "nobody", NULL, NULL) == ERR_NOT_FOUND);
    CHECK_TEXT(world->name, "CFGObjectNotFound");
    CHECK_I64(world->code, 404);
    CHECK(create(world, tool, "Tenant", "{\"name\":\"Environment\"}") == ERR_EXISTS);
    CHECK_TEXT(world->name, "CFGUniquenessViolation");
    CHECK(create(world, tool, "Nonsense", "{}") == ERR_INVALID);
    CHECK(create(world, tool, "Place", "{") == ERR_INVALID);
    peer_free(tool);
    world_free(world);
}

TEST(a_snapshot_comes_in_pages_and_what_changes_meanwhile_is_told)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool"),
                *peer = peer_new(world, "supervisor", "primary");
    struct buf file = { 0 };
    buf_add_z(&file, FILE_HEAD "\"places\":[");
    for (int i = 0; i < 1200; i++) buf_format(&file, "{\"name\":\"p%04d\"},", i);
    buf_add_z(&file, "]}");
    buf_add_byte(&file, '\0');
    CHECK_OK(apply(world, tool, file.at, &(struct kv){ 0 }));
    CHECK_I64(answer_number(world, "created"), 1200);
    buf_free(&file);
    CHECK_OK(subscribe(world, peer, "Place", NULL, 0));
    CHECK(answer_has(world, "\"key\":\"p0499\"") && !answer_has(world, "\"key\":\"p0500\""));
    uint32_t pages = 1;
    for (struct kv kv = { 0 };; pages++) {
        struct fault fault;
        CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
        const struct value *cursor = kv_find(&kv, TEXT("cursor"));
        if (cursor == NULL) break;
        struct config_snapshot_next next = { .head.has = CONFIG_SNAPSHOT_NEXT_HAS_CURSOR,
                                             .cursor = cursor->text };
        if (pages == 1) CHECK_OK(change(world, tool, "delete", "Place", "p1100", NULL, NULL));
        CHECK_OK(ask(world, peer, &MSG_CONFIG_SNAPSHOT_NEXT, &next));
    }
    CHECK_U32(pages, 3);
    CHECK(answer_has(world, "\"key\":\"p1199\"") && !answer_has(world, "\"key\":\"p1100\""));
    CHECK_TEXT(buf_text(&peer->heard), "deleted Place p1100 3\n");
    peer_free(tool);
    peer_free(peer);
    world_free(world);
}

TEST(F2_the_same_file_again_has_nothing_to_do_and_makes_no_revision)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool");
    static const char file[] = FILE_HEAD "\"hosts\":[{\"name\":\"h\"}]}";
    CHECK_OK(apply(world, tool, file, &(struct kv){ 0 }));
    CHECK_I64(answer_number(world, "rev"), 2);
    CHECK_OK(apply(world, tool, file, &(struct kv){ 0 }));
    CHECK_I64(answer_number(world, "rev"), 2);
    CHECK_I64(answer_number(world, "unchanged"), 1);
    struct config_plan plan = { .head.has = CONFIG_PLAN_HAS_TEXT, .text = text_of(file) };
    CHECK_OK(ask(world, tool, &MSG_CONFIG_PLAN, &plan));
    CHECK(answer_has(world, "\"op\":\"unchanged\"") && !answer_has(world, "\"op\":\"create\""));
    peer_free(tool);
    world_free(world);
}

TEST(a_secret_goes_to_servers_in_clear_and_to_others_by_name)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool"),
                *server = peer_new(world, "outbound", "primary"),
                *others[] = { tool, peer_new(world, "web", "primary"),
                              peer_new(world, "crm", "primary"),
                              peer_new(world, "supervisor", "primary") };
    struct pair given = { TEXT("$env:DB"), { .kind = VALUE_TEXT, .text = TEXT("open-sesame") } };
    CHECK_OK(apply(world, tool,
                   FILE_HEAD "\"hosts\":[{\"name\":\"h\",\"ipAddress\":\"127.0.0.1\"}],"
                             "\"applications\":[{\"name\":\"d\",\"template\":\"Database\","
                             "\"options\":{\"db\":{\"password\":{\"$secret\":\"db\"}}}},"
                             "{\"name\":\"outbound\",\"template\":\"CMServer\",\"host\":\"h\"},"
                             "{\"name\":\"web\",\"template\":\"WebAPIServer\",\"host\":\"h\"},"
                             "{\"name\":\"crm\",\"template\":\"CMServer\",\"isServer\":false}],"
                             "\"secrets\":{\"db\":{\"$env\":\"DB\"}}}",
                   &(struct kv){ &given, 1 }));
    CHECK_OK(subscribe(world, server, "Application", NULL, 0));
    CHECK(answer_has(world, "open-sesame"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        CHECK_OK(subscribe(world, others[i], "Application", NULL, 0));
        CHECK(!answer_has(world, "open-sesame") && answer_has(world, "$secret"));
    }
    struct config_export export = { 0 };
    CHECK_OK(ask(world, tool, &MSG_CONFIG_EXPORT, &export));
    CHECK(!answer_has(world, "open-sesame") && answer_has(world, "$secret"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) peer_free(others[i]);
    peer_free(server);
    world_free(world);
}

TEST(who_has_no_account_changes_nothing_and_sees_what_it_may)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool");
    CHECK_OK(create(world, tool, "Application",
                    "{\"name\":\"crm\",\"template\":\"CMServer\",\"isServer\":false}"));
    static const char *const names[] = { "crm", "supervisor", "nobody" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct peer *peer = peer_new(world, names[i], "primary");
        CHECK(create(world, peer, "Place", "{\"name\":\"p\"}") == ERR_DENIED);
        CHECK_TEXT(world->name, "CFGNoPermission");
        CHECK(apply(world, peer, FILE_HEAD "\"places\":[{\"name\":\"p\"}]}", &(struct kv){ 0 }) ==
              ERR_DENIED);
        CHECK_OK(ask(world, peer, &MSG_CONFIG_EXPORT, &(struct config_export){ 0 }));
        CHECK(answer_has(world, "America/New_York") == (i < 2));
        CHECK_OK(subscribe(world, peer, "TimeZone", NULL, 0));
        CHECK(answer_has(world, "America/New_York") == (i < 2));
        peer_free(peer);
    }
    peer_free(tool);
    world_free(world);
}

TEST(F10_an_option_of_its_own_takes_effect_at_once)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool");
    CHECK_OK(create(world, tool, "Application",
                    "{\"name\":\"config\",\"template\":\"ConfigurationServer\"}"));
    const struct config_options *options = world->app->options;
    CHECK_U32(options->common.sml_suspending_wait_timeout, 10);
    CHECK(change(world, tool, "update", "Application", "config",
                 "{\"annex\":{\"sml\":{\"suspending-wait-timeout\":\"4\"}}}", NULL) == ERR_INVALID);
    CHECK_I64(world->code, 422);
    CHECK_OK(change(world, tool, "update", "Application", "config",
                    "{\"annex\":{\"sml\":{\"suspending-wait-timeout\":\"5\"}}}", NULL));
    options = world->app->options;
    CHECK_U32(options->common.sml_suspending_wait_timeout, 5);
    peer_free(tool);
    world_free(world);
}

TEST(reading_gives_one_object_or_pages_of_a_type)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool");
    struct config_read read = { .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_KEY,
                                .type = TEXT("TimeZone"),
                                .key = TEXT("EST") };
    CHECK_OK(ask(world, tool, &MSG_CONFIG_READ, &read));
    CHECK(answer_has(world, "America/New_York") && !answer_has(world, "America/Chicago"));
    read = (struct config_read){ .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_LIMIT,
                                 .type = TEXT("timeZones"),
                                 .limit = 2 };
    CHECK_OK(ask(world, tool, &MSG_CONFIG_READ, &read));
    CHECK(answer_has(world, "\"more\":true") && answer_has(world, "\"key\":\"GMT\""));
    read.type = TEXT("Weather");
    CHECK(ask(world, tool, &MSG_CONFIG_READ, &read) == ERR_NOT_FOUND);
    peer_free(tool);
    world_free(world);
}

/* The change that forgets all history is itself on its way to subscribers. */
TEST(subscribers_hear_of_the_change_that_switches_their_history_off)
{
    struct world *world = world_new();
    struct peer *tool = peer_new(world, "tool", "tool"),
                *peer = peer_new(world, "supervisor", "primary");
    CHECK_OK(subscribe(world, peer, "Application", NULL, 0));
    CHECK_OK(create(world, tool, "Application",
                    "{\"name\":\"config\",\"template\":\"ConfigurationServer\",\"options\":"
                    "{\"config\":{\"subscriber-history\":\"0\"}}}"));
    CHECK_TEXT(buf_text(&peer->heard), "added Application config 2\n");
    peer_free(tool);
    peer_free(peer);
    world_free(world);
}
