/* SPDX-License-Identifier: Apache-2.0 */
/* Statements that ask the platform for something and wait for its answer. */
#include "strategy/compile_private.h"
#include "strategy/words.h"

void emit_changes(struct compiler *compiler)
{
    USE(compiler, WRITTEN);
    emit_open(&compiler->xml, "if", ATTRIBUTES({ "cond", TEXT("run.pending") }));
    emit_empty(&compiler->xml, "ixn:updatedata",
               ATTRIBUTES({ "requestid", TEXT("run.write") },
                          { "interactionid", TEXT("ixn.InteractionId") },
                          { "udata", TEXT("run.changed") }, { "deleted", TEXT("run.deleted") },
                          { "properties", TEXT("run.properties") }));
    emit_script(compiler, TEXT("written()"));
    emit_close(&compiler->xml, "if");
}

static void emit_assign(struct compiler *compiler, const char *location, struct text value)
{
    emit_empty(&compiler->xml, "assign",
               ATTRIBUTES({ "location", text_of(location) }, { "expr", value }));
}

static void emit_assign_name(struct compiler *compiler, const struct named *name, struct text value)
{
    if (name == NULL) return;
    emit_assign(compiler, scope_format(compiler->work, "my.%.*s", TEXT_ARG(name->name.text)).at,
                value);
}

static void emit_param(struct compiler *compiler, const char *name, struct text value)
{
    emit_empty(&compiler->xml, "param", ATTRIBUTES({ "name", text_of(name) }, { "expr", value }));
}

/* --- external services --- */

static struct text fields(struct compiler *compiler, const struct statement *statement)
{
    struct text pairs = compile_pairs(compiler, statement->pairs);
    struct text response = compile_text(compiler, statement->name.text);
    return scope_format(compiler->work, "{ StandardResponseId: %.*s, FieldCodes: %.*s }",
                        TEXT_ARG(response), TEXT_ARG(pairs));
}

static struct text transcript(struct compiler *compiler, const struct statement *statement)
{
    struct text to = compile_value(compiler, statement->value, TYPE_TEXT);
    struct text response = compile_text(compiler, statement->name.text);
    const struct queue *queue = queue_behind(compiler->program, compiler->strategy);
    struct text where = queue == NULL
                            ? TEXT("")
                            : scope_format(compiler->work, ", Queue: %.*s",
                                           TEXT_ARG(compile_text(compiler, queue->name.text)));
    return scope_format(compiler->work,
                        "{ To: %.*s, StandardResponseId: %.*s, ChatInteractionId: "
                        "ixn.InteractionId%.*s }",
                        TEXT_ARG(to), TEXT_ARG(response), TEXT_ARG(where));
}

static struct text classification(struct compiler *compiler, const struct statement *statement)
{
    struct text category = compile_text(compiler, statement->name.text);
    struct text model = compile_text(compiler, statement->service.text);
    return scope_format(compiler->work, "{ RootCategory: %.*s%s%.*s, Threshold: %lld }",
                        TEXT_ARG(category), statement->service.text.len ? ", Model: " : "",
                        statement->service.text.len ? (int)model.len : 0, model.at,
                        (long long)statement->number);
}

struct request {
    struct text service, method, parameters;
};

static struct request request_of(struct compiler *compiler, const struct statement *statement)
{
    struct text name = compile_text(compiler, statement->name.text);
    switch (statement->kind) {
    case STATEMENT_SCREEN:
        if (statement->name.text.len == 0)
            return (struct request){ TEXT("'Classify'"), TEXT("'MultiScreen'"), TEXT("{}") };
        return (
            struct request){ TEXT("'Classify'"), TEXT("'Screen'"),
                             scope_format(compiler->work, "{ Rules: [%.*s] }", TEXT_ARG(name)) };
    case STATEMENT_CLASSIFY:
        return (struct request){ TEXT("'Classify'"), TEXT("'Classify'"),
                                 classification(compiler, statement) };
    case STATEMENT_ACKNOWLEDGE:
        return (struct request){ TEXT("'Email'"), TEXT("'Acknowledge'"),
                                 fields(compiler, statement) };
    case STATEMENT_RESPOND:
        return (struct request){ TEXT("'Email'"), TEXT("'AutoRespond'"),
                                 fields(compiler, statement) };
    case STATEMENT_SAY:
        return (struct request){
            TEXT("'Chat'"), TEXT("'Message'"),
            scope_format(compiler->work, "{ MessageText: %.*s }",
                         TEXT_ARG(compile_value(compiler, statement->value, TYPE_TEXT)))
        };
    case STATEMENT_TRANSCRIPT:
        return (struct request){ TEXT("'Email'"), TEXT("'ChatTranscript'"),
                                 transcript(compiler, statement) };
    default:
        return (struct request){ compile_text(compiler, statement->service.text),
                                 compile_text(compiler, statement->method.text),
                                 compile_pairs(compiler, statement->pairs) };
    }
}

/* What the answer's content gives to the names behind "->". */
static void emit_results(struct compiler *compiler, const struct statement *statement)
{
    const struct named *first = statement->results;
    const struct named *second = first ? first->next : NULL;
    if (statement->kind == STATEMENT_SCREEN) {
        USE(compiler, SCREENED);
        emit_assign(compiler, "run.found", TEXT("screened(get(_event.data, 'content'))"));
        emit_assign_name(compiler, first, TEXT("run.found.matched"));
        emit_assign_name(compiler, second, TEXT("run.found.rule"));
        emit_assign_name(compiler, second ? second->next : NULL, TEXT("run.found.id"));
    } else if (statement->kind == STATEMENT_CLASSIFY) {
        USE(compiler, CLASSIFIED);
        emit_assign(compiler, "run.found",
                    scope_format(compiler->work, "classified(get(_event.data, 'content'), %lld)",
                                 (long long)statement->number));
        emit_assign_name(compiler, first, TEXT("run.found.category"));
        emit_assign_name(compiler, second, TEXT("run.found.relevance"));
    } else if (first != NULL) {
        USE(compiler, GET);
        emit_assign_name(compiler, first, TEXT("get(_event.data, 'content')"));
    }
}

void compile_esp(struct compiler *compiler, const struct statement *statement, struct text next)
{
    enum { TIMEOUT_S = 30 }; /* interaction 8 */
    struct request request = request_of(compiler, statement);
    bool is_named = statement->kind == STATEMENT_ESP;
    uint64_t timeout = statement->seconds ? statement->seconds : TIMEOUT_S;
    begin_state(compiler, statement_id(compiler, statement), statement->source, statement->place);
    begin_entry(compiler, statement->place);
    if (compiler->has_changes) emit_changes(compiler);
    emit_open(&compiler->xml, "session:fetch",
              ATTRIBUTES({ "requestid", TEXT("run.request") }, { "method", TEXT("'esp'") },
                         { "timeout",
                           scope_format(compiler->work, "%llu", (unsigned long long)timeout) }));
    emit_param(compiler, "interactionid", TEXT("ixn.InteractionId"));
    if (is_named) emit_param(compiler, "application", compile_text(compiler, statement->name.text));
    emit_param(compiler, "service", request.service);
    emit_param(compiler, "method", request.method);
    emit_param(compiler, "parameters", request.parameters);
    emit_close(&compiler->xml, "session:fetch");
    end_entry(compiler);
    USE(compiler, MINE);
    if (statement->results == NULL) {
        emit_transition(compiler, "session.fetch.done", "mine(_event)", next);
    } else {
        emit_open(&compiler->xml, "transition",
                  ATTRIBUTES({ "event", TEXT("session.fetch.done") },
                             { "cond", TEXT("mine(_event)") }, { "target", next }));
        emit_results(compiler, statement);
        emit_close(&compiler->xml, "transition");
    }
    emit_on_error(compiler, statement);
    end_state(compiler);
}

/* --- subroutines --- */

static void emit_from_child(struct compiler *compiler)
{
    USE(compiler, ABOVE);
    emit_assign(compiler, "data", TEXT("_event.data.data"));
    emit_assign(compiler, "run", TEXT("above(_event.data.run)"));
}

/* How a child may come back: it returned, it failed, or it ended the strategy. */
static void emit_outcomes(struct compiler *compiler, const struct statement *statement,
                          struct text id, struct text next)
{
    struct text done = scope_format(compiler->work, "done.invoke.%.*s", TEXT_ARG(id));
    struct text failed = statement->on_error ? block_entry(compiler, statement->on_error, next)
                                             : TEXT("failed");
    uint32_t position = 0;
    emit_open(&compiler->xml, "transition",
              ATTRIBUTES({ "event", done }, { "cond", TEXT("_event.data.outcome === 'returned'") },
                         { "target", next }));
    emit_from_child(compiler);
    for (const struct named *at = statement->results; at != NULL; at = at->next)
        emit_assign_name(compiler, at,
                         scope_format(compiler->work, "_event.data.results[%u]", position++));
    emit_close(&compiler->xml, "transition");
    emit_open(&compiler->xml, "transition",
              ATTRIBUTES({ "event", done }, { "cond", TEXT("_event.data.outcome === 'failed'") },
                         { "target", failed }));
    emit_from_child(compiler);
    emit_assign(compiler, "run.line", scope_format(compiler->work, "%u", statement->place.line));
    emit_close(&compiler->xml, "transition");
    emit_transition(compiler, done.at, NULL, TEXT("ended"));
}

void compile_call(struct compiler *compiler, const struct statement *statement, struct text next)
{
    struct text id = statement_id(compiler, statement);
    struct text file = document_name(compiler->work, statement->name.text, "scxml");
    begin_state(compiler, id, statement->source, statement->place);
    begin_entry(compiler, statement->place);
    USE(compiler, BELOW);
    emit_assign(compiler, "arguments_given", compile_list(compiler, statement->arguments));
    emit_script(compiler, TEXT("below()"));
    end_entry(compiler);
    emit_open(&compiler->xml, "invoke",
              ATTRIBUTES({ "type", TEXT("scxml") }, { "id", id }, { "src", file }));
    emit_param(compiler, "ixn", TEXT("ixn"));
    emit_param(compiler, "data", TEXT("data"));
    emit_param(compiler, "clock", TEXT("clock"));
    emit_param(compiler, "limits", TEXT("limits"));
    emit_param(compiler, "run", TEXT("run"));
    emit_param(compiler, "arguments_given", TEXT("arguments_given"));
    emit_close(&compiler->xml, "invoke");
    emit_outcomes(compiler, statement, id, next);
    emit_on_error(compiler, statement);
    end_state(compiler);
}

/* --- ends --- */

static struct text queue_hints(struct compiler *compiler, const struct statement *statement)
{
    if (statement->seconds > 0) {
        USE(compiler, LATER);
        return scope_format(compiler->work, "{ ScheduledAt: later(%llu) }",
                            (unsigned long long)statement->seconds);
    }
    if (statement->value == NULL) return (struct text){ 0 };
    USE(compiler, MOMENT);
    return scope_format(compiler->work, "{ ScheduledAt: moment(%.*s) }",
                        TEXT_ARG(compile_value(compiler, statement->value, TYPE_ANY)));
}

static struct text workbin_hints(struct compiler *compiler, const struct statement *statement)
{
    static const char *const keys[][2] = { { "agent", "WorkbinAgentId" },
                                           { "agent-group", "WorkbinAgentGroupId" },
                                           { "place", "WorkbinPlaceId" },
                                           { "place-group", "WorkbinPlaceGroupId" } };
    const struct workbin *workbin = program_workbin(compiler->program, statement->name.text);
    const char *key = keys[0][1];
    for (size_t i = 0; workbin != NULL && i < sizeof keys / sizeof *keys; i++)
        if (text_eq(workbin->owner.text, text_of(keys[i][0]))) key = keys[i][1];
    return scope_format(compiler->work, "{ %s: %.*s }", key,
                        TEXT_ARG(compile_value(compiler, statement->value, TYPE_TEXT)));
}

static void emit_redirect(struct compiler *compiler, struct text to, const char *type,
                          struct text hints)
{
    emit_empty(&compiler->xml, "ixn:redirect",
               ATTRIBUTES({ "requestid", TEXT("run.request") },
                          { "interactionid", TEXT("ixn.InteractionId") }, { "to", to },
                          { "type", text_of(type) }, { "hints", hints }));
}

static void compile_return(struct compiler *compiler, const struct statement *statement)
{
    struct text results = compile_list(compiler, statement->arguments);
    if (statement->arguments == NULL && compiler->strategy->results != NULL) {
        struct buf list = { 0 };
        for (const struct named *at = compiler->strategy->results; at != NULL; at = at->next)
            buf_format(&list, "%smy.%.*s", at == compiler->strategy->results ? "[" : ", ",
                       TEXT_ARG(at->name.text));
        buf_add_byte(&list, ']');
        results = scope_keep(compiler->work, buf_text(&list));
        buf_free(&list);
    }
    emit_assign(compiler, "results", results);
    emit_next(compiler);
    end_entry(compiler);
    emit_transition(compiler, "next", NULL, TEXT("returned"));
}

void compile_end(struct compiler *compiler, const struct statement *statement)
{
    struct text name = compile_text(compiler, statement->name.text);
    bool is_stop = statement->kind == STATEMENT_STOP;
    begin_state(compiler, statement_id(compiler, statement), statement->source, statement->place);
    begin_entry(compiler, statement->place);
    if (statement->kind == STATEMENT_RETURN) {
        compile_return(compiler, statement);
        end_state(compiler);
        return;
    }
    USE(compiler, ENDING);
    USE(compiler, MINE);
    emit_script(compiler, TEXT("ending()"));
    emit_changes(compiler);
    if (is_stop)
        emit_empty(&compiler->xml, "ixn:terminate",
                   ATTRIBUTES({ "requestid", TEXT("run.request") },
                              { "interactionid", TEXT("ixn.InteractionId") },
                              { "reason", statement->name.text.len ? name : TEXT("''") }));
    else if (statement->kind == STATEMENT_QUEUE)
        emit_redirect(compiler, name, "'queue'", queue_hints(compiler, statement));
    else
        emit_redirect(compiler, name, "'workbin'", workbin_hints(compiler, statement));
    end_entry(compiler);
    emit_transition(compiler, is_stop ? "interaction.terminate.done" : "interaction.redirect.done",
                    "mine(_event)", TEXT("ended"));
    emit_on_error(compiler, statement);
    end_state(compiler);
}

/* --- errors that nobody handles (11.2) --- */

static bool has_errors_queue(const struct compiler *compiler)
{
    const struct process *process = process_of(compiler->program, compiler->strategy);
    if (process == NULL) return false;
    for (const struct queue *at = process->queues; at != NULL; at = at->next)
        if (text_eq(at->name.text, TEXT("Errors"))) return true;
    return false;
}

void emit_failed_state(struct compiler *compiler)
{
    USE(compiler, FAILING);
    USE(compiler, MINE);
    emit_comment(&compiler->xml, TEXT("an error without 'on error'; the third in a row is held"));
    emit_open(&compiler->xml, "state", ATTRIBUTES({ "id", TEXT("failed") }));
    emit_open(&compiler->xml, "onentry", NO_ATTRIBUTES);
    emit_script(compiler, TEXT("failing()"));
    emit_empty(
        &compiler->xml, "log",
        ATTRIBUTES({ "label", TEXT("StrategyError") }, { "expr", TEXT("data.StrategyError") }));
    emit_changes(compiler);
    emit_open(&compiler->xml, "if", ATTRIBUTES({ "cond", TEXT("data.StrategyErrorCount >= 3") }));
    emit_redirect(compiler, TEXT("ixn.Queue"), "'queue'", TEXT("{ Hold: true }"));
    emit_empty(&compiler->xml, "else", NO_ATTRIBUTES);
    if (has_errors_queue(compiler)) {
        emit_redirect(compiler, TEXT("'Errors'"), "'queue'", (struct text){ 0 });
    } else {
        USE(compiler, LATER);
        emit_redirect(compiler, TEXT("ixn.Queue"), "'queue'", TEXT("{ ScheduledAt: later(60) }"));
    }
    emit_close(&compiler->xml, "if");
    emit_close(&compiler->xml, "onentry");
    emit_transition(compiler, "interaction.redirect.done", "mine(_event)", TEXT("ended"));
    emit_transition(compiler, "interaction.deleted interaction.notcontrolled", "ours(_event)",
                    TEXT("gone"));
    emit_transition(compiler, "error", NULL, TEXT("lost"));
    emit_close(&compiler->xml, "state");
}
