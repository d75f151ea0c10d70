/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/scope.h"
#include "tests/unit/test.h"

#include <string.h>

static struct buf trail;

static void note(void *self)
{
    buf_add_z(&trail, self);
}

TEST(children_close_first_then_notes_newest_first) /* style 5 */
{
    struct scope *server = scope_new(NULL, "server", SCOPE_NO_LIMIT);
    scope_on_close(server, note, (void *)(uintptr_t) "a");
    scope_on_close(server, note, (void *)(uintptr_t) "b");
    struct scope *session = scope_new(server, "session", SCOPE_NO_LIMIT);
    scope_on_close(session, note, (void *)(uintptr_t) "c");
    struct scope *call = scope_new(session, "call", SCOPE_NO_LIMIT);
    scope_on_close(call, note, (void *)(uintptr_t) "d");
    struct scope *other = scope_new(server, "session", SCOPE_NO_LIMIT);
    scope_on_close(other, note, (void *)(uintptr_t) "e");
    scope_close(server);
    CHECK_TEXT(buf_text(&trail), "edcba");
    buf_free(&trail);
}

TEST(a_closed_child_is_forgotten_by_its_owner)
{
    struct scope *owner = scope_new(NULL, "owner", SCOPE_NO_LIMIT);
    struct scope *first = scope_new(owner, "child", SCOPE_NO_LIMIT);
    struct scope *second = scope_new(owner, "child", SCOPE_NO_LIMIT);
    struct scope *third = scope_new(owner, "child", SCOPE_NO_LIMIT);
    scope_on_close(second, note, (void *)(uintptr_t) "2");
    scope_close(second);
    scope_close(third);
    scope_close(first);
    scope_close(NULL);
    scope_close(owner);
    CHECK_TEXT(buf_text(&trail), "2");
    buf_free(&trail);
}

TEST(memory_is_zeroed_aligned_and_counted)
{
    struct scope *scope = scope_new(NULL, "memory", SCOPE_NO_LIMIT);
    for (size_t size = 1; size < 5000; size += 777) {
        unsigned char *memory = scope_alloc(scope, size);
        CHECK_I64((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++) CHECK_I64(memory[i], 0);
        memset(memory, 0xff, size);
    }
    CHECK(scope_bytes(scope) >= 1 + 778 + 1555);
    scope_reset(scope);
    CHECK_I64(scope_bytes(scope), 0);
    CHECK_TEXT(scope_format(scope, "%s-%d", "chain", 81), "chain-81");
    struct text kept = scope_keep(scope, TEXT("abc"));
    CHECK_I64(kept.at[kept.len], 0);
    scope_close(scope);
}

TEST(past_its_limit_a_scope_refuses_what_came_from_outside)
{
    struct scope *scope = scope_new(NULL, "call", 64);
    CHECK(scope_try_alloc(scope, 48) != NULL);
    CHECK(scope_try_alloc(scope, 32) == NULL);
    CHECK(scope_try_alloc(scope, 16) != NULL);
    CHECK(scope_try_alloc(scope, SIZE_MAX) == NULL);
    scope_reset(scope);
    CHECK(scope_try_alloc(scope, 64) != NULL);
    scope_close(scope);
}
