/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/host_file.h"

#include "format/json.h"

#include <stddef.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255, PATH_MAX_BYTES = 3000, OPTIONS_MAX = 1000 };

static const struct shape_field config_fields[] = {
    { 1, "application", FIELD_TEXT, .offset = offsetof(struct host_config, application),
      .len_max = NAME_MAX_BYTES, .help = "name of config's Application object" },
    { 2, "address", FIELD_TEXT, .offset = offsetof(struct host_config, address),
      .len_max = NAME_MAX_BYTES, .help = "where its default port is" },
    { 3, "start", FIELD_BOOL, .offset = offsetof(struct host_config, start),
      .help = "whether this host runs it" },
    { 4, "database", FIELD_TEXT, .offset = offsetof(struct host_config, database),
      .len_max = PATH_MAX_BYTES,
      .help = "PostgreSQL that keeps its data: host=... port=... dbname=... user=..." },
    { 5, "schema", FIELD_TEXT, .offset = offsetof(struct host_config, schema),
      .len_max = NAME_MAX_BYTES, .help = "its schema there" },
};
static const struct shape config_shape = { "config", sizeof(struct host_config), config_fields,
                                           sizeof config_fields / sizeof *config_fields };

static const struct shape_field file_fields[] = {
    { 1, "host", FIELD_TEXT, .offset = offsetof(struct host_file, host), .len_max = NAME_MAX_BYTES,
      .help = "Host object" },
    { 2, "data", FIELD_TEXT, .offset = offsetof(struct host_file, data), .len_max = PATH_MAX_BYTES,
      .help = "data folder" },
    { 3, "run", FIELD_TEXT, .offset = offsetof(struct host_file, run), .len_max = PATH_MAX_BYTES,
      .help = "sockets and pid files" },
    { 4, "logs", FIELD_TEXT, .offset = offsetof(struct host_file, logs), .len_max = PATH_MAX_BYTES,
      .help = "log files" },
    { 5, "config", FIELD_NESTED, .offset = offsetof(struct host_file, config),
      .nested = &config_shape, .help = "where configuration comes from" },
    { 6, "metrics", FIELD_TEXT, .offset = offsetof(struct host_file, metrics),
      .len_max = NAME_MAX_BYTES, .help = "address of the metrics page" },
    { 7, "options", FIELD_KV, .offset = offsetof(struct host_file, options),
      .help = "options of the supervisor" },
};
static const struct shape file_shape = { "host.jsonc", sizeof(struct host_file), file_fields,
                                         sizeof file_fields / sizeof *file_fields };

static uint64_t bit_of(const struct shape *shape, size_t offset)
{
    for (uint16_t i = 0; i < shape->count; i++)
        if (shape->fields[i].offset == offset) return 1ull << i;
    ASSERT(false);
}

static void default_to(struct shape_head *head, const struct shape *shape, struct text *member,
                       const char *value)
{
    uint64_t bit = bit_of(shape, (size_t)((const char *)member - (const char *)head));
    if (head->has & bit) return;
    *member = text_of(value);
    head->has |= bit;
}

/* Not printed: tools of the release before, which does not know it, read what we print. */
static void start_by_default(struct host_config *config)
{
    uint64_t bit = bit_of(&config_shape, offsetof(struct host_config, start));
    if ((config->head.has & bit) == 0) config->start = true;
}

static enum err check_not_empty(struct text value, const char *field, struct fault *fault)
{
    return value.len > 0 ? ERR_OK : fault_set(fault, ERR_INVALID, field, "must not be empty");
}

/* So that nobody puts one where everybody reads. */
static bool has_password(struct text database)
{
    for (size_t i = 0; i + strlen("password") <= database.len; i++)
        if (text_eq_fold(text_slice(database, i, strlen("password")), TEXT("password")))
            return true;
    return false;
}

static enum err check_values(const struct host_file *file, struct fault *fault)
{
    enum err err = check_not_empty(file->host, "host", fault);
    if (!err) err = check_not_empty(file->data, "data", fault);
    if (!err) err = check_not_empty(file->config->application, "config.application", fault);
    if (!err) err = check_not_empty(file->config->address, "config.address", fault);
    if (!err && file->config->database.len && has_password(file->config->database))
        err = fault_set(fault, ERR_INVALID, "config.database",
                        "a password does not stand here, but in secret/config-database");
    if (!err && file->options.count > OPTIONS_MAX)
        err = fault_set(fault, ERR_LIMIT, "options", "at most %d", OPTIONS_MAX);
    return err;
}

static enum err read_file(struct scope *scope, struct text json, struct host_file **out,
                          struct fault *fault)
{
    void *object;
    enum err err = json_to_shape(json, &file_shape, scope, &object, NULL, fault);
    if (err) return err;
    struct host_file *file = object;
    if (file->config == NULL) {
        file->config = scope_alloc(scope, sizeof *file->config);
        file->head.has |= bit_of(&file_shape, offsetof(struct host_file, config));
    }
    default_to(&file->head, &file_shape, &file->host, "localhost");
    default_to(&file->head, &file_shape, &file->data, "run");
    default_to(&file->head, &file_shape, &file->metrics, "127.0.0.1:9100");
    default_to(&file->config->head, &config_shape, &file->config->application, "config");
    default_to(&file->config->head, &config_shape, &file->config->address, "127.0.0.1:2020");
    start_by_default(file->config);
    err = check_values(file, fault);
    if (!err) *out = file;
    return err;
}

enum err host_file_parse(struct scope *scope, struct text jsonc, struct host_file **out,
                         struct fault *fault)
{
    struct buf json = { 0 };
    enum err err = json_blank_comments(jsonc, &json, fault);
    if (!err) err = read_file(scope, buf_text(&json), out, fault);
    buf_free(&json);
    return err;
}

struct text host_file_print(struct scope *scope, const struct host_file *file)
{
    struct buf json = { 0 };
    shape_to_json(&json, &file_shape, file);
    buf_add_byte(&json, '\n');
    struct text kept = scope_keep(scope, buf_text(&json));
    buf_free(&json);
    return kept;
}
