/* SPDX-License-Identifier: Apache-2.0 */
/* `carillon import`: reads a CSV file, hands its rows to outbound, writes down what was refused.
 * Begin at import(): options, the header, then every row; import_send.c carries them over. */
#include "cli/import_command.h"

#include "cli/command.h"
#include "cli/import_columns.h"
#include "cli/import_progress.h"
#include "cli/import_send.h"
#include "format/csv.h"
#include "format/encoding.h"
#include "format/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USE = 2,
    EXIT_REJECTS = 3,
    BLOCK_BYTES = 16 * 1024,
    WAIT_MS = 60000,
    VALUE_BYTES_MAX = 256,
    REJECTS_SHOWN = 10,
};

struct import {
    const char *file_name, *list, *application, *tenant, *map, *ignore, *delimiter, *encoding_name,
        *rejects_name, *key, *data;
    struct tool tool;
    FILE *file, *rejects;
    struct stat stat;
    uint64_t hash;
    struct encoding *encoding; /* NULL: the file is UTF-8 */
    struct import_columns columns;
    struct text *headers, *cells; /* by column: of the file, of one row */
    struct scope *row;            /* emptied after each */
    struct import_send *send;
    struct import_progress progress;
    uint64_t rejected, bytes_read;
    enum { READ_HEADER, SKIP_HEADER, READ_ROWS } stage;
    uint64_t rows; /* handed over */
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

static void show_progress(struct import *import)
{
    struct buf words = { 0 };
    struct import_figures figures = { import->bytes_read, import->rows, import->rejected };
    import_progress_show(&import->progress, &figures, loop_now_mono_ms(import->tool.loop), &words);
    print(&words);
}

static void clear_progress(struct import *import)
{
    struct buf words = { 0 };
    import_progress_clear(&import->progress, &words);
    print(&words);
}

/* What each header was taken for: most who read it misspelled one. */
static void tell_columns(const struct import *import)
{
    for (uint32_t i = 0; i < import->columns.count; i++)
        fprintf(stderr, "  header \"%.*s\" is column %.*s\n", TEXT_ARG(import->headers[i]),
                TEXT_ARG(import->columns.names[i]));
    fprintf(stderr, "  --map COLUMN=HEADER says it otherwise, --ignore HEADER leaves one out\n");
}

static void complain(struct import *import)
{
    clear_progress(import);
    fprintf(stderr, "carillon import: %s%s%s\n", import->fault.field,
            import->fault.field[0] ? ": " : "", import->fault.words);
    if (strcmp(import->fault.field, "columns") == 0) tell_columns(import);
}

/* --- rejects --- */

static void put_csv(FILE *out, struct text value, char end)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"') (void)fputc('"', out);
        (void)fputc(value.at[i], out);
    }
    (void)fputc('"', out);
    (void)fputc(end, out);
}

static void open_rejects(struct import *import)
{
    if (import->rejects || import->rejects_name == NULL) return;
    import->rejects = fopen(import->rejects_name, "we");
    if (import->rejects == NULL) {
        fprintf(stderr, "carillon import: %s: %s\n", import->rejects_name, strerror(errno));
        import->rejects_name = NULL;
        return;
    }
    (void)fputs("line,field,rule,value\n", import->rejects);
}

static void reject(void *self, uint64_t line, struct text field, struct text rule,
                   struct text value)
{
    struct import *import = self;
    import->rejected++;
    open_rejects(import);
    struct text shown = text_slice(value, 0, VALUE_BYTES_MAX);
    if (import->rejects) {
        fprintf(import->rejects, "%llu,", (unsigned long long)line);
        put_csv(import->rejects, field, ',');
        put_csv(import->rejects, rule, ',');
        put_csv(import->rejects, shown, '\n');
    }
    if (import->rejected > REJECTS_SHOWN) return;
    clear_progress(import);
    fprintf(stderr, "line %llu, %.*s: %.*s (\"%.*s\")\n", (unsigned long long)line, TEXT_ARG(field),
            TEXT_ARG(rule), TEXT_ARG(shown));
    if (import->rejected == REJECTS_SHOWN)
        fprintf(stderr, "further ones are written to the rejects file alone\n");
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
        headers[i] = fields[i];
        if (import->encoding) (void)encoding_decode(import->encoding, fields[i], life, &headers[i]);
        if (!text_is_utf8(headers[i]))
            return fail(import, fault_set(&import->fault, ERR_INVALID, "header",
                                          "must be UTF-8 (see --encoding)"));
    }
    import->err = import_columns_make(headers, count, text_of(import->map), text_of(import->ignore),
                                      life, &import->columns, &import->fault);
    import->cells = scope_alloc_array(life, count + 1, sizeof *import->cells);
    import->headers = scope_alloc_array(life, count + 1, sizeof *import->headers);
    for (uint32_t i = 0; i < import->columns.count && !import->err; i++)
        import->headers[i] = scope_keep(life, headers[import->columns.cells[i]]);
    import->stage = SKIP_HEADER;
    return false;
}

/* NULL: the row may go. */
static const char *take_cells(struct import *import, const struct text *fields, uint32_t *at)
{
    for (*at = 0; *at < import->columns.count; (*at)++) {
        struct text cell = fields[import->columns.cells[*at]];
        if (import->encoding) {
            if (encoding_decode(import->encoding, cell, import->row, &cell))
                return "a byte means nothing in this character set";
        } else if (!text_is_utf8(cell)) {
            return "must be UTF-8 (see --encoding)";
        }
        if (text_find(cell, '\0', 0) != SIZE_MAX) return "must not hold a NUL";
        import->cells[*at] = cell;
    }
    return NULL;
}

static bool send_row(struct import *import, uint64_t line, const struct text *fields)
{
    uint32_t at;
    const char *rule = take_cells(import, fields, &at);
    enum err err = ERR_OK;
    if (rule) {
        reject(import, line, import->columns.names[at], text_of(rule), TEXT(""));
    } else {
        import->rows++;
        err = import_send_row(import->send, line, import->cells, &import->fault);
    }
    scope_reset(import->row);
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
    if (count == import->columns.header_count) return send_row(import, line, fields);
    char rule[64];
    (void)snprintf(rule, sizeof rule, "has %u cells, the header has %u", count,
                   import->columns.header_count);
    reject(import, line, TEXT("line"), text_of(rule), TEXT(""));
    return true;
}

static bool on_bad_row(void *self, uint64_t line, struct text raw, const char *words)
{
    struct import *import = self;
    if (import->stage == READ_HEADER)
        return fail(import, fault_set(&import->fault, ERR_INVALID, "header", "%s", words));
    reject(import, line, TEXT("line"), text_of(words), raw);
    return true;
}

/* --- the file --- */

static uint64_t hash_more(uint64_t hash, struct text block)
{
    return hash * 31 + text_hash(block);
}

static void read_error(struct import *import)
{
    import->err =
        fault_set(&import->fault, ERR_IO, "", "%s: %s", import->file_name, strerror(errno));
}

/* From the front to the end; on the first pass to learn the header and what the file is, on the
 * second to send its rows. */
static void read_file(struct import *import)
{
    static const struct csv_handler handler = { on_row, on_bad_row };
    char block[BLOCK_BYTES];
    struct scope *life = scope_new(import->tool.life, "csv", SCOPE_NO_LIMIT);
    struct csv_rules rules = { .delimiter = import->delimiter[0] };
    struct csv *csv = NULL;
    size_t len;
    bool is_first_pass = import->stage == READ_HEADER, is_feeding = true;
    rewind(import->file);
    while (!import->err && (len = fread(block, 1, sizeof block, import->file)) > 0) {
        struct text bytes = { block, len };
        if (csv == NULL) {
            if (rules.delimiter == '\0') rules.delimiter = csv_delimiter(bytes);
            csv = csv_new(life, &rules, &handler, import);
        }
        if (is_first_pass) import->hash = hash_more(import->hash, bytes);
        if (is_feeding) is_feeding = csv_feed(csv, bytes);
        import->bytes_read += len;
        if (!is_first_pass) show_progress(import);
    }
    if (!import->err && ferror(import->file)) read_error(import);
    if (!import->err && is_feeding && csv) (void)csv_end(csv);
    if (!import->err && import->stage == READ_HEADER)
        import->err = fault_set(&import->fault, ERR_INVALID, "header", "the file is empty");
    import->bytes_read = 0;
    scope_close(life);
}

/* --- where outbound is --- */

struct lookup {
    struct import *import;
    struct text body; /* of the object, JSON; empty: not there */
};

static void on_objects(void *self, const void *fields)
{
    const struct config_objects *objects = fields;
    struct lookup *lookup = self;
    if (objects->objects.count > 0)
        lookup->body = scope_keep(lookup->import->tool.life, objects->objects.at[0].body);
}

static enum err read_object(struct import *import, struct link *config, struct text type,
                            struct text key, struct kv *out)
{
    struct lookup lookup = { .import = import };
    struct config_read read = { .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_KEY,
                                .type = type,
                                .key = key };
    enum err err = tool_ask(&import->tool, config, &MSG_CONFIG_READ, &read, WAIT_MS, on_objects,
                            &lookup, &import->fault);
    if (err) return err;
    if (lookup.body.len == 0)
        return fault_set(&import->fault, ERR_NOT_FOUND, "", "there is no %.*s %.*s", TEXT_ARG(type),
                         TEXT_ARG(key));
    return json_read_kv(lookup.body, import->tool.life, out, &import->fault);
}

static struct text text_of_member(const struct kv *kv, const char *name)
{
    const struct value *value = kv_find(kv, text_of(name));
    return value && value->kind == VALUE_TEXT ? value->text : TEXT("");
}

/* The port of links: the one with id "default". 0: none. */
static int64_t link_port(const struct kv *application)
{
    const struct value *ports = kv_find(application, TEXT("ports"));
    if (ports == NULL || ports->kind != VALUE_LIST) return 0;
    for (uint32_t i = 0; i < ports->items.count; i++) {
        const struct value *port = &ports->items.at[i];
        if (port->kind != VALUE_KV || !text_eq(text_of_member(&port->pairs, "id"), TEXT("default")))
            continue;
        const struct value *number = kv_find(&port->pairs, TEXT("number"));
        if (number && number->kind == VALUE_INTEGER) return number->integer;
    }
    return 0;
}

static enum err find_address(struct import *import, struct text *out)
{
    struct link *config;
    struct kv application, host = { 0 };
    struct text name = text_of(import->application), address = TEXT("127.0.0.1");
    enum err err = tool_connect_config(&import->tool, WAIT_MS, &config, &import->fault);
    if (err) return err;
    err = read_object(import, config, TEXT("Application"), name, &application);
    int64_t port = err ? 0 : link_port(&application);
    if (!err && port == 0)
        err = fault_set(&import->fault, ERR_INVALID, "", "application %s has no port \"default\"",
                        import->application);
    struct text where = err ? TEXT("") : text_of_member(&application, "host");
    if (!err && where.len && !text_eq(where, import->tool.host)) {
        err = read_object(import, config, TEXT("Host"), where, &host);
        address = text_of_member(&host, "ipAddress");
    }
    link_close(config);
    if (!err)
        *out = scope_format(import->tool.life, "%.*s:%lld", TEXT_ARG(address), (long long)port);
    return err;
}

/* --- the command --- */

static enum err send_file(struct import *import)
{
    struct text address;
    enum err err = find_address(import, &address);
    if (err) return err;
    struct import_send_setup setup = {
        .tool = &import->tool,
        .application = text_of(import->application),
        .address = address,
        .tenant = text_of(import->tenant),
        .list = text_of(import->list),
        .key = text_of(import->key),
        .file_name = text_of(import->file_name),
        .columns = import->columns.names,
        .column_count = import->columns.count,
        .total_bytes = (uint64_t)import->stat.st_size,
        .wait_ms = WAIT_MS,
        .on_reject = reject,
        .self = import,
    };
    err = import_send_begin(&setup, &import->send, &import->fault);
    if (err) return err;
    if (import_send_goes_on(import->send))
        printf("outbound knows this file: what is in %s is not inserted again (--key)\n",
               import->list);
    import_progress_start(&import->progress, isatty(STDOUT_FILENO) == 1,
                          (uint64_t)import->stat.st_size, loop_now_mono_ms(import->tool.loop));
    read_file(import);
    return import->err;
}

static void print_summary(struct import *import, const struct outbound_import_ended *totals)
{
    uint64_t took_ms = loop_now_mono_ms(import->tool.loop) - import->progress.started_ms;
    clear_progress(import);
    printf("%llu rows inserted into %s (it has %llu of this file, in %llu chains), %llu rejected, "
           "%llu.%llu s\n",
           (unsigned long long)import_send_inserted(import->send), import->list,
           (unsigned long long)totals->inserted, (unsigned long long)totals->chains,
           (unsigned long long)import->rejected, (unsigned long long)(took_ms / 1000),
           (unsigned long long)(took_ms % 1000 / 100));
    if (import->rejects) printf("rejected: see %s\n", import->rejects_name);
}

static enum err carry_out(struct import *import)
{
    struct outbound_import_ended totals = { 0 };
    struct fault *fault = &import->fault;
    enum err err = ERR_OK;
    if (import->encoding_name[0])
        err = encoding_open(import->tool.life, text_of(import->encoding_name), &import->encoding,
                            fault);
    if (err) return err;
    import->row = scope_new(import->tool.life, "row", SCOPE_NO_LIMIT);
    read_file(import);
    if (import->err) return import->err;
    if (import->key == NULL)
        import->key = scope_format(import->tool.life, "%s %016llx %llu", import->list,
                                   (unsigned long long)import->hash,
                                   (unsigned long long)import->stat.st_size)
                          .at;
    err = send_file(import);
    if (!err) err = import_send_end(import->send, &totals, fault);
    if (!err) print_summary(import, &totals);
    return err;
}

static enum err open_file(struct import *import)
{
    import->file = fopen(import->file_name, "re");
    if (import->file == NULL || fstat(fileno(import->file), &import->stat)) {
        read_error(import);
    } else if (!S_ISREG(import->stat.st_mode)) {
        import->err = fault_set(&import->fault, ERR_INVALID, "",
                                "%s: must be a file: it is read "
                                "twice",
                                import->file_name);
    }
    return import->err;
}

static int run(struct import *import)
{
    enum err err = open_file(import);
    if (!err) err = tool_open(&import->tool, import->data, &import->fault);
    if (!err) {
        err = carry_out(import);
        if (err) complain(import);
        tool_close(&import->tool);
    } else {
        fprintf(stderr, "carillon import: %s\n", import->fault.words);
    }
    if (import->file) (void)fclose(import->file);
    if (import->rejects && fclose(import->rejects))
        fprintf(stderr, "carillon import: %s: %s\n", import->rejects_name, strerror(errno));
    if (err) return EXIT_FAILED;
    return import->rejected ? EXIT_REJECTS : EXIT_DONE;
}

static const char *option(int *argc, char **argv, const char *name, const char *usual)
{
    const char *value = command_take_option(argc, argv, name);
    return value ? value : usual;
}

static int import(int argc, char **argv)
{
    struct import import = {
        .data = command_take_option(&argc, argv, "--data"),
        .list = option(&argc, argv, "--list", ""),
        .application = option(&argc, argv, "--application", "outbound"),
        .tenant = option(&argc, argv, "--tenant", ""),
        .map = option(&argc, argv, "--map", ""),
        .ignore = option(&argc, argv, "--ignore", ""),
        .delimiter = option(&argc, argv, "--delimiter", ""),
        .encoding_name = option(&argc, argv, "--encoding", ""),
        .rejects_name = command_take_option(&argc, argv, "--rejects"),
        .key = command_take_option(&argc, argv, "--key"),
    };
    if (!command_knows_all(argc, argv)) return EXIT_USE;
    if (strcmp(import.delimiter, "\\t") == 0 || strcmp(import.delimiter, "tab") == 0)
        import.delimiter = "\t";
    if (argc != 2 || import.list[0] == '\0' || strlen(import.delimiter) > 1) {
        fprintf(stderr, "usage: carillon import %s\n", import_command.arguments);
        return EXIT_USE;
    }
    import.file_name = argv[1];
    char rejects_name[4096];
    int len = snprintf(rejects_name, sizeof rejects_name, "%s.rejects.csv", import.file_name);
    if (import.rejects_name == NULL && len > 0 && (size_t)len < sizeof rejects_name)
        import.rejects_name = rejects_name;
    return run(&import);
}

const struct command import_command = {
    .name = "import",
    .arguments = "FILE.csv --list NAME [--map COLUMN=HEADER,...] [--ignore HEADER,...] "
                 "[--delimiter C] [--encoding NAME] [--rejects FILE] [--key TEXT] "
                 "[--application NAME] [--tenant NAME] [--data DIR]",
    .help = "bring a CSV file into a calling list",
    .more =
        "The first row names the columns: those of the list's table, the keys under which they "
        "are\n"
        "sent, or common words (phone, time zone, from, till). tz_name takes the name of a "
        "TimeZone\n"
        "or its IANA name; rows that follow each other with the same chain_key become one chain.\n"
        "Times of day are hh:mm or seconds after midnight.\n\n"
        "  --map c_client_id=Customer,...  says what a header means\n"
        "  --ignore Remarks,...            leaves headers out\n"
        "  --delimiter ';'                 else the likeliest of , ; and tab in the first line\n"
        "  --encoding WINDOWS-1252         of the file; else UTF-8\n"
        "  --rejects FILE                  rows that were refused: line, field, rule, value;\n"
        "                                  else FILE.csv.rejects.csv, made when there is one\n"
        "  --key TEXT                      names this import. A repeat with the same key goes on\n"
        "                                  where the first one stopped and inserts nothing twice;\n"
        "                                  else the file's content is the key\n\n"
        "Exit code: 0 every row is in, 1 it failed, 2 wrong use, 3 rows were rejected.\n",
    .run = import,
};
