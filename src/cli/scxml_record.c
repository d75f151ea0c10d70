/* SPDX-License-Identifier: Apache-2.0 */
/* Every line goes through end_line(): to the file, or against the line that stands there. */
#include "cli/scxml_record.h"

#include "format/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct scxml_record {
    FILE *file; /* NULL: comparing */
    struct buf line;
    struct json_writer json;
    struct text rest; /* not compared yet */
    uint64_t compared, difference;
    struct text now; /* of the difference */
    struct scope *scope;
};

/* --- lines ----------------------------------------------------------------------------------- */

static void close_record(void *self)
{
    struct scxml_record *record = self;
    if (record->file && fclose(record->file) != 0)
        fprintf(stderr, "carillon scxml: the record was not written: %s\n", strerror(errno));
    buf_free(&record->line);
}

static struct scxml_record *record_new(struct scope *owner)
{
    struct scxml_record *record = scope_alloc(owner, sizeof *record);
    record->scope = owner;
    scope_on_close(owner, close_record, record);
    return record;
}

enum err scxml_record_new(struct scope *owner, const char *path, struct scxml_record **out,
                          struct fault *fault)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL) return fault_set(fault, ERR_IO, "file", "%s: %s", path, strerror(errno));
    *out = record_new(owner);
    (*out)->file = file;
    return ERR_OK;
}

struct scxml_record *scxml_record_compare(struct scope *owner, struct text recorded)
{
    struct scxml_record *record = record_new(owner);
    record->rest = recorded;
    return record;
}

static struct json_writer *begin_line(struct scxml_record *record)
{
    buf_clear(&record->line);
    record->json = json_writer(&record->line);
    json_begin_object(&record->json);
    return &record->json;
}

static struct json_writer *begin_at(struct scxml_record *record, uint64_t now_ms)
{
    struct json_writer *json = begin_line(record);
    json_put_name(json, TEXT("at"));
    json_put_u64(json, now_ms);
    return json;
}

static void compare(struct scxml_record *record, struct text line)
{
    struct text wanted = record->rest;
    if (record->difference) return;
    record->compared++;
    if (!text_cut(record->rest, '\n', &wanted, &record->rest)) record->rest = (struct text){ 0 };
    if (text_eq(line, wanted)) return;
    record->difference = record->compared;
    record->now = scope_keep(record->scope, line);
}

static void end_line(struct scxml_record *record)
{
    json_end_object(&record->json);
    struct text line = buf_text(&record->line);
    if (record->file == NULL) {
        compare(record, line);
        return;
    }
    (void)fwrite(line.at, 1, line.len, record->file);
    (void)fputc('\n', record->file);
}

uint64_t scxml_record_difference(const struct scxml_record *record, struct text *now)
{
    *now = record->now;
    return record->difference;
}

/* --- parts ----------------------------------------------------------------------------------- */

static void put_text(struct json_writer *json, const char *name, struct text text)
{
    if (text.len == 0) return;
    json_put_name(json, text_of(name));
    json_put_text(json, text);
}

static void put_number(struct json_writer *json, const char *name, uint64_t number)
{
    json_put_name(json, text_of(name));
    json_put_u64(json, number);
}

/* Wider than JSON's readers like numbers. */
static void put_hex(struct json_writer *json, const char *name, uint64_t number)
{
    char hex[17];
    (void)snprintf(hex, sizeof hex, "%016" PRIx64, number);
    put_text(json, name, text_of(hex));
}

static void put_payload(struct json_writer *json, const char *name,
                        const struct scxml_payload *payload)
{
    static const char *const kinds[] = { "none", "json", "text", "xml", "body" };
    if (payload->kind == SCXML_DATA_NONE) return;
    json_put_name(json, text_of(name));
    json_begin_object(json);
    json_put_name(json, text_of(kinds[payload->kind]));
    json_put_text(json, payload->text);
    json_end_object(json);
}

static void put_event(struct json_writer *json, const struct scxml_event *event)
{
    json_put_name(json, TEXT("event"));
    json_begin_object(json);
    put_text(json, "name", event->name);
    put_number(json, "type", event->type);
    put_text(json, "sendid", event->send_id);
    put_text(json, "origin", event->origin);
    put_text(json, "origintype", event->origin_type);
    put_text(json, "invokeid", event->invoke_id);
    put_payload(json, "data", &event->data);
    put_text(json, "raw", event->raw);
    json_end_object(json);
}

static void put_pairs(struct json_writer *json, const char *name, const struct scxml_pair *pairs)
{
    if (pairs == NULL) return;
    json_put_name(json, text_of(name));
    json_begin_array(json);
    for (; pairs; pairs = pairs->next) {
        json_begin_object(json);
        put_text(json, "name", pairs->name);
        put_payload(json, "value", &pairs->value);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_module_calls(struct json_writer *json, const struct scxml_module_call *call)
{
    json_put_name(json, TEXT("module"));
    json_begin_array(json);
    for (; call; call = call->next) {
        json_begin_object(json);
        put_text(json, "module", call->module);
        put_text(json, "name", call->name);
        put_text(json, "requestid", call->request_id);
        put_pairs(json, "attributes", call->attributes);
        put_pairs(json, "params", call->params);
        put_payload(json, "content", &call->content);
        if (call->children) put_module_calls(json, call->children);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_effect(struct json_writer *json, const struct scxml_effect *effect)
{
    static const char *const names[] = { "send", "invoke", "uninvoke", "forward",
                                         "log",  "module", "end" };
    json_begin_object(json);
    put_text(json, "do", text_of(names[effect->kind]));
    switch (effect->kind) {
    case SCXML_DO_SEND:
        put_text(json, "target", effect->send.target);
        put_text(json, "type", effect->send.type);
        put_event(json, &effect->send.event);
        put_pairs(json, "pairs", effect->send.pairs);
        break;
    case SCXML_DO_INVOKE:
        put_text(json, "id", effect->invoke.id);
        put_text(json, "type", effect->invoke.type);
        put_text(json, "src", effect->invoke.src);
        put_payload(json, "content", &effect->invoke.content);
        put_pairs(json, "pairs", effect->invoke.pairs);
        break;
    case SCXML_DO_UNINVOKE: put_text(json, "id", effect->uninvoke_id); break;
    case SCXML_DO_FORWARD:
        put_text(json, "id", effect->forward.invoke_id);
        put_event(json, &effect->forward.event);
        break;
    case SCXML_DO_LOG:
        put_text(json, "label", effect->log.label);
        put_text(json, "words", effect->log.words);
        break;
    case SCXML_DO_MODULE: put_module_calls(json, effect->module); break;
    case SCXML_DO_END:
        put_text(json, "final", effect->end.final);
        put_payload(json, "data", &effect->end.data);
        put_text(json, "reason", effect->end.reason);
        break;
    }
    json_end_object(json);
}

/* --- causes and outcomes --------------------------------------------------------------------- */

void scxml_record_begin(struct scxml_record *record, const struct scxml_record_head *head)
{
    struct json_writer *json = begin_line(record);
    put_number(json, "record", SCXML_RECORD_VERSION);
    put_hex(json, "document", head->document_hash);
    put_hex(json, "seed", head->seed);
    put_text(json, "location", head->http_location);
    put_text(json, "locationend", head->http_location_end);
    end_line(record);
}

void scxml_record_event(struct scxml_record *record, uint64_t now_ms, struct text session_id,
                        const struct scxml_event *event)
{
    struct json_writer *json = begin_at(record, now_ms);
    put_text(json, "to", session_id);
    put_event(json, event);
    end_line(record);
}

void scxml_record_http(struct scxml_record *record, uint64_t now_ms, uint64_t call,
                       bool is_delivered)
{
    struct json_writer *json = begin_at(record, now_ms);
    put_number(json, "http", call);
    json_put_name(json, TEXT("delivered"));
    json_put_bool(json, is_delivered);
    end_line(record);
}

void scxml_record_run(struct scxml_record *record, uint64_t now_ms, uint32_t steps)
{
    put_number(begin_at(record, now_ms), "steps", steps);
    end_line(record);
}

void scxml_record_step(struct scxml_record *record, const struct scxml_session *session,
                       const struct scxml_effects *effects)
{
    uint32_t count = scxml_configuration(session, NULL, 0);
    struct scope *scope = scope_new(NULL, "configuration", SCOPE_NO_LIMIT);
    uint32_t *states = scope_alloc_array(scope, count + 1, sizeof *states);
    (void)scxml_configuration(session, states, count);
    struct json_writer *json = begin_line(record);
    put_text(json, "session", scxml_session_id(session));
    json_put_name(json, TEXT("configuration"));
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) json_put_u64(json, states[i]);
    json_end_array(json);
    json_put_name(json, TEXT("effects"));
    json_begin_array(json);
    for (const struct scxml_effect *effect = effects->first; effect; effect = effect->next)
        put_effect(json, effect);
    json_end_array(json);
    end_line(record);
    scope_close(scope);
}
