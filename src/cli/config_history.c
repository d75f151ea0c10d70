/* SPDX-License-Identifier: Apache-2.0 */
/* Page after page, each written as it comes: as lines, as JSON (a list of rows) or as XML, as the
 * guides' -dumpauditxml gives it. */
#include "cli/config_history.h"

#include "format/json.h"
#include "format/xml.h"
#include "gen/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 60000, PAGE_ROWS = 500, DAYS_MAX = 36500, SHOWN_BYTES_MAX = 200 };

struct telling {
    FILE *out;
    void (*print)(struct telling *telling, const struct config_history_row *row);
    char before[64 + 1]; /* cursor; empty: this was the last page */
    uint64_t count;
};

/* --- lines ---------------------------------------------------------------------------------- */

static void print_time(FILE *out, uint64_t utc_ms)
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm parts;
    char words[32] = "";
    if (gmtime_r(&seconds, &parts))
        (void)strftime(words, sizeof words, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)fprintf(out, "%s.%03uZ", words, (unsigned)(utc_ms % 1000));
}

static void print_some(FILE *out, struct text json)
{
    (void)fprintf(out, "%.*s%s", TEXT_ARG(text_slice(json, 0, SHOWN_BYTES_MAX)),
                  json.len > SHOWN_BYTES_MAX ? "..." : "");
}

static void print_property_line(FILE *out, const struct config_history_property *property)
{
    bool has_old = SHAPE_HAS(property, CONFIG_HISTORY_PROPERTY_HAS_OLD);
    bool has_new = SHAPE_HAS(property, CONFIG_HISTORY_PROPERTY_HAS_NEW);
    (void)fprintf(out, "    %.*s: ", TEXT_ARG(property->path));
    if (has_old) print_some(out, property->old);
    if (has_old) (void)fputs(has_new ? " -> " : " -> (none)", out);
    if (has_new) print_some(out, property->new);
    (void)fputc('\n', out);
}

static void print_lines(struct telling *telling, const struct config_history_row *row)
{
    FILE *out = telling->out;
    print_time(out, row->time);
    if (row->rev) (void)fprintf(out, " revision %llu", (unsigned long long)row->rev);
    (void)fprintf(out, " %.*s %.*s %.*s", TEXT_ARG(row->op), TEXT_ARG(row->type),
                  TEXT_ARG(row->key));
    if (row->tenant.len && !text_eq(row->tenant, TEXT("Environment")))
        (void)fprintf(out, " of %.*s", TEXT_ARG(row->tenant));
    if (row->person.len) (void)fprintf(out, " by %.*s", TEXT_ARG(row->person));
    if (row->application.len) (void)fprintf(out, " through %.*s", TEXT_ARG(row->application));
    if (row->address.len) (void)fprintf(out, " from %.*s", TEXT_ARG(row->address));
    if (row->comment.len) (void)fprintf(out, ": %.*s", TEXT_ARG(row->comment));
    (void)fputc('\n', out);
    for (uint32_t i = 0; i < row->properties.count; i++)
        print_property_line(out, &row->properties.at[i]);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void print_json(struct telling *telling, const struct config_history_row *row)
{
    struct buf out = { 0 };
    shape_to_json(&out, &SHAPE_CONFIG_HISTORY_ROW, row);
    (void)fputs(telling->count ? ",\n" : "[\n", telling->out);
    (void)fwrite(out.at, 1, out.len, telling->out);
    buf_free(&out);
}

/* --- XML ------------------------------------------------------------------------------------ */

static void put_escaped(FILE *out, struct text text)
{
    struct buf escaped = { 0 };
    xml_escape_value(&escaped, text);
    if (escaped.len) (void)fwrite(escaped.at, 1, escaped.len, out);
    buf_free(&escaped);
}

static void put_attribute(FILE *out, const char *name, struct text value)
{
    if (value.len == 0) return;
    (void)fprintf(out, " %s=\"", name);
    put_escaped(out, value);
    (void)fputc('"', out);
}

static void put_element(FILE *out, const char *name, struct text value)
{
    (void)fprintf(out, "<%s>", name);
    put_escaped(out, value);
    (void)fprintf(out, "</%s>", name);
}

static void print_xml(struct telling *telling, const struct config_history_row *row)
{
    FILE *out = telling->out;
    if (telling->count == 0)
        (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<history>\n", out);
    (void)fprintf(out, "  <change revision=\"%llu\" sequence=\"%u\" time=\"",
                  (unsigned long long)row->rev, row->seq);
    print_time(out, row->time);
    (void)fputc('"', out);
    put_attribute(out, "user", row->person);
    put_attribute(out, "application", row->application);
    put_attribute(out, "address", row->address);
    put_attribute(out, "operation", row->op);
    put_attribute(out, "type", row->type);
    (void)fprintf(out, " dbid=\"%u\"", row->dbid);
    put_attribute(out, "tenant", row->tenant);
    put_attribute(out, "key", row->key);
    put_attribute(out, "comment", row->comment);
    (void)fputs(row->properties.count ? ">\n" : "/>\n", out);
    for (uint32_t i = 0; i < row->properties.count; i++) {
        const struct config_history_property *property = &row->properties.at[i];
        (void)fputs("    <property", out);
        put_attribute(out, "path", property->path);
        (void)fputc('>', out);
        if (SHAPE_HAS(property, CONFIG_HISTORY_PROPERTY_HAS_OLD))
            put_element(out, "old", property->old);
        if (SHAPE_HAS(property, CONFIG_HISTORY_PROPERTY_HAS_NEW))
            put_element(out, "new", property->new);
        (void)fputs("</property>\n", out);
    }
    if (row->properties.count) (void)fputs("  </change>\n", out);
}

/* --- pages ---------------------------------------------------------------------------------- */

static void on_page(void *self, const void *fields)
{
    struct telling *telling = self;
    const struct config_history *page = fields;
    for (uint32_t i = 0; i < page->rows.count; i++, telling->count++)
        telling->print(telling, &page->rows.at[i]);
    telling->before[0] = '\0';
    if (SHAPE_HAS(page, CONFIG_HISTORY_HAS_BEFORE))
        (void)text_to_z(page->before, telling->before, sizeof telling->before);
}

static enum err read_wish(const struct config_history_wish *wish, struct config_read_history *out,
                          struct fault *fault)
{
    *out = (struct config_read_history){
        .head.has = CONFIG_READ_HISTORY_HAS_LIMIT,
        .limit = PAGE_ROWS,
        .person = text_of(wish->user),
        .type = text_of(wish->type),
        .key = text_of(wish->key),
        .tenant = text_of(wish->tenant),
    };
    if (wish->user) out->head.has |= CONFIG_READ_HISTORY_HAS_PERSON;
    if (wish->type) out->head.has |= CONFIG_READ_HISTORY_HAS_TYPE;
    if (wish->key) out->head.has |= CONFIG_READ_HISTORY_HAS_KEY;
    if (wish->tenant) out->head.has |= CONFIG_READ_HISTORY_HAS_TENANT;
    if (wish->last == NULL) return ERR_OK;
    uint32_t days;
    if (text_to_u32(text_of(wish->last), 1, DAYS_MAX, &days))
        return fault_set(fault, ERR_INVALID, "", "--last %s: must be 1 to %d days", wish->last,
                         DAYS_MAX);
    out->since = ((uint64_t)time(NULL) - (uint64_t)days * 24 * 3600) * 1000;
    out->head.has |= CONFIG_READ_HISTORY_HAS_SINCE;
    return ERR_OK;
}

static enum err read_pages(struct telling *telling, struct tool *tool, struct link *link,
                           struct config_read_history *asked, struct fault *fault)
{
    enum err err = ERR_OK;
    do {
        char before[sizeof telling->before];
        memcpy(before, telling->before, sizeof before);
        asked->before = text_of(before);
        if (before[0]) asked->head.has |= CONFIG_READ_HISTORY_HAS_BEFORE;
        err = tool_ask(tool, link, &MSG_CONFIG_READ_HISTORY, asked, ANSWER_MS, on_page, telling,
                       fault);
    } while (!err && telling->before[0]);
    return err;
}

static void end(const struct telling *telling)
{
    if (telling->print == print_json) (void)fputs(telling->count ? "\n]\n" : "[]\n", telling->out);
    if (telling->print != print_xml) return;
    if (telling->count == 0)
        (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<history>\n", telling->out);
    (void)fputs("</history>\n", telling->out);
}

static enum err open_file(const char *path, FILE **out, struct fault *fault)
{
    *out = stdout;
    if (path == NULL || strcmp(path, "-") == 0) return ERR_OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (*out) return ERR_OK;
    return fault_set(fault, ERR_IO, "", "%s: %s", path, strerror(errno));
}

static enum err close_file(FILE *file, enum err err, const char *path, struct fault *fault)
{
    bool is_written = fflush(file) == 0 && !ferror(file);
    if (file != stdout && fclose(file) != 0) is_written = false;
    if (err || is_written) return err;
    return fault_set(fault, ERR_IO, "", "%s: %s", path ? path : "output", strerror(errno));
}

enum err config_history(struct tool *tool, struct link *link,
                        const struct config_history_wish *wish, struct fault *fault)
{
    const char *path = wish->xml ? wish->xml : wish->json;
    struct telling telling = { .print = wish->xml    ? print_xml
                                        : wish->json ? print_json
                                                     : print_lines };
    struct config_read_history asked;
    enum err err = read_wish(wish, &asked, fault);
    if (!err) err = open_file(path, &telling.out, fault);
    if (err) return err;
    err = read_pages(&telling, tool, link, &asked, fault);
    if (!err) end(&telling);
    return close_file(telling.out, err, path, fault);
}
