/* SPDX-License-Identifier: Apache-2.0 */
/* carillon config: configuration as code. plan says what a file would change, apply does it, export
 * writes the file of what is, history tells what became of it, undo takes a revision back. Begin at
 * run(). */
#include "cli/command.h"
#include "cli/config_history.h"
#include "cli/config_items.h"
#include "cli/config_variables.h"
#include "cli/tool.h"
#include "format/json.h"
#include "gen/messages.h"

#include <stdio.h>
#include <string.h>

enum {
    EXIT_NOTHING = 0,
    EXIT_FAILED = 1,
    EXIT_CHANGES = 2, /* of plan alone */
    CONNECT_MS = 5000,
    ANSWER_MS = 120000,
};

struct asked {
    const char *data_dir, *mode, *variables, *address, *comment, *tenant, *types;
    bool overwrite, wants_json, wants_all, wants_plan;
    const char *path;
    struct config_history_wish history;
    struct tool tool;
    struct link *link;
    uint64_t export_rev, exported_bytes, export_bytes; /* of the whole; 0: that was all */
    int exit_code;
};

static int complain(const struct fault *fault)
{
    (void)fprintf(stderr, "carillon config: %s\n", fault->words);
    return EXIT_FAILED;
}

static int wrong_use(const char *words)
{
    (void)fprintf(stderr, "carillon config: %s (see: carillon help config)\n", words);
    return EXIT_FAILED;
}

static void print(const struct buf *out)
{
    (void)fwrite(out->at, 1, out->len, stdout);
}

static void print_shape(const struct msg *msg, const void *fields)
{
    struct buf out = { 0 };
    shape_to_json(&out, msg->shape, fields);
    buf_add_byte(&out, '\n');
    print(&out);
    buf_free(&out);
}

/* --- plan ----------------------------------------------------------------------------------- */

static void print_warnings(const struct text *at, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) (void)fprintf(stderr, "warning: %.*s\n", TEXT_ARG(at[i]));
}

static void on_plan(void *self, const void *fields)
{
    static const char *const ops[] = { "create", "update", "delete", "unchanged" };
    struct asked *asked = self;
    const struct config_plan_done *plan = fields;
    uint32_t counts[4] = { 0 };
    for (uint32_t i = 0; i < plan->items.count; i++)
        for (size_t k = 0; k < 4; k++) counts[k] += text_eq(plan->items.at[i].op, text_of(ops[k]));
    asked->exit_code = counts[0] + counts[1] + counts[2] ? EXIT_CHANGES : EXIT_NOTHING;
    if (asked->wants_json) {
        print_shape(&MSG_CONFIG_PLAN_DONE, fields);
        return;
    }
    for (uint32_t i = 0; i < plan->items.count; i++)
        if (asked->wants_all || !text_eq(plan->items.at[i].op, TEXT("unchanged")))
            config_print_item(&plan->items.at[i]);
    printf("%u to create, %u to update, %u to delete, %u unchanged, on revision %llu\n", counts[0],
           counts[1], counts[2], counts[3], (unsigned long long)plan->rev);
    print_warnings(plan->warnings.at, plan->warnings.count);
}

static enum err ask_plan(struct asked *asked, struct text text, const struct kv *variables,
                         struct fault *fault)
{
    struct config_plan plan = {
        .head.has = CONFIG_PLAN_HAS_TEXT | CONFIG_PLAN_HAS_OVERWRITE | CONFIG_PLAN_HAS_VARIABLES,
        .text = text,
        .mode = text_of(asked->mode),
        .overwrite = asked->overwrite,
        .variables = *variables,
    };
    if (asked->mode) plan.head.has |= CONFIG_PLAN_HAS_MODE;
    return tool_ask(&asked->tool, asked->link, &MSG_CONFIG_PLAN, &plan, ANSWER_MS, on_plan, asked,
                    fault);
}

/* --- apply ---------------------------------------------------------------------------------- */

static void on_applied(void *self, const void *fields)
{
    struct asked *asked = self;
    const struct config_apply_done *done = fields;
    if (asked->wants_json) {
        print_shape(&MSG_CONFIG_APPLY_DONE, fields);
        return;
    }
    printf("revision %llu: %u created, %u updated, %u deleted, %u unchanged\n",
           (unsigned long long)done->rev, done->created, done->updated, done->deleted,
           done->unchanged);
    print_warnings(done->warnings.at, done->warnings.count);
}

static enum err ask_apply(struct asked *asked, struct text text, const struct kv *variables,
                          struct fault *fault)
{
    struct config_apply apply = {
        .head.has = CONFIG_APPLY_HAS_TEXT | CONFIG_APPLY_HAS_OVERWRITE | CONFIG_APPLY_HAS_VARIABLES,
        .text = text,
        .mode = text_of(asked->mode),
        .overwrite = asked->overwrite,
        .variables = *variables,
        .comment = text_of(asked->comment),
    };
    if (asked->mode) apply.head.has |= CONFIG_APPLY_HAS_MODE;
    if (asked->comment) apply.head.has |= CONFIG_APPLY_HAS_COMMENT;
    return tool_ask(&asked->tool, asked->link, &MSG_CONFIG_APPLY, &apply, ANSWER_MS, on_applied,
                    asked, fault);
}

/* --- export --------------------------------------------------------------------------------- */

/* Piece by piece. */
static void on_exported(void *self, const void *fields)
{
    struct asked *asked = self;
    const struct config_export_done *done = fields;
    (void)fwrite(done->text.at, 1, done->text.len, stdout);
    asked->export_rev = done->rev;
    asked->exported_bytes += done->text.len;
    /* A config of the release before sends all at once, and no size. */
    asked->export_bytes = done->text.len && done->size > asked->exported_bytes ? done->size : 0;
}

static enum err ask_export(struct asked *asked, struct fault *fault)
{
    struct text types[64], list = text_of(asked->types);
    struct config_export export = { .tenant = text_of(asked->tenant), .types = { types, 0 } };
    while (export.types.count < 64 && text_next_item(&list, ',', &types[export.types.count]))
        export.types.count++;
    if (asked->tenant) export.head.has |= CONFIG_EXPORT_HAS_TENANT;
    if (asked->types) export.head.has |= CONFIG_EXPORT_HAS_TYPES;
    export.head.has |= CONFIG_EXPORT_HAS_FROM;
    enum err err;
    do {
        export.from = asked->exported_bytes;
        err = tool_ask(&asked->tool, asked->link, &MSG_CONFIG_EXPORT, &export, ANSWER_MS,
                       on_exported, asked, fault);
        export.head.has |= CONFIG_EXPORT_HAS_REV;
        export.rev = asked->export_rev;
    } while (!err && asked->export_bytes);
    return err;
}

/* --- seal --- */

static void on_sealed(void *self, const void *fields)
{
    const struct config_sealed *sealed = fields;
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    (void)self;
    json_begin_object(&json);
    json_put_name(&json, TEXT("$enc"));
    json_put_bytes(&json, sealed->sealed);
    json_end_object(&json);
    buf_add_byte(&out, '\n');
    print(&out);
    buf_free(&out);
}

/* The value comes on standard input: arguments are seen by everybody on the machine. */
static enum err ask_seal(struct asked *asked, struct fault *fault)
{
    struct text value;
    enum err err = config_read_file(asked->tool.life, "-", &value, fault);
    if (err) return err;
    if (text_ends(value, TEXT("\n"))) value.len--;
    struct config_seal seal = { .head.has = CONFIG_SEAL_HAS_NAME | CONFIG_SEAL_HAS_VALUE,
                                .name = text_of(asked->path),
                                .value = value };
    return tool_ask(&asked->tool, asked->link, &MSG_CONFIG_SEAL, &seal, ANSWER_MS, on_sealed, asked,
                    fault);
}

/* --- undo ----------------------------------------------------------------------------------- */

static void on_undone(void *self, const void *fields)
{
    struct asked *asked = self;
    const struct config_undo_done *done = fields;
    if (asked->wants_plan && done->items.count) asked->exit_code = EXIT_CHANGES;
    if (asked->wants_json) {
        print_shape(&MSG_CONFIG_UNDO_DONE, fields);
        return;
    }
    for (uint32_t i = 0; i < done->items.count; i++) config_print_item(&done->items.at[i]);
    if (asked->wants_plan)
        printf("%u to take back, on revision %llu\n", done->items.count,
               (unsigned long long)done->rev);
    else if (done->items.count)
        printf("revision %llu: %u taken back\n", (unsigned long long)done->rev, done->items.count);
    else
        printf("nothing to take back: it is as it was\n");
}

static enum err ask_undo(struct asked *asked, struct fault *fault)
{
    struct config_undo undo = {
        .head.has = CONFIG_UNDO_HAS_REV | CONFIG_UNDO_HAS_PLAN,
        .plan = asked->wants_plan,
        .comment = text_of(asked->comment),
    };
    if (text_to_u64(text_of(asked->path), 1, INT64_MAX, &undo.rev))
        return fault_set(fault, ERR_INVALID, "", "%s is no revision", asked->path);
    if (asked->comment) undo.head.has |= CONFIG_UNDO_HAS_COMMENT;
    return tool_ask(&asked->tool, asked->link, &MSG_CONFIG_UNDO, &undo, ANSWER_MS, on_undone, asked,
                    fault);
}

/* --- the command ---------------------------------------------------------------------------- */

static enum err ask_with_file(struct asked *asked, bool is_plan, struct fault *fault)
{
    struct scope *scope = asked->tool.life;
    struct text text;
    struct kv variables;
    enum err err = config_read_file(scope, asked->path, &text, fault);
    if (!err) err = config_variables(scope, text, asked->path, asked->variables, &variables, fault);
    if (err) return err;
    return is_plan ? ask_plan(asked, text, &variables, fault)
                   : ask_apply(asked, text, &variables, fault);
}

static enum err connect(struct asked *asked, struct fault *fault)
{
    struct tool *tool = &asked->tool;
    if (asked->address) {
        tool->config_address = text_of(asked->address);
        tool->config_application = (struct text){ 0 }; /* a proxy has a name of its own */
    }
    return tool_connect_config(tool, CONNECT_MS, &asked->link, fault);
}

static int talk(struct asked *asked, const char *deed)
{
    struct fault fault = { 0 };
    if (tool_open(&asked->tool, asked->data_dir, &fault)) return complain(&fault);
    enum err err = connect(asked, &fault);
    if (!err) {
        if (strcmp(deed, "export") == 0)
            err = ask_export(asked, &fault);
        else if (strcmp(deed, "seal") == 0)
            err = ask_seal(asked, &fault);
        else if (strcmp(deed, "undo") == 0)
            err = ask_undo(asked, &fault);
        else if (strcmp(deed, "history") == 0)
            err = config_history(&asked->tool, asked->link, &asked->history, &fault);
        else
            err = ask_with_file(asked, strcmp(deed, "plan") == 0, &fault);
    }
    if (err) asked->exit_code = complain(&fault);
    if (fflush(stdout) != 0 && asked->exit_code != EXIT_FAILED) asked->exit_code = EXIT_FAILED;
    tool_close(&asked->tool);
    return asked->exit_code;
}

static bool is_mode(const char *mode)
{
    return mode == NULL || strcmp(mode, "merge") == 0 || strcmp(mode, "sync") == 0 ||
           strcmp(mode, "create-only") == 0;
}

/* Here --json has a value: it is taken before the flag of the same name. */
static void take_history(int *argc, char **argv, struct config_history_wish *out)
{
    if (*argc < 2 || strcmp(argv[1], "history") != 0) return;
    *out = (struct config_history_wish){
        .last = command_take_option(argc, argv, "--last"),
        .user = command_take_option(argc, argv, "--user"),
        .type = command_take_option(argc, argv, "--type"),
        .key = command_take_option(argc, argv, "--key"),
        .json = command_take_option(argc, argv, "--json"),
        .xml = command_take_option(argc, argv, "--xml"),
    };
}

/* What is wrong with the deed's own words; NULL: nothing. */
static const char *misuse(const struct asked *asked, const char *deed, int argc)
{
    static const struct {
        const char *deed;
        int argc;
        const char *words;
    } deeds[] = {
        { "plan", 3, "of which file?" },
        { "apply", 3, "of which file?" },
        { "seal", 3, "of which secret?" },
        { "undo", 3, "of which revision?" },
        { "export", 2, "export takes no file: it prints" },
        { "history", 2, "history takes options alone" },
    };
    if (!is_mode(asked->mode)) return "--mode is merge, sync or create-only";
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if (strcmp(deed, deeds[i].deed) == 0) return argc == deeds[i].argc ? NULL : deeds[i].words;
    return "plan, apply, export, history, undo or seal?";
}

static int run(int argc, char **argv)
{
    struct config_history_wish history = { 0 };
    const char *data_dir = command_take_option(&argc, argv, "--data");
    const char *address = command_take_option(&argc, argv, "--config");
    take_history(&argc, argv, &history);
    struct asked asked = {
        .data_dir = data_dir,
        .address = address,
        .mode = command_take_option(&argc, argv, "--mode"),
        .variables = command_take_option(&argc, argv, "--variables"),
        .comment = command_take_option(&argc, argv, "--comment"),
        .tenant = command_take_option(&argc, argv, "--tenant"),
        .types = command_take_option(&argc, argv, "--types"),
        .overwrite = command_take_flag(&argc, argv, "--overwrite"),
        .wants_json = command_take_flag(&argc, argv, "--json"),
        .wants_all = command_take_flag(&argc, argv, "--all"),
        .wants_plan = command_take_flag(&argc, argv, "--plan"),
        .history = history,
    };
    if (!command_knows_all(argc, argv)) return EXIT_FAILED;
    const char *deed = argc > 1 ? argv[1] : "";
    const char *words = misuse(&asked, deed, argc);
    if (words) return wrong_use(words);
    asked.path = argc > 2 ? argv[2] : NULL;
    asked.history.tenant = asked.tenant;
    return talk(&asked, deed);
}

const struct command config_command = {
    .name = "config",
    .arguments = "plan FILE | apply FILE | export | history | undo REV | seal NAME",
    .help = "compare, import and export the configuration, its history and undo",
    .more =
        "  plan FILE    what the file would change; changes nothing\n"
        "  apply FILE   carry it out, all or nothing, as one revision\n"
        "  export       print everything as one canonical file\n"
        "  history      who changed what, the latest first\n"
        "  undo REV     take back what a revision changed, as a new one\n"
        "  seal NAME    print {\"$enc\":...} for the secret whose value is on standard input\n\n"
        "  --mode MODE       merge: create and update, what the file does not name stays "
        "(default);\n"
        "                    sync: objects become what the file says, absent ones are deleted, of\n"
        "                    the types and tenants in it; create-only: nothing may exist\n"
        "  --overwrite       existing objects may be changed\n"
        "  --variables FILE  values of ${NAME}: JSON pairs or lines NAME=value; else the "
        "environment\n"
        "  --comment TEXT    for the history (apply, undo)\n"
        "  --tenant NAME, --types a,b   only these (export; history: --tenant)\n"
        "  --last DAYS, --user ID, --type TYPE, --key KEY   only these (history)\n"
        "  --xml FILE, --json FILE      into a file instead, - for standard output (history)\n"
        "  --plan            only tell what it would change (undo)\n"
        "  --config ADDRESS  another config than that of the data folder\n"
        "  --data DIR        data folder of the installation\n"
        "  --json            the whole answer as JSON;  --all: unchanged objects as well\n\n"
        "FILE may be - for standard input. Exit code of plan and undo --plan: 0 "
        "nothing to do,\n"
        "2 changes, 1 error; else 0 done, 1 error.\n",
    .run = run,
};
