/* SPDX-License-Identifier: Apache-2.0 */
/* carillon ctl: states of the whole installation, orders, alarms and kept logs, all by control
 * (framework 5, 6, 8.5, 9). Begin at run(). */
#include "cli/command.h"
#include "cli/ctl.h"
#include "format/json.h"

#include <stdio.h>
#include <string.h>

/* --- words --------------------------------------------------------------------------------------
 */

int ctl_complain(const struct ctl *ctl)
{
    (void)fprintf(stderr, "carillon ctl: %s\n", ctl->fault.words);
    return CTL_FAILED;
}

int ctl_wrong_use(const char *words)
{
    (void)fprintf(stderr, "carillon ctl: %s (see: carillon help ctl)\n", words);
    return CTL_WRONG_USE;
}

void ctl_print_json(const struct msg *msg, const void *fields)
{
    struct buf out = { 0 };
    shape_to_json(&out, msg->shape, fields);
    printf("%.*s\n", TEXT_ARG(buf_text(&out)));
    fflush(stdout);
    buf_free(&out);
}

/* --- where control is ---------------------------------------------------------------------------
 */

struct lookup {
    struct ctl *ctl;
    struct text type, found; /* first by name of that application type */
    struct text body;
    uint32_t after;
    bool has_more;
};

static void on_host(void *self, const void *fields)
{
    struct lookup *lookup = self;
    const struct config_objects *objects = fields;
    struct scope *life = lookup->ctl->tool.life;
    struct kv body;
    if (objects->objects.count == 0) return;
    if (json_read_kv(objects->objects.at[0].body, life, &body, NULL) == ERR_OK)
        lookup->found = scope_keep(life, kv_text(&body, "scs"));
}

static void on_applications(void *self, const void *fields)
{
    struct lookup *lookup = self;
    const struct config_objects *objects = fields;
    struct scope *life = lookup->ctl->tool.life;
    lookup->has_more = objects->more;
    for (uint32_t i = 0; i < objects->objects.count; i++) {
        const struct config_config_object *object = &objects->objects.at[i];
        struct kv body;
        lookup->after = object->dbid;
        if (json_read_kv(object->body, life, &body, NULL)) continue;
        if (!text_eq(kv_text(&body, "type"), TEXT("SCS"))) continue;
        if (lookup->found.len == 0 || text_compare(object->key, lookup->found) < 0)
            lookup->found = scope_keep(life, object->key);
    }
}

/* The one that the Host of this machine names, else the first of type SCS. */
static enum err find_control(struct ctl *ctl)
{
    struct tool *tool = &ctl->tool;
    struct link *config;
    struct lookup lookup = { .ctl = ctl };
    struct config_read host = { .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_KEY,
                                .type = TEXT("Host"),
                                .key = tool->host };
    enum err err = tool_connect_config(tool, CTL_CONNECT_MS, &config, &ctl->fault);
    if (err) return err;
    err = tool_ask(tool, config, &MSG_CONFIG_READ, &host, CTL_ANSWER_MS, on_host, &lookup,
                   &ctl->fault);
    lookup.has_more = err == ERR_OK && lookup.found.len == 0;
    while (err == ERR_OK && lookup.has_more) {
        struct config_read page = { .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_AFTER,
                                    .type = TEXT("Application"),
                                    .after = lookup.after };
        err = tool_ask(tool, config, &MSG_CONFIG_READ, &page, CTL_ANSWER_MS, on_applications,
                       &lookup, &ctl->fault);
    }
    link_close(config);
    if (err) return err;
    ctl->control = lookup.found;
    return lookup.found.len ? ERR_OK
                            : fault_set(&ctl->fault, ERR_NOT_FOUND, "",
                                        "no application of type SCS is configured");
}

/* --- while config is away -----------------------------------------------------------------------
 */

/* Alarms and orders are needed most when config does not answer: who was found last is remembered
 * beside the sockets, as "NAME ADDRESS". Nothing depends on the file: a wrong one finds nobody, as
 * the name is proven. */
enum { REMEMBERED_MAX = 1024 };

static const char *file_of(struct ctl *ctl)
{
    return scope_format(ctl->tool.life, "%.*s/control-last-found", TEXT_ARG(ctl->tool.run_dir)).at;
}

static void remember(struct ctl *ctl, struct text address)
{
    FILE *file = fopen(file_of(ctl), "we");
    if (file == NULL) return;
    fprintf(file, "%.*s %.*s\n", TEXT_ARG(ctl->control), TEXT_ARG(address));
    (void)fclose(file);
}

static bool recall(struct ctl *ctl, struct text *address)
{
    char line[REMEMBERED_MAX], name[256], where[256];
    FILE *file = fopen(file_of(ctl), "re");
    bool is_there = file && fgets(line, sizeof line, file) &&
                    sscanf(line, "%255s %255s", name, where) == 2 &&
                    (ctl->control_name == NULL || strcmp(name, ctl->control_name) == 0);
    if (file) (void)fclose(file);
    if (!is_there) return false;
    ctl->control = scope_keep(ctl->tool.life, text_of(name));
    *address = scope_keep(ctl->tool.life, text_of(where));
    fprintf(stderr, "%s: asking %s at %s, where it was last\n", ctl->fault.words, name, where);
    return true;
}

static enum err find_address(struct ctl *ctl, struct text *address)
{
    enum err err = ERR_OK;
    if (ctl->control_name)
        ctl->control = text_of(ctl->control_name);
    else
        err = find_control(ctl);
    if (!err)
        err = tool_application_address(&ctl->tool, ctl->control, CTL_CONNECT_MS, address,
                                       &ctl->fault);
    if (err == ERR_OK)
        remember(ctl, *address);
    else if (err == ERR_TIMEOUT && recall(ctl, address))
        err = ERR_OK;
    return err;
}

/* --- the link -----------------------------------------------------------------------------------
 */

static void on_up(void *self, struct link *link)
{
    struct ctl *ctl = self;
    (void)link;
    if (ctl->is_awaiting_up)
        loop_stop(ctl->tool.loop);
    else if (ctl->on_up)
        ctl->on_up(ctl);
}

static void on_event(void *self, struct link *link, const void *fields)
{
    struct ctl *ctl = self;
    if (ctl->on_event) ctl->on_event(ctl, link_event_msg(link), fields);
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_CONTROL_STATUS_MOVED, .on_event = on_event },
    { .msg = &MSG_CONTROL_ALARM_MOVED, .on_event = on_event },
    { 0 },
};

static void on_wait_over(void *self)
{
    loop_stop(((struct ctl *)self)->tool.loop);
}

static enum err connect_control(struct ctl *ctl)
{
    static const struct link_life life = { .on_up = on_up };
    const struct link_options options = { .reconnect_ms = 500 };
    struct tool *tool = &ctl->tool;
    struct text address;
    enum err err = find_address(ctl, &address);
    if (err) return err;
    struct timer *timer = timer_new(tool->life, tool->loop, on_wait_over, ctl);
    ctl->is_awaiting_up = true;
    ctl->link = link_connect(tool->life, tool->net, &tool->log, address, ctl->control,
                             &tool->identity, &options, handlers, &life, ctl);
    timer_start(timer, CTL_CONNECT_MS);
    loop_run(tool->loop);
    timer_stop(timer);
    ctl->is_awaiting_up = false;
    if (link_is_up(ctl->link)) return ERR_OK;
    return fault_set(&ctl->fault, ERR_TIMEOUT, "",
                     "no answer from %.*s at %.*s (what runs on this host: carillon status)",
                     TEXT_ARG(ctl->control), TEXT_ARG(address));
}

enum err ctl_ask(struct ctl *ctl, const struct msg *msg, const void *fields,
                 void (*on_reply)(void *self, const void *fields), void *self)
{
    return tool_ask(&ctl->tool, ctl->link, msg, fields, CTL_ANSWER_MS, on_reply, self, &ctl->fault);
}

/* --- the words of the command --------------------------------------------------------------------
 */

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0) return true;
    return false;
}

static const char *const app_orders[] = { "start",   "stop",       "stop-gracefully",
                                          "restart", "switchover", NULL };
static const char *const solution_orders[] = { "start", "stop", "stop-gracefully", NULL };
static const char *const levels[] = { "all",      "debug", "trace", "interaction",
                                      "standard", "alarm", "none",  NULL };

struct wish {
    int (*carry_out)(struct ctl *ctl, char **words);
    int least, most; /* words behind the verb */
    const char *usage;
};

static int wish_status(struct ctl *ctl, char **words)
{
    return ctl_status(ctl, words[1]);
}

static int wish_order(struct ctl *ctl, char **words)
{
    return ctl_order_application(ctl, words[0], words[1], NULL);
}

static int wish_log_level(struct ctl *ctl, char **words)
{
    return ctl_order_application(ctl, words[0], words[1], words[2]);
}

static int wish_solution(struct ctl *ctl, char **words)
{
    return ctl_order_solution(ctl, words[1], words[2]);
}

static int wish_sample(struct ctl *ctl, char **words)
{
    return ctl_sample(ctl, words[1]);
}

static int wish_alarms(struct ctl *ctl, char **words)
{
    (void)words;
    return ctl_alarms(ctl);
}

static int wish_log(struct ctl *ctl, char **words)
{
    (void)words;
    return ctl_log(ctl);
}

static const struct wish *wish_of(const char *verb)
{
    static const struct wish status = { wish_status, 0, 1, "status [NAME]" };
    static const struct wish order = { wish_order, 1, 1, "which application?" };
    static const struct wish level = { wish_log_level, 2, 2, "log-level NAME LEVEL [--for S]" };
    static const struct wish solution = { wish_solution, 2, 2, "solution start|stop NAME" };
    static const struct wish sample = { wish_sample, 0, 1, "sample [HOST]" };
    static const struct wish alarms = { wish_alarms, 0, 0, "alarms [--clear ID]" };
    static const struct wish log = { wish_log, 0, 0, "log [FILTERS]" };
    if (strcmp(verb, "status") == 0) return &status;
    if (strcmp(verb, "log-level") == 0) return &level;
    if (strcmp(verb, "solution") == 0) return &solution;
    if (strcmp(verb, "sample") == 0) return &sample;
    if (strcmp(verb, "alarms") == 0) return &alarms;
    if (strcmp(verb, "log") == 0) return &log;
    return is_one_of(verb, app_orders) ? &order : NULL;
}

static void take_options(struct ctl *ctl, int *argc, char **argv)
{
    ctl->data_dir = command_take_option(argc, argv, "--data");
    ctl->control_name = command_take_option(argc, argv, "--control");
    ctl->wants_json = command_take_flag(argc, argv, "--json");
    ctl->wants_watch = command_take_flag(argc, argv, "--watch");
    ctl->no_wait = command_take_flag(argc, argv, "--no-wait");
    ctl->clear = command_take_option(argc, argv, "--clear");
    ctl->comment = command_take_option(argc, argv, "--comment");
    ctl->seconds = command_take_option(argc, argv, "--for");
    ctl->wants_all = command_take_flag(argc, argv, "--all");
    ctl->wants_audit = command_take_flag(argc, argv, "--audit");
    ctl->from = command_take_option(argc, argv, "--from");
    ctl->to = command_take_option(argc, argv, "--to");
    ctl->level = command_take_option(argc, argv, "--level");
    ctl->application = command_take_option(argc, argv, "--app");
    ctl->ixn = command_take_option(argc, argv, "--ixn");
    ctl->text = command_take_option(argc, argv, "--text");
    ctl->id = command_take_option(argc, argv, "--id");
    ctl->limit = command_take_option(argc, argv, "--limit");
}

static int check_words(const struct wish *wish, int argc, char **argv)
{
    if (wish == NULL) return ctl_wrong_use("status, an order, solution, sample, alarms or log?");
    if (argc - 2 < wish->least || argc - 2 > wish->most) return ctl_wrong_use(wish->usage);
    if (strcmp(argv[1], "solution") == 0 && !is_one_of(argv[2], solution_orders))
        return ctl_wrong_use("solution start, stop or stop-gracefully NAME");
    if (strcmp(argv[1], "log-level") == 0 && !is_one_of(argv[3], levels))
        return ctl_wrong_use("a level is all, debug, trace, interaction, standard, alarm or none");
    return CTL_DONE;
}

static int run(int argc, char **argv)
{
    struct ctl ctl = { 0 };
    take_options(&ctl, &argc, argv);
    if (!command_knows_all(argc, argv)) return CTL_WRONG_USE;
    const struct wish *wish = argc > 1 ? wish_of(argv[1]) : NULL;
    int code = check_words(wish, argc, argv);
    if (code) return code;
    if (tool_open(&ctl.tool, ctl.data_dir, &ctl.fault)) return ctl_complain(&ctl);
    code = connect_control(&ctl) ? ctl_complain(&ctl) : wish->carry_out(&ctl, argv + 1);
    tool_close(&ctl.tool);
    return code;
}

const struct command ctl_command = {
    .name = "ctl",
    .arguments = "status|start|stop|stop-gracefully|restart|switchover|log-level|solution|sample|"
                 "alarms|log ... [--data DIR]",
    .help = "states, orders, solutions, alarms and kept logs of the whole installation",
    .more =
        "carillon ctl status [NAME] [--watch] [--json]  hosts, applications, solutions as they "
        "are\n"
        "carillon ctl start NAME                        and wait until it is RUNNING\n"
        "carillon ctl stop NAME                         at once\n"
        "carillon ctl stop-gracefully NAME              when its work is done, or its time is "
        "over\n"
        "carillon ctl restart NAME                      gracefully\n"
        "carillon ctl switchover NAME                   to its backup\n"
        "carillon ctl log-level NAME LEVEL [--for S]    for so many seconds; 0: back to the "
        "option;\n"
        "                                               default 600\n"
        "carillon ctl solution start|stop|stop-gracefully NAME\n"
        "                                               its components, in their order\n"
        "carillon ctl sample [HOST] [--json]            CPU, memory, disk and clock of a host\n"
        "carillon ctl alarms [--all] [--watch] [--json] what is wrong; --all: what was, too\n"
        "carillon ctl alarms --clear ID [--comment TEXT]\n"
        "carillon ctl log [FILTERS] [--json]            kept log records, the oldest first\n"
        "\n"
        "Filters of log, all of which must fit:\n"
        "  --from T, --to T   2026-03-01T09:30:00Z, or 15m, 2h, 3d ago\n"
        "  --level L          trace, interaction, standard or alarm, and above\n"
        "  --app NAME         of this application\n"
        "  --ixn ID           of this interaction\n"
        "  --id 00-04504      this event\n"
        "  --text WORDS       contained in the text\n"
        "  --audit            who did what\n"
        "  --limit N          the last N; default 100\n"
        "\n"
        "  --no-wait       an order: do not wait for its outcome\n"
        "  --control NAME  ask this control; default: the one that this host's object names\n"
        "\n"
        "Exit code: 0 done; 1 refused, or it came otherwise; 2 wrong use; 3 not within its time.\n",
    .run = run,
};
