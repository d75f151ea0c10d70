/* SPDX-License-Identifier: Apache-2.0 */
/* `carillon import`: reads a CSV file, hands its rows to outbound, writes down what was refused.
 * Begin at carry_out(): the file, its header, what outbound knows of it, then every row. */
#include "cli/import_command.h"

#include "cli/command.h"
#include "cli/import_file.h"
#include "cli/import_progress.h"
#include "cli/import_rejects.h"
#include "cli/import_rows.h"
#include "cli/import_status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USE = 2,
    EXIT_REJECTS = 3,
    WAIT_MS = 60000,
};

struct import {
    const char *file_name, *list, *application, *tenant, *map, *ignore, *phones, *constants,
        *delimiter, *encoding_name, *numbers, *region, *duplicates, *do_not_call, *unclear_zone,
        *rejects_name, *key, *data;
    bool is_whole;
    struct tool tool;
    struct import_file *file;
    struct csv *csv; /* of the present walk */
    struct import_rows_options options;
    struct import_rows *rows;
    struct import_send *send;
    struct import_start start;
    struct import_progress progress;
    struct import_rejects rejects;
    enum { READ_HEADER, SKIP_HEADER, READ_ROWS } stage;
    uint64_t row_count; /* of this run */
    enum err err;
    struct fault fault;
};

/* --- words for the person --- */

static void print(struct buf *words)
{
    if (words->len) (void)fwrite(words->at, 1, words->len, stdout);
    (void)fflush(stdout);
    buf_free(words);
}

static void show_progress(void *self)
{
    struct import *import = self;
    struct buf words = { 0 };
    struct import_figures figures = { import->file->bytes_read, import->row_count,
                                      import->rejects.rejected };
    import_progress_show(&import->progress, &figures, loop_now_mono_ms(import->tool.loop), &words);
    print(&words);
}

static void clear_progress(void *self)
{
    struct import *import = self;
    struct buf words = { 0 };
    import_progress_clear(&import->progress, &words);
    print(&words);
}

static void complain(struct import *import)
{
    clear_progress(import);
    fprintf(stderr, "carillon import: %s%s%s\n", import->fault.field,
            import->fault.field[0] ? ": " : "", import->fault.words);
    if (strcmp(import->fault.field, "columns") != 0 || import->rows == NULL) return;
    struct buf words = { 0 };
    import_rows_explain(import->rows, &words);
    fprintf(stderr, "%.*s  --map COLUMN=HEADER says it otherwise, --ignore HEADER leaves one out\n",
            TEXT_ARG(buf_text(&words)));
    buf_free(&words);
}

static void on_reject(void *self, const struct outbound_import_reject *reject)
{
    struct import *import = self;
    import_rejects_add(&import->rejects, reject, clear_progress, import);
}

/* --- rows --- */

static bool fail(struct import *import, enum err err)
{
    import->err = err;
    return false;
}

/* Stops the reader: rows are read once outbound has agreed. */
static bool on_header(struct import *import, const struct text *fields, uint32_t count)
{
    struct scope *life = import->tool.life;
    struct text *headers = scope_alloc_array(life, count, sizeof *headers);
    for (uint32_t i = 0; i < count; i++) {
        headers[i] = scope_keep(life, fields[i]);
        if (!text_is_utf8(headers[i]))
            return fail(import, fault_set(&import->fault, ERR_INVALID, "header",
                                          "must be UTF-8 (see --encoding)"));
    }
    import->err =
        import_rows_new(life, headers, count, &import->options, &import->rows, &import->fault);
    import->stage = SKIP_HEADER;
    return false;
}

static bool end_row(struct import *import)
{
    enum err err = import_send_end_row(import->send, import->start.offset + csv_offset(import->csv),
                                       csv_line(import->csv), &import->fault);
    return err ? fail(import, err) : true;
}

static bool on_row(void *self, uint64_t line, const struct text *fields, uint32_t count)
{
    struct import *import = self;
    if (import->stage == READ_HEADER) return on_header(import, fields, count);
    if (import->stage == SKIP_HEADER) {
        import->stage = READ_ROWS;
        return true;
    }
    import->row_count++;
    enum err err =
        import_rows_take(import->rows, import->send, line, fields, count, &import->fault);
    return err ? fail(import, err) : end_row(import);
}

static bool on_bad_row(void *self, uint64_t line, struct text raw, const char *words)
{
    struct import *import = self;
    if (import->stage == READ_HEADER)
        return fail(import, fault_set(&import->fault, ERR_INVALID, "header", "%s", words));
    raw = text_slice(raw, 0, 256);
    while (raw.len > 0 && !text_is_utf8(raw)) raw.len--;
    import->row_count++;
    import_send_reject(import->send, line, TEXT("line"), text_of(words), raw);
    return end_row(import);
}

static void on_csv(void *self, struct csv *csv)
{
    ((struct import *)self)->csv = csv;
}

static enum err walk(struct import *import, void (*on_block)(void *self))
{
    static const struct csv_handler handler = { on_row, on_bad_row };
    struct import_walk walk = { .offset = import->start.offset,
                                .line = import->start.line,
                                .handler = &handler,
                                .on_csv = on_csv,
                                .on_block = on_block,
                                .self = import };
    enum err err = import_file_walk(import->file, &walk, &import->fault);
    if (import->err) return import->err;
    return err;
}

/* --- the command --- */

/* The same file into the same list by the same options is the same import. */
static struct text make_key(const struct import *import)
{
    const char *const options[] = { import->map,          import->ignore,
                                    import->phones,       import->constants,
                                    import->delimiter,    import->encoding_name,
                                    import->numbers,      import->region,
                                    import->duplicates,   import->do_not_call,
                                    import->unclear_zone, import->is_whole ? "whole" : "" };
    struct buf all = { 0 };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        buf_add_z(&all, options[i]);
        buf_add_byte(&all, '\n');
    }
    uint64_t hash = text_hash(buf_text(&all));
    buf_free(&all);
    return scope_format(import->tool.life, "%s %016llx %llu %08x", import->list,
                        (unsigned long long)import->file->hash,
                        (unsigned long long)import->file->bytes, (unsigned)(hash >> 32));
}

static enum err begin(struct import *import)
{
    struct text address, application = text_of(import->application);
    enum err err =
        tool_application_address(&import->tool, application, WAIT_MS, &address, &import->fault);
    if (err) return err;
    struct import_send_setup setup = {
        .tool = &import->tool,
        .application = application,
        .address = address,
        .tenant = text_of(import->tenant),
        .begin = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_BEGIN),
                   .key = import->key ? text_of(import->key) : make_key(import),
                   .list = text_of(import->list),
                   .file_name = text_of(import->file_name),
                   .total_bytes = import->file->bytes,
                   .rows_max = import->file->lines_max,
                   .duplicates = text_of(import->duplicates),
                   .do_not_call = text_of(import->do_not_call),
                   .unclear_zone = text_of(import->unclear_zone),
                   .is_whole = import->is_whole },
        .wait_ms = WAIT_MS,
        .on_reject = on_reject,
        .self = import,
    };
    import_rows_describe(import->rows, &setup.begin);
    return import_send_begin(&setup, &import->send, &import->start, &import->fault);
}

static void tell_start(const struct import *import)
{
    if (import->start.is_over)
        printf("outbound knows this file: what is in %s is not inserted again (--key)\n",
               import->list);
    else if (import->start.slices > 0)
        printf("outbound knows this file: going on at line %llu, %llu rows are in %s\n",
               (unsigned long long)import->start.line, (unsigned long long)import->start.inserted,
               import->list);
}

static void on_wait(void *self, const struct outbound_import_ended *so_far)
{
    struct import *import = self;
    clear_progress(import);
    printf("%.*s: %llu of %llu chains\n", TEXT_ARG(so_far->state),
           (unsigned long long)so_far->done_chains, (unsigned long long)so_far->chains);
    (void)fflush(stdout);
}

static void print_summary(struct import *import, const struct outbound_import_ended *totals)
{
    uint64_t took_ms = loop_now_mono_ms(import->tool.loop) - import->progress.started_ms;
    clear_progress(import);
    printf("%llu rows inserted into %s (it has %llu of this file, in %llu chains), %llu rejected, "
           "%llu.%llu s\n",
           (unsigned long long)(totals->inserted > import->start.inserted
                                    ? totals->inserted - import->start.inserted
                                    : 0),
           import->list, (unsigned long long)totals->inserted, (unsigned long long)totals->chains,
           (unsigned long long)totals->rejected, (unsigned long long)(took_ms / 1000),
           (unsigned long long)(took_ms % 1000 / 100));
    if (totals->duplicates)
        printf("%llu numbers were there already (--duplicates %s)\n",
               (unsigned long long)totals->duplicates, import->duplicates);
    if (totals->do_not_call)
        printf("%llu rows are on the Do-Not-Call list (--do-not-call %s)\n",
               (unsigned long long)totals->do_not_call, import->do_not_call);
    if (text_eq(totals->state, TEXT("undone")))
        printf("all or nothing: nothing came in, as rows were rejected or it was undone\n");
    if (import->rejects.file) printf("rejected or remarked: see %s\n", import->rejects.name);
}

static enum err carry_out(struct import *import)
{
    struct outbound_import_ended totals = { 0 };
    char delimiter = import->delimiter[0];
    enum err err = import_file_open(import->tool.life, import->file_name,
                                    text_of(import->encoding_name), delimiter, &import->file,
                                    &import->fault);
    if (!err) err = walk(import, NULL);
    if (!err && import->stage == READ_HEADER)
        err = fault_set(&import->fault, ERR_INVALID, "header", "the file is empty");
    if (!err) err = begin(import);
    if (err) return err;
    tell_start(import);
    import_progress_start(&import->progress, isatty(STDOUT_FILENO) == 1, import->start.offset,
                          import->file->bytes, loop_now_mono_ms(import->tool.loop));
    if (import->start.slices > 0) import->stage = READ_ROWS; /* behind the header */
    if (!import->start.is_over) err = walk(import, show_progress);
    if (!err) err = import_send_end(import->send, &totals, on_wait, &import->fault);
    if (!err) print_summary(import, &totals);
    if (!err && totals.rejected > 0 && import->rejects.rejected == 0)
        import->rejects.rejected = totals.rejected; /* of an earlier run */
    return err;
}

static int run(struct import *import)
{
    enum err err = tool_open(&import->tool, import->data, &import->fault);
    if (err) {
        fprintf(stderr, "carillon import: %s\n", import->fault.words);
        return EXIT_FAILED;
    }
    err = carry_out(import);
    if (err) complain(import);
    if (!import_rejects_close(&import->rejects)) err = ERR_IO;
    tool_close(&import->tool);
    if (err) return EXIT_FAILED;
    return import->rejects.rejected ? EXIT_REJECTS : EXIT_DONE;
}

static const char *option(int *argc, char **argv, const char *name, const char *usual)
{
    const char *value = command_take_option(argc, argv, name);
    return value ? value : usual;
}

static bool is_one_of(const char *name, const char *value, const char *words)
{
    struct text rest = text_of(words), word;
    while (text_next_item(&rest, ' ', &word))
        if (text_eq(word, text_of(value))) return true;
    fprintf(stderr, "carillon import: %s must be one of: %s\n", name, words);
    return false;
}

static bool take_rules(struct import *import)
{
    if (!is_one_of("--numbers", import->numbers, "keep check normalise") ||
        !is_one_of("--duplicates", import->duplicates, "keep report reject") ||
        !is_one_of("--do-not-call", import->do_not_call, "no-call reject ignore"))
        return false;
    import->options = (struct import_rows_options){
        .map = text_of(import->map),
        .ignore = text_of(import->ignore),
        .phones = text_of(import->phones),
        .constants = text_of(import->constants),
        .region = text_of(import->region),
        .numbers = strcmp(import->numbers, "check") == 0       ? IMPORT_NUMBERS_CHECK
                   : strcmp(import->numbers, "normalise") == 0 ? IMPORT_NUMBERS_NORMALISE
                                                               : IMPORT_NUMBERS_KEEP,
    };
    return true;
}

static int wrong_use(void)
{
    fprintf(stderr, "usage: carillon import %s\n", import_command.arguments);
    return EXIT_USE;
}

static int import_file(int argc, char **argv)
{
    struct import import = {
        .data = command_take_option(&argc, argv, "--data"),
        .list = option(&argc, argv, "--list", ""),
        .application = option(&argc, argv, "--application", "outbound"),
        .tenant = option(&argc, argv, "--tenant", ""),
        .map = option(&argc, argv, "--map", ""),
        .ignore = option(&argc, argv, "--ignore", ""),
        .phones = option(&argc, argv, "--phones", ""),
        .constants = option(&argc, argv, "--set", ""),
        .delimiter = option(&argc, argv, "--delimiter", ""),
        .encoding_name = option(&argc, argv, "--encoding", ""),
        .numbers = option(&argc, argv, "--numbers", "keep"),
        .region = option(&argc, argv, "--region", ""),
        .duplicates = option(&argc, argv, "--duplicates", "report"),
        .do_not_call = option(&argc, argv, "--do-not-call", "no-call"),
        .unclear_zone = option(&argc, argv, "--zone-if-unclear", ""),
        .is_whole = command_take_flag(&argc, argv, "--all-or-nothing"),
        .rejects_name = command_take_option(&argc, argv, "--rejects"),
        .key = command_take_option(&argc, argv, "--key"),
    };
    if (!command_knows_all(argc, argv) || !take_rules(&import)) return EXIT_USE;
    if (strcmp(import.delimiter, "\\t") == 0 || strcmp(import.delimiter, "tab") == 0)
        import.delimiter = "\t";
    if (argc != 2 || import.list[0] == '\0' || strlen(import.delimiter) > 1) return wrong_use();
    import.file_name = argv[1];
    char rejects_name[4096];
    int len = snprintf(rejects_name, sizeof rejects_name, "%s.rejects.csv", import.file_name);
    if (import.rejects_name == NULL && len > 0 && (size_t)len < sizeof rejects_name)
        import.rejects_name = rejects_name;
    import.rejects.name = import.rejects_name;
    return run(&import);
}

static int import(int argc, char **argv)
{
    if (command_take_flag(&argc, argv, "--list-imports")) return import_status_list(argc, argv);
    const char *id = command_take_option(&argc, argv, "--status");
    if (id) return import_status_show(argc, argv, id);
    id = command_take_option(&argc, argv, "--undo");
    return id ? import_status_undo(argc, argv, id) : import_file(argc, argv);
}

const struct command import_command = {
    .name = "import",
    .arguments = "FILE.csv --list NAME [OPTION...] | --list-imports | --status ID | --undo ID "
                 "[--application NAME] [--tenant NAME] [--data DIR]",
    .help = "bring a CSV file into a calling list",
    .more =
        "The first row names the columns, in any order: those of the list's table, the keys under\n"
        "which they are sent, or common words (phone, time zone, from, till). tz_name takes the\n"
        "name of a TimeZone or an IANA name; without it the number tells the zone. Rows with the\n"
        "same chain_key become one chain, wherever they stand. Times of day are hh:mm or seconds\n"
        "after midnight; types of records and contacts are numbers or names.\n\n"
        "  --map c_client_id=Customer,...  says what a header means\n"
        "  --ignore Remarks,...            leaves headers out\n"
        "  --phones Home=1,Handy=Mobile    several numbers in a row: a chain, in this order\n"
        "  --set daily_from=09:00,...      the same value in every row\n"
        "  --delimiter ';'                 else the likeliest of , ; | and tab in the first line\n"
        "  --encoding WINDOWS-1252         of the file; else by its byte order mark, or UTF-8\n\n"
        "  --numbers keep                  as they are written (so it is if not given),\n"
        "            check                 refused where there can be no such number,\n"
        "            normalise             and written as +<country code><number>\n"
        "  --region DE                     of numbers that have no country code\n"
        "  --zone-if-unclear NAME          for numbers that may be in several time zones; else\n"
        "                                  such rows are refused\n"
        "  --duplicates report             a number that the list or file has already: loaded, "
        "and\n"
        "               reject | keep      reported (so it is if not given), refused, or not "
        "looked\n"
        "                                  for\n"
        "  --do-not-call no-call           a number or customer on the Do-Not-Call list: loaded "
        "as\n"
        "                reject | ignore   a record that nobody calls, and reported (so it is if "
        "not\n"
        "                                  given), refused, or not looked for\n"
        "  --all-or-nothing                nobody is called before the whole file is in; if one "
        "row\n"
        "                                  is refused, none comes in\n\n"
        "  --rejects FILE                  rows that were refused or reported: line, field, rule,\n"
        "                                  value; else FILE.csv.rejects.csv, made when there is "
        "one\n"
        "  --key TEXT                      names this import; else the file's content, the list "
        "and\n"
        "                                  the options above are the key. A repeat with the same "
        "key\n"
        "                                  goes on where the first one was interrupted, and "
        "inserts\n"
        "                                  nothing twice\n\n"
        "  --list-imports [--list NAME]    imports so far, the latest first\n"
        "  --status ID                     one of them, with what it refused\n"
        "  --undo ID                       takes out an --all-or-nothing import that did not "
        "end\n\n"
        "Exit code: 0 every row is in, 1 it failed (repeat it), 2 wrong use, 3 rows were "
        "rejected.\n",
    .run = import,
};
