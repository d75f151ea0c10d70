/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/rights.h"

enum right right_to_send(const struct asker *asker, const struct msg *msg)
{
    if (msg == NULL || msg->reply == NULL || msg->access == ACCESS_SERVERS) return RIGHT_UNKNOWN;
    if (msg->access == ACCESS_ADMINISTRATOR && !asker->is_administrator) return RIGHT_FORBIDDEN;
    return RIGHT_GRANTED;
}

enum right right_agent(const struct asker *asker, const struct msg *msg, struct kv *pairs)
{
    const struct text name = TEXT("GSW_AGENT_ID");
    const struct shape_field *field = shape_find(msg->shape, name);
    if (field == NULL || field->kind != FIELD_TEXT) return RIGHT_GRANTED;
    const struct value *given = kv_find(pairs, name);
    if (given && given->kind != VALUE_NULL) {
        bool is_own = given->kind == VALUE_TEXT && text_eq(given->text, asker->employee_id);
        return is_own || asker->is_administrator ? RIGHT_GRANTED : RIGHT_OTHER_AGENT;
    }
    if (asker->is_administrator && !field->is_required) return RIGHT_GRANTED;
    struct value own = { .kind = VALUE_TEXT, .text = asker->employee_id };
    if (given)
        *(struct value *)(uintptr_t)given = own;
    else
        pairs->at[pairs->count++] = (struct pair){ name, own };
    return RIGHT_GRANTED;
}

static const void *member(const struct shape *shape, const void *fields, struct text name,
                          enum field_kind kind)
{
    const struct shape_field *field = shape_find(shape, name);
    const struct shape_head *head = fields;
    if (field == NULL || field->kind != kind || field->is_list) return NULL;
    if (!(head->has & (UINT64_C(1) << (field - shape->fields)))) return NULL;
    return (const char *)fields + field->offset;
}

struct audience_of audience_of(const struct shape *shape, const void *fields)
{
    const struct text *agent = member(shape, fields, TEXT("GSW_AGENT_ID"), FIELD_TEXT);
    if (agent && agent->len)
        return (struct audience_of){ .kind = AUDIENCE_AGENT, .agent_id = *agent };
    const uint32_t *group = member(shape, fields, TEXT("GSW_GROUP_DBID"), FIELD_U32);
    if (group && *group)
        return (struct audience_of){ .kind = AUDIENCE_GROUP, .group_dbid = *group };
    return (struct audience_of){ .kind = AUDIENCE_ADMINISTRATORS };
}
