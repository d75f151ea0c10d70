/* SPDX-License-Identifier: Apache-2.0 */
/* compile_private.h - what the compiler's files share. Each statement becomes a state of the name
 * word_line; it does its work on entry and raises `next` last, so that an error on the way, which
 * ends the block, leaves `next` unsaid and `error` is heard. */
#ifndef STRATEGY_COMPILE_PRIVATE_H
#define STRATEGY_COMPILE_PRIVATE_H

#include "strategy/compile.h"
#include "strategy/emit.h"
#include "strategy/helpers.h"

#define USE(compiler, helper) ((compiler)->used |= 1ULL << HELPER_##helper)

struct question { /* a stat() or open() that must be answered before its statement runs */
    struct question *next;
    const struct expression *call;
};

struct pattern_use {
    struct pattern_use *next;
    struct text source;
    uint32_t number;
};

struct compiler {
    const struct program *program;
    struct scope *scope; /* of the output */
    struct scope *work;  /* of this compilation */
    struct strategy_findings *findings;
    struct strategy *strategy;    /* whose document is being made */
    struct emitter xml;           /* of its states */
    uint64_t used;                /* helpers */
    struct pattern_use *patterns; /* in the order in which they came */
    uint32_t pattern_count;
    uint32_t statement_count, element_count;
    bool asks, has_loops;
    bool has_changes;     /* something may wait to be written when an effect comes */
    struct text loop_end; /* where `break` goes */
};

/* --- compile_expression.c --- */

/* The expression as ECMAScript, converted to the type where it may be of another. */
struct text compile_value(struct compiler *compiler, const struct expression *expression,
                          enum value_type wanted);
/* As a value expression that yields a router's threshold (10.2): 'sdata(Billing,StatX)<5'. */
struct text compile_threshold(struct compiler *compiler, const struct expression *expression);
struct text compile_text(struct compiler *compiler, struct text text); /* 'text' */
struct text compile_pairs(struct compiler *compiler,
                          const struct keyed_value *pairs);                         /* { 'a': 1 } */
struct text compile_list(struct compiler *compiler, const struct expression *list); /* [1, 'a'] */

/* --- compile_statement.c --- */

struct text statement_id(struct compiler *compiler, const struct statement *statement);
/* The state that a block is entered by: of its first statement, or `after` when it is empty. */
struct text block_entry(struct compiler *compiler, const struct block *block, struct text after);
void compile_block(struct compiler *compiler, const struct block *block, struct text after);
/* `source` as a comment and <state id>. */
void begin_state(struct compiler *compiler, struct text id, struct text source, struct place place);
void begin_entry(struct compiler *compiler, struct place place); /* <onentry> at(line) */
void end_entry(struct compiler *compiler);
void end_state(struct compiler *compiler);
void emit_next(struct compiler *compiler); /* on entry, last */
void emit_transition(struct compiler *compiler, const char *event, const char *cond,
                     struct text target); /* cond NULL: none */
void emit_script(struct compiler *compiler, struct text code);
/* Where errors of a statement with `on error` go; nothing for others, the strategy hears them. */
void emit_on_error(struct compiler *compiler, const struct statement *statement);

/* --- compile_effect.c --- */

void emit_changes(struct compiler *compiler); /* what `set` collected, before an effect */
void emit_failed_state(struct compiler *compiler);
void compile_esp(struct compiler *compiler, const struct statement *statement, struct text next);
void compile_call(struct compiler *compiler, const struct statement *statement, struct text next);
void compile_end(struct compiler *compiler, const struct statement *statement);

/* --- compile_route.c --- */

void compile_route(struct compiler *compiler, const struct statement *statement);

/* --- describe.c --- */

struct text describe_process(struct compiler *compiler, const struct process *process);
struct text document_name(struct scope *scope, struct text name, const char *ending);
/* The queue that stands behind the one whose view runs the strategy; NULL: none. */
const struct queue *queue_behind(const struct program *program, const struct strategy *strategy);
/* The process whose view runs the strategy; NULL: none. */
const struct process *process_of(const struct program *program, const struct strategy *strategy);

#endif
