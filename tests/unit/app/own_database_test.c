/* SPDX-License-Identifier: Apache-2.0 */
#include "app/own_database.h"
#include "format/json.h"
#include "tests/unit/test.h"

#include <string.h>

static struct kv options_of(struct scope *scope, const char *json)
{
    struct kv options;
    struct fault fault;
    if (json_read_kv(text_of(json), scope, &options, &fault)) fail_msg("%s", fault.words);
    return options;
}

static void expect_path(const char *json, const char *wanted)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct kv options = options_of(scope, json);
    struct own_database database = { .options = &options,
                                     .host_address = TEXT("10.0.0.1"),
                                     .port = 6000,
                                     .application = TEXT("Outbound-1"),
                                     .trusted_ca = TEXT("/ca.crt") };
    struct buf out = { 0 };
    struct fault fault = { 0 };
    uint32_t timeout_s;
    if (own_database_path(&database, &out, &timeout_s, &fault)) fail_msg("%s", fault.words);
    CHECK_TEXT(buf_text(&out), wanted);
    buf_free(&out);
    scope_close(scope);
}

static void expect_refusal(const char *json, enum err err, const char *field, const char *words)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct kv options = options_of(scope, json);
    struct own_database database = { .options = &options, .application = TEXT("a") };
    struct buf out = { 0 };
    struct fault fault = { 0 };
    uint32_t timeout_s;
    CHECK_U32(own_database_path(&database, &out, &timeout_s, &fault), err);
    CHECK_TEXT(text_of(fault.field), field);
    CHECK(strstr(fault.words, words) != NULL);
    buf_free(&out);
    scope_close(scope);
}

TEST(an_access_point_becomes_a_path_and_nothing_in_a_value_ends_it)
{
    expect_path("{\"settings\":{\"dbms-type\":\"PostgreSQL\",\"database\":\"d\",\"user\":\"u\","
                "\"password\":\"it's \\\\ x\"}}",
                "postgresql:outbound_1: host='10.0.0.1' port=6000 dbname='d' user='u' "
                "password='it\\'s \\\\ x' sslrootcert='/ca.crt' application_name=outbound_1");
    expect_path("{\"settings\":{\"dbms-type\":\"postgresql\",\"database\":\"d\",\"user\":\"u\","
                "\"host\":\"a,b\",\"port\":\"1,2\",\"schema\":\"ours\",\"sslmode\":\"verify-full\","
                "\"sslrootcert\":\"/other\"}}",
                "postgresql:ours: host='a,b' port='1,2' dbname='d' user='u' "
                "sslmode='verify-full' sslrootcert='/other' application_name=outbound_1");
    expect_path("{\"settings\":{\"dbms-type\":\"sqlite\"}}", "");
    /* Names are without case (framework 4.1). */
    expect_path("{\"Settings\":{\"DBMS-Type\":\"postgresql\",\"Database\":\"d\",\"USER\":\"u\"}}",
                "postgresql:outbound_1: host='10.0.0.1' port=6000 dbname='d' user='u' "
                "sslrootcert='/ca.crt' application_name=outbound_1");
}

TEST(other_engines_and_what_is_missing_are_named)
{
    expect_refusal("{\"settings\":{\"dbms-type\":\"oracle\"}}", ERR_UNSUPPORTED, "dbms-type",
                   "not oracle");
    expect_refusal("{}", ERR_INVALID, "dbms-type", "missing");
    expect_refusal("{\"settings\":{\"dbms-type\":\"postgresql\"}}", ERR_INVALID, "database",
                   "missing");
    expect_refusal("{\"settings\":{\"dbms-type\":\"postgresql\",\"database\":\"d\"}}", ERR_INVALID,
                   "user", "missing");
    expect_refusal("{\"settings\":{\"dbms-type\":\"postgresql\",\"query-timeout\":\"0\"}}",
                   ERR_INVALID, "query-timeout", "1 to");
}

TEST(access_points_of_calling_lists_and_archives_are_not_for_a_store)
{
    static const struct {
        const char *json;
        bool is_main;
    } cases[] = {
        { "{}", true },
        { "{\"settings\":{\"role\":\"Main\"}}", true },
        { "{\"settings\":{\"role\":\"archive\"}}", false },
        { "{\"settings\":{\"odbc-string\":\"DSN=x\"}}", false },
        { "{\"settings\":{\"connection-string\":\"DSN=x\"}}", false },
        { "{\"settings\":{\"dbprotocol\":\"ODBC\"}}", false },
    };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kv options = options_of(scope, cases[i].json);
        CHECK(own_database_is_main(&options) == cases[i].is_main);
    }
    scope_close(scope);
}

TEST(a_schema_is_called_like_its_application)
{
    static const char *const names[][2] = {
        { "outbound", "outbound" }, { "Out Bound.2", "out_bound_2" },
        { "2nd", "_2nd" },          { "pg_x", "_g_x" },
        { "\xd0\x96", "__" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct buf out = { 0 };
        own_database_schema(text_of(names[i][0]), &out);
        CHECK_TEXT(buf_text(&out), names[i][1]);
        buf_free(&out);
    }
}
