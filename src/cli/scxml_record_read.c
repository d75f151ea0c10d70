/* SPDX-License-Identifier: Apache-2.0 */
/* A record's causes, read again. */
#include "cli/scxml_record.h"
#include "format/json.h"

static struct text text_in(const struct kv *object, const char *name)
{
    const struct value *value = kv_find(object, text_of(name));
    return value && value->kind == VALUE_TEXT ? value->text : TEXT("");
}

static uint64_t number_in(const struct kv *object, const char *name)
{
    const struct value *value = kv_find(object, text_of(name));
    return value && value->kind == VALUE_INTEGER && value->integer >= 0 ? (uint64_t)value->integer
                                                                        : 0;
}

/* Sixteen digits, as they were written. */
static uint64_t hex_in(const struct kv *object, const char *name)
{
    struct text text = text_in(object, name);
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        char digit = text.at[i];
        uint64_t value = digit >= 'a' ? (uint64_t)(digit - 'a' + 10) : (uint64_t)(digit - '0');
        number = number << 4 | (value & 15);
    }
    return number;
}

static struct scxml_payload payload_in(const struct kv *object, const char *name)
{
    static const struct {
        const char *name;
        enum scxml_payload_kind kind;
    } kinds[] = { { "json", SCXML_DATA_JSON },
                  { "text", SCXML_DATA_TEXT },
                  { "xml", SCXML_DATA_XML },
                  { "body", SCXML_DATA_BODY } };
    const struct value *value = kv_find(object, text_of(name));
    for (size_t i = 0; value && value->kind == VALUE_KV && i < sizeof kinds / sizeof *kinds; i++)
        if (kv_find(&value->pairs, text_of(kinds[i].name)))
            return (struct scxml_payload){ kinds[i].kind, text_in(&value->pairs, kinds[i].name) };
    return (struct scxml_payload){ 0 };
}

static struct scxml_event event_of(const struct kv *object)
{
    uint64_t type = number_in(object, "type");
    return (struct scxml_event){ .name = text_in(object, "name"),
                                 .type = type <= SCXML_PLATFORM ? (enum scxml_event_type)type
                                                                : SCXML_EXTERNAL,
                                 .send_id = text_in(object, "sendid"),
                                 .origin = text_in(object, "origin"),
                                 .origin_type = text_in(object, "origintype"),
                                 .invoke_id = text_in(object, "invokeid"),
                                 .data = payload_in(object, "data"),
                                 .raw = text_in(object, "raw") };
}

static enum err read_begin(const struct kv *line, struct scxml_cause *out, struct fault *fault)
{
    if (number_in(line, "record") != SCXML_RECORD_VERSION)
        return fault_set(fault, ERR_UNSUPPORTED, "record",
                         "this release reads records of version %d", SCXML_RECORD_VERSION);
    out->kind = SCXML_CAUSE_BEGIN;
    out->head = (struct scxml_record_head){ .document_hash = hex_in(line, "document"),
                                            .seed = hex_in(line, "seed"),
                                            .http_location = text_in(line, "location"),
                                            .http_location_end = text_in(line, "locationend") };
    return ERR_OK;
}

enum err scxml_cause_read(struct text text, struct scope *scope, struct scxml_cause *out,
                          struct fault *fault)
{
    struct kv line;
    enum err err = json_read_kv(text, scope, &line, fault);
    if (err) return err;
    *out = (struct scxml_cause){ .kind = SCXML_CAUSE_NONE, .at_ms = number_in(&line, "at") };
    const struct value *event = kv_find(&line, TEXT("event")),
                       *delivered = kv_find(&line, TEXT("delivered"));
    if (kv_find(&line, TEXT("record"))) return read_begin(&line, out, fault);
    if (event && event->kind == VALUE_KV) {
        out->kind = SCXML_CAUSE_EVENT;
        out->session_id = text_in(&line, "to");
        out->event = event_of(&event->pairs);
    } else if (kv_find(&line, TEXT("http"))) {
        out->kind = SCXML_CAUSE_HTTP;
        out->call = number_in(&line, "http");
        out->is_delivered = delivered && delivered->kind == VALUE_BOOL && delivered->truth;
    } else if (kv_find(&line, TEXT("steps"))) {
        out->kind = SCXML_CAUSE_STEPS;
        out->steps = (uint32_t)number_in(&line, "steps");
    } else if (kv_find(&line, TEXT("session")) == NULL) {
        return fault_set(fault, ERR_INVALID, "line", "this is no line of a record");
    }
    return ERR_OK;
}
