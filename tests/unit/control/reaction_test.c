/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "format/json.h"
#include "servers/control/reaction.h"

#include <string.h>

static struct alarm_reaction_options options_of(const char *action)
{
    return (struct alarm_reaction_options){ .action = text_of(action), .seconds = 600 };
}

static struct control_alarm_state connection_failure(void)
{
    return (struct control_alarm_state){
        .head.has = SHAPE_ALL(*MSG_CONTROL_ALARM_CLEARED.shape->fields[0].nested) &
                    ~(uint64_t)(CONTROL_ALARM_STATE_HAS_CLEARED |
                                CONTROL_ALARM_STATE_HAS_CLEARED_BY |
                                CONTROL_ALARM_STATE_HAS_COMMENT),
        .id = 7,
        .condition = TEXT("Connection Failure"),
        .category = TEXT("major"),
        .application = TEXT("ocs"),
        .host = TEXT("h1"),
        .state = TEXT("active"),
        .count = 1,
        .raised = 1700000000123,
        .last = 1700000000123,
        .event = TEXT("00-04504"),
        .text = TEXT("Connection lost\n.\nto Zürich = 1"),
    };
}

static enum err read(struct alarm_reaction_options *options, struct reaction *out, char field[64])
{
    struct fault fault = { 0 };
    enum err err = reaction_read(options, TEXT("ocs"), out, &fault);
    memcpy(field, fault.field, sizeof fault.field);
    return err;
}

static bool has(const struct buf *out, const char *words)
{
    return memmem(out->at, out->len, words, strlen(words)) != NULL;
}

TEST(an_order_is_for_the_alarms_own_application_unless_another_is_named)
{
    struct reaction reaction;
    char field[64];
    struct alarm_reaction_options options = options_of("restart");
    CHECK_OK(read(&options, &reaction, field));
    CHECK(reaction.kind == REACTION_APPLICATION_ORDER);
    CHECK_TEXT(reaction.name, "ocs");
    CHECK_TEXT(reaction.order, "restart");
    options.application = TEXT("web");
    CHECK_OK(read(&options, &reaction, field));
    CHECK_TEXT(reaction.name, "web");
    options = options_of("stop-gracefully");
    CHECK_OK(read(&options, &reaction, field));
    CHECK_TEXT(reaction.order, "stop-gracefully");
    options = options_of("stop-solution");
    CHECK(read(&options, &reaction, field) == ERR_INVALID);
    CHECK_TEXT(text_of(field), "solution");
    options.solution = TEXT("all");
    CHECK_OK(read(&options, &reaction, field));
    CHECK(reaction.kind == REACTION_SOLUTION_ORDER);
    CHECK_TEXT(reaction.order, "stop");
}

TEST(a_command_is_a_file_of_the_folder_and_nothing_else)
{
    static const char *const wrong[] = { "", "../sh", "/bin/sh", "a/b", ".hidden", "." };
    struct reaction reaction;
    char field[64];
    struct alarm_reaction_options options = options_of("command");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.command = text_of(wrong[i]);
        CHECK(read(&options, &reaction, field) == ERR_INVALID);
        CHECK_TEXT(text_of(field), "command");
    }
    options.command = TEXT("tell-pager");
    CHECK_OK(read(&options, &reaction, field));
}

TEST(addresses_are_plain_ones)
{
    CHECK(reaction_is_address(TEXT("a@b.example")));
    CHECK(!reaction_is_address(TEXT("a")) && !reaction_is_address(TEXT("a@")) &&
          !reaction_is_address(TEXT("a@b@c")) && !reaction_is_address(TEXT("a b@c")) &&
          !reaction_is_address(TEXT("a\r\n@c")) && !reaction_is_address(TEXT("<a@c>")));
    struct reaction reaction;
    char field[64];
    struct alarm_reaction_options options = options_of("email");
    CHECK(read(&options, &reaction, field) == ERR_INVALID);
    options.to = TEXT("a@b.example, c@d.example");
    CHECK_OK(read(&options, &reaction, field));
    options.to = TEXT("a@b.example, nobody");
    CHECK(read(&options, &reaction, field) == ERR_INVALID);
    CHECK_TEXT(text_of(field), "to");
}

TEST(the_webhook_is_json_with_the_alarm_as_it_is)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct control_alarm_state alarm = connection_failure();
    struct buf out = { 0 };
    struct kv kv;
    struct fault fault;
    reaction_write_webhook(&alarm, 1700000001000, &out);
    CHECK_OK(json_read_kv(buf_text(&out), scope, &kv, &fault));
    CHECK_TEXT(kv_find(&kv, TEXT("type"))->text, "alarm.created");
    CHECK_TEXT(kv_find(&kv, TEXT("timestamp"))->text, "2023-11-14T22:13:21.000Z");
    const struct kv *data = &kv_find(&kv, TEXT("data"))->pairs;
    CHECK_TEXT(kv_find(data, TEXT("condition"))->text, "Connection Failure");
    CHECK_I64(kv_find(data, TEXT("count"))->integer, 1);
    CHECK(kv_find(data, TEXT("cleared")) == NULL);
    buf_free(&out);
    scope_close(scope);
}

TEST(a_mail_has_no_line_of_its_own_from_what_an_event_says)
{
    struct control_alarm_state alarm = connection_failure();
    alarm.condition = TEXT("Evil\r\nBcc: x@y\r\n\r\nbody");
    struct mail_head head = { .from = TEXT("carillon@a.example"),
                              .to = TEXT("a@b.example,c@d.example"),
                              .id = TEXT("ID1"),
                              .now_utc_ms = 1700000001000 };
    struct buf out = { 0 };
    reaction_write_mail(&head, &alarm, &out);
    buf_add_byte(&out, '\0');
    CHECK(strstr(out.at, "Date: Tue, 14 Nov 2023 22:13:21 +0000\r\nFrom: carillon@a.example\r\n"
                         "To: a@b.example,\r\n c@d.example\r\nMessage-ID: <ID1@carillon>\r\n"));
    CHECK(strstr(out.at, "\r\nBcc:") == NULL && strstr(out.at, "\r\n.\r\n") == NULL);
    CHECK(strstr(out.at, "Z=C3=BCrich =3D 1\r\n"));
    size_t line = 0;
    for (char *at = out.at; *at; at++) {
        line = *at == '\n' ? 0 : line + 1;
        CHECK(line <= 78);
    }
    buf_free(&out);
}

TEST(the_subject_is_the_scripts_or_says_what_happened)
{
    struct control_alarm_state alarm = connection_failure();
    struct mail_head head = { .subject = TEXT("ü") };
    struct buf out = { 0 };
    reaction_write_mail(&head, &alarm, &out);
    CHECK(has(&out, "Subject: =?UTF-8?Q?=C3=BC?=\r\n"));
    buf_clear(&out);
    head.subject = TEXT("");
    alarm.state = TEXT("cleared");
    reaction_write_mail(&head, &alarm, &out);
    CHECK(has(&out, "Subject: cleared, major: Connection Failure, ocs\r\n"));
    buf_free(&out);
}

TEST(a_program_learns_the_alarm_from_its_environment)
{
    struct control_alarm_state alarm = connection_failure();
    struct buf out = { 0 };
    reaction_write_environment(&alarm, &out);
    static const char begin[] =
        "CARILLON_ALARM_ID=7\0CARILLON_ALARM_CONDITION=Connection Failure\0";
    CHECK(memcmp(out.at, begin, sizeof begin - 1) == 0);
    CHECK(out.at[out.len - 1] == '\0');
    uint32_t count = 0;
    for (size_t i = 0; i < out.len; i++) count += out.at[i] == '\0';
    CHECK_U32(count, 12);
    buf_free(&out);
}
