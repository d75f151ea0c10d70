/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern is read into nodes (Thompson's construction), sets of nodes become states (the subset
 * construction). Repeats are copies: the text of what is repeated is read again. */
#include "model/phone_pattern.h"

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

enum {
    NODES_MAX = 60000,
    STATES_MAX = 20000,
    DEPTH_MAX = 32,
    REPEAT_MAX = 32,
    UNBOUNDED = 255,
    ANY_DIGIT = 0x3ff,
    NOWHERE = 0, /* the state that matches nothing; node 0 is not used */
};

struct node {
    uint32_t next, other; /* without `digits`: both may be gone to for nothing; 0: no */
    uint16_t digits;      /* bits of those that lead to `next` */
    uint16_t matched;     /* bit of the pattern that ends here */
};

struct fragment {
    uint32_t start, end; /* `end` leads nowhere yet */
};

struct reader {
    struct node *nodes;
    uint32_t count;
    const char *at, *end;
    uint32_t depth;
    bool is_broken;
};

struct state {
    uint16_t next[10];
    uint16_t matched;
};

struct phone_patterns {
    struct state *states; /* 0: nowhere, 1: the start */
    uint32_t count;
};

/* --- from text to nodes --- */

static uint32_t add_node(struct reader *reader)
{
    if (reader->count >= NODES_MAX) {
        reader->is_broken = true;
        return 1;
    }
    reader->nodes[reader->count] = (struct node){ 0 };
    return reader->count++;
}

static char next_sign(struct reader *reader)
{
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool take(struct reader *reader, const char *z)
{
    size_t len = strlen(z);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, z, len) != 0) return false;
    reader->at += len;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct fragment read_alternatives(struct reader *reader);

/* What stands between [ and ]. */
static uint16_t read_class(struct reader *reader)
{
    uint32_t bits = 0;
    while (next_sign(reader) != ']') {
        char from = next_sign(reader);
        if (!is_digit(from)) {
            if (!take(reader, "\\d")) break;
            bits |= ANY_DIGIT;
            continue;
        }
        reader->at++;
        char to = from;
        if (take(reader, "-")) {
            to = next_sign(reader);
            if (is_digit(to)) reader->at++;
        }
        if (!is_digit(to) || to < from) {
            reader->is_broken = true;
            break;
        }
        for (char c = from; c <= to; c++) bits |= 1u << (c - '0');
    }
    if (bits == 0 || !take(reader, "]")) reader->is_broken = true; /* "[]" is no class anywhere */
    return (uint16_t)bits;
}

static uint16_t read_digits(struct reader *reader)
{
    if (take(reader, "\\d")) return ANY_DIGIT;
    if (take(reader, "[")) return read_class(reader);
    char c = next_sign(reader);
    if (!is_digit(c)) {
        reader->is_broken = true;
        return 0;
    }
    reader->at++;
    return (uint16_t)(1u << (c - '0'));
}

static struct fragment read_atom(struct reader *reader)
{
    if (take(reader, "(")) {
        (void)take(reader, "?:");
        struct fragment inside = read_alternatives(reader);
        if (!take(reader, ")")) reader->is_broken = true;
        return inside;
    }
    uint16_t digits = read_digits(reader);
    struct fragment one = { add_node(reader), add_node(reader) };
    reader->nodes[one.start].digits = digits;
    reader->nodes[one.start].next = one.end;
    return one;
}

static uint32_t read_count(struct reader *reader)
{
    uint32_t count = 0;
    if (!is_digit(next_sign(reader))) reader->is_broken = true;
    while (is_digit(next_sign(reader)) && count <= REPEAT_MAX)
        count = count * 10 + (uint32_t)(*reader->at++ - '0');
    if (count > REPEAT_MAX) reader->is_broken = true;
    return count;
}

static void read_repeat(struct reader *reader, uint32_t *least, uint32_t *most)
{
    *least = *most = 1;
    if (take(reader, "?")) {
        *least = 0;
    } else if (take(reader, "*")) {
        *least = 0;
        *most = UNBOUNDED;
    } else if (take(reader, "+")) {
        *most = UNBOUNDED;
    } else if (take(reader, "{")) {
        *least = *most = read_count(reader);
        if (take(reader, ",")) *most = next_sign(reader) == '}' ? UNBOUNDED : read_count(reader);
        if (!take(reader, "}") || *most == 0 || *most < *least) reader->is_broken = true;
    }
}

/* `from` once more: optional, and again and again where there is no end to it. */
static void append(struct reader *reader, struct fragment *whole, struct fragment part,
                   bool is_optional, bool is_loop)
{
    struct node *nodes = reader->nodes;
    uint32_t gate = add_node(reader), end = add_node(reader);
    nodes[whole->end].next = gate;
    nodes[gate].next = part.start;
    if (is_optional) nodes[gate].other = end;
    nodes[part.end].next = end;
    if (is_loop) nodes[part.end].other = gate;
    whole->end = end;
}

static struct fragment read_item(struct reader *reader)
{
    const char *from = reader->at;
    struct fragment part = read_atom(reader);
    uint32_t least, most;
    read_repeat(reader, &least, &most);
    const char *behind = reader->at;
    struct fragment whole = { add_node(reader), 0 };
    whole.end = whole.start;
    uint32_t copies = most != UNBOUNDED ? most : least > 1 ? least : 1;
    for (uint32_t i = 0; i < copies && !reader->is_broken; i++) {
        if (i > 0) {
            reader->at = from;
            part = read_atom(reader);
        }
        append(reader, &whole, part, i >= least, most == UNBOUNDED && i + 1 == copies);
    }
    reader->at = behind;
    return whole;
}

static struct fragment read_sequence(struct reader *reader)
{
    struct fragment whole = { add_node(reader), 0 };
    whole.end = whole.start;
    while (!reader->is_broken && reader->at < reader->end && next_sign(reader) != '|' &&
           next_sign(reader) != ')') {
        struct fragment item = read_item(reader);
        reader->nodes[whole.end].next = item.start;
        whole.end = item.end;
    }
    return whole;
}

static struct fragment read_alternatives(struct reader *reader)
{
    if (++reader->depth > DEPTH_MAX) reader->is_broken = true;
    struct fragment whole = read_sequence(reader);
    while (!reader->is_broken && take(reader, "|")) {
        struct fragment one = read_sequence(reader);
        struct fragment both = { add_node(reader), add_node(reader) };
        reader->nodes[both.start].next = whole.start;
        reader->nodes[both.start].other = one.start;
        reader->nodes[whole.end].next = both.end;
        reader->nodes[one.end].next = both.end;
        whole = both;
    }
    reader->depth--;
    return whole;
}

/* All patterns, each from the one start. */
static uint32_t read_patterns(struct reader *reader, const struct text *patterns, uint32_t count)
{
    uint32_t start = add_node(reader);
    for (uint32_t i = 0; i < count && !reader->is_broken; i++) {
        if (patterns[i].len == 0) continue;
        reader->at = patterns[i].at;
        reader->end = patterns[i].at + patterns[i].len;
        struct fragment one = read_alternatives(reader);
        if (reader->at != reader->end) reader->is_broken = true;
        reader->nodes[one.end].matched = (uint16_t)(1u << i);
        uint32_t gate = add_node(reader);
        reader->nodes[gate] = (struct node){ .next = one.start, .other = start };
        start = gate;
    }
    return start;
}

/* --- from sets of nodes to states --- */

struct maker {
    struct scope *scratch;
    const struct node *nodes;
    uint32_t node_count;
    struct table *known; /* set of nodes -> struct known */
    struct text *sets;   /* by state: node numbers in order, as bytes */
    uint8_t *is_in;      /* by node: in the set that is being made */
    uint32_t *stack, *members;
    uint32_t member_count; /* of the set that is being made */
    struct state *states;
    uint32_t count;
    bool is_broken;
};

struct known {
    uint16_t state;
};

static void gather(struct maker *maker, uint32_t node)
{
    uint32_t depth = 0;
    maker->stack[depth++] = node;
    while (depth > 0) {
        uint32_t at = maker->stack[--depth];
        if (at == 0 || maker->is_in[at]) continue;
        maker->is_in[at] = 1;
        maker->members[maker->member_count++] = at;
        if (maker->nodes[at].digits) continue;
        maker->stack[depth++] = maker->nodes[at].next;
        maker->stack[depth++] = maker->nodes[at].other;
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The members that count, in order: two sets that are the same have the same bytes. */
static struct text take_members(struct maker *maker, uint32_t *matched)
{
    uint32_t kept = 0;
    *matched = 0;
    for (uint32_t i = 0; i < maker->member_count; i++) {
        uint32_t at = maker->members[i];
        const struct node *node = &maker->nodes[at];
        maker->is_in[at] = 0;
        *matched |= node->matched;
        if (node->digits || node->matched) maker->members[kept++] = at;
    }
    maker->member_count = 0;
    qsort(maker->members, kept, sizeof *maker->members, by_number);
    return (struct text){ (const char *)maker->members, kept * sizeof *maker->members };
}

/* The state of what gather() brought in. */
static uint16_t state_of(struct maker *maker)
{
    uint32_t matched;
    struct text set = take_members(maker, &matched);
    if (set.len == 0) return NOWHERE;
    struct known *known = table_get(maker->known, set);
    if (known) return known->state;
    if (maker->count >= STATES_MAX) {
        maker->is_broken = true;
        return NOWHERE;
    }
    known = scope_alloc(maker->scratch, sizeof *known);
    known->state = (uint16_t)maker->count++;
    maker->sets[known->state] = scope_keep(maker->scratch, set);
    maker->states[known->state].matched = (uint16_t)matched;
    table_put(maker->known, maker->sets[known->state], known);
    return known->state;
}

static uint16_t step(struct maker *maker, uint16_t from, uint32_t digit)
{
    struct text set = maker->sets[from];
    for (size_t i = 0; i < set.len; i += sizeof(uint32_t)) {
        uint32_t node;
        memcpy(&node, set.at + i, sizeof node);
        if (maker->nodes[node].digits & (1u << digit)) gather(maker, maker->nodes[node].next);
    }
    return state_of(maker);
}

static bool make_states(struct maker *maker, uint32_t start)
{
    maker->count = 1;
    gather(maker, start);
    if (state_of(maker) == NOWHERE) maker->count = 2; /* no pattern at all */
    for (uint32_t at = 1; at < maker->count && !maker->is_broken; at++)
        for (uint32_t digit = 0; digit < 10; digit++)
            maker->states[at].next[digit] = step(maker, (uint16_t)at, digit);
    return !maker->is_broken;
}

struct phone_patterns *phone_patterns_new(struct scope *owner, const struct text *patterns,
                                          uint32_t count)
{
    ASSERT(count <= PHONE_PATTERNS_MAX);
    struct scope *scratch = scope_new(owner, "phone patterns", SCOPE_NO_LIMIT);
    struct reader reader = { .count = 1 };
    reader.nodes = scope_alloc_array(scratch, NODES_MAX, sizeof *reader.nodes);
    uint32_t start = read_patterns(&reader, patterns, count);
    struct maker maker = {
        .scratch = scratch,
        .nodes = reader.nodes,
        .node_count = reader.count,
        .known = table_new(scratch),
        .sets = scope_alloc_array(scratch, STATES_MAX, sizeof *maker.sets),
        .is_in = scope_alloc_array(scratch, reader.count, sizeof *maker.is_in),
        .stack = scope_alloc_array(scratch, (size_t)2 * reader.count + 2, sizeof *maker.stack),
        .members = scope_alloc_array(scratch, reader.count, sizeof *maker.members),
        .states = scope_alloc_array(scratch, STATES_MAX, sizeof *maker.states),
    };
    struct phone_patterns *out = NULL;
    if (!reader.is_broken && make_states(&maker, start)) {
        out = scope_alloc(owner, sizeof *out);
        out->count = maker.count;
        out->states = scope_alloc_array(owner, maker.count, sizeof *out->states);
        memcpy(out->states, maker.states, maker.count * sizeof *out->states);
    }
    scope_close(scratch);
    return out;
}

/* --- matching --- */

uint32_t phone_patterns_match(const struct phone_patterns *patterns, struct text digits)
{
    uint32_t state = 1;
    for (size_t i = 0; i < digits.len && state != NOWHERE; i++)
        state = patterns->states[state].next[digits.at[i] - '0'];
    return patterns->states[state].matched;
}

uint32_t phone_patterns_match_front(const struct phone_patterns *patterns, struct text digits)
{
    uint32_t state = 1, matched = 0;
    for (size_t i = 0; i < digits.len && state != NOWHERE; i++) {
        state = patterns->states[state].next[digits.at[i] - '0'];
        matched |= patterns->states[state].matched;
    }
    return matched;
}
