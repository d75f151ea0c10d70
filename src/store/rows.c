/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES_FIRST = 64 };

void rows_begin(struct rows *rows, uint32_t columns)
{
    rows->life = scope_new(NULL, "rows", ROWS_BYTES_MAX);
    rows->columns = columns;
}

static bool keep_text(struct rows *rows, struct text *text)
{
    char *copy = scope_try_alloc(rows->life, text->len + 1); /* zeroed: NUL behind it */
    if (copy == NULL) return false;
    if (text->len) memcpy(copy, text->at, text->len);
    text->at = copy;
    return true;
}

enum err rows_add(struct rows *rows, struct value value)
{
    bool has_text = value.kind == VALUE_TEXT || value.kind == VALUE_BYTES;
    if (has_text && !keep_text(rows, &value.text)) return ERR_LIMIT;
    if (rows->value_count == rows->value_room) {
        if (rows->value_room * sizeof value >= ROWS_BYTES_MAX) return ERR_LIMIT;
        rows->value_room = rows->value_room ? rows->value_room * 2 : VALUES_FIRST;
        rows->values = realloc(rows->values, rows->value_room * sizeof value);
        ASSERT(rows->values != NULL);
    }
    rows->values[rows->value_count++] = value;
    return ERR_OK;
}

void rows_free(struct rows *rows)
{
    scope_close(rows->life);
    free(rows->values);
    *rows = (struct rows){ 0 };
}

uint32_t rows_count(const struct rows *rows)
{
    return rows->columns ? (uint32_t)(rows->value_count / rows->columns) : 0;
}

const struct value *rows_at(const struct rows *rows, uint32_t row, uint32_t column)
{
    ASSERT(row < rows_count(rows) && column < rows->columns);
    return &rows->values[(size_t)row * rows->columns + column];
}

int64_t rows_i64(const struct rows *rows, uint32_t row, uint32_t column)
{
    const struct value *value = rows_at(rows, row, column);
    return value->kind == VALUE_INTEGER ? value->integer : 0;
}

struct text rows_text(const struct rows *rows, uint32_t row, uint32_t column)
{
    const struct value *value = rows_at(rows, row, column);
    bool has_text = value->kind == VALUE_TEXT || value->kind == VALUE_BYTES;
    return has_text ? value->text : (struct text){ 0 };
}
