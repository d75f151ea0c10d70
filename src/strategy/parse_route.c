/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/parser_private.h"
#include "strategy/words.h"

static bool parse_target(struct parser *parser, struct target **out)
{
    static const char *const kinds[] = { [TARGET_AGENT] = "agent",
                                         [TARGET_GROUP] = "group",
                                         [TARGET_PLACE] = "place",
                                         [TARGET_PLACE_GROUP] = "place-group",
                                         [TARGET_SKILL] = "skill" };
    struct target *target = scope_alloc(parser->scope, sizeof *target);
    struct guess guess = guess_for(parser->at->text);
    bool is_known = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !is_known; i++) {
        guess_offer(&guess, text_of(kinds[i]));
        is_known = parser_is_word(parser, kinds[i]);
        if (is_known) target->kind = i;
    }
    if (!is_known && (parser->at->kind != TOKEN_WORD || parser->at[1].kind != TOKEN_TEXT))
        return parser_refuse(parser, "a target (agent, group, place, place-group, skill)");
    if (!is_known)
        strategy_error(parser->findings, parser->at->place,
                       "a target is agent, group, place, place-group or skill%s",
                       guess_words(&guess));
    parser->at++;
    if (!parser_expect_text(parser, "the name of a target", &target->name)) return false;
    *out = target;
    return !parser_take_word(parser, "when") || parse_expression(parser, &target->when);
}

static bool parse_targets(struct parser *parser, struct target **out)
{
    do {
        if (!parse_target(parser, out)) return false;
        out = &(*out)->next;
    } while (parser_take_sign(parser, ","));
    return true;
}

static bool parse_by(struct parser *parser, struct route *route)
{
    if (!parser_take_word(parser, "by")) return true;
    route->is_by_max = parser_is_word(parser, "max");
    if (!parser_take_word(parser, "min") && !parser_take_word(parser, "max"))
        return parser_refuse(parser, "'min' or 'max'");
    if (parser->at->kind != TOKEN_WORD) return parser_refuse(parser, "the name of a statistic");
    route->by = (struct name){ parser->at->text, parser->at->place };
    parser->at++;
    return true;
}

static bool parse_step(struct parser *parser, struct route *route, struct route_step **out)
{
    struct route_step *step = scope_alloc(parser->scope, sizeof *step);
    step->place = parser->at->place;
    step->is_clear = route->step_count > 0 && parser_take_word(parser, "clear");
    *out = step;
    if (++route->step_count == STRATEGY_ROUTE_STEPS_MAX + 1)
        strategy_error(parser->findings, step->place, "a route has at most %d steps",
                       STRATEGY_ROUTE_STEPS_MAX);
    if (!parse_targets(parser, &step->targets)) return false;
    if (route->step_count == 1 && !parse_by(parser, route)) return false;
    return parser_expect_word(parser, "timeout") && parser_expect_time(parser, &step->timeout_s);
}

static bool parse_queue_clause(struct parser *parser, struct name *out)
{
    if (out->place.line != 0)
        strategy_error(parser->findings, parser->at->place, "the route has this queue twice");
    return parser_expect_word(parser, "queue") &&
           parser_expect_text(parser, "the name of a queue", out);
}

bool parse_route(struct parser *parser, struct statement *out)
{
    const struct token *begin = parser->at - 1;
    struct route *route = out->route = scope_alloc(parser->scope, sizeof *route);
    struct route_step **end = &route->steps;
    do {
        if (!parse_step(parser, route, end)) return false;
        end = &(*end)->next;
    } while (parser_take_word(parser, "then"));
    for (;;) {
        if (parser_take_word(parser, "reply")) {
            if (!parse_queue_clause(parser, &route->reply_queue)) return false;
        } else if (parser_take_word(parser, "done")) {
            if (!parse_queue_clause(parser, &route->done_queue)) return false;
        } else {
            break;
        }
    }
    struct text last = parser->at[-1].source;
    out->source =
        (struct text){ begin->source.at, (size_t)(last.at + last.len - begin->source.at) };
    if (!parser_is_word(parser, "otherwise")) return true;
    parser->at++;
    route->otherwise = scope_alloc(parser->scope, sizeof *route->otherwise);
    return parse_block(parser, route->otherwise);
}
