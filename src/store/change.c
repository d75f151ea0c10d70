/* SPDX-License-Identifier: Apache-2.0 */
#include "store/change.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 8, BYTES_KEPT_MAX = 16 * 1024 };

static size_t padded(size_t len)
{
    return (len + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* --- building --- */

static char *add_room(struct change *change, size_t len)
{
    char *room = buf_reserve(&change->bytes, padded(len));
    change->bytes.len += padded(len);
    return room;
}

void change_add(struct change *change, const struct statement *statement, int expect)
{
    struct change_statement head = { .statement = statement, .expect = expect };
    change->statement_at = change->bytes.len;
    memcpy(add_room(change, sizeof head), &head, sizeof head);
    change->statement_count++;
}

static void count_parameter(struct change *change)
{
    ASSERT(change->statement_count > 0);
    struct change_statement *head =
        (struct change_statement *)(void *)(change->bytes.at + change->statement_at);
    head->parameter_count++;
}

static void bind_bytes(struct change *change, enum value_kind kind, const void *bytes, size_t len)
{
    ASSERT(len <= INT32_MAX);
    struct change_parameter head = { .kind = kind, .len = (uint32_t)len };
    char *room = add_room(change, sizeof head + len);
    memcpy(room, &head, sizeof head);
    if (len) memcpy(room + sizeof head, bytes, len);
    count_parameter(change);
}

void change_bind_i64(struct change *change, int64_t value)
{
    bind_bytes(change, VALUE_INTEGER, &value, sizeof value);
}

void change_bind_f64(struct change *change, double value)
{
    bind_bytes(change, VALUE_FLOAT, &value, sizeof value);
}

void change_bind_text(struct change *change, struct text value)
{
    bind_bytes(change, value.at ? VALUE_TEXT : VALUE_NULL, value.at, value.at ? value.len : 0);
}

void change_bind_bytes(struct change *change, struct text value)
{
    bind_bytes(change, value.at ? VALUE_BYTES : VALUE_NULL, value.at, value.at ? value.len : 0);
}

void change_bind_null(struct change *change)
{
    bind_bytes(change, VALUE_NULL, NULL, 0);
}

size_t change_rows(const struct change *change)
{
    return change->statement_count;
}

void change_on_end(struct change *change, struct change_hook *hook)
{
    hook->next = change->hooks;
    change->hooks = hook;
}

/* --- reading --- */

struct change_cursor change_begin(const struct change *change)
{
    return (struct change_cursor){ change->bytes.at, change->bytes.at + change->bytes.len };
}

const struct change_statement *change_next_statement(struct change_cursor *cursor)
{
    if (cursor->at == cursor->end) return NULL;
    const struct change_statement *head = (const void *)cursor->at;
    cursor->at += padded(sizeof *head);
    return head;
}

const struct change_parameter *change_next_parameter(struct change_cursor *cursor)
{
    const struct change_parameter *head = (const void *)cursor->at;
    cursor->at += padded(sizeof *head + head->len);
    return head;
}

int64_t parameter_i64(const struct change_parameter *parameter)
{
    int64_t value;
    memcpy(&value, parameter + 1, sizeof value);
    return value;
}

double parameter_f64(const struct change_parameter *parameter)
{
    double value;
    memcpy(&value, parameter + 1, sizeof value);
    return value;
}

const char *parameter_bytes(const struct change_parameter *parameter)
{
    return (const char *)(parameter + 1);
}

/* --- ending --- */

void change_fail(struct change *change, enum err err, int failed_statement, const char *words)
{
    free(change->words);
    change->words = strdup(words);
    ASSERT(change->words != NULL);
    change->result = (struct change_result){ .err = err,
                                             .words = change->words,
                                             .failed_statement = failed_statement };
}

void change_reset(struct change *change)
{
    struct store *store = change->store;
    struct buf bytes = change->bytes;
    free(change->words);
    if (bytes.room > BYTES_KEPT_MAX) buf_free(&bytes);
    buf_clear(&bytes);
    *change = (struct change){ .store = store, .bytes = bytes };
}

void change_free(struct change *change)
{
    buf_free(&change->bytes);
    free(change->words);
    free(change);
}
