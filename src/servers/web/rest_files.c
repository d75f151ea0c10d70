/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files (framework 3.2): the body, or the answer, is the file. */
#include "servers/web/rest.h"

#include <string.h>

static void on_exported(void *self, const struct link_error *error, const void *fields)
{
    struct rest_call *call = self;
    const struct config_export_done *done = fields;
    if (error)
        rest_refuse_link(call, error);
    else
        rest_answer(call, 200, done->text, 0);
}

void rest_export(struct rest_call *call)
{
    rest_ask_plain(call, on_exported);
}

static void answer_shape(struct rest_call *call, const struct link_error *error,
                         const struct shape *shape, const void *fields)
{
    struct buf out = { 0 };
    if (error) {
        rest_refuse_link(call, error);
        return;
    }
    shape_to_json(&out, shape, fields);
    rest_answer(call, 200, buf_text(&out), 0);
    buf_free(&out);
}

static void on_planned(void *self, const struct link_error *error, const void *fields)
{
    answer_shape(self, error, &SHAPE_CONFIG_PLAN_DONE, fields);
}

static void on_applied(void *self, const struct link_error *error, const void *fields)
{
    answer_shape(self, error, &SHAPE_CONFIG_APPLY_DONE, fields);
}

/* What Plan does not know, it is not asked. */
static void drop_unknown(struct kv *fields, const struct shape *shape)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fields->count; i++)
        if (shape_find(shape, fields->at[i].name)) fields->at[count++] = fields->at[i];
    fields->count = count;
}

void rest_import(struct rest_call *call)
{
    struct http_exchange *exchange = door_back(call->waiting);
    struct kv *fields = &call->question.fields;
    struct text plan = rest_given(&call->question, "plan");
    bool is_plan = false;
    void *ask;
    if (plan.at && text_to_bool(plan, &is_plan)) {
        rest_refuse(call, 400, "BadRequest", TEXT("plan"), TEXT("plan: must be true or false"));
        return;
    }
    const struct msg *msg = is_plan ? &MSG_CONFIG_PLAN : &MSG_CONFIG_APPLY;
    fields->at[fields->count++] = (struct pair){
        TEXT("text"),
        { .kind = VALUE_TEXT, .text = http_exchange_request(exchange)->body },
    };
    drop_unknown(fields, msg->shape);
    if (rest_fields(call, msg, &ask)) rest_ask(call, msg, ask, is_plan ? on_planned : on_applied);
}
