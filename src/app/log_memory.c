/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char magic[] = "carillon log memory 1\n";

struct head {
    char magic[40];
    uint64_t capacity, written, spare;
};
_Static_assert(sizeof(struct head) == LOG_MEMORY_FILE_BYTES - LOG_MEMORY_BYTES, "as documented");

struct log_memory {
    struct head *head;
    char *ring;
};

static void forget(void *self)
{
    const struct log_memory *memory = self;
    (void)munmap(memory->head, LOG_MEMORY_FILE_BYTES);
}

static enum err io_fault(struct fault *fault, const char *path, int number)
{
    return fault_set(fault, ERR_IO, "", "%s: %s", path, strerror(number));
}

static enum err map_file(const char *path, void **out, struct fault *fault)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) return io_fault(fault, path, errno);
    int number = posix_fallocate(fd, 0, LOG_MEMORY_FILE_BYTES);
    void *at = MAP_FAILED;
    if (number == 0) {
        at = mmap(NULL, LOG_MEMORY_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        number = errno;
    }
    (void)close(fd);
    if (at == MAP_FAILED) return io_fault(fault, path, number);
    *out = at;
    return ERR_OK;
}

enum err log_memory_open(struct scope *owner, struct text path, struct log_memory **out,
                         struct fault *fault)
{
    const char *name = scope_keep_z(owner, path);
    const char *before = scope_format(owner, "%s.before", name).at;
    if (rename(name, before) < 0 && errno != ENOENT) return io_fault(fault, before, errno);
    void *at = NULL;
    enum err err = map_file(name, &at, fault);
    if (err) return err;
    struct log_memory *memory = scope_alloc(owner, sizeof *memory);
    *memory = (struct log_memory){ .head = at, .ring = (char *)at + sizeof *memory->head };
    memcpy(memory->head->magic, magic, sizeof magic);
    memory->head->capacity = LOG_MEMORY_BYTES;
    scope_on_close(owner, forget, memory);
    *out = memory;
    return ERR_OK;
}

void log_memory_add(struct log_memory *memory, struct text line)
{
    line = text_slice(line, line.len > LOG_MEMORY_BYTES ? line.len - LOG_MEMORY_BYTES : 0,
                      LOG_MEMORY_BYTES);
    size_t from = (size_t)(memory->head->written % LOG_MEMORY_BYTES);
    size_t first = LOG_MEMORY_BYTES - from < line.len ? LOG_MEMORY_BYTES - from : line.len;
    if (line.len == 0) return;
    memcpy(memory->ring + from, line.at, first);
    memcpy(memory->ring, line.at + first, line.len - first);
    memory->head->written += line.len; /* last: a line is there whole or not at all */
}

enum err log_memory_read(struct text file, struct buf *out, struct fault *fault)
{
    struct head head;
    if (file.len != LOG_MEMORY_FILE_BYTES || memcmp(file.at, magic, sizeof magic) != 0)
        return fault_set(fault, ERR_INVALID, "", "this is no file of the log output memory");
    memcpy(&head, file.at, sizeof head);
    if (head.capacity != LOG_MEMORY_BYTES)
        return fault_set(fault, ERR_INVALID, "", "the head of the file is damaged");
    struct text ring = text_slice(file, sizeof head, LOG_MEMORY_BYTES);
    if (head.written <= LOG_MEMORY_BYTES) {
        buf_add(out, text_slice(ring, 0, (size_t)head.written));
        return ERR_OK;
    }
    size_t from = (size_t)(head.written % LOG_MEMORY_BYTES), begin = out->len;
    buf_add(out, text_slice(ring, from, ring.len));
    buf_add(out, text_slice(ring, 0, from));
    size_t end = text_find(text_slice(buf_text(out), begin, out->len), '\n', 0);
    if (end == SIZE_MAX) return ERR_OK; /* one line longer than the ring: what there is of it */
    memmove(out->at + begin, out->at + begin + end + 1, out->len - begin - end - 1);
    out->len -= end + 1;
    return ERR_OK;
}
