/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scxml_saved.h"

#include "cli/scxml_file.h"
#include "format/msgpack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { VERSION = 1, PARTS = 5 };

#define NAME "carillon scxml run"

static enum err write_file(const char *path, struct text bytes, struct fault *fault)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL) return fault_set(fault, ERR_IO, "file", "%s: %s", path, strerror(errno));
    bool is_written = fwrite(bytes.at, 1, bytes.len, file) == bytes.len;
    if (fclose(file) != 0 || !is_written)
        return fault_set(fault, ERR_IO, "file", "%s was not written: %s", path, strerror(errno));
    return ERR_OK;
}

enum err scxml_saved_write(const char *path, struct scxml_host *host, uint64_t now_ms,
                           struct text main_id, struct fault *fault)
{
    struct buf family = { 0 }, out = { 0 };
    enum err err = scxml_host_save(host, &family, fault);
    if (!err) {
        msgpack_put_array(&out, PARTS);
        msgpack_put_text(&out, TEXT(NAME));
        msgpack_put_u64(&out, VERSION);
        msgpack_put_u64(&out, now_ms);
        msgpack_put_bytes(&out, main_id);
        msgpack_put_bytes(&out, buf_text(&family));
        err = write_file(path, buf_text(&out), fault);
    }
    buf_free(&family);
    buf_free(&out);
    return err;
}

enum err scxml_saved_read(const char *path, struct scope *scope, struct scxml_saved *out,
                          struct fault *fault)
{
    struct text bytes;
    enum err err = scxml_file_read(path, SCXML_FILE_BYTES_MAX, scope, &bytes, fault);
    if (err) return err;
    struct msgpack_reader reader = msgpack_reader(bytes);
    bool is_ours = msgpack_get_array(&reader) == PARTS &&
                   text_eq(msgpack_get_text(&reader), TEXT(NAME)) &&
                   msgpack_get_u64(&reader) == VERSION;
    out->now_ms = msgpack_get_u64(&reader);
    out->main_id = msgpack_get_bytes(&reader);
    out->family = msgpack_get_bytes(&reader);
    if (is_ours && msgpack_is_done(&reader)) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "file", "%s is no run that this release has saved", path);
}
