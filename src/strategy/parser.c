/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/parser.h"

#include "strategy/parser_private.h"
#include "strategy/words.h"

/* --- tokens --- */

bool parser_is_sign(const struct parser *parser, const char *sign)
{
    return parser->at->kind == TOKEN_SIGN && text_eq(parser->at->text, text_of(sign));
}

bool parser_is_word(const struct parser *parser, const char *word)
{
    return parser->at->kind == TOKEN_WORD && text_eq(parser->at->text, text_of(word));
}

bool parser_take_sign(struct parser *parser, const char *sign)
{
    bool is_here = parser_is_sign(parser, sign);
    if (is_here) parser->at++;
    return is_here;
}

bool parser_take_word(struct parser *parser, const char *word)
{
    bool is_here = parser_is_word(parser, word);
    if (is_here) parser->at++;
    return is_here;
}

bool parser_refuse(struct parser *parser, const char *wanted)
{
    const struct token *token = parser->at;
    if (token->kind == TOKEN_END)
        strategy_error(parser->findings, token->place, "wanted %s, found the end of the file",
                       wanted);
    else
        strategy_error(parser->findings, token->place, "wanted %s, found %.*s%.*s%s", wanted,
                       token->kind == TOKEN_TEXT ? 0 : 1, "'", TEXT_ARG(token->source),
                       token->kind == TOKEN_TEXT ? "" : "'");
    return false;
}

bool parser_expect_sign(struct parser *parser, const char *sign)
{
    if (parser_take_sign(parser, sign)) return true;
    char wanted[8] = { '\'', sign[0], sign[1] ? sign[1] : '\'', sign[1] ? '\'' : 0 };
    return parser_refuse(parser, wanted);
}

bool parser_expect_word(struct parser *parser, const char *word)
{
    if (parser_take_word(parser, word)) return true;
    if (parser->at->kind == TOKEN_WORD) {
        struct guess guess = guess_for(parser->at->text);
        guess_offer(&guess, text_of(word));
        if (guess.best.len > 0) {
            strategy_error(parser->findings, parser->at->place, "wanted '%s', found '%.*s'%s", word,
                           TEXT_ARG(parser->at->text), guess_words(&guess));
            parser->at++;
            return true; /* it was meant */
        }
    }
    return parser_refuse(parser, scope_format(parser->scope, "'%s'", word).at);
}

bool parser_expect_text(struct parser *parser, const char *wanted, struct name *out)
{
    if (parser->at->kind != TOKEN_TEXT)
        return parser_refuse(parser, scope_format(parser->scope, "%s in quotes", wanted).at);
    if (parser->at->text.len == 0)
        strategy_error(parser->findings, parser->at->place, "%s is empty", wanted);
    *out = (struct name){ parser->at->text, parser->at->place };
    parser->at++;
    return true;
}

bool parser_expect_integer(struct parser *parser, const char *wanted, int64_t min, int64_t max,
                           int64_t *out)
{
    bool is_negative = parser_is_sign(parser, "-");
    const struct token *token = parser->at + is_negative;
    if (token->kind != TOKEN_NUMBER || text_find(token->text, '.', 0) != SIZE_MAX)
        return parser_refuse(parser, wanted);
    int64_t value = 0;
    enum err err = text_to_i64(token->text, 0, INT64_MAX, &value);
    if (is_negative) value = -value;
    if (err || value < min || value > max) {
        strategy_error(parser->findings, parser->at->place, "%s is from %lld to %lld", wanted,
                       (long long)min, (long long)max);
        value = min;
    }
    parser->at = token + 1;
    *out = value;
    return true;
}

bool parser_expect_time(struct parser *parser, uint64_t *out_s)
{
    if (parser->at->kind != TOKEN_TIME) return parser_refuse(parser, "a time (30s, 5m, 2h, 1d)");
    *out_s = parser->at->seconds;
    parser->at++;
    return true;
}

bool parser_expect_names(struct parser *parser, struct named **out)
{
    do {
        if (parser->at->kind != TOKEN_WORD) return parser_refuse(parser, "a name");
        if (word_is_reserved(parser->at->text))
            strategy_error(parser->findings, parser->at->place,
                           "'%.*s' is a word of the notation and no name for a variable",
                           TEXT_ARG(parser->at->text));
        *out = scope_alloc(parser->scope, sizeof **out);
        (*out)->name = (struct name){ parser->at->text, parser->at->place };
        out = &(*out)->next;
        parser->at++;
    } while (parser_take_sign(parser, ","));
    return true;
}

bool parser_enter(struct parser *parser)
{
    if (parser->depth == STRATEGY_NESTING_MAX) {
        strategy_error(parser->findings, parser->at->place, "more than %d blocks in each other",
                       STRATEGY_NESTING_MAX);
        return false;
    }
    parser->depth++;
    return true;
}

void parser_leave(struct parser *parser)
{
    parser->depth--;
}

/* --- processes --- */

static bool parse_view_clause(struct parser *parser, struct view *view)
{
    static const struct {
        const char *word, *wanted;
        size_t offset;
    } texts[] = {
        { "where", "a condition", offsetof(struct view, where) },
        { "order", "an order", offsetof(struct view, order) },
        { "segment", "a property", offsetof(struct view, segment) },
        { "expired", "a queue", offsetof(struct view, expired) },
        { "run", "a strategy", offsetof(struct view, run) },
    };
    const struct token *begin = parser->at;
    bool is_twice = false;
    if (begin->kind != TOKEN_WORD) return parser_refuse(parser, "a clause of a view or '}'");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!parser_take_word(parser, texts[i].word)) continue;
        struct name *name = (struct name *)((char *)view + texts[i].offset);
        is_twice = name->place.line != 0;
        if (!parser_expect_text(parser, texts[i].wanted, name)) return false;
        if (i == 2 && (!parser_expect_word(parser, "limit") ||
                       !parser_expect_integer(parser, "a limit", 1, 50000, &view->segment_limit)))
            return false;
        goto known;
    }
    if (parser_take_word(parser, "max")) {
        is_twice = view->max >= 0;
        if (!parser_expect_integer(parser, "a maximum", 0, 50000, &view->max)) return false;
    } else if (parser_take_word(parser, "every")) {
        is_twice = view->every_s != 0;
        if (!parser_expect_time(parser, &view->every_s)) return false;
        if (view->every_s > 3600)
            strategy_error(parser->findings, begin->place,
                           "a view is checked every 1s to every 1h (interaction 5.1)");
    } else {
        struct guess guess = guess_for(begin->text);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            guess_offer(&guess, text_of(texts[i].word));
        guess_offer(&guess, TEXT("max"));
        guess_offer(&guess, TEXT("every"));
        strategy_error(parser->findings, begin->place, "'%.*s' is no clause of a view%s",
                       TEXT_ARG(begin->text), guess_words(&guess));
        parser->at++;
        while (parser->at->kind == TOKEN_TEXT || parser->at->kind == TOKEN_NUMBER) parser->at++;
    }
known:
    if (is_twice)
        strategy_error(parser->findings, begin->place, "the view has '%.*s' twice",
                       TEXT_ARG(begin->text));
    return true;
}

/* To the "}" that ends what is open here, which is taken, or to where something new begins. */
static void skip_to_close(struct parser *parser)
{
    for (uint32_t depth = 0; parser->at->kind != TOKEN_END; parser->at++) {
        bool is_top = parser->at->is_first && parser->at->place.column == 1 &&
                      (parser_is_word(parser, "process") || parser_is_word(parser, "strategy") ||
                       parser_is_word(parser, "subroutine"));
        if (is_top) return;
        if (parser_is_sign(parser, "{")) depth++;
        if (parser_is_sign(parser, "}") && depth-- == 0) {
            parser->at++;
            return;
        }
    }
}

static bool parse_view(struct parser *parser, struct view **end)
{
    struct view *view = scope_alloc(parser->scope, sizeof *view);
    view->max = view->segment_limit = -1;
    *end = view;
    if (!parser_expect_text(parser, "the name of a view", &view->name)) return false;
    if (!parser_take_sign(parser, "{")) return true;
    while (!parser_take_sign(parser, "}"))
        if (!parse_view_clause(parser, view)) {
            skip_to_close(parser);
            return true;
        }
    return true;
}

static bool parse_queue(struct parser *parser, struct queue **end)
{
    struct queue *queue = scope_alloc(parser->scope, sizeof *queue);
    struct view **views = &queue->views;
    *end = queue;
    if (!parser_expect_text(parser, "the name of a queue", &queue->name)) return false;
    if (!parser_take_sign(parser, "{")) return true;
    while (!parser_take_sign(parser, "}")) {
        if (!parser_expect_word(parser, "view") || !parse_view(parser, views)) {
            skip_to_close(parser);
            return true;
        }
        views = &(*views)->next;
    }
    return true;
}

static bool parse_workbin(struct parser *parser, struct workbin **end)
{
    struct workbin *workbin = scope_alloc(parser->scope, sizeof *workbin);
    *end = workbin;
    if (!parser_expect_text(parser, "the name of a workbin", &workbin->name) ||
        !parser_expect_word(parser, "owner"))
        return false;
    static const char *const owners[] = { "agent", "agent-group", "place", "place-group" };
    bool is_known = false;
    struct guess guess = guess_for(parser->at->text);
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        guess_offer(&guess, text_of(owners[i]));
        is_known |= parser_is_word(parser, owners[i]);
    }
    if (parser->at->kind != TOKEN_WORD) return parser_refuse(parser, "a kind of owner");
    if (!is_known)
        strategy_error(parser->findings, parser->at->place,
                       "a workbin's owner is agent, agent-group, place or place-group%s",
                       guess_words(&guess));
    workbin->owner = (struct name){ parser->at->text, parser->at->place };
    parser->at++;
    if (parser_take_word(parser, "order"))
        return parser_expect_text(parser, "an order", &workbin->order);
    return true;
}

static bool parse_process_body(struct parser *parser, struct process *process)
{
    struct queue **queues = &process->queues;
    struct workbin **workbins = &process->workbins;
    while (!parser_take_sign(parser, "}")) {
        bool is_fine;
        if (parser_take_word(parser, "queue")) {
            is_fine = parse_queue(parser, queues);
            queues = &(*queues)->next;
        } else if (parser_take_word(parser, "workbin")) {
            is_fine = parse_workbin(parser, workbins);
            workbins = &(*workbins)->next;
        } else {
            struct guess guess = guess_for(parser->at->text);
            guess_offer(&guess, TEXT("queue"));
            guess_offer(&guess, TEXT("workbin"));
            if (guess.best.len == 0) return parser_refuse(parser, "'queue', 'workbin' or '}'");
            strategy_error(parser->findings, parser->at->place, "'%.*s' is no part of a process%s",
                           TEXT_ARG(parser->at->text), guess_words(&guess));
            return false;
        }
        if (!is_fine) return false;
    }
    return true;
}

static bool parse_process(struct parser *parser, struct process **end)
{
    struct process *process = scope_alloc(parser->scope, sizeof *process);
    if (!parser_expect_text(parser, "the name of a process", &process->name) ||
        !parser_expect_sign(parser, "{"))
        return false;
    *end = process;
    return parse_process_body(parser, process);
}

/* --- strategies --- */

static bool parse_media(struct parser *parser, struct named **out)
{
    do {
        if (parser->at->kind != TOKEN_WORD) return parser_refuse(parser, "a media type");
        *out = scope_alloc(parser->scope, sizeof **out);
        (*out)->name = (struct name){ parser->at->text, parser->at->place };
        out = &(*out)->next;
        parser->at++;
    } while (parser_take_sign(parser, ","));
    return true;
}

static bool parse_strategy_rest(struct parser *parser, struct strategy *strategy)
{
    if (strategy->is_subroutine) {
        if (!parser_expect_sign(parser, "(")) return false;
        if (!parser_take_sign(parser, ")") &&
            (!parser_expect_names(parser, &strategy->parameters) ||
             !parser_expect_sign(parser, ")")))
            return false;
        if (parser_take_sign(parser, "->") && !parser_expect_names(parser, &strategy->results))
            return false;
    } else if (parser_take_word(parser, "media") && !parse_media(parser, &strategy->media)) {
        return false;
    }
    return parse_block(parser, &strategy->block);
}

static bool parse_strategy(struct parser *parser, bool is_subroutine, struct strategy **end)
{
    struct strategy *strategy = scope_alloc(parser->scope, sizeof *strategy);
    strategy->is_subroutine = is_subroutine;
    if (!parser_expect_text(parser,
                            is_subroutine ? "the name of a subroutine" : "the name of a strategy",
                            &strategy->name))
        return false;
    *end = strategy;
    uint32_t errors = parser->findings->error_count;
    bool is_fine = parse_strategy_rest(parser, strategy);
    strategy->is_broken = parser->findings->error_count > errors;
    return is_fine;
}

static bool is_definition(const struct parser *parser)
{
    return parser_is_word(parser, "process") || parser_is_word(parser, "strategy") ||
           parser_is_word(parser, "subroutine");
}

static void skip_to_definition(struct parser *parser)
{
    while (parser->at->kind != TOKEN_END && !(is_definition(parser) && parser->at->is_first))
        parser->at++;
}

static void parse_file(struct parser *parser, struct process ***processes,
                       struct strategy ***strategies)
{
    while (parser->at->kind != TOKEN_END) {
        bool is_fine = false;
        if (parser_take_word(parser, "process")) {
            is_fine = parse_process(parser, *processes);
            if (**processes != NULL) *processes = &(**processes)->next;
        } else if (is_definition(parser)) {
            bool is_subroutine = parser_is_word(parser, "subroutine");
            parser->at++;
            is_fine = parse_strategy(parser, is_subroutine, *strategies);
            if (**strategies != NULL) *strategies = &(**strategies)->next;
        } else {
            struct guess guess = guess_for(parser->at->text);
            guess_offer(&guess, TEXT("process"));
            guess_offer(&guess, TEXT("strategy"));
            guess_offer(&guess, TEXT("subroutine"));
            if (parser_is_sign(parser, "}"))
                strategy_error(parser->findings, parser->at->place, "a '}' too many");
            else if (parser->at->kind == TOKEN_WORD)
                strategy_error(parser->findings, parser->at->place,
                               "a file holds processes, strategies and subroutines, not '%.*s'%s",
                               TEXT_ARG(parser->at->text), guess_words(&guess));
            else
                (void)parser_refuse(parser, "'process', 'strategy' or 'subroutine'");
            parser->at++;
        }
        if (!is_fine) skip_to_definition(parser);
    }
}

struct program *strategy_parse(const struct strategy_source *sources, uint32_t count,
                               struct scope *scope, struct strategy_findings *findings)
{
    struct program *program = scope_alloc(scope, sizeof *program);
    *program = (struct program){ .sources = sources, .source_count = count };
    struct process **processes = &program->processes;
    struct strategy **strategies = &program->strategies;
    for (uint32_t i = 0; i < count; i++) {
        struct parser parser = { .at = strategy_tokens(&sources[i], i, scope, findings),
                                 .scope = scope,
                                 .findings = findings,
                                 .program = program };
        parse_file(&parser, &processes, &strategies);
    }
    return program;
}

/* --- finding what a program holds --- */

struct strategy *program_strategy(const struct program *program, struct text name)
{
    for (struct strategy *at = program->strategies; at != NULL; at = at->next)
        if (text_eq(at->name.text, name)) return at;
    return NULL;
}

struct queue *program_queue(const struct program *program, struct text name)
{
    for (struct process *process = program->processes; process != NULL; process = process->next)
        for (struct queue *at = process->queues; at != NULL; at = at->next)
            if (text_eq(at->name.text, name)) return at;
    return NULL;
}

struct workbin *program_workbin(const struct program *program, struct text name)
{
    for (struct process *process = program->processes; process != NULL; process = process->next)
        for (struct workbin *at = process->workbins; at != NULL; at = at->next)
            if (text_eq(at->name.text, name)) return at;
    return NULL;
}
