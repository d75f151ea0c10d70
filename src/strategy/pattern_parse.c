/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a pattern straight into its graph. A fragment has one way in and a list of loose ends, by
 * Thompson's construction; a counted fragment is read again for each time it may stand. */
#include "strategy/pattern_private.h"

enum { NESTING_MAX = 10, COUNT_MAX = 100, LOOSE = UINT32_MAX - 1 };

struct reader {
    struct text in;
    size_t at;
    struct scope *scope;
    struct pattern_graph *graph;
    struct fault *fault;
    enum err err;
    size_t offset;
    uint32_t depth;
    bool is_folded; /* (?i) */
};

/* `in` is entered; every next or other that is LOOSE, from node `begin` on, leads out of it. */
struct fragment {
    uint32_t in;
    uint32_t begin;
};

static bool refuse(struct reader *reader, enum err err, size_t offset, const char *words)
{
    if (reader->err) return false;
    reader->err = fault_set(reader->fault, err, "", "%s", words);
    reader->offset = offset;
    return false;
}

uint32_t pattern_next_code(struct text text, size_t *at)
{
    unsigned char first = (unsigned char)text.at[(*at)++];
    if (first < 0x80) return first;
    uint32_t code = first >= 0xf0 ? first & 7U : first >= 0xe0 ? first & 15U : first & 31U;
    while (*at < text.len && ((unsigned char)text.at[*at] & 0xc0) == 0x80)
        code = code << 6 | ((unsigned char)text.at[(*at)++] & 63U);
    return code;
}

static char peek(const struct reader *reader)
{
    return reader->at < reader->in.len ? reader->in.at[reader->at] : 0;
}

static bool take(struct reader *reader, char c)
{
    bool is_here = reader->at < reader->in.len && reader->in.at[reader->at] == c;
    if (is_here) reader->at++;
    return is_here;
}

static bool is_at_end(const struct reader *reader)
{
    return reader->at >= reader->in.len;
}

static uint32_t add_node(struct reader *reader, struct pattern_node node)
{
    if (reader->graph->count == PATTERN_NODES_MAX) {
        (void)refuse(reader, ERR_LIMIT, reader->at, "the pattern is too large");
        return 0;
    }
    reader->graph->nodes[reader->graph->count] = node;
    return reader->graph->count++;
}

static void tie(struct reader *reader, struct fragment fragment, uint32_t end, uint32_t to)
{
    for (uint32_t i = fragment.begin; i < end; i++) {
        struct pattern_node *node = &reader->graph->nodes[i];
        if (node->next == LOOSE) node->next = to;
        if (node->other == LOOSE) node->other = to;
    }
}

/* --- sets --- */

static const struct pattern_range *add_range(struct reader *reader, const struct pattern_range *set,
                                             uint32_t first, uint32_t last)
{
    struct pattern_range *range = scope_alloc(reader->scope, sizeof *range);
    *range = (struct pattern_range){ set, first, last };
    set = range;
    if (!reader->is_folded) return set;
    for (uint32_t c = 'a'; c <= 'z'; c++) {
        uint32_t upper = c - 32;
        if (c >= first && c <= last) {
            reader->is_folded = false;
            set = add_range(reader, set, upper, upper);
            reader->is_folded = true;
        } else if (upper >= first && upper <= last) {
            reader->is_folded = false;
            set = add_range(reader, set, c, c);
            reader->is_folded = true;
        }
    }
    return set;
}

/* \d \w \s and their opposites; false: the letter stands for itself. */
static bool add_class(struct reader *reader, uint32_t letter, const struct pattern_range **set)
{
    static const struct {
        char letter;
        uint32_t ranges[4][2];
    } classes[] = {
        { 'd', { { '0', '9' } } },
        { 'w', { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } } },
        { 's', { { '\t', '\r' }, { ' ', ' ' }, { 0xa0, 0xa0 } } },
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        bool is_opposite = letter == (uint32_t)classes[i].letter - 32;
        if (letter != (uint32_t)classes[i].letter && !is_opposite) continue;
        uint32_t free = 0; /* the first that is in no range yet */
        for (size_t j = 0; j < 4 && classes[i].ranges[j][1] != 0; j++) {
            uint32_t first = classes[i].ranges[j][0], last = classes[i].ranges[j][1];
            *set = is_opposite ? add_range(reader, *set, free, first - 1)
                               : add_range(reader, *set, first, last);
            free = last + 1;
        }
        if (is_opposite) *set = add_range(reader, *set, free, CODE_POINT_MAX);
        return true;
    }
    return false;
}

/* Behind a backslash: a class goes into `*set`, a letter into `*code`. */
static bool read_escape(struct reader *reader, const struct pattern_range **set, uint32_t *code,
                        bool *is_class)
{
    size_t begin = reader->at - 1;
    *is_class = false;
    if (is_at_end(reader)) return refuse(reader, ERR_INVALID, begin, "a '\\' ends the pattern");
    *code = pattern_next_code(reader->in, &reader->at);
    bool is_letter = (*code >= 'a' && *code <= 'z') || (*code >= 'A' && *code <= 'Z') ||
                     (*code >= '0' && *code <= '9');
    if (!is_letter) return true;
    *is_class = add_class(reader, *code, set);
    if (*is_class) return true;
    if (*code == 't') return *code = '\t', true;
    if (*code == 'n') return *code = '\n', true;
    if (*code == 'r') return *code = '\r', true;
    if (*code >= '0' && *code <= '9')
        return refuse(reader, ERR_INVALID, begin,
                      "what a group matched cannot be matched again (back reference): it may take "
                      "more than linear time");
    return refuse(reader, ERR_INVALID, begin,
                  "this escape is not known: there are \\d \\w \\s \\D \\W \\S \\t \\n \\r and "
                  "escaped signs");
}

static bool read_set(struct reader *reader, struct pattern_node *node)
{
    size_t begin = reader->at - 1;
    node->is_negated = take(reader, '^');
    for (bool is_first = true; is_first || peek(reader) != ']'; is_first = false) {
        if (is_at_end(reader)) return refuse(reader, ERR_INVALID, begin, "'[' has no ']'");
        if (reader->graph->count == PATTERN_NODES_MAX) return false;
        size_t at = reader->at;
        bool is_class = false;
        struct text two = text_slice(reader->in, at, 2);
        if (text_eq(two, TEXT("[:")) || text_eq(two, TEXT("[.")) || text_eq(two, TEXT("[=")))
            return refuse(reader, ERR_INVALID, at, "named sets are not known, write [a-z]");
        uint32_t first = pattern_next_code(reader->in, &reader->at), last;
        if (first == '\\' && !read_escape(reader, &node->set, &first, &is_class)) return false;
        last = first;
        struct text rest = text_slice(reader->in, reader->at, 2);
        bool is_range = rest.len == 2 && rest.at[0] == '-' && rest.at[1] != ']';
        if (is_class && is_range)
            return refuse(reader, ERR_INVALID, at, "a range goes from one character to another");
        if (is_class) continue;
        if (is_range) {
            reader->at++;
            last = pattern_next_code(reader->in, &reader->at);
            if (last == '\\' && !read_escape(reader, &node->set, &last, &is_class)) return false;
            if (is_class || last < first)
                return refuse(reader, ERR_INVALID, at, "this range ends before it begins");
        }
        node->set = add_range(reader, node->set, first, last);
    }
    reader->at++;
    return true;
}

/* --- fragments --- */

static bool read_alternatives(struct reader *reader, struct fragment *out);

static bool read_group(struct reader *reader, struct fragment *out)
{
    size_t begin = reader->at - 1;
    if (take(reader, '?') && !take(reader, ':'))
        return refuse(reader, ERR_INVALID, begin,
                      "only (?: ) groups, and (?i) in front of all: looking around may take more "
                      "than linear time");
    if (++reader->depth > NESTING_MAX)
        return refuse(reader, ERR_LIMIT, begin, "too many groups in each other");
    if (!read_alternatives(reader, out)) return false;
    reader->depth--;
    return take(reader, ')') || refuse(reader, ERR_INVALID, begin, "'(' has no ')'");
}

static bool read_atom(struct reader *reader, struct fragment *out)
{
    size_t begin = reader->at;
    struct pattern_node node = { .kind = NODE_SET, .next = LOOSE, .other = NODE_NONE };
    uint32_t code = pattern_next_code(reader->in, &reader->at);
    bool is_class = false, is_fine = true;
    *out = (struct fragment){ .begin = reader->graph->count };
    if (code == '(') return read_group(reader, out);
    if (code == '^' || code == '$')
        return refuse(
            reader, ERR_INVALID, begin,
            "'^' and '$' may stand at the ends of the pattern or of its alternatives only");
    if (code == '*' || code == '+' || code == '?' || code == '{')
        return refuse(reader, ERR_INVALID, begin, "there is nothing here that could be repeated");
    if (code == '[') {
        is_fine = read_set(reader, &node);
    } else if (code == '.') {
        node.is_negated = true; /* not one of none */
    } else {
        if (code == '\\') is_fine = read_escape(reader, &node.set, &code, &is_class);
        if (is_fine && !is_class) node.set = add_range(reader, NULL, code, code);
    }
    if (!is_fine) return false;
    out->in = add_node(reader, node);
    return reader->err == ERR_OK;
}

static bool read_count(struct reader *reader, uint32_t *out)
{
    size_t begin = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9') reader->at++;
    struct text digits = text_slice(reader->in, begin, reader->at - begin);
    if (text_to_u32(digits, 0, COUNT_MAX, out) == ERR_OK) return true;
    return refuse(reader, ERR_INVALID, begin, "how often: a number up to 100");
}

/* How often the atom before may stand: max COUNT_MAX + 1 is for ever. */
static bool read_repetition(struct reader *reader, uint32_t *min, uint32_t *max)
{
    size_t begin = reader->at;
    *min = *max = 1;
    if (take(reader, '*')) {
        *min = 0;
        *max = COUNT_MAX + 1;
    } else if (take(reader, '+')) {
        *max = COUNT_MAX + 1;
    } else if (take(reader, '?')) {
        *min = 0;
    } else if (take(reader, '{')) {
        if (!read_count(reader, min)) return false;
        *max = *min;
        if (take(reader, ',')) {
            *max = COUNT_MAX + 1;
            if (peek(reader) != '}' && !read_count(reader, max)) return false;
        }
        if (!take(reader, '}')) return refuse(reader, ERR_INVALID, begin, "'{' has no '}'");
        if (*max < *min) return refuse(reader, ERR_INVALID, begin, "less often than at least");
    } else {
        return true;
    }
    char next = peek(reader);
    if (next == '?' || next == '+' || next == '*' || next == '{')
        return refuse(reader, ERR_INVALID, reader->at,
                      "a repetition of a repetition: here the longest and the shortest match are "
                      "the same, leave it out");
    return true;
}

/* Once more the atom that stands from `from` on; afterwards the reader stands behind it. */
static bool read_again(struct reader *reader, size_t from, struct fragment *out)
{
    uint32_t depth = reader->depth;
    reader->at = from;
    bool is_fine = read_atom(reader, out);
    reader->depth = depth;
    return is_fine;
}

/* Behind `chain`, which may be nothing yet. */
static void append(struct reader *reader, struct fragment *chain, bool *is_empty,
                   struct fragment part)
{
    if (*is_empty)
        *chain = part;
    else
        tie(reader, *chain, part.begin, part.in);
    *is_empty = false;
}

static uint32_t add_split(struct reader *reader, uint32_t next, uint32_t other)
{
    return add_node(reader,
                    (struct pattern_node){ .kind = NODE_SPLIT, .next = next, .other = other });
}

/* An atom as often as it may stand: a a a, then (a (a)?)? or a*. */
static bool read_repeated(struct reader *reader, struct fragment *chain, bool *is_empty)
{
    size_t from = reader->at;
    uint32_t first_node = reader->graph->count, min, max;
    struct fragment part;
    if (!read_atom(reader, &part) || !read_repetition(reader, &min, &max)) return false;
    size_t behind = reader->at;
    bool is_endless = max > COUNT_MAX;
    reader->graph->count = first_node; /* read anew below, in the order of the chain */
    for (uint32_t i = 0; i < min + is_endless || i < (is_endless ? 0 : max); i++) {
        uint32_t begin = reader->graph->count;
        bool is_optional = i >= min;
        uint32_t split = is_optional ? add_split(reader, NODE_NONE, LOOSE) : 0;
        if (reader->err || !read_again(reader, from, &part)) return false;
        part.begin = begin;
        if (is_optional) {
            struct pattern_node *node = &reader->graph->nodes[split];
            node->next = part.in;
            if (is_endless) {
                node->other = NODE_NONE;
                tie(reader, part, reader->graph->count, split);
                node->other = LOOSE;
            }
            part.in = split;
        }
        append(reader, chain, is_empty, part);
    }
    if (max == 0 && *is_empty) { /* a{0} */
        part = (struct fragment){ .begin = reader->graph->count };
        part.in = add_split(reader, LOOSE, NODE_NONE);
        append(reader, chain, is_empty, part);
    }
    reader->at = behind;
    return reader->err == ERR_OK;
}

static bool ends_sequence(const struct reader *reader)
{
    char c = peek(reader);
    if (is_at_end(reader) || c == '|' || c == ')') return true;
    if (c != '$' || reader->depth > 0) return false;
    return reader->at + 1 == reader->in.len || reader->in.at[reader->at + 1] == '|';
}

static bool read_sequence(struct reader *reader, struct fragment *out)
{
    bool is_empty = true;
    while (!ends_sequence(reader))
        if (!read_repeated(reader, out, &is_empty)) return false;
    if (is_empty) { /* nothing matches everywhere */
        *out = (struct fragment){ .begin = reader->graph->count };
        out->in = add_split(reader, LOOSE, NODE_NONE);
    }
    return reader->err == ERR_OK;
}

/* At the top an alternative is finished: where it may begin, and where it may end. */
static bool read_top_sequence(struct reader *reader, struct fragment *out)
{
    bool is_anchored = take(reader, '^');
    struct fragment part;
    uint32_t begin = reader->graph->count;
    if (!read_sequence(reader, &part)) return false;
    uint32_t end =
        add_node(reader, (struct pattern_node){ take(reader, '$') ? NODE_END : NODE_FOUND,
                                                NODE_NONE, NODE_NONE, NULL, false });
    tie(reader, part, end, end);
    if (!is_anchored) {
        uint32_t any =
            add_node(reader, (struct pattern_node){ NODE_SET, NODE_NONE, NODE_NONE, NULL, true });
        uint32_t split = add_split(reader, part.in, any);
        reader->graph->nodes[any].next = split;
        part.in = split;
    }
    *out = (struct fragment){ part.in, begin };
    return reader->err == ERR_OK;
}

static bool read_alternatives(struct reader *reader, struct fragment *out)
{
    uint32_t begin = reader->graph->count;
    bool is_top = reader->depth == 0;
    struct fragment part;
    if (!(is_top ? read_top_sequence(reader, out) : read_sequence(reader, out))) return false;
    while (take(reader, '|')) {
        if (!(is_top ? read_top_sequence(reader, &part) : read_sequence(reader, &part)))
            return false;
        out->in = add_split(reader, out->in, part.in);
    }
    out->begin = begin;
    return reader->err == ERR_OK;
}

enum err pattern_parse(struct text source, struct scope *scope, struct pattern_graph *out,
                       size_t *offset, struct fault *fault)
{
    struct reader reader = { .in = source, .scope = scope, .graph = out, .fault = fault };
    struct fragment all = { 0 };
    out->count = 0;
    if (text_starts(source, TEXT("(?i)"))) {
        reader.is_folded = true;
        reader.at = 4;
    }
    bool is_fine = read_alternatives(&reader, &all);
    if (is_fine && !is_at_end(&reader))
        (void)refuse(&reader, ERR_INVALID, reader.at, "a ')' too many");
    out->start = all.in;
    *offset = reader.offset;
    return reader.err;
}
