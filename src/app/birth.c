/* SPDX-License-Identifier: Apache-2.0 */
#include "app/birth.h"

#include "base/buf.h"
#include "format/json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct text member(const struct kv *line, const char *name)
{
    const struct value *value = kv_find(line, text_of(name));
    return value && value->kind == VALUE_TEXT ? value->text : (struct text){ 0 };
}

static int digit(char byte)
{
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

static enum err parse_key(struct text hex, const char *name, uint8_t out[BIRTH_KEY_BYTES],
                          struct fault *fault)
{
    if (hex.len != 2 * BIRTH_KEY_BYTES)
        return fault_set(fault, ERR_INVALID, name, "%s: must be 64 hexadecimal digits", name);
    for (size_t i = 0; i < BIRTH_KEY_BYTES; i++) {
        int high = digit(hex.at[2 * i]), low = digit(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return fault_set(fault, ERR_INVALID, name, "%s: must be 64 hexadecimal digits", name);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return ERR_OK;
}

enum err birth_parse(struct text line, struct scope *scope, struct birth *out, struct fault *fault)
{
    struct kv members;
    enum err err = json_read_kv(line, scope, &members, fault);
    if (err) return err;
    struct birth birth = {
        .application = member(&members, "application"),
        .type = member(&members, "type"),
        .run = member(&members, "run"),
        .data = member(&members, "data"),
        .logs = member(&members, "logs"),
        .host = member(&members, "host"),
        .config = member(&members, "config"),
        .config_application = member(&members, "config_application"),
        .supervisor = member(&members, "supervisor"),
        .database = member(&members, "database"),
    };
    struct text secret = member(&members, "secret");
    birth.key_is_secret = secret.len > 0;
    err = birth.key_is_secret ? parse_key(secret, "secret", birth.key, fault)
                              : parse_key(member(&members, "key"), "key", birth.key, fault);
    if (err) return err;
    if (birth.application.len == 0 || birth.application.len > 255)
        return fault_set(fault, ERR_INVALID, "application", "application: must be 1 to 255 bytes");
    if (birth.data.len == 0 || birth.run.len == 0)
        return fault_set(fault, ERR_INVALID, "data", "data and run: must be folders");
    *out = birth;
    return ERR_OK;
}

enum err birth_read(int descriptor, struct scope *scope, struct birth *out, struct fault *fault)
{
    struct buf line = { 0 };
    enum err err = ERR_OK;
    for (;;) {
        ssize_t got = read(descriptor, buf_reserve(&line, 4096), 4096);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            err = fault_set(fault, ERR_IO, "",
                            "descriptor %d: %s; the supervisor starts applications", descriptor,
                            strerror(errno));
        if (got <= 0) break;
        line.len += (size_t)got;
        if (line.len > BIRTH_BYTES_MAX) {
            err = fault_set(fault, ERR_LIMIT, "", "descriptor %d: longer than %d bytes", descriptor,
                            BIRTH_BYTES_MAX);
            break;
        }
    }
    (void)close(descriptor);
    if (!err) err = birth_parse(text_trim(buf_text(&line)), scope, out, fault);
    if (line.at) explicit_bzero(line.at, line.len);
    buf_free(&line);
    return err;
}
