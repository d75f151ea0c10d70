/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/access_point.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

enum { OPTIONS_MAX = 8 };

static struct pair options[OPTIONS_MAX];
static char out[512];
static uint32_t timeout_s;
static struct fault fault;

static struct value text(const char *z)
{
    return (struct value){ .kind = VALUE_TEXT, .text = text_of(z) };
}

/* The string of an access point whose section `settings` has these names and values, NULL-ended. */
static enum err string_of(const char *const *pairs, struct text host, uint32_t port)
{
    uint32_t count = 0;
    for (; pairs[2 * count]; count++)
        options[count] = (struct pair){ text_of(pairs[2 * count]), text(pairs[2 * count + 1]) };
    struct pair section = { TEXT("Settings"), { .kind = VALUE_KV, .pairs = { options, count } } };
    struct kv sections = { &section, 1 };
    struct access_point point = { &sections, host, port };
    struct buf buf = { 0 };
    fault = (struct fault){ 0 };
    enum err err = access_point_string(&point, &buf, &timeout_s, &fault);
    (void)snprintf(out, sizeof out, "%.*s", (int)buf.len, buf.at ? buf.at : "");
    buf_free(&buf);
    return err;
}

#define STRING_OF(...)                                                                             \
    string_of((const char *const[]){ __VA_ARGS__, NULL }, (struct text){ "", 0 }, 0)

TEST(a_given_string_stays_as_it_is_and_user_and_password_are_added)
{
    CHECK_OK(STRING_OF("odbc-string", "DSN=crm;", "user", "sa", "password", "secret"));
    CHECK_TEXT(text_of(out), "DSN=crm;UID=sa;PWD=secret");
    CHECK_U32(timeout_s, 10);
    CHECK_OK(STRING_OF("connection-string", "Driver={X};Port=1", "query-timeout", "30"));
    CHECK_TEXT(text_of(out), "Driver={X};Port=1");
    CHECK_U32(timeout_s, 30);
    CHECK_OK(STRING_OF("connection-string", "old", "odbc-string", "new"));
    CHECK_TEXT(text_of(out), "new");
}

TEST(names_are_without_case) /* framework 4.1 */
{
    CHECK_OK(STRING_OF("DBProtocol", "odbc", "ODBC-String", "DSN=crm", "User", "u"));
    CHECK_TEXT(text_of(out), "DSN=crm;UID=u");
}

TEST(a_password_cannot_end_its_place_in_the_string)
{
    CHECK_OK(STRING_OF("odbc-string", "DSN=crm", "password", "a;Database=other"));
    CHECK_TEXT(text_of(out), "DSN=crm;PWD={a;Database=other}");
    CHECK_OK(STRING_OF("odbc-string", "DSN=crm", "password", "}x"));
    CHECK_TEXT(text_of(out), "DSN=crm;PWD={}}x}");
}

TEST(without_a_string_one_is_built)
{
    const char *const pairs[] = { "dbms-type", "PostgreSQL", "database", "crm", NULL };
    CHECK_OK(string_of(pairs, TEXT("10.0.0.7"), 5433));
    CHECK_TEXT(text_of(out),
               "Driver={PostgreSQL Unicode};Servername=10.0.0.7;Port=5433;Database=crm");
    CHECK_OK(string_of(pairs, (struct text){ "", 0 }, 0));
    CHECK_TEXT(text_of(out),
               "Driver={PostgreSQL Unicode};Servername=127.0.0.1;Port=5432;Database=crm");
    CHECK_OK(STRING_OF("dbms-type", "sqlite", "database", "/data/crm one.db"));
    CHECK_TEXT(text_of(out), "Driver={SQLite3};Database={/data/crm one.db}");
}

TEST(what_cannot_be_used_is_named)
{
    CHECK_I64(STRING_OF("user", "x"), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "odbc-string");
    CHECK_I64(STRING_OF("dbprotocol", "postgres", "odbc-string", "DSN=x"), ERR_UNSUPPORTED);
    CHECK_TEXT(text_of(fault.field), "dbprotocol");
    CHECK_I64(STRING_OF("dbms-type", "oracle", "database", "x"), ERR_UNSUPPORTED);
    CHECK_TEXT(text_of(fault.field), "dbms-type");
    CHECK_I64(STRING_OF("dbms-type", "sqlite"), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "database");
    CHECK_I64(STRING_OF("odbc-string", "DSN=x", "query-timeout", "0"), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "query-timeout");
}
