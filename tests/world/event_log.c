/* SPDX-License-Identifier: Apache-2.0 */
/* One table of fields serves writing and reading. */
#include "tests/world/event_log.h"

#include "format/json.h"

enum form { FORM_NUMBER, FORM_TEXT, FORM_TRUTH };

struct form_field {
    struct text name;
    enum form form;
    size_t offset;
};

/* A literal as a constant: no compound literal in a static table. */
#define WORD(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define FIELD(form, member)                                                                        \
    {                                                                                              \
        WORD(#member), form, offsetof(struct event, member)                                        \
    }

static const struct form_field fields[] = {
    FIELD(FORM_NUMBER, request),    FIELD(FORM_TEXT, agent),     FIELD(FORM_TEXT, list),
    FIELD(FORM_NUMBER, chain),      FIELD(FORM_NUMBER, handle),  FIELD(FORM_TEXT, phone),
    FIELD(FORM_TEXT, guid),         FIELD(FORM_TEXT, message),   FIELD(FORM_TEXT, digest),
    FIELD(FORM_TEXT, who),          FIELD(FORM_TEXT, name),      FIELD(FORM_TEXT, value),
    FIELD(FORM_NUMBER, result),     FIELD(FORM_NUMBER, status),  FIELD(FORM_NUMBER, code),
    FIELD(FORM_NUMBER, revision),   FIELD(FORM_NUMBER, since),   FIELD(FORM_NUMBER, until),
    FIELD(FORM_NUMBER, published),  FIELD(FORM_NUMBER, counted), FIELD(FORM_TRUTH, is_settled),
    FIELD(FORM_TRUTH, is_unloaded),
};

static const struct text kind_names[] = {
#define X(name, word) WORD(word),
    EVENT_KIND_LIST(X)
#undef X
};

static const struct text ask_names[] = {
#define X(name, word) WORD(word),
    EVENT_ASK_LIST(X)
#undef X
};

static const struct text then_names[] = {
#define X(name, word) WORD(word),
    EVENT_THEN_LIST(X)
#undef X
};

struct text event_kind_name(enum event_kind kind)
{
    return kind_names[kind];
}

struct text event_ask_name(enum event_ask ask)
{
    return ask_names[ask];
}

/* --- writing --- */

static void write_field(struct json_writer *json, const struct form_field *field,
                        const struct event *event)
{
    const void *member = (const char *)event + field->offset;
    if (field->form == FORM_TEXT) {
        const struct text *text = member;
        if (text->at == NULL) return;
        json_put_name(json, field->name);
        json_put_text(json, *text);
    } else if (field->form == FORM_NUMBER) {
        const uint64_t *number = member;
        if (*number == 0) return;
        json_put_name(json, field->name);
        json_put_u64(json, *number);
    } else {
        const bool *truth = member;
        if (!*truth) return;
        json_put_name(json, field->name);
        json_put_bool(json, true);
    }
}

void event_write(const struct event *event, struct buf *out)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    json_put_name(&json, TEXT("event"));
    json_put_text(&json, kind_names[event->kind]);
    json_put_name(&json, TEXT("at"));
    json_put_u64(&json, event->at_ms);
    if (event->kind == EVENT_ASKED) {
        json_put_name(&json, TEXT("ask"));
        json_put_text(&json, ask_names[event->ask]);
        if (event->then != THEN_FINAL) {
            json_put_name(&json, TEXT("then"));
            json_put_text(&json, then_names[event->then]);
        }
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        write_field(&json, &fields[i], event);
    json_end_object(&json);
    buf_add_byte(out, '\n');
}

/* --- reading --- */

static enum err wrong(struct fault *fault, struct text name, const char *words)
{
    char field[sizeof fault->field];
    if (text_to_z(text_slice(name, 0, sizeof field - 1), field, sizeof field)) field[0] = '\0';
    return fault_set(fault, ERR_INVALID, field, "%s", words);
}

static enum err read_word(const struct pair *pair, const struct text *words, size_t count, int *out,
                          struct fault *fault)
{
    if (pair->value.kind == VALUE_TEXT)
        for (size_t i = 0; i < count; i++) {
            if (!text_eq(pair->value.text, words[i])) continue;
            *out = (int)i;
            return ERR_OK;
        }
    return wrong(fault, pair->name, "is none of its words");
}

static enum err read_number(const struct pair *pair, uint64_t *out, struct fault *fault)
{
    if (pair->value.kind != VALUE_INTEGER || pair->value.integer < 0)
        return wrong(fault, pair->name, "is no number from 0 on");
    *out = (uint64_t)pair->value.integer;
    return ERR_OK;
}

static enum err read_field(const struct pair *pair, struct event *event, struct fault *fault)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!text_eq(fields[i].name, pair->name)) continue;
        void *member = (char *)event + fields[i].offset;
        if (fields[i].form == FORM_NUMBER) return read_number(pair, member, fault);
        if (fields[i].form == FORM_TEXT) {
            if (pair->value.kind != VALUE_TEXT) return wrong(fault, pair->name, "is no text");
            *(struct text *)member = pair->value.text;
            return ERR_OK;
        }
        if (pair->value.kind != VALUE_BOOL) return wrong(fault, pair->name, "is no truth");
        *(bool *)member = pair->value.truth;
        return ERR_OK;
    }
    return wrong(fault, pair->name, "is not known");
}

enum err event_read(struct text line, struct scope *scope, struct event *out, struct fault *fault)
{
    struct kv kv;
    struct event event = { 0 };
    enum err err = json_read_kv(line, scope, &kv, fault);
    bool has_kind = false;
    bool has_ask = false;
    for (uint32_t i = 0; !err && i < kv.count; i++) {
        const struct pair *pair = &kv.at[i];
        int word = 0;
        if (text_eq(pair->name, TEXT("event"))) {
            err = read_word(pair, kind_names, EVENT_KINDS, &word, fault);
            event.kind = (enum event_kind)word;
            has_kind = true;
        } else if (text_eq(pair->name, TEXT("ask"))) {
            err = read_word(pair, ask_names, ASKS, &word, fault);
            event.ask = (enum event_ask)word;
            has_ask = true;
        } else if (text_eq(pair->name, TEXT("then"))) {
            err = read_word(pair, then_names, THENS, &word, fault);
            event.then = (enum event_then)word;
        } else if (text_eq(pair->name, TEXT("at"))) {
            err = read_number(pair, &event.at_ms, fault);
        } else {
            err = read_field(pair, &event, fault);
        }
    }
    if (err) return err;
    if (!has_kind) return wrong(fault, TEXT("event"), "is missing");
    if (has_ask != (event.kind == EVENT_ASKED))
        return wrong(fault, TEXT("ask"), "belongs to \"asked\", and only there");
    *out = event;
    return ERR_OK;
}
