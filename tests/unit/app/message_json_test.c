/* SPDX-License-Identifier: Apache-2.0 */
#include "app/message_json.h"

#include "gen/messages.h"
#include "tests/unit/test.h"

static struct text written(struct scope *scope, const struct shape *shape, const void *fields)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    message_put_members(&json, shape, fields);
    json_end_object(&json);
    struct text text = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return text;
}

static enum err read(struct scope *scope, const struct msg *msg, const char *json, void **out,
                     struct fault *fault)
{
    struct kv pairs;
    CHECK_OK(json_read_kv(text_of(json), scope, &pairs, NULL));
    return message_from_kv(msg, &pairs, scope, out, fault);
}

TEST(what_the_message_does_not_know_is_user_data_and_comes_back_flat)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    void *fields;
    const struct msg *msg = &MSG_OUTBOUND_UPDATE_CALL_COMPLETION_STATS;
    const char *json = "{\"GSW_RECORD_HANDLE\":7,\"Other1\":\"x\",\"n\":[1,null]}";
    CHECK_OK(read(scope, msg, json, &fields, NULL));
    const struct outbound_update_call_completion_stats *update = fields;
    CHECK_U32(update->gsw_record_handle, 7);
    CHECK_U32(update->user_data.count, 2);
    CHECK_TEXT(written(scope, msg->shape, fields), json);
    scope_close(scope);
}

TEST(user_data_never_makes_a_name_twice)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct pair pairs[] = { { TEXT("GSW_PHONE"), { .kind = VALUE_TEXT, .text = TEXT("evil") } },
                            { TEXT("Other1"), { .kind = VALUE_TEXT, .text = TEXT("x") } } };
    struct outbound_preview_record record = { .head.has = OUTBOUND_PREVIEW_RECORD_HAS_GSW_PHONE |
                                                          OUTBOUND_PREVIEW_RECORD_HAS_USER_DATA,
                                              .gsw_phone = TEXT("1555"),
                                              .user_data = { pairs, 2 } };
    CHECK_TEXT(written(scope, MSG_OUTBOUND_PREVIEW_RECORD.shape, &record),
               "{\"GSW_PHONE\":\"1555\",\"Other1\":\"x\"}");
    CHECK(record.head.has & OUTBOUND_PREVIEW_RECORD_HAS_USER_DATA); /* it is left as it was */
    record.head.has &= ~OUTBOUND_PREVIEW_RECORD_HAS_USER_DATA;
    CHECK_TEXT(written(scope, MSG_OUTBOUND_PREVIEW_RECORD.shape, &record),
               "{\"GSW_PHONE\":\"1555\"}");
    scope_close(scope);
}

TEST(a_message_without_user_data_passes_over_what_it_does_not_know)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    void *fields;
    struct fault fault = { 0 };
    const struct msg *msg = &MSG_OUTBOUND_RECORD_STATUS_REQUEST;
    CHECK_OK(read(scope, msg, "{\"GSW_RECORD_HANDLE\":7,\"later\":1}", &fields, NULL));
    CHECK_I64(read(scope, msg, "{\"GSW_RECORD_HANDLE\":\"7\"}", &fields, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "GSW_RECORD_HANDLE");
    CHECK_I64(read(scope, msg, "{}", &fields, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "GSW_RECORD_HANDLE");
    scope_close(scope);
}
