/* SPDX-License-Identifier: Apache-2.0 */
/* Start Info becomes a program and its words, without a shell (framework 2.3, 6.1). */
#include "servers/supervisor/program.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static struct program *parse(struct scope *scope, const char *dir, const char *command,
                             const char *arguments, struct fault *fault)
{
    struct program *program = NULL;
    struct program_start start = { .dir = text_of(dir),
                                   .command = text_of(command),
                                   .arguments = text_of(arguments) };
    return program_parse(scope, &start, &program, fault) ? NULL : program;
}

TEST(words_are_parted_by_blanks_and_quotes_keep_them_together)
{
    struct fault fault;
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    const struct program *program =
        parse(scope, "/opt/gms", "bin/gms -v",
              "  -name 'two words' \"a \\\"b\\\"\" c\\ d $HOME * ; '' x'y'z ", &fault);
    static const char *const wanted[] = { "/opt/gms/bin/gms",
                                          "-v",
                                          "-name",
                                          "two words",
                                          "a \"b\"",
                                          "c d",
                                          "$HOME",
                                          "*",
                                          ";",
                                          "",
                                          "xyz",
                                          NULL };
    CHECK(program != NULL);
    CHECK_TEXT(text_of(program->dir), "/opt/gms");
    CHECK_TEXT(text_of(program->path), "/opt/gms/bin/gms");
    for (size_t i = 0; wanted[i]; i++) CHECK_TEXT(text_of(program->argv[i]), wanted[i]);
    CHECK(program->argv[11] == NULL);
    program = parse(scope, "/opt", "/usr/bin/java", "", &fault);
    CHECK_TEXT(text_of(program->path), "/usr/bin/java");
    CHECK(program->argv[1] == NULL);
    scope_close(scope);
}

TEST(the_application_and_config_are_told_behind_the_arguments)
{
    struct fault fault;
    struct program *program;
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct program_start start = { TEXT("/opt"), TEXT("urs"), TEXT("-x"),
                                   TEXT("urs"),  TEXT("::1"), TEXT("2020") };
    static const char *const wanted[] = { "/opt/urs", "-x",  "-app",  "urs",
                                          "-host",    "::1", "-port", "2020" };
    CHECK_OK(program_parse(scope, &start, &program, &fault));
    for (size_t i = 0; i < 8; i++) CHECK_TEXT(text_of(program->argv[i]), wanted[i]);
    CHECK(program->argv[8] == NULL);
    scope_close(scope);
}

TEST(what_is_no_start_info_is_refused_by_its_field)
{
    static const struct {
        const char *dir, *command, *arguments, *field;
    } wrong[] = {
        { "", "x", "", "start.dir" },
        { "opt", "x", "", "start.dir" },
        { "/opt/../etc", "x", "", "start.dir" },
        { "/o\npt", "x", "", "start.dir" },
        { "/opt", "", "", "start.command" },
        { "/opt", "../x", "", "start.command" },
        { "/opt", "/opt/../x", "", "start.command" },
        { "/opt", "x 'y", "", "start.command" },
        { "/opt", "x\ny", "", "start.command" },
        { "/opt", "x", "\"y", "start.arguments" },
        { "/opt", "x", "a\x01", "start.arguments" },
    };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fault fault = { 0 };
        CHECK(parse(scope, wrong[i].dir, wrong[i].command, wrong[i].arguments, &fault) == NULL);
        CHECK_TEXT(text_of(fault.field), wrong[i].field);
    }
    scope_close(scope);
}

TEST(more_words_than_a_program_takes_are_refused)
{
    char many[2 * PROGRAM_WORDS_MAX + 1] = "";
    struct fault fault = { 0 };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (size_t i = 0; i < PROGRAM_WORDS_MAX - 1; i++) memcpy(many + 2 * i, "a ", 3);
    CHECK(parse(scope, "/opt", "x", many, &fault) != NULL);
    CHECK(parse(scope, "/opt", "x y", many, &fault) == NULL);
    CHECK_TEXT(text_of(fault.words), "at most 256 words");
    scope_close(scope);
}
