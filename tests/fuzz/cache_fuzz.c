/* SPDX-License-Identifier: Apache-2.0 */
/* cache_fuzz.c - the cache of configuration that a server starts from when config is away.
 * Whatever the file holds, the mirror has only objects that keep their rules, or the cache is not
 * used. */
#include "tests/fuzz/fuzz.h"

#include "app/private.h"
#include "format/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/carillon-cache-fuzz-XXXXXX";
static char path[sizeof folder + 32];

static void remove_folder(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void make_folder(void)
{
    FUZZ_CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/outbound.cfgcache", folder);
    (void)atexit(remove_folder);
}

static void write_file(struct text in)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, in.at, in.len) == (ssize_t)in.len);
    (void)close(fd);
}

static void check_entry(void *self, const struct mirror_entry *entry)
{
    const struct mirror *mirror = self;
    FUZZ_CHECK(entry->type != NULL);
    const struct app_object *object = mirror_find_dbid(mirror, entry->type, entry->dbid);
    FUZZ_CHECK(object && object->type == entry->type && text_eq(object->key, entry->key));
    FUZZ_CHECK(shape_check(entry->type->shape, object->fields, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (path[0] == '\0') make_folder();
    struct scope *scope = scope_new(NULL, "fuzz", SCOPE_NO_LIMIT);
    struct app_private private = { .mirror = mirror_new(scope) };
    struct app app = { .name = TEXT("outbound"), .run_dir = text_of(folder), .private = &private };
    const struct config_snapshot *kept;
    write_file(fuzz_text(data, size));
    enum err err = cache_read(&app, scope, &kept);
    FUZZ_CHECK(err == ERR_OK || err == ERR_NOT_FOUND);
    if (err) FUZZ_CHECK(mirror_count(private.mirror) == 0);
    mirror_each(private.mirror, check_entry, private.mirror);
    scope_close(scope);
    return 0;
}
