/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_send.h"

#include "format/packed_rows.h"

#include <string.h>

enum { DEADLINE_MS = 60000, PAUSE_MS = 200, REJECTS_PAGE = 1000, REJECTS_ROOM = 64 };

struct reject_list {
    struct outbound_import_reject *at;
    uint32_t count, room;
};

struct slice {
    struct list node; /* in send->slices until its turn to be told */
    struct import_send *send;
    struct scope *life;
    struct buf rows;
    struct reject_list rejects; /* the tool's own, then all of it */
    struct outbound_import_rows fields;
    bool is_asked, is_answered;
};

struct reject_page {
    uint64_t after;
    bool has_more;
};

struct import_send {
    struct import_send_setup setup;
    struct scope *life;
    struct link *link; /* NULL: lost */
    uint64_t import_id;
    uint64_t next_sequence, offset; /* of the slice that is filled next */
    struct slice *filling;          /* not in `slices` yet */
    struct list slices;             /* handed over, in order */
    uint32_t slice_count;
    bool is_lost;
    struct fault fault; /* for good */
    struct outbound_import_begun begun;
    struct outbound_import_ended ended;
    struct reject_page page;
};

/* What passes when outbound is back: its process was killed, is slow, or its store waits. */
static bool passes(enum err err)
{
    return err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_UNAVAILABLE ||
           err == ERR_CANCELLED;
}

/* It was killed and is back, or has thrown the import away: it wants to be told of it again. */
static bool has_forgotten(enum err err, struct text field)
{
    return err == ERR_NOT_FOUND && text_eq(field, TEXT("importId"));
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
    void (*on_reply)(struct import_send *send, const void *fields);
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
        question->on_reply(question->send, fields);
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
                             void (*on_reply)(struct import_send *send, const void *fields),
                             struct fault *fault)
{
    struct question question = { .send = send, .fault = fault, .on_reply = on_reply };
    ask(send, msg, fields, on_answer, &question);
    while (!question.is_done) loop_run(send->setup.tool->loop);
    return question.err;
}

/* --- slices --- */

static void tell(struct import_send *send, const struct outbound_import_reject *reject)
{
    send->setup.on_reject(send->setup.self, reject);
}

static void add_reject(struct slice *slice, const struct outbound_import_reject *reject)
{
    struct reject_list *list = &slice->rejects;
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : REJECTS_ROOM;
        struct outbound_import_reject *at = scope_alloc_array(slice->life, room, sizeof *list->at);
        if (list->count) memcpy(at, list->at, list->count * sizeof *at);
        list->at = at;
        list->room = room;
    }
    list->at[list->count++] = (struct outbound_import_reject){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
        .line = reject->line,
        .field = scope_keep(slice->life, reject->field),
        .rule = scope_keep(slice->life, reject->rule),
        .value = scope_keep(slice->life, reject->value),
        .is_loaded = reject->is_loaded,
    };
}

static void slice_drop(void *self)
{
    buf_free(&((struct slice *)self)->rows);
}

/* Answers may overtake each other; the file's order is the slices'. */
static void tell_answered(struct import_send *send)
{
    struct list *node;
    while ((node = list_first(&send->slices)) != NULL) {
        struct slice *slice = LIST_OBJECT(node, struct slice, node);
        if (!slice->is_answered) return;
        for (uint32_t i = 0; i < slice->rejects.count; i++) tell(send, &slice->rejects.at[i]);
        list_remove(&slice->node);
        send->slice_count--;
        scope_close(slice->life);
    }
}

static void take_answer(struct slice *slice, const struct outbound_import_rows_done *done)
{
    slice->is_answered = true;
    slice->rejects = (struct reject_list){ 0 };
    for (uint32_t i = 0; i < done->rejects.count; i++) add_reject(slice, &done->rejects.at[i]);
    tell_answered(slice->send);
}

static void on_slice_done(void *self, const struct link_error *error, const void *fields)
{
    struct slice *slice = self;
    struct import_send *send = slice->send;
    slice->is_asked = false;
    if (error == NULL)
        take_answer(slice, fields);
    else if (passes(error->err) || has_forgotten(error->err, error->field))
        send->is_lost = true;
    else if (!send->fault.err)
        note_error(error, &send->fault);
    loop_stop(send->setup.tool->loop);
}

static void ask_slice(struct slice *slice)
{
    struct outbound_import_rows *fields = &slice->fields;
    slice->is_asked = true;
    fields->head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ROWS);
    fields->import_id = slice->send->import_id;
    fields->rows = slice->rows.len ? buf_text(&slice->rows) : TEXT("");
    fields->rejects.at = slice->rejects.at;
    fields->rejects.count = slice->rejects.count;
    ask(slice->send, &MSG_OUTBOUND_IMPORT_ROWS, fields, on_slice_done, slice);
}

static struct slice *filling(struct import_send *send)
{
    if (send->filling) return send->filling;
    struct scope *life = scope_new(send->life, "import slice", SCOPE_NO_LIMIT);
    struct slice *slice = scope_alloc(life, sizeof *slice);
    *slice = (struct slice){ .send = send, .life = life };
    scope_on_close(life, slice_drop, slice);
    slice->fields.sequence = send->next_sequence++;
    slice->fields.from = send->offset;
    return send->filling = slice;
}

/* --- the connection --- */

static void on_begun(struct import_send *send, const void *fields)
{
    const struct outbound_import_begun *begun = fields;
    send->begun = *begun;
    send->begun.state = text_eq(begun->state, TEXT("ended")) ||
                                text_eq(begun->state, TEXT("undone")) ||
                                text_starts(begun->state, TEXT("being"))
                            ? TEXT("over")
                            : TEXT("");
    send->import_id = begun->import_id;
}

static enum err connect_once(struct import_send *send, struct fault *fault)
{
    const struct import_send_setup *setup = &send->setup;
    enum err err = tool_connect(setup->tool, setup->address, setup->application, setup->wait_ms,
                                &send->link, fault);
    if (err) return err;
    struct outbound_import_begin begin = setup->begin;
    err = ask_and_wait(send, &MSG_OUTBOUND_IMPORT_BEGIN, &begin, on_begun, fault);
    if (err) {
        link_close(send->link);
        send->link = NULL;
    } else {
        send->setup.begin.is_new_run = false; /* from now on it is this one or none */
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
    LIST_EACH (node, &send->slices) {
        struct slice *slice = LIST_OBJECT(node, struct slice, node);
        if (!slice->is_answered) ask_slice(slice);
    }
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

/* --- rejects of an earlier run --- */

static void on_reject_page(struct import_send *send, const void *fields)
{
    const struct outbound_import_rejected *reply = fields;
    for (uint32_t i = 0; i < reply->rejects.count; i++) tell(send, &reply->rejects.at[i]);
    send->page.has_more = reply->more && reply->rejects.count > 0;
    if (reply->rejects.count > 0)
        send->page.after = reply->rejects.at[reply->rejects.count - 1].line;
}

static enum err tell_earlier(struct import_send *send, struct fault *fault)
{
    send->page = (struct reject_page){ .has_more = send->begun.slices > 0 };
    while (send->page.has_more) {
        struct outbound_import_rejects asked = { .head.has =
                                                     SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECTS),
                                                 .import_id = send->import_id,
                                                 .after = send->page.after,
                                                 .limit = REJECTS_PAGE };
        enum err err =
            ask_and_wait(send, &MSG_OUTBOUND_IMPORT_REJECTS, &asked, on_reject_page, fault);
        if (err && !passes(err)) return err;
        if (err && (err = recover(send, fault)) != ERR_OK) return err;
    }
    return ERR_OK;
}

/* --- the door --- */

enum err import_send_begin(const struct import_send_setup *setup, struct import_send **out,
                           struct import_start *start, struct fault *fault)
{
    struct scope *life = scope_new(setup->tool->life, "import", SCOPE_NO_LIMIT);
    struct import_send *send = scope_alloc(life, sizeof *send);
    *send = (struct import_send){ .setup = *setup, .life = life };
    send->setup.begin.is_new_run = true;
    list_init(&send->slices);
    enum err err = connect_again(send, fault);
    if (!err) err = tell_earlier(send, fault);
    if (err) {
        scope_close(life);
        return err;
    }
    send->next_sequence = send->begun.slices + 1;
    send->offset = send->begun.offset;
    if (start)
        *start = (struct import_start){ .slices = send->begun.slices,
                                        .offset = send->begun.offset,
                                        .line = send->begun.line,
                                        .inserted = send->begun.inserted,
                                        .is_over = send->begun.state.len > 0 };
    *out = send;
    return ERR_OK;
}

static bool has_rows(const struct slice *slice, uint32_t count)
{
    return slice->fields.count + slice->rejects.count >= count;
}

enum err import_send_cut(struct import_send *send, struct fault *fault)
{
    bool is_full = send->filling && has_rows(send->filling, IMPORT_SLICE_ROWS);
    return is_full ? hand_over(send, fault) : ERR_OK;
}

void import_send_row(struct import_send *send, uint64_t line)
{
    struct slice *slice = filling(send);
    packed_rows_begin(&slice->rows, line);
    slice->fields.count++;
}

void import_send_cell(struct import_send *send, struct text cell)
{
    packed_rows_add(&send->filling->rows, cell);
}

void import_send_reject(struct import_send *send, uint64_t line, struct text field,
                        struct text rule, struct text value)
{
    struct outbound_import_reject reject = {
        .line = line, .field = field, .rule = rule, .value = value
    };
    add_reject(filling(send), &reject);
}

enum err import_send_end_row(struct import_send *send, uint64_t offset, uint64_t line,
                             struct fault *fault)
{
    struct slice *slice = filling(send);
    send->offset = slice->fields.offset = offset;
    slice->fields.line = line;
    if (!has_rows(slice, IMPORT_SLICE_ROWS + IMPORT_SLICE_MORE) &&
        slice->rows.len < IMPORT_SLICE_BYTES)
        return ERR_OK;
    return hand_over(send, fault);
}

static void on_ended(struct import_send *send, const void *fields)
{
    const struct outbound_import_ended *ended = fields;
    send->ended = *ended;
    send->ended.state = scope_keep(send->life, ended->state);
}

enum err import_send_end(struct import_send *send, struct outbound_import_ended *totals,
                         void (*on_wait)(void *self, const struct outbound_import_ended *so_far),
                         struct fault *fault)
{
    enum err err = hand_over(send, fault);
    if (!err) err = wait_for_room(send, 0, fault);
    while (!err) {
        struct outbound_import_end end = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_END),
                                           .import_id = send->import_id };
        err = ask_and_wait(send, &MSG_OUTBOUND_IMPORT_END, &end, on_ended, fault);
        if (passes(err) || has_forgotten(err, text_of(fault->field))) {
            err = recover(send, fault);
            continue;
        }
        if (err || !text_starts(send->ended.state, TEXT("being"))) break;
        if (on_wait) on_wait(send->setup.self, &send->ended);
        loop_run_for(send->setup.tool->loop, PAUSE_MS);
    }
    if (send->link) link_close(send->link);
    *totals = send->ended;
    return err;
}
