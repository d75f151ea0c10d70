/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - the configuration file (framework 3.2): read, with its variables and secrets, and
 * written canonically.
 * Reading    JSON with comments; ${NAME} and ${NAME:-default} anywhere in a string, $${ for a
 *            plain ${. Objects in any order.
 * Writing    by type order, tenant and key; two spaces, LF; defaults left out; dbid only of types
 *            that others refer to by number; secrets by name alone. The revision is not written, so
 *            that equal environments give equal bytes.
 * Pure       no clock, no I/O: the environment and files of secrets were read by the tool, and come
 *            as variables "NAME", "$env:NAME", "$file:PATH". */
#ifndef SERVERS_CONFIG_FILE_H
#define SERVERS_CONFIG_FILE_H

#include "base/buf.h"
#include "servers/config/object_set.h"

enum { FILE_OBJECTS_MAX = 500000 };

struct file_entry {
    const struct object_type *type;
    struct text tenant, key, label; /* key: empty when a part is missing */
    struct kv value;
};

enum file_secret_source {
    FILE_SECRET_KEPT,    /* {"$secret":"name"}: as it is in the store */
    FILE_SECRET_GIVEN,   /* $env, $file: `value` */
    FILE_SECRET_SEALED,  /* {"$enc":"base64"}: `value` is sealed by this installation */
    FILE_SECRET_MISSING, /* the tool could not read it: `value` says what */
};
struct file_secret {
    struct text name, value;
    enum file_secret_source source;
};

struct file {
    struct file_entry *entries; /* by type order, then as they stood */
    uint32_t entry_count;
    struct file_secret *secrets;
    uint32_t secret_count;
    const struct object_type **types; /* whose list is there, be it empty */
    uint32_t type_count;
};

/* Everything lies in `scope`. Incomplete when there are problems. */
void file_parse(struct scope *scope, struct text in, const struct kv *variables, struct file *out,
                struct problems *problems);

struct file_export {
    const struct object_set *objects;
    struct text tenant;         /* empty: all; global types come in any case */
    const struct text *types;   /* names or plurals */
    uint32_t type_count;        /* 0: all */
    const struct text *secrets; /* names, sorted */
    uint32_t secret_count;
    bool (*may_read)(void *self, const struct object *object); /* NULL: all of them */
    void *self;
};
void file_write(const struct file_export *export, struct buf *out);

#endif
