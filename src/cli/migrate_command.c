/* SPDX-License-Identifier: Apache-2.0 */
/* carillon migrate: the store of one application into another place, a file or PostgreSQL, and the
 * proof that all of it is there (app/transfer.h). */
#include "app/own_database.h"
#include "app/transfer.h"
#include "cli/command.h"
#include "cli/tool.h"
#include "gen/migrations.h"
#include "servers/supervisor/installation.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *type;
    const struct migration *migrations;
} types[] = {
    { "config", MIGRATIONS_CONFIG },
    { "control", MIGRATIONS_CONTROL },
    { "outbound", MIGRATIONS_OUTBOUND },
    { "web", MIGRATIONS_WEB },
};

struct migrate {
    struct tool tool;
    struct text application;
    const char *type;
    struct transfer transfer;
    bool is_terminal;
    uint32_t told; /* tables, where there is no terminal */
    enum transfer_phase phase;
};

static const struct migration *migrations_of(const char *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0) return types[i].migrations;
    return NULL;
}

/* --- progress --- */

enum { BAR_CHARS = 24 };

static void put_bar(const struct transfer_step *step)
{
    char bar[BAR_CHARS + 1];
    double part = step->rows_total ? (double)step->rows / (double)step->rows_total : 1;
    size_t full = (size_t)(((double)(step->number - 1) + part) / (double)step->count * BAR_CHARS);
    for (size_t i = 0; i < BAR_CHARS; i++) bar[i] = i < full ? '#' : '.';
    bar[BAR_CHARS] = '\0';
    printf("\r\033[K%s [%s] %u/%u %.*s %llu rows",
           step->phase == TRANSFER_COPIES ? "copying  " : "comparing", bar, step->number,
           step->count, TEXT_ARG(step->table), (unsigned long long)step->rows);
    (void)fflush(stdout);
}

static void on_step(void *self, const struct transfer_step *step)
{
    struct migrate *migrate = self;
    if (migrate->is_terminal) {
        put_bar(step);
        return;
    }
    if (step->rows < step->rows_total) return;
    printf("%s %u/%u %.*s: %llu rows\n", step->phase == TRANSFER_COPIES ? "copied" : "compared",
           step->number, step->count, TEXT_ARG(step->table), (unsigned long long)step->rows);
}

/* --- from where, to where --- */

static bool is_postgres(struct text place)
{
    return text_starts(place, TEXT("postgresql:")) || text_starts(place, TEXT("postgres:"));
}

/* "postgresql://..." is what people write; the store wants the schema before it. A file is one. */
static struct text store_path(struct migrate *migrate, struct text place)
{
    struct scope *life = migrate->tool.life;
    if (!text_starts(place, TEXT("postgresql://")) && !text_starts(place, TEXT("postgres://")))
        return place;
    struct buf schema = { 0 };
    own_database_schema(migrate->application, &schema);
    struct text path =
        scope_format(life, "postgresql:%.*s:%.*s", TEXT_ARG(buf_text(&schema)), TEXT_ARG(place));
    buf_free(&schema);
    return path;
}

static struct text own_file(struct migrate *migrate)
{
    struct text name = migrate->application;
    return scope_format(migrate->tool.life, "%.*s/%.*s/%.*s.db", TEXT_ARG(migrate->tool.data_dir),
                        TEXT_ARG(name), TEXT_ARG(name));
}

static bool is_missing_file(struct text place)
{
    return !is_postgres(place) && access(place.at, R_OK) != 0;
}

/* --- whether somebody has it open --- */

/* Its pid file names a process that lives. */
static bool is_running(struct migrate *migrate)
{
    struct text path =
        installation_file(migrate->tool.life, migrate->tool.run_dir, migrate->application, ".pid");
    FILE *file = fopen(path.at, "re");
    unsigned long pid = 0;
    if (file == NULL) return false;
    bool is_read = fscanf(file, "%lu", &pid) == 1;
    (void)fclose(file);
    struct text folder = scope_format(migrate->tool.life, "/proc/%lu", pid);
    return is_read && access(folder.at, F_OK) == 0;
}

/* --- the command --- */

static void print_proof(const struct migrate *migrate, const struct transfer_proof *proof)
{
    if (migrate->is_terminal) printf("\r\033[K");
    printf("%-40s %12s  SHA-256, summed over the rows\n", "table", "rows");
    for (uint32_t i = 0; i < proof->count; i++) {
        const struct transfer_table *table = &proof->tables[i];
        printf("%-40.*s %12llu  ", TEXT_ARG(table->name), (unsigned long long)table->rows);
        for (size_t at = 0; at < sizeof table->digest; at++) printf("%02x", table->digest[at]);
        printf("\n");
    }
    printf("%u tables, %llu rows: both places hold the same.\n", proof->count,
           (unsigned long long)proof->rows);
}

static int run(struct migrate *migrate)
{
    struct transfer_proof proof;
    struct fault fault = { 0 };
    if (is_running(migrate)) {
        fprintf(stderr, "carillon migrate: %.*s is running; stop it first: carillon stop %.*s\n",
                TEXT_ARG(migrate->application), TEXT_ARG(migrate->application));
        return 1;
    }
    if (is_missing_file(migrate->transfer.from)) {
        fprintf(stderr, "carillon migrate: there is no store %.*s\n",
                TEXT_ARG(migrate->transfer.from));
        return 1;
    }
    if (transfer_run(migrate->tool.life, migrate->tool.loop, &migrate->tool.log, &migrate->transfer,
                     &proof, &fault)) {
        fprintf(stderr, "%scarillon migrate: %s\n", migrate->is_terminal ? "\n" : "", fault.words);
        return 1;
    }
    print_proof(migrate, &proof);
    return 0;
}

static int migrate(int argc, char **argv)
{
    struct migrate migrate = { .is_terminal = isatty(STDOUT_FILENO) };
    struct fault fault = { 0 };
    const char *data_dir = command_take_option(&argc, argv, "--data");
    const char *from = command_take_option(&argc, argv, "--from");
    const char *to = command_take_option(&argc, argv, "--to");
    const char *type = command_take_option(&argc, argv, "--type");
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 2 || (from == NULL && to == NULL)) {
        fprintf(stderr, "carillon migrate: which application, and --to or --from where?\n");
        return 2;
    }
    migrate.application = text_of(argv[1]);
    migrate.type = type ? type : argv[1];
    migrate.transfer.migrations = migrations_of(migrate.type);
    if (migrate.transfer.migrations == NULL) {
        fprintf(stderr, "carillon migrate: --type must be config, control, outbound or web\n");
        return 2;
    }
    if (tool_open(&migrate.tool, data_dir, &fault)) {
        fprintf(stderr, "carillon migrate: %s\n", fault.words);
        return 1;
    }
    migrate.transfer.from = from ? store_path(&migrate, text_of(from)) : own_file(&migrate);
    migrate.transfer.to = to ? store_path(&migrate, text_of(to)) : own_file(&migrate);
    migrate.transfer.on_step = on_step;
    migrate.transfer.self = &migrate;
    int code = run(&migrate);
    tool_close(&migrate.tool);
    return code;
}

const struct command migrate_command = {
    .name = "migrate",
    .arguments = "APPLICATION --to PLACE | --from PLACE [--type TYPE] [--data DIR]",
    .help = "move an application's data between SQLite and PostgreSQL, and prove that all came",
    .more = "The application must be stopped. PLACE is a file, or "
            "postgresql://USER@HOST:PORT/DATABASE; the other side is the "
            "application's own file in the data folder, DATA/NAME/NAME.db, unless both are given.\n"
            "A password comes from PGPASSWORD or ~/.pgpass. Every table is copied, read back from "
            "both sides and compared; a place "
            "that holds data already is refused, one that a broken-off run left is filled anew. "
            "Nothing is removed from the source.\n"
            "\n"
            "  --type TYPE    config, control, outbound or web, where the application's name is "
            "another\n"
            "\n"
            "Afterwards connect the application to its access point, an Application of type "
            "Database (carillon config apply), and "
            "start it. For config: \"database\" in host.jsonc.",
    .run = migrate,
};
