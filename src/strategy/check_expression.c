/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/check_private.h"
#include "strategy/expression.h"
#include "strategy/pattern.h"
#include "strategy/words.h"

static void check_variable(struct checker *checker, const struct expression *expression)
{
    if (text_eq(expression->text, TEXT("error"))) return; /* words of the error that is handled */
    struct variable *variable = table_get(checker->variables, expression->text);
    if (variable != NULL) {
        variable->is_read = true;
        return;
    }
    if (checker->strategy->is_broken) return; /* who sets it may be among what was not read */
    struct guess guess = guess_for(expression->text);
    for (size_t at = 0; (variable = table_next(checker->variables, &at)) != NULL;)
        guess_offer(&guess, variable->assigned.text);
    strategy_error(checker->findings, expression->place, "nothing sets the variable '%.*s'%s",
                   TEXT_ARG(expression->text), guess_words(&guess));
}

/* A property may be a custom one of the customer's; but one letter beside a known one it is not. */
static void check_property(struct checker *checker, const struct expression *expression)
{
    static const char *const known[] = {
        "InteractionId",
        "ExternalId",
        "ParentId",
        "TenantId",
        "MediaType",
        "InteractionType",
        "InteractionSubtype",
        "Queue",
        "Workbin",
        "WorkbinAgentId",
        "WorkbinAgentGroupId",
        "WorkbinPlaceId",
        "WorkbinPlaceGroupId",
        "InQueues",
        "OutQueues",
        "InteractionState",
        "IsOnline",
        "AbandonedAt",
        "IsLocked",
        "IsHeld",
        "HeldAt",
        "ReceivedAt",
        "SubmittedAt",
        "SubmittedBy",
        "MovedToQueueAt",
        "PlacedInQueueAt",
        "SubmittedToRouterAt",
        "DeliveredAt",
        "AssignedTo",
        "AssignedAt",
        "CompletedAt",
        "Priority",
        "ServiceObjective",
        "CaseId",
        "CategoryId",
        "ContactId",
        "DispositionCode",
        "FromAddress",
        "FromPersonal",
        "Mailbox",
        "ReasonCode",
        "ServiceType",
        "Subject",
    };
    struct guess guess = guess_for(expression->text);
    guess.distance = 3;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (text_eq(expression->text, text_of(known[i]))) return;
        guess_offer(&guess, text_of(known[i]));
    }
    if (guess.best.len > 0)
        strategy_warning(checker->findings, expression->place,
                         "'%.*s' is no property of the product's%s", TEXT_ARG(expression->text),
                         guess_words(&guess));
}

static struct place inside(struct place place, size_t offset)
{
    place.column += 1 + (uint32_t)offset;
    return place;
}

static void check_pattern(struct checker *checker, const struct expression *pattern)
{
    if (pattern->kind != EXPRESSION_TEXT) {
        strategy_error(checker->findings, pattern->place,
                       "'matches' wants its pattern in quotes: it is made ready when the strategy "
                       "is compiled");
        return;
    }
    enum { PATTERNS_MAX = 200 }; /* each may cost some milliseconds */
    if (++checker->patterns > PATTERNS_MAX) {
        if (checker->patterns == PATTERNS_MAX + 1)
            strategy_error(checker->findings, pattern->place, "more than %d patterns",
                           PATTERNS_MAX);
        return;
    }
    struct pattern made;
    struct fault fault = { 0 };
    size_t offset;
    struct scope *work = scope_new(NULL, "pattern", SCOPE_NO_LIMIT);
    if (pattern_compile(pattern->text, work, &made, &offset, &fault))
        strategy_error(checker->findings, inside(pattern->place, offset), "%s", fault.words);
    scope_close(work);
}

static void check_equality(struct checker *checker, const struct expression *operation)
{
    enum value_type left = expression_type(operation->left),
                    right = expression_type(operation->right);
    if (left == TYPE_ANY || right == TYPE_ANY || left == right) return;
    strategy_error(checker->findings, operation->place, "%s is never equal to %s",
                   value_type_words(left), value_type_words(right));
}

static void check_text_side(struct checker *checker, const struct expression *side)
{
    if (expression_type(side) == TYPE_TRUTH)
        strategy_error(checker->findings, side->place, "wanted a text, this is true or false");
}

static void check_order(struct checker *checker, const struct expression *operation)
{
    enum value_type left = expression_type(operation->left),
                    right = expression_type(operation->right);
    check_text_side(checker, operation->left);
    check_text_side(checker, operation->right);
    if ((left == TYPE_TEXT && right == TYPE_NUMBER) || (left == TYPE_NUMBER && right == TYPE_TEXT))
        strategy_error(checker->findings, operation->place, "a number and a text have no order");
}

static void check_operation(struct checker *checker, const struct expression *operation)
{
    switch (operation->op) {
    case OP_OR:
    case OP_AND:
        check_condition(checker, operation->left);
        check_condition(checker, operation->right);
        return;
    case OP_NOT: check_condition(checker, operation->right); return;
    case OP_NEGATE: check_number(checker, operation->right, "'-'"); return;
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_REST:
        check_number(checker, operation->left, "arithmetic");
        check_number(checker, operation->right, "arithmetic");
        return;
    default: break;
    }
    check_value(checker, operation->left);
    check_value(checker, operation->right);
    if (operation->op == OP_EQUAL || operation->op == OP_UNEQUAL) {
        check_equality(checker, operation);
    } else if (operation->op < OP_CONTAINS) {
        check_order(checker, operation);
    } else {
        check_text_side(checker, operation->left);
        if (operation->op == OP_MATCHES)
            check_pattern(checker, operation->right);
        else
            check_text_side(checker, operation->right);
    }
}

static void check_call(struct checker *checker, const struct expression *call)
{
    for (const struct expression *at = call->arguments; at != NULL; at = at->next) {
        check_value(checker, at);
        check_text_side(checker, at);
        if (expression_asks(at) && expression_asks(call))
            strategy_error(checker->findings, at->place,
                           "open() and stat() cannot ask about each other's answers");
    }
}

void check_value(struct checker *checker, const struct expression *expression)
{
    if (expression == NULL) return;
    switch (expression->kind) {
    case EXPRESSION_PROPERTY: check_property(checker, expression); break;
    case EXPRESSION_VARIABLE:
    case EXPRESSION_FIELD: check_variable(checker, expression); break;
    case EXPRESSION_OPERATION: check_operation(checker, expression); break;
    case EXPRESSION_CALL: check_call(checker, expression); break;
    case EXPRESSION_TEXT:
    case EXPRESSION_NUMBER:
    case EXPRESSION_TRUTH:
    case EXPRESSION_DATA: break;
    }
}

void check_condition(struct checker *checker, const struct expression *expression)
{
    if (expression == NULL) return;
    check_value(checker, expression);
    enum value_type type = expression_type(expression);
    if (type == TYPE_TEXT || type == TYPE_NUMBER)
        strategy_error(checker->findings, expression->place,
                       "wanted a condition, this is %s: compare it with something",
                       value_type_words(type));
}

void check_number(struct checker *checker, const struct expression *expression, const char *what)
{
    if (expression == NULL) return;
    check_value(checker, expression);
    enum value_type type = expression_type(expression);
    if (type == TYPE_TEXT || type == TYPE_TRUTH)
        strategy_error(checker->findings, expression->place, "%s wants a number, this is %s", what,
                       value_type_words(type));
}

/* While somebody waits, only the router can look at statistics: what stands around a stat() has to
 * be what its thresholds know (10.2). */
static void check_router_form(struct checker *checker, const struct expression *expression)
{
    if (!expression_asks(expression)) return;
    if (expression->kind == EXPRESSION_CALL) {
        if (expression->function != CALL_STAT)
            strategy_error(checker->findings, expression->place,
                           "%s() cannot be asked while somebody waits; in a 'when' only stat() can",
                           function_word(expression->function));
        return;
    }
    if (expression->op == OP_CONTAINS || expression->op == OP_MATCHES)
        strategy_error(checker->findings, expression->place,
                       "in a 'when' a stat() may be compared and calculated with, nothing else");
    if (expression->left) check_router_form(checker, expression->left);
    if (expression->right) check_router_form(checker, expression->right);
}

void check_threshold(struct checker *checker, const struct expression *expression)
{
    if (expression == NULL) return;
    uint32_t errors = checker->findings->error_count;
    check_condition(checker, expression);
    if (checker->findings->error_count == errors) check_router_form(checker, expression);
}
