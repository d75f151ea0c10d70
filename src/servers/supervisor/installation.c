/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/installation.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SECRET_DIGITS = 2 * INSTALLATION_SECRET_BYTES,
    LOCK_TRIES = 20,
    LOCK_WAIT_MS = 50,
    DATABASE_PASSWORD_BYTES = 1024
};

static enum err system_fault(struct fault *fault, const char *deed, const char *path)
{
    return fault_set(fault, ERR_IO, "", "%s %s: %s", deed, path, strerror(errno));
}

/* With its parents; what is there already stays as it is. */
static enum err make_folder(const char *path, mode_t mode, struct fault *fault)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part) return fault_set(fault, ERR_LIMIT, "", "the path is too long");
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return system_fault(fault, "make folder", part);
    }
    return ERR_OK;
}

static enum err open_folder(struct scope *owner, struct text path, mode_t mode, struct text *out,
                            struct fault *fault)
{
    char whole[PATH_MAX];
    const char *wanted = scope_keep_z(owner, path);
    enum err err = make_folder(wanted, mode, fault);
    if (err) return err;
    if (realpath(wanted, whole) == NULL) return system_fault(fault, "find", wanted);
    *out = scope_keep(owner, text_of(whole));
    return ERR_OK;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

static enum err parse_secret(struct text in, uint8_t out[INSTALLATION_SECRET_BYTES])
{
    if (in.len != SECRET_DIGITS) return ERR_INVALID;
    for (size_t i = 0; i < INSTALLATION_SECRET_BYTES; i++) {
        int high = digit_value(in.at[2 * i]), low = digit_value(in.at[2 * i + 1]);
        if (high < 0 || low < 0) return ERR_INVALID;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return ERR_OK;
}

static enum err read_secret_file(const char *path, uint8_t out[INSTALLATION_SECRET_BYTES],
                                 struct fault *fault)
{
    char text[SECRET_DIGITS + 2];
    struct stat stat;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return system_fault(fault, "read", path);
    bool is_private = fstat(file, &stat) == 0 && (stat.st_mode & 077) == 0;
    ssize_t len = read(file, text, sizeof text);
    close(file);
    if (!is_private)
        return fault_set(fault, ERR_DENIED, "", "%s: others may read it; chmod 600", path);
    if (len < 0 || parse_secret(text_trim((struct text){ text, (size_t)len }), out))
        return fault_set(fault, ERR_INVALID, "", "%s: must be %d hexadecimal digits", path,
                         SECRET_DIGITS);
    return ERR_OK;
}

static enum err write_new_secret(int file)
{
    uint8_t secret[INSTALLATION_SECRET_BYTES];
    char text[SECRET_DIGITS + 2];
    if (getrandom(secret, sizeof secret, 0) != sizeof secret) return ERR_IO;
    for (size_t i = 0; i < sizeof secret; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)secret[i]);
    text[SECRET_DIGITS] = '\n';
    return write(file, text, SECRET_DIGITS + 1) == SECRET_DIGITS + 1 && fsync(file) == 0 ? ERR_OK
                                                                                         : ERR_IO;
}

/* Made under another name first: a crash leaves no half secret behind. */
static enum err make_secret(const char *path, struct fault *fault)
{
    char temporary[PATH_MAX];
    if (access(path, F_OK) == 0) return ERR_OK;
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return fault_set(fault, ERR_LIMIT, "", "the path is too long");
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return system_fault(fault, "make", temporary);
    enum err err = write_new_secret(file);
    if (err) system_fault(fault, "write", temporary);
    close(file);
    if (!err && rename(temporary, path) != 0) err = system_fault(fault, "make", path);
    return err;
}

static const char *secret_path(struct scope *owner, struct text data_dir)
{
    return scope_format(owner, "%.*s/secret/installation.key", TEXT_ARG(data_dir)).at;
}

struct text installation_database_password(struct scope *owner, struct text data_dir)
{
    char bytes[DATABASE_PASSWORD_BYTES];
    struct text path = scope_format(owner, "%.*s/secret/config-database", TEXT_ARG(data_dir));
    int file = open(path.at, O_RDONLY | O_CLOEXEC);
    if (file < 0) return (struct text){ "", 0 };
    ssize_t len = read(file, bytes, sizeof bytes);
    (void)close(file);
    struct text line = { bytes, len > 0 ? (size_t)len : 0 };
    size_t end = text_find(line, '\n', 0);
    struct text password = scope_keep(owner, text_slice(line, 0, end == SIZE_MAX ? line.len : end));
    explicit_bzero(bytes, sizeof bytes);
    return password;
}

enum err installation_read_secret(struct text data_dir, uint8_t out[INSTALLATION_SECRET_BYTES],
                                  struct fault *fault)
{
    struct scope *scratch = scope_new(NULL, "secret", SCOPE_NO_LIMIT);
    enum err err = read_secret_file(secret_path(scratch, data_dir), out, fault);
    scope_close(scratch);
    return err;
}

static void release_lock(void *self)
{
    close((int)(intptr_t)self);
}

static enum err take_lock(struct scope *owner, struct text run_dir, struct fault *fault)
{
    const char *path = scope_format(owner, "%.*s/supervisor.lock", TEXT_ARG(run_dir)).at;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (file < 0) return system_fault(fault, "open", path);
    int tries = 0;
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || ++tries == LOCK_TRIES) {
            close(file);
            return fault_set(fault, ERR_CONFLICT, "", "another supervisor runs here (%s)", path);
        }
        nanosleep(&(struct timespec){ .tv_nsec = LOCK_WAIT_MS * 1000000L }, NULL);
    }
    scope_on_close(owner, release_lock, (void *)(intptr_t)file);
    return ERR_OK;
}

static struct text or_below(struct scope *owner, struct text path, struct text data_dir,
                            const char *name)
{
    return path.len > 0 ? path : scope_format(owner, "%.*s/%s", TEXT_ARG(data_dir), name);
}

enum err installation_open(struct scope *owner, struct text data_dir, struct text run_dir,
                           struct text logs_dir, struct installation *out, struct fault *fault)
{
    struct installation made = { 0 };
    struct text ignored;
    enum err err = open_folder(owner, data_dir, 0750, &made.data_dir, fault);
    if (err) return err;
    struct text secret_dir = scope_format(owner, "%.*s/secret", TEXT_ARG(made.data_dir));
    const char *secret = secret_path(owner, made.data_dir);
    err = open_folder(owner, or_below(owner, run_dir, made.data_dir, "run"), 0750, &made.run_dir,
                      fault);
    if (!err)
        err = open_folder(owner, or_below(owner, logs_dir, made.data_dir, "logs"), 0750,
                          &made.logs_dir, fault);
    if (!err) err = open_folder(owner, secret_dir, 0700, &ignored, fault);
    if (!err) err = take_lock(owner, made.run_dir, fault);
    if (!err) err = make_secret(secret, fault);
    if (!err) err = read_secret_file(secret, made.secret, fault);
    if (!err) *out = made;
    return err;
}

static bool fits_file_name(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

struct text installation_file(struct scope *owner, struct text folder, struct text name,
                              const char *ending)
{
    struct buf path = { 0 };
    buf_format(&path, "%.*s/", TEXT_ARG(folder));
    for (size_t i = 0; i < name.len; i++) {
        if (fits_file_name(name.at[i]))
            buf_add_byte(&path, name.at[i]);
        else
            buf_format(&path, "%%%02X", (unsigned)(unsigned char)name.at[i]);
    }
    buf_add_z(&path, ending);
    struct text kept = scope_keep(owner, buf_text(&path));
    buf_free(&path);
    return kept;
}

bool installation_name(struct scope *owner, struct text file, const char *ending, struct text *out)
{
    struct buf name = { 0 };
    bool is_well_formed = text_ends(file, text_of(ending)) && file.len > strlen(ending);
    struct text body = text_slice(file, 0, file.len - (is_well_formed ? strlen(ending) : file.len));
    for (size_t i = 0; i < body.len && is_well_formed; i++) {
        char digits[3] = { 0 }, *end = digits;
        if (fits_file_name(body.at[i])) {
            buf_add_byte(&name, body.at[i]);
            continue;
        }
        memcpy(digits, body.at + i + 1, body.len - i > 2 ? 2 : 0);
        long byte = strtol(digits, &end, 16);
        is_well_formed = body.at[i] == '%' && end == digits + 2;
        buf_add_byte(&name, (char)byte);
        i += 2;
    }
    if (is_well_formed) *out = scope_keep(owner, buf_text(&name));
    buf_free(&name);
    return is_well_formed;
}
