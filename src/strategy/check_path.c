/* SPDX-License-Identifier: Apache-2.0 */
/* Every path ends (spec interaction, 11.2), and nothing stands behind an end. */
#include "strategy/check_private.h"

static bool block_ends(const struct block *block);

static bool branches_end(const struct branch *branches)
{
    for (const struct branch *at = branches; at != NULL; at = at->next) {
        if (!block_ends(&at->block)) return false;
        if (at->condition == NULL) return true;
    }
    return false; /* no else */
}

/* Nothing comes behind it: an end, a break, an if whose branches all end. */
static bool leaves(const struct statement *statement)
{
    if (statement->kind == STATEMENT_IF) return branches_end(statement->branches);
    return statement_is_end(statement) || statement->kind == STATEMENT_BREAK;
}

static bool block_ends(const struct block *block)
{
    for (const struct statement *at = block->first; at != NULL; at = at->next)
        if (leaves(at)) return true;
    return false;
}

static const char *end_words(const struct checker *checker)
{
    return checker->strategy->is_subroutine ? "route, queue, workbin, stop or return"
                                            : "route, queue, workbin or stop";
}

/* The block is the last of its path: says where it goes on without an end. */
static void report_open(struct checker *checker, const struct block *block)
{
    const struct statement *last = block->first;
    if (block_ends(block)) return;
    while (last != NULL && last->next != NULL) last = last->next;
    if (last == NULL) {
        strategy_error(checker->findings, block->end, "this path has no end: %s",
                       end_words(checker));
        return;
    }
    bool has_else = false;
    for (const struct branch *at = last->branches; at != NULL; at = at->next) {
        report_open(checker, &at->block);
        has_else |= at->condition == NULL;
    }
    if (!has_else)
        strategy_error(checker->findings, last->place,
                       last->kind == STATEMENT_IF
                           ? "when no condition holds here, the path has no end: %s"
                           : "the path that goes on behind this has no end: %s",
                       end_words(checker));
}

static void check_block(struct checker *checker, const struct block *block, bool is_last);

static void check_inner_blocks(struct checker *checker, const struct statement *at)
{
    for (const struct branch *branch = at->branches; branch != NULL; branch = branch->next)
        check_block(checker, &branch->block, false);
    check_block(checker, &at->body, false);
    bool is_end = statement_is_end(at);
    if (at->on_error != NULL) check_block(checker, at->on_error, is_end);
    if (at->route != NULL && at->route->otherwise != NULL)
        check_block(checker, at->route->otherwise, true);
}

static void check_block(struct checker *checker, const struct block *block, bool is_last)
{
    bool has_left = false;
    for (const struct statement *at = block->first; at != NULL; at = at->next) {
        if (has_left) {
            strategy_warning(checker->findings, at->place, "nothing ever comes here");
            break;
        }
        check_inner_blocks(checker, at);
        has_left = leaves(at);
    }
    if (is_last) report_open(checker, block);
}

void check_paths(struct checker *checker)
{
    check_block(checker, &checker->strategy->block, true);
}
