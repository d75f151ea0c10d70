/* SPDX-License-Identifier: Apache-2.0 */
/* A scope is a chain of blocks, a chain of undo notes, and a doubly linked place among its
 * siblings. The first block grows with use: small lives stay small. */
#include "base/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES_FIRST = 256, BLOCK_BYTES_MAX = 64 * 1024, ALIGNMENT = 16 };

struct block {
    struct block *older;
    size_t used, room;
    _Alignas(ALIGNMENT) char bytes[];
};

struct undo {
    struct undo *older;
    void (*run)(void *self);
    void *self;
};

struct scope {
    const char *name;
    struct scope *owner, *newest_child, *older, *newer;
    struct block *blocks;
    struct undo *undos;
    size_t bytes, bytes_max, block_bytes_next;
};

struct scope *scope_new(struct scope *owner, const char *name, size_t bytes_max)
{
    struct scope *scope = calloc(1, sizeof *scope);
    ASSERT(scope != NULL);
    scope->name = name;
    scope->bytes_max = bytes_max ? bytes_max : SIZE_MAX;
    scope->block_bytes_next = BLOCK_BYTES_FIRST;
    scope->owner = owner;
    if (owner) {
        scope->older = owner->newest_child;
        if (scope->older) scope->older->newer = scope;
        owner->newest_child = scope;
    }
    return scope;
}

void scope_reset(struct scope *scope)
{
    /* A note or a child may close others of this scope: always take the newest that is left. */
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): scope_close() takes it out of the chain first */
    while (scope->newest_child) scope_close(scope->newest_child);
    while (scope->undos) {
        struct undo *undo = scope->undos;
        scope->undos = undo->older;
        undo->run(undo->self);
    }
    while (scope->blocks) {
        struct block *block = scope->blocks;
        scope->blocks = block->older;
        free(block);
    }
    scope->bytes = 0;
    scope->block_bytes_next = BLOCK_BYTES_FIRST;
}

void scope_close(struct scope *scope)
{
    if (scope == NULL) return;
    if (scope->owner) {
        if (scope->newer)
            scope->newer->older = scope->older;
        else
            scope->owner->newest_child = scope->older;
        if (scope->older) scope->older->newer = scope->newer;
        scope->owner = NULL;
    }
    scope_reset(scope);
    free(scope);
}

static struct block *block_with_room(struct scope *scope, size_t bytes)
{
    struct block *block = scope->blocks;
    if (block && block->room - block->used >= bytes) return block;
    /* Its head counts: malloc is quickest for 1024 bytes and less. */
    size_t room = scope->block_bytes_next - sizeof *block;
    if (scope->block_bytes_next < BLOCK_BYTES_MAX) scope->block_bytes_next *= 2;
    if (room < bytes) room = bytes;
    block = malloc(sizeof *block + room);
    ASSERT(block != NULL);
    block->used = 0;
    block->room = room;
    block->older = scope->blocks;
    scope->blocks = block;
    return block;
}

void *scope_try_alloc(struct scope *scope, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t rounded = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded > scope->bytes_max - scope->bytes) return NULL;
    struct block *block = block_with_room(scope, rounded);
    void *memory = block->bytes + block->used;
    block->used += rounded;
    scope->bytes += rounded;
    return memset(memory, 0, rounded);
}

void *scope_alloc(struct scope *scope, size_t bytes)
{
    void *memory = scope_try_alloc(scope, bytes ? bytes : 1);
    if (memory == NULL) {
        (void)fprintf(stderr, "scope \"%s\" may not grow past %zu bytes\n", scope->name,
                      scope->bytes_max);
        ASSERT(memory != NULL);
    }
    return memory;
}

void *scope_alloc_array(struct scope *scope, size_t count, size_t bytes_each)
{
    ASSERT(bytes_each == 0 || count <= SIZE_MAX / 2 / bytes_each);
    return scope_alloc(scope, count * bytes_each);
}

struct text scope_keep(struct scope *scope, struct text text)
{
    char *copy = scope_alloc(scope, text.len + 1);
    if (text.len) memcpy(copy, text.at, text.len);
    return (struct text){ copy, text.len };
}

const char *scope_keep_z(struct scope *scope, struct text text)
{
    return scope_keep(scope, text).at;
}

struct text scope_format(struct scope *scope, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    char *copy = scope_alloc(scope, (size_t)len + 1);
    (void)vsnprintf(copy, (size_t)len + 1, format, again);
    va_end(again);
    return (struct text){ copy, (size_t)len };
}

void scope_on_close(struct scope *scope, void (*run)(void *self), void *self)
{
    struct undo *undo = scope_alloc(scope, sizeof *undo);
    *undo = (struct undo){ .older = scope->undos, .run = run, .self = self };
    scope->undos = undo;
}

size_t scope_bytes(const struct scope *scope)
{
    return scope->bytes;
}
