/* SPDX-License-Identifier: Apache-2.0 */
/* Values to and from the wire. Numbers, texts and bytes go and come as bytes (PostgreSQL's binary
 * format) where the types are those of our schemas; everything else as text, which the server
 * reads and writes by the rules of its type. */
#include "store/postgres_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_TEXT = 0, FORMAT_BINARY = 1, ROOM_FIRST = 32 };

/* --- parameters --- */

static void make_room(struct parameters *parameters, uint32_t at)
{
    if (at < parameters->room) return;
    uint32_t room = parameters->room ? parameters->room : ROOM_FIRST;
    while (room <= at) room *= 2;
    parameters->values = realloc(parameters->values, room * sizeof *parameters->values);
    parameters->lengths = realloc(parameters->lengths, room * sizeof *parameters->lengths);
    parameters->formats = realloc(parameters->formats, room * sizeof *parameters->formats);
    /* What was set before points into it. */
    struct postgres_number *numbers = calloc(room, sizeof *numbers);
    ASSERT(parameters->values && parameters->lengths && parameters->formats && numbers);
    for (uint32_t i = 0; i < parameters->room; i++) {
        numbers[i] = parameters->numbers[i];
        if (i < at && parameters->values[i] == parameters->numbers[i].bytes)
            parameters->values[i] = numbers[i].bytes;
    }
    free(parameters->numbers);
    parameters->numbers = numbers;
    parameters->room = room;
}

void postgres_free_parameters(struct parameters *parameters)
{
    free(parameters->values);
    free(parameters->lengths);
    free(parameters->formats);
    free(parameters->numbers);
    scope_close(parameters->scratch);
}

static void set(struct connection *connection, uint32_t at, const char *value, size_t len,
                int format)
{
    struct parameters *parameters = &connection->parameters;
    make_room(parameters, at);
    parameters->values[at] = value;
    parameters->lengths[at] = (int)len;
    parameters->formats[at] = format;
}

/* Both ways: the wire is big-endian. */
static uint64_t swapped(uint64_t bits)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(bits) : bits;
}

static void set_number(struct connection *connection, uint32_t at, uint64_t bits)
{
    struct parameters *parameters = &connection->parameters;
    make_room(parameters, at);
    uint64_t wire = swapped(bits);
    memcpy(parameters->numbers[at].bytes, &wire, sizeof wire);
    set(connection, at, parameters->numbers[at].bytes, sizeof wire, FORMAT_BINARY);
}

void postgres_set_null(struct connection *connection, uint32_t at)
{
    set(connection, at, NULL, 0, FORMAT_TEXT);
}

void postgres_set_f64(struct connection *connection, const struct prepared *prepared, uint32_t at,
                      double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (prepared->types[at] == PG_FLOAT8) {
        set_number(connection, at, bits);
        return;
    }
    make_room(&connection->parameters, at);
    char *bytes = connection->parameters.numbers[at].bytes;
    (void)snprintf(bytes, sizeof connection->parameters.numbers[at].bytes, "%.17g", value);
    set(connection, at, bytes, 0, FORMAT_TEXT);
}

void postgres_set_i64(struct connection *connection, const struct prepared *prepared, uint32_t at,
                      int64_t value)
{
    if (prepared->types[at] == PG_INT8) {
        set_number(connection, at, (uint64_t)value);
        return;
    }
    make_room(&connection->parameters, at);
    char *bytes = connection->parameters.numbers[at].bytes;
    (void)snprintf(bytes, sizeof connection->parameters.numbers[at].bytes, "%" PRId64, value);
    set(connection, at, bytes, 0, FORMAT_TEXT);
}

static bool is_text_type(Oid type)
{
    return type == PG_TEXT || type == PG_VARCHAR || type == PG_BPCHAR || type == PG_NAME ||
           type == PG_UNKNOWN || type == PG_JSON;
}

void postgres_set_text(struct connection *connection, const struct prepared *prepared, uint32_t at,
                       struct text value, bool is_bytes)
{
    struct parameters *parameters = &connection->parameters;
    Oid type = prepared->types[at];
    if (is_bytes || type == PG_BYTEA || is_text_type(type)) {
        set(connection, at, value.len ? value.at : "", value.len, FORMAT_BINARY);
        return;
    }
    /* A text for a number: the server reads it. */
    const char *copy = scope_keep_z(parameters->scratch, value);
    parameters->is_scratch_used = true;
    set(connection, at, copy, 0, FORMAT_TEXT);
}

enum err postgres_send(struct connection *connection, const struct prepared *prepared,
                       uint32_t count, struct fault *fault)
{
    struct parameters *parameters = &connection->parameters;
    int sent = PQsendQueryPrepared(connection->handle, prepared->name, (int)count,
                                   parameters->values, parameters->lengths, parameters->formats,
                                   prepared->is_binary);
    if (parameters->is_scratch_used) scope_reset(parameters->scratch);
    parameters->is_scratch_used = false;
    return sent ? ERR_OK : postgres_lost(connection, fault);
}

/* --- cells --- */

bool postgres_is_binary_type(Oid type)
{
    return type == PG_INT8 || type == PG_INT4 || type == PG_INT2 || type == PG_FLOAT8 ||
           type == PG_FLOAT4 || type == PG_BOOL || type == PG_BYTEA || is_text_type(type);
}

static struct value integer(int64_t number)
{
    return (struct value){ .kind = VALUE_INTEGER, .integer = number };
}

static struct value floating(double number)
{
    return (struct value){ .kind = VALUE_FLOAT, .number = number };
}

/* An integer of as many bytes as there are. */
static int64_t read_integer(struct text bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes.len; i++) bits = bits << 8 | (unsigned char)bytes.at[i];
    unsigned unused = 64 - 8 * (unsigned)bytes.len;
    return (int64_t)(bits << unused) >> unused;
}

static double read_f64(struct text bytes)
{
    double number;
    uint64_t bits = (uint64_t)read_integer(bytes);
    memcpy(&number, &bits, sizeof number);
    return number;
}

static double read_f32(struct text bytes)
{
    float number;
    uint32_t bits = (uint32_t)read_integer(bytes);
    memcpy(&number, &bits, sizeof number);
    return (double)number;
}

static struct value binary_cell(Oid type, struct text bytes)
{
    switch ((enum postgres_type)type) {
    case PG_INT8:
    case PG_INT4:
    case PG_INT2:
    case PG_BOOL: return integer(read_integer(bytes));
    case PG_FLOAT4: return floating(read_f32(bytes));
    case PG_FLOAT8: return floating(read_f64(bytes));
    case PG_BYTEA: return (struct value){ .kind = VALUE_BYTES, .text = bytes };
    default: return (struct value){ .kind = VALUE_TEXT, .text = bytes };
    }
}

static struct value bytes_cell(struct text in, struct buf *scratch)
{
    size_t len = 0;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)in.at, &len);
    ASSERT(bytes != NULL);
    buf_clear(scratch);
    buf_add(scratch, (struct text){ (const char *)bytes, len });
    PQfreemem(bytes);
    return (struct value){ .kind = VALUE_BYTES, .text = len ? buf_text(scratch) : TEXT("") };
}

static struct value text_cell(Oid type, struct text in, struct buf *scratch)
{
    struct value value = { .kind = VALUE_TEXT, .text = in };
    switch ((enum postgres_type)type) {
    case PG_BOOL: return integer(in.at[0] == 't');
    case PG_BYTEA: return bytes_cell(in, scratch);
    case PG_INT8:
    case PG_INT4:
    case PG_INT2:
    case PG_NUMERIC:
        if (text_to_i64(in, INT64_MIN, INT64_MAX, &value.integer) == ERR_OK)
            return integer(value.integer);
        return floating(strtod(in.at, NULL));
    case PG_FLOAT4:
    case PG_FLOAT8: return floating(strtod(in.at, NULL));
    default: return value;
    }
}

struct value postgres_cell(const PGresult *result, int row, int column, struct buf *scratch)
{
    if (PQgetisnull(result, row, column)) return (struct value){ .kind = VALUE_NULL };
    struct text bytes = { PQgetvalue(result, row, column),
                          (size_t)PQgetlength(result, row, column) };
    Oid type = PQftype(result, column);
    return PQfformat(result, column) == FORMAT_BINARY ? binary_cell(type, bytes)
                                                      : text_cell(type, bytes, scratch);
}
