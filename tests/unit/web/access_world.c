/* SPDX-License-Identifier: Apache-2.0 */
#include "access_world.h"

#include "format/json.h"
#include "gen/events.h"
#include "io/http/client.h"
#include "servers/config/server.h"
#include "tests/world/websocket_client.h"

#include <stdio.h>
#include <string.h>

extern const struct app_type APP_TYPE_CONTROL, APP_TYPE_WEB;

#define PASSWORD "Correct-Horse-1"

enum { ANSWER_MS = 5000 };

/* Limits are other tests' matter. */
static const char applications[] =
    ",{\"name\":\"config\",\"template\":\"ConfigurationServer\",\"host\":\"h\",\"ports\":[{"
    "\"id\":\"default\",\"number\":2020}]},"
    "{\"name\":\"control\",\"template\":\"SCS\",\"host\":\"h\",\"ports\":[{"
    "\"id\":\"default\",\"number\":2021}],\"connections\":[{\"server\":\"config\"}]},"
    "{\"name\":\"web\",\"template\":\"WebAPIServer\",\"host\":\"h\","
    "\"tenants\":[\"Environment\",\"T\"],\"connections\":[{\"server\":\"config\"},"
    "{\"server\":\"control\"}],"
    "\"ports\":[{\"id\":\"default\",\"number\":8090,\"connectionProtocol\":\"http\","
    "\"transportParams\":\"address=127.0.0.9\"}],"
    "\"options\":{\"web\":{\"requests-per-second\":\"100000\",\"logins-per-address\":\"100000\","
    "\"sessions-per-person\":\"100\"}}}";

/* --- the audit ------------------------------------------------------------------------------ */

static bool wants_standard(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_STANDARD;
}

static void hear(void *self, const struct log_event *event, struct text context, struct text line)
{
    struct access_world *world = self;
    (void)context;
    if (event->category != LOG_CATEGORY_AUDIT) return;
    if (event == &EVENT_CHANGE_COMMITTED)
        world->made++;
    else if (event == &EVENT_CHANGE_REFUSED || event == &EVENT_CONTROL_ORDER_REFUSED)
        world->refused++;
    else
        return;
    (void)snprintf(world->audit, sizeof world->audit, "%.*s", TEXT_ARG(line));
}

static void listen_to(struct access_world *world, struct app *app)
{
    struct log_sink *sink = scope_alloc(world->config->life, sizeof *sink);
    *sink = (struct log_sink){ .wants = wants_standard, .write = hear, .self = world };
    app->log = (struct log){ .sink = sink };
}

/* --- its life ------------------------------------------------------------------------------- */

static void on_app_end(void *self, int exit_code)
{
    (void)self;
    fail_msg("a server ended with %d", exit_code);
}

/* Born as a supervisor would, but without one. */
static struct app *start_app(struct access_world *world, const struct app_type *type)
{
    struct world *config = world->config;
    struct fault fault = { 0 };
    struct buf birth = { 0 };
    struct app *app;
    buf_format(&birth,
               "{\"application\":\"%s\",\"type\":\"%s\",\"run\":\"/run\",\"data\":\"/%s\","
               "\"host\":\"h\",\"config\":\"127.0.0.1:2020\","
               "\"config_application\":\"config\",\"secret\":\"",
               type->name, type->name, type->name);
    for (size_t i = 0; i < APP_TEST_SECRET.len; i++)
        buf_format(&birth, "%02x", (unsigned)APP_TEST_SECRET.at[i]);
    buf_add_z(&birth, "\"}");
    struct app_simulation simulation = { .birth = buf_text(&birth), .on_end = on_app_end };
    struct scope *life = scope_new(config->life, type->name, SCOPE_NO_LIMIT);
    CHECK_OK(app_new_simulated(life, config->loop, type, &simulation, &app, &fault));
    buf_free(&birth);
    loop_run_for(config->loop, 3000);
    return app;
}

struct access_world *access_world_new(void)
{
    struct world *config = world_new();
    struct access_world *world = scope_alloc(config->life, sizeof *world);
    *world = (struct access_world){ .config = config };
    world->tool = asker_new(config, "tool", "127.0.0.1:2020", "config");
    world->tool->is_quick = true;
    world->answer_life = scope_new(config->life, "answer", SCOPE_NO_LIMIT);
    table_make(world->tool, applications);
    world->net = net_new(config->life, config->loop);
    world->http = http_client_new(config->life, world->net, 4);
    world->control = start_app(world, &APP_TYPE_CONTROL);
    world->web = start_app(world, &APP_TYPE_WEB);
    for (size_t i = 0; i < table_role_count; i++)
        if (table_role_logs_in(&table_roles[i]))
            access_set_password(world, table_roles[i].person, false);
    listen_to(world, world->config->app);
    listen_to(world, world->control);
    return world;
}

void access_world_free(struct access_world *world)
{
    struct world *config = world->config;
    asker_free(world->tool);
    world_free(config);
}

static const struct config_server *server_of(const struct access_world *world)
{
    return app_server(world->config->app);
}

uint64_t access_revision(const struct access_world *world)
{
    return server_of(world)->rev;
}

uint32_t access_dbid(const struct access_world *world, const struct table_cell *cell,
                     const struct table_object *object)
{
    struct text tenant = cell->type->is_global ? TEXT("") : text_of(table_tenant(cell));
    const struct object *found =
        object_set_find(server_of(world)->objects, cell->type, tenant, text_of(object->key));
    CHECK(found != NULL);
    return found->dbid;
}

struct text access_export(struct access_world *world)
{
    return export_all(world->tool);
}

void access_set_password(struct access_world *world, const char *user, bool must_change)
{
    struct config_set_password set = {
        .head.has = CONFIG_SET_PASSWORD_HAS_USER_NAME | CONFIG_SET_PASSWORD_HAS_NEW_PASSWORD |
                    CONFIG_SET_PASSWORD_HAS_MUST_CHANGE,
        .user_name = text_of(user),
        .new_password = TEXT(PASSWORD),
        .must_change = must_change,
    };
    CHECK_OK(ask(world->tool, &MSG_CONFIG_SET_PASSWORD, &set));
}

/* --- over HTTP ------------------------------------------------------------------------------ */

struct coming {
    struct access_world *world;
    struct access_answer answer;
    bool is_here;
};

static void wait_for(struct coming *coming)
{
    struct loop *loop = coming->world->config->loop;
    for (int i = 0; i < ANSWER_MS && !coming->is_here; i++) loop_run_for(loop, 1);
    CHECK(coming->is_here);
}

static void on_done(void *self, const struct http_result *result)
{
    struct coming *coming = self;
    struct scope *life = coming->world->answer_life;
    struct kv members;
    struct fault fault;
    CHECK_I64(result->failure, HTTP_FAILURE_NONE);
    coming->answer.status = result->status;
    coming->answer.body = scope_keep(life, result->body);
    if (result->status >= 400 &&
        json_read_kv(coming->answer.body, life, &members, &fault) == ERR_OK)
        coming->answer.error = kv_text(&members, "errorType");
    coming->is_here = true;
}

struct access_answer access_http(struct access_world *world, const char *method, const char *path,
                                 struct text token, const char *if_match, const char *body)
{
    struct coming coming = { .world = world };
    scope_reset(world->answer_life);
    /* Who says she is somebody else is not. */
    struct http_header headers[5] = { { TEXT("Person"), TEXT("default") },
                                      { TEXT("X-Forwarded-User"), TEXT("default") } };
    size_t count = 2;
    if (token.len)
        headers[count++] = (struct http_header){
            TEXT("Authorization"), scope_format(world->answer_life, "Bearer %.*s", TEXT_ARG(token))
        };
    if (body)
        headers[count++] = (struct http_header){ TEXT("Content-Type"), TEXT("application/json") };
    if (if_match) headers[count++] = (struct http_header){ TEXT("If-Match"), text_of(if_match) };
    struct http_call call = {
        .method = text_of(method),
        .url = scope_format(world->answer_life, "http://" ACCESS_DOOR "%s", path),
        .headers = { headers, count },
        .body = text_of(body ? body : ""),
        .timeout_ms = ANSWER_MS,
    };
    (void)http_client_send(world->http, &call, on_done, &coming);
    wait_for(&coming);
    return coming.answer;
}

struct text access_log_in(struct access_world *world, const char *user)
{
    char body[128];
    struct kv members;
    struct fault fault;
    (void)snprintf(body, sizeof body, "{\"user\":\"%s\",\"password\":\"" PASSWORD "\"}", user);
    struct access_answer answer =
        access_http(world, "POST", "/api/cfg/v1/login", TEXT(""), NULL, body);
    if (answer.status != 200) return TEXT("");
    CHECK_OK(json_read_kv(answer.body, world->answer_life, &members, &fault));
    return scope_keep(world->config->life, kv_text(&members, "token"));
}

/* --- over a WebSocket ----------------------------------------------------------------------- */

struct access_desktop {
    struct scope *life;
    struct access_world *world;
    struct websocket_client *client;
    struct coming *waits; /* for the Welcome, or for the answer to `ref` */
    uint64_t ref;
};

static void on_open(void *self)
{
    (void)self; /* the Welcome is what counts */
}

static void take_error(struct access_answer *answer, const struct kv *error)
{
    const struct value *code = kv_find(error, TEXT("code"));
    CHECK(code != NULL);
    answer->status = (unsigned)code->integer;
    answer->error = kv_text(error, "name");
}

/* Behind the numbers of frames, which are no two times the same. */
static struct text behind_ref(struct text message)
{
    size_t at = text_find(message, ':', 0);
    at = text_find(message, ':', at + 1);
    at = text_find(message, ',', at);
    return text_slice(message, at, message.len);
}

static void on_message(void *self, struct text message)
{
    struct access_desktop *desktop = self;
    struct coming *coming = desktop->waits;
    struct scope *life = desktop->world->answer_life;
    struct kv frame;
    struct fault fault;
    if (coming == NULL) return;
    struct text kept = scope_keep(life, message);
    CHECK_OK(json_read_kv(kept, life, &frame, &fault));
    const struct value *ref = kv_find(&frame, TEXT("ref"));
    if (desktop->ref && (ref == NULL || ref->integer != (int64_t)desktop->ref)) return;
    coming->answer = (struct access_answer){ .status = desktop->ref ? 200 : 101 };
    const struct value *error = kv_find(&frame, TEXT("error"));
    if (error) take_error(&coming->answer, &error->pairs);
    if (desktop->ref) coming->answer.body = behind_ref(kept);
    coming->is_here = true;
    desktop->waits = NULL;
}

static void on_end(void *self, unsigned status, const char *words)
{
    struct access_desktop *desktop = self;
    (void)words;
    if (desktop->waits == NULL) return;
    desktop->waits->answer = (struct access_answer){ .status = status };
    desktop->waits->is_here = true;
    desktop->waits = NULL;
}

struct access_desktop *access_desktop_open(struct access_world *world, struct text token,
                                           unsigned *status)
{
    static const struct websocket_client_handler handler = { on_open, on_message, on_end };
    struct scope *life = scope_new(world->config->life, "desktop", SCOPE_NO_LIMIT);
    struct access_desktop *desktop = scope_alloc(life, sizeof *desktop);
    struct coming coming = { .world = world };
    *desktop = (struct access_desktop){ .life = life, .world = world, .waits = &coming };
    scope_reset(world->answer_life);
    desktop->client = websocket_client_open(life, world->net, TEXT(ACCESS_DOOR), TEXT("/desktop"),
                                            token, &handler, desktop);
    wait_for(&coming);
    *status = coming.answer.status;
    return desktop;
}

void access_desktop_close(struct access_desktop *desktop)
{
    websocket_client_cut(desktop->client);
    scope_close(desktop->life);
}

struct access_answer access_frame(struct access_desktop *desktop, const char *to,
                                  const char *message, const char *fields)
{
    struct coming coming = { .world = desktop->world };
    struct buf frame = { 0 };
    scope_reset(desktop->world->answer_life);
    desktop->ref++;
    desktop->waits = &coming;
    /* Who says she is somebody else is not. */
    buf_format(&frame,
               "{\"to\":\"%s\",\"message\":\"%s\",\"ref\":%llu,\"person\":\"default\","
               "\"tenant\":\"Environment\",\"application\":\"tool\",\"fields\":%s}",
               to, message, (unsigned long long)desktop->ref, fields);
    websocket_client_send(desktop->client, buf_text(&frame));
    buf_free(&frame);
    wait_for(&coming);
    return coming.answer;
}
