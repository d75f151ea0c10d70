/* SPDX-License-Identifier: Apache-2.0 */
/* What <send>, <invoke> and <donedata> carry, evaluated. */
#include "scxml/step_private.h"

#include "base/table.h"
#include "format/json.h"

bool scxml_text_of(struct scxml_run *run, struct text literal, scxml_expression_id expr,
                   struct text send_id, struct scxml_place place, struct text *out)
{
    struct fault fault = { 0 };
    *out = literal;
    if (expr == SCXML_NONE) return true;
    enum scxml_verdict verdict =
        run->datamodel->string(run->session->variables, expr, run->effects->scope, out, &fault);
    return scxml_succeeded(run, verdict, &fault, send_id, place);
}

static bool value_of(struct scxml_run *run, scxml_expression_id expr, struct text send_id,
                     struct scxml_place place, struct scxml_payload *out)
{
    struct fault fault = { 0 };
    enum scxml_verdict verdict =
        run->datamodel->value(run->session->variables, expr, run->effects->scope, out, &fault);
    return scxml_succeeded(run, verdict, &fault, send_id, place);
}

struct text scxml_fresh_id(struct scxml_run *run, struct text prefix)
{
    return scope_format(run->effects->scope, "%.*s.%llu", TEXT_ARG(prefix),
                        (unsigned long long)++run->session->last_id);
}

bool scxml_store_text(struct scxml_run *run, scxml_expression_id location, struct text text,
                      struct scxml_place place)
{
    struct fault fault = { 0 };
    const struct scxml_payload value = { SCXML_DATA_TEXT, text };
    enum scxml_verdict verdict =
        run->datamodel->assign_payload(run->session->variables, location, &value, &fault);
    return scxml_succeeded(run, verdict, &fault, text, place);
}

/* --- pairs as one object ---------------------------------------------------------------------- */

struct name_group { /* of pairs with one name */
    const struct scxml_pair *first;
    struct group_member *members, **end;
    struct name_group *next;
    uint32_t count;
};

struct group_member {
    const struct scxml_payload *value;
    struct group_member *next;
};

static struct name_group *group_pairs(const struct scxml_pair *pairs, struct scope *scope)
{
    struct table *names = table_new(scope);
    struct name_group *first = NULL, **end = &first;
    for (; pairs; pairs = pairs->next) {
        struct name_group *group = table_get(names, pairs->name);
        if (group == NULL) {
            group = scope_alloc(scope, sizeof *group);
            group->first = pairs;
            group->end = &group->members;
            *end = group;
            end = &group->next;
            table_put(names, pairs->name, group);
        }
        struct group_member *member = scope_alloc(scope, sizeof *member);
        member->value = &pairs->value;
        *group->end = member;
        group->end = &member->next;
        group->count++;
    }
    return first;
}

static void put_payload(struct json_writer *json, const struct scxml_payload *value)
{
    if (value->kind == SCXML_DATA_NONE)
        json_put_null(json);
    else if (value->kind == SCXML_DATA_JSON)
        json_put_raw(json, value->text);
    else
        json_put_text(json, value->text);
}

static void put_group(struct json_writer *json, const struct name_group *group)
{
    if (group->count == 1 && group->members->value->kind == SCXML_DATA_NONE) return; /* undefined */
    json_put_name(json, group->first->name);
    if (group->count > 1) json_begin_array(json);
    for (const struct group_member *member = group->members; member; member = member->next)
        put_payload(json, member->value);
    if (group->count > 1) json_end_array(json);
}

/* Repeated names become an array (orchestration 3.3). */
static struct scxml_payload object_of(struct scxml_run *run, const struct scxml_pair *pairs)
{
    struct scope *scratch = scope_new(NULL, "scxml pairs", SCOPE_NO_LIMIT);
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    for (const struct name_group *group = group_pairs(pairs, scratch); group; group = group->next)
        put_group(&json, group);
    json_end_object(&json);
    struct text text = scope_keep(run->effects->scope, buf_text(&out));
    buf_free(&out);
    scope_close(scratch);
    return (struct scxml_payload){ SCXML_DATA_JSON, text };
}

/* --- cargo ------------------------------------------------------------------------------------ */

static bool evaluate_pairs(struct scxml_run *run, const struct scxml_param *params,
                           struct text send_id, const struct scxml_pair **out)
{
    const struct scxml_pair **end = out;
    for (; params; params = params->next) {
        struct scxml_payload value = { 0 };
        if (!scxml_may_go_on(run)) return false;
        if (!value_of(run, params->expr, send_id, params->place, &value)) {
            if (params->is_of_namelist || scxml_is_over(run)) return false;
            continue;
        }
        struct scxml_pair *pair = scope_alloc(run->effects->scope, sizeof *pair);
        *pair = (struct scxml_pair){ .name = params->name, .value = value };
        *end = pair;
        end = &pair->next;
    }
    return true;
}

static void evaluate_content(struct scxml_run *run, const struct scxml_content *content,
                             struct text send_id, struct scxml_loaded *out)
{
    out->has_content = true;
    out->data = content->body;
    if (content->expr == SCXML_NONE) return;
    struct scxml_payload value = { 0 };
    if (value_of(run, content->expr, send_id, content->place, &value)) out->data = value;
}

bool scxml_evaluate_cargo(struct scxml_run *run, const struct scxml_cargo *cargo,
                          struct text send_id, struct scxml_loaded *out)
{
    *out = (struct scxml_loaded){ 0 };
    if (!evaluate_pairs(run, cargo->params, send_id, &out->pairs)) return false;
    if (cargo->content) /* of an <invoke>: both */
        evaluate_content(run, cargo->content, send_id, out);
    else if (out->pairs)
        out->data = object_of(run, out->pairs);
    return !scxml_is_over(run);
}
