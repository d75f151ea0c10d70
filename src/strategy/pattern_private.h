/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_private.h - a pattern as a graph, between reading it (pattern_parse.c) and its table
 * (pattern.c). */
#ifndef STRATEGY_PATTERN_PRIVATE_H
#define STRATEGY_PATTERN_PRIVATE_H

#include "strategy/pattern.h"

struct pattern_range {
    const struct pattern_range *next;
    uint32_t first, last; /* code points */
};

enum pattern_node_kind {
    NODE_SET,   /* one character of the set, then `next` */
    NODE_SPLIT, /* `next` or `other` */
    NODE_END,   /* a match, if the text ends here */
    NODE_FOUND  /* a match, whatever follows */
};

#define NODE_NONE UINT32_MAX

struct pattern_node {
    enum pattern_node_kind kind;
    uint32_t next, other;
    const struct pattern_range *set;
    bool is_negated;
};

struct pattern_graph {
    struct pattern_node nodes[PATTERN_NODES_MAX];
    uint32_t count, start;
};

enum { CODE_POINT_MAX = 0x10ffff };

enum err pattern_parse(struct text source, struct scope *scope, struct pattern_graph *out,
                       size_t *offset, struct fault *fault);
/* The code point at `*at`, which is moved behind it. The text is UTF-8. */
uint32_t pattern_next_code(struct text text, size_t *at);

#endif
