/* SPDX-License-Identifier: Apache-2.0 */
/* carillon config: configuration as code. plan says what a file would change, apply does it, export
 * writes the file of what is. Begin at run(). */
#include "cli/command.h"
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
    SHOWN_BYTES_MAX = 200,
};

struct asked {
    const char *data_dir, *mode, *variables, *address, *comment, *tenant, *types;
    bool overwrite, wants_json, wants_all;
    const char *path;
    struct tool tool;
    struct link *link;
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

static struct text shown(struct text json)
{
    return json.len > SHOWN_BYTES_MAX ? text_slice(json, 0, SHOWN_BYTES_MAX) : json;
}

static void print_property(const struct config_plan_property *property)
{
    bool has_old = SHAPE_HAS(property, CONFIG_PLAN_PROPERTY_HAS_OLD);
    bool has_new = SHAPE_HAS(property, CONFIG_PLAN_PROPERTY_HAS_NEW);
    printf("    %.*s: ", TEXT_ARG(property->path));
    if (has_old)
        printf("%.*s%s", TEXT_ARG(shown(property->old)),
               property->old.len > SHOWN_BYTES_MAX ? "..." : "");
    if (has_old) printf(has_new ? " -> " : " -> (default)");
    if (has_new)
        printf("%.*s%s", TEXT_ARG(shown(property->new)),
               property->new.len > SHOWN_BYTES_MAX ? "..." : "");
    printf("\n");
}

static char sign_of(struct text op)
{
    if (text_eq(op, TEXT("create"))) return '+';
    if (text_eq(op, TEXT("update"))) return '~';
    return text_eq(op, TEXT("delete")) ? '-' : '=';
}

static void print_item(const struct config_plan_item *item)
{
    printf("%c %.*s %.*s", sign_of(item->op), TEXT_ARG(item->type), TEXT_ARG(item->key));
    if (item->tenant.len && !text_eq(item->tenant, TEXT("Environment")))
        printf(" of %.*s", TEXT_ARG(item->tenant));
    printf("%s\n", item->overwrites ? "  (overwrites)" : "");
    for (uint32_t i = 0; i < item->properties.count; i++) print_property(&item->properties.at[i]);
}

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
        if (asked->wants_all || sign_of(plan->items.at[i].op) != '=')
            print_item(&plan->items.at[i]);
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

static void on_exported(void *self, const void *fields)
{
    const struct config_export_done *done = fields;
    (void)self;
    (void)fwrite(done->text.at, 1, done->text.len, stdout);
}

static enum err ask_export(struct asked *asked, struct fault *fault)
{
    struct text types[64], list = text_of(asked->types);
    struct config_export export = { .tenant = text_of(asked->tenant), .types = { types, 0 } };
    while (export.types.count < 64 && text_next_item(&list, ',', &types[export.types.count]))
        export.types.count++;
    if (asked->tenant) export.head.has |= CONFIG_EXPORT_HAS_TENANT;
    if (asked->types) export.head.has |= CONFIG_EXPORT_HAS_TYPES;
    return tool_ask(&asked->tool, asked->link, &MSG_CONFIG_EXPORT, &export, ANSWER_MS, on_exported,
                    asked, fault);
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
    if (asked->address) tool->config_address = text_of(asked->address);
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

static int run(int argc, char **argv)
{
    struct asked asked = {
        .data_dir = command_take_option(&argc, argv, "--data"),
        .mode = command_take_option(&argc, argv, "--mode"),
        .variables = command_take_option(&argc, argv, "--variables"),
        .address = command_take_option(&argc, argv, "--config"),
        .comment = command_take_option(&argc, argv, "--comment"),
        .tenant = command_take_option(&argc, argv, "--tenant"),
        .types = command_take_option(&argc, argv, "--types"),
        .overwrite = command_take_flag(&argc, argv, "--overwrite"),
        .wants_json = command_take_flag(&argc, argv, "--json"),
        .wants_all = command_take_flag(&argc, argv, "--all"),
    };
    if (!command_knows_all(argc, argv)) return EXIT_FAILED;
    const char *deed = argc > 1 ? argv[1] : "";
    bool is_export = strcmp(deed, "export") == 0;
    bool is_file_deed = strcmp(deed, "plan") == 0 || strcmp(deed, "apply") == 0;
    bool is_seal = strcmp(deed, "seal") == 0;
    if (!is_export && !is_file_deed && !is_seal) return wrong_use("plan, apply, export or seal?");
    if (is_seal && argc != 3) return wrong_use("of which secret?");
    if (is_file_deed && argc != 3) return wrong_use("of which file?");
    if (is_export && argc != 2) return wrong_use("export takes no file: it prints");
    if (!is_mode(asked.mode)) return wrong_use("--mode is merge, sync or create-only");
    asked.path = is_export ? NULL : argv[2];
    return talk(&asked, deed);
}

const struct command config_command = {
    .name = "config",
    .arguments = "plan FILE | apply FILE | export | seal NAME",
    .help = "compare, import and export the configuration",
    .more =
        "  plan FILE    what the file would change; changes nothing\n"
        "  apply FILE   carry it out, all or nothing, as one revision\n"
        "  export       print everything as one canonical file\n"
        "  seal NAME    print {\"$enc\":...} for the secret whose value is on standard input\n\n"
        "  --mode MODE       merge: create and update, what the file does not name stays "
        "(default);\n"
        "                    sync: objects become what the file says, absent ones are deleted, of\n"
        "                    the types and tenants in it; create-only: nothing may exist\n"
        "  --overwrite       existing objects may be changed\n"
        "  --variables FILE  values of ${NAME}: JSON pairs or lines NAME=value; else the "
        "environment\n"
        "  --comment TEXT    for the history (apply)\n"
        "  --tenant NAME, --types a,b   only these (export)\n"
        "  --config ADDRESS  another config than that of the data folder\n"
        "  --data DIR        data folder of the installation\n"
        "  --json            the whole answer as JSON;  --all: unchanged objects as well\n\n"
        "FILE may be - for standard input. Exit code of plan: 0 nothing to do, 2 changes, 1 "
        "error;\n"
        "of apply and export: 0 done, 1 error.\n",
    .run = run,
};
