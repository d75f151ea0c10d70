/* SPDX-License-Identifier: Apache-2.0 */
/* alarm_fuzz.c - what people write in scripts of alarms, and what applications say in the records
 * that raise them: expressions over samples; e-mail, webhook and environment made of an alarm. No
 * text of an alarm begins a line of a head, ends a message or a variable. */
#include "tests/fuzz/fuzz.h"

#include "format/json.h"
#include "servers/control/alarm_detect.h"
#include "servers/control/reaction.h"

#include <string.h>

static void check_expression(struct text in)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    for (int of = DETECTION_OF_HOST; of <= DETECTION_OF_APPLICATION; of++) {
        const struct expression *expression = NULL;
        struct fault fault = { 0 };
        struct sample none = { 0 }, all = { 0 };
        enum err err = expression_parse(in, (enum detection_of)of, scope, &expression, &fault);
        if (err) fuzz_check_fault(err, &fault);
        if (err) continue;
        for (int i = 0; i < FIGURES; i++) sample_set(&all, (enum figure)i, i * 0.5);
        FUZZ_CHECK(expression_answer(expression, &none) <= ANSWER_YES);
        enum answer first = expression_answer(expression, &all);
        FUZZ_CHECK(expression_answer(expression, &all) == first);
    }
    scope_close(scope);
}

/* Every line is short, ends with CR LF, and is no lone dot. */
static void check_mail(struct text mail)
{
    size_t start = 0, heads = 0;
    bool is_head = true;
    for (size_t i = 0; i < mail.len; i++) {
        FUZZ_CHECK(mail.at[i] != '\n' || (i > 0 && mail.at[i - 1] == '\r'));
        if (mail.at[i] != '\n') continue;
        struct text line = text_slice(mail, start, i - 1 - start);
        FUZZ_CHECK(!text_eq(line, TEXT(".")));
        if (line.len == 0) is_head = false;
        if (is_head && line.at[0] != ' ') heads++;
        start = i + 1;
    }
    FUZZ_CHECK(heads == 9);
}

static void check_reaction(struct text in)
{
    struct text parts[6];
    struct text rest = in;
    for (size_t i = 0; i < 6; i++) {
        struct text before = rest, after = TEXT("");
        (void)text_cut(rest, '\1', &before, &after);
        parts[i] = before;
        rest = after;
    }
    if (!text_is_utf8(in)) return; /* links and configuration hold no other */
    struct control_alarm_state alarm = {
        .head.has = SHAPE_ALL(*MSG_CONTROL_ALARM_CLEARED.shape->fields[0].nested),
        .condition = parts[0],
        .category = TEXT("major"),
        .application = parts[1],
        .host = parts[2],
        .state = TEXT("active"),
        .text = parts[3],
        .comment = parts[4],
    };
    struct mail_head head = { .from = TEXT("a@b"),
                              .to = TEXT("c@d"),
                              .subject = parts[5],
                              .id = TEXT("id"),
                              .now_utc_ms = 1700000000000 };
    struct buf out = { 0 };
    reaction_write_mail(&head, &alarm, &out);
    check_mail(buf_text(&out));
    buf_clear(&out);
    reaction_write_environment(&alarm, &out);
    uint32_t variables = 0;
    for (size_t i = 0; i < out.len; i++) variables += out.at[i] == '\0';
    FUZZ_CHECK(variables == 12 && out.at[out.len - 1] == '\0');
    buf_clear(&out);
    reaction_write_webhook(&alarm, 1700000000000, &out);
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct kv kv;
    struct fault fault;
    if (text_find(in, '\0', 0) == SIZE_MAX)
        FUZZ_CHECK(json_read_kv(buf_text(&out), scope, &kv, &fault) == ERR_OK);
    scope_close(scope);
    buf_free(&out);
}

static void check_script(struct text in)
{
    static const char *const actions[] = { "command", "email", "webhook", "restart",
                                           "start-solution" };
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        struct alarm_reaction_options options = {
            .action = text_of(actions[i]), .command = in, .to = in, .url = in, .solution = in
        };
        struct reaction reaction = { .to = TEXT("") };
        struct fault fault = { 0 };
        enum err err = reaction_read(&options, TEXT("x"), &reaction, &fault);
        if (err) fuzz_check_fault(err, &fault);
        if (!err && reaction.kind == REACTION_COMMAND)
            FUZZ_CHECK(in.len && in.at[0] != '.' && text_find(in, '/', 0) == SIZE_MAX);
        struct text rest = reaction.to, address;
        while (!err && reaction.kind == REACTION_EMAIL && text_next_item(&rest, ',', &address))
            FUZZ_CHECK(reaction_is_address(address) && text_find(address, '\n', 0) == SIZE_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    check_expression(in);
    check_script(in);
    check_reaction(in);
    return 0;
}
