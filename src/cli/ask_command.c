/* SPDX-License-Identifier: Apache-2.0 */
/* carillon ask: any message of the catalogue to any application, for scripts, tests and support. */
#include "app/message_json.h"
#include "cli/command.h"
#include "cli/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 10000, NUMBERS = 10000, MS = 1000 };

struct ask {
    struct tool tool;
    struct fault fault;
    const char *application, *name, *json, *as;
    uint64_t wait_ms, listen_ms;
    const struct msg *msg;
};

/* --- what comes back, a line each ---------------------------------------------------------------
 */

static void print_message(const struct msg *msg, const void *fields)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_name(&json, TEXT("message"));
    json_put_text(&json, text_of(msg->name));
    json_put_name(&json, TEXT("fields"));
    json_begin_object(&json);
    message_put_members(&json, msg->shape, fields);
    json_end_object(&json);
    json_end_object(&json);
    printf("%.*s\n", TEXT_ARG(buf_text(&out)));
    fflush(stdout);
    buf_free(&out);
}

static void on_reply(void *self, const void *fields)
{
    const struct ask *ask = self;
    print_message(ask->msg->reply, fields);
}

/* A handler is not told which of its rows was meant: one function per event would be hundreds. */
static void on_event(void *self, struct link *link, const void *fields)
{
    (void)self;
    print_message(link_event_msg(link), fields);
}

static const struct link_handler *event_handlers(struct scope *scope)
{
    struct link_handler *rows = scope_alloc_array(scope, NUMBERS, sizeof *rows);
    size_t count = 0;
    for (uint32_t number = 100; number < NUMBERS; number++) {
        const struct msg *msg = msg_find(number);
        if (msg && msg->reply == NULL && count + 1 < NUMBERS)
            rows[count++] = (struct link_handler){ .msg = msg, .on_event = on_event };
    }
    return rows;
}

/* --- asking -------------------------------------------------------------------------------------
 */

/* "CampaignStart", or "config.Read" where the name is used by several protocols. */
static const struct msg *find_message(const char *name)
{
    struct text protocol, rest;
    if (text_cut(text_of(name), '.', &protocol, &rest)) return msg_find_name(protocol, rest);
    static const char *const protocols[] = { "outbound", "config", "control", "supervisor" };
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        const struct msg *msg = msg_find_name(text_of(protocols[i]), text_of(name));
        if (msg && msg->reply) return msg;
    }
    return NULL;
}

static enum err read_fields(struct ask *ask, void **fields)
{
    struct kv pairs;
    ask->msg = find_message(ask->name);
    if (ask->msg == NULL || ask->msg->reply == NULL)
        return fault_set(&ask->fault, ERR_NOT_FOUND, "", "no message %s that can be asked",
                         ask->name);
    enum err err = json_read_kv(text_of(ask->json), ask->tool.life, &pairs, &ask->fault);
    return err ? err : message_from_kv(ask->msg, &pairs, ask->tool.life, fields, &ask->fault);
}

static enum err connect(struct ask *ask, struct link **link)
{
    struct text address, application = text_of(ask->application);
    enum err err = ERR_OK;
    if (text_eq(application, ask->tool.config_application))
        address = ask->tool.config_address;
    else
        err = tool_application_address(&ask->tool, application, WAIT_MS, &address, &ask->fault);
    if (err) return err;
    if (ask->as) {
        ask->tool.identity.application = text_of(ask->as);
        ask->tool.identity.role = TEXT("primary");
    }
    if (ask->listen_ms) ask->tool.handlers = event_handlers(ask->tool.life);
    return tool_connect(&ask->tool, address, application, WAIT_MS, link, &ask->fault);
}

static void on_time_up(void *self)
{
    loop_stop(self);
}

static void listen_for(struct tool *tool, uint64_t ms)
{
    struct timer *timer = timer_new(tool->life, tool->loop, on_time_up, tool->loop);
    timer_start(timer, ms);
    loop_run(tool->loop);
}

static int complain(const struct ask *ask)
{
    fprintf(stderr, "carillon ask: %s%s%s\n", ask->fault.field, ask->fault.field[0] ? ": " : "",
            ask->fault.words);
    return 1;
}

static enum err carry_out(struct ask *ask)
{
    struct link *link;
    void *fields = NULL;
    enum err err = ask->name ? read_fields(ask, &fields) : ERR_OK;
    if (!err) err = connect(ask, &link);
    if (!err && ask->name)
        err =
            tool_ask(&ask->tool, link, ask->msg, fields, ask->wait_ms, on_reply, ask, &ask->fault);
    if (!err && ask->listen_ms) listen_for(&ask->tool, ask->listen_ms);
    return err;
}

static bool seconds(const char *word, const char *option, uint64_t *ms)
{
    uint32_t value;
    if (word == NULL) return true;
    if (text_to_u32(text_of(word), 1, 86400, &value)) {
        fprintf(stderr, "carillon ask: %s is a number of seconds, 1 to 86400\n", option);
        return false;
    }
    *ms = (uint64_t)value * MS;
    return true;
}

static int run(int argc, char **argv)
{
    struct ask ask = { .wait_ms = WAIT_MS };
    const char *data_dir = command_take_option(&argc, argv, "--data");
    ask.as = command_take_option(&argc, argv, "--as");
    const char *wait = command_take_option(&argc, argv, "--wait");
    const char *listening = command_take_option(&argc, argv, "--listen");
    if (!command_knows_all(argc, argv)) return 2;
    if (!seconds(wait, "--wait", &ask.wait_ms) || !seconds(listening, "--listen", &ask.listen_ms))
        return 2;
    if (argc < (ask.listen_ms ? 2 : 3) || argc > 4) {
        fprintf(stderr, "usage: carillon ask %s\n", ask_command.arguments);
        return 2;
    }
    ask.application = argv[1];
    ask.name = argc > 2 ? argv[2] : NULL;
    ask.json = argc > 3 ? argv[3] : "{}";
    if (tool_open(&ask.tool, data_dir, &ask.fault)) return complain(&ask);
    enum err err = carry_out(&ask);
    int code = err ? complain(&ask) : 0;
    tool_close(&ask.tool);
    return code;
}

const struct command ask_command = {
    .name = "ask",
    .arguments = "APPLICATION MESSAGE [JSON] [--listen S] [--as NAME] [--wait S] [--data DIR]",
    .help = "send a message to an application and print the answer",
    .more =
        "carillon ask outbound CampaignStart "
        "'{\"GSW_CAMPAIGN_NAME\":\"Spring\",\"GSW_DIAL_MODE\":3}'\n"
        "carillon ask outbound --listen 60      print what it says unasked, a JSON line each\n\n"
        "Messages and their fields are those of the reference (make reference). A name that "
        "several\n"
        "protocols use is written with its protocol: config.Read.\n"
        "  --as NAME   speak as this application instead of as a tool: outbound obeys "
        "applications\n"
        "              that are connected with it, and disregards others silently\n"
        "  --wait S    give up after so many seconds; default 10\n",
    .run = run,
};
