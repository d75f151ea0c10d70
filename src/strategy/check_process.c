/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: queues, views and workbins, and who runs whom. */
#include "strategy/check_private.h"
#include "strategy/words.h"

/* Tells of a second thing with a name; what `known` keeps are places. */
static void check_unique(struct checker *checker, struct table *known, const char *what,
                         const struct name *name)
{
    enum { NAME_BYTES_MAX = 200 };
    const struct place *first = table_get(known, name->text);
    if (name->text.len > NAME_BYTES_MAX)
        strategy_error(checker->findings, name->place, "a name has at most %d bytes",
                       NAME_BYTES_MAX);
    if (first == NULL)
        table_put(known, name->text, (void *)(uintptr_t)&name->place);
    else
        strategy_error(checker->findings, name->place,
                       "a second %s '%.*s': the first is in line %u", what, TEXT_ARG(name->text),
                       first->line);
}

/* property [asc|desc] {, property [asc|desc]} */
static void check_order_text(struct checker *checker, const struct name *order)
{
    struct text rest = order->text, item;
    while (rest.len > 0 && text_next_item(&rest, ',', &item)) {
        struct text property = item, direction = TEXT("asc");
        (void)text_cut(item, ' ', &property, &direction);
        direction = text_trim(direction);
        struct guess guess = guess_for(direction);
        guess_offer(&guess, TEXT("asc"));
        guess_offer(&guess, TEXT("desc"));
        if (property.len == 0)
            strategy_error(checker->findings, order->place, "the order lacks a property");
        else if (!text_eq_fold(direction, TEXT("asc")) && !text_eq_fold(direction, TEXT("desc")))
            strategy_error(checker->findings, order->place, "an order is asc or desc, not '%.*s'%s",
                           TEXT_ARG(direction), guess_words(&guess));
    }
}

/* The interaction server reads conditions (5.3); brackets and quotes that do not close show here.
 */
static void check_where(struct checker *checker, const struct name *where)
{
    int64_t open = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < where->text.len; i++) {
        char c = where->text.at[i];
        if (c == '\'') is_quoted = !is_quoted;
        if (!is_quoted && (c == '(' || c == '[')) open++;
        if (!is_quoted && (c == ')' || c == ']') && --open < 0) break;
    }
    if (is_quoted)
        strategy_error(checker->findings, where->place, "a quote of the condition does not end");
    else if (open != 0)
        strategy_error(checker->findings, where->place,
                       "the brackets of the condition do not match");
}

void check_queue_name(struct checker *checker, const struct name *name)
{
    if (name->text.len == 0 || program_queue(checker->program, name->text) != NULL) return;
    struct guess guess = guess_for(name->text);
    for (const struct process *process = checker->program->processes; process != NULL;
         process = process->next)
        for (const struct queue *at = process->queues; at != NULL; at = at->next)
            guess_offer(&guess, at->name.text);
    strategy_error(checker->findings, name->place, "there is no queue '%.*s'%s",
                   TEXT_ARG(name->text), guess_words(&guess));
}

static void check_run(struct checker *checker, const struct name *run, struct table *is_run)
{
    const struct strategy *strategy = program_strategy(checker->program, run->text);
    if (run->text.len == 0) return;
    if (strategy == NULL) {
        struct guess guess = guess_for(run->text);
        for (strategy = checker->program->strategies; strategy != NULL; strategy = strategy->next)
            if (!strategy->is_subroutine) guess_offer(&guess, strategy->name.text);
        strategy_error(checker->findings, run->place, "there is no strategy '%.*s'%s",
                       TEXT_ARG(run->text), guess_words(&guess));
    } else if (strategy->is_subroutine) {
        strategy_error(checker->findings, run->place,
                       "'%.*s' is a subroutine; a view runs a strategy", TEXT_ARG(run->text));
    } else {
        table_put(is_run, strategy->name.text, (void *)(uintptr_t)strategy);
    }
}

static void check_queue(struct checker *checker, const struct queue *queue, struct table *is_run)
{
    struct table *views = table_new(checker->scope);
    for (const struct view *view = queue->views; view != NULL; view = view->next) {
        check_unique(checker, views, "view of this queue", &view->name);
        check_where(checker, &view->where);
        check_order_text(checker, &view->order);
        check_queue_name(checker, &view->expired);
        check_run(checker, &view->run, is_run);
    }
}

static void check_unused(struct checker *checker, struct table *is_run)
{
    for (const struct strategy *at = checker->program->strategies; at != NULL; at = at->next)
        if (!at->is_subroutine && checker->program->processes != NULL &&
            table_get(is_run, at->name.text) == NULL)
            strategy_warning(checker->findings, at->name.place, "no view runs the strategy '%.*s'",
                             TEXT_ARG(at->name.text));
}

void check_processes(struct checker *checker)
{
    struct table *processes = table_new(checker->scope), *queues = table_new(checker->scope),
                 *workbins = table_new(checker->scope), *strategies = table_new(checker->scope),
                 *is_run = table_new(checker->scope);
    for (const struct process *process = checker->program->processes; process != NULL;
         process = process->next) {
        check_unique(checker, processes, "process", &process->name);
        for (const struct queue *at = process->queues; at != NULL; at = at->next) {
            check_unique(checker, queues, "queue", &at->name);
            check_queue(checker, at, is_run);
        }
        for (const struct workbin *at = process->workbins; at != NULL; at = at->next) {
            check_unique(checker, workbins, "workbin", &at->name);
            check_order_text(checker, &at->order);
        }
    }
    for (const struct strategy *at = checker->program->strategies; at != NULL; at = at->next)
        check_unique(checker, strategies, "strategy or subroutine", &at->name);
    check_unused(checker, is_run);
}
