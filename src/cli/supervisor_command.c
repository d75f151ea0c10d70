/* SPDX-License-Identifier: Apache-2.0 */
/* carillon status, start, stop: what runs on this host, and orders to its supervisor. */
#include "cli/command.h"
#include "cli/tool.h"
#include "format/json.h"
#include "gen/messages.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MS = 5000, STATE_LOOK_MS = 50, STOP_WAIT_MS = 700000 };

static int complain(const char *command, const struct fault *fault)
{
    fprintf(stderr, "carillon %s: %s%s%s\n", command, fault->field, fault->field[0] ? " " : "",
            fault->words);
    return 1;
}

/* --- status --------------------------------------------------------------------------------- */

static void print_state(const struct supervisor_application_state *state)
{
    char pid[16] = "-";
    if (SHAPE_HAS(state, SUPERVISOR_APPLICATION_STATE_HAS_PID))
        snprintf(pid, sizeof pid, "%u", state->pid);
    printf("%-24.*s %-20.*s %8s  %u restarts  %.*s\n", TEXT_ARG(state->name),
           TEXT_ARG(state->state), pid, state->restarts, TEXT_ARG(state->reason));
}

static void print_states(void *self, const void *fields)
{
    const struct supervisor_applications *answer = fields;
    (void)self;
    for (uint32_t i = 0; i < answer->applications.count; i++)
        print_state(&answer->applications.at[i]);
}

static void print_json(void *self, const void *fields)
{
    struct buf out = { 0 };
    (void)self;
    shape_to_json(&out, MSG_SUPERVISOR_APPLICATIONS.shape, fields);
    printf("%.*s\n", TEXT_ARG(buf_text(&out)));
    buf_free(&out);
}

static int status(int argc, char **argv)
{
    struct tool tool;
    struct link *link;
    struct fault fault = { 0 };
    const char *data_dir = command_take_option(&argc, argv, "--data");
    bool wants_json = command_take_flag(&argc, argv, "--json");
    if (!command_knows_all(argc, argv)) return 2;
    enum err err = tool_open(&tool, data_dir, &fault);
    if (err) return complain("status", &fault);
    err = tool_connect_supervisor(&tool, ANSWER_MS, &link, &fault);
    struct supervisor_list_applications ask = { 0 };
    if (argc > 1) {
        ask.name = text_of(argv[1]);
        ask.head.has = SUPERVISOR_LIST_APPLICATIONS_HAS_NAME;
    }
    if (!err)
        err = tool_ask(&tool, link, &MSG_SUPERVISOR_LIST_APPLICATIONS, &ask, ANSWER_MS,
                       wants_json ? print_json : print_states, NULL, &fault);
    tool_close(&tool);
    return err ? complain("status", &fault) : 0;
}

const struct command status_command = {
    .name = "status",
    .arguments = "[--data DIR] [--json] [NAME]",
    .help = "show the state of this host's applications",
    .run = status,
};

/* --- orders --------------------------------------------------------------------------------- */

struct order {
    const char *command;
    const struct msg *msg;
    const char *awaited; /* the state that ends the wait */
};

static void note_arrival(void *self, const void *fields)
{
    const struct supervisor_applications *answer = fields;
    char *state = self;
    state[0] = 0;
    if (answer->applications.count == 1)
        snprintf(state, 32, "%.*s", TEXT_ARG(answer->applications.at[0].state));
}

static enum err wait_for(struct tool *tool, struct link *link, const struct order *order,
                         struct text name, struct fault *fault)
{
    struct supervisor_list_applications ask = { .head.has = SUPERVISOR_LIST_APPLICATIONS_HAS_NAME,
                                                .name = name };
    char state[32] = "";
    for (int waited_ms = 0; waited_ms < STOP_WAIT_MS; waited_ms += STATE_LOOK_MS) {
        enum err err = tool_ask(tool, link, &MSG_SUPERVISOR_LIST_APPLICATIONS, &ask, ANSWER_MS,
                                note_arrival, state, fault);
        if (err || strcmp(state, order->awaited) == 0) return err;
        if (state[0] == 0 && strcmp(order->awaited, "STOPPED") == 0) return ERR_OK;
        loop_run_for(tool->loop, STATE_LOOK_MS);
    }
    return fault_set(fault, ERR_TIMEOUT, "", "still %s", state);
}

static int give_order(const struct order *order, const char *data_dir, bool waits, const char *name)
{
    struct tool tool;
    struct link *link;
    struct fault fault = { 0 };
    enum err err = tool_open(&tool, data_dir, &fault);
    if (err) return complain(order->command, &fault);
    err = tool_connect_supervisor(&tool, ANSWER_MS, &link, &fault);
    /* The three orders have the same single field. */
    struct supervisor_start_application ask = { .head.has = SUPERVISOR_START_APPLICATION_HAS_NAME,
                                                .name = text_of(name) };
    if (!err) err = tool_ask(&tool, link, order->msg, &ask, ANSWER_MS, NULL, NULL, &fault);
    if (!err && waits) err = wait_for(&tool, link, order, text_of(name), &fault);
    tool_close(&tool);
    return err ? complain(order->command, &fault) : 0;
}

static int order_from_words(struct order order, int argc, char **argv)
{
    const char *data_dir = command_take_option(&argc, argv, "--data");
    bool waits = !command_take_flag(&argc, argv, "--no-wait");
    if (command_take_flag(&argc, argv, "--now")) order.msg = &MSG_SUPERVISOR_STOP_APPLICATION;
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 2) {
        fprintf(stderr, "carillon %s: which application?\n", argv[0]);
        return 2;
    }
    return give_order(&order, data_dir, waits, argv[1]);
}

static int start(int argc, char **argv)
{
    return order_from_words((struct order){ "start", &MSG_SUPERVISOR_START_APPLICATION, "RUNNING" },
                            argc, argv);
}

static int stop(int argc, char **argv)
{
    return order_from_words((struct order){ "stop", &MSG_SUPERVISOR_STOP_GRACEFULLY, "STOPPED" },
                            argc, argv);
}

const struct command start_command = {
    .name = "start",
    .arguments = "[--data DIR] [--no-wait] NAME",
    .help = "start an application of this host and wait until it is RUNNING",
    .run = start,
};

const struct command stop_command = {
    .name = "stop",
    .arguments = "[--data DIR] [--now] [--no-wait] NAME",
    .help = "stop an application of this host gracefully; --now: without waiting for its work",
    .more =
        "Gracefully: it takes no new work, goes on with what it has, and is stopped when it is\n"
        "idle or sml.suspending-wait-timeout is over. It is not restarted until: carillon start.\n",
    .run = stop,
};
