/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_edge.h"

#include "app/message_json.h"
#include "format/msgpack.h"

#include <string.h>

/* What the identifier of a resource is called in the messages. */
static const struct {
    const char *resource, *key;
    bool is_number;
} resources[] = {
    { "records", "GSW_RECORD_HANDLE", true },
    { "lists", "GSW_CALLING_LIST", false },
    { "campaigngroups", "GSW_CAMPAIGN_GROUP_DBID", true },
    { "phones", "GSW_PHONE", false },
    { "customer_ids", "GSW_CUSTOMER_ID", false },
};

/* A resource that cannot exist: 404 with the code that its resource type uses. */
static enum outbound_error nowhere(struct text resource)
{
    return text_eq(resource, TEXT("records")) ? OUTBOUND_INVALID_HANDLE
           : text_eq(resource, TEXT("lists")) ? OUTBOUND_LIST_UNKNOWN
                                              : OUTBOUND_GROUP_UNKNOWN;
}

/* Many pairs are refused before they cost memory. */
static bool read_body(struct text packed, struct scope *scope, struct kv *out,
                      struct refusal *refusal)
{
    struct msgpack_reader reader = msgpack_reader(packed);
    struct fault fault = { 0 };
    if (msgpack_get_map(&reader) > MESSAGE_KEYS_MAX) {
        (void)refuse(refusal, OUTBOUND_BAD_KEY, "the body has more than %d keys", MESSAGE_KEYS_MAX);
        return false;
    }
    if (msgpack_decode_kv(packed, scope, out, &fault) == ERR_OK) return true;
    (void)refuse(refusal, OUTBOUND_BAD_KEY, "the body %s", fault.words);
    return false;
}

/* The identifier of the path, as the pair that it stands for. */
static bool read_identifier(const struct http_question *question, struct scope *scope,
                            struct pair *out, struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        if (!text_eq(question->resource, text_of(resources[i].resource))) continue;
        uint32_t number;
        out->name = text_of(resources[i].key);
        if (!resources[i].is_number) {
            out->value = value_of_text(scope_keep(scope, question->identifier));
            return true;
        }
        if (text_to_u32(question->identifier, 1, UINT32_MAX, &number)) {
            (void)refuse(refusal, nowhere(question->resource), "%s: no %.*s %.*s", resources[i].key,
                         TEXT_ARG(question->resource), TEXT_ARG(question->identifier));
            return false;
        }
        out->value = value_of_i64(number);
        return true;
    }
    (void)refuse(refusal, OUTBOUND_GROUP_UNKNOWN, "no resource type %.*s",
                 TEXT_ARG(question->resource));
    return false;
}

/* The resource's own key and the body's pairs, as one list. */
static bool pairs_of(const struct http_question *question, struct scope *scope, struct kv *pairs,
                     struct refusal *refusal)
{
    struct kv body;
    struct pair own;
    if (!read_body(question->pairs, scope, &body, refusal) ||
        !read_identifier(question, scope, &own, refusal))
        return false;
    *pairs = (struct kv){ .at = scope_alloc_array(scope, body.count + 1, sizeof *pairs->at) };
    pairs->at[pairs->count++] = own;
    for (uint32_t i = 0; i < body.count; i++)
        if (!text_eq(body.at[i].name, own.name)) pairs->at[pairs->count++] = body.at[i];
    return true;
}

const void *http_edge_read(const struct http_question *question, struct scope *scope,
                           struct refusal *refusal)
{
    struct kv pairs;
    if (!pairs_of(question, scope, &pairs, refusal)) return NULL;
    struct fault fault = { 0 };
    void *fields;
    if (message_from_kv(question->msg, &pairs, scope, &fields, &fault)) {
        (void)refuse(refusal, OUTBOUND_BAD_KEY, "%s: %s", fault.field, fault.words);
        return NULL;
    }
    return fields;
}

/* One event: GSW_USER_EVENT, the fields, and the user data flat among them. */
static void put_event(struct json_writer *json, const char *event, const struct shape *shape,
                      const void *fields)
{
    json_begin_object(json);
    json_put_name(json, TEXT("GSW_USER_EVENT"));
    json_put_text(json, text_of(event));
    message_put_members(json, shape, fields);
    json_end_object(json);
}

/* Spec 14.3: an array of ChainedRecord, then ChainedRecordsDataEnd. */
static void put_chained(struct json_writer *json, const struct outbound_chained_records *fields)
{
    json_begin_array(json);
    for (uint32_t i = 0; i < fields->records.count; i++)
        put_event(json, "ChainedRecord",
                  shape_find(MSG_OUTBOUND_CHAINED_RECORDS.shape, TEXT("Records"))->nested,
                  &fields->records.at[i]);
    struct outbound_chained_records end = *fields;
    end.head.has &= ~OUTBOUND_CHAINED_RECORDS_HAS_RECORDS;
    put_event(json, "ChainedRecordsDataEnd", MSG_OUTBOUND_CHAINED_RECORDS.shape, &end);
    json_end_array(json);
}

void http_edge_write(const struct msg *msg, const void *fields, struct buf *out)
{
    struct json_writer json = json_writer(out);
    if (msg == &MSG_OUTBOUND_CHAINED_RECORDS)
        put_chained(&json, fields);
    else
        put_event(&json, msg->name, msg->shape, fields);
}

void http_edge_write_error(const struct refusal *refusal, struct buf *out)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    json_put_name(&json, TEXT("GSW_USER_EVENT"));
    json_put_text(&json, TEXT("Error"));
    json_put_name(&json, TEXT("GSW_ERROR"));
    json_put_i64(&json, refusal->error);
    json_put_name(&json, TEXT("GSW_ERROR_TEXT"));
    json_put_text(&json, text_of(refusal->words));
    json_end_object(&json);
}
