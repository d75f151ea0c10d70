/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - strategy files as a tree: what the parser makes, the checker judges and the compiler
 * translates (spec interaction, 11.1).
 * Memory   everything lies in one scope; texts are views into the sources or into that scope.
 * Absent   texts are empty, pointers NULL. */
#ifndef STRATEGY_PROGRAM_H
#define STRATEGY_PROGRAM_H

#include "strategy/finding.h"

enum {
    STRATEGY_BYTES_MAX = 1024 * 1024, /* of one source */
    STRATEGY_NESTING_MAX = 64,        /* of blocks, and of expressions */
    STRATEGY_ROUTE_STEPS_MAX = 15,    /* 10.3 */
    STRATEGY_CALLS_MAX = 16,          /* 11.2 */
    STRATEGY_STEPS_MAX = 10000        /* 11.2, max-strategy-steps */
};

struct name { /* a word or the inside of quotes, where it stands */
    struct text text;
    struct place place;
};

struct named { /* in a list: variables, media */
    struct named *next;
    struct name name;
};

/* --- expressions --- */

enum operator{
    OP_OR,
    OP_AND,
    OP_NOT,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_MORE,
    OP_MORE_EQUAL,
    OP_CONTAINS,
    OP_MATCHES,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_REST,
    OP_NEGATE
};

enum function { CALL_LENGTH, CALL_LOWER, CALL_NOW, CALL_HOUR, CALL_WEEKDAY, CALL_OPEN, CALL_STAT };

enum expression_kind {
    EXPRESSION_TEXT,
    EXPRESSION_NUMBER,
    EXPRESSION_TRUTH,
    EXPRESSION_DATA,     /* data.Key */
    EXPRESSION_PROPERTY, /* ixn.Property */
    EXPRESSION_VARIABLE,
    EXPRESSION_FIELD, /* name.Key: of what `esp` answered */
    EXPRESSION_OPERATION,
    EXPRESSION_CALL
};

/* What is known of a value before it is there. */
enum value_type { TYPE_ANY, TYPE_TEXT, TYPE_NUMBER, TYPE_TRUTH };

struct expression {
    struct expression *next; /* in a list of arguments */
    enum expression_kind kind;
    struct place place;
    struct text text; /* text; digits of a number; key, property, variable */
    struct text field;
    bool truth;
    enum operator op;
    enum function function;
    struct expression *left, *right; /* NOT, NEGATE: right alone */
    struct expression *arguments;    /* of a call */
    uint32_t answer;                 /* open, stat: which of the statement's questions, by the
                                        compiler */
};

struct keyed_value {
    struct keyed_value *next;
    struct name key;
    struct expression *value;
};

/* --- statements --- */

#define STATEMENT_LIST(X)                                                                          \
    X(ASSIGN, "assign")                                                                            \
    X(SET, "set")                                                                                  \
    X(DELETE, "delete")                                                                            \
    X(IF, "if")                                                                                    \
    X(REPEAT, "repeat")                                                                            \
    X(WHILE, "while")                                                                              \
    X(BREAK, "break")                                                                              \
    X(CALL, "call")                                                                                \
    X(SCREEN, "screen")                                                                            \
    X(CLASSIFY, "classify")                                                                        \
    X(ACKNOWLEDGE, "acknowledge")                                                                  \
    X(RESPOND, "respond")                                                                          \
    X(SAY, "say")                                                                                  \
    X(TRANSCRIPT, "transcript")                                                                    \
    X(ESP, "esp")                                                                                  \
    X(WAIT, "wait")                                                                                \
    X(PRIORITY, "priority")                                                                        \
    X(LOG, "log")                                                                                  \
    X(ROUTE, "route")                                                                              \
    X(QUEUE, "queue")                                                                              \
    X(WORKBIN, "workbin")                                                                          \
    X(STOP, "stop")                                                                                \
    X(RETURN, "return")

enum statement_kind {
#define X(name, word) STATEMENT_##name,
    STATEMENT_LIST(X)
#undef X
};

const char *statement_word(enum statement_kind kind); /* "if"; words.c */

struct statement;

struct block {
    struct statement *first;
    struct place end; /* of its "}" */
};

struct target {
    struct target *next;
    enum { TARGET_AGENT, TARGET_GROUP, TARGET_PLACE, TARGET_PLACE_GROUP, TARGET_SKILL } kind;
    struct name name;
    struct expression *when;
};

struct route_step {
    struct route_step *next;
    struct place place;
    bool is_clear; /* drops the targets of the steps before */
    struct target *targets;
    uint64_t timeout_s;
};

struct route {
    struct route_step *steps;
    uint32_t step_count;
    bool is_by_max;
    struct name by; /* statistic */
    struct name reply_queue, done_queue;
    struct block *otherwise;
};

struct priority_schedule {
    uint64_t every_s; /* 0: none */
    int64_t add, max;
};

struct branch { /* of an `if`, in order */
    struct branch *next;
    struct place place;
    struct text source;           /* as `statement.source` */
    struct expression *condition; /* NULL: else */
    struct block block;
    uint32_t id, question_count; /* of the compiler */
};

struct statement {
    struct statement *next;
    enum statement_kind kind;
    struct place place;
    struct text source; /* its words up to the first block */

    struct name name; /* variable, key; subroutine; rule ("": all); category; response; application
                         of an esp; queue; workbin; reason */
    struct name service; /* esp; model of a classify */
    struct name method;
    struct expression *value;     /* what is set, said, logged; condition of a while; recipient of a
                                     transcript; owner of a workbin; `after` of a queue */
    struct expression *arguments; /* call, return */
    struct keyed_value *pairs;    /* fields, parameters */
    struct named *results;        /* behind "->" */
    uint64_t seconds;             /* wait; after; timeout of an esp; 0: none */
    int64_t number;               /* rounds of a repeat, max of a while, min of a classify */
    struct priority_schedule schedule;
    struct branch *branches; /* if */
    struct block body;       /* repeat, while */
    struct route *route;
    struct block *on_error;

    /* Of the compiler: the second, third ... of its kind on its line; questions to be asked before
     * it; the state that follows. */
    uint32_t id, question_count;
    struct text after;
};

/* --- what a file holds --- */

struct view {
    struct view *next;
    struct name name;
    struct name where, order, segment, expired, run;
    int64_t segment_limit, max; /* -1: not given */
    uint64_t every_s;           /* 0: not given */
};

struct queue {
    struct queue *next;
    struct name name;
    struct view *views;
};

struct workbin {
    struct workbin *next;
    struct name name;
    struct name owner; /* agent, agent-group, place, place-group */
    struct name order;
};

struct process {
    struct process *next;
    struct name name;
    struct queue *queues;
    struct workbin *workbins;
};

struct strategy { /* or a subroutine */
    struct strategy *next;
    struct name name;
    bool is_subroutine;
    bool is_broken; /* parts of it could not be read */
    struct named *media;
    struct named *parameters, *results;
    struct block block;
};

struct strategy_source {
    struct text name, text;
};

struct program {
    const struct strategy_source *sources;
    uint32_t source_count;
    struct process *processes;
    struct strategy *strategies;
};

/* What ends the strategy, or the subroutine. */
static inline bool statement_is_end(const struct statement *statement)
{
    return statement->kind >= STATEMENT_ROUTE;
}

struct strategy *program_strategy(const struct program *program, struct text name);
struct queue *program_queue(const struct program *program, struct text name);
struct workbin *program_workbin(const struct program *program, struct text name);

#endif
