/* SPDX-License-Identifier: Apache-2.0 */
/* A process as JSON: its queues with their views, its workbins, and who runs in it (interaction 4,
 * 5.1). One thing a line, so that two versions compare well. */
#include "format/json.h"
#include "strategy/compile_private.h"

struct writer {
    struct buf out;
    uint32_t depth;
    bool needs_comma;
};

static void new_line(struct writer *writer)
{
    if (writer->needs_comma) buf_add_byte(&writer->out, ',');
    buf_add_byte(&writer->out, '\n');
    for (uint32_t i = 0; i < writer->depth; i++) buf_add_z(&writer->out, "  ");
    writer->needs_comma = true;
}

static void put_text(struct writer *writer, struct text text)
{
    struct json_writer json = json_writer(&writer->out);
    json_put_text(&json, text);
}

static void put_name(struct writer *writer, const char *name)
{
    put_text(writer, text_of(name));
    buf_add_z(&writer->out, ": ");
}

static void open(struct writer *writer, const char *name, char bracket)
{
    new_line(writer);
    if (name != NULL) put_name(writer, name);
    buf_add_byte(&writer->out, bracket);
    writer->depth++;
    writer->needs_comma = false;
}

static void close(struct writer *writer, char bracket)
{
    bool is_empty = !writer->needs_comma;
    writer->depth--;
    writer->needs_comma = false;
    if (!is_empty) new_line(writer);
    buf_add_byte(&writer->out, bracket);
    writer->needs_comma = true;
}

/* Nothing is written for an empty text. */
static void member(struct writer *writer, const char *name, struct text value)
{
    if (value.len == 0) return;
    new_line(writer);
    put_name(writer, name);
    put_text(writer, value);
}

static void number(struct writer *writer, const char *name, int64_t value)
{
    new_line(writer);
    put_name(writer, name);
    buf_add_i64(&writer->out, value);
}

static void put_view(struct writer *writer, const struct view *view)
{
    open(writer, NULL, '{');
    member(writer, "name", view->name.text);
    member(writer, "condition", view->where.text);
    member(writer, "order", view->order.text);
    member(writer, "segmentation", view->segment.text);
    if (view->segment_limit >= 0) number(writer, "limit-per-segment", view->segment_limit);
    if (view->max >= 0) number(writer, "max-submitted", view->max);
    if (view->every_s > 0) number(writer, "check-interval", (int64_t)view->every_s);
    member(writer, "expired-queue", view->expired.text);
    member(writer, "strategy", view->run.text);
    close(writer, '}');
}

static void put_queue(struct writer *writer, const struct queue *queue)
{
    open(writer, NULL, '{');
    member(writer, "name", queue->name.text);
    open(writer, "views", '[');
    for (const struct view *at = queue->views; at != NULL; at = at->next) put_view(writer, at);
    close(writer, ']');
    close(writer, '}');
}

static void put_workbin(struct writer *writer, const struct workbin *workbin)
{
    open(writer, NULL, '{');
    member(writer, "name", workbin->name.text);
    member(writer, "owner", workbin->owner.text);
    member(writer, "order", workbin->order.text);
    close(writer, '}');
}

static void put_strategy(struct writer *writer, struct compiler *compiler,
                         const struct strategy *strategy)
{
    open(writer, NULL, '{');
    member(writer, "name", strategy->name.text);
    if (strategy->media != NULL) {
        open(writer, "media", '[');
        for (const struct named *at = strategy->media; at != NULL; at = at->next) {
            new_line(writer);
            put_text(writer, at->name.text);
        }
        close(writer, ']');
    }
    member(writer, "document", document_name(compiler->work, strategy->name.text, "scxml"));
    close(writer, '}');
}

static bool runs(const struct process *process, const struct strategy *strategy)
{
    for (const struct queue *queue = process->queues; queue != NULL; queue = queue->next)
        for (const struct view *at = queue->views; at != NULL; at = at->next)
            if (text_eq(at->run.text, strategy->name.text)) return true;
    return false;
}

struct text describe_process(struct compiler *compiler, const struct process *process)
{
    struct writer writer = { .depth = 1 };
    buf_add_byte(&writer.out, '{');
    member(&writer, "process", process->name.text);
    open(&writer, "queues", '[');
    for (const struct queue *at = process->queues; at != NULL; at = at->next)
        put_queue(&writer, at);
    close(&writer, ']');
    open(&writer, "workbins", '[');
    for (const struct workbin *at = process->workbins; at != NULL; at = at->next)
        put_workbin(&writer, at);
    close(&writer, ']');
    open(&writer, "strategies", '[');
    for (const struct strategy *at = compiler->program->strategies; at != NULL; at = at->next)
        if (!at->is_subroutine && runs(process, at)) put_strategy(&writer, compiler, at);
    close(&writer, ']');
    buf_add_z(&writer.out, "\n}\n");
    struct text text = scope_keep(compiler->scope, buf_text(&writer.out));
    buf_free(&writer.out);
    return text;
}

struct text document_name(struct scope *scope, struct text name, const char *ending)
{
    struct text file = scope_format(scope, "%.*s.%s", TEXT_ARG(name), ending);
    char *at = scope_alloc(scope, file.len + 1);
    for (size_t i = 0; i < file.len; i++) {
        char c = file.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || (c == '.' && i > 0);
        at[i] = is_plain || ((unsigned char)c & 0x80) ? c : '_';
    }
    return (struct text){ at, file.len };
}

const struct queue *queue_behind(const struct program *program, const struct strategy *strategy)
{
    for (const struct process *process = program->processes; process != NULL;
         process = process->next)
        for (const struct queue *queue = process->queues; queue != NULL; queue = queue->next)
            for (const struct view *at = queue->views; at != NULL; at = at->next)
                if (text_eq(at->run.text, strategy->name.text)) return queue->next;
    return NULL;
}

const struct process *process_of(const struct program *program, const struct strategy *strategy)
{
    for (const struct process *at = program->processes; at != NULL; at = at->next)
        if (runs(at, strategy)) return at;
    return NULL;
}
