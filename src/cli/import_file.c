/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_file.h"

#include "format/decode_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 256 * 1024, LINE_BYTES = 20 };

static enum err io_fault(const struct import_file *file, struct fault *fault)
{
    return fault_set(fault, ERR_IO, "", "%s: %s", file->name, strerror(errno));
}

/* A whole block but for the last one: the hash must not depend on how the system cuts. */
static enum err read_block(struct import_file *file, char *block, size_t *len, struct fault *fault)
{
    *len = 0;
    while (*len < BLOCK_BYTES) {
        ssize_t got = read(file->descriptor, block + *len, BLOCK_BYTES - *len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_fault(file, fault);
        if (got == 0) break;
        *len += (size_t)got;
    }
    file->bytes_read += *len;
    return ERR_OK;
}

/* --- what the file is --- */

static uint64_t fold(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

/* Four sums side by side: they do not wait for each other. */
static uint64_t hash_block(uint64_t hash, const char *block, size_t len)
{
    uint64_t sums[4] = { hash, ~hash, hash ^ len, len };
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        uint64_t words[4];
        memcpy(words, block + i, sizeof words);
        for (int k = 0; k < 4; k++) sums[k] = fold(sums[k], words[k]);
    }
    for (; i < len; i++) sums[0] = fold(sums[0], (unsigned char)block[i]);
    return fold(fold(fold(sums[0], sums[1]), sums[2]), sums[3]);
}

static uint64_t count_byte(const char *block, size_t len, char byte)
{
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++) count += block[i] == byte;
    return count;
}

static void look_at_front(struct import_file *file, char *block, size_t len)
{
    struct text front = { block, len };
    if (file->encoding.len == 0) file->encoding = decode_stream_set_of_mark(front);
    if (text_eq_fold(file->encoding, TEXT("UTF-8")) || text_eq_fold(file->encoding, TEXT("UTF8")))
        file->encoding = TEXT("");
}

static enum err look(struct import_file *file, char *block, struct fault *fault)
{
    uint64_t newlines = 0, returns = 0;
    size_t len;
    for (;;) {
        enum err err = read_block(file, block, &len, fault);
        if (err) return err;
        if (len == 0) break;
        if (file->bytes == 0) look_at_front(file, block, len);
        file->hash = hash_block(file->hash, block, len);
        newlines += count_byte(block, len, '\n');
        returns += count_byte(block, len, '\r');
        file->bytes += len;
    }
    file->lines_max = (newlines > returns ? newlines : returns) + 1;
    /* Some sets (EBCDIC) write the end of a line otherwise: then by its length. */
    if (file->encoding.len && file->lines_max < file->bytes / LINE_BYTES)
        file->lines_max = file->bytes / LINE_BYTES;
    return ERR_OK;
}

static int64_t changed_ns(const struct import_file *file)
{
    struct stat stat;
    if (fstat(file->descriptor, &stat)) return 0;
    return (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec;
}

static void close_file(void *self)
{
    (void)close(((struct import_file *)self)->descriptor);
}

enum err import_file_open(struct scope *owner, const char *name, struct text encoding,
                          char delimiter, struct import_file **out, struct fault *fault)
{
    struct import_file *file = scope_alloc(owner, sizeof *file);
    struct stat stat;
    *file = (struct import_file){
        .life = owner, .name = name, .encoding = encoding, .delimiter = delimiter
    };
    file->descriptor = open(name, O_RDONLY | O_CLOEXEC);
    if (file->descriptor < 0) return io_fault(file, fault);
    scope_on_close(owner, close_file, file);
    if (fstat(file->descriptor, &stat)) return io_fault(file, fault);
    if (!S_ISREG(stat.st_mode))
        return fault_set(fault, ERR_INVALID, "", "%s: must be a file: it is read twice", name);
    file->changed_ns = changed_ns(file);
    char *block = malloc(BLOCK_BYTES);
    ASSERT(block != NULL);
    enum err err = look(file, block, fault);
    free(block);
    if (err) return err;
    *out = file;
    return ERR_OK;
}

/* --- its rows --- */

struct walking {
    struct import_file *file;
    const struct import_walk *walk;
    struct scope *scratch;
    struct decode_stream *decoder; /* NULL: it is UTF-8 */
    struct buf decoded;
    uint64_t skip; /* decoded bytes before the place to begin at */
    struct csv *csv;
    char *block;
};

static void feed(struct walking *walking, struct text bytes, bool *goes_on)
{
    struct import_file *file = walking->file;
    if (walking->skip > 0) {
        size_t skipped = bytes.len < walking->skip ? bytes.len : (size_t)walking->skip;
        walking->skip -= skipped;
        bytes = text_slice(bytes, skipped, SIZE_MAX);
    }
    if (bytes.len == 0) return;
    if (walking->csv == NULL) {
        if (file->delimiter == '\0') file->delimiter = csv_delimiter(bytes);
        struct csv_rules rules = { .delimiter = file->delimiter,
                                   .first_line = walking->walk->line };
        walking->csv =
            csv_new(walking->scratch, &rules, walking->walk->handler, walking->walk->self);
        walking->walk->on_csv(walking->walk->self, walking->csv);
    }
    *goes_on = csv_feed(walking->csv, bytes);
}

static enum err walk_blocks(struct walking *walking, struct fault *fault)
{
    struct import_file *file = walking->file;
    bool goes_on = true;
    size_t len;
    do {
        enum err err = read_block(file, walking->block, &len, fault);
        if (err) return err;
        struct text bytes = { walking->block, len };
        if (walking->decoder) {
            buf_clear(&walking->decoded);
            decode_stream_feed(walking->decoder, bytes, &walking->decoded);
            if (len == 0) decode_stream_end(walking->decoder, &walking->decoded);
            bytes = buf_text(&walking->decoded);
        }
        feed(walking, bytes, &goes_on);
        if (walking->walk->on_block) walking->walk->on_block(walking->walk->self);
    } while (goes_on && len > 0);
    if (goes_on && walking->csv) (void)csv_end(walking->csv);
    if (changed_ns(file) != file->changed_ns)
        return fault_set(fault, ERR_CONFLICT, "", "%s: was changed while it was read", file->name);
    return ERR_OK;
}

enum err import_file_walk(struct import_file *file, const struct import_walk *walk,
                          struct fault *fault)
{
    struct walking walking = { .file = file, .walk = walk };
    walking.scratch = scope_new(file->life, "csv", SCOPE_NO_LIMIT);
    uint64_t from = walk->offset;
    enum err err = ERR_OK;
    if (file->encoding.len) {
        walking.skip = walk->offset;
        from = 0;
        err = decode_stream_new(walking.scratch, file->encoding, &walking.decoder, fault);
    }
    if (!err && lseek(file->descriptor, (off_t)from, SEEK_SET) < 0) err = io_fault(file, fault);
    file->bytes_read = from;
    walking.block = malloc(BLOCK_BYTES);
    ASSERT(walking.block != NULL);
    if (!err) err = walk_blocks(&walking, fault);
    free(walking.block);
    buf_free(&walking.decoded);
    scope_close(walking.scratch);
    return err;
}
