/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_send.h"

#include <string.h>

enum { DEADLINE_MS = 60000, PAUSE_MS = 200 };

struct slice {
    struct list node; /* in send->slices until it is answered */
    struct import_send *send;
    struct scope *life;
    struct outbound_import_slice fields;
    size_t bytes;
    bool is_asked;
};

struct import_send {
    struct import_send_setup setup;
    struct scope *life;
    struct link *link; /* NULL: lost */
    struct outbound_import_begun begun;
    uint64_t known; /* slices durable before this run */
    uint64_t next_sequence, inserted;
    struct slice *filling; /* not in `slices` yet */
    struct list slices;    /* handed over, not answered, in order */
    uint32_t slice_count;
    bool is_lost;
    struct fault fault; /* for good */
};

/* What passes when outbound is back: its process was killed, is slow, or its store waits. */
static bool passes(enum err err)
{
    return err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_UNAVAILABLE ||
           err == ERR_CANCELLED;
}

static void note_error(const struct link_error *error, struct fault *fault)
{
    struct text words = error->text.len ? error->text : text_of(err_words(error->err));
    char field[64];
    if (text_to_z(text_slice(error->field, 0, sizeof field - 1), field, sizeof field))
        field[0] = '\0';
    (void)fault_set(fault, error->err, field, "%.*s", TEXT_ARG(words));
}

/* --- one question, one answer --- */

struct question {
    struct import_send *send;
    struct fault *fault;
    void *reply; /* of `size` bytes, without what it refers to */
    size_t size;
    bool is_done;
    enum err err;
};

static void on_answer(void *self, const struct link_error *error, const void *fields)
{
    struct question *question = self;
    question->is_done = true;
    if (error) {
        note_error(error, question->fault);
        question->err = error->err;
    } else {
        memcpy(question->reply, fields, question->size);
    }
    loop_stop(question->send->setup.tool->loop);
}

static void ask(struct import_send *send, const struct msg *msg, const void *fields,
                void (*on_reply)(void *self, const struct link_error *error, const void *fields),
                void *self)
{
    struct link_header header = { .tenant = send->setup.tenant };
    link_ask(send->link, msg, fields, &header, DEADLINE_MS, on_reply, self);
}

static enum err ask_and_wait(struct import_send *send, const struct msg *msg, const void *fields,
                             void *reply, struct fault *fault)
{
    struct question question = {
        .send = send, .fault = fault, .reply = reply, .size = msg->reply->shape->size
    };
    ask(send, msg, fields, on_answer, &question);
    while (!question.is_done) loop_run(send->setup.tool->loop);
    return question.err;
}

/* --- slices --- */

static void take_answer(struct slice *slice, const struct outbound_import_slice_done *done)
{
    struct import_send *send = slice->send;
    for (uint32_t i = 0; i < done->rejects.count; i++) {
        const struct outbound_import_reject *reject = &done->rejects.at[i];
        send->setup.on_reject(send->setup.self, reject->line, reject->field, reject->rule,
                              reject->value);
    }
    if (slice->fields.sequence > send->known) send->inserted += done->inserted;
    list_remove(&slice->node);
    send->slice_count--;
    scope_close(slice->life);
}

static void on_slice_done(void *self, const struct link_error *error, const void *fields)
{
    struct slice *slice = self;
    struct import_send *send = slice->send;
    slice->is_asked = false;
    if (error == NULL)
        take_answer(slice, fields);
    else if (passes(error->err) || text_eq(error->field, TEXT("importId")))
        send->is_lost = true; /* killed and back, it wants to be told of the import again */
    else if (!send->fault.err)
        note_error(error, &send->fault);
    loop_stop(send->setup.tool->loop);
}

static void ask_slice(struct slice *slice)
{
    slice->is_asked = true;
    slice->fields.import_id = slice->send->begun.import_id;
    ask(slice->send, &MSG_OUTBOUND_IMPORT_SLICE, &slice->fields, on_slice_done, slice);
}

static struct slice *slice_new(struct import_send *send)
{
    struct scope *life = scope_new(send->life, "import slice", SCOPE_NO_LIMIT);
    struct slice *slice = scope_alloc(life, sizeof *slice);
    *slice = (struct slice){ .send = send, .life = life };
    slice->fields.head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_SLICE);
    slice->fields.sequence = send->next_sequence++;
    slice->fields.rows.at =
        scope_alloc_array(life, IMPORT_SLICE_ROWS, sizeof *slice->fields.rows.at);
    return slice;
}

/* --- the connection --- */

static enum err connect_once(struct import_send *send, struct fault *fault)
{
    const struct import_send_setup *setup = &send->setup;
    enum err err = tool_connect(setup->tool, setup->address, setup->application, setup->wait_ms,
                                &send->link, fault);
    if (err) return err;
    struct outbound_import_begin begin = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_BEGIN),
        .key = setup->key,
        .list = setup->list,
        .columns = { (struct text *)setup->columns, setup->column_count },
        .file_name = setup->file_name,
        .total_bytes = setup->total_bytes,
    };
    err = ask_and_wait(send, &MSG_OUTBOUND_IMPORT_BEGIN, &begin, &send->begun, fault);
    if (err) {
        link_close(send->link);
        send->link = NULL;
    }
    return err;
}

static enum err connect_again(struct import_send *send, struct fault *fault)
{
    struct loop *loop = send->setup.tool->loop;
    uint64_t end_ms = loop_now_mono_ms(loop) + send->setup.wait_ms;
    enum err err;
    while ((err = connect_once(send, fault)) != ERR_OK) {
        if (!passes(err) || loop_now_mono_ms(loop) >= end_ms) return err;
        loop_run_for(loop, PAUSE_MS);
    }
    return ERR_OK;
}

static bool is_asked(const struct import_send *send)
{
    LIST_EACH (node, &send->slices)
        if (LIST_OBJECT(node, struct slice, node)->is_asked) return true;
    return false;
}

/* The link went, or outbound forgot us: what is not answered is asked again, in order. */
static enum err recover(struct import_send *send, struct fault *fault)
{
    struct loop *loop = send->setup.tool->loop;
    if (send->link) link_close(send->link);
    send->link = NULL;
    while (is_asked(send)) loop_run_for(loop, 1);
    send->is_lost = false;
    enum err err = connect_again(send, fault);
    if (err) return err;
    LIST_EACH (node, &send->slices) ask_slice(LIST_OBJECT(node, struct slice, node));
    return ERR_OK;
}

/* Until at most `count` slices wait for their answer. */
static enum err wait_for_room(struct import_send *send, uint32_t count, struct fault *fault)
{
    while (send->slice_count > count) {
        if (send->fault.err) break;
        if (send->is_lost) {
            enum err err = recover(send, fault);
            if (err) return err;
        } else {
            loop_run(send->setup.tool->loop);
        }
    }
    if (send->fault.err) *fault = send->fault;
    return send->fault.err;
}

static enum err hand_over(struct import_send *send, struct fault *fault)
{
    struct slice *slice = send->filling;
    if (slice == NULL) return ERR_OK;
    enum err err = wait_for_room(send, IMPORT_WINDOW - 1, fault);
    if (err) return err;
    send->filling = NULL;
    list_add_last(&send->slices, &slice->node);
    send->slice_count++;
    if (!send->is_lost) ask_slice(slice);
    return ERR_OK;
}

/* --- the door --- */

enum err import_send_begin(const struct import_send_setup *setup, struct import_send **out,
                           struct fault *fault)
{
    struct scope *life = scope_new(setup->tool->life, "import", SCOPE_NO_LIMIT);
    struct import_send *send = scope_alloc(life, sizeof *send);
    *send = (struct import_send){ .setup = *setup, .life = life, .next_sequence = 1 };
    list_init(&send->slices);
    enum err err = connect_again(send, fault);
    if (err) {
        scope_close(life);
        return err;
    }
    send->known = send->begun.slices;
    *out = send;
    return ERR_OK;
}

bool import_send_goes_on(const struct import_send *send)
{
    return send->known > 0;
}

uint64_t import_send_inserted(const struct import_send *send)
{
    return send->inserted;
}

enum err import_send_row(struct import_send *send, uint64_t line, const struct text *cells,
                         struct fault *fault)
{
    if (send->filling == NULL) send->filling = slice_new(send);
    struct slice *slice = send->filling;
    struct outbound_import_row *row = &slice->fields.rows.at[slice->fields.rows.count++];
    uint32_t count = send->setup.column_count;
    *row = (struct outbound_import_row){ .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ROW),
                                         .line = line };
    row->cells.at = scope_alloc_array(slice->life, count, sizeof *row->cells.at);
    row->cells.count = count;
    for (uint32_t i = 0; i < count; i++) {
        row->cells.at[i] = scope_keep(slice->life, cells[i]);
        slice->bytes += cells[i].len;
    }
    if (slice->fields.rows.count < IMPORT_SLICE_ROWS && slice->bytes < IMPORT_SLICE_BYTES)
        return ERR_OK;
    return hand_over(send, fault);
}

enum err import_send_end(struct import_send *send, struct outbound_import_ended *totals,
                         struct fault *fault)
{
    enum err err = hand_over(send, fault);
    if (!err) err = wait_for_room(send, 0, fault);
    while (!err) {
        struct outbound_import_end end = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_END),
                                           .import_id = send->begun.import_id };
        err = ask_and_wait(send, &MSG_OUTBOUND_IMPORT_END, &end, totals, fault);
        if (!passes(err)) break;
        err = recover(send, fault);
    }
    if (send->link) link_close(send->link);
    return err;
}
