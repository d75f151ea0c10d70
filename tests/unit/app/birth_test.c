/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "app/birth.h"

#include <string.h>
#include <unistd.h>

#define KEY "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\""
#define LINE                                                                                       \
    "{\"application\":\"outbound\",\"type\":\"outbound\",\"key\":" KEY                             \
    ",\"run\":\"/r\",\"data\":\"/"                                                                 \
    "d\",\"config\":\"127.0.0.1:2020\",\"config_application\":\"config\","                         \
    "\"supervisor\":\"unix:/r/supervisor.sock\",\"host\":\"localhost\",\"logs\":\"/l\"}\n"

static enum err parse(const char *line, struct birth *out, struct fault *fault)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    enum err err = birth_parse(text_of(line), life, out, fault);
    scope_close(life);
    return err;
}

TEST(the_line_of_the_supervisor_is_read_from_a_descriptor)
{
    int ends[2];
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], LINE, sizeof LINE - 1) == sizeof LINE - 1);
    CHECK(close(ends[1]) == 0);
    struct birth birth;
    CHECK_OK(birth_read(ends[0], life, &birth, NULL));
    CHECK_TEXT(birth.application, "outbound");
    CHECK_TEXT(birth.supervisor, "unix:/r/supervisor.sock");
    CHECK_TEXT(birth.logs, "/l");
    CHECK_U32(birth.key[0], 0);
    CHECK_U32(birth.key[31], 0x1f);
    CHECK(!birth.key_is_secret);
    CHECK(close(ends[0]) != 0); /* it was closed */
    scope_close(life);
}

TEST(only_config_gets_the_secret)
{
    struct birth birth;
    CHECK_OK(
        parse("{\"application\":\"config\",\"run\":\"/r\",\"data\":\"/d\",\"key\":" KEY
              ",\"secret\":\"ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}",
              &birth, NULL));
    CHECK(birth.key_is_secret);
    CHECK_U32(birth.key[0], 0xff);
}

TEST(what_is_no_birth_line_is_refused_by_name)
{
    struct birth birth;
    struct fault fault;
    CHECK(parse("", &birth, &fault) != ERR_OK);
    CHECK(parse("[]", &birth, &fault) != ERR_OK);
    CHECK_I64(parse("{\"application\":\"x\",\"run\":\"/r\",\"data\":\"/d\",\"key\":\"12\"}", &birth,
                    &fault),
              ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "key");
    CHECK_I64(parse("{\"run\":\"/r\",\"data\":\"/d\",\"key\":" KEY "}", &birth, &fault),
              ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "application");
    CHECK_I64(parse("{\"application\":\"x\",\"key\":" KEY "}", &birth, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "data");
}
