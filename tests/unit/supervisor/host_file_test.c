/* SPDX-License-Identifier: Apache-2.0 */
/* host.jsonc, design 6: what is absent has a default, what is wrong is named. */
#include "servers/supervisor/host_file.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static struct fault fault;

static enum err parse(struct scope *scope, const char *text, struct host_file **out)
{
    fault = (struct fault){ 0 };
    return host_file_parse(scope, text_of(text), out, &fault);
}

TEST(an_empty_file_is_a_laboratory_on_this_machine)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct host_file *file;
    CHECK_OK(parse(scope, "{}", &file));
    CHECK_TEXT(file->host, "localhost");
    CHECK_TEXT(file->data, "run");
    CHECK_TEXT(file->config->application, "config");
    CHECK_TEXT(file->config->address, "127.0.0.1:2020");
    CHECK(file->config->start);
    CHECK_TEXT(file->metrics, "127.0.0.1:9100");
    CHECK_U32(file->run.len, 0);
    scope_close(scope);
}

TEST(what_the_release_before_does_not_know_is_printed_only_when_it_says_something)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct host_file *file;
    CHECK_OK(parse(scope, "{}", &file));
    CHECK(strstr(host_file_print(scope, file).at, "start") == NULL);
    CHECK_OK(parse(scope, "{ \"config\": { \"start\": false } }", &file));
    CHECK(!file->config->start);
    CHECK_OK(parse(scope, host_file_print(scope, file).at, &file));
    CHECK(!file->config->start);
    scope_close(scope);
}

TEST(comments_and_trailing_commas_are_welcome)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct host_file *file;
    CHECK_OK(parse(scope,
                   "// ours\n{ \"host\": \"h1\", /* where */ \"data\": \"/d\",\n"
                   "  \"config\": { \"address\": \"10.0.0.1:3000\", },\n"
                   "  \"options\": { \"crash-loop-limit\": 7, }, }",
                   &file));
    CHECK_TEXT(file->host, "h1");
    CHECK_TEXT(file->config->address, "10.0.0.1:3000");
    CHECK_TEXT(file->config->application, "config");
    CHECK_U32(file->options.count, 1);
    CHECK_I64(file->options.at[0].value.integer, 7);
    scope_close(scope);
}

TEST(config_may_keep_its_data_in_a_database_but_not_its_password_here)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct host_file *file;
    CHECK_OK(parse(scope, "{ \"config\": { \"database\": \"host=db dbname=c user=u\" } }", &file));
    CHECK_TEXT(file->config->database, "host=db dbname=c user=u");
    CHECK(strstr(host_file_print(scope, file).at, "host=db dbname=c user=u") != NULL);
    CHECK_U32(parse(scope, "{ \"config\": { \"database\": \"user=u PassWord=x\" } }", &file),
              ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "config.database");
    scope_close(scope);
}

TEST(mistakes_are_refused_with_their_field)
{
    static const struct {
        const char *text, *names;
    } cases[] = {
        { "{ \"hots\": \"x\" }", "hots" },
        { "{ \"host\": 5 }", "host" },
        { "{ \"host\": \"\" }", "host" },
        { "{ \"config\": { \"adress\": \"x\" } }", "adress" },
        { "{ \"config\": { \"address\": \"\" } }", "config.address" },
        { "{ \"host\": \"a\" ", "line" },
        { "[]", "" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
        struct host_file *file;
        CHECK(parse(scope, cases[i].text, &file) != ERR_OK);
        char all[sizeof fault.field + sizeof fault.words + 2];
        snprintf(all, sizeof all, "%s %s", fault.field, fault.words);
        if (strstr(all, cases[i].names) == NULL) print_error("%s: %s\n", cases[i].text, all);
        CHECK(strstr(all, cases[i].names) != NULL);
        scope_close(scope);
    }
}

TEST(what_is_printed_reads_back_the_same)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct host_file *file, *again;
    CHECK_OK(parse(scope, "{ \"host\": \"h\", \"options\": { \"a\": 1, \"b\": \"x\" } }", &file));
    struct text printed = host_file_print(scope, file);
    CHECK_OK(host_file_parse(scope, printed, &again, &fault));
    CHECK_TEXT(again->host, "h");
    CHECK_U32(again->options.count, 2);
    CHECK(text_eq(host_file_print(scope, again), printed));
    scope_close(scope);
}
