/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "format/json.h"
#include "format/msgpack.h"
#include "io/net/sim_net.h"
#include "store/sim_disk.h"

#include <string.h>

extern const struct app_type APP_TYPE_CONFIG;

/* --- the master ----------------------------------------------------------------------------- */

void world_start(struct world *world)
{
    struct fault fault = { 0 };
    world->app_life = scope_new(world->life, "master", SCOPE_NO_LIMIT);
    struct text data = world->app ? world->app->data_dir : (struct text){ 0 };
    world->app = app_new_for_test(world->app_life, world->loop, &APP_TYPE_CONFIG, TEXT("config"));
    world->app->data_dir = data;
    place_app(&world->place, world->app);
    /* Its own Application object: the port that app_listen() opens. */
    CHECK_OK(app_put_object(world->app, &OBJECT_APPLICATION, 900, 1, TEXT(""),
                            TEXT("{\"name\":\"config\",\"type\":\"ConfigurationServer\",\"ports\":"
                                 "[{\"id\":\"default\",\"number\":2020}]}"),
                            &fault));
    app_objects_changed(world->app, 1);
    CHECK_OK(app_begin(world->app, &fault));
    loop_run_for(world->loop, 3000);
}

void world_kill(struct world *world)
{
    struct text data = scope_keep(world->life, world->app->data_dir);
    sim_disk_crash(world->loop, data, SIM_CRASH_PROCESS);
    scope_close(world->app_life);
    /* For its data folder alone. */
    struct app *gone = scope_alloc(world->life, sizeof *gone);
    gone->data_dir = data;
    world->app = gone;
}

static struct world *make(const char *data)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    struct app *before = scope_alloc(life, sizeof *before);
    before->data_dir = data ? text_of(data) : (struct text){ 0 };
    *world = (struct world){ .life = life, .app = before };
    world->loop = loop_new_virtual(life, 1000000, 5);
    world->net = net_new(life, world->loop);
    world->answer_life = scope_new(life, "answer", SCOPE_NO_LIMIT);
    world_start(world);
    return world;
}

struct world *world_new(void)
{
    return make(NULL);
}

struct world *world_new_on_disk(const char *data)
{
    return make(data);
}

void world_free(struct world *world)
{
    buf_free(&world->json);
    scope_close(world->life);
}

/* --- asking --------------------------------------------------------------------------------- */

static void on_mode(void *self, struct link *link, const void *fields)
{
    struct asker *asker = self;
    const struct config_mode_changed *changed = fields;
    (void)link;
    buf_format(&asker->events, "mode %.*s\n", TEXT_ARG(changed->mode));
}

static void on_changed(void *self, struct link *link, const void *fields)
{
    struct asker *asker = self;
    const struct config_changed *changed = fields;
    (void)link;
    buf_add_z(&asker->changes, "rev\n");
    for (uint32_t i = 0; i < changed->ops.count; i++) {
        const struct config_changed_object *op = &changed->ops.at[i];
        buf_format(&asker->changes, "%.*s %.*s %.*s\n", TEXT_ARG(op->op),
                   TEXT_ARG(op->object->type), TEXT_ARG(op->object->key));
    }
}

static void on_resync(void *self, struct link *link, const void *fields)
{
    struct asker *asker = self;
    (void)link, (void)fields;
    buf_add_z(&asker->changes, "resync\n");
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_CONFIG_MODE_CHANGED, .on_event = on_mode },
    { .msg = &MSG_CONFIG_CHANGED, .on_event = on_changed },
    { .msg = &MSG_CONFIG_RESYNC, .on_event = on_resync },
    { 0 },
};

static void forget_asker(void *self)
{
    struct asker *asker = self;
    buf_free(&asker->events);
    buf_free(&asker->changes);
}

struct asker *asker_new(struct world *world, const char *name, const char *address,
                        const char *server)
{
    struct scope *life = scope_new(world->life, "asker", SCOPE_NO_LIMIT);
    struct asker *asker = scope_alloc(life, sizeof *asker);
    struct link_identity *identity = scope_alloc(life, sizeof *identity);
    static const struct link_options options = { .reconnect_ms = 100 };
    *asker = (struct asker){ .world = world, .life = life };
    scope_on_close(life, forget_asker, asker);
    bool is_tool = strcmp(name, "tool") == 0;
    *identity = (struct link_identity){ .application = text_of(name),
                                        .role = is_tool ? TEXT("tool") : TEXT("primary"),
                                        .secret = APP_TEST_SECRET,
                                        .secret_is_master = true };
    asker->link = link_connect(life, world->net, NULL, text_of(address), text_of(server), identity,
                               &options, handlers, NULL, asker);
    loop_run_for(world->loop, 50);
    CHECK(link_is_up(asker->link));
    return asker;
}

void asker_free(struct asker *asker)
{
    scope_close(asker->life);
}

struct asking {
    struct world *world;
    const struct msg *reply;
};

static void keep_refusal(struct world *world, const struct link_error *error)
{
    world->code = error->code;
    world->is_retryable = error->retryable;
    world->name = scope_keep(world->life, error->name);
    world->field = scope_keep(world->life, error->field);
    world->object_type = scope_keep(world->life, error->object_type);
    world->words = scope_keep(world->life, error->text);
    for (uint32_t i = 0; i < error->detail_count; i++) {
        buf_add(&world->json, error->details[i]);
        buf_add_byte(&world->json, '\n');
    }
}

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct asking *asking = self;
    struct world *world = asking->world;
    world->is_answered = true;
    world->err = error ? error->err : ERR_OK;
    buf_clear(&world->json);
    scope_reset(world->answer_life);
    world->fields = NULL;
    if (error) {
        keep_refusal(world, error);
        return;
    }
    struct buf copy = { 0 };
    void *kept;
    shape_to_json(&world->json, asking->reply->shape, fields);
    msgpack_encode(&copy, asking->reply->shape, fields);
    CHECK_OK(
        msgpack_decode(buf_text(&copy), asking->reply->shape, world->answer_life, &kept, NULL));
    world->fields = kept;
    buf_free(&copy);
}

enum err ask(struct asker *asker, const struct msg *msg, const void *fields)
{
    struct world *world = asker->world;
    struct asking asking = { world, msg->reply };
    world->is_answered = false;
    link_ask(asker->link, msg, fields, &asker->header, 5000, on_reply, &asking);
    for (int i = 0; i < 6000 && !world->is_answered; i++)
        loop_run_for(world->loop, asker->is_quick ? 1 : 60);
    CHECK(world->is_answered);
    return world->err;
}

enum err change(struct asker *asker, const char *op, const char *type, const char *key,
                const char *value)
{
    struct config_change_op one = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE,
        .op = text_of(op),
        .type = text_of(type),
        .key = text_of(key),
        .value = text_of(value),
    };
    if (key) one.head.has |= CONFIG_CHANGE_OP_HAS_KEY;
    if (value) one.head.has |= CONFIG_CHANGE_OP_HAS_VALUE;
    struct config_change_set set = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { &one, 1 } };
    return ask(asker, &MSG_CONFIG_CHANGE_SET, &set);
}

enum err apply_file(struct asker *asker, const char *file)
{
    struct config_apply fields = { .head.has = CONFIG_APPLY_HAS_TEXT | CONFIG_APPLY_HAS_OVERWRITE,
                                   .text = text_of(file),
                                   .overwrite = true };
    return ask(asker, &MSG_CONFIG_APPLY, &fields);
}

bool answer_has(const struct world *world, const char *words)
{
    return memmem(world->json.at, world->json.len, words, strlen(words)) != NULL;
}

uint64_t answer_rev(const struct world *world)
{
    struct kv kv;
    struct fault fault;
    CHECK_OK(json_read_kv(buf_text(&world->json), world->life, &kv, &fault));
    const struct value *rev = kv_find(&kv, TEXT("rev"));
    CHECK(rev != NULL);
    return (uint64_t)rev->integer;
}

struct text export_all(struct asker *asker)
{
    struct config_export export = { 0 };
    CHECK_OK(ask(asker, &MSG_CONFIG_EXPORT, &export));
    const struct config_export_done *done = asker->world->fields;
    return scope_keep(asker->world->life, done->text);
}
