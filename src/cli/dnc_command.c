/* SPDX-License-Identifier: Apache-2.0 */
/* carillon dnc: the Do-Not-Call list. Begin at run(); a file goes in slice by slice, each durable
 * before the next is sent, so an import that was cut off is simply begun again. */
#include "cli/command.h"
#include "cli/tool.h"
#include "format/csv.h"
#include "format/json.h"
#include "gen/messages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CONNECT_MS = 10000,
    ANSWER_MS = 120000,
    SLICE_ENTRIES = 1000,
    READ_BYTES = 65536,
    VALUE_CHARS_MAX = 64,
    MESSAGE_BYTES_MAX = 255,
    REJECTS_SHOWN = 10,
    PAGE_MAX = 1000
};

enum column { COLUMN_PHONE, COLUMN_CUSTOMER, COLUMN_MESSAGE, COLUMNS, COLUMN_NONE = COLUMNS };

struct dnc {
    struct tool tool;
    struct link *link;
    struct fault fault;
    bool wants_json;
    struct text message;
    uint32_t campaign_dbid;
    uint64_t added, removed, total, found;
    struct text next;
    /* of a file */
    const char *file_name;
    struct scope *slice_life;
    struct outbound_dnc_entry *slice;
    uint32_t slice_count;
    enum column columns[32];
    uint32_t column_count;
    bool has_header; /* the first row was looked at */
    uint64_t read, rejected;
    enum err err;
};

/* --- asking ----------------------------------------------------------------------------------- */

static void note_changed(void *self, const void *fields)
{
    struct dnc *dnc = self;
    const struct outbound_dnc_changed *changed = fields;
    dnc->added += changed->added;
    dnc->removed += changed->removed;
    dnc->total = changed->total;
}

static enum err change(struct dnc *dnc, struct outbound_dnc_change *ask)
{
    return tool_ask(&dnc->tool, dnc->link, &MSG_OUTBOUND_DNC_CHANGE, ask, ANSWER_MS, note_changed,
                    dnc, &dnc->fault);
}

static struct outbound_dnc_entry entry_of(const struct dnc *dnc, struct text phone,
                                          struct text customer_id, struct text message)
{
    return (struct outbound_dnc_entry){
        .head.has = (phone.len ? OUTBOUND_DNC_ENTRY_HAS_PHONE : 0) |
                    (customer_id.len ? OUTBOUND_DNC_ENTRY_HAS_CUSTOMER_ID : 0) |
                    (message.len ? OUTBOUND_DNC_ENTRY_HAS_MESSAGE : 0) |
                    OUTBOUND_DNC_ENTRY_HAS_CAMPAIGN_DBID,
        .phone = phone,
        .customer_id = customer_id,
        .message = message,
        .campaign_dbid = dnc->campaign_dbid,
    };
}

/* --- a file ----------------------------------------------------------------------------------- */

static void send_slice(struct dnc *dnc)
{
    if (dnc->slice_count == 0 || dnc->err) return;
    struct outbound_dnc_change ask = { .head.has = OUTBOUND_DNC_CHANGE_HAS_ADD,
                                       .add = { dnc->slice, dnc->slice_count } };
    dnc->err = change(dnc, &ask);
    dnc->slice_count = 0;
    scope_reset(dnc->slice_life);
    dnc->slice = scope_alloc_array(dnc->slice_life, SLICE_ENTRIES, sizeof *dnc->slice);
    if (!dnc->err && dnc->read % 100000 < SLICE_ENTRIES)
        fprintf(stderr, "\r%" PRIu64 " rows", dnc->read);
}

static enum column column_of(struct text name)
{
    static const struct {
        const char *name;
        enum column column;
    } names[] = {
        { "phone", COLUMN_PHONE },          { "contact_info", COLUMN_PHONE },
        { "number", COLUMN_PHONE },         { "GSW_PHONE", COLUMN_PHONE },
        { "customer_id", COLUMN_CUSTOMER }, { "GSW_CUSTOMER_ID", COLUMN_CUSTOMER },
        { "dnc_message", COLUMN_MESSAGE },  { "message", COLUMN_MESSAGE },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_eq_fold(text_trim(name), text_of(names[i].name))) return names[i].column;
    return COLUMN_NONE;
}

/* A file without a header has numbers in its first column. */
static bool take_header(struct dnc *dnc, const struct text *fields, size_t count)
{
    dnc->has_header = true;
    bool is_header = false;
    for (size_t i = 0; i < count && i < sizeof dnc->columns / sizeof dnc->columns[0]; i++) {
        dnc->columns[dnc->column_count++] = column_of(fields[i]);
        is_header = is_header || dnc->columns[i] == COLUMN_PHONE ||
                    dnc->columns[i] == COLUMN_CUSTOMER;
    }
    if (is_header) return true;
    for (uint32_t i = 0; i < dnc->column_count; i++) dnc->columns[i] = COLUMN_NONE;
    dnc->columns[0] = COLUMN_PHONE;
    return false;
}

static size_t characters(struct text in)
{
    size_t count = 0;
    for (size_t i = 0; i < in.len; i++) count += ((unsigned char)in.at[i] & 0xc0) != 0x80;
    return count;
}

static void reject(struct dnc *dnc, uint64_t line, const char *rule)
{
    if (dnc->rejected++ < REJECTS_SHOWN)
        fprintf(stderr, "%s:%" PRIu64 ": %s\n", dnc->file_name, line, rule);
}

static bool on_row(void *self, uint64_t line, const struct text *fields, uint32_t count)
{
    struct dnc *dnc = self;
    if (!dnc->has_header && take_header(dnc, fields, count)) return true;
    struct text values[COLUMNS] = { { 0 } };
    for (size_t i = 0; i < count && i < dnc->column_count; i++)
        if (dnc->columns[i] < COLUMNS) values[dnc->columns[i]] = text_trim(fields[i]);
    dnc->read++;
    if (values[COLUMN_PHONE].len + values[COLUMN_CUSTOMER].len == 0) {
        if (count > 1 || (count == 1 && fields[0].len))
            reject(dnc, line, "neither number nor customer");
        return true;
    }
    if (characters(values[COLUMN_PHONE]) > VALUE_CHARS_MAX ||
        characters(values[COLUMN_CUSTOMER]) > VALUE_CHARS_MAX) {
        reject(dnc, line, "a number or customer id has at most 64 characters");
        return true;
    }
    for (int i = 0; i < COLUMNS; i++)
        if (!text_is_utf8(values[i])) {
            reject(dnc, line, "is not UTF-8");
            return true;
        }
    struct text message = values[COLUMN_MESSAGE].len ? values[COLUMN_MESSAGE] : dnc->message;
    dnc->slice[dnc->slice_count++] =
        entry_of(dnc, scope_keep(dnc->slice_life, values[COLUMN_PHONE]),
                 scope_keep(dnc->slice_life, values[COLUMN_CUSTOMER]),
                 scope_keep(dnc->slice_life, text_slice(message, 0, MESSAGE_BYTES_MAX)));
    if (dnc->slice_count == SLICE_ENTRIES) send_slice(dnc);
    return dnc->err == ERR_OK;
}

static bool on_bad_row(void *self, uint64_t line, struct text raw, const char *words)
{
    (void)raw;
    reject(self, line, words);
    return true;
}

static enum err import(struct dnc *dnc, const char *file_name)
{
    static const struct csv_handler handler = { .on_row = on_row, .on_bad_row = on_bad_row };
    bool is_input = strcmp(file_name, "-") == 0;
    FILE *file = is_input ? stdin : fopen(file_name, "rb");
    if (file == NULL)
        return fault_set(&dnc->fault, ERR_IO, "file", "%s: %s", file_name, strerror(errno));
    dnc->file_name = file_name;
    dnc->slice_life = scope_new(dnc->tool.life, "slice", SCOPE_NO_LIMIT);
    dnc->slice = scope_alloc_array(dnc->slice_life, SLICE_ENTRIES, sizeof *dnc->slice);
    static char bytes[READ_BYTES];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    struct csv_rules rules = { .delimiter = csv_delimiter((struct text){ bytes, len }) };
    struct csv *csv = csv_new(dnc->tool.life, &rules, &handler, dnc);
    while (len > 0 && !dnc->err && csv_feed(csv, (struct text){ bytes, len }))
        len = fread(bytes, 1, sizeof bytes, file);
    if (!dnc->err) (void)csv_end(csv);
    send_slice(dnc);
    if (!dnc->err && ferror(file))
        dnc->err = fault_set(&dnc->fault, ERR_IO, "file", "%s cannot be read", file_name);
    if (!is_input) (void)fclose(file);
    fprintf(stderr,
            "\r%" PRIu64 " rows read, %" PRIu64 " entries added, %" PRIu64 " rejected, %" PRIu64
            " entries in all\n",
            dnc->read, dnc->added, dnc->rejected, dnc->total);
    return dnc->err;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void print_entries(void *self, const void *fields)
{
    struct dnc *dnc = self;
    const struct outbound_dnc_entries *page = fields;
    for (uint32_t i = 0; i < page->entries.count; i++) {
        const struct outbound_dnc_entry *entry = &page->entries.at[i];
        if (dnc->wants_json) {
            struct buf out = { 0 };
            shape_to_json(&out, &SHAPE_OUTBOUND_DNC_ENTRY, entry);
            printf("%.*s\n", TEXT_ARG(buf_text(&out)));
            buf_free(&out);
            continue;
        }
        printf("%-8s %-24.*s", entry->phone.len ? "number" : "customer",
               TEXT_ARG(entry->phone.len ? entry->phone : entry->customer_id));
        if (entry->campaign_dbid) printf(" campaign %u", entry->campaign_dbid);
        if (entry->message.len) printf(" %.*s", TEXT_ARG(entry->message));
        printf("\n");
    }
    dnc->found += page->entries.count;
    dnc->total = page->total;
    dnc->next = scope_keep(dnc->tool.life, page->next);
}

static enum err look(struct dnc *dnc, struct outbound_dnc_list *ask)
{
    return tool_ask(&dnc->tool, dnc->link, &MSG_OUTBOUND_DNC_LIST, ask, ANSWER_MS, print_entries,
                    dnc, &dnc->fault);
}

static enum err list(struct dnc *dnc, uint32_t limit)
{
    enum err err = ERR_OK;
    do {
        uint64_t left = limit - dnc->found;
        struct outbound_dnc_list ask = {
            .head.has = OUTBOUND_DNC_LIST_HAS_LIMIT |
                        (dnc->next.len ? OUTBOUND_DNC_LIST_HAS_AFTER : 0),
            .after = dnc->next,
            .limit = left < PAGE_MAX ? (uint32_t)left : PAGE_MAX,
        };
        err = look(dnc, &ask);
    } while (!err && dnc->next.len && dnc->found < limit);
    if (!err)
        fprintf(stderr, "%" PRIu64 " shown%s; %" PRIu64 " entries in memory\n", dnc->found,
                dnc->next.len ? ", there are more (--limit)" : "", dnc->total);
    return err;
}

/* --- the command ------------------------------------------------------------------------------ */

static enum err change_one(struct dnc *dnc, bool is_add, const char *phone, const char *customer)
{
    struct outbound_dnc_entry entry =
        entry_of(dnc, text_of(phone), text_of(customer), dnc->message);
    struct outbound_dnc_change ask = { .head.has = is_add ? OUTBOUND_DNC_CHANGE_HAS_ADD
                                                          : OUTBOUND_DNC_CHANGE_HAS_REMOVE };
    if (is_add) {
        ask.add.at = &entry;
        ask.add.count = 1;
    } else {
        ask.remove.at = &entry;
        ask.remove.count = 1;
    }
    enum err err = change(dnc, &ask);
    if (err) return err;
    printf("%s, %" PRIu64 " entries in memory\n",
           is_add ? (dnc->added ? "added" : "is there already")
                  : (dnc->removed ? "removed" : "is not there"),
           dnc->total);
    return ERR_OK;
}

static enum err check(struct dnc *dnc, const char *phone, const char *customer)
{
    struct outbound_dnc_list ask = {
        .head.has = phone ? OUTBOUND_DNC_LIST_HAS_PHONE : OUTBOUND_DNC_LIST_HAS_CUSTOMER_ID,
        .phone = text_of(phone),
        .customer_id = text_of(customer),
    };
    enum err err = look(dnc, &ask);
    if (!err && dnc->found == 0 && !dnc->wants_json) printf("is not on the list\n");
    return err;
}

static enum err read_again(struct dnc *dnc)
{
    struct outbound_dnc_change ask = { .head.has = OUTBOUND_DNC_CHANGE_HAS_REREAD, .reread = true };
    enum err err = change(dnc, &ask);
    if (!err) printf("read again, %" PRIu64 " entries in memory\n", dnc->total);
    return err;
}

struct words {
    const char *deed, *argument, *customer;
    uint32_t limit;
};

static bool is_right_use(const struct words *words, int argc)
{
    bool is_alone = strcmp(words->deed, "list") == 0 || strcmp(words->deed, "reread") == 0;
    if (is_alone) return argc == 2;
    if (strcmp(words->deed, "import") == 0) return argc == 3;
    bool is_one = strcmp(words->deed, "add") == 0 || strcmp(words->deed, "remove") == 0 ||
                  strcmp(words->deed, "check") == 0;
    return is_one && (argc == 3) == (words->customer == NULL);
}

static enum err carry_out(struct dnc *dnc, const struct words *words)
{
    switch (words->deed[0]) {
    case 'a': return change_one(dnc, true, words->argument, words->customer);
    case 'c': return check(dnc, words->argument, words->customer);
    case 'i': return import(dnc, words->argument);
    case 'l': return list(dnc, words->limit);
    default:
        return words->deed[2] == 'r' ? read_again(dnc)
                                     : change_one(dnc, false, words->argument, words->customer);
    }
}

static int run(int argc, char **argv)
{
    struct dnc dnc = { 0 };
    const char *data = command_take_option(&argc, argv, "--data");
    const char *application = command_take_option(&argc, argv, "--application");
    const char *campaign = command_take_option(&argc, argv, "--campaign-dbid");
    const char *limit = command_take_option(&argc, argv, "--limit");
    dnc.message = text_of(command_take_option(&argc, argv, "--message"));
    struct words words = { .customer = command_take_option(&argc, argv, "--customer"),
                           .limit = 100 };
    dnc.wants_json = command_take_flag(&argc, argv, "--json");
    if (!command_knows_all(argc, argv)) return 2;
    words.deed = argc > 1 ? argv[1] : "";
    words.argument = argc > 2 ? argv[2] : NULL;
    if (!is_right_use(&words, argc) || dnc.message.len > MESSAGE_BYTES_MAX ||
        (campaign && text_to_u32(text_of(campaign), 0, UINT32_MAX, &dnc.campaign_dbid)) ||
        (limit && text_to_u32(text_of(limit), 1, UINT32_MAX, &words.limit))) {
        fprintf(stderr, "usage: carillon dnc add|remove|check NUMBER (or --customer ID), dnc list, "
                        "dnc import FILE, dnc reread\n");
        return 2;
    }
    enum err err = tool_open(&dnc.tool, data, &dnc.fault);
    if (!err)
        err = tool_connect_application(&dnc.tool, text_of(application ? application : "outbound"),
                                       CONNECT_MS, &dnc.link, &dnc.fault);
    if (!err) err = carry_out(&dnc, &words);
    if (err) fprintf(stderr, "carillon dnc: %s\n", dnc.fault.words);
    tool_close(&dnc.tool);
    return err ? 1 : 0;
}

const struct command dnc_command = {
    .name = "dnc",
    .arguments =
        "[--data DIR] [--application NAME] add|remove|check|list|import|reread [NUMBER|FILE]",
    .help = "the Do-Not-Call list: add, remove, check, list, import a file, read again",
    .more =
        "  add NUMBER        [--message TEXT] [--campaign-dbid N]   or --customer ID for NUMBER\n"
        "  remove NUMBER     [--campaign-dbid N]\n"
        "  check NUMBER      [--json]\n"
        "  list              [--limit N] [--json]\n"
        "  import FILE       a number a line, or CSV with a header that names phone and\n"
        "                    customer_id; - is the standard input; again is harmless\n"
        "  reread            after rows were added to the table by hand\n",
    .run = run,
};
