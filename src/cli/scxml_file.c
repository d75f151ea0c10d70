/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scxml_file.h"

#include "format/url.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "file:///a%20b" and "file:/a%20b" are paths in other clothes. */
static enum err path_of(struct text url, struct scope *scope, const char **path,
                        struct fault *fault)
{
    struct text name = url;
    if (text_starts(url, TEXT("file:"))) {
        name = text_slice(url, 5, url.len);
        if (text_starts(name, TEXT("//localhost/"))) name = text_slice(name, 11, name.len);
        if (text_starts(name, TEXT("///"))) name = text_slice(name, 2, name.len);
        if (url_decode(name, false, scope, &name))
            return fault_set(fault, ERR_INVALID, "url", "%.*s: a broken address", TEXT_ARG(url));
    } else if (text_starts(url, TEXT("http:")) || text_starts(url, TEXT("https:"))) {
        return fault_set(fault, ERR_UNSUPPORTED, "url", "%.*s: this command reads files alone",
                         TEXT_ARG(url));
    }
    *path = scope_keep_z(scope, name);
    if (strlen(*path) != name.len) return fault_set(fault, ERR_INVALID, "url", "a path has no NUL");
    return ERR_OK;
}

static enum err read_all(int file, const char *path, size_t bytes_max, struct scope *scope,
                         struct text *body, struct fault *fault)
{
    struct stat stat;
    if (fstat(file, &stat) != 0)
        return fault_set(fault, ERR_IO, "file", "%s: %s", path, strerror(errno));
    if (!S_ISREG(stat.st_mode)) return fault_set(fault, ERR_INVALID, "file", "%s is no file", path);
    if ((size_t)stat.st_size > bytes_max)
        return fault_set(fault, ERR_LIMIT, "file", "%s is longer than %zu bytes", path, bytes_max);
    size_t room = (size_t)stat.st_size, len = 0;
    char *bytes = scope_alloc(scope, room + 1);
    while (len < room) {
        ssize_t got = read(file, bytes + len, room - len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fault_set(fault, ERR_IO, "file", "%s: %s", path, strerror(errno));
        if (got == 0) break;
        len += (size_t)got;
    }
    *body = (struct text){ bytes, len };
    return ERR_OK;
}

enum err scxml_file_read(const char *path, size_t bytes_max, struct scope *scope, struct text *body,
                         struct fault *fault)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* no FIFO holds it up */
    if (file < 0)
        return fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "file", "%s: %s", path,
                         strerror(errno));
    enum err err = read_all(file, path, bytes_max, scope, body, fault);
    (void)close(file);
    return err;
}

enum err scxml_file_fetch(void *self, struct text url, struct scope *scope, struct text *body,
                          struct fault *fault)
{
    (void)self;
    const char *path = NULL;
    enum err err = path_of(url, scope, &path, fault);
    return err ? err : scxml_file_read(path, SCXML_DOCUMENT_BYTES_MAX, scope, body, fault);
}
