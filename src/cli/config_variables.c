/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_variables.h"

#include "format/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_FILE_BYTES_MAX = 64 * 1024 };

/* --- files ---------------------------------------------------------------------------------- */

static enum err read_up_to(struct scope *scope, const char *path, size_t bytes_max,
                           struct text *out, struct fault *fault)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL) return fault_set(fault, ERR_NOT_FOUND, "", "%s: %s", path, strerror(errno));
    struct buf bytes = { 0 };
    size_t got;
    do {
        got = fread(buf_reserve(&bytes, 65536), 1, 65536, file);
        bytes.len += got;
    } while (got && bytes.len <= bytes_max);
    bool is_broken = ferror(file) != 0, is_long = bytes.len > bytes_max;
    if (!is_stdin) (void)fclose(file);
    if (!is_broken && !is_long) *out = scope_keep(scope, buf_text(&bytes));
    buf_free(&bytes);
    if (is_broken) return fault_set(fault, ERR_IO, "", "%s: cannot be read", path);
    if (is_long)
        return fault_set(fault, ERR_LIMIT, "", "%s: is longer than %zu bytes", path, bytes_max);
    return ERR_OK;
}

enum err config_read_file(struct scope *scope, const char *path, struct text *out,
                          struct fault *fault)
{
    return read_up_to(scope, path, CONFIG_FILE_BYTES_MAX, out, fault);
}

/* --- variables ------------------------------------------------------------------------------ */

struct collecting {
    struct scope *scope;
    struct kv *out;
    uint32_t room;
};

static void put(struct collecting *collecting, struct text name, struct text value)
{
    struct kv *out = collecting->out;
    if (kv_find(out, name)) return;
    if (out->count == collecting->room) {
        collecting->room = collecting->room * 2 + 16;
        struct pair *grown = scope_alloc_array(collecting->scope, collecting->room, sizeof *grown);
        if (out->count) memcpy(grown, out->at, out->count * sizeof *grown);
        out->at = grown;
    }
    out->at[out->count++] = (struct pair){ name, { .kind = VALUE_TEXT, .text = value } };
}

static enum err take_json(struct collecting *collecting, struct text in, struct fault *fault)
{
    struct buf plain = { 0 };
    struct kv pairs = { 0 };
    enum err err = json_blank_comments(in, &plain, fault);
    if (!err) err = json_read_kv(buf_text(&plain), collecting->scope, &pairs, fault);
    buf_free(&plain);
    for (uint32_t i = 0; !err && i < pairs.count; i++) {
        struct buf text = { 0 };
        struct json_writer json = json_writer(&text);
        if (pairs.at[i].value.kind == VALUE_TEXT)
            buf_add(&text, pairs.at[i].value.text);
        else
            json_put_value(&json, &pairs.at[i].value);
        put(collecting, pairs.at[i].name, scope_keep(collecting->scope, buf_text(&text)));
        buf_free(&text);
    }
    return err;
}

static enum err take_lines(struct collecting *collecting, struct text in, struct fault *fault)
{
    struct text line, name, value;
    for (uint32_t number = 1; text_next_item(&in, '\n', &line); number++) {
        if (line.len == 0 || line.at[0] == '#') continue;
        if (!text_cut(line, '=', &name, &value))
            return fault_set(fault, ERR_INVALID, "", "line %u: must be NAME=value", number);
        put(collecting, text_trim(name), text_trim(value));
    }
    return ERR_OK;
}

static enum err take_file(struct collecting *collecting, const char *path, struct fault *fault)
{
    struct text in;
    enum err err = config_read_file(collecting->scope, path, &in, fault);
    if (err) return err;
    err = text_starts(text_trim(in), TEXT("{")) ? take_json(collecting, in, fault)
                                                : take_lines(collecting, in, fault);
    if (err)
        return fault_set(fault, err, "", "%s: %s", path,
                         scope_format(collecting->scope, "%s", fault->words).at);
    return ERR_OK;
}

static void take_environment(struct collecting *collecting, struct text key, struct text name)
{
    const char *value = getenv(scope_keep_z(collecting->scope, name));
    if (value) put(collecting, scope_keep(collecting->scope, key), text_of(value));
}

/* Only what the file names leaves this machine. */
static void take_named(struct collecting *collecting, struct text in)
{
    for (size_t at = 0; (at = text_find(in, '$', at)) != SIZE_MAX; at++) {
        struct text rest = text_slice(in, at, in.len);
        if (!text_starts(rest, TEXT("${"))) continue;
        size_t len = 0;
        rest = text_slice(rest, 2, rest.len);
        while (len < rest.len && rest.at[len] != '}' && rest.at[len] != ':' && len < 255) len++;
        struct text name = text_slice(rest, 0, len);
        if (len) take_environment(collecting, name, name);
    }
}

/* --- secrets -------------------------------------------------------------------------------- */

static enum err take_secret_file(struct collecting *collecting, const char *config_path,
                                 struct text name, struct fault *fault)
{
    const char *slash = strrchr(config_path, '/');
    struct text folder = slash ? (struct text){ config_path, (size_t)(slash - config_path) + 1 }
                               : TEXT("");
    if (text_starts(name, TEXT("/"))) folder = TEXT("");
    struct text path =
        scope_format(collecting->scope, "%.*s%.*s", TEXT_ARG(folder), TEXT_ARG(name));
    struct text value;
    enum err err = read_up_to(collecting->scope, path.at, SECRET_FILE_BYTES_MAX, &value, fault);
    if (err) return err == ERR_NOT_FOUND ? ERR_OK : err; /* config says which secret misses it */
    /* An editor's last line end is no part of it. */
    if (text_ends(value, TEXT("\n"))) value.len--;
    put(collecting, scope_format(collecting->scope, "$file:%.*s", TEXT_ARG(name)), value);
    return ERR_OK;
}

/* A file that is no JSON is config's to refuse. */
static enum err take_secrets(struct collecting *collecting, struct text in, const char *path,
                             struct fault *fault)
{
    struct buf plain = { 0 };
    struct kv whole = { 0 };
    struct fault ignored;
    enum err err = json_blank_comments(in, &plain, &ignored);
    if (!err) err = json_read_kv(buf_text(&plain), collecting->scope, &whole, &ignored);
    buf_free(&plain);
    const struct value *secrets = err ? NULL : kv_find(&whole, TEXT("secrets"));
    if (secrets == NULL || secrets->kind != VALUE_KV) return ERR_OK;
    for (uint32_t i = 0; i < secrets->pairs.count; i++) {
        const struct value *source = &secrets->pairs.at[i].value;
        if (source->kind != VALUE_KV || source->pairs.count != 1 ||
            source->pairs.at[0].value.kind != VALUE_TEXT)
            continue;
        struct text kind = source->pairs.at[0].name, name = source->pairs.at[0].value.text;
        if (text_eq(kind, TEXT("$env")))
            take_environment(collecting,
                             scope_format(collecting->scope, "$env:%.*s", TEXT_ARG(name)), name);
        else if (text_eq(kind, TEXT("$file")))
            err = take_secret_file(collecting, path, name, fault);
        if (err) return err;
    }
    return ERR_OK;
}

enum err config_variables(struct scope *scope, struct text text, const char *path,
                          const char *variables_file, struct kv *out, struct fault *fault)
{
    *out = (struct kv){ 0 };
    struct collecting collecting = { .scope = scope, .out = out };
    enum err err = variables_file ? take_file(&collecting, variables_file, fault) : ERR_OK;
    if (err) return err;
    take_named(&collecting, text);
    return take_secrets(&collecting, text, path, fault);
}
