/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tool.h"

#include "format/json.h"
#include "gen/messages.h"
#include "servers/supervisor/host_file.h"
#include "servers/supervisor/installation.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HOST_FILE_BYTES_MAX = 1 << 20, READ_MS = 10000, USER_MAX = 64 };

/* --- where the installation is --------------------------------------------------------------- */

static enum err read_host_file(struct tool *tool, struct fault *fault)
{
    struct host_file *file;
    const char *path = scope_format(tool->life, "%.*s/host.jsonc", TEXT_ARG(tool->data_dir)).at;
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "",
                         "%s: %s (has the supervisor run there? else: --data DIR)", path,
                         strerror(errno));
    char *bytes = scope_alloc(tool->life, HOST_FILE_BYTES_MAX);
    size_t len = fread(bytes, 1, HOST_FILE_BYTES_MAX, stream);
    fclose(stream);
    enum err err = host_file_parse(tool->life, (struct text){ bytes, len }, &file, fault);
    if (err) return err;
    tool->host = file->host;
    tool->config_application = file->config->application;
    tool->config_address = file->config->address;
    tool->run_dir = file->run.len > 0
                        ? file->run
                        : scope_format(tool->life, "%.*s/run", TEXT_ARG(tool->data_dir));
    return ERR_OK;
}

static enum err find_data_dir(struct tool *tool, const char *data_dir, struct fault *fault)
{
    char whole[PATH_MAX];
    const char *wanted = data_dir;
    if (wanted == NULL || wanted[0] == 0) wanted = getenv("CARILLON_DATA");
    if (wanted == NULL || wanted[0] == 0) wanted = "run";
    if (realpath(wanted, whole) == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "", "data folder %s: %s (--data DIR)", wanted,
                         strerror(errno));
    tool->data_dir = scope_keep(tool->life, text_of(whole));
    return ERR_OK;
}

/* For audits: the installation's secret tells that somebody may, not who it is. */
static struct text system_user(struct scope *life)
{
    const struct passwd *entry = getpwuid(getuid());
    const char *behind = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    struct text user = behind  ? text_of(behind)
                       : entry ? text_of(entry->pw_name)
                               : scope_format(life, "%u", (unsigned)getuid());
    return scope_keep(life, text_slice(user, 0, USER_MAX));
}

enum err tool_open(struct tool *out, const char *data_dir, struct fault *fault)
{
    *out = (struct tool){ .life = scope_new(NULL, "tool", SCOPE_NO_LIMIT) };
    enum err err = find_data_dir(out, data_dir, fault);
    if (!err) err = read_host_file(out, fault);
    if (!err) err = installation_read_secret(out->data_dir, out->secret, fault);
    if (err) {
        tool_close(out);
        return err;
    }
    out->loop = loop_new(out->life);
    out->net = net_new(out->life, out->loop);
    out->identity =
        (struct link_identity){ .application = TEXT("tool"),
                                .role = TEXT("tool"),
                                .build = TEXT(CARILLON_VERSION),
                                .user = system_user(out->life),
                                .secret = { (const char *)out->secret, sizeof out->secret },
                                .secret_is_master = true };
    return ERR_OK;
}

void tool_close(struct tool *tool)
{
    scope_close(tool->life);
    *tool = (struct tool){ 0 };
}

/* --- connecting ----------------------------------------------------------------------------- */

struct connecting {
    struct loop *loop; /* NULL: nobody waits any more */
    struct link *link;
};

static void on_up(void *self, struct link *link)
{
    struct connecting *connecting = self;
    if (connecting->loop == NULL) return; /* up again, later */
    connecting->link = link;
    loop_stop(connecting->loop);
}

static void on_time_up(void *self)
{
    loop_stop(((struct connecting *)self)->loop);
}

enum err tool_connect(struct tool *tool, struct text address, struct text peer, uint64_t wait_ms,
                      struct link **out, struct fault *fault)
{
    static const struct link_life life = { .on_up = on_up };
    static const struct link_handler none[] = { { 0 } };
    struct link_options options = { .reconnect_ms = 200 };
    struct connecting *connecting = scope_alloc(tool->life, sizeof *connecting);
    *connecting = (struct connecting){ .loop = tool->loop };
    struct timer *timer = timer_new(tool->life, tool->loop, on_time_up, connecting);
    struct link *link = link_connect(tool->life, tool->net, &tool->log, address, peer,
                                     &tool->identity, &options,
                                     tool->handlers ? tool->handlers : none, &life, connecting);
    timer_start(timer, wait_ms);
    loop_run(tool->loop);
    timer_stop(timer);
    if (connecting->link == NULL) {
        link_close(link);
        return fault_set(fault, ERR_TIMEOUT, "", "no answer%s%.*s at %.*s",
                         peer.len ? " from " : "", TEXT_ARG(peer), TEXT_ARG(address));
    }
    connecting->loop = NULL;
    *out = link;
    return ERR_OK;
}

/* --- where an application listens ------------------------------------------------------------- */

struct lookup {
    struct tool *tool;
    struct text body;
};

static void on_objects(void *self, const void *fields)
{
    struct lookup *lookup = self;
    const struct config_objects *objects = fields;
    if (objects->objects.count)
        lookup->body = scope_keep(lookup->tool->life, objects->objects.at[0].body);
}

static enum err read_object(struct tool *tool, struct link *config, struct text type,
                            struct text key, struct kv *out, struct fault *fault)
{
    struct lookup lookup = { .tool = tool };
    struct config_read read = { .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_KEY,
                                .type = type,
                                .key = key };
    enum err err =
        tool_ask(tool, config, &MSG_CONFIG_READ, &read, READ_MS, on_objects, &lookup, fault);
    if (err) return err;
    if (lookup.body.len == 0)
        return fault_set(fault, ERR_NOT_FOUND, "", "there is no %.*s %.*s", TEXT_ARG(type),
                         TEXT_ARG(key));
    return json_read_kv(lookup.body, tool->life, out, fault);
}

/* The port of links: the one with id "default". 0: none. */
static int64_t link_port(const struct kv *application)
{
    const struct value *ports = kv_find(application, TEXT("ports"));
    if (ports == NULL || ports->kind != VALUE_LIST) return 0;
    for (uint32_t i = 0; i < ports->items.count; i++) {
        const struct value *port = &ports->items.at[i];
        if (port->kind != VALUE_KV || !text_eq(kv_text(&port->pairs, "id"), TEXT("default")))
            continue;
        const struct value *number = kv_find(&port->pairs, TEXT("number"));
        if (number && number->kind == VALUE_INTEGER) return number->integer;
    }
    return 0;
}

enum err tool_application_address(struct tool *tool, struct text name, uint64_t wait_ms,
                                  struct text *out, struct fault *fault)
{
    struct link *config;
    struct kv application, host = { 0 };
    struct text address = TEXT("127.0.0.1");
    enum err err = tool_connect_config(tool, wait_ms, &config, fault);
    if (err) return err;
    err = read_object(tool, config, TEXT("Application"), name, &application, fault);
    int64_t port = err ? 0 : link_port(&application);
    if (!err && port == 0)
        err = fault_set(fault, ERR_INVALID, "", "application %.*s has no port \"default\"",
                        TEXT_ARG(name));
    struct text where = err ? TEXT("") : kv_text(&application, "host");
    if (!err && where.len && !text_eq(where, tool->host)) {
        err = read_object(tool, config, TEXT("Host"), where, &host, fault);
        address = err ? address : kv_text(&host, "ipAddress");
    }
    link_close(config);
    if (!err) *out = scope_format(tool->life, "%.*s:%lld", TEXT_ARG(address), (long long)port);
    return err;
}

enum err tool_connect_application(struct tool *tool, struct text application, uint64_t wait_ms,
                                  struct link **out, struct fault *fault)
{
    struct text address;
    enum err err = tool_application_address(tool, application, wait_ms, &address, fault);
    return err ? err : tool_connect(tool, address, application, wait_ms, out, fault);
}

enum err tool_connect_config(struct tool *tool, uint64_t wait_ms, struct link **out,
                             struct fault *fault)
{
    return tool_connect(tool, tool->config_address, tool->config_application, wait_ms, out, fault);
}

enum err tool_connect_supervisor(struct tool *tool, uint64_t wait_ms, struct link **out,
                                 struct fault *fault)
{
    struct text address =
        scope_format(tool->life, "unix:%.*s/supervisor.sock", TEXT_ARG(tool->run_dir));
    return tool_connect(tool, address, TEXT("supervisor"), wait_ms, out, fault);
}

/* --- asking --------------------------------------------------------------------------------- */

struct asking {
    struct loop *loop;
    void (*on_reply)(void *self, const void *fields);
    void *self;
    struct fault *fault;
    bool is_done;
    enum err err;
};

static void complain(struct asking *asking, const struct link_error *error)
{
    char field[64];
    struct text words = error->text.len > 0 ? error->text : text_of(err_words(error->err));
    snprintf(field, sizeof field, "%.*s", TEXT_ARG(error->field));
    asking->err = fault_set(asking->fault, error->err, field, "%.*s%s%.*s", TEXT_ARG(error->name),
                            error->name.len > 0 ? ": " : "", TEXT_ARG(words));
    for (uint32_t i = 0; i < error->detail_count; i++)
        fprintf(stderr, "%.*s\n", TEXT_ARG(error->details[i]));
}

static void on_answer(void *self, const struct link_error *error, const void *fields)
{
    struct asking *asking = self;
    if (error != NULL)
        complain(asking, error);
    else if (asking->on_reply != NULL)
        asking->on_reply(asking->self, fields);
    asking->is_done = true;
    loop_stop(asking->loop);
}

enum err tool_ask(struct tool *tool, struct link *link, const struct msg *msg, const void *fields,
                  uint64_t deadline_ms, void (*on_reply)(void *self, const void *fields),
                  void *self, struct fault *fault)
{
    struct asking asking = {
        .loop = tool->loop, .on_reply = on_reply, .self = self, .fault = fault
    };
    link_ask(link, msg, fields, NULL, deadline_ms, on_answer, &asking);
    /* Every request ends exactly once, so this does, too. */
    while (!asking.is_done) loop_run(tool->loop);
    return asking.err;
}

void tool_print_time(uint64_t utc_ms)
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm parts;
    char words[32] = "";
    if (gmtime_r(&seconds, &parts))
        (void)strftime(words, sizeof words, "%Y-%m-%dT%H:%M:%S", &parts);
    printf("%s.%03uZ", words, (unsigned)(utc_ms % 1000));
}
